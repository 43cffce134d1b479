//! Lists of very many examples as a screen goes through them: where each part of a filtered list begins, and how the
//! examples divide by document, task and finding. Neither reads the examples themselves.

use sea_orm::sea_query::{Alias, CommonTableExpression, Expr, Query, UnionType, WithClause};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait,
};
use uuid::Uuid;

use crate::database::Database;
use crate::error::Result;
use crate::example_filter::{Facet, facet, filtered};
use crate::examples::{
    Example, ExampleFilter, ExampleStatus, StatusCounts, entity, list_after, status_counts_of,
};

/// A filtered list, cut into windows by the ids of their first examples.
///
/// What leaves the filter afterwards makes its own window shorter and moves no other; what is added stands behind the last.
#[derive(Clone, Debug, PartialEq)]
pub struct Outline {
    /// Examples in the whole list.
    pub total: u64,
    /// The first example of each window, in the order of creation.
    pub starts: Vec<Uuid>,
    /// The first window.
    pub first: Vec<Example>,
    /// How many have which status, whichever status the filter asks for.
    pub counts: StatusCounts,
}

/// Cuts the matching examples into windows of `window` examples.
pub async fn outline(
    database: &Database,
    project_id: Uuid,
    filter: &ExampleFilter,
    window: u64,
) -> Result<Outline> {
    let window = window.max(1);
    match database.backend() {
        DbBackend::Postgres => in_one_pass(database, project_id, filter, window).await,
        _ => along_the_index(database, project_id, filter, window).await,
    }
}

/// Reads the ids of all that match, and cuts them here. PostgreSQL goes through the examples with several processes, once;
/// it might plan [`skipping`] as a pass for each window.
async fn in_one_pass(
    database: &Database,
    project_id: Uuid,
    filter: &ExampleFilter,
    window: u64,
) -> Result<Outline> {
    let any_status = ExampleFilter { status: None, ..filter.clone() };
    let found: Vec<(ExampleStatus, Vec<u8>)> = filtered(database, project_id, &any_status)
        .select_only()
        .column(entity::Column::Status)
        .column_as(Expr::cust("string_agg(uuid_send(id), ''::bytea)"), "ids")
        .group_by(entity::Column::Status)
        .into_tuple()
        .all(database.connection())
        .await?;
    let mut counts = StatusCounts::default();
    let mut ids: Vec<Uuid> = Vec::new();
    for (status, bytes) in found {
        let (of_status, _) = bytes.as_chunks::<16>();
        *counts.of_mut(status) = of_status.len() as u64;
        if filter.status.is_none_or(|wanted| wanted == status) {
            ids.extend(of_status.iter().map(|id| Uuid::from_bytes(*id)));
        }
    }
    ids.sort_unstable();
    let first = entity::Entity::find()
        .filter(entity::Column::Id.is_in(ids.iter().take(window as usize).copied()))
        .order_by_asc(entity::Column::Id)
        .all(database.connection())
        .await?;
    let starts = ids.iter().step_by(window as usize).copied().collect();
    Ok(Outline { total: ids.len() as u64, starts, first, counts })
}

/// Reads the first window, the starts of the others behind it, and beside them the counts.
async fn along_the_index(
    database: &Database,
    project_id: Uuid,
    filter: &ExampleFilter,
    window: u64,
) -> Result<Outline> {
    let windows = async {
        let mut first = list_after(database, project_id, filter, None, window + 1).await?;
        let next = first.get(window as usize).map(|example| example.id);
        first.truncate(window as usize);
        let mut starts: Vec<Uuid> = first.iter().take(1).map(|example| example.id).collect();
        if let Some(next) = next {
            let others = skipping(database, project_id, filter, next, window);
            let others = database.connection().query_all(&others).await?;
            for row in others {
                starts.push(row.try_get("", "start")?);
            }
        }
        Ok((first, starts))
    };
    let ((first, starts), counts) =
        tokio::try_join!(windows, status_counts_of(database, project_id, filter))?;
    // Both are read at once, and somebody may write in between: the windows are what the list has.
    let windows = starts.len() as u64;
    let total = if windows <= 1 {
        first.len() as u64
    } else {
        let counted = filter.status.map_or(counts.total(), |status| counts.of(status));
        counted.clamp((windows - 1) * window + 1, windows * window)
    };
    Ok(Outline { total, starts, first, counts })
}

/// The first examples of the windows from the example `next` on, which is the first one itself: it goes from each to the
/// following one along the index. In SQLite, passing over an example takes a tenth of the time of numbering it.
fn skipping(
    database: &Database,
    project_id: Uuid,
    filter: &ExampleFilter,
    next: Uuid,
    window: u64,
) -> sea_orm::sea_query::WithQuery {
    use sea_orm::sea_query::ExprTrait;

    let (windows, start) = (Alias::new("windows"), Alias::new("start"));
    let following = filtered(database, project_id, filter)
        .select_only()
        .column(entity::Column::Id)
        .filter(entity::Column::Id.into_expr().gt(Expr::col((windows.clone(), start.clone()))))
        .order_by_asc(entity::Column::Id)
        .offset(window - 1)
        .limit(1)
        .into_query();
    let is_there = || Expr::col((windows.clone(), start.clone())).is_not_null();
    let steps = Query::select()
        .expr(Expr::SubQuery(None, Box::new(following.into())))
        .from(windows.clone())
        .and_where(is_there())
        .to_owned();
    let all = Query::select().expr(Expr::value(next)).union(UnionType::All, steps).to_owned();
    let table =
        CommonTableExpression::new().table_name(windows.clone()).column(start.clone()).query(all).to_owned();
    let found = Query::select().column(start.clone()).from(windows.clone()).and_where(is_there()).to_owned();
    found.with(WithClause::new().recursive(true).cte(table).to_owned())
}

/// Examples that are alike in everything that is filtered by.
#[derive(Clone, Debug, PartialEq, FromQueryResult)]
pub struct Alike {
    /// Their status.
    pub status: ExampleStatus,
    /// `provenance.file_id`.
    pub file_id: Option<String>,
    /// `provenance.task`.
    pub task: Option<String>,
    /// `quality.issues`, a JSON list of names.
    pub issues: Option<String>,
    /// How many.
    pub count: i64,
}

/// The project's examples, counted by status, document, task and findings: in the order of the index
/// `dataset_examples_alike`, which has them side by side.
pub async fn alike(database: &Database, project_id: Uuid) -> Result<Vec<Alike>> {
    let facets = [("file_id", Facet::File), ("task", Facet::Task), ("issues", Facet::Issues)];
    let mut query = filtered(database, project_id, &ExampleFilter::default())
        .select_only()
        .column(entity::Column::Status)
        .column_as(entity::Column::Status.count(), "count");
    for (name, of) in facets {
        query = query.expr_as(facet(database, of), name).group_by(facet(database, of));
    }
    let query = query.group_by(entity::Column::Status);
    Ok(query.into_model::<Alike>().all(database.connection()).await?)
}
