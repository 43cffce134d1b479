//! Freezing: the approved examples of a project become a dataset version, JSONL files that never change.

use datasets::SplitOptions;
use serde_json::json;
use store::dataset_versions::{self, DatasetVersion, NewDatasetVersion};
use store::examples::{self, ExampleFilter, ExampleStatus};
use store::{BlobKey, Blobs, Database};
use uuid::Uuid;

use super::JobError;
use crate::records;
use crate::words::Cause;

/// Examples that are read at a time.
const PART: u64 = 1000;

/// Freezes the approved examples: a part to train on, one of the same sections for *recall*, and, where that is asked for,
/// one of whole sections that are *held out*. The same content, shares and seed answer the same version.
pub async fn freeze(
    database: &Database,
    blobs: &Blobs,
    project_id: Uuid,
    options: SplitOptions,
) -> Result<DatasetVersion, JobError> {
    let approved = ExampleFilter { status: Some(ExampleStatus::Approved), ..ExampleFilter::default() };
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let part = examples::list_after(database, project_id, &approved, after, PART).await?;
        let Some(last) = part.last() else { break };
        after = Some(last.id);
        for row in &part {
            found.push(records::example(row)?);
        }
    }
    let version = tokio::task::spawn_blocking(move || datasets::freeze(&found, options)).await?;
    if version.train_count == 0 {
        return Err(JobError::Failed(
            Cause::NothingApproved {}
                .error("the project has no approved examples; approve some and start the training again"),
        ));
    }
    let hash = &version.content_hash;
    let put = async |part: &str, rows: &str| -> Result<Option<String>, JobError> {
        if rows.is_empty() {
            return Ok(None);
        }
        let key = BlobKey::new(project_id, "datasets", &format!("{hash}-{part}.jsonl"))?;
        Ok(Some(blobs.put(&key, rows.as_bytes().to_vec()).await?.key.as_str().to_owned()))
    };
    let train_key = put("train", &version.train_jsonl).await?.unwrap_or_default();
    let eval_key = put("recall", &version.recall_jsonl).await?;
    let held_out_key = put("held-out", &version.held_out_jsonl).await?;
    let new = NewDatasetVersion {
        project_id,
        train_key,
        eval_key,
        train_count: version.train_count as u64,
        eval_count: version.recall_count as u64,
        details: json!({
            "split": version.split,
            "held_out_key": held_out_key,
            "held_out_count": version.held_out_count,
            "duplicates": version.duplicates,
            "moved_to_recall": version.moved_to_recall,
        }),
        content_hash: version.content_hash,
    };
    Ok(dataset_versions::create(database, new).await?)
}
