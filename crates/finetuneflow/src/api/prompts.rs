//! What language models are asked: the prompts that the program brings along, and a project's own.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::projects::{self as rows, ProjectChange};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::{ApiError, ApiResult, Code};
use super::extract::{Json, Path};
use super::projects::ProjectSettings;
use super::state::AppState;
use crate::generation::{Prompt, Task};

/// Characters of a prompt.
const MAX_CHARACTERS: usize = 20_000;

/// A prompt.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct PromptView {
    /// The task.
    pub task: String,
    /// The task, for people.
    pub label: String,
    /// What examples of it are labelled with.
    pub version: String,
    /// The whole file.
    pub text: String,
    /// It is the project's own.
    pub own: bool,
}

/// A prompt of a project's own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetPrompt {
    /// `version: …`, system message and user message with `{{text}}`, apart by lines of `---`.
    pub text: String,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(stock)).routes(routes!(of_project)).routes(routes!(set, reset))
}

/// The project's own words for a task, if it has any.
pub fn own_prompt(project: &rows::Project, task: Task) -> Option<String> {
    ProjectSettings::of(project).prompts.remove(task.id())
}

fn view((task, id, label): &(Task, &str, &str), own: Option<String>) -> PromptView {
    let prompt = own.as_ref().and_then(|own| Prompt::own(own, id).ok()).unwrap_or_else(|| Prompt::of(*task));
    PromptView {
        task: (*id).to_owned(),
        label: (*label).to_owned(),
        version: prompt.version,
        own: own.is_some(),
        text: own.unwrap_or_else(|| task.file().to_owned()),
    }
}

fn known(task: &str) -> ApiResult<&'static (Task, &'static str, &'static str)> {
    let found = Task::ALL.iter().find(|(_, id, _)| *id == task);
    found.ok_or_else(|| ApiError::missing(Code::NotFound, "task", task))
}

/// The prompts that the program brings along
#[utoipa::path(get, path = "/api/settings/prompts", tag = "generation",
    responses((status = 200, body = Vec<PromptView>)))]
async fn stock() -> Json<Vec<PromptView>> {
    Json(Task::ALL.iter().map(|task| view(task, None)).collect())
}

/// The prompts of a project: its own, and the program's where it has none
#[utoipa::path(get, path = "/api/projects/{project_id}/prompts", tag = "generation",
    params(("project_id" = Uuid, Path)), responses((status = 200, body = Vec<PromptView>)))]
async fn of_project(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
) -> ApiResult<Json<Vec<PromptView>>> {
    let project = rows::get(&state.database, project_id).await?;
    Ok(Json(Task::ALL.iter().map(|task| view(task, own_prompt(&project, task.0))).collect()))
}

/// Gives a project its own prompt for a task
#[utoipa::path(put, path = "/api/projects/{project_id}/prompts/{task}", tag = "generation",
    params(("project_id" = Uuid, Path), ("task" = String, Path)), request_body = SetPrompt,
    responses((status = 200, body = PromptView)))]
async fn set(
    State(state): State<AppState>,
    Path((project_id, task)): Path<(Uuid, String)>,
    Json(body): Json<SetPrompt>,
) -> ApiResult<Json<PromptView>> {
    let task = known(&task)?;
    if body.text.chars().count() > MAX_CHARACTERS {
        return Err(ApiError::invalid_field("text", "is longer than 20000 characters"));
    }
    Prompt::own(&body.text, task.1).map_err(|error| ApiError::invalid_field("text", error.to_string()))?;
    keep(&state, project_id, task.1, Some(body.text.clone())).await?;
    Ok(Json(view(task, Some(body.text))))
}

/// Goes back to the program's prompt for a task
#[utoipa::path(delete, path = "/api/projects/{project_id}/prompts/{task}", tag = "generation",
    params(("project_id" = Uuid, Path), ("task" = String, Path)), responses((status = 204)))]
async fn reset(
    State(state): State<AppState>,
    Path((project_id, task)): Path<(Uuid, String)>,
) -> ApiResult<StatusCode> {
    keep(&state, project_id, known(&task)?.1, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn keep(state: &AppState, project_id: Uuid, task: &str, text: Option<String>) -> ApiResult<()> {
    let project = rows::get(&state.database, project_id).await?;
    let mut settings = ProjectSettings::of(&project);
    match text {
        Some(text) => settings.prompts.insert(task.to_owned(), text),
        None => settings.prompts.remove(task),
    };
    let change = ProjectChange { settings: Some(json!(settings)), ..ProjectChange::default() };
    rows::update(&state.database, project_id, change).await?;
    Ok(())
}
