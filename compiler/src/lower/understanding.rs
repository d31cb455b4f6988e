//! Intents, FAQs, nodes, handlers and knowledge.

use super::Lower;
use crate::env::Kind;
use crate::load::{decl as decl_of, path_of};
use crate::machine::{
    CodeOwner, ExamplePart, Faq, Handler, HandlerEvent, Intent, IntentExample, Knowledge, Node,
    OpKind, Regulated,
};
use crate::paths::{folder_of, join};
use crate::value::{IntentId, NodeId, SlotId};
use flow_grammar::{
    Diagnostic, Loc,
    ast::{DeclKind, Example, ExprKind, OnDecl, OnEvent, OnThen, TextPart},
};
use globset::GlobBuilder;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use std::sync::Arc;

impl Lower<'_> {
    pub(super) fn intents_and_faqs(&mut self) {
        let env = self.env;
        let mut seen: FxHashMap<(SmolStr, String), (u32, Loc)> = FxHashMap::default();
        for (i, item) in (0u32..).zip(&env.intents) {
            let Some(DeclKind::Intent(tree)) = decl_of(self.sources, item.decl).map(|d| &d.kind)
            else {
                continue;
            };
            self.enter(item.decl);
            let regulated = tree.regulated.then(|| Regulated {
                when: tree.regulated_when.as_ref().map(|w| self.cond(w)),
            });
            let examples = self.examples(&tree.examples);
            for example in &examples {
                let key = (example.language.clone(), normal(&example.parts));
                match seen.get(&key) {
                    Some((other, first)) if *other != i => {
                        let other = env
                            .intents
                            .get(*other as usize)
                            .map_or("", |o| o.name.as_str());
                        let found = Diagnostic::warning(
                            "F0206",
                            format!("this example belongs to `{other}` too"),
                            example.loc,
                        )
                        .labelled(format!("in `{}`", item.name))
                        .label(*first, format!("in `{other}`"))
                        .help("keep it where it belongs; the same words cannot mean two things");
                        self.found.push(found);
                    }
                    Some(_) => {}
                    None => {
                        seen.insert(key, (i, example.loc));
                    }
                }
            }
            self.out.intents.push(Intent {
                name: item.name.clone(),
                regulated,
                examples,
                loc: self.loc(decl_span(self.sources, item.decl)),
                name_loc: item.name_loc,
            });
        }
        for item in &env.faqs {
            let Some(DeclKind::Faq(tree)) = decl_of(self.sources, item.decl).map(|d| &d.kind)
            else {
                continue;
            };
            self.enter(item.decl);
            let questions = self.examples(&tree.ask);
            let answer = match &tree.answer {
                Some(text) => self.text_or_empty(text),
                None => self.new_text(Vec::new(), item.name_loc.span),
            };
            let link = self.text_opt(tree.link.as_ref());
            if self.included(item.scope) {
                self.out.faqs.push(Faq {
                    name: item.name.clone(),
                    questions,
                    answer,
                    link,
                    loc: self.loc(decl_span(self.sources, item.decl)),
                    name_loc: item.name_loc,
                });
            }
        }
    }

    fn examples(&mut self, examples: &[Example]) -> Vec<IntentExample> {
        let default = self
            .env
            .languages
            .first()
            .cloned()
            .unwrap_or_else(|| SmolStr::new_static("en"));
        examples
            .iter()
            .filter_map(|example| {
                let language = match &example.language {
                    Some(name) => self.language(name)?,
                    None => default.clone(),
                };
                let mut parts = Vec::with_capacity(example.text.parts.len());
                for part in &example.text.parts {
                    match part {
                        TextPart::Str(s) => parts.push(ExamplePart::Text(s.clone())),
                        TextPart::Expr(e) => match &e.kind {
                            ExprKind::Path(path) => {
                                if let Some((crate::machine::Var::Slot(SlotId(id)), _)) =
                                    self.var(path)
                                {
                                    parts.push(ExamplePart::Slot(SlotId(id)));
                                }
                            }
                            ExprKind::Error => {}
                            _ => self.report(
                                Diagnostic::error(
                                    "F0301",
                                    "an example names slots only",
                                    self.loc(e.span),
                                )
                                .help("write `{slot}`"),
                            ),
                        },
                    }
                }
                Some(IntentExample {
                    language,
                    parts,
                    loc: self.loc(example.text.span),
                })
            })
            .collect()
    }

    /// Some of the nodes, by their numbers.
    pub(super) fn nodes_in(&mut self, range: std::ops::Range<usize>) {
        let env = self.env;
        let items = env.nodes.get(range.clone()).unwrap_or_default();
        for (i, item) in (super::index(range.start)..).zip(items) {
            if self.not_for_a_part {
                return;
            }
            let Some(tree) = decl_of(self.sources, item.decl) else {
                continue;
            };
            let DeclKind::Node(node) = &tree.kind else {
                continue;
            };
            self.enter(item.decl);
            let (code, entry) = self.body(CodeOwner::Node(NodeId(i)), &node.body);
            self.out.nodes.push(Node {
                name: item.name.clone(),
                was: node.was.as_ref().map(|w| w.text.clone()),
                doc: tree.doc.clone(),
                code,
                entry,
                loc: self.loc(tree.span),
                name_loc: item.name_loc,
            });
        }
    }

    pub(super) fn handlers(&mut self, unnamed: &[u32]) {
        for &id in unnamed {
            let Some(tree) = decl_of(self.sources, id) else {
                continue;
            };
            let DeclKind::On(on) = &tree.kind else {
                continue;
            };
            self.enter(id);
            if !self.included(self.scope) {
                continue;
            }
            let event = self.event(on);
            let owner = CodeOwner::Handler(super::index(self.out.handlers.len()));
            let ops = self.out.ops.len();
            let (code, entry) = match &on.then {
                Some(OnThen::Visit(path)) => {
                    let code = self.begin_code(owner, path.span);
                    let finish = self.op(OpKind::Finish, path.span);
                    let entry = match self.named(Kind::Node, path) {
                        Some(node) => self.op(
                            OpKind::Visit {
                                node: NodeId(node),
                                next: finish,
                            },
                            path.span,
                        ),
                        None => finish,
                    };
                    self.end_code(code, entry);
                    (code, entry)
                }
                Some(OnThen::Target(target)) => self.target_code(owner, target, tree.span),
                Some(OnThen::Body(body)) => self.body(owner, body),
                None => continue,
            };
            match event {
                Some(event) => {
                    let loc = self.loc(tree.span);
                    self.handled_before(event, loc);
                    self.out.handlers.push(Handler {
                        event,
                        code,
                        entry,
                        loc,
                    });
                }
                None => {
                    self.out.ops.truncate(ops);
                    self.out.codes.pop();
                }
            }
        }
    }

    /// Of two handlers of an intent, or of files, in one folder only the first ever acts. Of the other events all act.
    fn handled_before(&mut self, event: HandlerEvent, at: Loc) {
        if !matches!(event, HandlerEvent::Intent(_) | HandlerEvent::File) {
            return;
        }
        let first = *self.handled.entry((self.scope, event)).or_insert(at);
        if first != at {
            let what = match event {
                HandlerEvent::Intent(id) => match self.out.intents.get(id.index()) {
                    Some(intent) => format!("intent `{}`", intent.name),
                    None => return,
                },
                _ => "a file".to_owned(),
            };
            let head = |loc: flow_grammar::Loc| {
                let line = self.sources.snippet(loc);
                let len = line.find(['{', '\n']).unwrap_or(line.len());
                let len = line.get(..len).unwrap_or_default().trim_end().len();
                flow_grammar::Loc::new(
                    loc.decl,
                    flow_grammar::Span::new(
                        loc.span.start,
                        loc.span.start + u32::try_from(len).unwrap_or_default(),
                    ),
                )
            };
            let (at, first) = (head(at), head(first));
            self.report(
                Diagnostic::error("F0202", format!("{what} has two handlers"), at)
                    .labelled("never acts")
                    .label(first, "this one acts")
                    .help("join the two, or remove one"),
            );
        }
    }

    fn event(&mut self, on: &OnDecl) -> Option<HandlerEvent> {
        Some(match &on.event {
            OnEvent::Intent(path) => {
                HandlerEvent::Intent(IntentId(self.named(Kind::Intent, path)?))
            }
            OnEvent::Silence(ms) => HandlerEvent::Silence(ms.node),
            OnEvent::File => HandlerEvent::File,
            OnEvent::Lifecycle(name) => match name.text.as_str() {
                "escalate" => HandlerEvent::Escalate,
                "start" => HandlerEvent::Start,
                "resolve" => HandlerEvent::Resolve,
                "abandon" => HandlerEvent::Abandon,
                "ticket" => HandlerEvent::Ticket,
                "callback" => HandlerEvent::Callback,
                "connected" => HandlerEvent::Connected,
                "survey" => HandlerEvent::Survey,
                other => {
                    let words = [
                        "escalate",
                        "start",
                        "resolve",
                        "abandon",
                        "ticket",
                        "callback",
                        "connected",
                        "survey",
                        "intent",
                        "silence",
                        "file",
                    ];
                    let at = self.loc(name.span);
                    let found = Diagnostic::error("F0201", format!("unknown event `{other}`"), at);
                    let found = super::suggest(found, other, at, words);
                    self.report(found);
                    return None;
                }
            },
            OnEvent::Error => return None,
        })
    }

    pub(super) fn knowledge(&mut self) {
        let env = self.env;
        for item in &env.knowledge {
            let Some(tree) = decl_of(self.sources, item.decl) else {
                continue;
            };
            let DeclKind::Knowledge(knowledge) = &tree.kind else {
                continue;
            };
            self.enter(item.decl);
            let folder = folder_of(path_of(self.sources, item.decl)).to_owned();
            let mut files: Vec<(SmolStr, Arc<str>)> = Vec::new();
            for glob in &knowledge.from {
                let at = self.loc(glob.span);
                let Some(text) = glob.plain() else {
                    self.report(Diagnostic::error("F0204", "a path is plain text", at));
                    continue;
                };
                let Some(full) = join(&folder, &text) else {
                    self.report(
                        Diagnostic::error("F0204", format!("`{text}` is outside the project"), at)
                            .help("keep knowledge inside the project"),
                    );
                    continue;
                };
                let matcher = match GlobBuilder::new(&full).literal_separator(true).build() {
                    Ok(glob) => glob.compile_matcher(),
                    Err(error) => {
                        self.report(Diagnostic::error(
                            "F0204",
                            format!("`{text}` is no pattern of paths: {}", error.kind()),
                            at,
                        ));
                        continue;
                    }
                };
                let before = files.len();
                for (path, body) in &self.project.other_files {
                    if matcher.is_match(path.as_str()) {
                        files.push((path.clone(), Arc::clone(body)));
                    }
                }
                let unreadable = self
                    .project
                    .unreadable
                    .iter()
                    .any(|(p, _)| matcher.is_match(p.as_str()));
                if files.len() == before && !unreadable {
                    self.report(
                        Diagnostic::error("F0204", format!("no file matches `{text}`"), at)
                            .help("paths are relative to the folder of this file"),
                    );
                }
            }
            files.sort_by(|a, b| a.0.cmp(&b.0));
            files.dedup_by(|a, b| a.0 == b.0);
            self.out.knowledge.push(Knowledge {
                name: item.name.clone(),
                files,
                loc: item.name_loc,
            });
        }
    }
}

pub(super) fn decl_span(sources: &crate::sources::Sources, id: u32) -> flow_grammar::Span {
    decl_of(sources, id).map(|d| d.span).unwrap_or_default()
}

/// Two examples are the same if their words are, whatever the case and the signs at the end.
fn normal(parts: &[ExamplePart]) -> String {
    let mut out = written(parts);
    let len = out.trim_end_matches(['?', '.', '!', ' ']).len();
    if len > 0 {
        out.truncate(len);
    }
    out
}

fn written(parts: &[ExamplePart]) -> String {
    if let [ExamplePart::Text(text)] = parts
        && text.bytes().all(|b| matches!(b, b' '..=b'~'))
    {
        return plain_words(text);
    }
    let mut out = String::new();
    for part in parts {
        match part {
            ExamplePart::Text(t) => out.push_str(&t.to_lowercase()),
            ExamplePart::Slot(id) => out.push_str(&format!("{{{}}}", id.0)),
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// ASCII words in lower case, one blank between them.
fn plain_words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_ascii_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out.make_ascii_lowercase();
    out
}
