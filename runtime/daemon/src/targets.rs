//! Alerts of `targets`: once a minute the numbers of the window are looked at; when an alert begins to hold, its webhook is called, once,
//! until it has ceased to hold. Which ones hold is kept in the store, so a restart calls nobody again.

use crate::app::App;
use crate::metrics::count;
use crate::program::Program;
use flow_compiler::machine::{Expr, ExprKind, Machine, TargetLine, TextPart, Webhook};
use flow_compiler::value::{TextId, Value};
use flow_engine::effect::{HttpRequest, RequestPart};
use flow_engine::json::to_json;
use flow_grammar::ast::{BinaryOp, Method};
use flow_store::{
    Dashboard, DashboardQuery, Percentiles, Service, StoreError, TierCount, TierService,
};
use jiff::SignedDuration;
use serde_json::{Map, Value as Json, json};
use smol_str::SmolStr;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Between two looks.
const LOOK: Duration = Duration::from_secs(60);
/// The window of an alert that names none, milliseconds.
const DAY: i64 = 24 * 3600 * 1000;

/// Looks until the daemon ends.
pub(crate) async fn run(app: Arc<App>) {
    loop {
        tokio::time::sleep(LOOK).await;
        app.look_at_targets().await;
    }
}

impl App {
    /// Looks at all alerts of the running bot and calls what begins to hold.
    pub async fn look_at_targets(&self) {
        let Some(program) = self.programs.current() else {
            return;
        };
        let machine = program.engine.machine();
        if machine.targets.iter().all(|t| t.alert.is_none()) {
            return;
        }
        if let Err(error) = self.look(&program).await {
            tracing::warn!(%error, "the targets could not be looked at");
        }
    }

    async fn look(&self, program: &Program) -> Result<(), StoreError> {
        let machine = program.engine.machine();
        let held: BTreeSet<String> = self.store.alerted().await?.into_iter().collect();
        let mut holding = BTreeSet::new();
        for line in &machine.targets {
            let Some(webhook) = line.alert.and_then(|id| machine.webhook(id)) else {
                continue;
            };
            let Some((value, bound)) = self.measure(machine, line).await? else {
                continue;
            };
            let words = words(machine, line);
            let id = format!("{} {words}", webhook.name);
            if !compare(line.op, value, bound) {
                continue;
            }
            holding.insert(id.clone());
            if held.contains(&id) {
                continue;
            }
            let request = request(machine, webhook, line, &words, value, bound, self);
            match self.call_alert(&webhook.name, &request).await {
                Ok(()) => {
                    count(&self.metrics.target_alerts);
                    tracing::info!(alert = words, webhook = %webhook.name, "a target's alert was called");
                    self.store.alert(&id, Some(self.clock.now())).await?;
                }
                // Tried again at the next look.
                Err(error) => {
                    tracing::warn!(error, alert = words, "a target's alert failed");
                }
            }
        }
        for id in held.difference(&holding) {
            self.store.alert(id, None).await?;
        }
        Ok(())
    }

    /// The number and its bound, in the same unit; `None`: nothing to measure in the window.
    async fn measure(
        &self,
        machine: &Machine,
        line: &TargetLine,
    ) -> Result<Option<(f64, f64)>, StoreError> {
        let over = SignedDuration::from_millis(line.over.unwrap_or(DAY));
        let since = self.clock.now().checked_sub(over);
        let query = DashboardQuery {
            since: since.unwrap_or(jiff::Timestamp::MIN),
            tiers: machine.tiers.iter().map(|t| t.name.clone()).collect(),
        };
        let numbers = self.store.dashboard(query.clone()).await?;
        if numbers.conversations == 0 {
            return Ok(None);
        }
        let ExprKind::Const(bound) = &line.value.kind else {
            return Ok(None);
        };
        let service = self.store.service(query).await?;
        Ok(number(machine, line, &numbers, &service).zip(plain(bound)))
    }
}

/// A value as a number: seconds for durations, the amount for money.
fn plain(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) | Value::Percent(n) => Some(*n),
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52 milliseconds")]
        Value::Duration(ms) => Some(*ms as f64 / 1000.0),
        Value::Money(money) => f64::try_from(money.amount).ok(),
        _ => None,
    }
}

