//! Values on their way into a script and back: text, enum, date, time and datetime are strings (ISO 8601), number and percent floats (70% is
//! 0.7), duration seconds, money `#{ amount, currency }`, a list an array, a record a map, unknown `()`.

use flow_compiler::machine::Machine;
use flow_compiler::value::{Type, Value};
use rhai::{Dynamic, Map};
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Value as Json, json};

/// Into a script.
pub(crate) fn to_script(value: &Value) -> Dynamic {
    match value {
        Value::Unknown => Dynamic::UNIT,
        Value::Bool(b) => (*b).into(),
        Value::Number(n) | Value::Percent(n) => (*n).into(),
        Value::Text(s) | Value::Enum(s) => s.to_string().into(),
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a duration are far below 2^52")]
        Value::Duration(ms) => (*ms as f64 / 1000.0).into(),
        Value::Money(m) => {
            let mut map = Map::new();
            map.insert("amount".into(), m.amount.to_f64().unwrap_or(f64::NAN).into());
            map.insert("currency".into(), m.currency.to_string().into());
            map.into()
        }
        Value::Date(d) => d.to_string().into(),
        Value::Time(t) => t.to_string().into(),
        Value::DateTime(t) => t.to_string().into(),
        Value::Record(fields) => fields.iter().map(|(k, v)| (k.as_str().into(), to_script(v))).collect::<Map>().into(),
        Value::List(items) => items.iter().map(to_script).collect::<Vec<Dynamic>>().into(),
        Value::File(f) => {
            let mut map = Map::new();
            map.insert("name".into(), f.name.to_string().into());
            map.insert("url".into(), f.url.to_string().into());
            map.insert("mime".into(), f.mime.to_string().into());
            #[expect(clippy::cast_precision_loss, reason = "a file's size is far below 2^52")]
            map.insert("bytes".into(), (f.bytes as f64).into());
            map.into()
        }
    }
}

/// The profile as a script sees it: every declared field is there, `()` where it is unknown.
pub(crate) fn customer_to_script(machine: &Machine, value: &Value) -> Dynamic {
    let mut map = Map::new();
    for field in &machine.customer {
        let known = match value {
            Value::Record(fields) => fields.get(&field.name).map_or(Dynamic::UNIT, to_script),
            _ => Dynamic::UNIT,
        };
        map.insert(field.name.as_str().into(), known);
    }
    map.into()
}

/// Back from a script, by the declared type.
///
/// # Errors
/// If it is of another type, in words.
pub(crate) fn from_script(machine: &Machine, ty: &Type, optional: bool, found: &Dynamic) -> Result<Value, String> {
    if found.is_unit() {
        return if optional { Ok(Value::Unknown) } else { Err("it returned nothing".to_owned()) };
    }
    let json = to_json(found, 0)?;
    flow_engine::json::from_json(machine, ty, &json).map_err(|e| format!("what it returned does not fit: {e}"))
}

fn to_json(found: &Dynamic, depth: usize) -> Result<Json, String> {
    if depth > 16 {
        return Err("what it returned is nested too deeply".to_owned());
    }
    if found.is_unit() {
        return Ok(Json::Null);
    }
    if let Ok(b) = found.as_bool() {
        return Ok(json!(b));
    }
    if let Ok(n) = found.as_int() {
        return Ok(json!(n));
    }
    if let Ok(n) = found.as_float() {
        return Ok(json!(n));
    }
    if let Ok(c) = found.as_char() {
        return Ok(json!(c.to_string()));
    }
    if let Ok(s) = found.as_immutable_string_ref() {
        return Ok(json!(s.as_str()));
    }
    if let Ok(items) = found.as_array_ref() {
        return Ok(Json::Array(items.iter().map(|i| to_json(i, depth + 1)).collect::<Result<_, _>>()?));
    }
    if let Ok(map) = found.as_map_ref() {
        return Ok(Json::Object(map.iter().map(|(k, v)| Ok((k.to_string(), to_json(v, depth + 1)?))).collect::<Result<_, String>>()?));
    }
    Err(format!("it returned a {}, which is no value of the language", found.type_name()))
}
