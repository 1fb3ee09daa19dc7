//! What becomes of a job, whoever runs it.

use observa_tests::Database;
use observa_tests::database::{error, one};
use observa_tests::event::{lines, llm_call, now_ms, with};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{JOBS, UNDONE, eventually, server, wait_for_worker};

const NEXT: &str = "SELECT observa_internal.run_due_job()";

#[test]
fn a_job_that_fails_is_told_and_stops_no_other() {
    let mut db = Database::ready_in(server("workers-fail", ""));
    wait_for_worker(&mut db.connect(), &db.name);
    eventually("all jobs run once", || db.count(UNDONE) == 0);
    let before: i64 = db.one("SELECT runs FROM observa.workers WHERE job = 'twins'");
    // A value that a message quotes: it must be told nowhere.
    db.run(
        "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM 'sk-payload'::int; RETURN NULL; END$$;
         CREATE TRIGGER broken AFTER DELETE ON observa_internal.usage_deltas FOR EACH STATEMENT EXECUTE FUNCTION broken();
         UPDATE observa_internal.jobs SET next_run = '-infinity'",
    );
    eventually("the job has failed twice", || {
        db.one::<i32>("SELECT failures FROM observa.workers WHERE job = 'usage'") >= 2
    });
    let told = db.row("SELECT state, last_error, next_run > now() AS later, last_failed > now() - interval '1 min' AS new FROM observa.workers WHERE job = 'usage'");
    assert_eq!(told["state"], "failing");
    assert_eq!(
        told["last_error"],
        "22P02: invalid input syntax for type integer: \"(hidden)\" (1 of 1 tenants)"
    );
    assert_eq!((&told["later"], &told["new"]), (&Value::Bool(true), &Value::Bool(true)));
    eventually("the others have run", || {
        db.one::<i64>("SELECT runs FROM observa.workers WHERE job = 'twins'") > before
            && db.count("observa.workers WHERE failures = 0 AND next_run > now()") == JOBS - 1
    });
    let log = db.cluster.log();
    let said = log.lines().filter(|line| line.contains("job usage failed")).collect::<Vec<_>>();
    assert!(!said.is_empty() && !said.iter().any(|line| line.contains("payload")), "{said:?}");
    // Each try waits longer.
    assert!(said.len() < 8, "{said:?}");

    // By hand the others go on, too.
    let round: Value = db.one("SELECT observa.run_maintenance()");
    assert_eq!(round["failed"], serde_json::json!(["usage"]));
    db.run("DROP FUNCTION broken CASCADE; UPDATE observa_internal.jobs SET next_run = '-infinity'");
    eventually("it goes well again", || {
        db.one::<i32>("SELECT failures FROM observa.workers WHERE job = 'usage'") == 0
    });
}

/// Only this job is due.
fn due(db: &mut Database, job: &str) {
    db.run(&format!(
        "UPDATE observa_internal.jobs SET next_run = CASE WHEN job = '{job}' THEN '-infinity' ELSE 'infinity' END::timestamptz"
    ));
}

fn ingest_for(db: &mut Database, tenant: Uuid, event: &str) {
    assert_eq!(
        db.ingest(&with(llm_call(event), json!({"tenant_id": tenant.to_string()})).to_string())["accepted"],
        1
    );
}

