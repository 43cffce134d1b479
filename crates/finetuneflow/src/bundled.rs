//! What the binary carries for the first run: the base model and the sample handbook.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use engine::weights::write_file_atomically;
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../../base-model/model"]
struct BaseModel;

#[derive(RustEmbed)]
#[folder = "../../samples/handbook-1"]
struct SampleHandbook;

/// Writes the bundled model into `folder`, a Hugging Face folder, unless it is there already.
///
/// # Errors
/// What the disk reports.
pub fn unpack_base_model(folder: &Path) -> anyhow::Result<()> {
    for name in BaseModel::iter() {
        let file = BaseModel::get(&name).context("an embedded file is there")?;
        let path = folder.join(&*name);
        if fs::read(&path).is_ok_and(|found| found == *file.data) {
            continue;
        }
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        write_file_atomically(&path, &file.data)?;
    }
    Ok(())
}

/// Writes the sample handbook into `folder`; returns its PDF and its questions.
///
/// # Errors
/// What the disk reports.
pub fn unpack_sample_handbook(folder: &Path) -> anyhow::Result<(PathBuf, PathBuf)> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for name in SampleHandbook::iter() {
        let file = SampleHandbook::get(&name).context("an embedded file is there")?;
        write_file_atomically(&folder.join(&*name), &file.data)?;
    }
    Ok((folder.join("handbook.pdf"), folder.join("questions.jsonl")))
}
