//! Parts as a template of Go's (<https://pkg.go.dev/text/template>) over Ollama's `.System` and `.Messages`.
//!
//! Nothing is trimmed: there is no white space between actions but that of the parts. Ollama gives all system messages in
//! `.System`; those in `.Messages` are passed over.

use super::parts::{Around, Parts, System};

const LAST: &str = "{{ $last := eq (len (slice $.Messages $i)) 1 }}";

/// The template.
pub fn go_template(parts: &Parts) -> String {
    let user = literal(&parts.user.before);
    let (head, first, other) = match first_user(parts) {
        // What comes before every user's text is told apart from the opening, so that a conversation may begin otherwise.
        Some(opening) => (opening, String::new(), user),
        None => {
            let begin = begin(&parts.opening, &parts.system, "$.System");
            let first = format!(
                "{{{{ if $first }}}}{{{{ $first = false }}}}{begin}{{{{ else }}}}{user}{{{{ end }}}}"
            );
            ("{{ $first := true }}".to_string(), first, String::new())
        }
    };
    let inside = match &parts.system {
        System::LastUser(Around { before, after }) => format!(
            "{{{{ if and $last $.System }}}}{}{{{{ $.System }}}}{}{{{{ end }}}}",
            literal(before),
            literal(after)
        ),
        System::Opening(_) => String::new(),
    };
    let mut template = format!(
        "{head}{{{{ range $i, $m := .Messages }}}}{LAST}{{{{ if eq $m.Role \"user\" }}}}{first}{other}{inside}\
         {{{{ $m.Content }}}}{}{{{{ else if eq $m.Role \"assistant\" }}}}{}{{{{ $m.Content }}}}",
        literal(&parts.user.after),
        literal(&parts.assistant.before),
    );
    let when = |condition: &str, text: &str| match text {
        "" => String::new(),
        text => format!("{{{{ if {condition} }}}}{}{{{{ end }}}}", literal(text)),
    };
    template += &when("not $last", &parts.assistant.after);
    template += "{{ end }}";
    template += &when("and $last (ne $m.Role \"assistant\")", &parts.generation);
    template + "{{ end }}"
}

/// The opening without what stands before every user's text; `None` where it does not end with that.
fn first_user(parts: &Parts) -> Option<String> {
    let before = parts.user.before.as_str();
    let opening = parts.opening.strip_suffix(before)?;
    let system = match &parts.system {
        System::Opening(around) => {
            let after = around.after.strip_suffix(before)?;
            System::Opening(Around { before: around.before.clone(), after: after.to_string() })
        }
        other => other.clone(),
    };
    Some(begin(opening, &system, ".System"))
}

/// The opening, with a system message where there is one and its place is there.
fn begin(opening: &str, system: &System, field: &str) -> String {
    match system {
        System::LastUser(_) => literal(opening),
        System::Opening(Around { before, after }) => format!(
            "{{{{ if {field} }}}}{}{{{{ {field} }}}}{}{}{{{{ end }}}}",
            literal(before),
            literal(after),
            match opening {
                "" => String::new(),
                opening => format!("{{{{ else }}}}{}", literal(opening)),
            }
        ),
    }
}

/// A constant text in a template: as it is, or as a string of Go's where it would not stay what it is, in the template or in
/// a Modelfile, whose reader drops characters that are not printable.
fn literal(text: &str) -> String {
    let plain =
        |c: char| c == '\n' || (c == ' ' || c.is_ascii_graphic()) || c.is_alphanumeric() || "▁｜".contains(c);
    let is_plain = text.chars().all(plain)
        && !text.contains("{{")
        && !text.contains("\"\"\"")
        && !text.starts_with('"')
        && !text.ends_with(['{', '"']);
    if is_plain { text.to_string() } else { format!("{{{{ {} }}}}", quoted(text)) }
}

/// A string literal of Go's, in ASCII.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            ' '..='~' => out.push(c),
            c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(before: &str, after: &str) -> Around {
        Around { before: before.into(), after: after.into() }
    }

    #[test]
    fn texts_that_go_or_a_modelfile_would_change_are_quoted() {
        for (text, expected) in [
            ("<|im_start|>user\n", "<|im_start|>user\n"),
            ("<｜User｜>", "<｜User｜>"),
            ("a {{ b", r#"{{ "a {{ b" }}"#),
            ("set {", r#"{{ "set {" }}"#),
            ("say \"", r#"{{ "say \"" }}"#),
            ("a\"\"\"b\\", r#"{{ "a\"\"\"b\\" }}"#),
            ("tab\t\r\n\u{a0}", r#"{{ "tab\U00000009\U0000000d\n\U000000a0" }}"#),
        ] {
            assert_eq!(literal(text), expected);
        }
    }

    #[test]
    fn one_template_is_written_as_it_is_known() {
        let parts = Parts {
            opening: "<|im_start|>user\n".into(),
            system: System::Opening(around("<|im_start|>system\n", "<|im_end|>\n<|im_start|>user\n")),
            user: around("<|im_start|>user\n", "<|im_end|>\n"),
            assistant: around("<|im_start|>assistant\n", "<|im_end|>\n"),
            generation: "<|im_start|>assistant\n".into(),
        };
        let expected = "{{ if .System }}<|im_start|>system\n{{ .System }}<|im_end|>\n{{ end }}\
            {{ range $i, $m := .Messages }}{{ $last := eq (len (slice $.Messages $i)) 1 }}\
            {{ if eq $m.Role \"user\" }}<|im_start|>user\n{{ $m.Content }}<|im_end|>\n\
            {{ else if eq $m.Role \"assistant\" }}<|im_start|>assistant\n{{ $m.Content }}\
            {{ if not $last }}<|im_end|>\n{{ end }}{{ end }}\
            {{ if and $last (ne $m.Role \"assistant\") }}<|im_start|>assistant\n{{ end }}{{ end }}";
        assert_eq!(go_template(&parts), expected);
    }

    #[test]
    fn an_opening_that_no_later_turn_has_comes_with_the_first_user() {
        let parts = Parts {
            opening: "Chat. Q: ".into(),
            system: System::LastUser(around("(", ") ")),
            user: around("Question: ", ""),
            assistant: around("", "\n"),
            generation: String::new(),
        };
        let template = go_template(&parts);
        assert!(template.starts_with("{{ $first := true }}{{ range"), "{template}");
        let user = "{{ if $first }}{{ $first = false }}Chat. Q: {{ else }}Question: {{ end }}\
            {{ if and $last $.System }}({{ $.System }}) {{ end }}{{ $m.Content }}";
        assert!(template.contains(user), "{template}");
    }
}
