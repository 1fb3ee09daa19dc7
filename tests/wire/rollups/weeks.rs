//! Metrics by the week came later: storage without them does without, and gets them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use observa_tests::Database;
use observa_tests::database::{error, ingest};
use observa_tests::event::{DAY_MS, lines, llm_call, now_ms, with};
use serde_json::{Value, json};

use super::{assert_right, assert_right_before_and_after_fold, calls, ready};

/// Leaves storage as a library before weeks did.
const TAKE_WEEKS: &str = "
    DROP VIEW observa.metrics_week, observa.metrics_total_week;
    DELETE FROM observa_internal.metrics WHERE resolution = 'week'; DELETE FROM observa_internal.metric_totals WHERE resolution = 'week';
    ALTER TABLE observa_internal.metrics ADD CONSTRAINT metrics_resolution_check CHECK (resolution IN ('minute', 'hour', 'day'));
    ALTER TABLE observa_internal.metric_totals ADD CONSTRAINT metric_totals_resolution_check CHECK (resolution IN ('minute', 'hour', 'day'))";

/// What a month's functions tell of all tenants' events.
fn month(db: &mut Database) -> Value {
    let since = "since => now() - interval '26 days'";
    db.row(&format!(
        "SELECT (SELECT sum(events) FROM observa.dashboard_breakdown('model', {since})) AS events, o ->> 'users' AS users, o ->> 'latency_ms_p95' AS p95, o ->> 'cost_usd' AS cost
           FROM observa.dashboard_overview({since}) o"
    ))
}

#[test]
fn storage_without_weeks_does_without_them_until_setup_makes_them() {
    let mut db = ready();
    let other = db.tenant("other");
    let long_ago = |id: &str, user: &str, days: i64| {
        with(llm_call(id), json!({"timestamp": now_ms() - days * DAY_MS, "user_id": user}))
    };
    db.ingest(&calls(0..60));
    db.ingest(&lines(&[long_ago("x", "u1", 20), long_ago("y", "u77", 19), long_ago("z", "u78", 12)]));
    db.run(&format!("LOAD 'observa'; SET observa.acting = '{other}//iqa/'"));
    db.ingest(&lines(&[long_ago("x", "u1", 20), long_ago("y", "u79", 20)]));
    db.run("RESET observa.acting; SELECT observa.run_maintenance()");
    let whole = month(&mut db);
    assert_eq!((&whole["events"], &whole["users"]), (&json!(65), &json!("9")), "{whole}");
    db.run(TAKE_WEEKS);
    assert_eq!(month(&mut db), whole);

    db.ingest(&calls(60..90));
    let round: Value = db.one("SELECT observa.run_maintenance()");
    assert_eq!(round["failed"], json!([]), "{round}");
    let without = month(&mut db);
    assert_eq!(without["events"], 95);
    // Who began to read before sees what was there then.
    let mut early = db.connect();
    early.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").unwrap();
    let message = error(&mut early, "SAVEPOINT s; SELECT observa.setup()");
    assert_eq!(message.code().code(), "25001", "{message}");
    early.batch_execute("ROLLBACK TO s").unwrap();
    db.run("SELECT observa.setup()");
    assert_eq!(month(&mut db), without);
    let events = "SELECT sum(events)::bigint FROM observa.dashboard_breakdown('model', since => now() - interval '26 days')";
    assert_eq!(early.query_one(events, &[]).unwrap().get::<_, i64>(0), 95);
    early.batch_execute("COMMIT").unwrap();

    assert_right(&mut db.client);
    db.ingest(&calls(90..120));
    assert_right_before_and_after_fold(&mut db);
    assert_eq!(month(&mut db)["events"], 125);
}

#[test]
fn folds_beside_a_setup_that_makes_weeks_leave_them_right() {
    let mut db = ready();
    let (ends, mut folder, mut sender) = (AtomicBool::new(false), db.connect(), db.connect());
    let made = std::thread::scope(|scope| {
        let ends = &ends;
        scope.spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                folder.query_one("SELECT observa.run_maintenance()", &[]).unwrap();
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        scope.spawn(move || {
            let mut round = 0;
            while !ends.load(Ordering::Relaxed) {
                ingest(&mut sender, &calls(round * 20..round * 20 + 20));
                round += 1;
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        let tries = || {
            // It may be a deadlock's victim, and where setup() gave up there are none to take: then that is tried again.
            let _ = db.client.batch_execute(TAKE_WEEKS);
            let has_none: bool = db.one("SELECT to_regclass('observa.metrics_week') IS NULL");
            has_none && db.client.batch_execute("SELECT observa.setup()").is_ok()
        };
        let made = std::iter::repeat_with(tries).take(20).filter(|made| *made).count();
        ends.store(true, Ordering::Relaxed);
        made
    });
    assert!(made > 1, "{made} times");
    db.run("SELECT observa.setup()");
    assert_right_before_and_after_fold(&mut db);
}
