//! What a project no longer keeps goes, and nothing else.

use observa_tests::Database;
use observa_tests::database::error;
use observa_tests::event::{DAY_MS, lines, llm_call, now_ms, with};
use serde_json::{Value, json};

const AGES: [i64; 5] = [0, 5, 9, 15, 25];

/// In two projects, calls of some ages in days with all that belongs to them: payload, signal, alert, log line, dead letter.
fn filled() -> Database {
    let mut db = Database::ready();
    db.run("INSERT INTO observa.detection_rules (name, expression) VALUES ('own rule', 'attributes->>''note'' LIKE ''what%''')");
    db.run("SELECT observa.create_project((SELECT DISTINCT tenant_id FROM observa.projects), 'brief')");
    for project in ["default", "brief"] {
        let calls: Vec<Value> = AGES
            .iter()
            .map(|age| {
                with(
                    llm_call(&format!("{project}-{age}")),
                    json!({"timestamp": now_ms() - age * DAY_MS - 1000, "project": project, "project_id": project, "latency_ms": 9000,
                           "status": "error", "error_message": "what was said", "note": "what was said"}),
                )
            })
            .collect();
        let answer = db.ingest(&lines(&calls));
        assert_eq!(answer["accepted"], 5, "{answer}");
    }
    db
}

fn project(db: &mut Database) -> String {
    db.one("SELECT id::text FROM observa.projects WHERE name = 'brief'")
}

/// Events of a project that are left, and those with a payload.
fn left(db: &mut Database, name: &str) -> (Vec<String>, Vec<String>) {
    let ids = |db: &mut Database, condition: &str| -> Vec<String> {
        let sql = format!(
            "SELECT e.event_id FROM observa.events e JOIN observa.projects p ON p.id = e.project_id
              WHERE p.name = '{name}' AND {condition} ORDER BY e.ts DESC"
        );
        db.rows(&sql, &[]).iter().map(|row| row.get(0)).collect()
    };
    (ids(db, "true"), ids(db, "input IS NOT NULL"))
}

fn ids(name: &str, ages: &[i64]) -> Vec<String> {
    ages.iter().map(|age| format!("{name}-{age}")).collect()
}

#[test]
fn a_project_loses_what_it_keeps_no_longer_and_others_nothing() {
    let mut db = filled();
    let project = project(&mut db);
    db.run(&format!("SELECT observa.set_retention('{project}', 12, 7)"));
    let done: Value = db.one("SELECT observa.run_maintenance()");
    assert_eq!(left(&mut db, "brief"), (ids("brief", &[0, 5, 9]), ids("brief", &[0, 5])), "{done}");
    assert_eq!(left(&mut db, "default"), (ids("default", &AGES), ids("default", &AGES)));
    let of_brief = format!("observa_internal.signals WHERE project_id = '{project}'");
    assert_eq!(db.count(&format!("{of_brief} AND ts < now() - interval '13 days'")), 0);
    // What an error said is payload, wherever it is quoted.
    assert_eq!(
        db.count(&format!(
            "{of_brief} AND ts < now() - interval '8 days' AND details::text LIKE '%what was said%'"
        )),
        0
    );
    assert!(db.count(&format!("{of_brief} AND details::text LIKE '%what was said%'")) > 0);
    assert_eq!(db.one::<Value>("SELECT observa.run_maintenance()")["expired_rows"], 0, "one pass a day");
}

#[test]
fn what_comes_late_goes_with_the_next_days_pass() {
    let mut db = filled();
    let project = project(&mut db);
    db.run(&format!("SELECT observa.set_retention('{project}', 12)"));
    db.run("SELECT observa.run_maintenance()");
    let late = with(
        llm_call("late"),
        json!({"timestamp": now_ms() - 20 * DAY_MS, "project": "brief", "project_id": "brief"}),
    );
    assert_eq!(db.ingest(&late.to_string())["accepted"], 1);
    db.run("UPDATE observa_internal.retention_passes SET done_on = done_on - 1");
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(left(&mut db, "brief").0, ids("brief", &[0, 5, 9]));
}

