//! Every signal on a small bot of two languages.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use flow_compiler::value::Type;
use flow_engine::signals::{EntityKind, Signals};
use flow_understanding::spec::{Example, Field, Labelled, Part, Spec};
use flow_understanding::{Context, Understanding};
use jiff::tz::TimeZone;
use std::sync::LazyLock;

fn labelled(name: &str, en: &[&str], es: &[&str]) -> Labelled {
    let examples = en
        .iter()
        .map(|t| Example::plain("en", t))
        .chain(es.iter().map(|t| Example::plain("es", t)))
        .collect();
    Labelled {
        name: name.into(),
        examples,
    }
}

static BOT: LazyLock<Understanding> = LazyLock::new(|| {
    let mut track = labelled(
        "track_order",
        &["where is my order", "track my package"],
        &["dónde está mi pedido", "quiero seguir mi paquete"],
    );
    track.examples.push(Example {
        language: "en".into(),
        parts: vec![
            Part::Text("has ".into()),
            Part::Slot(0),
            Part::Text(" shipped yet".into()),
        ],
    });
    Understanding::of(&Spec {
        languages: vec!["en".into(), "es".into()],
        intents: vec![
            track,
            labelled(
                "refund",
                &["I want my money back", "refund please"],
                &["quiero un reembolso"],
            ),
            labelled(
                "billing",
                &["I was charged twice", "there is a problem with my invoice"],
                &["me habéis cobrado dos veces"],
            ),
            labelled(
                "opening_hours",
                &["what are your opening hours", "when are you open"],
                &["a qué hora abrís"],
            ),
            labelled(
                "cancel",
                &["I want to close my account", "cancel my account"],
                &["quiero cerrar mi cuenta"],
            ),
        ],
        faqs: vec![labelled(
            "returns_window",
            &["how long do I have to return something", "return policy"],
            &["cuánto tiempo tengo para devolver algo"],
        )],
        slots: vec![Field {
            name: "order_id".into(),
            ty: Type::Text,
            pattern: Some(regex::Regex::new("[A-Z]{2}-[0-9]{6}").unwrap()),
        }],
        ..Spec::default()
    })
});

fn signals(text: &str) -> Signals {
    signals_in(text, None)
}

fn signals_in(text: &str, language: Option<&str>) -> Signals {
    BOT.signals(
        text,
        &Context {
            language,
            now: "2026-03-02T10:00:00Z".parse().unwrap(),
            timezone: TimeZone::UTC,
            expecting: None,
        },
    )
}

#[track_caller]
fn means(text: &str, intent: &str, at_least: f64) {
    let found = signals(text).intents;
    assert!(
        found
            .first()
            .is_some_and(|g| g.name == intent && g.probability >= at_least),
        "`{text}`: {found:?}"
    );
}

#[test]
fn an_example_is_certain() {
    means("where is my order?", "track_order", 1.0);
    means("Where is my order", "track_order", 1.0);
    means("¿Dónde está mi pedido?", "track_order", 1.0);
    means("donde esta mi pedido", "track_order", 1.0);
    let faq = signals("Return policy?").faq.unwrap();
    assert_eq!(
        (faq.name.as_str(), faq.probability),
        ("returns_window", 1.0)
    );
}

#[test]
fn a_paraphrase_is_sure_enough() {
    means("my invoice is wrong, I was charged twice", "billing", 0.8);
    means("could you tell me where my order is", "track_order", 0.8);
    means("please track my package", "track_order", 0.8);
    means("has AB-123456 shipped yet?", "track_order", 0.8);
    means("has ab-999999 shipped already", "track_order", 0.8);
    means("I want a refund please", "refund", 0.8);
    means("please cancel my account now", "cancel", 0.8);
    means("quiero cerrar mi cuenta por favor", "cancel", 0.8);
    means("a qué hora abrís mañana", "opening_hours", 0.8);
}

#[test]
fn something_else_is_out_of_scope() {
    for text in [
        "hello",
        "the moon is made of cheese",
        "AB-123456",
        "Ana Silva",
        "😀",
        "",
        "my father has chest pain",
        "¿quién pintó las meninas?",
    ] {
        let found = signals(text);
        let sure = found
            .intents
            .first()
            .map_or(0.0, |g| g.probability)
            .max(found.faq.as_ref().map_or(0.0, |g| g.probability));
        assert!(sure < 0.6, "`{text}`: {found:?}");
    }
}

