//! Models as OpenAI serves them, in process.

use axum::body::Body;
use axum::http::{Request, header};
use finetuneflow::inference::{Client, MOST_WAITING_OF_ONE};
use futures::stream::FuturesUnordered;
use futures::{StreamExt, future};
use serde_json::{Value, json};

use crate::chat::{prepared, train};
use crate::support::{Answer, Server, request, test_material};

const COMPLETIONS: &str = "/v1/chat/completions";

/// OpenAI's own description of these routes, where there is one.
struct Description(Option<Value>);

impl Description {
    fn open(test: &str) -> Self {
        let file = test_material(test).map(|folder| folder.join("api/openai_chat_models.openapi.json"));
        Self(file.map(|file| serde_json::from_slice(&std::fs::read(file).expect("reads")).expect("JSON")))
    }

    /// Panics where the value is not what the named schema says.
    fn check(&self, name: &str, value: &Value) {
        if let Some(description) = &self.0 {
            let schema = &description["components"]["schemas"][name];
            assert!(schema.is_object(), "{name} is not described");
            if let Err(problem) = fits(description, schema, value) {
                panic!("{name}: {problem}: {value}");
            }
        }
    }
}

/// What of JSON Schema these descriptions need.
fn fits(all: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    if value.is_null() && schema["nullable"] == true {
        return Ok(());
    }
    if let Some(name) = schema["$ref"].as_str() {
        return fits(all, all.pointer(&name[1..]).expect("a reference leads somewhere"), value);
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        fits(all, part, value)?;
    }
    for choice in ["anyOf", "oneOf"] {
        if let Some(choices) = schema[choice].as_array()
            && !choices.iter().any(|choice| fits(all, choice, value).is_ok())
        {
            return Err(format!("{value} fits none of {choice}"));
        }
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if let Some(wanted) = schema["type"].as_str()
        && wanted != kind
        && (wanted, kind) != ("number", "integer")
    {
        return Err(format!("{value} is no {wanted}"));
    }
    if let Some(values) = schema["enum"].as_array()
        && !values.contains(value)
    {
        return Err(format!("{value} is none of {values:?}"));
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(name).is_none() {
            return Err(format!("{name} is missing"));
        }
    }
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(value) = value.get(name) {
            fits(all, schema, value).map_err(|problem| format!("{name}: {problem}"))?;
        }
    }
    for item in value.as_array().into_iter().flatten() {
        fits(all, &schema["items"], item)?;
    }
    Ok(())
}

fn question(model: &str, options: Value) -> Value {
    let mut body = json!({
        "model": model, "messages": [{ "role": "user", "content": "What is in box 3?" }], "max_tokens": 12, "temperature": 0,
    });
    body.as_object_mut().expect("an object").extend(options.as_object().expect("an object").clone());
    body
}

async fn ask(server: &Server, model: &str, options: Value) -> Value {
    server.post(COMPLETIONS, &question(model, options)).await.expect(200)
}

fn text(completion: &Value) -> &str {
    completion["choices"][0]["message"]["content"].as_str().expect("text")
}

