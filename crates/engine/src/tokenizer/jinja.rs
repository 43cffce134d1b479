//! The Jinja environment of chat templates, set up as `transformers` sets up Jinja2
//! (<https://github.com/huggingface/transformers/blob/main/src/transformers/utils/chat_template_utils.py>):
//! blocks trimmed, loop controls, `tojson` without HTML escapes, `raise_exception`, `strftime_now`, Python's methods.

use chrono::NaiveDateTime;
use chrono::format::{Item, StrftimeItems};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Rest};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, State, Value, filters};
use minijinja_contrib::pycompat::unknown_method_callback;

use super::generation_blocks;
use super::json_python::{self, JsonStyle};

/// Instructions that one rendering may take: some seconds at most, thousands of messages.
const FUEL: u64 = 20_000_000;

/// Spaces that an indentation has at most.
const MAX_INDENT: usize = 64;

/// Under this name the template is registered, and so appears in messages.
pub(super) const TEMPLATE_NAME: &str = "chat_template";

/// An environment that holds one template. `now` is what `strftime_now` tells; `None` means the local time.
pub(super) fn environment(source: String, now: Option<NaiveDateTime>) -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_unknown_method_callback(python_method);
    environment.set_fuel(Some(FUEL));
    environment.set_debug(false);
    environment.set_formatter(|out, _, value| {
        let text = json_python::to_str(value)?;
        out.write_str(&text).map_err(|_| Error::new(ErrorKind::WriteFailure, "output cannot be written"))
    });
    environment.add_filter("tojson", to_json);
    environment.add_filter("string", |value: &Value| json_python::to_str(value));
    environment.add_filter("int", to_int);
    environment.add_filter("float", to_float);
    environment.add_filter("sort", sort);
    environment.add_filter("indent", indent);
    environment.add_filter("length", length);
    environment.add_filter("count", length);
    environment.add_filter(generation_blocks::FILTER, |text: &str, mark: &str| {
        generation_blocks::surround(text, mark)
    });
    environment.add_function("raise_exception", |message: String| -> Result<Value, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, "raised by the template").with_source(Raised(message)))
    });
    environment.add_function("strftime_now", move |format: &str| {
        strftime(now.unwrap_or_else(|| chrono::Local::now().naive_local()), format)
    });
    environment.add_template_owned(TEMPLATE_NAME, source)?;
    Ok(environment)
}

/// What a template said with `raise_exception`.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Raised(pub(super) String);

/// `tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False)`.
fn to_json(value: &Value, arguments: Rest<Value>, named: Kwargs) -> Result<String, Error> {
    let argument = |place: usize, name: &str| -> Result<Option<Value>, Error> {
        let given = arguments.get(place).cloned().map_or_else(|| named.get(name), |value| Ok(Some(value)))?;
        Ok(given.filter(|value: &Value| !value.is_none()))
    };
    let truth = |value: Option<Value>| value.is_some_and(|value| value.is_true());
    let ensure_ascii = truth(argument(0, "ensure_ascii")?);
    let indent = argument(1, "indent")?.map(usize::try_from).transpose()?;
    let (mut item_separator, mut key_separator) =
        (if indent.is_some() { "," } else { ", " }.to_string(), ": ".to_string());
    if let Some(separators) = argument(2, "separators")? {
        item_separator = separators.get_item_by_index(0)?.to_string();
        key_separator = separators.get_item_by_index(1)?.to_string();
    }
    let sort_keys = truth(argument(3, "sort_keys")?);
    named.assert_all_used()?;
    let indent = indent.map(|width| width.min(MAX_INDENT));
    json_python::to_json(value, &JsonStyle { ensure_ascii, indent, item_separator, key_separator, sort_keys })
}

/// `int(value, default=0, base=10)`: what is no number becomes the default.
fn to_int(
    state: &State,
    value: &Value,
    default: Option<Value>,
    base: Option<u32>,
    named: Kwargs,
) -> Result<Value, Error> {
    let default = default.map_or_else(|| named.get::<Option<Value>>("default"), |value| Ok(Some(value)))?;
    filters::int(state, value, default.or(Some(Value::from(0))), base, named)
}

/// `float(value, default=0.0)`: what is no number becomes the default.
fn to_float(state: &State, value: &Value, default: Option<Value>, named: Kwargs) -> Result<Value, Error> {
    let default = default.map_or_else(|| named.get::<Option<Value>>("default"), |value| Ok(Some(value)))?;
    filters::float(state, value, default.or(Some(Value::from(0.0))), named)
}

