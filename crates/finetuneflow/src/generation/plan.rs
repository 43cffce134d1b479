//! Before the work: which chunks show what it will give, and what all of them will take.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a trial took, to be carried over to all chunks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Trial {
    /// Chunks that were tried.
    pub chunks: u64,
    /// Calls that they took.
    pub calls: u64,
    /// Tokens of the requests, as the provider counts; 0 where it does not.
    pub prompt_tokens: u64,
    /// Tokens of the replies.
    pub completion_tokens: u64,
    /// Bytes of the requests.
    pub sent_bytes: u64,
    /// All calls' time together.
    pub time: Duration,
}

/// What all chunks are expected to take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Chunks in all.
    pub chunks: u64,
    /// Calls, repairs included at the trial's rate.
    pub calls: u64,
    /// As the provider counts; left out where it does not.
    pub prompt_tokens: Option<u64>,
    /// As the provider counts; left out where it does not.
    pub completion_tokens: Option<u64>,
    /// With as many calls at a time as the connection allows.
    pub seconds: f64,
    /// In the currency of the prices; left out where there are none.
    pub cost: Option<f64>,
    /// Bytes that are sent in all.
    pub sent_bytes: u64,
}

/// What a million tokens cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Prices {
    /// Of requests.
    pub prompt: Option<f64>,
    /// Of replies.
    pub completion: Option<f64>,
}

/// Carries a trial over to `chunks` chunks.
pub fn estimate(trial: &Trial, chunks: u64, concurrency: u32, prices: Prices) -> Estimate {
    let factor = if trial.chunks == 0 { 0.0 } else { chunks as f64 / trial.chunks as f64 };
    let scaled = |value: u64| (value as f64 * factor).round() as u64;
    let tokens = |value: u64| (value > 0).then(|| scaled(value));
    let (prompt_tokens, completion_tokens) = (tokens(trial.prompt_tokens), tokens(trial.completion_tokens));
    let price = |tokens: Option<u64>, price: Option<f64>| Some(tokens? as f64 * price? / 1e6);
    let cost = match (price(prompt_tokens, prices.prompt), price(completion_tokens, prices.completion)) {
        (None, None) => None,
        (prompt, completion) => Some(prompt.unwrap_or(0.0) + completion.unwrap_or(0.0)),
    };
    Estimate {
        chunks,
        calls: scaled(trial.calls),
        prompt_tokens,
        completion_tokens,
        seconds: trial.time.as_secs_f64() * factor / f64::from(concurrency.max(1)),
        cost,
        sent_bytes: scaled(trial.sent_bytes),
    }
}

/// Which of `lengths` (tokens of each chunk, in the order of the documents) stand for all: spread over the documents, and
/// of ordinary length among their neighbours. Three to five, or as many as there are.
pub fn representative(lengths: &[u64]) -> Vec<usize> {
    let count = match lengths.len() {
        0..=3 => lengths.len(),
        4..=20 => 3,
        21..=100 => 4,
        _ => 5,
    };
    (0..count)
        .filter_map(|part| {
            let (from, to) = (lengths.len() * part / count, lengths.len() * (part + 1) / count);
            let mut places: Vec<usize> = (from..to).collect();
            places.sort_by_key(|place| (lengths[*place], *place));
            // Short pieces are headings and remainders: the upper middle is what most text looks like.
            places.get(places.len() * 2 / 3).copied()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_is_carried_over() {
        let trial = Trial {
            chunks: 4,
            calls: 5,
            prompt_tokens: 2000,
            completion_tokens: 400,
            sent_bytes: 8000,
            time: Duration::from_secs(10),
        };
        let prices = Prices { prompt: Some(2.0), completion: Some(10.0) };
        let estimate = estimate(&trial, 1000, 2, prices);
        assert_eq!(
            (estimate.calls, estimate.prompt_tokens, estimate.completion_tokens),
            (1250, Some(500_000), Some(100_000))
        );
        assert_eq!((estimate.seconds, estimate.cost, estimate.sent_bytes), (1250.0, Some(2.0), 2_000_000));
    }

    #[test]
    fn what_is_not_known_is_not_made_up() {
        let trial = Trial { chunks: 2, calls: 2, time: Duration::from_secs(1), ..Trial::default() };
        let estimate = estimate(&trial, 10, 1, Prices { prompt: Some(1.0), completion: None });
        assert_eq!((estimate.prompt_tokens, estimate.cost), (None, None));
    }

    #[test]
    fn three_to_five_ordinary_chunks_are_tried() {
        assert!(representative(&[]).is_empty());
        assert_eq!(representative(&[5, 6]), [0, 1]);
        assert_eq!(representative(&[5, 6, 7, 8]).len(), 3);
        for (chunks, tried) in [(20, 3), (50, 4), (1000, 5)] {
            let lengths: Vec<u64> = (0..chunks).map(|place| if place % 7 == 0 { 3 } else { 500 }).collect();
            let found = representative(&lengths);
            assert_eq!(found.len(), tried);
            assert!(found.is_sorted() && found.iter().all(|place| lengths[*place] == 500), "{found:?}");
        }
    }
}
