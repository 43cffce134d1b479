//! What a token costs in sequences of different lengths: SmolLM2-135M's shape, bf16, one sequence a step. Everything but
//! attention should cost the same at each length.
//!
//! `cargo bench -p engine --bench context`

#[path = "support/shapes.rs"]
mod shapes;

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use engine::batching::MicroBatch;
use engine::device::cpu::{CpuDevice, gemm::isa};
use engine::device::{AttentionShape, Device, Precision};
use engine::trainer::options::{OrderName, PrecisionName, RecomputeName};
use engine::trainer::{RunLength, TrainEvent, TrainOptions, train};
use shapes::{SHAPES, Shape};

const LENGTHS: [usize; 6] = [256, 512, 1024, 2048, 4096, 8192];
const STEPS: u64 = 4;

fn main() {
    let shape = &SHAPES[0];
    let folder = tempfile::tempdir().expect("a temporary folder");
    shape.write_model(folder.path());
    println!(
        "{} on {} threads, {}, microseconds a token",
        isa().name(),
        rayon::current_num_threads(),
        shape.name
    );
    println!("| tokens | step | attention | everything else |");
    println!("|---|---|---|---|");
    for len in LENGTHS {
        // The best of each: neighbours on the machine only ever add.
        let step = step_seconds(folder.path(), len);
        let attention = attention_seconds(shape, len);
        let cost = |seconds: f64| format!("{:.0}", 1e6 * seconds / len as f64);
        println!("| {len} | {} | {} | {} |", cost(step), cost(attention), cost(step - attention));
    }
}

/// The fastest step after the first.
fn step_seconds(model: &Path, len: usize) -> f64 {
    let rows = model.join("rows.jsonl");
    let ids: Vec<usize> = (0..len).map(|i| 3 + i * 104_729 % 4000).collect();
    fs::write(&rows, serde_json::json!({ "input_ids": ids }).to_string()).expect("a row");
    let run = tempfile::tempdir().expect("a temporary folder");
    let options = TrainOptions {
        length: RunLength::Steps(STEPS),
        precision: PrecisionName::Bf16,
        recompute: RecomputeName::Light,
        order: OrderName::File,
        packing: false,
        micro_batch_size: 1,
        max_seq_len: len,
        checkpoint_steps: 0,
        ..TrainOptions::new(model.to_path_buf(), rows, run.path().join("run"))
    };
    let mut best = f64::INFINITY;
    train(&options, &AtomicBool::new(false), &mut |event| {
        if let TrainEvent::Step(step) = event
            && step.step > 1
        {
            best = best.min(step.tokens as f64 / step.tokens_per_second);
        }
    })
    .expect("trains");
    best
}

/// Attention and its gradient in all layers, as in a step.
fn attention_seconds(shape: &Shape, len: usize) -> f64 {
    let device = CpuDevice::new(0);
    let attention = AttentionShape {
        heads: shape.heads,
        key_value_heads: shape.key_value_heads,
        head_dim: shape.hidden / shape.heads,
        scale: 0.125,
        soft_cap: None,
        window: None,
    };
    let mut batch = MicroBatch::default();
    let ids: Vec<u32> = (0..len as u32).collect();
    batch.push_row(0, &ids, ids.iter().map(|&id| id as i32));
    let batch = device.upload_batch(&batch);
    let values = |columns: usize| {
        device.upload(&(0..len * columns).map(|i| (i % 97) as f32 * 0.01 - 0.5).collect::<Vec<f32>>())
    };
    let (wide, narrow) = (attention.query_size(), attention.key_value_size());
    let [query, d_output, mut output, mut d_query] = [(); 4].map(|()| values(wide));
    let [key, value, mut d_key, mut d_value] = [(); 4].map(|()| values(narrow));
    let mut statistics = values(shape.heads);
    let mut best = f64::INFINITY;
    for _ in 0..8 {
        let start = Instant::now();
        let (precision, kept) = (Precision::Bf16, (&mut output, &mut statistics));
        device.attention(precision, &batch, attention, &query, &key, &value, kept.0, kept.1);
        device.attention_gradient(
            precision,
            &batch,
            attention,
            &query,
            &key,
            &value,
            &output,
            &statistics,
            &d_output,
            &mut d_query,
            &mut d_key,
            &mut d_value,
        );
        best = best.min(start.elapsed().as_secs_f64());
    }
    best * shape.layers as f64
}
