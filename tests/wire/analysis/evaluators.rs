//! Evaluators of tenants, and what their verdicts lead to.

use observa_tests::database::{error, one, table};
use observa_tests::event::{lines, with};
use observa_tests::judge::{INPUT, Judge, OUTPUT};
use serde_json::json;

use super::{call, database, jobs};
use crate::workers::eventually;

#[test]
fn a_verdict_has_what_it_cost_and_alerts_like_any_other_signal() {
    let judge = Judge::start();
    let mut db = database("verdict", &judge, "observa.judge_sample_rate = 0\nobserva.judge_key_env = 'PATH'");
    db.run(
        "INSERT INTO observa.evaluators (name, template, variables, triggers, signal, medium_threshold, high_threshold, sample_rate)
         VALUES ('politeness', 'Is it rude? {{answer}}', '{answer}', '{}', 'rude_answer', 0.5, 0.8, 1)",
    );
    db.ingest(&lines(&[
        with(
            call("rude", "Go away! score=0.9 sk-ant-api03-not-a-key"),
            json!({"model": "gpt-4o", "route": "/chat"}),
        ),
        with(call("fair", "Please. score=0.2"), json!({"model": "gpt-4o", "route": "/chat"})),
    ]));
    eventually("both are judged", || db.count("observa.analysis_results") == 2);
    let verdict = db.row(
        "SELECT evaluator, score, label, reasoning, flags, model, cost_usd::text, evaluator_version, trace_id, event_id, trigger,
                input_tokens, output_tokens, latency_ms > 0 AS took FROM observa.analysis_results WHERE event_id = 'rude'",
    );
    let cost = INPUT as f64 * 0.000001 + OUTPUT as f64 * 0.00001;
    assert_eq!(
        verdict,
        json!({"evaluator": "politeness", "score": 0.9, "label": "plain", "reasoning": "because of 0.9", "flags": [],
               "model": "judge-of-tests", "cost_usd": cost.to_string(), "evaluator_version": 1, "trace_id": "trace-rude",
               "event_id": "rude", "trigger": "sampled", "input_tokens": INPUT, "output_tokens": OUTPUT, "took": true})
    );
    let spend = db.row("SELECT calls, cost_usd::float8 FROM observa.analysis_spend");
    assert_eq!(spend, json!({"calls": 2, "cost_usd": 2.0 * cost}));
    let signal = db.row(
        "SELECT type, severity, value, threshold, model, route, event_id, details ->> 'label' AS label FROM observa.signals WHERE name = 'rude_answer'",
    );
    assert_eq!(
        signal,
        json!({"type": "quality", "severity": "high", "value": 0.9, "threshold": 0.8, "model": "gpt-4o", "route": "/chat",
               "event_id": "rude", "label": "plain"})
    );
    assert_eq!(
        db.count("observa.alerts WHERE rule = 'rude_answer' AND severity = 'critical' AND status = 'active'"),
        1
    );
    // The key of the environment, and nothing else of it.
    assert!(judge.asked().iter().all(|asked| asked.key.starts_with("Bearer /")), "{:?}", judge.asked());
    let settings: String =
        db.one("SELECT string_agg(setting, ' ') FROM pg_settings WHERE name LIKE 'observa.%'");
    assert!(!settings.contains("/usr/bin"), "{settings}");
    assert!(!db.cluster.log().contains("Bearer"));
}

