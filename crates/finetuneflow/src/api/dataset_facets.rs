//! How the examples divide by what they can be filtered by: documents, tasks and findings, each by status.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use store::example_outline::{self, Alike};
use store::examples::ExampleStatus as RowStatus;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::ApiResult;
use super::examples::StatusCounts;
use super::extract::{Json, Path};
use super::files::FileKind;
use super::state::AppState;

/// The examples that have something in common, by status.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FacetCount {
    /// What a filter takes: the id of a file, a task, a finding.
    pub id: String,
    /// Of a file; null where the file is gone.
    pub name: Option<String>,
    /// How many have which status.
    pub counts: StatusCounts,
}

/// What the examples can be filtered by.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DatasetFacets {
    /// All of them.
    pub counts: StatusCounts,
    /// Documents and imported files.
    pub files: Vec<FacetCount>,
    /// What language models were asked to write.
    pub tasks: Vec<FacetCount>,
    /// What the checks found; an example may have several.
    pub findings: Vec<FacetCount>,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(facets))
}

type Counts = BTreeMap<String, store::examples::StatusCounts>;

fn add(counts: &mut store::examples::StatusCounts, alike: &Alike) {
    let count = alike.count.unsigned_abs();
    match alike.status {
        RowStatus::Pending => counts.pending += count,
        RowStatus::Approved => counts.approved += count,
        RowStatus::Rejected => counts.rejected += count,
    }
}

/// Documents, tasks and findings of the examples, counted by status
#[utoipa::path(get, path = "/api/projects/{project_id}/dataset/facets", tag = "dataset",
    params(("project_id" = Uuid, Path)), responses((status = 200, body = DatasetFacets)))]
async fn facets(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
) -> ApiResult<Json<DatasetFacets>> {
    store::projects::get(&state.database, project_id).await?;
    let mut all = store::examples::StatusCounts::default();
    let (mut files, mut tasks, mut findings) = (Counts::new(), Counts::new(), Counts::new());
    for alike in example_outline::alike(&state.database, project_id).await? {
        add(&mut all, &alike);
        if let Some(file) = &alike.file_id {
            add(files.entry(file.clone()).or_default(), &alike);
        }
        if let Some(task) = &alike.task {
            add(tasks.entry(task.clone()).or_default(), &alike);
        }
        let names: Vec<String> =
            alike.issues.as_deref().and_then(|list| serde_json::from_str(list).ok()).unwrap_or_default();
        for finding in names {
            add(findings.entry(finding).or_default(), &alike);
        }
    }
    let mut names = super::files::names(&state, project_id).await?;
    let imported = super::files::all(&state, project_id, FileKind::Dataset).await?;
    names.extend(imported.into_iter().map(|row| (row.id, row.name)));
    let listed = |counts: Counts| -> Vec<FacetCount> {
        let entry = |(id, counts): (String, store::examples::StatusCounts)| {
            let name = id.parse::<Uuid>().ok().and_then(|id| names.get(&id).cloned());
            FacetCount { id, name, counts: counts.into() }
        };
        counts.into_iter().map(entry).collect()
    };
    Ok(Json(DatasetFacets {
        counts: all.into(),
        files: listed(files),
        tasks: listed(tasks),
        findings: listed(findings),
    }))
}
