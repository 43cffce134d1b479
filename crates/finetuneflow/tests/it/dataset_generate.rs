//! `finetuneflow dataset generate`: chunks and a language model in, records out; goes on where it was ended.

use serde_json::{Value, json};

use crate::dataset::Folder;
use crate::scripted_model::{Manner, Script};

/// A folder with twelve chunks.
fn folder() -> Folder {
    let folder = Folder::new();
    let chunk = |number: usize| {
        let text = format!("This is box number {number} of the store. In it are {number} screws.");
        json!({ "text": text, "tokens": 20, "file_name": "boxes.md", "chunk_id": format!("c{number}"),
            "start": 100 * number, "end": 100 * number + 80, "heading_path": [format!("Box {number}")] })
        .to_string()
    };
    folder.write("chunks.jsonl", &(0..12).map(|number| chunk(number) + "\n").collect::<String>());
    folder
}

/// The command in a thread of its own, beside the scripted server.
async fn generate(folder: &std::sync::Arc<Folder>, address: &str, more: &[&str]) -> Vec<Value> {
    let mut arguments = vec!["generate", "chunks.jsonl", "--out", "records.jsonl", "--provider"];
    arguments.extend(["openai_compatible", "--model", "a", "--address", address]);
    arguments.extend(more);
    let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
    let folder = std::sync::Arc::clone(folder);
    let run = move || folder.good(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    tokio::task::spawn_blocking(run).await.expect("succeeds")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_bound_stopped_goes_on_and_nothing_is_asked_twice() {
    let (script, address) = Script::start(Manner::Calm).await;
    let folder = std::sync::Arc::new(folder());
    let told = generate(&folder, &address, &["--max-calls", "5"]).await;
    let result = told.last().expect("a result");
    assert_eq!((&result["examples"], &result["units"]["done"]), (&json!(10), &json!(5)), "{result}");
    assert!(result["stopped"].as_str().is_some_and(|stopped| stopped.contains("5 of 5 calls")), "{result}");

    let told = generate(&folder, &address, &[]).await;
    let result = told.last().expect("a result");
    assert_eq!((&result["examples"], &result["usage"]["calls"]), (&json!(24), &json!(12)), "{result}");
    assert!(told.iter().any(|event| event["event"] == "progress"));
    assert_eq!(*script.answered.borrow(), 12);
    let records = folder.rows("records.jsonl");
    let place = &records[2]["provenance"];
    assert_eq!(
        (&place["file_name"], &place["chunk_id"], &place["start"], &place["heading_path"], &place["model"]),
        (&json!("boxes.md"), &json!("c1"), &json!(100), &json!(["Box 1"]), &json!("a"))
    );
    assert_eq!(place["generator"], json!(address.trim_end_matches("/v1")));
    assert_eq!(records[2]["status"], "pending");

    // Once more: nothing is left to do, and the records are the same.
    generate(&folder, &address, &[]).await;
    assert_eq!(*script.answered.borrow(), 12);
    assert_eq!(folder.rows("records.jsonl"), records);

    let other = ["generate", "chunks.jsonl", "--out", "records.jsonl", "--model", "b"];
    let error = folder.refused(&other);
    assert!(error.contains("other options") && error.contains("records.jsonl.work"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_set_aside_is_told_with_its_reason() {
    let (_script, address) = Script::start(Manner::Difficult).await;
    let folder = std::sync::Arc::new(Folder::new());
    // The model answers about this box in another shape, whatever it is asked.
    let text = "This is box number 16 of the store.";
    folder.write("chunks.jsonl", &format!("{}\n", json!({ "text": text, "file_name": "boxes.md" })));
    let told = generate(&folder, &address, &[]).await;
    let aside = told.iter().find(|event| event["event"] == "set_aside").expect("one");
    assert!(
        aside["chunk"] == 1 && aside["reason"].as_str().is_some_and(|reason| reason.contains("examples"))
    );
    assert_eq!(folder.rows("records.jsonl"), [Value::Null; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_schemas_is_asked_without() {
    let (script, address) = Script::start(Manner::RefusesSchemas).await;
    let folder = std::sync::Arc::new(folder());
    let told = generate(&folder, &address, &["--concurrency", "1"]).await;
    let result = told.last().expect("a result");
    assert_eq!(result["examples"], 24, "{result}");
    assert_eq!(*script.answered.borrow(), 13, "one refusal, then none with a schema");
}

#[test]
fn wrong_arguments_are_named() {
    let folder = folder();
    let run = |more: &[&str]| {
        let base = ["generate", "chunks.jsonl", "--out", "records.jsonl", "--model", "a"];
        folder.refused(&[base.as_slice(), more].concat())
    };
    for (more, expected) in [
        (vec!["--provider", "openai_compatible"], "--address"),
        (vec!["--provider", "ollama_cloud"], "--key"),
        (vec!["--key-from", "NO_SUCH_VARIABLE"], "NO_SUCH_VARIABLE"),
    ] {
        let error = run(&more);
        assert!(error.contains(expected), "{more:?}: {error}");
    }
}
