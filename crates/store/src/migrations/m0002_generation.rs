//! Schema 2: what generation with a language model keeps: its units of work, and every call that left for a provider.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbErr;

use super::columns::{
    id, index, integer, integer_null, json, refers, table, text, text_null, time, uuid, uuid_null,
};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(units()).await?;
        manager.create_table(calls()).await?;
        for index in [
            index("generation_units", &["job_id", "ordinal"]).unique().to_owned(),
            index("generation_units", &["job_id", "status"]),
            index("provider_calls", &["project_id", "request_hash"]),
            index("provider_calls", &["job_id"]),
        ] {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["provider_calls", "generation_units"] {
            manager.drop_table(Table::drop().table(Alias::new(table)).to_owned()).await?;
        }
        Ok(())
    }
}

fn units() -> TableCreateStatement {
    let mut statement = table(
        "generation_units",
        vec![
            id(),
            uuid("project_id"),
            uuid("job_id"),
            uuid_null("chunk_id"),
            integer("ordinal"),
            text("status"),
            integer("examples"),
            text_null("reason"),
            time("updated_at"),
        ],
    );
    refers(&mut statement, "project_id", "projects", ForeignKeyAction::Cascade);
    refers(&mut statement, "job_id", "jobs", ForeignKeyAction::Cascade);
    refers(&mut statement, "chunk_id", "chunks", ForeignKeyAction::SetNull);
    statement
}

fn calls() -> TableCreateStatement {
    let mut statement = table(
        "provider_calls",
        vec![
            id(),
            uuid("project_id"),
            uuid_null("job_id"),
            uuid_null("chunk_id"),
            text("provider"),
            text("address"),
            text("model"),
            text("purpose"),
            text("request_hash"),
            text("status"),
            integer("sent_bytes"),
            integer("duration_ms"),
            integer_null("prompt_tokens"),
            integer_null("completion_tokens"),
            text_null("reply"),
            text_null("error"),
            json("details"),
            time("created_at"),
        ],
    );
    refers(&mut statement, "project_id", "projects", ForeignKeyAction::Cascade);
    refers(&mut statement, "job_id", "jobs", ForeignKeyAction::SetNull);
    refers(&mut statement, "chunk_id", "chunks", ForeignKeyAction::SetNull);
    statement
}
