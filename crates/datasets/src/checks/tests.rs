use super::*;
use crate::example::Message;

fn findings(example: &Example, source: Option<&str>) -> Vec<Finding> {
    let subject = Subject { source, ..Subject::new(example) };
    check(&[subject], &CheckOptions::default()).remove(0).findings
}

fn kinds(example: &Example, source: Option<&str>) -> Vec<FindingKind> {
    findings(example, source).iter().map(|finding| finding.kind).collect()
}

#[test]
fn the_registry_names_each_check_once() {
    let mut ids: Vec<&str> = REGISTRY.iter().map(|check| check.id).collect();
    assert!(REGISTRY.iter().all(|check| !check.description.is_empty()));
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), REGISTRY.len());
}

#[test]
fn the_name_is_the_serialized_one() {
    for kind in [FindingKind::NotGrounded, FindingKind::EvalOverlap, FindingKind::PersonalData] {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
    }
}

const SOURCE: &str = "Requests for leave are approved by Marie Dupont within three working days. The office at \
     12 rue de la Paix opens at 9:15 and holds 1,250 files. L'équipe d’accueil répond le lundi.";

#[test]
fn answers_are_held_against_their_source() {
    use FindingKind::{NotGrounded, UnsupportedNames, UnsupportedNumbers};
    for (answer, expected) in [
        ("Marie Dupont approves requests for leave within 3 working days.", vec![]),
        ("At 9:15.", vec![]),
        ("There are 1250 files, or 1 250.", vec![]),
        ("L'équipe d'accueil répond le lundi.", vec![]),
        ("1. The office opens.\n2. Files are held.", vec![]),
        ("The office opens at 8:15.", vec![UnsupportedNumbers]),
        ("The office holds 1,251 files.", vec![UnsupportedNumbers]),
        ("Requests for leave are approved by Jean Valjean.", vec![UnsupportedNames]),
        ("Bananas grow on tall plants in warm countries.", vec![NotGrounded]),
        (
            "Bananas cost Carrefour 17 euros per crate yesterday.",
            vec![NotGrounded, UnsupportedNumbers, UnsupportedNames],
        ),
    ] {
        let example = Example::question("Q?", answer);
        assert_eq!(kinds(&example, Some(SOURCE)), expected, "{answer}");
        assert_eq!(kinds(&example, None), [], "without a source: {answer}");
    }
    let found =
        findings(&Example::question("Q?", "Requests are approved by Jean Valjean in 17 days."), Some(SOURCE));
    let items: Vec<&[String]> = found.iter().map(|finding| finding.items.as_slice()).collect();
    assert_eq!(items, [["17".to_string()].as_slice(), ["Jean Valjean".to_string()].as_slice()]);
}

#[test]
fn long_examples_are_measured_by_the_counter() {
    let words = |text: &str| text.split_whitespace().count();
    let options = CheckOptions {
        token_limit: Some(TokenLimit { count: &words, max_tokens: 4 }),
        ..CheckOptions::default()
    };
    let fits = Example::question("one two", "three four");
    let long = Example::question("one two three four", "five six seven eight");
    let checked = check(&[Subject::new(&fits), Subject::new(&long)], &options);
    assert_eq!(checked[0], Checked { score: 1.0, findings: vec![] });
    assert_eq!(checked[1].findings[0].kind, FindingKind::TooManyTokens);
    assert_eq!(checked[1].score, 0.5);
    assert!(checked[1].findings[0].reason.contains("8 tokens, 4 fit"));
}

#[test]
fn marks_of_templates_are_found() {
    for text in [
        "Hello<|im_end|>",
        "<|im_start|>user",
        "[INST] hello [/INST]",
        "yes</s>",
        "Dear {{ customer_name }},",
        "{% if x %}",
        "so it is.</think> 4",
        "<|start_header_id|>",
        "### Response:\n4",
    ] {
        let example = Example::question("Q?", text);
        assert_eq!(kinds(&example, None), [FindingKind::TemplateTokens], "{text}");
        assert_eq!(kinds(&Example::question(text, "A."), None), [FindingKind::TemplateTokens], "{text}");
    }
    for text in [
        "a < b | c > d and a <| b",
        "{\"a\": {\"b\": 1}}",
        "format!(\"{{}}\")",
        "<small>html</small>",
        "let x = [INSTALL];",
        "f <| g |> h",
    ] {
        assert_eq!(kinds(&Example::question("Q?", text), None), [], "{text}");
    }
}

#[test]
fn refusals_are_found_in_both_languages() {
    for answer in [
        "As an AI language model, I cannot say.",
        "I’m sorry, but I can't do that.",
        "Thank you. I cannot assist with this.",
        "Je suis désolé, je ne sais pas.",
        "Je suis désolée, mais non.",
        "En tant qu’IA, je n'ai pas d'avis.",
        "Je ne suis pas en mesure de répondre.",
        "The provided text does not say when.",
        "Le texte ne mentionne pas la date.",
    ] {
        assert_eq!(kinds(&Example::question("Q?", answer), None), [FindingKind::Refusal], "{answer}");
    }
    for answer in [
        "The robot was sold as an AI helper.",
        "Say: you cannot assist with this, and why.",
        "Je suis désolé pour ce retard ; votre colis part demain.",
        "As an aid to memory, write it down.",
        "The clerk was sorry, but he said as an AI would.",
    ] {
        assert_eq!(kinds(&Example::question("Q?", answer), None), [], "{answer}");
    }
    let asked = Example::question("I'm sorry, but when do you open?", "At nine.");
    assert_eq!(kinds(&asked, None), []);
}

