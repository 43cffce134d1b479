//! `document_ocr`: recognises the text of a scanned document or a picture, page by page, with programs of the machine.

use documents::ocr::Languages;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

use super::{JobError, JobKind, Queue, Work};
use crate::library;
use crate::words::Activity;

/// The payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DocumentOcr {
    /// The project.
    pub project_id: Uuid,
    /// The document.
    pub file_id: Uuid,
    /// What its text may be in.
    pub languages: Languages,
}

impl JobKind for DocumentOcr {
    const KIND: &'static str = "document_ocr";
    const QUEUE: Queue = Queue::Default;

    fn project_id(&self) -> Option<Uuid> {
        Some(self.project_id)
    }

    async fn run(self, work: Work) -> Result<Value, JobError> {
        let file = store::files::get(work.database(), self.project_id, self.file_id).await?;
        let library = work.services.library();
        let (sender, mut pages) = watch::channel((0, 0));
        let tell = move |done: u32, total: u32| {
            sender.send_replace((done, total));
        };
        let mut reading = std::pin::pin!(library::recognise_document(&library, &file, self.languages, tell));
        let document = loop {
            let next = async {
                tokio::select! {
                    outcome = &mut reading => Some(outcome),
                    Ok(()) = pages.changed() => None,
                }
            };
            if let Some(outcome) = work.unless_interrupted(next).await? {
                break outcome?;
            }
            let (done, total) = *pages.borrow_and_update();
            let doing = Activity::Recognising { name: file.name.clone() };
            work.progress(u64::from(done), u64::from(total), doing).await?;
        };
        Ok(json!({ "pages": document.pages.len(), "recognition": document.recognition }))
    }
}
