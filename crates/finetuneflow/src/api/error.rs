//! Errors as the API answers them: one shape, and one table of codes with status and what the user can do.
//!
//! A handler returns [`ApiError`]; [`super::observe`] logs it once, when the answer leaves.

use std::fmt;
use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::StoreError;
use utoipa::ToSchema;

use crate::inference::InferenceError;

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident $code:literal $status:literal $hint:literal;)+) => {
        /// What went wrong, as a stable code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $hint] $variant,)+ }

        /// Every code: its name, its HTTP status, and what the user can do when the place says nothing better.
        pub const CODES: &[(Code, &str, u16, &str)] = &[$((Code::$variant, $code, $status, $hint),)+];

        impl Code {
            /// The name in JSON.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The HTTP status.
            pub fn status(self) -> StatusCode {
                let status = match self { $(Self::$variant => $status,)+ };
                StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }

            /// What the user can do.
            pub fn hint(self) -> &'static str {
                match self { $(Self::$variant => $hint,)+ }
            }
        }
    };
}

error_codes! {
    InvalidRequest "invalid_request" 400 "Correct what is named and send it again.";
    InvalidJson "invalid_json" 400 "Send one JSON object with the header content-type: application/json.";
    InvalidUpload "invalid_upload" 400 "Send multipart/form-data with a field `kind` followed by one or more fields `files`.";
    HostNotAllowed "host_not_allowed" 403 "Open the studio under the address that it printed at its start, or add this host to FTF_ALLOWED_HOSTS.";
    OriginNotAllowed "origin_not_allowed" 403 "Use the studio's own page, or add this origin to FTF_ALLOWED_ORIGINS.";
    HubModelGated "hub_model_gated" 403 "Accept the licence on the model's page, then enter a token of that account in the settings.";
    NotFound "not_found" 404 "Check the address; GET /api/openapi.json lists every route.";
    ProjectNotFound "project_not_found" 404 "It may have been deleted. Reload the list of projects.";
    FileNotFound "file_not_found" 404 "It may have been deleted. Reload the list of files.";
    ChunkNotFound "chunk_not_found" 404 "It may have been replaced. Reload the list of chunks.";
    ExampleNotFound "example_not_found" 404 "It may have been deleted. Reload the list of examples.";
    RunNotFound "run_not_found" 404 "Reload the list of runs.";
    JobNotFound "job_not_found" 404 "Reload the list of jobs.";
    ModelNotFound "model_not_found" 404 "GET /api/models lists the models that can be used.";
    ExportNotFound "export_not_found" 404 "Start an export of this run first.";
    DatasetNotFound "dataset_not_found" 404 "Upload the data set again and use the id from the answer.";
    HubModelNotFound "hub_model_not_found" 404 "Check the spelling on the hub's page; a private model needs a token that may see it.";
    ConnectionNotFound "connection_not_found" 404 "GET /api/settings/providers lists the connections.";
    MethodNotAllowed "method_not_allowed" 405 "Check the method; GET /api/openapi.json lists every route.";
    Conflict "conflict" 409 "Reload and try again.";
    HubOffline "hub_offline" 409 "Choose a model that is on this computer, or start the studio without FTF_OFFLINE and HF_HUB_OFFLINE.";
    HubTokenRefused "hub_token_refused" 409 "Enter the token for the hub again in the settings.";
    AlreadyRunning "already_running" 409 "Wait until it ends, or cancel it first.";
    NotResumable "not_resumable" 409 "Only a stopped run with a checkpoint can go on; start a new run.";
    NotFinished "not_finished" 409 "Wait until it ends.";
    ModelExists "model_exists" 409 "Choose another name, or ask for the model to be replaced.";
    NothingToDo "nothing_to_do" 409 "Do the step before this one first.";
    PayloadTooLarge "payload_too_large" 413 "Send less at once, or raise FTF_MAX_UPLOAD_BYTES or FTF_MAX_BODY_BYTES.";
    UnsupportedMediaType "unsupported_media_type" 415 "GET /api/settings lists the file types that can be read.";
    UnreadableDocument "unreadable_document" 422 "Open the file in its own program and save it again, or upload another one.";
    InvalidDataset "invalid_dataset" 422 "Correct the rows that are named and upload the file again.";
    ContextLengthExceeded "context_length_exceeded" 400 "Shorten the conversation, or begin a new one.";
    InvalidModel "invalid_model" 422 "Choose another model, or repair the files that are named.";
    NoSafetensors "no_safetensors" 422 "Choose a repository with safetensors weights.";
    UnsupportedModel "unsupported_model" 422 "Choose a Llama, Mistral, Qwen 2, Qwen 3, Gemma 2, Gemma 3 (text) or Phi 3 model that is not quantized.";
    DoesNotFit "does_not_fit" 422 "Choose the smaller settings that are proposed.";
    QueueFull "queue_full" 429 "Wait until some of the questions are answered and try again.";
    RateLimited "rate_limited" 429 "Wait a moment and try again.";
    HubRateLimited "hub_rate_limited" 429 "Wait some minutes and try again; with a token the hub allows more.";
    Internal "internal" 500 "Try again. If it stays, look for the request id in the server's log and report it.";
    ProviderFailed "provider_failed" 502 "Correct the connection in the settings, or start the server that it names.";
    HubUnreachable "hub_unreachable" 502 "Check the connection to the internet, then try again; what was downloaded before can be used.";
    HubNotTrusted "hub_not_trusted" 502 "Try again; if it stays, choose another model and tell the hub of this one.";
    Unavailable "unavailable" 503 "Try again in a moment; GET /health says which part is missing.";
    StorageFull "storage_full" 507 "Free some disk space or move the data folder, then try again.";
}

