//! Signing in through an identity provider that speaks OpenID Connect.

use crate::common::{Answer, Running, World};
use axum::Router;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as B64};
use flow_daemon::config::Config;
use flow_store::Role;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512,
    RsaKeyPair,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

/// How the provider's next ID token is wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Wrong {
    #[default]
    Nothing,
    Nonce,
    Audience,
    Issuer,
    Expired,
    Unsigned,
    OtherKey,
    SharedSecret,
    /// As above, with the provider's public key in the place of the secret.
    PublicKeyAsSecret,
    /// The name of one algorithm over the signature of another.
    OtherAlgorithm,
    /// For us and for others, who could hand it on.
    ManyAudiences,
    NoNonce,
    NoToken,
}

/// A key of the provider.
enum Key {
    Ec(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl Key {
    fn ec() -> Self {
        let rng = SystemRandom::new();
        let alg = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(alg, &rng).unwrap();
        Self::Ec(EcdsaKeyPair::from_pkcs8(alg, pkcs8.as_ref(), &rng).unwrap())
    }

    fn rsa(pkcs8: &[u8]) -> Self {
        Self::Rsa(RsaKeyPair::from_pkcs8(pkcs8).unwrap())
    }

    const fn alg(&self) -> &'static str {
        match self {
            Self::Ec(_) => "ES256",
            Self::Rsa(_) => "RS256",
        }
    }

    fn jwk(&self, kid: &str) -> Value {
        match self {
            Self::Ec(key) => {
                let point = key.public_key().as_ref();
                json!({
                    "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": kid,
                    "x": B64.encode(&point[1..33]), "y": B64.encode(&point[33..65]),
                })
            }
            Self::Rsa(key) => {
                let public = PublicKeyComponents::<Vec<u8>>::from(key.public());
                json!({
                    "kty": "RSA", "use": "sig", "kid": kid,
                    "n": B64.encode(public.n), "e": B64.encode(public.e),
                })
            }
        }
    }

    fn sign(&self, text: &[u8]) -> Vec<u8> {
        let rng = SystemRandom::new();
        match self {
            Self::Ec(key) => key.sign(&rng, text).unwrap().as_ref().to_vec(),
            Self::Rsa(key) => {
                let mut out = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &rng, text, &mut out).unwrap();
                out
            }
        }
    }

    /// By the longer of its hashes, where it has two.
    fn sign_otherwise(&self, text: &[u8]) -> Vec<u8> {
        match self {
            Self::Ec(_) => self.sign(text),
            Self::Rsa(key) => {
                let mut out = vec![0; key.public().modulus_len()];
                let rng = SystemRandom::new();
                key.sign(&RSA_PKCS1_SHA512, &rng, text, &mut out).unwrap();
                out
            }
        }
    }
}

struct Provider {
    address: SocketAddr,
    /// With its name.
    key: Mutex<(String, Arc<Key>)>,
    other: Key,
    claims: Mutex<Value>,
    wrong: Mutex<Wrong>,
    /// By code: the challenge and the nonce.
    codes: Mutex<HashMap<String, (String, String)>>,
}

type Shared = Arc<Provider>;

fn rsa() -> Key {
    Key::rsa(include_bytes!("../keys/rsa_a.pk8"))
}

fn other_rsa() -> Key {
    Key::rsa(include_bytes!("../keys/rsa_b.pk8"))
}

