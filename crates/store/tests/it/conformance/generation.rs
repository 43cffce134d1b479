//! Units of generation, and the calls that they made.

use serde_json::json;
use store::chunks::{self, ChunkFilter, NewChunk};
use store::examples::{self, ExampleStatus, NewExample};
use store::files::NewFile;
use store::generation_units::{self as units, UnitCounts, UnitOutcome, UnitStatus};
use store::jobs::NewJob;
use store::provider_calls::{self as calls, CallStatus, NewCall, Outcome, Usage};
use store::{Database, Page};
use uuid::Uuid;

use super::project;

struct Planned {
    project_id: Uuid,
    job_id: Uuid,
    chunk_ids: Vec<Uuid>,
}

/// A job with a unit for each of `count` chunks.
async fn planned(database: &Database, count: usize) -> Planned {
    let project_id = project(database).await.id;
    let file = NewFile {
        id: Uuid::now_v7(),
        project_id,
        name: "a.txt".into(),
        kind: "raw_doc".into(),
        media_type: "text/plain".into(),
        size_bytes: 1,
        sha256: "0".into(),
        blob_key: "a".into(),
        status: "parsed".into(),
        details: json!({}),
    };
    let file_id = store::files::create(database, file).await.unwrap().id;
    let chunk =
        |number: usize| NewChunk { text: format!("text {number}"), token_count: 2, source: json!({}) };
    chunks::replace_for_file(database, project_id, file_id, (0..count).map(chunk).collect()).await.unwrap();
    let page = Page::new(1, Page::MAX_PER_PAGE);
    let listed = chunks::list(database, project_id, page, ChunkFilter::default()).await.unwrap().items;
    let job = NewJob {
        project_id: Some(project_id),
        queue: "default".into(),
        kind: "generate".into(),
        payload: json!({}),
        max_attempts: 3,
    };
    let job_id = store::jobs::enqueue(database, job).await.unwrap().id;
    let chunk_ids: Vec<Uuid> = listed.into_iter().map(|chunk| chunk.id).collect();
    units::plan(database, project_id, job_id, &chunk_ids).await.unwrap();
    Planned { project_id, job_id, chunk_ids }
}

fn example(chunk_id: Uuid, number: usize) -> NewExample {
    NewExample {
        chunk_id: Some(chunk_id),
        status: ExampleStatus::Pending,
        payload: json!({"messages": [{"role": "user", "content": format!("{number}")}]}),
        provenance: json!({}),
        quality: json!({}),
        content_hash: format!("hash {number}"),
    }
}

pub async fn units_end_once_and_with_their_examples(database: Database) {
    let Planned { project_id, job_id, chunk_ids } = planned(&database, 4).await;
    let waiting = units::pending(&database, job_id, 0, 10).await.unwrap();
    assert_eq!(waiting.iter().map(|unit| unit.chunk_id.unwrap()).collect::<Vec<_>>(), chunk_ids);
    let examples_of =
        |unit: usize| vec![example(chunk_ids[unit], 2 * unit), example(chunk_ids[unit], 2 * unit + 1)];

    let done = units::finish(
        &database,
        waiting[0].id,
        UnitOutcome::Done(examples_of(0), Some("example 3: is empty".into())),
    )
    .await
    .unwrap();
    assert_eq!((done.status, done.examples), (UnitStatus::Done, 2));
    let reason = "no JSON came".to_owned();
    units::finish(&database, waiting[2].id, UnitOutcome::Quarantined(reason.clone())).await.unwrap();
    // Neither a second end nor a second plan changes anything.
    units::finish(&database, waiting[0].id, UnitOutcome::Done(examples_of(3), None)).await.unwrap();
    let kept =
        units::finish(&database, waiting[2].id, UnitOutcome::Done(examples_of(2), None)).await.unwrap();
    assert_eq!((kept.status, kept.reason), (UnitStatus::Quarantined, Some(reason)));
    units::plan(&database, project_id, job_id, &chunk_ids).await.unwrap();

    let counts = units::counts(&database, job_id).await.unwrap();
    assert_eq!((counts, counts.total()), (UnitCounts { pending: 2, done: 1, quarantined: 1 }, 4));
    assert_eq!(examples::status_counts(&database, project_id).await.unwrap().pending, 2);
    let left = units::pending(&database, job_id, 0, 10).await.unwrap();
    assert_eq!(left.iter().map(|unit| unit.ordinal).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(units::pending(&database, job_id, 2, 10).await.unwrap().len(), 1);
    assert_eq!(units::pending(&database, job_id, 0, 1).await.unwrap().len(), 1);
    let set_aside =
        units::list(&database, job_id, Page::default(), Some(UnitStatus::Quarantined)).await.unwrap();
    assert_eq!((set_aside.total, set_aside.items[0].ordinal), (1, 2));
    assert_eq!(units::list(&database, job_id, Page::default(), None).await.unwrap().total, 4);
}

fn call(planned: &Planned, hash: &str) -> NewCall {
    NewCall {
        project_id: planned.project_id,
        job_id: Some(planned.job_id),
        chunk_id: Some(planned.chunk_ids[0]),
        provider: "here".into(),
        address: "http://localhost:1".into(),
        model: "m".into(),
        purpose: "write".into(),
        request_hash: hash.into(),
        sent_bytes: 100,
    }
}

fn outcome(reply: Result<&str, &str>) -> Outcome {
    let tokens = reply.is_ok();
    Outcome {
        duration_ms: 5,
        prompt_tokens: tokens.then_some(20),
        completion_tokens: tokens.then_some(5),
        reply: reply.map(str::to_owned).map_err(str::to_owned),
        details: json!({"attempt": 1}),
    }
}

pub async fn replies_are_found_by_their_request(database: Database) {
    let planned = planned(&database, 1).await;
    assert_eq!(calls::usage(&database, planned.job_id).await.unwrap(), Usage::default());
    for (hash, reply) in [("a", Err("status 500")), ("a", Ok("first\0")), ("b", Err("status 429"))] {
        let begun = calls::begin(&database, call(&planned, hash)).await.unwrap();
        let listed = calls::list(&database, planned.project_id, None, Page::new(1, 1)).await.unwrap();
        assert_eq!(
            (listed.items[0].id, listed.items[0].status),
            (begun.id, CallStatus::Sent),
            "listed first"
        );
        calls::end(&database, begun, outcome(reply)).await.unwrap();
    }
    calls::begin(&database, call(&planned, "lost")).await.unwrap();
    let found = calls::replied(&database, planned.project_id, "a").await.unwrap().unwrap();
    assert_eq!((found.reply.as_deref(), found.error), (Some("first "), None));
    for hash in ["b", "lost"] {
        assert_eq!(calls::replied(&database, planned.project_id, hash).await.unwrap(), None, "{hash}");
    }
    let other = project(&database).await;
    assert_eq!(calls::replied(&database, other.id, "a").await.unwrap(), None, "another project's");

    let listed = calls::list(&database, planned.project_id, None, Page::default()).await.unwrap();
    assert_eq!(
        listed.items.iter().map(|call| call.error.as_deref()).collect::<Vec<_>>(),
        [None, Some("status 429"), None, Some("status 500")]
    );
    let of_job =
        calls::list(&database, planned.project_id, Some(Uuid::now_v7()), Page::default()).await.unwrap();
    assert_eq!(of_job.total, 0);
    let usage = calls::usage(&database, planned.job_id).await.unwrap();
    assert_eq!(usage, Usage { calls: 4, prompt_tokens: 20, completion_tokens: 5, sent_bytes: 400 });
}
