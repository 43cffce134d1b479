//! `finetuneflow dataset …`: files in, files out.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::support::program;

pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, content: &str) {
        std::fs::write(self.path(name), content).expect("writes");
    }

    pub fn rows(&self, name: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        lines(text.as_bytes())
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(program());
        command.arg("dataset").args(arguments).current_dir(self.0.path());
        command.output().expect("runs")
    }

    /// The JSON lines of a run that must succeed.
    pub fn good(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", words(&output.stderr));
        lines(&output.stdout)
    }

    /// The last line of stderr of a run that must fail.
    pub fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        words(&output.stderr).lines().last().unwrap_or_default().to_owned()
    }
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn lines(bytes: &[u8]) -> Vec<Value> {
    words(bytes).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The tokenizer of the model that the repository carries.
fn tokenizer_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../base-model/model")
}

#[test]
fn every_step_explains_itself() {
    let folder = Folder::new();
    for step in ["chunk", "generate", "import", "check", "stats", "split", "export"] {
        let output = folder.run(&[step, "--help"]);
        let help = words(&output.stdout);
        assert!(output.status.success() && help.contains(&format!("finetuneflow dataset {step} ")), "{help}");
    }
}

#[test]
fn import_names_each_faulty_row_and_keeps_the_others() {
    let folder = Folder::new();
    folder.write("table.tsv", "Frage\tLösung\nWo?\tHier.\nWann?\t\n");
    folder.write("chat.jsonl", "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"a\"}]}\n{oops\n");
    let map = ["--map", "prompt=Frage", "--map", "completion=Lösung"];
    let told = folder.good(&[["import", "table.tsv", "--out", "one.jsonl"].as_slice(), &map].concat());
    assert_eq!(told[0]["event"], "fault");
    assert_eq!(
        (&told[0]["row"], &told[0]["line"], &told[0]["column"]),
        (&json!(2), &json!(3), &json!("Lösung"))
    );
    assert_eq!(told[0]["rule"], "empty_text");
    assert_eq!((&told[1]["examples"], &told[1]["faults"]), (&json!(1), &json!(1)));
    let told = folder.good(&["import", "one.jsonl", "chat.jsonl", "--out", "all.jsonl", "--approve"]);
    let result = told.last().expect("a result");
    assert_eq!((&result["rows"], &result["examples"]), (&json!(3), &json!(2)));
    assert_eq!(result["faults_by_rule"], json!({"invalid_json": 1}));
    assert_eq!(
        (&result["files"][0]["format"], &result["files"][1]["format"]),
        (&json!("record"), &json!("messages"))
    );
    let rows = folder.rows("all.jsonl");
    assert_eq!(rows[0]["provenance"], json!({"file_name": "table.tsv", "row": 1, "generator": "import"}));
    assert_eq!((&rows[1]["status"], &rows[1]["messages"][1]["content"]), (&json!("approved"), &json!("a")));
    let plain = folder.run(&["import", "chat.jsonl", "--out", "again.jsonl"]);
    assert!(words(&plain.stderr).contains("chat.jsonl: row 2, row: the line is not valid JSON"), "{plain:?}");
    assert!(words(&plain.stdout).contains("1 of 2 rows, read as messages"), "{plain:?}");

    for (arguments, expected) in [
        (vec!["import", "none.jsonl", "--out", "x.jsonl"], "cannot read none.jsonl"),
        (vec!["import", "table.tsv", "--out", "x.jsonl", "--map", "prompt=Frage"], "--map completion="),
        (
            vec!["import", "table.tsv", "--out", "x.jsonl", "--map", "completion=Answer"],
            "has no column \"Answer\"; it has Frage, Lösung",
        ),
    ] {
        let error = folder.refused(&arguments);
        assert!(error.contains(expected), "{arguments:?}: {error}");
        assert!(!folder.path("x.jsonl").exists(), "nothing is written on failure");
    }
}

const HANDBOOK: &str = "# Opening hours\n\nThe library opens at 9:15 and closes at 18:30. On Sundays it stays closed.\n\n\
    # Lending\n\nA reader may borrow 12 books for 4 weeks. Marie Dupont extends the term on request.\n";

