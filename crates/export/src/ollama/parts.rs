//! A chat template as the constant texts between the messages.
//!
//! Ollama's templates are Go's (<https://pkg.go.dev/text/template>), a model's are Jinja. Jinja is not translated: the
//! model's own template renders probe conversations, whose messages are marked, and what stands between the marks are the
//! parts. Put together again they must give, for other conversations, the template's own text to the byte; a template whose
//! text is not made of constant parts has none.

use engine::tokenizer::{ChatTemplate, RenderInput, TemplateError};
use serde_json::{Value, json};

use super::probes;

/// The constant texts of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Before the first user's text where there is no system message: a default one may be in it.
    pub opening: String,
    /// Where a system message stands.
    pub system: System,
    /// Around the texts of users; `before` not of the first, which follows the opening.
    pub user: Around,
    /// Around the texts of the assistant.
    pub assistant: Around,
    /// After the last user's text and what follows it: here the assistant begins.
    pub generation: String,
}

/// What stands around a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Around {
    pub before: String,
    pub after: String,
}

/// Where a system message stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum System {
    /// Instead of the opening: `before`, the message, `after`, the first user's text.
    Opening(Around),
    /// Right before the last user's text.
    LastUser(Around),
}

/// What puts the first token of a text there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bos {
    /// The text itself, or nothing: neither the template nor the tokenizer has one to double.
    Template,
    /// The tokenizer: it was taken out of the parts.
    Tokenizer,
    /// The tokenizer would, and the training had none: it must be told not to.
    Unwanted,
}

/// The parts, and what a reader should know of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derived {
    pub parts: Parts,
    pub bos: Bos,
    /// The template refuses or drops system messages; one is put before the first user's text, an empty line apart.
    pub takes_no_system: bool,
    /// The template cuts white space off the ends of messages, which a Go template cannot.
    pub trims: bool,
    /// The template takes the thoughts out of earlier answers, which a Go template cannot.
    pub drops_thoughts: bool,
    /// The template writes the day's date, which stays that of the derivation.
    pub is_dated: bool,
}

/// A tokenizer's part in a rendered text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tokens<'a> {
    pub bos: &'a str,
    pub eos: &'a str,
    /// The tokenizer puts BOS before every text.
    pub adds_bos: bool,
}

impl Tokens<'_> {
    /// What the template makes of a conversation.
    ///
    /// # Errors
    /// The template refuses it.
    pub fn render(
        &self,
        template: &ChatTemplate,
        messages: &[Value],
        add_generation_prompt: bool,
    ) -> Result<String, TemplateError> {
        let (bos_token, eos_token) = (self.bos, self.eos);
        let input = RenderInput { messages, add_generation_prompt, bos_token, eos_token, tools: None };
        Ok(template.render(&input)?.text)
    }
}

impl Parts {
    /// The text of a conversation, as the Go template of these parts gives it: where the assistant's text is the last one, it
    /// is left open to go on.
    pub fn text(&self, messages: &[Value]) -> String {
        let content = |message: &Value| message["content"].as_str().unwrap_or_default().to_string();
        let system: Vec<String> = messages.iter().filter(|m| m["role"] == "system").map(content).collect();
        let system = Some(system.join("\n\n")).filter(|system| !system.is_empty());
        let (mut text, mut is_first) = (String::new(), true);
        for (index, message) in messages.iter().enumerate() {
            let is_last = index + 1 == messages.len();
            let content = content(message);
            match message["role"].as_str() {
                Some("user") => {
                    match (&self.system, &system) {
                        _ if !is_first => text.push_str(&self.user.before),
                        (System::Opening(around), Some(system)) => {
                            text.extend([around.before.as_str(), system, &around.after]);
                        }
                        _ => text.push_str(&self.opening),
                    }
                    if let (System::LastUser(around), Some(system), true) = (&self.system, &system, is_last) {
                        text.extend([around.before.as_str(), system, &around.after]);
                    }
                    text.extend([content.as_str(), &self.user.after]);
                    is_first = false;
                }
                Some("assistant") => {
                    text.extend([self.assistant.before.as_str(), &content]);
                    if !is_last {
                        text.push_str(&self.assistant.after);
                    }
                }
                _ => {}
            }
            if is_last && message["role"] != "assistant" {
                text.push_str(&self.generation);
            }
        }
        text
    }
}

