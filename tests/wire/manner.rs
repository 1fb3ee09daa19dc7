//! How models answer, by the day: what is sampled, and that another manner is told of once.

use observa_tests::Database;
use observa_tests::event::{lines, llm_call, now_ms, with};
use serde_json::{Value, json};

const ENGLISH: &str =
    "The order was sent on Tuesday and will be with you before the end of the week, as you asked us to.";
const GERMAN: &str =
    "Die Bestellung wurde am Dienstag verschickt und kommt noch vor dem Ende der Woche bei Ihnen an.";

fn answers(name: &str, count: usize, answer: &str) -> String {
    let event = |n: usize| {
        let said = json!({"timestamp": now_ms() - 1_000, "model": "m", "route": "/r", "output": answer, "finish_reason": "stop"});
        with(llm_call(&format!("{name} {n}")), said)
    };
    lines(&(0..count).map(event).collect::<Vec<_>>())
}

/// Today's row stands for each of the days before, too, and today begins anew.
fn age(db: &mut Database) {
    db.run(
        "INSERT INTO observa_internal.answer_days
         SELECT tenant_id, day - n, project_id, environment, model, route, manner, seen_until - n * interval '1 day'
           FROM observa_internal.answer_days, generate_series(1, 5) n;
         DELETE FROM observa_internal.answer_days WHERE day = (now() AT TIME ZONE 'UTC')::date",
    );
}

fn round(db: &mut Database) -> i64 {
    db.one::<Value>("SELECT observa.run_maintenance()")["answer_signals"].as_i64().unwrap()
}

#[test]
fn answers_in_another_language_are_told_of_once_a_day_and_raise_an_alert() {
    let mut db = Database::ready();
    db.ingest(&answers("a", 60, ENGLISH));
    assert_eq!(round(&mut db), 0);
    let day = db.row("SELECT answers, round(mean_length)::int AS length, refusals, cut_off, languages, model, route FROM observa.answer_days");
    assert_eq!(
        day,
        json!({"answers": 60, "length": ENGLISH.len(), "refusals": 0, "cut_off": 0, "languages": {"eng": 60}, "model": "m", "route": "/r"})
    );
    age(&mut db);
    db.ingest(&answers("b", 60, GERMAN));
    assert_eq!(round(&mut db), 2);
    // What is in the sample is not looked at again.
    assert_eq!(db.one::<i64>("SELECT answers FROM observa.answer_days ORDER BY day DESC LIMIT 1"), 120);
    db.ingest(&answers("c", 20, GERMAN));
    assert_eq!(round(&mut db), 0);
    let told =
        "SELECT details ->> 'what' AS what, round(value::numeric, 2)::float8 AS value, model, route, severity
                  FROM observa.signals WHERE name = 'model_drift' ORDER BY 1";
    let shift = |what| json!({"what": what, "value": 0.5, "model": "m", "route": "/r", "severity": "medium"});
    assert_eq!(db.table(told), [shift("language deu"), shift("language eng")]);
    let alert = db.row("SELECT rule, alert_group, severity, status, occurrences FROM observa.alerts");
    assert_eq!(
        alert,
        json!({"rule": "model_drift", "alert_group": "model=m route=/r", "severity": "warning", "status": "active", "occurrences": 2})
    );
    // Each leads to its issue; none is taken for an older library's.
    assert_eq!(db.count("observa_internal.signals WHERE issue_id IS NULL"), 0);
}

#[test]
fn days_that_are_over_go_after_four_weeks() {
    let mut db = Database::ready();
    db.ingest(&answers("a", 1, ENGLISH));
    round(&mut db);
    db.run("UPDATE observa_internal.answer_days SET day = day - 28");
    round(&mut db);
    assert_eq!(db.count("observa.answer_days WHERE day < current_date - 27"), 1);
    db.run("UPDATE observa_internal.answer_days SET day = day - 1");
    round(&mut db);
    assert_eq!(db.count("observa.answer_days WHERE day < current_date - 27"), 0);
}
