//! The training loop.
//!
//! The loss of a step is the sum over its supervised tokens divided by their count over the whole
//! effective batch, so that 4×1 and 1×4 micro-batches give the same gradient.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::TrainError;
use super::checkpoint::{self, State};
use super::evaluate::{check_data, largest_micro_batch};
use super::memory_plan::{self, MemoryPlan};
use super::options::{Method, OrderName, RunLength, Start, TrainOptions};
use super::output::{self, RunLock};
use crate::adapters::peft::{Adapter, AdapterConfig, TargetModules};
use crate::batching::{
    EncodeOptions, EncodedData, LongRows, LossMask, MicroBatch, Order, Packing, Sampler, encode_file,
};
use crate::device::{AdamWStep, Device, LossSum, cpu::CpuDevice};
use crate::models::activations::Activations;
use crate::models::{Decoder, Dropout, adapt, load};
use crate::platform::peak_memory_bytes;
use crate::random;
use crate::tokenizer::{ChatTemplate, Tokenizer};

/// What a run tells while it goes.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum TrainEvent {
    Started(Box<Started>),
    Warning { event: &'static str, kind: String, message: String },
    Step(StepReport),
    Checkpoint { event: &'static str, at_step: u64, path: PathBuf },
}

/// Once, before the first step.
#[derive(Clone, Debug, Serialize)]
pub struct Started {
    pub event: &'static str,
    pub total_steps: u64,
    /// Steps already done by the run that this one goes on with.
    pub resumed_steps: u64,
    pub rows: usize,
    pub row_tokens: usize,
    pub trainable_parameters: usize,
    pub total_parameters: usize,
    pub device: String,
    pub plan: MemoryPlan,
}

/// One optimizer step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepReport {
    /// From 1.
    pub step: u64,
    pub total_steps: u64,
    /// Mean over the supervised tokens of the effective batch.
    pub loss: f64,
    /// L2 norm before clipping.
    pub grad_norm: f64,
    pub learning_rate: f64,
    pub supervised_tokens: usize,
    pub tokens: usize,
    pub tokens_per_second: f64,
    pub epoch: f64,
    /// Since the first step, over resumptions.
    pub seconds: f64,
}

#[derive(Clone, Debug, Serialize)]
pub struct TrainSummary {
    pub output: PathBuf,
    pub method: Method,
    pub steps: u64,
    /// Mean of the steps' losses.
    pub train_loss: f64,
    pub tokens: u64,
    pub supervised_tokens: u64,
    pub seconds: f64,
    pub tokens_per_second: f64,
    pub trainable_parameters: usize,
    pub peak_memory_bytes: Option<u64>,
    /// SHA-256 of the data file.
    pub data_sha256: String,
}

/// Trains, and leaves the result in `options.output`: a PEFT adapter, or a Hugging Face folder for a full run.
///
/// `cancel` is looked at before each micro-batch; a checkpoint is written before the run stops for it.
pub fn train(
    options: &TrainOptions,
    cancel: &AtomicBool,
    on_event: &mut dyn FnMut(TrainEvent),
) -> Result<TrainSummary, TrainError> {
    options.check()?;
    let lock = RunLock::take(&options.output)?;
    if !options.resume && !checkpoint::list(&options.output).is_empty() {
        return Err(TrainError::Occupied { path: options.output.clone() });
    }
    let mut run = Run::prepare(options)?;
    let mut state = run.restore()?;
    run.announce(&state, on_event);
    while state.step < run.total_steps {
        if cancel.load(Ordering::Relaxed) {
            run.checkpoint(&state, on_event)?;
            return Err(TrainError::Cancelled { step: state.step });
        }
        let report = run.step(&mut state)?;
        on_event(TrainEvent::Step(report));
        let every = options.checkpoint_steps;
        if every > 0 && state.step % every == 0 && state.step < run.total_steps {
            run.checkpoint(&state, on_event)?;
        }
    }
    run.finish(&state)?;
    drop(lock);
    Ok(run.summary(&state))
}

struct Run<'a> {
    options: &'a TrainOptions,
    device: Arc<CpuDevice>,
    decoder: Decoder,
    adapter_config: Option<AdapterConfig>,
    data: EncodedData,
    data_sha256: String,
    sampler: Sampler,
    activations: Activations,
    plan: MemoryPlan,
    total_steps: u64,
}

