//! Paths in the project, `/`-separated.

use smol_str::SmolStr;

/// The folder of a path.
pub(crate) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// `path` seen from `folder`, without `.` and `..`; `None` if it leaves the project.
pub(crate) fn join(folder: &str, path: &str) -> Option<SmolStr> {
    if path.starts_with('/') || path.starts_with('\\') || path.contains(':') {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|p| !p.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            other => parts.push(other),
        }
    }
    Some(SmolStr::new(parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::join;

    #[test]
    fn paths_stay_inside() {
        assert_eq!(
            join("bots/shop", "../common").as_deref(),
            Some("bots/common")
        );
        assert_eq!(join("", "./kb/*.md").as_deref(), Some("kb/*.md"));
        assert_eq!(join("shop", "../../x"), None);
        assert_eq!(join("", "/etc/passwd"), None);
    }
}
