//! What frameworks between an application and a provider write.

use super::*;

#[test]
fn a_tool_worked_on_its_arguments_and_not_on_its_schema() {
    let tool = of(
        "get_weather",
        json!({"openinference.span.kind": "TOOL", "tool.name": "get_weather", "input.value": r#"{"city":"Rome"}"#,
        "tool.parameters": r#"{"type":"object","properties":{"city":{"type":"string"}}}"#, "output.value": "sunny"}),
    );
    assert_eq!(content(&tool.input), json!({"city": "Rome"}));
    let old = of(
        "get_weather",
        json!({"openinference.span.kind": "TOOL", "tool.parameters": r#"{"city":"Rome"}"#}),
    );
    assert_eq!(content(&old.input), json!({"city": "Rome"}));
}

#[test]
fn a_providers_answer_that_python_printed_is_read() {
    let printed = "ChatCompletion(id='chatcmpl-9', model='gpt-4o-2024-08-06', choices=[Choice(finish_reason='stop')], \
        usage=CompletionUsage(completion_tokens=9, prompt_tokens=90, completion_tokens_details=Details(reasoning_tokens=4), \
        prompt_tokens_details=Details(cached_tokens=80, audio_tokens=None)))";
    let call = of(
        "OpenAIModel.generate",
        json!({"openinference.span.kind": "LLM", "llm.model_name": "gpt-4o", "llm.token_count.prompt": 90, "llm.token_count.completion": 9,
        "output.value": json!({"role": "assistant", "content": "yes", "raw": printed}).to_string()}),
    );
    assert_eq!((call.tokens.cached_input, call.tokens.reasoning), (Some(80), Some(4)));
    let names = [Field::ResponseId, Field::Model, Field::ResponseModel, Field::FinishReason]
        .map(|field| call.text(field));
    assert_eq!(names, [Some("chatcmpl-9"), Some("gpt-4o"), Some("gpt-4o-2024-08-06"), Some("stop")]);
}

#[test]
fn langchains_answer_knows_which_model_gave_it() {
    let answer = r#"{"generations":[[{"text":"yes","message":{"kwargs":{"response_metadata":{"model_name":"gpt-4o-2024-08-06"}}}}]]}"#;
    let call = of(
        "ChatOpenAI",
        json!({"openinference.span.kind": "LLM", "llm.model_name": "gpt-4o", "output.value": answer}),
    );
    assert_eq!(
        (call.text(Field::Model), call.text(Field::ResponseModel)),
        (Some("gpt-4o"), Some("gpt-4o-2024-08-06"))
    );
}

#[test]
fn a_framework_in_the_providers_place_leaves_it_to_the_model() {
    let chat = |system: &str, model: &str| {
        of(
            "chat",
            json!({"gen_ai.operation.name": "chat", "gen_ai.system": system, "gen_ai.request.model": model}),
        )
    };
    let provider = |event: &Event| event.text(Field::Provider).map(str::to_owned);
    let guessed = chat("strands-agents", "us.anthropic.claude-sonnet-4-5-20250929-v1:0");
    assert_eq!(provider(&guessed).as_deref(), Some("aws.bedrock"));
    assert!(guessed.attributes.as_deref().unwrap().contains(r#""observa.provider_from":"model""#));
    assert_eq!(provider(&chat("azure", "gpt-4o")).as_deref(), Some("azure.ai.openai"));
    assert_eq!(provider(&chat("strands-agents", "llama-3.3-70b")), None);
}

#[test]
fn the_preparation_of_a_request_is_no_call() {
    let preparation = of(
        "OpenAI._prepare_chat_with_tools",
        json!({"openinference.span.kind": "LLM", "llm.model_name": "gpt-4o"}),
    );
    assert_eq!(preparation.event_type, EventType::ReasoningStep);
}

#[test]
fn mlflow_quotes_its_words_and_sums_up_what_the_answer_says() {
    let call = of(
        "Models.generate_content",
        json!({"mlflow.spanType": "\"LLM\"", "mlflow.message.format": "\"gemini\"", "mlflow.llm.model": "\"gemini-2.5-flash\"",
        "mlflow.spanInputs": r#"{"model":"gemini-2.5-flash","contents":"hi"}"#,
        "mlflow.chat.tokenUsage": r#"{"input_tokens":90,"output_tokens":9,"total_tokens":103,"cache_read_input_tokens":80}"#,
        "mlflow.spanOutputs": json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "yes"}]}}], "model_version": "gemini-2.5-flash-001",
            "usage_metadata": {"prompt_token_count": 90, "cached_content_token_count": 80, "candidates_token_count": 9, "thoughts_token_count": 4,
            "total_token_count": 103}}).to_string()}),
    );
    assert_eq!(texts(&call, MODELS), some(["gcp.gemini", "gemini-2.5-flash", "gemini-2.5-flash-001"]));
    let tokens = call.tokens;
    assert_eq!(
        (tokens.input, tokens.cached_input, tokens.output, tokens.reasoning),
        (Some(90), Some(80), Some(13), Some(4))
    );
    let failed = of(
        "Completions",
        json!({"mlflow.spanType": "\"CHAT_MODEL\"", "mlflow.message.format": "\"openai\"", "mlflow.spanInputs": r#"{"model":"gpt-4o","messages":[]}"#}),
    );
    assert_eq!(texts(&failed, MODELS), [Some("openai".to_owned()), Some("gpt-4o".to_owned()), None]);
}

#[test]
fn genkit_has_the_providers_answer_in_its_own() {
    let openai = of(
        "openai/gpt-4o",
        json!({"genkit:metadata:subtype": "model", "genkit:name": "openai/gpt-4o", "genkit:output": json!({
            "finishReason": "stop", "message": {"role": "model", "content": [{"text": "yes"}]}, "usage": {"inputTokens": 90, "outputTokens": 9},
            "raw": {"id": "chatcmpl-9", "model": "gpt-4o-2024-08-06", "usage": {"prompt_tokens": 90, "completion_tokens": 9,
                "prompt_tokens_details": {"cached_tokens": 80}, "completion_tokens_details": {"reasoning_tokens": 4}}}}).to_string()}),
    );
    assert_eq!(texts(&openai, MODELS), some(["openai", "gpt-4o", "gpt-4o-2024-08-06"]));
    assert_eq!(
        (openai.tokens.input, openai.tokens.cached_input, openai.tokens.reasoning),
        (Some(90), Some(80), Some(4))
    );
    let gemini = of(
        "googleai/gemini-2.5-flash",
        json!({"genkit:metadata:subtype": "model", "genkit:name": "googleai/gemini-2.5-flash", "genkit:output": json!({
            "candidates": [{"message": {"role": "model", "content": [{"text": "yes"}]}, "finishReason": "stop"}],
            "usage": {"inputTokens": 90, "outputTokens": 9, "totalTokens": 103},
            "custom": {"modelVersion": "gemini-2.5-flash-001", "responseId": "r-1", "usageMetadata": {"promptTokenCount": 90, "candidatesTokenCount": 9,
                "thoughtsTokenCount": 4, "totalTokenCount": 103}}}).to_string()}),
    );
    assert_eq!(texts(&gemini, MODELS), some(["gcp.gemini", "gemini-2.5-flash", "gemini-2.5-flash-001"]));
    assert_eq!((gemini.tokens.output, gemini.tokens.reasoning), (Some(13), Some(4)));
    assert_eq!(content(&gemini.output)[0]["content"], json!([{"text": "yes"}]));
}

#[test]
fn langsmith_has_langchains_answer_and_its_counts() {
    let answer = json!({"generations": [[{"text": "yes", "message": {"kwargs": {"response_metadata": {"id": "msg_9", "model_name": "claude-x-2026"}}}}]]});
    let call = of(
        "ChatAnthropic",
        json!({"langsmith.span.kind": "llm", "gen_ai.system": "anthropic", "gen_ai.request.model": "claude-x", "gen_ai.completion": answer.to_string(),
        "gen_ai.usage.input_tokens": 90, "gen_ai.usage.output_tokens": 9, "langsmith.metadata.session_id": "s-1",
        "langsmith.metadata.usage_metadata": r#"{"input_tokens":90,"output_tokens":9,"total_tokens":99,"input_token_details":{"cache_read":60,"cache_creation":0,"ephemeral_5m_input_tokens":12,"ephemeral_1h_input_tokens":8},"output_token_details":{"reasoning":4}}"#}),
    );
    assert_eq!(
        (call.tokens.input, call.tokens.cached_input, call.tokens.reasoning),
        (Some(90), Some(60), Some(4))
    );
    let found = texts(&call, [Field::ResponseId, Field::ResponseModel, Field::SessionId]);
    assert_eq!(found, some(["msg_9", "claude-x-2026", "s-1"]));
}

#[test]
fn counts_that_python_printed_are_read() {
    let usage = "{'completion_tokens': 9, 'prompt_tokens': 90, 'prompt_tokens_details': {'cached_tokens': 80, 'audio_tokens': None}}";
    let litellm = of(
        "litellm_request",
        json!({"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 90, "gen_ai.usage.output_tokens": 9, "metadata.usage_object": usage}),
    );
    assert_eq!((litellm.tokens.input, litellm.tokens.cached_input), (Some(90), Some(80)));
    let reply = format!(
        "ChatMessage(_role=<ChatRole.ASSISTANT: 'assistant'>, _meta={{'model': 'gpt-4o-2024-08-06', 'usage': {usage}}})"
    );
    let haystack = of(
        "OpenAIChatGenerator.run",
        json!({"openinference.span.kind": "LLM", "llm.token_count.prompt": 90, "llm.output_messages.0.message.content": "yes",
        "output.value": json!({"replies": [reply]}).to_string()}),
    );
    assert_eq!(
        (haystack.tokens.cached_input, haystack.text(Field::ResponseModel)),
        (Some(80), Some("gpt-4o-2024-08-06"))
    );
}

#[test]
fn a_call_that_failed_early_has_its_model_in_its_name() {
    let failed = of("chat claude-sonnet-4-5", json!({}));
    assert_eq!(texts(&failed, [Field::Provider, Field::Model]), some(["anthropic", "claude-sonnet-4-5"]));
}
