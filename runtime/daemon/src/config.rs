//! The daemon's configuration: `flow.toml`, then the environment (`FLOW_*`), then the command line. Unknown keys are refused.

mod sense;
mod services;

pub use services::{Oidc, Telemetry, Triggers, WhatsApp};

use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Everything that can be set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where the database lives.
    pub data: PathBuf,
    /// Where people and other systems reach the daemon (`https://chat.example`); absent: what a request says of itself.
    pub public_url: Option<String>,
    /// Connections at most; more wait to be accepted.
    pub connections: usize,
    /// Seconds that a shutdown may take.
    pub drain_seconds: u64,
    /// Days that deliveries which were given up are kept to be looked at and tried again; 0: for ever.
    pub dead_letter_days: u32,
    /// Origins besides the daemon's own that may show the widget (`https://shop.example`).
    pub origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed: addresses, or networks of them.
    pub proxies: Vec<Proxy>,
    /// Whether the cookie is only sent over TLS; also when `public_url` is one of https.
    pub secure_cookie: bool,
    /// Outgoing requests.
    pub egress: Egress,
    /// Model providers by name.
    pub models: BTreeMap<String, Model>,
    /// How codes to verify an address are sent.
    pub verification: Option<Verification>,
    /// Signed logins of visitors.
    pub identity: Option<Identity>,
    /// Limits for visitors.
    pub limits: Limits,
    /// Agents.
    pub agents: Agents,
    /// Signing in through the company's own identity provider.
    pub oidc: Option<Oidc>,
    /// WhatsApp.
    pub whatsapp: Option<WhatsApp>,
    /// Events of other systems.
    pub triggers: Triggers,
    /// Traces.
    pub telemetry: Option<Telemetry>,
    /// What `env.X` and `secret.X` are read from.
    #[serde(skip)]
    pub environment: Environment,
}

/// The environment variables of the process, and values that stand before them (for programs that embed the daemon).
#[derive(Clone, Default)]
pub struct Environment {
    /// Values that stand before those of the process.
    pub set: BTreeMap<String, String>,
}

impl std::fmt::Debug for Environment {
    // Values are secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.set.keys()).finish()
    }
}

impl Environment {
    /// A variable.
    ///
    /// # Errors
    /// That it is not set, by its name.
    pub fn get(&self, name: &str) -> Result<String, String> {
        match self.set.get(name) {
            Some(value) => Ok(value.clone()),
            None => std::env::var(name)
                .map_err(|_| format!("the environment variable `{name}` is not set")),
        }
    }

    /// A variable that holds a secret. One that is empty is none: everybody knows it.
    ///
    /// # Errors
    /// That it is not set or empty, by its name.
    pub fn secret(&self, name: &str) -> Result<String, String> {
        self.get(name).and_then(|value| {
            if value.trim().is_empty() {
                Err(format!("the environment variable `{name}` is empty"))
            } else {
                Ok(value)
            }
        })
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            data: PathBuf::from("flow-data"),
            public_url: None,
            connections: 10_000,
            drain_seconds: 20,
            dead_letter_days: 30,
            origins: Vec::new(),
            proxies: Vec::new(),
            secure_cookie: false,
            egress: Egress::default(),
            models: BTreeMap::new(),
            verification: None,
            identity: None,
            limits: Limits::default(),
            agents: Agents::default(),
            oidc: None,
            whatsapp: None,
            triggers: Triggers::default(),
            telemetry: None,
            environment: Environment::default(),
        }
    }
}

/// A proxy's address (`10.0.0.1`), or a network of proxies (`10.0.0.0/24`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Proxy(ipnet::IpNet);

impl Proxy {
    /// Whether an address is one of these.
    #[must_use]
    pub fn is(&self, address: std::net::IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl std::str::FromStr for Proxy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let one = text.parse::<std::net::IpAddr>().map(ipnet::IpNet::from);
        one.or_else(|_| text.parse()).map(Self).map_err(|_| {
            format!("`{text}` is no address; write a proxy as `10.0.0.1` or `10.0.0.0/24`")
        })
    }
}

impl TryFrom<String> for Proxy {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// Outgoing requests.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Egress {
    /// `HOST:PORT`, or `NETWORK:PORT`, that may be reached although private, or although the port is unusual.
    pub allow: Vec<String>,
    /// Ports besides 80 and 443 that may be reached on public hosts.
    pub ports: Vec<u16>,
}

