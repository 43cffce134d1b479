//! Damaged texts and what they mean.

use serde_json::json;

use super::*;

fn check(input: &str, expected: Value) {
    assert_eq!(parse(input), Ok(expected), "{input}");
}

#[test]
fn json_as_it_stands_is_not_touched() {
    for text in ["{}", "[1,2.5,-3e4]", "\"a\"", "null", r#"{"a":{"b":["\u00e9\n"]}}"#] {
        check(text, serde_json::from_str(text).unwrap());
    }
}

#[test]
fn marks_that_are_missing_or_too_many() {
    check("[1,2,3,]", json!([1, 2, 3]));
    check(r#"{"a":1 "b":2}"#, json!({"a": 1, "b": 2}));
    check("{\"a\":2\n\"b\":3\nc:4}", json!({"a": 2, "b": 3, "c": 4}));
    check(r#"{"a" "b"}"#, json!({"a": "b"}));
    check(r#"{"a":1}}]}"#, json!({"a": 1}));
    check(r#"[{"i":1,{"i":2}]"#, json!([{"i": 1}, {"i": 2}]));
    check("[1,2,3,...]", json!([1, 2, 3]));
    check(r#"{"a":}"#, json!({"a": null}));
}

#[test]
fn quotes_of_all_kinds() {
    check("{'a':'it\\'s'}", json!({"a": "it's"}));
    check("{“a”: ‘b’, `c`: ´d´}", json!({"a": "b", "c": "d"}));
    check("{a: hello world}", json!({"a": "hello world"}));
    check(r#"{"key": "apple "bee" carrot"}"#, json!({"key": "apple \"bee\" carrot"}));
    check(r#"{"a":"b,"c":"d"}"#, json!({"a": "b", "c": "d"}));
    check(r#"{url:https://a.example/x?y=1,"id":2}"#, json!({"url": "https://a.example/x?y=1", "id": 2}));
    check(r#"{\"a\": \"b\"}"#, json!({"a": "b"}));
    check(r#""hello" + " world""#, json!("hello world"));
    check("{\"size\": \"a (24\") screen\"}", json!({"size": "a (24\") screen"}));
}

#[test]
fn cut_off_input_keeps_what_was_written() {
    let whole = r#"{"items": [{"q": "Why?", "a": "Because, \"yes\"."}, {"q": "When"#;
    check(whole, json!({"items": [{"q": "Why?", "a": "Because, \"yes\"."}, {"q": "When"}]}));
    check(r#"{"a": 2e-"#, json!({"a": 2}));
    check(r#"{"a": "x\u26"#, json!({"a": "x"}));
}

#[test]
fn constants_comments_calls_and_lines() {
    check("{a: True, b: None, c: undefined}", json!({"a": true, "b": null, "c": null}));
    check("/* a */ {\"x\": 1 // one\n}", json!({"x": 1}));
    check("callback({\"a\": ObjectId(\"12\")});", json!({"a": "12"}));
    check("{\"a\":1}\n{\"a\":2}\n", json!([{"a": 1}, {"a": 2}]));
    check("[0.0.1, 0789, .5, -]", json!(["0.0.1", "0789", 0.5, 0]));
}

#[test]
fn answers_in_prose_fences_and_behind_reasoning() {
    check("Sure! Here it is:\n```json\n{\"a\": [1, 2,]}\n```\nAnything else?", json!({"a": [1, 2]}));
    check("The result is {\"a\": 1}. I hope that helps.", json!({"a": 1}));
    check("{\"a\": 1} I hope that helps.", json!({"a": 1}));
    check("As in [1], the list is [\"x\", \"y\"", json!(["x", "y"]));
    check("<think>maybe {\"a\": 0}?</think>\n{\"a\": 1}", json!({"a": 1}));
    check("{\"a\": \"see <think>x</think>\",}", json!({"a": "see <think>x</think>"}));
    check("{\"code\": \"```js\\nx\\n```\",}", json!({"code": "```js\nx\n```"}));
    assert_eq!(parse("<think>so {\"a\": 0} and"), Err(RepairError::OnlyReasoning));
}

#[test]
fn what_cannot_be_read_is_refused_with_a_reason() {
    assert_eq!(parse(""), Err(RepairError::Empty));
    assert_eq!(parse(" \n "), Err(RepairError::Empty));
    for glued in ["{\"a\":2}{}", "{\"a\":2}foo", "[1]b", "{\"a\":2}[3]"] {
        assert!(matches!(parse(glued), Err(RepairError::NotJson { .. })), "{glued}");
    }
    assert!(matches!(parse("{:2}"), Err(RepairError::NotJson { position: 1, .. })));
    assert!(matches!(parse(&"[".repeat(100_000)), Err(RepairError::TooDeep { .. })));
    assert!(matches!(parse(&"{\"a\":".repeat(100_000)), Err(RepairError::TooDeep { .. })));
    assert!(matches!(parse(&"f(".repeat(100_000)), Err(RepairError::TooDeep { .. })));
}

#[test]
fn hostile_input_ends_quickly() {
    let pieces = [
        "\"",
        "'",
        "[",
        "{",
        "\"a\"b ,x",
        "\"a,",
        "'a \"b, ",
        "/*",
        "\\",
        "\\u12",
        "```",
        "a(",
        "1\n",
        "+\"",
        "…“",
        "{\"a\":[",
        "<think>",
        "[,\"x\" y ",
    ];
    let started = std::time::Instant::now();
    for piece in pieces {
        for tail in ["", "]", "}", "\"", ","] {
            let text = piece.repeat(20_000) + tail;
            let _ = parse(&text);
            let _ = parse(&format!("Well: {text}"));
        }
    }
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

#[test]
fn every_prefix_of_a_document_is_read_or_refused() {
    let document =
        "```json\n{'a': [1, -2.5e3, \"x\\u00e9\\\"\", {b: True}], // c\n\"d\": f(\"e\") + 'g', }\n```";
    for (end, _) in document.char_indices() {
        let _ = parse(&document[..end]);
        let _ = parse(&document[end..]);
    }
}
