//! Blobs as local files.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use store::{BlobKey, Blobs, StoreError};
use uuid::Uuid;

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn files_below(folder: &std::path::Path) -> usize {
    std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .map(|path| if path.is_dir() { files_below(&path) } else { 1 })
        .sum()
}

#[tokio::test]
async fn content_is_streamed_in_hashed_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::local(folder.path()).unwrap();
    let project = Uuid::now_v7();
    let key = BlobKey::new(project, "raw", "a.pdf").unwrap();
    let parts: Vec<Result<Bytes, std::io::Error>> =
        (0..300u32).map(|number| Ok(Bytes::from(vec![number as u8; 10_007]))).collect();
    let blob = blobs.put_stream(&key, stream::iter(parts), 10_000_000).await.unwrap();
    assert_eq!(blob.size_bytes, 300 * 10_007);
    let whole = blobs.get(&key).await.unwrap();
    let path = blobs.local_path(&key).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), whole);
    let copy = BlobKey::new(project, "exports", "run/a.pdf").unwrap();
    assert_eq!(blobs.put_file(&copy, &path).await.unwrap().sha256, blob.sha256);
    assert_eq!(blobs.size(&copy).await.unwrap(), blob.size_bytes);

    assert_eq!(blobs.get_range(&key, 10_006..10_009).await.unwrap().as_ref(), [0, 1, 1]);
    let streamed: Vec<Bytes> = blobs.get_stream(&key).await.unwrap().try_collect().await.unwrap();
    assert_eq!(streamed.concat(), whole);
    assert_eq!(blobs.list(project, "raw").await.unwrap(), std::slice::from_ref(&key));

    let empty = blobs.put_stream(&key, stream::empty::<Result<Bytes, std::io::Error>>(), 0).await.unwrap();
    assert_eq!((empty.size_bytes, empty.sha256.as_str()), (0, EMPTY));
    blobs.delete(&key).await.unwrap();
    blobs.delete(&key).await.unwrap();
    assert!(blobs.get(&key).await.unwrap_err().is_not_found());
    blobs.ping().await.unwrap();
    blobs.delete_project(project).await.unwrap();
    blobs.delete_project(project).await.unwrap();
    assert_eq!(files_below(folder.path()), 0);
}

#[tokio::test]
async fn what_does_not_arrive_whole_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::local(folder.path()).unwrap();
    let key = BlobKey::new(Uuid::now_v7(), "raw", "a").unwrap();
    let part = || Ok::<_, std::io::Error>(Bytes::from(vec![7; 1 << 20]));
    let endless = stream::repeat_with(part).boxed();
    let outcome = blobs.put_stream(&key, endless, 5_000_000).await;
    assert!(matches!(outcome, Err(StoreError::TooLarge { limit_bytes: 5_000_000 })), "{outcome:?}");
    let broken = stream::iter([part(), part(), Err(std::io::Error::other("connection reset"))]);
    let error = blobs.put_stream(&key, broken, u64::MAX).await.unwrap_err();
    assert!(error.to_string().contains("connection reset"), "{error}");
    assert!(blobs.get(&key).await.unwrap_err().is_not_found());
    assert_eq!(files_below(folder.path()), 0);
}

#[test]
fn keys_lead_nowhere_else() {
    let project = Uuid::now_v7();
    for name in ["", "..", "../x", "a/../b", "/a", "a//b", ".hidden", "a b", "é", "a\\b", "a\0"] {
        assert!(BlobKey::new(project, "raw", name).is_err(), "{name:?}");
    }
    assert!(BlobKey::new(project, "elsewhere", "a").is_err());
    for text in ["", "raw/a", "not-an-id/raw/a", &format!("{project}/raw")] {
        assert!(BlobKey::parse(text).is_err(), "{text:?}");
    }
    let key = BlobKey::new(project, "artifacts", "run-1/adapter_model.safetensors").unwrap();
    assert_eq!(BlobKey::parse(key.as_str()).unwrap(), key);
}
