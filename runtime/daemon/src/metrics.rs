//! Counters, in Prometheus' text form.

use crate::app::App;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Upper ends of the buckets, milliseconds.
const BOUNDS: [u64; 12] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 10_000];

/// A histogram of durations.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; 13],
    sum_us: AtomicU64,
}

impl Histogram {
    /// Adds a duration.
    pub fn observe(&self, took: Duration) {
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let at = BOUNDS
            .iter()
            .position(|bound| ms <= *bound)
            .unwrap_or(BOUNDS.len());
        if let Some(bucket) = self.buckets.get(at) {
            bucket.fetch_add(1, Relaxed);
        }
        self.sum_us
            .fetch_add(u64::try_from(took.as_micros()).unwrap_or(0), Relaxed);
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a sum of durations, for a chart"
    )]
    fn write(&self, out: &mut String, name: &str, help: &str) {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} histogram");
        let mut total = 0;
        for (bucket, bound) in self
            .buckets
            .iter()
            .zip(BOUNDS.iter().map(Some).chain([None]))
        {
            total += bucket.load(Relaxed);
            let le = bound.map_or("+Inf".to_owned(), |ms| format!("{}", *ms as f64 / 1000.0));
            let _ = writeln!(out, "{name}_bucket{{le=\"{le}\"}} {total}");
        }
        let _ = writeln!(
            out,
            "{name}_sum {}\n{name}_count {total}",
            self.sum_us.load(Relaxed) as f64 / 1e6
        );
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident = $help:literal;)*) => {
        /// All counters.
        #[derive(Debug, Default)]
        pub struct Metrics {
            $($(#[$doc])* pub $name: AtomicU64,)*
            /// How long a command took, from its arrival to its durable answer.
            pub turn: Histogram,
        }

        impl Metrics {
            fn write_counters(&self, out: &mut String) {
                $(let name = concat!("flow_", stringify!($name), "_total");
                let _ = writeln!(out, "# HELP {name} {}\n# TYPE {name} counter\n{name} {}", $help, self.$name.load(Relaxed));)*
            }
        }
    };
}

counters! {
    /// Commands taken.
    turns = "commands taken";
    /// Commands that failed in the store.
    turn_failures = "commands that failed in the store";
    /// Webhooks called.
    webhook_calls = "webhook attempts";
    /// Webhooks that failed for good.
    webhook_failures = "webhooks that failed for good";
    /// Requests to models.
    model_calls = "model attempts";
    /// Models that failed for good.
    model_failures = "models that failed for good";
    /// Outgoing requests refused by the egress rules.
    egress_refused = "outgoing requests refused by the egress rules";
    /// Programs loaded.
    reloads = "programs loaded";
    /// Edits refused.
    reload_failures = "edits refused because of errors";
    /// Messages that came from messaging services.
    channel_received = "messages that came from messaging services";
    /// Messages that messaging services took.
    channel_sent = "messages that messaging services took";
    /// Messages that reached the customer's device.
    channel_delivered = "messages that reached the customer's device";
    /// Messages that did not reach the customer, files that could not be fetched.
    channel_failures = "messages that did not reach the customer, and files that could not be fetched";
    /// Deliveries that were given up and removed after their time.
    dead_letters_expired = "deliveries given up that were removed when their days were over";
    /// Agents who signed in.
    sign_ins = "agents who signed in";
    /// Sign-ins that were refused.
    sign_ins_refused = "sign-ins that were refused";
    /// Alerts of targets that were called.
    target_alerts = "alerts of targets that were called";
    /// Requests refused by a limit.
    limited = "requests refused by a limit";
}

/// Adds one.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

/// All metrics as text.
///
/// # Errors
/// If the store fails.
pub(crate) async fn render(app: &App) -> Result<String, flow_store::StoreError> {
    let mut out = String::new();
    app.metrics.write_counters(&mut out);
    app.metrics.turn.write(
        &mut out,
        "flow_turn_seconds",
        "from a command's arrival to its durable answer",
    );
    let stats = app.store.stats().await?;
    let (waiting, present) = app.desk.look(|desk| {
        let waiting = desk
            .items()
            .filter(|(_, i)| !matches!(i.state, flow_engine::desk::ItemState::Assigned { .. }))
            .count();
        (waiting, desk.agents().iter().filter(|a| a.present).count())
    });
    let gauges = [
        (
            "flow_conversations_open",
            "conversations that are open",
            stats.open,
        ),
        ("flow_outbox_pending", "deliveries under way", stats.outbox),
        ("flow_outbox_dead", "deliveries given up", stats.dead),
        ("flow_timers", "timers set", stats.timers),
        (
            "flow_queue_waiting",
            "conversations that wait for people",
            waiting as u64,
        ),
        (
            "flow_agents_present",
            "agents who are there",
            present as u64,
        ),
        (
            "flow_conversations_in_memory",
            "conversations kept in memory",
            app.turns.len() as u64,
        ),
        (
            "flow_program_healthy",
            "1 if the folder's last edit was good",
            u64::from(app.reload.status().ok),
        ),
    ];
    for (name, help, value) in gauges {
        let _ = writeln!(
            out,
            "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}"
        );
    }
    if let Some(program) = app.programs.current() {
        let name = "flow_program_info";
        let _ = writeln!(
            out,
            "# HELP {name} the version that runs\n# TYPE {name} gauge\n{name}{{version=\"{}\"}} 1",
            program.version
        );
    }
    Ok(out)
}
