//! Schema 6: what a review of very many examples waits for. An index in which examples that are alike stand side by side,
//! so that they are counted without sorting; and one by which a decision about many is found again to be undone. The index
//! of project and status went: that of project, status and id begins with the same columns.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, DbErr};

use super::columns::index;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

const ALIKE: &str = "dataset_examples_alike";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // PostgreSQL counts the rows faster than it would read this; and a list of findings may be too long for an entry.
        if manager.get_database_backend() == DbBackend::Sqlite {
            let sql = format!(
                "CREATE INDEX {ALIKE} ON dataset_examples (project_id, json_extract(provenance, '$.file_id'), \
                 json_extract(provenance, '$.task'), json_extract(quality, '$.issues'), status)"
            );
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        manager.create_index(index("example_changes", &["batch_id", "id"])).await?;
        drop(manager, "dataset_examples", "dataset_examples_project_id_status").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_index(index("dataset_examples", &["project_id", "status"])).await?;
        drop(manager, "example_changes", "example_changes_batch_id_id").await?;
        if manager.get_database_backend() == DbBackend::Sqlite {
            drop(manager, "dataset_examples", ALIKE).await?;
        }
        Ok(())
    }
}

async fn drop(manager: &SchemaManager<'_>, table: &str, name: &str) -> Result<(), DbErr> {
    manager.drop_index(Index::drop().name(name).table(Alias::new(table)).to_owned()).await
}
