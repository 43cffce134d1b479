//! Where tensors live and what can be done with them.
//!
//! A [`Device`] owns opaque buffers and offers operations of transformer size. Shapes are written
//! `[rows, columns]`; `m` is the number of tokens of a packed micro-batch (sequences one after the
//! other, no padding). All activations are f32; [`Precision`] says what products are made of.
//! Host slices appear only where data enters and leaves a device.

use std::ops::Range;

use crate::batching::MicroBatch;
use crate::quantization::nf4::Nf4;
use crate::quantization::q8::Q8;
use crate::weights::DType;

pub mod conformance;
pub mod cpu;

pub use cpu::gemm::{Beta, Precision, ProductShape};

/// An array in a device's memory: f32, or an operand in bf16. Devices look inside, nobody else does.
pub struct Buffer(pub(crate) Storage);

pub(crate) enum Storage {
    Cpu(cpu::Array),
    CpuBf16(cpu::HalfArray),
}

/// What the numbers of a [`Buffer`] are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    F32,
    Bf16,
}

impl Element {
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::Bf16 => 2,
        }
    }

    /// What is enough for an operand, which nothing but products of `precision` reads: they round it all the same.
    pub fn operand(precision: Precision) -> Self {
        match precision {
            Precision::F32 => Self::F32,
            Precision::Bf16 => Self::Bf16,
        }
    }
}

impl Buffer {
    /// A buffer without memory, for counting instead of allocating.
    pub fn empty() -> Self {
        Self(Storage::Cpu(cpu::Array::zeros(0)))
    }

    pub fn len(&self) -> usize {
        match &self.0 {
            Storage::Cpu(array) => array.len(),
            Storage::CpuBf16(array) => array.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A matrix `[rows, columns]` that multiplies activations, in f32 or in a format that takes less memory.
pub struct Weight {
    pub rows: usize,
    pub columns: usize,
    pub(crate) data: WeightData,
}

pub(crate) enum WeightData {
    F32(Buffer),
    Bf16(cpu::HalfArray),
    F16(cpu::HalfArray),
    Nf4(Nf4),
    Q8(Q8),
}

impl Weight {
    /// Bytes held on the device.
    pub fn bytes(&self) -> usize {
        self.format().size_bytes(self.rows * self.columns)
    }

    pub fn format(&self) -> WeightFormat {
        match &self.data {
            WeightData::F32(_) => WeightFormat::F32,
            WeightData::Bf16(_) => WeightFormat::Bf16,
            WeightData::F16(_) => WeightFormat::F16,
            WeightData::Nf4(_) => WeightFormat::Nf4,
            WeightData::Q8(_) => WeightFormat::Q8,
        }
    }

    /// The f32 values, for weights that are trained or read as vectors (norms).
    pub fn values(&self) -> Option<&Buffer> {
        match &self.data {
            WeightData::F32(buffer) => Some(buffer),
            _ => None,
        }
    }

    pub fn values_mut(&mut self) -> Option<&mut Buffer> {
        match &mut self.data {
            WeightData::F32(buffer) => Some(buffer),
            _ => None,
        }
    }
}

/// A packed micro-batch as the device holds it.
pub struct Batch(pub(crate) BatchStorage);

pub(crate) enum BatchStorage {
    Cpu(cpu::CpuBatch),
}

impl Batch {
    /// Tokens in the batch.
    pub fn tokens(&self) -> usize {
        match &self.0 {
            BatchStorage::Cpu(batch) => batch.ids.len(),
        }
    }
}

/// Heads of one attention layer; query heads share key/value heads in groups.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionShape {
    pub heads: usize,
    pub key_value_heads: usize,
    pub head_dim: usize,
    /// Multiplies the scores before the softmax, usually `1/sqrt(head_dim)`.
    pub scale: f32,
    /// Scores become `cap · tanh(scale · score / cap)` (Gemma 2, <https://arxiv.org/abs/2408.00118>).
    pub soft_cap: Option<f32>,
    /// Keys that a query sees, its own included; `None` sees all before it (<https://arxiv.org/abs/2310.06825>).
    pub window: Option<usize>,
}

impl AttentionShape {
    /// Columns of the query and of the output.
    pub fn query_size(&self) -> usize {
        self.heads * self.head_dim
    }

    /// Columns of the key and of the value.
    pub fn key_value_size(&self) -> usize {
        self.key_value_heads * self.head_dim
    }

    /// The first key that a query at `position` sees.
    pub fn first_key(&self, position: usize) -> usize {
        self.window.map_or(0, |window| (position + 1).saturating_sub(window))
    }
}

/// Constants of a norm: `y = x / sqrt(mean(x²) + epsilon) · (offset + w)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsNorm {
    pub epsilon: f32,
    /// 0, or 1 where weights are kept as their distance from 1 (Gemma).
    pub offset: f32,
}

/// Heads of a `[m, heads * head_dim]` buffer, of which positions rotate the first `rotary_dim` numbers each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RotaryShape {
    pub heads: usize,
    pub head_dim: usize,
    pub rotary_dim: usize,
}

