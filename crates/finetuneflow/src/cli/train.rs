//! `train`: one fine-tuning run.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use clap::ValueEnum;
use engine::device::cpu::CpuDevice;
use engine::models::{DecoderSpec, LayerChoice, spec_of};
use engine::trainer::fit::{Fitter, Wish, micro_batches};
use engine::trainer::options::{LongRowsName, LossName, OrderName, RecomputeName};
use engine::trainer::{
    EvaluationOptions, EvaluationReport, Method, RunLength, Schedule, Start, StepReport, TrainEvent,
    TrainOptions, TrainSummary, train,
};
use engine::weights::ModelConfig;
use indicatif::{ProgressBar, ProgressStyle};

use super::Context;
use super::interrupt::cancel_flag;
use super::memory_size;
use super::model::{BasePrecisionArg, PrecisionArg};

#[derive(Clone, Copy, ValueEnum)]
enum MethodArg {
    Lora,
    Dora,
    Full,
}

#[derive(Clone, Copy, ValueEnum)]
enum ScheduleArg {
    Constant,
    Linear,
    Cosine,
}

#[derive(Clone, Copy, ValueEnum)]
enum OrderArg {
    File,
    Shuffle,
}

#[derive(Clone, Copy, ValueEnum)]
enum LossArg {
    /// The assistant's answers; of prompt/completion rows the completion; of texts everything
    Assistant,
    /// Everything, prompts included
    All,
}

#[derive(Clone, Copy, ValueEnum)]
enum LongRowsArg {
    /// Keep the beginning
    Truncate,
    /// Make several rows of one; pieces with nothing to learn are left out
    Split,
}

#[derive(Clone, Copy, ValueEnum)]
enum Switch {
    On,
    Off,
}

#[derive(Clone, Copy, ValueEnum)]
enum RecomputeArg {
    /// The fastest of the others that fits the memory
    Auto,
    /// Nothing: the most memory, the fastest
    None,
    /// Norms, projections and gates, but not the attention
    Light,
    /// Everything but the input of each block: the least memory
    Full,
}

/// Without flags; see [`RunArgs`].
const DEFAULT_MICRO_BATCH: usize = 4;
const DEFAULT_CONTEXT: usize = 1024;

/// What decides a run's memory.
#[derive(clap::Args)]
pub struct RunArgs {
    /// Hugging Face model folder, GGUF file (its weights are dequantised as --base-precision says), `base` for the bundled
    /// model, or the org/name of a downloaded one
    #[arg(long, value_name = "DIR|FILE.gguf")]
    pub model: PathBuf,
    /// Train low-rank adapters (lora), those with trained norms of the adapted weights' rows (dora), or every weight (full)
    #[arg(long, value_enum, default_value = "lora")]
    method: MethodArg,
    /// Rank of the adapters
    #[arg(long, default_value_t = 16)]
    rank: usize,
    /// Strength of the adapters: they are scaled by alpha / rank
    #[arg(long, default_value_t = 32.0)]
    alpha: f64,
    /// Scale the adapters by alpha / √rank instead, so that a high rank is not held back (rsLoRA)
    #[arg(long)]
    rslora: bool,
    /// Modules that get an adapter: all-linear, or names such as q_proj,v_proj
    #[arg(long, value_delimiter = ',', default_value = "all-linear")]
    target_modules: Vec<String>,
    /// Layers that get an adapter, from 0: all, last:4, or numbers and ranges such as 3,5,7-9
    #[arg(long, default_value_t)]
    layers: LayerChoice,
    /// The learning rate of the adapters' B is that of A times this (LoRA+); 1 is plain LoRA
    #[arg(long, value_name = "RATIO", default_value_t = 1.0)]
    lora_plus_ratio: f64,
    /// Share of an adapter's inputs that is dropped at random in training
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    dropout: f64,
    /// Sequences in one forward pass [default: 4, or with --memory the most up to 4 that fit]
    #[arg(long)]
    micro_batch_size: Option<usize>,
    /// Forward passes in one optimizer step
    #[arg(long, default_value_t = 1)]
    gradient_accumulation_steps: usize,
    /// Longest row in tokens; see --long-rows [default: the model's context, at most 1024, and with --memory what fits]
    #[arg(long)]
    max_seq_len: Option<usize>,
    /// Memory that the run may take, such as 8GiB. What no flag sets is chosen to fit it: the recomputation, then smaller
    /// micro-batches (with more accumulation), then a shorter context [default: nine tenths of what is free, for the
    /// recomputation only]
    #[arg(long, value_name = "SIZE", value_parser = memory_size::parse)]
    memory: Option<u64>,
    /// What products are made of (f16: weights in f16, products in f32); adapters, norms, softmax and loss stay f32
    #[arg(long, value_enum, default_value = "f32")]
    precision: PrecisionArg,
    /// How the frozen base is kept: nf4 and q8 quantize the linear layers [default: as --precision]
    #[arg(long, value_enum)]
    base_precision: Option<BasePrecisionArg>,
    /// What is computed again in the backward pass to save memory
    #[arg(long, value_enum, default_value = "auto")]
    recompute: RecomputeArg,
    /// Threads; 0 takes the machine's cores
    #[arg(long, default_value_t = 0)]
    threads: usize,
}

