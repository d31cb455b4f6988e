//! An editor that speaks the protocol with a server in its own process, and a project of two bots that share a folder.

use lsp_server::{Connection, Message, Notification, Request, RequestId};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::thread::JoinHandle;

pub(crate) const SHARED: &str = "hours office { mon..fri 09:00-17:00 }\ntext bye { en \"Bye.\" }\n";

/// A bot of the project.
pub(crate) fn bot(name: &str) -> String {
    format!(
        "bot {name} {{ languages en; channels web; tiers bot -> human; start greet }}\n\
         use \"../shared\" as shared\n\
         tier bot: scripted {{}}\n\
         tier human: people {{}}\n\
         slots {{ order_no: number; copy: number }}\n\
         hook risky(order: number) -> bool from \"risky.rhai\"\n\
         node greet {{\n\
         \x20 ask order_no \"Your order?\"\n\
         \x20 set copy = slots.order_no\n\
         \x20 if risky(order_no) {{ say \"No. {{order_no}} \\\"order_no\\\" of {{copy}}\" }}\n\
         \x20 say shared.bye\n\
         \x20 end resolved\n\
         }}\n\
         team support {{ hours shared.office }}\n\
         team late {{ hours always; overflow support after 1m }}\n\
         route human {{\n| intent | team | priority |\n| _ | late | standard |\n}}\n\
         handoff human {{ say \"A person will answer.\" }}\n"
    )
}

pub(crate) struct Editor {
    client: Connection,
    server: Option<JoinHandle<()>>,
    pub(crate) folder: tempfile::TempDir,
    /// The messages of the findings that are shown, by file.
    pub(crate) shown: BTreeMap<String, Vec<String>>,
    requests: i32,
}

impl Editor {
    /// A project of the bots `after` and `zoo`, whose names stand on both sides of that of the folder they share.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("flow.toml", "");
        write("shared/shared.flow", SHARED);
        for name in ["after", "zoo"] {
            write(&format!("{name}/bot.flow"), &bot(name));
            write(
                &format!("{name}/risky.rhai"),
                "fn risky(order) { order > 9.0 }",
            );
        }
        let (server, client) = Connection::memory();
        let server = std::thread::spawn(move || flow_lsp::run(&server).unwrap());
        let mut editor = Self {
            client,
            server: Some(server),
            folder,
            shown: BTreeMap::new(),
            requests: 0,
        };
        editor
            .ask("initialize", json!({ "capabilities": {} }))
            .unwrap();
        editor.tell("initialized", json!({}));
        editor
    }

    pub(crate) fn uri(&self, path: &str) -> String {
        let root = self.folder.path().canonicalize().unwrap();
        format!("file://{}", Path::new(&root).join(path).display())
    }

    pub(crate) fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(path)).unwrap()
    }

    pub(crate) fn tell(&self, method: &str, params: Value) {
        let note = Notification::new(method.to_owned(), params);
        self.client.sender.send(note.into()).unwrap();
    }

    /// The answer, a result or an error.
    pub(crate) fn ask(&mut self, method: &str, params: Value) -> Result<Value, String> {
        self.requests += 1;
        let id = RequestId::from(self.requests);
        let request = Request::new(id.clone(), method.to_owned(), params);
        self.client.sender.send(request.into()).unwrap();
        loop {
            match self.client.receiver.recv().unwrap() {
                Message::Response(response) if response.id == id => {
                    let response = serde_json::to_value(response).unwrap();
                    return match response.pointer("/error/message") {
                        Some(message) => Err(message.as_str().unwrap().to_owned()),
                        None => Ok(response.get("result").cloned().unwrap_or_default()),
                    };
                }
                Message::Notification(note) if note.method == "textDocument/publishDiagnostics" => {
                    let found = note.params["diagnostics"].as_array().unwrap().iter();
                    let messages = found.map(|d| d["message"].to_string()).collect();
                    let uri = note.params["uri"].as_str().unwrap().to_owned();
                    self.shown.insert(uri, messages);
                }
                _ => {}
            }
        }
    }

    pub(crate) fn open(&mut self, path: &str) {
        let document = json!({ "uri": self.uri(path), "languageId": "flow", "version": 1, "text": self.text(path) });
        self.tell("textDocument/didOpen", json!({ "textDocument": document }));
        // The answer comes after the findings.
        let all = json!({ "textDocument": { "uri": self.uri(path) } });
        self.ask("textDocument/documentSymbol", all).unwrap();
    }

    pub(crate) fn found(&self) -> Vec<&String> {
        self.shown.values().flatten().collect()
    }

    /// Where the `nth` occurrence of a word begins.
    pub(crate) fn at(&self, path: &str, word: &str, nth: usize) -> Value {
        let text = self.text(path);
        let (offset, _) = text.match_indices(word).nth(nth).unwrap();
        let line = text[..offset].matches('\n').count();
        let column = offset - text[..offset].rfind('\n').map_or(0, |at| at + 1);
        json!({
            "textDocument": { "uri": self.uri(path) },
            "position": { "line": line, "character": column },
        })
    }

    /// Renames and returns the texts that come of it, by file.
    pub(crate) fn rename(
        &mut self,
        path: &str,
        word: &str,
        nth: usize,
        to: &str,
    ) -> Result<Vec<(String, String)>, String> {
        let mut params = self.at(path, word, nth);
        params["newName"] = json!(to);
        let edit = self.ask("textDocument/rename", params)?;
        let mut out = Vec::new();
        for file in ["after/bot.flow", "shared/shared.flow", "zoo/bot.flow"] {
            let Some(edits) = edit["changes"].get(self.uri(file)) else {
                continue;
            };
            let mut lines: Vec<String> = self.text(file).lines().map(str::to_owned).collect();
            // From the end, so that no edit moves another.
            let mut edits = edits.as_array().unwrap().clone();
            edits.sort_by_key(|e| std::cmp::Reverse(e["range"]["start"]["character"].as_u64()));
            for edit in edits {
                let column = |end: &str| edit["range"][end]["character"].as_u64().unwrap() as usize;
                let line = edit["range"]["start"]["line"].as_u64().unwrap() as usize;
                lines[line].replace_range(
                    column("start")..column("end"),
                    edit["newText"].as_str().unwrap(),
                );
            }
            out.push((file.to_owned(), lines.join("\n") + "\n"));
        }
        Ok(out)
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.ask("shutdown", Value::Null).unwrap();
            self.tell("exit", Value::Null);
            self.server.take().unwrap().join().unwrap();
        }
    }
}
