//! Connections to providers of language models: set up, test, ask for their models. Keys go in and never come out.

use std::time::Instant;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::{ApiError, ApiResult, Code};
use super::extract::{Json, Path, Query, given};
use super::state::AppState;
use crate::providers::connection::{self, Connection, ConnectionError, Kind};
use crate::providers::schema_probe::{self, SchemaSupport};
use crate::words::{self, Words};

/// A connection as clients see it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ConnectionView {
    /// Its name.
    #[schema(example = "ollama")]
    pub id: String,
    /// `ollama`, `ollama_cloud`, `openai_compatible` or `built_in`.
    pub kind: String,
    /// The kind, for people.
    pub label: String,
    /// Ends where `/chat/completions` begins; empty where the kind has none.
    #[schema(example = "http://localhost:11434/v1")]
    pub address: String,
    /// The model when a request names none.
    pub model: Option<String>,
    /// A key is kept for this address.
    pub has_key: bool,
    /// The kind does not work without one.
    pub needs_key: bool,
    /// For one whole answer.
    pub timeout_seconds: u64,
    /// Requests at the same time.
    pub concurrency: u32,
    /// What a million tokens of requests cost.
    pub prompt_price: Option<f64>,
    /// What a million tokens of replies cost.
    pub completion_price: Option<f64>,
    /// What is sent to it leaves this computer.
    pub leaves_the_machine: bool,
    /// What is missing before it can be used.
    pub problem: Option<String>,
}

/// What to set of a connection; what is left out stays as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetConnection {
    /// Needed for a name that is not there yet and is no kind.
    pub kind: Option<String>,
    /// Another host: the key must be entered again.
    pub address: Option<String>,
    /// The model when a request names none.
    pub model: Option<String>,
    /// The secret, for this address only; an empty text forgets it.
    pub key: Option<String>,
    /// For one whole answer, 1 to 3600.
    pub timeout_seconds: Option<u64>,
    /// Requests at the same time, 1 to 64.
    pub concurrency: Option<u32>,
    /// What a million tokens of requests cost; null forgets it.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<f64>)]
    pub prompt_price: Option<Option<f64>>,
    /// What a million tokens of replies cost; null forgets it.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<f64>)]
    pub completion_price: Option<Option<f64>>,
}

/// How a test of a connection went.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ConnectionTest {
    /// It answers, and accepts the key.
    pub ok: bool,
    /// Why not, and what to do.
    pub problem: Option<String>,
    /// The cause of the problem with its values, where it is known; its message says what to do.
    pub cause: Option<Words>,
    /// Models that it names.
    pub models: Vec<String>,
    /// Until its answer.
    pub elapsed_ms: u64,
    /// What it does with a JSON schema, where a model was named; null otherwise.
    pub schema: Option<SchemaSupport>,
}

/// How far a test goes.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct TestQuery {
    /// Ask this model for a short reply, to see whether it answers and whether the server keeps replies to a JSON schema.
    model: Option<String>,
}

/// Names of models.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ModelNames {
    /// In their alphabet.
    pub models: Vec<String>,
}

impl ConnectionView {
    fn of(id: String, connection: &Connection) -> Self {
        let kind = Kind::find(&connection.kind);
        Self {
            id,
            label: kind.map_or(connection.kind.as_str(), |kind| kind.label).to_owned(),
            needs_key: kind.is_some_and(|kind| kind.needs_key),
            kind: connection.kind.clone(),
            address: connection.address.clone(),
            model: connection.model.clone(),
            has_key: connection.has_key(),
            timeout_seconds: connection.timeout_seconds,
            concurrency: connection.concurrency,
            prompt_price: connection.prompt_price,
            completion_price: connection.completion_price,
            leaves_the_machine: connection.leaves_the_machine(),
            problem: connection.check().err().map(|error| format!("{} {}", error.field, error.message)),
        }
    }
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(set, remove))
        .routes(routes!(test))
        .routes(routes!(models))
}

fn invalid(error: ConnectionError) -> ApiError {
    ApiError::invalid_field(error.field, error.message)
}

fn missing(id: &str) -> ApiError {
    ApiError::missing(Code::ConnectionNotFound, "connection", id)
}

async fn known(state: &AppState, id: &str) -> ApiResult<Connection> {
    connection::get(&state.database, id).await.map_err(ApiError::internal)?.ok_or_else(|| missing(id))
}

