//! The routes in process, one resource after the other.

use serde_json::{Value, json};

use crate::support::{Server, rows, test_material};

#[tokio::test]
async fn health_names_each_part() {
    let server = Server::start().await;
    for path in ["/health", "/api/health"] {
        let health = server.get(path).await.expect(200);
        for part in ["database", "queue", "storage"] {
            assert_eq!(health[part], "connected", "{health}");
        }
        assert_eq!(health["status"], "ok");
    }
}

#[tokio::test]
async fn errors_have_one_shape() {
    let server = Server::start().await;
    server.get("/api/nothing/here").await.expect_error(404, "not_found");
    server.delete("/api/projects").await.expect_error(405, "method_not_allowed");
    server.get("/api/projects/not-an-id").await.expect_error(404, "not_found");
    let id = "0193f0a0-0000-7000-8000-000000000000";
    let error = server.get(&format!("/api/projects/{id}")).await.expect_error(404, "project_not_found");
    assert_eq!(error["params"]["id"], id);
    server.get(&format!("/api/jobs/{id}")).await.expect_error(404, "job_not_found");
    let error = server.post("/api/projects", &json!({})).await.expect_error(400, "invalid_request");
    assert_eq!(error["fields"], json!([{ "field": "name", "message": "is required" }]));
    let body = json!({ "name": "", "language": "xx", "model_id": "nonsense" });
    let error = server.post("/api/projects", &body).await.expect_error(400, "invalid_request");
    let fields: Vec<_> =
        error["fields"].as_array().expect("fields").iter().map(|field| &field["field"]).collect();
    assert_eq!(fields, ["name", "language", "model_id"]);
    let error = server
        .post("/api/projects", &json!({ "name": "a", "nmae": "b" }))
        .await
        .expect_error(400, "invalid_request");
    assert_eq!(error["fields"][0]["field"], "nmae");
    let error = server.get("/api/projects?per_page=9999").await.expect_error(400, "invalid_request");
    assert_eq!(error["fields"][0]["field"], "per_page");
    server.get("/api/projects?page=x").await.expect_error(400, "invalid_request");
}

