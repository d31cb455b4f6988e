//! Copies of the database, and the way back, which erases again what was erased since.

use crate::StoreError;
use rusqlite::{Connection, OpenFlags};
use std::io::Write;
use std::path::Path;

/// The ids of erased conversations, one per line, beside the database.
const ERASED: &str = "erased.log";

pub(super) fn note_erased(folder: &Path, id: &str) -> Result<(), StoreError> {
    let write = || {
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join(ERASED))?;
        writeln!(file, "{id}")?;
        file.sync_all()
    };
    write().map_err(|e: std::io::Error| StoreError::Unavailable(format!("`{ERASED}`: {e}")))
}

pub(super) fn backup(c: &Connection, to: &Path) -> Result<(), StoreError> {
    if to.exists() {
        return Err(StoreError::Other(format!(
            "`{}` is there already; name a new file",
            to.display()
        )));
    }
    // A reader's connection may write nothing of its own database, but a copy is no change of it.
    c.pragma_update(None, "query_only", false)?;
    let copied = c.execute("VACUUM INTO ?", [to.to_string_lossy()]);
    c.pragma_update(None, "query_only", true)?;
    copied?;
    std::fs::File::open(to)
        .and_then(|f| f.sync_all())
        .map_err(|e| StoreError::Unavailable(e.to_string()))
}

/// Brings what was deleted from the journal into the database, where it is overwritten, and empties the journal.
pub(super) fn scrub(c: &Connection) -> Result<(), StoreError> {
    c.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
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
    std::fs::create_dir_all(folder).map_err(io)?;
    let staged = folder.join("flow.db.restoring");
    std::fs::copy(from, &staged).map_err(io)?;
    let erased = std::fs::read_to_string(folder.join(ERASED)).unwrap_or_default();
    let mut count = 0;
    {
        let connection = Connection::open(&staged)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "secure_delete", true)?;
        for id in erased.lines() {
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
