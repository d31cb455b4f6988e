//! Declarations that were added, removed, renamed or changed.

use super::canon::{Canon, Renames};
use super::lines::{code, common, lines, verbatim};
use crate::machine::{CellPattern, Knowledge, Machine, RuleOrigin};
use crate::sources::Position;
use flow_grammar::Loc;
use serde::Serialize;
use smol_str::{SmolStr, format_smolstr};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

/// How a declaration differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "as they say")]
pub enum How {
    Added,
    Removed,
    Renamed,
    Changed,
    Moved,
}

/// A declaration that differs.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    /// `node`, `rule`, `row`, `text`, ...
    pub kind: &'static str,
    /// Its name; the new one if it has two.
    pub name: SmolStr,
    /// Its old name, if it was renamed.
    pub was: Option<SmolStr>,
    /// How it differs.
    pub how: How,
    /// Where it is in the old version.
    pub old_at: Option<Position>,
    /// Where it is in the new version.
    pub new_at: Option<Position>,
    /// Lines that only the old one has, without comments.
    pub removed: Vec<String>,
    /// Lines that only the new one has.
    pub added: Vec<String>,
}

/// A declaration and what it means.
#[derive(Debug)]
struct Item {
    kind: &'static str,
    /// Under which both versions know it.
    key: SmolStr,
    name: SmolStr,
    meaning: String,
    loc: Loc,
}

pub(super) fn changes(old: &Machine, new: &Machine, renames: &Renames) -> Vec<Change> {
    let was = items(&Canon {
        machine: old,
        renames: Some(renames),
    });
    let now = items(&Canon {
        machine: new,
        renames: None,
    });
    let mut before: BTreeMap<(&str, &SmolStr), &Item> =
        was.iter().map(|i| ((i.kind, &i.key), i)).collect();
    let mut out = Vec::new();
    for item in &now {
        let Some(old_item) = before.remove(&(item.kind, &item.key)) else {
            out.push(change(None, Some((new, item)), How::Added));
            continue;
        };
        // A row and a handoff are called by what is written of them: the same may be written in two ways.
        let renamed = old_item.name != item.name && !matches!(item.kind, "row" | "handoff");
        if !renamed && old_item.meaning == item.meaning {
            continue;
        }
        let how = if renamed { How::Renamed } else { How::Changed };
        let mut found = change(Some((old, old_item)), Some((new, item)), how);
        if renamed {
            found.was = Some(old_item.name.clone());
        }
        if old_item.meaning != item.meaning {
            (found.removed, found.added) = lines(written(old, old_item), written(new, item));
            // What a hook does and a model knows stands in files of its own.
            if let (Some(before), Some(after)) = (beside(old, old_item), beside(new, item)) {
                let (removed, added) = verbatim(&before, &after);
                found.removed.extend(removed);
                found.added.extend(added);
            }
            // Of some declarations only the name is marked: then all of it is compared.
            if found.removed.is_empty() && found.added.is_empty() {
                (found.removed, found.added) =
                    lines(whole(old, old_item.loc), whole(new, item.loc));
            }
        }
        out.push(found);
    }
    let gone: Vec<Change> = was
        .iter()
        .filter(|i| before.contains_key(&(i.kind, &i.key)))
        .map(|i| change(Some((old, i)), None, How::Removed))
        .collect();
    out.extend(gone);
    order(&was, &now, new, &mut out);
    out
}

/// What belongs to a declaration and stands beside it: the script of a hook, the pages of a knowledge base.
fn beside(m: &Machine, item: &Item) -> Option<String> {
    match item.kind {
        "hook" => {
            let hook = m.hooks.iter().find(|h| h.name == item.name)?;
            Some(code(&hook.script))
        }
        "knowledge" => {
            let pages = m.knowledge.iter().find(|k| k.name == item.name)?;
            let files = files_of(m, pages);
            let lines = files.iter().flat_map(|(path, text)| {
                text.lines()
                    .filter(|l| !l.trim().is_empty())
                    .map(move |l| format!("{path}: {}", l.trim_end()))
            });
            Some(lines.collect::<Vec<_>>().join("\n"))
        }
        _ => None,
    }
}

