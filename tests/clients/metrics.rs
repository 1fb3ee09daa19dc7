//! observa.metrics() as Prometheus reads it: its own parser finds the numbers that SQL has.

use std::io::Write;
use std::process::{Command, Stdio};

use observa_tests::Database;
use observa_tests::clients::{folder, require_note};
use observa_tests::database::one;
use observa_tests::event::{lines, llm_call, with};
use serde_json::{Value, json};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/python/read_metrics.py");

fn read(text: &str) -> Value {
    let mut script = Command::new(folder().join("python/bin/python"))
        .args(["-B", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    script.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = script.wait_with_output().unwrap();
    assert!(output.status.success(), "it can't be read: {text}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn sample(families: &Value, family: &str, labels: Value) -> Option<f64> {
    let samples = families[family]["samples"].as_array()?;
    let found = samples.iter().find(|sample| sample[1] == labels)?;
    found[2].as_f64()
}

#[test]
fn prometheus_reads_the_numbers_that_sql_has() {
    if !folder().join("python/complete").exists() {
        return require_note("python");
    }
    let mut db = Database::ready();
    let name = "a \"quoted\" name, with \\ and\na line";
    let tenant = db.tenant("ours");
    let calls: Vec<Value> = (0..20)
        .map(|n| with(llm_call(&format!("e{n}")), json!({"tenant_id": "ours", "latency_ms": 90 * n + 5, "model": "gpt-4o-mini", "input_tokens": 1000})))
        .collect();
    db.ingest(&lines(&calls));
    db.run("SELECT observa.run_maintenance()");
    db.run(&format!(
        "UPDATE observa_internal.projects SET name = E'a \"quoted\" name, with \\\\ and\\na line' WHERE tenant_id = '{tenant}'"
    ));
    let mut reader = db.connect_as("reader", "observa_read");
    db.run(&format!("SELECT observa.grant_tenant('reader_{}', '{tenant}')", db.name));
    let own = read(&one::<String>(&mut reader, "SELECT observa.metrics()::text"));
    let project: String =
        db.one(&format!("SELECT id::text FROM observa.projects WHERE tenant_id = '{tenant}'"));
    let labels = |more: Value| with(json!({"project": name, "project_id": project}), more);
    // Its parser takes _total off a counter's name.
    assert_eq!(sample(&own, "observa_events_stored", labels(json!({}))), Some(20.0), "{own:#}");
    let cost: f64 = db.one("SELECT sum(cost_usd)::float8 FROM observa.events");
    let told = sample(&own, "observa_day_cost_usd", labels(json!({"event_type": "llm_call"}))).unwrap();
    assert!((told - cost).abs() < 1e-9, "{told} {cost}");
    let family = "observa_day_llm_call_seconds";
    assert_eq!(own[family]["type"], "histogram");
    for (le, seconds) in [("0.05", 0.05), ("0.5", 0.5), ("1", 1.0), ("+Inf", 1e9)] {
        let counted: i64 =
            db.one(&format!("SELECT count(*) FROM observa.events WHERE latency_ms <= {seconds} * 1000.0"));
        assert_eq!(sample(&own, family, labels(json!({"le": le}))), Some(counted as f64), "{le}");
    }
    let server = read(&db.one::<String>("SELECT observa.metrics()::text"));
    for (name, family) in server.as_object().unwrap() {
        assert!(["counter", "gauge", "histogram"].contains(&family["type"].as_str().unwrap()), "{name}");
        assert!(family["help"].as_str().unwrap().len() > 10, "{name}");
    }
    assert_eq!(sample(&server, "observa_events_stored", json!({})), Some(20.0));
}
