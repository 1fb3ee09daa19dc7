//! The canonical event: what every format becomes, and what the storage's columns are made of.

use std::borrow::Cow;

use crate::price::Usd;

/// The 15 types of the Observa SDK, in the order of their documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum EventType {
    LlmCall,
    ToolCall,
    Retrieval,
    Error,
    Embedding,
    VectorDbOperation,
    CacheOperation,
    AgentCreate,
    Feedback,
    Output,
    TraceStart,
    TraceEnd,
    Guardrail,
    ReasoningStep,
    PromptTemplate,
}

impl EventType {
    pub const ALL: [EventType; 15] = [
        EventType::LlmCall,
        EventType::ToolCall,
        EventType::Retrieval,
        EventType::Error,
        EventType::Embedding,
        EventType::VectorDbOperation,
        EventType::CacheOperation,
        EventType::AgentCreate,
        EventType::Feedback,
        EventType::Output,
        EventType::TraceStart,
        EventType::TraceEnd,
        EventType::Guardrail,
        EventType::ReasoningStep,
        EventType::PromptTemplate,
    ];

    pub fn name(self) -> &'static str {
        match self {
            EventType::LlmCall => "llm_call",
            EventType::ToolCall => "tool_call",
            EventType::Retrieval => "retrieval",
            EventType::Error => "error",
            EventType::Embedding => "embedding",
            EventType::VectorDbOperation => "vector_db_operation",
            EventType::CacheOperation => "cache_operation",
            EventType::AgentCreate => "agent_create",
            EventType::Feedback => "feedback",
            EventType::Output => "output",
            EventType::TraceStart => "trace_start",
            EventType::TraceEnd => "trace_end",
            EventType::Guardrail => "guardrail",
            EventType::ReasoningStep => "reasoning_step",
            EventType::PromptTemplate => "prompt_template",
        }
    }

    pub fn from_name(name: &str) -> Option<EventType> {
        EventType::ALL.into_iter().find(|t| t.name() == name)
    }

    /// The observation type (OpenTelemetry's and Langfuse's notion) of an event that names none.
    pub fn observation_type(self) -> &'static str {
        match self {
            EventType::LlmCall => "generation",
            EventType::ToolCall => "tool",
            EventType::Retrieval | EventType::VectorDbOperation => "retriever",
            EventType::Embedding => "embedding",
            EventType::AgentCreate => "agent",
            EventType::Guardrail => "guardrail",
            _ => "span",
        }
    }

    /// Whether its attributes are whatever the client likes.
    pub fn is_free(self) -> bool {
        matches!(self, EventType::Guardrail | EventType::ReasoningStep | EventType::PromptTemplate)
    }

    /// Whether a provider bills for it.
    pub fn is_provider_call(self) -> bool {
        matches!(self, EventType::LlmCall | EventType::Embedding)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    #[default]
    Ok,
    Error,
    Timeout,
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Error => "error",
            Status::Timeout => "timeout",
        }
    }

    pub fn from_name(name: &str) -> Option<Status> {
        [Status::Ok, Status::Error, Status::Timeout].into_iter().find(|status| status.name() == name)
    }
}

/// The text columns of an event. All are bounded by `observa.max_id_bytes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum Field {
    EventId,
    TraceId,
    SpanId,
    ParentSpanId,
    ConversationId,
    SessionId,
    UserId,
    ResponseId,
    Environment,
    ObservationType,
    AgentName,
    Version,
    Route,
    Name,
    Provider,
    Model,
    ResponseModel,
    ToolName,
    ErrorType,
    FinishReason,
    /// What a prompt asks for.
    PromptCategory,
    /// What the event worked on, where neither model nor tool says it: an index, a cache, an operation.
    Subject,
}

/// How a text column is cleaned: an identifier becomes a keyed hash, never a placeholder, which would merge people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Identifier,
    Name,
}

impl Field {
    pub const COUNT: usize = 22;

