//! Where requests may go: public addresses on usual ports, and what the operator allows. The address that was checked is the one that is
//! connected to, so a name that changes its mind in between gains nothing.

use crate::config;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use url::{Host, Url};

/// The rules.
#[derive(Debug, Clone)]
pub struct Egress {
    allow: BTreeSet<(String, u16)>,
    ports: BTreeSet<u16>,
}

/// A request that may go out: the URL, and the addresses that it may connect to.
#[derive(Debug, Clone)]
pub struct Cleared {
    /// The URL.
    pub url: Url,
    /// The host, for the connection's resolver and the breaker.
    pub host: String,
    /// The addresses that were checked.
    pub addresses: Vec<SocketAddr>,
}

/// Why a request may not go out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is no URL.
    #[error("the address is no URL")]
    NoUrl,
    /// Not `http` or `https`.
    #[error("`{0}:` addresses are not allowed; use https")]
    Scheme(String),
    /// It carries a name and password.
    #[error("an address with a user name or password in it is not allowed; use a header")]
    Credentials,
    /// The port is unusual.
    #[error("port {0} is not allowed; add it to [egress] ports, or `HOST:PORT` to [egress] allow")]
    Port(u16),
    /// The name is not known.
    #[error("the host `{0}` is not known")]
    UnknownHost(String),
    /// The address is private.
    #[error(
        "`{0}` leads into a private network; if that is meant, add `{0}:PORT` to [egress] allow"
    )]
    Private(String),
}

impl Egress {
    /// From the configuration.
    #[must_use]
    pub fn new(config: &config::Egress) -> Self {
        let allow = config.allow.iter().filter_map(|entry| {
            let (host, port) = entry.rsplit_once(':')?;
            Some((
                host.trim_matches(['[', ']']).to_lowercase(),
                port.parse().ok()?,
            ))
        });
        let ports = config.ports.iter().copied().chain([80, 443]);
        Self {
            allow: allow.collect(),
            ports: ports.collect(),
        }
    }

    /// Checks a URL and resolves it.
    ///
    /// # Errors
    /// Why it may not be fetched.
    pub async fn clear(&self, url: &str) -> Result<Cleared, Refused> {
        let url = Url::parse(url).map_err(|_| Refused::NoUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refused::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::Credentials);
        }
        let port = url.port_or_known_default().ok_or(Refused::NoUrl)?;
        let host = url.host().ok_or(Refused::NoUrl)?.to_owned();
        let name = url
            .host_str()
            .unwrap_or_default()
            .trim_matches(['[', ']'])
            .to_lowercase();
        let allowed = self.allow.contains(&(name.clone(), port));
        if !allowed && !self.ports.contains(&port) {
            return Err(Refused::Port(port));
        }
        let addresses: Vec<IpAddr> = match host {
            Host::Ipv4(ip) => vec![ip.into()],
            Host::Ipv6(ip) => vec![ip.into()],
            Host::Domain(domain) => {
                let found = tokio::net::lookup_host((domain.as_str(), port)).await;
                found
                    .map_err(|_| Refused::UnknownHost(domain.clone()))?
                    .map(|a| a.ip())
                    .collect()
            }
        };
        if addresses.is_empty() {
            return Err(Refused::UnknownHost(name));
        }
        // One private answer spoils all: which one would be connected to is not ours to choose.
        if !allowed && addresses.iter().any(|ip| !is_public(*ip)) {
            return Err(Refused::Private(name));
        }
        let addresses = addresses
            .into_iter()
            .map(|ip| SocketAddr::new(ip, port))
            .collect();
        Ok(Cleared {
            url,
            host: name,
            addresses,
        })
    }
}

/// Whether an address belongs to the public internet.
#[must_use]
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_broadcast()
        || ip.is_documentation()
        || ip.is_multicast()
        || a == 0
        || a >= 240
        // Carrier-grade NAT.
        || (a == 100 && (64..128).contains(&b))
        // Protocol assignments, 6to4 relays, benchmarks.
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19)))
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [s0, s1, ..] = ip.segments();
    // Global unicast only: that leaves out loopback, mapped, NAT64, unique local, link-local and multicast addresses.
    s0 & 0xe000 == 0x2000
        // 6to4, Teredo and other tunnels carry addresses of their own.
        && s0 != 0x2002
        && !(s0 == 0x2001 && s1 < 0x0200)
        && !(s0 == 0x2001 && s1 == 0x0db8)
        && !(s0 == 0x3fff && s1 < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::{Egress, Refused};
    use crate::config;

    fn rules(allow: &[&str]) -> Egress {
        Egress::new(&config::Egress {
            allow: allow.iter().map(ToString::to_string).collect(),
            ports: vec![],
        })
    }

    #[tokio::test]
    async fn every_spelling_of_a_private_address_is_refused() {
        for host in [
            "127.0.0.1",
            "2130706433",
            "0x7f.1",
            "0177.0.0.1",
            "127.1",
            "[::ffff:127.0.0.1]",
            "0",
            "[::1]",
            "[::]",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "[fd00::1]",
            "[fe80::1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "localhost",
            "[::127.0.0.1]",
            "[::ffff:7f00:1]",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
        ] {
            let refused = rules(&[])
                .clear(&format!("http://{host}/"))
                .await
                .unwrap_err();
            assert!(matches!(refused, Refused::Private(_)), "{host}: {refused}");
        }
    }

    #[tokio::test]
    async fn what_is_allowed_is_allowed_on_its_port_alone() {
        let rules = rules(&["127.0.0.1:8091"]);
        assert!(rules.clear("http://127.0.0.1:8091/orders").await.is_ok());
        assert_eq!(
            rules.clear("http://127.0.0.1:8092/").await.unwrap_err(),
            Refused::Port(8092)
        );
        assert!(matches!(
            rules.clear("http://127.0.0.1/").await.unwrap_err(),
            Refused::Private(_)
        ));
    }

    #[tokio::test]
    async fn other_schemes_and_credentials_are_refused() {
        assert!(matches!(
            rules(&[]).clear("file:///etc/passwd").await.unwrap_err(),
            Refused::Scheme(_)
        ));
        assert_eq!(
            rules(&[])
                .clear("https://a:b@93.184.216.34/")
                .await
                .unwrap_err(),
            Refused::Credentials
        );
        assert!(rules(&[]).clear("https://93.184.216.34/").await.is_ok());
    }
}
