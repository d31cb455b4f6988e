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

#[test]
fn where_a_type_is_written_stand_types() {
    for words in [
        "}\nslots { extra: ",
        "}\nrecord thing { of: ",
        "}\nwebhook w() -> ",
        "}\nslots { many: list of ",
    ] {
        let names = offered(words);
        assert!(names.contains(&"size".to_owned()), "{words}: {names:?}");
        assert!(names.contains(&"money".to_owned()), "{words}: {names:?}");
        assert!(!names.contains(&"wanted".to_owned()), "{words}: {names:?}");
    }
    assert_eq!(offered("}\nslots { other: size = "), ["small", "large"]);
}

#[test]
fn arms_and_lists_take_the_values_of_what_is_asked() {
    for words in [
        "match wanted {\n    ",
        "match wanted {\n    small, ",
        "if wanted in [small, ",
    ] {
        let names = offered(words);
        assert_eq!(names.get(..2).unwrap(), ["small", "large"], "{words}");
        assert!(!names.contains(&"say".to_owned()), "{words}: {names:?}");
    }
    // In the block of an arm stand steps.
    assert!(offered("match wanted { small { ").contains(&"say".to_owned()));
    assert_eq!(offered("listen { "), ["intent", "otherwise"]);
}

#[test]
fn a_cell_takes_what_its_column_has() {
    let table = "}\nroute human {\n  | wanted | language | team | priority |\n";
    let begins = |cells: &str, with: &[&str]| {
        let names = offered(&format!("{table}{cells}"));
        assert_eq!(names.get(..with.len()).unwrap(), with, "{cells}: {names:?}");
    };
    begins("  | ", &["small", "large", "_"]);
    begins("  | small | ", &["en", "other"]);
    begins("  | small | en | support | ", &["immediate", "high"]);
    assert!(
        offered(&format!("{table}  | small | _ | "))
            .iter()
            .all(|n| n != "small")
    );
}

#[test]
fn results_of_calls_are_offered_behind_their_call() {
    let names = offered("call w() as found { failed -> escalate }\n  set wanted = ");
    assert!(names.contains(&"found".to_owned()), "{names:?}");
    let lists = offered("choose wanted from ");
    assert!(lists.contains(&"order_no".to_owned()), "{lists:?}");
}

#[test]
fn the_ladder_and_the_tools_are_offered_where_they_are_listed() {
    assert_eq!(offered("}\nbot other { tiers bot -> "), ["bot", "human"]);
    assert!(offered("}\ntier bot: scripted { tools ").is_empty());
    assert!(offered("}\ntest \"t\" {\n  given slots { ").contains(&"wanted".to_owned()));
}
