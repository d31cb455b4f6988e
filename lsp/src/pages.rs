//! The pages on findings, as files that an editor can open: a finding's code links to its page.

use crate::uri;
use flow_compiler::checks::explain::{CODES, explain};
use gen_lsp_types::Uri;
use rustc_hash::FxHashMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Where the page of a code can be opened. `None` where nothing can be written.
pub(crate) fn page(code: &str) -> Option<Uri> {
    static PAGES: OnceLock<FxHashMap<&'static str, Uri>> = OnceLock::new();
    PAGES
        .get_or_init(|| {
            cache()
                .and_then(|folder| write(&folder).ok())
                .unwrap_or_default()
        })
        .get(code)
        .cloned()
}

/// The user's own folder for what can be made again.
fn cache() -> Option<PathBuf> {
    let of = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|p| p.is_absolute())
    };
    let base = of("XDG_CACHE_HOME")
        .or_else(|| of("LOCALAPPDATA"))
        .or_else(|| Some(of("HOME")?.join(".cache")))?;
    Some(
        base.join("flow")
            .join(concat!("findings-", env!("CARGO_PKG_VERSION"))),
    )
}

fn write(folder: &Path) -> std::io::Result<FxHashMap<&'static str, Uri>> {
    std::fs::create_dir_all(folder)?;
    let mut out = FxHashMap::default();
    for code in CODES {
        let page = explain(code.code).unwrap_or_default();
        let path = folder.join(format!("{}.md", code.code));
        if std::fs::read_to_string(&path).ok().as_deref() != Some(page) {
            // Renamed into place, so that another server or an editor never reads half of it.
            let new = folder.join(format!("{}.{}.tmp", code.code, std::process::id()));
            std::fs::write(&new, page)?;
            std::fs::rename(&new, &path)?;
        }
        out.insert(code.code, uri::from_path(&path));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn every_code_has_its_page_in_a_file() {
        let folder = std::env::temp_dir().join(format!("flow-pages-{}", std::process::id()));
        let pages = write(&folder).unwrap();
        for code in CODES {
            let path = uri::to_path(pages.get(code.code).unwrap()).unwrap();
            let text = std::fs::read_to_string(path).unwrap();
            assert_eq!(Some(text.as_str()), explain(code.code));
        }
        // What somebody changed, or an earlier build of this version, is put right.
        std::fs::write(folder.join("F0701.md"), "old").unwrap();
        write(&folder).unwrap();
        let text = std::fs::read_to_string(folder.join("F0701.md")).unwrap();
        assert_eq!(Some(text.as_str()), explain("F0701"));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
