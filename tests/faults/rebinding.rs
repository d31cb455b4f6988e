//! Fault 12, its other half: names that lead outside when they are checked and inside when they are used. A name server that lies, in a network
//! that has nothing but this test.

use crate::apart::inside;
use crate::flowd::Place;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex};

/// An address of the public internet, which is here one of this network's own.
const PUBLIC: Ipv4Addr = Ipv4Addr::new(93, 184, 216, 34);
const PREPARE: &str = "ip addr add 93.184.216.34/32 dev lo
echo 'nameserver 127.0.0.1' > \"$1/resolv.conf\"
echo 'hosts: files dns' > \"$1/nsswitch.conf\"
mount --bind \"$1/resolv.conf\" /etc/resolv.conf
mount --bind \"$1/nsswitch.conf\" /etc/nsswitch.conf";

type Asked = Arc<Mutex<BTreeMap<String, usize>>>;

/// What a name leads to when it is asked for the n-th time (from 0), addresses of IPv4 and of IPv6.
fn lies(name: &str, n: usize) -> (Vec<Ipv4Addr>, Vec<Ipv6Addr>) {
    let inner = Ipv4Addr::LOCALHOST;
    match name.split('.').next().unwrap_or_default() {
        "honest" => (vec![PUBLIC], vec![]),
        "rebinds" if n == 0 => (vec![PUBLIC], vec![]),
        "rebinds" => (vec![inner], vec![]),
        "both" => (vec![PUBLIC, inner], vec![]),
        "six" => (vec![PUBLIC], vec![Ipv6Addr::LOCALHOST]),
        "mapped" => (vec![PUBLIC], vec![inner.to_ipv6_mapped()]),
        "keys" => (vec![Ipv4Addr::new(169, 254, 169, 254)], vec![]),
        _ => (vec![], vec![]),
    }
}

/// Answers one question (RFC 1035, section 4): its header and question again, then the addresses, good for no time at all.
fn answer(question: &[u8], asked: &Asked) -> Option<Vec<u8>> {
    let mut at = 12;
    let mut labels = Vec::new();
    loop {
        let length = usize::from(*question.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(question.get(at..at + length)?).to_lowercase());
        at += length;
    }
    let kind = u16::from_be_bytes([*question.get(at)?, *question.get(at + 1)?]);
    let name = labels.join(".");
    let count = |key: String| {
        let mut asked = asked.lock().unwrap();
        let n = asked.entry(key).or_default();
        *n += 1;
        *n - 1
    };
    let (four, six) = lies(&name, count(format!("{name} {kind}")));
    let addresses: Vec<Vec<u8>> = match kind {
        1 => four.iter().map(|a| a.octets().to_vec()).collect(),
        28 => six.iter().map(|a| a.octets().to_vec()).collect(),
        _ => vec![],
    };
    let mut out = question.get(..2)?.to_vec();
    out.extend([
        0x81,
        0x80,
        0,
        1,
        0,
        u8::try_from(addresses.len()).ok()?,
        0,
        0,
        0,
        0,
    ]);
    out.extend(question.get(12..at + 4)?);
    for address in addresses {
        out.extend([0xc0, 12]);
        out.extend(kind.to_be_bytes());
        out.extend([0, 1, 0, 0, 0, 0, 0, u8::try_from(address.len()).ok()?]);
        out.extend(address);
    }
    Some(out)
}

fn name_server() -> Asked {
    let asked = Asked::default();
    let socket = UdpSocket::bind("127.0.0.1:53").unwrap();
    let counts = Arc::clone(&asked);
    std::thread::spawn(move || {
        let mut buffer = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            if let Some(answer) = answer(&buffer[..length], &counts) {
                socket.send_to(&answer, from).unwrap();
            }
        }
    });
    asked
}

/// A server that says yes to everything, and how often it was connected to.
fn server(address: SocketAddr) -> Arc<Mutex<usize>> {
    use std::io::{Read, Write};
    let listener = TcpListener::bind(address).unwrap();
    let calls = Arc::<Mutex<usize>>::default();
    let counted = Arc::clone(&calls);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            *counted.lock().unwrap() += 1;
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}");
        }
    });
    calls
}

/// Calls these hosts one after the other and says which were reached.
fn bot(hosts: &[&str]) -> String {
    let mut bot = String::from(
        "bot astray { languages en; channels web; tiers bot -> human; start n0 }\ntier bot: scripted {}\ntier human: people {}\nteam support { hours always }\n\
         route human {\n  | channel | team | priority |\n  | _ | support | standard |\n}\nhandoff human { say \"One moment.\" }\n",
    );
    for (n, host) in hosts.iter().enumerate() {
        bot.push_str(&format!(
            "webhook w{n}() {{ get \"http://{host}.shop.test/\"; timeout 8s }}\n\
             node n{n} {{\n  call w{n}() {{ failed -> n{next} }}\n  say \"reached {n} {host}\"\n  -> n{next}\n}}\n",
            next = n + 1
        ));
    }
    bot + &format!(
        "node n{} {{ confirm \"That was all.\" {{ yes -> end resolved; no -> end resolved }} }}\n",
        hosts.len()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_12_a_name_that_leads_inside_the_second_time_is_refused_then() {
    let test = "rebinding::fault_12_a_name_that_leads_inside_the_second_time_is_refused_then";
    if inside(test, PREPARE).is_none() {
        return;
    }
    let asked = name_server();
    let outside = server((PUBLIC, 80).into());
    let within = server((Ipv4Addr::LOCALHOST, 80).into());
    let hosts = [
        "honest", "rebinds", "rebinds", "both", "six", "mapped", "keys",
    ];
    let place = Place::with_bot(&bot(&hosts));
    let flow = place.start().await;
    let ana = flow.open().await;
    ana.hears("That was all.").await;
    let said = ana.state().await.to_string();
    assert!(said.contains("reached 0 honest"), "{said}");
    assert!(said.contains("reached 1 rebinds"), "{said}");
    assert_eq!(said.matches("reached").count(), 2, "{said}");
    assert_eq!(*outside.lock().unwrap(), 2);
    assert_eq!(*within.lock().unwrap(), 0, "nobody came in");
    // Once per call: what was checked is what was connected to, and no second answer was asked for in between.
    let rebinds = asked.lock().unwrap()["rebinds.shop.test 1"];
    assert_eq!(rebinds, 2, "{asked:?}");
    let refused = flow.metric("flow_egress_refused_total").await;
    assert!((refused - 5.0).abs() < 0.5, "{refused}");

    // A name that is allowed is so wherever it leads in a network, but never to the machine's own keys.
    let mut place = Place::with_bot(&bot(&["both", "keys"]));
    place.allow = vec!["both.shop.test:80".into(), "keys.shop.test:80".into()];
    let flow = place.start().await;
    let ana = flow.open().await;
    ana.hears("That was all.").await;
    let said = ana.state().await.to_string();
    assert!(said.contains("reached 0 both"), "{said}");
    assert!(!said.contains("reached 1"), "{said}");
}
