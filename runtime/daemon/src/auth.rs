//! Who asks: passwords, sessions, tokens.

use crate::app::{App, random_name, secret_hash};
use crate::limits::{Buckets, network};
use crate::metrics::count;
use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};
use flow_store::{Agent, Session, StoreError};
use jiff::SignedDuration;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// The cookie's name.
pub const COOKIE: &str = "flow_session";
/// Wrong passwords for one name in five minutes; of one address three times as many.
const ATTEMPTS: u32 = 10;
/// The time in which attempts are counted.
const WINDOW: Duration = Duration::from_secs(300);
/// Shortest password.
const SHORTEST: usize = 8;
/// Longest sign-in name.
const LONGEST_NAME: usize = 64;
/// Sign-ins of an agent that tell from where they use to come.
const REMEMBERED: u32 = 50;
/// Passwords that are checked at once. Each takes 19 MiB and a core, so that a flood of them must wait for its turn.
const CHECKED_AT_ONCE: usize = 2;
/// How long a password may wait to be checked.
const PATIENCE: Duration = Duration::from_secs(5);

/// Attempts to sign in, and the sessions in use.
#[derive(Debug)]
pub struct SignIns {
    by_address: Buckets<IpAddr>,
    /// By name, and by where it came from if that agent signed in from there before: whoever guesses elsewhere takes no attempt from them.
    by_name: Buckets<(String, Option<IpAddr>)>,
    checks: Semaphore,
    /// When a session was last used, by its hash. After a restart all count as just used.
    seen: Mutex<HashMap<Vec<u8>, Instant>>,
}

impl Default for SignIns {
    fn default() -> Self {
        Self {
            by_address: Buckets::default(),
            by_name: Buckets::default(),
            checks: Semaphore::new(CHECKED_AT_ONCE),
            seen: Mutex::default(),
        }
    }
}

impl SignIns {
    /// Notes that a session is used; `false`: it was idle for too long.
    fn used(&self, hash: &[u8], idle: Duration, now: Instant) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let last = seen.get(hash).copied();
        if last.is_some_and(|at| now.saturating_duration_since(at) >= idle) {
            return false;
        }
        seen.insert(hash.to_vec(), now);
        true
    }

    /// Sessions that were idle for too long.
    fn idle(&self, idle: Duration, now: Instant) -> Vec<Vec<u8>> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let over = |at: &Instant| now.saturating_duration_since(*at) >= idle;
        let found = seen.iter().filter(|(_, at)| over(at));
        found.map(|(hash, _)| hash.clone()).collect()
    }

    /// Forgets a session.
    pub(crate) fn forget(&self, hash: &[u8]) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.remove(hash);
    }
}

/// Why signing in failed.
#[derive(Debug)]
pub enum SignInError {
    /// The name or the password is wrong.
    Wrong,
    /// Too often; how long to wait.
    TooOften(Duration),
    /// The store failed.
    Store(StoreError),
}

/// Hashes a password (Argon2id). Takes a moment: not for an async thread.
///
/// # Errors
/// If it is too short.
pub fn hash_password(password: &str) -> Result<String, String> {
    if password.chars().count() < SHORTEST {
        return Err(format!("the password has fewer than {SHORTEST} characters"));
    }
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|h| h.to_string())
        .map_err(|e| e.to_string())
}

fn verify(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| {
        Argon2::default()
            .verify_password(password.as_bytes(), &hash)
            .is_ok()
    })
}

/// A new session, and the cookie's value.
pub struct SignedIn {
    /// Who.
    pub agent: Agent,
    /// The cookie's value.
    pub cookie: String,
    /// Must come back in a header.
    pub csrf: String,
}

impl App {
    /// Signs an agent in.
    ///
    /// # Errors
    /// See [`SignInError`].
    pub async fn sign_in(
        &self,
        peer: IpAddr,
        name: &str,
        password: String,
    ) -> Result<SignedIn, SignInError> {
        // One letter more than anybody's name has: what is longer is nobody's, and takes no room.
        let name: String = name.chars().take(LONGEST_NAME + 1).collect();
        let name = name.as_str();
        self.attempt_from(peer).map_err(SignInError::TooOften)?;
        let known = self.comes_from(name, peer).await;
        let known = known.map_err(SignInError::Store)?;
        let place = (name.to_owned(), known.then(|| network(peer)));
        self.sign_ins
            .by_name
            .take(place.clone(), ATTEMPTS, WINDOW)
            .map_err(SignInError::TooOften)?;
        let agent = self.store.agent(name).await.map_err(SignInError::Store)?;
        // An unknown name, or one without a password, takes as long as a wrong password.
        let hash = agent
            .as_ref()
            .map(|a| a.password.clone())
            .filter(|hash| !hash.is_empty())
            .unwrap_or_else(|| DUMMY.to_owned());
        let turn = tokio::time::timeout(PATIENCE, self.sign_ins.checks.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            return Err(SignInError::TooOften(PATIENCE));
        };
        let good = tokio::task::spawn_blocking(move || verify(&password, &hash))
            .await
            .unwrap_or(false);
        let Some(agent) = agent.filter(|_| good) else {
            self.refused_sign_in(format!("agent:{name}"), peer.to_string())
                .await;
            return Err(SignInError::Wrong);
        };
        // Only what was wrong counts: many people sign in from one office.
        self.attempt_was_good(peer);
        self.sign_ins.by_name.give_back(&place);
        self.begin_session(agent, peer.to_string())
            .await
            .map_err(SignInError::Store)
    }

