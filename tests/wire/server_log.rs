//! No payload in the server's log, nor in what an error tells the client, however a statement ends.

use observa_tests::database::tell;
use observa_tests::event::llm_call;
use observa_tests::{Cluster, Database};
use postgres::Client;
use serde_json::json;

/// In each body: no scrubber knows it, so only silence keeps it out of the log.
const PAYLOAD: &str = "Quokka-Pavlova-Zephyr";

/// Fails, and tells the client nothing of the payload.
#[track_caller]
fn fails(client: &mut Client, sql: &str) {
    let error = client.batch_execute(sql).expect_err("the statement fails");
    assert!(!tell(&error).contains("Quokka"), "{}", tell(&error));
}

/// The same with the body bound as a parameter.
#[track_caller]
fn fails_bound(client: &mut Client, sql: &str, body: &str) {
    let error = client.query(sql, &[&body]).expect_err("the statement fails");
    assert!(!tell(&error).contains("Quokka"), "{}", tell(&error));
}

#[test]
fn no_error_shows_a_payload() {
    let settings = "log_error_verbosity = verbose\nlog_min_error_statement = error\nlog_parameter_max_length_on_error = -1\nlog_min_messages = info\n";
    let mut db = Database::ready_in(Cluster::own("log", settings));
    db.run("LOAD 'observa'");
    let body = |more: &str| format!(r#"{{"model":"m","input":"{PAYLOAD}"{more}}}"#);
    let fine = body("");
    // Refused whole.
    db.run("SET observa.max_batch_events = 1");
    let two = format!("{fine}\n{fine}");
    fails(&mut db.client, &format!("SELECT observa.ingest('{two}')"));
    fails_bound(&mut db.client, "SELECT observa.ingest($1::text)", &two);
    db.run("RESET observa.max_batch_events; SET observa.max_batch_bytes = 1024");
    let long = body(&format!(r#","x":"{}""#, PAYLOAD.repeat(100)));
    fails(&mut db.client, &format!("SELECT observa.ingest('{long}')"));
    fails_bound(&mut db.client, "SELECT observa.ingest($1::text)", &long);
    db.run("RESET observa.max_batch_bytes");
    fails(&mut db.client, &format!(r"SELECT observa.ingest('\x1f8b08'::bytea || '{PAYLOAD}'::bytea)"));
    // What fails beside it, after it, and around it.
    fails(&mut db.client, &format!("SELECT observa.ingest('{fine}'), 1 / (random() * 0)::int"));
    fails(&mut db.client, &format!("DO $$ BEGIN PERFORM observa.ingest('{fine}'); RAISE 'after'; END $$"));
    fails(
        &mut db.client,
        &format!(
            "WITH i AS MATERIALIZED (SELECT observa.ingest('{fine}') AS a) SELECT (a ->> 'batch_id')::int FROM i"
        ),
    );
    // A timeout in the middle, and after.
    let many: String = (0..20_000)
        .map(|n| format!("{{\"model\":\"m\",\"event_id\":\"{n}\",\"input\":\"{PAYLOAD}\"}}\n"))
        .collect();
    db.run("SET statement_timeout = '60ms'");
    fails(&mut db.client, &format!("SELECT observa.ingest('{many}')"));
    fails_bound(&mut db.client, "SELECT observa.ingest($1::text)", &many);
    fails(&mut db.client, &format!("SELECT observa.ingest('{fine}'), pg_sleep(5)"));
    db.run("RESET statement_timeout");
    // INSERT into the view.
    fails(
        &mut db.client,
        &format!(
            "INSERT INTO observa.llm_requests (model, prompt, latency_ms) VALUES ('m', '{PAYLOAD}', -1)"
        ),
    );
    fails_bound(
        &mut db.client,
        "INSERT INTO observa.llm_requests (model, prompt, latency_ms) VALUES ('m', $1, -1)",
        PAYLOAD,
    );
    fails(
        &mut db.client,
        &format!(
            "INSERT INTO observa.llm_requests (model, prompt, trace_id) VALUES ('m', '{PAYLOAD}', repeat('{PAYLOAD}', 99))"
        ),
    );
    // A constraint of the operator's own, on each table: DETAIL would show the failing row.
    for (table, check) in [
        ("events", "model <> 'refused'"),
        ("event_payloads", "input <> 'x'"),
        ("signals", "name <> 'high_latency'"),
        ("rejected_events", "code <> 'invalid_json'"),
    ] {
        db.run(&format!("ALTER TABLE observa_internal.{table} ADD CONSTRAINT own CHECK ({check}) NOT VALID"));
    }
    for line in [
        format!(r#"{{"model":"refused","input":"{PAYLOAD}","route":"{PAYLOAD}","user_id":"{PAYLOAD}"}}"#),
        format!(r#"{{"model":"m","input":"x","output":"{PAYLOAD}","y":"{PAYLOAD}"}}"#),
        format!(r#"{{"model":"m","latency_ms":9000,"route":"{PAYLOAD}"}}"#),
        format!("{PAYLOAD} is no JSON"),
    ] {
        fails(&mut db.client, &format!("SELECT observa.ingest('{line}')"));
        fails_bound(&mut db.client, "SELECT observa.ingest($1::text)", &line);
    }
    // Without an identity, or storage.
    let mut nobody = db.connect_as("nobody", "observa_ingest");
    fails(&mut nobody, &format!("SELECT observa.ingest('{fine}')"));
    db.run("SET client_min_messages = warning; DROP TABLE observa_internal.events CASCADE");
    fails(&mut nobody, &format!("SELECT observa.ingest('{fine}')"));
    let log = db.cluster.log();
    let shown: Vec<&str> =
        log.lines().filter(|line| line.contains("Quokka")).map(|line| &line[..line.len().min(300)]).collect();
    assert_eq!(shown, [""; 0]);
    assert!(log.matches("ERROR:").count() >= 20, "the errors themselves are logged");
}

#[test]
fn an_innocent_statement_is_logged_as_ever() {
    let mut db = Database::ready_in(Cluster::own("log-other", "log_min_error_statement = error\n"));
    db.ingest(&llm_call("e").to_string());
    let _ = db.client.batch_execute("SELECT 1 / 0 AS visible_marker");
    assert!(db.cluster.log().contains("visible_marker"), "only the statement that brought a body is hidden");
    db.ingest(&json!({"model": "m"}).to_string());
}
