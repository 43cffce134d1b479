//! What a run leaves behind, and the lock that keeps a run folder to one writer.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::early_stopping::Mark;
use super::{TrainError, TrainOptions};
use crate::adapters::peft::{Adapter, AdapterConfig, AdapterTensor};
use crate::models::Decoder;
use crate::models::parameter::Parameter;
use crate::tokenizer::gguf_companions;
use crate::weights::gguf::is_gguf;
use crate::weights::{DType, ModelConfig, TensorSpec, write_file_atomically, write_safetensors};

/// Files of a model folder that go unchanged into a model trained from it.
const COMPANIONS: [&str; 8] = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "chat_template.jinja",
    "LICENSE",
];

/// Held while a run writes to its folder. The system releases it when the process ends, however it ends.
pub struct RunLock {
    _file: File,
}

impl RunLock {
    pub fn take(output: &Path) -> Result<Self, TrainError> {
        let path = output.join(".lock");
        let io = |source| TrainError::Io { path: path.clone(), source };
        fs::create_dir_all(output).map_err(|source| TrainError::Io { path: output.to_path_buf(), source })?;
        let mut file =
            File::options().create(true).read(true).write(true).truncate(false).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                file.read_to_string(&mut owner).map_err(io)?;
                return Err(TrainError::Busy { path: output.to_path_buf(), owner: owner.trim().to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        file.set_len(0).map_err(io)?;
        file.rewind().map_err(io)?;
        write!(file, "{}", std::process::id()).map_err(io)?;
        Ok(Self { _file: file })
    }
}

pub fn write_adapter(output: &Path, decoder: &Decoder, config: &AdapterConfig) -> Result<(), TrainError> {
    let tensor = |parameter: &Parameter| AdapterTensor {
        shape: parameter.shape.clone(),
        values: decoder.device.download_weight(&parameter.weight),
    };
    let tensors = decoder.trained().map(|parameter| (parameter.name.clone(), tensor(parameter))).collect();
    Adapter { config: config.clone(), tensors }.write(output)?;
    Ok(())
}

/// A Hugging Face folder in the type that `config.json` names.
pub fn write_model(source: &Path, output: &Path, decoder: &Decoder) -> Result<(), TrainError> {
    let config = ModelConfig::open(source)?;
    let dtype = match config.torch_dtype.as_deref() {
        Some("bfloat16") => DType::BF16,
        Some("float16") => DType::F16,
        _ => DType::F32,
    };
    let parameters: Vec<&Parameter> = decoder.parameters().collect();
    let specs: Vec<TensorSpec> = parameters
        .iter()
        .map(|parameter| TensorSpec { name: parameter.name.clone(), dtype, shape: parameter.shape.clone() })
        .collect();
    write_safetensors::<TrainError>(
        &output.join("model.safetensors"),
        &[("format", "pt")],
        &specs,
        |index, bytes| {
            dtype.encode(&decoder.device.download_weight(&parameters[index].weight), bytes);
            Ok(())
        },
    )?;
    if is_gguf(source) {
        let config = ("config.json", serde_json::to_string_pretty(&config.raw).expect("it is JSON"));
        for (name, text) in gguf_companions(source)?.into_iter().chain([config]) {
            write_file_atomically(&output.join(name), text.as_bytes())?;
        }
        return Ok(());
    }
    for name in COMPANIONS {
        let (from, to) = (source.join(name), output.join(name));
        if from.is_file() && from != to {
            fs::copy(&from, &to).map_err(|source| TrainError::Io { path: to.clone(), source })?;
        }
    }
    Ok(())
}

/// `training_config.json`: the settings, the data's digest, and which evaluation the result comes from.
pub fn write_config(options: &TrainOptions, data_sha256: &str, best: Option<Mark>) -> Result<(), TrainError> {
    let mut value = serde_json::to_value(options).expect("options are plain data");
    value["data_sha256"] = data_sha256.into();
    if let Some(Mark { step, eval_loss }) = best {
        value["best_step"] = step.into();
        value["best_eval_loss"] = eval_loss.into();
    }
    value["engine_version"] = env!("CARGO_PKG_VERSION").into();
    let path: PathBuf = options.output.join("training_config.json");
    let json = serde_json::to_vec_pretty(&value).expect("options are plain data");
    write_file_atomically(&path, &json)?;
    Ok(())
}
