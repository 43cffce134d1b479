//! Text recognition: with the machine's own tesseract and pdftoppm where it has them (a test that has to do without says
//! so), and with programs in their place that answer as the test wants.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use documents::isolation::{ChildCommand, Limits};
use documents::ocr::{self, Languages};
use documents::{BlockKind, Document, DocumentError, WarningKind};

use crate::child;
use crate::make::scan::{Page, pdf, png};

const LINES: &[&str] = &["THE BOATS ARE KEPT", "IN THE NORTHERN SHED."];

fn languages(text: &str) -> Languages {
    text.parse().expect("languages")
}

/// A file in a folder of its own, and what it is read with.
struct Case {
    folder: tempfile::TempDir,
    path: PathBuf,
    command: ChildCommand,
}

impl Case {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("a file in an own folder");
        Self { folder, path, command: child::command() }
    }

    /// Only these programs, as shell scripts, are found.
    #[cfg(unix)]
    fn with_programs(mut self, programs: &[(&str, &str)]) -> Self {
        use std::os::unix::fs::PermissionsExt;

        let bin = self.folder.path().join("bin");
        std::fs::create_dir(&bin).expect("a folder");
        for (name, script) in programs {
            let path = bin.join(name);
            std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("own file");
        }
        self.command.environment.push(("PATH".into(), bin.into()));
        self
    }

    fn read(&self, wanted: &str) -> Result<Document, DocumentError> {
        self.read_with(wanted, &AtomicBool::new(false), &mut |_, _| {})
    }

    fn read_with(
        &self,
        wanted: &str,
        cancel: &AtomicBool,
        progress: &mut dyn FnMut(u32, u32),
    ) -> Result<Document, DocumentError> {
        ocr::read(&self.path, &self.command, &Limits::default(), &languages(wanted), cancel, progress)
    }
}

/// Whether the machine can do it; a test that stops for it says so.
fn able(pdf: bool) -> bool {
    let installed = ocr::installed(&child::command());
    let able = installed.languages.iter().any(|name| name == "eng") && (installed.pdf_pages || !pdf);
    if !able {
        eprintln!("not run: tesseract with English, or pdftoppm, is not installed here ({installed:?})");
    }
    able
}

#[test]
fn a_scanned_file_is_read() {
    if !able(true) {
        return;
    }
    let case = Case::new("-scan; $(touch x).pdf", &pdf(&[Page::Scan(LINES), Page::Scan(&["LIONS SLEEP."])]));
    let mut told = Vec::new();
    let document = case.read_with("eng", &AtomicBool::new(false), &mut |done, of| told.push((done, of)));
    let document = document.expect("the letters are clear");
    assert_eq!(told, [(0, 2), (1, 2), (2, 2)]);
    assert_eq!(document.text, "THE BOATS ARE KEPT IN THE NORTHERN SHED.\n\nLIONS SLEEP.");
    assert_eq!(document.pages.len(), 2);
    assert_eq!(document.pages_of(document.blocks[1].span), Some((2, 2)));
    let recognition = document.recognition.as_ref().expect("it is said");
    assert!(recognition.engine.starts_with("tesseract "), "{recognition:?}");
    assert_eq!((recognition.languages.as_slice(), recognition.pages), (["eng".to_string()].as_slice(), 2));
    assert!((70.0..=100.0).contains(&recognition.mean_confidence), "{recognition:?}");
    let [warning] = document.warnings.as_slice() else { panic!("{:?}", document.warnings) };
    assert!(
        warning.kind == WarningKind::Recognised && warning.message.contains("mean confidence"),
        "{warning:?}"
    );
}

