//! Fault 26: hostile hooks in a running bot. Each is stopped, counts as false, and harms nobody else.

use crate::flowd::Place;
use std::fmt::Write;
use std::time::{Duration, Instant};

const SCRIPTS: [&str; 14] = [
    "let x = 0; while true { x += 1; } x > 0",
    "let s = \"x\"; while true { s += s; } s.len() > 0",
    "let a = []; while true { a.push(a); } a.len() > 0",
    "let m = #{}; let i = 0; while true { m[\"k\" + i] = i; i += 1; } true",
    "let a = []; for i in 0..100000000 { a.push(i); } true",
    "let s = \"ab\"; for i in 0..60 { s.replace(\"a\", s); } true",
    "let s = \"x\"; s.pad(2000000000, 'x'); true",
    "let a = [1]; a.pad(2000000000, 1); true",
    "let n = 9223372036854775807; n + n > 0",
    "let n = 1; for i in 0..200 { n *= 3; } n > 0",
    "1 / 0 > 1",
    "let a = [1, 2]; a[99999] > 0",
    "throw \"out\"",
    "\"not a bool\"",
];

#[tokio::test(flavor = "multi_thread")]
async fn fault_26_hostile_hooks_are_stopped_counted_as_false_and_harm_nobody() {
    let mut bot = String::from(
        "bot hostile { languages en; channels web; tiers bot -> human; start greet }\ntier bot: scripted {}\ntier human: people {}\n\
         slots { which: number; words: text }\nteam support { hours always }\n\
         route human {\n  | channel | team | priority |\n  | _ | support | standard |\n}\nhandoff human { say \"One moment.\" }\n\
         node greet {\n  choose \"What?\" { \"Try\" -> try_0; \"Echo\" -> echo; otherwise -> echo }\n}\n\
         node echo { ask words \"Say something.\"; say \"Echo: {words}.\"; -> echo }\n",
    );
    let place = Place::with_bot("");
    let hooks = place.bot().join("hooks");
    std::fs::create_dir(&hooks).unwrap();
    let all = SCRIPTS
        .iter()
        .map(|s| (*s).to_owned())
        .chain(["h_14()".to_owned()]);
    let all: Vec<String> = all.collect();
    for (n, script) in all.iter().enumerate() {
        std::fs::write(
            hooks.join(format!("h_{n}.rhai")),
            format!("fn h_{n}() {{ {script} }}\n"),
        )
        .unwrap();
        let next = if n + 1 == all.len() {
            "say \"All were tried.\"\n  -> echo".to_owned()
        } else {
            format!("-> try_{}", n + 1)
        };
        let _ = write!(
            bot,
            "hook h_{n}() -> bool from \"hooks/h_{n}.rhai\"\nnode try_{n} {{\n  if h_{n}() {{ say \"OBEYED {n}\" }} else {{ say \"false {n}\" }}\n  {next}\n}}\n"
        );
    }
    std::fs::write(place.bot().join("bot.flow"), bot).unwrap();
    let flow = place.start().await;
    // Something ordinary first, so that only the hooks themselves are measured.
    let mut ana = flow.open().await;
    ana.press("Echo").await;
    ana.say("before").await;
    let before = flow.peak_memory();
    let start = Instant::now();
    let mut victims = Vec::new();
    for _ in 0..4 {
        let mut eve = flow.open().await;
        victims.push(tokio::spawn(async move {
            eve.press("Try").await;
            eve
        }));
    }
    // Others are answered meanwhile.
    for n in 0..10 {
        ana.say(&format!("word{n}")).await;
    }
    for victim in victims {
        let eve = victim.await.unwrap();
        let state = eve.hears("All were tried.").await;
        assert!(!state.to_string().contains("OBEYED"));
        let texts = eve.state().await["messages"].to_string();
        assert!(!texts.contains("OBEYED"), "{texts}");
        for n in 0..all.len() {
            assert!(texts.contains(&format!("false {n}\"")), "{n}: {texts}");
        }
    }
    // 15 scripts, 4 customers, at most 100 ms each, on a machine that does other things too.
    assert!(
        start.elapsed() < Duration::from_secs(60),
        "{:?}",
        start.elapsed()
    );
    let more = flow.peak_memory() - before;
    println!("{more} KiB more at the peak, {:?}", start.elapsed());
    assert!(more < 50 << 10, "{more} KiB more");
    ana.hears("Echo: word9.").await;
}
