//! observa.metrics() for Prometheus, and observa.diagnostics() for a bug report.

use std::collections::BTreeMap;

use observa_tests::Database;
use observa_tests::database::{error, one};
use observa_tests::event::{lines, llm_call, with};
use postgres::Client;
use serde_json::{Value, json};

/// Each sample's value by its name and labels, as the text has them.
fn samples(client: &mut Client) -> BTreeMap<String, f64> {
    let text: String = one(client, "SELECT observa.metrics()::text");
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), value.parse().unwrap())
    };
    text.lines().filter(|line| !line.starts_with('#')).map(sample).collect()
}

fn call(id: &str, tenant: &str, more: Value) -> Value {
    with(with(llm_call(id), json!({"tenant_id": tenant})), more)
}

#[test]
fn metrics_are_the_tenants_own_by_project_and_the_servers_for_who_watches_it() {
    let mut db = Database::ready();
    let [ours, theirs] = ["ours", "theirs"].map(|name| db.tenant(name));
    db.ingest(&lines(&[
        call("a", "ours", json!({"latency_ms": 300, "input_tokens": 7, "output_tokens": 3})),
        call("b", "ours", json!({"latency_ms": 9000})),
        call("c", "theirs", json!({"status": "error"})),
        call("d", "theirs", json!({"status": "timeout"})),
        json!({"tenant_id": "theirs", "model": 5}),
    ]));
    db.run("SELECT observa.run_maintenance()");
    let project: String =
        db.one(&format!("SELECT project_id::text FROM observa_internal.projects WHERE tenant_id = '{ours}'"));
    db.run(&format!(
        "SELECT observa.limit_project('{project}', NULL, 10);
         INSERT INTO observa.budgets (tenant_id, name, amount_usd, period) VALUES ('{ours}', 'all of \"it\"', 5, 'month'), ('{theirs}', 'theirs', 5, 'month')"
    ));
    let mut insider = db.connect_as("insider", "observa_read");
    db.run(&format!("SELECT observa.grant_tenant('insider_{}', '{ours}')", db.name));
    let own = samples(&mut insider);
    let of_project = |family: &str, more: &str| {
        own.get(&format!("{family}{{{more}project=\"default\",project_id=\"{project}\"}}")).copied()
    };
    assert_eq!(of_project("observa_events_stored_total", ""), Some(2.0), "{own:#?}");
    assert_eq!(of_project("observa_quota_events", ""), Some(10.0));
    assert_eq!(of_project("observa_quota_used_events", ""), Some(2.0));
    assert_eq!(of_project("observa_day_events_total", "event_type=\"llm_call\","), Some(2.0));
    assert_eq!(of_project("observa_day_llm_call_seconds_bucket", "le=\"0.5\","), Some(1.0));
    assert_eq!(of_project("observa_day_llm_call_seconds_bucket", "le=\"+Inf\","), Some(2.0));
    assert_eq!(of_project("observa_day_llm_call_seconds_count", ""), Some(2.0));
    let sum = of_project("observa_day_llm_call_seconds_sum", "").unwrap();
    assert!((sum - 9.3).abs() < 0.05, "{sum}");
    assert_eq!(own["observa_alerts{severity=\"critical\",status=\"active\"}"], 1.0);
    assert_eq!(own["observa_dead_letters"], 0.0);
    assert_eq!(own[r#"observa_budget_left_usd{budget="all of \"it\"",period="month"}"#], 5.0);
    let tells_of = |found: &BTreeMap<String, f64>, word: &str| found.keys().any(|name| name.contains(word));
    assert!(!tells_of(&own, "theirs") && !tells_of(&own, "table_bytes"), "{own:#?}");

    let mut watch = db.connect_as("watch", "observa_read, pg_monitor");
    for all in [samples(&mut watch), samples(&mut db.client)] {
        assert_eq!(all["observa_events_stored_total"], 4.0, "{all:#?}");
        assert_eq!(all["observa_dead_letters"], 1.0);
        assert_eq!(all["observa_lines_rejected_total"], 1.0);
        assert_eq!(all["observa_day_errors_total{event_type=\"llm_call\"}"], 2.0);
        assert_eq!(all["observa_job_failures{job=\"rollups\"}"], 0.0);
        assert!(all["observa_job_last_run_age_seconds{job=\"rollups\"}"] < 600.0);
        assert!(all["observa_table_bytes{table=\"events\"}"] > 8192.0);
        assert!(all["observa_partitions_ahead_days"] >= 7.0);
        assert!(!tells_of(&all, "project=") && !tells_of(&all, "budget="), "{all:#?}");
    }
    let mut nobody = db.connect_as("nobody", "observa_read");
    assert_eq!(error(&mut nobody, "SELECT observa.metrics()").code().code(), "42501");
    db.run(&format!("LOAD 'observa'; SET observa.acting = '{theirs}//i/'"));
    assert_eq!(db.error("SELECT observa.metrics()").code().code(), "42501", "a key that only sends");
    assert_eq!(db.count("observa_internal.measurements()"), 0);
}

#[test]
fn metrics_count_what_was_rejected_and_sent_twice_by_tenant() {
    let mut db = Database::ready();
    let [ours, theirs] = ["ours", "theirs"].map(|name| db.tenant(name));
    let mut clients = [("one", ours), ("two", theirs)].map(|(login, tenant)| {
        let client = db.connect_as(login, "observa_ingest, observa_read");
        db.run(&format!("SELECT observa.grant_tenant('{login}_{}', '{tenant}')", db.name));
        client
    });
    let body = lines(&[llm_call("a"), llm_call("b"), json!({"model": 5})]);
    for _ in 0..2 {
        observa_tests::database::ingest(&mut clients[0], &body);
    }
    let counted = |client: &mut Client| {
        let all = samples(client);
        (all["observa_lines_rejected_total"], all["observa_lines_duplicate_total"])
    };
    assert_eq!(counted(&mut clients[0]), (2.0, 2.0));
    assert_eq!(counted(&mut clients[1]), (0.0, 0.0));
    assert_eq!(counted(&mut db.client), (2.0, 2.0));
}

#[test]
fn every_number_has_its_type_and_help_once_and_before_it() {
    let mut db = Database::ready();
    db.ingest(&llm_call("a").to_string());
    db.run("SELECT observa.run_maintenance()");
    let text: String = db.one("SELECT observa.metrics()::text");
    let mut told = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(!told.contains(&name) && text.contains(&format!("# HELP {name} ")), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            told.push(name);
        } else if !line.starts_with("# HELP ") {
            assert!(line.starts_with(told.last().unwrap()), "{line} is not under its family");
        }
    }
    assert!(told.len() >= 20, "{told:?}");
}

#[test]
fn metrics_before_setup_say_that_there_is_no_storage() {
    let mut db = Database::empty();
    db.run("CREATE EXTENSION observa");
    assert_eq!(samples(&mut db.client), BTreeMap::from([("observa_storage".to_owned(), 0.0)]));
    let told: Value = db.one("SELECT observa.diagnostics()");
    assert_eq!(told["storage"]["exists"], false, "{told}");
}

/// What must be in no bug report, planted wherever somebody could put it.
const SECRETS: [&str; 9] = [
    "hunter-2-of-the-url",
    "sk-proj-Zq3TmTzWUqYcY6cXk9LrT3BlbkFJh2VxPa",
    "secret-path-of-a-key",
    "secret-of-a-jwt-that-is-long-enough",
    "acme-corporation",
    "prompt-of-a-patient",
    "hook-secret-91",
    "detector-of-acme",
    "password-of-a-standby",
];

#[test]
fn diagnostics_hold_no_secret_and_nothing_of_a_tenants() {
    let mut db = Database::ready();
    let file = tempfile::NamedTempFile::with_prefix("secret-path-of-a-key").unwrap();
    std::fs::write(file.path(), "secret-of-a-jwt-that-is-long-enough").unwrap();
    let path = file.path().display();
    let tenant = db.tenant("acme-corporation");
    db.ingest(&lines(&[call(
        "e",
        "acme-corporation",
        json!({"input": "prompt-of-a-patient", "model": "acme-corporation-9", "user_id": "acme-corporation"}),
    )]));
    db.run(&format!(
        "SELECT observa.create_webhook(project_id, 'acme-corporation', 'https://hooks.example.com/hook-secret-91', secret => 'hook-secret-91')
           FROM observa_internal.projects WHERE tenant_id = '{tenant}';
         INSERT INTO observa_internal.job_tenants VALUES ('audit', '{tenant}', false, 1, now(), 'detector-of-acme');
         SELECT observa.run_maintenance();
         UPDATE observa_internal.jobs SET failures = 3, last_error = '42P01 relation does not exist', last_failed = now() WHERE job = 'audit';
         SET observa.judge_url = 'https://ann:hunter-2-of-the-url@judge.example.com:8443/v1?key=sk-proj-Zq3TmTzWUqYcY6cXk9LrT3BlbkFJh2VxPa';
         SET observa.judge_model = 'gpt sk-proj-Zq3TmTzWUqYcY6cXk9LrT3BlbkFJh2VxPa';
         SET observa.judge_key_file = '{path}'; SET observa.jwt_secret_file = '{path}';
         SET observa.trusted_logins = 'acme-corporation'; SET observa.max_depth = 64;
         SET app.password = 'password-of-a-standby'; SET work_mem = '5MB'; SET application_name = 'password-of-a-standby'"
    ));
    let told: Value = db.one("SELECT observa.diagnostics()");
    let text = told.to_string();
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} in {told:#}");
    }
    for id in db.rows("SELECT tenant_id::text FROM observa_internal.tenants UNION ALL SELECT project_id::text FROM observa_internal.projects", &[]) {
        assert!(!text.contains(id.get::<_, &str>(0)), "an id of a tenant");
    }
    let settings = &told["settings"];
    assert_eq!(settings["observa.judge_url"], "judge.example.com:8443");
    assert_eq!(settings["observa.jwt_secret_file"], "(set)");
    assert_eq!(settings["observa.max_depth"], "64");
    assert_eq!(settings["work_mem"], "5120 kB");
    assert_eq!(settings["observa.max_batch_events"], Value::Null, "it is the default");
    let version: String = db.one("SELECT extversion FROM pg_extension WHERE extname = 'observa'");
    assert_eq!(told["versions"]["extension"], json!(version));
    assert_eq!(told["versions"]["library"], json!(version));
    assert_eq!(told["storage"], json!({"exists": true, "is_this_librarys": true}));
    assert_eq!(told["workers"]["audit"]["last_error"], "42P01 relation does not exist");
    assert_eq!(told["conflicts"], json!([]));
    let tables = told["tables"].as_array().unwrap();
    let events = tables.iter().find(|table| table["name"] == "events").unwrap();
    assert_eq!(
        tables.iter().filter(|table| table["name"].as_str().unwrap().starts_with("events")).count(),
        1
    );
    let sizes = "SELECT sum(pg_total_relation_size(inhrelid))::bigint FROM pg_inherits WHERE inhparent = 'observa_internal.events'::regclass";
    assert_eq!(events["bytes"], json!(db.one::<i64>(sizes)), "{events}");
    let partitions: i64 =
        db.one("SELECT count(*) FROM pg_inherits WHERE inhparent = 'observa_internal.events'::regclass");
    assert_eq!(events["partitions"], json!(partitions));
    assert!(events["first"].as_str().unwrap().starts_with("FOR VALUES FROM"), "{events}");

    db.run("LOAD 'auto_explain'");
    let told: Value = db.one("SELECT observa.diagnostics()");
    assert!(
        told["conflicts"][0].as_str().unwrap().starts_with("auto_explain is loaded"),
        "{}",
        told["conflicts"]
    );
    let mut watch = db.connect_as("watch", "observa_read, pg_monitor");
    let theirs: Value = one(&mut watch, "SELECT observa.diagnostics()");
    assert_eq!(theirs["storage"]["is_this_librarys"], Value::Null, "{theirs}");
    assert_eq!(theirs["workers"]["audit"]["failures"], 3);
    let mut boss = db.connect_as("boss", "observa_admin, observa_read");
    db.run(&format!("SELECT observa.grant_tenant('boss_{}', '{tenant}')", db.name));
    assert_eq!(error(&mut boss, "SELECT observa.diagnostics()").code().code(), "42501");
}
