//! Metrics are what a GROUP BY over the events says, at any time: folded or not, whatever happens in between.

mod weeks;

use std::sync::atomic::{AtomicBool, Ordering};

use observa_tests::Database;
use observa_tests::database::ingest;
use observa_tests::event::{DAY_MS, HOUR_MS, lines, llm_call, now_ms, with};
use postgres::{Client, IsolationLevel};
use serde_json::{Value, json};

/// What differs between a metrics view and the events.
fn differences(unit: &str) -> String {
    format!(
        "WITH raw AS (
            SELECT date_trunc('{unit}', ts, 'UTC') AS bucket, tenant_id, project_id, environment, event_type, provider, model, route,
                   tool_name, version, status, count(*) AS events, count(*) FILTER (WHERE status = 'error') AS errors,
                   count(*) FILTER (WHERE status = 'timeout') AS timeouts, count(*) FILTER (WHERE billable) AS billable,
                   coalesce(sum(input_tokens) FILTER (WHERE billable), 0) AS input_tokens,
                   coalesce(sum(output_tokens) FILTER (WHERE billable), 0) AS output_tokens,
                   coalesce(sum(cached_input_tokens) FILTER (WHERE billable), 0) AS cached_input_tokens,
                   coalesce(sum(cache_write_tokens) FILTER (WHERE billable), 0) AS cache_write_tokens,
                   coalesce(sum(reasoning_tokens) FILTER (WHERE billable), 0) AS reasoning_tokens,
                   coalesce(sum(total_tokens) FILTER (WHERE billable), 0) AS total_tokens,
                   sum(cost_usd) FILTER (WHERE billable) AS cost_usd, count(latency_ms) AS latencies, count(ttft_ms) AS ttfts,
                   count(coherence_score) AS coherent, round(coalesce(sum(coherence_score), 0)::numeric, 3) AS coherence,
                   count(toxicity_score) + count(hallucination_risk) AS scores
              FROM observa.events GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
        ), metrics AS (
            SELECT bucket, tenant_id, project_id, environment, event_type, provider, model, route, tool_name, version, status, events,
                   errors, timeouts, billable, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens,
                   total_tokens, cost_usd, coalesce(observa.histogram_count(latency), 0), coalesce(observa.histogram_count(ttft), 0),
                   coherence_count, round(coherence_sum::numeric, 3), toxicity_count + hallucination_risk_count
              FROM observa.metrics_{unit}
        ), totals AS (
            SELECT bucket, tenant_id, project_id, environment, event_type, NULL, NULL, NULL, NULL, NULL, NULL, events, errors, timeouts,
                   billable, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, total_tokens,
                   cost_usd, coalesce(observa.histogram_count(latency), 0), coalesce(observa.histogram_count(ttft), 0),
                   coherence_count, NULL::numeric, toxicity_count + hallucination_risk_count
              FROM observa.metrics_total_{unit}
        ), raw_totals AS (
            SELECT bucket, tenant_id, project_id, environment, event_type, NULL, NULL, NULL, NULL, NULL, NULL, sum(events)::bigint,
                   sum(errors)::bigint, sum(timeouts)::bigint, sum(billable)::bigint, sum(input_tokens), sum(output_tokens),
                   sum(cached_input_tokens), sum(cache_write_tokens), sum(reasoning_tokens), sum(total_tokens), sum(cost_usd),
                   sum(latencies)::bigint, sum(ttfts)::bigint, sum(coherent)::bigint, NULL::numeric, sum(scores)::bigint
              FROM raw GROUP BY 1, 2, 3, 4, 5
        )
        SELECT coalesce(json_agg(d), '[]')::text FROM (
            SELECT 'missing', * FROM (TABLE raw EXCEPT ALL TABLE metrics) r
            UNION ALL SELECT 'wrong', * FROM (TABLE metrics EXCEPT ALL TABLE raw) m
            UNION ALL SELECT 'missing total', * FROM (TABLE raw_totals EXCEPT ALL TABLE totals) r
            UNION ALL SELECT 'wrong total', * FROM (TABLE totals EXCEPT ALL TABLE raw_totals) t) d"
    )
}

