//! Which key of a JSON event means what: the Observa SDK's names, those people write by hand, ObservAI's and the camelCase of
//! the first SDKs. One table, read by one loop.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::event::{EventType, Field};

/// Raised when a row changes its meaning, so that stored events can be told apart.
pub const VERSION: i32 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Count {
    Input,
    Output,
    Total,
    CachedInput,
    CacheWrite,
    CacheWrite1h,
    Reasoning,
    AudioInput,
    AudioOutput,
    ImageInput,
}

/// A score of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Score {
    Coherence,
    Toxicity,
    Sentiment,
    HallucinationRisk,
}

/// What a key fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    Text(Field),
    Tenant,
    Project,
    Time,
    MessageIndex,
    Latency,
    Ttft,
    Count(Count),
    Usage,
    ServiceTier,
    Cost,
    Input,
    Output,
    ErrorMessage,
    /// The words of an HTTP status: an error's message, or `OK`.
    StatusText,
    /// A word or an HTTP status; a word that we don't know stays an attribute.
    Status,
    /// One of success, error, timeout; anything else is an error.
    ResultStatus,
    Success,
    Score(Score),
    Results,
    ResultList,
    Dimensions,
    VectorLength,
    ToolsBound,
    /// What a vector database was asked to do.
    Operation,
    /// One of some words, which stays an attribute.
    Word(&'static [&'static str]),
    Rating,
}

