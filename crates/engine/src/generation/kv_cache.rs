//! A sequence in progress: the keys and values of every layer, and the buffers for some new tokens.

use super::GenerationError;
use crate::batching::{MicroBatch, Segment};
use crate::device::Buffer;
use crate::models::activations::{Activations, Recompute};
use crate::models::{Adapters, Decoder};

/// New tokens per pass while a prompt is read.
pub(super) const CHUNK: usize = 128;

/// One sequence on one decoder. Positions never exceed the capacity given at the start.
pub struct Decoding<'a> {
    decoder: &'a Decoder,
    adapters: Adapters,
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
        let cache = || (0..decoder.spec.layers.len()).map(|_| device.zeros(per_layer)).collect();
        let shape = decoder.activation_shape(CHUNK.min(capacity.max(1)), Recompute::Full, false);
        Self {
            decoder,
            adapters: if with_adapter { Adapters::On } else { Adapters::Off },
            capacity,
            len: 0,
            keys: cache(),
            values: cache(),
            work: Activations::new(&decoder.spec, shape, &mut |element, len| device.allocate(element, len)),
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
        let decoder = self.decoder;
        Ok(decoder.device.run(|| {
            ids.chunks(self.work.capacity).for_each(|chunk| self.forward(chunk));
            self.last_logits()
        }))
    }

    fn forward(&mut self, ids: &[u32]) {
        let (decoder, m, past) = (self.decoder, ids.len(), self.len);
        let device = &*decoder.device;
        let batch = device.upload_batch(&MicroBatch {
            ids: ids.to_vec(),
            targets: vec![-100; m],
            positions: (past as u32..).take(m).collect(),
            segments: vec![Segment { start: 0, len: m }],
            rows: vec![0],
        });
        let (keys, values) = (&mut self.keys, &mut self.values);
        let last = decoder.run_blocks(&batch, &mut self.work, self.adapters, |layer, pass, _, work| {
            let (keys, values, size) = (&mut keys[layer], &mut values[layer], pass.shape.key_value_size());
            device.copy_range(&work.block.key, 0, keys, past * size, m * size);
            device.copy_range(&work.block.value, 0, values, past * size, m * size);
            let (query, output) = (&work.block.query, &mut work.kept.output);
            device.attention_cached(m, past, pass.shape, query, keys, values, output);
        });
        let hidden = decoder.spec.hidden_size;
        device.copy_range(&self.work.residuals[last], (m - 1) * hidden, &mut self.last, 0, hidden);
        self.len += m;
    }

    fn last_logits(&mut self) -> Vec<f32> {
        let decoder = self.decoder;
        decoder.norm_output(1, &self.last, &mut self.normed, &mut self.inverse_rms);
        decoder.logits(1, &self.normed, &mut self.logits);
        decoder.device.download(&self.logits)
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
    let shape = decoder.activation_shape(ids.len(), Recompute::Full, false);
    let mut activations =
        Activations::new(&decoder.spec, shape, &mut |element, len| decoder.device.allocate(element, len));
    let loss = decoder.evaluate(&decoder.device.upload_batch(&micro_batch), &mut activations);
    Ok((logits, Some(loss.sum / loss.tokens as f64)))
}
