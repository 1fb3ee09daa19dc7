//! What a span is: a call to a model, a tool, an agent. Each library has its own marker; one table knows them all.

use crate::event::EventType;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Llm,
    Embedding,
    Tool,
    Retrieval,
    VectorDb,
    Agent,
    AgentCreate,
    Chain,
    Guardrail,
    Evaluator,
    Prompt,
    /// Anything else: HTTP, a database, a step of the application.
    Span,
}

/// What each kind is stored as. What no provider or tool was called for is a step of reasoning; its place in the tree is
/// what it is kept for, and its observation type tells agents, chains and plain spans apart.
const STORED_AS: [(Kind, EventType, &str); 12] = [
    (Kind::Llm, EventType::LlmCall, "generation"),
    (Kind::Embedding, EventType::Embedding, "embedding"),
    (Kind::Tool, EventType::ToolCall, "tool"),
    (Kind::Retrieval, EventType::Retrieval, "retriever"),
    (Kind::VectorDb, EventType::VectorDbOperation, "retriever"),
    (Kind::Agent, EventType::ReasoningStep, "agent"),
    (Kind::AgentCreate, EventType::AgentCreate, "agent"),
    (Kind::Chain, EventType::ReasoningStep, "chain"),
    (Kind::Guardrail, EventType::Guardrail, "guardrail"),
    (Kind::Evaluator, EventType::ReasoningStep, "evaluator"),
    (Kind::Prompt, EventType::PromptTemplate, "span"),
    (Kind::Span, EventType::ReasoningStep, "span"),
];

impl Kind {
    pub fn stored_as(self) -> (EventType, &'static str) {
        STORED_AS
            .iter()
            .find(|(kind, _, _)| *kind == self)
            .map_or((EventType::ReasoningStep, "span"), |(_, event_type, observation)| {
                (*event_type, observation)
            })
    }
}

