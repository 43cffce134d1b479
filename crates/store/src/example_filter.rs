//! Which examples are meant: the conditions on their rows, in the words of both databases.

use sea_orm::sea_query::{Expr, ExprTrait, Func};
use sea_orm::{ColumnTrait, DbBackend, EntityTrait, QueryFilter, Select};
use serde_json::Value;
use uuid::Uuid;

use crate::database::Database;
use crate::examples::{ExampleStatus, entity};
use crate::projects::contains_pattern;

/// Which examples are meant.
#[derive(Clone, Debug, Default)]
pub struct ExampleFilter {
    /// Only with this status.
    pub status: Option<ExampleStatus>,
    /// Only of this chunk.
    pub chunk_id: Option<Uuid>,
    /// Only with this text in the payload, in any case.
    pub search: Option<String>,
    /// Only with this finding in `quality.issues`.
    pub issue: Option<String>,
    /// Only of this file, by `provenance.file_id`.
    pub file_id: Option<Uuid>,
    /// Only with this `provenance.task`.
    pub task: Option<String>,
    /// Only this one and what was created after it.
    pub from: Option<Uuid>,
    /// Only what was created before this one.
    pub to: Option<Uuid>,
    /// Only these.
    pub ids: Option<Vec<Uuid>>,
}

/// The project's examples that the filter leaves.
pub(crate) fn filtered(
    database: &Database,
    project_id: Uuid,
    filter: &ExampleFilter,
) -> Select<entity::Entity> {
    entity::Entity::find().filter(condition(database, project_id, filter))
}

/// What the filter asks for.
pub(crate) fn condition(database: &Database, project_id: Uuid, filter: &ExampleFilter) -> sea_orm::Condition {
    let mut all = sea_orm::Condition::all().add(entity::Column::ProjectId.eq(project_id));
    if let Some(status) = filter.status {
        let asks_facets = filter.issue.is_some() || filter.file_id.is_some() || filter.task.is_some();
        all = all.add(match database.backend() {
            // SQLite would choose the index of the states, and read each row for the facets: a sign hides the column from it.
            DbBackend::Sqlite if asks_facets => Expr::cust_with_values("+status = ?", [status.as_str()]),
            _ => entity::Column::Status.eq(status),
        });
    }
    if let Some(chunk_id) = filter.chunk_id {
        all = all.add(entity::Column::ChunkId.eq(chunk_id));
    }
    if let Some(ids) = &filter.ids {
        all = all.add(entity::Column::Id.is_in(ids.iter().copied()));
    }
    if let Some(search) = filter.search.as_ref().filter(|search| !search.is_empty()) {
        all = all.add(holds(database, search));
    }
    if let Some(issue) = &filter.issue {
        // Findings are names, and nothing else in the list is quoted like one.
        let named = Value::String(issue.clone()).to_string();
        all = all.add(facet(database, Facet::Issues).like(contains_pattern(&named)));
    }
    if let Some(file_id) = filter.file_id {
        all = all.add(facet(database, Facet::File).eq(file_id.to_string()));
    }
    if let Some(task) = &filter.task {
        all = all.add(facet(database, Facet::Task).eq(task.clone()));
    }
    if let Some(from) = filter.from {
        all = all.add(entity::Column::Id.gte(from));
    }
    if let Some(to) = filter.to {
        all = all.add(entity::Column::Id.lt(to));
    }
    all
}

/// What stands inside the JSON of an example and is looked for among many.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Facet {
    File,
    Task,
    Issues,
}

/// The facet as a text, in the very words of the index `dataset_examples_facets`, which then answers without the rows.
pub(crate) fn facet(database: &Database, facet: Facet) -> Expr {
    Expr::cust(match (database.backend(), facet) {
        (DbBackend::Postgres, Facet::File) => "provenance->>'file_id'",
        (DbBackend::Postgres, Facet::Task) => "provenance->>'task'",
        (DbBackend::Postgres, Facet::Issues) => "quality->>'issues'",
        (_, Facet::File) => "json_extract(provenance, '$.file_id')",
        (_, Facet::Task) => "json_extract(provenance, '$.task')",
        (_, Facet::Issues) => "json_extract(quality, '$.issues')",
    })
}

/// Whether an example's payload holds a text, in any case. Databases that know the cases of English letters only (SQLite, and
/// PostgreSQL in the locale C) find others as they were typed.
fn holds(database: &Database, text: &str) -> sea_orm::Condition {
    let payload = match database.backend() {
        DbBackend::Postgres => Func::lower(Expr::col(entity::Column::Payload).cast_as("text")).into(),
        // Its LIKE minds no case.
        _ => Expr::col(entity::Column::Payload),
    };
    let like = |text: &str| payload.clone().like(contains_pattern(&as_in_json(text)));
    let found = sea_orm::Condition::any().add(like(&text.to_lowercase()));
    if text.is_ascii() { found } else { found.add(like(&text.to_ascii_lowercase())) }
}

/// The text as it stands inside stored JSON: quotes, backslashes and line ends escaped.
fn as_in_json(text: &str) -> String {
    let quoted = Value::String(text.to_owned()).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}
