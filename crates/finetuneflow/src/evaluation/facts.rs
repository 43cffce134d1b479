//! Whether an answer says what it should: a comparison of words, not of meaning.

/// Shorter words without a digit (articles, pronouns, …) tell nothing.
const TELLING_LETTERS: usize = 4;

/// Whether the answer holds the fact as whole words, upper and lower case and a plural's "s" alike.
pub fn holds(answer: &str, fact: &str) -> bool {
    let (answer, fact) = (words(answer), words(fact));
    !fact.is_empty() && answer.windows(fact.len()).any(|window| window.iter().zip(&fact).all(is_same))
}

/// Share of the expected answer's telling words (numbers, and words of four letters and more, each once) that are in the
/// answer, 0 to 1. Words that the question has already do not count; `None` where none are left.
pub fn share_told(question: &str, expected: &str, answer: &str) -> Option<f64> {
    let (question, answer) = (words(question), words(answer));
    let is_in = |text: &[String], word: &String| text.iter().any(|said| is_same((said, word)));
    let mut telling = words(expected);
    telling.retain(|word| {
        word.chars().count() >= TELLING_LETTERS || word.chars().any(|character| character.is_numeric())
    });
    telling.retain(|word| !is_in(&question, word));
    telling.sort_unstable();
    telling.dedup();
    let told = telling.iter().filter(|word| is_in(&answer, word)).count();
    (!telling.is_empty()).then(|| told as f64 / telling.len() as f64)
}

fn is_same((said, wanted): (&String, &String)) -> bool {
    said == wanted
        || wanted.chars().all(char::is_alphabetic) && said.strip_suffix('s') == Some(wanted.as_str())
}

/// Lower-case words and numbers; "9.15" and "9:15" stay whole, "25 days." loses its full stop.
pub fn words(text: &str) -> Vec<String> {
    let kept = |c: char| c.is_alphanumeric() || "€$£%@°'’.,:/+-".contains(c);
    let trimmed = |word: &str| word.trim_matches(|c: char| ".,:/'’-".contains(c)).to_lowercase();
    text.split(|c: char| !kept(c)).map(trimmed).filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_found_as_whole_words() {
        let rows = [
            ("14 euros", "The day ticket costs 14 euros.", true),
            ("14 euros", "The day ticket costs 114 euros.", false),
            ("9:15", "It opens at 9:15.", true),
            ("5", "The fee is 25 euros.", false),
            ("Anna Berg", "Ask anna berg.", true),
            ("sail loft", "It was a sail-loft.", false),
            ("Monday", "It is closed on Mondays.", true),
            ("5", "It has 5s.", false),
            ("", "Anything.", false),
        ];
        for (fact, answer, want) in rows {
            assert_eq!(holds(answer, fact), want, "{fact:?} in {answer:?}");
        }
    }

    #[test]
    fn what_the_question_says_is_not_told() {
        let question = "What does the day ticket cost?";
        let share = |answer: &str| share_told(question, "The day ticket is 14 euros on Mondays.", answer);
        assert_eq!(share("The day ticket is nice."), Some(0.0));
        assert_eq!(share("14 euros."), Some(2.0 / 3.0));
        assert_eq!(share("It is 14 EUROS, on mondays and 14 again"), Some(1.0));
        assert_eq!(share_told(question, "The day ticket.", "The day ticket."), None);
    }
}
