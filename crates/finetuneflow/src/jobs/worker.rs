//! Workers: claim a job, keep its lease while it runs, write down how it ended.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt;
use serde_json::Value;
use store::jobs::{Claim, Failure, Job, Lease};
use store::{Live, StoreError, Topic};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{JobError, Queue, REGISTRY, Services, Signal, Work};
use crate::words::{self, Cause};

/// How long a claim lasts; it is renewed three times in this time.
const LEASE: Duration = Duration::from_secs(30);
/// How often an idle worker looks without having been told: for jobs whose time comes, and those of other processes.
const LOOK: Duration = Duration::from_secs(2);
/// The pause before the second attempt.
const RETRY: Duration = Duration::from_secs(5);

/// How many workers.
#[derive(Clone, Copy, Debug)]
pub struct WorkerOptions {
    /// Jobs of the default queue at the same time.
    pub default_workers: usize,
    /// Jobs of the gpu queue at the same time: the number of devices.
    pub gpu_workers: usize,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self { default_workers: 2, gpu_workers: 1 }
    }
}

/// The workers of this process.
#[derive(Debug)]
pub struct Workers {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Workers {
    /// Starts workers on the current runtime.
    pub fn start(services: &Services, options: WorkerOptions) -> Self {
        let stop = watch::Sender::new(false);
        let mut tasks = JoinSet::new();
        let counts = [(Queue::Default, options.default_workers.max(1)), (Queue::Gpu, options.gpu_workers)];
        for (queue, count) in counts {
            for number in 0..count {
                let name = format!("{}-{}-{number}", std::process::id(), queue.as_str());
                let worker = Worker { services: services.clone(), queue, name, stop: stop.subscribe() };
                tasks.spawn(worker.run());
            }
        }
        Self { stop, tasks }
    }

    /// Takes no more jobs, lets those in work come to a safe point, gives them back and ends.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

struct Worker {
    services: Services,
    queue: Queue,
    name: String,
    stop: watch::Receiver<bool>,
}

impl Worker {
    async fn run(mut self) {
        let mut news = self.services.database.live().subscribe(Topic::Jobs);
        while !*self.stop.borrow() {
            let claim = Claim { queue: self.queue.as_str(), worker: &self.name, lease: LEASE };
            match store::jobs::claim(&self.services.database, &claim).await {
                Ok(Some(job)) => {
                    self.work(job).await;
                    continue;
                }
                Ok(None) => {}
                Err(error) => tracing::error!(worker = self.name, %error, "no job could be claimed"),
            }
            let wait = tokio::time::sleep(LOOK);
            tokio::pin!(wait);
            loop {
                tokio::select! {
                    () = &mut wait => break,
                    _ = self.stop.wait_for(|stop| *stop) => break,
                    news = news.next() => if is_new_job(news, self.queue) { break },
                }
            }
        }
    }

    /// Does one job and writes down how it ended.
    async fn work(&mut self, job: Job) {
        let lease = Lease::of(&job);
        let (sender, signal) = watch::channel(Signal::GoOn);
        let flag = Arc::new(AtomicBool::new(false));
        let work = Work {
            services: self.services.clone(),
            job: job.clone(),
            lease: lease.clone(),
            signal,
            flag: Arc::clone(&flag),
        };
        tracing::info!(job = %job.id, kind = job.kind, attempt = job.attempts, "job started");
        let running = AssertUnwindSafe(dispatch(job.clone(), work)).catch_unwind();
        tokio::pin!(running);
        let keeping = self.keep(&lease, |signal| {
            flag.store(true, Ordering::Relaxed);
            // Nobody listens any more once the job has ended.
            sender.send_if_modified(|current| {
                let first = *current == Signal::GoOn;
                if first {
                    *current = signal;
                }
                first
            });
        });
        let outcome = tokio::select! {
            outcome = &mut running => outcome.unwrap_or_else(|panic| {
                let detail = last_words(&*panic);
                let text = format!("an error of the program itself: {detail}");
                Err(JobError::Failed(Cause::ProgramError { detail }.error(text)))
            }),
            lost = keeping => {
                // Dropping the work ends its child processes.
                tracing::error!(job = %job.id, error = %lost, "job given up");
                return;
            }
        };
        if let Err(error) = self.write_down(&job, &lease, outcome).await {
            tracing::error!(job = %job.id, %error, "the job's end could not be stored");
        }
    }

