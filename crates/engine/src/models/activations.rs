//! The buffers that a training step needs, allocated once from shapes alone.
//!
//! What a block keeps for its gradient depends on [`Recompute`]; everything else is shared by all blocks.

use super::spec::{DecoderSpec, Module};
use crate::device::{Buffer, cpu::cross_entropy_block_rows};

/// What the backward pass computes again instead of keeping (<https://arxiv.org/abs/1604.06174>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recompute {
    /// Keep everything.
    None,
    /// Keep each block's input, its attention output and the residual between; compute the cheap rest again.
    Light,
    /// Keep each block's input only.
    Full,
}

/// Buffers of one attention: kept with `None` and `Light`.
pub struct AttentionActivations {
    /// [m, heads * head_dim]
    pub output: Buffer,
    /// [heads, m]
    pub log_sum_exp: Buffer,
    /// The residual stream after the attention, [m, hidden].
    pub residual: Buffer,
}

/// Buffers of one block that are cheap to compute again: kept with `None`.
pub struct BlockActivations {
    pub input_norm: Buffer,
    pub input_inverse_rms: Buffer,
    pub query: Buffer,
    pub key: Buffer,
    pub value: Buffer,
    pub post_norm: Buffer,
    pub post_inverse_rms: Buffer,
    pub gate: Buffer,
    pub up: Buffer,
    pub activated: Buffer,
    /// x·Aᵀ of each module's adapter, [m, rank] (empty without one), in the order of [`Module::ALL`].
    pub low: [Buffer; 7],
}

/// Buffers of the backward pass.
pub struct Gradients {
    /// Of the residual stream, [m, hidden].
    pub residual: Buffer,
    /// Of a norm's output, [m, hidden].
    pub norm: Buffer,
    pub activated: Buffer,
    pub attention_output: Buffer,
    pub query: Buffer,
    pub key: Buffer,
    pub value: Buffer,
    /// [m, rank]
    pub low: Buffer,
}

pub struct Activations {
    pub recompute: Recompute,
    /// Tokens that fit.
    pub capacity: usize,
    /// The input of each block, and the last one's output: [m, hidden] each.
    pub residuals: Vec<Buffer>,
    pub attention: Vec<AttentionActivations>,
    pub blocks: Vec<BlockActivations>,
    pub final_norm: Buffer,
    pub final_inverse_rms: Buffer,
    pub gradients: Option<Gradients>,
}

/// What decides the sizes.
#[derive(Clone, Copy, Debug)]
pub struct ActivationShape {
    /// Most tokens in a micro-batch.
    pub tokens: usize,
    pub recompute: Recompute,
    /// Rank of each module's adapter, 0 without one, in the order of [`Module::ALL`].
    pub ranks: [usize; 7],
    /// Whether a backward pass follows.
    pub backward: bool,
}

impl Activations {
    /// `allocate` gives a buffer of so many f32 (or only counts them, for a plan).
    pub fn new(
        spec: &DecoderSpec,
        shape: ActivationShape,
        allocate: &mut dyn FnMut(usize) -> Buffer,
    ) -> Self {
        let ActivationShape { tokens: m, recompute, ranks, backward } = shape;
        let layers = spec.num_hidden_layers;
        let kept = |keep: bool| if keep && backward { layers } else { 1 };
        let residuals = if backward { layers + 1 } else { 2 };
        Self {
            recompute,
            capacity: m,
            residuals: (0..residuals).map(|_| allocate(m * spec.hidden_size)).collect(),
            attention: (0..kept(recompute != Recompute::Full))
                .map(|_| attention(spec, m, allocate))
                .collect(),
            blocks: (0..kept(recompute == Recompute::None))
                .map(|_| block(spec, m, ranks, allocate))
                .collect(),
            final_norm: allocate(m * spec.hidden_size),
            final_inverse_rms: allocate(m),
            gradients: backward.then(|| gradients(spec, m, ranks, allocate)),
        }
    }

    /// Where layer `layer` finds its buffers: its own, or the shared ones.
    pub fn slot(len: usize, layer: usize) -> usize {
        if len == 1 { 0 } else { layer }
    }
}

fn attention(
    spec: &DecoderSpec,
    m: usize,
    allocate: &mut dyn FnMut(usize) -> Buffer,
) -> AttentionActivations {
    AttentionActivations {
        output: allocate(m * spec.attention.query_size()),
        log_sum_exp: allocate(m * spec.attention.heads),
        residual: allocate(m * spec.hidden_size),
    }
}

fn block(
    spec: &DecoderSpec,
    m: usize,
    ranks: [usize; 7],
    allocate: &mut dyn FnMut(usize) -> Buffer,
) -> BlockActivations {
    let (hidden, intermediate) = (spec.hidden_size, spec.intermediate_size);
    BlockActivations {
        input_norm: allocate(m * hidden),
        input_inverse_rms: allocate(m),
        query: allocate(m * spec.attention.query_size()),
        key: allocate(m * spec.attention.key_value_size()),
        value: allocate(m * spec.attention.key_value_size()),
        post_norm: allocate(m * hidden),
        post_inverse_rms: allocate(m),
        gate: allocate(m * intermediate),
        up: allocate(m * intermediate),
        activated: allocate(m * intermediate),
        low: Module::ALL.map(|module| allocate(m * ranks[module as usize])),
    }
}

fn gradients(
    spec: &DecoderSpec,
    m: usize,
    ranks: [usize; 7],
    allocate: &mut dyn FnMut(usize) -> Buffer,
) -> Gradients {
    Gradients {
        residual: allocate(m * spec.hidden_size),
        norm: allocate(m * spec.hidden_size),
        activated: allocate(m * spec.intermediate_size),
        attention_output: allocate(m * spec.attention.query_size()),
        query: allocate(m * spec.attention.query_size()),
        key: allocate(m * spec.attention.key_value_size()),
        value: allocate(m * spec.attention.key_value_size()),
        low: allocate(m * ranks.into_iter().max().unwrap_or(0)),
    }
}

/// Bytes that the head's logits and gathered rows take while the loss is computed.
pub fn logits_bytes(spec: &DecoderSpec, tokens: usize) -> usize {
    let rows = cross_entropy_block_rows(spec.vocab_size).min(tokens);
    4 * rows * (spec.vocab_size + spec.hidden_size)
}
