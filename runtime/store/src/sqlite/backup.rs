//! Copies of the database, and the way back, which erases again what was erased since.

use crate::StoreError;
use rusqlite::{Connection, OpenFlags};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// The ids of erased conversations, one per line, beside the database; after `key:` those of revoked keys.
const ERASED: &str = "erased.log";
/// Before the id of a key; ids of conversations begin otherwise.
const KEY: &str = "key:";

pub(super) fn note_erased(folder: &Path, id: &str) -> Result<(), StoreError> {
    let write = || {
        let mut file = crate::private::append(&folder.join(ERASED))?;
        writeln!(file, "{id}")?;
        file.sync_all()
    };
    write().map_err(|e: std::io::Error| StoreError::Unavailable(format!("`{ERASED}`: {e}")))
}

pub(super) fn note_revoked(folder: &Path, key: &str) -> Result<(), StoreError> {
    note_erased(folder, &format!("{KEY}{key}"))
}

pub(super) fn backup(c: &Connection, to: &Path) -> Result<(), StoreError> {
    // An empty file is taken as a new one, and keeps its rights.
    let file = crate::private::make_new(to).map_err(|e| match e.kind() {
        std::io::ErrorKind::AlreadyExists => StoreError::Other(format!(
            "`{}` is there already; name a new file",
            to.display()
        )),
        _ => StoreError::Unavailable(format!("`{}`: {e}", to.display())),
    })?;
    // A reader's connection may write nothing of its own database, but a copy is no change of it.
    c.pragma_update(None, "query_only", false)?;
    let copied = c.execute("VACUUM INTO ?", [to.to_string_lossy()]);
    c.pragma_update(None, "query_only", true)?;
    if let Err(error) = copied {
        let _ = std::fs::remove_file(to);
        return Err(error.into());
    }
    file.sync_all()
        .map_err(|e| StoreError::Unavailable(e.to_string()))
}

/// For so long it is tried again to empty the journal.
const TRIED: Duration = Duration::from_millis(500);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// Brings what was deleted from the journal into the database, where it is overwritten, and empties the journal.
pub(super) fn scrub(c: &Connection) -> Result<(), StoreError> {
    let began = Instant::now();
    loop {
        let busy: bool = c.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        // For readers SQLite has waited; for a checkpoint of the background it does not.
        if !busy || began.elapsed() > TRIED {
            return Ok(());
        }
        std::thread::sleep(PAUSE);
    }
}

/// Puts a backup in place of the database of a data folder that no daemon uses. What was erased since the backup is erased again;
/// answers how many conversations that were.
///
/// # Errors
/// If the backup is damaged or cannot be copied; the database is then as before.
pub fn restore(from: &Path, folder: &Path) -> Result<u64, StoreError> {
    let io = |e: std::io::Error| StoreError::Unavailable(format!("`{}`: {e}", from.display()));
    let found: String = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    if found != "ok" {
        return Err(StoreError::Corrupt(format!(
            "the backup `{}` is damaged: {found}",
            from.display()
        )));
    }
    crate::data_folder(folder)?;
    let staged = folder.join("flow.db.restoring");
    match std::fs::remove_file(&staged) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(io(e)),
        _ => {}
    }
    let mut copy = crate::private::make_new(&staged).map_err(io)?;
    let mut backup = std::fs::File::open(from).map_err(io)?;
    std::io::copy(&mut backup, &mut copy).map_err(io)?;
    copy.sync_all().map_err(io)?;
    drop(copy);
    let erased = std::fs::read_to_string(folder.join(ERASED)).unwrap_or_default();
    let mut count = 0;
    {
        let connection = Connection::open(&staged)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "secure_delete", true)?;
        // Who was signed out since, or has another password, must not be signed in again.
        connection.execute("DELETE FROM session", [])?;
        for id in erased.lines() {
            if let Some(key) = id.strip_prefix(KEY) {
                connection.execute("DELETE FROM api_key WHERE id = ?", [key])?;
                continue;
            }
            count += connection.execute("DELETE FROM conversation WHERE id = ?", [id])? as u64;
        }
        // Pages that were put together anew may still hold what was deleted, between what is there.
        if count > 0 {
            connection.execute_batch("VACUUM")?;
        }
    }
    for rest in ["flow.db-wal", "flow.db-shm"] {
        match std::fs::remove_file(folder.join(rest)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(io(e)),
            _ => {}
        }
    }
    std::fs::rename(&staged, folder.join("flow.db")).map_err(io)?;
    Ok(count)
}
