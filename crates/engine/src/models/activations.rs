//! The buffers that a training step needs, allocated once from shapes alone.
//!
//! What a block keeps for its gradient depends on [`Recompute`]; everything else is shared by all blocks.
//! Buffers that a family has no use for are empty.

use serde::Serialize;

use super::spec::{AdapterShape, DecoderSpec, Module, Ranks};
use crate::device::{Buffer, Element, LossWork, Precision};

/// What the backward pass computes again instead of keeping (<https://arxiv.org/abs/1604.06174>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Recompute {
    /// Keep everything.
    None,
    /// Keep each block's input, its attention output, the residual between and what the norms on the halves'
    /// outputs read; compute the cheap rest again.
    Light,
    /// Keep each block's input only.
    Full,
}

impl Recompute {
    /// As the flag is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Light => "light",
            Self::Full => "full",
        }
    }
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
    /// An operand, as `post_norm` and `activated`.
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
    /// Of each module, in the order of [`Module::ALL`].
    pub adapters: [AdapterActivations; Module::COUNT],
}

/// What a module's adapter computes and its gradient reads; empty without an adapter. See [`super::low_rank`].
pub struct AdapterActivations {
    /// x̃·Aᵀ, [m, rank]
    pub low: Buffer,
    /// DoRA's product before the magnitude, [m, out].
    pub direction: Buffer,
}

/// What any block may write over.
pub struct Scratch {
    /// A fused product, or its gradient: [m, out].
    pub fused: Buffer,
    /// A module's input after dropout, or its gradient: [m, in], f32.
    pub dropped: Buffer,
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
    /// Operands.
    pub gate: Buffer,
    pub up: Buffer,
    pub attention_output: Buffer,
    pub query: Buffer,
    pub key: Buffer,
    pub value: Buffer,
    /// Of query and key before the norms on their heads.
    pub head_query: Buffer,
    pub head_key: Buffer,
    /// [m, rank]
    pub low: Buffer,
    /// A gradient as an operand of the products that read it, [m, out]; empty where these read f32.
    pub rounded: Buffer,
}

/// Makes a buffer of so many numbers, or only counts them.
pub type Allocate<'a> = &'a mut dyn FnMut(Element, usize) -> Buffer;

pub struct Activations {
    pub recompute: Recompute,
    /// Tokens that fit.
    pub capacity: usize,
    /// The lowest layer with a gradient; those below keep nothing.
    pub first_layer: usize,
    /// The input of each block from the first layer on, and the last one's output: [m, hidden] each. Below the first
    /// layer two buffers take turns; see [`Activations::residual`].
    pub residuals: Vec<Buffer>,
    pub kept: Vec<KeptActivations>,
    pub blocks: Vec<BlockActivations>,
    pub scratch: Scratch,
    pub final_norm: Buffer,
    pub final_inverse_rms: Buffer,
    pub gradients: Option<Gradients>,
    /// Made with the gradients, or when the first loss is asked for.
    pub loss: Option<LossWork>,
}

/// What decides the sizes.
#[derive(Clone, Copy, Debug)]
pub struct ActivationShape {
    /// Most tokens in a micro-batch.
    pub tokens: usize,
    pub precision: Precision,
    pub recompute: Recompute,
    pub adapters: AdapterShape,
    /// Whether a backward pass follows.
    pub backward: bool,
}

impl Activations {
    pub fn new(spec: &DecoderSpec, shape: ActivationShape, allocate: Allocate) -> Self {
        let ActivationShape { tokens: m, precision, recompute, adapters, backward } = shape;
        let a = &mut Allocator { operand: Element::operand(precision), allocate };
        let layers = spec.layers.len();
        let first_layer = if backward { adapters.frozen_layers } else { layers };
        let count = |keep: bool| if keep { (layers - first_layer).max(1) } else { 1 };
        let residuals = layers - first_layer + 1 + usize::from(first_layer > 0);
        Self {
            recompute,
            capacity: m,
            first_layer,
            residuals: (0..residuals).map(|_| a.values(m * spec.hidden_size)).collect(),
            kept: (0..count(recompute != Recompute::Full)).map(|_| kept(spec, m, a)).collect(),
            blocks: (0..count(recompute == Recompute::None)).map(|_| block(spec, m, adapters, a)).collect(),
            scratch: Scratch {
                fused: a.values(m * spec.fused_columns()),
                dropped: a.values(if backward { m * dropped_columns(spec, adapters) } else { 0 }),
            },
            final_norm: a.values(m * spec.hidden_size),
            final_inverse_rms: a.values(m),
            gradients: backward.then(|| gradients(spec, m, adapters.ranks, a)),
            loss: backward.then(|| loss_work(spec, m, a.allocate)),
        }
    }

    /// Gives the memory back once no pass follows.
    pub fn release(&mut self) {
        self.capacity = 0;
        self.residuals.clear();
        self.kept.clear();
        self.blocks.clear();
        (self.gradients, self.loss) = (None, None);
        self.scratch = Scratch { fused: Buffer::empty(), dropped: Buffer::empty() };
        self.final_norm = Buffer::empty();
    }

