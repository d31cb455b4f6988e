//! The store in one SQLite file: WAL, durable commits, one writer that commits together what waits, readers beside it.

mod audit;
mod backup;
mod channels;
mod operate;
mod outbox;
mod people;
mod pool;
mod programs;
mod reads;
mod report;
mod row;
mod schema;
mod service;
mod turns;
mod writer;

pub use backup::restore;

use crate::{
    Agent, ApiKey, AuditProof, AuditRow, Committed, Dashboard, DashboardQuery, Delivery, EventRow,
    FollowUpRow, Fut, ListQuery, Loaded, NewAudit, NewOutbox, OutboxRow, Program, Service, Session,
    Stats, Store, StoreError, StoredFile, Summary, Thread, TimerRow, TurnCommit, Verdict,
    Verification, VersionInUse,
};
use jiff::Timestamp;
use rusqlite::Connection;
use std::path::{Path, PathBuf};

/// Page cache of the writer, negative KiB as SQLite wants it: turns touch the same few indexes again and again.
const WRITER_CACHE: i64 = -(64 << 10);
/// Page cache of each reader.
const READER_CACHE: i64 = -(8 << 10);

/// Pages in the write-ahead log after which the writer itself moves them to the database.
const WAL_PAGES: i64 = 32_768;
/// Bytes of the log that are kept when it begins anew: so many pages, with their headers and a batch on top.
const WAL_BYTES: i64 = WAL_PAGES * 4_120 + (16 << 20);

/// How the store is opened.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// Connections for reading.
    pub readers: usize,
    /// Commands that may wait to be written; more are refused as busy.
    pub waiting: usize,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            readers: 4,
            waiting: 8192,
        }
    }
}

/// The store in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    writer: writer::Writer,
    readers: pool::Pool,
    path: PathBuf,
}

impl SqliteStore {
    /// Opens the database in a folder, and makes or upgrades it.
    ///
    /// # Errors
    /// If the folder cannot be written, another process has it, or the file is damaged or too new.
    pub fn open(folder: &Path, options: &SqliteOptions) -> Result<Self, StoreError> {
        crate::data_folder(folder)?;
        let path = folder.join("flow.db");
        // Its journal takes the rights of the database.
        crate::private::make(&path)
            .map_err(|e| StoreError::Unavailable(format!("`{}`: {e}", path.display())))?;
        let mut connection = connect(&path)?;
        connection.pragma_update(None, "cache_size", WRITER_CACHE)?;
        schema::migrate(&mut connection)?;
        let checkpointer = connect(&path)?;
        let readers = (0..options.readers.max(1))
            .map(|_| reader(&path))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            writer: writer::Writer::start(connection, checkpointer, options.waiting)?,
            readers: pool::Pool::new(readers),
            path,
        })
    }

    /// The database's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a copy of the whole database to a new file; the daemon may go on meanwhile.
    ///
    /// # Errors
    /// If the file is there already or cannot be written.
    pub async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let to = to.to_path_buf();
        self.readers.run(move |c| backup::backup(c, &to)).await
    }

    fn write<T, F>(&self, work: F) -> Fut<'_, T>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let answer = self.writer.submit(work);
        Box::pin(async move {
            answer?
                .await
                .map_err(|_| StoreError::Unavailable("it is closing".to_owned()))?
        })
    }

    fn read<T, F>(&self, work: F) -> Fut<'_, T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        Box::pin(self.readers.run(work))
    }
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        return Err(StoreError::Other(format!(
            "the database's journal is `{mode}`, not `wal`"
        )));
    }
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What is deleted or replaced is overwritten, not only forgotten: an erasure must also find what was delivered long before it.
    connection.pragma_update(None, "secure_delete", true)?;
    // Journals of single statements and savepoints are small and need no file.
    connection.pragma_update(None, "temp_store", "memory")?;
    // A bound for the write-ahead log: the background checkpoints alone never reset it under constant writes.
    connection.pragma_update(None, "wal_autocheckpoint", WAL_PAGES)?;
    // Not cut shorter than it usually grows: a commit that overwrites needs no new blocks, so its sync is spared the file system's own journal.
    connection.pragma_update(None, "journal_size_limit", WAL_BYTES)?;
    Ok(connection)
}

fn reader(path: &Path) -> Result<Connection, StoreError> {
    let connection = connect(path)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", READER_CACHE)?;
    Ok(connection)
}

