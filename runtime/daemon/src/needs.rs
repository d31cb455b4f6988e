//! What a bot needs of its surroundings and does not have: variables, services. Said when it is loaded and by `flowd check`, not first when a
//! customer waits for it.

use crate::config::Config;
use flow_compiler::machine::{ExprKind, Machine, OpKind, TextPart};
use flow_compiler::value::TextId;
use smol_str::SmolStr;
use std::collections::BTreeSet;

/// Everything that is missing, one sentence each, in a stable order.
#[must_use]
pub fn missing(machine: &Machine, config: &Config) -> Vec<String> {
    let mut out = Vec::new();
    let set = |name: &str| config.environment.get(name).is_ok();
    for webhook in &machine.webhooks {
        let headers = webhook
            .headers
            .iter()
            .flat_map(|(name, value)| [*name, *value]);
        let mut names: BTreeSet<SmolStr> = variables(machine, webhook.url);
        names.extend(headers.flat_map(|text| variables(machine, text)));
        names.extend(webhook.signed.clone());
        for name in names.iter().filter(|name| !set(name)) {
            out.push(format!(
                "the webhook `{}` needs the environment variable `{name}`, which is not set: every call of it fails",
                webhook.name
            ));
        }
    }
    for trigger in &machine.triggers {
        if let Some(name) = trigger.secret.as_ref().filter(|name| !set(name)) {
            out.push(format!(
                "the trigger `{}` needs the environment variable `{name}`, which is not set: every event of it is refused",
                trigger.name
            ));
        }
    }
    for tier in &machine.tiers {
        if let Some(model) = tier
            .model
            .as_ref()
            .filter(|m| !config.models.contains_key(m.as_str()))
        {
            out.push(format!(
                "the tier `{}` names the model `{model}`, and flow.toml has no [models.{model}]: it answers from the knowledge alone",
                tier.name
            ));
        }
    }
    let verifies = machine
        .ops
        .iter()
        .any(|op| matches!(op.kind, OpKind::Verify { .. }));
    if verifies && config.verification.is_none() {
        out.push("the bot verifies addresses, and flow.toml has no [verification]: every verification fails".to_owned());
    }
    let whatsapp = machine.bot.channels.iter().any(|c| c == "whatsapp");
    if whatsapp && config.whatsapp.is_none() {
        out.push("the bot has the channel `whatsapp`, and flow.toml has no [whatsapp]: nobody can write there".to_owned());
    }
    out
}

/// What the bot declares and this daemon does not do, one sentence each: nothing is wrong, but nobody should count on it.
#[must_use]
pub fn undone(machine: &Machine) -> Vec<String> {
    let channels = machine.channels.iter();
    channels
        .filter_map(|channel| {
            let way = channel.follow_up.as_ref()?;
            Some(format!(
                "`channel {} {{ follow up on {way} }}` is declared, and flowd sends no {way}: customers who left read what was written when they come back",
                channel.name
            ))
        })
        .collect()
}

/// The variables of the environment that a text is filled from.
fn variables(machine: &Machine, text: TextId) -> BTreeSet<SmolStr> {
    let variants = machine.text(text).map(|t| t.variants.as_slice());
    let parts = variants.unwrap_or_default().iter().flat_map(|v| &v.parts);
    parts
        .filter_map(|part| match part {
            TextPart::Expr(expr) => match &expr.kind {
                ExprKind::Env(name) | ExprKind::Secret(name) => Some(name.clone()),
                _ => None,
            },
            TextPart::Str(_) => None,
        })
        .collect()
}
