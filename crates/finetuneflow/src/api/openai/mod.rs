//! Models as OpenAI serves them: <https://platform.openai.com/docs/api-reference/chat>. Base models and the results of
//! trainings can so be used by programs that know that interface.

mod completions;
mod error;
mod request;

use axum::extract::State;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use store::Page;
use store::runs::{self as rows, RunFilter, RunStatus};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::{ApiError, ApiResult, Code};
use super::extract::{Json, Path};
use super::runs::{self, RunConfig};
use super::state::AppState;
use crate::inference::Weights;
pub use error::{OpenAiErrorEnvelope, in_their_shape, is_theirs};

/// Rows that are read at a time.
const PART: u64 = 200;
/// Letters of a project's name in a model's.
const LONGEST_SLUG: usize = 40;

/// A model that can be asked.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OpenAiModel {
    /// What `model` of a request takes.
    #[schema(example = "library-handbook-2-9f3c2a1b")]
    pub id: String,
    /// `model`.
    pub object: String,
    /// Seconds since 1970.
    pub created: i64,
    /// `finetuneflow`.
    pub owned_by: String,
}

/// The models that can be asked.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OpenAiModels {
    /// `list`.
    pub object: String,
    /// Base models, then the results of trainings, newest first.
    pub data: Vec<OpenAiModel>,
}

/// The routes of this folder.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read))
        // The same for a model whose id has an owner; not every client writes the slash as %2F.
        .route("/v1/models/{owner}/{name}", get(read_of_owner))
        .routes(routes!(completions::complete))
}

/// A name, and what it stands for.
struct Named {
    id: String,
    created: i64,
    weights: Weights,
}

impl From<Named> for OpenAiModel {
    fn from(named: Named) -> Self {
        let (id, created) = (named.id, named.created);
        Self { id, object: "model".to_owned(), created, owned_by: "finetuneflow".to_owned() }
    }
}

/// Lists the models that can be asked, as OpenAI does
///
/// Base models under their ids; the result of each completed training as `{project}-{number of the run}-{end of its id}`.
#[utoipa::path(get, path = "/v1/models", tag = "openai", responses((status = 200, body = OpenAiModels)))]
async fn list(State(state): State<AppState>) -> ApiResult<Json<OpenAiModels>> {
    let models = state.services.models.clone();
    let bases = tokio::task::spawn_blocking(move || models.list()).await.map_err(ApiError::internal)?;
    let mut data = Vec::new();
    for model in bases.into_iter().filter(|model| model.usable && model.chat_template) {
        data.push(base(&state, &model.id)?.into());
    }
    for run in completed(&state).await? {
        if let Some(named) = of_run(&state, &run).await? {
            data.push(named.into());
        }
    }
    Ok(Json(OpenAiModels { object: "list".to_owned(), data }))
}

/// One model, as OpenAI shows it
#[utoipa::path(get, path = "/v1/models/{model}", tag = "openai", params(("model" = String, Path)),
    responses((status = 200, body = OpenAiModel)))]
async fn read(State(state): State<AppState>, Path(model): Path<String>) -> ApiResult<Json<OpenAiModel>> {
    Ok(Json(find(&state, &model).await?.into()))
}

async fn read_of_owner(
    State(state): State<AppState>,
    Path((owner, name)): Path<(String, String)>,
) -> ApiResult<Json<OpenAiModel>> {
    Ok(Json(find(&state, &format!("{owner}/{name}")).await?.into()))
}

/// What a name stands for. Of a run's name only the end counts, so that it stays the same when the project is renamed;
/// the run's whole id is a name too.
async fn find(state: &AppState, name: &str) -> ApiResult<Named> {
    if state.services.models.find(name).is_some() {
        super::models::usable(state, name)?;
        return base(state, name);
    }
    for run in completed(state).await? {
        if (name.rsplit('-').next() == Some(ending(run.id).as_str()) || name == run.id.to_string())
            && let Some(named) = of_run(state, &run).await?
        {
            return Ok(named);
        }
    }
    Err(ApiError::missing(Code::ModelNotFound, "model", name)
        .hint("GET /v1/models lists the models that can be asked.")
        .field("model", "is not known"))
}

fn base(state: &AppState, id: &str) -> ApiResult<Named> {
    let model = state.services.models.dir(id).map_err(ApiError::internal)?;
    let changed = std::fs::metadata(&model).and_then(|metadata| metadata.modified());
    let created = changed.map(chrono::DateTime::<chrono::Utc>::from).map_or(0, |time| time.timestamp());
    Ok(Named { id: id.to_owned(), created, weights: Weights::bare(model) })
}

/// `None` for a run without a result that can be used.
async fn of_run(state: &AppState, run: &rows::Run) -> ApiResult<Option<Named>> {
    let config = RunConfig::of(run)?;
    let model = state.services.models.find(&config.settings.model_id);
    if !runs::has_result(state, run)? || !model.is_some_and(|model| model.usable && model.chat_template) {
        return Ok(None);
    }
    let model = config.settings.base_dir(&state.services.models).map_err(ApiError::internal)?;
    let weights = super::chat::trained(model, runs::folder(state, run)?, &config.settings.method);
    let project = store::projects::get(&state.database, run.project_id).await?;
    let id = format!("{}-{}-{}", slug(&project.name), config.number, ending(run.id));
    Ok(Some(Named { id, created: run.created_at.timestamp(), weights }))
}

/// Completed runs of all projects, newest first.
async fn completed(state: &AppState) -> ApiResult<Vec<rows::Run>> {
    let mut found = Vec::new();
    for page in 1.. {
        let filter = RunFilter { status: Some(RunStatus::Completed), ..RunFilter::default() };
        let part = rows::list(&state.database, Page::new(page, PART), filter).await?;
        let is_last = part.items.len() < PART as usize;
        found.extend(part.items);
        if is_last {
            break;
        }
    }
    Ok(found)
}

/// The last eight digits of an id, which are random.
fn ending(id: Uuid) -> String {
    let mut digits = id.simple().to_string();
    digits.split_off(24)
}

/// A project's name as a part of a model's: small letters and digits, with hyphens between.
fn slug(name: &str) -> String {
    let small = name.to_lowercase();
    let words = small.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    let joined = words.collect::<Vec<_>>().join("-");
    let cut: String = joined.chars().take(LONGEST_SLUG).collect();
    match cut.trim_end_matches('-') {
        "" => "project".to_owned(),
        cut => cut.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_readable() {
        let long = "word ".repeat(20);
        for (name, expected) in [
            ("Library handbook", "library-handbook"),
            ("  Qualité & Sécurité (v2.1)!", "qualité-sécurité-v2-1"),
            ("../../etc", "etc"),
            ("???", "project"),
            (long.as_str(), "word-word-word-word-word-word-word-word"),
        ] {
            assert_eq!(slug(name), expected);
        }
        let id: Uuid = "0193f0a0-0000-7000-8000-00009f3c2a1b".parse().expect("an id");
        assert_eq!(ending(id), "9f3c2a1b");
    }
}
