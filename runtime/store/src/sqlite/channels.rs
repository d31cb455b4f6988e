//! Conversations of messaging services, tokens of models, alerts of targets, all of one conversation for an export.

use super::row::{at, collect, first, get, maybe, millis, natural, number, time, word};
use crate::{FollowUpRow, NewOutbox, OutboxRow, StoreError, StoredFile, Thread};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

const THREAD: &str =
    "SELECT channel, address, conversation, sent, heard_at, reopened_at FROM thread";

fn read(r: &Row<'_>) -> Result<Thread, StoreError> {
    Ok(Thread {
        channel: word(r, "channel")?,
        address: get(r, "address")?,
        conversation: get(r, "conversation")?,
        sent: natural(get(r, "sent")?),
        heard_at: time(get(r, "heard_at")?)?,
        reopened_at: at(r, "reopened_at")?,
    })
}

pub(super) fn thread(
    c: &Connection,
    channel: &str,
    address: &str,
) -> Result<Option<Thread>, StoreError> {
    let sql = format!("{THREAD} WHERE channel = ? AND address = ?");
    first(c.prepare_cached(&sql)?.query([channel, address])?, read)
}

pub(super) fn thread_of(c: &Connection, conversation: &str) -> Result<Option<Thread>, StoreError> {
    let sql = format!("{THREAD} WHERE conversation = ?");
    first(c.prepare_cached(&sql)?.query([conversation])?, read)
}

pub(super) fn heard(c: &Connection, t: &Thread) -> Result<(), StoreError> {
    c.prepare_cached(
        "INSERT INTO thread (channel, address, conversation, sent, heard_at) VALUES (?, ?, ?, 0, ?) \
         ON CONFLICT (channel, address) DO UPDATE SET \
         sent = CASE WHEN conversation = excluded.conversation THEN sent ELSE 0 END, conversation = excluded.conversation, \
         heard_at = max(heard_at, excluded.heard_at), reopened_at = NULL",
    )?
    .execute(params![t.channel.as_str(), t.address, t.conversation, millis(t.heard_at)])?;
    Ok(())
}

pub(super) fn reopened(
    c: &Connection,
    conversation: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    c.prepare_cached("UPDATE thread SET reopened_at = ? WHERE conversation = ?")?
        .execute(params![maybe(Some(at)), conversation])?;
    Ok(())
}

pub(super) fn window_closed(
    c: &Connection,
    conversation: &str,
    heard_until: Timestamp,
) -> Result<(), StoreError> {
    c.prepare_cached("UPDATE thread SET heard_at = 0 WHERE conversation = ? AND heard_at <= ?")?
        .execute(params![conversation, millis(heard_until)])?;
    Ok(())
}

pub(super) fn behind(c: &Connection) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT t.conversation FROM thread t JOIN conversation c ON c.id = t.conversation WHERE c.seq > t.sent";
    collect(c.prepare_cached(sql)?.query([])?, |r| {
        get(r, "conversation")
    })
}

pub(super) fn hand_over(
    c: &Connection,
    conversation: &str,
    seq: u64,
    rows: &[NewOutbox],
) -> Result<Vec<OutboxRow>, StoreError> {
    let changed = c
        .prepare_cached("UPDATE thread SET sent = ?1 WHERE conversation = ?2 AND sent < ?1")?
        .execute(params![number(seq), conversation])?;
    if changed == 0 {
        return Ok(Vec::new());
    }
    let sql =
        "INSERT INTO outbox (conversation, seq, idx, kind, payload, due) VALUES (?, ?, ?, ?, ?, ?)";
    rows.iter()
        .map(|o| {
            c.prepare_cached(sql)?.execute(params![
                conversation,
                number(o.seq),
                o.idx,
                o.kind.as_str(),
                o.payload,
                millis(o.due)
            ])?;
            Ok(OutboxRow {
                id: c.last_insert_rowid(),
                conversation: conversation.to_owned(),
                seq: o.seq,
                idx: o.idx,
                kind: o.kind.clone(),
                payload: o.payload.clone(),
                due: o.due,
                attempts: 0,
                last_error: None,
            })
        })
        .collect()
}

pub(super) fn spent(c: &Connection, conversation: &str) -> Result<u64, StoreError> {
    let found = c
        .prepare_cached("SELECT tokens FROM spent WHERE conversation = ?")?
        .query_row([conversation], |r| r.get::<_, i64>(0))
        .optional()?;
    Ok(found.map_or(0, natural))
}

pub(super) fn spend(c: &Connection, conversation: &str, tokens: u64) -> Result<(), StoreError> {
    // One that was erased meanwhile has nothing to count.
    c.prepare_cached(
        "INSERT INTO spent (conversation, tokens) SELECT id, ?2 FROM conversation WHERE id = ?1 \
         ON CONFLICT (conversation) DO UPDATE SET tokens = tokens + excluded.tokens",
    )?
    .execute(params![conversation, number(tokens)])?;
    Ok(())
}

pub(super) fn alerted(c: &Connection) -> Result<Vec<String>, StoreError> {
    collect(
        c.prepare_cached("SELECT id FROM alert ORDER BY id")?
            .query([])?,
        |r| get(r, "id"),
    )
}

