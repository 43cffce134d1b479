//! What every database must do: each case gets an empty one.

mod examples;
mod generation;
mod jobs;
mod label_studio;
mod projects;
mod runs;

use std::future::Future;
use std::pin::Pin;

use serde_json::json;
use store::Database;
use store::projects::{NewProject, Project};

use crate::postgres::Cluster;

type Case = (&'static str, fn(Database) -> Pin<Box<dyn Future<Output = ()>>>);

/// Every case, by name.
macro_rules! cases {
    ($($module:ident::$name:ident),+ $(,)?) => {
        &[$((concat!(stringify!($module), "::", stringify!($name)), |database| Box::pin($module::$name(database)))),+]
    };
}

const CASES: &[Case] = cases![
    projects::are_created_listed_changed_and_deleted,
    projects::search_takes_signs_literally,
    projects::a_deleted_project_takes_everything_along,
    projects::files_belong_to_their_project,
    projects::chunks_are_replaced_as_a_whole,
    projects::settings_are_set_again,
    projects::choices_are_kept_by_step,
    examples::the_same_content_is_stored_once,
    examples::are_filtered_counted_and_decided_about,
    examples::keep_the_order_of_creation_over_parts,
    examples::each_change_is_recorded,
    examples::are_found_by_their_findings,
    examples::keep_their_windows_while_they_are_decided_about,
    examples::are_cut_the_same_by_every_filter,
    examples::have_their_former_states_when_a_decision_is_undone,
    examples::are_counted_by_what_they_are_filtered_by,
    examples::tell_their_sizes_and_a_sample_of_them,
    examples::versions_are_numbered_and_stored_once,
    generation::units_end_once_and_with_their_examples,
    generation::replies_are_found_by_their_request,
    label_studio::tasks_are_linked_once_and_counted,
    runs::status_follows_the_events,
    runs::events_are_numbered_without_gaps_by_many_writers,
    runs::a_replayed_event_changes_nothing,
    runs::running_ones_are_interrupted_at_start_up,
    jobs::go_from_the_queue_to_their_end,
    jobs::are_claimed_once_by_many_workers,
    jobs::a_lost_worker_costs_an_attempt_and_the_last_one_the_job,
    jobs::a_failure_is_retried_later_and_not_for_ever,
    jobs::are_cancelled_while_they_wait_and_while_they_run,
    jobs::given_back_ones_keep_their_attempt,
    jobs::of_an_ended_server_are_claimable_at_once,
    jobs::the_newest_of_some_kinds_is_found,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite() {
    for (name, case) in CASES {
        println!("case {name}");
        let folder = tempfile::tempdir().unwrap();
        let url = Database::sqlite_url(&folder.path().join("it.sqlite"));
        let database = Database::open(&url, folder.path()).await.unwrap();
        assert_eq!(database.backend_name(), "SQLite");
        case(database).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql() {
    let Some(cluster) = Cluster::start() else {
        eprintln!("SKIPPED: no PostgreSQL here (initdb and pg_ctl in PATH or /usr/lib/postgresql/*/bin)");
        return;
    };
    for (number, (name, case)) in CASES.iter().enumerate() {
        println!("case {name}");
        let url = cluster.create_database(&format!("case_{number}"));
        let database = Database::open(&url, cluster.path()).await.unwrap();
        assert_eq!(database.backend_name(), "PostgreSQL");
        case(database.clone()).await;
        let again = Database::open(&url, cluster.path()).await.unwrap();
        assert_eq!(again.schema_version().await.unwrap(), Database::newest_schema_version());
        again.close().await.unwrap();
        database.close().await.unwrap();
    }
}

async fn project(database: &Database) -> Project {
    let project = NewProject { name: "Handbook".into(), description: String::new(), settings: json!({}) };
    store::projects::create(database, project).await.unwrap()
}
