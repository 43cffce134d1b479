//! A model's files into the cache: those that are missing, each behind what an earlier attempt left, all checked.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt;
use reqwest::StatusCode;
use reqwest::header::CONTENT_RANGE;

use super::blob::{Finished, Lock, Partial};
use super::cache::Cache;
use super::client::{Client, spread, unreachable};
use super::listing::{Repository, Wanted};
use super::{HubError, RepoId};
use crate::machine;

/// Between two looks at a lock that another program has.
const LOCK_LOOK: Duration = Duration::from_millis(500);
/// Written at once.
const BUFFER_BYTES: usize = 1 << 20;
/// An attempt that brought at least so much does not count as a failed one.
const WORTH_BYTES: u64 = 1 << 20;
/// Stays free on the disk.
const RESERVE_BYTES: u64 = 64 << 20;

/// What is to be downloaded.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The repository.
    pub repo: RepoId,
    /// The branch, tag or commit that was asked for.
    pub revision: String,
    /// The commit that it was at.
    pub commit: String,
    /// Every file, those that are there too.
    pub files: Vec<Wanted>,
}

impl Plan {
    /// The files of a repository that are taken.
    ///
    /// # Errors
    /// As [`Repository::wanted`].
    pub fn of(client: &Client, repository: &Repository, revision: &str) -> Result<Self, HubError> {
        Ok(Self {
            repo: repository.repo.clone(),
            revision: revision.to_owned(),
            commit: repository.commit.clone(),
            files: repository.wanted(client.address())?,
        })
    }

    /// Of all files.
    pub fn total_bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.size_bytes))
    }

    /// Of what is not in the cache yet.
    pub fn missing_bytes(&self, cache: &Cache) -> u64 {
        let missing = |file: &Wanted| file.size_bytes - cache.present_bytes(&self.repo, file);
        self.files.iter().fold(0, |sum, file| sum.saturating_add(missing(file)))
    }

    /// Refuses what would fill the disk.
    ///
    /// # Errors
    /// [`HubError::DiskFull`].
    pub fn check_disk(&self, cache: &Cache) -> Result<(), HubError> {
        let needed_bytes = self.missing_bytes(cache);
        let free_bytes = machine::disk(cache.root()).map_or(u64::MAX, |disk| disk.free_bytes);
        if needed_bytes == 0 || needed_bytes.saturating_add(RESERVE_BYTES) <= free_bytes {
            return Ok(());
        }
        let (repo, path) = (self.repo.to_string(), cache.root().to_owned());
        Err(HubError::DiskFull { repo, path, needed_bytes, free_bytes })
    }
}

/// Downloads what is missing and answers the model's folder. `done` is told the bytes that are there. What is written stays
/// when this is dropped, and is gone on with the next time.
///
/// # Errors
/// See [`HubError`].
pub async fn download(
    client: &Client,
    cache: &Cache,
    plan: &Plan,
    done: &AtomicU64,
) -> Result<PathBuf, HubError> {
    plan.check_disk(cache)?;
    cache.prepare(&plan.repo, &plan.commit)?;
    let mut before = 0;
    for file in &plan.files {
        let told = |written: u64| done.store(before + written, Ordering::Relaxed);
        fetch(client, cache, plan, file, &told).await?;
        cache.show(&plan.repo, &plan.commit, file)?;
        before += file.size_bytes;
        done.store(before, Ordering::Relaxed);
    }
    cache.note(&plan.repo, &plan.revision, &plan.commit)?;
    Ok(cache.snapshot(&plan.repo, &plan.commit))
}

