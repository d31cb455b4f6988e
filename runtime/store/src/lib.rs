//! What is kept between turns: conversations, their logs, what is still to be delivered, timers, people, programs.
//!
//! What lives here: one trait, [`Store`], and its stores; all SQL. What does not: networks, the meaning of a state or an event (they are
//! kept as JSON), any decision.
//!
//! # Terminology
//!
//! - **Turn**: what one event did to one conversation. It is committed in one transaction or not at all.
//! - **Row version**: counts the commits of a conversation; a commit that expects another one is refused ([`Committed::Conflict`]).
//! - **Outbox**: what must be delivered at least once (webhooks, models, channels); a row goes when its result was committed.
//! - **Position**: the place of an event in the log of all conversations; rises, with gaps.
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

mod dashboard;
mod error;
mod packed;
mod people;
mod private;
mod rows;
mod service;
mod sqlite;
#[cfg(test)]
mod tests;

pub use dashboard::{
    Dashboard, DashboardQuery, HourCount, Percentiles, RuleCount, Score, TeamCount, TierCount,
};
pub use error::StoreError;
pub use packed::PackedProject;
pub use people::{Agent, ApiKey, AuditProof, AuditRow, NewAudit, Role, Session};
pub use private::data_folder;
pub use rows::{
    AgentName, Committed, Consumed, Conversation, Delivery, EventRow, FollowUpRow, ListQuery,
    Loaded, MessageKey, NewEvent, NewFollowUp, NewOutbox, OutboxRow, PriorityWord, Program, Scope,
    Stats, StoredFile, Summary, Thread, TimerRow, TurnCommit, Verification, VersionInUse,
};
pub use service::{Measures, Service, TierService, TierTimes, Verdict};
pub use sqlite::{SqliteOptions, SqliteStore, restore};

use jiff::Timestamp;
use std::future::Future;
use std::pin::Pin;

