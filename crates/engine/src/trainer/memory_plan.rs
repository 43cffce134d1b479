//! What a run will allocate, from shapes alone.

use serde::Serialize;

use super::TrainError;
use super::options::{Method, TrainOptions};
use crate::adapters::peft::Adapter;
use crate::device::{Buffer, Device, Precision, ProductShape, Workload};
use crate::models::activations::{ActivationShape, Activations, Recompute, loss_work};
use crate::models::load::BaseFormats;
use crate::models::low_rank::norm_scratch;
use crate::models::rope::Rope;
use crate::models::{AdapterShape, DecoderSpec, Module};

/// What the program will still touch of itself while it computes: code, stacks of threads, small allocations. Measured.
pub const RUNTIME_BYTES: u64 = 8 << 20;

/// Resident memory of the program itself once it has read the model's tokenizer and a small data file: what a plan
/// counts that is made outside of the run. Measured; a tokenizer of 150 000 pieces leaves more behind than one of 4000.
pub const PROCESS_BYTES: u64 = 24 << 20;

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
    /// Position tables, what DoRA's norms take, the device's own workspace, the largest tensor on its way into a checkpoint, and the program.
    pub buffers: u64,
    pub total_bytes: u64,
}

/// The shapes of a run.
#[derive(Clone, Copy, Debug)]
pub struct RunShape {
    pub activations: ActivationShape,
    /// Tokens of the longest sequence.
    pub longest: usize,
    /// How base matrices are kept.
    pub base: BaseFormats,
    /// Every tensor is trained, instead of adapters.
    pub full: bool,
    /// Memory that the program holds before anything of the run is allocated.
    pub process_bytes: u64,
}

impl RunShape {
    /// The run that is asked for, with micro-batches of full length.
    ///
    /// # Errors
    /// Modules that the model does not have, or an adapter that cannot be read.
    pub fn of(options: &TrainOptions, spec: &DecoderSpec) -> Result<Self, TrainError> {
        let full = options.method == Method::Full;
        let precision = options.precision.into();
        Ok(Self {
            activations: ActivationShape {
                tokens: options.micro_batch_size * options.max_seq_len,
                precision,
                recompute: options.recompute.fastest_first(false)[0],
                adapters: adapter_shape(options, spec)?,
                backward: true,
            },
            longest: options.max_seq_len,
            base: options.base_formats(),
            full,
            process_bytes: PROCESS_BYTES + RUNTIME_BYTES,
        })
    }

    /// The same run with other micro-batches.
    pub fn with(mut self, tokens: usize, longest: usize, recompute: Recompute) -> Self {
        self.activations.tokens = tokens;
        self.activations.recompute = recompute;
        self.longest = longest;
        self
    }

    /// Numbers in all adapters.
    fn adapters(&self, spec: &DecoderSpec) -> usize {
        let adapters = self.activations.adapters;
        let adapter = |&module: &Module| {
            let [out, input] = spec.shape(module);
            adapters.ranks[module as usize] * (out + input)
        };
        let of_a_layer: usize = spec.modules().iter().map(adapter).sum();
        adapters.layers * (of_a_layer + magnitudes_of_a_layer(spec, adapters))
    }

    /// Numbers in the largest tensor that is trained.
    fn largest_trained(&self, spec: &DecoderSpec) -> usize {
        let ranks = self.activations.adapters.ranks;
        let size = |&module: &Module| {
            let [out, input] = spec.shape(module);
            if self.full { out * input } else { ranks[module as usize] * out.max(input) }
        };
        let table = if self.full { spec.vocab_size * spec.hidden_size } else { 0 };
        spec.modules().iter().map(size).max().unwrap_or(0).max(table)
    }

    /// Every product of a step, those that adapters add to their layers included.
    fn workload(&self, spec: &DecoderSpec) -> Workload {
        let m = self.activations.tokens;
        let mut products = Vec::new();
        // Which operands of the products lie in memory as these read them: activations and their gradients do, the few
        // columns of adapters, what dropout changes and the head's are f32.
        let (precision, dropout) = (self.activations.precision, self.activations.adapters.dropout);
        let all = precision == Precision::F32;
        let mut product = |rows: usize, [out, input]: [usize; 2], plain: [bool; 2], trained, second_k| {
            // Forward, the gradient of the input, and of the weight, upright and lying down.
            for (shape, plain) in [[rows, out, input], [rows, input, out]].into_iter().zip(plain) {
                let plain_a = all || plain;
                products.push(ProductShape { second_k, plain_a, ..ProductShape::new(shape) });
            }
            if trained {
                products.push(ProductShape::new([out, input, rows]));
                products.push(ProductShape::new([input, out, rows]));
            }
        };
        for &module in spec.modules() {
            let [out, input] = spec.shape(module);
            let rank = self.activations.adapters.ranks[module as usize];
            product(m, [out, input], [true, true], self.full, rank);
            product(m, [rank, input], [!dropout, false], true, 0);
            product(m, [out, rank], [false, true], true, 0);
        }
        let mut rows = 0;
        loss_work(spec, m, &mut |_, len| {
            rows = len / spec.hidden_size;
            Buffer::empty()
        });
        product(rows, [spec.vocab_size, spec.hidden_size], [false, false], self.full, 0);
        Workload { precision, products, attention: spec.attention, longest: self.longest }
    }
}

