//! The queue.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde_json::json;
use store::jobs::{self, Claim, Failure, Job, JobFilter, JobStatus, Lease, NewJob};
use store::{Database, Live, Page, StoreError, Topic};
use uuid::Uuid;

const LONG: Duration = Duration::from_secs(60);

async fn enqueue(database: &Database, queue: &str, max_attempts: u32) -> Job {
    let job = NewJob {
        project_id: None,
        queue: queue.into(),
        kind: "train".into(),
        payload: json!({"run_id": 1}),
        max_attempts,
    };
    jobs::enqueue(database, job).await.unwrap()
}

async fn claim(database: &Database, queue: &str, worker: &str, lease: Duration) -> Option<Job> {
    jobs::claim(database, &Claim { queue, worker, lease }).await.unwrap()
}

/// Claims as soon as something is to be had; that is a matter of milliseconds.
async fn claim_soon(database: &Database, worker: &str, lease: Duration) -> Job {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(job) = claim(database, "gpu", worker, lease).await {
            return job;
        }
        assert!(Instant::now() < until, "nothing to claim");
        tokio::task::yield_now().await;
    }
}

fn failure(retry_after: Option<Duration>) -> Failure {
    Failure { error: "out of memory".into(), cause: json!({ "code": "full" }), retry_after }
}

pub async fn go_from_the_queue_to_their_end(database: Database) {
    let mut news = database.live().subscribe(Topic::Jobs);
    let (first, second) = (enqueue(&database, "gpu", 3).await, enqueue(&database, "gpu", 3).await);
    enqueue(&database, "default", 3).await;
    let Some(Live::Event(event)) = news.next().await else { panic!("an event") };
    assert_eq!((&event.payload["status"], &event.payload["queue"]), (&json!("queued"), &json!("gpu")));

    let claimed = claim(&database, "gpu", "a", LONG).await.unwrap();
    assert_eq!(
        (claimed.id, claimed.status, claimed.attempts),
        (first.id, JobStatus::Running, 1),
        "oldest first"
    );
    assert_eq!(claim(&database, "gpu", "b", LONG).await.map(|job| job.id), Some(second.id));
    assert!(claim(&database, "gpu", "c", LONG).await.is_none());

    let lease = Lease::of(&claimed);
    assert!(!jobs::renew(&database, &lease, LONG).await.unwrap());
    jobs::report_progress(&database, &lease, json!({"percent": 50})).await.unwrap();
    let done = jobs::complete(&database, &lease, json!({"loss": 0.5})).await.unwrap();
    assert_eq!(
        (done.status, done.result, done.error),
        (JobStatus::Completed, Some(json!({"loss": 0.5})), None)
    );
    assert_eq!(done.progress, json!({"percent": 50}));
    assert!(done.finished_at.is_some() && done.lease_until_ms.is_none());
    let late = jobs::complete(&database, &lease, json!({})).await;
    assert!(matches!(late, Err(StoreError::LeaseLost { .. })), "{late:?}");

    let filter =
        JobFilter { statuses: vec![JobStatus::Completed, JobStatus::Running], ..JobFilter::default() };
    let page = jobs::list(&database, Page::default(), filter).await.unwrap();
    assert_eq!(page.items.iter().map(|job| job.id).collect::<Vec<_>>(), [second.id, first.id]);
    assert!(jobs::get(&database, Uuid::now_v7()).await.unwrap_err().is_not_found());
}

pub async fn are_claimed_once_by_many_workers(database: Database) {
    for _ in 0..60 {
        enqueue(&database, "default", 1).await;
    }
    let workers = (0..8).map(|number| {
        let database = database.clone();
        tokio::spawn(async move {
            let (worker, mut mine) = (format!("worker {number}"), Vec::new());
            while let Some(job) = claim(&database, "default", &worker, LONG).await {
                mine.push(job.id);
            }
            mine
        })
    });
    let claimed: Vec<_> =
        futures::future::join_all(workers).await.into_iter().flat_map(|mine| mine.unwrap()).collect();
    assert_eq!(claimed.len(), 60);
    assert_eq!(claimed.iter().collect::<HashSet<_>>().len(), 60, "none twice");
}

pub async fn a_lost_worker_costs_an_attempt_and_the_last_one_the_job(database: Database) {
    let job = enqueue(&database, "gpu", 3).await;
    let mut lost = Vec::new();
    for attempt in 1..=3 {
        let claimed = claim_soon(&database, "killed", Duration::ZERO).await;
        assert_eq!((claimed.id, claimed.attempts), (job.id, attempt));
        lost.push(Lease::of(&claimed));
    }
    // The lease of the last attempt runs out too, and nobody may claim it.
    let until = Instant::now() + Duration::from_secs(20);
    while jobs::get(&database, job.id).await.unwrap().status != JobStatus::Dead {
        assert!(claim(&database, "gpu", "d", LONG).await.is_none());
        assert!(Instant::now() < until);
    }
    let dead = jobs::get(&database, job.id).await.unwrap();
    assert!(dead.error.unwrap().contains("worker went away") && dead.finished_at.is_some());
    for lease in &lost {
        let outcome = jobs::renew(&database, lease, LONG).await;
        assert!(matches!(outcome, Err(StoreError::LeaseLost { .. })), "{outcome:?}");
    }
}