impl<'a> Run<'a> {
    fn prepare(options: &'a TrainOptions) -> Result<Self, TrainError> {
        let device = Arc::new(CpuDevice::new(options.threads));
        let (data, data_sha256) = read_data(options)?;
        let mut decoder = load_base(options, Arc::clone(&device) as Arc<dyn Device>)?;
        check_data(&data, &decoder.spec)?;
        let adapter_config = attach_adapter(options, &mut decoder)?;
        let probability = adapter_config.as_ref().map_or(0.0, |config| config.lora_dropout) as f32;
        decoder.dropout = (probability > 0.0).then_some(Dropout { probability, key: 0, first_token: 0 });
        let order = match options.order {
            OrderName::File => Order::File,
            OrderName::Shuffle => Order::Shuffle,
        };
        let packing = if options.packing { Packing::On } else { Packing::Off };
        let (size, length) = (options.micro_batch_size, options.max_seq_len);
        let sampler = Sampler::new(data.row_lengths(), order, packing, size, length, options.seed);
        let tokens = largest_micro_batch(&data, options.packing, size, length);
        let shape = decoder.activation_shape(tokens, options.recompute.into(), true);
        let plan = memory_plan::plan(&decoder, shape);
        let activations =
            Activations::new(&decoder.spec, shape, &mut |element, len| device.allocate(element, len));
        let total_steps = total_steps(options, &sampler);
        Ok(Self {
            options,
            device,
            decoder,
            adapter_config,
            data,
            data_sha256,
            sampler,
            activations,
            plan,
            total_steps,
        })
    }

    /// Where to begin: the newest checkpoint, or step 0.
    fn restore(&mut self) -> Result<State, TrainError> {
        let expected = fingerprint(self.options, &self.data_sha256, self.total_steps);
        let found = if self.options.resume {
            checkpoint::resume(&self.options.output, &mut self.decoder)?
        } else {
            None
        };
        let Some(state) = found else { return Ok(State::start(self.sampler.cursor(), expected)) };
        if let Some(difference) = first_difference(&state.fingerprint, &expected) {
            let path = self.options.output.join("checkpoints");
            return Err(TrainError::Checkpoint { path, reason: difference });
        }
        self.sampler.seek(state.cursor);
        Ok(state)
    }

    fn announce(&self, state: &State, on_event: &mut dyn FnMut(TrainEvent)) {
        on_event(TrainEvent::Started(Box::new(Started {
            event: "started",
            total_steps: self.total_steps,
            resumed_steps: state.step,
            rows: self.data.len(),
            row_tokens: self.data.tokens(),
            trainable_parameters: self.trainable_parameters(),
            total_parameters: self.decoder.spec.parameters(),
            device: self.device.description(),
            plan: self.plan,
        })));
        for warning in &self.data.warnings {
            let kind = format!("{:?}", warning.kind);
            on_event(TrainEvent::Warning { event: "warning", kind, message: warning.message.clone() });
        }
    }

    fn trainable_parameters(&self) -> usize {
        self.decoder.trained().map(|parameter| parameter.shape.iter().product::<usize>()).sum()
    }

