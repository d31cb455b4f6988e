//! What people complain about in other desks, each as a test.

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_772_445_600 + seconds).unwrap()
}

fn desk(overflow: &[(&str, i64)]) -> Desk {
    let mut desk = Desk {
        next_reservation: 1,
        ..Desk::default()
    };
    for team in ["support", "finance"] {
        desk.teams.insert(
            team.into(),
            TeamSpec {
                capacity: 2,
                assign: Vec::new(),
                overflow: if team == "finance" {
                    overflow.iter().map(|(t, ms)| ((*t).into(), *ms)).collect()
                } else {
                    Vec::new()
                },
                skills: vec![],
            },
        );
    }
    desk
}

fn agent(desk: &mut Desk, id: &str, teams: &[&str], languages: &[&str]) {
    let spec = AgentSpec {
        id: id.into(),
        name: id.to_uppercase().into(),
        teams: teams.iter().map(|t| (*t).into()).collect(),
        languages: languages.iter().map(|t| (*t).into()).collect(),
        skills: vec![],
        capacity: None,
    };
    desk.set_agent(spec, at(0));
    desk.set_present(id, true, at(0)).unwrap();
}

fn item(team: &str, priority: Priority, since: i64) -> QueueItem {
    QueueItem {
        generation: 1,
        tier: "human".into(),
        team: team.into(),
        priority,
        language: "en".into(),
        skill: None,
        agent: None,
        prefer: None,
        since: at(since),
        due: None,
        accept_within: 30_000,
    }
}

fn reserved(effects: &[DeskEffect]) -> Vec<(String, u64, String)> {
    effects
        .iter()
        .filter_map(|e| match e {
            DeskEffect::Reserved {
                conversation,
                reservation,
                agent,
                ..
            } => Some((conversation.to_string(), *reservation, agent.id.to_string())),
            _ => None,
        })
        .collect()
}

#[test]
fn the_first_thing_a_conversation_hears_is_where_it_stands() {
    let mut d = desk(&[]);
    agent(&mut d, "leo", &["support"], &[]);
    let out = d.enqueue("c1".into(), item("support", Priority::Standard, 0), at(0));
    assert!(
        matches!(&out[0], DeskEffect::News { news, .. } if news.position == 1 && news.staff == 1),
        "{out:?}"
    );
    assert_eq!(reserved(&out).len(), 1);
}

#[test]
fn an_agent_who_comes_gets_the_backlog_up_to_capacity_and_no_more() {
    let mut d = desk(&[]);
    for i in 0..5 {
        d.enqueue(
            format!("c{i}").into(),
            item("support", Priority::Standard, i),
            at(i),
        );
    }
    let spec = AgentSpec {
        id: "leo".into(),
        name: "Leo".into(),
        teams: vec!["support".into()],
        languages: vec![],
        skills: vec![],
        capacity: None,
    };
    d.set_agent(spec, at(10));
    let out = d.set_present("leo", true, at(10)).unwrap();
    let offered = reserved(&out);
    assert_eq!(
        offered.iter().map(|o| o.0.as_str()).collect::<Vec<_>>(),
        ["c0", "c1"]
    );
    for (_, reservation, _) in offered {
        d.accept("leo", reservation, at(11)).unwrap();
    }
    assert_eq!(d.take("leo", "c2", at(12)), Err(DeskError::Full(2)));
}

#[test]
fn two_accepts_of_one_reservation_and_of_a_passed_one_are_refused() {
    let mut d = desk(&[]);
    agent(&mut d, "leo", &["support"], &[]);
    agent(&mut d, "ana", &["support"], &[]);
    let out = d.enqueue("c1".into(), item("support", Priority::Standard, 0), at(0));
    let (_, first, who) = reserved(&out).remove(0);
    let out = d.tick(at(31));
    let (_, second, other) = reserved(&out).remove(0);
    assert_ne!(who, other, "it goes to the next agent");
    assert_eq!(d.accept(&who, first, at(32)), Err(DeskError::Gone));
    assert!(d.accept(&other, second, at(32)).is_ok());
    assert_eq!(d.accept(&other, second, at(33)), Err(DeskError::Gone));
    assert_eq!(d.take(&who, "c1", at(33)), Err(DeskError::NotWaiting));
}

