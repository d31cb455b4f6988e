//! Every form of the language reference parses into the tree, and formatting keeps what it says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use flow_grammar::ast::*;
use flow_grammar::{FileTree, format, parse_uncached, same_meaning};

const PAGES: &[(&str, &str)] = &[
    ("types", include_str!("language/00.flow")),
    ("the bot", include_str!("language/01.flow")),
    ("understanding", include_str!("language/02.flow")),
    ("nodes", include_str!("language/03.flow")),
    ("texts", include_str!("language/04.flow")),
    ("rules", include_str!("language/05.flow")),
    ("routing", include_str!("language/06.flow")),
    ("handing over", include_str!("language/07.flow")),
    ("webhooks", include_str!("language/08.flow")),
    ("tests", include_str!("language/09.flow")),
    ("other forms", include_str!("language/10.flow")),
];

fn parse(text: &str) -> FileTree {
    let tree = parse_uncached(text);
    for decl in &tree.decls {
        assert_eq!(decl.tree.diagnostics, Vec::new(), "in {text}");
    }
    tree
}

fn one(text: &str) -> DeclKind {
    let tree = parse(text);
    assert_eq!(tree.decls.len(), 1, "{text}");
    tree.decls[0].tree.decl.kind.clone()
}

fn steps(body: &str) -> Vec<StepKind> {
    match one(&format!("node x {{\n{body}\n}}")) {
        DeclKind::Node(node) => node.body.steps.into_iter().map(|s| s.kind).collect(),
        other => panic!("{other:?}"),
    }
}

fn step(text: &str) -> StepKind {
    let mut all = steps(text);
    assert_eq!(all.len(), 1, "{text}: {all:?}");
    all.remove(0)
}

/// The expression in a form that shows how it was bound.
fn shape(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Text(t) => format!("{:?}", t.plain().unwrap_or_else(|| "..".to_owned())),
        ExprKind::Number(n) => n.to_string(),
        ExprKind::Percent(n) => format!("{}%", n * 100.0),
        ExprKind::Duration(n) => format!("{n}ms"),
        ExprKind::Money(n, c) => format!("{n} {c}"),
        ExprKind::Path(p) => p
            .segments
            .iter()
            .map(|s| s.as_str())
            .collect::<Vec<_>>()
            .join("."),
        ExprKind::Call(p, args) => {
            format!(
                "{}({})",
                p.segments[0].as_str(),
                args.iter().map(shape).collect::<Vec<_>>().join(", ")
            )
        }
        ExprKind::List(items) => format!(
            "[{}]",
            items.iter().map(shape).collect::<Vec<_>>().join(", ")
        ),
        ExprKind::Not(e) => format!("(not {})", shape(e)),
        ExprKind::Neg(e) => format!("(- {})", shape(e)),
        ExprKind::Binary(op, a, b) => format!("({} {op:?} {})", shape(a), shape(b)),
        ExprKind::Is {
            negated,
            left,
            right,
        } => {
            format!(
                "({} {} {})",
                shape(left),
                if *negated { "is-not" } else { "is" },
                shape(right)
            )
        }
        ExprKind::In {
            negated,
            left,
            right,
        } => {
            format!(
                "({} {} {})",
                shape(left),
                if *negated { "not-in" } else { "in" },
                shape(right)
            )
        }
        ExprKind::Known { known, of } => format!(
            "({} {})",
            shape(of),
            if *known { "known" } else { "unknown" }
        ),
        ExprKind::Hours { during, hours } => {
            format!(
                "({} {})",
                if *during { "during" } else { "outside" },
                hours.segments[0].as_str()
            )
        }
        ExprKind::Contains { left, right } => {
            format!("({} contains {})", shape(left), shape(right))
        }
        ExprKind::ContainsAny { left, right } => {
            format!("({} contains-any {})", shape(left), shape(right))
        }
        ExprKind::Matches { left, right } => format!("({} matches {})", shape(left), shape(right)),
        ExprKind::Regex(r) => format!("/{r}/"),
        ExprKind::ForMessages { cond, count } => {
            format!("({} for {} messages)", shape(cond), count.node)
        }
        ExprKind::ForDuration { cond, millis } => {
            format!("({} for {}ms)", shape(cond), millis.node)
        }
        ExprKind::AtLeast { count, conds } => {
            format!(
                "({} of {})",
                count.node,
                conds.iter().map(shape).collect::<Vec<_>>().join(" | ")
            )
        }
        other => format!("{other:?}"),
    }
}

