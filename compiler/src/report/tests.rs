use super::*;
use crate::testing::{compile, with_head};

fn of(text: &str) -> Report {
    let c = with_head(text);
    assert!(c.runnable().is_some(), "{:?}", c.diagnostics);
    report(&c.machine, jiff::civil::date(2026, 3, 4))
}

fn turns(report: &Report, node: &str) -> Option<u32> {
    report
        .reach
        .iter()
        .find(|r| r.node.as_deref() == Some(node))
        .unwrap()
        .turns
}

const ASK: &str = r#"
node greet {
  choose "What is it?" { "Bill" -> bill; "Other" -> other }
}
node bill { escalate to human because "A bill" }
node other { say "Fine."; end resolved }
"#;

#[test]
fn asking_is_one_turn_and_escalating_none() {
    let r = of(ASK);
    assert_eq!(turns(&r, "bill"), Some(0));
    assert_eq!(turns(&r, "greet"), Some(1));
    assert_eq!(turns(&r, "other"), Some(1));
    let greet = r
        .reach
        .iter()
        .find(|r| r.node.as_deref() == Some("greet"))
        .unwrap();
    assert!(
        greet
            .ways
            .iter()
            .any(|w| w.kind == "rule" && w.how.contains("asked_for_human"))
    );
    assert!(greet.ways.iter().any(|w| w.kind == "flow" && w.turns == 1));
}

/// Where asking is narrowed away only the flow counts, and what the customer cannot choose goes the worst way.
#[test]
fn without_the_rule_only_the_flow_counts() {
    let c = with_head(
        r#"
escalate asked_for_human to human { when asks_for_human and shouting }
slots { big: bool }
node greet {
  confirm "Is it big?" { yes -> sized; no -> greet }
}
node sized {
  choose "How?" { "Now" -> now; "Later" -> greet }
}
node now {
  if big is known and big { escalate to human because "big" } else { say "No." ; -> greet }
}
"#,
    );
    let r = report(&c.machine, jiff::civil::date(2026, 3, 4));
    // The else of `now` leads round in a circle; spending the retries of `greet` leads up the ladder to the model, not to a person.
    assert_eq!(turns(&r, "now"), None);
    assert_eq!(turns(&r, "sized"), None);
}

/// What a handler asks first takes a turn per field; a way that hangs on a webhook is none.
#[test]
fn a_handler_leads_to_a_person_by_what_it_asks() {
    let bot = r#"
escalate asked_for_human to human { when asks_for_human and shouting }
slots { name: text; reason: text }
intent angry { "this is a scandal" }
on intent angry { form name, reason { otherwise -> end unresolved }; escalate to human because "angry" }
webhook push() { post "https://x.example/push"; idempotent }
node greet { choose "Done?" { "Yes" -> end resolved; "Again" -> greet; otherwise -> greet } }
"#;
    let r = of(bot);
    let greet = r
        .reach
        .iter()
        .find(|x| x.node.as_deref() == Some("greet"))
        .unwrap();
    assert_eq!(greet.turns, Some(3));
    let intents: Vec<_> = greet.ways.iter().filter(|w| w.kind == "intent").collect();
    assert!(matches!(intents[..], [way] if way.turns == 3));
    // An error of the webhook is not the customer's to choose: F0404 sees a way, the report promises none.
    let perhaps = bot.replace(
        r#"form name, reason { otherwise -> end unresolved }; escalate to human because "angry""#,
        r#"call push() { failed -> escalate to human because "angry" }; say "{name ?? reason ?? "Sent"}."; back"#,
    );
    let r = of(&perhaps);
    assert_eq!(turns(&r, "greet"), None);
}

