//! The measurements: of the trained model, and of a file against it.

use engine::batching::{EncodedData, IGNORE, Row};
use engine::generation::Decoding;
use engine::generation::sampling::most_likely;
use engine::models::Decoder;
use engine::trainer::{Evaluation, evaluate};

use super::opened::{Opened, Settings};
use super::{Measured, PROMPTS, ReferenceFacts, TOKENS};
use crate::{Control, ExportError};

/// The reference's distributions take no more memory than this.
const DISTRIBUTIONS_BYTES: usize = 256 << 20;
/// A prompt has at least so many tokens where the row is twice as long: plain text is learned from its start.
const SHORTEST_PROMPT: usize = 8;

/// The trained model, measured.
pub(super) struct Reference {
    data: EncodedData,
    evaluation: Evaluation,
    prompts: Vec<Continuation>,
}

/// A prompt and what the trained model makes of it.
struct Continuation {
    prompt: Vec<u32>,
    /// The likeliest token at each place, given those before; the end of the text is one of them.
    tokens: Vec<u32>,
    /// Logarithms of the probabilities at each place, `[tokens.len()][vocabulary]`.
    log_probabilities: Vec<Vec<f32>>,
}

impl Reference {
    pub fn measure(
        trained: &Opened,
        rows: &[(u64, Row)],
        settings: &Settings,
        control: &Control,
    ) -> Result<Self, ExportError> {
        let data = trained.encode(rows, settings)?;
        let evaluation = evaluate(&trained.decoder, &data, control.cancel)?;
        let stop = trained.tokenizer.stop_ids();
        let mut prompts = Vec::new();
        let most = DISTRIBUTIONS_BYTES / (4 * trained.decoder.spec.vocab_size * TOKENS);
        for prompt in prompts_of(&data).into_iter().take(most.max(1)) {
            let mut found = Continuation { prompt, tokens: Vec::new(), log_probabilities: Vec::new() };
            let Continuation { prompt, tokens, log_probabilities } = &mut found;
            follow(&trained.decoder, prompt, control, &mut |logits| {
                let token = most_likely(logits);
                tokens.push(token);
                log_probabilities.push(log_softmax(logits));
                (tokens.len() < TOKENS && !stop.contains(&token)).then_some(token)
            })?;
            prompts.push(found);
        }
        Ok(Self { data, evaluation, prompts })
    }

    pub fn facts(&self) -> ReferenceFacts {
        ReferenceFacts {
            rows: self.data.len(),
            supervised_tokens: self.evaluation.supervised_tokens,
            loss: self.evaluation.eval_loss,
            prompts: self.prompts.len(),
            positions: self.prompts.iter().map(|prompt| prompt.tokens.len()).sum(),
        }
    }
}

/// What a file makes of the same rows and prompts. The bound is the caller's.
pub(super) fn compare(
    reference: &Reference,
    file: &Opened,
    rows: &[(u64, Row)],
    settings: &Settings,
    control: &Control,
) -> Result<Measured, ExportError> {
    let data = file.encode(rows, settings)?;
    let equal = |row: &usize| *row < data.len() && data.row(*row) == reference.data.row(*row);
    let rows_equal = (0..reference.data.len()).filter(equal).count();
    let evaluation = evaluate(&file.decoder, &data, control.cancel)?;
    let (mut texts_equal, mut tokens_equal) = (0, 0);
    let mut divergences = Vec::new();
    for continuation in &reference.prompts {
        let mut place = 0;
        let mut equal = 0;
        follow(&file.decoder, &continuation.prompt, control, &mut |logits| {
            let token = continuation.tokens[place];
            divergences.push(divergence(&continuation.log_probabilities[place], logits));
            equal += usize::from(most_likely(logits) == token);
            place += 1;
            (place < continuation.tokens.len()).then_some(token)
        })?;
        tokens_equal += equal;
        texts_equal += usize::from(equal == continuation.tokens.len());
    }
    let sum: f64 = divergences.iter().sum();
    Ok(Measured {
        rows_equal,
        texts_equal,
        tokens_equal,
        kl_mean: sum / divergences.len().max(1) as f64,
        // `f64::max` would hide what is not a number.
        kl_max: divergences.iter().copied().fold(0.0, |a, b| if b > a || b.is_nan() { b } else { a }),
        kl_bound: f64::NAN,
        loss: evaluation.eval_loss,
        loss_difference: evaluation.eval_loss - reference.evaluation.eval_loss,
    })
}

