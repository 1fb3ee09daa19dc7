//! observa.explain_alert: what an alert rests on, for who may read it.

use observa_tests::Database;
use observa_tests::database::{error, one};
use observa_tests::event::{lines, llm_call, now_ms, with};
use serde_json::{Value, json};
use uuid::Uuid;

#[test]
fn an_alert_about_events_is_explained_by_them() {
    let mut db = Database::ready();
    let failed = |id: &str| {
        with(
            llm_call(id),
            json!({"status": "error", "error_message": format!("quota of {id} is used up"), "trace_id": format!("t{id}"), "latency_ms": 900}),
        )
    };
    db.ingest(&lines(&[failed("1"), failed("2"), with(llm_call("slow"), json!({"latency_ms": 9000}))]));
    let id: Uuid = db.one("SELECT id FROM observa.alerts WHERE rule = 'llm_error'");
    db.run(&format!(
        "SELECT observa.acknowledge_alert('{id}', 'looking'), observa.assign_alert('{id}', 'ann')"
    ));
    let told: Value = db.one(&format!("SELECT observa.explain_alert('{id}')"));
    assert_eq!(
        (&told["rule"]["name"], &told["rule"]["severity"]),
        (&json!("llm_error"), &json!("high")),
        "{told}"
    );
    assert_eq!(
        (&told["occurrences"], &told["assignee"], &told["unit"]),
        (&json!(2), &json!("ann"), &json!("calls"))
    );
    assert!(told["what_to_do"].as_str().unwrap().len() > 20);
    assert_eq!(told["series"], Value::Null);
    let events = told["events"].as_array().unwrap();
    assert_eq!(events.len(), 2, "{told}");
    assert!(events.iter().all(|event| event["model"] == "test-model-x" && event["latency_ms"] == 900.0));
    assert!(events[0]["error_message"].as_str().unwrap().contains("is used up"));
    assert_eq!(told["traces"], json!(["t1", "t2"]));
    let history: Vec<&Value> =
        told["history"].as_array().unwrap().iter().map(|event| &event["event"]).collect();
    assert_eq!(history, ["raised", "acknowledged", "assigned"]);
    assert_eq!(told["related"].as_array().unwrap().len(), 1);
    assert_eq!(told["related"][0]["rule"], "high_latency");
    assert_eq!(told["issues"].as_array().unwrap().len(), 1);
}

#[test]
fn an_alert_over_a_window_shows_its_metric_around_it() {
    let mut db = Database::ready();
    db.run("UPDATE observa.detection_rules SET enabled = false WHERE name LIKE 'mostly_failing%'");
    let at = |minutes: i64| now_ms() - minutes * 60_000;
    let mut events: Vec<Value> = (0..40)
        .map(|n| with(llm_call(&format!("ok{n}")), json!({"timestamp": at(30), "model": "m1"})))
        .collect();
    events.extend((0..40).map(|n| {
        with(
            llm_call(&format!("bad{n}")),
            json!({"timestamp": at(0) - 2000, "model": "m1", "status": "error", "error_type": "Overloaded"}),
        )
    }));
    db.ingest(&lines(&events));
    db.run("SELECT observa.run_maintenance()");
    let id: Uuid =
        db.one("SELECT id FROM observa.alerts WHERE rule = 'error_rate' AND alert_group = 'model=m1'");
    let told: Value = db.one(&format!("SELECT observa.explain_alert('{id}')"));
    let rule = &told["rule"];
    assert_eq!(
        (&rule["name"], &rule["metric"], &rule["window_minutes"]),
        (&json!("error_rate_by_model"), &json!("error_rate"), &json!(5)),
        "{told}"
    );
    assert_eq!(
        (&told["value"], &told["samples"], &told["unit"]),
        (&json!(1), &json!(40), &json!("share of the events")),
        "{told}"
    );
    let series: Vec<f64> =
        told["series"].as_array().unwrap().iter().filter_map(|point| point["value"].as_f64()).collect();
    assert!(series.contains(&0.0), "half an hour ago all was well: {}", told["series"]);
    assert!(series.last().is_some_and(|value| *value > 0.9), "{}", told["series"]);
    let events = told["events"].as_array().unwrap();
    assert_eq!(events.len(), 10);
    assert!(events.iter().all(|event| event["status"] == "error"), "{told}");
}

#[test]
fn an_alert_is_explained_to_readers_of_its_tenant_alone() {
    let mut db = Database::ready();
    let other = db.tenant("other");
    db.ingest(&with(llm_call("a"), json!({"latency_ms": 9000})).to_string());
    let (own, id) = (
        db.one::<Uuid>("SELECT tenant_id FROM observa.alerts"),
        db.one::<Uuid>("SELECT id FROM observa.alerts"),
    );
    let explain = format!("SELECT observa.explain_alert('{id}')");
    for (tenant, rights, code) in [(other, "iqa", "02000"), (own, "i", "42501")] {
        let mut client = db.connect();
        let sql =
            format!("LOAD 'observa'; SET observa.acting = '{tenant}//{rights}/'; SET ROLE observa_read");
        client.batch_execute(&sql).unwrap();
        assert_eq!(error(&mut client, &explain).code().code(), code, "{rights}");
    }
    let mut nobody = db.connect_as("reader", "observa_read");
    assert_eq!(error(&mut nobody, &explain).code().code(), "02000");
    let mut reader = db.connect();
    reader
        .batch_execute(&format!("LOAD 'observa'; SET observa.acting = '{own}//q/'; SET ROLE observa_read"))
        .unwrap();
    assert_eq!(one::<Value>(&mut reader, &explain)["title"], "high latency: model=test-model-x");
    // On a standby, too: it writes nothing.
    reader.batch_execute("BEGIN READ ONLY").unwrap();
    assert_eq!(one::<Value>(&mut reader, &explain)["status"], "active");
    let unknown = db.error("SELECT observa.explain_alert(gen_random_uuid())");
    assert_eq!(unknown.code().code(), "02000");
}
