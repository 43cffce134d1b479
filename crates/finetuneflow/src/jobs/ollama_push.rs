//! `ollama_push`: a completed run as a model in an Ollama, and the proof that it is asked there as it was trained.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use export::Quantization;
use export::ollama::Options;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::run_events;
use store::runs::Run;
use tokio::sync::watch;
use uuid::Uuid;

use super::export::scratch_folder;
use super::train::{TrainSettings, completed, run_folder};
use super::{JobError, JobKind, Queue, Work};
use crate::inference::Weights;
use crate::ollama::push::{Means, Progress};
use crate::ollama::{CONNECTION, Client, Push, parse_address};

/// Between two reports of the progress.
const REPORT_EVERY: Duration = Duration::from_millis(500);

/// The payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OllamaPush {
    /// The project.
    pub project_id: Uuid,
    /// A completed run.
    pub run_id: Uuid,
    /// The model's name there.
    pub name: String,
    /// Of [`Quantization`].
    pub quantization: String,
    /// A model of this name that is there gives way.
    #[serde(default)]
    pub replace: bool,
    /// Where Ollama is; none: where the connection of the settings is.
    pub address: Option<String>,
    /// Tokens of the context; none: the model's own, within bounds.
    pub num_ctx: Option<u32>,
    /// A system text of the model's own.
    pub system: Option<String>,
    /// Its own temperature.
    pub temperature: Option<f32>,
}

impl JobKind for OllamaPush {
    const KIND: &'static str = "ollama_push";
    const QUEUE: Queue = Queue::Default;

    fn project_id(&self) -> Option<Uuid> {
        Some(self.project_id)
    }

    async fn run(self, work: Work) -> Result<Value, JobError> {
        let (run, settings) = completed(&work, self.run_id, "push").await?;
        let address = match &self.address {
            Some(address) => address.clone(),
            None => work.services.connection(CONNECTION).await?.address,
        };
        let base =
            parse_address(&address).map_err(|reason| anyhow::anyhow!("the address of Ollama {reason}"))?;
        let client = Client::new(base)?;
        let push = self.order(&work, &run, &settings)?;
        let scratch = scratch_folder(&work, &run).await?;
        let (sender, progress) = watch::channel(None);
        let means = Means {
            client: &client,
            scratch: scratch.path(),
            inference: &work.services.inference,
            cancel: work.cancel_flag(),
            listener: Arc::new(move |told| {
                sender.send_replace(Some(told));
            }),
        };
        let pushed = work.unless_interrupted(watched(&work, push.run(&means), progress)).await??;
        let mut result = serde_json::to_value(&pushed)?;
        // Part of the run's certificate.
        run_events::append(work.database(), run.id, "ollama", result.clone()).await?;
        result["run_id"] = serde_json::to_value(run.id)?;
        Ok(result)
    }
}

impl OllamaPush {
    fn order(self, work: &Work, run: &Run, settings: &TrainSettings) -> anyhow::Result<Push> {
        let folder = run_folder(&work.services.blobs, run.project_id, run.id)?;
        let weights = match settings.method.as_str() {
            "full" => Weights { model: folder, adapter: None },
            _ => Weights { model: settings.base_dir(&work.services.models)?, adapter: Some(folder) },
        };
        Ok(Push {
            weights,
            name: self.name,
            quantization: Quantization::from_id(&self.quantization)
                .with_context(|| format!("`{}` is no type of weights", self.quantization))?,
            // An attempt that was broken off may have made the model.
            replace: self.replace || work.job.attempts > 1,
            options: Options {
                num_ctx: self.num_ctx,
                max_seq_len: settings.max_seq_len,
                system: self.system,
                temperature: self.temperature,
            },
        })
    }
}

/// Work whose progress is stored while it goes on.
async fn watched<T>(
    work: &Work,
    push: impl Future<Output = anyhow::Result<T>>,
    mut progress: watch::Receiver<Option<Progress>>,
) -> anyhow::Result<T> {
    let mut ticks = tokio::time::interval(REPORT_EVERY);
    tokio::pin!(push);
    loop {
        tokio::select! {
            outcome = &mut push => return outcome,
            _ = ticks.tick() => {
                let told = progress.has_changed().unwrap_or(false).then(|| *progress.borrow_and_update()).flatten();
                if let Some(told) = told {
                    work.progress(told.percent() as u64, 100, told.activity()).await?;
                }
            }
        }
    }
}