/// Up to [`PROMPTS`] rows, spread over all: what stands before the first learned token.
fn prompts_of(data: &EncodedData) -> Vec<Vec<u32>> {
    let count = data.len().min(PROMPTS);
    (0..count)
        .filter_map(|i| {
            let row = data.row(i * data.len() / count);
            let first = (1..row.ids.len()).find(|&place| row.labels[place] != IGNORE)?;
            let length = first.max(SHORTEST_PROMPT.min(row.ids.len() / 2));
            Some(row.ids[..length].to_vec())
        })
        .collect()
}

/// Gives `visit` the logits after the prompt, then after each token that it answers; `None` ends it.
fn follow(
    decoder: &Decoder,
    prompt: &[u32],
    control: &Control,
    visit: &mut dyn FnMut(&[f32]) -> Option<u32>,
) -> Result<(), ExportError> {
    let mut decoding = Decoding::new(decoder, prompt.len() + TOKENS, true);
    let mut logits = decoding.push(prompt)?;
    while let Some(token) = visit(&logits).filter(|_| decoding.room() > 0) {
        control.check()?;
        logits = decoding.push(&[token])?;
    }
    Ok(())
}

fn log_softmax(logits: &[f32]) -> Vec<f32> {
    let normaliser = log_sum_exp(logits);
    logits.iter().map(|&logit| (f64::from(logit) - normaliser) as f32).collect()
}

fn log_sum_exp(logits: &[f32]) -> f64 {
    let top = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    top + logits.iter().map(|&logit| (f64::from(logit) - top).exp()).sum::<f64>().ln()
}

/// `Σ p (log p − log q)`, in nats; infinite where the vocabularies differ.
fn divergence(log_p: &[f32], logits: &[f32]) -> f64 {
    if log_p.len() != logits.len() {
        return f64::INFINITY;
    }
    let normaliser = log_sum_exp(logits);
    let terms = log_p.iter().zip(logits).map(|(&log_p, &logit)| {
        let log_p = f64::from(log_p);
        let probability = log_p.exp();
        // 0 · log 0 is 0.
        if probability == 0.0 { 0.0 } else { probability * (log_p - (f64::from(logit) - normaliser)) }
    });
    let sum: f64 = terms.sum();
    // Rounding may leave a little less than nothing; `max` would hide what is not a number.
    if sum < 0.0 { 0.0 } else { sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divergence_is_zero_for_the_same_and_known_for_two_coins() {
        let logits = [0.3, -1.0, 2.5, 0.0];
        assert!(divergence(&log_softmax(&logits), &logits) < 1e-9);
        let moved = [1.3, 0.0, 3.5, 1.0];
        assert!(divergence(&log_softmax(&logits), &moved) < 1e-7, "a constant changes nothing");
        // p = (1/2, 1/2), q = (1/4, 3/4).
        let found = divergence(&log_softmax(&[0.0, 0.0]), &[0.0, 3f32.ln()]);
        let wanted = 0.5 * 2f64.ln() + 0.5 * (2.0f64 / 3.0).ln();
        assert!((found - wanted).abs() < 1e-6, "{found} {wanted}");
        assert!(divergence(&log_softmax(&[0.0, 0.0]), &[0.0]).is_infinite());
    }

    #[test]
    fn a_distribution_that_is_no_number_is_no_match() {
        assert!(!divergence(&log_softmax(&[0.0, 1.0]), &[f32::NAN, 1.0]).is_finite());
    }
}
