//! Who sees what, and that every object is closed and explained: read from the catalogs, so that a new one is tested, too.

use observa_tests::database::{error, one, rows};
use observa_tests::event::{lines, llm_call, with};
use observa_tests::{Cluster, Database};
use serde_json::json;

/// The names that a query finds; each is a hole.
#[track_caller]
fn none(db: &mut Database, what: &str, sql: &str) {
    let found: Vec<String> = db.rows(sql, &[]).iter().map(|row| row.get(0)).collect();
    assert_eq!(found, [""; 0], "{what}");
}

#[test]
fn every_table_and_partition_has_row_security_forced_and_a_policy() {
    let mut db = Database::ready();
    db.ingest(&llm_call("e").to_string());
    let tables =
        "FROM pg_class c WHERE c.relnamespace = 'observa_internal'::regnamespace AND c.relkind IN ('r', 'p')";
    none(
        &mut db,
        "without row security, enabled and forced",
        &format!(
            "SELECT c.relname::text {tables} AND NOT (c.relrowsecurity AND c.relforcerowsecurity) ORDER BY 1"
        ),
    );
    none(
        &mut db,
        "without a policy",
        &format!(
            "SELECT c.relname::text {tables} AND NOT c.relispartition AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid) ORDER BY 1"
        ),
    );
    none(
        &mut db,
        "owned by a role that row security does not bind",
        &format!(
            "SELECT c.relname::text {tables} AND EXISTS (SELECT FROM pg_roles r WHERE r.oid = c.relowner AND (r.rolsuper OR r.rolbypassrls)) ORDER BY 1"
        ),
    );
    none(
        &mut db,
        "open to everybody",
        &format!(
            "SELECT c.relname::text {tables} AND EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee = 0) ORDER BY 1"
        ),
    );
    none(
        &mut db,
        "a table in the exposed schema",
        "SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = 'observa'::regnamespace AND c.relkind IN ('r', 'p', 'm', 'f')",
    );
}

