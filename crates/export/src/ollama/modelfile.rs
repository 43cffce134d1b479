//! A Modelfile (<https://docs.ollama.com/modelfile>): what a model is made of, and how it is asked.

/// What goes into one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Modelfile {
    /// The file of the weights, relative to the Modelfile.
    pub from: String,
    /// Go's; none: Ollama goes by what is in the weights' file.
    pub template: Option<String>,
    pub system: Option<String>,
    /// Each ends an answer.
    pub stop: Vec<String>,
    pub num_ctx: u32,
    pub temperature: Option<f32>,
    pub license: Option<String>,
}

impl Modelfile {
    /// The file's text.
    pub fn text(&self) -> String {
        let mut lines = vec![format!("FROM ./{}", self.from)];
        let long = |keyword: &str, text: &String| format!("{keyword} \"\"\"{text}\"\"\"");
        lines.extend(self.template.as_ref().map(|text| long("TEMPLATE", text)));
        lines.extend(self.system.as_ref().map(|text| long("SYSTEM", text)));
        lines.extend(self.stop.iter().map(|text| long("PARAMETER stop", text)));
        lines.push(format!("PARAMETER num_ctx {}", self.num_ctx));
        // Some versions of Ollama punish repeated words when nothing is said; the trained model is asked as it is.
        lines.push("PARAMETER repeat_penalty 1".to_string());
        lines.extend(self.temperature.map(|value| format!("PARAMETER temperature {value}")));
        lines.extend(self.license.as_ref().map(|text| long("LICENSE", text)));
        lines.join("\n") + "\n"
    }
}

/// Whether a text comes out of a Modelfile as it went in: its reader knows no escapes and drops what is not printable.
pub fn is_kept(text: &str) -> bool {
    let is_kept =
        |c: char| matches!(c, ' ' | '\n' | '\r' | '\t') || c.is_ascii_graphic() || c.is_alphanumeric();
    let is_symbol = |c: char| !c.is_control() && !c.is_whitespace() && !is_format(c);
    !text.contains("\"\"\"") && !text.ends_with('"') && text.chars().all(|c| is_kept(c) || is_symbol(c))
}

/// Characters that are not seen, which Go does not count as printable.
fn is_format(c: char) -> bool {
    matches!(u32::from(c), 0xad | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x180e | 0x200b..=0x200f | 0x202a..=0x202e
        | 0x2060..=0x206f | 0xd800..=0xf8ff | 0xfeff | 0xfff9..=0xfffb | 0xe0000..=0x10ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_modelfile_has_one_line_for_each_setting() {
        let modelfile = Modelfile {
            from: "model.gguf".into(),
            template: Some("{{ .Prompt }}\n".into()),
            stop: vec!["<|im_end|>".into()],
            num_ctx: 1024,
            temperature: Some(0.5),
            ..Modelfile::default()
        };
        let expected = "FROM ./model.gguf\nTEMPLATE \"\"\"{{ .Prompt }}\n\"\"\"\nPARAMETER stop \"\"\"<|im_end|>\"\"\"\n\
            PARAMETER num_ctx 1024\nPARAMETER repeat_penalty 1\nPARAMETER temperature 0.5\n";
        assert_eq!(modelfile.text(), expected);
    }

    #[test]
    fn texts_that_a_modelfile_changes_are_known() {
        for (text, kept) in [
            ("<|im_end|>", true),
            ("<｜end▁of▁sentence｜>", true),
            ("Größe 🙂\n\tx", true),
            ("say \"\"\"", false),
            ("ends with \"", false),
            ("a\u{200b}b", false),
            ("a\u{a0}b", false),
            ("\u{0}", false),
        ] {
            assert_eq!(is_kept(text), kept, "{text:?}");
        }
    }
}