const USERS: &str = "
    WITH raw AS (SELECT date_trunc('hour', ts, 'UTC'), project_id, environment, user_id, count(*), count(*) FILTER (WHERE status = 'error'),
                        coalesce(sum(total_tokens) FILTER (WHERE billable), 0), sum(cost_usd) FILTER (WHERE billable)
                   FROM observa.events WHERE user_id IS NOT NULL GROUP BY 1, 2, 3, 4),
         users AS (SELECT bucket, project_id, environment, user_id, events, errors, tokens, cost_usd FROM observa.metrics_user_hour),
         hours AS (SELECT date_trunc('day', bucket, 'UTC'), project_id, environment, user_id, sum(events)::bigint, sum(errors)::bigint,
                          sum(total_tokens)::bigint, sum(cost_usd) FROM observa_internal.user_metrics GROUP BY 1, 2, 3, 4),
         days AS (SELECT bucket, project_id, environment, user_id, events, errors, total_tokens, cost_usd FROM observa_internal.user_metric_days)
    SELECT coalesce(json_agg(d), '[]')::text FROM (
        SELECT 'missing', * FROM (TABLE raw EXCEPT ALL TABLE users) r UNION ALL SELECT 'wrong', * FROM (TABLE users EXCEPT ALL TABLE raw) u
        UNION ALL SELECT 'missing day', * FROM (TABLE hours EXCEPT ALL TABLE days) h
        UNION ALL SELECT 'wrong day', * FROM (TABLE days EXCEPT ALL TABLE hours) d) d";

const TAGS: &str = "
    WITH raw AS (SELECT date_trunc('hour', ts, 'UTC'), project_id, environment, split_part(pair, '=', 1), substr(pair, strpos(pair, '=') + 1),
                        count(*), count(*) FILTER (WHERE status = 'error'), coalesce(sum(total_tokens) FILTER (WHERE billable), 0),
                        sum(cost_usd) FILTER (WHERE billable)
                   FROM observa.events, unnest(metric_tags) pair GROUP BY 1, 2, 3, 4, 5),
         tags AS (SELECT bucket, project_id, environment, tag, value, events, errors, tokens, cost_usd FROM observa.metrics_tag_hour)
    SELECT coalesce(json_agg(d), '[]')::text FROM (
        SELECT 'missing', * FROM (TABLE raw EXCEPT ALL TABLE tags) r UNION ALL SELECT 'wrong', * FROM (TABLE tags EXCEPT ALL TABLE raw) u) d";

/// All in one snapshot: whatever others do meanwhile.
#[track_caller]
pub fn assert_right(client: &mut Client) {
    let mut transaction = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .unwrap();
    for unit in ["minute", "hour", "day", "week"] {
        let found: String = transaction.query_one(&differences(unit), &[]).unwrap().get(0);
        assert_eq!(found, "[]", "{unit}");
    }
    let found: String = transaction.query_one(USERS, &[]).unwrap().get(0);
    assert_eq!(found, "[]", "users");
    let found: String = transaction.query_one(TAGS, &[]).unwrap().get(0);
    assert_eq!(found, "[]", "tags");
}

/// A database whose calls are counted by tags, too.
pub fn ready() -> Database {
    let mut db = Database::ready();
    db.run("SELECT observa.set_metric_tags(id, '{customer,tags}') FROM observa.projects");
    db
}

#[track_caller]
pub fn assert_right_before_and_after_fold(db: &mut Database) {
    assert_right(&mut db.client);
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(db.count("observa_internal.rollup_deltas"), 0);
    assert_right(&mut db.client);
}

/// A call that has something of everything, which numbers vary.
fn call(n: i64) -> Value {
    let models = ["gpt-4o", "claude-sonnet-4-5", "no-such-model"];
    with(
        llm_call(&format!("call {n}")),
        json!({
            "timestamp": now_ms() - 1000 - (n % 7) * 50_000 - (n % 3) * HOUR_MS - (n % 2) * DAY_MS,
            "model": models[(n % 3) as usize],
            "provider": if n % 3 == 0 { Value::Null } else { json!("someone") },
            "route": if n % 5 == 0 { Value::Null } else { json!(format!("/r{}", n % 4)) },
            "status": if n % 4 == 0 { "error" } else { "ok" },
            "environment": if n % 6 == 0 { "dev" } else { "prod" },
            "latency_ms": (n * 37 % 5000) as f64 + 0.25,
            "ttft_ms": if n % 2 == 0 { json!(n % 400) } else { Value::Null },
            "input_tokens": n % 1000, "output_tokens": n % 77, "user_id": format!("u{}", n % 5),
            "metadata": {"customer": format!("c{}", n % 3)}, "tags": if n % 2 == 0 { json!(["even", "all"]) } else { json!(["all"]) },
        }),
    )
}

