//! What the steps read and write.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use datasets::{Example, Examples, ImportError, ImportOptions, RowError, SourceChunk, Sources};
use engine::tokenizer::Tokenizer;
use serde::Serialize;
use serde_json::json;
use tempfile::NamedTempFile;

use crate::cli::Context;

/// Faulty rows that are named on stderr.
const NAMED: usize = 20;

/// A file that appears under its name once it is whole.
pub struct Output {
    writer: BufWriter<NamedTempFile>,
    path: PathBuf,
}

impl Output {
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let failed = || format!("cannot write {}", path.display());
        std::fs::create_dir_all(folder).with_context(failed)?;
        let mut builder = tempfile::Builder::new();
        // Temporary files are made for their owner alone; results are files like any other.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.tempfile_in(folder).with_context(failed)?;
        Ok(Self { writer: BufWriter::with_capacity(1 << 18, file), path: path.into() })
    }

    pub fn line(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        serde_json::to_writer(&mut self.writer, value)?;
        self.writer.write_all(b"\n")?;
        Ok(())
    }

    pub fn bytes(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        Ok(self.writer.write_all(bytes)?)
    }

    pub fn finish(self) -> anyhow::Result<()> {
        let file = self.writer.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.persist(&self.path).with_context(|| format!("cannot write {}", self.path.display()))?;
        Ok(())
    }
}

/// Tells faulty rows: each as a JSON line with `--json`, else the first ones on stderr.
pub struct Faults<'a> {
    context: &'a Context,
    pub count: usize,
}

impl<'a> Faults<'a> {
    pub fn new(context: &'a Context) -> Self {
        Self { context, count: 0 }
    }

    pub fn tell(&mut self, file: &Path, fault: &RowError) -> anyhow::Result<()> {
        self.count += 1;
        if self.context.json {
            let RowError { row, line, column, rule, message } = fault;
            return self.context.emit(&json!({
                "event": "fault", "file": file.display().to_string(), "row": row, "line": line, "column": column,
                "rule": rule, "message": message,
            }));
        }
        if self.count <= NAMED {
            eprintln!("warning: {}: {fault}", file.display());
        } else if self.count == NAMED + 1 {
            eprintln!("warning: and more faulty rows; --json names them all");
        }
        Ok(())
    }
}

/// The error's own words, which hold its source already.
pub fn said(error: ImportError) -> anyhow::Error {
    anyhow::anyhow!("{error}")
}

/// All examples of a file of any format that `import` reads.
pub fn read_examples(path: &Path, context: &Context) -> anyhow::Result<Vec<Example>> {
    let mut faults = Faults::new(context);
    let mut examples = Vec::new();
    for item in Examples::open(path, &ImportOptions::default()).map_err(said)? {
        match item.map_err(said)? {
            Ok(example) => examples.push(example),
            Err(fault) => faults.tell(path, &fault)?,
        }
    }
    Ok(examples)
}

/// The chunks that `dataset chunk` wrote.
pub fn read_sources(path: &Path) -> anyhow::Result<Sources> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut chunks = Vec::new();
    for (line, number) in BufReader::new(file).lines().zip(1..) {
        let line = line.with_context(|| format!("{}, line {number}", path.display()))?;
        if !line.trim().is_empty() {
            let chunk: SourceChunk = serde_json::from_str(&line).with_context(|| {
                format!(
                    "{}, line {number} is no chunk: give the file that `dataset chunk` wrote",
                    path.display()
                )
            })?;
            chunks.push(chunk);
        }
    }
    if chunks.is_empty() {
        bail!("{} is empty: give the file that `dataset chunk` wrote", path.display());
    }
    Ok(Sources::new(chunks))
}

/// The tokenizer of a model folder, or of `base`.
pub fn tokenizer(model: &Path, context: &Context) -> anyhow::Result<Tokenizer> {
    let dir = context.model_dir(model)?;
    Tokenizer::open(&dir).with_context(|| {
        format!("no tokenizer in {}: give a model folder with tokenizer.json, or `base`", dir.display())
    })
}

/// A file's name without folder.
pub fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}
