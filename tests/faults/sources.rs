//! Faults 19 to 25 and 27: what lies in a bot's folder, through the real `flowc check`.

use crate::flowd::{Place, flowc, text};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const HEAD: &str = "bot b { languages en; channels web; tiers bot -> human; start a }\ntier bot: scripted {}\ntier human: people {}\nteam t { hours always }\nroute human {\n  | channel | team | priority |\n  | _ | t | standard |\n}\nhandoff human { say \"One moment.\" }\n";

/// Checks a folder; it must come back by itself in time.
fn check(folder: &Path, most: Duration) -> Output {
    // Found, and perhaps built, before the time runs.
    let program = flowc();
    let start = Instant::now();
    let mut child = Command::new(program)
        .arg("check")
        .arg(folder)
        .args(["--color", "never"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Read beside waiting, so that a full pipe stops nobody.
    let (stdout, stderr) = (
        read(child.stdout.take().unwrap()),
        read(child.stderr.take().unwrap()),
    );
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            let output = Output {
                status,
                stdout: stdout.join().unwrap(),
                stderr: stderr.join().unwrap(),
            };
            // Neither a panic (101) nor a signal (none).
            assert!(
                matches!(status.code(), Some(0..=2)),
                "{:?}: {}",
                status,
                text(&output)
            );
            assert!(!text(&output).contains("panicked"), "{}", text(&output));
            return output;
        }
        if start.elapsed() > most {
            child.kill().unwrap();
            panic!("flowc still checks after {most:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn read(mut from: impl std::io::Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        bytes
    })
}

fn refused(output: &Output, code: &str) {
    assert_eq!(output.status.code(), Some(1), "{}", text(output));
    assert!(
        text(output).contains(code),
        "{code} is not in: {}",
        text(output)
    );
}

#[test]
fn fault_19_nesting_a_hundred_thousand_deep_is_a_finding() {
    let deep =
        |open: &str, close: &str| format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
    let bodies = [
        format!(
            "slots {{ n: number = {} }}\nnode a {{ end resolved }}\n",
            deep("(", ")")
        ),
        format!("node a {{ {} }}\n", "if true { ".repeat(100_000)),
        // Each of these is a finding of its own.
        format!("node a {{ say \"{}\" }}\n", "{\"".repeat(10_000)),
        format!(
            "slots {{ n: bool = {} true }}\nnode a {{ end resolved }}\n",
            "not ".repeat(100_000)
        ),
        format!("node a {{ set x = {} }}\n", deep("[", "]")),
        "{".repeat(100_000),
    ];
    for body in bodies {
        let place = Place::with_bot(&format!("{HEAD}{body}"));
        let output = check(&place.bot(), Duration::from_secs(40));
        assert_eq!(
            output.status.code(),
            Some(1),
            "{:.200}: {:.500}",
            body,
            text(&output)
        );
    }
}

#[test]
fn fault_20_a_circle_of_use_is_shown() {
    let place = Place::with_bot(&format!(
        "{HEAD}use \"../x\" as x\nnode a {{ end resolved }}\n"
    ));
    for (folder, other) in [("x", "y"), ("y", "x")] {
        let folder = place.bot().with_file_name(folder);
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("a.flow"), format!("use \"../{other}\" as o\n")).unwrap();
    }
    let output = check(&place.bot(), Duration::from_secs(20));
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let said = text(&output);
    assert!(
        said.contains("x")
            && said.contains("y")
            && (said.contains("circle") || said.contains("itself")),
        "{said}"
    );
}

#[test]
fn fault_21_exponential_includes_cost_no_more_than_their_files() {
    let place = Place::with_bot(&format!(
        "{HEAD}use \"../l0\" as n\ninclude n\nnode a {{ end resolved }}\n"
    ));
    for level in 0..24 {
        let folder = place.bot().with_file_name(format!("l{level}"));
        std::fs::create_dir(&folder).unwrap();
        let next = format!(
            "use \"../l{0}\" as a\nuse \"../l{0}\" as b\ninclude a\ninclude b\n",
            level + 1
        );
        std::fs::write(
            folder.join("a.flow"),
            if level == 23 {
                "slots { last: text }\n".to_owned()
            } else {
                next
            },
        )
        .unwrap();
    }
    check(&place.bot(), Duration::from_secs(20));
}

#[test]
fn fault_22_paths_out_of_the_project_are_refused() {
    let secret = tempfile::tempdir().unwrap();
    std::fs::write(
        secret.path().join("secret.flow"),
        "slots { stolen_word: text }\n",
    )
    .unwrap();
    std::fs::write(secret.path().join("secret.md"), "# stolen_word\n").unwrap();
    let out = secret.path().display();
    for line in [
        "use \"../../../../../../etc\" as x".to_owned(),
        format!("use \"{out}\" as x"),
        "knowledge k from \"../../../../../../../../etc/passwd\"".to_owned(),
        "knowledge k from \"/etc/passwd\"".to_owned(),
        format!("knowledge k from \"{out}/*.md\""),
        "hook h() -> bool from \"../../../../../../../../etc/passwd\"".to_owned(),
        "use \"../link\" as x".to_owned(),
        "knowledge k from \"kb/*.md\"".to_owned(),
        "hook h() -> bool from \"kb/passwd\"".to_owned(),
    ] {
        let place = Place::with_bot(&format!("{HEAD}{line}\nnode a {{ end resolved }}\n"));
        symlink(secret.path(), place.bot().with_file_name("link")).unwrap();
        std::fs::create_dir(place.bot().join("kb")).unwrap();
        symlink(
            secret.path().join("secret.md"),
            place.bot().join("kb/secret.md"),
        )
        .unwrap();
        symlink("/etc/passwd", place.bot().join("kb/passwd")).unwrap();
        let output = check(&place.bot(), Duration::from_secs(20));
        refused(&output, "F0204");
        let said = text(&output);
        assert!(
            !said.contains("root:") && !said.contains("stolen_word"),
            "{line}: {said}"
        );
    }
    // A flow file that is a link out.
    let place = Place::with_bot(&format!("{HEAD}node a {{ end resolved }}\n"));
    symlink(
        secret.path().join("secret.flow"),
        place.bot().join("more.flow"),
    )
    .unwrap();
    assert!(!text(&check(&place.bot(), Duration::from_secs(20))).contains("stolen_word"));
}

