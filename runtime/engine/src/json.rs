//! Values as plain JSON, as webhooks and models write and read it: an answer is read by the type that was declared for it.
//!
//! Texts, enums, dates and times are strings (ISO 8601), numbers numbers, percents fractions (70% is 0.7), durations seconds, money
//! `{"amount": "30.00", "currency": "USD"}`, lists arrays, records objects, unknown `null` or an absent field.

use flow_compiler::machine::{ExprKind, Machine};
use flow_compiler::value::{FileValue, Money, Type, Value};
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

/// Reads a value of a type. Fields that the record lacks are ignored; `null` is unknown.
///
/// # Errors
/// What does not fit and where, in words: "`status`: `lost` is no `order_status`".
pub fn from_json(machine: &Machine, ty: &Type, json: &Json) -> Result<Value, String> {
    if json.is_null() {
        return Ok(Value::Unknown);
    }
    let text = || json.as_str().map(SmolStr::new);
    let wrong = |what: &str| match kind(json) {
        // The kind is right, the value is not.
        "a text" => format!("expected {what}, found another text"),
        found => format!("expected {what}, found {found}"),
    };
    Ok(match ty {
        Type::Text | Type::Email | Type::Phone | Type::Url => match json {
            Json::String(s) => Value::text(s.as_str()),
            Json::Number(n) => Value::text(n.to_string()),
            _ => return Err(wrong("a text")),
        },
        Type::Number => Value::Number(number(json).ok_or_else(|| wrong("a number"))?),
        Type::Percent => {
            Value::Percent(number(json).ok_or_else(|| wrong("a fraction, 0.7 for 70%"))?)
        }
        Type::Bool => Value::Bool(json.as_bool().ok_or_else(|| wrong("true or false"))?),
        Type::Duration => {
            let seconds = number(json).ok_or_else(|| wrong("seconds"))?;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a float to integer cast saturates"
            )]
            Value::Duration((seconds * 1000.0) as i64)
        }
        Type::Date => Value::Date(
            text()
                .and_then(|s| s.get(..10).and_then(|d| d.parse().ok()))
                .ok_or_else(|| wrong("a date, 2026-12-25"))?,
        ),
        Type::Time => Value::Time(
            text()
                .and_then(|s| s.parse().ok())
                .ok_or_else(|| wrong("a time, 09:30"))?,
        ),
        Type::DateTime => Value::DateTime(
            instant(machine, json).ok_or_else(|| wrong("a time, 2026-12-25T09:30:00Z"))?,
        ),
        Type::Money => Value::Money(
            money(json)
                .ok_or_else(|| wrong("money, {\"amount\": \"30.00\", \"currency\": \"USD\"}"))?,
        ),
        Type::File => {
            Value::File(file(json).ok_or_else(|| wrong("a file, {\"name\": .., \"url\": ..}"))?)
        }
        Type::Enum(id) => {
            let name = text().ok_or_else(|| wrong("a text"))?;
            let def = machine.enum_def(*id);
            if def.is_some_and(|d| d.values.contains(&name)) {
                Value::Enum(name)
            } else {
                return Err(format!(
                    "`{name}` is no `{}`",
                    def.map(|d| d.name.as_str()).unwrap_or_default()
                ));
            }
        }
        Type::Domain(_) => Value::Enum(text().ok_or_else(|| wrong("a text"))?),
        Type::List(inner) => {
            let items = json.as_array().ok_or_else(|| wrong("a list"))?;
            let values: Result<Vec<Value>, String> = items
                .iter()
                .enumerate()
                .map(|(i, item)| {
                    from_json(machine, inner, item).map_err(|e| format!("item {}: {e}", i + 1))
                })
                .collect();
            Value::List(Arc::new(values?))
        }
        Type::Record(id) => {
            let object = json.as_object().ok_or_else(|| wrong("an object"))?;
            let mut fields = BTreeMap::new();
            for field in machine
                .record_def(*id)
                .map(|r| r.fields.as_slice())
                .unwrap_or_default()
            {
                let mut value = match object.get(field.name.as_str()) {
                    Some(found) => from_json(machine, &field.ty, found)
                        .map_err(|e| format!("`{}`: {e}", field.name))?,
                    None => Value::Unknown,
                };
                if !value.is_known()
                    && let Some(ExprKind::Const(default)) = field.default.as_ref().map(|d| &d.kind)
                {
                    value = default.clone();
                }
                if !value.is_known() && !field.optional {
                    return Err(format!("`{}` is missing", field.name));
                }
                fields.insert(field.name.clone(), value);
            }
            Value::Record(Arc::new(fields))
        }
        Type::Customer => {
            let object = json.as_object().ok_or_else(|| wrong("an object"))?;
            let mut fields = BTreeMap::new();
            for field in &machine.customer {
                if let Some(found) = object.get(field.name.as_str()) {
                    fields.insert(
                        field.name.clone(),
                        from_json(machine, &field.ty, found)
                            .map_err(|e| format!("`{}`: {e}", field.name))?,
                    );
                }
            }
            Value::Record(Arc::new(fields))
        }
        Type::Error => Value::Unknown,
    })
}

