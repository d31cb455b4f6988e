//! Tests that need a network or a file system of their own. They run themselves once more, in namespaces of their own in which they may do
//! everything; most systems give those to anybody.

use crate::flowd::{flowc, flowd};
use std::path::PathBuf;
use std::process::{Command, Output};

const INSIDE: &str = "FLOW_FAULTS_APART";
const SPACES: [&str; 6] = ["--user", "--map-root-user", "--mount", "--net", "sh", "-c"];

fn spaces(script: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(SPACES).arg(script);
    command
}

fn words(output: &std::io::Result<Output>) -> String {
    match output {
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    }
}

/// Inside, a folder that is known there as outside. Outside, the test of this name is run inside, after a script that prepares the place and
/// must succeed; it knows the folder as `$1`.
pub fn inside(test: &str, prepare: &str) -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os(INSIDE) {
        return Some(folder.into());
    }
    let folder = tempfile::tempdir().unwrap();
    let prepare = format!("set -e\nip link set lo up\n{prepare}");
    let prepared = spaces(&prepare).arg("sh").arg(folder.path()).output();
    if !prepared.as_ref().is_ok_and(|o| o.status.success()) {
        println!(
            "skipped: this system gives no namespaces: {}",
            words(&prepared)
        );
        return None;
    }
    let script = format!("{prepare}\nexec \"$0\" --exact {test} --nocapture");
    let run = spaces(&script)
        .arg(std::env::current_exe().unwrap())
        .arg(folder.path())
        .env(INSIDE, folder.path())
        .env("FLOWD", flowd())
        .env("FLOWC", flowc())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success() && said.contains("1 passed"),
        "{said}\n{}",
        String::from_utf8_lossy(&run.stderr)
    );
    None
}
