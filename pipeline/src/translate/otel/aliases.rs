//! Which attribute of a span fills what: one table for every dialect, read by one loop. Of the rows of one target, the first
//! whose key is there wins: what Observa itself or a vendor says, then OpenTelemetry's current names, OpenInference, the old
//! names, and what only frameworks write. Raise [`crate::translate::aliases::VERSION`] where a row changes its meaning.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::event::Field;
use crate::translate::aliases::Count;
use crate::translate::otel::kind::{Kind, MARKERS};

/// How an attribute holds messages or other content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// A list of messages, or the text of one.
    Messages,
    /// The parts of one message, or its text.
    Parts,
    /// The text of one message.
    Text,
    /// The AI SDK's `{"system", "prompt"}` or `{"messages"}`.
    AiPrompt,
    /// Tool calls of the one answer.
    ToolCalls,
    /// A provider's request or answer, or a framework's, with the messages inside.
    Blob,
    /// Of any form, kept as it is.
    Any,
    /// A list of JSON texts.
    Values,
    /// `KEY.N.name...`, a list taken apart into attributes.
    Indexed,
    /// A list of events that each hold a message.
    Events,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    Text(Field),
    Count(Count),
    /// A JSON object of counts in the provider's words.
    Usage,
    /// A JSON object of counts, none of them inside another.
    DisjointUsage,
    /// The parameters of a request as a JSON object, which may name the model.
    Parameters,
    /// A model with its provider before it, as in a path.
    ModelPath,
    /// An answer with vectors in it, of which only the size is kept.
    VectorAnswer,
    /// Seconds or milliseconds to the first token.
    TtftSeconds,
    TtftMilliseconds,
    /// The time of the first token.
    FirstToken,
    Cost,
    /// A cost of which 0 means that the library knew no price.
    CostUnlessZero,
    InputCost,
    OutputCost,
    CostObject,
    System(Form),
    Input(Form),
    Output(Form),
    /// The AI SDK's object of what providers say beside their answer.
    ProviderMetadata,
    /// The provider's whole answer: its id, model and usage, where no attribute has them.
    Answer,
    ErrorMessage,
    Level,
    ServiceTier,
    Tags,
    /// A JSON object that may name session, user and conversation.
    Metadata,
    Dimensions,
    /// Embedding vectors: their numbers are not kept.
    Vector,
    Embeddings,
    Streaming,
}

#[derive(Clone, Copy, Debug)]
pub struct Alias {
    pub key: &'static str,
    pub target: Target,
    /// Empty: whatever the span is.
    pub only: &'static [Kind],
}

const fn any(key: &'static str, target: Target) -> Alias {
    Alias { key, target, only: &[] }
}

const fn text(key: &'static str, field: Field) -> Alias {
    any(key, Target::Text(field))
}

const fn count(key: &'static str, count: Count) -> Alias {
    any(key, Target::Count(count))
}

const fn of(only: &'static [Kind], key: &'static str, target: Target) -> Alias {
    Alias { key, target, only }
}

const TOOL: &[Kind] = &[Kind::Tool];
const LLM: &[Kind] = &[Kind::Llm];
const EMBEDDING: &[Kind] = &[Kind::Embedding];
const RETRIEVAL: &[Kind] = &[Kind::Retrieval, Kind::VectorDb];
const CALLS: &[Kind] = &[Kind::Llm, Kind::Embedding];

use Target::{
    Answer, Cost, CostObject, CostUnlessZero, Dimensions, DisjointUsage, Embeddings, ErrorMessage,
    FirstToken, Input, InputCost, Level, Metadata, ModelPath, Output, OutputCost, Parameters,
    ProviderMetadata, ServiceTier, Streaming, System, Tags, TtftMilliseconds, TtftSeconds, Usage, Vector,
    VectorAnswer,
};

