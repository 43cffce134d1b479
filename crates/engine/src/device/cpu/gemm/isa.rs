//! Which instruction set the kernels use: detected once, or forced with the environment variable `FTF_CPU`.

use std::sync::OnceLock;

/// Instruction sets that have kernels here, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// Portable code; the compiler's own vectorisation.
    Scalar,
    /// AVX2 with FMA.
    Avx2,
    /// AVX-512 (F, BW, DQ, VL), products in f32.
    Avx512,
    /// AVX-512 with `vdpbf16ps`.
    Avx512Bf16,
    /// AMX tiles with `tdpbf16ps`; f32 products use AVX-512.
    Amx,
}

impl Isa {
    /// All of them, weakest first.
    pub const ALL: [Isa; 5] = [Isa::Scalar, Isa::Avx2, Isa::Avx512, Isa::Avx512Bf16, Isa::Amx];

    /// The name that `FTF_CPU` takes.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Scalar => "scalar",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
            Isa::Avx512Bf16 => "avx512bf16",
            Isa::Amx => "amx",
        }
    }

    /// Whether this machine (processor and operating system) can run the kernels of this instruction set.
    pub fn available(self) -> bool {
        self <= detected()
    }

    /// Whether bf16 products are done by the hardware.
    pub fn has_bf16(self) -> bool {
        self >= Isa::Avx512Bf16
    }
}

/// The instruction set in use. `FTF_CPU=scalar|avx2|avx512|avx512bf16|amx` forces one; a value that cannot be honoured
/// is ignored here and explained by [`check_forced`].
pub fn isa() -> Isa {
    static CHOSEN: OnceLock<Isa> = OnceLock::new();
    *CHOSEN.get_or_init(|| forced().ok().flatten().unwrap_or_else(detected))
}

/// Whether the instruction set in use multiplies bf16 in hardware.
pub fn supports_bf16() -> bool {
    isa().has_bf16()
}

/// What is wrong with the value of `FTF_CPU`, if anything. Commands call this at start-up.
pub fn check_forced() -> Result<(), String> {
    forced().map(|_| ())
}

fn forced() -> Result<Option<Isa>, String> {
    match std::env::var_os("FTF_CPU") {
        None => Ok(None),
        Some(value) => parse_forced(&value.to_string_lossy()),
    }
}

pub(super) fn parse_forced(value: &str) -> Result<Option<Isa>, String> {
    let value = value.trim().to_ascii_lowercase();
    if value.is_empty() {
        return Ok(None);
    }
    let names = || {
        let usable: Vec<&str> = Isa::ALL.iter().filter(|isa| isa.available()).map(|isa| isa.name()).collect();
        usable.join(", ")
    };
    match Isa::ALL.into_iter().find(|isa| isa.name() == value) {
        None => {
            Err(format!("FTF_CPU={value} is no known instruction set; this machine can use: {}", names()))
        }
        Some(isa) if !isa.available() => {
            Err(format!("FTF_CPU={value} cannot be used: this machine lacks it and can use: {}", names()))
        }
        Some(isa) => Ok(Some(isa)),
    }
}

fn detected() -> Isa {
    static DETECTED: OnceLock<Isa> = OnceLock::new();
    *DETECTED.get_or_init(detect)
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Isa {
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    if !(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")) {
        Isa::Scalar
    } else if !avx512 {
        Isa::Avx2
    } else if !is_x86_feature_detected!("avx512bf16") {
        Isa::Avx512
    } else if super::amx::request() {
        Isa::Amx
    } else if is_intel() {
        // There `vdpbf16ps` has a quarter of the rate of an f32 multiplication: 119 GFLOP/s against 239 a core.
        Isa::Avx512
    } else {
        Isa::Avx512Bf16
    }
}

#[cfg(target_arch = "x86_64")]
fn is_intel() -> bool {
    let vendor = std::arch::x86_64::__cpuid(0);
    [vendor.ebx, vendor.edx, vendor.ecx].map(u32::to_le_bytes).as_flattened() == b"GenuineIntel"
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> Isa {
    Isa::Scalar
}
