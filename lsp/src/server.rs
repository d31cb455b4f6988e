//! The loop.

use crate::bots::Bots;
use crate::features::{actions, completion, navigation, rename, symbols};
use crate::findings;
use crate::position::Encoding;
use crate::uri;
use anyhow::Result;
use gen_lsp_types as lsp;
use gen_lsp_types::{
    CodeActionProvider, Diagnostic, HoverProvider, PositionEncodingKind, PublishDiagnosticsParams,
    ServerCapabilities, TextDocumentSyncKind, TextDocumentSyncOptions, Uri,
};
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, Response, ResponseError};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Serves an editor on standard input and output until it says `exit`.
///
/// # Errors
/// If the editor breaks the protocol or the connection.
pub fn run_stdio() -> Result<()> {
    let (connection, threads) = Connection::stdio();
    run(&connection)?;
    drop(connection);
    threads.join()?;
    Ok(())
}

/// Serves an editor on a connection.
///
/// # Errors
/// If the editor breaks the protocol or the connection.
pub fn run(connection: &Connection) -> Result<()> {
    let (id, params) = connection.initialize_start()?;
    let encoding = encoding(&params);
    let pulls = params
        .pointer("/capabilities/textDocument/diagnostic")
        .is_some();
    let result = json!({
        "capabilities": capabilities(encoding),
        "serverInfo": { "name": "flow-lsp", "version": env!("CARGO_PKG_VERSION") },
    });
    connection.initialize_finish(id, result)?;
    Server {
        connection,
        encoding,
        pulls,
        bots: Bots::default(),
        dirty: BTreeSet::new(),
    }
    .serve()
}

/// What the editor offers first that we can count in.
fn encoding(params: &Value) -> Encoding {
    let offered = params
        .pointer("/capabilities/general/positionEncodings")
        .and_then(Value::as_array);
    offered
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .find_map(|name| match name {
            "utf-8" => Some(Encoding::Utf8),
            "utf-16" => Some(Encoding::Utf16),
            "utf-32" => Some(Encoding::Utf32),
            _ => None,
        })
        .unwrap_or(Encoding::Utf16)
}

fn capabilities(encoding: Encoding) -> ServerCapabilities {
    ServerCapabilities {
        position_encoding: Some(match encoding {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
            Encoding::Utf32 => PositionEncodingKind::UTF32,
        }),
        text_document_sync: Some(
            TextDocumentSyncOptions {
                open_close: Some(true),
                change: Some(TextDocumentSyncKind::Incremental),
                save: Some(true.into()),
                ..TextDocumentSyncOptions::default()
            }
            .into(),
        ),
        hover_provider: Some(HoverProvider::Bool(true)),
        definition_provider: Some(true.into()),
        references_provider: Some(true.into()),
        rename_provider: Some(
            lsp::RenameOptions {
                prepare_provider: Some(true),
                ..lsp::RenameOptions::default()
            }
            .into(),
        ),
        document_symbol_provider: Some(true.into()),
        document_formatting_provider: Some(true.into()),
        code_action_provider: Some(CodeActionProvider::Bool(true)),
        completion_provider: Some(lsp::CompletionOptions {
            trigger_characters: Some(vec![".".to_owned()]),
            ..lsp::CompletionOptions::default()
        }),
        diagnostic_provider: Some(lsp::DiagnosticProvider::DiagnosticOptions(
            lsp::DiagnosticOptions {
                identifier: Some("flow".to_owned()),
                inter_file_dependencies: true,
                workspace_diagnostics: false,
                ..lsp::DiagnosticOptions::default()
            },
        )),
        ..ServerCapabilities::default()
    }
}

struct Server<'a> {
    connection: &'a Connection,
    encoding: Encoding,
    /// The editor asks for findings by itself.
    pulls: bool,
    bots: Bots,
    /// Folders to compile before anything is answered.
    dirty: BTreeSet<PathBuf>,
}

