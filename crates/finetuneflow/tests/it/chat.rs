//! The playground, evaluation and export of a real training, in process.

use serde_json::{Value, json};

use crate::support::{Event, Server, events, rows, trainable_model};

/// A server with workers and a project whose model can be trained.
pub async fn prepared(test: &str) -> Option<(Server, String)> {
    let folder = tempfile::tempdir().expect("a folder");
    let model = trainable_model(folder.path(), test)?;
    let server = Server::on(folder, &[("FTF_THREADS", "1")], true).await;
    let project =
        server.post("/api/projects", &json!({ "name": "Boxes", "model_id": model })).await.expect(201);
    let project = format!("/api/projects/{}", project["id"].as_str().expect("an id"));
    server.dataset(&project, &rows(8)).await;
    Some((server, project))
}

pub async fn train(server: &Server, project: &str, settings: Value) -> Value {
    let started = server.post(&format!("{project}/train/start"), &settings).await.expect(202);
    let ended = server.finished(started["job"]["id"].as_str().expect("an id")).await;
    assert_eq!(ended["status"], "completed", "{ended}");
    server.get(&format!("{project}/train/status")).await.expect(200)["run"].clone()
}

async fn ask(server: &Server, project: &str, target: &str) -> Vec<Event> {
    ask_with(server, project, json!({ "target": target })).await
}

async fn ask_with(server: &Server, project: &str, options: Value) -> Vec<Event> {
    let mut body = json!({
        "messages": [{ "role": "user", "content": "What is in box 3?" }], "max_tokens": 12,
    });
    body.as_object_mut().expect("an object").extend(options.as_object().expect("an object").clone());
    let answer = server.post(&format!("{project}/chat"), &body).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("content-type")),
        (200, "text/event-stream"),
        "{}",
        answer.text()
    );
    events(&answer.text())
}

fn said(events: &[Event], side: &str) -> String {
    let pieces = events.iter().filter(|event| event.event == "token" && event.data["side"] == side);
    pieces.map(|event| event.data["text"].as_str().expect("text")).collect()
}

fn done(events: &[Event]) -> Vec<&Value> {
    assert!(events.iter().all(|event| event.event != "error"), "{events:?}");
    assert_eq!((events[0].event.as_str(), events[events.len() - 1].event.as_str()), ("start", "end"));
    events.iter().filter(|event| event.event == "done").map(|event| &event.data["side"]).collect()
}

#[tokio::test]
async fn the_base_and_the_trained_model_answer_side_by_side() {
    let Some((server, project)) = prepared("the_base_and_the_trained_model_answer_side_by_side").await else {
        return;
    };
    // Before a training only the base can be asked.
    let alone = ask(&server, &project, "base").await;
    assert_eq!(done(&alone), ["base"]);
    for target in ["adapter", "both"] {
        let body = json!({ "messages": [{ "role": "user", "content": "x" }], "target": target });
        server.post(&format!("{project}/chat"), &body).await.expect_error(409, "nothing_to_do");
    }
    // So strong a training that the answers must differ.
    let settings = json!({ "max_steps": 20, "learning_rate": 0.02, "rank": 16, "alpha": 32, "micro_batch_size": 4, "max_seq_len": 128, "eval_fraction": 0.3, "name": "Strong" });
    let run = train(&server, &project, settings).await;
    assert_eq!(
        (&run["has_adapter"], &run["name"], &run["number"]),
        (&json!(true), &json!("Strong"), &json!(1))
    );
    assert_eq!((&run["step"], &run["progress"]), (&json!(20), &json!(1.0)));
    assert!(
        run["eval_loss"].is_f64() && run["summary"]["best_step"].is_u64(),
        "measured while it learned: {run}"
    );
    assert!(run["planned_memory_bytes"].is_u64() && run["dataset_version"] == 1, "{run}");
    assert!(run["summary"]["peak_memory_bytes"].is_u64(), "{run}");
    let both = ask(&server, &project, "both").await;
    assert_eq!(done(&both), ["base", "adapter"]);
    assert_eq!(both[0].data["run_id"], run["id"]);
    assert_eq!(said(&both, "base"), said(&alone, "base"), "the base beside an adapter is the base");
    assert_ne!(said(&both, "adapter"), said(&both, "base"));
    let again = ask(&server, &project, "adapter").await;
    assert_eq!(said(&again, "adapter"), said(&both, "adapter"), "greedy answers do not change");

    let long = json!({ "messages": [{ "role": "user", "content": "word ".repeat(5000) }], "target": "base" });
    let failed = events(&server.post(&format!("{project}/chat"), &long).await.text());
    let error = failed.iter().find(|event| event.event == "error").expect("an error");
    let error = &error.data["error"];
    assert!(error["message"].as_str().expect("text").contains("context"), "{error}");
    assert_eq!(error["code"], "context_length_exceeded");
    assert!(error["params"]["tokens"].as_u64() > error["params"]["context_length"].as_u64(), "{error}");
    assert_eq!((failed[0].event.as_str(), &failed[0].data["prompt"]), ("start", &Value::Null));
    assert_eq!(failed.last().expect("an end").event, "end");

    let started = server.post(&format!("{project}/evaluate"), &json!({})).await.expect(202);
    let ended = server.finished(started["job"]["id"].as_str().expect("an id")).await;
    assert_eq!(ended["status"], "completed", "{ended}");
    let evaluation = &server.get(&format!("{project}/evaluations")).await.expect(200)["items"][0];
    assert_eq!((&evaluation["run_number"], &evaluation["run_id"]), (&json!(1), &run["id"]));
    for side in ["base", "adapter"] {
        assert!(evaluation[side]["perplexity"].as_f64() > Some(0.0), "{evaluation}");
    }
    let held_back = run["eval_examples"].as_u64().expect("a number");
    assert_eq!(evaluation["split"], if held_back > 0 { "held_back" } else { "training" });
}

