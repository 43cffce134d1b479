//! The next token from logits.

use crate::random::Random;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// 0: always the most likely token.
    pub temperature: f32,
    /// Nucleus (<https://arxiv.org/abs/1904.09751>): the smallest set of tokens with at least this probability.
    pub top_p: f32,
    pub seed: u64,
}

/// Draws tokens; the same seed and logits give the same tokens.
pub struct Sampler {
    sampling: Sampling,
    random: Random,
}

impl Sampler {
    pub fn new(sampling: Sampling) -> Self {
        Self { sampling, random: Random::new(sampling.seed) }
    }

    pub fn next(&mut self, logits: &[f32]) -> u32 {
        if self.sampling.temperature <= 0.0 {
            return most_likely(logits);
        }
        let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut candidates: Vec<(u32, f64)> = logits
            .iter()
            .enumerate()
            .map(|(id, logit)| (id as u32, f64::from((logit - top) / self.sampling.temperature).exp()))
            .collect();
        candidates.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let total: f64 = candidates.iter().map(|(_, weight)| weight).sum();
        let mut kept = 0.0;
        let nucleus = f64::from(self.sampling.top_p) * total;
        let inside = |(_, weight): &&(u32, f64)| {
            let before = kept;
            kept += weight;
            before < nucleus
        };
        let count = candidates.iter().take_while(inside).count();
        candidates.truncate(count.max(1));
        let total: f64 = candidates.iter().map(|(_, weight)| weight).sum();
        let mut left = f64::from(self.random.uniform()) * total;
        let chosen = candidates.iter().find(|(_, weight)| {
            left -= weight;
            left < 0.0
        });
        chosen.unwrap_or(&candidates[0]).0
    }
}

/// The first of the largest logits.
pub fn most_likely(logits: &[f32]) -> u32 {
    let mut best = 0;
    for (id, &logit) in logits.iter().enumerate() {
        if logit > logits[best] {
            best = id;
        }
    }
    best as u32
}

#[cfg(test)]
mod tests {
    use super::{Sampler, Sampling};

    fn draw(temperature: f32, top_p: f32, seed: u64) -> Vec<u32> {
        let mut sampler = Sampler::new(Sampling { temperature, top_p, seed });
        (0..200).map(|_| sampler.next(&[1.0, 3.0, 2.0, -5.0])).collect()
    }

    #[test]
    fn sampling_follows_its_settings() {
        assert!(draw(0.0, 1.0, 1).iter().all(|&id| id == 1), "greedy");
        assert!(draw(1.0, 0.1, 1).iter().all(|&id| id == 1), "a nucleus of one");
        assert_eq!(draw(1.0, 1.0, 7), draw(1.0, 1.0, 7), "the seed decides");
        assert_ne!(draw(1.0, 1.0, 7), draw(1.0, 1.0, 8));
        let ids = draw(1.0, 0.95, 3);
        assert!(ids.contains(&2) && !ids.contains(&3), "the tail is cut: {ids:?}");
    }
}
