//! [`ChatTemplate`]: a conversation as the text that a model was trained on.

use std::error::Error as _;
use std::ops::Range;
use std::path::Path;

use chrono::NaiveDateTime;
use minijinja::{Environment, Value};
use serde_json::Value as Json;

use super::TokenizerError;
use super::generation_blocks;
use super::jinja::{self, Raised, TEMPLATE_NAME};
use super::model_files;
use crate::weights::gguf::{GgufFile, GgufValue, is_gguf};

/// A model's Jinja chat template, compiled.
#[derive(Clone, Debug)]
pub struct ChatTemplate {
    source: String,
    environment: Environment<'static>,
    has_generation_blocks: bool,
}

/// What a template is rendered with. `tools` that are `None` are given to the template as None, as `transformers` does.
#[derive(Clone, Copy, Debug, Default)]
pub struct RenderInput<'a> {
    pub messages: &'a [Json],
    pub add_generation_prompt: bool,
    pub bos_token: &'a str,
    pub eos_token: &'a str,
    pub tools: Option<&'a Json>,
}

/// A rendered conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub text: String,
    /// Byte ranges of `text` inside the template's `{% generation %}` blocks, in order. Empty for most templates.
    pub assistant: Vec<Range<usize>>,
}

/// Why there is no rendered conversation.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error(transparent)]
    File(#[from] TokenizerError),
    #[error(
        "{file} has chat templates named {names:?} and none is called \"default\": name the wanted one \"default\""
    )]
    NoDefault { file: std::path::PathBuf, names: Vec<String> },
    #[error("the chat template has a syntax error: {message}")]
    Syntax { message: String },
    /// The template called `raise_exception`: it does not accept this conversation.
    #[error("the chat template refuses this conversation: {0}")]
    Raised(String),
    #[error("the chat template failed: {message}")]
    Failed { message: String },
    #[error("the conversation holds all of the noncharacters U+FDD0 to U+FDEF; remove them")]
    NoMark,
}

impl ChatTemplate {
    /// The template of a model folder: `chat_template.jinja`, else `chat_template` in `tokenizer_config.json` (a text,
    /// or a list of named ones, of which "default" counts), else `chat_template.json`. Of a GGUF file, the one in its
    /// metadata. `None` where there is none.
    pub fn from_model_dir(model_dir: &Path) -> Result<Option<Self>, TemplateError> {
        if is_gguf(model_dir) {
            let file = GgufFile::open(model_dir).map_err(TokenizerError::from)?;
            let source = file.get("tokenizer.chat_template").and_then(GgufValue::as_str);
            return source.map(Self::from_source).transpose();
        }
        let file = model_dir.join("chat_template.jinja");
        if let Some(bytes) = model_files::read_optional(&file)? {
            let source = String::from_utf8(bytes)
                .map_err(|error| TokenizerError::Damaged { path: file, problem: error.to_string() })?;
            return Self::from_source(&source).map(Some);
        }
        for name in ["tokenizer_config.json", "chat_template.json"] {
            let file = model_dir.join(name);
            let Some(config) = model_files::read_json(&file)? else { continue };
            match config.get("chat_template") {
                Some(Json::String(source)) => return Self::from_source(source).map(Some),
                Some(Json::Array(named)) => return Self::from_source(default_of(named, &file)?).map(Some),
                _ => {}
            }
        }
        Ok(None)
    }

    /// Compiles a template.
    pub fn from_source(source: &str) -> Result<Self, TemplateError> {
        Self::compile(source, None)
    }

    /// The same template with a fixed clock: `strftime_now` tells `now` instead of the local time.
    pub fn with_now(&self, now: NaiveDateTime) -> Result<Self, TemplateError> {
        Self::compile(&self.source, Some(now))
    }

    fn compile(source: &str, now: Option<NaiveDateTime>) -> Result<Self, TemplateError> {
        let rewritten = generation_blocks::rewrite(source);
        let has_generation_blocks = rewritten.is_some();
        let environment = jinja::environment(rewritten.unwrap_or_else(|| source.to_string()), now)
            .map_err(|error| TemplateError::Syntax { message: describe(&error) })?;
        Ok(Self { source: source.to_string(), environment, has_generation_blocks })
    }

    /// The template's text, as it was given.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether the template says itself, with `{% generation %}`, what the assistant wrote.
    pub fn has_generation_blocks(&self) -> bool {
        self.has_generation_blocks
    }

