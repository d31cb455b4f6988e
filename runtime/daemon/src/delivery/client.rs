//! One outgoing request: to the addresses that were checked, without redirects or proxies, with caps on time and size.

use super::egress::{Cleared, Refused};
use crate::app::App;
use crate::metrics::count;
use futures::StreamExt;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Client, Method, StatusCode};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes of an answer at most, after decompression.
pub(crate) const LARGEST: usize = 1 << 20;

/// A request.
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) timeout: Duration,
    /// Bytes of the answer at most, after decompression.
    pub(crate) largest: usize,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SendError {
    #[error("{0}")]
    Refused(#[from] Refused),
    #[error("`{host}` failed several times in a row and is given {seconds} s of rest", seconds = wait.as_secs().max(1))]
    Open { host: String, wait: Duration },
    #[error("no answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    #[error("could not connect")]
    Connect,
    #[error("the answer is larger than {}", shown(*.0))]
    TooLarge(usize),
    #[error("the connection broke off")]
    Broken,
}

/// A number of bytes for people.
fn shown(bytes: usize) -> String {
    match bytes >> 20 {
        0 => format!("{} KiB", bytes >> 10),
        mib => format!("{mib} MiB"),
    }
}

impl SendError {
    /// Whether another attempt may go better.
    pub(crate) const fn is_transient(&self) -> bool {
        match self {
            Self::Timeout(_) | Self::Connect | Self::Broken | Self::Open { .. } => true,
            Self::Refused(refused) => !refused.is_final(),
            Self::TooLarge(_) => false,
        }
    }
}

impl App {
    /// Sends a request and reads the answer.
    pub(crate) async fn send(&self, request: Outgoing) -> Result<Incoming, SendError> {
        let started = Instant::now();
        let deadline = request.timeout;
        let cleared =
            match tokio::time::timeout(deadline, self.delivery.egress.clear(&request.url)).await {
                Ok(Ok(cleared)) => cleared,
                Ok(Err(refused)) => {
                    if refused.is_final() {
                        let host = host_of(&request.url);
                        self.refused_to_send(&host, &refused.to_string()).await;
                    }
                    return Err(refused.into());
                }
                Err(_) => return Err(SendError::Timeout(deadline)),
            };
        let (host, service) = (cleared.host.clone(), cleared.service.clone());
        self.delivery
            .breakers
            .ask(&service, started)
            .map_err(|wait| SendError::Open {
                host: host.clone(),
                wait,
            })?;
        let left = deadline.saturating_sub(started.elapsed());
        let answer = tokio::time::timeout(left, fetch(cleared, request)).await;
        let answer = answer.unwrap_or(Err(SendError::Timeout(deadline)));
        let good = match &answer {
            Ok(incoming) => !incoming.status.is_server_error(),
            Err(error) => !error.is_transient(),
        };
        self.delivery.breakers.tell(&service, good, Instant::now());
        if let Ok(incoming) = &answer
            && incoming.status.is_redirection()
            && let Some(place) = incoming.headers.get(LOCATION)
        {
            let place = host_of(place.to_str().unwrap_or_default());
            let why = format!("it answered with a redirect to `{place}`, which is not followed");
            self.refused_to_send(&host, &why).await;
        }
        answer
    }

    /// Counts and logs a request that the rules refused, and notes it in the audit log, once in ten minutes for each host and reason.
    async fn refused_to_send(&self, host: &str, why: &str) {
        count(&self.metrics.egress_refused);
        tracing::warn!(host, why, "an outgoing request was refused");
        let once = Duration::from_secs(600);
        if self
            .limits
            .refused
            .take(format!("{host} {why}"), 1, once)
            .is_ok()
        {
            let (target, detail) = (Some(format!("host:{host}")), Some(why.to_owned()));
            self.audit("system", "egress_refused", target, detail).await;
        }
    }
}

/// The host of an address, for people: never the rest, which may hold what is private.
fn host_of(url: &str) -> String {
    let parsed = url::Url::parse(url).ok();
    let host = parsed.as_ref().and_then(url::Url::host_str);
    host.unwrap_or("no host").chars().take(255).collect()
}

/// A resolver that knows the addresses that were checked and nothing else, whatever it is asked for: no name is looked up a second time.
struct Checked(Vec<SocketAddr>);

impl Resolve for Checked {
    fn resolve(&self, _name: Name) -> Resolving {
        let addresses: Addrs = Box::new(self.0.clone().into_iter());
        Box::pin(std::future::ready(Ok(addresses)))
    }
}

async fn fetch(cleared: Cleared, request: Outgoing) -> Result<Incoming, SendError> {
    // A client per request: its resolver knows the checked addresses and nothing else.
    let client = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .dns_resolver(Arc::new(Checked(cleared.addresses)))
        .user_agent(concat!("flowd/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|_| SendError::Connect)?;
    let mut builder = client
        .request(request.method, cleared.url)
        .headers(request.headers);
    if let Some(body) = request.body {
        builder = builder.body(body);
    }
    let response = builder.send().await.map_err(|e| {
        if e.is_connect() {
            SendError::Connect
        } else {
            SendError::Broken
        }
    })?;
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| SendError::Broken)?;
        if body.len() + chunk.len() > request.largest {
            return Err(SendError::TooLarge(request.largest));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Incoming {
        status,
        headers,
        body,
    })
}

/// What `Retry-After` asks for, in seconds; at most what the caller can bear.
pub(crate) fn retry_after(headers: &HeaderMap, most: Duration) -> Option<Duration> {
    let seconds: u64 = headers
        .get(reqwest::header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds).min(most))
}

#[cfg(test)]
mod tests {
    use super::{Cleared, LARGEST, Outgoing, fetch};
    use reqwest::Method;
    use reqwest::header::HeaderMap;
    use std::time::Duration;

    #[tokio::test]
    async fn the_address_that_was_checked_is_the_one_that_is_connected_to() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = axum::Router::new().fallback(async || "here");
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        // A name that leads elsewhere by now, or nowhere: nobody asks again. With and without the dot at its end.
        for host in ["rebound.invalid", "rebound.invalid.", "localhost"] {
            let url = format!("http://{host}:{}/", address.port());
            let cleared = Cleared {
                url: url.parse().unwrap(),
                host: "as it was called before".to_owned(),
                service: String::new(),
                addresses: vec![address],
            };
            let request = Outgoing {
                method: Method::GET,
                url,
                headers: HeaderMap::new(),
                body: None,
                timeout: Duration::from_secs(5),
                largest: LARGEST,
            };
            let answer = fetch(cleared, request).await.unwrap();
            assert_eq!(answer.body, b"here", "{host}");
        }
    }
}
