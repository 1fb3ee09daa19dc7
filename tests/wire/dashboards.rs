//! Dashboards are what a GROUP BY over the events says, whoever asks and whatever is folded.

mod clock;

use observa_tests::Database;
use observa_tests::database::{error, ingest, one, table};
use observa_tests::event::{lines, llm_call, now_ms, with};
use postgres::Client;
use serde_json::{Map, Value, json};
use uuid::Uuid;

const MINUTE_MS: i64 = 60_000;

/// What each function says of events, by the events themselves. Percentiles and means of latencies are told within 0.5 %.
const SUMS: &str = "count(*) AS events, count(*) FILTER (WHERE status = 'error') AS errors, count(*) FILTER (WHERE status = 'timeout') AS timeouts,
    (count(*) FILTER (WHERE status <> 'ok'))::float8 / nullif(count(*), 0) AS error_rate, count(*) FILTER (WHERE billable) AS billable_calls,
    coalesce(sum(input_tokens) FILTER (WHERE billable), 0) AS input_tokens, coalesce(sum(output_tokens) FILTER (WHERE billable), 0) AS output_tokens,
    coalesce(sum(total_tokens) FILTER (WHERE billable), 0) AS total_tokens, sum(cost_usd) FILTER (WHERE billable) AS cost_usd,
    count(*) FILTER (WHERE billable AND cost_usd IS NULL) AS unpriced_calls, avg(latency_ms) AS latency_ms_avg, percentile_disc(0.5) WITHIN GROUP (ORDER BY latency_ms) AS latency_ms_p50,
    percentile_disc(0.95) WITHIN GROUP (ORDER BY latency_ms) AS latency_ms_p95, percentile_disc(0.99) WITHIN GROUP (ORDER BY latency_ms) AS latency_ms_p99,
    percentile_disc(0.95) WITHIN GROUP (ORDER BY ttft_ms) AS ttft_ms_p95";

/// And of a whole time.
const MORE: &str = "count(*) FILTER (WHERE event_type = 'llm_call') AS llm_calls,
    coalesce(sum(cached_input_tokens) FILTER (WHERE billable), 0) AS cached_input_tokens, coalesce(sum(cache_write_tokens) FILTER (WHERE billable), 0) AS cache_write_tokens,
    coalesce(sum(reasoning_tokens) FILTER (WHERE billable), 0) AS reasoning_tokens, count(DISTINCT user_id) AS users,
    percentile_disc(0.9) WITHIN GROUP (ORDER BY latency_ms) AS latency_ms_p90, max(latency_ms) AS latency_ms_max, avg(ttft_ms) AS ttft_ms_avg,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY ttft_ms) AS ttft_ms_p50, percentile_disc(0.99) WITHIN GROUP (ORDER BY ttft_ms) AS ttft_ms_p99,
    avg(coherence_score) AS coherence_avg, avg(toxicity_score) AS toxicity_avg, avg(hallucination_risk) AS hallucination_risk_avg";

