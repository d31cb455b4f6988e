//! What an author reads: for each fault the message, the help and the text that is underlined; one fault, one finding.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use flow_grammar::{Diagnostic, Span, parse_uncached};

/// All findings of a file with the text that each underlines.
fn findings(text: &str) -> Vec<(Diagnostic<Span>, String)> {
    let mut out = Vec::new();
    for decl in parse_uncached(text).decls {
        for found in &decl.tree.diagnostics {
            let at = found.labels[0].at.shifted(decl.offset);
            out.push((
                found.clone(),
                text[at.start as usize..at.end as usize].to_owned(),
            ));
        }
    }
    out
}

/// Asserts that `text` has exactly one finding.
#[track_caller]
fn one(text: &str, message: &str, underlined: &str, help: &str) {
    many(text, &[(message, underlined, help)]);
}

#[track_caller]
fn many(text: &str, expected: &[(&str, &str, &str)]) {
    let found = findings(text);
    let found: Vec<(&str, &str, &str)> = found
        .iter()
        .map(|(d, t)| {
            (
                d.message.as_str(),
                t.as_str(),
                d.help.as_deref().unwrap_or_default(),
            )
        })
        .collect();
    assert_eq!(found, expected, "in {text}");
}

/// Asserts what the first fix of the first finding makes of the text, and that nothing is left to find.
#[track_caller]
fn fixed(text: &str, expected: &str) {
    let tree = parse_uncached(text);
    let decl = tree
        .decls
        .iter()
        .find(|d| !d.tree.diagnostics.is_empty())
        .unwrap();
    let mut edits = decl.tree.diagnostics[0].fixes[0].edits.clone();
    edits.sort_by_key(|e| std::cmp::Reverse(e.at.start));
    let mut out = text.to_owned();
    for edit in edits {
        let at = edit.at.shifted(decl.offset);
        out.replace_range(at.start as usize..at.end as usize, &edit.text);
    }
    assert_eq!(out, expected);
    assert_eq!(findings(&out).len(), 0, "{out}");
}

