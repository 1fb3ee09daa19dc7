//! Search by an event and by a text.

use observa_tests::Database;
use observa_tests::database::{error, one, table};
use observa_tests::event::{lines, llm_call, with};
use observa_tests::judge::{EMBEDDER, Judge};
use serde_json::{Value, json};

use super::{all_embedded, database, price, question};
use crate::workers::eventually;

const QUESTIONS: [(&str, &str); 5] = [
    ("refund", "How do I get a refund for my order"),
    ("refund2", "How do I get a refund for my last order"),
    ("weather", "Will it rain in Lisbon tomorrow"),
    ("weather2", "Will it rain in Porto tomorrow"),
    ("code", "Write a function that sorts a list of numbers"),
];

fn questions() -> String {
    lines(&QUESTIONS.map(|(id, text)| question(id, text)))
}

fn ids(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["event_id"].as_str().unwrap()).collect()
}

#[test]
fn what_is_like_an_event_or_a_text_is_found_first() {
    let judge = Judge::start();
    let mut db = database("embeddings-search", &judge, "");
    let messages =
        json!([{"role": "system", "content": "You help."}, {"role": "user", "content": "Cancel my order"}]);
    let as_messages =
        with(question("cancel", ""), json!({"input": messages, "route": "/chat", "user_id": "u-1"}));
    db.ingest(&questions());
    db.ingest(&as_messages.to_string());
    // What no model was asked is not embedded, nor what has failed.
    let failed = with(question("failed", "How do I get a refund"), json!({"status": "error"}));
    let tool = with(llm_call("tool"), json!({"event_type": "tool_call", "tool_name": "t"}));
    db.ingest(&lines(&[failed, tool]));
    all_embedded(&mut db, 6);

    let found = db.table("SELECT * FROM observa.similar_events('refund', 3)");
    assert_eq!((ids(&found)[0], found.len()), ("refund2", 3), "{found:?}");
    let first = &found[0];
    assert_eq!(first["question"], "How do I get a refund for my last order");
    assert!(first["similarity"].as_f64().unwrap() > 0.9 && first["similarity"].as_f64().unwrap() < 1.0);
    assert_eq!((&first["trace_id"], &first["model"]), (&json!("trace-refund2"), &llm_call("x")["model"]));
    assert!(!ids(&found).contains(&"refund"), "itself is not like itself");
    // Of messages the user's last one is embedded.
    assert!(judge.embedded().contains(&"Cancel my order".to_owned()), "{:?}", judge.embedded());
    assert_eq!(db.error("SELECT observa.similar_events('no such event')").code().code(), "02000");
    for k in ["0", "-1", "1001", "NULL"] {
        assert_eq!(
            db.error(&format!("SELECT observa.similar_events('refund', {k})")).code().code(),
            "22023",
            "{k}"
        );
    }
    assert_eq!(
        db.table("SELECT * FROM observa.similar_events('refund', until => now() - interval '1 day')").len(),
        0
    );

    // By a text: asked for in a transaction, used in the next.
    let before = judge.embedded().len();
    assert_eq!(db.one::<String>("SELECT observa.embed('rain tomorrow in Lisbon')"), "queued");
    let found = db.table("SELECT * FROM observa.similar('rain tomorrow in Lisbon', 2)");
    assert_eq!(ids(&found), ["weather", "weather2"], "{found:?}");
    // The second time it is there, whoever asks, and nobody pays again.
    assert_eq!(db.one::<String>("SELECT observa.embed(' rain tomorrow in Lisbon ')"), "ready");
    assert_eq!(ids(&db.table("SELECT * FROM observa.similar('rain tomorrow in Lisbon', 1)")), ["weather"]);
    assert_eq!(judge.embedded().len(), before + 1);
    // The text is kept no longer than it is needed.
    assert_eq!(db.count("observa_internal.embedding_queries WHERE text IS NULL AND vector IS NOT NULL"), 1);

    // All of them were paid: 1,000 tokens each.
    let spent = db.row("SELECT calls > 0 AS called, cost_usd::float8 AS usd FROM observa.analysis_spend");
    assert_eq!(spent, json!({"called": true, "usd": 0.007}));
    let health: Value = db.one("SELECT observa.health_detailed() -> 'embeddings'");
    assert_eq!((&health["vectors"], &health["model"]), (&json!(6), &json!(EMBEDDER)));
    let stored = db.row("SELECT event_id, route, user_id, embedding_model, array_length(vector, 1) AS dimensions,
        round((SELECT sum(v * v) FROM unnest(vector) v)::numeric, 4)::float8 AS length FROM observa.embeddings WHERE event_id = 'cancel'");
    let user = stored["user_id"].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        stored,
        json!({"event_id": "cancel", "route": "/chat", "user_id": user, "embedding_model": EMBEDDER, "dimensions": 64, "length": 1})
    );
    // A day later it is forgotten.
    db.run("UPDATE observa_internal.embedding_queries SET asked_at = now() - interval '25 hours'");
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(db.count("observa_internal.embedding_queries"), 0);
}

