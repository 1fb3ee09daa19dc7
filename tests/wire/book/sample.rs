//! What the book's examples are asked of: a shop's chat of three weeks, with what goes wrong in one.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use observa_tests::Cluster;
use observa_tests::database::{ingest, one, tell};
use observa_tests::event::{DAY_MS, HOUR_MS, lines, now_ms, with};
use observa_tests::judge::{EMBEDDER, MODEL};
use observa_tests::programs::make_folder;
use serde_json::{Value, json};

const QUESTIONS: [&str; 4] = [
    "How do I get a refund for my order?",
    "When will my order arrive?",
    "Do you ship to Norway?",
    "Can I change the address of an order?",
];
const TODAY: [&str; 3] = [
    "Why does the payment page show a blank screen?",
    "The payment fails with an error",
    "How do I get a refund for my order?",
];

/// The `n`th call of the chat; the first 60 are of the last day.
fn call(n: i64) -> Value {
    let at = now_ms() - if n < 60 { 60_000 + n * HOUR_MS / 3 } else { DAY_MS + (n - 59) * 5 * HOUR_MS / 2 };
    let question = if n < 60 { TODAY[n as usize % 3] } else { QUESTIONS[n as usize % 4] };
    json!({"event_id": format!("call-{n}"), "timestamp": at, "model": if n % 5 == 0 { "gpt-4o" } else { "gpt-4o-mini" }, "provider": "openai",
           "route": "/chat", "version": "7", "environment": "prod", "trace_id": format!("t-{n}"), "span_id": "s-1", "session_id": format!("s-{}", n % 9),
           "conversation_id": format!("c-{}", n % 9), "user_id": format!("u-{}", n % 7), "customer": format!("c{}", n % 3),
           "input": question, "output": "It takes three days. Thank you for your patience!", "input_tokens": 900, "output_tokens": 90,
           "prompt_name": "greeting", "prompt_version": if n % 2 == 0 { "3" } else { "4" }, "latency_ms": 700 + n % 40, "time_to_first_token_ms": 90})
}

/// What is not an answered question, all of the trace `t-1`.
fn others() -> Vec<Value> {
    let at = now_ms() - 30_000;
    let of = |id: &str, members: Value| {
        let own = json!({"event_id": id, "timestamp": at, "trace_id": "t-1", "route": "/chat", "environment": "prod", "user_id": "u-1",
                         "session_id": "s-1", "version": "7"});
        with(own, members)
    };
    let failed = json!({"event_type": "llm_call", "model": "gpt-4o", "provider": "openai", "latency_ms": 9000, "status": "error", "input": "Where is my order?",
                        "error_type": "RateLimitError", "error_message": "Rate limit reached for gpt-4o: used 30000 of 30000 tokens"});
    vec![
        of(
            "root",
            json!({"event_type": "trace_start", "name": "handle request", "span_id": "r", "customer": "c1"}),
        ),
        of("failed", failed),
        of(
            "tool",
            json!({"event_type": "tool_call", "tool_name": "search", "result_status": "timeout", "latency_ms": 6000}),
        ),
        of(
            "docs",
            json!({"event_type": "retrieval", "latency_ms": 40, "retrieval_context": ["Orders take three days."], "k": 1}),
        ),
        of("like", json!({"event_type": "feedback", "type": "rating", "rating": 4})),
        of(
            "unpriced",
            json!({"event_type": "llm_call", "model": "house-large", "latency_ms": 10, "input_tokens": 5, "output_tokens": 5}),
        ),
        of(
            "secret",
            json!({"event_type": "llm_call", "model": "gpt-4o-mini", "latency_ms": 3000, "input": "mail ada@example.com", "output": "Done."}),
        ),
    ]
}

/// A database of the cluster that others are copied from.
pub fn plant(cluster: &Cluster, name: &str) {
    cluster.connect("postgres").batch_execute(&format!("CREATE DATABASE {name}")).expect("a database");
    let mut db = cluster.connect(name);
    let mut run = |sql: &str| db.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {}", tell(&error)));
    run("CREATE EXTENSION observa; SELECT observa.setup()");
    run("SELECT observa.set_metric_tags(id, '{customer}') FROM observa.projects");
    for model in [EMBEDDER, MODEL] {
        let free = r#"{"input": "0", "output": "0"}"#;
        run(&format!("INSERT INTO observa.model_prices (model, rates) VALUES ('{model}', '{free}')"));
    }
    let mut events: Vec<Value> = (0..200).rev().map(call).collect();
    events.extend(others());
    let answer = ingest(&mut db, &lines(&events));
    assert_eq!((&answer["rejected"], &answer["duplicates"]), (&json!(0), &json!(0)), "{answer}");
    ingest(&mut db, r#"{"event_type": "llm_call", "latency_ms": "fast"}"#);
    let told: Value = one(&mut db, "SELECT observa.run_maintenance()");
    assert_eq!(told["failed"], json!([]), "{told}");
}

/// The files that the examples name, in a folder that the server may use.
pub struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    pub fn new() -> Files {
        let folder = tempfile::Builder::new().prefix("observa-book").tempdir().expect("a folder");
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("its rights");
        let files = Files { folder };
        for name in ["archive", "other"] {
            make_folder(&files.path(name));
        }
        let prices = r#"{"house-large": {"litellm_provider": "house", "mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06}}"#;
        std::fs::write(files.path("prices.json"), prices).expect("a price file");
        std::fs::write(files.path("jwt.secret"), "thirty-two bytes or more of a secret").expect("a secret");
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(self.folder.path()).join(name)
    }

    /// The example with the folder in the place of its own.
    pub fn localise(&self, sql: &str) -> String {
        let places = [
            ("/srv/archive", "archive"),
            ("/mnt/other", "other"),
            ("/path/to/prices.json", "prices.json"),
            ("/etc/observa/jwt.secret", "jwt.secret"),
        ];
        places
            .iter()
            .fold(sql.to_owned(), |sql, (named, name)| sql.replace(named, &self.path(name).to_string_lossy()))
    }
}
