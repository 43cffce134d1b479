//! The next token from logits: the samplers of llama.cpp, with their meaning and in their order
//! (<https://github.com/ggml-org/llama.cpp/blob/master/common/common.h>): repeat penalty, top-k,
//! top-p, min-p, temperature. Top-p and min-p so see probabilities before the temperature changes them.

use std::cmp::Ordering;
use std::collections::VecDeque;

use crate::random::Random;

/// Tokens back, the prompt's included, that the repeat penalty looks at.
const REPEAT_LAST: usize = 64;

/// How to choose. The default is greedy: the most likely token each time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Divides the logits; 0: always the most likely token.
    pub temperature: f32,
    /// Only the so many most likely tokens; 0: all.
    pub top_k: usize,
    /// Nucleus (<https://arxiv.org/abs/1904.09751>): the smallest set of tokens with at least this probability; 1: all.
    pub top_p: f32,
    /// Only tokens with at least this share of the most likely one's probability (<https://arxiv.org/abs/2407.01082>);
    /// 0: all.
    pub min_p: f32,
    /// Divides the positive logits, and multiplies the negative ones, of the tokens that occurred among the last
    /// [`REPEAT_LAST`] (<https://arxiv.org/abs/1909.05858>); 1: none. It counts for greedy answers too.
    pub repeat_penalty: f32,
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 0.0, top_k: 0, top_p: 1.0, min_p: 0.0, repeat_penalty: 1.0, seed: 0 }
    }
}

/// Draws tokens; the same seed, prompt and logits give the same tokens.
pub struct Sampler {
    sampling: Sampling,
    random: Random,
    /// At most [`REPEAT_LAST`]; empty without a penalty.
    recent: VecDeque<u32>,
}

#[derive(Clone, Copy)]
struct Candidate {
    id: u32,
    logit: f32,
}

impl Candidate {
    /// The most likely first; of equal ones the lower id.
    fn order(&self, other: &Self) -> Ordering {
        other.logit.total_cmp(&self.logit).then(self.id.cmp(&other.id))
    }
}

impl Sampler {
    /// `prompt`: what the answer goes on from.
    pub fn new(sampling: Sampling, prompt: &[u32]) -> Self {
        let mut sampler = Self { sampling, random: Random::new(sampling.seed), recent: VecDeque::new() };
        prompt[prompt.len().saturating_sub(REPEAT_LAST)..].iter().for_each(|&id| sampler.remember(id));
        sampler
    }

    /// Uses `logits` up.
    pub fn next(&mut self, logits: &mut [f32]) -> u32 {
        self.penalize(logits);
        let id = if self.sampling.temperature <= 0.0 { most_likely(logits) } else { self.draw(logits) };
        self.remember(id);
        id
    }

    fn remember(&mut self, id: u32) {
        if self.sampling.repeat_penalty == 1.0 {
            return;
        }
        if self.recent.len() == REPEAT_LAST {
            self.recent.pop_front();
        }
        self.recent.push_back(id);
    }

    fn penalize(&self, logits: &mut [f32]) {
        let penalty = self.sampling.repeat_penalty;
        for (at, &id) in self.recent.iter().enumerate() {
            let first = !self.recent.range(..at).any(|&earlier| earlier == id);
            if let Some(logit) = logits.get_mut(id as usize).filter(|_| first) {
                *logit = if *logit > 0.0 { *logit / penalty } else { *logit * penalty };
            }
        }
    }

    fn draw(&mut self, logits: &[f32]) -> u32 {
        let Sampling { temperature, top_k: k, top_p: p, min_p: share, .. } = self.sampling;
        let mut candidates: Vec<Candidate> =
            (0..).zip(logits).map(|(id, &logit)| Candidate { id, logit }).collect();
        top_k(&mut candidates, k);
        let top = candidates.iter().map(|candidate| candidate.logit).fold(f32::NEG_INFINITY, f32::max);
        top_p(&mut candidates, p, top);
        if share > 0.0 {
            candidates.retain(|candidate| candidate.logit >= top + share.ln());
        }
        let weight = |candidate: &Candidate| f64::from((candidate.logit - top) / temperature).exp();
        let total: f64 = candidates.iter().map(weight).sum();
        let mut left = f64::from(self.random.uniform()) * total;
        let chosen = candidates.iter().find(|candidate| {
            left -= weight(candidate);
            left < 0.0
        });
        chosen.map_or_else(|| most_likely(logits), |candidate| candidate.id)
    }
}

/// Keeps the `k` most likely ones, in order; all as they are with 0.
fn top_k(candidates: &mut Vec<Candidate>, k: usize) {
    if k == 0 || k >= candidates.len() {
        return;
    }
    candidates.select_nth_unstable_by(k - 1, Candidate::order);
    candidates.truncate(k);
    candidates.sort_unstable_by(Candidate::order);
}

