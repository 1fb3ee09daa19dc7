//! A dump takes everything along, and DROP EXTENSION takes no data.

use std::path::{Path, PathBuf};

use observa_tests::event::{lines, llm_call, with};
use observa_tests::programs::{make_folder, program, run};
use observa_tests::{Cluster, Database};
use serde_json::{Value, json};

/// Data of every kind: two tenants, signals, alerts, dead letters, rules, prices, patterns.
fn fill(db: &mut Database) {
    let other = db.tenant("other");
    let answer = db.ingest(&lines(&[
        with(
            llm_call("a"),
            json!({"latency_ms": 9000, "input": "ünïcode 😀 \\ \" line\nbreak", "x": {"y": [1.50, null]}}),
        ),
        json!({"model": "gpt-4o", "event_id": "no-time", "input_tokens": 10, "output_tokens": 5}),
        with(llm_call("b"), json!({"tenant_id": other.to_string(), "user_id": "jane.roe@acme-corp.com"})),
        json!({"bad": true}),
    ]));
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(3), &json!(1)), "{answer}");
    assert_eq!(db.ingest_bytes(b"not json\n{\"model\":\"raw \0 nul\"")["rejected"], 2);
    db.run("UPDATE observa.detection_rules SET threshold = 7000 WHERE name = 'high_latency'");
    db.run("INSERT INTO observa.detection_rules (name, expression) VALUES ('own rule', 'attributes->>''plan'' = ''free''')");
    db.run(r#"INSERT INTO observa.model_prices (model, rates) VALUES ('house', '{"input": 0.001}')"#);
    db.run(&format!("SELECT observa.add_scrub_pattern('{other}', 'badge', 'BDG-[0-9]+')"));
    db.run("SELECT observa.acknowledge_alert(id, 'note') FROM observa.alerts");
    // What a user adds goes along, too.
    db.run("CREATE INDEX own_index ON observa_internal.events (tenant_id, model)");
    db.run("GRANT SELECT ON observa.events TO pg_monitor");
}

