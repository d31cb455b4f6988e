//! Where requests may go: public addresses on usual ports, and what the operator allows. The address that was checked is the one that is
//! connected to, so a name that changes its mind in between gains nothing.

use crate::config;
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use url::{Host, Url};

/// The rules.
#[derive(Debug, Clone)]
pub struct Egress {
    allow: BTreeSet<(String, u16)>,
    networks: Vec<(IpNet, u16)>,
    ports: BTreeSet<u16>,
}

/// Whether a text is an entry for the allow list.
#[must_use]
pub fn is_place(entry: &str) -> bool {
    opened(entry).is_some()
}

/// What an entry of the allow list opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Opened {
    /// A host as addresses spell it.
    Host(String),
    /// A network, whatever its hosts are called.
    Network(IpNet),
}

/// Reads an entry of the allow list: `HOST:PORT` or `NETWORK:PORT` (`10.1.0.0/16:8080`, `[fd00::/8]:443`).
pub(crate) fn opened(entry: &str) -> Option<(Opened, u16)> {
    let (host, port) = entry.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port > 0)?;
    let host = host.trim_matches(['[', ']']).to_lowercase();
    if host.contains('/') {
        return Some((Opened::Network(host.parse().ok()?), port));
    }
    (!host.is_empty()).then_some((Opened::Host(host), port))
}

/// A request that may go out: the URL, and the addresses that it may connect to.
#[derive(Debug, Clone)]
pub struct Cleared {
    /// The URL.
    pub url: Url,
    /// The host, for the connection's resolver.
    pub host: String,
    /// The host with its port: one service, for the breaker.
    pub service: String,
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
    /// A name that is allowed leads to an address that no service of a network has.
    #[error("`{0}` leads to an address that is nobody's, or this machine's provider's")]
    Nobody(String),
}

impl Refused {
    /// Whether a rule refused it; a name that is not known may be known later.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        !matches!(self, Self::UnknownHost(_))
    }
}

impl Egress {
    /// From the configuration.
    #[must_use]
    pub fn new(config: &config::Egress) -> Self {
        let (mut allow, mut networks) = (BTreeSet::new(), Vec::new());
        for (place, port) in config.allow.iter().filter_map(|entry| opened(entry)) {
            match place {
                Opened::Host(host) => drop(allow.insert((host, port))),
                Opened::Network(network) => networks.push((network, port)),
            }
        }
        let ports = config.ports.iter().copied().chain([80, 443]);
        Self {
            allow,
            networks,
            ports: ports.collect(),
        }
    }

    /// Whether an address of a network that is allowed.
    fn is_opened(&self, ip: IpAddr, port: u16) -> bool {
        let ip = ip.to_canonical();
        let mut networks = self.networks.iter();
        networks.any(|(network, p)| *p == port && network.contains(&ip))
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
        let usual = self.ports.contains(&port);
        if !allowed && !usual && self.networks.iter().all(|(_, p)| *p != port) {
            return Err(Refused::Port(port));
        }
        let named = matches!(host, Host::Domain(_));
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
        for ip in addresses.iter().copied() {
            if allowed {
                // A name is allowed for the service that it is known for, not for wherever it may be led.
                if named && is_nobodys(ip) {
                    return Err(Refused::Nobody(name));
                }
            } else if !self.is_opened(ip, port) {
                return Err(match is_public(ip) {
                    true if usual => continue,
                    true => Refused::Port(port),
                    false => Refused::Private(name),
                });
            }
        }
        let addresses = addresses
            .into_iter()
            .map(|ip| SocketAddr::new(ip, port))
            .collect();
        Ok(Cleared {
            url,
            service: format!("{name}:{port}"),
            host: name,
            addresses,
        })
    }
}

/// Addresses at which no service of a network is: those that a machine gives itself (there its provider answers with the machine's keys),
/// those of groups, and none.
fn is_nobodys(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            ip.is_link_local() || ip.is_multicast() || ip.is_broadcast() || ip.is_unspecified()
        }
        IpAddr::V6(ip) => ip.is_unicast_link_local() || ip.is_multicast() || ip.is_unspecified(),
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
    use super::{Egress, Opened, Refused, is_nobodys, opened};
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
            "127.0.0.1.",
            "①②⑦.⓪.⓪.①",
            "１２７。０。０。１",
            "%31%32%37.0.0.1",
            "0x7f000001",
            "017700000001",
            "0x7f.0x0.0x0.0x1",
            "00000000177.0.0.1",
            "[0:0:0:0:0:ffff:a9fe:a9fe]",
            "[::ffff:0:127.0.0.1]",
            "[64:ff9b:1::1]",
            "[2001:0:7f00:1::]",
            "[ff02::1]",
            "[100::1]",
            "[5f00::1]",
            "239.255.255.250",
            "192.0.0.8",
            "0.1.2.3",
            "240.0.0.1",
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
    async fn a_network_is_open_to_its_addresses_on_its_port_alone() {
        let rules = rules(&["10.1.0.0/16:8080", "[fd00:1::/32]:443", "127.0.0.0/8:8091"]);
        for open in [
            "http://10.1.2.3:8080/",
            "http://[::ffff:10.1.2.3]:8080/",
            "https://[fd00:1::7]/",
            "http://localhost:8091/",
        ] {
            // This machine's name may be one of IPv6 too, which was not opened.
            let cleared = rules.clear(open).await;
            let other = open.contains("localhost") && matches!(&cleared, Err(Refused::Private(_)));
            assert!(cleared.is_ok() || other, "{open}: {cleared:?}");
        }
        for closed in [
            "http://10.2.0.1:8080/",
            "http://10.1.2.3/",
            "https://10.1.2.3/",
            "https://[fd00:2::7]/",
            "http://169.254.169.254:8080/",
        ] {
            let refused = rules.clear(closed).await.unwrap_err();
            assert!(
                matches!(refused, Refused::Private(_)),
                "{closed}: {refused}"
            );
        }
        // A port that is open inside is not open outside.
        assert_eq!(
            rules.clear("http://93.184.216.34:8080/").await.unwrap_err(),
            Refused::Port(8080)
        );
        assert_eq!(
            rules.clear("http://10.1.2.3:8081/").await.unwrap_err(),
            Refused::Port(8081)
        );
    }

    #[test]
    fn entries_are_read_whole() {
        let host = |text: &str, port| Some((Opened::Host(text.to_owned()), port));
        assert_eq!(opened("Shop.internal:80"), host("shop.internal", 80));
        assert_eq!(opened("[::1]:8091"), host("::1", 8091));
        assert!(matches!(
            opened("10.0.0.0/8:443"),
            Some((Opened::Network(_), 443))
        ));
        for bad in [
            "shop",
            ":80",
            "shop:0",
            "shop:99999",
            "10.0.0.0/33:80",
            "shop/x:80",
            "",
        ] {
            assert_eq!(opened(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_name_that_is_allowed_leads_to_no_keys_of_the_machine() {
        let ip = |text: &str| text.parse().unwrap();
        for address in [
            "169.254.169.254",
            "fe80::1",
            "0.0.0.0",
            "::",
            "ff02::1",
            "224.0.0.1",
        ] {
            assert!(is_nobodys(ip(address)), "{address}");
        }
        for address in ["127.0.0.1", "10.0.0.1", "fd00::1", "93.184.216.34"] {
            assert!(!is_nobodys(ip(address)), "{address}");
        }
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