#[rustfmt::skip]
const ALIASES: &[Alias] = &[
    // Who and where
    text("observa.session_id", Field::SessionId),
    text("langfuse.session.id", Field::SessionId),
    text("session.id", Field::SessionId),
    text("traceloop.association.properties.session_id", Field::SessionId),
    text("ai.telemetry.metadata.sessionId", Field::SessionId),
    text("ai.telemetry.metadata.session.id", Field::SessionId),
    text("ai.telemetry.metadata.session_id", Field::SessionId),
    text("langfuse.trace.metadata.session_id", Field::SessionId),
    text("session_id", Field::SessionId),
    text("mlflow.trace.session", Field::SessionId),
    text("langsmith.metadata.session_id", Field::SessionId),
    text("metadata.session_id", Field::SessionId),
    text("observa.user_id", Field::UserId),
    text("langfuse.user.id", Field::UserId),
    text("user.id", Field::UserId),
    text("enduser.id", Field::UserId),
    text("traceloop.association.properties.user_id", Field::UserId),
    text("ai.telemetry.metadata.userId", Field::UserId),
    text("ai.telemetry.metadata.user.id", Field::UserId),
    text("ai.telemetry.metadata.user_id", Field::UserId),
    text("gen_ai.user", Field::UserId),
    text("llm.user", Field::UserId),
    text("mlflow.trace.user", Field::UserId),
    text("langsmith.metadata.user_id", Field::UserId),
    text("metadata.user_api_key_end_user_id", Field::UserId),
    text("observa.conversation_id", Field::ConversationId),
    text("gen_ai.conversation.id", Field::ConversationId),
    text("traceloop.association.properties.conversation_id", Field::ConversationId),
    text("traceloop.association.properties.chat_id", Field::ConversationId),
    text("traceloop.association.properties.thread_id", Field::ConversationId),
    text("ai.telemetry.metadata.conversationId", Field::ConversationId),
    text("ai.telemetry.metadata.chatId", Field::ConversationId),
    text("ai.telemetry.metadata.threadId", Field::ConversationId),
    text("langsmith.metadata.conversation_id", Field::ConversationId),
    text("langsmith.metadata.thread_id", Field::ConversationId),
    text("thread_id", Field::ConversationId),
    text("gcp.vertex.agent.session_id", Field::ConversationId),
    any("metadata", Metadata),
    any("langfuse.trace.metadata", Metadata),
    text("observa.environment", Field::Environment),
    text("langfuse.environment", Field::Environment),
    text("deployment.environment.name", Field::Environment),
    text("deployment.environment", Field::Environment),
    text("sentry.environment", Field::Environment),
    text("observa.version", Field::Version),
    text("langfuse.version", Field::Version),
    text("langfuse.release", Field::Version),
    text("service.version", Field::Version),
    text("sentry.release", Field::Version),
    text("observa.route", Field::Route),
    text("http.route", Field::Route),
    text("observa.agent_name", Field::AgentName),
    text("gen_ai.agent.name", Field::AgentName),
    text("agent.name", Field::AgentName),
    text("agent_name", Field::AgentName),
    text("traceloop.workflow.name", Field::AgentName),
    text("gen_ai.workflow.name", Field::AgentName),
    text("ai.telemetry.functionId", Field::AgentName),
    text("graph.node.name", Field::AgentName),
    text("lk.agent_name", Field::AgentName),
    text("langfuse.trace.name", Field::AgentName),
    any("observa.tags", Tags),
    any("langfuse.trace.tags", Tags),
    any("tag.tags", Tags),
    any("ai.telemetry.metadata.tags", Tags),
    any("logfire.tags", Tags),

    // Which model, by whom
    text("gen_ai.provider.name", Field::Provider),
    text("llm.provider", Field::Provider),
    text("gen_ai.system", Field::Provider),
    text("llm.system", Field::Provider),
    text("ai.model.provider", Field::Provider),
    text("aisdk.model.provider", Field::Provider),
    text("llm.vendor", Field::Provider),
    text("mlflow.llm.provider", Field::Provider),
    text("mlflow.message.format", Field::Provider),
    text("gen_ai.request.model", Field::Model),
    text("llm.request.model_name", Field::Model),
    text("gen_ai.request_model", Field::Model),
    text("llm.request.model", Field::Model),
    text("ai.model.id", Field::Model),
    text("aisdk.model.id", Field::Model),
    text("ai.model_id", Field::Model),
    text("langfuse.observation.model.name", Field::Model),
    any("llm.invocation_parameters", Parameters),
    any("embedding.invocation_parameters", Parameters),
    of(CALLS, "mlflow.spanInputs", Parameters),
    of(CALLS, "invocation_params", Parameters),
    text("embedding.model_name", Field::Model),
    text("reranker.model_name", Field::Model),
    text("llm.model_name", Field::Model),
    text("model_name", Field::Model),
    of(LLM, "model", Target::Text(Field::Model)),
    of(CALLS, "genkit:name", ModelPath),
    text("mlflow.llm.model", Field::Model),
    text("gen_ai.response.model", Field::ResponseModel),
    text("llm.response.model_name", Field::ResponseModel),
    text("gen_ai.response_model", Field::ResponseModel),
    text("llm.response.model", Field::ResponseModel),
    text("ai.response.model", Field::ResponseModel),
    text("langfuse.observation.model.name", Field::ResponseModel),
    text("embedding.model_name", Field::ResponseModel),
    text("llm.model_name", Field::ResponseModel),
    text("mlflow.llm.model", Field::ResponseModel),
    text("gen_ai.response.id", Field::ResponseId),
    text("llm.response.id", Field::ResponseId),
    text("ai.response.id", Field::ResponseId),
    text("gen_ai.response_id", Field::ResponseId),
    of(LLM, "id", Target::Text(Field::ResponseId)),
    text("gen_ai.response.finish_reasons", Field::FinishReason),
    text("llm.finish_reason", Field::FinishReason),
    text("gen_ai.response.finish_reason", Field::FinishReason),
    text("gen_ai.response.stop_reason", Field::FinishReason),
    text("llm.response.finish_reason", Field::FinishReason),
    text("llm.response.stop_reason", Field::FinishReason),
    text("ai.response.finishReason", Field::FinishReason),
    text("ai.finishReason", Field::FinishReason),
    text("gen_ai.finishReason", Field::FinishReason),
    text("gen_ai.completion.0.finish_reason", Field::FinishReason),
    any("openai.response.service_tier", ServiceTier),
    any("gen_ai.openai.response.service_tier", ServiceTier),
    any("gen_ai.response.service_tier", ServiceTier),
    any("openai.request.service_tier", ServiceTier),
    any("gen_ai.openai.request.service_tier", ServiceTier),
    any("gen_ai.request.service_tier", ServiceTier),
    any("gen_ai.is_streaming", Streaming),
    any("gen_ai.request.stream", Streaming),
    any("llm.is_streaming", Streaming),

    // How many tokens
    any("langfuse.observation.usage_details", DisjointUsage),
    count("gen_ai.usage.input_tokens", Count::Input),
    count("llm.token_count.prompt", Count::Input),
    count("gen_ai.usage.prompt_tokens", Count::Input),
    count("llm.usage.prompt_tokens", Count::Input),
    count("ai.usage.inputTokens", Count::Input),
    count("ai.usage.promptTokens", Count::Input),
    count("ai.usage.tokens", Count::Input),
    count("ai.prompt_tokens.used", Count::Input),
    count("stream.usage.promptTokens", Count::Input),
    count("stream.usage.inputTokens", Count::Input),
    count("gen_ai.usage.output_tokens", Count::Output),
    count("llm.token_count.completion", Count::Output),
    count("gen_ai.usage.completion_tokens", Count::Output),
    count("llm.usage.completion_tokens", Count::Output),
    count("ai.usage.outputTokens", Count::Output),
    count("ai.usage.completionTokens", Count::Output),
    count("ai.completion_tokens.used", Count::Output),
    count("stream.usage.completionTokens", Count::Output),
    count("stream.usage.outputTokens", Count::Output),
    count("gen_ai.usage.total_tokens", Count::Total),
    count("llm.token_count.total", Count::Total),
    count("llm.usage.total_tokens", Count::Total),
    count("ai.usage.totalTokens", Count::Total),
    count("ai.total_tokens.used", Count::Total),
    count("stream.usage.totalTokens", Count::Total),
    count("gen_ai.usage.cache_read.input_tokens", Count::CachedInput),
    count("llm.token_count.prompt_details.cache_read", Count::CachedInput),
    count("gen_ai.usage.cache_read_input_tokens", Count::CachedInput),
    count("gen_ai.usage.details.cache_read_tokens", Count::CachedInput),
    count("gen_ai.usage.details.cache_read_input_tokens", Count::CachedInput),
    count("gen_ai.usage.details.cached_tokens", Count::CachedInput),
    count("gen_ai.usage.cache_read_tokens", Count::CachedInput),
    count("gen_ai.usage.input_cached_tokens", Count::CachedInput),
    count("gen_ai.usage.input_tokens.cached", Count::CachedInput),
    count("ai.usage.cachedInputTokens", Count::CachedInput),
    count("ai.usage.inputTokenDetails.cacheReadTokens", Count::CachedInput),
    count("gen_ai.usage.cache_write.input_tokens", Count::CacheWrite),
    count("gen_ai.usage.cache_creation.input_tokens", Count::CacheWrite),
    count("llm.token_count.prompt_details.cache_write", Count::CacheWrite),
    count("gen_ai.usage.cache_creation_input_tokens", Count::CacheWrite),
    count("gen_ai.usage.cache_write_input_tokens", Count::CacheWrite),
    count("gen_ai.usage.details.cache_write_tokens", Count::CacheWrite),
    count("gen_ai.usage.details.cache_creation_input_tokens", Count::CacheWrite),
    count("gen_ai.usage.input_tokens.cache_write", Count::CacheWrite),
    count("ai.usage.inputTokenDetails.cacheWriteTokens", Count::CacheWrite),
    count("gen_ai.usage.cache_creation.input_tokens.ephemeral_1h", Count::CacheWrite1h),
    count("gen_ai.usage.cache_creation.ephemeral_1h_input_tokens", Count::CacheWrite1h),
    count("gen_ai.usage.reasoning.output_tokens", Count::Reasoning),
    count("llm.token_count.completion_details.reasoning", Count::Reasoning),
    count("gen_ai.usage.reasoning_tokens", Count::Reasoning),
    count("gen_ai.usage.details.reasoning_tokens", Count::Reasoning),
    count("llm.usage.reasoning_tokens", Count::Reasoning),
    count("gen_ai.usage.output_tokens.reasoning", Count::Reasoning),
    count("ai.usage.reasoningTokens", Count::Reasoning),
    count("ai.usage.outputTokenDetails.reasoningTokens", Count::Reasoning),
    count("gen_ai.usage.audio.input_tokens", Count::AudioInput),
    count("llm.token_count.prompt_details.audio", Count::AudioInput),
    count("gen_ai.usage.audio_input_tokens", Count::AudioInput),
    count("gen_ai.usage.details.input_audio_tokens", Count::AudioInput),
    count("gen_ai.usage.audio.output_tokens", Count::AudioOutput),
    count("llm.token_count.completion_details.audio", Count::AudioOutput),
    count("gen_ai.usage.audio_output_tokens", Count::AudioOutput),
    count("gen_ai.usage.details.output_audio_tokens", Count::AudioOutput),
    count("gen_ai.usage.image.input_tokens", Count::ImageInput),
    of(CALLS, "gen_ai.usage.raw", Usage),
    of(CALLS, "gcp.vertex.agent.llm_response", Usage),
    of(CALLS, "langsmith.metadata.usage_metadata", Usage),
    of(CALLS, "metadata.usage_object", Usage),
    of(CALLS, "ai.response.providerMetadata", ProviderMetadata),
    of(CALLS, "response_data", Answer),
    of(CALLS, "output.value", Answer),
    of(LLM, "gen_ai.completion", Answer),
    of(CALLS, "mlflow.spanOutputs", Answer),
    // It sums up what the answer says in the provider's words, of which it does not say whose it has.
    of(CALLS, "mlflow.chat.tokenUsage", Usage),
    of(CALLS, "gcp.vertex.agent.llm_response", Answer),
    of(CALLS, "genkit:output", Answer),
    // MLflow spreads what the Agents SDK knows of an answer over attributes.
    of(LLM, "usage", Usage),

    // What it cost, by the client's reckoning
    any("observa.cost_usd", Cost),
    any("langfuse.observation.cost_details", CostObject),
    any("gen_ai.usage.cost.amount", Cost),
    any("llm.cost.total", Cost),
    any("gen_ai.usage.cost", CostUnlessZero),
    any("gen_ai.cost.total_cost", CostUnlessZero),
    any("gen_ai.cost.total_tokens", CostUnlessZero),
    any("operation.cost", CostUnlessZero),
    any("ai.total_cost", CostUnlessZero),
    any("llm.cost.prompt", InputCost),
    any("gen_ai.usage.input_cost", InputCost),
    any("gen_ai.cost.input_cost", InputCost),
    any("gen_ai.cost.input_tokens", InputCost),
    any("llm.cost.completion", OutputCost),
    any("gen_ai.usage.output_cost", OutputCost),
    any("gen_ai.cost.output_cost", OutputCost),
    any("gen_ai.cost.output_tokens", OutputCost),

    // How long until the first token
    any("langfuse.observation.completion_start_time", FirstToken),
    any("gen_ai.response.time_to_first_chunk", TtftSeconds),
    any("gen_ai.server.time_to_first_token", TtftSeconds),
    any("ai.response.msToFirstChunk", TtftMilliseconds),
    any("ai.stream.msToFirstChunk", TtftMilliseconds),
    any("lk.response.ttft", TtftSeconds),

    // How it failed
    text("error.type", Field::ErrorType),
    text("exception.type", Field::ErrorType),
    any("langfuse.observation.level", Level),
    any("langfuse.observation.status_message", ErrorMessage),
    any("exception.message", ErrorMessage),
    any("error.message", ErrorMessage),

    // Tools: their arguments and results are what they worked on
    text("gen_ai.tool.name", Field::ToolName),
    text("tool.name", Field::ToolName),
    text("ai.toolCall.name", Field::ToolName),
    of(TOOL, "traceloop.entity.name", Target::Text(Field::ToolName)),
    of(TOOL, "langfuse.observation.input", Input(Form::Any)),
    of(TOOL, "gen_ai.tool.call.arguments", Input(Form::Any)),
    // OpenInference's newer libraries have the tool's schema under `tool.parameters`.
    of(TOOL, "input.value", Input(Form::Any)),
    of(TOOL, "tool.parameters", Input(Form::Any)),
    of(TOOL, "tool_arguments", Input(Form::Any)),
    of(TOOL, "ai.toolCall.args", Input(Form::Any)),
    of(TOOL, "ai.toolCall.input", Input(Form::Any)),
    of(TOOL, "gen_ai.tool.input", Input(Form::Any)),
    of(TOOL, "gcp.vertex.agent.tool_call_args", Input(Form::Any)),
    of(TOOL, "langfuse.observation.output", Output(Form::Any)),
    of(TOOL, "gen_ai.tool.call.result", Output(Form::Any)),
    of(TOOL, "tool_response", Output(Form::Any)),
    of(TOOL, "ai.toolCall.result", Output(Form::Any)),
    of(TOOL, "ai.toolCall.output", Output(Form::Any)),
    of(TOOL, "gen_ai.tool.output", Output(Form::Any)),
    of(TOOL, "gcp.vertex.agent.tool_response", Output(Form::Any)),

    // Retrievals and embeddings
    of(RETRIEVAL, "gen_ai.retrieval.query.text", Input(Form::Any)),
    of(RETRIEVAL, "reranker.query", Input(Form::Any)),
    of(RETRIEVAL, "gen_ai.retrieval.documents", Output(Form::Any)),
    of(RETRIEVAL, "retrieval.documents.*", Output(Form::Indexed)),
    of(RETRIEVAL, "reranker.output_documents.*", Output(Form::Indexed)),
    of(RETRIEVAL, "db.query.text", Input(Form::Any)),
    text("gen_ai.data_source.id", Field::Subject),
    text("db.collection.name", Field::Subject),
    any("ai.value", Input(Form::Any)),
    any("ai.values", Input(Form::Values)),
    of(EMBEDDING, "embedding.text", Input(Form::Any)),
    of(EMBEDDING, "gen_ai.embeddings.input", Input(Form::Any)),
    of(EMBEDDING, "output.value", VectorAnswer),
    of(EMBEDDING, "langfuse.observation.output", VectorAnswer),
    of(EMBEDDING, "traceloop.entity.output", VectorAnswer),
    of(EMBEDDING, "mlflow.spanOutputs", VectorAnswer),
    of(EMBEDDING, "genkit:output", VectorAnswer),
    of(EMBEDDING, "response_data", VectorAnswer),
    any("embedding.embeddings.*", Embeddings),
    any("ai.embedding", Vector),
    any("ai.embeddings", Vector),
    any("embedding.vector", Vector),
    any("gen_ai.embeddings.dimension.count", Dimensions),

    // What was said
    any("gen_ai.system_instructions", System(Form::Parts)),
    of(LLM, "langfuse.observation.input", Input(Form::Blob)),
    any("langfuse.observation.input", Input(Form::Any)),
    any("gen_ai.input.messages", Input(Form::Messages)),
    any("llm.input_messages.*", Input(Form::Indexed)),
    any("llm.prompts.*", Input(Form::Indexed)),
    any("gen_ai.prompt.*", Input(Form::Indexed)),
    any("gen_ai.request.messages", Input(Form::Messages)),
    of(LLM, "gen_ai.prompt", Input(Form::Blob)),
    any("gen_ai.prompt", Input(Form::Messages)),
    any("ai.prompt.messages", Input(Form::Messages)),
    any("ai.prompt", Input(Form::AiPrompt)),
    any("ai.input_messages", Input(Form::Messages)),
    any("llm.prompts", Input(Form::Messages)),
    any("llm.openai.messages", Input(Form::Messages)),
    any("events", Input(Form::Events)),
    any("pydantic_ai.all_messages", Input(Form::Messages)),
    any("all_messages_events", Input(Form::Events)),
    of(LLM, "request_data", Input(Form::Blob)),
    of(LLM, "input.value", Input(Form::Blob)),
    any("input.value", Input(Form::Any)),
    of(LLM, "traceloop.entity.input", Input(Form::Blob)),
    any("traceloop.entity.input", Input(Form::Any)),
    of(LLM, "mlflow.spanInputs", Input(Form::Blob)),
    any("mlflow.spanInputs", Input(Form::Any)),
    of(LLM, "gcp.vertex.agent.llm_request", Input(Form::Blob)),
    of(LLM, "genkit:input", Input(Form::Blob)),
    any("genkit:input", Input(Form::Any)),
    any("lk.chat_ctx", Input(Form::Any)),
    any("lk.user_input", Input(Form::Any)),
    any("langfuse.trace.input", Input(Form::Any)),
    of(LLM, "langfuse.observation.output", Output(Form::Blob)),
    any("langfuse.observation.output", Output(Form::Any)),
    any("gen_ai.output.messages", Output(Form::Messages)),
    any("llm.output_messages.*", Output(Form::Indexed)),
    any("llm.choices.*", Output(Form::Indexed)),
    any("gen_ai.completion.*", Output(Form::Indexed)),
    any("gen_ai.response.text", Output(Form::Text)),
    any("gen_ai.response.tool_calls", Output(Form::ToolCalls)),
    of(LLM, "gen_ai.completion", Output(Form::Blob)),
    any("gen_ai.completion", Output(Form::Messages)),
    any("ai.response.text", Output(Form::Text)),
    any("ai.response.toolCalls", Output(Form::ToolCalls)),
    any("ai.response.object", Output(Form::Text)),
    any("ai.result.text", Output(Form::Text)),
    any("ai.result.toolCalls", Output(Form::ToolCalls)),
    any("ai.result.object", Output(Form::Text)),
    any("ai.responses", Output(Form::Messages)),
    any("final_result", Output(Form::Any)),
    of(LLM, "response_data", Output(Form::Blob)),
    of(LLM, "output.value", Output(Form::Blob)),
    any("output.value", Output(Form::Any)),
    of(LLM, "traceloop.entity.output", Output(Form::Blob)),
    any("traceloop.entity.output", Output(Form::Any)),
    of(LLM, "mlflow.spanOutputs", Output(Form::Blob)),
    any("mlflow.spanOutputs", Output(Form::Any)),
    of(LLM, "gcp.vertex.agent.llm_response", Output(Form::Blob)),
    of(LLM, "genkit:output", Output(Form::Blob)),
    any("genkit:output", Output(Form::Any)),
    any("lk.response.text", Output(Form::Text)),
    any("langfuse.trace.output", Output(Form::Any)),
];

