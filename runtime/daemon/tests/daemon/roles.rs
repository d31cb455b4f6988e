//! Who may do what: every route of the API's description, asked with every kind of credential.

use crate::common::{Answer, Running, World};
use flow_store::{ApiKey, Role};
use reqwest::Method;
use serde_json::{Value, json};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Nobody,
    Visitor,
    OtherVisitor,
    /// Of the team that serves the conversation.
    Agent,
    /// Of another team.
    OtherAgent,
    Lead,
    Admin,
    /// An admin without the header against forged requests.
    Forged,
    OpsKey,
    AdminKey,
    OldKey,
}

const ALL: [Who; 11] = [
    Who::Nobody,
    Who::OldKey,
    Who::OtherVisitor,
    Who::OtherAgent,
    Who::Forged,
    Who::OpsKey,
    Who::AdminKey,
    Who::Visitor,
    Who::Agent,
    Who::Lead,
    Who::Admin,
];

/// Routes for everybody, or with proofs of their own (passwords, signatures).
const OPEN: [&str; 14] = [
    "GET /v1/widget",
    "POST /v1/conversations",
    "POST /v1/agent/sign-in",
    "GET /v1/agent/sso",
    "GET /v1/agent/sso/callback",
    "GET /v1/triggers/{path}",
    "POST /v1/triggers/{path}",
    "GET /v1/channels/whatsapp",
    "POST /v1/channels/whatsapp",
    "GET /v1/status",
    "GET /livez",
    "GET /readyz",
    "GET /v1/openapi.json",
    "",
];

/// Whether somebody gets in; else with what they are turned away.
fn expected(method: &str, path: &str, who: Who) -> Result<(), u16> {
    use Who::{
        Admin, AdminKey, Agent, Forged, Lead, Nobody, OldKey, OpsKey, OtherAgent, OtherVisitor,
        Visitor,
    };
    let reads = method == "GET";
    if path.starts_with("/v1/conversations/") || path.starts_with("/v1/files/") {
        let file = path.starts_with("/v1/files/");
        return match who {
            Visitor => Ok(()),
            Agent | Lead | Admin | Forged if file => Ok(()),
            OtherAgent if file => Err(404),
            // An agent is no visitor, and who has no token is told that one is needed.
            Nobody | Agent | OtherAgent | Lead | Admin | Forged => Err(401),
            // A token of another conversation, or another kind of token: there is no such conversation.
            OtherVisitor | OpsKey | AdminKey | OldKey => Err(404),
        };
    }
    if path.starts_with("/v1/agent/") {
        let one = path.starts_with("/v1/agent/conversations/");
        let reviews = path.starts_with("/v1/agent/proposals");
        return match who {
            Agent | OtherAgent if reviews => Err(403),
            Agent | Lead | Admin => Ok(()),
            OtherAgent if one => Err(404),
            OtherAgent => Ok(()),
            Forged if reads => Ok(()),
            Forged => Err(403),
            Nobody | Visitor | OtherVisitor | OpsKey | AdminKey | OldKey => Err(401),
        };
    }
    if path.starts_with("/v1/admin/") {
        return match who {
            Admin | AdminKey => Ok(()),
            Forged if reads => Ok(()),
            Forged | Agent | OtherAgent | Lead | OpsKey => Err(403),
            Nobody | Visitor | OtherVisitor | OldKey => Err(401),
        };
    }
    assert!(["/metrics", "/-/reload"].contains(&path), "{path} is new");
    match who {
        OpsKey => Ok(()),
        _ => Err(401),
    }
}

/// A body that the route understands, so that it comes to speak of rights.
fn body(path: &str) -> Value {
    if path.starts_with("/v1/agent/proposals") {
        return json!({"id": "p"});
    }
    match path.rsplit('/').next().unwrap_or_default() {
        "messages" => json!({"id": "t", "text": "hello"}),
        "notes" => json!({"id": "n", "text": "a note"}),
        "accept" | "decline" => json!({"id": "r", "reservation": 999_999}),
        "confirm" => json!({"id": "c", "reminder": 0}),
        "transfer" => json!({"id": "x", "team": "support"}),
        "typing" => json!({"typing": true}),
        "presence" => json!({"available": false}),
        _ => json!({"id": "i"}),
    }
}

struct Scene {
    /// Its folder goes with it.
    _world: World,
    flow: Running,
    conversation: String,
    file: String,
    visitor: String,
    other: String,
}

