//! The OpenAPI document, the page in the handbook and what the daemon really answers say the same.

use crate::common::{Answer, World};
use flow_store::Role;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_operation_exists_and_refuses_as_documented() {
    let world = World::new();
    let flow = world.start().await;
    let document = flow.get("/v1/openapi.json").await.body;
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            operations += 1;
            let filled = path
                .replace("{path}", "crm/renewals")
                .replace("{id}", "1")
                .replace("{conversation}", "1")
                .replace("{file}", "1");
            let request = flow.http.request(
                Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(),
                format!("{}{filled}", flow.base),
            );
            let answer = request.json(&json!({})).send().await.unwrap();
            let status = answer.status().as_u16();
            // The fallback's 404 and 405 are what a route that is not there says.
            let code = if status >= 400 {
                answer.json::<Value>().await.unwrap()["error"]["code"].clone()
            } else {
                Value::Null
            };
            assert!(
                code != "method_not_allowed" && code != "not_found",
                "{method} {path}: {status} {code}"
            );
            let secured = operation["security"].as_array().is_some_and(|s| {
                !s.is_empty()
                    && s.iter()
                        .all(|r| r.as_object().is_some_and(|r| !r.is_empty()))
            });
            if secured && path != "/v1/status" {
                // Without the credentials it says 401, or speaks of the body first.
                assert!(
                    matches!(status, 400 | 401),
                    "{method} {path}: {status} {code}"
                );
            }
        }
    }
    assert!(operations > 40, "{operations}");
    flow.stop().await;
}

/// An address with its variables unnamed.
fn bare(path: &str) -> String {
    let mut out = String::new();
    for part in path.split('/').skip(1) {
        out.push('/');
        out.push_str(if part.starts_with('{') { "{}" } else { part });
    }
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn the_handbook_and_the_openapi_document_name_the_same_operations_and_errors() {
    let page = include_str!("../../../../docs/api.md");
    let mut written = BTreeSet::new();
    for code in page.split('`').skip(1).step_by(2) {
        let Some((method, path)) = code.split_once(' ') else {
            continue;
        };
        if ["GET", "POST", "PUT", "DELETE"].contains(&method) && path.starts_with('/') {
            let path = path.split('?').next().unwrap();
            written.insert((method.to_owned(), bare(path)));
        }
    }
    // The commands of agents stand in a table below their common address.
    let commands = "/v1/agent/conversations/{}";
    assert!(written.remove(&("POST".into(), format!("{commands}/..."))));
    let table = page.split("| path | body besides `id` | |").nth(1).unwrap();
    for line in table.lines().skip(2).take_while(|l| l.starts_with('|')) {
        let name = line.split('`').nth(1).unwrap();
        written.insert(("POST".into(), format!("{commands}/{name}")));
    }
    let flow = World::new().start().await;
    let document = flow.get("/v1/openapi.json").await.body;
    flow.stop().await;
    let mut described = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            described.insert((method.to_uppercase(), bare(path)));
        }
    }
    // The document does not describe itself.
    written.remove(&("GET".into(), "/v1/openapi.json".into()));
    described.remove(&("GET".into(), "/v1/openapi.json".into()));
    assert_eq!(written, described);
}

