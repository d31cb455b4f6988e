//! What is outside of a bot: webhooks, hooks, triggers, knowledge, channels.

use super::bot::{FieldDef, Shared};
use super::expr::Expr;
use super::service::RuleOrigin;
use crate::value::{FieldId, OpId, RuleId, TextId, Type};
use flow_grammar::Loc;
use flow_grammar::ast::Method;
use smol_str::SmolStr;
use std::sync::Arc;

/// A webhook.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Its name.
    pub name: SmolStr,
    /// Its parameters.
    pub params: Vec<ParamDef>,
    /// What it answers; absent: nothing that the flow reads.
    pub returns: Option<(Type, bool)>,
    /// The method.
    pub method: Method,
    /// The URL (parameters, `env`, `secret`).
    pub url: TextId,
    /// Headers.
    pub headers: Vec<(TextId, TextId)>,
    /// The JSON body.
    pub send: Option<Vec<(SmolStr, Expr)>>,
    /// Milliseconds in total (default 10 s).
    pub timeout: i64,
    /// Further attempts (default 0).
    pub retry: u32,
    /// A key is sent.
    pub idempotent: bool,
    /// Signed with this secret.
    pub signed: Option<SmolStr>,
    /// Private values it may carry.
    pub shares: Vec<Shared>,
    /// Where it is declared.
    pub loc: Loc,
    /// Where its name stands.
    pub name_loc: Loc,
}

/// A parameter.
#[derive(Debug, Clone)]
pub struct ParamDef {
    /// Its name.
    pub name: SmolStr,
    /// Its type.
    pub ty: Type,
    /// Whether unknown may be passed.
    pub optional: bool,
    /// Where it is declared.
    pub loc: Loc,
}

/// A hook.
#[derive(Debug, Clone)]
pub struct Hook {
    /// Its name: the function in the script.
    pub name: SmolStr,
    /// Its parameters.
    pub params: Vec<ParamDef>,
    /// What it answers.
    pub returns: Type,
    /// Whether it may answer unknown.
    pub optional: bool,
    /// The script's path in the project.
    pub path: SmolStr,
    /// The script.
    pub script: Arc<str>,
    /// Where it is declared.
    pub loc: Loc,
    /// Where its path is written.
    pub path_loc: Loc,
}

/// A trigger.
#[derive(Debug, Clone)]
pub struct Trigger {
    /// Its name.
    pub name: SmolStr,
    /// The path under the daemon's endpoint.
    pub path: SmolStr,
    /// The secret.
    pub secret: Option<SmolStr>,
    /// The scheme (default `standard`).
    pub scheme: SmolStr,
    /// The payload.
    pub payload: Vec<FieldDef>,
    /// `find customer by FIELD`: the profile field; the payload has a field of the same name.
    pub find_by: Option<FieldId>,
    /// The condition.
    pub when: Option<Expr>,
    /// What happens.
    pub entry: OpId,
    /// Where it is declared.
    pub loc: Loc,
}

/// A knowledge base.
#[derive(Debug, Clone)]
pub struct Knowledge {
    /// Its name.
    pub name: SmolStr,
    /// `(path, text)`.
    pub files: Vec<(SmolStr, Arc<str>)>,
    /// Where it is declared.
    pub loc: Loc,
}

/// A channel with what is known of it.
#[derive(Debug, Clone)]
pub struct Channel {
    /// Its name.
    pub name: SmolStr,
    /// Milliseconds in which a free message may follow the customer's last one.
    pub window: Option<i64>,
    /// The template that reopens.
    pub reopen_template: Option<SmolStr>,
    /// Where to go on when the customer has left.
    pub follow_up: Option<SmolStr>,
    /// Limits.
    pub limits: ChannelLimits,
    /// Where it is declared, or the bot's `channels` item.
    pub loc: Loc,
}

/// What a channel takes. `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChannelLimits {
    /// Reply buttons.
    pub buttons: Option<u32>,
    /// Characters of a button.
    pub button_label: Option<u32>,
    /// Rows of a list, where more choices than buttons become a list.
    pub list_rows: Option<u32>,
    /// Characters of a row.
    pub row_label: Option<u32>,
    /// Characters of a text.
    pub text: Option<u32>,
    /// Whether the channel itself proves who writes (a WhatsApp number).
    pub vouches_phone: bool,
}

/// The rule of a given origin and name; kept for whoever needs all three.
pub type RuleRef = (RuleId, RuleOrigin);
