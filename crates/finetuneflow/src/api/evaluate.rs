//! Evaluations: the base model and the trained one on the same examples.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use export::report::Metrics;
use serde::{Deserialize, Serialize};
use store::jobs::Job;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::ApiResult;
use super::extract::{Checks, Json, List, Paging, Path, Query};
use super::jobs::JobStarted;
use super::runs::{self, RunConfig};
use super::state::AppState;
use crate::evaluation::questions::{OWN, OWN_CHARACTERS};
use crate::evaluation::{AnswerPair, Comparison, Neutral, QuestionSet, Said, Verdict};
use crate::jobs::evaluate::Evaluate;

/// New tokens of an answer that may be asked for.
const MOST_TOKENS: usize = 1024;

/// How well a model does.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Quality {
    /// Mean over the supervised tokens.
    pub eval_loss: Option<f64>,
    /// Its exponential.
    pub perplexity: Option<f64>,
    /// Share of tokens that the model would have chosen.
    pub token_accuracy: Option<f64>,
    /// Tokens that were measured.
    pub supervised_tokens: Option<u64>,
}

/// Both models on examples of sections of which nothing was trained on.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct HeldOut {
    /// Examples that were measured.
    pub examples: u64,
    /// The model before training.
    pub base: Quality,
    /// The trained model.
    pub adapter: Quality,
}

/// What became of the model's general ability.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AbilityVerdict {
    /// The base model did no better than guessing: there was nothing to lose.
    NoneBefore,
    /// The loss rose by at most 5 %, or fell.
    Kept,
    /// It rose by 5 to 15 %: about what the next smaller model would cost.
    SlightlyLost,
    /// It rose by more than 15 %.
    Lost,
}

/// Both models on built-in texts of everyday knowledge, English and French, that no training is about.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct GeneralAbility {
    /// Mean over the tokens, before the training.
    pub base_loss: f64,
    /// After it.
    pub adapter_loss: f64,
    /// `adapter_loss / base_loss - 1`.
    pub change: f64,
    /// What that means.
    pub verdict: AbilityVerdict,
    /// Tokens that were measured.
    pub tokens: usize,
}

/// Where a question is from.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnswerSet {
    /// An example that was held back, of a section that is trained on.
    Recall,
    /// An example of a section of which nothing is trained on.
    HeldOut,
    /// A trained example: none were held back.
    Training,
    /// The person's own question.
    Own,
}

/// What a model answered, the most likely token each time.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AnswerText {
    /// The answer.
    pub text: String,
    /// Its tokens.
    pub tokens: usize,
    /// False where it was cut at `max_tokens`.
    pub complete: bool,
    /// Share of the expected answer's numbers and longer words that are in it, 0 to 1; words of the question do not count.
    pub words: Option<f64>,
    /// Why there is no answer.
    pub problem: Option<String>,
}

/// A question that both models answered.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Answer {
    /// Where the question is from.
    pub set: AnswerSet,
    /// The question.
    pub question: String,
    /// The answer that the example has.
    pub expected: Option<String>,
    /// The example, unless it has changed since.
    pub example_id: Option<Uuid>,
    /// The passage that the example was made from, if there was one.
    pub chunk_id: Option<Uuid>,
    /// The document that the example is from.
    pub file_id: Option<Uuid>,
    /// Its name.
    pub file_name: Option<String>,
    /// First page, from 1.
    pub page_start: Option<u32>,
    /// Last page.
    pub page_end: Option<u32>,
    /// The model before training.
    pub base: AnswerText,
    /// The trained model.
    pub adapter: AnswerText,
}

/// Which run is measured, and what it is asked.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartEvaluation {
    /// Left out: the newest that has a trained model.
    pub run_id: Option<Uuid>,
    /// Questions of one's own, at most 10 of at most 4000 characters, beside up to 8 of the examples.
    pub questions: Option<Vec<String>>,
    /// Tokens of an answer at most, 1 to 1024; default 128.
    pub max_tokens: Option<usize>,
}

/// The base model and the trained one on the same examples.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Evaluation {
    /// Its id: the job's.
    pub id: Uuid,
    /// The run.
    pub run_id: Uuid,
    /// The run's number.
    pub run_number: Option<u64>,
    /// UTC.
    pub created_at: DateTime<Utc>,
    /// `held_back`, or `training` when nothing was held back.
    pub split: String,
    /// Examples that were measured.
    pub examples: u64,
    /// The model before training.
    pub base: Quality,
    /// The trained model.
    pub adapter: Quality,
    /// On held-out sections, where the data set has them.
    pub held_out: Option<HeldOut>,
    /// Whether the model still can what it could before; null in evaluations of older versions.
    pub general: Option<GeneralAbility>,
    /// Questions of the examples, spread over the documents, then the person's own. Empty in evaluations of older versions.
    pub answers: Vec<Answer>,
    /// Tokens that an answer could have.
    pub max_tokens: Option<usize>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only of this run.
    run_id: Option<Uuid>,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(start)).routes(routes!(list))
}

/// Measures a trained model against its base
///
/// Loss, perplexity and token accuracy on the held-back examples, and apart from them on held-out sections; the loss on built-in
/// neutral texts; answers of both models to the same questions.
#[utoipa::path(post, path = "/api/projects/{project_id}/evaluate", tag = "evaluation",
    params(("project_id" = Uuid, Path)), request_body = StartEvaluation,
    responses((status = 202, body = JobStarted)))]
