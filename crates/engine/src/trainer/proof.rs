//! Proof that a device trains: its operations against their definitions, then a tiny model that must learn.
//!
//! Seconds of work, so that a person can have it on their own machine before anything long is started.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use serde_json::json;

use crate::batching::MicroBatch;
use crate::device::conformance::{Check, Extent, conformance};
use crate::device::{AdamWStep, Batch, Device, Precision};
use crate::models::activations::{Activations, Recompute};
use crate::models::{Decoder, ModelError, load};
use crate::weights::ModelConfig;

const STEPS: u64 = 20;
/// Lengths of the sequences that are learned by heart.
const LENGTHS: [u32; 4] = [40, 17, 64, 7];
const VOCABULARY: u32 = 256;
/// How far the gradient may be from the loss's own differences: they are taken over `2 * MOVE`, in f32.
const GRADIENT_TOLERANCE: f64 = 2e-3;
const MOVE: f64 = 1e-2;
/// The share of the first loss that must be gone after the last step.
const LEARNED: f64 = 0.5;

/// What a device showed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proof {
    pub device: String,
    pub ok: bool,
    /// Each operation's worst case.
    pub operations: Vec<Check>,
    pub training: Training,
}

/// The tiny model's training.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Training {
    pub steps: u64,
    /// Mean over the tokens, of a model of random numbers.
    pub first_loss: f64,
    pub last_loss: f64,
    /// Relative difference of the gradient's length from the slope of the loss along it.
    pub gradient_error: f64,
    pub gradient_tolerance: f64,
    pub tokens_per_second: f64,
}

impl Training {
    fn ok(&self) -> bool {
        self.gradient_error <= self.gradient_tolerance && self.last_loss <= self.first_loss * (1.0 - LEARNED)
    }
}

impl Proof {
    /// The first thing that is wrong, in words.
    pub fn problem(&self) -> Option<String> {
        if let Some(check) = self.operations.iter().find(|check| !check.passed()) {
            return Some(format!(
                "{} ({}) is off by {:.1e}, allowed are {:.1e}: results of this device would be wrong",
                check.operation, check.case, check.error, check.tolerance
            ));
        }
        let training = &self.training;
        (!training.ok()).then(|| {
            format!(
                "a tiny model did not learn as it should: loss {:.3} to {:.3} in {} steps, gradient off by {:.1e}",
                training.first_loss, training.last_loss, training.steps, training.gradient_error
            )
        })
    }

    /// The operation that came closest to its tolerance.
    pub fn worst(&self) -> Option<&Check> {
        self.operations.iter().max_by(|a, b| severity(a).total_cmp(&severity(b)))
    }
}

/// The error as a share of what is allowed.
fn severity(check: &Check) -> f64 {
    if check.error == 0.0 { 0.0 } else { check.error / check.tolerance }
}

/// Runs the proof on a device.
///
/// # Errors
/// Only if the tiny model's own description is refused.
pub fn prove(device: Arc<dyn Device>) -> Result<Proof, ModelError> {
    let mut operations: Vec<Check> = Vec::new();
    for check in conformance(&*device, Extent::Short) {
        match operations.iter_mut().find(|known| known.operation == check.operation) {
            Some(known) if severity(&check) > severity(known) => *known = check,
            Some(_) => {}
            None => operations.push(check),
        }
    }
    let training = train_tiny_model(Arc::clone(&device))?;
    let mut proof = Proof { device: device.description(), ok: false, operations, training };
    proof.ok = proof.problem().is_none();
    Ok(proof)
}

fn tiny_model(device: Arc<dyn Device>) -> Result<Decoder, ModelError> {
    let config = json!({
        "model_type": "llama", "vocab_size": VOCABULARY, "hidden_size": 64, "intermediate_size": 160,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16,
        "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "hidden_act": "silu",
        "tie_word_embeddings": true, "initializer_range": 0.1,
    });
    load::random(ModelConfig::from_json(Path::new("tiny model"), config)?, device, Precision::F32, 7)
}

