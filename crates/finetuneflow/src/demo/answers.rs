//! Asks a model.

use std::sync::atomic::AtomicBool;

use anyhow::bail;
use engine::generation::{Finish, GenerationOptions, Sampling, generate};
use serde_json::json;

use super::material::Question;
use crate::cli::model::Loaded;

/// New tokens for one answer: a sentence or two.
const MAX_TOKENS: usize = 96;

/// The greedy answers, in the order of the questions.
pub fn ask(loaded: &Loaded, questions: &[Question], cancel: &AtomicBool) -> anyhow::Result<Vec<String>> {
    let options = GenerationOptions {
        sampling: Sampling { temperature: 0.0, top_p: 1.0, seed: 0 },
        max_tokens: MAX_TOKENS,
        stop: Vec::new(),
        stop_ids: loaded.tokenizer.stop_ids().to_vec(),
        with_adapter: true,
    };
    let mut answers = Vec::with_capacity(questions.len());
    for question in questions {
        let prompt = loaded.chat_prompt(&[json!({"role": "user", "content": question.question})])?;
        let answer = generate(&loaded.decoder, &loaded.tokenizer, &prompt, &options, cancel, &mut |_| {})?;
        if answer.finish == Finish::Cancelled {
            bail!("cancelled");
        }
        answers.push(answer.text.trim().to_owned());
    }
    Ok(answers)
}
