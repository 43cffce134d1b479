//! The hub of models: how it is reached, searching it, what a model is, downloads.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::{ApiError, ApiResult, Code};
use super::extract::{Json, Path, Query};
use super::jobs::{JobStarted, started};
use super::state::AppState;
use crate::hub::facts::{self, Facts, Resolved};
use crate::hub::{self, Client, Found, HubError, Reference, RepoId, TokenSource};
use crate::jobs::download_model::DownloadModel;
use crate::jobs::enqueue;
use crate::remote;

/// How the hub is reached.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct HubView {
    /// Where models are looked for and downloaded from.
    #[schema(example = "https://huggingface.co")]
    pub endpoint: String,
    /// Where they are kept.
    pub cache: String,
    /// Nothing is asked of the hub.
    pub offline: bool,
    /// Where the token for it comes from; null: there is none.
    pub token: Option<TokenSource>,
    /// What is asked of it leaves this computer.
    pub leaves_the_machine: bool,
}

/// The token for the hub.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetHub {
    /// The secret, for the present endpoint only; an empty text forgets it.
    pub token: String,
}

/// What to look for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct SearchQuery {
    /// Words of a name, `org/name`, the address of a model's page, or a name of Ollama's library.
    q: String,
}

/// A model that was found.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FoundModel {
    /// `org/name`.
    pub id: String,
    /// The name in Ollama's library that leads here.
    pub ollama: Option<String>,
    /// `model_type` of its configuration.
    pub family: Option<String>,
    /// Models of this family can be trained; null where the family is not known.
    pub supported: Option<bool>,
    /// Number of weights.
    pub parameters: Option<u64>,
    /// A licence must be accepted.
    pub gated: bool,
    /// In the last month.
    pub downloads: Option<u64>,
    /// It is in the cache.
    pub downloaded: bool,
}

/// Models that were found.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FoundModels {
    /// What was named exactly, then the most used first.
    pub items: Vec<FoundModel>,
    /// The hub was not asked: these are in the cache.
    pub offline: bool,
}

/// A model, as people name it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveModel {
    /// A model of `GET /api/models`, `org/name`, the address of its page, or a name of Ollama's library.
    #[schema(example = "smollm2:135m")]
    pub model: String,
    /// Branch, tag or commit; default: what the address names, or `main`.
    pub revision: Option<String>,
}

/// What stands in a model's way.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ModelProblem {
    /// A code of the errors.
    #[schema(example = "hub_model_gated")]
    pub code: String,
    /// What it is.
    pub message: String,
    /// What the user can do.
    pub hint: String,
    /// Where the licence is accepted.
    pub link: Option<String>,
}

/// What is known of a model.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ModelFacts {
    /// The facts.
    #[serde(flatten)]
    pub facts: Facts,
    /// Why it cannot be downloaded or trained as things are.
    pub problem: Option<ModelProblem>,
}

/// What to download.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DownloadRequest {
    /// `org/name`, the address of its page, or a name of Ollama's library.
    pub model: String,
    /// Branch, tag or commit; default: what the address names, or `main`.
    pub revision: Option<String>,
    /// The commit that was shown to the person, where it was: this is downloaded, even if the revision has moved.
    pub commit: Option<String>,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(read, set))
        .routes(routes!(search))
        .routes(routes!(download))
        .routes(routes!(resolve))
        .routes(routes!(resolve_for_project))
}

impl From<HubError> for ApiError {
    fn from(error: HubError) -> Self {
        let answer = Self::new(code_of(&error), super::error::with_full_stop(&error.to_string()));
        let answer = match error.page() {
            Some(page) => answer.param("link", page),
            None => answer,
        };
        answer.because(error)
    }
}

fn code_of(error: &HubError) -> Code {
    match error {
        HubError::Offline { .. } => Code::HubOffline,
        HubError::Unreachable { .. } | HubError::Failed { .. } | HubError::Refused { .. } => {
            Code::HubUnreachable
        }
        HubError::NotFound { .. } | HubError::NoRevision { .. } | HubError::NoFile { .. } => {
            Code::HubModelNotFound
        }
        HubError::Gated { .. } => Code::HubModelGated,
        HubError::TokenRefused { .. } => Code::HubTokenRefused,
        HubError::Limited { .. } => Code::HubRateLimited,
        HubError::BadAnswer { .. } | HubError::WrongHash { .. } => Code::HubNotTrusted,
        HubError::NoSafetensors { .. } => Code::NoSafetensors,
        HubError::Unsupported { .. } => Code::UnsupportedModel,
        HubError::DiskFull { .. } => Code::StorageFull,
        HubError::Storage { reason, .. } if super::error::is_disk_full(reason) => Code::StorageFull,
        HubError::Storage { .. } => Code::Internal,
    }
}