/// Where a value does not fit a schema: a wrong type, a missing field, a field that is not described.
fn misfits(document: &Value, schema: &Value, value: &Value, at: &str, out: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let target = document.pointer(name.trim_start_matches('#')).unwrap();
        return misfits(document, target, value, at, out);
    }
    if let Some(allowed) = schema["enum"].as_array() {
        if !allowed.contains(value) {
            out.push(format!("{at} is {value}, none of {allowed:?}"));
        }
        return;
    }
    if schema["const"].is_string() {
        if schema["const"] != *value {
            out.push(format!("{at} is {value}, not {}", schema["const"]));
        }
        return;
    }
    if let Some(choices) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
        let tried = choices.iter().map(|choice| {
            let mut found = Vec::new();
            misfits(document, choice, value, at, &mut found);
            found
        });
        // What is wrong with the likeliest.
        let best = tried.min_by_key(Vec::len).unwrap();
        return out.extend(best);
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().map(|k| k.as_str().unwrap()).collect(),
        _ => return,
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let whole = kind == "integer" && kinds.contains(&"number");
    if !whole && !kinds.contains(&kind) {
        out.push(format!("{at} is {kind}, not {kinds:?}: {value}"));
        return;
    }
    if let Some(items) = value.as_array() {
        for item in items {
            misfits(document, &schema["items"], item, &format!("{at}[]"), out);
        }
    }
    let (Some(fields), Some(known)) = (value.as_object(), schema["properties"].as_object()) else {
        return;
    };
    for (name, value) in fields {
        match known.get(name) {
            Some(schema) => misfits(document, schema, value, &format!("{at}.{name}"), out),
            None => out.push(format!("{at}.{name} is not described")),
        }
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        let name = name.as_str().unwrap();
        if !fields.contains_key(name) {
            out.push(format!("{at}.{name} is missing"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_is_what_is_described() {
    let world = World::new();
    world.agent("mia", Role::Admin).await;
    let flow = world.start().await;
    let mia = flow.sign_in("mia").await;
    let mut stream = mia.comes().await;
    let document = flow.get("/v1/openapi.json").await.body;
    let mut wrong = Vec::new();
    let mut seen = 0;
    let mut look = |method: &str, path: &str, answer: &Answer| {
        seen += 1;
        let operation = &document["paths"][path][method];
        assert!(operation.is_object(), "{method} {path}");
        let responses = &operation["responses"];
        let response = match &responses[answer.status.to_string()] {
            Value::Null => &responses["default"],
            found => found,
        };
        let schema = &response["content"]["application/json"]["schema"];
        misfits(
            &document,
            schema,
            &answer.body,
            &format!("{method} {path}"),
            &mut wrong,
        );
    };
    look("get", "/v1/widget", &flow.get("/v1/widget").await);
    look("get", "/v1/status", &flow.get("/v1/status").await);
    let body = json!({"visitor": {"claimed": {"name": "Ana"}}});
    let opened = flow.post("/v1/conversations", body).await;
    look("post", "/v1/conversations", &opened);
    let refused = flow.post("/v1/conversations", json!({"colour": 1})).await;
    assert_eq!(refused.status, 400);
    look("post", "/v1/conversations", &refused);
    let mut ana = flow.open().await;
    let one = "/v1/conversations/{id}";
    let sent = ana.say("when are you open").await;
    look("post", "/v1/conversations/{id}/messages", &sent);
    let pressed = ana.press("Talk to a human").await;
    look("post", "/v1/conversations/{id}/messages", &pressed);
    let (_, offer) = stream.next("offer").await;
    let state = Answer {
        status: 200,
        body: ana.state().await,
        headers: sent.headers.clone(),
    };
    look("get", one, &state);
    let at = |rest: &str| format!("/conversations/{}{rest}", ana.id);
    for (path, own) in [
        ("/me", "/v1/agent/me"),
        ("/queue", "/v1/agent/queue"),
        ("/conversations?view=all", "/v1/agent/conversations"),
        (&*at(""), "/v1/agent/conversations/{id}"),
        (&*at("/log"), "/v1/agent/conversations/{id}/log"),
        ("/follow-ups", "/v1/agent/follow-ups"),
        ("/dashboard", "/v1/agent/dashboard"),
    ] {
        let answer = mia.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {:?}", answer.body);
        look("get", own, &answer);
    }
    for (name, body) in [
        (
            "accept",
            json!({"id": "1", "reservation": offer["reservation"]}),
        ),
        ("messages", json!({"id": "2", "text": "Hello"})),
        ("notes", json!({"id": "3", "text": "difficult"})),
        ("confirm", json!({"id": "4", "reminder": 0})),
        (
            "transfer",
            json!({"id": "5", "team": "support", "reason": "again"}),
        ),
    ] {
        let answer = mia.post(&at(&format!("/{name}")), body).await;
        assert_eq!(answer.status, 200, "{name}: {:?}", answer.body);
        look(
            "post",
            &format!("/v1/agent/conversations/{{id}}/{name}"),
            &answer,
        );
    }
    // The transfer is offered anew.
    let (_, offer) = stream.next("offer").await;
    for (name, body) in [
        (
            "accept",
            json!({"id": "6", "reservation": offer["reservation"]}),
        ),
        ("confirm", json!({"id": "7", "reminder": 0})),
        ("resolve", json!({"id": "8", "summary": "done"})),
    ] {
        let answer = mia.post(&at(&format!("/{name}")), body).await;
        assert_eq!(answer.status, 200, "{name}: {:?}", answer.body);
        look(
            "post",
            &format!("/v1/agent/conversations/{{id}}/{name}"),
            &answer,
        );
    }
    look(
        "post",
        "/-/reload",
        &flow.post("/-/reload", json!({})).await,
    );
    for path in ["agents", "audit", "dead-letters"] {
        let request = flow
            .http
            .get(format!("{}/v1/admin/{path}", flow.base))
            .header("cookie", &mia.cookie);
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        look("get", &format!("/v1/admin/{path}"), &answer);
    }
    assert!(seen > 20, "{seen}");
    assert!(wrong.is_empty(), "{wrong:#?}");
    flow.stop().await;
}
