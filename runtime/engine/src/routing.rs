//! The routing matrix: which team takes a conversation. Each column is compiled to an index from a value to the set of rows it fits;
//! the first row that is in all sets decides.

use crate::decision::RowTrace;
use crate::eval::Scope;
use crate::tables::{index_u32, position};
use crate::values;
use flow_compiler::machine::{CellPattern, Machine, Priority, Route};
use flow_compiler::sources::Position;
use flow_compiler::value::{TeamId, TierId, Value};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

/// What a matrix decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Routed {
    /// The row's index, from 0.
    pub row: usize,
    /// The team.
    pub team: TeamId,
    /// The row's priority.
    pub priority: Priority,
    /// A demanded skill.
    pub skill: Option<SmolStr>,
    /// A demanded agent.
    pub agent: Option<SmolStr>,
    /// For the decision.
    pub trace: RowTrace,
}

/// A set of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rows(Box<[u64]>);

impl Rows {
    fn none(rows: usize) -> Self {
        Self(vec![0; rows.div_ceil(64)].into_boxed_slice())
    }

    fn add(&mut self, row: usize) {
        if let Some(word) = self.0.get_mut(row / 64) {
            *word |= 1 << (row % 64);
        }
    }

    fn add_all(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a |= b);
    }
}

/// A column's index.
#[derive(Debug)]
struct Column {
    /// Rows of a name (enum, intent, language, text).
    names: FxHashMap<SmolStr, Rows>,
    /// The names are `true` and `false`.
    bools: bool,
    /// Rows of other names, and of values that no cell mentions.
    others: Rows,
    /// Rows of the unknown.
    unknown: Rows,
    /// Words to find and their rows, by the folded first word.
    words: FxHashMap<SmolStr, Vec<(SmolStr, Rows)>>,
    /// The bytes that such words begin with.
    begins: [bool; 256],
    /// Words that do not start with a letter or digit.
    odd_words: Vec<(SmolStr, Rows)>,
    /// Ends of ranges in rising order; `spans[2i]` lies below `ends[i]`, `spans[2i+1]` is it.
    ends: Vec<Value>,
    spans: Vec<Rows>,
}

/// A compiled matrix.
#[derive(Debug)]
pub(crate) struct Matrix {
    columns: Vec<Column>,
    rows: usize,
    /// Where each row is written.
    places: Vec<Position>,
}

impl Matrix {
    pub(crate) fn new(machine: &Machine, route: &Route) -> Self {
        let rows = route.rows.len();
        let columns = (0..route.columns.len())
            .map(|at| {
                Column::new(
                    rows,
                    route
                        .rows
                        .iter()
                        .map(|r| r.cells.get(at).map_or(&[][..], Vec::as_slice)),
                )
            })
            .collect();
        let places = route.rows.iter().map(|r| position(machine, r.loc));
        Self {
            columns,
            rows,
            places: places.collect(),
        }
    }

    /// The first row that fits the values of all columns.
    pub(crate) fn decide(&self, values: &[Value]) -> Option<usize> {
        let mut left = Rows(vec![u64::MAX; self.rows.div_ceil(64)].into_boxed_slice());
        for (column, value) in self.columns.iter().zip(values) {
            column.narrow(value, &mut left);
        }
        let (word, bits) = left.0.iter().enumerate().find(|(_, bits)| **bits != 0)?;
        let row = word * 64 + bits.trailing_zeros() as usize;
        (row < self.rows).then_some(row)
    }
}

