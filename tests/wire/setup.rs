//! From an empty database to the first event.

use std::time::{Duration, Instant};

use observa_tests::Database;
use observa_tests::database::{error, ingest};
use observa_tests::event::{DAY_MS, lines, llm_call, now_ms, with};
use serde_json::{Value, json};

#[test]
fn first_ingest_of_a_superuser_in_an_empty_database_makes_the_storage() {
    let mut db = Database::empty();
    db.run("CREATE EXTENSION observa");
    assert_eq!(
        db.count("pg_tables WHERE schemaname = 'observa_internal'"),
        0,
        "CREATE EXTENSION makes no storage"
    );
    let answer = db.ingest(r#"{"event_type":"llm_call","model":"gpt-4o","prompt":"hi","response":"ho"}"#);
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&1.into(), &0.into()), "{answer}");
    let home = db.row(
        "SELECT t.name AS tenant, p.name AS project, p.environment FROM observa_internal.tenants t
                       JOIN observa_internal.projects p USING (tenant_id)",
    );
    assert_eq!(home, serde_json::json!({"tenant": "default", "project": "default", "environment": "prod"}));
    assert_eq!(db.count("observa.events WHERE model = 'gpt-4o' AND input = 'hi' AND output = 'ho'"), 1);
}

#[test]
fn setup_can_run_again_and_changes_nothing() {
    let mut db = Database::ready();
    db.ingest(r#"{"model":"m","prompt":"kept"}"#);
    let objects = "SELECT string_agg(o, E'\n' ORDER BY o) FROM (
        SELECT format('%s %s %s %s', c.relname, c.relkind, c.relrowsecurity, c.relforcerowsecurity) AS o
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname LIKE 'observa%'
        UNION ALL SELECT format('%s %s %s %s', polname, polrelid::regclass, pg_get_expr(polqual, polrelid), polroles::regrole[]) FROM pg_policy
        UNION ALL SELECT format('%s %s', tgname, tgrelid::regclass) FROM pg_trigger WHERE NOT tgisinternal) o";
    let before: String = db.one(objects);
    db.run("SELECT observa.setup(); SELECT observa.setup()");
    let after: String = db.one(objects);
    assert_eq!(after, before);
    assert_eq!(db.count("observa.events WHERE input = 'kept'"), 1);
    assert_eq!(db.count("observa_internal.tenants"), 1);
}

