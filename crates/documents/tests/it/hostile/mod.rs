//! Files made to harm: nested without end, packed a thousandfold, in circles, lying of their sizes, cut off. Each is
//! read in a child process as in the application. Text or a message for people must come of it, in bounded time and
//! memory.

mod archives;
mod markup;
mod pdfs;
mod truncated;

use documents::isolation::Measured;
use documents::{ChunkOptions, DocumentError, chunk};

use crate::child;

/// What may come of a file.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Outcome {
    /// Its text.
    Read,
    /// A message that says what is wrong with the file.
    Refused,
    /// The limit of memory or of processor time ended it, and the message says so.
    Limit,
    /// A library gave up; nothing but the child was lost.
    Crashed,
}

use Outcome::{Crashed, Limit, Read, Refused};

/// Reads the file and holds the outcome against what is allowed.
fn check(name: &str, bytes: &[u8], allowed: &[Outcome]) {
    let limits = child::limits();
    let measured = child::read(name, bytes, &limits);
    let outcome = judge(name, &measured);
    let Measured { seconds, peak_bytes, outcome: result } = &measured;
    let peak = peak_bytes.map_or("?".to_string(), |bytes| format!("{} MiB", bytes >> 20));
    let message = result.as_ref().err().map(ToString::to_string).unwrap_or_default();
    println!("{name}: {outcome:?} {seconds:.2} s {peak} {message}");
    assert!(allowed.contains(&outcome), "{name}: {outcome:?} {message}");
    assert!(peak_bytes.is_none_or(|peak| peak <= limits.memory_bytes), "{name}: {peak}");
    assert!(*seconds < limits.wall.as_secs_f64(), "{name}: {seconds} s");
    if let Ok(document) = result {
        let options = ChunkOptions::default();
        let chunks = chunk(document, &options, &|text| text.split_whitespace().count());
        let end = chunks.last().map(|chunk| chunk.span.end);
        assert_eq!(end, Some(document.text.chars().count()), "{name}");
    }
}

/// The kind of outcome; a message must name the file, say what happened, and what to do.
fn judge(name: &str, measured: &Measured) -> Outcome {
    let error = match &measured.outcome {
        Ok(document) => {
            assert!(!document.text.trim().is_empty(), "{name}: an empty document");
            return Read;
        }
        Err(error) => error,
    };
    let message = error.to_string();
    assert!(message.contains(name), "{message}");
    assert!(message.contains("; "), "no advice: {message}");
    assert!(message.len() < 1500, "too long: {message}");
    match error {
        DocumentError::OutOfMemory { .. } | DocumentError::TimeLimit { .. } => Limit,
        DocumentError::Crashed { how, .. } => {
            assert!(!how.starts_with("panic"), "{message}");
            Crashed
        }
        DocumentError::ChildProcess { .. } | DocumentError::Cancelled { .. } => panic!("{message}"),
        _ => Refused,
    }
}

/// The child's limits hold: what asks for more memory than it may have, or for more time, is ended.
#[test]
fn the_limits_are_in_force() {
    let text = "Boats are kept in the northern shed. ".repeat(3_000_000);
    let mut limits = child::limits();
    limits.memory_bytes = 400 << 20;
    let measured = child::read("long.txt", text.as_bytes(), &limits);
    assert!(
        matches!(measured.outcome, Err(DocumentError::OutOfMemory { .. })),
        "{:?}",
        measured.outcome.err()
    );
    let attributes: String = (0..50_000).map(|number| format!(" a{number}=\"b\"")).collect();
    let slow = format!("<html><p{attributes}>Boats.</p></html>");
    let mut limits = child::limits();
    limits.wall = std::time::Duration::from_millis(1);
    let measured = child::read("slow.html", slow.as_bytes(), &limits);
    assert!(matches!(measured.outcome, Err(DocumentError::TimeLimit { .. })), "{:?}", measured.outcome.err());
}
