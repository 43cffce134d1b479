//! The zip with everything of a run: the exported formats, its figures and its settings.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Value, json};
use store::run_events::{self, EventFilter};
use store::runs::Run;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::super::{JobError, Work};
use super::Written;

/// Writes `finetuneflow-export.zip` into the scratch folder.
pub(super) async fn write(
    work: &Work,
    run: &Run,
    parts: &[Written],
    scratch: &Path,
) -> Result<PathBuf, JobError> {
    let metrics = serde_json::to_vec_pretty(&metrics(work, run).await?)?;
    let settings = serde_json::to_vec_pretty(&json!({
        "run_id": run.id,
        "settings": run.config,
        "dataset_version_id": run.dataset_version_id,
    }))?;
    let texts = vec![("metrics.json", metrics), ("training_config.json", settings)];
    let sources: Vec<_> = parts
        .iter()
        .map(|part| {
            let name = part.path.file_name().and_then(|name| name.to_str()).unwrap_or("export").to_owned();
            (part.path.clone(), Some(name))
        })
        .collect();
    let target = scratch.join("finetuneflow-export.zip");
    let path = target.clone();
    work.blocking(move || zip(&sources, &texts, &path)).await?;
    Ok(target)
}

/// Every step's figures, each step once (a resumed run repeats some), the summary, and the comparison if there is one.
async fn metrics(work: &Work, run: &Run) -> Result<Value, JobError> {
    let kinds = ["step", "completed", "comparison"].map(str::to_owned).to_vec();
    let filter = EventFilter { after: 0, kinds: Some(kinds) };
    let events = run_events::list(work.database(), run.id, &filter, i64::MAX as u64).await?;
    let mut steps = std::collections::BTreeMap::new();
    let (mut summary, mut comparison) = (Value::Null, Value::Null);
    for event in events {
        match event.kind.as_str() {
            "completed" => summary = event.payload,
            "comparison" => comparison = event.payload,
            _ => {
                if let Some(step) = event.payload.get("step").and_then(Value::as_u64) {
                    steps.insert(step, event.payload);
                }
            }
        }
    }
    // The folder's place on this machine is nobody's business.
    if let Some(summary) = summary.as_object_mut() {
        summary.remove("output");
    }
    Ok(
        json!({ "summary": summary, "comparison": comparison, "steps": steps.into_values().collect::<Vec<_>>() }),
    )
}

/// Packs files and folders (their content under the given name, or at the top) and texts. Hidden files stay out.
pub(super) fn zip(
    sources: &[(PathBuf, Option<String>)],
    texts: &[(&str, Vec<u8>)],
    target: &Path,
) -> anyhow::Result<()> {
    let file = File::create_new(target).with_context(|| target.display().to_string())?;
    let mut zip = ZipWriter::new(std::io::BufWriter::new(file));
    for (source, name) in sources {
        add(&mut zip, source, name.as_deref().unwrap_or_default())?;
    }
    for (name, bytes) in texts {
        zip.start_file(*name, options(bytes.len() as u64, name))?;
        zip.write_all(bytes)?;
    }
    zip.finish()?.into_inner().map_err(|error| error.into_error())?.sync_all()?;
    Ok(())
}

fn add(zip: &mut ZipWriter<impl Write + std::io::Seek>, path: &Path, name: &str) -> anyhow::Result<()> {
    if path.is_dir() {
        let mut entries: Vec<_> = std::fs::read_dir(path)?.collect::<Result<_, _>>()?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let own = entry.file_name().to_string_lossy().into_owned();
            if !own.starts_with('.') {
                add(zip, &entry.path(), &if name.is_empty() { own } else { format!("{name}/{own}") })?;
            }
        }
        return Ok(());
    }
    let mut file = File::open(path).with_context(|| path.display().to_string())?;
    zip.start_file(name, options(file.metadata()?.len(), name))?;
    std::io::copy(&mut file, zip)?;
    Ok(())
}

/// Weights do not get smaller; texts do.
fn options(size_bytes: u64, name: &str) -> SimpleFileOptions {
    let is_weights = name.ends_with(".safetensors") || name.ends_with(".gguf");
    let method = if is_weights { CompressionMethod::Stored } else { CompressionMethod::Deflated };
    // A fixed time: the same content gives the same bytes.
    SimpleFileOptions::default()
        .compression_method(method)
        .large_file(size_bytes >= u64::from(u32::MAX))
        .last_modified_time(zip::DateTime::default())
}
