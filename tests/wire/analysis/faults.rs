//! Whatever an endpoint does, every job ends in the right state, is judged once, and the budget holds.

use std::time::Duration;

use observa_tests::event::lines;
use observa_tests::judge::Judge;
use serde_json::{Value, json};

use super::{JOBS, call, database, jobs, price};
use crate::workers::{eventually, outside::Worker, wait_for_worker};

const ONE: &str = "UPDATE observa.evaluators SET enabled = false WHERE name <> 'toxicity'";

#[test]
fn every_fault_ends_in_the_right_state() {
    let judge = Judge::start();
    let mut db = database("faults", &judge, "observa.judge_sample_rate = 1");
    db.run(ONE);
    let events: Vec<Value> = ["429", "words", "once", "none"]
        .iter()
        .map(|fault| call(fault, &format!("fault={fault} score=0.5")))
        .collect();
    db.ingest(&lines(&events));
    eventually("all are decided", || {
        jobs(&mut db, "state IN ('queued', 'leased')") == 0 && jobs(&mut db, "true") == 4
    });
    let told = db.table(&format!("{JOBS} ORDER BY event_id"));
    let state = |event: &str| {
        let sql =
            format!("SELECT state, attempts, answer FROM observa.analysis_jobs WHERE event_id = '{event}'");
        (sql, event.to_owned())
    };
    let mut row = |event: &str| db.row(&state(event).0);
    assert_eq!(row("none")["state"], "done", "{told:?}");
    assert_eq!((&row("429")["state"], &row("429")["attempts"]), (&json!("done"), &json!(1)), "{told:?}");
    assert_eq!(row("once")["state"], "done", "{told:?}");
    let words = row("words");
    assert_eq!(words["state"], "failed", "{told:?}");
    assert!(words["answer"].as_str().unwrap().contains("it is fine"), "{words}");
    let flags = db.table("SELECT event_id FROM observa.analysis_results WHERE 'repaired' = ANY (flags)");
    assert_eq!(flags, [json!({"event_id": "once"})]);
    assert_eq!(db.count("observa.analysis_results"), 3);

    // What may pass is tried again, later each time.
    db.ingest(&lines(&["500", "slow", "reset"].map(|fault| call(fault, &format!("fault={fault}")))));
    eventually("each was tried twice", || {
        jobs(&mut db, "event_id IN ('500', 'slow', 'reset') AND attempts >= 2 AND error IS NOT NULL") == 3
    });
    assert_eq!(jobs(&mut db, "event_id IN ('500', 'slow', 'reset') AND state = 'done'"), 0);
    let errors = db.table("SELECT error FROM observa.analysis_jobs WHERE error IS NOT NULL");
    assert!(errors.iter().all(|row| !row["error"].as_str().unwrap().contains("127.0.0.1")), "{errors:?}");
}

#[test]
fn an_endpoint_that_is_gone_costs_no_job_and_is_shown() {
    let judge = Judge::start();
    let mut db = database("gone", &judge, "observa.judge_sample_rate = 1");
    db.run(ONE);
    drop(judge);
    let events: Vec<Value> = (0..20).map(|number| call(&format!("e{number}"), "fine")).collect();
    db.ingest(&lines(&events));
    eventually("the breaker is open", || {
        db.one::<Value>("SELECT observa.health_detailed() -> 'judge'")["state"] == "open"
    });
    assert_eq!(jobs(&mut db, "state = 'done'"), 0);
    let health: Value = db.one("SELECT observa.health_detailed() -> 'judge'");
    assert!(health["queued"].as_i64().unwrap() > 0, "{health}");
}

#[test]
fn a_budget_holds_but_for_what_was_under_way() {
    let judge = Judge::with_latency(Duration::from_millis(50));
    let mut db = database("budget", &judge, "observa.judge_sample_rate = 1\nobserva.judge_concurrency = 4");
    db.run(ONE);
    let project: uuid::Uuid = db.one("SELECT id FROM observa.projects");
    db.run(&format!("SELECT observa.set_analysis('{project}', 1, 0.02)"));
    // Each costs 0.002.
    let events: Vec<Value> = (0..60).map(|number| call(&format!("e{number}"), "fine")).collect();
    db.ingest(&lines(&events));
    eventually("all are decided", || {
        jobs(&mut db, "state IN ('queued', 'leased')") == 0 && jobs(&mut db, "true") >= 60
    });
    let spent: f64 = db.one("SELECT sum(cost_usd)::float8 FROM observa.analysis_spend");
    let asked = judge.asked().len();
    assert!((spent - asked as f64 * 0.002).abs() < 1e-9, "{spent} for {asked}");
    // Two rounds of four may be under way when the last cent is spent.
    assert!((10..=18).contains(&asked), "{asked}");
    assert_eq!(
        jobs(&mut db, "state = 'skipped' AND reason = 'the budget of the day is spent'"),
        60 - asked as i64
    );
    db.ingest(&lines(&(60..80).map(|number| call(&format!("e{number}"), "fine")).collect::<Vec<_>>()));
    eventually("more is counted, not queued", || {
        jobs(&mut db, "state = 'skipped' AND occurrences = 20") == 1
    });
    price(&mut db, "0", "0");
}

