//! Office packages (ECMA-376 part 2): parts in a ZIP archive, and the relations between them.

use std::collections::HashMap;
use std::io::Cursor;

use zip::ZipArchive;

use crate::error::DocumentError;
use crate::formats::xml::{self, Mark, attribute};
use crate::formats::{Format, Input, archive};

/// An opened package.
pub struct Package<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
}

/// Where a relation leads, and the last word of its type (`slide`, `chart`, `comments`).
#[derive(Clone)]
pub struct Relation {
    pub kind: String,
    /// Full name of the part.
    pub part: String,
}

impl<'a> Package<'a> {
    pub fn open(input: &Input<'a>, format: Format) -> Result<Self, DocumentError> {
        let zip = ZipArchive::new(Cursor::new(input.bytes))
            .map_err(|error| input.damaged(format, error.to_string()))?;
        Ok(Self { zip })
    }

    /// A part's text.
    pub fn part(&mut self, name: &str) -> Option<String> {
        archive::member(&mut self.zip, name, archive::MOST_UNPACKED_BYTES)
    }

    /// The parts whose names begin and end so, in the order of the numbers in their names.
    pub fn parts(&self, prefix: &str, suffix: &str) -> Vec<String> {
        let fits = |name: &&str| {
            name.starts_with(prefix) && name.ends_with(suffix) && !name[prefix.len()..].contains('/')
        };
        let mut names: Vec<String> = self.zip.file_names().filter(fits).map(str::to_string).collect();
        let number = |name: &str| {
            name.chars().filter(char::is_ascii_digit).collect::<String>().parse::<u64>().unwrap_or(0)
        };
        names.sort_by_key(|name| (number(name), name.clone()));
        names
    }

    /// A part's relations by their ids. Those that lead outside the package are left out.
    pub fn relations(&mut self, part: &str) -> HashMap<String, Relation> {
        let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
        let mut found = HashMap::new();
        let rels = format!("{folder}/_rels/{name}.rels");
        let Some(text) = self.part(rels.trim_start_matches('/')) else { return found };
        // What a damaged part still gave is used.
        let _ = xml::walk(&text, |mark| {
            let Mark::Start(tag) = mark else { return };
            let inside = attribute(tag, b"TargetMode").as_deref() != Some("External");
            let (id, kind) = (attribute(tag, b"Id"), attribute(tag, b"Type"));
            if let (true, Some(id), Some(kind), Some(target)) = (inside, id, kind, attribute(tag, b"Target"))
            {
                let kind = kind.rsplit('/').next().unwrap_or("").to_string();
                found.insert(id, Relation { kind, part: resolve(folder, &target) });
            }
        });
        found
    }
}

/// `../charts/chart1.xml` seen from a folder.
pub fn resolve(folder: &str, target: &str) -> String {
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_string();
    }
    let mut steps: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in target.split('/') {
        match step {
            ".." => {
                steps.pop();
            }
            "." | "" => {}
            step => steps.push(step),
        }
    }
    steps.join("/")
}

#[cfg(test)]
mod tests {
    use super::resolve;

    #[test]
    fn relations_are_paths() {
        let cases = [
            ("ppt/slides", "../charts/c.xml", "ppt/charts/c.xml"),
            ("ppt", "slides/s.xml", "ppt/slides/s.xml"),
            ("ppt", "/ppt/s.xml", "ppt/s.xml"),
            ("", "../../../etc/passwd", "etc/passwd"),
        ];
        for (folder, target, expected) in cases {
            assert_eq!(resolve(folder, target), expected);
        }
    }
}
