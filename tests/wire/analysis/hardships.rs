//! What goes wrong around judges: locks, lost settings, silent endpoints, full queues, long traces.

use std::time::Duration;

use observa_tests::Database;
use observa_tests::database::rows;
use observa_tests::event::{lines, llm_call, with};
use observa_tests::judge::Judge;
use serde_json::{Value, json};

use super::{call, database, jobs};
use crate::workers::{eventually, outside::Worker};

const UNASKED: &str = "observa.databases = 'none'";

const CLAIM: &str = "SELECT c::jsonb AS task FROM observa_internal.claim_analyses(32, 0) c";

/// Twenty calls of which one is a user's whose data somebody is about to forget, in a transaction that takes its time.
fn asks_while_a_user_is_forgotten(db: &mut Database, judge: &Judge) {
    let events: Vec<Value> = (0..20)
        .map(|number| {
            let user = if number % 5 == 0 { "ada".into() } else { format!("u{number}") };
            with(call(&format!("e{number}"), "fine"), json!({"trace_id": "t", "user_id": user}))
        })
        .collect();
    db.ingest(&lines(&events));
    assert_eq!(db.one::<i32>("SELECT observa.analyze('t', '{toxicity}')"), 20);
    eventually("all are asked", || judge.asked().len() >= 16);
    let mut other = db.connect();
    other.batch_execute("BEGIN; SELECT observa.forget_user('ada')").unwrap();
    std::thread::sleep(Duration::from_secs(6));
    other.batch_execute("ROLLBACK").unwrap();
    eventually("all are judged", || db.count("observa.analysis_results") == 20);
    assert_eq!(judge.asked().len(), 20, "nothing is asked twice because a lock was not free");
    assert_eq!(db.one::<i64>("SELECT sum(calls)::bigint FROM observa.analysis_spend"), 20);
}

#[test]
fn an_answer_that_waits_for_a_lock_is_not_lost() {
    let judge = Judge::with_latency(Duration::from_millis(900));
    let mut db = database("review-lock", &judge, "observa.judge_sample_rate = 0");
    asks_while_a_user_is_forgotten(&mut db, &judge);
}

#[test]
fn an_answer_that_waits_for_a_lock_is_not_lost_outside() {
    let judge = Judge::with_latency(Duration::from_millis(900));
    let mut db = database("review-lock-out", &judge, &format!("observa.judge_sample_rate = 0\n{UNASKED}"));
    let _worker = Worker::start(&db);
    asks_while_a_user_is_forgotten(&mut db, &judge);
}

#[test]
fn a_database_that_switches_judges_off_is_left_alone() {
    let judge = Judge::start();
    let mut db = database("review-forks", &judge, "log_min_messages = debug1");
    let analysis = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'observa analysis' AND datname = current_database()";
    eventually("it asks", || !rows(&mut db.client, analysis, &[]).is_empty());
    db.run(&format!("ALTER DATABASE {} SET observa.judge_url = ''", db.name));
    let started = |db: &Database| {
        db.cluster.log().matches("starting background worker process \"observa analysis").count()
    };
    let before = started(&db);
    db.run(&format!("SELECT pg_terminate_backend(pid) FROM ({analysis}) a"));
    std::thread::sleep(Duration::from_secs(12));
    let forks = started(&db) - before;
    assert!(forks < 20, "{forks} processes in 12 s");
}

#[test]
fn a_worker_that_ends_gives_back_what_it_asks() {
    let judge = Judge::with_latency(Duration::from_millis(900));
    let mut db = database("review-end", &judge, "observa.judge_sample_rate = 0\nobserva.judge_timeout = 60s");
    db.ingest(&with(call("one", "fine"), json!({"trace_id": "t"})).to_string());
    db.run("SELECT observa.analyze('t', '{toxicity}')");
    eventually("it is asked", || judge.asked().len() == 1);
    db.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'observa analysis'");
    std::thread::sleep(Duration::from_secs(1));
    let job = db.row("SELECT state, attempts FROM observa.analysis_jobs");
    assert_eq!(job, json!({"state": "queued", "attempts": 0}));
}

