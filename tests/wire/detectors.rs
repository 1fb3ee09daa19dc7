//! Functions that are asked about events: after the commit, as a role without rights, for a bounded time.

use observa_tests::Database;
use observa_tests::database::error;
use observa_tests::event::{lines, llm_call, now_ms, with};
use serde_json::{Value, json};

fn round(db: &mut Database) {
    let told: Value = db.one("SELECT observa.run_maintenance()");
    assert_eq!(told["failed"], json!([]), "{told}");
}

/// A function of an event, with a body in SQL or plpgsql.
fn function(db: &mut Database, name: &str, language: &str, body: &str) {
    db.run(&format!(
        "CREATE OR REPLACE FUNCTION public.{name}(event jsonb) RETURNS boolean LANGUAGE {language} AS $body$ {body} $body$"
    ));
}

/// A role that may read, and what a detector runs as.
fn watcher(db: &mut Database) -> String {
    drop(db.connect_as("watcher", "observa_read"));
    format!("watcher_{}", db.name)
}

fn fired(db: &mut Database) -> Vec<String> {
    db.rows("SELECT event_id FROM observa.signals WHERE type = 'custom' ORDER BY 1", &[])
        .iter()
        .map(|row| row.get(0))
        .collect()
}

#[test]
fn a_function_is_asked_about_each_event_once_and_after_the_commit() {
    let mut db = Database::ready();
    let role = watcher(&mut db);
    db.ingest(&with(llm_call("before"), json!({"plan": "free"})).to_string());
    function(
        &mut db,
        "is_free",
        "sql",
        "SELECT event -> 'attributes' ->> 'plan' = 'free' AND event ->> 'input' LIKE '%question%'",
    );
    // In a schema that nobody else may use.
    db.run(&format!("CREATE SCHEMA ours; GRANT USAGE ON SCHEMA ours TO {role}; ALTER FUNCTION public.is_free(jsonb) SET SCHEMA ours"));
    db.run(&format!(
        "SELECT observa.register_detector('free plan', 'ours.is_free(jsonb)', '{role}', 'high', '{{route}}')"
    ));
    let other = db.tenant("other");
    let event = |id: &str, more: Value| {
        with(with(llm_call(id), json!({"plan": "free", "route": "/r", "trace_id": "t"})), more)
    };
    let answer = db.ingest(&lines(&[
        event("a", json!({})),
        event("b", json!({"plan": "paid"})),
        event("c", json!({"tenant_id": other.to_string()})),
    ]));
    assert_eq!((&answer["accepted"], &answer["signals"]), (&json!(3), &json!(0)), "{answer}");
    round(&mut db);
    round(&mut db);
    assert_eq!(fired(&mut db), ["a"]);
    let signal = db.row("SELECT name, severity, value, alert_group, trace_id, details ->> 'function' AS function FROM observa.signals");
    assert_eq!(
        signal,
        json!({"name": "free plan", "severity": "high", "value": 1, "alert_group": "route=/r", "trace_id": "t", "function": "ours.is_free"})
    );
    assert_eq!(db.count("observa.alerts WHERE rule = 'free plan' AND severity = 'critical'"), 1);
    assert_eq!(db.count("observa_internal.detector_events"), 0);
    assert!(db.one::<bool>("SELECT observa.drop_detector('free plan')"));
    assert!(!db.one::<bool>("SELECT observa.drop_detector('free plan')"));
    db.ingest(&event("d", json!({})).to_string());
    round(&mut db);
    assert_eq!(fired(&mut db), ["a"]);
    assert_eq!(db.count("observa.audit_log WHERE action IN ('register_detector', 'drop_detector')"), 2);
}

