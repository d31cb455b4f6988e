//! What handlers are given: strict bodies, ids, the caller.

use super::error::ApiError;
use crate::app::App;
use crate::auth::COOKIE;
use crate::limits::real_peer;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, OriginalUri, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use flow_store::{Agent, ApiKey, Role};
use serde::de::DeserializeOwned;
use smol_str::SmolStr;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// A JSON body: UTF-8, of a known form, with a JSON media type.
#[derive(Debug)]
pub(crate) struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ApiError> {
        let json = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|v| v.to_str().ok())
            .is_some_and(|v| {
                let essence = v.split(';').next().unwrap_or_default().trim();
                essence.eq_ignore_ascii_case("application/json")
            });
        if !json {
            return Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "the body must be JSON",
            )
            .help("send the header `Content-Type: application/json`"));
        }
        let bytes = raw(request, app).await?;
        let text = std::str::from_utf8(&bytes).map_err(|e| {
            let message = format!("the body is not UTF-8 (byte {})", e.valid_up_to());
            ApiError::new(StatusCode::BAD_REQUEST, "invalid_utf8", message)
        })?;
        // A list would be taken as the fields in their order, which nobody means.
        if !text.trim_start().starts_with('{') {
            let any = serde_json::from_str::<serde::de::IgnoredAny>(text);
            return Err(any.map_or_else(
                |e| no_json(&e),
                |_| ApiError::request("the body is no JSON object"),
            ));
        }
        match serde_json::from_str(text) {
            Ok(value) => Ok(Self(value)),
            Err(e) if e.is_data() => Err(ApiError::request(unfit(&e.to_string()))),
            Err(e) => Err(no_json(&e)),
        }
    }
}

fn no_json(error: &serde_json::Error) -> ApiError {
    let message = format!("the body is no JSON: {error}");
    ApiError::new(StatusCode::BAD_REQUEST, "invalid_json", message)
}

/// What the parser says of a value of another kind, without the names that kinds have in this program.
fn unfit(message: &str) -> String {
    let Some((before, after)) = message.split_once("expected struct ") else {
        return message.to_owned();
    };
    let rest = after.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
    format!("{before}expected an object{rest}")
}

/// Whether the bytes that an address stands for are UTF-8.
#[must_use]
pub(crate) fn is_utf8(path: &str) -> bool {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        rest = more;
        let code = more
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match code {
            Some(byte) => {
                bytes.push(byte);
                rest = more.get(2..).unwrap_or_default();
            }
            None => bytes.push(*first),
        }
    }
    std::str::from_utf8(&bytes).is_ok()
}

/// The parameters after `?`.
#[derive(Debug)]
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, ApiError> {
        let parsed = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        parsed.map(|query| Self(query.0)).map_err(|e| {
            let text = e.body_text();
            let why = text.trim_start_matches("Failed to deserialize query string: ");
            ApiError::request(format!("the parameters after `?` are not valid: {why}"))
        })
    }
}

/// The bytes of a body as they came, of whatever kind.
#[derive(Debug)]
pub(crate) struct Raw(pub(crate) Bytes);

impl FromRequest<Arc<App>> for Raw {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ApiError> {
        raw(request, app).await.map(Self)
    }
}

/// The bytes of a body, within the route's limit.
///
/// # Errors
/// 413 if it is too large, 400 if it broke off.
pub(crate) async fn raw(request: Request, app: &Arc<App>) -> Result<Bytes, ApiError> {
    Bytes::from_request(request, app)
        .await
        .map_err(|e| match e.status() {
            StatusCode::PAYLOAD_TOO_LARGE => ApiError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                "the body is too large",
            )
            .help(
                "messages have 8,000 characters at most, files 10 MB, events of other systems 1 MB",
            ),
            _ => ApiError::request("the body could not be read"),
        })
}

/// A sender's id of a command.
///
/// # Errors
/// If it is empty, too long or has other characters.
pub(crate) fn command_id(id: &str) -> Result<(), ApiError> {
    let good = (1..=64).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_-.:".contains(&b));
    if good {
        return Ok(());
    }
    Err(ApiError::request("the `id` is not valid")
        .help("1 to 64 characters of A-Z a-z 0-9 _ - . : (a UUID is best)"))
}

/// The real address of the caller.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub IpAddr);

/// Who asks, behind named proxies.
#[must_use]
pub(crate) fn peer(parts: &Parts, app: &App) -> IpAddr {
    let socket = parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::from([0, 0, 0, 0]), |c| c.0.ip());
    let forwarded: Vec<&str> = parts
        .headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|v| v.to_str().ok())
        .collect();
    real_peer(socket, &forwarded, &app.config.proxies)
}

impl FromRequestParts<Arc<App>> for Peer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        Ok(Self(peer(parts, app)))
    }
}

/// The whole address of a request as its sender wrote it: from `public_url`, else from what the request says of itself.
#[derive(Debug, Clone)]
pub(crate) struct Address(pub String);