pub fn calls(numbers: std::ops::Range<i64>) -> String {
    lines(&numbers.map(call).collect::<Vec<_>>())
}

#[test]
fn metrics_are_those_of_the_events_folded_or_not() {
    let mut db = ready();
    db.ingest(&calls(0..200));
    db.ingest(
        &json!({"event_type": "tool_call", "event_id": "t", "tool_name": "search", "latency_ms": 12.5})
            .to_string(),
    );
    assert_right_before_and_after_fold(&mut db);
    // Late ones and retries, on top of what is folded.
    db.ingest(&calls(150..260));
    assert_right_before_and_after_fold(&mut db);
    assert!(db.count("observa.metrics_minute") > 20);
    assert!(
        db.one::<i64>("SELECT sum(events)::bigint FROM observa.metrics_tag_hour WHERE value = 'even'") >= 130
    );
}

#[test]
fn a_rolled_back_batch_is_in_no_sum() {
    let mut db = ready();
    db.ingest(&calls(0..40));
    let mut transaction = db.client.transaction().unwrap();
    transaction.query_one("SELECT observa.ingest($1::text)", &[&calls(40..80)]).unwrap();
    transaction.rollback().unwrap();
    let mut transaction = db.client.transaction().unwrap();
    let mut savepoint = transaction.savepoint("s").unwrap();
    savepoint.query_one("SELECT observa.ingest($1::text)", &[&calls(80..120)]).unwrap();
    savepoint.rollback().unwrap();
    transaction.query_one("SELECT observa.ingest($1::text)", &[&calls(120..160)]).unwrap();
    transaction.commit().unwrap();
    assert_eq!(db.count("observa.events"), 80);
    assert_right_before_and_after_fold(&mut db);
}

#[test]
fn percentiles_of_merged_buckets_are_those_of_the_events() {
    let mut db = Database::ready();
    db.ingest(&calls(0..1000));
    db.run("SELECT observa.run_maintenance()");
    for quantile in [0.5, 0.95, 0.99] {
        let found: f64 = db.one(&format!(
            "SELECT observa.quantile(observa.merge(latency), {quantile}) FROM observa.metrics_minute"
        ));
        let exact: f64 = db.one(&format!(
            "SELECT percentile_disc({quantile}) WITHIN GROUP (ORDER BY latency_ms) FROM observa.events"
        ));
        assert!((found / exact - 1.0).abs() <= 0.005, "{quantile}: {found} {exact}");
    }
}

