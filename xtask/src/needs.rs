//! What the tests need besides Rust: installed where it is missing and the system is Debian's or its like, else asked for.

use anyhow::bail;
use std::process::{Command, Stdio};

/// A program and the Debian packages that bring it.
pub(crate) struct Need {
    pub(crate) program: &'static str,
    pub(crate) packages: &'static [&'static str],
}

pub(crate) const NODE: Need = Need {
    program: "node",
    packages: &["nodejs"],
};
pub(crate) const NPM: Need = Need {
    program: "npm",
    packages: &["npm"],
};
pub(crate) const CHROMIUM: Need = Need {
    program: "chromium",
    packages: &["chromium", "fonts-dejavu-core"],
};
pub(crate) const NEOVIM: Need = Need {
    program: "nvim",
    packages: &["neovim"],
};

/// Makes sure that the programs are there.
pub(crate) fn ensure(needs: &[&Need]) -> anyhow::Result<()> {
    let missing: Vec<&&Need> = needs.iter().filter(|n| !exists(n.program)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing
        .iter()
        .flat_map(|n| n.packages.iter().copied())
        .collect();
    let programs: Vec<&str> = missing.iter().map(|n| n.program).collect();
    if !exists("apt-get") {
        bail!(
            "these tests need {}; install them and try again",
            programs.join(", ")
        );
    }
    println!("installing {}", packages.join(" "));
    let sudo = if is_root() { None } else { Some("sudo") };
    for args in [
        vec!["update", "-qq"],
        [
            vec!["install", "-y", "-qq", "--no-install-recommends"],
            packages,
        ]
        .concat(),
    ] {
        let mut command = match sudo {
            Some(sudo) => {
                let mut c = Command::new(sudo);
                c.arg("apt-get");
                c
            }
            None => Command::new("apt-get"),
        };
        let status = command
            .args(&args)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()?;
        if !status.success() {
            bail!(
                "`apt-get {}` failed; the tests need {}",
                args.join(" "),
                programs.join(", ")
            );
        }
    }
    Ok(())
}

/// Says so when the disk of the build has less room, in MiB, than a first run needs: a full disk fails in other words each time.
pub(crate) fn warn_of_room(needed: u64) {
    let Ok(output) = Command::new("df").arg("-Pm").arg(crate::root()).output() else {
        return;
    };
    let free: Option<u64> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .nth(1)
        .and_then(|line| line.split_whitespace().nth(3)?.parse().ok());
    if let Some(free) = free.filter(|free| *free < needed) {
        println!(
            "the disk has {free} MiB left; a first run writes about {needed} MiB, mostly under `{}`",
            crate::target().display()
        );
    }
}

fn exists(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|o| o.stdout.starts_with(b"0"))
}
