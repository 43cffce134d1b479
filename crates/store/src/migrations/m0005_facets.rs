//! Schema 5: what the list of examples is filtered by, in one index that answers without reading the examples.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, DbErr};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

const NAME: &str = "dataset_examples_facets";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // PostgreSQL limits an entry to a third of a page: the findings, a list of any length, are left to the rows there.
        let facets = match manager.get_database_backend() {
            DbBackend::Postgres => "(provenance->>'file_id'), (provenance->>'task')",
            _ => {
                "json_extract(provenance, '$.file_id'), json_extract(provenance, '$.task'), \
                 json_extract(quality, '$.issues')"
            }
        };
        let sql = format!("CREATE INDEX {NAME} ON dataset_examples (project_id, id, status, {facets})");
        manager.get_connection().execute_unprepared(&sql).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name(NAME).table(Alias::new("dataset_examples")).to_owned()).await
    }
}
