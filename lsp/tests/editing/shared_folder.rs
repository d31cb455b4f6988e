//! A folder that two bots share: what is found there, and a rename that reaches both.

use crate::editor::{Editor, SHARED, bot};
use serde_json::{Value, json};

#[test]
fn a_folder_without_a_bot_is_checked_through_those_that_bring_it_in() {
    let mut editor = Editor::new();
    editor.open("shared/shared.flow");
    assert_eq!(editor.found(), Vec::<&String>::new());
    let hours = editor.at("shared/shared.flow", "office", 0);
    let hover = editor.ask("textDocument/hover", hours).unwrap();
    assert!(
        hover["contents"]["value"]
            .as_str()
            .unwrap()
            .contains("office")
    );

    let mut edit = editor.at("shared/shared.flow", "office", 0);
    edit["textDocument"]["version"] = json!(2);
    edit["contentChanges"] = json!([{ "text": SHARED.replace("office", "desk") }]);
    editor.tell("textDocument/didChange", edit);
    editor.open("zoo/bot.flow");
    assert_eq!(
        editor
            .found()
            .iter()
            .filter(|m| m.contains("`office`"))
            .count(),
        2,
        "both bots name it: {:?}",
        editor.shown
    );
}

#[test]
fn a_folder_that_nobody_brings_in_lacks_a_bot() {
    let mut editor = Editor::new();
    std::fs::remove_dir_all(editor.folder.path().join("after")).unwrap();
    std::fs::remove_dir_all(editor.folder.path().join("zoo")).unwrap();
    editor.open("shared/shared.flow");
    assert!(
        editor
            .found()
            .iter()
            .any(|m| m.contains("no `bot` declaration"))
    );
}

#[test]
fn a_rename_reaches_every_place_that_names_the_thing_and_no_other() {
    let mut editor = Editor::new();
    editor.open("zoo/bot.flow");
    let place = editor.at("zoo/bot.flow", "order_no", 1);
    let range = editor.ask("textDocument/prepareRename", place).unwrap();
    assert_eq!(
        range["end"]["character"].as_u64().unwrap() - range["start"]["character"].as_u64().unwrap(),
        8
    );
    for nth in [0, 1, 2, 3] {
        let renamed = editor
            .rename("zoo/bot.flow", "order_no", nth, "parcel")
            .unwrap();
        let text = bot("zoo")
            .replace("order_no", "parcel")
            .replace("\\\"parcel\\\"", "\\\"order_no\\\"");
        assert_eq!(
            renamed,
            [("zoo/bot.flow".to_owned(), text)],
            "occurrence {nth}"
        );
    }
}

#[test]
fn a_tier_has_its_new_name_on_the_ladder_too() {
    let mut editor = Editor::new();
    editor.open("zoo/bot.flow");
    for nth in [0, 1, 2] {
        let renamed = editor
            .rename("zoo/bot.flow", "human", nth, "staff")
            .unwrap();
        let text = bot("zoo").replace("human", "staff");
        assert_eq!(
            renamed,
            [("zoo/bot.flow".to_owned(), text)],
            "occurrence {nth}"
        );
    }
}

#[test]
fn a_rename_in_a_shared_folder_reaches_every_bot() {
    let mut editor = Editor::new();
    editor.open("zoo/bot.flow");
    for (path, word, to) in [
        ("zoo/bot.flow", "office", "desk"),
        ("shared/shared.flow", "bye", "farewell"),
    ] {
        let renamed = editor.rename(path, word, 0, to).unwrap();
        let all = [
            ("after/bot.flow", bot("after")),
            ("shared/shared.flow", SHARED.to_owned()),
            ("zoo/bot.flow", bot("zoo")),
        ];
        let expected = all.map(|(file, text)| (file.to_owned(), text.replace(word, to)));
        assert_eq!(renamed, expected);
    }
}

#[test]
fn a_name_that_would_change_the_bot_is_refused() {
    let mut editor = Editor::new();
    editor.open("zoo/bot.flow");
    let mut refused =
        |word: &str, to: &str| editor.rename("zoo/bot.flow", word, 0, to).unwrap_err();
    assert!(refused("order_no", "Order No").contains("`Order No` is no name"));
    assert!(
        refused("order_no", "copy").contains("`copy`"),
        "declared twice"
    );
    assert!(
        refused("order_no", "turns").contains("already means something"),
        "a signal would hide it"
    );
    assert!(refused("greet", "").contains("is no name"));
}

#[test]
fn what_is_built_in_keeps_its_name() {
    let mut editor = Editor::new();
    editor.open("zoo/bot.flow");
    let place = editor.at("zoo/bot.flow", "always", 0);
    assert_eq!(
        editor.ask("textDocument/prepareRename", place).unwrap(),
        Value::Null
    );
    let nothing = editor.at("zoo/bot.flow", "languages", 0);
    assert_eq!(
        editor.ask("textDocument/prepareRename", nothing).unwrap(),
        Value::Null
    );
}
