//! Findings for people, drawn by miette.

use crate::sources::{Position, SourceFile, Sources};
use flow_grammar::{Diagnostic, Label, Severity};
use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents,
    SourceCode, SourceSpan, SpanContents, ThemeCharacters, ThemeStyles,
};
use std::fmt;

const WIDTH: usize = 120;
/// Bytes of a line that is drawn at most. A longer one (noise, mostly) would be drawn whole, for each of its findings; its place is said.
const LONGEST_LINE: usize = 2_000;
/// Bytes of a line beside a place that is drawn for its context at most.
const LONGEST_NEIGHBOUR: usize = 400;

/// Findings with the lines that they are about, labels and help; `colour` asks for colours.
#[must_use]
pub fn text(sources: &Sources, found: &[Diagnostic], colour: bool) -> String {
    render(sources, found, colour, true)
}

/// As [`text`]; `unicode: false` draws with ASCII alone.
#[must_use]
pub fn render(sources: &Sources, found: &[Diagnostic], colour: bool, unicode: bool) -> String {
    let theme = GraphicalTheme {
        characters: if unicode {
            ThemeCharacters::unicode()
        } else {
            ThemeCharacters::ascii()
        },
        styles: if colour {
            ThemeStyles::ansi()
        } else {
            ThemeStyles::none()
        },
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(WIDTH)
        .with_links(false)
        .without_syntax_highlighting();
    let mut out = String::new();
    for d in found {
        let report = Report::new(sources, d);
        if handler.render_report(&mut out, &report).is_err() {
            // What cannot be drawn is still said.
            out.push_str(&format!("{}: {}\n", d.code, d.message));
        }
        out.push('\n');
    }
    out
}

/// The lines of a file. Found by their starts, not by reading the file from its beginning for every finding.
#[derive(Debug)]
struct Lines<'s> {
    file: &'s SourceFile,
}

impl Lines<'_> {
    /// How many of the lines next to a place are short enough to be drawn; `line` gives the one so many lines away.
    fn neighbours(&self, wanted: usize, line: impl Fn(usize) -> Option<usize>) -> usize {
        (1..=wanted)
            .take_while(|n| {
                line(*n)
                    .and_then(|line| self.file.line_starts.get(line))
                    .is_none_or(|start| {
                        line_length(self.file, *start as usize) <= LONGEST_NEIGHBOUR
                    })
            })
            .count()
    }
}

impl SourceCode for Lines<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let file = self.file;
        let starts = &file.line_starts;
        let line = |offset: usize| {
            starts
                .partition_point(|s| *s as usize <= offset)
                .saturating_sub(1)
        };
        let (first, last) = (
            line(span.offset()),
            line(
                (span.offset() + span.len())
                    .saturating_sub(1)
                    .max(span.offset()),
            ),
        );
        // Without context, miette wants what begins at the span itself.
        let bare = before == 0;
        let (before, after) = (
            self.neighbours(before, |n| first.checked_sub(n)),
            self.neighbours(after, |n| Some(last + n)),
        );
        let from_line = first.saturating_sub(before);
        let start = starts.get(from_line).copied().unwrap_or(0) as usize;
        let end = starts
            .get(last + after + 1)
            .map_or(file.text.len(), |s| *s as usize);
        let bytes = file
            .text
            .as_bytes()
            .get(start..end)
            .ok_or(MietteError::OutOfBounds)?;
        let column = if bare {
            span.offset().saturating_sub(start)
        } else {
            0
        };
        let (start, bytes) = if bare {
            (
                span.offset(),
                file.text
                    .as_bytes()
                    .get(span.offset()..end)
                    .ok_or(MietteError::OutOfBounds)?,
            )
        } else {
            (start, bytes)
        };
        let shown = SourceSpan::from(start..start + bytes.len());
        Ok(Box::new(MietteSpanContents::new_named(
            file.path.to_string(),
            bytes,
            shown,
            from_line,
            column,
            // Of what is drawn: where the next place is further away, miette draws the two apart.
            last + after + 1 - from_line,
        )))
    }
}

/// Bytes of the line of an offset.
fn line_length(file: &SourceFile, offset: usize) -> usize {
    let next = file.line_starts.partition_point(|s| *s as usize <= offset);
    let start = next
        .checked_sub(1)
        .and_then(|line| file.line_starts.get(line))
        .map_or(0, |s| *s as usize);
    let end = file
        .line_starts
        .get(next)
        .map_or(file.text.len(), |s| *s as usize);
    end.saturating_sub(start)
}

/// A finding as miette sees it.
#[derive(Debug)]
struct Report<'s> {
    finding: &'s Diagnostic,
    /// Where it is, if its line is too long to be drawn.
    undrawn: Option<Position>,
    source: Option<Lines<'s>>,
    labels: Vec<LabeledSpan>,
    elsewhere: Vec<Elsewhere<'s>>,
}

/// Labels in another file than the primary one.
#[derive(Debug)]
struct Elsewhere<'s> {
    source: Lines<'s>,
    labels: Vec<LabeledSpan>,
}

impl<'s> Report<'s> {
    fn new(sources: &'s Sources, finding: &'s Diagnostic) -> Self {
        let mut report = Self {
            finding,
            undrawn: None,
            source: None,
            labels: Vec::new(),
            elsewhere: Vec::new(),
        };
        for (i, Label { at, text }) in finding.labels.iter().enumerate() {
            let Some((file, range)) = sources.resolve(*at) else {
                continue;
            };
            if line_length(file, range.start) > LONGEST_LINE {
                if i == 0 {
                    report.undrawn = sources.position(*at);
                }
                continue;
            }
            let text = (!text.is_empty()).then(|| text.clone());
            let span = SourceSpan::from(range);
            let label = if i == 0 {
                LabeledSpan::new_primary_with_span(text, span)
            } else {
                LabeledSpan::new_with_span(text, span)
            };
            match &report.source {
                None => {
                    report.source = Some(Lines { file });
                    report.labels.push(label);
                }
                Some(lines) if lines.file.path == file.path => report.labels.push(label),
                Some(_) => match report
                    .elsewhere
                    .iter_mut()
                    .find(|e| e.source.file.path == file.path)
                {
                    Some(other) => other.labels.push(label),
                    None => report.elsewhere.push(Elsewhere {
                        source: Lines { file },
                        labels: vec![label],
                    }),
                },
            }
        }
        report
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.finding.message)?;
        match &self.undrawn {
            Some(place) => write!(f, " ({place})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Report<'_> {}

impl miette::Diagnostic for Report<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.finding.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.finding.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.finding
            .help
            .as_ref()
            .map(|h| Box::new(h) as Box<dyn fmt::Display + 'a>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|s| s as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        (!self.labels.is_empty()).then(|| {
            Box::new(self.labels.iter().cloned()) as Box<dyn Iterator<Item = LabeledSpan> + '_>
        })
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>> {
        (!self.elsewhere.is_empty()).then(|| {
            Box::new(self.elsewhere.iter().map(|e| e as &dyn miette::Diagnostic))
                as Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>
        })
    }
}

impl fmt::Display for Elsewhere<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "in {}", self.source.file.path)
    }
}

impl std::error::Error for Elsewhere<'_> {}

impl miette::Diagnostic for Elsewhere<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        Some(miette::Severity::Advice)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}