#[test]
fn days_that_nobody_keeps_are_dropped_whole() {
    let mut db = filled();
    let project = project(&mut db);
    db.run(&format!("SELECT observa.set_retention('{project}', 20, 10)"));
    db.run("SET observa.retention_days = '12 d'; SET observa.payload_retention_days = 7");
    let done: Value = db.one("SELECT observa.run_maintenance()");
    assert!(done["expired_partitions"].as_i64() > Some(0), "{done}");
    assert_eq!(left(&mut db, "default"), (ids("default", &[0, 5, 9]), ids("default", &[0, 5])));
    assert_eq!(left(&mut db, "brief"), (ids("brief", &[0, 5, 9, 15]), ids("brief", &[0, 5, 9])));
    let days = |db: &mut Database, table: &str| -> i64 {
        db.one(&format!(
            "SELECT date_part('day', now() AT TIME ZONE 'UTC' - to_date(right(min(inhrelid::regclass::text), 8), 'YYYYMMDD'))::bigint
               FROM pg_inherits WHERE inhparent = 'observa_internal.{table}'::regclass"
        ))
    };
    assert_eq!([days(&mut db, "events"), days(&mut db, "signals")], [20, 20]);
    assert_eq!([days(&mut db, "event_payloads"), days(&mut db, "logs")], [10, 10]);
    let again: Value = db.one("SELECT observa.run_maintenance()");
    assert_eq!(
        (&again["expired_partitions"], &again["partitions_created"]),
        (&json!(0), &json!(0)),
        "{again}"
    );
    // The window is open as before: what is older than is kept lives until the next round.
    let late = with(llm_call("late"), json!({"timestamp": now_ms() - 25 * DAY_MS}));
    assert_eq!(db.ingest(&late.to_string())["accepted"], 1);
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(db.count("observa.events WHERE event_id = 'late'"), 0);
}

#[test]
fn nothing_goes_where_one_project_keeps_all() {
    let mut db = filled();
    let project = project(&mut db);
    db.run(&format!("SELECT observa.set_retention('{project}', 0, 0)"));
    db.run("SET observa.retention_days = 3");
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(left(&mut db, "brief"), (ids("brief", &AGES), ids("brief", &AGES)));
    assert_eq!(left(&mut db, "default").0, ids("default", &[0]));
}

#[test]
fn payloads_live_no_longer_than_their_events() {
    let mut db = filled();
    let project = project(&mut db);
    db.run(&format!("SELECT observa.set_retention('{project}', 7, 0)"));
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(db.count("observa_internal.event_payloads WHERE event_id LIKE 'brief-%'"), 2);
}

#[test]
fn ended_alerts_and_dead_letters_go_and_open_alerts_stay() {
    let mut db = filled();
    let project = project(&mut db);
    db.ingest(
        &json!({"event_type": "llm_call", "project": "brief", "project_id": "brief", "latency_ms": "x"})
            .to_string(),
    );
    db.run("UPDATE observa_internal.alerts SET created_at = created_at - interval '40 days'");
    db.run("UPDATE observa_internal.rejected_events SET created_at = created_at - interval '40 days'");
    let alerts = format!("observa.alerts WHERE project_id = '{project}'");
    let all = db.count(&alerts);
    assert!(all > 1, "{all}");
    db.run(&format!("SELECT observa.close_alert((SELECT id FROM {alerts} ORDER BY id LIMIT 1))"));
    db.run(&format!("SELECT observa.set_retention('{project}', 30)"));
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(db.count(&alerts), all - 1);
    assert_eq!(db.count("observa_internal.alerts WHERE description LIKE '%what was said%' AND created_at < now() - interval '30 days' AND project_id::text = (SELECT id::text FROM observa.projects WHERE name = 'brief')"), 0);
    assert_eq!(db.count("observa_internal.rejected_events"), 0);
}

/// The day after a pass.
const NEXT_DAY: &str =
    "UPDATE observa_internal.retention_passes SET done_on = done_on - 1; SELECT observa.run_maintenance()";

#[test]
fn each_day_s_pass_takes_what_that_day_has_made_too_old() {
    let mut db = filled();
    let project = project(&mut db);
    db.run(&format!("SELECT observa.set_retention('{project}', 200, 100)"));
    let of_project = format!("observa_internal.alerts WHERE project_id = '{project}'");
    db.run(&format!(
        "UPDATE observa_internal.alerts SET description = 'what was said' WHERE project_id = '{project}'"
    ));
    db.run("SELECT observa.run_maintenance()");
    let all = db.count(&of_project);
    // As old as what no pass could take yesterday.
    for (days, age) in [(200, 201), (100, 101)] {
        db.run(&format!(
            "SELECT observa.close_alert(alert_id) FROM {of_project} AND status = 'active' ORDER BY alert_id LIMIT 1;
             UPDATE observa_internal.alerts SET created_at = now() - interval '{age} days' WHERE status = 'closed' AND created_at > now() - interval '{days} days'"
        ));
        db.run(NEXT_DAY);
    }
    assert_eq!(db.count(&of_project), all - 1);
    assert_eq!(db.count(&format!("{of_project} AND description = 'what was said'")), all - 2);
}

