//! Flags of the commands that load a model, and the loading.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use engine::adapters::peft::Adapter;
use engine::device::Precision;
use engine::device::cpu::CpuDevice;
use engine::models::{Decoder, adapt, load};
use engine::tokenizer::{ChatTemplate, Tokenizer, encode_prompt};
use engine::trainer::options::PrecisionName;
use serde_json::Value;

#[derive(Clone, Copy, ValueEnum)]
pub enum PrecisionArg {
    F32,
    Bf16,
}

impl From<PrecisionArg> for PrecisionName {
    fn from(precision: PrecisionArg) -> Self {
        match precision {
            PrecisionArg::F32 => Self::F32,
            PrecisionArg::Bf16 => Self::Bf16,
        }
    }
}

#[derive(Args)]
pub struct ModelArgs {
    /// Hugging Face model folder (config.json, tokenizer.json, safetensors), or `base` for the bundled model
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// PEFT adapter folder to put onto the model
    #[arg(long, value_name = "DIR")]
    pub adapter: Option<PathBuf>,
    /// What weights and products are made of
    #[arg(long, value_enum, default_value = "f32")]
    pub precision: PrecisionArg,
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
        let precision: Precision = PrecisionName::from(self.precision).into();
        let tokenizer = Tokenizer::open(&dir)?;
        let template = ChatTemplate::from_model_dir(&dir)?;
        let mut decoder = load::load(&dir, device, precision, load::Base::Frozen)?;
        if let Some(adapter) = &self.adapter {
            let read = Adapter::read(adapter)?;
            adapt::attach_adapter(&mut decoder, &read, false)
                .with_context(|| format!("adapter {}", adapter.display()))?;
        }
        Ok(Loaded { decoder, tokenizer, template, dir })
    }
}
