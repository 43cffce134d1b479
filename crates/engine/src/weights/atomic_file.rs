//! A file that appears under its name only when it is complete.

use std::fs::{self, File};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::WeightsError;

static COUNTER: AtomicU64 = AtomicU64::new(0);

/// Writes beside the target under a temporary name; [`AtomicFile::commit`] syncs and renames.
/// Dropped without a commit, it removes what it wrote and leaves the target as it was.
#[derive(Debug)]
pub struct AtomicFile {
    target: PathBuf,
    temporary: PathBuf,
    writer: Option<BufWriter<File>>,
    committed: bool,
}

impl AtomicFile {
    /// Starts writing the file that will be `target`. Its folder must exist.
    ///
    /// # Errors
    /// When the folder does not exist or cannot be written.
    pub fn create(target: &Path) -> Result<Self, WeightsError> {
        let Some(name) = target.file_name() else {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "not the name of a file");
            return Err(WeightsError::io(target, source));
        };
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}-{number}.partial", std::process::id()));
        let temporary = target.with_file_name(hidden);
        let file = File::create(&temporary).map_err(|source| match target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() && !folder.exists() => {
                WeightsError::io(folder, source)
            }
            // "Does not exist" would be said of the file that is about to be made.
            _ if source.kind() == io::ErrorKind::NotFound => WeightsError::Io { path: target.into(), source },
            _ => WeightsError::io(target, source),
        })?;
        let writer = Some(BufWriter::with_capacity(1 << 20, file));
        Ok(Self { target: target.to_path_buf(), temporary, writer, committed: false })
    }

    /// The path that the file will have.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// [`WeightsError::DiskFull`] when no space is left, otherwise what the system reports.
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), WeightsError> {
        self.write_all(bytes).map_err(|error| WeightsError::io(&self.target, error))
    }

    /// Syncs the file to disk and gives it its name.
    ///
    /// # Errors
    /// As [`AtomicFile::put`]; the target is untouched then.
    pub fn commit(mut self) -> Result<(), WeightsError> {
        self.finish().map_err(|error| WeightsError::io(&self.target, error))
    }

    fn finish(&mut self) -> io::Result<()> {
        let writer = self.writer.take().ok_or_else(closed)?;
        let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&self.temporary, &self.target)?;
        self.committed = true;
        sync_folder_of(&self.target);
        Ok(())
    }
}

fn closed() -> io::Error {
    io::Error::other("the file is already closed")
}

/// A folder's entry for a renamed file is durable once the folder is synced. Not every system lets a
/// folder be opened; the rename itself has succeeded by then.
fn sync_folder_of(target: &Path) {
    let folder = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if let Ok(handle) = File::open(folder) {
        let _ = handle.sync_all();
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.as_mut().ok_or_else(closed)?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.as_mut().ok_or_else(closed)?.flush()
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.writer.as_mut().ok_or_else(closed)?.seek(position)
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if !self.committed {
            self.writer = None;
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Where the bytes of one tensor go, part by part.
#[derive(Debug)]
pub struct TensorSink<'a> {
    file: &'a mut AtomicFile,
    size: usize,
}

impl<'a> TensorSink<'a> {
    /// Has `fill` put a tensor into `file`; returns how many bytes it put.
    pub(super) fn fill<E>(
        file: &'a mut AtomicFile,
        fill: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<usize, E> {
        let mut sink = Self { file, size: 0 };
        fill(&mut sink)?;
        Ok(sink.size)
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// As [`AtomicFile::put`].
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), WeightsError> {
        self.size += bytes.len();
        self.file.put(bytes)
    }
}

/// Writes a small file whole: temporary name, sync, rename.
///
/// # Errors
/// As [`AtomicFile::create`] and [`AtomicFile::put`].
pub fn write_file_atomically(path: &Path, bytes: &[u8]) -> Result<(), WeightsError> {
    let mut file = AtomicFile::create(path)?;
    file.put(bytes)?;
    file.commit()
}
