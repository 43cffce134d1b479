//! Measuring both models in one process: the base once loaded, its adapter off and on. A model whose every weight was
//! trained has no adapter, so the two are loaded one after the other.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use anyhow::bail;
use engine::batching::{EncodeOptions, EncodedData, LongRows, LossMask, Row, encode_file, encode_rows};
use engine::generation::{Finish, GenerationError, GenerationOptions, Sampling, generate};
use engine::models::Adapters;
use engine::tokenizer::encode_prompt;
use engine::trainer::{Evaluation, evaluate_with};
use export::report::Metrics;
use serde_json::Value;

use super::questions::Question;
use super::{AnswerPair, Comparison, FORMAT_VERSION, Neutral, Said, Sides, facts, neutral};
use crate::cli::model::Loaded;
use crate::words::Activity;

/// What is measured.
pub struct Material {
    /// Rows of recall, or of the training.
    pub data: PathBuf,
    /// Rows of held-out sections.
    pub held_out: Option<PathBuf>,
    /// What is asked.
    pub questions: Vec<Question>,
    /// The built-in neutral texts too.
    pub neutral: bool,
    /// Rows are cut to so many tokens; `None`: to the model's context.
    pub max_seq_len: Option<usize>,
    /// New tokens of an answer.
    pub max_tokens: usize,
}

/// How a measuring tells where it is.
pub struct Watch<'a> {
    /// Ends it.
    pub cancel: &'a AtomicBool,
    /// Rows and answers done, of how many, and what is being done.
    pub progress: &'a mut dyn FnMut(usize, usize, &Activity),
}

/// The two models.
pub enum Models<'a> {
    /// A base with its adapter on it.
    Adapter(&'a Loaded),
    /// How to load the base, then the tuned model.
    Full([&'a dyn Fn() -> anyhow::Result<Loaded>; 2]),
}

/// Measures both.
///
/// # Errors
/// Files that cannot be read, a model that cannot be loaded, and "cancelled".
pub fn compare(models: &Models, material: &Material, watch: Watch) -> anyhow::Result<Comparison> {
    let mut progress = Progress { done: 0, total: 0, watch };
    let (before, after) = match models {
        Models::Adapter(loaded) => {
            let rows = Rows::encode(loaded, material)?;
            let before = rows.measure(loaded, material, Side::BASE, &mut progress)?;
            (before, rows.measure(loaded, material, Side::TUNED, &mut progress)?)
        }
        Models::Full([base, tuned]) => {
            let side = |loaded: Loaded, side: Side, progress: &mut Progress| {
                Rows::encode(&loaded, material)?.measure(&loaded, material, side, progress)
            };
            let before = side(base()?, Side::BASE, &mut progress)?;
            // The base is gone from memory before the other one is loaded.
            (before, side(tuned()?, Side::TUNED, &mut progress)?)
        }
    };
    progress.done = progress.total;
    progress.tell(&Activity::Done {});
    Ok(together(material, before, after))
}

fn together(material: &Material, before: Measured, after: Measured) -> Comparison {
    let vocab_size = before.vocab_size;
    let held_out = before.held_out.zip(after.held_out);
    let neutral = before.neutral.zip(after.neutral);
    let said = before.answers.into_iter().zip(after.answers);
    let pair = |(question, (before, after)): (&Question, (Said, Said))| AnswerPair {
        set: question.set,
        question: question.text().to_owned(),
        expected: question.expected.clone(),
        place: question.place.clone(),
        before,
        after,
    };
    Comparison {
        version: FORMAT_VERSION,
        before: metrics(before.data),
        after: metrics(after.data),
        held_out: held_out.map(|(before, after)| Sides {
            before: metrics(before),
            after: metrics(after),
            ..Sides::default()
        }),
        neutral: neutral.and_then(|(before, after)| {
            Neutral::new(before.eval_loss, after.eval_loss, before.supervised_tokens, vocab_size)
        }),
        answers: material.questions.iter().zip(said).map(pair).collect(),
        max_tokens: Some(material.max_tokens),
        ..Comparison::default()
    }
}

/// What is not a number was not measured.
fn metrics(evaluation: Evaluation) -> Metrics {
    let number = |value: f64| Some(value).filter(|value| value.is_finite());
    Metrics {
        eval_loss: number(evaluation.eval_loss),
        perplexity: number(evaluation.perplexity),
        token_accuracy: number(evaluation.token_accuracy),
        supervised_tokens: Some(evaluation.supervised_tokens as u64),
        facts: None,
    }
}

struct Progress<'a> {
    done: usize,
    total: usize,
    watch: Watch<'a>,
}

impl Progress<'_> {
    fn tell(&mut self, doing: &Activity) {
        (self.watch.progress)(self.done, self.total, doing);
    }
}

/// One of the two models.
#[derive(Clone, Copy)]
struct Side {
    with_adapter: bool,
    /// What is being done with its examples, held-out sections and neutral texts.
    losses: fn() -> [Activity; 3],
    /// With one question of so many.
    question: fn(usize, usize) -> Activity,
}

impl Side {
    const BASE: Self = Self {
        with_adapter: false,
        losses: || [Activity::BaseExamples {}, Activity::BaseHeldOut {}, Activity::BaseNeutral {}],
        question: |number, total| Activity::BaseQuestion { number, total },
    };
    const TUNED: Self = Self {
        with_adapter: true,
        losses: || [Activity::TunedExamples {}, Activity::TunedHeldOut {}, Activity::TunedNeutral {}],
        question: |number, total| Activity::TunedQuestion { number, total },
    };
}

