//! Loss, perplexity and token accuracy of a data file.

use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use super::TrainError;
use crate::batching::{EncodedData, Order, Packing, Sampler};
use crate::device::LossSum;
use crate::models::activations::{Activations, Recompute};
use crate::models::{Adapters, Decoder, DecoderSpec};

/// Tokens of one forward pass.
const TOKENS: usize = 2048;

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Mean negative log-likelihood of the supervised tokens (natural logarithm).
    pub eval_loss: f64,
    /// e^loss.
    pub perplexity: f64,
    /// Share of the supervised tokens that the model predicts first.
    pub token_accuracy: f64,
    pub supervised_tokens: usize,
}

impl From<LossSum> for Evaluation {
    fn from(loss: LossSum) -> Self {
        let tokens = loss.tokens.max(1) as f64;
        let mean = loss.sum / tokens;
        Self {
            eval_loss: mean,
            perplexity: mean.exp(),
            token_accuracy: loss.correct as f64 / tokens,
            supervised_tokens: loss.tokens,
        }
    }
}

/// Runs every row once.
///
/// # Errors
/// Data that the model cannot read, and [`TrainError::Cancelled`].
pub fn evaluate(
    decoder: &Decoder,
    data: &EncodedData,
    cancel: &AtomicBool,
) -> Result<Evaluation, TrainError> {
    evaluate_with(decoder, data, Adapters::On, cancel, &mut |_| {})
}

/// As [`evaluate`], with the adapters on or off; `on_rows` is told after each forward pass how many rows it had.
pub fn evaluate_with(
    decoder: &Decoder,
    data: &EncodedData,
    adapters: Adapters,
    cancel: &AtomicBool,
    on_rows: &mut dyn FnMut(usize),
) -> Result<Evaluation, TrainError> {
    check_data("data", data, &decoder.spec)?;
    let tokens = largest_micro_batch(data, true, 1, TOKENS);
    let shape = decoder.activation_shape(tokens, Recompute::Full, false);
    let mut activations =
        Activations::new(&decoder.spec, shape, &mut |element, len| decoder.device.allocate(element, len));
    let measured = measure(decoder, data, &mut activations, adapters, cancel, on_rows);
    measured.ok_or(TrainError::Cancelled { step: 0 })
}

/// Runs every row once, in micro-batches of what `activations` hold; each row must fit. `None` when cancelled.
pub fn measure(
    decoder: &Decoder,
    data: &EncodedData,
    activations: &mut Activations,
    adapters: Adapters,
    cancel: &AtomicBool,
    on_rows: &mut dyn FnMut(usize),
) -> Option<Evaluation> {
    let mut sampler = Sampler::new(data.row_lengths(), Order::File, Packing::On, 1, activations.capacity, 0);
    let mut loss = LossSum::default();
    for _ in 0..sampler.micro_batches_per_epoch() {
        if cancel.load(Ordering::Relaxed) {
            return None;
        }
        let rows = sampler.next_micro_batch();
        let batch = decoder.device.upload_batch(&data.micro_batch(&rows));
        loss += decoder.evaluate_with(&batch, activations, adapters);
        on_rows(rows.len());
    }
    Some(loss.into())
}

/// Refuses data that the model cannot read: ids of another tokenizer, outside its table, and rows beyond its positions.
/// `field` names the data in the error.
pub fn check_data(field: &'static str, data: &EncodedData, spec: &DecoderSpec) -> Result<(), TrainError> {
    if data.max_id() as usize >= spec.vocab_size {
        let problem =
            format!("token {} is outside the model's vocabulary of {}", data.max_id(), spec.vocab_size);
        return Err(TrainError::Option { field, problem });
    }
    let (longest, context) =
        (data.row_lengths().into_iter().max().unwrap_or(0), spec.max_position_embeddings);
    if longest as usize > context {
        let problem = format!(
            "a row has {longest} tokens, the model's context is {context}; lower max_seq_len to that"
        );
        return Err(TrainError::Option { field, problem });
    }
    Ok(())
}

/// Most tokens that a micro-batch of this data can have.
pub fn largest_micro_batch(
    data: &EncodedData,
    packing: bool,
    micro_batch_size: usize,
    max_seq_len: usize,
) -> usize {
    let mut lengths = data.row_lengths();
    lengths.sort_unstable_by(|a, b| b.cmp(a));
    let longest = lengths.first().map_or(1, |&length| length as usize);
    if packing {
        return (micro_batch_size * max_seq_len).min(data.tokens()).max(longest);
    }
    // A micro-batch may straddle the end of an epoch, so a short file is drawn from again.
    lengths.iter().cycle().take(micro_batch_size).map(|&length| length as usize).sum::<usize>().max(longest)
}
