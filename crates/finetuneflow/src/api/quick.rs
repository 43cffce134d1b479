//! Five routes for scripts: a data set in, a model out. Each is a shorter way to what the other routes do.

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use engine::generation::Sampling;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::projects::{NewProject, ProjectChange};
use store::{Live, Topic};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::{ApiError, ApiResult, Code};
use super::export::{self, StartExport};
use super::extract::{Asker, Checks, Json, Path, Query};
use super::files::{self, FileKind};
use super::jobs::JobStatus;
use super::projects::ProjectSettings;
use super::runs::{self, RunConfig};
use super::state::AppState;
use super::train;
use super::train_config::TrainRequest;
use crate::inference::{AnswerOptions, Weights};

/// New tokens of an answer.
const ANSWER_TOKENS: usize = 256;

#[derive(ToSchema)]
#[allow(dead_code)]
struct DatasetForm {
    /// JSONL, JSON or CSV.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// A data set that was taken in.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct UploadedDataset {
    /// For `start-finetuning`.
    pub dataset: Uuid,
    /// Rows that can be trained on.
    pub examples: u64,
    /// As it was recognised.
    pub format: String,
}

/// A training to start.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartFinetuning {
    /// From `upload-dataset`.
    pub dataset: Uuid,
    /// The base model; default `base`.
    pub model: Option<String>,
    /// The highest learning rate.
    pub learning_rate: Option<f64>,
    /// Times through the data.
    pub epochs: Option<f64>,
    /// Sequences in one pass.
    pub batch_size: Option<u32>,
}

/// The job that trains.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FinetuningStarted {
    /// For the other routes.
    pub job_id: Uuid,
}

/// How far a training is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TrainingStatus {
    /// Where the job stands.
    pub status: JobStatus,
    /// 0 to 100.
    pub progress_pct: f64,
    /// The last finished step.
    pub step: u64,
    /// Of that step.
    pub loss: Option<f64>,
    /// Why it failed.
    pub error: Option<String>,
}

/// A question to a model.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestModel {
    /// The question.
    pub prompt: String,
    /// A training job's id, `base`, or a model's name.
    #[schema(example = "base")]
    pub model_id: String,
    /// 0 (default) takes the most likely token each time.
    pub temperature: Option<f32>,
}

/// A model's answer.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Tested {
    /// The answer.
    pub text: String,
}

/// What to download.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DownloadFormat {
    /// A zip with the GGUF file and a Modelfile for `ollama create`.
    Ollama,
    /// The GGUF file.
    #[default]
    Gguf,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DownloadQuery {
    /// Default: gguf.
    #[param(inline)]
    format: Option<DownloadFormat>,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(upload_dataset))
        // The file is counted while it streams in.
        .layer(DefaultBodyLimit::disable())
        .routes(routes!(start_finetuning))
        .routes(routes!(training_status))
        .routes(routes!(test_model))
        .routes(routes!(download_model))
}

/// Takes a data set in
#[utoipa::path(post, path = "/api/upload-dataset", tag = "quick",
    request_body(content = DatasetForm, content_type = "multipart/form-data"),
    responses((status = 201, body = UploadedDataset)))]
async fn upload_dataset(
    State(state): State<AppState>,
    request: Request,
) -> ApiResult<(StatusCode, Json<UploadedDataset>)> {
    let mut form = files::multipart(request, &state).await?;
    let field = form.next_field().await.map_err(|error| files::upload_error(&error))?;
    let field = field.filter(|field| field.name() == Some("file")).ok_or_else(|| {
        ApiError::new(Code::InvalidUpload, "The upload has no field `file`.")
            .hint("Send the data set as multipart/form-data in the field `file`.")
    })?;
    let settings = ProjectSettings::default();
    let name = field
        .file_name()
        .unwrap_or("dataset")
        .chars()
        .filter(|letter| !letter.is_control())
        .take(200)
        .collect();
    let new = NewProject { name, description: String::new(), settings: json!(settings) };
    let project = store::projects::create(&state.database, new).await?;
    let taken = async {
        let file = files::keep(&state, project.id, FileKind::Dataset, field).await?;
        let row = store::files::get(&state.database, project.id, file.id).await?;
        super::dataset_files::take_in(&state, &row, Default::default(), true).await
    };
    match taken.await {
        Ok(report) => {
            let answer =
                UploadedDataset { dataset: project.id, examples: report.imported, format: report.format };
            Ok((StatusCode::CREATED, Json(answer)))
        }
        Err(error) => {
            store::projects::delete(&state.database, project.id).await?;
            state.blobs.delete_project(project.id).await?;
            Err(error)
        }
    }
}

/// Starts a training
#[utoipa::path(post, path = "/api/start-finetuning", tag = "quick", request_body = StartFinetuning,
    responses((status = 202, body = FinetuningStarted)))]
async fn start_finetuning(
    State(state): State<AppState>,
    Json(body): Json<StartFinetuning>,
) -> ApiResult<(StatusCode, Json<FinetuningStarted>)> {
    let project = store::projects::get(&state.database, body.dataset).await;
    let project = project.map_err(|error| match error.is_not_found() {
        true => ApiError::missing(Code::DatasetNotFound, "data set", body.dataset),
        false => error.into(),
    })?;
    let mut settings = ProjectSettings::of(&project);
    settings.model_id = body.model.unwrap_or(settings.model_id);
    super::models::usable(&state, &settings.model_id)?;
    let change = ProjectChange { settings: Some(json!(settings)), ..ProjectChange::default() };
    store::projects::update(&state.database, project.id, change).await?;
    let request = TrainRequest {
        learning_rate: body.learning_rate,
        epochs: body.epochs,
        micro_batch_size: body.batch_size,
        ..TrainRequest::default()
    };
    let started = train::begin(&state, project.id, request).await?;
    Ok((StatusCode::ACCEPTED, Json(FinetuningStarted { job_id: started.job.id })))
}

