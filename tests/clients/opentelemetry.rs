//! Clients that send OTLP: each call of the provider is seen once, with its tokens, money, time, place and words.

use observa_tests::Database;
use observa_tests::provider::{Answered, THINKING};
use serde_json::{Value, json};

use crate::prices::cost;
use crate::stack::{Client, Run, play};

/// What a client says of calls, beside their input and output tokens.
struct Tells {
    cached: bool,
    reasoning: bool,
    /// How often it says that a call failed.
    failures: i64,
    /// Of a failed call: its kind.
    error_type: bool,
    /// Of a failed call: its prompt, on the call's own span.
    failed_prompt: bool,
    /// A span for the use of a tool.
    tools: i64,
}

const ALL: Tells =
    Tells { cached: true, reasoning: true, failures: 1, error_type: true, failed_prompt: true, tools: 0 };

/// What clients print though all is well: OpenTelemetry JS minds a partialSuccess that says 0, Langfuse tells the provider's errors.
const HARMLESS: [&str; 2] =
    [r#"Received Partial Success response: {"errorMessage":"","rejectedSpans":0}"#, "Error code: "];

/// The events that are calls, in the order of their start.
const BILLED: &str = "
    SELECT coalesce(response_model, model) AS model, input_tokens AS input, coalesce(output_tokens, 0) AS output,
           coalesce(cached_input_tokens, 0) AS cached, coalesce(cache_write_tokens, 0) AS cache_write,
           coalesce(reasoning_tokens, 0) AS reasoning, trim_scale(cost_usd * 1000000000)::text AS cost, status
    FROM observa.events WHERE billable ORDER BY ts";

/// Spans from which the root is not reached by parents.
const LOST: &str = "
    WITH RECURSIVE tree AS (
        SELECT span_id FROM observa.events WHERE parent_span_id IS NULL AND name = 'handle request'
        UNION ALL
        SELECT e.span_id FROM observa.events e JOIN tree ON e.parent_span_id = tree.span_id
    )
    SELECT name FROM observa.events WHERE span_id NOT IN (SELECT span_id FROM tree)";

#[track_caller]
fn seen_whole(client: Client, tells: Tells) {
    let Some(Run { mut db, answered, printed }) = play(client) else { return };
    // Where exporters complain.
    let complaints: Vec<&str> =
        printed.lines().filter(|line| !HARMLESS.iter().any(|said| line.starts_with(said))).collect();
    assert_eq!(complaints, [""; 0]);
    assert_eq!(db.count("observa.rejected_events"), 0);

    let succeeded: Vec<&Answered> = answered.iter().filter(|one| one.succeeded()).collect();
    assert_eq!(db.table(BILLED), succeeded.iter().map(|one| billed(one, &tells)).collect::<Vec<_>>());

    let thinking = THINKING.as_millis();
    let calls = "event_type IN ('llm_call', 'embedding')";
    assert_eq!(
        db.table(&format!("SELECT name, latency_ms FROM observa.events WHERE {calls} AND (latency_ms BETWEEN {thinking} AND {thinking} + 3000) IS NOT TRUE")),
        [] as [Value; 0]
    );
    assert_eq!(db.table(LOST), [] as [Value; 0], "the tree is whole");
    let homes = db.row("SELECT count(DISTINCT trace_id) AS traces, array_agg(DISTINCT session_id) AS sessions, array_agg(DISTINCT user_id) AS users FROM observa.events");
    assert_eq!(homes, json!({"traces": 1, "sessions": ["session-7"], "users": ["user-7"]}));

    for one in succeeded.iter().filter(|one| !one.text.is_empty()) {
        said(&mut db, one);
    }
    let failed = db.row(
        "SELECT count(*) AS said, count(error_type) AS with_type, count(*) FILTER (WHERE billable) AS billed,
                count(*) FILTER (WHERE input LIKE '%fail: %' OR input LIKE '%busy: %') AS with_prompt
         FROM observa.events WHERE event_type = 'llm_call' AND status = 'error'",
    );
    let said = 2 * tells.failures;
    let with_type = if tells.error_type { said } else { 0 };
    let with_prompt = if tells.failed_prompt { 2 } else { 0 };
    let expected = json!({"said": said, "with_type": with_type, "billed": 0, "with_prompt": with_prompt});
    assert_eq!(failed, expected);
    let tools = "observa.events WHERE event_type = 'tool_call' AND tool_name = 'get_weather' AND input LIKE '%Oslo%' AND output LIKE '%rain%'";
    assert_eq!(db.count(tools), tells.tools);
    let asks_tool = "observa.events WHERE event_type = 'llm_call' AND output LIKE '%get_weather%' AND output LIKE '%Oslo%'";
    let tool_calls = succeeded.iter().filter(|one| one.asked == "tool" && one.text.is_empty()).count();
    assert_eq!(db.count(asks_tool), tool_calls as i64);
}

fn billed(answered: &Answered, tells: &Tells) -> Value {
    let usage = answered.usage;
    let told = |tells: bool, tokens: i64| if tells { tokens } else { 0 };
    json!({
        "model": answered.model, "input": usage.input, "output": usage.output,
        "cached": told(tells.cached, usage.cached), "cache_write": told(tells.cached, usage.cache_write),
        "reasoning": told(tells.reasoning, usage.reasoning), "cost": cost(answered, tells.cached).to_string(), "status": "ok",
    })
}

/// Some event has the prompt and its answer: a library may tell a call on two spans.
#[track_caller]
fn said(db: &mut Database, answered: &Answered) {
    let (asked, text) = (&answered.asked, &answered.text);
    let words = format!(
        "observa.events WHERE event_type = 'llm_call' AND input LIKE '%{asked}: %' AND output LIKE '%{text}%'"
    );
    assert_ne!(db.count(&words), 0, "{asked}: {text}");
}

#[test]
fn vercels_ai_sdk_with_openai() {
    seen_whole(
        Client { script: "node/ai_sdk.mjs", of: "openai", compression: "none" },
        Tells { tools: 1, ..ALL },
    );
}

#[test]
fn vercels_ai_sdk_with_anthropic() {
    seen_whole(
        Client { script: "node/ai_sdk.mjs", of: "anthropic", compression: "gzip" },
        Tells { tools: 1, ..ALL },
    );
}

#[test]
fn opentelemetrys_genai_with_openai_and_prompts_in_logs() {
    // It sends neither cached nor reasoning tokens.
    let tells = Tells { cached: false, reasoning: false, ..ALL };
    seen_whole(Client { script: "python/run_genai.py", of: "openai", compression: "gzip" }, tells);
}

#[test]
fn openinference_with_openai() {
    seen_whole(Client { script: "python/run_openinference.py", of: "openai", compression: "none" }, ALL);
}

#[test]
fn openinference_with_anthropic_whose_sdk_reports_each_call_too() {
    let tells = Tells { failures: 2, ..ALL };
    seen_whole(Client { script: "python/run_openinference.py", of: "anthropic", compression: "gzip" }, tells);
}

#[test]
fn openinference_with_openais_responses() {
    seen_whole(Client { script: "python/run_openinference.py", of: "responses", compression: "none" }, ALL);
}

#[test]
fn traceloop_with_openais_responses() {
    seen_whole(Client { script: "python/run_traceloop.py", of: "responses", compression: "none" }, ALL);
}

#[test]
fn traceloop_with_openai() {
    seen_whole(Client { script: "python/run_traceloop.py", of: "openai", compression: "none" }, ALL);
}

#[test]
fn traceloop_with_anthropic_whose_sdk_reports_each_call_too() {
    let tells = Tells { failures: 2, ..ALL };
    seen_whole(Client { script: "python/run_traceloop.py", of: "anthropic", compression: "none" }, tells);
}

#[test]
fn langfuse_with_openai() {
    let tells = Tells { error_type: false, ..ALL };
    seen_whole(Client { script: "python/run_langfuse.py", of: "openai", compression: "none" }, tells);
}

#[test]
fn pydantic_ai_with_openai() {
    let tells = Tells { failed_prompt: false, tools: 1, ..ALL };
    seen_whole(Client { script: "python/run_pydantic_ai.py", of: "openai", compression: "none" }, tells);
}

#[test]
fn openinference_with_langchain() {
    let tells = Tells { tools: 1, ..ALL };
    seen_whole(Client { script: "python/run_langchain.py", of: "openai", compression: "none" }, tells);
}
