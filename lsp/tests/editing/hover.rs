//! What is told of a name.

use crate::editor::{Editor, bot};
use serde_json::json;

#[test]
fn what_an_author_wrote_above_a_declaration_is_shown_wherever_it_is_named() {
    let declared = [
        ("hours", "hours door { mon..fri 09:00-17:00 }", "door"),
        ("team", "team desk { hours door }", "desk"),
        ("intent", "intent lost { \"I lost it\" }", "lost"),
        ("enum", "enum size { small, large }", "size"),
        ("record", "record box { no: text }", "box"),
        (
            "webhook",
            "webhook find() -> box { get \"https://x.example\" }",
            "find",
        ),
        (
            "hook",
            "hook heavy(order: number) -> bool from \"risky.rhai\"",
            "heavy",
        ),
        ("text", "text bye { en \"Bye.\" }", "bye"),
        ("segment", "segment many when order_no > 3", "many"),
        ("threshold", "threshold sure = 70%", "sure"),
        (
            "rule",
            "escalate angry to human { when mood < sure }",
            "angry",
        ),
        ("node", "node done { end resolved }", "done"),
    ];
    let mut text = bot("zoo");
    for (kind, declaration, _) in declared {
        text.push_str(&format!(
            "/// Of the {kind}.\n/// In two lines.\n{declaration}\n"
        ));
    }
    let mut editor = Editor::new();
    let uri = editor.uri("zoo/bot.flow");
    let document = json!({ "uri": uri, "languageId": "flow", "version": 1, "text": text });
    editor.tell("textDocument/didOpen", json!({ "textDocument": document }));
    for (kind, declaration, name) in declared {
        let offset = text.find(declaration).unwrap() + declaration.find(name).unwrap();
        let line = text[..offset].matches('\n').count();
        let column = offset - text[..offset].rfind('\n').map_or(0, |at| at + 1);
        let place = json!({ "textDocument": { "uri": uri }, "position": { "line": line, "character": column } });
        let hover = editor.ask("textDocument/hover", place).unwrap();
        let said = hover["contents"]["value"].as_str().unwrap_or_default();
        let doc = format!("Of the {kind}.\nIn two lines.");
        assert_eq!(said.matches(&doc).count(), 1, "{kind}: {said}");
    }
}