fn bound(cond: &str) -> String {
    match one(&format!("segment s when {cond}")) {
        DeclKind::Segment(s) => shape(&s.when.unwrap()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_page_parses_without_a_finding() {
    for (name, page) in PAGES {
        let tree = parse(page);
        assert!(
            tree.decls
                .iter()
                .all(|d| d.tree.decl.kind != DeclKind::Error),
            "{name}"
        );
    }
}

#[test]
fn formatting_a_page_keeps_its_meaning_and_is_stable() {
    for (name, page) in PAGES {
        let once = format(page);
        assert_eq!(format(&once), once, "{name}");
        assert!(same_meaning(&parse(page), &parse(&once)), "{name}");
    }
}

#[test]
fn operators_bind_as_the_reference_says() {
    assert_eq!(
        bound("a or b and not c is d"),
        "(a Or (b And (not (c is d))))"
    );
    assert_eq!(
        bound("a ?? 1 + 2 * 3 > 4"),
        "(((a Coalesce 1) Add (2 Mul 3)) Gt 4)"
    );
    assert_eq!(bound("a - b - c < 2"), "(((a Sub b) Sub c) Lt 2)");
    assert_eq!(
        bound("not a < -40% for 2 messages or b"),
        "((not ((a Lt (- 40%)) for 2 messages)) Or b)"
    );
    assert_eq!(
        bound("x > 1 for 5m and y"),
        "(((x Gt 1) for 300000ms) And y)"
    );
    assert_eq!(bound("(a or b) and c"), "((a Or b) And c)");
    assert_eq!(
        bound("2 of [a, b is c, not d]"),
        "(2 of a | (b is c) | (not d))"
    );
    assert_eq!(
        bound("a is not b and c is known and d is unknown"),
        "(((a is-not b) And (c known)) And (d unknown))"
    );
    assert_eq!(bound("a is not known"), "(a unknown)");
    assert_eq!(
        bound("a not in [b, c] or d in e"),
        "((a not-in [b, c]) Or (d in e))"
    );
    assert_eq!(
        bound("during office and outside always"),
        "((during office) And (outside always))"
    );
    assert_eq!(
        bound("message contains any [\"a\", \"b\"]"),
        "(message contains-any [\"a\", \"b\"])"
    );
    assert_eq!(
        bound("message matches /a\\/b{2}/"),
        "(message matches /a\\/b{2}/)"
    );
    assert_eq!(bound("f(a, g()) is true"), "(f(a, g()) is Bool(true))");
    assert_eq!(bound("time in tier > 5m"), "(TimeIn(Tier) Gt 300000ms)");
    assert_eq!(bound("time in [a]"), "(time in [a])");
    assert_eq!(bound("arr > 100_000 USD"), "(arr Gt 100000 USD)");
    assert_eq!(
        bound("now > 2026-12-25 09:30"),
        "(now Gt DateTime(\"2026-12-25 09:30\"))"
    );
}

#[test]
fn lines_go_on_where_the_reference_says() {
    let flat = bound("a and b or c");
    for text in [
        "a\n  and b\n  or c",
        "a and\n  b or\n  c",
        "a // why\n  // more\n  and b // and\n\n  or c",
        "(a\nand\nb) or c",
    ] {
        assert_eq!(bound(text), flat, "{text}");
    }
    assert_eq!(steps("set a =\n  b\n-> \n  c").len(), 2);
    assert_eq!(
        steps("set a = b\n-> c").len(),
        2,
        "an arrow at the start of a line is a step of its own"
    );
    assert_eq!(steps("call f(\n  a,\n  b\n)\nback").len(), 2);
}

#[test]
fn items_end_with_lines_or_semicolons() {
    assert_eq!(steps("say \"a\"; say \"b\"\nsay \"c\";").len(), 3);
    assert_eq!(one("enum e { a, b, c }"), {
        let mut tree = one("enum e { a, b, c }");
        if let DeclKind::Enum(e) = &mut tree {
            assert_eq!(e.values.len(), 3);
        }
        tree
    });
    let names = |text: &str| match one(text) {
        DeclKind::Enum(e) => e
            .values
            .into_iter()
            .map(|v| v.text.to_string())
            .collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        names("enum e { a, b\nc\n\n d,\n e }"),
        ["a", "b", "c", "d", "e"]
    );
    assert_eq!(
        names("enum e { text, plan, order, priority, node, other }"),
        ["text", "plan", "order", "priority", "node", "other"]
    );
}

#[test]
fn texts_hold_escapes_interpolations_and_blocks() {
    let parts = |text: &str| match step(&format!("say {text}")) {
        StepKind::Say { mut texts, .. } => match texts.remove(0) {
            TextRef::Lit(lit) => lit.parts,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let plain = |text: &str| match parts(text).as_slice() {
        [TextPart::Str(s)] => s.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(plain(r#""a \"b\" \\ \n \{x\} c""#), "a \"b\" \\ \n {x} c");
    assert_eq!(
        plain("\"a // no comment; no end\""),
        "a // no comment; no end"
    );
    let nested = parts(r#""Hi {name ?? "the {re ?? "x"} one"}!""#);
    assert_eq!(nested.len(), 3);
    assert!(matches!(
        &nested[1],
        TextPart::Expr(Expr {
            kind: ExprKind::Binary(BinaryOp::Coalesce, _, _),
            ..
        })
    ));
    assert_eq!(
        plain("\"\"\"\n    One \"two\"\n      three\n\n    four\n    \"\"\""),
        "One \"two\"\n  three\n\nfour"
    );
    assert_eq!(plain("\"\"\"one line\"\"\""), "one line");
    let block = parts("\"\"\"\n    Hi {name}\n    bye\n    \"\"\"");
    assert_eq!(block.len(), 3);
    assert_eq!(block[2], TextPart::Str("\nbye".into()));
    assert_eq!(parts("\"\""), Vec::new());
}

#[test]
fn documentation_belongs_to_what_follows_it() {
    let tree = parse(
        "// plain\n/// One.\n/// Two.\nslots {\n  /// A slot.\n  a: text // tail\n  b: text\n}\n",
    );
    let decl = &tree.decls[0].tree;
    assert_eq!(decl.decl.doc.as_deref(), Some("One.\nTwo."));
    let DeclKind::Slots(slots) = &decl.decl.kind else {
        panic!()
    };
    assert_eq!(slots.fields[0].doc.as_deref(), Some("A slot."));
    assert_eq!(slots.fields[1].doc, None);
    let comments: Vec<&str> = decl.comments.iter().map(|c| c.1.as_str()).collect();
    assert_eq!(comments, ["plain", "tail"]);
}

#[test]
fn fields_take_every_modifier() {
    let DeclKind::Slots(slots) = one(
        "slots {\n a was b: text matching /x+/ = \"d\" private identifies ask \"Q?\"\n f: file of image, pdf at most 10 MB\n l: list of issue\n o: order?\n}",
    ) else {
        panic!()
    };
    let [a, f, l, o] = slots.fields.as_slice() else {
        panic!()
    };
    assert_eq!(a.was.as_ref().unwrap().as_str(), "b");
    assert_eq!(a.matching.as_ref().unwrap().node, "x+");
    assert!(a.private && a.identifies && a.default.is_some() && a.ask.is_some());
    assert_eq!(f.file_kinds.len(), 2);
    assert_eq!(f.max_bytes.as_ref().unwrap().node, 10_000_000);
    assert!(matches!(l.ty.as_ref().unwrap().kind, TypeKind::List(_)));
    assert!(o.ty.as_ref().unwrap().optional);
}

#[test]
fn matrix_cells_take_every_form() {
    let DeclKind::Route(route) = one(
        "route human {\n  prefer last agent within 7d\n  | intent | arr | message | team | priority |\n  | a, b | >= 100_000 USD | \"x, y\", \"z\" | t | high |\n  | not a, b | 60%..80% | _ | t | _ |\n  | unknown | -5..5 | \"a | b\" | t | _ | // why\n}",
    ) else {
        panic!()
    };
    assert_eq!(route.prefer_last_agent.unwrap().node, 7 * 86_400_000);
    assert_eq!(route.columns.len(), 5);
    let cell = |r: usize, c: usize| &route.rows[r].cells[c];
    assert_eq!(cell(0, 0).len(), 2);
    assert!(matches!(cell(0, 1)[0], Cell::Compare(BinaryOp::Ge, _, _)));
    assert_eq!(cell(0, 2).len(), 2);
    assert!(matches!(&cell(1, 0)[0], Cell::Not(values, _) if values.len() == 2));
    assert!(matches!(cell(1, 1)[0], Cell::Range(..)));
    assert!(matches!(cell(1, 2)[0], Cell::Any(_)));
    assert!(matches!(cell(2, 0)[0], Cell::Unknown(_)));
    assert!(matches!(cell(2, 1)[0], Cell::Range(..)));
    assert_eq!(cell(2, 2).len(), 1);
}

#[test]
fn arms_take_targets_and_blocks() {
    let StepKind::Match { arms, .. } = step(
        "match x {\n a, b -> n\n >= 3 { back }\n 1..2 -> end resolved\n none -> escalate because \"r\"\n otherwise -> back\n}",
    ) else {
        panic!()
    };
    let heads: Vec<usize> = arms
        .iter()
        .map(|a| {
            if let ArmHead::Values(v) = &a.head {
                v.len()
            } else {
                0
            }
        })
        .collect();
    assert_eq!(heads, [2, 1, 1, 1, 0]);
    assert!(matches!(arms[1].then, Some(Then::Body(_))));
    assert!(matches!(arms[2].then, Some(Then::Target(Target::End(_)))));
    assert!(
        matches!(&arms[3].then, Some(Then::Target(Target::Escalate(e))) if e.because.is_some())
    );
    assert!(matches!(arms[4].then, Some(Then::Target(Target::Back(_)))));
}

#[test]
fn the_parts_between_declarations_are_blank() {
    for (_, page) in PAGES {
        let mut end = 0;
        for range in flow_grammar::split(page) {
            assert!(page[end..range.start].trim().is_empty());
            assert!(range.end <= page.len() && range.start < range.end);
            end = range.end;
        }
        assert!(page[end..].trim().is_empty());
    }
}

#[test]
fn a_cache_gives_the_same_trees() {
    let mut cache = flow_grammar::Cache::new();
    for (_, page) in PAGES {
        let cached = flow_grammar::parse(page, &mut cache);
        let again = flow_grammar::parse(page, &mut cache);
        let fresh = parse_uncached(page);
        for ((a, b), c) in cached.decls.iter().zip(&again.decls).zip(&fresh.decls) {
            assert!(std::sync::Arc::ptr_eq(&a.tree, &b.tree));
            assert_eq!(a.tree, c.tree);
        }
    }
    cache.sweep(0);
    assert!(cache.is_empty());
}

#[test]
fn an_empty_list_is_a_value() {
    let StepKind::Set(_, value) = step("set things = []") else {
        panic!("no assignment");
    };
    assert_eq!(value.kind, ExprKind::List(Vec::new()));
    assert_eq!(step("call f([], [ ])"), step("call f([], [ ])"));
    parse("test \"a\" {\n  mock f returns []\n  mock f returns [\n  ]\n  expect slot x is []\n}");
}

#[test]
fn tiers_and_teams_need_no_block() {
    let tree =
        parse("tier bot: scripted\ntier human: people\nteam support\nnode a { end resolved }");
    assert_eq!(tree.decls.len(), 4);
    let tree = parse("tier human: people\n{\n  cost 1 USD\n}\nteam support\n{ hours always }");
    assert_eq!(tree.decls.len(), 2);
    for text in ["customer", "assist", "bot a", "node a"] {
        let tree = parse_uncached(text);
        assert_eq!(tree.decls[0].tree.diagnostics.len(), 1, "{text}");
    }
}

#[test]
fn a_comment_after_a_text_of_several_lines_stays_in_its_place() {
    let text = "node greet {\n  say \"\"\"\n    Hello. // no comment\n    \"\"\" // a comment\n  end resolved\n}\n";
    assert_eq!(flow_grammar::format(text), text);
}
