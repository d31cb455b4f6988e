// policy_bench [seconds] — regorus (interpreter + RVM) on routing/rules; cedar-policy on 100 policies. All verified against data/*.
use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::vm::RegoVM;
use regorus::{Engine, Rc, Value};
use std::time::Instant;
fn cpu() -> f64 {
    let s = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    s.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e9
}
fn bench(name: &str, secs: f64, per: usize, mut f: impl FnMut()) {
    f();
    let (t0, c0) = (Instant::now(), cpu());
    let mut n = 0usize;
    while t0.elapsed().as_secs_f64() < secs {
        f();
        n += per;
    }
    let (w, c) = (t0.elapsed().as_secs_f64(), cpu() - c0);
    println!(
        "{name:60} {:>10.0} /s wall {:>9.3} cpu_us/op ({:.0} /cpu-s)",
        n as f64 / w,
        c * 1e6 / n as f64,
        n as f64 / c
    );
}
fn rd(n: &str) -> String {
    std::fs::read_to_string(format!("{}/../data/{n}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}
fn main() {
    let secs: f64 = std::env::args()
        .nth(1)
        .and_then(|x| x.parse().ok())
        .unwrap_or(3.0);
    let inputs: Vec<Value> =
        serde_json::from_str::<Vec<serde_json::Value>>(&rd("routing_inputs.json"))
            .unwrap()
            .iter()
            .map(|v| Value::from_json_str(&v.to_string()).unwrap())
            .collect();
    let expected: Vec<String> = serde_json::from_str(&rd("routing_expected.json")).unwrap();
    let facts: Vec<Value> = serde_json::from_str::<Vec<serde_json::Value>>(&rd("facts.json"))
        .unwrap()
        .iter()
        .map(|v| Value::from_json_str(&v.to_string()).unwrap())
        .collect();
    let fired: Vec<Vec<String>> = serde_json::from_str(&rd("rules_expected.json")).unwrap();
    for (name, rego, data, rule, ins) in [
        (
            "routing 100 rows, else-chain",
            "routing_else.rego",
            None,
            "data.route.q",
            &inputs,
        ),
        (
            "routing 100 rows, data table",
            "routing_data.rego",
            Some(format!("{{\"rows\":{}}}", rd("routing.json"))),
            "data.route.q",
            &inputs,
        ),
        (
            "10 escalation rules",
            "rules.rego",
            None,
            "data.esc.fired",
            &facts,
        ),
    ] {
        let mut e = Engine::new();
        e.add_policy(rego.into(), rd(rego)).unwrap();
        if let Some(d) = &data {
            e.add_data_json(d).unwrap();
        }
        let check = |i: usize, v: &Value| {
            if rule.ends_with(".q") {
                assert_eq!(
                    v.as_string().unwrap().as_ref(),
                    expected[i].as_str(),
                    "{name} {i}"
                );
            } else {
                let mut a: Vec<String> = v
                    .as_set()
                    .unwrap()
                    .iter()
                    .map(|x| x.as_string().unwrap().to_string())
                    .collect();
                let mut b = fired[i].clone();
                a.sort();
                b.sort();
                assert_eq!(a, b);
            }
        };
        let ep: Rc<str> = rule.into();
        let cp = e.compile_with_entrypoint(&ep).unwrap();
        for (i, x) in ins.iter().enumerate() {
            check(i, &cp.eval_with_input(x.clone()).unwrap());
        }
        bench(
            &format!("regorus interpreter: {name}"),
            secs,
            ins.len(),
            || {
                for x in ins {
                    std::hint::black_box(cp.eval_with_input(x.clone()).unwrap());
                }
            },
        );
        let prog = match Compiler::compile_from_policy(&cp, &[rule]) {
            Ok(p) => p,
            Err(x) => {
                println!("rvm compile failed for {name}: {x}");
                continue;
            }
        };
        let mut vm = RegoVM::new_with_policy(cp.clone());
        vm.load_program(prog);
        if let Some(d) = &data {
            vm.set_data(Value::from_json_str(d).unwrap()).unwrap();
        }
        let mut bad = 0;
        for (i, x) in ins.iter().enumerate() {
            vm.set_input(x.clone());
            match vm.execute() {
                Ok(v) => {
                    if rule.ends_with(".q")
                        && v.as_string()
                            .map(|s| s.as_ref() != expected[i].as_str())
                            .unwrap_or(true)
                    {
                        bad += 1
                    } else if !rule.ends_with(".q") {
                        check(i, &v)
                    }
                }
                Err(_) => bad += 1,
            }
        }
        bench(
            &format!("regorus RVM bytecode: {name} (mismatch {bad})"),
            secs,
            ins.len(),
            || {
                for x in ins {
                    vm.set_input(x.clone());
                    let _ = std::hint::black_box(vm.execute());
                }
            },
        );
    }
    // cedar
    use cedar_policy::*;
    use std::str::FromStr;
    let t = Instant::now();
    let ps = PolicySet::from_str(&rd("cedar.policies")).unwrap();
    println!(
        "cedar parse 100 policies: {:.1} ms, n={}",
        t.elapsed().as_secs_f64() * 1e3,
        ps.policies().count()
    );
    let ents = Entities::from_json_str(&rd("cedar.entities.json"), None).unwrap();
    let auth = Authorizer::new();
    let rq: Vec<[String; 3]> = serde_json::from_str(&rd("cedar.requests.json")).unwrap();
    let uid = |t: &str, i: &str| EntityUid::from_str(&format!("{t}::\"{i}\"")).unwrap();
    let reqs: Vec<Request> = rq
        .iter()
        .map(|r| {
            Request::new(
                uid("User", &r[0]),
                uid("Action", &r[1]),
                uid("Conv", &r[2]),
                Context::empty(),
                None,
            )
            .unwrap()
        })
        .collect();
    let allow = reqs
        .iter()
        .filter(|r| auth.is_authorized(r, &ps, &ents).decision() == Decision::Allow)
        .count();
    println!("cedar allow {allow}/1000");
    bench(
        "cedar is_authorized, 100 policies, 713 entities",
        secs,
        reqs.len(),
        || {
            for r in &reqs {
                std::hint::black_box(auth.is_authorized(r, &ps, &ents));
            }
        },
    );
    bench(
        "cedar incl. Request::new from strings",
        secs,
        reqs.len(),
        || {
            for r in &rq {
                let q = Request::new(
                    uid("User", &r[0]),
                    uid("Action", &r[1]),
                    uid("Conv", &r[2]),
                    Context::empty(),
                    None,
                )
                .unwrap();
                std::hint::black_box(auth.is_authorized(&q, &ps, &ents));
            }
        },
    );
}