pub async fn a_failure_is_retried_later_and_not_for_ever(database: Database) {
    let job = enqueue(&database, "gpu", 2).await;
    let first = claim(&database, "gpu", "a", LONG).await.unwrap();
    let again = jobs::fail(&database, &Lease::of(&first), failure(Some(LONG))).await.unwrap();
    assert_eq!((again.status, again.error.as_deref()), (JobStatus::Queued, Some("out of memory")));
    let pause = again.run_at_ms - first.updated_at.timestamp_millis();
    assert!((60_000..90_000).contains(&pause), "{pause} ms");
    assert!(claim(&database, "gpu", "a", LONG).await.is_none(), "not yet");

    let other = enqueue(&database, "gpu", 2).await;
    let claimed = claim(&database, "gpu", "a", LONG).await.unwrap();
    jobs::fail(&database, &Lease::of(&claimed), failure(Some(Duration::ZERO))).await.unwrap();
    let last = claim_soon(&database, "a", LONG).await;
    assert_eq!((last.id, last.attempts), (other.id, 2));
    let dead = jobs::fail(&database, &Lease::of(&last), failure(Some(Duration::ZERO))).await.unwrap();
    assert_eq!(dead.status, JobStatus::Dead);

    let hopeless = enqueue(&database, "gpu", 5).await;
    let claimed = claim(&database, "gpu", "a", LONG).await.unwrap();
    assert_eq!(claimed.id, hopeless.id);
    let failed = jobs::fail(&database, &Lease::of(&claimed), failure(None)).await.unwrap();
    assert_eq!((failed.status, failed.attempts), (JobStatus::Failed, 1));
    assert_ne!(jobs::get(&database, job.id).await.unwrap().status, JobStatus::Dead);
}

pub async fn are_cancelled_while_they_wait_and_while_they_run(database: Database) {
    let waiting = enqueue(&database, "gpu", 3).await;
    let cancelled = jobs::request_cancel(&database, waiting.id).await.unwrap();
    assert_eq!(cancelled.status, JobStatus::Cancelled);
    assert!(claim(&database, "gpu", "a", LONG).await.is_none());

    let running = enqueue(&database, "gpu", 3).await;
    let lease = Lease::of(&claim(&database, "gpu", "a", LONG).await.unwrap());
    let asked = jobs::request_cancel(&database, running.id).await.unwrap();
    assert_eq!((asked.status, asked.cancel_requested), (JobStatus::Running, true));
    assert!(jobs::renew(&database, &lease, LONG).await.unwrap(), "the worker is told");
    assert_eq!(jobs::confirm_cancelled(&database, &lease).await.unwrap().status, JobStatus::Cancelled);

    let abandoned = enqueue(&database, "gpu", 3).await;
    claim(&database, "gpu", "killed", Duration::ZERO).await.unwrap();
    jobs::request_cancel(&database, abandoned.id).await.unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while jobs::get(&database, abandoned.id).await.unwrap().status != JobStatus::Cancelled {
        assert!(claim(&database, "gpu", "b", LONG).await.is_none_or(|job| job.id != abandoned.id));
        assert!(Instant::now() < until);
    }
    let ended = jobs::request_cancel(&database, abandoned.id).await.unwrap();
    assert_eq!(ended.status, JobStatus::Cancelled, "asking again changes nothing");
}

pub async fn given_back_ones_keep_their_attempt(database: Database) {
    let job = enqueue(&database, "gpu", 1).await;
    for _ in 0..3 {
        let claimed = claim(&database, "gpu", "a", LONG).await.unwrap();
        assert_eq!((claimed.id, claimed.attempts), (job.id, 1));
        jobs::release(&database, &Lease::of(&claimed)).await.unwrap();
    }
}

pub async fn of_an_ended_server_are_claimable_at_once(database: Database) {
    let job = enqueue(&database, "gpu", 3).await;
    let before = claim(&database, "gpu", "a", LONG).await.unwrap();
    assert!(claim(&database, "gpu", "b", LONG).await.is_none());
    assert_eq!(jobs::release_all(&database).await.unwrap(), 1);
    let after = claim(&database, "gpu", "b", LONG).await.unwrap();
    assert_eq!((after.id, after.attempts), (job.id, 2));
    assert!(jobs::renew(&database, &Lease::of(&before), LONG).await.is_err());
}

pub async fn the_newest_of_some_kinds_is_found(database: Database) {
    let project = super::project(&database).await;
    let add = async |kind: &str, project_id| {
        let job = NewJob {
            project_id,
            queue: "default".into(),
            kind: kind.into(),
            payload: json!({}),
            max_attempts: 1,
        };
        jobs::enqueue(&database, job).await.unwrap().id
    };
    let first = add("export", Some(project.id)).await;
    let second = add("ollama_push", Some(project.id)).await;
    add("train", Some(project.id)).await;
    add("export", None).await;
    let latest =
        async |kinds: &[&str]| jobs::latest(&database, project.id, kinds).await.unwrap().map(|job| job.id);
    assert_eq!(latest(&["export", "ollama_push"]).await, Some(second));
    assert_eq!(latest(&["export"]).await, Some(first));
    assert_eq!(latest(&["evaluate"]).await, None);
}