#[test]
fn every_view_shows_its_reader_no_more_than_the_tables_do() {
    let mut db = Database::ready();
    none(&mut db, "not security_invoker",
        "SELECT c.relname::text FROM pg_class c WHERE c.relnamespace IN ('observa'::regnamespace, 'observa_internal'::regnamespace)
          AND c.relkind = 'v' AND NOT coalesce(c.reloptions @> '{security_invoker=true}', false)
          AND NOT c.relname = ANY ('{daily_metrics, model_daily, tenant_daily}') ORDER BY 1");
    none(
        &mut db,
        "a view in the internal schema",
        "SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = 'observa_internal'::regnamespace AND c.relkind = 'v'",
    );
}

/// A materialized view can't carry row security: nobody but the one role that sees all tenants reads it, and the view of the same name
/// filters by tenant before anything else is asked.
#[test]
fn materialized_views_are_nobodys_and_are_shown_by_tenant() {
    let mut db = Database::ready();
    let named = |db: &mut Database, what: &str, sql: &str| -> Vec<String> {
        let found: Vec<String> = db.rows(sql, &[]).iter().map(|row| row.get(0)).collect();
        assert!(!found.is_empty(), "{what}");
        found
    };
    let matviews = named(
        &mut db,
        "matviews",
        "SELECT matviewname::text FROM pg_matviews WHERE schemaname = 'observa_internal' ORDER BY 1",
    );
    let barriers = named(
        &mut db,
        "barriers",
        "SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = 'observa'::regnamespace AND c.relkind = 'v'
            AND c.reloptions @> '{security_barrier=true}' AND c.relowner = 'observa_system'::regrole
            AND pg_get_viewdef(c.oid) LIKE '%readable_tenant()%' ORDER BY 1",
    );
    assert_eq!(matviews, barriers);
    none(
        &mut db,
        "readable by somebody",
        "SELECT c.relname::text FROM pg_class c CROSS JOIN pg_roles r
          WHERE c.relkind = 'm' AND NOT r.rolsuper AND r.rolname <> 'observa_system' AND r.rolname !~ '^pg_'
            AND has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')",
    );
}

/// They read one setting or what they are called with and run no SQL; a pinned search_path would cost more than the call, once a row.
const NO_SQL: &str = "'current_tenant', 'readable_tenant', 'administered_tenant', 'current_project', 'histogram', 'merge', 'quantile',
    'histogram_count', 'histogram_mean', 'add_histograms', 'subtract_histograms', 'histogram_in', 'histogram_of', 'histogram_out', 'histogram_recv', 'histogram_send',
    'histogram_record', 'histogram_merge', 'histogram_combine', 'histogram_serialize', 'histogram_deserialize', 'histogram_final',
    'net_latency', 'net_latencies', 'net_latencies_final', 'latency_summary', 'latency_summary_final', 'merge_sketch', 'count_sketches', 'distinct_final_count',
    'distinct_values', 'distinct_count', 'add_distinct', 'distinct_in', 'distinct_of', 'distinct_out', 'distinct_recv', 'distinct_send',
    'distinct_record', 'distinct_merge', 'distinct_combine', 'distinct_serialize', 'distinct_deserialize', 'distinct_final', 'csv_of_lines', 'ndjson_of_lines'";

#[test]
fn every_function_is_closed_to_the_public_and_has_its_search_path_pinned() {
    let mut db = Database::ready();
    let functions =
        "FROM pg_proc p WHERE p.pronamespace IN ('observa'::regnamespace, 'observa_internal'::regnamespace)";
    none(&mut db, "executable by PUBLIC",
        &format!("SELECT p.oid::regprocedure::text {functions}
                     AND (p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0)) ORDER BY 1"));
    none(&mut db, "search_path not pinned",
        &format!("SELECT p.oid::regprocedure::text {functions} AND p.prosqlbody IS NULL AND p.prorettype <> 'trigger'::regtype
                     AND p.proname NOT IN ({NO_SQL})
                     AND NOT EXISTS (SELECT FROM unnest(p.proconfig) s WHERE s = 'search_path=pg_catalog, pg_temp') ORDER BY 1"));
    none(
        &mut db,
        "SECURITY DEFINER of a superuser",
        &format!(
            "SELECT p.oid::regprocedure::text {functions} AND p.prosecdef
                     AND EXISTS (SELECT FROM pg_roles r WHERE r.oid = p.proowner AND r.rolsuper) ORDER BY 1"
        ),
    );
    none(
        &mut db,
        "a SECURITY DEFINER trigger without a pinned search_path",
        &format!(
            "SELECT p.oid::regprocedure::text {functions} AND p.prosecdef AND p.proconfig IS NULL ORDER BY 1"
        ),
    );
}

#[test]
fn every_object_says_what_it_is() {
    let mut db = Database::ready();
    none(&mut db, "functions without a comment",
        "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace IN ('observa'::regnamespace, 'observa_internal'::regnamespace)
            AND obj_description(p.oid, 'pg_proc') IS NULL ORDER BY 1");
    none(&mut db, "tables and views without a comment",
        "SELECT c.relname::text FROM pg_class c WHERE c.relnamespace IN ('observa'::regnamespace, 'observa_internal'::regnamespace)
            AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition AND obj_description(c.oid, 'pg_class') IS NULL ORDER BY 1");
    none(&mut db, "indexes of our own without the query that needs them",
        "SELECT c.relname::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
          WHERE c.relnamespace = 'observa_internal'::regnamespace AND NOT c.relispartition AND NOT i.indisprimary
            AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid) AND obj_description(c.oid, 'pg_class') IS NULL ORDER BY 1");
    for schema in ["observa", "observa_internal"] {
        assert!(
            db.one::<Option<String>>(&format!(
                "SELECT obj_description('{schema}'::regnamespace, 'pg_namespace')"
            ))
            .is_some()
        );
    }
}

#[test]
fn a_reader_without_an_identity_sees_no_row_anywhere() {
    let mut db = Database::ready();
    db.ingest(&lines(&[
        with(llm_call("a"), json!({"trace_id": "t", "conversation_id": "c", "session_id": "s", "user_id": "u", "latency_ms": 9000})),
        json!({"bad": 1}),
    ]));
    let mut reader = db.connect_as("reader", "observa_read, observa_admin");
    // What nobody may read, as the type of what exports return, shows nobody anything.
    let views = "SELECT relname::text FROM pg_class
                  WHERE relnamespace = 'observa'::regnamespace AND relkind = 'v' AND has_table_privilege(oid, 'SELECT') ORDER BY 1";
    let views = rows(&mut reader, views, &[]);
    assert!(views.len() >= 40, "{}", views.len());
    for view in views {
        let view: String = view.get(0);
        // Of the server, not of a tenant.
        if view == "workers" {
            continue;
        }
        // Rules, evaluators and prices have rows that are everybody's: built in.
        let own = if ["detection_rules", "evaluators", "model_prices"].contains(&view.as_str()) {
            "WHERE tenant_id IS NOT NULL"
        } else {
            ""
        };
        let all = db.count(&format!("observa.{view} {own}"));
        let seen: i64 = one(&mut reader, &format!("SELECT count(*) FROM observa.{view} {own}"));
        assert_eq!(seen, 0, "{view}, of {all} rows");
    }
    let tables = rows(
        &mut reader,
        "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'observa_internal'::regnamespace AND c.relkind IN ('r', 'p')",
        &[],
    );
    for table in tables {
        let table: String = table.get(0);
        if table == "observa_internal.jobs" {
            continue;
        }
        if let Ok(found) = reader.query_one(&format!("SELECT count(*) FROM {table} q"), &[]) {
            assert_eq!(found.get::<_, i64>(0), 0, "{table}");
        }
    }
}

#[test]
fn clients_write_to_no_table() {
    let mut db = Database::ready();
    let mut client = db.connect_as("client", "observa_read, observa_ingest");
    for sql in [
        "INSERT INTO observa_internal.events SELECT * FROM observa_internal.events",
        "DELETE FROM observa_internal.events",
        "UPDATE observa_internal.alerts SET status = 'closed'",
        "TRUNCATE observa_internal.signals",
        "INSERT INTO observa_internal.tenants VALUES (gen_random_uuid(), 'x', '')",
        "DELETE FROM observa.detection_rules",
        "INSERT INTO observa.model_prices (model) VALUES ('m')",
        "SELECT observa_internal.find_tenant('default')",
        "SELECT observa_internal.all_tenants()",
        "SELECT observa.setup()",
        "SELECT observa.run_maintenance()",
        "SELECT observa.create_tenant('x')",
    ] {
        assert_eq!(error(&mut client, sql).code().code(), "42501", "{sql}");
    }
}

#[test]
fn nobody_can_set_whom_they_act_for() {
    let mut db = Database::ready();
    db.ingest(&llm_call("a").to_string());
    let tenant: uuid::Uuid = db.one("SELECT tenant_id FROM observa_internal.tenants");
    let mut reader = db.connect_as("reader", "observa_read, observa_ingest");
    // The library is loaded by the first call of a function.
    assert_eq!(one::<i64>(&mut reader, "SELECT count(*) FROM observa.events"), 0);
    for sql in [
        format!("SET observa.acting = '{tenant}//iqa/'"),
        format!("SET LOCAL observa.acting = '{tenant}//iqa/'"),
        format!("SELECT set_config('observa.acting', '{tenant}//iqa/', false)"),
        format!("ALTER ROLE CURRENT_USER SET observa.acting = '{tenant}//iqa/'"),
    ] {
        assert_eq!(error(&mut reader, &sql).code().code(), "42501", "{sql}");
    }
    assert_eq!(one::<i64>(&mut reader, "SELECT count(*) FROM observa.events"), 0);
}

#[test]
fn an_identity_that_was_set_before_the_library_was_loaded_counts_for_nothing() {
    // Not preloaded: until a function is called, the setting is a placeholder that anybody can set.
    let mut db = Database::ready_in(Cluster::own("placeholder", ""));
    db.ingest(&llm_call("a").to_string());
    let tenant: uuid::Uuid = db.one("SELECT tenant_id FROM observa_internal.tenants");
    let _ = db.connect_as("reader", "observa_read, observa_ingest");
    let login = format!("reader_{}", db.name);
    let connect = |options: &str| {
        let mut config = db.cluster.config(&db.name);
        config.user(&login).options(options);
        config.connect(postgres::NoTls)
    };
    let mut reader = connect("").unwrap();
    let _ = reader.batch_execute(&format!("SET observa.acting = '{tenant}//iqa/'"));
    assert_eq!(one::<i64>(&mut reader, "SELECT count(*) FROM observa.events"), 0);
    assert_eq!(one::<Option<uuid::Uuid>>(&mut reader, "SELECT observa.current_tenant()"), None);
    // As an option of the connection.
    if let Ok(mut reader) = connect(&format!("-c observa.acting={tenant}//iqa/")) {
        assert_eq!(one::<i64>(&mut reader, "SELECT count(*) FROM observa.events"), 0);
    }
    // As the login's own setting.
    let _ = connect("")
        .unwrap()
        .batch_execute(&format!("ALTER ROLE {login} SET observa.acting = '{tenant}//iqa/'"));
    let mut reader = connect("").unwrap();
    assert_eq!(one::<i64>(&mut reader, "SELECT count(*) FROM observa.events"), 0);
}

#[test]
fn a_superuser_writes_to_the_tenant_that_the_body_names() {
    let mut db = Database::ready();
    let other = db.tenant("other");
    let answer = db.ingest(&lines(&[
        with(llm_call("by-id"), json!({"tenant_id": other.to_string()})),
        with(llm_call("by-name"), json!({"tenant_id": "other"})),
        llm_call("default"),
        with(llm_call("unknown"), json!({"tenant_id": "nobody"})),
        with(llm_call("unknown project"), json!({"project_id": "nothing"})),
    ]));
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(4), &json!(1)), "{answer}");
    assert_eq!(
        (&answer["errors"][0]["line"], &answer["errors"][0]["code"]),
        (&json!(4), &json!("tenant_mismatch"))
    );
    assert_eq!(db.count(&format!("observa.events WHERE tenant_id = '{other}'")), 2);
    let project: String = db.one("SELECT p.name FROM observa.events e JOIN observa.projects p ON p.id = e.project_id WHERE event_id = 'unknown project'");
    assert_eq!(project, "default");
}

#[test]
fn who_acted_is_forgotten_at_the_end_of_the_call() {
    let mut db = Database::ready();
    db.ingest(&llm_call("a").to_string());
    assert_eq!(db.one::<Option<uuid::Uuid>>("SELECT observa.current_tenant()"), None);
    db.run("BEGIN");
    db.ingest(&llm_call("b").to_string());
    assert_eq!(db.one::<Option<uuid::Uuid>>("SELECT observa.current_tenant()"), None);
    db.run("SAVEPOINT s");
    let _ = db.client.batch_execute("SELECT observa.ingest('\\x1f8b'::bytea)");
    db.run("ROLLBACK TO s");
    assert_eq!(db.one::<Option<uuid::Uuid>>("SELECT observa.current_tenant()"), None);
    db.run("COMMIT");
}

#[test]
fn an_id_is_found_however_it_is_written() {
    let mut db = Database::ready();
    let tenant = db.tenant("acme");
    let project: uuid::Uuid = db.one(&format!("SELECT observa.create_project('{tenant}', 'shop')"));
    let upper = |id: uuid::Uuid| id.to_string().to_uppercase();
    let named = |id: &str, tenant: String, project: String| {
        with(llm_call(id), json!({"tenant_id": tenant, "project_id": project}))
    };
    let events = [
        named("upper", upper(tenant), upper(project)),
        named("simple", tenant.simple().to_string(), project.braced().to_string()),
        named("plain", tenant.to_string(), "shop".into()),
    ];
    let answer = db.ingest(&lines(&events));
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(3), &json!(0)), "{answer}");
    assert_eq!(db.count(&format!("observa.events WHERE project_id = '{project}'")), 3);
    // Whoever acts for a tenant may name it so, too.
    db.run(&format!("LOAD 'observa'; SET observa.acting = '{tenant}//iqa/'"));
    let again = db.ingest(&lines(&events));
    assert_eq!((&again["duplicates"], &again["rejected"]), (&json!(3), &json!(0)), "{again}");
    let mismatch = db.ingest(&named("other", uuid::Uuid::new_v4().to_string(), "shop".into()).to_string());
    assert_eq!(mismatch["errors"][0]["code"], "tenant_mismatch");
}

#[test]
fn of_projects_of_one_name_the_events_environment_decides() {
    let mut db = Database::ready();
    let tenant: uuid::Uuid = db.one("SELECT tenant_id FROM observa_internal.tenants");
    let make = |name: &str, environment: &str| {
        format!("SELECT observa.create_project('{tenant}', '{name}', '{environment}')")
    };
    let mut ids = Vec::new();
    for (name, environment) in [("shop", "dev"), ("shop", "prod"), ("default", "dev"), ("lone", "dev")] {
        ids.push(db.one::<uuid::Uuid>(&make(name, environment)));
    }
    let event = |id: &str, members: serde_json::Value| with(llm_call(id), members);
    let answer = db.ingest(&lines(&[
        event("1", json!({"project_id": "shop", "environment": "dev"})),
        event("2", json!({"project_id": "shop", "environment": "prod"})),
        event("3", json!({"project_id": "shop"})),
        event("4", json!({"project_id": "shop", "environment": "staging"})),
        event("5", json!({"environment": "dev"})),
        event("6", json!({"environment": "staging"})),
        event("7", json!({"project_id": "lone"})),
        event("8", json!({"project_id": "lone", "environment": "prod"})),
        event("9", json!({"project_id": ids[0].to_string(), "environment": "prod"})),
        // No event, but a line that says whose it is.
        json!({"project_id": "shop", "environment": "dev", "model": 5}),
    ]));
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(9), &json!(1)), "{answer}");
    let homes = db.rows(
        "SELECT p.name || ' ' || p.environment || ' <- ' || e.environment FROM observa.events e JOIN observa.projects p ON p.id = e.project_id ORDER BY event_id",
        &[],
    );
    let homes: Vec<String> = homes.iter().map(|row| row.get(0)).collect();
    assert_eq!(
        homes,
        [
            "shop dev <- dev",
            "shop prod <- prod",
            "shop prod <- prod",
            "shop prod <- staging",
            "default dev <- dev",
            "default prod <- staging",
            "lone dev <- dev",
            "lone dev <- prod",
            "shop dev <- prod",
        ]
    );
    assert_eq!(db.count(&format!("observa.rejected_events WHERE project_id = '{}'", ids[0])), 1);
}

