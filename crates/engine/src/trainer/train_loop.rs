//! The training loop.
//!
//! The loss of a step is the sum over its supervised tokens divided by their count over the whole
//! effective batch, so that 4×1 and 1×4 micro-batches give the same gradient.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde_json::Value;

use super::TrainError;
use super::checkpoint::{self, State};
use super::data::warnings;
use super::early_stopping::Mark;
use super::evaluate::measure;
use super::events::{EvaluationReport, Notice, Started, StepReport, TrainEvent, TrainSummary};
use super::fingerprint::{accept_lower_learning_rate, fingerprint, first_difference};
use super::guards::{Diverged, Divergence};
use super::memory_plan::MemoryPlan;
use super::options::{Method, OrderName, RunLength, TrainOptions};
use super::output::{self, RunLock};
use super::prepare::Prepared;
use crate::adapters::peft::AdapterConfig;
use crate::batching::{EncodedData, MicroBatch, Order, Packing, Sampler};
use crate::device::{AdamWStep, Device, LossSum, cpu::CpuDevice};
use crate::models::activations::Activations;
use crate::models::{Adapters, Decoder, Dropout};
use crate::{platform, random};

/// Trains, and leaves the result in `options.output`: a PEFT adapter, or a Hugging Face folder for a full run. With
/// evaluation data the result is that of the lowest evaluation loss, otherwise that of the last step.
///
/// `cancel` is looked at before each micro-batch; a checkpoint is written before the run stops for it.
pub fn train(
    options: &TrainOptions,
    cancel: &AtomicBool,
    on_event: &mut dyn FnMut(TrainEvent),
) -> Result<TrainSummary, TrainError> {
    let called = Instant::now();
    options.check()?;
    let lock = RunLock::take(&options.output)?;
    if !options.resume && !checkpoint::list(&options.output).is_empty() {
        return Err(TrainError::Occupied { path: options.output.clone() });
    }
    let mut run = Run::prepare(options)?;
    let mut state = run.restore()?;
    run.announce(&state, called.elapsed().as_secs_f64(), on_event);
    run.go_on(&mut state, cancel, on_event)?;
    // The result is put together in memory: let it have the room that the steps had.
    run.activations.release();
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
    /// Rows that are measured and never learned.
    held_out: Option<EncodedData>,
    sampler: Sampler,
    activations: Activations,
    plan: MemoryPlan,
    total_steps: u64,
    /// See [`super::fingerprint`].
    fingerprint: Value,
    /// Kind and text of what should be seen before the first step.
    warnings: Vec<Notice>,
}

/// A step's gradient, and what it was measured on.
struct Gradient {
    /// Mean over the supervised tokens of the effective batch.
    loss: f64,
    /// L2 norm before clipping.
    norm: f64,
    tokens: usize,
    supervised_tokens: usize,
    seconds: f64,
}

impl<'a> Run<'a> {
    fn prepare(options: &'a TrainOptions) -> Result<Self, TrainError> {
        let Prepared { device, mut decoder, adapter_config, data, held_out, digests, shape, plan } =
            Prepared::new(options)?;
        let probability = adapter_config.as_ref().map_or(0.0, |config| config.lora_dropout) as f32;
        decoder.dropout = (probability > 0.0).then_some(Dropout { probability, key: 0, first_token: 0 });
        let order = match options.order {
            OrderName::File => Order::File,
            OrderName::Shuffle => Order::Shuffle,
        };
        let packing = if options.packing { Packing::On } else { Packing::Off };
        let (size, length) = (options.micro_batch_size, options.max_seq_len);
        let sampler = Sampler::new(data.row_lengths(), order, packing, size, length, options.seed);
        let activations =
            Activations::new(&decoder.spec, shape, &mut |element, len| device.allocate(element, len));
        let total_steps = total_steps(options, &sampler);
        Ok(Self {
            fingerprint: fingerprint(options, &digests, total_steps),
            data_sha256: digests.data,
            warnings: warnings(options, &data, held_out.as_ref()),
            options,
            device,
            decoder,
            adapter_config,
            data,
            held_out,
            sampler,
            activations,
            plan,
            total_steps,
        })
    }

    /// Where to begin: the newest checkpoint, or step 0.
    fn restore(&mut self) -> Result<State, TrainError> {
        let expected = self.fingerprint.clone();
        let found = if self.options.resume {
            checkpoint::resume(&self.options.output, &mut self.decoder)?
        } else {
            None
        };
        let Some(mut state) = found else { return Ok(State::start(self.sampler.cursor(), expected)) };
        if let Some(warning) = accept_lower_learning_rate(&mut state.fingerprint, &expected) {
            self.warnings.push(warning);
        }
        if let Some(difference) = first_difference(&state.fingerprint, &expected) {
            let path = self.options.output.join("checkpoints");
            return Err(TrainError::Checkpoint { path, reason: difference });
        }
        self.sampler.seek(state.cursor);
        Ok(State { fingerprint: expected, ..state })
    }

