//! One source, compiled once for each instruction set and chosen at run time, and the vector helpers
//! that the element-wise operations share.

/// Defines a function whose body is compiled for AVX-512, AVX2 and the baseline.
///
/// The chosen path follows [`super::gemm::isa`], so `FTF_CPU` forces these too.
macro_rules! vectorized {
    ($(#[$meta:meta])* $visibility:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments)]
        $visibility fn $name($($argument: $type),*) $(-> $result)? {
            #[inline(always)]
            #[allow(clippy::too_many_arguments)]
            fn portable($($argument: $type),*) $(-> $result)? $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,fma")]
                #[allow(clippy::too_many_arguments)]
                fn avx512($($argument: $type),*) $(-> $result)? { portable($($argument),*) }
                #[target_feature(enable = "avx2,fma")]
                #[allow(clippy::too_many_arguments)]
                fn avx2($($argument: $type),*) $(-> $result)? { portable($($argument),*) }
                use $crate::device::cpu::gemm::Isa;
                match $crate::device::cpu::gemm::isa() {
                    Isa::Scalar => {}
                    // SAFETY: the instruction set was detected on this processor.
                    Isa::Avx2 => return unsafe { avx2($($argument),*) },
                    // SAFETY: as above; every wider path includes these AVX-512 parts.
                    Isa::Avx512 | Isa::Avx512Bf16 | Isa::Amx => return unsafe { avx512($($argument),*) },
                }
            }
            portable($($argument),*)
        }
    };
}
pub(crate) use vectorized;

/// Lanes that the helpers below work on: several vectors, so that sums do not wait for each other.
const LANES: usize = 32;

/// e^x, accurate to about 2 units in the last place for the range of a softmax; x is clamped to [-87, 88].
///
/// Range reduction by powers of two with a polynomial of degree 6 (Cephes' coefficients, <https://www.netlib.org/cephes/>).
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0; // 1.5 * 2^23: adding it rounds to an integer
    let x = x.clamp(-87.0, 88.0);
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let f = (x - n * 0.693_359_4) - n * -2.121_944_4e-4;
    let p = 1.987_569_2e-4 * f + 1.398_199_9e-3;
    let p = p * f + 8.333_452e-3;
    let p = p * f + 4.166_579_6e-2;
    let p = p * f + 1.666_666_5e-1;
    let p = p * f + 0.5;
    let y = p * (f * f) + (f + 1.0);
    // The low bits of `rounded` are n: a cast, which saturates, would be made number by number.
    f32::from_bits(y.to_bits().wrapping_add(rounded.to_bits() << 23))
}

/// tanh(x), accurate to about 3 units in the last place: a polynomial near 0, `1 - 2/(e^2|x| + 1)` beyond
/// (Cephes' tanhf, <https://www.netlib.org/cephes/>).
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let size = x.abs();
    let z = x * x;
    let p = -5.704_988_7e-3 * z + 2.063_909e-2;
    let p = p * z - 5.373_971_6e-2;
    let p = p * z + 1.333_144_2e-1;
    let p = p * z - 3.333_328e-1;
    let small = p * z * size + size;
    let large = 1.0 - 2.0 / (exp(2.0 * size) + 1.0);
    let y = if size < 0.625 { small } else { large };
    y.copysign(x)
}

#[inline(always)]
pub fn dot(x: &[f32], y: &[f32]) -> f32 {
    let mut lanes = [0f32; LANES];
    let mut x_blocks = x.chunks_exact(LANES);
    let mut y_blocks = y.chunks_exact(LANES);
    for (x, y) in (&mut x_blocks).zip(&mut y_blocks) {
        for i in 0..LANES {
            lanes[i] += x[i] * y[i];
        }
    }
    let rest: f32 = x_blocks.remainder().iter().zip(y_blocks.remainder()).map(|(x, y)| x * y).sum();
    lanes.iter().sum::<f32>() + rest
}

#[inline(always)]
pub fn maximum(x: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let mut blocks = x.chunks_exact(LANES);
    for block in &mut blocks {
        for i in 0..LANES {
            lanes[i] = if block[i] > lanes[i] { block[i] } else { lanes[i] };
        }
    }
    blocks.remainder().iter().chain(&lanes).fold(f32::NEG_INFINITY, |a, &b| a.max(b))
}

/// `x = exp(scale * x - shift)`; returns the sum.
#[inline(always)]
pub fn exp_and_sum(x: &mut [f32], scale: f32, shift: f32) -> f32 {
    let mut lanes = [0f32; LANES];
    let mut blocks = x.chunks_exact_mut(LANES);
    for block in &mut blocks {
        for i in 0..LANES {
            block[i] = exp(block[i] * scale - shift);
            lanes[i] += block[i];
        }
    }
    let mut rest = 0.0;
    for x in blocks.into_remainder() {
        *x = exp(*x * scale - shift);
        rest += *x;
    }
    lanes.iter().sum::<f32>() + rest
}

/// `Σ exp(scale * x - shift)`
#[inline(always)]
pub fn exp_sum(x: &[f32], scale: f32, shift: f32) -> f32 {
    let mut lanes = [0f32; LANES];
    let mut blocks = x.chunks_exact(LANES);
    for block in &mut blocks {
        for i in 0..LANES {
            lanes[i] += exp(block[i] * scale - shift);
        }
    }
    let rest: f32 = blocks.remainder().iter().map(|x| exp(x * scale - shift)).sum();
    lanes.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::{exp, tanh};

    #[test]
    fn tanh_agrees_with_the_library() {
        for i in -2000..=2000 {
            let x = i as f32 / 100.0 + 1e-4;
            let want = f64::from(x).tanh();
            let error = ((f64::from(tanh(x)) - want) / want).abs();
            assert!(error < 4e-7, "tanh({x}): relative error {error}");
        }
        assert_eq!((tanh(0.0), tanh(1e30), tanh(f32::NEG_INFINITY)), (0.0, 1.0, -1.0));
        assert!(tanh(f32::NAN).is_nan());
    }

    #[test]
    fn exp_agrees_with_the_library() {
        for i in -8700..=8800 {
            let x = i as f32 / 100.0;
            let want = f64::from(x).exp();
            let error = (f64::from(exp(x)) - want).abs() / want;
            assert!(error < 3e-7, "exp({x}): relative error {error}");
        }
        assert!(exp(f32::NEG_INFINITY) < 1e-37);
    }
}
