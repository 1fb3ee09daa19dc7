//! What sessions share: settings that anybody may set, locks that anybody may hold, and what the server shows of others.

use std::time::{Duration, Instant};

use super::{OURS, THEIRS, World, count};
use observa_tests::database::{one, rows};
use observa_tests::event::{llm_call, with};
use serde_json::json;

/// Values for each kind of setting, of which one at least is not the one that holds.
fn values(kind: &str, setting: &postgres::Row) -> Vec<String> {
    match kind {
        "bool" => vec!["on".into(), "off".into()],
        "enum" => setting.get::<_, Vec<String>>("enumvals"),
        "string" => vec![String::new(), "pg_temp, public".into(), "C".into()],
        _ => vec![setting.get("min_val"), setting.get("max_val")],
    }
}

#[test]
fn no_setting_that_a_client_may_set_shows_it_more_or_makes_it_somebody() {
    let mut world = World::new();
    let mut insider = world.insider("insider");
    let settings = rows(
        &mut insider.client,
        "SELECT name, vartype, coalesce(enumvals, '{}') AS enumvals, coalesce(min_val, '0') AS min_val, coalesce(max_val, '0') AS max_val
           FROM pg_settings WHERE context = 'user' AND name NOT IN ('client_encoding', 'statement_timeout', 'lock_timeout')",
        &[],
    );
    assert!(settings.len() > 100, "{}", settings.len());
    let theirs = world.theirs.id.clone();
    let before = world.rows(&theirs);
    for setting in settings {
        let name: String = setting.get("name");
        for value in values(&setting.get::<_, String>("vartype"), &setting) {
            // It may fail: a session without memory, or in a read-only transaction.
            insider.identity = format!("SAVEPOINT a; SET LOCAL {name} = '{value}'");
            if insider.client.batch_execute(&format!("BEGIN; {}", insider.identity)).is_err() {
                insider.client.batch_execute("ROLLBACK").unwrap();
                continue;
            }
            insider.client.batch_execute("ROLLBACK").unwrap();
            for sql in [
                "SELECT e::text FROM observa.events e, pg_catalog.set_config('work_mem', '4MB', true)",
                "SELECT observa.ingest('{\"model\": \"m\", \"event_id\": \"x\", \"tenant_id\": \"{}\"}'::text)",
                "SELECT p::text FROM observa_internal.event_payloads p",
            ] {
                let heard = insider.attempt(&sql.replace("{}", &theirs));
                assert!(!heard.contains(THEIRS), "{name} = {value}: {sql}: {heard}");
            }
        }
    }
    insider.identity = "SET LOCAL row_security = off".into();
    assert!(
        insider.attempt("SELECT * FROM observa.events").contains("would be affected by row-level security")
    );
    insider.identity = String::new();
    assert!(insider.attempt("SELECT e::text FROM observa.events e").contains(OURS));
    assert_eq!(world.rows(&theirs), before);
}

#[test]
fn settings_of_a_request_make_an_untrusted_login_nobody() {
    let mut world = World::new();
    let mut app = world.login("app", "observa_ingest, observa_read, observa_admin");
    world.db.run(&format!("SELECT observa.add_member('{}', 'ann', 'owner')", world.theirs.id));
    let claims = format!(
        r#"{{"sub": "ann", "role": "postgres", "app_metadata": {{"tenant_id": "{}"}}}}"#,
        world.theirs.id
    );
    let headers = r#"{"x-api-key": "sk_0", "authorization": "Bearer x"}"#;
    app.identity = format!(
        "SET LOCAL request.jwt.claims = '{claims}'; SET LOCAL \"request.jwt.claim.sub\" = 'ann'; SET LOCAL request.method = 'GET';
         SET LOCAL request.path = '/'; SET LOCAL request.headers = '{headers}'"
    );
    for sql in [
        "SELECT observa.pre_request()",
        "SELECT observa.current_tenant()",
        "SELECT e::text FROM observa.events e",
    ] {
        let heard = app.attempt(sql);
        assert!(!heard.contains("zq") && !heard.contains(&world.theirs.id), "{sql}: {heard}");
    }
    for sql in [
        "SET observa.acting = 'x'",
        "RESET observa.acting",
        "SET observa.trusted_logins = 'app'",
        "ALTER ROLE CURRENT_USER SET observa.trusted_logins = 'app'",
        "ALTER FUNCTION observa.current_tenant() COST 1",
        "GRANT SET ON PARAMETER observa.acting TO CURRENT_USER",
        "UPDATE pg_settings SET setting = 'x' WHERE name = 'observa.acting'",
        "LOAD 'observa'",
    ] {
        let heard = app.attempt(sql);
        assert!(
            ["42501", "42704"].iter().any(|code| heard.starts_with(code)) || heard.is_empty(),
            "{sql}: {heard}"
        );
        assert_eq!(
            one::<Option<String>>(&mut app.client, "SELECT observa.current_tenant()::text"),
            None,
            "{sql}"
        );
    }
}

/// All numbers that a lock of ours could be known or guessed by.
const GUESSES: &str = "
    SELECT pg_advisory_lock(n) FROM (
        SELECT x'6f62736572766101'::bigint + n FROM generate_series(-2, 2) n
        UNION ALL SELECT hashtextextended(tenant, seed) FROM unnest(ARRAY[{tenants}]) tenant, generate_series(0, 64) seed
        UNION ALL SELECT hashtextextended('Observa''s prices of ' || tenant, 0) FROM unnest(ARRAY[{tenants}, 'everybody']) tenant
        UNION ALL SELECT hashtextextended(tenant || key, 0) FROM unnest(ARRAY[{tenants}]) tenant, unnest(ARRAY[{keys}]) key) locks (n)";

