//! What became of examples: every edit, decision and deletion, by whom.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::example_changes as rows;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::ApiResult;
use super::examples::{ExampleStatus, Message};
use super::extract::{InProject, Json, List, Paging, Path, Query};
use super::state::AppState;

/// The fields of an example that a change touched, before it or after it; null: not touched.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct ChangedFields {
    /// Whether it may be trained on.
    pub status: Option<ExampleStatus>,
    /// The conversation.
    pub messages: Option<Vec<Message>>,
    /// 0 to 1.
    pub score: Option<f64>,
    /// What the checks found.
    pub issues: Option<Vec<String>>,
}

/// A change of an example.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// Its id.
    pub id: Uuid,
    /// The example, which may be gone.
    pub example_id: Uuid,
    /// The same for all changes of one decision about many.
    pub batch_id: Option<Uuid>,
    /// `edited`, `decided`, `assessed` or `deleted`.
    pub kind: String,
    /// `person`, `checks`, or `label_studio:` and who it was there.
    pub actor: String,
    /// What was.
    pub before: ChangedFields,
    /// What came.
    pub after: ChangedFields,
    /// UTC.
    pub created_at: DateTime<Utc>,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(of_example)).routes(routes!(of_project))
}

/// The changes of an example, newest first; also of one that is gone
#[utoipa::path(get, path = "/api/projects/{project_id}/dataset/examples/{example_id}/changes", tag = "dataset",
    params(("project_id" = Uuid, Path), ("example_id" = Uuid, Path), Paging),
    responses((status = 200, body = List<Change>)))]
async fn of_example(
    State(state): State<AppState>,
    Path((project_id, id)): InProject,
    Query(paging): Query<Paging>,
) -> ApiResult<Json<List<Change>>> {
    list(&state, project_id, Some(id), &paging).await
}

/// The changes of all examples, newest first
#[utoipa::path(get, path = "/api/projects/{project_id}/dataset/changes", tag = "dataset",
    params(("project_id" = Uuid, Path), Paging), responses((status = 200, body = List<Change>)))]
async fn of_project(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Query(paging): Query<Paging>,
) -> ApiResult<Json<List<Change>>> {
    list(&state, project_id, None, &paging).await
}

async fn list(
    state: &AppState,
    project_id: Uuid,
    example_id: Option<Uuid>,
    paging: &Paging,
) -> ApiResult<Json<List<Change>>> {
    store::projects::get(&state.database, project_id).await?;
    let page = rows::list(&state.database, project_id, example_id, paging.page()?).await?;
    let view = |row: rows::Change| Change {
        id: row.id,
        example_id: row.example_id,
        batch_id: row.batch_id,
        kind: row.kind.as_str().to_owned(),
        actor: row.actor,
        before: fields(&row.before),
        after: fields(&row.after),
        created_at: row.created_at,
    };
    Ok(Json(page.map(view).into()))
}

fn fields(stored: &Value) -> ChangedFields {
    fn read<T: serde::de::DeserializeOwned>(value: &Value) -> Option<T> {
        serde_json::from_value(value.clone()).ok()
    }
    ChangedFields {
        status: read(&stored["status"]),
        messages: read(&stored["payload"]["messages"]),
        score: stored["quality"]["score"].as_f64(),
        issues: read(&stored["quality"]["issues"]),
    }
}
