//! Models of the hub: found, resolved, downloaded, and what happens when the hub, the connection or the files are not as
//! they should be.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use finetuneflow::hub::cache::Cache;
use finetuneflow::hub::download::{Plan, download};
use finetuneflow::hub::{Client, HubError, HubSettings, RepoId};
use finetuneflow::models::Models;
use finetuneflow::providers::retry::Patience;
use serde_json::{Value, json};

use crate::fake_hub::{COMMIT, FakeHub, Manner, REPO, WEIGHTS, config, weights};
use crate::server::command;
use crate::support::Server;

/// A client of the fake hub and a cache of its own.
struct Place {
    _folder: tempfile::TempDir,
    hub: Arc<FakeHub>,
    client: Client,
    cache: Cache,
}

impl Place {
    async fn with(manner: Manner) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let hub = FakeHub::start(manner).await;
        let settings = HubSettings {
            endpoint: hub.address.parse().expect("an address"),
            ..HubSettings::of_folder(folder.path())
        };
        let quick = Patience { attempts: 4, first_pause: Duration::from_millis(1), ..Patience::default() };
        let client = Client::new(&settings, None).expect("a client").with_patience(quick);
        Self { cache: Cache::new(&settings.cache), _folder: folder, hub, client }
    }

    async fn plan(&self) -> Result<Plan, HubError> {
        let repository = self.client.repository(&repo(), "main").await?;
        Plan::of(&self.client, &repository, "main")
    }

    async fn download(&self) -> Result<std::path::PathBuf, HubError> {
        let plan = self.plan().await?;
        self.hub.take_seen();
        download(&self.client, &self.cache, &plan, &AtomicU64::new(0)).await
    }

    /// From which byte large files were asked for, in their order.
    fn asked_from(&self) -> Vec<usize> {
        let seen = self.hub.take_seen();
        seen.iter().filter(|seen| seen.port == "files").map(|seen| seen.from.unwrap_or(0)).collect()
    }

    fn weights_are_here(&self) -> bool {
        let folder = self.cache.snapshot(&repo(), COMMIT);
        std::fs::read(folder.join("model.safetensors")).is_ok_and(|bytes| bytes == weights(COMMIT))
    }

    /// Names of what lies among the blobs, other than small files.
    fn large_blobs(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.cache.folder(&repo()).join("blobs")).into_iter().flatten();
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        names.filter(|name| name.len() >= 64).collect()
    }
}

fn repo() -> RepoId {
    RepoId::parse(REPO).expect("a name")
}

async fn studio(hub: &FakeHub, settings: &[(&str, &str)]) -> Server {
    let mut all = vec![("HF_ENDPOINT", hub.address.as_str())];
    all.extend_from_slice(settings);
    Server::with(&all, true).await
}

async fn resolve(server: &Server, model: &str) -> Value {
    let project = server.project().await;
    server.post(&format!("{project}/model/resolve"), &json!({ "model": model })).await.expect(200)
}

async fn downloaded(server: &Server, body: &Value) -> Value {
    let job = server.post("/api/models/download", body).await.expect(202);
    server.finished(job["job"]["id"].as_str().expect("an id")).await
}

