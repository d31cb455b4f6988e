// Bench of CSML 1.11.2 (crates.io): interpreter, engine (sqlite) and validator.
//   csml_bench interp  N         N messages through csml_interpreter::interpret, AST cached the way the engine does it
//   csml_bench noast   N         same, but bot_ast = None (re-validates each message)
//   csml_bench engine  N         N messages through csml_engine::start_conversation on sqlite
//   csml_bench validate LINES FLOWS REPS   validate_bot on a generated bot
use csml_interpreter::data::{
    context::ContextStepInfo, csml_bot::CsmlBot, csml_flow::CsmlFlow, event::Event, msg::MSG,
    Client, Context, Hold,
};
use csml_interpreter::{interpret, load_components, validate_bot};
use std::collections::HashMap;
use std::sync::mpsc;
use std::time::Instant;

/// CPU seconds (user+sys, all threads) of this process.
fn cpu() -> f64 {
    let mut ts = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut ts) };
    ts.tv_sec as f64 + ts.tv_nsec as f64 * 1e-9
}

fn ten_step() -> String {
    let mut s = String::from("start:\n  say \"hello\"\n  hold\n  goto s1\n\n");
    for i in 1..9 {
        s.push_str(&format!(
            "s{i}:\n  say \"step {i}: {{{{event}}}}\"\n  hold\n  goto s{}\n\n",
            i + 1
        ));
    }
    s.push_str("s9:\n  say \"last\"\n  hold\n  goto start\n");
    s
}

fn bot(flows: Vec<CsmlFlow>) -> CsmlBot {
    CsmlBot::new(
        "botid",
        "bench",
        None,
        flows,
        Some(load_components().unwrap()),
        None,
        "main",
        None,
        None,
        None,
        None,
        None,
    )
}

fn with_ast(mut b: CsmlBot) -> CsmlBot {
    let r = validate_bot(&b);
    assert!(r.errors.is_none(), "{:?}", r.errors);
    let flows = r.flows.unwrap();
    let ext = r.extern_flows.unwrap_or_default();
    b.bot_ast = Some(base64::encode(bincode::serialize(&(&flows, &ext)).unwrap()));
    b
}

fn run_interp(n: usize, ast: bool) {
    let flow = CsmlFlow::new("main", "main", &ten_step(), vec![]);
    let b = bot(vec![flow]);
    let b = if ast { with_ast(b) } else { b };
    println!("flow lines {}", ten_step().lines().count());
    let mut hold: Option<Hold> = None;
    let mut step = "start".to_string();
    let mut out = 0usize;
    let mut steps_seen: HashMap<String, usize> = HashMap::new();
    let (t, c0) = (Instant::now(), cpu());
    for i in 0..n {
        let ev = Event::new(
            "text",
            &format!("m{i}"),
            serde_json::json!({"text": format!("m{i}")}),
        );
        let ctx = Context::new(
            HashMap::new(),
            HashMap::new(),
            None,
            hold.take(),
            &step,
            "main",
            None,
        );
        let (tx, rx) = mpsc::channel::<MSG>();
        let md = interpret(b.clone(), ctx, ev, Some(tx));
        out += md.messages.len();
        for m in rx.try_iter() {
            match m {
                MSG::Hold(h) => hold = Some(h),
                MSG::Next {
                    step: Some(ContextStepInfo::Normal(s)),
                    ..
                } => step = s,
                MSG::Next {
                    step: Some(ContextStepInfo::UnknownFlow(s)),
                    ..
                } => step = s,
                MSG::Error(e) => panic!("{:?}", e),
                _ => {}
            }
        }
        *steps_seen.entry(step.clone()).or_default() += 1;
    }
    let dt = t.elapsed().as_secs_f64();
    let mut k: Vec<_> = steps_seen.into_iter().collect();
    k.sort();
    println!("steps {:?}", k);
    let dc = cpu() - c0;
    println!("interp ast_cached={ast}: {n} msgs, {out} replies, wall {dt:.3}s {:.0} msgs/s, cpu {dc:.3}s {:.0} msgs/cpu-s", n as f64 / dt, n as f64 / dc);
}

