//! The buffers that a training step needs, allocated once from shapes alone.
//!
//! What a block keeps for its gradient depends on [`Recompute`]; everything else is shared by all blocks.
//! Buffers that a family has no use for are empty.

use super::spec::{DecoderSpec, Module, Ranks};
use crate::device::{Buffer, cpu::cross_entropy_block_rows};

/// What the backward pass computes again instead of keeping (<https://arxiv.org/abs/1604.06174>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recompute {
    /// Keep everything.
    None,
    /// Keep each block's input, its attention output, the residual between and what the norms on the halves'
    /// outputs read; compute the cheap rest again.
    Light,
    /// Keep each block's input only.
    Full,
}

/// A half's output on its way to the residual stream, where a norm comes between.
pub struct NormedOutput {
    /// What the norm reads, [m, hidden].
    pub projected: Buffer,
    /// [m]
    pub inverse_rms: Buffer,
}

/// Buffers of one block that are kept with `None` and `Light`.
pub struct KeptActivations {
    /// Of the attention, [m, heads * head_dim].
    pub output: Buffer,
    /// [heads, m]
    pub log_sum_exp: Buffer,
    /// The residual stream after the attention, [m, hidden].
    pub residual: Buffer,
    pub attention_output: NormedOutput,
    pub mlp_output: NormedOutput,
}

/// Heads before their norm, [m, heads * head_dim], and what the norm keeps, [m, heads].
pub struct NormedHeads {
    pub query: Buffer,
    pub query_inverse_rms: Buffer,
    pub key: Buffer,
    pub key_inverse_rms: Buffer,
}

/// Buffers of one block that are cheap to compute again: kept with `None`.
pub struct BlockActivations {
    pub input_norm: Buffer,
    pub input_inverse_rms: Buffer,
    pub normed_heads: NormedHeads,
    pub query: Buffer,
    pub key: Buffer,
    pub value: Buffer,
    pub post_norm: Buffer,
    pub post_inverse_rms: Buffer,
    pub gate: Buffer,
    pub up: Buffer,
    pub activated: Buffer,
    /// x·Aᵀ of each module's adapter, [m, rank] (empty without one), in the order of [`Module::ALL`].
    pub low: [Buffer; Module::COUNT],
}

/// Buffers of the backward pass.
pub struct Gradients {
    /// Of the residual stream, [m, hidden].
    pub residual: Buffer,
    /// Of a norm's output, [m, hidden].
    pub norm: Buffer,
    /// Of what a norm on a half's output reads, [m, hidden].
    pub projected: Buffer,
    pub activated: Buffer,
    pub attention_output: Buffer,
    pub query: Buffer,
    pub key: Buffer,
    pub value: Buffer,
    /// Of query and key before the norms on their heads.
    pub head_query: Buffer,
    pub head_key: Buffer,
    /// [m, rank]
    pub low: Buffer,
}

pub struct Activations {
    pub recompute: Recompute,
    /// Tokens that fit.
    pub capacity: usize,
    /// The input of each block, and the last one's output: [m, hidden] each.
    pub residuals: Vec<Buffer>,
    pub kept: Vec<KeptActivations>,
    pub blocks: Vec<BlockActivations>,
    /// A fused product, or its gradient: [m, out].
    pub fused: Buffer,
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
    pub ranks: Ranks,
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
        let layers = spec.layers.len();
        let count = |keep: bool| if keep && backward { layers } else { 1 };
        let residuals = if backward { layers + 1 } else { 2 };
        Self {
            recompute,
            capacity: m,
            residuals: (0..residuals).map(|_| allocate(m * spec.hidden_size)).collect(),
            kept: (0..count(recompute != Recompute::Full)).map(|_| kept(spec, m, allocate)).collect(),
            blocks: (0..count(recompute == Recompute::None))
                .map(|_| block(spec, m, ranks, allocate))
                .collect(),
            fused: allocate(m * spec.fused_columns()),
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

fn kept(spec: &DecoderSpec, m: usize, allocate: &mut dyn FnMut(usize) -> Buffer) -> KeptActivations {
    KeptActivations {
        output: allocate(m * spec.attention.query_size()),
        log_sum_exp: allocate(m * spec.attention.heads),
        residual: allocate(m * spec.hidden_size),
        attention_output: normed_output(spec, m, allocate),
        mlp_output: normed_output(spec, m, allocate),
    }
}

fn normed_output(spec: &DecoderSpec, m: usize, allocate: &mut dyn FnMut(usize) -> Buffer) -> NormedOutput {
    let rows = if spec.sandwich_norms { m } else { 0 };
    NormedOutput { projected: allocate(rows * spec.hidden_size), inverse_rms: allocate(rows) }
}

fn block(
    spec: &DecoderSpec,
    m: usize,
    ranks: Ranks,
    allocate: &mut dyn FnMut(usize) -> Buffer,
) -> BlockActivations {
    let (hidden, intermediate) = (spec.hidden_size, spec.intermediate_size);
    let attention = spec.attention;
    let normed = if spec.head_norms { m } else { 0 };
    BlockActivations {
        input_norm: allocate(m * hidden),
        input_inverse_rms: allocate(m),
        normed_heads: NormedHeads {
            query: allocate(normed * attention.query_size()),
            query_inverse_rms: allocate(normed * attention.heads),
            key: allocate(normed * attention.key_value_size()),
            key_inverse_rms: allocate(normed * attention.key_value_heads),
        },
        query: allocate(m * attention.query_size()),
        key: allocate(m * attention.key_value_size()),
        value: allocate(m * attention.key_value_size()),
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
    ranks: Ranks,
    allocate: &mut dyn FnMut(usize) -> Buffer,
) -> Gradients {
    let (query, key_value) = (spec.attention.query_size(), spec.attention.key_value_size());
    let normed = if spec.head_norms { m } else { 0 };
    Gradients {
        residual: allocate(m * spec.hidden_size),
        norm: allocate(m * spec.hidden_size),
        projected: allocate(if spec.sandwich_norms { m * spec.hidden_size } else { 0 }),
        activated: allocate(m * spec.intermediate_size),
        attention_output: allocate(m * query),
        query: allocate(m * query),
        key: allocate(m * key_value),
        value: allocate(m * key_value),
        head_query: allocate(normed * query),
        head_key: allocate(normed * key_value),
        low: allocate(m * ranks.into_iter().max().unwrap_or(0)),
    }
}

/// Bytes that the head's logits and gathered rows take while the loss is computed.
pub fn logits_bytes(spec: &DecoderSpec, tokens: usize) -> usize {
    let rows = cross_entropy_block_rows(spec.vocab_size).min(tokens);
    4 * rows * (spec.vocab_size + spec.hidden_size)
}
