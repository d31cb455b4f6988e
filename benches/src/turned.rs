//! Durable turns in a daemon.

use crate::bare::Sizes;
use crate::measure::{Outcome, cpu_seconds};
use crate::traffic::CHAT;
use anyhow::Context;
use flow_daemon::config::Config;
use flow_daemon::{Command, Input};
use flow_engine::event::{EventKind, Visitor};
use flow_store::MessageKey;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Whole turns of a bot with the example shop's conversations in a daemon, without HTTP: understood, decided, stored with an fsync. `folder`
/// is where the daemon keeps its data. Gives what was measured, and the mean sizes of what was written.
///
/// # Errors
/// If the daemon does not start, or refuses a turn.
pub async fn turned(
    bot: &Path,
    folder: &Path,
    clients: usize,
    time: Duration,
) -> anyhow::Result<(Outcome, Sizes)> {
    let mut config = Config {
        listen: ([127, 0, 0, 1], 0).into(),
        data: folder.to_path_buf(),
        ..Config::default()
    };
    config
        .environment
        .set
        .insert("SHOP_URL".to_owned(), "http://127.0.0.1:9".to_owned());
    let daemon = flow_daemon::start(bot, config).await?;
    let (cpu, start) = (cpu_seconds(), Instant::now());
    let until = start + time;
    let tasks: Vec<_> = (0..clients)
        .map(|n| {
            let app = Arc::clone(&daemon.app);
            tokio::spawn(async move {
                let (mut times, mut id) = (Vec::new(), String::new());
                let mut serial = 0_u64;
                while Instant::now() < until {
                    let line = usize::try_from(serial).unwrap_or(0) % CHAT.len();
                    if line == 0 {
                        id = format!("c_{serial:016x}{n:016x}");
                        let kind = EventKind::Opened {
                            channel: "web".into(),
                            language: None,
                            page: None,
                            visitor: Visitor::default(),
                        };
                        app.open(id.clone(), vec![7; 32], kind).await?;
                    }
                    serial += 1;
                    let name = format!("m{serial}");
                    let key = MessageKey {
                        id: format!("v:{name}"),
                        hash: vec![9; 32],
                    };
                    let words = Input::Text {
                        id: name.into(),
                        text: CHAT.get(line).copied().unwrap_or_default().to_owned(),
                    };
                    let began = Instant::now();
                    app.turn(&id, Command::keyed(words, key)).await?;
                    times.push(began.elapsed());
                }
                anyhow::Ok((times, id))
            })
        })
        .collect();
    let (mut times, mut ids) = (Vec::new(), Vec::new());
    for task in tasks {
        let (some, id) = task.await??;
        times.extend(some);
        ids.push(id);
    }
    let outcome = Outcome::of(times, start.elapsed(), cpu_seconds() - cpu);
    let (mut events, mut event, mut state) = (0, 0, 0);
    for id in &ids {
        let loaded = daemon.app.store.load(id).await?.context("it was stored")?;
        state += loaded.conversation.state.len();
        for row in daemon.app.store.log(id, 1, u32::MAX).await? {
            events += 1;
            event += row.record.len() + row.messages.len();
        }
    }
    daemon.stop().await;
    let sizes = Sizes {
        event: event / events.max(1),
        state: state / ids.len().max(1),
        outbox: None,
    };
    Ok((outcome, sizes))
}
