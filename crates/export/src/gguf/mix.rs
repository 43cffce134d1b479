//! Which type each tensor gets: llama.cpp's mixes, and its fallbacks for rows that are no whole number of blocks.
//!
//! Rules as in llama.cpp's quantizer (<https://github.com/ggml-org/llama.cpp/blob/master/src/llama-quant.cpp>).

use engine::quantization::ggml_blocks::GgmlType;

use crate::registry::{Fallback, Quantization};

/// The model around a tensor, as far as its type depends on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mix {
    pub quantization: Quantization,
    pub layers: usize,
    /// Whether the embedding is the output head too.
    pub tied: bool,
}

impl Mix {
    /// The type of a tensor, and what was wanted where its rows do not allow it.
    pub fn kind(self, name: &str, shape: &[usize]) -> (GgmlType, Option<Fallback>) {
        // Norms, biases and factors.
        let [_, .., columns] = shape else { return (GgmlType::F32, None) };
        let wanted = self.wanted(name);
        let mut used = wanted;
        while !columns.is_multiple_of(used.block().0) {
            used = match used {
                GgmlType::Q4_K => GgmlType::Q5_0,
                GgmlType::Q5_K => GgmlType::Q5_1,
                GgmlType::Q6_K => GgmlType::Q8_0,
                _ => GgmlType::F16,
            };
        }
        let fallback = Fallback { tensor: name.to_string(), wanted: wanted.name(), used: used.name() };
        (used, (used != wanted).then_some(fallback))
    }

    fn wanted(self, name: &str) -> GgmlType {
        let most = self.quantization.ggml_type();
        let more = match self.quantization {
            Quantization::Q4_K_M | Quantization::Q5_K_M => GgmlType::Q6_K,
            Quantization::Q4_0 | Quantization::Q6_K => most,
            Quantization::F32 | Quantization::F16 | Quantization::BF16 | Quantization::Q8_0 => return most,
        };
        if name == "output.weight" || (self.tied && name == "token_embd.weight") {
            return GgmlType::Q6_K;
        }
        let part = name.strip_prefix("blk.").and_then(|rest| rest.split_once('.'));
        match part {
            Some((layer, "attn_v.weight" | "attn_qkv.weight" | "ffn_down.weight"))
                if layer.parse().is_ok_and(|layer| gets_more_bits(layer, self.layers)) =>
            {
                more
            }
            _ => most,
        }
    }
}

/// The first and last eighth of the layers, and every third between.
fn gets_more_bits(layer: usize, layers: usize) -> bool {
    let eighth = layers / 8;
    layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mix(quantization: Quantization) -> Mix {
        Mix { quantization, layers: 16, tied: true }
    }

    #[test]
    fn sensitive_tensors_get_more_bits() {
        let kind = |name: &str, quantization| mix(quantization).kind(name, &[512, 512]).0;
        let cases = [
            ("token_embd.weight", Quantization::Q4_K_M, GgmlType::Q6_K),
            ("token_embd.weight", Quantization::Q4_0, GgmlType::Q6_K),
            ("token_embd.weight", Quantization::Q8_0, GgmlType::Q8_0),
            ("blk.0.attn_v.weight", Quantization::Q4_K_M, GgmlType::Q6_K),
            ("blk.2.attn_v.weight", Quantization::Q4_K_M, GgmlType::Q4_K),
            ("blk.4.ffn_down.weight", Quantization::Q4_K_M, GgmlType::Q6_K),
            ("blk.4.ffn_down.weight", Quantization::Q4_0, GgmlType::Q4_0),
            ("blk.14.ffn_down.weight", Quantization::Q5_K_M, GgmlType::Q6_K),
            ("blk.5.ffn_up.weight", Quantization::Q5_K_M, GgmlType::Q5_K),
            ("blk.4.attn_qkv.weight", Quantization::Q4_K_M, GgmlType::Q6_K),
            ("blk.5.attn_qkv.weight", Quantization::Q5_K_M, GgmlType::Q5_K),
            ("blk.5.attn_q.weight", Quantization::BF16, GgmlType::BF16),
        ];
        for (name, quantization, wanted) in cases {
            assert_eq!(kind(name, quantization), wanted, "{name} of {}", quantization.id());
        }
        let untied = Mix { tied: false, ..mix(Quantization::Q4_K_M) };
        assert_eq!(untied.kind("token_embd.weight", &[512, 512]).0, GgmlType::Q4_K);
        assert_eq!(untied.kind("output.weight", &[512, 512]).0, GgmlType::Q6_K);
    }

    #[test]
    fn rows_that_are_no_whole_blocks_fall_back_and_are_listed() {
        let cases = [
            (Quantization::Q4_K_M, 96, GgmlType::Q5_0),
            (Quantization::Q5_K_M, 96, GgmlType::Q5_1),
            (Quantization::Q6_K, 96, GgmlType::Q8_0),
            (Quantization::Q4_K_M, 100, GgmlType::F16),
            (Quantization::Q8_0, 100, GgmlType::F16),
            (Quantization::Q4_0, 100, GgmlType::F16),
        ];
        for (quantization, columns, wanted) in cases {
            let (used, fallback) = mix(quantization).kind("blk.5.attn_q.weight", &[64, columns]);
            let fallback = fallback.expect("listed");
            assert_eq!((used, fallback.used), (wanted, wanted.name()), "{} {columns}", quantization.id());
            assert_eq!(fallback.wanted, quantization.ggml_type().name());
        }
        assert_eq!(mix(Quantization::BF16).kind("blk.5.attn_q.weight", &[64, 100]), (GgmlType::BF16, None));
        assert_eq!(mix(Quantization::Q4_K_M).kind("blk.5.attn_norm.weight", &[100]), (GgmlType::F32, None));
    }
}
