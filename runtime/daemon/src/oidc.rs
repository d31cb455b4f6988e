//! Signing agents in through OpenID Connect: discovery, authorization code with PKCE, state and nonce, signed ID tokens.
//! <https://openid.net/specs/openid-connect-core-1_0.html>

use crate::app::App;
use crate::auth::SignedIn;
use crate::config::Oidc;
use crate::delivery::{LARGEST, Outgoing, SendError};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flow_store::{Agent, Role, StoreError};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreIdToken, CoreJwsSigningAlgorithm,
    CoreProviderMetadata,
};
use openidconnect::{
    AsyncHttpClient, AuthType, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IssuerUrl, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, TokenResponse,
};
use serde_json::Value;
use smol_str::SmolStr;
use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Where the provider sends people back to.
pub(crate) const CALLBACK: &str = "/v1/agent/sso/callback";
/// How long somebody may take at the provider.
pub(crate) const LIFETIME: Duration = Duration::from_secs(600);
/// How long the provider may take for an answer of its own.
const PATIENCE: Duration = Duration::from_secs(10);
/// Sign-ins under way at most.
const KEPT: usize = 10_000;
/// Signatures that only the provider can make: neither `none` nor those with a shared secret.
const SIGNATURES: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// A client that knows where the provider's doors are.
type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What must fit when somebody comes back.
#[derive(Debug)]
struct Waiting {
    nonce: Nonce,
    verifier: PkceCodeVerifier,
    since: Instant,
}

/// Sign-ins under way, by state; each is good once.
#[derive(Debug, Default)]
pub struct Pending(Mutex<HashMap<String, Waiting>>);

impl Pending {
    fn put(&self, state: &str, waiting: Waiting) {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if map.len() >= KEPT {
            map.retain(|_, w| w.since.elapsed() < LIFETIME);
        }
        if map.len() < KEPT {
            map.insert(state.to_owned(), waiting);
        }
    }

    fn take(&self, state: &str) -> Option<Waiting> {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.remove(state).filter(|w| w.since.elapsed() < LIFETIME)
    }
}

/// Why signing in through the provider failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OidcError {
    /// It is not set up.
    #[error("flow.toml has no [oidc]")]
    Off,
    /// The sign-in was not begun here, was ended before, or took too long.
    #[error("the sign-in was not begun here, or took too long")]
    Expired,
    /// The provider does not answer, or not as a provider.
    #[error("the identity provider: {0}")]
    Unavailable(String),
    /// What the provider said is not accepted.
    #[error("{0}")]
    Refused(String),
    /// They are who they are, but none of our agents.
    #[error("`{0}` is no agent here")]
    Unknown(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An error of a request to the provider.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct FetchError(#[from] SendError);

/// Requests to the provider, under the rules for everything that goes out.
struct Http(Arc<App>);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = FetchError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, FetchError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(fetch(&self.0, request))
    }
}

async fn fetch(app: &App, request: HttpRequest) -> Result<HttpResponse, FetchError> {
    let (parts, body) = request.into_parts();
    let answer = app
        .send(Outgoing {
            method: parts.method,
            url: parts.uri.to_string(),
            headers: parts.headers,
            body: Some(body).filter(|b| !b.is_empty()),
            timeout: PATIENCE,
            largest: LARGEST,
        })
        .await?;
    let mut response = HttpResponse::new(answer.body);
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    Ok(response)
}

impl App {
    /// Begins a sign-in: where to send the browser, and the state that must come back from it.
    pub(crate) async fn begin_oidc(self: &Arc<Self>) -> Result<(String, String), OidcError> {
        let config = self.config.oidc.as_ref().ok_or(OidcError::Off)?;
        let client = self.oidc_client(config).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let scopes = config.scopes.iter().cloned().map(Scope::new);
        let (url, state, nonce) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scopes(scopes)
            .set_pkce_challenge(challenge)
            .url();
        let waiting = Waiting {
            nonce,
            verifier,
            since: Instant::now(),
        };
        self.pending_sign_ins.put(state.secret(), waiting);
        Ok((url.into(), state.into_secret()))
    }