fn pick(words: &[&'static str], n: i64) -> &'static str {
    words[n as usize % words.len()]
}

fn event(n: i64) -> Value {
    let days = if n % 3 == 0 { 26 } else { 3 };
    let at = now_ms() - 2000 - (n * 7919) % (days * 24 * 60) * MINUTE_MS - n % 50_000;
    let common = json!({"timestamp": at, "environment": if n % 6 == 0 { "dev" } else { "prod" }, "user_id": format!("u{}", n % 9),
        "trace_id": format!("trace {}", n / 3), "version": format!("v{}", n % 2), "latency_ms": (n * 37 % 5000) as f64 + 0.25,
        "status": pick(&["ok", "ok", "error", "ok", "timeout"], n), "metadata": {"customer": format!("c{}", n % 4)}});
    let own = match n % 7 {
        0 => json!({"event_type": "tool_call", "tool_name": format!("tool {}", n % 3)}),
        1 => json!({"event_type": "retrieval", "route": "/search"}),
        2 => {
            json!({"event_type": "feedback", "type": pick(&["like", "dislike", "rating"], n), "rating": n % 5 + 1, "status": "ok"})
        }
        _ => {
            json!({"model": pick(&["gpt-4o", "claude-sonnet-4-5", "no-such-model"], n), "provider": format!("p{}", n % 2),
            "route": if n % 5 == 0 { Value::Null } else { json!(format!("/r{}", n % 4)) }, "ttft_ms": n % 400, "input_tokens": n % 1000, "output_tokens": n % 77})
        }
    };
    with(with(llm_call(&format!("e{n}")), common), own)
}

fn events(numbers: std::ops::Range<i64>) -> String {
    let mut all: Vec<Value> = numbers.map(event).collect();
    for one in
        all.iter_mut().filter(|one| one["event_type"] == "feedback" || one["event_type"] == "tool_call")
    {
        one.as_object_mut().unwrap().retain(|key, _| !["model", "input", "output"].contains(&key.as_str()));
    }
    lines(&all)
}

fn acting(db: &Database, tenant: Uuid, project: Option<Uuid>, rights: &str, role: &str) -> Client {
    let mut client = db.connect();
    let project = project.map(|id| id.to_string()).unwrap_or_default();
    let sql = format!("LOAD 'observa'; SET observa.acting = '{tenant}/{project}/{rights}/'; SET ROLE {role}");
    client.batch_execute(&sql).unwrap();
    client
}

/// A storm of two tenants, one of them with two projects: (tenant, first project, second project).
fn storm(db: &mut Database) -> (Uuid, Uuid, Uuid) {
    let tenant = db.tenant("stormy");
    let first: Uuid = db.one(&format!("SELECT observa.create_project('{tenant}', 'first')"));
    let second: Uuid = db.one(&format!("SELECT observa.create_project('{tenant}', 'second')"));
    db.run(&format!("SELECT observa.set_metric_tags('{first}', '{{customer}}')"));
    for (project, numbers) in [(first, 0..400), (second, 400..500)] {
        let mut client = acting(db, tenant, Some(project), "iqa", "observa_ingest");
        ingest(&mut client, &events(numbers));
    }
    db.ingest(&events(1000..1100));
    (tenant, first, second)
}

#[track_caller]
fn assert_same(found: &Value, raw: &Value, of: &str) {
    for (key, expected) in raw.as_object().unwrap() {
        let told = &found[key];
        let within = if key.contains("_ms_") { 0.005 } else { 1e-9 };
        let same = match (told.as_f64(), expected.as_f64()) {
            (Some(told), Some(expected)) => (told - expected).abs() <= within * expected.abs() + 1e-9,
            _ => told == expected,
        };
        assert!(same, "{of}: {key} is {told}, not {expected}");
    }
}

/// Rows by one of their columns.
fn by(rows: Vec<Value>, key: &str) -> Map<String, Value> {
    rows.into_iter().map(|row| (row[key].to_string(), row)).collect()
}

#[track_caller]
fn assert_same_rows(found: Vec<Value>, raw: Vec<Value>, key: &str, of: &str) {
    let (found, raw) = (by(found, key), by(raw, key));
    assert_eq!(found.keys().collect::<Vec<_>>(), raw.keys().collect::<Vec<_>>(), "{of}");
    raw.iter().for_each(|(name, row)| assert_same(&found[name], row, &format!("{of} {name}")));
}

/// All functions against the events of some windows and filters.
fn assert_right(reader: &mut Client, project: Uuid) {
    let minute = "date_trunc('minute', now())";
    let of_project = format!(", project => '{project}'");
    // What has passed of the day until seven minutes before nine in the evening: nearer to the end of an hour and of a day than to the beginning.
    let late = |days: u32| {
        format!("{minute} - (date_trunc('day', now(), 'UTC') - interval '{days} days 3 hours 7 minutes')")
    };
    let (late_since, late_until) = (late(2), late(0));
    // Some days after a week's beginning, to less before another one's end.
    let of_week =
        |before: &str| format!("{minute} - (date_trunc('week', now(), 'UTC') - interval '{before}')");
    let (weeks_since, weeks_until) = (of_week("19 days 18 hours 7 minutes"), of_week("1 day 3 hours"));
    let windows = [
        (late_since.as_str(), late_until.as_str(), "", String::from("true")),
        (late_since.as_str(), "0", of_project.as_str(), format!("project_id = '{project}'")),
        (weeks_since.as_str(), weeks_until.as_str(), "", String::from("true")),
        ("26 days", "0", of_project.as_str(), format!("project_id = '{project}'")),
        ("4 days", "-1 minute", "", String::from("true")),
        ("50 hours 17 minutes", "61 minutes", ", environment => 'dev'", "environment = 'dev'".into()),
        ("27 hours 3 minutes", "0", of_project.as_str(), format!("project_id = '{project}'")),
        ("20 minutes", "5 minutes", ", event_type => 'tool_call'", "event_type = 'tool_call'".into()),
    ];
    // now() is the transaction's: the same in each statement.
    reader.batch_execute("BEGIN").unwrap();
    for (since, until, filter, condition) in windows {
        let before = |length: &str| {
            if length.contains('(') {
                format!("{minute} - ({length})")
            } else {
                format!("{minute} - interval '{length}'")
            }
        };
        let (since, until) = (before(since), before(until));
        let call = format!("since => {since}, until => {until}{filter}");
        let raw = format!("FROM observa.events WHERE ts >= {since} AND ts < {until} AND {condition}");
        let by_type = filter.contains("event_type");
        overviews(reader, &call, &raw, by_type);
        breakdowns(reader, &call, &raw, by_type);
        for (unit, zone) in [
            ("hour", "UTC"),
            ("day", "UTC"),
            ("day", "Asia/Kolkata"),
            ("week", "America/New_York"),
            ("month", "UTC"),
            ("hour", "Asia/Kathmandu"),
        ] {
            time_series(reader, unit, zone, &call, (&since, &until), &raw);
        }
        if !by_type {
            feedback(reader, &call, &raw);
        }
    }
    time_series(
        reader,
        "minute",
        "UTC",
        &format!("since => {minute} - interval '3 hours', until => {minute}"),
        (&format!("{minute} - interval '3 hours'"), minute),
        &format!("FROM observa.events WHERE ts >= {minute} - interval '3 hours' AND ts < {minute}"),
    );
    reader.batch_execute("COMMIT").unwrap();
}

fn overviews(reader: &mut Client, call: &str, raw: &str, by_type: bool) {
    let expected = table(reader, &format!("SELECT {SUMS}, {MORE} {raw}")).remove(0);
    let overview: Value = one(reader, &format!("SELECT observa.dashboard_overview({call})"));
    assert_same(&overview, &expected, call);
    assert_same(&table(reader, &format!("SELECT * FROM observa.overview_rows({call})"))[0], &expected, call);
    for document in ["latency", "errors"] {
        let document: Value = one(reader, &format!("SELECT observa.dashboard_{document}({call})"));
        assert_members(&document, &expected, call);
    }
    // These are of all types.
    if !by_type {
        let metrics: Value = one(reader, &format!("SELECT observa.dashboard_metrics({call})"));
        assert_same(&metrics["total"], &expected, call);
        for document in ["dashboard_costs", "costs_overview"] {
            let document: Value = one(reader, &format!("SELECT observa.{document}({call})"));
            assert_members(&document, &expected, call);
        }
    }
}

/// What a document tells as a whole, of which there are some members.
#[track_caller]
fn assert_members(document: &Value, expected: &Value, of: &str) {
    let mut members =
        document.as_object().unwrap().keys().filter(|key| expected.get(key).is_some()).peekable();
    assert!(members.peek().is_some(), "{of}");
    members.for_each(|key| assert_same(document, &json!({key.as_str(): expected[key]}), of));
}

fn breakdowns(reader: &mut Client, call: &str, raw: &str, by_type: bool) {
    let dimensions = [
        ("model", "model"),
        ("provider", "provider"),
        ("route", "route"),
        ("tool", "tool_name"),
        ("version", "version"),
        ("status", "status"),
        ("environment", "environment"),
        ("event_type", "event_type"),
        ("project", "project_id::text"),
    ];
    for (dimension, column) in dimensions {
        let expected = table(reader, &format!("SELECT {column} AS value, {SUMS} {raw} GROUP BY 1"));
        let of = format!("{dimension} {call}");
        let found =
            table(reader, &format!("SELECT * FROM observa.dashboard_breakdown('{dimension}', {call})"));
        assert_same_rows(found, expected.clone(), "value", &of);
        if by_type {
            continue;
        }
        let costs = table(reader, &format!("SELECT * FROM observa.costs_breakdown('{dimension}', {call})"));
        let only = |row: &Value| {
            json!({"value": row["value"], "cost_usd": row["cost_usd"], "billable_calls": row["billable_calls"], "unpriced_calls": row["unpriced_calls"],
            "total_tokens": row["total_tokens"]})
        };
        assert_same_rows(costs, expected.iter().map(only).collect(), "value", &of);
    }
    if by_type {
        return;
    }
    for (document, dimensions) in
        [("latency", &dimensions[..4]), ("errors", &dimensions[..5]), ("costs", &dimensions[..3])]
    {
        let found: Value = one(reader, &format!("SELECT observa.dashboard_{document}({call})"));
        for (dimension, column) in dimensions {
            let Some(rows) = found[format!("by_{dimension}")].as_array() else { continue };
            let expected = table(
                reader,
                &format!(
                    "SELECT {column} AS value, count(*) AS events, count(*) FILTER (WHERE status = 'error') AS errors {raw} GROUP BY 1"
                ),
            );
            assert_same_rows(rows.clone(), expected, "value", &format!("{document} {dimension} {call}"));
        }
    }
}

fn time_series(
    reader: &mut Client,
    unit: &str,
    zone: &str,
    call: &str,
    (since, until): (&str, &str),
    raw: &str,
) {
    let found = table(
        reader,
        &format!("SELECT * FROM observa.dashboard_time_series('{unit}', {call}, time_zone => '{zone}')"),
    );
    let expected = table(reader, &format!(
        "SELECT b.bucket_start, coalesce(r.events, 0) AS events, coalesce(r.errors, 0) AS errors, coalesce(r.total_tokens, 0) AS total_tokens, r.cost_usd,
                coalesce(r.unpriced_calls, 0) AS unpriced_calls, r.latency_ms_p50, r.latency_ms_p99, r.ttft_ms_p95, coalesce(r.users, 0) AS users
           FROM (SELECT DISTINCT date_trunc('{unit}', t, '{zone}') AS bucket_start FROM generate_series({since}, {until} - interval '1 minute', '1 minute') t) b
           LEFT JOIN (SELECT date_trunc('{unit}', ts, '{zone}') AS bucket_start, count(DISTINCT user_id) AS users, {SUMS} {raw} GROUP BY 1) r USING (bucket_start)"));
    assert_same_rows(found, expected, "bucket_start", &format!("{unit} {zone} {call}"));
}

fn feedback(reader: &mut Client, call: &str, raw: &str) {
    let expected = table(
        reader,
        &format!(
            "SELECT attributes ->> 'type' || coalesce(attributes ->> 'rating', '') AS value, count(*) AS count {raw} AND event_type = 'feedback' GROUP BY 1"
        ),
    );
    let found = table(
        reader,
        &format!(
            "SELECT type || coalesce(rating::text, '') AS value, count FROM observa.feedback_rows({call})"
        ),
    );
    assert_same_rows(found, expected, "value", call);
    let count = table(reader, &format!("SELECT count(*) AS count, count(*) FILTER (WHERE attributes ->> 'type' = 'like') AS likes {raw} AND event_type = 'feedback'")).remove(0);
    assert_same(&one(reader, &format!("SELECT observa.dashboard_feedback({call})")), &count, call);
}

#[test]
fn dashboards_are_those_of_the_events_folded_or_not() {
    let mut db = Database::ready();
    let (tenant, first, _) = storm(&mut db);
    let mut reader = acting(&db, tenant, None, "q", "observa_read");
    assert_right(&mut reader, first);
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(db.count("observa_internal.rollup_deltas"), 0);
    // Late ones, and what changes stored ones.
    let mut late = acting(&db, tenant, Some(first), "iqa", "observa_ingest");
    ingest(&mut late, &events(380..460));
    db.run("UPDATE observa_internal.events SET status = 'timeout', latency_ms = latency_ms + 1, model = 'renamed' WHERE event_id IN ('e3', 'e44', 'e145')");
    assert_right(&mut reader, first);
    db.run("SELECT observa.run_maintenance()");
    assert_right(&mut reader, first);
}

/// Two calls of gpt-4o-mini, of which each is 0.15 USD for a million tokens, and one that nobody knows.
#[test]
fn what_a_call_costs_is_told_by_those_that_have_a_price() {
    let mut db = Database::ready();
    let call = |id: &str, model: &str| {
        let at = now_ms() - 2 * MINUTE_MS;
        with(
            llm_call(id),
            json!({"timestamp": at, "model": model, "input_tokens": 1_000_000, "output_tokens": 0}),
        )
    };
    db.ingest(&lines(&[call("a", "gpt-4o-mini"), call("b", "gpt-4o-mini"), call("c", "no-such-model")]));
    for document in ["dashboard_costs()", "costs_overview()"] {
        let told: Value = db.one(&format!("SELECT observa.{document}"));
        assert_eq!(
            (told["billable_calls"].clone(), told["unpriced_calls"].clone()),
            (json!(3), json!(1)),
            "{told}"
        );
    }
    let told: Value = db.one("SELECT observa.dashboard_costs()");
    assert_eq!(told["cost_usd_per_call"].as_f64(), Some(0.15), "{told}");
    let rows = "SELECT string_agg(coalesce(cost_usd_per_call, -1)::numeric(9, 2) || ' ' || unpriced_calls, ', ' ORDER BY value)
        FROM observa.costs_breakdown('%s')";
    assert_eq!(db.one::<String>(&rows.replace("%s", "model")), "0.15 0, -1.00 1");
    assert_eq!(db.one::<String>(&rows.replace("%s", "environment")), "0.15 1");
    assert_eq!(db.one::<i64>("SELECT sum(unpriced)::bigint FROM observa.metrics_hour"), 1);
}

#[test]
fn users_and_tags_are_those_of_whole_hours() {
    let mut db = Database::ready();
    let (tenant, first, _) = storm(&mut db);
    let mut reader = acting(&db, tenant, None, "q", "observa_read");
    let hour = "date_trunc('hour', now())";
    for folded in [false, true] {
        for (arguments, condition) in [
            (String::new(), "true".to_owned()),
            (format!(", project => '{first}'"), format!("project_id = '{first}'")),
        ] {
            let call = format!(
                "since => {hour} - interval '30 hours 10 minutes', until => {hour} - interval '70 minutes'{arguments}"
            );
            let raw = format!(
                "FROM observa.events e %s WHERE ts >= {hour} - interval '31 hours' AND ts < {hour} - interval '1 hour' AND {condition}"
            );
            let some = "count(*) AS events, count(*) FILTER (WHERE status = 'error') AS errors, coalesce(sum(total_tokens) FILTER (WHERE billable), 0) AS total_tokens,
                        sum(cost_usd) FILTER (WHERE billable) AS cost_usd, count(*) FILTER (WHERE billable) AS billable_calls,
                        count(*) FILTER (WHERE billable AND cost_usd IS NULL) AS unpriced_calls";
            for (dimension, value, join) in
                [("user", "user_id", ""), ("tag:customer", "substr(tag, 10)", ", unnest(metric_tags) tag")]
            {
                let expected = table(
                    &mut reader,
                    &format!("SELECT {value} AS value, {some} {} GROUP BY 1", raw.replace("%s", join)),
                );
                assert!(!expected.is_empty());
                for function in ["dashboard_breakdown", "costs_breakdown"] {
                    let found = table(
                        &mut reader,
                        &format!(
                            "SELECT *, {} FROM observa.{function}('{dimension}', {call})",
                            if function == "costs_breakdown" { "NULL AS errors" } else { "1" }
                        ),
                    );
                    let expected = expected
                        .iter()
                        .cloned()
                        .map(|mut row| {
                            if function == "costs_breakdown" {
                                row["errors"] = Value::Null;
                            }
                            row
                        })
                        .collect();
                    assert_same_rows(
                        found,
                        expected,
                        "value",
                        &format!("{folded} {function} {dimension} {call}"),
                    );
                }
            }
        }
        db.run("SELECT observa.run_maintenance()");
    }
}

const CALLS: [&str; 14] = [
    "to_jsonb(observa.dashboard_overview($a))",
    "observa.dashboard_metrics($a)",
    "observa.dashboard_latency($a)",
    "observa.dashboard_errors($a)",
    "observa.dashboard_costs($a)",
    "observa.dashboard_comparison($a)",
    "observa.dashboard_feedback($a)",
    "observa.dashboard_alerts($a)",
    "observa.costs_overview($a)",
    "(SELECT jsonb_agg(r) FROM observa.dashboard_time_series('day', $a) r)",
    "(SELECT jsonb_agg(r) FROM observa.dashboard_breakdown('model', $a) r)",
    "(SELECT jsonb_agg(r) FROM observa.costs_breakdown('model', $a) r)",
    "(SELECT jsonb_agg(r) FROM observa.overview_rows($a) r)",
    "(SELECT jsonb_agg(r) FROM observa.export_traces($a) r)",
];

#[test]
fn nobody_sees_another_tenants_dashboards() {
    let mut db = Database::ready();
    let (tenant, first, _) = storm(&mut db);
    let other = db.tenant("other");
    let since = "since => date_trunc('day', now()) - interval '4 days', until => date_trunc('day', now()) + interval '1 day'";
    let mut stranger = acting(&db, other, None, "q", "observa_read");
    let mut reader = acting(&db, tenant, None, "q", "observa_read");
    let login = format!("bi_{}", db.name);
    db.run(&format!("CREATE ROLE {login} LOGIN; GRANT observa_read TO {login}; SELECT observa.grant_tenant('{login}', '{tenant}')"));
    let mut config = db.cluster.config(&db.name);
    let mut bi = config.user(&login).connect(postgres::NoTls).unwrap();
    bi.batch_execute("SET default_transaction_read_only = on").unwrap();
    let key: String = db.one(&format!("SELECT observa.create_api_key('{first}', 'sk', '{{query}}')"));
    let mut app = db.connect_as("app", "observa_ingest, observa_read");
    let mut nobody = db.connect_as("nobody", "");
    for call in CALLS {
        let asked = |arguments: &str| format!("SELECT {}", call.replace("$a", arguments));
        let own: Option<Value> = one(&mut reader, &asked(since));
        assert!(own.is_some(), "{call}");
        assert_eq!(one::<Option<Value>>(&mut bi, &asked(since)), own, "{call}");
        app.batch_execute("BEGIN READ ONLY").unwrap();
        one::<Value>(&mut app, &format!("SELECT observa.authenticate('{key}')"));
        assert_eq!(one::<Option<Value>>(&mut app, &asked(since)), own, "{call}");
        app.batch_execute("COMMIT").unwrap();
        // A project of another tenant is as one that is not there.
        let theirs: Option<Value> = one(&mut stranger, &asked(&format!("{since}, project => '{first}'")));
        let nothing: Option<Value> =
            one(&mut stranger, &asked(&format!("{since}, project => gen_random_uuid()")));
        assert_eq!(theirs, nothing, "{call}");
        assert_ne!(own, theirs, "{call}");
        let refused = error(&mut nobody, &asked(since));
        assert_eq!(refused.code().code(), "42501", "{call}");
    }
}

#[test]
fn nothing_is_zeros_and_what_is_not_known_is_null() {
    let mut db = Database::ready();
    let overview: Value = db.one("SELECT observa.dashboard_overview()");
    for (key, value) in
        overview.as_object().unwrap().iter().filter(|(key, _)| !["since", "until"].contains(&key.as_str()))
    {
        let is_unknown = key.contains("_ms_")
            || key.ends_with("_avg")
            || ["cost_usd", "error_rate"].contains(&key.as_str());
        assert_eq!(*value, if is_unknown { Value::Null } else { json!(0) }, "{key}");
    }
    assert_eq!(db.count("observa.dashboard_time_series('hour', since => '2037-01-01 00:00Z', until => '2037-01-01 05:00Z') WHERE events = 0 AND cost_usd IS NULL"), 5);
    assert_eq!(db.count("observa.dashboard_time_series('hour', since => now(), until => now())"), 0);
    assert_eq!(db.count("observa.dashboard_breakdown('model')"), 0);
    let now: Value = db.one("SELECT observa.dashboard_comparison(since => now(), until => now())");
    assert_eq!(now["current"]["events"], 0);
    let alerts: Value = db.one("SELECT observa.dashboard_alerts()");
    assert_eq!((&alerts["raised"], &alerts["newest"]), (&json!(0), &json!([])));
}

#[test]
fn a_wrong_argument_is_told_with_what_was_expected() {
    let mut db = Database::ready();
    for (call, expected) in [
        ("observa.dashboard_breakdown('colour')", "model, provider, route"),
        ("observa.dashboard_breakdown('tag:')", "tag:NAME"),
        ("observa.dashboard_breakdown(NULL)", "dimension must"),
        ("observa.dashboard_breakdown('user', event_type => 'llm_call')", "not kept by event_type"),
        ("observa.costs_breakdown('colour')", "model, provider, route"),
        ("observa.dashboard_time_series('fortnight')", "minute, hour, day, week, month"),
        ("observa.dashboard_time_series(NULL)", "minute, hour, day, week, month"),
        ("observa.dashboard_time_series('day', time_zone => 'Mars')", "Mars"),
        ("observa.dashboard_time_series('minute', since => now() - interval '20 days')", "10000 buckets"),
        (
            "observa.dashboard_time_series('minute', since => now() - interval '60 days', until => now() - interval '59 days')",
            "longer bucket",
        ),
        (
            "observa.dashboard_overview(since => now(), until => now() - interval '1 day')",
            "since must not be after until",
        ),
        ("observa.dashboard_overview(since => '-infinity')", "since must be a time"),
        ("observa.dashboard_overview(until => NULL)", "until must be a time"),
        ("observa.dashboard_overview(event_type => 'call')", "llm_call, tool_call"),
        ("observa.dashboard_alerts(top => 0)", "top must be"),
        ("observa.export_traces(format => 'xml')", "ndjson or csv"),
        ("observa.export_traces(top => 0)", "top must be"),
        ("observa.export_traces(since => NULL)", "since and until must be times"),
    ] {
        let refused = db.error(&format!("SELECT * FROM {call}"));
        assert_eq!(refused.code().code(), "22023", "{call}: {refused:?}");
        assert!(refused.message().contains(expected), "{call}: {}", refused.message());
    }
}

#[test]
fn a_window_is_told_as_it_was_counted() {
    let mut db = Database::ready();
    let row = db.row("SELECT counted_since = date_trunc('minute', now() - interval '90 minutes') AS since, counted_until > now() AND counted_until <= now() + interval '1 minute' AS until
                        FROM observa.overview_rows(since => now() - interval '90 minutes', until => now())");
    assert_eq!(row, json!({"since": true, "until": true}));
    // Where minutes are gone, whole hours are counted; where hours are, whole days.
    for (ago, unit) in [("60 days", "hour"), ("500 days", "day")] {
        let row = db.row(&format!(
            "SELECT counted_since = date_trunc('{unit}', now() - interval '{ago}', 'UTC') AS since
               FROM observa.overview_rows(since => now() - interval '{ago}', until => now() - interval '{ago}' + interval '5 minutes')"));
        assert_eq!(row, json!({"since": true}), "{ago}");
    }
}

#[test]
fn a_comparison_is_with_the_time_before_or_another_one() {
    let mut db = Database::ready();
    storm(&mut db);
    db.run("BEGIN");
    let minute = "date_trunc('minute', now())";
    let events = |db: &mut Database, since: &str, until: &str| {
        db.one::<i64>(&format!("SELECT count(*) FROM observa.events WHERE ts >= {minute} - interval '{since}' AND ts < {minute} - interval '{until}'"))
    };
    let (now, before, other) = (
        events(&mut db, "20 hours", "0"),
        events(&mut db, "40 hours", "20 hours"),
        events(&mut db, "60 hours", "50 hours"),
    );
    let ask = |more: &str| {
        format!(
            "SELECT observa.dashboard_comparison(since => {minute} - interval '20 hours', until => {minute}{more})"
        )
    };
    let found: Value = db.one(&ask(""));
    assert_eq!(
        (&found["current"]["events"], &found["previous"]["events"], &found["difference"]["events"]),
        (&json!(now), &json!(before), &json!(now - before))
    );
    assert!((found["ratio"]["events"].as_f64().unwrap() - now as f64 / before as f64).abs() < 1e-9);
    let found: Value = db.one(&ask(&format!(
        ", previous_since => {minute} - interval '60 hours', previous_until => {minute} - interval '50 hours'"
    )));
    assert_eq!(found["previous"]["events"], json!(other));
}

#[test]
fn alerts_and_issues_of_a_time_are_counted() {
    let mut db = Database::ready();
    storm(&mut db);
    let found: Value =
        db.one("SELECT observa.dashboard_alerts(since => now() - interval '1 hour', top => 3)");
    let raw = db.row("SELECT count(*) AS raised, count(*) FILTER (WHERE status IN ('active', 'acknowledged')) AS open,
                             count(*) FILTER (WHERE severity = 'critical' AND status IN ('active', 'acknowledged')) AS open_critical FROM observa.alerts");
    assert_same(&found, &raw, "alerts");
    assert_eq!(found["newest"].as_array().unwrap().len(), 3);
    let rules = db.row("SELECT jsonb_object_agg(rule, n) AS by_rule FROM (SELECT rule, count(*) AS n FROM observa.alerts GROUP BY 1) r");
    assert_eq!(found["by_rule"], rules["by_rule"]);
    let errors: Value = db.one("SELECT observa.dashboard_errors(since => now() - interval '4 days')");
    let issues =
        db.count("observa.issues WHERE name IN ('llm_error', 'tool_error', 'tool_timeout', 'error_event')");
    assert!(
        issues > 0 && errors["issues"].as_array().unwrap().len() as i64 == issues.min(20),
        "{issues} {}",
        errors["issues"]
    );
}

#[test]
fn a_time_whose_hours_are_gone_before_its_minutes_is_told_by_the_day() {
    let mut db = Database::ready();
    db.ingest(&events(0..400));
    db.run("SET observa.metrics_hour_days = 1; SET observa.metrics_minute_days = 3; SELECT observa.run_maintenance()");
    assert_eq!(db.count("observa.metrics_hour WHERE bucket < now() - interval '49 hours'"), 0);
    for (since, until) in
        [("60 hours", "30 hours"), ("50 hours 7 minutes", "0"), ("10 days", "40 hours 3 minutes")]
    {
        let told = format!(
            "observa.dashboard_overview(since => now() - interval '{since}', until => now() - interval '{until}') o,
             LATERAL (SELECT count(*) AS events FROM observa.events WHERE ts >= (o ->> 'since')::timestamptz AND ts < (o ->> 'until')::timestamptz) e
             WHERE o ->> 'events' = e.events::text AND e.events > 0"
        );
        assert_eq!(db.count(&told), 1, "{since} {until}");
    }
}
