//! Projects: a name and settings; files, examples, jobs and runs hang below and go with it.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, Func};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde_json::Value;
use uuid::Uuid;

use crate::database::{Database, now};
use crate::error::{Result, StoreError};
use crate::page::{Page, Paged};

pub use entity::Model as Project;

pub(crate) mod entity {
    use sea_orm::entity::prelude::*;
    use serde::Serialize;

    /// A stored project.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Serialize)]
    #[sea_orm(table_name = "projects")]
    pub struct Model {
        /// Version 7: ordered by creation.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// As the user typed it.
        #[sea_orm(column_type = "Text")]
        pub name: String,
        /// May be empty.
        #[sea_orm(column_type = "Text")]
        pub description: String,
        /// The application's settings of this project.
        #[sea_orm(column_type = "Json")]
        pub settings: Json,
        /// UTC.
        pub created_at: DateTimeUtc,
        /// UTC.
        pub updated_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A project to create.
#[derive(Clone, Debug)]
pub struct NewProject {
    /// Shown to people.
    pub name: String,
    /// May be empty.
    pub description: String,
    /// Free.
    pub settings: Value,
}

/// Which projects to list.
#[derive(Clone, Debug, Default)]
pub struct ProjectFilter {
    /// Part of the name, in any case.
    pub search: Option<String>,
}

/// What to change; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct ProjectChange {
    /// The name.
    pub name: Option<String>,
    /// The description.
    pub description: Option<String>,
    /// The settings, as a whole.
    pub settings: Option<Value>,
}

/// Stores a project.
pub async fn create(database: &Database, project: NewProject) -> Result<Project> {
    let time = now();
    let row = Project {
        id: Uuid::now_v7(),
        name: project.name,
        description: project.description,
        settings: project.settings,
        created_at: time,
        updated_at: time,
    };
    let insert = entity::Entity::insert(row.clone().into_active_model());
    insert.exec_without_returning(database.connection()).await?;
    Ok(row)
}

/// One project.
pub async fn get(database: &Database, id: Uuid) -> Result<Project> {
    let row = entity::Entity::find_by_id(id).one(database.connection()).await?;
    row.ok_or_else(|| StoreError::not_found("project", id))
}

/// A page of projects, newest first.
pub async fn list(database: &Database, page: Page, filter: ProjectFilter) -> Result<Paged<Project>> {
    let mut query = entity::Entity::find();
    if let Some(search) = filter.search.filter(|search| !search.is_empty()) {
        let name = Expr::expr(Func::lower(Expr::col(entity::Column::Name)));
        query = query.filter(name.like(contains_pattern(&search.to_lowercase())));
    }
    let total = query.clone().count(database.connection()).await?;
    let query = query.order_by_desc(entity::Column::Id).offset(page.offset()).limit(page.clamped().per_page);
    Ok(Paged::new(query.all(database.connection()).await?, total, page))
}

/// Changes a project.
pub async fn update(database: &Database, id: Uuid, change: ProjectChange) -> Result<Project> {
    let mut row = get(database, id).await?.into_active_model();
    if let Some(name) = change.name {
        row.name = Set(name);
    }
    if let Some(description) = change.description {
        row.description = Set(description);
    }
    if let Some(settings) = change.settings {
        row.settings = Set(settings);
    }
    row.updated_at = Set(now());
    Ok(row.update(database.connection()).await?)
}

/// Deletes a project with everything in it, blobs excepted.
pub async fn delete(database: &Database, id: Uuid) -> Result<()> {
    let gone =
        entity::Entity::delete_many().filter(entity::Column::Id.eq(id)).exec(database.connection()).await?;
    if gone.rows_affected == 0 {
        return Err(StoreError::not_found("project", id));
    }
    Ok(())
}

/// A LIKE pattern that finds the text anywhere, with LIKE's own signs taken literally.
pub(crate) fn contains_pattern(text: &str) -> sea_orm::sea_query::LikeExpr {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    sea_orm::sea_query::LikeExpr::new(pattern).escape('\\')
}