impl Target {
    /// Where an empty text says nothing.
    pub fn is_name(self) -> bool {
        matches!(self, Target::Text(_) | Target::Tenant | Target::Project)
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Alias {
    pub key: &'static str,
    pub target: Target,
    /// Where several keys fill one target, the lowest wins; the others stay attributes.
    pub rank: u8,
    /// None: of any type.
    pub only: Option<EventType>,
    /// The key also stays in `attributes`: its column or fact does not say all of it.
    pub kept: bool,
    /// It means this beside `attributes` only: inside, a client may use the key for what it likes.
    pub envelope: bool,
}

const fn any(key: &'static str, target: Target, rank: u8) -> Alias {
    Alias { key, target, rank, only: None, kept: false, envelope: false }
}

const fn of(only: EventType, key: &'static str, target: Target, rank: u8) -> Alias {
    Alias { key, target, rank, only: Some(only), kept: false, envelope: false }
}

const fn envelope(key: &'static str, target: Target, rank: u8) -> Alias {
    Alias { envelope: true, ..any(key, target, rank) }
}

const fn kept(alias: Alias) -> Alias {
    Alias { kept: true, ..alias }
}

use EventType::{
    AgentCreate, CacheOperation, Embedding, Feedback, LlmCall, Output, Retrieval, ToolCall, TraceEnd,
    VectorDbOperation,
};

const FEEDBACK_TYPE: Target = Target::Word(&["like", "dislike", "rating", "correction"]);

#[rustfmt::skip]
const ALIASES: &[Alias] = &[
    envelope("tenant_id", Target::Tenant, 0),
    envelope("tenantId", Target::Tenant, 1),
    envelope("project_id", Target::Project, 0),
    envelope("projectId", Target::Project, 1),
    envelope("environment", Target::Text(Field::Environment), 0),
    envelope("timestamp", Target::Time, 0),
    envelope("ts", Target::Time, 1),
    envelope("created_at", Target::Time, 2),
    envelope("event_id", Target::Text(Field::EventId), 0),
    // Of other events it is what they have in common: the request to the application.
    Alias { only: Some(LlmCall), ..envelope("request_id", Target::Text(Field::EventId), 1) },
    envelope("trace_id", Target::Text(Field::TraceId), 0),
    envelope("traceId", Target::Text(Field::TraceId), 1),
    envelope("span_id", Target::Text(Field::SpanId), 0),
    envelope("spanId", Target::Text(Field::SpanId), 1),
    envelope("parent_span_id", Target::Text(Field::ParentSpanId), 0),
    envelope("parentSpanId", Target::Text(Field::ParentSpanId), 1),
    envelope("conversation_id", Target::Text(Field::ConversationId), 0),
    envelope("conversationId", Target::Text(Field::ConversationId), 1),
    any("conversation_id_otel", Target::Text(Field::ConversationId), 2),
    envelope("session_id", Target::Text(Field::SessionId), 0),
    envelope("sessionId", Target::Text(Field::SessionId), 1),
    envelope("user_id", Target::Text(Field::UserId), 0),
    envelope("userId", Target::Text(Field::UserId), 1),
    envelope("message_index", Target::MessageIndex, 0),
    envelope("messageIndex", Target::MessageIndex, 1),
    any("agent_name", Target::Text(Field::AgentName), 0),
    envelope("version", Target::Text(Field::Version), 0),
    envelope("route", Target::Text(Field::Route), 0),
    any("name", Target::Text(Field::Name), 0),
    envelope("observation_type", Target::Text(Field::ObservationType), 0),

    any("model", Target::Text(Field::Model), 0),
    any("response_model", Target::Text(Field::ResponseModel), 0),
    any("provider", Target::Text(Field::Provider), 0),
    any("provider_name", Target::Text(Field::Provider), 1),
    any("response_id", Target::Text(Field::ResponseId), 0),
    any("responseId", Target::Text(Field::ResponseId), 1),
    any("finish_reason", Target::Text(Field::FinishReason), 0),
    any("finishReason", Target::Text(Field::FinishReason), 1),

    any("latency_ms", Target::Latency, 0),
    any("latencyMs", Target::Latency, 1),
    any("latency", Target::Latency, 2),
    of(TraceEnd, "total_latency_ms", Target::Latency, 3),
    any("time_to_first_token_ms", Target::Ttft, 0),
    any("ttft_ms", Target::Ttft, 1),
    any("timeToFirstTokenMs", Target::Ttft, 2),

    any("input_tokens", Target::Count(Count::Input), 0),
    any("tokens_prompt", Target::Count(Count::Input), 1),
    any("prompt_tokens", Target::Count(Count::Input), 2),
    any("tokens_in", Target::Count(Count::Input), 3),
    any("tokensPrompt", Target::Count(Count::Input), 4),
    any("output_tokens", Target::Count(Count::Output), 0),
    any("tokens_completion", Target::Count(Count::Output), 1),
    any("completion_tokens", Target::Count(Count::Output), 2),
    any("tokens_out", Target::Count(Count::Output), 3),
    any("tokensCompletion", Target::Count(Count::Output), 4),
    any("total_tokens", Target::Count(Count::Total), 0),
    any("tokens_total", Target::Count(Count::Total), 1),
    any("tokensTotal", Target::Count(Count::Total), 2),
    any("cached_input_tokens", Target::Count(Count::CachedInput), 0),
    any("cache_read_tokens", Target::Count(Count::CachedInput), 1),
    any("cached_tokens", Target::Count(Count::CachedInput), 2),
    any("cache_write_tokens", Target::Count(Count::CacheWrite), 0),
    any("cache_write_1h_tokens", Target::Count(Count::CacheWrite1h), 0),
    any("reasoning_tokens", Target::Count(Count::Reasoning), 0),
    any("input_audio_tokens", Target::Count(Count::AudioInput), 0),
    any("output_audio_tokens", Target::Count(Count::AudioOutput), 0),
    any("input_image_tokens", Target::Count(Count::ImageInput), 0),
    kept(any("usage", Target::Usage, 0)),
    kept(any("service_tier", Target::ServiceTier, 0)),
    any("cost", Target::Cost, 0),
    any("cost_usd", Target::Cost, 1),

    any("input_messages", Target::Input, 0),
    any("input", Target::Input, 1),
    any("prompt", Target::Input, 2),
    any("messages", Target::Input, 3),
    any("query", Target::Input, 4),
    of(ToolCall, "args", Target::Input, 0),
    of(ToolCall, "arguments", Target::Input, 1),
    of(Embedding, "input_text", Target::Input, 0),
    any("output_messages", Target::Output, 0),
    any("output", Target::Output, 1),
    any("response", Target::Output, 2),
    any("completion", Target::Output, 3),
    of(ToolCall, "result", Target::Output, 0),
    of(Retrieval, "retrieval_context", Target::Output, 0),
    of(Output, "final_output", Target::Output, 0),

    any("tool_name", Target::Text(Field::ToolName), 0),
    any("status", Target::Status, 0),
    any("result_status", Target::ResultStatus, 0),
    of(TraceEnd, "outcome", Target::ResultStatus, 0),
    any("success", Target::Success, 0),
    any("error_type", Target::Text(Field::ErrorType), 0),
    kept(any("error_category", Target::Text(Field::ErrorType), 1)),
    kept(any("error_code", Target::Text(Field::ErrorType), 2)),
    any("error_message", Target::ErrorMessage, 0),
    any("error", Target::ErrorMessage, 1),
    kept(any("statusText", Target::StatusText, 0)),

    kept(of(LlmCall, "coherence_score", Target::Score(Score::Coherence), 0)),
    kept(of(LlmCall, "toxicity_score", Target::Score(Score::Toxicity), 0)),
    kept(of(LlmCall, "sentiment_score", Target::Score(Score::Sentiment), 0)),
    kept(of(LlmCall, "hallucination_risk", Target::Score(Score::HallucinationRisk), 0)),
    kept(of(LlmCall, "prompt_category", Target::Text(Field::PromptCategory), 0)),
    kept(of(VectorDbOperation, "results_count", Target::Results, 0)),
    kept(of(Retrieval, "retrieval_context_ids", Target::ResultList, 0)),
    kept(of(Retrieval, "context_ids", Target::ResultList, 1)),
    kept(of(Retrieval, "similarity_scores", Target::ResultList, 2)),
    kept(of(VectorDbOperation, "scores", Target::ResultList, 0)),
    kept(of(Embedding, "dimension_count", Target::Dimensions, 0)),
    kept(of(Embedding, "embeddings", Target::VectorLength, 0)),
    kept(of(AgentCreate, "tools_bound", Target::ToolsBound, 0)),
    kept(of(VectorDbOperation, "index_name", Target::Text(Field::Subject), 0)),
    kept(of(VectorDbOperation, "operation_type", Target::Operation, 0)),
    kept(of(CacheOperation, "hit_status", Target::Word(&["hit", "miss"]), 0)),
    kept(of(CacheOperation, "cache_backend", Target::Text(Field::Subject), 0)),
    kept(of(Feedback, "type", FEEDBACK_TYPE, 0)),
    kept(of(Feedback, "outcome", Target::Word(&["success", "failure", "partial"]), 0)),
    of(Feedback, "rating", Target::Rating, 0),
];

static BY_KEY: LazyLock<HashMap<&'static str, Vec<&'static Alias>, rustc_hash::FxBuildHasher>> =
    LazyLock::new(|| {
        let mut by_key: HashMap<_, Vec<_>, _> = HashMap::default();
        for alias in ALIASES {
            by_key.entry(alias.key).or_default().push(alias);
        }
        by_key
    });

/// What a key means in an event of this type, if anything.
pub fn alias(key: &str, event_type: EventType) -> Option<&'static Alias> {
    let aliases = BY_KEY.get(key)?;
    aliases.iter().find(|alias| alias.only.is_none_or(|only| only == event_type)).copied()
}

/// The keys of a target, whatever the event's type.
pub fn keys_of(target: Target) -> impl Iterator<Item = &'static str> {
    ALIASES.iter().filter(move |alias| alias.target == target).map(|alias| alias.key)
}

