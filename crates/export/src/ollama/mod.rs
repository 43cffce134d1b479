//! A folder that `ollama create` makes a model of: a GGUF file and a Modelfile.
//!
//! The Modelfile holds what an answer depends on beside the weights: the template (derived from the model's own and proven,
//! see [`parts`]), what ends an answer, and the context. Format: <https://docs.ollama.com/modelfile>.

pub mod go_template;
mod modelfile;
pub mod parts;
mod probes;

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use engine::tokenizer::{ChatTemplate, Tokenizer};
use engine::weights::{ModelConfig, write_file_atomically};
use serde_json::Value;

pub use modelfile::Modelfile;
use modelfile::is_kept;
use parts::{Bos, Derived, Tokens, derive};

use crate::plain_template::{PLAIN_TEMPLATE, plain_note};
use crate::registry::{Exported, FileKind, Format, Request};
use crate::source::{file_size, refuse_overwriting};
use crate::{Control, ExportError, Note, gguf};

/// This format's line in the registry.
pub const FORMAT: Format = Format {
    id: "ollama",
    label: "Ollama (GGUF and Modelfile)",
    kind: FileKind::Folder,
    needs_adapter: false,
    quantizations: gguf::FORMAT.quantizations,
    export,
};

/// The weights in the folder.
pub const WEIGHTS: &str = "model.gguf";
/// The Modelfile in the folder.
pub const MODELFILE: &str = "Modelfile";
const README: &str = "README.md";
const LICENSES: [&str; 5] = ["LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "LICENCE.txt"];
/// A context is as long as the model allows, but no longer than this where nobody asks for more: it costs memory.
const LARGEST_CONTEXT: u64 = 4096;

/// What an Ollama model is given beside its weights and template.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// Tokens of its context; `None`: the model's own, 4096 at most, or as many as a training's rows had.
    pub num_ctx: Option<u32>,
    /// Tokens of a training's rows.
    pub max_seq_len: Option<u32>,
    pub system: Option<String>,
    pub temperature: Option<f32>,
}

/// What Ollama is to be told about a model, and what is to be said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    pub modelfile: Modelfile,
    /// The template's parts; the error says why there are none.
    pub derived: Result<Derived, String>,
    /// The model's own template, or the plain one.
    pub template: String,
    /// What a reader should know.
    pub warnings: Vec<Note>,
}

/// What an export made.
#[derive(Clone, Debug)]
pub struct Written {
    pub exported: Exported,
    pub described: Described,
}

/// Writes the folder `out` with the default options.
///
/// # Errors
/// See [`export_with`].
pub fn export(request: &Request, control: &Control) -> Result<Exported, ExportError> {
    Ok(export_with(request, &Options::default(), control)?.exported)
}

/// Writes the folder `out`: weights, licence, README, and last the Modelfile.
///
/// # Errors
/// What GGUF cannot hold, a template that cannot be read, or what the disk reports.
pub fn export_with(request: &Request, options: &Options, control: &Control) -> Result<Written, ExportError> {
    refuse_overwriting(request.out, request.model, "base model")?;
    let described = describe(request.model, options)?;
    let io = |path: &Path| {
        let path = path.to_path_buf();
        move |error| ExportError::io(&path, error)
    };
    fs::create_dir_all(request.out).map_err(io(request.out))?;
    let modelfile = request.out.join(MODELFILE);
    match fs::remove_file(&modelfile) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(&modelfile)(error)),
        _ => {}
    }
    let weights = request.out.join(WEIGHTS);
    let written = gguf::export(&Request { out: &weights, ..*request }, control)?;
    if described.derived.as_ref().is_ok_and(|derived| derived.bos == Bos::Unwanted) {
        forbid_bos(&weights).map_err(io(&weights))?;
    }
    let mut bytes = file_size(&weights)?;
    let mut put = |name: &str, text: &str| -> Result<(), ExportError> {
        write_file_atomically(&request.out.join(name), text.as_bytes())?;
        bytes += text.len() as u64;
        Ok(())
    };
    if let Some(license) = license(request.model) {
        put("LICENSE", &license)?;
    }
    put(README, &readme(request.name, &described.warnings))?;
    put(MODELFILE, &described.modelfile.text())?;
    let mut warnings = described.warnings.clone();
    warnings.extend(written.warnings.into_iter().filter(|warning| !described.warnings.contains(warning)));
    let path = request.out.to_path_buf();
    let exported = Exported { format: FORMAT.id, path, bytes, warnings, ..written };
    Ok(Written { exported, described })
}