#[test]
fn a_claim_takes_no_more_memory_than_it_shows() {
    let judge = Judge::start();
    let mut db = database("review-memory", &judge, &format!("{UNASKED}\nobserva.judge_sample_rate = 0"));
    let long = "a word and ".repeat(80_000);
    for batch in 0..25 {
        let events: Vec<Value> = (0..8)
            .map(|number| {
                let kind = if batch + number == 0 { "retrieval" } else { "llm_call" };
                let id = format!("e{batch}-{number}");
                with(
                    llm_call(&id),
                    json!({"trace_id": "t", "event_type": kind, "input": long, "output": "x"}),
                )
            })
            .collect();
        db.ingest(&lines(&events));
    }
    db.run("SELECT observa.analyze('t', '{faithfulness}')");
    let mut worker = db.connect();
    assert_eq!(rows(&mut worker, CLAIM, &[]).len(), 1);
    let peak: String =
        rows(&mut worker, "SELECT substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\\s*(\\d+)')", &[])
            [0]
        .get(0);
    let kilobytes: i64 = peak.parse().unwrap();
    // 200 of up to 1,000 events, of 880 kB each and less than 2 MB on disk.
    assert!(kilobytes < 150_000, "{kilobytes} kB");
}

#[test]
fn a_budget_of_nothing_asks_nobody() {
    let judge = Judge::start();
    let mut db = database(
        "review-zero",
        &judge,
        &format!("{UNASKED}\nobserva.judge_sample_rate = 0\nobserva.judge_budget_usd = 0"),
    );
    db.ingest(&with(call("one", "fine"), json!({"trace_id": "t"})).to_string());
    db.run("SELECT observa.analyze('t', '{toxicity}')");
    assert_eq!(db.table(CLAIM), Vec::<Value>::new());
}

#[test]
fn an_answer_without_tokens_is_not_free() {
    let judge = Judge::start();
    let mut db = database("review-tokens", &judge, &format!("{UNASKED}\nobserva.judge_sample_rate = 0"));
    db.ingest(&with(call("one", "fine"), json!({"trace_id": "t"})).to_string());
    db.run("SELECT observa.analyze('t', '{toxicity}')");
    record(&mut db, 0);
    assert!(db.one::<bool>("SELECT cost_usd IS DISTINCT FROM 0 FROM observa.analysis_results"));
    assert!(db.one::<bool>("SELECT cost_usd > 0 FROM observa.analysis_spend"));
}

/// Claims one job, and records what a judge has said of it.
fn record(db: &mut Database, tokens: i64) {
    let task = db.row(CLAIM)["task"].clone();
    report(db, &task, tokens);
}

fn report(db: &mut Database, task: &Value, tokens: i64) {
    let report = json!({"tenant_id": task["tenant_id"], "id": task["id"], "lease": task["lease"], "state": "done", "counts": true,
        "latency_ms": 1, "usage": {"input": tokens, "output": 0, "cached_input": 0, "calls": 1},
        "verdict": {"score": 0.9, "label": "x", "reasoning": "r", "scores": {}, "flags": []}});
    let stored: bool =
        rows(&mut db.client, "SELECT observa_internal.record_analysis($1)", &[&report.to_string()])[0].get(0);
    assert!(stored);
}

#[test]
fn a_verdict_names_the_version_that_was_asked() {
    let judge = Judge::start();
    let mut db = database("review-version", &judge, &format!("{UNASKED}\nobserva.judge_sample_rate = 0"));
    db.ingest(&with(call("one", "fine"), json!({"trace_id": "t"})).to_string());
    db.run("SELECT observa.analyze('t', '{toxicity}')");
    let task = db.row(CLAIM)["task"].clone();
    db.run("UPDATE observa.evaluators SET template = 'Something else: {{answer}}' WHERE name = 'toxicity'");
    report(&mut db, &task, 1);
    let version: i32 = db.one("SELECT evaluator_version FROM observa.analysis_results");
    assert_eq!(json!(version), task["work"]["version"]);
}

