//! The data set of a project as a whole: make, count, freeze.

use std::collections::{BTreeMap, HashSet};

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::examples::{ExampleFilter, ExampleStatus as RowStatus};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::{ApiError, ApiResult, Code};
use super::examples;
use super::extract::{Checks, Json, List, Paging, Path, Query};
use super::files::FileKind;
use super::jobs::JobStarted;
use super::state::AppState;
use crate::jobs::dataset_generate::DatasetGenerate;
use crate::providers::offline;

/// What makes examples.
pub const GENERATORS: &[(&str, &str)] =
    &[("offline", "From the documents' own structure, without a language model")];
/// Questions for one fact when the request does not say.
pub const DEFAULT_QUESTIONS: usize = 10;

/// How examples are made of documents.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerateDataset {
    /// One of `options.generators` in the settings; default `offline`.
    pub generator: Option<String>,
    /// Which documents; left out: all.
    pub file_ids: Option<Vec<Uuid>>,
    /// Phrasings of a question about one fact, 1 to 20; default 10.
    pub questions_per_fact: Option<usize>,
    /// The examples start approved; default false.
    pub approve: Option<bool>,
    /// The same seed makes the same examples.
    pub seed: Option<u64>,
}

/// Figures of a set of numbers.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Spread {
    /// The smallest.
    pub min: u64,
    /// The middle one.
    pub median: u64,
    /// Their mean.
    pub mean: f64,
    /// The largest.
    pub max: u64,
}

/// Examples of one origin.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SourceCount {
    /// `offline` or `import`.
    pub id: String,
    /// How many.
    pub count: u64,
}

/// A bar of a histogram.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Bar {
    /// From this many characters.
    pub from: u64,
    /// Below this many.
    pub to: u64,
    /// How many examples.
    pub count: u64,
}

/// Figures of a project's examples.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DatasetStats {
    /// All.
    pub total: u64,
    /// Nobody has decided yet.
    pub pending: u64,
    /// They go into the next training.
    pub approved: u64,
    /// They stay out.
    pub rejected: u64,
    /// By origin.
    pub sources: Vec<SourceCount>,
    /// Of each example that is not rejected; null when there is none.
    pub characters: Option<Spread>,
    /// Turns of each example that is not rejected; null when there is none.
    pub turns: Option<Spread>,
    /// Files that they come from.
    pub files: u64,
    /// Of the characters.
    pub histogram: Vec<Bar>,
}

/// A frozen data set: exactly what a training was trained on.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DatasetVersion {
    /// Its id.
    pub id: Uuid,
    /// Within the project, from 1.
    pub number: u64,
    /// Of its content.
    pub content_hash: String,
    /// Examples to train on.
    pub train_examples: u64,
    /// Examples held back.
    pub eval_examples: u64,
    /// UTC.
    pub created_at: DateTime<Utc>,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(generate)).routes(routes!(stats)).routes(routes!(versions))
}

/// Makes examples of documents
#[utoipa::path(post, path = "/api/projects/{project_id}/dataset/generate", tag = "dataset",
    params(("project_id" = Uuid, Path)), request_body = GenerateDataset,
    responses((status = 202, body = JobStarted)))]
async fn generate(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Json(body): Json<GenerateDataset>,
) -> ApiResult<(StatusCode, Json<JobStarted>)> {
    store::projects::get(&state.database, project_id).await?;
    let questions_per_fact = body.questions_per_fact.unwrap_or(DEFAULT_QUESTIONS);
    let generator = body.generator.as_deref().unwrap_or("offline");
    let mut checks = Checks::default();
    checks
        .require((1..=20).contains(&questions_per_fact), "questions_per_fact", "must be between 1 and 20")
        .require(
            GENERATORS.iter().any(|(id, _)| *id == generator),
            "generator",
            "is not one of options.generators in GET /api/settings",
        );
    checks.finish()?;
    if super::files::all(&state, project_id, FileKind::RawDoc).await?.is_empty() {
        return Err(
            ApiError::new(Code::NothingToDo, "The project has no document.").hint("Upload a document first.")
        );
    }
    for id in body.file_ids.iter().flatten() {
        store::files::get(&state.database, project_id, *id).await?;
    }
    let options =
        offline::Options { seed: body.seed.unwrap_or(0), questions_per_fact, ..offline::Options::default() };
    let status = if body.approve.unwrap_or(false) { RowStatus::Approved } else { RowStatus::Pending };
    let job = DatasetGenerate { project_id, file_ids: body.file_ids, options, status };
    Ok(super::jobs::started(crate::jobs::enqueue(&state.database, &job).await?))
}

