//! Lists of traces, conversations, sessions and users say what the events say, folded or not, and answer from an index.

use observa_tests::Database;
use observa_tests::database::one;
use observa_tests::event::{HOUR_MS, lines, llm_call, now_ms, with};
use postgres::{Client, IsolationLevel};
use serde_json::{Value, json};

/// What a list must show, from the events themselves.
const ACTORS: [(&str, &str, &str); 3] = [
    ("conversations", "conversation_id", "max(user_id), max(session_id)"),
    ("sessions", "session_id", "max(user_id), NULL"),
    ("users", "user_id", "NULL, NULL"),
];

const TRACES: &str = "
    WITH raw AS (SELECT trace_id, tenant_id, project_id, min(ts) AS started_at, count(*) AS event_count,
                        sum(input_tokens) FILTER (WHERE billable)::bigint AS input_tokens, sum(output_tokens) FILTER (WHERE billable)::bigint AS output_tokens,
                        sum(cost_usd) FILTER (WHERE billable) AS cost_usd, array_agg(DISTINCT model) FILTER (WHERE model IS NOT NULL) AS models,
                        max(user_id), max(session_id), max(conversation_id),
                        (SELECT count(*) FROM observa.signals s WHERE s.trace_id = e.trace_id AND s.tenant_id = e.tenant_id AND s.project_id = e.project_id) AS signal_count
                   FROM observa.events e WHERE trace_id IS NOT NULL GROUP BY trace_id, tenant_id, project_id),
         found AS (SELECT trace_id, tenant_id, project_id, started_at, event_count, input_tokens, output_tokens, cost_usd, models, user_id, session_id,
                          conversation_id, signal_count FROM observa.traces)
    SELECT coalesce(json_agg(d), '[]')::text FROM (
        SELECT 'missing', * FROM (TABLE raw EXCEPT ALL TABLE found) r UNION ALL SELECT 'wrong', * FROM (TABLE found EXCEPT ALL TABLE raw) f) d";

/// First and last seen are what they were, whatever is taken out later.
pub const TIMES: &str = "first_seen, last_seen";
const NO_TIMES: &str = "NULL, NULL";

/// Who else is named in a conversation or session is found anew by the fold, where somebody was taken out of it.
fn differences(view: &str, id: &str, companions: &str, all_folded: bool, times: &str) -> String {
    let companions = if all_folded { companions } else { "NULL, NULL" };
    let of_view = match view {
        _ if !all_folded => "NULL, NULL",
        "conversations" => "user_id, session_id",
        "sessions" => "user_id, NULL",
        _ => "NULL, NULL",
    };
    format!(
        "WITH raw AS (SELECT {id}, tenant_id, project_id, {}, count(*) FILTER (WHERE event_type = 'llm_call'), count(DISTINCT trace_id),
                             coalesce(sum(total_tokens) FILTER (WHERE billable), 0)::bigint, sum(cost_usd) FILTER (WHERE billable), bool_or(status <> 'ok'), {companions}
                        FROM observa.events WHERE {id} IS NOT NULL GROUP BY 1, 2, 3),
              found AS (SELECT id, tenant_id, project_id, {times}, message_count, trace_count, tokens, cost_usd, has_issues, {of_view}
                          FROM observa.{view})
         SELECT coalesce(json_agg(d), '[]')::text FROM (
            SELECT 'missing', * FROM (TABLE raw EXCEPT ALL TABLE found) r UNION ALL SELECT 'wrong', * FROM (TABLE found EXCEPT ALL TABLE raw) f) d",
        if times == NO_TIMES { NO_TIMES } else { "min(ts), max(ts)" }
    )
}

#[track_caller]
pub fn assert_right(client: &mut Client, times: &str) {
    let mut snapshot = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .unwrap();
    let deltas: i64 =
        snapshot.query_one("SELECT count(*) FROM observa_internal.rollup_deltas", &[]).unwrap().get(0);
    let found: String = snapshot.query_one(TRACES, &[]).unwrap().get(0);
    assert_eq!(found, "[]", "traces");
    for (view, id, companions) in ACTORS {
        let found: String =
            snapshot.query_one(&differences(view, id, companions, deltas == 0, times), &[]).unwrap().get(0);
        assert_eq!(found, "[]", "{view}");
    }
}

