//! A library that is newer than the storage: nothing is lost until observa.setup() has added what is missing.

use std::path::Path;

use observa_tests::database::{error, ingest, one, tell};
use observa_tests::event::{lines, llm_call, now_ms, with};
use observa_tests::{Database, Front, FrontConfig, http};
use serde_json::{Value, json};

const NEXT: &str = "SELECT observa_internal.run_due_job()";

/// Signals and alerts, tags, an event without a time, and a line that is rejected.
fn events() -> String {
    let failed = json!({"status": "error", "error_message": "it broke", "trace_id": "t", "user_id": "u",
                        "prompt": "Why is it so?", "response": "It is so.", "latency_ms": 90_000, "tags": {"team": "a"}});
    lines(&[
        with(llm_call("failed"), failed),
        json!({"model": "m", "prompt": "hi"}),
        json!({"event_type": "unheard_of"}),
    ])
}

/// A span, and a log record.
fn otlp() -> [String; 2] {
    let time = format!("{}000000", now_ms() - 1_000);
    let ids = json!({"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "00000000000000a1"});
    let span = with(
        ids.clone(),
        json!({"name": "chat", "startTimeUnixNano": time, "endTimeUnixNano": time,
        "attributes": [{"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}, {"key": "gen_ai.request.model", "value": {"stringValue": "m"}}]}),
    );
    let record = with(ids, json!({"timeUnixNano": time, "body": {"stringValue": "said"}}));
    [
        json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).to_string(),
        json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).to_string(),
    ]
}

/// A database with a login that sends events, and sees what is sampled for judges.
fn with_sender() -> (Database, String) {
    let mut db = Database::ready();
    let name = db.name.clone();
    db.run(&format!("ALTER DATABASE {name} SET observa.judge_url = 'http://127.0.0.1:1'"));
    let login: String = one(&mut db.connect_as("sender", "observa_ingest"), "SELECT session_user::text");
    db.run(&format!(
        "SELECT observa.grant_tenant('{login}', (SELECT tenant_id FROM observa_internal.tenants))"
    ));
    (db, login)
}

/// What becomes of all these bodies, in a session that knows nothing yet, after a change that is undone.
fn after(db: &Database, login: &str, change: &str) -> Result<(), postgres::Error> {
    let mut client = db.connect();
    client.batch_execute(&format!("BEGIN; {change}; SET SESSION AUTHORIZATION {login}")).expect(change);
    let [spans, records] = otlp();
    for (body, accepted) in [(events(), 2), (spans, 1), (records, 1)] {
        let answer: Value = client.query_one("SELECT observa.ingest($1::text)", &[&body])?.get(0);
        assert_eq!(answer["accepted"], accepted, "{change}: {answer}");
    }
    Ok(())
}

/// It is taken, or refused in words that say what to do.
fn is_taken(db: &Database, login: &str, change: &str) -> bool {
    let Err(error) = after(db, login, change) else { return true };
    let refused = error.as_db_error().unwrap_or_else(|| panic!("{change}: {error}"));
    assert_eq!(refused.code().code(), "55000", "{change}: {}", tell(&error));
    assert!(refused.message().contains("observa.setup()"), "{change}: {}", tell(&error));
    false
}

/// Tables and columns that the scripts add to what is there already.
fn added_later() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sql/storage");
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder).expect("the scripts") {
        let script = std::fs::read_to_string(file.expect("a script").path()).expect("text");
        for statement in script.split(';') {
            let name = |rest: &str| rest.split_whitespace().next().unwrap_or_default().to_owned();
            let Some((_, altered)) = statement.split_once("ALTER TABLE observa_internal.") else { continue };
            let columns = statement
                .split("ADD COLUMN ")
                .skip(1)
                .map(|rest| name(rest.trim_start_matches("IF NOT EXISTS ")));
            found.extend(columns.map(|column| (name(altered), column)));
        }
    }
    found
}

#[test]
fn events_are_taken_or_refused_clearly_whatever_table_is_missing() {
    let (mut db, login) = with_sender();
    assert!(is_taken(&db, &login, "SELECT"), "with all there");
    let tables: Vec<String> = db
        .rows(
            "SELECT relname::text FROM pg_class WHERE relnamespace = 'observa_internal'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition",
            &[],
        )
        .iter()
        .map(|row| row.get(0))
        .collect();
    let (unneeded, needed): (Vec<_>, Vec<_>) = tables
        .iter()
        .partition(|table| is_taken(&db, &login, &format!("DROP TABLE observa_internal.{table} CASCADE")));
    assert!(needed.len() >= 20 && unneeded.len() >= 20, "{needed:?} {unneeded:?}");
    // All of the others at once, and the views.
    let gone: Vec<String> = unneeded.iter().map(|table| format!("observa_internal.{table}")).collect();
    assert!(is_taken(&db, &login, &format!("DROP TABLE {} CASCADE", gone.join(", "))), "{gone:?}");
}

#[test]
fn events_are_taken_or_refused_clearly_whatever_later_column_is_missing() {
    let (db, login) = with_sender();
    let columns = added_later();
    assert!(columns.len() > 40, "{columns:?}");
    let refused = columns.iter().filter(|(table, column)| {
        !is_taken(&db, &login, &format!("ALTER TABLE observa_internal.{table} DROP COLUMN {column} CASCADE"))
    });
    let refused: Vec<_> = refused.map(|(table, column)| format!("{table}.{column}")).collect();
    for needed in ["signals.issue_id", "alerts.raised_value", "projects.stopped_until", "events.metric_tags"]
    {
        assert!(refused.iter().any(|column| column == needed), "{needed}: {refused:?}");
    }
    assert!(!refused.iter().any(|column| column.starts_with("metrics.")), "{refused:?}");
}

#[test]
fn what_an_older_storage_refuses_is_stored_once_setup_was_run() {
    let (mut db, login) = with_sender();
    db.run("DROP TABLE observa_internal.issue_deltas CASCADE");
    let mut config = db.cluster.config(&db.name);
    config.user(&login);
    let mut sender = config.connect(postgres::NoTls).expect("the login connects");
    let body = llm_call("kept").to_string();
    let refused = error(&mut sender, &format!("SELECT observa.ingest('{body}'::text)"));
    assert_eq!(
        refused.message(),
        "Observa's storage is an older library's and lacks table issue_deltas: a superuser must run SELECT observa.setup()"
    );
    assert!(refused.hint().is_some_and(|hint| hint.contains("send the same again")), "{refused:?}");
    assert_eq!(
        error(&mut db.connect(), "SELECT observa.create_tenant('t')").code().code(),
        "55000",
        "nor does administration fail half-way"
    );
    assert_eq!(one::<Value>(&mut sender, "SELECT observa.health()"), json!({"status": "old_storage"}));
    // A status that exporters send again for.
    let front = Front::start(FrontConfig::of(db.cluster.config(&db.name)));
    let send = || http::post(&front.url("/rpc/ingest"), "application/octet-stream", body.as_bytes());
    let reply = send();
    assert_eq!(
        (reply.status, reply.header("retry-after").is_some(), &reply.body["code"]),
        (503, true, &json!("UNAVAILABLE")),
        "{reply:?}"
    );
    assert_eq!(db.count("observa.events"), 0);
    db.run("SELECT observa.setup()");
    assert_eq!(ingest(&mut sender, &body)["accepted"], 1);
    assert_eq!((send().status, send().body["duplicates"].clone()), (200, json!(1)));
    assert_eq!(one::<Value>(&mut sender, "SELECT observa.health()"), json!({"status": "ok"}));
}

#[test]
fn jobs_wait_for_setup_and_health_says_what_is_missing() {
    let (mut db, login) = with_sender();
    db.ingest(&events());
    db.run("DROP TABLE observa_internal.answer_days, observa_internal.detectors CASCADE");
    let mut config = db.cluster.config(&db.name);
    config.user(&login);
    let mut sender = config.connect(postgres::NoTls).expect("the login connects");
    assert_eq!(
        ingest(&mut sender, &llm_call("later").to_string())["accepted"],
        1,
        "events need neither table"
    );
    let mut worker = db.connect();
    assert_eq!(one::<Option<String>>(&mut worker, NEXT), None);
    assert_eq!(error(&mut worker, "SELECT observa.run_maintenance()").code().code(), "55000");
    let health: Value = one(&mut db.connect(), "SELECT observa.health_detailed()");
    assert_eq!(
        (&health["status"], &health["checks"]["storage"]["status"]),
        (&json!("degraded"), &json!("old")),
        "{health}"
    );
    assert!(
        ["table answer_days", "table detectors"]
            .contains(&health["checks"]["storage"]["missing"].as_str().unwrap()),
        "{health}"
    );
    assert_eq!(one::<i64>(&mut worker, "SELECT count(*) FROM observa_internal.jobs WHERE failures > 0"), 0);
    db.run("SELECT observa.setup()");
    assert!(one::<Option<String>>(&mut worker, NEXT).is_some());
    let health: Value = one(&mut db.connect(), "SELECT observa.health_detailed()");
    assert_eq!(health["checks"]["storage"]["status"], "ok", "{health}");
}