/// The parts of a template, proven on other conversations than those they were found with.
///
/// # Errors
/// Why its text is not made of constant parts, in words for people.
pub fn derive(template: &ChatTemplate, tokens: &Tokens) -> Result<Derived, String> {
    let found = find(template, tokens)?;
    let (parts, bos) = take_bos(found.parts, tokens)?;
    let mut derived = Derived {
        parts,
        bos,
        takes_no_system: found.takes_no_system,
        trims: false,
        drops_thoughts: false,
        is_dated: is_dated(template, tokens),
    };
    for messages in probes::proofs(!derived.takes_no_system) {
        if !is_equal(&derived, template, tokens, &messages)? {
            let last = messages.last().map(|message| message["content"].to_string()).unwrap_or_default();
            return Err(format!(
                "it renders a conversation of {} messages that ends with {last} in another way than shorter ones",
                messages.len()
            ));
        }
    }
    derived.trims = !is_equal(&derived, template, tokens, &probes::with_white_space()).unwrap_or(true);
    derived.drops_thoughts = !is_equal(&derived, template, tokens, &probes::with_thoughts()).unwrap_or(true);
    Ok(derived)
}

impl Derived {
    /// What the template makes of a conversation, without the BOS that the tokenizer adds: what Ollama is to render.
    ///
    /// # Errors
    /// The template refuses the conversation.
    pub fn expected(
        &self,
        template: &ChatTemplate,
        tokens: &Tokens,
        messages: &[Value],
    ) -> Result<String, TemplateError> {
        Ok(without_bos(tokens.render(template, messages, true)?, tokens))
    }
}

/// A rendered text without the BOS that the tokenizer adds by itself.
pub fn without_bos(text: String, tokens: &Tokens) -> String {
    match text.strip_prefix(tokens.bos) {
        Some(rest) if tokens.adds_bos && !tokens.bos.is_empty() => rest.to_string(),
        _ => text,
    }
}

fn is_equal(
    derived: &Derived,
    template: &ChatTemplate,
    tokens: &Tokens,
    messages: &[Value],
) -> Result<bool, String> {
    let theirs = derived.expected(template, tokens, messages).map_err(|error| error.to_string())?;
    Ok(theirs == derived.parts.text(messages))
}

/// Whether the text depends on the day.
fn is_dated(template: &ChatTemplate, tokens: &Tokens) -> bool {
    let on = |day: u32| {
        let day = chrono::NaiveDate::from_ymd_opt(2001, 2, day)?.and_hms_opt(9, 0, 0)?;
        let template = template.with_now(day).ok()?;
        tokens.render(&template, &probes::conversation(None, 1), true).ok()
    };
    on(3) != on(4)
}

struct Found {
    parts: Parts,
    takes_no_system: bool,
}

fn find(template: &ChatTemplate, tokens: &Tokens) -> Result<Found, String> {
    let between = |system: Option<&str>, turns: usize, order: &[&str]| -> Result<Vec<String>, Broken> {
        let messages = probes::conversation(system, turns);
        let text =
            tokens.render(template, &messages, true).map_err(|error| Broken::Refused(error.to_string()))?;
        probes::split(&text, order).ok_or(Broken::Changed)
    };
    let one = between(None, 1, &["user1"]).map_err(Broken::said)?;
    let two = between(None, 2, &["user1", "assistant1", "user2"]).map_err(Broken::said)?;
    let ([opening, end], [opening_of_two, to_assistant, to_user, end_of_two]) = (&one[..], &two[..]) else {
        return Err("it repeats the texts of messages".to_string());
    };
    if opening != opening_of_two || end != end_of_two {
        return Err("what stands around a message depends on the length of the conversation".to_string());
    }
    let closed = |turns: &[Value], order: &[&str]| {
        let text = tokens.render(template, turns, false).ok()?;
        probes::split(&text, order)?.pop()
    };
    let conversation = probes::conversation(None, 2);
    let user_end = closed(&conversation[..1], &["user1"])
        .filter(|close| end.starts_with(close.as_str()) && to_assistant.starts_with(close.as_str()))
        .unwrap_or_else(|| common_prefix(end, to_assistant).to_string());
    let assistant_end = closed(&conversation[..2], &["user1", "assistant1"])
        .filter(|close| to_user.starts_with(close.as_str()))
        .unwrap_or_else(|| to_user[..to_user.len() - common_suffix(to_user, opening).len()].to_string());
    let system = find_system(&between, opening, to_user, end);
    let parts = Parts {
        opening: opening.clone(),
        user: Around { before: to_user[assistant_end.len()..].to_string(), after: user_end.clone() },
        assistant: Around { before: to_assistant[user_end.len()..].to_string(), after: assistant_end },
        generation: end[user_end.len()..].to_string(),
        system: match &system {
            Some(found) => found.clone()?,
            None => System::Opening(Around { before: opening.clone(), after: "\n\n".to_string() }),
        },
    };
    Ok(Found { parts, takes_no_system: system.is_none() })
}

