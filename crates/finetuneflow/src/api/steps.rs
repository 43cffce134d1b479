//! The eight steps of a project: where each stands, by what is there, and what a person chose in it and has not applied.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::project_choices::{self, Choices};
use store::runs::RunStatus as RowStatus;
use store::{Page, jobs as job_rows};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::{ApiError, ApiResult};
use super::extract::{Json, Path};
use super::hardware_plan;
use super::hardware_proof::HardwareProof;
use super::projects::{Counts, ProjectSettings};
use super::runs::{RunStatus, has_result, last_loss};
use super::state::AppState;
use super::train_config::TrainRequest;
use crate::jobs::JobKind;

/// A step's choices as JSON text, at most.
const MAX_CHOICES_BYTES: usize = 64 * 1024;

/// A step of a project, in the order in which people go through them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepId {
    /// The base model.
    Model,
    /// What the model is to learn.
    Task,
    /// Documents.
    Data,
    /// Some examples, and the writing of all.
    Preview,
    /// Which examples are good.
    Review,
    /// Whether this machine can do it.
    Hardware,
    /// The training.
    Train,
    /// Files to take away.
    Export,
}

impl StepId {
    const ALL: [Self; 8] = [
        Self::Model,
        Self::Task,
        Self::Data,
        Self::Preview,
        Self::Review,
        Self::Hardware,
        Self::Train,
        Self::Export,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Task => "task",
            Self::Data => "data",
            Self::Preview => "preview",
            Self::Review => "review",
            Self::Hardware => "hardware",
            Self::Train => "train",
            Self::Export => "export",
        }
    }

    /// Jobs that do this step's work. What the last of them came to shows in the step's state.
    fn job_kinds(self) -> &'static [&'static str] {
        use crate::jobs::{
            chunk_documents, dataset_generate, dataset_preview, dataset_write, document_ocr, export,
            label_studio_push, label_studio_sync, ollama_push, train,
        };
        match self {
            Self::Model | Self::Task | Self::Hardware => &[],
            Self::Data => &[chunk_documents::ChunkDocuments::KIND, document_ocr::DocumentOcr::KIND],
            Self::Preview => &[
                dataset_preview::DatasetPreview::KIND,
                dataset_write::DatasetWrite::KIND,
                dataset_generate::DatasetGenerate::KIND,
            ],
            Self::Review => {
                &[label_studio_push::LabelStudioPush::KIND, label_studio_sync::LabelStudioSync::KIND]
            }
            Self::Train => &[train::Train::KIND],
            Self::Export => &[export::Export::KIND, ollama_push::OllamaPush::KIND],
        }
    }
}

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Nothing is there yet.
    Todo,
    /// A job is at it.
    Doing,
    /// What it is for is there.
    Done,
    /// Its last job failed, or what it chose cannot be used.
    Attention,
}

/// A step and where it stands.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct Step {
    /// Which.
    pub id: StepId,
    /// By what is there, not by which pages were seen.
    pub state: StepState,
}

/// The newest training of a project, in short.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LastRun {
    /// Its id.
    pub id: Uuid,
    /// Where it stands.
    pub status: RunStatus,
    /// Of its last step.
    pub loss: Option<f64>,
    /// When something last happened to it, UTC.
    pub updated_at: chrono::DateTime<chrono::Utc>,
}

/// What a project's steps are told by.
pub struct Facts<'a> {
    /// The project.
    pub project_id: Uuid,
    /// Its settings.
    pub settings: &'a ProjectSettings,
    /// What is in it.
    pub counts: &'a Counts,
    /// What was chosen.
    pub choices: &'a Choices,
    /// Its newest run.
    pub last_run: Option<&'a LastRun>,
    /// This machine's last proof run.
    pub proof: Option<&'a HardwareProof>,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(set_choices))
}

/// Keeps what a person chose in a step
///
/// The body is one JSON object, of at most 64 KiB, that replaces the step's earlier one; the project returns it in `choices`.
#[utoipa::path(put, path = "/api/projects/{id}/choices/{step}", tag = "projects",
    params(("id" = Uuid, Path), ("step" = StepId, Path)), request_body = Object,
    responses((status = 204, description = "It is kept")))]
