//! Blobs: bytes under a key. Local files through `object_store`; keys are made of ids, names for people are in the database.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload};
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;
use uuid::Uuid;

use crate::error::{Result, StoreError};

/// Bytes that are handed to the backend at a time.
const PART_BYTES: usize = 1 << 20;

/// The areas below a project.
const AREAS: [&str; 6] = ["raw", "chunks", "datasets", "artifacts", "logs", "exports"];

/// `{project_id}/{area}/{name…}`: letters, digits, `.`, `_`, `-` between slashes, no part starting with a dot.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BlobKey(String);

impl BlobKey {
    /// The key of something in a project's area (`raw`, `chunks`, `datasets`, `artifacts`, `logs` or `exports`).
    pub fn new(project_id: Uuid, area: &str, name: &str) -> Result<Self> {
        Self::parse(&format!("{project_id}/{area}/{name}"))
    }

    /// A stored key.
    pub fn parse(text: &str) -> Result<Self> {
        let mut parts = text.split('/');
        let is_project = parts.next().is_some_and(|part| Uuid::try_parse(part).is_ok());
        let is_area = parts.next().is_some_and(|part| AREAS.contains(&part));
        let rest: Vec<_> = parts.collect();
        let is_name = |part: &&str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        if is_project && is_area && !rest.is_empty() && rest.iter().all(is_name) {
            Ok(Self(text.to_owned()))
        } else {
            Err(StoreError::BlobKey(text.to_owned()))
        }
    }

    /// As it is stored in the database.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for BlobKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// Where.
    pub key: BlobKey,
    /// Bytes.
    pub size_bytes: u64,
    /// Of the bytes, 64 hexadecimal digits.
    pub sha256: String,
}

/// The blob store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    local_root: Option<PathBuf>,
}

impl Blobs {
    /// Blobs as files below a folder, which is created if need be.
    pub fn local(root: &Path) -> Result<Self> {
        let failed = |reason: String| StoreError::Storage { key: root.display().to_string(), reason };
        std::fs::create_dir_all(root).map_err(|error| failed(error.to_string()))?;
        let root = root.canonicalize().map_err(|error| failed(error.to_string()))?;
        let store = LocalFileSystem::new_with_prefix(&root).map_err(|error| failed(error.to_string()))?;
        Ok(Self { store: Arc::new(store.with_fsync(true)), local_root: Some(root) })
    }

    /// Stores what the stream yields, hashing on the way. The blob appears under its key when all of it is there; on an
    /// error, or with more than `limit_bytes`, nothing does.
    pub async fn put_stream<E: std::fmt::Display>(
        &self,
        key: &BlobKey,
        mut content: impl Stream<Item = Result<Bytes, E>> + Unpin,
        limit_bytes: u64,
    ) -> Result<Blob> {
        let mut upload =
            self.store.put_multipart(&location(key)).await.map_err(|error| storage(key, &error))?;
        let mut sink = Sink { digest: Sha256::new(), size_bytes: 0, part: Vec::with_capacity(PART_BYTES) };
        let outcome = loop {
            match content.next().await {
                None => break sink.flush(upload.as_mut(), key).await,
                Some(Err(error)) => break Err(StoreError::Content(error.to_string())),
                Some(Ok(bytes)) => {
                    if let Err(error) = sink.take(upload.as_mut(), key, &bytes, limit_bytes).await {
                        break Err(error);
                    }
                }
            }
        };
        let outcome = match outcome {
            Ok(()) => upload.complete().await.map(drop).map_err(|error| storage(key, &error)),
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            if let Err(abort) = upload.abort().await {
                tracing::debug!(%key, %abort, "an unfinished upload was left to the next cleaning");
            }
            return Err(error);
        }
        Ok(Blob {
            key: key.clone(),
            size_bytes: sink.size_bytes,
            sha256: hexadecimal(&sink.digest.finalize()),
        })
    }

    /// Stores bytes that are in memory.
    pub async fn put(&self, key: &BlobKey, bytes: impl Into<Bytes>) -> Result<Blob> {
        let bytes = bytes.into();
        let sha256 = hexadecimal(&Sha256::digest(&bytes));
        let size_bytes = bytes.len() as u64;
        self.store
            .put(&location(key), PutPayload::from_bytes(bytes))
            .await
            .map_err(|error| storage(key, &error))?;
        Ok(Blob { key: key.clone(), size_bytes, sha256 })
    }

    /// Stores a copy of a file.
    pub async fn put_file(&self, key: &BlobKey, path: &Path) -> Result<Blob> {
        let failed = |error: std::io::Error| StoreError::Content(format!("{}: {error}", path.display()));
        let file = tokio::fs::File::open(path).await.map_err(failed)?;
        let content = futures::stream::try_unfold(file, |mut file| async move {
            let mut part = vec![0; PART_BYTES];
            let count = file.read(&mut part).await?;
            part.truncate(count);
            Ok::<_, std::io::Error>((count > 0).then(|| (Bytes::from(part), file)))
        });
        self.put_stream(key, Box::pin(content), u64::MAX).await
    }