#[tokio::test]
async fn answers_follow_their_settings_and_show_the_prompt() {
    let Some((server, project)) = prepared("answers_follow_their_settings_and_show_the_prompt").await else {
        return;
    };
    let greedy = ask(&server, &project, "base").await;
    let prompt = &greedy[0].data["prompt"];
    assert!(prompt["text"].as_str().expect("text").contains("What is in box 3?"), "{prompt}");
    let done = &greedy[greedy.len() - 2].data;
    assert_eq!(prompt["tokens"], done["prompt_tokens"]);
    assert!(done["tokens"] == 1 || done["tokens_per_second"].as_f64() > Some(0.0), "{done}");
    assert!(done["prompt_seconds"].as_f64() > Some(0.0), "{done}");

    // Instructions are a turn that the model sees.
    let turns =
        json!([{ "role": "system", "content": "Say it in verse." }, { "role": "user", "content": "Hm?" }]);
    let told = ask_with(&server, &project, json!({ "target": "base", "messages": turns })).await;
    let text = told[0].data["prompt"]["text"].as_str().expect("text");
    assert!(text.find("Say it in verse.") < text.find("Hm?"), "{text}");

    let warm = |seed: u64| json!({ "target": "base", "temperature": 2.0, "seed": seed });
    let first = said(&ask_with(&server, &project, warm(1)).await, "base");
    assert_eq!(said(&ask_with(&server, &project, warm(1)).await, "base"), first, "the seed decides");
    assert_ne!(said(&ask_with(&server, &project, warm(2)).await, "base"), first);
    for (setting, value) in [("top_k", json!(1)), ("top_p", json!(0.0)), ("min_p", json!(1.0))] {
        let narrow = json!({ "target": "base", "temperature": 2.0, "seed": 1, setting: value });
        assert_eq!(
            said(&ask_with(&server, &project, narrow).await, "base"),
            said(&greedy, "base"),
            "{setting}"
        );
    }
    let whole = said(&greedy, "base");
    let stop: String = whole.chars().skip(2).take(3).collect();
    let stopped = ask_with(&server, &project, json!({ "target": "base", "stop": ["\u{1}", stop] })).await;
    let cut = whole.find(&stop).expect("it was taken from there");
    assert_eq!(said(&stopped, "base"), whole[..cut]);
    assert_eq!(stopped[stopped.len() - 2].data["stop_reason"], "end");

    let wrong = json!({ "messages": [{ "role": "user", "content": "x" }], "top_p": 1.5, "min_p": -1, "repeat_penalty": 0, "stop": [""] });
    let error = server.post(&format!("{project}/chat"), &wrong).await.expect_error(400, "invalid_request");
    let fields: Vec<_> =
        error["fields"].as_array().expect("fields").iter().map(|field| &field["field"]).collect();
    assert_eq!(fields, ["top_p", "min_p", "repeat_penalty", "stop"]);
}