#[test]
fn what_changes_stored_events_changes_the_sums() {
    let mut db = ready();
    db.ingest(&calls(0..90));
    db.run("SELECT observa.run_maintenance()");
    // A price that was not known, and one that counts from now on for what is stored.
    db.run(r#"INSERT INTO observa.model_prices (provider, model, rates, valid_from) VALUES (NULL, 'no-such-model', '{"input": 1, "output": 2}', '2020-01-01')"#);
    db.run("SELECT observa.reprice(now() - interval '5 days', now())");
    assert!(db.count("observa_internal.rollup_deltas") > 0, "costs have changed");
    assert_right_before_and_after_fold(&mut db);
    assert_eq!(
        db.count("observa.metrics_hour WHERE model = 'no-such-model' AND billable > 0 AND cost_usd IS NULL"),
        0
    );
    db.run("SELECT observa.forget_user('u3')");
    assert_right_before_and_after_fold(&mut db);
    for table in [
        "user_metrics WHERE user_id = 'u3'",
        "user_metric_days WHERE user_id = 'u3'",
        "metrics WHERE events = 0",
        "metric_totals WHERE events = 0",
    ] {
        assert_eq!(db.count(&format!("observa_internal.{table}")), 0, "{table}");
    }
    // Names and latencies, too, as a new translation gives.
    db.run("UPDATE observa_internal.events SET model = 'renamed', latency_ms = latency_ms + 1, status = 'timeout' WHERE event_id = 'call 7'");
    assert_right_before_and_after_fold(&mut db);
    assert_eq!(db.count("observa.metrics_minute WHERE model = 'renamed' AND timeouts = 1"), 1);
    // A key that changes, in a day and into another one.
    db.run("UPDATE observa_internal.events SET ts = ts - interval '3 minutes', event_id = 'moved' WHERE event_id = 'call 8'");
    db.run("UPDATE observa_internal.events SET ts = ts - interval '1 day' WHERE event_id = 'call 10'");
    assert_right_before_and_after_fold(&mut db);
}

/// A span of one call to a provider.
fn span(trace: &str, span: &str, parent: Option<&str>, library: &str) -> Value {
    let at = (now_ms() - 5000) * 1_000_000;
    let attribute = |key: &str, value: Value| json!({"key": key, "value": value});
    let mut found = json!({
        "traceId": trace, "spanId": span, "name": "chat", "kind": 3,
        "startTimeUnixNano": at.to_string(), "endTimeUnixNano": (at + 1_000_000_000).to_string(),
        "attributes": [
            attribute("gen_ai.operation.name", json!({"stringValue": "chat"})),
            attribute("gen_ai.system", json!({"stringValue": "openai"})),
            attribute("gen_ai.request.model", json!({"stringValue": "gpt-4o"})),
            attribute("gen_ai.response.id", json!({"stringValue": format!("resp-{trace}")})),
            attribute("gen_ai.usage.input_tokens", json!({"intValue": "1000"})),
            attribute("gen_ai.usage.output_tokens", json!({"intValue": "100"})),
        ],
    });
    if let Some(parent) = parent {
        found["parentSpanId"] = json!(parent);
    }
    json!({"resourceSpans": [{"scopeSpans": [{"scope": {"name": library}, "spans": [found]}]}]})
}

#[test]
fn a_late_twin_is_counted_once() {
    let mut db = Database::ready();
    let trace = "0af7651916cd43dd8448eb211c80319c";
    db.ingest(&span(trace, "b7ad6b7169203331", None, "wrapper").to_string());
    db.run("SELECT observa.run_maintenance()");
    db.ingest(&span(trace, "00f067aa0ba902b7", Some("b7ad6b7169203331"), "client").to_string());
    assert_eq!(db.count("observa.events"), 2);
    assert_right_before_and_after_fold(&mut db);
    assert_eq!(db.one::<i64>("SELECT sum(billable)::bigint FROM observa.metrics_day"), 1);
    assert_eq!(db.one::<i64>("SELECT sum(input_tokens)::bigint FROM observa.metrics_day"), 1000);
}

#[test]
fn a_damaged_delta_is_set_aside_and_told() {
    let mut db = Database::ready();
    db.ingest(&calls(0..10));
    db.run("UPDATE observa_internal.rollup_deltas SET entries = substr(entries, 1, 20) || '\\x07'");
    let bytes: Vec<u8> = db.one("SELECT entries FROM observa_internal.rollup_deltas");
    db.ingest(&calls(10..20));
    let round: Value = db.one("SELECT observa.run_maintenance()");
    assert_eq!(round["failed"], json!(["rollups"]));
    assert_eq!(
        db.one::<i64>("SELECT sum(events)::bigint FROM observa.metrics_day"),
        10,
        "the others are folded"
    );
    assert_eq!(db.one::<Vec<u8>>("SELECT entries FROM observa_internal.damaged_deltas"), bytes);
    let told = db.row("SELECT failures, last_error FROM observa.workers WHERE job = 'rollups'");
    assert_eq!(told, json!({"failures": 1, "last_error": "XX001: 1 damaged deltas were set aside"}));
    let health =
        |db: &mut Database| db.one::<Value>("SELECT observa.health_detailed()")["checks"]["rollups"].clone();
    let found = health(&mut db);
    assert_eq!((&found["status"], &found["damaged_deltas"]), (&json!("damaged"), &json!(1)), "{found}");
    // It is not tried again and again.
    assert_eq!(db.one::<Value>("SELECT observa.run_maintenance()")["failed"], json!([]));
    db.run("DELETE FROM observa_internal.damaged_deltas");
    assert_eq!(health(&mut db)["status"], "ok");
}

/// The most memory that a backend of this machine has had, in bytes.
fn peak(db: &mut Database) -> i64 {
    let status: String = db.one("SELECT pg_read_file('/proc/self/status')");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("the kernel tells");
    line.split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse::<i64>().ok()).unwrap() * 1024
}

