//! Chunks: pieces of a file's text, in order, each with its place in the source.

use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::Value;
use uuid::Uuid;

use crate::database::{Database, ROWS_PER_INSERT, now};
use crate::error::{Result, StoreError};
use crate::page::{Page, Paged};

pub use entity::Model as Chunk;

pub(crate) mod entity {
    use sea_orm::entity::prelude::*;
    use serde::Serialize;

    /// A stored chunk.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Serialize)]
    #[sea_orm(table_name = "chunks")]
    pub struct Model {
        /// Version 7: ordered by creation.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// The project.
        pub project_id: Uuid,
        /// The file that the text comes from.
        pub file_id: Uuid,
        /// Place in the file, from 0.
        pub ordinal: i64,
        /// The text.
        #[sea_orm(column_type = "Text")]
        pub text: String,
        /// As the caller's tokenizer counts.
        pub token_count: i64,
        /// Pages and spans, in the application's words.
        #[sea_orm(column_type = "Json")]
        pub source: Json,
        /// UTC.
        pub created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A chunk to store.
#[derive(Clone, Debug)]
pub struct NewChunk {
    /// The text.
    pub text: String,
    /// As the caller's tokenizer counts.
    pub token_count: u64,
    /// Pages and spans.
    pub source: Value,
}

/// Which chunks to list.
#[derive(Clone, Debug, Default)]
pub struct ChunkFilter {
    /// Only of this file.
    pub file_id: Option<Uuid>,
}

/// Puts these chunks in the place of all that the file had; either all of it happens or nothing. Returns how many.
pub async fn replace_for_file(
    database: &Database,
    project_id: Uuid,
    file_id: Uuid,
    chunks: Vec<NewChunk>,
) -> Result<u64> {
    let time = now();
    let count = chunks.len() as u64;
    let rows: Vec<_> = chunks
        .into_iter()
        .zip(0i64..)
        .map(|(chunk, ordinal)| Chunk {
            id: Uuid::now_v7(),
            project_id,
            file_id,
            ordinal,
            text: chunk.text,
            token_count: i64::try_from(chunk.token_count).unwrap_or(i64::MAX),
            source: chunk.source,
            created_at: time,
        })
        .collect();
    let transaction = database.begin_write().await?;
    entity::Entity::delete_many().filter(entity::Column::FileId.eq(file_id)).exec(&transaction).await?;
    for part in rows.chunks(ROWS_PER_INSERT) {
        let part = part.iter().map(|row| row.clone().into_active_model());
        entity::Entity::insert_many(part).exec_without_returning(&transaction).await?;
    }
    transaction.commit().await?;
    Ok(count)
}

/// One chunk of a project.
pub async fn get(database: &Database, project_id: Uuid, id: Uuid) -> Result<Chunk> {
    let query = entity::Entity::find_by_id(id).filter(entity::Column::ProjectId.eq(project_id));
    query.one(database.connection()).await?.ok_or_else(|| StoreError::not_found("chunk", id))
}

/// A page of a project's chunks, in the order of files and of the text.
pub async fn list(
    database: &Database,
    project_id: Uuid,
    page: Page,
    filter: ChunkFilter,
) -> Result<Paged<Chunk>> {
    let mut query = entity::Entity::find().filter(entity::Column::ProjectId.eq(project_id));
    if let Some(file_id) = filter.file_id {
        query = query.filter(entity::Column::FileId.eq(file_id));
    }
    let total = query.clone().count(database.connection()).await?;
    let query = query
        .order_by_asc(entity::Column::FileId)
        .order_by_asc(entity::Column::Ordinal)
        .offset(page.offset())
        .limit(page.clamped().per_page);
    Ok(Paged::new(query.all(database.connection()).await?, total, page))
}

/// Shows all chunks that are meant, in the order of [`list`], a page in memory at a time.
pub async fn for_each(
    database: &Database,
    project_id: Uuid,
    filter: ChunkFilter,
    mut visit: impl FnMut(Chunk),
) -> Result<()> {
    for number in 1.. {
        let page = list(database, project_id, Page::new(number, Page::MAX_PER_PAGE), filter.clone()).await?;
        page.items.into_iter().for_each(&mut visit);
        if number * Page::MAX_PER_PAGE >= page.total {
            break;
        }
    }
    Ok(())
}

/// Deletes all chunks of a file; returns how many there were.
pub async fn delete_for_file(database: &Database, project_id: Uuid, file_id: Uuid) -> Result<u64> {
    let gone = entity::Entity::delete_many()
        .filter(entity::Column::ProjectId.eq(project_id))
        .filter(entity::Column::FileId.eq(file_id))
        .exec(database.connection())
        .await?;
    Ok(gone.rows_affected)
}