#[test]
fn knows_the_language() {
    for (text, current, language) in [
        ("where is my order", None, "en"),
        ("dónde está mi pedido", None, "es"),
        ("quiero un reembolso", None, "es"),
        ("hola", None, "es"),
        ("hola", Some("es"), "es"),
        ("ok", Some("es"), "es"),
        ("AB-123456", Some("es"), "es"),
        ("Wo ist meine Bestellung, bitte?", None, "other"),
        ("где мой заказ", None, "other"),
        ("refund please", Some("en"), "en"),
        (
            "I would like to have my money back please",
            Some("es"),
            "en",
        ),
    ] {
        assert_eq!(signals_in(text, current).language, language, "`{text}`");
    }
}

#[test]
fn feels() {
    for (text, low, high) in [
        ("THIS IS USELESS, you never help me!!", -1.0, -0.6),
        ("my invoice is wrong, I was charged twice", -1.0, -0.3),
        ("this is not good", -0.9, -0.1),
        ("I hate this so much", -1.0, -0.5),
        ("where is my order?", -0.1, 0.1),
        ("what are your opening hours", -0.1, 0.1),
        ("I would like to return an item please", -0.15, 0.15),
        ("can you help me", -0.15, 0.15),
        ("thank you so much, that was great!", 0.5, 1.0),
        ("not bad at all", 0.05, 1.0),
        ("esto es una vergüenza, estoy harto", -1.0, -0.5),
        ("no me gusta", -1.0, -0.1),
        ("muchas gracias, excelente servicio", 0.5, 1.0),
        ("das ist eine Frechheit", -1.0, -0.4),
        ("c'est nul, rien ne marche", -1.0, -0.3),
        ("😡😡", -1.0, -0.4),
    ] {
        let s = signals(text).sentiment;
        assert!((low..=high).contains(&s), "`{text}`: {s}");
    }
}

#[test]
fn hears_the_wish_for_a_person() {
    for text in [
        "can I talk to a person please",
        "Can I talk to a person?",
        "just let me speak to an agent",
        "agent please",
        "I need a human",
        "human",
        "get me your manager",
        "I want to speak with someone from support",
        "connect me to a live agent",
        "is there a real person I can chat with",
        "talk to a huamn",
        "speak to a represntative",
        "quiero hablar con una persona por favor",
        "pásame con un agente",
        "je veux parler à un conseiller",
        "ich möchte mit einem Menschen sprechen",
        "quero falar com um atendente",
        "vorrei parlare con un operatore",
        "ik wil een medewerker spreken",
        "customer service please",
    ] {
        assert!(signals(text).asks_for_human, "`{text}`");
    }
    for text in [
        "where is my order",
        "what is the phone number of human resources",
        "I am a travel agent and need an invoice",
        "how much is it per person",
        "someone stole my password",
        "I do not want to talk to a person",
        "I need someone else to receive the parcel",
        "the delivery person was rude",
        "I want to contact lenses support page",
        "no quiero hablar con una persona",
        "cuánto cuesta por persona",
        "talk to your lawyers",
        "this chair is for two people",
    ] {
        assert!(!signals(text).asks_for_human, "`{text}`");
    }
}

#[test]
fn hears_frustration() {
    assert!(signals("THIS IS USELESS, you never help me!!").shouting);
    assert!(signals("WHY IS IT SO SLOW").shouting);
    for text in [
        "OK",
        "AB-123456 INV-12345",
        "my USB and HDMI ports",
        "NO",
        "I live in the USA",
    ] {
        assert!(!signals(text).shouting, "`{text}`");
    }
    for text in [
        "what the fuck is this",
        "this is bullshit",
        "esto es una mierda",
        "so eine Scheiße",
    ] {
        assert!(signals(text).profanity, "`{text}`");
    }
    for text in [
        "I live in Scunthorpe",
        "please assess my class assignment",
        "my order AB-800855 is late",
        "Moby Dick arrived damaged",
        "can I get an analysis",
    ] {
        assert!(!signals(text).profanity, "`{text}`");
    }
    for text in [
        "that's not what I asked",
        "THIS IS USELESS, you never help me!!",
        "no, that is wrong",
        "you don't understand",
        "eso no es lo que pregunté",
        "no me ayudas",
        "das hilft mir nicht",
    ] {
        assert!(signals(text).negation, "`{text}`");
    }
    for text in [
        "where is my order",
        "no",
        "I do not have my order number",
        "no tengo el número",
    ] {
        assert!(!signals(text).negation, "`{text}`");
    }
}

