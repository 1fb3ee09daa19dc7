//! observa.trace: a tree of whatever was sent, however broken.

use observa_tests::Database;
use observa_tests::database::parallel;
use observa_tests::event::{lines, now_ms, with};
use serde_json::{Value, json};

fn span(id: &str, parent: Option<&str>) -> Value {
    json!({"event_type": "llm_call", "event_id": id, "model": "m", "trace_id": "t", "span_id": id, "parent_span_id": parent,
           "timestamp": now_ms() - 10_000})
}

/// The tree as nested event ids.
fn shape(spans: &Value) -> Value {
    spans.as_array().unwrap().iter().map(|span| json!([span["event_id"], shape(&span["children"])])).collect()
}

#[track_caller]
fn trace(db: &mut Database) -> Value {
    db.one("SELECT observa.trace('t')")
}

/// How many events the tree has.
fn size(spans: &Value) -> usize {
    spans.as_array().unwrap().iter().map(|span| 1 + size(&span["children"])).sum()
}

#[test]
fn spans_stand_under_their_parents_in_order_of_time() {
    let mut db = Database::ready();
    let at = |id: &str, parent, ms: i64| with(span(id, parent), json!({"timestamp": now_ms() - 10_000 + ms}));
    // Children come before their parents, as exporters send them.
    db.ingest(&lines(&[
        at("b1", Some("b"), 3),
        at("b", Some("root"), 2),
        at("a", Some("root"), 1),
        at("root", None, 0),
        with(at("slow", Some("root"), 4), json!({"latency_ms": 9000})),
    ]));
    let trace = trace(&mut db);
    assert_eq!(shape(&trace["spans"]), json!([["root", [["a", []], ["b", [["b1", []]]], ["slow", []]]]]));
    assert_eq!((&trace["trace_id"], &trace["truncated"]), (&json!("t"), &json!(false)));
    assert_eq!(trace["summary"]["event_count"], 5);
    assert_eq!(trace["signals"][0]["name"], "high_latency");
    assert_eq!(db.one::<Option<Value>>("SELECT observa.trace('no such trace')"), None);
}

#[test]
fn a_span_without_its_parent_or_its_own_parent_stands_at_the_root() {
    let mut db = Database::ready();
    db.ingest(&lines(&[span("orphan", Some("gone")), span("own", Some("own")), span("child", Some("own"))]));
    assert_eq!(shape(&trace(&mut db)["spans"]), json!([["orphan", []], ["own", [["child", []]]]]));
}

#[test]
fn spans_in_a_circle_are_all_shown_once() {
    let mut db = Database::ready();
    db.ingest(&lines(&[
        span("a", Some("c")),
        span("b", Some("a")),
        span("c", Some("b")),
        span("d", Some("a")),
        span("e", Some("d")),
    ]));
    let spans = trace(&mut db)["spans"].clone();
    assert_eq!(size(&spans), 5, "{}", shape(&spans));
}

#[test]
fn events_that_share_a_span_stand_together() {
    let mut db = Database::ready();
    let ts = now_ms() - 10_000;
    let of = |event_type: &str, ms: i64| json!({"event_type": event_type, "event_id": event_type, "trace_id": "t", "span_id": "s0", "timestamp": ts + ms});
    db.ingest(&lines(&[
        of("trace_start", 0),
        of("trace_end", 50),
        with(span("call", Some("s0")), json!({"timestamp": ts + 10})),
    ]));
    assert_eq!(shape(&trace(&mut db)["spans"]), json!([["trace_start", [["call", []], ["trace_end", []]]]]));
}

