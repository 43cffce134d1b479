//! The HTTP API: the only module that knows HTTP. One file a resource, one line each in [`routes`].
//!
//! A request passes, from outside to inside: its id and log line, security headers, compression, the shape of OpenAI's
//! errors (`/v1` only), hosts and origins, CORS, the rate limit (API only), the body limit, its handler.

// utoipa's macro repeats the extractors' types with a span of ours, and rustc then takes our types for qualified ones.
#![allow(unused_qualifications)]

mod certificate;
mod changes;
mod chat;
mod chunks;
mod dataset;
mod dataset_facets;
mod dataset_files;
mod dataset_stats;
pub mod error;
mod evaluate;
mod example_new;
mod examples;
mod export;
mod extract;
mod files;
mod generation;
mod hardware;
mod hardware_plan;
mod hardware_proof;
mod health;
mod hub;
mod jobs;
mod label_studio;
mod memory_fit;
mod models;
mod observe;
mod ollama;
mod openai;
mod projects;
mod prompts;
mod providers;
mod quick;
mod runs;
mod security;
mod settings;
mod sse;
mod state;
mod steps;
mod storage;
mod train;
mod train_config;
mod train_defaults;
mod train_tokens;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::response::IntoResponse;
use axum::routing::get;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use utoipa::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{ContentBuilder, Ref, ResponseBuilder};
use utoipa_axum::router::OpenApiRouter;

use error::{ApiError, Code};
pub use state::AppState;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "FineTuneFlow",
        description = "Fine-tune language models on your own documents, on your own machine.",
        license(name = "Apache-2.0 OR MIT")
    ),
    components(schemas(error::ErrorEnvelope, openai::OpenAiErrorEnvelope))
)]
struct Description;

/// Every route of the API.
fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(health::routes())
        .merge(hardware::routes())
        .merge(hardware_proof::routes())
        .merge(hardware_plan::routes())
        .merge(settings::routes())
        .merge(storage::routes())
        .merge(providers::routes())
        .merge(models::routes())
        .merge(hub::routes())
        .merge(projects::routes())
        .merge(steps::routes())
        .merge(files::routes())
        .merge(chunks::routes())
        .merge(dataset::routes())
        .merge(dataset_files::routes())
        .merge(dataset_facets::routes())
        .merge(dataset_stats::routes())
        .merge(generation::routes())
        .merge(prompts::routes())
        .merge(examples::routes())
        .merge(example_new::routes())
        .merge(changes::routes())
        .merge(label_studio::routes())
        .merge(train::routes())
        .merge(train_defaults::routes())
        .merge(train_tokens::routes())
        .merge(runs::routes())
        .merge(chat::routes())
        .merge(openai::routes())
        .merge(evaluate::routes())
        .merge(export::routes())
        .merge(ollama::routes())
        .merge(jobs::routes())
        .merge(quick::routes())
}

/// The API's description, as it is served and committed.
pub fn openapi() -> utoipa::openapi::OpenApi {
    describe(routes().into_openapi())
}

/// Adds the error answer to every operation, and its tag to its id, which is the handler's name.
fn describe(mut openapi: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    for (path, item) in &mut openapi.paths.paths {
        let envelope = if openai::is_theirs(path) { "OpenAiErrorEnvelope" } else { "ErrorEnvelope" };
        let operations: [&mut Option<Operation>; 5] =
            [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(envelope))).build();
            let answer = ResponseBuilder::new()
                .description("What went wrong and what to do")
                .content("application/json", content)
                .build();
            operation.responses.responses.insert("default".to_owned(), answer.into());
            let tag = operation.tags.iter().flatten().next().cloned().unwrap_or_default();
            if let Some(id) = &mut operation.operation_id {
                *id = format!("{tag}_{id}");
            }
        }
    }
    openapi
}

/// The whole server: API, web app, and everything that stands before them.
pub fn router(state: AppState) -> Router {
    let config = &state.config;
    let doors = Arc::new(security::Doors {
        bound: config.host,
        allowed_hosts: config.allowed_hosts.clone(),
        allowed_origins: config.allowed_origins.clone(),
    });
    let (api, description) = routes().split_for_parts();
    let description = Arc::new(describe(description));
    let serve_description = move || {
        let description = Arc::clone(&description);
        async move { axum::Json(description.as_ref()).into_response() }
    };
    let api = api
        .route("/api/openapi.json", get(serve_description))
        .route("/api", get(unknown))
        .route("/api/{*rest}", axum::routing::any(unknown))
        .route("/v1", axum::routing::any(unknown))
        .route("/v1/{*rest}", axum::routing::any(unknown))
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(config.max_body_bytes))
        .layer(middleware::from_fn(security::no_store))
        .with_state(state.clone());
    let mut router = security::rate_limited(api, config.rate_limit_per_second, config.rate_limit_burst)
        .fallback(crate::web::serve);
    if let Some(cors) = security::cors(&doors) {
        router = router.layer(cors);
    }
    let worth_it = DefaultPredicate::new()
        .and(NotForContentType::const_new("application/octet-stream"))
        .and(NotForContentType::const_new("application/zip"));
    router
        .layer(middleware::from_fn_with_state(doors, security::guard))
        .layer(middleware::from_fn(openai::in_their_shape))
        .layer(CompressionLayer::new().gzip(true).compress_when(worth_it))
        .layer(middleware::from_fn(security::headers))
        .layer(middleware::from_fn(observe::observe))
}

async fn unknown(uri: axum::http::Uri) -> ApiError {
    ApiError::new(Code::NotFound, format!("There is no {}.", uri.path()))
}

async fn wrong_method(method: axum::http::Method, uri: axum::http::Uri) -> ApiError {
    ApiError::new(Code::MethodNotAllowed, format!("{} does not take {method}.", uri.path()))
}