#[test]
fn personal_data_is_found_and_its_middle_hidden() {
    for (text, expected) in [
        ("Write to jean.dupont+test@mail.example.fr.", "e-mail je…fr"),
        ("Call +33 6 12 34 56 78 now", "telephone +3…78"),
        ("Tél. 06 12 34 56 78.", "telephone 06…78"),
        ("0612345678", "telephone 06…78"),
        ("(555) 123-4567", "telephone (5…67"),
        ("555-123-4567", "telephone 55…67"),
        ("0041 44 668 18 00", "telephone 00…00"),
        ("card 4111 1111 1111 1111!", "card number 41…11"),
        ("378282246310005", "card number 37…05"),
        ("FR14 2004 1010 0505 0001 3M02 606", "IBAN FR…06"),
        ("IBAN: DE89370400440532013000.", "IBAN DE…00"),
    ] {
        let found = findings(&Example::question("Q?", text), None);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!(found[0].kind, FindingKind::PersonalData);
        assert_eq!(found[0].items, [expected], "{text}");
    }
    for text in [
        "on 2024-05-01 at 12:30:15",
        "01.02.2024",
        "4111 1111 1111 1112",
        "DE89370400440532013001",
        "FR14 2004 1010",
        "user@localhost and @name, a@b",
        "1 234 567 890 inhabitants",
        "version 1.22.333.4444",
        "ISBN 978-3-16-148410-0",
        "pi is 3.14159265358979",
        "from 10 to 20, 30, 40",
    ] {
        assert_eq!(kinds(&Example::question("Q?", text), None), [], "{text}");
    }
}

fn long(number: usize) -> String {
    format!(
        "The {number}. employees of the northern warehouse count every pallet on the last working day of the month and write \
         the result into the common ledger, which the manager signs before noon on the following day, without exception"
    )
}

#[test]
fn repetitions_are_found_also_across_the_parts() {
    let examples = [
        Example::question("Where?", "In the hall."),
        Example::question("How do they count?", long(1)),
        Example::question("Where?", "In the hall."),
        Example::question("How do they count?", long(2)),
        Example::question("What else?", "Nothing at all that is worth a word."),
    ];
    let parts = [Part::Eval, Part::Train, Part::Train, Part::Eval, Part::Train];
    let subjects: Vec<Subject> =
        examples.iter().zip(parts).map(|(example, part)| Subject { part, ..Subject::new(example) }).collect();
    let checked = check(&subjects, &CheckOptions::default());
    let found: Vec<(usize, FindingKind)> = checked
        .iter()
        .enumerate()
        .flat_map(|(index, checked)| checked.findings.iter().map(move |finding| (index, finding.kind)))
        .collect();
    assert_eq!(found, [(0, FindingKind::EvalOverlap), (3, FindingKind::EvalOverlap)]);
    assert!(checked[0].findings[0].reason.contains("example 3"), "{:?}", checked[0]);
    assert!(checked[3].findings[0].reason.contains("example 2"), "{:?}", checked[3]);

    let all: Vec<Subject> = examples.iter().map(Subject::new).collect();
    let checked = check(&all, &CheckOptions::default());
    let quality = |index: usize| checked[index].quality();
    assert_eq!((quality(2).score, quality(2).issues), (Some(0.0), vec!["duplicate".to_string()]));
    assert_eq!((quality(3).score, quality(3).issues), (Some(0.5), vec!["near_duplicate".to_string()]));
    assert_eq!((quality(0).score, quality(0).issues), (Some(1.0), vec![]));
}

#[test]
fn every_near_copy_among_many_is_found_and_no_other() {
    let mut examples: Vec<Example> = (0..300).map(|n| Example::question("How?", long(n))).collect();
    // No two of these share three words in a row.
    examples.extend((0..300).map(|n| {
        let words: Vec<String> = (0..30).map(|word| format!("w{n}x{word}")).collect();
        Example::question("Other?", words.join(" "))
    }));
    let subjects: Vec<Subject> = examples.iter().map(Subject::new).collect();
    let checked = check(&subjects, &CheckOptions::default());
    let near: Vec<usize> =
        (0..600).filter(|index| checked[*index].quality().issues == ["near_duplicate"]).collect();
    assert_eq!(near, (1..300).collect::<Vec<_>>());
}

#[test]
fn a_conversation_is_checked_whole() {
    let mut example = Example::question("Q?", "As an AI, I cannot.");
    example.messages.push(Message::new(Role::User, "Mail a@b.example"));
    example.messages.push(Message::new(Role::Assistant, "Done.<|im_end|>"));
    let subject = Subject::new(&example);
    let checked = check(&[subject], &CheckOptions::default()).remove(0);
    assert_eq!(checked.quality().issues, ["template_tokens", "refusal", "personal_data"]);
    assert!((checked.score - 0.2 * 0.1 * 0.5).abs() < 1e-6);
}
