//! The proof run, the plan of a training by ways, models that are linked, and what the data folder takes.

use serde_json::{Value, json};

use crate::support::{Server, copy_folder, test_material};

async fn state_of_hardware(server: &Server, project: &str) -> Value {
    server.get(project).await.expect(200)["steps"][5]["state"].clone()
}

#[tokio::test]
async fn a_proof_is_kept_and_shows_in_the_step() {
    let server = Server::start().await;
    let project = server.post("/api/projects", &json!({ "name": "A", "model_id": "base" })).await.expect(201);
    let project = format!("/api/projects/{}", project["id"].as_str().expect("an id"));
    assert_eq!(server.get("/api/hardware/proof").await.expect(200)["proof"], Value::Null);
    assert_eq!(state_of_hardware(&server, &project).await, "todo");
    let proof = server.post("/api/hardware/proof", &json!({})).await.expect(200);
    assert_eq!((&proof["ok"], &proof["problem"]), (&json!(true), &Value::Null), "{proof}");
    let number = |name: &str| proof[name].as_f64().expect("a number");
    assert!(number("operations") > 10.0 && number("tokens_per_second") > 0.0, "{proof}");
    assert!(number("last_loss") < number("first_loss") / 2.0, "{proof}");
    assert_eq!(server.get("/api/hardware/proof").await.expect(200)["proof"], proof);
    if server.state.services.models.find("base").is_some_and(|model| model.usable) {
        assert_eq!(state_of_hardware(&server, &project).await, "done");
    }

    let elsewhere = json!({ "machine": "another one", "proof": proof });
    store::settings::set(&server.state.database, "hardware_proof", elsewhere).await.expect("is kept");
    assert_eq!(server.get("/api/hardware/proof").await.expect(200)["proof"], Value::Null);
    assert_eq!(state_of_hardware(&server, &project).await, "todo");
}

#[tokio::test]
async fn a_plan_names_every_way_and_its_parts() {
    let server = Server::start().await;
    let project = server.project().await;
    server.post(&format!("{project}/hardware/plan"), &json!({})).await.expect_error(422, "invalid_model");
    let Some(material) = test_material("a_plan_names_every_way_and_its_parts") else { return };
    copy_folder(&material.join("weights/stories260K-hf"), &server.folder.path().join("models/small"));
    server.patch(&project, &json!({ "model_id": "small" })).await.expect(200);
    let settings = json!({ "micro_batch_size": 2, "max_seq_len": 64, "rank": 8 });
    let plan = server.post(&format!("{project}/hardware/plan"), &settings).await.expect(200);
    assert_eq!((&plan["micro_batch_size"], &plan["max_seq_len"]), (&json!(2), &json!(64)));
    let ways = plan["ways"].as_array().expect("ways");
    let ids: Vec<_> = ways.iter().map(|way| way["id"].as_str().expect("an id")).collect();
    assert_eq!(ids, ["lora", "qlora", "dora", "full"]);
    let mut weights = Vec::new();
    for way in ways {
        let parts = way["parts"].as_object().expect("parts");
        let sum: u64 = parts.values().map(|bytes| bytes.as_u64().expect("bytes")).sum();
        assert_eq!(json!(sum), way["required_bytes"], "{way}");
        assert_eq!((&way["fits"], &way["smaller"]), (&json!(true), &Value::Null), "{way}");
        assert_eq!(way["chosen"], way["id"] == "lora", "{way}");
        weights.push(way["parts"]["weights"].as_u64().expect("bytes"));
    }
    assert!(weights[1] < weights[0], "four bits take less: {weights:?}");
    assert_eq!(ways[3]["parts"]["adapters"], 0);
    let error = server.post(&format!("{project}/hardware/plan"), &json!({ "rank": 0 })).await;
    assert_eq!(error.expect_error(400, "invalid_request")["fields"][0]["field"], "rank");
}

#[tokio::test]
async fn a_training_that_does_not_fit_is_told_what_would() {
    let server = Server::start().await;
    let Some(material) = test_material("a_training_that_does_not_fit_is_told_what_would") else { return };
    copy_folder(&material.join("weights/stories260K-hf"), &server.folder.path().join("models/small"));
    let project = server.project().await;
    server.patch(&project, &json!({ "model_id": "small" })).await.expect(200);
    // 1024 passes of 512 tokens through a vocabulary of 512 are small for one step, but not when kept all at once.
    let settings = json!({ "micro_batch_size": 1024, "max_seq_len": 512, "gradient_accumulation_steps": 3 });
    let plan = server.post(&format!("{project}/hardware/plan"), &settings).await.expect(200);
    for way in plan["ways"].as_array().expect("ways").iter().filter(|way| way["fits"] == false) {
        let smaller = &way["smaller"];
        let of = |name: &str| smaller[name].as_u64().expect("a number");
        assert!(of("required_bytes") <= plan["available_bytes"].as_u64().expect("bytes"), "{way}");
        let rows = of("micro_batch_size") * of("gradient_accumulation_steps");
        assert_eq!(rows, 3 * 1024, "the step stays as large");
    }
}

#[tokio::test]
async fn a_folder_elsewhere_becomes_a_model_without_a_copy() {
    let server = Server::start().await;
    let link = async |path: &str| server.post("/api/models/link", &json!({ "path": path })).await;
    for wrong in ["models/x", "/nonexistent/model", "/dev/null"] {
        let error = link(wrong).await.expect_error(400, "invalid_request");
        assert_eq!(error["fields"][0]["field"], "path", "{wrong}");
    }
    let elsewhere = tempfile::tempdir().expect("a folder");
    let empty = elsewhere.path().join("empty");
    std::fs::create_dir(&empty).expect("a folder");
    let error = link(empty.to_str().expect("text")).await.expect_error(422, "invalid_model");
    assert!(error["message"].as_str().expect("text").contains("config.json"), "{error}");
    assert!(!server.folder.path().join("models/empty").exists(), "what is refused leaves nothing");

    let Some(material) = test_material("a_folder_elsewhere_becomes_a_model_without_a_copy") else { return };
    let model = elsewhere.path().join("my model");
    copy_folder(&material.join("weights/stories260K-hf"), &model);
    for _ in 0..2 {
        let linked = link(model.to_str().expect("text")).await.expect(201);
        let facts = (&linked["id"], &linked["source"], &linked["usable"]);
        assert_eq!(facts, (&json!("my model"), &json!("local"), &json!(true)), "{linked}");
    }
    server.post("/api/projects", &json!({ "name": "A", "model_id": "my model" })).await.expect(201);
    let other = elsewhere.path().join("other/my model");
    copy_folder(&model, &other);
    link(other.to_str().expect("text")).await.expect_error(409, "conflict");
    let storage = server.get("/api/settings/storage").await.expect(200);
    let models = storage["parts"].as_array().expect("parts").iter().find(|part| part["name"] == "models");
    assert!(models.expect("models")["bytes"].as_u64().expect("bytes") < 10_000_000, "{storage}");
    assert!(storage["used_bytes"].as_u64().expect("bytes") > 0 && storage["free_bytes"].is_u64());
}
