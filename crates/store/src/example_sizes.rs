//! How long stored examples are, without reading all of them.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DbBackend, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::database::Database;
use crate::error::Result;
use crate::example_filter::{ExampleFilter, filtered};
use crate::examples::{Example, entity};

/// Lengths of the payloads of examples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lengths {
    /// How many examples.
    pub rows: u64,
    /// Characters of their payloads, as this database writes JSON.
    pub characters: u64,
    /// Of the longest.
    pub longest: u64,
}

/// Lengths of the matching examples' payloads.
pub async fn lengths(database: &Database, project_id: Uuid, filter: &ExampleFilter) -> Result<Lengths> {
    let length = match database.backend() {
        DbBackend::Postgres => "LENGTH(payload::text)",
        _ => "LENGTH(payload)",
    };
    // PostgreSQL sums into a number without bounds.
    let sum = format!("CAST(COALESCE(SUM({length}), 0) AS BIGINT)");
    let longest = format!("CAST(COALESCE(MAX({length}), 0) AS BIGINT)");
    let found: Option<(i64, i64, i64)> = filtered(database, project_id, filter)
        .select_only()
        .column_as(entity::Column::Id.count(), "rows")
        .column_as(Expr::cust(sum), "characters")
        .column_as(Expr::cust(longest), "longest")
        .into_tuple()
        .one(database.connection())
        .await?;
    let (rows, characters, longest) = found.unwrap_or_default();
    Ok(Lengths {
        rows: rows.unsigned_abs(),
        characters: characters.unsigned_abs(),
        longest: longest.unsigned_abs(),
    })
}

/// Up to `limit` of the matching examples, the same ones each time: in the order of the hashes of their contents, which has
/// nothing to do with where they come from.
pub async fn sample(
    database: &Database,
    project_id: Uuid,
    filter: &ExampleFilter,
    limit: u64,
) -> Result<Vec<Example>> {
    let query = filtered(database, project_id, filter).order_by_asc(entity::Column::ContentHash).limit(limit);
    Ok(query.all(database.connection()).await?)
}