async fn start(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Json(body): Json<StartEvaluation>,
) -> ApiResult<(StatusCode, Json<JobStarted>)> {
    let questions: Vec<String> =
        body.questions.unwrap_or_default().iter().map(|question| question.trim().to_owned()).collect();
    let fits = |question: &String| (1..=OWN_CHARACTERS).contains(&question.chars().count());
    let mut checks = Checks::default();
    checks
        .require(questions.len() <= OWN, "questions", "must be at most 10")
        .require(questions.iter().all(fits), "questions", "must have 1 to 4000 characters each")
        .require(
            body.max_tokens.is_none_or(|tokens| (1..=MOST_TOKENS).contains(&tokens)),
            "max_tokens",
            "must be between 1 and 1024",
        );
    checks.finish()?;
    let run = runs::with_result(&state, project_id, body.run_id).await?;
    let job = Evaluate { project_id, run_id: run.id, questions, max_tokens: body.max_tokens };
    Ok(super::jobs::started(crate::jobs::enqueue(&state.database, &job).await?))
}

/// Lists the evaluations, newest first
#[utoipa::path(get, path = "/api/projects/{project_id}/evaluations", tag = "evaluation",
    params(("project_id" = Uuid, Path), ListQuery, Paging), responses((status = 200, body = List<Evaluation>)))]
async fn list(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Query(query): Query<ListQuery>,
    Query(paging): Query<Paging>,
) -> ApiResult<Json<List<Evaluation>>> {
    store::projects::get(&state.database, project_id).await?;
    let mut all = Vec::new();
    for job in completed(&state, project_id, "evaluate").await? {
        let Some(evaluation) = view(&state, &job).await? else { continue };
        if query.run_id.is_none_or(|run_id| run_id == evaluation.run_id) {
            all.push(evaluation);
        }
    }
    Ok(Json(List::of_all(all, paging.page()?)))
}

/// All finished jobs of a kind, newest first.
pub async fn completed(state: &AppState, project_id: Uuid, kind: &str) -> ApiResult<Vec<Job>> {
    Ok(crate::jobs::completed_of(&state.database, project_id, kind).await?)
}

/// What a finished evaluation stored; `None` for one that this version cannot read.
async fn view(state: &AppState, job: &Job) -> ApiResult<Option<Evaluation>> {
    let Some(result) = job.result.clone() else { return Ok(None) };
    let Ok(comparison) = serde_json::from_value::<Comparison>(result) else { return Ok(None) };
    let Some(run_id) = comparison.run_id else { return Ok(None) };
    let run = store::runs::get(&state.database, run_id).await.ok();
    Ok(Some(Evaluation {
        id: job.id,
        run_id,
        run_number: run.and_then(|run| RunConfig::of(&run).ok()).map(|config| config.number),
        created_at: job.finished_at.unwrap_or(job.updated_at),
        split: comparison.data,
        examples: comparison.rows,
        base: comparison.before.into(),
        adapter: comparison.after.into(),
        held_out: comparison.held_out.map(|sides| HeldOut {
            examples: sides.rows,
            base: sides.before.into(),
            adapter: sides.after.into(),
        }),
        general: comparison.neutral.map(GeneralAbility::from),
        answers: comparison.answers.into_iter().map(Answer::from).collect(),
        max_tokens: comparison.max_tokens,
    }))
}

impl From<Metrics> for Quality {
    fn from(metrics: Metrics) -> Self {
        let Metrics { eval_loss, perplexity, token_accuracy, supervised_tokens, .. } = metrics;
        Self { eval_loss, perplexity, token_accuracy, supervised_tokens }
    }
}

impl From<Neutral> for GeneralAbility {
    fn from(neutral: Neutral) -> Self {
        Self {
            base_loss: neutral.before_loss,
            adapter_loss: neutral.after_loss,
            change: neutral.change,
            verdict: match neutral.verdict {
                Verdict::NoneBefore => AbilityVerdict::NoneBefore,
                Verdict::Kept => AbilityVerdict::Kept,
                Verdict::SlightlyLost => AbilityVerdict::SlightlyLost,
                Verdict::Lost => AbilityVerdict::Lost,
            },
            tokens: neutral.tokens,
        }
    }
}

impl From<AnswerPair> for Answer {
    fn from(pair: AnswerPair) -> Self {
        let AnswerPair { set, question, expected, place, before, after } = pair;
        Self {
            set: match set {
                QuestionSet::Recall => AnswerSet::Recall,
                QuestionSet::HeldOut => AnswerSet::HeldOut,
                QuestionSet::Training => AnswerSet::Training,
                QuestionSet::Own => AnswerSet::Own,
            },
            question,
            expected,
            example_id: place.as_ref().map(|place| place.example_id),
            chunk_id: place.as_ref().and_then(|place| place.chunk_id),
            file_id: place.as_ref().and_then(|place| place.file_id),
            page_start: place.as_ref().and_then(|place| place.page_start),
            page_end: place.as_ref().and_then(|place| place.page_end),
            file_name: place.and_then(|place| place.document),
            base: before.into(),
            adapter: after.into(),
        }
    }
}

impl From<Said> for AnswerText {
    fn from(said: Said) -> Self {
        let Said { text, tokens, complete, words, problem } = said;
        Self { text, tokens, complete, words, problem }
    }
}
