//! Server-sent events: stored ones first, then live, each once.

use std::time::Duration;

use axum::body::Body;
use serde_json::json;
use store::run_events;
use store::runs::{self, NewRun};
use uuid::Uuid;

use crate::support::{Event, Server, events, request};

async fn run(server: &Server, project: &str) -> Uuid {
    let project_id = project.rsplit('/').next().expect("an id").parse().expect("an id");
    let config = json!({ "number": 1, "name": "Run 1", "model_id": "broken" });
    let new = NewRun { project_id, dataset_version_id: None, config };
    runs::create(&server.state.database, new).await.expect("stores").id
}

async fn append(server: &Server, run: Uuid, kind: &str, payload: serde_json::Value) {
    run_events::append(&server.state.database, run, kind, payload).await.expect("stores");
}

fn step(number: u64) -> serde_json::Value {
    json!({ "step": number, "total_steps": 4, "loss": 4.0 / number as f64, "seconds": number as f64 * 2.0 })
}

async fn stream(server: &Server, project: &str, after: Option<&str>) -> Vec<Event> {
    let mut request = request("GET", &format!("{project}/train/logs/stream"));
    if let Some(after) = after {
        request = request.header("last-event-id", after);
    }
    let answer = server.send(request.body(Body::empty()).expect("a request")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "text/event-stream");
    events(&answer.text())
}

fn kinds(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.event.as_str()).collect()
}

#[tokio::test]
async fn a_finished_run_is_told_from_its_stored_events() {
    let server = Server::start().await;
    let project = server.project().await;
    let run = run(&server, &project).await;
    append(&server, run, "started", json!({})).await;
    append(&server, run, "log", json!({ "line": "3 rows were cut" })).await;
    append(&server, run, "step", step(1)).await;
    append(&server, run, "step", step(2)).await;
    append(&server, run, "checkpoint", json!({ "event": "checkpoint", "at_step": 2, "path": "/secret" }))
        .await;
    append(&server, run, "completed", json!({ "train_loss": 3.0 })).await;
    let all = stream(&server, &project, None).await;
    assert_eq!(kinds(&all), ["status", "status", "log", "step", "step", "checkpoint", "status", "end"]);
    assert_eq!(all[2].data["message"], "3 rows were cut");
    assert_eq!((&all[3].data["loss"], &all[3].data["seconds_left"]), (&json!(4.0), &json!(6.0)));
    assert_eq!((&all[5].data["step"], all[5].data.get("path")), (&json!(2), None));
    assert_eq!((&all[7].data["status"], all[7].id), (&json!("completed"), None));
    let ids: Vec<_> = all.iter().filter_map(|event| event.id).collect();
    assert_eq!(ids, (1..=7).collect::<Vec<_>>());

    let rest = stream(&server, &project, Some("4")).await;
    assert_eq!(kinds(&rest), ["step", "checkpoint", "status", "end"]);
    let rest = server.get(&format!("{project}/train/logs/stream?last_event_id=7")).await;
    assert_eq!(kinds(&events(&rest.text())), ["end"]);
    let wrong = request("GET", &format!("{project}/train/logs/stream")).header("last-event-id", "x");
    server.send(wrong.body(Body::empty()).expect("a request")).await.expect_error(400, "invalid_request");
}

#[tokio::test]
async fn events_that_come_while_somebody_watches_arrive_once() {
    let server = std::sync::Arc::new(Server::start().await);
    let project = server.project().await;
    let run = run(&server, &project).await;
    append(&server, run, "started", json!({})).await;
    let watcher = tokio::spawn({
        let (server, project) = (std::sync::Arc::clone(&server), project.clone());
        async move { stream(&server, &project, Some("1")).await }
    });
    for number in 1..=200 {
        append(&server, run, "step", step(number)).await;
    }
    append(&server, run, "failed", json!({ "error": "out of memory", "code": "out_of_memory", "params": { "bytes": 1 }, "hint": "Close others." })).await;
    let seen =
        tokio::time::timeout(Duration::from_secs(60), watcher).await.expect("in time").expect("no panic");
    let steps: Vec<_> =
        seen.iter().filter(|event| event.event == "step").map(|event| event.data["step"].as_u64()).collect();
    assert_eq!(steps, (1..=200).map(Some).collect::<Vec<_>>());
    let end = seen.last().expect("an end");
    assert_eq!((end.event.as_str(), &end.data["error"]["message"]), ("end", &json!("out of memory")));
    let known = (&end.data["error"]["code"], &end.data["error"]["params"], &end.data["error"]["hint"]);
    assert_eq!(known, (&json!("out_of_memory"), &json!({ "bytes": 1 }), &json!("Close others.")));
}

#[tokio::test]
async fn streams_end_when_the_server_stops() {
    let server = std::sync::Arc::new(Server::start().await);
    let project = server.project().await;
    run(&server, &project).await;
    let watcher = tokio::spawn({
        let (server, project) = (std::sync::Arc::clone(&server), project.clone());
        async move { stream(&server, &project, None).await }
    });
    server.state.stopping.cancel();
    let seen =
        tokio::time::timeout(Duration::from_secs(60), watcher).await.expect("in time").expect("no panic");
    assert!(seen.iter().all(|event| event.event == "status"), "no end was claimed: {seen:?}");
}

