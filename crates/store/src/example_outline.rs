//! Lists of very many examples as a screen goes through them: where each part of a filtered list begins, and how the
//! examples divide by document, task and finding. Neither reads the examples themselves.

use sea_orm::sea_query::{Alias, Expr, Order, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait,
};
use uuid::Uuid;

use crate::database::Database;
use crate::error::Result;
use crate::example_filter::{Facet, facet, filtered};
use crate::examples::{Example, ExampleFilter, ExampleStatus, StatusCounts, entity, status_counts_of};

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

#[derive(FromQueryResult)]
struct Post {
    id: Uuid,
    place: i64,
}

/// Cuts the matching examples into windows of `window` examples.
pub async fn outline(
    database: &Database,
    project_id: Uuid,
    filter: &ExampleFilter,
    window: u64,
) -> Result<Outline> {
    let window = window.max(1);
    let posts = posts(database, project_id, filter, window);
    let (posts, counts) = tokio::try_join!(posts, status_counts_of(database, project_id, filter))?;
    let of_first = posts.iter().filter(|post| post.place.unsigned_abs() <= window);
    let first = entity::Entity::find()
        .filter(entity::Column::Id.is_in(of_first.map(|post| post.id)))
        .order_by_asc(entity::Column::Id)
        .all(database.connection())
        .await?;
    let is_start = |post: &&Post| (post.place.unsigned_abs() - 1).is_multiple_of(window);
    let starts: Vec<Uuid> = posts.iter().filter(is_start).map(|post| post.id).collect();
    // Both are read at once, and somebody may write in between: the windows are what the list has.
    let counted = filter.status.map_or(counts.total(), |status| counts.of(status));
    let windows = starts.len() as u64;
    let total = counted.clamp((windows * window + 1).saturating_sub(window), windows * window);
    Ok(Outline { total, starts, first, counts })
}

/// The examples of the first window and the first ones of the others, each with its place from 1.
async fn posts(
    database: &Database,
    project_id: Uuid,
    filter: &ExampleFilter,
    window: u64,
) -> Result<Vec<Post>> {
    let numbered = filtered(database, project_id, filter)
        .select_only()
        .column(entity::Column::Id)
        .expr_as(Expr::cust("row_number() OVER (ORDER BY id)"), "place")
        .into_query();
    let wanted = Query::select()
        .columns(["id", "place"].map(Alias::new))
        .from_subquery(numbered, Alias::new("numbered"))
        .and_where(Expr::cust(format!("(place <= {window} OR (place - 1) % {window} = 0)")))
        .order_by(Alias::new("place"), Order::Asc)
        .to_owned();
    let found = database.connection().query_all(&wanted).await?;
    Ok(found.iter().map(|row| Post::from_query_result(row, "")).collect::<Result<_, _>>()?)
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

/// The project's examples, counted by status, document, task and findings.
pub async fn alike(database: &Database, project_id: Uuid) -> Result<Vec<Alike>> {
    let facets = [("file_id", Facet::File), ("task", Facet::Task), ("issues", Facet::Issues)];
    let mut query = filtered(database, project_id, &ExampleFilter::default())
        .select_only()
        .column(entity::Column::Status)
        .column_as(entity::Column::Id.count(), "count")
        .group_by(entity::Column::Status);
    for (name, of) in facets {
        query = query.expr_as(facet(database, of), name).group_by(facet(database, of));
    }
    Ok(query.into_model::<Alike>().all(database.connection()).await?)
}
