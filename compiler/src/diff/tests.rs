use super::*;
use crate::testing::{compile, with_head};
use std::sync::Arc;

const DATE: jiff::civil::Date = jiff::civil::date(2026, 3, 2);

fn machine(text: &str) -> Arc<Machine> {
    let c = with_head(text);
    c.runnable()
        .unwrap_or_else(|| panic!("{:?}", c.diagnostics))
}

fn of(old: &str, new: &str) -> Diff {
    diff(&machine(old), &machine(new), DATE)
}

const NODE: &str = "node greet { say \"Hi.\"; end resolved }\n";

#[test]
fn what_is_only_written_otherwise_is_no_change() {
    let old = format!("{NODE}escalate slow from bot to human {{ when turns > 5 }}\n");
    let new = format!(
        "// new words\nescalate slow from bot to human {{\n  // five\n  when turns > 5\n}}\n\n{NODE}"
    );
    let d = of(&old, &new);
    assert!(d.is_empty(), "{d:#?}");
    assert_ne!(d.old, d.new);
}

#[test]
fn a_raised_bound_changes_only_what_lies_between() {
    let old = format!("{NODE}escalate slow from bot to human {{ when turns > 5 }}\n");
    let new = format!("{NODE}escalate slow from bot to human {{ when turns > 8 }}\n");
    let d = of(&old, &new);
    let [case] = d.cases.as_slice() else {
        panic!("{:#?}", d.cases)
    };
    assert_eq!(
        (case.kind, case.when.as_str()),
        ("rule", "tier bot, turns 6..8")
    );
    assert_eq!(
        (case.old.as_str(), case.new.as_str()),
        ("human standard", "does not fire")
    );
    assert_eq!(
        case.overall,
        Some(("human: support standard".into(), "goes on".into()))
    );
    let [change] = d.changes.as_slice() else {
        panic!("{:#?}", d.changes)
    };
    assert_eq!((change.kind, change.how), ("rule", How::Changed));
    assert_eq!(
        change.added,
        ["escalate slow from bot to human { when turns > 8 }"]
    );
}

/// A threshold that a rule reads changes the rule.
#[test]
fn a_threshold_changes_the_rules_that_read_it() {
    let text = |t: &str| {
        format!(
            "{NODE}threshold sure = {t} {{ 85% when channel is web }}\nescalate low from bot to ai {{ when confidence < sure }}\n"
        )
    };
    let d = of(&text("70%"), &text("60%"));
    // The only channel is `web`, where nothing changes; unknown it never is.
    assert!(d.cases.is_empty(), "{:#?}", d.cases);
    assert_eq!(d.changes.len(), 1);
    let text = |t: &str| {
        format!(
            "{NODE}threshold sure = {t} {{ 85% when shouting }}\nescalate low from bot to ai {{ when confidence < sure }}\n"
        )
    };
    let d = of(&text("70%"), &text("60%"));
    let kinds: Vec<(&str, &str, &str, &str)> = d
        .cases
        .iter()
        .map(|c| (c.kind, c.when.as_str(), c.old.as_str(), c.new.as_str()))
        .collect();
    assert!(
        kinds.contains(&("threshold", "not shouting", "70%", "60%")),
        "{kinds:?}"
    );
    assert!(
        kinds.iter().any(|k| k.0 == "rule"
            && k.1.contains("confidence >= 60% and < 70%")
            && k.3 == "does not fire"),
        "{kinds:?}"
    );
}

