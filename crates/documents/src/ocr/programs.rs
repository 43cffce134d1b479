//! tesseract and pdftoppm as filters: their arguments, and what their answers mean.

use std::fs::File;
use std::sync::atomic::AtomicBool;

use super::words::{self, PageWords};
use super::{Installed, Languages, page_limits};
use crate::error::DocumentError;
use crate::formats::Format;
use crate::isolation::{self, ChildCommand, Input, Limits, Tool};

const TESSERACT: &str = "tesseract";
const PDFTOPPM: &str = "pdftoppm";

/// The longer side of a page's picture: a page of A4 at 300 dots an inch, whatever size a page says that it has.
const LONG_SIDE: u32 = 3508;
/// A picture of a page has a byte for each dot, and a few for its head.
const PICTURE_BYTES: u64 = LONG_SIDE as u64 * LONG_SIDE as u64 + 1024;
/// What tesseract may say of one picture.
const WORDS_BYTES: u64 = 64 << 20;
/// What a program may say of itself.
const NOTICE_BYTES: u64 = 1 << 20;
/// A picture file with many pages (TIFF) may take longer than a page.
const PICTURE_FILE_FACTOR: u32 = 5;

/// The programs, and the file that they are to read.
pub struct Programs<'a> {
    pub command: &'a ChildCommand,
    /// The file as errors call it.
    pub name: &'a str,
    pub cancel: &'a AtomicBool,
}

impl Programs<'_> {
    fn run(
        &self,
        program: &str,
        arguments: &[&str],
        input: Input,
        output_bytes: u64,
        limits: &Limits,
    ) -> Result<Option<Vec<u8>>, DocumentError> {
        let arguments = arguments.iter().map(ToString::to_string).collect();
        let tool = Tool { program: program.to_string(), arguments };
        isolation::run_tool(tool, input, self.name, output_bytes, self.command, limits, self.cancel)
    }

    /// What a program says of itself; `None` where it is not installed.
    fn notice(&self, program: &str, argument: &str) -> Option<String> {
        let limits = page_limits();
        let said = self.run(program, &[argument], Input::Nothing, NOTICE_BYTES, &limits).ok()??;
        Some(String::from_utf8_lossy(&said).into_owned())
    }

    pub fn installed(&self) -> Installed {
        let version = self.notice(TESSERACT, "--version").and_then(|said| words::version(&said));
        let languages = match &version {
            Some(_) => {
                self.notice(TESSERACT, "--list-langs").map_or_else(Vec::new, |said| words::languages(&said))
            }
            None => Vec::new(),
        };
        // Some of its versions call it a failure to say which they are.
        let pdf = self.run(PDFTOPPM, &["-v"], Input::Nothing, NOTICE_BYTES, &page_limits());
        Installed { tesseract: version, languages, pdf_pages: !matches!(pdf, Ok(None)) }
    }

    /// What is to do the work, by name and version, or what is missing for it.
    pub fn check(&self, languages: &Languages, format: Format) -> Result<String, DocumentError> {
        let installed = self.installed();
        let Some(version) = installed.tesseract else { return Err(self.missing(TESSERACT)) };
        if format == Format::Pdf && !installed.pdf_pages {
            return Err(self.missing(PDFTOPPM));
        }
        match languages.names().iter().find(|name| !installed.languages.contains(name)) {
            None => Ok(format!("{TESSERACT} {version}")),
            Some(language) => Err(DocumentError::OcrLanguage {
                file: self.name.to_string(),
                language: language.clone(),
                installed: installed.languages.join(", "),
            }),
        }
    }

    fn missing(&self, program: &str) -> DocumentError {
        let (debian, fedora) = match program {
            TESSERACT => ("tesseract-ocr", "tesseract"),
            _ => ("poppler-utils", "poppler-utils"),
        };
        DocumentError::ToolMissing {
            file: self.name.to_string(),
            program: program.to_string(),
            debian: debian.to_string(),
            fedora: fedora.to_string(),
        }
    }

    /// A page of a PDF file in grey (PGM).
    pub fn picture_of_page(&self, file: File, number: u32) -> Result<Vec<u8>, DocumentError> {
        let (number, side) = (number.to_string(), LONG_SIDE.to_string());
        let arguments = ["-f", &number, "-l", &number, "-scale-to", &side, "-gray", "-"];
        let picture = self.run(PDFTOPPM, &arguments, Input::File(file), PICTURE_BYTES, &page_limits())?;
        let picture = picture.ok_or_else(|| self.missing(PDFTOPPM))?;
        if !picture.starts_with(b"P5") {
            let reason = format!("{PDFTOPPM} makes no picture of page {number}");
            return Err(DocumentError::Recognition { file: self.name.to_string(), reason });
        }
        Ok(picture)
    }

    /// The words of a page's picture.
    pub fn read_page(
        &self,
        picture: Vec<u8>,
        number: u32,
        languages: &Languages,
    ) -> Result<PageWords, DocumentError> {
        let pages = self.words(Input::Bytes(picture), languages, &["--dpi", "300"], &page_limits())?;
        let page = pages.into_iter().next().unwrap_or_default();
        Ok(PageWords { number, ..page })
    }

    /// The words of each page of a picture file.
    pub fn read_picture(&self, file: File, languages: &Languages) -> Result<Vec<PageWords>, DocumentError> {
        let mut limits = page_limits();
        limits.cpu_seconds *= u64::from(PICTURE_FILE_FACTOR);
        limits.wall *= PICTURE_FILE_FACTOR;
        self.words(Input::File(file), languages, &[], &limits)
    }

    fn words(
        &self,
        input: Input,
        languages: &Languages,
        options: &[&str],
        limits: &Limits,
    ) -> Result<Vec<PageWords>, DocumentError> {
        let languages = languages.to_string();
        let mut arguments = vec!["stdin", "stdout", "-l", &languages, "-c", "tessedit_create_tsv=1"];
        arguments.extend(options);
        let table = self.run(TESSERACT, &arguments, input, WORDS_BYTES, limits)?;
        let table = table.ok_or_else(|| self.missing(TESSERACT))?;
        Ok(words::pages(&String::from_utf8_lossy(&table)))
    }
}