#[test]
fn small_words_between_a_keyword_and_its_value_are_inserted() {
    let cases = [
        (
            "node x { continue ai }",
            "expected `with` after `continue`, found `ai`",
            "node x { continue with ai }",
        ),
        (
            "tier ai: model { answers { 0%..100% send } }",
            "expected `by confidence` after `answers`, found `{`",
            "tier ai: model { answers by confidence { 0%..100% send } }",
        ),
        (
            "tier ai: model { answers confidence { 0%..100% send } }",
            "expected `by` after `answers`, found `confidence`",
            "tier ai: model { answers by confidence { 0%..100% send } }",
        ),
        (
            "tier ai: model { turns 5 }",
            "expected `at most` after `turns`, found `5`",
            "tier ai: model { turns at most 5 }",
        ),
        (
            "tier ai: model { turns at 5 }",
            "expected `most` after `at`, found `5`",
            "tier ai: model { turns at most 5 }",
        ),
        (
            "tier ai: model { turns most 5 }",
            "expected `at` after `turns`, found `most`",
            "tier ai: model { turns at most 5 }",
        ),
        (
            "tier ai: model { reply 5s }",
            "expected `within` after `reply`, found `5s`",
            "tier ai: model { reply within 5s }",
        ),
        (
            "channel web { follow up email }",
            "expected `on` after `up`, found `email`",
            "channel web { follow up on email }",
        ),
        (
            "channel web { follow on email }",
            "expected `up` after `follow`, found `on`",
            "channel web { follow up on email }",
        ),
        (
            "channel web { follow email }",
            "expected `up on` after `follow`, found `email`",
            "channel web { follow up on email }",
        ),
        (
            "channel whatsapp { reopen \"t\" }",
            "expected `template` after `reopen`, found `\"t\"`",
            "channel whatsapp { reopen template \"t\" }",
        ),
        (
            "trigger t from webhook \"a\" { find email }",
            "expected `customer by` after `find`, found `email`",
            "trigger t from webhook \"a\" { find customer by email }",
        ),
        (
            "trigger t from \"a\" { find customer by email }",
            "expected `webhook` after `from`, found `\"a\"`",
            "trigger t from webhook \"a\" { find customer by email }",
        ),
        (
            "route human {\n  prefer agent within 7d\n  | intent | team |\n  | _ | a |\n}",
            "expected `last` after `prefer`, found `agent`",
            "route human {\n  prefer last agent within 7d\n  | intent | team |\n  | _ | a |\n}",
        ),
        (
            "handoff human { update 60s \"You are {queue.position}.\" }",
            "expected `every` after `update`, found `60s`",
            "handoff human { update every 60s \"You are {queue.position}.\" }",
        ),
        (
            "handoff human { offer when queue.wait > 5m { continue ai \"Go on\" } }",
            "expected `with` after `continue`, found `ai`",
            "handoff human { offer when queue.wait > 5m { continue with ai \"Go on\" } }",
        ),
        (
            "test \"a\" { expect routed finance }",
            "expected `to` after `routed`, found `finance`",
            "test \"a\" { expect routed to finance }",
        ),
        (
            "test \"a\" { customer sends \"a.jpg\" }",
            "expected `file` after `sends`, found `\"a.jpg\"`",
            "test \"a\" { customer sends file \"a.jpg\" }",
        ),
        (
            "test \"a\" { customer fails }",
            "expected `verification` after `fails`",
            "test \"a\" { customer fails verification }",
        ),
    ];
    for (text, message, repaired) in cases {
        let found = findings(text);
        let messages: Vec<_> = found.iter().map(|(d, _)| d.message.as_str()).collect();
        assert_eq!(messages, [message], "in {text}");
        assert!(found[0].0.fixes[0].safe, "in {text}");
        fixed(text, repaired);
    }
}

#[test]
fn a_missing_part_is_named_with_what_stands_before_it() {
    one(
        "node x {\n  ask a \"Q\" { retry two }\n}",
        "expected a number after `retry`, found `two`",
        "two",
        "write `retry 2`",
    );
    one(
        "node x {\n  ask a \"Q\" { retry }\n}",
        "expected a number after `retry`",
        "retry",
        "write `retry 2`",
    );
    one(
        "node x { visit }",
        "expected a node after `visit`",
        "visit",
        "write `visit NODE`",
    );
    one(
        "node x { set a }",
        "expected `=` after `a`",
        "a",
        "write `set SLOT = VALUE`",
    );
    one(
        "node { back }",
        "expected a name after `node`, found `{`",
        "{",
        "write `node NAME { .. }`",
    );
    one(
        "segment s vip",
        "expected `when` after `s`, found `vip`",
        "vip",
        "write `segment NAME when CONDITION`",
    );
    one(
        "node x { end done }",
        "expected `resolved` or `unresolved` after `end`, found `done`",
        "done",
        "write `end resolved` or `end unresolved`",
    );
    one(
        "escalate a human { when b }",
        "expected `to` after `a`, found `human`",
        "human",
        "write `escalate NAME [from TIER] to TIER { when CONDITION }`",
    );
    one(
        "tier ai model { turns at most 3 }",
        "expected `:` and a kind after `ai`, found `model`",
        "model",
        "write `tier NAME: scripted`, `tier NAME: model` or `tier NAME: people`",
    );
    one(
        "tier t: people { reply 5s }",
        "expected `within` after `reply`, found `5s`",
        "5s",
        "write `reply within 3s`",
    );
    one(
        "slots { a: }",
        "expected a type after `:`",
        ":",
        "write `name: type`",
    );
    one(
        "slots { a text }",
        "expected `:` after `a`, found `text`",
        "text",
        "write `name: type`",
    );
    one(
        "targets { containment of bot 60% }",
        "expected a comparison after `bot`, found `60%`",
        "60%",
        "write `METRIC of TIER >= 60%` or `alert WEBHOOK when METRIC > 35% over 1h`",
    );
    one(
        "use \"../x\"",
        "expected `as NAME` after `\"../x\"`",
        "\"../x\"",
        "write `use \"../folder\" as name`",
    );
}