#[tokio::test]
async fn a_model_is_found_resolved_downloaded_and_listed() {
    let hub = FakeHub::start(Manner::default()).await;
    let server = studio(&hub, &[]).await;
    let set = server.put("/api/settings/hub", &json!({ "token": "hf_secret" })).await;
    assert_eq!(set.expect(200)["token"], "studio");
    assert!(!set.text().contains("hf_secret"), "a token goes in and never comes out");

    let found = server.get("/api/models/search?q=smollm2:135m").await.expect(200);
    let first = &found["items"][0];
    assert_eq!(
        (&first["id"], &first["ollama"], &first["supported"]),
        (&json!(REPO), &json!("smollm2:135m"), &json!(true))
    );
    let found = server.get("/api/models/search?q=mamba").await.expect(200);
    assert_eq!((&found["items"][0]["supported"], &found["items"][0]["gated"]), (&json!(false), &json!(true)));

    let facts = resolve(&server, "smollm2:135m").await;
    assert_eq!(
        (&facts["id"], &facts["commit"], &facts["license"]),
        (&json!(REPO), &json!(COMMIT), &json!("apache-2.0"))
    );
    assert_eq!(
        (&facts["family"], &facts["context_length"], &facts["problem"]),
        (&json!("llama"), &json!(512), &Value::Null)
    );
    let methods: Vec<_> =
        facts["methods"].as_array().expect("methods").iter().map(|method| method["method"].clone()).collect();
    assert_eq!(methods, ["lora", "qlora", "dora", "full"]);
    assert!(
        facts["methods"][0]["required_bytes"].as_u64() > Some(0) && facts["methods"][0]["fits"] == true,
        "{facts}"
    );
    assert_eq!((&facts["downloaded"], &facts["download_bytes"]), (&json!(false), &facts["size_bytes"]));
    assert!(facts["size_bytes"].as_u64() > Some(WEIGHTS as u64));

    hub.take_seen();
    let job = downloaded(&server, &json!({ "model": REPO })).await;
    assert_eq!((&job["status"], &job["project_id"]), (&json!("completed"), &Value::Null), "{job}");
    let seen = hub.take_seen();
    assert!(seen.iter().any(|seen| seen.port == "files"));
    for seen in &seen {
        let expected = (seen.port == "hub").then_some("Bearer hf_secret");
        assert_eq!(seen.authorization.as_deref(), expected, "the token stays with the hub: {seen:?}");
    }
    assert!(!seen.iter().any(|seen| seen.path.contains("evil")), "no code is downloaded");

    let folder = server.folder.path().join("hub/models--HuggingFaceTB--SmolLM2-135M-Instruct");
    assert_eq!(std::fs::read_to_string(folder.join("refs/main")).expect("a ref"), COMMIT);
    let place = folder.join("snapshots").join(COMMIT).join("model.safetensors");
    assert_eq!(std::fs::read(&place).expect("weights"), weights(COMMIT));
    #[cfg(unix)]
    {
        let link = std::fs::read_link(place).expect("a link");
        assert!(
            link.starts_with("../../blobs") && link.as_os_str().len() == "../../blobs/".len() + 64,
            "{link:?}"
        );
    }
    let models = server.get("/api/models").await.expect(200);
    let listed = models["items"].as_array().expect("items").iter().find(|model| model["id"] == REPO);
    let listed = listed.expect("it is listed");
    assert_eq!((&listed["source"], &listed["commit"]), (&json!("hub"), &json!(COMMIT)));

    let facts = resolve(&server, &format!("{}/{REPO}/tree/main", hub.address)).await;
    assert_eq!((&facts["downloaded"], &facts["download_bytes"]), (&json!(true), &json!(0)));
    hub.take_seen();
    let again = downloaded(&server, &json!({ "model": REPO })).await;
    assert_eq!(again["status"], "completed");
    assert!(
        hub.take_seen().iter().all(|seen| seen.path.starts_with("listing")),
        "nothing is downloaded twice"
    );

    let project = json!({ "name": "A", "model_id": REPO });
    let project =
        server.post("/api/projects", &project).await.expect(201)["id"].as_str().expect("an id").to_owned();
    server.delete(&format!("/api/models/{}", REPO.replace('/', "%2F"))).await.expect_error(409, "conflict");
    server.delete(&format!("/api/projects/{project}")).await.expect(204);
    server.delete(&format!("/api/models/{}", REPO.replace('/', "%2F"))).await.expect(204);
    assert!(!folder.exists());
    server.delete("/api/models/base").await.expect_error(409, "conflict");
}