#[test]
fn why_a_text_can_not_be_searched_by_is_told() {
    let judge = Judge::start();
    let mut db = database("embeddings-refused", &judge, "observa.databases = 'none'");
    let refused = |db: &mut Database, sql: &str, code: &str, why: &str| {
        let told = db.error(sql);
        assert_eq!(told.code().code(), code, "{sql}: {}", told.message());
        assert!(told.message().contains(why), "{sql}: {}", told.message());
    };
    refused(&mut db, "SELECT observa.similar('a secret')", "55000", "observa.embed(query)");
    // No worker sees what is not committed: to wait for it would be in vain.
    db.run("BEGIN");
    assert_eq!(db.one::<String>("SELECT observa.embed('a secret')"), "queued");
    refused(&mut db, "SELECT observa.similar('a secret')", "55000", "committed");
    db.run("ROLLBACK");
    assert_eq!(db.count("observa.analysis_jobs"), 0);

    for (text, code) in
        [("''", "22023"), ("'  '", "22023"), ("NULL", "22023"), ("repeat('x', 24577)", "22023")]
    {
        for asked in ["embed", "similar"] {
            refused(&mut db, &format!("SELECT observa.{asked}({text})"), code, "the text");
        }
    }
    refused(&mut db, "SELECT observa.embed('x', gen_random_uuid())", "22023", "no such project");
    refused(&mut db, "SELECT observa.similar('x', project => gen_random_uuid())", "22023", "no such project");

    // Asked for twice it waits once.
    for _ in 0..2 {
        assert_eq!(db.one::<String>("SELECT observa.embed('a secret')"), "queued");
    }
    assert_eq!(db.count("observa.analysis_jobs"), 1);
    // Nobody works: it waits for some seconds, and can be told to end meanwhile.
    db.run("SET statement_timeout = '300ms'");
    let begun = std::time::Instant::now();
    refused(&mut db, "SELECT observa.similar('a secret')", "57014", "timeout");
    assert!(begun.elapsed().as_secs_f64() < 2.0);
    db.run("RESET statement_timeout");
    refused(&mut db, "SELECT observa.similar('a secret')", "55000", "not embedded yet");
    assert!(begun.elapsed().as_secs_f64() < 9.0);

    db.run("DO $$ BEGIN FOR n IN 2..100 LOOP PERFORM observa.embed('text ' || n); END LOOP; END $$");
    refused(&mut db, "SELECT observa.embed('one more')", "55000", "100 texts wait");
    db.run("DELETE FROM observa_internal.analysis_jobs");

    db.run("SELECT observa.set_analysis(id, budget_usd => 0.5) FROM observa.projects");
    db.run("INSERT INTO observa_internal.analysis_spend SELECT tenant_id, id, (now() AT TIME ZONE 'UTC')::date, 1, 0.5 FROM observa.projects");
    refused(&mut db, "SELECT observa.embed('one more')", "55000", "budget");
    db.run("DELETE FROM observa.model_prices WHERE model = 'embedder-of-tests'");
    refused(&mut db, "SELECT observa.embed('one more')", "55000", "has no price");
    db.run("SET observa.embeddings_url = ''");
    refused(&mut db, "SELECT observa.embed('one more')", "55000", "observa.embeddings_url is not set");
    refused(&mut db, "SELECT observa.similar('one more')", "55000", "observa.embeddings_url is not set");
    assert_eq!(judge.embedded().len(), 0, "nobody asks but a worker");
    let log = db.cluster.log();
    assert!(!log.contains("a secret"), "the log quotes what was searched by");
}

