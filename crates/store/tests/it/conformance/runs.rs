//! Runs and their events.

use serde_json::json;
use store::run_events::{self, EventFilter};
use store::runs::{self, NewRun, Run, RunChange, RunStatus};
use store::{Database, Live, Page, StoreError, Topic};
use uuid::Uuid;

use super::project;

async fn run(database: &Database) -> Run {
    let project = project(database).await;
    let new = NewRun { project_id: project.id, dataset_version_id: None, config: json!({"rank": 16}) };
    runs::create(database, new).await.unwrap()
}

pub async fn status_follows_the_events(database: Database) {
    let run = run(&database).await;
    assert_eq!((run.status, run.last_sequence), (RunStatus::Queued, 1));
    let mut project_news = database.live().subscribe(Topic::Project(run.project_id));
    for (kind, status) in [
        ("started", RunStatus::Running),
        ("step", RunStatus::Running),
        ("interrupted", RunStatus::Interrupted),
        ("log", RunStatus::Interrupted),
        ("resumed", RunStatus::Running),
        ("failed", RunStatus::Failed),
        ("queued", RunStatus::Queued),
        ("running", RunStatus::Running),
        ("cancelled", RunStatus::Cancelled),
        ("completed", RunStatus::Completed),
        ("comparison", RunStatus::Completed),
    ] {
        run_events::append(&database, run.id, kind, json!({})).await.unwrap();
        assert_eq!(runs::get(&database, run.id).await.unwrap().status, status, "after {kind}");
        assert_eq!(run_events::status_from_events(&database, run.id).await.unwrap(), Some(status));
    }
    let Some(Live::Event(event)) = project_news.next().await else { panic!("an event") };
    assert_eq!(event.payload, json!({"run_id": run.id, "status": "running"}));

    let change = RunChange { config: Some(json!({"rank": 8})), ..RunChange::default() };
    let changed = runs::update(&database, run.id, change).await.unwrap();
    assert_eq!(
        (changed.config, changed.status, changed.last_sequence),
        (json!({"rank": 8}), RunStatus::Completed, 12)
    );
    let last = run_events::last_of(&database, run.id, &["step", "log"]).await.unwrap().unwrap();
    assert_eq!((last.kind.as_str(), last.sequence), ("log", 5));
    let filter = EventFilter { after: 2, kinds: Some(vec!["step".into(), "failed".into()]) };
    let found = run_events::list(&database, run.id, &filter, 10).await.unwrap();
    assert_eq!(found.iter().map(|event| event.sequence).collect::<Vec<_>>(), [3, 7]);
}

pub async fn events_are_numbered_without_gaps_by_many_writers(database: Database) {
    let run = run(&database).await;
    let mut news = database.live().subscribe(Topic::Run(run.id));
    let writers = (0..8).map(|writer| {
        let database = database.clone();
        tokio::spawn(async move {
            for number in 0..10 {
                let payload = json!({"writer": writer, "number": number});
                run_events::append(&database, run.id, "step", payload).await.unwrap();
            }
        })
    });
    for writer in futures::future::join_all(writers).await {
        writer.unwrap();
    }
    let events = run_events::list_after(&database, run.id, 0).await.unwrap();
    let sequences: Vec<_> = events.iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, (1..=81).collect::<Vec<_>>());
    assert_eq!(run_events::list_after(&database, run.id, 80).await.unwrap(), events[80..]);
    let mut heard = Vec::new();
    for _ in 0..80 {
        let Some(Live::Event(event)) = news.next().await else { panic!("an event") };
        heard.push(event.sequence.unwrap());
    }
    heard.sort_unstable();
    assert_eq!(heard, (2..=81).collect::<Vec<_>>(), "every stored event is heard once");
}

pub async fn a_replayed_event_changes_nothing(database: Database) {
    let run = run(&database).await;
    let step = json!({"loss": 1.25, "step": 1});
    let first = run_events::append_at(&database, run.id, 2, "step", step.clone()).await.unwrap();
    let again = run_events::append_at(&database, run.id, 2, "step", step.clone()).await.unwrap();
    assert_eq!(first, again);
    for (sequence, payload) in [(2, json!({"loss": 9.0})), (4, step.clone()), (0, step.clone()), (-1, step)] {
        let outcome = run_events::append_at(&database, run.id, sequence, "step", payload).await;
        assert!(matches!(outcome, Err(StoreError::Conflict { .. })), "{sequence}: {outcome:?}");
    }
    assert_eq!(runs::get(&database, run.id).await.unwrap().last_sequence, 2);
    let missing = run_events::append(&database, Uuid::now_v7(), "step", json!({})).await;
    assert!(missing.unwrap_err().is_not_found());
}

pub async fn running_ones_are_interrupted_at_start_up(database: Database) {
    let (running, queued, done) = (run(&database).await, run(&database).await, run(&database).await);
    run_events::append(&database, running.id, "started", json!({})).await.unwrap();
    run_events::append(&database, done.id, "completed", json!({})).await.unwrap();
    let interrupted = runs::interrupt_running(&database, "the server ended").await.unwrap();
    assert_eq!(interrupted.iter().map(|run| run.id).collect::<Vec<_>>(), [running.id]);
    for (run, status) in
        [(&running, RunStatus::Interrupted), (&queued, RunStatus::Queued), (&done, RunStatus::Completed)]
    {
        assert_eq!(runs::get(&database, run.id).await.unwrap().status, status);
    }
    assert!(runs::interrupt_running(&database, "again").await.unwrap().is_empty());
    let filter = runs::RunFilter { status: Some(RunStatus::Interrupted), ..runs::RunFilter::default() };
    assert_eq!(runs::list(&database, Page::default(), filter).await.unwrap().total, 1);
    assert_eq!(runs::latest(&database, done.project_id).await.unwrap().map(|run| run.id), Some(done.id));
    runs::delete(&database, done.id).await.unwrap();
    assert!(runs::delete(&database, done.id).await.unwrap_err().is_not_found());
}
