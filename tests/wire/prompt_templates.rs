//! observa.prompt_templates(): use, cost, latency and scores by template and version.

use observa_tests::Database;
use observa_tests::database::{error, one, table};
use observa_tests::event::{DAY_MS, lines, llm_call, now_ms, with};
use serde_json::{Value, json};

const TEMPLATES: &str = "SELECT template, version, calls, renders, error_rate, cost_usd::float8, p50_latency_ms, coherence, sampled_events FROM observa.prompt_templates()";

#[test]
fn templates_are_told_apart_by_version_with_cost_latency_scores_and_failures() {
    let mut db = Database::ready();
    db.run(r#"INSERT INTO observa.model_prices (model, rates) VALUES ('m', '{"input": 0.001}')"#);
    let call = |id: String, version: Value, more: Value| {
        let usual = json!({"model": "m", "input_tokens": 100, "latency_ms": 100, "coherence_score": 0.5,
                           "prompt_name": "greet", "prompt_version": version});
        with(with(llm_call(&id), usual), more)
    };
    let mut events: Vec<Value> = (0..4).map(|n| call(format!("a{n}"), json!(1), json!({}))).collect();
    events.extend(
        (0..3).map(|n| call(format!("b{n}"), json!("2"), json!({"latency_ms": 300, "coherence_score": 0.9}))),
    );
    events.push(call("c".into(), json!("2"), json!({"status": "error", "latency_ms": 300})));
    events.push(json!({"event_type": "prompt_template", "event_id": "r", "name": "greet", "version": "2", "template": "Hello {{x}}", "timestamp": now_ms() - 1000}));
    events.push(llm_call("without"));
    events.push(call("old".into(), json!(1), json!({"timestamp": now_ms() - 8 * DAY_MS})));
    db.ingest(&lines(&events));
    let found = table(&mut db.client, &format!("{TEMPLATES} ORDER BY version"));
    assert_eq!(found.len(), 2, "{found:#?}");
    assert_eq!(
        found[0],
        json!({"template": "greet", "version": "1", "calls": 4, "renders": 0, "error_rate": 0, "cost_usd": 0.4,
               "p50_latency_ms": 100, "coherence": 0.5, "sampled_events": 10})
    );
    assert_eq!(
        (&found[1]["calls"], &found[1]["renders"], &found[1]["error_rate"]),
        (&json!(4), &json!(1), &json!(0.25))
    );
    let cost = found[1]["cost_usd"].as_f64().unwrap();
    assert!((cost - 0.3).abs() < 1e-9, "a failed call bills nothing: {cost}");
}

#[test]
fn names_of_the_libraries_are_known() {
    let mut db = Database::ready();
    for (n, name) in [
        "prompt_template_name",
        "prompt_name",
        "langfuse.observation.prompt.name",
        "gen_ai.prompt.name",
        "llm.prompt_template.name",
    ]
    .iter()
    .enumerate()
    {
        let mut event = llm_call(&format!("e{n}"));
        event[*name] = json!(format!("t{n}"));
        db.ingest(&event.to_string());
    }
    let names: Vec<String> = db
        .rows("SELECT template FROM observa.prompt_templates()", &[])
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(names, ["t0", "t1", "t2", "t3", "t4"]);
}

#[test]
fn a_call_that_names_no_template_counts_for_the_last_render_before_it_in_its_trace() {
    let mut db = Database::ready();
    let at = now_ms() - 60_000;
    let event = |id: &str, after_ms: i64, trace: Value, more: Value| {
        with(with(llm_call(id), json!({"timestamp": at + after_ms, "trace_id": trace})), more)
    };
    let render = |name: &str, version: &str| json!({"event_type": "prompt_template", "name": name, "version": version, "template": "Hello"});
    db.ingest(&lines(&[
        event("early", 0, json!("t"), json!({})),
        event("r1", 1, json!("t"), render("greet", "1")),
        event("first", 1, json!("t"), json!({})),
        event("named", 2, json!("t"), json!({"prompt_name": "own"})),
        event("second", 3, json!("t"), json!({})),
        event("r2", 4, json!("t"), render("bye", "2")),
        event("third", 5, json!("t"), json!({})),
        event("elsewhere", 6, json!("u"), json!({})),
        event("r3", 7, Value::Null, render("alone", "1")),
        event("traceless", 8, Value::Null, json!({})),
    ]));
    assert_eq!(
        db.table("SELECT template, version, calls, renders FROM observa.prompt_templates()"),
        [
            json!({"template": "alone", "version": "1", "calls": 0, "renders": 1}),
            json!({"template": "bye", "version": "2", "calls": 1, "renders": 1}),
            json!({"template": "greet", "version": "1", "calls": 2, "renders": 1}),
            json!({"template": "own", "version": null, "calls": 1, "renders": 0}),
        ]
    );
}

#[test]
fn templates_are_the_tenants_own() {
    let mut db = Database::ready();
    let [ours, theirs] = ["ours", "theirs"].map(|name| db.tenant(name));
    db.ingest(&with(llm_call("e"), json!({"tenant_id": "theirs", "prompt_name": "secret"})).to_string());
    let mut reader = db.connect_as("reader", "observa_read");
    db.run(&format!("SELECT observa.grant_tenant('reader_{}', '{ours}')", db.name));
    assert_eq!(one::<i64>(&mut reader, "SELECT count(*) FROM observa.prompt_templates()"), 0);
    let project: String =
        db.one(&format!("SELECT id::text FROM observa.projects WHERE tenant_id = '{theirs}'"));
    let of_theirs = format!("SELECT count(*) FROM observa.prompt_templates('{project}')");
    assert_eq!(error(&mut reader, &of_theirs).code().code(), "22023");
    assert_eq!(db.one::<i64>(&of_theirs), 1);
    let mut nobody = db.connect_as("nobody", "observa_read");
    assert_eq!(error(&mut nobody, "SELECT observa.prompt_templates()").code().code(), "42501");
}
