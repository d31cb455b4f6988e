//! Signed logins of visitors: a JWT (HS256) made by the operator's site. Its claims named like profile fields are proven values.

use crate::api::ApiError;
use crate::api::opening::fits;
use crate::app::App;
use crate::program::Program;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flow_compiler::value::{Type, Value};
use flow_engine::json::from_json;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// Seconds that clocks may differ.
const SKEW: i64 = 60;

/// The claims of a token that is signed with the secret and valid now.
fn claims(
    token: &str,
    secret: &[u8],
    audience: Option<&str>,
    longest: Option<i64>,
    now: i64,
) -> Result<serde_json::Value, &'static str> {
    let mut parts = token.split('.');
    let (Some(head), Some(body), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("it is no JWT");
    };
    let json = |part: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
        serde_json::from_slice::<serde_json::Value>(&bytes).ok()
    };
    let header = json(head).ok_or("it is no JWT")?;
    // Whoever names extensions that must be understood means that we must not go on without.
    if header.get("crit").is_some() {
        return Err("it needs extensions that are not known here");
    }
    // Only this algorithm: `none`, or a public key's, would let anyone sign.
    if header.get("alg").and_then(|a| a.as_str()) != Some("HS256") {
        return Err("its algorithm is not HS256");
    }
    let given = URL_SAFE_NO_PAD
        .decode(signature)
        .map_err(|_| "it is no JWT")?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|_| "the secret is not usable")?;
    mac.update(head.as_bytes());
    mac.update(b".");
    mac.update(body.as_bytes());
    mac.verify_slice(&given)
        .map_err(|_| "its signature does not fit")?;
    let claims = json(body).ok_or("it is no JWT")?;
    // Seconds, possibly with a fraction (RFC 7519, section 2).
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float to integer cast saturates"
    )]
    let time = |name: &str| {
        let value = claims.get(name)?;
        value.as_i64().or_else(|| value.as_f64().map(|f| f as i64))
    };
    match time("exp") {
        // Whoever copies it is somebody else for as long as it is good.
        Some(exp)
            if longest.is_some_and(|most| exp.saturating_sub(SKEW) > now.saturating_add(most)) =>
        {
            return Err("it is good for longer than [identity] longest_hours allows");
        }
        Some(exp) if exp.saturating_add(SKEW) > now => {}
        Some(_) => return Err("it has expired"),
        None => return Err("it has no `exp`"),
    }
    if time("nbf").is_some_and(|nbf| nbf.saturating_sub(SKEW) > now) {
        return Err("it is not valid yet");
    }
    if let Some(audience) = audience {
        let aud = claims.get("aud");
        let named = aud.and_then(|a| a.as_str()) == Some(audience)
            || aud
                .and_then(|a| a.as_array())
                .is_some_and(|l| l.iter().any(|a| a.as_str() == Some(audience)));
        if !named {
            return Err("it is meant for somebody else");
        }
    }
    Ok(claims)
}

