//! Fault 18: clients that are silent, slow or never read.

use crate::flowd::{Place, full};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Sends a byte a second; how long the daemon bears it.
async fn slow(address: String) -> Duration {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let start = Instant::now();
    let mut answer = [0; 512];
    for byte in
        b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    {
        if stream.write_all(&[*byte]).await.is_err() {
            break;
        }
        let read = tokio::time::timeout(Duration::from_secs(1), stream.read(&mut answer)).await;
        if let Ok(Ok(0) | Err(_)) = read {
            break;
        }
    }
    start.elapsed()
}

/// Says nothing at all.
async fn silent(address: String) -> Duration {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let start = Instant::now();
    let mut answer = [0; 512];
    while let Ok(Ok(n)) =
        tokio::time::timeout(Duration::from_secs(30), stream.read(&mut answer)).await
    {
        if n == 0 {
            break;
        }
    }
    start.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_18_slow_and_silent_sockets_are_closed_in_ten_seconds_and_harm_nobody() {
    let each = if full() { 1000 } else { 250 };
    let flow = Place::new().start().await;
    let address = flow.base.trim_start_matches("http://").to_owned();
    let mut sockets = Vec::new();
    for _ in 0..each {
        sockets.push(tokio::spawn(slow(address.clone())));
        sockets.push(tokio::spawn(silent(address.clone())));
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    // Meanwhile others are served.
    let mut ana = flow.open().await;
    ana.press("Repeat after me").await;
    for n in 0..20 {
        ana.say(&format!("word{n}")).await;
    }
    // A few may be known to this side alone: the kernel dropped them before the daemon saw them, as it does on a busy machine.
    let (all, mut forgotten) = (sockets.len(), 0);
    for socket in sockets {
        let lasted = socket.await.unwrap();
        forgotten += usize::from(lasted >= Duration::from_secs(25));
    }
    assert!(
        forgotten * 10 <= all,
        "{forgotten} of {all} sockets were borne without end"
    );
    ana.say("still there").await;
}
