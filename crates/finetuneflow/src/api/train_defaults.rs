//! The usual settings of a training: by the model's width, by how much there is to learn, and by the free memory.

use std::path::PathBuf;

use axum::extract::State;
use engine::batching::{LossMask, Place, Row, encode_row};
use engine::tokenizer::{ChatTemplate, Tokenizer};
use engine::trainer::fit::free_memory_bytes;
use serde::{Deserialize, Serialize};
use store::example_sizes;
use store::examples::{Example, ExampleFilter, ExampleStatus};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::{ApiError, ApiResult};
use super::extract::{Json, Path, Query};
use super::memory_fit::{Lowerable, PlannedModel};
use super::projects::ProjectSettings;
use super::state::AppState;
use super::train_config::{BasePrecision, Method, Precision, Schedule, TrainConfig, TrainRequest};
use crate::records;

/// Examples whose tokens are counted; of more, this many stand for all.
const SAMPLE: u64 = 400;
/// A model narrower than this computes small passes as fast as large ones, and has too little room for facts in small adapters.
const NARROW_MODEL: usize = 512;
/// Rank of the adapters: of a narrow model and of others. They are scaled by 2.
const RANKS: (u32, u32) = (64, 16);
/// Tokens of a step: the fewest of a narrow model and of others, and the most.
const STEP_TOKENS: (u64, u64, u64) = (256, 512, 4096);
/// Steps in one time through the examples, where there are enough of them.
const STEPS_PER_EPOCH: u64 = 256;
/// Steps of a training that a few examples are repeated for, and how often they are at most.
const STEPS: u64 = 500;
const EPOCHS: (u64, u64) = (3, 10);
/// Contexts are multiples of this, and no longer than the second without being asked for.
const LENGTH_STEP: u64 = 64;
const LONGEST: u64 = 4096;

/// How much there is to learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataSize {
    /// Examples.
    pub rows: u64,
    /// Of all of them, template and all.
    pub tokens: u64,
    /// Of the longest.
    pub longest: u64,
}

/// What the usual settings depend on.
#[derive(Clone, Copy, Debug)]
pub struct Situation {
    /// Tokens that the model sees at once.
    pub context_length: u64,
    /// Its width; `None` where it is not known.
    pub hidden_size: Option<usize>,
    /// `None` where there is nothing to learn yet.
    pub data: Option<DataSize>,
}

/// What the usual settings go by among those that are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked {
    /// Default `lora`.
    pub method: Option<Method>,
    /// Tokens of the longest row that is not cut.
    pub max_seq_len: Option<u32>,
}

impl Situation {
    /// A model without data.
    pub fn of_model(model: &PlannedModel) -> Self {
        Self { context_length: model.context_length, hidden_size: Some(model.spec.hidden_size), data: None }
    }

    /// A model with a project's approved examples.
    pub async fn of_project(state: &AppState, project_id: Uuid, model: &PlannedModel) -> ApiResult<Self> {
        let data = data_size(state, project_id, model).await?;
        Ok(Self { data, ..Self::of_model(model) })
    }

    /// The highest learning rate. Of adapters 5e-4 · (2000 / width)^0.78, as Thinking Machines found for Llama models
    /// ("LoRA Without Regret", 2025, and their cookbook's `hyperparam_utils`; other families depend less on the width); of all
    /// weights a tenth of it. Two digits of it.
    fn learning_rate(&self, method: Method) -> f64 {
        let width = self.hidden_size.unwrap_or(2048).max(1) as f64;
        let rate = (5e-4 * (2000.0 / width).powf(0.78)).clamp(1e-4, 4e-3);
        let rate = if method == Method::Full { rate / 10.0 } else { rate };
        format!("{rate:.1e}").parse().unwrap_or(rate)
    }

    /// Tokens of the longest row that is not cut: the longest example has room, as far as the model and custom allow.
    fn max_seq_len(&self) -> u64 {
        let wanted =
            self.data.map_or(1024, |data| data.longest.next_multiple_of(LENGTH_STEP).clamp(128, LONGEST));
        wanted.min(self.context_length)
    }

    fn is_narrow(&self) -> bool {
        self.hidden_size.is_some_and(|width| width < NARROW_MODEL)
    }

    /// Rows of so many tokens in one step: small steps where there is little to learn, so that there are many.
    fn micro_batch_size(&self, max_seq_len: u64) -> u64 {
        let (narrow, wide, most) = STEP_TOKENS;
        let fewest = if self.is_narrow() { narrow } else { wide };
        let wanted = self.data.map_or(1024, |data| (data.tokens / STEPS_PER_EPOCH).next_power_of_two());
        (wanted.clamp(fewest, most) / max_seq_len.max(1)).max(1)
    }
}

/// Share of the examples that is held back by default.
const EVAL_FRACTION: f64 = 0.1;

