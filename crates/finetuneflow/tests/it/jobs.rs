//! Jobs with real workers and real child processes: a document's way to a model, and what happens when something ends early.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use finetuneflow::jobs::chunk_documents::ChunkDocuments;
use finetuneflow::jobs::dataset_check::DatasetCheck;
use finetuneflow::jobs::dataset_generate::DatasetGenerate;
use finetuneflow::jobs::evaluate::Evaluate;
use finetuneflow::jobs::export::{Export, files_of};
use finetuneflow::jobs::train::{self, TrainSettings};
use finetuneflow::jobs::{self, JobKind, REGISTRY, Services, WorkerOptions, Workers};
use finetuneflow::library;
use finetuneflow::models::Models;
use finetuneflow::providers::offline::Options;
use serde_json::{Value, json};
use store::examples::{ExampleStatus, NewExample};
use store::jobs::{Job, JobStatus};
use store::runs::{Run, RunStatus};
use store::{BlobKey, Blobs, Database, Live, Topic, run_events};
use uuid::Uuid;

use crate::support::{copy_folder, program, rows, test_material};

const MODEL: &str = "tiny";
/// Far more than anything here takes; only to fail instead of waiting for ever.
const LONG: Duration = Duration::from_secs(240);

const DOCUMENT: &str = "# Opening hours\n\nThe reading room opens at 9:15 on weekdays. The café closes at 18:30.\n\n\
# Fees\n\nA lost card costs 12 euros. The yearly membership costs 40 euros.\n\n\
| Room | Seats |\n|---|---|\n| Blue room | 24 |\n| Garden room | 8 |\n";

/// A data folder with a small real model, and what jobs work with.
struct Studio {
    _folder: tempfile::TempDir,
    services: Services,
}

impl Studio {
    async fn new(test: &str) -> Option<Self> {
        let material = test_material(test)?;
        let folder = tempfile::tempdir().expect("a folder");
        let model = folder.path().join("models").join(MODEL);
        copy_folder(&material.join("weights/stories260K-hf"), &model);
        let template = "{{ bos_token }}{% for message in messages %}{% if message.role == 'assistant' %}{% generation %}{{ message.content }}{{ eos_token }}{% endgeneration %}{% else %}{{ message.content }}\n{% endif %}{% endfor %}";
        std::fs::write(model.join("chat_template.jinja"), template).expect("writes the template");
        let services = Services {
            database: open(folder.path()).await,
            blobs: Blobs::local(&folder.path().join("files")).expect("a folder"),
            models: Models::new(folder.path()),
            program: program(),
            threads: 1,
            inference: std::sync::Arc::new(finetuneflow::inference::Inference::new(1)),
            own_connection: None,
        };
        Some(Self { _folder: folder, services })
    }

    fn database(&self) -> &Database {
        &self.services.database
    }

    async fn project(&self) -> Uuid {
        let settings = json!({ "model_id": MODEL, "task": "question_answering", "language": "en" });
        let new =
            store::projects::NewProject { name: "Library".into(), description: String::new(), settings };
        store::projects::create(self.database(), new).await.expect("stores").id
    }

    async fn document(&self, project_id: Uuid, name: &str, content: &str) -> Uuid {
        let id = Uuid::now_v7();
        let key = library::raw_key(project_id, id, name).expect("a key");
        let blob = self.services.blobs.put(&key, content.to_owned()).await.expect("stores");
        let file = store::files::NewFile {
            id,
            project_id,
            name: name.into(),
            kind: "raw_doc".into(),
            media_type: "text/markdown".into(),
            size_bytes: blob.size_bytes,
            sha256: blob.sha256,
            blob_key: key.as_str().into(),
            status: library::STORED.into(),
            details: json!({}),
        };
        store::files::create(self.database(), file).await.expect("stores").id
    }

    async fn approved(&self, project_id: Uuid, count: usize) {
        let rows = rows(count);
        let examples = rows.lines().map(|row| {
            let payload: Value = serde_json::from_str(row).expect("JSON");
            NewExample {
                chunk_id: None,
                status: ExampleStatus::Approved,
                content_hash: library::content_hash(&payload),
                payload,
                provenance: json!({}),
                quality: json!({}),
            }
        });
        store::examples::insert_many(self.database(), project_id, examples.collect()).await.expect("stores");
    }

