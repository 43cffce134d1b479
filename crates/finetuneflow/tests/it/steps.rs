//! The steps of a project: what was chosen in them, and where each stands.

use finetuneflow::jobs::{JobKind, chunk_documents::ChunkDocuments};
use serde_json::{Value, json};
use store::jobs::{Claim, Failure, Lease};

use crate::support::{Server, rows};

/// `todo` for all steps but these.
fn states(project: &Value) -> Vec<(String, String)> {
    let steps = project["steps"].as_array().expect("steps");
    let names = ["model", "task", "data", "preview", "review", "hardware", "train", "export"];
    assert_eq!(steps.iter().map(|step| step["id"].as_str().expect("an id")).collect::<Vec<_>>(), names);
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    steps
        .iter()
        .map(|step| (text(&step["id"]), text(&step["state"])))
        .filter(|(_, state)| state != "todo")
        .collect()
}

fn expect_states(project: &Value, expected: &[(&str, &str)]) {
    let states = states(project);
    let states: Vec<_> = states.iter().map(|(id, state)| (id.as_str(), state.as_str())).collect();
    assert_eq!(states, expected);
}

#[tokio::test]
async fn choices_are_kept_by_step_and_checked() {
    let server = Server::start().await;
    let project = server.project().await;
    let task = json!({ "task": "summary", "language": "French", "style": { "b": 1, "a": [null] } });
    server.put(&format!("{project}/choices/task"), &json!({ "task": "chat" })).await.expect(204);
    server.put(&format!("{project}/choices/task"), &task).await.expect(204);
    server.put(&format!("{project}/choices/train"), &json!({ "epochs": 5 })).await.expect(204);
    let read = server.get(&project).await.expect(200);
    let choices = json!({ "model": { "model_id": "broken" }, "task": task, "train": { "epochs": 5 } });
    assert_eq!(read["choices"], choices);
    assert_eq!(server.get("/api/projects").await.expect(200)["items"][0]["choices"], choices);

    let refused = server.put(&format!("{project}/choices/nonsense"), &json!({})).await;
    assert_eq!(refused.expect_error(400, "invalid_request")["fields"][0]["field"], "step");
    server.put(&format!("{project}/choices/task"), &json!([1])).await.expect_error(400, "invalid_request");
    let large = json!({ "text": "a".repeat(64 * 1024) });
    server.put(&format!("{project}/choices/task"), &large).await.expect_error(400, "invalid_request");
    let fits = json!({ "text": "a".repeat(64 * 1024 - 20) });
    server.put(&format!("{project}/choices/task"), &fits).await.expect(204);
    let nobody = "/api/projects/0193f0a0-0000-7000-8000-000000000000/choices/task";
    server.put(nobody, &json!({})).await.expect_error(404, "project_not_found");
}

#[tokio::test]
async fn a_new_project_has_everything_before_it() {
    let server = Server::start().await;
    let project = server.post("/api/projects", &json!({ "name": "A", "model_id": "base" })).await.expect(201);
    expect_states(&project, &[("model", "done")]);
    assert_eq!((&project["active_job"], &project["last_run"]), (&Value::Null, &Value::Null));
    let project = server.post("/api/projects", &json!({ "name": "B" })).await.expect(201);
    expect_states(&project, &[]);
    let path = format!("/api/projects/{}", project["id"].as_str().expect("an id"));
    let changed = server.patch(&path, &json!({ "model_id": "broken" })).await.expect(200);
    expect_states(&changed, &[("model", "attention")]);
}

#[tokio::test]
async fn states_follow_what_is_there() {
    let server = Server::start().await;
    let project = server.post("/api/projects", &json!({ "name": "A" })).await.expect(201);
    let project = format!("/api/projects/{}", project["id"].as_str().expect("an id"));
    server.document(&project, "rules.md", "# Rules\n\nThe door opens at nine.\n").await;
    expect_states(&server.get(&project).await.expect(200), &[("model", "done"), ("task", "done")]);

    let started = server.post(&format!("{project}/chunks/generate"), &json!({})).await.expect(202);
    let doing = server.get(&project).await.expect(200);
    expect_states(&doing, &[("model", "done"), ("task", "done"), ("data", "doing")]);
    assert_eq!(doing["active_job"]["id"], started["job"]["id"]);
    let claim = Claim { queue: "default", worker: "a", lease: std::time::Duration::from_secs(60) };
    let job = store::jobs::claim(&server.state.database, &claim).await.expect("claims").expect("a job");
    assert_eq!(job.kind, ChunkDocuments::KIND);
    let failure = Failure { error: "no paper".into(), cause: Value::Null, retry_after: None };
    store::jobs::fail(&server.state.database, &Lease::of(&job), failure).await.expect("fails");
    let failed = server.get(&project).await.expect(200);
    expect_states(&failed, &[("model", "done"), ("task", "done"), ("data", "attention")]);
    assert_eq!(failed["active_job"], Value::Null);

    server.dataset(&project, &rows(3)).await;
    let ready = server.get(&project).await.expect(200);
    let expected =
        [("model", "done"), ("task", "done"), ("data", "attention"), ("preview", "done"), ("review", "done")];
    expect_states(&ready, &expected);

    let files = server.get(&format!("{project}/files")).await.expect(200);
    let file = files["items"][0]["id"].as_str().expect("an id");
    server.delete(&format!("{project}/files/{file}")).await.expect(204);
    let settled = server.get(&project).await.expect(200);
    let expected =
        [("model", "done"), ("task", "done"), ("data", "done"), ("preview", "done"), ("review", "done")];
    expect_states(&settled, &expected);
}
