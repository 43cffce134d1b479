//! Every format of the registry, and faulty files.

use datasets::formats::{self, REGISTRY};
use datasets::{ColumnMapping, Example, Import, ImportError, ImportOptions, Message, Role, Rule, import};
use serde_json::json;

fn read(text: &str, file: &str) -> Result<Import, ImportError> {
    import(text.as_bytes(), file, &ImportOptions::default())
}

fn good(text: &str, file: &str, format: &str) -> Vec<Example> {
    let import = read(text, file).unwrap_or_else(|error| panic!("{file}: {error}"));
    assert_eq!(import.format, format, "{text}");
    assert!(import.errors.is_empty(), "{:?}", import.errors);
    import.examples
}

fn contents(example: &Example) -> Vec<(Role, &str)> {
    example.messages.iter().map(|message| (message.role, message.content.as_str())).collect()
}

fn samples() -> Vec<Example> {
    let tricky = "line one\nline \"two\", é — 日本; |\ttab";
    let mut chat = Example::question("Say \"hi\"", "hi");
    chat.messages.insert(0, Message::new(Role::System, "Be kind."));
    let mut turns = chat.clone();
    turns.messages.push(Message::new(Role::User, "Again?"));
    turns.messages.push(Message::new(Role::Assistant, tricky));
    let mut tool = Example::question("Weather?", "");
    tool.messages[1].tool_calls =
        Some(json!([{"type": "function", "function": {"name": "weather", "arguments": {"city": "Bern"}}}]));
    tool.messages.push(Message::new(Role::Tool, "sunny"));
    tool.messages.push(Message::new(Role::Assistant, "It is sunny."));
    tool.tools = Some(json!([{"name": "weather"}]));
    vec![Example::question("a", tricky), chat, turns, tool, Example::text("Only text.")]
}

/// What a format writes, it reads again as the same examples; what it cannot hold, it names.
#[test]
fn every_format_reads_what_it_writes() {
    let samples = samples();
    let all: Vec<&Example> = samples.iter().collect();
    let mut ids = std::collections::BTreeSet::new();
    for format in REGISTRY {
        assert!(ids.insert(format.id) && !format.name.is_empty() && !format.description.is_empty());
        assert!(std::ptr::eq(formats::by_id(format.id).unwrap(), *format));
        let export = (format.write)(&all, "handbook");
        let skipped: Vec<usize> = export
            .skipped
            .iter()
            .map(|(index, reason)| {
                assert!(!reason.is_empty());
                *index
            })
            .collect();
        let kept: Vec<&Example> = all
            .iter()
            .enumerate()
            .filter(|(index, _)| !skipped.contains(index))
            .map(|(_, example)| *example)
            .collect();
        assert!(!kept.is_empty(), "{}", format.id);
        let file = &export.files[0];
        let options = ImportOptions { format: Some(format.id.into()), mapping: None };
        let back = import(&file.bytes, &file.name, &options)
            .unwrap_or_else(|error| panic!("{}: {error}", format.id));
        assert!(back.errors.is_empty(), "{}: {:?}", format.id, back.errors);
        assert_eq!(back.examples.len(), kept.len(), "{}", format.id);
        for (again, original) in back.examples.iter().zip(kept) {
            assert_eq!(again.content_hash(), original.content_hash(), "{}", format.id);
        }
        assert!((format.write)(&[], "empty").skipped.is_empty());
    }
    assert_eq!(ids.len(), 7);
}

#[test]
fn llama_factory_is_told_the_columns() {
    let samples = samples();
    for (id, expected) in [
        (
            "alpaca",
            json!({"formatting": "alpaca", "columns": {"prompt": "instruction", "query": "input", "response": "output", "system": "system", "history": "history"}}),
        ),
        (
            "sharegpt",
            json!({"formatting": "sharegpt", "columns": {"messages": "conversations", "system": "system", "tools": "tools"}}),
        ),
    ] {
        let export = (formats::by_id(id).unwrap().write)(&samples.iter().collect::<Vec<_>>(), "mine");
        assert_eq!(export.files[1].name, "dataset_info.json");
        let info: serde_json::Value = serde_json::from_slice(&export.files[1].bytes).unwrap();
        let mine = &info["mine"];
        assert_eq!(mine["file_name"], export.files[0].name.as_str());
        assert_eq!(mine["formatting"], expected["formatting"]);
        assert_eq!(mine["columns"], expected["columns"]);
        let rows: Vec<serde_json::Value> = serde_json::from_slice(&export.files[0].bytes).unwrap();
        for column in mine["columns"].as_object().unwrap().values() {
            assert!(rows.iter().all(|row| row.get(column.as_str().unwrap()).is_some()), "{column}");
        }
    }
}