/// The proven profile fields of a login.
///
/// # Errors
/// 401 if it is not signed, has expired, was used up, or logins are not configured; 422 if a value does not fit its field.
pub(crate) async fn verify(
    app: &App,
    program: &Program,
    token: &str,
) -> Result<BTreeMap<SmolStr, Value>, ApiError> {
    let refuse = |why: &str| {
        ApiError::new(
            StatusCode::UNAUTHORIZED,
            "wrong_signature",
            format!("the login is not accepted: {why}"),
        )
        .help("sign a JWT with HS256, the secret that [identity] names, and an `exp`")
    };
    let config = app
        .config
        .identity
        .as_ref()
        .ok_or_else(|| refuse("flow.toml has no [identity]"))?;
    let secret = app
        .config
        .environment
        .secret(&config.secret_env)
        .map_err(|_| refuse("its secret is not set"))?;
    let now = app.clock.now();
    let longest = Some(i64::from(config.longest_hours) * 3600).filter(|most| *most > 0);
    let audience = config.audience.as_deref();
    let claims = claims(token, secret.as_bytes(), audience, longest, now.as_second());
    let claims = claims.map_err(refuse)?;
    let machine = program.engine.machine();
    let mut out = BTreeMap::new();
    for field in &machine.customer {
        let Some(json) = claims.get(field.name.as_str()) else {
            continue;
        };
        // A site that does not know it says so in one way or the other.
        if json.is_null() || json.as_str().is_some_and(|text| text.trim().is_empty()) {
            continue;
        }
        // A signature says who wrote it, not that it is well written: what would be proven must be a value of its field.
        let value = from_json(machine, &field.ty, json).ok();
        let value = value.filter(|value| match value {
            Value::Text(text) if field.ty == Type::Text => !text.contains('\0'),
            Value::Text(text) => fits(&field.ty, text),
            _ => true,
        });
        let value = value.ok_or_else(|| {
            let name = &field.name;
            ApiError::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid_value",
                format!("the login's `{name}` is not valid"),
            )
            .help(format!(
                "sign a value that fits the bot's field `{name}`, or leave the claim out"
            ))
        })?;
        out.insert(field.name.clone(), value);
    }
    if config.single_use {
        // Last, so that a login that is refused for something else is not used up.
        let id = claims.get("jti").and_then(|id| id.as_str());
        let id = id.filter(|id| !id.is_empty()).ok_or_else(|| {
            refuse("it has no `jti`, without which nobody can tell whether it was used")
        })?;
        let hash = blake3::hash(id.as_bytes());
        let until = claims.get("exp").and_then(serde_json::Value::as_f64);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a float to integer cast saturates"
        )]
        let until = until.map_or(i64::MAX, |until| (until as i64).saturating_add(SKEW));
        let until = jiff::Timestamp::from_second(until).unwrap_or(jiff::Timestamp::MAX);
        if !app.store.use_login(hash.as_bytes(), until, now).await? {
            return Err(refuse("it was used before").help(
                "[identity] single_use: sign a new login, with a `jti` of its own, for each page",
            ));
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::claims;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
    use hmac::{Hmac, KeyInit, Mac};

    fn token(header: &str, body: &str, secret: &[u8]) -> String {
        let text = format!("{}.{}", B64.encode(header), B64.encode(body));
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret).unwrap();
        mac.update(text.as_bytes());
        format!("{text}.{}", B64.encode(mac.finalize().into_bytes()))
    }

    #[test]
    fn only_a_good_signature_in_its_time_counts() {
        let head = r#"{"alg":"HS256"}"#;
        let good = token(
            head,
            r#"{"email":"a@b.example","exp":1000,"aud":"flow"}"#,
            b"k",
        );
        assert!(claims(&good, b"k", None, None, 900).is_ok());
        assert!(claims(&good, b"k", Some("flow"), None, 900).is_ok());
        assert!(claims(&good, b"k", Some("other"), None, 900).is_err());
        assert!(claims(&good, b"j", None, None, 900).is_err());
        assert!(claims(&good, b"k", None, None, 1061).is_err());
        for head in [
            r#"{"alg":"none"}"#,
            r#"{"alg":"None"}"#,
            r#"{"alg":"RS256"}"#,
            r#"{"alg":"HS512"}"#,
            r#"{}"#,
            r#"{"alg":"HS256","crit":["exp"]}"#,
        ] {
            let wrong = token(head, r#"{"exp":1000}"#, b"k");
            assert!(claims(&wrong, b"k", None, None, 900).is_err(), "{head}");
            // Without a signature at all.
            let bare = format!("{}.", wrong.rsplit_once('.').unwrap().0);
            assert!(claims(&bare, b"k", None, None, 900).is_err(), "{head}");
        }
        let far = format!(r#"{{"exp":{},"nbf":{}}}"#, i64::MAX, i64::MIN);
        assert!(claims(&token(head, &far, b"k"), b"k", None, None, 900).is_ok());
        let fraction = token(head, r#"{"exp":1000.5,"nbf":899.5}"#, b"k");
        assert!(claims(&fraction, b"k", None, None, 900).is_ok());
        let soon = token(head, r#"{"exp":2000,"nbf":1000}"#, b"k");
        assert!(claims(&soon, b"k", None, None, 900).is_err());
        assert!(claims(&soon, b"k", None, None, 941).is_ok());
        let endless = token(head, "{}", b"k");
        assert!(claims(&endless, b"k", None, None, 900).is_err());
        // Not for ever, whatever its signer thinks.
        for (exp, good) in [(1900 + 3600, true), (1900 + 3661, false), (i64::MAX, false)] {
            let long = token(head, &format!(r#"{{"exp":{exp}}}"#), b"k");
            let found = claims(&long, b"k", None, Some(3600), 1900);
            assert_eq!(found.is_ok(), good, "{exp}");
        }
        // A published vector: jwt.io's example, which has no `exp` and so is refused only for that.
        let published = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c";
        assert_eq!(
            claims(published, b"your-256-bit-secret", None, None, 0),
            Err("it has no `exp`")
        );
    }
}
