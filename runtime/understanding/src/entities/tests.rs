use super::*;
use crate::spec::{Example, Field, Labelled, Part};
use flow_compiler::value::EnumId;

fn spec() -> Spec {
    let field = |name: &str, ty: Type, pattern: Option<&str>| Field {
        name: name.into(),
        ty,
        pattern: pattern.map(|p| Regex::new(p).unwrap()),
    };
    Spec {
        languages: vec!["en".into(), "es".into()],
        slots: vec![
            field("order_id", Type::Text, Some("[A-Z]{2}-[0-9]{6}")),
            field("issue_category", Type::Enum(EnumId(0)), None),
            field("due", Type::Date, None),
            field("city", Type::Text, None),
            field("count", Type::Number, None),
        ],
        customer: vec![
            field("email", Type::Email, None),
            field("name", Type::Text, None),
            field("phone", Type::Phone, None),
        ],
        enums: vec![(
            "issue".into(),
            vec![
                "orders".into(),
                "key_accounts".into(),
                "billing".into(),
                "other".into(),
            ],
        )],
        intents: vec![Labelled {
            name: "track".into(),
            examples: vec![
                Example {
                    language: "en".into(),
                    parts: vec![
                        Part::Text("has ".into()),
                        Part::Slot(0),
                        Part::Text(" shipped yet".into()),
                    ],
                },
                Example {
                    language: "en".into(),
                    parts: vec![Part::Text("do you deliver to ".into()), Part::Slot(3)],
                },
            ],
        }],
        ..Spec::default()
    }
}

/// Monday, 2 March 2026, 10:00 in London.
fn find_with(text: &str, language: &str, expecting: Option<&str>) -> Vec<Entity> {
    let timezone = TimeZone::get("Europe/London").unwrap();
    let now: Timestamp = "2026-03-02T10:00:00Z".parse().unwrap();
    Finder::of(&spec()).find(
        text,
        &Scene {
            language,
            now,
            timezone: &timezone,
            expecting,
        },
    )
}

fn find(text: &str) -> Vec<Entity> {
    find_with(text, "en", None)
}

#[track_caller]
fn has(text: &str, language: &str, kind: EntityKind, value: &str) {
    let found = find_with(text, language, None);
    let values: Vec<String> = found
        .iter()
        .filter(|e| e.kind == kind)
        .map(|e| show(&e.value))
        .collect();
    assert!(
        values.iter().any(|v| v == value),
        "`{text}`: {kind:?} {value} not in {found:?}"
    );
}

#[track_caller]
fn lacks(text: &str, kind: &EntityKind) {
    let found = find(text);
    assert!(
        !found.iter().any(|e| e.kind == *kind),
        "`{text}`: {found:?}"
    );
}

fn show(value: &Value) -> String {
    match value {
        Value::Number(n) | Value::Percent(n) => n.to_string(),
        Value::Text(t) | Value::Enum(t) => t.to_string(),
        Value::Duration(ms) => format!("{}s", ms / 1000),
        Value::Money(m) => format!("{} {}", m.amount, m.currency),
        Value::Date(d) => d.to_string(),
        Value::Time(t) => t.to_string(),
        Value::DateTime(t) => t.to_string(),
        other => format!("{other:?}"),
    }
}

#[test]
fn slots_by_pattern() {
    has(
        "where is AB-123456?",
        "en",
        EntityKind::Slot("order_id".into()),
        "AB-123456",
    );
    has(
        "it is ab-123456 thanks",
        "en",
        EntityKind::Slot("order_id".into()),
        "AB-123456",
    );
    assert!(find("xAB-1234567").is_empty());
    let found = find("é AB-123456");
    assert_eq!((found[0].start, found[0].end), (3, 12));
    lacks("where is AB-123456", &EntityKind::Phone);
    lacks("where is AB-123456", &EntityKind::Number);
}

#[test]
fn slots_by_place_in_an_example() {
    has(
        "do you deliver to New York?",
        "en",
        EntityKind::Slot("city".into()),
        "New York",
    );
    lacks("do you deliver", &EntityKind::Slot("city".into()));
}

