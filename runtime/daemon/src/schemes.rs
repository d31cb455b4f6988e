//! How other systems sign what they send. Raw bytes, compared in constant time, with a bound on the age where the scheme has a time.

pub(crate) mod form;
pub(crate) mod slack;
pub(crate) mod twilio;

use crate::app::hex;
use crate::delivery::signature::{self, SKEW, Wrong};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// By what a repetition is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// The sender's id, or the content's hash where there is none that is signed.
    pub(crate) id: String,
    /// The content's hash beside an id that the signature does not cover, which whoever repeats a body could make up.
    pub(crate) also: Option<String>,
}

impl Known {
    fn by(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            also: None,
        }
    }
}

/// The headers of a scheme, for those who look for what is missing.
pub(crate) fn headers(scheme: &str) -> &'static str {
    match scheme {
        "github" | "meta" => "X-Hub-Signature-256",
        "stripe" => "Stripe-Signature",
        "slack" => "X-Slack-Request-Timestamp and X-Slack-Signature",
        "twilio" => "X-Twilio-Signature",
        _ => "webhook-id, webhook-timestamp and webhook-signature",
    }
}

/// Checks a body that was sent to an address (as the sender wrote it); returns by what a repetition is known.
///
/// # Errors
/// Why it is not accepted. An unknown scheme, and an empty secret, accept nothing.
pub(crate) fn verify<'a>(
    scheme: &str,
    secret: &str,
    url: &str,
    header: &impl Fn(&str) -> &'a str,
    body: &[u8],
    now: i64,
) -> Result<Known, Wrong> {
    let content = || hex(blake3::hash(body).as_bytes());
    if secret.is_empty() {
        return Err(Wrong::Signature);
    }
    match scheme {
        "standard" | "" => {
            let id = header("webhook-id");
            signature::verify(
                secret,
                id,
                header("webhook-timestamp"),
                header("webhook-signature"),
                body,
                now,
            )?;
            Ok(Known::by(id))
        }
        "github" | "meta" => {
            let given = header("x-hub-signature-256")
                .strip_prefix("sha256=")
                .ok_or(Wrong::Missing)?;
            check(secret, &[body], given)?;
            let delivery = header("x-github-delivery");
            Ok(if delivery.is_empty() || scheme == "meta" {
                Known::by(content())
            } else {
                Known {
                    id: delivery.to_owned(),
                    also: Some(content()),
                }
            })
        }
        "stripe" => {
            let line = header("stripe-signature");
            let part = |name: &str| {
                line.split(',')
                    .filter_map(|p| p.trim().split_once('='))
                    .filter(move |(k, _)| *k == name)
                    .map(|(_, v)| v)
                    .collect::<Vec<_>>()
            };
            let times = part("t");
            let time = times.first().ok_or(Wrong::Missing)?;
            fresh(time, now)?;
            let fits = part("v1")
                .iter()
                .any(|given| check(secret, &[time.as_bytes(), b".", body], given).is_ok());
            if fits {
                Ok(Known::by(content()))
            } else {
                Err(Wrong::Signature)
            }
        }
        "slack" => {
            let time = header("x-slack-request-timestamp");
            fresh(time, now)?;
            let given = header("x-slack-signature")
                .strip_prefix("v0=")
                .ok_or(Wrong::Missing)?;
            check(secret, &[b"v0:", time.as_bytes(), b":", body], given)?;
            Ok(Known::by(content()))
        }
        "twilio" => {
            let form = is_form(header("content-type"));
            twilio::verify(secret, header("x-twilio-signature"), url, form, body).map(Known::by)
        }
        _ => Err(Wrong::Signature),
    }
}