/// One field of a request that is not valid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// Path of the field, e.g. `messages[1].content`.
    #[schema(example = "learning_rate")]
    pub field: String,
    /// What is wrong with it.
    #[schema(example = "must be greater than 0")]
    pub message: String,
}

/// The inner part of every error answer. It also goes beside the response, for who answers in another shape.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// Stable name of the error.
    #[schema(example = "project_not_found")]
    pub code: String,
    /// What happened, in English.
    pub message: String,
    /// The values that a translated message needs.
    #[schema(value_type = Object)]
    pub params: Map<String, Value>,
    /// What the user can do.
    pub hint: String,
    /// The fields that are not valid; empty when the error is of another kind.
    pub fields: Vec<FieldError>,
    /// To find the request in the server's log.
    pub request_id: String,
}

/// Every error answer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ErrorEnvelope {
    /// The error.
    pub error: ErrorBody,
}

/// An error on its way to the client.
#[derive(Debug)]
pub struct ApiError {
    /// Its row in the table.
    pub code: Code,
    /// Apart, because results that are not errors should stay small.
    details: Box<Details>,
}

#[derive(Debug, Default)]
struct Details {
    message: String,
    params: Map<String, Value>,
    hint: Option<String>,
    fields: Vec<FieldError>,
    cause: Option<String>,
}

/// The result of a handler.
pub type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    /// An error with the table's status and hint.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, details: Box::new(Details { message: message.into(), ..Details::default() }) }
    }

    /// A hint that fits this place better than the table's.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.details.hint = Some(hint.into());
        self
    }

    /// A value that a translated message needs.
    pub fn param(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.params.insert(name.to_owned(), value.into());
        self
    }

    /// Which case of the code it is, for a translated message.
    pub fn reason(self, reason: &str) -> Self {
        self.param("reason", reason)
    }

    /// What is known of the cause: its code as `cause`, with its values.
    pub fn because(mut self, error: impl Into<anyhow::Error>) -> Self {
        if let Some(words) = crate::words::cause_of(&error.into()) {
            self.details.params.extend(words.params);
            return self.param("cause", words.code);
        }
        self
    }

    /// One more field that is not valid.
    pub fn field(mut self, field: impl Into<String>, message: impl Into<String>) -> Self {
        self.details.fields.push(FieldError { field: field.into(), message: message.into() });
        self
    }

    /// `invalid_request` for the given fields.
    pub fn invalid_fields(fields: Vec<FieldError>) -> Self {
        let message = match fields.as_slice() {
            [only] => format!("{} {}.", only.field, only.message),
            more => format!("{} fields are not valid.", more.len()),
        };
        let mut error = Self::new(Code::InvalidRequest, message);
        error.details.fields = fields;
        error
    }

    /// `invalid_request` for one field.
    pub fn invalid_field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::invalid_fields(vec![FieldError { field: field.into(), message: message.into() }])
    }

    /// The thing with this id does not exist.
    pub fn missing(code: Code, what: &str, id: impl fmt::Display) -> Self {
        let id = id.to_string();
        Self::new(code, format!("There is no {what} {id}.")).param("id", id)
    }

    /// A failure of ours: the client learns nothing but the request id, the log gets the cause.
    pub fn internal(cause: impl fmt::Display) -> Self {
        let mut error = Self::new(Code::Internal, "Something went wrong inside the server.");
        error.details.cause = Some(cause.to_string());
        error
    }

    /// The body, with the id of the request that is being answered.
    pub fn body(&self, request_id: String) -> ErrorBody {
        ErrorBody {
            code: self.code.as_str().to_owned(),
            message: self.details.message.clone(),
            params: self.details.params.clone(),
            hint: self.details.hint.clone().unwrap_or_else(|| self.code.hint().to_owned()),
            fields: self.details.fields.clone(),
            request_id,
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.details.cause {
            Some(cause) => write!(formatter, "{}: {cause}", self.code.as_str()),
            None => write!(formatter, "{}: {}", self.code.as_str(), self.details.message),
        }
    }
}

