//! Rotary positions (<https://arxiv.org/abs/2104.09864>) and their scalings, as in transformers' `modeling_rope_utils.py`.

use std::f64::consts::TAU;

/// One kind of rotary positions: what turns how fast.
#[derive(Clone, Debug, PartialEq)]
pub struct Rope {
    /// Angle per position of each pair of numbers, [rotary_dim / 2].
    pub frequencies: Vec<f64>,
    /// Multiplies what is rotated.
    pub magnitude: f64,
}

/// Llama 3.1's scaling: long waves are stretched, short ones kept, those between interpolated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Llama3Scaling {
    pub factor: f64,
    pub low_freq_factor: f64,
    pub high_freq_factor: f64,
    pub original_max_position_embeddings: f64,
}

impl Rope {
    /// `theta^(-2i / rotary_dim)`
    pub fn plain(theta: f64, rotary_dim: usize) -> Self {
        let half = rotary_dim / 2;
        let frequencies = (0..half).map(|i| theta.powf(-(i as f64) / half as f64)).collect();
        Self { frequencies, magnitude: 1.0 }
    }

    /// Numbers of a head that are rotated.
    pub fn rotary_dim(&self) -> usize {
        2 * self.frequencies.len()
    }

    /// Positions divided by `factor` (`linear`).
    pub fn stretched(mut self, factor: f64) -> Self {
        self.frequencies.iter_mut().for_each(|frequency| *frequency /= factor);
        self
    }

    /// `llama3`
    pub fn llama3(mut self, scaling: Llama3Scaling) -> Self {
        let Llama3Scaling { factor, low_freq_factor, high_freq_factor, original_max_position_embeddings } =
            scaling;
        for frequency in &mut self.frequencies {
            // Waves that fit into the original context.
            let waves = original_max_position_embeddings * *frequency / TAU;
            let smooth = (waves - low_freq_factor) / (high_freq_factor - low_freq_factor);
            *frequency *= match waves {
                waves if waves < low_freq_factor => 1.0 / factor,
                waves if waves > high_freq_factor => 1.0,
                _ => (1.0 - smooth) / factor + smooth,
            };
        }
        self
    }

    /// `longrope` (<https://arxiv.org/abs/2402.13753>): a factor for each frequency, and one for the magnitude.
    pub fn longrope(mut self, factors: &[f64], magnitude: f64) -> Self {
        self.frequencies.iter_mut().zip(factors).for_each(|(frequency, factor)| *frequency /= factor);
        self.magnitude = magnitude;
        self
    }

    /// `[positions, rotary_dim]`: the cosines of the half-dimensions, then their sines.
    pub fn table(&self, positions: usize) -> Vec<f32> {
        let mut table = Vec::with_capacity(positions * self.rotary_dim());
        for position in 0..positions {
            let angles = self.frequencies.iter().map(|frequency| position as f64 * frequency);
            table.extend(angles.clone().map(|angle| (self.magnitude * angle.cos()) as f32));
            table.extend(angles.map(|angle| (self.magnitude * angle.sin()) as f32));
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::{Llama3Scaling, Rope};

    #[test]
    fn llama3_keeps_short_waves_and_stretches_long_ones() {
        let scaling = Llama3Scaling {
            factor: 8.0,
            low_freq_factor: 1.0,
            high_freq_factor: 4.0,
            original_max_position_embeddings: 8192.0,
        };
        let plain = Rope::plain(5e5, 128);
        let scaled = plain.clone().llama3(scaling);
        let ratio = |i: usize| plain.frequencies[i] / scaled.frequencies[i];
        assert_eq!((ratio(0), ratio(20)), (1.0, 1.0));
        assert!((ratio(63) - 8.0).abs() < 1e-12);
        assert!(ratio(32) > 1.0 && ratio(32) < 8.0, "{}", ratio(32));
    }

    #[test]
    fn a_table_holds_cosines_then_sines() {
        let table = Rope::plain(100.0, 4).longrope(&[1.0, 2.0], 3.0).table(2);
        let angles = [1.0f64, 0.05];
        assert_eq!(table[..4], [3.0, 3.0, 0.0, 0.0]);
        let want = angles.map(|a| 3.0 * a.cos()).into_iter().chain(angles.map(|a| 3.0 * a.sin()));
        assert!(table[4..].iter().zip(want).all(|(got, want)| (f64::from(*got) - want).abs() < 1e-6));
    }
}
