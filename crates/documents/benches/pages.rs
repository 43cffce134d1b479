//! How fast a long PDF is read: 600 pages of real text, in a child process as the application does it. Prints pages
//! a second; fails where it takes more than ten seconds. `cargo bench -p documents`.

use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use documents::isolation::{ChildCommand, Limits, parse_isolated, run_child};
use documents::{ChunkOptions, chunk};

#[path = "../tests/it/make/mod.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod make;

const PAGES: usize = 600;
const TURNS: usize = 5;
const MOST_SECONDS: f64 = 10.0;
const CHILD: &str = "parse-child";

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(CHILD) {
        return run_child();
    }
    let book = make::book::book(PAGES);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("book.pdf");
    std::fs::write(&path, &book.bytes).expect("room for the book");
    let command = ChildCommand::current_exe(&[CHILD]).expect("own path");
    let mut seconds = Vec::new();
    for _ in 0..TURNS {
        let report = parse_isolated(&path, &command, &Limits::default(), &AtomicBool::new(false));
        let report = match report {
            Ok(report) => report,
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        };
        let document = report.document;
        assert_eq!(document.pages.len(), PAGES);
        let started = Instant::now();
        let chunks = chunk(&document, &ChunkOptions::default(), &|text| text.split_whitespace().count());
        println!(
            "{PAGES} pages, {} characters: {:.2} s, {:.0} pages/s, peak {} MiB; {} chunks by words in {:.3} s",
            document.text.chars().count(),
            report.seconds,
            PAGES as f64 / report.seconds,
            report.peak_bytes.unwrap_or(0) >> 20,
            chunks.len(),
            started.elapsed().as_secs_f64(),
        );
        seconds.push(report.seconds);
    }
    let slowest = seconds.into_iter().fold(0.0, f64::max);
    if slowest > MOST_SECONDS {
        eprintln!("{slowest:.1} s is more than {MOST_SECONDS} s");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
