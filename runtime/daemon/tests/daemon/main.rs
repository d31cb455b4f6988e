//! The whole daemon over real HTTP, with a real bot; only the world around it is played.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod agents;
mod common;
mod customer;
mod dead_letters;
mod faulty;
mod graph;
mod keep;
mod leads;
mod learn;
mod limits;
mod models;
mod oidc;
mod openapi;
mod process;
mod refusals;
mod reload;
mod roles;
mod schemes;
mod sessions;
mod simulation;
mod targets;
mod telemetry;
mod triggers;
mod twilio;
mod webhooks;
mod whatsapp;
