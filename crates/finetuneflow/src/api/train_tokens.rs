//! What a training would see of an example: its tokens through the model's chat template, and which of them are learned.

use std::collections::HashSet;
use std::path::Path as FilePath;

use axum::extract::State;
use engine::batching::{IGNORE, LossMask, Place, Row, encode_row};
use engine::tokenizer::{ChatTemplate, Tokenizer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::error::{ApiError, ApiResult, Code};
use super::extract::{Json, Path, Query};
use super::projects::ProjectSettings;
use super::state::AppState;
use crate::records;

/// The most tokens that are told one by one.
const MOST_TOKENS: usize = 4096;
/// Ids whose text still ends in U+FFFD after this many are told as they are: they are no UTF-8.
const LONGEST_CHARACTER: usize = 8;

/// Which example, and how long a row may be.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct TokensQuery {
    /// The example.
    example_id: Uuid,
    /// Longer rows are cut; left out: at the model's context.
    max_seq_len: Option<u32>,
}

/// An example as a training sees it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TrainTokens {
    /// The example.
    pub example_id: Uuid,
    /// The model whose tokenizer and chat template these are.
    pub model_id: String,
    /// The first tokens of the row, at most 4096.
    pub tokens: Vec<TrainToken>,
    /// Tokens of the whole row.
    pub total: u64,
    /// Of them learned, were nothing cut.
    pub learned: u64,
    /// Where a row is cut.
    pub max_seq_len: u64,
    /// Tokens behind that.
    pub cut: u64,
    /// Of them, those that would be learned.
    pub cut_learned: u64,
}

/// One token.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrainToken {
    /// In the vocabulary.
    pub id: u32,
    /// Its text; empty where a character goes on in the next token.
    pub text: String,
    /// The model learns to say it.
    pub learned: bool,
    /// A mark of the template or the tokenizer, not of the text.
    pub special: bool,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(tokens))
}

/// An example as a training sees it: its tokens, and which of them are learned
#[utoipa::path(get, path = "/api/projects/{project_id}/train/tokens", tag = "train",
    params(("project_id" = Uuid, Path), TokensQuery), responses((status = 200, body = TrainTokens)))]
async fn tokens(
    State(state): State<AppState>,
    Path(project_id): Path<Uuid>,
    Query(query): Query<TokensQuery>,
) -> ApiResult<Json<TrainTokens>> {
    let project = store::projects::get(&state.database, project_id).await?;
    let settings = ProjectSettings::of(&project);
    let model = super::models::usable(&state, &settings.model_id)?;
    let context = model.context_length.unwrap_or(2048);
    let max_seq_len = query.max_seq_len.map_or(context, u64::from);
    if !(16..=context).contains(&max_seq_len) {
        let message = format!("must be between 16 and the model's context of {context}");
        return Err(ApiError::invalid_field("max_seq_len", message));
    }
    let example = store::examples::get(&state.database, project_id, query.example_id).await?;
    let row = records::example(&example).map_err(ApiError::internal)?.training_row();
    let folder = state.services.models.dir(&settings.model_id).map_err(ApiError::internal)?;
    // Reading a tokenizer takes a moment.
    let encode = tokio::task::spawn_blocking(move || encode(&folder, row));
    let encoded = encode.await.map_err(ApiError::internal)?;
    let encoded = encoded.map_err(|error| {
        ApiError::new(Code::InvalidDataset, format!("This example cannot be learned as it is: {error}."))
            .hint("Correct the example, or choose a model with a chat template.")
    })?;
    let length = usize::try_from(max_seq_len).unwrap_or(usize::MAX).min(encoded.learned.len());
    let count = |part: &[bool]| part.iter().filter(|learned| **learned).count() as u64;
    Ok(Json(TrainTokens {
        example_id: example.id,
        model_id: settings.model_id,
        total: encoded.learned.len() as u64,
        learned: count(&encoded.learned),
        max_seq_len,
        cut: (encoded.learned.len() - length) as u64,
        cut_learned: count(&encoded.learned[length..]),
        tokens: encoded.tokens,
    }))
}

