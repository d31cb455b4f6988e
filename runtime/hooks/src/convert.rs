//! Values to Rhai and back. Text, enum, date, time and datetime are strings (ISO 8601), number and percent floats, a duration seconds,
//! money `#{ amount, currency }`, a list an array, a record a map, the unknown `()`.

use crate::sandbox;
use flow_compiler::machine::Machine;
use flow_compiler::value::{Money, Type, Value};
use rhai::{Array, Dynamic, Map};
use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::sync::Arc;

fn text(text: &str) -> Result<Dynamic, String> {
    if text.len() > sandbox::TEXT {
        return Err(format!(
            "a text of {} bytes is too long for a hook",
            text.len()
        ));
    }
    Ok(Dynamic::from(text.to_owned()))
}

/// A value for a script.
pub(crate) fn to_dynamic(value: &Value, depth: usize) -> Result<Dynamic, String> {
    if depth > sandbox::DEPTH {
        return Err("a value is nested too deep for a hook".to_owned());
    }
    Ok(match value {
        Value::Unknown => Dynamic::UNIT,
        Value::Bool(b) => Dynamic::from(*b),
        Value::Number(n) | Value::Percent(n) => Dynamic::from(*n),
        Value::Text(s) | Value::Enum(s) => text(s)?,
        #[expect(
            clippy::cast_precision_loss,
            reason = "durations are far below 2^53 milliseconds"
        )]
        Value::Duration(millis) => Dynamic::from(*millis as f64 / 1000.0),
        Value::Money(money) => {
            let amount = money
                .amount
                .to_f64()
                .ok_or("an amount is too large for a hook")?;
            let fields = [
                ("amount", Dynamic::from(amount)),
                ("currency", text(&money.currency)?),
            ];
            Dynamic::from_map(
                fields
                    .into_iter()
                    .map(|(name, v)| (name.into(), v))
                    .collect(),
            )
        }
        Value::Date(date) => text(&date.to_string())?,
        Value::Time(time) => text(&time.to_string())?,
        Value::DateTime(at) => text(&at.to_string())?,
        Value::Record(fields) => {
            let fields = fields
                .iter()
                .map(|(name, v)| Ok((name.as_str().into(), to_dynamic(v, depth + 1)?)));
            Dynamic::from_map(fields.collect::<Result<Map, String>>()?)
        }
        Value::List(items) if items.len() > sandbox::LIST => {
            return Err(format!(
                "a list of {} items is too long for a hook",
                items.len()
            ));
        }
        Value::List(items) => Dynamic::from_array(
            items
                .iter()
                .map(|v| to_dynamic(v, depth + 1))
                .collect::<Result<Array, String>>()?,
        ),
        Value::File(file) => {
            #[expect(clippy::cast_precision_loss, reason = "files are far below 2^53 bytes")]
            let fields = [
                ("name", text(&file.name)?),
                ("mime", text(&file.mime)?),
                ("bytes", Dynamic::from(file.bytes as f64)),
            ];
            Dynamic::from_map(
                fields
                    .into_iter()
                    .map(|(name, v)| (name.into(), v))
                    .collect(),
            )
        }
    })
}

/// The profile for a script: every declared field is there, `()` where it is unknown.
pub(crate) fn customer(machine: &Machine, value: &Value) -> Result<Dynamic, String> {
    let known = |name: &SmolStr| match value {
        Value::Record(fields) => fields
            .get(name)
            .map_or(Ok(Dynamic::UNIT), |v| to_dynamic(v, 1)),
        _ => Ok(Dynamic::UNIT),
    };
    let fields = machine
        .customer
        .iter()
        .map(|def| Ok((def.name.as_str().into(), known(&def.name)?)));
    Ok(Dynamic::from_map(fields.collect::<Result<Map, String>>()?))
}