#[test]
fn a_tenant_for_whom_a_job_fails_keeps_it_from_nobody_else() {
    let mut db = Database::ready();
    let [well, ill] = ["well", "ill"].map(|name| db.tenant(name));
    db.run(&format!(
        "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
             IF NEW.tenant_id = '{ill}' THEN PERFORM 'sk-payload'::int; END IF; RETURN NEW; END$$;
         CREATE TRIGGER broken BEFORE INSERT ON observa_internal.metrics FOR EACH ROW EXECUTE FUNCTION broken()"
    ));
    ingest_for(&mut db, ill, "a");
    ingest_for(&mut db, well, "a");
    due(&mut db, "rollups");
    assert_eq!(db.one::<Option<String>>(NEXT).as_deref(), Some("rollups"));
    let folded =
        |tenant| format!("observa_internal.metrics WHERE tenant_id = '{tenant}' AND resolution = 'day'");
    let waiting = |tenant| format!("observa_internal.rollup_deltas WHERE tenant_id = '{tenant}'");
    assert_eq!([folded(well), waiting(well)].map(|from| db.count(&from)), [1, 0]);
    assert_eq!([folded(ill), waiting(ill)].map(|from| db.count(&from)), [0, 1]);
    let row = "SELECT state, rows, runs, failures, last_error, next_run < now() + interval '3 s' AS soon
                 FROM observa.workers WHERE job = 'rollups'";
    let told = "22P02: invalid input syntax for type integer: \"(hidden)\" (1 of 2 tenants)";
    assert_eq!(
        db.row(row),
        json!({"state": "failing", "rows": 1, "runs": 1, "failures": 1, "last_error": told, "soon": true})
    );

    // It is left alone for a while; the others are not.
    ingest_for(&mut db, well, "b");
    due(&mut db, "rollups");
    assert_eq!(db.one::<Option<String>>(NEXT).as_deref(), Some("rollups"));
    assert_eq!(db.count(&waiting(well)), 0);
    let job = db.row("SELECT failures, runs FROM observa.workers WHERE job = 'rollups'");
    assert_eq!(job, json!({"failures": 1, "runs": 2}));

    // Who asks for a round waits for no pause.
    assert_eq!(db.one::<Value>("SELECT observa.run_maintenance()")["failed"], json!(["rollups"]));
    assert_eq!(db.one::<i32>("SELECT failures FROM observa_internal.job_tenants"), 2);
    db.run("DROP FUNCTION broken CASCADE");
    assert_eq!(db.one::<Value>("SELECT observa.run_maintenance()")["failed"], json!([]));
    assert_eq!([folded(ill), waiting(ill)].map(|from| db.count(&from)), [1, 0]);
    assert_eq!(db.one::<i32>("SELECT failures FROM observa.workers WHERE job = 'rollups'"), 0);
    assert_eq!(db.count("observa_internal.job_tenants"), 0);
}

#[test]
fn a_run_over_many_tenants_ends_and_the_next_one_goes_on_with_the_others() {
    let mut db = Database::ready();
    let tenants: Vec<Uuid> = (0..110).map(|number| db.tenant(&format!("t{number}"))).collect();
    let mut rounds = Vec::new();
    let mut waiting = Vec::new();
    for round in 0..4 {
        // Those that have had their turn have work again.
        for tenant in tenants.iter().filter(|_| round < 2) {
            ingest_for(&mut db, *tenant, &format!("r{round}"));
        }
        if round == 0 {
            due(&mut db, "rollups");
        }
        assert_eq!(db.one::<Option<String>>(NEXT).as_deref(), Some("rollups"), "round {round}: due at once");
        rounds.push(db.one::<i64>("SELECT rows FROM observa.workers WHERE job = 'rollups'"));
        waiting.push(db.one::<i64>("SELECT count(DISTINCT tenant_id) FROM observa_internal.rollup_deltas"));
    }
    // One delta each, then the next fifty's two, then those of the last ten and of the first forty, which came later.
    assert_eq!(rounds, [50, 100, 60, 10]);
    assert_eq!(waiting, [60, 60, 10, 0]);
    assert_eq!(db.count("observa_internal.job_tenants"), 0);
}

#[test]
fn a_job_waits_for_no_lock_for_long() {
    let mut db = Database::ready_in(server("workers-lock", ""));
    wait_for_worker(&mut db.connect(), &db.name);
    eventually("all jobs run once", || db.count(UNDONE) == 0);
    let mut other = db.connect();
    other.batch_execute("BEGIN; LOCK TABLE observa_internal.usage_deltas").unwrap();
    db.run("UPDATE observa_internal.jobs SET next_run = '-infinity' WHERE job = 'usage'");
    eventually("the job has given up", || {
        db.one::<Option<String>>("SELECT last_error FROM observa.workers WHERE job = 'usage'").as_deref()
            == Some("55P03: canceling statement due to lock timeout (1 of 1 tenants)")
    });
}

#[test]
fn nobody_runs_a_job_that_somebody_else_runs() {
    let mut db = Database::ready();
    let mut other = db.connect();
    other.batch_execute("BEGIN").unwrap();
    let mine: Option<String> = one(&mut other, NEXT);
    let mine = mine.expect("a job is due");
    let mut theirs = Vec::new();
    while let Some(job) = db.one::<Option<String>>(NEXT) {
        theirs.push(job);
    }
    let mut all = [theirs.clone(), vec![mine.clone()]].concat();
    all.sort();
    let known: Vec<String> = db.one("SELECT array_agg(job ORDER BY job) FROM observa.workers");
    assert_eq!(all, known, "each once");
    let round: Value = db.one("SELECT observa.run_maintenance()");
    assert_eq!(round["postponed"], serde_json::json!([format!("{mine}, which somebody else runs now")]));
    other.batch_execute("COMMIT").unwrap();
    assert_eq!(db.count("observa.workers WHERE next_run < now()"), 0);
}