/// Keeps the fewest most likely ones that have the share `p` of all candidates' probability, in order. Only as many as
/// are needed are sorted. `top`: the largest logit.
fn top_p(candidates: &mut Vec<Candidate>, p: f32, top: f32) {
    if p >= 1.0 {
        return;
    }
    let weight = |candidate: &Candidate| f64::from(candidate.logit - top).exp();
    let wanted = f64::from(p) * candidates.iter().map(weight).sum::<f64>();
    let (mut sorted, mut more, mut mass) = (0, 64, 0.0);
    while sorted < candidates.len() {
        let rest = &mut candidates[sorted..];
        if more < rest.len() {
            rest.select_nth_unstable_by(more - 1, Candidate::order);
        }
        let next = more.min(rest.len());
        rest[..next].sort_unstable_by(Candidate::order);
        for at in sorted..sorted + next {
            mass += weight(&candidates[at]);
            if mass >= wanted {
                return candidates.truncate(at + 1);
            }
        }
        sorted += next;
        more *= 4;
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
    use std::collections::BTreeSet;

    use super::*;

    const LOGITS: [f32; 4] = [1.0, 3.0, 2.0, -5.0];

    fn draws(sampling: Sampling, logits: &[f32], count: usize) -> Vec<u32> {
        let mut sampler = Sampler::new(sampling, &[]);
        (0..count).map(|_| sampler.next(&mut logits.to_vec())).collect()
    }

    fn seen(sampling: Sampling) -> Vec<u32> {
        draws(sampling, &LOGITS, 500).into_iter().collect::<BTreeSet<_>>().into_iter().collect()
    }

    #[test]
    fn each_setting_leaves_what_it_says() {
        // Probabilities: 0.090, 0.665, 0.245, 0.0002.
        let warm = Sampling { temperature: 1.0, ..Sampling::default() };
        let cases = [
            (Sampling::default(), vec![1]),
            (Sampling { temperature: 3.0, ..warm }, vec![0, 1, 2, 3]),
            (Sampling { top_k: 1, ..warm }, vec![1]),
            (Sampling { top_k: 2, ..warm }, vec![1, 2]),
            (Sampling { top_k: 9, temperature: 3.0, ..warm }, vec![0, 1, 2, 3]),
            (Sampling { top_p: 0.0, ..warm }, vec![1]),
            (Sampling { top_p: 0.66, ..warm }, vec![1]),
            (Sampling { top_p: 0.67, ..warm }, vec![1, 2]),
            (Sampling { top_p: 0.95, ..warm }, vec![0, 1, 2]),
            (Sampling { min_p: 0.3, ..warm }, vec![1, 2]),
            (Sampling { min_p: 0.1, ..warm }, vec![0, 1, 2]),
            (Sampling { min_p: 1.0, ..warm }, vec![1]),
            // The temperature comes last: however hot, the sets are those of the model.
            (Sampling { top_p: 0.95, temperature: 5.0, ..warm }, vec![0, 1, 2]),
            (Sampling { min_p: 0.3, temperature: 5.0, ..warm }, vec![1, 2]),
            // Top-k comes first: top-p takes its share of what that left (0.731 and 0.269).
            (Sampling { top_k: 2, top_p: 0.72, ..warm }, vec![1]),
        ];
        for (sampling, expected) in cases {
            assert_eq!(seen(sampling), expected, "{sampling:?}");
        }
    }

    #[test]
    fn the_seed_decides() {
        let draw = |seed| draws(Sampling { temperature: 1.0, seed, ..Sampling::default() }, &LOGITS, 200);
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn draws_follow_the_probabilities() {
        let sampling = Sampling { temperature: 2.0, seed: 3, ..Sampling::default() };
        let ids = draws(sampling, &LOGITS, 20_000);
        let weights = LOGITS.map(|logit| (logit / 2.0).exp());
        let total: f32 = weights.iter().sum();
        for (id, weight) in (0..).zip(weights) {
            let share = ids.iter().filter(|&&drawn| drawn == id).count() as f32 / 20_000.0;
            assert!((share - weight / total).abs() < 0.015, "{id}: {share} of {}", weight / total);
        }
    }

    #[test]
    fn selection_keeps_what_a_full_sort_would() {
        let mut random = Random::new(5);
        let all: Vec<Candidate> =
            (0..5000).map(|id| Candidate { id, logit: (random.normal() * 8.0).round() / 4.0 }).collect();
        let mut sorted = all.clone();
        sorted.sort_by(Candidate::order);
        let ids = |candidates: &[Candidate]| candidates.iter().map(|c| c.id).collect::<Vec<_>>();
        for k in [1, 2, 63, 64, 65, 4999] {
            let mut kept = all.clone();
            top_k(&mut kept, k);
            assert_eq!(ids(&kept), ids(&sorted[..k]), "top-k {k}");
        }
        let top = sorted[0].logit;
        let weights: Vec<f64> = sorted.iter().map(|c| f64::from(c.logit - top).exp()).collect();
        let total: f64 = weights.iter().sum();
        for p in [0.001, 0.1, 0.5, 0.9, 0.99, 0.99999] {
            let mut kept = all.clone();
            top_p(&mut kept, p, top);
            let mass = |count: usize| weights[..count].iter().sum::<f64>() / total;
            let count = kept.len();
            assert_eq!(ids(&kept), ids(&sorted[..count]), "top-p {p}");
            assert!(
                mass(count) >= f64::from(p) - 1e-9 && mass(count - 1) < f64::from(p) + 1e-9,
                "top-p {p}: {count}"
            );
        }
    }

    #[test]
    fn what_was_said_is_less_likely() {
        let sampling = Sampling { repeat_penalty: 2.0, ..Sampling::default() };
        let next = |prompt: &[u32]| Sampler::new(sampling, prompt).next(&mut LOGITS.to_vec());
        // 3.0 / 2 < 2.0; a token counts once however often it was said, and negative logits go down too.
        assert_eq!((next(&[]), next(&[1]), next(&[2, 2, 2])), (1, 2, 1));
        let mut negative = [-1.0, -1.5];
        assert_eq!(Sampler::new(sampling, &[0]).next(&mut negative), 1);
        assert_eq!(negative, [-2.0, -1.5]);
        // What lies further back than the window is forgotten; what was answered is remembered.
        let mut long = vec![1];
        long.extend([3; REPEAT_LAST]);
        assert_eq!(next(&long), 1);
        assert_eq!(draws(sampling, &LOGITS, 2), [1, 2]);
    }
}
