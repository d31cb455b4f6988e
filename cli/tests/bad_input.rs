//! Whatever a folder holds, `flowc check` says what is wrong and ends.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::path::Path;
use std::process::{Command, Stdio};

const BOT: &str = "bot small {\n  languages en\n  channels web\n  tiers bot -> human\n  start a\n}\ntier bot: scripted { reply within 1s }\ntier human: people { reply within 2m }\nnode a {\n  say \"Hi\"\n  -> escalate asked_for_human\n}\n";

/// `flowc check` of a folder with these files: exit code, output, what it said besides.
fn check(write: impl FnOnce(&Path)) -> (i32, String, String) {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("bot");
    std::fs::create_dir(&folder).unwrap();
    write(&folder);
    let output = Command::new(env!("CARGO_BIN_EXE_flowc"))
        .args(["check", "bot", "--color", "never"])
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (
        output.status.code().expect("no signal ended it"),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// One file beside nothing else.
fn file(text: impl AsRef<[u8]>) -> (i32, String, String) {
    check(|folder| std::fs::write(folder.join("bot.flow"), text).unwrap())
}

/// Numbers that look random and are the same each time (xorshift).
fn numbers() -> impl FnMut(usize) -> usize {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap() % below
    }
}

#[test]
fn a_folder_without_a_bot() {
    let (code, out, err) = check(|_| {});
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("bot") && out.contains("help"), "{out}{err}");
}

#[test]
fn no_folder_at_all() {
    let output = Command::new(env!("CARGO_BIN_EXE_flowc"))
        .args(["check", "/nowhere/at/all"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    assert!(said.contains("/nowhere/at/all"), "{said}");
}

#[test]
fn a_file_that_is_not_utf_8() {
    let (code, out, _) = file(b"bot a {\n  title \"\xff\xfe\"\n}\n");
    assert_eq!(code, 1);
    assert!(out.contains("UTF-8") && out.contains("bot.flow"), "{out}");
}

#[test]
fn noise_is_said_to_be_noise_and_not_without_end() {
    let mut number = numbers();
    let noise: String = (0..1_000_000)
        .map(|_| match number(100) {
            0..4 => '\n',
            n => char::from(u8::try_from(28 + n).unwrap()),
        })
        .collect();
    let (code, out, _) = file(&noise);
    assert_eq!(code, 1);
    assert!(
        out.contains("the first 1000 are shown; `--format json` has all"),
        "{}",
        out.len()
    );
    assert!(out.len() < 1_000_000, "{}", out.len());
}

#[test]
fn words_of_the_language_in_any_order() {
    let words = [
        "node", "{", "}", "say", "\"hi\"", "->", "when", "escalate", "\n", "tier", "matrix", "|",
        "70%", "(", ")", "x", "ask", "bot", "form", "tool", ":", ",", "test",
    ];
    let mut number = numbers();
    let soup: Vec<&str> = (0..200_000).map(|_| words[number(words.len())]).collect();
    let (code, out, _) = file(soup.join(" "));
    assert_eq!(code, 1);
    assert!(out.contains("F0101"), "{out}");
}

#[test]
fn a_hundred_thousand_levels() {
    for (open, close) in [("(", ")"), ("[", "]"), ("if x is 1 { ", " }"), ("not ", "")] {
        let text = format!(
            "{BOT}node deep {{\n  set x = {}1{}\n}}\n",
            open.repeat(100_000),
            close.repeat(100_000)
        );
        let (code, out, err) = file(text);
        assert_eq!(code, 1, "{err}");
        // The endless line itself is not drawn.
        assert!(out.len() < 20_000, "{}", out.len());
        assert!(
            out.contains("nest deeper than 128") || open == "not ",
            "{out}"
        );
    }
}

#[test]
fn files_that_use_each_other() {
    let (code, out, err) = check(|folder| {
        std::fs::write(folder.join("bot.flow"), format!("use \"one.flow\"\n{BOT}")).unwrap();
        std::fs::write(folder.join("one.flow"), "use \"two.flow\"\n").unwrap();
        std::fs::write(folder.join("two.flow"), "use \"one.flow\"\n").unwrap();
    });
    assert!(code <= 1, "{err}");
    assert!(out.contains("one.flow") || code == 0, "{out}");
}

#[test]
fn a_path_out_of_the_project() {
    let (code, out, _) = file(format!("use \"../../etc/passwd\"\n{BOT}"));
    assert_eq!(code, 1);
    assert!(out.contains("../../etc/passwd"), "{out}");
    assert!(!out.contains("root:"), "{out}");
}

#[cfg(unix)]
#[test]
fn links_in_a_circle_and_things_that_are_no_files() {
    let (code, out, err) = check(|folder| {
        std::fs::write(folder.join("bot.flow"), BOT).unwrap();
        std::os::unix::fs::symlink(".", folder.join("again")).unwrap();
        std::os::unix::fs::symlink("b.flow", folder.join("a.flow")).unwrap();
        std::os::unix::fs::symlink("a.flow", folder.join("b.flow")).unwrap();
    });
    assert!(code <= 1, "{out}{err}");
    let (code, out, err) = check(|folder| {
        std::fs::write(folder.join("bot.flow"), BOT).unwrap();
        let made = Command::new("mkfifo")
            .arg(folder.join("pipe.flow"))
            .status()
            .unwrap();
        assert!(made.success());
    });
    assert_eq!(code, 1, "{out}{err}");
    assert!(
        out.contains("pipe.flow") && out.contains("not a regular file"),
        "{out}"
    );
}

/// `flowc check` of a good and of a bad folder, whose output goes where it cannot.
#[cfg(target_os = "linux")]
fn unwritten(output: impl Fn() -> Stdio) -> [(Option<i32>, String); 2] {
    ["", "node b { say \"{nobody}\" }\n"].map(|more| {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("bot.flow"), format!("{BOT}{more}")).unwrap();
        let done = Command::new(env!("CARGO_BIN_EXE_flowc"))
            .arg("check")
            .arg(dir.path())
            .stdout(output())
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        (done.status.code(), String::from_utf8(done.stderr).unwrap())
    })
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_and_a_closed_pipe_ends_it_quietly() {
    let full = || {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).open("/dev/full").unwrap().into()
    };
    for (code, said) in unwritten(full) {
        assert_eq!(code, Some(2), "{said}");
        assert!(
            said.starts_with("flowc: standard output cannot be written: "),
            "{said}"
        );
    }
    let closed = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        writer.into()
    };
    for (code, said) in unwritten(closed) {
        assert_eq!((code, said.as_str()), (Some(0), ""));
    }
}