#[test]
fn only_pages_without_text_are_recognised() {
    if !able(true) {
        return;
    }
    let pages = [Page::Text("Before the picture."), Page::Scan(LINES), Page::Text("Behind the picture.")];
    let document = Case::new("mixed.pdf", &pdf(&pages)).read("eng").expect("it is read");
    let texts: Vec<&str> = document.pages.iter().map(|page| document.slice(page.span).trim()).collect();
    assert_eq!(
        texts,
        ["Before the picture.", "THE BOATS ARE KEPT IN THE NORTHERN SHED.", "Behind the picture."]
    );
    assert_eq!(document.recognition.map(|recognition| recognition.pages), Some(1));
    assert!(document.warnings.iter().all(|warning| warning.kind != WarningKind::PageWithoutText));
}

#[test]
fn a_picture_is_read() {
    if !able(false) {
        return;
    }
    let document = Case::new("photo.png", &png(LINES)).read("eng").expect("the letters are clear");
    assert_eq!(document.text, "THE BOATS ARE KEPT IN THE NORTHERN SHED.");
    assert_eq!((document.pages.len(), document.blocks[0].kind), (1, BlockKind::Paragraph));
    let error = Case::new("white.png", &png(&[])).read("eng").expect_err("nothing is on it");
    assert!(matches!(error, DocumentError::Recognition { .. }), "{error}");
}

#[test]
fn pictures_without_recognition_say_what_to_do() {
    let error = documents::parse_bytes(&png(LINES), Some("photo.txt")).expect_err("no text");
    assert_eq!(error, DocumentError::NoText { file: "photo.txt".into(), pages: 1 });
    assert!(error.to_string().contains("apt install tesseract-ocr poppler-utils"), "{error}");
}

#[test]
fn languages_are_names_and_nothing_else() {
    assert_eq!(languages("eng+fra").names(), ["eng", "fra"]);
    assert_eq!(languages("chi_sim").to_string(), "chi_sim");
    for wrong in ["", "+", "e", "eng+", "eng fra", "-l", "../eng", "eng;ls", "a+b+c+d+e+f"] {
        assert!(wrong.parse::<Languages>().is_err(), "{wrong}");
    }
}

/// The programs are scripts: what happens does not hang on the machine's own.
#[cfg(unix)]
mod scripted {
    use super::*;

    const SAYS: &str = r#"
[ "$1" = --version ] && { echo "tesseract 9.1"; exit; }
[ "$1" = --list-langs ] && { printf 'List (1):\neng\n'; exit; }
/bin/cat >/dev/null"#;

    /// A tesseract that finds one word on every page.
    fn finds(word: &str, confidence: u32) -> String {
        format!(
            "{SAYS}\nprintf '1\\t1\\t0\\t0\\t0\\t0\\t0\\t0\\t9\\t9\\t-1\\t\\n5\\t1\\t1\\t1\\t1\\t1\\t0\\t0\\t9\\t9\\t{confidence}\\t{word}\\n'"
        )
    }

    /// A pdftoppm that makes a picture of every page but the second.
    const ALL_BUT_THE_SECOND: &str =
        "[ \"$2\" = 2 ] && { echo 'Syntax Error: bad' >&2; exit 1; }\nprintf 'P5 1 1 255\\n '";