async fn discovery(State(p): State<Shared>) -> axum::Json<Value> {
    let base = format!("http://{}", p.address);
    axum::Json(json!({
        "issuer": base,
        "authorization_endpoint": format!("{base}/authorize"),
        "token_endpoint": format!("{base}/token"),
        "jwks_uri": format!("{base}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        // What it would also take from others must not matter to us.
        "id_token_signing_alg_values_supported": ["ES256", "RS256", "HS256", "none"],
        "code_challenge_methods_supported": ["S256"],
    }))
}

async fn keys(State(p): State<Shared>) -> axum::Json<Value> {
    let (kid, key) = p.key.lock().unwrap().clone();
    // Beside keys of other uses and kinds, which a provider may have too.
    axum::Json(json!({"keys": [
        {"kty": "oct", "kid": "k0", "k": "AAAA"},
        {"kty": "RSA", "use": "enc", "kid": "e1", "n": "AQAB", "e": "AQAB"},
        key.jwk(&kid),
    ]}))
}

async fn authorize(State(p): State<Shared>, Query(q): Query<HashMap<String, String>>) -> Redirect {
    assert_eq!(q["response_type"], "code");
    assert_eq!(q["client_id"], "flow");
    assert_eq!(q["code_challenge_method"], "S256");
    assert!(
        q["scope"].split(' ').any(|s| s == "openid"),
        "{}",
        q["scope"]
    );
    let mut codes = p.codes.lock().unwrap();
    let code = format!("code{}", codes.len());
    codes.insert(
        code.clone(),
        (q["code_challenge"].clone(), q["nonce"].clone()),
    );
    let mut back = url::Url::parse(&q["redirect_uri"]).unwrap();
    back.query_pairs_mut()
        .append_pair("code", &code)
        .append_pair("state", &q["state"]);
    Redirect::to(back.as_str())
}

fn jwt(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let text = format!(
        "{}.{}",
        B64.encode(header.to_string()),
        B64.encode(claims.to_string())
    );
    let signature = sign(text.as_bytes());
    format!("{text}.{}", B64.encode(signature))
}

async fn token(
    State(p): State<Shared>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let basic = STANDARD.encode("flow:oidc-secret");
    let refused = || {
        let error = axum::Json(json!({"error": "invalid_grant"}));
        (StatusCode::BAD_REQUEST, error).into_response()
    };
    if headers["authorization"] != format!("Basic {basic}")
        || form["grant_type"] != "authorization_code"
    {
        return refused();
    }
    // Once, and only with the verifier of the challenge.
    let Some((challenge, nonce)) = p.codes.lock().unwrap().remove(&form["code"]) else {
        return refused();
    };
    if B64.encode(Sha256::digest(form["code_verifier"].as_bytes())) != challenge {
        return refused();
    }
    let wrong = *p.wrong.lock().unwrap();
    let now = jiff::Timestamp::now().as_second();
    let mut claims = p.claims.lock().unwrap().clone();
    claims["iss"] = json!(format!("http://{}", p.address));
    claims["sub"] = json!("248289761001");
    claims["aud"] = json!("flow");
    claims["iat"] = json!(now);
    claims["exp"] = json!(now + 300);
    claims["nonce"] = json!(nonce);
    match wrong {
        Wrong::Nonce => claims["nonce"] = json!("another"),
        Wrong::Audience => claims["aud"] = json!("somebody else"),
        Wrong::Issuer => claims["iss"] = json!("https://evil.example"),
        Wrong::Expired => claims["exp"] = json!(now - 3600),
        Wrong::ManyAudiences => claims["aud"] = json!(["flow", "somebody else"]),
        Wrong::NoNonce => drop(claims.as_object_mut().unwrap().remove("nonce")),
        _ => {}
    }
    let (kid, key) = p.key.lock().unwrap().clone();
    let head = |alg: &str| json!({"alg": alg, "kid": kid, "typ": "JWT"});
    let shared = |secret: &[u8]| {
        use hmac::{Hmac, KeyInit, Mac};
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
        jwt(&head("HS256"), &claims, |text| {
            mac.update(text);
            mac.finalize().into_bytes().to_vec()
        })
    };
    let sign = |key: &Key| jwt(&head(key.alg()), &claims, |text| key.sign(text));
    let id_token = match wrong {
        Wrong::Unsigned => jwt(&json!({"alg": "none", "typ": "JWT"}), &claims, |_| {
            Vec::new()
        }),
        // Of the same kind and name.
        Wrong::OtherKey => match *key {
            Key::Ec(_) => sign(&p.other),
            Key::Rsa(_) => sign(&other_rsa()),
        },
        // A signature with what both know, which says nothing about the provider.
        Wrong::SharedSecret => shared(b"oidc-secret"),
        Wrong::PublicKeyAsSecret => shared(key.jwk(&kid).to_string().as_bytes()),
        Wrong::OtherAlgorithm => jwt(&head("RS256"), &claims, |text| key.sign_otherwise(text)),
        _ => sign(&key),
    };
    let mut answer = json!({"access_token": "at", "token_type": "Bearer", "expires_in": 300});
    if wrong != Wrong::NoToken {
        answer["id_token"] = json!(id_token);
    }
    axum::Json(answer).into_response()
}

async fn provider(world: &mut World, more: &str) -> Shared {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let provider = Arc::new(Provider {
        address,
        key: Mutex::new(("k1".to_owned(), Arc::new(Key::ec()))),
        other: Key::ec(),
        claims: Mutex::new(json!({"preferred_username": "leo"})),
        wrong: Mutex::default(),
        codes: Mutex::default(),
    });
    let router = Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/keys", get(keys))
        .route("/authorize", get(authorize))
        .route("/token", post(token))
        .with_state(Arc::clone(&provider));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    world.set("TEST_OIDC_SECRET", "oidc-secret");
    world.config.egress.allow.push(address.to_string());
    let text = format!(
        "public_url = \"https://chat.example\"\n[oidc]\nissuer = \"http://{address}\"\nclient_id = \"flow\"\nclient_secret_env = \"TEST_OIDC_SECRET\"\ntitle = \"Example Corp\"\n{more}"
    );
    let config = Config::parse(&text).unwrap();
    world.config.oidc = config.oidc;
    world.config.public_url = config.public_url;
    provider
}

/// A browser that follows nothing by itself.
fn browser() -> reqwest::Client {
    crate::common::client();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

async fn go(browser: &reqwest::Client, url: &str, cookie: &str) -> Answer {
    let request = browser.get(url).header("cookie", cookie);
    Answer::of(request.send().await.unwrap()).await
}

fn location(answer: &Answer) -> String {
    answer.headers["location"].to_str().unwrap().to_owned()
}

fn cookies(answer: &Answer) -> Vec<String> {
    let all = answer.headers.get_all("set-cookie").iter();
    all.map(|v| v.to_str().unwrap().to_owned()).collect()
}

/// To the provider and back, up to the address that the provider sends the browser to; with the cookie that the way began with.
async fn there(flow: &Running, browser: &reqwest::Client) -> (String, String) {
    let begun = go(browser, &format!("{}/v1/agent/sso", flow.base), "").await;
    assert_eq!(begun.status, 303);
    let cookie = cookies(&begun).remove(0);
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let back = go(browser, &location(&begun), "").await;
    let back = location(&back);
    // The proxy in front leads the public address here.
    let public = "https://chat.example/v1/agent/sso/callback?";
    assert!(back.starts_with(public), "{back}");
    (back.replacen("https://chat.example", &flow.base, 1), cookie)
}

async fn sign_in(flow: &Running) -> Answer {
    let browser = browser();
    let (back, cookie) = there(flow, &browser).await;
    go(&browser, &back, &cookie).await
}

fn session(answer: &Answer) -> Option<String> {
    let found = cookies(answer);
    let found = found.iter().find(|c| c.starts_with("flow_session=s_"))?;
    assert!(found.contains("HttpOnly") && found.contains("SameSite=Strict"));
    assert!(
        found.contains("Secure"),
        "the public address is one of https"
    );
    Some(found.split(';').next().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_signs_in_through_the_provider() {
    let mut world = World::new();
    world.agent("leo", Role::Lead).await;
    let provider = provider(&mut world, "").await;
    let flow = world.start().await;
    let status = flow.get("/v1/status").await.body;
    assert_eq!(status["sign_in"]["sso"], "Example Corp");
    let signed_in = sign_in(&flow).await;
    assert_eq!(
        (signed_in.status, location(&signed_in)),
        (303, "/inbox".into())
    );
    let cookie = session(&signed_in).unwrap();
    let me = go(&browser(), &format!("{}/v1/agent/me", flow.base), &cookie).await;
    assert_eq!(
        (&me.body["agent"]["id"], &me.body["agent"]["role"]),
        (&json!("leo"), &json!("lead"))
    );

    // Somebody whom the provider knows and we do not.
    *provider.claims.lock().unwrap() = json!({"preferred_username": "eve"});
    let stranger = sign_in(&flow).await;
    assert_eq!(location(&stranger), "/inbox?sign_in=unknown");
    assert!(session(&stranger).is_none());
    let audit = flow.app().store.audit_log(None, 2).await.unwrap();
    let actions: Vec<&str> = audit.iter().map(|l| l.action.as_str()).collect();
    assert_eq!(actions, ["sign_in_failed", "sign_in"]);
    assert_eq!(audit[1].actor, "agent:leo");
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_prove_nothing_let_nobody_in() {
    let mut world = World::new();
    world.agent("leo", Role::Agent).await;
    let provider = provider(&mut world, "").await;
    let flow = world.start().await;
    let all = [
        Wrong::Nonce,
        Wrong::NoNonce,
        Wrong::Audience,
        Wrong::ManyAudiences,
        Wrong::Issuer,
        Wrong::Expired,
        Wrong::Unsigned,
        Wrong::OtherKey,
        Wrong::SharedSecret,
        Wrong::PublicKeyAsSecret,
        Wrong::OtherAlgorithm,
        Wrong::NoToken,
    ];
    let mut refused = 0;
    for key in [Key::ec(), rsa()] {
        let alg = key.alg();
        *provider.key.lock().unwrap() = ("k1".to_owned(), Arc::new(key));
        for wrong in all {
            *provider.wrong.lock().unwrap() = wrong;
            let answer = sign_in(&flow).await;
            assert_eq!(
                location(&answer),
                "/inbox?sign_in=refused",
                "{alg} {wrong:?}"
            );
            assert!(session(&answer).is_none(), "{alg} {wrong:?}");
            refused += 1;
        }
        *provider.wrong.lock().unwrap() = Wrong::Nothing;
        assert!(session(&sign_in(&flow).await).is_some(), "{alg}");
    }
    let metrics = flow.get("/metrics").await.body.to_string();
    assert!(
        metrics.contains(&format!("flow_sign_ins_refused_total {refused}")),
        "{metrics}"
    );
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_may_change_its_keys_at_any_time() {
    let mut world = World::new();
    world.agent("leo", Role::Agent).await;
    let provider = provider(&mut world, "").await;
    let flow = world.start().await;
    let browser = browser();
    *provider.key.lock().unwrap() = ("k1".to_owned(), Arc::new(rsa()));
    assert!(session(&sign_in(&flow).await).is_some());
    // While somebody is on the way.
    let (back, cookie) = there(&flow, &browser).await;
    *provider.key.lock().unwrap() = ("k2".to_owned(), Arc::new(other_rsa()));
    assert!(session(&go(&browser, &back, &cookie).await).is_some());
    // To one of another kind, and back under the first name.
    for (kid, key) in [("k3", Key::ec()), ("k1", rsa())] {
        *provider.key.lock().unwrap() = (kid.to_owned(), Arc::new(key));
        assert!(session(&sign_in(&flow).await).is_some(), "{kid}");
    }
    // A token of the key that was there before is nobody's any more.
    *provider.wrong.lock().unwrap() = Wrong::OtherKey;
    assert!(session(&sign_in(&flow).await).is_none());
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_back_is_good_once_and_only_for_the_browser_that_went() {
    let mut world = World::new();
    world.agent("leo", Role::Agent).await;
    let provider = provider(&mut world, "").await;
    let flow = world.start().await;
    let browser = browser();
    let (back, cookie) = there(&flow, &browser).await;
    // Sent to somebody else's browser, or with another state.
    for (url, cookie) in [
        (back.clone(), String::new()),
        (back.clone(), "flow_sso=guessed".to_owned()),
        (back.replace("state=", "state=x"), cookie.clone()),
    ] {
        let answer = go(&browser, &url, &cookie).await;
        assert_eq!(location(&answer), "/inbox?sign_in=expired");
        assert!(session(&answer).is_none());
    }
    // A state that nobody began, with a fitting cookie.
    let invented = format!("{}/v1/agent/sso/callback?state=abc&code=code0", flow.base);
    let answer = go(&browser, &invented, "flow_sso=abc").await;
    assert_eq!(location(&answer), "/inbox?sign_in=expired");
    assert!(session(&go(&browser, &back, &cookie).await).is_some());
    let again = go(&browser, &back, &cookie).await;
    assert_eq!(location(&again), "/inbox?sign_in=expired");
    // The provider's own refusal.
    let (back, cookie) = there(&flow, &browser).await;
    let refused = format!("{}&error=access_denied", back.replace("code=", "was="));
    assert_eq!(
        location(&go(&browser, &refused, &cookie).await),
        "/inbox?sign_in=refused"
    );
    drop(provider);
    flow.stop().await;

    let plain = World::new().start().await;
    let off = plain.get("/v1/agent/sso").await;
    assert_eq!((off.status, off.code()), (404, "not_configured"));
    plain.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_decide_who_somebody_is_and_what_they_may() {
    let mut world = World::new();
    let more = r#"
agent_claim = "email"
domains = ["corp.example"]
role_claim = "groups"
create = true
teams = ["support"]
[oidc.roles]
help = "agent"
heads = "lead"
it = "admin"
"#;
    let provider = provider(&mut world, more).await;
    let flow = world.start().await;
    let mia = json!({"email": "Mia@corp.example", "email_verified": true, "name": "Mia Wong", "groups": ["help", "heads"]});
    *provider.claims.lock().unwrap() = mia.clone();
    assert!(session(&sign_in(&flow).await).is_some());
    let agent = flow.app().store.agent("mia").await.unwrap().unwrap();
    assert_eq!((agent.name.as_str(), agent.role), ("Mia Wong", Role::Lead));
    assert_eq!(agent.teams, ["support"]);
    // No password opens for somebody who has none.
    for password in ["", "correct horse"] {
        let body = json!({"name": "mia", "password": password});
        assert_eq!(flow.post("/v1/agent/sign-in", body).await.status, 401);
    }
    // The role follows the claims.
    provider.claims.lock().unwrap()["groups"] = json!("help");
    assert!(session(&sign_in(&flow).await).is_some());
    assert_eq!(
        flow.app().store.agent("mia").await.unwrap().unwrap().role,
        Role::Agent
    );

    for (key, value) in [
        ("groups", json!(["guests"])),
        ("email_verified", json!(false)),
        ("email", json!("mia@other.example")),
        ("email", json!(null)),
    ] {
        let mut claims = mia.clone();
        claims[key] = value;
        *provider.claims.lock().unwrap() = claims;
        let answer = sign_in(&flow).await;
        assert_eq!(location(&answer), "/inbox?sign_in=refused", "{key}");
        assert!(session(&answer).is_none());
    }
    flow.stop().await;
}