#[test]
fn a_misspelled_keyword_is_read_as_the_one_that_was_meant() {
    one(
        "node x {\n  sya \"hi\"\n}",
        "unknown step `sya`",
        "sya",
        "did you mean `say`?",
    );
    one(
        "nod x { back }",
        "unknown declaration `nod`",
        "nod",
        "did you mean `node`?",
    );
    one(
        "node x { choose \"Q\" { \"A\" -> a; othewise -> b } }",
        "unknown item `othewise`",
        "othewise",
        "did you mean `otherwise`?",
    );
    one(
        "bot b { langauges en }",
        "unknown item of `bot` `langauges`",
        "langauges",
        "did you mean `languages`?",
    );
    // The item is read all the same, so a second fault in it is found too.
    many(
        "node x {\n  aks a \"Q\" { retry two }\n}",
        &[
            ("unknown step `aks`", "aks", "did you mean `ask`?"),
            (
                "expected a number after `retry`, found `two`",
                "two",
                "write `retry 2`",
            ),
        ],
    );
    fixed("node x {\n  sya \"hi\"\n}", "node x {\n  say \"hi\"\n}");
    fixed("intnt x { \"a\" }", "intent x { \"a\" }");
}

#[test]
fn arrows_operators_and_units_are_put_right() {
    one(
        "node x { choose \"Q\" { \"A\" track } }",
        "expected `->` before `track`",
        "track",
        "write `-> track`",
    );
    fixed(
        "node x { choose \"Q\" { \"A\" track } }",
        "node x { choose \"Q\" { \"A\" -> track } }",
    );
    one(
        "node x { choose \"Q\" { \"A\" => t } }",
        "an arrow is written `->`, found `=>`",
        "=>",
        "write `->`",
    );
    fixed(
        "node x { choose \"Q\" { \"A\" → t } }",
        "node x { choose \"Q\" { \"A\" -> t } }",
    );
    one(
        "node x { if a = b { back } }",
        "`=` is written `is`",
        "=",
        "write `is`",
    );
    fixed(
        "node x { if a != b { back } }",
        "node x { if a is not b { back } }",
    );
    fixed("segment s when a && b", "segment s when a and b");
    one(
        "node x { set a to 5 }",
        "expected `=`, found `to`",
        "to",
        "write `set SLOT = VALUE`",
    );
    one(
        "tier t: scripted { reply within 5 min }",
        "a duration is written `5m`, found `5 min`",
        "5 min",
        "write `5m`",
    );
    fixed(
        "tier t: scripted { reply within 5 seconds }",
        "tier t: scripted { reply within 5s }",
    );
    fixed(
        "segment s when time in tier > 5 minutes",
        "segment s when time in tier > 5m",
    );
    fixed(
        "segment s when confidence < 70 %",
        "segment s when confidence < 70%",
    );
    fixed(
        "handoff human { review 15sec }",
        "handoff human { review 15s }",
    );
}

#[test]
fn commas_stand_between_values_only() {
    one(
        "enum plan { free, pro, }",
        "a list does not end with a comma",
        ",",
        "remove the comma, or write another value after it",
    );
    fixed("enum plan { free, pro, }", "enum plan { free, pro }");
    fixed(
        "webhook f(a: text,) { get \"u\" }",
        "webhook f(a: text) { get \"u\" }",
    );
    one(
        "enum plan { free pro }",
        "unexpected `pro` after `free`",
        "pro",
        "values are separated by commas",
    );
    one(
        "intent a { \"x\" \"y\" }",
        "unexpected `\"y\"` after `\"x\"`",
        "\"y\"",
        "texts are separated by commas",
    );
    one(
        "node x { say \"a\", back }",
        "unexpected `,`",
        ",",
        "items end with their line or `;`; only lists of values take commas",
    );
    one(
        "node x { say \"a\" say \"b\" }",
        "unexpected `say` after `\"a\"`",
        "say",
        "one item ends with its line; on one line items are separated by `;`",
    );
    one(
        "node x { match a { b, -> c } }",
        "expected a value after `,`, found `->`",
        "->",
        "separate values by commas",
    );
}