    /// All bytes of a blob.
    pub async fn get(&self, key: &BlobKey) -> Result<Bytes> {
        let found = self.store.get(&location(key)).await.map_err(|error| storage(key, &error))?;
        found.bytes().await.map_err(|error| storage(key, &error))
    }

    /// A blob's bytes as they are read.
    pub async fn get_stream(
        &self,
        key: &BlobKey,
    ) -> Result<impl Stream<Item = Result<Bytes>> + Send + 'static> {
        let found = self.store.get(&location(key)).await.map_err(|error| storage(key, &error))?;
        let key = key.clone();
        Ok(found.into_stream().map_err(move |error| storage(&key, &error)))
    }

    /// Part of a blob; the range must begin inside it.
    pub async fn get_range(&self, key: &BlobKey, range: Range<u64>) -> Result<Bytes> {
        self.store.get_range(&location(key), range).await.map_err(|error| storage(key, &error))
    }

    /// A blob's size in bytes.
    pub async fn size(&self, key: &BlobKey) -> Result<u64> {
        Ok(self.store.head(&location(key)).await.map_err(|error| storage(key, &error))?.size)
    }

    /// Keys in a project's area, sorted.
    pub async fn list(&self, project_id: Uuid, area: &str) -> Result<Vec<BlobKey>> {
        let prefix = ObjectPath::from(format!("{project_id}/{area}"));
        let found: Vec<_> =
            self.store.list(Some(&prefix)).try_collect().await.map_err(|error| StoreError::Storage {
                key: prefix.to_string(),
                reason: error.to_string(),
            })?;
        let mut keys: Vec<_> =
            found.iter().filter_map(|meta| BlobKey::parse(meta.location.as_ref()).ok()).collect();
        keys.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(keys)
    }

    /// Deletes a blob; one that is not there is fine.
    pub async fn delete(&self, key: &BlobKey) -> Result<()> {
        match self.store.delete(&location(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(storage(key, &error)),
        }
    }

    /// Deletes everything of a project.
    pub async fn delete_project(&self, project_id: Uuid) -> Result<()> {
        self.delete_below(&project_id.to_string()).await
    }

    /// Deletes a folder: everything below a key, which programs may have written there too. None is fine.
    pub async fn delete_folder(&self, key: &BlobKey) -> Result<()> {
        self.delete_below(key.as_str()).await
    }

    async fn delete_below(&self, folder: &str) -> Result<()> {
        let failed = |reason: String| StoreError::Storage { key: folder.to_owned(), reason };
        if let Some(root) = &self.local_root {
            return match tokio::fs::remove_dir_all(root.join(folder)).await {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(error.to_string())),
                _ => Ok(()),
            };
        }
        let prefix = ObjectPath::from(folder);
        let all: Vec<_> =
            self.store.list(Some(&prefix)).try_collect().await.map_err(|e| failed(e.to_string()))?;
        for meta in all {
            self.store.delete(&meta.location).await.map_err(|error| failed(error.to_string()))?;
        }
        Ok(())
    }

    /// The blob's path where blobs are local files, whether or not it is there. A folder may stand there too, for programs
    /// that write several files.
    pub fn local_path(&self, key: &BlobKey) -> Option<PathBuf> {
        self.local_root.as_ref().map(|root| root.join(&key.0))
    }

    /// Writes and deletes a few bytes. An error says why that does not work.
    pub async fn ping(&self) -> Result<()> {
        let key = BlobKey::new(Uuid::nil(), "logs", "ping")?;
        self.put(&key, Bytes::from_static(b"ping")).await?;
        self.delete(&key).await
    }
}

/// Gathers small pieces into parts.
struct Sink {
    digest: Sha256,
    size_bytes: u64,
    part: Vec<u8>,
}

impl Sink {
    async fn take(
        &mut self,
        upload: &mut dyn MultipartUpload,
        key: &BlobKey,
        bytes: &[u8],
        limit_bytes: u64,
    ) -> Result<()> {
        self.size_bytes += bytes.len() as u64;
        if self.size_bytes > limit_bytes {
            return Err(StoreError::TooLarge { limit_bytes });
        }
        self.digest.update(bytes);
        self.part.extend_from_slice(bytes);
        if self.part.len() >= PART_BYTES { self.flush(upload, key).await } else { Ok(()) }
    }

    async fn flush(&mut self, upload: &mut dyn MultipartUpload, key: &BlobKey) -> Result<()> {
        let part = std::mem::replace(&mut self.part, Vec::with_capacity(PART_BYTES));
        upload.put_part(PutPayload::from(part)).await.map_err(|error| storage(key, &error))
    }
}

fn location(key: &BlobKey) -> ObjectPath {
    // A key holds nothing that would be encoded.
    ObjectPath::from(key.as_str())
}

fn storage(key: &BlobKey, error: &object_store::Error) -> StoreError {
    match error {
        object_store::Error::NotFound { .. } => StoreError::not_found("stored content", key),
        error => StoreError::Storage { key: key.to_string(), reason: error.to_string() },
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
