//! Base models that can be chosen. What can be downloaded is the hub's: see [`super::hub`].

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::{ApiError, ApiResult, Code};
use super::extract::{Json, List, Paging, Path, Query};
use super::projects::ProjectSettings;
use super::state::AppState;
use crate::hub::RepoId;
use crate::models::{LinkError, Model};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(delete)).routes(routes!(link))
}

/// A model that lies somewhere on the server's computer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkModel {
    /// Of a folder with `config.json`, `tokenizer.json` and safetensors, or of a GGUF file; absolute.
    #[schema(example = "/home/me/models/SmolLM2-135M-Instruct")]
    pub path: String,
}

/// Takes a folder or GGUF file of this computer as a base model, where it is
///
/// `models/` in the data folder gets a link to it: nothing is copied. Answers the model; one that cannot be used is refused
/// with the reason.
#[utoipa::path(post, path = "/api/models/link", tag = "models", request_body = LinkModel,
    responses((status = 201, body = Model)))]
async fn link(
    State(state): State<AppState>,
    Json(body): Json<LinkModel>,
) -> ApiResult<(StatusCode, Json<Model>)> {
    let models = state.services.models.clone();
    let path = std::path::PathBuf::from(body.path.trim());
    let linked = tokio::task::spawn_blocking(move || models.link(&path)).await.map_err(ApiError::internal)?;
    match linked {
        Ok(model) => Ok((StatusCode::CREATED, Json(model))),
        Err(error @ LinkError::Unusable { .. }) => {
            Err(ApiError::new(Code::InvalidModel, format!("{error}.")))
        }
        Err(error @ LinkError::NameTaken(_)) => Err(ApiError::new(Code::Conflict, format!("{error}."))
            .hint("Rename the folder or the file and add it again.")),
        Err(error) => Err(ApiError::invalid_field("path", error.to_string())),
    }
}

/// Lists the base models: the bundled one, the folders and GGUF files under `models/` in the data folder, then downloaded ones
#[utoipa::path(get, path = "/api/models", tag = "models", params(Paging),
    responses((status = 200, body = List<Model>)))]
async fn list(State(state): State<AppState>, Query(paging): Query<Paging>) -> ApiResult<Json<List<Model>>> {
    let page = paging.page()?;
    let models = state.services.models.clone();
    let all = tokio::task::spawn_blocking(move || models.list()).await.map_err(ApiError::internal)?;
    Ok(Json(List::of_all(all, page)))
}

/// Deletes a downloaded model, all of its commits
///
/// Not where a project is based on it, nor from a cache outside the data folder, which other programs use.
#[utoipa::path(delete, path = "/api/models/{id}", tag = "models", params(("id" = String, Path)),
    responses((status = 204, description = "It is gone")))]
async fn delete(State(state): State<AppState>, Path(id): Path<String>) -> ApiResult<StatusCode> {
    let models = &state.services.models;
    let refused = |message: String, hint: &str| ApiError::new(Code::Conflict, message).hint(hint);
    let Some(repo) = RepoId::parse(&id) else {
        let hint = "Delete its folder under models/ in the data folder yourself.";
        return Err(refused(format!("{id} was not downloaded from the hub."), hint));
    };
    if !models.cache().root().starts_with(&state.config.data_dir) {
        let hint = "Delete it with the program that the cache belongs to, such as `hf cache`.";
        return Err(refused(
            format!("{} is used by other programs too.", models.cache().root().display()),
            hint,
        ));
    }
    if let Some(name) = project_based_on(&state, &id).await? {
        let hint = "Give the project another model first.";
        return Err(refused(format!("The project {name} is based on {id}."), hint));
    }
    match models.cache().remove(&repo)? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(ApiError::missing(Code::ModelNotFound, "model", &id)),
    }
}

/// The name of a project with this model.
async fn project_based_on(state: &AppState, id: &str) -> ApiResult<Option<String>> {
    for number in 1.. {
        let page = store::Page::new(number, 500);
        let projects = store::projects::list(&state.database, page, Default::default()).await?;
        if let Some(found) = projects.items.iter().find(|project| ProjectSettings::of(project).model_id == id)
        {
            return Ok(Some(found.name.clone()));
        }
        if number * 500 >= projects.total {
            break;
        }
    }
    Ok(None)
}

/// The model, if it exists and can be used.
pub fn usable(state: &AppState, id: &str) -> ApiResult<Model> {
    let model = state.services.models.find(id);
    let model = model.ok_or_else(|| match RepoId::parse(id) {
        Some(_) => ApiError::missing(Code::ModelNotFound, "model", id)
            .hint("Download it first: POST /api/models/download."),
        None => ApiError::missing(Code::ModelNotFound, "model", id),
    })?;
    match &model.problem {
        None => Ok(model),
        Some(problem) => {
            Err(ApiError::new(Code::InvalidModel, format!("The model {id} cannot be used: {problem}."))
                .param("id", id))
        }
    }
}