    fn announce(&self, state: &State, setup_seconds: f64, on_event: &mut dyn FnMut(TrainEvent)) {
        on_event(TrainEvent::Started(Box::new(Started {
            event: "started",
            total_steps: self.total_steps,
            resumed_steps: state.step,
            rows: self.data.len(),
            row_tokens: self.data.tokens(),
            truncated_rows: self.data.truncated,
            split_rows: self.data.split,
            dropped_rows: self.data.dropped,
            eval_rows: self.held_out.as_ref().map_or(0, EncodedData::len),
            trainable_parameters: self.trainable_parameters(),
            total_parameters: self.decoder.spec.parameters(),
            device: self.device.description(),
            micro_batch_size: self.options.micro_batch_size,
            gradient_accumulation_steps: self.options.gradient_accumulation_steps,
            max_seq_len: self.options.max_seq_len,
            recompute: self.activations.recompute,
            plan: self.plan,
            setup_seconds,
        })));
        for notice in self.warnings.iter().cloned() {
            on_event(TrainEvent::Warning(notice));
        }
    }

    fn trainable_parameters(&self) -> usize {
        self.decoder.trained().map(|parameter| parameter.shape.iter().product::<usize>()).sum()
    }

    /// Steps and evaluations, until the last one or until nothing improves any more.
    fn go_on(
        &mut self,
        state: &mut State,
        cancel: &AtomicBool,
        on_event: &mut dyn FnMut(TrainEvent),
    ) -> Result<(), TrainError> {
        let vocab_size = self.decoder.spec.vocab_size;
        loop {
            if self.evaluation_is_due(state) && !self.evaluate(state, cancel, on_event)? {
                return self.cancelled(state, on_event);
            }
            if state.step >= self.total_steps {
                return Ok(());
            }
            if state.evaluations.is_exhausted(&self.options.evaluation) {
                on_event(stopped_early(state));
                return Ok(());
            }
            let Some(gradient) = self.gradient(state.step + 1, cancel)? else {
                return self.cancelled(state, on_event);
            };
            let guard = state.guard.after(gradient.loss, vocab_size);
            // Only now has a loss shown that the weights of the last step are worth keeping.
            if self.checkpoint_is_due(state.step) && guard.is_calm(vocab_size) {
                self.checkpoint(state, on_event)?;
            }
            if let Some(divergence) = guard.divergence() {
                return Err(self.diverged(state.step + 1, divergence));
            }
            state.guard = guard;
            on_event(TrainEvent::Step(self.step(&gradient, state)));
        }
    }

    fn evaluation_is_due(&self, state: &State) -> bool {
        let (options, epoch) = (&self.options.evaluation, state.cursor.epoch);
        self.held_out.is_some() && state.evaluations.is_due(options, state.step, epoch, self.total_steps)
    }

    /// Measures the held-out rows and keeps the best weights. `false` when cancelled.
    fn evaluate(
        &mut self,
        state: &mut State,
        cancel: &AtomicBool,
        on_event: &mut dyn FnMut(TrainEvent),
    ) -> Result<bool, TrainError> {
        let Some(data) = &self.held_out else { return Ok(true) };
        let Some(evaluation) =
            measure(&self.decoder, data, &mut self.activations, Adapters::On, cancel, &mut |_| {})
        else {
            return Ok(false);
        };
        let mark = Mark { step: state.step, eval_loss: evaluation.eval_loss };
        if !mark.eval_loss.is_finite() {
            return Err(self.diverged(state.step, Divergence::EvaluationLoss(mark.eval_loss)));
        }
        let best = state.evaluations.record(mark, state.cursor.epoch, self.options.evaluation.min_delta);
        let at_step = state.step;
        on_event(TrainEvent::Evaluation(EvaluationReport { event: "evaluation", at_step, evaluation, best }));
        if best {
            self.checkpoint(state, on_event)?;
        }
        Ok(true)
    }

