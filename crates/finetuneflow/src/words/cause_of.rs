//! The cause of an error, from the types of errors that this program and its libraries have.

use std::io::{self, ErrorKind};
use std::path::Path;

use documents::DocumentError;
use engine::adapters::peft::AdapterError;
use engine::batching::DataError;
use engine::models::ModelError;
use engine::tokenizer::{TemplateError, TokenizerError};
use engine::trainer::TrainError;
use engine::weights::WeightsError;
use export::ExportError;
use serde_json::Value;
use store::StoreError;

use super::{Cause, Caused, Words};
use crate::hub::HubError;
use crate::label_studio::LabelStudioError;
use crate::library::LibraryError;
use crate::ollama::OllamaError;
use crate::providers::ProviderError;

/// Why something failed, if that is known: the first known error of the chain.
pub fn cause_of(error: &anyhow::Error) -> Option<Words> {
    error.chain().find_map(|error| {
        if let Some(caused) = error.downcast_ref::<Caused>() {
            return Some(caused.cause.clone());
        }
        Some(of_known(error)?.words())
    })
}

/// The cause of this error, under other words.
pub fn because(error: impl Into<anyhow::Error>, text: String) -> anyhow::Error {
    match cause_of(&error.into()) {
        Some(cause) => Caused { cause, text }.into(),
        None => anyhow::anyhow!(text),
    }
}