/// Sequences without a pattern, so that only learning by heart helps.
fn sequences() -> MicroBatch {
    let mut batch = MicroBatch::default();
    for (row, &len) in LENGTHS.iter().enumerate() {
        let ids: Vec<u32> = (0..len).map(|i| (i * i * 31 + i * 7 + 97 * row as u32) % VOCABULARY).collect();
        batch.push_row(row, &ids, ids.iter().map(|&id| id as i32));
    }
    batch
}

fn train_tiny_model(device: Arc<dyn Device>) -> Result<Training, ModelError> {
    let mut decoder = tiny_model(Arc::clone(&device))?;
    let micro_batch = sequences();
    let (tokens, supervised) = (micro_batch.tokens(), micro_batch.supervised_tokens() as f64);
    let shape = decoder.activation_shape(tokens, Recompute::Light, true);
    let mut activations =
        Activations::new(&decoder.spec, shape, &mut |element, len| device.allocate(element, len));
    let batch = device.upload_batch(&micro_batch);
    let scale = 1.0 / supervised as f32;
    let mut losses = Vec::new();
    let mut gradient_error = f64::INFINITY;
    let mut started = Instant::now();
    for step in 1..=STEPS {
        losses.push(decoder.forward_backward(&batch, &mut activations, scale).sum / supervised);
        if step == 1 {
            gradient_error = check_gradient(&mut decoder, &batch, &mut activations, supervised);
            started = Instant::now();
        }
        decoder.update(&AdamWStep {
            learning_rate: 5e-3,
            beta1: 0.9,
            beta2: 0.99,
            epsilon: 1e-8,
            weight_decay: 0.0,
            step,
            gradient_scale: 1.0,
        });
    }
    let seconds = started.elapsed().as_secs_f64();
    Ok(Training {
        steps: STEPS,
        first_loss: losses[0],
        last_loss: decoder.evaluate(&batch, &mut activations).sum / supervised,
        gradient_error,
        gradient_tolerance: GRADIENT_TOLERANCE,
        tokens_per_second: (STEPS - 1) as f64 * tokens as f64 / seconds,
    })
}

/// Moves every parameter a little along the gradient and back: the loss must change by the gradient's length.
fn check_gradient(
    decoder: &mut Decoder,
    batch: &Batch,
    activations: &mut Activations,
    supervised: f64,
) -> f64 {
    let device = Arc::clone(&decoder.device);
    let length = decoder.gradient_norm();
    let values: Vec<Vec<f32>> =
        decoder.trained().map(|parameter| device.download_weight(&parameter.weight)).collect();
    let mut loss_after = |by: f64| {
        for (parameter, values) in decoder.trained_mut().zip(&values) {
            let gradient = parameter.trained.as_ref().map(|trained| device.download(&trained.gradient));
            let direction = gradient.unwrap_or_default();
            let moved: Vec<f32> = values
                .iter()
                .zip(&direction)
                .map(|(value, d)| (f64::from(*value) + by * f64::from(*d) / length) as f32)
                .collect();
            if let Some(target) = parameter.values_mut() {
                device.write(&moved, target);
            }
        }
        decoder.evaluate(batch, activations).sum / supervised
    };
    let slope = (loss_after(MOVE) - loss_after(-MOVE)) / (2.0 * MOVE);
    loss_after(0.0);
    let error = (slope - length).abs() / length;
    if error.is_finite() { error } else { f64::INFINITY }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(error: f64, last_loss: f64) -> Proof {
        let check = Check { operation: "linear", case: "a case".into(), error, tolerance: 1e-5 };
        let training = Training {
            steps: STEPS,
            first_loss: 5.0,
            last_loss,
            gradient_error: 1e-4,
            gradient_tolerance: GRADIENT_TOLERANCE,
            tokens_per_second: 1.0,
        };
        Proof { device: "a device".into(), ok: false, operations: vec![check], training }
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(proof(1e-6, 1.0).problem(), None);
        assert!(proof(1e-4, 1.0).problem().is_some_and(|problem| problem.contains("linear (a case)")));
        assert!(proof(f64::INFINITY, 1.0).problem().is_some());
        assert!(proof(0.0, 4.0).problem().is_some_and(|problem| problem.contains("did not learn")));
        assert!(proof(0.0, f64::NAN).problem().is_some());
    }
}