/// Turns `fn name(args) -> T = write|read module::function` into trait functions that send the work to its thread.
macro_rules! functions {
    ($($kind:ident $name:ident($($arg:ident: $ty:ty),*) -> $out:ty = $path:path;)*) => {$(
        fn $name(&self, $($arg: $ty),*) -> Fut<'_, $out> {
            $(let $arg = <$ty as Own>::own($arg);)*
            self.$kind(move |c| $path(c, $(<$ty as Own>::lend(&$arg)),*))
        }
    )*};
}

/// Owned forms of arguments, to be sent to another thread.
trait Own {
    type Owned: Send + 'static;
    type Lent<'a>
    where
        Self::Owned: 'a;
    fn own(self) -> Self::Owned;
    fn lend(owned: &Self::Owned) -> Self::Lent<'_>;
}

impl Own for &str {
    type Owned = String;
    type Lent<'a> = &'a str;
    fn own(self) -> String {
        self.to_owned()
    }
    fn lend(owned: &String) -> &str {
        owned
    }
}

impl Own for &[u8] {
    type Owned = Vec<u8>;
    type Lent<'a> = &'a [u8];
    fn own(self) -> Vec<u8> {
        self.to_vec()
    }
    fn lend(owned: &Vec<u8>) -> &[u8] {
        owned
    }
}

impl Own for Option<&str> {
    type Owned = Option<String>;
    type Lent<'a> = Option<&'a str>;
    fn own(self) -> Option<String> {
        self.map(str::to_owned)
    }
    fn lend(owned: &Option<String>) -> Option<&str> {
        owned.as_deref()
    }
}

macro_rules! owned {
    ($($ty:ty),*) => {$(
        impl Own for $ty {
            type Owned = $ty;
            type Lent<'a> = &'a $ty;
            fn own(self) -> $ty {
                self
            }
            fn lend(owned: &$ty) -> &$ty {
                owned
            }
        }
    )*};
}
owned!(
    Agent,
    ApiKey,
    DashboardQuery,
    Delivery,
    ListQuery,
    NewAudit,
    Program,
    Session,
    StoredFile,
    Thread,
    TurnCommit,
    Vec<NewOutbox>,
    Verdict,
    Verification
);

macro_rules! copied {
    ($($ty:ty),*) => {$(
        impl Own for $ty {
            type Owned = $ty;
            type Lent<'a> = $ty;
            fn own(self) -> $ty {
                self
            }
            fn lend(owned: &$ty) -> $ty {
                *owned
            }
        }
    )*};
}
copied!(
    u32,
    u64,
    i64,
    bool,
    Timestamp,
    Option<bool>,
    Option<i64>,
    Option<Timestamp>
);

