//! The suite that every store must pass.

use crate::*;
use jiff::Timestamp;
use smol_str::SmolStr;
use std::path::{Path, PathBuf};

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(1_700_000_000_000 + ms).unwrap()
}

fn store() -> (tempfile::TempDir, SqliteStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path(), &SqliteOptions::default()).unwrap();
    (dir, store)
}

/// A turn that adds event `seq` to conversation `id`, expecting row version `row`.
pub(crate) fn turn(id: &str, row: u64, seq: u64) -> TurnCommit {
    TurnCommit {
        conversation: Conversation {
            summary: Summary {
                id: id.to_owned(),
                stage: "scripted".into(),
                tier: "bot".into(),
                channel: "web".into(),
                language: "en".into(),
                opened_at: Some(at(0)),
                last_at: Some(at(i64::try_from(seq).unwrap())),
                version: "v1".into(),
                seq,
                ..Summary::default()
            },
            row,
            state: format!("state {seq}"),
            token: vec![1, 2, 3],
        },
        events: vec![NewEvent {
            seq,
            at: at(0),
            record: format!("record {seq}"),
            messages: "[]".into(),
        }],
        message: None,
        outbox: Vec::new(),
        timers: Vec::new(),
        cancelled: Vec::new(),
        consumed: None,
        follow_ups: Vec::new(),
        scores: Vec::new(),
        rules: Vec::new(),
        tiers: vec!["bot".into()],
        identities: Vec::new(),
        measures: Default::default(),
    }
}

fn webhook(seq: u64) -> NewOutbox {
    NewOutbox {
        seq,
        idx: 0,
        kind: "webhook".into(),
        payload: "{}".into(),
        due: at(0),
    }
}