    /// Forward and backward of all micro-batches of a step, in this order from the sampler. `None` when cancelled.
    fn gradient(&mut self, step: u64, cancel: &AtomicBool) -> Result<Option<Gradient>, TrainError> {
        let started = Instant::now();
        let micro_batches: Vec<MicroBatch> = (0..self.options.gradient_accumulation_steps)
            .map(|_| self.data.micro_batch(&self.sampler.next_micro_batch()))
            .collect();
        let supervised: usize = micro_batches.iter().map(MicroBatch::supervised_tokens).sum();
        let scale = 1.0 / supervised.max(1) as f32;
        let mut sum = LossSum::default();
        let mut first_token = 0;
        for micro_batch in &micro_batches {
            if cancel.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let batch = self.device.upload_batch(micro_batch);
            if let Some(dropout) = &mut self.decoder.dropout {
                dropout.key = random::key(&[self.options.seed, step - 1]);
                dropout.first_token = first_token;
            }
            first_token += micro_batch.tokens() as u64;
            sum += self.decoder.forward_backward(&batch, &mut self.activations, scale);
        }
        let loss = sum.sum / sum.tokens.max(1) as f64;
        let norm = self.decoder.gradient_norm();
        if !loss.is_finite() {
            return Err(self.diverged(step, Divergence::Loss(loss)));
        }
        if !norm.is_finite() {
            return Err(self.diverged(step, Divergence::GradientNorm(norm)));
        }
        Ok(Some(Gradient {
            loss,
            norm,
            tokens: micro_batches.iter().map(MicroBatch::tokens).sum(),
            supervised_tokens: sum.tokens,
            seconds: started.elapsed().as_secs_f64(),
        }))
    }

    /// The optimizer step that this gradient asks for.
    fn step(&mut self, gradient: &Gradient, state: &mut State) -> StepReport {
        let started = Instant::now();
        let step = state.step + 1;
        let learning_rate = self.update(step, gradient.norm);
        let seconds = gradient.seconds + started.elapsed().as_secs_f64();
        state.step = step;
        state.cursor = self.sampler.cursor();
        state.tokens += gradient.tokens as u64;
        state.supervised_tokens += gradient.supervised_tokens as u64;
        state.loss_sum += gradient.loss;
        state.seconds += seconds;
        StepReport {
            step,
            total_steps: self.total_steps,
            loss: gradient.loss,
            grad_norm: gradient.norm,
            learning_rate,
            supervised_tokens: gradient.supervised_tokens,
            tokens: gradient.tokens,
            tokens_per_second: gradient.tokens as f64 / seconds,
            epoch: state.tokens as f64 / self.data.tokens().max(1) as f64,
            seconds: state.seconds,
            memory_bytes: platform::resident_memory_bytes(),
            peak_memory_bytes: platform::peak_memory_bytes(),
        }
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

    fn checkpoint_is_due(&self, step: u64) -> bool {
        let every = self.options.checkpoint_steps;
        every > 0 && step > 0 && step.is_multiple_of(every)
    }

    fn checkpoint(&self, state: &State, on_event: &mut dyn FnMut(TrainEvent)) -> Result<(), TrainError> {
        let options = self.options;
        let again = checkpoint::exists(&options.output, state.step);
        let path = checkpoint::save(&options.output, &self.decoder, state)?;
        if !again {
            on_event(TrainEvent::Checkpoint { event: "checkpoint", at_step: state.step, path });
        }
        let best = state.evaluations.best.map(|best| best.step);
        checkpoint::prune(&options.output, options.keep_checkpoints, best)
    }

    fn cancelled(&self, state: &State, on_event: &mut dyn FnMut(TrainEvent)) -> Result<(), TrainError> {
        self.checkpoint(state, on_event)?;
        Err(TrainError::Cancelled { step: state.step })
    }

    fn diverged(&self, step: u64, divergence: Divergence) -> TrainError {
        TrainError::Diverged(Box::new(Diverged {
            step,
            divergence,
            learning_rate: self.options.learning_rate,
            checkpoint: checkpoint::list(&self.options.output).pop(),
        }))
    }

    fn finish(&mut self, state: &State) -> Result<(), TrainError> {
        let (options, best) = (self.options, state.evaluations.best);
        if options.checkpoint_steps > 0 {
            self.checkpoint(state, &mut |_| {})?;
        }
        if let Some(best) = best.filter(|best| best.step != state.step) {
            checkpoint::load_tensors(&checkpoint::path_of(&options.output, best.step), &mut self.decoder)?;
        }
        match &self.adapter_config {
            Some(config) => output::write_adapter(&options.output, &self.decoder, config)?,
            None => output::write_model(&options.model, &options.output, &self.decoder)?,
        }
        output::write_config(options, &self.data_sha256, best)
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
            peak_memory_bytes: platform::peak_memory_bytes(),
            data_sha256: self.data_sha256.clone(),
            stopped_early: state.step < self.total_steps,
            best_step: state.evaluations.best.map(|best| best.step),
            best_eval_loss: state.evaluations.best.map(|best| best.eval_loss),
        }
    }
}

fn stopped_early(state: &State) -> TrainEvent {
    let (count, at_step) = (state.evaluations.without_improvement, state.step);
    let best_step = state.evaluations.best.map_or(0, |best| best.step);
    let message = format!(
        "stopped after step {at_step}: {count} evaluations without improvement; the result is that of step {best_step}"
    );
    TrainEvent::StoppedEarly { event: "stopped_early", at_step, best_step, message }
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
