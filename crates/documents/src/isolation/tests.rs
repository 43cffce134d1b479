//! The test binary plays both sides: [`play_child`] is the child when its variable is set.

use std::io::Write;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::*;

const PART: &str = "DOCUMENTS_TEST_PART";

#[test]
fn play_child() {
    let Ok(part) = std::env::var(PART) else { return };
    match part.as_str() {
        "parse" => {}
        "hang" => loop {
            std::thread::park();
        },
        "spin" => {
            operating_system::confine(1 << 32, 1, std::os::unix::process::parent_id())
                .expect("limits can be lowered");
            let mut number = 1_u64;
            while std::hint::black_box(number) != 0 {
                number = number.wrapping_mul(3);
            }
        }
        "chatter" => {
            let mut stdout = std::io::stdout().lock();
            while stdout.write_all(&[b'x'; 65536]).is_ok() {}
        }
        "overflow" => {
            std::thread::spawn(|| println!("{}", deep(1))).join().ok();
        }
        other => panic!("{other}"),
    }
    run_child();
    std::process::exit(0);
}

fn deep(number: u64) -> u64 {
    let frame = std::hint::black_box([number; 64]);
    if number == 0 { 0 } else { deep(number + 1) + std::hint::black_box(frame)[5] }
}

fn ask(part: &str, bytes: &[u8], limits: &Limits) -> Measured {
    ask_with(part, bytes, limits, &AtomicBool::new(false))
}

fn ask_with(part: &str, bytes: &[u8], limits: &Limits, cancel: &AtomicBool) -> Measured {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("room for a small file");
    let mut command = ChildCommand::current_exe(&["--exact", "isolation::tests::play_child", "--nocapture"])
        .expect("own path");
    command.environment.push((PART.into(), part.into()));
    measure_isolated(file.path(), &command, limits, cancel)
}

fn error_of(part: &str, bytes: &[u8], limits: &Limits) -> String {
    let error = ask(part, bytes, limits).outcome.expect_err("no document was expected");
    error.to_string()
}

#[test]
fn a_document_comes_back_with_its_cost() {
    let measured = ask("parse", "Première ligne.\n\nSecond.".as_bytes(), &Limits::default());
    let document = measured.outcome.expect("plain text is read");
    assert_eq!(document.text, "Première ligne.\n\nSecond.");
    assert_eq!(document.blocks.len(), 2);
    assert!(measured.seconds > 0.0);
    assert!(measured.peak_bytes.is_some_and(|bytes| bytes > 100_000));
}

#[test]
fn an_error_comes_back_as_itself() {
    let measured = ask("parse", b"\x01\x02\x00\x00binary\x00", &Limits::default());
    assert!(matches!(measured.outcome, Err(DocumentError::UnknownFormat { .. })), "{measured:?}");
    let measured = ask("parse", b"  \n ", &Limits::default());
    assert!(matches!(measured.outcome, Err(DocumentError::Empty { .. })), "{measured:?}");
}

#[test]
fn a_missing_file_and_a_folder_are_unreadable() {
    let command = ChildCommand::current_exe(&[]).expect("own path");
    let never = AtomicBool::new(false);
    for path in ["/no/such/file", "/"] {
        let error = parse_isolated(Path::new(path), &command, &Limits::default(), &never).expect_err(path);
        assert!(matches!(error, DocumentError::Unreadable { .. }), "{error}");
    }
}

#[test]
fn a_stack_overflow_ends_only_the_child() {
    let error = error_of("overflow", b"text", &Limits::default());
    assert!(error.contains("stack overflow") && error.contains("save a fresh copy"), "{error}");
}

#[test]
fn memory_is_bounded() {
    let limits = Limits { memory_bytes: 400 << 20, ..Limits::default() };
    let bytes = vec![b'a'; 100 << 20];
    let measured = ask("parse", &bytes, &limits);
    assert!(matches!(measured.outcome, Err(DocumentError::OutOfMemory { .. })), "{measured:?}");
}

#[test]
fn the_text_is_bounded() {
    let limits = Limits { text_bytes: 1000, ..Limits::default() };
    let measured = ask("parse", "many words ".repeat(1000).as_bytes(), &limits);
    assert!(matches!(measured.outcome, Err(DocumentError::TooMuchText { .. })), "{measured:?}");
    let measured = ask("chatter", b"text", &limits);
    assert!(matches!(measured.outcome, Err(DocumentError::TooMuchText { .. })), "{measured:?}");
}

#[test]
fn the_file_is_bounded() {
    let limits = Limits { file_bytes: 3, ..Limits::default() };
    let measured = ask("parse", b"four", &limits);
    assert!(
        matches!(measured.outcome, Err(DocumentError::FileTooLarge { size_bytes: 4, .. })),
        "{measured:?}"
    );
}

#[test]
fn time_on_the_clock_is_bounded() {
    let limits = Limits { wall: Duration::from_secs(1), ..Limits::default() };
    let error = error_of("hang", b"text", &limits);
    assert!(error.contains("longer than 1 seconds"), "{error}");
}

#[test]
fn processor_time_is_bounded() {
    let error = error_of("spin", b"text", &Limits { cpu_seconds: 1, ..Limits::default() });
    assert!(error.contains("longer than 1 seconds"), "{error}");
}

#[test]
fn it_can_be_cancelled() {
    let measured = ask_with("hang", b"text", &Limits::default(), &AtomicBool::new(true));
    assert!(matches!(measured.outcome, Err(DocumentError::Cancelled { .. })), "{measured:?}");
    assert!(measured.seconds < 60.0);
}

#[test]
fn the_child_command_alone_explains_itself() {
    assert_eq!(format!("{:?}", run_child()), format!("{:?}", std::process::ExitCode::FAILURE));
}
