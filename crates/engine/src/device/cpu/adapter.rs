//! What adapters need beside products: DoRA's norms and factors, and dropout.

use rayon::prelude::*;

use super::elementwise::{PARTIAL_ROWS, grain};
use super::gemm::{Data, bf16_to_f32};
use super::vectorize::{dot, vectorized};
use crate::device::{Beta, DropoutMask};
use crate::random::mix;

vectorized! {
    fn row_squares_block(w: &[f32], squares: &mut [f32]) {
        let columns = w.len() / squares.len();
        for (square, row) in squares.iter_mut().zip(w.chunks_exact(columns)) {
            *square = dot(row, row);
        }
    }
}

/// `squares[i] = Σ w[i]²`, w: [rows, columns]
pub fn row_squares(w: &[f32], columns: usize, squares: &mut [f32]) {
    let rows = grain(columns);
    squares
        .par_chunks_mut(rows)
        .zip(w.par_chunks(rows * columns))
        .for_each(|(squares, w)| row_squares_block(w, squares));
}

/// `norms[o] = √(squares[o] + Σ_k b[o][k]·products[k][o])` and `factors[o] = magnitude[o] / norms[o]`: the sum is in f64,
/// and a row that is 0 everywhere gets the factor 0.
pub fn magnitude_factors(
    squares: &[f32],
    products: &[f32],
    b: &[f32],
    magnitude: &[f32],
    norms: &mut [f32],
    factors: &mut [f32],
) {
    let rows = squares.len();
    let rank = b.len() / rows.max(1);
    let outputs = norms.par_iter_mut().zip(factors).enumerate().with_min_len(grain(rank));
    outputs.for_each(|(o, (norm, factor))| {
        let term = |k: usize| f64::from(b[o * rank + k]) * f64::from(products[k * rows + o]);
        let square = f64::from(squares[o]) + (0..rank).map(term).sum::<f64>();
        *norm = (square.max(0.0) as f32).sqrt();
        *factor = if *norm > 0.0 { magnitude[o] / *norm } else { 0.0 };
    });
}

vectorized! {
    fn scale_row(factors: &[f32], x: &[f32], y: &mut [f32]) {
        for ((y, x), f) in y.iter_mut().zip(x).zip(factors) {
            *y = f * x;
        }
    }
}

vectorized! {
    fn add_scaled_row(factors: &[f32], x: &[f32], y: &mut [f32]) {
        for ((y, x), f) in y.iter_mut().zip(x).zip(factors) {
            *y += f * x;
        }
    }
}

/// `y[i] (+)= factors ∘ x[i]`
pub fn scale_columns(factors: &[f32], x: &[f32], beta: Beta, y: &mut [f32]) {
    let n = factors.len();
    y.par_chunks_mut(n).zip(x.par_chunks(n)).with_min_len(grain(n)).for_each(|(y, x)| match beta {
        Beta::Overwrite => scale_row(factors, x, y),
        Beta::Accumulate => add_scaled_row(factors, x, y),
    });
}

vectorized! {
    fn magnitude_gradient_row(dy: &[f32], factors: &[f32], direction: &mut [f32], sums: &mut [f32]) {
        for (((d, z), f), sum) in dy.iter().zip(direction).zip(factors).zip(sums.iter_mut()) {
            *sum += d * *z;
            *z = f * d;
        }
    }
}

vectorized! {
    fn widen_row(x: &[u16], y: &mut [f32]) {
        for (y, x) in y.iter_mut().zip(x) {
            *y = bf16_to_f32(*x);
        }
    }
}

/// Row `row` of an operand in f32; `room` is where it is widened to.
fn row_of<'a>(x: Data<'a>, row: usize, room: &'a mut [f32]) -> &'a [f32] {
    let n = room.len();
    match x {
        Data::F32(x) => &x[row * n..][..n],
        Data::Bf16(x) => {
            widen_row(&x[row * n..][..n], room);
            room
        }
        Data::F16(_) | Data::Nf4(_) | Data::Q8(_) => unreachable!("activations are f32 or bf16"),
    }
}

/// `d_magnitude += Σ dy[i] ∘ direction[i] / norms`, then `direction = factors ∘ dy`.
pub fn magnitude_gradient(
    dy: Data,
    factors: &[f32],
    norms: &[f32],
    direction: &mut [f32],
    d_magnitude: Option<&mut [f32]>,
) {
    let n = factors.len();
    let partial: Vec<Vec<f32>> = direction
        .par_chunks_mut(PARTIAL_ROWS * n)
        .enumerate()
        .map(|(block, direction)| {
            let (mut sums, mut room) = (vec![0f32; n], vec![0f32; n]);
            for (row, direction) in direction.chunks_exact_mut(n).enumerate() {
                let dy = row_of(dy, block * PARTIAL_ROWS + row, &mut room);
                magnitude_gradient_row(dy, factors, direction, &mut sums);
            }
            sums
        })
        .collect();
    let Some(d_magnitude) = d_magnitude else { return };
    for sums in partial {
        for ((d, sum), norm) in d_magnitude.iter_mut().zip(sums).zip(norms) {
            *d += if *norm > 0.0 { sum / norm } else { 0.0 };
        }
    }
}

/// The finalizer of MurmurHash3 (<https://github.com/aappleby/smhasher/wiki/MurmurHash3>): each bit of the input moves
/// each bit of the output with a probability near 1/2.
#[inline(always)]
fn scramble(mut h: u32) -> u32 {
    h ^= h >> 16;
    h = h.wrapping_mul(0x85eb_ca6b);
    h ^= h >> 13;
    h = h.wrapping_mul(0xc2b2_ae35);
    h ^ (h >> 16)
}