impl ModelProblem {
    fn of(error: &HubError) -> Self {
        let code = code_of(error);
        Self {
            code: code.as_str().to_owned(),
            message: super::error::with_full_stop(&error.to_string()),
            hint: code.hint().to_owned(),
            link: error.page().map(str::to_owned),
        }
    }

    fn local(reason: &str) -> Self {
        Self {
            code: Code::InvalidModel.as_str().to_owned(),
            message: super::error::with_full_stop(reason),
            hint: Code::InvalidModel.hint().to_owned(),
            link: None,
        }
    }
}

impl From<Resolved> for ModelFacts {
    fn from(resolved: Resolved) -> Self {
        let problem = match (&resolved.problem, &resolved.local_problem) {
            (Some(error), _) => Some(ModelProblem::of(error)),
            (None, Some(reason)) => Some(ModelProblem::local(reason)),
            (None, None) => None,
        };
        Self { facts: resolved.facts, problem }
    }
}

impl FoundModel {
    fn of(found: &Found, state: &AppState) -> Self {
        let is_known = |family: &str| engine::models::FAMILIES.iter().any(|known| known.model_type == family);
        Self {
            ollama: None,
            family: found.family().map(str::to_owned),
            supported: found.family().map(is_known),
            parameters: found.parameters(),
            gated: found.is_gated(),
            downloads: found.downloads,
            downloaded: is_downloaded(state, &found.id),
            id: found.id.clone(),
        }
    }

    /// One that is known by its name alone.
    fn named(repo: &RepoId, ollama: Option<String>, state: &AppState) -> Self {
        Self {
            id: repo.to_string(),
            ollama,
            family: None,
            supported: None,
            parameters: None,
            gated: false,
            downloads: None,
            downloaded: is_downloaded(state, repo.as_str()),
        }
    }
}

fn is_downloaded(state: &AppState, id: &str) -> bool {
    RepoId::parse(id).is_some_and(|repo| state.services.models.cache().current(&repo).is_some())
}

async fn client(state: &AppState) -> ApiResult<Client> {
    let client = hub::open(&state.database, state.services.models.hub()).await;
    Ok(client.map_err(ApiError::internal)?.impatient())
}

/// The model of the hub that a text names.
fn reference(state: &AppState, text: &str, revision: Option<&str>) -> ApiResult<Reference> {
    let host = state.services.models.hub().endpoint.host_str();
    let mut reference = Reference::parse(text, host).ok_or_else(|| {
        ApiError::invalid_field(
            "model",
            "is no model of this studio, no org/name, no address of a model's page and no name of Ollama's library that is known here",
        )
    })?;
    if let Some(revision) = revision {
        if !hub::reference::is_revision(revision) {
            return Err(ApiError::invalid_field("revision", "is no branch, tag or commit"));
        }
        reference.revision = Some(revision.to_owned());
    }
    Ok(reference)
}

async fn view(state: &AppState) -> ApiResult<Json<HubView>> {
    let settings = state.services.models.hub();
    let token = hub::token(&state.database, settings).await.map_err(ApiError::internal)?;
    Ok(Json(HubView {
        endpoint: settings.address().to_owned(),
        cache: settings.cache.display().to_string(),
        offline: settings.offline,
        token: token.map(|(_, source)| source),
        leaves_the_machine: remote::leaves_the_machine(&settings.endpoint),
    }))
}

/// How the hub of models is reached
#[utoipa::path(get, path = "/api/settings/hub", tag = "hub", responses((status = 200, body = HubView)))]
async fn read(State(state): State<AppState>) -> ApiResult<Json<HubView>> {
    view(&state).await
}

/// Sets the token for the hub, or forgets it
#[utoipa::path(put, path = "/api/settings/hub", tag = "hub", request_body = SetHub,
    responses((status = 200, body = HubView)))]
async fn set(State(state): State<AppState>, Json(body): Json<SetHub>) -> ApiResult<Json<HubView>> {
    if body.token.trim().is_empty() {
        hub::forget_token(&state.database).await.map_err(ApiError::internal)?;
        return view(&state).await;
    }
    let settings = state.services.models.hub();
    let kept = hub::keep_token(&state.database, settings, &body.token).await.map_err(ApiError::internal)?;
    kept.map_err(|reason| ApiError::invalid_field("token", reason))?;
    view(&state).await
}

/// Looks for models on the hub
///
/// Text generation models with safetensors weights. Offline, those in the cache.
#[utoipa::path(get, path = "/api/models/search", tag = "models", params(SearchQuery),
    responses((status = 200, body = FoundModels)))]
