//! Everything that a run needs before its first step: rows, base model, adapter, and the memory that they leave.

use std::path::Path;
use std::sync::Arc;

use super::TrainError;
use super::data::read_data;
use super::evaluate::check_data;
use super::fingerprint::Digests;
use super::fit::{Fitter, free_memory_bytes, micro_batches};
use super::memory_plan::{MemoryPlan, RUNTIME_BYTES, RunShape, weight_bytes};
use super::options::{Method, Start, TrainOptions};
use crate::adapters::peft::{Adapter, AdapterConfig, TargetModules};
use crate::batching::EncodedData;
use crate::device::{Device, cpu::CpuDevice};
use crate::models::activations::ActivationShape;
use crate::models::{Decoder, DecoderSpec, adapt, load, spec_of};
use crate::platform;
use crate::weights::ModelConfig;
use crate::weights::gguf::is_gguf;

pub struct Prepared {
    pub device: Arc<CpuDevice>,
    /// With its adapter.
    pub decoder: Decoder,
    pub adapter_config: Option<AdapterConfig>,
    pub data: EncodedData,
    /// Rows that are measured and never learned.
    pub held_out: Option<EncodedData>,
    pub digests: Digests,
    /// Of the activations that the plan counts.
    pub shape: ActivationShape,
    pub plan: MemoryPlan,
}

impl Prepared {
    pub fn new(options: &TrainOptions) -> Result<Self, TrainError> {
        let device = Arc::new(CpuDevice::new(options.threads));
        let spec = spec_of(&ModelConfig::open(&options.model)?)?;
        let mut memory = MemoryOfRun::before_loading(options, &*device, &spec)?;
        let read = || -> Result<_, TrainError> { Ok((read_data(options, &spec)?, Digests::of(options)?)) };
        let load = || load_base(options, Arc::clone(&device) as Arc<dyn Device>);
        let ((data, held_out), digests, mut decoder);
        if options.method == Method::Full {
            ((data, held_out), digests) = read()?;
            memory.measure_process(0);
            decoder = load()?;
        } else {
            // Reading rows is mostly the tokenizer's work, loading weights the memory's: they go side by side.
            let (rows, base) = std::thread::scope(|scope| {
                let rows = scope.spawn(read);
                let base = load();
                (rows.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), base)
            });
            ((data, held_out), digests) = rows?;
            decoder = base?;
            memory.measure_process(weight_bytes(&spec, options.base_formats()));
        }
        check_data("data", &data, &spec)?;
        if let Some(held_out) = &held_out {
            check_data("eval_data", held_out, &spec)?;
        }
        let (shape, plan) = memory.plan(&data, held_out.as_ref())?;
        let adapter_config = attach_adapter(options, &mut decoder)?;
        Ok(Self { device, decoder, adapter_config, data, held_out, digests, shape, plan })
    }
}

/// What a run may take of the machine's memory, and what it will.
struct MemoryOfRun<'a> {
    options: &'a TrainOptions,
    device: &'a dyn Device,
    spec: &'a DecoderSpec,
    run: RunShape,
    /// Looked at before the run takes any.
    limit_bytes: Option<u64>,
}

impl<'a> MemoryOfRun<'a> {
    /// Refuses weights that do not fit beside the smallest micro-batch, before they are loaded.
    fn before_loading(
        options: &'a TrainOptions,
        device: &'a dyn Device,
        spec: &'a DecoderSpec,
    ) -> Result<Self, TrainError> {
        let limit_bytes = options.memory_bytes.or_else(free_memory_bytes);
        let memory = Self { options, device, spec, run: RunShape::of(options, spec)?, limit_bytes };
        memory.fitting(&|_, _| (1, 1))?;
        Ok(memory)
    }

    /// Looks at what the program itself takes once the rows are read, where `planned_bytes` of the plan are there already.
    fn measure_process(&mut self, planned_bytes: u64) {
        // The tokenizer is gone; what it took shall not be counted.
        platform::release_free_memory();
        if let Some(resident) = platform::resident_memory_bytes() {
            self.run.process_bytes = resident.saturating_sub(planned_bytes) + RUNTIME_BYTES;
        }
    }

    /// The buffers of the run with these rows.
    fn plan(
        &self,
        data: &EncodedData,
        held_out: Option<&EncodedData>,
    ) -> Result<(ActivationShape, MemoryPlan), TrainError> {
        self.fitting(&micro_batches(Some(data), held_out, self.options.packing))
    }

    fn fitting(
        &self,
        batch: &dyn Fn(usize, usize) -> (usize, usize),
    ) -> Result<(ActivationShape, MemoryPlan), TrainError> {
        let &Self { options, device, spec, run, limit_bytes } = self;
        let fitter = Fitter { device, spec, run, recompute: options.recompute, limit_bytes, batch };
        let (rows, context) = (options.micro_batch_size, options.max_seq_len);
        let recompute = fitter.recompute(rows, context);
        let plan = fitter.plan(rows, context, recompute);
        if let Some(limit_bytes) = limit_bytes.filter(|limit| plan.total_bytes > *limit) {
            let advice = fitter.advice(rows, context);
            return Err(TrainError::DoesNotFit { required_bytes: plan.total_bytes, limit_bytes, advice });
        }
        let (tokens, longest) = batch(rows, context);
        Ok((run.with(tokens, longest, recompute).activations, plan))
    }
}

fn load_base(options: &TrainOptions, device: Arc<dyn Device>) -> Result<Decoder, TrainError> {
    let precision = options.precision.into();
    Ok(match (options.method, options.start) {
        (Method::Full, Start::Scratch) => {
            load::from_scratch(&options.model, device, precision, options.seed)?
        }
        (Method::Full, Start::Weights) => load::load(&options.model, device, precision, load::Base::Trained)?,
        (Method::Lora | Method::Dora, _) => {
            let base = load::Base::FrozenAs(options.base_formats());
            load::load(&options.model, device, precision, base)?
        }
    })
}

/// What an adapter says it was trained on: the name of the folder, or for a GGUF file the Hugging Face model that it says
/// it was made from, where PEFT finds the weights that fit.
fn base_name(model: &Path) -> Result<String, TrainError> {
    let name = model.file_name().unwrap_or(model.as_os_str()).to_string_lossy().into_owned();
    if !is_gguf(model) {
        return Ok(name);
    }
    let made_from = ModelConfig::open(model)?.raw["_name_or_path"].as_str().map(str::to_owned);
    Ok(made_from.unwrap_or(name))
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
    config.base_model_name_or_path = Some(base_name(&options.model)?);
    config.use_dora = options.method == Method::Dora;
    config.use_rslora = options.use_rslora;
    config.lora_dropout = options.dropout;
    config.layers_to_transform = adapt::target_layers(&options.layers, decoder.spec.layers.len())?;
    adapt::new_adapter(decoder, &config, &modules, options.seed);
    decoder.set_lora_plus_ratio(options.lora_plus_ratio as f32);
    Ok(Some(config))
}
