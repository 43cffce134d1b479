//! The data folder: where things are in it, and the lock that lets one process at a time work on it.
//!
//! The lock is the operating system's, on an open file: it goes with its process, however that ends, so a lock file left
//! behind by a killed process stops nobody. What the file says (process id, address) is only for the message to the second.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::database::Database;
use crate::error::{Result, StoreError};

const LOCK_FILE: &str = "finetuneflow.lock";

/// A data folder that this process has for itself until it drops this.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    lock: File,
}

/// Who works on a data folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Process id.
    pub pid: u32,
    /// Where it answers, once it does.
    pub address: Option<String>,
}

impl DataFolder {
    /// Creates the folder if need be and locks it. Refused if it cannot be written or if another process has it.
    pub fn open(path: &Path) -> Result<Self> {
        let failed = |reason: std::io::Error| StoreError::DataFolder {
            path: path.to_owned(),
            reason: reason.to_string(),
        };
        std::fs::create_dir_all(path).map_err(failed)?;
        let path = std::path::absolute(path).map_err(failed)?;
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).to_owned();
        let mut lock = options.open(path.join(LOCK_FILE)).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::DataFolderInUse { path, owner: describe(&mut lock) });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let mut folder = Self { path, lock };
        folder.announce(None)?;
        Ok(folder)
    }

    /// Writes into the lock file where this process answers, for the message to whoever wants the folder too.
    pub fn announce(&mut self, address: Option<&str>) -> Result<()> {
        let owner = Owner { pid: std::process::id(), address: address.map(str::to_owned) };
        let failed = |reason: String| StoreError::DataFolder { path: self.path.clone(), reason };
        let text = serde_json::to_vec(&owner).map_err(|error| failed(error.to_string()))?;
        let written = self.lock.set_len(0).and_then(|()| {
            self.lock.seek(SeekFrom::Start(0))?;
            self.lock.write_all(&text)?;
            self.lock.sync_data()
        });
        written.map_err(|error| failed(error.to_string()))
    }

    /// Who the lock file names, locked or not.
    pub fn owner(path: &Path) -> Option<Owner> {
        serde_json::from_slice(&std::fs::read(path.join(LOCK_FILE)).ok()?).ok()
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The SQLite file.
    pub fn database_path(&self) -> PathBuf {
        self.path.join("finetuneflow.sqlite")
    }

    /// The SQLite file, as [`Database::open`] takes it.
    pub fn database_url(&self) -> String {
        Database::sqlite_url(&self.database_path())
    }

    /// Copies of the database from before its schema was changed.
    pub fn backups(&self) -> PathBuf {
        self.path.join("backups")
    }

    /// The root of the blob store: one folder a project.
    pub fn files(&self) -> PathBuf {
        self.path.join("files")
    }
}

fn describe(lock: &mut File) -> String {
    let mut text = String::new();
    // Where locks keep others from reading, the message does without.
    let owner = lock.read_to_string(&mut text).ok().and_then(|_| serde_json::from_str::<Owner>(&text).ok());
    match owner {
        Some(Owner { pid, address: Some(address) }) => format!("process {pid}, {address}"),
        Some(Owner { pid, address: None }) => format!("process {pid}, still starting or without an address"),
        None => "another process, which did not write its number".to_owned(),
    }
}
