//! Bodies: operations and their successors.

use crate::machine::{CodeOwner, Machine, OpKind, Transition};
use crate::testing::with_head;
use crate::value::OpId;
use petgraph::visit::EdgeRef;

fn op(m: &Machine, id: OpId) -> &OpKind {
    &m.ops[id.index()].kind
}

fn entry<'m>(m: &'m Machine, node: &str) -> &'m OpKind {
    let id = m.names.nodes[node];
    op(m, m.nodes[id.index()].entry)
}

#[test]
fn steps_follow_each_other() {
    let c = with_head(
        "slots { a: text }\nnode greet { say \"1\"; ask a \"2\"; if shouting { say \"3\" } else { -> bye }; end resolved }\nnode bye { say \"4\" }",
    );
    let m = &c.machine;
    let OpKind::Say { next, .. } = entry(m, "greet") else {
        panic!("say")
    };
    let OpKind::Ask { next, question, .. } = op(m, *next) else {
        panic!("ask")
    };
    assert_eq!(question.retry, 2);
    assert!(!question.otherwise_written);
    assert!(matches!(op(m, question.otherwise), OpKind::Escalate(e) if e.to.is_none()));
    let OpKind::Branch { arms, otherwise } = op(m, *next) else {
        panic!("if")
    };
    assert!(matches!(op(m, *otherwise), OpKind::Goto { .. }));
    let OpKind::Say { next, .. } = op(m, arms[0].1) else {
        panic!("say")
    };
    assert!(matches!(op(m, *next), OpKind::End { resolved: true }));
    let OpKind::Say { next, .. } = entry(m, "bye") else {
        panic!("say")
    };
    assert!(matches!(op(m, *next), OpKind::Finish));
}

#[test]
fn every_operation_has_a_code_and_leads_somewhere() {
    let c = with_head(
        "intent i { \"x\" }\nslots { a: text; b: number; found: list of text; pick: text }\nwebhook w() { get \"https://x.example\" }\ncustomer { email: email private identifies }\n\
         node greet {\n  listen { intent i -> bye; otherwise -> bye }\n}\n\
         node bye {\n  form a, b\n  choose pick from found \"Which?\" { label \"{it}\"; none -> greet; otherwise -> greet }\n  confirm \"Sure?\" { yes { say \"y\" }; no -> greet }\n\
         attempt \"Tried\" { worked { tag ok }; declined -> greet }\n  attempt \"Noted\"\n  verify customer.email \"Code?\" { failed -> greet }\n  survey csat \"How?\"\n\
         ticket within 4h\n  callback within 2h of always \"Soon\"\n  call w() { failed { note \"n\" } }\n  clear a\n  set a = \"x\"\n  visit greet\n  continue with ai { resolved -> greet; otherwise -> greet }\n}",
    );
    let m = &c.machine;
    assert_eq!(
        c.diagnostics
            .iter()
            .filter(|d| d.code.starts_with("F01")
                || d.code.starts_with("F02")
                || d.code.starts_with("F03"))
            .count(),
        0,
        "{:?}",
        c.diagnostics
    );
    for (i, op) in m.ops.iter().enumerate() {
        assert!(m.codes.get(op.code.index()).is_some());
        let ways = m.graph.edges(petgraph::graph::NodeIndex::new(i)).count();
        let last = matches!(
            op.kind,
            OpKind::Finish | OpKind::Back | OpKind::End { .. } | OpKind::Escalate(_)
        );
        assert!(last || ways > 0, "{:?}", op.kind);
    }
    for place in &m.places {
        assert!(place.key.contains('/'), "{place:?}");
    }
}

#[test]
fn places_are_named_by_what_they_ask() {
    let c = with_head(
        "slots { a: text }\nnode greet {\n  ask a \"1\"\n  confirm \"x\" { yes {}; no {} }\n  confirm \"y\" { yes {}; no {} }\n  ask a \"2\"\n  end resolved\n}",
    );
    let keys: Vec<&str> = [
        "greet/ask a",
        "greet/ask a #2",
        "greet/confirm",
        "greet/confirm #2",
    ]
    .to_vec();
    for key in &keys {
        assert!(c.machine.names.places.contains_key(*key), "{key}");
    }
    let start = |key: &str| {
        let place = &c.machine.places[c.machine.names.places[key].index()];
        c.machine.ops[place.op.index()].loc.span.start
    };
    assert!(start(keys[0]) < start(keys[1]));
    assert!(start(keys[2]) < start(keys[3]));
}

#[test]
fn the_graph_shows_every_way() {
    let c = with_head(
        "node greet { choose \"x\" { \"A\" -> bye; \"B\" -> end resolved; otherwise -> bye } }\nnode bye { end resolved }",
    );
    let m = &c.machine;
    let at = m.nodes[0].entry.index();
    let ways: Vec<Transition> = m
        .graph
        .edges(petgraph::graph::NodeIndex::new(at))
        .map(|e| e.weight().clone())
        .collect();
    assert_eq!(ways.len(), 3);
    assert!(ways.contains(&Transition::Otherwise));
    let goto = m
        .ops
        .iter()
        .position(|o| matches!(o.kind, OpKind::Goto { .. }))
        .unwrap();
    let targets: Vec<usize> = m
        .graph
        .edges(petgraph::graph::NodeIndex::new(goto))
        .map(|e| e.target().index())
        .collect();
    assert_eq!(targets, [m.nodes[1].entry.index()]);
}

#[test]
fn questions_with_people_go_on_instead_of_escalating() {
    let c = with_head("slots { a: text }\nnode greet { end resolved }");
    assert!(c.machine.handoffs[0].closed.is_none());
    let text = crate::testing::HEAD.replace(
        "handoff human {",
        "handoff human { closed { ask a \"What?\"; ticket within 4h }; ",
    );
    let c = crate::testing::compile(&format!(
        "{text}\nslots {{ a: text }}\nnode greet {{ end resolved }}"
    ));
    let m = &c.machine;
    let OpKind::Ask { question, next, .. } = op(m, m.handoffs[0].closed.unwrap()) else {
        panic!("ask")
    };
    assert_eq!(question.otherwise, *next);
    assert!(matches!(
        m.codes[m.ops[m.handoffs[0].closed.unwrap().index()].code.index()].owner,
        CodeOwner::Handoff(0, _)
    ));
}
