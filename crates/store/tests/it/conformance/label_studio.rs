//! Examples as tasks in Label Studio.

use serde_json::json;
use store::label_studio_tasks::{self as tasks, Link, NewTask, TaskChange, TaskStatus};
use store::{Database, Page};
use uuid::Uuid;

use super::project;

fn new(example_id: Uuid, task_id: i64) -> NewTask {
    let details = json!({ "title": format!("Task {task_id}") });
    NewTask { example_id, task_id, pushed_hash: format!("hash {task_id}"), details }
}

pub async fn tasks_are_linked_once_and_counted(database: Database) {
    let project_id = project(&database).await.id;
    let here = Link { project_id, address: "http://localhost:8080".into(), remote_project: 1 };
    let other = Link { remote_project: 2, ..here.clone() };
    let examples: Vec<Uuid> = (0..700).map(|_| Uuid::now_v7()).collect();
    let all = || examples.iter().zip(1..).map(|(example, task)| new(*example, task)).collect();
    tasks::put_many(&database, &here, all()).await.unwrap();
    tasks::put_many(&database, &here, all()).await.unwrap();
    tasks::put_many(&database, &other, vec![new(examples[0], 9000)]).await.unwrap();

    let asked = [examples[0], examples[1], Uuid::now_v7()];
    let found = tasks::of_examples(&database, &here, &asked).await.unwrap();
    assert_eq!(found.values().map(|task| task.task_id).collect::<Vec<_>>(), [1, 2]);
    for (example, status) in [(0, TaskStatus::Approved), (1, TaskStatus::Conflict)] {
        let change = TaskChange { status: Some(status), ..TaskChange::default() };
        tasks::update(&database, found[&examples[example]].id, change).await.unwrap();
    }
    let conflicts = tasks::conflicts(&database, project_id, Page::default()).await.unwrap();
    assert_eq!((conflicts.total, conflicts.items[0].example_id), (1, examples[1]));
    assert_eq!(conflicts.items[0].pushed_hash, "hash 2", "what was not named stays");
    assert_eq!(tasks::conflicts_of(&database, project_id, examples[1]).await.unwrap().len(), 1);
    assert_eq!(tasks::conflicts_of(&database, project_id, examples[0]).await.unwrap().len(), 0);

    tasks::synced(&database, &here).await.unwrap();
    let listed = tasks::datasets(&database, project_id).await.unwrap();
    let [second, first] = listed.as_slice() else { panic!("{listed:?}") };
    assert_eq!((&second.link, &first.link), (&other, &here), "the last push first");
    assert_eq!((second.synced_at, first.synced_at.is_some()), (None, true));
    assert_eq!(second.latest.details["title"], "Task 9000");
    let of = |status| first.counts.get(&status).copied().unwrap_or(0);
    assert_eq!(
        [TaskStatus::Undecided, TaskStatus::Approved, TaskStatus::Conflict, TaskStatus::Rejected].map(of),
        [698, 1, 1, 0]
    );

    // A task that was made again begins anew.
    tasks::put_many(&database, &here, vec![new(examples[1], 5000)]).await.unwrap();
    let again = &tasks::of_examples(&database, &here, &asked[1..2]).await.unwrap()[&examples[1]];
    assert_eq!((again.task_id, again.status), (5000, TaskStatus::Undecided));
    store::projects::delete(&database, project_id).await.unwrap();
    assert!(tasks::datasets(&database, project_id).await.unwrap().is_empty());
}
