//! A sequence in progress: the keys and values of every layer, and the buffers for some new tokens.

use super::GenerationError;
use crate::batching::{MicroBatch, Segment};
use crate::device::{Beta, Buffer, Weight};
use crate::models::activations::{ActivationShape, Activations, Recompute};
use crate::models::projection::Projection;
use crate::models::{Decoder, Module};

/// New tokens per pass while a prompt is read.
const CHUNK: usize = 128;

/// One sequence on one decoder. Positions never exceed the capacity given at the start.
pub struct Decoding<'a> {
    decoder: &'a Decoder,
    with_adapter: bool,
    capacity: usize,
    len: usize,
    keys: Vec<Buffer>,
    values: Vec<Buffer>,
    work: Activations,
    last: Buffer,
    normed: Buffer,
    inverse_rms: Buffer,
    logits: Buffer,
}

impl<'a> Decoding<'a> {
    /// `capacity`: positions in all. `with_adapter: false` runs the bare base of a tuned model.
    pub fn new(decoder: &'a Decoder, capacity: usize, with_adapter: bool) -> Self {
        let device = &*decoder.device;
        let capacity = capacity.min(decoder.spec.max_position_embeddings);
        let per_layer = capacity * decoder.spec.attention.key_value_size();
        let cache = || (0..decoder.spec.num_hidden_layers).map(|_| device.zeros(per_layer)).collect();
        let shape = ActivationShape {
            tokens: CHUNK.min(capacity.max(1)),
            recompute: Recompute::Full,
            ranks: decoder.ranks(),
            backward: false,
        };
        Self {
            decoder,
            with_adapter,
            capacity,
            len: 0,
            keys: cache(),
            values: cache(),
            work: Activations::new(&decoder.spec, shape, &mut |len| device.zeros(len)),
            last: device.zeros(decoder.spec.hidden_size),
            normed: device.zeros(decoder.spec.hidden_size),
            inverse_rms: device.zeros(1),
            logits: device.zeros(decoder.spec.vocab_size),
        }
    }

    /// Positions used.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Positions left.
    pub fn room(&self) -> usize {
        self.capacity - self.len
    }

    /// Reads tokens; returns the logits after the last one.
    pub fn push(&mut self, ids: &[u32]) -> Result<Vec<f32>, GenerationError> {
        if ids.is_empty() || ids.len() > self.room() {
            return Err(GenerationError::NoRoom { tokens: self.len + ids.len(), context: self.capacity });
        }
        if let Some(&id) = ids.iter().find(|&&id| id as usize >= self.decoder.spec.vocab_size) {
            return Err(GenerationError::UnknownToken { id, vocab_size: self.decoder.spec.vocab_size });
        }
        for chunk in ids.chunks(self.work.capacity) {
            self.forward(chunk);
        }
        Ok(self.last_logits())
    }

    fn forward(&mut self, ids: &[u32]) {
        let decoder = self.decoder;
        let (compute, spec, m) = (decoder.compute(), &decoder.spec, ids.len());
        let device = compute.device;
        let batch = device.upload_batch(&MicroBatch {
            ids: ids.to_vec(),
            targets: vec![-100; m],
            positions: (self.len as u32..).take(m).collect(),
            segments: vec![Segment { start: 0, len: m }],
            rows: vec![0],
        });
        let with_adapter = self.with_adapter;
        let Activations { residuals, attention, blocks, .. } = &mut self.work;
        let ([x, _], [attention], [a]) = (&mut residuals[..], &mut attention[..], &mut blocks[..]) else {
            unreachable!("activations without a backward pass are shared by all blocks")
        };
        device.embed(&batch, &decoder.embedding.weight, x);
        for (layer, block) in decoder.blocks.iter().enumerate() {
            let run = |module: Module, x: &Buffer, low: &mut Buffer, beta: Beta, y: &mut Buffer| {
                let projection: &Projection = block.projection(module);
                projection.forward(compute, m, x, with_adapter.then_some(low), beta, y);
            };
            let [query, key, value, output, gate, up, down] = &mut a.low;
            let norm = |x: &Buffer, w: &Weight, y: &mut Buffer, inverse: &mut Buffer| {
                device.rms_norm(m, x, w, spec.rms_norm_eps, y, inverse);
            };
            norm(x, &block.input_norm.weight, &mut a.input_norm, &mut a.input_inverse_rms);
            run(Module::Query, &a.input_norm, query, Beta::Overwrite, &mut a.query);
            run(Module::Key, &a.input_norm, key, Beta::Overwrite, &mut a.key);
            run(Module::Value, &a.input_norm, value, Beta::Overwrite, &mut a.value);
            let shape = spec.attention;
            device.rope(&batch, shape.heads, shape.head_dim, &decoder.rope_table, false, &mut a.query);
            device.rope(
                &batch,
                shape.key_value_heads,
                shape.head_dim,
                &decoder.rope_table,
                false,
                &mut a.key,
            );
            let (keys, values) = (&mut self.keys[layer], &mut self.values[layer]);
            let size = shape.key_value_size();
            device.copy_range(&a.key, 0, keys, self.len * size, m * size);
            device.copy_range(&a.value, 0, values, self.len * size, m * size);
            device.attention_cached(m, self.len, shape, &a.query, keys, values, &mut attention.output);
            run(Module::Output, &attention.output, output, Beta::Accumulate, x);
            norm(x, &block.post_norm.weight, &mut a.post_norm, &mut a.post_inverse_rms);
            run(Module::Gate, &a.post_norm, gate, Beta::Overwrite, &mut a.gate);
            run(Module::Up, &a.post_norm, up, Beta::Overwrite, &mut a.up);
            device.gated_silu(m * spec.intermediate_size, &a.gate, &a.up, &mut a.activated);
            run(Module::Down, &a.activated, down, Beta::Accumulate, x);
        }
        device.copy_range(x, (m - 1) * spec.hidden_size, &mut self.last, 0, spec.hidden_size);
        self.len += m;
    }

    fn last_logits(&mut self) -> Vec<f32> {
        let decoder = self.decoder;
        let (compute, spec) = (decoder.compute(), &decoder.spec);
        let device = compute.device;
        device.rms_norm(
            1,
            &self.last,
            &decoder.final_norm.weight,
            spec.rms_norm_eps,
            &mut self.normed,
            &mut self.inverse_rms,
        );
        let head = &decoder.head_parameter().weight;
        device.linear(compute.precision, 1, 1.0, &self.normed, head, Beta::Overwrite, &mut self.logits);
        device.download(&self.logits)
    }
}

/// Logits after the last token, and the mean negative log-likelihood of tokens 2.. given those before.
pub fn score(decoder: &Decoder, ids: &[u32]) -> Result<(Vec<f32>, Option<f64>), GenerationError> {
    let logits = Decoding::new(decoder, ids.len(), true).push(ids)?;
    if ids.len() < 2 {
        return Ok((logits, None));
    }
    let mut micro_batch = MicroBatch::default();
    micro_batch.push_row(0, ids, ids.iter().map(|&id| id as i32));
    let shape = ActivationShape {
        tokens: ids.len(),
        recompute: Recompute::Full,
        ranks: decoder.ranks(),
        backward: false,
    };
    let mut activations = Activations::new(&decoder.spec, shape, &mut |len| decoder.device.zeros(len));
    let loss = decoder.evaluate(&decoder.device.upload_batch(&micro_batch), &mut activations);
    Ok((logits, Some(loss.sum / loss.tokens as f64)))
}