/// What Ollama is to be told about a model folder.
///
/// # Errors
/// A tokenizer, configuration or template that cannot be read.
pub fn describe(model: &Path, options: &Options) -> Result<Described, ExportError> {
    let tokenizer = Tokenizer::open(model)?;
    let (bos, eos) = (tokenizer.bos_token(), tokenizer.eos_token());
    let tokens = Tokens { bos: &bos, eos: &eos, adds_bos: tokenizer.adds_bos() };
    let mut warnings = Vec::new();
    let template = match ChatTemplate::from_model_dir(model)? {
        Some(template) => template,
        None => {
            warnings.push(plain_note());
            ChatTemplate::from_source(PLAIN_TEMPLATE)?
        }
    };
    let derived = derive(&template, &tokens);
    match &derived {
        Ok(derived) => warnings.extend(notes(derived)),
        Err(reason) => {
            let message = format!(
                "The chat template could not be written as a template for Ollama: {reason}. The one in the GGUF file counts; \
                 versions of Ollama that do not read it ask the model in another way than it was trained."
            );
            warnings.push(Note::new("template_not_written", message).param("detail", reason.as_str()));
        }
    }
    let mut license = license(model);
    if license.as_ref().is_some_and(|license| license.contains("\"\"\"")) {
        license = None;
        let message = "The licence cannot stand in a Modelfile; it lies beside it.";
        warnings.push(Note::new("licence_beside", message));
    }
    if let Some(system) = options.system.as_ref().filter(|system| !is_kept(system)) {
        return Err(ExportError::Request(format!(
            "the system text {system:?} holds what a Modelfile cannot: leave out characters that are not seen and \"\"\""
        )));
    }
    let modelfile = Modelfile {
        from: WEIGHTS.to_string(),
        template: derived.as_ref().ok().map(|derived| go_template::go_template(&derived.parts)),
        system: options.system.clone(),
        stop: stops(derived.as_ref().ok(), &tokenizer),
        num_ctx: context(&ModelConfig::open(model)?.raw, options),
        temperature: options.temperature,
        license,
    };
    Ok(Described { modelfile, derived, template: template.source().to_string(), warnings })
}

fn notes(derived: &Derived) -> Vec<Note> {
    let said = [
        (
            derived.takes_no_system,
            "takes_no_system",
            "The chat template takes no system message: one that is given in Ollama is put before the first question.",
        ),
        (
            derived.trims,
            "trims",
            "The chat template cuts spaces and line ends off the ends of messages; in Ollama they stay.",
        ),
        (
            derived.drops_thoughts,
            "drops_thoughts",
            "The chat template leaves thoughts (<think>) out of earlier answers; in Ollama they stay.",
        ),
        (
            derived.is_dated,
            "is_dated",
            "The chat template writes the day's date; in Ollama it stays that of the export.",
        ),
        (
            derived.bos == Bos::Unwanted,
            "no_bos",
            "The chat template has no beginning-of-text token: the GGUF file says that none is to be added.",
        ),
    ];
    said.into_iter().filter(|(is_so, ..)| *is_so).map(|(_, code, text)| Note::new(code, text)).collect()
}

/// What ends an answer: the text after it in the template, and the tokenizer's own ends.
fn stops(derived: Option<&Derived>, tokenizer: &Tokenizer) -> Vec<String> {
    let mut stops: Vec<String> = Vec::new();
    let mut add = |text: &str| {
        let text = text.trim();
        // A single letter or sign ends answers that are none.
        if text.chars().count() > 1 && is_kept(text) && !stops.iter().any(|stop| stop == text) {
            stops.push(text.to_string());
        }
    };
    if let Some(Derived { parts, .. }) = derived {
        add(&parts.assistant.after);
        if parts.assistant.after.trim().is_empty() {
            add(&parts.user.before);
        }
    }
    let ids = tokenizer.stop_ids().iter();
    ids.filter_map(|id| tokenizer.id_token(*id)).for_each(|token| add(&token));
    stops
}

fn context(config: &Value, options: &Options) -> u32 {
    let longest = config["max_position_embeddings"].as_u64().filter(|length| *length > 0);
    let usual = u64::from(options.max_seq_len.unwrap_or(0)).max(LARGEST_CONTEXT);
    let wanted = options.num_ctx.map_or(usual, u64::from).max(1);
    u32::try_from(longest.map_or(wanted, |longest| longest.min(wanted))).unwrap_or(u32::MAX)
}

fn license(model: &Path) -> Option<String> {
    let texts = LICENSES.iter().filter_map(|name| fs::read_to_string(model.join(name)).ok());
    texts.into_iter().find(|text| !text.trim().is_empty())
}

/// Changes `tokenizer.ggml.add_bos_token` from true to false, in place.
fn forbid_bos(gguf: &Path) -> std::io::Result<()> {
    // A key is its length, its text, its type (7: one byte that is 0 or 1) and its value.
    let key = b"tokenizer.ggml.add_bos_token\x07\0\0\0";
    let mut file = fs::File::options().read(true).write(true).open(gguf)?;
    let (mut window, mut place) = (Vec::new(), 0u64);
    let mut piece = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok(());
        }
        window.extend_from_slice(&piece[..read]);
        if let Some(found) = window.windows(key.len()).position(|bytes| bytes == key) {
            file.seek(SeekFrom::Start(place + (found + key.len()) as u64))?;
            file.write_all(&[0])?;
            return file.sync_all();
        }
        let passed = window.len().saturating_sub(key.len());
        window.drain(..passed);
        place += passed as u64;
    }
}

