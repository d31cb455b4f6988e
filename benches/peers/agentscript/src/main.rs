// busbar-sf-agentscript 0.0.2 (crates.io): parse + semantic checks + graph checks of Salesforce Agent Script.
//   agentscript_bench [LINES] [REPS]     generated file
//   agentscript_bench checks             what it says about classic mistakes
use busbar_sf_agentscript::{graph::RefGraph, parse, validate_ast};
use std::time::Instant;
fn cpu() -> f64 {
    let mut ts = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut ts) };
    ts.tv_sec as f64 + ts.tv_nsec as f64 * 1e-9
}
const HEAD: &str = "config:\n   agent_name: \"Bench\"\n   agent_label: \"Bench\"\n   description: \"Bench\"\n\nvariables:\n   mood: mutable string = \"neutral\"\n   retries: mutable number = 0\n\nsystem:\n   messages:\n      welcome: \"Hi\"\n      error: \"Oops\"\n\n   instructions: \"Help\"\n\nstart_agent topic_selector:\n   description: \"Routes\"\n\n   reasoning:\n      instructions:|\n         Select the tool.\n      actions:\n         go: @utils.transition to @topic.t0\n            description: \"first\"\n\n";
fn gen(lines: usize) -> String {
    let mut s = String::from(HEAD);
    let n = (lines - 26) / 14;
    for i in 0..n {
        s.push_str(&format!("topic t{i}:\n   description: \"Topic {i}\"\n\n   reasoning:\n      instructions:->\n         | I can help with question {i}.\n         if @variables.mood == \"frustrated\":\n            | Sorry about that.\n      actions:\n         esc: @utils.escalate\n            description: \"Escalate\"\n            available when @variables.retries > {i}\n"));
        if i + 1 < n {
            s.push_str(&format!("         next: @utils.transition to @topic.t{}\n            description: \"next\"\n\n", i + 1));
        } else {
            s.push('\n');
        }
    }
    s
}
fn report(src: &str) -> String {
    match parse(src) {
        Err(e) => format!("parse error: {:?}", e.first()),
        Ok(ast) => {
            let sem: Vec<String> = validate_ast(&ast)
                .iter()
                .map(|e| format!("{e:?}").chars().take(140).collect())
                .collect();
            let g = match RefGraph::from_ast(&ast) {
                Ok(g) => g,
                Err(e) => return format!("sem {sem:?}; graph build {e}"),
            };
            let v = g.validate();
            format!(
                "semantic {sem:?}; graph {:?}",
                v.all_issues().map(|i| i.message()).collect::<Vec<_>>()
            )
        }
    }
}
fn main() {
    let a: Vec<String> = std::env::args().collect();
    if a.get(1).map(|s| s == "checks").unwrap_or(false) {
        let ok = format!("{HEAD}topic t0:\n   description: \"x\"\n\n   reasoning:\n      instructions:->\n         | hi {{!@variables.mood}} {{!@variables.retries}}\n");
        for (n, s) in [
            ("clean", ok.clone()),
            ("transition to undefined topic", ok.replace("@topic.t0", "@topic.nowhere")),
            ("undefined variable", ok.replace("@variables.mood", "@variables.nobody")),
            ("unreachable topic", format!("{ok}\ntopic orphan:\n   description: \"x\"\n\n   reasoning:\n      instructions:->\n         | never\n")),
            ("duplicate topic", format!("{ok}\ntopic t0:\n   description: \"x\"\n\n   reasoning:\n      instructions:->\n         | again\n")),
            ("type error number == text", ok.replace("         | hi", "         if @variables.retries == \"frustrated\":\n            | x\n         | hi")),
            ("escalate without connection block", ok.replace("            description: \"first\"\n", "            description: \"first\"\n         esc: @utils.escalate\n            description: \"e\"\n")),
        ] { println!("{n}: {}", report(&s)); }
        return;
    }
    let lines = a.get(1).and_then(|s| s.parse().ok()).unwrap_or(10000);
    let reps = a.get(2).and_then(|s| s.parse().ok()).unwrap_or(3);
    let src = gen(lines);
    let n = src.lines().count();
    for _ in 0..reps {
        let (t, c) = (Instant::now(), cpu());
        let ast = match parse(&src) {
            Ok(a) => a,
            Err(e) => {
                println!("parse failed: {:?}", e.first());
                return;
            }
        };
        let cp = cpu() - c;
        let sem = validate_ast(&ast).len();
        let g = RefGraph::from_ast(&ast).unwrap();
        let v = g.validate();
        let ca = cpu() - c;
        println!("{n} lines {} B: parse cpu {cp:.3}s {:.0} lines/cpu-s; parse+semantic+graph cpu {ca:.3}s {:.0} lines/cpu-s; wall {:.3}s; semantic {sem}, graph issues {}", src.len(), n as f64 / cp, n as f64 / ca, t.elapsed().as_secs_f64(), v.all_issues().count());
    }
}
