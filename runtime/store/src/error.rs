//! What can go wrong in a store.

/// A failure. None of them leaves half a turn behind.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// More waits to be written than is bearable; try again in a moment.
    #[error("the store is busy")]
    Busy,
    /// The disk is full, or the database cannot be written for now.
    #[error("the store cannot write: {0}")]
    Unavailable(String),
    /// The file is no database, or is damaged.
    #[error("the database is damaged: {0}; restore a backup with `flowd restore`")]
    Corrupt(String),
    /// It was written by a newer version of this program.
    #[error(
        "the database has schema {found}, this program knows {known}; use the version that wrote it, or a newer one"
    )]
    TooNew {
        /// Its schema.
        found: i64,
        /// The newest schema known here.
        known: i64,
    },
    /// Another process has the database.
    #[error("another process uses the data folder `{0}`; stop it, or name another with --data")]
    Locked(String),
    /// Anything else.
    #[error("the store failed: {0}")]
    Other(String),
}

impl StoreError {
    /// Whether the same request can succeed later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Busy | Self::Unavailable(_))
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        match error.sqlite_error_code() {
            Some(
                Code::DiskFull
                | Code::SystemIoFailure
                | Code::ReadOnly
                | Code::CannotOpen
                | Code::OutOfMemory,
            ) => Self::Unavailable(error.to_string()),
            Some(Code::DatabaseCorrupt | Code::NotADatabase) => Self::Corrupt(error.to_string()),
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => Self::Busy,
            _ => Self::Other(error.to_string()),
        }
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Corrupt(error.to_string())
    }
}