#[test]
fn a_search_that_waits_sees_the_vector_as_soon_as_it_is_committed() {
    let judge = Judge::start();
    let mut db = database("embeddings-wait", &judge, "observa.databases = 'none'");
    // Whether the transaction has written by then or not.
    for before in ["SELECT 1", "CREATE TEMP TABLE t (a int) ON COMMIT DROP"] {
        db.run("DELETE FROM observa_internal.embedding_queries; DELETE FROM observa_internal.analysis_jobs");
        db.run("SELECT observa.embed('a text')");
        let mut other = db.connect();
        let worker = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_secs(1));
            other
                .batch_execute(
                    "UPDATE observa_internal.embedding_queries SET vector = '{1}', embedding_model = 'm'",
                )
                .unwrap();
        });
        let begun = std::time::Instant::now();
        db.run(&format!("BEGIN; {before}; SELECT * FROM observa.similar('a text'); COMMIT"));
        let waited = begun.elapsed().as_secs_f64();
        assert!((0.9..3.0).contains(&waited), "{before}: {waited}");
        worker.join().unwrap();
    }
    // A transaction that will never see it does not wait.
    db.run("SELECT observa.embed('another text')");
    let begun = std::time::Instant::now();
    db.run("BEGIN ISOLATION LEVEL REPEATABLE READ");
    assert_eq!(db.error("SELECT observa.similar('another text')").code().code(), "55000");
    db.run("ROLLBACK");
    assert!(begun.elapsed().as_secs_f64() < 1.0);
}

#[test]
fn a_text_that_could_not_be_embedded_says_why_and_can_be_asked_for_again() {
    let judge = Judge::start();
    let mut db = database("embeddings-failed", &judge, "");
    // As if it had been tried three times before.
    db.run(
        "BEGIN; SELECT observa.embed('what is fault=500'); UPDATE observa_internal.analysis_jobs SET attempts = 3; COMMIT",
    );
    eventually("it has failed", || db.count("observa.analysis_jobs WHERE state = 'failed'") == 1);
    let told = db.error("SELECT observa.similar('what is fault=500')");
    assert_eq!(told.code().code(), "55000");
    assert!(told.message().contains("500"), "{}", told.message());
    assert_eq!(db.one::<String>("SELECT observa.embed('what is fault=500')"), "queued");
    assert_eq!(db.count("observa_internal.embedding_queries"), 1);
}