#[test]
fn a_built_in_name_needs_only_what_is_to_differ() {
    let judge = Judge::start();
    let mut db = database("review-built-in", &judge, UNASKED);
    let shown =
        "SELECT signal, medium_threshold, high_threshold FROM observa.evaluators WHERE name = 'toxicity'";
    let before = db.row(shown);
    db.run("INSERT INTO observa.evaluators (name, model) VALUES ('toxicity', 'gpt-4o')");
    assert_eq!(db.row(shown), before);
}

#[test]
fn a_scope_that_changes_stops_no_queue() {
    let judge = Judge::start();
    let mut db = database("review-scope", &judge, &format!("{UNASKED}\nobserva.judge_sample_rate = 1"));
    db.run("INSERT INTO observa.evaluators (name, template, variables) VALUES ('mine', 'J {{answer}}', '{answer}')");
    db.run("INSERT INTO observa_internal.analysis_spend SELECT tenant_id, project_id, (now() AT TIME ZONE 'UTC')::date, 1, 5 FROM observa_internal.projects");
    db.ingest(&call("one", "fine").to_string());
    db.run("UPDATE observa.evaluators SET scope = 'trace' WHERE name = 'mine'");
    db.ingest(&call("two", "fine").to_string());
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(db.count("observa_internal.analysis_events"), 0);
}

#[test]
fn who_asks_by_hand_queues_no_more_than_may_wait() {
    let judge = Judge::start();
    let mut db = database(
        "review-most",
        &judge,
        &format!("{UNASKED}\nobserva.judge_sample_rate = 0\nobserva.max_analysis_jobs = 10"),
    );
    let events: Vec<Value> =
        (0..100).map(|number| with(call(&format!("e{number}"), "fine"), json!({"trace_id": "t"}))).collect();
    db.ingest(&lines(&events));
    db.run("SELECT observa.analyze('t')");
    let waiting = jobs(&mut db, "state = 'queued'");
    assert!(waiting <= 10, "{waiting}");
}

#[test]
fn what_signals_ask_for_and_other_users_find_room_behind_a_sample() {
    let judge = Judge::start();
    let mut db = database(
        "review-room",
        &judge,
        &format!("{UNASKED}\nobserva.judge_sample_rate = 1\nobserva.max_analysis_jobs = 20"),
    );
    let heavy: Vec<Value> = (0..60)
        .map(|number| with(call(&format!("e{number}"), "fine"), json!({"user_id": "heavy"})))
        .collect();
    db.ingest(&lines(&heavy));
    db.run("SELECT observa.run_maintenance()");
    db.ingest(&lines(&[
        with(call("light", "fine"), json!({"user_id": "light"})),
        with(call("risk", "bad"), json!({"user_id": "third", "hallucination_risk": 0.95})),
    ]));
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(jobs(&mut db, "state = 'queued' AND trigger = 'hallucination_risk'"), 1, "a signal's job");
    assert!(jobs(&mut db, "state = 'queued' AND user_id = 'light'") > 0, "another user's job");
}

