//! The API's description: committed, complete, and served.

use serde_json::Value;

use crate::support::Server;

const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/openapi.json");

fn description() -> Value {
    serde_json::to_value(finetuneflow::api::openapi()).expect("serializes")
}

#[test]
fn the_committed_description_is_up_to_date() {
    let mut text = serde_json::to_string_pretty(&description()).expect("serializes");
    text.push('\n');
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(SNAPSHOT, &text).expect("writes web/openapi.json");
    }
    let committed = std::fs::read_to_string(SNAPSHOT).unwrap_or_default();
    assert!(committed == text, "web/openapi.json is not up to date: run this test with UPDATE_SNAPSHOTS=1");
}

#[tokio::test]
async fn it_is_served() {
    let server = Server::start().await;
    assert_eq!(server.get("/api/openapi.json").await.expect(200), description());
}

#[test]
fn every_operation_says_what_it_does_and_how_it_fails() {
    let description = description();
    let mut names = std::collections::HashSet::new();
    for (path, item) in description["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let place = format!("{method} {path}");
            assert!(
                operation["summary"].as_str().is_some_and(|summary| summary.len() > 5),
                "{place} has no summary"
            );
            assert!(operation["tags"][0].is_string(), "{place} has no tag");
            let id = operation["operationId"].as_str().expect("an operation id").to_owned();
            assert!(names.insert(id.clone()), "{place}: the operation id {id} is not unique");
            let error = &operation["responses"]["default"]["content"]["application/json"]["schema"]["$ref"];
            let envelope = if path.starts_with("/v1/") { "OpenAiErrorEnvelope" } else { "ErrorEnvelope" };
            assert_eq!(error, &format!("#/components/schemas/{envelope}"), "{place}");
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let description = description();
    let text = description.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().expect("a name");
        assert!(description["components"]["schemas"][name].is_object(), "{name} is not described");
    }
}
