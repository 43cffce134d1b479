//! Names of models as people type and paste them, and the names that the hub takes.

use std::fmt;

use super::ollama_names;

/// Longest part of a name.
const MAX_PART: usize = 96;

/// A repository of models: `organisation/name`, spelled as the hub allows. Also safe as a folder's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RepoId(String);

impl RepoId {
    /// The id, if it is one.
    pub fn parse(text: &str) -> Option<Self> {
        let (organisation, name) = text.split_once('/')?;
        (is_part(organisation) && is_part(name)).then(|| Self(text.to_owned()))
    }

    /// `organisation/name`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folder in the cache, as `huggingface_hub` names it.
    pub fn folder_name(&self) -> String {
        format!("models--{}", self.0.replace('/', "--"))
    }

    /// The repository of a folder in the cache.
    pub fn of_folder(name: &str) -> Option<Self> {
        let (organisation, name) = name.strip_prefix("models--")?.split_once("--")?;
        Self::parse(&format!("{organisation}/{name}"))
    }
}

impl fmt::Display for RepoId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Letters, digits, `-`, `_` and `.`; no `-` or `.` at the ends; neither `--` nor `..` inside.
fn is_part(part: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    (1..=MAX_PART).contains(&part.len())
        && part.chars().all(is_letter)
        && !part.starts_with(['-', '.'])
        && !part.ends_with(['-', '.'])
        && !part.contains("--")
        && !part.contains("..")
}

/// Whether this can be a branch, a tag or a commit, and a file below `refs/`.
pub fn is_revision(text: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "-_.+".contains(letter);
    let is_part = |part: &str| !part.is_empty() && !part.starts_with('.') && part.chars().all(is_letter);
    text.len() <= 200 && text.split('/').all(is_part)
}

/// Whether this is a commit's full name.
pub fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A model of the hub, as somebody wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The repository.
    pub repo: RepoId,
    /// Branch, tag or commit, where one was named.
    pub revision: Option<String>,
    /// The Ollama model that was written, where it was one.
    pub ollama: Option<String>,
}