#[track_caller]
fn assert_right_before_and_after_fold(db: &mut Database, times: &str) {
    assert_right(&mut db.client, times);
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(db.count("observa_internal.rollup_deltas"), 0);
    assert_right(&mut db.client, times);
}

/// Three calls a trace, a session for each two traces, three users.
fn call(n: i64) -> Value {
    let trace = n / 3;
    with(
        llm_call(&format!("call {n}")),
        json!({
            "timestamp": now_ms() - 1000 - (n % 11) * 60_000 - (trace % 3) * HOUR_MS,
            "model": if n % 2 == 0 { "gpt-4o" } else { "gpt-4o-mini" },
            "trace_id": if trace % 5 == 4 { Value::Null } else { json!(format!("trace {trace}")) },
            "span_id": format!("span {n}"),
            "session_id": format!("session {}", trace / 2),
            "conversation_id": if trace % 4 == 0 { Value::Null } else { json!(format!("conversation {}", trace / 4)) },
            "user_id": format!("user {}", trace % 3),
            "status": if n % 13 == 0 { "error" } else { "ok" },
            "latency_ms": if n % 10 == 0 { 9000 } else { 100 },
            "input_tokens": n % 100, "output_tokens": 7,
        }),
    )
}

/// Bodies of such calls.
pub fn calls(numbers: std::ops::Range<i64>) -> String {
    lines(&numbers.map(call).collect::<Vec<_>>())
}

#[test]
fn lists_are_those_of_the_events_folded_or_not() {
    let mut db = Database::ready();
    db.ingest(&calls(0..100));
    assert_right_before_and_after_fold(&mut db, TIMES);
    // More of the same traces and users, and retries.
    db.ingest(&calls(95..160));
    assert_right_before_and_after_fold(&mut db, TIMES);
    assert!(db.count("observa.traces") > 30);
}