/// Fine-tune a model on a data file
#[derive(clap::Args)]
#[command(
    after_help = "A row of the data file is {\"messages\": […]}, {\"prompt\", \"completion\"}, {\"text\"}, or \
{\"input_ids\", \"labels\"} (labels unshifted, -100 where nothing is learned).\n\
With --json each step prints {\"step\", \"loss\", \"grad_norm\", \"learning_rate\", …}, each evaluation {\"event\": \"evaluation\", \
\"at_step\", \"eval_loss\", \"perplexity\", \"token_accuracy\", …}; the last line is the summary.\n\
A run whose loss is no longer a number, or stays far above where it began, is stopped; its last good checkpoint is kept."
)]
pub struct Args {
    #[command(flatten)]
    pub run: RunArgs,
    /// JSONL file of training rows
    #[arg(long, value_name = "FILE", required = true)]
    pub data: Option<PathBuf>,
    /// Folder of the run: the adapter (or model) at its top, checkpoints inside
    #[arg(long, value_name = "DIR", required = true)]
    out: Option<PathBuf>,
    /// Times through the data
    #[arg(long, default_value_t = 3.0, conflicts_with = "max_steps")]
    epochs: f64,
    /// Optimizer steps instead of epochs; the data wraps
    #[arg(long)]
    max_steps: Option<u64>,
    #[arg(long, default_value_t = 2e-4)]
    learning_rate: f64,
    #[arg(long, value_enum, default_value = "cosine")]
    schedule: ScheduleArg,
    /// Steps until the learning rate is reached
    #[arg(long, default_value_t = 0)]
    warmup_steps: u64,
    #[arg(long, default_value_t = 0.999)]
    adam_beta2: f64,
    #[arg(long, default_value_t = 0.0)]
    weight_decay: f64,
    /// Gradients are scaled down to this norm; 0 switches clipping off
    #[arg(long, default_value_t = 1.0)]
    max_grad_norm: f64,
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Continue from this PEFT adapter: method, rank, alpha, scaling, dropout, targets and layers come from it
    #[arg(long, value_name = "DIR")]
    init_adapter: Option<PathBuf>,
    /// With --method full: start from random weights; the model folder needs none
    #[arg(long)]
    from_scratch: bool,
    /// Go on from the newest checkpoint in the run folder
    #[arg(long)]
    resume: bool,
    /// What is learned of a row
    #[arg(long, value_enum, default_value = "assistant")]
    loss: LossArg,
    /// What happens to rows longer than --max-seq-len (counted and reported)
    #[arg(long, value_enum, default_value = "truncate")]
    long_rows: LongRowsArg,
    #[arg(long, value_enum, default_value = "shuffle")]
    order: OrderArg,
    /// Fill each forward pass with rows up to micro-batch-size × max-seq-len tokens (best fit), instead of taking
    /// micro-batch-size rows
    #[arg(long, value_enum, default_value = "on")]
    packing: Switch,
    #[command(flatten)]
    evaluation: EvaluationArgs,
    /// Steps between checkpoints; 0 writes none but the best evaluation's
    #[arg(long, default_value_t = 50)]
    checkpoint_steps: u64,
    /// How many of the last checkpoints are kept, beside the best evaluation's
    #[arg(long, default_value_t = 2)]
    keep_checkpoints: usize,
}

#[derive(clap::Args)]
struct EvaluationArgs {
    /// JSONL file of rows that are measured and never learned. The result is then the adapter (or model) of the lowest loss on
    /// them, not the last one
    #[arg(long, value_name = "FILE")]
    eval_data: Option<PathBuf>,
    /// Steps between evaluations; the last step is always evaluated [default: at the end of each epoch]
    #[arg(long, value_name = "N", requires = "eval_data")]
    eval_steps: Option<u64>,
    /// Stop after so many evaluations in a row without improvement [default: never]
    #[arg(long, value_name = "K", requires = "eval_data")]
    patience: Option<u64>,
    /// By how much the evaluation loss must fall to count as an improvement
    #[arg(long, value_name = "D", default_value_t = 0.0, requires = "eval_data")]
    min_delta: f64,
}

