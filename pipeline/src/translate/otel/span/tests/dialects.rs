//! One payload of each dialect, as small as it can be.

use super::*;

#[test]
fn opentelemetrys_current_names() {
    let event = of(
        "chat gpt-4o",
        json!({
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
            "gen_ai.response.model": "gpt-4o-2024-08-06", "gen_ai.response.id": "chatcmpl-1",
            "gen_ai.response.finish_reasons": ["stop"], "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 20,
            "gen_ai.usage.cache_read.input_tokens": 80, "gen_ai.usage.reasoning.output_tokens": 5,
            "gen_ai.conversation.id": "conv", "user.id": "u1", "session.id": "s1", "gen_ai.agent.name": "planner",
            "gen_ai.response.time_to_first_chunk": 0.25, "gen_ai.request.temperature": 0.5,
            "gen_ai.system_instructions": r#"[{"type":"text","content":"be brief"}]"#,
            "gen_ai.input.messages": r#"[{"role":"user","parts":[{"type":"text","content":"hi"}]}]"#,
            "gen_ai.output.messages": r#"[{"role":"assistant","parts":[{"type":"text","content":"yes"}],"finish_reason":"stop"}]"#,
        }),
    );
    assert_eq!(event.event_type, EventType::LlmCall);
    assert_eq!(texts(&event, MODELS), some(["openai", "gpt-4o", "gpt-4o-2024-08-06"]));
    let who = [
        Field::ConversationId,
        Field::UserId,
        Field::SessionId,
        Field::AgentName,
        Field::ResponseId,
        Field::FinishReason,
    ];
    assert_eq!(texts(&event, who), some(["conv", "u1", "s1", "planner", "chatcmpl-1", "stop"]));
    assert_eq!(texts(&event, [Field::Version, Field::Environment]), some(["2.4.1", "staging"]));
    let tokens = event.tokens;
    assert_eq!(
        (tokens.input, tokens.output, tokens.cached_input, tokens.reasoning),
        (Some(100), Some(20), Some(80), Some(5))
    );
    assert_eq!((event.latency_ms, event.ttft_ms), (Some(1500.0), Some(250.0)));
    assert_eq!(event.ts, Some(1_772_600_767_000_000));
    assert_eq!(
        content(&event.input),
        json!([{"role": "system", "parts": [{"type": "text", "content": "be brief"}]},
               {"role": "user", "parts": [{"type": "text", "content": "hi"}]}])
    );
    assert_eq!(content(&event.output)[0]["parts"][0]["content"], "yes");
    let kept = attributes(&event);
    assert_eq!(kept["gen_ai.request.temperature"], 0.5);
    assert_eq!(kept["gen_ai.usage.input_tokens"], 100);
    assert_eq!(kept["otel.resource"]["service.name"], "shop");
    assert!(kept.get("gen_ai.input.messages").is_none());
    let from: Vec<String> = serde_json::from_value(kept["observa.content_from"].clone()).unwrap();
    assert!(from.contains(&"gen_ai.input.messages".to_owned()), "{from:?}");
}

#[test]
fn opentelemetrys_old_names_and_structured_values() {
    let event = of(
        "chat",
        json!({
            "gen_ai.system": "AWS", "gen_ai.operation.name": "chat", "gen_ai.request.model": "m",
            "gen_ai.usage.prompt_tokens": "7", "gen_ai.usage.completion_tokens": 3.0,
            "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}],
        }),
    );
    assert_eq!(event.text(Field::Provider), Some("aws.bedrock"));
    assert_eq!((event.tokens.input, event.tokens.output), (Some(7), Some(3)));
    assert_eq!(content(&event.input)[0]["parts"][0]["content"], "hi");
}

