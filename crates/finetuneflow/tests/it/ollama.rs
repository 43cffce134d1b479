//! Models into an Ollama, against a scripted one. A real one is asked by `interop/ollama_check.py`.

mod script;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::http::Method;
use export::Quantization;
use export::ollama::{Options, render_checks};
use finetuneflow::inference::{Inference, Weights};
use finetuneflow::models::Models;
use finetuneflow::ollama::push::{Means, Progress, Stage};
use finetuneflow::ollama::verify::Verdict;
use finetuneflow::ollama::{Client, OllamaError, Push, Pushed, parse_address};
use serde_json::{Value, json};

use crate::support::{Server, rows, test_material, trainable_model};
use script::{Asked, Fault, Script};

/// A model and a scripted Ollama for it.
struct Desk {
    folder: tempfile::TempDir,
    script: Arc<Script>,
    model: PathBuf,
    stages: Arc<std::sync::Mutex<Vec<Progress>>>,
}

impl Desk {
    async fn new(test: &str) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let name = trainable_model(folder.path(), test)?;
        let model = Models::new(folder.path()).dir(name).expect("a model");
        let script = Script::start().await;
        script.book().trained = trained(&model);
        Some(Self { folder, script, model, stages: Arc::default() })
    }

    fn order(&self) -> Push {
        Push {
            weights: Weights { model: self.model.clone(), adapter: None },
            name: "handbook".into(),
            quantization: Quantization::F16,
            replace: false,
            options: Options { temperature: Some(0.5), ..Options::default() },
        }
    }

    async fn push(&self, order: &Push) -> anyhow::Result<Pushed> {
        let client = Client::new(parse_address(&self.script.address).expect("an address"))?;
        let scratch = tempfile::tempdir_in(self.folder.path())?;
        let inference = Arc::new(Inference::new(1));
        let stages = Arc::clone(&self.stages);
        let means = Means {
            client: &client,
            scratch: scratch.path(),
            inference: &inference,
            cancel: Arc::new(AtomicBool::new(false)),
            listener: Arc::new(move |told| stages.lock().expect("not poisoned").push(told)),
        };
        order.run(&means).await
    }

    async fn refused(&self, order: &Push) -> OllamaError {
        let error = self.push(order).await.expect_err("refused");
        error.downcast_ref::<OllamaError>().unwrap_or_else(|| panic!("{error:#}")).clone()
    }
}

