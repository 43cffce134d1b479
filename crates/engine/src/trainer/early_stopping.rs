//! Which evaluation of a run was the best, when the next one is due, and when there were enough without improvement.

use serde::{Deserialize, Serialize};

use super::exact;
use super::options::EvaluationOptions;

/// A step and the evaluation loss after it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    pub step: u64,
    #[serde(with = "exact")]
    pub eval_loss: f64,
}

/// What the evaluations of a run have shown so far. Part of its checkpoints, so that a resumed run stops at the same step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EvaluationHistory {
    /// Step of the last evaluation; 0 before the first.
    pub step: u64,
    /// Epochs finished by then.
    pub epoch: u64,
    /// The lowest loss; of equal ones the first.
    pub best: Option<Mark>,
    /// The last improvement of at least the minimum delta.
    pub improved: Option<Mark>,
    /// Evaluations since then.
    pub without_improvement: u64,
}

impl EvaluationHistory {
    /// Whether the weights after `step`, with `epoch` epochs finished, are to be evaluated now: every so many steps, or at
    /// the end of each epoch; and after the last step.
    pub fn is_due(&self, options: &EvaluationOptions, step: u64, epoch: u64, total_steps: u64) -> bool {
        let regular = match options.steps {
            0 => epoch > self.epoch,
            every => step.is_multiple_of(every),
        };
        step > self.step && (regular || step == total_steps)
    }

    /// Takes an evaluation in; whether it is the best so far.
    pub fn record(&mut self, mark: Mark, epoch: u64, min_delta: f64) -> bool {
        (self.step, self.epoch) = (mark.step, epoch);
        let below = |other: Option<Mark>, delta: f64| {
            other.is_none_or(|other| {
                mark.eval_loss < other.eval_loss && other.eval_loss - mark.eval_loss >= delta
            })
        };
        if below(self.improved, min_delta) {
            self.improved = Some(mark);
            self.without_improvement = 0;
        } else {
            self.without_improvement += 1;
        }
        let best = below(self.best, 0.0);
        if best {
            self.best = Some(mark);
        }
        best
    }

    /// Whether training has stopped paying: `patience` evaluations without improvement. A patience of 0 never ends.
    pub fn is_exhausted(&self, options: &EvaluationOptions) -> bool {
        options.patience > 0 && self.without_improvement >= options.patience
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(losses: &[f64], min_delta: f64) -> EvaluationHistory {
        let mut history = EvaluationHistory::default();
        for (i, &eval_loss) in losses.iter().enumerate() {
            history.record(Mark { step: 10 * (i as u64 + 1), eval_loss }, 0, min_delta);
        }
        history
    }

    #[test]
    fn patience_counts_from_the_last_real_improvement() {
        let rows: [(&[f64], f64, u64, u64); 6] = [
            // losses, minimum delta, best step, evaluations without improvement
            (&[3.0, 2.0, 1.0], 0.0, 30, 0),
            (&[3.0, 2.0, 2.0, 2.5], 0.0, 20, 2),
            (&[3.0, 2.75, 2.5], 0.25, 30, 0),
            (&[3.0, 2.9, 2.8], 0.25, 30, 2),
            // Small steps add up to an improvement.
            (&[3.0, 2.9, 2.8, 2.7], 0.25, 40, 0),
            (&[3.0, 4.0, 2.99], 0.5, 30, 2),
        ];
        for (losses, min_delta, best, without) in rows {
            let history = history(losses, min_delta);
            assert_eq!(history.best.unwrap().step, best, "{losses:?}");
            assert_eq!(history.without_improvement, without, "{losses:?}");
            for patience in 0..4 {
                let options = EvaluationOptions { patience, ..EvaluationOptions::default() };
                assert_eq!(history.is_exhausted(&options), patience > 0 && without >= patience);
            }
        }
    }

    #[test]
    fn evaluations_come_every_so_many_steps_or_at_the_end_of_an_epoch() {
        let steps = EvaluationOptions { steps: 4, ..EvaluationOptions::default() };
        let epochs = EvaluationOptions::default();
        // Three steps an epoch.
        let due = |options: &EvaluationOptions| {
            let mut history = EvaluationHistory::default();
            let mut at = Vec::new();
            for step in 0..=10 {
                if history.is_due(options, step, step / 3, 10) {
                    history.record(Mark { step, eval_loss: 1.0 }, step / 3, 0.0);
                    at.push(step);
                    assert!(!history.is_due(options, step, step / 3, 10), "once a step");
                }
            }
            at
        };
        assert_eq!(due(&steps), [4, 8, 10]);
        assert_eq!(due(&epochs), [3, 6, 9, 10]);
    }

    #[test]
    fn a_history_keeps_every_bit_of_its_losses() {
        // Neighbouring numbers of 17 digits, which a fast parser may confuse.
        for bits in (0..2000u64).map(|i| 0x3FF0_0000_0000_0000 + i * 0x1_2345_6789_ABCD) {
            let written = history(&[f64::from_bits(bits)], 0.0);
            let text = serde_json::to_string(&written).unwrap();
            assert_eq!(serde_json::from_str::<EvaluationHistory>(&text).unwrap(), written, "{text}");
        }
    }
}