/// How far a training is
#[utoipa::path(get, path = "/api/training-status/{job_id}", tag = "quick", params(("job_id" = Uuid, Path)),
    responses((status = 200, body = TrainingStatus)))]
async fn training_status(
    State(state): State<AppState>,
    Path(job_id): Path<Uuid>,
) -> ApiResult<Json<TrainingStatus>> {
    let job = store::jobs::get(&state.database, job_id).await?;
    let run = runs::view(&state, run_of(&state, job_id).await?).await?;
    Ok(Json(TrainingStatus {
        status: job.status.into(),
        progress_pct: run.progress * 100.0,
        step: run.step,
        loss: run.loss,
        error: job.error.or(run.error.map(|error| error.message)),
    }))
}

async fn run_of(state: &AppState, job_id: Uuid) -> ApiResult<store::runs::Run> {
    store::jobs::get(&state.database, job_id).await?;
    let run = store::runs::of_job(&state.database, job_id).await?;
    run.ok_or_else(|| {
        ApiError::new(Code::JobNotFound, format!("The job {job_id} is no training."))
            .param("id", job_id.to_string())
    })
}

/// Asks a model
#[utoipa::path(post, path = "/api/test-model", tag = "quick", request_body = TestModel,
    responses((status = 200, body = Tested)))]
async fn test_model(
    State(state): State<AppState>,
    Asker(client): Asker,
    Json(body): Json<TestModel>,
) -> ApiResult<Json<Tested>> {
    let temperature = body.temperature.unwrap_or(0.0);
    let mut checks = Checks::default();
    checks.require(!body.prompt.trim().is_empty(), "prompt", "is empty").require(
        temperature.is_finite() && (0.0..=5.0).contains(&temperature),
        "temperature",
        "must be between 0 and 5",
    );
    checks.finish()?;
    let weights = weights_of(&state, &body.model_id).await?;
    let options = AnswerOptions {
        max_tokens: ANSWER_TOKENS,
        sampling: Sampling { temperature, ..Sampling::default() },
        stop: Vec::new(),
    };
    let messages = [json!({ "role": "user", "content": body.prompt })];
    let ready = state.inference.prepare(client, &weights, &messages).await?;
    let answer = ready.answer(options).end().await?;
    Ok(Json(Tested { text: answer.text }))
}

/// What `model_id` names: the result of a training job, or a base model.
async fn weights_of(state: &AppState, model_id: &str) -> ApiResult<Weights> {
    let Ok(job_id) = model_id.parse::<Uuid>() else {
        super::models::usable(state, model_id)?;
        return Ok(Weights::bare(state.services.models.dir(model_id).map_err(ApiError::internal)?));
    };
    let run = finished(state, job_id).await?;
    let settings = RunConfig::of(&run)?.settings;
    let base = settings.base_dir(&state.services.models).map_err(ApiError::internal)?;
    Ok(super::chat::trained(base, runs::folder(state, &run)?, &settings.method))
}

async fn finished(state: &AppState, job_id: Uuid) -> ApiResult<store::runs::Run> {
    let run = run_of(state, job_id).await?;
    runs::with_result(state, run.project_id, Some(run.id)).await
}

/// Downloads a trained model
///
/// The first time it is written, which takes a while.
#[utoipa::path(get, path = "/api/download-model/{job_id}", tag = "quick",
    params(("job_id" = Uuid, Path), DownloadQuery),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>)))]
async fn download_model(
    State(state): State<AppState>,
    Path(job_id): Path<Uuid>,
    Query(query): Query<DownloadQuery>,
) -> ApiResult<Response> {
    let run = finished(&state, job_id).await?;
    let format = match query.format.unwrap_or_default() {
        DownloadFormat::Gguf => "gguf",
        DownloadFormat::Ollama => "ollama",
    };
    let find = || export::find(&state, run.project_id, Some(run.id), None, Some(format));
    let found = match find().await {
        Ok(found) => found,
        Err(error) if error.code == Code::ExportNotFound => {
            let body = StartExport {
                run_id: Some(run.id),
                formats: Some(vec![format.to_owned()]),
                ..StartExport::default()
            };
            let job = export::begin(&state, run.project_id, body).await?;
            wait(&state, job.id).await?;
            find().await?
        }
        Err(error) => return Err(error),
    };
    export::send(&state, &found).await
}

/// Waits for a job's end; an error if it did not end well.
async fn wait(state: &AppState, job_id: Uuid) -> ApiResult<()> {
    let mut subscription = state.database.live().subscribe(Topic::Job(job_id));
    loop {
        let job = store::jobs::get(&state.database, job_id).await?;
        match JobStatus::from(job.status) {
            JobStatus::Completed => return Ok(()),
            JobStatus::Failed | JobStatus::Cancelled => {
                let reason = job.error.unwrap_or_else(|| "it was cancelled".to_owned());
                return Err(ApiError::new(Code::Conflict, format!("The export did not end well: {reason}."))
                    .hint("Remove the cause that is named and try again."));
            }
            JobStatus::Queued | JobStatus::Running => {}
        }
        tokio::select! {
            live = subscription.next() => match live {
                Some(Live::Event(_) | Live::Lagged(_)) => {}
                None => return Err(ApiError::new(Code::Unavailable, "The server stops.")),
            },
            () = state.stopping.cancelled() => return Err(ApiError::new(Code::Unavailable, "The server stops.")),
        }
    }
}