    /// One optimizer step: the gradients of all its micro-batches, clipping, AdamW.
    fn step(&mut self, state: &mut State) -> Result<StepReport, TrainError> {
        let started = Instant::now();
        let micro_batches: Vec<MicroBatch> = (0..self.options.gradient_accumulation_steps)
            .map(|_| self.data.micro_batch(&self.sampler.next_micro_batch()))
            .collect();
        let supervised: usize = micro_batches.iter().map(MicroBatch::supervised_tokens).sum();
        let scale = 1.0 / supervised.max(1) as f32;
        let mut loss = LossSum::default();
        let mut first_token = 0;
        for micro_batch in &micro_batches {
            let batch = self.device.upload_batch(micro_batch);
            if let Some(dropout) = &mut self.decoder.dropout {
                dropout.key = random::key(&[self.options.seed, state.step]);
                dropout.first_token = first_token;
            }
            first_token += micro_batch.tokens() as u64;
            loss += self.decoder.forward_backward(&batch, &mut self.activations, scale);
        }
        let step = state.step + 1;
        let mean = loss.sum / loss.tokens.max(1) as f64;
        let grad_norm = self.decoder.gradient_norm();
        if !mean.is_finite() || !grad_norm.is_finite() {
            return Err(TrainError::Diverged { step, loss: mean });
        }
        let learning_rate = self.update(step, grad_norm);
        let tokens: usize = micro_batches.iter().map(MicroBatch::tokens).sum();
        let seconds = started.elapsed().as_secs_f64();
        state.step = step;
        state.cursor = self.sampler.cursor();
        state.tokens += tokens as u64;
        state.supervised_tokens += loss.tokens as u64;
        state.loss_sum += mean;
        state.seconds += seconds;
        Ok(StepReport {
            step,
            total_steps: self.total_steps,
            loss: mean,
            grad_norm,
            learning_rate,
            supervised_tokens: loss.tokens,
            tokens,
            tokens_per_second: tokens as f64 / seconds,
            epoch: state.tokens as f64 / self.data.tokens().max(1) as f64,
            seconds: state.seconds,
        })
    }

    fn update(&mut self, step: u64, grad_norm: f64) -> f64 {
        let options = self.options;
        let learning_rate = options.schedule.learning_rate(
            options.learning_rate,
            step,
            options.warmup_steps,
            self.total_steps,
        );
        // As PyTorch's clip_grad_norm_: the small constant keeps a zero gradient from dividing by zero.
        let clip = if options.max_grad_norm > 0.0 {
            (options.max_grad_norm / (grad_norm + 1e-6)).min(1.0)
        } else {
            1.0
        };
        self.decoder.update(&AdamWStep {
            learning_rate: learning_rate as f32,
            beta1: 0.9,
            beta2: options.adam_beta2 as f32,
            epsilon: 1e-8,
            weight_decay: options.weight_decay as f32,
            step,
            gradient_scale: clip as f32,
        });
        learning_rate
    }

    fn checkpoint(&self, state: &State, on_event: &mut dyn FnMut(TrainEvent)) -> Result<(), TrainError> {
        let path =
            checkpoint::save(&self.options.output, &self.decoder, state, self.options.keep_checkpoints)?;
        on_event(TrainEvent::Checkpoint { event: "checkpoint", at_step: state.step, path });
        Ok(())
    }

    fn finish(&self, state: &State) -> Result<(), TrainError> {
        if self.options.checkpoint_steps > 0 {
            checkpoint::save(&self.options.output, &self.decoder, state, self.options.keep_checkpoints)?;
        }
        match &self.adapter_config {
            Some(config) => output::write_adapter(&self.options.output, &self.decoder, config)?,
            None => output::write_model(&self.options.model, &self.options.output, &self.decoder)?,
        }
        output::write_config(self.options, &self.data_sha256)
    }

    fn summary(&self, state: &State) -> TrainSummary {
        TrainSummary {
            output: self.options.output.clone(),
            method: match &self.adapter_config {
                None => Method::Full,
                Some(config) if config.use_dora => Method::Dora,
                Some(_) => Method::Lora,
            },
            steps: state.step,
            train_loss: state.loss_sum / state.step.max(1) as f64,
            tokens: state.tokens,
            supervised_tokens: state.supervised_tokens,
            seconds: state.seconds,
            tokens_per_second: state.tokens as f64 / state.seconds.max(1e-9),
            trainable_parameters: self.trainable_parameters(),
            peak_memory_bytes: peak_memory_bytes(),
            data_sha256: self.data_sha256.clone(),
        }
    }
}

fn read_data(options: &TrainOptions) -> Result<(EncodedData, String), TrainError> {
    let tokenizer = Tokenizer::open(&options.model)?;
    let template = ChatTemplate::from_model_dir(&options.model)?;
    let encode = EncodeOptions {
        max_seq_len: options.max_seq_len,
        mask: LossMask::default(),
        on_long: LongRows::Truncate,
    };
    let data = encode_file(&options.data, &tokenizer, template.as_ref(), &encode)?;
    Ok((data, file_sha256(&options.data)?))
}

