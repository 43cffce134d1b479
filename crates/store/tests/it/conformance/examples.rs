//! Dataset examples and versions.

use serde_json::json;
use store::dataset_versions::{self, NewDatasetVersion};
use store::example_changes::{self as changes, ChangeKind};
use store::example_outline::{Alike, alike, outline};
use store::example_sizes::{Lengths, lengths, sample};
use store::example_undo::undo;
use store::examples::{self, ExampleChange, ExampleFilter, ExampleStatus, NewExample};
use store::{Database, Page, StoreError};
use uuid::Uuid;

use super::project;

fn new_example(number: usize, status: ExampleStatus) -> NewExample {
    NewExample {
        chunk_id: None,
        status,
        payload: json!({"messages": [{"role": "user", "content": format!("Question \"{number}\"?")}]}),
        provenance: json!({"generator": "offline"}),
        quality: json!({}),
        content_hash: format!("hash {number}"),
    }
}

fn pending(range: std::ops::Range<usize>) -> Vec<NewExample> {
    range.map(|number| new_example(number, ExampleStatus::Pending)).collect()
}

pub async fn the_same_content_is_stored_once(database: Database) {
    let (mine, other) = (project(&database).await, project(&database).await);
    assert_eq!(examples::insert_many(&database, mine.id, Vec::new()).await.unwrap(), 0);
    assert_eq!(examples::insert_many(&database, mine.id, pending(0..700)).await.unwrap(), 700);
    assert_eq!(examples::insert_many(&database, mine.id, pending(600..1300)).await.unwrap(), 600);
    assert_eq!(examples::insert_many(&database, mine.id, pending(0..5)).await.unwrap(), 0);
    assert_eq!(examples::insert_many(&database, other.id, pending(0..5)).await.unwrap(), 5, "per project");
    assert_eq!(examples::status_counts(&database, mine.id).await.unwrap().pending, 1300);

    let two =
        examples::list(&database, mine.id, Page::new(1, 2), ExampleFilter::default()).await.unwrap().items;
    let change = ExampleChange {
        payload: Some((two[1].payload.clone(), two[1].content_hash.clone())),
        ..ExampleChange::default()
    };
    let twice = examples::update(&database, mine.id, two[0].id, change, "person").await;
    assert!(matches!(twice, Err(StoreError::Conflict { .. })), "{twice:?}");
}

pub async fn are_filtered_counted_and_decided_about(database: Database) {
    let project = project(&database).await;
    examples::insert_many(&database, project.id, pending(0..6)).await.unwrap();
    let all =
        examples::list(&database, project.id, Page::default(), ExampleFilter::default()).await.unwrap().items;
    let ids = vec![all[0].id, all[1].id, Uuid::now_v7()];
    let some = ExampleFilter { ids: Some(ids), ..ExampleFilter::default() };
    assert_eq!(
        examples::set_status(&database, project.id, &some, ExampleStatus::Approved, "person")
            .await
            .unwrap()
            .changed,
        2
    );
    let change = ExampleChange { status: Some(ExampleStatus::Rejected), ..ExampleChange::default() };
    examples::update(&database, project.id, all[5].id, change, "person").await.unwrap();
    let counts = examples::status_counts(&database, project.id).await.unwrap();
    assert_eq!((counts.pending, counts.approved, counts.rejected, counts.total()), (3, 2, 1, 6));

    let approved = ExampleFilter { status: Some(ExampleStatus::Approved), ..ExampleFilter::default() };
    let page = examples::list(&database, project.id, Page::new(2, 1), approved.clone()).await.unwrap();
    assert_eq!((page.total, page.items[0].id), (2, all[1].id));
    for (search, expected) in [("question \"3\"", 1), ("QUESTION", 6), ("nothing", 0), ("%", 0)] {
        let filter = ExampleFilter { search: Some(search.into()), ..ExampleFilter::default() };
        let found = examples::list(&database, project.id, Page::default(), filter).await.unwrap().total;
        assert_eq!(found, expected, "searching {search}");
    }
    let mut accented = new_example(9, ExampleStatus::Rejected);
    accented.payload = json!({"messages": [{"role": "user", "content": "Où est l'École ?"}]});
    examples::insert_many(&database, project.id, vec![accented]).await.unwrap();
    for search in ["où est l'École", "École"] {
        let filter = ExampleFilter { search: Some(search.into()), ..ExampleFilter::default() };
        let found = examples::list(&database, project.id, Page::default(), filter).await.unwrap();
        assert_eq!(found.total, 1, "searching {search}");
    }
    let accented = ExampleFilter { search: Some("École".into()), ..ExampleFilter::default() };
    assert_eq!(examples::delete_many(&database, project.id, &accented, "person").await.unwrap(), 1);
    assert_eq!(examples::delete_many(&database, project.id, &approved, "person").await.unwrap(), 2);
    examples::delete(&database, project.id, all[5].id, "person").await.unwrap();
    assert!(examples::delete(&database, project.id, all[5].id, "person").await.unwrap_err().is_not_found());
    assert_eq!(examples::status_counts(&database, project.id).await.unwrap().total(), 3);
}

