//! Reviewing in Label Studio: the connection, examples out, verdicts and texts back, and what both sides changed.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use store::label_studio_tasks::{self as tasks, Task, TaskStatus};
use store::{StoreError, examples};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::{ApiError, ApiResult, Code};
use super::examples::{self as example_views, ExampleStatus, Filter, Message};
use super::extract::{Checks, InProject, Json, List, Paging, Path, Query};
use super::jobs::JobStarted;
use super::state::AppState;
use crate::jobs::JobKind;
use crate::jobs::label_studio_push::{self, LabelStudioPush};
use crate::jobs::label_studio_sync::LabelStudioSync;
use crate::label_studio::connection::{self, Connection, ConnectionError};
use crate::label_studio::link::{self, Conflict, Details, Take};

/// How a token is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// A personal access token, traded for short-lived ones.
    Personal,
    /// A legacy token, sent as it is.
    Legacy,
}

impl From<connection::TokenKind> for TokenKind {
    fn from(kind: connection::TokenKind) -> Self {
        match kind {
            connection::TokenKind::Personal => Self::Personal,
            connection::TokenKind::Legacy => Self::Legacy,
        }
    }
}

/// The connection to Label Studio as clients see it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LabelStudioConnection {
    /// Where its pages begin; null: not connected.
    #[schema(example = "http://localhost:8080")]
    pub address: Option<String>,
    /// A token is kept for this address.
    pub has_token: bool,
    /// Seen from the token's form.
    pub token_kind: Option<TokenKind>,
    /// What is missing before it can be used.
    pub problem: Option<String>,
}

/// What to set; what is left out stays as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetLabelStudioConnection {
    /// Another host: the token must be entered again.
    #[schema(example = "http://localhost:8080")]
    pub address: Option<String>,
    /// A personal access token or a legacy token, for this address only; an empty text forgets it.
    pub token: Option<String>,
}

/// How a test of the connection went well.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LabelStudioTest {
    /// Whose token it is.
    pub user: String,
    /// The version that runs there.
    pub version: Option<String>,
    /// How the token is used.
    pub token_kind: TokenKind,
}

/// What to push.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PushToLabelStudio {
    /// Which examples; left out or `{}`: all.
    pub filter: Option<Filter>,
    /// Of a new project there, 3 to 50 characters; one that is linked under this title is used again. Left out: the linked
    /// project that was pushed to last, or a new one with our project's name.
    #[schema(example = "Library handbook")]
    pub title: Option<String>,
    /// The number of a project there.
    pub remote_project: Option<i64>,
}

/// What to sync.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SyncWithLabelStudio {
    /// The number of a project there; left out: all that are linked.
    pub remote_project: Option<i64>,
}

/// A project there that examples were pushed to.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LabelStudioDataset {
    /// Its number.
    pub remote_project: i64,
    /// Its title when examples were pushed last.
    pub title: String,
    /// Its page.
    pub url: String,
    /// It is in the Label Studio that is connected now.
    pub connected: bool,
    /// Examples that are tasks there.
    pub tasks: u64,
    /// Of those: approved there.
    pub approved: u64,
    /// Rejected there.
    pub rejected: u64,
    /// Without a decision.
    pub undecided: u64,
    /// Changed on both sides, or deleted here: somebody has to choose.
    pub conflicts: u64,
    /// UTC.
    pub pushed_at: DateTime<Utc>,
    /// UTC.
    pub synced_at: Option<DateTime<Utc>>,
}

/// An example as it is on one side.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ConflictSide {
    /// The conversation.
    pub messages: Vec<Message>,
    /// Its status.
    pub status: ExampleStatus,
    /// Who decided; only known of the other side.
    pub by: Option<String>,
    /// What is wrong with it, in the form's words.
    pub issues: Vec<String>,
    /// Stars, 1 to 5.
    pub rating: Option<f64>,
    /// When it was last changed.
    pub changed_at: Option<String>,
}

/// Something that came back and was not taken.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LabelStudioConflict {
    /// The example.
    pub example_id: Uuid,
    /// The project there.
    pub remote_project: i64,
    /// The task's page.
    pub task_url: String,
    /// `both_changed`, `deleted_here` or `same_as_another`.
    pub why: String,
    /// As it is here; null: deleted.
    pub ours: Option<ConflictSide>,
    /// As it would be.
    pub theirs: ConflictSide,
}

