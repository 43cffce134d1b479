//! Base models that can be chosen.

use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::{ApiError, ApiResult, Code};
use super::extract::{Json, List, Paging, Query};
use super::state::AppState;
use crate::models::Model;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Lists the base models: the bundled one, then the folders under `models/` in the data folder
#[utoipa::path(get, path = "/api/models", tag = "models", params(Paging),
    responses((status = 200, body = List<Model>)))]
async fn list(State(state): State<AppState>, Query(paging): Query<Paging>) -> ApiResult<Json<List<Model>>> {
    let page = paging.page()?;
    let models = state.services.models.clone();
    let all = tokio::task::spawn_blocking(move || models.list()).await.map_err(ApiError::internal)?;
    Ok(Json(List::of_all(all, page)))
}

/// The model, if it exists and can be used.
pub fn usable(state: &AppState, id: &str) -> ApiResult<Model> {
    let model = state.services.models.find(id);
    let model = model.ok_or_else(|| ApiError::missing(Code::ModelNotFound, "model", id))?;
    match &model.problem {
        None => Ok(model),
        Some(problem) => {
            Err(ApiError::new(Code::InvalidModel, format!("The model {id} cannot be used: {problem}."))
                .param("id", id))
        }
    }
}
