//! The routing matrix: which team takes a conversation.

use crate::decision::RowTrace;
use flow_compiler::machine::Priority;
use flow_compiler::value::TeamId;
use smol_str::SmolStr;

/// What a matrix decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Routed {
    /// The row's index, from 0.
    pub row: usize,
    /// The team.
    pub team: TeamId,
    /// The row's priority.
    pub priority: Priority,
    /// A demanded skill.
    pub skill: Option<SmolStr>,
    /// A demanded agent.
    pub agent: Option<SmolStr>,
    /// For the decision.
    pub trace: RowTrace,
}