/// What the gate of a gated layer goes through (<https://arxiv.org/abs/2002.05202>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `x · sigmoid(x)`
    Silu,
    /// `x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))`, PyTorch's `gelu(approximate="tanh")`.
    GeluTanh,
}

/// A block of columns inside rows that are `stride` numbers apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns {
    pub start: usize,
    pub stride: usize,
}

/// What a loss returns: sums, never means. The mean is taken once, over an effective batch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LossSum {
    /// Sum of the negative log-likelihoods (natural logarithm) of the supervised tokens.
    pub sum: f64,
    /// Supervised tokens.
    pub tokens: usize,
    /// Supervised tokens whose most likely prediction was right.
    pub correct: usize,
}

impl std::ops::AddAssign for LossSum {
    fn add_assign(&mut self, other: Self) {
        self.sum += other.sum;
        self.tokens += other.tokens;
        self.correct += other.correct;
    }
}

/// One AdamW update (Loshchilov & Hutter, <https://arxiv.org/abs/1711.05101>).
#[derive(Clone, Copy, Debug)]
pub struct AdamWStep {
    pub learning_rate: f32,
    pub beta1: f32,
    pub beta2: f32,
    pub epsilon: f32,
    pub weight_decay: f32,
    /// The update's number, from 1 (bias correction).
    pub step: u64,
    /// Multiplies the gradient first: gradient clipping.
    pub gradient_scale: f32,
}

/// Which numbers of a matrix dropout keeps (<https://jmlr.org/papers/v15/srivastava14a.html>). A hash of key, row and
/// column decides: nothing is stored, and the same numbers are kept whenever it is asked again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DropoutMask {
    /// Share of the numbers that are dropped, below 1.
    pub probability: f32,
    pub key: u64,
    /// Number of the matrix's first row in what the key stands for.
    pub first_row: u64,
    /// The factors are 1 minus those of the mask: what dropout took away.
    pub complement: bool,
}

impl DropoutMask {
    /// What the dropped and the kept numbers are multiplied with: 0 and `1 / (1 - probability)`.
    pub fn factors(&self) -> [f32; 2] {
        let kept = (1.0 / (1.0 - f64::from(self.probability))) as f32;
        if self.complement { [1.0, 1.0 - kept] } else { [0.0, kept] }
    }
}

/// How a weight is kept on the device. All but f32 are for weights that are not trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightFormat {
    F32,
    Bf16,
    F16,
    /// 4 bits and a shared scale: see [`crate::quantization::nf4`].
    Nf4,
    /// 8 bits and a shared scale: see [`crate::quantization::q8`].
    Q8,
}

impl WeightFormat {
    /// Bytes of a matrix of `len` values.
    pub fn size_bytes(self, len: usize) -> usize {
        match self {
            Self::F32 => 4 * len,
            Self::Bf16 | Self::F16 => 2 * len,
            Self::Nf4 => Nf4::size_bytes(len),
            Self::Q8 => Q8::size_bytes(len),
        }
    }
}

/// The values of a weight as a file holds them: row-major, little-endian, not necessarily aligned.
pub struct StoredValues<'a> {
    pub dtype: DType,
    /// How many.
    pub len: usize,
    /// Each value is asked for once, unless one is bad.
    pub read: &'a ReadValues<'a>,
}

