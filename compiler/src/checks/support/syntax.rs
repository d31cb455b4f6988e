//! What the author wrote, where the machine no longer says it, and edits that fit in beside it.

use crate::machine::Machine;
use crate::sources::Sources;
use flow_grammar::ast::{Arm, Body, Decl, DeclKind, OnThen, Step, StepKind, Then, TriggerThen};
use flow_grammar::{Edit, Loc, PlacedDecl, Span};

/// The tree of a declaration.
pub(crate) fn decl(sources: &Sources, index: u32) -> Option<&Decl> {
    placed(sources, index).map(|placed| &placed.tree.decl)
}

/// Whether a declaration has syntax errors, so that what it says was not read in full.
pub(crate) fn unread(sources: &Sources, index: u32) -> bool {
    placed(sources, index).is_some_and(|placed| {
        let mut found = placed.tree.diagnostics.iter();
        found.any(|d| d.code == "F0101")
    })
}

fn placed(sources: &Sources, index: u32) -> Option<&PlacedDecl> {
    let (file, offset) = *sources.decls.get(index as usize)?;
    let file = sources.files.get(file as usize)?;
    let first = file.first_decl;
    // The usual case first: the declarations of a file are numbered in order.
    let guess = file.tree.decls.get(index.checked_sub(first)? as usize);
    guess
        .filter(|d| d.offset == offset)
        .or_else(|| file.tree.decls.iter().find(|d| d.offset == offset))
}

/// What something of the bot is called where `at` stands: as the bot calls it in the bot's own files, without its folder in the folder
/// that declares it. Absent elsewhere: under which name another folder brings it in, if it does, is not known.
pub(crate) fn called_at<'n>(
    machine: &Machine,
    name: &'n str,
    declared: Loc,
    at: Loc,
) -> Option<&'n str> {
    let folder = |loc: Loc| {
        let (file, _) = machine.sources.resolve(loc)?;
        Some(crate::paths::folder_of(&file.path))
    };
    let here = folder(at)?;
    if here == folder(machine.bot.loc)? {
        Some(name)
    } else if here == folder(declared)? {
        name.rsplit('.').next()
    } else {
        None
    }
}

/// Every step of a declaration, those in blocks included.
pub(crate) fn steps(decl: &Decl) -> Vec<&Step> {
    bodies(decl).into_iter().flat_map(|b| &b.steps).collect()
}

/// Every block of steps of a declaration, those in blocks included.
pub(crate) fn bodies(decl: &Decl) -> Vec<&Body> {
    let mut bodies: Vec<&Body> = Vec::new();
    match &decl.kind {
        DeclKind::Node(node) => bodies.push(&node.body),
        DeclKind::On(on) => {
            if let Some(OnThen::Body(body)) = &on.then {
                bodies.push(body);
            }
        }
        DeclKind::Trigger(trigger) => {
            if let Some(TriggerThen::Body(body)) = &trigger.then {
                bodies.push(body);
            }
        }
        DeclKind::Bot(bot) => bodies.extend(bot.menu.iter().filter_map(body_of)),
        DeclKind::Handoff(handoff) => {
            bodies.extend(handoff.full.iter().map(|(_, body)| body));
            bodies.extend(handoff.closed.iter().chain(&handoff.unstaffed));
            bodies.extend(
                handoff
                    .resolved
                    .iter()
                    .chain(&handoff.returned)
                    .filter_map(body_of),
            );
        }
        _ => {}
    }
    let mut out = Vec::new();
    while let Some(body) = bodies.pop() {
        out.push(body);
        for step in &body.steps {
            match &step.kind {
                StepKind::If {
                    branches,
                    otherwise,
                } => {
                    bodies.extend(branches.iter().map(|(_, body)| body));
                    bodies.extend(otherwise);
                }
                StepKind::Match { arms, .. }
                | StepKind::Call { arms, .. }
                | StepKind::ContinueWith { arms, .. }
                | StepKind::Attempt { arms, .. } => {
                    bodies.extend(arms.iter().filter_map(body_of));
                }
                StepKind::Ask { block, .. }
                | StepKind::Form { block, .. }
                | StepKind::Choose { block, .. }
                | StepKind::ChooseFrom { block, .. }
                | StepKind::Confirm { block, .. }
                | StepKind::Listen { block }
                | StepKind::Verify { block, .. } => {
                    bodies.extend(block.arms.iter().filter_map(body_of))
                }
                _ => {}
            }
        }
    }
    out
}

fn body_of(arm: &Arm) -> Option<&Body> {
    match &arm.then {
        Some(Then::Body(body)) => Some(body),
        _ => None,
    }
}

/// The step that stands exactly at a place.
pub(crate) fn step_at(sources: &Sources, loc: Loc) -> Option<&Step> {
    steps(decl(sources, loc.decl)?)
        .into_iter()
        .find(|s| s.span == loc.span)
}

/// All declarations with their index in the program.
pub(crate) fn decls(sources: &Sources) -> impl Iterator<Item = (u32, &Decl)> {
    (0u32..)
        .zip(&sources.decls)
        .filter_map(|(i, _)| Some((i, decl(sources, i)?)))
}

/// The indentation of the line on which a place starts.
pub(crate) fn indent(sources: &Sources, loc: Loc) -> String {
    let Some((file, range)) = sources.resolve(loc) else {
        return String::new();
    };
    let before = file.text.get(..range.start).unwrap_or_default();
    let line = before
        .rfind('\n')
        .map_or(before, |i| before.get(i + 1..).unwrap_or_default());
    let rest = file.text.get(range.start..).unwrap_or_default();
    let mut indent: String = line
        .chars()
        .take_while(|c| *c == ' ' || *c == '\t')
        .collect();
    if indent.len() == line.len() {
        indent.extend(rest.chars().take_while(|c| *c == ' ' || *c == '\t'));
    }
    indent
}

/// Adds an item at the end of a block in braces (`block` ends with the `}`).
pub(crate) fn add_to_block(sources: &Sources, block: Loc, item: &str) -> Option<Edit> {
    let text = sources.snippet(block);
    let inner = text.strip_suffix('}')?;
    let kept = inner.trim_end();
    let at = block.span.start + u32::try_from(kept.len()).ok()?;
    let place = Loc::new(
        block.decl,
        Span::new(at, block.span.start + u32::try_from(inner.len()).ok()?),
    );
    let text = if text.contains('\n') {
        let indent = indent(sources, block);
        format!(
            "\n{indent}  {}\n{indent}",
            item.replace('\n', &format!("\n{indent}  "))
        )
    } else if kept.ends_with('{') || kept.ends_with(';') {
        format!(" {item} ")
    } else {
        format!("; {item} ")
    };
    Some(Edit { at: place, text })
}

/// Adds text right after a place.
pub(crate) fn add_after(loc: Loc, text: impl Into<String>) -> Edit {
    Edit {
        at: Loc::new(loc.decl, Span::new(loc.span.end, loc.span.end)),
        text: text.into(),
    }
}