#[tokio::test]
async fn metrics_hold_each_step_once_also_after_a_resume() {
    let server = Server::start().await;
    let project = server.project().await;
    let run = run(&server, &project).await;
    append(&server, run, "started", json!({})).await;
    for number in [1, 2, 3] {
        append(&server, run, "step", step(number)).await;
    }
    append(&server, run, "interrupted", json!({ "reason": "the power went" })).await;
    let shown = server.get(&format!("{project}/runs/{run}")).await.expect(200);
    assert_eq!(
        (&shown["status"], &shown["error"]["message"]),
        (&json!("interrupted"), &json!("the power went"))
    );
    assert_eq!(
        (&shown["progress"], &shown["resumable"]),
        (&json!(0.75), &json!(false)),
        "no checkpoint: {shown}"
    );
    server.post(&format!("{project}/train/resume"), &json!({})).await.expect_error(409, "not_resumable");
    append(&server, run, "resumed", json!({})).await;
    for number in [3, 4] {
        append(&server, run, "step", step(number)).await;
    }
    let metrics = server.get(&format!("{project}/runs/{run}/metrics")).await.expect(200);
    let steps: Vec<_> =
        metrics["steps"].as_array().expect("steps").iter().map(|step| step["step"].as_u64()).collect();
    assert_eq!(steps, [Some(1), Some(2), Some(3), Some(4)]);
    let other = server.project().await;
    server.get(&format!("{other}/runs/{run}")).await.expect_error(404, "run_not_found");
}

#[tokio::test]
async fn a_job_is_watched_to_its_end() {
    let server = Server::start().await;
    let project = server.project().await;
    server.document(&project, "rules.md", "# Rules\n\nThe door opens at nine.\n").await;
    let started = server.post(&format!("{project}/chunks/generate"), &json!({})).await.expect(202);
    assert_eq!(
        (&started["job"]["status"], &started["job"]["kind"]),
        (&json!("queued"), &json!("chunk_documents"))
    );
    let id = started["job"]["id"].as_str().expect("an id");
    assert_eq!(server.get("/api/jobs?status=queued&kind=chunk_documents").await.expect(200)["total"], 1);
    server.delete(&project).await.expect_error(409, "already_running");
    let cancelled = server.post(&format!("/api/jobs/{id}/cancel"), &json!({})).await.expect(200);
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(server.finished(id).await["status"], "cancelled");
    assert_eq!(
        server.post(&format!("/api/jobs/{id}/cancel"), &json!({})).await.expect(200)["status"],
        "cancelled"
    );
    // The same once more; twice at a time is refused.
    let again = server.post(&format!("/api/jobs/{id}/retry"), &json!({})).await.expect(202)["job"].clone();
    assert_eq!((&again["kind"], &again["status"]), (&json!("chunk_documents"), &json!("queued")));
    assert_ne!(again["id"], json!(id));
    server.post(&format!("/api/jobs/{id}/retry"), &json!({})).await.expect_error(409, "already_running");
    let again = again["id"].as_str().expect("an id");
    server.post(&format!("/api/jobs/{again}/retry"), &json!({})).await.expect_error(409, "conflict");
    server.post(&format!("/api/jobs/{again}/cancel"), &json!({})).await.expect(200);
    server.delete(&project).await.expect(204);
}

#[tokio::test]
async fn a_run_gets_another_name_and_is_deleted_with_its_files() {
    let server = Server::start().await;
    let project = server.project().await;
    let run = run(&server, &project).await;
    let path = format!("{project}/runs/{run}");
    append(&server, run, "started", json!({})).await;
    let plan = json!({ "total_steps": 4, "plan": { "total_bytes": 1000 } });
    append(&server, run, "plan", plan).await;
    append(
        &server,
        run,
        "step",
        json!({ "step": 1, "loss": 2.0, "seconds": 1.5, "memory_bytes": 700, "peak_memory_bytes": 900 }),
    )
    .await;
    let shown = server.get(&path).await.expect(200);
    assert_eq!((&shown["planned_memory_bytes"], &shown["peak_memory_bytes"]), (&json!(1000), &json!(900)));
    let metrics = server.get(&format!("{path}/metrics")).await.expect(200);
    let step = &metrics["steps"][0];
    assert_eq!((&step["seconds"], &step["memory_bytes"]), (&json!(1.5), &json!(700)));

    let named = server.patch(&path, &json!({ "name": " With a high rank " })).await.expect(200);
    assert_eq!(named["name"], "With a high rank");
    assert_eq!(named["config"], shown["config"], "nothing else changes");
    server.patch(&path, &json!({ "name": " " })).await.expect_error(400, "invalid_request");
    server.patch(&path, &json!({ "rank": 1 })).await.expect_error(400, "invalid_request");

    let id: Uuid = project.rsplit('/').next().expect("an id").parse().expect("a uuid");
    let key =
        store::BlobKey::new(id, "artifacts", &format!("{run}/adapter_model.safetensors")).expect("a key");
    let file = server.state.blobs.local_path(&key).expect("local");
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("created");
    std::fs::write(&file, b"x").expect("written");
    let other = server.project().await;
    server.delete(&format!("{other}/runs/{run}")).await.expect_error(404, "run_not_found");
    assert!(file.exists());
    append(&server, run, "failed", json!({ "error": "x" })).await;
    server.delete(&path).await.expect(204);
    assert!(!file.parent().expect("a folder").exists());
    server.get(&path).await.expect_error(404, "run_not_found");
    server.delete(&path).await.expect_error(404, "run_not_found");
}
