//! Training end to end: tokens a second, peak memory and the time to the first step, on models of real shape with
//! random weights, LoRA of rank 16 on every linear layer.
//!
//! The same 40 rows of 40 to 700 tokens, four a step in file order, 57 % of the tokens supervised. Rates are medians
//! (lowest to highest) over the steps after the first; beside them the share of the machine's peak that the
//! mathematics alone needs: two products with each frozen weight a token, and with the head a supervised token.
//! Each line is a process of its own, so that its peak memory is its own.
//!
//! `cargo bench -p engine --bench step -- [FILTER]`, a part of `135m bf16 light` for example.

#[path = "support/peak.rs"]
mod peak;
#[path = "support/shapes.rs"]
mod shapes;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use engine::device::cpu::gemm::{Precision, isa};
use engine::trainer::options::{OrderName, PrecisionName, RecomputeName};
use engine::trainer::{RunLength, Schedule, TrainEvent, TrainOptions, train};
use serde_json::json;
use shapes::{SHAPES, Shape};

const STEPS: u64 = 6;
/// Tokens of a group of rows: short questions, ordinary answers, a few long ones.
const LENGTHS: [usize; 20] =
    [212, 87, 344, 156, 421, 98, 263, 640, 133, 305, 58, 488, 191, 240, 372, 119, 700, 165, 284, 76];
const GROUPS: usize = 2;
/// Tokens in a hundred that carry loss: the answers.
const SUPERVISED: usize = 57;
const MODES: [(&str, RecomputeName); 3] =
    [("none", RecomputeName::None), ("light", RecomputeName::Light), ("full", RecomputeName::Full)];
const PRECISIONS: [(&str, PrecisionName, Precision); 2] =
    [("bf16", PrecisionName::Bf16, Precision::Bf16), ("f32", PrecisionName::F32, Precision::F32)];

fn main() {
    // Cargo passes flags of its own.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if let [one, shape, precision, mode, folder] = &words[..]
        && one == "one"
    {
        return one_run(shape, precision, mode, Path::new(folder));
    }
    let filter = words.join(" ");
    let folder = tempfile::tempdir().expect("a temporary folder");
    println!("{} on {} threads", isa().name(), rayon::current_num_threads());
    for shape in &SHAPES {
        for (precision, _, products) in PRECISIONS {
            for (mode, _) in MODES {
                let name = format!("{} {precision} {mode}", shape.name);
                if !name.contains(&filter) {
                    continue;
                }
                let model = folder.path().join(shape.name);
                if !model.exists() {
                    shape.write_model(&model);
                    write_rows(&model.join("rows.jsonl"));
                }
                let rate = peak::peak(isa(), products) * 1e9;
                let limit = rate / operations_per_token(shape);
                let program = std::env::current_exe().expect("the path of this program");
                let run = Command::new(program)
                    .args(["one", shape.name, precision, mode])
                    .arg(&model)
                    .output()
                    .expect("this program runs again");
                let line = String::from_utf8_lossy(&run.stdout);
                let Some(rate) = line.split_whitespace().next().and_then(|word| word.parse::<f64>().ok())
                else {
                    println!("{name}: failed: {}", String::from_utf8_lossy(&run.stderr).trim());
                    continue;
                };
                println!("{name}: {}, {:.0} % of peak", line.trim(), 100.0 * rate / limit);
            }
        }
    }
}

/// One run; its line on standard output begins with the median rate.
fn one_run(shape: &str, precision: &str, mode: &str, model: &Path) {
    let started = Instant::now();
    let run = tempfile::tempdir().expect("a temporary folder");
    let options = TrainOptions {
        length: RunLength::Steps(STEPS),
        schedule: Schedule::Constant,
        precision: PRECISIONS.iter().find(|p| p.0 == precision).expect("a precision").1,
        recompute: MODES.iter().find(|m| m.0 == mode).expect("a mode").1,
        order: OrderName::File,
        packing: false,
        checkpoint_steps: 0,
        ..TrainOptions::new(model.to_path_buf(), model.join("rows.jsonl"), run.path().join("run"))
    };
    let (mut rates, mut first) = (Vec::new(), 0.0);
    let summary = train(&options, &AtomicBool::new(false), &mut |event| {
        if let TrainEvent::Step(step) = event {
            match step.step {
                1 => first = started.elapsed().as_secs_f64(),
                _ => rates.push(step.tokens_per_second),
            }
        }
    })
    .unwrap_or_else(|error| panic!("{shape}: {error}"));
    rates.sort_by(f64::total_cmp);
    let peak = summary.peak_memory_bytes.map_or("?".into(), |bytes| (bytes >> 20).to_string());
    println!(
        "{:.1} tokens/s ({:.1} to {:.1}), peak {peak} MiB, first step ended after {first:.2} s",
        rates[rates.len() / 2],
        rates[0],
        rates[rates.len() - 1]
    );
}

fn write_rows(file: &Path) {
    let lengths = (0..GROUPS).flat_map(|_| LENGTHS);
    let rows: Vec<String> = lengths
        .enumerate()
        .map(|(row, len)| {
            let ids: Vec<usize> = (0..len).map(|i| 3 + (row * 7919 + i * 104_729) % 4000).collect();
            let learned = len - len * SUPERVISED / 100;
            let labels: Vec<i64> =
                ids.iter().enumerate().map(|(i, &id)| if i < learned { -100 } else { id as i64 }).collect();
            json!({"input_ids": ids, "labels": labels}).to_string()
        })
        .collect();
    fs::write(file, rows.join("\n")).expect("rows");
}

/// Operations that a training step needs for a token, forward and input gradient, adapters and attention left out.
fn operations_per_token(shape: &Shape) -> f64 {
    let head_dim = shape.hidden / shape.heads;
    let attention = 2 * shape.hidden * (shape.hidden + head_dim * shape.key_value_heads);
    let linear = shape.layers * (attention + 3 * shape.hidden * shape.intermediate);
    let head = shape.hidden * shape.vocabulary;
    4.0 * (linear as f64 + head as f64 * SUPERVISED as f64 / 100.0)
}