async fn exercises(store: &dyn Store) {
    // A turn, read back.
    let mut first = turn("a", 0, 1);
    first.message = Some(MessageKey {
        id: "m1".into(),
        hash: vec![7],
    });
    first.outbox = vec![webhook(1)];
    first.timers = vec![(1, at(60_000)), (2, at(30_000))];
    first.identities = vec![("email".into(), "ana@example.com".into(), false)];
    let Committed::Done {
        row,
        positions,
        outbox,
    } = store.commit(first.clone()).await.unwrap()
    else {
        panic!()
    };
    assert_eq!((row, positions.len(), outbox.len()), (1, 1, 1));
    let loaded = store.load("a").await.unwrap().unwrap();
    assert_eq!(loaded.conversation.state, "state 1");
    assert_eq!(loaded.conversation.row, 1);
    assert_eq!(loaded.messages, ["m1"]);
    assert_eq!(store.message("a", "m1").await.unwrap(), Some((vec![7], 1)));
    assert_eq!(store.message("a", "m2").await.unwrap(), None);
    assert!(store.load("nobody").await.unwrap().is_none());

    // The same id: once, and never with another body.
    assert_eq!(
        store.commit(first.clone()).await.unwrap(),
        Committed::Duplicate(1)
    );
    first.message = Some(MessageKey {
        id: "m1".into(),
        hash: vec![8],
    });
    assert_eq!(store.commit(first).await.unwrap(), Committed::IdReused);

    // An old row version is refused and leaves nothing behind.
    let mut stale = turn("a", 0, 2);
    stale.outbox = vec![webhook(2)];
    assert_eq!(store.commit(stale).await.unwrap(), Committed::Conflict);
    assert_eq!(store.log("a", 0, 10).await.unwrap().len(), 1);
    assert_eq!(store.outbox().await.unwrap().len(), 1);

    // A result uses up its outbox row; a timer that fired, its timer.
    let mut second = turn("a", 1, 2);
    second.consumed = Some(Consumed::Outbox(outbox[0].id));
    second.cancelled = vec![1];
    assert!(matches!(
        store.commit(second).await.unwrap(),
        Committed::Done { row: 2, .. }
    ));
    assert!(store.outbox().await.unwrap().is_empty());
    assert_eq!(
        store.timers(Timestamp::MAX).await.unwrap(),
        vec![TimerRow {
            conversation: "a".into(),
            id: 2,
            at: at(30_000)
        }]
    );
    let mut third = turn("a", 2, 3);
    third.consumed = Some(Consumed::Timer(2));
    store.commit(third).await.unwrap();
    assert!(store.timers(Timestamp::MAX).await.unwrap().is_empty());

    // Claims are found only where claims are good enough.
    assert_eq!(
        store
            .conversations_of("email", "ana@example.com", false, 5)
            .await
            .unwrap()
            .len(),
        1
    );
    assert!(
        store
            .conversations_of("email", "ana@example.com", true, 5)
            .await
            .unwrap()
            .is_empty()
    );

    // Everything of an erased conversation goes.
    assert!(store.erase("a").await.unwrap());
    assert!(store.log("a", 0, 10).await.unwrap().is_empty());
    assert!(
        store
            .conversations_of("email", "ana@example.com", false, 5)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(!store.erase("a").await.unwrap());
}

#[tokio::test]
async fn sqlite_passes() {
    let (_dir, store) = store();
    exercises(&store).await;
}

#[tokio::test]
async fn a_failed_turn_takes_no_other_with_it() {
    let (_dir, store) = store();
    store.commit(turn("a", 0, 1)).await.unwrap();
    // The same sequence number twice violates the log; the turns beside it, in the same transaction, stay.
    let good: Vec<_> = (0..20)
        .map(|i| store.commit(turn(&format!("c{i}"), 0, 1)))
        .collect();
    let bad = store.commit(turn("a", 1, 1));
    for turn in good {
        assert!(matches!(turn.await.unwrap(), Committed::Done { .. }));
    }
    assert!(bad.await.is_err());
    assert_eq!(store.load("a").await.unwrap().unwrap().conversation.row, 1);
}

#[tokio::test]
async fn what_was_committed_is_there_after_reopening() {
    let (dir, store) = store();
    for seq in 1..=50 {
        store.commit(turn("a", seq - 1, seq)).await.unwrap();
    }
    drop(store);
    let store = SqliteStore::open(dir.path(), &SqliteOptions::default()).unwrap();
    let log = store.log("a", 0, 100).await.unwrap();
    assert_eq!(
        log.iter().map(|e| e.seq).collect::<Vec<_>>(),
        (1..=50).collect::<Vec<_>>()
    );
    assert_eq!(store.log("a", 48, 100).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    let (dir, store) = store();
    let path = store.path().to_owned();
    drop(store);
    rusqlite::Connection::open(path)
        .unwrap()
        .pragma_update(None, "user_version", 9000)
        .unwrap();
    let error = SqliteStore::open(dir.path(), &SqliteOptions::default()).unwrap_err();
    assert!(
        matches!(error, StoreError::TooNew { found: 9000, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_damaged_database_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("flow.db"), vec![42_u8; 8192]).unwrap();
    let error = SqliteStore::open(dir.path(), &SqliteOptions::default()).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
}

#[tokio::test]
async fn lists_page_without_gaps_or_repeats() {
    let (_dir, store) = store();
    for i in 0..25 {
        let mut t = turn(&format!("c{i:02}"), 0, 1);
        // Several share a time, so the id must decide.
        t.conversation.summary.last_at = Some(at(i64::from(i / 4)));
        store.commit(t).await.unwrap();
    }
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = store
            .list(ListQuery {
                limit: 7,
                before: before.clone(),
                ..ListQuery::default()
            })
            .await
            .unwrap();
        let Some(last) = page.last() else { break };
        before = Some((last.last_at.unwrap().as_millisecond(), last.id.clone()));
        seen.extend(page.into_iter().map(|s| s.id));
    }
    let mut sorted = seen.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!((seen.len(), sorted.len()), (25, 25));
}

#[tokio::test]
async fn a_search_takes_wildcards_as_letters() {
    let (_dir, store) = store();
    for (id, name) in [("a", "100% Ana"), ("b", "1000 Bea")] {
        let mut t = turn(id, 0, 1);
        t.conversation.summary.customer = Some(name.to_owned());
        store.commit(t).await.unwrap();
    }
    let query = ListQuery {
        search: Some("100%".into()),
        limit: 10,
        ..ListQuery::default()
    };
    let found = store.list(query).await.unwrap();
    assert_eq!(
        found.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(),
        ["a"]
    );
}

#[tokio::test]
async fn sessions_expire_and_go_with_their_agent() {
    let (_dir, store) = store();
    let agent = Agent {
        id: "leo".into(),
        name: "Leo".into(),
        role: Role::Lead,
        teams: vec!["finance".into()],
        skills: Vec::new(),
        languages: vec!["en".into()],
        capacity: Some(4),
        available: false,
        password: "x".into(),
    };
    store.put_agent(agent.clone()).await.unwrap();
    assert_eq!(store.agent("leo").await.unwrap(), Some(agent));
    let session = Session {
        hash: vec![1],
        agent: "leo".into(),
        csrf: "c".into(),
        expires: at(1000),
    };
    store.put_session(session.clone()).await.unwrap();
    assert_eq!(store.session(&[1], at(999)).await.unwrap(), Some(session));
    assert_eq!(store.session(&[1], at(1000)).await.unwrap(), None);
    // Anything but a new password changes nothing for who is signed in.
    let mut leo = store.agent("leo").await.unwrap().unwrap();
    leo.name = "Leo P.".into();
    store.put_agent(leo.clone()).await.unwrap();
    assert!(store.session(&[1], at(0)).await.unwrap().is_some());
    leo.password = "another".into();
    store.put_agent(leo).await.unwrap();
    assert_eq!(store.session(&[1], at(0)).await.unwrap(), None);
    let session = Session {
        hash: vec![2],
        agent: "leo".into(),
        csrf: "c".into(),
        expires: at(1000),
    };
    store.put_session(session).await.unwrap();
    assert!(store.remove_agent("leo").await.unwrap());
    assert_eq!(store.session(&[2], at(0)).await.unwrap(), None);
}

#[tokio::test]
async fn a_key_ends_by_itself_and_no_backup_brings_back_a_revoked_one() {
    let (dir, store) = store();
    let key = |id: &str, hash: u8, expires| ApiKey {
        id: id.into(),
        name: "test".into(),
        hash: vec![hash],
        scopes: vec!["ops".into()],
        created: at(0),
        expires,
    };
    store.put_key(key("k_1", 1, Some(at(10)))).await.unwrap();
    store.put_key(key("k_2", 2, None)).await.unwrap();
    store.put_key(key("k_3", 3, None)).await.unwrap();
    let found = store.key(&[1], at(9)).await.unwrap();
    assert_eq!(found, Some(key("k_1", 1, Some(at(10)))));
    assert_eq!(store.key(&[1], at(10)).await.unwrap(), None);
    assert!(store.key(&[2], at(10)).await.unwrap().is_some());
    let session = Session {
        hash: vec![9],
        agent: "leo".into(),
        csrf: "c".into(),
        expires: at(1000),
    };
    let leo = Agent {
        id: "leo".into(),
        name: "Leo".into(),
        role: Role::Agent,
        teams: vec![],
        skills: vec![],
        languages: vec![],
        capacity: None,
        available: false,
        password: "hash".into(),
    };
    store.put_agent(leo).await.unwrap();
    store.put_session(session).await.unwrap();
    let copy = dir.path().join("copy.db");
    store.backup(&copy).await.unwrap();
    assert!(store.remove_key("k_2").await.unwrap());
    assert!(!store.remove_key("k_2").await.unwrap());
    drop(store);
    assert_eq!(restore(&copy, dir.path()).unwrap(), 0);
    let store = SqliteStore::open(dir.path(), &SqliteOptions::default()).unwrap();
    assert_eq!(store.key(&[2], at(10)).await.unwrap(), None);
    assert!(store.key(&[3], at(10)).await.unwrap().is_some());
    assert_eq!(store.session(&[9], at(0)).await.unwrap(), None);
    assert!(store.agent("leo").await.unwrap().is_some());
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_on_the_machine_reads_the_data() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("data");
    let store = SqliteStore::open(&folder, &SqliteOptions::default()).unwrap();
    store.commit(turn("a", 0, 1)).await.unwrap();
    store.erase("a").await.unwrap();
    let copy = dir.path().join("copy.db");
    store.backup(&copy).await.unwrap();
    let open = |path: &std::path::Path| {
        let mode = std::fs::metadata(path).unwrap().permissions().mode() & 0o077;
        (mode != 0).then(|| format!("{} {mode:o}", path.display()))
    };
    let all = |store: &str| {
        let files = std::fs::read_dir(&folder).unwrap();
        let files = files.map(|f| f.unwrap().path());
        let found: Vec<String> = files
            .chain([folder.clone(), copy.clone()])
            .filter_map(|f| open(&f))
            .collect();
        assert_eq!(found, Vec::<String>::new(), "{store}");
    };
    all("while it is open");
    drop(store);
    restore(&copy, &folder).unwrap();
    let _store = SqliteStore::open(&folder, &SqliteOptions::default()).unwrap();
    all("after a restore");
}

#[tokio::test]
async fn another_systems_event_is_kept_once() {
    let (_dir, store) = store();
    let delivery = Delivery {
        id: "crm:1".into(),
        also: None,
        trigger: "renewal".into(),
        body: b"{}".to_vec(),
        hash: vec![1],
        at: at(0),
    };
    assert_eq!(store.put_delivery(delivery.clone()).await.unwrap(), None);
    assert_eq!(
        store.put_delivery(delivery.clone()).await.unwrap(),
        Some(vec![1])
    );
    assert_eq!(store.deliveries().await.unwrap(), vec![delivery.clone()]);
    store.delivery_done("crm:1").await.unwrap();
    assert!(store.deliveries().await.unwrap().is_empty());
    assert_eq!(store.put_delivery(delivery).await.unwrap(), Some(vec![1]));

    // The same under another id, which anybody could have made up.
    let mut signed = Delivery {
        id: "git:1".into(),
        also: Some("git:content".into()),
        trigger: "push".into(),
        body: b"{}".to_vec(),
        hash: vec![2],
        at: at(0),
    };
    assert_eq!(store.put_delivery(signed.clone()).await.unwrap(), None);
    assert_eq!(store.deliveries().await.unwrap().len(), 1);
    signed.id = "git:2".into();
    assert_eq!(
        store.put_delivery(signed.clone()).await.unwrap(),
        Some(vec![2])
    );
    assert_eq!(store.put_delivery(signed).await.unwrap(), Some(vec![2]));
    let waiting = store.deliveries().await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(
        (waiting[0].id.as_str(), &waiting[0].body[..]),
        ("git:1", &b"{}"[..])
    );
}

#[tokio::test]
async fn nothing_stays_of_what_was_worked_off_long_before_an_erasure() {
    let (dir, store) = store();
    let mut t = turn("a", 0, 1);
    t.outbox = vec![webhook(1)];
    t.outbox[0].payload = format!("MARK {}", "x".repeat(9000));
    t.conversation.state = format!("{{\"MARK\": \"{}\"}}", "y".repeat(9000));
    let Committed::Done { outbox, .. } = store.commit(t).await.unwrap() else {
        panic!()
    };
    let delivery = Delivery {
        id: "crm:1".into(),
        also: None,
        trigger: "renewal".into(),
        body: b"MARK ana@example.com".to_vec(),
        hash: vec![1],
        at: at(0),
    };
    store.put_delivery(delivery).await.unwrap();
    let count = || {
        let bytes = std::fs::read(dir.path().join("flow.db")).unwrap();
        bytes.windows(4).filter(|w| *w == b"MARK").count()
    };
    store.scrub().await.unwrap();
    assert_eq!(count(), 3, "it is there at first");
    store.outbox_done(outbox[0].id).await.unwrap();
    store.delivery_done("crm:1").await.unwrap();
    store.commit(turn("a", 1, 2)).await.unwrap();
    store.scrub().await.unwrap();
    assert_eq!(count(), 0);
}

#[tokio::test]
async fn a_program_in_use_is_not_pruned() {
    let (_dir, store) = store();
    for hash in ["v1", "v2", "v3"] {
        let program = Program {
            hash: hash.into(),
            project: PackedProject::new(&Default::default()).unwrap(),
            at: at(0),
        };
        store.put_program(program).await.unwrap();
    }
    store.activate("v3").await.unwrap();
    store.commit(turn("a", 0, 1)).await.unwrap();
    assert_eq!(store.prune_programs().await.unwrap(), 1);
    assert!(store.program("v1").await.unwrap().is_some());
    assert!(store.program("v2").await.unwrap().is_none());
    assert_eq!(store.active().await.unwrap().unwrap().hash, "v3");
}

#[tokio::test]
async fn the_dashboard_counts_what_a_tier_contained() {
    let (_dir, store) = store();
    for (i, tiers) in [vec!["bot"], vec!["bot", "human"], vec!["bot", "ai"]]
        .into_iter()
        .enumerate()
    {
        let mut t = turn(&format!("c{i}"), 0, 1);
        t.conversation.summary.people = tiers.contains(&"human");
        t.conversation.summary.stage = "closed".into();
        t.conversation.summary.queued_at = Some(at(0));
        t.conversation.summary.connected_at = Some(at(1000 * (i64::try_from(i).unwrap() + 1)));
        t.tiers = tiers.into_iter().map(SmolStr::new).collect();
        t.rules = vec![("stuck".into(), "human".into())];
        t.scores = vec![("csat".into(), 4)];
        store.commit(t).await.unwrap();
    }
    let query = DashboardQuery {
        since: at(-1),
        tiers: vec!["bot".into(), "ai".into(), "human".into()],
    };
    let numbers = store.dashboard(query).await.unwrap();
    assert_eq!((numbers.conversations, numbers.closed), (3, 3));
    let contained: Vec<_> = numbers
        .tiers
        .iter()
        .map(|t| (t.tier.as_str(), t.touched, t.contained))
        .collect();
    assert_eq!(contained, [("bot", 3, 1), ("ai", 1, 1), ("human", 1, 1)]);
    assert!((numbers.handoff_rate - 1.0 / 3.0).abs() < 1e-9);
    assert_eq!(numbers.wait_seconds.p50, Some(2.0));
    assert_eq!(numbers.rules[0].fired, 3);
    assert!((numbers.scores[0].mean - 4.0).abs() < 1e-9);
}

#[tokio::test]
async fn a_delivery_given_up_can_be_replayed() {
    let (_dir, store) = store();
    let mut t = turn("a", 0, 1);
    t.outbox = vec![webhook(1)];
    let Committed::Done { outbox, .. } = store.commit(t).await.unwrap() else {
        panic!()
    };
    store.outbox_begun(outbox[0].id).await.unwrap();
    store.outbox_dead(outbox[0].id, "no answer").await.unwrap();
    assert!(store.outbox().await.unwrap().is_empty());
    assert_eq!(
        store.dead_letters(10).await.unwrap()[0]
            .last_error
            .as_deref(),
        Some("no answer")
    );
    let row = store.replay(outbox[0].id, at(5)).await.unwrap().unwrap();
    assert_eq!((row.attempts, row.due), (0, at(5)));
    assert!(store.replay(outbox[0].id, at(5)).await.unwrap().is_none());
}

#[tokio::test]
async fn what_was_given_up_long_ago_goes_and_what_is_on_its_way_stays() {
    let (_dir, store) = store();
    let now = jiff::Timestamp::now();
    let (before, after) = (
        now - jiff::SignedDuration::from_secs(60),
        now + jiff::SignedDuration::from_secs(60),
    );
    let mut t = turn("a", 0, 1);
    t.outbox = (1..=3)
        .map(|idx| crate::NewOutbox { idx, ..webhook(1) })
        .collect();
    let Committed::Done { outbox, .. } = store.commit(t).await.unwrap() else {
        panic!()
    };
    store.outbox_dead(outbox[0].id, "no answer").await.unwrap();
    store.outbox_taken(outbox[1].id, b"theirs").await.unwrap();
    assert_eq!(store.outbox().await.unwrap().len(), 1);
    // Not yet.
    assert_eq!(store.outbox_expire(Some(before), before).await.unwrap(), 0);
    assert_eq!(store.outbox_expire(None, before).await.unwrap(), 0);
    assert_eq!(store.dead_letters(10).await.unwrap().len(), 1);
    assert_eq!(store.outbox_expire(Some(after), before).await.unwrap(), 1);
    assert!(store.dead_letters(10).await.unwrap().is_empty());
    // What the service has waits for its word, and may come back.
    let (taken, since) = store.outbox_taken_as(b"theirs").await.unwrap().unwrap();
    assert!(taken.id == outbox[1].id && since > before && since < after);
    let again = store
        .outbox_missed(b"theirs", "not now", Some(at(7)))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (again.id, again.due, again.attempts),
        (outbox[1].id, at(7), 1)
    );
    assert_eq!(store.outbox().await.unwrap().len(), 2);
    // Once.
    let missed = store.outbox_missed(b"theirs", "not now", None).await;
    assert!(missed.unwrap().is_none());
    store.outbox_taken(outbox[1].id, b"again").await.unwrap();
    store.outbox_missed(b"again", "never", None).await.unwrap();
    let dead = store.dead_letters(10).await.unwrap();
    assert_eq!(dead[0].last_error.as_deref(), Some("never"));
    store.outbox_taken(outbox[2].id, b"third").await.unwrap();
    store.outbox_arrived(b"third").await.unwrap();
    assert!(store.outbox_taken_as(b"third").await.unwrap().is_none());
    assert!(store.outbox().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_was_erased_stays_erased_after_a_restore() {
    let (dir, store) = store();
    for id in ["a", "b"] {
        store.commit(turn(id, 0, 1)).await.unwrap();
    }
    let copy = dir.path().join("copy.db");
    store.backup(&copy).await.unwrap();
    assert!(store.backup(&copy).await.is_err());
    assert!(store.erase("a").await.unwrap());
    store.commit(turn("b", 1, 2)).await.unwrap();
    drop(store);
    assert_eq!(restore(&copy, dir.path()).unwrap(), 1);
    let store = SqliteStore::open(dir.path(), &SqliteOptions::default()).unwrap();
    assert!(store.load("a").await.unwrap().is_none());
    assert!(store.log("a", 0, 10).await.unwrap().is_empty());
    assert_eq!(store.log("b", 0, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_damaged_backup_changes_nothing() {
    let (dir, store) = store();
    store.commit(turn("a", 0, 1)).await.unwrap();
    drop(store);
    let copy = dir.path().join("copy.db");
    std::fs::write(&copy, vec![7_u8; 9000]).unwrap();
    assert!(restore(&copy, dir.path()).is_err());
    let store = SqliteStore::open(dir.path(), &SqliteOptions::default()).unwrap();
    assert!(store.load("a").await.unwrap().is_some());
}

/// The database of a store as the first version would have written it.
fn as_the_first_version(store: SqliteStore) -> PathBuf {
    let path = store.path().to_owned();
    drop(store);
    let old = path.with_extension("old");
    let connection = rusqlite::Connection::open(&old).unwrap();
    connection
        .execute_batch(include_str!("sqlite/schema/1.sql"))
        .unwrap();
    connection
        .execute("ATTACH ? AS now", [path.to_str().unwrap()])
        .unwrap();
    let words = |sql: &str| -> Vec<String> {
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |r| r.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    connection
        .pragma_update(None, "foreign_keys", false)
        .unwrap();
    for table in words(
        "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    ) {
        let columns = words(&format!(
            "SELECT '\"' || name || '\"' FROM pragma_table_info('{table}', 'main')"
        ))
        .join(", ");
        let sql = format!(
            "INSERT INTO main.\"{table}\" ({columns}) SELECT {columns} FROM now.\"{table}\""
        );
        connection.execute(&sql, []).unwrap();
    }
    connection.execute("DETACH now", []).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    drop(connection);
    for rest in ["db-wal", "db-shm"] {
        let _ = std::fs::remove_file(path.with_extension(rest));
    }
    std::fs::rename(old, &path).unwrap();
    path
}

#[tokio::test]
async fn a_database_of_the_first_version_is_upgraded_and_goes_on() {
    let (dir, store) = store();
    let mut first = turn("a", 0, 1);
    first.message = Some(MessageKey {
        id: "m1".into(),
        hash: vec![7],
    });
    first.outbox = vec![webhook(1)];
    first.timers = vec![(1, at(60_000))];
    first.identities = vec![("email".into(), "ana@example.com".into(), true)];
    store.commit(first.clone()).await.unwrap();
    let agent = Agent {
        id: "leo".into(),
        name: "Leo".into(),
        role: Role::Lead,
        teams: vec!["support".into()],
        skills: vec![],
        languages: vec![],
        capacity: Some(3),
        available: true,
        password: "secret".into(),
    };
    store.put_agent(agent.clone()).await.unwrap();
    let before = (
        store.load("a").await.unwrap(),
        store.outbox().await.unwrap(),
    );
    let path = as_the_first_version(store);

    let store = SqliteStore::open(dir.path(), &SqliteOptions::default()).unwrap();
    let after = (
        store.load("a").await.unwrap(),
        store.outbox().await.unwrap(),
    );
    assert_eq!(before, after);
    assert_eq!(store.agent("leo").await.unwrap(), Some(agent));
    assert_eq!(store.timers(Timestamp::MAX).await.unwrap().len(), 1);
    let found = store
        .conversations_of("email", "ana@example.com", true, 5)
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    // It is known as before, and goes on with what only newer versions have.
    assert_eq!(store.commit(first).await.unwrap(), Committed::Duplicate(1));
    assert!(matches!(
        store.commit(turn("a", 1, 2)).await.unwrap(),
        Committed::Done { row: 2, .. }
    ));
    exercises_of_channels(&store).await;
    assert_eq!(
        store
            .dashboard(DashboardQuery {
                since: at(0),
                tiers: vec![]
            })
            .await
            .unwrap()
            .conversations,
        1
    );
    // What was upgraded has the same tables and indexes as what is made new.
    let schema = |path: &Path| -> Vec<String> {
        let connection = rusqlite::Connection::open(path).unwrap();
        let mut statement = connection
            .prepare("SELECT type || ' ' || name FROM sqlite_schema ORDER BY 1")
            .unwrap();
        let rows = statement.query_map([], |r| r.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let (_fresh, new) = self::store();
    assert_eq!(schema(&path), schema(new.path()));
}

async fn exercises_of_channels(store: &dyn Store) {
    store.spend("a", 7).await.unwrap();
    assert_eq!(store.spent("a").await.unwrap(), 7);
    store.alert("slow", Some(at(1))).await.unwrap();
    assert_eq!(store.alerted().await.unwrap(), ["slow"]);
}

#[tokio::test]
async fn how_customers_were_served_is_counted_per_tier() {
    let (_dir, store) = store();
    let times = |tier: &str, since, connected, replied, done| TierTimes {
        tier: tier.into(),
        since,
        connected,
        replied,
        done,
    };
    let mut first = turn("a", 0, 1);
    first.identities = vec![("email".into(), "ana@example.com".into(), true)];
    first.measures.tiers = vec![times("people", Some(at(0)), None, None, None)];
    store.commit(first).await.unwrap();
    let mut second = turn("a", 1, 2);
    // The first moment stays; only the end moves on.
    second.measures = Measures {
        tiers: vec![times(
            "people",
            Some(at(9_000)),
            Some(at(2_000)),
            Some(at(5_000)),
            Some(at(6_000)),
        )],
        reopened: None,
        context: Some((1, 4)),
    };
    store.commit(second).await.unwrap();
    let mut third = turn("a", 2, 3);
    third.measures.tiers = vec![times(
        "people",
        None,
        Some(at(90_000)),
        Some(at(90_000)),
        Some(at(12_000)),
    )];
    // Nothing was required: nothing was missing, and nothing counts.
    third.measures.context = Some((0, 0));
    store.commit(third).await.unwrap();
    let query = DashboardQuery {
        since: at(-1_000_000),
        tiers: vec!["bot".into(), "people".into()],
    };
    let service = store.service(query.clone()).await.unwrap();
    let of = |n: usize| service.tiers.get(n).cloned().unwrap();
    assert_eq!(
        of(0),
        TierService {
            tier: "bot".into(),
            ..TierService::default()
        }
    );
    assert_eq!(of(1).wait_seconds.p50, Some(2.0));
    assert_eq!(of(1).first_reply_seconds.p50, Some(5.0));
    assert_eq!(of(1).handle_seconds.p50, Some(10.0));
    assert_eq!(service.context_completeness, Some(0.25));
    assert_eq!(service.repeat_rate, 0.0);

    // The same person again, by proof; somebody who only says so is somebody else.
    for (id, proven) in [("b", true), ("c", false)] {
        let mut again = turn(id, 0, 1);
        again.conversation.summary.opened_at = Some(at(60_000));
        again.identities = vec![("email".into(), "ana@example.com".into(), proven)];
        store.commit(again).await.unwrap();
    }
    let mut reopened = turn("c", 1, 2);
    assert_eq!(
        store.service(query.clone()).await.unwrap().repeat_rate,
        1.0 / 3.0
    );
    reopened.measures.reopened = Some(at(1));
    store.commit(reopened).await.unwrap();
    assert_eq!(store.service(query).await.unwrap().repeat_rate, 2.0 / 3.0);
}