pub async fn keep_the_order_of_creation_over_parts(database: Database) {
    let project = project(&database).await;
    for part in 0..4 {
        examples::insert_many(&database, project.id, pending(part * 30..part * 30 + 30)).await.unwrap();
    }
    let (mut hashes, mut after) = (Vec::new(), None);
    loop {
        let filter = ExampleFilter::default();
        let part = examples::list_after(&database, project.id, &filter, after, 7).await.unwrap();
        let Some(last) = part.last() else { break };
        after = Some(last.id);
        hashes.extend(part.into_iter().map(|example| example.content_hash));
    }
    let expected: Vec<_> = (0..120).map(|number| format!("hash {number}")).collect();
    assert_eq!(hashes, expected);
}

pub async fn keep_their_windows_while_they_are_decided_about(database: Database) {
    let project = project(&database).await;
    let pending_only = ExampleFilter { status: Some(ExampleStatus::Pending), ..ExampleFilter::default() };
    let empty = outline(&database, project.id, &pending_only, 10).await.unwrap();
    assert_eq!((empty.total, empty.starts.len(), empty.first.len()), (0, 0, 0));
    examples::insert_many(&database, project.id, pending(0..25)).await.unwrap();
    let cut = outline(&database, project.id, &pending_only, 10).await.unwrap();
    assert_eq!((cut.total, cut.starts.len(), cut.first.len()), (25, 3, 10));
    let window = async |from: usize| -> Vec<String> {
        let part = ExampleFilter {
            from: Some(cut.starts[from]),
            to: cut.starts.get(from + 1).copied(),
            ..pending_only.clone()
        };
        let page = examples::list(&database, project.id, Page::new(1, 10), part).await.unwrap();
        page.items.into_iter().map(|example| example.content_hash).collect()
    };
    let hashes = |range: std::ops::Range<usize>| -> Vec<String> {
        range.map(|number| format!("hash {number}")).collect()
    };
    let first: Vec<String> = cut.first.iter().map(|example| example.content_hash.clone()).collect();
    assert_eq!(first, hashes(0..10));
    assert_eq!(
        [window(0).await, window(1).await, window(2).await],
        [hashes(0..10), hashes(10..20), hashes(20..25)]
    );
    // The first of a window and one of another leave the filter: the others stay where they are.
    let decided = vec![cut.starts[1], cut.first[3].id];
    let decided = ExampleFilter { ids: Some(decided), ..ExampleFilter::default() };
    examples::set_status(&database, project.id, &decided, ExampleStatus::Approved, "person").await.unwrap();
    assert_eq!(window(0).await, [hashes(0..3), hashes(4..10)].concat());
    assert_eq!(window(1).await, hashes(11..20));
    assert_eq!(window(2).await, hashes(20..25));
    let cut = outline(&database, project.id, &pending_only, 10).await.unwrap();
    assert_eq!(
        (cut.total, cut.counts.pending, cut.counts.approved),
        (23, 23, 2),
        "counts are of every status"
    );
}

