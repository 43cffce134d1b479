//! Live events.

use serde_json::json;
use store::{Live, LiveEvent, LiveEvents, Topic};
use uuid::Uuid;

fn event(number: u64) -> LiveEvent {
    LiveEvent { sequence: Some(number as i64), kind: "step".into(), payload: json!(number) }
}

#[tokio::test]
async fn watchers_hear_their_topic_from_then_on() {
    let live = LiveEvents::default();
    let topic = Topic::Run(Uuid::now_v7());
    live.publish(topic, event(0));
    let (mut one, mut other) = (live.subscribe(topic), live.subscribe(topic));
    let mut elsewhere = live.subscribe(Topic::Run(Uuid::now_v7()));
    live.publish(topic, event(1));
    assert_eq!(one.next().await, Some(Live::Event(event(1))));
    drop(one);
    live.publish(topic, event(2));
    assert_eq!(other.next().await, Some(Live::Event(event(1))));
    assert_eq!(other.next().await, Some(Live::Event(event(2))));
    assert!(futures::FutureExt::now_or_never(elsewhere.next()).is_none());
}

#[tokio::test]
async fn a_slow_watcher_is_told_what_it_missed() {
    let live = LiveEvents::default();
    let mut slow = live.subscribe(Topic::Jobs);
    for number in 0..1500 {
        live.publish(Topic::Jobs, event(number));
    }
    let Some(Live::Lagged(missed)) = slow.next().await else { panic!("it lags") };
    assert_eq!(slow.next().await, Some(Live::Event(event(missed))), "and goes on where the events are left");
}