#[test]
fn a_function_has_its_roles_rights_and_can_neither_write_nor_become_another() {
    let mut db = Database::ready();
    let role = watcher(&mut db);
    let other = db.tenant("other");
    db.run(&format!("CREATE TABLE public.written (n int); GRANT ALL ON public.written TO {role}"));
    db.ingest(&with(llm_call("theirs"), json!({"tenant_id": other.to_string()})).to_string());
    let tenant: String = db.one("SELECT observa_internal.own_tenant()::text");
    for (body, errs) in [
        (format!("BEGIN RETURN current_user = '{role}'; END"), false),
        // It reads the tenant's events, and no others.
        (format!("BEGIN RETURN (SELECT count(*) > 0 AND bool_and(tenant_id = '{tenant}') FROM observa.events); END"), false),
        ("BEGIN PERFORM set_config('observa.acting', 'x', false); RETURN true; END".into(), true),
        ("BEGIN SET ROLE postgres; RETURN true; END".into(), true),
        ("BEGIN RESET ROLE; RETURN true; END".into(), true),
        ("BEGIN SET SESSION AUTHORIZATION DEFAULT; RETURN true; END".into(), true),
        ("BEGIN INSERT INTO public.written VALUES (1); RETURN true; END".into(), true),
        ("BEGIN SET transaction_read_only = off; INSERT INTO public.written VALUES (1); RETURN true; END".into(), true),
        ("BEGIN CREATE TEMP TABLE t (n int); RETURN true; END".into(), true),
        ("BEGIN RETURN (SELECT count(*) >= 0 FROM observa_internal.detectors); END".into(), true),
        ("BEGIN PERFORM observa.create_api_key((SELECT id FROM observa.projects LIMIT 1), 'x'); RETURN true; END".into(), true),
        ("BEGIN PERFORM observa.ingest('{\"model\": \"x\"}'); RETURN true; END".into(), true),
        ("BEGIN RETURN pg_read_file('postgresql.conf') IS NOT NULL; END".into(), true),
        ("BEGIN RETURN 1 / 0 = 1; END".into(), true),
    ] {
        function(&mut db, "tries", "plpgsql", &body);
        db.run(&format!("SELECT observa.register_detector('tries', 'public.tries(jsonb)', '{role}')"));
        let before = fired(&mut db).len();
        let id = format!("event {}", uuid::Uuid::new_v4());
        db.ingest(&llm_call(&id).to_string());
        round(&mut db);
        let failed = db.row("SELECT errors, last_error FROM observa_internal.detectors");
        assert_eq!(failed["errors"], json!(i32::from(errs)), "{body}: {failed}");
        assert_eq!(fired(&mut db).len(), before + usize::from(!errs), "{body}: {failed}");
    }
    assert_eq!(db.count("public.written"), 0);
    // What it sets is set back.
    function(
        &mut db,
        "tries",
        "plpgsql",
        "BEGIN PERFORM set_config('application_name', 'mine', false); RETURN true; END",
    );
    db.run(&format!("SELECT observa.register_detector('tries', 'public.tries(jsonb)', '{role}')"));
    db.ingest(&llm_call("sets").to_string());
    round(&mut db);
    assert_ne!(db.one::<String>("SELECT current_setting('application_name')"), "mine");
    assert_eq!(db.one::<String>("SELECT current_user::text"), db.one::<String>("SELECT session_user::text"));
}

