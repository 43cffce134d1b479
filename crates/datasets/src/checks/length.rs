//! Length in tokens of the model that is trained.

use super::{Check, Finding, FindingKind, each};

/// Needs a token limit; without one it finds nothing.
pub static CHECK: Check = Check {
    id: "length",
    description: "the example fits into a training row, counted by the model's tokenizer",
    run: |subjects, options| {
        let Some(limit) = options.token_limit else { return Vec::new() };
        each(subjects, |subject| {
            let tokens: usize =
                subject.example.messages.iter().map(|message| (limit.count)(&message.content)).sum();
            if tokens <= limit.max_tokens {
                return Vec::new();
            }
            let reason = format!(
                "{tokens} tokens, {} fit: shorten it, split it, or train with a longer context",
                limit.max_tokens
            );
            let factor = limit.max_tokens as f32 / tokens as f32;
            vec![Finding::new(FindingKind::TooManyTokens, factor, reason, Vec::new())]
        })
    },
};
