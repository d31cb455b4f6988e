//! How other systems sign what they send. Raw bytes, compared in constant time, with a bound on the age where the scheme has a time.

pub(crate) mod twilio;

use crate::app::hex;
use crate::delivery::signature::{self, SKEW, Wrong};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Checks a body that was sent to an address (as the sender wrote it); returns the id by which a repetition is known.
///
/// # Errors
/// Why it is not accepted. An unknown scheme accepts nothing.
pub(crate) fn verify<'a>(
    scheme: &str,
    secret: &str,
    url: &str,
    header: &impl Fn(&str) -> &'a str,
    body: &[u8],
    now: i64,
) -> Result<String, Wrong> {
    let content = || hex(blake3::hash(body).as_bytes());
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
            Ok(id.to_owned())
        }
        "github" | "meta" => {
            let given = header("x-hub-signature-256")
                .strip_prefix("sha256=")
                .ok_or(Wrong::Missing)?;
            check(secret, &[body], given)?;
            let delivery = header("x-github-delivery");
            Ok(if delivery.is_empty() {
                content()
            } else {
                delivery.to_owned()
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
                Ok(content())
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
            Ok(content())
        }
        "twilio" => {
            let form = is_form(header("content-type"));
            twilio::verify(secret, header("x-twilio-signature"), url, form, body)
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
    use super::verify;
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
            Ok("d1".to_owned())
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
    fn an_unknown_scheme_accepts_nothing() {
        assert!(verify("morse", "s", "", &headers(&[]), b"", 0).is_err());
    }
}