    /// Ends a sign-in with the code that the browser brought back.
    pub(crate) async fn end_oidc(
        self: &Arc<Self>,
        peer: IpAddr,
        state: &str,
        code: String,
    ) -> Result<SignedIn, OidcError> {
        let config = self.config.oidc.as_ref().ok_or(OidcError::Off)?;
        let waiting = self
            .pending_sign_ins
            .take(state)
            .ok_or(OidcError::Expired)?;
        // Discovered anew: the provider may have changed its keys.
        let client = self.oidc_client(config).await?;
        let http = Http(Arc::clone(self));
        let answer = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|e| OidcError::Unavailable(e.to_string()))?
            .set_pkce_verifier(waiting.verifier)
            .request_async(&http)
            .await
            .map_err(|e| match e {
                RequestTokenError::Request(e) => OidcError::Unavailable(e.to_string()),
                RequestTokenError::ServerResponse(e) => {
                    OidcError::Refused(format!("the provider refused the code: {}", e.error()))
                }
                RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                    OidcError::Refused("the provider's answer has not the agreed form".to_owned())
                }
            })?;
        let token = answer
            .id_token()
            .ok_or_else(|| OidcError::Refused("the provider sent no ID token".to_owned()))?;
        let verifier = client.id_token_verifier().set_allowed_algs(SIGNATURES);
        token
            .claims(&verifier, &waiting.nonce)
            .map_err(|e| OidcError::Refused(format!("the ID token is not accepted: {e}")))?;
        let claims = payload(token)
            .ok_or_else(|| OidcError::Refused("the ID token cannot be read".to_owned()))?;
        let agent = self.agent_of(config, &claims).await?;
        Ok(self.begin_session(agent, format!("{peer} oidc")).await?)
    }

    /// Asks the provider for its doors and keys.
    async fn oidc_client(self: &Arc<Self>, config: &Oidc) -> Result<Client, OidcError> {
        let unavailable = |e: String| OidcError::Unavailable(e);
        let issuer =
            IssuerUrl::new(config.issuer.clone()).map_err(|e| unavailable(e.to_string()))?;
        let http = Http(Arc::clone(self));
        let metadata = CoreProviderMetadata::discover_async(issuer, &http)
            .await
            .map_err(|e| unavailable(e.to_string()))?;
        let secret = config
            .client_secret_env
            .as_ref()
            .map(|name| self.config.environment.secret(name))
            .transpose()
            .map_err(unavailable)?
            .map(ClientSecret::new);
        // A secret goes into the header unless the provider wants it in the body.
        let methods = metadata.token_endpoint_auth_methods_supported();
        let in_body = methods.is_some_and(|methods| {
            !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
                && methods.contains(&CoreClientAuthMethod::ClientSecretPost)
        });
        let base = self.config.public_url.as_deref().unwrap_or_default();
        let back = format!("{}{CALLBACK}", base.trim_end_matches('/'));
        let back = RedirectUrl::new(back)
            .map_err(|_| unavailable("public_url is missing or no URL".to_owned()))?;
        let client = CoreClient::from_provider_metadata(
            metadata,
            ClientId::new(config.client_id.clone()),
            secret,
        )
        .set_redirect_uri(back);
        Ok(if in_body {
            client.set_auth_type(AuthType::RequestBody)
        } else {
            client
        })
    }

    /// The agent whom the claims name, with the role that they give; added if that is wished.
    async fn agent_of(&self, config: &Oidc, claims: &Value) -> Result<Agent, OidcError> {
        let id = name(config, claims).map_err(OidcError::Refused)?;
        let role = role(config, claims).map_err(OidcError::Refused)?;
        let found = self.store.agent(&id).await?;
        let known = found.is_some();
        let mut agent = match found {
            Some(agent) => agent,
            None if config.create => Agent {
                name: shown_name(claims).unwrap_or_else(|| id.clone()),
                id: id.clone(),
                role: Role::Agent,
                teams: config.teams.clone(),
                skills: Vec::new(),
                languages: Vec::new(),
                capacity: None,
                available: false,
                // None fits: they sign in through the provider alone.
                password: String::new(),
            },
            None => return Err(OidcError::Unknown(id.to_string())),
        };
        let role = role.unwrap_or(agent.role);
        if !known || role != agent.role {
            agent.role = role;
            self.store.put_agent(agent.clone()).await?;
            let action = if known { "agent_role" } else { "agent_add" };
            let target = Some(format!("agent:{id}"));
            let detail = Some(role.as_str().to_owned());
            self.audit("oidc", action, target, detail).await;
        }
        Ok(agent)
    }
}

