//! Live events of this process, for whoever watches right now.
//!
//! What is published here has been stored first: a watcher reads the stored events, subscribes, and when it falls behind
//! it is told so ([`Live::Lagged`]) and reads the stored ones again. Nothing may depend on a live event alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde_json::Value;
use tokio::sync::broadcast;
use uuid::Uuid;

/// Events that wait for a slow watcher before it is told that it lags.
const CAPACITY: usize = 1024;

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case", tag = "topic", content = "id")]
pub enum Topic {
    /// A training run: its run events.
    Run(Uuid),
    /// A job: status and progress.
    Job(Uuid),
    /// A project: its jobs and runs changing.
    Project(Uuid),
    /// All jobs.
    Jobs,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LiveEvent {
    /// The stored event's sequence number, if it has one: what `Last-Event-ID` continues from.
    pub sequence: Option<i64>,
    /// What kind of event, e.g. `step` or `job`.
    pub kind: String,
    /// Its data.
    pub payload: Value,
}

/// What a watcher receives.
#[derive(Clone, Debug, PartialEq)]
pub enum Live {
    /// The next event.
    Event(LiveEvent),
    /// This many events were missed: read the stored ones.
    Lagged(u64),
}

/// The in-process broadcaster. Cheap to clone; clones share their topics.
#[derive(Clone, Debug, Default)]
pub struct LiveEvents {
    topics: Arc<Mutex<HashMap<Topic, broadcast::Sender<LiveEvent>>>>,
}

impl LiveEvents {
    /// Hands the event to all who watch the topic now. Nobody watching is fine.
    pub fn publish(&self, topic: Topic, event: LiveEvent) {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        let unwatched = topics.get(&topic).is_some_and(|sender| sender.send(event).is_err());
        if unwatched {
            topics.remove(&topic);
        }
    }

    /// Watches a topic from now on.
    pub fn subscribe(&self, topic: Topic) -> Subscription {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        topics.retain(|_, sender| sender.receiver_count() > 0);
        let sender = topics.entry(topic).or_insert_with(|| broadcast::channel(CAPACITY).0);
        Subscription { receiver: sender.subscribe() }
    }
}

/// A watcher's end.
#[derive(Debug)]
pub struct Subscription {
    receiver: broadcast::Receiver<LiveEvent>,
}

impl Subscription {
    /// Waits for the next event. `None` when the broadcaster is gone.
    ///
    /// Cancel-safe: may be used in `select!`.
    pub async fn next(&mut self) -> Option<Live> {
        match self.receiver.recv().await {
            Ok(event) => Some(Live::Event(event)),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(Live::Lagged(missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
