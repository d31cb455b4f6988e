//! Fault 4: the wall clock is a day off. A small library before libc's makes the daemon, and nobody else, see another time.

use crate::flowd::{Customer, Place};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const DAY: i64 = 86_400;
const STILL: &str = "Are you still there?";

struct Off(std::fs::File);

impl Off {
    /// Builds the library and lets a place's daemons see its time.
    fn new(place: &mut Place) -> Option<Self> {
        let library = place.dir.path().join("libclock.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("clock.c");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(&library)
            .arg(source)
            .arg("-ldl")
            .status();
        if !built.is_ok_and(|s| s.success()) {
            return None;
        }
        let path = place.dir.path().join("off");
        std::fs::write(&path, 0_i64.to_ne_bytes()).unwrap();
        let mut set = |name: &str, value: &Path| {
            place
                .env
                .insert(name.to_owned(), value.to_str().unwrap().to_owned())
        };
        set("LD_PRELOAD", &library);
        set("FAULT_CLOCK", &path);
        let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        Some(Self(file))
    }

    fn by(&self, seconds: i64) {
        self.0.write_all_at(&seconds.to_ne_bytes(), 0).unwrap();
    }
}

async fn asked_again(customer: &Customer) -> usize {
    customer.state().await["messages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|m| m["text"] == STILL)
        .count()
}

/// The moment of the last message, seconds.
async fn last(customer: &Customer) -> i64 {
    let state = customer.state().await;
    let at = state["messages"].as_array().unwrap().last().unwrap()["at"]
        .as_str()
        .unwrap()
        .to_owned();
    at.parse::<jiff::Timestamp>().unwrap().as_second()
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_04_a_clock_that_is_a_day_off_fires_no_storm_and_stops_nothing() {
    let mut place = Place::new();
    let file = place.bot().join("bot.flow");
    let bot = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        &file,
        format!("{bot}\non silence 8s {{ say \"{STILL}\" }}\n"),
    )
    .unwrap();
    let Some(clock) = Off::new(&mut place) else {
        println!("skipped: there is no C compiler");
        return;
    };
    let flow = place.start().await;
    let mut people = Vec::new();
    for _ in 0..20 {
        let mut customer = flow.open().await;
        customer.press("Repeat after me").await;
        people.push(customer);
    }
    let before = last(&people[0]).await;
    // Forwards while it runs: nobody is asked a day's question.
    clock.by(DAY);
    tokio::time::sleep(Duration::from_secs(2)).await;
    for customer in &mut people {
        assert_eq!(asked_again(customer).await, 0);
        customer.say("still here").await;
    }
    assert!(last(&people[0]).await - before < DAY / 2);
    // Backwards: the timers do not wait for a day.
    clock.by(-DAY);
    for customer in &people {
        customer.hears(STILL).await;
        assert_eq!(asked_again(customer).await, 1);
    }
    for customer in &mut people {
        customer.say("and again").await;
    }
    let seen = last(&people[0]).await;
    assert!(seen >= before, "time does not run back in a conversation");

    // It starts a day too early: turns are taken, in their order.
    flow.signal("TERM");
    flow.ended(Duration::from_secs(25)).await;
    let flow = place.start().await;
    for customer in &mut people {
        customer.base.clone_from(&flow.base);
        customer.say("too early").await;
        customer.hears("Echo: too early.").await;
    }
    assert!(last(&people[0]).await >= seen);
    flow.signal("TERM");
    flow.ended(Duration::from_secs(25)).await;

    // And a day too late: what is overdue fires once each, and the daemon serves meanwhile.
    clock.by(DAY);
    let flow = place.start().await;
    let mut fresh = flow.open().await;
    assert!(last(&fresh).await - before > DAY / 2, "the library works");
    fresh.press("Repeat after me").await;
    fresh.say("a new one").await;
    for customer in &mut people {
        customer.base.clone_from(&flow.base);
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    for customer in &mut people {
        let asked = asked_again(customer).await;
        assert!(asked <= 2, "asked {asked} times");
        let state = customer.state().await;
        assert_ne!(state["conversation"]["stage"], "with_agent");
    }
    fresh.say("still a new one").await;
    fresh.hears("Echo: still a new one.").await;
}
