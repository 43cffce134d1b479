//! Adapters onto a [`Decoder`]: fresh ones, and those of others.

use std::sync::Arc;

use super::decoder::Decoder;
use super::low_rank::{LowRank, Magnitude};
use super::parameter::Parameter;
use super::spec::Module;
use super::{LayerChoice, ModelError};
use crate::adapters::peft::{Adapter, AdapterConfig, LoraPair};
use crate::device::WeightFormat;
use crate::random::Random;

/// Embedding table and head, by the last parts of their names. They are one table in tied models, where an adapter on
/// one of them would change the other or be lost.
const TABLES: [&str; 2] = ["embed_tokens", "lm_head"];

/// The modules that `target_modules` names, of those that are available: a model's, or [`Module::ALL`] where none
/// is chosen yet.
pub fn target_modules(names: &[String], available: &[Module]) -> Result<Vec<Module>, ModelError> {
    if names.iter().any(|name| name == "all-linear") {
        return Ok(available.to_vec());
    }
    let listed = || available.iter().map(|module| module.name()).collect::<Vec<_>>().join(", ");
    let module = |name: &String| match Module::by_name(name).filter(|module| available.contains(module)) {
        Some(module) => Ok(module),
        None if TABLES.iter().any(|table| name.ends_with(table)) => {
            Err(ModelError::TableTarget { name: name.clone(), available: listed() })
        }
        None => Err(ModelError::UnknownTarget { name: name.clone(), available: listed() }),
    };
    let mut modules = names.iter().map(module).collect::<Result<Vec<_>, _>>()?;
    modules.sort_unstable();
    modules.dedup();
    Ok(modules)
}

/// `layers_to_transform` of a choice: `None` for all layers.
///
/// # Errors
/// A layer that the model does not have.
pub fn target_layers(choice: &LayerChoice, count: usize) -> Result<Option<Vec<usize>>, ModelError> {
    let layers = choice.of(count)?;
    Ok((*choice != LayerChoice::All).then_some(layers))
}

/// A fresh adapter on the layers that the configuration names: A uniform in ±1/√in (PEFT's Kaiming start), B zero, so
/// that the model begins as its base. DoRA's magnitudes begin as the norms of the base's rows.
pub fn new_adapter(decoder: &mut Decoder, config: &AdapterConfig, modules: &[Module], seed: u64) {
    let mut random = Random::new(seed);
    let layers = config.layers_to_transform.clone().unwrap_or_else(|| (0..decoder.blocks.len()).collect());
    for layer in layers {
        for &module in modules {
            let [out, input] = decoder.spec.shape(module);
            let path = module.path(layer);
            let rank = config.rank_of(&path);
            let bound = 1.0 / (input as f32).sqrt();
            let a: Vec<f32> = (0..rank * input).map(|_| random.uniform() * 2.0 * bound - bound).collect();
            let scale = config.scale_of(&path) as f32;
            let pair = LoraPair {
                rank,
                in_features: input,
                out_features: out,
                scale,
                a: &a,
                b: &vec![0.0; out * rank],
                magnitude: None,
            };
            attach(decoder, layer, module, pair, config.use_dora, true);
        }
    }
    decoder.refresh_norms();
}

/// Puts an adapter onto a decoder; every tensor of it must be used.
pub fn attach_adapter(decoder: &mut Decoder, adapter: &Adapter, train: bool) -> Result<(), ModelError> {
    let mut unused = adapter.modules();
    for layer in 0..decoder.blocks.len() {
        for &module in decoder.spec.modules() {
            let path = module.path(layer);
            let Some(pair) = adapter.pair(&path) else { continue };
            let [out, input] = decoder.spec.shape(module);
            if [pair.out_features, pair.in_features] != [out, input] {
                let reason = format!(
                    "it is made for [{}, {}], the model has [{out}, {input}]",
                    pair.out_features, pair.in_features
                );
                return Err(ModelError::Adapter { name: path, reason });
            }
            unused.remove(path.as_str());
            attach(decoder, layer, module, pair, adapter.config.use_dora, train);
        }
    }
    decoder.refresh_norms();
    let Some(name) = unused.first() else { return Ok(()) };
    let reason = if TABLES.iter().any(|table| name.ends_with(table)) {
        "adapters on the embedding table or the output head are not supported: merge it into its base model with PEFT first"
    } else {
        "nothing in the model uses it"
    };
    Err(ModelError::Adapter { name: (*name).to_owned(), reason: reason.into() })
}

fn attach(decoder: &mut Decoder, layer: usize, module: Module, pair: LoraPair, dora: bool, train: bool) {
    let device = Arc::clone(&decoder.device);
    let trained = |parameter: Parameter| if train { parameter.train(&*device) } else { parameter };
    let path = module.path(layer);
    let parameter = |half: &str, values: &[f32], shape: [usize; 2]| {
        let weight = device.upload_weight(values, shape[0], shape[1], WeightFormat::F32);
        trained(Parameter::new(format!("{path}.lora_{half}.weight"), shape.to_vec(), weight))
    };
    let a = parameter("A", pair.a, [pair.rank, pair.in_features]);
    let b = parameter("B", pair.b, [pair.out_features, pair.rank]);
    let projection = decoder.blocks[layer].projections[module as usize].as_mut();
    let projection = projection.expect("callers name modules of the family");
    let magnitude = dora.then(|| {
        let name = format!("{path}.lora_magnitude_vector");
        let magnitude = Magnitude::new(&*device, name, pair.magnitude, &projection.base.weight);
        Magnitude { vector: trained(magnitude.vector), ..magnitude }
    });
    projection.adapter = Some(LowRank { a, b, scale: pair.scale, magnitude });
}
