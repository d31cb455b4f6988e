//! In a test of the language an agent accepts only what could be offered to them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod support;

const BOT: &str = r#"
bot pinned {
  languages en
  channels web
  timezone "Europe/London"
  tiers bot -> human
  start greet
}

tier bot: scripted { cost 0.02 USD }
tier human: people { cost 5 USD }
team support { hours always; skills parcels, bills }

route human {
  | intent | team    | priority | skill |
  | _      | support | standard | bills |
}

handoff human { say "I'll get you to a person." }

slots { words: text }
node greet { ask words "Tell me more."; -> greet }

test "who has the skill" {
  given agent pia in support skills parcels
  given agent quinn in support skills bills
  customer "I want to talk to a person"
  agent quinn accepts
}

test "who lacks it while someone else has it" {
  given agent pia in support skills parcels
  given agent quinn in support skills bills
  customer "I want to talk to a person"
  agent pia accepts
}

test "who lacks it while nobody has it" {
  given agent pia in support skills parcels
  customer "I want to talk to a person"
  agent pia accepts
}
"#;

#[test]
fn an_agent_accepts_only_what_could_be_offered() {
    let program = support::program(BOT, &[]);
    let results = flow_simulator::run_tests(&program, "");
    let failures: Vec<Option<&str>> = results
        .iter()
        .map(|r| r.failure.as_ref().map(|f| f.message.as_str()))
        .collect();
    assert_eq!(
        failures,
        [
            None,
            Some(
                "it is offered to `quinn`, not to `pia`: it needs the skill `bills`, the customer speaks `en`"
            ),
            None
        ]
    );
}
