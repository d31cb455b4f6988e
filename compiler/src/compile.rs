//! From a project to a machine and its findings.

use crate::machine::Machine;
use crate::sources::{Project, Sources};
use flow_grammar::{Diagnostic, Severity};
use std::sync::Arc;

/// What the compiler cannot know by itself.
#[derive(Debug, Clone)]
pub struct Options {
    /// The day from which hours are checked (F0704, F0707).
    pub date: jiff::civil::Date,
}

/// The outcome.
#[derive(Debug, Clone)]
pub struct Compilation {
    /// The machine, as complete as the sources allow; only [`Compilation::runnable`] may run.
    pub machine: Arc<Machine>,
    /// Everything found, in the order of the sources.
    pub diagnostics: Vec<Diagnostic>,
    /// The sources with their trees.
    pub sources: Arc<Sources>,
}

impl Compilation {
    /// The machine if nothing found is an error.
    #[must_use]
    pub fn runnable(&self) -> Option<Arc<Machine>> {
        self.diagnostics.iter().all(|d| d.severity != Severity::Error).then(|| Arc::clone(&self.machine))
    }
}

/// Compiles projects, remembering what it parsed and checked.
#[derive(Debug, Default)]
pub struct Compiler {}
