//! Text of scans and pictures (OCR), recognised by programs of the machine where a person asked for it: tesseract
//! (<https://tesseract-ocr.github.io/>) reads pictures, and poppler's pdftoppm turns pages of PDF files into pictures.
//!
//! Only pages without text are recognised. Both programs are filters here: they read standard input and write standard
//! output, know no file name, and run under limits as the parsing child does ([`crate::isolation`]).

mod programs;
mod rebuild;
mod words;

use std::io::{Read, Seek};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::document::{Document, Recognition, WarningKind};
use crate::error::DocumentError;
use crate::formats::{Format, pdf, picture};
use crate::isolation::{self, ChildCommand, Limits};
use crate::remark::Remark;

use programs::Programs;
use words::PageWords;

/// More pages of one file are not recognised.
pub const MOST_PAGES: u32 = 1000;
/// So many first pages without one that succeeds end the recognition.
const MOST_FAILURES: usize = 3;
/// A page that is recognised with less is named in a warning.
const LOW_CONFIDENCE: f32 = 60.0;

/// The languages that a text may be in, as tesseract calls them: `eng`, `fra`, `eng+fra`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Languages(Vec<String>);

impl Languages {
    /// The names.
    pub fn names(&self) -> &[String] {
        &self.0
    }
}

impl std::str::FromStr for Languages {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names: Vec<String> = text.split('+').map(str::to_string).collect();
        let sound = |name: &String| {
            (2..=20).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        if names.len() > 5 || !names.iter().all(sound) {
            return Err(format!("\"{text}\" names no languages; write for example eng, fra or eng+fra"));
        }
        Ok(Self(names))
    }
}

impl TryFrom<String> for Languages {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Languages> for String {
    fn from(languages: Languages) -> Self {
        languages.to_string()
    }
}

impl std::fmt::Display for Languages {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0.join("+"))
    }
}

/// What the machine has for text recognition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// tesseract's version; `None` where it is not installed.
    pub tesseract: Option<String>,
    /// The languages that it has data for.
    pub languages: Vec<String>,
    /// Whether pages of PDF files can be turned into pictures (poppler's pdftoppm).
    pub pdf_pages: bool,
}

/// Asks the programs themselves. `command` reaches [`isolation::run_child`].
pub fn installed(command: &ChildCommand) -> Installed {
    let never = AtomicBool::new(false);
    Programs { command, name: "the check of OCR", cancel: &never }.installed()
}

/// What one page may cost; a picture file may have several.
fn page_limits() -> Limits {
    let limits = Limits::default();
    Limits { memory_bytes: 2 << 30, cpu_seconds: 120, wall: Duration::from_secs(240), ..limits }
}

/// Reads `path` as [`isolation::parse_isolated`] does, and recognises the pages that have no text. A file whose pages all
/// have text comes back as it is. `progress` is told the pages that are done and how many there are.
///
/// # Errors
/// Those of reading, and [`DocumentError::ToolMissing`], [`DocumentError::OcrLanguage`], [`DocumentError::Recognition`],
/// [`DocumentError::TooManyPages`].
pub fn read(
    path: &Path,
    command: &ChildCommand,
    limits: &Limits,
    languages: &Languages,
    cancel: &AtomicBool,
    progress: &mut dyn FnMut(u32, u32),
) -> Result<Document, DocumentError> {
    let parsed = isolation::parse_isolated(path, command, limits, cancel);
    let wanted = match &parsed {
        Ok(report) => without_text(&report.document),
        Err(DocumentError::NoText { pages, .. }) => (1..=*pages).collect(),
        Err(_) => Vec::new(),
    };
    let name = path.display().to_string();
    let Some(format) = pictured_format(path, &name, limits)?.filter(|_| !wanted.is_empty()) else {
        return parsed.map(|report| report.document);
    };
    if wanted.len() > MOST_PAGES as usize {
        let (pages, limit) = (wanted.len() as u32, MOST_PAGES);
        return Err(DocumentError::TooManyPages { file: name, pages, limit });
    }
    let programs = Programs { command, name: &name, cancel };
    let engine = programs.check(languages, format)?;
    let all = match format {
        Format::Picture => {
            progress(0, 1);
            programs.read_picture(isolation::open(path, &name, limits)?, languages)?
        }
        _ => read_pages(&programs, path, limits, languages, &wanted, progress)?,
    };
    let words: usize = all.iter().map(|page| page.confidences.len()).sum();
    if words == 0 {
        let failure = all.iter().find_map(|page| page.failure.clone());
        let reason = failure.unwrap_or_else(|| "tesseract finds no words in it".to_string());
        return Err(DocumentError::Recognition { file: name, reason });
    }
    let total: f32 = all.iter().flat_map(|page| &page.confidences).sum();
    let base = match parsed {
        Ok(report) => report.document,
        Err(_) => rebuild::blank(format, all.len()),
    };
    let recognised: Vec<PageWords> =
        all.iter().filter(|page| !page.confidences.is_empty()).cloned().collect();
    let mut document = rebuild::with_pages(base, &recognised);
    document.recognition = Some(Recognition {
        engine,
        languages: languages.names().to_vec(),
        pages: recognised.len() as u32,
        mean_confidence: total / words as f32,
    });
    warn(&mut document, &recognised, &all);
    Ok(document)
}

