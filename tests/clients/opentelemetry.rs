//! Clients that send OTLP: each call of the provider is seen once, with its tokens, money, time, place and words.

use observa_tests::Database;
use observa_tests::provider::{Answered, THINKING};
use serde_json::{Value, json};

use crate::prices::cost;
use crate::stack::{Client, Run, play};

/// What a client says of a call beside its input and output tokens, and how often it says that a call failed.
struct Tells {
    cached: bool,
    reasoning: bool,
    failures: i64,
    /// Whether what it says of a tool has a span of its own.
    tools: bool,
}

const ALL: Tells = Tells { cached: true, reasoning: true, failures: 1, tools: false };

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
    assert_eq!(printed, "", "exporters complain here");
    assert_eq!(db.count("observa.rejected_events"), 0);

    let succeeded: Vec<&Answered> = answered.iter().filter(|one| one.succeeded()).collect();
    assert_eq!(db.table(BILLED), succeeded.iter().map(|one| billed(one, &tells)).collect::<Vec<_>>());

    let thinking = THINKING.as_millis();
    let calls = "event_type IN ('llm_call', 'embedding')";
    assert_eq!(
        db.table(&format!("SELECT name, latency_ms FROM observa.events WHERE {calls} AND latency_ms NOT BETWEEN {thinking} AND {thinking} + 3000")),
        [] as [Value; 0]
    );
    assert_eq!(db.table(LOST), [] as [Value; 0], "the tree is whole");
    let homes = db.row("SELECT count(DISTINCT trace_id) AS traces, array_agg(DISTINCT session_id) AS sessions, array_agg(DISTINCT user_id) AS users FROM observa.events");
    assert_eq!(homes, json!({"traces": 1, "sessions": ["session-7"], "users": ["user-7"]}));

    for one in succeeded.iter().filter(|one| !one.text.is_empty()) {
        said(&mut db, one);
    }
    for asked in ["fail", "busy"] {
        let failed = db.row(&format!(
            "SELECT count(*) AS said, count(error_type) AS with_type, count(*) FILTER (WHERE billable) AS billed,
                    count(*) FILTER (WHERE input LIKE '%{asked}: %') > 0 AS with_prompt
             FROM observa.events WHERE event_type = 'llm_call' AND status = 'error' AND (input LIKE '%{asked}: %' OR input IS NULL)"
        ));
        // A span that has no prompt can't be told from the other failure's.
        let without = tells.failures - 1;
        let count = 1 + 2 * without;
        assert_eq!(
            failed,
            json!({"said": count, "with_type": count, "billed": 0, "with_prompt": true}),
            "{asked}"
        );
    }
    let tools = "observa.events WHERE event_type = 'tool_call' AND tool_name = 'get_weather' AND input LIKE '%Oslo%' AND output LIKE '%rain%'";
    assert_eq!(db.count(tools), i64::from(tells.tools));
    let asks_tool = "observa.events WHERE event_type = 'llm_call' AND output LIKE '%get_weather%' AND output LIKE '%Oslo%'";
    assert_eq!(db.count(asks_tool), 1);
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

/// One event has the prompt and its answer.
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
        Tells { tools: true, ..ALL },
    );
}

#[test]
fn vercels_ai_sdk_with_anthropic() {
    seen_whole(
        Client { script: "node/ai_sdk.mjs", of: "anthropic", compression: "gzip" },
        Tells { tools: true, ..ALL },
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
fn traceloop_with_openai() {
    seen_whole(Client { script: "python/run_traceloop.py", of: "openai", compression: "none" }, ALL);
}

#[test]
fn traceloop_with_anthropic_whose_sdk_reports_each_call_too() {
    let tells = Tells { failures: 2, ..ALL };
    seen_whole(Client { script: "python/run_traceloop.py", of: "anthropic", compression: "none" }, tells);
}
