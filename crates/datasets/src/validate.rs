//! Rules that every example keeps, whatever it was read from.

use crate::error::{RowError, Rule};
use crate::example::{Example, Role};

/// A single text longer than this is no training message but a mistake.
pub const MAX_MESSAGE_BYTES: usize = 1 << 20;

/// The first rule that an example breaks; `row` is only for the message.
///
/// # Errors
/// [`RowError`] names the message and the rule.
pub fn validate(example: &Example, row: usize, line: Option<usize>) -> Result<(), RowError> {
    let fault = |column: String, rule, message: String| Err(RowError { row, line, column, rule, message });
    if example.messages.is_empty() {
        return fault("messages".into(), Rule::NoMessages, "there are no messages: remove the row".into());
    }
    for (index, message) in example.messages.iter().enumerate() {
        let column = format!("messages[{index}]");
        if message.content.len() > MAX_MESSAGE_BYTES {
            return fault(
                column,
                Rule::TooLong,
                format!(
                    "the text has {} bytes, more than {MAX_MESSAGE_BYTES}: cut it into parts",
                    message.content.len()
                ),
            );
        }
        if message.role == Role::System && index > 0 {
            return fault(
                column,
                Rule::SystemNotFirst,
                "a system message must be the first: move or remove it".into(),
            );
        }
        if message.is_empty() && matches!(message.role, Role::User | Role::Assistant) {
            return fault(
                column,
                Rule::EmptyText,
                format!("the {} message is empty: fill it or remove the row", message.role.name()),
            );
        }
    }
    if !example.messages.iter().any(|message| message.role == Role::Assistant) {
        return fault(
            "messages".into(),
            Rule::NoAnswer,
            "there is no answer of the assistant to learn from".into(),
        );
    }
    Ok(())
}