/// Writes a value.
#[must_use]
pub fn to_json(value: &Value) -> Json {
    match value {
        Value::Unknown => Json::Null,
        Value::Bool(b) => json!(b),
        Value::Number(n) | Value::Percent(n) => json!(n),
        Value::Text(s) | Value::Enum(s) => json!(s),
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds of a duration are far below 2^52"
        )]
        Value::Duration(ms) => json!(*ms as f64 / 1000.0),
        Value::Money(m) => json!({ "amount": m.amount.to_string(), "currency": m.currency }),
        Value::Date(d) => json!(d.to_string()),
        Value::Time(t) => json!(t.to_string()),
        Value::DateTime(t) => json!(t.to_string()),
        Value::Record(fields) => Json::Object(
            fields
                .iter()
                .filter(|(_, v)| v.is_known())
                .map(|(k, v)| (k.to_string(), to_json(v)))
                .collect(),
        ),
        Value::List(items) => Json::Array(items.iter().map(to_json).collect()),
        Value::File(f) => json!({ "name": f.name, "url": f.url, "mime": f.mime, "bytes": f.bytes }),
    }
}

fn number(json: &Json) -> Option<f64> {
    json.as_f64()
        .or_else(|| json.as_str().and_then(|s| s.parse().ok()))
        .filter(|n: &f64| n.is_finite())
}

fn money(json: &Json) -> Option<Money> {
    let amount = match json.get("amount")? {
        Json::String(s) => Decimal::from_str(s).ok()?,
        Json::Number(n) => Decimal::from_str(&n.to_string())
            .or_else(|_| Decimal::from_scientific(&n.to_string()))
            .ok()?,
        _ => return None,
    };
    let currency = json.get("currency")?.as_str()?;
    (currency.len() == 3 && currency.chars().all(|c| c.is_ascii_uppercase())).then(|| Money {
        amount,
        currency: currency.into(),
    })
}

fn file(json: &Json) -> Option<FileValue> {
    let text = |key: &str| json.get(key).and_then(Json::as_str).map(SmolStr::new);
    Some(FileValue {
        name: text("name")?,
        url: text("url").unwrap_or_default(),
        mime: text("mime").unwrap_or_default(),
        bytes: json.get("bytes").and_then(Json::as_u64).unwrap_or(0),
    })
}

/// An instant; a local time is one of the bot's time zone.
fn instant(machine: &Machine, json: &Json) -> Option<jiff::Timestamp> {
    let text = json.as_str()?;
    text.parse().ok().or_else(|| {
        let zone = jiff::tz::TimeZone::get(&machine.bot.timezone).ok()?;
        let local: jiff::civil::DateTime = text.parse().ok()?;
        zone.to_ambiguous_timestamp(local).compatible().ok()
    })
}

/// What kind of value it is, for a message. Not the value itself: messages come into logs, and it may be somebody's.
const fn kind(json: &Json) -> &'static str {
    match json {
        Json::Null => "nothing",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}