/// What the tables know of a key: rows of aliases and of markers, each in their order.
#[derive(Debug, Default)]
pub struct Known {
    pub aliases: Vec<u16>,
    pub markers: Vec<u16>,
}

static BY_KEY: LazyLock<HashMap<&'static str, Known, rustc_hash::FxBuildHasher>> = LazyLock::new(|| {
    let mut by_key: HashMap<_, Known, _> = HashMap::default();
    for (row, alias) in (0..).zip(ALIASES) {
        by_key.entry(alias.key).or_default().aliases.push(row);
    }
    for (row, marker) in (0..).zip(MARKERS) {
        by_key.entry(marker.key).or_default().markers.push(row);
    }
    by_key
});

/// What a key means; one with an index in it (`gen_ai.prompt.12.role`) means what its family does (`gen_ai.prompt.*`).
pub fn known(key: &str) -> Option<&'static Known> {
    BY_KEY.get(key).or_else(|| {
        let mut name = [0; 40];
        let family = family(key)?;
        let bytes = name.get_mut(..family.len() + 2)?;
        let (head, tail) = bytes.split_at_mut(family.len());
        head.copy_from_slice(family.as_bytes());
        tail.copy_from_slice(b".*");
        BY_KEY.get(std::str::from_utf8(bytes).ok()?)
    })
}