fn run_engine(n: usize, pad: usize) {
    use csml_engine::data::{BotOpt, CsmlRequest};
    std::env::set_var("ENGINE_DB_TYPE", "sqlite");
    if std::env::var("SQLITE_URL").is_err() {
        std::env::set_var("SQLITE_URL", "bench.db");
    }
    let _ = std::fs::remove_file(std::env::var("SQLITE_URL").unwrap());
    csml_engine::make_migrations().unwrap();
    let mut flows = vec![CsmlFlow::new("main", "main", &ten_step(), vec![])];
    if pad > 0 {
        flows.push(CsmlFlow::new("pad", "pad", &gen(pad, "pad"), vec![]));
    }
    let b = bot(flows);
    let client = Client {
        user_id: "u".into(),
        bot_id: "botid".into(),
        channel_id: "c".into(),
    };
    let mut out = 0usize;
    let mut texts: HashMap<String, usize> = HashMap::new();
    let (t, c0) = (Instant::now(), cpu());
    for i in 0..n {
        let req = CsmlRequest {
            request_id: format!("r{i}"),
            client: client.clone(),
            callback_url: None,
            payload: serde_json::json!({"content_type":"text","content":{"text":format!("m{i}")}}),
            metadata: serde_json::json!({}),
            ttl_duration: None,
            step_limit: None,
            low_data_mode: None,
        };
        let r = csml_engine::start_conversation(req, BotOpt::CsmlBot(b.clone())).unwrap();
        let ms = r["messages"].as_array().unwrap();
        out += ms.len();
        for m in ms {
            let s = m["payload"]["content"]["text"]
                .as_str()
                .unwrap_or("?")
                .split(':')
                .next()
                .unwrap()
                .to_string();
            *texts.entry(s).or_default() += 1;
        }
    }
    let dt = t.elapsed().as_secs_f64();
    let mut k: Vec<_> = texts.into_iter().collect();
    k.sort();
    println!("replies by step {:?}", k);
    let dc = cpu() - c0;
    println!("engine sqlite, pad flow {pad} lines: {n} msgs, {out} replies, wall {dt:.3}s {:.1} msgs/s, cpu {dc:.3}s {:.1} msgs/cpu-s", n as f64 / dt, n as f64 / dc);
}

// 10-line step: say, if/else, remember, button question, hold, goto, blank
fn gen(lines: usize, flow: &str) -> String {
    let steps = lines / 10;
    let mut s = String::new();
    for i in 0..steps {
        let name = if i == 0 {
            "start".to_string()
        } else {
            format!("s{i}")
        };
        let next = if i + 1 == steps {
            "end".to_string()
        } else {
            format!("s{}", i + 1)
        };
        s.push_str(&format!(
            "{name}:\n  say \"This is {flow} step {i}, hello {{{{name}}}}\"\n  say Question(\"continue?\", buttons=[Button(\"Yes\", payload=\"y{i}\"), Button(\"No\")])\n  hold\n  remember v{i} = event\n  if (v{i} == \"y{i}\") {{\n    goto {next}\n  }}\n  goto {next}\n\n"
        ));
    }
    s
}

fn run_validate(lines: usize, nflows: usize, reps: usize) {
    let per = lines / nflows;
    let flows: Vec<CsmlFlow> = (0..nflows)
        .map(|i| {
            let name = if i == 0 {
                "main".to_string()
            } else {
                format!("f{i}")
            };
            CsmlFlow::new(&name, &name, &gen(per, &name), vec![])
        })
        .collect();
    let total: usize = flows.iter().map(|f| f.content.lines().count()).sum();
    let bytes: usize = flows.iter().map(|f| f.content.len()).sum();
    let b = bot(flows);
    for _ in 0..reps {
        let (t, c0) = (Instant::now(), cpu());
        let r = validate_bot(&b);
        let dt = t.elapsed().as_secs_f64();
        let dc = cpu() - c0;
        let e = r.errors.as_ref().map(|e| e.len()).unwrap_or(0);
        let w = r.warnings.as_ref().map(|w| w.len()).unwrap_or(0);
        println!("validate {nflows} flow(s), {total} lines, {bytes} B, errors {e}, warnings {w}: wall {dt:.3}s {:.0} lines/s, cpu {dc:.3}s {:.0} lines/cpu-s", total as f64 / dt, total as f64 / dc);
        if let Some(e) = r.errors {
            println!("  first: {}", e[0].message);
        }
    }
}