vectorized! {
    fn dropout_row(key: u64, threshold: u32, factors: [f32; 2], beta: Beta, x: &[f32], y: &mut [f32]) {
        let (low, high) = (key as u32, (key >> 32) as u32);
        let keep = if beta == Beta::Accumulate { 1.0 } else { 0.0 };
        for (column, (y, x)) in y.iter_mut().zip(x).enumerate() {
            let hash = scramble(scramble(column as u32 ^ low) ^ high);
            let factor = if hash < threshold { factors[0] } else { factors[1] };
            // What is overwritten may hold anything, infinities too.
            let before = if keep > 0.0 { *y } else { 0.0 };
            *y = before + factor * x;
        }
    }
}

/// `y (+)= factor ∘ x`: see [`DropoutMask`]. The row's number and the mask's key make the key of a row.
pub fn dropout(mask: DropoutMask, columns: usize, x: Data, beta: Beta, y: &mut [f32]) {
    let threshold = (f64::from(mask.probability) * 2f64.powi(32)) as u32;
    let factors = mask.factors();
    let rows = y.par_chunks_mut(columns).enumerate().with_min_len(grain(columns));
    rows.for_each_init(
        || vec![0f32; columns],
        |room, (row, y)| {
            let key = mix(mask.key.wrapping_add(mix(mask.first_row + row as u64)));
            dropout_row(key, threshold, factors, beta, row_of(x, row, room), y);
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(mask: DropoutMask, rows: usize, columns: usize) -> Vec<bool> {
        let mut y = vec![0f32; rows * columns];
        dropout(mask, columns, Data::F32(&vec![1f32; rows * columns]), Beta::Overwrite, &mut y);
        y.into_iter().map(|y| y != 0.0).collect()
    }

    #[test]
    fn masks_keep_their_share_and_are_independent() {
        let (rows, columns) = (257, 513);
        let n = (rows * columns) as f64;
        for probability in [0.05f32, 0.5, 0.9] {
            let p = f64::from(probability);
            let mask = DropoutMask { probability, key: 7, first_row: 3, complement: false };
            let a = kept(mask, rows, columns);
            let share = |kept: &mut dyn Iterator<Item = bool>| kept.filter(|kept| *kept).count() as f64;
            // Five standard deviations: a fair generator fails once in a million.
            let room = 5.0 * (n * p * (1.0 - p)).sqrt();
            assert!((share(&mut a.iter().copied()) - n * (1.0 - p)).abs() < room, "{p}");
            let others = [
                kept(DropoutMask { key: 8, ..mask }, rows, columns),
                // The rows of the same mask, moved: a neighbour of the row.
                kept(DropoutMask { first_row: 4, ..mask }, rows, columns),
                // A neighbour in the row.
                a.iter().skip(1).copied().chain([a[0]]).collect(),
            ];
            for (index, b) in others.iter().enumerate() {
                let both = share(&mut a.iter().zip(b).map(|(a, b)| *a && *b));
                let want = n * (1.0 - p) * (1.0 - p);
                assert!((both - want).abs() < 5.0 * want.sqrt(), "{p}: pair {index}, {both} of {want}");
            }
        }
    }

    #[test]
    fn kept_numbers_are_scaled_and_the_complement_is_the_rest() {
        let mask = DropoutMask { probability: 0.25, key: 11, first_row: 0, complement: false };
        let x: Vec<f32> = (1..=300).map(|i| i as f32).collect();
        let mut y = vec![f32::NAN; 300];
        dropout(mask, 100, Data::F32(&x), Beta::Overwrite, &mut y);
        for (x, y) in x.iter().zip(&y) {
            assert!(*y == 0.0 || (y - x / 0.75).abs() <= 1e-6 * x, "{x} became {y}");
        }
        dropout(DropoutMask { complement: true, ..mask }, 100, Data::F32(&x), Beta::Accumulate, &mut y);
        for (x, y) in x.iter().zip(&y) {
            assert!((y - x).abs() <= 1e-5 * x, "{x} and {y}");
        }
        // A mask belongs to rows by number, wherever a batch is cut.
        let (mut whole, mut part) = (vec![0f32; 300], vec![0f32; 200]);
        dropout(mask, 100, Data::F32(&x), Beta::Overwrite, &mut whole);
        dropout(DropoutMask { first_row: 1, ..mask }, 100, Data::F32(&x[100..]), Beta::Overwrite, &mut part);
        assert_eq!(whole[100..], part[..]);
    }

    #[test]
    fn a_row_of_zeros_has_no_direction() {
        let (mut norms, mut factors) = ([1f32; 2], [1f32; 2]);
        magnitude_factors(&[0.0, 4.0], &[0.0, 0.5], &[1.0, 1.0], &[0.0, 3.0], &mut norms, &mut factors);
        assert_eq!((norms, factors), ([0.0, 4.5f32.sqrt()], [0.0, 3.0 / 4.5f32.sqrt()]));
        let mut d = [0f32; 2];
        let mut direction = [5.0f32, 2.0];
        magnitude_gradient(Data::F32(&[1.0, 1.0]), &factors, &norms, &mut direction, Some(&mut d));
        assert_eq!((d[0], direction[0]), (0.0, 0.0));
        assert_eq!((d[1], direction[1]), (2.0 / norms[1], factors[1]));
    }
}