impl FromRequestParts<Arc<App>> for Address {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        // Nested routers shorten the path; what was called is kept beside it.
        let uri = parts
            .extensions
            .get::<OriginalUri>()
            .map_or(&parts.uri, |original| &original.0);
        let path = uri.path_and_query().map_or("/", |p| p.as_str());
        if let Some(base) = &app.config.public_url {
            return Ok(Self(format!("{}{path}", base.trim_end_matches('/'))));
        }
        let header = |name: &str| parts.headers.get(name).and_then(|v| v.to_str().ok());
        // Only a named proxy is believed to know better.
        let proxied = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .is_some_and(|c| app.config.proxies.iter().any(|p| p.is(c.0.ip())));
        let told = |name: &str| header(name).filter(|_| proxied);
        let scheme = told("x-forwarded-proto").unwrap_or("http");
        let host = told("x-forwarded-host").or_else(|| header("host"));
        let host = host.or_else(|| uri.authority().map(|a| a.as_str()));
        Ok(Self(format!(
            "{scheme}://{}{path}",
            host.unwrap_or("localhost")
        )))
    }
}

/// A visitor's token: from the header, or for GET from the query.
#[derive(Debug)]
pub(crate) struct VisitorToken(pub Option<String>);

impl FromRequestParts<Arc<App>> for VisitorToken {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, ApiError> {
        let from_query = || {
            let query = parts.uri.query().filter(|_| parts.method == Method::GET)?;
            url::form_urlencoded::parse(query.as_bytes())
                .find(|(k, _)| k == "token")
                .map(|(_, v)| v.into_owned())
        };
        Ok(Self(bearer(&parts.headers).or_else(from_query)))
    }
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim().to_owned())
}

/// The value of a cookie.
#[must_use]
pub(crate) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|line| line.split(';'))
        .find_map(|pair| {
            pair.trim()
                .split_once('=')
                .filter(|(k, _)| *k == name)
                .map(|(_, v)| v.to_owned())
        })
}

/// Whether a browser says that the request comes from a page of another site than ours: than the host that was asked, and than
/// `public_url`, since a proxy may ask under another name.
#[must_use]
pub(crate) fn is_foreign(headers: &HeaderMap, public_url: Option<&str>) -> bool {
    let text = |name: header::HeaderName| headers.get(name).map(|v| v.to_str().unwrap_or_default());
    // Pages cannot set this one: it is the browser's own word.
    match text(header::HeaderName::from_static("sec-fetch-site")) {
        Some("same-origin" | "none") => return false,
        Some("cross-site" | "same-site") => return true,
        _ => {}
    }
    let Some(origin) = text(header::ORIGIN) else {
        return false;
    };
    let host = text(header::HOST).unwrap_or_default();
    let asked = origin
        .split_once("://")
        .is_some_and(|(_, from)| from.eq_ignore_ascii_case(host));
    let ours = || {
        let url = public_url.and_then(|url| url::Url::parse(url).ok());
        url.is_some_and(|url| {
            url.origin()
                .ascii_serialization()
                .eq_ignore_ascii_case(origin)
        })
    };
    !asked && !ours()
}

/// A signed-in agent. Anything but GET also needs the header against forged requests; foreign origins were refused before.
#[derive(Debug)]
pub(crate) struct SignedIn {
    /// Who.
    pub agent: Agent,
    /// The session's secret against forged requests.
    pub csrf: String,
    /// The cookie's value.
    pub cookie: String,
}

impl SignedIn {
    /// Whether they see all teams.
    #[must_use]
    pub(crate) fn sees_all(&self) -> bool {
        self.agent.role >= Role::Lead
    }

    /// The name in the audit log.
    #[must_use]
    pub(crate) fn actor(&self) -> String {
        format!("agent:{}", self.agent.id)
    }

    /// # Errors
    /// 403 unless the role is at least this.
    pub(crate) fn require(&self, role: Role) -> Result<(), ApiError> {
        if self.agent.role >= role {
            return Ok(());
        }
        let message = format!("this needs the role `{}`", role.as_str());
        Err(ApiError::new(StatusCode::FORBIDDEN, "not_allowed", message))
    }
}

impl FromRequestParts<Arc<App>> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let required = || {
            ApiError::new(
                StatusCode::UNAUTHORIZED,
                "sign_in_required",
                "nobody is signed in",
            )
            .help("sign in with POST /v1/agent/sign-in")
        };
        let cookie = cookie(&parts.headers, COOKIE).ok_or_else(required)?;
        let (agent, session) = app.session(&cookie).await?.ok_or_else(required)?;
        if parts.method != Method::GET && parts.method != Method::HEAD {
            let given = parts
                .headers
                .get("x-flow-csrf")
                .and_then(|v| v.to_str().ok())
                .unwrap_or_default();
            if !crate::app::same(given.as_bytes(), session.csrf.as_bytes()) {
                return Err(ApiError::new(
                    StatusCode::FORBIDDEN,
                    "csrf",
                    "the header X-Flow-CSRF is missing or wrong",
                )
                .help("send the `csrf` value that signing in answered"));
            }
        }
        Ok(Self {
            agent,
            csrf: session.csrf,
            cookie,
        })
    }
}

