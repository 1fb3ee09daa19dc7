//! Answers are scored where the client sent no scores, and only there.

use observa_tests::Database;
use observa_tests::database::error;
use observa_tests::event::lines;
use serde_json::{Value, json};
use uuid::Uuid;

const ANGRY: &str = "You are a stupid idiot, and nobody likes you, you worthless loser.";

fn scores(db: &mut Database, id: &str) -> Value {
    db.one(&format!(
        "SELECT jsonb_build_array(coherence_score, toxicity_score, sentiment_score, hallucination_risk, prompt_category)
           FROM observa.llm_requests WHERE id = '{id}'"
    ))
}

#[test]
fn an_answer_without_scores_is_scored_and_one_with_them_keeps_its_own() {
    let mut db = Database::ready();
    let call = |id: &str| json!({"model": "m", "event_id": id, "input": "Translate this into German", "output": ANGRY});
    let mut sent = call("sent");
    let own = json!({"coherence_score": 0.25, "toxicity_score": 0.5, "sentiment_score": -1, "hallucination_risk": 0, "prompt_category": "ours"});
    sent.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
    let mut partly = call("partly");
    partly["toxicity_score"] = json!(0.125);
    db.ingest(&lines(&[call("none"), sent, partly, json!({"model": "m", "event_id": "silent"})]));
    assert_eq!(scores(&mut db, "sent"), json!([0.25, 0.5, -1, 0, "ours"]));
    let expected: Value = db.one(&format!("SELECT observa.quality('Translate this into German', '{ANGRY}')"));
    let scored = scores(&mut db, "none");
    let of = |name: &str| expected[name].clone();
    let names = ["coherence", "toxicity", "sentiment", "hallucination_risk", "prompt_category"];
    let numbers =
        |value: &Value| value.as_array().map(|all| all.iter().map(Value::as_f64).collect::<Vec<_>>());
    assert_eq!(numbers(&scored), numbers(&json!(names.map(of))));
    assert!(scored[1].as_f64().unwrap() > 0.7 && scored[2].as_f64().unwrap() < 0.0, "{scored}");
    assert_eq!(scored[4], "translation");
    assert_eq!(scores(&mut db, "partly"), json!([scored[0], 0.125, scored[2], scored[3], "translation"]));
    assert_eq!(scores(&mut db, "silent"), json!([null, null, null, null, null]));
    // What the client sent stays among the attributes; what we say is a column alone.
    let kept = "SELECT json_agg(attributes -> 'toxicity_score' ORDER BY event_id)::jsonb FROM observa.events";
    assert_eq!(db.one::<Value>(kept), json!([null, 0.125, 0.5, null]));
}

#[test]
fn only_calls_to_models_are_scored() {
    let mut db = Database::ready();
    let tool = json!({"event_type": "tool_call", "tool_name": "t", "input": "Why?", "output": ANGRY, "toxicity_score": 0.9});
    db.ingest(&lines(&[tool]));
    let unscored = "observa.events WHERE num_nulls(coherence_score, toxicity_score, sentiment_score, hallucination_risk, prompt_category) = 5";
    assert_eq!((db.count(unscored), db.count("observa.signals")), (1, 0));
}

#[test]
fn another_tenants_project_is_not_ones_own_to_decide() {
    let mut db = Database::ready();
    let theirs = db.tenant("theirs");
    let project: Uuid = db.one(&format!("SELECT observa.create_project('{theirs}', 'shop')"));
    let own: Uuid = db.one("SELECT tenant_id FROM observa_internal.tenants WHERE name = 'default'");
    db.connect_as("admin", "observa_admin").close().unwrap();
    let mut client = db.connect();
    let admin = format!(
        "LOAD 'observa'; SET observa.acting = '{own}//iqa/'; SET SESSION AUTHORIZATION admin_{}",
        db.name
    );
    client.batch_execute(&admin).unwrap();
    let refused = error(&mut client, &format!("SELECT observa.quality_scores('{project}', false)"));
    assert_eq!(refused.code().code(), "42501", "{refused:?}");
    let ours: Uuid =
        db.one(&format!("SELECT project_id FROM observa_internal.projects WHERE tenant_id = '{own}'"));
    client.batch_execute(&format!("SELECT observa.quality_scores('{ours}', false)")).unwrap();
    assert_eq!(
        db.one::<Uuid>("SELECT project_id FROM observa_internal.projects WHERE quality_scores IS NOT NULL"),
        ours
    );
}

#[test]
fn a_signal_says_whether_its_score_is_an_estimate() {
    let mut db = Database::ready();
    db.ingest(&lines(&[
        json!({"model": "m", "event_id": "ours", "output": ANGRY}),
        json!({"model": "m", "event_id": "theirs", "toxicity_score": 0.9}),
    ]));
    let signals: Value = db.one(
        "SELECT json_object_agg(event_id, details ->> 'estimated')::jsonb FROM observa.signals WHERE name = 'high_toxicity'",
    );
    assert_eq!(signals, json!({"ours": "true", "theirs": "false"}));
}

#[test]
fn a_project_decides_whether_its_answers_are_scored() {
    let mut db = Database::ready();
    let is_scored = |db: &mut Database, id: &str| {
        db.ingest(&json!({"model": "m", "event_id": id, "input": "Why?", "output": ANGRY}).to_string());
        scores(db, id)[1].is_f64()
    };
    assert!(is_scored(&mut db, "built in"));
    db.run("SET observa.quality_scores = off");
    assert!(!is_scored(&mut db, "setting off"));
    db.run("SELECT observa.quality_scores(id, true) FROM observa.projects");
    assert!(is_scored(&mut db, "project on"));
    db.run("RESET observa.quality_scores; SELECT observa.quality_scores(id, false) FROM observa.projects");
    assert!(!is_scored(&mut db, "project off"));
    db.run("SELECT observa.quality_scores(id, NULL) FROM observa.projects");
    assert!(is_scored(&mut db, "as the setting says"));
}
