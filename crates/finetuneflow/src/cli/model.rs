//! Flags of the commands that load a model, and the loading.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use engine::adapters::peft::Adapter;
use engine::device::cpu::CpuDevice;
use engine::device::{Device, Precision};
use engine::models::{Decoder, adapt, load};
use engine::tokenizer::{ChatTemplate, Tokenizer, encode_prompt};
use engine::trainer::options::{BasePrecisionName, PrecisionName, base_formats};
use serde_json::Value;

#[derive(Clone, Copy, ValueEnum)]
pub enum PrecisionArg {
    F32,
    Bf16,
    F16,
}

impl From<PrecisionArg> for PrecisionName {
    fn from(precision: PrecisionArg) -> Self {
        match precision {
            PrecisionArg::F32 => Self::F32,
            PrecisionArg::Bf16 => Self::Bf16,
            PrecisionArg::F16 => Self::F16,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub enum BasePrecisionArg {
    F32,
    Bf16,
    Nf4,
    Q8,
}

impl From<BasePrecisionArg> for BasePrecisionName {
    fn from(precision: BasePrecisionArg) -> Self {
        match precision {
            BasePrecisionArg::F32 => Self::F32,
            BasePrecisionArg::Bf16 => Self::Bf16,
            BasePrecisionArg::Nf4 => Self::Nf4,
            BasePrecisionArg::Q8 => Self::Q8,
        }
    }
}

#[derive(Args, Clone)]
pub struct ModelArgs {
    /// Hugging Face model folder (config.json, tokenizer.json, safetensors), GGUF file, `base` for the bundled model, or the
    /// org/name of a downloaded one
    #[arg(long, value_name = "DIR|FILE.gguf")]
    pub model: PathBuf,
    /// PEFT adapter folder to put onto the model
    #[arg(long, value_name = "DIR")]
    pub adapter: Option<PathBuf>,
    /// What weights and products are made of (f16: weights in f16, products in f32)
    #[arg(long, value_enum, default_value = "f32")]
    pub precision: PrecisionArg,
    /// How weights are kept: nf4 and q8 quantize the linear layers [default: as --precision]
    #[arg(long, value_enum)]
    pub base_precision: Option<BasePrecisionArg>,
    /// Threads; 0 takes the machine's cores
    #[arg(long, default_value_t = 0)]
    pub threads: usize,
}

/// A model ready to run.
pub struct Loaded {
    pub decoder: Decoder,
    pub tokenizer: Tokenizer,
    pub template: Option<ChatTemplate>,
    /// Where the model was read from.
    pub dir: PathBuf,
}

impl Loaded {
    /// Reads weights, tokenizer and chat template.
    ///
    /// # Errors
    /// Files that cannot be read, or do not belong together.
    pub fn read(
        dir: &Path,
        device: Arc<dyn Device>,
        precision: Precision,
        base: load::Base,
    ) -> anyhow::Result<Self> {
        let (tokenizer, decoder) = std::thread::scope(|scope| {
            let tokenizer = scope.spawn(|| Tokenizer::open(dir));
            let decoder = load::load(dir, device, precision, base);
            (tokenizer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), decoder)
        });
        let (tokenizer, decoder) = (tokenizer?, decoder?);
        decoder.spec.check_vocabulary(tokenizer.base_vocab_size())?;
        let template = ChatTemplate::from_model_dir(dir)?;
        Ok(Self { decoder, tokenizer, template, dir: dir.to_owned() })
    }

    /// A conversation through the model's chat template, ready for the assistant's turn.
    pub fn chat_prompt(&self, messages: &[Value]) -> anyhow::Result<Vec<u32>> {
        let Some(template) = &self.template else {
            bail!("{} has no chat template; use --raw to continue plain text", self.dir.display());
        };
        Ok(encode_prompt(&self.tokenizer, template, messages, None)?)
    }
}

impl ModelArgs {
    pub fn load(&self, context: &super::Context) -> anyhow::Result<Loaded> {
        let dir = context.model_dir(&self.model)?;
        let device = Arc::new(CpuDevice::new(self.threads));
        let precision = PrecisionName::from(self.precision);
        if let Some(note) = precision.note() {
            eprintln!("note: {note}");
        }
        let base = load::Base::FrozenAs(base_formats(precision, self.base_precision.map(Into::into)));
        let mut loaded = Loaded::read(&dir, device, precision.into(), base)?;
        if let Some(adapter) = &self.adapter {
            let read = Adapter::read(adapter)?;
            adapt::attach_adapter(&mut loaded.decoder, &read, false)
                .with_context(|| format!("adapter {}", adapter.display()))?;
        }
        Ok(loaded)
    }
}
