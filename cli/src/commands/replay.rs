//! `flowc replay`.

use super::run::explain;
use crate::args::{PlainFormat, ReplayArgs};
use crate::output::{count, paint, print};
use crate::project;
use anyhow::Context;
use flow_compiler::sources::Position;
use flow_engine::event::{Event, EventKind};
use flow_simulator::{
    Difference, Program, Recording, Replayed, ReplayedTurn, read_recordings, replay, words_of,
};
use owo_colors::Style;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A conversation of a file, and how it went anew.
struct Played {
    file: PathBuf,
    recording: Recording,
    replayed: Replayed,
}

pub(crate) fn run(args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    let mut recordings = Vec::new();
    for file in files(&args.recorded)? {
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("cannot read `{}`", file.display()))?;
        let read =
            read_recordings(&text).map_err(|e| anyhow::anyhow!("`{}`: {e}", file.display()))?;
        recordings.extend(read.into_iter().map(|r| (file.clone(), r)));
    }
    let Some((_, program)) = project::program(&args.bot)? else {
        return Ok(ExitCode::from(2));
    };
    let played: Vec<Played> = recordings
        .into_iter()
        .map(|(file, recording)| play(&program, file, recording))
        .collect();
    match args.format {
        PlainFormat::Text => print(&text(&played, args.why)),
        PlainFormat::Json => print(&format!(
            "{}\n",
            serde_json::to_string_pretty(&as_json(&program, &played, args.why))?
        )),
    }
    let same = played.iter().all(|p| p.replayed.is_same());
    Ok(if same {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn play(program: &Program, file: PathBuf, recording: Recording) -> Played {
    let replayed = replay(&program.engine, &recording.records, &program.hooks);
    Played {
        file,
        recording,
        replayed,
    }
}

/// The file itself, or the recordings of a folder, by name.
fn files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut out = Vec::new();
    for entry in
        std::fs::read_dir(path).with_context(|| format!("cannot read `{}`", path.display()))?
    {
        let file = entry
            .with_context(|| format!("cannot read `{}`", path.display()))?
            .path();
        if file.is_file()
            && file
                .extension()
                .is_some_and(|e| e == "jsonl" || e == "json")
        {
            out.push(file);
        }
    }
    if out.is_empty() {
        anyhow::bail!(
            "`{}` holds no recordings; they end in `.jsonl`",
            path.display()
        );
    }
    out.sort();
    Ok(out)
}

fn text(played: &[Played], why: bool) -> String {
    let (green, red, dim) = (
        Style::new().green(),
        Style::new().red().bold(),
        Style::new().dimmed(),
    );
    let mut out = String::new();
    for Played {
        file,
        recording,
        replayed,
    } in played
    {
        let name = recording.conversation.as_ref().map_or_else(
            || file.display().to_string(),
            |id| format!("{id} in {}", file.display()),
        );
        let turns = count(replayed.turns.len(), "turn");
        if replayed.is_same() {
            out.push_str(&format!("{} {name}: {turns}\n", paint("same", green)));
        } else {
            out.push_str(&format!(
                "{} {name}: {} of {turns}\n",
                paint("DIFFERS", red),
                replayed.differing()
            ));
        }
        for turn in replayed
            .turns
            .iter()
            .filter(|t| why || !t.differences.is_empty())
        {
            out.push_str(&format!(
                "\n  {}\n",
                paint(&heading(turn), Style::new().bold())
            ));
            for difference in &turn.differences {
                out.push_str(&format!("    {}\n", paint(&difference.what, red)));
                for (word, said, at) in sides(difference) {
                    let place = at.as_ref().map_or_else(String::new, |p| format!("  {p}"));
                    out.push_str(&format!(
                        "      {word:<9} {}{}\n",
                        said.as_deref()
                            .unwrap_or("-")
                            .replace('\n', "\n                "),
                        paint(&place, dim)
                    ));
                }
            }
            if why {
                out.push_str(&indented(&explain(&turn.decision)));
                if let Some(recorded) = turn
                    .recorded
                    .as_ref()
                    .filter(|_| !turn.differences.is_empty())
                {
                    out.push_str(&format!("    {}\n", paint("as recorded:", dim)));
                    out.push_str(&indented(&explain(&recorded.decision)));
                }
            }
        }
        if why || !replayed.is_same() {
            out.push('\n');
        }
    }
    let differing = played.iter().filter(|p| !p.replayed.is_same()).count();
    out.push_str(&format!(
        "{}, {differing} {}\n",
        count(played.len(), "conversation"),
        if differing == 1 { "differs" } else { "differ" }
    ));
    out
}

fn sides(d: &Difference) -> [(&'static str, &Option<String>, &Option<Position>); 2] {
    [
        ("recorded", &d.recorded, &d.recorded_at),
        ("now", &d.now, &d.now_at),
    ]
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("      {line}\n")).collect()
}

fn heading(turn: &ReplayedTurn) -> String {
    let number = turn
        .recorded
        .as_ref()
        .map_or_else(|| "only now".to_owned(), |r| format!("turn {}", r.seq));
    format!("{number}: {}", event_words(&turn.event))
}

/// An event in words.
fn event_words(event: &Event) -> String {
    let said = |who: &str, text: &str| format!("{who} \"{}\"", text.replace('\n', " "));
    match &event.kind {
        EventKind::Message { text, .. } => said("customer", text),
        EventKind::Pressed { button, .. } => format!("customer presses {button}"),
        EventKind::File { file, .. } => format!("customer sends {}", file.name),
        EventKind::AgentMessage { agent, text, .. } => said(agent, text),
        EventKind::AgentNote { agent, text, .. } => said(&format!("note of {agent}"), text),
        EventKind::ModelAnswered { answer, .. } => said("model", &answer.text),
        EventKind::WebhookDone {
            result: Err(error), ..
        } => format!("a webhook failed: {error}"),
        EventKind::WebhookDone { .. } => "a webhook answered".to_owned(),
        EventKind::Timer { .. } => format!("a timer at {}", event.at),
        other => serde_json::to_value(other)
            .ok()
            .and_then(|v| {
                v.get("event")
                    .and_then(|e| e.as_str())
                    .map(|e| e.replace('_', " "))
            })
            .unwrap_or_default(),
    }
}

fn as_json(program: &Program, played: &[Played], why: bool) -> serde_json::Value {
    let conversations: Vec<_> = played
        .iter()
        .map(|p| {
            let turns: Vec<_> = p.replayed.turns.iter().filter(|t| why || !t.differences.is_empty()).map(|t| turn_json(t, why)).collect();
            json!({
                "file": p.file, "conversation": p.recording.conversation, "same": p.replayed.is_same(),
                "turns": p.replayed.turns.len(), "differing": p.replayed.differing(), "shown": turns,
            })
        })
        .collect();
    json!({
        "version": program.machine().version,
        "same": played.iter().all(|p| p.replayed.is_same()),
        "conversations": conversations,
    })
}

fn turn_json(turn: &ReplayedTurn, why: bool) -> serde_json::Value {
    let mut out = json!({
        "seq": turn.recorded.as_ref().map(|r| r.seq),
        "at": turn.event.at,
        "event": event_words(&turn.event),
        "differences": turn.differences,
    });
    if why && let Some(out) = out.as_object_mut() {
        out.insert(
            "effects".to_owned(),
            turn.effects.iter().map(words_of).collect::<Vec<_>>().into(),
        );
        out.insert("decision".to_owned(), json!(turn.decision));
        out.insert(
            "recorded_decision".to_owned(),
            json!(turn.recorded.as_ref().map(|r| &r.decision)),
        );
    }
    out
}