/// `sort(value, reverse=False, case_sensitive=False, attribute=None)`, whose options may stand without their names.
fn sort(state: &State, value: Value, arguments: Rest<Value>, named: Kwargs) -> Result<Value, Error> {
    if arguments.is_empty() {
        return filters::sort(state, value, named);
    }
    let names = ["reverse", "case_sensitive", "attribute"];
    let mut options: Vec<(String, Value)> =
        names.into_iter().map(String::from).zip(arguments.iter().cloned()).collect();
    for name in named.args() {
        options.push((name.to_string(), named.get(name)?));
    }
    filters::sort(state, value, Kwargs::from_iter(options))
}

/// `indent(text, width=4, first=False, blank=False)`: unlike the built-in filter, a final line break is kept.
fn indent(text: &str, arguments: Rest<Value>, named: Kwargs) -> Result<String, Error> {
    let argument = |place: usize, name: &str| -> Result<Option<Value>, Error> {
        arguments.get(place).cloned().map_or_else(|| named.get(name), |value| Ok(Some(value)))
    };
    let indention = match argument(0, "width")? {
        None => " ".repeat(4),
        Some(width) => match width.as_str() {
            Some(text) => text.to_string(),
            None => " ".repeat(usize::try_from(width)?.min(MAX_INDENT)),
        },
    };
    let truth = |value: Option<Value>| value.is_some_and(|value| value.is_true());
    let (first, blank) = (truth(argument(1, "first")?), truth(argument(2, "blank")?));
    named.assert_all_used()?;
    let mut out = String::new();
    for (i, line) in text.replace("\r\n", "\n").split(['\n', '\r']).enumerate() {
        if i > 0 {
            out.push('\n');
        }
        if if i == 0 { first } else { blank || !line.is_empty() } {
            out.push_str(&indention);
        }
        out.push_str(line);
    }
    Ok(out)
}

/// As Jinja2: an undefined value has no items. None counts as empty too, since `tools` and `documents` are often None.
fn length(value: &Value) -> Result<usize, Error> {
    if value.is_undefined() || value.is_none() {
        return Ok(0);
    }
    value
        .len()
        .ok_or_else(|| Error::new(ErrorKind::InvalidOperation, format!("a {} has no length", value.kind())))
}

fn strftime(now: NaiveDateTime, format: &str) -> Result<String, Error> {
    let items: Vec<Item<'_>> = StrftimeItems::new(format).collect();
    if items.iter().any(|item| matches!(item, Item::Error)) {
        return Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("strftime_now: {format:?} is not a time format"),
        ));
    }
    let mut text = String::new();
    // Fails for what a time without a zone does not know (%z).
    std::fmt::Write::write_fmt(&mut text, format_args!("{}", now.format_with_items(items.into_iter())))
        .map_err(|_| {
            Error::new(ErrorKind::InvalidOperation, format!("strftime_now: {format:?} cannot be filled in"))
        })?;
    Ok(text)
}

/// Python's string methods: those of `pycompat`, and some that templates use besides.
fn python_method(state: &mut State, value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    let Some(text) = value.as_str() else { return unknown_method_callback(state, value, method, args) };
    let argument = |place: usize| args.get(place).and_then(|value| value.as_str());
    let triple = |split: Option<(&str, &str)>, separator: &str, whole_first: bool| {
        let (before, middle, after) = match split {
            Some((before, after)) => (before, separator, after),
            None if whole_first => (text, "", ""),
            None => ("", "", text),
        };
        Ok(Value::from_iter([before, middle, after].map(Value::from)))
    };
    match (method, argument(0)) {
        ("removeprefix", Some(prefix)) => Ok(Value::from(text.strip_prefix(prefix).unwrap_or(text))),
        ("removesuffix", Some(suffix)) => Ok(Value::from(text.strip_suffix(suffix).unwrap_or(text))),
        ("partition", Some(separator)) => triple(text.split_once(separator), separator, true),
        ("rpartition", Some(separator)) => triple(text.rsplit_once(separator), separator, false),
        ("rsplit", Some(separator)) if !separator.is_empty() => {
            let limit = args.get(1).map(|limit| i64::try_from(limit.clone())).transpose()?.unwrap_or(-1);
            let pieces: usize = usize::try_from(limit).map_or(usize::MAX, |limit| limit.saturating_add(1));
            let mut parts: Vec<Value> = text.rsplitn(pieces, separator).map(Value::from).collect();
            parts.reverse();
            Ok(Value::from_iter(parts))
        }
        _ => unknown_method_callback(state, value, method, args),
    }
}
