//! What the studio is set to, and every list that a client offers.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::{ApiError, ApiResult};
use super::extract::Json;
use super::state::AppState;
use super::train_config::{BasePrecision, Method, Precision, Schedule};
use super::{chat, chunks, dataset, export as exports, projects};
use crate::config::Source;
use crate::library;

/// One setting of the server.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SettingView {
    /// Its name.
    #[schema(example = "port")]
    pub name: String,
    /// Its value as text; null for secrets.
    pub value: Option<String>,
    /// Where it comes from.
    pub source: Source,
    /// The environment variable.
    #[schema(example = "FTF_PORT")]
    pub environment: String,
    /// The key in `finetuneflow.toml`.
    #[schema(example = "server.port")]
    pub key: Option<String>,
    /// When nothing is given.
    pub default: String,
    /// For people.
    pub help: String,
}

/// One entry of a list to choose from.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OptionEntry {
    /// What requests name.
    pub id: String,
    /// Shown to people.
    pub label: String,
    /// Ending of files in this format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
}

/// A type of weights to choose from.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct QuantizationOption {
    /// What requests name.
    #[schema(example = "q8_0")]
    pub id: String,
    /// About so many bits a weight: with the model's parameters, a file's size.
    pub bits_per_weight: f64,
}

/// Every list that a client offers.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Options {
    /// Of projects.
    pub tasks: Vec<OptionEntry>,
    /// Of projects.
    pub languages: Vec<OptionEntry>,
    /// Of trainings.
    pub methods: Vec<OptionEntry>,
    /// Of trainings.
    pub schedules: Vec<OptionEntry>,
    /// Of trainings.
    pub precisions: Vec<OptionEntry>,
    /// Of trainings with adapters: how the frozen base can be kept.
    pub base_precisions: Vec<OptionEntry>,
    /// Of trainings with adapters; names may be joined with commas.
    pub target_modules: Vec<OptionEntry>,
    /// Of GGUF exports.
    pub quantizations: Vec<QuantizationOption>,
    /// Of examples.
    pub generators: Vec<OptionEntry>,
    /// That are recognised in imports.
    pub import_formats: Vec<OptionEntry>,
    /// That a data set is exported in.
    pub dataset_formats: Vec<OptionEntry>,
    /// That a trained model is exported in.
    pub export_formats: Vec<OptionEntry>,
    /// Endings of documents that can be read.
    pub document_extensions: Vec<String>,
    /// Endings of files that can be imported.
    pub dataset_extensions: Vec<String>,
}

/// What the server takes.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LimitsView {
    /// The largest file.
    pub max_upload_bytes: u64,
    /// The largest other request.
    pub max_body_bytes: u64,
    /// Files in one upload.
    pub max_files_per_upload: u64,
}

/// How documents are cut when a request does not say.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ChunkDefaults {
    /// Length of a chunk.
    pub max_tokens: u32,
    /// Repeated from the chunk before.
    pub overlap_tokens: u32,
}

/// How examples are made when a request does not say.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct GenerateDefaults {
    /// Phrasings of a question about one fact.
    pub questions_per_fact: u64,
}

/// How models answer when a request does not say.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ChatDefaults {
    /// New tokens at most.
    pub max_tokens: u32,
    /// 0: the most likely token each time.
    pub temperature: f32,
    /// Share of the probability that is drawn from.
    pub top_p: f32,
}

/// What requests may leave out. Of trainings `GET /api/projects/{project_id}/train/defaults` tells it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Defaults {
    /// Of chunks.
    pub chunks: ChunkDefaults,
    /// Of examples.
    pub generate: GenerateDefaults,
    /// Of the playground.
    pub chat: ChatDefaults,
}

/// What the studio is set to.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Settings {
    /// Of the program.
    pub version: String,
    /// Where everything is kept.
    pub data_dir: String,
    /// Of the server.
    pub settings: Vec<SettingView>,
    /// Every list that a client offers.
    pub options: Options,
    /// What the server takes.
    pub limits: LimitsView,
    /// What requests may leave out. Of trainings `GET /api/projects/{project_id}/train/defaults` tells it.
    pub defaults: Defaults,
}

/// What the machine has for recognising text.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OcrView {
    /// Pictures can be read.
    pub available: bool,
    /// Its version; null where it is not installed (Debian: tesseract-ocr, Fedora: tesseract).
    pub tesseract: Option<String>,
    /// The languages that can be asked for, as tesseract calls them.
    #[schema(example = json!(["eng", "fra"]))]
    pub languages: Vec<String>,
    /// Scanned PDF files can be read too (poppler-utils is installed).
    pub pdf_pages: bool,
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(read)).routes(routes!(ocr))
}