    /// Renews the lease and passes signals on, until the lease is lost.
    async fn keep(&self, lease: &Lease, tell: impl Fn(Signal)) -> StoreError {
        let mut news = self.services.database.live().subscribe(Topic::Job(lease.job_id));
        let mut stop = self.stop.clone();
        let mut stopped = false;
        loop {
            match store::jobs::renew(&self.services.database, lease, LEASE).await {
                Ok(true) => tell(Signal::Cancel),
                Ok(false) => {}
                Err(error @ StoreError::LeaseLost { .. }) => return error,
                // The lease lasts longer than one renewal that fails.
                Err(error) => tracing::warn!(job = %lease.job_id, %error, "the lease could not be renewed"),
            }
            let wait = tokio::time::sleep(LEASE / 3);
            tokio::pin!(wait);
            loop {
                tokio::select! {
                    () = &mut wait => break,
                    _ = stop.wait_for(|stop| *stop), if !stopped => {
                        stopped = true;
                        tell(Signal::Stop);
                    }
                    news = news.next() => if asks_for_end(news) { break },
                }
            }
        }
    }

    async fn write_down(
        &self,
        job: &Job,
        lease: &Lease,
        outcome: Result<Value, JobError>,
    ) -> store::Result<()> {
        let database = &self.services.database;
        let (id, kind) = (job.id, job.kind.as_str());
        match outcome {
            Ok(result) => {
                tracing::info!(job = %id, kind, "job completed");
                store::jobs::complete(database, lease, result).await?;
            }
            Err(JobError::Cancelled) => {
                tracing::info!(job = %id, kind, "job cancelled");
                store::jobs::confirm_cancelled(database, lease).await?;
            }
            Err(JobError::Stopped) => {
                tracing::info!(job = %id, kind, "job given back");
                store::jobs::release(database, lease).await?;
            }
            Err(JobError::Failed(error)) => {
                tracing::warn!(job = %id, kind, error = format!("{error:#}"), "job failed");
                let failure = failure(&error, None);
                store::jobs::fail(database, lease, failure).await?;
            }
            Err(JobError::Transient(error)) => {
                tracing::warn!(job = %id, kind, error = format!("{error:#}"), "job failed for now");
                let failure = failure(&error, Some(RETRY));
                store::jobs::fail(database, lease, failure).await?;
            }
        }
        Ok(())
    }
}

fn failure(error: &anyhow::Error, retry_after: Option<Duration>) -> Failure {
    Failure { error: format!("{error:#}"), cause: words::stored(words::cause_of(error)), retry_after }
}

async fn dispatch(job: Job, work: Work) -> Result<Value, JobError> {
    match REGISTRY.iter().find(|registered| registered.kind == job.kind) {
        Some(registered) => (registered.run)(job.payload, work).await,
        None => {
            let text = format!("this version knows no job of kind `{}`", job.kind);
            Err(JobError::Failed(Cause::OfOtherVersion {}.error(text)))
        }
    }
}

fn is_new_job(news: Option<Live>, queue: Queue) -> bool {
    match news {
        Some(Live::Event(event)) => {
            event.payload["status"] == "queued" && event.payload["queue"] == queue.as_str()
        }
        Some(Live::Lagged(_)) | None => true,
    }
}

fn asks_for_end(news: Option<Live>) -> bool {
    match news {
        Some(Live::Event(event)) => event.payload["cancel_requested"] == true,
        Some(Live::Lagged(_)) | None => true,
    }
}

fn last_words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "panic".to_owned())
}
