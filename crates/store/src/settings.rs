//! Settings that the application keeps: a key and a JSON value.

use std::collections::BTreeMap;

use sea_orm::sea_query::OnConflict;
use sea_orm::{EntityTrait, IntoActiveModel};
use serde_json::Value;

use crate::database::{Database, now};
use crate::error::Result;

pub(crate) mod entity {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "settings")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
        pub key: String,
        #[sea_orm(column_type = "Json")]
        pub value: Json,
        pub updated_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The value of a key.
pub async fn get(database: &Database, key: &str) -> Result<Option<Value>> {
    let row = entity::Entity::find_by_id(key).one(database.connection()).await?;
    Ok(row.map(|row| row.value))
}

/// All keys and values.
pub async fn all(database: &Database) -> Result<BTreeMap<String, Value>> {
    let rows = entity::Entity::find().all(database.connection()).await?;
    Ok(rows.into_iter().map(|row| (row.key, row.value)).collect())
}

/// Sets a value, whether or not the key has one.
pub async fn set(database: &Database, key: &str, value: Value) -> Result<()> {
    let row = entity::Model { key: key.to_owned(), value, updated_at: now() };
    let replace = OnConflict::column(entity::Column::Key)
        .update_columns([entity::Column::Value, entity::Column::UpdatedAt])
        .to_owned();
    let insert = entity::Entity::insert(row.into_active_model()).on_conflict(replace);
    insert.exec_without_returning(database.connection()).await?;
    Ok(())
}

/// Removes a key; true if it was there.
pub async fn delete(database: &Database, key: &str) -> Result<bool> {
    Ok(entity::Entity::delete_by_id(key).exec(database.connection()).await?.rows_affected > 0)
}