#[test]
fn locks_that_a_client_may_hold_keep_nobody_waiting_and_no_alert_from_being_raised() {
    let mut world = World::new();
    let theirs = world.theirs.id.clone();
    // The client knows all: the tenant, and what its next alert will be locked by, which it has had before.
    world.db.run("UPDATE observa_internal.alerts SET status = 'closed', ended = gen_random_uuid()");
    let keys: Vec<String> = world
        .db
        .rows("SELECT quote_literal(alert_key) FROM observa_internal.alerts", &[])
        .iter()
        .map(|row| row.get(0))
        .collect();
    let mut client = world.login("client", "");
    let hold = GUESSES.replace("{tenants}", &format!("'{theirs}'")).replace("{keys}", &keys.join(", "));
    client.client.batch_execute(&hold).unwrap();
    assert!(client.attempt("SELECT observa_internal.try_lock(1, false)").starts_with("42501"));
    world.db.run("SET lock_timeout = '5s'");
    let slow = with(
        llm_call("slow"),
        json!({"tenant_id": theirs, "project_id": format!("shop {THEIRS}"), "latency_ms": 9000}),
    );
    assert_eq!(world.db.ingest(&slow.to_string())["alerts"], 1, "an alert is raised");
    // A day whose partition is missing, and the upkeep that makes it.
    let drop = "SELECT string_agg('DROP TABLE ' || c.oid::regclass, ';') FROM pg_class c WHERE c.relispartition AND c.relkind = 'r'
                   AND c.relnamespace = 'observa_internal'::regnamespace AND c.relname LIKE 'logs\\_%' AND pg_relation_size(c.oid) = 0";
    let drop: String = world.db.one(drop);
    world.db.run(&drop);
    world.db.run("INSERT INTO observa.logs (message, created_at) VALUES ('m', now() - interval '9 days')");
    world.db.run("SELECT observa.setup(), observa.run_maintenance(), observa.unload_prices('x')");
}

#[test]
fn who_holds_an_open_transaction_keeps_no_other_tenant_waiting() {
    let mut world = World::new();
    let mut idle = world.insider("idle");
    let theirs = world.theirs.id.clone();
    let open = [
        "SELECT count(*) FROM observa.events".to_owned(),
        format!("SELECT observa.ingest('{}'::text)", with(llm_call("open"), json!({"latency_ms": 9000}))),
        "SELECT observa.ingest('{\"model\": \"m\", \"event_id\": \"timeless\"}'::text)".to_owned(),
        "INSERT INTO observa.logs (message) VALUES ('m')".to_owned(),
        "SELECT observa.reprice('-infinity', 'infinity')".to_owned(),
        "UPDATE observa.detection_rules SET threshold = 1 WHERE name = 'high_latency'".to_owned(),
        "SELECT observa.acknowledge_alert(id) FROM observa.alerts WHERE status = 'active'".to_owned(),
    ];
    idle.client.batch_execute(&format!("BEGIN; {}", open.join("; "))).unwrap();
    for mode in ["ROW EXCLUSIVE", "SHARE", "EXCLUSIVE", "ACCESS EXCLUSIVE"] {
        for table in [
            "observa.events",
            "observa.detection_rules",
            "observa.llm_requests",
            "observa_internal.events",
            "observa_internal.alerts",
        ] {
            idle.client.batch_execute("SAVEPOINT a").unwrap();
            assert!(
                idle.client.batch_execute(&format!("LOCK TABLE {table} IN {mode} MODE")).is_err(),
                "{table} {mode}"
            );
            idle.client.batch_execute("ROLLBACK TO a").unwrap();
        }
    }
    world.db.run("SET lock_timeout = '5s'");
    let begun = Instant::now();
    let answer = world.db.ingest(
        &with(llm_call("other"), json!({"tenant_id": theirs, "latency_ms": 9000, "model": "another"}))
            .to_string(),
    );
    assert_eq!(answer["accepted"], 1);
    world.db.run(&format!("LOAD 'observa'; SET observa.acting = '{theirs}//iqa/'; SELECT observa.reprice('-infinity', 'infinity');
                           UPDATE observa.detection_rules SET threshold = 1 WHERE name = 'high_latency'"));
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_statement_with_a_body_is_not_shown_to_who_shares_the_login() {
    let mut world = World::new();
    let mut app = world.login("app", "observa_ingest, observa_read");
    let mut other = world.again("app");
    let key = world.theirs.keys["both"].clone();
    let pid: i32 = one(&mut app.client, "SELECT pg_backend_pid()");
    let body = llm_call(THEIRS).to_string();
    let shown = "SELECT query FROM pg_stat_activity WHERE pid = ";
    for (statement, head) in [
        (format!("SELECT observa.authenticate('{key}')"), "SELECT observa.authenticate((hidden)"),
        (format!("SELECT observa.ingest($${body}$$::text)"), "SELECT observa.ingest((hidden)"),
        (
            format!("INSERT INTO observa.logs (message) VALUES ('{THEIRS}')"),
            "INSERT INTO observa.logs (message) VALUES ((hidden)",
        ),
    ] {
        app.client.batch_execute(&format!("BEGIN; SELECT observa.authenticate('{key}')")).unwrap();
        app.client.batch_execute(&statement).unwrap();
        assert_eq!(one::<String>(&mut other.client, &format!("{shown}{pid}")), head);
        app.client.batch_execute("COMMIT").unwrap();
    }
    app.client.query_one("SELECT observa.authenticate($1)", &[&key]).unwrap();
    assert_eq!(one::<String>(&mut other.client, &format!("{shown}{pid}")), "SELECT observa.authenticate($1)");
    assert_eq!(count(&mut other.client, "observa.events"), 0);
}