#[tokio::test]
async fn a_broken_connection_is_gone_on_with_where_it_was() {
    let place = Place::with(Manner { breaks: 2, sends: 1_000_000, limits: 1, ..Manner::default() }).await;
    place.download().await.expect("downloads");
    assert!(place.weights_are_here());
    let from = place.asked_from();
    assert_eq!(from.len(), 3, "{from:?}");
    assert!(
        from[0] == 0 && from[1] > 0 && from[1] < from[2] && from[2] <= 2_000_000,
        "no byte is asked for twice: {from:?}"
    );
}

#[tokio::test]
async fn a_server_without_ranges_begins_again() {
    let place =
        Place::with(Manner { breaks: 1, sends: 1_000_000, ignores_ranges: true, ..Manner::default() }).await;
    place.download().await.expect("downloads");
    assert!(place.weights_are_here());
}

#[tokio::test]
async fn what_was_left_by_an_earlier_program_is_used_or_replaced() {
    let place = Place::with(Manner::default()).await;
    let plan = place.plan().await.expect("a plan");
    let file = plan.files.iter().find(|file| file.name == "model.safetensors").expect("the weights");
    let incomplete = place.cache.blob(&repo(), &file.hash).with_extension("incomplete");
    let begin = |bytes: &[u8]| {
        std::fs::create_dir_all(incomplete.parent().expect("a folder")).expect("a folder");
        std::fs::write(&incomplete, bytes).expect("writes");
    };
    begin(&weights(COMMIT)[..1000]);
    assert_eq!(plan.missing_bytes(&place.cache), plan.total_bytes() - 1000);
    place.download().await.expect("downloads");
    assert_eq!(place.asked_from(), [1000]);

    // Of other bytes: the whole is fetched once more.
    place.cache.remove(&repo()).expect("removes");
    begin(&[7; 1000]);
    place.download().await.expect("downloads");
    assert_eq!(place.asked_from(), [1000, 0]);
    assert!(place.weights_are_here());
}

#[tokio::test]
async fn what_is_not_as_listed_is_not_kept() {
    for (manner, words) in [
        (Manner { corrupt: true, ..Manner::default() }, "arrived with the hash"),
        (Manner { lies_by: -5, ..Manner::default() }, "has not the"),
        (Manner { lies_by: 5, ..Manner::default() }, "has not the"),
        (Manner { other_commit: true, ..Manner::default() }, "x-repo-commit"),
    ] {
        let place = Place::with(manner).await;
        let error = place.download().await.expect_err("refused").to_string();
        assert!(error.contains(words), "{error}");
        let kept = place.large_blobs();
        assert!(kept.iter().all(|name| name.ends_with(".incomplete")), "{words}: {kept:?}");
        assert_eq!(place.cache.current(&repo()), None, "{words}");
    }
    let place = Place::with(Manner { corrupt: true, ..Manner::default() }).await;
    place.download().await.expect_err("refused");
    assert_eq!(place.large_blobs(), Vec::<String>::new(), "wrong bytes are removed");
}

#[tokio::test]
async fn a_file_that_does_not_fit_the_disk_is_refused_before_it_begins() {
    let place = Place::with(Manner { lies_by: 1 << 60, ..Manner::default() }).await;
    let error = place.download().await.expect_err("refused");
    assert!(matches!(error, HubError::DiskFull { .. }), "{error}");
    assert_eq!(place.hub.take_seen().len(), 0, "nothing was asked for");
}

#[tokio::test]
async fn two_downloads_of_one_file_are_one() {
    let place = Place::with(Manner::default()).await;
    let plan = place.plan().await.expect("a plan");
    let done = AtomicU64::new(0);
    let (first, second) = tokio::join!(
        download(&place.client, &place.cache, &plan, &done),
        download(&place.client, &place.cache, &plan, &done)
    );
    assert_eq!(first.expect("downloads"), second.expect("downloads"));
    assert_eq!(place.asked_from(), [0]);
}

