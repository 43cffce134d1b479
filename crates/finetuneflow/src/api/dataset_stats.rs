//! Figures of a project's examples: how many, how long, in which languages, with which findings, of how much of the documents.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::chunks::{self, ChunkFilter};
use store::examples::{ExampleStatus as RowStatus, ExampleText};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::ApiResult;
use super::extract::{Json, Path};
use super::files::FileKind;
use super::state::AppState;

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
    /// All together.
    pub sum: u64,
}

/// Examples of one origin, language or finding.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Count {
    /// Its name.
    pub id: String,
    /// How many.
    pub count: u64,
}

/// A bar of a histogram.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Bar {
    /// From this many characters or tokens.
    pub from: u64,
    /// Below this many.
    pub to: u64,
    /// How many examples.
    pub count: u64,
}

/// How much of a document has examples that are not rejected.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Coverage {
    /// The document.
    pub file_id: Uuid,
    /// Its name.
    pub name: String,
    /// Its chunks.
    pub chunks: u64,
    /// Those with an example.
    pub chunks_used: u64,
    /// Its pages with text; 0 where the format has none.
    pub pages: u64,
    /// Those whose chunks have an example.
    pub pages_used: u64,
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
    pub sources: Vec<Count>,
    /// Of each example that is not rejected; null when there is none.
    pub characters: Option<Spread>,
    /// Turns of each example that is not rejected; null when there is none.
    pub turns: Option<Spread>,
    /// Tokens of each example that is not rejected and was checked; null when there is none.
    pub tokens: Option<Spread>,
    /// Files that they come from.
    pub files: u64,
    /// Of the characters.
    pub histogram: Vec<Bar>,
    /// Of the tokens; empty where none were counted.
    pub token_histogram: Vec<Bar>,
    /// Not rejected, and seen by `POST …/dataset/check` or the checks of a reply.
    pub checked: u64,
    /// Changed by a person.
    pub edited: u64,
    /// Of the checked ones, by ISO 639-3 code; `unknown` where it is not sure.
    pub languages: Vec<Count>,
    /// What the checks found among those that are not rejected.
    pub findings: Vec<Count>,
    /// What the checks had found among the rejected ones; `none` where nothing.
    pub rejected_findings: Vec<Count>,
    /// Of the documents that were cut into chunks.
    pub coverage: Vec<Coverage>,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(stats))
}

type Counts = BTreeMap<String, u64>;

fn add(counts: &mut Counts, name: &str) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => _ = counts.insert(name.to_owned(), 1),
    }
}

fn listed(counts: Counts) -> Vec<Count> {
    counts.into_iter().map(|(id, count)| Count { id, count }).collect()
}

/// What is counted while the examples go by.
#[derive(Default)]
struct Tally {
    sources: Counts,
    languages: Counts,
    findings: Counts,
    rejected_findings: Counts,
    files: HashSet<String>,
    chunks: HashSet<Uuid>,
    characters: Vec<u64>,
    turns: Vec<u64>,
    tokens: Vec<u64>,
    checked: u64,
    edited: u64,
}

/// Of a training record, what is counted.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Payload<'a> {
    #[serde(borrow)]
    messages: Vec<Said<'a>>,
}

#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    content: Cow<'a, str>,
}

/// Of a provenance, what is counted.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Origin<'a> {
    #[serde(borrow)]
    source: Option<Cow<'a, str>>,
    #[serde(borrow)]
    file_id: Option<Cow<'a, str>>,
    edited: Option<bool>,
}

/// Of a quality, what is counted.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Quality<'a> {
    #[serde(borrow)]
    issues: Vec<Cow<'a, str>>,
    tokens: Option<u64>,
    score: Option<f64>,
    #[serde(borrow)]
    language: Option<Cow<'a, str>>,
}

/// What could be read of an example's JSON; nothing where it is of another shape.
fn read<'a, Part: Default + Deserialize<'a>>(json: &'a str) -> Part {
    serde_json::from_str(json).unwrap_or_default()
}

