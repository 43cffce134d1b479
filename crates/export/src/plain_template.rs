//! The chat template of a model that has none: texts one after the other, as rows of prompt and completion are trained.

use crate::Note;

/// Jinja. A question is followed by its answer with nothing between them; a system text stands before, an empty line apart.
pub const PLAIN_TEMPLATE: &str = "{% for message in messages %}{{ message['content'] }}{% if message['role'] == 'system' %}{{ '\\n\\n' }}{% elif message['role'] == 'assistant' %}{{ eos_token + '\\n' }}{% endif %}{% endfor %}";

/// What a person should know of it.
const PLAIN_NOTE: &str =
    "the model has no chat template: a plain one is written, which puts the texts one after the other";

/// Says that the plain template is written.
pub(crate) fn plain_note() -> Note {
    Note::new("plain_template", PLAIN_NOTE)
}
