//! Search and extractive answers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use flow_engine::effect::ModelRequest;
use flow_understanding::Understanding;
use flow_understanding::spec::Spec;
use std::collections::BTreeMap;

const RETURNS: &str = "# Returns\n\nYou can return anything within 30 days of delivery. Sending it back is free within the European Union.\n\n## How to return an item\n\n1. Tell the assistant your order number.\n2. Stick the label on the parcel.\n\n## Damaged on arrival\n\nSend us a photo of the item and of the box. You do not have to send broken glass back.\n";
const SHIPPING: &str = "# Shipping\n\n## Costs\n\nStandard delivery costs 4.90 EUR. It is free from 50 EUR.\n\n## Where we deliver\n\nWe deliver to Iceland, Norway and Switzerland within seven days.\n";
const ES: &str = "# Garantía\n\nLos muebles tienen una garantía de cinco años. La garantía no cubre las manchas.\n";

fn understanding() -> Understanding {
    Understanding::of(&Spec {
        languages: vec!["en".into(), "es".into()],
        knowledge: vec![
            (
                "help".into(),
                vec![
                    ("kb/returns.md".into(), RETURNS.into()),
                    ("kb/shipping.md".into(), SHIPPING.into()),
                ],
            ),
            ("ayuda".into(), vec![("kb/garantia.md".into(), ES.into())]),
        ],
        ..Spec::default()
    })
}

fn request(question: &str, language: &str) -> ModelRequest {
    ModelRequest {
        request: 1,
        tier: "ai".into(),
        model: None,
        persona: None,
        forbid: vec!["medical advice".into()],
        language: language.into(),
        question: question.into(),
        history: Vec::new(),
        facts: BTreeMap::new(),
        knowledge: Vec::new(),
        tools: Vec::new(),
        tool_results: Vec::new(),
    }
}

#[test]
fn finds_passages_by_stem_and_heading() {
    let u = understanding();
    let hits = u
        .knowledge()
        .search(&[], "returning damaged items", "en", 3);
    assert_eq!(hits[0].source, "kb/returns.md");
    assert_eq!(hits[0].title, "Returns - Damaged on arrival");
    assert!(hits[0].score >= hits[1].score);
    assert!(
        u.knowledge()
            .search(&["ayuda".into()], "return an item", "en", 3)
            .is_empty()
    );
    assert!(u.knowledge().search(&[], "", "en", 3).is_empty());
    assert_eq!(
        u.knowledge().search(&[], "¿qué garantías tienen?", "es", 1)[0].source,
        "kb/garantia.md"
    );
}

#[test]
fn quotes_what_answers() {
    let u = understanding();
    let answer = u.answer(&request("do you deliver to Iceland?", "en"));
    assert_eq!(
        answer.text,
        "We deliver to Iceland, Norway and Switzerland within seven days."
    );
    assert!(answer.confidence > 0.75, "{answer:?}");
    assert_eq!(answer.citations[0].source, "kb/shipping.md");
    assert!(SHIPPING.contains(&answer.citations[0].quote));
    let answer = u.answer(&request(
        "how many days do I have to return something",
        "en",
    ));
    assert!(answer.text.contains("30 days"), "{answer:?}");
    assert!(answer.confidence > 0.6, "{answer:?}");
    let answer = u.answer(&request("how do I return an item?", "en"));
    assert_eq!(
        answer.text,
        "1. Tell the assistant your order number.\n2. Stick the label on the parcel."
    );
    let answer = u.answer(&request(
        "¿cuántos años de garantía tienen los muebles?",
        "es",
    ));
    assert!(
        answer.text.contains("cinco años") && answer.confidence > 0.75,
        "{answer:?}"
    );
}

#[test]
fn is_unsure_where_the_knowledge_is_silent() {
    let u = understanding();
    for question in [
        "do you deliver to the Faroe Islands?",
        "can I paint the oak table white?",
        "how do I return to my hotel in Lisbon",
        "who is your chief executive",
    ] {
        let answer = u.answer(&request(question, "en"));
        assert!(answer.confidence < 0.6, "{question}: {answer:?}");
    }
    assert_eq!(
        u.answer(&request("5", "en")).confidence,
        0.0,
        "a number alone asks nothing"
    );
    let silent = u.answer(&request("quantum chromodynamics", "en"));
    assert_eq!((silent.confidence, silent.text.as_str()), (0.0, ""));
    assert_eq!(
        u.answer(&request("please give me medical advice on returns", "en"))
            .confidence,
        0.0
    );
    assert_eq!(
        Understanding::of(&Spec::default())
            .answer(&request("hello", "en"))
            .confidence,
        0.0
    );
}