/// The metric's number; waits, first replies and handling times are medians. `None`: there was nothing to measure.
fn number(
    machine: &Machine,
    line: &TargetLine,
    numbers: &Dashboard,
    service: &Service,
) -> Option<f64> {
    let tier = line.of.and_then(|id| machine.tier(id)).map(|t| &t.name);
    let score = |survey: &str| {
        let found = numbers.scores.iter().find(|s| s.survey == survey);
        found.map(|s| s.mean)
    };
    let share = |of: fn(&TierCount) -> f64| {
        let tier = numbers.tiers.iter().find(|t| Some(&t.tier) == tier)?;
        (tier.touched > 0).then(|| of(tier))
    };
    let times = |of: fn(&TierService) -> Percentiles| {
        let tier = service.tiers.iter().find(|t| Some(&t.tier) == tier)?;
        of(tier).p50
    };
    match line.metric.as_str() {
        "containment" => share(|t| t.containment),
        "resolution" => share(|t| t.resolution),
        "handoff_rate" => Some(numbers.handoff_rate),
        "abandonment" => Some(numbers.abandonment),
        "wait" => times(|t| t.wait_seconds),
        "first_reply" => times(|t| t.first_reply_seconds),
        "handle_time" => times(|t| t.handle_seconds),
        "context_completeness" => service.context_completeness,
        "repeat_rate" => Some(service.repeat_rate),
        "csat" => score("csat"),
        "effort" => score("effort"),
        "handoff_score" => score("handoff"),
        #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
        "cost" => {
            let cost = |name: &SmolStr| {
                let tier = machine.tiers.iter().find(|t| t.name == *name)?;
                f64::try_from(tier.cost.as_ref()?.amount).ok()
            };
            let total: f64 = numbers
                .tiers
                .iter()
                .filter_map(|t| Some(cost(&t.tier)? * t.touched as f64))
                .sum();
            Some(total / numbers.conversations as f64)
        }
        _ => None,
    }
}

fn compare(op: BinaryOp, value: f64, bound: f64) -> bool {
    match op {
        BinaryOp::Lt => value < bound,
        BinaryOp::Le => value <= bound,
        BinaryOp::Gt => value > bound,
        BinaryOp::Ge => value >= bound,
        _ => false,
    }
}

/// The alert as its author wrote it.
fn words(machine: &Machine, line: &TargetLine) -> String {
    let of = line.of.and_then(|id| machine.tier(id));
    let of = of.map_or_else(String::new, |t| format!(" of {}", t.name));
    let op = match line.op {
        BinaryOp::Lt => "<",
        BinaryOp::Le => "<=",
        BinaryOp::Gt => ">",
        _ => ">=",
    };
    let bound = match &line.value.kind {
        ExprKind::Const(Value::Percent(p)) => format!("{}%", (p * 1000.0).round() / 10.0),
        ExprKind::Const(Value::Duration(ms)) => format!("{}s", ms / 1000),
        ExprKind::Const(Value::Money(m)) => format!("{} {}", m.amount, m.currency),
        ExprKind::Const(value) => plain(value).map_or_else(String::new, |n| n.to_string()),
        _ => String::new(),
    };
    let over = line.over.unwrap_or(DAY) / 1000;
    format!("{}{of} {op} {bound} over {over}s", line.metric)
}

fn request(
    machine: &Machine,
    webhook: &Webhook,
    line: &TargetLine,
    words: &str,
    value: f64,
    bound: f64,
    app: &App,
) -> HttpRequest {
    let now = app.clock.now();
    let method = match webhook.method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
    };
    let safe = webhook.method == Method::Get;
    let body = (!safe).then(|| {
        let fixed = webhook.send.iter().flatten();
        let mut body: Map<String, Json> = fixed
            .filter_map(|(name, expr)| Some((name.to_string(), constant(machine, expr)?)))
            .collect();
        let alert = json!({
            "text": words,
            "metric": line.metric,
            "tier": line.of.and_then(|id| machine.tier(id)).map(|t| &t.name),
            "value": value,
            "bound": bound,
            "window_seconds": line.over.unwrap_or(DAY) / 1000,
            "at": now,
            "bot": machine.bot.title,
        });
        body.insert("alert".to_owned(), alert);
        Json::Object(body)
    });
    let key = blake3::hash(format!("{words}\n{}", now.as_millisecond()).as_bytes());
    HttpRequest {
        method: SmolStr::new_static(method),
        url: parts(machine, webhook.url),
        headers: webhook
            .headers
            .iter()
            .map(|(name, value)| (parts(machine, *name), parts(machine, *value)))
            .collect(),
        body,
        timeout: webhook.timeout,
        retry: webhook.retry,
        idempotency_key: webhook
            .idempotent
            .then(|| SmolStr::new(key.to_hex().as_str())),
        signed: webhook.signed.clone(),
    }
}

/// A literal of `send`; an alert belongs to no conversation, so there is nothing else.
fn constant(machine: &Machine, expr: &Expr) -> Option<Json> {
    match &expr.kind {
        ExprKind::Const(value) => Some(to_json(value)),
        ExprKind::Text(id) => {
            let variant = machine.text(*id)?.variants.first()?;
            let words = variant.parts.iter().map(|part| match part {
                TextPart::Str(text) => Some(text.as_str()),
                TextPart::Expr(_) => None,
            });
            words.collect::<Option<String>>().map(Json::from)
        }
        _ => None,
    }
}

fn parts(machine: &Machine, text: TextId) -> Vec<RequestPart> {
    let variant = machine.text(text).and_then(|t| t.variants.first());
    let parts = variant.map(|v| v.parts.as_slice()).unwrap_or_default();
    parts
        .iter()
        .filter_map(|part| match part {
            TextPart::Str(text) => Some(RequestPart::Text(text.to_string())),
            TextPart::Expr(expr) => match &expr.kind {
                ExprKind::Env(name) => Some(RequestPart::Env(name.clone())),
                ExprKind::Secret(name) => Some(RequestPart::Secret(name.clone())),
                _ => None,
            },
        })
        .collect()
}
