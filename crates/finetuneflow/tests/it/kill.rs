//! `kill -9` of the server during training: nothing is lost, and the run ends as if nothing had happened.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::StreamExt;
use serde_json::{Value, json};

use crate::server::{Client, Serving};
use crate::support::{rows, trainable_model};

/// Long enough to be killed in the middle, with a checkpoint on the way.
const STEPS: u64 = 150;
const CHECKPOINT_STEPS: u64 = 5;
/// No step of this test may take longer.
const PATIENCE: Duration = Duration::from_secs(300);

impl Client {
    /// A project with approved examples, in which a training was started; its path.
    async fn start_training(&self, model: &str) -> String {
        let form = reqwest::multipart::Form::new()
            .part("file", reqwest::multipart::Part::bytes(rows(24).into_bytes()).file_name("boxes.jsonl"));
        let upload = self.http.post(format!("{}/api/upload-dataset", self.base)).multipart(form);
        let id = self.json(upload).await["dataset"].as_str().expect("an id").to_owned();
        let project = format!("/api/projects/{id}");
        let patch = self.http.patch(format!("{}{project}", self.base)).json(&json!({ "model_id": model }));
        self.json(patch).await;
        let training = json!({
            "max_steps": STEPS, "checkpoint_steps": CHECKPOINT_STEPS, "learning_rate": 1e-3, "rank": 8,
            "micro_batch_size": 2, "max_seq_len": 128, "precision": "f32", "seed": 7, "eval_fraction": 0.0,
        });
        self.post(&format!("{project}/train/start"), &training).await;
        project
    }

    /// Reads the training's stream until this holds of an event; answers all events so far.
    async fn watch(&self, project: &str, after: i64, until: impl Fn(&str, &Value) -> bool) -> Vec<Seen> {
        let url = format!("{}{project}/train/logs/stream?last_event_id={after}", self.base);
        let mut bytes = self.http.get(url).send().await.expect("answers").bytes_stream();
        let mut text = String::new();
        let mut seen = Vec::new();
        let read = async {
            while let Some(part) = bytes.next().await {
                text.push_str(&String::from_utf8_lossy(&part.expect("a part")));
                while let Some((block, rest)) =
                    text.split_once("\n\n").map(|(a, b)| (a.to_owned(), b.to_owned()))
                {
                    text = rest;
                    let Some(event) = Seen::read(&block) else { continue };
                    let found = until(&event.kind, &event.data);
                    seen.push(event);
                    if found {
                        return;
                    }
                }
            }
            panic!("the stream ended early: {seen:?}");
        };
        tokio::time::timeout(PATIENCE, read).await.expect("in time");
        seen
    }

    /// Every step's loss and gradient norm, to the last bit.
    async fn losses(&self, project: &str) -> BTreeMap<u64, (String, String)> {
        let run = self.get(&format!("{project}/train/status")).await["run"].clone();
        assert_eq!(run["status"], "completed", "{run}");
        let run = run["id"].as_str().expect("an id");
        let metrics = self.get(&format!("{project}/runs/{run}/metrics")).await;
        let steps = metrics["steps"].as_array().expect("steps").iter();
        steps
            .map(|step| {
                (
                    step["step"].as_u64().expect("a number"),
                    (step["loss"].to_string(), step["grad_norm"].to_string()),
                )
            })
            .collect()
    }
}

#[derive(Debug)]
struct Seen {
    id: i64,
    kind: String,
    data: Value,
}

impl Seen {
    fn read(block: &str) -> Option<Self> {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        Some(Self {
            id: field("id").and_then(|id| id.parse().ok()).unwrap_or(0),
            kind: field("event")?.to_owned(),
            data: serde_json::from_str(field("data")?).expect("JSON"),
        })
    }
}

fn ended(kind: &str, _: &Value) -> bool {
    kind == "end"
}

/// Whether some process was started with this text among its arguments.
#[cfg(target_os = "linux")]
fn a_process_works_on(text: &str) -> bool {
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
    processes
        .filter(|entry| entry.file_name().to_string_lossy().bytes().all(|digit| digit.is_ascii_digit()))
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .any(|arguments| String::from_utf8_lossy(&arguments).contains(text))
}

