//! `plan`: what a training run will allocate, before it starts.

use engine::models::activations::ActivationShape;
use engine::models::spec_of;
use engine::platform::available_memory_bytes;
use engine::trainer::Method;
use engine::trainer::memory_plan::{RunShape, plan_shapes};
use engine::weights::ModelConfig;
use serde_json::json;

use super::Context;
use super::train::RunArgs;

/// Show what a training run will allocate, and whether it fits
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// Memory that the run may take, in bytes [default: what is available now]
    #[arg(long)]
    memory_bytes: Option<u64>,
}

pub fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let model = context.model_dir(&args.run.model)?;
    let options = args.run.options(model.clone(), "plan".into(), "plan".into())?;
    options.check()?;
    let spec = spec_of(&ModelConfig::open(&model)?)?;
    let full = options.method == Method::Full;
    let tokens = options.micro_batch_size * options.max_seq_len;
    let (precision, recompute) = (options.precision.into(), options.recompute.into());
    let adapters = options.adapter_shape(&spec)?;
    let activations = ActivationShape { tokens, precision, recompute, adapters, backward: true };
    let plan = plan_shapes(&spec, RunShape { activations, base: options.base_formats(), full });
    let available = args.memory_bytes.or_else(available_memory_bytes);
    let fits = available.is_none_or(|available| plan.total_bytes <= available);
    if context.json {
        let mut value = serde_json::to_value(plan)?;
        value["fits"] = json!(fits);
        value["available_bytes"] = json!(available);
        return context.emit(&value);
    }
    let parts = [
        ("weights", plan.weights),
        ("adapters", plan.adapters),
        ("optimizer", plan.optimizer),
        ("activations", plan.activations),
        ("logits", plan.logits),
        ("buffers", plan.buffers),
        ("total", plan.total_bytes),
    ];
    for (name, bytes) in parts {
        println!("{name:<12}{:>10.1} MiB", bytes as f64 / (1 << 20) as f64);
    }
    println!(
        "{}",
        if fits {
            "fits"
        } else {
            "does not fit: lower --micro-batch-size or --max-seq-len, or use --precision bf16 or --base-precision nf4"
        }
    );
    Ok(())
}
