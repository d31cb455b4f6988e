//! What is common to all output: colour, and problems in one line.

use crate::args::Colour;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicU8, Ordering};

static COLOUR: AtomicU8 = AtomicU8::new(0);

/// Remembers what the command line says of colour.
pub(crate) fn set_colour(choice: Colour) {
    let value = match choice {
        Colour::Auto => 0,
        Colour::Always => 1,
        Colour::Never => 2,
    };
    COLOUR.store(value, Ordering::Relaxed);
}

/// Whether to colour standard output. `NO_COLOR` is honoured.
pub(crate) fn colour() -> bool {
    match COLOUR.load(Ordering::Relaxed) {
        1 => true,
        2 => false,
        _ => {
            std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
                && std::io::stdout().is_terminal()
        }
    }
}

/// A problem with the command itself.
pub(crate) fn problem(error: &anyhow::Error) {
    let mut text = error.to_string();
    for cause in error.chain().skip(1) {
        text.push_str(&format!(": {cause}"));
    }
    complain!("flowc: {text}");
}

/// `text` in a style, if there is colour.
pub(crate) fn paint(text: &str, style: owo_colors::Style) -> String {
    if colour() {
        style.style(text).to_string()
    } else {
        text.to_owned()
    }
}

/// `1 error`, `2 errors`.
pub(crate) fn count(n: usize, word: &str) -> String {
    if n == 1 {
        format!("1 {word}")
    } else {
        format!("{n} {word}s")
    }
}

/// Prints a line to standard output, like [`print`].
pub(crate) fn print_line(text: &str) {
    print(&format!("{text}\n"));
}

/// Prints to standard error. That nobody listens there is no reason to stop.
pub(crate) fn print_error(text: &str) {
    use std::io::Write;
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Prints a line to standard output, formatted, like [`print`].
macro_rules! say {
    ($($words:tt)*) => {
        $crate::output::print_line(&format!($($words)*))
    };
}

/// Prints a line to standard error, formatted, like [`print_error`].
macro_rules! complain {
    ($($words:tt)*) => {
        $crate::output::print_error(&format!("{}\n", format_args!($($words)*)))
    };
}

pub(crate) use {complain, say};

/// Prints to standard output. A closed pipe ends the program quietly; what else cannot be written, on a full disk for instance, is
/// said, and the program ends with 2: half a report is none.
pub(crate) fn print(text: &str) {
    use std::io::Write;
    let written = std::io::stdout()
        .write_all(text.as_bytes())
        .and_then(|()| std::io::stdout().flush());
    match written {
        Ok(()) => {}
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(e) => {
            complain!("flowc: standard output cannot be written: {e}");
            std::process::exit(2);
        }
    }
}
