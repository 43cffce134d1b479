//! Examples: what a model will be trained on, and people's decisions about them.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::examples::{self as rows, ExampleChange, ExampleFilter};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::{ApiError, ApiResult, Code};
use super::extract::{Checks, InProject, Json, List, Paging, Path, Query};
use super::state::AppState;
use crate::{library, records};

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Message {
    /// `system`, `user` or `assistant`.
    #[schema(example = "user")]
    pub role: String,
    /// What is said.
    pub content: String,
}

impl Message {
    /// What is said in a turn of a record.
    pub fn of(message: &datasets::Message) -> Self {
        Self { role: message.role.name().to_owned(), content: message.content.clone() }
    }
}

/// Whether an example may be trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExampleStatus {
    /// Nobody has decided yet.
    Pending,
    /// It goes into the next training.
    Approved,
    /// It stays out.
    Rejected,
}

impl From<ExampleStatus> for rows::ExampleStatus {
    fn from(status: ExampleStatus) -> Self {
        match status {
            ExampleStatus::Pending => Self::Pending,
            ExampleStatus::Approved => Self::Approved,
            ExampleStatus::Rejected => Self::Rejected,
        }
    }
}

impl From<rows::ExampleStatus> for ExampleStatus {
    fn from(status: rows::ExampleStatus) -> Self {
        match status {
            rows::ExampleStatus::Pending => Self::Pending,
            rows::ExampleStatus::Approved => Self::Approved,
            rows::ExampleStatus::Rejected => Self::Rejected,
        }
    }
}

/// Where an example comes from.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Provenance {
    /// The document or the imported file.
    pub file_id: Option<Uuid>,
    /// Its name.
    pub file_name: Option<String>,
    /// First page.
    pub page_start: Option<u64>,
    /// Last page.
    pub page_end: Option<u64>,
    /// First character in the file's text.
    pub start: Option<u64>,
    /// One past the last character.
    pub end: Option<u64>,
    /// The chunk, if it still exists.
    pub chunk_id: Option<Uuid>,
    /// Row of an imported file, from 1.
    pub row: Option<u64>,
    /// What made it, e.g. `offline`.
    pub generator: Option<String>,
    /// Version of the generator's prompt or rules.
    pub prompt_version: Option<String>,
    /// The model that wrote it.
    pub model: Option<String>,
    /// What it was asked to write.
    pub task: Option<String>,
    /// The headings above its passage, outermost first.
    pub headings: Vec<String>,
    /// The sentence that it was made of, where that is known.
    pub sentence: Option<String>,
}

/// A training record.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Example {
    /// Its id.
    pub id: Uuid,
    /// The conversation.
    pub messages: Vec<Message>,
    /// Whether it may be trained on.
    pub status: ExampleStatus,
    /// `offline` (made from a document) or `import`.
    pub source: String,
    /// Where it comes from.
    pub provenance: Provenance,
    /// What the checks found, by name.
    pub issues: Vec<String>,
    /// What the checks found, in English words.
    pub reasons: Vec<String>,
    /// From 0 to 1, where 1 is an example without findings; null when it was not checked.
    pub score: Option<f64>,
    /// A person has changed the text.
    pub edited: bool,
    /// UTC.
    pub created_at: DateTime<Utc>,
    /// UTC.
    pub updated_at: DateTime<Utc>,
}

/// What to change; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateExample {
    /// The whole conversation; it ends with the assistant.
    pub messages: Option<Vec<Message>>,
    /// The decision.
    pub status: Option<ExampleStatus>,
}

/// What happens to the examples that are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BulkAction {
    /// They go into the next training.
    Approve,
    /// They stay out.
    Reject,
    /// Undecided again.
    Reset,
    /// They go away.
    Delete,
}

/// Which examples are meant; `{}` means all.
#[derive(Debug, Default, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Only with this status.
    pub status: Option<ExampleStatus>,
    /// Only with this text in the conversation.
    pub q: Option<String>,
    /// Only of this chunk.
    pub chunk_id: Option<Uuid>,
    /// Only with this finding of the checks.
    #[schema(example = "not_grounded")]
    pub issue: Option<String>,
    /// Only of this document or imported file.
    pub file_id: Option<Uuid>,
    /// Only of this task, as `GET …/prompts` names them.
    #[schema(example = "question_answer")]
    pub task: Option<String>,
}