#[test]
fn an_item_that_all_let_pass_is_offered_again() {
    let mut d = desk(&[]);
    agent(&mut d, "leo", &["support"], &[]);
    d.enqueue("c1".into(), item("support", Priority::Standard, 0), at(0));
    assert_eq!(reserved(&d.tick(at(31))).len(), 1);
}

#[test]
fn urgent_goes_first_but_nobody_starves() {
    let mut d = desk(&[]);
    d.enqueue("old".into(), item("support", Priority::Standard, 0), at(0));
    d.enqueue("high".into(), item("support", Priority::High, 60), at(60));
    let order = |d: &Desk, now| {
        d.queue("support", now)
            .iter()
            .map(|(id, _)| id.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(order(&d, at(60)), ["high", "old"]);
    d.enqueue(
        "later".into(),
        item("support", Priority::High, 3600),
        at(3600),
    );
    assert_eq!(
        order(&d, at(3600)),
        ["high", "old", "later"],
        "an hour of waiting beats a fresh `high`"
    );
}

#[test]
fn overflow_moves_on_time_and_keeps_the_first_time() {
    let mut d = desk(&[("support", 180_000)]);
    agent(&mut d, "leo", &["support"], &[]);
    let out = d.enqueue("c1".into(), item("finance", Priority::Standard, 0), at(0));
    assert!(
        matches!(&out[0], DeskEffect::News { news, .. } if news.staff == 1),
        "the overflow's staff counts: {out:?}"
    );
    assert!(reserved(&d.tick(at(179))).is_empty());
    assert_eq!(d.next_wakeup(at(179)), Some(at(180)));
    let out = d.tick(at(180));
    assert!(
        out.iter()
            .any(|e| matches!(e, DeskEffect::Overflowed { team, .. } if team == "support"))
    );
    assert_eq!(reserved(&out).len(), 1);
    assert_eq!(d.item("c1").unwrap().item.since, at(0));
}

#[test]
fn a_language_is_insisted_on_while_someone_speaks_it() {
    let mut d = desk(&[]);
    agent(&mut d, "leo", &["support"], &["en"]);
    agent(&mut d, "eva", &["support"], &["es"]);
    let spanish = |since| QueueItem {
        language: "es".into(),
        ..item("support", Priority::Standard, since)
    };
    for i in 0..3 {
        d.enqueue(format!("c{i}").into(), spanish(i), at(i));
    }
    let held = |d: &Desk, id: &str| {
        d.agents()
            .into_iter()
            .find(|a| a.spec.id == id)
            .unwrap()
            .in_use
    };
    assert_eq!((held(&d, "eva"), held(&d, "leo")), (2, 0));
    d.set_present("eva", false, at(5)).unwrap();
    assert_eq!(
        held(&d, "leo"),
        2,
        "nobody present speaks it: better someone than nobody"
    );
}

#[test]
fn a_vanished_agent_s_conversations_are_first_in_line_again() {
    let mut d = desk(&[]);
    agent(&mut d, "leo", &["support"], &[]);
    let out = d.enqueue("c1".into(), item("support", Priority::Standard, 0), at(0));
    d.accept("leo", reserved(&out)[0].1, at(1)).unwrap();
    agent(&mut d, "ana", &["support"], &[]);
    let out = d.lose_agent("leo", at(100)).unwrap();
    assert!(out.iter().any(|e| matches!(e, DeskEffect::Lost { .. })));
    assert_eq!(reserved(&out)[0].2, "ana");
    assert_eq!(d.item("c1").unwrap().item.since, at(0));
}

#[test]
fn the_last_agent_is_preferred_when_present() {
    let mut d = desk(&[]);
    agent(&mut d, "ana", &["support"], &[]);
    agent(&mut d, "leo", &["support"], &[]);
    let wanted = QueueItem {
        prefer: Some("leo".into()),
        ..item("support", Priority::Standard, 0)
    };
    assert_eq!(reserved(&d.enqueue("c1".into(), wanted, at(0)))[0].2, "leo");
}

#[test]
fn without_slots_there_is_no_number() {
    let mut d = desk(&[]);
    let out = d.enqueue("c1".into(), item("support", Priority::Standard, 0), at(0));
    assert!(
        matches!(&out[0], DeskEffect::News { news, .. } if news.wait.is_none() && news.staff == 0)
    );
    let mut s = Stats::default();
    assert_eq!(s.wait(3, 0.0), None);
    s.handled(60_000);
    assert_eq!(s.wait(1, 2.0), Some(60.0));
}

#[test]
fn capacity_is_never_overshot_nor_a_conversation_held_twice() {
    // A long random walk; the seed is fixed, so a failure repeats.
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = move |n: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % n
    };
    let mut d = desk(&[("support", 60_000)]);
    for id in ["a", "b", "c"] {
        agent(
            &mut d,
            id,
            if id == "c" {
                &["support"]
            } else {
                &["support", "finance"]
            },
            &[],
        );
    }
    let mut open: Vec<(String, u64, String)> = Vec::new();
    for i in 0..4_000 {
        let now = at(i * 3);
        let who = ["a", "b", "c"][usize::try_from(next(3)).unwrap()];
        let conversation = format!("c{}", next(12));
        let out = match next(8) {
            0 | 1 => d.enqueue(
                conversation.into(),
                item(
                    if next(2) == 0 { "support" } else { "finance" },
                    Priority::Standard,
                    i * 3,
                ),
                now,
            ),
            2 => d.dequeue(&conversation, "abandoned", now),
            3 | 4 => {
                let Some((_, reservation, agent)) = open.pop() else {
                    continue;
                };
                d.accept(&agent, reservation, now).unwrap_or_default()
            }
            5 => d.set_present(who, next(2) == 0, now).unwrap(),
            6 => d.lose_agent(who, now).unwrap(),
            _ => d.tick(now),
        };
        open.extend(reserved(&out));
        let mut held = std::collections::BTreeMap::new();
        for a in d.agents() {
            assert!(a.in_use <= a.units, "step {i}: {a:?}");
            for c in a.holds {
                assert!(
                    held.insert(c.clone(), a.spec.id.clone()).is_none(),
                    "step {i}: {c} is held twice"
                );
                assert!(
                    matches!(&d.item(&c).unwrap().state, ItemState::Reserved { agent, .. } | ItemState::Assigned { agent, .. } if *agent == a.spec.id),
                    "step {i}"
                );
            }
        }
        for (c, it) in d.items() {
            assert_eq!(
                held.contains_key(c),
                !matches!(it.state, ItemState::Waiting),
                "step {i}: {c} {it:?}"
            );
        }
    }
}

#[test]
fn a_wish_that_crosses_an_acceptance_takes_nothing_from_the_agent() {
    let mut d = desk(&[]);
    agent(&mut d, "leo", &["support"], &[]);
    agent(&mut d, "ana", &["support"], &[]);
    let out = d.enqueue("c1".into(), item("support", Priority::Standard, 0), at(0));
    let (_, reservation, who) = reserved(&out).remove(0);
    d.accept(&who, reservation, at(1)).unwrap();
    let out = d.enqueue("c1".into(), item("support", Priority::High, 0), at(1));
    assert!(reserved(&out).is_empty(), "{out:?}");
    assert!(
        matches!(&d.item("c1").unwrap().state, ItemState::Assigned { agent, .. } if *agent == who)
    );
    assert_eq!(d.item("c1").unwrap().item.priority, Priority::High);
}

#[test]
fn a_raised_priority_follows_an_overflow_that_the_conversation_has_not_heard_of() {
    let mut d = desk(&[("support", 180_000)]);
    agent(&mut d, "leo", &["support"], &[]);
    d.enqueue("c1".into(), item("finance", Priority::Standard, 0), at(0));
    let (_, reservation, who) = reserved(&d.tick(at(181))).remove(0);
    d.accept(&who, reservation, at(182)).unwrap();
    let out = d.enqueue("c1".into(), item("finance", Priority::High, 0), at(183));
    assert_eq!(out, []);
    let known = d.item("c1").unwrap();
    assert_eq!(known.item.team, "support");
    assert_eq!(known.item.priority, Priority::High);
    assert!(matches!(&known.state, ItemState::Assigned { agent, .. } if agent == "leo"));
}

#[test]
fn a_later_wish_begins_anew_and_an_earlier_one_is_ignored() {
    let mut d = desk(&[]);
    agent(&mut d, "leo", &["support"], &[]);
    let out = d.enqueue("c1".into(), item("support", Priority::Standard, 0), at(0));
    let (_, reservation, _) = reserved(&out).remove(0);
    d.accept("leo", reservation, at(1)).unwrap();
    let later = QueueItem {
        generation: 2,
        ..item("support", Priority::Standard, 0)
    };
    let out = d.enqueue("c1".into(), later.clone(), at(2));
    assert!(
        matches!(out.last(), Some(DeskEffect::Reserved { generation: 2, reservation: r, .. }) if *r > reservation),
        "{out:?}"
    );
    let state = d.item("c1").unwrap().state.clone();
    let out = d.enqueue("c1".into(), item("finance", Priority::High, 0), at(3));
    assert_eq!(out, []);
    let known = d.item("c1").unwrap();
    assert_eq!((&known.item, &known.state), (&later, &state));
}

#[test]
fn demands_that_only_different_people_meet_leave_nobody_waiting() {
    let mut d = desk(&[]);
    agent(&mut d, "leo", &["support"], &["es"]);
    agent(&mut d, "mia", &["support"], &["en"]);
    let wanted = QueueItem {
        language: "es".into(),
        agent: Some("mia".into()),
        ..item("support", Priority::Standard, 0)
    };
    let out = d.enqueue("c1".into(), wanted, at(0));
    assert_eq!(reserved(&out)[0].2, "leo");
}

fn told(effects: &[DeskEffect]) -> Vec<(&str, u32, u32)> {
    let news = effects.iter().filter_map(|e| match e {
        DeskEffect::News { conversation, news } => {
            Some((conversation.as_str(), news.position, news.length))
        }
        _ => None,
    });
    news.collect()
}

#[test]
fn a_thousand_who_wait_are_not_all_told_of_each_who_comes_or_goes() {
    let mut d = desk(&[]);
    for n in 0..1000 {
        let id = format!("c{n:04}");
        let out = d.enqueue(
            id.clone().into(),
            item("support", Priority::Standard, 0),
            at(0),
        );
        assert_eq!(told(&out), [(id.as_str(), n + 1, n + 1)]);
    }
    // The first goes: those at the front move up at once.
    let out = d.dequeue("c0000", "abandoned", at(1));
    let heard = told(&out);
    assert_eq!(heard.len(), 20);
    assert_eq!(heard[0], ("c0001", 1, 999));
    assert_eq!(heard[19], ("c0020", 20, 999));
    // The others hear within a quarter of a minute, at the very end within a minute, and then know their place.
    let out = d.tick(at(15));
    assert!(told(&out).contains(&("c0099", 99, 999)), "{out:?}");
    assert!(!told(&out).iter().any(|(id, ..)| *id == "c0999"));
    let out = d.tick(at(60));
    assert!(told(&out).contains(&("c0999", 999, 999)), "{out:?}");
    assert!(told(&d.tick(at(75))).is_empty());
    for (place, (_, item)) in d.queue("support", at(75)).into_iter().enumerate() {
        let news = item.news.as_ref().unwrap();
        assert_eq!(
            (news.position as usize, news.length as usize),
            (place + 1, 999)
        );
    }
}

#[test]
fn all_who_wait_hear_at_once_that_somebody_came() {
    let mut d = desk(&[]);
    for n in 0..50 {
        let id = format!("c{n:02}");
        d.enqueue(id.into(), item("support", Priority::Standard, 0), at(0));
    }
    let spec = AgentSpec {
        id: "leo".into(),
        name: "Leo".into(),
        teams: vec!["support".into()],
        languages: vec![],
        skills: vec![],
        capacity: None,
    };
    d.set_agent(spec, at(1));
    let out = d.set_present("leo", true, at(1)).unwrap();
    assert_eq!(told(&out).len(), 50);
}