/// A model provider that speaks the OpenAI protocol.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Up to and without `/chat/completions`.
    pub base_url: String,
    /// The provider's name of the model.
    pub model: String,
    /// The environment variable that holds the key; absent: none is sent.
    #[serde(default)]
    pub api_key_env: Option<String>,
    /// Seconds for an answer, all attempts together.
    #[serde(default = "model_deadline")]
    pub deadline_seconds: u64,
    /// Tokens of an answer at most.
    #[serde(default = "model_tokens")]
    pub max_tokens: u32,
    /// Attempts at most.
    #[serde(default = "model_attempts")]
    pub attempts: u32,
    /// Tokens that one conversation may use in all.
    #[serde(default = "model_budget")]
    pub tokens_per_conversation: u64,
}

const fn model_deadline() -> u64 {
    30
}
const fn model_tokens() -> u32 {
    800
}
const fn model_attempts() -> u32 {
    3
}
const fn model_budget() -> u64 {
    200_000
}

/// How codes are sent: a signed request to a service of the operator.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// Gets `{"field", "contact", "code", "conversation"}`.
    pub url: String,
    /// The environment variable that holds the signing secret.
    #[serde(default)]
    pub secret_env: Option<String>,
    /// Seconds that a code is good for.
    #[serde(default = "code_lifetime")]
    pub lifetime_seconds: u64,
}

const fn code_lifetime() -> u64 {
    600
}

/// Signed logins: a JWT (HS256) whose claims are profile fields.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The environment variable that holds the shared secret.
    pub secret_env: String,
    /// The expected `aud`; absent: not looked at.
    #[serde(default)]
    pub audience: Option<String>,
    /// Hours for which a login may be good at most, from now; 0: any.
    #[serde(default = "login_hours")]
    pub longest_hours: u32,
    /// Whether a login opens one conversation only; it then needs a `jti`.
    #[serde(default)]
    pub single_use: bool,
}

const fn login_hours() -> u32 {
    24
}

/// Limits for visitors, per minute; 0 is no limit.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Conversations that one address may open.
    pub conversations: u32,
    /// Messages of one conversation.
    pub messages: u32,
    /// Requests of one address.
    pub requests: u32,
    /// Megabytes of files that one address sends in an hour.
    pub upload_megabytes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            conversations: 60,
            messages: 60,
            requests: 1200,
            upload_megabytes: 1000,
        }
    }
}

/// Agents.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Agents {
    /// Seconds without a stream after which an agent counts as away.
    pub grace_seconds: u64,
    /// Seconds without a stream after which an agent's conversations are queued again.
    pub lost_seconds: u64,
    /// Hours that a sign-in is good for.
    pub session_hours: u64,
    /// Minutes without a request or an open inbox after which a sign-in ends; 0: never for that.
    pub idle_minutes: u64,
}

impl Default for Agents {
    fn default() -> Self {
        Self {
            grace_seconds: 30,
            lost_seconds: 120,
            session_hours: 12,
            idle_minutes: 120,
        }
    }
}

impl Agents {
    /// After what time without use a sign-in ends; `None`: only by its age.
    #[must_use]
    pub fn idle(&self) -> Option<Duration> {
        let minutes = Some(self.idle_minutes).filter(|m| *m > 0)?;
        Some(Duration::from_secs(minutes.saturating_mul(60)))
    }
}