#[test]
fn a_function_that_hangs_is_ended_and_one_that_fails_again_and_again_is_asked_no_more() {
    let mut db = Database::ready();
    let role = watcher(&mut db);
    function(&mut db, "hangs", "sql", "SELECT pg_sleep(60) IS NULL");
    function(&mut db, "works", "sql", "SELECT true");
    db.run(&format!(
        "SELECT observa.register_detector('hangs', 'public.hangs(jsonb)', '{role}', timeout_ms => 100)"
    ));
    db.run(&format!("SELECT observa.register_detector('works', 'public.works(jsonb)', '{role}')"));
    for n in 1..=6 {
        db.ingest(&llm_call(&format!("e{n}")).to_string());
        let begun = std::time::Instant::now();
        round(&mut db);
        assert!(begun.elapsed().as_secs() < 20);
        let failing: Value =
            db.one("SELECT observa.health_detailed() -> 'checks' -> 'detectors' -> 'status'");
        assert_eq!(failing, if n < 5 { "failing" } else { "disabled" });
        let state = db.row("SELECT enabled, errors FROM observa_internal.detectors WHERE name = 'hangs'");
        assert_eq!(state, json!({"enabled": n < 5, "errors": n.min(5)}));
        // It is given some time.
        round(&mut db);
        assert_eq!(
            db.one::<i64>("SELECT errors FROM observa_internal.detectors WHERE name = 'hangs'"),
            n.min(5)
        );
        db.run("UPDATE observa_internal.detectors SET last_failed = last_failed - interval '3 min'");
    }
    assert_eq!(fired(&mut db), ["e1", "e2", "e3", "e4", "e5", "e6"], "the other one goes on");
    let health: Value = db.one("SELECT observa.health_detailed()");
    let check = &health["checks"]["detectors"];
    assert_eq!(
        (&check["status"], &check["errors"], &check["count"]),
        (&json!("disabled"), &json!(5), &json!(2)),
        "{check}"
    );
    assert!(check["disabled"]["hangs"].as_str().unwrap().starts_with("57014"), "{check}");
    db.run("SET statement_timeout = '30s'");
    db.run(&format!("SELECT observa.register_detector('hangs', 'public.works(jsonb)', '{role}')"));
    let health: Value = db.one("SELECT observa.health_detailed()");
    assert_eq!(health["checks"]["detectors"]["status"], "ok");
}

/// Its own, or the timer's that it did not mind: neither is one of the job's.
#[test]
fn a_cancel_that_a_function_raises_or_catches_ends_nothing_else() {
    let mut db = Database::ready();
    let role = watcher(&mut db);
    function(&mut db, "cancels", "plpgsql", "BEGIN RAISE query_canceled; END");
    function(
        &mut db,
        "catches",
        "plpgsql",
        "BEGIN PERFORM pg_sleep(30); RETURN false; EXCEPTION WHEN query_canceled THEN RETURN true; END",
    );
    function(&mut db, "works", "sql", "SELECT true");
    for name in ["cancels", "catches", "works"] {
        db.run(&format!(
            "SELECT observa.register_detector('{name}', 'public.{name}(jsonb)', '{role}', timeout_ms => 200)"
        ));
    }
    db.ingest(&llm_call("a").to_string());
    round(&mut db);
    let names = db.table("SELECT name FROM observa.signals WHERE type = 'custom' ORDER BY 1");
    assert_eq!(names, [json!({"name": "catches"}), json!({"name": "works"})]);
    let state = db.row("SELECT errors, last_error FROM observa_internal.detectors WHERE name = 'cancels'");
    assert_eq!(state["errors"], 1, "{state}");
    assert!(state["last_error"].as_str().unwrap().starts_with("57014"), "{state}");
    // Who calls the round may still end it.
    function(&mut db, "hangs", "sql", "SELECT pg_sleep(60) IS NULL");
    db.run(&format!(
        "SELECT observa.register_detector('hangs', 'public.hangs(jsonb)', '{role}', timeout_ms => 10000)"
    ));
    db.ingest(&llm_call("b").to_string());
    let pid: i32 = db.one("SELECT pg_backend_pid()");
    let mut other = db.connect();
    let cancels = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_secs(2));
        other.batch_execute(&format!("SELECT pg_cancel_backend({pid})"))
    });
    assert_eq!(db.error("SELECT observa.run_maintenance()").code().code(), "57014");
    cancels.join().unwrap().unwrap();
    assert_eq!(db.one::<i64>("SELECT errors FROM observa_internal.detectors WHERE name = 'hangs'"), 0);
}

