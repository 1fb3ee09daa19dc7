//! The npm package `observa-sdk`, which posts arrays of canonical events with its key as a bearer token.

use serde_json::json;

use crate::prices::cost;
use crate::stack::{Client, Run, play};

#[test]
fn events_of_observa_sdk_are_stored_once_with_their_tree() {
    let client = Client { script: "node/observa_sdk.mjs", of: "openai", compression: "none" };
    let Some(Run { mut db, answered, printed }) = play(client) else { return };
    assert!(!printed.contains("Failed") && !printed.contains("Backend API error"), "{printed}");
    assert_eq!(db.count("observa.rejected_events"), 0);

    // track() sends tokens of a stream only: what a plain answer used stays in its JSON, as output.
    let plain = db.row("SELECT input_tokens, latency_ms >= 120 AS waited, output LIKE '%Paris is the capital.%' AS said, session_id, user_id
        FROM observa.events WHERE event_type = 'llm_call' AND input LIKE 'plain: %'");
    assert_eq!(
        plain,
        json!({"input_tokens": null, "waited": true, "said": true, "session_id": "session-7", "user_id": "user-7"})
    );

    let billed = db.table(
        "SELECT coalesce(response_model, model) AS model, input_tokens AS input, coalesce(output_tokens, 0) AS output,
                trim_scale(cost_usd * 1000000000)::text AS cost, latency_ms BETWEEN 120 AND 3120 AS waited
         FROM observa.events WHERE billable AND input_tokens IS NOT NULL ORDER BY ts",
    );
    let counted = answered.iter().filter(|one| one.succeeded() && one.asked != "plain");
    let expected: Vec<_> = counted
        .map(|one| {
            json!({"model": one.model, "input": one.usage.input, "output": one.usage.output,
                   "cost": cost(one, false).to_string(), "waited": true})
        })
        .collect();
    assert_eq!(json!(billed), json!(expected));

    // Its last two events are of one millisecond.
    let by_hand = db.row(
        "WITH trace AS (SELECT observa.trace(trace_id) AS t FROM observa.traces WHERE name = 'handle request')
         SELECT t -> 'summary' ->> 'session_id' AS session,
                (SELECT array_agg(type ORDER BY type) FROM jsonb_array_elements_text(
                     jsonb_path_query_array(t, '$.spans[*].children[*].event_type')) AS type) AS under_root,
                jsonb_path_query_array(t, '$.spans[*].children[*].children[*].tool_name') AS under_a_call
         FROM trace",
    );
    let under_root = ["embedding", "error", "llm_call", "llm_call", "trace_end"];
    let expected = json!({"session": "session-7", "under_root": under_root, "under_a_call": ["get_weather"]});
    assert_eq!(by_hand, expected);
}
