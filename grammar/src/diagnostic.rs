//! The one type in which every stage reports what it found.
//!
//! A finding is data: a stable code, a severity, labels on the source, a cause, a help and, where the repair is
//! mechanical, a fix as text edits. The terminal, SARIF, JSON and the language server are renderings of it.

use crate::span::{Loc, Span};

/// How bad it is. Errors keep a bot from running; warnings do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The bot must not go live.
    Error,
    /// Worth mending; the bot runs.
    Warning,
}

/// A remark on a place. `L` is [`Span`] inside one declaration, [`Loc`] in a program.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Label<L = Loc> {
    /// The place.
    pub at: L,
    /// What is to be said of it; lower case, no full stop. May be empty.
    pub text: String,
}

/// Replace a range by a text (empty range: insert).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Edit<L = Loc> {
    /// What is replaced.
    pub at: L,
    /// The new text.
    pub text: String,
}

/// A repair that an editor or `flowc check --fix` can apply.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fix<L = Loc> {
    /// What the repair does, for a menu: "write `70%`".
    pub title: String,
    /// All edits; they do not overlap.
    pub edits: Vec<Edit<L>>,
    /// Whether it keeps the author's meaning for sure, so that `--fix` may apply it unasked.
    pub safe: bool,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Diagnostic<L = Loc> {
    /// `F0101` and so on; the index of codes is in the documentation.
    pub code: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// The sentence, lower case, the author's words in backticks.
    pub message: String,
    /// The first label is the primary one.
    pub labels: Vec<Label<L>>,
    /// What to do about it.
    pub help: Option<String>,
    /// Mechanical repairs, best first.
    pub fixes: Vec<Fix<L>>,
}

impl<L> Diagnostic<L> {
    /// An error with its primary place.
    pub fn error(code: &'static str, message: impl Into<String>, at: L) -> Self {
        Self::new(code, Severity::Error, message, at)
    }

    /// A warning with its primary place.
    pub fn warning(code: &'static str, message: impl Into<String>, at: L) -> Self {
        Self::new(code, Severity::Warning, message, at)
    }

    fn new(code: &'static str, severity: Severity, message: impl Into<String>, at: L) -> Self {
        Self {
            code,
            severity,
            message: message.into(),
            labels: vec![Label {
                at,
                text: String::new(),
            }],
            help: None,
            fixes: Vec::new(),
        }
    }

    /// Says what the primary place shows.
    #[must_use]
    pub fn labelled(mut self, text: impl Into<String>) -> Self {
        if let Some(first) = self.labels.first_mut() {
            first.text = text.into();
        }
        self
    }

    /// A further place.
    #[must_use]
    pub fn label(mut self, at: L, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            at,
            text: text.into(),
        });
        self
    }

    /// What to do about it.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// A repair.
    #[must_use]
    pub fn fix(mut self, title: impl Into<String>, safe: bool, edits: Vec<Edit<L>>) -> Self {
        self.fixes.push(Fix {
            title: title.into(),
            edits,
            safe,
        });
        self
    }

    /// The same finding with every place mapped.
    pub fn map<M>(self, mut f: impl FnMut(L) -> M) -> Diagnostic<M> {
        Diagnostic {
            code: self.code,
            severity: self.severity,
            message: self.message,
            labels: self
                .labels
                .into_iter()
                .map(|l| Label {
                    at: f(l.at),
                    text: l.text,
                })
                .collect(),
            help: self.help,
            fixes: self
                .fixes
                .into_iter()
                .map(|x| Fix {
                    title: x.title,
                    safe: x.safe,
                    edits: x
                        .edits
                        .into_iter()
                        .map(|e| Edit {
                            at: f(e.at),
                            text: e.text,
                        })
                        .collect(),
                })
                .collect(),
        }
    }
}

impl Diagnostic<Span> {
    /// Places the finding of one declaration in the program.
    #[must_use]
    pub fn in_decl(self, decl: u32) -> Diagnostic<Loc> {
        self.map(|span| Loc::new(decl, span))
    }
}