    /// Whether an agent signed in from this network before.
    async fn comes_from(&self, name: &str, peer: IpAddr) -> Result<bool, StoreError> {
        let here = network(peer);
        let before = self.store.sign_ins_of(name, REMEMBERED).await?;
        Ok(before
            .iter()
            .filter_map(|detail| detail.split(' ').next()?.parse().ok())
            .any(|address| network(address) == here))
    }

    /// Notes a sign-in that was refused.
    pub(crate) async fn refused_sign_in(&self, who: String, detail: String) {
        count(&self.metrics.sign_ins_refused);
        self.audit(who, "sign_in_failed", None, Some(detail)).await;
    }

    /// Takes one of the attempts that an address has.
    ///
    /// # Errors
    /// How long to wait for the next one.
    pub(crate) fn attempt_from(&self, peer: IpAddr) -> Result<(), Duration> {
        self.sign_ins
            .by_address
            .take(network(peer), ATTEMPTS * 3, WINDOW)
    }

    /// Gives an attempt back to an address from which somebody did sign in.
    pub(crate) fn attempt_was_good(&self, peer: IpAddr) {
        self.sign_ins.by_address.give_back(&network(peer));
    }

    /// A session for somebody who has shown who they are.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) async fn begin_session(
        &self,
        agent: Agent,
        detail: String,
    ) -> Result<SignedIn, StoreError> {
        let (cookie, csrf) = (random_name("s_"), random_name(""));
        let hours = i64::try_from(self.config.agents.session_hours).unwrap_or(12);
        let expires = self
            .clock
            .now()
            .checked_add(SignedDuration::from_hours(hours))
            .unwrap_or(jiff::Timestamp::MAX);
        let session = Session {
            hash: secret_hash(&cookie),
            agent: agent.id.clone(),
            csrf: csrf.clone(),
            expires,
        };
        self.store.put_session(session).await?;
        count(&self.metrics.sign_ins);
        self.audit(format!("agent:{}", agent.id), "sign_in", None, Some(detail))
            .await;
        Ok(SignedIn {
            agent,
            cookie,
            csrf,
        })
    }

    /// Ends a session, by the hash of its cookie.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) async fn end_session(&self, hash: &[u8]) -> Result<(), StoreError> {
        self.store.remove_session(hash).await?;
        self.sign_ins.forget(hash);
        Ok(())
    }

    /// Ends the sessions that nobody used for too long.
    pub(crate) async fn end_idle_sessions(&self) {
        let Some(idle) = self.config.agents.idle() else {
            return;
        };
        for hash in self.sign_ins.idle(idle, Instant::now()) {
            if let Err(error) = self.end_session(&hash).await {
                tracing::warn!(%error, "an idle session could not be ended");
            }
        }
    }

    /// The agent and session of a cookie.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn session(&self, cookie: &str) -> Result<Option<(Agent, Session)>, StoreError> {
        let hash = secret_hash(cookie);
        let found = self.store.session(&hash, self.clock.now()).await?;
        let Some(session) = found else {
            self.sign_ins.forget(&hash);
            return Ok(None);
        };
        if let Some(idle) = self.config.agents.idle()
            && !self.sign_ins.used(&hash, idle, Instant::now())
        {
            self.end_session(&hash).await?;
            return Ok(None);
        }
        Ok(self
            .store
            .agent(&session.agent)
            .await?
            .map(|agent| (agent, session)))
    }
}

/// The hash of a password that nobody has.
const DUMMY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$0000000000000000000000000000000000000000000";

#[cfg(test)]
mod tests {
    use super::{DUMMY, SignIns, hash_password, verify};
    use std::time::{Duration, Instant};

    #[test]
    fn a_session_that_nobody_uses_ends() {
        let sign_ins = SignIns::default();
        let (start, idle) = (Instant::now(), Duration::from_secs(60));
        let at = |seconds| start + Duration::from_secs(seconds);
        // After a restart it is as good as just used.
        assert!(sign_ins.used(b"a", idle, at(0)));
        assert!(sign_ins.used(b"a", idle, at(59)));
        assert!(sign_ins.idle(idle, at(118)).is_empty());
        assert_eq!(sign_ins.idle(idle, at(119)), [b"a".to_vec()]);
        assert!(!sign_ins.used(b"a", idle, at(119)));
        // Asking does not wake it.
        assert!(!sign_ins.used(b"a", idle, at(120)));
    }

    #[test]
    fn only_the_password_opens() {
        let hash = hash_password("correct horse").unwrap();
        assert!(verify("correct horse", &hash));
        assert!(!verify("correct horsf", &hash));
        assert!(!verify("anything", DUMMY));
        // The dummy must cost as much as a real one: it has to parse.
        assert!(argon2::PasswordHash::new(DUMMY).is_ok());
        assert!(hash_password("short").is_err());
    }
}
