//! One file on its way into the cache: written behind what an earlier attempt left, checked, renamed to its hash.
//!
//! While it is written it is locked with the lock of `huggingface_hub`, so that two programs do not download the same.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::HubError;
use crate::library::hexadecimal;

/// What the bytes of a file must be; also its name in the cache.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BlobHash {
    /// Of a file in large file storage: SHA-256 in hexadecimal.
    Sha256(String),
    /// Of another one: the id that git gives it.
    GitSha1(String),
}

fn is_hexadecimal(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl BlobHash {
    /// 64 lower-case hexadecimal digits.
    pub fn sha256(text: &str) -> Option<Self> {
        is_hexadecimal(text, 64).then(|| Self::Sha256(text.to_owned()))
    }

    /// 40 lower-case hexadecimal digits.
    pub fn git_sha1(text: &str) -> Option<Self> {
        is_hexadecimal(text, 40).then(|| Self::GitSha1(text.to_owned()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Sha256(text) | Self::GitSha1(text) => text,
        }
    }

    fn hasher(&self, size_bytes: u64) -> Hasher {
        match self {
            Self::Sha256(_) => Hasher::Sha256(Sha256::new()),
            // https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
            Self::GitSha1(_) => {
                let mut hasher = Sha1::default();
                sha1::Digest::update(&mut hasher, format!("blob {size_bytes}\0"));
                Hasher::GitSha1(hasher)
            }
        }
    }
}

enum Hasher {
    Sha256(Sha256),
    GitSha1(Sha1),
}

impl Hasher {
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::GitSha1(hasher) => sha1::Digest::update(hasher, bytes),
        }
    }

    fn finish(self) -> String {
        match self {
            Self::Sha256(hasher) => hexadecimal(&hasher.finalize()),
            Self::GitSha1(hasher) => hexadecimal(&sha1::Digest::finalize(hasher)),
        }
    }
}

/// The lock of one file; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// The lock, unless another program has it.
    pub fn try_take(path: &Path) -> Result<Option<Self>, HubError> {
        let storage = |error: &std::io::Error| HubError::storage(path, error);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| storage(&error))?;
        }
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
        let file = file.map_err(|error| storage(&error))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(storage(&error)),
        }
    }
}

/// A file that is being written.
pub(super) struct Partial {
    path: PathBuf,
    file: File,
    hash: BlobHash,
    hasher: Hasher,
    size_bytes: u64,
    written: u64,
    /// Some of it was there before this program began.
    resumed: bool,
    _lock: Lock,
}

/// How a file ended.
pub(super) enum Finished {
    /// It is in its place.
    Whole,
    /// Its hash is another one, which is named; it was removed.
    Wrong(String),
}

impl Partial {
    /// Goes on behind what is there. Reads that once, for the hash.
    pub fn open(path: PathBuf, hash: BlobHash, size_bytes: u64, lock: Lock) -> Result<Self, HubError> {
        let storage = |error: std::io::Error| HubError::storage(&path, &error);
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        // What lies there must be a file of ours, not a link to another place.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW);
        let mut file = options.open(&path).map_err(storage)?;
        let mut hasher = hash.hasher(size_bytes);
        let mut written = 0;
        if file.metadata().map_err(storage)?.len() > size_bytes {
            file.set_len(0).map_err(storage)?;
        }
        let mut buffer = vec![0; 1 << 20];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    hasher.update(&buffer[..count]);
                    written += count as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(storage(error)),
            }
        }
        Ok(Self { resumed: written > 0, path, file, hash, hasher, size_bytes, written, _lock: lock })
    }

    /// Bytes that are there.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Bytes that are to come.
    pub fn missing(&self) -> u64 {
        self.size_bytes - self.written
    }

    /// Whether the beginning is from another run of the program.
    pub fn was_resumed(&self) -> bool {
        self.resumed
    }

    /// Throws away what is there.
    pub fn restart(&mut self) -> Result<(), HubError> {
        let emptied = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map_err(|error| HubError::storage(&self.path, &error))?;
        (self.written, self.resumed) = (0, false);
        self.hasher = self.hash.hasher(self.size_bytes);
        Ok(())
    }

    /// Writes more; the caller sees to it that it is not too much.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), HubError> {
        self.file.write_all(bytes).map_err(|error| HubError::storage(&self.path, &error))?;
        self.hasher.update(bytes);
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Checks the hash of the whole, and puts it where it belongs.
    pub fn finish(self, place: &Path) -> Result<Finished, HubError> {
        let storage = |error: std::io::Error| HubError::storage(&self.path, &error);
        let found = self.hasher.finish();
        if found != self.hash.as_str() {
            std::fs::remove_file(&self.path).map_err(storage)?;
            return Ok(Finished::Wrong(found));
        }
        self.file.sync_all().map_err(storage)?;
        std::fs::rename(&self.path, place).map_err(storage)?;
        sync_folder(place);
        Ok(Finished::Whole)
    }
}