#[test]
fn an_update_of_many_events_is_corrected_in_bounded_memory() {
    let mut db = Database::ready();
    db.ingest(&calls(0..10));
    let columns: String = db.one(
        "SELECT string_agg(CASE attname WHEN 'event_id' THEN 'e.event_id || ''/'' || n' ELSE format('e.%I', attname) END, ', ' ORDER BY attnum)
           FROM pg_attribute WHERE attrelid = 'observa_internal.events'::regclass AND attnum > 0",
    );
    // What an ingest would have added of them is made by the correction below.
    db.run("SELECT observa.run_maintenance()");
    db.run(&format!(
        "INSERT INTO observa_internal.events SELECT {columns} FROM observa_internal.events e, generate_series(1, 8000) n"
    ));
    db.client = db.connect();
    db.run("UPDATE observa_internal.events SET route = '/small' WHERE event_id = 'call 1'");
    let before = peak(&mut db);
    db.run("UPDATE observa_internal.events SET route = '/moved' WHERE event_id LIKE '%/%'");
    // Some 50 MB with what of the server's shared memory it came by, which others' doings make more: each event's own would be hundreds.
    let grown = peak(&mut db) - before;
    assert!(grown < 100 << 20, "80,000 events took {} MB", grown >> 20);
    db.run("SELECT observa.run_maintenance()");
    let moved: i64 = db.one("SELECT sum(events)::bigint FROM observa.metrics_day WHERE route = '/moved'");
    assert_eq!(moved, db.count("observa.events WHERE route = '/moved'"));
}

#[test]
fn a_storm_of_clients_and_folds_leaves_the_sums_right() {
    let mut db = ready();
    let ends = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..4)
            .map(|n: i64| {
                let mut client = db.connect();
                scope.spawn(move || {
                    for round in 0..12 {
                        // Neighbours overlap: each event comes twice, from two clients.
                        let from = round * 120 + n * 30;
                        let body = calls(from..from + 60);
                        let mut transaction = client.transaction().unwrap();
                        transaction.query_one("SELECT observa.ingest($1::text)", &[&body]).unwrap();
                        if (round + n) % 5 == 0 {
                            transaction.rollback().unwrap()
                        } else {
                            transaction.commit().unwrap()
                        }
                    }
                })
            })
            .collect();
        for _ in 0..2 {
            let mut client = db.connect();
            let ends = &ends;
            scope.spawn(move || {
                while !ends.load(Ordering::Relaxed) {
                    client.query_one("SELECT observa.run_maintenance()", &[]).unwrap();
                }
            });
        }
        let (mut reader, ends) = (db.connect(), &ends);
        let looks = scope.spawn(move || {
            let mut looks = 0;
            while !ends.load(Ordering::Relaxed) {
                assert_right(&mut reader);
                looks += 1;
            }
            looks
        });
        for sender in senders {
            sender.join().unwrap();
        }
        ends.store(true, Ordering::Relaxed);
        assert!(looks.join().unwrap() > 0);
    });
    assert!(db.count("observa.events") > 1000);
    assert_right_before_and_after_fold(&mut db);
}

