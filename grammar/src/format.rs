//! The formatter: the author's lines, well spaced and indented.
//!
//! Lines stay lines; indentation, blanks between tokens, blank lines and the columns of tables are put in order. A
//! declaration with a syntax error is left as it is, byte for byte.

use crate::build::parse_decl;
use crate::lex::{Lexer, Tok, Token};
use crate::split::{begins_joined, ends_open, split};
use crate::tree::FileTree;

/// Formats a file. Formatting twice gives the same as once, and changes no meaning.
#[must_use]
pub fn format(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut end = 0;
    let mut before_broken = false;
    for range in split(text) {
        let gap = text.get(end..range.start).unwrap_or_default();
        let Some(decl) = text.get(range.clone()) else {
            continue;
        };
        let broken = !parse_decl(decl).diagnostics.is_empty();
        let newlines = gap.matches('\n').count();
        if !out.is_empty() {
            // What is broken stays where it is, on the line of another too; but a `;` that parts it from one that is whole is written
            // as a line's end.
            let parted = !before_broken && text.get(..end).is_some_and(|t| t.ends_with(';'));
            let stays = newlines == 0 && broken && !parted;
            out.push_str(if stays { gap } else { "\n" });
            if newlines > 1 {
                out.push('\n');
            }
        }
        if broken {
            if newlines > 0 || end == 0 {
                out.push_str(gap.rsplit('\n').next().unwrap_or_default());
            }
            out.push_str(decl);
        } else {
            Printer::new(decl).print(&mut out);
        }
        before_broken = broken;
        end = range.end;
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// Whether two trees say the same: equal but for the places of things.
#[must_use]
pub fn same_meaning(a: &FileTree, b: &FileTree) -> bool {
    a.decls.len() == b.decls.len()
        && a.decls.iter().zip(&b.decls).all(|(a, b)| {
            let comments = |tree: &crate::tree::ParsedDecl| {
                tree.comments
                    .iter()
                    .map(|c| c.1.clone())
                    .collect::<Vec<_>>()
            };
            comments(&a.tree) == comments(&b.tree)
                && without_places(&format!("{:?}", a.tree.decl))
                    == without_places(&format!("{:?}", b.tree.decl))
        })
}

/// A tree's debug form without its spans.
fn without_places(debug: &str) -> String {
    let mut out = String::with_capacity(debug.len());
    let mut rest = debug;
    while let Some(at) = rest.find("Span { start: ") {
        out.push_str(rest.get(..at).unwrap_or_default());
        let after = rest.get(at..).unwrap_or_default();
        rest = after
            .find('}')
            .and_then(|end| after.get(end + 1..))
            .unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// A piece of a line: a token, or several that make one operator.
#[derive(Clone, Copy)]
struct Piece {
    tok: Tok,
    start: usize,
    end: usize,
}

#[derive(Default)]
struct Line {
    pieces: Vec<Piece>,
    comment: Option<(usize, usize)>,
    /// Blank lines stand before it.
    gap: bool,
    /// Column at which the comment stood.
    column: usize,
}

struct Printer<'a> {
    text: &'a str,
    lines: Vec<Line>,
}

impl<'a> Printer<'a> {
    fn new(text: &'a str) -> Self {
        let mut lexer = Lexer::new(text);
        let mut lines = Vec::new();
        let mut line = Line::default();
        let mut blank = 0;
        let mut line_start = 0;
        while let Some(token) = lexer.next() {
            lexer.marks.clear();
            match token.tok {
                Tok::Newline => {
                    line_start = token.end;
                    if line.pieces.is_empty() && line.comment.is_none() {
                        blank += 1;
                    } else {
                        drop_idle(text, &mut line.pieces);
                        lines.push(std::mem::take(&mut line));
                        blank = 0;
                    }
                }
                // A semicolon that separates nothing.
                Tok::Semi if line.pieces.is_empty() => {}
                Tok::Blank => {}
                Tok::Comment | Tok::Doc => {
                    line.gap |= blank > 0 && line.pieces.is_empty();
                    line.comment = Some((token.start, token.end));
                    line.column = text
                        .get(line_start..token.start)
                        .map_or(0, |t| t.chars().count());
                }
                _ => {
                    // A text of several lines ends on another line than it began.
                    let written = text.get(token.start..token.end).unwrap_or_default();
                    if let Some(at) = written.rfind('\n') {
                        line_start = token.start + at + 1;
                    }
                    line.gap |= blank > 0 && line.pieces.is_empty();
                    push_piece(text, &mut line.pieces, token);
                }
            }
        }
        if !line.pieces.is_empty() || line.comment.is_some() {
            drop_idle(text, &mut line.pieces);
            lines.push(line);
        }
        Self { text, lines }
    }

    fn at(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    fn print(&self, out: &mut String) {
        let widths = self.column_widths();
        let aligned = self.alignment();
        // The indentation of the line on which each open bracket stands.
        let mut open: Vec<usize> = Vec::new();
        let mut last: Option<Piece> = None;
        let mut base = 0;
        // Whether the logical line is a list of values, whose next lines are not indented.
        let mut values = false;
        for (n, line) in self.lines.iter().enumerate() {
            let first = line.pieces.first().copied();
            let closes = matches!(first.map(|p| p.tok), Some(Tok::Close(_)));
            let opened = last.is_some_and(|l| matches!(l.tok, Tok::Open(_)));
            if n > 0 {
                out.push('\n');
                if line.gap && !closes && !opened {
                    out.push('\n');
                }
            }
            let inner = open.last().map_or(0, |i| i + 1);
            let indent = match first {
                None => inner,
                Some(_) if closes => open.last().copied().unwrap_or(0),
                Some(piece) => {
                    let joined = self.continues(last, piece);
                    if !joined {
                        base = inner;
                        values = is_values(line);
                    }
                    let comma = last.is_some_and(|l| l.tok == Tok::Punct(b','));
                    if joined
                        && !(values && comma)
                        && piece.tok != Tok::Open(b'{')
                        && !self.is_word(piece, "else")
                    {
                        base + 1
                    } else {
                        inner
                    }
                }
            };
            if closes {
                base = indent;
            }
            let start = out.len();
            for _ in 0..indent {
                out.push_str("  ");
            }
            match aligned.get(n).copied().flatten() {
                Some((split, width)) => self.aligned(line, base, split, width, out),
                None => self.line(line, base, &widths, out),
            }
            if let Some((from, to)) = line.comment {
                if line.pieces.is_empty() {
                    out.push_str(self.at(from, to).trim_end());
                } else {
                    let width = out
                        .get(start..)
                        .and_then(|l| l.rsplit('\n').next())
                        .map_or(0, |l| l.chars().count());
                    for _ in width..line.column.max(width + 1) {
                        out.push(' ');
                    }
                    out.push_str(self.at(from, to).trim_end());
                }
            }
            for piece in &line.pieces {
                match piece.tok {
                    Tok::Open(_) => open.push(base),
                    Tok::Close(_) => {
                        open.pop();
                    }
                    _ => {}
                }
            }
            last = line.pieces.last().copied().or(last);
        }
    }

    fn is_word(&self, piece: Piece, word: &str) -> bool {
        piece.tok == Tok::Word && self.at(piece.start, piece.end) == word
    }

    /// Whether a line that begins with `next` goes on from the one before (outside parentheses).
    fn continues(&self, last: Option<Piece>, next: Piece) -> bool {
        let Some(last) = last else { return false };
        begins_joined(self.text, next.tok, next.start, next.end, Some(last.tok))
            || ends_open(
                self.text,
                last.tok,
                last.end.saturating_sub(operator_len(last)),
                last.end,
            )
    }

    fn line(&self, line: &Line, base: usize, widths: &[usize], out: &mut String) {
        if self.is_row(line) {
            self.row(line, widths, out);
            return;
        }
        self.pieces(&line.pieces, base, out);
    }

    fn pieces(&self, pieces: &[Piece], base: usize, out: &mut String) {
        let mut last: Option<Piece> = None;
        for piece in pieces {
            if let Some(last) = last
                && self.spaced(last, *piece)
            {
                out.push(' ');
            }
            match piece.tok {
                Tok::Block { .. } => self.block_text(*piece, base, out),
                _ => out.push_str(self.at(piece.start, piece.end)),
            }
            last = Some(*piece);
        }
    }

    /// Whether a blank stands between two neighbours.
    fn spaced(&self, a: Piece, b: Piece) -> bool {
        let touching = a.end == b.start;
        let text_a = self.at(a.start, a.end);
        let text_b = self.at(b.start, b.end);
        match (a.tok, b.tok) {
            (Tok::Open(b'{'), _) | (_, Tok::Close(b'}')) => true,
            (Tok::Open(_), _) | (_, Tok::Close(_)) => false,
            (_, Tok::Semi) => false,
            (_, Tok::Punct(b',')) => false,
            (Tok::Punct(b','), _) => true,
            (_, Tok::Open(b'(')) => !touching,
            _ if matches!(text_a, "." | "..") || matches!(text_b, "." | "..") => false,
            _ if text_b == "?" || text_b == "%" => !touching,
            _ if text_b == ":" => false,
            _ if text_a == ":" => !(touching && is_digits(text_b)),
            // Dates, times and their ranges; otherwise a minus as it was written.
            _ if text_b == "-" && touching => false,
            _ if text_a == "-" && touching => false,
            _ => true,
        }
    }

    /// Block texts move with their line; what they say stays.
    fn block_text(&self, piece: Piece, base: usize, out: &mut String) {
        let text = self.at(piece.start, piece.end);
        let lines: Vec<&str> = text.split('\n').collect();
        let count = lines.len();
        let width = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
        let closes = lines.last().is_some_and(|l| l.trim() == "\"\"\"");
        let body_end = if closes { count - 1 } else { count };
        let common = lines
            .get(1..body_end)
            .unwrap_or_default()
            .iter()
            .filter(|l| !l.trim().is_empty())
            .map(|l| width(l))
            .min()
            .unwrap_or(0);
        // As the text's meaning has it: spaces at the end of a line say nothing, other characters do.
        fn ended(line: &str) -> &str {
            line.strip_suffix('\r')
                .unwrap_or(line)
                .trim_end_matches([' ', '\t'])
        }
        for (n, line) in lines.iter().enumerate() {
            if n == 0 {
                out.push_str(if count > 1 { ended(line) } else { line });
                continue;
            }
            out.push('\n');
            let last = n + 1 == count;
            let content = if last && closes {
                line.trim()
            } else {
                line.get(common..).unwrap_or_default()
            };
            let content = if last { content } else { ended(content) };
            if !content.is_empty() {
                for _ in 0..=base {
                    out.push_str("  ");
                }
                out.push_str(content);
            }
        }
    }

    // ---- arms and bands

    /// For each line in a run of arms or bands: the piece that is aligned and the width before it.
    fn alignment(&self) -> Vec<Option<(usize, usize)>> {
        let mut out = vec![None; self.lines.len()];
        let mut run: Vec<(usize, usize, usize)> = Vec::new();
        let mut arrows = None;
        for (n, line) in self.lines.iter().enumerate() {
            let split = self.split_at(line).filter(|_| n > 0);
            let goes_on = split.is_some_and(|s| arrows == Some(s.1)) && !line.gap;
            if !goes_on {
                close_run(&mut run, &mut out);
            }
            arrows = split.map(|s| s.1);
            if let Some((at, _)) = split {
                let mut head = String::new();
                self.pieces(line.pieces.get(..at).unwrap_or_default(), 0, &mut head);
                run.push((n, at, head.chars().count()));
            }
        }
        close_run(&mut run, &mut out);
        out
    }

    /// Where the second column of an arm (`true`) or of a band of confidence begins.
    fn split_at(&self, line: &Line) -> Option<(usize, bool)> {
        let text = |p: &Piece| self.at(p.start, p.end);
        let pieces = &line.pieces;
        if pieces.iter().any(|p| {
            matches!(
                p.tok,
                Tok::Open(_) | Tok::Close(_) | Tok::Semi | Tok::Block { .. }
            )
        }) {
            return None;
        }
        let words: Vec<&str> = pieces.iter().map(text).collect();
        if let [from, "%", "..", to, "%", _, ..] = words.as_slice()
            && is_digits(from)
            && is_digits(to)
        {
            return Some((5, false));
        }
        let arrow = words.iter().position(|w| *w == "->").filter(|at| *at > 0)?;
        (words.iter().filter(|w| **w == "->").count() == 1).then_some((arrow, true))
    }

    fn aligned(&self, line: &Line, base: usize, split: usize, width: usize, out: &mut String) {
        let mut head = String::new();
        self.pieces(
            line.pieces.get(..split).unwrap_or_default(),
            base,
            &mut head,
        );
        out.push_str(&head);
        for _ in head.chars().count()..=width {
            out.push(' ');
        }
        self.pieces(line.pieces.get(split..).unwrap_or_default(), base, out);
    }

    // ---- tables

    fn is_row(&self, line: &Line) -> bool {
        line.pieces.len() > 1
            && line
                .pieces
                .first()
                .is_some_and(|p| p.tok == Tok::Punct(b'|'))
            && line
                .pieces
                .last()
                .is_some_and(|p| p.tok == Tok::Punct(b'|'))
    }

    /// The cells of a row, each as it will be printed.
    fn cells(&self, line: &Line) -> Vec<String> {
        line.pieces
            .split(|p| p.tok == Tok::Punct(b'|'))
            .skip(1)
            .map(|cell| {
                let mut text = String::new();
                self.pieces(cell, 0, &mut text);
                text
            })
            .collect()
    }

    fn column_widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = Vec::new();
        for line in self.lines.iter().filter(|l| self.is_row(l)) {
            for (n, cell) in self.cells(line).iter().enumerate() {
                let width = cell.chars().count();
                match widths.get_mut(n) {
                    Some(known) => *known = width.max(*known),
                    None => widths.push(width),
                }
            }
        }
        widths
    }

    fn row(&self, line: &Line, widths: &[usize], out: &mut String) {
        let cells = self.cells(line);
        // The split leaves an empty piece after the last bar.
        let count = cells.len().saturating_sub(1);
        out.push('|');
        for (cell, width) in cells.iter().take(count).zip(widths) {
            out.push(' ');
            out.push_str(cell);
            for _ in cell.chars().count()..*width {
                out.push(' ');
            }
            out.push_str(" |");
        }
    }
}

/// Whether a line begins with a value of a list: a text, `a, b` or `name: type`.
fn is_values(line: &Line) -> bool {
    match line.pieces.as_slice() {
        [first, ..] if matches!(first.tok, Tok::Text { .. }) => true,
        [first, second, ..] => {
            first.tok == Tok::Word && matches!(second.tok, Tok::Punct(b',' | b':'))
        }
        _ => false,
    }
}

/// Gives the lines of a run their common width.
fn close_run(run: &mut Vec<(usize, usize, usize)>, out: &mut [Option<(usize, usize)>]) {
    let width = run.iter().map(|r| r.2).max().unwrap_or(0);
    for (line, at, _) in run.drain(..) {
        if let Some(slot) = out.get_mut(line) {
            *slot = Some((at, width));
        }
    }
}

fn is_digits(text: &str) -> bool {
    text.bytes().next().is_some_and(|b| b.is_ascii_digit())
}

/// Drops the semicolons of a line that separate nothing. One after an operator, or a word like one, ends its item.
fn drop_idle(text: &str, pieces: &mut Vec<Piece>) {
    if pieces.iter().all(|p| p.tok != Tok::Semi) {
        return;
    }
    let mut kept: Vec<Piece> = Vec::with_capacity(pieces.len());
    for (n, piece) in pieces.iter().enumerate() {
        if piece.tok == Tok::Semi {
            let next = pieces.get(n + 1).map(|p| p.tok);
            let last = kept.last().copied();
            let open = last.is_some_and(|l| {
                ends_open(text, l.tok, l.end.saturating_sub(operator_len(l)), l.end)
            });
            let idle = match next {
                None => !open,
                Some(Tok::Close(_) | Tok::Semi) => true,
                _ => false,
            };
            if idle || last.is_none_or(|l| l.tok == Tok::Open(b'{')) {
                continue;
            }
        }
        kept.push(*piece);
    }
    *pieces = kept;
}

/// How many bytes of an operator decide whether its line goes on.
const fn operator_len(piece: Piece) -> usize {
    match piece.tok {
        Tok::Punct(_) => 1,
        _ => piece.end - piece.start,
    }
}

/// Adds a token, joined with the one before where they are one operator.
fn push_piece(text: &str, pieces: &mut Vec<Piece>, token: Token) {
    if let Some(last) = pieces.last_mut()
        && last.end == token.start
        && matches!((last.tok, token.tok), (Tok::Punct(_), Tok::Punct(_)))
        && text.get(last.start..token.end).is_some_and(|both| {
            matches!(both, "->" | ">=" | "<=" | "??" | "..") && last.end - last.start == 1
        })
    {
        last.end = token.end;
        last.tok = token.tok;
        return;
    }
    pieces.push(Piece {
        tok: token.tok,
        start: token.start,
        end: token.end,
    });
}
