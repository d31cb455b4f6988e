//! What Slack sends besides events: the question whether the address is ours, and forms for commands and buttons.
//! <https://docs.slack.dev/apis/events-api/using-http-request-urls>, <https://docs.slack.dev/interactivity/handling-user-interaction>

use serde_json::Value;

/// The challenge, if this signed body is the question whether the address is ours; it must come back before Slack sends anything.
pub(crate) fn challenge(body: &[u8]) -> Option<String> {
    let json: Value = serde_json::from_slice(body).ok()?;
    if json.get("type")?.as_str()? != "url_verification" {
        return None;
    }
    Some(json.get("challenge")?.as_str()?.to_owned())
}

/// The JSON that a form carries in its field `payload`: what somebody did with a button or a dialog.
pub(crate) fn wrapped(body: &[u8]) -> Option<String> {
    let mut fields = url::form_urlencoded::parse(body);
    let payload = fields.find(|(name, _)| name == "payload");
    payload.map(|(_, json)| json.into_owned())
}

#[cfg(test)]
mod tests {
    use super::{challenge, wrapped};

    #[test]
    fn only_the_question_is_answered() {
        let body = br#"{"token": "x", "challenge": "3eZb", "type": "url_verification"}"#;
        assert_eq!(challenge(body).as_deref(), Some("3eZb"));
        assert_eq!(
            challenge(br#"{"challenge": "3eZb", "type": "event_callback"}"#),
            None
        );
        assert_eq!(challenge(br#"{"challenge": "3eZb"}"#), None);
        assert_eq!(challenge(b"payload=%7B%7D"), None);
    }

    #[test]
    fn what_a_form_carries_is_found() {
        let body = b"payload=%7B%22type%22%3A%22block_actions%22%7D";
        assert_eq!(
            wrapped(body).as_deref(),
            Some(r#"{"type":"block_actions"}"#)
        );
        assert_eq!(wrapped(b"command=%2Fweather&text=94070"), None);
    }
}