impl Config {
    /// Reads a file; `None` reads nothing and takes what is usual.
    ///
    /// # Errors
    /// If it cannot be read, says something unknown (the text names the line), or something that makes no sense.
    pub fn load(path: Option<&Path>) -> Result<Self, String> {
        let mut config = match path {
            None => Self::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|e| format!("cannot read `{}`: {e}", path.display()))?;
                Self::parse(&text).map_err(|e| format!("`{}`: {e}", path.display()))?
            }
        };
        config.overrides(|name| std::env::var(name).ok())?;
        match config.nonsense().as_slice() {
            [] => Ok(config),
            found => Err(found.join("\n")),
        }
    }

    /// Reads a text.
    ///
    /// # Errors
    /// If it is no TOML or says something unknown.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|e| e.to_string().trim_end().to_owned())
    }

    fn overrides(&mut self, get: impl Fn(&str) -> Option<String>) -> Result<(), String> {
        if let Some(listen) = get("FLOW_LISTEN") {
            self.listen = listen
                .parse()
                .map_err(|_| format!("FLOW_LISTEN is `{listen}`; write it as `127.0.0.1:8080`"))?;
        }
        if let Some(data) = get("FLOW_DATA") {
            self.data = PathBuf::from(data);
        }
        if let Some(allow) = get("FLOW_EGRESS_ALLOW") {
            self.egress.allow.extend(
                allow
                    .split(',')
                    .map(|s| s.trim().to_owned())
                    .filter(|s| !s.is_empty()),
            );
        }
        Ok(())
    }

    /// Everything about it that would fail later.
    #[must_use]
    pub fn problems(&self, env: impl Fn(&str) -> bool) -> Vec<String> {
        let mut out = Vec::new();
        let mut needs = |name: &str, by: &str| {
            if !env(name) {
                out.push(format!(
                    "{by} names the environment variable `{name}`, which is not set"
                ));
            }
        };
        for (name, model) in &self.models {
            if let Some(key) = &model.api_key_env {
                needs(key, &format!("[models.{name}]"));
            }
        }
        if let Some(name) = self
            .verification
            .as_ref()
            .and_then(|v| v.secret_env.as_ref())
        {
            needs(name, "[verification]");
        }
        if let Some(identity) = &self.identity {
            needs(&identity.secret_env, "[identity]");
        }
        for (section, variable) in self.service_variables() {
            needs(variable, section);
        }
        out.extend(self.service_problems());
        for (name, model) in &self.models {
            if let Err(e) = url::Url::parse(&model.base_url) {
                out.push(format!(
                    "[models.{name}] base_url `{}` is no URL: {e}",
                    model.base_url
                ));
            }
        }
        for entry in &self.egress.allow {
            if crate::delivery::egress::opened(entry).is_none() {
                out.push(format!(
                    "[egress] allow has `{entry}`; write it as `127.0.0.1:8091` or `10.1.0.0/16:8080`"
                ));
            }
        }
        out
    }

    /// Whether browsers reach us over TLS alone.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        let https = |url: &String| url.starts_with("https://");
        self.secure_cookie || self.public_url.as_ref().is_some_and(https)
    }

    /// Since when a delivery that was given up may still be tried again; `None`: since ever.
    #[must_use]
    pub fn dead_letters_since(&self, now: jiff::Timestamp) -> Option<jiff::Timestamp> {
        let days = Some(self.dead_letter_days).filter(|days| *days > 0)?;
        now.checked_sub(jiff::SignedDuration::from_hours(i64::from(days) * 24))
            .ok()
    }

    /// How long a shutdown may take.
    #[must_use]
    pub const fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::{Config, Environment};

    #[test]
    fn an_unknown_key_is_refused_with_its_line() {
        let error = Config::parse("listen = \"127.0.0.1:1\"\nlisten_on = 3\n").unwrap_err();
        assert!(
            error.contains("line 2") && error.contains("listen_on"),
            "{error}"
        );
    }

    #[test]
    fn the_documented_configuration_is_one() {
        let page = include_str!("../../../docs/operating.md");
        let text = page.split("```toml\n").nth(1).unwrap();
        let text = text.split("```").next().unwrap();
        let config = Config::parse(text).unwrap();
        assert!(config.oidc.is_some() && config.whatsapp.is_some() && config.telemetry.is_some());
        // All that is missing are the variables.
        assert_eq!(config.problems(|_| true), Vec::<String>::new());
    }

    #[test]
    fn a_missing_key_of_a_model_is_reported() {
        let text = "[models.m]\nbase_url = \"https://api.example/v1\"\nmodel = \"x\"\napi_key_env = \"NOT_SET\"\n";
        let problems = Config::parse(text).unwrap().problems(|_| false);
        assert_eq!(
            problems,
            ["[models.m] names the environment variable `NOT_SET`, which is not set"]
        );
    }

    #[test]
    fn a_proxy_is_an_address_or_a_network() {
        let text = "proxies = [\"10.0.0.1\", \"10.1.0.0/16\", \"fd00::/8\"]";
        let config = Config::parse(text).unwrap();
        let is = |ip: &str| config.proxies.iter().any(|p| p.is(ip.parse().unwrap()));
        for proxy in ["10.0.0.1", "::ffff:10.0.0.1", "10.1.2.3", "fd00::1"] {
            assert!(is(proxy), "{proxy}");
        }
        for other in ["10.0.0.2", "10.2.0.1", "fe80::1", "127.0.0.1"] {
            assert!(!is(other), "{other}");
        }
        let error = Config::parse("proxies = [\"proxy.internal\"]").unwrap_err();
        assert!(error.contains("`proxy.internal` is no address"), "{error}");
    }

    #[test]
    fn an_empty_secret_is_none() {
        let environment = Environment {
            set: [("A", "a"), ("B", ""), ("C", " \n")]
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .into(),
        };
        assert_eq!(environment.secret("A").unwrap(), "a");
        for name in ["B", "C"] {
            assert!(environment.secret(name).unwrap_err().contains("is empty"));
            // What is no secret may be.
            assert!(environment.get(name).is_ok());
        }
    }

    #[test]
    fn the_environment_goes_before_the_file() {
        let mut config = Config::parse("data = \"a\"").unwrap();
        config
            .overrides(|name| (name == "FLOW_DATA").then(|| "b".to_owned()))
            .unwrap();
        assert_eq!(config.data, std::path::Path::new("b"));
    }
}
