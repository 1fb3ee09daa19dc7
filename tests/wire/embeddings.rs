//! Embeddings: what is stored of questions, what is found by them, and what they say of traffic.

mod analyses;
mod pgvector;
mod search;

use observa_tests::event::{llm_call, with};
use observa_tests::judge::{EMBEDDER, Judge};
use observa_tests::{Cluster, Database};
use serde_json::{Value, json};

use crate::workers::eventually;

/// A database whose workers have all questions embedded, at a price of its own.
fn database(name: &str, judge: &Judge, settings: &str) -> Database {
    let settings = format!(
        "shared_preload_libraries = 'observa'\nobserva.databases = ''\nmax_worker_processes = 16\n{}\n{settings}\n",
        judge.embedding_settings()
    );
    let mut db = Database::ready_in(Cluster::own(name, &settings));
    price(&mut db);
    db
}

/// USD per token: of input alone, as prices of such models are.
fn price(db: &mut Database) {
    db.run(&format!(
        "INSERT INTO observa.model_prices (model, rates) VALUES ('{EMBEDDER}', '{{\"input\": \"0.000001\"}}')"
    ));
}

/// A call in which this was asked.
fn question(id: &str, text: &str) -> Value {
    with(llm_call(id), json!({"trace_id": format!("trace-{id}"), "input": text, "output": "It is so."}))
}

#[track_caller]
fn all_embedded(db: &mut Database, expected: i64) {
    eventually("all is embedded", || db.count("observa.embeddings") == expected);
}