#[test]
fn what_could_not_be_used_is_refused_when_it_is_written() {
    let judge = Judge::start();
    let mut db = database("evaluator-checks", &judge, "observa.databases = 'none'");
    for (row, what) in [
        ("('Upper', 'x {{answer}}', NULL, NULL)", "name"),
        ("('embedding', 'x {{answer}}', NULL, NULL)", "name"),
        ("('a', '', NULL, NULL)", "template"),
        ("('a', 'x {{secret}}', NULL, NULL)", "secret"),
        ("('a', 'x {{answer', NULL, NULL)", ""),
        ("('a', 'x {{answer}}', '{\"$ref\": \"http://x/y\"}', NULL)", "response_schema"),
        ("('a', 'x {{answer}}', '{\"type\": 7}', NULL)", "response_schema"),
        ("('a', 'x {{answer}}', NULL, 2)", "medium_threshold"),
    ] {
        let refused = db.error(&format!(
            "INSERT INTO observa.evaluators (name, template, response_schema, medium_threshold) VALUES {row}"
        ));
        assert_eq!(refused.code().code(), "22023", "{row}: {refused:?}");
        assert!(refused.message().contains(what), "{row}: {refused:?}");
    }
    assert_eq!(db.count("observa.evaluators"), 6);
    // A built-in one is changed, and comes back.
    db.run("UPDATE observa.evaluators SET medium_threshold = 0.1 WHERE name = 'toxicity'");
    let changed = db.row("SELECT version, medium_threshold, tenant_id IS NULL AS built_in FROM observa.evaluators WHERE name = 'toxicity'");
    assert_eq!(changed, json!({"version": 2, "medium_threshold": 0.1, "built_in": false}));
    db.run("UPDATE observa.evaluators SET enabled = false WHERE name = 'toxicity'");
    assert_eq!(db.one::<i32>("SELECT version FROM observa.evaluators WHERE name = 'toxicity'"), 3);
    db.run("DELETE FROM observa.evaluators WHERE name = 'toxicity'");
    assert_eq!(db.one::<i32>("SELECT version FROM observa.evaluators WHERE name = 'toxicity'"), 1);
}

#[test]
fn a_judge_and_a_rule_that_say_the_same_share_one_alert() {
    let judge = Judge::start();
    let mut db = database("judge-and-rule", &judge, "observa.judge_sample_rate = 1");
    db.run("UPDATE observa.evaluators SET enabled = false WHERE name <> 'toxicity'");
    let toxic = json!({"toxicity_score": 0.9, "model": "gpt-4o", "route": "/chat"});
    assert_eq!(db.ingest(&with(call("both", "score=0.95"), toxic).to_string())["alerts"], 1);
    eventually("it is judged", || db.count("observa.signals WHERE name = 'high_toxicity'") == 2);
    let alert = db.row("SELECT occurrences, severity FROM observa.alerts WHERE rule = 'high_toxicity'");
    assert_eq!(alert["occurrences"], 2);
}

#[test]
fn who_does_not_own_the_key_decides_no_price_and_no_greater_budget() {
    let judge = Judge::start();
    let mut db = database("judge-prices", &judge, "observa.judge_sample_rate = 0");
    let tenant: uuid::Uuid = db.one("SELECT observa.create_tenant('other')");
    let project: uuid::Uuid = db.one(&format!("SELECT observa.create_project('{tenant}', 'shop')"));
    let mut admin = db.connect_as("admin", "observa_admin, observa_read, observa_ingest");
    let login: String = one(&mut admin, "SELECT session_user::text");
    db.run(&format!("SELECT observa.grant_tenant('{login}', '{tenant}')"));
    admin.batch_execute("INSERT INTO observa.model_prices (model, rates) VALUES ('judge-of-tests', '{\"input\": \"0\", \"output\": \"0\"}')").unwrap();
    let event = with(
        call("theirs", "score=0.7"),
        json!({"trace_id": "t", "tenant_id": "other", "project_id": "shop"}),
    );
    db.ingest(&event.to_string());
    assert_eq!(one::<i32>(&mut admin, "SELECT observa.analyze('t', '{hallucination}')"), 1);
    eventually("it is judged", || db.count("observa.analysis_results") == 1);
    assert!(db.one::<bool>("SELECT cost_usd > 0 FROM observa.analysis_results"));
    let refused = error(&mut admin, &format!("SELECT observa.set_analysis('{project}', 1, 2)"));
    assert_eq!(refused.code().code(), "42501");
    admin.batch_execute(&format!("SELECT observa.set_analysis('{project}', 1, 0.5)")).unwrap();
}

