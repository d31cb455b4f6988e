//! The bot, its channels and tiers; understanding, nodes and texts.

use super::question::{Heads, Parts};
use super::words;
use super::{Builder, Pair, Rule};
use crate::ast::*;
use crate::diagnostic::{Diagnostic, Edit};
use crate::span::{Name, Span, Spanned};

impl Builder<'_> {
    pub(super) fn use_decl(&mut self, pair: Pair) -> DeclKind {
        const USAGE: &str = "write `use \"../folder\" as name`";
        let mut parts = Parts::of(pair.clone());
        let path = parts.get(Rule::text);
        let Some(path) = self.need_lit(path, &pair, USAGE) else {
            return DeclKind::Error;
        };
        let alias = match parts.get(Rule::as_name) {
            Some(part) => self.as_name(part),
            None => {
                self.expected_after("`as NAME`", path.span, pair.get_input(), USAGE);
                None
            }
        };
        self.decl_end(&mut parts);
        DeclKind::Use(UseDecl { path, alias })
    }

    pub(super) fn include(&mut self, pair: Pair) -> DeclKind {
        let mut parts = Parts::of(pair.clone());
        let path = parts.get(Rule::path);
        let Some(path) = self.need_path(
            path,
            "a name",
            &pair,
            "write `include NAME` with the name of a `use`",
        ) else {
            return DeclKind::Error;
        };
        self.decl_end(&mut parts);
        DeclKind::Include(path)
    }

    pub(super) fn bot(&mut self, pair: Pair) -> DeclKind {
        let mut parts = Parts::of(pair.clone());
        let before = self.diagnostics.len();
        let name = self.decl_name(&mut parts, &pair, "write `bot NAME { .. }`");
        let mut out = BotDecl {
            name,
            title: None,
            languages: Vec::new(),
            channels: Vec::new(),
            timezone: None,
            tiers: Vec::new(),
            start: None,
            menu: Vec::new(),
            discloses: None,
            reopen_within: None,
            abandon_after: None,
            understands_from: None,
            span: self.span(&pair),
        };
        let (Some(start), at) = (self.src.find("bot"), out.span) else {
            return DeclKind::Bot(Box::new(out));
        };
        out.span = at.to(crate::normal::span(start, start));
        self.decl_block(
            &mut parts,
            &pair,
            before,
            (Rule::bot_block, Rule::bot_item),
            &words::BOT,
            &mut |b, item| {
                b.bot_item(item, &mut out);
            },
        );
        DeclKind::Bot(Box::new(out))
    }

    fn bot_item(&mut self, pair: Pair, out: &mut BotDecl) {
        let item = pair.clone();
        let rule = pair.as_rule();
        let mut parts = Parts::of(pair);
        match rule {
            Rule::tiers => {
                const USAGE: &str = "write the ladder, lowest first: `tiers bot -> ai -> human`";
                let mut commas: Vec<Span> = Vec::new();
                for part in parts {
                    if part.as_rule() == Rule::tier_comma {
                        commas.push(self.span(&part));
                    } else {
                        out.tiers.push(self.name(&part));
                    }
                }
                if let Some(first) = commas.first() {
                    let edits = commas.iter().map(|at| Edit {
                        at: *at,
                        text: " ->".to_owned(),
                    });
                    self.push(
                        Diagnostic::error("F0101", "tiers are joined by `->`, found `,`", *first)
                            .help(USAGE)
                            .fix("write `->`", false, edits.collect()),
                    );
                }
                if out.tiers.is_empty() {
                    self.expected("a tier", &item, USAGE);
                }
            }
            Rule::start => {
                let span = self.span(&item);
                let node = parts.get(Rule::path);
                let Some(node) = self.need_path(node, "a node", &item, "write `start NODE`") else {
                    return;
                };
                let mut lines = Vec::new();
                if let Some(block) = parts.get(Rule::start_block) {
                    self.walk(
                        block.into_inner(),
                        &words::START,
                        Rule::start_item,
                        &mut |b, line| {
                            if let Some(line) = b.start_line(line) {
                                lines.push(line);
                            }
                        },
                    );
                }
                out.start = Some(StartItem { node, lines, span });
            }
            Rule::menu => {
                let block = parts.get(Rule::qblock);
                if block.is_none() {
                    self.expected("`{`", &item, "write `menu { \"Label\" -> node }`");
                }
                out.menu = self.question(block, Heads::Labels(&[]), 0).arms;
            }
            _ => self.bot_value(parts, &item, out),
        }
    }

    fn bot_value(&mut self, mut parts: Parts, item: &Pair, out: &mut BotDecl) {
        let Some(word) = parts.get(Rule::kw) else {
            return;
        };
        match word.as_str() {
            "title" => {
                let text = parts.take_text_ref();
                out.title = self.need_text(text, item, "write `title \"name\"`");
            }
            "discloses" => {
                let text = parts.take_text_ref();
                out.discloses = self.need_text(
                    text,
                    item,
                    "write `discloses \"You're chatting with an AI.\"`",
                );
            }
            "timezone" => {
                let text = parts.get(Rule::text);
                out.timezone = self.need_lit(text, item, "write `timezone \"Europe/London\"`");
            }
            "languages" => {
                out.languages =
                    self.name_list(&mut parts, "a language", item, "write `languages en, es`")
            }
            "channels" => {
                out.channels = self.name_list(
                    &mut parts,
                    "a channel",
                    item,
                    "write `channels web, whatsapp`",
                )
            }
            "reopen" => {
                out.reopen_within = self.lasting(parts, item, "within", "write `reopen within 48h`")
            }
            "abandon" => {
                out.abandon_after = self.lasting(parts, item, "after", "write `abandon after 30m`")
            }
            _ => {
                const USAGE: &str = "write `understands from 80%`";
                if self.preposition(&mut parts, item, "from", USAGE) {
                    match parts.get(Rule::num) {
                        Some(number) => out.understands_from = self.percent(&number, USAGE),
                        None => self.expected("a percentage", item, USAGE),
                    }
                }
            }
        }
    }

    /// The word between a keyword and its value.
    fn preposition(&mut self, parts: &mut Parts, item: &Pair, word: &str, usage: &str) -> bool {
        let head = item.as_span().start()
            + item
                .as_str()
                .bytes()
                .take_while(|b| *b != b' ' && *b != b'\n')
                .count();
        match parts.get(Rule::prep) {
            Some(prep) if prep.as_str() == word => true,
            found => {
                self.expected_at(&format!("`{word}`"), item.get_input(), head, usage);
                // Another preposition stands there: which of the two is meant, only the author knows.
                if found.is_none() && parts.peek() == Some(Rule::num) {
                    self.insertion(word, vec![(head, format!(" {word}"))]);
                }
                false
            }
        }
    }

    /// `KEYWORD within DURATION`; an empty `word` for `KEYWORD DURATION`.
    pub(super) fn lasting(
        &mut self,
        mut parts: Parts,
        item: &Pair,
        word: &str,
        usage: &str,
    ) -> Option<Spanned<i64>> {
        if !word.is_empty() && !self.preposition(&mut parts, item, word, usage) {
            return None;
        }
        let number = parts.get(Rule::num);
        self.need_duration(number, item, usage)
    }

    fn start_line(&mut self, pair: Pair) -> Option<(Name, Expr)> {
        let item = pair.clone();
        let mut parts = Parts::of(pair);
        let tier = parts.get(Rule::name)?;
        let tier = self.name(&tier);
        match parts.get(Rule::when).and_then(|when| self.when(when)) {
            Some(cond) => Some((tier, cond)),
            None => {
                self.expected("`when`", &item, "write `TIER when CONDITION`");
                None
            }
        }
    }

    pub(super) fn channel(&mut self, pair: Pair) -> DeclKind {
        let mut parts = Parts::of(pair.clone());
        let before = self.diagnostics.len();
        let name = self.decl_name(&mut parts, &pair, "write `channel NAME { .. }`");
        let mut out = ChannelDecl {
            name,
            window: None,
            reopen_template: None,
            follow_up: None,
            limits: Vec::new(),
        };
        let rules = (Rule::channel_block, Rule::channel_item);
        self.decl_block(
            &mut parts,
            &pair,
            before,
            rules,
            &words::CHANNEL,
            &mut |b, item| {
                let whole = item.clone();
                let rule = item.as_rule();
                let mut parts = Parts::of(item);
                match rule {
                    Rule::reopen_template => {
                        let text = parts.get(Rule::text);
                        const USAGE: &str = "write `reopen template \"name\"`";
                        out.reopen_template = b.need_lit(text, &whole, USAGE);
                        if out.reopen_template.is_some() {
                            b.small_words(&whole, &["template"], USAGE);
                        }
                    }
                    Rule::follow_up => {
                        let name = parts.get(Rule::name);
                        const USAGE: &str = "write `follow up on CHANNEL`";
                        out.follow_up = b.need_name(name, "a channel", &whole, USAGE);
                        if out.follow_up.is_some() {
                            b.small_words(&whole, &["up", "on"], USAGE);
                        }
                    }
                    Rule::limit => {
                        let Some(word) = parts.get(Rule::kw) else {
                            return;
                        };
                        let word = b.name(&word);
                        let number = parts.get(Rule::num);
                        if let Some(number) =
                            b.need_whole(number, &whole, "write `buttons at most 3`")
                        {
                            out.limits.push((word, number));
                        }
                    }
                    _ => {
                        parts.get(Rule::kw);
                        out.window = b.lasting(parts, &whole, "", "write `window 24h`");
                    }
                }
            },
        );
        DeclKind::Channel(Box::new(out))
    }

    pub(super) fn tier(&mut self, pair: Pair) -> DeclKind {
        const USAGE: &str =
            "write `tier NAME: scripted`, `tier NAME: model` or `tier NAME: people`";
        let mut parts = Parts::of(pair.clone());
        let before = self.diagnostics.len();
        let name = self.decl_name(&mut parts, &pair, USAGE);
        let mut out = TierDecl {
            name,
            kind: None,
            cost: None,
            reply_within: None,
            model: None,
            knowledge: Vec::new(),
            tools: Vec::new(),
            shares: Vec::new(),
            persona: None,
            forbid: Vec::new(),
            turns_at_most: None,
            answers: None,
            span: self.span(&pair),
        };
        if let Some(name) = out
            .name
            .as_ref()
            .filter(|_| parts.get(Rule::colon).is_none())
        {
            let at = name.span.end as isize - self.base;
            self.expected_at(
                "`:` and a kind",
                pair.get_input(),
                usize::try_from(at).unwrap_or_default(),
                USAGE,
            );
        }
        match parts.get(Rule::tier_kind) {
            Some(kind) => {
                let at = self.span(&kind);
                out.kind = match kind.as_str() {
                    "scripted" => Some(Spanned::new(TierKind::Scripted, at)),
                    "model" => Some(Spanned::new(TierKind::Model, at)),
                    "people" => Some(Spanned::new(TierKind::People, at)),
                    other => {
                        self.error(format!("there is no kind of tier `{other}`"), at, USAGE);
                        None
                    }
                };
            }
            None if self.diagnostics.len() == before => {
                let colon = pair.get_input().find(':').map_or(0, |n| n + 1);
                self.expected_at("the kind of the tier", pair.get_input(), colon, USAGE);
            }
            None => {}
        }
        self.decl_block(
            &mut parts,
            &pair,
            before,
            (Rule::tier_block, Rule::tier_item),
            &words::TIER,
            &mut |b, item| {
                b.tier_item(item, &mut out);
            },
        );
        DeclKind::Tier(Box::new(out))
    }

    fn tier_item(&mut self, pair: Pair, out: &mut TierDecl) {
        let item = pair.clone();
        let rule = pair.as_rule();
        let mut parts = Parts::of(pair);
        if rule == Rule::tools {
            const USAGE: &str = "write `tools WEBHOOK, WEBHOOK confirm`";
            while let Some(tool) = parts.get(Rule::tool) {
                let span = self.span(&tool);
                let mut inner = Parts::of(tool);
                if let Some(webhook) = inner.get(Rule::path) {
                    let webhook = self.path(&webhook);
                    out.tools.push(ToolItem {
                        webhook,
                        confirm: inner.next().is_some(),
                        span,
                    });
                }
            }
            self.list_end(&mut parts, out.tools.is_empty(), "a webhook", &item, USAGE);
            return;
        }
        if rule == Rule::answers {
            let span = self.span(&item);
            let mut bands = Vec::new();
            let block = parts.get(Rule::bands);
            if block.is_some() {
                self.small_words(
                    &item,
                    &["by", "confidence"],
                    "write `answers by confidence { 80%..100% send; .. }`",
                );
            }
            self.block(
                block,
                &item,
                &words::BAND,
                Rule::band_item,
                &mut |b, band| {
                    if let Some(band) = b.band(band) {
                        bands.push(band);
                    }
                },
            );
            out.answers = Some(Answers { bands, span });
            return;
        }
        let Some(word) = parts.get(Rule::kw) else {
            return;
        };
        match word.as_str() {
            "cost" => {
                let cost = parts.get(Rule::expr);
                out.cost = self.need_expr(cost, "an amount", &item, "write `cost 0.02 USD`");
            }
            "reply" => {
                out.reply_within = self.lasting(parts, &item, "within", "write `reply within 3s`")
            }
            "model" => {
                let name = parts.get(Rule::name);
                out.model = self.need_name(
                    name,
                    "the name of a model",
                    &item,
                    "write `model NAME` as in the daemon's configuration",
                );
            }
            "knowledge" => {
                out.knowledge =
                    self.path_list(&mut parts, "a name", &item, "write `knowledge NAME, NAME`")
            }
            "shares" => {
                out.shares = self.path_list(
                    &mut parts,
                    "a name",
                    &item,
                    "write `shares transcript, customer.email`",
                )
            }
            "persona" => {
                let text = parts.take_text_ref();
                out.persona = self.need_text(text, &item, "write `persona \"\"\"text\"\"\"`");
            }
            "forbid" => {
                out.forbid =
                    self.text_list(&mut parts, &item, "write `forbid \"topic\", \"topic\"`")
            }
            _ => {
                const USAGE: &str = "write `turns at most 8`";
                let number = parts.get(Rule::num);
                out.turns_at_most = self.need_whole(number, &item, USAGE);
                if out.turns_at_most.is_some() {
                    self.small_words(&item, &["at", "most"], USAGE);
                }
            }
        }
    }

    fn band(&mut self, pair: Pair) -> Option<Band> {
        let item = pair.clone();
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let first = parts.next()?;
        let range = if first.as_str().trim_end() == "otherwise" {
            Cell::Any(self.span(&first))
        } else {
            self.cell(first)
        };
        let Some(part) = parts.next() else {
            self.expected(
                "what happens",
                &item,
                "a band ends in `send`, `confirm \"text\"`, `offer TIER`, `escalate` or `-> node`",
            );
            return Some(Band {
                range,
                action: BandAction::Error,
                span,
            });
        };
        let whole = part.clone();
        let action = match part.as_rule() {
            Rule::band_send => BandAction::Send,
            Rule::band_confirm => BandAction::Confirm(self.optional_text(&mut Parts::of(part))),
            Rule::band_offer => {
                let tier = Parts::of(part).get(Rule::name);
                self.need_name(tier, "a tier", &whole, "write `offer TIER`")
                    .map_or(BandAction::Error, BandAction::Offer)
            }
            Rule::escalate => BandAction::Escalate(self.escalate(part)),
            _ => BandAction::Goto(self.goto(part)),
        };
        Some(Band {
            range,
            action,
            span,
        })
    }
}
