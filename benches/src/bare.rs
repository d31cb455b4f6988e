//! The limit beside which durable turns are measured: SQLite with the settings of the store and one writer that commits together what waits, but
//! three plain tables, numbers for keys, and no checks.

use crate::measure::{Outcome, cpu_seconds};
use anyhow::Context;
use rusqlite::{Connection, params};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// Bytes of what a turn writes.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// A row that is added.
    pub event: usize,
    /// A row that is replaced.
    pub state: usize,
    /// Another row that is added.
    pub outbox: Option<usize>,
}

struct Turn {
    conversation: i64,
    seq: i64,
    event: String,
    state: String,
    outbox: Option<String>,
    done: SyncSender<()>,
}

/// Conversations of each client.
const EACH: i64 = 300;

/// Letters that do not repeat much.
#[must_use]
pub fn text(seed: u64, bytes: usize) -> String {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut out = String::with_capacity(bytes + 16);
    while out.len() < bytes {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        for shift in [0, 8, 16, 24, 32, 40, 48, 56] {
            let letter = u8::try_from((x >> shift) % 26).unwrap_or(0);
            out.push(char::from(b'a' + letter));
        }
    }
    out.truncate(bytes);
    out
}

fn connect(folder: &Path) -> anyhow::Result<Connection> {
    let connection = Connection::open(folder.join("bare.db"))?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536; PRAGMA wal_autocheckpoint=32768;",
    )?;
    Ok(connection)
}

fn write(connection: &mut Connection, queue: &Receiver<Turn>) -> anyhow::Result<()> {
    while let Ok(first) = queue.recv() {
        let mut batch = vec![first];
        batch.extend(queue.try_iter().take(511));
        let tx = connection.transaction()?;
        for turn in &batch {
            let mut read =
                tx.prepare_cached("SELECT seq, state FROM state WHERE conversation = ?")?;
            let mut rows = read.query([turn.conversation])?;
            if let Some(row) = rows.next()? {
                let before: i64 = row.get(0)?;
                anyhow::ensure!(before < turn.seq, "the turns come in order");
            }
            tx.prepare_cached(
                "INSERT INTO state (conversation, seq, state) VALUES (?, ?, ?) ON CONFLICT (conversation) DO UPDATE SET seq = excluded.seq, state = excluded.state",
            )?
            .execute(params![turn.conversation, turn.seq, turn.state])?;
            tx.prepare_cached("INSERT INTO event (conversation, seq, event) VALUES (?, ?, ?)")?
                .execute(params![turn.conversation, turn.seq, turn.event])?;
            if let Some(outbox) = &turn.outbox {
                tx.prepare_cached(
                    "INSERT INTO outbox (conversation, seq, payload) VALUES (?, ?, ?)",
                )?
                .execute(params![turn.conversation, turn.seq, outbox])?;
            }
        }
        tx.commit()?;
        for turn in batch {
            let _ = turn.done.send(());
        }
    }
    Ok(())
}

/// Writes turns of `clients` at once for a time.
///
/// # Errors
/// If the database cannot be written.
pub fn run(folder: &Path, clients: usize, sizes: Sizes, time: Duration) -> anyhow::Result<Outcome> {
    let mut connection = connect(folder)?;
    connection.execute_batch(
        "CREATE TABLE state (conversation INTEGER PRIMARY KEY, seq INTEGER NOT NULL, state TEXT NOT NULL);
         CREATE TABLE event (conversation INTEGER, seq INTEGER, event TEXT NOT NULL, PRIMARY KEY (conversation, seq));
         CREATE TABLE outbox (id INTEGER PRIMARY KEY, conversation INTEGER, seq INTEGER, payload TEXT);",
    )?;
    let background = connect(folder)?;
    let (stop, stopped) = sync_channel::<()>(0);
    let checkpoints = std::thread::spawn(move || {
        while stopped.recv_timeout(Duration::from_millis(500))
            == Err(std::sync::mpsc::RecvTimeoutError::Timeout)
        {
            let _ = background.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        }
    });
    let (turns, queue) = sync_channel::<Turn>(8192);
    let writer = std::thread::spawn(move || write(&mut connection, &queue));
    let (cpu, start) = (cpu_seconds(), Instant::now());
    let until = start + time;
    let threads: Vec<_> = (0..clients)
        .map(|n| {
            let turns = turns.clone();
            std::thread::spawn(move || {
                let first = i64::try_from(n).unwrap_or(0) * EACH;
                let (done, wait) = sync_channel(1);
                let (mut times, mut serial) = (Vec::new(), 0_i64);
                while Instant::now() < until {
                    serial += 1;
                    let seed = serial.unsigned_abs();
                    let turn = Turn {
                        conversation: first + serial / 40 % EACH,
                        seq: serial,
                        event: text(seed, sizes.event),
                        state: text(seed + 1, sizes.state),
                        outbox: sizes.outbox.map(|bytes| text(seed + 2, bytes)),
                        done: done.clone(),
                    };
                    let began = Instant::now();
                    if turns.send(turn).is_err() || wait.recv().is_err() {
                        break;
                    }
                    times.push(began.elapsed());
                }
                times
            })
        })
        .collect();
    drop(turns);
    let mut times = Vec::new();
    for thread in threads {
        times.extend(
            thread
                .join()
                .map_err(|_| anyhow::anyhow!("a client ended"))?,
        );
    }
    let took = start.elapsed();
    let outcome = Outcome::of(times, took, cpu_seconds() - cpu);
    let wrote = writer
        .join()
        .map_err(|_| anyhow::anyhow!("the writer ended"))?;
    wrote.context("the bare writer")?;
    drop(stop);
    let _ = checkpoints.join();
    Ok(outcome)
}
