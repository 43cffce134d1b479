//! Times what criterion runs, and keeps the best of it: on a machine with neighbours the best is what the code can do.

use criterion::{Criterion, Throughput};
use std::cell::Cell;
use std::time::{Duration, Instant};

pub fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1))
        .without_plots()
        .configure_from_args()
}

/// Seconds of the fastest run; infinite where the filter leaves it out.
pub fn best_seconds(
    criterion: &mut Criterion,
    group: &str,
    id: &str,
    throughput: Throughput,
    mut run: impl FnMut(),
) -> f64 {
    let best = Cell::new(f64::INFINITY);
    let mut group = criterion.benchmark_group(group);
    group.throughput(throughput);
    group.bench_function(id, |bencher| {
        bencher.iter_custom(|iterations| {
            let mut total = Duration::ZERO;
            for _ in 0..iterations {
                let start = Instant::now();
                run();
                let took = start.elapsed();
                best.set(best.get().min(took.as_secs_f64()));
                total += took;
            }
            total
        });
    });
    group.finish();
    best.get()
}