fn readme(name: Option<&str>, warnings: &[Note]) -> String {
    let name = suggested_name(name.unwrap_or("my-model"));
    let mut text = format!(
        "# A model for Ollama\n\nIn this folder:\n\n```sh\nollama create {name} -f Modelfile\nollama run {name}\n```\n\n\
         `Modelfile` holds the chat template, what ends an answer and the length of the context; `{WEIGHTS}` the weights.\n"
    );
    if !warnings.is_empty() {
        text += "\nTo know:\n\n";
        warnings.iter().for_each(|warning| text += &format!("- {warning}\n"));
    }
    text
}

/// A name that Ollama takes, made of one for people.
pub fn suggested_name(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' => out.push(c),
            '.' | '_' if !out.is_empty() => out.push(c),
            _ if !out.is_empty() && !out.ends_with('-') => out.push('-'),
            _ => {}
        }
    }
    let name: String = out.trim_end_matches(['-', '.', '_']).chars().take(60).collect();
    if name.is_empty() { "my-model".to_string() } else { name }
}

/// Whether Ollama takes a model's name: `[namespace/]model[:tag]`.
pub fn is_name(name: &str) -> bool {
    let (path, tag) = match name.rsplit_once(':') {
        Some((path, tag)) => (path, Some(tag)),
        None => (name, None),
    };
    let part = |part: &str, longest: usize, dots: bool| {
        let first = part.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let other =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-') || (dots && byte == b'.');
        first && part.len() <= longest && part.bytes().all(other)
    };
    let (namespace, model) = match path.split_once('/') {
        Some((namespace, model)) => (Some(namespace), model),
        None => (None, path),
    };
    part(model, 80, true)
        && namespace.is_none_or(|namespace| part(namespace, 80, false))
        && tag.is_none_or(|tag| part(tag, 80, true))
}

/// A message that no conversation has.
const MARK: &str = "\u{e000}mark\u{e000}";

/// The conversations that a server is asked to render, and the text that the training's template makes of each.
///
/// # Errors
/// A template or tokenizer that cannot be read.
pub fn render_checks(model: &Path) -> Result<Vec<RenderCheck>, ExportError> {
    let tokenizer = Tokenizer::open(model)?;
    let (bos, eos) = (tokenizer.bos_token(), tokenizer.eos_token());
    let tokens = Tokens { bos: &bos, eos: &eos, adds_bos: tokenizer.adds_bos() };
    let template = match ChatTemplate::from_model_dir(model)? {
        Some(template) => template,
        None => ChatTemplate::from_source(PLAIN_TEMPLATE)?,
    };
    // A text of a message may stand in another one too, so that a mark in its place tells whether it is shown.
    let shows = |messages: &[Value], index: usize| {
        let mut marked = messages.to_vec();
        marked[index]["content"] = MARK.into();
        tokens.render(&template, &marked, true).is_ok_and(|text| text.contains(MARK))
    };
    let rendered = |messages: Vec<Value>| {
        let text = tokens.render(&template, &messages, true).ok()?;
        let is_whole = (0..messages.len()).all(|index| shows(&messages, index));
        let expected = is_whole.then(|| parts::without_bos(text, &tokens))?;
        Some(RenderCheck { messages, expected })
    };
    // What the template refuses or drops (some: system messages) was not trained and is not asked for.
    Ok(probes::questions(true).into_iter().filter_map(rendered).collect())
}

/// A conversation, and the text that the model was trained to see of it, without the BOS that the tokenizer adds.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderCheck {
    pub messages: Vec<Value>,
    pub expected: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_ollama_takes() {
        for (name, good) in [
            ("model", true),
            ("me/model:f16", true),
            ("Model_1.5-b", true),
            ("", false),
            (".model", false),
            ("a b", false),
            ("model:", false),
            ("a/b/c", false),
            ("../model", false),
            ("me.you/model", false),
        ] {
            assert_eq!(is_name(name), good, "{name}");
        }
        for (name, suggested) in
            [("Library handbook!", "library-handbook"), ("  Été 2", "t-2"), ("…", "my-model"), ("a.b", "a.b")]
        {
            assert_eq!(suggested_name(name), suggested);
            assert!(is_name(&suggested_name(name)));
        }
    }

    #[test]
    fn the_context_is_the_models_within_bounds() {
        let model = |length: u64| serde_json::json!({ "max_position_embeddings": length });
        let asked = |num_ctx, max_seq_len| Options { num_ctx, max_seq_len, ..Options::default() };
        for (config, options, expected) in [
            (model(1024), asked(None, None), 1024),
            (model(131_072), asked(None, None), 4096),
            (model(131_072), asked(None, Some(512)), 4096),
            (model(131_072), asked(None, Some(8192)), 8192),
            (model(131_072), asked(Some(32_768), None), 32_768),
            (model(1024), asked(Some(32_768), None), 1024),
            (Value::Null, asked(None, None), 4096),
        ] {
            assert_eq!(context(&config, &options), expected, "{options:?}");
        }
    }
}
