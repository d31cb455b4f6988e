//! The bot and its ladder of tiers.

use super::{Collector, index};
use crate::env::{Def, Kind, TierInfo};
use crate::load::{decl, whole};
use crate::value::{RuleId, TierId};
use flow_grammar::{
    Diagnostic, Loc, Name,
    ast::{BotDecl, DeclKind, TierKind},
};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

/// A tier on its way to the ladder: name, kind, declaration, place of its name.
type Rung = (SmolStr, Option<TierKind>, Option<u32>, Loc);

impl Collector<'_> {
    pub(super) fn found_bot(&mut self, id: u32, bot: &BotDecl) {
        let at = bot.name.as_ref().map_or(bot.span, |n| n.span);
        let at = Loc::new(id, at);
        if self.scope_of(id) != 0 {
            self.diagnostics.push(
                Diagnostic::error("F0203", "a used folder must not hold a `bot`", at)
                    .help("move what both bots need to a folder without one"),
            );
        } else if let Some(first) = self.env.bot {
            let first = Loc::new(
                first,
                decl(self.sources, first)
                    .map(|d| d.span)
                    .unwrap_or_default(),
            );
            self.diagnostics.push(
                Diagnostic::error("F0203", "a second `bot` in one folder", at)
                    .label(first, "the first one")
                    .help("a folder holds one bot; give the other its own folder"),
            );
        } else {
            self.env.bot = Some(id);
        }
    }

    pub(super) fn bot(&mut self) {
        let sources = self.sources;
        let Some(id) = self.env.bot else {
            let broken = sources.files.iter().flat_map(|f| &f.tree.decls).any(|d| {
                matches!(d.tree.decl.kind, DeclKind::Error) && !d.tree.diagnostics.is_empty()
            });
            let meant =
                broken && !self.env.poisoned.is_empty() && self.env.mentioned.contains("bot");
            if !meant && !self.env.incomplete {
                self.diagnostics.push(
                    Diagnostic::error("F0203", "no `bot` declaration", whole(sources))
                        .help("a bot is a folder with one declaration `bot NAME { languages ..; channels ..; tiers ..; start NODE }`"),
                );
            }
            self.tiers_without_a_ladder();
            return;
        };
        let Some(DeclKind::Bot(bot)) = decl(sources, id).map(|d| &d.kind) else {
            return;
        };
        self.lacking(id, bot);
        let once = |names: &[Name]| {
            let mut out: Vec<SmolStr> = Vec::with_capacity(names.len());
            for name in names {
                if !out.contains(&name.text) {
                    out.push(name.text.clone());
                }
            }
            out
        };
        self.env.languages = once(&bot.languages);
        let zone = bot
            .timezone
            .as_ref()
            .and_then(|t| t.plain())
            .filter(|t| jiff::tz::TimeZone::get(t).is_ok());
        self.env.timezone = zone.map_or(SmolStr::new_static("UTC"), SmolStr::new);
        self.env.channels = once(&bot.channels);
        for list in [&bot.languages, &bot.channels] {
            let mut known: FxHashMap<&SmolStr, Loc> = FxHashMap::default();
            for name in list {
                let at = Loc::new(id, name.span);
                if let Some(first) = known.insert(&name.text, at) {
                    self.twice("`bot` names this twice:", name, id, first);
                }
            }
        }
        let mut ladder: Vec<Rung> = Vec::with_capacity(bot.tiers.len());
        // Names on the ladder and of declarations that differ by a slip: one tier under both.
        let mut pairs: Vec<(SmolStr, SmolStr)> = Vec::new();
        for name in &bot.tiers {
            let at = Loc::new(id, name.span);
            if let Some(first) = ladder.iter().find(|t| t.0 == name.text).map(|t| t.3) {
                self.twice("tier", name, id, first);
                continue;
            }
            let declared = self.tier_decls.get(&name.text).copied();
            // The one that was meant, if it has no place of its own.
            let off: Vec<&SmolStr> = self
                .tier_decls
                .keys()
                .filter(|n| !bot.tiers.iter().any(|t| t.text == **n))
                .collect();
            let meant = crate::env::did_you_mean(&name.text, off.into_iter().map(SmolStr::as_str))
                .filter(|_| declared.is_none())
                .map(SmolStr::new);
            let last = bot.tiers.last().is_some_and(|l| l.text == name.text);
            if declared.is_none() && !self.env.poisoned.contains(&name.text) {
                let found = crate::env::unknown(
                    &self.env,
                    0,
                    "tier",
                    &name.text,
                    at,
                    self.tier_decls
                        .keys()
                        .map(SmolStr::as_str)
                        .collect::<Vec<_>>(),
                );
                let found = if found.help.is_none() {
                    found.help(if self.likely_kind(&name.text, last) == TierKind::People {
                        format!("declare it: `tier {}: people {{ }}`", name.text)
                    } else {
                        format!(
                            "declare it: `tier {}: scripted {{ }}` (or `model`, or `people`)",
                            name.text
                        )
                    })
                } else {
                    found
                };
                self.diagnostics.push(found);
            }
            let declared = declared.or_else(|| {
                let meant = meant.as_ref()?;
                pairs.push((name.text.clone(), meant.clone()));
                self.tier_decls.get(meant).copied()
            });
            let kind = declared.and_then(|d| d.1);
            ladder.push((
                name.text.clone(),
                Some(kind.unwrap_or_else(|| self.likely_kind(&name.text, last))),
                declared.map(|d| d.0),
                declared.map_or(at, |d| d.2),
            ));
        }
        if bot.tiers.is_empty() {
            self.tiers_without_a_ladder();
        } else {
            let mut off: Vec<(SmolStr, u32, Option<TierKind>, Loc)> = self
                .tier_decls
                .iter()
                .filter(|(n, _)| !bot.tiers.iter().any(|t| t.text == **n))
                .filter(|(n, _)| !pairs.iter().any(|(_, meant)| meant == *n))
                .map(|(n, d)| (n.clone(), d.0, d.1, d.2))
                .collect();
            off.sort_by_key(|t| t.1);
            for (name, decl_id, kind, at) in off {
                self.diagnostics.push(
                    Diagnostic::error("F0201", format!("tier `{name}` is not on the ladder"), at)
                        .help(format!(
                            "add it to `tiers ..` in the bot, or remove the declaration of `{name}`"
                        )),
                );
                // It stands below the people, or on top of them, so that everything that names it can be looked at.
                let people = |t: &Rung| t.1 == Some(TierKind::People);
                let place = if kind == Some(TierKind::People) {
                    ladder.len()
                } else {
                    ladder.iter().position(people).unwrap_or(ladder.len())
                };
                ladder.insert(place, (name, kind, Some(decl_id), at));
            }
            for (name, kind, decl_id, at) in ladder {
                self.tier(name, kind, decl_id, at);
            }
            for (written, meant) in pairs {
                if let Some(tier) = self.env.tier_index.get(&written).copied() {
                    for scope in &mut self.env.scopes {
                        scope.names.insert(Kind::Tier, meant.clone(), tier.0);
                    }
                    self.env.tier_index.insert(meant, tier);
                }
            }
            for name in &bot.tiers {
                if let Some(tier) = self.env.tier_index.get(&name.text) {
                    self.refs.push((Loc::new(id, name.span), Def::Tier(*tier)));
                }
            }
        }
    }

    /// What a tier without a readable kind is meant to be: people, if conversations are routed or handed over to it, or if it is
    /// the end of a ladder that has no others.
    fn likely_kind(&self, name: &str, last: bool) -> TierKind {
        let decls = self.sources.files.iter().flat_map(|f| &f.tree.decls);
        let served = decls.into_iter().any(|d| {
            let tier = match &d.tree.decl.kind {
                DeclKind::Route(route) => route.tier.as_ref(),
                DeclKind::Handoff(handoff) => handoff.tier.as_ref(),
                _ => None,
            };
            tier.is_some_and(|t| t.text == name)
        });
        let others = self
            .tier_decls
            .values()
            .any(|d| d.1 == Some(TierKind::People));
        if served || (last && !others) {
            TierKind::People
        } else {
            TierKind::Scripted
        }
    }

    /// What every bot says of itself, and this one does not.
    fn lacking(&mut self, id: u32, bot: &BotDecl) {
        let read_in_full = self.sources.files.iter().any(|file| {
            let own = id
                .checked_sub(file.first_decl)
                .and_then(|i| file.tree.decls.get(i as usize));
            own.is_some_and(|placed| placed.tree.diagnostics.is_empty())
        });
        if !read_in_full {
            return;
        }
        let items = [
            ("languages", "languages en", bot.languages.is_empty()),
            ("channels", "channels web", bot.channels.is_empty()),
            ("tiers", "tiers bot -> human", bot.tiers.is_empty()),
            ("start", "start greet", bot.start.is_none()),
        ];
        let lacks: Vec<_> = items.iter().filter(|(_, _, lacks)| *lacks).collect();
        if lacks.is_empty() {
            return;
        }
        let words: Vec<String> = lacks.iter().map(|(word, ..)| format!("`{word}`")).collect();
        let forms: Vec<&str> = lacks.iter().map(|(_, form, _)| *form).collect();
        let at = bot
            .name
            .as_ref()
            .map_or(Loc::new(id, bot.span), |name| Loc::new(id, name.span));
        self.diagnostics.push(
            Diagnostic::error(
                "F0101",
                format!("the bot does not say its {}", words.join(", ")),
                at,
            )
            .help(format!("write, for instance, `{}`", forms.join("; "))),
        );
    }

    pub(super) fn tier(
        &mut self,
        name: SmolStr,
        kind: Option<TierKind>,
        decl: Option<u32>,
        name_loc: Loc,
    ) {
        let id = TierId(index(self.env.tiers.len()));
        self.env.tier_index.insert(name.clone(), id);
        for scope in &mut self.env.scopes {
            scope.names.insert(Kind::Tier, name.clone(), id.0);
        }
        self.env.tiers.push(TierInfo {
            name,
            kind: kind.unwrap_or(TierKind::Scripted),
            decl,
            name_loc,
        });
    }

    /// Without a ladder the declared tiers stand in their order, so that the rest can be looked at.
    pub(super) fn tiers_without_a_ladder(&mut self) {
        let mut all: Vec<(u32, SmolStr, Option<TierKind>, Loc)> = self
            .tier_decls
            .iter()
            .map(|(n, d)| (d.0, n.clone(), d.1, d.2))
            .collect();
        all.sort_by_key(|t| t.0);
        for (id, name, kind, at) in all {
            self.tier(name, kind, Some(id), at);
        }
    }

    pub(super) fn built_in_rules(&mut self) {
        if self.env.rules.iter().any(|r| r.name == "asked_for_human")
            || self.first_people().is_none()
        {
            return;
        }
        let id = RuleId(index(self.env.rules.len()));
        self.env.asked_for_human = Some(id);
        for scope in &mut self.env.scopes {
            let name = SmolStr::new_static("asked_for_human");
            if scope.get(Kind::Rule, &name).is_none() {
                scope.names.insert(Kind::Rule, name, id.0);
            }
        }
    }

    pub(super) fn first_people(&self) -> Option<TierId> {
        self.env
            .tiers
            .iter()
            .position(|t| t.kind == TierKind::People)
            .map(|i| TierId(index(i)))
    }
}