/// Rules over windows, loops across batches, and functions are a job each.
#[test]
fn what_fails_in_one_kind_of_detection_leaves_the_others_what_they_found() {
    let broken = [
        ("detection", "INSERT ON observa_internal.rule_states", ["agent_loop", "works"]),
        ("recheck", "DELETE ON observa_internal.detection_candidates", ["calls", "works"]),
        ("detectors", "DELETE ON observa_internal.detector_events", ["agent_loop", "calls"]),
    ];
    for (job, event, found) in broken {
        let mut db = Database::ready();
        let role = watcher(&mut db);
        function(&mut db, "works", "sql", "SELECT true");
        db.run(&format!("SELECT observa.register_detector('works', 'public.works(jsonb)', '{role}')"));
        db.run("INSERT INTO observa.detection_rules (name, metric, threshold, window_minutes) VALUES ('calls', 'count', 2, 60)");
        for n in 0..6 {
            let call = json!({"event_type": "tool_call", "tool_name": "t", "input": "same", "trace_id": "t", "event_id": format!("c{n}"),
                              "timestamp": now_ms() - 300_000 + n});
            assert_eq!(db.ingest(&call.to_string())["accepted"], 1);
        }
        db.run(&format!(
            "CREATE FUNCTION public.breaks() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''broken''; END';
             CREATE TRIGGER zz_breaks BEFORE {event} FOR EACH STATEMENT EXECUTE FUNCTION public.breaks()"
        ));
        let told: Value = db.one("SELECT observa.run_maintenance()");
        assert_eq!(told["failed"], json!([job]), "{told}");
        let names = "SELECT DISTINCT name FROM observa.signals WHERE name IN ('works', 'agent_loop', 'calls') ORDER BY 1";
        let names: Vec<String> = db.rows(names, &[]).iter().map(|row| row.get(0)).collect();
        assert_eq!(names, found, "{job}");
    }
}

#[test]
fn only_a_superuser_registers_a_function_and_only_one_that_can_do_no_harm() {
    let mut db = Database::ready();
    let role = watcher(&mut db);
    let tenant: String = db.one("SELECT observa_internal.own_tenant()::text");
    function(&mut db, "fine", "sql", "SELECT true");
    db.run("CREATE FUNCTION public.wrong(event jsonb) RETURNS integer LANGUAGE sql AS 'SELECT 1'");
    db.run("CREATE FUNCTION public.many(event jsonb) RETURNS SETOF boolean LANGUAGE sql AS 'SELECT true'");
    db.run("CREATE FUNCTION public.text(event text) RETURNS boolean LANGUAGE sql AS 'SELECT true'");
    db.run("CREATE FUNCTION public.definer(event jsonb) RETURNS boolean LANGUAGE sql SECURITY DEFINER AS 'SELECT true'");
    db.run("CREATE FUNCTION public.closed(event jsonb) RETURNS boolean LANGUAGE sql AS 'SELECT true'; REVOKE ALL ON FUNCTION public.closed(jsonb) FROM PUBLIC");
    let mut boss = db.connect_as("boss", "observa_admin, observa_read");
    let login = format!("boss_{}", db.name);
    db.run(&format!("SELECT observa.grant_tenant('{login}', '{tenant}')"));
    for call in [
        format!("SELECT observa.register_detector('x', 'public.fine(jsonb)', '{role}')"),
        "SELECT observa.drop_detector('x')".to_owned(),
        "SELECT * FROM observa_internal.detectors".to_owned(),
    ] {
        assert_eq!(error(&mut boss, &call).code().code(), "42501", "{call}");
    }
    for (arguments, says) in [
        (format!("'x', 'public.wrong(jsonb)', '{role}'"), "returns boolean"),
        (format!("'x', 'public.many(jsonb)', '{role}'"), "returns boolean"),
        (format!("'x', 'public.text(text)', '{role}'"), "gone"),
        (format!("'x', 'public.definer(jsonb)', '{role}'"), "SECURITY DEFINER"),
        (format!("'x', 'public.closed(jsonb)', '{role}'"), "may not call"),
        ("'x', 'public.fine(jsonb)', current_user::text::regrole".to_owned(), "SUPERUSER"),
        ("'x', 'public.fine(jsonb)', 'observa_owner'".to_owned(), "run_as may be"),
        (format!("'x', 'public.fine(jsonb)', '{login}'"), "run_as may be"),
        (format!("'high_latency', 'public.fine(jsonb)', '{role}'"), "another name"),
        (format!("'x', 'public.fine(jsonb)', '{role}', 'fatal'"), "severity"),
        (format!("'x', 'public.fine(jsonb)', '{role}', timeout_ms => 60000"), "timeout_ms"),
        (format!("'x', 'public.fine(jsonb)', '{role}', group_by => '{{user_id}}'"), "group_by"),
        (format!("NULL, 'public.fine(jsonb)', '{role}'"), "name"),
        ("'x', NULL, NULL".to_owned(), "needed"),
    ] {
        let refused = db.error(&format!("SELECT observa.register_detector({arguments})"));
        assert_eq!(refused.code().code(), "22023", "{arguments}: {refused:?}");
        assert!(refused.message().contains(says), "{arguments}: {refused:?}");
    }
    assert_eq!(db.count("observa_internal.detectors"), 0);
    // A role that is made a superuser later is not run as.
    db.run(&format!(
        "SELECT observa.register_detector('x', 'public.fine(jsonb)', '{role}'); ALTER ROLE {role} SUPERUSER"
    ));
    db.ingest(&llm_call("a").to_string());
    round(&mut db);
    let state = db.row("SELECT errors, last_error FROM observa_internal.detectors");
    assert!(state["errors"] == 1 && state["last_error"].as_str().unwrap().contains("SUPERUSER"), "{state}");
    assert_eq!(fired(&mut db), [""; 0]);
}