pub async fn are_cut_the_same_by_every_filter(database: Database) {
    let project = project(&database).await;
    let file = Uuid::now_v7();
    let mut rows = pending(0..83);
    for (number, row) in rows.iter_mut().enumerate() {
        row.status = ExampleStatus::ALL[number % 3];
        let file = (number % 4 > 0).then_some(file);
        row.provenance = json!({ "file_id": file, "task": if number % 5 > 0 { "chat" } else { "summary" } });
        row.quality = json!({ "issues": if number % 2 > 0 { vec!["refusal"] } else { Vec::new() } });
    }
    examples::insert_many(&database, project.id, rows).await.unwrap();
    let any = ExampleFilter::default;
    let wanted = [
        any(),
        ExampleFilter { search: Some("QUESTION".into()), ..any() },
        ExampleFilter { search: Some("\"7".into()), ..any() },
        ExampleFilter { file_id: Some(file), ..any() },
        ExampleFilter { task: Some("chat".into()), search: Some("7".into()), ..any() },
        ExampleFilter { issue: Some("refusal".into()), file_id: Some(file), ..any() },
        ExampleFilter { ids: Some(Vec::new()), ..any() },
    ];
    let of = |status| wanted.iter().map(move |filter| ExampleFilter { status, ..filter.clone() });
    let states = ExampleStatus::ALL.iter().map(|status| Some(*status)).chain([None]);
    for filter in states.flat_map(of) {
        let all = examples::list_after(&database, project.id, &filter, None, 1000).await.unwrap();
        for window in [1, 3, 7, 100] {
            let cut = outline(&database, project.id, &filter, window).await.unwrap();
            let starts: Vec<Uuid> = all.chunks(window as usize).map(|window| window[0].id).collect();
            assert_eq!(cut.starts, starts, "windows of {window}, {filter:?}");
            assert_eq!(cut.total, all.len() as u64, "{filter:?}");
            assert_eq!(cut.first, all[..all.len().min(window as usize)], "{filter:?}");
        }
    }
}

pub async fn have_their_former_states_when_a_decision_is_undone(database: Database) {
    let (project, other) = (project(&database).await, project(&database).await);
    let mut rows = pending(0..1203);
    rows.iter_mut().step_by(3).for_each(|row| row.status = ExampleStatus::Rejected);
    examples::insert_many(&database, project.id, rows).await.unwrap();
    let counts = async || {
        let counts = examples::status_counts(&database, project.id).await.unwrap();
        (counts.pending, counts.approved, counts.rejected)
    };
    let all = ExampleFilter::default();
    let approved =
        examples::set_status(&database, project.id, &all, ExampleStatus::Approved, "person").await.unwrap();
    assert_eq!((approved.changed, counts().await), (1203, (0, 1203, 0)));

    // Gone, decided about anew, and that taken back by hand: none of them is touched.
    let five = examples::list_after(&database, project.id, &all, None, 5).await.unwrap();
    examples::delete(&database, project.id, five[1].id, "person").await.unwrap();
    for (id, status) in [
        (five[2].id, ExampleStatus::Pending),
        (five[3].id, ExampleStatus::Pending),
        (five[3].id, ExampleStatus::Approved),
    ] {
        let change = ExampleChange { status: Some(status), ..ExampleChange::default() };
        examples::update(&database, project.id, id, change, "person").await.unwrap();
    }
    // An edited text is no decision.
    let edit = ExampleChange {
        payload: Some((json!({ "messages": [] }), "other".into())),
        ..ExampleChange::default()
    };
    examples::update(&database, project.id, five[4].id, edit, "person").await.unwrap();

    let none = undo(&database, other.id, approved.id, "person").await.unwrap();
    assert_eq!(none.changed, 0, "of another project");
    let undone = undo(&database, project.id, approved.id, "person").await.unwrap();
    assert_eq!((undone.changed, counts().await), (1200, (801, 1, 400)));
    assert_eq!(undo(&database, project.id, approved.id, "person").await.unwrap().changed, 0, "only once");
    let told = changes::list(&database, project.id, Some(five[4].id), Page::default()).await.unwrap();
    assert_eq!(told.items[0].batch_id, Some(undone.id));
    // What was undone can be done again.
    let again = undo(&database, project.id, undone.id, "person").await.unwrap();
    assert_eq!((again.changed, counts().await), (1200, (1, 1201, 0)));
}

