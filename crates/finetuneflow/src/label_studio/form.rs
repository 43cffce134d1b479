//! The labelling form (<https://labelstud.io/tags/>): what reviewers see, in their language. Names and choices are the same
//! in every language, because annotations come back by them.

/// The names of the form's parts, as annotations have them.
pub mod names {
    /// The text that every part belongs to.
    pub const TEXT: &str = "src";
    /// The edited question.
    pub const INSTRUCTION: &str = "instruction";
    /// The edited answer.
    pub const RESPONSE: &str = "response";
    /// The decision.
    pub const VERDICT: &str = "verdict";
    /// What is wrong.
    pub const ISSUES: &str = "issues";
    /// Stars, 1 to 5.
    pub const QUALITY: &str = "quality";
}

/// What is shown, in one language.
struct Words {
    source: &'static str,
    instruction: &'static str,
    edit_instruction: &'static str,
    response: &'static str,
    verdict: &'static str,
    verdicts: [&'static str; 3],
    issues: &'static str,
    issue: [&'static str; 6],
    quality: &'static str,
}

const VERDICTS: [&str; 3] = ["approve", "fix", "reject"];
const ISSUES: [&str; 6] = ["not in source", "wrong", "incomplete", "duplicate", "unclear", "personal data"];

const ENGLISH: Words = Words {
    source: "Source",
    instruction: "Question or conversation",
    edit_instruction: "Edit the question (in conversations of several turns only the answer can be edited)",
    response: "Answer: edit it where it should be better",
    verdict: "Verdict",
    verdicts: ["approve", "fix: approve as edited", "reject"],
    issues: "What is wrong",
    issue: ISSUES,
    quality: "Quality",
};

const FRENCH: Words = Words {
    source: "Source",
    instruction: "Question ou conversation",
    edit_instruction: "Modifier la question (dans une conversation à plusieurs tours, seule la réponse est modifiable)",
    response: "Réponse : la modifier là où elle peut être meilleure",
    verdict: "Verdict",
    verdicts: ["approuver", "corriger : approuver la version modifiée", "rejeter"],
    issues: "Ce qui ne va pas",
    issue: ["absent de la source", "faux", "incomplet", "en double", "pas clair", "données personnelles"],
    quality: "Qualité",
};

/// The form for a project in this language (`fr`, otherwise English).
pub fn labelling_form(language: Option<&str>) -> String {
    let words = if language == Some("fr") { FRENCH } else { ENGLISH };
    let header = |text: &str| format!("  <Header value=\"{}\"/>\n", escaped(text));
    let choices = |values: &[&str], shown: &[&str]| -> String {
        let choice = |(value, shown): (&&str, &&str)| {
            format!("    <Choice value=\"{}\" alias=\"{}\"/>\n", escaped(shown), escaped(value))
        };
        values.iter().zip(shown).map(choice).collect()
    };
    let text_area = |name: &str, rows: u8, rest: &str| {
        format!(
            "  <TextArea name=\"{name}\" toName=\"{}\" maxSubmissions=\"1\" editable=\"true\" rows=\"{rows}\"{rest}/>\n",
            names::TEXT
        )
    };
    [
        "<View>\n".to_owned(),
        header(&format!("{} — $source_ref", words.source)),
        "  <Text name=\"context\" value=\"$context\"/>\n".to_owned(),
        header(words.instruction),
        format!("  <Text name=\"{}\" value=\"$instruction\"/>\n", names::TEXT),
        header(words.edit_instruction),
        text_area(names::INSTRUCTION, 3, ""),
        header(words.response),
        text_area(names::RESPONSE, 8, " required=\"true\""),
        header(words.verdict),
        format!(
            "  <Choices name=\"{}\" toName=\"{}\" choice=\"single-radio\" showInline=\"true\" required=\"true\">\n",
            names::VERDICT,
            names::TEXT
        ),
        choices(&VERDICTS, &words.verdicts),
        "  </Choices>\n".to_owned(),
        header(words.issues),
        format!(
            "  <Choices name=\"{}\" toName=\"{}\" choice=\"multiple\" showInline=\"true\">\n",
            names::ISSUES,
            names::TEXT
        ),
        choices(&ISSUES, &words.issue),
        "  </Choices>\n".to_owned(),
        header(words.quality),
        format!("  <Rating name=\"{}\" toName=\"{}\" maxRating=\"5\"/>\n", names::QUALITY, names::TEXT),
        "</View>\n".to_owned(),
    ]
    .concat()
}

/// Whether annotations made with this form can be read: the parts that decisions and answers come in are there.
pub fn is_ours(form: &str) -> bool {
    [names::VERDICT, names::RESPONSE]
        .iter()
        .all(|name| form.contains(&format!("name=\"{name}\"")) || form.contains(&format!("name='{name}'")))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_well_formed_in_every_language_and_its_names_do_not_change() {
        for language in [None, Some("en"), Some("fr")] {
            let form = labelling_form(language);
            assert!(is_ours(&form));
            assert_eq!(form.matches("<Choices").count(), form.matches("</Choices>").count());
            assert_eq!(form.matches('<').count(), form.matches('>').count(), "{form}");
            for value in VERDICTS.iter().chain(&ISSUES) {
                assert!(form.contains(&format!("alias=\"{value}\"")), "{value} in {form}");
            }
            for variable in ["$source_ref", "$context", "$instruction"] {
                assert!(form.contains(variable), "{variable}");
            }
        }
        assert!(labelling_form(Some("fr")).contains("value=\"rejeter\""));
        assert!(!is_ours("<View><Text name=\"text\" value=\"$text\"/></View>"));
        assert_eq!(escaped("a < b & \"c\""), "a &lt; b &amp; &quot;c&quot;");
    }
}
