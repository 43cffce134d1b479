//! The rows of a run: read and encoded.

use std::path::Path;

use super::events::Notice;
use super::{TrainError, TrainOptions};
use crate::batching::{EncodeOptions, EncodedData, encode_file};
use crate::models::DecoderSpec;
use crate::tokenizer::{ChatTemplate, Tokenizer};

/// The rows to learn from and, where asked for, those to measure.
pub fn read_data(
    options: &TrainOptions,
    spec: &DecoderSpec,
) -> Result<(EncodedData, Option<EncodedData>), TrainError> {
    let tokenizer = Tokenizer::open(&options.model)?;
    spec.check_vocabulary(tokenizer.base_vocab_size())?;
    let template = ChatTemplate::from_model_dir(&options.model)?;
    let encode = EncodeOptions {
        max_seq_len: options.max_seq_len,
        mask: options.loss.into(),
        on_long: options.long_rows.into(),
    };
    let read = |path: &Path| encode_file(path, &tokenizer, template.as_ref(), &encode);
    let held_out = options.evaluation.data.as_deref().map(read).transpose()?;
    Ok((read(&options.data)?, held_out))
}

/// Everything about the run's precision and data that should be seen.
pub fn warnings(options: &TrainOptions, data: &EncodedData, held_out: Option<&EncodedData>) -> Vec<Notice> {
    let of_precision = options.precision.note().map(|note| Notice {
        event: "warning",
        kind: "Precision".to_owned(),
        params: serde_json::Map::new(),
        message: note.to_owned(),
    });
    let of_data = data.warnings.iter().map(|warning| (warning, ""));
    let of_held_out = held_out.into_iter().flat_map(|data| &data.warnings);
    let of_rows =
        of_data.chain(of_held_out.map(|warning| (warning, "Evaluation data: "))).map(|(warning, of)| {
            Notice {
                event: "warning",
                kind: format!("{:?}", warning.kind),
                params: warning.params.clone(),
                message: format!("{of}{}", warning.message),
            }
        });
    of_precision.into_iter().chain(of_rows).collect()
}