    fn scan(pages: usize) -> Vec<u8> {
        pdf(&(0..pages).map(|_| Page::Scan(&[])).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_missing_is_named_with_its_package() {
        let none = Case::new("a.pdf", &scan(1)).with_programs(&[]);
        let message = none.read("eng").expect_err("no program").to_string();
        assert!(
            message.contains("tesseract,") && message.contains("apt install tesseract-ocr,"),
            "{message}"
        );
        let tesseract = finds("Boats", 90);
        let half = Case::new("a.pdf", &scan(1)).with_programs(&[("tesseract", &tesseract)]);
        let message = half.read("eng").expect_err("no pdftoppm").to_string();
        assert!(message.contains("pdftoppm,") && message.contains("dnf install poppler-utils"), "{message}");
        let message = half.read("eng+fra").expect_err("no pdftoppm").to_string();
        assert!(message.contains("pdftoppm"), "{message}");
        let picture = Case::new("a.png", &png(&[])).with_programs(&[("tesseract", &tesseract)]);
        assert_eq!(picture.read("eng").expect("no pages to make").text, "Boats");
        let message = picture.read("eng+fra").expect_err("no French").to_string();
        assert!(
            message.contains("\"fra\" (it has eng)") && message.contains("tesseract-ocr-fra"),
            "{message}"
        );
        assert_eq!(
            ocr::installed(&none.command),
            ocr::Installed { tesseract: None, languages: vec![], pdf_pages: false }
        );
    }

    #[test]
    fn a_page_that_fails_is_left_out_and_named() {
        let case = Case::new("a.pdf", &scan(3))
            .with_programs(&[("tesseract", &finds("Boats", 40)), ("pdftoppm", ALL_BUT_THE_SECOND)]);
        let document = case.read("eng").expect("two pages are read");
        assert_eq!((document.text.as_str(), document.pages.len()), ("Boats\n\nBoats", 3));
        let recognition = document.recognition.expect("it is said");
        assert_eq!((recognition.engine.as_str(), recognition.pages), ("tesseract 9.1", 2));
        assert_eq!(recognition.mean_confidence, 40.0);
        let warnings: Vec<_> = document.warnings.iter().map(|warning| (warning.kind, warning.page)).collect();
        let (recognised, partly) = (WarningKind::Recognised, WarningKind::PartlyRead);
        assert_eq!(
            warnings,
            [(recognised, None), (recognised, Some(1)), (recognised, Some(3)), (partly, Some(2))]
        );
    }

    #[test]
    fn it_ends_when_every_page_fails() {
        let case = Case::new("a.pdf", &scan(5))
            .with_programs(&[("tesseract", &finds("Boats", 40)), ("pdftoppm", "echo no >&2; exit 1")]);
        let mut pages = 0;
        let error =
            case.read_with("eng", &AtomicBool::new(false), &mut |_, _| pages += 1).expect_err("nothing");
        assert!(error.to_string().contains("pdftoppm: exit code 1: no"), "{error}");
        assert_eq!(pages, 3);
    }

    #[test]
    fn it_can_be_cancelled() {
        let case = Case::new("a.pdf", &scan(3))
            .with_programs(&[("tesseract", &finds("Boats", 40)), ("pdftoppm", ALL_BUT_THE_SECOND)]);
        let cancel = AtomicBool::new(false);
        let endless = Case::new("a.pdf", &scan(3)).with_programs(&[
            ("tesseract", &finds("Boats", 40)),
            ("pdftoppm", "[ $1 = -v ] || while :; do :; done"),
        ]);
        let outcome = endless.read_with("eng", &cancel, &mut |_, _| cancel.store(true, Ordering::Relaxed));
        assert!(matches!(outcome, Err(DocumentError::Cancelled { .. })), "{outcome:?}");
        assert_eq!(case.read("eng").expect("not cancelled").text, "Boats\n\nBoats");
    }

    #[test]
    fn files_with_text_are_left_alone() {
        let case = Case::new("a.pdf", &pdf(&[Page::Text("Words.")])).with_programs(&[]);
        let document = case.read("eng").expect("no program is needed");
        assert_eq!((document.text.as_str(), document.recognition), ("Words.", None));
        let empty = Case::new("a.txt", b" ").with_programs(&[]);
        assert!(matches!(empty.read("eng"), Err(DocumentError::Empty { .. })));
    }

    /// A program sees its arguments and its standard input, and not the file's name.
    #[test]
    fn programs_know_no_file_name() {
        let script = format!("{SAYS}\necho \"said: $*\" >&2\nexit 1");
        let case = Case::new("name.png", &png(&[])).with_programs(&[("tesseract", &script)]);
        let error = case.read("eng").expect_err("it fails");
        let DocumentError::Recognition { reason, .. } = error else { panic!("{error}") };
        assert_eq!(reason, "tesseract: exit code 1: said: stdin stdout -l eng -c tessedit_create_tsv=1");
    }
}