/// What stands before the first index of a key.
pub fn family(key: &str) -> Option<&str> {
    let bytes = key.as_bytes();
    let is_index = |dot: usize| {
        let rest = bytes.get(dot + 1..).unwrap_or_default();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        digits > 0 && matches!(rest.get(digits), None | Some(b'.'))
    };
    let dot = memchr::memchr_iter(b'.', bytes).find(|dot| is_index(*dot))?;
    key.get(..dot)
}

/// The keys of a target.
pub fn keys_of(target: Target) -> impl Iterator<Item = &'static str> {
    ALIASES.iter().filter(move |alias| alias.target == target).map(|alias| alias.key)
}

pub fn alias(row: u16) -> Option<&'static Alias> {
    ALIASES.get(usize::from(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_with_an_index_is_of_its_family() {
        assert_eq!(family("llm.input_messages.12.message.contents.0.x"), Some("llm.input_messages"));
        assert_eq!(family("gen_ai.prompt.3"), Some("gen_ai.prompt"));
        for no_index in ["gen_ai.prompt.name", "a.1b.c", "", ".", "x."] {
            assert_eq!(family(no_index), None, "{no_index}");
        }
        assert!(known("gen_ai.completion.10.tool_calls.0.name").is_some());
        assert!(known(&format!("{}.0", "x".repeat(100))).is_none());
    }

    #[test]
    fn no_row_stands_twice() {
        let mut rows: Vec<_> = ALIASES.iter().map(|alias| (alias.key, alias.target, alias.only)).collect();
        let all = rows.len();
        rows.sort_by_key(|row| format!("{row:?}"));
        rows.dedup();
        assert_eq!(rows.len(), all);
    }
}
