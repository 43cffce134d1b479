//! Reviewing in Label Studio, against a scripted one. The round trip through a real one is `interop/label_studio.sh`.

mod description;
mod script;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::{Server, rows, test_material};
use script::{Fault, LEGACY, PERSONAL, Script};

const SETTINGS: &str = "/api/settings/label-studio";

/// A studio that is connected with a scripted Label Studio, and a project with examples in it.
struct Review {
    server: Server,
    script: Arc<Script>,
    project: String,
}

impl Review {
    async fn new(token: &str, examples: usize) -> Self {
        let server = Server::with(&[], true).await;
        let script = Script::start().await;
        let body = json!({ "address": format!("{}/", script.address), "token": token });
        server.put(SETTINGS, &body).await.expect(200);
        let project = server.project().await;
        server.dataset(&project, &rows(examples)).await;
        server
            .post(&format!("{project}/dataset/examples/bulk"), &json!({ "action": "reset", "filter": {} }))
            .await;
        Self { server, script, project }
    }

    async fn run(&self, what: &str, body: &Value) -> Value {
        let started =
            self.server.post(&format!("{}/label-studio/{what}", self.project), body).await.expect(202);
        self.server.finished(started["job"]["id"].as_str().expect("an id")).await
    }

    async fn done(&self, what: &str, body: &Value) -> Value {
        let job = self.run(what, body).await;
        assert_eq!(job["status"], "completed", "{job}");
        job["result"]["examples"].clone()
    }

    /// The example whose answer is about this box.
    async fn example(&self, number: usize) -> Value {
        let path = format!("{}/dataset/examples?q=in%20box%20{number}.", self.project);
        self.server.get(&path).await.expect(200)["items"][0].clone()
    }

    async fn change(&self, number: usize, change: &Value) {
        let id = self.example(number).await["id"].as_str().expect("an id").to_owned();
        self.server.patch(&format!("{}/dataset/examples/{id}", self.project), change).await.expect(200);
    }

    fn annotate(&self, number: usize, time: &str, verdict: &str, response: Option<&str>) {
        self.script.annotate(self.script.task(&answer(number)), time, verdict, response);
    }

    async fn conflicts(&self) -> Vec<Value> {
        let listed = self.server.get(&format!("{}/label-studio/conflicts", self.project)).await.expect(200);
        listed["items"].as_array().expect("a list").clone()
    }

    async fn dataset(&self) -> Value {
        let listed = self.server.get(&format!("{}/label-studio/datasets", self.project)).await.expect(200);
        listed[0].clone()
    }
}

fn answer(number: usize) -> String {
    format!("There are {} red balls in box {number}.", number * 3 + 1)
}

fn edited(number: usize, answer: &str) -> Value {
    json!({ "messages": [
        { "role": "user", "content": format!("What is in box {number}?") },
        { "role": "assistant", "content": answer },
    ] })
}

#[tokio::test]
async fn the_connection_is_kept_and_its_token_is_not_shown() {
    let server = Server::start().await;
    let none = server.get(SETTINGS).await.expect(200);
    assert_eq!((&none["address"], &none["has_token"]), (&Value::Null, &json!(false)));
    server.post(&format!("{SETTINGS}/test"), &json!({})).await.expect_error(404, "connection_not_found");
    server.put(SETTINGS, &json!({ "token": LEGACY })).await.expect_error(400, "invalid_request");
    for (address, token) in
        [("localhost:8080", LEGACY), ("http://192.168.0.7:8080", LEGACY), ("https://example.org", "é")]
    {
        let body = json!({ "address": address, "token": token });
        server.put(SETTINGS, &body).await.expect_error(400, "invalid_request");
    }
    for (token, kind) in [(PERSONAL, "personal"), (LEGACY, "legacy")] {
        let body = json!({ "address": "https://example.org/ls/", "token": token });
        let set = server.put(SETTINGS, &body).await;
        assert_eq!(set.expect(200)["token_kind"], kind);
        assert!(!set.text().contains(token) && !server.get(SETTINGS).await.text().contains(token));
    }
    let moved = server.put(SETTINGS, &json!({ "address": "https://example.com" })).await.expect(200);
    assert_eq!(moved["has_token"], false, "it was entered for another host");
    assert!(moved["problem"].as_str().expect("words").contains("token"));
    server.delete(SETTINGS).await.expect(204);
    server.delete(SETTINGS).await.expect_error(404, "connection_not_found");
}