impl Column {
    fn new<'c>(rows: usize, cells: impl Iterator<Item = &'c [CellPattern]> + Clone) -> Self {
        let none = || Rows::none(rows);
        let mut column = Self {
            names: FxHashMap::default(),
            bools: false,
            others: none(),
            unknown: none(),
            words: FxHashMap::default(),
            begins: [false; 256],
            odd_words: Vec::new(),
            ends: Vec::new(),
            spans: Vec::new(),
        };
        // Which values are mentioned.
        for pattern in cells.clone().flatten() {
            match pattern {
                CellPattern::Value(value) => column.mention(value, rows),
                CellPattern::Not(values) => values.iter().for_each(|v| column.mention(v, rows)),
                CellPattern::Range { low, high, .. } => {
                    low.iter().chain(high).for_each(|v| column.mention(v, rows))
                }
                CellPattern::Any | CellPattern::Unknown | CellPattern::Words(_) => {}
            }
        }
        column
            .ends
            .sort_by(|a, b| values::order(a, b).unwrap_or(std::cmp::Ordering::Equal));
        column.ends.dedup();
        column.spans = vec![
            none();
            if column.ends.is_empty() {
                0
            } else {
                column.ends.len() * 2 + 1
            }
        ];
        for (row, patterns) in cells.enumerate() {
            for pattern in patterns {
                column.add(row, rows, pattern);
            }
        }
        column
    }

    fn mention(&mut self, value: &Value, rows: usize) {
        self.bools |= matches!(value, Value::Bool(_));
        match name(value) {
            Some(name) => {
                self.names.entry(name).or_insert_with(|| Rows::none(rows));
            }
            None => self.ends.push(value.clone()),
        }
    }

    fn add(&mut self, row: usize, rows: usize, pattern: &CellPattern) {
        if values::fits(pattern, &Value::Unknown) {
            self.unknown.add(row);
        }
        if let CellPattern::Words(words) = pattern {
            let mut set = Rows::none(rows);
            set.add(row);
            let first: String = words
                .trim()
                .chars()
                .take_while(|c| c.is_alphanumeric())
                .flat_map(char::to_lowercase)
                .collect();
            let begin = first.bytes().next();
            if let Some(known) = begin.and_then(|b| self.begins.get_mut(usize::from(b))) {
                *known = true;
            }
            let list = if first.is_empty() {
                &mut self.odd_words
            } else {
                self.words.entry(first.into()).or_default()
            };
            match list.iter_mut().find(|(same, _)| same == words) {
                Some((_, known)) => known.add(row),
                None => list.push((words.clone(), set)),
            }
            return;
        }
        for (name, set) in &mut self.names {
            let value = if self.bools {
                Value::Bool(name == "true")
            } else {
                Value::Enum(name.clone())
            };
            if values::fits(pattern, &value) {
                set.add(row);
            }
        }
        if matches!(pattern, CellPattern::Any | CellPattern::Not(_)) {
            self.others.add(row);
        }
        for (index, set) in self.spans.iter_mut().enumerate() {
            let end = |i: usize| self.ends.get(i);
            let inside = match (index % 2, pattern) {
                (_, CellPattern::Any) => true,
                (1, pattern) => end(index / 2).is_some_and(|e| values::fits(pattern, e)),
                (_, CellPattern::Not(_)) => true,
                (_, CellPattern::Range { low, high, .. }) => {
                    let (below, above) = (
                        index.checked_sub(1).and_then(|i| end(i / 2)),
                        end(index / 2),
                    );
                    let after_low = low.as_ref().is_none_or(|low| {
                        below.is_some_and(|b| {
                            values::order(b, low).is_some_and(std::cmp::Ordering::is_ge)
                        })
                    });
                    let before_high = high.as_ref().is_none_or(|high| {
                        above.is_some_and(|a| {
                            values::order(a, high).is_some_and(std::cmp::Ordering::is_le)
                        })
                    });
                    after_low && before_high
                }
                _ => false,
            };
            if inside {
                set.add(row);
            }
        }
    }

    fn narrow(&self, value: &Value, left: &mut Rows) {
        let set = match value {
            Value::Unknown => &self.unknown,
            Value::Text(text) if !self.words.is_empty() || !self.odd_words.is_empty() => {
                return self.narrow_text(text, left);
            }
            Value::Text(name) | Value::Enum(name) => self.names.get(name).unwrap_or(&self.others),
            Value::Bool(b) => self
                .names
                .get(if *b { "true" } else { "false" })
                .unwrap_or(&self.others),
            _ => self.span(value).unwrap_or(&self.others),
        };
        left.0.iter_mut().zip(&set.0).for_each(|(a, b)| *a &= b);
    }

    fn span(&self, value: &Value) -> Option<&Rows> {
        let first = self.ends.first()?;
        values::order(value, first)?;
        let at = self.ends.partition_point(|end| {
            values::order(end, value).is_some_and(std::cmp::Ordering::is_lt)
        });
        let exact = self
            .ends
            .get(at)
            .is_some_and(|end| values::order(end, value).is_some_and(std::cmp::Ordering::is_eq));
        self.spans.get(at * 2 + usize::from(exact))
    }

    /// A message fits the rows without words and those whose words it has.
    fn narrow_text(&self, text: &str, left: &mut Rows) {
        let mut set = self.names.get(text).unwrap_or(&self.others).clone();
        let mut word = String::new();
        for part in text.split(|c: char| !c.is_alphanumeric()) {
            let Some(first) = part.chars().next() else {
                continue;
            };
            // Most words of a message begin with no letter of the column's.
            let begin = part.as_bytes().first().map(u8::to_ascii_lowercase);
            let known = begin.and_then(|b| self.begins.get(usize::from(b)));
            if first.is_ascii() && known != Some(&true) {
                continue;
            }
            word.clear();
            word.extend(part.chars().flat_map(char::to_lowercase));
            for (words, rows) in self.words.get(word.as_str()).map_or(&[][..], Vec::as_slice) {
                if values::contains_words(text, words) {
                    set.add_all(rows);
                }
            }
        }
        for (words, rows) in &self.odd_words {
            if values::contains_words(text, words) {
                set.add_all(rows);
            }
        }
        left.0.iter_mut().zip(&set.0).for_each(|(a, b)| *a &= b);
    }
}

