//! Element types of stored tensors and the conversions between them.
//!
//! Conversions from f32 round to nearest, ties to even, as IEEE 754 says and PyTorch does.

/// The element types that are read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DType {
    F32,
    F16,
    BF16,
}

impl DType {
    /// Bytes of one element.
    pub fn size_bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
        }
    }

    /// The name in a safetensors header.
    pub fn safetensors_name(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::BF16 => "BF16",
        }
    }

    /// The name in `config.json` (`torch_dtype` or `dtype`).
    pub fn torch_name(self) -> &'static str {
        match self {
            Self::F32 => "float32",
            Self::F16 => "float16",
            Self::BF16 => "bfloat16",
        }
    }

    /// The type with this safetensors name, if it is one of ours.
    pub fn from_safetensors_name(name: &str) -> Option<Self> {
        match name {
            "F32" => Some(Self::F32),
            "F16" => Some(Self::F16),
            "BF16" => Some(Self::BF16),
            _ => None,
        }
    }

    /// Appends `values` in this type, little-endian.
    pub fn encode(self, values: &[f32], out: &mut Vec<u8>) {
        out.reserve(values.len() * self.size_bytes());
        match self {
            Self::F32 => values.iter().for_each(|v| out.extend_from_slice(&v.to_le_bytes())),
            Self::F16 => values.iter().for_each(|v| out.extend_from_slice(&f32_to_f16(*v).to_le_bytes())),
            Self::BF16 => values.iter().for_each(|v| out.extend_from_slice(&f32_to_bf16(*v).to_le_bytes())),
        }
    }

    /// Reads little-endian `bytes` of this type; a trailing incomplete element is ignored.
    pub fn decode(self, bytes: &[u8]) -> Vec<f32> {
        let halves = |convert: fn(u16) -> f32| {
            bytes.chunks_exact(2).map(|b| convert(u16::from_le_bytes([b[0], b[1]]))).collect()
        };
        match self {
            Self::F32 => {
                bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
            }
            Self::F16 => halves(f16_to_f32),
            Self::BF16 => halves(bf16_to_f32),
        }
    }
}

/// One tensor as it lies in its file: row-major, little-endian, not necessarily aligned.
#[derive(Debug, Clone, Copy)]
pub struct TensorView<'a> {
    pub name: &'a str,
    pub dtype: DType,
    pub shape: &'a [usize],
    pub bytes: &'a [u8],
}

impl TensorView<'_> {
    /// Number of elements.
    pub fn element_count(&self) -> usize {
        self.bytes.len() / self.dtype.size_bytes()
    }

    /// The values in f32 (exact from every type).
    pub fn to_f32(&self) -> Vec<f32> {
        self.dtype.decode(self.bytes)
    }

    /// The values as bf16 bit patterns, rounded to nearest even where the file is wider.
    pub fn to_bf16_bits(&self) -> Vec<u16> {
        match self.dtype {
            DType::BF16 => self.bytes.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect(),
            DType::F32 | DType::F16 => self.to_f32().into_iter().map(f32_to_bf16).collect(),
        }
    }
}

/// bf16 bits to f32, exact.
#[inline(always)]
pub fn bf16_to_f32(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// f32 to bf16 bits, to nearest even; a NaN stays a (quiet) NaN.
#[inline(always)]
pub fn f32_to_bf16(value: f32) -> u16 {
    let bits = value.to_bits();
    if value.is_nan() {
        return ((bits >> 16) as u16) | 0x0040;
    }
    ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) as u16
}

/// f16 bits to f32, exact. Without branches: loops over it become vector instructions.
#[inline(always)]
pub fn f16_to_f32(bits: u16) -> f32 {
    // 2^112: the exponents' biases are 127 and 15. Subnormal numbers come out right too.
    let magnitude = f32::from_bits(u32::from(bits & 0x7fff) << 13) * f32::from_bits(0x7780_0000);
    let sign = u32::from(bits & 0x8000) << 16;
    let not_finite = if bits & 0x7c00 == 0x7c00 { 0x7f80_0000 } else { 0 };
    f32::from_bits(magnitude.to_bits() | not_finite | sign)
}

/// f32 to f16 bits, to nearest even; beyond ±65504 (after rounding) gives infinity.
pub fn f32_to_f16(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = ((bits >> 16) & 0x8000) as u16;
    let magnitude = bits & 0x7fff_ffff;
    if magnitude > 0x7f80_0000 {
        return sign | 0x7e00 | ((magnitude >> 13) & 0x03ff) as u16;
    }
    // 65520, halfway between the largest f16 and the next power of two, already rounds to infinity.
    if magnitude >= 0x477f_f000 {
        return sign | 0x7c00;
    }
    if magnitude < 0x3880_0000 {
        // Below 2⁻¹⁴: adding 0.5 puts the f16 subnormal's last bit at the f32 sum's last bit, so the
        // hardware's own rounding does the work.
        let shifted = f32::from_bits(magnitude) + 0.5;
        return sign | (shifted.to_bits() - 0.5f32.to_bits()) as u16;
    }
    let odd = (magnitude >> 13) & 1;
    sign | ((magnitude - 0x3800_0000 + 0x0fff + odd) >> 13) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_survives_the_way_through_f32() {
        for bits in 0..=u16::MAX {
            let f16 = f16_to_f32(bits);
            let bf16 = bf16_to_f32(bits);
            if f16.is_nan() {
                assert!(f16_to_f32(f32_to_f16(f16)).is_nan());
            } else {
                assert_eq!(f32_to_f16(f16), bits);
            }
            if bf16.is_nan() {
                assert!(bf16_to_f32(f32_to_bf16(bf16)).is_nan());
            } else {
                assert_eq!(f32_to_bf16(bf16), bits);
            }
        }
    }

    #[test]
    fn rounding_is_to_nearest_even() {
        for bits in (0u16..0x7bff).step_by(7) {
            let (low, high) = (f16_to_f32(bits), f16_to_f32(bits + 1));
            let middle = (low + high) / 2.0;
            let even = if bits & 1 == 0 { bits } else { bits + 1 };
            assert_eq!(f32_to_f16(middle), even, "{middle}");
            assert_eq!(f32_to_f16(f32::from_bits(middle.to_bits() - 1)), bits);
            assert_eq!(f32_to_f16(f32::from_bits(middle.to_bits() + 1)), bits + 1);
        }
        assert_eq!(f32_to_f16(65_519.99), 0x7bff);
        assert_eq!(f32_to_f16(65_520.0), 0x7c00);
        assert_eq!(f32_to_f16(-1e30), 0xfc00);
        assert_eq!(f32_to_bf16(f32::from_bits(0x3f80_8000)), 0x3f80);
        assert_eq!(f32_to_bf16(f32::from_bits(0x3f81_8000)), 0x3f82);
        assert_eq!(f32_to_bf16(f32::MAX), 0x7f80);
    }
}