#[test]
fn a_matrix_row_shows_the_case_that_moves() {
    let base = r#"
bot demo { languages en; channels web; tiers bot -> human; start greet }
tier bot: scripted { cost 1 USD }
tier human: people { cost 5 USD }
enum plan { free, pro, enterprise }
customer { plan: plan = free }
team support { hours always }
team finance { hours always }
team key_accounts { hours always }
handoff human { say "I'll get you to a person." }
intent billing { "my invoice" }
intent refund { "my money back" }
node greet { say "Hi."; end resolved }
"#;
    let old = format!(
        "{base}route human {{\n | intent | customer.plan | team | priority |\n | billing, refund | _ | finance | high |\n | _ | _ | support | standard |\n}}\n"
    );
    let new = format!(
        "{base}route human {{\n | intent | customer.plan | team | priority |\n | billing | enterprise | key_accounts | immediate |\n | billing, refund | _ | finance | high |\n | _ | _ | support | standard |\n}}\n"
    );
    let machine = |t: &str| crate::testing::compile(t).machine;
    let d = diff(&machine(&old), &machine(&new), DATE);
    let [case] = d.cases.as_slice() else {
        panic!("{:#?}", d.cases)
    };
    assert_eq!(case.when, "intent billing, customer.plan enterprise");
    assert_eq!(
        (case.old.as_str(), case.new.as_str()),
        ("finance high", "key_accounts immediate")
    );
    assert_eq!(
        d.changes
            .iter()
            .filter(|c| c.kind == "row" && c.how == How::Added)
            .count(),
        1
    );
    // The other way round it is the same case.
    let back = diff(&machine(&new), &machine(&old), DATE);
    assert_eq!(back.cases.first().unwrap().when, case.when);
}

#[test]
fn renamed_things_are_the_same_things() {
    let old = "slots { order_number: text }\nnode greet { ask order_number \"Number?\"; -> done }\nnode done { say \"{order_number}\"; end resolved }\n";
    let new = "slots { order_id was order_number: text }\nnode greet { ask order_id \"Number?\"; -> finished }\nnode finished was done { say \"{order_id}\"; end resolved }\n";
    let d = of(old, new);
    let found: Vec<(&str, How, &str)> = d
        .changes
        .iter()
        .map(|c| (c.kind, c.how, c.name.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("slot", How::Renamed, "order_id"),
            ("node", How::Renamed, "finished")
        ]
    );
    let place = d
        .places
        .iter()
        .find(|p| p.place == "greet/ask order_number")
        .unwrap();
    assert_eq!(
        (place.what, place.why.as_str()),
        (Move::Moves, "to `greet/ask order_id`")
    );
    assert!(d.stays.is_empty(), "{:?}", d.stays);
}

#[test]
fn conversations_stay_where_the_place_is_gone_or_relies_on_more() {
    let old = "slots { a: text; b: text }\nnode greet { ask b \"b?\"; -> out }\nnode out { say \"{b}\"; end resolved }\n";
    let new = "slots { a: text; b: text }\nnode greet { ask a \"a?\"; ask b \"b?\"; say \"{a}\"; -> out }\nnode out { say \"{b}\"; end resolved }\n";
    let d = of(old, new);
    let place = d.places.iter().find(|p| p.place == "greet/ask b").unwrap();
    assert_eq!(place.what, Move::Depends);
    assert!(place.why.contains("`a`"), "{place:?}");
    let back = of(new, old);
    let place = back
        .places
        .iter()
        .find(|p| p.place == "greet/ask a")
        .unwrap();
    assert_eq!(
        (place.what, place.why.as_str()),
        (Move::Stays, "the place is gone")
    );
}

/// A space too large to look at all of it is sampled, always alike, and it is said.
#[test]
fn a_large_space_is_sampled_and_says_so() {
    let rule = |first: &str| {
        let words: Vec<String> = (0..19)
            .map(|i| format!("message contains \"w{i}\""))
            .collect();
        format!(
            "{NODE}escalate much from bot to human {{ when {first} or {} }}\n",
            words.join(" or ")
        )
    };
    let d = of(&rule("shouting"), &rule("profanity"));
    assert!(
        d.limits.iter().any(|l| l.contains("were looked at")),
        "{:?}",
        d.limits
    );
    let whens: Vec<&str> = d.cases.iter().map(|c| c.when.as_str()).collect();
    assert!(
        whens.contains(&"shouting, everything else quiet"),
        "{whens:?}"
    );
    let again = of(&rule("shouting"), &rule("profanity"));
    assert_eq!(again.cases.len(), d.cases.len());
}

/// The rule of a regulated intent is the compiler's; its case is said in the language's words all the same.
#[test]
fn an_intent_that_becomes_regulated_goes_to_people() {
    let text =
        |regulated: &str| format!("{NODE}intent legal{regulated} {{ \"I will sue you\" }}\n");
    let d = of(&text(""), &text(" regulated"));
    let [case] = d.cases.as_slice() else {
        panic!("{:#?}", d.cases)
    };
    assert!(case.when.ends_with("intent legal"), "{case:?}");
    assert_eq!(case.new, "human high");
    assert_eq!(
        case.overall,
        Some(("goes on".into(), "human: support high".into()))
    );
}

