//! From a Hugging Face folder or a GGUF file (or from random numbers) to a [`Decoder`].

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::block::Block;
use super::decoder::Decoder;
use super::parameter::Parameter;
use super::projection::Projection;
use super::spec::{DecoderSpec, Module};
use super::{ModelError, spec_of};
use crate::device::{BadValue, Device, Precision, StoredValues, Weight, WeightFormat};
use crate::random::Random;
use crate::weights::{ModelConfig, ModelWeights};

/// How the base weights live on the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// Never changed: in the precision of the run.
    Frozen,
    /// Never changed: in these formats.
    FrozenAs(BaseFormats),
    /// Every tensor is trained: f32 master copies with gradient and optimizer state.
    Trained,
}

/// The formats of frozen matrices. Norms and biases are always f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BaseFormats {
    /// Of the linear layers of the blocks.
    pub linear: WeightFormat,
    /// Of the embedding and the head.
    pub table: WeightFormat,
}

impl BaseFormats {
    /// The same for all.
    pub fn all(format: WeightFormat) -> Self {
        Self { linear: format, table: format }
    }
}

/// Where the first values come from.
enum Source {
    Files(ModelWeights),
    Random { random: Random, deviation: f32, residual_deviation: f32 },
}

struct Loader {
    device: Arc<dyn Device>,
    config: ModelConfig,
    source: Source,
    formats: BaseFormats,
    base: Base,
    /// Names of the tensors that were read.
    read: BTreeSet<String>,
}

/// Loads the weights of a model folder, or of a GGUF file.
pub fn load(
    dir: &Path,
    device: Arc<dyn Device>,
    precision: Precision,
    base: Base,
) -> Result<Decoder, ModelError> {
    let config = ModelConfig::open(dir)?;
    let spec = spec_of(&config)?;
    let source = Source::Files(ModelWeights::open(dir)?);
    build(config, spec, source, device, precision, base)
}

/// A model from scratch: normal numbers with `initializer_range`, scaled down by √(2·layers) where a
/// projection adds to the residual stream (<https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf>).
pub fn from_scratch(
    dir: &Path,
    device: Arc<dyn Device>,
    precision: Precision,
    seed: u64,
) -> Result<Decoder, ModelError> {
    random(ModelConfig::open(dir)?, device, precision, seed)
}

/// As [`from_scratch`], of a configuration.
pub fn random(
    config: ModelConfig,
    device: Arc<dyn Device>,
    precision: Precision,
    seed: u64,
) -> Result<Decoder, ModelError> {
    let spec = spec_of(&config)?;
    let deviation =
        config.raw.get("initializer_range").and_then(serde_json::Value::as_f64).unwrap_or(0.02) as f32;
    let residual_deviation = deviation / (2.0 * spec.layers.len() as f32).sqrt();
    let source = Source::Random { random: Random::new(seed), deviation, residual_deviation };
    build(config, spec, source, device, precision, Base::Trained)
}

fn build(
    config: ModelConfig,
    spec: DecoderSpec,
    source: Source,
    device: Arc<dyn Device>,
    precision: Precision,
    base: Base,
) -> Result<Decoder, ModelError> {
    let formats = match (precision, base) {
        (_, Base::FrozenAs(formats)) => formats,
        (Precision::Bf16, Base::Frozen) => BaseFormats::all(WeightFormat::Bf16),
        (Precision::F32, Base::Frozen) | (_, Base::Trained) => BaseFormats::all(WeightFormat::F32),
    };
    let device_of_loader = Arc::clone(&device);
    let mut loader =
        Loader { device: device_of_loader, config, source, formats, base, read: BTreeSet::new() };
    let [vocab, hidden] = [spec.vocab_size, spec.hidden_size];
    let embedding =
        loader.matrix("model.embed_tokens.weight".into(), [vocab, hidden], formats.table, false)?;
    let blocks = (0..spec.layers.len()).map(|layer| loader.block(&spec, layer)).collect::<Result<_, _>>()?;
    let final_norm = loader.norm(&spec, "model.norm", hidden)?;
    let head = if spec.tie_word_embeddings {
        None
    } else {
        Some(loader.matrix("lm_head.weight".into(), [vocab, hidden], formats.table, false)?)
    };
    loader.refuse_unused(&spec)?;
    let positions = spec.max_position_embeddings;
    let rope_tables = spec.ropes.iter().map(|rope| device.upload(&rope.table(positions))).collect();
    Ok(Decoder { device, spec, precision, embedding, blocks, final_norm, head, dropout: None, rope_tables })
}

impl Loader {
    fn block(&mut self, spec: &DecoderSpec, layer: usize) -> Result<Block, ModelError> {
        let mut projections = Module::ALL.map(|_| None);
        for &module in spec.modules() {
            projections[module as usize] = Some(self.projection(spec, layer, module)?);
        }
        let path = format!("model.layers.{layer}");
        let hidden = spec.hidden_size;
        let mut norm = |name: &str, size| self.norm(spec, &format!("{path}.{name}"), size);
        let post_norm =
            if spec.sandwich_norms { "pre_feedforward_layernorm" } else { "post_attention_layernorm" };
        let (input_norm, post_norm) = (norm("input_layernorm", hidden)?, norm(post_norm, hidden)?);
        let mut optional = |wanted: bool, name: &str, size| wanted.then(|| norm(name, size)).transpose();
        let head_dim = spec.attention.head_dim;
        Ok(Block {
            input_norm,
            post_norm,
            attention_output_norm: optional(spec.sandwich_norms, "post_attention_layernorm", hidden)?,
            mlp_output_norm: optional(spec.sandwich_norms, "post_feedforward_layernorm", hidden)?,
            query_norm: optional(spec.head_norms, "self_attn.q_norm", head_dim)?,
            key_norm: optional(spec.head_norms, "self_attn.k_norm", head_dim)?,
            projections,
        })
    }