#[test]
fn nobody_listens() {
    let closed = || -> Stdio {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        writer.into()
    };
    let starter = concat!(env!("CARGO_MANIFEST_DIR"), "/../flows/starter");
    // A conversation ends quietly where its reader left.
    let run = Command::new(env!("CARGO_BIN_EXE_flowc"))
        .args(["run", starter])
        .stdin(Stdio::null())
        .stdout(closed())
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    assert_eq!((run.status.code(), &*said), (Some(0), ""));
    // What is wrong is told by the exit code, too.
    let unreadable = Command::new(env!("CARGO_BIN_EXE_flowc"))
        .args(["check", "/nowhere/at/all"])
        .stdout(Stdio::null())
        .stderr(closed())
        .status()
        .unwrap();
    assert_eq!(unreadable.code(), Some(2));
}

#[test]
fn what_is_counted_is_told_in_the_right_number() {
    let (_, out, _) = file("slots { a: text }");
    assert!(
        out.contains("1 error, 1 warning in 1 file, 1 line;"),
        "{out}"
    );
}

#[test]
fn long_lines_beside_a_place_are_left_out_and_its_own_is_whole() {
    let long = "x".repeat(1_500);
    let (code, out, _) = file(format!("{BOT}// {long}\nnode b {{ say 70 }}\n// {long}\n"));
    assert_eq!(code, 1);
    assert!(out.contains("node b { say 70 }"), "{out}");
    assert!(!out.contains("xxxx"), "{out}");
}

#[test]
fn a_file_that_cannot_be_read_is_where_it_is_said_to_be() {
    let (code, out, err) = check(|folder| {
        std::fs::write(folder.join("bot.flow"), BOT).unwrap();
        std::fs::write(folder.join("more.flow"), b"// caf\xe9\n").unwrap();
    });
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("more.flow:1:1"), "{out}");
    assert!(!out.contains("bot.flow:1:1"), "{out}");
}