    /// Stores a job and waits for its end.
    async fn done<K: JobKind>(&self, kind: &K) -> Job {
        let mut news = self.database().live().subscribe(Topic::Jobs);
        let id = jobs::enqueue(self.database(), kind).await.expect("stores").id;
        ended(self.database(), &mut news, id).await
    }

    async fn run(&self, id: Uuid) -> Run {
        store::runs::get(self.database(), id).await.expect("is there")
    }

    async fn kinds(&self, run_id: Uuid) -> Vec<String> {
        let events = run_events::list_after(self.database(), run_id, 0).await.expect("reads");
        events.into_iter().map(|event| event.kind).filter(|kind| kind != "log" && kind != "step").collect()
    }

    /// The loss of each step, to the last bit; a step that was done twice must have the same twice.
    async fn losses(&self, run_id: Uuid) -> BTreeMap<u64, u64> {
        let mut losses = BTreeMap::new();
        for event in run_events::list_after(self.database(), run_id, 0).await.expect("reads") {
            if event.kind == "step" {
                let step = event.payload["step"].as_u64().expect("a number");
                let loss = event.payload["loss"].as_f64().expect("a number").to_bits();
                assert_eq!(*losses.entry(step).or_insert(loss), loss, "step {step} again");
            }
        }
        losses
    }
}

async fn open(folder: &Path) -> Database {
    let url = Database::sqlite_url(&folder.join("finetuneflow.sqlite"));
    Database::open(&url, &folder.join("backups")).await.expect("opens")
}

async fn ended(database: &Database, news: &mut store::Subscription, id: Uuid) -> Job {
    let wait = async {
        loop {
            let job = store::jobs::get(database, id).await.expect("is there");
            if job.status.is_final() {
                return job;
            }
            news.next().await;
        }
    };
    tokio::time::timeout(LONG, wait).await.expect("the job ends in time")
}

fn settings() -> TrainSettings {
    TrainSettings {
        model_id: MODEL.into(),
        rank: 4,
        max_steps: Some(12),
        learning_rate: 1e-3,
        micro_batch_size: 2,
        max_seq_len: Some(128),
        checkpoint_steps: 5,
        ..TrainSettings::default()
    }
}

