//! The real binary: how it starts, refuses to start, and stops.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

use crate::support::program;

/// A running `serve --json` on a free port; killed when it is dropped.
pub struct Serving {
    pub child: Child,
    pub url: String,
}

impl Serving {
    pub fn start(data_dir: &Path) -> Self {
        let mut child =
            command(data_dir, &["serve", "--json", "--port", "0", "--log", "warn"]).spawn().expect("starts");
        let stdout = child.stdout.take().expect("a pipe");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        if line.is_empty() {
            let mut words = String::new();
            child.stderr.take().expect("a pipe").read_to_string(&mut words).expect("text");
            panic!("the server did not start: {words}");
        }
        // The server may go on writing to its log; nobody reads it here, so it must not fill a pipe.
        let mut stderr = child.stderr.take().expect("a pipe");
        std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::stderr()));
        let line: Value = serde_json::from_str(&line).expect("JSON");
        let url = line["listening"].as_str().expect("an address").to_owned();
        Self { child, url }
    }

    /// Sends a signal and answers the exit code.
    #[cfg(unix)]
    pub fn end(mut self, signal: &str) -> Option<i32> {
        let sent =
            Command::new("kill").args([signal, &self.child.id().to_string()]).status().expect("kill runs");
        assert!(sent.success());
        self.child.wait().expect("ends").code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks a running server; what a test does with it stands beside the test.
#[cfg(unix)]
pub struct Client {
    pub http: reqwest::Client,
    pub base: String,
}

#[cfg(unix)]
impl Client {
    pub fn new(server: &Serving) -> Self {
        Self { http: crate::support::http(), base: server.url.clone() }
    }

    pub async fn json(&self, request: reqwest::RequestBuilder) -> Value {
        let answer = request.send().await.expect("answers");
        let (status, body) = (answer.status(), answer.text().await.expect("a body"));
        assert!(status.is_success(), "{status}: {body}");
        serde_json::from_str(&body).expect("JSON")
    }

    pub async fn get(&self, path: &str) -> Value {
        self.json(self.http.get(format!("{}{path}", self.base))).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Value {
        self.json(self.http.post(format!("{}{path}", self.base)).json(body)).await
    }
}

/// The program on this data folder, without the settings of whoever runs the tests.
pub fn command(data_dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("FTF_")) {
        command.env_remove(name);
    }
    command.env("FTF_DATA_DIR", data_dir).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn output(data_dir: &Path, arguments: &[&str]) -> Output {
    command(data_dir, arguments).output().expect("runs")
}

/// The last line on stderr of a command that has to fail.
fn refusal(data_dir: &Path, arguments: &[&str]) -> String {
    let output = output(data_dir, arguments);
    assert!(!output.status.success(), "{arguments:?} should fail");
    String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn it_answers_and_stops_in_good_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Serving::start(folder.path());
    assert!(server.url.starts_with("http://127.0.0.1:"), "{}", server.url);
    let health: Value =
        reqwest::get(format!("{}/health", server.url)).await.expect("answers").json().await.expect("JSON");
    assert_eq!(health["status"], "ok", "{health}");
    #[cfg(unix)]
    assert_eq!(server.end("-TERM"), Some(0));
}

#[test]
fn a_second_server_on_the_same_folder_names_the_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = Serving::start(folder.path());
    let words = refusal(folder.path(), &["serve", "--port", "0"]);
    for part in ["in use by another FineTuneFlow", &first.child.id().to_string(), &first.url, "--data-dir"] {
        assert!(words.contains(part), "{words}");
    }
    let words = refusal(folder.path(), &["migrate"]);
    assert!(words.contains(&first.url), "{words}");
    // The doctor only looks.
    assert!(output(folder.path(), &["doctor"]).status.success());
    drop(first);
    // Killed: its lock file is still there and stops nobody.
    assert!(folder.path().join("finetuneflow.lock").exists());
    drop(Serving::start(folder.path()));
}

#[test]
fn a_port_in_use_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let words = refusal(folder.path(), &["serve", "--port", &port]);
    for part in [port.as_str(), "is in use by another program", "--port"] {
        assert!(words.contains(part), "{words}");
    }
}

#[test]
fn a_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    // A file where the folder should be: nobody can write there, root neither.
    let file = folder.path().join("file");
    std::fs::write(&file, "x").expect("writes");
    for arguments in [["serve", "--port=0"], ["migrate", "--json"], ["doctor", "--json"]] {
        let words = refusal(&file, &arguments);
        assert!(
            words.contains(&file.display().to_string()) && words.contains("--data-dir"),
            "{arguments:?}: {words}"
        );
    }
}

#[test]
fn wrong_settings_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("finetuneflow.toml"), "[server]\nprot = 1\n").expect("writes");
    assert!(refusal(folder.path(), &["serve"]).contains("`server.prot` is not a setting"));
    std::fs::write(folder.path().join("finetuneflow.toml"), "[server]\nport = \"many\"\n").expect("writes");
    assert!(
        refusal(folder.path(), &["serve"]).contains("port = `many` (from finetuneflow.toml) is not a port")
    );
}

#[test]
fn migrate_says_what_it_did() {
    let folder = tempfile::tempdir().expect("a folder");
    let json = |output: Output| -> Value {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("text");
        assert_eq!(text.lines().count(), 1, "{text}");
        serde_json::from_str(&text).expect("JSON")
    };
    let first = json(output(folder.path(), &["migrate", "--json"]));
    assert_eq!((&first["database"], &first["backup"]), (&json!("SQLite"), &Value::Null));
    assert_eq!(json(output(folder.path(), &["migrate", "--json"])), first);
    let report = json(output(folder.path(), &["doctor", "--json"]));
    assert_eq!(report["ok"], true, "{report}");
    let proof = &report["devices"][0];
    assert_eq!(proof["ok"], true, "{proof}");
    assert!(proof["operations"].as_array().is_some_and(|operations| operations.len() > 20), "{proof}");
    assert!(proof["training"]["tokens_per_second"].as_f64().is_some_and(|speed| speed > 0.0), "{proof}");
}
