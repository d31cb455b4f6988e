//! The order system behind the example shop.
//!
//! It keeps its data in memory and starts with a fixed set of orders, invoices and customers, so that every path
//! of the bot can be walked. What is written (returns, refunds, notes) lives as long as the process.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "tests"
    )
)]

mod data;
mod http;
mod seed;

pub use data::Store;
pub use http::router;