/// Records about the handbook's chunks, as a provider would make them.
fn records(folder: &Folder) {
    folder.write("handbook.md", HANDBOOK);
    let model = tokenizer_folder();
    let model = model.to_str().expect("a path");
    let chunk =
        ["chunk", "handbook.md", "--model", model, "--size", "40", "--overlap", "0", "--out", "chunks.jsonl"];
    let told = folder.good(&chunk);
    assert_eq!(told.last().expect("a result")["chunks"], 2);
    let chunks = folder.rows("chunks.jsonl");
    assert_eq!(chunks[1]["heading_path"], json!(["Lending"]));
    let record = |chunk: usize, question: &str, answer: &str| {
        let place = &chunks[chunk];
        let provenance = json!({
            "file_name": "handbook.md", "chunk_id": place["chunk_id"], "heading_path": place["heading_path"],
        });
        let messages =
            json!([{"role": "user", "content": question}, {"role": "assistant", "content": answer}]);
        format!("{}\n", json!({"version": 1, "messages": messages, "provenance": provenance}))
    };
    let rows = [
        record(0, "When does the library open?", "The library opens at 9:15."),
        record(0, "And on Sundays?", "On Sundays the library stays closed."),
        record(1, "How many books?", "A reader may borrow 15 books for 4 weeks."),
        record(1, "Who extends?", "As an AI, I cannot say; ask marie@library.example."),
    ];
    folder.write("records.jsonl", &rows.concat());
}

#[test]
fn chunks_know_their_place_and_their_length() {
    let folder = Folder::new();
    records(&folder);
    for chunk in folder.rows("chunks.jsonl") {
        let (start, end) =
            (chunk["start"].as_u64().expect("a start"), chunk["end"].as_u64().expect("an end"));
        let tokens = chunk["tokens"].as_u64().expect("tokens");
        assert!(start < end && (1..=40).contains(&tokens), "{chunk}");
        assert_eq!(chunk["file_name"], "handbook.md");
    }
    let before = folder.rows("chunks.jsonl");
    records(&folder);
    assert_eq!(folder.rows("chunks.jsonl"), before, "the same document gives the same ids");

    folder.write("broken.pdf", "%PDF-1.7 nothing more");
    let model = tokenizer_folder();
    let model = model.to_str().expect("a path");
    let error =
        folder.refused(&["chunk", "broken.pdf", "handbook.md", "--model", model, "--out", "two.jsonl"]);
    assert!(error.contains("1 of 2 documents could not be read"), "{error}");
    assert!(!folder.rows("two.jsonl").is_empty());
    let error = folder.refused(&["chunk", "handbook.md", "--model", "nowhere", "--out", "three.jsonl"]);
    assert!(error.contains("no tokenizer in nowhere"), "{error}");
}

#[test]
fn check_scores_and_drops_nothing() {
    let folder = Folder::new();
    records(&folder);
    let told = folder.good(&["check", "records.jsonl", "--source", "chunks.jsonl", "--out", "checked.jsonl"]);
    let result = told.last().expect("a result");
    assert_eq!(
        (&result["examples"], &result["with_findings"], &result["with_source"]),
        (&json!(4), &json!(2), &json!(4))
    );
    assert_eq!(
        (&told[0]["number"], &told[0]["findings"][0]["kind"]),
        (&json!(3), &json!("unsupported_numbers"))
    );
    assert_eq!(told[0]["findings"][0]["items"], json!(["15"]));
    let checked = folder.rows("checked.jsonl");
    assert_eq!(checked.len(), 4);
    assert_eq!(checked[0]["quality"], json!({"score": 1.0, "issues": []}));
    let issues = checked[3]["quality"]["issues"].as_array().expect("issues").clone();
    assert!(issues.contains(&json!("refusal")) && issues.contains(&json!("personal_data")), "{issues:?}");
    assert_eq!(checked[3]["provenance"], folder.rows("records.jsonl")[3]["provenance"]);

    let told = folder.good(&["check", "records.jsonl", "--eval", "records.jsonl"]);
    assert_eq!(told.last().expect("a result")["by_finding"]["eval_overlap"], 4);
    let plain = folder.run(&["check", "records.jsonl"]);
    assert!(words(&plain.stdout).contains("4 examples, 1 with findings"), "{plain:?}");

    let stats = folder.good(&["stats", "checked.jsonl", "--source", "chunks.jsonl"]).remove(0);
    assert_eq!((&stats["examples"], &stats["by_issue"]["refusal"]), (&json!(4), &json!(1)));
    assert_eq!(
        (&stats["coverage"][0]["chunks"], &stats["coverage"][0]["chunks_used"]),
        (&json!(2), &json!(2))
    );
}