#[tokio::test]
async fn adapters_share_one_base_and_are_read_again_when_they_change() {
    let Some((server, project)) =
        prepared("adapters_share_one_base_and_are_read_again_when_they_change").await
    else {
        return;
    };
    // One that has begun to change the model, one that knows its examples.
    let trained = |steps: u64| json!({ "max_steps": steps, "learning_rate": 0.008, "max_seq_len": 128 });
    let first = train(&server, &project, trained(2)).await;
    let second = train(&server, &project, trained(20)).await;
    let of = |run: &Value| json!({ "target": "adapter", "run_id": run["id"] });
    let base = said(&ask(&server, &project, "base").await, "base");
    let one = said(&ask_with(&server, &project, of(&first)).await, "adapter");
    let two = said(&ask_with(&server, &project, of(&second)).await, "adapter");
    assert!(base != one && one != two, "{base:?}, {one:?}, {two:?}");
    assert_eq!(server.state.inference.loaded(), (1, 2));

    // All at once: each gets its own answer.
    let both = json!({ "target": "both", "run_id": second["id"], "simultaneous": true });
    let answers = futures::join!(
        ask_with(&server, &project, of(&first)),
        ask_with(&server, &project, both),
        ask_with(&server, &project, of(&second)),
        ask(&server, &project, "base"),
    );
    assert_eq!(done(&answers.1).len(), 2);
    let found = [
        said(&answers.0, "adapter"),
        said(&answers.1, "adapter"),
        said(&answers.1, "base"),
        said(&answers.2, "adapter"),
        said(&answers.3, "base"),
    ];
    assert_eq!(found, [&one, &two, &base, &two, &base].map(Clone::clone));
    assert_eq!(server.state.inference.loaded(), (1, 2), "nothing was loaded again");

    let file = |run: &Value| {
        let folder = server.folder.path().join("files").join(project.rsplit('/').next().expect("an id"));
        folder.join("artifacts").join(run["id"].as_str().expect("an id")).join("adapter_model.safetensors")
    };
    std::fs::copy(file(&second), file(&first)).expect("copies");
    assert_eq!(said(&ask_with(&server, &project, of(&first)).await, "adapter"), two);
    assert_eq!(server.state.inference.loaded(), (1, 2), "it took the place of the one before");
}

#[tokio::test]
async fn exported_files_are_listed_and_downloaded() {
    let Some((server, project)) = prepared("exported_files_are_listed_and_downloaded").await else { return };
    let run = train(&server, &project, json!({ "max_steps": 2, "max_seq_len": 128 })).await;
    let wrong = json!({ "formats": ["exe"], "quantization": "q1" });
    let error = server.post(&format!("{project}/export"), &wrong).await.expect_error(400, "invalid_request");
    assert_eq!(error["fields"].as_array().map(Vec::len), Some(2));
    let started = server
        .post(&format!("{project}/export"), &json!({ "formats": ["peft", "gguf", "zip"] }))
        .await
        .expect(202);
    let ended = server.finished(started["job"]["id"].as_str().expect("an id")).await;
    assert_eq!(ended["status"], "completed", "{ended}");
    let files = server.get(&format!("{project}/export/files")).await.expect(200);
    let formats: Vec<_> =
        files["items"].as_array().expect("items").iter().map(|file| file["format"].clone()).collect();
    assert_eq!(formats, ["peft", "gguf", "zip"], "{files}");
    for file in files["items"].as_array().expect("items") {
        assert_eq!(file["run_id"], run["id"]);
        let download = server.get(file["download_url"].as_str().expect("an address")).await;
        assert_eq!(
            (download.status.as_u16(), download.bytes.len() as u64),
            (200, file["size_bytes"].as_u64().expect("a size"))
        );
        assert!(
            download.header("content-disposition").contains("attachment; filename=\"run1-"),
            "{:?}",
            download.headers
        );
        assert_eq!(download.header("content-encoding"), "");
    }
    server
        .get(&format!("{project}/export/download?name=..%2F..%2Fsecret"))
        .await
        .expect_error(404, "export_not_found");
    server
        .get(&format!("{project}/export/download?format=merged"))
        .await
        .expect_error(404, "export_not_found");
    server.get(&format!("{project}/export/download")).await.expect_error(400, "invalid_request");
}

