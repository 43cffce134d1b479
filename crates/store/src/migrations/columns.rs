//! The words in which migrations describe tables.

use sea_orm_migration::prelude::*;

pub(super) fn name(text: &str) -> Alias {
    Alias::new(text)
}

pub(super) fn id() -> ColumnDef {
    ColumnDef::new(name("id")).uuid().not_null().primary_key().to_owned()
}

pub(super) fn uuid(column: &str) -> ColumnDef {
    ColumnDef::new(name(column)).uuid().not_null().to_owned()
}

pub(super) fn uuid_null(column: &str) -> ColumnDef {
    ColumnDef::new(name(column)).uuid().null().to_owned()
}

pub(super) fn text(column: &str) -> ColumnDef {
    ColumnDef::new(name(column)).text().not_null().to_owned()
}

pub(super) fn text_null(column: &str) -> ColumnDef {
    ColumnDef::new(name(column)).text().null().to_owned()
}

pub(super) fn integer(column: &str) -> ColumnDef {
    ColumnDef::new(name(column)).big_integer().not_null().to_owned()
}

pub(super) fn integer_null(column: &str) -> ColumnDef {
    ColumnDef::new(name(column)).big_integer().null().to_owned()
}

pub(super) fn boolean(column: &str) -> ColumnDef {
    ColumnDef::new(name(column)).boolean().not_null().to_owned()
}

pub(super) fn json(column: &str) -> ColumnDef {
    ColumnDef::new(name(column)).json().not_null().to_owned()
}

pub(super) fn json_null(column: &str) -> ColumnDef {
    ColumnDef::new(name(column)).json().null().to_owned()
}

pub(super) fn time(column: &str) -> ColumnDef {
    ColumnDef::new(name(column)).timestamp_with_time_zone().not_null().to_owned()
}

pub(super) fn time_null(column: &str) -> ColumnDef {
    ColumnDef::new(name(column)).timestamp_with_time_zone().null().to_owned()
}

pub(super) fn table(table: &str, columns: Vec<ColumnDef>) -> TableCreateStatement {
    let mut statement = Table::create().table(name(table)).to_owned();
    for mut column in columns {
        statement.col(&mut column);
    }
    statement
}

/// `column` names a row of `parent` and goes with it, or is emptied when it goes.
pub(super) fn refers(
    table: &mut TableCreateStatement,
    column: &str,
    parent: &str,
    when_gone: ForeignKeyAction,
) {
    table.foreign_key(
        ForeignKey::create().from_col(name(column)).to(name(parent), name("id")).on_delete(when_gone),
    );
}

pub(super) fn index(table: &str, columns: &[&str]) -> IndexCreateStatement {
    let mut statement =
        Index::create().name(format!("{table}_{}", columns.join("_"))).table(name(table)).to_owned();
    for column in columns {
        statement.col(name(column));
    }
    statement
}
