//! Projects: a model, a task, and everything that hangs below.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::files::FileFilter;
use store::project_choices::{self, Choices};
use store::projects::{self as rows, NewProject, ProjectChange, ProjectFilter};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::{ApiError, ApiResult, Code};
use super::extract::{Checks, Json, List, Paging, Path, Query};
use super::files::FileKind;
use super::hardware_proof::{self, HardwareProof};
use super::jobs::Job;
use super::state::AppState;
use super::steps::{self, Facts, LastRun, Step};

/// What a model is to learn; only a label for people and prompts.
pub const TASKS: &[(&str, &str)] = &[
    ("question_answering", "Answer questions about documents"),
    ("chat", "Hold a conversation in a certain style"),
    ("instruction", "Follow instructions"),
];

/// The project's language.
pub const LANGUAGES: &[(&str, &str)] = &[("en", "English"), ("fr", "Français")];

const MAX_NAME: usize = 200;
const MAX_DESCRIPTION: usize = 5000;

/// A project.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Project {
    /// Its id.
    pub id: Uuid,
    /// Shown to people.
    #[schema(example = "Handbook")]
    pub name: String,
    /// May be empty.
    pub description: String,
    /// The base model: `base`, a local model's name, or the `org/name` of a downloaded one.
    #[schema(example = "base")]
    pub model_id: String,
    /// One of `options.tasks` in the settings.
    #[schema(example = "question_answering")]
    pub task: String,
    /// One of `options.languages` in the settings.
    #[schema(example = "en")]
    pub language: String,
    /// UTC.
    pub created_at: DateTime<Utc>,
    /// UTC.
    pub updated_at: DateTime<Utc>,
    /// What is in it.
    pub counts: Counts,
    /// Its eight steps in their order.
    pub steps: Vec<Step>,
    /// What was chosen in each step and is not applied yet: one JSON object a step.
    #[schema(value_type = HashMap<String, Object>)]
    pub choices: Choices,
    /// The newest job that waits or runs.
    pub active_job: Option<Job>,
    /// The newest training.
    pub last_run: Option<LastRun>,
}

/// How much a project holds.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Counts {
    /// Files of both kinds.
    pub files: u64,
    /// Those of them that are read for their text.
    pub documents: u64,
    /// Chunks of all files.
    pub chunks: u64,
    /// Examples of any status.
    pub examples: u64,
    /// Examples that would be trained on.
    pub approved: u64,
    /// Examples that nobody has decided about.
    pub pending: u64,
    /// Training runs.
    pub runs: u64,
}

/// A project to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateProject {
    /// 1 to 200 characters.
    pub name: String,
    /// At most 5000 characters.
    pub description: Option<String>,
    /// Default: `base`.
    pub model_id: Option<String>,
    /// Default: `question_answering`.
    pub task: Option<String>,
    /// Default: `en`.
    pub language: Option<String>,
}

/// What to change; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateProject {
    /// 1 to 200 characters.
    pub name: Option<String>,
    /// At most 5000 characters.
    pub description: Option<String>,
    /// `base`, a local model's name, or the `org/name` of a downloaded one.
    pub model_id: Option<String>,
    /// One of `options.tasks`.
    pub task: Option<String>,
    /// One of `options.languages`.
    pub language: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Part of the name.
    q: Option<String>,
}

/// A project's own settings as they are stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProjectSettings {
    /// The base model.
    #[serde(default = "base")]
    pub model_id: String,
    /// The task.
    #[serde(default = "question_answering")]
    pub task: String,
    /// The language.
    #[serde(default = "english")]
    pub language: String,
    /// Its own words for what language models are asked, by task.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub prompts: BTreeMap<String, String>,
}

fn base() -> String {
    "base".to_owned()
}

fn question_answering() -> String {
    "question_answering".to_owned()
}

fn english() -> String {
    "en".to_owned()
}

