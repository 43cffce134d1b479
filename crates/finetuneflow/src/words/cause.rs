//! Why jobs and trainings fail: what is known of the causes, and what can be done.

use std::fmt;

use serde_json::Value;

use super::{Words, worded};

worded! {
    /// A known cause of a failure. Its English text says what to do; what happened stands in the error itself. `detail` holds
    /// what no translation can say: the words of the system, of a library or of another server.
    pub enum Cause {
        OutOfMemory {} "out_of_memory" "Close other programs, or choose smaller settings (shorter texts, fewer examples at once, 4-bit weights), then start it again.";
        DoesNotFit { required_bytes: u64, limit_bytes: u64 } "does_not_fit" "Choose the smaller settings that the hardware check proposes, or a smaller model.";
        Diverged { step: u64, learning_rate: f64 } "diverged" "Start it again with a lower learning rate.";
        ProcessEnded { detail: String } "process_ended" "Start it again. If it ends in the same way, report it with the last lines.";
        WorkerLost {} "worker_lost" "Free memory, or choose smaller settings, then start it again.";
        ProgramError { detail: String } "program_error" "Start it again. If it stays, report it.";
        OfOtherVersion {} "of_other_version" "Start it anew with this version.";
        StorageFull { detail: Option<String> } "storage_full" "Free some disk space or move the data folder, then start it again.";
        FileAccess { detail: String } "file_access" "Check that the file is there and that the studio may read and write it.";
        DatabaseFailed { detail: String } "database_failed" "Check the database and its disk, then start it again.";
        NotThere { detail: String } "not_there" "It was deleted in the meantime. Reload the page and start again.";
        NoLocalStorage {} "no_local_storage" "Run this on the machine that holds the files.";

        NoModelChosen {} "no_model_chosen" "Choose a model in the project's first step.";
        ModelMissing { model: String } "model_missing" "Download it again, or choose another model.";
        ModelDamaged { detail: String } "model_damaged" "Download the model again, or choose another one.";
        ModelUnsupported { detail: String } "model_unsupported" "Choose another model.";
        NoChatTemplate {} "no_chat_template" "Choose a model that was made for conversation, or examples with prompt and completion.";

        SettingRefused { detail: String } "setting_refused" "Change the setting that is named, then start a new training.";

        NothingApproved {} "nothing_approved" "Approve some examples, then start the training again.";
        NoPassages {} "no_passages" "Cut the documents into passages first.";
        DataMissing {} "data_missing" "Start a new training with the approved examples.";
        NothingToLearn { dropped: usize, detail: String } "nothing_to_learn" "Allow longer texts, or shorten the examples.";
        DataRow { line: u64, detail: String } "data_row" "Correct the example, then start a new training.";
        UnreadableDocument { reason: String, file: String } "unreadable_document" "Open the file in its own program and save it again, or add another one.";

        RunNotCompleted {} "run_not_completed" "Choose a training that has ended well.";
        FailedBefore {} "failed_before" "Let it go on from its last checkpoint, or start a new one.";
        RunBusy {} "run_busy" "End the other process, then let the training go on.";
        CheckpointUnusable { detail: String } "checkpoint_unusable" "Start a new training.";
        NoAdapter {} "no_adapter" "Choose the whole model instead.";
        NotExportable { format: String, detail: String } "not_exportable" "Choose another format.";

        ConnectionMissing { name: String } "connection_missing" "Set it up in the settings, or choose another one.";
        ServerUnreachable { address: String, detail: String } "server_unreachable" "Start the server there, or correct its address in the settings.";
        ServerTimedOut { address: String, seconds: u64 } "server_timed_out" "Try again, with less at once or a smaller model, or raise the time limit.";
        ServerUnauthorized { address: String } "server_unauthorized" "Enter a valid key in the settings.";
        ServerBusy { address: String, detail: String } "server_busy" "Wait some minutes, then go on.";
        ServerFailed { address: String, detail: String } "server_failed" "Look into that server's own log, then try again.";
        ServerRefused { address: String, detail: String } "server_refused" "Correct what it names, in the settings or in what is sent.";
        ServerUnexpected { address: String, detail: String } "server_unexpected" "Correct the address in the settings.";
        ServerUnknownModel { address: String, model: String } "server_unknown_model" "Choose a model of its list, or download it there first.";

        LabelStudioMissing {} "label_studio_missing" "Enter its address and a token in the settings.";
        LabelStudioNoProject { address: String, project: i64 } "label_studio_no_project" "Push into another project, or into a new one.";
        LabelStudioOtherForm { project: i64 } "label_studio_other_form" "Push into a new project.";
        NothingPushed {} "nothing_pushed" "Push examples first.";
        NoExampleFits {} "no_example_fits" "Make or import some, or choose others.";

        OllamaTooOld { address: String, version: String, needed: String } "ollama_too_old" "Update Ollama, then push again.";
        OllamaFull { address: String, detail: String } "ollama_full" "Remove models there (`ollama rm`), then push again.";
        ModelExists { name: String } "model_exists" "Choose another name, or have the model replaced.";

        HubOffline {} "hub_offline" "Choose a model that is on this computer, or start the studio without FTF_OFFLINE and HF_HUB_OFFLINE.";
        HubUnreachable { detail: String } "hub_unreachable" "Check the connection to the internet, then try again: it goes on where it ended.";
        HubModelNotFound { model: String } "hub_model_not_found" "Check the spelling; a private model needs a token that may see it.";
        HubModelGated { model: String } "hub_model_gated" "Accept the licence on the model's page, then enter a token of that account in the settings.";
        HubTokenRefused {} "hub_token_refused" "Enter the token for the hub again in the settings.";
        HubRateLimited {} "hub_rate_limited" "Wait some minutes and try again; with a token the hub allows more.";
        HubNotTrusted { detail: String } "hub_not_trusted" "Try again; if it stays, choose another model.";
        NoSafetensors { model: String } "no_safetensors" "Choose a model with safetensors weights.";
    }
}

/// An error with its cause: what happened, in English, as it is shown; and what a translation needs.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub struct Caused {
    /// The code, its values, and what to do.
    pub cause: Words,
    /// What happened.
    pub text: String,
}

impl fmt::Display for Caused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Cause {
    /// The error of this cause that says what happened.
    pub fn error(self, text: impl Into<String>) -> anyhow::Error {
        Caused { cause: self.words(), text: text.into() }.into()
    }
}

/// What is known of a failure, as it is stored: `{"code", "params", "hint"}`; null where nothing is.
pub fn stored(cause: Option<Words>) -> Value {
    match cause {
        Some(Words { code, params, message }) => {
            serde_json::json!({ "code": code, "params": params, "hint": message })
        }
        None => Value::Null,
    }
}