#[cfg(target_os = "linux")]
fn assert_trainer_ends(data_dir: &Path) {
    let until = Instant::now() + Duration::from_secs(30);
    while a_process_works_on(&data_dir.join("files").display().to_string()) {
        assert!(Instant::now() < until, "the trainer outlives its server");
        std::thread::yield_now();
    }
}

#[cfg(not(target_os = "linux"))]
fn assert_trainer_ends(_: &Path) {}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(model) = trainable_model(folder.path(), "a_killed_server_loses_nothing") else { return };
    let server = Serving::start(folder.path());
    let client = Client::new(&server);

    // The same training without a disturbance.
    let calm = client.start_training(model).await;
    client.watch(&calm, 0, ended).await;
    let expected = client.losses(&calm).await;
    assert_eq!(expected.len() as u64, STEPS);

    let project = client.start_training(model).await;
    let past_checkpoint =
        |kind: &str, data: &Value| kind == "step" && data["step"].as_u64() >= Some(STEPS / 5 + 2);
    let before = client.watch(&project, 0, past_checkpoint).await;
    let last_id = before.last().map_or(0, |event| event.id);
    assert_eq!(server.end("-KILL"), None, "it was ended by a signal");
    assert_trainer_ends(folder.path());

    let server = Serving::start(folder.path());
    let client = Client::new(&server);
    // Goes on with the same stream where it was: interrupted, resumed, the rest.
    let after = client.watch(&project, last_id, ended).await;
    let states: Vec<_> = after
        .iter()
        .filter(|event| event.kind == "status")
        .map(|event| event.data["status"].clone())
        .collect();
    assert_eq!(states, [json!("interrupted"), json!("running"), json!("completed")], "{after:?}");
    let plan = after.iter().find(|event| event.kind == "plan").expect("a plan");
    assert!(
        plan.data["resumed_steps"].as_u64() >= Some(CHECKPOINT_STEPS),
        "it began from a checkpoint: {plan:?}"
    );
    assert!(
        after.iter().zip(after.iter().skip(1)).all(|(a, b)| b.id == a.id + 1 || b.kind == "end"),
        "no event is missing"
    );
    assert_eq!(client.losses(&project).await, expected);
    assert_eq!(server.end("-TERM"), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_server_lets_its_training_go_on_at_the_next_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(model) =
        trainable_model(folder.path(), "a_stopped_server_lets_its_training_go_on_at_the_next_start")
    else {
        return;
    };
    let server = Serving::start(folder.path());
    let client = Client::new(&server);
    let project = client.start_training(model).await;
    client.watch(&project, 0, |kind, _| kind == "step").await;
    assert_eq!(server.end("-TERM"), Some(0));
    assert_trainer_ends(folder.path());
    let server = Serving::start(folder.path());
    let client = Client::new(&server);
    client.watch(&project, 0, ended).await;
    assert_eq!(client.losses(&project).await.len() as u64, STEPS);
    // And once more by hand: a completed run does not go on.
    let answer =
        client.http.post(format!("{}{project}/train/resume", client.base)).json(&json!({})).send().await;
    assert_eq!(answer.expect("answers").status(), 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_training_goes_on_when_it_is_asked_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(model) = trainable_model(folder.path(), "a_cancelled_training_goes_on_when_it_is_asked_to")
    else {
        return;
    };
    let server = Serving::start(folder.path());
    let client = Client::new(&server);
    let project = client.start_training(model).await;
    client.watch(&project, 0, |kind, _| kind == "checkpoint").await;
    client.post(&format!("{project}/train/cancel"), &json!({})).await;
    let seen = client.watch(&project, 0, ended).await;
    let end = seen.last().expect("an end");
    assert_eq!(end.data["status"], "cancelled", "{end:?}");
    let run = client.get(&format!("{project}/train/status")).await["run"].clone();
    assert_eq!((&run["status"], &run["resumable"]), (&json!("cancelled"), &json!(true)), "{run}");
    let last = seen.iter().map(|event| event.id).max().unwrap_or(0);
    client.post(&format!("{project}/train/resume"), &json!({})).await;
    client.watch(&project, last, ended).await;
    assert_eq!(client.losses(&project).await.len() as u64, STEPS);
}