/// The chunks of a stream; the line that ends it is checked.
fn chunks(answer: &Answer) -> Vec<Value> {
    assert_eq!(
        (answer.status.as_u16(), answer.header("content-type")),
        (200, "text/event-stream"),
        "{}",
        answer.text()
    );
    let text = answer.text();
    let mut lines: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    assert!(!text.contains("event:"));
    assert_eq!(lines.pop(), Some("[DONE]"));
    lines.into_iter().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The error, after checking its shape, status, code and field.
fn expect_error(
    answer: &Answer,
    description: &Description,
    status: u16,
    code: &str,
    param: Option<&str>,
) -> Value {
    let body = answer.expect(status);
    description.check("ErrorResponse", &body);
    let error = &body["error"];
    assert_eq!((&error["code"], &error["param"]), (&json!(code), &json!(param)), "{body}");
    assert!(error["message"].as_str().is_some_and(|message| message.len() > 10), "{body}");
    assert_eq!(error.as_object().expect("an object").len(), 4, "{body}");
    error.clone()
}

#[tokio::test]
async fn models_have_names_that_stay() {
    let test = "models_have_names_that_stay";
    let Some((server, project)) = prepared(test).await else { return };
    let description = Description::open(test);
    let settings = json!({ "max_steps": 20, "learning_rate": 0.02, "rank": 16, "alpha": 32, "micro_batch_size": 4, "max_seq_len": 128 });
    let run = train(&server, &project, settings).await;
    let (base, run_id) = (run["model_id"].as_str().expect("an id"), run["id"].as_str().expect("an id"));

    let list = server.get("/v1/models").await.expect(200);
    description.check("ListModelsResponse", &list);
    let ids: Vec<_> = list["data"].as_array().expect("models").iter().map(|model| &model["id"]).collect();
    let name = format!("boxes-1-{}", &run_id[run_id.len() - 8..]);
    assert!(ids.contains(&&json!(base)) && ids.contains(&&json!(name)), "{list}");
    assert!(!ids.contains(&&json!("broken")), "{list}");
    let model = server.get(&format!("/v1/models/{name}")).await.expect(200);
    description.check("Model", &model);
    assert_eq!(model, *list["data"].as_array().expect("models").last().expect("the run's"));

    server.patch(&project, &json!({ "name": "Crates" })).await.expect(200);
    let renamed = name.replace("boxes", "crates");
    for known in [&name, &renamed, &run_id.to_owned()] {
        assert_eq!(server.get(&format!("/v1/models/{known}")).await.expect(200)["id"], renamed, "{known}");
    }
    for missing in ["nothing", "owner/nothing", "owner%2Fnothing", "..%2F..%2Fetc"] {
        let missing = server.get(&format!("/v1/models/{missing}")).await;
        expect_error(&missing, &description, 404, "model_not_found", Some("model"));
    }

    // The name leads to what was trained.
    let tuned = ask(&server, &name, json!({})).await;
    assert_eq!(tuned["model"], renamed);
    assert_ne!(text(&tuned), text(&ask(&server, base, json!({})).await));
}

#[tokio::test]
async fn answers_come_whole_or_in_pieces() {
    let test = "answers_come_whole_or_in_pieces";
    let Some((server, project)) = prepared(test).await else { return };
    let description = Description::open(test);
    let project = server.get(&project).await.expect(200);
    let model = project["model_id"].as_str().expect("an id");

    let whole = ask(&server, model, json!({})).await;
    description.check("CreateChatCompletionResponse", &whole);
    let usage = &whole["usage"];
    assert_eq!(
        usage["total_tokens"].as_u64(),
        Some(
            usage["prompt_tokens"].as_u64().expect("a number")
                + usage["completion_tokens"].as_u64().expect("a number")
        )
    );
    for with_usage in [false, true] {
        let options = json!({ "stream": true, "stream_options": { "include_usage": with_usage } });
        let pieces = chunks(&server.post(COMPLETIONS, &question(model, options)).await);
        pieces.iter().for_each(|chunk| description.check("CreateChatCompletionStreamResponse", chunk));
        let joined: String =
            pieces.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
        assert_eq!(joined, text(&whole), "the pieces are the whole");
        assert_eq!(pieces[0]["choices"][0]["delta"]["role"], "assistant");
        let reasons: Vec<_> =
            pieces.iter().filter_map(|chunk| chunk["choices"][0]["finish_reason"].as_str()).collect();
        assert_eq!(reasons, [whole["choices"][0]["finish_reason"].as_str().expect("text")]);
        let (last, others) = pieces.split_last().expect("pieces");
        match with_usage {
            true => {
                assert_eq!((&last["usage"], &last["choices"]), (usage, &json!([])));
                assert!(others.iter().all(|chunk| chunk.get("usage") == Some(&Value::Null)));
            }
            false => assert!(pieces.iter().all(|chunk| chunk.get("usage").is_none())),
        }
        assert!(others.iter().all(|chunk| chunk["id"] == last["id"]));
    }

    let short = ask(&server, model, json!({ "max_completion_tokens": 2, "max_tokens": 9 })).await;
    assert_eq!(
        (&short["usage"]["completion_tokens"], &short["choices"][0]["finish_reason"]),
        (&json!(2), &json!("length"))
    );
    let stop: String = text(&whole).chars().skip(2).take(3).collect();
    for stop in [json!(stop), json!(["\u{1}", stop])] {
        let stopped = ask(&server, model, json!({ "stop": stop })).await;
        assert!(text(&whole).starts_with(text(&stopped)) && text(&stopped) != text(&whole), "{stopped}");
        assert_eq!(stopped["choices"][0]["finish_reason"], "stop");
    }
    let drawn = |seed: i64| ask(&server, model, json!({ "temperature": 2, "seed": seed }));
    assert_eq!(text(&drawn(-5).await), text(&drawn(-5).await));
    assert_ne!(text(&drawn(-5).await), text(&drawn(6).await));
    let parts = json!([{ "role": "user", "content": [{ "type": "text", "text": "What is " }, { "type": "text", "text": "in box 3?" }] }]);
    assert_eq!(text(&ask(&server, model, json!({ "messages": parts })).await), text(&whole));

    // Eight at once, of several clients.
    let asked = (0..8).map(|number| ask(&server, model, json!({ "user": format!("user {}", number % 3) })));
    assert!(future::join_all(asked).await.iter().all(|answer| text(answer) == text(&whole)));
}

#[tokio::test]
async fn errors_have_the_shape_of_the_interface() {
    let test = "errors_have_the_shape_of_the_interface";
    let Some((server, project)) = prepared(test).await else { return };
    let description = Description::open(test);
    let project = server.get(&project).await.expect(200);
    let model = project["model_id"].as_str().expect("an id");
    for (body, status, code, param) in [
        (question("nothing", json!({})), 404, "model_not_found", Some("model")),
        (question(model, json!({ "temperature": 3 })), 400, "invalid_request", Some("temperature")),
        (question(model, json!({ "temperature": "hot" })), 400, "invalid_request", Some("temperature")),
        (
            question(model, json!({ "tools": [{ "type": "function" }] })),
            400,
            "invalid_request",
            Some("tools"),
        ),
        (
            question(model, json!({ "messages": [{ "role": "user", "content": 5 }] })),
            400,
            "invalid_request",
            Some("messages[0].content"),
        ),
        (json!({ "model": model }), 400, "invalid_request", Some("messages")),
        (
            question(model, json!({ "messages": [{ "role": "user", "content": "word ".repeat(5000) }] })),
            400,
            "context_length_exceeded",
            None,
        ),
        (
            question(
                model,
                json!({ "messages": [{ "role": "user", "content": "word ".repeat(5000) }], "stream": true }),
            ),
            400,
            "context_length_exceeded",
            None,
        ),
    ] {
        let answer = server.post(COMPLETIONS, &body).await;
        let error = expect_error(&answer, &description, status, code, param);
        assert_eq!(error["type"], "invalid_request_error");
    }
    expect_error(&server.get(COMPLETIONS).await, &description, 405, "method_not_allowed", None);
    expect_error(&server.get("/v1/nothing").await, &description, 404, "not_found", None);
    let broken = request("POST", COMPLETIONS).body(Body::from("{")).expect("a request");
    expect_error(&server.send(broken).await, &description, 400, "invalid_json", None);
    // The doors are those of the rest.
    let evil = Request::get("/v1/models").header(header::HOST, "evil.example.org");
    let refused = server.send(evil.body(Body::empty()).expect("a request")).await;
    expect_error(&refused, &description, 403, "host_not_allowed", None);
    let page = request("POST", COMPLETIONS).header(header::ORIGIN, "http://evil.example.org");
    let refused = server.send(page.body(Body::from("{}")).expect("a request")).await;
    expect_error(&refused, &description, 403, "origin_not_allowed", None);
}

#[tokio::test]
async fn the_queue_is_bounded_and_forgets_who_leaves() {
    let test = "the_queue_is_bounded_and_forgets_who_leaves";
    let Some((server, project)) = prepared(test).await else { return };
    let description = Description::open(test);
    let project = server.get(&project).await.expect(200);
    let model = project["model_id"].as_str().expect("an id");
    let turns = server.state.inference.turns();
    // Every turn is out.
    let held = [turns.take(Client(1)).await.expect("free"), turns.take(Client(1)).await.expect("free")];
    let body = question(model, json!({ "user": "many" }));
    let mut waiting: FuturesUnordered<_> =
        (0..MOST_WAITING_OF_ONE).map(|_| server.post(COMPLETIONS, &body)).collect();
    while turns.waiting() < MOST_WAITING_OF_ONE {
        tokio::select! {
            biased;
            answer = waiting.next() => panic!("answered without a turn: {answer:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    let refused = server.post(COMPLETIONS, &body).await;
    let error = expect_error(&refused, &description, 429, "queue_full", None);
    assert_eq!(error["type"], "rate_limit_error");
    // Others still have their place, and go before the rest of the many.
    let other = question(model, json!({ "user": "one" }));
    let mut one = Box::pin(server.post(COMPLETIONS, &other));
    while turns.waiting() == MOST_WAITING_OF_ONE {
        tokio::select! {
            biased;
            answer = &mut one => panic!("answered without a turn: {answer:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    drop(waiting);
    assert_eq!(turns.waiting(), 1, "those who left are forgotten");
    drop(held);
    one.await.expect(200);
}

#[tokio::test]
async fn who_leaves_gives_the_turn_back() {
    let Some((server, project)) = prepared("who_leaves_gives_the_turn_back").await else { return };
    let project = server.get(&project).await.expect(200);
    let model = project["model_id"].as_str().expect("an id");
    for _ in 0..3 {
        let body = question(model, json!({ "stream": true, "max_tokens": 4096, "temperature": 1 }));
        let asked = request("POST", COMPLETIONS).header(header::CONTENT_TYPE, "application/json");
        let asked = asked.body(Body::from(body.to_string())).expect("a request");
        let mut pieces = server.stream(asked).await;
        assert!(pieces.next().await.is_some());
        drop(pieces);
    }
    // Both turns come back: three answers would otherwise hold them.
    let turns = server.state.inference.turns();
    let both = [turns.take(Client(1)).await, turns.take(Client(1)).await];
    assert!(both.iter().all(Result::is_ok));
}
