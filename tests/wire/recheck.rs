//! What no batch shows by itself: loops of traces whose spans come one by one, and conversations that lose their context.

use observa_tests::Database;
use observa_tests::event::{lines, llm_call, now_ms, with};
use serde_json::{Value, json};

/// Folds, and looks at what has come; that nothing failed.
fn round(db: &mut Database) {
    let told: Value = db.one("SELECT observa.run_maintenance()");
    assert!(told.get("failed").is_none_or(|failed| failed == &json!([]) || failed.is_null()), "{told}");
}

fn call(trace: &str, n: i64, tool: &str, arguments: &str) -> Value {
    json!({"event_type": "tool_call", "event_id": format!("{trace} {n}"), "trace_id": trace, "tool_name": tool, "args": {"q": arguments},
           "timestamp": now_ms() - 60_000 + n, "latency_ms": 10, "result_status": "success"})
}

/// Trace, event, cycle of each loop that was told of.
fn loops(db: &mut Database) -> Vec<(String, String, i64)> {
    let sql = "SELECT trace_id, event_id, (details ->> 'cycle')::bigint FROM observa.signals WHERE name = 'agent_loop' ORDER BY 1, 2";
    db.rows(sql, &[]).iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

fn told(trace: &str, n: i64, cycle: i64) -> (String, String, i64) {
    (trace.into(), format!("{trace} {n}"), cycle)
}

#[test]
fn a_loop_of_calls_that_come_one_by_one_is_told_once() {
    let mut db = Database::ready();
    // Two traces by turns, and not in the order of their times.
    for n in [3, 0, 1, 2] {
        for trace in ["a", "b"] {
            let answer = db.ingest(&call(trace, n, "search", "cats").to_string());
            assert_eq!((&answer["accepted"], &answer["signals"]), (&json!(1), &json!(0)), "{answer}");
        }
        // Another one asks something else each time.
        db.ingest(&call("works", n, "search", &format!("cats {n}")).to_string());
    }
    round(&mut db);
    assert_eq!(loops(&mut db), []);
    for n in 4..7 {
        db.ingest(&call("a", n, "search", "cats").to_string());
        db.ingest(&call("works", n, "search", &format!("cats {n}")).to_string());
    }
    round(&mut db);
    assert_eq!(loops(&mut db), [told("a", 4, 1)]);
    let alert = db.row("SELECT rule, alert_group, severity, trace_id FROM observa.alerts");
    assert_eq!(
        alert,
        json!({"rule": "agent_loop", "alert_group": "tool_name=search", "severity": "critical", "trace_id": "a"})
    );
    // It goes on, one by one and many at once, and comes in the other trace, too.
    let more: Vec<Value> = (7..20).map(|n| call("a", n, "search", "cats")).collect();
    let answer = db.ingest(&lines(&more));
    assert_eq!((&answer["accepted"], &answer["signals"]), (&json!(13), &json!(0)), "{answer}");
    db.ingest(&call("b", 4, "search", "cats").to_string());
    round(&mut db);
    round(&mut db);
    assert_eq!(loops(&mut db), [told("a", 4, 1), told("b", 4, 1)]);
    assert_eq!(db.one::<i64>("SELECT signal_count FROM observa_internal.traces WHERE trace_id = 'a'"), 1);
    // Another loop of the trace is another fact.
    for n in 30..35 {
        db.ingest(&call("a", n, "fetch", "cats").to_string());
    }
    round(&mut db);
    assert_eq!(loops(&mut db), [told("a", 34, 1), told("a", 4, 1), told("b", 4, 1)]);
    assert_eq!(db.count("observa_internal.detection_candidates"), 0);
}

#[test]
fn a_loop_that_a_batch_told_of_is_not_told_again() {
    let mut db = Database::ready();
    let batch = |trace: &str, first: i64| {
        lines(&(first..first + 6).map(|n| call(trace, n, "search", "cats")).collect::<Vec<_>>())
    };
    assert_eq!(db.ingest(&batch("a", 0))["signals"], 1);
    let answer = db.ingest(&batch("a", 10));
    assert_eq!((&answer["accepted"], &answer["signals"]), (&json!(6), &json!(0)), "{answer}");
    round(&mut db);
    round(&mut db);
    assert_eq!(loops(&mut db), [told("a", 4, 1)]);
    // A batch that is about to tell of it, and one beside it.
    let mut other = db.connect();
    db.run("BEGIN");
    assert_eq!(db.ingest(&batch("z", 0))["signals"], 1);
    let beside: Value = observa_tests::database::ingest(&mut other, &batch("z", 10));
    assert_eq!((&beside["accepted"], &beside["signals"]), (&json!(6), &json!(0)), "{beside}");
    // The first one comes to nothing: the job tells of it.
    db.run("ROLLBACK");
    round(&mut db);
    assert_eq!(loops(&mut db), [told("a", 4, 1), told("z", 14, 1)]);
}

#[test]
fn thousands_of_loops_in_a_batch_take_no_lock_each() {
    let mut db = Database::ready();
    db.run("INSERT INTO observa.detection_rules (name, threshold) VALUES ('agent_loop', 1)");
    let batch = |first: i64| {
        let calls = |trace: i64| (0..2).map(move |n| call(&format!("t{trace}"), n, "search", "cats"));
        lines(&(first..first + 1_000).flat_map(calls).collect::<Vec<_>>())
    };
    let mut other = db.connect();
    db.run("BEGIN");
    assert_eq!(db.ingest(&batch(0))["signals"], 1_000);
    let locks =
        |db: &mut Database| db.count("pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()");
    assert!(locks(&mut db) < 300, "{}", locks(&mut db));
    // Who comes beside it leaves its own to the job, and loses none.
    let beside: Value = observa_tests::database::ingest(&mut other, &batch(5_000));
    assert_eq!(beside["signals"], 0, "{beside}");
    db.run("COMMIT; BEGIN");
    round(&mut db);
    assert!(locks(&mut db) < 300, "{}", locks(&mut db));
    db.run("COMMIT");
    round(&mut db);
    assert_eq!(loops(&mut db).len(), 2_000);
}

#[test]
fn a_cycle_of_steps_that_come_one_by_one_is_told_once() {
    let mut db = Database::ready();
    let step = |n: i64| {
        let name = if n % 2 == 0 { "plan" } else { "act" };
        json!({"event_type": "reasoning_step", "event_id": format!("t {n}"), "trace_id": "t", "name": name, "timestamp": now_ms() - 60_000 + n})
    };
    for n in 0..14 {
        db.ingest(&step(n).to_string());
        round(&mut db);
    }
    assert_eq!(loops(&mut db), [told("t", 9, 2)]);
}

#[test]
fn two_rounds_at_once_tell_of_a_loop_once() {
    let mut db = Database::ready();
    for n in 0..6 {
        db.ingest(&call("a", n, "search", "cats").to_string());
    }
    let mut other = db.connect();
    db.run("BEGIN; SELECT observa.run_maintenance()");
    let thread = std::thread::spawn(move || {
        other.batch_execute("SELECT observa.run_maintenance(); SELECT observa.run_maintenance()").unwrap();
    });
    std::thread::sleep(std::time::Duration::from_millis(300));
    db.run("COMMIT");
    thread.join().unwrap();
    round(&mut db);
    assert_eq!(loops(&mut db), [told("a", 4, 1)]);
}

#[test]
fn a_rule_that_is_switched_off_tells_of_no_loop_and_no_drop() {
    let mut db = Database::ready();
    db.run("UPDATE observa.detection_rules SET enabled = false WHERE name IN ('agent_loop', 'context_drop')");
    for n in 0..6 {
        db.ingest(&call("a", n, "search", "cats").to_string());
        db.ingest(&turn("c", n, if n < 3 { 9_000 } else { 10 }, json!({})).to_string());
    }
    round(&mut db);
    assert_eq!(db.count("observa.signals WHERE name IN ('agent_loop', 'context_drop')"), 0);
}

fn turn(conversation: &str, n: i64, tokens: i64, more: Value) -> Value {
    let event = json!({"conversation_id": conversation, "trace_id": format!("{conversation} {n}"), "timestamp": now_ms() - 60_000 + n * 1_000,
                       "input_tokens": tokens, "output_tokens": 10, "route": "/chat"});
    with(with(llm_call(&format!("{conversation} {n}")), event), more)
}

fn drops(db: &mut Database) -> Vec<String> {
    db.rows("SELECT event_id FROM observa.signals WHERE name = 'context_drop' ORDER BY 1", &[])
        .iter()
        .map(|row| row.get(0))
        .collect()
}

#[test]
fn a_conversation_that_loses_its_context_is_told_of_once_with_what_it_was() {
    let mut db = Database::ready();
    for (n, tokens) in [(0, 3_000), (1, 5_000), (2, 8_000), (3, 400)] {
        db.ingest(&turn("lost", n, tokens, json!({})).to_string());
        db.ingest(&turn("grows", n, 3_000 + n * 1_000, json!({})).to_string());
        // A new session, and another model, begin without.
        let other = if n == 3 { json!({"session_id": "new"}) } else { json!({"session_id": "old"}) };
        db.ingest(&turn("session", n, tokens, other).to_string());
        let other = if n == 3 { json!({"model": "small"}) } else { json!({}) };
        db.ingest(&turn("model", n, tokens, other).to_string());
        round(&mut db);
    }
    assert_eq!(drops(&mut db), ["lost 3"]);
    let signal = db.row("SELECT type, severity, value, threshold, alert_group, trace_id, details FROM observa.signals WHERE name = 'context_drop'");
    assert_eq!(
        (
            &signal["type"],
            &signal["severity"],
            &signal["value"],
            &signal["threshold"],
            &signal["alert_group"]
        ),
        (&json!("retrieval"), &json!("medium"), &json!(0.92), &json!(0.5), &json!("route=/chat"))
    );
    let details = &signal["details"];
    assert_eq!(
        (&details["kind"], &details["before_tokens"], &details["after_tokens"], &details["before_event_id"]),
        (&json!("conversation"), &json!(5_000), &json!(400), &json!("lost 1"))
    );
    // The conversation goes on: nothing is told twice.
    db.ingest(&turn("lost", 4, 500, json!({})).to_string());
    round(&mut db);
    round(&mut db);
    assert_eq!(drops(&mut db), ["lost 3"]);
    // With a threshold of its own.
    db.run("UPDATE observa.detection_rules SET threshold = 0.95 WHERE name = 'context_drop'");
    for (n, tokens) in [(0, 3_000), (1, 300), (2, 3_000), (3, 3_000), (4, 90)] {
        db.ingest(&turn("tuned", n, tokens, json!({})).to_string());
    }
    round(&mut db);
    assert_eq!(drops(&mut db), ["lost 3", "tuned 4"]);
}

#[test]
fn another_tenants_trace_and_conversation_of_the_same_id_have_no_part_in_it() {
    let mut db = Database::ready();
    let other = db.tenant("other");
    for n in 0..6 {
        let theirs = json!({"tenant_id": if n % 2 == 0 { "default".to_owned() } else { other.to_string() }});
        db.ingest(&with(call("a", n, "search", "cats"), theirs.clone()).to_string());
        let tokens = if n % 2 == 0 { 9_000 } else { 10 };
        db.ingest(&with(turn("c", n, tokens, json!({})), theirs).to_string());
    }
    round(&mut db);
    assert_eq!((loops(&mut db), drops(&mut db)), (Vec::new(), Vec::new()));
}

#[test]
fn what_one_run_leaves_is_due_at_once() {
    let mut db = Database::ready();
    db.ingest(&llm_call("e").to_string());
    round(&mut db);
    db.run(
        "INSERT INTO observa_internal.detection_candidates
         SELECT p.tenant_id, (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n), 3, '0') || '8000000000000000')::uuid,
                'conversation', p.project_id, 'conversation ' || n, now(), now()
           FROM (SELECT tenant_id, project_id FROM observa_internal.projects LIMIT 1) p, generate_series(1, 2500) n;
         UPDATE observa_internal.jobs SET next_run = CASE job WHEN 'recheck' THEN '-infinity' ELSE 'infinity' END::timestamptz",
    );
    for left in [500, 0] {
        assert_eq!(
            db.one::<Option<String>>("SELECT observa_internal.run_due_job()").as_deref(),
            Some("recheck")
        );
        assert_eq!(db.count("observa_internal.detection_candidates"), left);
    }
    assert_eq!(db.one::<Option<String>>("SELECT observa_internal.run_due_job()"), None);
}

