//! Another attempt after a failure that passes, with pauses that grow and, where the server says so, as long as it wants.

use std::time::Duration;

/// A failure that may pass.
pub trait Passing {
    /// Whether the same request may succeed later.
    fn is_passing(&self) -> bool;

    /// How long the server wants to be left alone.
    fn retry_after(&self) -> Option<Duration>;
}

/// How often and how patiently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Attempts in all.
    pub attempts: u32,
    /// The first pause; each further one is twice as long.
    pub first_pause: Duration,
    /// No pause of our own is longer.
    pub longest_pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { attempts: 6, first_pause: Duration::from_millis(500), longest_pause: Duration::from_secs(30) }
    }
}

impl Patience {
    /// How long to wait after attempt `attempt` (from 1) has failed like this; `None`: give up. `spread` in 0..1 keeps many
    /// that failed together from coming back together.
    pub fn pause(&self, attempt: u32, error: &impl Passing, spread: f64) -> Option<Duration> {
        if attempt >= self.attempts || !error.is_passing() {
            return None;
        }
        let doubled = self.first_pause.saturating_mul(1 << (attempt - 1).min(16)).min(self.longest_pause);
        let own = doubled.mul_f64(0.5 + 0.5 * spread.clamp(0.0, 1.0));
        Some(error.retry_after().map_or(own, |asked| asked.max(own)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::ProviderError;

    fn limited(retry_after: Option<u64>) -> ProviderError {
        let retry_after = retry_after.map(Duration::from_secs);
        ProviderError::Limited { address: "http://x".into(), retry_after, message: "slow down".into() }
    }

    #[test]
    fn pauses_grow_and_end() {
        let patience = Patience::default();
        let pauses: Vec<_> = (1..=6).map(|attempt| patience.pause(attempt, &limited(None), 1.0)).collect();
        let half_seconds = [Some(1), Some(2), Some(4), Some(8), Some(16), None];
        assert_eq!(pauses, half_seconds.map(|count| count.map(|count| count * Duration::from_millis(500))));
        assert_eq!(patience.pause(1, &limited(None), 0.0), Some(Duration::from_millis(250)));
        let patient = Patience { attempts: 100, ..patience };
        assert_eq!(patient.pause(60, &limited(None), 1.0), Some(Duration::from_secs(30)));
    }

    #[test]
    fn a_server_is_left_alone_as_long_as_it_wants() {
        assert_eq!(Patience::default().pause(1, &limited(Some(7)), 1.0), Some(Duration::from_secs(7)));
        assert_eq!(Patience::default().pause(3, &limited(Some(1)), 1.0), Some(Duration::from_secs(2)));
    }

    #[test]
    fn what_would_fail_again_is_not_tried_again() {
        let refused = ProviderError::Unauthorized { address: "http://x".into(), status: 401 };
        assert_eq!(Patience::default().pause(1, &refused, 1.0), None);
    }
}