impl From<Filter> for ExampleFilter {
    fn from(filter: Filter) -> Self {
        Self {
            status: filter.status.map(Into::into),
            chunk_id: filter.chunk_id,
            search: filter.q,
            issue: filter.issue,
            file_id: filter.file_id,
            task: filter.task,
            ..Self::default()
        }
    }
}

/// One decision about many examples; exactly one of `ids` and `filter`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkUpdate {
    /// What happens to them.
    pub action: BulkAction,
    /// These; at most 1000.
    pub ids: Option<Vec<Uuid>>,
    /// All that fit; `{}` means all.
    pub filter: Option<Filter>,
}

/// How many examples were changed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Changed {
    /// The number.
    pub changed: u64,
    /// Names the decision, for `POST …/examples/bulk/undo`; null where nothing can be taken back.
    pub batch_id: Option<Uuid>,
}

impl From<rows::Batch> for Changed {
    fn from(batch: rows::Batch) -> Self {
        Self { changed: batch.changed, batch_id: (batch.changed > 0).then_some(batch.id) }
    }
}

/// Which decision is taken back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UndoBulk {
    /// As `POST …/examples/bulk` answered it.
    pub batch_id: Uuid,
}

/// The fields of [`Filter`], and a part of the list that they leave.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only with this status.
    status: Option<ExampleStatus>,
    /// Only with this text in the conversation.
    q: Option<String>,
    /// Only of this chunk.
    chunk_id: Option<Uuid>,
    /// Only with this finding of the checks.
    issue: Option<String>,
    /// Only of this document or imported file.
    file_id: Option<Uuid>,
    /// Only of this task, as `GET …/prompts` names them.
    task: Option<String>,
    /// Only this example and those behind it: a window of `GET …/dataset/examples/outline`.
    from: Option<Uuid>,
    /// Only examples before this one.
    to: Option<Uuid>,
}

impl From<ListQuery> for ExampleFilter {
    fn from(query: ListQuery) -> Self {
        let ListQuery { status, q, chunk_id, issue, file_id, task, from, to } = query;
        Self { from, to, ..Filter { status, q, chunk_id, issue, file_id, task }.into() }
    }
}

/// A filtered list, cut into windows: what leaves the filter makes its own window shorter and moves no other.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Outline {
    /// Examples in the whole list.
    pub total: u64,
    /// Examples in each window but the last.
    pub window: u64,
    /// The first example of each window: the `from`, and of the window before it the `to`, of the list.
    pub starts: Vec<Uuid>,
    /// The first window.
    pub items: Vec<Example>,
    /// How many have which status, whichever status the filter asks for.
    pub counts: StatusCounts,
}

/// How many examples have which status.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct StatusCounts {
    /// Nobody has decided yet.
    pub pending: u64,
    /// They go into the next training.
    pub approved: u64,
    /// They stay out.
    pub rejected: u64,
}

impl From<rows::StatusCounts> for StatusCounts {
    fn from(counts: rows::StatusCounts) -> Self {
        Self { pending: counts.pending, approved: counts.approved, rejected: counts.rejected }
    }
}

/// Examples in a window of an outline.
const WINDOW: u64 = 100;

/// Who changes examples through this interface, in their history.
const PERSON: &str = "person";

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(outline))
        .routes(routes!(read, update, delete))
        .routes(routes!(bulk))
        .routes(routes!(undo_bulk))
}

/// Lists the examples in the order of their creation
#[utoipa::path(get, path = "/api/projects/{project_id}/dataset/examples", tag = "dataset",
    params(("project_id" = Uuid, Path), ListQuery, Paging), responses((status = 200, body = List<Example>)))]
async fn list(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Query(query): Query<ListQuery>,
    Query(paging): Query<Paging>,
) -> ApiResult<Json<List<Example>>> {
    store::projects::get(&state.database, project_id).await?;
    let page = rows::list(&state.database, project_id, paging.page()?, query.into()).await?;
    Ok(Json(page.map(view).into()))
}