/// What the store's functions return.
pub type Fut<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A store. Every function that changes something returns when the change is durable.
pub trait Store: Send + Sync + 'static {
    /// Commits a turn: events, state, outbox, timers, follow-ups, all or nothing.
    fn commit(&self, turn: TurnCommit) -> Fut<'_, Committed>;
    /// A conversation's state, with the ids of all commands it took.
    fn load(&self, id: &str) -> Fut<'_, Option<Loaded>>;
    /// A command that a conversation took, by its id: the hash of its body, and the turn's number.
    fn message(&self, conversation: &str, id: &str) -> Fut<'_, Option<(Vec<u8>, u64)>>;
    /// A conversation's columns.
    fn summary(&self, id: &str) -> Fut<'_, Option<Summary>>;
    /// A conversation's log after a sequence number.
    fn log(&self, id: &str, after: u64, limit: u32) -> Fut<'_, Vec<EventRow>>;
    /// The log of all conversations after a position.
    fn events_after(&self, position: i64, limit: u32) -> Fut<'_, Vec<EventRow>>;
    /// The newest position; 0 before the first event.
    fn last_position(&self) -> Fut<'_, i64>;
    /// Conversations for a list, newest first.
    fn list(&self, query: ListQuery) -> Fut<'_, Vec<Summary>>;
    /// Conversations that have the queue or an agent, to rebuild the desk, oldest first.
    fn with_people(&self) -> Fut<'_, Vec<Summary>>;
    /// Open conversations of a version; with `None` of all versions.
    fn open_of_version(&self, version: Option<&str>) -> Fut<'_, Vec<String>>;
    /// Conversations in which a profile field has this value, newest first.
    fn conversations_of(
        &self,
        field: &str,
        value: &str,
        proven: bool,
        limit: u32,
    ) -> Fut<'_, Vec<Summary>>;

    /// Everything that is still to be delivered, oldest first.
    fn outbox(&self) -> Fut<'_, Vec<OutboxRow>>;
    /// Notes that a delivery was begun: what may not be repeated is then not begun again.
    fn outbox_begun(&self, id: i64) -> Fut<'_, ()>;
    /// Defers a delivery.
    fn outbox_defer(&self, id: i64, due: Timestamp, error: &str) -> Fut<'_, ()>;
    /// It was delivered, and nothing follows from it.
    fn outbox_done(&self, id: i64) -> Fut<'_, ()>;
    /// Gives a delivery up; it stays to be looked at.
    fn outbox_dead(&self, id: i64, error: &str) -> Fut<'_, ()>;
    /// A messaging service has it, under this name (of 64 bytes at most), and may still say that it did not arrive.
    fn outbox_taken(&self, id: i64, name: &[u8]) -> Fut<'_, ()>;
    /// What a messaging service has under this name arrived.
    fn outbox_arrived(&self, name: &[u8]) -> Fut<'_, ()>;
    /// What a messaging service has under this name and has not yet said to have arrived, and since when.
    fn outbox_taken_as(&self, name: &[u8]) -> Fut<'_, Option<(OutboxRow, Timestamp)>>;
    /// What a messaging service has under this name did not arrive: it is given up, or is to be delivered `again` at a time. `None`: nothing
    /// of this name is on its way.
    fn outbox_missed(
        &self,
        name: &[u8],
        error: &str,
        again: Option<Timestamp>,
    ) -> Fut<'_, Option<OutboxRow>>;
    /// Removes what was given up before a time (`dead`), and what a messaging service has since before another without a word (`taken`); how
    /// many of the former.
    fn outbox_expire(&self, dead: Option<Timestamp>, taken: Timestamp) -> Fut<'_, u64>;
    /// Deliveries that were given up, newest first.
    fn dead_letters(&self, limit: u32) -> Fut<'_, Vec<OutboxRow>>;
    /// Asks the daemon, from another process, to try again what was given up: one delivery, or (with `None`) all; how many there are.
    fn ask_replay(&self, id: Option<i64>) -> Fut<'_, u64>;
    /// Deliveries that [`Self::ask_replay`] asked for and that nobody put back yet.
    fn replays_asked(&self) -> Fut<'_, Vec<i64>>;
    /// Puts a delivery that was given up back; `None`: there is none of this id.
    fn replay(&self, id: i64, now: Timestamp) -> Fut<'_, Option<OutboxRow>>;
    /// Timers that are due until then, soonest first.
    fn timers(&self, until: Timestamp) -> Fut<'_, Vec<TimerRow>>;
    /// Forgets a timer that no conversation knows any more.
    fn remove_timer(&self, conversation: &str, id: u64) -> Fut<'_, ()>;

    /// Keeps a file.
    fn put_file(&self, file: StoredFile) -> Fut<'_, ()>;
    /// A file of a conversation.
    fn file(&self, conversation: &str, id: &str) -> Fut<'_, Option<StoredFile>>;
    /// Keeps the code that was sent to verify an address, in place of an earlier one.
    fn put_verification(&self, verification: Verification) -> Fut<'_, ()>;
    /// The code under way.
    fn verification(&self, conversation: &str) -> Fut<'_, Option<Verification>>;
    /// Forgets the code.
    fn remove_verification(&self, conversation: &str) -> Fut<'_, ()>;

    /// Follow-ups, soonest due first.
    fn follow_ups(&self, done: Option<bool>, limit: u32) -> Fut<'_, Vec<FollowUpRow>>;
    /// A follow-up.
    fn follow_up(&self, id: i64) -> Fut<'_, Option<FollowUpRow>>;
    /// Closes a follow-up; `false`: there is none, or it was closed.
    fn follow_up_done(&self, id: i64, by: &str, at: Timestamp) -> Fut<'_, bool>;

    /// Keeps an event of another system; `None`: new; else the hash of the body that came under this id, or under its other name, before.
    fn put_delivery(&self, delivery: Delivery) -> Fut<'_, Option<Vec<u8>>>;
    /// Events of other systems that were not worked off.
    fn deliveries(&self) -> Fut<'_, Vec<Delivery>>;
    /// An event of another system was worked off.
    fn delivery_done(&self, id: &str) -> Fut<'_, ()>;

    /// Uses a signed login of a visitor that is good once, until a time; `false`: it was used before.
    fn use_login(&self, hash: &[u8], until: Timestamp, now: Timestamp) -> Fut<'_, bool>;

    /// The conversation of a customer's address on a channel.
    fn thread(&self, channel: &str, address: &str) -> Fut<'_, Option<Thread>>;
    /// Where a conversation goes on, if it is one of a messaging service.
    fn thread_of(&self, conversation: &str) -> Fut<'_, Option<Thread>>;
    /// Notes that a customer wrote, and the conversation that goes on with it; `sent` is left as it is.
    fn heard(&self, thread: Thread) -> Fut<'_, ()>;
    /// Notes that a customer was asked by a template to write.
    fn reopened(&self, conversation: &str, at: Timestamp) -> Fut<'_, ()>;
    /// Notes that the service takes no free message for a customer, unless they wrote after this time.
    fn window_closed(&self, conversation: &str, heard_until: Timestamp) -> Fut<'_, ()>;
    /// Conversations of messaging services whose log is ahead of the outbox.
    fn behind(&self) -> Fut<'_, Vec<String>>;
    /// Puts what a log says up to a number into the outbox; what came so far before is left out, so that nothing comes twice.
    fn hand_over(
        &self,
        conversation: &str,
        seq: u64,
        rows: Vec<NewOutbox>,
    ) -> Fut<'_, Vec<OutboxRow>>;
    /// Tokens that models used for a conversation.
    fn spent(&self, conversation: &str) -> Fut<'_, u64>;
    /// Adds tokens.
    fn spend(&self, conversation: &str, tokens: u64) -> Fut<'_, ()>;
    /// Alerts of targets that were called and still hold.
    fn alerted(&self) -> Fut<'_, Vec<String>>;
    /// Notes an alert, or (with `None`) that it does not hold any more.
    fn alert(&self, id: &str, since: Option<Timestamp>) -> Fut<'_, ()>;
    /// All files of a conversation.
    fn files(&self, conversation: &str) -> Fut<'_, Vec<StoredFile>>;
    /// All follow-ups of a conversation.
    fn follow_ups_of(&self, conversation: &str) -> Fut<'_, Vec<FollowUpRow>>;

    /// Adds or changes an agent. With another password their sessions end.
    fn put_agent(&self, agent: Agent) -> Fut<'_, ()>;
    /// All agents by name.
    fn agents(&self) -> Fut<'_, Vec<Agent>>;
    /// An agent.
    fn agent(&self, id: &str) -> Fut<'_, Option<Agent>>;
    /// Removes an agent and their sessions.
    fn remove_agent(&self, id: &str) -> Fut<'_, bool>;
    /// Moves an agent's switch.
    fn set_available(&self, id: &str, available: bool) -> Fut<'_, ()>;
    /// Keeps a session.
    fn put_session(&self, session: Session) -> Fut<'_, ()>;
    /// A session that has not expired.
    fn session(&self, hash: &[u8], now: Timestamp) -> Fut<'_, Option<Session>>;
    /// Ends a session.
    fn remove_session(&self, hash: &[u8]) -> Fut<'_, ()>;
    /// The details of an agent's newest sign-ins in the audit log, newest first.
    fn sign_ins_of(&self, agent: &str, limit: u32) -> Fut<'_, Vec<String>>;
    /// Adds an API key.
    fn put_key(&self, key: ApiKey) -> Fut<'_, ()>;
    /// An API key by its hash, unless it has expired.
    fn key(&self, hash: &[u8], now: Timestamp) -> Fut<'_, Option<ApiKey>>;
    /// All API keys.
    fn keys(&self) -> Fut<'_, Vec<ApiKey>>;
    /// Revokes an API key; no backup brings it back.
    fn remove_key(&self, id: &str) -> Fut<'_, bool>;
    /// Adds a line to the audit log.
    fn audit(&self, line: NewAudit) -> Fut<'_, ()>;
    /// The audit log, newest first, before a line's number.
    fn audit_log(&self, before: Option<i64>, limit: u32) -> Fut<'_, Vec<AuditRow>>;
    /// Goes through the whole audit log: whether a line was changed or taken out, and whether a hash that was noted earlier is one of it.
    fn audit_proof(&self, noted: Option<&str>) -> Fut<'_, AuditProof>;

    /// Keeps a version of a bot.
    fn put_program(&self, program: Program) -> Fut<'_, ()>;
    /// A version.
    fn program(&self, hash: &str) -> Fut<'_, Option<Program>>;
    /// Makes a version the current one.
    fn activate(&self, hash: &str) -> Fut<'_, ()>;
    /// The current version.
    fn active(&self) -> Fut<'_, Option<Program>>;
    /// The current version and those of open conversations, newest first.
    fn versions(&self) -> Fut<'_, Vec<VersionInUse>>;
    /// Removes versions that no open conversation needs, the current one excepted; how many.
    fn prune_programs(&self) -> Fut<'_, u64>;

    /// Erases everything that belongs to one conversation; `false`: there is none.
    fn erase(&self, id: &str) -> Fut<'_, bool>;
    /// Leaves nothing of what was erased in the journal; somebody who reads just then may keep it from doing so until the next time.
    fn scrub(&self) -> Fut<'_, ()>;
    /// Keeps what a reviewer said of a proposal, in place of what was said before.
    fn decide(&self, verdict: Verdict) -> Fut<'_, ()>;
    /// What reviewers said of proposals.
    fn verdicts(&self) -> Fut<'_, Vec<Verdict>>;
    /// How well customers were served.
    fn service(&self, query: DashboardQuery) -> Fut<'_, Service>;
    /// The numbers of the dashboard.
    fn dashboard(&self, query: DashboardQuery) -> Fut<'_, Dashboard>;
    /// Counts for the metrics.
    fn stats(&self) -> Fut<'_, Stats>;
    /// Whether it answers and can write.
    fn check(&self) -> Fut<'_, ()>;
}
