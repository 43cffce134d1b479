//! What the data folder takes.

use std::path::Path;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::{ApiError, ApiResult};
use super::extract::Json;
use super::state::AppState;
use crate::machine;

/// A file or folder at the top of the data folder.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct StoragePart {
    /// Its name.
    #[schema(example = "models")]
    pub name: String,
    /// With everything in it.
    pub bytes: u64,
}

/// What the data folder takes.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct StorageUse {
    /// The data folder.
    pub path: String,
    /// All of it. What a link in it points to is not counted.
    pub used_bytes: u64,
    /// Its parts, the largest first.
    pub parts: Vec<StoragePart>,
    /// What may still be written; null where the system does not tell.
    pub free_bytes: Option<u64>,
    /// Of the disk.
    pub total_bytes: Option<u64>,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(used))
}

/// What the data folder takes, and what is left on its disk
#[utoipa::path(get, path = "/api/settings/storage", tag = "settings", responses((status = 200, body = StorageUse)))]
async fn used(State(state): State<AppState>) -> ApiResult<Json<StorageUse>> {
    let folder = state.config.data_dir.clone();
    let measure = tokio::task::spawn_blocking(move || {
        let mut parts: Vec<_> = std::fs::read_dir(&folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| StoragePart {
                name: entry.file_name().to_string_lossy().into_owned(),
                bytes: size_of(&entry.path()),
            })
            .collect();
        parts.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
        let disk = machine::disk(&folder);
        StorageUse {
            path: folder.display().to_string(),
            used_bytes: parts.iter().map(|part| part.bytes).sum(),
            parts,
            free_bytes: disk.map(|disk| disk.free_bytes),
            total_bytes: disk.map(|disk| disk.total_bytes),
        }
    });
    Ok(Json(measure.await.map_err(ApiError::internal)?))
}

/// Bytes of a file, or of all files below a folder; links are not followed, and what vanishes meanwhile counts nothing.
fn size_of(path: &Path) -> u64 {
    let Ok(facts) = path.symlink_metadata() else { return 0 };
    if !facts.is_dir() {
        return facts.len();
    }
    std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| size_of(&entry.path())).sum()
}
