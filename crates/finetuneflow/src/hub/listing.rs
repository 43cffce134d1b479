//! What a repository holds at a commit, and which of its files are taken: weights in safetensors, JSON, tokenizer, templates,
//! licence. Names are checked before anything is done with them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::blob::BlobHash;
use super::reference::is_commit;
use super::{HubError, RepoId};

/// More files than any model has.
const MAX_FILES: usize = 100_000;

/// A repository at a commit.
#[derive(Clone, Debug)]
pub struct Repository {
    /// Which one.
    pub repo: RepoId,
    /// What is pinned.
    pub commit: String,
    /// A licence must be accepted before its files are handed out.
    pub gated: bool,
    /// As its card says.
    pub license: Option<String>,
    /// Number of weights, as the hub counts them in the safetensors headers.
    pub parameters: Option<u64>,
    /// `model_type` of its configuration.
    pub family: Option<String>,
    files: Vec<Sibling>,
}

/// A file that is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its name in the repository: no folder.
    pub name: String,
    /// Its length.
    pub size_bytes: u64,
    /// What its bytes must be.
    pub hash: BlobHash,
}

/// The hub's answer about a repository.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    sha: Option<String>,
    #[serde(default)]
    gated: Value,
    #[serde(default)]
    card_data: Value,
    #[serde(default)]
    safetensors: Value,
    #[serde(default)]
    config: Value,
    #[serde(default)]
    siblings: Vec<Sibling>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    blob_id: Option<String>,
    lfs: Option<Lfs>,
}

#[derive(Clone, Debug, Deserialize)]
struct Lfs {
    sha256: String,
    size: Option<u64>,
}

/// The number of weights in a `safetensors` object of the hub.
pub(super) fn parameters_of(safetensors: &Value) -> Option<u64> {
    let counted = || {
        let by_type: BTreeMap<String, u64> =
            serde_json::from_value(safetensors.get("parameters")?.clone()).ok()?;
        Some(by_type.values().sum())
    };
    safetensors.get("total").and_then(Value::as_u64).or_else(counted)
}

/// `gated` is false, or how access is given.
pub(super) fn is_gated(gated: &Value) -> bool {
    !matches!(gated, Value::Null | Value::Bool(false))
}

impl Repository {
    /// Reads the hub's answer. Every name in it is checked, those of files that are not taken too: a server that names
    /// such things is not to be trusted with the others.
    pub(super) fn of(address: &str, repo: &RepoId, answer: Answer) -> Result<Self, HubError> {
        let bad = |reason: String| HubError::BadAnswer { address: address.to_owned(), reason };
        let commit = answer.sha.filter(|sha| is_commit(sha));
        let commit = commit.ok_or_else(|| bad(format!("it names no commit of {repo}")))?;
        if answer.siblings.len() > MAX_FILES {
            return Err(bad(format!("{repo} has more than {MAX_FILES} files")));
        }
        if let Some(evil) = answer.siblings.iter().find(|file| !is_safe(&file.rfilename)) {
            return Err(bad(format!("{repo} has a file named {:?}, which is no safe name", evil.rfilename)));
        }
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        // `license: other` is followed by the name.
        let license = match text(&answer.card_data["license"]).as_deref() {
            Some("other") => text(&answer.card_data["license_name"]).or_else(|| Some("other".to_owned())),
            license => license.map(str::to_owned),
        };
        Ok(Self {
            repo: repo.clone(),
            commit,
            gated: is_gated(&answer.gated),
            license,
            parameters: parameters_of(&answer.safetensors),
            family: text(&answer.config["model_type"]),
            files: answer.siblings,
        })
    }

    /// Whether it has a file of this name.
    pub fn has(&self, name: &str) -> bool {
        self.files.iter().any(|file| file.rfilename == name)
    }

    /// The files that are taken, small ones first.
    ///
    /// # Errors
    /// Where there are no weights in safetensors, or the listing leaves out what a download is checked against.
    pub fn wanted(&self, address: &str) -> Result<Vec<Wanted>, HubError> {
        let one_file = self.has("model.safetensors");
        let is_weights = |name: &str| match one_file {
            true => name == "model.safetensors",
            false => is_shard(name),
        };
        if !self.files.iter().any(|file| is_weights(&file.rfilename)) {
            return Err(HubError::NoSafetensors { repo: self.repo.to_string(), found: self.other_weights() });
        }
        let taken = self.files.iter().filter(|file| {
            let name = file.rfilename.as_str();
            is_weights(name) || (is_small(name) && !(one_file && name == "model.safetensors.index.json"))
        });
        let mut wanted = taken.map(|file| file.wanted(address, &self.repo)).collect::<Result<Vec<_>, _>>()?;
        wanted.sort_by(|a, b| (a.size_bytes, &a.name).cmp(&(b.size_bytes, &b.name)));
        wanted.dedup_by(|a, b| a.name == b.name);
        Ok(wanted)
    }