impl TrainConfig {
    /// The settings when nothing else is asked for.
    pub fn defaults(situation: &Situation, asked: Asked) -> Self {
        let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let method = asked.method.unwrap_or(Method::Lora);
        let max_seq_len = asked.max_seq_len.map_or(situation.max_seq_len(), u64::from);
        let rank = if situation.is_narrow() { RANKS.0 } else { RANKS.1 };
        let micro_batch_size = situation.micro_batch_size(max_seq_len);
        let learned = situation.data.map(|data| data.tokens as f64 * (1.0 - EVAL_FRACTION));
        let steps_per_epoch =
            learned.map(|tokens| (tokens / (micro_batch_size * max_seq_len) as f64).max(1.0));
        let epochs = steps_per_epoch.map_or(EPOCHS.0 as f64, |steps| {
            (STEPS as f64 / steps).ceil().clamp(EPOCHS.0 as f64, EPOCHS.1 as f64)
        });
        let steps = steps_per_epoch.map_or(0, |steps| (steps * epochs) as u64);
        Self {
            method,
            rank,
            alpha: 2.0 * f64::from(rank),
            use_rslora: false,
            target_modules: "all-linear".to_owned(),
            layers: "all".to_owned(),
            lora_plus_ratio: 1.0,
            dropout: 0.0,
            epochs: Some(epochs),
            max_steps: None,
            learning_rate: situation.learning_rate(method),
            schedule: Schedule::Cosine,
            warmup_steps: 0,
            weight_decay: 0.0,
            max_grad_norm: 1.0,
            micro_batch_size: narrow(micro_batch_size),
            gradient_accumulation_steps: 1,
            max_seq_len: narrow(max_seq_len),
            precision: Precision::of_this_machine(),
            base_precision: None,
            packing: true,
            seed: 42,
            eval_fraction: EVAL_FRACTION,
            held_out_fraction: 0.0,
            eval_steps: 0,
            patience: 0,
            checkpoint_steps: (steps / 20).clamp(20, 500),
            keep_checkpoints: 2,
        }
    }
}

/// What a project's training takes for what its request leaves out, and what it will be.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TrainDefaults {
    /// The settings.
    pub config: TrainConfig,
    /// Tokens of all approved examples; estimated where there are many. Null where there are none.
    pub tokens: Option<u64>,
    /// Tokens of the longest; estimated where there are many. Null where there are none.
    pub longest: Option<u64>,
    /// The settings fit the free memory.
    pub fits: bool,
    /// They were made smaller for that.
    pub made_smaller: bool,
    /// What the training will allocate.
    pub required_bytes: u64,
    /// Null where the system does not tell.
    pub available_bytes: Option<u64>,
    /// Of the last finished training of this model on this machine; null when there was none.
    pub tokens_per_second: Option<f64>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct DefaultsQuery {
    /// What is to be trained; default `lora`.
    method: Option<Method>,
    /// How the frozen base is to be kept.
    base_precision: Option<BasePrecision>,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(defaults))
}

/// What a training of this project takes for what `train/start` leaves out
///
/// The learning rate goes by the model's width, the size of a step and the times through the examples by how much there is to
/// learn, the longest row by the longest example; all of it is made smaller until it fits the free memory.
#[utoipa::path(get, path = "/api/projects/{project_id}/train/defaults", tag = "train",
    params(("project_id" = Uuid, Path), DefaultsQuery), responses((status = 200, body = TrainDefaults)))]
async fn defaults(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Query(query): Query<DefaultsQuery>,
) -> ApiResult<Json<TrainDefaults>> {
    let project = store::projects::get(&state.database, project_id).await?;
    let model = PlannedModel::open(&state, &ProjectSettings::of(&project).model_id)?;
    let situation = Situation::of_project(&state, project_id, &model).await?;
    let request = TrainRequest {
        method: query.method,
        base_precision: query.base_precision,
        ..TrainRequest::default()
    };
    let wanted = TrainConfig::of(request, &situation)?;
    let mut config = wanted.clone();
    let (required_bytes, fits) = model.settle(&mut config, Lowerable::ALL)?;
    Ok(Json(TrainDefaults {
        made_smaller: config != wanted,
        config,
        tokens: situation.data.map(|data| data.tokens),
        longest: situation.data.map(|data| data.longest),
        fits,
        required_bytes,
        available_bytes: free_memory_bytes(),
        tokens_per_second: super::hardware::measured_speed(&state, model.id()).await?,
    }))
}