#[test]
fn what_changes_events_changes_the_lists() {
    let mut db = Database::ready();
    db.ingest(&calls(0..90));
    db.run("SELECT observa.run_maintenance()");
    db.run(r#"INSERT INTO observa.model_prices (provider, model, rates, valid_from) VALUES (NULL, 'gpt-4o', '{"input": 1, "output": 2}', '2020-01-01')"#);
    db.run("SELECT observa.reprice(now() - interval '5 days', now())");
    assert_right_before_and_after_fold(&mut db, TIMES);
    db.run("SELECT observa.forget_user('user 1')");
    assert_right_before_and_after_fold(&mut db, NO_TIMES);
    for of in ["activities WHERE id = 'user 1' OR user_id = 'user 1'", "traces WHERE user_id = 'user 1'"] {
        assert_eq!(db.count(&format!("observa_internal.{of}")), 0, "{of}");
    }
    db.run("UPDATE observa_internal.events SET session_id = 'moved', status = 'timeout' WHERE trace_id = 'trace 3'");
    assert_right_before_and_after_fold(&mut db, NO_TIMES);
}

#[test]
fn two_tenants_with_the_same_ids_are_two() {
    let mut db = Database::ready();
    let tenants = ["one", "two"].map(|name| db.tenant(name).to_string());
    for tenant in &tenants {
        let own: Vec<Value> = (0..30).map(|n| with(call(n), json!({"tenant_id": tenant}))).collect();
        db.ingest(&lines(&own));
    }
    assert_right(&mut db.client, TIMES);
    db.run("SELECT observa.run_maintenance()");
    // Of the one something is not folded yet.
    let more: Vec<Value> = (30..40).map(|n| with(call(n), json!({"tenant_id": tenants[0]}))).collect();
    db.ingest(&lines(&more));
    assert_right_before_and_after_fold(&mut db, TIMES);
}

/// What EXPLAIN says of a query, for a reader of one tenant.
fn plan(client: &mut Client, query: &str) -> String {
    let plan: Value = one(client, &format!("EXPLAIN (FORMAT JSON) {query}"));
    plan.to_string()
}

#[test]
fn the_newest_are_found_by_an_index_under_row_security() {
    let mut db = Database::ready();
    let tenant = db.tenant("big").to_string();
    let login = format!("reader_{}", db.name);
    let mut reader = db.connect_as("reader", "observa_read");
    db.run(&format!("SELECT observa.grant_tenant('{login}', '{tenant}')"));
    db.run(&format!(
        "INSERT INTO observa_internal.traces (tenant_id, trace_id, project_id, started_at, ended_at, worst, event_count, signal_count)
         SELECT '{tenant}', n::text, gen_random_uuid(), now() - n * interval '1 second', now(), 'ok', 1, 0 FROM generate_series(1, 20000) n;
         INSERT INTO observa_internal.activities (tenant_id, actor, id, project_id, first_seen, last_seen, events, messages, tokens, priced, cost_usd, issues)
         SELECT '{tenant}', 'user', n::text, gen_random_uuid(), now(), now() - n * interval '1 second', 1, 1, 1, 0, 0, 0 FROM generate_series(1, 20000) n;
         ANALYZE observa_internal.traces, observa_internal.activities"
    ));
    let traces = plan(&mut reader, "SELECT * FROM observa.traces ORDER BY started_at DESC LIMIT 100");
    assert!(traces.contains("traces_newest"), "{traces}");
    let users = plan(&mut reader, "SELECT * FROM observa.users ORDER BY last_seen DESC LIMIT 100");
    assert!(users.contains("activities_newest"), "{users}");
    assert_eq!(one::<i64>(&mut reader, "SELECT count(*) FROM observa.traces"), 20_000);
}

#[test]
fn a_trace_that_loses_its_last_event_is_gone() {
    let mut db = Database::ready();
    let calls: Vec<Value> = ["a", "b"]
        .iter()
        .map(|id| {
            with(llm_call(id), json!({"trace_id": format!("trace {id}"), "user_id": "u", "session_id": "s"}))
        })
        .collect();
    db.ingest(&lines(&calls));
    db.run("SELECT observa.run_maintenance()");
    let traces = "SELECT array_agg(trace_id ORDER BY trace_id) FROM observa.traces";
    assert_eq!(db.one::<Vec<String>>(traces), ["trace a", "trace b"]);
    db.run("UPDATE observa_internal.events SET trace_id = 'trace c' WHERE event_id = 'a'");
    for folded in [false, true] {
        assert_eq!(db.one::<Vec<String>>(traces), ["trace b", "trace c"], "folded: {folded}");
        assert_eq!(db.one::<i64>("SELECT trace_count FROM observa.sessions"), 2, "folded: {folded}");
        db.run("SELECT observa.run_maintenance()");
    }
    db.run("UPDATE observa_internal.events SET trace_id = NULL; SELECT observa.run_maintenance()");
    assert_eq!(db.count("observa_internal.traces"), 0);
    assert_eq!(db.one::<i64>("SELECT trace_count FROM observa.sessions"), 0);
    assert_right_before_and_after_fold(&mut db, NO_TIMES);
}

#[test]
fn a_storm_of_clients_and_folds_leaves_the_lists_right() {
    let mut db = Database::ready();
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..3)
            .map(|n: i64| {
                let mut client = db.connect();
                scope.spawn(move || {
                    for round in 0..12 {
                        // Neighbours overlap, and a trace comes in the bodies of several clients.
                        let from = round * 90 + n * 30;
                        let mut transaction = client.transaction().unwrap();
                        transaction
                            .query_one("SELECT observa.ingest($1::text)", &[&calls(from..from + 50)])
                            .unwrap();
                        if (round + n) % 5 == 0 {
                            transaction.rollback().unwrap()
                        } else {
                            transaction.commit().unwrap()
                        }
                    }
                })
            })
            .collect();
        let mut changer = db.connect();
        scope.spawn(move || {
            for round in 0..6 {
                let change = format!("UPDATE observa_internal.events SET total_tokens = total_tokens + 1, cost_usd = 0.5 WHERE trace_id LIKE 'trace {round}%' AND billable");
                // Two that change one event at a time may meet: the one that loses tries no more.
                let _ = changer.batch_execute(&change);
                std::thread::sleep(std::time::Duration::from_millis(30));
            }
        });
        let (mut folder, mut reader) = (db.connect(), db.connect());
        let folds = scope.spawn(move || {
            for _ in 0..15 {
                folder.query_one("SELECT observa.run_maintenance()", &[]).unwrap();
            }
        });
        for sender in senders {
            assert_right(&mut reader, NO_TIMES);
            sender.join().unwrap();
        }
        folds.join().unwrap();
    });
    assert_right_before_and_after_fold(&mut db, NO_TIMES);
}