#[test]
fn slots_by_what_was_asked() {
    let found = find_with("by March 3rd", "en", Some("due"));
    assert!(
        found
            .iter()
            .any(|e| e.kind == EntityKind::Slot("due".into()) && show(&e.value) == "2026-03-03"),
        "{found:?}"
    );
    let found = find_with("ana@example.com", "en", Some("customer.email"));
    assert!(
        found
            .iter()
            .any(|e| e.kind == EntityKind::Customer("email".into())),
        "{found:?}"
    );
    let found = find_with("two", "en", Some("count"));
    assert!(
        found
            .iter()
            .any(|e| e.kind == EntityKind::Slot("count".into()) && show(&e.value) == "2"),
        "{found:?}"
    );
    let found = find_with("it is about billing", "en", Some("issue_category"));
    assert!(
        found
            .iter()
            .any(|e| e.kind == EntityKind::Slot("issue_category".into())
                && show(&e.value) == "billing"),
        "{found:?}"
    );
}

#[test]
fn enums_by_their_words() {
    has(
        "my order is late",
        "en",
        EntityKind::Enum("issue".into()),
        "orders",
    );
    has(
        "Key Accounts please",
        "en",
        EntityKind::Enum("issue".into()),
        "key_accounts",
    );
    has("other", "en", EntityKind::Enum("issue".into()), "other");
    lacks(
        "do you have other colours",
        &EntityKind::Enum("issue".into()),
    );
}

#[test]
fn money() {
    has("I paid $30", "en", EntityKind::Money, "30 USD");
    has("I paid 30 USD twice", "en", EntityKind::Money, "30 USD");
    has("20 euros two weeks ago", "en", EntityKind::Money, "20 EUR");
    has(
        "EUR 1,234.50 was taken",
        "en",
        EntityKind::Money,
        "1234.5 EUR",
    );
    has(
        "me han cobrado 1.234,50 €",
        "es",
        EntityKind::Money,
        "1234.5 EUR",
    );
    has("cuesta 15 dólares", "es", EntityKind::Money, "15 USD");
    lacks("$30", &EntityKind::Number);
}

#[test]
fn numbers_percents_and_spans() {
    has("I ordered 3 of them", "en", EntityKind::Number, "3");
    has("I ordered two chairs", "en", EntityKind::Number, "2");
    has("a discount of 15%", "en", EntityKind::Percent, "0.15");
    has(
        "un descuento del 20 por ciento",
        "es",
        EntityKind::Percent,
        "0.2",
    );
    has("it took 45 minutes", "en", EntityKind::Duration, "2700s");
    has("we waited an hour", "en", EntityKind::Duration, "3600s");
    has(
        "llevo dos horas esperando",
        "es",
        EntityKind::Duration,
        "7200s",
    );
    lacks("I have a question", &EntityKind::Number);
}

#[test]
fn days() {
    for (text, day) in [
        ("on 2026-12-25", "2026-12-25"),
        ("it arrives tomorrow", "2026-03-03"),
        ("I ordered yesterday", "2026-03-01"),
        ("next monday please", "2026-03-09"),
        ("on Friday", "2026-03-06"),
        ("last friday", "2026-02-27"),
        ("March 3rd", "2026-03-03"),
        ("3 April", "2026-04-03"),
        ("the 3rd of May 2027", "2027-05-03"),
        ("3/12", "2026-12-03"),
        ("25/12/2026", "2026-12-25"),
        ("12/25/2026", "2026-12-25"),
        ("in 3 days", "2026-03-05"),
        ("two weeks ago", "2026-02-16"),
    ] {
        has(text, "en", EntityKind::Date, day);
    }
    for (text, day) in [
        ("llega mañana", "2026-03-03"),
        ("el próximo lunes", "2026-03-09"),
        ("el 3 de abril", "2026-04-03"),
        ("hace dos días", "2026-02-28"),
        ("dentro de 3 días", "2026-03-05"),
        ("ayer", "2026-03-01"),
    ] {
        has(text, "es", EntityKind::Date, day);
    }
    lacks("you may call, the sun is out", &EntityKind::Date);
}

