//! What differs between two texts, line by line, and the longest common part of two lists.

/// How many lines of a change are kept, removed and added each.
const LINES: usize = 12;

/// The lines that only one of two texts has, without comments and indentation.
pub(super) fn lines(old: &str, new: &str) -> (Vec<String>, Vec<String>) {
    apart(&plain(old), &plain(new))
}

/// The lines that only one of two texts has, as they are.
pub(super) fn verbatim(old: &str, new: &str) -> (Vec<String>, Vec<String>) {
    let all = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    apart(&all(old), &all(new))
}

fn apart(old: &[String], new: &[String]) -> (Vec<String>, Vec<String>) {
    let kept = common(old, new);
    let only = |all: &[String]| {
        let mut kept = kept.iter().peekable();
        let mut out: Vec<String> = Vec::new();
        for line in all {
            if kept.peek() == Some(&line) {
                kept.next();
            } else if out.len() < LINES {
                out.push(line.clone());
            }
        }
        out
    };
    (only(old), only(new))
}

/// A hook's script without its comments, blank lines and the blanks at the ends of lines. What stands in quotes is no comment.
pub(super) fn code(script: &str) -> String {
    let mut out = String::with_capacity(script.len());
    let mut quote = None;
    let mut depth = 0_u32;
    let mut chars = script.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        match (quote, c, next) {
            (None, '/', Some('*')) => {
                chars.next();
                depth += 1;
                // Comments nest, as in Rhai.
                let mut last = ' ';
                while depth > 0 {
                    let Some(c) = chars.next() else { break };
                    match (last, c) {
                        ('/', '*') => (depth, last) = (depth + 1, ' '),
                        ('*', '/') => (depth, last) = (depth - 1, ' '),
                        _ => last = c,
                    }
                }
                out.push(' ');
            }
            (None, '/', Some('/')) => {
                while chars.peek().is_some_and(|c| *c != '\n') {
                    chars.next();
                }
            }
            (None, '"' | '\'' | '`', _) => {
                quote = Some(c);
                out.push(c);
            }
            (Some('"' | '\''), '\\', Some(escaped)) => {
                out.push(c);
                out.push(escaped);
                chars.next();
            }
            (Some(q), _, _) => {
                if c == q {
                    quote = None;
                }
                out.push(c);
            }
            (None, ..) => out.push(c),
        }
    }
    let lines = out.lines().map(str::trim_end).filter(|l| !l.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

fn plain(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for line in text.lines() {
        let mut quoted = false;
        let mut end = line.len();
        for (i, c) in line.char_indices() {
            match c {
                '"' => quoted = !quoted,
                '/' if !quoted && line.get(i..).is_some_and(|r| r.starts_with("//")) => {
                    end = i;
                    break;
                }
                _ => {}
            }
        }
        let words: Vec<&str> = line.get(..end).unwrap_or(line).split_whitespace().collect();
        if !words.is_empty() {
            out.push(words.join(" "));
        }
    }
    out
}

/// A longest common subsequence; of very long lists only what is alike at both ends.
pub(super) fn common<T: PartialEq + Clone>(a: &[T], b: &[T]) -> Vec<T> {
    let start = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (ra, rb) = (
        a.get(start..).unwrap_or_default(),
        b.get(start..).unwrap_or_default(),
    );
    let end = ra
        .iter()
        .rev()
        .zip(rb.iter().rev())
        .take_while(|(x, y)| x == y)
        .count();
    let (ma, mb) = (
        ra.get(..ra.len() - end).unwrap_or_default(),
        rb.get(..rb.len() - end).unwrap_or_default(),
    );
    let mut out: Vec<T> = a.get(..start).unwrap_or_default().to_vec();
    if ma.len().saturating_mul(mb.len()) <= 4_000_000 {
        let width = mb.len() + 1;
        let mut longest = vec![0u32; (ma.len() + 1) * width];
        let at =
            |longest: &[u32], i: usize, j: usize| longest.get(i * width + j).copied().unwrap_or(0);
        for (i, x) in ma.iter().enumerate().rev() {
            for (j, y) in mb.iter().enumerate().rev() {
                let value = if x == y {
                    at(&longest, i + 1, j + 1) + 1
                } else {
                    at(&longest, i + 1, j).max(at(&longest, i, j + 1))
                };
                if let Some(slot) = longest.get_mut(i * width + j) {
                    *slot = value;
                }
            }
        }
        let (mut i, mut j) = (0, 0);
        while let (Some(x), Some(y)) = (ma.get(i), mb.get(j)) {
            if x == y {
                out.push(x.clone());
                (i, j) = (i + 1, j + 1);
            } else if at(&longest, i + 1, j) >= at(&longest, i, j + 1) {
                i += 1;
            } else {
                j += 1;
            }
        }
    }
    out.extend(a.get(a.len() - end..).unwrap_or_default().iter().cloned());
    out
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn a_script_without_its_comments() {
        let script = "// what\nfn f(x) { // why\n\n    x /* a /* nested */ one */ + 1   \n}\n";
        assert_eq!(code(script), "fn f(x) {\n    x   + 1\n}");
        for quoted in [
            "let a = \"http://x\";",
            "let a = '\"'; let b = \"http://x\";",
            "let a = `a \" // b\nc`;",
            "let a = \"\\\" // b\";",
        ] {
            assert_eq!(code(quoted), quoted);
        }
        assert_eq!(code("/* open"), "");
    }
}