/// Hours are compared by the times at which they are open, in real time zones, and a team by its hours.
#[test]
fn hours_say_when_they_differ() {
    let bare = crate::testing::HEAD.replace("team support { hours always }\n", "");
    let machine = |text: &str| {
        let c = crate::testing::compile(&format!("{bare}{text}"));
        c.runnable()
            .unwrap_or_else(|| panic!("{:?}", c.diagnostics))
    };
    let bot = |hours: &str, team: &str| {
        machine(&format!(
            "{NODE}hours office {{ timezone \"Europe/London\"; {hours} }}\nhours late {{ timezone \"Europe/London\"; mon..sun 12:00-20:00 }}\nteam support {{ {team} }}\nescalate day to human {{ when during office and shouting }}\nescalate night to human {{ when during late and profanity }}\n"
        ))
    };
    let old = bot(
        "mon..fri 09:00-17:30; sat 10:00-14:00; closed 2026-12-25",
        "hours office",
    );
    // The same week in other words.
    let same = bot(
        "mon 09:00-17:30; tue..fri 09:00-12:00, 12:00-17:30; sat 10:00-14:00; closed 2026-12-25",
        "hours office",
    );
    assert!(diff(&old, &same, DATE).times.is_empty());
    let shorter = bot("mon..fri 09:00-17:00; sun 10:00-14:00", "hours office");
    let d = diff(&old, &shorter, DATE);
    let [office] = d.times.as_slice() else {
        panic!("{:#?}", d.times)
    };
    assert_eq!((office.kind, office.name.as_str()), ("hours", "office"));
    assert_eq!(office.closes, ["Sat 10:00-14:00", "Mon-Fri 17:00-17:30"]);
    assert_eq!(
        office.opens,
        ["Sun 10:00-14:00", "Fri 2026-12-25 09:00-17:00"]
    );
    assert_eq!(office.first, "Mon 2026-03-02 17:00");
    // Another zone: an hour's difference but for the weeks in which only one of them has put its clocks on.
    let paris = machine(&format!(
        "{NODE}hours office {{ timezone \"America/New_York\"; mon 09:00-10:00 }}\nteam support {{ hours always }}\nescalate day to human {{ when during office and shouting }}\n"
    ));
    let london = machine(&format!(
        "{NODE}hours office {{ timezone \"Europe/London\"; mon 14:00-15:00 }}\nteam support {{ hours always }}\nescalate day to human {{ when during office and shouting }}\n"
    ));
    let d = diff(&london, &paris, DATE);
    let [office] = d.times.as_slice() else {
        panic!("{:#?}", d.times)
    };
    assert_eq!(office.timezone, "America/New_York");
    // Clocks go on at 2026-03-08 in New York and at 2026-03-29 in London, back at 2026-10-25 and 2026-11-01.
    assert_eq!(office.first, "Mon 2026-03-09 09:00");
    assert_eq!(office.opens, ["Mon 09:00-10:00"]);
    assert_eq!(office.closes, ["Mon 10:00-11:00"]);
    // A team that changes its hours; the hours themselves do not.
    let moved = bot(
        "mon..fri 09:00-17:30; sat 10:00-14:00; closed 2026-12-25",
        "hours late",
    );
    let d = diff(&old, &moved, DATE);
    let [team] = d.times.as_slice() else {
        panic!("{:#?}", d.times)
    };
    assert_eq!((team.kind, team.name.as_str()), ("team", "support"));
    assert_eq!(team.closes, ["Mon-Fri 09:00-12:00", "Sat 10:00-12:00"]);
    assert!(
        team.opens.contains(&"Mon-Fri 17:30-20:00".to_owned()),
        "{:?}",
        team.opens
    );
    let round = machine(&format!("{NODE}team support {{ hours always }}\n"));
    let d = diff(&round, &round, DATE);
    assert!(d.times.is_empty());
}