impl Scene {
    async fn ask(&self, method: &str, path: &str, who: Who) -> Answer {
        let filled = match path {
            // Nobody and nothing: who gets in is told so.
            "/v1/admin/agents/{id}" | "/v1/admin/conversations/{id}" => {
                path.replace("{id}", "c_none")
            }
            "/v1/admin/dead-letters/{id}/replay" | "/v1/agent/follow-ups/{id}/done" => {
                path.replace("{id}", "f_1")
            }
            _ => path.replace("{id}", &self.conversation),
        };
        let filled = filled
            .replace("{conversation}", &self.conversation)
            .replace("{file}", &self.file);
        let filled = match filled.ends_with("/files") {
            true => format!("{filled}?id=f1&name=a.png"),
            false => filled,
        };
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let url = format!("{}{filled}", self.flow.base);
        let mut request = self.flow.http.request(method.clone(), url);
        // From elsewhere: this machine itself may do more.
        request = request.header("x-forwarded-for", "203.0.113.9");
        let agent = match who {
            Who::Agent => Some("leo"),
            Who::OtherAgent => Some("max"),
            Who::Lead => Some("mia"),
            Who::Admin | Who::Forged => Some("ada"),
            _ => None,
        };
        if let Some(name) = agent {
            // Anew each time: one of the routes signs out.
            let person = self.flow.sign_in(name).await;
            request = request.header("cookie", person.cookie);
            if who != Who::Forged {
                request = request.header("x-flow-csrf", person.csrf);
            }
        }
        let token = match who {
            Who::Visitor => Some(self.visitor.as_str()),
            Who::OtherVisitor => Some(self.other.as_str()),
            Who::OpsKey => Some("fk_ops"),
            Who::AdminKey => Some("fk_admin"),
            Who::OldKey => Some("fk_old"),
            _ => None,
        };
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if method != Method::GET {
            request = request.json(&body(path));
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let streams = headers
            .get("content-type")
            .is_some_and(|t| t == "text/event-stream");
        Answer {
            status,
            // A stream has no end to wait for.
            body: if streams {
                Value::Null
            } else {
                response.json().await.unwrap_or_default()
            },
            headers,
        }
    }
}

async fn scene() -> Scene {
    let mut world = World::new();
    world.config.limits.messages = 10_000;
    for (name, role) in [
        ("leo", Role::Agent),
        ("max", Role::Agent),
        ("mia", Role::Lead),
        ("ada", Role::Admin),
    ] {
        world.agent(name, role).await;
    }
    let flow = world.start().await;
    let store = &flow.app().store;
    let mut max = store.agent("max").await.unwrap().unwrap();
    max.teams = vec![];
    store.put_agent(max).await.unwrap();
    let now = jiff::Timestamp::now();
    for (secret, scope, expires) in [
        ("fk_ops", "ops", None),
        ("fk_admin", "admin", None),
        ("fk_old", "admin", Some(now)),
    ] {
        let key = ApiKey {
            id: format!("k_{secret}"),
            name: scope.into(),
            hash: flow_daemon::app::secret_hash(secret),
            scopes: vec![scope.into()],
            created: now,
            expires,
        };
        store.put_key(key).await.unwrap();
    }
    let other = flow.open().await;
    let mut ana = flow.open().await;
    let upload = flow.http.post(ana.url("/files?id=up&name=a.png"));
    let upload = upload
        .bearer_auth(&ana.token)
        .header("content-type", "image/png")
        .body(vec![0x89, b'P', b'N', b'G']);
    assert_eq!(upload.send().await.unwrap().status(), 200);
    ana.press("Talk to a human").await;
    let state = ana.stands("queued").await.to_string();
    let file = state.split("/v1/files/").nth(1).unwrap();
    let file = file.split('"').next().unwrap().split('/').nth(1).unwrap();
    Scene {
        _world: world,
        conversation: ana.id.clone(),
        file: file.to_owned(),
        visitor: ana.token.clone(),
        other: other.token,
        flow,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_lets_in_whom_it_should_and_nobody_else() {
    let scene = scene().await;
    let document = scene.flow.get("/v1/openapi.json").await.body;
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let method = method.to_uppercase();
            let needs_nothing = operation["security"] == json!([]);
            let open = OPEN.contains(&format!("{method} {path}").as_str());
            assert!(
                open || !needs_nothing,
                "{method} {path} needs no credential by its description"
            );
            if !open {
                operations.push((method, path.clone()));
            }
        }
    }
    assert!(operations.len() > 35, "{}", operations.len());
    // What ends the conversation, or a stay with an agent, comes last.
    operations.sort_by_key(|(_, path)| {
        let last = path.rsplit('/').next().unwrap_or_default();
        ["take", "transfer", "return", "resolve", "leave"]
            .iter()
            .position(|p| *p == last)
            .map_or(0, |n| n + 1)
    });
    let mut wrong = Vec::new();
    for (method, path) in &operations {
        for who in ALL {
            let answer = scene.ask(method, path, who).await;
            let denied = matches!(answer.status, 401 | 403)
                || (answer.status == 404 && answer.code() == "unknown_conversation");
            let fine = match expected(method, path, who) {
                // Whoever may erase is told that there is nothing to erase.
                Ok(()) => !denied || (path.starts_with("/v1/admin/") && answer.status == 404),
                Err(status) => answer.status == status,
            };
            if !fine || answer.status >= 500 {
                let code = answer.code();
                wrong.push(format!(
                    "{method} {path} as {who:?}: {} {code}",
                    answer.status
                ));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    scene.flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_of_another_site_changes_anything_with_whatever_it_holds() {
    let scene = scene().await;
    let document = scene.flow.get("/v1/openapi.json").await.body;
    let leo = scene.flow.sign_in("leo").await;
    let mut asked = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            if method == Method::GET {
                continue;
            }
            asked += 1;
            let filled = path
                .replace("{id}", &scene.conversation)
                .replace("{path}", "crm/renewals");
            for headers in [
                vec![("origin", "https://evil.example")],
                vec![("origin", "null")],
                vec![("origin", "http://127.0.0.1.evil.example")],
                vec![("sec-fetch-site", "cross-site")],
            ] {
                let url = format!("{}{filled}", scene.flow.base);
                let mut request = scene.flow.http.request(method.clone(), url);
                for (name, value) in headers {
                    request = request.header(name, value);
                }
                let request = request
                    .bearer_auth(&scene.visitor)
                    .header("cookie", &leo.cookie)
                    .header("x-flow-csrf", &leo.csrf)
                    .json(&body(path));
                let answer = Answer::of(request.send().await.unwrap()).await;
                assert_eq!(
                    (answer.status, answer.code()),
                    (403, "forbidden_origin"),
                    "{method} {path}"
                );
                assert!(!answer.headers.contains_key("access-control-allow-origin"));
            }
        }
    }
    assert!(asked > 20, "{asked}");
    // Our own page does.
    let request = scene
        .flow
        .http
        .post(format!("{}/v1/conversations", scene.flow.base));
    let request = request.header("origin", &scene.flow.base).json(&json!({}));
    assert_eq!(request.send().await.unwrap().status(), 201);
    scene.flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_is_named_shows_the_widget_and_no_more() {
    let mut world = World::new();
    world.config.origins = vec!["https://shop.example".into()];
    world.config.public_url = Some("https://chat.example".into());
    world.agent("leo", Role::Agent).await;
    let flow = world.start().await;
    let post = async |path: &str, origin: &str, body: Value| {
        let request = flow.http.post(format!("{}{path}", flow.base));
        let request = request.header("origin", origin).json(&body);
        Answer::of(request.send().await.unwrap()).await
    };
    let opened = post("/v1/conversations", "https://shop.example", json!({})).await;
    assert_eq!(opened.status, 201);
    assert_eq!(
        opened.headers["access-control-allow-origin"],
        "https://shop.example"
    );
    assert!(
        !opened
            .headers
            .contains_key("access-control-allow-credentials")
    );
    let password = json!({"name": "leo", "password": "correct horse"});
    for (origin, status) in [
        ("https://shop.example", 403),
        ("https://shop.example.evil.example", 403),
        ("https://chat.example", 200),
    ] {
        let answer = post("/v1/agent/sign-in", origin, password.clone()).await;
        assert_eq!(answer.status, status, "{origin}");
    }
    flow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_opens_its_own_conversation_alone() {
    let scene = scene().await;
    let leo = scene.flow.sign_in("leo").await;
    let mut stream = leo.comes().await;
    let (_, offer) = stream.next("offer").await;
    assert_eq!(offer["conversation"]["id"], json!(scene.conversation));
    // A conversation that people were never called to; the number is good.
    let hidden = scene.flow.open().await;
    let order = json!({"id": "d", "reservation": offer["reservation"]});
    for command in ["accept", "decline"] {
        let path = format!("/conversations/{}/{command}", hidden.id);
        let answer = leo.post(&path, order.clone()).await;
        assert_eq!(
            (answer.status, answer.code()),
            (404, "unknown_conversation"),
            "{command}"
        );
    }
    let path = format!("/conversations/{}/accept", scene.conversation);
    assert_eq!(leo.post(&path, order).await.status, 200);
    scene.flow.stop().await;
}