impl Reference {
    /// Reads `org/name`, `org/name@revision`, an address of a model's page, or the name of a model in Ollama's library
    /// (`llama3.2:1b`). `None` where it is none of these; `endpoint_host` is the hub's own, beside those that are known.
    pub fn parse(text: &str, endpoint_host: Option<&str>) -> Option<Self> {
        let text = text.trim();
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, text),
        };
        if scheme.is_some_and(|scheme| !matches!(scheme, "http" | "https" | "hf")) {
            return None;
        }
        let rest = rest.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
        if scheme == Some("hf") {
            return Self::of_name(rest);
        }
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = host.rsplit('@').next().unwrap_or(host).to_ascii_lowercase();
        let without_port = host.split(':').next().unwrap_or_default();
        if ["huggingface.co", "www.huggingface.co", "hf.co"].contains(&without_port)
            || (endpoint_host == Some(without_port) && scheme.is_some())
        {
            return Self::of_path(path);
        }
        if ["ollama.com", "www.ollama.com", "registry.ollama.ai"].contains(&without_port) {
            return Self::of_ollama(path.trim_start_matches("library/"));
        }
        if scheme.is_some() { None } else { Self::of_name(rest) }
    }

    /// What stands behind the host of a page: `org/name[/tree/revision[/…]]`.
    fn of_path(path: &str) -> Option<Self> {
        let mut parts = path.split('/');
        // Ollama writes `hf.co/org/name:Q4_K_M`.
        let (organisation, name) = (parts.next()?, parts.next()?.split(':').next()?);
        if matches!(organisation, "datasets" | "spaces" | "docs" | "papers" | "collections" | "api") {
            return None;
        }
        let repo = RepoId::parse(&format!("{organisation}/{name}"))?;
        let revision = match parts.next() {
            Some("tree" | "blob" | "resolve" | "commit") => parts.next().map(|part| part.replace("%2F", "/")),
            _ => None,
        };
        let revision = revision.filter(|revision| is_revision(revision));
        Some(Self { repo, revision, ollama: None })
    }

    fn of_name(text: &str) -> Option<Self> {
        let (name, revision) = match text.split_once('@') {
            Some((name, revision)) => (name, Some(revision)),
            None => (text, None),
        };
        if revision.is_some_and(|revision| !is_revision(revision)) {
            return None;
        }
        match RepoId::parse(name) {
            Some(repo) => Some(Self { repo, revision: revision.map(str::to_owned), ollama: None }),
            None => Self::of_ollama(text),
        }
    }

    fn of_ollama(text: &str) -> Option<Self> {
        let text = text.trim_start_matches("library/");
        let repo = RepoId::parse(ollama_names::base_of(text)?)?;
        Some(Self { repo, revision: None, ollama: Some(text.to_owned()) })
    }

    /// The revision, or the one that repositories have.
    pub fn revision(&self) -> &str {
        self.revision.as_deref().unwrap_or("main")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_repositories_are_the_hubs() {
        for (text, good) in [
            ("Qwen/Qwen2.5-0.5B", true),
            ("a_b/c.d", true),
            ("gpt2", false),
            ("a/b/c", false),
            ("../b", false),
            ("a/..", false),
            ("a/b--c", false),
            ("a/.b", false),
            ("a/b-", false),
            ("a/é", false),
            ("a\\b/c", false),
            ("/etc/passwd", false),
        ] {
            assert_eq!(RepoId::parse(text).is_some(), good, "{text}");
        }
        let repo = RepoId::parse("Qwen/Qwen2.5-0.5B").unwrap();
        assert_eq!(repo.folder_name(), "models--Qwen--Qwen2.5-0.5B");
        assert_eq!(RepoId::of_folder(&repo.folder_name()), Some(repo));
        assert_eq!(RepoId::of_folder("datasets--a--b"), None);
    }

    #[test]
    fn revisions_stay_below_refs() {
        for (text, good) in [
            ("main", true),
            ("v1.0", true),
            ("refs/pr/1", true),
            ("", false),
            ("../x", false),
            ("a//b", false),
            ("/a", false),
            ("a\\b", false),
            ("a/.b", false),
        ] {
            assert_eq!(is_revision(text), good, "{text}");
        }
    }

    #[test]
    fn what_people_type_is_read() {
        for (text, expected) in [
            ("Qwen/Qwen3-0.6B", Some(("Qwen/Qwen3-0.6B", None))),
            (" Qwen/Qwen3-0.6B@v1 ", Some(("Qwen/Qwen3-0.6B", Some("v1")))),
            ("https://huggingface.co/Qwen/Qwen3-0.6B/", Some(("Qwen/Qwen3-0.6B", None))),
            ("https://huggingface.co/Qwen/Qwen3-0.6B/tree/main?x=1", Some(("Qwen/Qwen3-0.6B", Some("main")))),
            ("huggingface.co/Qwen/Qwen3-0.6B/blob/v2/a.json", Some(("Qwen/Qwen3-0.6B", Some("v2")))),
            ("https://hf.co/Qwen/Qwen3-0.6B:Q4_K_M", Some(("Qwen/Qwen3-0.6B", None))),
            ("http://hub.test:8080/Qwen/Qwen3-0.6B", Some(("Qwen/Qwen3-0.6B", None))),
            ("https://other.test/Qwen/Qwen3-0.6B", None),
            ("https://huggingface.co/datasets/a/b", None),
            ("https://ollama.com/library/smollm2:135m", Some(("HuggingFaceTB/SmolLM2-135M-Instruct", None))),
            ("smollm2:135m", Some(("HuggingFaceTB/SmolLM2-135M-Instruct", None))),
            ("nothing:1b", None),
            ("ftp://huggingface.co/a/b", None),
            ("", None),
        ] {
            let read = Reference::parse(text, Some("hub.test"));
            let read = read.as_ref().map(|read| (read.repo.as_str(), read.revision.as_deref()));
            assert_eq!(read, expected, "{text}");
        }
    }
}
