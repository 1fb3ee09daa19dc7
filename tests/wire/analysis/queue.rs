//! What is queued, once, and what of it is skipped and why.

use observa_tests::Database;
use observa_tests::event::{lines, llm_call, with};
use observa_tests::judge::Judge;
use serde_json::json;

use super::{JOBS, call, database, jobs};
use crate::workers::eventually;

/// Nobody is asked: the jobs are to be looked at.
const UNASKED: &str = "observa.databases = 'none'";

/// A signal of one of the evaluators.
const RISKY: &str = "hallucination_risk";

fn risky(id: &str) -> serde_json::Value {
    with(call(id, "It is so."), json!({"hallucination_risk": 0.9}))
}

#[test]
fn problems_of_a_kind_are_one_job_an_hour_and_nothing_is_queued_without_a_judge() {
    let judge = Judge::start();
    let mut db = database("queue-once", &judge, &format!("{UNASKED}\nobserva.judge_sample_rate = 0"));
    let events: Vec<_> = (0..500).map(|number| risky(&format!("e{number}"))).collect();
    for batch in events.chunks(100) {
        assert_eq!(db.ingest(&lines(batch))["signals"], 100);
    }
    db.ingest(&lines(&events));
    db.ingest(&call("healthy", "fine").to_string());
    db.run("SELECT observa.run_maintenance()");
    let queued = db.table("SELECT evaluator, trigger, occurrences, state FROM observa.analysis_jobs");
    let expected =
        json!({"evaluator": "hallucination", "trigger": RISKY, "occurrences": 500, "state": "queued"});
    // The hour may have turned.
    assert!(queued == [expected] || queued.len() == 2, "{queued:?}");
    assert_eq!(db.count("observa_internal.analysis_events"), 0);

    db.run("SET observa.judge_url = ''");
    db.ingest(&with(risky("later"), json!({"route": "/other"})).to_string());
    assert_eq!(db.count("observa_internal.analysis_events"), 0);
}

#[test]
fn a_sample_is_of_traces_and_the_same_whoever_asks() {
    let judge = Judge::start();
    let mut db = database("queue-sample", &judge, &format!("{UNASKED}\nobserva.judge_sample_rate = 0.2"));
    let events: Vec<_> = (0..1_000)
        .map(|number| {
            with(call(&format!("e{number}"), "fine"), json!({"trace_id": format!("t{}", number / 2)}))
        })
        .collect();
    db.ingest(&lines(&events));
    db.run("SELECT observa.run_maintenance()");
    // Evaluators of events look at both calls of a trace that is in the sample, and all at the same traces.
    let by_evaluator = db.table(
        "SELECT evaluator, count(*), count(DISTINCT trace_id) AS traces FROM observa.analysis_jobs GROUP BY 1 ORDER BY 1",
    );
    assert_eq!(by_evaluator.len(), 4, "{by_evaluator:?}");
    for row in &by_evaluator {
        assert_eq!(row["count"].as_i64().unwrap(), 2 * row["traces"].as_i64().unwrap(), "{row}");
        assert!((60..140).contains(&row["traces"].as_i64().unwrap()), "{row}");
        assert_eq!(row["traces"], by_evaluator[0]["traces"]);
    }
    assert_eq!(jobs(&mut db, "trigger <> 'sampled'"), 0);
    // A project's own rate.
    let project: uuid::Uuid = db.one("SELECT id FROM observa.projects");
    db.run(&format!("SELECT observa.set_analysis('{project}', 0)"));
    let before = db.count("observa.analysis_jobs");
    let more: Vec<_> = (0..200).map(|number| call(&format!("more{number}"), "fine")).collect();
    db.ingest(&lines(&more));
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(db.count("observa.analysis_jobs"), before);
    for wrong in ["2", "-0.1", "NULL, -1", "'NaN'"] {
        let refused = db.error(&format!("SELECT observa.set_analysis('{project}', {wrong})"));
        assert_eq!(refused.code().code(), "22023", "{wrong}");
    }
}

