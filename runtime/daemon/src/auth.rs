//! Who asks: passwords, sessions, tokens.

use crate::app::{App, random_name, secret_hash};
use crate::metrics::count;
use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};
use flow_store::{Agent, Session, StoreError};
use jiff::SignedDuration;
use std::net::IpAddr;
use std::time::Duration;

/// The cookie's name.
pub const COOKIE: &str = "flow_session";
/// Wrong passwords that one address, or one name, has in five minutes.
const ATTEMPTS: u32 = 10;
/// The time in which attempts are counted.
const WINDOW: Duration = Duration::from_secs(300);
/// Shortest password.
const SHORTEST: usize = 8;

/// Attempts to sign in.
#[derive(Debug, Default)]
pub struct SignIns {
    by_address: crate::limits::Buckets<IpAddr>,
    by_name: crate::limits::Buckets<String>,
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
        self.attempt_from(peer).map_err(SignInError::TooOften)?;
        self.sign_ins
            .by_name
            .take(name.to_owned(), ATTEMPTS, WINDOW)
            .map_err(SignInError::TooOften)?;
        let agent = self.store.agent(name).await.map_err(SignInError::Store)?;
        // An unknown name, or one without a password, takes as long as a wrong password.
        let hash = agent
            .as_ref()
            .map(|a| a.password.clone())
            .filter(|hash| !hash.is_empty())
            .unwrap_or_else(|| DUMMY.to_owned());
        let good = tokio::task::spawn_blocking(move || verify(&password, &hash))
            .await
            .unwrap_or(false);
        let Some(agent) = agent.filter(|_| good) else {
            self.refused_sign_in(format!("agent:{name}"), peer.to_string())
                .await;
            return Err(SignInError::Wrong);
        };
        self.begin_session(agent, peer.to_string())
            .await
            .map_err(SignInError::Store)
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
        self.sign_ins.by_address.take(peer, ATTEMPTS * 3, WINDOW)
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

    /// The agent and session of a cookie.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn session(&self, cookie: &str) -> Result<Option<(Agent, Session)>, StoreError> {
        let Some(session) = self
            .store
            .session(&secret_hash(cookie), self.clock.now())
            .await?
        else {
            return Ok(None);
        };
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
    use super::{DUMMY, hash_password, verify};

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