#[tokio::test]
async fn a_revision_that_moves_is_pinned() {
    let hub = FakeHub::start(Manner::default()).await;
    let server = studio(&hub, &[]).await;
    let facts = resolve(&server, REPO).await;
    hub.manner().main = "2".repeat(40);
    let job = downloaded(&server, &json!({ "model": REPO, "commit": facts["commit"] })).await;
    assert_eq!(job["result"]["commit"], COMMIT, "{job}");
    let folder = server.folder.path().join("hub").join(repo().folder_name());
    assert!(
        folder.join("snapshots").join(COMMIT).is_dir()
            && !folder.join("snapshots").join("2".repeat(40)).exists()
    );
    let newer = downloaded(&server, &json!({ "model": REPO })).await;
    assert_eq!(newer["result"]["commit"], "2".repeat(40));
    let models = Models::new(server.folder.path());
    assert_eq!(models.find(REPO).and_then(|model| model.commit), Some("2".repeat(40)));
    server
        .post("/api/models/download", &json!({ "model": REPO, "commit": "main" }))
        .await
        .expect_error(400, "invalid_request");
}

#[tokio::test]
async fn every_refusal_has_its_code() {
    let hub = FakeHub::start(Manner::default()).await;
    let server = studio(&hub, &[]).await;
    let mamba = json!({ "model_type": "mamba", "hidden_size": 8 });
    let mut quantized = config();
    quantized["quantization_config"] = json!({ "quant_method": "gptq" });
    let named = |name: &str| Manner { names: vec![name.to_owned()], ..Manner::default() };
    let refuses =
        |status, code, message| Manner { refuses: Some((status, code, message)), ..Manner::default() };
    for (manner, status, code) in [
        (refuses(404, "RepoNotFound", ""), 404, "hub_model_not_found"),
        (refuses(401, "", "Invalid username or password."), 404, "hub_model_not_found"),
        (refuses(404, "RevisionNotFound", ""), 404, "hub_model_not_found"),
        (refuses(401, "", "Invalid credentials in Authorization header"), 409, "hub_token_refused"),
        (refuses(403, "GatedRepo", "ask"), 403, "hub_model_gated"),
        (refuses(429, "", ""), 429, "hub_rate_limited"),
        (refuses(503, "", ""), 502, "hub_unreachable"),
        (Manner { gated_for: Some("right"), ..Manner::default() }, 403, "hub_model_gated"),
        (named("../evil.json"), 502, "hub_not_trusted"),
        (named("/etc/evil.json"), 502, "hub_not_trusted"),
        (named("a\\..\\evil.json"), 502, "hub_not_trusted"),
        (Manner { weights_name: Some("pytorch_model.bin"), ..Manner::default() }, 422, "no_safetensors"),
        (Manner { config: Some(mamba), ..Manner::default() }, 422, "unsupported_model"),
        (Manner { config: Some(quantized), ..Manner::default() }, 422, "unsupported_model"),
        (Manner { lies_by: 1 << 60, ..Manner::default() }, 507, "storage_full"),
    ] {
        *hub.manner() = manner;
        server.post("/api/models/download", &json!({ "model": REPO })).await.expect_error(status, code);
    }
    for model in ["../x", "/etc/passwd", "https://elsewhere.test/a/b", "nothing", ""] {
        let error = server.post("/api/models/download", &json!({ "model": model })).await;
        error.expect_error(400, "invalid_request");
    }
    assert_eq!(Models::new(server.folder.path()).cache().repositories(), vec![]);
}

