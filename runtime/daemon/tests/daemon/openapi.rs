//! The OpenAPI document and the routes say the same.

use crate::common::World;
use reqwest::Method;
use serde_json::{Value, json};

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
