//! Embeddings by a real model: what it holds for alike is found, whatever the words.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use observa_tests::clients::{folder, require_note};
use observa_tests::event::{lines, llm_call, with};
use observa_tests::{Cluster, Database};
use serde_json::json;

const REFUNDS: [&str; 6] = [
    "I want a refund for my purchase",
    "How do I return a damaged item?",
    "When will the refund be paid to my credit card?",
    "The parcel arrived broken, can I send it back?",
    "Can I exchange these shoes for a bigger size?",
    "My order never arrived and I want my money back",
];
const WEATHER: [&str; 6] = [
    "What will the weather be like tomorrow?",
    "Is it going to rain in Berlin this weekend?",
    "How warm is it in Madrid today?",
    "Will there be snow in the mountains?",
    "Do I need an umbrella this afternoon?",
    "What is the temperature outside?",
];
const CODE: [&str; 6] = [
    "Write a Python function that sorts a list",
    "How do I reverse a string in Python?",
    "Why does my Python loop never end?",
    "Explain recursion with an example in Python",
    "My Python program crashes with an exception",
    "How do I read a file line by line in Python?",
];

/// The endpoint of `tests/clients/embedder`. It ends with the value.
struct Embedder {
    process: Child,
    port: u16,
}

impl Embedder {
    /// None: what it needs can't be had here.
    fn start() -> Option<Embedder> {
        let program = folder().join("embedder/bin/python");
        if !folder().join("embedder/complete").exists() {
            require_note("embedder");
            return None;
        }
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/embedder/serve.py");
        let mut process =
            Command::new(program).arg(script).stdout(Stdio::piped()).spawn().expect("python starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Some(Embedder { process, port: line.trim().parse().expect("it prints its port") })
    }
}

impl Drop for Embedder {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_real_model_finds_paraphrases_and_tells_topics_apart() {
    let Some(embedder) = Embedder::start() else { return };
    let settings = format!(
        "shared_preload_libraries = 'observa'\nobserva.databases = ''\nmax_worker_processes = 16
observa.embeddings_url = 'http://127.0.0.1:{}/v1'\nobserva.embeddings_model = 'all-MiniLM-L6-v2'
observa.embeddings_sample_rate = 1\nobserva.judge_allow_private = on\n",
        embedder.port
    );
    let mut db = Database::ready_in(Cluster::own("embeddings-model", &settings));
    db.run(
        "INSERT INTO observa.model_prices (model, rates) VALUES ('all-MiniLM-L6-v2', '{\"input\": \"0\"}')",
    );
    let mut events = Vec::new();
    for (topic, questions) in [("refunds", REFUNDS), ("weather", WEATHER), ("code", CODE)] {
        for (number, text) in questions.into_iter().enumerate() {
            events.push(with(
                llm_call(&format!("{topic}-{number}")),
                json!({"trace_id": format!("t-{topic}-{number}"), "input": text, "output": "I see."}),
            ));
        }
    }
    db.ingest(&lines(&events));
    let patience = Instant::now() + Duration::from_secs(60);
    while db.count("observa.embeddings") < 18 {
        assert!(
            Instant::now() < patience,
            "{:?}",
            db.table("SELECT state, reason, error FROM observa.analysis_jobs")
        );
        std::thread::sleep(Duration::from_millis(100));
    }

    // No word in common but small ones.
    db.run("SELECT observa.embed('Give me back what I paid, please')");
    let found =
        db.table("SELECT event_id, similarity FROM observa.similar('Give me back what I paid, please', 18)");
    let first: Vec<&str> = found.iter().take(3).map(|row| row["event_id"].as_str().unwrap()).collect();
    assert!(first.iter().all(|id| id.starts_with("refunds")), "{found:?}");
    let last = &found[17];
    assert!(!last["event_id"].as_str().unwrap().starts_with("refunds"), "{found:?}");

    for (topic, other) in [("weather-0", "weather"), ("code-0", "code"), ("refunds-0", "refunds")] {
        let like = db.table(&format!("SELECT event_id FROM observa.similar_events('{topic}', 2)"));
        let same = like.iter().filter(|row| row["event_id"].as_str().unwrap().starts_with(other)).count();
        assert_eq!(same, 2, "{topic}: {like:?}");
    }

    let clusters = db.table("SELECT size, event_id, question FROM observa.embedding_clusters(3)");
    let mut topics: Vec<&str> =
        clusters.iter().map(|row| row["event_id"].as_str().unwrap().split('-').next().unwrap()).collect();
    topics.sort_unstable();
    assert_eq!(topics, ["code", "refunds", "weather"], "{clusters:?}");
    assert!(clusters.iter().all(|row| row["size"] == 6), "{clusters:?}");

    // What is asked in other words, and what is asked again.
    for (id, text) in [
        ("again-0", "What is the capital of France?"),
        ("again-1", "Which city is France's capital?"),
        ("again-2", "What is the capital of France?"),
    ] {
        db.ingest(
            &with(llm_call(id), json!({"trace_id": id, "input": text, "output": "Paris."})).to_string(),
        );
    }
    while db.count("observa.embeddings") < 21 {
        assert!(Instant::now() < patience + Duration::from_secs(60), "not embedded in time");
        std::thread::sleep(Duration::from_millis(100));
    }
    let groups = "SELECT questions, wordings FROM observa.near_duplicates";
    assert_eq!(db.table(&format!("{groups}(0.9)")), [json!({"questions": 3, "wordings": 2})]);
    assert_eq!(db.table(&format!("{groups}(0.97)")), [json!({"questions": 2, "wordings": 1})]);
}
