//! Stops a run that diverges, before it spoils its weights and its checkpoints.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::exact;

/// The start of a run: the lowest loss of so many first steps.
const START_STEPS: u64 = 5;
/// Weight of the newest loss in the smoothed one.
const SMOOTHING: f64 = 0.2;
/// So many steps in a row must be above the limit.
const STEPS_ABOVE: u64 = 5;

/// Watches whether the loss rises far above where it began.
///
/// The run has diverged when the smoothed loss, `s ← s + 0.2 · (loss − s)`, is above the limit for 5 steps in a row. The
/// limit is `max(3 · start + 1, ln(vocabulary) / 2)`: `start` is the lowest of the first 5 losses, and half of what pure
/// guessing costs keeps a run that starts on easy rows from being stopped by hard ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DivergenceGuard {
    /// Losses seen.
    steps: u64,
    #[serde(with = "exact")]
    start: f64,
    #[serde(with = "exact")]
    smoothed: f64,
    #[serde(with = "exact")]
    last: f64,
    /// Steps in a row with the smoothed loss above the limit.
    above: u64,
}

impl Default for DivergenceGuard {
    fn default() -> Self {
        Self { steps: 0, start: f64::INFINITY, smoothed: 0.0, last: 0.0, above: 0 }
    }
}

impl DivergenceGuard {
    /// The guard after one more loss, of a model with so many tokens.
    #[must_use]
    pub fn after(mut self, loss: f64, vocab_size: usize) -> Self {
        self.steps += 1;
        if self.steps <= START_STEPS {
            self.start = self.start.min(loss);
        }
        self.smoothed =
            if self.steps == 1 { loss } else { self.smoothed + SMOOTHING * (loss - self.smoothed) };
        self.last = loss;
        self.above = if self.smoothed > self.limit(vocab_size) { self.above + 1 } else { 0 };
        self
    }

    fn limit(&self, vocab_size: usize) -> f64 {
        (3.0 * self.start + 1.0).max((vocab_size as f64).ln() / 2.0)
    }

    /// Whether neither the smoothed nor the last loss is above the limit: the weights are worth keeping.
    pub fn is_calm(&self, vocab_size: usize) -> bool {
        self.above == 0 && self.last <= self.limit(vocab_size)
    }

    /// Why the run should stop, if it should.
    pub fn divergence(&self) -> Option<Divergence> {
        let rising = Divergence::Rising { smoothed: self.smoothed, start: self.start };
        (self.above >= STEPS_ABOVE).then_some(rising)
    }
}

/// What went out of bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Divergence {
    /// Not a finite number.
    Loss(f64),
    /// Not a finite number.
    GradientNorm(f64),
    /// Not a finite number.
    EvaluationLoss(f64),
    /// The smoothed loss is far above the start's.
    Rising { smoothed: f64, start: f64 },
}

/// A run that was stopped because it diverged: where, why, and what is left.
#[derive(Clone, Debug, PartialEq)]
pub struct Diverged {
    pub step: u64,
    pub divergence: Divergence,
    /// The highest learning rate of the run.
    pub learning_rate: f64,
    /// The newest checkpoint, written when all was well.
    pub checkpoint: Option<(u64, PathBuf)>,
}

impl fmt::Display for Diverged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, divergence, learning_rate, checkpoint } = self;
        write!(f, "the run diverged at step {step} and was stopped: ")?;
        match divergence {
            Divergence::Loss(loss) => write!(f, "the loss became {loss}")?,
            Divergence::GradientNorm(norm) => write!(f, "the gradient's norm became {norm}")?,
            Divergence::EvaluationLoss(loss) => write!(f, "the evaluation loss became {loss}")?,
            Divergence::Rising { smoothed, start } => {
                write!(f, "the loss rose from {start:.3} to {smoothed:.3} (smoothed)")?;
            }
        }
        match checkpoint {
            Some((good, path)) => write!(
                f,
                ". The last good checkpoint is of step {good}, {}. Go on from it with --resume and a --learning-rate below \
                 {learning_rate}",
                path.display()
            ),
            None => write!(
                f,
                " before a checkpoint was written. Start again with a --learning-rate below {learning_rate}"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The step at which these losses are found to diverge.
    fn diverges(losses: impl IntoIterator<Item = f64>, vocab_size: usize) -> Option<usize> {
        let mut guard = DivergenceGuard::default();
        losses.into_iter().position(|loss| {
            guard = guard.after(loss, vocab_size);
            guard.divergence().is_some()
        })
    }

    /// Between 0 and 1, from the middle bits of a linear congruential generator.
    fn noise(seed: u64) -> impl Iterator<Item = f64> {
        std::iter::successors(Some(seed), |x| {
            Some(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
        })
        .skip(1)
        .map(|x| (x >> 33) as f64 / (1u64 << 31) as f64)
    }

    #[test]
    fn ordinary_noise_is_no_divergence() {
        for seed in 0..50 {
            // Falls from 3 to 1, each loss between half and twice that, one in twenty at 12.
            let losses = noise(seed).zip(noise(seed + 1000)).take(2000).enumerate().map(|(i, (a, b))| {
                let middle = 1.0 + 2.0 / (1.0 + i as f64 / 100.0);
                if b < 0.05 { 12.0 } else { middle * (0.5 + 1.5 * a) }
            });
            assert_eq!(diverges(losses, 49_152), None, "seed {seed}");
        }
        // Easy rows first, then hard ones.
        assert_eq!(diverges([0.05; 100].into_iter().chain([3.5; 1000]), 32_000), None);
        // A model that starts from random weights.
        assert_eq!(diverges((0..1000).map(|i| 10.8 + 4.0 * f64::from(i % 7)), 49_152), None);
    }

    #[test]
    fn a_loss_that_rises_and_stays_is_a_divergence() {
        let at = diverges([2.0; 50].into_iter().chain([11.0; 100]), 49_152).expect("is found");
        assert!((50..70).contains(&at), "{at}");
        // From the first update on.
        let at = diverges((0..100).map(|i| 2.0 + 3.0 * f64::from(i)), 49_152).expect("is found");
        assert!(at < 20, "{at}");
    }

    #[test]
    fn weights_with_a_high_loss_are_not_worth_keeping() {
        let calm =
            [2.0, 2.2, 1.9].into_iter().fold(DivergenceGuard::default(), |g, loss| g.after(loss, 49_152));
        assert!(calm.is_calm(49_152));
        assert!(!calm.after(20.0, 49_152).is_calm(49_152));
        assert!(calm.after(4.0, 49_152).is_calm(49_152));
    }

    #[test]
    fn a_guard_goes_on_where_it_was_stored() {
        let fresh = serde_json::to_string(&DivergenceGuard::default()).unwrap();
        assert_eq!(serde_json::from_str::<DivergenceGuard>(&fresh).unwrap(), DivergenceGuard::default());
        let guard = noise(3).take(9).fold(DivergenceGuard::default(), |guard, loss| guard.after(loss, 100));
        let text = serde_json::to_string(&guard).unwrap();
        assert_eq!(serde_json::from_str::<DivergenceGuard>(&text).unwrap(), guard);
    }
}