#[test]
fn a_required_field_is_certain_possible_or_impossible() {
    let c = compile(
        r#"
bot demo { languages en; channels web; tiers bot -> human; start greet }
tier bot: scripted { cost 1 USD }
tier human: people { cost 5 USD }
team support { hours always }
route human {
  | intent | team    |
  | _      | support |
}
slots { a: text; b: text; c: text }
handoff human { require a, b, c; say "I'll get you to a person." }
node greet {
  ask a "a?"
  choose "b?" { "yes" -> with_b; "no" -> out }
}
node with_b { ask b "b?"; -> out }
node out { escalate to human because "done" }
"#,
    );
    let r = report(&c.machine, jiff::civil::date(2026, 3, 4));
    let by_step = |field: &str| {
        let all = r.required.iter().find(|x| x.field == field).unwrap();
        all.ways
            .iter()
            .find(|w| w.by.contains("node `out`"))
            .unwrap()
            .known
    };
    assert_eq!(by_step("a"), Knows::Certain);
    assert_eq!(by_step("b"), Knows::Possible);
    assert_eq!(by_step("c"), Knows::Impossible);
    let a = r.required.iter().find(|x| x.field == "a").unwrap();
    let rule = a
        .ways
        .iter()
        .find(|w| w.by.contains("asked_for_human"))
        .unwrap();
    assert_eq!(
        (rule.known, rule.unknown_at.as_deref()),
        (Knows::Possible, Some("greet/ask a"))
    );
}

/// What a band does comes after whatever led to its tier; who a customer is can be known from the opening on.
#[test]
fn what_a_model_hands_on_was_known_before_it() {
    let bot = |rule: &str| {
        compile(&format!(
            r#"
bot demo {{ languages en; channels web; tiers bot -> ai -> human; start greet {{ human when customer.vip }}; discloses "I am an AI." }}
tier bot: scripted {{ cost 1 USD }}
tier ai: model {{
  persona "Be kind."
  answers by confidence {{ 60%..100% send; 0%..60% escalate }}
}}
tier human: people {{ cost 5 USD }}
team support {{ hours always }}
route human {{
  | intent | team    |
  | _      | support |
}}
customer {{ name: text; vip: bool = false }}
slots {{ a: text; b: text; c: text }}
{rule}
handoff human {{ require a, b, c, customer.name; say "I'll get you to a person." }}
node greet {{
  ask a "a?" {{ otherwise -> end unresolved }}
  choose "b?" {{ "yes" -> with_b; "no" -> model }}
}}
node with_b {{ ask b "b?"; -> model }}
node model {{ continue with ai {{ otherwise -> greet; resolved -> after }} }}
node after {{ ask c "c?"; end resolved }}
"#
        ))
    };
    let by = |r: &Report, field: &str, way: &str| {
        let all = r.required.iter().find(|x| x.field == field).unwrap();
        all.ways.iter().find(|w| w.by.contains(way)).unwrap().known
    };
    let r = report(&bot("").machine, jiff::civil::date(2026, 3, 4));
    assert_eq!(by(&r, "a", "tier `ai`"), Knows::Certain);
    assert_eq!(by(&r, "b", "tier `ai`"), Knows::Possible);
    assert_eq!(by(&r, "c", "tier `ai`"), Knows::Impossible);
    assert_eq!(by(&r, "a", "opening"), Knows::Impossible);
    assert_eq!(by(&r, "customer.name", "opening"), Knows::Possible);
    // A rule may lead to the model from anywhere, the first question too.
    let c = bot("escalate unsure from bot to ai { when shouting }");
    let r = report(&c.machine, jiff::civil::date(2026, 3, 4));
    assert_eq!(by(&r, "a", "tier `ai`"), Knows::Possible);
    assert_eq!(by(&r, "c", "tier `ai`"), Knows::Possible);
}

#[test]
fn a_week_shows_its_gaps_and_promises_their_hours() {
    let c = compile(
        r#"
bot demo { languages en; channels web; timezone "Europe/London"; tiers bot -> human; start greet }
tier bot: scripted { cost 0.5 USD }
tier human: people { cost 5 USD; reply within 60s }
hours office { mon..fri 09:00-17:00 }
team support { hours office }
route human {
  | intent | team    | within |
  | _      | support | 5m     |
}
handoff human {
  say "I'll get you to a person."
  closed { ticket within 4h of office "Write to us" }
  offer when queue.wait > 5m { callback within 2h "Call me" }
}
customer { phone: phone private ask "Your number?"; email: email private ask "Your mail?" }
targets { containment of bot >= 60% }
node greet { escalate to human because "always" }
"#,
    );
    let r = report(&c.machine, jiff::civil::date(2026, 3, 4));
    let row = r.staffing.first().unwrap();
    assert_eq!(row.when, "everything else");
    assert_eq!(row.week.len(), 7);
    assert_eq!(row.week.first().unwrap().open, vec![(540, 1020)]);
    assert!(row.week.last().unwrap().open.is_empty());
    assert!(
        row.gaps
            .contains(&"Fri 2026-03-06 17:00 to Mon 2026-03-09 00:00".to_owned()),
        "{:?}",
        row.gaps
    );
    let find = |what: &str| r.promises.iter().find(|p| p.what == what).unwrap();
    assert!(find("ticket").kept);
    assert_eq!(find("ticket").within, "4h of office");
    assert!(!find("callback").kept, "{:?}", find("callback"));
    assert_eq!(find("row 1 to `support`").open_minutes, 5 * 8 * 60);
    assert_eq!(r.costs.worst.as_deref(), Some("5.5 USD"));
    // 60% end for 0.5, 40% for 5.5.
    assert_eq!(r.costs.expected.as_deref(), Some("2.5 USD"));
}