/// Figures of the examples
#[utoipa::path(get, path = "/api/projects/{project_id}/dataset/stats", tag = "dataset",
    params(("project_id" = Uuid, Path)), responses((status = 200, body = DatasetStats)))]
async fn stats(State(state): State<AppState>, Path(project_id): Path<Uuid>) -> ApiResult<Json<DatasetStats>> {
    store::projects::get(&state.database, project_id).await?;
    let mut sources: BTreeMap<String, u64> = BTreeMap::new();
    let mut files = HashSet::new();
    let (mut characters, mut turns) = (Vec::new(), Vec::new());
    examples::for_each(&state, project_id, &ExampleFilter::default(), |row| {
        let text = |name: &str| row.provenance.get(name).and_then(Value::as_str);
        *sources.entry(text("source").unwrap_or("import").to_owned()).or_default() += 1;
        files.extend(text("file_id").map(str::to_owned));
        if row.status != RowStatus::Rejected {
            let messages = examples::messages(&row);
            turns.push(messages.len() as u64);
            characters.push(messages.iter().map(|message| message.content.chars().count() as u64).sum());
        }
        Ok(())
    })
    .await?;
    let counts = store::examples::status_counts(&state.database, project_id).await?;
    Ok(Json(DatasetStats {
        total: counts.total(),
        pending: counts.pending,
        approved: counts.approved,
        rejected: counts.rejected,
        sources: sources.into_iter().map(|(id, count)| SourceCount { id, count }).collect(),
        histogram: histogram(&characters),
        characters: spread(characters),
        turns: spread(turns),
        files: files.len() as u64,
    }))
}

fn spread(mut values: Vec<u64>) -> Option<Spread> {
    values.sort_unstable();
    let (min, max) = (*values.first()?, *values.last()?);
    let mean = values.iter().sum::<u64>() as f64 / values.len() as f64;
    Some(Spread { min, median: values[values.len() / 2], mean, max })
}

/// About ten bars of a round width.
fn histogram(values: &[u64]) -> Vec<Bar> {
    let Some(max) = values.iter().max() else { return Vec::new() };
    let round = (0..18).flat_map(|power| [1, 2, 5].map(|factor| factor * 10u64.pow(power)));
    let width = round.into_iter().find(|width| *width > max / 10).unwrap_or(u64::MAX);
    let mut bars: Vec<Bar> = (0..=max / width)
        .map(|index| Bar { from: index * width, to: (index + 1) * width, count: 0 })
        .collect();
    for value in values {
        bars[(value / width) as usize].count += 1;
    }
    bars
}

/// Lists the frozen data sets, newest first
#[utoipa::path(get, path = "/api/projects/{project_id}/dataset/versions", tag = "dataset",
    params(("project_id" = Uuid, Path), Paging), responses((status = 200, body = List<DatasetVersion>)))]
async fn versions(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Query(paging): Query<Paging>,
) -> ApiResult<Json<List<DatasetVersion>>> {
    store::projects::get(&state.database, project_id).await?;
    let page = store::dataset_versions::list(&state.database, project_id, paging.page()?).await?;
    let view = |row: store::dataset_versions::DatasetVersion| DatasetVersion {
        id: row.id,
        number: row.number.unsigned_abs(),
        train_examples: row.train_count.unsigned_abs(),
        eval_examples: row.eval_count.unsigned_abs(),
        content_hash: row.content_hash,
        created_at: row.created_at,
    };
    Ok(Json(page.map(view).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures() {
        assert_eq!(spread(vec![]), None);
        assert_eq!(spread(vec![4, 2, 9]), Some(Spread { min: 2, median: 4, mean: 5.0, max: 9 }));
    }

    #[test]
    fn histograms_hold_every_value_in_round_bars() {
        for values in [vec![0], vec![5, 7, 9], vec![99, 100, 101], vec![1, 1234], vec![999_999]] {
            let bars = histogram(&values);
            assert!(bars.len() <= 11, "{} bars of {values:?}", bars.len());
            assert_eq!(bars.iter().map(|bar| bar.count).sum::<u64>(), values.len() as u64);
            let width = (bars[0].to - bars[0].from).to_string();
            assert!(["1", "2", "5"].contains(&width.trim_end_matches('0')), "a width of {width}");
        }
        assert_eq!(histogram(&[]), []);
    }
}