#[test]
fn who_may_read_may_ask_and_sees_the_own_tenants_verdicts_alone() {
    let judge = Judge::start();
    let mut db = database("analysis-tenants", &judge, "observa.judge_sample_rate = 0");
    let other: uuid::Uuid = db.one("SELECT observa.create_tenant('other')");
    db.ingest(&with(call("ours", "score=0.7"), json!({"trace_id": "t"})).to_string());
    db.ingest(&with(call("theirs", "score=0.7"), json!({"trace_id": "t", "tenant_id": "other"})).to_string());
    let mut reader = db.connect_as("reader", "observa_read, observa_ingest");
    let login: String = one(&mut reader, "SELECT session_user::text");
    db.run(&format!("SELECT observa.grant_tenant('{login}', '{other}')"));
    db.run("INSERT INTO observa.model_prices (tenant_id, model, rates) SELECT tenant_id, 'judge-of-tests', '{\"input\": \"0\", \"output\": \"0\"}' FROM observa_internal.tenants WHERE name = 'other'");
    assert_eq!(one::<i32>(&mut reader, "SELECT observa.analyze('t', '{hallucination}')"), 1);
    eventually("it is judged", || db.count("observa.analysis_results") == 1);
    let seen = table(&mut reader, "SELECT event_id FROM observa.analysis_results");
    assert_eq!(seen, [json!({"event_id": "theirs"})]);
    assert_eq!(jobs(&mut db, "event_id = 'ours'"), 0);
    for statement in [
        "SELECT observa_internal.claim_analyses(1, 1)",
        "SELECT observa_internal.lease_analyses(1, 1)",
        "SELECT observa_internal.record_analysis('{}')",
        "SELECT observa.set_analysis(gen_random_uuid(), 1)",
        "INSERT INTO observa.evaluators (name, template) VALUES ('a', 'b')",
        "INSERT INTO observa_internal.analysis_results SELECT * FROM observa_internal.analysis_results",
    ] {
        assert_eq!(error(&mut reader, statement).code().code(), "42501", "{statement}");
    }
    // Whoever is forgotten is forgotten here, too.
    db.ingest(&with(call("person", "score=0.3"), json!({"trace_id": "p", "user_id": "ada"})).to_string());
    db.run("SELECT observa.analyze('p', '{hallucination}')");
    eventually("it is judged", || db.count("observa.analysis_results WHERE user_id = 'ada'") == 1);
    assert_eq!(
        db.one::<i64>("SELECT jsonb_array_length(observa.export_user('ada') -> 'analysis_results')::bigint"),
        1
    );
    db.run("SELECT observa.forget_user('ada')");
    assert_eq!(db.count("observa.analysis_results WHERE trace_id = 'p'"), 0);
    assert_eq!(jobs(&mut db, "trace_id = 'p'"), 0);
}

#[test]
fn judges_and_heuristics_are_held_against_each_other() {
    let judge = Judge::start();
    let mut db = database("agreement", &judge, "observa.judge_sample_rate = 1");
    db.run("UPDATE observa.evaluators SET enabled = false WHERE name <> 'hallucination'");
    let risk = |id: &str, risk: f64, score: f64| {
        with(
            call(id, &format!("{id} score={score}")),
            json!({"hallucination_risk": risk, "route": format!("/{id}")}),
        )
    };
    db.ingest(&lines(&[
        risk("both", 0.9, 0.8),
        risk("judge", 0.1, 0.8),
        risk("heuristic", 0.9, 0.2),
        risk("neither1", 0.1, 0.2),
        risk("neither2", 0.1, 0.2),
    ]));
    eventually("all are judged", || db.count("observa.analysis_results") == 5);
    let row = db.row("SELECT * FROM observa.judge_agreement()");
    // Agreement 3/5; by chance 2/5*2/5 + 3/5*3/5 = 13/25: kappa is (0.6 - 0.52) / 0.48.
    let kappa = row["kappa"].as_f64().unwrap();
    assert!((kappa - 0.08 / 0.48).abs() < 1e-12, "{row}");
    assert_eq!(
        (
            &row["evaluator"],
            &row["judged"],
            &row["both_found"],
            &row["judge_only"],
            &row["heuristic_only"],
            &row["neither"]
        ),
        (&json!("hallucination"), &json!(5), &json!(1), &json!(1), &json!(1), &json!(2))
    );
}
