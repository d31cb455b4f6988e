//! The routes.

use crate::data::{Answered, Data, Money, Note, Reason, Refused, Store};
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The service over `store`.
pub fn router(store: Store) -> Router {
    Router::new()
        .route("/healthz", get(async || Json(json!({ "status": "ok" }))))
        .route("/orders/{id}", get(order))
        .route("/invoices/{id}", get(invoice))
        .route("/customers", get(customer))
        .route("/returns", post(start_return).get(returns))
        .route("/refunds", post(start_refund))
        .route("/password_resets", post(reset_password))
        .route("/escalations", post(note_escalation).get(escalations))
        .route("/alerts", post(alert))
        .fallback(async || refuse(404, "no such page"))
        .with_state(store)
}

async fn order(State(store): State<Store>, Path(id): Path<String>) -> Response {
    found(store.lock().orders.get(&id), || format!("no order `{id}`"))
}

async fn invoice(State(store): State<Store>, Path(id): Path<String>) -> Response {
    found(store.lock().invoices.get(&id), || {
        format!("no invoice `{id}`")
    })
}

#[derive(Deserialize)]
struct ByEmail {
    email: String,
}

async fn customer(State(store): State<Store>, Query(by): Query<ByEmail>) -> Response {
    let email = by.email.to_lowercase();
    found(store.lock().customers.get(&email), || {
        format!("no customer with the address `{email}`")
    })
}

async fn returns(State(store): State<Store>) -> Response {
    Json(&store.lock().returns).into_response()
}

async fn escalations(State(store): State<Store>) -> Response {
    Json(&store.lock().notes).into_response()
}

#[derive(Deserialize)]
struct ReturnRequest {
    order_id: String,
    reason: Reason,
}

async fn start_return(
    State(store): State<Store>,
    headers: HeaderMap,
    body: Result<Json<Value>, JsonRejection>,
) -> Response {
    once(&store, &headers, body, |data, request: ReturnRequest| {
        data.start_return(&request.order_id, request.reason)
    })
}

#[derive(Deserialize)]
struct RefundRequest {
    order_id: String,
    amount: Money,
}

async fn start_refund(
    State(store): State<Store>,
    headers: HeaderMap,
    body: Result<Json<Value>, JsonRejection>,
) -> Response {
    once(&store, &headers, body, |data, request: RefundRequest| {
        data.start_refund(&request.order_id, request.amount)
    })
}

async fn note_escalation(
    State(store): State<Store>,
    headers: HeaderMap,
    body: Result<Json<Value>, JsonRejection>,
) -> Response {
    once(&store, &headers, body, |data, note: Note| {
        data.notes.push(note);
        Ok(json!({ "notes": data.notes.len() }))
    })
}

#[derive(Deserialize)]
struct ResetRequest {
    email: String,
}

/// Answers alike whether the address is known or not, so that nobody can find out who is a customer.
async fn reset_password(
    State(store): State<Store>,
    headers: HeaderMap,
    body: Result<Json<Value>, JsonRejection>,
) -> Response {
    once(&store, &headers, body, |data, request: ResetRequest| {
        if data.customers.contains_key(&request.email.to_lowercase()) {
            data.resets += 1;
        }
        Ok(json!({ "status": "accepted" }))
    })
}

async fn alert(State(store): State<Store>) -> Response {
    let mut data = store.lock();
    data.alerts += 1;
    (StatusCode::CREATED, Json(json!({ "alerts": data.alerts }))).into_response()
}

/// Runs a change once per `Idempotency-Key`: the same key and body gets the first answer again, the same key with another body is refused.
/// Without a key the change runs each time.
fn once<T: DeserializeOwned, A: Serialize>(
    store: &Store,
    headers: &HeaderMap,
    body: Result<Json<Value>, JsonRejection>,
    change: impl FnOnce(&mut Data, T) -> Result<A, Refused>,
) -> Response {
    let Json(value) = match body {
        Ok(json) => json,
        Err(error) => return refuse(error.status().as_u16(), error.body_text()),
    };
    let request = value.to_string();
    let key = headers
        .get("idempotency-key")
        .and_then(|key| key.to_str().ok())
        .map(str::to_owned);
    let mut data = store.lock();
    if let Some(first) = key.as_ref().and_then(|key| data.answered.get(key)) {
        return if first.request == request {
            answer(first.status, first.answer.clone())
        } else {
            refuse(422, "this idempotency key was used with another body")
        };
    }
    let wanted = match serde_json::from_value::<T>(value) {
        Ok(wanted) => wanted,
        Err(error) => return refuse(422, error.to_string()),
    };
    let (status, answer_value) = match change(&mut data, wanted) {
        Ok(made) => match serde_json::to_value(made) {
            Ok(made) => (201, made),
            Err(error) => return refuse(500, error.to_string()),
        },
        Err((status, why)) => (status, json!({ "error": why })),
    };
    if let Some(key) = key {
        data.answered.insert(
            key,
            Answered {
                request,
                status,
                answer: answer_value.clone(),
            },
        );
    }
    answer(status, answer_value)
}

fn found<T: Serialize>(thing: Option<&T>, missing: impl FnOnce() -> String) -> Response {
    thing.map_or_else(
        || refuse(404, missing()),
        |thing| Json(thing).into_response(),
    )
}

fn refuse(status: u16, why: impl Into<String>) -> Response {
    answer(status, json!({ "error": why.into() }))
}