#[tokio::test]
async fn a_model_that_was_trained_as_a_whole_answers_too() {
    let Some((server, project)) = prepared("a_model_that_was_trained_as_a_whole_answers_too").await else {
        return;
    };
    let settings = json!({ "method": "full", "max_steps": 2, "learning_rate": 1e-3, "max_seq_len": 128, "precision": "f32" });
    let run = train(&server, &project, settings).await;
    assert_eq!((&run["has_adapter"], &run["config"]["method"]), (&json!(true), &json!("full")));
    assert_eq!(done(&ask(&server, &project, "both").await), ["base", "adapter"]);
    let error = server.post(&format!("{project}/export"), &json!({ "formats": ["peft"] })).await;
    error.expect_error(400, "invalid_request");
}

#[tokio::test]
async fn documents_become_chunks_and_examples() {
    let Some((server, project)) = prepared("documents_become_chunks_and_examples").await else { return };
    let text = "# Library\n\n## Hours\n\nThe library opens at 9:15 on weekdays. It closes at 18:30.\n\n## Cards\n\nA card costs 12 euros a year.\n";
    let file = server.document(&project, "library.md", text).await;
    for (path, body) in
        [("chunks/generate", json!({ "max_tokens": 64 })), ("dataset/generate", json!({ "approve": true }))]
    {
        let started = server.post(&format!("{project}/{path}"), &body).await.expect(202);
        let ended = server.finished(started["job"]["id"].as_str().expect("an id")).await;
        assert_eq!((&ended["status"], &ended["error"]), (&json!("completed"), &Value::Null), "{ended}");
        assert_eq!(ended["progress"]["fraction"], 1.0, "{ended}");
    }
    let chunks = server.get(&format!("{project}/chunks?file_id={file}")).await.expect(200);
    assert_eq!(
        (&chunks["items"][0]["file_name"], &chunks["items"][0]["index"]),
        (&json!("library.md"), &json!(0))
    );
    let first = chunks["items"][0]["id"].as_str().expect("an id");
    assert_eq!(server.get(&format!("{project}/chunks/{first}")).await.expect(200), chunks["items"][0]);
    server.get(&format!("{project}/chunks/{file}")).await.expect_error(404, "chunk_not_found");
    let examples = server.get(&format!("{project}/dataset/examples?q=9:15")).await.expect(200);
    let example =
        examples["items"].as_array().expect("items").iter().find(|example| example["source"] == "offline");
    let example = example.unwrap_or_else(|| panic!("no example of the opening hours: {examples}"));
    assert_eq!(
        (&example["status"], &example["provenance"]["file_name"]),
        (&json!("approved"), &json!("library.md"))
    );
    assert_eq!(example["provenance"]["file_id"], file);
    let chunk = example["provenance"]["chunk_id"].as_str().expect("a chunk");
    assert!(
        server.get(&format!("{project}/dataset/examples?chunk_id={chunk}")).await.expect(200)["total"]
            .as_u64()
            > Some(0)
    );
    server.delete(&format!("{project}/files/{file}")).await.expect(204);
    assert_eq!(server.get(&format!("{project}/chunks")).await.expect(200)["total"], 0);
    let kept = server
        .get(&format!("{project}/dataset/examples/{}", example["id"].as_str().expect("an id")))
        .await
        .expect(200);
    assert_eq!(
        (&kept["provenance"]["file_name"], &kept["provenance"]["chunk_id"]),
        (&json!("library.md"), &Value::Null)
    );
}

