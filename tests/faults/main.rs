//! What goes wrong in the world, done to the real `flowd` and `flowc`: kills, full disks, hostile clients, lying servers, broken edits.
//!
//! Every test is named after its fault and says what is expected. All traffic stays on this machine. `FLOW_FAULTS=full` does everything as often
//! as it takes to trust it. `FLOWD` and `FLOWC` name binaries to use instead of those that are built here.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "tests"
)]

mod agents;
mod apart;
mod clock;
mod crash;
mod database;
mod disk;
mod flowd;
mod hooks;
mod hostile;
mod inert;
mod injection;
mod models;
mod order;
mod people;
mod provider;
mod rebinding;
mod reload;
mod soak;
mod sockets;
mod sources;
mod triggers;
mod upgrade;
mod webhooks;