fn of_known(error: &(dyn std::error::Error + 'static)) -> Option<Cause> {
    if let Some(error) = error.downcast_ref::<StoreError>() {
        return of_store(error);
    }
    if let Some(error) = error.downcast_ref::<LibraryError>() {
        return match error {
            LibraryError::Store(error) => of_store(error),
            LibraryError::Document { error, .. } => Some(of_document(error)),
            LibraryError::Internal(_) => None,
        };
    }
    error
        .downcast_ref::<ProviderError>()
        .and_then(of_provider)
        .or_else(|| error.downcast_ref::<LabelStudioError>().map(of_label_studio))
        .or_else(|| error.downcast_ref::<OllamaError>().map(of_ollama))
        .or_else(|| error.downcast_ref::<HubError>().map(of_hub))
        .or_else(|| error.downcast_ref::<DocumentError>().map(of_document))
        .or_else(|| of_engine(error))
        .or_else(|| error.downcast_ref::<io::Error>().map(of_system))
}

fn of_store(error: &StoreError) -> Option<Cause> {
    let full = |reason: &str| crate::api::error::is_disk_full(reason);
    Some(match error {
        StoreError::NotFound { what, id } => Cause::NotThere { detail: format!("{what} {id}") },
        StoreError::Storage { reason, .. } if full(reason) => Cause::StorageFull { detail: None },
        StoreError::Storage { key, reason } => Cause::FileAccess { detail: format!("{key}: {reason}") },
        StoreError::Database(cause) if full(&cause.to_string()) => Cause::StorageFull { detail: None },
        StoreError::Database(cause) => Cause::DatabaseFailed { detail: cause.to_string() },
        _ => return None,
    })
}

fn of_system(error: &io::Error) -> Cause {
    match error.kind() {
        ErrorKind::StorageFull => Cause::StorageFull { detail: None },
        ErrorKind::OutOfMemory => Cause::OutOfMemory {},
        _ => Cause::FileAccess { detail: error.to_string() },
    }
}

fn of_file(path: &Path, error: &io::Error) -> Cause {
    match of_system(error) {
        Cause::FileAccess { detail } => Cause::FileAccess { detail: format!("{}: {detail}", path.display()) },
        cause => cause,
    }
}

fn of_document(error: &DocumentError) -> Cause {
    let value = serde_json::to_value(error).unwrap_or_default();
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let file = text("file");
    let name = Path::new(&file).file_name().map_or(file.clone(), |name| name.to_string_lossy().into_owned());
    Cause::UnreadableDocument { reason: text("code"), file: name }
}

fn of_provider(error: &ProviderError) -> Option<Cause> {
    Some(match error.clone() {
        ProviderError::Unreachable { address, reason } => {
            Cause::ServerUnreachable { address, detail: reason }
        }
        ProviderError::TimedOut { address, seconds } => Cause::ServerTimedOut { address, seconds },
        ProviderError::Unauthorized { address, .. } => Cause::ServerUnauthorized { address },
        ProviderError::UnknownModel { address, model, .. } => Cause::ServerUnknownModel { address, model },
        ProviderError::Limited { address, message, .. } => Cause::ServerBusy { address, detail: message },
        ProviderError::Failed { address, message, .. } => Cause::ServerFailed { address, detail: message },
        ProviderError::Refused { address, message, .. } => Cause::ServerRefused { address, detail: message },
        ProviderError::NoAnswer { address, reason } => Cause::ServerUnexpected { address, detail: reason },
        ProviderError::BuiltIn(_) => return None,
    })
}

fn of_label_studio(error: &LabelStudioError) -> Cause {
    use LabelStudioError as E;
    match error.clone() {
        E::Unreachable { address, reason } => Cause::ServerUnreachable { address, detail: reason },
        E::TimedOut { address, seconds } => Cause::ServerTimedOut { address, seconds },
        E::NotLabelStudio { address, reason } => Cause::ServerUnexpected { address, detail: reason },
        E::Moved { address, location } => Cause::ServerUnexpected { address, detail: location },
        E::Unauthorized { address, .. } => Cause::ServerUnauthorized { address },
        E::NoProject { address, project } => Cause::LabelStudioNoProject { address, project },
        E::Limited { address, message, .. } => Cause::ServerBusy { address, detail: message },
        E::Failed { address, message, .. } | E::Unfinished { address, message, .. } => {
            Cause::ServerFailed { address, detail: message }
        }
        E::Refused { address, message, .. } => Cause::ServerRefused { address, detail: message },
        E::TooLarge { address, limit_bytes } => {
            Cause::ServerUnexpected { address, detail: format!("more than {limit_bytes} bytes") }
        }
    }
}

fn of_ollama(error: &OllamaError) -> Cause {
    use OllamaError as E;
    match error.clone() {
        E::Unreachable { address, reason } => Cause::ServerUnreachable { address, detail: reason },
        E::Cut { address, reason, .. } => Cause::ServerFailed { address, detail: reason },
        E::TimedOut { address, seconds, .. } => Cause::ServerTimedOut { address, seconds },
        E::NotOllama { address, reason } => Cause::ServerUnexpected { address, detail: reason },
        E::TooOld { address, version, needed } => {
            Cause::OllamaTooOld { address, version, needed: needed.to_owned() }
        }
        E::Exists { name, .. } => Cause::ModelExists { name },
        E::NoSpace { address, message } => Cause::OllamaFull { address, detail: message },
        E::Damaged { address, message } | E::Failed { address, message, .. } => {
            Cause::ServerFailed { address, detail: message }
        }
        E::Refused { address, message, .. } => Cause::ServerRefused { address, detail: message },
    }
}

fn of_hub(error: &HubError) -> Cause {
    match error {
        HubError::Offline { .. } => Cause::HubOffline {},
        HubError::Unreachable { .. } | HubError::Failed { .. } | HubError::Refused { .. } => {
            Cause::HubUnreachable { detail: error.to_string() }
        }
        HubError::NotFound { repo, .. }
        | HubError::NoRevision { repo, .. }
        | HubError::NoFile { repo, .. } => Cause::HubModelNotFound { model: repo.clone() },
        HubError::Gated { repo, .. } => Cause::HubModelGated { model: repo.clone() },
        HubError::TokenRefused { .. } => Cause::HubTokenRefused {},
        HubError::Limited { .. } => Cause::HubRateLimited {},
        HubError::BadAnswer { .. } | HubError::WrongHash { .. } => {
            Cause::HubNotTrusted { detail: error.to_string() }
        }
        HubError::NoSafetensors { repo, .. } => Cause::NoSafetensors { model: repo.clone() },
        HubError::Unsupported { reason, .. } => Cause::ModelUnsupported { detail: reason.clone() },
        HubError::DiskFull { .. } => Cause::StorageFull { detail: Some(error.to_string()) },
        HubError::Storage { reason, .. } if crate::api::error::is_disk_full(reason) => {
            Cause::StorageFull { detail: None }
        }
        HubError::Storage { .. } => Cause::FileAccess { detail: error.to_string() },
    }
}

/// Errors of training, measuring and exporting; those that only carry another one are seen through.
fn of_engine(error: &(dyn std::error::Error + 'static)) -> Option<Cause> {
    if let Some(error) = error.downcast_ref::<ExportError>() {
        return of_export(error);
    }
    if let Some(error) = error.downcast_ref::<TrainError>() {
        return of_training(error);
    }
    error
        .downcast_ref::<WeightsError>()
        .map(of_weights)
        .or_else(|| error.downcast_ref::<ModelError>().map(of_model))
        .or_else(|| error.downcast_ref::<TokenizerError>().map(of_tokenizer))
        .or_else(|| error.downcast_ref::<AdapterError>().map(of_adapter))
        .or_else(|| error.downcast_ref::<TemplateError>().map(of_template))
        .or_else(|| error.downcast_ref::<DataError>().map(of_data))
}

fn of_training(error: &TrainError) -> Option<Cause> {
    Some(match error {
        TrainError::Occupied { .. } | TrainError::Cancelled { .. } => return None,
        TrainError::Option { .. } => Cause::SettingRefused { detail: error.to_string() },
        TrainError::Busy { .. } => Cause::RunBusy {},
        TrainError::DoesNotFit { required_bytes, limit_bytes, .. } => {
            Cause::DoesNotFit { required_bytes: *required_bytes, limit_bytes: *limit_bytes }
        }
        TrainError::Checkpoint { .. } => Cause::CheckpointUnusable { detail: error.to_string() },
        TrainError::Diverged(diverged) => {
            Cause::Diverged { step: diverged.step, learning_rate: diverged.learning_rate }
        }
        TrainError::Io { path, source } => of_file(path, source),
        TrainError::Data(error) => of_data(error),
        TrainError::Model(error) => of_model(error),
        TrainError::Adapter(error) => of_adapter(error),
        TrainError::Template(error) => of_template(error),
        TrainError::Tokenizer(error) => of_tokenizer(error),
        TrainError::Weights(error) => of_weights(error),
    })
}

fn of_export(error: &ExportError) -> Option<Cause> {
    Some(match error {
        ExportError::Weights(error) => of_weights(error),
        ExportError::Adapter(error) => of_adapter(error),
        ExportError::Tokenizer(error) => of_tokenizer(error),
        ExportError::Template(error) => of_template(error),
        ExportError::Model(error) => of_model(error),
        ExportError::Data(error) => of_data(error),
        ExportError::Evaluation(error) => return of_training(error),
        ExportError::Unsupported { what, format, detail, .. } => {
            Cause::NotExportable { format: (*format).to_owned(), detail: format!("{what}: {detail}") }
        }
        ExportError::OutOfRange { tensor, value, dtype } => {
            Cause::NotExportable { format: (*dtype).to_owned(), detail: format!("{tensor}: {value}") }
        }
        ExportError::Generation(_)
        | ExportError::Cancelled
        | ExportError::Request(_)
        | ExportError::Archive { .. } => return None,
    })
}

fn of_weights(error: &WeightsError) -> Cause {
    match error {
        WeightsError::NotFound { path } => Cause::ModelMissing { model: path.display().to_string() },
        WeightsError::NoWeights { dir } => Cause::ModelMissing { model: dir.display().to_string() },
        WeightsError::Pickle { .. } | WeightsError::UnsupportedDType { .. } => {
            Cause::ModelUnsupported { detail: error.to_string() }
        }
        WeightsError::DiskFull { .. } => Cause::StorageFull { detail: None },
        WeightsError::Io { path, source } => of_file(path, source),
        _ => Cause::ModelDamaged { detail: error.to_string() },
    }
}

fn of_model(error: &ModelError) -> Cause {
    match error {
        ModelError::Weights(error) => of_weights(error),
        ModelError::Shape { .. }
        | ModelError::BadValue { .. }
        | ModelError::Vocabulary { .. }
        | ModelError::UnusedTensor { .. } => Cause::ModelDamaged { detail: error.to_string() },
        ModelError::UnknownTarget { .. }
        | ModelError::TableTarget { .. }
        | ModelError::NoSuchLayer { .. } => Cause::SettingRefused { detail: error.to_string() },
        _ => Cause::ModelUnsupported { detail: error.to_string() },
    }
}

fn of_tokenizer(error: &TokenizerError) -> Cause {
    match error {
        TokenizerError::Gguf(error) => of_weights(error),
        TokenizerError::Read { path, source } => of_file(path, source),
        TokenizerError::Unsupported { .. } => Cause::ModelUnsupported { detail: error.to_string() },
        _ => Cause::ModelDamaged { detail: error.to_string() },
    }
}

fn of_adapter(error: &AdapterError) -> Cause {
    Cause::ModelDamaged { detail: error.to_string() }
}

fn of_template(error: &TemplateError) -> Cause {
    Cause::ModelUnsupported { detail: error.to_string() }
}

fn of_data(error: &DataError) -> Cause {
    let row = |line: u64| Cause::DataRow { line, detail: error.to_string() };
    match error {
        DataError::Read { path, source } => of_file(path, source),
        DataError::LfsPointer { .. } | DataError::Empty { .. } => Cause::DataMissing {},
        DataError::NoTemplate { .. } => Cause::NoChatTemplate {},
        DataError::NothingLeft { dropped, reasons } => {
            Cause::NothingToLearn { dropped: *dropped, detail: reasons.clone() }
        }
        DataError::NotJson { place, .. }
        | DataError::Row { place, .. }
        | DataError::Mask { place, .. }
        | DataError::TooLong { place, .. } => row(place.line),
    }
}

/// The cause that a child process of this program told in its last line.
pub fn told(line: &Value) -> Option<Words> {
    let code = line["code"].as_str()?.to_owned();
    let params = line["params"].as_object().cloned().unwrap_or_default();
    Some(Words { code, params, message: line["hint"].as_str().unwrap_or_default().to_owned() })
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn the_cause_is_found_under_what_was_said_around_it() {
        let full = io::Error::from(ErrorKind::StorageFull);
        let error = anyhow::Error::from(full).context("writing the adapter");
        assert_eq!(cause_of(&error).map(|cause| cause.code), Some("storage_full".to_owned()));

        let error =
            TrainError::DoesNotFit { required_bytes: 9 << 30, limit_bytes: 4 << 30, advice: String::new() };
        let cause = cause_of(&Err::<(), _>(error).context("train").unwrap_err()).expect("a cause");
        assert_eq!(
            (cause.code.as_str(), &cause.params["limit_bytes"]),
            ("does_not_fit", &Value::from(4u64 << 30))
        );

        let error = ExportError::Weights(WeightsError::NotFound { path: "/models/gone".into() });
        assert_eq!(cause_of(&error.into()).expect("a cause").params["model"], "/models/gone");
        let error = ProviderError::Unreachable { address: "http://a".into(), reason: "refused".into() };
        let later = because(error, "what is done is kept".into());
        assert_eq!(later.to_string(), "what is done is kept");
        assert_eq!(cause_of(&later).expect("a cause").code, "server_unreachable");
        assert_eq!(cause_of(&anyhow::anyhow!("unforeseen")), None);
    }

    #[test]
    fn what_a_child_process_tells_is_what_it_knows() {
        let cause = cause_of(&Cause::NothingApproved {}.error("nothing")).expect("a cause");
        assert_eq!(told(&super::super::stored(Some(cause.clone()))), Some(cause));
        assert_eq!(told(&serde_json::json!({ "message": "from an older program" })), None);
    }
}
