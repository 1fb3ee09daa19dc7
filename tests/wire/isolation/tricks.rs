//! Ways round row-level security that have worked elsewhere, each by itself.

use super::{Attacker, EVENTS, OURS, THEIRS, Tenant, World, count};
use observa_tests::database::{error, one, tell};
use observa_tests::event::llm_call;
use observa_tests::{Cluster, Database};

fn authenticate(of: &Tenant) -> String {
    format!("SELECT observa.authenticate('{}')", of.keys["both"])
}

/// A login of nobody's in the world, which may do all, and write functions.
fn app(world: &mut World) -> Attacker {
    let app = world.login("app", "observa_ingest, observa_read, observa_admin");
    world.db.run("CREATE SCHEMA lab; GRANT ALL ON SCHEMA lab TO PUBLIC");
    app
}

#[track_caller]
fn sees_ours_alone(heard: &str) {
    assert!(heard.contains(OURS) && !heard.contains(THEIRS), "{heard}");
}

#[test]
fn a_cheap_function_in_a_query_is_shown_no_foreign_row() {
    let mut world = World::new();
    let mut app = app(&mut world);
    app.client
        .batch_execute(
            "CREATE FUNCTION lab.tell(anyelement) RETURNS boolean LANGUAGE plpgsql IMMUTABLE COST 0.0000001 AS
                 $$BEGIN RAISE NOTICE '%', $1::text; RETURN true; END$$;
             CREATE FUNCTION lab.tells(text, text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE COST 0.0000001 AS
                 $$BEGIN RAISE NOTICE '% %', $1, $2; RETURN true; END$$;
             CREATE OPERATOR lab.<< (LEFTARG = text, RIGHTARG = text, FUNCTION = lab.tells, RESTRICT = eqsel);
             CREATE FUNCTION lab.fail(text) RETURNS integer LANGUAGE sql IMMUTABLE COST 0.0000001 AS $$SELECT $1::integer$$;
             CREATE FUNCTION lab.order(text, text) RETURNS integer LANGUAGE plpgsql IMMUTABLE COST 0.0000001 AS
                 $$BEGIN RAISE NOTICE '% %', $1, $2; RETURN 0; END$$",
        )
        .unwrap();
    app.identity = authenticate(&world.ours);
    for table in [
        "observa.events",
        "observa_internal.events",
        "observa_internal.event_payloads",
        "observa_internal.rejected_events",
    ] {
        for sql in [
            format!("SELECT 1 FROM {table} e WHERE lab.tell(e)"),
            format!("SELECT 1 FROM {table} e WHERE e::text OPERATOR(lab.<<) 'x'"),
            format!("SELECT e::text FROM {table} e ORDER BY lab.tell(e)"),
            format!("SELECT count(*) FILTER (WHERE lab.tell(e)) FROM {table} e"),
            format!("SELECT 1 FROM {table} e JOIN {table} f ON lab.tells(e::text, f::text)"),
            format!(
                "SELECT e::text FROM {table} e LEFT JOIN {table} f ON f.tenant_id <> e.tenant_id AND lab.tells(e::text, f::text)"
            ),
            format!(
                "EXPLAIN (ANALYZE, VERBOSE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT '{OURS}' FROM {table} e WHERE lab.tell(e)"
            ),
        ] {
            sees_ours_alone(&app.attempt(&sql));
        }
        // An error quotes the value that it fails on: the first that is met.
        for sql in [
            format!("SELECT 1 FROM {table} e WHERE lab.fail(e::text) = 1"),
            format!("SELECT e::text::integer FROM {table} e"),
            format!("SELECT 1 / (e::text = 'x')::integer FROM {table} e"),
        ] {
            let heard = app.attempt(&sql);
            assert!(!heard.contains(THEIRS), "{heard}");
        }
    }
}

#[test]
fn a_plan_of_one_tenant_is_run_for_the_next_one_with_the_next_ones_eyes() {
    let mut world = World::new();
    let mut app = app(&mut world);
    for mode in ["force_generic_plan", "force_custom_plan", "auto"] {
        app.client
            .batch_execute(&format!(
                "SET plan_cache_mode = {mode}; BEGIN; {};
                 PREPARE seen(text) AS SELECT e::text FROM observa.events e WHERE e.status = $1 OR true;
                 CREATE OR REPLACE FUNCTION lab.seen() RETURNS SETOF text LANGUAGE plpgsql AS
                     $$BEGIN RETURN QUERY SELECT e::text FROM observa.events e; END$$;
                 EXECUTE seen('ok'); SELECT lab.seen(); COMMIT",
                authenticate(&world.theirs)
            ))
            .unwrap();
        for sql in ["EXECUTE seen('ok')", "SELECT lab.seen()", "EXPLAIN ANALYZE EXECUTE seen('ok')"] {
            app.identity = String::new();
            assert!(!app.attempt(sql).contains("zq"), "{mode}: {sql}");
            app.identity = authenticate(&world.ours);
            let heard = app.attempt(sql);
            assert!(
                !heard.contains(THEIRS) && (sql.starts_with("EXPLAIN") || heard.contains(OURS)),
                "{mode}: {heard}"
            );
        }
        app.client.batch_execute("DEALLOCATE ALL").unwrap();
    }
    // As drivers prepare them.
    let statement = app.client.prepare("SELECT e::text FROM observa.events e").unwrap();
    for (of, mark) in [(&world.theirs, THEIRS), (&world.ours, OURS)] {
        for _ in 0..7 {
            let mut transaction = app.client.transaction().unwrap();
            transaction.execute("SELECT observa.authenticate($1)", &[&of.keys["both"]]).unwrap();
            let rows = transaction.query(&statement, &[]).unwrap();
            assert!(
                rows.len() as i64 == EVENTS && rows.iter().all(|row| row.get::<_, String>(0).contains(mark))
            );
            transaction.commit().unwrap();
        }
        assert!(app.client.query(&statement, &[]).unwrap().is_empty());
    }
}

#[test]
fn a_cursor_that_outlives_its_transaction_holds_what_its_own_key_saw() {
    let mut world = World::new();
    let mut app = app(&mut world);
    let (ours, theirs) = (authenticate(&world.ours), authenticate(&world.theirs));
    // Declared by nobody: it fetches nothing later, whoever is acting then.
    app.client
        .batch_execute(
            "BEGIN; DECLARE before CURSOR WITH HOLD FOR SELECT e::text FROM observa.events e; COMMIT",
        )
        .unwrap();
    app.identity = theirs.clone();
    assert_eq!(app.attempt("FETCH ALL before"), "");
    // Declared under one key, and read under another: what was not yet fetched is read as who declared it was at commit.
    app.client
        .batch_execute(&format!(
            "BEGIN; {ours}; DECLARE held CURSOR WITH HOLD FOR SELECT e::text FROM observa.events e; FETCH 1 FROM held; COMMIT"
        ))
        .unwrap();
    let heard = app.attempt("FETCH ALL held");
    sees_ours_alone(&heard);
    app.client.batch_execute("CLOSE ALL").unwrap();
    assert!(app.attempt("FETCH ALL held").contains("does not exist"));
}

#[test]
fn what_survives_a_transaction_knows_nobody() {
    let mut world = World::new();
    let mut app = app(&mut world);
    let ours = authenticate(&world.ours);
    app.client
        .batch_execute(&format!(
            "CREATE PROCEDURE lab.goes_on() LANGUAGE plpgsql AS $$BEGIN
                 PERFORM observa.authenticate('{0}'); COMMIT;
                 IF observa.current_tenant() IS NOT NULL OR EXISTS (SELECT FROM observa.events) THEN RAISE 'still somebody'; END IF;
                 PERFORM observa.authenticate('{0}'); ROLLBACK;
                 IF observa.current_tenant() IS NOT NULL THEN RAISE 'still somebody'; END IF; END$$",
            world.ours.keys["both"]
        ))
        .unwrap();
    app.client.batch_execute("CALL lab.goes_on()").unwrap();
    for end in [
        "COMMIT AND CHAIN",
        "ROLLBACK AND CHAIN",
        "PREPARE TRANSACTION 'left'; BEGIN",
        "COMMIT; DISCARD ALL; BEGIN",
        "COMMIT; RESET ALL; BEGIN",
    ] {
        app.client.batch_execute(&format!("BEGIN; {ours}")).unwrap();
        assert_eq!(count(&mut app.client, "observa.events"), EVENTS);
        for statement in end.split("; ") {
            app.client.batch_execute(statement).unwrap();
        }
        assert_eq!(count(&mut app.client, "observa.events"), 0, "{end}");
        app.client.batch_execute("ROLLBACK").unwrap();
    }
    // What a transaction that was prepared has written belongs to whom it acted for, whoever commits it.
    app.client.batch_execute("ROLLBACK PREPARED 'left'").unwrap();
    let body = llm_call("two phases").to_string();
    app.client
        .batch_execute(&format!(
            "BEGIN; {ours}; SELECT observa.ingest('{body}'::text); PREPARE TRANSACTION 'two'"
        ))
        .unwrap();
    app.client.batch_execute("COMMIT PREPARED 'two'").unwrap();
    let id = world.ours.id.clone();
    assert_eq!(
        world.db.count(&format!("observa.events WHERE event_id = 'two phases' AND tenant_id = '{id}'")),
        1
    );
}

#[test]
fn a_key_that_was_never_committed_is_forgotten_with_its_transaction() {
    let mut world = World::new();
    let mut insider = world.insider("insider");
    let login: String = one(&mut insider.client, "SELECT session_user::text");
    let project: uuid::Uuid = one(&mut insider.client, "SELECT id FROM observa.projects LIMIT 1");
    let make = format!("SELECT observa.create_api_key('{project}', 'sk')");
    for (begin, end) in [("BEGIN", "ROLLBACK"), ("BEGIN; SAVEPOINT a", "ROLLBACK TO a; COMMIT")] {
        insider.client.batch_execute(begin).unwrap();
        let key: String = one(&mut insider.client, &make);
        insider.client.query_one("SELECT observa.authenticate($1)", &[&key]).unwrap();
        insider.client.batch_execute(end).unwrap();
        let again = insider.client.query_one("SELECT observa.authenticate($1)", &[&key]);
        assert_eq!(again.unwrap_err().code().unwrap().code(), "28P01", "{end}");
    }
    // So is a login that got its tenant, and a revoke that did not happen.
    let other = world.login("other", "observa_read");
    let theirs = world.theirs.id.clone();
    let mut root = world.db.connect();
    root.batch_execute(&format!("BEGIN; SELECT observa.grant_tenant('{login}', '{theirs}')")).unwrap();
    root.batch_execute(&format!("SET SESSION AUTHORIZATION {login}")).unwrap();
    assert_eq!(one::<String>(&mut root, "SELECT observa.current_tenant()::text"), theirs);
    root.batch_execute("ROLLBACK").unwrap();
    root.batch_execute(&format!("SET SESSION AUTHORIZATION {login}")).unwrap();
    assert_eq!(one::<String>(&mut root, "SELECT observa.current_tenant()::text"), world.ours.id);
    root.batch_execute(&format!(
        "RESET SESSION AUTHORIZATION; SET SESSION AUTHORIZATION {}_{}",
        other.name, world.db.name
    ))
    .unwrap();
    assert_eq!(one::<Option<String>>(&mut root, "SELECT observa.current_tenant()::text"), None);
}

#[test]
fn what_one_tenant_made_shows_its_caller_the_callers_rows() {
    let mut world = World::new();
    let mut maker = app(&mut world);
    let login: String = one(&mut maker.client, "SELECT session_user::text");
    let theirs = world.theirs.id.clone();
    world.db.run(&format!("SELECT observa.grant_tenant('{login}', '{theirs}')"));
    maker
        .client
        .batch_execute(
            "CREATE VIEW lab.view AS SELECT e::text FROM observa.events e;
             CREATE VIEW lab.deeper WITH (security_invoker = true) AS SELECT * FROM lab.view;
             CREATE VIEW lab.barrier WITH (security_barrier = true) AS SELECT * FROM lab.deeper;
             CREATE FUNCTION lab.definer() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER AS 'SELECT e::text FROM observa.events e';
             SET check_function_bodies = off;
             CREATE FUNCTION lab.off() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER SET row_security = off AS
                 'SELECT e::text FROM observa.events e';
             CREATE FUNCTION lab.trace() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER AS $$SELECT observa.trace('t' || 'zqtheirsqz')::text$$;
             CREATE MATERIALIZED VIEW lab.kept AS SELECT 1 AS one;
             GRANT SELECT ON ALL TABLES IN SCHEMA lab TO PUBLIC; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA lab TO PUBLIC",
        )
        .unwrap();
    let mut insider = world.insider("insider");
    for sql in [
        "SELECT * FROM lab.view",
        "SELECT * FROM lab.deeper",
        "SELECT * FROM lab.barrier",
        "SELECT lab.definer()",
    ] {
        sees_ours_alone(&insider.attempt(sql));
    }
    assert!(insider.attempt("SELECT lab.off()").contains("would be affected by row-level security"));
    assert!(!insider.attempt("SELECT lab.trace()").contains("summary"));
    // By a login without any role they show nothing more.
    let mut public = world.login("public", "");
    for sql in ["SELECT * FROM lab.view", "SELECT lab.definer()"] {
        let heard = public.attempt(sql);
        assert!(!heard.contains("zq"), "{heard}");
    }
}

#[test]
fn names_that_are_shadowed_mislead_nobody_but_their_maker() {
    let mut world = World::new();
    let mut app = app(&mut world);
    app.client
        .batch_execute(
            "CREATE FUNCTION lab.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT NULL::timestamptz';
             CREATE FUNCTION lab.current_tenant() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()';
             CREATE FUNCTION lab.readable_tenant() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()';
             CREATE FUNCTION lab.pg_notify(text, text) RETURNS void LANGUAGE plpgsql AS $$BEGIN RAISE 'shadow'; END$$;
             CREATE FUNCTION lab.eq(uuid, uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true';
             CREATE OPERATOR lab.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = lab.eq);
             CREATE FUNCTION lab.eq(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
             CREATE OPERATOR lab.= (LEFTARG = text, RIGHTARG = text, FUNCTION = lab.eq);
             CREATE FUNCTION lab.max(text) RETURNS text LANGUAGE plpgsql AS $$BEGIN RAISE 'shadow'; END$$;
             CREATE DOMAIN lab.uuid AS text CHECK (VALUE = 'never');
             CREATE DOMAIN lab.text AS pg_catalog.text CHECK (VALUE = 'never');
             SET search_path = lab, observa, observa_internal, pg_catalog",
        )
        .unwrap();
    // Whatever our statements call their rows by.
    for name in [
        "rows",
        "new_signals",
        "candidate",
        "missing",
        "bucket",
        "own",
        "raised",
        "events",
        "api_keys",
        "logins",
        "tenants",
        "part",
        "old",
        "key",
    ] {
        app.client
            .batch_execute(&format!(
                "CREATE TEMP TABLE {name} (tenant_id pg_catalog.uuid, event_id pg_catalog.text)"
            ))
            .unwrap();
    }
    app.client
        .batch_execute("SET search_path = pg_temp, lab, observa, observa_internal, pg_catalog")
        .unwrap();
    app.identity = authenticate(&world.ours).replace("')", "'::pg_catalog.text)");
    let body = r#"{"model": "m", "event_id": "shadowed", "latency_ms": 90000, "trace_id": "shadowed"}"#;
    let heard = app.attempt(&format!("SELECT observa.ingest('{body}'::pg_catalog.text)"));
    assert!(heard.contains("\"accepted\": 1") && heard.contains("\"alerts\": 1"), "{heard}");
    sees_ours_alone(&app.attempt("SELECT e::pg_catalog.text FROM observa.events e"));
    sees_ours_alone(&app.attempt("SELECT a::pg_catalog.text FROM observa.alerts a"));
    let seen = app.attempt("SELECT observa.trace('shadowed'::pg_catalog.text)");
    assert!(seen.contains("\"event_count\": 1"), "{seen}");
    // A trigger of a view of ours on a table of theirs would run with its owner's rights.
    for function in [
        "insert_log",
        "insert_llm_request",
        "raise_alerts",
        "edit_model_price",
        "edit_detection_rule",
        "edit_budget",
    ] {
        let sql = format!(
            "CREATE TRIGGER t AFTER INSERT ON pg_temp.rows EXECUTE FUNCTION observa_internal.{function}()"
        );
        assert_eq!(error(&mut app.client, &sql).code().code(), "42501", "{function}");
    }
}

#[test]
fn a_channel_tells_that_there_is_an_alert_and_nothing_of_it() {
    let mut world = World::new();
    let mut listener = world.login("listener", "");
    listener.client.batch_execute("LISTEN observa_alerts").unwrap();
    let theirs = world.theirs.id.clone();
    let event = observa_tests::event::with(
        llm_call("n"),
        serde_json::json!({"tenant_id": theirs, "latency_ms": 90000, "route": THEIRS, "model": THEIRS}),
    );
    assert_eq!(world.db.ingest(&event.to_string())["alerts"], 1);
    world.db.run("SELECT observa.run_maintenance()");
    use postgres::fallible_iterator::FallibleIterator;
    let mut notifications = listener.client.notifications();
    let told = notifications
        .timeout_iter(std::time::Duration::from_secs(5))
        .next()
        .unwrap()
        .expect("a notification");
    assert!(told.payload().parse::<uuid::Uuid>().is_ok(), "{}", told.payload());
}

#[test]
fn only_who_administers_the_tenant_edits_it() {
    let mut world = World::new();
    let login: String = one(&mut app(&mut world).client, "SELECT session_user::text");
    let ours = world.ours.id.clone();
    let alert: String =
        world.db.one(&format!("SELECT id::text FROM observa.alerts WHERE tenant_id = '{ours}' LIMIT 1"));
    let edits = [
        "UPDATE observa.detection_rules SET threshold = 1 WHERE name = 'high_latency'",
        "INSERT INTO observa.detection_rules (name, enabled) VALUES ('high_cost', false)",
        "INSERT INTO observa.model_prices (model, rates) VALUES ('m', '{}')",
        "DELETE FROM observa.model_prices WHERE tenant_id IS NOT NULL",
        "SELECT observa.load_prices('{}', 'mine')",
        "SELECT observa.compare_prices('{}', 'mine')",
        "SELECT observa.unload_prices('mine')",
        "SELECT observa.reprice('-infinity', 'infinity')",
        "SELECT observa.retranslate('-infinity', 'infinity')",
        &format!("SELECT observa.acknowledge_alert('{alert}')"),
        &format!("SELECT observa.close_alert('{alert}')"),
    ];
    let state = |world: &mut World| world.rows(&ours);
    let before = state(&mut world);
    // A key whose login was granted observa_admin, as one login for the keys of a front may be.
    for key in ["both", "ingest", "query", "public"] {
        let identity = format!("SELECT observa.authenticate('{}')", world.ours.keys[key]);
        let mut attacker = world.again("app").acting_as(key, identity);
        for sql in edits {
            let heard = attacker.attempt(sql);
            // What is not shown is not there: then there is nothing to edit.
            let refused = ["42501", "02000"].iter().any(|code| heard.starts_with(code));
            assert!(refused || heard.is_empty() && !sql.starts_with("SELECT"), "{key}: {sql}: {heard}");
        }
        // What decides is not shown to who may only send.
        let prices =
            attacker.attempt("SELECT p::text FROM observa.model_prices p WHERE tenant_id IS NOT NULL");
        let notes = attacker.attempt("SELECT note FROM observa_internal.alerts");
        let reads = ["both", "query"].contains(&key);
        assert_eq!((prices.contains(OURS), notes.contains(OURS)), (reads, reads), "{key}");
        let heard = attacker.attempt("UPDATE observa_internal.alerts SET note = 'mine' RETURNING alert_id");
        assert!(heard.starts_with("42501"), "{heard}");
        assert_eq!(state(&mut world), before, "{key}");
    }
    world.db.run(&format!("SELECT observa.grant_tenant('{login}', '{ours}')"));
    let mut owner = world.again("app");
    assert_eq!(owner.attempt(edits[0]), "");
    assert_ne!(state(&mut world), before);
}

#[test]
fn settings_of_a_library_that_is_not_loaded_yet_are_nobodys_identity() {
    let mut db = Database::ready_in(Cluster::own("late", ""));
    db.ingest(&llm_call("a").to_string());
    let tenant: String = db.one("SELECT tenant_id::text FROM observa_internal.tenants");
    db.run(&format!("SELECT observa.add_member('{tenant}', 'ann', 'owner')"));
    let _ = db.connect_as("late", "observa_read, observa_ingest");
    db.run("CREATE SCHEMA lab; GRANT ALL ON SCHEMA lab TO PUBLIC");
    let login = format!("late_{}", db.name);
    let claims = format!(r#"{{"sub": "ann", "app_metadata": {{"tenant_id": "{tenant}"}}}}"#);
    let acting = format!("{tenant}//iqa/");
    let connect = |options: &str| {
        let mut config = db.cluster.config(&db.name);
        config.user(&login).options(options);
        config.connect(postgres::NoTls)
    };
    for first in [
        format!("SET observa.trusted_logins = '{login}'"),
        format!("BEGIN; SET LOCAL observa.trusted_logins = '{login}'"),
        format!("BEGIN; SET LOCAL observa.acting = '{acting}'"),
        format!("BEGIN; SAVEPOINT a; SET LOCAL observa.acting = '{acting}'; RELEASE a"),
        format!("SET observa.acting = 'x'; BEGIN; SET LOCAL observa.acting = '{acting}'"),
        format!(
            "CREATE OR REPLACE FUNCTION lab.f() RETURNS bigint LANGUAGE sql SET observa.acting = '{acting}' AS 'SELECT count(*) FROM observa.events'"
        ),
    ] {
        let mut late = connect("").unwrap();
        let _ = late.batch_execute(&first);
        let _ = late.batch_execute(&format!("SET request.jwt.claims = '{claims}'"));
        for sql in ["SELECT lab.f()", "SELECT count(*) FROM observa.events"] {
            match late.query_one(sql, &[]) {
                Ok(row) => assert_eq!(row.get::<_, i64>(0), 0, "{first}: {sql}"),
                Err(error) => assert!(!tell(&error).contains(&tenant)),
            }
            let _ = late.batch_execute("ROLLBACK");
        }
        let _ = late.batch_execute("COMMIT");
        assert_eq!(count(&mut late, "observa.events"), 0, "{first}");
    }
    if let Ok(mut late) = connect(&format!("-c observa.trusted_logins={login}")) {
        let _ = late.batch_execute(&format!("SET request.jwt.claims = '{claims}'"));
        assert_eq!(count(&mut late, "observa.events"), 0);
    }
}
