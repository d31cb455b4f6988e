//! Which words may begin an item where, and which of them was meant.

/// The items of one kind of block.
pub(crate) struct Words {
    /// "step", "item of `bot`".
    pub(crate) what: &'static str,
    /// "a step".
    pub(crate) article: &'static str,
    /// What to write instead of something unknown.
    pub(crate) help: &'static str,
    /// The keywords.
    pub(crate) list: &'static [&'static str],
    /// The keywords that may stand once in a block.
    pub(crate) once: &'static [&'static str],
}

macro_rules! words {
    ($name:ident, $what:literal, $article:literal, $help:literal, [$($word:literal),* $(,)?]) => {
        words!($name, $what, $article, $help, [$($word),*], once []);
    };
    ($name:ident, $what:literal, $article:literal, $help:literal, [$($word:literal),* $(,)?], once [$($once:literal),* $(,)?]) => {
        pub(crate) const $name: Words =
            Words { what: $what, article: $article, help: $help, list: &[$($word),*], once: &[$($once),*] };
    };
}

words!(
    STEPS,
    "step",
    "a step",
    "a step begins with a word such as `say`, `ask`, `if` or `->`",
    [
        "say", "ask", "form", "choose", "confirm", "listen", "set", "clear", "if", "match", "call",
        "visit", "back", "continue", "note", "tag", "attempt", "ticket", "callback", "verify",
        "survey", "escalate", "end", "offer",
    ]
);
words!(
    QUESTION,
    "item",
    "an answer",
    "write an answer with where it leads: `\"Yes\" -> node`",
    [
        "invalid",
        "retry",
        "label",
        "otherwise",
        "failed",
        "yes",
        "no",
        "none",
        "worked",
        "declined",
        "resolved",
        "intent",
    ],
    once ["invalid", "retry", "label"]
);
words!(
    MATCH,
    "arm",
    "a value",
    "write a value with where it leads: `shipped -> node`",
    ["otherwise"]
);
words!(
    ATTACHMENT,
    "attachment",
    "`image`, `file` or `card`",
    "attach with `image \"url\"`, `file \"url\"` or `card { .. }`",
    ["image", "file", "card",]
);
words!(
    CARD,
    "part of a card",
    "a part of the card",
    "a card has `title`, `text`, `image` and `link`",
    ["title", "text", "image", "link",],
    once ["title", "text", "image", "link"]
);
words!(
    OFFER,
    "offer",
    "an offer",
    "offer `callback`, `ticket`, `stay`, `continue with TIER` or a button with `->`",
    ["callback", "ticket", "stay", "continue",]
);
words!(
    BOT,
    "item of `bot`",
    "an item of `bot`",
    "`bot` takes title, languages, channels, timezone, tiers, start, menu, discloses, reopen, abandon, understands",
    [
        "title",
        "languages",
        "channels",
        "timezone",
        "tiers",
        "start",
        "menu",
        "discloses",
        "reopen",
        "abandon",
        "understands",
    ],
    once ["title", "languages", "channels", "timezone", "tiers", "start", "menu", "discloses", "reopen", "abandon", "understands"]
);
words!(START, "line", "a tier", "write `TIER when CONDITION`", []);
words!(
    CHANNEL,
    "item of `channel`",
    "an item of `channel`",
    "`channel` takes `window 24h`, `reopen template \"name\"`, `follow up on CHANNEL` and limits such as `buttons at most 3`",
    ["window", "reopen", "follow", "buttons", "label", "text",],
    once ["window", "reopen", "follow"]
);
words!(
    TIER,
    "item of `tier`",
    "an item of `tier`",
    "`tier` takes cost, reply, model, knowledge, tools, shares, persona, forbid, turns, answers",
    [
        "cost",
        "reply",
        "model",
        "knowledge",
        "tools",
        "shares",
        "persona",
        "forbid",
        "turns",
        "answers",
    ],
    once ["cost", "reply", "model", "knowledge", "tools", "shares", "persona", "forbid", "turns", "answers"]
);
words!(
    BAND,
    "band",
    "a band of confidence",
    "write a range and what happens: `90%..100% send`",
    []
);
words!(FIELD, "field", "a field", "write `name: type`", []);
words!(
    ENUM,
    "value",
    "a value",
    "write the values as names, separated by commas",
    []
);
words!(
    EXAMPLES,
    "example",
    "an example",
    "write examples as texts: `\"where is my order\"`",
    []
);
words!(
    FAQ,
    "item of `faq`",
    "an item of `faq`",
    "`faq` takes `ask`, `answer` and `link`",
    ["ask", "answer", "link"],
    once ["answer", "link"]
);
words!(
    VARIANT,
    "variant",
    "a variant",
    "write `en \"..\"` or `en on CHANNEL \"..\"`",
    []
);
words!(
    THRESHOLD,
    "line",
    "a value",
    "write `VALUE when CONDITION`",
    []
);
words!(
    RULE,
    "item of `escalate`",
    "an item of `escalate`",
    "a rule takes `when`, `unless`, `priority`, `say` and `because`",
    ["when", "unless", "priority", "say", "because"],
    once ["when", "unless", "priority", "say", "because"]
);
words!(
    HOURS,
    "item of `hours`",
    "days and times",
    "write `mon..fri 09:00-17:30`, `closed DATE` or `timezone \"..\"`",
    ["timezone", "closed",],
    once["timezone"]
);
words!(
    TEAM,
    "item of `team`",
    "an item of `team`",
    "`team` takes title, hours, skills, languages, capacity, assign, overflow",
    [
        "title",
        "hours",
        "skills",
        "languages",
        "capacity",
        "assign",
        "overflow",
    ],
    once ["title", "hours", "skills", "languages", "capacity", "assign", "overflow"]
);
words!(
    ROUTE,
    "item of `route`",
    "a row",
    "write a row as `| cell | cell |`",
    ["prefer"],
    once["prefer"]
);
words!(
    HANDOFF,
    "item of `handoff`",
    "an item of `handoff`",
    "`handoff` takes require, say, update, offer, accept, review, connected, full, closed, unstaffed, resolved, returned",
    [
        "require",
        "say",
        "update",
        "offer",
        "accept",
        "review",
        "connected",
        "full",
        "closed",
        "unstaffed",
        "resolved",
        "returned",
    ],
    once ["require", "say", "update", "accept", "review", "connected", "full", "closed", "unstaffed", "resolved", "returned"]
);
words!(
    ASSIST,
    "item of `assist`",
    "an item of `assist`",
    "`assist` takes open, remind, alert, template, surface, similar, suggest",
    [
        "open", "remind", "alert", "template", "surface", "similar", "suggest",
    ],
    once ["open", "surface", "similar", "suggest"]
);
words!(
    LEARN,
    "item of `learn`",
    "an item of `learn`",
    "`learn` takes `from`, `review` and `tune`",
    ["from", "review", "tune"],
    once ["from", "review"]
);
words!(
    TARGETS,
    "target",
    "a target",
    "write `METRIC of TIER >= 60%`",
    ["alert"]
);
words!(
    WEBHOOK,
    "item of `webhook`",
    "an item of `webhook`",
    "`webhook` takes a method with its URL, header, send, timeout, retry, idempotent, signed, shares",
    [
        "get",
        "post",
        "put",
        "patch",
        "delete",
        "header",
        "send",
        "timeout",
        "retry",
        "idempotent",
        "signed",
        "shares",
    ],
    once ["timeout", "retry", "idempotent", "signed", "shares", "send"]
);
words!(
    SEND,
    "field",
    "a field",
    "write `name` or `name: EXPRESSION`",
    []
);
words!(
    TRIGGER,
    "item of `trigger`",
    "an item of `trigger`",
    "`trigger` takes payload, find, when and steps",
    [
        "payload", "find", "when", "say", "ask", "form", "choose", "confirm", "listen", "set",
        "clear", "if", "match", "call", "visit", "note", "tag", "ticket", "callback", "survey",
        "escalate", "end",
    ],
    once ["payload", "find", "when"]
);
words!(
    TEST,
    "line of a test",
    "a line of a test",
    "a test has lines such as `customer \"..\"`, `bot \"..\"`, `wait 5m` and `expect ..`",
    [
        "at", "given", "customer", "bot", "wait", "mock", "model", "agent", "trigger", "expect",
    ]
);
words!(DATA, "field", "a field", "write `name VALUE`", []);