pub async fn are_counted_by_what_they_are_filtered_by(database: Database) {
    let project = project(&database).await;
    let (file, other) = (Uuid::now_v7(), Uuid::now_v7());
    let mut rows = pending(0..5);
    for (row, (file, task, issues)) in rows.iter_mut().zip([
        (Some(file), Some("chat"), json!(["refusal"])),
        (Some(file), Some("chat"), json!(["refusal", "duplicate"])),
        (Some(file), None, json!([])),
        (Some(other), Some("summary"), json!(["duplicate"])),
        (None, None, json!([])),
    ]) {
        row.provenance = json!({ "file_id": file, "task": task });
        row.quality = json!({ "issues": issues });
    }
    examples::insert_many(&database, project.id, rows).await.unwrap();
    let of_file = ExampleFilter { file_id: Some(file), ..ExampleFilter::default() };
    let of_chat = ExampleFilter { task: Some("chat".into()), ..ExampleFilter::default() };
    let doubled = ExampleFilter { issue: Some("duplicate".into()), ..ExampleFilter::default() };
    let both =
        ExampleFilter { file_id: Some(file), issue: Some("duplicate".into()), ..ExampleFilter::default() };
    for (filter, expected) in [(&of_file, 3), (&of_chat, 2), (&doubled, 2), (&both, 1)] {
        assert_eq!(outline(&database, project.id, filter, 10).await.unwrap().total, expected, "{filter:?}");
    }
    examples::set_status(&database, project.id, &both, ExampleStatus::Rejected, "person").await.unwrap();
    let found = alike(&database, project.id).await.unwrap();
    let count = |of: &dyn Fn(&Alike) -> bool| -> i64 {
        found.iter().filter(|one| of(one)).map(|one| one.count).sum()
    };
    assert_eq!(count(&|_| true), 5);
    assert_eq!(count(&|one| one.file_id == Some(file.to_string())), 3);
    assert_eq!(count(&|one| one.status == ExampleStatus::Rejected && one.task.as_deref() == Some("chat")), 1);
    assert_eq!(count(&|one| one.issues.as_ref().is_some_and(|list| list.contains("\"duplicate\""))), 2);
}

pub async fn versions_are_numbered_and_stored_once(database: Database) {
    let project = project(&database).await;
    let version = |hash: &str| NewDatasetVersion {
        project_id: project.id,
        content_hash: hash.into(),
        train_key: format!("{}/datasets/{hash}-train.jsonl", project.id),
        eval_key: None,
        train_count: 9,
        eval_count: 1,
        details: json!({"seed": 7}),
    };
    let one = dataset_versions::create(&database, version("a")).await.unwrap();
    let same = dataset_versions::create(&database, version("a")).await.unwrap();
    assert_eq!((one.number, &one), (1, &same));
    let at_once = (0..8).map(|number| {
        let (database, version) = (database.clone(), version(&format!("b{number}")));
        tokio::spawn(async move { dataset_versions::create(&database, version).await.unwrap().number })
    });
    let mut numbers: Vec<_> =
        futures::future::join_all(at_once).await.into_iter().map(|number| number.unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [2, 3, 4, 5, 6, 7, 8, 9]);
    let page = dataset_versions::list(&database, project.id, Page::new(1, 2)).await.unwrap();
    assert_eq!((page.total, page.items[0].number), (9, 9));
    assert_eq!(dataset_versions::get(&database, project.id, one.id).await.unwrap(), one);
    let mut orphan = version("c");
    orphan.project_id = Uuid::now_v7();
    assert!(dataset_versions::create(&database, orphan).await.unwrap_err().is_not_found());
}