/// Pages on which nothing was found.
fn without_text(document: &Document) -> Vec<u32> {
    let empty = document.warnings.iter().filter(|warning| warning.kind == WarningKind::PageWithoutText);
    empty.filter_map(|warning| warning.page).collect()
}

/// The format of a file that pictures are made of or that is one.
fn pictured_format(path: &Path, name: &str, limits: &Limits) -> Result<Option<Format>, DocumentError> {
    let mut head = Vec::new();
    let file = isolation::open(path, name, limits)?;
    file.take(1024)
        .read_to_end(&mut head)
        .map_err(|error| DocumentError::Unreadable { file: name.to_string(), reason: error.to_string() })?;
    Ok(match () {
        () if pdf::has_header(&head) => Some(Format::Pdf),
        () if picture::is_picture(&head) => Some(Format::Picture),
        () => None,
    })
}

/// Recognises pages one by one. A page that fails is left without text, unless all do.
fn read_pages(
    programs: &Programs,
    path: &Path,
    limits: &Limits,
    languages: &Languages,
    wanted: &[u32],
    progress: &mut dyn FnMut(u32, u32),
) -> Result<Vec<PageWords>, DocumentError> {
    let file = isolation::open(path, programs.name, limits)?;
    let total = wanted.len() as u32;
    let (mut pages, mut failed) = (Vec::new(), 0);
    for (done, number) in (0..).zip(wanted) {
        progress(done, total);
        let page = page_input(&file, programs.name).and_then(|file| {
            let picture = programs.picture_of_page(file, *number)?;
            programs.read_page(picture, *number, languages)
        });
        match page {
            Ok(page) => pages.push(page),
            Err(error @ (DocumentError::Cancelled { .. } | DocumentError::ToolMissing { .. })) => {
                return Err(error);
            }
            Err(error) => {
                failed += 1;
                if failed > pages.len() && failed >= MOST_FAILURES.min(wanted.len()) {
                    return Err(error);
                }
                pages.push(PageWords::failed(*number, error.to_string()));
            }
        }
    }
    progress(total, total);
    Ok(pages)
}

/// The file from its start, for one more program.
fn page_input(file: &std::fs::File, name: &str) -> Result<std::fs::File, DocumentError> {
    let again = file.try_clone().and_then(|mut file| file.rewind().map(|()| file));
    again.map_err(|error| DocumentError::Unreadable { file: name.to_string(), reason: error.to_string() })
}

/// Says what was recognised, how well, and what was not.
fn warn(document: &mut Document, recognised: &[PageWords], all: &[PageWords]) {
    let Some(Recognition { engine, languages, pages, mean_confidence }) = &document.recognition else {
        return;
    };
    let percent = |confidence: f32| confidence.round() as u32;
    let whole = Remark::Recognised {
        pages: *pages,
        engine: engine.clone(),
        languages: languages.join("+"),
        confidence: percent(*mean_confidence),
    };
    let mut warnings = vec![whole.on(None)];
    for page in recognised.iter().filter(|page| page.mean_confidence() < LOW_CONFIDENCE) {
        let remark = Remark::PoorlyRecognised { confidence: percent(page.mean_confidence()) };
        warnings.push(remark.on(Some(page.number)));
    }
    for page in all {
        let Some(reason) = &page.failure else { continue };
        warnings.push(Remark::NotRecognised { detail: reason.to_string() }.on(Some(page.number)));
    }
    document.warnings.splice(0..0, warnings);
}
