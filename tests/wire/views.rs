//! The views of the contract: their columns, in its order, and what their rows say.

use observa_tests::Database;
use observa_tests::event::{lines, llm_call, now_ms, with};
use serde_json::{Value, json};

/// Of `contract.md`, word for word. More columns may follow.
const COLUMNS: &[(&str, &str)] = &[
    (
        "logs",
        "level, service, message, trace_id, span_id, request_id, session_id, error_stack, error_code, metadata, created_at",
    ),
    (
        "events",
        "tenant_id, project_id, environment, event_id, ts, event_type, trace_id, span_id, parent_span_id, conversation_id, session_id, user_id, agent_name, version, route, provider, model, tool_name, status, error_type, latency_ms, ttft_ms, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, total_tokens, cost_usd, reported_cost_usd, cost_source, billable, finish_reason, redactions, input, output, attributes, ingested_at",
    ),
    (
        "llm_requests",
        "id, user_id, model, prompt, response, prompt_category, latency_ms, tokens_in, tokens_out, tokens_total, cost_usd, coherence_score, toxicity_score, hallucination_risk, sentiment_score, temperature, max_tokens, top_p, success, error_message, error_code, retry_count, request_id, session_id, trace_id, span_id, metadata, created_at",
    ),
    (
        "traces",
        "trace_id, name, started_at, ended_at, latency_ms, status, models, event_count, input_tokens, output_tokens, cost_usd, signal_count, user_id, session_id, conversation_id",
    ),
    (
        "signals",
        "ts, name, type, severity, value, threshold, trace_id, span_id, event_id, model, route, details",
    ),
    ("issues", "name, severity, count, first_seen, last_seen, sample_trace_ids"),
    (
        "alerts",
        "id, title, description, severity, source, rule, status, current_value, threshold_value, occurrences, first_seen, last_seen, trace_id, created_at",
    ),
    ("messages", "conversation_id, message_index, ts, role, content, event_id"),
];

/// The contract names no exact columns for these; their first is the id.
const OTHERS: &[&str] =
    &["conversations", "sessions", "users", "rejected_events", "detection_rules", "model_prices", "projects"];

#[test]
fn views_begin_with_the_contracts_columns_in_its_order() {
    let mut db = Database::ready();
    for (view, columns) in COLUMNS {
        let actual: String = db.one(&format!(
            "SELECT string_agg(column_name, ', ' ORDER BY ordinal_position) FROM information_schema.columns
              WHERE table_schema = 'observa' AND table_name = '{view}'"
        ));
        assert!(actual == *columns || actual.starts_with(&format!("{columns}, ")), "{view}: {actual}");
    }
    for view in OTHERS {
        assert_eq!(
            db.count(&format!("pg_views WHERE schemaname = 'observa' AND viewname = '{view}'")),
            1,
            "{view}"
        );
    }
}

/// A trace: an agent that repeats its two calls' usage, a call that failed, a tool, and an end that sums up.
fn billed_once() -> Vec<Value> {
    let base = json!({"trace_id": "t", "user_id": "u", "session_id": "n", "conversation_id": "c"});
    let call = |id: &str, more: Value| {
        with(with(with(llm_call(id), base.clone()), json!({"model": "gpt-4o"})), more)
    };
    let ts = now_ms() - 60_000;
    vec![
        with(
            base.clone(),
            json!({"event_type": "trace_start", "event_id": "start", "name": "ask", "timestamp": ts}),
        ),
        call(
            "agent",
            json!({"observation_type": "agent", "input_tokens": 3000, "output_tokens": 1500, "timestamp": ts + 100, "latency_ms": 1000}),
        ),
        call(
            "one",
            json!({"input_tokens": 1000, "output_tokens": 500, "timestamp": ts + 200, "span_id": "s1"}),
        ),
        call("two", json!({"input_tokens": 2000, "output_tokens": 1000, "timestamp": ts + 300})),
        call(
            "failed",
            json!({"input_tokens": 700, "output_tokens": 0, "status": "error", "timestamp": ts + 400}),
        ),
        with(
            base.clone(),
            json!({"event_type": "tool_call", "event_id": "tool", "tool_name": "x", "timestamp": ts + 500, "latency_ms": 250}),
        ),
        with(
            base,
            json!({"event_type": "trace_end", "event_id": "end", "total_latency_ms": 1234, "total_tokens": 4500, "total_cost": 9, "outcome": "success", "timestamp": ts + 2000}),
        ),
    ]
}

