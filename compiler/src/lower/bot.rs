//! The bot, its tiers and its channels.

use super::{Lower, words};
use crate::env::Kind;
use crate::load::decl as decl_of;
use crate::machine::{
    Band, BandAction, Bot, Channel, ChannelLimits, CodeOwner, Expr, ExprKind, OpKind, Shared,
    Signal, Tier, Tool,
};
use crate::value::{KnowledgeId, NodeId, OpId, SlotId, TierId, Type, Value, WebhookId};
use flow_grammar::{
    Diagnostic,
    ast::{self, BotDecl, DeclKind, Path, TextRef, TierDecl},
};
use smol_str::SmolStr;

const HOUR: i64 = 3_600_000;

impl Lower<'_> {
    pub(super) fn bot_and_tiers(&mut self) {
        let env = self.env;
        for (i, info) in (0u32..).zip(&env.tiers) {
            let mut tier = Tier {
                name: info.name.clone(),
                kind: info.kind,
                cost: None,
                reply_within: None,
                model: None,
                knowledge: Vec::new(),
                tools: Vec::new(),
                shares_transcript: false,
                shares: Vec::new(),
                persona: None,
                forbid: Vec::new(),
                turns_at_most: None,
                bands: Vec::new(),
                loc: info.name_loc,
                name_loc: info.name_loc,
            };
            if let Some(id) = info.decl
                && let Some(DeclKind::Tier(tree)) = decl_of(self.sources, id).map(|d| &d.kind)
            {
                self.enter(id);
                self.tier(TierId(i), tree, &mut tier);
            }
            self.out.tiers.push(tier);
        }
        if let Some(id) = env.bot
            && let Some(DeclKind::Bot(tree)) = decl_of(self.sources, id).map(|d| &d.kind)
        {
            self.enter(id);
            self.bot(tree);
        }
    }

    fn bot(&mut self, tree: &BotDecl) {
        let name = tree
            .name
            .as_ref()
            .map(|n| n.text.clone())
            .unwrap_or_default();
        let title = match &tree.title {
            Some(TextRef::Lit(lit)) => lit.plain().map_or_else(|| words(&name), SmolStr::new),
            Some(TextRef::Name(path)) => {
                self.report(
                    Diagnostic::error(
                        "F0301",
                        "the title of a bot is a plain text",
                        self.loc(path.span),
                    )
                    .help("write it in quotes"),
                );
                words(&name)
            }
            None => words(&name),
        };
        let timezone = self
            .zone(tree.timezone.as_ref())
            .unwrap_or_else(|| SmolStr::new_static("UTC"));
        let mut start = NodeId(0);
        let mut start_lines = Vec::new();
        if let Some(item) = &tree.start {
            if let Some(id) = self.named(Kind::Node, &item.node) {
                start = NodeId(id);
            }
            for (tier, cond) in &item.lines {
                let cond = self.cond(cond);
                if let Some(tier) = self.tier_named(tier) {
                    start_lines.push((tier, cond));
                }
            }
        }
        if let Some(from) = &tree.understands_from {
            let expr = Expr {
                kind: ExprKind::Const(Value::Percent(from.node)),
                ty: Type::Percent,
                loc: self.loc(from.span),
            };
            self.value_in_range(&expr, Signal::Confidence);
        }
        let menu = if tree.menu.is_empty() {
            Vec::new()
        } else {
            let code = self.begin_code(CodeOwner::Menu, tree.span);
            let finish = self.op(OpKind::Finish, tree.span);
            let buttons = self.buttons(&tree.menu, finish);
            self.end_code(code, buttons.first().map_or(finish, |b| b.to));
            buttons
        };
        let discloses = self.text_opt(tree.discloses.as_ref());
        let name_loc = self.loc(tree.name.as_ref().map_or(tree.span, |n| n.span));
        self.out.bot = Some(Bot {
            name,
            title,
            languages: self.env.languages.clone(),
            channels: self.env.channels.clone(),
            timezone,
            start,
            start_lines,
            menu,
            discloses,
            reopen_within: tree.reopen_within.as_ref().map(|r| r.node),
            abandon_after: tree.abandon_after.as_ref().map(|a| a.node),
            understands_from: tree.understands_from.as_ref().map_or(0.8, |u| u.node),
            loc: self.loc(tree.span),
            name_loc,
        });
    }

    /// A time zone that exists.
    pub(super) fn zone(&mut self, lit: Option<&ast::TextLit>) -> Option<SmolStr> {
        let lit = lit?;
        let name = lit.plain()?;
        if jiff::tz::TimeZone::get(&name).is_ok() {
            return Some(SmolStr::new(name));
        }
        let at = self.loc(lit.span);
        self.report(
            Diagnostic::error("F0301", format!("`{name}` is no time zone"), at)
                .help("names are like `Europe/London` and `America/New_York`"),
        );
        None
    }

    fn tier(&mut self, id: TierId, tree: &TierDecl, tier: &mut Tier) {
        tier.loc = self.loc(tree.span);
        tier.reply_within = tree.reply_within.as_ref().map(|r| r.node);
        tier.model = tree.model.as_ref().map(|m| m.text.clone());
        tier.turns_at_most = tree.turns_at_most.as_ref().map(|t| t.node);
        tier.forbid = tree
            .forbid
            .iter()
            .filter_map(ast::TextLit::plain)
            .map(SmolStr::new)
            .collect();
        tier.persona = self.text_opt(tree.persona.as_ref());
        if let Some(cost) = &tree.cost
            && let Some(Value::Money(money)) = self.value_as(cost, &Type::Money, "F0301")
        {
            tier.cost = Some(money);
        }
        for path in &tree.knowledge {
            if let Some(id) = self.named(Kind::Knowledge, path) {
                tier.knowledge.push(KnowledgeId(id));
            }
        }
        for tool in &tree.tools {
            if let Some(id) = self.named(Kind::Webhook, &tool.webhook) {
                tier.tools.push(Tool {
                    webhook: WebhookId(id),
                    confirm: tool.confirm,
                    loc: self.loc(tool.span),
                });
            }
        }
        for path in &tree.shares {
            if matches!(path.segments.as_slice(), [one] if one.text == "transcript") {
                tier.shares_transcript = true;
            } else if let Some(shared) = self.shared(path) {
                tier.shares.push(shared);
            }
        }
        if let Some(answers) = &tree.answers {
            let code = self.begin_code(CodeOwner::Band(id), answers.span);
            let first = OpId(super::index(self.out.ops.len()));
            let subject = Expr {
                kind: ExprKind::Signal(Signal::Confidence),
                ty: Type::Percent,
                loc: self.loc(answers.span),
            };
            for band in &answers.bands {
                let action = match &band.action {
                    ast::BandAction::Send => BandAction::Send,
                    ast::BandAction::Confirm(text) => {
                        BandAction::Confirm(self.text_opt(text.as_ref()))
                    }
                    ast::BandAction::Offer(tier) => match self.tier_named(tier) {
                        Some(tier) => BandAction::Offer(tier),
                        None => continue,
                    },
                    ast::BandAction::Escalate(escalate) => {
                        BandAction::Instead(self.escalate(escalate))
                    }
                    ast::BandAction::Goto(target) => BandAction::Instead(self.target(target)),
                    ast::BandAction::Error => continue,
                };
                let (patterns, _) = self.cells(std::slice::from_ref(&band.range), &subject);
                if let Some(range) = patterns.into_iter().next() {
                    tier.bands.push(Band {
                        range,
                        action,
                        loc: self.loc(band.span),
                    });
                }
            }
            let mut ranges: Vec<Vec<_>> =
                tier.bands.iter().map(|b| vec![b.range.clone()]).collect();
            super::cells::share_ends(&mut ranges);
            for (band, range) in tier.bands.iter_mut().zip(ranges) {
                if let Some(range) = range.into_iter().next() {
                    band.range = range;
                }
            }
            if self.out.ops.len() == first.index() {
                self.op(OpKind::Finish, answers.span);
            }
            self.end_code(code, first);
        }
    }

    /// A private value that may leave.
    pub(super) fn shared(&mut self, path: &Path) -> Option<Shared> {
        match self.var(path)?.0 {
            crate::machine::Var::Customer(id) => Some(Shared::Customer(id)),
            crate::machine::Var::Slot(SlotId(id)) => Some(Shared::Slot(SlotId(id))),
        }
    }

    pub(super) fn channels(&mut self, unnamed: &[u32]) {
        let bot_loc = self
            .out
            .bot
            .as_ref()
            .map_or_else(|| crate::load::whole(self.sources), |b| b.name_loc);
        for name in &self.env.channels {
            let known = built_in(name);
            if known.is_none()
                && let Some(id) = self.env.bot
                && let Some(DeclKind::Bot(tree)) = decl_of(self.sources, id).map(|d| &d.kind)
                && let Some(word) = tree.channels.iter().find(|c| c.text == *name)
            {
                self.enter(id);
                let at = self.loc(word.span);
                let found = Diagnostic::error("F0201", format!("unknown channel `{name}`"), at);
                let mut found = super::suggest(found, name, at, CHANNELS);
                if found.help.is_none() {
                    found = found.help(format!(
                        "channels are {}",
                        CHANNELS.map(|c| format!("`{c}`")).join(", ")
                    ));
                }
                self.report(found);
            }
            let (limits, window) = known.unwrap_or_default();
            self.out.channels.push(Channel {
                name: name.clone(),
                window,
                reopen_template: None,
                follow_up: None,
                limits,
                loc: bot_loc,
            });
        }
        for &id in unnamed {
            let Some(DeclKind::Channel(tree)) = decl_of(self.sources, id).map(|d| &d.kind) else {
                continue;
            };
            self.enter(id);
            let Some(name) = &tree.name else { continue };
            if self.channel_name(name).is_none() {
                continue;
            }
            let follow_up = tree.follow_up.as_ref().and_then(|f| {
                // People may be reached where the bot itself does not listen.
                if CHANNELS.contains(&f.text.as_str()) {
                    Some(f.text.clone())
                } else {
                    self.channel_name(f)
                }
            });
            let loc = self.loc(name.span);
            let mut unknown = Vec::new();
            let Some(channel) = self.out.channels.iter_mut().find(|c| c.name == name.text) else {
                continue;
            };
            channel.loc = loc;
            if let Some(window) = &tree.window {
                channel.window = Some(window.node);
            }
            channel.follow_up = follow_up.or_else(|| channel.follow_up.clone());
            if let Some(template) = tree.reopen_template.as_ref().and_then(ast::TextLit::plain) {
                channel.reopen_template = Some(SmolStr::new(template));
            }
            for (word, number) in &tree.limits {
                let limits = &mut channel.limits;
                let slot = match word.text.as_str() {
                    "buttons" => &mut limits.buttons,
                    "label" => &mut limits.button_label,
                    "rows" => &mut limits.list_rows,
                    "row" => &mut limits.row_label,
                    "text" => &mut limits.text,
                    _ => {
                        unknown.push(word.clone());
                        continue;
                    }
                };
                *slot = Some(number.node);
            }
            for word in unknown {
                self.report(
                    Diagnostic::error(
                        "F0201",
                        format!("unknown limit `{}`", word.text),
                        self.loc(word.span),
                    )
                    .help("limits are `buttons`, `label`, `rows`, `row` and `text`"),
                );
            }
        }
    }
}