/// Every row of every table, as text, and what guards the tables.
fn contents(db: &mut Database) -> Vec<(String, Vec<String>)> {
    let tables = db.rows(
        "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'observa_internal'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 1",
        &[],
    );
    let mut all: Vec<(String, Vec<String>)> = Vec::new();
    for table in tables {
        let table: String = table.get(0);
        // A hash of the catalog, in which grants come in the order that they were made.
        if table == "observa_internal.storage_state" {
            continue;
        }
        let rows = db.rows(&format!("SELECT q::text FROM {table} q ORDER BY 1"), &[]);
        all.push((table, rows.iter().map(|row| row.get(0)).collect()));
    }
    let guards = [
        ("policies", "SELECT format('%s %s %s %s %s', polrelid::regclass, polname, polcmd, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
                        FROM pg_policy ORDER BY 1"),
        ("triggers", "SELECT format('%s %s', tgrelid::regclass, pg_get_triggerdef(oid)) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1"),
        ("security", "SELECT format('%s %s %s %s %s', relname, relkind, relrowsecurity, relforcerowsecurity, relowner::regrole) FROM pg_class
                       WHERE relnamespace::regnamespace::text LIKE 'observa%' AND relkind IN ('r', 'p', 'v') ORDER BY 1"),
        ("indexes", "SELECT indexdef FROM pg_indexes WHERE schemaname = 'observa_internal' ORDER BY 1"),
        ("columns", "SELECT format('%s %s %s', attrelid::regclass, attname, format_type(atttypid, atttypmod)) FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
                      WHERE relnamespace::regnamespace::text LIKE 'observa%' AND relkind IN ('r', 'p', 'v') AND attnum > 0 AND NOT attisdropped ORDER BY 1"),
        ("function grants", "SELECT format('%s %s', p.oid::regprocedure, ARRAY(SELECT a::text FROM unnest(p.proacl) a ORDER BY 1)) FROM pg_proc p WHERE pronamespace::regnamespace::text LIKE 'observa%' ORDER BY 1"),
    ];
    for (name, sql) in guards {
        let rows = db.rows(sql, &[]);
        all.push((name.to_owned(), rows.iter().map(|row| row.get(0)).collect()));
    }
    all
}

#[track_caller]
fn same(before: &[(String, Vec<String>)], after: &[(String, Vec<String>)]) {
    assert_eq!(
        before.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        after.iter().map(|(name, _)| name).collect::<Vec<_>>()
    );
    for ((name, rows), (_, now)) in before.iter().zip(after) {
        assert_eq!(rows, now, "{name}");
    }
}

pub(super) fn dump(db: &Database, folder: &Path) -> PathBuf {
    make_folder(folder);
    let file = folder.join("observa.dump");
    run(program("pg_dump").args(db.cluster.arguments()).args(["-Fc", "-f"]).arg(&file).arg(&db.name));
    file
}

pub(super) fn restore(db: &Database, file: &Path) {
    run(program("pg_restore")
        .args(db.cluster.arguments())
        .args(["--single-transaction", "--exit-on-error", "-d"])
        .arg(&db.name)
        .arg(file));
}

/// Ingest, signals, alerts, retries and identity work in a restored database.
#[track_caller]
fn works(db: &mut Database) {
    let retry = db.ingest(r#"{"model":"gpt-4o","event_id":"no-time"}"#);
    assert_eq!(retry["duplicates"], 1, "a retry from before the dump is known: {retry}");
    let slow = with(llm_call("after"), json!({"latency_ms": 6500, "route": "/new"})).to_string();
    let answer = db.ingest(&slow);
    assert_eq!(
        (&answer["accepted"], &answer["signals"]),
        (&json!(1), &json!(1)),
        "the tenant's threshold holds: {answer}"
    );
    assert_eq!(db.count("observa.signals WHERE name = 'medium_latency' AND route = '/new'"), 1);
    assert_eq!(answer["alerts"], 1, "{answer}");
    let person = "SELECT count(DISTINCT user_id) FROM observa.events WHERE user_id LIKE 'email:%'";
    db.ingest(
        &with(
            llm_call("again"),
            json!({"tenant_id": "other", "user_id": "jane.roe@acme-corp.com", "input": "BDG-17"}),
        )
        .to_string(),
    );
    assert_eq!(db.one::<i64>(person), 1, "the tenant's key came along");
    assert_eq!(db.count("observa.events WHERE event_id = 'again' AND input = '[REDACTED:badge]'"), 1);
    db.ingest(&with(llm_call("own"), json!({"plan": "free"})).to_string());
    assert_eq!(db.count("observa.signals WHERE name = 'own rule' AND event_id = 'own'"), 1);
    db.run("SELECT observa.setup()");
    let replayed: Value = db.one("SELECT observa.replay_rejected()");
    assert_eq!(replayed["accepted"], 0, "{replayed}");
}

#[test]
fn a_dump_restored_in_the_same_cluster_has_every_row_and_works() {
    let mut db = Database::ready();
    fill(&mut db);
    let before = contents(&mut db);
    let folder = std::env::temp_dir().join(format!("observa-dump-{}", db.name));
    let file = dump(&db, &folder);
    let mut restored = Database::empty();
    restore(&restored, &file);
    same(&before, &contents(&mut restored));
    works(&mut restored);
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn a_dump_restored_in_a_cluster_that_never_saw_observa_has_every_row_and_works() {
    let mut db = Database::ready();
    fill(&mut db);
    let before = contents(&mut db);
    let folder = std::env::temp_dir().join(format!("observa-dump-{}", db.name));
    let file = dump(&db, &folder);
    let mut restored = Database::empty_in(Cluster::own("restore", ""));
    assert_eq!(restored.count("pg_roles WHERE rolname LIKE 'observa%'"), 0);
    restore(&restored, &file);
    same(&before, &contents(&mut restored));
    works(&mut restored);
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn drop_extension_is_refused_without_cascade_and_loses_no_row_with_it() {
    let mut db = Database::ready();
    fill(&mut db);
    let before = contents(&mut db);
    let refused = db.error("DROP EXTENSION observa");
    assert_eq!(refused.code().code(), "2BP01", "{refused:?}");
    db.run("SET client_min_messages = warning; DROP EXTENSION observa CASCADE");
    assert_eq!(db.count("observa_internal.events"), 3);
    assert_eq!(db.count("observa_internal.tenants"), 2);
    none_open(&mut db);
    db.run("CREATE EXTENSION observa; SELECT observa.setup()");
    let after = contents(&mut db);
    same(&before, &after);
    works(&mut db);
}

/// Without its policies a table shows nothing, rather than everything.
#[track_caller]
fn none_open(db: &mut Database) {
    assert_eq!(db.count("pg_class WHERE relnamespace = 'observa_internal'::regnamespace AND relkind IN ('r', 'p') AND NOT (relrowsecurity AND relforcerowsecurity)"), 0);
}

#[test]
fn after_the_extension_was_dropped_and_made_again_a_superusers_ingest_repairs_the_storage() {
    let mut db = Database::ready();
    fill(&mut db);
    let before = contents(&mut db);
    db.run("SET client_min_messages = warning; DROP EXTENSION observa CASCADE; CREATE EXTENSION observa");
    let mut client = db.connect_as("early", "observa_ingest");
    for sql in [r#"SELECT observa.ingest('{"model":"m"}')"#, "SELECT observa.replay_rejected()"] {
        let refused = observa_tests::database::error(&mut client, sql);
        assert_eq!(refused.code().code(), "55000", "{refused:?}");
        assert!(refused.message().contains("observa.setup()"), "{refused:?}");
    }
    let empty = db.ingest("");
    assert_eq!((&empty["accepted"], &empty["rejected"]), (&json!(0), &json!(0)), "{empty}");
    same(&before, &contents(&mut db));
    works(&mut db);
}