/// Lists the connections to providers
#[utoipa::path(get, path = "/api/settings/providers", tag = "providers",
    responses((status = 200, body = Vec<ConnectionView>)))]
async fn list(State(state): State<AppState>) -> ApiResult<Json<Vec<ConnectionView>>> {
    let all = connection::all(&state.database).await.map_err(ApiError::internal)?;
    Ok(Json(all.into_iter().map(|(id, connection)| ConnectionView::of(id, &connection)).collect()))
}

/// Sets up a connection, or changes it
#[utoipa::path(put, path = "/api/settings/providers/{id}", tag = "providers", params(("id" = String, Path)),
    request_body = SetConnection, responses((status = 200, body = ConnectionView)))]
async fn set(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Json(body): Json<SetConnection>,
) -> ApiResult<Json<ConnectionView>> {
    if !connection::is_id(&id) {
        return Err(ApiError::invalid_field("id", "must be 1 to 40 lower-case letters, digits and dashes"));
    }
    let present = connection::get(&state.database, &id).await.map_err(ApiError::internal)?;
    let mut connection = match (present, &body.kind) {
        (Some(present), None) => present,
        (Some(present), Some(kind)) if present.kind == *kind => present,
        (_, Some(kind)) => Connection::new(kind).map_err(invalid)?,
        (None, None) => return Err(ApiError::invalid_field("kind", "is required for a new connection")),
    };
    if let Some(address) = body.address {
        connection.address = address.trim().to_owned();
    }
    connection.model = body.model.or(connection.model).filter(|model| !model.trim().is_empty());
    connection.timeout_seconds = body.timeout_seconds.unwrap_or(connection.timeout_seconds);
    connection.concurrency = body.concurrency.unwrap_or(connection.concurrency);
    connection.prompt_price = body.prompt_price.unwrap_or(connection.prompt_price);
    connection.completion_price = body.completion_price.unwrap_or(connection.completion_price);
    if let Some(key) = body.key {
        connection.set_key(Some(key)).map_err(invalid)?;
    }
    match connection.check() {
        // A key can follow later.
        Err(error) if error.field != "key" => return Err(invalid(error)),
        _ => {}
    }
    connection::set(&state.database, &id, &connection).await.map_err(ApiError::internal)?;
    Ok(Json(ConnectionView::of(id, &connection)))
}

/// Forgets a connection and its key
#[utoipa::path(delete, path = "/api/settings/providers/{id}", tag = "providers", params(("id" = String, Path)),
    responses((status = 204)))]
async fn remove(State(state): State<AppState>, Path(id): Path<String>) -> ApiResult<StatusCode> {
    match connection::remove(&state.database, &id).await.map_err(ApiError::internal)? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(missing(&id)),
    }
}

/// Tests a connection
#[utoipa::path(post, path = "/api/settings/providers/{id}/test", tag = "providers",
    params(("id" = String, Path), TestQuery), responses((status = 200, body = ConnectionTest)))]
async fn test(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Query(query): Query<TestQuery>,
) -> ApiResult<Json<ConnectionTest>> {
    let connection = known(&state, &id).await?;
    let started = Instant::now();
    let outcome = async {
        let provider = connection.open(&state.inference, &state.services.models)?;
        let models = provider.models().await?;
        let schema = match &query.model {
            Some(model) => Some(schema_probe::probe(&*provider, model).await?),
            None => None,
        };
        anyhow::Ok((models, schema))
    };
    let outcome = outcome.await;
    let elapsed_ms = started.elapsed().as_millis() as u64;
    let problem = outcome.as_ref().err().map(ToString::to_string);
    let cause = outcome.as_ref().err().and_then(words::cause_of);
    let (models, schema) = outcome.unwrap_or_default();
    Ok(Json(ConnectionTest { ok: problem.is_none(), problem, cause, models, elapsed_ms, schema }))
}

/// The models that a connection names
#[utoipa::path(get, path = "/api/settings/providers/{id}/models", tag = "providers", params(("id" = String, Path)),
    responses((status = 200, body = ModelNames)))]
async fn models(State(state): State<AppState>, Path(id): Path<String>) -> ApiResult<Json<ModelNames>> {
    let connection = known(&state, &id).await?;
    let models = connection.models(&state.inference, &state.services.models).await;
    let models =
        models.map_err(|error| ApiError::new(Code::ProviderFailed, error.to_string()).because(error))?;
    Ok(Json(ModelNames { models }))
}
