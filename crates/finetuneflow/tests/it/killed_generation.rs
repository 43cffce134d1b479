//! A language model writes examples of a thousand chunks through a server that fails in every way that servers do, while
//! ours is killed three times.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use futures::StreamExt;
use serde_json::{Value, json};
use store::generation_units::{self as units, UnitStatus};
use store::provider_calls::{self, CallStatus};
use store::{Database, Page};
use uuid::Uuid;

use crate::scripted_model::{Manner, Script};
use crate::server::{Client, Serving};
use crate::support::trainable_model;

const SECTIONS: usize = 1000;
const CONCURRENCY: u64 = 8;
/// Answers of the scripted server after which ours is killed.
const KILLS: [usize; 3] = [150, 400, 800];
/// No step of this test may take longer.
const PATIENCE: Duration = Duration::from_secs(120);

impl Client {
    /// The job, once it has ended.
    async fn ended(&self, job: &str) -> Value {
        let url = format!("{}/api/jobs/{job}/events", self.base);
        let stream = self.http.get(url).send().await.expect("answers").bytes_stream();
        let all = tokio::time::timeout(PATIENCE, stream.collect::<Vec<_>>()).await.expect("in time");
        let text: String = all
            .into_iter()
            .map(|part| String::from_utf8_lossy(&part.expect("a part")).into_owned())
            .collect();
        let end = text.split("event: end").nth(1).unwrap_or_else(|| panic!("the stream ended early: {text}"));
        let data = end.lines().find_map(|line| line.strip_prefix("data: ")).expect("data");
        serde_json::from_str(data).expect("JSON")
    }

    /// A project whose document was cut into a chunk for each section; its id.
    async fn project_with_chunks(&self, model: &str) -> Uuid {
        let project =
            json!({ "name": "Boxes", "model_id": model, "task": "question_answering", "language": "en" });
        let id = self.post("/api/projects", &project).await["id"].as_str().expect("an id").to_owned();
        let sections: String = (0..SECTIONS)
            .map(|number| {
                format!("# Box {number}\n\nThis is box number {number} of the store. {}\n\n", WORDS.repeat(2))
            })
            .collect();
        let file = reqwest::multipart::Part::bytes(sections.into_bytes()).file_name("boxes.md");
        let form = reqwest::multipart::Form::new().text("kind", "raw_doc").part("files", file);
        let upload = self.http.post(format!("{}/api/projects/{id}/files/upload", self.base)).multipart(form);
        self.json(upload).await;
        let job =
            self.post(&format!("/api/projects/{id}/chunks/generate"), &json!({ "max_tokens": 160 })).await;
        let job = self.ended(job["job"]["id"].as_str().expect("an id")).await;
        assert_eq!(job["status"], "completed", "{job}");
        id.parse().expect("an id")
    }

    /// Starts the writing through a connection to this address; the job's id.
    async fn start_writing(&self, project: Uuid, address: &str, concurrency: u64) -> String {
        let connection =
            json!({ "kind": "openai_compatible", "address": address, "concurrency": concurrency });
        let put = self.http.put(format!("{}/api/settings/providers/scripted", self.base)).json(&connection);
        let set = self.json(put).await;
        assert_eq!(set["leaves_the_machine"], false, "{set}");
        let tested = self.post("/api/settings/providers/scripted/test", &json!({})).await;
        assert_eq!((&tested["ok"], &tested["models"]), (&json!(true), &json!(["a", "b"])));
        let body = json!({ "connection": "scripted", "model": "a", "temperature": 0.0 });
        let job = self.post(&format!("/api/projects/{project}/dataset/write"), &body).await;
        job["job"]["id"].as_str().expect("an id").to_owned()
    }
}

const WORDS: &str =
    "It stands on a shelf and holds what its label says, no more and no less, as every box here does. ";

async fn opened(folder: &std::path::Path) -> Database {
    let url = Database::sqlite_url(&folder.join("finetuneflow.sqlite"));
    Database::open(&url, folder).await.expect("opens")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_pays_for_no_reply_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(model) = trainable_model(folder.path(), "a_killed_server_pays_for_no_reply_twice") else {
        return;
    };
    let (script, address) = Script::start(Manner::Difficult).await;
    let mut server = Serving::start(folder.path());
    let client = Client::new(&server);
    let project = client.project_with_chunks(model).await;
    let job = client.start_writing(project, &address, CONCURRENCY).await;

    let mut answered = script.answered.subscribe();
    for kill in KILLS {
        let reached = answered.wait_for(|answered| *answered >= kill);
        tokio::time::timeout(PATIENCE, reached).await.expect("in time").expect("the server is there");
        assert_eq!(server.end("-KILL"), None, "killed");
        server = Serving::start(folder.path());
    }
    let client = Client::new(&server);
    let ended = client.ended(&job).await;
    assert_eq!(ended["status"], "completed", "{ended}");
    let examples = client.get(&format!("/api/projects/{project}/dataset/stats")).await["total"].clone();
    assert_eq!(server.end("-TERM"), Some(0));

    let database = opened(folder.path()).await;
    let job: Uuid = job.parse().expect("an id");
    let counts = units::counts(&database, job).await.expect("counts");
    assert!(counts.total() >= SECTIONS as u64 && counts.pending == 0, "{counts:?}");
    assert_eq!(counts.quarantined, SECTIONS as u64 / 100, "{counts:?}");
    let aside =
        units::list(&database, job, Page::new(1, 500), Some(UnitStatus::Quarantined)).await.expect("units");
    for unit in aside.items {
        let reason = unit.reason.expect("a reason");
        assert!(reason.contains("examples") && reason.contains("asked again"), "{reason}");
    }
    let mut stored = 0;
    for unit in all_units(&database, job).await {
        // One that was cut off loses its second example.
        assert!(unit.status == UnitStatus::Quarantined || (1..=2).contains(&unit.examples), "{unit:?}");
        stored += unit.examples;
    }
    assert_eq!(examples, json!(stored), "nothing is there twice or without its unit");

    let mut hashes = HashSet::new();
    let (mut failed, mut lost) = (0, 0);
    for number in 1.. {
        let page =
            provider_calls::list(&database, project, None, Page::new(number, 500)).await.expect("calls");
        for call in &page.items {
            match call.status {
                CallStatus::Replied => {
                    assert!(hashes.insert(call.request_hash.clone()), "paid twice: {call:?}")
                }
                CallStatus::Failed => failed += 1,
                CallStatus::Sent => lost += 1,
            }
        }
        if number * 500 >= page.total {
            break;
        }
    }
    // Every call is in the list, those that were on their way at a kill too.
    let served: usize = script.asked.lock().expect("not poisoned").values().sum();
    assert!(served <= hashes.len() + failed + lost, "{served} calls came, {lost} listed as lost");
    assert!(lost <= KILLS.len() * CONCURRENCY as usize, "{lost} calls were lost");
}