#[test]
fn what_a_function_raises_is_not_repeated_where_everybody_who_watches_the_server_reads_it() {
    let mut db = Database::ready();
    let role = watcher(&mut db);
    function(&mut db, "tells", "plpgsql", "BEGIN RAISE EXCEPTION 'it said %', event ->> 'input'; END");
    db.run(&format!("SELECT observa.register_detector('tells', 'public.tells(jsonb)', '{role}')"));
    db.ingest(&with(llm_call("a"), json!({"input": "my dearest wish"})).to_string());
    round(&mut db);
    let told = db.row("SELECT errors, last_error FROM observa_internal.detectors");
    assert_eq!(told, json!({"errors": 1, "last_error": "P0001: (hidden)"}));
}

#[test]
fn events_that_wait_are_bounded_by_their_bytes_and_by_a_day() {
    let mut db = Database::ready();
    let role = watcher(&mut db);
    function(&mut db, "any", "sql", "SELECT true");
    db.run(&format!(
        "SELECT observa.register_detector('any', 'public.any(jsonb)', '{role}', timeout_ms => 10000)"
    ));
    let text = "many words ".repeat(45_000);
    let events: Vec<Value> =
        (0..38).map(|n| with(llm_call(&format!("e{n:02}")), json!({"input": text}))).collect();
    for part in events.chunks(13) {
        assert_eq!(db.ingest(&lines(part))["accepted"], part.len());
    }
    round(&mut db);
    // 33 of half a megabyte are 16 MB.
    assert_eq!((fired(&mut db).len(), db.count("observa_internal.detector_events")), (33, 5));
    db.run(
        "UPDATE observa_internal.detector_events SET entry_id = ('0000' || substr(entry_id::text, 5))::uuid
          WHERE event_id <> 'e37'",
    );
    round(&mut db);
    assert_eq!((fired(&mut db).len(), db.count("observa_internal.detector_events")), (34, 0));
}