impl Store for SqliteStore {
    functions! {
        write commit(turn: TurnCommit) -> Committed = turns::commit;
        read load(id: &str) -> Option<Loaded> = reads::load;
        read message(conversation: &str, id: &str) -> Option<(Vec<u8>, u64)> = reads::message;
        read summary(id: &str) -> Option<Summary> = reads::summary;
        read log(id: &str, after: u64, limit: u32) -> Vec<EventRow> = reads::log;
        read events_after(position: i64, limit: u32) -> Vec<EventRow> = reads::events_after;
        read last_position() -> i64 = reads::last_position;
        read list(query: ListQuery) -> Vec<Summary> = reads::list;
        read with_people() -> Vec<Summary> = reads::with_people;
        read open_of_version(version: Option<&str>) -> Vec<String> = reads::open_of_version;
        read conversations_of(field: &str, value: &str, proven: bool, limit: u32) -> Vec<Summary> = reads::conversations_of;

        read outbox() -> Vec<OutboxRow> = outbox::pending;
        write outbox_begun(id: i64) -> () = outbox::begun;
        write outbox_defer(id: i64, due: Timestamp, error: &str) -> () = outbox::defer;
        write outbox_done(id: i64) -> () = outbox::done;
        write outbox_dead(id: i64, error: &str) -> () = outbox::dead;
        write outbox_taken(id: i64, name: &[u8]) -> () = outbox::taken;
        write outbox_arrived(name: &[u8]) -> () = outbox::arrived;
        read outbox_taken_as(name: &[u8]) -> Option<(OutboxRow, Timestamp)> = outbox::taken_as;
        write outbox_missed(name: &[u8], error: &str, again: Option<Timestamp>) -> Option<OutboxRow> = outbox::missed;
        write outbox_expire(dead: Option<Timestamp>, taken: Timestamp) -> u64 = outbox::expire;
        read dead_letters(limit: u32) -> Vec<OutboxRow> = outbox::dead_letters;
        write ask_replay(id: Option<i64>) -> u64 = outbox::ask_replay;
        read replays_asked() -> Vec<i64> = outbox::replays_asked;
        write replay(id: i64, now: Timestamp) -> Option<OutboxRow> = outbox::replay;
        read timers(until: Timestamp) -> Vec<TimerRow> = outbox::timers;
        write remove_timer(conversation: &str, id: u64) -> () = outbox::remove_timer;

        write put_file(file: StoredFile) -> () = operate::put_file;
        read file(conversation: &str, id: &str) -> Option<StoredFile> = operate::file;
        write put_verification(verification: Verification) -> () = operate::put_verification;
        read verification(conversation: &str) -> Option<Verification> = operate::verification;
        write remove_verification(conversation: &str) -> () = operate::remove_verification;
        read follow_ups(done: Option<bool>, limit: u32) -> Vec<FollowUpRow> = operate::follow_ups;
        read follow_up(id: i64) -> Option<FollowUpRow> = operate::follow_up_of;
        write follow_up_done(id: i64, by: &str, at: Timestamp) -> bool = operate::follow_up_done;
        write put_delivery(delivery: Delivery) -> Option<Vec<u8>> = operate::put_delivery;
        write use_login(hash: &[u8], until: Timestamp, now: Timestamp) -> bool = operate::use_login;
        read deliveries() -> Vec<Delivery> = operate::deliveries;
        write delivery_done(id: &str) -> () = operate::delivery_done;
        write erase(id: &str) -> bool = operate::erase;
        read scrub() -> () = backup::scrub;
        read stats() -> Stats = operate::stats;
        write check() -> () = operate::check;

        read thread(channel: &str, address: &str) -> Option<Thread> = channels::thread;
        read thread_of(conversation: &str) -> Option<Thread> = channels::thread_of;
        write heard(thread: Thread) -> () = channels::heard;
        write reopened(conversation: &str, at: Timestamp) -> () = channels::reopened;
        write window_closed(conversation: &str, heard_until: Timestamp) -> () = channels::window_closed;
        read behind() -> Vec<String> = channels::behind;
        write hand_over(conversation: &str, seq: u64, rows: Vec<NewOutbox>) -> Vec<OutboxRow> = channels::hand_over;
        read spent(conversation: &str) -> u64 = channels::spent;
        write spend(conversation: &str, tokens: u64) -> () = channels::spend;
        read alerted() -> Vec<String> = channels::alerted;
        write alert(id: &str, since: Option<Timestamp>) -> () = channels::alert;
        read files(conversation: &str) -> Vec<StoredFile> = channels::files;
        read follow_ups_of(conversation: &str) -> Vec<FollowUpRow> = channels::follow_ups_of;

        write put_agent(agent: Agent) -> () = people::put_agent;
        read agents() -> Vec<Agent> = people::agents;
        read agent(id: &str) -> Option<Agent> = people::agent;
        write remove_agent(id: &str) -> bool = people::remove_agent;
        write set_available(id: &str, available: bool) -> () = people::set_available;
        write put_session(session: Session) -> () = people::put_session;
        read session(hash: &[u8], now: Timestamp) -> Option<Session> = people::session;
        write remove_session(hash: &[u8]) -> () = people::remove_session;
        read sign_ins_of(agent: &str, limit: u32) -> Vec<String> = people::sign_ins_of;
        write put_key(key: ApiKey) -> () = people::put_key;
        read key(hash: &[u8], now: Timestamp) -> Option<ApiKey> = people::key;
        read keys() -> Vec<ApiKey> = people::keys;
        write remove_key(id: &str) -> bool = people::remove_key;
        write audit(line: NewAudit) -> () = audit::add;
        read audit_log(before: Option<i64>, limit: u32) -> Vec<AuditRow> = audit::page;
        read audit_proof(noted: Option<&str>) -> AuditProof = audit::verify;

        write put_program(program: Program) -> () = programs::put;
        read program(hash: &str) -> Option<Program> = programs::get;
        write activate(hash: &str) -> () = programs::activate;
        read active() -> Option<Program> = programs::active;
        read versions() -> Vec<VersionInUse> = programs::versions;
        write prune_programs() -> u64 = programs::prune;

        write decide(verdict: Verdict) -> () = service::decide;
        read verdicts() -> Vec<Verdict> = service::verdicts;
        read service(query: DashboardQuery) -> Service = service::service;
        read dashboard(query: DashboardQuery) -> Dashboard = report::dashboard;
    }
}
