//! Uploaded files: what they are called, where their bytes are, what became of them.

use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde_json::Value;
use uuid::Uuid;

use crate::database::{Database, now};
use crate::error::{Result, StoreError};
use crate::page::{Page, Paged};

pub use entity::Model as File;

pub(crate) mod entity {
    use sea_orm::entity::prelude::*;
    use serde::Serialize;

    /// A stored file.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Serialize)]
    #[sea_orm(table_name = "files")]
    pub struct Model {
        /// Version 7: ordered by creation.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// The project that it belongs to.
        pub project_id: Uuid,
        /// The name it was uploaded under; never used as a path.
        #[sea_orm(column_type = "Text")]
        pub name: String,
        /// What it is for, in the application's words.
        #[sea_orm(column_type = "Text")]
        pub kind: String,
        /// As the uploader or the detection says; may be empty.
        #[sea_orm(column_type = "Text")]
        pub media_type: String,
        /// Bytes in the blob.
        pub size_bytes: i64,
        /// Of the bytes, 64 hexadecimal digits.
        #[sea_orm(column_type = "Text")]
        pub sha256: String,
        /// Where the bytes are.
        #[sea_orm(column_type = "Text")]
        pub blob_key: String,
        /// How far it has been worked on, in the application's words.
        #[sea_orm(column_type = "Text")]
        pub status: String,
        /// Warnings, page count, error, …
        #[sea_orm(column_type = "Json")]
        pub details: Json,
        /// UTC.
        pub created_at: DateTimeUtc,
        /// UTC.
        pub updated_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A file to store; its bytes are in the blob store already.
#[derive(Clone, Debug)]
pub struct NewFile {
    /// Chosen before, because the blob key contains it (`Uuid::now_v7()`).
    pub id: Uuid,
    /// The project.
    pub project_id: Uuid,
    /// The name it was uploaded under.
    pub name: String,
    /// What it is for.
    pub kind: String,
    /// May be empty.
    pub media_type: String,
    /// Bytes in the blob.
    pub size_bytes: u64,
    /// Of the bytes.
    pub sha256: String,
    /// Where the bytes are.
    pub blob_key: String,
    /// The first status.
    pub status: String,
    /// Free.
    pub details: Value,
}

/// Which files to list.
#[derive(Clone, Debug, Default)]
pub struct FileFilter {
    /// Only this kind.
    pub kind: Option<String>,
    /// Only this status.
    pub status: Option<String>,
}

/// What to change; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct FileChange {
    /// The status.
    pub status: Option<String>,
    /// The details, as a whole.
    pub details: Option<Value>,
}

/// Stores a file's row.
pub async fn create(database: &Database, file: NewFile) -> Result<File> {
    let time = now();
    let row = File {
        id: file.id,
        project_id: file.project_id,
        name: file.name,
        kind: file.kind,
        media_type: file.media_type,
        size_bytes: i64::try_from(file.size_bytes).unwrap_or(i64::MAX),
        sha256: file.sha256,
        blob_key: file.blob_key,
        status: file.status,
        details: file.details,
        created_at: time,
        updated_at: time,
    };
    let insert = entity::Entity::insert(row.clone().into_active_model());
    insert.exec_without_returning(database.connection()).await?;
    Ok(row)
}

/// One file of a project.
pub async fn get(database: &Database, project_id: Uuid, id: Uuid) -> Result<File> {
    let query = entity::Entity::find_by_id(id).filter(entity::Column::ProjectId.eq(project_id));
    query.one(database.connection()).await?.ok_or_else(|| StoreError::not_found("file", id))
}

/// The project's file with exactly these bytes, if there is one.
pub async fn find_by_sha256(
    database: &Database,
    project_id: Uuid,
    kind: &str,
    sha256: &str,
) -> Result<Option<File>> {
    let query = entity::Entity::find()
        .filter(entity::Column::ProjectId.eq(project_id))
        .filter(entity::Column::Kind.eq(kind))
        .filter(entity::Column::Sha256.eq(sha256));
    Ok(query.one(database.connection()).await?)
}

/// A page of a project's files, in the order of their upload.
pub async fn list(
    database: &Database,
    project_id: Uuid,
    page: Page,
    filter: FileFilter,
) -> Result<Paged<File>> {
    let mut query = entity::Entity::find().filter(entity::Column::ProjectId.eq(project_id));
    if let Some(kind) = filter.kind {
        query = query.filter(entity::Column::Kind.eq(kind));
    }
    if let Some(status) = filter.status {
        query = query.filter(entity::Column::Status.eq(status));
    }
    let total = query.clone().count(database.connection()).await?;
    let query = query.order_by_asc(entity::Column::Id).offset(page.offset()).limit(page.clamped().per_page);
    Ok(Paged::new(query.all(database.connection()).await?, total, page))
}

/// Changes a file's status or details.
pub async fn update(database: &Database, project_id: Uuid, id: Uuid, change: FileChange) -> Result<File> {
    let mut row = get(database, project_id, id).await?.into_active_model();
    if let Some(status) = change.status {
        row.status = Set(status);
    }
    if let Some(details) = change.details {
        row.details = Set(details);
    }
    row.updated_at = Set(now());
    Ok(row.update(database.connection()).await?)
}

/// Deletes a file's row and its chunks; returns the row, whose blob is the caller's to delete.
pub async fn delete(database: &Database, project_id: Uuid, id: Uuid) -> Result<File> {
    let row = get(database, project_id, id).await?;
    entity::Entity::delete_by_id(id).exec(database.connection()).await?;
    Ok(row)
}
