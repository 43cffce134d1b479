//! The generator on small made-up documents.

use super::*;

fn block(kind: SourceKind, text: &str, path: &[&str]) -> SourceBlock {
    SourceBlock {
        kind,
        text: text.into(),
        heading_path: path.iter().map(|part| (*part).to_string()).collect(),
        page: Some(2),
    }
}

fn paragraph(text: &str) -> SourceBlock {
    block(SourceKind::Paragraph, text, &["The house"])
}

fn questions(blocks: &[SourceBlock], per_fact: usize) -> Vec<(String, String)> {
    let options = Options { questions_per_fact: per_fact, ..Options::default() };
    generate(blocks, &options)
        .examples
        .into_iter()
        .map(|example| (example.question, example.answer))
        .collect()
}

/// All questions that the rules can make for a text.
fn all(text: &str) -> Vec<String> {
    questions(&[paragraph(text)], 1000).into_iter().map(|(question, _)| question).collect()
}

#[test]
fn english_questions_follow_the_verb_and_the_kind_of_fact() {
    let cases: &[(&str, &[&str])] = &[
        (
            "The reading room opens at 9.15 on weekdays.",
            &[
                "When does the reading room open on weekdays?",
                "At what hour does the reading room open on weekdays?",
                "What is the opening time of the reading room on weekdays?",
                "Could you tell me when the reading room opens on weekdays?",
            ],
        ),
        (
            "The day ticket costs 14 euros.",
            &[
                "How much does the day ticket cost?",
                "What is the price of the day ticket?",
                "How expensive is the day ticket?",
            ],
        ),
        (
            "The guided tour lasts 45 minutes.",
            &["How long does the guided tour last?", "What is the duration of the guided tour?"],
        ),
        (
            "The pottery workshop is led by Anna Keller.",
            &["Who leads the pottery workshop?", "Who is in charge of the pottery workshop?"],
        ),
        ("Anna Keller leads the pottery workshop.", &["Who leads the pottery workshop?"]),
        (
            "The first-aid box hangs next to the main entrance.",
            &["Where is the first-aid box?", "Where does the first-aid box hang?"],
        ),
        (
            "Members may borrow six books for three weeks.",
            &["How many books may members borrow for three weeks?", "How long may members borrow six books?"],
        ),
        ("The price of the day ticket is 14 euros.", &["How much does the day ticket cost?"]),
        (
            "The bakery behind the mill is run by Anna Keller.",
            &["Who is in charge of the bakery behind the mill?", "Who is in charge of the bakery?"],
        ),
        (
            "Rents are paid on the 25th of each month.",
            &["On which day do rents come?", "When can I expect rents in my account?"],
        ),
        ("The choir meets on the first Friday of every month.", &["When does the choir meet?"]),
        ("Visitors must wear a helmet in the workshop.", &["Where must visitors wear a helmet?"]),
        ("On Mondays, the museum closes at 18:00.", &["When does the museum close on Mondays?"]),
    ];
    for (text, expected) in cases {
        let found = all(text);
        for question in *expected {
            assert!(
                found.iter().any(|other| other == question),
                "{text}\n wanted {question}\n found {found:#?}"
            );
        }
    }
}

#[test]
fn french_questions_follow_the_verb_and_the_kind_of_fact() {
    let cases: &[(&str, &[&str])] = &[
        (
            "La salle de lecture ouvre à 9 h 15.",
            &[
                "À quelle heure ouvre la salle de lecture ?",
                "Quelle est l'heure d'ouverture de la salle de lecture ?",
            ],
        ),
        (
            "Le billet du jour coûte 14 euros.",
            &["Combien coûte le billet du jour ?", "Quel est le prix du billet du jour ?"],
        ),
        ("Les clés se trouvent dans le bureau du gardien.", &["Où se trouvent les clés ?"]),
        ("L'atelier est dirigé par Claire Morel.", &["Qui dirige l'atelier ?"]),
    ];
    for (text, expected) in cases {
        let found = all(text);
        for question in *expected {
            assert!(
                found.iter().any(|other| other == question),
                "{text}\n wanted {question}\n found {found:#?}"
            );
        }
    }
}

#[test]
fn the_answer_is_the_sentence_and_no_question_holds_the_value() {
    let text = "The pool opens at 9:15 and closes at 21:30. It is 25 metres long. The sauna costs €6.50 for members.";
    let made = questions(&[paragraph(text)], 12);
    assert!(made.len() >= 30, "{}", made.len());
    for (question, answer) in &made {
        assert!(text.contains(answer.as_str()), "{answer}");
        assert!(!question.contains("6.50"), "{question}");
        assert!(!(question.contains("9:15") && question.contains("21:30")), "{question}");
    }
    assert!(
        made.iter().any(|(question, answer)| question.contains("pool") && answer.starts_with("It is 25")),
        "pronouns are resolved: {made:#?}"
    );
}

