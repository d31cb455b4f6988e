//! Folders and files that only the daemon's own user reads: they hold what customers said, and hashes of passwords.

use crate::StoreError;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

#[cfg(unix)]
fn only_ours(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600)
}

#[cfg(not(unix))]
fn only_ours(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Makes the data folder, if it is not there. One that is there keeps its rights: they are somebody's decision.
///
/// # Errors
/// If it cannot be made.
pub fn data_folder(folder: &Path) -> Result<(), StoreError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder).map_err(|e| {
        StoreError::Unavailable(format!(
            "the data folder `{}`: {e}; name another with --data",
            folder.display()
        ))
    })
}

/// Makes an empty file; one that is there stays as it is.
pub(crate) fn make(path: &Path) -> io::Result<()> {
    match only_ours(OpenOptions::new().write(true).create_new(true)).open(path) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e),
        _ => Ok(()),
    }
}

/// Makes a file that must not be there yet.
pub(crate) fn make_new(path: &Path) -> io::Result<File> {
    only_ours(OpenOptions::new().write(true).create_new(true)).open(path)
}

/// A file to add lines to.
pub(crate) fn append(path: &Path) -> io::Result<File> {
    only_ours(OpenOptions::new().create(true).append(true)).open(path)
}
