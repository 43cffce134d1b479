//! Opening the database: SQLite or PostgreSQL, schema changes, backups before them.
//!
//! An existing SQLite file is first opened read-only. If it knows a migration that this program does not, it is refused
//! by name and left as it is; if it is behind, a copy is written before the first change.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, SubsecRound, Utc};
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, EntityTrait,
    QuerySelect, RuntimeErr, Select, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::MigratorTrait;

use crate::error::{Result, StoreError};
use crate::live::LiveEvents;
use crate::migrations::{Migrator, version_of};

const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// An open database with the current schema, and the live events of what is written through it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Database {
    connection: DatabaseConnection,
    live: LiveEvents,
}

/// Where a database is.
enum Address {
    Sqlite(PathBuf),
    Postgres(String),
}

impl Database {
    /// Opens `sqlite:///path/to/file` (created if it is not there) or `postgres://…`, and brings its schema up to date.
    ///
    /// Before an existing SQLite file is changed, a copy goes to `backup_dir`, named after its schema and the time.
    /// A database with a schema change that this program does not know is refused and not touched.
    pub async fn open(url: &str, backup_dir: &Path) -> Result<Self> {
        let connection = match parse(url)? {
            Address::Sqlite(path) => {
                look_before_opening(&path, backup_dir).await?;
                connect_sqlite(&path, false).await?
            }
            Address::Postgres(url) => {
                let connection = connect_postgres(&url).await?;
                refuse_unknown(&applied(&connection).await?, &without_password(&url))?;
                connection
            }
        };
        Migrator::up(&connection, None).await?;
        Ok(Self { connection, live: LiveEvents::default() })
    }

    /// Opens a database that is there and has the newest schema, to read from it beside whoever works with it. Nothing is
    /// created or brought up to date.
    pub async fn open_to_read(url: &str) -> Result<Self> {
        let connection = match parse(url)? {
            Address::Sqlite(path) => connect_sqlite(&path, true).await?,
            Address::Postgres(url) => connect_postgres(&url).await?,
        };
        let database = Self { connection, live: LiveEvents::default() };
        let (version, newest) = (database.schema_version().await?, Self::newest_schema_version());
        if version != newest {
            let reason = format!("its schema is {version}, this program's is {newest}");
            return Err(StoreError::Conflict { what: "database", reason });
        }
        Ok(database)
    }

    /// The address of an SQLite file, as [`Database::open`] takes it.
    pub fn sqlite_url(path: &Path) -> String {
        format!("sqlite://{}", path.display())
    }

    /// The schema version of this database: the number of its last migration.
    pub async fn schema_version(&self) -> Result<u32> {
        Ok(applied(&self.connection).await?.iter().map(|name| version_of(name)).max().unwrap_or(0))
    }

    /// The newest schema version that this program knows.
    pub fn newest_schema_version() -> u32 {
        known().iter().map(|name| version_of(name)).max().unwrap_or(0)
    }

    /// Asks the database for an answer. An error says why it has none.
    pub async fn ping(&self) -> Result<()> {
        Ok(self.connection.ping().await?)
    }

    /// `SQLite` or `PostgreSQL`.
    pub fn backend_name(&self) -> &'static str {
        match self.backend() {
            DbBackend::Sqlite => "SQLite",
            _ => "PostgreSQL",
        }
    }

    /// Live events of this process: what is written through this database is published here after it is stored.
    pub fn live(&self) -> &LiveEvents {
        &self.live
    }

    /// Closes all connections. SQLite then folds its write-ahead log into the file.
    pub async fn close(self) -> Result<()> {
        Ok(self.connection.close().await?)
    }

    pub(crate) fn connection(&self) -> &DatabaseConnection {
        &self.connection
    }

    pub(crate) fn backend(&self) -> DbBackend {
        self.connection.get_database_backend()
    }

    /// A transaction that will write. On SQLite it takes the write lock at once: one that reads first and writes later
    /// fails when another writer came between, without waiting.
    pub(crate) async fn begin_write(&self) -> Result<DatabaseTransaction> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(self.connection.begin_with_options(options).await?)
    }
}

/// The time now in UTC, cut to milliseconds: the same value comes back from every database.
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(3)
}

fn parse(url: &str) -> Result<Address> {
    if let Some(path) = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")) {
        if path.is_empty() || path == ":memory:" {
            return Err(StoreError::DatabaseUrl(url.to_owned()));
        }
        return Ok(Address::Sqlite(PathBuf::from(path)));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Address::Postgres(url.to_owned()));
    }
    Err(StoreError::DatabaseUrl(without_password(url)))
}

/// `postgres://user:secret@host/name` without the secret, for messages.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    match rest.rsplit_once('@') {
        Some((user, host)) => format!("{scheme}://{}@{host}", user.split(':').next().unwrap_or_default()),
        None => url.to_owned(),
    }
}

fn known() -> Vec<String> {
    Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect()
}