    pub const ALL: [(Field, &'static str, Role); Field::COUNT] = [
        (Field::EventId, "event_id", Role::Identifier),
        (Field::TraceId, "trace_id", Role::Identifier),
        (Field::SpanId, "span_id", Role::Identifier),
        (Field::ParentSpanId, "parent_span_id", Role::Identifier),
        (Field::ConversationId, "conversation_id", Role::Identifier),
        (Field::SessionId, "session_id", Role::Identifier),
        (Field::UserId, "user_id", Role::Identifier),
        (Field::ResponseId, "response_id", Role::Identifier),
        (Field::Environment, "environment", Role::Name),
        (Field::ObservationType, "observation_type", Role::Name),
        (Field::AgentName, "agent_name", Role::Name),
        (Field::Version, "version", Role::Name),
        (Field::Route, "route", Role::Name),
        (Field::Name, "name", Role::Name),
        (Field::Provider, "provider", Role::Name),
        (Field::Model, "model", Role::Name),
        (Field::ResponseModel, "response_model", Role::Name),
        (Field::ToolName, "tool_name", Role::Name),
        (Field::ErrorType, "error_type", Role::Name),
        (Field::FinishReason, "finish_reason", Role::Name),
        (Field::PromptCategory, "prompt_category", Role::Name),
        (Field::Subject, "subject", Role::Name),
    ];

    pub fn name(self) -> &'static str {
        Field::ALL.get(self as usize).map_or("", |(_, name, _)| name)
    }

    pub fn is_identifier(self) -> bool {
        Field::ALL.get(self as usize).is_some_and(|(_, _, role)| *role == Role::Identifier)
    }
}

/// A prompt or an answer: plain text, or JSON (messages with roles) as the client wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content<'l> {
    Text(Cow<'l, str>),
    Json(Cow<'l, str>),
}

impl<'l> Content<'l> {
    /// As it is stored, where text and JSON are not told apart.
    pub fn stored(text: &'l str) -> Content<'l> {
        let is_json = text.trim_start().starts_with(['{', '[']);
        if is_json { Content::Json(text.into()) } else { Content::Text(text.into()) }
    }

    pub fn as_str(&self) -> &str {
        match self {
            Content::Text(text) | Content::Json(text) => text,
        }
    }
}

/// The largest count of anything: a sum over millions of events still fits a bigint.
pub const MOST_COUNTED: i64 = 1_000_000_000_000;

/// Token counts as reported: totals, cache and reasoning inside them. None is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    pub input: Option<i64>,
    pub output: Option<i64>,
    pub total: Option<i64>,
    pub cached_input: Option<i64>,
    pub cache_write: Option<i64>,
    pub cache_write_1h: Option<i64>,
    pub reasoning: Option<i64>,
    pub audio_input: Option<i64>,
    pub audio_output: Option<i64>,
    pub image_input: Option<i64>,
}

/// Scores of an answer, 0 to 1 but for sentiment (-1 to 1). None: not known; not a number: what the client sent is no score,
/// and nothing is estimated in its place.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scores {
    pub coherence: Option<f64>,
    pub toxicity: Option<f64>,
    pub sentiment: Option<f64>,
    pub hallucination_risk: Option<f64>,
}

/// Facts that per-event signals need and no column holds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Facts {
    /// Results that a retrieval or vector search returned.
    pub results: Option<i64>,
    /// The vector database was asked to search.
    pub searches: bool,
    /// Dimensions that the embedding model was asked for, and that came back.
    pub dimensions: Option<i64>,
    pub vector_length: Option<i64>,
    /// Tools bound to a created agent.
    pub tools_bound: Option<i64>,
    /// As the client sent them.
    pub scores: Scores,
    /// What `quality` says where the client said nothing.
    pub estimated: Scores,
    pub estimated_category: Option<&'static str>,
}

impl Facts {
    /// One of the scores, the client's before ours.
    pub fn score(&self, of: fn(&Scores) -> Option<f64>) -> Option<f64> {
        of(&self.scores).or_else(|| of(&self.estimated)).filter(|score| !score.is_nan())
    }
}

/// Where the cost of an event comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CostSource {
    Computed,
    Reported,
    #[default]
    None,
}

