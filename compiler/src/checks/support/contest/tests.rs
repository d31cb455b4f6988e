#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::checks::support::formula::tests::{World, value, worlds};
use crate::machine::{Rule, RuleOrigin};
use crate::testing::{Dice, found, with_head};
use std::fmt::Write as _;

const ATOMS: [&str; 8] = [
    "shouting",
    "not shouting",
    "profanity",
    "not profanity",
    "turns < 2",
    "turns >= 2",
    "turns > 4",
    "turns <= 4",
];

fn condition(dice: &mut Dice) -> String {
    let mut out = ATOMS[dice.roll(ATOMS.len())].to_owned();
    for _ in 0..dice.roll(3) {
        let join = ["and", "or"][dice.roll(2)];
        let atom = ATOMS[dice.roll(ATOMS.len())];
        write!(out, " {join} {atom}").unwrap();
    }
    out
}

fn rules(dice: &mut Dice) -> String {
    let mut out =
        String::from("node greet { choose \"?\" { \"A\" -> escalate; \"B\" -> end resolved } }\n");
    for i in 0..3 + dice.roll(3) {
        let from = ["", "from bot ", "from ai "][dice.roll(3)];
        let priority = ["standard", "medium", "high"][dice.roll(3)];
        let says = ["one", "two"][dice.roll(2)];
        writeln!(
            out,
            "escalate r{i} {from}to human {{ when {}; priority {priority}; say \"{says}\" }}",
            condition(dice)
        )
        .unwrap();
    }
    out
}

fn fires(rule: &Rule, world: World) -> bool {
    value(&rule.when, world) == Some(true)
}

/// Whether some world has it that all of `fire` fire in a common tier and no rule that would win over them.
fn alone(rules: &[&Rule], fire: &[&Rule]) -> bool {
    let first = fire[0];
    let tiers = first
        .from
        .iter()
        .filter(|t| fire.iter().all(|r| r.from.contains(t)));
    let mut cases = tiers.flat_map(|tier| worlds().into_iter().map(move |w| (*tier, w)));
    cases.any(|(tier, world)| {
        fire.iter().all(|r| fires(r, world))
            && !rules
                .iter()
                .any(|r| r.priority > first.priority && r.from.contains(&tier) && fires(r, world))
    })
}

#[test]
fn rules_are_found_beaten_or_tied_where_trying_every_world_finds_them_so() {
    let mut dice = Dice(5);
    let (mut beaten, mut tied, mut fine) = (0, 0, 0);
    for _ in 0..250 {
        let text = rules(&mut dice);
        let compilation = with_head(&text);
        let declared: Vec<&Rule> = compilation
            .machine
            .rules
            .iter()
            .filter(|r| r.origin == RuleOrigin::Declared)
            .collect();
        let found = found(&compilation, &["F0602", "F0605"]);
        for (i, rule) in declared.iter().enumerate() {
            let possible = worlds().into_iter().any(|w| fires(rule, w));
            let is_beaten = possible && !alone(&declared, &[rule]);
            assert_eq!(
                found.contains(&("F0602", rule.name.as_str())),
                is_beaten,
                "{} in\n{text}",
                rule.name
            );
            let is_tied = declared[..i].iter().any(|other| {
                let says = |r: &Rule| compilation.sources.snippet(r.loc).contains("\"one\"");
                rule.priority == other.priority
                    && says(rule) != says(other)
                    && alone(&declared, &[rule, other])
            });
            assert_eq!(
                found.contains(&("F0605", rule.name.as_str())),
                is_tied,
                "{} in\n{text}",
                rule.name
            );
            beaten += usize::from(is_beaten);
            tied += usize::from(is_tied);
            fine += usize::from(!is_beaten && !is_tied);
        }
    }
    // Every answer was put to the test.
    assert!(
        beaten > 50 && tied > 50 && fine > 50,
        "{beaten} {tied} {fine}"
    );
}

/// Two rules that tie unless one of many others fires, of which one does whatever is said: it takes too many steps to see that.
fn too_long_to_say() -> String {
    const WORDS: u32 = 9;
    let mut text = String::from(
        "node greet { choose \"?\" { \"A\" -> escalate; \"B\" -> end resolved } }\n\
         escalate a from bot to human { when shouting; say \"one\" }\n\
         escalate b from bot to human { when shouting; say \"two\" }\n",
    );
    let winner = |said: u32| {
        let of_word = |i: u32| {
            let not = if said >> i & 1 == 0 { "not " } else { "" };
            format!("{not}message contains \"w{i}\"")
        };
        let conditions: Vec<String> = (0..WORDS).map(of_word).collect();
        let when = conditions.join(" and ");
        format!("escalate w{said} from bot to human {{ when {when}; priority immediate }}\n")
    };
    text.extend((0..1 << WORDS).map(winner));
    text
}

const SAID: [&str; 4] = ["F0101", "F0301", "F0602", "F0605"];

#[test]
fn nothing_is_said_of_a_tie_where_the_search_ends_before_its_answer() {
    let compilation = with_head(&too_long_to_say());
    assert_eq!(found(&compilation, &SAID), []);
}

#[test]
fn a_search_that_ends_before_its_answer_leaves_the_later_rules_theirs() {
    let mut text = too_long_to_say();
    text.push_str(
        "escalate c from ai to human { when profanity; say \"one\" }\n\
         escalate d from ai to human { when profanity; say \"two\" }\n\
         escalate x from ai to human { when not shouting; priority immediate }\n\
         escalate y from ai to human { when shouting; priority immediate }\n\
         escalate e from ai to human { when negation; priority high; say \"one\" }\n",
    );
    let compilation = with_head(&text);
    let beaten = [("F0602", "c"), ("F0602", "d"), ("F0602", "e")];
    assert_eq!(found(&compilation, &SAID), beaten);
    let fewer = text.replace(
        "when shouting; priority immediate",
        "when negation; priority immediate",
    );
    let compilation = with_head(&fewer);
    assert_eq!(found(&compilation, &SAID), [("F0605", "d"), ("F0602", "e")]);
}
