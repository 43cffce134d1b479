//! What can go wrong while storing: what happened, to which thing, and what to do.

use std::path::PathBuf;

use sea_orm::{DbErr, SqlErr};
use uuid::Uuid;

/// The result of every store operation.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// Why a store operation failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No row with that id (or not in that project).
    #[error("{what} {id} does not exist")]
    NotFound {
        /// The kind of thing, in the singular: `project`, `file`, `run`, …
        what: &'static str,
        /// Its id or key.
        id: String,
    },
    /// The operation contradicts what is stored: a duplicate, a missing parent, a finished job.
    #[error("{what}: {reason}")]
    Conflict {
        /// The kind of thing.
        what: &'static str,
        /// What it collides with.
        reason: String,
    },
    /// A worker reports on a job whose lease it has lost: another worker may run it already.
    #[error("worker {worker} no longer holds job {job_id}: its lease ran out or the job was ended")]
    LeaseLost {
        /// The job.
        job_id: Uuid,
        /// Who thought to hold it.
        worker: String,
    },
    /// A stored value is not one of ours, e.g. a status written by another version.
    #[error("the database holds {what} `{value}`, which this version does not know; update FineTuneFlow")]
    UnknownValue {
        /// Which column.
        what: &'static str,
        /// The value found.
        value: String,
    },
    /// The database was written by a newer version of the program. It has not been touched.
    #[error(
        "the database {database} has the schema change `{migration}`, which this version (schema {known}) does not \
         know; it was left untouched. Start the newer FineTuneFlow that wrote it, or choose another data folder"
    )]
    NewerSchema {
        /// File or server.
        database: String,
        /// The first unknown migration.
        migration: String,
        /// The newest schema version that this program knows.
        known: u32,
    },
    /// The URL names neither SQLite nor PostgreSQL.
    #[error("`{0}` is not a database address; use sqlite:///path/to/file or postgres://user@host/name")]
    DatabaseUrl(String),
    /// The copy that is made before a schema change could not be written; nothing was changed.
    #[error("the backup {path} could not be written, so the database was not changed: {reason}")]
    Backup {
        /// Where the copy should have gone.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The database itself reports an error.
    #[error("database: {0}")]
    Database(#[source] DbErr),
    /// A blob key with anything but `[A-Za-z0-9._-]` between slashes.
    #[error("`{0}` is not a storage key: use {{project_id}}/raw|chunks|datasets|artifacts|logs|exports/name")]
    BlobKey(String),
    /// More bytes arrived than allowed. Nothing was kept.
    #[error("the content is larger than the limit of {limit_bytes} bytes")]
    TooLarge {
        /// The limit.
        limit_bytes: u64,
    },
    /// The bytes to store could not be read to their end. Nothing was kept.
    #[error("the content could not be read to its end: {0}")]
    Content(String),
    /// Reading or writing files failed.
    #[error("storage of `{key}`: {reason}")]
    Storage {
        /// The blob's key.
        key: String,
        /// The backend's words: permission, disk full, ….
        reason: String,
    },
    /// Another process works on this data folder.
    #[error(
        "the data folder {path} is in use by another FineTuneFlow ({owner}); use that one, stop it, or choose another \
         folder with --data-dir"
    )]
    DataFolderInUse {
        /// The folder.
        path: PathBuf,
        /// Process id and address, as far as the other process wrote them.
        owner: String,
    },
    /// The data folder cannot be created or written.
    #[error(
        "the data folder {path} cannot be used: {reason}; choose a writable folder with --data-dir or FTF_DATA_DIR"
    )]
    DataFolder {
        /// The folder.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
}

impl StoreError {
    pub(crate) fn not_found(what: &'static str, id: impl ToString) -> Self {
        Self::NotFound { what, id: id.to_string() }
    }

    pub(crate) fn conflict(what: &'static str, reason: impl Into<String>) -> Self {
        Self::Conflict { what, reason: reason.into() }
    }

    /// True for [`StoreError::NotFound`].
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(reason)) => {
                Self::Conflict { what: "already stored", reason }
            }
            Some(SqlErr::ForeignKeyConstraintViolation(_)) => Self::Conflict {
                what: "not stored",
                reason: "it refers to something that does not exist (any more)".to_owned(),
            },
            _ => Self::Database(error),
        }
    }
}