    /// Where layer `layer` finds its buffers: its own, or those that it shares.
    pub fn slot(len: usize, first_layer: usize, layer: usize) -> usize {
        layer.saturating_sub(first_layer).min(len - 1)
    }

    /// Which residual is the input of layer `layer`; the number of layers stands for the last one's output.
    pub fn residual(first_layer: usize, layer: usize) -> usize {
        let base = usize::from(first_layer > 0);
        match layer.checked_sub(first_layer) {
            Some(above) => base + above,
            None => base - (first_layer - layer) % 2,
        }
    }
}

struct Allocator<'a> {
    operand: Element,
    allocate: Allocate<'a>,
}

impl Allocator<'_> {
    fn values(&mut self, len: usize) -> Buffer {
        (self.allocate)(Element::F32, len)
    }

    fn operand(&mut self, len: usize) -> Buffer {
        (self.allocate)(self.operand, len)
    }

    /// Room for a second, rounded copy where operands are not f32.
    fn rounded(&mut self, len: usize) -> Buffer {
        self.operand(if self.operand == Element::F32 { 0 } else { len })
    }
}

fn kept(spec: &DecoderSpec, m: usize, a: &mut Allocator) -> KeptActivations {
    KeptActivations {
        output: a.values(m * spec.attention.query_size()),
        log_sum_exp: a.values(m * spec.attention.heads),
        residual: a.values(m * spec.hidden_size),
        attention_output: normed_output(spec, m, a),
        mlp_output: normed_output(spec, m, a),
    }
}

fn normed_output(spec: &DecoderSpec, m: usize, a: &mut Allocator) -> NormedOutput {
    let rows = if spec.sandwich_norms { m } else { 0 };
    NormedOutput { projected: a.values(rows * spec.hidden_size), inverse_rms: a.values(rows) }
}

/// Columns of the widest input that dropout changes.
fn dropped_columns(spec: &DecoderSpec, adapters: AdapterShape) -> usize {
    let columns =
        |&module: &Module| if adapters.ranks[module as usize] > 0 { spec.shape(module)[1] } else { 0 };
    if adapters.dropout { spec.modules().iter().map(columns).max().unwrap_or(0) } else { 0 }
}

fn block(spec: &DecoderSpec, m: usize, adapters: AdapterShape, a: &mut Allocator) -> BlockActivations {
    let (hidden, intermediate) = (spec.hidden_size, spec.intermediate_size);
    let attention = spec.attention;
    let normed = if spec.head_norms { m } else { 0 };
    BlockActivations {
        input_norm: a.operand(m * hidden),
        input_inverse_rms: a.values(m),
        normed_heads: NormedHeads {
            query: a.values(normed * attention.query_size()),
            query_inverse_rms: a.values(normed * attention.heads),
            key: a.values(normed * attention.key_value_size()),
            key_inverse_rms: a.values(normed * attention.key_value_heads),
        },
        query: a.values(m * attention.query_size()),
        key: a.values(m * attention.key_value_size()),
        value: a.values(m * attention.key_value_size()),
        post_norm: a.operand(m * hidden),
        post_inverse_rms: a.values(m),
        gate: a.values(m * intermediate),
        up: a.values(m * intermediate),
        activated: a.operand(m * intermediate),
        adapters: Module::ALL.map(|module| {
            let rank = adapters.ranks[module as usize];
            let decomposed = adapters.magnitudes && rank > 0;
            AdapterActivations {
                low: a.values(m * rank),
                direction: a.values(if decomposed { m * spec.shape(module)[0] } else { 0 }),
            }
        }),
    }
}

fn gradients(spec: &DecoderSpec, m: usize, ranks: Ranks, a: &mut Allocator) -> Gradients {
    let (query, key_value) = (spec.attention.query_size(), spec.attention.key_value_size());
    let normed = if spec.head_norms { m } else { 0 };
    Gradients {
        residual: a.values(m * spec.hidden_size),
        norm: a.values(m * spec.hidden_size),
        projected: a.values(if spec.sandwich_norms { m * spec.hidden_size } else { 0 }),
        activated: a.values(m * spec.intermediate_size),
        gate: a.operand(m * spec.intermediate_size),
        up: a.operand(m * spec.intermediate_size),
        attention_output: a.values(m * query),
        query: a.values(m * query),
        key: a.values(m * key_value),
        value: a.values(m * key_value),
        head_query: a.values(normed * query),
        head_key: a.values(normed * key_value),
        low: a.values(m * ranks.into_iter().max().unwrap_or(0)),
        rounded: a.rounded(m * spec.hidden_size.max(query + 2 * key_value).max(spec.fused_columns())),
    }
}

/// Logits that exist at a time: 2 Mi numbers (8 MiB), between 128 and 1024 rows of them, or `tokens`. Each block of rows reads
/// and packs the whole head, which for large vocabularies costs more than the products where rows are few.
pub fn loss_work(spec: &DecoderSpec, tokens: usize, allocate: Allocate) -> LossWork {
    let rows = ((2 << 20) / spec.vocab_size.max(1)).clamp(128, 1024).min(tokens).max(1);
    let mut values = |len| allocate(Element::F32, len);
    LossWork { logits: values(rows * spec.vocab_size), inputs: values(rows * spec.hidden_size) }
}