async fn set_choices(
    State(state): State<AppState>,
    Path((id, step)): Path<(Uuid, String)>,
    Json(choices): Json<Map<String, Value>>,
) -> ApiResult<StatusCode> {
    let Some(step) = StepId::ALL.into_iter().find(|known| known.name() == step) else {
        let names = StepId::ALL.map(StepId::name).join(", ");
        return Err(ApiError::invalid_field("step", format!("is not one of {names}")));
    };
    let value = Value::Object(choices);
    if value.to_string().len() > MAX_CHOICES_BYTES {
        return Err(ApiError::invalid_field("body", "is larger than 64 KiB"));
    }
    store::projects::get(&state.database, id).await?;
    project_choices::set(&state.database, id, step.name(), value).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The project's newest training, in short.
pub async fn last_run(state: &AppState, project_id: Uuid) -> ApiResult<Option<LastRun>> {
    let Some(run) = store::runs::latest(&state.database, project_id).await? else { return Ok(None) };
    let loss = last_loss(state, run.id).await?;
    Ok(Some(LastRun { id: run.id, status: run.status.into(), loss, updated_at: run.updated_at }))
}

/// Every step with its state.
pub async fn of_project(state: &AppState, facts: &Facts<'_>) -> ApiResult<Vec<Step>> {
    let mut steps = Vec::with_capacity(StepId::ALL.len());
    for id in StepId::ALL {
        let of_jobs = of_last_job(state, facts.project_id, id).await?;
        let settled = id == StepId::Data && of_jobs == Some(StepState::Attention);
        let state = match of_jobs {
            Some(told) if !settled || has_unread(state, facts.project_id).await? => told,
            _ => of_facts(state, facts, id).await?,
        };
        steps.push(Step { id, state });
    }
    Ok(steps)
}

/// What the step's newest job says; nothing once it has ended well or by somebody's wish.
async fn of_last_job(state: &AppState, project_id: Uuid, step: StepId) -> ApiResult<Option<StepState>> {
    let kinds = step.job_kinds();
    if kinds.is_empty() {
        return Ok(None);
    }
    let job = job_rows::latest(&state.database, project_id, kinds).await?;
    Ok(job.and_then(|job| match job.status {
        job_rows::JobStatus::Queued | job_rows::JobStatus::Running => Some(StepState::Doing),
        job_rows::JobStatus::Failed | job_rows::JobStatus::Dead => Some(StepState::Attention),
        job_rows::JobStatus::Completed | job_rows::JobStatus::Cancelled => None,
    }))
}

/// A document is there that was not read, or not yet. Whoever deletes the one that failed has settled the matter.
async fn has_unread(state: &AppState, project_id: Uuid) -> ApiResult<bool> {
    let count = async |status: Option<String>| {
        let filter = store::files::FileFilter { status, ..Default::default() };
        Ok::<_, ApiError>(
            store::files::list(&state.database, project_id, Page::new(1, 1), filter).await?.total,
        )
    };
    Ok(count(None).await? > count(Some(crate::library::PARSED.to_owned())).await?)
}

async fn of_facts(state: &AppState, facts: &Facts<'_>, step: StepId) -> ApiResult<StepState> {
    let done_if = |is_done: bool| if is_done { StepState::Done } else { StepState::Todo };
    let counts = facts.counts;
    // Whoever went on has taken what was offered.
    let went_on = counts.files > 0 || counts.examples > 0 || counts.runs > 0;
    Ok(match step {
        StepId::Model => match state.services.models.find(&facts.settings.model_id) {
            Some(model) if model.usable => done_if(went_on || facts.choices.contains_key("model")),
            _ => StepState::Attention,
        },
        StepId::Task => done_if(went_on || facts.choices.contains_key("task")),
        StepId::Data => done_if(counts.chunks > 0 || counts.examples > 0),
        StepId::Preview => done_if(counts.examples > 0),
        StepId::Review => done_if(counts.approved > 0),
        StepId::Hardware => match facts.proof {
            Some(proof) if proof.ok && fits(state, facts) => StepState::Done,
            Some(_) => StepState::Attention,
            None => done_if(has_trained(state, facts.project_id).await?),
        },
        StepId::Train => match facts.last_run.map(|run| run.status) {
            Some(RunStatus::Queued | RunStatus::Running) => StepState::Doing,
            Some(RunStatus::Interrupted | RunStatus::Failed) => StepState::Attention,
            _ => done_if(has_trained(state, facts.project_id).await?),
        },
        StepId::Export => done_if(has_exported(state, facts.project_id).await?),
    })
}

/// The training that is chosen fits the free memory; what cannot be planned is for the steps before to say.
fn fits(state: &AppState, facts: &Facts<'_>) -> bool {
    let request = planned(facts.choices.get("train"));
    hardware_plan::fits(state, &facts.settings.model_id, request)
}

/// Of the chosen settings those that decide about memory. A form keeps what was typed, so a field may hold anything.
fn planned(chosen: Option<&Value>) -> TrainRequest {
    const FIELDS: [&str; 9] = [
        "method",
        "base_precision",
        "rank",
        "target_modules",
        "layers",
        "precision",
        "micro_batch_size",
        "max_seq_len",
        "packing",
    ];
    let mut fields = Map::new();
    for name in FIELDS {
        let Some(value) = chosen.and_then(|chosen| chosen.get(name)) else { continue };
        let one = Map::from_iter([(name.to_owned(), value.clone())]);
        if serde_json::from_value::<TrainRequest>(Value::Object(one)).is_ok() {
            fields.insert(name.to_owned(), value.clone());
        }
    }
    serde_json::from_value(Value::Object(fields)).unwrap_or_default()
}

/// A run came to its end and its result is still there.
async fn has_trained(state: &AppState, project_id: Uuid) -> ApiResult<bool> {
    let filter = store::runs::RunFilter {
        project_id: Some(project_id),
        status: Some(RowStatus::Completed),
        ..Default::default()
    };
    let runs = store::runs::list(&state.database, Page::new(1, 20), filter).await?;
    for run in &runs.items {
        if has_result(state, run)? {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn has_exported(state: &AppState, project_id: Uuid) -> ApiResult<bool> {
    for kind in StepId::Export.job_kinds() {
        let filter = job_rows::JobFilter {
            project_id: Some(project_id),
            kind: Some((*kind).to_owned()),
            statuses: vec![job_rows::JobStatus::Completed],
        };
        if job_rows::list(&state.database, Page::new(1, 1), filter).await?.total > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}
