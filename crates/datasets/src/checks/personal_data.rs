//! E-mail addresses, telephone numbers, card numbers (Luhn check) and IBANs (check digits). It flags; what may stay in a
//! dataset is a person's decision. Names and addresses of people are not recognised.

use super::{Check, Finding, FindingKind, Subject, distinct, each};

/// Looks at every message; what is found is shown with its middle hidden.
pub static CHECK: Check = Check {
    id: "personal_data",
    description: "no e-mail address, telephone, card or account number stands in a text",
    run: |subjects, _| each(subjects, look),
};

fn look(subject: &Subject) -> Vec<Finding> {
    let found = subject.example.messages.iter().flat_map(|message| personal_data(&message.content));
    let items = distinct(found, 10);
    if items.is_empty() {
        return Vec::new();
    }
    let reason = format!("personal data: {}; replace it, or keep it knowingly", items.join(", "));
    vec![Finding::new(FindingKind::PersonalData, 0.5, reason, items)]
}

fn personal_data(text: &str) -> Vec<String> {
    let mut found: Vec<String> =
        emails(text).into_iter().map(|address| format!("e-mail {}", hidden(address))).collect();
    let accounts = ibans(text);
    found.extend(accounts.iter().map(|(_, iban)| format!("IBAN {}", hidden(iban))));
    for (start, run) in digit_runs(text) {
        if accounts.iter().any(|(range, _)| range.contains(&start)) {
            continue;
        }
        if is_card_number(run) {
            found.push(format!("card number {}", hidden(run)));
        } else if is_telephone_number(run) {
            found.push(format!("telephone {}", hidden(run)));
        }
    }
    found
}

/// The first two and the last two characters.
fn hidden(text: &str) -> String {
    let characters: Vec<char> = text.trim().chars().collect();
    let end = characters.len().saturating_sub(2).max(2);
    characters[..2.min(characters.len())].iter().chain(['…'].iter()).chain(&characters[end..]).collect()
}

fn emails(text: &str) -> Vec<&str> {
    let local = |byte: u8| byte.is_ascii_alphanumeric() || b"._%+-".contains(&byte);
    let domain = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    for (at, _) in text.match_indices('@') {
        let before = bytes[..at].iter().rev().take_while(|byte| local(**byte)).count();
        let after = bytes[at + 1..].iter().take_while(|byte| domain(**byte)).count();
        let host = text[at + 1..at + 1 + after].trim_end_matches(['.', '-']);
        let named = host.rsplit_once('.').is_some_and(|(name, top)| {
            !name.is_empty() && top.len() >= 2 && top.bytes().all(|byte| byte.is_ascii_alphabetic())
        });
        if before > 0 && named && bytes[at - 1] != b'.' {
            found.push(&text[at - before..at + 1 + host.len()]);
        }
    }
    found
}

/// Digits with the separators of telephone and card numbers between them, and the byte of the first character.
fn digit_runs(text: &str) -> Vec<(usize, &str)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let starts = bytes[at].is_ascii_digit()
            || (matches!(bytes[at], b'+' | b'(') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit));
        // Inside a word or behind a decimal point it is part of something else.
        let alone = at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || b"._-/=".contains(&bytes[at - 1]));
        if !starts || !alone {
            at += 1;
            continue;
        }
        let mut end = at + 1;
        let mut last_digit = at;
        while end < bytes.len() && (bytes[end].is_ascii_digit() || b" .-()".contains(&bytes[end])) {
            if bytes[end].is_ascii_digit() {
                if end - last_digit > 3 {
                    break;
                }
                last_digit = end;
            }
            end += 1;
        }
        let end = last_digit + 1;
        if !bytes.get(end).is_some_and(u8::is_ascii_alphabetic) {
            found.push((at, &text[at..end]));
        }
        at = end;
    }
    found
}

fn groups(run: &str) -> Vec<&str> {
    run.split(|character: char| !character.is_ascii_digit()).filter(|group| !group.is_empty()).collect()
}