/// What the machine has for recognising the text of scans and pictures
///
/// Asked of the programs themselves, each time.
#[utoipa::path(get, path = "/api/settings/ocr", tag = "settings", responses((status = 200, body = OcrView)))]
async fn ocr(State(state): State<AppState>) -> ApiResult<Json<OcrView>> {
    let command = library::child_command(state.services.program.clone());
    let ask = tokio::task::spawn_blocking(move || documents::ocr::installed(&command));
    let installed = ask.await.map_err(|error| ApiError::internal(&error))?;
    Ok(Json(OcrView {
        available: installed.tesseract.is_some() && !installed.languages.is_empty(),
        tesseract: installed.tesseract,
        languages: installed.languages,
        pdf_pages: installed.pdf_pages,
    }))
}

/// What the studio is set to, and every list that a client offers
#[utoipa::path(get, path = "/api/settings", tag = "settings", responses((status = 200, body = Settings)))]
async fn read(State(state): State<AppState>) -> Json<Settings> {
    let config = &state.config;
    Json(Settings {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        data_dir: config.data_dir.display().to_string(),
        settings: config.resolved.iter().map(setting).collect(),
        options: options(),
        limits: LimitsView {
            max_upload_bytes: config.max_upload_bytes,
            max_body_bytes: config.max_body_bytes as u64,
            max_files_per_upload: config.max_files_per_upload as u64,
        },
        defaults: Defaults {
            chunks: ChunkDefaults { max_tokens: chunks::DEFAULT_MAX_TOKENS, overlap_tokens: 0 },
            generate: GenerateDefaults { questions_per_fact: dataset::DEFAULT_QUESTIONS as u64 },
            chat: ChatDefaults { max_tokens: chat::DEFAULT_MAX_TOKENS, temperature: 0.0, top_p: 1.0 },
        },
    })
}

fn setting(resolved: &crate::config::Resolved) -> SettingView {
    let setting = resolved.setting;
    SettingView {
        name: setting.name.to_owned(),
        value: (!setting.secret).then(|| resolved.value.clone()),
        source: resolved.source,
        environment: setting.environment.to_owned(),
        key: setting.key.map(str::to_owned),
        default: setting.default.to_owned(),
        help: setting.help.to_owned(),
    }
}

fn entry(id: &str, label: &str) -> OptionEntry {
    OptionEntry { id: id.to_owned(), label: label.to_owned(), extension: None }
}

fn entries(list: &[(&str, &str)]) -> Vec<OptionEntry> {
    list.iter().map(|(id, label)| entry(id, label)).collect()
}

fn names<T>(list: &[(T, &str)], label: impl Fn(&str) -> &'static str) -> Vec<OptionEntry> {
    list.iter().map(|(_, id)| entry(id, label(id))).collect()
}

fn options() -> Options {
    let modules = engine::models::Module::ALL.into_iter().map(|module| entry(module.name(), module.name()));
    let mut export_formats: Vec<_> =
        export::FORMATS.iter().map(|format| entry(format.id, format.label)).collect();
    export_formats.push(entry(exports::ZIP, "All of them in one zip, with a report"));
    Options {
        tasks: entries(projects::TASKS),
        languages: entries(projects::LANGUAGES),
        methods: names(Method::NAMES, |id| match id {
            "lora" => "LoRA: small adapters on a frozen model",
            "dora" => "DoRA: adapters that also learn the rows' norms",
            _ => "Full: every weight",
        }),
        schedules: names(Schedule::NAMES, |id| match id {
            "constant" => "Constant",
            "linear" => "Linear decay",
            _ => "Cosine decay",
        }),
        precisions: names(Precision::NAMES, |id| match id {
            "f32" => "f32: the reference",
            _ => "bf16: half the memory",
        }),
        base_precisions: names(BasePrecision::NAMES, |id| match id {
            "nf4" => "NF4: 4 bits (QLoRA)",
            _ => "q8: 8 bits",
        }),
        target_modules: [entry("all-linear", "All linear layers")].into_iter().chain(modules).collect(),
        quantizations: export::Quantization::ALL
            .into_iter()
            .map(|kind| QuantizationOption {
                id: kind.id().to_owned(),
                bits_per_weight: kind.bits_per_weight(),
            })
            .collect(),
        generators: entries(dataset::GENERATORS),
        import_formats: super::dataset_files::import_formats(),
        dataset_formats: super::dataset_files::export_formats(),
        export_formats,
        document_extensions: library::document_extensions().into_iter().map(str::to_owned).collect(),
        dataset_extensions: library::DATASET_EXTENSIONS.iter().map(|ending| (*ending).to_owned()).collect(),
    }
}
