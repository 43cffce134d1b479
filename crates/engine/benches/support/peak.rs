//! What the arithmetic units reach on registers alone: the limit that rates are shown beside.

use engine::device::cpu::gemm::{Isa, Precision};
#[cfg(not(target_arch = "x86_64"))]
use std::hint::black_box;
use std::time::Instant;

/// GFLOP/s of all threads together when nothing is read from memory.
pub fn peak(isa: Isa, precision: Precision) -> f64 {
    const ROUNDS: usize = 300_000;
    let mut best = 0f64;
    for _ in 0..9 {
        let start = Instant::now();
        let flops: usize = rayon::broadcast(|_| registers(isa, precision, ROUNDS)).into_iter().sum();
        best = best.max(flops as f64 / start.elapsed().as_secs_f64() / 1e9);
    }
    best
}

#[cfg(target_arch = "x86_64")]
fn registers(isa: Isa, precision: Precision, rounds: usize) -> usize {
    // SAFETY: `isa` is what this processor was found to have.
    unsafe {
        match (isa, precision) {
            (Isa::Scalar, _) => x86::sse2(rounds),
            (Isa::Avx2, _) => x86::avx2(rounds),
            (Isa::Amx, Precision::Bf16) => x86::amx(rounds),
            (Isa::Avx512Bf16, Precision::Bf16) => x86::avx512_bf16(rounds),
            _ => x86::avx512(rounds),
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn registers(_: Isa, _: Precision, rounds: usize) -> usize {
    let mut sums = [0f32; 32];
    let x = black_box(0.5f32);
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum += x * x;
        }
        black_box(&mut sums);
    }
    2 * 32 * rounds
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::asm;
    use std::arch::x86_64::*;
    use std::hint::black_box;

    /// # Safety
    /// None: part of the base instruction set.
    pub unsafe fn sse2(rounds: usize) -> usize {
        // SAFETY: the caller's promise.
        unsafe {
            let x = black_box(_mm_set1_ps(0.5));
            let mut sums = [x; 12];
            for _ in 0..rounds {
                for sum in &mut sums {
                    *sum = _mm_add_ps(_mm_mul_ps(x, *sum), x);
                }
            }
            black_box(sums);
        }
        2 * 4 * 12 * rounds
    }

    /// # Safety
    /// Needs AVX2 and FMA.
    #[target_feature(enable = "avx2,fma")]
    pub unsafe fn avx2(rounds: usize) -> usize {
        let x = black_box(_mm256_set1_ps(0.5));
        let mut sums = [x; 12];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm256_fmadd_ps(x, x, *sum);
            }
        }
        black_box(sums);
        2 * 8 * 12 * rounds
    }

    /// # Safety
    /// Needs AVX-512.
    #[target_feature(enable = "avx512f")]
    pub unsafe fn avx512(rounds: usize) -> usize {
        let x = black_box(_mm512_set1_ps(0.5));
        let mut sums = [x; 24];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm512_fmadd_ps(x, x, *sum);
            }
        }
        black_box(sums);
        2 * 16 * 24 * rounds
    }

    /// # Safety
    /// Needs AVX-512 with BF16.
    #[target_feature(enable = "avx512f,avx512bf16")]
    pub unsafe fn avx512_bf16(rounds: usize) -> usize {
        let x = black_box(_mm512_set1_ps(0.5));
        let pairs = _mm512_cvtne2ps_pbh(x, x);
        let mut sums = [x; 24];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm512_dpbf16_ps(*sum, pairs, pairs);
            }
        }
        black_box(sums);
        4 * 16 * 24 * rounds
    }

    /// # Safety
    /// Needs AMX with BF16, permitted for this process.
    pub unsafe fn amx(rounds: usize) -> usize {
        #[repr(align(64))]
        struct Config([u8; 64]);
        let mut config = Config([0; 64]);
        config.0[0] = 1;
        for tile in 0..8 {
            config.0[16 + 2 * tile] = 64;
            config.0[48 + tile] = 16;
        }
        // SAFETY: a valid configuration of eight tiles of 16 rows × 64 bytes.
        unsafe {
            asm!(
                "ldtilecfg [{config}]",
                "tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3", "tilezero tmm4", "tilezero tmm6",
                "2:",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tdpbf16ps tmm1, tmm4, tmm6",
                "tdpbf16ps tmm2, tmm4, tmm6",
                "tdpbf16ps tmm3, tmm4, tmm6",
                "dec {rounds}",
                "jnz 2b",
                "tilerelease",
                config = in(reg) &config,
                rounds = inout(reg) rounds => _,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _, out("tmm4") _, out("tmm6") _,
                options(nostack),
            );
        }
        4 * 2 * 16 * 16 * 32 * rounds
    }
}
