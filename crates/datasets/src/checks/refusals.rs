//! Answers that decline. Found by the phrases with which models do it, at the beginning of one of the answer's first
//! sentences, in English and French.

use super::{Check, Finding, FindingKind, Subject, each};
use crate::example::Role;

/// Looks at the beginning of each answer.
pub static CHECK: Check = Check {
    id: "refusals",
    description: "the answer answers and does not decline",
    run: |subjects, _| each(subjects, look),
};

/// Characters of an answer that are looked at: what a long answer says later is its matter.
const LOOKED_AT: usize = 300;

/// Lower case, with straight apostrophes.
const PHRASES: &[&str] = &[
    "as an ai",
    "as a language model",
    "as a large language model",
    "as an artificial intelligence",
    "i'm just an ai",
    "i am just an ai",
    "i'm sorry, but",
    "i am sorry, but",
    "sorry, but i cannot",
    "sorry, but i can't",
    "i apologize, but",
    "i cannot answer",
    "i can't answer",
    "i cannot assist",
    "i can't assist",
    "i cannot help with",
    "i can't help with",
    "i cannot provide",
    "i can't provide",
    "i'm unable to",
    "i am unable to",
    "i'm not able to",
    "i am not able to",
    "i don't have access to",
    "i do not have access to",
    "i don't have enough information",
    "i do not have enough information",
    "the provided text does not",
    "the provided context does not",
    "the context does not mention",
    "the context does not provide",
    "the text does not mention",
    "the text does not provide",
    "the passage does not mention",
    "en tant qu'ia",
    "en tant qu'intelligence artificielle",
    "en tant que modèle de langage",
    "en tant qu'assistant virtuel",
    "en tant qu'assistant ia",
    "je suis désolé,",
    "je suis désolée,",
    "désolé, mais",
    "désolé, je",
    "désolée, mais",
    "désolée, je",
    "je m'excuse, mais",
    "je ne peux pas répondre",
    "je ne peux pas vous aider",
    "je ne peux pas fournir",
    "je ne suis pas en mesure",
    "je n'ai pas accès",
    "je n'ai pas suffisamment d'informations",
    "je n'ai pas assez d'informations",
    "il m'est impossible de répondre",
    "le texte fourni ne",
    "le texte ne mentionne pas",
    "le texte ne précise pas",
    "le contexte ne mentionne pas",
    "le contexte ne précise pas",
    "le contexte fourni ne",
];

fn look(subject: &Subject) -> Vec<Finding> {
    let answers = subject.example.messages.iter().filter(|message| message.role == Role::Assistant);
    let Some(phrase) = answers.filter_map(|message| refusal(&message.content)).next() else {
        return Vec::new();
    };
    let reason = format!("the answer declines (“{phrase}”): write the answer, or reject the example");
    vec![Finding::new(FindingKind::Refusal, 0.1, reason, vec![phrase.to_string()])]
}

fn refusal(answer: &str) -> Option<&'static str> {
    let beginning: String =
        answer.chars().take(LOOKED_AT).flat_map(char::to_lowercase).map(straight).collect();
    PHRASES.iter().copied().find(|phrase| {
        beginning.match_indices(phrase).any(|(at, _)| {
            let after = beginning[at + phrase.len()..].chars().next();
            begins_sentence(&beginning[..at]) && !after.is_some_and(char::is_alphabetic)
        })
    })
}

fn straight(character: char) -> char {
    if character == '’' { '\'' } else { character }
}

fn begins_sentence(before: &str) -> bool {
    let trimmed = before.trim_end();
    before[trimmed.len()..].contains('\n')
        || trimmed.chars().next_back().is_none_or(|last| ".!?…:\"“«*>-".contains(last))
}