#[tokio::test]
async fn a_gated_model_is_shown_with_its_page_and_downloaded_with_the_right_token() {
    let hub = FakeHub::start(Manner { gated_for: Some("right"), ..Manner::default() }).await;
    let server = studio(&hub, &[("HF_TOKEN", "wrong")]).await;
    assert_eq!(server.get("/api/settings/hub").await.expect(200)["token"], "configuration");
    let facts = resolve(&server, REPO).await;
    let page = format!("{}/{REPO}", hub.address);
    assert_eq!((&facts["gated"], &facts["parameters"]), (&json!(true), &json!(90)), "{facts}");
    assert_eq!(
        (&facts["problem"]["code"], &facts["problem"]["link"]),
        (&json!("hub_model_gated"), &json!(page))
    );
    let refused = server.post("/api/models/download", &json!({ "model": REPO })).await;
    assert_eq!(refused.expect_error(403, "hub_model_gated")["params"]["link"], page);
    let command = ["download", REPO, "--json"];
    assert!(!program(server.folder.path(), &hub, &command).await.status.success());
    server.put("/api/settings/hub", &json!({ "token": "right" })).await.expect(200);
    // The command takes the token of the studio's settings, beside a studio at work.
    let told = program(server.folder.path(), &hub, &command).await;
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    assert_eq!(resolve(&server, REPO).await["problem"], Value::Null);
    assert_eq!(downloaded(&server, &json!({ "model": REPO })).await["status"], "completed");
    let cleared = server.put("/api/settings/hub", &json!({ "token": "" })).await.expect(200);
    assert_eq!(cleared["token"], "configuration");
    server.put("/api/settings/hub", &json!({ "token": "é" })).await.expect_error(400, "invalid_request");
}

#[tokio::test]
async fn offline_only_the_cache_is_asked() {
    let place = Place::with(Manner::default()).await;
    place.download().await.expect("downloads");
    place.hub.take_seen();
    let cache = place.cache.root().display().to_string();
    let server = studio(&place.hub, &[("HF_HUB_CACHE", &cache), ("HF_HUB_OFFLINE", "1")]).await;
    assert_eq!(server.get("/api/settings/hub").await.expect(200)["offline"], true);
    let facts = resolve(&server, REPO).await;
    assert_eq!(
        (&facts["downloaded"], &facts["commit"], &facts["license"]),
        (&json!(true), &json!(COMMIT), &json!("apache-2.0"))
    );
    let found = server.get("/api/models/search?q=smol").await.expect(200);
    assert_eq!((&found["offline"], &found["items"][0]["id"]), (&json!(true), &json!(REPO)));
    let project = server.project().await;
    let other = json!({ "model": "Qwen/Qwen3-0.6B" });
    server.post(&format!("{project}/model/resolve"), &other).await.expect_error(409, "hub_offline");
    server.post("/api/models/download", &other).await.expect_error(409, "hub_offline");
    assert!(place.hub.take_seen().is_empty(), "the hub was not asked");
}

#[tokio::test]
async fn models_of_this_computer_resolve_too() {
    let hub = FakeHub::start(Manner::default()).await;
    let server = studio(&hub, &[]).await;
    let broken = resolve(&server, "broken").await;
    assert_eq!((&broken["source"], &broken["problem"]["code"]), (&json!("local"), &json!("invalid_model")));
    let path = server.folder.path().join("models/broken").display().to_string();
    assert_eq!(resolve(&server, &path).await["id"], "broken");
    std::fs::write(server.folder.path().join("models/x.gguf"), b"GGUF").expect("writes");
    let gguf = resolve(&server, "x.gguf").await;
    assert_eq!(gguf["source"], "local");
    assert!(gguf["problem"]["message"].is_string(), "{gguf}");
    let facts = server.post("/api/models/resolve", &json!({ "model": "base" })).await.expect(200);
    assert_eq!((&facts["source"], &facts["downloaded"]), (&json!("bundled"), &json!(true)));
    assert!(hub.take_seen().is_empty(), "the hub was not asked");
}