/// Who has held below -50% has held below -40%; what held in two messages holds in this one.
#[test]
fn no_case_is_told_that_cannot_be() {
    let rule = |bound: &str| {
        format!("{NODE}escalate angry to human {{ when sentiment < {bound} for 2 messages }}\n")
    };
    let d = of(&rule("-50%"), &rule("-40%"));
    let [case] = d.cases.as_slice() else {
        panic!("{:#?}", d.cases)
    };
    assert_eq!(
        case.when,
        "not (sentiment < -50% for 2 messages), (sentiment < -40% for 2 messages)"
    );
    assert_eq!(
        (case.old.as_str(), case.new.as_str()),
        ("does not fire", "human standard")
    );
    assert_eq!(
        case.overall,
        Some(("goes on".into(), "human: support standard".into()))
    );
    // A message that has an intent has the conversation's.
    let intents =
        format!("{NODE}intent refund {{ \"money back\" }}\nintent track {{ \"where is it\" }}\n");
    let rule = |when: &str| format!("{intents}escalate money to human {{ when {when} }}\n");
    let d = of(
        &rule("message.intent is refund"),
        &rule("message.intent is refund and intent is refund"),
    );
    assert!(d.cases.is_empty(), "{:#?}", d.cases);
}

/// What all rules do is told of each value that a case names: another rule may take back only some of them. The intent of a message
/// is the conversation's also for the rules that do not read the message.
#[test]
fn what_all_rules_do_holds_for_every_value_named() {
    let bot = |bound: &str| {
        format!(
            "enum level {{ basic, plus, top }}\ncustomer {{ level: level = basic }}\nintent refund {{ \"refund\" }}\n{NODE}\
             escalate vip to human {{ when customer.level in [plus, top] and turns > {bound}; priority high }}\n\
             escalate long to human {{ when turns > 3; unless customer.level is top }}\n\
             escalate money to human {{ when intent is refund; priority immediate }}\n\
             escalate asked to human {{ when message.intent is refund and turns > {bound}; priority medium }}\n"
        )
    };
    let d = of(&bot("5"), &bot("8"));
    let mut told: Vec<_> = d
        .cases
        .iter()
        .map(|c| {
            let overall = c.overall.as_ref();
            (
                c.name.as_str(),
                c.when.as_str(),
                overall.map(|(a, b)| (a.as_str(), b.as_str())),
            )
        })
        .collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            // The rule `money` decides it before and after.
            ("asked", "message.intent refund, turns 6..8", None),
            (
                "vip",
                "customer.level plus, turns 6..8",
                Some(("human: support high", "human: support standard"))
            ),
            (
                "vip",
                "customer.level top, turns 6..8",
                Some(("human: support high", "goes on"))
            ),
        ]
    );
}

/// Nobody is on a channel that is gone; whether something is known is said in these words.
#[test]
fn a_channel_that_is_gone_is_no_case() {
    let bot = |channels: &str, on: &str| {
        let text = format!(
            "slots {{ found: text }}\nnode greet {{ ask found \"What?\"; end resolved }}\n\
             escalate lost to human {{ when found is known and channel is {on} and turns > 5 }}\n"
        );
        let head = crate::testing::HEAD.replace("channels web", channels);
        let c = crate::testing::compile(&format!("{head}{text}"));
        c.runnable()
            .unwrap_or_else(|| panic!("{:?}", c.diagnostics))
    };
    let old = bot("channels web, telegram", "telegram");
    let new = bot("channels web", "web");
    let d = diff(&old, &new, jiff::civil::date(2026, 3, 2));
    let told: Vec<(&str, &str)> = d
        .cases
        .iter()
        .map(|c| (c.when.as_str(), c.new.as_str()))
        .collect();
    assert_eq!(told, [("found known, turns >= 6", "human standard")]);
}

/// A field is known where its record is, unless it is optional: other cases cannot be.
#[test]
fn a_known_record_has_its_fields() {
    let bot = |bound: &str, more: &str| {
        format!(
            "enum state {{ trial, paid }}\nrecord contract {{ state: state; until: date? }}\ncustomer {{ contract: contract? }}\n{NODE}\
             segment trial when customer.contract is unknown or customer.contract.state is trial{more}\n\
             escalate slow to human {{ when turns > {bound} and not trial }}\n"
        )
    };
    let when = |more: &str| {
        let d = of(&bot("5", more), &bot("8", more));
        d.cases.iter().map(|c| c.when.clone()).collect::<Vec<_>>()
    };
    assert_eq!(when(""), ["turns 6..8, customer.contract.state paid"]);
    let until = when(" or customer.contract.until is unknown");
    assert_eq!(
        until,
        ["turns 6..8, customer.contract.state paid, customer.contract.until known"]
    );
}

