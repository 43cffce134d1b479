//! Schema 1: projects, files, chunks, jobs, dataset examples and versions, runs, run events, settings.
//!
//! Ids are UUIDs of version 7, so that ordering by id is ordering by creation. Payloads are `json`, whose keys come back in
//! another order from PostgreSQL: who hashes content puts it in an order of its own.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbErr;

use super::columns::{
    boolean, id, index, integer, integer_null, json, json_null, name, refers, table, text, text_null, time,
    time_null, uuid, uuid_null,
};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            projects(),
            files(),
            chunks(),
            dataset_examples(),
            dataset_versions(),
            jobs(),
            runs(),
            run_events(),
            settings(),
        ] {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            "settings",
            "run_events",
            "runs",
            "jobs",
            "dataset_versions",
            "dataset_examples",
            "chunks",
            "files",
            "projects",
        ] {
            manager.drop_table(Table::drop().table(Alias::new(table)).to_owned()).await?;
        }
        Ok(())
    }
}

fn projects() -> TableCreateStatement {
    table(
        "projects",
        vec![
            id(),
            text("name"),
            text("description"),
            json("settings"),
            time("created_at"),
            time("updated_at"),
        ],
    )
}

fn files() -> TableCreateStatement {
    let mut statement = table(
        "files",
        vec![
            id(),
            uuid("project_id"),
            text("name"),
            text("kind"),
            text("media_type"),
            integer("size_bytes"),
            text("sha256"),
            text("blob_key"),
            text("status"),
            json("details"),
            time("created_at"),
            time("updated_at"),
        ],
    );
    refers(&mut statement, "project_id", "projects", ForeignKeyAction::Cascade);
    statement
}

fn chunks() -> TableCreateStatement {
    let mut statement = table(
        "chunks",
        vec![
            id(),
            uuid("project_id"),
            uuid("file_id"),
            integer("ordinal"),
            text("text"),
            integer("token_count"),
            json("source"),
            time("created_at"),
        ],
    );
    refers(&mut statement, "project_id", "projects", ForeignKeyAction::Cascade);
    refers(&mut statement, "file_id", "files", ForeignKeyAction::Cascade);
    statement
}

fn dataset_examples() -> TableCreateStatement {
    let mut statement = table(
        "dataset_examples",
        vec![
            id(),
            uuid("project_id"),
            uuid_null("chunk_id"),
            text("status"),
            json("payload"),
            json("provenance"),
            json("quality"),
            text("content_hash"),
            time("created_at"),
            time("updated_at"),
        ],
    );
    refers(&mut statement, "project_id", "projects", ForeignKeyAction::Cascade);
    refers(&mut statement, "chunk_id", "chunks", ForeignKeyAction::SetNull);
    statement
}

fn dataset_versions() -> TableCreateStatement {
    let mut statement = table(
        "dataset_versions",
        vec![
            id(),
            uuid("project_id"),
            integer("number"),
            text("content_hash"),
            text("train_key"),
            text_null("eval_key"),
            integer("train_count"),
            integer("eval_count"),
            json("details"),
            time("created_at"),
        ],
    );
    refers(&mut statement, "project_id", "projects", ForeignKeyAction::Cascade);
    statement
}

fn jobs() -> TableCreateStatement {
    let mut statement = table(
        "jobs",
        vec![
            id(),
            uuid_null("project_id"),
            text("queue"),
            text("kind"),
            text("status"),
            json("payload"),
            json("progress"),
            json_null("result"),
            text_null("error"),
            integer("attempts"),
            integer("max_attempts"),
            boolean("cancel_requested"),
            integer("run_at_ms"),
            integer_null("lease_until_ms"),
            text_null("worker"),
            time("created_at"),
            time("updated_at"),
            time_null("finished_at"),
        ],
    );
    refers(&mut statement, "project_id", "projects", ForeignKeyAction::Cascade);
    statement
}

fn runs() -> TableCreateStatement {
    let mut statement = table(
        "runs",
        vec![
            id(),
            uuid("project_id"),
            uuid_null("job_id"),
            uuid_null("dataset_version_id"),
            json("config"),
            text("status"),
            integer("last_sequence"),
            time("created_at"),
            time("updated_at"),
        ],
    );
    refers(&mut statement, "project_id", "projects", ForeignKeyAction::Cascade);
    refers(&mut statement, "job_id", "jobs", ForeignKeyAction::SetNull);
    refers(&mut statement, "dataset_version_id", "dataset_versions", ForeignKeyAction::SetNull);
    statement
}

fn run_events() -> TableCreateStatement {
    let mut statement = table(
        "run_events",
        vec![uuid("run_id"), integer("sequence"), text("kind"), json("payload"), time("created_at")],
    );
    statement.primary_key(Index::create().col(name("run_id")).col(name("sequence")));
    refers(&mut statement, "run_id", "runs", ForeignKeyAction::Cascade);
    statement
}

fn settings() -> TableCreateStatement {
    table(
        "settings",
        vec![
            ColumnDef::new(name("key")).text().not_null().primary_key().to_owned(),
            json("value"),
            time("updated_at"),
        ],
    )
}

fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        index("files", &["project_id", "kind"]),
        index("chunks", &["file_id", "ordinal"]).unique().to_owned(),
        index("chunks", &["project_id"]),
        index("dataset_examples", &["project_id", "content_hash"]).unique().to_owned(),
        index("dataset_examples", &["project_id", "status"]),
        index("dataset_examples", &["chunk_id"]),
        index("dataset_versions", &["project_id", "number"]).unique().to_owned(),
        index("dataset_versions", &["project_id", "content_hash"]).unique().to_owned(),
        index("jobs", &["queue", "status", "run_at_ms"]),
        index("jobs", &["project_id"]),
        index("runs", &["project_id", "status"]),
        index("runs", &["job_id"]),
    ]
}