fn trained(model: &std::path::Path) -> Vec<(Value, String)> {
    let checks = render_checks(model).expect("rendered");
    checks.into_iter().map(|check| (Value::from(check.messages), check.expected)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_is_sent_made_and_compared() {
    let Some(desk) = Desk::new("a_model_is_sent_made_and_compared").await else { return };
    let pushed = desk.push(&desk.order()).await.expect("pushed");
    let prompts = &pushed.prompts;
    assert_eq!((prompts.verdict, prompts.equal), (Verdict::Equal, prompts.compared), "{prompts:?}");
    assert!(prompts.compared >= 4, "{prompts:?}");
    // The script answers with a text of its own: that is said, and no error.
    assert_eq!((pushed.answers.verdict, pushed.answers.compared), (Verdict::Different, 3));
    assert!(pushed.answers.differences[0].contains("Of course."), "{:?}", pushed.answers);
    let book = desk.script.book();
    assert_eq!(book.blobs.get(&pushed.digest), Some(&(pushed.size_bytes as usize)));
    let made = &book.models["handbook"];
    assert_eq!(made["files"], json!({ "model.gguf": pushed.digest }));
    assert!(made["template"].as_str().expect("text").contains(".Messages"), "{made}");
    assert_eq!(made["parameters"]["num_ctx"], pushed.num_ctx);
    assert_eq!(made["parameters"]["stop"], json!(pushed.stop));
    assert_eq!(made["parameters"]["temperature"], 0.5);
    assert!(!pushed.stop.is_empty());
    drop(book);
    let stages = desk.stages.lock().expect("not poisoned");
    let percents: Vec<f64> = stages.iter().map(|told| told.percent()).collect();
    assert!(percents.windows(2).all(|pair| pair[0] <= pair[1]), "{percents:?}");
    let seen: Vec<Stage> = stages.iter().map(|told| told.stage).fold(Vec::new(), |mut seen, stage| {
        if seen.last() != Some(&stage) {
            seen.push(stage);
        }
        seen
    });
    assert_eq!(
        seen,
        [Stage::Export, Stage::Digest, Stage::Upload, Stage::Create, Stage::Render, Stage::Answer]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_are_sent_once_and_a_model_gives_way_only_when_asked() {
    let Some(desk) = Desk::new("bytes_are_sent_once_and_a_model_gives_way_only_when_asked").await else {
        return;
    };
    desk.push(&desk.order()).await.expect("pushed");
    let refused = desk.refused(&desk.order()).await;
    assert!(matches!(&refused, OllamaError::Exists { name, .. } if name == "handbook"), "{refused}");
    let replacing = Push { replace: true, ..desk.order() };
    desk.push(&replacing).await.expect("pushed");
    assert_eq!(desk.script.asked(&Method::POST, "/api/blobs/").len(), 1);
    assert_eq!(desk.script.asked(&Method::POST, "/api/create").len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_rendering_is_told_in_words() {
    let Some(desk) = Desk::new("another_rendering_is_told_in_words").await else { return };
    desk.script.book().render = |text| json!(format!("{text}!"));
    let pushed = desk.push(&desk.order()).await.expect("pushed");
    assert_eq!((pushed.prompts.verdict, pushed.prompts.equal), (Verdict::Different, 0));
    let words = &pushed.prompts.differences[0];
    assert!(words.contains("the training has nothing more, Ollama has \"!\""), "{words}");

    desk.script.book().render = |_| Value::Null;
    let pushed = desk.push(&Push { replace: true, ..desk.order() }).await.expect("pushed");
    assert_eq!(pushed.prompts.verdict, Verdict::Unknown);
    assert!(pushed.prompts.note.expect("why").contains("does not show"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_connection_is_tried_again() {
    let Some(desk) = Desk::new("a_cut_connection_is_tried_again").await else { return };
    desk.script.fail("/api/blobs/", Fault::Cut);
    desk.script.fail("/api/blobs/", Fault::Instead(400, "digest mismatch, expected x, got y"));
    desk.push(&desk.order()).await.expect("pushed");
    assert_eq!(desk.script.asked(&Method::POST, "/api/blobs/").len(), 3);
    assert_eq!(desk.script.asked(&Method::HEAD, "/api/blobs/").len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_say_what_happened() {
    let Some(desk) = Desk::new("failures_say_what_happened").await else { return };
    let fail = |faults: &[(&'static str, Fault)]| {
        faults.iter().for_each(|(path, fault)| desk.script.fail(path, fault.clone()));
    };
    let mismatch = ("/api/blobs/", Fault::Instead(400, "digest mismatch"));
    for (faults, words) in [
        (
            vec![mismatch.clone(), mismatch.clone(), mismatch],
            "received other bytes than were sent (digest mismatch)",
        ),
        (vec![("/api/blobs/", Fault::Instead(507, "full"))], "is full"),
        (
            vec![("/api/create", Fault::Instead(500, "write x: no space left on device"))],
            "is full (write x: no space left on device)",
        ),
        (
            vec![("/api/create", Fault::Instead(500, "invalid file magic"))],
            "failed while making the model (invalid file magic)",
        ),
        (
            vec![("/api/create", Fault::Instead(400, "template error"))],
            "refuses making the model (status 400): template error",
        ),
        (
            vec![(
                "/api/create",
                Fault::Lines(&["{\"status\":\"parsing GGUF\"}\n{\"err", "or\":\"unsupported\"}\n"]),
            )],
            "failed while making the model (unsupported)",
        ),
        (
            vec![("/api/create", Fault::Lines(&["{\"status\":\"parsing GGUF\"}\n"]))],
            "it did not say that it was done",
        ),
        (vec![("/api/create", Fault::Lines(&["<html>"]))], "does not answer as Ollama does"),
        (vec![("/api/version", Fault::Instead(404, "no"))], "does not answer as Ollama does (status 404)"),
        (vec![("/api/version", Fault::Instead(302, "no"))], "does not answer as Ollama does"),
    ] {
        fail(&faults);
        let error = desk.refused(&desk.order()).await.to_string();
        assert!(error.contains(words), "{words:?} in {error}");
    }
    desk.script.book().version = "0.3.12";
    assert!(matches!(desk.refused(&desk.order()).await, OllamaError::TooOld { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_those_that_ollama_describes() {
    let test = "requests_are_those_that_ollama_describes";
    let (Some(material), Some(desk)) = (test_material(test), Desk::new(test).await) else { return };
    desk.push(&desk.order()).await.expect("pushed");
    let description = std::fs::read_to_string(material.join("api/ollama/openapi.yaml")).expect("readable");
    let create = fields(&description, "CreateRequest");
    let chat = fields(&description, "ChatRequest");
    let options = fields(&description, "ModelOptions");
    assert!(create.contains("template") && chat.contains("messages") && options.contains("num_ctx"));
    let beyond = |asked: &[Asked], known: &BTreeSet<String>, field: &str| -> BTreeSet<String> {
        let body =
            |asked: &Asked| if field.is_empty() { asked.body.clone() } else { asked.body[field].clone() };
        let names = asked.iter().map(body).flat_map(|body| body.as_object().cloned().unwrap_or_default());
        names.map(|(name, _)| name).filter(|name| !known.contains(name)).collect()
    };
    let made = desk.script.asked(&Method::POST, "/api/create");
    let asked = desk.script.asked(&Method::POST, "/api/chat");
    // `files` stands in the written description alone; the others are read in the server's sources.
    assert_eq!(beyond(&made, &create, ""), BTreeSet::from(["files".to_owned()]));
    let unsaid = ["_debug_render_only", "truncate"].map(str::to_owned);
    assert_eq!(beyond(&asked, &chat, ""), BTreeSet::from(unsaid));
    let extra = beyond(&asked, &options, "options");
    assert!(extra.iter().all(|name| name == "repeat_penalty"), "{extra:?}");
}

/// The fields of a schema in the description: a list of names by their indentation.
fn fields(description: &str, schema: &str) -> BTreeSet<String> {
    let after =
        description.split(&format!("\n    {schema}:\n")).nth(1).unwrap_or_else(|| panic!("no {schema}"));
    let lines = after.lines().take_while(|line| line.starts_with("     ") || line.trim().is_empty());
    let names = lines.filter_map(|line| {
        line.strip_prefix("        ")?.strip_suffix(':').filter(|name| !name.starts_with(' '))
    });
    names.map(str::to_owned).collect()
}

#[tokio::test]
async fn the_api_says_whether_ollama_is_there() {
    let server = Server::start().await;
    let project = server.project().await;
    let script = Script::start().await;
    let path = format!("{project}/export/ollama");
    let connection = json!({ "kind": "ollama", "address": format!("{}/v1", script.address) });
    server.put("/api/settings/providers/ollama", &connection).await.expect(200);
    let state = server.get(&path).await.expect(200);
    assert_eq!((&state["reachable"], &state["version"]), (&json!(true), &json!("0.17.4")), "{state}");
    assert_eq!((&state["suggested_name"], &state["address"]), (&json!("handbook"), &json!(script.address)));

    script.book().version = "0.1.2";
    let state = server.get(&path).await.expect(200);
    assert!(state["problem"].as_str().expect("why").contains("update it"), "{state}");

    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let nobody = format!("http://{}", closed.local_addr().expect("an address"));
    drop(closed);
    let state = server.get(&format!("{path}?address={nobody}")).await.expect(200);
    assert_eq!(state["reachable"], false);
    assert!(state["problem"].as_str().expect("why").contains("ollama serve"), "{state}");
    server.get(&format!("{path}?address=nonsense")).await.expect_error(400, "invalid_request");

    for (body, field) in [
        (json!({ "name": "a b" }), "name"),
        (json!({ "quantization": "q9" }), "quantization"),
        (json!({ "num_ctx": 1 }), "num_ctx"),
        (json!({ "temperature": -1 }), "temperature"),
    ] {
        let error = server.post(&path, &body).await.expect_error(400, "invalid_request");
        assert_eq!(error["fields"][0]["field"], field, "{error}");
    }
    server.post(&path, &json!({})).await.expect_error(409, "nothing_to_do");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_training_becomes_a_model_in_ollama() {
    let test = "a_training_becomes_a_model_in_ollama";
    let folder = tempfile::tempdir().expect("a folder");
    let Some(model) = trainable_model(folder.path(), test) else { return };
    let server = Server::on(folder, &[("FTF_THREADS", "1")], true).await;
    let made = server.post("/api/projects", &json!({ "name": "Boxes", "model_id": model })).await.expect(201);
    let project = format!("/api/projects/{}", made["id"].as_str().expect("an id"));
    server.dataset(&project, &rows(4)).await;
    let settings = json!({ "max_steps": 1, "max_seq_len": 128 });
    let started = server.post(&format!("{project}/train/start"), &settings).await.expect(202);
    let trained_job = server.finished(started["job"]["id"].as_str().expect("an id")).await;
    assert_eq!(trained_job["status"], "completed", "{trained_job}");

    let script = Script::start().await;
    script.book().trained = trained(&server.state.services.models.dir(model).expect("a model"));
    let path = format!("{project}/export/ollama");
    let body = json!({ "address": script.address, "system": "Be brief." });
    let started = server.post(&path, &body).await.expect(202);
    let job = server.finished(started["job"]["id"].as_str().expect("an id")).await;
    assert_eq!(job["status"], "completed", "{job}");
    assert_eq!(
        (&job["result"]["name"], &job["result"]["prompts"]["verdict"]),
        (&json!("boxes"), &json!("equal"))
    );
    assert_eq!(script.book().models["boxes"]["system"], "Be brief.");
    let certificate = server.get(&format!("{project}/export/certificate")).await.expect(200);
    let ollama = &certificate["ollama"];
    assert_eq!(
        (&ollama["name"], &ollama["address"]),
        (&json!("boxes"), &job["result"]["address"]),
        "{certificate}"
    );
    assert_eq!(
        (&ollama["prompts_equal"], &ollama["answers_equal"]),
        (&job["result"]["prompts"]["compared"], &job["result"]["answers"]["equal"]),
        "{certificate}"
    );
    server.post(&path, &body).await.expect_error(409, "model_exists");

    // It is cancelled while Ollama takes its time.
    script.fail("/api/create", Fault::Never);
    let body = json!({ "address": script.address, "replace": true, "quantization": "q8_0" });
    let started = server.post(&path, &body).await.expect(202);
    let id = started["job"]["id"].as_str().expect("an id").to_owned();
    let mut count = script.count.subscribe();
    while script.asked(&Method::POST, "/api/create").len() < 2 {
        count.changed().await.expect("the script lives");
    }
    server.post(&path, &body).await.expect_error(409, "already_running");
    server.post(&format!("/api/jobs/{id}/cancel"), &json!({})).await;
    assert_eq!(server.finished(&id).await["status"], "cancelled");
}
