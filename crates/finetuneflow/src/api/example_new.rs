//! An example that a person writes.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use store::examples as rows;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::{ApiError, ApiResult, Code};
use super::examples::{self, Example, ExampleStatus, Message};
use super::extract::{Json, Path};
use super::state::AppState;
use crate::library;

/// How examples of people are labelled in their provenance.
const SOURCE: &str = "person";

/// A conversation to learn.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewExample {
    /// It must hold a question of the user and end with an answer of the assistant.
    pub messages: Vec<Message>,
    /// Default `approved`: whoever wrote it has seen it.
    pub status: Option<ExampleStatus>,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(write))
}

/// Adds an example that a person wrote
///
/// One that the project has already is refused with `conflict`.
#[utoipa::path(post, path = "/api/projects/{project_id}/dataset/examples", tag = "dataset",
    params(("project_id" = Uuid, Path)), request_body = NewExample, responses((status = 201, body = Example)))]
async fn write(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Json(body): Json<NewExample>,
) -> ApiResult<(StatusCode, Json<Example>)> {
    let database = &state.database;
    store::projects::get(database, project_id).await?;
    examples::check(&body.messages)?;
    let mut messages = body.messages;
    for message in &mut messages {
        // PostgreSQL has no place for it in a text.
        message.content = message.content.replace('\0', " ");
    }
    let payload = json!({ "messages": messages });
    let content_hash = library::content_hash(&payload);
    let new = rows::NewExample {
        chunk_id: None,
        status: body.status.unwrap_or(ExampleStatus::Approved).into(),
        payload,
        provenance: json!({ "source": SOURCE }),
        quality: json!({}),
        content_hash: content_hash.clone(),
    };
    if rows::insert_many(database, project_id, vec![new]).await? == 0 {
        return Err(ApiError::new(Code::Conflict, "The project has this example already.")
            .hint("Change its words, or look for it in the list."));
    }
    let written = rows::with_content(database, project_id, &[content_hash]).await?.pop();
    let written = written.ok_or_else(|| ApiError::internal("an example that was stored is not there"))?;
    Ok((StatusCode::CREATED, Json(examples::view(written))))
}
