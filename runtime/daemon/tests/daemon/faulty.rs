//! A store that fails on purpose: before a write, after it without saying so, or while reading. What it does to a conversation is decided by
//! the conversation's seed alone.
#![allow(unreachable_pub, reason = "a test program exports nothing")]

use flow_store::*;
use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// Nothing is done.
    Before,
    /// It is done, and nobody is told.
    After,
}

/// A store with faults.
pub struct Faulty {
    inner: Arc<dyn Store>,
    dice: Mutex<HashMap<String, StdRng>>,
    pub on: AtomicBool,
}

impl Faulty {
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            dice: Mutex::default(),
            on: AtomicBool::new(true),
        }
    }

    /// The seed of a conversation's faults.
    pub fn seed(&self, conversation: &str, seed: u64) {
        let mut dice = self.dice.lock().unwrap();
        dice.insert(conversation.to_owned(), StdRng::seed_from_u64(seed));
    }

    /// No more faults of a conversation.
    pub fn heal(&self, conversation: &str) {
        self.dice.lock().unwrap().remove(conversation);
    }

    fn fault(&self, conversation: &str, one_in: u32) -> Fault {
        let mut dice = self.dice.lock().unwrap();
        let Some(dice) = dice
            .get_mut(conversation)
            .filter(|_| self.on.load(Ordering::Relaxed))
        else {
            return Fault::None;
        };
        match dice.random_range(0..one_in) {
            0 => Fault::Before,
            1 => Fault::After,
            _ => Fault::None,
        }
    }
}

fn broken<T: Send + 'static>() -> Fut<'static, T> {
    Box::pin(async { Err(StoreError::Unavailable("on purpose".to_owned())) })
}

