//! Faults 8 to 12: servers that fail, drip, flood, and lead astray.

use crate::flowd::{Customer, Flowd, Place, serve};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const ORDER: &str =
    r#"{"id": "AB-123456", "status": "shipped", "total": {"amount": "30", "currency": "USD"}}"#;
/// What the bomb unpacks to.
const BOMB_MB: usize = 64;

type Calls = Arc<Mutex<BTreeMap<String, u32>>>;

fn drip() -> Response {
    let bytes = futures::stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        Some((Ok::<_, std::convert::Infallible>(" "), ()))
    });
    axum::body::Body::from_stream(bytes).into_response()
}

/// A gigabyte, as fast as it is taken.
fn flood() -> Response {
    let bytes = futures::stream::iter(
        (0..1024).map(|_| Ok::<_, std::convert::Infallible>(vec![b' '; 1 << 20])),
    );
    axum::body::Body::from_stream(bytes).into_response()
}

/// Blanks, packed a thousandfold.
fn bomb() -> Response {
    use std::io::Write;
    let mut child = std::process::Command::new("gzip")
        .arg("-9c")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let feeder = std::thread::spawn(move || {
        for _ in 0..BOMB_MB {
            input.write_all(&vec![b' '; 1 << 20]).unwrap();
        }
    });
    let packed = child.wait_with_output().unwrap().stdout;
    feeder.join().unwrap();
    assert!(packed.len() < 1 << 20);
    (
        [
            ("content-encoding", "gzip"),
            ("content-type", "application/json"),
        ],
        packed,
    )
        .into_response()
}

async fn order(State(calls): State<Calls>, Path(id): Path<String>) -> Response {
    let call = {
        let mut calls = calls.lock().unwrap();
        let call = calls.entry(id.clone()).or_default();
        *call += 1;
        *call
    };
    match id.as_str() {
        "AB-000001" if call <= 2 => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        "AB-000002" => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        "AB-000003" => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            ORDER.into_response()
        }
        "AB-000004" => drip(),
        "AB-000005" => flood(),
        "AB-000006" => tokio::task::spawn_blocking(bomb).await.unwrap(),
        "AB-000007" => {
            Redirect::temporary("http://169.254.169.254/latest/meta-data").into_response()
        }
        _ => ORDER.into_response(),
    }
}

async fn shop() -> (Place, Calls) {
    let calls = Calls::default();
    let mut place = Place::new();
    place.shop(
        serve(
            Router::new()
                .route("/orders/{id}", get(order))
                .with_state(Arc::clone(&calls)),
        )
        .await,
    );
    (place, calls)
}

async fn track(flow: &Flowd, order: &str) -> Customer {
    let mut ana = flow.open().await;
    ana.press("Track an order").await;
    ana.say(order).await;
    ana
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_08_a_webhook_that_fails_for_a_moment_is_tried_again_and_one_that_stays_down_leads_to_a_person()
 {
    let (place, calls) = shop().await;
    let flow = place.start().await;
    track(&flow, "AB-000001")
        .await
        .hears("Order AB-123456 is shipped")
        .await;
    track(&flow, "AB-000002").await.stands("queued").await;
    track(&flow, "AB-000003").await.stands("queued").await;
    let calls = calls.lock().unwrap().clone();
    assert_eq!(
        (calls["AB-000001"], calls["AB-000002"]),
        (3, 3),
        "the first attempt and two more"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_09_a_webhook_that_drips_is_over_at_its_deadline() {
    let (place, _) = shop().await;
    let flow = place.start().await;
    let start = Instant::now();
    track(&flow, "AB-000004").await.stands("queued").await;
    assert!(
        start.elapsed() < Duration::from_secs(8),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_10_a_flood_and_a_gzip_bomb_are_capped() {
    let (place, _) = shop().await;
    let flow = place.start().await;
    // Something ordinary first, so that only the flood itself is measured.
    track(&flow, "AB-123456")
        .await
        .hears("Order AB-123456 is shipped")
        .await;
    let before = flow.peak_memory();
    for order in ["AB-000005", "AB-000006"] {
        let start = Instant::now();
        track(&flow, order).await.stands("queued").await;
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{order} took {:?}",
            start.elapsed()
        );
    }
    let more = flow.peak_memory() - before;
    assert!(
        more < 32 << 10,
        "{more} KiB more for answers that are cut at 1 MiB"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_11_a_redirect_to_the_metadata_service_is_not_followed() {
    let (place, calls) = shop().await;
    let flow = place.start().await;
    track(&flow, "AB-000007").await.stands("queued").await;
    // Refused where it stands: neither followed nor tried.
    assert!((flow.metric("flow_egress_refused_total").await - 1.0).abs() < 0.5);
    let log = std::fs::read_to_string(place.log()).unwrap();
    assert!(
        log.contains("a redirect to `169.254.169.254`, which is not followed"),
        "{log}"
    );
    assert_eq!(calls.lock().unwrap()["AB-000007"], 1);
}

/// Spellings of addresses of this machine, of private networks and of tunnels to them.
const PRIVATE: [&str; 20] = [
    "127.0.0.1",
    "2130706433",
    "0x7f.1",
    "0177.0.0.1",
    "127.1",
    "[::ffff:127.0.0.1]",
    "0",
    "[::1]",
    "[::]",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "[fd00::1]",
    "[fe80::1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "localhost",
    "[::127.0.0.1]",
];

#[tokio::test(flavor = "multi_thread")]
async fn fault_12_every_spelling_of_a_private_address_is_refused() {
    let mut bot = String::from(
        "bot astray { languages en; channels web; tiers bot -> human; start n0 }\ntier bot: scripted {}\ntier human: people {}\nteam support { hours always }\n\
         route human {\n  | channel | team | priority |\n  | _ | support | standard |\n}\nhandoff human { say \"One moment.\" }\n",
    );
    for (n, host) in PRIVATE.iter().enumerate() {
        bot.push_str(&format!(
            "webhook w{n}() {{ get \"http://{host}/\"; timeout 1s }}\n"
        ));
        bot.push_str(&format!("node n{n} {{\n  call w{n}() {{ failed -> n{} }}\n  say \"REACHED {n}\"\n  end resolved\n}}\n", n + 1));
    }
    bot.push_str(&format!("node n{} {{ confirm \"Nothing was reached.\" {{ yes -> end resolved; no -> end resolved }} }}\n", PRIVATE.len()));
    let flow = Place::with_bot(&bot).start().await;
    let ana = flow.open().await;
    ana.hears("Nothing was reached.").await;
    assert!(!ana.state().await.to_string().contains("REACHED"));
    assert_eq!(
        flow.metric("flow_egress_refused_total").await,
        PRIVATE.len() as f64,
        "refused before a connection is tried"
    );
}
