//! Forms (`application/x-www-form-urlencoded`) as the payloads that triggers declare.

use flow_compiler::machine::Trigger;
use flow_compiler::value::Type;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The fields of a form that a trigger declares. Services write `MessageSid` or `user_id`, a bot `message_sid`; all are found. `alias` gives
/// the name of a field that the form has under quite another one.
pub(crate) fn payload(
    trigger: &Trigger,
    body: &[u8],
    alias: impl Fn(&str) -> Option<&'static str>,
) -> Value {
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(body)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let mut out = Map::new();
    for field in &trigger.payload {
        let found = form.get(field.name.as_str()).or_else(|| {
            form.iter()
                .find(|(name, _)| snake(name) == field.name)
                .map(|(_, value)| value)
        });
        let found = found.or_else(|| alias(&field.name).and_then(|name| form.get(name)));
        let Some(text) = found else { continue };
        let value = match field.ty {
            Type::Number => text.parse::<f64>().ok().map(Value::from),
            Type::Bool => text.parse::<bool>().ok().map(Value::from),
            _ => None,
        };
        out.insert(
            field.name.to_string(),
            value.unwrap_or_else(|| Value::from(text.as_str())),
        );
    }
    Value::Object(out)
}

/// `MessageSid` as `message_sid`.
fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut before_low = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && before_low {
            out.push('_');
        }
        before_low = c.is_ascii_lowercase() || c.is_ascii_digit();
        out.push(c.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::snake;

    #[test]
    fn names_are_found_as_bots_write_them() {
        assert_eq!(snake("MessageSid"), "message_sid");
        assert_eq!(snake("NumMedia"), "num_media");
        assert_eq!(snake("MediaUrl0"), "media_url0");
        assert_eq!(snake("SMSStatus"), "smsstatus");
    }
}
