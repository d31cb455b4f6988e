//! Twilio's signature: base64 of HMAC-SHA1, keyed with the auth token, over the full address that Twilio called, followed by the form's
//! parameters, sorted by name, names and values joined without anything between. A JSON body is not in it: its SHA-256 stands in the
//! address as `bodySHA256`. <https://www.twilio.com/docs/usage/security>

use super::{Wrong, form};
use crate::app::hex;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flow_compiler::machine::Trigger;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Checks a request; the id by which a repetition is known: what was signed, whatever the order of its parameters.
///
/// # Errors
/// Why it is not accepted.
pub(super) fn verify(
    secret: &str,
    signature: &str,
    url: &str,
    form: bool,
    body: &[u8],
) -> Result<String, Wrong> {
    if signature.is_empty() {
        return Err(Wrong::Missing);
    }
    let given = STANDARD.decode(signature).map_err(|_| Wrong::Signature)?;
    let parsed = url::Url::parse(url).map_err(|_| Wrong::Signature)?;
    let stated = parsed
        .query_pairs()
        .find(|(name, _)| name == "bodySHA256")
        .map(|(_, hash)| hash.to_lowercase());
    let parameters = match stated {
        Some(hash) if hash == hex(&Sha256::digest(body)) => String::new(),
        Some(_) => return Err(Wrong::Signature),
        None if form => parameters(body),
        // Nothing of such a body is signed.
        None if !body.is_empty() => return Err(Wrong::Signature),
        None => String::new(),
    };
    for url in spellings(url, &parsed) {
        let mut mac =
            Hmac::<Sha1>::new_from_slice(secret.as_bytes()).map_err(|_| Wrong::Signature)?;
        mac.update(url.as_bytes());
        mac.update(parameters.as_bytes());
        if mac.verify_slice(&given).is_ok() {
            return Ok(hex(blake3::hash(&given).as_bytes()));
        }
    }
    Err(Wrong::Signature)
}

/// Names and values, sorted; the values of a repeated name once each.
fn parameters(body: &[u8]) -> String {
    let mut sorted: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(body) {
        sorted.entry(name).or_default().insert(value);
    }
    sorted
        .iter()
        .flat_map(|(name, values)| values.iter().map(move |value| format!("{name}{value}")))
        .collect()
}

/// An address with and without its port: Twilio signs the one or the other.
fn spellings(url: &str, parsed: &url::Url) -> Vec<String> {
    let mut out = vec![url.to_owned()];
    let (Some((scheme, rest)), Some(default)) =
        (url.split_once("://"), parsed.port_or_known_default())
    else {
        return out;
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    out.push(format!("{scheme}://{host}{path}"));
    out.push(format!("{scheme}://{host}:{default}{path}"));
    out
}

/// The form as the payload that a trigger declares. A `phone` that the form does not name is `From`: who wrote or called.
pub(crate) fn payload(trigger: &Trigger, body: &[u8]) -> Value {
    form::payload(trigger, body, |name| (name == "phone").then_some("From"))
}

#[cfg(test)]
mod tests {
    use super::{Wrong, verify};

    // The examples of Twilio's documentation and of its own libraries' tests.
    const TOKEN: &str = "12345";
    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
    const FORM: &[u8] =
        b"Digits=1234&To=%2B18005551212&From=%2B14158675309&Caller=%2B14158675309&CallSid=CA1234567890ABCDE";
    const JSON: &[u8] = br#"{"property": "value", "boolean": true}"#;

    fn form(signature: &str, url: &str, body: &[u8]) -> Result<String, Wrong> {
        verify(TOKEN, signature, url, true, body)
    }

    #[test]
    fn the_published_form_is_met_in_any_order_and_nothing_else() {
        let good = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
        let id = form(good, URL, FORM).unwrap();
        let other = b"CallSid=CA1234567890ABCDE&Caller=%2B14158675309&From=%2B14158675309&Digits=1234&To=%2B18005551212";
        // Another order is the same event: a replay gains nothing by it.
        assert_eq!(form(good, URL, other), Ok(id));
        let changed = String::from_utf8_lossy(FORM).replace("1234&To", "1235&To");
        assert_eq!(form(good, URL, changed.as_bytes()), Err(Wrong::Signature));
        assert_eq!(
            form(good, &URL.replace("foo=1", "foo=2"), FORM),
            Err(Wrong::Signature)
        );
        assert_eq!(
            verify("12346", good, URL, true, FORM),
            Err(Wrong::Signature)
        );
        assert_eq!(form("", URL, FORM), Err(Wrong::Missing));
        // The same bytes, but not called a form: nothing of them is signed.
        assert_eq!(verify(TOKEN, good, URL, false, FORM), Err(Wrong::Signature));
    }

    #[test]
    fn repeated_parameters_count_once() {
        let body = b"Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234";
        assert!(form("IK+Dwps556ElfBT0I3Rgjkr1wJU=", URL, body).is_ok());
    }

    #[test]
    fn a_json_body_is_held_by_its_hash_in_the_address() {
        let url = format!(
            "{URL}&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
        );
        let good = "a9nBmqA0ju/hNViExpshrM61xv4=";
        assert!(verify(TOKEN, good, &url, false, JSON).is_ok());
        let changed = br#"{"property": "value", "boolean": false}"#;
        assert_eq!(
            verify(TOKEN, good, &url, false, changed),
            Err(Wrong::Signature)
        );
        // Without the hash in the address the body is anybody's.
        assert_eq!(
            verify(TOKEN, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", URL, false, JSON),
            Err(Wrong::Signature)
        );
    }

    #[test]
    fn the_port_may_be_signed_or_not() {
        let with_port = URL.replace(".com", ".com:1234");
        assert!(form("RSOYDt4T1cUTdK1PDd93/VVr8B8=", &with_port, FORM).is_ok());
        assert!(form("kvajT1Ptam85bY51eRf/AJRuM3w=", URL, FORM).is_ok());
        let plain = with_port.replace("https", "http");
        assert!(form("Zmvh+3yNM1Phv2jhDCwEM3q5ebU=", &plain, FORM).is_ok());
        let plain = URL.replace("https", "http");
        assert!(form("0ZXoZLH/DfblKGATFgpif+LLRf4=", &plain, FORM).is_ok());
    }
}