#[tokio::test]
async fn every_setting_reaches_the_trainer() {
    let Some((server, project)) = prepared("every_setting_reaches_the_trainer").await else { return };
    let settings = json!({
        "method": "dora", "base_precision": "nf4", "use_rslora": true, "rank": 4, "alpha": 8.0, "dropout": 0.1,
        "lora_plus_ratio": 4.0, "layers": "last:1", "target_modules": "q_proj,down_proj", "packing": false,
        "max_steps": 6, "max_seq_len": 64, "eval_fraction": 0.3, "eval_steps": 2, "patience": 5, "keep_checkpoints": 1,
        "checkpoint_steps": 2,
    });
    let run = train(&server, &project, settings.clone()).await;
    for (field, value) in settings.as_object().expect("an object") {
        assert_eq!(run["config"][field], *value, "{field}");
    }
    let id: uuid::Uuid = run["id"].as_str().expect("an id").parse().expect("a uuid");
    let row = store::runs::get(&server.state.database, id).await.expect("is there");
    let folder =
        finetuneflow::jobs::train::run_folder(&server.state.blobs, row.project_id, id).expect("local");
    let written = std::fs::read(folder.join("training_config.json")).expect("written");
    let trainer: Value = serde_json::from_slice(&written).expect("JSON");
    let expected = json!({
        "method": "dora", "base_precision": "nf4", "use_rslora": true, "dropout": 0.1, "lora_plus_ratio": 4.0,
        "layers": "last:1", "packing": false, "keep_checkpoints": 1,
    });
    for (field, value) in expected.as_object().expect("an object") {
        assert_eq!(trainer[field], *value, "{field}");
    }
    assert_eq!((&trainer["evaluation"]["steps"], &trainer["evaluation"]["patience"]), (&json!(2), &json!(5)));
    let metrics = server.get(&format!("{project}/runs/{id}/metrics")).await.expect(200);
    let measured: Vec<_> =
        metrics["evaluations"].as_array().expect("a list").iter().map(|at| at["step"].as_u64()).collect();
    assert_eq!(measured, [Some(2), Some(4), Some(6)]);

    let wrong = json!({ "method": "full", "base_precision": "q8", "dropout": 1.0, "layers": "some", "eval_fraction": 0.0, "patience": 1 });
    let error =
        server.post(&format!("{project}/train/start"), &wrong).await.expect_error(400, "invalid_request");
    let fields: Vec<_> =
        error["fields"].as_array().expect("a list").iter().map(|field| &field["field"]).collect();
    assert_eq!(fields, ["dropout", "base_precision", "patience", "layers"]);
}

#[tokio::test]
async fn an_example_is_shown_as_a_training_sees_it() {
    let Some((server, project)) = prepared("an_example_is_shown_as_a_training_sees_it").await else { return };
    let examples = server.get(&format!("{project}/dataset/examples?per_page=1")).await.expect(200);
    let id = examples["items"][0]["id"].as_str().expect("an id");
    let path = format!("{project}/train/tokens?example_id={id}");
    let shown = server.get(&path).await.expect(200);
    let text = |learned: bool| {
        let tokens = shown["tokens"].as_array().expect("a list").iter();
        let tokens = tokens.filter(|token| token["learned"] == learned && token["special"] == false);
        tokens.map(|token| token["text"].as_str().expect("text")).collect::<String>()
    };
    assert!(text(true).contains("red balls in box") && text(false).contains("What is in box"), "{shown}");
    assert_eq!(shown["total"], shown["tokens"].as_array().expect("a list").len());
    assert_eq!((&shown["cut"], &shown["cut_learned"]), (&json!(0), &json!(0)));

    let short = server.get(&format!("{path}&max_seq_len=16")).await.expect(200);
    assert_eq!(short["cut"], shown["total"].as_u64().expect("a number") - 16);
    assert!(short["cut_learned"].as_u64() > Some(0) && short["learned"] == shown["learned"], "{short}");
    server.get(&format!("{path}&max_seq_len=8")).await.expect_error(400, "invalid_request");
    let other = server.post("/api/projects", &json!({ "name": "Other" })).await.expect(201);
    let other = format!("/api/projects/{}", other["id"].as_str().expect("an id"));
    server.get(&format!("{other}/train/tokens?example_id={id}")).await.expect_error(404, "example_not_found");
}
