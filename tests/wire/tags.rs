//! Sums by what an application says of its events, as the project asks for them, and users that are told apart in any of them.

use observa_tests::Database;
use observa_tests::database::{error, ingest, one};
use observa_tests::event::{lines, llm_call, now_ms, with};
use serde_json::{Value, json};

use crate::rollups::{assert_right_before_and_after_fold, calls, ready};

/// What clients sent, not what was made of it.
const TAGS_SENT: &str = "
    WITH raw AS (SELECT date_trunc('hour', ts, 'UTC'), environment, attributes -> 'metadata' ->> 'customer', count(*), count(DISTINCT user_id)
                   FROM observa.events WHERE event_type = 'llm_call' GROUP BY 1, 2, 3),
         tags AS (SELECT bucket, environment, value, events, observa.distinct_count(users) FROM observa.metrics_tag_hour WHERE tag = 'customer')
    SELECT coalesce(json_agg(d), '[]')::text FROM ((TABLE raw EXCEPT ALL TABLE tags) UNION ALL (TABLE tags EXCEPT ALL TABLE raw)) d";

/// Days of distinct users from minutes that are merged.
const USERS_OF_DAYS: &str = "
    WITH raw AS (SELECT date_trunc('day', ts, 'UTC'), count(DISTINCT user_id) FROM observa.events GROUP BY 1)
    SELECT coalesce(json_agg(d), '[]')::text FROM (VALUES ('minute'), ('hour'), ('day')) v(unit), LATERAL (
        (TABLE raw EXCEPT ALL SELECT date_trunc('day', bucket, 'UTC'), observa.distinct_count(observa.merge(users)) FROM (
            SELECT 'minute', bucket, users FROM observa.metrics_total_minute UNION ALL SELECT 'hour', bucket, users FROM observa.metrics_total_hour
            UNION ALL SELECT 'day', bucket, users FROM observa.metrics_total_day) t (of, bucket, users) WHERE of = unit GROUP BY 1)) d";

#[test]
fn users_of_a_tag_and_of_a_day_are_told_apart() {
    let mut db = ready();
    db.ingest(&calls(0..200));
    for round in 0..2 {
        for sql in [TAGS_SENT, USERS_OF_DAYS] {
            assert_eq!(db.one::<String>(sql), "[]", "{round}");
        }
        db.ingest(&calls(150..230));
        db.run("SELECT observa.run_maintenance()");
    }
    // They come again in other hours and days, and are no more.
    assert_eq!(
        db.one::<i64>("SELECT observa.distinct_count(observa.merge(users)) FROM observa.metrics_total_day"),
        5
    );
    // Who knows an id can't ask for it.
    let asked = "SELECT observa.distinct_count(observa_internal.add_distinct(observa.merge(users), observa.distinct_values('u1'::text))) FROM observa.metrics_total_day";
    assert_eq!(db.one::<i64>(asked), 6);
    // Nobody is taken out of a sketch.
    db.run("SELECT observa.forget_user('u3')");
    assert_right_before_and_after_fold(&mut db);
    assert_eq!(
        db.one::<i64>("SELECT observa.distinct_count(observa.merge(users)) FROM observa.metrics_total_day"),
        5
    );
}

#[test]
fn a_project_decides_by_which_tags_its_events_are_counted() {
    let mut db = Database::ready();
    let project: uuid::Uuid = db.one("SELECT id FROM observa.projects");
    let set = |tags: &str| format!("SELECT observa.set_metric_tags('{project}', {tags})");
    db.ingest(&calls(0..10));
    assert_eq!(
        db.count("observa.metrics_tag_hour") + db.count("observa.events WHERE metric_tags IS NOT NULL"),
        0
    );
    db.run(&set("'{customer,customer}'"));
    assert_eq!(db.one::<Vec<String>>("SELECT metric_tags FROM observa.projects"), ["customer"]);
    db.ingest(&calls(10..30));
    assert_eq!(db.one::<i64>("SELECT sum(events)::bigint FROM observa.metrics_tag_hour"), 20);
    // What was counted stays, and a correction takes out what was counted.
    db.run(&set("'{}'"));
    assert_eq!(db.count("observa.projects WHERE metric_tags IS NULL"), 1);
    db.ingest(&calls(30..40));
    db.run("UPDATE observa_internal.events SET status = 'timeout' WHERE event_id = 'call 12'");
    assert_right_before_and_after_fold(&mut db);
    assert_eq!(db.one::<i64>("SELECT sum(events)::bigint FROM observa.metrics_tag_hour"), 20);
    let eleven = "ARRAY(SELECT 't' || n FROM generate_series(1, 11) n)";
    for tags in ["'{a=b}'", "'{\"\"}'", "'{NULL}'", "ARRAY[repeat('a', 65)]", eleven] {
        assert_eq!(error(&mut db.client, &set(tags)).code().code(), "22023", "{tags}");
    }
    assert_eq!(db.count("observa.audit_log WHERE action = 'set_metric_tags'"), 2);
}