/// The word of the list that was meant: at most one edit in short words, two in longer ones.
pub(crate) fn nearest(word: &str, list: &'static [&'static str]) -> Option<&'static str> {
    if word.len() < 2 || word.len() > 24 {
        return None;
    }
    let mut best: Option<(usize, &'static str)> = None;
    for candidate in list {
        let limit = limit(word, candidate);
        let distance = distance(word.as_bytes(), candidate.as_bytes());
        if distance <= limit && best.is_none_or(|(d, _)| distance < d) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, word)| word)
}

/// Whether a word is a misspelt `candidate`.
pub(super) fn alike(word: &str, candidate: &str) -> bool {
    (2..=24).contains(&word.len())
        && distance(word.as_bytes(), candidate.as_bytes()) <= limit(word, candidate)
}

/// How many edits two words may be apart.
fn limit(word: &str, candidate: &str) -> usize {
    match word.len().min(candidate.len()) {
        0..=2 => 0,
        3..=4 => 1,
        _ => 2,
    }
}

/// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let width = b.len() + 1;
    let mut rows: Vec<Vec<usize>> = vec![(0..width).collect()];
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let above = rows
                .last()
                .and_then(|r| r.get(j + 1))
                .copied()
                .unwrap_or(usize::MAX / 2);
            let diagonal = rows
                .last()
                .and_then(|r| r.get(j))
                .copied()
                .unwrap_or(usize::MAX / 2);
            let left = row.last().copied().unwrap_or(usize::MAX / 2);
            let mut best = (above + 1)
                .min(left + 1)
                .min(diagonal + usize::from(!x.eq_ignore_ascii_case(y)));
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped && let Some(before) = rows.get(i - 1).and_then(|r| r.get(j - 1)) {
                best = best.min(before + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows.last()
        .and_then(|r| r.last())
        .copied()
        .unwrap_or(usize::MAX)
}
