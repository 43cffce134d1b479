//! Examples that a person writes.

use serde_json::json;

use crate::support::Server;

#[tokio::test]
async fn a_written_example_is_approved_and_stored_once() {
    let server = Server::start().await;
    let project = server.project().await;
    let examples = format!("{project}/dataset/examples");
    let turns = json!([{ "role": "user", "content": "Where?" }, { "role": "assistant", "content": "Here." }]);
    let written = server.post(&examples, &json!({ "messages": turns })).await.expect(201);
    assert_eq!(
        (&written["messages"], &written["status"], &written["source"]),
        (&turns, &json!("approved"), &json!("person"))
    );
    server.post(&examples, &json!({ "messages": turns })).await.expect_error(409, "conflict");
    let doubtful =
        json!([{ "role": "user", "content": "When\u{0}?" }, { "role": "assistant", "content": "Now." }]);
    let pending =
        server.post(&examples, &json!({ "messages": doubtful, "status": "pending" })).await.expect(201);
    assert_eq!(
        (&pending["status"], &pending["messages"][0]["content"]),
        (&json!("pending"), &json!("When ?"))
    );
    let counts = server.get(&project).await.expect(200)["counts"].clone();
    assert_eq!((&counts["examples"], &counts["approved"]), (&json!(2), &json!(1)));

    for wrong in [json!([]), json!([{ "role": "user", "content": "Alone?" }])] {
        server.post(&examples, &json!({ "messages": wrong })).await.expect_error(400, "invalid_request");
    }
    let nowhere = "/api/projects/00000000-0000-7000-8000-000000000000/dataset/examples";
    server.post(nowhere, &json!({ "messages": turns })).await.expect_error(404, "project_not_found");
}