#[test]
fn openinference() {
    let event = of(
        "ChatCompletion",
        json!({
            "openinference.span.kind": "LLM", "llm.system": "openai", "llm.provider": "openai", "llm.model_name": "gpt-4o-2024-08-06",
            "llm.token_count.prompt": 100, "llm.token_count.completion": 20, "llm.token_count.total": 120,
            "llm.token_count.prompt_details.cache_read": 64,
            "llm.input_messages.0.message.role": "system", "llm.input_messages.0.message.content": "be brief",
            "llm.input_messages.2.message.role": "user", "llm.input_messages.2.message.contents.0.message_content.type": "text",
            "llm.input_messages.2.message.contents.0.message_content.text": "hi",
            "llm.output_messages.0.message.role": "assistant",
            "llm.output_messages.0.message.tool_calls.0.tool_call.id": "call_1",
            "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "weather",
            "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": "{}",
            "output.value": r#"{"id":"chatcmpl-9","choices":[{"message":{"role":"assistant","content":null},"finish_reason":"tool_calls"}]}"#,
            "output.mime_type": "application/json", "session.id": "s", "user.id": "u", "metadata": r#"{"thread_id":"th"}"#,
            "llm.invocation_parameters": r#"{"temperature":0.1,"model":"gpt-4o"}"#, "tag.tags": ["a", "b"],
        }),
    );
    assert_eq!(event.event_type, EventType::LlmCall);
    assert_eq!(texts(&event, MODELS), some(["openai", "gpt-4o", "gpt-4o-2024-08-06"]));
    assert_eq!(texts(&event, [Field::ResponseId, Field::ConversationId]), some(["chatcmpl-9", "th"]));
    assert_eq!(event.tokens.cached_input, Some(64));
    assert_eq!(
        content(&event.input),
        json!([{"role": "system", "content": "be brief"}, {"role": "user", "parts": [{"type": "text", "content": "hi"}]}])
    );
    assert_eq!(
        content(&event.output),
        json!([{"role": "assistant", "tool_calls": [{"id": "call_1", "name": "weather", "arguments": "{}"}]}])
    );
    assert_eq!(attributes(&event)["tags"], json!(["a", "b"]));
}

