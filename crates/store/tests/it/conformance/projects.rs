//! Projects, files, chunks and settings.

use serde_json::json;
use store::chunks::{ChunkFilter, NewChunk};
use store::files::{FileChange, FileFilter, NewFile};
use store::projects::{NewProject, ProjectChange, ProjectFilter};
use store::{Database, Page, StoreError, chunks, files, project_choices, projects, settings};
use uuid::Uuid;

use super::project;

fn new_file(project_id: Uuid, name: &str) -> NewFile {
    let id = Uuid::now_v7();
    NewFile {
        id,
        project_id,
        name: name.into(),
        kind: "raw_doc".into(),
        media_type: "application/pdf".into(),
        size_bytes: 5_000_000_000,
        sha256: format!("hash of {name}"),
        blob_key: format!("{project_id}/raw/{id}.pdf"),
        status: "stored".into(),
        details: json!({}),
    }
}

fn new_chunks(count: usize) -> Vec<NewChunk> {
    (0..count)
        .map(|number| NewChunk {
            text: format!("text {number} é 数 🙂"),
            token_count: number as u64,
            source: json!({ "page_start": number, "headings": ["b", "a"] }),
        })
        .collect()
}

pub async fn are_created_listed_changed_and_deleted(database: Database) {
    let settings =
        json!({"zeta": 1, "alpha": {"nested": [true, null, 1.5]}, "text": "l'été \u{1F600} \" \\ \n"});
    for number in 0..7 {
        let new = NewProject {
            name: format!("Project {number}"),
            description: "d".into(),
            settings: settings.clone(),
        };
        let stored = projects::create(&database, new).await.unwrap();
        let read = projects::get(&database, stored.id).await.unwrap();
        assert_eq!(read, stored, "what is read is what was written");
    }
    let page = projects::list(&database, Page::new(2, 3), ProjectFilter::default()).await.unwrap();
    assert_eq!((page.total, page.page, page.per_page), (7, 2, 3));
    let names: Vec<_> = page.items.iter().map(|project| project.name.as_str()).collect();
    assert_eq!(names, ["Project 3", "Project 2", "Project 1"], "newest first");
    let beyond = projects::list(&database, Page::new(9, 3), ProjectFilter::default()).await.unwrap();
    assert!(beyond.items.is_empty() && beyond.total == 7);

    let first = &page.items[0];
    let change = ProjectChange { name: Some("Renamed".into()), ..ProjectChange::default() };
    let changed = projects::update(&database, first.id, change).await.unwrap();
    assert_eq!((changed.name.as_str(), &changed.settings), ("Renamed", &settings));
    assert!(changed.updated_at >= first.updated_at && changed.created_at == first.created_at);

    projects::delete(&database, first.id).await.unwrap();
    for outcome in [
        projects::get(&database, first.id).await.map(drop),
        projects::delete(&database, first.id).await,
        projects::update(&database, first.id, ProjectChange::default()).await.map(drop),
    ] {
        assert!(matches!(outcome, Err(StoreError::NotFound { what: "project", .. })), "{outcome:?}");
    }
}

pub async fn search_takes_signs_literally(database: Database) {
    for name in ["100% done", "1000 done", "a_b", "aXb", "back\\slash", "Upper"] {
        let new = NewProject { name: name.into(), description: String::new(), settings: json!({}) };
        projects::create(&database, new).await.unwrap();
    }
    for (search, found) in [
        ("0%", vec!["100% done"]),
        ("a_b", vec!["a_b"]),
        ("\\s", vec!["back\\slash"]),
        ("uPP", vec!["Upper"]),
        ("'; DROP TABLE projects; --", vec![]),
    ] {
        let filter = ProjectFilter { search: Some(search.into()) };
        let page = projects::list(&database, Page::default(), filter).await.unwrap();
        let names: Vec<_> = page.items.iter().map(|project| project.name.as_str()).collect();
        assert_eq!(names, found, "searching {search}");
    }
}

pub async fn a_deleted_project_takes_everything_along(database: Database) {
    let kept = project(&database).await;
    let gone = project(&database).await;
    for owner in [&kept, &gone] {
        let file = files::create(&database, new_file(owner.id, "a.pdf")).await.unwrap();
        chunks::replace_for_file(&database, owner.id, file.id, new_chunks(3)).await.unwrap();
        let run = store::runs::NewRun { project_id: owner.id, dataset_version_id: None, config: json!({}) };
        store::runs::create(&database, run).await.unwrap();
    }
    projects::delete(&database, gone.id).await.unwrap();
    for (owner, expected) in [(&kept, 3), (&gone, 0)] {
        let page = chunks::list(&database, owner.id, Page::default(), ChunkFilter::default()).await.unwrap();
        assert_eq!(page.total, expected);
    }
    let runs =
        store::runs::list(&database, Page::default(), store::runs::RunFilter::default()).await.unwrap();
    assert_eq!(runs.total, 1);
    let orphan = files::create(&database, new_file(gone.id, "b.pdf")).await;
    assert!(matches!(orphan, Err(StoreError::Conflict { .. })), "{orphan:?}");
}

