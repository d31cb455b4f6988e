//! The release binary of flowd as a process beside the bench.

use anyhow::Context;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running daemon; it is killed when it is let go.
#[derive(Debug)]
pub struct Flowd {
    child: Child,
    /// Where it listens.
    pub url: String,
    /// From its start until it served.
    pub took: Duration,
}

impl Drop for Flowd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program that was built beside this one.
///
/// # Errors
/// If it was not.
pub fn binary(name: &str) -> anyhow::Result<PathBuf> {
    let here = std::env::current_exe()?;
    let path = here.parent().context("no folder")?.join(name);
    anyhow::ensure!(
        path.is_file(),
        "`{}` is not built; run `cargo build --release --workspace --bins`",
        path.display()
    );
    Ok(path)
}

impl Flowd {
    /// Starts it for a bot and a data folder, without the limits that protect against load from one address.
    ///
    /// # Errors
    /// If it is not built or does not start.
    pub fn start(bot: &Path, data: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(data)?;
        let config = data.join("flow.toml");
        std::fs::write(
            &config,
            "[limits]\nconversations = 0\nmessages = 0\nrequests = 0\n",
        )?;
        let start = Instant::now();
        let mut child = Command::new(binary("flowd")?)
            .arg("run")
            .arg(bot)
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .arg("--config")
            .arg(config)
            .env("SHOP_URL", "http://127.0.0.1:9")
            .env("FLOW_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().context("no output")?;
        for line in BufReader::new(out).lines() {
            if let Some(url) = line?.trim().strip_prefix("page ") {
                let url = url.trim().trim_end_matches('/').to_owned();
                return Ok(Self {
                    child,
                    url,
                    took: start.elapsed(),
                });
            }
        }
        let _ = child.wait();
        anyhow::bail!("flowd ended instead of serving")
    }

    /// Its process, as `/proc` names it.
    #[must_use]
    pub fn process(&self) -> String {
        self.child.id().to_string()
    }
}