fn file_sha256(path: &std::path::Path) -> Result<String, TrainError> {
    let io = |source| TrainError::Io { path: path.to_path_buf(), source };
    let mut hasher = Sha256::new();
    std::io::copy(&mut std::fs::File::open(path).map_err(io)?, &mut hasher).map_err(io)?;
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn load_base(options: &TrainOptions, device: Arc<dyn Device>) -> Result<Decoder, TrainError> {
    let precision = options.precision.into();
    Ok(match (options.method, options.start) {
        (Method::Full, Start::Scratch) => {
            load::from_scratch(&options.model, device, precision, options.seed)?
        }
        (Method::Full, Start::Weights) => load::load(&options.model, device, precision, load::Base::Trained)?,
        (Method::Lora | Method::Dora, _) => {
            load::load(&options.model, device, precision, load::Base::Frozen)?
        }
    })
}

fn attach_adapter(
    options: &TrainOptions,
    decoder: &mut Decoder,
) -> Result<Option<AdapterConfig>, TrainError> {
    if options.method == Method::Full {
        return Ok(None);
    }
    if let Some(dir) = &options.init_adapter {
        let adapter = Adapter::read(dir)?;
        adapt::attach_adapter(decoder, &adapter, true)?;
        decoder.set_lora_plus_ratio(options.lora_plus_ratio as f32);
        return Ok(Some(adapter.config));
    }
    let modules = adapt::target_modules(&options.target_modules, decoder.spec.modules())?;
    let names = modules.iter().map(|module| module.name().to_owned()).collect();
    let mut config = AdapterConfig::new(options.rank, options.alpha, TargetModules::Names(names));
    config.base_model_name_or_path =
        options.model.file_name().map(|name| name.to_string_lossy().into_owned());
    config.use_dora = options.method == Method::Dora;
    config.use_rslora = options.use_rslora;
    config.lora_dropout = options.dropout;
    config.layers_to_transform = adapt::target_layers(&options.layers, decoder.spec.layers.len())?;
    adapt::new_adapter(decoder, &config, &modules, options.seed);
    decoder.set_lora_plus_ratio(options.lora_plus_ratio as f32);
    Ok(Some(config))
}

fn total_steps(options: &TrainOptions, sampler: &Sampler) -> u64 {
    match options.length {
        RunLength::Steps(steps) => steps,
        RunLength::Epochs(epochs) => {
            let micro_batches = epochs * sampler.micro_batches_per_epoch() as f64;
            (micro_batches / options.gradient_accumulation_steps as f64).ceil().max(1.0) as u64
        }
    }
}

/// What decides the losses: a resumed run must agree in all of it.
pub fn fingerprint(options: &TrainOptions, data_sha256: &str, total_steps: u64) -> serde_json::Value {
    json!({
        "data_sha256": data_sha256,
        "method": options.method,
        "rank": options.rank,
        "alpha": options.alpha,
        "use_rslora": options.use_rslora,
        "layers": options.layers,
        "lora_plus_ratio": options.lora_plus_ratio,
        "dropout": options.dropout,
        "target_modules": options.target_modules,
        "total_steps": total_steps,
        "learning_rate": options.learning_rate,
        "schedule": options.schedule,
        "warmup_steps": options.warmup_steps,
        "adam_beta2": options.adam_beta2,
        "weight_decay": options.weight_decay,
        "max_grad_norm": options.max_grad_norm,
        "micro_batch_size": options.micro_batch_size,
        "gradient_accumulation_steps": options.gradient_accumulation_steps,
        "max_seq_len": options.max_seq_len,
        "precision": options.precision,
        "seed": options.seed,
        "order": options.order,
        "packing": options.packing,
    })
}

/// A setting that is not in the checkpoint is younger than it, so that it was made with the default.
fn first_difference(saved: &serde_json::Value, asked: &serde_json::Value) -> Option<String> {
    let defaults = fingerprint(&TrainOptions::new("".into(), "".into(), "".into()), "", 0);
    asked.as_object()?.iter().find_map(|(key, asked)| {
        let saved = saved.get(key).unwrap_or(&defaults[key]);
        (saved != asked).then(|| {
            format!("it was written with {key} = {saved}, this run asks for {asked}; use the same settings")
        })
    })
}
