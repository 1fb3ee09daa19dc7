//! What is to be done, as the queue's claim writes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A claimed row of the queue. It has no Debug, like its parts: it is payload.
#[derive(Clone, Deserialize)]
pub struct Task {
    pub tenant_id: String,
    pub id: String,
    pub lease: String,
    /// This one included.
    pub attempts: i32,
    pub endpoint: EndpointConfig,
    pub model: String,
    pub work: Work,
}

#[derive(Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Work {
    Judge {
        evaluator: String,
        version: i32,
        /// The evaluator's instructions, with `{{variables}}`.
        template: String,
        variables: BTreeMap<String, String>,
        /// A JSON Schema of the answer.
        schema: serde_json::Value,
        /// Of an answer.
        max_tokens: u32,
    },
    Embedding {
        text: String,
    },
}

#[derive(Clone, PartialEq, Deserialize)]
pub struct EndpointConfig {
    /// The base, as in https://api.openai.com/v1; the path of the call is added where it is not there yet.
    pub url: String,
    /// Read in this process, never told to anybody. With neither a file nor a variable requests are sent without a key.
    pub key_file: Option<String>,
    pub key_env: Option<String>,
    /// Whether it may be a private address, and without TLS.
    pub allow_private: bool,
    /// Of one request; an attempt takes twice as long at the most.
    pub timeout_ms: u64,
    /// Requests at once.
    pub concurrency: usize,
    pub json_mode: JsonMode,
    /// Of embeddings. None: as the model makes them.
    pub dimensions: Option<u32>,
}

/// How the endpoint is asked for JSON, from the most to the least binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JsonMode {
    /// By the evaluator's schema.
    Schema,
    /// Any object.
    Object,
    /// By the prompt alone.
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Judge,
    Embedding,
}

impl Task {
    pub fn kind(&self) -> Kind {
        match self.work {
            Work::Judge { .. } => Kind::Judge,
            Work::Embedding { .. } => Kind::Embedding,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claimed_row_is_read_as_the_database_writes_it() {
        let endpoint = r#"{"url": "https://x/v1", "key_file": null, "key_env": "K", "allow_private": false, "timeout_ms": 30000,
                           "concurrency": 8, "json_mode": "schema", "dimensions": null}"#;
        let row = |work: &str| {
            let head = r#""tenant_id": "t", "id": "i", "lease": "l", "attempts": 1, "model": "m""#;
            serde_json::from_str::<Task>(&format!(r#"{{{head}, "endpoint": {endpoint}, "work": {work}}}"#))
                .map(|task| (task.kind(), task.endpoint.json_mode))
        };
        let judge = r#"{"kind": "judge", "evaluator": "e", "version": 1, "template": "{{a}}", "variables": {"a": "b"},
                        "schema": {}, "max_tokens": 300}"#;
        assert_eq!(row(judge).unwrap(), (Kind::Judge, JsonMode::Schema));
        assert_eq!(row(r#"{"kind": "embedding", "text": "a"}"#).unwrap().0, Kind::Embedding);
    }
}