#[test]
fn the_same_content_is_split_into_the_same_version() {
    let folder = Folder::new();
    let record = |number: usize| {
        let section = format!("Section {}", number % 10);
        let messages =
            json!([{"role": "user", "content": format!("q{number}")}, {"role": "assistant", "content": "a"}]);
        json!({"version": 1, "messages": messages, "provenance": {"file_name": "a.pdf", "heading_path": [section]}}).to_string() + "\n"
    };
    let rows: Vec<String> = (0..100).map(record).collect();
    folder.write("one.jsonl", &rows.concat());
    folder.write("other.jsonl", &rows.iter().rev().chain(&rows[..3]).cloned().collect::<String>());
    let split =
        |file: &str, out: &str| folder.good(&["split", file, "--held-out", "0.2", "--out", out]).remove(0);
    let (one, other) = (split("one.jsonl", "v1"), split("other.jsonl", "v2"));
    assert_eq!(one["content_hash"], other["content_hash"]);
    assert_eq!((&one["duplicates"], &other["duplicates"]), (&json!(0), &json!(3)));
    let counts = [&one["train_count"], &one["recall_count"], &one["held_out_count"]];
    assert_eq!(counts, [&json!(72), &json!(8), &json!(20)]);
    for (part, count) in [("train", 72), ("recall", 8), ("held_out", 20)] {
        let rows = folder.rows(&format!("v1/{part}.jsonl"));
        assert_eq!(rows.len(), count);
        assert_eq!(rows, folder.rows(&format!("v2/{part}.jsonl")));
        assert_eq!(rows[0].as_object().expect("a row").keys().collect::<Vec<_>>(), ["messages"]);
    }
    let version: Value =
        serde_json::from_slice(&std::fs::read(folder.path("v1/version.json")).expect("a version"))
            .expect("JSON");
    assert_eq!(version["content_hash"], one["content_hash"]);

    folder.write("unknown.jsonl", "{\"prompt\":\"q\",\"completion\":\"a\"}\n");
    let error = folder.refused(&["split", "unknown.jsonl", "--held-out", "0.1", "--out", "v3"]);
    assert!(error.contains("do not name two sections"), "{error}");
    let error = folder.refused(&["split", "one.jsonl", "--approved-only", "--out", "v3"]);
    assert!(error.contains("none of 100 examples"), "{error}");
    assert!(!folder.path("v3").exists());
}

#[test]
fn export_keeps_the_other_datasets_of_a_folder() {
    let folder = Folder::new();
    folder.write("rows.jsonl", "{\"prompt\":\"q\",\"completion\":\"a\"}\n{\"text\":\"only text\"}\n{\"prompt\":\"r\",\"completion\":\"b\"}\n");
    folder.good(&["import", "rows.jsonl", "--format", "prompt_completion", "--out", "records.jsonl"]);
    std::fs::create_dir(folder.path("data")).expect("a folder");
    folder.write("data/dataset_info.json", "{\"other\": {\"file_name\": \"other.json\"}}");
    for format in ["alpaca", "sharegpt"] {
        let export = ["export", "records.jsonl", "--format", format, "--name", format, "--out", "data"];
        let told = folder.good(&export).remove(0);
        assert_eq!((&told["examples"], &told["skipped"]), (&json!(2), &json!(0)));
    }
    let info: Value =
        serde_json::from_slice(&std::fs::read(folder.path("data/dataset_info.json")).expect("a list"))
            .expect("JSON");
    let names: Vec<_> = info.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["other", "alpaca", "sharegpt"]);
    assert!(folder.path("data/alpaca.json").exists() && folder.path("data/sharegpt.json").exists());
    let error = folder.refused(&["export", "records.jsonl", "--format", "text", "--out", "data"]);
    assert!(error.contains("can hold none of the 2 examples"), "{error}");
}

/// Rows through a pipe, so that the process can be looked at while it waits for the next one.
#[cfg(target_os = "linux")]
#[test]
fn importing_many_rows_takes_flat_memory() {
    let folder = Folder::new();
    let mut command = Command::new(program());
    command.args(["dataset", "import", "/dev/stdin", "--out", "out.jsonl", "--json"]);
    command.current_dir(folder.0.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("starts");
    let mut rows = BufWriter::new(child.stdin.take().expect("a pipe"));
    let filler = "words that make the row as long as real ones are ".repeat(12);
    let mut written = 0;
    let mut feed = |until: usize| {
        for number in written..until {
            let messages = json!([
                {"role": "user", "content": format!("What does row {number} say?")},
                {"role": "assistant", "content": format!("Row {number} says: {filler}")},
            ]);
            writeln!(rows, "{}", json!({ "messages": messages })).expect("writes");
        }
        rows.flush().expect("writes");
        written = until;
    };
    let peak_kib = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).expect("a status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number")
    };
    feed(10_000);
    let few = peak_kib();
    feed(60_000);
    let many = peak_kib();
    drop(rows);
    // 50,000 rows more are 35 MiB of text; buffers and the allocator's slack are below two.
    assert!(many < few + 2048, "{few} KiB after 10,000 rows, {many} KiB after 60,000");
    let output = child.wait_with_output().expect("ends");
    assert!(output.status.success());
    assert_eq!(lines(&output.stdout)[0]["examples"], 60_000);
}