// What the linter says about classic mistakes.
fn run_checks() {
    let cases: &[(&str, &str)] = &[
        (
            "goto to an undefined step",
            "start:\n  say \"a\"\n  goto nowhere\n",
        ),
        (
            "goto to an undefined flow",
            "start:\n  say \"a\"\n  goto flow nowhere\n",
        ),
        (
            "unreachable step",
            "start:\n  say \"a\"\n  goto end\n\norphan:\n  say \"never\"\n  goto end\n",
        ),
        (
            "variable never set",
            "start:\n  say \"hi {{nobody}}\"\n  goto end\n",
        ),
        (
            "dead end: hold with nothing after",
            "start:\n  say \"a\"\n  hold\n",
        ),
        (
            "type error 1 + {}",
            "start:\n  do x = 1 - {}\n  say x\n  goto end\n",
        ),
        ("unknown function", "start:\n  say nope(1)\n  goto end\n"),
        (
            "duplicate step",
            "start:\n  goto a\n\na:\n  say \"1\"\n  goto end\n\na:\n  say \"2\"\n  goto end\n",
        ),
        ("infinite loop", "start:\n  goto a\n\na:\n  goto start\n"),
        (
            "unknown component argument",
            "start:\n  say Button(\"x\", nosucharg=1)\n  goto end\n",
        ),
        ("code after goto", "start:\n  goto end\n  say \"never\"\n"),
        (
            "import of missing function",
            "import f from nowhere\nstart:\n  say \"a\"\n  goto end\n",
        ),
    ];
    for (n, src) in cases {
        let b = bot(vec![CsmlFlow::new("main", "main", src, vec![])]);
        let r = std::panic::catch_unwind(|| validate_bot(&b));
        match r {
            Ok(r) => println!(
                "{n}: errors={:?} warnings={:?}",
                r.errors.map(|e| e
                    .iter()
                    .map(|x| x.message.lines().next().unwrap_or("").to_string())
                    .collect::<Vec<_>>()),
                r.warnings.map(|e| e
                    .iter()
                    .map(|x| x.message.lines().next().unwrap_or("").to_string())
                    .collect::<Vec<_>>())
            ),
            Err(_) => println!("{n}: panicked"),
        }
    }
}

// What happens to a held conversation when its step is edited and the bot is reloaded.
fn run_reload() {
    use csml_engine::data::{BotOpt, CsmlRequest};
    std::env::set_var("ENGINE_DB_TYPE", "sqlite");
    std::env::set_var("SQLITE_URL", "reload.db");
    let _ = std::fs::remove_file("reload.db");
    csml_engine::make_migrations().unwrap();
    let client = Client {
        user_id: "u".into(),
        bot_id: "botid".into(),
        channel_id: "c".into(),
    };
    let v1 = "start:\n  say \"q1\"\n  goto a\n\na:\n  say \"q2\"\n  hold\n  say \"got {{event}}\"\n  goto b\n\nb:\n  say \"q3\"\n  hold\n  say \"done\"\n  goto end\n";
    let v2 = v1.replace("\"q3\"", "\"q3 (typo fixed)\"");
    let send = |src: &str, text: &str| {
        let req = CsmlRequest {
            request_id: "r".into(),
            client: client.clone(),
            callback_url: None,
            payload: serde_json::json!({"content_type":"text","content":{"text":text}}),
            metadata: serde_json::json!({}),
            ttl_duration: None,
            step_limit: None,
            low_data_mode: None,
        };
        let b = bot(vec![CsmlFlow::new("main", "main", src, vec![])]);
        let r = csml_engine::start_conversation(req, BotOpt::CsmlBot(b)).unwrap();
        println!(
            "> {text}: {:?} end={}",
            r["messages"]
                .as_array()
                .unwrap()
                .iter()
                .map(|m| m["payload"]["content"]["text"].to_string())
                .collect::<Vec<_>>(),
            r["conversation_end"]
        );
    };
    println!("v1");
    send(v1, "hi");
    send(v1, "one");
    println!("reload to v2 (one word changed in the held step)");
    send(&v2, "two");
    send(&v2, "three");
}

fn main() {
    let a: Vec<String> = std::env::args().collect();
    let n = |i: usize, d: usize| a.get(i).and_then(|s| s.parse().ok()).unwrap_or(d);
    match a.get(1).map(|s| s.as_str()) {
        Some("interp") => run_interp(n(2, 10000), true),
        Some("noast") => run_interp(n(2, 1000), false),
        Some("engine") => run_engine(n(2, 1000), n(3, 0)),
        Some("validate") => run_validate(n(2, 10000), n(3, 1), n(4, 3)),
        Some("checks") => run_checks(),
        Some("reload") => run_reload(),
        _ => eprintln!("see source"),
    }
}
