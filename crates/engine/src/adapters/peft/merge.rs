//! An adapter's part in one module's weight.

use rayon::prelude::*;

use super::{Adapter, AdapterError};

/// What an adapter has on one module: `ΔW = scale · b · a`, and DoRA's magnitude.
#[derive(Debug, Clone, Copy)]
pub struct LoraPair<'a> {
    pub rank: usize,
    pub in_features: usize,
    pub out_features: usize,
    pub scale: f32,
    /// `[rank, in_features]`
    pub a: &'a [f32],
    /// `[out_features, rank]`
    pub b: &'a [f32],
    /// DoRA: the norm of each row of the merged weight, `[out_features]`.
    pub magnitude: Option<&'a [f32]>,
}

impl LoraPair<'_> {
    /// Merges into `weight` `[out_features, in_features]`, in f32, in a fixed order of additions:
    /// `W + scale · b · a`, and for DoRA its rows brought to their magnitudes (a row of zeros stays one).
    ///
    /// # Panics
    /// When `weight` has another length.
    pub fn merge(&self, weight: &mut [f32]) {
        assert_eq!(weight.len(), self.in_features * self.out_features, "the weight's shape was checked");
        self.merge_rows(0, weight);
    }

    /// As [`LoraPair::merge`] for some of the weight's rows, the first of which is row `first`: each row is merged by itself.
    ///
    /// # Panics
    /// When there are no such rows.
    pub fn merge_rows(&self, first: usize, rows: &mut [f32]) {
        let last = first + rows.len() / self.in_features;
        let b = &self.b[first * self.rank..last * self.rank];
        let rows = rows.par_chunks_mut(self.in_features).zip(b.par_chunks(self.rank)).enumerate();
        rows.for_each(|(out, (row, b))| {
            let mut delta = vec![0f32; self.in_features];
            for (factor, a) in b.iter().zip(self.a.chunks_exact(self.in_features)) {
                delta.iter_mut().zip(a).for_each(|(sum, x)| *sum += factor * x);
            }
            row.iter_mut().zip(&delta).for_each(|(w, d)| *w += self.scale * d);
            if let Some(magnitude) = self.magnitude {
                let norm = row.iter().map(|w| f64::from(*w).powi(2)).sum::<f64>().sqrt() as f32;
                let factor = if norm > 0.0 { magnitude[first + out] / norm } else { 0.0 };
                row.iter_mut().for_each(|w| *w *= factor);
            }
        });
    }
}

impl Adapter {
    /// Merges the adapter on `module`, if there is one, into its weight `[out, in]`. Says whether there was one.
    ///
    /// # Errors
    /// The weight has another shape than the pair.
    pub fn merge_into(
        &self,
        module: &str,
        shape: &[usize],
        weight: &mut [f32],
    ) -> Result<bool, AdapterError> {
        let Some(pair) = self.pair(module) else { return Ok(false) };
        if shape != [pair.out_features, pair.in_features]
            || weight.len() != pair.out_features * pair.in_features
        {
            let detail = format!(
                "its weight has shape {shape:?}, the adapter is for [{}, {}]",
                pair.out_features, pair.in_features
            );
            return Err(AdapterError::Mismatch { module: module.to_string(), detail });
        }
        pair.merge(weight);
        Ok(true)
    }
}
