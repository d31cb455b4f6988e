//! Payloads and schemas: the edges where JSON of others meets declared types.

use flow_compiler::machine::{Machine, Trigger};
use flow_compiler::value::{Type, Value};
use flow_engine::json::from_json;
use serde_json::{Value as Json, json};
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// The payload of a trigger.
///
/// # Errors
/// Where it does not fit its declaration.
pub fn payload(
    machine: &Machine,
    trigger: &Trigger,
    json: &Json,
) -> Result<BTreeMap<SmolStr, Value>, String> {
    let object = json.as_object().ok_or("the payload is no object")?;
    let mut out = BTreeMap::new();
    for field in &trigger.payload {
        match object.get(field.name.as_str()).filter(|v| !v.is_null()) {
            Some(value) => {
                let value = from_json(machine, &field.ty, value)
                    .map_err(|e| format!("`{}`: {e}", field.name))?;
                out.insert(field.name.clone(), value);
            }
            None if field.optional || field.default.is_some() => {}
            None => return Err(format!("`{}` is missing", field.name)),
        }
    }
    Ok(out)
}

/// The JSON schema of a type, for models.
#[must_use]
pub(crate) fn schema(machine: &Machine, ty: &Type) -> Json {
    match ty {
        Type::Number => json!({"type": "number"}),
        Type::Percent => json!({"type": "number", "description": "a fraction: 70% is 0.7"}),
        Type::Duration => json!({"type": "number", "description": "seconds"}),
        Type::Bool => json!({"type": "boolean"}),
        Type::Date => json!({"type": "string", "description": "a date, YYYY-MM-DD"}),
        Type::Time => json!({"type": "string", "description": "a time, HH:MM"}),
        Type::DateTime => json!({"type": "string", "description": "RFC 3339"}),
        Type::Money => {
            let properties = json!({"amount": {"type": "string", "description": "like 12.50"}, "currency": {"type": "string", "description": "like USD"}});
            json!({"type": "object", "properties": properties, "required": ["amount", "currency"], "additionalProperties": false})
        }
        Type::Enum(id) => {
            json!({"type": "string", "enum": machine.enum_def(*id).map(|e| e.values.clone()).unwrap_or_default()})
        }
        Type::List(of) => json!({"type": "array", "items": schema(machine, of)}),
        Type::Record(id) => {
            let fields = machine
                .record_def(*id)
                .map(|r| r.fields.as_slice())
                .unwrap_or_default();
            let properties: serde_json::Map<String, Json> = fields
                .iter()
                .map(|f| (f.name.to_string(), schema(machine, &f.ty)))
                .collect();
            json!({"type": "object", "properties": properties})
        }
        Type::Text
        | Type::Email
        | Type::Phone
        | Type::Url
        | Type::File
        | Type::Domain(_)
        | Type::Customer
        | Type::Error => {
            json!({"type": "string"})
        }
    }
}