#[test]
fn a_tenant_finds_only_its_own_and_only_who_may_read_asks() {
    let judge = Judge::start();
    let mut db = database("embeddings-tenants", &judge, "");
    let other = db.tenant("other");
    db.run(&format!("LOAD 'observa'; SET observa.acting = '{other}//iqa/'"));
    price(&mut db);
    db.run("RESET observa.acting");
    db.ingest(&questions());
    let of_other = with(question("theirs", QUESTIONS[0].1), json!({"tenant_id": other.to_string()}));
    db.ingest(&of_other.to_string());
    all_embedded(&mut db, 6);
    let (own, ours): (uuid::Uuid, uuid::Uuid) = (
        db.one("SELECT tenant_id FROM observa_internal.tenants WHERE name = 'default'"),
        db.one("SELECT id FROM observa.projects p WHERE p.tenant_id <> (SELECT tenant_id FROM observa_internal.tenants WHERE name = 'other')"),
    );
    let mut reader = db.connect_as("reader", "observa_read");
    let login: String = one(&mut reader, "SELECT session_user::text");
    for sql in [
        "SELECT observa.embed('a')",
        "SELECT observa.similar('a')",
        "SELECT observa.similar_events('theirs')",
        "SELECT observa.embedding_clusters()",
    ] {
        assert_eq!(error(&mut reader, sql).code().code(), "42501", "{sql}: of no tenant");
    }
    db.run(&format!("SELECT observa.grant_tenant('{login}', '{other}')"));
    assert_eq!(
        table(&mut reader, "SELECT event_id FROM observa.embeddings"),
        [json!({"event_id": "theirs"})]
    );
    assert_eq!(table(&mut reader, "SELECT * FROM observa.similar_events('theirs')").len(), 0);
    assert_eq!(error(&mut reader, "SELECT observa.similar_events('refund')").code().code(), "02000");
    assert_eq!(table(&mut reader, "SELECT size FROM observa.embedding_clusters()"), [json!({"size": 1})]);
    for sql in [
        format!("SELECT observa.embed('a', '{ours}')"),
        format!("SELECT observa.similar_events('refund', project => '{ours}')"),
        format!("SELECT observa.embedding_clusters(project => '{ours}')"),
    ] {
        assert_eq!(error(&mut reader, &sql).code().code(), "22023", "{sql}");
    }
    assert_eq!(one::<String>(&mut reader, "SELECT observa.embed('a refund for my order')"), "queued");
    let found = table(&mut reader, "SELECT event_id FROM observa.similar('a refund for my order')");
    assert_eq!(found, [json!({"event_id": "theirs"})]);
    // Who pays is who asks.
    assert_eq!(db.count(&format!("observa_internal.embedding_queries WHERE tenant_id = '{other}'")), 1);
    assert_eq!(db.count(&format!("observa_internal.embedding_queries WHERE tenant_id = '{own}'")), 0);
    let denied = "SELECT text FROM observa_internal.embedding_queries";
    assert_eq!(error(&mut reader, denied).code().code(), "42501", "what others have typed");
    let mut writer = db.connect_as("writer", "observa_ingest, observa_admin");
    for sql in ["SELECT observa.embed('a')", "SELECT observa.similar('a')", "SELECT observa.drift()"] {
        assert_eq!(error(&mut writer, sql).code().code(), "42501", "{sql}");
    }
}

#[test]
fn a_vector_goes_with_the_payload_and_with_the_person() {
    let judge = Judge::start();
    let mut db = database("embeddings-gone", &judge, "");
    let of = |id: &str, user: &str, text: &str| with(question(id, text), json!({"user_id": user}));
    db.ingest(&lines(&[
        of("a", "u-1", "one thing"),
        of("b", "u-1", "another thing"),
        of("c", "u-2", "a third"),
    ]));
    all_embedded(&mut db, 3);
    let export: Value = db.one("SELECT observa.export_user('u-1') -> 'embeddings'");
    assert_eq!(export.as_array().map(Vec::len), Some(2), "{export}");
    assert!(export[0].get("vector").is_none() && export[0]["embedding_model"] == EMBEDDER);
    let forgotten: Value = db.one("SELECT observa.forget_user('u-1') -> 'embeddings'");
    assert_eq!(forgotten, json!(2));
    assert_eq!(db.table("SELECT event_id FROM observa.embeddings"), [json!({"event_id": "c"})]);

    // The payload is kept for a day, the event for longer.
    db.run("SELECT observa.set_retention(id, 30, 1) FROM observa.projects");
    db.run("UPDATE observa_internal.embeddings SET ts = ts - interval '3 days'");
    eventually("it has outlived the payloads", || {
        db.run("SELECT observa.run_maintenance()");
        db.count("observa.embeddings") == 0
    });
    assert_eq!(db.count("observa.events WHERE event_id = 'c'"), 1);
}