/// Functions that run with their owner's rights. A new one needs its reason in `docs/security.md`, and its place here.
const SECURITY_DEFINER: &[(&str, &str)] = &[
    ("observa.\"analyze\"(text,text[])", "observa_owner"),
    ("observa.acknowledge_alert(uuid,text)", "observa_owner"),
    ("observa.add_member(uuid,text,text)", "observa_owner"),
    ("observa.add_scrub_pattern(uuid,text,text)", "observa_owner"),
    ("observa.analysis_reasons(text)", "observa_owner"),
    ("observa.assign_alert(uuid,text,text)", "observa_owner"),
    ("observa.authenticate(text)", "observa_system"),
    ("observa.close_alert(uuid,text)", "observa_owner"),
    ("observa.mute_rule(text,text,timestamp with time zone)", "observa_owner"),
    ("observa.cost(text,jsonb,text,timestamp with time zone)", "observa_owner"),
    ("observa.create_api_key(uuid,text,text[],text[],timestamp with time zone,text)", "observa_owner"),
    ("observa.create_project(uuid,text,text)", "observa_owner"),
    ("observa.create_tenant(text)", "observa_owner"),
    ("observa.create_webhook(uuid,text,text,text,text,text)", "observa_owner"),
    ("observa.delete_webhook(uuid)", "observa_owner"),
    ("observa.embed(text,uuid)", "observa_owner"),
    ("observa.explain_alert(uuid)", "observa_owner"),
    ("observa.drop_detector(text,uuid)", "observa_owner"),
    ("observa.register_detector(text,regprocedure,regrole,text,text[],integer,uuid)", "observa_owner"),
    ("observa.export_user(text,uuid)", "observa_owner"),
    ("observa.export_user_rows(text,uuid)", "observa_owner"),
    ("observa.forget_user(text,uuid)", "observa_owner"),
    ("observa.grant_tenant(name,uuid)", "observa_system"),
    ("observa.ignore_issue(uuid,timestamp with time zone)", "observa_owner"),
    ("observa.ingest(bytea)", "observa_owner"),
    ("observa.ingest(json)", "observa_owner"),
    ("observa.ingest(text)", "observa_owner"),
    ("observa.limit_project(uuid,integer,bigint)", "observa_owner"),
    ("observa.login(text,text)", "observa_system"),
    ("observa.logout()", "observa_system"),
    ("observa.me()", "observa_system"),
    ("observa.note_alert(uuid,text)", "observa_owner"),
    ("observa.quality_scores(uuid,boolean)", "observa_owner"),
    ("observa.remove_member(uuid,text)", "observa_owner"),
    ("observa.remove_scrub_pattern(uuid,text)", "observa_owner"),
    ("observa.reopen_alert(uuid,text)", "observa_owner"),
    ("observa.reopen_issue(uuid)", "observa_owner"),
    ("observa.replay_rejected(uuid)", "observa_owner"),
    ("observa.report_health(text,text,jsonb,integer)", "observa_owner"),
    ("observa.reprice(timestamp with time zone,timestamp with time zone)", "observa_owner"),
    ("observa.resolve_alert(uuid,text)", "observa_owner"),
    ("observa.resolve_issue(uuid,text)", "observa_owner"),
    ("observa.retranslate(timestamp with time zone,timestamp with time zone)", "observa_owner"),
    ("observa.revoke_api_key(uuid)", "observa_owner"),
    ("observa.revoke_tenant(name,uuid)", "observa_system"),
    ("observa.rotate_api_key(uuid,interval)", "observa_owner"),
    ("observa.run_maintenance()", "observa_owner"),
    ("observa.scrub_emails(uuid,boolean)", "observa_owner"),
    ("observa.set_analysis(uuid,double precision,numeric)", "observa_owner"),
    ("observa.set_metric_tags(uuid,text[])", "observa_owner"),
    ("observa.set_retention(uuid,integer,integer)", "observa_owner"),
    ("observa.setup()", "observa_owner"),
    ("observa.signup(text,text,text)", "observa_system"),
    ("observa.test_rule(text,timestamp with time zone,timestamp with time zone)", "observa_owner"),
    ("observa.test_webhook(uuid)", "observa_owner"),
    ("observa.unload_prices(text)", "observa_owner"),
    ("observa.update_webhook(uuid,boolean,text,text,text,text)", "observa_owner"),
    ("observa_internal.all_tenants()", "observa_system"),
    ("observa_internal.analyses_are_due(boolean,boolean)", "observa_system"),
    ("observa_internal.backlog()", "observa_system"),
    ("observa_internal.check_request()", "observa_system"),
    ("observa_internal.claim_analyses(integer,integer)", "observa_owner"),
    ("observa_internal.claim_notifications(integer)", "observa_system"),
    ("observa_internal.compare_prices(text,text)", "observa_owner"),
    ("observa_internal.cost_breakdown(text,jsonb,text,timestamp with time zone)", "observa_owner"),
    ("observa_internal.edit_budget()", "observa_owner"),
    ("observa_internal.edit_detection_rule()", "observa_owner"),
    ("observa_internal.edit_evaluator()", "observa_owner"),
    ("observa_internal.edit_model_price()", "observa_owner"),
    ("observa_internal.edit_profile()", "observa_system"),
    ("observa_internal.find_identity()", "observa_system"),
    ("observa_internal.find_tenant(text)", "observa_system"),
    ("observa_internal.forget_memberships()", "observa_system"),
    ("observa_internal.insert_llm_request()", "observa_owner"),
    ("observa_internal.insert_log()", "observa_owner"),
    ("observa_internal.lease_analyses(integer,integer)", "observa_system"),
    ("observa_internal.load_prices(text,text)", "observa_owner"),
    ("observa_internal.measurements()", "observa_system"),
    ("observa_internal.make_matviews()", "observa_system"),
    ("observa_internal.own_tenant()", "observa_owner"),
    ("observa_internal.raise_alerts()", "observa_owner"),
    ("observa_internal.record_analysis(text)", "observa_owner"),
    ("observa_internal.record_delivery(uuid,uuid,uuid,text,double precision,integer,text)", "observa_system"),
    ("observa_internal.record_endpoints(jsonb)", "observa_owner"),
    ("observa_internal.record_job_failure(text,text)", "observa_owner"),
    ("observa_internal.refresh_matviews()", "observa_system"),
    ("observa_internal.retention_of_projects()", "observa_system"),
    ("observa_internal.run_due_job()", "observa_owner"),
    ("observa_internal.tenant_of_alert(uuid)", "observa_system"),
    ("observa_internal.tenant_of_issue(uuid)", "observa_system"),
    ("observa_internal.tenant_of_api_key(uuid)", "observa_system"),
    ("observa_internal.tenant_of_project(uuid)", "observa_system"),
    ("observa_internal.tenant_of_webhook(uuid)", "observa_system"),
    ("observa_internal.tenants_to_detect(date)", "observa_system"),
    ("observa_internal.tenants_to_fold()", "observa_system"),
    ("observa_internal.tenants_with_candidates()", "observa_system"),
    ("observa_internal.tenants_with_issues()", "observa_system"),
    ("observa_internal.tenants_with_news()", "observa_system"),
];

