//! What is measured of a real training, told of it, and packed with it.

use std::io::{Cursor, Read as _};

use serde_json::{Value, json};
use zip::ZipArchive;

use crate::support::{Server, rows, trainable_model};

const HOURS: &str = "# Library\n\n## Hours\n\nThe reading room opens at 9:15 on weekdays. The café closes at 18:30.\n\n\
## Fees\n\nA lost card costs 12 euros. The yearly membership costs 40 euros.\n";
const ROOMS: &str = "# Rooms\n\n## Blue\n\nThe blue room has 24 seats. Its projector was bought in 2019.\n\n\
## Garden\n\nThe garden room has 8 seats. The garden room opens at 10:30.\n\n\
## Tower\n\nThe tower has 91 steps. Its bell weighs 740 kilograms.\n";

/// A server with workers and a project whose model can be trained.
async fn server(test: &str) -> Option<(Server, String)> {
    let folder = tempfile::tempdir().expect("a folder");
    let model = trainable_model(folder.path(), test)?;
    let server = Server::on(folder, &[("FTF_THREADS", "1")], true).await;
    let body = json!({ "name": "Library", "model_id": model });
    let project = server.post("/api/projects", &body).await.expect(201);
    Some((server, format!("/api/projects/{}", project["id"].as_str().expect("an id"))))
}

/// Starts a job and waits for its end.
async fn done(server: &Server, path: &str, body: Value) -> Value {
    let started = server.post(path, &body).await.expect(202);
    let ended = server.finished(started["job"]["id"].as_str().expect("an id")).await;
    assert_eq!(ended["status"], "completed", "{ended}");
    ended
}

/// The newest evaluation.
async fn evaluation(server: &Server, project: &str) -> Value {
    server.get(&format!("{project}/evaluations")).await.expect(200)["items"][0].clone()
}

