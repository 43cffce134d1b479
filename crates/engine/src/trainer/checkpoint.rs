//! Checkpoints: everything a run needs to go on as if it had never stopped.
//!
//! `checkpoints/step-00000050/` holds `trained.safetensors` (values and both moments, f32) and `state.json`.
//! It is written under a temporary name, synced and renamed, so that a checkpoint is whole or absent.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::TrainError;
use crate::batching::Cursor;
use crate::device::Device;
use crate::models::Decoder;
use crate::models::parameter::Parameter;
use crate::weights::{DType, SafetensorsDir, TensorSpec, write_file_atomically, write_safetensors};

/// Raised when the meaning of a file changes.
const VERSION: u32 = 1;
const TENSORS: &str = "trained.safetensors";
const STATE: &str = "state.json";
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
    pub loss_sum: f64,
    pub seconds: f64,
    /// What must be the same when going on: see [`super::train_loop::fingerprint`].
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
            let step = path.file_name()?.to_str()?.strip_prefix("step-")?.parse().ok()?;
            path.join(STATE).is_file().then_some((step, path))
        })
        .collect();
    found.sort_unstable();
    found
}

/// Writes a checkpoint and removes all but the last `keep`.
pub fn save(output: &Path, decoder: &Decoder, state: &State, keep: usize) -> Result<PathBuf, TrainError> {
    let target = folder(output).join(format!("step-{:08}", state.step));
    let temporary = folder(output).join(format!("writing-{:08}", state.step));
    let io = |path: &Path, source| TrainError::Io { path: path.to_path_buf(), source };
    remove(&temporary)?;
    fs::create_dir_all(&temporary).map_err(|source| io(&temporary, source))?;
    write_tensors(&temporary.join(TENSORS), decoder)?;
    let json = serde_json::to_vec_pretty(state).expect("a state is plain data");
    write_file_atomically(&temporary.join(STATE), &json)?;
    remove(&target)?;
    fs::rename(&temporary, &target).map_err(|source| io(&target, source))?;
    if let Ok(parent) = fs::File::open(folder(output)) {
        parent.sync_all().map_err(|source| io(&target, source))?;
    }
    let whole = list(output);
    for (_, old) in whole.iter().take(whole.len().saturating_sub(keep.max(1))) {
        remove(old)?;
    }
    Ok(target)
}

fn remove(path: &Path) -> Result<(), TrainError> {
    match fs::remove_dir_all(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(TrainError::Io { path: path.to_path_buf(), source })
        }
        _ => Ok(()),
    }
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
    let state_path = path.join(STATE);
    let damaged = |reason: String| TrainError::Checkpoint { path: state_path.clone(), reason };
    let text = fs::read(&state_path).map_err(|source| TrainError::Io { path: state_path.clone(), source })?;
    let json: serde_json::Value =
        serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    match json.get("version").and_then(serde_json::Value::as_u64) {
        Some(version) if version == u64::from(VERSION) => {}
        version => {
            return Err(damaged(format!(
                "version {version:?} is not known to this program (it reads {VERSION})"
            )));
        }
    }
    let state: State = serde_json::from_value(json).map_err(|error| damaged(error.to_string()))?;
    let files = SafetensorsDir::open_file(&path.join(TENSORS))?;
    let device = std::sync::Arc::clone(&decoder.device);
    for parameter in decoder.trained_mut() {
        load_parameter(&*device, &files, parameter)?;
    }
    decoder.refresh_norms();
    Ok(Some(state))
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
            "value" => parameter.weight.values_mut().expect("trained tensors are kept in f32"),
            "first_moment" => &mut trained.first_moment,
            _ => &mut trained.second_moment,
        };
        device.write(&values, target);
    }
    Ok(())
}
