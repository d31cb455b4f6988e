//! Prints the findings and, with `--tree`, the tree of a flow file.
use std::io::Read as _;

fn main() -> std::io::Result<()> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let tree = std::env::args().any(|a| a == "--tree");
    for placed in flow_grammar::parse_uncached(&text).decls {
        if tree {
            println!("{:#?}", placed.tree.decl);
        }
        for found in &placed.tree.diagnostics {
            let at = found
                .labels
                .first()
                .map(|l| l.at.shifted(placed.offset))
                .unwrap_or_default();
            let line = text
                .get(..at.start as usize)
                .map_or(0, |t| t.matches('\n').count())
                + 1;
            let here = text
                .get(at.start as usize..at.end as usize)
                .unwrap_or_default();
            println!(
                "{line}: {} [{here}]\n   help: {}",
                found.message,
                found.help.as_deref().unwrap_or_default()
            );
        }
    }
    Ok(())
}
