//! Findings as text for people and as data for tools.
//!
//! One file per form; all take the sources for places and the findings in the order in which they were sorted.

mod github;
mod json;
mod sarif;
mod text;

pub use github::github;
pub use json::{Finding, FindingEdit, FindingFix, FindingLabel, Region, Report, json, report};
pub use sarif::sarif;
pub use text::{render, text};