/// The pages of a knowledge base by their paths as its file sees them: where the bot's folder lies is no part of what it means.
fn files_of(m: &Machine, knowledge: &Knowledge) -> Vec<(String, Arc<str>)> {
    let file = m.sources.position(knowledge.loc).map(|p| p.file);
    let folder = file.as_deref().map_or("", crate::paths::folder_of);
    let seen = |path: &str| {
        let (mut from, mut to) = (folder, path);
        while let (Some((a, rest)), Some((b, inside))) = (
            from.split_once('/').or(Some((from, ""))),
            to.split_once('/'),
        ) && !from.is_empty()
            && a == b
        {
            (from, to) = (rest, inside);
        }
        let up = from.split('/').filter(|part| !part.is_empty()).count();
        format!("{}{to}", "../".repeat(up))
    };
    let files = knowledge.files.iter();
    files
        .map(|(path, text)| (seen(path), Arc::clone(text)))
        .collect()
}

/// What is written of a declaration. A channel that is only listed in the bot has none of its own.
fn written<'m>(m: &'m Machine, item: &Item) -> &'m str {
    match item.kind {
        "channel" if item.loc.decl == m.bot.loc.decl => "",
        "channel" => whole(m, item.loc),
        _ => m.sources.snippet(item.loc),
    }
}

/// The declaration in which something stands.
fn whole(m: &Machine, loc: Loc) -> &str {
    let decl = crate::checks::support::syntax::decl(&m.sources, loc.decl);
    decl.map_or("", |d| m.sources.snippet(Loc::new(loc.decl, d.span)))
}

fn change(old: Option<(&Machine, &Item)>, new: Option<(&Machine, &Item)>, how: How) -> Change {
    let item = new.or(old);
    Change {
        kind: item.map_or("", |(_, i)| i.kind),
        name: item.map(|(_, i)| i.name.clone()).unwrap_or_default(),
        was: None,
        how,
        old_at: old.and_then(|(m, i)| m.sources.position(i.loc)),
        new_at: new.and_then(|(m, i)| m.sources.position(i.loc)),
        removed: Vec::new(),
        added: Vec::new(),
    }
}

/// The first row from the top decides, so their order means something.
fn order(was: &[Item], now: &[Item], new: &Machine, out: &mut Vec<Change>) {
    let rows = |items: &[Item], other: &[Item]| -> Vec<SmolStr> {
        items
            .iter()
            .filter(|i| i.kind == "row" && other.iter().any(|o| o.kind == "row" && o.key == i.key))
            .map(|i| i.key.clone())
            .collect()
    };
    let (before, after) = (rows(was, now), rows(now, was));
    // What stands in a longest common order has not moved.
    let kept = common(&before, &after);
    for key in after.iter().filter(|k| !kept.contains(k)) {
        if let Some(item) = now.iter().find(|i| i.kind == "row" && i.key == *key) {
            out.push(change(None, Some((new, item)), How::Moved));
        }
    }
}