#[test]
fn no_user_crowds_out_the_rest_and_what_finds_no_room_is_counted() {
    let judge = Judge::start();
    let settings = format!("{UNASKED}\nobserva.judge_sample_rate = 1\nobserva.max_analysis_jobs = 1000");
    let mut db = database("queue-fair", &judge, &settings);
    only(&mut db, "toxicity");
    let of =
        |user: &str, number: i32| with(call(&format!("{user}{number}"), "fine"), json!({"user_id": user}));
    let heavy: Vec<_> = (0..300).map(|number| of("heavy", number)).collect();
    let light: Vec<_> = (0..3).map(|number| of("light", number)).collect();
    db.ingest(&lines(&heavy));
    db.ingest(&lines(&light));
    db.run("SELECT observa.run_maintenance()");
    let claimed = claim(&mut db, 8);
    let light = claimed.iter().filter(|id| id.starts_with("light")).count();
    assert_eq!(light, 3, "{claimed:?}");

    let more: Vec<_> = (300..1_300).map(|number| of("heavy", number)).collect();
    db.ingest(&lines(&more));
    db.run("SELECT observa.run_maintenance()");
    let refused =
        "SELECT reason, sum(occurrences)::int FROM observa.analysis_jobs WHERE state = 'skipped' GROUP BY 1";
    // An eighth of the room is for one user.
    assert_eq!(db.table(refused), [json!({"reason": "too many of the user wait", "sum": 1_300 - 125})]);
    assert_eq!(jobs(&mut db, "state IN ('queued', 'leased')"), 128);
    // Half of it is for samples.
    let many: Vec<_> = (0..600).map(|number| of(&format!("u{number}-"), 0)).collect();
    db.ingest(&lines(&many));
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(jobs(&mut db, "state IN ('queued', 'leased')"), 500);
}

/// Switches all other evaluators off.
fn only(db: &mut Database, name: &str) {
    db.run(&format!("UPDATE observa.evaluators SET enabled = false WHERE name <> '{name}'"));
}

