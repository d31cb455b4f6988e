//! flowd: runs a bot for real.
//!
//! What lives here: HTTP, streams, outgoing requests, models, timers, the desk's clock, hot reload, accounts. What does not: SQL (see
//! `flow-store`), any decision of a conversation (see `flow-engine`).
//!
//! One message: the API takes it, understanding finds its signals, the engine steps, the store commits events, state and outbox in one
//! transaction, the answer goes out, then the outbox is delivered at least once. After a crash everything goes on from the store.
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

mod accept;
pub mod api;
pub mod app;
pub mod auth;
mod background;
mod channels;
mod clock;
pub mod config;
pub mod delivery;
pub mod desk;
mod findings;
mod hub;
mod identity;
mod learn;
mod limits;
mod metrics;
pub mod needs;
mod oidc;
mod program;
mod reload;
mod schemes;
mod server;
mod targets;
mod telemetry;
mod timers;
mod turns;
mod understand;

pub use findings::Finding;
pub use program::{Built, Program};
pub use server::{Daemon, StartError, lock_data, start, start_with};
pub use turns::{Command, Input, Outcome, TurnError};