struct Encoded {
    /// The first ones.
    tokens: Vec<TrainToken>,
    /// Of all.
    learned: Vec<bool>,
}

fn encode(model: &FilePath, row: Value) -> anyhow::Result<Encoded> {
    let tokenizer = Tokenizer::open(model)?;
    let template = ChatTemplate::from_model_dir(model)?;
    let place = Place { file: None, line: 1 };
    let row = Row::from_json(row, place.clone())?;
    let (row, _) = encode_row(&row, &tokenizer, template.as_ref(), LossMask::default(), place)?;
    // A row's first token is given, whatever its label says.
    let learned =
        row.labels.iter().enumerate().map(|(at, label)| at > 0 && *label != IGNORE).collect::<Vec<_>>();
    let shown = row.ids.len().min(MOST_TOKENS);
    let tokens = texts(&tokenizer, &row.ids[..shown])
        .into_iter()
        .zip(&learned)
        .map(|((id, text, special), learned)| TrainToken { id, text, learned: *learned, special })
        .collect();
    Ok(Encoded { tokens, learned })
}

/// The text that each token adds, and whether it is a special one. Where a character takes several tokens, the last has it.
fn texts(tokenizer: &Tokenizer, ids: &[u32]) -> Vec<(u32, String, bool)> {
    let special: HashSet<u32> = tokenizer.special_tokens().map(|(_, id)| id).collect();
    // Decoders treat the first id of a text differently: the one before is context.
    let (mut context, mut waiting) = (Vec::new(), Vec::new());
    let mut found = Vec::with_capacity(ids.len());
    for &id in ids {
        if special.contains(&id) {
            found.push((id, tokenizer.id_token(id).unwrap_or_default(), true));
            (context, waiting) = (vec![id], Vec::new());
            continue;
        }
        waiting.push(id);
        let before = tokenizer.decode(&context, false);
        let text = tokenizer.decode(&[context.as_slice(), waiting.as_slice()].concat(), false);
        if text.ends_with(char::REPLACEMENT_CHARACTER) && waiting.len() < LONGEST_CHARACTER {
            found.push((id, String::new(), false));
            continue;
        }
        found.push((id, text.get(before.len()..).unwrap_or_default().to_owned(), false));
        context = std::mem::take(&mut waiting);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_of_tokens_joined_are_the_text() {
        let folder = tempfile::tempdir().expect("a folder");
        crate::bundled::unpack_base_model(folder.path()).expect("unpacks");
        let tokenizer = Tokenizer::open(folder.path()).expect("opens");
        let text = "Ouvert dès 9 h — 日本 🦊, and after lunch.";
        let ids = tokenizer.encode(text);
        let found = texts(&tokenizer, &ids);
        assert_eq!(found.iter().map(|(_, text, _)| text.as_str()).collect::<String>(), text);
        assert_eq!(found.len(), ids.len());
    }

    #[test]
    fn only_the_answer_is_learned() {
        let folder = tempfile::tempdir().expect("a folder");
        crate::bundled::unpack_base_model(folder.path()).expect("unpacks");
        let messages = serde_json::json!([
            { "role": "user", "content": "When does it open?" },
            { "role": "assistant", "content": "At nine." },
        ]);
        let encoded = encode(folder.path(), serde_json::json!({ "messages": messages })).expect("encodes");
        let learned = |wanted: bool| {
            let tokens = encoded.tokens.iter().filter(|token| token.learned == wanted && !token.special);
            tokens.map(|token| token.text.as_str()).collect::<String>()
        };
        assert!(learned(true).contains("At nine."), "{:?}", encoded.tokens);
        assert!(!learned(true).contains("open"), "{:?}", encoded.tokens);
        assert!(learned(false).contains("When does it open?"), "{:?}", encoded.tokens);
        assert!(encoded.tokens.iter().any(|token| token.special), "the template's marks are shown");
    }
}