#[test]
fn tables_become_sentences() {
    let table = "| Ticket | Price (EUR) | Opening hours |\n| --- | --- | --- |\n| Day ticket | 14 | 9:15 to 18:00 |\n| Sauna | 6 | - |";
    let made = questions(&[block(SourceKind::Table, table, &["Prices"])], 1000);
    let answers: BTreeSet<&str> = made.iter().map(|(_, answer)| answer.as_str()).collect();
    assert_eq!(
        answers.into_iter().collect::<Vec<_>>(),
        [
            "The opening hours of the day ticket are 9:15 to 18:00.",
            "The price for Sauna is 6 EUR.",
            "The price of the day ticket is 14 EUR."
        ]
    );
    assert!(made.iter().any(|(question, _)| question == "How much does the day ticket cost?"), "{made:#?}");
}

#[test]
fn headings_ask_for_the_first_sentences() {
    let blocks = [
        block(SourceKind::Heading { level: 1 }, "3.2 Bicycle storage", &[]),
        block(
            SourceKind::Paragraph,
            "Bicycles stay in the cellar. A key is at the desk. More follows.",
            &["3.2 Bicycle storage"],
        ),
    ];
    let options = Options::default();
    let heading: Vec<_> = generate(&blocks, &options)
        .examples
        .into_iter()
        .filter(|example| example.kind == QuestionKind::Heading)
        .collect();
    assert!(heading.len() >= 5);
    assert!(
        heading.iter().all(|example| example.answer == "Bicycles stay in the cellar. A key is at the desk.")
    );
    assert!(heading.iter().any(|example| example.question == "What should I know about bicycle storage?"));
    assert_eq!(heading[0].source.page, Some(2));
}

#[test]
fn held_out_questions_are_not_among_the_examples_and_their_answer_holds_the_fact() {
    let text = "The pool opens at 9:15. The day ticket costs 14 euros. The tour lasts two hours. Anna Keller leads the choir.";
    let options = Options { hold_out: true, ..Options::default() };
    let made = generate(&[paragraph(text)], &options);
    let facts: Vec<&str> = made.held_out.iter().map(|held| held.fact.as_str()).collect();
    assert_eq!(facts, ["9:15", "14 euros", "two hours", "Anna Keller"]);
    for held in &made.held_out {
        assert!(held.answer.contains(&held.fact), "{held:?}");
        let asked = wording::normalised(&held.question);
        assert!(
            made.examples.iter().all(|example| wording::normalised(&example.question) != asked),
            "{held:?}"
        );
    }
}

#[test]
fn the_same_seed_gives_the_same_examples() {
    let blocks = [paragraph("The pool opens at 9:15. The day ticket costs 14 euros.")];
    let made = |seed| generate(&blocks, &Options { seed, ..Options::default() });
    assert_eq!(made(7), made(7));
    assert_ne!(made(7), made(8));
}

#[test]
fn ambiguous_questions_are_dropped() {
    let made =
        questions(&[paragraph("The pool opens at 9:15 on Mondays. The pool opens at 10:30 on Sundays.")], 40);
    let mut answers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (question, answer) in &made {
        answers.entry(question).or_default().insert(answer);
    }
    assert!(answers.values().all(|answers| answers.len() == 1));
    assert!(made.len() > 20);
}

#[test]
fn odd_input_does_no_harm() {
    let odd = [
        "",
        "...",
        "?!",
        "A",
        "1",
        "|",
        "| |\n|-|",
        "'’l'",
        "\u{0}\u{feff}",
        "İİ İs ß at 9:15.",
        "a: b: c: d.",
        "€ € €",
        "x".repeat(5000).as_str(),
        "is is is is is.",
        "and and and closes and closes.",
    ]
    .map(str::to_string);
    for text in odd {
        for kind in
            [SourceKind::Paragraph, SourceKind::ListItem, SourceKind::Table, SourceKind::Heading { level: 1 }]
        {
            generate(
                &[block(kind, &text, &[]), block(SourceKind::Paragraph, &text, &[&text])],
                &Options { hold_out: true, ..Options::default() },
            );
        }
    }
}

#[test]
fn what_the_rules_cut_in_a_wrong_place_is_no_question() {
    let text = "IBM is a publicly traded company and one of the 30 companies in the Dow Jones Industrial Average. IBM is the \
        largest industrial research organization in the world, with 19 research facilities across a dozen countries, having \
        held the record for most annual U.S. patents generated by a business for 29 consecutive years from 1993 to 2021. It \
        was renamed \"International Business Machines\" in 1924.";
    let found = all(text);
    assert!(found.len() > 20, "{found:?}");
    for question in found {
        let last = question.trim_end_matches(['?', '.']).rsplit(' ').next().unwrap_or_default();
        assert!(!["a", "an", "the", "and", "or"].contains(&last), "{question}");
        assert!(!question.contains("day of the week"), "a year is no day: {question}");
    }
}