#[test]
fn a_chain_of_five_thousand_spans_is_whole() {
    let mut db = Database::ready();
    let chain: Vec<Value> = (0..5000)
        .map(|n: i32| {
            let parent = (n > 0).then(|| format!("s{}", n - 1));
            with(
                span(&format!("s{n}"), parent.as_deref()),
                json!({"timestamp": now_ms() - 100_000 + i64::from(n)}),
            )
        })
        .collect();
    assert_eq!(db.ingest(&lines(&chain))["accepted"], 5000);
    db.run("SET statement_timeout = '30s'");
    // As text: no client parses JSON of this depth by default, and none has to, for the tree is bounded.
    let spans: i64 =
        db.one(r#"SELECT count(*) FROM regexp_matches(observa.trace('t')::text, '"span_id"', 'g')"#);
    assert_eq!(spans, 5000);
    assert_eq!(size(&trace(&mut db)["spans"]), 5000);
}

#[test]
fn a_trace_of_too_many_events_says_that_it_is_cut() {
    let mut db = Database::ready();
    db.run("SET statement_timeout = '60s'");
    let events: Vec<Value> = (0..10_001).map(|n| span(&format!("s{n}"), Some("s0"))).collect();
    db.ingest(&lines(&events));
    let trace = trace(&mut db);
    assert_eq!((size(&trace["spans"]), &trace["truncated"]), (10_000, &json!(true)));
}

#[test]
fn a_trace_is_its_tenants() {
    let mut db = Database::ready();
    db.ingest(&span("a", None).to_string());
    let mut stranger = db.connect_as("reader", "observa_read");
    let seen: Option<Value> = observa_tests::database::one(&mut stranger, "SELECT observa.trace('t')");
    assert_eq!(seen, None);
}

#[test]
fn a_trace_through_several_projects_is_shown_whole_with_one_summary() {
    let mut db = Database::ready();
    let tenant: uuid::Uuid = db.one("SELECT tenant_id FROM observa_internal.tenants");
    let shop: uuid::Uuid = db.one(&format!("SELECT observa.create_project('{tenant}', 'shop')"));
    let ts = now_ms() - 60_000;
    let call = |id: &str, parent, ms: i64, members: Value| {
        with(
            with(span(id, parent), json!({"timestamp": ts + ms, "model": "gpt-4o", "input_tokens": 1000})),
            members,
        )
    };
    db.ingest(&lines(&[
        call("root", None, 0, json!({"user_id": "u"})),
        call(
            "child",
            Some("root"),
            1000,
            json!({"project_id": "shop", "model": "gpt-4o-mini", "latency_ms": 6000}),
        ),
        call("grandchild", Some("child"), 2000, json!({"status": "error", "latency_ms": 9000})),
    ]));
    let trace = trace(&mut db);
    assert_eq!(shape(&trace["spans"]), json!([["root", [["child", [["grandchild", []]]]]]]));
    let summary = &trace["summary"];
    let shown = |key: &str| summary[key].clone();
    assert_eq!(shown("event_count"), 3, "{summary}");
    assert_eq!(shown("models"), json!(["gpt-4o", "gpt-4o-mini"]));
    assert_eq!((shown("status"), shown("user_id")), (json!("error"), json!("u")));
    assert_eq!(shown("latency_ms"), 11_000.0, "from the first start to the last end");
    // The failed call bills nothing.
    assert_eq!(shown("input_tokens"), 2000);
    assert_eq!(shown("signal_count"), trace["signals"].as_array().unwrap().len());
    let default: uuid::Uuid = db.one("SELECT id FROM observa.projects WHERE name = 'default'");
    assert_eq!(
        (shown("project_id"), shown("projects")),
        (Value::Null, json!([default.to_string(), shop.to_string()]))
    );
    let of_project: i64 =
        db.one(&format!("SELECT signal_count FROM observa.traces WHERE project_id = '{shop}'"));
    assert_eq!(of_project, 1, "a project's row counts its own signals");
}

#[test]
fn a_superuser_is_shown_one_tenants_trace() {
    let mut db = Database::ready();
    db.tenant("other");
    let of = |id: &str, tenant: &str| with(span(id, None), json!({"tenant_id": tenant}));
    db.ingest(&lines(&[
        of("own", "default"),
        of("others", "other"),
        with(of("only", "other"), json!({"trace_id": "u"})),
    ]));
    assert_eq!(shape(&trace(&mut db)["spans"]), json!([["own", []]]));
    let only: Value = db.one("SELECT observa.trace('u')");
    assert_eq!((shape(&only["spans"]), &only["summary"]["event_count"]), (json!([["only", []]]), &json!(1)));
    let other: uuid::Uuid = db.one("SELECT tenant_id FROM observa_internal.tenants WHERE name = 'other'");
    db.run(&format!("LOAD 'observa'; SET observa.acting = '{other}//iqa/'"));
    assert_eq!(shape(&trace(&mut db)["spans"]), json!([["others", []]]));
}

#[test]
fn an_event_as_deep_as_ingest_takes_is_shown_with_its_trace() {
    let mut db = Database::ready();
    // The event itself is one level of observa.max_depth.
    let nested = format!("{}\"leaf\"{}", "[".repeat(126), "]".repeat(126));
    let deep = span("deep", Some("root")).to_string().replacen('{', &format!("{{\"nested\":{nested},"), 1);
    let answer = db.ingest(&format!("{}\n{deep}", span("root", None)));
    assert_eq!(answer["accepted"], 2, "{answer}");
    // As text: the test's own parser ends at 128 levels.
    let shown: String = db.one(
        "SELECT observa.trace('t') #>> '{spans,0,children,0,attributes,nested}' FROM observa.events LIMIT 1",
    );
    assert_eq!(shown.replace(' ', ""), nested);
}

#[test]
fn numbers_keep_all_their_digits() {
    let mut db = Database::ready();
    db.run(
        r#"INSERT INTO observa.model_prices (model, rates) VALUES ('m', '{"input": 0.0000001234567891}')"#,
    );
    let reported = "0.12345678901234567890123";
    let event = span("a", None).to_string().replacen(
        '{',
        &format!(
            "{{\"cost\":{reported},\"input_tokens\":123456789013,\"number\":123456789012345678901234567890.5,"
        ),
        1,
    );
    assert_eq!(db.ingest(&event)["accepted"], 1);
    let mut at =
        |path: &str| db.one::<Option<String>>(&format!("SELECT observa.trace('t') #>> '{path}'")).unwrap();
    assert_eq!(at("{spans,0,attributes,number}"), "123456789012345678901234567890.5");
    assert_eq!(at("{spans,0,reported_cost_usd}"), reported);
    // The product, by bc.
    let cost = "15241.5787641411381583";
    assert_eq!(at("{spans,0,cost_usd}").trim_end_matches('0'), cost);
    assert_eq!(at("{summary,cost_usd}").trim_end_matches('0'), cost);
}

#[test]
fn a_trace_is_read_without_a_transaction_id_and_in_a_parallel_plan() {
    let mut db = Database::ready();
    db.ingest(&lines(&[span("a", None), span("b", Some("a"))]));
    db.run("BEGIN");
    trace(&mut db);
    assert!(db.one::<bool>("SELECT pg_current_xact_id_if_assigned() IS NULL"));
    db.run("COMMIT");
    db.run(&parallel("on"));
    db.run("SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0");
    let sql = "SELECT event_id, observa.trace(trace_id) AS trace FROM observa.events ORDER BY event_id";
    let plan = db.rows(&format!("EXPLAIN {sql}"), &[]);
    assert!(plan.iter().any(|line| line.get::<_, String>(0).contains("Gather")));
    let traces = db.rows(sql, &[]);
    assert_eq!(traces.len(), 2);
    let whole: Value = traces[1].get("trace");
    assert_eq!(shape(&whole["spans"]), json!([["a", [["b", []]]]]));
}
