//! Lists in which the order says nothing: what `and` and `or` join, the values of an `in`, the words of a `contains any`, the patterns of
//! an arm, what a model may use. They are printed in an order of their own, so that a bot that only lists them otherwise means the same.

use super::canon::{Canon, Numbers, string_end};

/// Lists without an order, by the parts of the machine in which they stand.
const UNORDERED: [(&str, &[&str]); 5] = [
    ("In", &["right: Expr { kind: List("]),
    ("Contains", &["any: "]),
    ("AtLeast", &["conds: "]),
    ("MatchArm", &["patterns: "]),
    ("Tier", &["knowledge: ", "tools: ", "shares: ", "forbid: "]),
];

impl Canon<'_> {
    /// What stands after a word, if it is one of these: as it is printed, and what is left behind it.
    pub(super) fn unordered<'t>(
        &self,
        word: &str,
        after: &'t str,
        numbers: &mut Numbers,
        depth: u32,
    ) -> Option<(String, &'t str)> {
        if word == "Binary" {
            let op = ["(And, ", "(Or, "]
                .into_iter()
                .find(|op| after.starts_with(op))?;
            let (operands, end) = joined(op, after)?;
            let mut parts: Vec<String> = operands
                .into_iter()
                .map(|part| self.read(part, numbers, depth))
                .collect();
            parts.sort_unstable();
            parts.dedup();
            let shown = format!("Binary{op}{})", parts.join(", "));
            return Some((shown, after.get(end..)?));
        }
        let (_, fields) = UNORDERED.iter().find(|(part, _)| *part == word)?;
        let inside = after.strip_prefix(" {")?;
        let end = after.len() - inside.len() + closing_of(inside)?;
        let mut out = String::new();
        let mut rest = after.get(..end)?;
        for field in *fields {
            let Some(at) = field_at(rest, field) else {
                continue;
            };
            let (head, list) = rest.split_at_checked(at + field.len())?;
            let close = closing(list)?;
            let mut parts: Vec<String> = elements(list.get(1..close - 1)?)
                .into_iter()
                .map(|part| self.read(part, numbers, depth))
                .collect();
            parts.sort_unstable();
            out.push_str(&self.read(head, numbers, depth));
            out.push_str(&format!("[{}]", parts.join(", ")));
            rest = list.get(close..)?;
        }
        out.push_str(&self.read(rest, numbers, depth));
        Some((format!("{word}{out}"), after.get(end..)?))
    }
}

/// All that one operator joins, however it is grouped, and where it ends. Each letter is looked at once: chains can be long.
fn joined<'t>(op: &str, call: &'t str) -> Option<(Vec<&'t str>, usize)> {
    const OPERAND: &str = "Expr {";
    let group = format!("{OPERAND} kind: Binary{op}");
    let mut out = Vec::new();
    let mut groups = 0;
    let mut at = op.len();
    loop {
        let rest = call.get(at..)?;
        if rest.starts_with(&group) {
            groups += 1;
            at += group.len();
            continue;
        }
        let inside = rest.strip_prefix(OPERAND)?;
        let end = OPERAND.len() + closing_of(inside)?;
        out.push(rest.get(..end)?);
        at += end;
        loop {
            let rest = call.get(at..)?;
            if rest.starts_with(", ") {
                at += ", ".len();
                break;
            }
            at += rest.strip_prefix(')').map(|_| 1)?;
            if groups == 0 {
                return Some((out, at));
            }
            groups -= 1;
            // The type and the place of the group.
            at += closing_of(call.get(at..)?)?;
        }
    }
}

/// Where the bracket closes with which a text begins.
fn closing(text: &str) -> Option<usize> {
    let first = text.chars().next()?;
    matches!(first, '(' | '[' | '{').then_some(())?;
    Some(first.len_utf8() + closing_of(text.get(1..)?)?)
}

/// Where the bracket closes that was opened before a text.
fn closing_of(text: &str) -> Option<usize> {
    let mut at = 0;
    let mut open = 1;
    while let Some(c) = text.get(at..)?.chars().next() {
        match c {
            '"' => at += string_end(text.get(at..)?) - 1,
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' => open -= 1,
            _ => {}
        }
        at += c.len_utf8();
        if open == 0 {
            return Some(at);
        }
    }
    None
}

/// The elements of a list: what commas part outside of brackets and quotes.
fn elements(list: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let (mut at, mut from, mut open) = (0, 0, 0);
    while let Some(c) = list.get(at..).and_then(|rest| rest.chars().next()) {
        match c {
            '"' => at += list.get(at..).map_or(1, string_end) - 1,
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' => open -= 1,
            ',' if open == 0 => {
                out.extend(list.get(from..at).map(str::trim));
                from = at + 1;
            }
            _ => {}
        }
        at += c.len_utf8();
    }
    out.extend(list.get(from..).map(str::trim).filter(|e| !e.is_empty()));
    out
}

/// Where a field of a part stands, that is: not in one of its parts.
fn field_at(part: &str, field: &str) -> Option<usize> {
    let (mut at, mut open) = (0, 0);
    while let Some(rest) = part.get(at..).filter(|rest| !rest.is_empty()) {
        if open <= 1 && rest.starts_with(field) {
            return Some(at);
        }
        let c = rest.chars().next()?;
        match c {
            '"' => at += string_end(rest) - 1,
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' => open -= 1,
            _ => {}
        }
        at += c.len_utf8();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_and_commas_in_quotes_are_none() {
        assert_eq!(closing("(a, \")\", [b])c"), Some(13));
        assert_eq!(closing("[a"), None);
        assert_eq!(
            elements("a, f(b, c), \"d, e\""),
            ["a", "f(b, c)", "\"d, e\""]
        );
        assert_eq!(elements(""), Vec::<&str>::new());
        assert_eq!(field_at(" { left: Y { any: 1 }, any: [", "any: "), Some(23));
    }
}