/// What must be there. In the flat form, which people write by hand, only what tells the event apart is required.
pub struct Required {
    pub event_type: EventType,
    pub target: Target,
    pub field: &'static str,
    pub flat_too: bool,
}

const fn required(event_type: EventType, target: Target, field: &'static str, flat_too: bool) -> Required {
    Required { event_type, target, field, flat_too }
}

#[rustfmt::skip]
pub const REQUIRED: &[Required] = &[
    required(EventType::LlmCall, Target::Text(Field::Model), "model", true),
    required(EventType::LlmCall, Target::Latency, "latency_ms", false),
    required(EventType::ToolCall, Target::Text(Field::ToolName), "tool_name", true),
    required(EventType::ToolCall, Target::ResultStatus, "result_status", false),
    required(EventType::ToolCall, Target::Latency, "latency_ms", false),
    required(EventType::Retrieval, Target::Latency, "latency_ms", false),
    required(EventType::Error, Target::Text(Field::ErrorType), "error_type", true),
    required(EventType::Error, Target::ErrorMessage, "error_message", true),
    required(EventType::Embedding, Target::Text(Field::Model), "model", true),
    required(EventType::Embedding, Target::Latency, "latency_ms", false),
    required(EventType::VectorDbOperation, Target::Latency, "latency_ms", false),
    required(EventType::CacheOperation, Target::Latency, "latency_ms", false),
    required(EventType::AgentCreate, Target::Text(Field::AgentName), "agent_name", true),
    required(EventType::Feedback, FEEDBACK_TYPE, "type", true),
];

/// Attributes that must be there but fill no column.
pub const REQUIRED_ATTRIBUTES: &[(EventType, &str)] =
    &[(EventType::VectorDbOperation, "operation_type"), (EventType::CacheOperation, "hit_status")];
