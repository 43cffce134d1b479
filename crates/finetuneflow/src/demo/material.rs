//! From a document to training rows, and the questions that judge the result.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, bail};
use documents::ChunkOptions;
use documents::isolation::{Limits, parse_isolated};
use engine::tokenizer::Tokenizer;
use engine::weights::write_file_atomically;
use serde::Deserialize;
use serde_json::json;

use crate::bundled;
use crate::cli::parse_child;
use crate::evaluation::facts;
use crate::providers::offline::{self, Options};

/// Many phrasings a fact, few passes over them: a tiny model finds a fact from other words only if it met it in many.
const QUESTIONS_PER_FACT: usize = 60;

/// What one document gave.
pub struct Material {
    pub document_name: String,
    pub pages: usize,
    pub chunks: usize,
    pub examples: usize,
    /// Training rows; one question and its answer each.
    pub train_file: PathBuf,
    /// Rows with phrasings that are in no training row: what perplexity is measured on.
    pub eval_file: PathBuf,
    pub eval_rows: usize,
    pub questions: Vec<Question>,
    /// How the questions came about, for the report.
    pub questions_note: &'static str,
}

/// A question that is never trained verbatim.
#[derive(Clone, Debug, Deserialize)]
pub struct Question {
    pub question: String,
    /// An answer that holds one of these is right.
    pub facts: Vec<String>,
}

impl Question {
    /// Whether the answer holds one of the facts; see [`facts::holds`].
    pub fn is_answered_by(&self, answer: &str) -> bool {
        self.facts.iter().any(|fact| facts::holds(answer, fact))
    }
}

/// Reads the document in a child process, and makes rows and questions of it.
pub fn make(
    file: Option<&Path>,
    questions: Option<PathBuf>,
    work: &Path,
    tokenizer: &Tokenizer,
    cancel: &AtomicBool,
    say: &mut dyn FnMut(&str),
) -> anyhow::Result<Material> {
    let (document_path, questions_file) = match file {
        Some(file) => (file.to_path_buf(), questions),
        None => {
            let (document, own) = bundled::unpack_sample_handbook(&work.join("handbook"))?;
            (document, Some(questions.unwrap_or(own)))
        }
    };
    let document_name =
        document_path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    say(&format!("reading {document_name}"));
    let document =
        parse_isolated(&document_path, &parse_child::command()?, &Limits::default(), cancel)?.document;
    let count_tokens = |text: &str| tokenizer.encode_plain(text).len();
    let chunks = documents::chunk(&document, &ChunkOptions::default(), &count_tokens);
    let options = Options { hold_out: true, questions_per_fact: QUESTIONS_PER_FACT, ..Options::default() };
    let mut generated = offline::generate(&offline::source_blocks(&document), &options);
    if generated.examples.is_empty() {
        bail!(
            "{document_name}: no sentence with a fact was found to make examples from; try a document with running text"
        );
    }
    let questions = match &questions_file {
        Some(path) => read_questions(path)?,
        None => generated
            .held_out
            .iter()
            .map(|held| Question { question: held.question.clone(), facts: vec![held.fact.clone()] })
            .collect(),
    };
    // The questions that judge are in no training row, whatever the generator came up with.
    let asked: BTreeSet<String> = questions.iter().map(|question| normalized(&question.question)).collect();
    generated.examples.retain(|example| !asked.contains(&normalized(&example.question)));

    let (train_file, eval_file) = (work.join("train.jsonl"), work.join("eval.jsonl"));
    write_rows(&train_file, generated.examples.iter().map(|example| (&example.question, &example.answer)))?;
    write_rows(&eval_file, generated.held_out.iter().map(|held| (&held.question, &held.answer)))?;
    say(&format!(
        "{} pages, {} chunks, {} examples from the offline generator, {} questions kept apart",
        document.pages.len(),
        chunks.len(),
        generated.examples.len(),
        questions.len()
    ));
    Ok(Material {
        document_name,
        pages: document.pages.len(),
        chunks: chunks.len(),
        examples: generated.examples.len(),
        train_file,
        eval_file,
        eval_rows: generated.held_out.len(),
        questions,
        questions_note: match questions_file {
            Some(_) => {
                "The questions were written by people in other words than the handbook's; none of them was trained."
            }
            None => "The questions were made by the offline generator and kept out of training.",
        },
    })
}

fn normalized(question: &str) -> String {
    facts::words(question).join(" ")
}

fn read_questions(path: &Path) -> anyhow::Result<Vec<Question>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            serde_json::from_str(line).with_context(|| format!("{} line {}", path.display(), number + 1))
        })
        .collect()
}

fn write_rows<'a>(path: &Path, rows: impl Iterator<Item = (&'a String, &'a String)>) -> anyhow::Result<()> {
    let mut text = String::new();
    for (question, answer) in rows {
        let row = json!({"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]});
        writeln!(text, "{row}")?;
    }
    write_file_atomically(path, text.as_bytes())?;
    Ok(())
}
