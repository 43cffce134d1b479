//! One suite for every device: each operation of [`Device`] against its definition, written plainly in f64.
//!
//! Tests run the long form; `doctor` runs the short one on the device at hand, gradients included.

use serde::Serialize;

use super::cpu::gemm::{bf16_to_f32, f32_to_bf16};
use super::{Buffer, Device, Element, Precision, WeightFormat};
use crate::batching::{IGNORE, MicroBatch};

mod adapters;
mod attention;
mod elementwise;
mod loss;
mod matrices;
mod memory;

/// What only moves numbers.
const EXACT: f64 = 0.0;
/// A few f32 operations a number.
const ELEMENTWISE: f64 = 2e-6;
/// Sums of many numbers in f32.
const SUMS: f64 = 1e-5;
/// Results of one product, rounded to bf16 (2⁻⁹ of each number), are the operands of the next.
const ROUNDED: f64 = 2e-2;

/// A number rounded to bf16's eight bits once.
const STORED: f64 = 1.0 / 256.0;

const PRECISIONS: [Precision; 2] = [Precision::F32, Precision::Bf16];
/// Ways to keep a weight, and what of its largest number a stored one may be off by.
const FORMATS: [(WeightFormat, f64); 2] = [(WeightFormat::F32, EXACT), (WeightFormat::Bf16, STORED)];
/// What buffers are made of.
const ELEMENTS: [Element; 2] = [Element::F32, Element::Bf16];

/// How much is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// A second's worth, every operation included.
    Short,
    /// Shapes that reach into every branch too.
    Long,
}

/// What one operation did in one case.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// Its name in [`Device`].
    pub operation: &'static str,
    pub case: String,
    /// Largest difference from the definition, as a share of the definition's largest number; infinite where the
    /// result is not finite.
    pub error: f64,
    pub tolerance: f64,
}

impl Check {
    pub fn passed(&self) -> bool {
        self.error <= self.tolerance
    }
}

/// Every operation of the device in every case.
pub fn conformance(device: &dyn Device, extent: Extent) -> Vec<Check> {
    let mut suite = Suite { device, extent, checks: Vec::new() };
    suite.memory();
    suite.matrices();
    suite.elementwise();
    suite.attention();
    suite.loss();
    suite.adapters();
    suite.checks
}

struct Suite<'a> {
    device: &'a dyn Device,
    extent: Extent,
    checks: Vec<Check>,
}

impl Suite<'_> {
    fn check(&mut self, operation: &'static str, case: &str, tolerance: f64, found: &Buffer, want: &[f64]) {
        self.values(operation, case, tolerance, &self.device.download(found), want);
    }

    fn values(&mut self, operation: &'static str, case: &str, tolerance: f64, found: &[f32], want: &[f64]) {
        let error = difference(found.iter().map(|&x| f64::from(x)), want);
        self.checks.push(Check { operation, case: case.to_owned(), error, tolerance });
    }

    fn number(&mut self, operation: &'static str, case: &str, tolerance: f64, found: f64, want: f64) {
        let error = difference([found].into_iter(), &[want]);
        self.checks.push(Check { operation, case: case.to_owned(), error, tolerance });
    }

    fn long(&self) -> bool {
        self.extent == Extent::Long
    }
}

/// The largest difference as a share of the largest wanted number; infinite where they cannot be compared.
fn difference(found: impl ExactSizeIterator<Item = f64>, want: &[f64]) -> f64 {
    if found.len() != want.len() {
        return f64::INFINITY;
    }
    let largest = want.iter().fold(1e-30f64, |largest, x| largest.max(x.abs()));
    found.zip(want).fold(0.0, |worst: f64, (found, want)| {
        let error = (found - want).abs() / largest;
        if error.is_finite() { worst.max(error) } else { f64::INFINITY }
    })
}

/// Numbers in -1..1 that look like nothing in particular.
fn numbers(seed: usize, count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 + seed * 104_729 + 31) % 2003) as f32 / 1001.5 - 1.0).collect()
}

/// The factors that a product of this precision is made of.
fn factors(precision: Precision, values: &[f32]) -> Vec<f64> {
    let factor = |&x: &f32| match precision {
        Precision::F32 => f64::from(x),
        Precision::Bf16 => f64::from(bf16_to_f32(f32_to_bf16(x))),
    };
    values.iter().map(factor).collect()
}

/// Sequences of these lengths, one after the other; every third position is not learned.
fn packed(lengths: &[usize], vocabulary: u32) -> MicroBatch {
    let mut batch = MicroBatch::default();
    for (row, &len) in lengths.iter().enumerate() {
        let ids: Vec<u32> = (0..len as u32).map(|i| (i * 17 + 5) % vocabulary).collect();
        let label = |(i, &id): (usize, &u32)| if i % 3 == 2 { IGNORE } else { id as i32 };
        batch.push_row(row, &ids, ids.iter().enumerate().map(label));
    }
    batch
}

#[cfg(test)]
mod tests {
    use super::difference;

    fn of(found: &[f64], want: &[f64]) -> f64 {
        difference(found.iter().copied(), want)
    }

    #[test]
    fn a_difference_is_a_share_of_the_largest_number() {
        assert_eq!(of(&[1.0, -4.0], &[1.0, -4.0]), 0.0);
        assert_eq!(of(&[1.0, -3.0], &[1.0, -4.0]), 0.25);
    }

    #[test]
    fn what_cannot_be_compared_is_infinitely_wrong() {
        assert_eq!(of(&[1.0], &[1.0, 2.0]), f64::INFINITY);
        assert_eq!(of(&[f64::NAN, 2.0], &[1.0, 2.0]), f64::INFINITY);
        assert_eq!(of(&[1.0, f64::INFINITY], &[1.0, 2.0]), f64::INFINITY);
    }
}
