//! Writes a small database with a few rows in every table: the fixture of the newest schema.
//!
//! `cargo run --release -p store --example make_fixture -- crates/store/tests/fixtures/schema_vN.sqlite`

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use store::examples::{ExampleStatus, NewExample};
use store::jobs::{Claim, Lease, NewJob};
use store::{
    Database, chunks, dataset_versions, examples, files, jobs, project_choices, projects, run_events, runs,
    settings,
};
use uuid::Uuid;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path: PathBuf = std::env::args_os().nth(1).ok_or("name the file to write")?.into();
    if path.exists() {
        return Err(format!("{} is there already", path.display()).into());
    }
    let database = Database::open(&Database::sqlite_url(&path), &std::env::temp_dir()).await?;
    let project = projects::NewProject {
        name: "Fixture é".into(),
        description: "One of each".into(),
        settings: json!({"model_id": "base", "b": [1, null]}),
    };
    let project = projects::create(&database, project).await?;
    let id = Uuid::now_v7();
    let file = files::NewFile {
        id,
        project_id: project.id,
        name: "handbook.pdf".into(),
        kind: "raw_doc".into(),
        media_type: "application/pdf".into(),
        size_bytes: 12,
        sha256: "0".repeat(64),
        blob_key: format!("{}/raw/{id}.pdf", project.id),
        status: "parsed".into(),
        details: json!({"pages": 1}),
    };
    let file = files::create(&database, file).await?;
    let chunk =
        |text: &str| chunks::NewChunk { text: text.into(), token_count: 3, source: json!({"page_start": 1}) };
    chunks::replace_for_file(&database, project.id, file.id, vec![chunk("one"), chunk("two")]).await?;
    let example = |question: &str, status| NewExample {
        chunk_id: None,
        status,
        payload: json!({"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": "yes"}]}),
        provenance: json!({"generator": "offline"}),
        quality: json!({}),
        content_hash: question.into(),
    };
    let both = vec![example("a", ExampleStatus::Approved), example("b", ExampleStatus::Pending)];
    examples::insert_many(&database, project.id, both).await?;
    let version = dataset_versions::NewDatasetVersion {
        project_id: project.id,
        content_hash: "1".repeat(64),
        train_key: format!("{}/datasets/train.jsonl", project.id),
        eval_key: None,
        train_count: 1,
        eval_count: 0,
        details: json!({"seed": 42}),
    };
    let version = dataset_versions::create(&database, version).await?;
    let new = runs::NewRun {
        project_id: project.id,
        dataset_version_id: Some(version.id),
        config: json!({"rank": 16}),
    };
    let run = runs::create(&database, new).await?;
    let job = NewJob {
        project_id: Some(project.id),
        queue: "gpu".into(),
        kind: "train".into(),
        payload: json!({"run_id": run.id}),
        max_attempts: 3,
    };
    jobs::enqueue(&database, job).await?;
    let claim = Claim { queue: "gpu", worker: "fixture", lease: Duration::from_secs(30) };
    let claimed = jobs::claim(&database, &claim).await?.ok_or("the job is there")?;
    jobs::complete(&database, &Lease::of(&claimed), json!({"steps": 1})).await?;
    for (kind, payload) in [
        ("started", json!({})),
        ("step", json!({"step": 1, "loss": 2.5})),
        ("completed", json!({"steps": 1})),
    ] {
        run_events::append(&database, run.id, kind, payload).await?;
    }
    project_choices::set(&database, project.id, "task", json!({"task": "chat"})).await?;
    settings::set(&database, "theme", json!("dark")).await?;
    database.close().await?;
    Ok(())
}