#[test]
fn private_values_are_followed_through_copies() {
    let r = of(r#"
customer { email: email private ask "Your mail?" }
slots { copy: email }
webhook crm(email: email) { post "{env.URL}/x"; send { email }; shares customer.email }
node greet {
  ask customer.email "Your mail?"
  set copy = customer.email
  call crm(copy) { failed -> greet }
  say "Sent to {customer.email}."
  end resolved
}
"#);
    let email = r
        .private
        .iter()
        .find(|p| p.field == "customer.email")
        .unwrap();
    assert!(
        email
            .to
            .iter()
            .any(|d| d.kind == "webhook" && d.name == "crm" && d.leaves && d.places.len() == 1)
    );
    assert!(email.to.iter().any(|d| d.kind == "customer" && !d.leaves));
}

#[test]
fn a_tier_without_a_cost_costs_nothing() {
    let c = compile(
        r#"
bot demo { languages en; channels web; tiers bot -> ai -> human; start greet }
tier bot: scripted {}
tier ai: model { turns at most 8; cost 0.5 USD }
tier human: people { cost 5 USD }
team support { hours always }
route human {
  | intent | team    |
  | _      | support |
}
handoff human { say "I'll get you to a person." }
targets { containment of bot >= 80%; resolution of ai >= 50% }
node greet { continue with ai { resolved -> end resolved; otherwise -> escalate to human because "unsure" } }
"#,
    );
    let costs = report(&c.machine, jiff::civil::date(2026, 3, 4)).costs;
    let paths: Vec<(String, &str)> = costs
        .paths
        .iter()
        .map(|p| (p.tiers.join(" "), p.cost.as_str()))
        .collect();
    assert!(paths.contains(&("bot".into(), "0 USD")), "{paths:?}");
    assert!(
        paths.contains(&("bot ai human".into(), "5.5 USD")),
        "{paths:?}"
    );
    assert_eq!(costs.worst.as_deref(), Some("5.5 USD"));
    // 80% end for nothing, 10% go to people for 5; of the 10% that the model gets half end for 0.5, half go on for 5.5.
    assert_eq!(costs.expected.as_deref(), Some("0.8 USD"));
    assert!(
        costs
            .assumptions
            .iter()
            .any(|a| a.contains("`bot`") && a.contains("without a `cost`")),
        "{:?}",
        costs.assumptions
    );
}

#[test]
fn a_button_that_leads_elsewhere_is_no_short_way() {
    let c = compile(
        r#"
bot demo { languages en; channels web; tiers bot -> human; start greet; menu { "Lost card" -> lost } }
tier bot: scripted {}
tier human: people {}
team support { hours always }
route human {
  | intent | team    |
  | _      | support |
}
handoff human { require why; say "I'll get you to a person." }
slots { why: text; when_day: text }
intent fraud regulated { "someone used my card" }
intent lost_it { "I lost my card" }
on intent lost_it -> lost
node greet { listen { otherwise -> lost } }
node lost {
  ask why "Why?" { otherwise -> end unresolved }
  ask when_day "When?" { otherwise -> end unresolved }
  -> escalate because "Lost"
}
"#,
    );
    let r = report(&c.machine, jiff::civil::date(2026, 3, 4));
    let greet = r
        .reach
        .iter()
        .find(|x| x.node.as_deref() == Some("greet"))
        .unwrap();
    let turns = |kind: &str| greet.ways.iter().find(|w| w.kind == kind).map(|w| w.turns);
    assert_eq!(turns("rule"), Some(1));
    assert_eq!(turns("menu"), Some(3), "{:?}", greet.ways);
    assert_eq!(turns("intent"), Some(3), "{:?}", greet.ways);
    let by: Vec<&str> = r
        .required
        .iter()
        .flat_map(|f| &f.ways)
        .map(|w| w.by.as_str())
        .collect();
    assert!(by.contains(&"the regulated intent `fraud`"), "{by:?}");
}

#[test]
fn what_a_handoff_promises_its_own_people_keep() {
    let c = compile(
        r#"
bot demo { languages en; channels web; timezone "Europe/London"; tiers bot -> desk -> expert; start greet }
tier bot: scripted {}
tier desk: people {}
tier expert: people {}
hours office { mon..fri 09:00-17:00 }
hours day { mon..sun 09:00-17:00 }
team front { hours office }
team back { hours always }
route desk { | intent | team |
             | _      | front | }
route expert { | intent | team |
               | _      | back | }
handoff desk {
  say "I'll get you to a person."
  closed { ticket within 4h of day "Write to us" }
  offer when queue.wait > 5m { callback within 2h "Call me" }
}
handoff expert { say "I'll get you to an expert."; offer when queue.wait > 5m { callback within 3h "Call me" } }
customer { phone: phone private ask "Your number?"; email: email private ask "Your mail?" }
node greet { ticket within 1h "Somebody will write"; escalate to expert because "always" }
"#,
    );
    let r = report(&c.machine, jiff::civil::date(2026, 3, 4));
    let kept = |within: &str| {
        let promise = r.promises.iter().find(|p| p.within == within);
        promise.map(|p| p.kept)
    };
    // The desk is closed at night and at weekends; the experts never are, and they may keep what a node promises.
    assert_eq!(kept("2h"), Some(false));
    assert_eq!(kept("4h of day"), Some(false));
    assert_eq!(kept("3h"), Some(true));
    assert_eq!(kept("1h"), Some(true));
}

#[test]
fn overflow_is_told_in_its_order() {
    let c = compile(
        r#"
bot demo { languages en; channels web; tiers bot -> human; start greet }
tier bot: scripted {}
tier human: people {}
team last { hours always }
team second { hours always; overflow last after 5m }
team first { hours always; overflow second after 3m }
route human {
  | intent | team  |
  | _      | first |
}
handoff human { say "I'll get you to a person." }
node greet { escalate to human because "always" }
"#,
    );
    let r = report(&c.machine, jiff::civil::date(2026, 3, 4));
    assert_eq!(r.staffing[0].overflow, ["second", "last"]);
}

/// What is said to a model no handler takes; with a question of the flow its tier holds the conversation again.
#[test]
fn from_a_model_no_handler_leads_to_people_and_a_question_leads_back_to_the_flow() {
    let c = compile(
        r#"
bot demo {
  languages en
  channels web
  tiers bot -> ai -> human
  start greet
  discloses "I am a machine."
  menu { "Look it up" -> look_up }
}
tier bot: scripted
tier ai: model { turns at most 8 }
tier human: people
team support { hours always }
route human {
  | intent | team    |
  | _      | support |
}
handoff human { say "I'll get you to a person." }
intent person { "get me your manager" }
on intent person -> escalate to human because "Asked in other words"
slots { code: text }
node greet {
  choose "What is it?" {
    "Ask" { continue with ai { resolved -> end resolved; otherwise -> greet } }
    "No"  -> end resolved
  }
}
node look_up { ask code "Which code?" { retry 0; otherwise -> escalate }; say "{code}."; -> greet }
"#,
    );
    assert!(c.runnable().is_some(), "{:?}", c.diagnostics);
    let r = report(&c.machine, jiff::civil::date(2026, 3, 4));
    let ways = |tier: &str| -> Vec<(&str, u32)> {
        let of_tier = r.reach.iter().find(|r| r.tier == tier).unwrap();
        of_tier.ways.iter().map(|w| (w.kind, w.turns)).collect()
    };
    // Who presses the button is asked by the flow, from which `escalate` leads to the model, and there asking leads on.
    assert_eq!(ways("bot"), [("rule", 1), ("intent", 1), ("menu", 3)]);
    assert_eq!(ways("ai"), [("rule", 1), ("menu", 3)]);
}
