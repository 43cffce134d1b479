//! What each way of training a model takes in memory, computed from its configuration as `plan` does, without its weights.

use std::path::PathBuf;

use engine::device::cpu::{CpuDevice, gemm};
use engine::models::DecoderSpec;
use engine::models::activations::Recompute;
use engine::trainer::fit::{Fitter, Wish, micro_batches};
use engine::trainer::options::{BasePrecisionName, PrecisionName};
use engine::trainer::{Method, TrainOptions};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Usual settings: what fits is looked for below them.
const MICRO_BATCH: usize = 4;
const CONTEXT: usize = 1024;
/// Nothing smaller makes sense to train with.
const SHORTEST: usize = 128;

/// A way of training, and whether it fits.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MethodMemory {
    /// `lora`, `qlora` (the frozen base in NF4), `dora` or `full`.
    #[schema(example = "lora")]
    pub method: String,
    /// It fits into the free memory.
    pub fits: bool,
    /// Sequences in one pass: the most up to 4 that fit, else 1.
    pub micro_batch_size: u32,
    /// Tokens of a sequence: the most up to 1024 that fit, else 128.
    pub max_seq_len: u32,
    /// What a training with these settings will allocate.
    pub required_bytes: u64,
}

/// Every method on this machine, with adapters of rank 16 on all linear layers.
pub fn methods(spec: &DecoderSpec) -> Vec<MethodMemory> {
    let quantized = Some(BasePrecisionName::Nf4);
    let ways = [
        ("lora", Method::Lora, None),
        ("qlora", Method::Lora, quantized),
        ("dora", Method::Dora, None),
        ("full", Method::Full, None),
    ];
    ways.into_iter().filter_map(|(name, method, base)| memory_of(spec, name, method, base)).collect()
}

fn memory_of(
    spec: &DecoderSpec,
    name: &str,
    method: Method,
    base: Option<BasePrecisionName>,
) -> Option<MethodMemory> {
    let context = CONTEXT.min(spec.max_position_embeddings);
    let options = TrainOptions {
        method,
        base_precision: base,
        precision: if gemm::isa().has_bf16() { PrecisionName::Bf16 } else { PrecisionName::F32 },
        micro_batch_size: MICRO_BATCH,
        max_seq_len: context,
        ..TrainOptions::new(PathBuf::new(), PathBuf::new(), PathBuf::new())
    };
    let (device, batches) = (CpuDevice::new(1), micro_batches(None, None, options.packing));
    let fitter = Fitter::of(&options, &device, spec, &batches).ok()?;
    let found = fitter.solve(Wish {
        micro_batch_size: None,
        max_seq_len: None,
        gradient_accumulation_steps: 1,
        default_micro_batch_size: MICRO_BATCH,
        default_max_seq_len: context,
    });
    let (rows, length) = (found.micro_batch_size, found.max_seq_len);
    let plan = fitter.plan(rows, length, fitter.recompute(rows, length));
    let fits = fitter.fits(&plan);
    let (rows, length, plan) = match fits {
        true => (rows, length, plan),
        false => {
            let length = SHORTEST.min(context);
            (1, length, fitter.plan(1, length, Recompute::Full))
        }
    };
    Some(MethodMemory {
        method: name.to_owned(),
        fits,
        micro_batch_size: u32::try_from(rows).unwrap_or(u32::MAX),
        max_seq_len: u32::try_from(length).unwrap_or(u32::MAX),
        required_bytes: plan.total_bytes,
    })
}