#[test]
fn quotes_and_braces_that_miss_their_partner() {
    const QUOTE: &str = "close it with `\"`; a text of several lines stands between `\"\"\"`";
    one(
        "node x {\n  say \"hello\n  back\n}",
        "this text has no closing quote",
        "\"hello",
        QUOTE,
    );
    fixed(
        "node x {\n  say \"hello\n  back\n}",
        "node x {\n  say \"hello\"\n  back\n}",
    );
    one(
        "node x {\n  ask a \"Which? {\n    retry 2\n  }\n}",
        "this text has no closing quote",
        "\"Which?",
        QUOTE,
    );
    one(
        "node x { say \"Hi {name\" }",
        "this `{` in a text is never closed",
        "{",
        "close the expression with `}`, or write `\\{` for a brace in the text",
    );
    one(
        "node x {\n  if a {\n    say \"x\"\n  say \"y\"\n}\n\nnode y { back }",
        "the `{` of `if a` is never closed",
        "{",
        "close it with `}`",
    );
    one(
        "node x {\n  back\n\nnode y { back }",
        "the `{` of `node x` is never closed",
        "{",
        "close it with `}`",
    );
    one(
        "node x\n  back\n}\nnode y { back }",
        "expected `{` after `node x`",
        "x",
        "open the block at the end of this line",
    );
    fixed("node x\n  back\n}", "node x {\n  back\n}");
    one(
        "node x {\n  if a\n    back\n  }\n  back\n}\nnode y { back }",
        "expected `{` after `if a`",
        "a",
        "open the block at the end of this line",
    );
    one(
        "node x { back }\n}\nnode y { back }",
        "this `}` closes nothing",
        "}",
        "remove it, or look for a block above that closes too early",
    );
    one(
        "node x { call f(a, b\n  back\n}",
        "this `(` is never closed",
        "(",
        "close it with `)`",
    );
    one(
        "node x { say \"{}\" }",
        "expected an expression between the braces",
        "{}",
        "write a name, as in `{order_id}`, or `\\{` for a brace in the text",
    );
}

#[test]
fn what_stands_in_the_wrong_place() {
    one(
        "say \"x\"\nnode y { back }",
        "`say` stands outside a node",
        "say",
        "steps belong into a `node NAME { .. }`; perhaps a `}` above closes it too early",
    );
    one(
        "node x { wait 5m }",
        "expected a step, found `wait`",
        "wait",
        "a step begins with a word such as `say`, `ask`, `if` or `->`",
    );
    one(
        "bot b { tiers bot, human }",
        "tiers are joined by `->`, found `,`",
        ",",
        "write the ladder, lowest first: `tiers bot -> ai -> human`",
    );
    one(
        "hours h { monday 09:00-17:00 }",
        "`monday` is no day",
        "monday",
        "write `mon`",
    );
    one(
        "route human {\n  | intent | team |\n  | a | b | c |\n}",
        "this row has 3 cells, the table 2 columns",
        "| a | b | c |",
        "write one cell for each column; `_` stands for anything",
    );
    one(
        "node x { say \"a \\q\" }",
        "a text has no escape `\\q`",
        "\\q",
        "texts know `\\\"`, `\\\\`, `\\n`, `\\{` and `\\}`; a backslash itself is `\\\\`",
    );
    one(
        "node x { say \"{customer.}\" }",
        "expected a name after `customer.`",
        "customer.",
        "write the field that is meant after the dot",
    );
}

