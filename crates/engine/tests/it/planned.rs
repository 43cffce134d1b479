//! Plans from shapes beside what a loaded model holds.

use engine::device::cpu::CpuDevice;
use engine::device::{Precision, WeightFormat};
use engine::models::Decoder;
use engine::models::activations::{Activations, Recompute};
use engine::models::load::BaseFormats;
use engine::trainer::memory_plan::{MemoryPlan, RunShape, plan};

/// The plan of an f32 model's training, after checking it against the model and its activations.
pub fn checked_plan(decoder: &Decoder, recompute: Recompute, what: &str) -> MemoryPlan {
    assert_eq!(decoder.precision, Precision::F32);
    let activations = decoder.activation_shape(64, recompute, true);
    let full = decoder.embedding.trained.is_some();
    let run = RunShape {
        activations,
        longest: 64,
        base: BaseFormats::all(WeightFormat::F32),
        full,
        process_bytes: 0,
    };
    let plan = plan(&CpuDevice::new(1), &decoder.spec, &run);
    let bytes = |of_adapter: bool| -> u64 {
        let chosen = decoder.parameters().filter(|p| p.name.contains(".lora_") == of_adapter);
        chosen.map(|parameter| parameter.weight.bytes() as u64).sum()
    };
    let trained: usize = decoder.trained().map(|p| p.shape.iter().product::<usize>()).sum();
    let mut buffers = 0;
    Activations::new(&decoder.spec, activations, &mut |element, len| {
        buffers += (element.bytes() * len) as u64;
        decoder.device.allocate(element, len)
    });
    let want = (bytes(false), bytes(true), 12 * trained as u64, buffers);
    let found = (plan.weights, plan.adapters, plan.optimizer, plan.activations + plan.logits);
    assert_eq!(found, want, "{what}, {recompute:?}");
    plan
}