const CHANNELS: [&str; 8] = [
    "web",
    "whatsapp",
    "messenger",
    "instagram",
    "telegram",
    "slack",
    "email",
    "sms",
];

/// Whether the product knows a channel of this name.
pub(super) fn is_channel(name: &str) -> bool {
    CHANNELS.contains(&name)
}

/// What a channel takes, and the time in which a free message may follow the customer's last one.
fn built_in(name: &str) -> Option<(ChannelLimits, Option<i64>)> {
    let none = ChannelLimits::default();
    Some(match name {
        "web" | "email" => (none, None),
        "whatsapp" => (
            ChannelLimits {
                buttons: Some(3),
                button_label: Some(20),
                list_rows: Some(10),
                row_label: Some(24),
                text: Some(4096),
                vouches_phone: true,
            },
            Some(24 * HOUR),
        ),
        "messenger" => (
            ChannelLimits {
                buttons: Some(13),
                button_label: Some(20),
                text: Some(2000),
                ..none
            },
            Some(24 * HOUR),
        ),
        "instagram" => (
            ChannelLimits {
                buttons: Some(13),
                button_label: Some(20),
                text: Some(1000),
                ..none
            },
            Some(24 * HOUR),
        ),
        "telegram" => (
            ChannelLimits {
                text: Some(4096),
                ..none
            },
            None,
        ),
        "slack" => (
            ChannelLimits {
                buttons: Some(25),
                button_label: Some(75),
                text: Some(3000),
                ..none
            },
            None,
        ),
        "sms" => (
            ChannelLimits {
                text: Some(1600),
                ..none
            },
            None,
        ),
        _ => return None,
    })
}