#[test]
fn sums_count_each_provider_call_once() {
    let mut db = Database::ready();
    assert_eq!(db.ingest(&lines(&billed_once()))["accepted"], 7);
    // 3,000 in at 2.50 and 1,500 out at 10 USD per million.
    let trace = db.row("SELECT name, status, models, event_count, input_tokens, output_tokens, trim_scale(cost_usd)::text AS cost,
                               latency_ms, signal_count, user_id, session_id, conversation_id FROM observa.traces");
    assert_eq!(
        trace,
        json!({"name": "ask", "status": "ok", "models": ["gpt-4o"], "event_count": 7, "input_tokens": 3000,
        "output_tokens": 1500, "cost": "0.0225", "latency_ms": 1234, "signal_count": 1, "user_id": "u", "session_id": "n",
        "conversation_id": "c"})
    );
    for view in ["conversations", "sessions", "users"] {
        let row = db.row(&format!("SELECT message_count, trace_count, tokens, trim_scale(cost_usd)::text AS cost, has_issues FROM observa.{view}"));
        assert_eq!(
            (&row["trace_count"], &row["tokens"], &row["cost"], &row["has_issues"]),
            (&json!(1), &json!(4500), &json!("0.0225"), &json!(true)),
            "{view}: {row}"
        );
    }
}

#[test]
fn a_traces_span_of_time_is_from_its_first_start_to_its_last_end() {
    let mut db = Database::ready();
    let ts = now_ms() - 60_000;
    db.ingest(&lines(&[
        with(llm_call("a"), json!({"trace_id": "t", "timestamp": ts, "latency_ms": 100})),
        with(
            llm_call("b"),
            json!({"trace_id": "t", "timestamp": ts + 50, "latency_ms": 500, "status": "timeout"}),
        ),
    ]));
    let trace = db.row("SELECT latency_ms, status, (extract(epoch FROM started_at) * 1000)::bigint AS started FROM observa.traces");
    assert_eq!(trace, json!({"latency_ms": 550, "status": "timeout", "started": ts}));
}

#[test]
fn the_last_outcome_of_a_trace_counts() {
    let mut db = Database::ready();
    let ts = now_ms() - 60_000;
    let end = |trace: &str, ms: i64, outcome: &str| {
        json!({"event_type": "trace_end", "event_id": format!("{trace}{ms}"), "trace_id": trace, "outcome": outcome,
               "timestamp": ts + ms})
    };
    db.ingest(&lines(&[
        end("better", 0, "error"),
        end("better", 1, "success"),
        end("slower", 0, "success"),
        end("slower", 1, "timeout"),
        end("worse", 0, "success"),
        end("worse", 1, "error"),
    ]));
    let statuses = db.rows("SELECT status FROM observa.traces ORDER BY trace_id", &[]);
    let statuses: Vec<String> = statuses.iter().map(|row| row.get(0)).collect();
    assert_eq!(statuses, ["ok", "timeout", "error"]);
}

#[test]
fn a_nul_in_a_message_is_replaced() {
    let mut db = Database::ready();
    let call = with(
        llm_call("a"),
        json!({"conversation_id": "c", "input": r#"[{"role":"user","content":"a\u0000b"}]"#,
               "output": r#"[{"role":"assistant","parts":[{"content":"c\u0000"},{"content":"d"}]}]"#}),
    );
    assert_eq!(db.ingest(&call.to_string())["accepted"], 1);
    let said = db.rows("SELECT content FROM observa.messages ORDER BY message_index", &[]);
    let said: Vec<String> = said.iter().map(|row| row.get(0)).collect();
    assert_eq!(said, ["a\u{FFFD}b", "c\u{FFFD}\nd"]);
}

#[test]
fn messages_of_a_conversation_come_in_order() {
    let mut db = Database::ready();
    let ts = now_ms() - 60_000;
    let turn = |id: &str, ms: i64, input: Value, output: Value| json!({"event_type": "llm_call", "event_id": id, "model": "m", "conversation_id": "c", "timestamp": ts + ms, "input": input, "output": output});
    db.ingest(&lines(&[
        // Sent late, happened second: a list of messages with the history in it.
        turn("second", 1000, json!([{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"},
            {"role": "assistant", "content": "hello"}, {"role": "user", "content": [{"type": "text", "text": "and now?"}]}]),
            json!([{"role": "assistant", "parts": [{"type": "text", "content": "now this"}]}])),
        turn("first", 0, json!("hi"), json!("hello")),
        turn("other", 0, json!("x"), json!("y")),
    ].map(|event| if event["event_id"] == "other" { with(event, json!({"conversation_id": "d"})) } else { event })));
    let messages = db.table("SELECT message_index, role, content, event_id FROM observa.messages WHERE conversation_id = 'c' ORDER BY message_index");
    let expected: Vec<Value> = [("user", "hi", "first"), ("assistant", "hello", "first"), ("user", "and now?", "second"), ("assistant", "now this", "second")]
        .iter().enumerate()
        .map(|(n, (role, content, id))| json!({"message_index": n, "role": role, "content": content, "event_id": id}))
        .collect();
    assert_eq!(messages, expected);
}

#[test]
fn the_clients_message_index_orders_before_time_does() {
    let mut db = Database::ready();
    let ts = now_ms() - 60_000;
    let turn = |id: &str, ms: i64, index: i64| json!({"event_type": "llm_call", "event_id": id, "model": "m", "conversation_id": "c", "timestamp": ts + ms, "message_index": index, "input": id});
    db.ingest(&lines(&[turn("later", 0, 5), turn("earlier", 1000, 2)]));
    let contents = db.table("SELECT content FROM observa.messages ORDER BY message_index");
    assert_eq!(contents, [json!({"content": "earlier"}), json!({"content": "later"})]);
}

#[test]
fn an_insert_into_llm_requests_is_the_same_as_an_ingest() {
    let mut db = Database::ready();
    let ts = now_ms() - 60_000;
    db.run(&format!(
        r#"INSERT INTO observa.llm_requests (user_id, model, prompt, response, prompt_category, latency_ms, tokens_in, tokens_out, cost_usd,
               toxicity_score, temperature, success, request_id, session_id, trace_id, span_id, metadata, created_at)
           VALUES ('jane.roe@acme-corp.com', 'gpt-4o', 'my key is AKIAQ3EGYJ7KX5NT2MWB', 'ok', 'general', 6000, 1000, 500, 0.5,
               0.9, 0.2, true, 'inserted', 's', 't', 'p', '{{"a": [1, "jane.roe@acme-corp.com"]}}', to_timestamp({ts} / 1000.0))"#
    ));
    let same = json!({"user_id": "jane.roe@acme-corp.com", "model": "gpt-4o", "prompt": "my key is AKIAQ3EGYJ7KX5NT2MWB", "response": "ok",
        "prompt_category": "general", "latency_ms": 6000, "tokens_in": 1000, "tokens_out": 500, "cost_usd": 0.5, "toxicity_score": 0.9,
        "temperature": 0.2, "success": true, "request_id": "ingested", "session_id": "s", "trace_id": "t", "span_id": "p",
        "metadata": {"a": [1, "jane.roe@acme-corp.com"]}, "created_at": ts});
    assert_eq!(db.ingest(&same.to_string())["accepted"], 1);
    let rows = db.table("SELECT to_jsonb(e) - '{event_id,ingested_at,batch_id}'::text[] AS event FROM observa.events e ORDER BY event_id");
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0], rows[1]);
    assert_eq!(
        rows[0]["event"]["input"],
        "my key is [REDACTED:aws_access_key_id]".replace("aws_access_key_id", kind(&rows[0]).as_str())
    );
    let cost: String = db.one("SELECT DISTINCT trim_scale(cost_usd)::text FROM observa.llm_requests");
    assert_eq!(cost, "0.0075");
    let signals = db.table("SELECT name, count(*) FROM observa.signals GROUP BY name ORDER BY name");
    assert!(signals.iter().all(|signal| signal["count"] == 2), "{signals:?}");
}

/// What the scrubber calls the redacted part of an event's input.
fn kind(row: &Value) -> String {
    let input = row["event"]["input"].as_str().unwrap();
    input
        .split_once("[REDACTED:")
        .and_then(|(_, rest)| rest.split_once(']'))
        .expect("a placeholder")
        .0
        .to_owned()
}

#[test]
fn an_insert_into_llm_requests_without_an_id_or_a_time_works() {
    let mut db = Database::ready();
    db.run("INSERT INTO observa.llm_requests (model, prompt) VALUES ('m', 'a'), ('m', 'b')");
    assert_eq!(db.count("observa.llm_requests"), 2);
    let refused = db.error("INSERT INTO observa.llm_requests (model, latency_ms) VALUES ('m', -1)");
    assert_eq!(refused.code().code(), "22023");
    assert!(refused.message().contains("latency_ms"), "{refused:?}");
}

#[test]
fn what_is_no_number_in_an_attribute_is_null_and_hides_no_other_row() {
    let mut db = Database::ready();
    let call = |id: &str, members: Value| with(llm_call(id), members);
    let answer = db.ingest(&lines(&[
        call("words", json!({"temperature": "warm", "max_tokens": "many", "top_p": [1], "retry_count": true})),
        call("numbers", json!({"temperature": 0.7, "max_tokens": 4096, "top_p": "0.5", "retry_count": 2.6})),
        call("extremes", json!({"temperature": "1e400", "max_tokens": 1e30, "top_p": "NaN", "retry_count": "-9223372036854775808"})),
        call("tiny", json!({"temperature": "1e-400"})),
    ]));
    assert_eq!(answer["accepted"], 4, "{answer}");
    let mut row = |id: &str| {
        db.row(&format!(
            "SELECT temperature, max_tokens, top_p, retry_count FROM observa.llm_requests WHERE id = '{id}'"
        ))
    };
    let none = json!({"temperature": null, "max_tokens": null, "top_p": null, "retry_count": null});
    assert_eq!(row("words"), none);
    assert_eq!(
        row("numbers"),
        json!({"temperature": 0.7, "max_tokens": 4096, "top_p": 0.5, "retry_count": 3})
    );
    assert_eq!(row("extremes"), with(none.clone(), json!({"retry_count": i64::MIN})));
    assert_eq!(row("tiny"), with(none, json!({"temperature": 0})));
}

#[test]
fn the_id_of_an_inserted_request_is_the_events() {
    let mut db = Database::ready();
    let insert = |columns: &str, values: &str| {
        format!(
            "INSERT INTO observa.llm_requests (model, {columns}) VALUES ('m', {values}) RETURNING id, request_id"
        )
    };
    for (columns, values, expected) in [
        ("id", "'own'", "own"),
        ("id, request_id", "'other', 'request'", "request"),
        ("request_id", "'alone'", "alone"),
    ] {
        let returned = db.rows(&insert(columns, values), &[]);
        let ids: [String; 2] = [returned[0].get(0), returned[0].get(1)];
        assert_eq!(ids, [expected, expected], "{columns}");
        assert_eq!(db.count(&format!("observa.events WHERE event_id = '{expected}'")), 1);
    }
    db.run("INSERT INTO observa.llm_requests (model, id, metadata) VALUES ('m', 'own', '{\"n\": 1.50}')");
    assert_eq!(db.count("observa.events WHERE event_id = 'own'"), 1, "the same id is a retry");
}

#[test]
fn what_is_inserted_is_stored_with_all_digits_whatever_the_session_shows() {
    let mut db = Database::ready();
    db.run("SET extra_float_digits = -10");
    db.run("INSERT INTO observa.llm_requests (model, latency_ms, temperature, request_id) VALUES ('m', 1234.5678901234, 0.123456789012345, 'a')");
    db.run("UPDATE observa.detection_rules SET threshold = 1234.5678901234 WHERE name = 'high_latency'");
    db.run("RESET extra_float_digits");
    assert_eq!(
        db.row("SELECT latency_ms, temperature FROM observa.llm_requests"),
        json!({"latency_ms": 1234.5678901234, "temperature": 0.123456789012345})
    );
    assert_eq!(
        db.one::<f64>("SELECT threshold FROM observa.detection_rules WHERE name = 'high_latency'"),
        1234.5678901234
    );
}

#[test]
fn a_view_of_what_ingest_writes_takes_no_edits() {
    let mut db = Database::ready();
    let slow = json!({"model": "m", "event_id": "kept", "latency_ms": 9000}).to_string();
    db.ingest(&format!("{slow}\nno event"));
    for view in ["events", "signals", "rejected_events", "projects"] {
        let error = db.error(&format!("DELETE FROM observa.{view}"));
        assert_eq!(error.code().code(), "0A000", "{view}: {error:?}");
        assert_eq!(db.count(&format!("observa.{view}")), 1);
    }
}