impl Default for ProjectSettings {
    fn default() -> Self {
        Self { model_id: base(), task: question_answering(), language: english(), prompts: BTreeMap::new() }
    }
}

impl ProjectSettings {
    /// Reads what is stored; what is missing or unreadable has its default.
    pub fn of(project: &rows::Project) -> Self {
        serde_json::from_value(project.settings.clone()).unwrap_or_default()
    }
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(read, update, delete))
}

/// Creates a project
#[utoipa::path(post, path = "/api/projects", tag = "projects", request_body = CreateProject,
    responses((status = 201, body = Project)))]
async fn create(
    State(state): State<AppState>,
    Json(body): Json<CreateProject>,
) -> ApiResult<(StatusCode, Json<Project>)> {
    let model_is_chosen = body.model_id.is_some();
    let settings = ProjectSettings {
        model_id: body.model_id.unwrap_or_else(base),
        task: body.task.unwrap_or_else(question_answering),
        language: body.language.unwrap_or_else(english),
        prompts: BTreeMap::new(),
    };
    let name = body.name.trim().to_owned();
    let description = body.description.unwrap_or_default();
    check(&state, &name, &description, &settings)?;
    let new = NewProject { name, description, settings: json!(settings) };
    let row = rows::create(&state.database, new).await?;
    if model_is_chosen {
        note_model(&state, row.id, &settings.model_id).await?;
    }
    Ok((StatusCode::CREATED, Json(view(&state, row).await?)))
}

/// Lists the projects, newest first
#[utoipa::path(get, path = "/api/projects", tag = "projects", params(ListQuery, Paging),
    responses((status = 200, body = List<Project>)))]
async fn list(
    State(state): State<AppState>,
    Query(query): Query<ListQuery>,
    Query(paging): Query<Paging>,
) -> ApiResult<Json<List<Project>>> {
    let page = rows::list(&state.database, paging.page()?, ProjectFilter { search: query.q }).await?;
    let ids: Vec<_> = page.items.iter().map(|row| row.id).collect();
    let mut choices = project_choices::of_projects(&state.database, &ids).await?;
    let proof = hardware_proof::of_this_machine(&state).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for row in page.items {
        let choices = choices.remove(&row.id).unwrap_or_default();
        items.push(view_with(&state, row, choices, proof.as_ref()).await?);
    }
    Ok(Json(List { items, total: page.total, page: page.page, per_page: page.per_page }))
}

/// One project
#[utoipa::path(get, path = "/api/projects/{id}", tag = "projects", params(("id" = Uuid, Path)),
    responses((status = 200, body = Project)))]
async fn read(State(state): State<AppState>, Path(id): Path<Uuid>) -> ApiResult<Json<Project>> {
    let row = rows::get(&state.database, id).await?;
    Ok(Json(view(&state, row).await?))
}

/// Changes a project
#[utoipa::path(patch, path = "/api/projects/{id}", tag = "projects", params(("id" = Uuid, Path)),
    request_body = UpdateProject, responses((status = 200, body = Project)))]
async fn update(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    Json(body): Json<UpdateProject>,
) -> ApiResult<Json<Project>> {
    let row = rows::get(&state.database, id).await?;
    let mut settings = ProjectSettings::of(&row);
    let model_is_chosen = body.model_id.is_some();
    settings.model_id = body.model_id.unwrap_or(settings.model_id);
    settings.task = body.task.unwrap_or(settings.task);
    settings.language = body.language.unwrap_or(settings.language);
    let name = body.name.map_or(row.name, |name| name.trim().to_owned());
    let description = body.description.unwrap_or(row.description);
    check(&state, &name, &description, &settings)?;
    let change =
        ProjectChange { name: Some(name), description: Some(description), settings: Some(json!(settings)) };
    let row = rows::update(&state.database, id, change).await?;
    if model_is_chosen {
        note_model(&state, id, &settings.model_id).await?;
    }
    Ok(Json(view(&state, row).await?))
}