#[test]
fn hears_yes_and_no() {
    for (text, language, answer) in [
        ("yes", "en", Some(true)),
        ("Yes please!", "en", Some(true)),
        ("no", "en", Some(false)),
        ("no thanks", "en", Some(false)),
        ("nope", "en", Some(false)),
        ("sure, go ahead", "en", Some(true)),
        ("yes that helped me", "en", Some(true)),
        ("it did not help", "en", Some(false)),
        ("sí", "es", Some(true)),
        ("claro que sí", "es", Some(true)),
        ("no, gracias", "es", Some(false)),
        ("where is my order", "en", None),
        ("I need to know more about it", "en", None),
        ("", "en", None),
        (
            "not working at all since this morning and I want help",
            "en",
            None,
        ),
    ] {
        assert_eq!(signals_in(text, Some(language)).yes_no, answer, "`{text}`");
    }
}

#[test]
fn counts() {
    assert_eq!(
        signals("Where is my order? And how do I return it?").questions,
        2
    );
    assert_eq!(signals("where is my order").questions, 1);
    assert_eq!(signals("¿Dónde está mi pedido?").questions, 1);
    assert_eq!(signals("my parcel is late.").questions, 0);
    assert_eq!(signals("my parcel is late.").words, 4);
}

#[test]
fn fingerprints_are_alike_for_the_same_question() {
    let (a, b) = (
        signals("where are my orders?").fingerprint,
        signals("so where is my order").fingerprint,
    );
    assert_eq!(a, b);
    assert!(!a.is_empty());
    assert_ne!(a, signals("I want my money back").fingerprint);
}

#[test]
fn finds_entities() {
    let found = signals("has AB-123456 shipped yet? I paid 30 USD").entities;
    assert!(
        found
            .iter()
            .any(|e| e.kind == EntityKind::Slot("order_id".into())),
        "{found:?}"
    );
    assert!(
        found.iter().any(|e| e.kind == EntityKind::Money),
        "{found:?}"
    );
}

#[test]
fn the_same_message_gives_the_same_signals_and_survives_anything() {
    for text in [
        "where is my order",
        "\u{0}\u{202e}abc",
        &"a\u{301}".repeat(50_000),
        &"word ".repeat(50_000),
        "🧑‍🚀🧑‍🚀",
        "'''''",
        "????!!!!",
        "-",
        "+",
        "1e999",
        "99999999999999999999999999 USD",
        "31/02/2026",
        "99:99",
    ] {
        assert_eq!(signals(text), signals(text));
    }
}

#[test]
fn a_bot_without_intents_understands_the_rest() {
    let bare = Understanding::of(&Spec {
        languages: vec!["en".into()],
        ..Spec::default()
    });
    let found = bare.signals(
        "can I talk to a person",
        &Context {
            language: None,
            now: "2026-03-02T10:00:00Z".parse().unwrap(),
            timezone: TimeZone::UTC,
            expecting: None,
        },
    );
    assert!(found.asks_for_human && found.intents.is_empty());
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&bare);
}

#[test]
fn a_bare_value_is_no_wish_and_a_plain_no_no_other_language() {
    let bare = signals("AB-123456");
    assert_eq!(bare.intents, vec![], "{bare:?}");
    assert!(!bare.entities.is_empty());
    for word in ["no", "No.", "yes please"] {
        assert_eq!(signals_in(word, Some("en")).language, "en", "{word}");
    }
    assert_eq!(signals_in("no", Some("es")).language, "es");
}

#[test]
fn words_that_say_nothing_mean_nothing() {
    let bot = Understanding::of(&Spec {
        languages: vec!["en".into()],
        intents: vec![
            labelled(
                "cancel",
                &["cancel everything", "please cancel it all"],
                &[],
            ),
            labelled("place", &["where is it now", "track my parcel"], &[]),
        ],
        ..Spec::default()
    });
    let context = Context {
        language: None,
        now: "2026-03-02T10:00:00Z".parse().unwrap(),
        timezone: TimeZone::UTC,
        expecting: None,
    };
    for text in [
        "please",
        "all",
        "7 please",
        "it all",
        "everything",
        "thanks",
        "is it",
    ] {
        let signals = bot.signals(text, &context);
        assert!(
            signals.intents.is_empty(),
            "`{text}`: {:?}",
            signals.intents
        );
    }
    for (text, intent) in [
        ("please cancel", "cancel"),
        ("cancel it", "cancel"),
        ("where is it", "place"),
        ("where is it now", "place"),
    ] {
        let signals = bot.signals(text, &context);
        let first = signals.intents.first().map(|g| g.name.as_str());
        assert_eq!(first, Some(intent), "`{text}`");
    }
}
