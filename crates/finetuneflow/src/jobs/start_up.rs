//! What a server does with the jobs and runs of one that ended without stopping them.

use serde_json::json;
use store::runs::Run;
use store::{Database, run_events};

/// Marks runs that were being trained as interrupted and makes their jobs claimable at once, so that a worker goes on from
/// the last checkpoint. Only for a process that has the database for itself (SQLite, with the data folder locked), before
/// its workers start: on a shared server leases tell whose worker is gone. Returns the interrupted runs.
pub async fn recover(database: &Database) -> store::Result<Vec<Run>> {
    let reason = "the server ended during the training; it goes on from the last checkpoint";
    let interrupted = store::runs::interrupt_running(database, reason).await?;
    for run in &interrupted {
        let Some(job_id) = run.job_id else { continue };
        if store::jobs::get(database, job_id).await?.cancel_requested {
            run_events::append(database, run.id, "cancelled", json!({ "job_id": job_id })).await?;
        }
    }
    let released = store::jobs::release_all(database).await?;
    if released > 0 {
        tracing::info!(
            jobs = released,
            runs = interrupted.len(),
            "jobs of an ended server will be taken up again"
        );
    }
    Ok(interrupted)
}
