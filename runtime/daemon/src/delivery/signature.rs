//! Standard Webhooks 1.0: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How far a timestamp may be off, seconds.
pub const SKEW: i64 = 300;

/// Why a signature was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// A header is missing or malformed.
    #[error("a header that it needs is missing or malformed")]
    Missing,
    /// The time is off.
    #[error("the timestamp is more than 5 minutes off")]
    Time,
    /// It does not fit.
    #[error("the signature does not fit")]
    Signature,
}

/// Secrets are copied with and without their padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The key's bytes: base64 after `whsec_`, else the text itself. An empty key is none.
fn key(secret: &str) -> Option<Vec<u8>> {
    let bytes = match secret
        .strip_prefix("whsec_")
        .map(|rest| LENIENT.decode(rest.trim()))
    {
        Some(Ok(bytes)) => bytes,
        _ => secret.as_bytes().to_vec(),
    };
    Some(bytes).filter(|bytes| !bytes.is_empty())
}

fn mac(secret: &str, id: &str, timestamp: i64, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key(secret)?).ok()?;
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    Some(mac)
}

/// Signs a body.
#[must_use]
pub fn sign(secret: &str, id: &str, timestamp: i64, body: &[u8]) -> String {
    let bytes = mac(secret, id, timestamp, body).map(|m| m.finalize().into_bytes());
    format!(
        "v1,{}",
        bytes.map(|b| STANDARD.encode(b)).unwrap_or_default()
    )
}

/// Checks a signature; several may stand side by side, separated by blanks, while a secret changes.
///
/// # Errors
/// Why it was not taken.
pub fn verify(
    secret: &str,
    id: &str,
    timestamp: &str,
    signatures: &str,
    body: &[u8],
    now: i64,
) -> Result<(), Wrong> {
    let at: i64 = timestamp.parse().map_err(|_| Wrong::Missing)?;
    if id.is_empty() {
        return Err(Wrong::Missing);
    }
    if now.abs_diff(at) > SKEW.unsigned_abs() {
        return Err(Wrong::Time);
    }
    let fits = |signature: &str| {
        let given = signature
            .strip_prefix("v1,")
            .and_then(|s| STANDARD.decode(s).ok());
        // The comparison is constant in time.
        given
            .zip(mac(secret, id, at, body))
            .is_some_and(|(given, mac)| mac.verify_slice(&given).is_ok())
    };
    if signatures.split_ascii_whitespace().any(fits) {
        Ok(())
    } else {
        Err(Wrong::Signature)
    }
}

#[cfg(test)]
mod tests {
    use super::{Wrong, sign, verify};

    #[test]
    fn the_published_example_is_met() {
        // From the specification's reference libraries.
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let body = br#"{"test": 2432232314}"#;
        let signature = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn an_empty_key_signs_nothing() {
        let now = 1_700_000_000;
        let at = now.to_string();
        // What somebody would make who guesses that the key is empty.
        let forged = sign("\0", "id", now, b"{}");
        for secret in ["", "whsec_"] {
            for signature in [forged.as_str(), "v1,", "v1,AAAA"] {
                assert_eq!(
                    verify(secret, "id", &at, signature, b"{}", now),
                    Err(Wrong::Signature),
                    "{secret} {signature}"
                );
            }
        }
        // With and without its padding it is the same key.
        let good = sign("whsec_c2VjcmV0cw==", "id", now, b"{}");
        assert_eq!(
            verify("whsec_c2VjcmV0cw", "id", &at, &good, b"{}", now),
            Ok(())
        );
        assert_eq!(verify("secrets", "id", &at, &good, b"{}", now), Ok(()));
    }

    #[test]
    fn a_change_anywhere_is_noticed() {
        let now = 1_700_000_000;
        let at = now.to_string();
        let good = sign("s", "id", now, b"{}");
        assert_eq!(
            verify("s", "id", &at, &format!("v1,AAAA {good}"), b"{}", now + 300),
            Ok(())
        );
        assert_eq!(
            verify("s", "id", &at, &good, b"{} ", now),
            Err(Wrong::Signature)
        );
        assert_eq!(
            verify("s", "je", &at, &good, b"{}", now),
            Err(Wrong::Signature)
        );
        assert_eq!(
            verify("t", "id", &at, &good, b"{}", now),
            Err(Wrong::Signature)
        );
        assert_eq!(
            verify("s", "id", &at, "", b"{}", now),
            Err(Wrong::Signature)
        );
        assert_eq!(
            verify("s", "id", &at, &good, b"{}", now + 301),
            Err(Wrong::Time)
        );
        assert_eq!(
            verify("s", "id", "soon", &good, b"{}", now),
            Err(Wrong::Missing)
        );
    }
}