pub async fn files_belong_to_their_project(database: Database) {
    let (mine, other) = (project(&database).await, project(&database).await);
    let file = files::create(&database, new_file(mine.id, "a.pdf")).await.unwrap();
    assert_eq!(files::get(&database, mine.id, file.id).await.unwrap(), file);
    assert_eq!(file.size_bytes, 5_000_000_000);
    assert!(files::get(&database, other.id, file.id).await.unwrap_err().is_not_found());
    assert!(files::delete(&database, other.id, file.id).await.unwrap_err().is_not_found());
    let same = files::find_by_sha256(&database, mine.id, "raw_doc", &file.sha256).await.unwrap();
    assert_eq!(same.map(|file| file.id), Some(file.id));
    assert!(files::find_by_sha256(&database, other.id, "raw_doc", &file.sha256).await.unwrap().is_none());

    let change = FileChange { status: Some("parsed".into()), details: Some(json!({"pages": 3})) };
    files::update(&database, mine.id, file.id, change).await.unwrap();
    let filter = FileFilter { kind: Some("raw_doc".into()), status: Some("parsed".into()) };
    let parsed = files::list(&database, mine.id, Page::default(), filter).await.unwrap();
    assert_eq!(parsed.items[0].details, json!({"pages": 3}));
    assert_eq!(files::delete(&database, mine.id, file.id).await.unwrap().blob_key, file.blob_key);
}

pub async fn chunks_are_replaced_as_a_whole(database: Database) {
    let project = project(&database).await;
    let file = files::create(&database, new_file(project.id, "a.pdf")).await.unwrap();
    let count = chunks::replace_for_file(&database, project.id, file.id, new_chunks(1203)).await.unwrap();
    assert_eq!(count, 1203, "more than one statement holds");
    chunks::replace_for_file(&database, project.id, file.id, new_chunks(4)).await.unwrap();
    let filter = || ChunkFilter { file_id: Some(file.id) };
    let page = chunks::list(&database, project.id, Page::default(), filter()).await.unwrap();
    let ordinals: Vec<_> = page.items.iter().map(|chunk| chunk.ordinal).collect();
    assert_eq!(ordinals, [0, 1, 2, 3]);
    assert_eq!(page.items[2].text, "text 2 é 数 🙂");
    assert_eq!(chunks::get(&database, project.id, page.items[2].id).await.unwrap(), page.items[2]);

    let missing = chunks::replace_for_file(&database, project.id, Uuid::now_v7(), new_chunks(1)).await;
    assert!(missing.is_err());
    assert_eq!(chunks::list(&database, project.id, Page::default(), filter()).await.unwrap().total, 4);
    assert_eq!(chunks::delete_for_file(&database, project.id, file.id).await.unwrap(), 4);
}

pub async fn settings_are_set_again(database: Database) {
    assert_eq!(settings::get(&database, "theme").await.unwrap(), None);
    for value in [json!("dark"), json!({"b": 1, "a": 2}), json!(null)] {
        settings::set(&database, "theme", value.clone()).await.unwrap();
        assert_eq!(settings::get(&database, "theme").await.unwrap(), Some(value));
    }
    settings::set(&database, "other", json!(1)).await.unwrap();
    assert_eq!(settings::all(&database).await.unwrap().len(), 2);
    assert!(settings::delete(&database, "other").await.unwrap());
    assert!(!settings::delete(&database, "other").await.unwrap());
}

pub async fn choices_are_kept_by_step(database: Database) {
    let (mine, other) = (project(&database).await, project(&database).await);
    for value in [json!({"task": "chat"}), json!({"task": "summary", "b": [1, null], "a": "é"})] {
        project_choices::set(&database, mine.id, "task", value).await.unwrap();
    }
    project_choices::set(&database, mine.id, "train", json!({"epochs": 3})).await.unwrap();
    project_choices::set(&database, other.id, "task", json!({})).await.unwrap();
    let found = project_choices::of_projects(&database, &[mine.id, Uuid::now_v7()]).await.unwrap();
    let steps: Vec<_> = found[&mine.id].iter().map(|(step, value)| (step.as_str(), value.clone())).collect();
    let task = json!({"task": "summary", "b": [1, null], "a": "é"});
    assert_eq!(steps, [("task", task), ("train", json!({"epochs": 3}))]);
    assert_eq!(found.len(), 1, "only what was asked for");

    projects::delete(&database, mine.id).await.unwrap();
    let left = project_choices::of_projects(&database, &[mine.id, other.id]).await.unwrap();
    assert_eq!(left.keys().collect::<Vec<_>>(), [&other.id]);
    let orphan = project_choices::set(&database, mine.id, "task", json!({})).await;
    assert!(orphan.is_err(), "{orphan:?}");
}