/// The examples in windows, for going through very many
///
/// Answers how many there are, where each window begins, and the first one; `GET …/dataset/examples` with the same filter and
/// `from` and `to` answers the others.
#[utoipa::path(get, path = "/api/projects/{project_id}/dataset/examples/outline", tag = "dataset",
    params(("project_id" = Uuid, Path), Filter), responses((status = 200, body = Outline)))]
async fn outline(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Query(filter): Query<Filter>,
) -> ApiResult<Json<Outline>> {
    store::projects::get(&state.database, project_id).await?;
    let filter = filter.into();
    let outline = store::example_outline::outline(&state.database, project_id, &filter, WINDOW).await?;
    Ok(Json(Outline {
        total: outline.total,
        window: WINDOW,
        starts: outline.starts,
        items: outline.first.into_iter().map(view).collect(),
        counts: outline.counts.into(),
    }))
}

/// One example
#[utoipa::path(get, path = "/api/projects/{project_id}/dataset/examples/{example_id}", tag = "dataset",
    params(("project_id" = Uuid, Path), ("example_id" = Uuid, Path)), responses((status = 200, body = Example)))]
async fn read(State(state): State<AppState>, Path((project_id, id)): InProject) -> ApiResult<Json<Example>> {
    Ok(Json(view(rows::get(&state.database, project_id, id).await?)))
}

/// Changes an example
#[utoipa::path(patch, path = "/api/projects/{project_id}/dataset/examples/{example_id}", tag = "dataset",
    params(("project_id" = Uuid, Path), ("example_id" = Uuid, Path)), request_body = UpdateExample,
    responses((status = 200, body = Example)))]
async fn update(
    State(state): State<AppState>,
    Path((project_id, id)): InProject,
    Json(body): Json<UpdateExample>,
) -> ApiResult<Json<Example>> {
    let row = rows::get(&state.database, project_id, id).await?;
    let mut change = ExampleChange { status: body.status.map(Into::into), ..ExampleChange::default() };
    if let Some(messages) = body.messages {
        check(&messages)?;
        let mut payload = row.payload.clone();
        payload["messages"] = json!(messages);
        let content_hash = library::content_hash(&payload);
        if content_hash != row.content_hash {
            let mut provenance = row.provenance.clone();
            provenance["edited"] = Value::Bool(true);
            let edited = rows::Example { payload: payload.clone(), ..row };
            let quality = records::checked_alone(&state.database, &edited).await;
            change.quality = Some(quality.map_err(ApiError::internal)?);
            change.provenance = Some(provenance);
            change.payload = Some((payload, content_hash));
        }
    }
    Ok(Json(view(rows::update(&state.database, project_id, id, change, PERSON).await?)))
}

/// The rules of a conversation that can be trained on.
pub fn check(messages: &[Message]) -> ApiResult<()> {
    let mut checks = Checks::default();
    for (index, message) in messages.iter().enumerate() {
        let known = matches!(message.role.as_str(), "system" | "user" | "assistant");
        checks
            .require(known, &format!("messages[{index}].role"), "must be system, user or assistant")
            .require(
                message.role != "system" || index == 0,
                &format!("messages[{index}].role"),
                "system stands first or nowhere",
            )
            .require(!message.content.trim().is_empty(), &format!("messages[{index}].content"), "is empty");
    }
    let ends_well = messages.last().is_some_and(|last| last.role == "assistant");
    let asked = messages.iter().any(|message| message.role == "user");
    checks.require(ends_well, "messages", "must end with an answer of the assistant").require(
        asked,
        "messages",
        "must hold a question of the user",
    );
    checks.finish()
}

/// Deletes an example
#[utoipa::path(delete, path = "/api/projects/{project_id}/dataset/examples/{example_id}", tag = "dataset",
    params(("project_id" = Uuid, Path), ("example_id" = Uuid, Path)),
    responses((status = 204, description = "It is gone")))]
async fn delete(State(state): State<AppState>, Path((project_id, id)): InProject) -> ApiResult<StatusCode> {
    rows::delete(&state.database, project_id, id, PERSON).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Decides about many examples at once
#[utoipa::path(post, path = "/api/projects/{project_id}/dataset/examples/bulk", tag = "dataset",
    params(("project_id" = Uuid, Path)), request_body = BulkUpdate, responses((status = 200, body = Changed)))]