/// Makes a rename last; where a folder cannot be opened, the system does so by itself.
fn sync_folder(file: &Path) {
    if let Some(folder) = file.parent().and_then(|folder| File::open(folder).ok()) {
        // What can be lost here is downloaded again.
        let _ = folder.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashed(hash: &BlobHash, bytes: &[u8]) -> String {
        let mut hasher = hash.hasher(bytes.len() as u64);
        hasher.update(bytes);
        hasher.finish()
    }

    #[test]
    fn hashes_are_those_of_git_and_of_large_file_storage() {
        // `printf 'hello\n' | git hash-object --stdin` and `sha256sum`.
        let git = BlobHash::git_sha1(&"0".repeat(40)).unwrap();
        assert_eq!(hashed(&git, b"hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a");
        let lfs = BlobHash::sha256(&"0".repeat(64)).unwrap();
        assert_eq!(
            hashed(&lfs, b"hello\n"),
            "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
        );
        for wrong in ["", "../../etc/passwd", &"A".repeat(64), &"g".repeat(40)] {
            assert!(BlobHash::sha256(wrong).is_none() && BlobHash::git_sha1(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_file_grows_over_several_attempts_and_is_checked() {
        let folder = tempfile::tempdir().unwrap();
        let hash = BlobHash::git_sha1("ce013625030ba8dba906f756967f9e9ca394464a").unwrap();
        let (path, place, lock) =
            (folder.path().join("x.incomplete"), folder.path().join("x"), folder.path().join("locks/x.lock"));
        let open = || {
            let lock = Lock::try_take(&lock).unwrap().expect("nobody has it");
            Partial::open(path.clone(), hash.clone(), 6, lock).unwrap()
        };
        let mut partial = open();
        assert!(Lock::try_take(&lock).unwrap().is_none(), "it is locked");
        partial.append(b"hel").unwrap();
        drop(partial);
        let mut partial = open();
        assert_eq!((partial.written(), partial.missing(), partial.was_resumed()), (3, 3, true));
        partial.append(b"lo!").unwrap();
        assert!(matches!(partial.finish(&place).unwrap(), Finished::Wrong(_)));
        assert!(!path.exists() && !place.exists(), "nothing wrong stays");
        let mut partial = open();
        partial.append(b"nonsense".get(..6).unwrap()).unwrap();
        partial.restart().unwrap();
        partial.append(b"hello\n").unwrap();
        assert!(matches!(partial.finish(&place).unwrap(), Finished::Whole));
        assert_eq!(std::fs::read(place).unwrap(), b"hello\n");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let (target, path) = (folder.path().join("precious"), folder.path().join("x.incomplete"));
        std::fs::write(&target, "text").unwrap();
        std::os::unix::fs::symlink(&target, &path).unwrap();
        let lock = Lock::try_take(&folder.path().join("lock")).unwrap().unwrap();
        let hash = BlobHash::git_sha1(&"0".repeat(40)).unwrap();
        assert!(Partial::open(path, hash, 1, lock).is_err());
        assert_eq!(std::fs::read_to_string(target).unwrap(), "text");
    }
}