#[test]
fn every_kind_has_one_line_and_one_queue() {
    let kinds: Vec<_> = REGISTRY.iter().map(|kind| (kind.kind, kind.queue.as_str())).collect();
    assert_eq!(
        kinds,
        [
            ("chunk_documents", "default"),
            ("document_ocr", "default"),
            ("dataset_check", "default"),
            ("dataset_generate", "default"),
            ("dataset_preview", "default"),
            ("dataset_write", "default"),
            ("label_studio_push", "default"),
            ("label_studio_sync", "default"),
            ("train", "gpu"),
            ("evaluate", "gpu"),
            ("export", "default"),
            ("download_model", "default"),
            ("ollama_push", "default"),
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_becomes_a_model() {
    let Some(studio) = Studio::new("a_document_becomes_a_model").await else { return };
    let workers = Workers::start(&studio.services, WorkerOptions::default());
    let project_id = studio.project().await;
    let file = studio.document(project_id, "hours.md", DOCUMENT).await;
    let empty = studio.document(project_id, "scan.pdf", "%PDF-1.4 nothing").await;

    let cut = ChunkDocuments { project_id, file_ids: vec![file, empty], max_tokens: 64, overlap_tokens: 0 };
    for _ in 0..2 {
        let job = studio.done(&cut).await;
        assert_eq!(job.status, JobStatus::Completed, "{:?}", job.error);
        let result = job.result.expect("a result");
        assert_eq!(
            (&result["files"], &result["failed"][0]["name"]),
            (&json!(1), &json!("scan.pdf")),
            "{result}"
        );
        let chunks =
            store::chunks::list(studio.database(), project_id, store::Page::default(), Default::default());
        let chunks = chunks.await.expect("reads");
        assert_eq!(json!(chunks.total), result["chunks"], "a second time replaces them");
        assert!(chunks.items.iter().all(|chunk| (1..=64).contains(&chunk.token_count)));
        assert_eq!(chunks.items[0].source["headings"], json!(["Opening hours"]));
    }

    let make = DatasetGenerate {
        project_id,
        file_ids: Some(vec![file]),
        options: Options::default(),
        status: ExampleStatus::Approved,
    };
    let job = studio.done(&make).await;
    assert_eq!(job.status, JobStatus::Completed, "{:?}", job.error);
    let result = job.result.expect("a result");
    let count = result["new"].as_u64().expect("a number");
    assert!(count > 10, "{result}");
    assert_eq!(studio.done(&make).await.result.expect("a result")["new"], 0, "nothing twice");
    let filter = store::examples::ExampleFilter { search: Some("9:15".into()), ..Default::default() };
    let found = store::examples::list(studio.database(), project_id, store::Page::default(), filter).await;
    let example = &found.expect("reads").items[0];
    assert!(example.chunk_id.is_some(), "{example:?}");
    assert_eq!(example.provenance["file_name"], "hours.md");

    // Offline wordings of one fact have the same answer: the checks see where they repeat each other.
    let job = studio.done(&DatasetCheck { project_id, max_tokens: Some(8) }).await;
    assert_eq!(job.status, JobStatus::Completed, "{:?}", job.error);
    let result = job.result.expect("a result");
    assert_eq!((&result["examples"], &result["with_findings"]), (&json!(count), &json!(count)), "{result}");
    let example = store::examples::get(studio.database(), project_id, example.id).await.expect("is there");
    let issues = example.quality["issues"].as_array().expect("a list");
    assert!(issues.contains(&json!("too_many_tokens")), "{:?}", example.quality);
    assert!(!issues.contains(&json!("not_grounded")), "{:?}", example.quality);
    assert!(example.quality["tokens"].as_u64() > Some(8) && example.quality["score"].as_f64() < Some(1.0));
    assert_eq!(example.created_at, example.updated_at, "no change of a person's");

    let settings = TrainSettings { held_out_fraction: 0.3, ..settings() };
    let (run, job) = train::start(studio.database(), project_id, &settings, None).await.expect("stores");
    let mut news = studio.database().live().subscribe(Topic::Jobs);
    let job = ended(studio.database(), &mut news, job.id).await;
    assert_eq!(job.status, JobStatus::Completed, "{:?}", job.error);
    assert_eq!((&job.progress["percent"], &job.progress["code"]), (&json!(100.0), &json!("step")));
    assert_eq!(job.progress["params"], json!({ "step": 12, "total": 12 }));
    let run = studio.run(run.id).await;
    assert_eq!(run.status, RunStatus::Completed);
    assert_eq!(studio.losses(run.id).await.len(), 12);
    let expected = ["queued", "started", "plan", "checkpoint", "checkpoint", "completed"];
    assert_eq!(studio.kinds(run.id).await, expected);
    let version = run.dataset_version_id.expect("frozen");
    let version =
        store::dataset_versions::get(studio.database(), project_id, version).await.expect("is there");
    let held_out = version.details["held_out_count"].as_u64().expect("a number");
    assert_eq!((version.train_count + version.eval_count).unsigned_abs() + held_out, count);
    assert!(version.eval_count > 0 && held_out > 0, "{version:?}");

    let job = studio
        .done(&Evaluate {
            project_id,
            run_id: run.id,
            questions: vec!["Where is it?".into()],
            max_tokens: Some(24),
        })
        .await;
    assert_eq!(job.status, JobStatus::Completed, "{:?}", job.error);
    let result = job.result.expect("a result");
    let loss = |side: &str| result[side]["eval_loss"].as_f64().expect("a number");
    assert!(loss("after") < loss("before"), "{result}");
    assert_eq!(result["data"], "held_back");
    assert_eq!(result["held_out"]["rows"], json!(held_out));
    assert!(result["held_out"]["after"]["eval_loss"].is_f64(), "{result}");

    let formats = vec!["peft".into(), "merged".into(), "gguf".into()];
    let write =
        Export { project_id, run_id: run.id, formats, quantizations: vec!["q8_0".into()], bundle: true };
    let job = studio.done(&write).await;
    assert_eq!(job.status, JobStatus::Completed, "{:?}", job.error);
    let result = job.result.expect("a result");
    check_export(&studio, &result).await;
    check_certificate(&result["certificate"]);
    workers.stop().await;
}

fn check_certificate(certificate: &Value) {
    let entries = certificate["entries"].as_array().expect("entries");
    let seen: Vec<_> =
        entries.iter().map(|entry| (entry["format"].clone(), entry["verdict"].clone())).collect();
    // The model's weights are f32, so its merged ones are.
    let expected = [("peft", "same"), ("merged", "same"), ("gguf", "close")];
    assert_eq!(seen, expected.map(|(format, verdict)| (json!(format), json!(verdict))), "{certificate}");
    assert!(entries.iter().all(|entry| entry["measured"]["rows_equal"] == certificate["reference"]["rows"]));
}

async fn check_export(studio: &Studio, result: &Value) {
    let files = files_of(result).expect("files");
    let names: Vec<_> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["adapter-peft.zip", "model-merged.zip", "model-q8_0.gguf", "finetuneflow-export.zip"]);
    for file in &files {
        let bytes =
            studio.services.blobs.get(&BlobKey::parse(&file.key).expect("a key")).await.expect("is there");
        assert_eq!(bytes.len() as u64, file.size_bytes);
        if !file.name.ends_with(".zip") {
            assert!(bytes.starts_with(b"GGUF"));
            continue;
        }
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("a zip");
        let inside: Vec<_> = zip.file_names().map(str::to_owned).collect();
        let has = |name: &str| assert!(inside.iter().any(|file| file == name), "{name} in {inside:?}");
        match file.format.as_str() {
            "peft" => has("adapter-peft/adapter_config.json"),
            "merged" => has("model-merged/config.json"),
            _ => {
                for name in
                    ["model-q8_0.gguf", "adapter-peft/adapter_model.safetensors", "training_config.json"]
                {
                    has(name);
                }
                let metrics =
                    std::io::read_to_string(zip.by_name("metrics.json").expect("is there")).expect("text");
                let metrics: Value = serde_json::from_str(&metrics).expect("JSON");
                assert_eq!(metrics["steps"].as_array().map(Vec::len), Some(12));
                assert!(metrics["after"]["perplexity"].as_f64() < metrics["before"]["perplexity"].as_f64());
                let report =
                    std::io::read_to_string(zip.by_name("report.md").expect("is there")).expect("text");
                assert!(report.contains("<svg") && report.contains("hours.md"), "{report}");
            }
        }
    }
    let key = BlobKey::parse(&files[0].key).expect("a key");
    let folder = studio.services.blobs.local_path(&key).expect("a path");
    let left = std::fs::read_dir(folder.parent().expect("a folder")).expect("reads").count();
    assert_eq!(left, files.len(), "nothing unfinished is left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_done_says_why() {
    let Some(studio) = Studio::new("what_cannot_be_done_says_why").await else { return };
    let workers = Workers::start(&studio.services, WorkerOptions::default());
    let project_id = studio.project().await;
    let mut news = studio.database().live().subscribe(Topic::Jobs);

    let (run, job) = train::start(studio.database(), project_id, &settings(), None).await.expect("stores");
    let job = ended(studio.database(), &mut news, job.id).await;
    assert_eq!(job.status, JobStatus::Failed);
    assert!(job.error.expect("words").contains("no approved examples"));
    assert_eq!(job.result.expect("a cause")["code"], "nothing_approved");
    assert_eq!(studio.run(run.id).await.status, RunStatus::Failed);

    studio.approved(project_id, 8).await;
    let wrong = TrainSettings { target_modules: vec!["q_porj".into()], ..settings() };
    let (run, job) = train::start(studio.database(), project_id, &wrong, None).await.expect("stores");
    let job = ended(studio.database(), &mut news, job.id).await;
    let error = job.error.expect("words");
    assert!(job.status == JobStatus::Failed && error.contains("q_porj"), "{error}");
    let last =
        run_events::last_of(studio.database(), run.id, &["failed"]).await.expect("reads").expect("an event");
    assert_eq!(last.payload["error"], json!(error));
    // The trainer, another process, said which cause it was.
    assert_eq!(
        (&last.payload["code"], &job.result.expect("a cause")["code"]),
        (&json!("setting_refused"), &json!("setting_refused"))
    );
    assert!(last.payload["params"]["detail"].as_str().expect("words").contains("q_porj"), "{}", last.payload);

    let unknown = store::jobs::NewJob {
        project_id: Some(project_id),
        queue: "default".into(),
        kind: "make_coffee".into(),
        payload: json!({}),
        max_attempts: 3,
    };
    let job = store::jobs::enqueue(studio.database(), unknown).await.expect("stores");
    let job = ended(studio.database(), &mut news, job.id).await;
    assert!(job.error.expect("words").contains("make_coffee"));

    let formats = vec!["peft".into()];
    let early = Export { project_id, run_id: run.id, formats, quantizations: Vec::new(), bundle: false };
    assert!(studio.done(&early).await.error.expect("words").contains("failed and has no result"));
    workers.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_training_is_cancelled_and_goes_on_from_there() {
    let Some(studio) = Studio::new("a_training_is_cancelled_and_goes_on_from_there").await else { return };
    let project_id = studio.project().await;
    studio.approved(project_id, 40).await;
    let mut news = studio.database().live().subscribe(Topic::Jobs);

    // Before any worker takes it.
    let (run, job) = train::start(studio.database(), project_id, &settings(), None).await.expect("stores");
    assert!(train::resume(studio.database(), run.id).await.is_err(), "it waits already");
    jobs::cancel(studio.database(), job.id).await.expect("stores");
    assert_eq!(studio.run(run.id).await.status, RunStatus::Cancelled);

    // While it runs.
    let workers = Workers::start(&studio.services, WorkerOptions::default());
    let long = TrainSettings { max_steps: Some(150), ..settings() };
    let (run, job) = train::start(studio.database(), project_id, &long, None).await.expect("stores");
    let mut steps = studio.database().live().subscribe(Topic::Run(run.id));
    reached(&mut steps, 7).await;
    jobs::cancel(studio.database(), job.id).await.expect("stores");
    let job = ended(studio.database(), &mut news, job.id).await;
    assert_eq!(job.status, JobStatus::Cancelled);
    assert_eq!(studio.run(run.id).await.status, RunStatus::Cancelled);
    let done = studio.losses(run.id).await.len();
    assert!((7..150).contains(&done), "{done} steps");

    // A worker that stops gives it back; the next one goes on.
    assert!(train::has_checkpoint(&studio.services.blobs, &run));
    let (_, job) = train::resume(studio.database(), run.id).await.expect("stores");
    reached(&mut steps, done as u64 + 5).await;
    workers.stop().await;
    let waiting = store::jobs::get(studio.database(), job.id).await.expect("is there");
    assert_eq!((waiting.status, waiting.attempts), (JobStatus::Queued, 0));
    assert_eq!(studio.run(run.id).await.status, RunStatus::Interrupted);
    let workers = Workers::start(&studio.services, WorkerOptions::default());
    let job = ended(studio.database(), &mut news, job.id).await;
    assert_eq!(job.status, JobStatus::Completed, "{:?}", job.error);

    let (undisturbed, job) = train::start(studio.database(), project_id, &long, None).await.expect("stores");
    ended(studio.database(), &mut news, job.id).await;
    let losses = studio.losses(run.id).await;
    assert_eq!(losses.len(), 150);
    assert_eq!(losses, studio.losses(undisturbed.id).await);
    assert!(train::resume(studio.database(), run.id).await.is_err(), "it is completed");
    workers.stop().await;
}

async fn reached(steps: &mut store::Subscription, step: u64) {
    let wait = async {
        while let Some(news) = steps.next().await {
            let Live::Event(event) = news else { continue };
            if event.kind == "step" && event.payload["step"].as_u64() >= Some(step) {
                return;
            }
        }
        panic!("the events ended");
    };
    tokio::time::timeout(LONG, wait).await.expect("the step is reached in time");
}