#[test]
fn what_can_not_be_read_or_recorded_holds_up_nothing_else() {
    let judge = Judge::start();
    let mut db = database("judge-poison", &judge, "observa.judge_sample_rate = 1");
    db.run(ONE);
    // Stand for a damaged row, and for an answer that the table refuses.
    db.run(
        "ALTER TABLE observa_internal.analysis_jobs ADD CHECK (event_id <> 'unread' OR state <> 'skipped');
         ALTER TABLE observa_internal.analysis_results ADD CHECK (event_id <> 'unrecorded');
         CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM observa_internal.event_payloads WHERE event_id = 'unread'; RETURN NULL; END $$;
         CREATE TRIGGER lose AFTER INSERT ON observa_internal.event_payloads FOR EACH STATEMENT EXECUTE FUNCTION lose()",
    );
    let names = ["unread", "unrecorded", "a", "b", "c"];
    db.ingest(&lines(&names.map(|name| call(name, "fine"))));
    eventually("the others are judged", || db.count("observa.analysis_results") == 3);
    eventually("the unread one has failed", || {
        jobs(&mut db, "event_id = 'unread' AND state = 'failed'") == 1
    });
    assert_eq!(jobs(&mut db, "state = 'done'"), 3);
    let error: String = db.one("SELECT error FROM observa.analysis_jobs WHERE event_id = 'unread'");
    assert!(error.starts_with("23514"), "{error}");
    db.ingest(&lines(&["d", "e"].map(|name| call(name, "fine"))));
    eventually("what comes later, too", || db.count("observa.analysis_results") == 5);
}

#[test]
fn nothing_waits_for_a_judge_that_thinks() {
    let judge = Judge::with_latency(Duration::from_secs(60));
    let mut db =
        database("judge-thinks", &judge, "observa.judge_sample_rate = 1\nobserva.judge_timeout = 60s");
    db.run(ONE);
    db.ingest(&lines(&(0..20).map(|number| call(&format!("e{number}"), "fine")).collect::<Vec<_>>()));
    eventually("judges are asked", || judge.asked().len() >= 16);
    let begun = std::time::Instant::now();
    db.run("DROP EXTENSION observa CASCADE; CREATE EXTENSION observa; SELECT observa.setup()");
    eventually("another worker asks", || {
        db.count("pg_stat_activity WHERE backend_type = 'observa analysis'") == 1
    });
    let mut postgres = db.cluster.connect("postgres");
    db.client = db.cluster.connect("postgres");
    postgres.batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", db.name)).unwrap();
    postgres.batch_execute(&format!("CREATE DATABASE {}", db.name)).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

#[test]
fn killed_workers_and_servers_lose_nothing_and_judge_nothing_twice() {
    let judge = Judge::with_latency(Duration::from_millis(100));
    let settings =
        "observa.judge_sample_rate = 1\nobserva.judge_timeout = 300ms\nobserva.judge_concurrency = 8";
    let mut db = database("judge-kills", &judge, settings);
    db.run(ONE);
    let events: Vec<Value> = (0..200).map(|number| call(&format!("e{number}"), "fine")).collect();
    db.ingest(&lines(&events));
    let analysis = "SELECT max(pid) FROM pg_stat_activity WHERE backend_type = 'observa analysis'";
    let mut outside = Worker::start(&db);
    let mut killed = 0;
    eventually("some are judged", || db.count("observa.analysis_results") > 5);
    if let Some(pid) = db.one::<Option<i32>>(analysis) {
        db.cluster.kill_backend(pid);
        killed += 1;
        std::thread::sleep(Duration::from_millis(500));
        db.client = db.connect();
    }
    outside.kill();
    db.cluster.kill();
    db.cluster.start_again();
    db.client = db.connect();
    let name = db.name.clone();
    wait_for_worker(&mut db.connect(), &name);
    let _outside = Worker::start(&db);
    let patience = std::time::Instant::now() + Duration::from_secs(90);
    while db.count("observa.analysis_results") < 200 {
        let left = db.table("SELECT state, attempts, count(*) FROM observa.analysis_jobs GROUP BY 1, 2");
        assert!(std::time::Instant::now() < patience, "{left:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(jobs(&mut db, "state = 'done'"), 200, "killed {killed}");
    let verdicts = db.one::<i64>("SELECT count(DISTINCT event_id) FROM observa.analysis_results");
    assert_eq!((verdicts, db.count("observa.analysis_results")), (200, 200));
}
