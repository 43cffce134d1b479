//! A model in memory, as it is compared.

use std::path::Path;
use std::sync::Arc;

use engine::adapters::peft::Adapter;
use engine::batching::{EncodeOptions, EncodedData, LongRows, LossMask, Row, encode_rows};
use engine::device::cpu::CpuDevice;
use engine::device::{Precision, WeightFormat};
use engine::models::load::{Base, BaseFormats, load};
use engine::models::{Decoder, adapt};
use engine::tokenizer::{ChatTemplate, Tokenizer};

use crate::ExportError;

/// How models are opened and rows encoded.
pub(super) struct Settings {
    pub weights_in_bf16: bool,
    pub threads: usize,
    pub max_seq_len: Option<usize>,
}

pub(super) struct Opened {
    pub decoder: Decoder,
    pub tokenizer: Tokenizer,
    template: Option<ChatTemplate>,
}

impl Opened {
    /// A model folder or GGUF file, and an adapter on it.
    pub fn load(model: &Path, adapter: Option<&Adapter>, settings: &Settings) -> Result<Self, ExportError> {
        let format = if settings.weights_in_bf16 { WeightFormat::Bf16 } else { WeightFormat::F32 };
        let device = Arc::new(CpuDevice::new(settings.threads));
        let tokenizer = Tokenizer::open(model)?;
        let template = ChatTemplate::from_model_dir(model)?;
        let mut decoder = load(model, device, Precision::F32, Base::FrozenAs(BaseFormats::all(format)))?;
        decoder.spec.check_vocabulary(tokenizer.base_vocab_size())?;
        if let Some(adapter) = adapter {
            adapt::attach_adapter(&mut decoder, adapter, false)?;
        }
        Ok(Self { decoder, tokenizer, template })
    }

    /// The rows through this model's own tokenizer and chat template.
    pub fn encode(&self, rows: &[(u64, Row)], settings: &Settings) -> Result<EncodedData, ExportError> {
        let context = self.decoder.spec.max_position_embeddings;
        let max_seq_len = settings.max_seq_len.map_or(context, |length| length.min(context));
        let options = EncodeOptions { max_seq_len, mask: LossMask::default(), on_long: LongRows::Truncate };
        Ok(encode_rows(rows, &self.tokenizer, self.template.as_ref(), &options)?)
    }
}