#[test]
fn what_one_run_leaves_is_due_at_once() {
    let mut db = Database::ready();
    let role = watcher(&mut db);
    function(&mut db, "none", "sql", "SELECT false");
    db.run(&format!(
        "SELECT observa.register_detector('none', 'public.none(jsonb)', '{role}', timeout_ms => 10000)"
    ));
    db.ingest(&llm_call("first").to_string());
    round(&mut db);
    let events: Vec<Value> = (0..700).map(|n| llm_call(&format!("event {n}"))).collect();
    db.ingest(&lines(&events));
    db.run("UPDATE observa_internal.jobs SET next_run = CASE job WHEN 'detectors' THEN '-infinity' ELSE 'infinity' END::timestamptz");
    for left in [200, 0] {
        assert_eq!(
            db.one::<Option<String>>("SELECT observa_internal.run_due_job()").as_deref(),
            Some("detectors")
        );
        assert_eq!(db.count("observa_internal.detector_events"), left);
    }
    assert_eq!(db.one::<Option<String>>("SELECT observa_internal.run_due_job()"), None);
}

#[test]
fn a_run_that_goes_well_has_no_backend_read_all_configuration_again() {
    let mut db = Database::ready();
    let role = watcher(&mut db);
    function(&mut db, "any", "sql", "SELECT true");
    db.run(&format!("SELECT observa.register_detector('any', 'public.any(jsonb)', '{role}')"));
    db.ingest(&llm_call("a").to_string());
    db.run(
        "CREATE TABLE public.changes (n int);
         CREATE FUNCTION public.changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN INSERT INTO public.changes VALUES (1); RETURN NULL; END';
         CREATE TRIGGER zz_changed AFTER UPDATE ON observa_internal.detectors FOR EACH STATEMENT EXECUTE FUNCTION public.changed()",
    );
    round(&mut db);
    assert_eq!((fired(&mut db).len(), db.count("public.changes")), (1, 0));
}

#[test]
fn a_person_who_is_forgotten_while_a_function_is_asked_about_them_is_in_no_signal() {
    let mut db = Database::ready();
    let role = watcher(&mut db);
    function(&mut db, "any", "sql", "SELECT true");
    db.run(&format!("SELECT observa.register_detector('any', 'public.any(jsonb)', '{role}')"));
    db.ingest(&with(llm_call("a"), json!({"user_id": "u-1"})).to_string());
    db.run("SELECT observa.run_maintenance()");
    db.ingest(&with(llm_call("b"), json!({"user_id": "u-1"})).to_string());
    let mut other = db.connect();
    db.run("BEGIN; SELECT observa.run_maintenance()");
    assert_eq!(fired(&mut db), ["a", "b"]);
    let forgets = std::thread::spawn(move || other.batch_execute("SELECT observa.forget_user('u-1')"));
    std::thread::sleep(std::time::Duration::from_millis(500));
    db.run("COMMIT");
    forgets.join().unwrap().unwrap();
    assert_eq!(db.count("observa.signals WHERE user_id IS NOT NULL"), 0);
    assert_eq!(db.count("observa.events WHERE user_id IS NOT NULL"), 0);
}

/// As deep as an event may be it is deeper where it is shown: what can't be read there would stop the tenant's detection for good.
#[test]
fn the_deepest_event_is_asked_about_as_any_other() {
    let mut db = Database::ready();
    let role = watcher(&mut db);
    function(&mut db, "is_deep", "sql", "SELECT event -> 'attributes' ? 'deep'");
    db.run(&format!("SELECT observa.register_detector('is deep', 'public.is_deep(jsonb)', '{role}')"));
    let deep = format!("{}1{}", r#"{"a":"#.repeat(127), "}".repeat(127));
    let line = format!(r#"{},"deep":{deep}}}"#, llm_call("deep").to_string().trim_end_matches('}'));
    let answer = db.ingest(&format!("{line}\n{}", llm_call("flat")));
    assert_eq!(answer["accepted"], 2, "{answer}");
    round(&mut db);
    assert_eq!(fired(&mut db), ["deep"]);
    assert_eq!(db.count("observa_internal.detector_events"), 0);
}