impl RunArgs {
    /// Options with everything that `plan` needs; the rest at its defaults.
    pub fn options(&self, model: PathBuf, data: PathBuf, output: PathBuf) -> anyhow::Result<TrainOptions> {
        let config = ModelConfig::open(&model)?;
        let context = config.max_position_embeddings;
        let max_seq_len = self.max_seq_len.unwrap_or(context.min(DEFAULT_CONTEXT));
        if max_seq_len > context {
            bail!("--max-seq-len {max_seq_len} is more than the model's context of {context}");
        }
        let mut options = TrainOptions {
            method: match self.method {
                MethodArg::Lora => Method::Lora,
                MethodArg::Dora => Method::Dora,
                MethodArg::Full => Method::Full,
            },
            rank: self.rank,
            alpha: self.alpha,
            use_rslora: self.rslora,
            target_modules: self.target_modules.clone(),
            layers: self.layers.clone(),
            lora_plus_ratio: self.lora_plus_ratio,
            dropout: self.dropout,
            micro_batch_size: self.micro_batch_size.unwrap_or(DEFAULT_MICRO_BATCH),
            gradient_accumulation_steps: self.gradient_accumulation_steps,
            max_seq_len,
            precision: self.precision.into(),
            base_precision: self.base_precision.map(Into::into),
            memory_bytes: self.memory,
            recompute: match self.recompute {
                RecomputeArg::Auto => RecomputeName::Auto,
                RecomputeArg::None => RecomputeName::None,
                RecomputeArg::Light => RecomputeName::Light,
                RecomputeArg::Full => RecomputeName::Full,
            },
            threads: self.threads,
            ..TrainOptions::new(model, data, output)
        };
        options.check()?;
        if self.memory.is_some() {
            self.lower(&spec_of(&config)?, &mut options)?;
        }
        Ok(options)
    }

    /// Lowers what no flag sets until `--memory` is enough; where nothing does, all stays as it is.
    fn lower(&self, spec: &DecoderSpec, options: &mut TrainOptions) -> anyhow::Result<()> {
        let (device, batches) = (CpuDevice::new(options.threads), micro_batches(None, None, options.packing));
        let fitter = Fitter::of(options, &device, spec, &batches)?;
        let chosen = fitter.solve(Wish {
            micro_batch_size: self.micro_batch_size,
            max_seq_len: self.max_seq_len,
            gradient_accumulation_steps: options.gradient_accumulation_steps,
            default_micro_batch_size: options.micro_batch_size,
            default_max_seq_len: options.max_seq_len,
        });
        options.micro_batch_size = chosen.micro_batch_size;
        options.max_seq_len = chosen.max_seq_len;
        options.gradient_accumulation_steps = chosen.gradient_accumulation_steps;
        Ok(())
    }

    /// What `--memory` made smaller than usual, in words.
    pub fn lowered(&self, options: &TrainOptions) -> Option<String> {
        let rows = self.micro_batch_size.unwrap_or(DEFAULT_MICRO_BATCH);
        let mut parts = Vec::new();
        if options.micro_batch_size != rows {
            parts.push(format!(
                "--micro-batch-size {} with --gradient-accumulation-steps {} instead of {rows} with {}",
                options.micro_batch_size,
                options.gradient_accumulation_steps,
                self.gradient_accumulation_steps
            ));
        }
        if self.max_seq_len.is_none() && self.memory.is_some() && options.max_seq_len < DEFAULT_CONTEXT {
            parts.push(format!("--max-seq-len {}", options.max_seq_len));
        }
        (!parts.is_empty()).then(|| format!("to fit --memory: {}", parts.join(", ")))
    }
}