async fn all_units(database: &Database, job: Uuid) -> Vec<units::Unit> {
    let mut all = Vec::new();
    for number in 1.. {
        let page = units::list(database, job, Page::new(number, 500), None).await.expect("units");
        all.extend(page.items);
        if number * 500 >= page.total {
            break;
        }
    }
    all
}

/// Not a timed test: the figure is printed, for whoever asks what our side costs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writing_is_paused_bounded_and_continued() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(model) = trainable_model(folder.path(), "writing_is_paused_bounded_and_continued") else {
        return;
    };
    let (script, address) = Script::start(Manner::Calm).await;
    let server = Serving::start(folder.path());
    let client = Client::new(&server);
    let project = client.project_with_chunks(model).await;
    let started = Instant::now();
    let job = client.start_writing(project, &address, 1).await;
    let mut answered = script.answered.subscribe();
    let some = answered.wait_for(|answered| *answered >= 100);
    tokio::time::timeout(PATIENCE, some).await.expect("in time").expect("the server is there");
    let write = format!("/api/projects/{project}/dataset/write");
    client.post(&format!("{write}/pause"), &json!({})).await;
    assert_eq!(client.ended(&job).await["status"], "cancelled");
    let at_pause = *script.answered.borrow();
    let paused = client.get(&write).await["work"].clone();
    assert_eq!(
        (&paused["job"]["status"], &paused["units_of"]),
        (&json!("cancelled"), &json!(job)),
        "{paused}"
    );
    assert_eq!(paused["request"]["model"], "a", "what was asked for: {paused}");
    assert!(paused["done"].as_u64() >= Some(99) && paused["pending"].as_u64() > Some(0), "{paused}");

    let bounded = client.post(&format!("{write}/resume"), &json!({ "max_calls": at_pause + 50 })).await;
    let bounded = client.ended(bounded["job"]["id"].as_str().expect("an id")).await;
    assert_eq!(bounded["status"], "completed", "{bounded}");
    assert!(bounded["result"]["stopped"].as_str().expect("a reason").contains("calls are made"), "{bounded}");
    let stopped = client.get(&write).await["work"].clone();
    assert_eq!(stopped["units_of"], json!(job), "it is the same work");
    assert_eq!(
        (&stopped["stopped"], &stopped["request"]["max_calls"]),
        (&bounded["result"]["stopped"], &json!(at_pause + 50))
    );
    // The call that was on its way at the pause may have been answered to nobody.
    assert!(*script.answered.borrow() <= at_pause + 50 + 1);

    let rest = client.post(&format!("{write}/resume"), &json!({})).await;
    let rest = client.ended(rest["job"]["id"].as_str().expect("an id")).await;
    let elapsed = started.elapsed();
    assert_eq!(rest["result"]["units"]["pending"], 0, "{rest}");
    let calls = *script.answered.borrow();
    println!(
        "{calls} calls one after the other, {:.2} ms each, the scripted server included",
        elapsed.as_secs_f64() * 1e3 / calls as f64
    );
    let units = client
        .get(&format!("/api/projects/{project}/dataset/units?job_id={job}&status=done&per_page=1"))
        .await;
    assert_eq!(units["total"], rest["result"]["units"]["done"]);
    let total = client.get(&format!("/api/projects/{project}/dataset/stats")).await["total"]
        .as_u64()
        .expect("a number");
    assert_eq!(total, 2 * SECTIONS as u64);
    let listed = client.get(&format!("/api/projects/{project}/dataset/calls?per_page=1")).await;
    assert!(listed["items"][0]["address"].as_str().expect("an address").starts_with("http://127.0.0.1:"));
    let again = client
        .http
        .post(format!("{}{write}/resume", client.base))
        .json(&json!({}))
        .send()
        .await
        .expect("answers");
    assert_eq!(again.status().as_u16(), 409, "nothing is left");
}
