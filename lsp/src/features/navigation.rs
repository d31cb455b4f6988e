//! Hover, definition, references.

use crate::bots::Bot;
use crate::position::{Encoding, to_offset, to_range};
use crate::uri;
use flow_compiler::machine::{FieldDef, Machine};
use flow_compiler::value::{Domain, Type};
use flow_compiler::{Compilation, Def};
use flow_grammar::Loc;
use gen_lsp_types::{Hover, Location, MarkupContent, MarkupKind, Position};
use std::path::Path;

/// What is named at a position, and where the name stands: the smallest that holds it.
fn at(bot: &Bot, path: &Path, position: Position, encoding: Encoding) -> Option<(Loc, Def)> {
    let file = bot.file(path)?;
    let offset = to_offset(&file.text, position, encoding);
    let Compilation { index, sources, .. } = &bot.compilation;
    index.at(sources, &file.path, offset)
}

fn location(bot: &Bot, loc: Loc, encoding: Encoding) -> Option<Location> {
    let (file, range) = bot.compilation.sources.resolve(loc)?;
    Some(Location::new(
        uri::from_path(&bot.root.join(file.path.as_str())),
        to_range(file, &range, encoding),
    ))
}

/// Where the thing at a position is declared.
pub(crate) fn definition(
    bot: &Bot,
    path: &Path,
    position: Position,
    encoding: Encoding,
) -> Option<Location> {
    let (_, def) = at(bot, path, position, encoding)?;
    location(bot, bot.compilation.index.definition(def)?, encoding)
}

/// Everything that names the thing at a position.
pub(crate) fn references(
    bot: &Bot,
    path: &Path,
    position: Position,
    with_declaration: bool,
    encoding: Encoding,
) -> Vec<Location> {
    let Some((_, wanted)) = at(bot, path, position, encoding) else {
        return Vec::new();
    };
    let index = &bot.compilation.index;
    let mut locs: Vec<Loc> = index.references_of(wanted).collect();
    if with_declaration {
        locs.extend(index.definition(wanted));
    }
    locs.sort_unstable();
    locs.dedup();
    locs.into_iter()
        .filter_map(|loc| location(bot, loc, encoding))
        .collect()
}

/// What the thing at a position is.
pub(crate) fn hover(
    bot: &Bot,
    path: &Path,
    position: Position,
    encoding: Encoding,
) -> Option<Hover> {
    let (loc, def) = at(bot, path, position, encoding)?;
    let machine = &bot.compilation.machine;
    let (title, doc) = describe(machine, def)?;
    let mut text = format!("```flow\n{title}\n```");
    for said in [declared_doc(bot, def), doc].into_iter().flatten() {
        text.push_str(&format!("\n\n{said}"));
    }
    if let Some(place) = bot
        .compilation
        .index
        .definition(def)
        .and_then(|l| machine.sources.position(l))
    {
        text.push_str(&format!("\n\n{}:{}", place.file, place.line));
    }
    let range = bot
        .compilation
        .sources
        .resolve(loc)
        .map(|(file, range)| to_range(file, &range, encoding));
    Some(Hover::new(
        MarkupContent::new(MarkupKind::Markdown, text).into(),
        range,
    ))
}

/// The `///` lines before a declaration. What is declared inside one has its own.
fn declared_doc(bot: &Bot, def: Def) -> Option<String> {
    if matches!(
        def,
        Def::Node(_)
            | Def::Slot(_)
            | Def::CustomerField(_)
            | Def::RecordField(..)
            | Def::EnumValue(..)
            | Def::Local(..)
    ) {
        return None;
    }
    let Compilation { index, sources, .. } = &bot.compilation;
    let loc = index.definition(def)?;
    let (file, _) = sources.resolve(loc)?;
    let nth = usize::try_from(loc.decl.checked_sub(file.first_decl)?).ok()?;
    file.tree.decls.get(nth)?.tree.decl.doc.clone()
}

