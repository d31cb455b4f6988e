//! Rates, percentiles, and what they cost.

use std::time::Duration;

/// What a run showed.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// How many were done per second.
    pub rate: f64,
    /// Half were faster.
    pub p50: Duration,
    /// All but one in a hundred were faster.
    pub p99: Duration,
    /// Processor time of this process per one.
    pub cpu: Duration,
}

impl Outcome {
    /// From the time of each.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a count")]
    pub fn of(mut times: Vec<Duration>, took: Duration, cpu_seconds: f64) -> Self {
        times.sort_unstable();
        let count = times.len().max(1) as f64;
        Self {
            rate: times.len() as f64 / took.as_secs_f64(),
            p50: percentile(&times, 50),
            p99: percentile(&times, 99),
            cpu: Duration::from_secs_f64(cpu_seconds.max(0.0) / count),
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:>7.0}/s, p50 {:.1} ms, p99 {:.1} ms, {:.0} us of processor each",
            self.rate,
            self.p50.as_secs_f64() * 1e3,
            self.p99.as_secs_f64() * 1e3,
            self.cpu.as_secs_f64() * 1e6
        )
    }
}

/// A percentile of sorted times.
#[must_use]
pub fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(index).copied().unwrap_or_default()
}

/// Seconds of processor time that a process has used so far, its threads and the kernel for it.
#[must_use]
pub fn cpu_of(process: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let number = |n: usize| -> f64 {
        fields
            .split_whitespace()
            .nth(n)
            .and_then(|v| v.parse().ok())
            .unwrap_or(0.0)
    };
    // Fields 14 and 15 of proc(5), in hundredths of a second.
    (number(11) + number(12)) / 100.0
}

/// The same of this process.
#[must_use]
pub fn cpu_seconds() -> f64 {
    cpu_of("self")
}

/// Processor time of all threads of this process, to the nanosecond (Linux). That of threads that ended is not in it.
#[must_use]
pub fn processor() -> Duration {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else {
        return Duration::ZERO;
    };
    let nanos = threads
        .flatten()
        .filter_map(|thread| {
            let stat = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
            stat.split_whitespace().next()?.parse::<u64>().ok()
        })
        .sum();
    Duration::from_nanos(nanos)
}

/// Memory in use by a process, KiB.
#[must_use]
pub fn memory_of(process: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
    line.and_then(|l| l.split_whitespace().next())
        .and_then(|n| n.parse().ok())
        .unwrap_or(0)
}
