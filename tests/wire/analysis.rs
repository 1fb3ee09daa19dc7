//! Judges: what they are shown, what becomes of what they say, and what it may cost.

mod evaluators;
mod faults;
mod hardships;
mod queue;

use observa_tests::event::{llm_call, with};
use observa_tests::judge::{Judge, MODEL};
use observa_tests::{Cluster, Database};
use serde_json::{Value, json};

/// A database whose workers ask a judge, at a price of its own.
fn database(name: &str, judge: &Judge, settings: &str) -> Database {
    let settings = format!(
        "shared_preload_libraries = 'observa'\nobserva.databases = ''\nmax_worker_processes = 16\n{}\n{settings}\n",
        judge.settings()
    );
    let mut db = Database::ready_in(Cluster::own(name, &settings));
    price(&mut db, "0.000001", "0.00001");
    db
}

/// USD per token.
fn price(db: &mut Database, input: &str, output: &str) {
    db.run(&format!(
        "INSERT INTO observa.model_prices (model, rates) VALUES ('{MODEL}', '{{\"input\": \"{input}\", \"output\": \"{output}\"}}')"
    ));
}

/// A call with an answer, in a trace of its own.
fn call(id: &str, answer: &str) -> Value {
    with(llm_call(id), json!({"trace_id": format!("trace-{id}"), "output": answer}))
}

const JOBS: &str = "SELECT evaluator, trigger, state, attempts, reason, error FROM observa.analysis_jobs";

/// How many jobs there are that a condition holds for.
fn jobs(db: &mut Database, condition: &str) -> i64 {
    db.count(&format!("observa.analysis_jobs WHERE {condition}"))
}
