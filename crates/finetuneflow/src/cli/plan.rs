//! `plan`: what a training run will allocate, before it starts.

use engine::device::cpu::CpuDevice;
use engine::models::activations::Recompute;
use engine::models::spec_of;
use engine::trainer::fit::{Fitter, micro_batches};
use engine::trainer::memory_plan::MemoryPlan;
use engine::trainer::read_data;
use engine::weights::ModelConfig;
use serde::Serialize;

use super::Context;
use super::train;

/// Show what a training run will allocate, and whether it fits
#[derive(clap::Args)]
#[command(
    mut_arg("data", |data| data.required(false).help(
        "JSONL file of training rows, whose lengths make the plan exact [default: every micro-batch is full]"
    )),
    mut_arg("out", |out| out.required(false)),
    after_help = "Takes the flags of `train`.",
)]
pub struct Args {
    #[command(flatten)]
    train: train::Args,
}

/// The plan, and what was chosen for it.
#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    plan: MemoryPlan,
    fits: bool,
    /// What the run may take; null where the system does not tell.
    available_bytes: Option<u64>,
    micro_batch_size: usize,
    gradient_accumulation_steps: usize,
    max_seq_len: usize,
    recompute: Recompute,
    /// Most sequences of `max_seq_len` in a micro-batch that would fit.
    largest_micro_batch: Option<usize>,
    /// The longest context that would fit, one sequence at a time.
    largest_context: Option<usize>,
    /// What would fit, where this does not.
    advice: Option<String>,
}

pub fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let Args { train } = args;
    let options = train.options(context)?;
    let spec = spec_of(&ModelConfig::open(&options.model)?)?;
    let rows = train.data.is_some().then(|| read_data(&options, &spec)).transpose()?;
    let (data, held_out) = rows.map_or((None, None), |(data, held_out)| (Some(data), held_out));
    let full_batches = micro_batches(None, None, options.packing);
    let device = CpuDevice::new(options.threads);
    let batches = micro_batches(data.as_ref(), held_out.as_ref(), options.packing);
    let fitter = Fitter::of(&options, &device, &spec, &batches)?;
    let (size, length) = (options.micro_batch_size, options.max_seq_len);
    let recompute = fitter.recompute(size, length);
    let plan = fitter.plan(size, length, recompute);
    let fits = fitter.fits(&plan);
    let of_full_batches = Fitter { batch: &full_batches, ..fitter };
    let report = Report {
        plan,
        fits,
        available_bytes: fitter.limit_bytes,
        micro_batch_size: size,
        gradient_accumulation_steps: options.gradient_accumulation_steps,
        max_seq_len: length,
        recompute,
        largest_micro_batch: of_full_batches.largest_micro_batch(length),
        largest_context: of_full_batches.largest_context(1),
        advice: (!fits).then(|| fitter.advice(size, length)),
    };
    if context.json {
        return context.emit(&report);
    }
    if let Some(note) = train.run.lowered(&options) {
        println!("{note}");
    }
    print(&report);
    Ok(())
}

fn print(report: &Report) {
    let plan = report.plan;
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
        println!("{name:<12}{:>10.1} MiB", bytes as f64 / f64::from(1 << 20));
    }
    println!(
        "micro-batches of {} × {} tokens, {} of them a step, recomputation {}",
        report.micro_batch_size,
        report.max_seq_len,
        report.gradient_accumulation_steps,
        report.recompute.name()
    );
    if let (Some(available), Some(rows), Some(context)) =
        (report.available_bytes, report.largest_micro_batch, report.largest_context)
    {
        println!(
            "{} MiB available: at most {rows} × {} tokens, or 1 × {context}",
            available >> 20,
            report.max_seq_len
        );
    }
    match &report.advice {
        None => println!("fits"),
        Some(advice) => println!("does not fit: {advice}"),
    }
}