/// Takes jobs as a worker does; the events that they are about.
fn claim(db: &mut Database, most: i32) -> Vec<String> {
    let ids = db.table(&format!(
        "SELECT j.event_id FROM (SELECT (c::jsonb ->> 'id')::uuid AS id FROM observa_internal.claim_analyses({most}, 0) c) c
           JOIN observa.analysis_jobs j ON j.id = c.id"
    ));
    ids.iter().map(|row| row["event_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn two_who_take_jobs_never_take_the_same_and_a_lost_lease_counts_for_nothing() {
    let judge = Judge::start();
    let mut db = database("queue-lease", &judge, &format!("{UNASKED}\nobserva.judge_sample_rate = 1"));
    only(&mut db, "toxicity");
    let events: Vec<_> = (0..50).map(|number| call(&format!("e{number}"), "fine")).collect();
    db.ingest(&lines(&events));
    db.run("SELECT observa.run_maintenance()");
    let takers: Vec<_> = (0..4)
        .map(|_| {
            let mut client = db.connect();
            std::thread::spawn(move || {
                (0..10)
                    .flat_map(|_| {
                        let sql = "SELECT c::jsonb ->> 'id' FROM observa_internal.claim_analyses(2, 0) c";
                        let rows = client.query(sql, &[]).unwrap();
                        rows.into_iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>()
                    })
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let mut taken: Vec<String> = takers.into_iter().flat_map(|taker| taker.join().unwrap()).collect();
    let count = taken.len();
    taken.sort_unstable();
    taken.dedup();
    assert_eq!((count, taken.len()), (50, 50));

    // The lease ends, another takes the job, and what the first one says is not taken.
    let report = "SELECT observa_internal.record_analysis(jsonb_build_object('tenant_id', tenant_id, 'id', job_id, 'lease', lease, 'state', 'done',
            'retry_seconds', NULL, 'counts', true, 'error', NULL, 'answer', NULL, 'usage', NULL, 'model', 'm', 'latency_ms', 1,
            'verdict', jsonb_build_object('score', 0.2, 'label', 'x', 'reasoning', 'r', 'scores', '{}'::jsonb, 'flags', '[]'::jsonb))::text)
       FROM jobs_then";
    db.run(
        "CREATE TEMP TABLE jobs_then AS SELECT * FROM observa_internal.analysis_jobs ORDER BY job_id LIMIT 1",
    );
    db.run("UPDATE observa_internal.analysis_jobs SET run_after = now() - interval '1 s' WHERE job_id = (SELECT job_id FROM jobs_then)");
    assert_eq!(claim(&mut db, 8).len(), 1);
    assert!(!db.one::<bool>(report), "its lease has ended");
    assert_eq!(db.count("observa.analysis_results"), 0);
    db.run("UPDATE jobs_then t SET lease = j.lease FROM observa_internal.analysis_jobs j WHERE j.job_id = t.job_id");
    assert!(db.one::<bool>(report));
    assert!(!db.one::<bool>(report), "a second report");
    assert_eq!(db.count("observa.analysis_results"), 1);
}

#[test]
fn a_trace_is_judged_when_it_is_quiet_and_at_once_when_somebody_asks() {
    let judge = Judge::start();
    let settings = "observa.judge_sample_rate = 1\nobserva.judge_quiet_time = 4s";
    let mut db = database("queue-quiet", &judge, settings);
    only(&mut db, "faithfulness");
    let retrieval = with(
        llm_call("r1"),
        json!({"event_type": "retrieval", "trace_id": "t1", "output": "The sky is green.", "results": 1}),
    );
    let answer =
        with(call("a1", "The sky is blue. score=0.95"), json!({"trace_id": "t1", "input": "What colour?"}));
    db.ingest(&lines(&[retrieval, answer]));
    // Not before: the trace may go on.
    std::thread::sleep(std::time::Duration::from_millis(2_500));
    assert_eq!(judge.asked().len(), 0);
    eventually("it is judged", || db.count("observa.analysis_results") == 1);
    let asked = judge.asked();
    assert_eq!((asked.len(), asked[0].evaluator.as_str()), (1, "faithfulness"));
    for shown in ["The sky is green.", "The sky is blue.", "What colour?"] {
        assert!(asked[0].shown.contains(shown), "{}", asked[0].shown);
    }
    let signal = db
        .row("SELECT name, severity, value, trace_id FROM observa.signals WHERE name = 'faithfulness_issue'");
    assert_eq!(
        signal,
        json!({"name": "faithfulness_issue", "severity": "high", "value": 0.95, "trace_id": "t1"})
    );
    assert_eq!(db.count("observa.alerts WHERE rule = 'faithfulness_issue' AND severity = 'critical'"), 1);

    // More of it arrives, and somebody asks: no waiting.
    db.ingest(&with(call("a2", "Blue it is. score=0.2"), json!({"trace_id": "t1"})).to_string());
    assert_eq!(db.one::<i32>("SELECT observa.analyze('t1', '{faithfulness}')"), 1);
    let begun = std::time::Instant::now();
    eventually("it is judged again", || db.count("observa.analysis_results") == 2);
    assert!(begun.elapsed() < std::time::Duration::from_secs(3), "{:?}", begun.elapsed());
    assert_eq!(db.one::<i32>("SELECT observa.analyze('no such trace')"), 0);
    assert_eq!(db.error("SELECT observa.analyze('t1', '{no_such}')").code().code(), "22023");
    assert_eq!(db.error("SELECT observa.analyze('')").code().code(), "22023");
}

#[test]
fn why_something_was_not_judged_is_told() {
    let judge = Judge::start();
    let mut db = database("queue-why", &judge, "observa.judge_sample_rate = 0");
    db.run("INSERT INTO observa.evaluators (name, template, model) VALUES ('dear', 'Judge {{answer}}', 'a-model-without-price')");
    db.run(
        "INSERT INTO observa.evaluators (name, enabled, template) VALUES ('off', false, 'Judge {{answer}}')",
    );
    let judges_own = with(
        call("own", "{}"),
        json!({"input": "[observa judge toxicity v1] You judge", "hallucination_risk": 0.9}),
    );
    db.ingest(&judges_own.to_string());
    db.ingest(&with(call("one", "fine"), json!({"trace_id": "t1"})).to_string());
    db.ingest(
        &with(llm_call("two"), json!({"trace_id": "t2", "event_type": "tool_call", "tool_name": "search"}))
            .to_string(),
    );
    assert_eq!(db.one::<i32>("SELECT observa.analyze('t1', '{dear,off,faithfulness,toxicity}')"), 4);
    // No call with an answer is in it.
    assert_eq!(db.one::<i32>("SELECT observa.analyze('t2', '{toxicity}')"), 0);
    assert_eq!(db.one::<i32>("SELECT observa.analyze('t2', '{faithfulness}')"), 1);
    eventually("all is decided", || jobs(&mut db, "state IN ('queued', 'leased')") == 0);
    let told = db.table(&format!("{JOBS} ORDER BY evaluator, reason"));
    let reason = |evaluator: &str| {
        told.iter().find(|row| row["evaluator"] == evaluator).unwrap()["reason"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert!(reason("dear").contains("has no price"), "{told:?}");
    assert!(reason("off").contains("disabled"), "{told:?}");
    assert!(reason("faithfulness").contains("nothing was retrieved"), "{told:?}");
    assert_eq!(jobs(&mut db, "evaluator = 'toxicity' AND state = 'done'"), 1);
    assert_eq!(jobs(&mut db, "state = 'skipped' AND attempts = 0"), 4, "{told:?}");
    assert_eq!(judge.asked().len(), 1);
    // Of a trace each evaluator has a reason.
    let reasons = db.table("SELECT evaluator, state, reason FROM observa.analysis_reasons('t1')");
    let of = |evaluator: &str| reasons.iter().find(|row| row["evaluator"] == evaluator).unwrap().clone();
    assert_eq!(of("toxicity")["reason"], "somebody asked for it");
    assert_eq!(of("hallucination")["state"], "not_queued");
    assert!(of("hallucination")["reason"].as_str().unwrap().contains("the rate is 0"), "{reasons:?}");
    assert_eq!(of("context_relevance")["reason"], "nothing was retrieved");
    assert_eq!(db.table("SELECT * FROM observa.analysis_reasons('no such trace')"), [json!(null); 0]);
}
