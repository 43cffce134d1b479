//! What a training takes for what its request leaves out.

use serde_json::{Value, json};

use crate::support::{Server, rows, trainable_model};

async fn project_on_a_model(server: &Server, test: &str) -> Option<String> {
    let model = trainable_model(server.folder.path(), test)?;
    let project = server.project().await;
    server.patch(&project, &json!({ "model_id": model })).await.expect(200);
    Some(project)
}

#[tokio::test]
async fn the_usual_settings_go_by_what_there_is_to_learn() {
    let server = Server::start().await;
    let Some(project) = project_on_a_model(&server, "the_usual_settings_go_by_what_there_is_to_learn").await
    else {
        return;
    };
    let defaults =
        async |query: &str| server.get(&format!("{project}/train/defaults{query}")).await.expect(200);
    let empty = defaults("").await;
    assert_eq!((&empty["tokens"], &empty["longest"]), (&Value::Null, &Value::Null));
    assert_eq!((&empty["fits"], &empty["made_smaller"]), (&json!(true), &json!(false)));

    server.dataset(&project, &rows(30)).await;
    let found = defaults("").await;
    let (tokens, longest) =
        (found["tokens"].as_u64().expect("tokens"), found["longest"].as_u64().expect("tokens"));
    assert!(longest >= tokens / 30 && longest < tokens, "{found}");
    let config = &found["config"];
    assert!(config["max_seq_len"].as_u64().expect("a length") >= longest.min(128), "{config}");
    assert_eq!(config["epochs"], 10.0, "few examples are repeated: {config}");
    let full = defaults("?method=full").await["config"].clone();
    let rate = |config: &Value| config["learning_rate"].as_f64().expect("a rate");
    assert!(rate(&full) < rate(config) / 5.0, "{full}");

    server
        .get(&format!("{project}/train/defaults?method=telepathy"))
        .await
        .expect_error(400, "invalid_request");
    let started =
        server.post(&format!("{project}/train/start"), &json!({ "max_steps": 1 })).await.expect(202);
    let (mut taken, mut told) = (started["run"]["config"].clone(), config.clone());
    for config in [&mut taken, &mut told] {
        config.as_object_mut().expect("fields").retain(|name, _| name != "epochs" && name != "max_steps");
    }
    assert_eq!(taken, told, "a training takes what was told");
}

#[tokio::test]
async fn many_examples_are_estimated_by_a_sample() {
    let server = Server::start().await;
    let Some(project) = project_on_a_model(&server, "many_examples_are_estimated_by_a_sample").await else {
        return;
    };
    let few = rows(400);
    server.dataset(&project, &few).await;
    let exact = server.get(&format!("{project}/train/defaults")).await.expect(200);
    server.dataset(&project, &rows(1200)).await;
    let estimated = server.get(&format!("{project}/train/defaults")).await.expect(200);
    let number = |found: &Value, name: &str| found[name].as_u64().expect("a number") as f64;
    let ratio = number(&estimated, "tokens") / number(&exact, "tokens");
    assert!((2.8..3.3).contains(&ratio), "three times the examples: {exact} {estimated}");
    assert!(number(&estimated, "longest") >= number(&exact, "longest"), "{exact} {estimated}");
}