#[test]
fn times_and_instants() {
    has("at 09:30", "en", EntityKind::Time, "09:30:00");
    has("at 5pm", "en", EntityKind::Time, "17:00:00");
    has("a las 9 de la noche", "es", EntityKind::Time, "21:00:00");
    has(
        "tomorrow at 5 pm",
        "en",
        EntityKind::DateTime,
        "2026-03-03T17:00:00Z",
    );
    has(
        "2026-12-25 09:30",
        "en",
        EntityKind::DateTime,
        "2026-12-25T09:30:00Z",
    );
}

#[test]
fn contacts() {
    has(
        "write to ana.silva@example.co.uk.",
        "en",
        EntityKind::Email,
        "ana.silva@example.co.uk",
    );
    has(
        "see https://example.com/a?b=1.",
        "en",
        EntityKind::Url,
        "https://example.com/a?b=1",
    );
    has(
        "call me on +44 20 7946 0101",
        "en",
        EntityKind::Phone,
        "+442079460101",
    );
    has(
        "my phone is 020 7946 0101",
        "en",
        EntityKind::Phone,
        "+442079460101",
    );
    lacks("cancel purchase 113542617735902", &EntityKind::Phone);
    lacks("my order 2079460101 is late", &EntityKind::Phone);
    lacks("20 euros two weeks ago", &EntityKind::Phone);
}

#[test]
fn names() {
    has(
        "Hi, my name is ana silva and I need help",
        "en",
        EntityKind::Name,
        "Ana Silva",
    );
    has("I'm Ana", "en", EntityKind::Name, "Ana");
    has("me llamo Ana", "es", EntityKind::Name, "Ana");
    has(
        "soy Ana García, quiero un reembolso",
        "es",
        EntityKind::Name,
        "Ana García",
    );
    lacks("I'm angry", &EntityKind::Name);
    lacks("I AM SO ANGRY", &EntityKind::Name);
    let found = find_with("Ana Silva", "en", Some("customer.name"));
    assert!(
        found.iter().any(|e| e.kind == EntityKind::Name),
        "{found:?}"
    );
}

#[test]
fn masking_uses_the_slots_of_examples() {
    let finder = Finder::of(&spec());
    let text = "has AB-123456 shipped yet";
    let masked = finder.mask(text, &find(text));
    assert!(
        masked.contains(placeholder(0)) && !masked.contains("AB-"),
        "{masked}"
    );
}

#[test]
fn spans_of_several_units() {
    for (text, language, seconds) in [
        ("an hour and a half", "en", 5_400),
        ("2 days and 3 hours", "en", 183_600),
        ("1h 30m", "en", 5_400),
        ("1h30m", "en", 5_400),
        ("2h", "en", 7_200),
        ("90s", "en", 90),
        ("2 hours, 15 minutes", "en", 8_100),
        ("una hora y media", "es", 5_400),
        ("zwei Stunden und 10 Minuten", "de", 7_800),
        ("une heure et demie", "fr", 5_400),
    ] {
        has(text, language, EntityKind::Duration, &format!("{seconds}s"));
        let spans = find_with(text, language, None);
        let spans = spans.iter().filter(|e| e.kind == EntityKind::Duration);
        assert_eq!(spans.count(), 1, "`{text}`");
    }
    // The same unit twice is two spans.
    has("2 hours or 3 hours", "en", EntityKind::Duration, "7200s");
    has("2 hours or 3 hours", "en", EntityKind::Duration, "10800s");
    lacks("a d", &EntityKind::Duration);
}

#[test]
fn an_hour_beside_a_day() {
    for text in ["tomorrow at 9", "at 9 tomorrow", "at 9 on 3 March"] {
        has(text, "en", EntityKind::DateTime, "2026-03-03T09:00:00Z");
    }
    has(
        "mañana a las 9",
        "es",
        EntityKind::DateTime,
        "2026-03-03T09:00:00Z",
    );
    lacks("tomorrow at 3", &EntityKind::DateTime);
    lacks("I live at 9 Main Street", &EntityKind::Time);
}