impl Store for Faulty {
    fn commit(&self, turn: TurnCommit) -> Fut<'_, Committed> {
        match self.fault(&turn.conversation.summary.id, 5) {
            Fault::None => self.inner.commit(turn),
            Fault::Before => broken(),
            Fault::After => Box::pin(async move {
                self.inner.commit(turn).await?;
                broken().await
            }),
        }
    }

    fn load(&self, id: &str) -> Fut<'_, Option<Loaded>> {
        match self.fault(id, 12) {
            Fault::None => self.inner.load(id),
            _ => broken(),
        }
    }

    fn message(&self, conversation: &str, id: &str) -> Fut<'_, Option<(Vec<u8>, u64)>> {
        match self.fault(conversation, 12) {
            Fault::None => self.inner.message(conversation, id),
            _ => broken(),
        }
    }

    fn summary(&self, id: &str) -> Fut<'_, Option<Summary>> {
        self.inner.summary(id)
    }
    fn log(&self, id: &str, after: u64, limit: u32) -> Fut<'_, Vec<EventRow>> {
        self.inner.log(id, after, limit)
    }
    fn events_after(&self, position: i64, limit: u32) -> Fut<'_, Vec<EventRow>> {
        self.inner.events_after(position, limit)
    }
    fn last_position(&self) -> Fut<'_, i64> {
        self.inner.last_position()
    }
    fn list(&self, query: ListQuery) -> Fut<'_, Vec<Summary>> {
        self.inner.list(query)
    }
    fn with_people(&self) -> Fut<'_, Vec<Summary>> {
        self.inner.with_people()
    }
    fn open_of_version(&self, version: Option<&str>) -> Fut<'_, Vec<String>> {
        self.inner.open_of_version(version)
    }
    fn conversations_of(
        &self,
        field: &str,
        value: &str,
        proven: bool,
        limit: u32,
    ) -> Fut<'_, Vec<Summary>> {
        self.inner.conversations_of(field, value, proven, limit)
    }
    fn outbox(&self) -> Fut<'_, Vec<OutboxRow>> {
        self.inner.outbox()
    }
    fn outbox_begun(&self, id: i64) -> Fut<'_, ()> {
        self.inner.outbox_begun(id)
    }
    fn outbox_defer(&self, id: i64, due: Timestamp, error: &str) -> Fut<'_, ()> {
        self.inner.outbox_defer(id, due, error)
    }
    fn outbox_done(&self, id: i64) -> Fut<'_, ()> {
        self.inner.outbox_done(id)
    }
    fn outbox_dead(&self, id: i64, error: &str) -> Fut<'_, ()> {
        self.inner.outbox_dead(id, error)
    }
    fn outbox_taken(&self, id: i64, name: &[u8]) -> Fut<'_, ()> {
        self.inner.outbox_taken(id, name)
    }
    fn outbox_arrived(&self, name: &[u8]) -> Fut<'_, ()> {
        self.inner.outbox_arrived(name)
    }
    fn outbox_missed(
        &self,
        name: &[u8],
        error: &str,
        again: Option<Timestamp>,
    ) -> Fut<'_, Option<OutboxRow>> {
        self.inner.outbox_missed(name, error, again)
    }
    fn outbox_taken_as(&self, name: &[u8]) -> Fut<'_, Option<(OutboxRow, Timestamp)>> {
        self.inner.outbox_taken_as(name)
    }
    fn outbox_expire(&self, dead: Option<Timestamp>, taken: Timestamp) -> Fut<'_, u64> {
        self.inner.outbox_expire(dead, taken)
    }
    fn dead_letters(&self, limit: u32) -> Fut<'_, Vec<OutboxRow>> {
        self.inner.dead_letters(limit)
    }
    fn ask_replay(&self, id: Option<i64>) -> Fut<'_, u64> {
        self.inner.ask_replay(id)
    }
    fn replays_asked(&self) -> Fut<'_, Vec<i64>> {
        self.inner.replays_asked()
    }
    fn replay(&self, id: i64, now: Timestamp) -> Fut<'_, Option<OutboxRow>> {
        self.inner.replay(id, now)
    }
    fn timers(&self, until: Timestamp) -> Fut<'_, Vec<TimerRow>> {
        self.inner.timers(until)
    }
    fn remove_timer(&self, conversation: &str, id: u64) -> Fut<'_, ()> {
        self.inner.remove_timer(conversation, id)
    }
    fn put_file(&self, file: StoredFile) -> Fut<'_, ()> {
        self.inner.put_file(file)
    }
    fn file(&self, conversation: &str, id: &str) -> Fut<'_, Option<StoredFile>> {
        self.inner.file(conversation, id)
    }
    fn put_verification(&self, verification: Verification) -> Fut<'_, ()> {
        self.inner.put_verification(verification)
    }
    fn verification(&self, conversation: &str) -> Fut<'_, Option<Verification>> {
        self.inner.verification(conversation)
    }
    fn remove_verification(&self, conversation: &str) -> Fut<'_, ()> {
        self.inner.remove_verification(conversation)
    }
    fn follow_ups(&self, done: Option<bool>, limit: u32) -> Fut<'_, Vec<FollowUpRow>> {
        self.inner.follow_ups(done, limit)
    }
    fn follow_up(&self, id: i64) -> Fut<'_, Option<FollowUpRow>> {
        self.inner.follow_up(id)
    }
    fn follow_up_done(&self, id: i64, by: &str, at: Timestamp) -> Fut<'_, bool> {
        self.inner.follow_up_done(id, by, at)
    }
    fn put_delivery(&self, delivery: Delivery) -> Fut<'_, Option<Vec<u8>>> {
        self.inner.put_delivery(delivery)
    }
    fn deliveries(&self) -> Fut<'_, Vec<Delivery>> {
        self.inner.deliveries()
    }
    fn delivery_done(&self, id: &str) -> Fut<'_, ()> {
        self.inner.delivery_done(id)
    }
    fn use_login(&self, hash: &[u8], until: Timestamp, now: Timestamp) -> Fut<'_, bool> {
        self.inner.use_login(hash, until, now)
    }
    fn thread(&self, channel: &str, address: &str) -> Fut<'_, Option<Thread>> {
        self.inner.thread(channel, address)
    }
    fn thread_of(&self, conversation: &str) -> Fut<'_, Option<Thread>> {
        self.inner.thread_of(conversation)
    }
    fn heard(&self, thread: Thread) -> Fut<'_, ()> {
        self.inner.heard(thread)
    }
    fn reopened(&self, conversation: &str, at: Timestamp) -> Fut<'_, ()> {
        self.inner.reopened(conversation, at)
    }
    fn window_closed(&self, conversation: &str, heard_until: Timestamp) -> Fut<'_, ()> {
        self.inner.window_closed(conversation, heard_until)
    }
    fn behind(&self) -> Fut<'_, Vec<String>> {
        self.inner.behind()
    }
    fn hand_over(
        &self,
        conversation: &str,
        seq: u64,
        rows: Vec<NewOutbox>,
    ) -> Fut<'_, Vec<OutboxRow>> {
        self.inner.hand_over(conversation, seq, rows)
    }
    fn spent(&self, conversation: &str) -> Fut<'_, u64> {
        self.inner.spent(conversation)
    }
    fn spend(&self, conversation: &str, tokens: u64) -> Fut<'_, ()> {
        self.inner.spend(conversation, tokens)
    }
    fn alerted(&self) -> Fut<'_, Vec<String>> {
        self.inner.alerted()
    }
    fn alert(&self, id: &str, since: Option<Timestamp>) -> Fut<'_, ()> {
        self.inner.alert(id, since)
    }
    fn files(&self, conversation: &str) -> Fut<'_, Vec<StoredFile>> {
        self.inner.files(conversation)
    }
    fn follow_ups_of(&self, conversation: &str) -> Fut<'_, Vec<FollowUpRow>> {
        self.inner.follow_ups_of(conversation)
    }
    fn put_agent(&self, agent: Agent) -> Fut<'_, ()> {
        self.inner.put_agent(agent)
    }
    fn agents(&self) -> Fut<'_, Vec<Agent>> {
        self.inner.agents()
    }
    fn agent(&self, id: &str) -> Fut<'_, Option<Agent>> {
        self.inner.agent(id)
    }
    fn remove_agent(&self, id: &str) -> Fut<'_, bool> {
        self.inner.remove_agent(id)
    }
    fn set_available(&self, id: &str, available: bool) -> Fut<'_, ()> {
        self.inner.set_available(id, available)
    }
    fn put_session(&self, session: Session) -> Fut<'_, ()> {
        self.inner.put_session(session)
    }
    fn session(&self, hash: &[u8], now: Timestamp) -> Fut<'_, Option<Session>> {
        self.inner.session(hash, now)
    }
    fn remove_session(&self, hash: &[u8]) -> Fut<'_, ()> {
        self.inner.remove_session(hash)
    }
    fn put_key(&self, key: ApiKey) -> Fut<'_, ()> {
        self.inner.put_key(key)
    }
    fn key(&self, hash: &[u8], now: Timestamp) -> Fut<'_, Option<ApiKey>> {
        self.inner.key(hash, now)
    }
    fn keys(&self) -> Fut<'_, Vec<ApiKey>> {
        self.inner.keys()
    }
    fn remove_key(&self, id: &str) -> Fut<'_, bool> {
        self.inner.remove_key(id)
    }
    fn audit(&self, line: NewAudit) -> Fut<'_, ()> {
        self.inner.audit(line)
    }
    fn audit_log(&self, before: Option<i64>, limit: u32) -> Fut<'_, Vec<AuditRow>> {
        self.inner.audit_log(before, limit)
    }
    fn audit_proof(&self, noted: Option<&str>) -> Fut<'_, AuditProof> {
        self.inner.audit_proof(noted)
    }
    fn put_program(&self, program: Program) -> Fut<'_, ()> {
        self.inner.put_program(program)
    }
    fn program(&self, hash: &str) -> Fut<'_, Option<Program>> {
        self.inner.program(hash)
    }
    fn activate(&self, hash: &str) -> Fut<'_, ()> {
        self.inner.activate(hash)
    }
    fn active(&self) -> Fut<'_, Option<Program>> {
        self.inner.active()
    }
    fn versions(&self) -> Fut<'_, Vec<VersionInUse>> {
        self.inner.versions()
    }
    fn prune_programs(&self) -> Fut<'_, u64> {
        self.inner.prune_programs()
    }
    fn erase(&self, id: &str) -> Fut<'_, bool> {
        self.inner.erase(id)
    }
    fn scrub(&self) -> Fut<'_, ()> {
        self.inner.scrub()
    }
    fn service(&self, query: DashboardQuery) -> Fut<'_, Service> {
        self.inner.service(query)
    }
    fn dashboard(&self, query: DashboardQuery) -> Fut<'_, Dashboard> {
        self.inner.dashboard(query)
    }
    fn stats(&self) -> Fut<'_, Stats> {
        self.inner.stats()
    }
    fn check(&self) -> Fut<'_, ()> {
        self.inner.check()
    }
    fn sign_ins_of(&self, agent: &str, limit: u32) -> Fut<'_, Vec<String>> {
        self.inner.sign_ins_of(agent, limit)
    }
    fn decide(&self, verdict: Verdict) -> Fut<'_, ()> {
        self.inner.decide(verdict)
    }
    fn verdicts(&self) -> Fut<'_, Vec<Verdict>> {
        self.inner.verdicts()
    }
}