/// Whose side is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The example stays as it is here.
    Ours,
    /// The example becomes what came back.
    Theirs,
}

/// The end of a conflict.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveConflict {
    /// Whose side is taken.
    pub take: Side,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(read, set, remove))
        .routes(routes!(test))
        .routes(routes!(push))
        .routes(routes!(sync))
        .routes(routes!(datasets))
        .routes(routes!(conflicts))
        .routes(routes!(resolve))
}

fn view(connection: Option<&Connection>) -> LabelStudioConnection {
    let kind = connection.and_then(Connection::token_kind);
    LabelStudioConnection {
        address: connection.map(|connection| connection.address.clone()),
        has_token: kind.is_some(),
        token_kind: kind.map(Into::into),
        problem: connection.and_then(|connection| connection.check().err()).map(|error| error.to_string()),
    }
}

fn invalid(error: ConnectionError) -> ApiError {
    ApiError::invalid_field(error.field, error.message)
}

fn not_connected() -> ApiError {
    ApiError::new(Code::ConnectionNotFound, "Label Studio is not connected.")
        .hint("Enter its address and a token in the settings.")
}

async fn stored(state: &AppState) -> ApiResult<Option<Connection>> {
    connection::get(&state.database).await.map_err(ApiError::internal)
}

/// The connection, complete.
async fn connected(state: &AppState) -> ApiResult<Connection> {
    let connection = stored(state).await?.ok_or_else(not_connected)?;
    connection.check().map_err(|error| {
        ApiError::new(
            Code::ConnectionNotFound,
            format!("The connection to Label Studio is not complete: {error}."),
        )
        .hint("Complete it in the settings.")
    })?;
    Ok(connection)
}

/// The connection to Label Studio
#[utoipa::path(get, path = "/api/settings/label-studio", tag = "label_studio",
    responses((status = 200, body = LabelStudioConnection)))]
async fn read(State(state): State<AppState>) -> ApiResult<Json<LabelStudioConnection>> {
    Ok(Json(view(stored(&state).await?.as_ref())))
}

/// Sets up the connection to Label Studio, or changes it
#[utoipa::path(put, path = "/api/settings/label-studio", tag = "label_studio",
    request_body = SetLabelStudioConnection, responses((status = 200, body = LabelStudioConnection)))]
async fn set(
    State(state): State<AppState>,
    Json(body): Json<SetLabelStudioConnection>,
) -> ApiResult<Json<LabelStudioConnection>> {
    let mut connection = match (stored(&state).await?, &body.address) {
        (Some(connection), _) => connection,
        (None, Some(_)) => Connection::default(),
        (None, None) => return Err(ApiError::invalid_field("address", "is required for a new connection")),
    };
    if let Some(address) = &body.address {
        connection.set_address(address).map_err(invalid)?;
    }
    if let Some(token) = &body.token {
        connection.set_token(token).map_err(invalid)?;
    }
    match connection.check() {
        // A token can follow later.
        Err(error) if error.field != "token" => return Err(invalid(error)),
        _ => {}
    }
    connection::set(&state.database, &connection).await.map_err(ApiError::internal)?;
    Ok(Json(view(Some(&connection))))
}

/// Forgets the connection to Label Studio and its token
#[utoipa::path(delete, path = "/api/settings/label-studio", tag = "label_studio", responses((status = 204)))]
async fn remove(State(state): State<AppState>) -> ApiResult<StatusCode> {
    match connection::remove(&state.database).await.map_err(ApiError::internal)? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(not_connected()),
    }
}

/// Tests the connection to Label Studio
#[utoipa::path(post, path = "/api/settings/label-studio/test", tag = "label_studio",
    responses((status = 200, body = LabelStudioTest)))]
async fn test(State(state): State<AppState>) -> ApiResult<Json<LabelStudioTest>> {
    let client = connected(&state).await?.open().map_err(ApiError::internal)?.impatient();
    let failed = |error: crate::label_studio::LabelStudioError| {
        ApiError::new(Code::ProviderFailed, super::error::with_full_stop(&error.to_string())).because(error)
    };
    let user = client.whoami().await.map_err(failed)?;
    let version = client.version().await.map_err(failed)?;
    Ok(Json(LabelStudioTest { user: user.name(), version, token_kind: client.token_kind().into() }))
}