#[test]
fn openinference_tools_retrievers_and_embeddings() {
    let tool = of(
        "get_weather",
        json!({"openinference.span.kind": "TOOL", "tool.name": "weather", "tool.parameters": r#"{"city":"Rome"}"#, "output.value": "sunny"}),
    );
    assert_eq!((tool.event_type, tool.text(Field::ToolName)), (EventType::ToolCall, Some("weather")));
    assert_eq!((content(&tool.input), content(&tool.output)), (json!({"city": "Rome"}), json!("sunny")));

    let retriever = of(
        "retrieve",
        json!({
            "openinference.span.kind": "RETRIEVER", "input.value": "tents",
            "retrieval.documents.10.document.content": "last", "retrieval.documents.10.document.score": 0.1,
            "retrieval.documents.9.document.content": "first", "retrieval.documents.9.document.id": "d9",
        }),
    );
    assert_eq!(retriever.event_type, EventType::Retrieval);
    assert_eq!(retriever.facts.results, Some(2));
    assert_eq!(
        content(&retriever.output),
        json!([{"content": "first", "id": "d9"}, {"content": "last", "score": 0.1}])
    );

    let embedding = of(
        "CreateEmbeddings",
        json!({
            "openinference.span.kind": "EMBEDDING", "embedding.model_name": "text-embedding-3-small", "llm.token_count.prompt": 5,
            "output.value": r#"{"data":[{"embedding":[0.1,0.2,0.3]}],"usage":{"prompt_tokens":5,"total_tokens":5}}"#,
            "embedding.embeddings.0.embedding.text": "hi", "embedding.embeddings.0.embedding.vector": [0.1, 0.2, 0.3],
        }),
    );
    assert_eq!(
        (embedding.event_type, embedding.text(Field::Model)),
        (EventType::Embedding, Some("text-embedding-3-small"))
    );
    assert_eq!((embedding.facts.vector_length, embedding.tokens.input), (Some(3), Some(5)));
    assert_eq!(content(&embedding.input), json!(["hi"]));
    let kept = attributes(&embedding);
    assert_eq!((&embedding.output, &kept["output.value"]["dimensions"]), (&None, &json!(3)));
    assert_eq!(kept["embedding.embeddings.0.embedding.vector"], json!({"vectors": 1, "dimensions": 3}));
}

/// As its instrumentations of vector databases tell of a search: a result is an event of the span.
#[test]
fn traceloop_vector_databases() {
    let result = |members: Json| json!({ "name": "db.query.result", "attributes": key_values(members.as_object().unwrap()) });
    let search = event(Sent {
        extra: json!({ "events": [
            { "name": "db.query.embeddings", "attributes": key_values(json!({"db.query.embeddings.vector": [0.5, 0.25]}).as_object().unwrap()) },
            result(json!({"db.query.result.id": "d9", "db.query.result.distance": 0.25, "db.query.result.document": "first",
                          "db.query.result.metadata": "{\"page\":1}", "db.query.result.vector": [0.5, 0.25]})),
            result(json!({"db.query.result.id": "d2", "db.query.result.document": "second"})),
        ] }),
        ..sent(
            "chroma.query",
            json!({"db.system": "chroma", "db.operation": "query", "db.chroma.query.n_results": 2}),
        )
    });
    assert_eq!((search.event_type, search.facts.results), (EventType::VectorDbOperation, Some(2)));
    let passages = json!([{"id": "d9", "distance": 0.25, "content": "first", "metadata": "{\"page\":1}"}, {"id": "d2", "content": "second"}]);
    assert_eq!(content(&search.output), passages);
    // What only adds to it finds nothing.
    let added = of("chroma.add", json!({"db.system": "chroma", "db.operation": "add"}));
    assert_eq!((added.event_type, &added.output), (EventType::ReasoningStep, &None));
}

#[test]
fn traceloop() {
    let llm = of(
        "openai.chat",
        json!({
            "llm.request.type": "chat", "gen_ai.system": "OpenAI", "gen_ai.request.model": "gpt-4o", "gen_ai.response.model": "gpt-4o-2024-08-06",
            "gen_ai.prompt.10.role": "user", "gen_ai.prompt.10.content": "last", "gen_ai.prompt.2.role": "user", "gen_ai.prompt.2.content": "first",
            "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.content": "yes", "gen_ai.completion.0.finish_reason": "tool_use",
            "gen_ai.completion.0.tool_calls.0.name": "weather", "gen_ai.completion.0.tool_calls.0.arguments": "{}",
            "gen_ai.usage.prompt_tokens": 12, "gen_ai.usage.completion_tokens": 3, "llm.usage.total_tokens": 15,
            "traceloop.association.properties.session_id": "s", "traceloop.association.properties.user_id": "u",
            "traceloop.workflow.name": "support",
        }),
    );
    assert_eq!(llm.event_type, EventType::LlmCall);
    assert_eq!(
        texts(&llm, [Field::Provider, Field::SessionId, Field::UserId, Field::AgentName]),
        some(["openai", "s", "u", "support"])
    );
    assert_eq!(
        content(&llm.input),
        json!([{"role": "user", "content": "first"}, {"role": "user", "content": "last"}])
    );
    assert_eq!(content(&llm.output)[0]["tool_calls"], json!([{"name": "weather", "arguments": "{}"}]));
    assert_eq!(llm.text(Field::FinishReason), Some("tool_calls"));
    assert_eq!((llm.tokens.input, llm.tokens.total), (Some(12), Some(15)));

    let tool = of(
        "weather.tool",
        json!({"traceloop.span.kind": "tool", "traceloop.entity.name": "weather", "traceloop.entity.input": r#"{"city":"Rome"}"#, "traceloop.entity.output": "\"sunny\""}),
    );
    assert_eq!((tool.event_type, tool.text(Field::ToolName)), (EventType::ToolCall, Some("weather")));
    assert_eq!(content(&tool.input), json!({"city": "Rome"}));
    let sequence = of(
        "RunnableSequence.workflow",
        json!({"traceloop.span.kind": "workflow", "gen_ai.operation.name": "invoke_agent"}),
    );
    assert_eq!(
        (sequence.event_type, sequence.text(Field::ObservationType)),
        (EventType::ReasoningStep, Some("chain"))
    );
}

#[test]
fn vercels_ai_sdk() {
    let inner = event(Sent {
        scope: ("ai", ""),
        ..sent(
            "ai.generateText.doGenerate",
            json!({
                "ai.operationId": "ai.generateText.doGenerate", "operation.name": "ai.generateText.doGenerate fn", "ai.model.provider": "anthropic.messages",
                "ai.model.id": "claude-sonnet-4-5", "ai.response.model": "claude-sonnet-4-5-20250929", "ai.response.id": "msg_1",
                "ai.response.finishReason": "tool-calls", "ai.prompt.messages": r#"[{"role":"user","content":[{"type":"text","text":"hi"}]}]"#,
                "ai.response.text": "let me look", "ai.response.toolCalls": r#"[{"toolCallId":"t1","toolName":"weather","args":"{}"}]"#,
                "ai.usage.promptTokens": 100, "ai.usage.completionTokens": 20, "ai.telemetry.metadata.sessionId": "s", "ai.telemetry.metadata.userId": "u",
                "ai.response.msToFirstChunk": 123.5, "ai.telemetry.functionId": "fn",
                "ai.response.providerMetadata": r#"{"anthropic":{"usage":{"input_tokens":100,"output_tokens":20,"cache_read_input_tokens":4000,"cache_creation_input_tokens":50}}}"#,
            }),
        )
    });
    assert_eq!(inner.event_type, EventType::LlmCall);
    assert_eq!(texts(&inner, MODELS), some(["anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929"]));
    assert_eq!(
        texts(&inner, [Field::SessionId, Field::UserId, Field::FinishReason, Field::AgentName]),
        some(["s", "u", "tool_calls", "fn"])
    );
    assert_eq!(
        (inner.tokens.input, inner.tokens.cached_input, inner.tokens.cache_write),
        (Some(4150), Some(4000), Some(50))
    );
    assert_eq!(inner.ttft_ms, Some(123.5));
    assert_eq!(
        content(&inner.output),
        json!([{"role": "assistant", "content": "let me look", "tool_calls": [{"toolCallId": "t1", "toolName": "weather", "args": "{}"}]}])
    );
    let outer = of(
        "ai.generateText",
        json!({"ai.operationId": "ai.generateText", "ai.prompt": r#"{"prompt":"hi"}"#, "ai.usage.promptTokens": 100}),
    );
    assert_eq!(
        (outer.event_type, outer.text(Field::ObservationType)),
        (EventType::ReasoningStep, Some("chain"))
    );
    assert_eq!(content(&outer.input), json!([{"role": "user", "content": "hi"}]));
    let tool = of(
        "ai.toolCall",
        json!({"ai.operationId": "ai.toolCall", "ai.toolCall.name": "weather", "ai.toolCall.args": r#"{"city":"Rome"}"#, "ai.toolCall.result": "\"sunny\""}),
    );
    assert_eq!((tool.event_type, tool.text(Field::ToolName)), (EventType::ToolCall, Some("weather")));
    let embed = of(
        "ai.embed.doEmbed",
        json!({"ai.operationId": "ai.embed.doEmbed", "ai.values": [r#""hi""#, r#""you""#], "ai.embeddings": ["[0.1,0.2]"], "ai.usage.tokens": 2}),
    );
    assert_eq!(
        (embed.event_type, embed.tokens.input, embed.facts.vector_length),
        (EventType::Embedding, Some(2), Some(2))
    );
    assert_eq!(content(&embed.input), json!(["hi", "you"]));
    let wrapper = of("ai.embed", json!({"ai.operationId": "ai.embed", "ai.usage.tokens": 2}));
    assert_eq!(wrapper.event_type, EventType::ReasoningStep);
}

#[test]
fn langfuse() {
    let event = of(
        "OpenAI-generation",
        json!({
            "langfuse.observation.type": "generation", "langfuse.observation.model.name": "gpt-4o-2024-08-06",
            "langfuse.observation.input": r#"[{"role":"user","content":"hi"}]"#, "langfuse.observation.output": r#"{"role":"assistant","content":"yes"}"#,
            "langfuse.observation.usage_details": r#"{"input":20,"output":5,"total":105,"input_cached_tokens":80}"#,
            "langfuse.observation.cost_details": r#"{"input":0.001,"output":0.002}"#,
            "langfuse.observation.completion_start_time": "\"2026-03-04T05:06:07.750000Z\"", "langfuse.session.id": "s", "langfuse.environment": "qa",
        }),
    );
    assert_eq!(event.event_type, EventType::LlmCall);
    assert_eq!(
        texts(&event, [Field::Model, Field::ResponseModel, Field::SessionId, Field::Environment]),
        some(["gpt-4o-2024-08-06", "gpt-4o-2024-08-06", "s", "qa"])
    );
    assert_eq!((event.tokens.input, event.tokens.cached_input), (Some(100), Some(80)));
    assert_eq!(event.reported_cost_usd, parse_usd("0.003"));
    assert_eq!(event.ttft_ms, Some(750.0));
    assert_eq!(content(&event.output), json!([{"role": "assistant", "content": "yes"}]));
    let failed = of(
        "step",
        json!({"langfuse.observation.type": "span", "langfuse.observation.level": "ERROR", "langfuse.observation.status_message": "rate limited"}),
    );
    assert_eq!((failed.event_type, failed.status), (EventType::ReasoningStep, Status::Error));
    assert_eq!(failed.error_message.as_deref(), Some("rate limited"));
}

#[test]
fn pydantic_ai_and_logfire() {
    let first = of(
        "chat gpt-4o",
        json!({
            "gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 9,
            "gen_ai.usage.details.reasoning_tokens": 4, "gen_ai.usage.output_tokens": 6,
            "events": r#"[{"event.name":"gen_ai.system.message","content":"be brief","role":"system"},{"event.name":"gen_ai.user.message","content":"hi","role":"user"},
                {"event.name":"gen_ai.choice","index":0,"message":{"role":"assistant","content":"yes"}}]"#,
        }),
    );
    assert_eq!(content(&first.input)[1]["content"], "hi");
    assert_eq!(content(&first.output), json!([{"role": "assistant", "content": "yes"}]));
    assert_eq!(first.tokens.reasoning, Some(4));
    let run = of(
        "agent run",
        json!({"agent_name": "shop", "model_name": "gpt-4o", "gen_ai.usage.input_tokens": 9, "gen_ai.usage.output_tokens": 6}),
    );
    assert_eq!((run.event_type, run.text(Field::ObservationType)), (EventType::ReasoningStep, Some("agent")));
    let tool = of(
        "running tool",
        json!({"gen_ai.tool.name": "weather", "tool_arguments": r#"{"city":"Rome"}"#, "tool_response": "sunny"}),
    );
    assert_eq!((tool.event_type, content(&tool.output)), (EventType::ToolCall, json!("sunny")));
    let direct = of(
        "Chat Completion with {request_data[model]!r}",
        json!({
            "request_data": r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#, "gen_ai.request.model": "gpt-4o", "gen_ai.system": "openai",
            "response_data": r#"{"message":{"role":"assistant","content":"yes"},"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}"#,
            "session.id": "[Scrubbed due to 'session']", "gen_ai.response.finish_reasons": r#"["stop"]"#,
        }),
    );
    assert_eq!((direct.event_type, direct.tokens.input), (EventType::LlmCall, Some(9)));
    assert_eq!(texts(&direct, [Field::SessionId, Field::FinishReason]), [None, Some("stop".to_owned())]);
    assert_eq!(content(&direct.input), json!([{"role": "user", "content": "hi"}]));
    assert_eq!(content(&direct.output), json!([{"role": "assistant", "content": "yes"}]));
}

#[test]
fn strands_with_span_events() {
    let event = event(Sent {
        scope: ("strands.telemetry.tracer", ""),
        extra: json!({"events": [
            {"name": "gen_ai.system.message", "attributes": [{"key": "content", "value": {"stringValue": "be brief"}}]},
            {"name": "gen_ai.user.message", "attributes": [{"key": "content", "value": {"stringValue": "[{\"text\":\"hi\"}]"}}]},
            {"name": "gen_ai.choice", "attributes": [{"key": "message", "value": {"stringValue": "[{\"text\":\"yes\"}]"}}, {"key": "finish_reason", "value": {"stringValue": "end_turn"}}]},
        ]}),
        ..sent(
            "chat",
            json!({"gen_ai.operation.name": "chat", "gen_ai.system": "strands-agents", "gen_ai.request.model": "m",
            "gen_ai.usage.prompt_tokens": 10, "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 4}),
        )
    });
    assert_eq!(event.text(Field::Provider), None);
    assert_eq!(
        content(&event.input),
        json!([{"role": "system", "content": "be brief"}, {"role": "user", "content": [{"text": "hi"}]}])
    );
    assert_eq!(
        content(&event.output),
        json!([{"role": "assistant", "content": [{"text": "yes"}], "finish_reason": "end_turn"}])
    );
    assert_eq!(attributes(&event)["otel.events"][1]["name"], "gen_ai.user.message");
}

#[test]
fn operation_details_in_three_span_events() {
    let detail = |key: &str, text: &str| json!({"name": "gen_ai.client.inference.operation.details", "attributes": [{"key": key, "value": {"stringValue": text}}]});
    let event = event(Sent {
        extra: json!({"events": [
            detail("gen_ai.system_instructions", r#"[{"type":"text","content":"be brief"}]"#),
            detail("gen_ai.input.messages", r#"[{"role":"user","parts":[]}]"#),
            detail("gen_ai.output.messages", r#"[{"role":"assistant","parts":[]}]"#),
        ]}),
        ..sent("chat", json!({"gen_ai.operation.name": "chat"}))
    });
    assert_eq!(content(&event.input)[0]["role"], "system");
    assert_eq!(content(&event.input)[1], json!({"role": "user", "parts": []}));
    assert_eq!(content(&event.output), json!([{"role": "assistant", "parts": []}]));
}

#[test]
fn litellm_and_its_second_span() {
    let call = of(
        "litellm_request",
        json!({"gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o", "gen_ai.cost.total_cost": 0.0,
        "gen_ai.usage.input_tokens": 5, "gen_ai.usage.output_tokens": 2, "gen_ai.response.finish_reasons": "[\"length\"]"}),
    );
    assert_eq!((call.event_type, call.reported_cost_usd.clone()), (EventType::LlmCall, None));
    assert_eq!(call.text(Field::FinishReason), Some("length"));
    let raw = of(
        "raw_gen_ai_request",
        json!({"llm.openai.usage": "{'prompt_tokens': 5, 'x': None}", "llm.openai.messages": "[{'role': 'user'}]"}),
    );
    assert_eq!((raw.event_type, raw.tokens.input), (EventType::ReasoningStep, None));
}

#[test]
fn other_vendors() {
    let sentry = of(
        "chat gpt-4o",
        json!({"sentry.op": "gen_ai.chat", "gen_ai.request.model": "gpt-4o", "ai.prompt_tokens.used": 5, "ai.completion_tokens.used": 2,
        "gen_ai.request.messages": r#"[{"role":"user","content":"hi"}]"#, "gen_ai.response.text": "yes"}),
    );
    assert_eq!(
        (sentry.event_type, sentry.tokens.input, sentry.tokens.output),
        (EventType::LlmCall, Some(5), Some(2))
    );
    assert_eq!(content(&sentry.output), json!([{"role": "assistant", "content": "yes"}]));

    let openlit = of(
        "chat gpt-4o",
        json!({"gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.usage.cost": 0.002, "gen_ai.server.time_to_first_token": 0.4,
        "gen_ai.usage.input_tokens": 5, "gen_ai.usage.output_tokens": 2}),
    );
    assert_eq!((openlit.reported_cost_usd.clone(), openlit.ttft_ms), (parse_usd("0.002"), Some(400.0)));

    let mlflow = of(
        "chat",
        json!({"mlflow.spanType": "\"CHAT_MODEL\"", "mlflow.spanInputs": r#"{"messages":[{"role":"user","content":"hi"}],"model":"gpt-4o"}"#,
        "mlflow.spanOutputs": r#"{"id":"chatcmpl-5","model":"gpt-4o-2024-08-06","choices":[{"message":{"role":"assistant","content":"yes"}}],"usage":{"prompt_tokens":5,"completion_tokens":2}}"#}),
    );
    assert_eq!(
        (mlflow.event_type, mlflow.tokens.input, mlflow.text(Field::ResponseId)),
        (EventType::LlmCall, Some(5), Some("chatcmpl-5"))
    );
    assert_eq!(content(&mlflow.input), json!([{"role": "user", "content": "hi"}]));

    let genkit = of(
        "gemini-2.5-flash",
        json!({"genkit:metadata:subtype": "model", "genkit:name": "googleai/gemini-2.5-flash",
        "genkit:input": r#"{"messages":[{"role":"user","content":[{"text":"hi"}]}]}"#,
        "genkit:output": r#"{"message":{"role":"model","content":[{"text":"yes"}]},"usage":{"inputTokens":5,"outputTokens":2}}"#}),
    );
    assert_eq!((genkit.event_type, genkit.tokens.input), (EventType::LlmCall, Some(5)));
    assert_eq!(content(&genkit.output)[0]["role"], "model");

    let vertex = of(
        "call_llm",
        json!({"gen_ai.system": "gcp.vertex.agent", "gcp.vertex.agent.llm_request": r#"{"model":"gemini","contents":[{"role":"user","parts":[{"text":"hi"}]}]}"#,
        "gcp.vertex.agent.llm_response": r#"{"content":{"role":"model","parts":[{"text":"yes"}]},"usage_metadata":{"prompt_token_count":5,"candidates_token_count":2,"total_token_count":7}}"#}),
    );
    assert_eq!(
        (vertex.event_type, vertex.tokens.input, vertex.tokens.output),
        (EventType::LlmCall, Some(5), Some(2))
    );
    assert_eq!(content(&vertex.input), json!([{"role": "user", "parts": [{"text": "hi"}]}]));
    assert_eq!(content(&vertex.output), json!([{"role": "model", "parts": [{"text": "yes"}]}]));
}
