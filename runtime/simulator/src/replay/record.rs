//! Reading what was recorded.

use flow_engine::Recorded;
use serde_json::Value;

/// A conversation as it was recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// Its id, where the file names it.
    pub conversation: Option<String>,
    /// Its log from the first event.
    pub records: Vec<Recorded>,
}

/// Reads JSON lines. A line is one of: a conversation as `flowd export` writes it (`{"conversation": {..}, "log": [..]}`), one event of a
/// named conversation (`{"conversation": "c1", "record": {..}}`), a header before bare events (`{"conversation": "c1"}`), a bare event.
///
/// # Errors
/// The line that cannot be read, and why; a log that does not begin with its first event, or has gaps.
pub fn read_recordings(text: &str) -> Result<Vec<Recording>, String> {
    let mut out: Vec<Recording> = Vec::new();
    for (number, line) in text
        .lines()
        .enumerate()
        .map(|(i, l)| (i + 1, l.trim()))
        .filter(|(_, l)| !l.is_empty())
    {
        take_line(&mut out, line).map_err(|why| format!("line {number}: {why}"))?;
    }
    if out.is_empty() {
        return Err("it holds no conversation".to_owned());
    }
    for recording in &out {
        let id = recording
            .conversation
            .as_deref()
            .unwrap_or("the conversation");
        let expected = 1..=recording.records.len() as u64;
        if recording.records.is_empty() {
            return Err(format!("`{id}` has no events"));
        }
        if let Some((record, seq)) = recording
            .records
            .iter()
            .zip(expected)
            .find(|(r, seq)| r.seq != *seq)
        {
            return Err(format!(
                "`{id}` has event {} where event {seq} is expected; a replay needs the whole log",
                record.seq
            ));
        }
    }
    Ok(out)
}

fn take_line(out: &mut Vec<Recording>, line: &str) -> Result<(), String> {
    let mut value: Value =
        serde_json::from_str(line).map_err(|e| format!("this is no JSON: {e}"))?;
    let no_record = |e: serde_json::Error| format!("this is no record of an event: {e}");
    let Some(conversation) = value.get_mut("conversation").map(Value::take) else {
        let record: Recorded = serde_json::from_value(value).map_err(no_record)?;
        // A log begins anew at 1: several may stand one after the other without a header.
        match out.last_mut() {
            Some(last) if record.seq != 1 || last.records.is_empty() => last.records.push(record),
            _ => out.push(Recording {
                conversation: None,
                records: vec![record],
            }),
        }
        return Ok(());
    };
    let id = match &conversation {
        Value::String(id) => id.clone(),
        other => other
            .get("id")
            .and_then(Value::as_str)
            .ok_or("`conversation` names no id")?
            .to_owned(),
    };
    if let Some(log) = value.get_mut("log").map(Value::take) {
        let records = serde_json::from_value(log).map_err(no_record)?;
        out.push(Recording {
            conversation: Some(id),
            records,
        });
    } else if let Some(record) = value.get_mut("record").map(Value::take) {
        let record: Recorded = serde_json::from_value(record).map_err(no_record)?;
        // Lines of several conversations may be mixed, as in the log of a whole daemon.
        match out
            .iter_mut()
            .find(|r| r.conversation.as_ref() == Some(&id))
        {
            Some(known) => known.records.push(record),
            None => out.push(Recording {
                conversation: Some(id),
                records: vec![record],
            }),
        }
    } else {
        out.push(Recording {
            conversation: Some(id),
            records: Vec::new(),
        });
    }
    Ok(())
}
