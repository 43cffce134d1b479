//! Schema 3: what reviewing keeps: every change of an example, and which example is which task in Label Studio;
//! and indexes by which all examples are read in their order.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbErr;

use super::columns::{id, index, integer, json, refers, table, text, time, time_null, uuid, uuid_null};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(changes()).await?;
        manager.create_table(label_studio_tasks()).await?;
        for index in [
            index("example_changes", &["project_id", "example_id"]),
            index("label_studio_tasks", &["project_id", "address", "remote_project", "example_id"])
                .unique()
                .to_owned(),
            index("label_studio_tasks", &["project_id", "status"]),
            // Reading all examples in parts, none of which sorts the whole table.
            index("dataset_examples", &["project_id", "id"]),
            index("dataset_examples", &["project_id", "status", "id"]),
        ] {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in ["dataset_examples_project_id_id", "dataset_examples_project_id_status_id"] {
            let table = Alias::new("dataset_examples");
            manager.drop_index(Index::drop().name(name).table(table).to_owned()).await?;
        }
        for table in ["label_studio_tasks", "example_changes"] {
            manager.drop_table(Table::drop().table(Alias::new(table)).to_owned()).await?;
        }
        Ok(())
    }
}

/// A change outlives its example: `example_id` refers to nothing.
fn changes() -> TableCreateStatement {
    let mut statement = table(
        "example_changes",
        vec![
            id(),
            uuid("project_id"),
            uuid("example_id"),
            uuid_null("batch_id"),
            text("kind"),
            text("actor"),
            json("before"),
            json("after"),
            time("created_at"),
        ],
    );
    refers(&mut statement, "project_id", "projects", ForeignKeyAction::Cascade);
    statement
}

/// A task outlives its example, so that what was written there is found again.
fn label_studio_tasks() -> TableCreateStatement {
    let mut statement = table(
        "label_studio_tasks",
        vec![
            id(),
            uuid("project_id"),
            uuid("example_id"),
            text("address"),
            integer("remote_project"),
            integer("task_id"),
            text("pushed_hash"),
            text("status"),
            json("details"),
            time("pushed_at"),
            time_null("synced_at"),
            time("updated_at"),
        ],
    );
    refers(&mut statement, "project_id", "projects", ForeignKeyAction::Cascade);
    statement
}
