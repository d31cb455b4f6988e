//! Rate limits: a bucket per key that fills with time.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Buckets kept at most; full ones are forgotten first.
const KEPT: usize = 50_000;

/// Buckets by key.
#[derive(Debug)]
pub struct Buckets<K> {
    map: Mutex<HashMap<K, (f64, Instant)>>,
}

impl<K> Default for Buckets<K> {
    fn default() -> Self {
        Self {
            map: Mutex::new(HashMap::new()),
        }
    }
}

impl<K: Hash + Eq> Buckets<K> {
    /// Takes one from a bucket that holds `size` and fills in `period`; 0 is no limit.
    ///
    /// # Errors
    /// How long to wait for the next one.
    pub fn take(&self, key: K, size: u32, period: Duration) -> Result<(), Duration> {
        if size == 0 {
            return Ok(());
        }
        let now = Instant::now();
        let size = f64::from(size);
        let rate = size / period.as_secs_f64();
        let mut map = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        if map.len() >= KEPT {
            map.retain(|_, (left, at)| {
                now.duration_since(*at).as_secs_f64().mul_add(rate, *left) < size
            });
        }
        let (left, at) = map.entry(key).or_insert((size, now));
        *left = now
            .duration_since(*at)
            .as_secs_f64()
            .mul_add(rate, *left)
            .min(size);
        *at = now;
        if *left >= 1.0 {
            *left -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - *left) / rate))
    }
}

/// All limits for visitors.
#[derive(Debug, Default)]
pub struct RateLimits {
    /// Requests by address.
    pub requests: Buckets<IpAddr>,
    /// Conversations opened, by address.
    pub conversations: Buckets<IpAddr>,
    /// Messages by conversation.
    pub messages: Buckets<String>,
    /// Views of a conversation by an agent that are worth a line in the audit log.
    pub views: Buckets<(String, String)>,
}

/// Who really asks: the peer, or the last address in `X-Forwarded-For` that no named proxy added.
#[must_use]
pub(crate) fn real_peer(peer: IpAddr, forwarded: &[&str], proxies: &[IpAddr]) -> IpAddr {
    let mut current = peer.to_canonical();
    let mut hops = forwarded.iter().rev().flat_map(|line| line.rsplit(','));
    while proxies.contains(&current) {
        match hops
            .next()
            .and_then(|hop| hop.trim().parse::<IpAddr>().ok())
        {
            Some(next) => current = next.to_canonical(),
            None => break,
        }
    }
    current
}

#[cfg(test)]
mod tests {
    use super::{Buckets, real_peer};
    use std::time::Duration;

    #[test]
    fn a_bucket_runs_dry_and_says_how_long_to_wait() {
        let buckets = Buckets::default();
        for _ in 0..3 {
            buckets.take("a", 3, Duration::from_secs(60)).unwrap();
        }
        let wait = buckets.take("a", 3, Duration::from_secs(60)).unwrap_err();
        assert!(
            wait > Duration::from_secs(15) && wait <= Duration::from_secs(20),
            "{wait:?}"
        );
        buckets.take("b", 3, Duration::from_secs(60)).unwrap();
        for _ in 0..1000 {
            buckets.take("c", 0, Duration::from_secs(60)).unwrap();
        }
    }

    #[test]
    fn a_forged_header_changes_nothing() {
        let ip = |s: &str| s.parse().unwrap();
        assert_eq!(real_peer(ip("9.9.9.9"), &["1.2.3.4"], &[]), ip("9.9.9.9"));
        let proxies = [ip("10.0.0.1"), ip("10.0.0.2")];
        assert_eq!(
            real_peer(ip("10.0.0.1"), &["1.2.3.4, 8.8.8.8, 10.0.0.2"], &proxies),
            ip("8.8.8.8")
        );
        assert_eq!(
            real_peer(ip("10.0.0.1"), &["1.2.3.4", "7.7.7.7"], &proxies),
            ip("7.7.7.7")
        );
        assert_eq!(real_peer(ip("10.0.0.1"), &[], &proxies), ip("10.0.0.1"));
    }
}