    /// Renders a conversation.
    pub fn render(&self, input: &RenderInput<'_>) -> Result<Rendered, TemplateError> {
        self.render_with(input, &serde_json::Map::new())
    }

    /// Renders a conversation with further variables (`enable_thinking`, `date_string`, …).
    pub fn render_with(
        &self,
        input: &RenderInput<'_>,
        variables: &serde_json::Map<String, Json>,
    ) -> Result<Rendered, TemplateError> {
        let mut context: Vec<(String, Value)> = vec![
            ("messages".into(), input.messages.iter().map(to_value).collect()),
            ("tools".into(), input.tools.map_or(Value::from(()), to_value)),
            ("documents".into(), Value::from(())),
            ("add_generation_prompt".into(), Value::from(input.add_generation_prompt)),
            ("bos_token".into(), Value::from(input.bos_token)),
            ("eos_token".into(), Value::from(input.eos_token)),
        ];
        context.extend(variables.iter().map(|(name, value)| (name.clone(), to_value(value))));
        let mark = if self.has_generation_blocks { Some(self.mark_for(input, variables)?) } else { None };
        if let Some(mark) = mark {
            context.push((generation_blocks::MARK_VARIABLE.into(), Value::from(mark.to_string())));
        }
        let context = Value::from_pairs(context);
        let text = self
            .environment
            .get_template(TEMPLATE_NAME)
            .and_then(|template| template.render(context))
            .map_err(|error| refused(&error))?;
        Ok(match mark {
            Some(mark) => {
                let (text, assistant) = generation_blocks::strip(&text, mark);
                Rendered { text, assistant }
            }
            None => Rendered { text, assistant: Vec::new() },
        })
    }

    fn mark_for(
        &self,
        input: &RenderInput<'_>,
        variables: &serde_json::Map<String, Json>,
    ) -> Result<char, TemplateError> {
        let holds = |c: char| {
            self.source.contains(c)
                || [input.bos_token, input.eos_token].iter().any(|text| text.contains(c))
                || input
                    .messages
                    .iter()
                    .chain(input.tools)
                    .chain(variables.values())
                    .any(|value| contains(value, c))
        };
        generation_blocks::choose_mark(holds).ok_or(TemplateError::NoMark)
    }
}

fn default_of<'a>(named: &'a [Json], file: &Path) -> Result<&'a str, TemplateError> {
    let templates: Vec<(&str, &str)> = named
        .iter()
        .filter_map(|entry| Some((entry.get("name")?.as_str()?, entry.get("template")?.as_str()?)))
        .collect();
    match templates
        .iter()
        .find(|(name, _)| *name == "default")
        .or_else(|| templates.first().filter(|_| templates.len() == 1))
    {
        Some((_, source)) => Ok(source),
        None => Err(TemplateError::NoDefault {
            file: file.to_path_buf(),
            names: templates.iter().map(|(name, _)| name.to_string()).collect(),
        }),
    }
}

fn to_value(json: &Json) -> Value {
    match json {
        Json::Null => Value::from(()),
        Json::Bool(value) => Value::from(*value),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(integer), _) => Value::from(integer),
            (None, Some(integer)) => Value::from(integer),
            (None, None) => Value::from(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => items.iter().map(to_value).collect(),
        Json::Object(entries) => {
            Value::from_pairs(entries.iter().map(|(key, value)| (key.clone(), to_value(value))))
        }
    }
}

fn contains(json: &Json, c: char) -> bool {
    match json {
        Json::String(text) => text.contains(c),
        Json::Array(items) => items.iter().any(|item| contains(item, c)),
        Json::Object(entries) => entries.iter().any(|(key, value)| key.contains(c) || contains(value, c)),
        _ => false,
    }
}

fn refused(error: &minijinja::Error) -> TemplateError {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(Raised(message)) = cause.downcast_ref::<Raised>() {
            return TemplateError::Raised(message.clone());
        }
        source = cause.source();
    }
    TemplateError::Failed { message: describe(error) }
}

/// One line: what, and in which line of the template.
fn describe(error: &minijinja::Error) -> String {
    let what = error
        .detail()
        .map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()));
    error.line().map_or_else(|| what.clone(), |line| format!("{what} (line {line} of the template)"))
}
