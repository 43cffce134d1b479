//! Learning-rate schedules.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    Constant,
    Linear,
    Cosine,
}

impl Schedule {
    /// Learning rate of update `step` (from 1) of `total`: a linear warm-up that reaches `peak` at update
    /// `warmup`, then the schedule down to 0 after the last update (<https://arxiv.org/abs/1608.03983>).
    pub fn learning_rate(self, peak: f64, step: u64, warmup: u64, total: u64) -> f64 {
        if step <= warmup {
            return peak * step as f64 / warmup.max(1) as f64;
        }
        let progress = (step - 1 - warmup) as f64 / total.saturating_sub(warmup).max(1) as f64;
        peak * match self {
            Self::Constant => 1.0,
            Self::Linear => 1.0 - progress,
            Self::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * progress).cos()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;

    #[test]
    fn learning_rates() {
        let rows = [
            (Schedule::Constant, 1, 0, 10, 1.0),
            (Schedule::Constant, 2, 4, 10, 0.5),
            (Schedule::Constant, 10, 4, 10, 1.0),
            (Schedule::Linear, 1, 0, 10, 1.0),
            (Schedule::Linear, 6, 0, 10, 0.5),
            (Schedule::Linear, 10, 0, 10, 0.1),
            (Schedule::Cosine, 1, 0, 10, 1.0),
            (Schedule::Cosine, 6, 0, 10, 0.5),
            (Schedule::Cosine, 4, 3, 9, 1.0),
        ];
        for (schedule, step, warmup, total, want) in rows {
            let got = schedule.learning_rate(1.0, step, warmup, total);
            assert!((got - want).abs() < 1e-12, "{schedule:?} {step}/{total}: {got}, want {want}");
        }
    }
}
