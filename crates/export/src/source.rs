//! A base model and the adapter on it, as one set of weights.

use std::borrow::Cow;
use std::fs;
use std::ops::Range;
use std::path::Path;

use engine::adapters::peft::{Adapter, AdapterError};
use engine::quantization::ggml_blocks::GgmlType;
use engine::weights::{DType, ModelConfig, ModelWeights};

use crate::{ExportError, Request};

/// The weights to export: `W`, or what the adapter makes of it (`W + scale · B · A`, and DoRA's rows of it).
pub(crate) struct Source {
    pub config: ModelConfig,
    pub weights: ModelWeights,
    pub adapter: Option<Adapter>,
}

impl Source {
    /// Opens both and checks that every pair of the adapter fits a weight of the model.
    pub fn open(request: &Request) -> Result<Self, ExportError> {
        let config = ModelConfig::open(request.model)?;
        let weights = ModelWeights::open(request.model)?;
        let adapter = request.adapter.map(Adapter::read).transpose()?;
        let source = Self { config, weights, adapter };
        source.check_adapter()?;
        Ok(source)
    }

    fn check_adapter(&self) -> Result<(), ExportError> {
        let Some(adapter) = &self.adapter else { return Ok(()) };
        for module in adapter.modules() {
            let mismatch = |detail: String| AdapterError::Mismatch { module: module.to_string(), detail };
            if module == "lm_head" && self.config.tie_word_embeddings {
                let detail = "the model ties its output head to the embedding, so it cannot be adapted alone";
                return Err(mismatch(detail.to_string()).into());
            }
            let Some(shape) = self.weights.shape(&format!("{module}.weight")) else {
                return Err(mismatch("the model has no such module".to_string()).into());
            };
            let Some(pair) = adapter.pair(module) else {
                return Err(mismatch("its tensors make no pair".to_string()).into());
            };
            if shape != [pair.out_features, pair.in_features] {
                let (out, input) = (pair.out_features, pair.in_features);
                return Err(mismatch(format!(
                    "the weight is {shape:?}, the adapter is for [{out}, {input}]"
                ))
                .into());
            }
        }
        Ok(())
    }

    /// Whether the adapter changes this tensor.
    pub fn is_adapted(&self, name: &str) -> bool {
        let pair =
            |adapter: &Adapter| name.strip_suffix(".weight").is_some_and(|m| adapter.pair(m).is_some());
        self.adapter.as_ref().is_some_and(pair)
    }

    /// Some rows of a tensor in f32, the adapter merged. The file's pages behind them stop counting as memory.
    pub fn rows(&self, name: &str, rows: Range<usize>) -> Result<Vec<f32>, ExportError> {
        let kind = GgmlType::from(self.weights.dtype(name)?);
        let mut values = kind.decode(&self.stored_rows(name, rows.clone())?);
        self.release(name, rows.clone());
        if let (Some(adapter), Some(module)) = (&self.adapter, name.strip_suffix(".weight"))
            && let Some(pair) = adapter.pair(module)
        {
            // Shapes were checked when both were opened.
            pair.merge_rows(rows.start, &mut values);
        }
        Ok(values)
    }

    /// Some rows of a tensor in its own type.
    pub fn stored_rows(&self, name: &str, rows: Range<usize>) -> Result<Cow<'_, [u8]>, ExportError> {
        Ok(self.weights.bytes(name, self.values_of(name, &rows))?)
    }

    /// Says that these rows will not be read again soon.
    pub fn release(&self, name: &str, rows: Range<usize>) {
        self.weights.release(name, self.values_of(name, &rows));
    }

    fn values_of(&self, name: &str, rows: &Range<usize>) -> Range<usize> {
        let shape = self.weights.shape(name).unwrap_or_default();
        let columns = shape.last().copied().unwrap_or(1);
        rows.start * columns..rows.end * columns
    }

    /// The shape of a tensor.
    pub fn shape(&self, name: &str) -> Vec<usize> {
        self.weights.shape(name).unwrap_or_default().to_vec()
    }
}

/// Values that are in memory at a time.
const SLAB: usize = 1 << 22;

/// Rows of a tensor; vectors are one row.
pub(crate) fn row_count(shape: &[usize]) -> usize {
    match shape {
        [] | [_] => 1,
        [rows @ .., _] => rows.iter().product(),
    }
}

/// The rows of a tensor in slabs of a few million values, each a whole number of `unit` rows.
pub(crate) fn slabs(shape: &[usize], unit: usize) -> impl Iterator<Item = Range<usize>> {
    let rows = row_count(shape);
    let columns = shape.last().copied().unwrap_or(1).max(1);
    let step = (SLAB / columns / unit * unit).max(unit);
    (0..rows).step_by(step).map(move |start| start..(start + step).min(rows))
}

/// Refuses values that f16 would turn into infinity.
pub(crate) fn check_range(tensor: &str, values: &[f32], dtype: DType) -> Result<(), ExportError> {
    // From 65520 on, f16 rounds to infinity.
    let beyond = |value: &&f32| value.is_finite() && value.abs() >= 65_520.0;
    match values.iter().find(beyond) {
        Some(value) if dtype == DType::F16 => {
            Err(ExportError::OutOfRange { tensor: tensor.to_string(), value: *value, dtype: "f16" })
        }
        _ => Ok(()),
    }
}

/// Refuses a target folder that is one of the sources.
pub(crate) fn refuse_overwriting(out: &Path, source: &Path, what: &str) -> Result<(), ExportError> {
    let same = match (fs::canonicalize(out), fs::canonicalize(source)) {
        (Ok(out), Ok(source)) => out == source,
        _ => false,
    };
    if same {
        return Err(ExportError::Request(format!(
            "{} is the {what} itself: choose another folder",
            out.display()
        )));
    }
    Ok(())
}

/// Creates the folder that a file goes into.
pub(crate) fn create_parent(out: &Path) -> Result<(), ExportError> {
    match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => {
            fs::create_dir_all(parent).map_err(|error| ExportError::io(parent, error))
        }
        _ => Ok(()),
    }
}

/// The size of a file that was just written.
pub(crate) fn file_size(path: &Path) -> Result<u64, ExportError> {
    fs::metadata(path).map(|metadata| metadata.len()).map_err(|error| ExportError::io(path, error))
}
