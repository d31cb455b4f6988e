//! Services of others that the daemon works with: an identity provider, WhatsApp, a collector of traces.

use super::Config;
use serde::Deserialize;
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// Signing agents in through OpenID Connect: authorization code with PKCE.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// The provider; `/.well-known/openid-configuration` stands below it.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// The environment variable that holds our secret; absent: a public client, which PKCE alone protects.
    #[serde(default)]
    pub client_secret_env: Option<String>,
    /// What the button says after `Sign in with`.
    #[serde(default = "oidc_title")]
    pub title: String,
    /// Scopes besides `openid`.
    #[serde(default = "oidc_scopes")]
    pub scopes: Vec<String>,
    /// The claim that names the agent.
    #[serde(default = "oidc_agent_claim")]
    pub agent_claim: String,
    /// Where the claim is an address: domains of which the part before the `@` is the sign-in name.
    #[serde(default)]
    pub domains: Vec<String>,
    /// The claim, a word or a list of words, that says what somebody may do; absent: what the daemon knows.
    #[serde(default)]
    pub role_claim: Option<String>,
    /// Roles (`agent`, `lead`, `admin`) by word of that claim; the highest counts, and without any nobody gets in.
    #[serde(default)]
    pub roles: BTreeMap<String, flow_store::Role>,
    /// Whether whoever is not known yet is added.
    #[serde(default)]
    pub create: bool,
    /// The teams of those who are added.
    #[serde(default)]
    pub teams: Vec<SmolStr>,
}

fn oidc_title() -> String {
    "single sign-on".to_owned()
}
fn oidc_scopes() -> Vec<String> {
    vec!["profile".to_owned(), "email".to_owned()]
}
fn oidc_agent_claim() -> String {
    "preferred_username".to_owned()
}

/// WhatsApp through Meta's Cloud API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhatsApp {
    /// Meta's id of the number that customers write to.
    pub phone_number_id: String,
    /// The environment variable that holds the access token.
    pub access_token_env: String,
    /// The environment variable that holds the app's secret, with which Meta signs.
    pub app_secret_env: String,
    /// The environment variable that holds the word agreed on for the webhook's verification.
    pub verify_token_env: String,
    /// Up to and with the version.
    #[serde(default = "graph_url")]
    pub api_url: String,
    /// The language of the template that reopens a conversation.
    #[serde(default = "template_language")]
    pub template_language: String,
}

/// Events of other systems (`trigger`).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Triggers {
    /// The environment variable that holds the word agreed on with Meta, which asks for it when a webhook is set up; for triggers signed
    /// `meta`.
    pub meta_verify_env: Option<String>,
}

fn graph_url() -> String {
    "https://graph.facebook.com/v23.0".to_owned()
}
fn template_language() -> String {
    "en".to_owned()
}

/// Traces, sent to an OpenTelemetry collector (OTLP over HTTP, protobuf).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// The collector's address for traces (`http://127.0.0.1:4318/v1/traces`).
    pub endpoint: String,
    /// The name under which this daemon is seen.
    #[serde(default = "service_name")]
    pub service_name: String,
    /// The share of requests that is traced, 0 to 1.
    #[serde(default = "sample_ratio")]
    pub sample_ratio: f64,
    /// Headers by name, each with the environment variable that holds its value.
    #[serde(default)]
    pub headers_env: BTreeMap<String, String>,
}

fn service_name() -> String {
    "flowd".to_owned()
}
const fn sample_ratio() -> f64 {
    1.0
}

impl Config {
    /// The environment variables that the services need, with the section that names them.
    pub(super) fn service_variables(&self) -> Vec<(&'static str, &str)> {
        let mut out = Vec::new();
        if let Some(name) = self
            .oidc
            .as_ref()
            .and_then(|o| o.client_secret_env.as_ref())
        {
            out.push(("[oidc]", name.as_str()));
        }
        if let Some(w) = &self.whatsapp {
            for name in [&w.access_token_env, &w.app_secret_env, &w.verify_token_env] {
                out.push(("[whatsapp]", name.as_str()));
            }
        }
        if let Some(name) = &self.triggers.meta_verify_env {
            out.push(("[triggers]", name.as_str()));
        }
        if let Some(t) = &self.telemetry {
            out.extend(t.headers_env.values().map(|v| ("[telemetry]", v.as_str())));
        }
        out
    }

    /// What would fail later.
    pub(super) fn service_problems(&self) -> Vec<String> {
        let mut out = Vec::new();
        let mut address = |what: &str, url: &str| match url::Url::parse(url) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => {}
            Ok(_) => out.push(format!("{what} `{url}` is neither http nor https")),
            Err(e) => out.push(format!("{what} `{url}` is no URL: {e}")),
        };
        if let Some(url) = &self.public_url {
            address("public_url", url);
        }
        if let Some(verification) = &self.verification {
            address("[verification] url", &verification.url);
        }
        if let Some(oidc) = &self.oidc {
            address("[oidc] issuer", &oidc.issuer);
        }
        if let Some(whatsapp) = &self.whatsapp {
            address("[whatsapp] api_url", &whatsapp.api_url);
        }
        if let Some(telemetry) = &self.telemetry {
            address("[telemetry] endpoint", &telemetry.endpoint);
            if !(0.0..=1.0).contains(&telemetry.sample_ratio) {
                out.push(format!(
                    "[telemetry] sample_ratio is {}; it lies between 0 and 1",
                    telemetry.sample_ratio
                ));
            }
        }
        if let Some(oidc) = &self.oidc {
            if self.public_url.is_none() {
                out.push(
                    "[oidc] needs public_url, to which the provider sends people back".to_owned(),
                );
            }
            if oidc.role_claim.is_some() == oidc.roles.is_empty() {
                out.push("[oidc] role_claim and [oidc.roles] go together".to_owned());
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn what_the_services_need_is_reported() {
        let text = r#"
            public_url = "chat.example"
            [oidc]
            issuer = "https://login.example"
            client_id = "flow"
            client_secret_env = "OIDC_SECRET"
            role_claim = "groups"
            [whatsapp]
            phone_number_id = "1"
            access_token_env = "A"
            app_secret_env = "B"
            verify_token_env = "C"
            [telemetry]
            endpoint = "ftp://collector.example"
            sample_ratio = 2.0
            headers_env = { authorization = "D" }
        "#;
        let problems = Config::parse(text).unwrap().problems(|_| false).join("\n");
        for expected in [
            "`OIDC_SECRET`",
            "`A`",
            "`B`",
            "`C`",
            "`D`",
            "public_url `chat.example`",
            "[oidc] role_claim and [oidc.roles] go together",
            "[telemetry] endpoint `ftp://collector.example` is neither http nor https",
            "sample_ratio is 2",
        ] {
            assert!(problems.contains(expected), "{expected} in {problems}");
        }
        for unknown in [
            "[oidc]\nissuer = \"a\"\nclient_id = \"b\"\nnonce = 1",
            "[whatsapp]\nphone = \"1\"",
            "[telemetry]\nendpoint = \"a\"\nbodies = true",
        ] {
            assert!(Config::parse(unknown).is_err(), "{unknown}");
        }
    }
}