impl Args {
    pub fn options(&self, context: &Context) -> anyhow::Result<TrainOptions> {
        let model = context.model_dir(&self.run.model)?;
        // Only `plan` goes without them.
        let [data, out] = [&self.data, &self.out].map(|path| path.clone().unwrap_or_default());
        let options = self.run.options(model, data, out)?;
        if self.from_scratch && options.method != Method::Full {
            bail!("--from-scratch needs --method full");
        }
        Ok(TrainOptions {
            start: if self.from_scratch { Start::Scratch } else { Start::Weights },
            init_adapter: self.init_adapter.clone(),
            length: self.max_steps.map_or(RunLength::Epochs(self.epochs), RunLength::Steps),
            learning_rate: self.learning_rate,
            schedule: match self.schedule {
                ScheduleArg::Constant => Schedule::Constant,
                ScheduleArg::Linear => Schedule::Linear,
                ScheduleArg::Cosine => Schedule::Cosine,
            },
            warmup_steps: self.warmup_steps,
            adam_beta2: self.adam_beta2,
            weight_decay: self.weight_decay,
            max_grad_norm: self.max_grad_norm,
            seed: self.seed,
            order: match self.order {
                OrderArg::File => OrderName::File,
                OrderArg::Shuffle => OrderName::Shuffle,
            },
            packing: matches!(self.packing, Switch::On),
            loss: match self.loss {
                LossArg::Assistant => LossName::Assistant,
                LossArg::All => LossName::All,
            },
            long_rows: match self.long_rows {
                LongRowsArg::Truncate => LongRowsName::Truncate,
                LongRowsArg::Split => LongRowsName::Split,
            },
            evaluation: EvaluationOptions {
                data: self.evaluation.eval_data.clone(),
                steps: self.evaluation.eval_steps.unwrap_or(0),
                patience: self.evaluation.patience.unwrap_or(0),
                min_delta: self.evaluation.min_delta,
            },
            checkpoint_steps: self.checkpoint_steps,
            keep_checkpoints: self.keep_checkpoints,
            resume: self.resume,
            ..options
        })
    }
}

pub fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let options = args.options(context)?;
    if let Some(note) = args.run.lowered(&options) {
        eprintln!("{note}");
    }
    let cancel = cancel_flag()?;
    let mut progress = Progress::new(context.json);
    let mut failed_output = None;
    let summary = train(&options, &cancel, &mut |event| {
        progress.show(&event);
        if context.json && failed_output.is_none() {
            failed_output = context.emit(&event).err();
        }
    })?;
    progress.finish();
    if context.json {
        return context.emit(&summary);
    }
    print_summary(&summary);
    Ok(())
}

fn print_summary(summary: &TrainSummary) {
    println!(
        "trained {} steps, mean loss {:.4}, {:.0} tokens/s",
        summary.steps, summary.train_loss, summary.tokens_per_second
    );
    if let (Some(step), Some(loss)) = (summary.best_step, summary.best_eval_loss) {
        println!("lowest evaluation loss {loss:.4}, after step {step}: the result is the state of that step");
    }
    println!("result in {}", summary.output.display());
}

/// A bar on the terminal: loss, tokens a second, time left. Silent where stderr is no terminal.
pub struct Progress {
    bar: Option<ProgressBar>,
    json: bool,
}

impl Progress {
    pub fn new(json: bool) -> Self {
        Self { bar: None, json }
    }

    pub fn show(&mut self, event: &TrainEvent) {
        match event {
            TrainEvent::Started(started) => {
                eprintln!(
                    "{}: {} rows, {} tokens; training {} of {} parameters; recomputation {}, planned memory {:.0} MiB",
                    started.device,
                    started.rows,
                    started.row_tokens,
                    started.trainable_parameters,
                    started.total_parameters,
                    started.recompute.name(),
                    started.plan.total_bytes as f64 / (1 << 20) as f64
                );
                if !self.json {
                    let bar = ProgressBar::new(started.total_steps);
                    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} {eta} left");
                    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
                    bar.set_position(started.resumed_steps);
                    bar.enable_steady_tick(Duration::from_millis(500));
                    self.bar = Some(bar);
                }
            }
            TrainEvent::Warning(notice) => eprintln!("warning: {}", notice.message),
            TrainEvent::Step(StepReport { step, loss, tokens_per_second, .. }) => {
                if let Some(bar) = &self.bar {
                    bar.set_position(*step);
                    bar.set_message(format!("loss {loss:.4}  {tokens_per_second:.0} tokens/s "));
                }
            }
            TrainEvent::Evaluation(EvaluationReport { at_step, evaluation, best, .. }) => self.say(&format!(
                "step {at_step}: evaluation loss {:.4}, perplexity {:.3}, token accuracy {:.1} %{}",
                evaluation.eval_loss,
                evaluation.perplexity,
                100.0 * evaluation.token_accuracy,
                if *best { " (best so far)" } else { "" }
            )),
            TrainEvent::StoppedEarly { message, .. } => self.say(message),
            TrainEvent::Checkpoint { .. } => {}
        }
    }

    /// A line above the bar. With `--json` the event itself is on stdout.
    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None if self.json => {}
            None => eprintln!("{line}"),
        }
    }

    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish();
        }
    }
}
