//! Whether a server keeps its replies to a JSON schema: asked, since many take the schema and ignore it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Provider, ProviderError, Request, Turn};

/// What a server does with a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SchemaSupport {
    /// The reply has the schema's shape, although nothing but the schema asked for it.
    Kept,
    /// The reply has another shape.
    Ignored,
    /// The request is refused.
    Refused,
}

/// No model says this unless it is held to it.
const FIELD: &str = "quartz_lantern";

/// One short call: a greeting is asked for, and the schema wants something else.
///
/// # Errors
/// Where no answer comes for another reason.
pub async fn probe(provider: &dyn Provider, model: &str) -> Result<SchemaSupport, ProviderError> {
    let schema = json!({
        "type": "object",
        "properties": { FIELD: { "type": "boolean" } },
        "required": [FIELD],
        "additionalProperties": false,
    });
    let request = Request {
        model: model.to_owned(),
        turns: vec![Turn::new("user", "Say hello.")],
        schema: Some(schema),
        max_tokens: 64,
        temperature: 0.0,
        seed: None,
    };
    match provider.reply(&request).await {
        Ok(reply) => {
            let said: Value = serde_json::from_str(reply.text.trim()).unwrap_or_default();
            let kept = said.get(FIELD).is_some_and(Value::is_boolean);
            Ok(if kept { SchemaSupport::Kept } else { SchemaSupport::Ignored })
        }
        Err(ProviderError::Refused { .. }) => Ok(SchemaSupport::Refused),
        Err(error) => Err(error),
    }
}