/// One file, if its bytes are not there yet.
async fn fetch(
    client: &Client,
    cache: &Cache,
    plan: &Plan,
    file: &Wanted,
    told: &(dyn Fn(u64) + Sync),
) -> Result<(), HubError> {
    let repo = &plan.repo;
    if cache.has(repo, file) {
        return Ok(());
    }
    let lock = loop {
        match Lock::try_take(&cache.lock(repo, &file.hash))? {
            Some(lock) => break lock,
            None => tokio::time::sleep(LOCK_LOOK).await,
        }
    };
    // Whoever had the lock may have brought it.
    if cache.has(repo, file) {
        return Ok(());
    }
    let (path, hash, size) = (cache.incomplete(repo, &file.hash), file.hash.clone(), file.size_bytes);
    let mut partial = blocking(move || Partial::open(path, hash, size, lock)).await?;
    let mut attempt = 1;
    loop {
        let before = partial.written();
        let error = match append_rest(client, plan, file, &mut partial, told).await {
            Ok(()) => {
                let (place, resumed) = (cache.blob(repo, &file.hash), partial.was_resumed());
                let Some(found) = finish(partial, place).await? else { return Ok(()) };
                return match resumed {
                    // The fault may lie in what was left here: once from the beginning.
                    true => Box::pin(fetch(client, cache, plan, file, told)).await,
                    false => Err(wrong_hash(plan, file, found)),
                };
            }
            Err(error) => error,
        };
        if partial.written() >= before.saturating_add(WORTH_BYTES) {
            attempt = 1;
        }
        let Some(pause) = client.patience().pause(attempt, &error, spread()) else { return Err(error) };
        tracing::warn!(%repo, file = file.name, %error, ?pause, "the download is tried again");
        tokio::time::sleep(pause).await;
        attempt += 1;
    }
}

fn wrong_hash(plan: &Plan, file: &Wanted, found: String) -> HubError {
    let (repo, name) = (plan.repo.to_string(), file.name.clone());
    HubError::WrongHash { repo, file: name, expected: file.hash.as_str().to_owned(), found }
}

/// The other hash that the whole has, if it has.
async fn finish(partial: Partial, place: PathBuf) -> Result<Option<String>, HubError> {
    match blocking(move || partial.finish(&place)).await? {
        Finished::Whole => Ok(None),
        Finished::Wrong(found) => Ok(Some(found)),
    }
}

/// Asks for what is missing and writes it down. An error leaves what came until then.
async fn append_rest(
    client: &Client,
    plan: &Plan,
    file: &Wanted,
    partial: &mut Partial,
    told: &(dyn Fn(u64) + Sync),
) -> Result<(), HubError> {
    told(partial.written());
    if partial.missing() == 0 {
        return Ok(());
    }
    let response = client.open_file(&plan.repo, &plan.commit, file, partial.written()).await?;
    match response.status() {
        StatusCode::PARTIAL_CONTENT => {
            let range = response.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
            let expected = format!("bytes {}-{}/{}", partial.written(), file.size_bytes - 1, file.size_bytes);
            if range != Some(expected.as_str()) {
                let range = range.unwrap_or("nothing");
                return Err(client.bad(format!("of {} it sends {range} instead of {expected}", file.name)));
            }
        }
        // Everything from the beginning, whatever was asked for.
        _ => partial.restart()?,
    }
    let announced = response.content_length();
    if announced.is_some_and(|announced| announced != partial.missing()) {
        return Err(wrong_length(client, file));
    }
    let url = response.url().clone();
    let mut body = response.bytes_stream();
    let mut buffer = Vec::with_capacity(BUFFER_BYTES);
    loop {
        let part = body.next().await;
        let ended = !matches!(part, Some(Ok(_)));
        if let Some(Ok(part)) = &part {
            if (buffer.len() + part.len()) as u64 > partial.missing() {
                return Err(wrong_length(client, file));
            }
            buffer.extend_from_slice(part);
        }
        if ended || buffer.len() >= BUFFER_BYTES {
            // A megabyte goes into the system's memory within a millisecond; hashing it takes no longer.
            partial.append(&buffer)?;
            buffer.clear();
            told(partial.written());
            tokio::task::yield_now().await;
        }
        match part {
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(unreachable(&url, &error)),
            None if partial.missing() > 0 => {
                let reason = format!("{} ended {} bytes too early", file.name, partial.missing());
                return Err(HubError::Unreachable { address: url.origin().ascii_serialization(), reason });
            }
            None => return Ok(()),
        }
    }
}

fn wrong_length(client: &Client, file: &Wanted) -> HubError {
    client.bad(format!("{} has not the {} bytes that the listing names", file.name, file.size_bytes))
}

/// Work that reads or writes whole files, on a thread of its own.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, HubError> + Send + 'static,
) -> Result<T, HubError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => Err(HubError::Storage {
            path: PathBuf::new(),
            reason: format!("an error of the program: {error}"),
        }),
    }
}