/// Values that are looked up by name; others are compared by their order.
fn name(value: &Value) -> Option<SmolStr> {
    match value {
        Value::Text(name) | Value::Enum(name) => Some(name.clone()),
        Value::Bool(b) => Some(SmolStr::new_static(if *b { "true" } else { "false" })),
        _ => None,
    }
}

/// Routes a conversation. The scope records what the columns were.
pub(crate) fn route(scope: &Scope<'_>, tier: TierId) -> Option<Routed> {
    let machine = scope.engine.machine();
    let route = machine.routes.iter().find(|r| r.tier == tier)?;
    let values: Vec<Value> = route
        .columns
        .iter()
        .map(|column| scope.value(column))
        .collect();
    let matrix = scope.engine.matrix(tier)?;
    let row = matrix.decide(&values)?;
    let chosen = route.rows.get(row)?;
    let team = machine
        .team(chosen.team)
        .map(|t| t.name.clone())
        .unwrap_or_default();
    Some(Routed {
        row,
        team: chosen.team,
        priority: chosen.priority,
        skill: chosen.skill.clone(),
        agent: chosen.agent.clone(),
        trace: RowTrace {
            row: index_u32(row + 1),
            team,
            priority: SmolStr::new_static(chosen.priority.as_str()),
            reads: scope.reads.map(|reads| reads.take()).unwrap_or_default(),
            at: matrix.places.get(row)?.clone(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(cells: &[Vec<CellPattern>]) -> Matrix {
        Matrix {
            columns: vec![Column::new(cells.len(), cells.iter().map(Vec::as_slice))],
            rows: cells.len(),
            places: Vec::new(),
        }
    }

    fn range(low: f64, high: f64) -> CellPattern {
        CellPattern::Range {
            low: Some(Value::Number(low)),
            low_included: true,
            high: Some(Value::Number(high)),
            high_included: false,
        }
    }

    /// The index agrees with trying the rows one by one.
    #[test]
    fn the_index_decides_as_the_rows_read() {
        let name = |s: &str| CellPattern::Value(Value::Enum(s.into()));
        let cells = vec![
            vec![name("billing"), name("refund")],
            vec![CellPattern::Not(vec![
                Value::Enum("legal".into()),
                Value::Enum("billing".into()),
            ])],
            vec![CellPattern::Unknown],
            vec![
                CellPattern::Words("gdpr".into()),
                CellPattern::Words("data  loss".into()),
            ],
            vec![range(1.0, 5.0)],
            vec![range(5.0, 9.0)],
            vec![CellPattern::Value(Value::Number(9.0))],
            vec![CellPattern::Any],
        ];
        let matrix = column(&cells);
        let mut probes: Vec<Value> = (0..40).map(|n| Value::Number(f64::from(n) / 4.0)).collect();
        probes.extend(["billing", "refund", "legal", "x"].map(|s| Value::Enum(s.into())));
        probes.extend([Value::Unknown, Value::Percent(0.5)]);
        for probe in probes {
            let slow = cells
                .iter()
                .position(|row| row.iter().any(|p| values::fits(p, &probe)));
            // `not X` of a number is read as "another name"; the compiler gives a column one type.
            let mixed = matches!(probe, Value::Number(_) | Value::Percent(_));
            let slow = if mixed {
                cells
                    .iter()
                    .enumerate()
                    .position(|(i, row)| i != 1 && row.iter().any(|p| values::fits(p, &probe)))
            } else {
                slow
            };
            let fast = matrix.decide(std::slice::from_ref(&probe));
            let fast = if mixed && fast == Some(1) { slow } else { fast };
            assert_eq!(fast, slow, "{probe:?}");
        }
    }

    #[test]
    fn words_of_a_message_choose_the_row() {
        let matrix = column(&[
            vec![
                CellPattern::Words("fraud".into()),
                CellPattern::Words("data loss".into()),
            ],
            vec![CellPattern::Any],
        ]);
        assert_eq!(
            matrix.decide(&[Value::text("This is FRAUD, really")]),
            Some(0)
        );
        assert_eq!(
            matrix.decide(&[Value::text("a data loss happened")]),
            Some(0)
        );
        assert_eq!(matrix.decide(&[Value::text("loss of data")]), Some(1));
        assert_eq!(matrix.decide(&[Value::Unknown]), Some(1));
    }
}