#[tokio::test]
async fn what_goes_wrong_is_said_with_what_to_do() {
    let server = Server::start().await;
    let script = Script::start().await;
    let test = async |address: &str, token: &str| {
        server.put(SETTINGS, &json!({ "address": address, "token": token })).await.expect(200);
        server.post(&format!("{SETTINGS}/test"), &json!({})).await
    };
    for token in [PERSONAL, LEGACY] {
        let good = test(&script.address, token).await.expect(200);
        assert_eq!((&good["user"], &good["version"]), (&json!("marie@example.org"), &json!("1.23.2")));
    }
    let (whoami, refresh) = ("/whoami", "/refresh/");
    for (path, fault, token, words) in [
        (whoami, Fault::Moved("https://example.org/login"), LEGACY, "sends on to https://example.org/login"),
        (whoami, Fault::Broken("{\"id\": 1"), LEGACY, "does not answer as Label Studio does"),
        (whoami, Fault::Broken("<html>Hello</html>"), LEGACY, "enter the address"),
        (whoami, Fault::Instead(404, "nothing here"), LEGACY, "enter the address"),
        (refresh, Fault::Instead(405, "not so"), PERSONAL, "enter the address"),
        (refresh, Fault::Broken("{}"), PERSONAL, "missing field `access`"),
        (whoami, Fault::Instead(403, "not allowed"), LEGACY, "not allowed"),
        (whoami, Fault::Endless, LEGACY, "sent more than"),
        (whoami, Fault::Instead(500, "no room"), LEGACY, "no room; look into Label Studio's own log"),
        (refresh, Fault::Instead(429, "slow down"), PERSONAL, "asks to wait"),
    ] {
        script.fail(path, fault.clone());
        let error = test(&script.address, token).await.expect_error(502, "provider_failed");
        let message = error["message"].as_str().expect("words");
        assert!(message.contains(words), "{fault:?}: {message}");
    }
    for (address, token, words) in [
        (script.address.clone(), "0000", "copy it again from Account & Settings"),
        (script.address.clone(), "a.b.c", "copy it again from Account & Settings"),
        (script.address.replace("/label-studio", ""), LEGACY, "enter the address"),
    ] {
        let error = test(&address, token).await.expect_error(502, "provider_failed");
        assert!(error["message"].as_str().expect("words").contains(words), "{error}");
    }
    let nobody =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let error = test(&format!("http://{nobody}"), LEGACY).await.expect_error(502, "provider_failed");
    assert!(error["message"].as_str().expect("words").contains("start Label Studio there"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_makes_each_task_once_however_it_is_disturbed() {
    let review = Review::new(PERSONAL, 450).await;
    let script = &review.script;
    // The answer is lost after the tasks were made; then a limit; and an access token that has come to its end.
    script.fail("/import", Fault::After(500));
    script.fail("/import", Fault::Instead(429, "slow down"));
    script.fail("/import", Fault::Instead(401, "Token is expired"));
    let counts = review.done("push", &json!({ "title": "Boxes" })).await;
    assert_eq!(counts, json!({ "pushed": 450, "there": 0, "changed_since": 0 }));
    let pushed = |book: &script::Book| {
        let ids: BTreeSet<_> = book.tasks.iter().map(|task| task["data"]["ftf_id"].to_string()).collect();
        (book.projects.len(), book.tasks.len(), ids.len())
    };
    assert_eq!(pushed(&script.book()), (1, 450, 450));

    // Neither the same title, nor none, nor its number makes anything new; what is new here is.
    script.expire();
    for body in [json!({ "title": "Boxes" }), json!({}), json!({ "remote_project": 1 })] {
        let counts = review.done("push", &body).await;
        assert_eq!(counts, json!({ "pushed": 0, "there": 450, "changed_since": 0 }), "{body}");
    }
    assert_eq!(pushed(&script.book()), (1, 450, 450));
    script.book().asynchronous = true;
    review.server.dataset(&review.project, &rows(460)).await;
    let counts = review.done("push", &json!({})).await;
    assert_eq!(counts, json!({ "pushed": 10, "there": 450, "changed_since": 0 }));
    assert_eq!(pushed(&script.book()), (1, 460, 460));

    // A task that was removed there is made again.
    script.book().tasks.remove(3);
    assert_eq!(review.done("push", &json!({})).await["pushed"], 1);
    let dataset = review.dataset().await;
    assert_eq!(
        (&dataset["tasks"], &dataset["undecided"], &dataset["title"]),
        (&json!(460), &json!(460), &json!("Boxes"))
    );
    assert_eq!(dataset["url"], format!("{}/projects/1/data", script.address));

    // A labelling form of somebody else's, a project that is gone.
    script.book().projects.push(json!({ "id": 2, "title": "Other", "label_config": "<View/>" }));
    for (number, words) in [(2, "labelling form of its own"), (77, "has no project 77")] {
        let job = review.run("push", &json!({ "remote_project": number })).await;
        assert!(job["error"]["message"].as_str().expect("words").contains(words), "{job}");
    }
}

#[tokio::test]
async fn what_cannot_be_pushed_or_synced_is_refused_at_once() {
    let server = Server::start().await;
    let project = server.project().await;
    let [push, sync] = ["push", "sync"].map(|what| format!("{project}/label-studio/{what}"));
    server.post(&push, &json!({})).await.expect_error(404, "connection_not_found");
    server.put(SETTINGS, &json!({ "address": "http://localhost:1" })).await.expect(200);
    server.post(&push, &json!({})).await.expect_error(404, "connection_not_found");
    server.put(SETTINGS, &json!({ "token": LEGACY })).await.expect(200);
    server.post(&push, &json!({})).await.expect_error(409, "nothing_to_do");
    server.post(&sync, &json!({})).await.expect_error(409, "nothing_to_do");
    for body in [
        json!({ "title": "ab" }),
        json!({ "title": "abc", "remote_project": 1 }),
        json!({ "remote_project": 0 }),
    ] {
        server.post(&push, &body).await.expect_error(400, "invalid_request");
    }
    server.dataset(&project, &rows(3)).await;
    server.post(&push, &json!({})).await.expect(202);
    server.post(&push, &json!({})).await.expect_error(409, "already_running");
    server.post(&sync, &json!({})).await.expect_error(409, "already_running");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verdicts_and_texts_come_back_once_and_no_side_is_lost() {
    let review = Review::new(LEGACY, 12).await;
    review.done("push", &json!({})).await;
    let time = "2026-01-01T10:00:00Z";
    review.annotate(0, time, "approve", None);
    review.annotate(1, time, "fix", Some("Four red balls.\r\n"));
    review.annotate(2, time, "reject", None);
    review.annotate(3, time, "skip", None);
    review.annotate(4, time, "fix", None);
    // Several: the latest counts, wherever it stands.
    review.annotate(5, "2026-01-01T12:00:00Z", "approve", Some("The latest."));
    review.annotate(5, time, "reject", None);
    // Changed here as well: in the same way, in another way, deleted; or like another example.
    for (number, status) in [(6, "approved"), (7, "rejected")] {
        review.change(number, &json!({ "status": status })).await;
        review.annotate(number, time, "approve", None);
    }
    review.change(8, &edited(8, "Our words in box 8.")).await;
    review.annotate(8, time, "fix", Some("Their words."));
    let gone = review.example(9).await["id"].as_str().expect("an id").to_owned();
    review.annotate(9, time, "fix", Some("Kept."));
    review.server.delete(&format!("{}/dataset/examples/{gone}", review.project)).await.expect(204);
    review.change(10, &edited(11, "Twin in box 10.")).await;
    review.annotate(11, time, "fix", Some("Twin in box 10."));

    let counts = review.done("sync", &json!({})).await;
    let expected = json!({ "tasks": 12, "reviewed": 10, "left_out": 1, "several": 1, "changed": 4, "agreed": 2, "known": 0,
        "conflicts": 4 });
    assert_eq!(counts, expected);

    for (number, status, text, edited) in [
        (0, "approved", answer(0), false),
        (2, "rejected", answer(2), false),
        (3, "pending", answer(3), false),
        (4, "pending", answer(4), false),
        (6, "approved", answer(6), false),
        (7, "rejected", answer(7), false),
    ] {
        let example = review.example(number).await;
        assert_eq!((&example["status"], &example["edited"]), (&json!(status), &json!(edited)), "{number}");
        assert_eq!(example["messages"][1]["content"], text);
    }
    assert_eq!(review.example(2).await["issues"], json!(["review:not_in_source"]));
    let fixed =
        review.server.get(&format!("{}/dataset/examples?q=four%20red", review.project)).await.expect(200);
    let fixed = &fixed["items"][0];
    assert_eq!((&fixed["status"], &fixed["edited"]), (&json!("approved"), &json!(true)));
    assert_eq!(fixed["messages"][1]["content"], "Four red balls.");
    assert!(fixed["score"].is_number(), "a text that was edited is checked again: {fixed}");
    let path =
        format!("{}/dataset/examples/{}/changes", review.project, fixed["id"].as_str().expect("an id"));
    let change = &review.server.get(&path).await.expect(200)["items"][0];
    assert_eq!(
        (&change["actor"], &change["kind"]),
        (&json!("label_studio:marie@example.org"), &json!("edited"))
    );
    assert_eq!(change["before"]["messages"][1]["content"], answer(1));

    let again = review.done("sync", &json!({})).await;
    assert_eq!((&again["changed"], &again["agreed"], &again["conflicts"]), (&json!(0), &json!(0), &json!(0)));
    resolve_all(&review, &gone).await;
    let dataset = review.dataset().await;
    assert_eq!((&dataset["conflicts"], &dataset["tasks"]), (&json!(0), &json!(12)));
    assert!(dataset["synced_at"].is_string());
    let again = review.done("sync", &json!({})).await;
    assert_eq!((&again["changed"], &again["conflicts"]), (&json!(0), &json!(0)), "what was settled stays so");
}

async fn resolve_all(review: &Review, gone: &str) {
    let conflicts = review.conflicts().await;
    let of = |text: &str| {
        let found = conflicts.iter().find(|conflict| conflict["theirs"]["messages"][1]["content"] == text);
        found.unwrap_or_else(|| panic!("{text} in {conflicts:?}")).clone()
    };
    assert_eq!(of(&answer(7))["why"], "both_changed");
    assert_eq!(of("Their words.")["ours"]["messages"][1]["content"], "Our words in box 8.");
    assert_eq!((&of("Kept.")["why"], &of("Kept.")["ours"]), (&json!("deleted_here"), &Value::Null));
    assert_eq!(
        (&of("Twin in box 10.")["why"], &of("Twin in box 10.")["theirs"]["by"]),
        (&json!("same_as_another"), &json!("marie@example.org"))
    );
    assert!(of("Kept.")["task_url"].as_str().expect("an address").contains("/projects/1/data?task="));
    let resolve = async |id: &str, side: &str| {
        let path = format!("{}/label-studio/conflicts/{id}", review.project);
        review.server.post(&path, &json!({ "take": side })).await
    };
    let id = |text: &str| of(text)["example_id"].as_str().expect("an id").to_owned();
    resolve(&id(&answer(7)), "ours").await.expect(204);
    assert_eq!(review.example(7).await["status"], "rejected");
    resolve(&id("Their words."), "theirs").await.expect(204);
    let path = format!("{}/dataset/examples/{}", review.project, id("Their words."));
    let taken = review.server.get(&path).await.expect(200);
    assert_eq!(
        (&taken["messages"][1]["content"], &taken["status"]),
        (&json!("Their words."), &json!("approved"))
    );
    assert_eq!(id("Kept."), gone);
    resolve(gone, "theirs").await.expect(204);
    let back = review.server.get(&format!("{}/dataset/examples/{gone}", review.project)).await.expect(200);
    assert_eq!(back["messages"][1]["content"], "Kept.");
    resolve(&id("Twin in box 10."), "theirs").await.expect_error(409, "conflict");
    assert_eq!(review.conflicts().await.len(), 1, "it stays until it is settled");
    resolve(&id("Twin in box 10."), "ours").await.expect(204);
    resolve(gone, "ours").await.expect_error(404, "example_not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_that_fails_or_is_broken_changes_nothing() {
    let review = Review::new(LEGACY, 2).await;
    review.done("push", &json!({})).await;
    review.annotate(0, "2026-01-01T10:00:00Z", "approve", None);
    review.script.fail("/export", Fault::Broken("[{\"id\": 1, \"data\": {}}, {\"id\""));
    let job = review.run("sync", &json!({})).await;
    assert!(job["error"]["message"].as_str().expect("words").contains("cannot be read"), "{job}");
    assert_eq!(
        (review.dataset().await["synced_at"].clone(), review.example(0).await["status"].clone()),
        (Value::Null, json!("pending"))
    );
    // Where one way of exporting fails, the other one is taken.
    review.script.fail("/export", Fault::Instead(500, "out of memory"));
    assert_eq!(review.done("sync", &json!({})).await["changed"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_is_what_label_studio_describes() {
    let Some(material) = test_material("what_is_sent_is_what_label_studio_describes") else { return };
    let text = std::fs::read_to_string(material.join("api/label_studio_core.openapi.json")).expect("reads");
    let described: Value = serde_json::from_str(&text).expect("JSON");
    let review = Review::new(PERSONAL, 5).await;
    review.server.post(&format!("{SETTINGS}/test"), &json!({})).await.expect(200);
    review.done("push", &json!({})).await;
    review.done("push", &json!({})).await;
    review.done("sync", &json!({})).await;
    let asked = review.script.book().asked.clone();
    let faults: Vec<String> = asked.iter().flat_map(|asked| description::faults(&described, asked)).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    let paths: BTreeSet<_> = asked.iter().map(|asked| format!("{} {}", asked.method, asked.path)).collect();
    assert!(paths.len() >= 8, "{paths:?}");
    // The check itself finds something to blame.
    let wrong = script::Asked {
        body: json!([{ "dato": {} }]),
        query: "return=1".into(),
        ..asked.iter().find(|asked| asked.path.ends_with("/import")).expect("an import").clone()
    };
    let found = description::faults(&described, &wrong);
    for words in ["no parameter return", "no field dato", "data is missing"] {
        assert!(found.iter().any(|fault| fault.contains(words)), "{words} in {found:?}");
    }
}