impl Server<'_> {
    fn serve(&mut self) -> Result<()> {
        loop {
            // What is typed fast is compiled once: only when nothing more is waiting.
            if !self.dirty.is_empty() && self.connection.receiver.is_empty() {
                self.compile()?;
            }
            let Ok(message) = self.connection.receiver.recv() else {
                return Ok(());
            };
            match message {
                Message::Request(request) => {
                    if self.connection.handle_shutdown(&request)? {
                        return Ok(());
                    }
                    self.compile()?;
                    if request.method == "textDocument/rename" {
                        self.gather(&request.params)?;
                    }
                    let response = self.answer(request);
                    self.connection.sender.send(Message::Response(response))?;
                }
                Message::Notification(notification) => self.note(notification)?,
                Message::Response(_) => {}
            }
        }
    }

    fn note(&mut self, note: Notification) -> Result<()> {
        let touched = match note.method.as_str() {
            "textDocument/didOpen" => params::<lsp::DidOpenTextDocumentParams>(note.params)
                .and_then(|p| {
                    self.bots.open(
                        &p.text_document.uri,
                        p.text_document.version,
                        p.text_document.text,
                    )
                }),
            "textDocument/didChange" => params::<lsp::DidChangeTextDocumentParams>(note.params)
                .and_then(|p| {
                    self.bots.change(
                        &p.text_document.text_document_identifier.uri,
                        p.text_document.version,
                        p.content_changes,
                        self.encoding,
                    )
                }),
            "textDocument/didClose" => params::<lsp::DidCloseTextDocumentParams>(note.params)
                .and_then(|p| self.bots.close(&p.text_document.uri)),
            "textDocument/didSave" => params::<lsp::DidSaveTextDocumentParams>(note.params)
                .and_then(|p| uri::to_path(&p.text_document.uri)),
            "workspace/didChangeWatchedFiles" => {
                // Knowledge, hooks and files of other editors: everything that is known is looked at again.
                self.dirty.extend(self.bots.folders());
                None
            }
            _ => None,
        };
        if let Some(path) = touched {
            self.dirty.extend(self.bots.touched(&path));
        }
        Ok(())
    }

    /// Compiles what was touched and tells the editor.
    fn compile(&mut self) -> Result<()> {
        let today = jiff::Zoned::now().date();
        for folder in std::mem::take(&mut self.dirty) {
            let Some(bot) = self.bots.compile(&folder, today) else {
                continue;
            };
            let found = findings::by_file(bot, self.encoding);
            let now: BTreeSet<PathBuf> = found.keys().cloned().collect();
            let gone: Vec<PathBuf> = bot.published.difference(&now).cloned().collect();
            for path in gone {
                self.publish(&path, Vec::new())?;
            }
            for (path, diagnostics) in found {
                self.publish(&path, diagnostics)?;
            }
            if let Some(bot) = self.bots.bot_mut(&folder) {
                bot.published = now;
            }
        }
        Ok(())
    }

    fn publish(&self, path: &Path, diagnostics: Vec<Diagnostic>) -> Result<()> {
        // An editor that asks for findings would otherwise show those of open files twice.
        if self.pulls && self.bots.version(path).is_some() {
            return Ok(());
        }
        let params = PublishDiagnosticsParams::new(
            uri::from_path(path),
            self.bots.version(path),
            diagnostics,
        );
        self.connection
            .sender
            .send(Message::Notification(Notification::new(
                "textDocument/publishDiagnostics".to_owned(),
                params,
            )))?;
        Ok(())
    }

    /// Takes up every bot that shares what is renamed: each of them names it.
    fn gather(&mut self, request: &Value) -> Result<()> {
        let Some(p) = params::<lsp::RenameParams>(request.clone()) else {
            return Ok(());
        };
        let at = &p.text_document_position_params;
        let uri = &at.text_document.uri;
        if let Some(dir) = rename::shared_folder(&self.bots, uri, at.position, self.encoding) {
            let users = self.bots.users_of(&dir).into_iter();
            self.dirty.extend(users.filter(|f| !self.bots.is_bot(f)));
        }
        self.compile()
    }

    fn answer(&self, request: Request) -> Response {
        let Request {
            id, method, params, ..
        } = request;
        match self.result(&method, params) {
            Ok(value) => Response::new_ok(id, value),
            Err(error) => Response::new_err(id, error.code, error.message),
        }
    }

    fn result(&self, method: &str, params: Value) -> Result<Value, ResponseError> {
        let encoding = self.encoding;
        let value = match method {
            "textDocument/hover" => {
                let p: lsp::TextDocumentPositionParams = parse(params)?;
                json!(self.bots.of(&p.text_document.uri).and_then(|(bot, path)| {
                    navigation::hover(bot, &path, p.position, encoding)
                }))
            }
            "textDocument/definition" => {
                let p: lsp::TextDocumentPositionParams = parse(params)?;
                json!(self.bots.of(&p.text_document.uri).and_then(|(bot, path)| {
                    navigation::definition(bot, &path, p.position, encoding)
                }))
            }
            "textDocument/references" => {
                let p: lsp::ReferenceParams = parse(params)?;
                let at = &p.text_document_position_params;
                json!(self.bots.of(&at.text_document.uri).map(|(bot, path)| {
                    navigation::references(
                        bot,
                        &path,
                        at.position,
                        p.context.include_declaration,
                        encoding,
                    )
                }))
            }
            "textDocument/prepareRename" => {
                let p: lsp::TextDocumentPositionParams = parse(params)?;
                json!(
                    self.bots.of(&p.text_document.uri).and_then(|(bot, path)| {
                        rename::prepare(bot, &path, p.position, encoding)
                    })
                )
            }
            "textDocument/rename" => {
                let p: lsp::RenameParams = parse(params)?;
                let at = &p.text_document_position_params;
                let today = jiff::Zoned::now().date();
                let uri = &at.text_document.uri;
                json!(
                    rename::rename(&self.bots, uri, at.position, &p.new_name, encoding, today)
                        .map_err(|message| ResponseError {
                            code: ErrorCode::RequestFailed as i32,
                            message,
                            data: None,
                        })?
                )
            }
            "textDocument/completion" => {
                let p: lsp::TextDocumentPositionParams = parse(params)?;
                json!(
                    self.bots
                        .of(&p.text_document.uri)
                        .map(|(bot, path)| completion::complete(bot, &path, p.position, encoding))
                        .unwrap_or_default()
                )
            }
            "textDocument/documentSymbol" => {
                let p: lsp::DocumentSymbolParams = parse(params)?;
                json!(
                    self.bots
                        .of(&p.text_document.uri)
                        .map(|(bot, path)| symbols::outline(bot, &path, encoding))
                        .unwrap_or_default()
                )
            }
            "textDocument/codeAction" => {
                let p: lsp::CodeActionParams = parse(params)?;
                json!(
                    self.bots
                        .of(&p.text_document.uri)
                        .map(|(bot, path)| actions::fixes(bot, &path, p.range, encoding))
                        .unwrap_or_default()
                )
            }
            "textDocument/formatting" => {
                let p: lsp::DocumentFormattingParams = parse(params)?;
                json!(
                    self.bots
                        .text(&p.text_document.uri)
                        .map(|text| actions::format(&text, encoding))
                )
            }
            "textDocument/diagnostic" => {
                let p: lsp::DocumentDiagnosticParams = parse(params)?;
                json!({ "kind": "full", "items": self.findings_of(&p.text_document.uri) })
            }
            _ => {
                return Err(ResponseError {
                    code: ErrorCode::MethodNotFound as i32,
                    message: format!("`{method}` is not offered"),
                    data: None,
                });
            }
        };
        Ok(value)
    }

    fn findings_of(&self, uri: &Uri) -> Vec<Diagnostic> {
        self.bots
            .of(uri)
            .and_then(|(bot, path)| findings::by_file(bot, self.encoding).remove(&path))
            .unwrap_or_default()
    }
}

fn params<T: DeserializeOwned>(params: Value) -> Option<T> {
    serde_json::from_value(params).ok()
}

fn parse<T: DeserializeOwned>(params: Value) -> Result<T, ResponseError> {
    serde_json::from_value(params).map_err(|e| ResponseError {
        code: ErrorCode::InvalidParams as i32,
        message: e.to_string(),
        data: None,
    })
}