fn items(canon: &Canon<'_>) -> Vec<Item> {
    let m = canon.machine;
    let mut out: Vec<Item> = Vec::new();
    let mut add = |kind: &'static str, name: &str, key: &str, meaning: String, loc: Loc| {
        out.push(Item {
            kind,
            key: key.into(),
            name: name.into(),
            meaning,
            loc,
        });
    };
    let now = |map: fn(&Renames) -> &rustc_hash::FxHashMap<SmolStr, SmolStr>, name: &SmolStr| {
        canon
            .renames
            .map_or_else(|| name.clone(), |r| Renames::get(map(r), name))
    };
    let b = &m.bot;
    let menu: Vec<String> = b
        .menu
        .iter()
        .map(|x| format!("{} {}", canon.of(&x.label), canon.body(x.to)))
        .collect();
    let channels = (
        &b.languages,
        &b.channels,
        &b.timezone,
        &b.start,
        &b.start_lines,
    );
    add(
        "bot",
        &b.name,
        "",
        canon.of(&(
            &b.title,
            channels,
            b.discloses,
            b.reopen_within,
            b.abandon_after,
            b.understands_from,
            menu,
        )),
        b.loc,
    );
    for t in &m.tiers {
        add("tier", &t.name, &t.name, canon.of(t), t.loc);
    }
    for e in &m.enums {
        add("enum", &e.name, &e.name, canon.of(&e.values), e.loc);
    }
    let field = |f: &crate::machine::FieldDef| {
        let more = (
            &f.file_kinds,
            f.max_bytes,
            &f.default,
            f.private,
            f.identifies,
            f.ask,
        );
        canon.of(&(
            &f.ty,
            f.optional,
            f.matching.as_ref().map(|p| &p.source),
            more,
        ))
    };
    for r in &m.records {
        let fields: Vec<_> = r.fields.iter().map(|f| (&f.name, field(f))).collect();
        let loc = r.fields.first().map_or(Loc::default(), |f| f.loc);
        add("record", &r.name, &r.name, format!("{fields:?}"), loc);
    }
    for f in &m.customer {
        add(
            "customer field",
            &f.name,
            &now(|r| &r.fields, &f.name),
            field(f),
            f.loc,
        );
    }
    add(
        "customer",
        "customer",
        "",
        canon.of(&m.profile),
        m.profile.as_ref().map_or(Loc::default(), |p| p.loc),
    );
    for s in &m.slots {
        add(
            "slot",
            &s.name,
            &now(|r| &r.slots, &s.name),
            field(s),
            s.loc,
        );
    }
    for s in &m.segments {
        add("segment", &s.name, &s.name, canon.of(&s.when), s.loc);
    }
    for t in &m.thresholds {
        add(
            "threshold",
            &t.name,
            &t.name,
            canon.of(&(&t.default, &t.lines)),
            t.loc,
        );
    }
    for i in &m.intents {
        let examples = in_any_order(canon, i.examples.iter().map(|e| (&e.language, &e.parts)));
        add(
            "intent",
            &i.name,
            &i.name,
            canon.of(&(&i.regulated, examples)),
            i.loc,
        );
    }
    for f in &m.faqs {
        let questions = in_any_order(canon, f.questions.iter().map(|e| (&e.language, &e.parts)));
        add(
            "faq",
            &f.name,
            &f.name,
            canon.of(&(questions, f.answer, f.link)),
            f.loc,
        );
    }
    for n in &m.nodes {
        add(
            "node",
            &n.name,
            &now(|r| &r.nodes, &n.name),
            canon.body(n.entry),
            n.loc,
        );
    }
    for (i, t) in (0u32..).zip(&m.texts) {
        if let Some(name) = &t.name {
            add(
                "text",
                name,
                name,
                canon.words(crate::value::TextId(i)),
                t.loc,
            );
        }
    }
    for h in &m.handlers {
        let event = canon.of(&h.event);
        let name = event
            .replace("Intent(IntentId:", "intent ")
            .replace(')', "")
            .to_lowercase();
        add(
            "handler",
            &format!("on {name}"),
            &event,
            canon.body(h.entry),
            h.loc,
        );
    }
    for r in &m.rules {
        if r.origin == RuleOrigin::Declared {
            let effect = (r.to, r.priority, r.say, r.because);
            add(
                "rule",
                &r.name,
                &r.name,
                canon.of(&(&r.from, &r.when, &r.unless, effect)),
                r.loc,
            );
        }
    }
    for h in m.hours.iter().filter(|h| !h.always) {
        add(
            "hours",
            &h.name,
            &h.name,
            canon.of(&(&h.timezone, &h.week, &h.closed)),
            h.loc,
        );
    }
    for t in &m.teams {
        let more = (
            &t.hours,
            in_any_order(canon, t.skills.iter()),
            in_any_order(canon, t.languages.iter()),
            t.capacity,
            &t.assign,
            &t.overflow,
        );
        add("team", &t.name, &t.name, canon.of(&(&t.title, more)), t.loc);
    }
    for r in &m.routes {
        let tier = m.tier(r.tier).map(|t| t.name.clone()).unwrap_or_default();
        let columns: Vec<String> = r.columns.iter().map(|c| canon.of(c)).collect();
        add(
            "matrix",
            &tier,
            &tier,
            canon.of(&(&columns, r.prefer_last_agent)),
            r.header_loc,
        );
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        for row in &r.rows {
            let cells: Vec<_> = columns
                .iter()
                .zip(&row.cells)
                .filter(|(_, c)| c.as_slice() != [CellPattern::Any])
                .map(|(column, cell)| {
                    let patterns = cell.iter().map(|pattern| match pattern {
                        CellPattern::Not(values) => {
                            format!("not {:?}", in_any_order(canon, values.iter()))
                        }
                        other => canon.of(other),
                    });
                    (column, in_any_order(canon, patterns))
                })
                .collect();
            let base = canon.of(&(&tier, &cells));
            let n = seen.entry(base.clone()).or_default();
            *n += 1;
            let shown: Vec<String> = r
                .columns
                .iter()
                .zip(&row.cell_locs)
                .map(|(c, l)| (m.sources.snippet(c.loc), m.sources.snippet(*l).trim()))
                .filter(|(_, cell)| *cell != "_")
                .map(|(c, cell)| format!("{c} {cell}"))
                .collect();
            let when = if shown.is_empty() {
                "everything else".to_owned()
            } else {
                shown.join(", ")
            };
            let result = (
                row.team,
                row.priority,
                &row.skill,
                &row.agent,
                row.within.as_ref().map(|p| (p.millis, p.of)),
            );
            add(
                "row",
                &format!("{tier}: {when}"),
                &format!("{base}#{n}"),
                canon.of(&result),
                row.loc,
            );
        }
    }
    let mut nth: BTreeMap<String, u32> = BTreeMap::new();
    for h in &m.handoffs {
        let tier = m.tier(h.tier).map(|t| t.name.as_str()).unwrap_or_default();
        let when = h.when.as_ref().map_or(String::new(), |w| {
            format!(" when {}", m.sources.snippet(w.loc))
        });
        let key = canon.of(&(tier, &h.when));
        let n = nth.entry(key.clone()).or_default();
        *n += 1;
        add(
            "handoff",
            &format!("{tier}{when}"),
            &format!("{key}#{n}"),
            canon.of(h),
            h.loc,
        );
    }
    add("assist", "assist", "", canon.of(&m.assist), m.assist.loc);
    add(
        "learn",
        "learn",
        "",
        canon.of(&m.learn),
        m.learn.as_ref().map_or(Loc::default(), |l| l.loc),
    );
    for t in &m.targets {
        let name = m.sources.snippet(t.loc).trim().to_owned();
        let key = canon.of(&(t.alert, &t.metric, t.of));
        let meaning = canon.of(&(t.op, &t.value, t.over));
        add("target", &name, &key, meaning, t.loc);
    }
    for w in &m.webhooks {
        let request = (w.method, w.url, &w.headers, &w.send, &w.signed);
        let params: Vec<_> = w
            .params
            .iter()
            .map(|p| (&p.name, &p.ty, p.optional))
            .collect();
        add(
            "webhook",
            &w.name,
            &w.name,
            canon.of(&(
                request,
                params,
                &w.returns,
                w.timeout,
                w.retry,
                w.idempotent,
                in_any_order(canon, w.shares.iter()),
            )),
            w.loc,
        );
    }
    for h in &m.hooks {
        let params: Vec<_> = h
            .params
            .iter()
            .map(|p| (&p.name, &p.ty, p.optional))
            .collect();
        add(
            "hook",
            &h.name,
            &h.name,
            canon.of(&(params, &h.returns, h.optional, code(&h.script))),
            h.loc,
        );
    }
    for t in &m.triggers {
        let payload: Vec<_> = t
            .payload
            .iter()
            .map(|f| (&f.name, &f.ty, f.optional))
            .collect();
        add(
            "trigger",
            &t.name,
            &t.name,
            canon.of(&(
                &t.path, &t.secret, &t.scheme, payload, t.find_by, &t.when, t.entry,
            )),
            t.loc,
        );
    }
    for k in &m.knowledge {
        add(
            "knowledge",
            &k.name,
            &k.name,
            canon.of(&files_of(m, k)),
            k.loc,
        );
    }
    for c in &m.channels {
        add(
            "channel",
            &c.name,
            &c.name,
            canon.of(&(c.window, &c.reopen_template, &c.follow_up, c.limits)),
            c.loc,
        );
    }
    one_each(&mut out);
    out
}

/// What parts mean whose order says nothing.
fn in_any_order(canon: &Canon<'_>, parts: impl Iterator<Item = impl Debug>) -> Vec<String> {
    let mut out: Vec<String> = parts.map(|part| canon.of(&part)).collect();
    out.sort_unstable();
    out
}

/// Two of one key (two targets of one metric) are told apart by their order.
fn one_each(items: &mut [Item]) {
    let mut seen: BTreeMap<(&'static str, SmolStr), u32> = BTreeMap::new();
    for item in items {
        let n = seen.entry((item.kind, item.key.clone())).or_default();
        *n += 1;
        if *n > 1 {
            item.key = format_smolstr!("{} {n}", item.key);
        }
    }
}