type Between<'a> = dyn Fn(Option<&str>, usize, &[&str]) -> Result<Vec<String>, Broken> + 'a;

const CHANGED: &str = "it changes the texts of messages or their order";

/// Why a probe has no parts.
enum Broken {
    /// By the template.
    Refused(String),
    /// The marks are not all there, once each and in order.
    Changed,
}

impl Broken {
    fn said(self) -> String {
        match self {
            Self::Refused(reason) => reason,
            Self::Changed => CHANGED.to_string(),
        }
    }
}

/// `None` where the template takes no system message.
fn find_system(between: &Between, opening: &str, to_user: &str, end: &str) -> Option<Result<System, String>> {
    let one = match between(Some("system"), 1, &["system", "user1"]) {
        Ok(one) => one,
        // Refused, or dropped: there is a user's text, and no system text before it.
        Err(_) if between(Some("system"), 1, &["user1"]).is_ok() => return None,
        Err(Broken::Refused(_)) => return None,
        Err(Broken::Changed) => return Some(Err(CHANGED.to_string())),
    };
    let (before, after) = (one[0].clone(), one[1].clone());
    let first = between(Some("system"), 2, &["system", "user1", "assistant1", "user2"]);
    if let Ok(found) = &first
        && found[0] == before
        && found[1] == after
        && found[3] == to_user
        && one[2] == end
    {
        return Some(Ok(System::Opening(Around { before, after })));
    }
    if let Ok(found) = between(Some("system"), 2, &["user1", "assistant1", "system", "user2"])
        && let (Some(inside), Some(inside_of_one)) =
            (found[2].strip_prefix(to_user), before.strip_prefix(opening))
        && inside == inside_of_one
        && found[3] == after
    {
        return Some(Ok(System::LastUser(Around { before: inside.to_string(), after })));
    }
    Some(Err("where it puts a system message depends on the length of the conversation".to_string()))
}

fn common_prefix<'a>(left: &'a str, right: &str) -> &'a str {
    let length: usize =
        left.chars().zip(right.chars()).take_while(|(l, r)| l == r).map(|(l, _)| l.len_utf8()).sum();
    &left[..length]
}

fn common_suffix<'a>(left: &'a str, right: &str) -> &'a str {
    let pairs = left.chars().rev().zip(right.chars().rev());
    let length: usize = pairs.take_while(|(l, r)| l == r).map(|(l, _)| l.len_utf8()).sum();
    &left[left.len() - length..]
}

/// The parts without the BOS that the tokenizer adds by itself.
fn take_bos(mut parts: Parts, tokens: &Tokens) -> Result<(Parts, Bos), String> {
    if !tokens.adds_bos || tokens.bos.is_empty() {
        return Ok((parts, Bos::Template));
    }
    let opening = parts.opening.strip_prefix(tokens.bos).map(str::to_string);
    let system = match &parts.system {
        System::Opening(around) => around.before.strip_prefix(tokens.bos).map(|before| {
            System::Opening(Around { before: before.to_string(), after: around.after.clone() })
        }),
        System::LastUser(_) => opening.is_some().then(|| parts.system.clone()),
    };
    match (opening, system) {
        (Some(opening), Some(system)) => {
            (parts.opening, parts.system) = (opening, system);
            Ok((parts, Bos::Tokenizer))
        }
        (None, None) => Ok((parts, Bos::Unwanted)),
        _ => Err("only some of its texts begin with the beginning-of-text token".to_string()),
    }
}

/// A message, for probes and tests.
pub(super) fn message(role: &str, content: &str) -> Value {
    json!({"role": role, "content": content})
}