#[test]
fn what_another_transaction_has_at_hand_is_no_reason_to_look_without_a_pause() {
    let mut db = Database::ready();
    for n in 0..5 {
        db.ingest(&call("a", n, "search", "cats").to_string());
    }
    db.run("SELECT observa_internal.run_due_job() FROM generate_series(1, 100)");
    db.run("TRUNCATE observa_internal.detection_candidates; DELETE FROM observa_internal.signals");
    let mut other = db.connect();
    let mut open = other.transaction().unwrap();
    let more: Vec<Value> = (5..11).map(|n| call("a", n, "search", "cats")).collect();
    open.query_one("SELECT observa.ingest($1::text)", &[&lines(&more)]).unwrap();
    db.run(
        "INSERT INTO observa_internal.detection_candidates
         SELECT p.tenant_id, (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n), 3, '0') || '8000000000000000')::uuid,
                'trace', p.project_id, 'a', now(), now()
           FROM (SELECT tenant_id, project_id FROM observa_internal.projects LIMIT 1) p, generate_series(1, 2000) n;
         UPDATE observa_internal.jobs SET next_run = CASE job WHEN 'recheck' THEN '-infinity' ELSE 'infinity' END::timestamptz",
    );
    let next = "SELECT observa_internal.run_due_job()";
    assert_eq!(db.one::<Option<String>>(next).as_deref(), Some("recheck"));
    assert!(db.count("observa_internal.detection_candidates") > 0, "it is looked at again");
    assert_eq!(db.one::<Option<String>>(next), None);
    open.rollback().unwrap();
    db.run("UPDATE observa_internal.jobs SET next_run = '-infinity' WHERE job = 'recheck'");
    assert_eq!(db.one::<Option<String>>(next).as_deref(), Some("recheck"));
    assert_eq!(loops(&mut db), [told("a", 4, 1)]);
}
