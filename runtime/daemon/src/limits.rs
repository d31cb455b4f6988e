//! Rate limits: a bucket per key that fills with time.

use crate::config::Proxy;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Buckets kept at most; full ones are forgotten first.
const KEPT: usize = 50_000;
/// Between two looks for full ones: to look at all of them for every request would be work for whoever floods us.
const SWEEP: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct Kept<K> {
    /// How much is left, and when that was so.
    map: HashMap<K, (f64, Instant)>,
    swept: Option<Instant>,
}

/// Buckets by key.
#[derive(Debug)]
pub struct Buckets<K>(Mutex<Kept<K>>);

impl<K> Default for Buckets<K> {
    fn default() -> Self {
        Self(Mutex::new(Kept {
            map: HashMap::new(),
            swept: None,
        }))
    }
}

impl<K: Hash + Eq + Clone> Kept<K> {
    /// Makes room for a new key.
    fn make_room(&mut self, now: Instant, size: f64, rate: f64) {
        if self.swept.is_none_or(|at| now.duration_since(at) >= SWEEP) {
            self.swept = Some(now);
            self.map.retain(|_, (left, at)| {
                now.duration_since(*at).as_secs_f64().mul_add(rate, *left) < size
            });
        }
        if self.map.len() >= KEPT
            && let Some(any) = self.map.keys().next().cloned()
        {
            self.map.remove(&any);
        }
    }
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    /// Takes one from a bucket that holds `size` and fills in `period`; 0 is no limit.
    ///
    /// # Errors
    /// How long to wait for the next one.
    pub fn take(&self, key: K, size: u32, period: Duration) -> Result<(), Duration> {
        self.take_many(key, 1.0, size, period)
    }

    /// Takes so many at once. What is more than a whole bucket needs a full one.
    ///
    /// # Errors
    /// How long to wait until there are so many.
    pub fn take_many(
        &self,
        key: K,
        many: f64,
        size: u32,
        period: Duration,
    ) -> Result<(), Duration> {
        if size == 0 {
            return Ok(());
        }
        let now = Instant::now();
        let size = f64::from(size);
        let rate = size / period.as_secs_f64();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.map.len() >= KEPT && !kept.map.contains_key(&key) {
            kept.make_room(now, size, rate);
        }
        let (left, at) = kept.map.entry(key).or_insert((size, now));
        *left = now
            .duration_since(*at)
            .as_secs_f64()
            .mul_add(rate, *left)
            .min(size);
        *at = now;
        let needed = many.min(size);
        if *left >= needed {
            *left -= needed;
            return Ok(());
        }
        Err(Duration::from_secs_f64((needed - *left) / rate))
    }

    /// Puts back what was taken for something that does not count.
    pub fn give_back(&self, key: &K) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A bucket that overflows is cut when it is taken from.
        if let Some((left, _)) = kept.map.get_mut(key) {
            *left += 1.0;
        }
    }
}

/// Places that are held for a time, so many for each key.
#[derive(Debug)]
pub struct Places<K: Hash + Eq>(Arc<Mutex<HashMap<K, usize>>>);

impl<K: Hash + Eq> Default for Places<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

/// A place that is held until this is dropped.
#[derive(Debug)]
pub struct Held<K: Hash + Eq> {
    places: Arc<Mutex<HashMap<K, usize>>>,
    key: K,
}

impl<K: Hash + Eq + Clone> Places<K> {
    /// Takes a place, if there are fewer than so many taken.
    #[must_use]
    pub fn hold(&self, key: K, most: usize) -> Option<Held<K>> {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = map.entry(key.clone()).or_insert(0);
        if *taken >= most {
            return None;
        }
        *taken += 1;
        Some(Held {
            places: Arc::clone(&self.0),
            key,
        })
    }
}

impl<K: Hash + Eq> Drop for Held<K> {
    fn drop(&mut self) {
        let mut map = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = map.get_mut(&self.key) {
            *taken = taken.saturating_sub(1);
            if *taken == 0 {
                map.remove(&self.key);
            }
        }
    }
}

/// All limits for visitors.
#[derive(Debug, Default)]
pub struct RateLimits {
    /// Requests by network, see [`network`].
    pub requests: Buckets<IpAddr>,
    /// Requests of messaging services, by network. Apart: a bucket of two sizes would fill the small one at the pace of the large.
    pub services: Buckets<IpAddr>,
    /// Conversations opened, by network.
    pub conversations: Buckets<IpAddr>,
    /// Messages by conversation.
    pub messages: Buckets<String>,
    /// Refused requests to a host that are worth a line in the audit log.
    pub refused: Buckets<String>,
    /// Codes sent to one address.
    pub codes: Buckets<String>,
    /// Megabytes of files, by network.
    pub uploads: Buckets<IpAddr>,
    /// Open streams of visitors, by network.
    pub streams: Places<IpAddr>,
    /// Open streams of one conversation.
    pub listeners: Places<String>,
    /// Views of a conversation by an agent that are worth a line in the audit log.
    pub views: Buckets<(String, String)>,
}

