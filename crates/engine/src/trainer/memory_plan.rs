//! What a run will allocate, from shapes alone.

use serde::Serialize;

use crate::device::Buffer;
use crate::models::activations::{ActivationShape, Activations, logits_bytes};
use crate::models::rope::Rope;
use crate::models::{Decoder, DecoderSpec, Module};

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
    /// Bytes of one base weight: 4 or 2.
    pub base_bytes: usize,
    /// Every tensor is trained, instead of adapters.
    pub full: bool,
}

/// The plan of a run from its spec.
pub fn plan_shapes(spec: &DecoderSpec, run: RunShape) -> MemoryPlan {
    let parameters = spec.parameters();
    let vectors = spec.vector_parameters();
    let adapter = |&module: &Module| {
        let [out, input] = spec.shape(module);
        run.activations.ranks[module as usize] * (out + input)
    };
    let adapters =
        if run.full { 0 } else { spec.layers.len() * spec.modules().iter().map(adapter).sum::<usize>() };
    let trained = if run.full { parameters } else { adapters };
    MemoryPlan {
        weights: ((parameters - vectors) * run.base_bytes + vectors * 4) as u64,
        adapters: (4 * adapters) as u64,
        optimizer: (3 * 4 * trained) as u64,
        activations: activation_bytes(spec, run.activations),
        logits: logits_bytes(spec, run.activations.tokens) as u64,
        kv_cache: 0,
        buffers: rope_table_bytes(spec),
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
    let trained: usize = decoder.trained().map(|parameter| parameter.shape.iter().product::<usize>()).sum();
    MemoryPlan {
        weights: weights(false),
        adapters: weights(true),
        optimizer: (3 * 4 * trained) as u64,
        activations: activation_bytes(&decoder.spec, shape),
        logits: logits_bytes(&decoder.spec, shape.tokens) as u64,
        kv_cache: 0,
        buffers: rope_table_bytes(&decoder.spec),
        total_bytes: 0,
    }
    .with_total()
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