#[test]
fn shapes_are_detected() {
    let chat = good(
        r#"{"messages":[{"role":"developer","content":"s"},{"role":"user","content":[{"type":"text","text":"q"}]},{"role":"assistant","content":"a"}]}"#,
        "x.jsonl",
        "messages",
    );
    assert_eq!(contents(&chat[0]), [(Role::System, "s"), (Role::User, "q"), (Role::Assistant, "a")]);
    let lists = good(
        r#"[{"prompt":[{"role":"user","content":"q"}],"completion":[{"role":"assistant","content":"a"}]}]"#,
        "x.json",
        "prompt_completion",
    );
    assert_eq!(contents(&lists[0]), [(Role::User, "q"), (Role::Assistant, "a")]);
    let alpaca = good(
        r#"{"data":[{"instruction":"i","input":"x","output":"o","system":"s","history":[["h","r"]]}]}"#,
        "x.json",
        "alpaca",
    );
    assert_eq!(
        contents(&alpaca[0]),
        [
            (Role::System, "s"),
            (Role::User, "h"),
            (Role::Assistant, "r"),
            (Role::User, "i\nx"),
            (Role::Assistant, "o")
        ]
    );
    let semicolons =
        good("Question;Answer;Note\n\"Where; exactly?\";\"Here\nand there\";x\n", "x.csv", "csv");
    assert_eq!(
        contents(&semicolons[0]),
        [(Role::User, "Where; exactly?"), (Role::Assistant, "Here\nand there")]
    );
    let tabs = good("instruction\tresponse\tcontext\nq\ta\tc\n", "x.tsv", "csv");
    assert_eq!(contents(&tabs[0]), [(Role::User, "q\nc"), (Role::Assistant, "a")]);
    let in_table = good(
        "messages\n\"[{\"\"role\"\":\"\"user\"\",\"\"content\"\":\"\"q\"\"},{\"\"role\"\":\"\"assistant\"\",\"\"content\"\":\"\"a\"\"}]\"\n",
        "x.csv",
        "messages",
    );
    assert_eq!(contents(&in_table[0]), [(Role::User, "q"), (Role::Assistant, "a")]);
    assert_eq!(good("First one.\nStill.\n\nSecond one.\n", "x.txt", "text").len(), 2);
    assert_eq!(good("\u{feff}{\"text\":\"a\"}\n\n{\"text\":\"b\"}\n", "x.jsonl", "text").len(), 2);
}

/// What OpenAI's fine-tuning takes: <https://platform.openai.com/docs/guides/supervised-fine-tuning>.
#[test]
fn openai_chat_lines_are_messages() {
    let tools = r#"{"messages":[{"role":"user","content":"Weather?","name":"kim"},{"role":"assistant","weight":1,"tool_calls":[{"id":"c1","type":"function","function":{"name":"weather","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"sunny"},{"role":"assistant","content":"Sunny."}],"tools":[{"type":"function","function":{"name":"weather","parameters":{}}}],"parallel_tool_calls":false}"#;
    let example = &good(tools, "x.jsonl", "messages")[0];
    assert_eq!(example.messages[0].name.as_deref(), Some("kim"));
    assert!(example.messages[1].tool_calls.is_some() && example.messages[1].content.is_empty());
    assert_eq!(example.messages[2].tool_call_id.as_deref(), Some("c1"));
    assert_eq!(example.tools.as_ref().unwrap()[0]["function"]["name"], "weather");
    let unlearned =
        r#"{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a","weight":0}]}"#;
    let read = read(&format!("{tools}\n{unlearned}\n"), "x.jsonl").unwrap();
    assert_eq!(
        (read.errors[0].column.as_str(), read.errors[0].rule),
        ("messages[1].weight", Rule::NotLearned)
    );
}

#[test]
fn records_keep_all_that_is_known() {
    let mut example = Example::question("q", "a");
    example.provenance.file_name = Some("handbook.pdf".into());
    example.provenance.chunk_id = Some("c1".into());
    example.quality.issues = vec!["refusal".into()];
    example.status = datasets::Status::Approved;
    let export = (formats::by_id("record").unwrap().write)(&[&example], "mine");
    let read = import(&export.files[0].bytes, "mine.jsonl", &ImportOptions::default()).unwrap();
    assert_eq!((read.format.as_str(), read.examples), ("record", vec![example]));
}

#[test]
fn columns_can_be_chosen() {
    let mapping =
        ColumnMapping { prompt: Some("A".into()), completion: Some("B".into()), ..ColumnMapping::default() };
    let options = ImportOptions { mapping: Some(mapping), ..ImportOptions::default() };
    let found = import(b"A,B\nq,a\n", "x.csv", &options).unwrap();
    assert_eq!(contents(&found.examples[0]), [(Role::User, "q"), (Role::Assistant, "a")]);
    assert_eq!(found.examples[0].provenance.row, Some(1));
    let error = import(b"A,C\nq,a\n", "x.csv", &options).unwrap_err().to_string();
    assert!(error.contains("\"B\"") && error.contains("A, C"), "{error}");
    let error = read("A,B\nq,a\n", "x.csv").unwrap_err().to_string();
    assert!(error.contains("columns: A, B"), "{error}");
}

