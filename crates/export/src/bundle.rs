//! A run's files in one zip archive.
//!
//! The same files give the same bytes: names sorted, times fixed. Weights are stored as they are (they do not
//! compress), everything else is deflated.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use engine::weights::AtomicFile;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::source::{create_parent, file_size};
use crate::{Control, ExportError};

/// Something that goes into the archive.
#[derive(Debug, Clone)]
pub struct Entry {
    /// A file, or a folder whose files all go in.
    pub source: PathBuf,
    /// Its name in the archive (`peft`, `model-q8_0.gguf`, …).
    pub name: String,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Bundled {
    pub path: PathBuf,
    pub bytes: u64,
    /// Names in the archive, sorted.
    pub files: Vec<String>,
}

/// Writes the archive `out` (temporary name, sync, rename), a buffer of one MiB at a time.
///
/// # Errors
/// A source is missing, two have the same name, the caller cancelled, or what the disk reports.
pub fn write_bundle(out: &Path, entries: &[Entry], control: &Control) -> Result<Bundled, ExportError> {
    let mut files = BTreeMap::new();
    for entry in entries {
        collect(&entry.source, entry.name.clone(), &mut files)?;
    }
    create_parent(out)?;
    let archive_error = |source| ExportError::Archive { path: out.to_path_buf(), source };
    let mut archive = ZipWriter::new(AtomicFile::create(out)?);
    for (done, (name, source)) in files.iter().enumerate() {
        control.step(done, files.len())?;
        let size = file_size(source)?;
        archive.start_file(name.as_str(), options(name, size)).map_err(archive_error)?;
        copy(source, out, &mut archive, control)?;
    }
    archive.finish().map_err(archive_error)?.commit()?;
    control.step(files.len(), files.len())?;
    Ok(Bundled { path: out.to_path_buf(), bytes: file_size(out)?, files: files.into_keys().collect() })
}

fn options(name: &str, size: u64) -> SimpleFileOptions {
    let weights = [".safetensors", ".gguf"].iter().any(|extension| name.ends_with(extension));
    let method = if weights { CompressionMethod::Stored } else { CompressionMethod::Deflated };
    SimpleFileOptions::default()
        .compression_method(method)
        .last_modified_time(zip::DateTime::default())
        .unix_permissions(0o644)
        .large_file(size >= u64::from(u32::MAX))
}

fn collect(source: &Path, name: String, files: &mut BTreeMap<String, PathBuf>) -> Result<(), ExportError> {
    let kind = fs::symlink_metadata(source).map_err(|error| ExportError::io(source, error))?;
    if kind.is_dir() {
        for entry in fs::read_dir(source).map_err(|error| ExportError::io(source, error))? {
            let entry = entry.map_err(|error| ExportError::io(source, error))?;
            let Some(file) = entry.file_name().to_str().map(str::to_string) else {
                return Err(ExportError::Request(format!(
                    "{}: its name is not UTF-8",
                    entry.path().display()
                )));
            };
            collect(&entry.path(), format!("{name}/{file}"), files)?;
        }
        return Ok(());
    }
    if !kind.is_file() {
        return Err(ExportError::Request(format!("{} is no plain file", source.display())));
    }
    match files.insert(name, source.to_path_buf()) {
        None => Ok(()),
        Some(other) => {
            let message =
                format!("{} and {} have the same name in the archive", other.display(), source.display());
            Err(ExportError::Request(message))
        }
    }
}

fn copy(
    source: &Path,
    out: &Path,
    archive: &mut ZipWriter<AtomicFile>,
    control: &Control,
) -> Result<(), ExportError> {
    let mut file = File::open(source).map_err(|error| ExportError::io(source, error))?;
    let mut buffer = vec![0u8; 1 << 20];
    loop {
        control.check()?;
        match file.read(&mut buffer).map_err(|error| ExportError::io(source, error))? {
            0 => return Ok(()),
            count => archive.write_all(&buffer[..count]).map_err(|error| ExportError::io(out, error))?,
        }
    }
}
