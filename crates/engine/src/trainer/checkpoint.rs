//! Checkpoints: everything a run needs to go on as if it had never stopped.
//!
//! `checkpoints/step-00000050/` holds `trained.safetensors` (values and both moments, f32) and `state.json`.
//! It is written under a temporary name, synced and renamed, and renamed before it is removed, so that a checkpoint is
//! whole or absent, whenever the process ends.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::early_stopping::EvaluationHistory;
use super::guards::DivergenceGuard;
use super::{TrainError, exact};
use crate::batching::Cursor;
use crate::device::Device;
use crate::models::Decoder;
use crate::models::parameter::Parameter;
use crate::weights::{DType, SafetensorsDir, TensorSpec, write_file_atomically, write_safetensors};

/// Raised when the meaning of a file changes. Version 1 knew no evaluations.
const VERSION: u32 = 2;
const TENSORS: &str = "trained.safetensors";
const STATE: &str = "state.json";
const WHOLE: &str = "step-";
/// Being written or removed; what a killed process left under these names is cleared away by the next writer.
const WRITING: &str = "writing-";
const REMOVING: &str = "removing-";
/// Value, first and second moment of each trained tensor.
const PARTS: [&str; 3] = ["value", "first_moment", "second_moment"];

/// Where a run stands after an optimizer step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub version: u32,
    /// Optimizer steps done.
    pub step: u64,
    /// The next row.
    pub cursor: Cursor,
    pub tokens: u64,
    pub supervised_tokens: u64,
    /// Sum of the steps' mean losses, for the run's average.
    #[serde(with = "exact")]
    pub loss_sum: f64,
    pub seconds: f64,
    #[serde(default)]
    pub evaluations: EvaluationHistory,
    #[serde(default)]
    pub guard: DivergenceGuard,
    /// What must be the same when going on: see [`super::fingerprint`].
    pub fingerprint: serde_json::Value,
}

impl State {
    pub fn start(cursor: Cursor, fingerprint: serde_json::Value) -> Self {
        Self {
            version: VERSION,
            step: 0,
            cursor,
            tokens: 0,
            supervised_tokens: 0,
            loss_sum: 0.0,
            seconds: 0.0,
            evaluations: EvaluationHistory::default(),
            guard: DivergenceGuard::default(),
            fingerprint,
        }
    }
}

fn folder(output: &Path) -> PathBuf {
    output.join("checkpoints")
}

/// Whole checkpoints of a run, oldest first.
pub fn list(output: &Path) -> Vec<(u64, PathBuf)> {
    let Ok(entries) = fs::read_dir(folder(output)) else { return Vec::new() };
    let mut found: Vec<(u64, PathBuf)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let step = path.file_name()?.to_str()?.strip_prefix(WHOLE)?.parse().ok()?;
            path.join(STATE).is_file().then_some((step, path))
        })
        .collect();
    found.sort_unstable();
    found
}

/// Where the checkpoint of a step stands, or would.
pub fn path_of(output: &Path, step: u64) -> PathBuf {
    folder(output).join(format!("{WHOLE}{step:08}"))
}

/// Whether there is a checkpoint of this step.
pub fn exists(output: &Path, step: u64) -> bool {
    path_of(output, step).join(STATE).is_file()
}

/// Writes a checkpoint. Where the step has one, its values are these already, and only the state is written: an
/// evaluation may have come since.
pub fn save(output: &Path, decoder: &Decoder, state: &State) -> Result<PathBuf, TrainError> {
    let target = path_of(output, state.step);
    let json = serde_json::to_vec_pretty(state).expect("a state is plain data");
    if exists(output, state.step) {
        write_file_atomically(&target.join(STATE), &json)?;
        return Ok(target);
    }
    let temporary = folder(output).join(format!("{WRITING}{:08}", state.step));
    clear_away(output)?;
    fs::create_dir_all(&temporary).map_err(|source| io(&temporary, source))?;
    write_tensors(&temporary.join(TENSORS), decoder)?;
    write_file_atomically(&temporary.join(STATE), &json)?;
    fs::rename(&temporary, &target).map_err(|source| io(&target, source))?;
    if let Ok(parent) = fs::File::open(folder(output)) {
        parent.sync_all().map_err(|source| io(&target, source))?;
    }
    Ok(target)
}

