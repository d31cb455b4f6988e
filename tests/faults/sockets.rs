//! Fault 18: clients that are silent, slow or never read.

use crate::flowd::{Place, full};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longer than any time of the daemon's: whoever still has a connection then was forgotten.
const PATIENCE: u64 = 60;

/// Whether the other side closes it within a second.
async fn is_closed(stream: &mut TcpStream) -> bool {
    let mut answer = [0; 512];
    loop {
        match tokio::time::timeout(Duration::from_secs(1), stream.read(&mut answer)).await {
            Ok(Ok(0) | Err(_)) => return true,
            // A farewell; the end comes after it.
            Ok(Ok(_)) => {}
            Err(_) => return false,
        }
    }
}

/// Sends a byte a second, a header that has no end; how long the daemon bears it.
async fn slow(address: String) -> Option<Duration> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let start = Instant::now();
    let bytes = b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ".iter();
    for byte in bytes.chain(std::iter::repeat(&b'a')) {
        if stream.write_all(&[*byte]).await.is_err() || is_closed(&mut stream).await {
            return Some(start.elapsed());
        }
        if start.elapsed() > Duration::from_secs(PATIENCE) {
            return None;
        }
    }
    None
}

/// Says nothing at all.
async fn silent(address: String) -> Option<Duration> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(PATIENCE) {
        if is_closed(&mut stream).await {
            return Some(start.elapsed());
        }
    }
    None
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
    ana.hears("Echo: word19.").await;
    let mut longest = Duration::ZERO;
    for socket in sockets {
        let lasted = socket.await.unwrap();
        longest = longest.max(lasted.expect("every one is closed"));
    }
    println!(
        "{} sockets; the last was closed after {longest:?}",
        each * 2
    );
    ana.say("still there").await;
}