#[tokio::test]
async fn projects_are_created_changed_listed_and_deleted() {
    let server = Server::start().await;
    let mut ids = Vec::new();
    for name in ["First", "Second", "Third"] {
        let project =
            server.post("/api/projects", &json!({ "name": name, "model_id": "broken" })).await.expect(201);
        assert_eq!((&project["model_id"], &project["language"]), (&json!("broken"), &json!("en")));
        assert_eq!(
            project["counts"],
            json!({ "files": 0, "documents": 0, "chunks": 0, "examples": 0, "approved": 0, "pending": 0, "runs": 0 })
        );
        ids.push(project["id"].as_str().expect("an id").to_owned());
    }
    let page = server.get("/api/projects?page=2&per_page=2").await.expect(200);
    assert_eq!((&page["total"], &page["page"], &page["per_page"]), (&json!(3), &json!(2), &json!(2)));
    assert_eq!(page["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(page["items"][0]["name"], "First", "newest first");
    assert_eq!(server.get("/api/projects?q=seco").await.expect(200)["total"], 1);
    let path = format!("/api/projects/{}", ids[0]);
    let changed = server.patch(&path, &json!({ "name": "Renamed", "language": "fr" })).await.expect(200);
    assert_eq!(
        (&changed["name"], &changed["language"], &changed["model_id"]),
        (&json!("Renamed"), &json!("fr"), &json!("broken"))
    );
    server.delete(&path).await.expect(204);
    server.get(&path).await.expect_error(404, "project_not_found");
}

#[tokio::test]
async fn the_same_file_twice_is_one_file() {
    let server = Server::start().await;
    let project = server.project().await;
    let upload = format!("{project}/files/upload");
    let text = "# Rules\n\nThe door opens at nine.\n".as_bytes();
    let parts: [(&str, Option<&str>, &[u8]); 3] = [
        ("kind", None, b"raw_doc"),
        ("files", Some("../../rules.md"), text),
        ("files", Some("copy.md"), text),
    ];
    let uploaded = server.upload(&upload, &parts).await.expect(201);
    assert_eq!(uploaded["items"][0]["name"], "rules.md");
    assert_eq!(uploaded["items"][0]["duplicate"], false);
    assert_eq!(uploaded["items"][1]["duplicate"], true);
    assert_eq!(uploaded["items"][0]["id"], uploaded["items"][1]["id"]);
    assert_eq!(uploaded["items"][0]["size_bytes"], text.len());
    assert_eq!(server.get(&format!("{project}/files")).await.expect(200)["total"], 1);
    assert_eq!(server.get(&format!("{project}/files?kind=dataset")).await.expect(200)["total"], 0);
    let id = uploaded["items"][0]["id"].as_str().expect("an id");
    server.delete(&format!("{project}/files/{id}")).await.expect(204);
    server.delete(&format!("{project}/files/{id}")).await.expect_error(404, "file_not_found");
    assert_eq!(server.get(&format!("{project}/files")).await.expect(200)["total"], 0);
}

#[tokio::test]
async fn bad_uploads_are_refused_and_leave_nothing() {
    let server =
        Server::with(&[("FTF_MAX_UPLOAD_BYTES", "1000"), ("FTF_MAX_FILES_PER_UPLOAD", "2")], false).await;
    let project = server.project().await;
    let upload = format!("{project}/files/upload");
    let large = vec![b'a'; 1001];
    let error = server
        .upload(&upload, &[("files", Some("large.txt"), &large)])
        .await
        .expect_error(413, "payload_too_large");
    assert_eq!(
        (&error["params"]["limit_bytes"], &error["params"]["name"]),
        (&json!(1000), &json!("large.txt"))
    );
    server.upload(&upload, &[("files", Some("exact.txt"), &large[..1000])]).await.expect(201);
    server
        .upload(&upload, &[("files", Some("program.exe"), b"MZ")])
        .await
        .expect_error(415, "unsupported_media_type");
    server.upload(&upload, &[("other", None, b"x")]).await.expect_error(400, "invalid_request");
    server.upload(&upload, &[("kind", None, b"nonsense")]).await.expect_error(400, "invalid_request");
    server.upload(&upload, &[]).await.expect_error(400, "invalid_upload");
    server.post(&upload, &json!({})).await.expect_error(400, "invalid_upload");
    let three: Vec<_> =
        ["1.txt", "2.txt", "3.txt"].map(|name| ("files", Some(name), name.as_bytes())).to_vec();
    server.upload(&upload, &three).await.expect_error(413, "payload_too_large");
    server
        .upload("/api/projects/0193f0a0-0000-7000-8000-000000000000/files/upload", &three)
        .await
        .expect_error(404, "project_not_found");
    let names: Vec<_> = server.get(&format!("{project}/files")).await.expect(200)["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|file| file["name"].clone())
        .collect();
    assert_eq!(names, ["exact.txt", "1.txt", "2.txt"]);
}

#[tokio::test]
async fn a_large_body_that_is_no_upload_is_refused() {
    let server = Server::with(&[("FTF_MAX_BODY_BYTES", "1000")], false).await;
    let body = json!({ "name": "x".repeat(2000) });
    server.post("/api/projects", &body).await.expect_error(413, "payload_too_large");
}

#[tokio::test]
async fn a_documents_text_is_read_once_and_kept() {
    let server = Server::start().await;
    let project = server.project().await;
    let id = server
        .document(&project, "rules.md", "# House rules\n\nThe door opens at nine. Keys are at the desk.\n")
        .await;
    let text = server.get(&format!("{project}/files/{id}/text")).await.expect(200);
    assert_eq!(text["title"], "House rules");
    assert_eq!(text["pages"][0]["number"], 1);
    assert!(text["pages"][0]["text"].as_str().expect("text").contains("The door opens at nine."));
    assert!(text["characters"].as_u64().expect("a number") > 40);
    let file = &server.get(&format!("{project}/files")).await.expect(200)["items"][0];
    assert_eq!((&file["status"], &file["characters"]), (&json!("parsed"), &text["characters"]));
    assert_eq!(server.get(&format!("{project}/files/{id}/text")).await.expect(200), text);
}

#[tokio::test]
async fn a_damaged_document_says_what_to_do() {
    let server = Server::start().await;
    let project = server.project().await;
    let id = server.document(&project, "broken.pdf", "%PDF-1.7\nnothing of this is a PDF").await;
    let error =
        server.get(&format!("{project}/files/{id}/text")).await.expect_error(422, "unreadable_document");
    assert!(error["message"].as_str().expect("text").contains("broken.pdf"), "{error}");
    assert!(
        !error.to_string().contains(&server.folder.path().display().to_string()),
        "no path of ours: {error}"
    );
    let file = &server.get(&format!("{project}/files")).await.expect(200)["items"][0];
    assert_eq!(file["status"], "failed");
    assert!(file["error"].as_str().expect("text").contains("broken.pdf"), "{file}");
}

#[tokio::test]
async fn examples_are_imported_reviewed_counted_and_exported() {
    let server = Server::start().await;
    let project = server.project().await;
    let report = server.dataset(&project, &format!("{}not json\n", rows(5))).await;
    assert_eq!(
        (&report["format"], &report["imported"], &report["rejected"]),
        (&json!("messages"), &json!(5), &json!(1))
    );
    assert_eq!(report["problems"][0]["row"], 6);
    let again = server.dataset(&project, &rows(6)).await;
    assert_eq!((&again["imported"], &again["duplicates"]), (&json!(1), &json!(5)));

    let examples = format!("{project}/dataset/examples");
    let list = server.get(&format!("{examples}?per_page=2")).await.expect(200);
    assert_eq!((&list["total"], list["items"].as_array().map(Vec::len)), (&json!(6), Some(2)));
    let example = &list["items"][0];
    assert_eq!(
        (&example["status"], &example["source"], &example["provenance"]["row"]),
        (&json!("approved"), &json!("import"), &json!(1))
    );
    let path = format!("{examples}/{}", example["id"].as_str().expect("an id"));

    let turns = json!([{ "role": "user", "content": "Where?" }, { "role": "assistant", "content": "Here." }]);
    let edited = server.patch(&path, &json!({ "messages": turns, "status": "pending" })).await.expect(200);
    assert_eq!(
        (&edited["messages"], &edited["edited"], &edited["status"]),
        (&turns, &json!(true), &json!("pending"))
    );
    let history = server.get(&format!("{path}/changes")).await.expect(200);
    let change = &history["items"][0];
    assert_eq!(
        (&history["total"], &change["kind"], &change["actor"], &change["after"]["messages"]),
        (&json!(1), &json!("edited"), &json!("person"), &turns)
    );
    assert_eq!(
        (&change["before"]["status"], &change["after"]["status"]),
        (&json!("approved"), &json!("pending"))
    );
    let wrong = json!({ "messages": [{ "role": "robot", "content": "" }] });
    let error = server.patch(&path, &wrong).await.expect_error(400, "invalid_request");
    assert_eq!(error["fields"].as_array().map(Vec::len), Some(4), "{error}");
    assert_eq!(server.get(&format!("{examples}?q=where")).await.expect(200)["total"], 1);
    assert_eq!(server.get(&format!("{examples}?status=pending")).await.expect(200)["total"], 1);

    let bulk = format!("{examples}/bulk");
    let body = json!({ "action": "reject", "filter": { "status": "pending" } });
    assert_eq!(server.post(&bulk, &body).await.expect(200)["changed"], 1);
    server.post(&bulk, &json!({ "action": "approve" })).await.expect_error(400, "invalid_request");
    let decided = server.post(&bulk, &json!({ "action": "reset", "filter": {} })).await.expect(200);
    assert_eq!(decided["changed"], 6);
    let batch = json!({ "batch_id": decided["batch_id"] });
    let undo = format!("{bulk}/undo");
    assert_eq!(server.post(&undo, &batch).await.expect(200)["changed"], 6);
    let nothing = json!({ "changed": 0, "batch_id": null });
    assert_eq!(server.post(&undo, &batch).await.expect(200), nothing, "it is taken back already");
    server.post(&undo, &json!({})).await.expect_error(400, "invalid_request");
    let stats = server.get(&format!("{project}/dataset/stats")).await.expect(200);
    assert_eq!((&stats["total"], &stats["approved"], &stats["rejected"]), (&json!(6), &json!(5), &json!(1)));
    assert_eq!(stats["sources"], json!([{ "id": "import", "count": 6 }]));
    assert_eq!(stats["turns"]["median"], 2);

    for format in server.get("/api/settings").await.expect(200)["options"]["dataset_formats"]
        .as_array()
        .expect("a list")
    {
        let id = format["id"].as_str().expect("an id");
        let file = server.get(&format!("{project}/dataset/export?format={id}")).await;
        assert_eq!(file.status, 200, "{id}: {}", file.text());
        let ending = format["extension"].as_str().expect("an ending");
        assert!(
            file.header("content-disposition").contains(&format!(".{ending}\"")),
            "{id}: {:?}",
            file.headers
        );
    }
    let file = server.get(&format!("{project}/dataset/export?format=messages")).await;
    assert_eq!(file.text().lines().count(), 5);
    server
        .get(&format!("{project}/dataset/export?format=nonsense"))
        .await
        .expect_error(400, "invalid_request");

    server.delete(&path).await.expect(204);
    server.get(&path).await.expect_error(404, "example_not_found");
    let all = json!({ "action": "delete", "filter": {} });
    assert_eq!(server.post(&bulk, &all).await.expect(200)["changed"], 5);
    server.get(&format!("{project}/dataset/export")).await.expect_error(409, "nothing_to_do");
}

#[tokio::test]
async fn a_project_has_prompts_of_its_own() {
    let server = Server::start().await;
    let project = server.project().await;
    let prompts = format!("{project}/prompts");
    let stock = server.get(&prompts).await.expect(200);
    assert!(
        stock.as_array().is_some_and(|all| all.len() == 4 && all.iter().all(|prompt| prompt["own"] == false))
    );
    let one = format!("{prompts}/summary");
    let error = server.put(&one, &json!({ "text": "version: 1\n---\nsystem\n---\nno place" })).await;
    error.expect_error(400, "invalid_request");
    let text = "version: 3\n---\nYou sum up.\n---\nSum up: {{text}}";
    let own = server.put(&one, &json!({ "text": text })).await.expect(200);
    assert!(
        own["own"] == true
            && own["version"].as_str().is_some_and(|name| name.starts_with("summary 3 (own, "))
    );
    // Another change of the project leaves it.
    server.patch(&project, &json!({ "name": "Other" })).await.expect(200);
    let all = server.get(&prompts).await.expect(200);
    assert_eq!(all.as_array().expect("a list").iter().filter(|prompt| prompt["own"] == true).count(), 1);
    server.delete(&one).await.expect(204);
    assert_eq!(server.get(&prompts).await.expect(200), stock);
    server.put(&format!("{prompts}/poem"), &json!({ "text": text })).await.expect_error(404, "not_found");
}

#[tokio::test]
async fn columns_of_a_table_are_shown_mapped_and_imported() {
    let server = Server::start().await;
    let project = server.project().await;
    let table = "Frage,Lösung\nWo?,Hier.\nWann?,\nWer?,Wir.\n";
    let parts: [(&str, Option<&str>, &[u8]); 2] =
        [("kind", None, b"dataset"), ("files", Some("table.csv"), table.as_bytes())];
    let upload = server.upload(&format!("{project}/files/upload"), &parts).await.expect(201);
    let file = &upload["items"][0]["id"];
    let import = format!("{project}/dataset/import");
    let error = server.post(&import, &json!({ "file_id": file, "preview": true })).await;
    let error = error.expect_error(422, "invalid_dataset");
    assert!(error["message"].as_str().is_some_and(|said| said.contains("columns: Frage, Lösung")), "{error}");
    let mapping = json!({ "prompt": "Frage", "completion": "Lösung" });
    let body = json!({ "file_id": file, "mapping": mapping, "preview": true });
    let preview = server.post(&import, &body).await.expect(200);
    assert_eq!(
        (&preview["rows"], &preview["imported"], &preview["rejected"]),
        (&json!(3), &json!(2), &json!(1))
    );
    assert_eq!(preview["columns"], json!(["Frage", "Lösung"]));
    assert_eq!(preview["preview"][1][1]["content"], "Wir.");
    assert_eq!(server.get(&format!("{project}/dataset/stats")).await.expect(200)["total"], 0);
    let body = json!({ "file_id": file, "mapping": mapping });
    assert_eq!(server.post(&import, &body).await.expect(200)["imported"], 2);
    let stats = server.get(&format!("{project}/dataset/stats")).await.expect(200);
    assert_eq!((&stats["total"], &stats["checked"], &stats["coverage"]), (&json!(2), &json!(0), &json!([])));
}

#[tokio::test]
async fn an_unfit_dataset_is_refused_with_the_row_that_shows_it() {
    let server = Server::start().await;
    let project = server.project().await;
    let preference = r#"{"prompt":"a","chosen":"b","rejected":"c"}"#;
    for (name, content, column) in [
        ("p.jsonl", preference, "chosen"),
        ("i.jsonl", r#"{"prompt":"a","completion":"b","image":"x.png"}"#, "image"),
    ] {
        let parts: [(&str, Option<&str>, &[u8]); 2] =
            [("kind", None, b"dataset"), ("files", Some(name), content.as_bytes())];
        let file = server.upload(&format!("{project}/files/upload"), &parts).await.expect(201);
        let body = json!({ "file_id": file["items"][0]["id"] });
        let error = server
            .post(&format!("{project}/dataset/import"), &body)
            .await
            .expect_error(422, "invalid_dataset");
        assert_eq!(
            (&error["params"]["column"], &error["params"]["row"]),
            (&json!(column), &json!(1)),
            "{error}"
        );
    }
    let files = server.get(&format!("{project}/files?kind=dataset")).await.expect(200);
    assert!(files["items"].as_array().expect("items").iter().all(|file| file["status"] == "failed"));
}

#[tokio::test]
async fn what_needs_a_step_before_says_so() {
    let server = Server::start().await;
    let project = server.project().await;
    for (path, code) in [
        ("chunks/generate", "nothing_to_do"),
        ("dataset/generate", "nothing_to_do"),
        ("train/resume", "nothing_to_do"),
        ("train/cancel", "nothing_to_do"),
        ("evaluate", "nothing_to_do"),
        ("export", "nothing_to_do"),
    ] {
        server.post(&format!("{project}/{path}"), &json!({})).await.expect_error(409, code);
    }
    assert_eq!(
        server.get(&format!("{project}/train/status")).await.expect(200),
        json!({ "run": Value::Null })
    );
    server.get(&format!("{project}/train/logs/stream")).await.expect_error(409, "nothing_to_do");
    server.get(&format!("{project}/export/download?format=zip")).await.expect_error(404, "export_not_found");
    for list in ["runs", "evaluations", "export/files", "dataset/versions", "chunks"] {
        assert_eq!(server.get(&format!("{project}/{list}")).await.expect(200)["total"], 0);
    }
    // The project's model is an empty folder.
    let error =
        server.post(&format!("{project}/train/start"), &json!({})).await.expect_error(422, "invalid_model");
    assert!(error["message"].as_str().expect("text").contains("config.json"), "{error}");
}

#[tokio::test]
async fn a_connection_says_where_it_leads_and_forgets_what_is_null() {
    let server = Server::start().await;
    let own = "/api/settings/providers/own";
    let far = json!({ "kind": "openai_compatible", "address": "https://example.org/v1", "key": "secret-1", "prompt_price": 2.5 });
    let set = server.put(own, &far).await.expect(200);
    assert_eq!((&set["leaves_the_machine"], &set["has_key"]), (&json!(true), &json!(true)));
    assert!(!set.to_string().contains("secret-1"), "{set}");
    let near = json!({ "address": "http://127.0.0.1:1/v1", "concurrency": 2 });
    let set = server.put(own, &near).await.expect(200);
    assert_eq!((&set["leaves_the_machine"], &set["has_key"]), (&json!(false), &json!(false)));
    assert_eq!(set["prompt_price"], 2.5, "what is left out stays");
    let set = server.put(own, &json!({ "prompt_price": null })).await.expect(200);
    assert_eq!((&set["prompt_price"], &set["concurrency"]), (&Value::Null, &json!(2)));
    let listed = server.get("/api/settings/providers").await.expect(200);
    let built_in = listed.as_array().expect("a list").iter().find(|one| one["id"] == "built_in");
    assert_eq!(built_in.expect("it is there")["leaves_the_machine"], false);
}

#[tokio::test]
async fn settings_show_everything_but_secrets() {
    let url = "sqlite:///tmp/not-used-by-this-test";
    let settings = [("FTF_ALLOWED_HOSTS", "studio.example.org")];
    let server = Server::with(&settings, false).await;
    let body = server.get("/api/settings").await.expect(200);
    assert!(!body.to_string().contains(url));
    let all = body["settings"].as_array().expect("a list");
    let find = |name: &str| all.iter().find(|setting| setting["name"] == name).expect("a setting");
    assert_eq!(find("database_url")["value"], Value::Null);
    assert_eq!(
        (&find("allowed_hosts")["value"], &find("allowed_hosts")["source"]),
        (&json!("studio.example.org"), &json!("environment"))
    );
    for (name, list) in body["options"].as_object().expect("options") {
        assert!(!list.as_array().expect("a list").is_empty(), "{name} is empty");
    }
}

#[tokio::test]
async fn models_and_hardware_tell_what_is_there() {
    let server = Server::start().await;
    let models = server.get("/api/models").await.expect(200);
    let find = |models: &Value, id: &str| {
        let found =
            models["items"].as_array().expect("items").iter().find(|model| model["id"] == id).cloned();
        found.unwrap_or_else(|| panic!("no {id} in {models}"))
    };
    let broken = find(&models, "broken");
    assert_eq!((&broken["usable"], &broken["source"]), (&json!(false), &json!("local")));
    assert!(broken["problem"].as_str().expect("text").contains("config.json"), "{broken}");
    let hardware = server.get("/api/hardware/check").await.expect(200);
    assert!(hardware["device"]["threads"].as_u64().expect("a number") >= 1);
    assert_eq!(hardware["plan"], Value::Null);
    server.get("/api/hardware/check?model_id=broken").await.expect_error(422, "invalid_model");
    server.get("/api/hardware/check?model_id=../../etc").await.expect_error(404, "model_not_found");
    let Some(material) = test_material("models_and_hardware_tell_what_is_there") else { return };
    let model = server.folder.path().join("models/small model");
    crate::support::copy_folder(&material.join("weights/stories260K-hf"), &model);
    let models = server.get("/api/models").await.expect(200);
    let small = find(&models, "small model");
    assert_eq!(
        (&small["id"], &small["source"], &small["usable"]),
        (&json!("small model"), &json!("local"), &json!(true)),
        "{small}"
    );
    let plan = &server.get("/api/hardware/check?model_id=small%20model").await.expect(200)["plan"];
    assert_eq!(plan["fits"], true);
    assert!(plan["required_bytes"].as_u64().expect("a number") > 1_000_000, "{plan}");
    assert_eq!(plan["tokens_per_second"], Value::Null, "nothing was measured");
}