/// The size of a project's approved examples, exactly where they are few. Of many a sample is encoded, and what it shows of
/// tokens by stored characters stands for all.
async fn data_size(state: &AppState, project_id: Uuid, model: &PlannedModel) -> ApiResult<Option<DataSize>> {
    let approved = ExampleFilter { status: Some(ExampleStatus::Approved), ..ExampleFilter::default() };
    let lengths = example_sizes::lengths(&state.database, project_id, &approved).await?;
    if lengths.rows == 0 {
        return Ok(None);
    }
    let sample = example_sizes::sample(&state.database, project_id, &approved, SAMPLE).await?;
    let folder = model.folder().to_owned();
    // Reading a tokenizer takes a moment.
    let count = tokio::task::spawn_blocking(move || count_tokens(folder, &sample));
    let counted = count.await.map_err(ApiError::internal)?;
    let Some(counted) = counted.filter(|counted| counted.characters > 0) else { return Ok(None) };
    if counted.rows == lengths.rows {
        return Ok(Some(DataSize { rows: lengths.rows, tokens: counted.tokens, longest: counted.longest }));
    }
    let of_characters = |characters: u64| {
        (u128::from(characters) * u128::from(counted.tokens) / u128::from(counted.characters)) as u64
    };
    let longest = of_characters(lengths.longest).max(counted.longest);
    Ok(Some(DataSize { rows: lengths.rows, tokens: of_characters(lengths.characters), longest }))
}

/// Tokens of examples.
#[derive(Debug, Default)]
struct Counted {
    rows: u64,
    tokens: u64,
    longest: u64,
    /// As stored.
    characters: u64,
}

/// `None` where the model's tokenizer or template cannot be read: the training will say why. Examples that cannot be learned
/// count for nothing.
fn count_tokens(folder: PathBuf, examples: &[Example]) -> Option<Counted> {
    let tokenizer = Tokenizer::open(&folder).ok()?;
    let template = ChatTemplate::from_model_dir(&folder).ok()?;
    let mut counted = Counted::default();
    for example in examples {
        let place = Place { file: None, line: 1 };
        counted.rows += 1;
        counted.characters += example.payload.to_string().chars().count() as u64;
        let Ok(record) = records::example(example) else { continue };
        let Ok(row) = Row::from_json(record.training_row(), place.clone()) else { continue };
        let Ok((row, _)) = encode_row(&row, &tokenizer, template.as_ref(), LossMask::default(), place) else {
            continue;
        };
        counted.tokens += row.ids.len() as u64;
        counted.longest = counted.longest.max(row.ids.len() as u64);
    }
    Some(counted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(hidden_size: usize, data: Option<(u64, u64, u64)>) -> TrainConfig {
        let data = data.map(|(rows, tokens, longest)| DataSize { rows, tokens, longest });
        let situation = Situation { context_length: 8192, hidden_size: Some(hidden_size), data };
        TrainConfig::defaults(&situation, Asked::default())
    }

    #[test]
    fn small_models_learn_faster_and_whole_models_slower() {
        assert_eq!(
            [256, 576].map(|width| (of(width, None).rank, of(width, None).alpha)),
            [(64, 128.0), (16, 32.0)]
        );
        let rates = [256, 576, 2048, 4096, 8192].map(|width| of(width, None).learning_rate);
        assert_eq!(rates, [2.5e-3, 1.3e-3, 4.9e-4, 2.9e-4, 1.7e-4]);
        let situation = Situation { context_length: 2048, hidden_size: Some(2048), data: None };
        assert_eq!(
            TrainConfig::defaults(&situation, Asked { method: Some(Method::Full), max_seq_len: None })
                .learning_rate,
            4.9e-5
        );
    }

    #[test]
    fn little_data_is_learned_in_small_steps_and_repeated() {
        let shape = |width, data| {
            let config = of(width, Some(data));
            (config.micro_batch_size, config.max_seq_len, config.epochs.expect("epochs"))
        };
        assert_eq!(shape(256, (60, 2_500, 86)), (2, 128, 10.0));
        assert_eq!(shape(256, (450, 19_000, 86)), (2, 128, 8.0));
        assert_eq!(shape(256, (1_463, 62_000, 86)), (2, 128, 3.0));
        assert_eq!(shape(2048, (60, 12_000, 400)), (1, 448, 10.0));
        assert_eq!(shape(2048, (100_000, 20_000_000, 900)), (4, 960, 3.0));
    }

    #[test]
    fn long_examples_have_room_as_far_as_the_model_sees() {
        assert_eq!(of(576, Some((10, 9_000, 1_500))).max_seq_len, 1_536);
        assert_eq!(of(576, Some((10, 90_000, 15_000))).max_seq_len, 4_096);
        let data = Some(DataSize { rows: 10, tokens: 90_000, longest: 15_000 });
        let situation = Situation { context_length: 512, hidden_size: None, data };
        assert_eq!(TrainConfig::defaults(&situation, Asked::default()).max_seq_len, 512);
        let asked = Asked { max_seq_len: Some(128), ..Asked::default() };
        assert_eq!(TrainConfig::defaults(&situation, asked).micro_batch_size, 4, "a step stays as large");
    }

    #[test]
    fn without_data_a_step_is_of_usual_size() {
        let config = of(576, None);
        assert_eq!((config.micro_batch_size, config.max_seq_len, config.epochs), (1, 1024, Some(3.0)));
    }
}