/// What the log needs of an error answer; carried beside the response.
#[derive(Clone, Debug)]
pub struct LoggedError(pub Arc<str>);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let logged = LoggedError(self.to_string().into());
        let error = self.body(super::observe::current_request_id());
        let mut response = (self.code.status(), Json(ErrorEnvelope { error: error.clone() })).into_response();
        response.extensions_mut().insert(logged);
        response.extensions_mut().insert(error);
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::NotFound { what, id } => {
                let code = match *what {
                    "project" => Code::ProjectNotFound,
                    "file" => Code::FileNotFound,
                    "chunk" => Code::ChunkNotFound,
                    "example" => Code::ExampleNotFound,
                    "run" => Code::RunNotFound,
                    "job" => Code::JobNotFound,
                    "dataset version" => Code::DatasetNotFound,
                    _ => Code::NotFound,
                };
                Self::missing(code, what, id)
            }
            StoreError::Conflict { .. } => Self::new(Code::Conflict, sentence(&error.to_string())),
            StoreError::TooLarge { limit_bytes } => {
                Self::new(Code::PayloadTooLarge, format!("The file is larger than {limit_bytes} bytes."))
                    .param("limit_bytes", *limit_bytes)
            }
            StoreError::Content(reason) => {
                Self::new(Code::InvalidUpload, format!("The upload ended before its end: {reason}."))
                    .hint("Check the connection and upload the file again.")
            }
            StoreError::Storage { reason, .. } if is_disk_full(reason) => {
                Self::new(Code::StorageFull, "The disk is full.")
            }
            StoreError::Database(cause) if is_disk_full(&cause.to_string()) => {
                Self::new(Code::StorageFull, "The disk is full.")
            }
            _ => Self::internal(&error),
        }
    }
}

impl From<crate::library::LibraryError> for ApiError {
    fn from(error: crate::library::LibraryError) -> Self {
        match error {
            crate::library::LibraryError::Store(error) => error.into(),
            crate::library::LibraryError::Document { message, error } => {
                // "what happened; what to do", as these errors are written.
                let (happened, hint) =
                    message.split_once("; ").unwrap_or((&message, Code::UnreadableDocument.hint()));
                let kind = serde_json::to_value(&*error).ok().and_then(|value| value.get("code").cloned());
                Self::new(Code::UnreadableDocument, with_full_stop(happened))
                    .hint(sentence(hint))
                    .param("reason", kind.unwrap_or_default())
            }
            crate::library::LibraryError::Internal(reason) => Self::internal(reason),
        }
    }
}

impl From<InferenceError> for ApiError {
    fn from(error: InferenceError) -> Self {
        let message = sentence(&error.to_string());
        match error {
            InferenceError::Full(_) => Self::new(Code::QueueFull, message),
            InferenceError::Context { tokens, context } => Self::new(Code::ContextLengthExceeded, message)
                .param("tokens", tokens)
                .param("context_length", context),
            InferenceError::Template(_) => Self::new(Code::InvalidRequest, message)
                .field("messages", "are not taken by the model's chat template"),
            InferenceError::Model(_) => {
                Self::new(Code::InvalidModel, message).hint("Choose another model or train again.")
            }
        }
    }
}

/// True when the system's words say that no space is left.
pub(crate) fn is_disk_full(reason: &str) -> bool {
    reason.contains("No space left") || reason.contains("os error 28") || reason.contains("disk is full")
}

/// A lower-case error text as a sentence.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    with_full_stop(&first.chain(letters).collect::<String>())
}

/// An error text that begins with a file's name, as a sentence.
pub(crate) fn with_full_stop(text: &str) -> String {
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_is_unique_has_an_error_status_and_says_what_to_do() {
        let mut names = HashSet::new();
        for (code, name, status, hint) in CODES {
            assert!(names.insert(*name), "{name} stands twice in the table");
            assert!(name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_'), "{name}");
            assert!((400..600).contains(status), "{name} has status {status}");
            assert!(hint.len() > 10 && hint.ends_with('.'), "{name} needs a sentence that helps");
            assert_eq!((code.as_str(), code.status().as_u16(), code.hint()), (*name, *status, *hint));
            let response = ApiError::new(*code, "It happened.").into_response();
            assert_eq!(response.status().as_u16(), *status);
        }
    }

    #[test]
    fn internal_causes_stay_inside() {
        let error = ApiError::internal("password=hunter2");
        assert!(error.to_string().contains("hunter2"), "the log has the cause");
        let body = serde_json::to_string(&error.body("r1".to_owned())).expect("serializes");
        assert!(!body.contains("hunter2"), "the answer does not: {body}");
    }
}
