//! Calls to language models: what left the machine, for whom, and what came back. Replies are found again by the hash of
//! their request, so that none is paid for twice.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::database::{Database, now};
use crate::error::Result;
use crate::page::{Page, Paged};

pub use entity::Model as Call;

pub(crate) mod entity {
    use sea_orm::entity::prelude::*;
    use serde::Serialize;

    /// One call.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Serialize)]
    #[sea_orm(table_name = "provider_calls")]
    pub struct Model {
        /// Version 7: ordered by time.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// The project.
        pub project_id: Uuid,
        /// The job, while that exists.
        pub job_id: Option<Uuid>,
        /// The chunk whose text was sent, while that exists.
        pub chunk_id: Option<Uuid>,
        /// Which provider of the settings.
        #[sea_orm(column_type = "Text")]
        pub provider: String,
        /// Where it went: scheme, host and port.
        #[sea_orm(column_type = "Text")]
        pub address: String,
        /// The model that was asked.
        #[sea_orm(column_type = "Text")]
        pub model: String,
        /// What for, in the application's words.
        #[sea_orm(column_type = "Text")]
        pub purpose: String,
        /// Of everything that decides the reply.
        #[sea_orm(column_type = "Text")]
        pub request_hash: String,
        /// Whether a reply came.
        pub status: super::CallStatus,
        /// Bytes of the request's body.
        pub sent_bytes: i64,
        /// Until the end of the reply.
        pub duration_ms: i64,
        /// As the provider counts.
        pub prompt_tokens: Option<i64>,
        /// As the provider counts.
        pub completion_tokens: Option<i64>,
        /// What the model said.
        #[sea_orm(column_type = "Text", nullable)]
        pub reply: Option<String>,
        /// Why there is none.
        #[sea_orm(column_type = "Text", nullable)]
        pub error: Option<String>,
        /// Attempt, finish reason, …
        #[sea_orm(column_type = "Json")]
        pub details: Json,
        /// UTC.
        pub created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

crate::text_enum! {
    /// Whether a reply came.
    pub enum CallStatus("provider call status") {
        /// It is on its way; or it was when the program ended, and nobody knows what became of it.
        Sent = "sent",
        /// The reply is kept.
        Replied = "replied",
        /// An error came, or nothing.
        Failed = "failed",
    }
}

/// A call that is about to leave.
#[derive(Clone, Debug)]
pub struct NewCall {
    /// The project.
    pub project_id: Uuid,
    /// The job.
    pub job_id: Option<Uuid>,
    /// The chunk whose text was sent.
    pub chunk_id: Option<Uuid>,
    /// Which provider of the settings.
    pub provider: String,
    /// Scheme, host and port.
    pub address: String,
    /// The model that was asked.
    pub model: String,
    /// What for.
    pub purpose: String,
    /// Of everything that decides the reply.
    pub request_hash: String,
    /// Bytes of the request's body.
    pub sent_bytes: u64,
}

/// How a call ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Until the end of the reply.
    pub duration_ms: u64,
    /// As the provider counts.
    pub prompt_tokens: Option<u64>,
    /// As the provider counts.
    pub completion_tokens: Option<u64>,
    /// The reply, or why there is none.
    pub reply: std::result::Result<String, String>,
    /// Attempt, finish reason, …
    pub details: Value,
}

/// What calls took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// How many calls.
    pub calls: u64,
    /// Tokens that were sent, as the provider counts.
    pub prompt_tokens: u64,
    /// Tokens that came back.
    pub completion_tokens: u64,
    /// Bytes that were sent.
    pub sent_bytes: u64,
}

/// Writes down a call before it leaves.
pub async fn begin(database: &Database, call: NewCall) -> Result<Call> {
    let row = Call {
        id: Uuid::now_v7(),
        project_id: call.project_id,
        job_id: call.job_id,
        chunk_id: call.chunk_id,
        provider: call.provider,
        address: call.address,
        model: call.model,
        purpose: call.purpose,
        request_hash: call.request_hash,
        status: CallStatus::Sent,
        sent_bytes: signed(call.sent_bytes),
        duration_ms: 0,
        prompt_tokens: None,
        completion_tokens: None,
        reply: None,
        error: None,
        details: Value::Object(Map::new()),
        created_at: now(),
    };
    entity::Entity::insert(row.clone().into_active_model())
        .exec_without_returning(database.connection())
        .await?;
    Ok(row)
}

/// Writes down how a call ended.
pub async fn end(database: &Database, call: Call, outcome: Outcome) -> Result<Call> {
    // PostgreSQL has no place for this character in a text.
    let clean = |text: String| text.replace('\0', " ");
    let (reply, error) = match outcome.reply {
        Ok(reply) => (Some(clean(reply)), None),
        Err(error) => (None, Some(clean(error))),
    };
    let mut row = call.into_active_model();
    row.status = Set(if reply.is_some() { CallStatus::Replied } else { CallStatus::Failed });
    row.duration_ms = Set(signed(outcome.duration_ms));
    row.prompt_tokens = Set(outcome.prompt_tokens.map(signed));
    row.completion_tokens = Set(outcome.completion_tokens.map(signed));
    row.reply = Set(reply);
    row.error = Set(error);
    row.details = Set(outcome.details);
    Ok(row.update(database.connection()).await?)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The project's newest reply to a request with this hash.
pub async fn replied(database: &Database, project_id: Uuid, request_hash: &str) -> Result<Option<Call>> {
    let query = entity::Entity::find()
        .filter(entity::Column::ProjectId.eq(project_id))
        .filter(entity::Column::RequestHash.eq(request_hash))
        .filter(entity::Column::Status.eq(CallStatus::Replied));
    Ok(query.order_by_desc(entity::Column::Id).one(database.connection()).await?)
}

/// A page of a project's calls, newest first; only of one job if it is named.
pub async fn list(
    database: &Database,
    project_id: Uuid,
    job_id: Option<Uuid>,
    page: Page,
) -> Result<Paged<Call>> {
    let mut query = entity::Entity::find().filter(entity::Column::ProjectId.eq(project_id));
    if let Some(job_id) = job_id {
        query = query.filter(entity::Column::JobId.eq(job_id));
    }
    let total = query.clone().count(database.connection()).await?;
    let query = query.order_by_desc(entity::Column::Id).offset(page.offset()).limit(page.clamped().per_page);
    Ok(Paged::new(query.all(database.connection()).await?, total, page))
}

/// What a job's calls took.
pub async fn usage(database: &Database, job_id: Uuid) -> Result<Usage> {
    let sum = |column: &str| Expr::cust(format!("CAST(COALESCE(SUM({column}), 0) AS BIGINT)"));
    let row: Option<(i64, i64, i64, i64)> = entity::Entity::find()
        .select_only()
        .column_as(entity::Column::Id.count(), "calls")
        .column_as(sum("prompt_tokens"), "prompt_tokens_sum")
        .column_as(sum("completion_tokens"), "completion_tokens_sum")
        .column_as(sum("sent_bytes"), "sent_bytes_sum")
        .filter(entity::Column::JobId.eq(job_id))
        .into_tuple()
        .one(database.connection())
        .await?;
    let (calls, prompt, completion, bytes) = row.unwrap_or_default();
    Ok(Usage {
        calls: calls.unsigned_abs(),
        prompt_tokens: prompt.unsigned_abs(),
        completion_tokens: completion.unsigned_abs(),
        sent_bytes: bytes.unsigned_abs(),
    })
}
