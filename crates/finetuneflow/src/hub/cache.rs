//! The cache's layout, which `huggingface_hub` reads and writes too
//! (<https://huggingface.co/docs/huggingface_hub/guides/manage-cache>):
//!
//! ```text
//! models--org--name/blobs/<hash>            the bytes, once
//! models--org--name/refs/<revision>         the commit that a branch or tag was at
//! models--org--name/snapshots/<commit>/…    links into blobs: a model folder
//! .locks/models--org--name/<hash>.lock
//! ```

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::HubError;
use super::blob::BlobHash;
use super::listing::Wanted;
use super::reference::{RepoId, is_commit, is_revision};

/// The folder of all repositories. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// The cache in this folder, which need not be there yet.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of one repository.
    pub fn folder(&self, repo: &RepoId) -> PathBuf {
        self.root.join(repo.folder_name())
    }

    /// Where bytes with this hash are.
    pub fn blob(&self, repo: &RepoId, hash: &BlobHash) -> PathBuf {
        self.folder(repo).join("blobs").join(hash.as_str())
    }

    /// Where they are while they are written.
    pub(super) fn incomplete(&self, repo: &RepoId, hash: &BlobHash) -> PathBuf {
        self.folder(repo).join("blobs").join(format!("{}.incomplete", hash.as_str()))
    }

    pub(super) fn lock(&self, repo: &RepoId, hash: &BlobHash) -> PathBuf {
        self.root.join(".locks").join(repo.folder_name()).join(format!("{}.lock", hash.as_str()))
    }

    /// Whether a file's bytes are all there. Only its length is looked at: it got its name when its hash was right.
    pub fn has(&self, repo: &RepoId, file: &Wanted) -> bool {
        let found = fs::symlink_metadata(self.blob(repo, &file.hash));
        found.is_ok_and(|found| found.is_file() && found.len() == file.size_bytes)
    }

    /// Bytes of a file that are there, all or some.
    pub fn present_bytes(&self, repo: &RepoId, file: &Wanted) -> u64 {
        if self.has(repo, file) {
            return file.size_bytes;
        }
        let begun = fs::symlink_metadata(self.incomplete(repo, &file.hash));
        begun.map_or(0, |begun| begun.len()).min(file.size_bytes)
    }

    /// The model folder of a commit.
    pub fn snapshot(&self, repo: &RepoId, commit: &str) -> PathBuf {
        self.folder(repo).join("snapshots").join(commit)
    }

    /// The commit that a revision was at when it was last downloaded, with its folder there.
    pub fn commit_of(&self, repo: &RepoId, revision: &str) -> Option<String> {
        let commit = match is_commit(revision) {
            true => revision.to_owned(),
            false if is_revision(revision) => {
                let text = fs::read_to_string(self.folder(repo).join("refs").join(revision)).ok()?;
                text.trim().to_owned()
            }
            false => return None,
        };
        (is_commit(&commit) && self.snapshot(repo, &commit).is_dir()).then_some(commit)
    }

    /// The commit that a model is used at: `main`'s, or that of the revision that was downloaded last.
    pub fn current(&self, repo: &RepoId) -> Option<String> {
        self.commit_of(repo, "main").or_else(|| {
            let mut refs: Vec<(SystemTime, String)> = Vec::new();
            for entry in fs::read_dir(self.folder(repo).join("refs")).into_iter().flatten().flatten() {
                let revision = entry.file_name().into_string().ok();
                let changed = entry.metadata().and_then(|entry| entry.modified()).ok();
                if let (Some(revision), Some(changed)) = (revision, changed)
                    && let Some(commit) = self.commit_of(repo, &revision)
                {
                    refs.push((changed, commit));
                }
            }
            refs.into_iter().max().map(|(_, commit)| commit)
        })
    }

    /// Every repository with a model folder, by name.
    pub fn repositories(&self) -> Vec<RepoId> {
        let entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut found: Vec<_> = names.filter_map(|name| RepoId::of_folder(&name)).collect();
        found.retain(|repo| self.current(repo).is_some());
        found.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        found
    }

    /// Makes the folders that a download writes to.
    pub(super) fn prepare(&self, repo: &RepoId, commit: &str) -> Result<(), HubError> {
        for folder in [self.folder(repo).join("blobs"), self.snapshot(repo, commit)] {
            fs::create_dir_all(&folder).map_err(|error| HubError::storage(&folder, &error))?;
        }
        Ok(())
    }

    /// Shows a file in the commit's folder: a relative link, or a copy where links are not possible.
    pub(super) fn show(&self, repo: &RepoId, commit: &str, file: &Wanted) -> Result<(), HubError> {
        let place = self.snapshot(repo, commit).join(&file.name);
        let target = Path::new("../../blobs").join(file.hash.as_str());
        if fs::read_link(&place).is_ok_and(|found| found == target) {
            return Ok(());
        }
        let beside = self.snapshot(repo, commit).join(format!(".{}.new", file.hash.as_str()));
        let storage = |error: std::io::Error| HubError::storage(&place, &error);
        remove(&beside).map_err(storage)?;
        if link(&target, &beside).is_err() {
            fs::copy(self.blob(repo, &file.hash), &beside).map_err(storage)?;
        }
        fs::rename(&beside, &place).map_err(storage)
    }

    /// Notes the commit that a revision is at; nothing for a commit, which names itself.
    pub(super) fn note(&self, repo: &RepoId, revision: &str, commit: &str) -> Result<(), HubError> {
        if is_commit(revision) {
            return Ok(());
        }
        let path = self.folder(repo).join("refs").join(revision);
        let write = || {
            fs::create_dir_all(path.parent().unwrap_or(&self.root))?;
            let beside = path.with_extension(format!("new-{}", std::process::id()));
            fs::write(&beside, commit)?;
            fs::rename(&beside, &path)
        };
        write().map_err(|error: std::io::Error| HubError::storage(&path, &error))
    }

    /// Deletes a repository with all of its commits; true if it was there.
    ///
    /// # Errors
    /// What the disk reports.
    pub fn remove(&self, repo: &RepoId) -> Result<bool, HubError> {
        let folder = self.folder(repo);
        match fs::remove_dir_all(&folder) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(HubError::storage(&folder, &error)),
        }
    }
}

fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn link(target: &Path, place: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, place)
}

#[cfg(not(unix))]
fn link(_target: &Path, _place: &Path) -> std::io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_found_by_branch_by_commit_and_by_the_last_download() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path());
        let repo = RepoId::parse("a/b").unwrap();
        let (first, second) = ("1".repeat(40), "2".repeat(40));
        assert_eq!((cache.current(&repo), cache.repositories()), (None, vec![]));
        cache.prepare(&repo, &first).unwrap();
        assert_eq!(cache.current(&repo), None, "a download that has not ended is no model");
        cache.note(&repo, "v1", &first).unwrap();
        assert_eq!(cache.current(&repo), Some(first.clone()));
        cache.note(&repo, "main", &second).unwrap();
        assert_eq!(cache.current(&repo), Some(first.clone()), "main has no folder");
        cache.prepare(&repo, &second).unwrap();
        assert_eq!(cache.current(&repo), Some(second.clone()));
        assert_eq!(cache.commit_of(&repo, &first), Some(first.clone()));
        assert_eq!(cache.commit_of(&repo, "../../x"), None);
        cache.note(&repo, "refs/pr/1", &first).unwrap();
        assert_eq!(cache.commit_of(&repo, "refs/pr/1"), Some(first));
        assert_eq!(cache.repositories(), vec![repo.clone()]);
        assert!(cache.remove(&repo).unwrap() && !cache.remove(&repo).unwrap());
    }
}
