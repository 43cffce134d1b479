//! The language of a text, only where the guess calls itself reliable (short texts are often guessed wrong).

/// At most this many bytes are looked at.
const SAMPLE_BYTES: usize = 20_000;

/// ISO 639-3 code of the text's language.
pub fn detect(text: &str) -> Option<String> {
    let mut end = text.len().min(SAMPLE_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let info = whatlang::detect(&text[..end])?;
    info.is_reliable().then(|| info.lang().code().to_string())
}

#[cfg(test)]
mod tests {
    use super::detect;

    #[test]
    fn only_when_reliable() {
        let english = "The committee meets on the first Monday of each month, and its minutes are sent to everybody who works in the building.";
        let french = "Le comité se réunit le premier lundi de chaque mois, et son procès-verbal est envoyé à toutes les personnes qui travaillent dans le bâtiment.";
        assert_eq!(detect(english).as_deref(), Some("eng"));
        assert_eq!(detect(french).as_deref(), Some("fra"));
        assert_eq!(detect("42"), None);
    }
}
