//! The main job in one go: a document becomes examples, a fine-tuned model, measured answers and files.
//!
//! [`run`] is the whole way; `material` makes what is trained and asked, `answers` asks, `package` writes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::Context as _;
use engine::adapters::peft::Adapter;
use engine::batching::{EncodeOptions, EncodedData, LongRows, LossMask, encode_file};
use engine::device::cpu::CpuDevice;
use engine::device::{Precision, cpu::gemm};
use engine::models::{Decoder, adapt, load};
use engine::tokenizer::{ChatTemplate, Tokenizer};
use engine::trainer::options::{PrecisionName, RecomputeName};
use engine::trainer::{
    Evaluation, RunLength, StepReport, TrainEvent, TrainOptions, TrainSummary, evaluate, train,
};
use export::certificate::Verdict;
use serde::Serialize;

use crate::bundled;
use crate::cli::model::Loaded;

mod answers;
mod material;
mod package;

pub use material::Material;

/// Where the work happens and how the person hears of it.
pub struct Demo<'a> {
    /// A document of the person's; `None` takes the sample handbook.
    pub file: Option<PathBuf>,
    /// JSON lines of {"question", "facts"} that judge the result; `None`: the sample's own, or the generator's.
    pub questions: Option<PathBuf>,
    /// A model folder; `None` takes the bundled model.
    pub model: Option<PathBuf>,
    pub out: PathBuf,
    pub cancel: &'a AtomicBool,
    /// A line on what happens now.
    pub say: &'a mut dyn FnMut(&str),
    pub on_train: &'a mut dyn FnMut(&TrainEvent),
}

/// The last JSON line.
#[derive(Clone, Debug, Serialize)]
pub struct DemoResult {
    pub perplexity_before: f64,
    pub perplexity_after: f64,
    /// Share of the questions whose answer holds the fact.
    pub facts_before: f64,
    pub facts_after: f64,
    pub questions: usize,
    pub seconds: f64,
    /// The worst of the exported files beside the trained model.
    pub exports: Verdict,
    pub zip: PathBuf,
}

/// What a model was measured at.
pub(crate) struct Measured {
    pub evaluation: Evaluation,
    pub answers: Vec<String>,
    /// For each question, whether the answer holds the fact.
    pub right: Vec<bool>,
}

impl Measured {
    fn facts(&self) -> f64 {
        self.right.iter().filter(|&&right| right).count() as f64 / self.right.len().max(1) as f64
    }
}

/// Everything of the run that the report needs.
pub(crate) struct Finished<'a> {
    pub material: &'a Material,
    pub options: &'a TrainOptions,
    pub summary: &'a TrainSummary,
    pub steps: &'a [StepReport],
    pub before: &'a Measured,
    pub after: &'a Measured,
}

/// The bundled model's folder while the demo runs.
const BASE_FOLDER: &str = "base-model";
/// Passes over the examples.
const EPOCHS: f64 = 3.0;
const LEARNING_RATE: f64 = 2e-3;
const RANK: usize = 128;
/// The layers that hold facts; attention stays as the base model learned it, and with it what it knows of other wordings.
const TARGET_MODULES: [&str; 3] = ["gate_proj", "up_proj", "down_proj"];
const WEIGHT_DECAY: f64 = 0.1;
/// The bundled model's context is short and its rows shorter: this many tokens in a step.
const TOKENS_PER_STEP: usize = 1024;