/// A command's output.
async fn program(data_dir: &Path, hub: &FakeHub, arguments: &[&str]) -> std::process::Output {
    let mut command = command(data_dir, arguments);
    for name in ["HF_HOME", "HF_HUB_CACHE", "HF_TOKEN", "HF_HUB_OFFLINE"] {
        command.env_remove(name);
    }
    command.env("HF_ENDPOINT", &hub.address);
    tokio::task::spawn_blocking(move || command.output().expect("runs")).await.expect("ends")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_downloads_and_the_others_take_its_name() {
    let hub = FakeHub::start(Manner::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let words = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let plan = ["plan", "--model", REPO, "--json"];
    let missing = program(folder.path(), &hub, &plan).await;
    assert!(words(&missing.stderr).contains(&format!("`finetuneflow download {REPO}` downloads it")));
    let output = program(folder.path(), &hub, &["download", "smollm2:135m", "--json"]).await;
    assert!(output.status.success(), "{}", words(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).expect("one line of JSON");
    assert_eq!((&told["model"], &told["commit"]), (&json!(REPO), &json!(COMMIT)));
    assert!(told["downloaded_bytes"].as_u64() > Some(WEIGHTS as u64));
    for name in [REPO, "smollm2:135m", &format!("{REPO}@{COMMIT}")] {
        let planned = program(folder.path(), &hub, &["plan", "--model", name, "--json"]).await;
        assert!(planned.status.success(), "{}", words(&planned.stderr));
    }
    let unknown = program(folder.path(), &hub, &["download", REPO, "--revision", "v9"]).await;
    assert!(words(&unknown.stderr).contains("has no revision v9"), "{}", words(&unknown.stderr));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_goes_on_with_the_download() {
    use futures::StreamExt;

    use crate::server::{Client as HttpClient, Serving};

    const WRITTEN: usize = 2 << 20;
    let hub = FakeHub::start(Manner { holds: true, sends: WRITTEN + 900_000, ..Manner::default() }).await;
    let folder = tempfile::tempdir().expect("a folder");
    let settings =
        format!("[hub]\nendpoint = \"{}\"\ncache = \"{}/cache\"\n", hub.address, folder.path().display());
    std::fs::write(folder.path().join("finetuneflow.toml"), settings).expect("writes");
    let server = Serving::start(folder.path());
    let client = HttpClient::new(&server);
    let started = client.post("/api/models/download", &json!({ "model": REPO })).await;
    let job = started["job"]["id"].as_str().expect("an id").to_owned();
    let again = client.post("/api/models/download", &json!({ "model": REPO })).await;
    assert_eq!(again["job"]["id"], job, "asked for twice, it is one job");

    let watch = |base: String| {
        let http = client.http.clone();
        let url = format!("{base}/api/jobs/{job}/events");
        async move { http.get(url).send().await.expect("answers").bytes_stream() }
    };
    let done = |text: &str| -> u64 {
        let datas = text.lines().filter_map(|line| line.strip_prefix("data: "));
        let jobs = datas.filter_map(|data| serde_json::from_str::<Value>(data).ok());
        jobs.filter_map(|job| job["progress"]["done"].as_u64()).max().unwrap_or(0)
    };
    let mut events = std::pin::pin!(watch(server.url.clone()).await);
    let mut text = String::new();
    while done(&text) < WRITTEN as u64 {
        let part = tokio::time::timeout(Duration::from_secs(60), events.next()).await.expect("in time");
        text.push_str(&String::from_utf8_lossy(&part.expect("goes on").expect("a part")));
    }
    assert_eq!(server.end("-KILL"), None, "killed");
    *hub.manner() = Manner::default();
    hub.take_seen();
    let server = Serving::start(folder.path());
    let rest =
        tokio::time::timeout(Duration::from_secs(60), watch(server.url.clone()).await.collect::<Vec<_>>());
    let rest: String = rest
        .await
        .expect("in time")
        .into_iter()
        .map(|part| String::from_utf8_lossy(&part.expect("a part")).into_owned())
        .collect();
    assert!(rest.contains("event: end") && rest.contains("\"completed\""), "{rest}");
    let from: Vec<_> =
        hub.take_seen().iter().filter(|seen| seen.port == "files").map(|seen| seen.from).collect();
    assert!(
        matches!(from.as_slice(), [Some(from)] if *from >= WRITTEN),
        "what was written is not asked for again: {from:?}"
    );
    let place = folder.path().join("cache").join(repo().folder_name()).join("snapshots").join(COMMIT);
    assert_eq!(std::fs::read(place.join("model.safetensors")).expect("weights"), weights(COMMIT));
    assert_eq!(server.end("-TERM"), Some(0));
}
