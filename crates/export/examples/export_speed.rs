//! How long an export takes and how much memory.
//!
//! ```text
//! cargo run --release -p export --example export_speed -- MODEL FORMAT QUANTIZATION|- OUT [ADAPTER]
//! ```
//!
//! Prints one JSON line: what was exported, seconds, and the process's peak memory (VmHWM). Models at real shapes come from
//! `bench/peers/make_model.py --shape llama-3.2-1b`.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use export::{Control, Quantization, Request, format};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (model, kind, quantization, out, adapter) = match arguments.as_slice() {
        [model, kind, quantization, out] => (model, kind, quantization, out, None),
        [model, kind, quantization, out, adapter] => {
            (model, kind, quantization, out, Some(PathBuf::from(adapter)))
        }
        _ => fail("give MODEL FORMAT QUANTIZATION|- OUT [ADAPTER]"),
    };
    let Some(format) = format(kind) else { fail("there is no such format") };
    let (model, out) = (PathBuf::from(model), PathBuf::from(out));
    let request = Request {
        model: &model,
        adapter: adapter.as_deref(),
        quantization: Quantization::from_id(quantization),
        name: None,
        provenance: None,
        out: &out,
    };
    let start = Instant::now();
    let exported = (format.export)(&request, &Control { cancel: &AtomicBool::new(false), progress: &|_| {} });
    let mut line = match exported.map(serde_json::to_value) {
        Ok(Ok(value)) => value,
        Ok(Err(error)) => fail(error),
        Err(error) => fail(error),
    };
    line["seconds"] = start.elapsed().as_secs_f64().into();
    line["peak_memory_bytes"] = engine::platform::peak_memory_bytes().into();
    println!("{line}");
}

fn fail(problem: impl std::fmt::Display) -> ! {
    eprintln!("{problem}");
    std::process::exit(1)
}