#[test]
fn security_definer_is_only_what_is_listed_with_its_reason() {
    let mut db = Database::ready();
    let found = db.rows(
        "SELECT p.oid::regprocedure::text, p.proowner::regrole::text FROM pg_proc p WHERE p.prosecdef
            AND (p.pronamespace IN ('observa'::regnamespace, 'observa_internal'::regnamespace)
                 OR p.proowner IN ('observa_owner'::regrole, 'observa_system'::regrole))",
        &[],
    );
    let mut found: Vec<(String, String)> = found.iter().map(|row| (row.get(0), row.get(1))).collect();
    let mut listed: Vec<(String, String)> = SECURITY_DEFINER
        .iter()
        .map(|(function, owner)| ((*function).to_owned(), (*owner).to_owned()))
        .collect();
    found.sort();
    listed.sort();
    assert_eq!(found, listed);
    let document = include_str!("../../docs/security.md");
    for (function, owner) in SECURITY_DEFINER {
        let row = format!("| `{function}` | `{owner}` | ");
        let reason = document.lines().find_map(|line| line.strip_prefix(&row));
        assert!(
            reason.is_some_and(|reason| reason.len() > 10),
            "docs/security.md says no reason for {function}"
        );
    }
    assert_eq!(
        document.matches("` | `observa_").count(),
        SECURITY_DEFINER.len(),
        "the document lists no other"
    );
}

