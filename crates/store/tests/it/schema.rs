//! SQLite files of this and other versions: opened, changed with a backup first, or refused and left alone.

use std::path::{Path, PathBuf};

use sea_orm::ConnectionTrait;
use serde_json::json;
use store::{Database, Page, StoreError};

/// Databases as each schema version left them, made by `cargo run -p store --example make_fixture -- FILE`.
const FIXTURES: &[(u32, &str)] = &[
    (1, "schema_v1.sqlite"),
    (2, "schema_v2.sqlite"),
    (3, "schema_v3.sqlite"),
    (4, "schema_v4.sqlite"),
    (5, "schema_v5.sqlite"),
    (6, "schema_v6.sqlite"),
];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

async fn execute(path: &Path, statements: &[&str]) {
    let url = format!("sqlite://{}?mode=rwc", path.display());
    let connection = sea_orm::Database::connect(url).await.unwrap();
    for statement in statements {
        connection.execute_unprepared(statement).await.unwrap();
    }
    connection.close().await.unwrap();
}

fn backups(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn every_landed_schema_opens_and_keeps_its_rows() {
    for (version, name) in FIXTURES {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("finetuneflow.sqlite");
        std::fs::copy(fixture(name), &path).unwrap();
        let backup_folder = folder.path().join("backups");
        let database = Database::open(&Database::sqlite_url(&path), &backup_folder).await.unwrap();
        assert_eq!(database.schema_version().await.unwrap(), Database::newest_schema_version());
        let is_behind = *version < Database::newest_schema_version();
        assert_eq!(
            backups(&backup_folder).len(),
            usize::from(is_behind),
            "a backup before a change, and only then"
        );

        let project =
            &store::projects::list(&database, Page::default(), Default::default()).await.unwrap().items[0];
        assert_eq!(
            (project.name.as_str(), &project.settings),
            ("Fixture é", &json!({"model_id": "base", "b": [1, null]}))
        );
        let run = store::runs::latest(&database, project.id).await.unwrap().unwrap();
        assert_eq!(run.status, store::runs::RunStatus::Completed);
        let events = store::run_events::list_after(&database, run.id, 0).await.unwrap();
        assert_eq!(
            events.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>(),
            ["queued", "started", "step", "completed"]
        );
        let counts = store::examples::status_counts(&database, project.id).await.unwrap();
        assert_eq!((counts.approved, counts.pending), (1, 1));
        let chunks =
            store::chunks::list(&database, project.id, Page::default(), Default::default()).await.unwrap();
        assert_eq!(chunks.total, 2);
        let jobs = store::jobs::list(&database, Page::default(), Default::default()).await.unwrap();
        assert_eq!(jobs.items[0].kind, "train");
        assert_eq!(store::settings::get(&database, "theme").await.unwrap(), Some(json!("dark")));
    }
}

#[test]
fn the_newest_schema_has_a_fixture() {
    let newest = FIXTURES.iter().map(|(version, _)| *version).max();
    assert_eq!(newest, Some(Database::newest_schema_version()), "make one: see FIXTURES");
}

#[tokio::test]
async fn an_older_database_is_copied_before_it_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.sqlite");
    execute(
        &path,
        &[
            "CREATE TABLE seaql_migrations (version TEXT PRIMARY KEY, applied_at INTEGER NOT NULL)",
            "CREATE TABLE before (what TEXT)",
            "INSERT INTO before VALUES ('kept')",
        ],
    )
    .await;
    let backup_folder = folder.path().join("not/there/yet");
    let database = Database::open(&Database::sqlite_url(&path), &backup_folder).await.unwrap();
    assert_eq!(database.schema_version().await.unwrap(), Database::newest_schema_version());
    let copies = backups(&backup_folder);
    let [copy] = copies.as_slice() else { panic!("one copy, found {copies:?}") };
    assert!(copy.file_name().unwrap().to_str().unwrap().starts_with("old-schema0-2"), "{copy:?}");
    let connection = sea_orm::Database::connect(format!("sqlite://{}", copy.display())).await.unwrap();
    let statement = sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, "SELECT what FROM before");
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    assert_eq!(row.try_get::<String>("", "what").unwrap(), "kept");
    connection.close().await.unwrap();
    database.close().await.unwrap();

    Database::open(&Database::sqlite_url(&path), &backup_folder).await.unwrap();
    assert_eq!(backups(&backup_folder).len(), 1, "nothing to change, nothing to copy");
}

#[tokio::test]
async fn without_a_backup_nothing_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.sqlite");
    execute(&path, &["CREATE TABLE before (what TEXT)"]).await;
    let bytes = std::fs::read(&path).unwrap();
    let not_a_folder = folder.path().join("file");
    std::fs::write(&not_a_folder, "x").unwrap();
    let outcome = Database::open(&Database::sqlite_url(&path), &not_a_folder).await;
    assert!(matches!(outcome, Err(StoreError::Backup { .. })), "{outcome:?}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[tokio::test]
async fn a_newer_database_is_refused_by_name_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("newer.sqlite");
    std::fs::copy(fixture("schema_v1.sqlite"), &path).unwrap();
    execute(&path, &["INSERT INTO seaql_migrations VALUES ('m9999_from_the_future', 0)"]).await;
    let bytes = std::fs::read(&path).unwrap();
    let outcome = Database::open(&Database::sqlite_url(&path), folder.path()).await;
    let error = outcome.unwrap_err().to_string();
    assert!(error.contains("m9999_from_the_future") && error.contains("newer.sqlite"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "not a byte differs");
    let copies =
        backups(folder.path()).into_iter().filter(|path| path.to_string_lossy().contains("schema")).count();
    assert_eq!(copies, 0);
}

#[tokio::test]
async fn other_files_and_addresses_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("letter.sqlite");
    std::fs::write(&path, "Dear Sir or Madam, this is no database at all. ".repeat(40)).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert!(Database::open(&Database::sqlite_url(&path), folder.path()).await.is_err());
    assert_eq!(std::fs::read(&path).unwrap(), bytes);

    for url in ["mysql://root:secret@host/name", "sqlite://", "sqlite::memory:", "", "finetuneflow.sqlite"] {
        let error = Database::open(url, folder.path()).await.unwrap_err();
        assert!(matches!(error, StoreError::DatabaseUrl(_)), "{url}: {error}");
        assert!(!error.to_string().contains("secret"));
    }
    let error =
        Database::open("postgres://me:secret@127.0.0.1:1/x", folder.path()).await.unwrap_err().to_string();
    assert!(!error.contains("secret"), "{error}");
}

#[tokio::test]
async fn odd_file_names_are_only_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a b?mode=ro#é%20.sqlite");
    let database = Database::open(&Database::sqlite_url(&path), folder.path()).await.unwrap();
    store::settings::set(&database, "k", json!(1)).await.unwrap();
    database.close().await.unwrap();
    assert!(path.is_file());
}
