//! What a person chose in a step of a project and has not applied yet: one JSON value a step.

use std::collections::{BTreeMap, HashMap};

use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use serde_json::Value;
use uuid::Uuid;

use crate::database::{Database, now};
use crate::error::Result;

pub(crate) mod entity {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "project_choices")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub project_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
        pub step: String,
        #[sea_orm(column_type = "Json")]
        pub value: Json,
        pub updated_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What was chosen in one project, by step.
pub type Choices = BTreeMap<String, Value>;

/// The choices of these projects; one without any is not in the map.
pub async fn of_projects(database: &Database, projects: &[Uuid]) -> Result<HashMap<Uuid, Choices>> {
    let query = entity::Entity::find().filter(entity::Column::ProjectId.is_in(projects.iter().copied()));
    let mut found: HashMap<Uuid, Choices> = HashMap::new();
    for row in query.all(database.connection()).await? {
        found.entry(row.project_id).or_default().insert(row.step, row.value);
    }
    Ok(found)
}

/// Sets what was chosen in a step, whether or not something was. Other steps stay as they are.
pub async fn set(database: &Database, project_id: Uuid, step: &str, value: Value) -> Result<()> {
    let row = entity::Model { project_id, step: step.to_owned(), value, updated_at: now() };
    let replace = OnConflict::columns([entity::Column::ProjectId, entity::Column::Step])
        .update_columns([entity::Column::Value, entity::Column::UpdatedAt])
        .to_owned();
    let insert = entity::Entity::insert(row.into_active_model()).on_conflict(replace);
    insert.exec_without_returning(database.connection()).await?;
    Ok(())
}
