//! From an empty database to the first event.

use observa_tests::Database;
use observa_tests::database::error;

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