fn strings(list: &Value, name: &str) -> Vec<String> {
    let values = list.as_array().expect("a list").iter();
    values.map(|entry| entry[name].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_training_is_measured_asked_reported_and_packed() {
    let Some((server, project)) = server("a_training_is_measured_asked_reported_and_packed").await else {
        return;
    };
    let mut files = Vec::new();
    for (name, text) in [("hours.md", HOURS), ("rooms.md", ROOMS)] {
        files.push(server.document(&project, name, text).await);
    }
    for (path, body) in [("chunks/generate", json!({})), ("dataset/generate", json!({ "approve": true }))] {
        done(&server, &format!("{project}/{path}"), body).await;
    }
    let settings = json!({ "max_steps": 20, "learning_rate": 0.01, "max_seq_len": 128, "eval_fraction": 0.3, "held_out_fraction": 0.3 });
    done(&server, &format!("{project}/train/start"), settings).await;
    let run = server.get(&format!("{project}/train/status")).await.expect(200)["run"].clone();
    let report = format!("{project}/runs/{}/report", run["id"].as_str().expect("an id"));
    let before = server.get(&report).await;
    assert_eq!(
        (before.status.as_u16(), before.header("content-type")),
        (200, "text/markdown; charset=utf-8")
    );
    assert!(!before.text().contains("## General ability"), "{}", before.text());

    let asked = json!({ "questions": [" Who rings the bell? "], "max_tokens": 24 });
    let job = done(&server, &format!("{project}/evaluate"), asked).await;
    assert_eq!(job["progress"]["fraction"], 1.0, "{job}");
    let evaluation = evaluation(&server, &project).await;
    check_figures(&evaluation);
    check_answers(&evaluation, &files);

    let after = server.get(&report).await.text();
    for wanted in [
        "## Before and after (",
        "on held-out sections (",
        "## General ability",
        "### hours.md",
        "### rooms.md",
    ] {
        assert!(after.contains(wanted), "{wanted} in {after}");
    }
    assert!(
        after.contains("Who rings the bell?") && after.contains("| Processor |") && after.contains("<svg")
    );
    server.get(&format!("{project}/runs/{}/report", files[0])).await.expect_error(404, "run_not_found");

    done(&server, &format!("{project}/export"), json!({ "formats": ["gguf", "zip"] })).await;
    check_bundle(&server, &project, &evaluation).await;
    let told = server.get(&report).await.text();
    assert!(told.contains("## Exports") && told.contains("gguf"), "{told}");
}

fn check_figures(evaluation: &Value) {
    assert_eq!((&evaluation["split"], &evaluation["run_number"]), (&json!("held_back"), &json!(1)));
    for set in [evaluation, &evaluation["held_out"]] {
        assert!(set["examples"].as_u64() > Some(0), "{evaluation}");
        for side in ["base", "adapter"] {
            let figures = &set[side];
            let loss = figures["eval_loss"].as_f64().expect("a number");
            let perplexity = figures["perplexity"].as_f64().expect("a number");
            assert!((perplexity.ln() - loss).abs() < 1e-6 && figures["token_accuracy"].is_f64(), "{figures}");
        }
        assert_eq!(set["base"]["supervised_tokens"], set["adapter"]["supervised_tokens"]);
    }
    assert!(
        evaluation["adapter"]["eval_loss"].as_f64() < evaluation["base"]["eval_loss"].as_f64(),
        "{evaluation}"
    );
    let general = &evaluation["general"];
    let number = |name: &str| general[name].as_f64().expect("a number");
    assert!(
        (number("adapter_loss") / number("base_loss") - 1.0 - number("change")).abs() < 1e-9,
        "{general}"
    );
    // The bundled model chooses among 4096 tokens and knows handbooks alone.
    let expected = match number("change") {
        _ if number("base_loss") >= 4096f64.ln() => "none_before",
        change if change <= 0.05 => "kept",
        change if change <= 0.15 => "slightly_lost",
        _ => "lost",
    };
    assert_eq!(general["verdict"], expected);
    assert!(general["tokens"].as_u64() > Some(500), "{general}");
}

fn check_answers(evaluation: &Value, files: &[String]) {
    let answers = &evaluation["answers"];
    let sets = strings(answers, "set");
    for set in ["recall", "held_out"] {
        assert!(sets.iter().any(|found| found == set), "{sets:?}");
    }
    let all = answers.as_array().expect("a list");
    assert!((3..=9).contains(&all.len()), "{sets:?}");
    let (own, chosen) = all.split_last().expect("some");
    assert_eq!(
        (&own["set"], &own["question"], &own["file_id"]),
        (&json!("own"), &json!("Who rings the bell?"), &Value::Null)
    );
    for answer in chosen {
        let place = files.iter().position(|file| answer["file_id"] == **file);
        let name = ["hours.md", "rooms.md"][place.expect("a document of the project")];
        assert_eq!(answer["file_name"], name);
        assert!(answer["example_id"].is_string() && answer["expected"].is_string(), "{answer}");
    }
    for answer in all {
        for side in ["base", "adapter"] {
            assert!(
                answer[side]["tokens"].as_u64() <= Some(24) && answer[side]["problem"].is_null(),
                "{answer}"
            );
        }
    }
    assert!(all.iter().any(|answer| answer["base"]["text"] != answer["adapter"]["text"]), "{answers}");
    let documents: std::collections::BTreeSet<_> = strings(answers, "file_name").into_iter().collect();
    assert!(documents.len() == 3, "both documents, and none for the own question: {documents:?}");
}

async fn check_bundle(server: &Server, project: &str, evaluation: &Value) {
    let download = server.get(&format!("{project}/export/download?format=zip")).await;
    let mut zip = ZipArchive::new(Cursor::new(download.bytes)).expect("a zip");
    let mut text = |name: &str| {
        let mut text = String::new();
        zip.by_name(name)
            .unwrap_or_else(|_| panic!("{name} is in the zip"))
            .read_to_string(&mut text)
            .expect("text");
        text
    };
    let json = |text: String| -> Value { serde_json::from_str(&text).expect("JSON") };
    let metrics = json(text("metrics.json"));
    assert_eq!(metrics["after"]["eval_loss"], evaluation["adapter"]["eval_loss"]);
    assert_eq!(metrics["held_out"]["after"]["eval_loss"], evaluation["held_out"]["adapter"]["eval_loss"]);
    assert_eq!(metrics["neutral"]["after_loss"], evaluation["general"]["adapter_loss"]);
    assert_eq!(metrics["exports"][0]["format"], "gguf");
    assert!(text("report.md").contains("## General ability"));

    let config = json(text("training_config.json"));
    assert_eq!((&config["max_steps"], &config["seed"]), (&json!(20), &json!(42)));
    assert_eq!(config["program"]["version"], env!("CARGO_PKG_VERSION"));
    assert!(
        config["trainer"]["data_sha256"].is_string() && config["trainer"]["output"].is_null(),
        "{config}"
    );
    assert!(config["effective"]["recompute"].is_string(), "{config}");

    let about = json(text("dataset/dataset.json"));
    assert_eq!(about["content_hash"], config["dataset"]["content_hash"]);
    for (name, count) in
        [("train", "train_examples"), ("eval", "eval_examples"), ("held-out", "held_out_examples")]
    {
        let rows = text(&format!("dataset/{name}.jsonl"));
        assert_eq!(Some(rows.lines().count() as u64), about[count].as_u64(), "{name}");
        let digest = about["sha256"][format!("dataset/{name}.jsonl")].as_str().expect("a digest");
        assert_eq!(digest.len(), 64);
        if name == "train" {
            assert_eq!(digest, config["trainer"]["data_sha256"]);
        }
    }

    let events: Vec<Value> = text("log/events.jsonl").lines().map(|line| json(line.to_owned())).collect();
    let kinds = strings(&json!(events), "kind");
    assert_eq!((kinds[0].as_str(), kinds[kinds.len() - 1].as_str()), ("queued", "certificate"));
    assert!(kinds.contains(&"comparison".to_owned()), "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| *kind == "step").count(), 20);
    assert_eq!(text("log/log.txt").lines().count(), events.len());
}

#[tokio::test]
async fn a_model_that_was_trained_as_a_whole_is_measured_too() {
    let Some((server, project)) = server("a_model_that_was_trained_as_a_whole_is_measured_too").await else {
        return;
    };
    server.dataset(&project, &rows(8)).await;
    let settings = json!({ "method": "full", "max_steps": 6, "learning_rate": 1e-3, "max_seq_len": 128, "eval_fraction": 0.0 });
    done(&server, &format!("{project}/train/start"), settings).await;
    done(&server, &format!("{project}/evaluate"), json!({ "max_tokens": 8 })).await;
    let evaluation = evaluation(&server, &project).await;
    assert_eq!((&evaluation["split"], &evaluation["held_out"]), (&json!("training"), &Value::Null));
    assert!(
        evaluation["adapter"]["eval_loss"].as_f64() < evaluation["base"]["eval_loss"].as_f64(),
        "{evaluation}"
    );
    assert_ne!(evaluation["general"]["change"], 0.0);
    let sets = strings(&evaluation["answers"], "set");
    assert!(sets.len() == 8 && sets.iter().all(|set| set == "training"), "{sets:?}");

    for (body, field) in [
        (json!({ "questions": vec!["a"; 11] }), "questions"),
        (json!({ "questions": ["  "] }), "questions"),
        (json!({ "questions": ["x".repeat(4001)] }), "questions"),
        (json!({ "max_tokens": 0 }), "max_tokens"),
        (json!({ "max_tokens": 1025 }), "max_tokens"),
    ] {
        let error =
            server.post(&format!("{project}/evaluate"), &body).await.expect_error(400, "invalid_request");
        assert_eq!(error["fields"][0]["field"], field, "{error}");
    }
}

#[tokio::test]
async fn an_evaluation_is_cancelled_in_the_middle() {
    let Some((server, project)) = server("an_evaluation_is_cancelled_in_the_middle").await else { return };
    server.dataset(&project, &rows(60)).await;
    done(&server, &format!("{project}/train/start"), json!({ "max_steps": 2, "max_seq_len": 128 })).await;
    let questions: Vec<String> = (0..10).map(|n| format!("Tell a long story about box {n}.")).collect();
    let asked = json!({ "questions": questions, "max_tokens": 1024 });
    let started = server.post(&format!("{project}/evaluate"), &asked).await.expect(202);
    let job = format!("/api/jobs/{}", started["job"]["id"].as_str().expect("an id"));
    let mut news = server.state.database.live().subscribe(store::Topic::Jobs);
    let middle = loop {
        let current = server.get(&job).await.expect(200);
        assert_ne!(current["status"], "completed", "{current}");
        if let Some("base_question" | "tuned_question") = current["progress"]["code"].as_str() {
            break current;
        }
        news.next().await;
    };
    let (done, total) = (middle["progress"]["done"].as_u64(), middle["progress"]["total"].as_u64());
    assert!(done > Some(0) && done < total, "{middle}");
    server.post(&format!("{job}/cancel"), &json!({})).await.expect(200);
    let ended = server.finished(started["job"]["id"].as_str().expect("an id")).await;
    assert_eq!(ended["status"], "cancelled");
    assert_eq!(server.get(&format!("{project}/evaluations")).await.expect(200)["total"], 0);
}