/// The thing as it would be declared, and what its author says of it.
fn describe(machine: &Machine, def: Def) -> Option<(String, Option<String>)> {
    Some(match def {
        Def::Node(id) => machine
            .node(id)
            .map(|n| (format!("node {}", n.name), n.doc.clone()))?,
        Def::Slot(id) => machine
            .slot(id)
            .map(|s| (format!("slot {}", field(machine, s)), s.doc.clone()))?,
        Def::CustomerField(id) => machine
            .customer_field(id)
            .map(|f| (format!("customer.{}", field(machine, f)), f.doc.clone()))?,
        Def::Enum(id) => machine.enum_def(id).map(|e| {
            (
                format!("enum {} {{ {} }}", e.name, e.values.join(", ")),
                None,
            )
        })?,
        Def::EnumValue(id, value) => {
            let def = machine.enum_def(id)?;
            (
                format!("{} (of enum {})", def.values.get(value as usize)?, def.name),
                None,
            )
        }
        Def::Record(id) => machine.record_def(id).map(|r| {
            (
                format!(
                    "record {} {{ {} }}",
                    r.name,
                    r.fields
                        .iter()
                        .map(|f| field(machine, f))
                        .collect::<Vec<_>>()
                        .join("; ")
                ),
                None,
            )
        })?,
        Def::RecordField(id, index) => machine
            .record_def(id)?
            .fields
            .get(index as usize)
            .map(|f| (field(machine, f), f.doc.clone()))?,
        Def::Tier(id) => machine.tier(id).map(|t| {
            (
                format!("tier {}: {:?}", t.name, t.kind).to_lowercase(),
                None,
            )
        })?,
        Def::Intent(id) => machine.intent(id).map(|i| {
            (
                format!(
                    "intent {}{}",
                    i.name,
                    if i.regulated.is_some() {
                        " regulated"
                    } else {
                        ""
                    }
                ),
                Some(format!("{} examples", i.examples.len())),
            )
        })?,
        Def::Text(id) => {
            let text = machine.text(id)?;
            let variants: Vec<String> = text
                .variants
                .iter()
                .map(|v| machine.sources.snippet(v.loc).trim().to_owned())
                .collect();
            (
                format!(
                    "text {} {{\n  {}\n}}",
                    text.name.as_deref().unwrap_or_default(),
                    variants.join("\n  ")
                ),
                None,
            )
        }
        Def::Rule(id) => machine.rule(id).map(|r| {
            let from: Vec<&str> = r
                .from
                .iter()
                .filter_map(|t| machine.tier(*t))
                .map(|t| t.name.as_str())
                .collect();
            let to = machine
                .tier(r.to)
                .map(|t| t.name.as_str())
                .unwrap_or_default();
            (
                format!(
                    "escalate {} from {} to {to} priority {}",
                    r.name,
                    from.join(", "),
                    r.priority.as_str()
                ),
                None,
            )
        })?,
        Def::Webhook(id) => machine.webhook(id).map(|w| {
            let returns = w
                .returns
                .as_ref()
                .map_or_else(String::new, |(t, optional)| {
                    format!(
                        " -> {}{}",
                        type_name(machine, t),
                        if *optional { "?" } else { "" }
                    )
                });
            (
                format!(
                    "webhook {}({}){returns}",
                    w.name,
                    params(machine, &w.params)
                ),
                None,
            )
        })?,
        Def::Hook(id) => machine.hook(id).map(|h| {
            (
                format!(
                    "hook {}({}) -> {} from \"{}\"",
                    h.name,
                    params(machine, &h.params),
                    type_name(machine, &h.returns),
                    h.path
                ),
                None,
            )
        })?,
        Def::Hours(id) => machine
            .hours_of(id)
            .map(|h| (format!("hours {} ({})", h.name, h.timezone), None))?,
        Def::Team(id) => machine.team(id).map(|t| {
            (
                format!(
                    "team {} (skills {}; {} per agent)",
                    t.name,
                    t.skills.join(", "),
                    t.capacity
                ),
                None,
            )
        })?,
        Def::Segment(id) => machine.segment(id).map(|s| {
            (
                format!(
                    "segment {} when {}",
                    s.name,
                    machine.sources.snippet(s.when.loc)
                ),
                None,
            )
        })?,
        Def::Threshold(id) => machine.threshold(id).map(|t| {
            (
                format!(
                    "threshold {} = {}",
                    t.name,
                    machine.sources.snippet(t.default.loc)
                ),
                None,
            )
        })?,
        Def::Knowledge(id) => machine.knowledge.get(id.index()).map(|k| {
            (
                format!("knowledge {} ({} files)", k.name, k.files.len()),
                None,
            )
        })?,
        Def::Trigger(index) => machine.triggers.get(index as usize).map(|t| {
            (
                format!("trigger {} from webhook \"{}\"", t.name, t.path),
                None,
            )
        })?,
        Def::Faq(index) => machine
            .faqs
            .get(index as usize)
            .map(|f| (format!("faq {}", f.name), None))?,
        Def::Alias(_) => return None,
        Def::Local(code, id) => machine.code(code)?.locals.get(id.index()).map(|l| {
            (
                format!("{}: {}", l.name, type_name(machine, &l.ty)),
                Some("the result of a call, known in this body".to_owned()),
            )
        })?,
    })
}

fn field(machine: &Machine, f: &FieldDef) -> String {
    format!(
        "{}: {}{}{}",
        f.name,
        type_name(machine, &f.ty),
        if f.optional { "?" } else { "" },
        if f.private { " private" } else { "" }
    )
}

fn params(machine: &Machine, params: &[flow_compiler::machine::ParamDef]) -> String {
    params
        .iter()
        .map(|p| format!("{}: {}", p.name, type_name(machine, &p.ty)))
        .collect::<Vec<_>>()
        .join(", ")
}

/// A type as it is written.
pub(crate) fn type_name(machine: &Machine, ty: &Type) -> String {
    match ty {
        Type::Enum(id) => machine
            .enum_def(*id)
            .map(|e| e.name.to_string())
            .unwrap_or_default(),
        Type::Record(id) => machine
            .record_def(*id)
            .map(|r| r.name.to_string())
            .unwrap_or_default(),
        Type::List(inner) => format!("list of {}", type_name(machine, inner)),
        Type::Domain(domain) => match domain {
            Domain::Intent => "intent",
            Domain::Tier => "tier",
            Domain::Language => "language",
            Domain::Channel => "channel",
            Domain::Team => "team",
            Domain::Priority => "priority",
            Domain::Complexity => "complexity",
            Domain::Rule => "rule",
        }
        .to_owned(),
        Type::Error => "?".to_owned(),
        simple => format!("{simple:?}").to_lowercase(),
    }
}