fn answer(status: u16, body: Value) -> Response {
    (
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        Json(body),
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    fn shop() -> Router {
        router(Store::seeded(jiff::civil::date(2026, 3, 2)))
    }

    async fn send(app: &Router, request: Request<Body>) -> (u16, Value) {
        let response = app.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = to_bytes(response.into_body(), 64 * 1024).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    async fn read(app: &Router, path: &str) -> (u16, Value) {
        send(app, Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn write(app: &Router, path: &str, key: Option<&str>, body: Value) -> (u16, Value) {
        let mut request = Request::post(path).header("content-type", "application/json");
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        send(app, request.body(Body::from(body.to_string())).unwrap()).await
    }

    #[tokio::test]
    async fn an_order_fits_the_bots_record() {
        let expected = json!({
            "id": "AB-123456", "status": "shipped", "eta": "2026-03-04", "total": { "amount": "30.00", "currency": "USD" }
        });
        assert_eq!(read(&shop(), "/orders/AB-123456").await, (200, expected));
    }

    #[tokio::test]
    async fn there_is_an_order_of_every_status() {
        let app = shop();
        for (id, status) in [
            ("AB-123456", "shipped"),
            ("AB-345678", "processing"),
            ("AB-456789", "delivered"),
            ("AB-567890", "cancelled"),
        ] {
            assert_eq!(
                read(&app, &format!("/orders/{id}")).await.1["status"],
                status,
                "{id}"
            );
        }
        assert_eq!(read(&app, "/orders/AB-234567").await.1["eta"], Value::Null);
    }

    #[tokio::test]
    async fn what_is_unknown_is_404_with_a_sentence() {
        let app = shop();
        assert_eq!(
            read(&app, "/orders/ZZ-000000").await,
            (404, json!({ "error": "no order `ZZ-000000`" }))
        );
        assert_eq!(read(&app, "/invoices/INV-00000").await.0, 404);
        assert_eq!(
            read(&app, "/customers?email=nobody@example.com").await.0,
            404
        );
        assert_eq!(read(&app, "/nowhere").await.0, 404);
    }

    #[tokio::test]
    async fn a_profile_is_found_by_email_in_any_case() {
        let (status, profile) = read(&shop(), "/customers?email=Ana%40example.com").await;
        assert_eq!(
            (status, &profile["name"], &profile["plan"]),
            (200, &json!("Ana Silva"), &json!("pro"))
        );
        assert_eq!(
            profile["arr"],
            json!({ "amount": "1200.00", "currency": "USD" })
        );
    }

    #[tokio::test]
    async fn a_return_is_made_once_per_key() {
        let app = shop();
        let body = json!({ "order_id": "AB-456789", "reason": "damaged" });
        let first = write(&app, "/returns", Some("k1"), body.clone()).await;
        assert_eq!((first.0, &first.1["id"]), (201, &json!("RT-00001")));
        assert_eq!(
            write(&app, "/returns", Some("k1"), body.clone()).await,
            first
        );
        assert_eq!(read(&app, "/returns").await.1.as_array().unwrap().len(), 1);
        let other = json!({ "order_id": "CD-111111", "reason": "damaged" });
        assert_eq!(write(&app, "/returns", Some("k1"), other).await.0, 422);
        assert_eq!(
            write(&app, "/returns", Some("k2"), body).await.1["id"],
            "RT-00002"
        );
    }

    #[tokio::test]
    async fn what_cannot_be_returned_is_refused() {
        let app = shop();
        let shipped = json!({ "order_id": "AB-123456", "reason": "changed_mind" });
        assert_eq!(write(&app, "/returns", None, shipped).await.0, 409);
        let nowhere = json!({ "order_id": "ZZ-000000", "reason": "changed_mind" });
        assert_eq!(write(&app, "/returns", None, nowhere).await.0, 404);
        let no_reason = json!({ "order_id": "AB-456789", "reason": "bored" });
        assert_eq!(write(&app, "/returns", None, no_reason).await.0, 422);
        let not_json = Request::post("/returns").header("content-type", "application/json");
        assert_eq!(
            send(&app, not_json.body(Body::from("{")).unwrap()).await.0,
            400
        );
        assert_eq!(read(&app, "/returns").await.1, json!([]));
    }

    #[tokio::test]
    async fn refunds_stay_within_the_price() {
        let app = shop();
        let refund = |cents: &str| json!({ "order_id": "AB-456789", "amount": { "amount": cents, "currency": "USD" } });
        assert_eq!(
            write(&app, "/refunds", None, refund("40.00")).await.1["id"],
            "RF-00001"
        );
        assert_eq!(write(&app, "/refunds", None, refund("9.91")).await.0, 409);
        assert_eq!(write(&app, "/refunds", None, refund("9.90")).await.0, 201);
        let euros =
            json!({ "order_id": "CD-222222", "amount": { "amount": 5, "currency": "EUR" } });
        assert_eq!(write(&app, "/refunds", None, euros).await.0, 409);
    }

    #[tokio::test]
    async fn an_escalation_is_noted_once_per_key() {
        let app = shop();
        let note = json!({ "email": "ana@example.com", "why": "The customer is frustrated" });
        assert_eq!(
            write(&app, "/escalations", Some("e1"), note.clone())
                .await
                .0,
            201
        );
        assert_eq!(
            write(&app, "/escalations", Some("e1"), note.clone())
                .await
                .0,
            201
        );
        assert_eq!(read(&app, "/escalations").await.1, json!([note]));
    }

    #[tokio::test]
    async fn a_reset_tells_nothing_about_who_is_a_customer() {
        let app = shop();
        let known = write(
            &app,
            "/password_resets",
            None,
            json!({ "email": "ana@example.com" }),
        )
        .await;
        let unknown = write(
            &app,
            "/password_resets",
            None,
            json!({ "email": "nobody@example.com" }),
        )
        .await;
        assert_eq!(known, unknown);
    }

    #[tokio::test]
    async fn it_says_that_it_is_well() {
        assert_eq!(
            read(&shop(), "/healthz").await,
            (200, json!({ "status": "ok" }))
        );
    }
}