pub(super) fn alert(c: &Connection, id: &str, since: Option<Timestamp>) -> Result<(), StoreError> {
    match since {
        Some(_) => c
            .prepare_cached("INSERT OR REPLACE INTO alert (id, at) VALUES (?, ?)")?
            .execute(params![id, maybe(since)])?,
        None => c
            .prepare_cached("DELETE FROM alert WHERE id = ?")?
            .execute([id])?,
    };
    Ok(())
}

pub(super) fn files(c: &Connection, conversation: &str) -> Result<Vec<StoredFile>, StoreError> {
    let sql =
        "SELECT id, conversation, name, mime, data FROM file WHERE conversation = ? ORDER BY rowid";
    collect(c.prepare_cached(sql)?.query([conversation])?, |r| {
        Ok(StoredFile {
            id: get(r, "id")?,
            conversation: get(r, "conversation")?,
            name: get(r, "name")?,
            mime: get(r, "mime")?,
            data: get(r, "data")?,
        })
    })
}

pub(super) fn follow_ups_of(
    c: &Connection,
    conversation: &str,
) -> Result<Vec<FollowUpRow>, StoreError> {
    let sql = "SELECT id, conversation, kind, due, contact, proven, team, summary, at, done_at FROM follow_up \
               WHERE conversation = ? ORDER BY id";
    collect(
        c.prepare_cached(sql)?.query([conversation])?,
        super::operate::follow_up,
    )
}

#[cfg(test)]
mod tests {
    use crate::{NewOutbox, SqliteOptions, SqliteStore, Store, Thread, TurnCommit};
    use jiff::Timestamp;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn opened(id: &str) -> TurnCommit {
        crate::tests::turn(id, 0, 1)
    }

    fn thread(conversation: &str, second: i64) -> Thread {
        Thread {
            channel: "whatsapp".into(),
            address: "491".to_owned(),
            conversation: conversation.to_owned(),
            sent: 0,
            heard_at: at(second),
            reopened_at: None,
        }
    }

    fn row(seq: u64) -> NewOutbox {
        NewOutbox {
            seq,
            idx: 0,
            kind: "message".into(),
            payload: "{}".to_owned(),
            due: at(1),
        }
    }

    #[tokio::test]
    async fn a_log_is_handed_over_once_and_a_number_goes_with_its_conversation() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(dir.path(), &SqliteOptions::default()).unwrap();
        store.heard(thread("a", 10)).await.unwrap();
        // Before its conversation is there, there is nothing to say.
        assert!(store.behind().await.unwrap().is_empty());
        store.commit(opened("a")).await.unwrap();
        assert_eq!(store.behind().await.unwrap(), ["a"]);
        let first = store.hand_over("a", 1, vec![row(1)]).await.unwrap();
        assert_eq!(first.len(), 1);
        assert!(
            store
                .hand_over("a", 1, vec![row(1)])
                .await
                .unwrap()
                .is_empty()
        );
        assert!(store.behind().await.unwrap().is_empty());

        store.reopened("a", at(20)).await.unwrap();
        store.heard(thread("a", 5)).await.unwrap();
        let found = store.thread("whatsapp", "491").await.unwrap().unwrap();
        // A late message of before changes no time, but somebody wrote.
        assert_eq!(
            (found.sent, found.heard_at, found.reopened_at),
            (1, at(10), None)
        );
        store.commit(opened("b")).await.unwrap();
        store.heard(thread("b", 30)).await.unwrap();
        assert!(store.thread_of("a").await.unwrap().is_none());
        assert_eq!(store.thread_of("b").await.unwrap().unwrap().sent, 0);

        store.spend("b", 40).await.unwrap();
        store.spend("b", 2).await.unwrap();
        store.spend("nobody", 2).await.unwrap();
        assert_eq!(store.spent("b").await.unwrap(), 42);
        assert!(store.erase("b").await.unwrap());
        assert_eq!(store.spent("b").await.unwrap(), 0);
        assert!(store.thread("whatsapp", "491").await.unwrap().is_none());
        store.scrub().await.unwrap();
    }

    #[tokio::test]
    async fn a_database_of_the_first_version_is_upgraded_with_what_it_holds() {
        let dir = tempfile::tempdir().unwrap();
        {
            let old = rusqlite::Connection::open(dir.path().join("flow.db")).unwrap();
            old.execute_batch(include_str!("schema/1.sql")).unwrap();
            old.execute_batch(
                "INSERT INTO conversation (id, row, version, state, token, stage, tier, channel, language, priority, mood, last_at, seq, people) \
                 VALUES ('a', 1, 'v', '{}', x'00', 'scripted', 'bot', 'web', 'en', 'standard', 0, 1000, 1, 0); PRAGMA user_version = 1",
            )
            .unwrap();
        }
        let store = SqliteStore::open(dir.path(), &SqliteOptions::default()).unwrap();
        assert_eq!(store.summary("a").await.unwrap().unwrap().tier, "bot");
        store.spend("a", 7).await.unwrap();
        store.heard(thread("a", 1)).await.unwrap();
        assert_eq!(store.behind().await.unwrap(), ["a"]);
        store.alert("x", Some(at(1))).await.unwrap();
        drop(store);
        let store = SqliteStore::open(dir.path(), &SqliteOptions::default()).unwrap();
        assert_eq!(store.spent("a").await.unwrap(), 7);
        assert_eq!(store.alerted().await.unwrap(), ["x"]);
    }
}