/// What one model was measured at.
struct Measured {
    data: Evaluation,
    held_out: Option<Evaluation>,
    neutral: Option<Evaluation>,
    answers: Vec<Said>,
    /// Tokens that the model chooses among.
    vocab_size: usize,
}

/// What is measured, as a model's token ids.
struct Rows {
    data: EncodedData,
    held_out: Option<EncodedData>,
    neutral: Option<EncodedData>,
}

impl Rows {
    fn encode(loaded: &Loaded, material: &Material) -> anyhow::Result<Self> {
        let max_seq_len = material.max_seq_len.unwrap_or(loaded.decoder.spec.max_position_embeddings);
        let options = EncodeOptions { max_seq_len, mask: LossMask::default(), on_long: LongRows::Truncate };
        let read = |path: &Path| -> anyhow::Result<EncodedData> {
            let data = encode_file(path, &loaded.tokenizer, loaded.template.as_ref(), &options)?;
            for warning in &data.warnings {
                eprintln!("warning: {}", warning.message);
            }
            Ok(data)
        };
        let data = read(&material.data)?;
        let held_out = material.held_out.as_deref().map(read).transpose()?;
        let texts: Vec<(u64, Row)> =
            (1..).zip(neutral::TEXTS.map(|text| Row::Text(text.to_owned()))).collect();
        let whole = EncodeOptions { on_long: LongRows::Split, ..options };
        let neutral = match material.neutral {
            true => Some(encode_rows(&texts, &loaded.tokenizer, loaded.template.as_ref(), &whole)?),
            false => None,
        };
        Ok(Self { data, held_out, neutral })
    }

    fn len(&self) -> usize {
        [Some(&self.data), self.held_out.as_ref(), self.neutral.as_ref()]
            .into_iter()
            .flatten()
            .map(EncodedData::len)
            .sum()
    }

    fn measure(
        &self,
        loaded: &Loaded,
        material: &Material,
        side: Side,
        progress: &mut Progress,
    ) -> anyhow::Result<Measured> {
        progress.total = 2 * (self.len() + material.questions.len());
        let adapters = if side.with_adapter { Adapters::On } else { Adapters::Off };
        let mut loss = |data: &EncodedData, doing: &Activity| -> anyhow::Result<Evaluation> {
            progress.tell(doing);
            let cancel = progress.watch.cancel;
            Ok(evaluate_with(&loaded.decoder, data, adapters, cancel, &mut |rows| {
                progress.done += rows;
                progress.tell(doing);
            })?)
        };
        let [examples, sections, texts] = (side.losses)();
        let data = loss(&self.data, &examples)?;
        let held_out = self.held_out.as_ref().map(|rows| loss(rows, &sections)).transpose()?;
        let neutral = self.neutral.as_ref().map(|rows| loss(rows, &texts)).transpose()?;
        let mut answers = Vec::with_capacity(material.questions.len());
        for (number, question) in (1..).zip(&material.questions) {
            progress.tell(&(side.question)(number, material.questions.len()));
            answers.push(ask(
                loaded,
                question,
                material.max_tokens,
                side.with_adapter,
                progress.watch.cancel,
            )?);
            progress.done += 1;
        }
        Ok(Measured { data, held_out, neutral, answers, vocab_size: loaded.decoder.spec.vocab_size })
    }
}

/// The greedy answer.
///
/// # Errors
/// "cancelled", and tokens that the model does not have. A question that does not fit is told in [`Said::problem`].
pub fn ask(
    loaded: &Loaded,
    question: &Question,
    max_tokens: usize,
    with_adapter: bool,
    cancel: &AtomicBool,
) -> anyhow::Result<Said> {
    let options = GenerationOptions {
        sampling: Sampling::default(),
        max_tokens,
        stop: Vec::new(),
        stop_ids: loaded.tokenizer.stop_ids().to_vec(),
        with_adapter,
    };
    let prompt = prompt(loaded, question)?;
    let made = match generate(&loaded.decoder, &loaded.tokenizer, &prompt, &options, cancel, &mut |_| {}) {
        Ok(made) => made,
        Err(error @ GenerationError::NoRoom { .. }) => {
            return Ok(Said { problem: Some(error.to_string()), ..Said::default() });
        }
        Err(error) => return Err(error.into()),
    };
    if made.finish == Finish::Cancelled {
        bail!("cancelled");
    }
    let text = made.text.trim().to_owned();
    let words =
        question.expected.as_ref().and_then(|expected| facts::share_told(question.text(), expected, &text));
    let complete = made.finish == Finish::Stop;
    Ok(Said { tokens: made.ids.len(), complete, words, text, problem: None })
}

/// Through the chat template; a model without one goes on from the question itself.
fn prompt(loaded: &Loaded, question: &Question) -> anyhow::Result<Vec<u32>> {
    let messages: &[Value] = &question.messages;
    match &loaded.template {
        Some(template) => Ok(encode_prompt(&loaded.tokenizer, template, messages, question.tools.as_ref())?),
        None => Ok(loaded.tokenizer.encode_raw_prompt(question.text())),
    }
}
