//! The audit log: lines are only added, and each carries a hash of itself and of all lines before it.
//!
//! Whoever can write the database can also compute hashes. What they cannot do is change a line and keep the hashes that somebody else has
//! noted: the last hash, kept elsewhere, stands for the whole log up to it.

use super::row::{collect, get, millis, time};
use crate::{AuditProof, AuditRow, NewAudit, StoreError};
use rusqlite::{Connection, OptionalExtension, Row, params};

const LINE: &str = "SELECT id, at, actor, action, target, detail, chain FROM audit";

/// The hash of a line and of all before it: BLAKE3 of the hash before (32 zeros at first) and of every field with its length.
fn link(before: &[u8], line: &Line) -> [u8; 32] {
    let mut hash = blake3::Hasher::new();
    hash.update(before);
    hash.update(&line.id.to_le_bytes());
    hash.update(&line.at.to_le_bytes());
    let fields = [
        Some(&line.actor),
        Some(&line.action),
        line.target.as_ref(),
        line.detail.as_ref(),
    ];
    for field in fields {
        match field {
            None => hash.update(&u64::MAX.to_le_bytes()),
            Some(text) => {
                let length = u64::try_from(text.len()).unwrap_or(u64::MAX - 1);
                hash.update(&length.to_le_bytes()).update(text.as_bytes())
            }
        };
    }
    *hash.finalize().as_bytes()
}

struct Line {
    id: i64,
    at: i64,
    actor: String,
    action: String,
    target: Option<String>,
    detail: Option<String>,
    chain: Option<Vec<u8>>,
}

fn read(r: &Row<'_>) -> Result<Line, StoreError> {
    Ok(Line {
        id: get(r, "id")?,
        at: get(r, "at")?,
        actor: get(r, "actor")?,
        action: get(r, "action")?,
        target: get(r, "target")?,
        detail: get(r, "detail")?,
        chain: get(r, "chain")?,
    })
}

pub(super) fn add(c: &Connection, a: &NewAudit) -> Result<(), StoreError> {
    let last = c
        .prepare_cached("SELECT chain FROM audit ORDER BY id DESC LIMIT 1")?
        .query_row([], |r| r.get::<_, Option<Vec<u8>>>(0))
        .optional()?;
    let before = match last {
        None => vec![0; 32],
        Some(Some(chain)) => chain,
        // The lines of older versions have none: the first one that does stands for them too.
        Some(None) => look(c, None)?.1.to_vec(),
    };
    let at = millis(a.at);
    c.prepare_cached(
        "INSERT INTO audit (at, actor, action, target, detail) VALUES (?, ?, ?, ?, ?)",
    )?
    .execute(params![at, a.actor, a.action, a.target, a.detail])?;
    let line = Line {
        id: c.last_insert_rowid(),
        at,
        actor: a.actor.clone(),
        action: a.action.clone(),
        target: a.target.clone(),
        detail: a.detail.clone(),
        chain: None,
    };
    c.prepare_cached("UPDATE audit SET chain = ? WHERE id = ?")?
        .execute(params![link(&before, &line), line.id])?;
    Ok(())
}