#[test]
fn a_note_goes_when_it_is_too_old_itself_and_an_alert_that_ends_late_with_the_next_pass() {
    let mut db = filled();
    let project = project(&mut db);
    db.run(&format!("SELECT observa.run_maintenance(); SELECT observa.set_retention('{project}', 90, 7)"));
    db.run(
        "UPDATE observa_internal.alerts SET created_at = created_at - interval '200 days';
            UPDATE observa_internal.issues SET last_seen = last_seen - interval '60 days'",
    );
    db.run("SELECT observa.run_maintenance()");
    let alert: String = db.one(&format!(
        "SELECT id::text FROM observa.alerts WHERE project_id = '{project}' ORDER BY id LIMIT 1"
    ));
    let issue: String = db.one(&format!(
        "SELECT id::text FROM observa.issues WHERE project_id = '{project}' ORDER BY id LIMIT 1"
    ));
    db.run(&format!(
        "SELECT observa.note_alert('{alert}', 'first'), observa.resolve_issue('{issue}', 'first')"
    ));
    let notes = |db: &mut Database| -> Vec<Option<String>> {
        let sql = format!(
            "SELECT note FROM observa.alerts WHERE id = '{alert}' UNION ALL (SELECT note FROM observa.alert_events WHERE alert_id = '{alert}' AND event = 'noted' ORDER BY at)
             UNION ALL SELECT note FROM observa_internal.issue_states"
        );
        db.rows(&sql, &[]).iter().map(|row| row.get(0)).collect()
    };
    let said = |note: &str| Some(note.to_owned());
    db.run(NEXT_DAY);
    assert_eq!(
        notes(&mut db),
        [said("first"), said("first"), said("first")],
        "they are new, whatever they are about"
    );
    db.run(
        "UPDATE observa_internal.alert_events SET at = at - interval '8 days';
            UPDATE observa_internal.issue_states SET decided_at = decided_at - interval '8 days'",
    );
    db.run(&format!("SELECT observa.note_alert('{alert}', 'second')"));
    db.run(NEXT_DAY);
    assert_eq!(notes(&mut db), [said("second"), None, said("second"), None], "an alert shows its newest");
    db.run("UPDATE observa_internal.alert_events SET at = at - interval '8 days'");
    db.run(NEXT_DAY);
    assert_eq!(notes(&mut db), [None, None, None, None]);
    // It was open when its time came.
    db.run(&format!("SELECT observa.close_alert('{alert}')"));
    db.run(NEXT_DAY);
    assert_eq!(db.count(&format!("observa.alerts WHERE id = '{alert}'")), 0);
}

#[test]
fn a_retention_is_a_number_of_days_that_the_audit_log_knows() {
    let mut db = filled();
    let project = project(&mut db);
    for days in ["-1", "20001"] {
        let refused = error(&mut db.client, &format!("SELECT observa.set_retention('{project}', {days})"));
        assert_eq!(refused.code().code(), "22023", "{refused}");
    }
    for days in ["'x'", "'-1 d'", "'30 bananas'"] {
        let refused = error(&mut db.client, &format!("SET observa.retention_days = {days}"));
        assert_eq!(refused.code().code(), "22023", "{refused}");
    }
    db.run(&format!("SELECT observa.set_retention('{project}', 30, 7)"));
    let kept =
        db.row("SELECT retention_days, payload_retention_days FROM observa.projects WHERE name = 'brief'");
    assert_eq!(kept, json!({"retention_days": 30, "payload_retention_days": 7}));
    assert_eq!(
        db.count(&format!(
            "observa.audit_log WHERE action = 'set_retention' AND resource = 'project {project}'"
        )),
        1
    );
}

#[test]
fn old_minutes_and_hours_go_and_their_days_stay() {
    let mut db = filled();
    db.run("SELECT observa.run_maintenance()");
    let count = |db: &mut Database, resolution: &str| db.count(&format!("observa.metrics_{resolution}"));
    let days = count(&mut db, "day");
    assert!(count(&mut db, "minute") >= 10 && count(&mut db, "hour") >= 10 && days >= 10);
    db.run("SET observa.metrics_minute_days = 7; SET observa.metrics_hour_days = 12");
    db.run("SELECT observa.run_maintenance()");
    let old = |days: i64, resolution: &str| {
        format!("observa.metrics_{resolution} WHERE bucket < now() - interval '{days} days'")
    };
    assert_eq!(db.count(&old(8, "minute")) + db.count(&old(8, "total_minute")), 0);
    assert_eq!(db.count(&old(13, "hour")) + db.count(&old(13, "total_hour")), 0);
    assert!(db.count(&old(8, "hour")) > 0 && count(&mut db, "minute") > 0);
    assert_eq!(count(&mut db, "day"), days);
}