#[test]
fn a_forgotten_person_is_no_value_of_a_tag() {
    let mut db = ready();
    let call = |n: i64, customer: &str| {
        with(
            llm_call(&n.to_string()),
            json!({"timestamp": now_ms() - 500, "user_id": "ann", "metadata": {"customer": customer}}),
        )
    };
    db.ingest(&lines(&[call(1, "ann"), call(2, "acme")]));
    db.run("SELECT observa.run_maintenance()");
    db.run("SELECT observa.forget_user('ann')");
    assert_right_before_and_after_fold(&mut db);
    let values: Vec<String> = db.one("SELECT array_agg(value) FROM observa_internal.tag_metrics");
    assert_eq!(values, ["acme"]);
}

#[test]
fn more_values_of_a_tag_than_an_hour_may_have_are_counted_under_other() {
    let mut db = ready();
    db.run(&format!("ALTER DATABASE {} SET observa.max_values_per_tag = 10", db.name));
    let mut client = db.connect();
    let many: Vec<Value> = (0..60)
        .map(|n| {
            let more = json!({"timestamp": now_ms() - 500, "user_id": format!("u{n}"), "metadata": {"customer": format!("c{n}")}, "tags": ["one"]});
            with(llm_call(&n.to_string()), more)
        })
        .collect();
    for half in many.chunks(30) {
        assert_eq!(ingest(&mut client, &lines(half))["accepted"], 30);
        one::<Value>(&mut client, "SELECT observa.run_maintenance()");
    }
    let events = |db: &mut Database, of: &str| {
        db.one::<i64>(&format!("SELECT sum(events)::bigint FROM observa.metrics_tag_hour WHERE {of}"))
    };
    assert_eq!(
        (events(&mut db, "tag = 'customer'"), events(&mut db, "value = 'one'")),
        (60, 60),
        "nothing is lost"
    );
    // In two hours at most, as the clock may strike between.
    assert!(events(&mut db, "value = 'other'") >= 40);
    assert_eq!(
        db.one::<i64>("SELECT observa.distinct_count(observa.merge(users)) FROM observa.metrics_tag_hour"),
        60
    );
    assert_eq!(db.count("observa.signals WHERE name = 'metrics_limit' AND details ->> 'unit' = 'values of a tag in an hour'"), 1);
}

#[test]
fn tags_of_spans_are_found_where_their_libraries_put_them() {
    let mut db = ready();
    let at = (now_ms() - 5000) * 1_000_000;
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let list = json!({"arrayValue": {"values": [{"stringValue": "beta"}, {"stringValue": "eu"}]}});
    let span = |n: usize, more: Vec<Value>| {
        let own = vec![text("gen_ai.operation.name", "chat"), text("gen_ai.request.model", "gpt-4o")];
        json!({"traceId": format!("{n:032x}"), "spanId": format!("{n:016x}"), "name": "chat", "startTimeUnixNano": at.to_string(),
               "endTimeUnixNano": (at + 1_000_000).to_string(), "attributes": own.into_iter().chain(more).collect::<Vec<_>>()})
    };
    let spans = [
        span(
            1,
            vec![
                json!({"key": "langfuse.trace.tags", "value": list}),
                text("langfuse.trace.metadata.customer", "one"),
            ],
        ),
        span(2, vec![json!({"key": "tag.tags", "value": list}), text("metadata", r#"{"customer": "two"}"#)]),
        span(
            3,
            vec![
                json!({"key": "ai.telemetry.metadata.tags", "value": list}),
                text("ai.telemetry.metadata.customer", "three"),
            ],
        ),
        span(4, vec![text("traceloop.association.properties.customer", "four")]),
        span(5, vec![text("customer", "five")]),
        span(6, vec![]),
    ];
    let resource = json!({"attributes": [text("customer", "of the resource")]});
    let body = json!({"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "l"}, "spans": spans}]}]});
    assert_eq!(db.ingest(&body.to_string())["accepted"], 6);
    let customers: Vec<String> =
        db.one("SELECT array_agg(value ORDER BY value) FROM observa.metrics_tag_hour WHERE tag = 'customer'");
    assert_eq!(customers, ["five", "four", "of the resource", "one", "three", "two"]);
    let tags: Value =
        db.one("SELECT jsonb_object_agg(value, events) FROM observa.metrics_tag_hour WHERE tag = 'tags'");
    assert_eq!(tags, json!({"beta": 3, "eu": 3}));
    assert_right_before_and_after_fold(&mut db);
}