/// Deletes a project with everything in it
#[utoipa::path(delete, path = "/api/projects/{id}", tag = "projects", params(("id" = Uuid, Path)),
    responses((status = 204, description = "It is gone")))]
async fn delete(State(state): State<AppState>, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    let row = rows::get(&state.database, id).await?;
    if super::jobs::has_active(&state, id).await? {
        let message = format!("A job of the project {} is still at work.", row.name);
        return Err(ApiError::new(Code::AlreadyRunning, message).param("project", row.name));
    }
    rows::delete(&state.database, id).await?;
    state.blobs.delete_project(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn check(state: &AppState, name: &str, description: &str, settings: &ProjectSettings) -> ApiResult<()> {
    let mut checks = Checks::default();
    checks
        .require(!name.is_empty(), "name", "is empty")
        .require(name.chars().count() <= MAX_NAME, "name", "is longer than 200 characters")
        .require(!name.chars().any(char::is_control), "name", "has control characters")
        .require(
            description.chars().count() <= MAX_DESCRIPTION,
            "description",
            "is longer than 5000 characters",
        )
        .require(is_one_of(TASKS, &settings.task), "task", "is not one of the tasks in GET /api/settings")
        .require(
            is_one_of(LANGUAGES, &settings.language),
            "language",
            "is not one of the languages in GET /api/settings",
        )
        .require(
            state.services.models.find(&settings.model_id).is_some(),
            "model_id",
            "is not one of the models in GET /api/models",
        );
    checks.finish()
}

fn is_one_of(list: &[(&str, &str)], id: &str) -> bool {
    list.iter().any(|(known, _)| *known == id)
}

/// The model was chosen by somebody, and is not only what a project begins with.
async fn note_model(state: &AppState, id: Uuid, model_id: &str) -> ApiResult<()> {
    Ok(project_choices::set(&state.database, id, "model", json!({ "model_id": model_id })).await?)
}

async fn view(state: &AppState, row: rows::Project) -> ApiResult<Project> {
    let choices = project_choices::of_projects(&state.database, &[row.id]).await?.remove(&row.id);
    let proof = hardware_proof::of_this_machine(state).await?;
    view_with(state, row, choices.unwrap_or_default(), proof.as_ref()).await
}

async fn view_with(
    state: &AppState,
    row: rows::Project,
    choices: Choices,
    proof: Option<&HardwareProof>,
) -> ApiResult<Project> {
    let counts = counts(state, row.id).await?;
    let settings = ProjectSettings::of(&row);
    let last_run = steps::last_run(state, row.id).await?;
    let facts = Facts {
        project_id: row.id,
        settings: &settings,
        counts: &counts,
        choices: &choices,
        last_run: last_run.as_ref(),
        proof,
    };
    let steps = steps::of_project(state, &facts).await?;
    let active_job = super::jobs::active(state, row.id, None).await?.map(Job::from);
    Ok(Project {
        id: row.id,
        name: row.name,
        description: row.description,
        model_id: settings.model_id,
        task: settings.task,
        language: settings.language,
        created_at: row.created_at,
        updated_at: row.updated_at,
        counts,
        steps,
        choices,
        active_job,
        last_run,
    })
}

async fn counts(state: &AppState, id: Uuid) -> ApiResult<Counts> {
    let database = &state.database;
    let one = store::Page::new(1, 1);
    let examples = store::examples::status_counts(database, id).await?;
    let documents = FileFilter { kind: Some(FileKind::RawDoc.as_str().to_owned()), status: None };
    Ok(Counts {
        files: store::files::list(database, id, one, FileFilter::default()).await?.total,
        documents: store::files::list(database, id, one, documents).await?.total,
        chunks: store::chunks::list(database, id, one, store::chunks::ChunkFilter::default()).await?.total,
        examples: examples.total(),
        approved: examples.approved,
        pending: examples.pending,
        runs: super::runs::count(state, id).await?,
    })
}