/// Whether a request was made for this machine by name: a page whose own name was led to this machine (DNS rebinding), or a proxy that adds
/// no header, asks for another.
fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST) else {
        return true;
    };
    let url = host
        .to_str()
        .ok()
        .and_then(|h| url::Url::parse(&format!("http://{h}")).ok());
    url.is_some_and(|url| match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback() || ip.is_unspecified(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback() || ip.is_unspecified(),
        None => false,
    })
}

/// Someone who runs the daemon: on the machine itself and not through a proxy, or with an API key of the scope `ops`.
#[derive(Debug)]
pub(crate) struct Operator(pub String);

/// The API key of a request.
///
/// # Errors
/// If the store fails.
pub(crate) async fn api_key(headers: &HeaderMap, app: &App) -> Result<Option<ApiKey>, ApiError> {
    match bearer(headers).filter(|t| t.starts_with("fk_")) {
        Some(token) => {
            let hash = crate::app::secret_hash(&token);
            Ok(app.store.key(&hash, app.clock.now()).await?)
        }
        None => Ok(None),
    }
}

impl FromRequestParts<Arc<App>> for Operator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        if let Some(key) = api_key(&parts.headers, app).await?
            && key.scopes.iter().any(|s: &SmolStr| s == "ops")
        {
            return Ok(Self(format!("key:{}", key.id)));
        }
        let socket = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|c| c.0.ip());
        let local =
            socket.is_some_and(|ip| ip.to_canonical().is_loopback()) && is_local(&parts.headers);
        let forwarded = ["x-forwarded-for", "forwarded", "x-real-ip", "via"]
            .iter()
            .any(|h| parts.headers.contains_key(*h));
        // A page in a browser on this machine is not its operator.
        if local
            && !forwarded
            && !parts.headers.contains_key(header::ORIGIN)
            && !parts.headers.contains_key("sec-fetch-site")
        {
            return Ok(Self("local".to_owned()));
        }
        Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            "sign_in_required",
            "this is for operators",
        )
        .help("ask from the machine itself, or send an API key of the scope `ops`"))
    }
}

#[cfg(test)]
mod tests {
    use super::{command_id, cookie, is_foreign, is_local};
    use axum::http::{HeaderMap, HeaderValue, header};

    #[test]
    fn ids_are_plain() {
        assert!(command_id("m-1.a:B_2").is_ok());
        for bad in ["", "a b", "ä", &"x".repeat(65), "a/b", "a\u{202e}"] {
            assert!(command_id(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn origins_are_compared_whole() {
        let headers = |origin: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("flow.example:8080"));
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            headers
        };
        let foreign = |headers: &HeaderMap| is_foreign(headers, None);
        assert!(!foreign(&headers("http://flow.example:8080")));
        for from in [
            "http://flow.example",
            "http://evil.example",
            "null",
            "",
            "http://flow.example:8080.evil.example",
        ] {
            assert!(foreign(&headers(from)), "{from}");
        }
        assert!(!foreign(&HeaderMap::new()));
        // Behind a proxy that asks under another name.
        let public = Some("https://chat.example/support");
        assert!(!is_foreign(&headers("https://chat.example"), public));
        assert!(is_foreign(&headers("http://chat.example"), public));
        assert!(is_foreign(&headers("https://chat.example:444"), public));
        // The browser knows best.
        let mut told = headers("https://chat.example");
        told.insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
        assert!(!foreign(&told));
        let mut told = headers("http://flow.example:8080");
        told.insert("sec-fetch-site", HeaderValue::from_static("same-site"));
        assert!(foreign(&told));
        // What cannot be read is nobody we know.
        let mut odd = headers("http://flow.example:8080");
        odd.insert(header::ORIGIN, HeaderValue::from_bytes(b"\xff").unwrap());
        assert!(foreign(&odd));
    }

    #[test]
    fn only_names_of_this_machine_are_local() {
        let local = |host: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static(host));
            is_local(&headers)
        };
        for host in ["localhost", "127.0.0.1:8080", "[::1]:8080", "LOCALHOST:1"] {
            assert!(local(host), "{host}");
        }
        for host in ["evil.example", "chat.example:8080", "10.0.0.1", "", "a b"] {
            assert!(!local(host), "{host}");
        }
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::COOKIE,
            HeaderValue::from_static("a=1; flow_session=s_2; b=3"),
        );
        assert_eq!(cookie(&headers, "flow_session").as_deref(), Some("s_2"));
        assert_eq!(cookie(&headers, "session"), None);
    }
}
