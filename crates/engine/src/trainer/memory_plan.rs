//! What a run will allocate, from shapes alone.

use serde::Serialize;

use crate::device::Buffer;
use crate::models::activations::{ActivationShape, Activations, logits_bytes};
use crate::models::load::BaseFormats;
use crate::models::low_rank::norm_scratch;
use crate::models::parameter::Parameter;
use crate::models::rope::Rope;
use crate::models::{AdapterShape, Decoder, DecoderSpec, Module};

/// Bytes by purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MemoryPlan {
    pub weights: u64,
    pub adapters: u64,
    /// Gradients and both moments of what is trained.
    pub optimizer: u64,
    pub activations: u64,
    pub logits: u64,
    pub kv_cache: u64,
    /// Position tables and the packing space of matrix products.
    pub buffers: u64,
    pub total_bytes: u64,
}

impl MemoryPlan {
    fn with_total(mut self) -> Self {
        self.total_bytes = self.weights
            + self.adapters
            + self.optimizer
            + self.activations
            + self.logits
            + self.kv_cache
            + self.buffers;
        self
    }
}

/// The shapes of a run that no model was loaded for.
#[derive(Clone, Copy, Debug)]
pub struct RunShape {
    pub activations: ActivationShape,
    /// How the base model's matrices are kept.
    pub base: BaseFormats,
    /// Every tensor is trained, instead of adapters.
    pub full: bool,
}

/// The plan of a run from its spec.
pub fn plan_shapes(spec: &DecoderSpec, run: RunShape) -> MemoryPlan {
    let adapters = run.activations.adapters;
    let magnitudes = adapters.layers * magnitudes_of_a_layer(spec, adapters);
    let adapter = |&module: &Module| {
        let [out, input] = spec.shape(module);
        adapters.ranks[module as usize] * (out + input)
    };
    let adapters = adapters.layers * spec.modules().iter().map(adapter).sum::<usize>() + magnitudes;
    let trained = if run.full { spec.parameters() } else { adapters };
    MemoryPlan {
        weights: weight_bytes(spec, run.base),
        adapters: (4 * adapters) as u64,
        optimizer: (3 * 4 * trained) as u64,
        activations: activation_bytes(spec, run.activations),
        logits: logits_bytes(spec, run.activations.tokens) as u64,
        kv_cache: 0,
        buffers: rope_table_bytes(spec) + norm_bytes(spec, magnitudes, run.activations.adapters),
        total_bytes: 0,
    }
    .with_total()
}

/// The plan of a loaded model.
pub fn plan(decoder: &Decoder, shape: ActivationShape) -> MemoryPlan {
    let weights = |adapter: bool| -> u64 {
        let chosen = decoder.parameters().filter(|parameter| parameter.name.contains(".lora_") == adapter);
        chosen.map(|parameter| parameter.weight.bytes() as u64).sum()
    };
    let magnitude = |parameter: &&Parameter| parameter.name.ends_with(".lora_magnitude_vector");
    let magnitudes = decoder.parameters().filter(magnitude).map(|parameter| parameter.shape[0]).sum();
    let trained: usize = decoder.trained().map(|parameter| parameter.shape.iter().product::<usize>()).sum();
    MemoryPlan {
        weights: weights(false),
        adapters: weights(true),
        optimizer: (3 * 4 * trained) as u64,
        activations: activation_bytes(&decoder.spec, shape),
        logits: logits_bytes(&decoder.spec, shape.tokens) as u64,
        kv_cache: 0,
        buffers: rope_table_bytes(&decoder.spec) + norm_bytes(&decoder.spec, magnitudes, shape.adapters),
        total_bytes: 0,
    }
    .with_total()
}

/// Each matrix by itself: blocks do not span two.
fn weight_bytes(spec: &DecoderSpec, base: BaseFormats) -> u64 {
    let linear = |&module: &Module| base.linear.size_bytes(spec.shape(module).iter().product());
    let block: usize = spec.modules().iter().map(linear).sum();
    let tables = if spec.tie_word_embeddings { 1 } else { 2 };
    let table = base.table.size_bytes(spec.vocab_size * spec.hidden_size);
    (tables * table + spec.layers.len() * block + 4 * spec.vector_parameters()) as u64
}

/// Numbers in the magnitudes of one layer with adapters.
fn magnitudes_of_a_layer(spec: &DecoderSpec, adapters: AdapterShape) -> usize {
    let magnitude = |&module: &Module| match adapters.ranks[module as usize] {
        0 => 0,
        _ => spec.shape(module)[0],
    };
    if adapters.magnitudes { spec.modules().iter().map(magnitude).sum() } else { 0 }
}

/// What DoRA keeps beside its magnitudes: squares, norms and factors of the rows, and the scratch of taking norms.
fn norm_bytes(spec: &DecoderSpec, magnitudes: usize, adapters: AdapterShape) -> u64 {
    if !adapters.magnitudes {
        return 0;
    }
    (4 * (3 * magnitudes + norm_scratch(spec, adapters).iter().sum::<usize>())) as u64
}

fn rope_table_bytes(spec: &DecoderSpec) -> u64 {
    let columns: usize = spec.ropes.iter().map(Rope::rotary_dim).sum();
    (4 * spec.max_position_embeddings * columns) as u64
}

fn activation_bytes(spec: &DecoderSpec, shape: ActivationShape) -> u64 {
    let mut bytes = 0u64;
    Activations::new(spec, shape, &mut |element, len| {
        bytes += (element.bytes() * len) as u64;
        Buffer::empty()
    });
    bytes
}