/// Shows the bytes of a range of values, on any thread.
pub type ReadValues<'a> = dyn Fn(Range<usize>, &mut dyn FnMut(&[u8])) + Sync + 'a;

/// A value that no weight may have: it is no finite number, or its format has none for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BadValue {
    /// Position in the tensor, row by row.
    pub index: usize,
    pub value: f32,
}

/// A product with a short sum that is added to another one while that is made: `scale * x·wᵀ`, or `scale * x·w` in an
/// input gradient. What an adapter adds to its layer.
#[derive(Clone, Copy)]
pub struct Addend<'a> {
    pub scale: f32,
    pub x: &'a Buffer,
    pub w: &'a Weight,
}

/// Operations that the decoder, the trainer and the generator are written in.
///
/// Products read operands in f32 or, made by [`Device::allocate`], in bf16; so do the outputs that are named operands.
/// All other buffers are f32.
///
/// `Beta::Accumulate` adds to the output instead of replacing it. Every operation gives the same
/// bits for any number of threads.
pub trait Device: Send + Sync {
    /// For people: processor and kernel path.
    fn description(&self) -> String;
    /// Calls `work` where its operations start soonest, such as on one of the device's own threads: once, before it
    /// returns.
    fn enter(&self, work: &mut (dyn FnMut() + Send)) {
        work();
    }

    // Data in and out.
    fn allocate(&self, element: Element, len: usize) -> Buffer;
    fn zeros(&self, len: usize) -> Buffer {
        self.allocate(Element::F32, len)
    }
    fn upload(&self, values: &[f32]) -> Buffer;
    fn download(&self, buffer: &Buffer) -> Vec<f32>;
    fn write(&self, values: &[f32], buffer: &mut Buffer);
    /// # Panics
    /// When a value does not fit the format, or their number the shape.
    fn upload_weight(&self, values: &[f32], rows: usize, columns: usize, format: WeightFormat) -> Weight;
    /// As [`Device::upload_weight`], from a file's bytes, which are checked on the way.
    fn upload_stored(
        &self,
        stored: &StoredValues,
        rows: usize,
        columns: usize,
        format: WeightFormat,
    ) -> Result<Weight, BadValue>;
    fn download_weight(&self, weight: &Weight) -> Vec<f32>;
    fn upload_batch(&self, batch: &MicroBatch) -> Batch;
    fn copy(&self, source: &Buffer, target: &mut Buffer, len: usize);
    /// `target[target_start..][..len] = source[source_start..][..len]`.
    fn copy_range(
        &self,
        source: &Buffer,
        source_start: usize,
        target: &mut Buffer,
        target_start: usize,
        len: usize,
    );
    /// `width` columns of `m` rows between buffers of one kind: takes apart and puts together what one fused product makes.
    fn copy_columns(
        &self,
        m: usize,
        width: usize,
        source: &Buffer,
        from: Columns,
        target: &mut Buffer,
        to: Columns,
    );
    fn fill_zero(&self, buffer: &mut Buffer);
    /// `y = x`, rounded to what `y` is made of.
    fn round(&self, len: usize, x: &Buffer, y: &mut Buffer);

    // Matrices. x: [m, in], w: [out, in], y: [m, out].
    /// `y (+)= scale * x·wᵀ`, and the addend.
    #[allow(clippy::too_many_arguments)]
    fn linear(
        &self,
        precision: Precision,
        m: usize,
        scale: f32,
        x: &Buffer,
        w: &Weight,
        addend: Option<Addend>,
        beta: Beta,
        y: &mut Buffer,
    );
    /// `dx (+)= scale * dy·w`, and the addend.
    #[allow(clippy::too_many_arguments)]
    fn linear_input_gradient(
        &self,
        precision: Precision,
        m: usize,
        scale: f32,
        dy: &Buffer,
        w: &Weight,
        addend: Option<Addend>,
        beta: Beta,
        dx: &mut Buffer,
    );
    /// `dw += scale * dyᵀ·x`, dy: [m, rows], x: [m, columns], dw: [rows, columns]
    #[allow(clippy::too_many_arguments)]
    fn linear_weight_gradient(
        &self,
        precision: Precision,
        m: usize,
        scale: f32,
        dy: &Buffer,
        rows: usize,
        x: &Buffer,
        columns: usize,
        dw: &mut Buffer,
    );