async fn search(
    State(state): State<AppState>,
    Query(query): Query<SearchQuery>,
) -> ApiResult<Json<FoundModels>> {
    let words = query.q.trim();
    if words.is_empty() || words.chars().count() > 300 {
        return Err(ApiError::invalid_field("q", "must have 1 to 300 characters"));
    }
    let models = &state.services.models;
    let named = Reference::parse(words, models.hub().endpoint.host_str());
    let mut items: Vec<_> =
        named.iter().map(|named| FoundModel::named(&named.repo, named.ollama.clone(), &state)).collect();
    let offline = models.hub().offline;
    if offline {
        let cached = facts::cached_named(models, words);
        items.extend(cached.iter().map(|repo| FoundModel::named(repo, None, &state)));
    } else {
        // Of an address or a name of Ollama's library, what it leads to.
        let words = named.as_ref().map_or(words, |named| named.repo.as_str());
        let found = client(&state).await?.search(words).await?;
        items.extend(found.iter().map(|found| FoundModel::of(found, &state)));
    }
    // What was named stands first, with what the hub knows of it.
    if let (Some(first), Some(place)) = (
        items.first().map(|first| (first.id.clone(), first.ollama.clone())),
        items.iter().skip(1).position(|item| item.id == items[0].id),
    ) {
        let mut known = items.remove(place + 1);
        known.ollama = first.1;
        items[0] = known;
    }
    Ok(Json(FoundModels { items, offline }))
}

/// Downloads a model of the hub
///
/// Its files at one commit, into the cache. What is there already, whole or in part, is not downloaded again; asked for
/// twice, it is one job.
#[utoipa::path(post, path = "/api/models/download", tag = "models", request_body = DownloadRequest,
    responses((status = 202, body = JobStarted)))]
async fn download(
    State(state): State<AppState>,
    Json(body): Json<DownloadRequest>,
) -> ApiResult<(StatusCode, Json<JobStarted>)> {
    let asked = reference(&state, &body.model, body.revision.as_deref())?;
    let revision = asked.revision().to_owned();
    let pinned = match body.commit {
        Some(commit) if hub::reference::is_commit(&commit) => {
            Reference { revision: Some(commit), ..asked.clone() }
        }
        Some(_) => return Err(ApiError::invalid_field("commit", "must be 40 hexadecimal digits")),
        None => asked.clone(),
    };
    // What cannot be downloaded is said at once.
    let plan = facts::plan(&client(&state).await?, &state.services.models, &pinned).await?;
    let job = DownloadModel { model: asked.repo.to_string(), revision, commit: plan.commit };
    if let Some(active) = job.active(&state.database).await? {
        return Ok(started(active));
    }
    Ok(started(enqueue(&state.database, &job).await?))
}

/// What a model is, and which training of it fits this machine
///
/// For models of the hub, of the cache and of this computer.
#[utoipa::path(post, path = "/api/models/resolve", tag = "models", request_body = ResolveModel,
    responses((status = 200, body = ModelFacts)))]
async fn resolve(
    State(state): State<AppState>,
    Json(body): Json<ResolveModel>,
) -> ApiResult<Json<ModelFacts>> {
    resolve_model(&state, &body).await
}

/// What a model is that a project may be based on
///
/// As `POST /api/models/resolve`. Nothing is changed: the project's `model_id` is set once the model is downloaded.
#[utoipa::path(post, path = "/api/projects/{id}/model/resolve", tag = "models", params(("id" = Uuid, Path)),
    request_body = ResolveModel, responses((status = 200, body = ModelFacts)))]
async fn resolve_for_project(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    Json(body): Json<ResolveModel>,
) -> ApiResult<Json<ModelFacts>> {
    store::projects::get(&state.database, id).await?;
    resolve_model(&state, &body).await
}

async fn resolve_model(state: &AppState, body: &ResolveModel) -> ApiResult<Json<ModelFacts>> {
    let models = state.services.models.clone();
    let name = local_name(state, body.model.trim());
    // Reading a tokenizer takes a moment.
    let local = move || {
        let model = models.find(&name).filter(|model| model.source != crate::models::ModelSource::Hub)?;
        Some(facts::of_local(&models, &model))
    };
    if let Some(resolved) = tokio::task::spawn_blocking(local).await.map_err(ApiError::internal)? {
        return Ok(Json(resolved.into()));
    }
    let reference = reference(state, &body.model, body.revision.as_deref())?;
    let client = client(state).await?;
    Ok(Json(facts::of_hub(&client, &state.services.models, &reference).await?.into()))
}

/// The name of a folder or file under `models/`, where its whole path was written.
fn local_name(state: &AppState, text: &str) -> String {
    let folder = state.config.data_dir.join("models");
    let inside = std::path::Path::new(text).strip_prefix(folder).ok().and_then(|name| name.to_str());
    inside.unwrap_or(text).to_owned()
}