impl Tally {
    fn add(&mut self, row: &ExampleText) {
        let origin: Origin = read(&row.provenance);
        let quality: Quality = read(&row.quality);
        add(&mut self.sources, origin.source.as_deref().unwrap_or("import"));
        if let Some(file) = origin.file_id.as_deref().filter(|file| !self.files.contains(*file)) {
            self.files.insert(file.to_owned());
        }
        self.edited += u64::from(origin.edited == Some(true));
        if row.status == RowStatus::Rejected {
            if quality.issues.is_empty() {
                add(&mut self.rejected_findings, "none");
            }
            quality.issues.iter().for_each(|name| add(&mut self.rejected_findings, name));
            return;
        }
        quality.issues.iter().for_each(|name| add(&mut self.findings, name));
        self.chunks.extend(row.chunk_id);
        let Payload { messages } = read(&row.payload);
        self.turns.push(messages.len() as u64);
        self.characters.push(messages.iter().map(|said| said.content.chars().count() as u64).sum());
        self.tokens.extend(quality.tokens);
        if quality.score.is_some() {
            self.checked += 1;
            let language = quality.language.as_deref().filter(|code| !code.is_empty());
            add(&mut self.languages, language.unwrap_or("unknown"));
        }
    }
}

/// Examples that are read at a time.
const PART: u64 = 2000;

async fn tally(state: &AppState, project_id: Uuid) -> ApiResult<Tally> {
    let (mut tally, mut after) = (Tally::default(), None);
    loop {
        let part = store::examples::texts_after(&state.database, project_id, after, PART).await?;
        let Some(last) = part.last() else { return Ok(tally) };
        after = Some(last.id);
        part.iter().for_each(|row| tally.add(row));
    }
}

/// Figures of the examples
#[utoipa::path(get, path = "/api/projects/{project_id}/dataset/stats", tag = "dataset",
    params(("project_id" = Uuid, Path)), responses((status = 200, body = DatasetStats)))]
async fn stats(State(state): State<AppState>, Path(project_id): Path<Uuid>) -> ApiResult<Json<DatasetStats>> {
    store::projects::get(&state.database, project_id).await?;
    let tally = tally(&state, project_id).await?;
    let counts = store::examples::status_counts(&state.database, project_id).await?;
    Ok(Json(DatasetStats {
        total: counts.total(),
        pending: counts.pending,
        approved: counts.approved,
        rejected: counts.rejected,
        coverage: coverage(&state, project_id, &tally.chunks).await?,
        sources: listed(tally.sources),
        histogram: histogram(&tally.characters),
        token_histogram: histogram(&tally.tokens),
        characters: spread(tally.characters),
        turns: spread(tally.turns),
        tokens: spread(tally.tokens),
        files: tally.files.len() as u64,
        checked: tally.checked,
        edited: tally.edited,
        languages: listed(tally.languages),
        findings: listed(tally.findings),
        rejected_findings: listed(tally.rejected_findings),
    }))
}

async fn coverage(state: &AppState, project_id: Uuid, used: &HashSet<Uuid>) -> ApiResult<Vec<Coverage>> {
    let mut all = Vec::new();
    for file in super::files::all(state, project_id, FileKind::RawDoc).await? {
        let (mut pages, mut pages_used) = (BTreeSet::new(), BTreeSet::new());
        let (mut total, mut with_examples) = (0, 0);
        let of_file = ChunkFilter { file_id: Some(file.id) };
        chunks::for_each(&state.database, project_id, of_file, |chunk| {
            let place = |name: &str| chunk.source.get(name).and_then(Value::as_u64);
            let span = place("page_start").zip(place("page_end"));
            let span = span.into_iter().flat_map(|(first, last)| first..=last);
            total += 1;
            if used.contains(&chunk.id) {
                with_examples += 1;
                pages_used.extend(span.clone());
            }
            pages.extend(span);
        })
        .await?;
        if total > 0 {
            all.push(Coverage {
                file_id: file.id,
                name: file.name,
                chunks: total,
                chunks_used: with_examples,
                pages: pages.len() as u64,
                pages_used: pages_used.len() as u64,
            });
        }
    }
    Ok(all)
}

fn spread(mut values: Vec<u64>) -> Option<Spread> {
    values.sort_unstable();
    let (min, max) = (*values.first()?, *values.last()?);
    let sum: u64 = values.iter().sum();
    let mean = sum as f64 / values.len() as f64;
    Some(Spread { min, median: values[values.len() / 2], mean, max, sum })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures() {
        assert_eq!(spread(vec![]), None);
        assert_eq!(spread(vec![4, 2, 9]), Some(Spread { min: 2, median: 4, mean: 5.0, max: 9, sum: 15 }));
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