/// 13 to 19 digits whose Luhn sum is a multiple of ten, written together or as cards print them.
fn is_card_number(run: &str) -> bool {
    let groups = groups(run);
    let digits: String = groups.concat();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let printed = matches!(lengths.as_slice(), [_] | [4, 6, 5] | [4, 6, 4])
        || (lengths.len() >= 4 && lengths[..3] == [4, 4, 4] && lengths.iter().all(|length| *length <= 4));
    let written = run.bytes().all(|byte| byte.is_ascii_digit() || b" -".contains(&byte));
    (13..=19).contains(&digits.len())
        && printed
        && written
        && digits.starts_with(['2', '3', '4', '5', '6'])
        && luhn(&digits)
}

/// ISO/IEC 7812-1, annex B.
fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            match place % 2 == 1 {
                true if digit > 4 => 2 * digit - 9,
                true => 2 * digit,
                false => digit,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// With a country code, with a leading zero (ten digits, as in France), or as 3-3-4 (North America).
fn is_telephone_number(run: &str) -> bool {
    let groups = groups(run);
    let digits = groups.concat();
    if run.starts_with('+') {
        return (8..=15).contains(&digits.len());
    }
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let french = matches!(lengths.as_slice(), [10] | [2, 2, 2, 2, 2] | [3, 3, 2, 2] | [4, 3, 3] | [4, 6]);
    let national = digits.len() == 10 && digits.starts_with('0') && !digits.starts_with("00") && french;
    let american = lengths == [3, 3, 4] && run.contains(['-', '(', '.']) && !digits.starts_with(['0', '1']);
    let prefixed = digits.starts_with("00") && (11..=16).contains(&digits.len()) && groups.len() > 1;
    national || american || prefixed
}

/// Lengths of IBANs by country, <https://www.swift.com/resource/iban-registry-pdf>.
const IBAN_LENGTHS: &[(&str, usize)] = &[
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BR", 29),
    ("CH", 21),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("EE", 20),
    ("ES", 24),
    ("FI", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IS", 26),
    ("IT", 27),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("MA", 28),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MT", 31),
    ("MU", 30),
    ("NL", 18),
    ("NO", 15),
    ("PL", 28),
    ("PT", 25),
    ("RO", 24),
    ("RS", 22),
    ("SA", 24),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VA", 22),
    ("XK", 20),
];

/// Account numbers whose check digits are right (ISO 13616, modulo 97), and the bytes that they take.
fn ibans(text: &str) -> Vec<(std::ops::Range<usize>, String)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    for start in 0..bytes.len().saturating_sub(4) {
        let begins = start == 0 || !bytes[start - 1].is_ascii_alphanumeric();
        let country = text.get(start..start + 2).unwrap_or_default().to_ascii_uppercase();
        let Some((_, length)) = IBAN_LENGTHS.iter().find(|(code, _)| begins && *code == country) else {
            continue;
        };
        let mut compact = String::new();
        let mut end = start;
        while end < bytes.len() && compact.len() < *length {
            match bytes[end] {
                byte if byte.is_ascii_alphanumeric() => compact.push(char::from(byte.to_ascii_uppercase())),
                b' ' if compact.len().is_multiple_of(4) => {}
                _ => break,
            }
            end += 1;
        }
        let whole = compact.len() == *length && !bytes.get(end).is_some_and(u8::is_ascii_alphanumeric);
        if whole && compact.as_bytes()[2..4].iter().all(u8::is_ascii_digit) && remainder_97(&compact) == 1 {
            found.push((start..end, compact));
        }
    }
    found
}

/// Of the number in which the first four characters stand last and A to Z are 10 to 35.
fn remainder_97(iban: &str) -> u32 {
    let digits = iban[4..].chars().chain(iban[..4].chars()).filter_map(|character| character.to_digit(36));
    digits.fold(0, |rest, digit| (rest * if digit > 9 { 100 } else { 10 } + digit) % 97)
}