/// Nothing else is on its way between this project and Label Studio.
async fn nothing_runs(state: &AppState, project_id: Uuid) -> ApiResult<()> {
    for kind in [LabelStudioPush::KIND, LabelStudioSync::KIND] {
        if super::jobs::active(state, project_id, Some(kind)).await?.is_some() {
            return Err(ApiError::new(
                Code::AlreadyRunning,
                "Examples of this project are on their way to or from Label Studio already.",
            ));
        }
    }
    Ok(())
}

/// Pushes examples to Label Studio
///
/// An example that is a task there already is not pushed again.
#[utoipa::path(post, path = "/api/projects/{project_id}/label-studio/push", tag = "label_studio",
    params(("project_id" = Uuid, Path)), request_body = PushToLabelStudio,
    responses((status = 202, body = JobStarted)))]
async fn push(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Json(body): Json<PushToLabelStudio>,
) -> ApiResult<(StatusCode, Json<JobStarted>)> {
    store::projects::get(&state.database, project_id).await?;
    let title = body.title.map(|title| title.trim().to_owned());
    let mut checks = Checks::default();
    checks
        .require(
            title.as_ref().is_none_or(|title| (3..=50).contains(&title.chars().count())),
            "title",
            "must have 3 to 50 characters",
        )
        .require(
            title.is_none() || body.remote_project.is_none(),
            "title",
            "is for a new project: leave it out, or remote_project",
        )
        .require(body.remote_project.is_none_or(|number| number > 0), "remote_project", "must be 1 or more");
    checks.finish()?;
    connected(&state).await?;
    nothing_runs(&state, project_id).await?;
    let filter = body.filter.unwrap_or_default();
    let filter = label_studio_push::Filter {
        status: filter.status.map(Into::into),
        chunk_id: filter.chunk_id,
        search: filter.q,
        issue: filter.issue,
        file_id: filter.file_id,
        task: filter.task,
    };
    let first = store::Page::new(1, 1);
    if examples::list(&state.database, project_id, first, filter.clone().into()).await?.total == 0 {
        return Err(ApiError::new(Code::NothingToDo, "No example fits.")
            .hint("Generate or import examples, or choose others.")
            .reason("no_example_fits"));
    }
    let job = LabelStudioPush { project_id, filter, title, remote_project: body.remote_project };
    Ok(super::jobs::started(crate::jobs::enqueue(&state.database, &job).await?))
}

/// Takes over verdicts and edited texts from Label Studio
#[utoipa::path(post, path = "/api/projects/{project_id}/label-studio/sync", tag = "label_studio",
    params(("project_id" = Uuid, Path)), request_body = SyncWithLabelStudio,
    responses((status = 202, body = JobStarted)))]
async fn sync(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Json(body): Json<SyncWithLabelStudio>,
) -> ApiResult<(StatusCode, Json<JobStarted>)> {
    store::projects::get(&state.database, project_id).await?;
    let connection = connected(&state).await?;
    nothing_runs(&state, project_id).await?;
    let datasets = tasks::datasets(&state.database, project_id).await?;
    let is_meant = |dataset: &tasks::Dataset| {
        dataset.link.address == connection.address
            && body.remote_project.is_none_or(|number| number == dataset.link.remote_project)
    };
    if !datasets.iter().any(is_meant) {
        return Err(ApiError::new(Code::NothingToDo, "Nothing was pushed there yet.")
            .hint("Push examples to Label Studio first.")
            .reason("nothing_pushed"));
    }
    let job = LabelStudioSync { project_id, remote_project: body.remote_project };
    Ok(super::jobs::started(crate::jobs::enqueue(&state.database, &job).await?))
}

/// The projects there that examples were pushed to, and how far their review is
#[utoipa::path(get, path = "/api/projects/{project_id}/label-studio/datasets", tag = "label_studio",
    params(("project_id" = Uuid, Path)), responses((status = 200, body = Vec<LabelStudioDataset>)))]