    fn projection(
        &mut self,
        spec: &DecoderSpec,
        layer: usize,
        module: Module,
    ) -> Result<Projection, ModelError> {
        let (path, shape) = (module.path(layer), spec.shape(module));
        let adds_to_residual = matches!(module, Module::Output | Module::Down);
        let base = self.matrix(format!("{path}.weight"), shape, self.formats.linear, adds_to_residual)?;
        let bias = match spec.biased.contains(&module) {
            true => Some(self.vector(format!("{path}.bias"), shape[0], 0.0)?),
            false => None,
        };
        Ok(Projection { base, bias, adapter: None })
    }

    /// A norm that begins as a factor of 1.
    fn norm(&mut self, spec: &DecoderSpec, path: &str, size: usize) -> Result<Parameter, ModelError> {
        self.vector(format!("{path}.weight"), size, 1.0 - spec.norm.offset)
    }

    /// Refuses weights with a tensor that this family does not compute with: the result would not be the model's.
    fn refuse_unused(&self, spec: &DecoderSpec) -> Result<(), ModelError> {
        let Source::Files(files) = &self.source else { return Ok(()) };
        // A tied head is the embedding; old checkpoints carry a buffer that follows from the configuration.
        let harmless = |name: &str| {
            name.ends_with("rotary_emb.inv_freq") || (name == "lm_head.weight" && spec.tie_word_embeddings)
        };
        match files.names().find(|name| !self.read.contains(*name) && !harmless(name)) {
            Some(name) => {
                Err(ModelError::UnusedTensor { path: self.config.path.clone(), name: name.to_owned() })
            }
            None => Ok(()),
        }
    }

    fn matrix(
        &mut self,
        name: String,
        shape: [usize; 2],
        format: WeightFormat,
        adds_to_residual: bool,
    ) -> Result<Parameter, ModelError> {
        let weight = self.weight(&name, &shape, format, |random, deviation, residual, len| {
            let deviation = if adds_to_residual { residual } else { deviation };
            (0..len).map(|_| random.normal() * deviation).collect()
        })?;
        Ok(self.finish(Parameter::new(name, shape.to_vec(), weight)))
    }

    /// A norm or a bias, of `value` everywhere in a model from scratch.
    fn vector(&mut self, name: String, size: usize, value: f32) -> Result<Parameter, ModelError> {
        let weight = self.weight(&name, &[size], WeightFormat::F32, |_, _, _, len| vec![value; len])?;
        Ok(self.finish(Parameter::new(name, vec![size], weight)))
    }

    fn finish(&self, parameter: Parameter) -> Parameter {
        match self.base {
            Base::Frozen | Base::FrozenAs(_) => parameter,
            Base::Trained => parameter.train(&*self.device),
        }
    }

    fn weight(
        &mut self,
        name: &str,
        shape: &[usize],
        format: WeightFormat,
        make: impl FnOnce(&mut Random, f32, f32, usize) -> Vec<f32>,
    ) -> Result<Weight, ModelError> {
        let [rows, columns] = if let [rows, columns] = *shape { [rows, columns] } else { [1, shape[0]] };
        match &mut self.source {
            Source::Files(files) => {
                let dtype = files.dtype(name)?;
                self.read.insert(name.to_owned());
                let found = files.shape(name).unwrap_or_default();
                if found != shape {
                    return Err(ModelError::Shape {
                        path: self.config.path.clone(),
                        name: name.to_owned(),
                        found: found.to_vec(),
                        expected: shape.to_vec(),
                    });
                }
                let read = |values: Range<usize>, show: &mut dyn FnMut(&[u8])| {
                    show(&files.bytes(name, values.clone()).expect("its type was asked for above"));
                    files.release(name, values);
                };
                let stored = StoredValues { dtype, len: rows * columns, read: &read };
                let uploaded = self.device.upload_stored(&stored, rows, columns, format);
                uploaded.map_err(|BadValue { index, value }| ModelError::BadValue {
                    path: files.source().to_path_buf(),
                    name: name.to_owned(),
                    value,
                    place: shape_index(shape, index),
                })
            }
            Source::Random { random, deviation, residual_deviation } => {
                let values = make(random, *deviation, *residual_deviation, rows * columns);
                Ok(self.device.upload_weight(&values, rows, columns, format))
            }
        }
    }
}

/// The indices of element `index` of a row-major tensor.
fn shape_index(shape: &[usize], mut index: usize) -> Vec<usize> {
    let mut place: Vec<usize> = Vec::with_capacity(shape.len());
    for size in shape.iter().rev() {
        place.insert(0, index % size);
        index /= size;
    }
    place
}