/// Memory of a backend of this machine, in bytes.
fn memory(db: &mut Database) -> i64 {
    let status: String = db.one("SELECT pg_read_file('/proc/self/status')");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("the kernel tells");
    line.split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse::<i64>().ok()).unwrap() * 1024
}

#[test]
fn unknown_projects_cost_neither_memory_nor_look_ups() {
    let mut db = Database::ready();
    let tenant: uuid::Uuid = db.one("SELECT tenant_id FROM observa_internal.tenants");
    for n in 0..10 {
        db.run(&format!(
            "SELECT observa.add_scrub_pattern('{tenant}', 'p{n}', '(badge|card|pass){n}-[0-9]{{6,12}}')"
        ));
    }
    db.run("INSERT INTO observa.model_prices (model, rates) VALUES ('own', '{\"input\": 1}')");
    let body = |prefix: &str| {
        let event = |n| json!({"model": "own", "event_id": format!("{prefix}{n}"), "project_id": format!("{prefix} {n}")});
        lines(&(0..1_000).map(event).collect::<Vec<_>>())
    };
    assert_eq!(db.ingest(&body("default").replace("\"project_id\"", "\"x\""))["accepted"], 1_000);
    db.run("LOAD 'observa'; SET track_functions = 'all'; SELECT pg_stat_reset()");
    let before = memory(&mut db);
    assert_eq!(db.ingest(&body("nothing"))["accepted"], 1_000);
    let grown = memory(&mut db) - before;
    assert!(grown < 50 << 20, "1,000 unknown projects took {} MB", grown >> 20);
    db.run("SELECT pg_stat_force_next_flush()");
    let calls: i64 = db.one(
        "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_user_functions WHERE funcname LIKE 'find\\_%' AND funcname <> 'find_secrets'",
    );
    assert!(calls <= 1, "{calls} look-ups");
    assert_eq!(db.count("(SELECT DISTINCT project_id FROM observa.events) p"), 1);
}

#[test]
fn a_tenant_that_was_unknown_is_found_as_soon_as_it_is_there() {
    let mut db = Database::ready();
    let event = |id: &str| with(llm_call(id), json!({"tenant_id": "later"})).to_string();
    let unknown: String =
        (0..5_000).map(|n| format!("{{\"model\":\"m\",\"tenant_id\":\"t{n}\"}}\n")).collect();
    assert_eq!(db.ingest(&unknown)["rejected"], 5_000);
    assert_eq!(db.ingest(&event("a"))["rejected"], 1);
    let mut other = db.connect();
    let tenant: uuid::Uuid = one(&mut other, "SELECT observa.create_tenant('later')");
    assert_eq!(db.ingest(&event("b"))["accepted"], 1);
    assert_eq!(db.count(&format!("observa.events WHERE tenant_id = '{tenant}'")), 1);
    // And its new project.
    let project: uuid::Uuid = one(&mut other, &format!("SELECT observa.create_project('{tenant}', 'shop')"));
    let event = with(llm_call("c"), json!({"tenant_id": "later", "project_id": "shop"}));
    assert_eq!(db.ingest(&event.to_string())["accepted"], 1);
    assert_eq!(db.count(&format!("observa.events WHERE project_id = '{project}'")), 1);
}