/// What the adapters of this run make of its shapes: those of the options, or of the adapter that it begins with.
fn adapter_shape(options: &TrainOptions, spec: &DecoderSpec) -> Result<AdapterShape, TrainError> {
    let Some(dir) = &options.init_adapter else { return Ok(options.adapter_shape(spec)?) };
    let adapter = Adapter::read(dir)?;
    let mut shape = AdapterShape {
        dropout: adapter.config.lora_dropout > 0.0,
        frozen_layers: spec.layers.len(),
        ..AdapterShape::default()
    };
    for layer in 0..spec.layers.len() {
        let on_layer = spec.modules().iter().filter_map(|&m| Some((m, adapter.pair(&m.path(layer))?)));
        let before = shape.layers;
        for (module, pair) in on_layer {
            shape.ranks[module as usize] = shape.ranks[module as usize].max(pair.rank);
            shape.magnitudes |= pair.magnitude.is_some();
            shape.layers = before + 1;
            shape.frozen_layers = shape.frozen_layers.min(layer);
        }
    }
    Ok(shape)
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
fn norm_bytes(spec: &DecoderSpec, adapters: AdapterShape) -> u64 {
    if !adapters.magnitudes {
        return 0;
    }
    let magnitudes = adapters.layers * magnitudes_of_a_layer(spec, adapters);
    (4 * (3 * magnitudes + norm_scratch(spec, adapters).iter().sum::<usize>())) as u64
}

/// The plan of a run.
pub fn plan(device: &dyn Device, spec: &DecoderSpec, run: &RunShape) -> MemoryPlan {
    let adapters = run.adapters(spec);
    let trained = if run.full { spec.parameters() } else { adapters };
    let (activations, logits) = activation_bytes(spec, run.activations);
    // A tensor is copied out and encoded before it is written.
    let checkpoint = 2 * 4 * run.largest_trained(spec) as u64;
    let workspace = device.workspace_bytes(&run.workload(spec));
    let mut plan = MemoryPlan {
        weights: weight_bytes(spec, run.base),
        adapters: 4 * adapters as u64,
        optimizer: 3 * 4 * trained as u64,
        activations,
        logits,
        kv_cache: 0,
        buffers: rope_table_bytes(spec)
            + norm_bytes(spec, run.activations.adapters)
            + workspace
            + checkpoint
            + run.process_bytes,
        total_bytes: 0,
    };
    plan.total_bytes = plan.weights
        + plan.adapters
        + plan.optimizer
        + plan.activations
        + plan.logits
        + plan.kv_cache
        + plan.buffers;
    plan
}

/// Bytes of the base model. Each matrix by itself: blocks do not span two.
pub fn weight_bytes(spec: &DecoderSpec, base: BaseFormats) -> u64 {
    let linear = |&module: &Module| base.linear.size_bytes(spec.shape(module).iter().product());
    let block: usize = spec.modules().iter().map(linear).sum();
    let tables = if spec.tie_word_embeddings { 1 } else { 2 };
    let table = base.table.size_bytes(spec.vocab_size * spec.hidden_size);
    (tables * table + spec.layers.len() * block + 4 * spec.vector_parameters()) as u64
}

fn rope_table_bytes(spec: &DecoderSpec) -> u64 {
    let columns: usize = spec.ropes.iter().map(Rope::rotary_dim).sum();
    (4 * spec.max_position_embeddings * columns) as u64
}

/// Bytes of what is kept between forward and backward pass, and of the logits.
fn activation_bytes(spec: &DecoderSpec, shape: ActivationShape) -> (u64, u64) {
    let (mut all, mut logits) = (0, 0);
    Activations::new(spec, shape, &mut |element, len| {
        all += (element.bytes() * len) as u64;
        Buffer::empty()
    });
    loss_work(spec, shape.tokens, &mut |element, len| {
        logits += (element.bytes() * len) as u64;
        Buffer::empty()
    });
    let logits = if shape.backward { logits } else { 0 };
    (all - logits, logits)
}