    /// `y[i] += bias`, y: [m, out], bias: [out]
    fn add_bias(&self, m: usize, bias: &Weight, y: &mut Buffer);
    /// `d_bias += Σ dy[i]`, added up in a fixed order; `dy` may be an operand.
    fn bias_gradient(&self, m: usize, dy: &Buffer, d_bias: &mut Buffer);

    // The decoder's parts.
    /// `x[i] = scale * table[ids[i]]`, x: [m, hidden]
    fn embed(&self, batch: &Batch, table: &Weight, scale: f32, x: &mut Buffer);
    /// `d_table[ids[i]] += scale * dx[i]`
    fn embed_gradient(&self, batch: &Batch, dx: &Buffer, hidden: usize, scale: f32, d_table: &mut Buffer);
    /// `y (+)= x / rms(x) * (offset + w)` for `m` rows as long as `w`; `inverse_rms`: [m] is kept for the
    /// gradient (<https://arxiv.org/abs/1910.07467>). Heads are normed one by one as rows of `head_dim`.
    /// `y` may be an operand, which is never added to.
    #[allow(clippy::too_many_arguments)]
    fn rms_norm(
        &self,
        m: usize,
        norm: RmsNorm,
        x: &Buffer,
        w: &Weight,
        beta: Beta,
        y: &mut Buffer,
        inverse_rms: &mut Buffer,
    );
    /// `dx += ∂`, and `dw += ∂` where the norm is trained.
    #[allow(clippy::too_many_arguments)]
    fn rms_norm_gradient(
        &self,
        m: usize,
        norm: RmsNorm,
        dy: &Buffer,
        x: &Buffer,
        w: &Weight,
        inverse_rms: &Buffer,
        dx: &mut Buffer,
        dw: Option<&mut Buffer>,
    );
    /// Rotates halves (x_i, x_{i+d/2}) of each head's first `d = rotary_dim` numbers in place
    /// (<https://arxiv.org/abs/2104.09864>, Hugging Face's order). `table`: [positions, rotary_dim] as cos then sin
    /// of each half. `inverse` rotates back: the gradient.
    fn rope(&self, batch: &Batch, shape: RotaryShape, table: &Buffer, inverse: bool, x: &mut Buffer);
    /// Causal attention within each sequence of the batch. `log_sum_exp`: [heads, m] is kept for the gradient.
    #[allow(clippy::too_many_arguments)]
    fn attention(
        &self,
        precision: Precision,
        batch: &Batch,
        shape: AttentionShape,
        query: &Buffer,
        key: &Buffer,
        value: &Buffer,
        output: &mut Buffer,
        log_sum_exp: &mut Buffer,
    );
    #[allow(clippy::too_many_arguments)]
    fn attention_gradient(
        &self,
        precision: Precision,
        batch: &Batch,
        shape: AttentionShape,
        query: &Buffer,
        key: &Buffer,
        value: &Buffer,
        output: &Buffer,
        log_sum_exp: &Buffer,
        d_output: &Buffer,
        d_query: &mut Buffer,
        d_key: &mut Buffer,
        d_value: &mut Buffer,
    );
    /// `m` new queries after `past` cached positions: query i sees keys up to `past + i`.
    #[allow(clippy::too_many_arguments)]
    fn attention_cached(
        &self,
        m: usize,
        past: usize,
        shape: AttentionShape,
        query: &Buffer,
        key_cache: &Buffer,
        value_cache: &Buffer,
        output: &mut Buffer,
    );
    /// `y = activation(gate) * up`, all [m, intermediate]; `y` may be an operand.
    fn gated(&self, activation: Activation, len: usize, gate: &Buffer, up: &Buffer, y: &mut Buffer);
    /// The gradients of `gate` and `up`, which may be operands.
    #[allow(clippy::too_many_arguments)]
    fn gated_gradient(
        &self,
        activation: Activation,
        len: usize,
        dy: &Buffer,
        gate: &Buffer,
        up: &Buffer,
        d_gate: &mut Buffer,
        d_up: &mut Buffer,
    );
    /// `x = cap · tanh(x / cap)`
    fn soft_cap(&self, len: usize, cap: f32, x: &mut Buffer);
    /// The language-model head and the cross-entropy over the supervised tokens only, as many tokens at a time as
    /// `work` holds: the logits of the batch never exist. They pass [`Device::soft_cap`] where a cap is given.
    /// With `gradient`, adds `gradient_scale *` the gradients.
    #[allow(clippy::too_many_arguments)]
    fn cross_entropy(
        &self,
        precision: Precision,
        batch: &Batch,
        x: &Buffer,
        head: &Weight,
        soft_cap: Option<f32>,
        work: &mut LossWork,
        gradient: Option<HeadGradient>,
    ) -> LossSum;

