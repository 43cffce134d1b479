//! What handlers share.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use store::{Blobs, Database};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::inference::Inference;
use crate::jobs::Services;
use crate::library::Library;
use crate::models::Models;

/// Shared by all requests. Cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

/// The parts.
pub struct Shared {
    /// The settings.
    pub config: Config,
    /// Rows, jobs and live events.
    pub database: Database,
    /// Bytes.
    pub blobs: Blobs,
    /// What jobs work with: the same store, the base models, this program.
    pub services: Services,
    /// Loaded models.
    pub inference: Arc<Inference>,
    /// Set when the server is to stop: streams end then.
    pub stopping: CancellationToken,
    /// When the server started.
    pub started: Instant,
}

impl Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl AppState {
    /// The state of a server over an open store.
    pub fn new(config: Config, database: Database, blobs: Blobs, program: PathBuf) -> Self {
        let inference = Arc::new(Inference::new(config.threads));
        Self(Arc::new(Shared {
            services: Services {
                database: database.clone(),
                blobs: blobs.clone(),
                models: Models::with_hub(&config.data_dir, config.hub.clone()),
                program,
                threads: config.threads,
                inference: Arc::clone(&inference),
                own_connection: None,
            },
            inference,
            config,
            database,
            blobs,
            stopping: CancellationToken::new(),
            started: Instant::now(),
        }))
    }

    /// What reading documents needs.
    pub fn library(&self) -> Library {
        self.services.library()
    }
}