/// Names of the applied migrations, oldest first; empty for an empty database. Never writes.
async fn applied(connection: &DatabaseConnection) -> Result<Vec<String>> {
    let backend = connection.get_database_backend();
    let table = match backend {
        DbBackend::Sqlite => {
            "SELECT name AS name FROM sqlite_master WHERE type = 'table' AND name = 'seaql_migrations'"
        }
        _ => {
            "SELECT table_name::text AS name FROM information_schema.tables \
             WHERE table_schema = current_schema() AND table_name = 'seaql_migrations'"
        }
    };
    if connection.query_one_raw(Statement::from_string(backend, table)).await?.is_none() {
        return Ok(Vec::new());
    }
    let names = Statement::from_string(backend, "SELECT version FROM seaql_migrations ORDER BY version");
    let rows = connection.query_all_raw(names).await?;
    Ok(rows.iter().map(|row| row.try_get("", "version")).collect::<Result<_, DbErr>>()?)
}

fn refuse_unknown(applied: &[String], database: &str) -> Result<()> {
    let known = known();
    match applied.iter().find(|name| !known.contains(name)) {
        Some(unknown) => Err(StoreError::NewerSchema {
            database: database.to_owned(),
            migration: unknown.clone(),
            known: Database::newest_schema_version(),
        }),
        None => Ok(()),
    }
}

/// Reads an existing file's schema without changing it: refuses a newer one, backs up an older one.
async fn look_before_opening(path: &Path, backup_dir: &Path) -> Result<()> {
    let is_empty = std::fs::metadata(path).map_or(true, |metadata| metadata.len() == 0);
    if is_empty {
        return Ok(());
    }
    let connection = connect_sqlite(path, true).await?;
    let outcome = match applied(&connection).await {
        Ok(applied) => match refuse_unknown(&applied, &path.display().to_string()) {
            Ok(()) if applied.len() < known().len() => back_up(&connection, path, &applied, backup_dir).await,
            other => other,
        },
        Err(error) => Err(error),
    };
    connection.close().await?;
    outcome
}

/// Writes a consistent copy of the database, its write-ahead log included.
async fn back_up(
    connection: &DatabaseConnection,
    path: &Path,
    applied: &[String],
    folder: &Path,
) -> Result<()> {
    let version = applied.iter().map(|name| version_of(name)).max().unwrap_or(0);
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let time = Utc::now().format("%Y%m%dT%H%M%S%.3fZ");
    let copy = folder.join(format!("{stem}-schema{version}-{time}.sqlite"));
    let failed = |reason: String| StoreError::Backup { path: copy.clone(), reason };
    std::fs::create_dir_all(folder).map_err(|error| failed(error.to_string()))?;
    let target = copy.to_str().ok_or_else(|| failed("the path is not valid UTF-8".to_owned()))?;
    let statement = Statement::from_sql_and_values(DbBackend::Sqlite, "VACUUM INTO ?", [target.into()]);
    connection.execute_raw(statement).await.map_err(|error| failed(error.to_string()))?;
    tracing::info!(backup = %copy.display(), "database copied before changing its schema");
    Ok(())
}

async fn connect_sqlite(path: &Path, read_only: bool) -> Result<DatabaseConnection> {
    let mut options = ConnectOptions::new("sqlite::memory:");
    let file = path.to_owned();
    options.max_connections(if read_only { 1 } else { 8 }).sqlx_logging(false).map_sqlx_sqlite_opts(
        move |sqlite| {
            let sqlite =
                sqlite.in_memory(false).shared_cache(false).filename(&file).busy_timeout(BUSY_TIMEOUT);
            if read_only {
                return sqlite.read_only(true);
            }
            sqlite
                .create_if_missing(true)
                .foreign_keys(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Normal)
        },
    );
    let opened = sea_orm::Database::connect(options).await;
    opened.map_err(|error| cannot_open(&format!("{}", path.display()), error))
}

async fn connect_postgres(url: &str) -> Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(16).sqlx_logging(false).connect_timeout(Duration::from_secs(5));
    let opened = sea_orm::Database::connect(options).await;
    opened.map_err(|error| cannot_open(&without_password(url), error))
}

fn cannot_open(what: &str, error: DbErr) -> StoreError {
    StoreError::Database(DbErr::Conn(RuntimeErr::Internal(format!("{what} cannot be opened: {error}"))))
}

/// Rows in one INSERT: SQLite allows 32,766 bound values, PostgreSQL 65,535.
pub(crate) const ROWS_PER_INSERT: usize = 500;

/// `FOR UPDATE` where the database has it; SQLite's write lock covers everything already.
pub(crate) trait LockIfAble: Sized {
    fn lock_exclusive_if_able(self, database: &Database) -> Self;
}

impl<E: EntityTrait> LockIfAble for Select<E> {
    fn lock_exclusive_if_able(self, database: &Database) -> Self {
        match database.backend() {
            DbBackend::Postgres => self.lock_exclusive(),
            _ => self,
        }
    }
}