    /// What a repository without safetensors has instead, in words.
    fn other_weights(&self) -> String {
        let has = |endings: &[&str]| {
            self.files.iter().any(|file| endings.iter().any(|ending| file.rfilename.ends_with(ending)))
        };
        if has(&["adapter_model.safetensors"]) {
            "only an adapter".to_owned()
        } else if has(&[".bin", ".pt", ".pth", ".ckpt", ".pkl"]) {
            "only pickle files, which can run code when they are read".to_owned()
        } else if has(&[".gguf"]) {
            "only GGUF files".to_owned()
        } else if has(&[".safetensors"]) {
            "its safetensors files have other names than model.safetensors".to_owned()
        } else {
            "it has no weights".to_owned()
        }
    }
}

impl Sibling {
    fn wanted(&self, address: &str, repo: &RepoId) -> Result<Wanted, HubError> {
        let (hash, size) = match &self.lfs {
            Some(lfs) => (BlobHash::sha256(&lfs.sha256), lfs.size.or(self.size)),
            None => (self.blob_id.as_deref().and_then(BlobHash::git_sha1), self.size),
        };
        match (hash, size) {
            (Some(hash), Some(size_bytes)) => Ok(Wanted { name: self.rfilename.clone(), size_bytes, hash }),
            _ => {
                let reason = format!("it names no size and hash of {} in {repo}", self.rfilename);
                Err(HubError::BadAnswer { address: address.to_owned(), reason })
            }
        }
    }
}

/// `model-00001-of-00004.safetensors`.
fn is_shard(name: &str) -> bool {
    let numbers =
        name.strip_prefix("model-").and_then(|name| name.strip_suffix(".safetensors")?.split_once("-of-"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    numbers.is_some_and(|(number, count)| is_number(number) && is_number(count))
}

/// What is taken beside the weights, of the repository's top folder alone.
fn is_small(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let is_text = ["license", "licence", "notice", "use_policy"].iter().any(|word| lower.starts_with(word));
    !name.contains('/')
        && (lower.ends_with(".json")
            || lower.ends_with(".jinja")
            || matches!(name, "tokenizer.model" | "merges.txt" | "vocab.txt" | "README.md")
            || (is_text && (!lower.contains('.') || lower.ends_with(".txt") || lower.ends_with(".md"))))
}

/// Whether a name stays inside the folder on every system.
fn is_safe(name: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.ends_with(['.', ' ']);
    name.len() <= 1000
        && !name.chars().any(|letter| letter.is_control() || matches!(letter, '\\' | ':'))
        && name.split('/').all(is_part)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn repository(siblings: Value) -> Result<Repository, HubError> {
        let answer = json!({ "sha": "a".repeat(40), "gated": "manual", "siblings": siblings,
            "cardData": { "license": "other", "license_name": "gemma" }, "safetensors": { "parameters": { "BF16": 5, "F32": 2 } } });
        Repository::of(
            "http://hub.test",
            &RepoId::parse("a/b").unwrap(),
            serde_json::from_value(answer).unwrap(),
        )
    }

    fn listed(names: &[&str]) -> Value {
        let file = |name: &&str| json!({ "rfilename": name, "size": 3, "blobId": "b".repeat(40) });
        names.iter().map(file).collect()
    }

    fn names(files: &[&str]) -> Result<Vec<String>, HubError> {
        let wanted = repository(listed(files))?.wanted("http://hub.test")?;
        Ok(wanted.into_iter().map(|file| file.name).collect())
    }

    #[test]
    fn only_what_is_safe_and_needed_is_taken() {
        let all = [
            "model.safetensors",
            "consolidated.safetensors",
            "pytorch_model.bin",
            "config.json",
            "tokenizer.model",
            "chat_template.jinja",
            "LICENSE",
            "LICENSE.exe",
            "README.md",
            "modeling_evil.py",
            "onnx/config.json",
            "original/model.safetensors",
        ];
        let expected = [
            "LICENSE",
            "README.md",
            "chat_template.jinja",
            "config.json",
            "model.safetensors",
            "tokenizer.model",
        ];
        assert_eq!(names(&all).unwrap(), expected);
        let sharded = [
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
            "model.safetensors.index.json",
            "model-x-of-2.safetensors",
        ];
        assert_eq!(names(&sharded).unwrap(), sharded[..3]);
    }

    #[test]
    fn what_is_there_instead_of_safetensors_is_said() {
        for (files, words) in [
            (&["pytorch_model.bin"][..], "pickle"),
            (&["adapter_model.safetensors"], "adapter"),
            (&["x-q4.gguf"], "GGUF"),
            (&["consolidated.safetensors"], "other names"),
            (&["README.md"], "no weights"),
        ] {
            let error = names(files).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn names_that_lead_out_are_refused_with_the_whole_listing() {
        for name in [
            "../x.json",
            "/etc/passwd",
            "a/../../x",
            "a\\..\\x.json",
            "C:x.json",
            "a//b",
            "a/./b",
            "",
            "x\0.json",
            "x. ",
        ] {
            let error = repository(listed(&["config.json", name])).unwrap_err().to_string();
            assert!(error.contains("no safe name"), "{name:?}: {error}");
        }
    }

    #[test]
    fn facts_are_read_and_missing_hashes_refused() {
        let read = repository(listed(&[])).unwrap();
        assert_eq!((read.gated, read.parameters, read.license.as_deref()), (true, Some(7), Some("gemma")));
        let bare = repository(json!([{ "rfilename": "model.safetensors" }])).unwrap();
        assert!(bare.wanted("http://hub.test").unwrap_err().to_string().contains("no size and hash"));
    }
}