#[test]
fn no_form_of_a_judges_own_call_is_judged() {
    let judge = Judge::start();
    let mut db = database("review-own", &judge, &format!("{UNASKED}\nobserva.judge_sample_rate = 1"));
    let mark = "[observa judge toxicity v1]\nYou are an evaluator.";
    let forms = [
        mark.to_owned(),
        json!([{"role": "system", "content": mark}]).to_string(),
        format!(r#"[{{"content":{},"role":"system"}}]"#, json!(mark)),
        json!([{"role": "developer", "content": mark}]).to_string(),
        format!(r#"[{{"parts":[{{"content":{},"type":"text"}}],"role":"system"}}]"#, json!(mark)),
        format!(r#"{{"model":"x","user":"svc","messages":[{{"role":"system","content":{}}}]}}"#, json!(mark)),
    ];
    let events: Vec<Value> = forms
        .iter()
        .enumerate()
        .map(|(number, input)| {
            with(call(&format!("own{number}"), "{}"), json!({"trace_id": "t", "input": input}))
        })
        .collect();
    db.ingest(&lines(&events));
    let found = db.table("SELECT DISTINCT event_id FROM observa_internal.analysis_events ORDER BY 1");
    assert_eq!(found, Vec::<Value>::new());
    assert_eq!(db.one::<i32>("SELECT observa.analyze('t', '{toxicity}')"), 0, "nor by hand");
}

#[test]
fn what_nobody_judged_within_a_day_can_be_asked_for_again() {
    let judge = Judge::start();
    let mut db = database("review-stale", &judge, &format!("{UNASKED}\nobserva.judge_sample_rate = 0"));
    db.ingest(&with(call("one", "fine"), json!({"trace_id": "t"})).to_string());
    db.run("SELECT observa.analyze('t', '{toxicity}')");
    db.run("UPDATE observa_internal.analysis_jobs SET created_at = now() - interval '25 h'");
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(jobs(&mut db, "state = 'skipped'"), 1);
    assert_eq!(db.one::<i32>("SELECT observa.analyze('t', '{toxicity}')"), 1);
}

#[test]
fn what_was_leased_ends_when_judges_are_switched_off() {
    let judge = Judge::start();
    let mut db = database("review-off", &judge, &format!("{UNASKED}\nobserva.judge_sample_rate = 0"));
    db.ingest(&with(call("one", "fine"), json!({"trace_id": "t"})).to_string());
    db.run("SELECT observa.analyze('t', '{toxicity}')");
    assert_eq!(db.table(CLAIM).len(), 1);
    db.run("UPDATE observa_internal.analysis_jobs SET created_at = now() - interval '25 h', run_after = now() - interval '24 h'");
    db.run("SET observa.judge_url = ''");
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(jobs(&mut db, "state = 'leased'"), 0);
}

#[test]
fn what_failed_does_not_keep_what_was_done() {
    let judge = Judge::start();
    let mut db = database("review-tidy", &judge, UNASKED);
    for (state, number, days) in [("failed", 50_000, 3), ("done", 10, 2)] {
        db.run(&format!(
            "INSERT INTO observa_internal.analysis_jobs (tenant_id, job_id, project_id, environment, evaluator, scope, trigger, priority, turn, state, finished_at)
             SELECT p.tenant_id, gen_random_uuid(), p.project_id, 'prod', 'toxicity', 'event', 'sampled', 0, 1, '{state}', now() - interval '{days} days'
               FROM observa_internal.projects p, generate_series(1, {number})"
        ));
    }
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(jobs(&mut db, "state = 'done'"), 0);
}

#[test]
fn a_long_trace_is_quiet_when_its_end_is() {
    let judge = Judge::start();
    let mut db = database(
        "review-long",
        &judge,
        &format!("{UNASKED}\nobserva.judge_sample_rate = 0\nobserva.judge_quiet_time = 1h"),
    );
    let mut events: Vec<Value> = (0..1_000)
        .map(|number| with(call(&format!("e{number}"), "not the last"), json!({"trace_id": "t"})))
        .collect();
    events.push(with(llm_call("r"), json!({"trace_id": "t", "event_type": "retrieval", "timestamp": observa_tests::event::now_ms() - 5_000, "output": "x"})));
    db.ingest(&lines(&events));
    db.run("UPDATE observa_internal.events SET ingested_at = now() - interval '2 h'");
    db.ingest(&with(call("last", "the last"), json!({"trace_id": "t"})).to_string());
    db.run("SELECT observa.analyze('t', '{faithfulness}')");
    db.run("UPDATE observa_internal.analysis_jobs SET priority = 1");
    assert_eq!(db.table(CLAIM), Vec::<Value>::new(), "it is not quiet");
}