#[test]
fn fault_23_circles_of_links_pipes_and_devices_stop_nobody() {
    let place = Place::with_bot(&format!(
        "{HEAD}knowledge k from \"kb/**/*.md\"\nnode a {{ end resolved }}\n"
    ));
    let kb = place.bot().join("kb");
    std::fs::create_dir(&kb).unwrap();
    std::fs::write(kb.join("good.md"), "# Good\n").unwrap();
    symlink("..", kb.join("round")).unwrap();
    symlink("self.md", kb.join("self.md")).unwrap();
    symlink("/dev/zero", kb.join("zero.md")).unwrap();
    symlink("/dev/zero", place.bot().join("zero.flow")).unwrap();
    for pipe in [kb.join("pipe.md"), place.bot().join("pipe.flow")] {
        assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
    }
    check(&place.bot(), Duration::from_secs(20));
}

#[test]
fn fault_24_ten_megabytes_of_noise_are_findings_without_a_panic() {
    // Nothing of it repeats, half of it looks like the language.
    let words = [
        "node ", "{", "}", "\"", "say ", "->", "(", ")", "\n", "if ", "0x", "ask ", "|", "\\", "é",
        "\u{202e}", "//", "[", "\"\"\"", "a1 ",
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut noise = String::with_capacity(10 << 20);
    while noise.len() < 10 << 20 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        match state % 3 {
            0 => noise.push(char::from_u32((state >> 8) as u32 % 0x250).unwrap_or('x')),
            _ => noise.push_str(words[(state >> 8) as usize % words.len()]),
        }
    }
    let place = Place::with_bot(&format!("{HEAD}node a {{ end resolved }}\n"));
    std::fs::write(place.bot().join("noise.flow"), noise).unwrap();
    // Not optimised, beside other work; a release takes well under 2 s.
    let output = check(&place.bot(), Duration::from_secs(90));
    assert_eq!(output.status.code(), Some(1));
    std::fs::write(
        place.bot().join("noise.flow"),
        b"\xff\xfe\x00node".repeat(1000),
    )
    .unwrap();
    assert_eq!(
        check(&place.bot(), Duration::from_secs(20)).status.code(),
        Some(1)
    );
}

#[test]
fn fault_25_a_loop_that_never_waits_is_a_finding() {
    let place = Place::with_bot(&format!(
        "{HEAD}node a {{ say \"again\"; -> b }}\nnode b {{ -> a }}\n"
    ));
    refused(&check(&place.bot(), Duration::from_secs(20)), "F0403");
}

#[test]
fn fault_27_a_pattern_that_needs_gigabytes_is_a_finding() {
    for pattern in [
        "(a{1000}){1000}",
        "((a{100}){100}){100}",
        "(\\p{L}{500}){500}",
    ] {
        let place = Place::with_bot(&format!(
            "{HEAD}slots {{ n: text matching /{pattern}/ }}\nnode a {{ ask n \"N?\"; end resolved }}\n"
        ));
        let output = check(&place.bot(), Duration::from_secs(20));
        assert_eq!(
            output.status.code(),
            Some(1),
            "{pattern}: {}",
            text(&output)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_27_a_pattern_that_blows_up_elsewhere_is_linear_here() {
    let patterns = [
        "(a+)+b",
        "(a|a)*b",
        "(a|aa)+b",
        "(.*a){20}b",
        "^(([a-z])+.)+[A-Z]([a-z])+$",
    ];
    let mut bot = HEAD.to_owned();
    for (n, pattern) in patterns.iter().enumerate() {
        bot.push_str(&format!(
            "slots {{ s{n}: text matching /{pattern}/ }}\nnode {} {{\n  ask s{n} \"Number {n}?\" {{ invalid \"Not {n}.\"; retry 1; otherwise -> {} }}\n  say \"Took {n}.\"\n  -> {1}\n}}\n",
            if n == 0 { "a".to_owned() } else { format!("a{n}") },
            if n + 1 == patterns.len() { "last".to_owned() } else { format!("a{}", n + 1) },
        ));
    }
    bot.push_str(
        "node last { confirm \"All were asked.\" { yes -> end resolved; no -> end resolved } }\n",
    );
    let flow = Place::with_bot(&bot).start().await;
    let mut eve = flow.open().await;
    let start = Instant::now();
    for n in 0..patterns.len() {
        eve.hears(&format!("Number {n}?")).await;
        eve.say(&"a".repeat(8000)).await;
        eve.say(&format!("{}!", "aA".repeat(3999))).await;
    }
    let state = eve.hears("All were asked.").await;
    assert!(state["text"].is_string());
    let texts = eve.state().await["messages"].to_string();
    assert!(
        texts.contains("Not 0.") && !texts.contains("Took"),
        "{texts:.2000}"
    );
    // A backtracking engine would need longer than the world has left.
    assert!(
        start.elapsed() < Duration::from_secs(30),
        "{:?}",
        start.elapsed()
    );
}
