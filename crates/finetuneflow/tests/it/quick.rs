//! The quick routes, in process and with workers.

use serde_json::json;

use crate::support::{Server, rows, trainable_model};

#[tokio::test]
async fn a_dataset_becomes_a_model_in_five_requests() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(model) = trainable_model(folder.path(), "a_dataset_becomes_a_model_in_five_requests") else {
        return;
    };
    let server = Server::on(folder, &[("FTF_THREADS", "1")], true).await;
    let rows = rows(8);
    let uploaded = server
        .upload("/api/upload-dataset", &[("file", Some("boxes.jsonl"), rows.as_bytes())])
        .await
        .expect(201);
    assert_eq!((&uploaded["examples"], &uploaded["format"]), (&json!(8), &json!("messages")));
    let body = json!({ "dataset": uploaded["dataset"], "model": model, "learning_rate": 1e-3, "epochs": 1, "batch_size": 2 });
    let started = server.post("/api/start-finetuning", &body).await.expect(202);
    let job = started["job_id"].as_str().expect("an id");
    let ended = server.finished(job).await;
    assert_eq!(ended["status"], "completed", "{ended}");
    let status = server.get(&format!("/api/training-status/{job}")).await.expect(200);
    assert_eq!(
        (&status["status"], &status["progress_pct"], &status["error"]),
        (&json!("completed"), &json!(100.0), &json!(null))
    );
    assert!(status["step"].as_u64() > Some(0) && status["loss"].as_f64() > Some(0.0), "{status}");
    for model in [job, model] {
        let body = json!({ "prompt": "What is in box 3?", "model_id": model, "temperature": 0.0 });
        let answer = server.post("/api/test-model", &body).await.expect(200);
        assert!(answer["text"].is_string(), "{answer}");
    }
    let gguf = server.get(&format!("/api/download-model/{job}?format=gguf")).await;
    assert_eq!((gguf.status.as_u16(), &gguf.bytes[..4]), (200, b"GGUF".as_slice()));
    assert!(gguf.header("content-disposition").ends_with(".gguf\""), "{:?}", gguf.headers);
    let ollama = server.get(&format!("/api/download-model/{job}?format=ollama")).await;
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(ollama.bytes)).expect("a zip");
    let name = zip.file_names().find(|name| name.ends_with("/Modelfile")).expect("a Modelfile").to_owned();
    let modelfile = std::io::read_to_string(zip.by_name(&name).expect("a Modelfile")).expect("text");
    assert!(modelfile.contains("FROM ./") && modelfile.contains("TEMPLATE"), "{modelfile}");
    assert!(zip.file_names().any(|name| name.ends_with("/model.gguf")));
}

#[tokio::test]
async fn wrong_quick_requests_are_refused_and_leave_nothing() {
    let server = Server::start().await;
    let upload = "/api/upload-dataset";
    server
        .upload(upload, &[("file", Some("x.jsonl"), b"{\"unknown\":1}")])
        .await
        .expect_error(422, "invalid_dataset");
    server
        .upload(upload, &[("file", Some("x.exe"), b"MZ")])
        .await
        .expect_error(415, "unsupported_media_type");
    server.upload(upload, &[("wrong", Some("x.jsonl"), b"{}")]).await.expect_error(400, "invalid_upload");
    assert_eq!(server.get("/api/projects").await.expect(200)["total"], 0);
    let id = "0193f0a0-0000-7000-8000-000000000000";
    server
        .post("/api/start-finetuning", &json!({ "dataset": id }))
        .await
        .expect_error(404, "dataset_not_found");
    server.get(&format!("/api/training-status/{id}")).await.expect_error(404, "job_not_found");
    server.get(&format!("/api/download-model/{id}")).await.expect_error(404, "job_not_found");
    server
        .post("/api/test-model", &json!({ "prompt": "x", "model_id": id }))
        .await
        .expect_error(404, "job_not_found");
    server
        .post("/api/test-model", &json!({ "prompt": "x", "model_id": "nothing" }))
        .await
        .expect_error(404, "model_not_found");
    server
        .post("/api/test-model", &json!({ "prompt": " ", "model_id": "base" }))
        .await
        .expect_error(400, "invalid_request");
}
