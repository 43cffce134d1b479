//! Schema 4: what a person chose in the steps of a project and has not applied yet.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbErr;

use super::columns::{index, json, name, refers, table, text, time, uuid};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut choices = table(
            "project_choices",
            vec![uuid("project_id"), text("step"), json("value"), time("updated_at")],
        );
        choices.primary_key(Index::create().col(name("project_id")).col(name("step")));
        refers(&mut choices, "project_id", "projects", ForeignKeyAction::Cascade);
        manager.create_table(choices).await?;
        // The newest job of a project, asked for with every look at it.
        manager.create_index(index("jobs", &["project_id", "kind", "id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let jobs = Index::drop().name("jobs_project_id_kind_id").table(name("jobs")).to_owned();
        manager.drop_index(jobs).await?;
        manager.drop_table(Table::drop().table(name("project_choices")).to_owned()).await
    }
}