/// Removes all but the last `keep` (at least one) and that of the step `best`.
pub fn prune(output: &Path, keep: usize, best: Option<u64>) -> Result<(), TrainError> {
    let whole = list(output);
    for (step, old) in whole.iter().take(whole.len().saturating_sub(keep.max(1))) {
        if Some(*step) != best {
            let removed = folder(output).join(format!("{REMOVING}{step:08}"));
            fs::rename(old, &removed).map_err(|source| io(old, source))?;
        }
    }
    clear_away(output)
}

/// Removes what was being written or removed when a process ended, and what [`prune`] has put aside.
fn clear_away(output: &Path) -> Result<(), TrainError> {
    let Ok(entries) = fs::read_dir(folder(output)) else { return Ok(()) };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let ours = |prefix: &str| name.to_str().is_some_and(|name| name.starts_with(prefix));
        if ours(WRITING) || ours(REMOVING) {
            fs::remove_dir_all(entry.path()).map_err(|source| io(&entry.path(), source))?;
        }
    }
    Ok(())
}

fn io(path: &Path, source: std::io::Error) -> TrainError {
    TrainError::Io { path: path.to_path_buf(), source }
}

fn write_tensors(path: &Path, decoder: &Decoder) -> Result<(), TrainError> {
    let trained: Vec<&Parameter> = decoder.trained().collect();
    let specs: Vec<TensorSpec> = trained
        .iter()
        .flat_map(|parameter| {
            PARTS.map(|part| TensorSpec {
                name: format!("{}#{part}", parameter.name),
                dtype: DType::F32,
                shape: parameter.shape.clone(),
            })
        })
        .collect();
    write_safetensors::<TrainError>(path, &[("format", "finetuneflow-checkpoint")], &specs, |index, bytes| {
        let parameter = trained[index / PARTS.len()];
        let state = parameter.trained.as_ref().expect("only trained parameters were listed");
        let values = match index % PARTS.len() {
            0 => decoder.device.download_weight(&parameter.weight),
            1 => decoder.device.download(&state.first_moment),
            _ => decoder.device.download(&state.second_moment),
        };
        DType::F32.encode(&values, bytes);
        Ok(())
    })
}

/// The newest checkpoint of a run, loaded into the decoder; `None` when there is none.
pub fn resume(output: &Path, decoder: &mut Decoder) -> Result<Option<State>, TrainError> {
    let Some((_, path)) = list(output).pop() else { return Ok(None) };
    let state = read_state(&path.join(STATE))?;
    load_tensors(&path, decoder)?;
    Ok(Some(state))
}

fn read_state(path: &Path) -> Result<State, TrainError> {
    let damaged = |reason: String| TrainError::Checkpoint { path: path.to_path_buf(), reason };
    let text = fs::read(path).map_err(|source| io(path, source))?;
    let json: serde_json::Value =
        serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    let version = json.get("version").and_then(serde_json::Value::as_u64).unwrap_or(0);
    if !(1..=u64::from(VERSION)).contains(&version) {
        return Err(damaged(format!(
            "it is of version {version}, this program reads 1 to {VERSION}; use the program that wrote it, or start a run in \
             another output folder"
        )));
    }
    let state: State = serde_json::from_value(json).map_err(|error| damaged(error.to_string()))?;
    Ok(State { version: VERSION, ..state })
}

/// Values and moments of the checkpoint in the folder `path`.
pub fn load_tensors(path: &Path, decoder: &mut Decoder) -> Result<(), TrainError> {
    let files = SafetensorsDir::open_file(&path.join(TENSORS))?;
    let device = std::sync::Arc::clone(&decoder.device);
    decoder.trained_mut().try_for_each(|parameter| load_parameter(&*device, &files, parameter))?;
    decoder.refresh_norms();
    Ok(())
}

fn load_parameter(
    device: &dyn Device,
    files: &SafetensorsDir,
    parameter: &mut Parameter,
) -> Result<(), TrainError> {
    for part in PARTS {
        let tensor = files.tensor(&format!("{}#{part}", parameter.name))?;
        if tensor.shape != parameter.shape {
            let reason =
                format!("{} has shape {:?}, the run has {:?}", tensor.name, tensor.shape, parameter.shape);
            return Err(TrainError::Checkpoint { path: files.source().to_path_buf(), reason });
        }
        let values = tensor.to_f32();
        let trained = parameter.trained.as_mut().expect("only trained parameters are loaded");
        let target = match part {
            "value" => parameter.values_mut().expect("trained tensors are kept in f32"),
            "first_moment" => &mut trained.first_moment,
            _ => &mut trained.second_moment,
        };
        device.write(&values, target);
    }
    Ok(())
}