#[test]
fn faulty_rows_name_row_column_and_rule() {
    let text = concat!(
        "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"a\"}]}\n",
        "{\"messages\":[{\"role\":\"robot\",\"content\":\"q\"}]}\n",
        "\n",
        "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}\n",
        "{broken\n",
        "[1]\n",
        "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\" \"}]}\n",
        "{\"messages\":\"none\"}\n",
        "{\"other\":1}\n",
        "{\"messages\":[{\"role\":\"user\",\"content\":{\"a\":1}}]}\n",
    );
    let import = read(text, "rows.jsonl").unwrap();
    assert_eq!((import.rows, import.examples.len()), (9, 1));
    let found: Vec<_> = import
        .errors
        .iter()
        .map(|error| (error.row, error.line, error.column.as_str(), error.rule))
        .collect();
    let expected = [
        (2, Some(2), "messages[0].role", Rule::UnknownRole),
        (3, Some(4), "messages", Rule::NoAnswer),
        (4, Some(5), "row", Rule::InvalidJson),
        (5, Some(6), "row", Rule::NotAnObject),
        (6, Some(7), "messages[1]", Rule::EmptyText),
        (7, Some(8), "messages", Rule::WrongType),
        (8, Some(9), "messages", Rule::MissingColumn),
        (9, Some(10), "messages[0].content", Rule::WrongType),
    ];
    assert_eq!(found, expected);
    let table = read("prompt,completion\nq,a\nq,\nq,a,b\n", "rows.csv").unwrap();
    let found: Vec<_> =
        table.errors.iter().map(|error| (error.row, error.line, error.column.as_str(), error.rule)).collect();
    assert_eq!(
        found,
        [(2, Some(3), "completion", Rule::EmptyText), (3, Some(4), "row", Rule::WrongFieldCount)]
    );
}

#[test]
fn files_that_cannot_be_used_say_why() {
    let cases: &[(&[u8], &str, &str)] = &[
        (b"", "a.jsonl", "empty"),
        (b" \n", "a.csv", "empty"),
        (b"[]", "a.json", "empty"),
        (b"PAR1....", "a.parquet", "cannot be read as Parquet"),
        (b"prompt,completion\n", "a.csv", "empty"),
        (b"[1, 2]", "a.json", "must be an object"),
        (b"\x1f\x8b\x08", "a.jsonl.gz", "gzip"),
        (b"\x80\x04\x95", "a.pkl", "pickle"),
        (b"caf\xe9,b\n1,2\n", "a.csv", "UTF-8"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a.jsonl", "LFS"),
        (b"[{\"a\":1},", "a.json", "not valid JSON"),
        (b"{oops\n{oops\n", "a.jsonl", "line 1"),
        (b"[{\"a\":1}]", "a.json", "columns: a"),
        (b"[{\"messages\":[]}]", "a.json", "none of its 1 rows"),
        (b"[{\"prompt\":\"q\",\"chosen\":\"a\",\"rejected\":\"b\"}]", "a.json", "preference"),
        (
            b"[{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}]",
            "a.json",
            "pictures",
        ),
        (b"[{\"question\":\"q\",\"answer\":\"a\",\"image\":\"x.png\"}]", "a.json", "pictures"),
    ];
    for (bytes, file, expected) in cases {
        let error = import(bytes, file, &ImportOptions::default()).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains(file), "{file}: {error}");
    }
    let missing =
        datasets::import_path(std::path::Path::new("no/such.jsonl"), &ImportOptions::default()).unwrap_err();
    assert!(missing.to_string().contains("no/such.jsonl"));
}

#[test]
fn odd_bytes_never_panic() {
    let seeds: &[&[u8]] = &[
        b"[{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}]",
        b"a,b\n\"x\"\"y\",z\n",
        b"{\"conversations\":[{\"from\":\"gpt\",\"value\":\"{}\"}]}",
    ];
    for seed in seeds {
        for at in 0..seed.len() {
            for byte in [0, b'"', b'[', b'{', b',', b'\n', 0xff] {
                let mut bytes = seed.to_vec();
                bytes[at] = byte;
                for file in ["x", "x.csv", "x.json", "x.jsonl", "x.txt"] {
                    let _ = import(&bytes, file, &ImportOptions::default());
                    let _ = import(&bytes[..at], file, &ImportOptions::default());
                }
            }
        }
    }
}