/// What a script answered, as a value of the declared type.
pub(crate) fn from_dynamic(
    machine: &Machine,
    value: &Dynamic,
    ty: &Type,
    depth: usize,
) -> Result<Value, String> {
    if depth > sandbox::DEPTH {
        return Err("it returned something nested too deep".to_owned());
    }
    if value.is_unit() {
        return Ok(Value::Unknown);
    }
    let wrong = |wanted: &str| format!("it returned {}; expected {wanted}", kind(value));
    let string = || {
        value
            .read_lock::<rhai::ImmutableString>()
            .map(|s| SmolStr::new(s.as_str()))
    };
    let float = || {
        value
            .as_float()
            .ok()
            .or_else(|| value.as_int().ok().and_then(|n| n.to_f64()))
            .filter(|n| n.is_finite())
    };
    Ok(match ty {
        Type::Bool => Value::Bool(value.as_bool().map_err(|_| wrong("true or false"))?),
        Type::Number => Value::Number(float().ok_or_else(|| wrong("a number"))?),
        Type::Percent => Value::Percent(float().ok_or_else(|| wrong("a fraction"))?),
        Type::Duration => {
            #[expect(clippy::cast_possible_truncation, reason = "the cast saturates")]
            let millis = (float().ok_or_else(|| wrong("seconds"))? * 1000.0).round() as i64;
            Value::Duration(millis)
        }
        Type::Text | Type::Email | Type::Phone | Type::Url => {
            Value::Text(string().ok_or_else(|| wrong("a text"))?)
        }
        Type::Date => Value::Date(
            string()
                .and_then(|s| s.parse().ok())
                .ok_or_else(|| wrong("a date like 2026-12-25"))?,
        ),
        Type::Time => Value::Time(
            string()
                .and_then(|s| s.parse().ok())
                .ok_or_else(|| wrong("a time like 09:30"))?,
        ),
        Type::DateTime => Value::DateTime(
            string()
                .and_then(|s| s.parse().ok())
                .ok_or_else(|| wrong("an instant like 2026-12-25T09:30:00Z"))?,
        ),
        Type::Money => money(value).ok_or_else(|| wrong("#{ amount, currency }"))?,
        Type::Enum(id) => {
            let name = string().ok_or_else(|| wrong("the name of a value"))?;
            let def = machine.enum_def(*id).ok_or("its enum is gone")?;
            if !def.values.contains(&name) {
                return Err(format!(
                    "it returned `{name}`, which `{}` does not have",
                    def.name
                ));
            }
            Value::Enum(name)
        }
        Type::Domain(_) => Value::Enum(string().ok_or_else(|| wrong("a name"))?),
        Type::Record(id) => {
            let map = value.read_lock::<Map>().ok_or_else(|| wrong("a map"))?;
            let def = machine.record_def(*id).ok_or("its record is gone")?;
            let mut fields = BTreeMap::new();
            for field in &def.fields {
                let found = match map.get(field.name.as_str()) {
                    Some(found) => from_dynamic(machine, found, &field.ty, depth + 1)?,
                    None => Value::Unknown,
                };
                if !found.is_known() && !field.optional {
                    return Err(format!("what it returned lacks `{}`", field.name));
                }
                fields.insert(field.name.clone(), found);
            }
            Value::Record(Arc::new(fields))
        }
        Type::List(of) => {
            let items = value
                .read_lock::<Array>()
                .ok_or_else(|| wrong("an array"))?;
            if items.len() > sandbox::LIST {
                return Err("its list is too long".to_owned());
            }
            Value::List(Arc::new(
                items
                    .iter()
                    .map(|item| from_dynamic(machine, item, of, depth + 1))
                    .collect::<Result<_, _>>()?,
            ))
        }
        Type::File | Type::Customer | Type::Error => {
            return Err("a hook cannot return this type".to_owned());
        }
    })
}

fn money(value: &Dynamic) -> Option<Value> {
    let map = value.read_lock::<Map>()?;
    let amount = map.get("amount")?;
    let amount = match amount.as_int() {
        Ok(whole) => Decimal::from(whole),
        Err(_) => Decimal::from_f64(amount.as_float().ok()?)?,
    };
    let currency = map
        .get("currency")?
        .read_lock::<rhai::ImmutableString>()
        .map(|s| SmolStr::new(s.as_str()))?;
    Some(Value::Money(Money { amount, currency }))
}

/// What a script's value is, in words.
fn kind(value: &Dynamic) -> &'static str {
    match value {
        v if v.is_bool() => "true or false",
        v if v.is_int() || v.is_float() => "a number",
        v if v.is_string() || v.is_char() => "a text",
        v if v.is_array() => "an array",
        v if v.is_map() => "a map",
        _ => "something else",
    }
}

/// Whether an argument is of its parameter's type. Records are checked by what they have, so that a part of the customer may be unknown.
pub(crate) fn check(machine: &Machine, value: &Value, ty: &Type) -> Result<(), String> {
    let fits = match (ty, value) {
        (Type::Text | Type::Email | Type::Phone | Type::Url, Value::Text(_) | Value::Enum(_))
        | (Type::Number, Value::Number(_))
        | (Type::Bool, Value::Bool(_))
        | (Type::Percent, Value::Percent(_))
        | (Type::Duration, Value::Duration(_))
        | (Type::Date, Value::Date(_))
        | (Type::Time, Value::Time(_))
        | (Type::DateTime, Value::DateTime(_))
        | (Type::Money, Value::Money(_))
        | (Type::File, Value::File(_))
        | (Type::Domain(_), Value::Enum(_))
        | (Type::Customer | Type::Record(_), Value::Record(_))
        | (Type::Error, _) => true,
        (Type::Enum(id), Value::Enum(name)) => machine
            .enum_def(*id)
            .is_some_and(|def| def.values.contains(name)),
        (Type::List(of), Value::List(items)) => {
            return items
                .iter()
                .filter(|v| v.is_known())
                .try_for_each(|item| check(machine, item, of));
        }
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err("the value has another type than declared".to_owned())
    }
}