async fn bulk(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Json(body): Json<BulkUpdate>,
) -> ApiResult<Json<Changed>> {
    store::projects::get(&state.database, project_id).await?;
    let filter = match (body.ids, body.filter) {
        (Some(ids), None) if ids.len() <= 1000 => {
            ExampleFilter { ids: Some(ids), ..ExampleFilter::default() }
        }
        (Some(_), None) => return Err(ApiError::invalid_field("ids", "has more than 1000 entries")),
        (None, Some(filter)) => filter.into(),
        _ => return Err(ApiError::invalid_field("ids", "or filter is needed, and not both")),
    };
    let status = match body.action {
        BulkAction::Approve => rows::ExampleStatus::Approved,
        BulkAction::Reject => rows::ExampleStatus::Rejected,
        BulkAction::Reset => rows::ExampleStatus::Pending,
        BulkAction::Delete => {
            let changed = rows::delete_many(&state.database, project_id, &filter, PERSON).await?;
            return Ok(Json(Changed { changed, batch_id: None }));
        }
    };
    let decided = rows::set_status(&state.database, project_id, &filter, status, PERSON).await?;
    Ok(Json(decided.into()))
}

/// Takes a decision about many examples back
///
/// Each gets the status that it had, all of them or none. Those that were decided about again since stay as they are; what
/// was deleted does not come back.
#[utoipa::path(post, path = "/api/projects/{project_id}/dataset/examples/bulk/undo", tag = "dataset",
    params(("project_id" = Uuid, Path)), request_body = UndoBulk, responses((status = 200, body = Changed)))]
async fn undo_bulk(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Json(body): Json<UndoBulk>,
) -> ApiResult<Json<Changed>> {
    store::projects::get(&state.database, project_id).await?;
    let undone = store::example_undo::undo(&state.database, project_id, body.batch_id, PERSON).await?;
    Ok(Json(undone.into()))
}

/// Reads all matching examples, a part at a time.
pub async fn for_each(
    state: &AppState,
    project_id: Uuid,
    filter: &ExampleFilter,
    mut visit: impl FnMut(rows::Example) -> ApiResult<()>,
) -> ApiResult<()> {
    let mut after = None;
    loop {
        let part = rows::list_after(&state.database, project_id, filter, after, 500).await?;
        let Some(last) = part.last() else { return Ok(()) };
        after = Some(last.id);
        for row in part {
            visit(row)?;
        }
    }
}

/// The conversation of a stored example.
pub fn messages(row: &rows::Example) -> Vec<Message> {
    messages_of(&row.payload)
}

/// The conversation of an example's payload.
pub fn messages_of(payload: &Value) -> Vec<Message> {
    let messages = payload.get("messages").cloned().unwrap_or_default();
    serde_json::from_value(messages).unwrap_or_default()
}

pub fn view(row: rows::Example) -> Example {
    let text = |name: &str| row.provenance.get(name).and_then(Value::as_str).map(str::to_owned);
    let words = |name: &str| -> Vec<String> {
        let listed = row.quality.get(name).and_then(Value::as_array);
        listed.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let mut provenance: Provenance = serde_json::from_value(row.provenance.clone()).unwrap_or_default();
    provenance.chunk_id = row.chunk_id;
    Example {
        id: row.id,
        messages: messages(&row),
        status: row.status.into(),
        source: text("source").or_else(|| text("generator")).unwrap_or_else(|| "import".to_owned()),
        issues: words("issues"),
        reasons: words("reasons"),
        score: row.quality.get("score").and_then(Value::as_f64),
        edited: row.provenance.get("edited").and_then(Value::as_bool).unwrap_or(false),
        provenance,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

/// Used by routes that need at least one approved example.
pub async fn require_approved(state: &AppState, project_id: Uuid) -> ApiResult<u64> {
    match rows::status_counts(&state.database, project_id).await?.approved {
        0 => Err(ApiError::new(Code::NothingToDo, "The project has no approved example.")
            .hint("Generate or import examples and approve at least one.")
            .reason("nothing_approved")),
        approved => Ok(approved),
    }
}