#[test]
fn summaries_say_what_the_events_say() {
    let mut db = Database::ready();
    db.ingest(&calls(0..300));
    // Of those that are not calls, nothing.
    db.ingest(
        &json!({"event_type": "tool_call", "event_id": "t", "tool_name": "search", "latency_ms": 12.5})
            .to_string(),
    );
    for (kind, unit) in [("hourly", "hour"), ("daily", "day"), ("weekly", "week"), ("monthly", "month")] {
        let wrong: String = db.one(&format!(
            "WITH raw AS (SELECT date_trunc('{unit}', ts, 'UTC') AS period_start, project_id, environment, count(*) AS total_requests,
                                 count(*) FILTER (WHERE status = 'ok') AS successful_requests, count(*) FILTER (WHERE status <> 'ok') AS failed_requests,
                                 sum(total_tokens) FILTER (WHERE billable) AS total_tokens, sum(cost_usd) FILTER (WHERE billable) AS total_cost_usd
                            FROM observa.events WHERE event_type = 'llm_call' GROUP BY 1, 2, 3),
                  found AS (SELECT period_start, project_id, environment, total_requests, successful_requests, failed_requests, total_tokens, total_cost_usd
                              FROM observa.metrics_snapshots WHERE snapshot_type = '{kind}')
             SELECT coalesce(json_agg(d), '[]')::text FROM ((TABLE raw EXCEPT ALL TABLE found) UNION ALL (TABLE found EXCEPT ALL TABLE raw)) d"
        ));
        assert_eq!(wrong, "[]", "{kind}");
        let off: f64 = db.one(&format!(
            "SELECT max(abs(s.p95_latency_ms / e.p95 - 1)) FROM observa.metrics_snapshots s
               JOIN LATERAL (SELECT percentile_disc(0.95) WITHIN GROUP (ORDER BY latency_ms) AS p95 FROM observa.events
                              WHERE event_type = 'llm_call' AND environment = s.environment AND ts >= s.period_start AND ts < s.period_end) e ON true
              WHERE s.snapshot_type = '{kind}'"
        ));
        assert!(off <= 0.005, "{kind}: {off}");
    }
    assert_eq!(
        db.one::<i64>("SELECT sum(alerts_triggered)::bigint FROM observa.metrics_snapshots WHERE snapshot_type = 'monthly'"),
        db.count("observa.alerts"),
    );
    let by_model: i64 = db.one(
        "SELECT sum((m.value ->> 'requests')::bigint)::bigint FROM observa.metrics_snapshots s, jsonb_each(s.model_stats) m WHERE s.snapshot_type = 'daily'",
    );
    assert_eq!(by_model, db.count("observa.events WHERE event_type = 'llm_call'"));
    let wrong: String = db.one(
        "WITH raw AS (SELECT date_trunc('month', ts AT TIME ZONE 'UTC')::date, 'default', model, sum(total_tokens)::bigint, sum(cost_usd)
                        FROM observa.events WHERE billable GROUP BY 1, 3),
              found AS (SELECT billing_period, project, model, sum(tokens_total)::bigint, sum(cost_usd) FROM observa.cost_tracking GROUP BY 1, 2, 3)
         SELECT coalesce(json_agg(d), '[]')::text FROM ((TABLE raw EXCEPT ALL TABLE found) UNION ALL (TABLE found EXCEPT ALL TABLE raw)) d",
    );
    assert_eq!(wrong, "[]");
}

#[test]
fn materialized_days_are_right_after_a_round_and_survive_concurrent_reads() {
    let mut db = Database::ready();
    db.ingest(&calls(0..300));
    assert_eq!(db.count("observa.daily_metrics"), 0, "as of the last refresh");
    let mut reader = db.connect();
    let mut open = reader.transaction().unwrap();
    open.query("SELECT * FROM observa.daily_metrics", &[]).unwrap();
    db.run("SET statement_timeout = '20s'; SELECT observa.run_maintenance()");
    open.commit().unwrap();
    for (view, of) in [
        ("SELECT day, model, requests, errors, tokens, cost_usd FROM observa.daily_metrics", "model"),
        (
            "SELECT day, model, sum(requests)::bigint, sum(errors)::bigint, sum(tokens)::bigint, sum(cost_usd) FROM observa.model_daily GROUP BY 1, 2",
            "model",
        ),
        ("SELECT day, NULL, requests, errors, tokens, cost_usd FROM observa.tenant_daily", "NULL"),
    ] {
        let wrong: String = db.one(&format!(
            "WITH raw AS (SELECT (ts AT TIME ZONE 'UTC')::date, {of}, count(*), count(*) FILTER (WHERE status <> 'ok'),
                                 coalesce(sum(total_tokens) FILTER (WHERE billable), 0)::bigint, sum(cost_usd) FILTER (WHERE billable)
                            FROM observa.events WHERE event_type = 'llm_call' GROUP BY 1, 2),
                  found AS ({view})
             SELECT coalesce(json_agg(d), '[]')::text FROM ((TABLE raw EXCEPT ALL TABLE found) UNION ALL (TABLE found EXCEPT ALL TABLE raw)) d"
        ));
        assert_eq!(wrong, "[]", "{view}");
    }
    let users: (i64, i64) = (
        db.one("SELECT max(users) FROM observa.tenant_daily"),
        db.one("SELECT max(n) FROM (SELECT count(DISTINCT user_id) AS n FROM observa.events GROUP BY ts::date) d"),
    );
    assert_eq!(users.0, users.1);
}