/// What counts as one address: of IPv6 the first 64 bits, since whoever has one such address has all that begin like it.
#[must_use]
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
    }
}

/// An address as proxies write it: some add the port.
fn hop(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    let bare = bare.unwrap_or(text);
    bare.parse()
        .or_else(|_| text.parse::<SocketAddr>().map(|a| a.ip()))
        .ok()
}

/// Who really asks: the peer, or the last address in `X-Forwarded-For` that no named proxy added.
#[must_use]
pub(crate) fn real_peer(peer: IpAddr, forwarded: &[&str], proxies: &[Proxy]) -> IpAddr {
    let mut current = peer.to_canonical();
    let mut hops = forwarded.iter().rev().flat_map(|line| line.rsplit(','));
    while proxies.iter().any(|p| p.is(current)) {
        match hops.next().and_then(hop) {
            Some(next) => current = next.to_canonical(),
            None => break,
        }
    }
    current
}

#[cfg(test)]
mod tests {
    use super::{Buckets, KEPT, Places, network, real_peer};
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
    fn what_did_not_count_is_given_back_and_no_more() {
        let buckets = Buckets::default();
        let minute = Duration::from_secs(60);
        for _ in 0..10 {
            buckets.take("a", 2, minute).unwrap();
            buckets.give_back(&"a");
        }
        buckets.give_back(&"a");
        buckets.take("a", 2, minute).unwrap();
        buckets.take("a", 2, minute).unwrap();
        assert!(buckets.take("a", 2, minute).is_err());
    }

    #[test]
    fn much_at_once_costs_much() {
        let buckets = Buckets::default();
        let hour = Duration::from_secs(3600);
        buckets.take_many("a", 7.5, 10, hour).unwrap();
        let wait = buckets.take_many("a", 5.0, 10, hour).unwrap_err();
        assert!(wait > Duration::from_secs(800), "{wait:?}");
        buckets.take_many("a", 2.0, 10, hour).unwrap();
        buckets.take_many("b", 99.0, 10, hour).unwrap();
        assert!(buckets.take("b", 10, hour).is_err());
    }

    #[test]
    fn a_place_is_free_again_when_it_is_left() {
        let places = Places::default();
        let first = places.hold("a", 2).unwrap();
        let _second = places.hold("a", 2).unwrap();
        assert!(places.hold("a", 2).is_none());
        let other = places.hold("b", 2);
        drop(first);
        let _third = places.hold("a", 2).unwrap();
        assert!(places.hold("a", 2).is_none());
        drop(other);
        assert_eq!(
            places.0.lock().unwrap().len(),
            1,
            "nothing is kept of who left"
        );
    }

    #[test]
    fn a_flood_of_keys_takes_no_more_memory() {
        let buckets = Buckets::default();
        for n in 0..KEPT + 1000 {
            buckets.take(n, 2, Duration::from_secs(3600)).unwrap();
        }
        assert_eq!(buckets.0.lock().unwrap().map.len(), KEPT);
    }

    #[test]
    fn one_who_has_a_network_counts_once() {
        let ip = |s: &str| s.parse().unwrap();
        assert_eq!(
            network(ip("2001:db8:1:2:3:4:5:6")),
            network(ip("2001:db8:1:2:ffff::1"))
        );
        assert_ne!(
            network(ip("2001:db8:1:2::1")),
            network(ip("2001:db8:1:3::1"))
        );
        assert_eq!(network(ip("::ffff:9.9.9.9")), ip("9.9.9.9"));
        assert_ne!(network(ip("9.9.9.9")), network(ip("9.9.9.8")));
    }

    #[test]
    fn a_forged_header_changes_nothing() {
        let ip = |s: &str| s.parse().unwrap();
        assert_eq!(real_peer(ip("9.9.9.9"), &["1.2.3.4"], &[]), ip("9.9.9.9"));
        let proxies = ["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()];
        assert_eq!(
            real_peer(ip("10.0.0.1"), &["1.2.3.4, 8.8.8.8, 10.0.0.2"], &proxies),
            ip("8.8.8.8")
        );
        assert_eq!(
            real_peer(ip("10.0.0.1"), &["1.2.3.4", "7.7.7.7"], &proxies),
            ip("7.7.7.7")
        );
        assert_eq!(real_peer(ip("10.0.0.1"), &[], &proxies), ip("10.0.0.1"));
        for hop in ["8.8.8.8:4711", "[2001:db8::1]", "[2001:db8::1]:4711"] {
            let expected = if hop.starts_with('8') {
                "8.8.8.8"
            } else {
                "2001:db8::1"
            };
            assert_eq!(real_peer(ip("10.0.0.1"), &[hop], &proxies), ip(expected));
        }
        for nonsense in ["unknown", "", "8.8.8.8; 1"] {
            assert_eq!(
                real_peer(ip("10.0.0.1"), &["1.2.3.4", nonsense], &proxies),
                ip("10.0.0.1")
            );
        }
    }
}