impl CostSource {
    pub fn name(self) -> &'static str {
        match self {
            CostSource::Computed => "computed",
            CostSource::Reported => "reported",
            CostSource::None => "none",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Event<'l> {
    /// The line it came from, from 1.
    pub line: usize,
    pub event_type: EventType,
    /// The tenant and project as the body names them: an id or a name.
    pub tenant: Option<Cow<'l, str>>,
    pub project: Option<Cow<'l, str>>,
    /// Microseconds since 1970 UTC, None until the arrival's time is filled in.
    pub ts: Option<i64>,
    /// The client gave no time: a retry is found by its id alone.
    pub timed_by_arrival: bool,
    texts: [Option<Cow<'l, str>>; Field::COUNT],
    pub message_index: Option<i64>,
    pub status: Status,
    /// Milliseconds.
    pub latency_ms: Option<f64>,
    /// Milliseconds to the first token.
    pub ttft_ms: Option<f64>,
    pub tokens: Tokens,
    /// The provider's usage object, where the client passed it on.
    pub usage: Option<&'l str>,
    pub service_tier: Option<Cow<'l, str>>,
    pub reported_cost_usd: Option<Usd>,
    pub cost_usd: Option<Usd>,
    pub cost_source: CostSource,
    pub billable: bool,
    /// Another event of the same call to the provider is billed for it.
    pub repeats: bool,
    pub input: Option<Content<'l>>,
    pub output: Option<Content<'l>>,
    pub error_message: Option<Cow<'l, str>>,
    /// A JSON object of everything that has no column; None when there is nothing.
    pub attributes: Option<String>,
    pub facts: Facts,
    /// Secrets and personal data that were replaced.
    pub redactions: u32,
}

impl<'l> Event<'l> {
    pub fn new(line: usize, event_type: EventType) -> Self {
        Event {
            line,
            event_type,
            tenant: None,
            project: None,
            ts: None,
            timed_by_arrival: false,
            texts: [const { None }; Field::COUNT],
            message_index: None,
            status: Status::Ok,
            latency_ms: None,
            ttft_ms: None,
            tokens: Tokens::default(),
            usage: None,
            service_tier: None,
            reported_cost_usd: None,
            cost_usd: None,
            cost_source: CostSource::None,
            billable: false,
            repeats: false,
            input: None,
            output: None,
            error_message: None,
            attributes: None,
            facts: Facts::default(),
            redactions: 0,
        }
    }

    pub fn text(&self, field: Field) -> Option<&str> {
        self.texts.get(field as usize).and_then(|text| text.as_deref())
    }

    /// The client's before ours.
    pub fn prompt_category(&self) -> Option<&str> {
        match self.text(Field::PromptCategory) {
            // It sent something else.
            Some("") => None,
            sent => sent.or(self.facts.estimated_category),
        }
    }

    pub fn set_text(&mut self, field: Field, text: Option<Cow<'l, str>>) {
        if let Some(slot) = self.texts.get_mut(field as usize) {
            *slot = text;
        }
    }

    /// Tokens written to a cache, for however long. None: not known.
    pub fn cache_write_tokens(&self) -> Option<i64> {
        match (self.tokens.cache_write, self.tokens.cache_write_1h) {
            (None, None) => None,
            (short, long) => Some(short.unwrap_or(0).saturating_add(long.unwrap_or(0))),
        }
    }

    /// Total tokens: as reported, else input and output where both are known.
    pub fn total_tokens(&self) -> Option<i64> {
        self.tokens.total.or_else(|| self.tokens.input?.checked_add(self.tokens.output?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_of_fields_and_types_are_in_the_order_of_their_enums() {
        for (index, (field, name, _)) in Field::ALL.iter().enumerate() {
            assert_eq!(*field as usize, index);
            assert_eq!(field.name(), *name);
        }
        for (index, event_type) in EventType::ALL.iter().enumerate() {
            assert_eq!(*event_type as usize, index);
            assert_eq!(EventType::from_name(event_type.name()), Some(*event_type));
        }
    }
}
