//! Formats standard input.
use std::io::Read as _;

fn main() -> std::io::Result<()> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    print!("{}", flow_grammar::format(&text));
    Ok(())
}