/// The claims of a token whose signature was checked.
fn payload(token: &CoreIdToken) -> Option<Value> {
    let text = token.to_string();
    let bytes = URL_SAFE_NO_PAD.decode(text.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// The sign-in name that the claims give.
fn name(config: &Oidc, claims: &Value) -> Result<SmolStr, String> {
    let claim = &config.agent_claim;
    let text = claims
        .get(claim)
        .and_then(Value::as_str)
        .ok_or_else(|| format!("the ID token has no `{claim}`"))?;
    let name = match text.rsplit_once('@') {
        None => text.to_owned(),
        Some((name, domain)) => {
            // Whoever may choose an address at will could choose somebody else's.
            if claim == "email" && claims.get("email_verified") != Some(&Value::Bool(true)) {
                return Err("the provider has not verified the address".to_owned());
            }
            if !config
                .domains
                .iter()
                .any(|d| d.eq_ignore_ascii_case(domain))
            {
                return Err(format!("addresses of `{domain}` are not in [oidc] domains"));
            }
            name.to_lowercase()
        }
    };
    let plain = !name.is_empty()
        && name.len() <= 64
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if plain {
        Ok(name.into())
    } else {
        Err(format!("the `{claim}` is no sign-in name"))
    }
}

/// The highest role that the claims give; `None`: they do not decide.
fn role(config: &Oidc, claims: &Value) -> Result<Option<Role>, String> {
    let Some(claim) = &config.role_claim else {
        return Ok(None);
    };
    let found = claims.get(claim);
    let words = match found {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(word)) => vec![word.as_str()],
        _ => Vec::new(),
    };
    let roles = words.iter().filter_map(|word| config.roles.get(*word));
    match roles.max() {
        Some(role) => Ok(Some(*role)),
        None => Err(format!("the `{claim}` gives no role here")),
    }
}

/// What customers read.
fn shown_name(claims: &Value) -> Option<SmolStr> {
    let name = claims.get("name")?.as_str()?.trim();
    let fits = !name.is_empty() && name.chars().count() <= 100;
    fits.then(|| name.into())
}

#[cfg(test)]
mod tests {
    use super::{name, role};
    use crate::config::{Config, Oidc};
    use flow_store::Role;
    use serde_json::json;

    fn config(more: &str) -> Oidc {
        let text = format!("[oidc]\nissuer = \"https://a.example\"\nclient_id = \"flow\"\n{more}");
        Config::parse(&text).unwrap().oidc.unwrap()
    }

    #[test]
    fn an_address_counts_only_if_verified_and_of_a_named_domain() {
        let config = config("agent_claim = \"email\"\ndomains = [\"corp.example\"]");
        let of = |email: &str, verified: bool| {
            name(
                &config,
                &json!({"email": email, "email_verified": verified}),
            )
        };
        assert_eq!(of("Leo@Corp.example", true).unwrap(), "leo");
        assert!(of("leo@corp.example", false).is_err());
        assert!(of("leo@other.example", true).is_err());
        assert!(of("leo@corp.example@other.example", true).is_err());
        assert!(of("le o@corp.example", true).is_err());
        assert!(name(&config, &json!({})).is_err());
    }

    #[test]
    fn the_highest_role_counts_and_none_is_no_entry() {
        let config =
            config("role_claim = \"groups\"\n[oidc.roles]\nhelp = \"agent\"\nheads = \"lead\"");
        let of = |groups| role(&config, &json!({"groups": groups}));
        assert_eq!(of(json!(["heads", "help", "x"])), Ok(Some(Role::Lead)));
        assert_eq!(of(json!("help")), Ok(Some(Role::Agent)));
        assert!(of(json!(["x"])).is_err() && of(json!(null)).is_err());
    }
}