pub async fn each_change_is_recorded(database: Database) {
    let (project, other) = (project(&database).await, project(&database).await);
    examples::insert_many(&database, project.id, pending(0..700)).await.unwrap();
    let first =
        examples::list(&database, project.id, Page::new(1, 1), ExampleFilter::default()).await.unwrap();
    let first = first.items[0].clone();
    let edit = ExampleChange {
        payload: Some((json!({"messages": []}), "another hash".into())),
        status: Some(ExampleStatus::Approved),
        ..ExampleChange::default()
    };
    examples::update(&database, project.id, first.id, edit.clone(), "marie").await.unwrap();
    examples::update(&database, project.id, first.id, edit, "marie").await.unwrap();
    let assess = ExampleChange { quality: Some(json!({"score": 1})), ..ExampleChange::default() };
    examples::update(&database, project.id, first.id, assess, "checks").await.unwrap();
    let all = ExampleFilter::default();
    let decided =
        examples::set_status(&database, project.id, &all, ExampleStatus::Approved, "person").await.unwrap();
    assert_eq!(decided.changed, 699, "one was approved already");

    let of_first = changes::list(&database, project.id, Some(first.id), Page::default()).await.unwrap();
    let told: Vec<_> = of_first.items.iter().map(|change| (change.kind, change.actor.as_str())).collect();
    assert_eq!(told, [(ChangeKind::Assessed, "checks"), (ChangeKind::Edited, "marie")]);
    let edited = &of_first.items[1];
    assert_eq!(edited.before, json!({"status": "pending", "payload": first.payload}));
    assert_eq!(edited.after, json!({"status": "approved", "payload": {"messages": []}}));
    let of_all = changes::list(&database, project.id, None, Page::new(1, 2)).await.unwrap();
    assert_eq!(of_all.total, 701);
    assert_eq!(of_all.items[0].batch_id, of_all.items[1].batch_id);
    assert!(of_all.items[0].batch_id.is_some());

    // What is deleted takes its texts along; that it was there stays known.
    examples::delete(&database, project.id, first.id, "paul").await.unwrap();
    let gone = changes::list(&database, project.id, Some(first.id), Page::default()).await.unwrap().items;
    assert_eq!(
        gone.iter().map(|change| (change.kind, &change.before, &change.after)).collect::<Vec<_>>(),
        [(ChangeKind::Deleted, &json!({"status": "approved"}), &json!({}))]
    );
    // It can come back under its id, unless another one has its content by now.
    let again = || new_example(9000, ExampleStatus::Rejected);
    let restored = examples::restore(&database, project.id, first.id, again(), "marie").await.unwrap();
    assert_eq!((restored.id, restored.status), (first.id, ExampleStatus::Rejected));
    let of_first = changes::list(&database, project.id, Some(first.id), Page::default()).await.unwrap().items;
    assert_eq!((of_first[0].kind, of_first[0].actor.as_str()), (ChangeKind::Edited, "marie"));
    let twice = examples::restore(&database, project.id, Uuid::now_v7(), again(), "marie").await;
    assert!(matches!(twice, Err(StoreError::Conflict { .. })), "{twice:?}");

    assert_eq!(examples::delete_many(&database, project.id, &all, "paul").await.unwrap(), 700);
    assert_eq!(changes::list(&database, other.id, None, Page::default()).await.unwrap().total, 0);
}

pub async fn are_found_by_their_findings(database: Database) {
    let project = project(&database).await;
    let found = |number: usize, issues: serde_json::Value| NewExample {
        quality: json!({ "issues": issues }),
        ..new_example(number, ExampleStatus::Pending)
    };
    let rows = vec![
        found(0, json!(["refusal", "not_grounded"])),
        found(1, json!(["refusals"])),
        found(2, json!([])),
    ];
    examples::insert_many(&database, project.id, rows).await.unwrap();
    for (issue, expected) in [("refusal", 1), ("not_grounded", 1), ("notXgrounded", 0), ("%", 0)] {
        let filter = ExampleFilter { issue: Some(issue.into()), ..ExampleFilter::default() };
        let found = examples::list(&database, project.id, Page::default(), filter).await.unwrap();
        assert_eq!(found.total, expected, "{issue}");
    }
}

pub async fn tell_their_sizes_and_a_sample_of_them(database: Database) {
    let project = project(&database).await;
    let all = ExampleFilter::default();
    assert_eq!(lengths(&database, project.id, &all).await.unwrap(), Lengths::default());
    let mut long = new_example(1000, ExampleStatus::Approved);
    long.payload = json!({ "messages": [{ "role": "user", "content": "é".repeat(5000) }] });
    let new = [pending(0..40), vec![long]].concat();
    examples::insert_many(&database, project.id, new).await.unwrap();
    let found = lengths(&database, project.id, &all).await.unwrap();
    assert_eq!(found.rows, 41);
    assert!((5000..5100).contains(&found.longest), "characters, not bytes: {found:?}");
    assert!((found.longest + 40 * 40..found.longest + 40 * 100).contains(&found.characters), "{found:?}");
    let approved = ExampleFilter { status: Some(ExampleStatus::Approved), ..all.clone() };
    let one = lengths(&database, project.id, &approved).await.unwrap();
    assert_eq!((one.rows, one.longest), (1, found.longest));

    let some = sample(&database, project.id, &all, 10).await.unwrap();
    assert_eq!(some.len(), 10);
    assert_eq!(sample(&database, project.id, &all, 10).await.unwrap(), some, "the same each time");
    assert_eq!(sample(&database, project.id, &all, 100).await.unwrap().len(), 41);
}
