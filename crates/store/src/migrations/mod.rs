//! The schema's changes, in order. One file each; a landed file is never edited, only followed by the next.
//!
//! A migration is named `mNNNN_what`, and `NNNN` is the schema version that it leads to.

use sea_orm_migration::{MigrationTrait, MigratorTrait};

mod columns;
mod m0001_initial;
mod m0002_generation;
mod m0003_review;
mod m0004_choices;
mod m0005_facets;
mod m0006_review_speed;

pub(crate) struct Migrator;

#[sea_orm_migration::async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_initial::Migration),
            Box::new(m0002_generation::Migration),
            Box::new(m0003_review::Migration),
            Box::new(m0004_choices::Migration),
            Box::new(m0005_facets::Migration),
            Box::new(m0006_review_speed::Migration),
        ]
    }
}

/// The number in `mNNNN_what`, 0 if the name has none.
pub(crate) fn version_of(name: &str) -> u32 {
    let digits: String =
        name.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}