pub fn run(demo: Demo) -> anyhow::Result<DemoResult> {
    let started = Instant::now();
    let Demo { file, questions, model, out, cancel, say, on_train } = demo;
    fs::create_dir_all(&out)
        .with_context(|| format!("{} cannot be made; choose another folder with --out", out.display()))?;
    let work = tempfile::Builder::new()
        .prefix(".demo-")
        .tempdir_in(&out)
        .context("the output folder is not writable")?;
    let base = match model {
        Some(folder) => folder,
        None => {
            let folder = work.path().join(BASE_FOLDER);
            bundled::unpack_base_model(&folder)?;
            folder
        }
    };
    let tokenizer = Tokenizer::open(&base)?;
    let material = material::make(file.as_deref(), questions, work.path(), &tokenizer, cancel, say)?;

    let precision = if gemm::supports_bf16() { PrecisionName::Bf16 } else { PrecisionName::F32 };
    let options = TrainOptions {
        length: RunLength::Epochs(EPOCHS),
        learning_rate: LEARNING_RATE,
        rank: RANK,
        alpha: 2.0 * RANK as f64,
        target_modules: TARGET_MODULES.map(String::from).to_vec(),
        weight_decay: WEIGHT_DECAY,
        warmup_steps: 20,
        micro_batch_size: 1,
        max_seq_len: TOKENS_PER_STEP,
        precision,
        recompute: RecomputeName::None,
        checkpoint_steps: 0,
        ..TrainOptions::new(base.clone(), material.train_file.clone(), work.path().join("run"))
    };

    say("asking the base model");
    let before = measure(&base, None, precision, &material, cancel)?;
    say(&format!(
        "base model: perplexity {:.1}, facts {:.0} % of {} questions",
        before.evaluation.perplexity,
        100.0 * before.facts(),
        material.questions.len()
    ));
    let mut steps = Vec::new();
    let summary = train(&options, cancel, &mut |event| {
        on_train(&event);
        if let TrainEvent::Step(step) = event {
            steps.push(step);
        }
    })?;
    say("asking the tuned model");
    let after = measure(&base, Some(&options.output), precision, &material, cancel)?;

    say(
        "writing the adapter, the merged model, the GGUF file and the report, and comparing them with the trained model",
    );
    let finished = Finished {
        material: &material,
        options: &options,
        summary: &summary,
        steps: &steps,
        before: &before,
        after: &after,
    };
    let (zip, certificate) = package::write(&out, work.path(), &base, &finished, cancel)?;
    Ok(DemoResult {
        perplexity_before: before.evaluation.perplexity,
        perplexity_after: after.evaluation.perplexity,
        facts_before: before.facts(),
        facts_after: after.facts(),
        questions: material.questions.len(),
        seconds: started.elapsed().as_secs_f64(),
        exports: certificate.verdict,
        zip,
    })
}

/// Perplexity on the held-out rows, and the answers to the questions.
fn measure(
    base: &Path,
    adapter: Option<&Path>,
    precision: PrecisionName,
    material: &Material,
    cancel: &AtomicBool,
) -> anyhow::Result<Measured> {
    let loaded = load_model(base, adapter, precision.into())?;
    let options = EncodeOptions {
        max_seq_len: loaded.decoder.spec.max_position_embeddings,
        mask: LossMask::default(),
        on_long: LongRows::Truncate,
    };
    let data: EncodedData =
        encode_file(&material.eval_file, &loaded.tokenizer, loaded.template.as_ref(), &options)?;
    let evaluation = evaluate(&loaded.decoder, &data, cancel)?;
    let answers = answers::ask(&loaded, &material.questions, cancel)?;
    let right = answers
        .iter()
        .zip(&material.questions)
        .map(|(answer, question)| question.is_answered_by(answer))
        .collect();
    Ok(Measured { evaluation, answers, right })
}

fn load_model(base: &Path, adapter: Option<&Path>, precision: Precision) -> anyhow::Result<Loaded> {
    let mut decoder: Decoder = load::load(base, Arc::new(CpuDevice::new(0)), precision, load::Base::Frozen)?;
    if let Some(adapter) = adapter {
        adapt::attach_adapter(&mut decoder, &Adapter::read(adapter)?, false)?;
    }
    let (tokenizer, template) = (Tokenizer::open(base)?, ChatTemplate::from_model_dir(base)?);
    Ok(Loaded { decoder, tokenizer, template, dir: base.to_path_buf() })
}
