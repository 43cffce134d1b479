//! Comments in presentations and workbooks (ECMA-376), as paragraphs that name their author.

use std::collections::HashMap;

use crate::builder::Builder;
use crate::document::BlockKind;
use crate::formats::xml::{self, Mark, attribute, number};

/// Authors by their number: `<p:cmAuthor id name>`.
pub fn presentation_authors(text: &str) -> HashMap<usize, String> {
    let mut authors = HashMap::new();
    // What a damaged part still gave is used.
    let _ = xml::walk(text, |mark| {
        if let Mark::Start(tag) = mark
            && tag.local_name().as_ref() == b"cmAuthor"
            && let (Some(id), Some(name)) = (number(tag, b"id"), attribute(tag, b"name"))
        {
            let initials =
                attribute(tag, b"initials").map_or(String::new(), |initials| format!(" ({initials})"));
            authors.insert(id, format!("{name}{initials}"));
        }
    });
    authors
}

/// `<p:cm authorId dt><p:text>` or `<comment authorId>…<t>`; a workbook lists its authors first.
pub fn push(text: &str, authors: &HashMap<usize, String>, builder: &mut Builder) {
    let mut authors = authors.clone();
    let (mut listed, mut in_author, mut in_text) = (0, false, false);
    let (mut author, mut time, mut words) = (String::new(), String::new(), String::new());
    // What a damaged part still gave is used.
    let _ = xml::walk(text, |mark| match mark {
        Mark::Start(tag) => match tag.local_name().as_ref() {
            b"author" => in_author = true,
            b"cm" | b"comment" => {
                let id = number(tag, b"authorId");
                author = id.and_then(|id| authors.get(&id).cloned()).unwrap_or_default();
                time = attribute(tag, b"dt").map_or(String::new(), |time| format!(", time: {time}"));
                words.clear();
            }
            b"text" | b"t" => in_text = true,
            _ => {}
        },
        Mark::End(name) => match name {
            b"author" => {
                in_author = false;
                listed += 1;
            }
            b"text" | b"t" => in_text = false,
            // A copy for old programs of what stands among the threaded comments.
            b"comment" if author.starts_with("tc=") => {}
            b"cm" | b"comment" if !words.trim().is_empty() => {
                let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
                builder.push(BlockKind::Paragraph, &format!("[author: {author}{time}]: {words}"));
            }
            _ => {}
        },
        Mark::Text(text) if in_author => authors.entry(listed).or_default().push_str(text),
        Mark::Text(text) if in_text => words.push_str(text),
        Mark::Text(_) => {}
    });
}

/// Persons by their id: `<person displayName id>`.
pub fn persons(text: &str) -> HashMap<String, String> {
    let mut persons = HashMap::new();
    // What a damaged part still gave is used.
    let _ = xml::walk(text, |mark| {
        if let Mark::Start(tag) = mark
            && let (Some(id), Some(name)) = (attribute(tag, b"id"), attribute(tag, b"displayName"))
        {
            persons.insert(id, name);
        }
    });
    persons
}

/// `<threadedComment dT personId><text>`: comments and their replies.
pub fn push_threads(text: &str, persons: &HashMap<String, String>, builder: &mut Builder) {
    let (mut author, mut time, mut words, mut in_text) = (String::new(), String::new(), String::new(), false);
    // What a damaged part still gave is used.
    let _ = xml::walk(text, |mark| match mark {
        Mark::Start(tag) => match tag.local_name().as_ref() {
            b"threadedComment" => {
                let person = attribute(tag, b"personId").and_then(|id| persons.get(&id).cloned());
                author = person.unwrap_or_default();
                time = attribute(tag, b"dT").unwrap_or_default();
                words.clear();
            }
            b"text" => in_text = true,
            _ => {}
        },
        Mark::End(b"text") => in_text = false,
        Mark::End(b"threadedComment") => {
            let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
            builder.push(BlockKind::Paragraph, &format!("[author: {author}, time: {time}]: {words}"));
        }
        Mark::Text(text) if in_text => words.push_str(text),
        Mark::End(_) | Mark::Text(_) => {}
    });
}