/// Whether a body is a form by its media type.
pub(crate) fn is_form(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

fn fresh(time: &str, now: i64) -> Result<(), Wrong> {
    let at: i64 = time.parse().map_err(|_| Wrong::Missing)?;
    if now.abs_diff(at) > SKEW.unsigned_abs() {
        Err(Wrong::Time)
    } else {
        Ok(())
    }
}

/// Whether a hexadecimal HMAC-SHA256 fits the parts.
///
/// # Errors
/// That it does not.
pub(crate) fn check(secret: &str, parts: &[&[u8]], given: &str) -> Result<(), Wrong> {
    let given = unhex(given).ok_or(Wrong::Signature)?;
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|_| Wrong::Signature)?;
    for part in parts {
        mac.update(part);
    }
    mac.verify_slice(&given).map_err(|_| Wrong::Signature)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let nibble = |c: u8| (c as char).to_digit(16).and_then(|n| u8::try_from(n).ok());
    let bytes = text.trim().as_bytes();
    if !bytes.len().is_multiple_of(2) {
        return None;
    }
    bytes
        .chunks(2)
        .map(|pair| Some(nibble(*pair.first()?)? << 4 | nibble(*pair.get(1)?)?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Known, verify};
    use crate::delivery::signature::Wrong;

    fn headers<'a>(list: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> &'a str {
        move |name| list.iter().find(|(k, _)| *k == name).map_or("", |(_, v)| v)
    }

    #[test]
    fn githubs_published_example_is_met() {
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let list = [
            ("x-hub-signature-256", signature),
            ("x-github-delivery", "d1"),
        ];
        let secret = "It's a Secret to Everybody";
        assert_eq!(
            verify("github", secret, "", &headers(&list), b"Hello, World!", 0),
            Ok(Known {
                id: "d1".to_owned(),
                also: Some(crate::app::hex(blake3::hash(b"Hello, World!").as_bytes())),
            })
        );
        assert_eq!(
            verify("github", secret, "", &headers(&list), b"Hello, World?", 0),
            Err(Wrong::Signature)
        );
        assert_eq!(
            verify("github", secret, "", &headers(&[]), b"Hello, World!", 0),
            Err(Wrong::Missing)
        );
    }

    #[test]
    fn slacks_published_example_is_met() {
        let body = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        let list = [
            ("x-slack-request-timestamp", "1531420618"),
            (
                "x-slack-signature",
                "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
            ),
        ];
        let secret = "8f742231b10e8888abcd99yyyzzz85a5";
        assert!(verify("slack", secret, "", &headers(&list), body, 1_531_420_700).is_ok());
        assert_eq!(
            verify("slack", secret, "", &headers(&list), body, 1_531_421_000),
            Err(Wrong::Time)
        );
    }

    #[test]
    fn metas_events_are_known_by_what_is_signed_alone() {
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let list = [
            ("x-hub-signature-256", signature),
            ("x-github-delivery", "made up"),
        ];
        let secret = "It's a Secret to Everybody";
        let known = verify("meta", secret, "", &headers(&list), b"Hello, World!", 0).unwrap();
        assert_eq!(known.also, None);
        assert_ne!(known.id, "made up");
    }

    #[test]
    fn an_empty_secret_accepts_nothing() {
        use hmac::{Hmac, KeyInit, Mac};
        let mac = |parts: &[&[u8]]| {
            let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"").unwrap();
            for part in parts {
                mac.update(part);
            }
            crate::app::hex(&mac.finalize().into_bytes())
        };
        let git = format!("sha256={}", mac(&[b"{}"]));
        let stripe = format!("t=100,v1={}", mac(&[b"100.{}"]));
        let slack = format!("v0={}", mac(&[b"v0:100:{}"]));
        let list = [
            ("x-hub-signature-256", git.as_str()),
            ("stripe-signature", &stripe),
            ("x-slack-request-timestamp", "100"),
            ("x-slack-signature", &slack),
        ];
        for scheme in ["github", "meta", "stripe", "slack", "twilio", "standard"] {
            let outcome = verify(scheme, "", "", &headers(&list), b"{}", 100);
            assert_eq!(outcome, Err(Wrong::Signature), "{scheme}");
        }
        assert!(verify("stripe", "s", "", &headers(&list), b"{}", 100).is_err());
    }

    #[test]
    fn stripes_line_may_hold_several_signatures_and_is_bound_to_its_time() {
        use hmac::{Hmac, KeyInit, Mac};
        let sign = |secret: &str, time: &str| {
            let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
            mac.update(format!("{time}.{{}}").as_bytes());
            crate::app::hex(&mac.finalize().into_bytes())
        };
        let (old, new) = (sign("old", "1000"), sign("new", "1000"));
        let of = |line: &str, now: i64| {
            let list = [("stripe-signature", line)];
            verify("stripe", "new", "", &headers(&list), b"{}", now).map(drop)
        };
        // While a secret changes both stand side by side.
        assert_eq!(of(&format!("t=1000,v1={old},v1={new},v0=00"), 1300), Ok(()));
        assert_eq!(of(&format!("t=1000, v1={new}"), 700), Ok(()));
        assert_eq!(of(&format!("t=1000,v1={new}"), 1301), Err(Wrong::Time));
        assert_eq!(of(&format!("t=1000,v1={new}"), 699), Err(Wrong::Time));
        assert_eq!(of(&format!("t=1000,v1={old}"), 1000), Err(Wrong::Signature));
        assert_eq!(of(&format!("t=1000,v0={new}"), 1000), Err(Wrong::Signature));
        // A fresh time before, or after, the signed one helps nobody.
        for line in [
            format!("t=2000,t=1000,v1={new}"),
            format!("t=1000,t=2000,v1={new}"),
        ] {
            assert!(of(&line, 2000).is_err(), "{line}");
        }
        assert_eq!(of(&format!("v1={new}"), 1000), Err(Wrong::Missing));
        assert_eq!(of("", 1000), Err(Wrong::Missing));
    }

    #[test]
    fn an_unknown_scheme_accepts_nothing() {
        assert!(verify("morse", "s", "", &headers(&[]), b"", 0).is_err());
    }
}