    // Adapters.
    /// `y (+)= mask ∘ x` for `m` rows of `columns` numbers; `x` may be an operand.
    fn dropout(&self, m: usize, columns: usize, mask: DropoutMask, x: &Buffer, beta: Beta, y: &mut Buffer);
    /// `squares[i] = Σ w[i]²`, squares: [rows]
    fn row_squares(&self, w: &Weight, squares: &mut Buffer);
    /// `norms[o] = √(squares[o] + Σ_k b[o][k] · products[k][o])`, `factors[o] = magnitude[o] / norms[o]` (0 where the norm
    /// is). products: [rank, out], b: [out, rank], the others: [out].
    fn magnitude_factors(
        &self,
        squares: &Buffer,
        products: &Buffer,
        b: &Weight,
        magnitude: &Weight,
        norms: &mut Buffer,
        factors: &mut Buffer,
    );
    /// `y[i] (+)= factors ∘ x[i]`, x and y: [m, out], factors: [out]
    fn scale_columns(&self, m: usize, factors: &Buffer, x: &Buffer, beta: Beta, y: &mut Buffer);
    /// `d_magnitude += Σ dy[i] ∘ direction[i] / norms`, added up in a fixed order; then `direction[i] = factors ∘ dy[i]`.
    /// `dy` may be an operand.
    fn magnitude_gradient(
        &self,
        m: usize,
        dy: &Buffer,
        factors: &Buffer,
        norms: &Buffer,
        direction: &mut Buffer,
        d_magnitude: Option<&mut Buffer>,
    );

    // The optimizer's parts.
    /// Sum of squares, added up in a fixed order in f64.
    fn sum_of_squares(&self, buffer: &Buffer) -> f64;
    fn adamw(
        &self,
        step: &AdamWStep,
        value: &mut Buffer,
        gradient: &Buffer,
        first_moment: &mut Buffer,
        second_moment: &mut Buffer,
    );

    /// Bytes that the device itself takes for operations of these shapes, besides the buffers that it is given.
    fn workspace_bytes(&self, workload: &Workload) -> u64;
}

impl dyn Device + '_ {
    /// A sequence of operations. Each of them alone would wake the device and wait for it.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let (mut work, mut result) = (Some(work), None);
        self.enter(&mut || result = work.take().map(|work| work()));
        result.expect("a device calls the work that it is given")
    }
}

/// The shapes of a run's operations.
#[derive(Clone, Debug)]
pub struct Workload {
    pub precision: Precision,
    pub products: Vec<ProductShape>,
    pub attention: AttentionShape,
    /// Tokens of the longest sequence.
    pub longest: usize,
}

/// What [`Device::cross_entropy`] works in.
pub struct LossWork {
    /// [rows, vocabulary], for at least one row.
    pub logits: Buffer,
    /// [rows, hidden]
    pub inputs: Buffer,
}

/// Where [`Device::cross_entropy`] puts its gradients.
pub struct HeadGradient<'a> {
    /// [m, hidden], replaced: rows without supervision become 0.
    pub dx: &'a mut Buffer,
    /// [vocabulary, hidden], added to; only where the head is trained.
    pub d_head: Option<&'a mut Buffer>,
    /// 1 / supervised tokens of the whole effective batch.
    pub scale: f32,
}