#[test]
fn users_of_a_day_are_counted_where_something_changed_and_outlive_their_hours() {
    let mut db = Database::ready();
    let call = |id: &str, days_ago: i64, user: &str| {
        let at = now_ms() - days_ago * DAY_MS;
        with(llm_call(id), json!({"timestamp": at, "user_id": user}))
    };
    db.ingest(&lines(&[call("a", 0, "ann"), call("b", 0, "bob"), call("c", 20, "ann"), call("d", 3, "ann")]));
    let users = "SELECT array_agg(users ORDER BY day) FROM observa.tenant_daily";
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(db.one::<Vec<i64>>(users), [1, 1, 2]);
    assert_eq!(db.count("observa_internal.changed_user_days"), 0);

    // Nothing of the untouched days is counted again, and what is gone of them was counted.
    for table in ["user_metrics", "user_metric_days"] {
        db.run(&format!("DELETE FROM observa_internal.{table} WHERE bucket < now() - interval '10 days'"));
    }
    db.ingest(&lines(&[call("e", 0, "cem"), call("f", 3, "bob")]));
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(db.one::<Vec<i64>>(users), [1, 2, 3]);
    // A correction changes a day, too.
    db.run("UPDATE observa_internal.events SET user_id = 'ann' WHERE event_id = 'f'");
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(db.one::<Vec<i64>>(users), [1, 1, 3]);
    // A day whose users are not kept by the hour any more keeps its number.
    db.run("SET observa.metrics_hour_days = 15");
    db.ingest(&call("g", 20, "bob").to_string());
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(db.one::<Vec<i64>>(users), [1, 1, 3]);
}

#[test]
fn storage_that_had_users_by_the_hour_alone_has_their_days_after_setup() {
    let mut db = ready();
    db.ingest(&calls(0..60));
    db.run("SELECT observa.run_maintenance(); DROP TABLE observa_internal.user_metric_days; SELECT observa.setup()");
    assert!(db.count("observa_internal.user_metric_days") > 0);
    assert_right(&mut db.client);
    db.run("SELECT observa.setup()");
    db.ingest(&calls(60..90));
    assert_right_before_and_after_fold(&mut db);
}

#[test]
fn storage_that_counted_users_of_all_days_keeps_what_it_counted() {
    let mut db = Database::ready();
    db.ingest(&with(llm_call("a"), json!({"user_id": "ann"})).to_string());
    db.run("SELECT observa.run_maintenance()");
    db.run(
        "DROP MATERIALIZED VIEW observa_internal.tenant_daily CASCADE;
         CREATE MATERIALIZED VIEW observa_internal.tenant_daily AS
         SELECT (m.bucket AT TIME ZONE 'UTC')::date AS day, m.tenant_id, m.events, m.events AS requests, m.errors, m.total_tokens AS tokens,
                m.cost_usd, (SELECT count(DISTINCT u.user_id) FROM observa_internal.user_metrics u) AS users
           FROM observa_internal.metric_totals m WHERE m.resolution = 'day';
         CREATE UNIQUE INDEX tenant_daily_key ON observa_internal.tenant_daily (tenant_id, day);
         ALTER MATERIALIZED VIEW observa_internal.tenant_daily OWNER TO observa_system;
         DROP TABLE observa_internal.user_days; DELETE FROM observa_internal.user_metrics; SELECT observa.setup()",
    );
    assert_eq!(db.one::<i64>("SELECT users FROM observa.tenant_daily"), 1);
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(db.one::<i64>("SELECT users FROM observa.tenant_daily"), 1);
    assert_eq!(db.count("pg_class WHERE relname = 'older_tenant_daily'"), 0);
}

#[test]
fn a_query_in_a_transaction_that_has_written_sees_one_snapshot() {
    let mut db = Database::ready();
    let (ends, mut folder, mut sender) = (AtomicBool::new(false), db.connect(), db.connect());
    std::thread::scope(|scope| {
        let ends = &ends;
        scope.spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                folder.query_one("SELECT observa.run_maintenance()", &[]).unwrap();
            }
        });
        scope.spawn(move || {
            let mut round = 0;
            while !ends.load(Ordering::Relaxed) {
                ingest(&mut sender, &calls(round * 20..round * 20 + 20));
                round += 1;
            }
        });
        let mut transaction = db.client.transaction().unwrap();
        transaction
            .batch_execute("CREATE TEMP TABLE written (n int); INSERT INTO written VALUES (1)")
            .unwrap();
        for _ in 0..150 {
            let row = transaction
                .query_one("SELECT (SELECT count(*) FROM observa.events), (SELECT sum(events)::bigint FROM observa.metrics_day)", &[])
                .unwrap();
            assert_eq!(row.get::<_, i64>(0), row.get::<_, Option<i64>>(1).unwrap_or_default());
        }
        ends.store(true, Ordering::Relaxed);
    });
}