#[test]
fn several_faults_give_several_findings() {
    let text = "\
enum plan { free, pro, }
node a {
  sya \"hi\"
  say \"ok\"
  set b to 5
  if c = d { back }
}
bot b { langauge en; start }
node c {
  ask d \"Q\" { retry x; othewise -> a }
}
";
    let found: Vec<String> = findings(text).into_iter().map(|f| f.1).collect();
    assert_eq!(
        found,
        [",", "sya", "to", "=", "langauge", "start", "x", "othewise"]
    );
}

#[test]
fn too_deep_nesting_is_one_finding() {
    let text = format!("node x {{ {}", "if a { ".repeat(200));
    one(
        &text,
        "brackets nest deeper than 128",
        "{",
        "move the inner part to a node of its own",
    );
}

#[test]
fn a_slot_is_filled_with_set() {
    let text = "node a {\n  visits = 1\n  end resolved\n}\n";
    one(
        text,
        "a slot is filled with `set`",
        "visits",
        "write `set visits = ..`",
    );
    fixed(text, "node a {\n  set visits = 1\n  end resolved\n}\n");
}

#[test]
fn what_may_stand_once_stands_once() {
    let text = "bot a {\n  title \"One\"\n  languages en\n  title \"Two\"\n}\n";
    one(
        text,
        "`title` stands twice in one block",
        "title",
        "keep one `title`",
    );
    let found = findings(text);
    let places: Vec<u32> = found[0].0.labels.iter().map(|l| l.at.start).collect();
    assert_eq!(found[0].0.code, "F0202");
    assert_eq!(places, [39, 10]);
    for text in [
        "escalate r to human { when shouting; when profanity }",
        "node a { ask x \"X?\" { invalid \"No.\"; invalid \"No!\" } }",
        "tier a: scripted { cost 1 USD; cost 2 USD }",
        "handoff human { say \"a\"; say \"b\" }",
    ] {
        let found = findings(text);
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!(found[0].0.code, "F0202", "{text}");
    }
    // Labels and other repeated items are no such thing.
    assert_eq!(
        findings(
            "node a { say \"x\"; say \"x\"; choose \"?\" { \"title\" -> a; \"title\" -> b } }"
        )
        .len(),
        0
    );
}

#[test]
fn declarations_may_share_a_line() {
    let text = "threshold t = 70%; threshold u = 60%\nenum e { a }; enum f { b }\n";
    many(text, &[]);
    assert_eq!(parse_uncached(text).decls.len(), 4);
    let formatted = "threshold t = 70%\nthreshold u = 60%\nenum e { a }\nenum f { b }\n";
    assert_eq!(flow_grammar::format(text), formatted);
    assert_eq!(flow_grammar::format(formatted), formatted);
}

#[test]
fn what_is_missing_before_a_block_is_missed_there() {
    one(
        "node a {\n  choose {\n    \"A\" -> a\n    otherwise -> a\n  }\n}\n",
        "expected a text after `choose`, found `{`",
        "{",
        "write `choose \"question\" { \"Label\" -> node }`",
    );
    one(
        "tier bot: scripted\n  reply within 1s\n}\n",
        "expected `{` after `scripted`",
        "scripted",
        "what a declaration holds stands between `{` and `}`",
    );
}

#[test]
fn a_comment_of_another_language_takes_nothing_with_it() {
    let text = "/* c */ node a { -> a }\n";
    one(
        text,
        "a comment begins with `//` and ends with its line",
        "/",
        "write `// ..`, on every line of the comment",
    );
    assert_eq!(parse_uncached(text).decls.len(), 2);
}

#[test]
fn an_exclamation_mark_becomes_a_word_of_its_own() {
    fixed(
        "node a { if !sure { -> a } }\n",
        "node a { if not sure { -> a } }\n",
    );
}