/// What a list holds is compared where its order says nothing.
#[test]
fn what_is_listed_in_another_order_is_no_change() {
    let bot = |when: &str, some: &str, examples: &str, skills: &str, above: &str| {
        let c = compile(&format!(
            r#"
bot demo {{ languages en; channels web; tiers bot -> human; start greet }}
tier bot: scripted
tier human: people
enum issue {{ order, bill, other }}
slots {{ about: issue; paid: money = 0 USD }}
segment due when {when}
intent fees {{ {examples} }}
team support {{ hours always }}
team billing {{ hours always; skills {skills} }}
node greet {{
  ask about "What is it?" {{ otherwise -> escalate }}
  match about {{ {some} -> end resolved; other -> escalate }}
}}
escalate slow to human {{ when due or message contains any [{examples}] }}
route human {{
  | about  | paid      | team    |
  | {some} | > {above} | billing |
  | _      | _         | support |
}}
handoff human {{ say "Somebody comes." }}
"#
        ));
        c.runnable()
            .unwrap_or_else(|| panic!("{:?}", c.diagnostics))
    };
    let old = bot(
        "turns > 5 and (shouting or profanity or about in [order, bill] or 2 of [shouting, negation, profanity])",
        "order, bill",
        "\"a fee\", \"my fees\"",
        "bills, fees",
        "1_000 USD",
    );
    let new = |turns: u32| {
        bot(
            &format!(
                "(about in [bill, order] or (profanity or 2 of [profanity, shouting, negation]) or shouting) and turns > {turns}"
            ),
            "bill, order",
            "\"my fees\", \"a fee\"",
            "fees, bills",
            "1000 USD",
        )
    };
    let d = diff(&old, &new(5), DATE);
    assert!(d.is_empty(), "{d:#?}");
    assert!(!diff(&old, &new(6), DATE).is_empty());
}

#[test]
fn what_a_field_of_a_record_says_of_itself_is_compared() {
    let text = |field: &str| {
        format!(
            "record bill {{ no: text; {field} }}\nslots {{ last: bill? }}\nwebhook find() -> bill {{ get \"https://shop.example/b\" }}\n\
             node greet {{ call find() as b {{ failed -> escalate }}; set last = b; end resolved }}\n"
        )
    };
    for (old, new) in [
        ("paid: bool = false", "paid: bool = true"),
        ("paid: bool = false", "paid: bool"),
    ] {
        let d = of(&text(old), &text(new));
        let [change] = d.changes.as_slice() else {
            panic!("{old} {:#?}", d.changes)
        };
        assert_eq!((change.kind, change.how), ("record", How::Changed), "{old}");
        assert!(change.added.iter().any(|l| l.contains(new)), "{change:?}");
    }
}

#[test]
fn a_change_of_what_is_learnt_is_shown_where_it_stands() {
    let text = |by: &str| {
        format!(
            "{NODE}threshold sure = 70%\nescalate low from bot to ai {{ when confidence < sure }}\nlearn {{ from human; tune sure by {by} }}\n"
        )
    };
    let d = of(&text("5%"), &text("6%"));
    let [change] = d.changes.as_slice() else {
        panic!("{:#?}", d.changes)
    };
    let line = change.new_at.as_ref().map(|at| at.line as usize);
    assert_eq!(line, Some(crate::testing::HEAD.lines().count() + 4));
    assert_eq!(change.added, ["learn { from human; tune sure by 6% }"]);
}

#[test]
fn a_channel_that_is_refined_for_the_first_time_shows_what_was_written() {
    let d = of(
        NODE,
        &format!("{NODE}channel web {{ follow up on email }}\n"),
    );
    let [change] = d.changes.as_slice() else {
        panic!("{:#?}", d.changes)
    };
    assert_eq!((change.kind, change.how), ("channel", How::Changed));
    assert_eq!(change.removed, Vec::<String>::new());
    assert_eq!(change.added, ["channel web { follow up on email }"]);
}