pub(super) fn page(
    c: &Connection,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<AuditRow>, StoreError> {
    let sql = format!("{LINE} WHERE ?1 IS NULL OR id < ?1 ORDER BY id DESC LIMIT ?2");
    collect(
        c.prepare_cached(&sql)?.query(params![before, limit])?,
        |r| {
            let line = read(r)?;
            Ok(AuditRow {
                id: line.id,
                at: time(line.at)?,
                actor: line.actor,
                action: line.action,
                target: line.target,
                detail: line.detail,
                hash: line.chain.as_deref().map(hex),
            })
        },
    )
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut out, byte| {
        // Writing to a string does not fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Goes through all lines; also the hash after the last one.
fn look(c: &Connection, noted: Option<&str>) -> Result<(AuditProof, [u8; 32]), StoreError> {
    let mut proof = AuditProof::default();
    let mut chain = [0; 32];
    let mut chained = false;
    let mut statement = c.prepare_cached(&format!("{LINE} ORDER BY id"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let line = read(row)?;
        proof.lines += 1;
        chain = link(&chain, &line);
        let good = match &line.chain {
            Some(stored) => *stored == chain,
            // Only before the first hash.
            None => !chained,
        };
        chained |= line.chain.is_some();
        if !good && proof.broken.is_none() {
            proof.broken = Some(line.id);
        }
        if chained {
            let shown = hex(&chain);
            proof.noted |= noted == Some(shown.as_str());
            proof.head = Some(shown);
        }
        proof.last = line.id;
    }
    // The counter of the table's numbers goes on although a line goes.
    let counted = c
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'audit'")?
        .query_row([], |r| r.get::<_, i64>(0))
        .optional()?;
    if counted.is_some_and(|counted| counted > proof.last) {
        proof.broken = proof.broken.or(Some(proof.last + 1));
    }
    Ok((proof, chain))
}

pub(super) fn verify(c: &Connection, noted: Option<&str>) -> Result<AuditProof, StoreError> {
    look(c, noted).map(|(proof, _)| proof)
}

#[cfg(test)]
mod tests {
    use crate::{NewAudit, SqliteOptions, SqliteStore, Store};
    use jiff::Timestamp;
    use std::path::Path;

    fn line(action: &str, detail: Option<&str>) -> NewAudit {
        NewAudit {
            at: Timestamp::from_second(10).unwrap(),
            actor: "agent:leo".to_owned(),
            action: action.to_owned(),
            target: None,
            detail: detail.map(str::to_owned),
        }
    }

    fn open(folder: &Path) -> SqliteStore {
        SqliteStore::open(folder, &SqliteOptions::default()).unwrap()
    }

    async fn written() -> (tempfile::TempDir, SqliteStore) {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        for n in 0..5 {
            store
                .audit(line(&format!("view_{n}"), Some("x")))
                .await
                .unwrap();
        }
        (dir, store)
    }

    #[tokio::test]
    async fn lines_that_were_changed_or_taken_out_are_found() {
        for (harm, first_wrong) in [
            ("UPDATE audit SET actor = 'agent:eve' WHERE id = 3", 3),
            ("UPDATE audit SET at = at + 1 WHERE id = 1", 1),
            ("UPDATE audit SET detail = NULL WHERE id = 5", 5),
            ("UPDATE audit SET target = '', detail = 'x' WHERE id = 4", 4),
            ("UPDATE audit SET chain = NULL WHERE id = 2", 2),
            ("DELETE FROM audit WHERE id = 2", 3),
            ("DELETE FROM audit WHERE id = 5", 5),
            ("DELETE FROM audit", 1),
            (
                "INSERT INTO audit (id, at, actor, action) VALUES (9, 1, 'a', 'b')",
                9,
            ),
            (
                "UPDATE audit SET action = CASE id WHEN 2 THEN 'view_2' ELSE 'view_1' END WHERE id IN (2, 3)",
                2,
            ),
        ] {
            let (dir, store) = written().await;
            let good = store.audit_proof(None).await.unwrap();
            assert_eq!((good.lines, good.broken), (5, None));
            let database = rusqlite::Connection::open(dir.path().join("flow.db")).unwrap();
            database.execute_batch(harm).unwrap();
            let found = store.audit_proof(None).await.unwrap();
            assert_eq!(found.broken, Some(first_wrong), "{harm}");
        }
    }

    #[tokio::test]
    async fn a_noted_hash_tells_a_log_that_was_written_anew() {
        let (_dir, store) = written().await;
        let noted = store.audit_log(None, 1).await.unwrap()[0].hash.clone();
        let noted = noted.unwrap();
        store.audit(line("export", None)).await.unwrap();
        let proof = store.audit_proof(Some(&noted)).await.unwrap();
        assert!(proof.noted && proof.broken.is_none());
        assert_ne!(proof.head.unwrap(), noted);
        // Another log, flawless in itself.
        let dir = tempfile::tempdir().unwrap();
        let other = open(dir.path());
        other.audit(line("view_0", None)).await.unwrap();
        let proof = other.audit_proof(Some(&noted)).await.unwrap();
        assert!(!proof.noted && proof.broken.is_none());
    }

    #[tokio::test]
    async fn lines_of_older_versions_are_held_by_the_first_new_one() {
        let dir = tempfile::tempdir().unwrap();
        {
            let old = rusqlite::Connection::open(dir.path().join("flow.db")).unwrap();
            for step in super::super::schema::STEPS.iter().take(5) {
                old.execute_batch(step).unwrap();
            }
            old.execute_batch(
                "INSERT INTO audit (at, actor, action) VALUES (1, 'a', 'sign_in'), (2, 'b', 'view'); PRAGMA user_version = 5",
            )
            .unwrap();
        }
        let store = open(dir.path());
        let proof = store.audit_proof(None).await.unwrap();
        assert_eq!(
            (proof.lines, proof.broken, proof.head),
            (2, None, None),
            "nothing says anything of them yet"
        );
        store.audit(line("export", None)).await.unwrap();
        assert_eq!(store.audit_proof(None).await.unwrap().broken, None);
        let database = rusqlite::Connection::open(dir.path().join("flow.db")).unwrap();
        database
            .execute("UPDATE audit SET actor = 'c' WHERE id = 1", [])
            .unwrap();
        assert_eq!(store.audit_proof(None).await.unwrap().broken, Some(3));
    }
}
