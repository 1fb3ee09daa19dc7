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
    let error = client.batch_execute(sql).expect_err(sql);
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

/// Statements that fail before a body is entered, as a simple query; and with the body bound as $1.
fn early_failures(body: &str) -> (Vec<String>, Vec<(&'static str, String)>) {
    let literal = vec![
        format!("SELECT observa.ingest('{body}')::int"),
        format!("SELECT observa.ingest('{body}'::json, 2)"),
        format!("SELECT observa.ingest('{body} {{'::json)"),
        format!("SELECT observa.ingest(('{body} {{')::jsonb::text)"),
        format!("SELECT observa.ingest('{body}'), '{PAYLOAD}'::int"),
        format!("SELECT observa.ingest('{body}'), '{PAYLOAD}'::timestamptz"),
        format!("SELECT observa.ingest('{body}'), 1 / 0"),
        format!("SELECT observa.ingest('{body}"),
        format!("SELECT observa.ingest('{body}') {PAYLOAD} {PAYLOAD}"),
        format!("SELECT Observa . \"ingest\" ('{body}', 1)"),
        format!(
            "INSERT INTO observa.llm_requests (model, prompt, latency_ms) VALUES ('m', '{body}', 'slow {PAYLOAD}')"
        ),
        format!("SELECT observa.replay_rejected('{PAYLOAD}')"),
        format!("SELECT observa.scrub('{body} {{'::jsonb)"),
        format!("SELECT observa.scrub('{PAYLOAD}'), 1 / 0"),
        format!("SELECT 1 / 0 FROM observa.find_secrets('{PAYLOAD}')"),
        format!("SELECT 1 / 0 FROM observa.export_user_rows('{PAYLOAD}')"),
        format!("SELECT 1 / 0 FROM observa.embed('{PAYLOAD}')"),
        format!("SELECT observa.embed('{PAYLOAD}', 'no uuid')"),
        format!("SELECT observa.similar('{PAYLOAD}', 'no number')"),
        format!("SET LOCAL search_path = observa; SELECT similar(query => '{PAYLOAD}', k => 1 / 0)"),
        format!("SELECT observa.forget_user('{PAYLOAD}', '{PAYLOAD}')"),
        format!("SELECT observa.add_scrub_pattern('{PAYLOAD}', 'x', '{PAYLOAD}')"),
        format!(
            "PREPARE p (text) AS SELECT observa.ingest($1), 1 / (random() * 0)::int; EXECUTE p ('{body}')"
        ),
        format!("EXECUTE \"p\" ('{body}')"),
        format!("/* app */ EXECUTE p ('{body}')"),
        format!("/* app */ EXECUTE p ('{body}'"),
        format!("EXPLAIN ANALYZE EXECUTE p ('{body}')"),
        format!("CREATE TEMP TABLE z AS EXECUTE p ('{body}')"),
        format!("SET work_mem = 4096; EXECUTE p ('{body}')"),
        format!("EXECUTE /* on */ p ('{body}')"),
        format!("PREPARE harmless AS SELECT 1; EXECUTE harmless; EXECUTE p ('{body}')"),
        format!(r#"SELECT observa.U&"\0069ngest"('{body}')::int"#),
        format!("SELECT observa.acknowledge_alert(gen_random_uuid(), 'note {PAYLOAD}')"),
        format!("SELECT observa.resolve_alert(gen_random_uuid(), 'note {PAYLOAD}')"),
        format!("SELECT observa.close_alert(gen_random_uuid(), 'note {PAYLOAD}')"),
        format!("SELECT observa.reopen_alert(gen_random_uuid(), 'note {PAYLOAD}')"),
        format!("SELECT observa.assign_alert(gen_random_uuid(), '{PAYLOAD}')"),
        format!("SELECT observa.resolve_issue(gen_random_uuid(), 'note {PAYLOAD}')"),
        format!("SELECT observa.note_alert(gen_random_uuid(), 'note {PAYLOAD}')"),
        format!(
            "SELECT observa.create_webhook(NULL, 'x', 'https://hooks.example.com/{PAYLOAD}', '{PAYLOAD}')"
        ),
        format!(
            "SELECT observa.update_webhook(gen_random_uuid(), url => 'https://hooks.example.com/{PAYLOAD}')"
        ),
        format!("SELECT observa.retranslate('{PAYLOAD}', now())"),
        format!("INSERT INTO observa.logs (message, level) VALUES ('{PAYLOAD}', 'no level')"),
        format!("INSERT INTO observa.logs (message, created_at) VALUES ('m', '{PAYLOAD}')"),
        format!("DO $$ BEGIN EXECUTE $q$SELECT observa.ingest('{body}') FROM $q$; END $$"),
    ];
    let bound = vec![
        ("SELECT observa.ingest($1::text::json)", format!("{body} {{")),
        ("SELECT observa.ingest($1::text), $1::text::int", body.to_owned()),
        ("SELECT observa.ingest($1::text), 1 / 0", body.to_owned()),
        ("SELECT observa.scrub($1::text::jsonb)", format!("{PAYLOAD} {{")),
        (
            "INSERT INTO observa.llm_requests (model, latency_ms) VALUES ('m', $1::text::float8)",
            PAYLOAD.to_owned(),
        ),
    ];
    (literal, bound)
}

/// The lines of the log that show the payload, cut.
fn shown(log: &str) -> Vec<String> {
    log.lines().filter(|line| line.contains("Quokka")).map(|line| line.chars().take(300).collect()).collect()
}

#[test]
fn an_error_before_a_body_is_entered_shows_no_payload() {
    let settings = "shared_preload_libraries = 'observa'\nlog_error_verbosity = verbose\nlog_min_error_statement = error\nlog_parameter_max_length_on_error = -1\nlog_min_messages = info\n";
    let mut db = Database::ready_in(Cluster::own("log-early", settings));
    let body = format!(r#"{{"model":"m","input":"{PAYLOAD}"}}"#);
    let (literal, bound) = early_failures(&body);
    // Without the right to call anything, and with it.
    for mut client in [db.connect_as("stranger", ""), db.connect()] {
        for sql in &literal {
            // In what is sent to the client, too: others than it may read its error.
            fails(&mut client, sql);
        }
        for (sql, value) in &bound {
            fails_bound(&mut client, sql, value);
        }
        let refused =
            client.batch_execute(&format!("SELECT observa.ingest('{body}'::json), 1 / 0")).unwrap_err();
        assert!(refused.as_db_error().unwrap().message().len() > 10, "the error itself is told: {refused:?}");
    }
    let log = db.cluster.log();
    assert_eq!(shown(&log), [""; 0]);
    assert!(
        log.matches("ERROR:").count() >= 2 * (literal.len() + bound.len()),
        "the errors themselves are logged"
    );
}

#[test]
fn a_statement_that_is_logged_for_its_duration_shows_no_payload() {
    let settings = "shared_preload_libraries = 'observa, auto_explain'\nlog_min_duration_statement = 0\nlog_statement = all\nauto_explain.log_min_duration = 0\nauto_explain.log_verbose = on\nlog_parameter_max_length = -1\n";
    let mut db = Database::ready_in(Cluster::own("log-duration", settings));
    let body = format!(r#"{{"model":"m","input":"{PAYLOAD}"}}"#);
    db.run(&format!("SELECT observa.ingest('{body}')"));
    db.run(&format!("INSERT INTO observa.llm_requests (model, prompt) VALUES ('m', '{PAYLOAD}')"));
    db.ingest(&body);
    // A request's headers, as PostgREST passes them on: an API key is among them.
    let headers = json!({"x-api-key": PAYLOAD}).to_string();
    db.client.query("SELECT set_config('request.headers', $1, true)", &[&headers]).unwrap();
    db.run("SELECT 'visible_marker'");
    let log = db.cluster.log();
    assert_eq!(shown(&log), [""; 0]);
    assert!(log.contains("visible_marker") && log.contains("duration:"), "{log}");
}

#[test]
fn the_victim_of_a_deadlock_shows_no_payload_of_the_other() {
    let mut db = Database::ready_in(Cluster::own("log-deadlock", "shared_preload_libraries = 'observa'\n"));
    db.run("CREATE TABLE t1 (); CREATE TABLE t2 ()");
    db.run("SET deadlock_timeout = '100ms'; BEGIN; LOCK TABLE t1");
    let mut other = db.connect();
    let body = format!(r#"{{"model":"m","input":"{PAYLOAD}"}}"#);
    other.batch_execute("SET deadlock_timeout = '60s'; BEGIN; LOCK TABLE t2").unwrap();
    let waiting = std::thread::spawn(move || {
        other.batch_execute(&format!("SELECT observa.ingest('{body}'), count(*) FROM t1")).map(|()| other)
    });
    while db.count("pg_locks WHERE NOT granted") == 0 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let victim = db.error("LOCK TABLE t2");
    assert_eq!(victim.code().code(), "40P01", "{victim:?}");
    assert!(waiting.join().unwrap().is_ok());
    let log = db.cluster.log();
    assert_eq!(shown(&log), [""; 0]);
    assert!(log.contains("deadlock detected") && log.contains("blocked by process"), "{log}");
}

#[test]
fn the_statement_of_a_killed_backend_shows_no_payload() {
    let mut db = Database::ready_in(Cluster::own("log-killed", "shared_preload_libraries = 'observa'\n"));
    let mut other = db.connect();
    let pid: i32 = observa_tests::database::one(&mut other, "SELECT pg_backend_pid()");
    let body = format!(r#"{{"model":"m","input":"{PAYLOAD}"}}"#);
    let running = std::thread::spawn(move || {
        other.batch_execute(&format!("SELECT observa.ingest('{body}'), pg_sleep(60)"))
    });
    while db.count(&format!("pg_stat_activity WHERE pid = {pid} AND wait_event = 'PgSleep'")) == 0 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    db.cluster.kill_backend(pid);
    assert!(running.join().unwrap().is_err());
    // The postmaster reports it in its own time; then the server comes back by itself.
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !db.cluster.log().contains("was terminated by signal 9") {
        assert!(std::time::Instant::now() < patience, "{}", db.cluster.log());
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    db.client = db.cluster.connect(&db.name);
    assert_eq!(shown(&db.cluster.log()), [""; 0]);
}

#[test]
fn an_innocent_statement_is_logged_as_ever() {
    let mut db = Database::ready_in(Cluster::own("log-other", "log_min_error_statement = error\n"));
    db.ingest(&llm_call("e").to_string());
    let _ = db.client.batch_execute("SELECT 1 / 0 AS visible_marker");
    assert!(db.cluster.log().contains("visible_marker"), "only the statement that brought a body is hidden");
    for sql in [
        "GRANT EXECUTE ON FUNCTION visible_grant() TO nobody",
        "CREATE TRIGGER t AFTER INSERT ON nothing EXECUTE FUNCTION visible_trigger()",
        "SELECT visible_column FROM logs",
        "PREPARE visible AS SELECT 1 / 0; EXECUTE visible",
    ] {
        let _ = db.client.batch_execute(sql);
        assert!(db.cluster.log().contains(sql), "{sql}");
    }
    db.ingest(&json!({"model": "m"}).to_string());
}
