//! The tree of a flow file: what the author wrote, nothing resolved, every part with its place.
//!
//! # Terminology
//!
//! - **Declaration**: a top-level construct (`node greet { .. }`); the unit of parsing and caching.
//! - **Step**: one item of a body that runs (`say`, `ask`, `-> node`).
//! - **Target**: where an arrow points.
//! - **Arm**: a labelled way on (`"Track an order" -> track`).
//! - **Body**: a list of steps in braces.
//!
//! Parts that did not parse are absent (`Option`) or `Error` variants, and have been reported; later stages stay silent about them.

mod decl;
mod dialogue;
mod expr;
mod outside;
mod service;
mod step;
mod testing;

pub use decl::*;
pub use dialogue::*;
pub use expr::*;
pub use outside::*;
pub use service::*;
pub use step::*;
pub use testing::*;
