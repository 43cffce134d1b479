//! Trained models into an Ollama: what is there, and the push.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::{ApiError, ApiResult, Code, with_full_stop};
use super::extract::{Checks, Json, Path, Query};
use super::jobs::JobStarted;
use super::runs;
use super::state::AppState;
use crate::jobs::JobKind;
use crate::jobs::ollama_push::OllamaPush;
use crate::ollama::{CONNECTION, Client, OllamaError, parse_address};

/// What weights are made of when the request does not say.
const DEFAULT_QUANTIZATION: &str = "f16";
/// Tokens of a context.
const CONTEXTS: std::ops::RangeInclusive<u32> = 16..=1_048_576;

/// An Ollama, as a push would find it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OllamaState {
    /// Where its API begins.
    #[schema(example = "http://localhost:11434")]
    pub address: String,
    /// It answers, and models can be pushed to it.
    pub reachable: bool,
    /// What runs there.
    pub version: Option<String>,
    /// Why it is not reachable, and what to do.
    pub problem: Option<String>,
    /// The models there.
    pub models: Vec<String>,
    /// A name for the model, from the project's.
    #[schema(example = "library-handbook")]
    pub suggested_name: String,
}

/// What to push.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PushToOllama {
    /// Left out: the newest training with a result.
    pub run_id: Option<Uuid>,
    /// `[namespace/]model[:tag]`; left out: the suggested one.
    #[schema(example = "library-handbook")]
    pub name: Option<String>,
    /// Of the weights: one of `options.quantizations` in `GET /api/settings`; default `f16`.
    pub quantization: Option<String>,
    /// A model of this name that is there gives way.
    pub replace: Option<bool>,
    /// Left out: the address of the connection `ollama` in the settings.
    #[schema(example = "http://localhost:11434")]
    pub address: Option<String>,
    /// Tokens of the context; left out: the model's own, 4096 at most (more where the training's rows had more).
    pub num_ctx: Option<u32>,
    /// A system text of the model's own.
    pub system: Option<String>,
    /// Its own temperature.
    pub temperature: Option<f32>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct StateQuery {
    /// Left out: the address of the connection `ollama` in the settings.
    address: Option<String>,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(ollama, push_to_ollama))
}

/// The Ollama at an address, or at that of the settings.
async fn client(state: &AppState, address: Option<&str>) -> ApiResult<Client> {
    let connected = match address {
        Some(_) => None,
        None => Some(state.services.connection(CONNECTION).await.map_err(ApiError::internal)?.address),
    };
    let address = address.or(connected.as_deref()).unwrap_or_default();
    let base = parse_address(address).map_err(|reason| ApiError::invalid_field("address", reason))?;
    Client::new(base).map_err(ApiError::internal)
}

async fn suggested_name(state: &AppState, project_id: Uuid) -> ApiResult<String> {
    let project = store::projects::get(&state.database, project_id).await?;
    Ok(export::ollama::suggested_name(&project.name))
}

fn failed(error: &OllamaError) -> ApiError {
    let text = with_full_stop(&error.to_string());
    match error {
        OllamaError::Exists { name, .. } => {
            ApiError::new(Code::ModelExists, text).param("name", name.as_str())
        }
        OllamaError::Unreachable { address, .. } => ApiError::new(Code::ProviderFailed, text)
            .hint(format!("Start Ollama (`ollama serve`, or its app) so that it answers at {address}.")),
        _ => ApiError::new(Code::ProviderFailed, text)
            .hint("Update or repair this Ollama, or choose another address."),
    }
}

/// Whether Ollama is there, and its models
#[utoipa::path(get, path = "/api/projects/{project_id}/export/ollama", tag = "export",
    params(("project_id" = Uuid, Path), StateQuery), responses((status = 200, body = OllamaState)))]
async fn ollama(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Query(query): Query<StateQuery>,
) -> ApiResult<Json<OllamaState>> {
    let suggested_name = suggested_name(&state, project_id).await?;
    let client = client(&state, query.address.as_deref()).await?;
    let found = async { Ok::<_, OllamaError>((client.version().await?, client.models().await?)) }.await;
    let address = client.address().to_owned();
    Ok(Json(match found {
        Ok((version, models)) => {
            let version = Some(version);
            OllamaState { address, reachable: true, version, problem: None, models, suggested_name }
        }
        Err(error) => OllamaState {
            address,
            reachable: false,
            version: None,
            problem: Some(with_full_stop(&error.to_string())),
            models: Vec::new(),
            suggested_name,
        },
    }))
}

fn check(body: &PushToOllama, name: &str, quantization: &str) -> ApiResult<()> {
    let is_written = |asked| export::ollama::FORMAT.quantizations.contains(&asked);
    let mut checks = Checks::default();
    checks
        .require(
            export::ollama::is_name(name),
            "name",
            "must be like model, model:tag or namespace/model:tag, of letters, digits, dots, dashes and underscores",
        )
        .require(
            export::Quantization::from_id(quantization).is_some_and(is_written),
            "quantization",
            "is not one of options.quantizations in GET /api/settings",
        )
        .require(
            body.num_ctx.is_none_or(|length| CONTEXTS.contains(&length)),
            "num_ctx",
            "must be between 16 and 1048576",
        )
        .require(
            body.temperature.is_none_or(|value| value.is_finite() && (0.0..=5.0).contains(&value)),
            "temperature",
            "must be between 0 and 5",
        );
    checks.finish()
}

/// Puts a trained model into Ollama
///
/// The job's result says whether Ollama gives its model the prompts that it was trained with (`prompts`) and whether it
/// answers as it does here (`answers`).
#[utoipa::path(post, path = "/api/projects/{project_id}/export/ollama", tag = "export",
    params(("project_id" = Uuid, Path)), request_body = PushToOllama,
    responses((status = 202, body = JobStarted)))]
async fn push_to_ollama(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Json(body): Json<PushToOllama>,
) -> ApiResult<(StatusCode, Json<JobStarted>)> {
    let name = match body.name.as_deref().map(str::trim) {
        Some(name) => name.to_owned(),
        None => suggested_name(&state, project_id).await?,
    };
    let quantization = body.quantization.as_deref().unwrap_or(DEFAULT_QUANTIZATION).to_owned();
    check(&body, &name, &quantization)?;
    let run = runs::with_result(&state, project_id, body.run_id).await?;
    if super::jobs::active(&state, project_id, Some(OllamaPush::KIND)).await?.is_some() {
        return Err(ApiError::new(
            Code::AlreadyRunning,
            "A model of this project is on its way to Ollama already.",
        ));
    }
    let client = client(&state, body.address.as_deref()).await?;
    let replace = body.replace.unwrap_or(false);
    let is_free = async {
        client.version().await?;
        match !replace && client.has_model(&name).await? {
            true => Err(OllamaError::Exists { address: client.address().to_owned(), name: name.clone() }),
            false => Ok(()),
        }
    };
    is_free.await.map_err(|error| failed(&error))?;
    let job = OllamaPush {
        project_id,
        run_id: run.id,
        name,
        quantization,
        replace,
        address: Some(client.address().to_owned()),
        num_ctx: body.num_ctx,
        system: body.system.filter(|text| !text.trim().is_empty()),
        temperature: body.temperature,
    };
    Ok(super::jobs::started(crate::jobs::enqueue(&state.database, &job).await?))
}