#[derive(Clone, Copy, Debug)]
pub enum Test {
    /// One of these words, whatever their case.
    Is(&'static [&'static str]),
    Ends(&'static str),
    Starts(&'static str),
    /// Any value at all.
    Present,
}

use Test::{Ends, Is, Present, Starts};

/// A key that says what a span is, by its value.
pub struct Marker {
    pub key: &'static str,
    pub tests: &'static [(Test, Kind)],
}

const fn marker(key: &'static str, tests: &'static [(Test, Kind)]) -> Marker {
    Marker { key, tests }
}

/// The first marker that is there and has a test for its value decides. Values without a test decide nothing.
#[rustfmt::skip]
pub const MARKERS: &[Marker] = &[
    // LlamaIndex's preparation of a request calls nothing, though OpenInference calls it an LLM.
    marker("name", &[(Ends("._prepare_chat_with_tools"), Kind::Chain)]),
    // `span` is what Langfuse 3 calls everything but generations: it decides nothing.
    marker("langfuse.observation.type", &[
        (Is(&["generation"]), Kind::Llm), (Is(&["embedding"]), Kind::Embedding), (Is(&["tool"]), Kind::Tool),
        (Is(&["retriever"]), Kind::Retrieval), (Is(&["agent"]), Kind::Agent), (Is(&["chain"]), Kind::Chain),
        (Is(&["guardrail"]), Kind::Guardrail), (Is(&["evaluator"]), Kind::Evaluator),
    ]),
    // LangChain's RunnableSequence is a `workflow` here and `invoke_agent` by its operation: a chain.
    marker("traceloop.span.kind", &[(Is(&["workflow"]), Kind::Chain)]),
    marker("gen_ai.operation.name", &[
        (Is(&["chat", "text_completion", "generate_content", "completion", "generate", "responses", "image_generation"]), Kind::Llm),
        (Is(&["embeddings", "embedding"]), Kind::Embedding),
        (Is(&["execute_tool"]), Kind::Tool),
        (Is(&["retrieval", "vector_db_retrieve", "rerank"]), Kind::Retrieval),
        (Is(&["vectordb"]), Kind::VectorDb),
        (Is(&["invoke_agent", "agent_step", "execute_event_loop_cycle", "agent"]), Kind::Agent),
        (Is(&["create_agent"]), Kind::AgentCreate),
        (Is(&["invoke_workflow", "workflow", "execute_task", "plan", "framework", "chain"]), Kind::Chain),
        (Is(&["evaluate", "evaluation"]), Kind::Evaluator),
        (Is(&["guardrail", "apply_guardrail"]), Kind::Guardrail),
    ]),
    marker("openinference.span.kind", &[
        (Is(&["LLM"]), Kind::Llm), (Is(&["EMBEDDING"]), Kind::Embedding), (Is(&["TOOL"]), Kind::Tool),
        (Is(&["RETRIEVER", "RERANKER"]), Kind::Retrieval), (Is(&["AGENT"]), Kind::Agent), (Is(&["CHAIN"]), Kind::Chain),
        (Is(&["GUARDRAIL"]), Kind::Guardrail), (Is(&["EVALUATOR"]), Kind::Evaluator), (Is(&["PROMPT"]), Kind::Prompt),
    ]),
    marker("ai.operationId", &[
        (Ends(".doGenerate"), Kind::Llm), (Ends(".doStream"), Kind::Llm), (Ends(".doEmbed"), Kind::Embedding),
        (Is(&["ai.toolCall"]), Kind::Tool), (Starts("ai."), Kind::Chain),
    ]),
    marker("llm.request.type", &[
        (Is(&["chat", "completion"]), Kind::Llm), (Is(&["embedding"]), Kind::Embedding), (Is(&["rerank"]), Kind::Retrieval),
    ]),
    marker("sentry.op", &[
        (Starts("gen_ai.invoke_agent"), Kind::Agent), (Starts("gen_ai.create_agent"), Kind::AgentCreate),
        (Starts("gen_ai.execute_tool"), Kind::Tool), (Starts("gen_ai.embeddings"), Kind::Embedding),
        (Starts("gen_ai.handoff"), Kind::Span), (Starts("gen_ai.pipeline"), Kind::Chain), (Starts("gen_ai."), Kind::Llm),
        (Starts("ai.chat_completions"), Kind::Llm), (Starts("ai.embeddings"), Kind::Embedding), (Starts("ai.pipeline"), Kind::Chain),
    ]),
    marker("langsmith.span.kind", &[
        (Is(&["llm"]), Kind::Llm), (Is(&["embedding"]), Kind::Embedding), (Is(&["tool"]), Kind::Tool),
        (Is(&["retriever"]), Kind::Retrieval), (Is(&["chain"]), Kind::Chain), (Is(&["prompt"]), Kind::Prompt),
    ]),
    marker("mlflow.spanType", &[
        (Is(&["CHAT_MODEL", "LLM"]), Kind::Llm), (Is(&["EMBEDDING"]), Kind::Embedding), (Is(&["TOOL"]), Kind::Tool),
        (Is(&["RETRIEVER", "RERANKER"]), Kind::Retrieval), (Is(&["AGENT"]), Kind::Agent), (Is(&["CHAIN", "WORKFLOW", "TASK"]), Kind::Chain),
        (Is(&["EVALUATOR"]), Kind::Evaluator), (Is(&["GUARDRAIL"]), Kind::Guardrail),
    ]),
    marker("genkit:metadata:subtype", &[
        (Is(&["model"]), Kind::Llm), (Is(&["embedder"]), Kind::Embedding), (Is(&["tool"]), Kind::Tool),
        (Is(&["retriever", "reranker"]), Kind::Retrieval), (Is(&["flow"]), Kind::Chain), (Is(&["evaluator"]), Kind::Evaluator),
    ]),
    // LiteLLM's second span of each call repeats the first in the provider's words.
    marker("name", &[
        (Is(&["raw_gen_ai_request"]), Kind::Span), (Is(&["running tools"]), Kind::Chain), (Is(&["agent run"]), Kind::Agent),
    ]),
    marker("pydantic_ai.all_messages", &[(Present, Kind::Agent)]),
    marker("all_messages_events", &[(Present, Kind::Agent)]),
    marker("gen_ai.tool.name", &[(Present, Kind::Tool)]),
    marker("ai.toolCall.name", &[(Present, Kind::Tool)]),
    marker("traceloop.span.kind", &[
        (Is(&["tool"]), Kind::Tool), (Is(&["agent"]), Kind::Agent), (Is(&["task"]), Kind::Chain),
    ]),
    marker("gcp.vertex.agent.llm_request", &[(Present, Kind::Llm)]),
    marker("gcp.vertex.agent.tool_call_args", &[(Present, Kind::Tool)]),
    marker("request_data", &[(Present, Kind::Llm)]),
    marker("name", &[
        (Starts("chat "), Kind::Llm), (Starts("text_completion "), Kind::Llm), (Starts("generate_content "), Kind::Llm),
        (Starts("embeddings "), Kind::Embedding), (Starts("execute_tool "), Kind::Tool), (Starts("invoke_agent "), Kind::Agent),
        (Starts("create_agent "), Kind::AgentCreate),
    ]),
    marker("gen_ai.agent.name", &[(Present, Kind::Agent)]),
    marker("db.vector.query.top_k", &[(Present, Kind::VectorDb)]),
    // No marker of its own, but counts of a call.
    marker("gen_ai.usage.output_tokens", &[(Present, Kind::Llm)]),
    marker("gen_ai.usage.completion_tokens", &[(Present, Kind::Llm)]),
    marker("llm.token_count.completion", &[(Present, Kind::Llm)]),
];

/// The kind that a value stands for. SDKs may write the word as a JSON text.
pub fn kind_of(tests: &[(Test, Kind)], value: &str) -> Option<Kind> {
    let value = value.trim_matches('"');
    let passes = |test: &Test| match test {
        Test::Is(words) => words.iter().any(|word| word.eq_ignore_ascii_case(value)),
        Test::Ends(end) => value.ends_with(end),
        Test::Starts(start) => value.starts_with(start),
        Test::Present => true,
    };
    tests.iter().find(|(test, _)| passes(test)).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_stored_as_something() {
        for (kind, event_type, observation) in STORED_AS {
            assert_eq!(kind.stored_as(), (event_type, observation));
        }
    }
}
