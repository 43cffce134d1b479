//! Train and evaluation parts, the same for the same examples and seed, whatever their order.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::example::Example;

/// How to split.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SplitOptions {
    /// Share of the evaluation part, 0 to 0.5.
    pub eval_fraction: f64,
    /// Another seed chooses other examples.
    pub seed: u64,
}

impl Default for SplitOptions {
    fn default() -> Self {
        Self { eval_fraction: 0.1, seed: 0 }
    }
}

/// Indices of both parts, each in the examples' order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Split {
    /// To train on.
    pub train: Vec<usize>,
    /// To evaluate on.
    pub eval: Vec<usize>,
}

/// Splits by rank of a seeded hash of the content. From two examples on, at least one is for evaluation
/// (unless the share is 0), and at least one for training.
pub fn split(examples: &[&Example], options: SplitOptions) -> Split {
    let mut ranked: Vec<([u8; 32], usize)> = examples
        .iter()
        .enumerate()
        .map(|(index, example)| {
            let mut hasher = Sha256::new();
            hasher.update(options.seed.to_le_bytes());
            hasher.update(example.content_hash());
            (hasher.finalize().into(), index)
        })
        .collect();
    ranked.sort_unstable();
    let fraction = options.eval_fraction.clamp(0.0, 0.5);
    let wanted = (examples.len() as f64 * fraction).round() as usize;
    let eval_count =
        if fraction == 0.0 || examples.len() < 2 { 0 } else { wanted.clamp(1, examples.len() - 1) };
    let mut split = Split {
        eval: ranked[..eval_count].iter().map(|(_, index)| *index).collect(),
        train: ranked[eval_count..].iter().map(|(_, index)| *index).collect(),
    };
    split.eval.sort_unstable();
    split.train.sort_unstable();
    split
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_to_one_whatever_the_order() {
        let examples: Vec<Example> = (0..100).map(|n| Example::question(format!("q{n}"), "a")).collect();
        let forward: Vec<&Example> = examples.iter().collect();
        let backward: Vec<&Example> = examples.iter().rev().collect();
        let one = split(&forward, SplitOptions::default());
        let other = split(&backward, SplitOptions::default());
        assert_eq!((one.train.len(), one.eval.len()), (90, 10));
        let mut mirrored: Vec<usize> = other.eval.iter().map(|index| 99 - index).collect();
        mirrored.sort_unstable();
        assert_eq!(one.eval, mirrored);
        assert_ne!(one, split(&forward, SplitOptions { seed: 1, ..SplitOptions::default() }));
    }

    #[test]
    fn small_sets_keep_something_to_train_on() {
        let examples = [Example::text("a"), Example::text("b")];
        let all: Vec<&Example> = examples.iter().collect();
        for (count, expected) in [(0, (0, 0)), (1, (1, 0)), (2, (1, 1))] {
            let split = split(&all[..count], SplitOptions::default());
            assert_eq!((split.train.len(), split.eval.len()), expected);
        }
    }
}