async fn datasets(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
) -> ApiResult<Json<Vec<LabelStudioDataset>>> {
    store::projects::get(&state.database, project_id).await?;
    let connected = stored(&state).await?.map(|connection| connection.address);
    let view = |dataset: tasks::Dataset| {
        let of = |status| dataset.counts.get(&status).copied().unwrap_or(0);
        LabelStudioDataset {
            remote_project: dataset.link.remote_project,
            title: dataset.latest.details["title"].as_str().unwrap_or_default().to_owned(),
            url: format!("{}/projects/{}/data", dataset.link.address, dataset.link.remote_project),
            connected: connected.as_ref() == Some(&dataset.link.address),
            tasks: dataset.counts.values().sum(),
            approved: of(TaskStatus::Approved),
            rejected: of(TaskStatus::Rejected),
            undecided: of(TaskStatus::Undecided),
            conflicts: of(TaskStatus::Conflict),
            pushed_at: dataset.pushed_at,
            synced_at: dataset.synced_at,
        }
    };
    Ok(Json(tasks::datasets(&state.database, project_id).await?.into_iter().map(view).collect()))
}

/// What came back and was not taken, because both sides had changed
#[utoipa::path(get, path = "/api/projects/{project_id}/label-studio/conflicts", tag = "label_studio",
    params(("project_id" = Uuid, Path), Paging), responses((status = 200, body = List<LabelStudioConflict>)))]
async fn conflicts(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Query(paging): Query<Paging>,
) -> ApiResult<Json<List<LabelStudioConflict>>> {
    store::projects::get(&state.database, project_id).await?;
    let page = tasks::conflicts(&state.database, project_id, paging.page()?).await?;
    let (total, number, per_page) = (page.total, page.page, page.per_page);
    let mut items = Vec::new();
    for task in page.items {
        let details = Details::of(&task).map_err(ApiError::internal)?;
        let Some(conflict) = details.conflict else { continue };
        let ours = match examples::get(&state.database, project_id, task.example_id).await {
            Err(error) if error.is_not_found() => None,
            example => Some(ours(&example?)),
        };
        items.push(conflict_view(&task, conflict, ours));
    }
    Ok(Json(List { items, total, page: number, per_page }))
}

fn ours(example: &examples::Example) -> ConflictSide {
    ConflictSide {
        messages: example_views::messages(example),
        status: example.status.into(),
        by: None,
        issues: Vec::new(),
        rating: None,
        changed_at: Some(example.updated_at.to_rfc3339()),
    }
}

fn conflict_view(task: &Task, conflict: Conflict, ours: Option<ConflictSide>) -> LabelStudioConflict {
    let Conflict { why, review, payload, status } = conflict;
    LabelStudioConflict {
        example_id: task.example_id,
        remote_project: task.remote_project,
        task_url: format!("{}/projects/{}/data?task={}", task.address, task.remote_project, task.task_id),
        why: why.as_str().to_owned(),
        ours,
        theirs: ConflictSide {
            messages: example_views::messages_of(&payload),
            status: status.into(),
            by: Some(review.by),
            issues: review.issues,
            rating: review.rating,
            changed_at: Some(review.updated_at),
        },
    }
}

/// Ends a conflict: one side is taken
#[utoipa::path(post, path = "/api/projects/{project_id}/label-studio/conflicts/{example_id}", tag = "label_studio",
    params(("project_id" = Uuid, Path), ("example_id" = Uuid, Path)), request_body = ResolveConflict,
    responses((status = 204, description = "It is settled")))]
async fn resolve(
    State(state): State<AppState>,
    Path((project_id, example_id)): InProject,
    Json(body): Json<ResolveConflict>,
) -> ApiResult<StatusCode> {
    store::projects::get(&state.database, project_id).await?;
    let found = tasks::conflicts_of(&state.database, project_id, example_id).await?;
    // One after the other, where the example is in several projects there: each is shown by itself.
    let task = found.first().ok_or_else(|| {
        ApiError::missing(Code::ExampleNotFound, "conflict about example", example_id)
            .hint("It may have been settled. Reload the list of conflicts.")
    })?;
    let take = match body.take {
        Side::Ours => Take::Ours,
        Side::Theirs => Take::Theirs,
    };
    link::resolve(&state.database, task, take).await.map_err(|error| {
        match error.downcast::<StoreError>() {
            Ok(error @ StoreError::Conflict { .. }) => ApiError::from(error)
                .hint("Another example has this content: delete that one first, or take ours."),
            Ok(error) => error.into(),
            Err(error) => ApiError::internal(error),
        }
    })?;
    Ok(StatusCode::NO_CONTENT)
}
