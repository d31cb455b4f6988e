//! What may stand at the cursor.

use crate::editor::{Editor, bot};
use serde_json::json;

/// The labels offered at the end of a bot that goes on with these words.
fn offered(words: &str) -> Vec<String> {
    let mut editor = Editor::new();
    let text = format!(
        "{}enum size {{ small, large }}\nslots {{ wanted: size }}\nnode more {{\n  {words}",
        bot("zoo")
    );
    let line = text.matches('\n').count();
    let column = text.len() - text.rfind('\n').map_or(0, |at| at + 1);
    let uri = editor.uri("zoo/bot.flow");
    let document = json!({ "uri": uri, "languageId": "flow", "version": 1, "text": text });
    editor.tell("textDocument/didOpen", json!({ "textDocument": document }));
    let place = json!({ "textDocument": { "uri": uri }, "position": { "line": line, "character": column } });
    let items = editor.ask("textDocument/completion", place).unwrap();
    let items = items.as_array().unwrap().iter();
    items
        .map(|i| i["label"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn behind_a_shared_folders_name_stand_its_names() {
    assert_eq!(offered("say shared."), ["bye"]);
    assert_eq!(offered("if during shared."), ["office"]);
    assert_eq!(offered("if during shared.of"), ["office"]);
    assert_eq!(offered("if shared.office."), ["open", "text", "next_open"]);
}

#[test]
fn a_text_that_is_open_takes_what_can_be_read() {
    let names = offered("say \"Yours: {");
    assert!(names.contains(&"order_no".to_owned()), "{names:?}");
    assert!(!names.contains(&"ask".to_owned()), "{names:?}");
    let steps = offered("if order_no > 3 { ");
    assert!(steps.contains(&"ask".to_owned()), "{steps:?}");
}

#[test]
fn an_enums_values_come_first_where_one_is_set() {
    assert_eq!(
        offered("set wanted = ").get(..2).unwrap(),
        ["small", "large"]
    );
    assert!(!offered("set order_no = ").contains(&"small".to_owned()));
}