#[test]
fn sessions_at_once_run_each_due_job_once() {
    let mut db = Database::ready();
    db.run(NEXT);
    for round in 1..=5 {
        db.run("UPDATE observa_internal.jobs SET next_run = '-infinity', runs = 0");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                let mut client = db.connect();
                scope.spawn(move || while one::<Option<String>>(&mut client, NEXT).is_some() {});
            }
        });
        assert_eq!(db.count("observa.workers WHERE runs <> 1"), 0, "round {round}");
    }
}

#[test]
fn jobs_are_for_superusers_and_their_state_for_readers() {
    let mut db = Database::ready();
    let mut reader = db.connect_as("reader", "observa_read");
    for sql in [
        NEXT,
        "SELECT observa_internal.record_job_failure('XX000', 'x')",
        "SELECT observa.pre_restore()",
        "SELECT observa.post_restore()",
        "UPDATE observa_internal.jobs SET next_run = 'infinity'",
    ] {
        assert_eq!(error(&mut reader, sql).code().code(), "42501", "{sql}");
    }
    assert_eq!(one::<i64>(&mut reader, "SELECT count(*) FROM observa.workers WHERE state = 'waiting'"), JOBS);
    // Nothing has failed: there is nothing to record.
    assert_eq!(db.one::<Option<String>>("SELECT observa_internal.record_job_failure('XX000', 'x')"), None);
}

#[test]
fn a_job_without_work_is_recorded_rarely() {
    let mut db = Database::ready();
    while db.one::<Option<String>>(NEXT).is_some() {}
    // Those that are due every second come to that in some steps.
    let soonest: f64 = db.one(
        "SELECT extract(epoch FROM min(next_run) - now())::float8 FROM observa.workers WHERE job NOT IN ('rollups', 'alerts', 'analyses', 'issues')",
    );
    assert!(soonest > 4.0, "{soonest}");
    for job in ["rollups", "alerts", "analyses", "issues"] {
        for _ in 0..4 {
            db.run(&format!(
                "UPDATE observa_internal.jobs SET next_run = now() - interval '1 day' WHERE job = '{job}'"
            ));
            assert_eq!(db.one::<Option<String>>(NEXT).as_deref(), Some(job));
        }
        let pause: f64 = db.one(&format!(
            "SELECT extract(epoch FROM next_run - now())::float8 FROM observa.workers WHERE job = '{job}'"
        ));
        assert!(pause > 4.0, "{job}: {pause}");
    }
}

#[test]
fn a_restore_holds_all_jobs_to_its_end() {
    let mut db = Database::ready_in(server("workers-restore", ""));
    let mut watch = db.connect();
    let before = wait_for_worker(&mut watch, &db.name);
    eventually("all jobs run once", || db.count(UNDONE) == 0);
    db.run("SELECT observa.pre_restore()");
    db.run("UPDATE observa_internal.jobs SET next_run = '-infinity', runs = 0");
    eventually("another worker, which waits", || {
        super::worker(&mut watch, &db.name).is_some_and(|pid| pid != before)
    });
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(db.count("observa.workers WHERE state = 'held' AND runs = 0"), JOBS);
    assert_eq!(db.one::<Option<String>>(NEXT), None);
    assert_eq!(db.error("SELECT observa.run_maintenance()").code().code(), "55000");
    db.run("SELECT observa.post_restore()");
    eventually("all jobs run again", || {
        db.count("observa.workers WHERE runs > 0 AND state = 'waiting'") == JOBS
    });
}

#[test]
fn a_worker_alerts_of_what_a_window_shows_within_two_intervals() {
    let mut db = Database::ready_in(server("workers-detect", "observa.detection_interval = 2"));
    wait_for_worker(&mut db.connect(), &db.name);
    eventually("all jobs run once", || db.count(UNDONE) == 0);
    let failed = json!({"model": "m", "status": "error", "timestamp": now_ms()});
    let events: Vec<Value> =
        (0..40).map(|n| with(llm_call(&format!("failed {n}")), failed.clone())).collect();
    db.ingest(&lines(&events));
    let begun = std::time::Instant::now();
    eventually("the alert", || {
        db.count("observa.alerts WHERE rule = 'error_rate' AND alert_group = 'model=m'") == 1
    });
    assert!(begun.elapsed() < std::time::Duration::from_secs(2 * 2 + 1), "{:?}", begun.elapsed());
}