#[test]
fn storage_of_before_scores_and_tags_gets_them() {
    let mut db = Database::ready();
    db.run(
        "DO $$ DECLARE old text; BEGIN
           SELECT string_agg(format('NULL::%s %s AS %I', format_type(atttypid, atttypmod),
                    'COLLATE ' || nullif(attcollation, 0)::regcollation, attname), ', ' ORDER BY attnum) INTO old
             FROM pg_attribute WHERE attrelid = 'observa.events'::regclass AND attnum > 0
              AND attname NOT IN ('coherence_score', 'toxicity_score', 'sentiment_score', 'hallucination_risk', 'prompt_category', 'metric_tags');
           ALTER TABLE observa_internal.events DROP COLUMN coherence_score CASCADE, DROP COLUMN toxicity_score CASCADE,
             DROP COLUMN sentiment_score CASCADE, DROP COLUMN hallucination_risk CASCADE, DROP COLUMN prompt_category CASCADE, DROP COLUMN metric_tags CASCADE;
           ALTER TABLE observa_internal.metric_totals DROP COLUMN users CASCADE;
           DROP TABLE observa_internal.tag_metrics CASCADE;
           ALTER TABLE observa_internal.projects DROP COLUMN quality_scores CASCADE, DROP COLUMN metric_tags CASCADE;
           EXECUTE 'CREATE VIEW observa.events AS SELECT ' || old;
           ALTER VIEW observa.events OWNER TO observa_owner;
           CREATE VIEW observa.projects AS SELECT NULL::uuid AS id, NULL::uuid AS tenant_id, NULL::text AS name,
             NULL::text AS environment, NULL::boolean AS scrub_emails, NULL::timestamptz AS created_at;
           ALTER VIEW observa.projects OWNER TO observa_owner;
         END $$",
    );
    db.run("SELECT observa.setup()");
    db.ingest(r#"{"model":"m","prompt":"Why is it so?","response":"It is so because it was."}"#);
    assert_eq!(db.count("observa.events WHERE coherence_score = 1 AND prompt_category = 'explanation'"), 1);
    assert_eq!(db.count("observa.projects WHERE quality_scores IS NULL AND metric_tags IS NULL"), 1);
    assert_eq!(
        db.count("observa.metrics_total_day WHERE users IS NULL") + db.count("observa.metrics_tag_hour"),
        1
    );
    // Corrections read rows whose table has lost columns.
    db.run("UPDATE observa_internal.events SET route = '/moved'; SELECT observa.run_maintenance()");
    assert_eq!(
        db.row("SELECT route, events FROM observa.metrics_day WHERE events <> 0"),
        json!({"route": "/moved", "events": 1})
    );
}

#[test]
fn older_storage_gets_what_upkeep_needs() {
    let mut db = Database::ready();
    db.ingest(&llm_call("before").to_string());
    db.run("SELECT observa.run_maintenance()");
    db.run(
        "DROP TABLE observa_internal.job_tenants, observa_internal.damaged_deltas, observa_internal.changed_user_days;
         DROP TABLE observa_internal.user_days CASCADE;
         ALTER TABLE observa_internal.metric_series DROP COLUMN last_seen;
         REVOKE UPDATE (enabled) ON observa_internal.webhooks FROM observa_system;
         SELECT observa.setup()",
    );
    db.ingest(&llm_call("after").to_string());
    let round: Value = db.one("SELECT observa.run_maintenance()");
    assert_eq!(round["failed"], json!([]), "{round}");
    assert_eq!(db.one::<i64>("SELECT sum(events)::bigint FROM observa.metrics_day"), 2);
    assert_eq!(db.one::<i64>("SELECT sum(events)::bigint FROM observa.tenant_daily"), 2);
    db.run("SELECT observa.test_webhook(id) FROM observa.create_webhook(NULL, 'h', 'https://hooks.example.com/')");
    assert_eq!(db.count("observa_internal.claim_notifications(1)"), 1);
}

/// As it was before alerts had a history, and issues were more than signals of one name.
#[test]
fn older_storage_has_its_alerts_told_and_its_signals_counted_as_issues() {
    let mut db = Database::ready();
    let failed = |id: &str| {
        with(llm_call(id), json!({"status": "error", "error_message": format!("it broke at {id}")}))
            .to_string()
    };
    db.ingest(&failed("1"));
    db.run("SELECT observa.acknowledge_alert(id), observa.close_alert(id) FROM observa.alerts");
    db.run(
        "DROP VIEW observa.issues, observa.alert_events, observa.alerts, observa.signals CASCADE;
         DROP TABLE observa_internal.issue_hours, observa_internal.issues, observa_internal.issue_deltas, observa_internal.issue_states,
                    observa_internal.issue_backfills, observa_internal.alert_events CASCADE;
         ALTER TABLE observa_internal.signals DROP COLUMN issue_id;
         ALTER TABLE observa_internal.alerts DROP COLUMN assignee, DROP COLUMN reopened CASCADE, DROP COLUMN told_reopened, DROP COLUMN raised_value;
         ALTER TABLE observa_internal.notifications DROP COLUMN reopened CASCADE",
    );
    db.run(include_str!("setup/older_issues.sql"));
    db.run("SELECT observa.setup()");
    let history = db.table("SELECT event, actor FROM observa.alert_events ORDER BY at, event DESC");
    let event = |event: &str, actor: Value| json!({"event": event, "actor": actor});
    assert!(history.contains(&event("raised", json!("rule llm_error"))), "{history:?}");
    assert!(history.contains(&event("closed", json!(null))) && history.len() == 3, "{history:?}");
    db.run("SELECT observa.reopen_alert(id) FROM observa.alerts");
    assert_eq!(db.ingest(&failed("2"))["alerts"], 0);
    for _ in 0..3 {
        db.run("SELECT observa.run_maintenance()");
    }
    assert_eq!(
        db.row("SELECT title, count FROM observa.issues"),
        json!({"title": "it broke at <n>", "count": 2})
    );
    assert_eq!(db.count("observa_internal.issue_backfills"), 0);
}

#[test]
fn setup_makes_the_window_and_seven_days_more() {
    let mut db = Database::ready();
    for table in ["events", "event_payloads", "signals"] {
        let missing: i64 = db.one(&format!(
            "SELECT count(*) FROM generate_series(-30, 8) AS d
              WHERE to_regclass(format('observa_internal.{table}_%s', to_char(now() AT TIME ZONE 'UTC' + d * interval '1 day', 'YYYYMMDD'))) IS NULL"
        ));
        assert_eq!(missing, 0, "{table}");
    }
}

#[test]
fn ingest_without_an_identity_is_refused() {
    let mut db = Database::ready();
    let mut client = db.connect_as("nobody", "observa_ingest");
    let refused = error(&mut client, r#"SELECT observa.ingest('{"model":"m"}')"#);
    assert_eq!(refused.code().code(), "42501", "{refused:?}");
    let refused = error(&mut client, r#"INSERT INTO observa.llm_requests (model) VALUES ('m')"#);
    assert_eq!(refused.code().code(), "42501", "{refused:?}");
    let refused = error(&mut client, "SELECT observa.replay_rejected()");
    assert_eq!(refused.code().code(), "42501", "{refused:?}");
    assert_eq!(db.count("observa.events"), 0);
}

#[test]
fn ingest_without_the_role_is_refused() {
    let mut db = Database::ready();
    let mut client = db.connect_as("stranger", "");
    let refused = error(&mut client, r#"SELECT observa.ingest('{"model":"m"}')"#);
    assert_eq!(refused.code().code(), "42501", "{refused:?}");
}

#[test]
fn without_storage_only_a_superuser_gets_it_made() {
    let mut db = Database::empty();
    db.run("CREATE EXTENSION observa");
    let mut client = db.connect_as("early", "observa_ingest");
    let refused = error(&mut client, r#"SELECT observa.ingest('{"model":"m"}')"#);
    assert!(refused.message().contains("observa.setup()"), "the error names the remedy: {refused:?}");
    let refused = error(&mut client, "SELECT observa.setup()");
    assert_eq!(refused.code().code(), "42501");
    assert_eq!(db.count("pg_tables WHERE schemaname = 'observa_internal'"), 0);
}

#[test]
fn administration_is_for_superusers() {
    let mut db = Database::ready();
    let mut client = db.connect_as("admin", "observa_admin");
    for call in ["observa.create_tenant('x')", "observa.create_project(gen_random_uuid(), 'x')"] {
        assert_eq!(error(&mut client, &format!("SELECT {call}")).code().code(), "42501", "{call}");
    }
}

#[test]
fn a_database_in_another_encoding_is_refused_with_a_reason() {
    let db = Database::empty();
    let name = format!("{}_latin", db.name);
    let mut postgres = db.cluster.connect("postgres");
    postgres
        .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'"))
        .unwrap();
    let mut client = db.cluster.connect(&name);
    client.batch_execute("CREATE EXTENSION observa").unwrap();
    let refused = error(&mut client, "SELECT observa.setup()");
    assert!(refused.message().contains("UTF8"), "{refused:?}");
    drop(client);
    postgres.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).unwrap();
}

#[test]
fn the_extension_can_be_made_in_many_databases_at_once() {
    let databases: Vec<Database> = (0..4).map(|_| Database::empty()).collect();
    std::thread::scope(|scope| {
        for mut client in databases.iter().map(Database::connect) {
            scope.spawn(move || client.batch_execute("CREATE EXTENSION observa").unwrap());
        }
    });
}

#[test]
fn setup_of_storage_that_is_in_use_waits_for_nobody_where_nothing_changes() {
    let mut db = Database::ready();
    let mut other = db.connect();
    let mut third = db.connect();
    other.batch_execute("SET statement_timeout = '4s'").unwrap();
    third.batch_execute("SET statement_timeout = '1s'").unwrap();
    let mut open = db.client.transaction().unwrap();
    open.query_one("SELECT observa.ingest($1::text)", &[&llm_call("a").to_string()]).unwrap();
    // Not even while its own transaction is open.
    other.batch_execute("BEGIN; SELECT observa.setup()").unwrap();
    assert_eq!(ingest(&mut third, &llm_call("b").to_string())["accepted"], 1);
    other.batch_execute("COMMIT").unwrap();
    open.commit().unwrap();
    assert_eq!(db.count("observa.events"), 2);
}

#[test]
fn setup_that_must_change_a_table_in_use_gives_up_and_makes_nobody_wait() {
    let mut db = Database::ready();
    let policies = "pg_policy WHERE polrelid = 'observa_internal.events'::regclass";
    let expected = db.count(policies);
    db.run("DROP POLICY readable_tenant ON observa_internal.events");
    let mut other = db.connect();
    let mut third = db.connect();
    let mut open = db.client.transaction().unwrap();
    open.query_one("SELECT observa.ingest($1::text)", &[&llm_call("a").to_string()]).unwrap();
    let (refused, waited) = std::thread::scope(|scope| {
        let setup = scope.spawn(|| error(&mut other, "SELECT observa.setup()"));
        let mut longest = Duration::ZERO;
        while !setup.is_finished() {
            let start = Instant::now();
            assert_eq!(ingest(&mut third, r#"{"model":"m"}"#)["rejected"], 0);
            longest = longest.max(start.elapsed());
        }
        (setup.join().unwrap(), longest)
    });
    assert_eq!(refused.code().code(), "55P03", "{refused:?}");
    assert!(refused.message().contains("nothing has changed") && refused.hint().is_some(), "{refused:?}");
    assert!(waited < Duration::from_secs(1), "ingest waited {waited:?}");
    open.commit().unwrap();
    assert_eq!(db.count(policies), expected - 1);
    db.run("SELECT observa.setup()");
    assert_eq!(db.count(policies), expected, "what was missing is made again");
}

#[test]
fn a_window_of_a_year_makes_the_nearest_days_and_ingest_the_others() {
    let mut db = Database::empty();
    db.run("CREATE EXTENSION observa; LOAD 'observa'; SET observa.ingest_window_past = '400 d'; SELECT observa.setup()");
    let partitions = "pg_inherits WHERE inhparent = 'observa_internal.events'::regclass";
    let made = db.count(partitions);
    assert!((45..=65).contains(&made), "{made}");
    let at = |day: i64| with(llm_call(&day.to_string()), json!({"timestamp": now_ms() - day * DAY_MS}));
    assert_eq!(db.ingest(&at(390).to_string())["accepted"], 1);
    assert_eq!(db.count(partitions), made + 1);
    // Many at once would take more locks than a server has.
    let year: Vec<_> = (0..390).map(at).collect();
    let refused = db.error(&format!("SELECT observa.ingest('{}')", lines(&year)));
    assert_eq!(refused.code().code(), "54000", "{refused:?}");
    assert!(refused.hint().is_some_and(|hint| hint.contains("smaller batches")), "{refused:?}");
    let month: Vec<_> = (80..110).map(at).collect();
    assert_eq!(db.ingest(&lines(&month))["accepted"], 30);
    let refused = db.error("SET observa.ingest_window_past = '401 d'");
    assert_eq!(refused.code().code(), "22023", "{refused:?}");
}
