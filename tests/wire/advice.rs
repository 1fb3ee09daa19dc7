//! observa.advice(): what is found in planted data, with the saving as it is computed by hand; nothing where all is well.

mod exported_passages;
mod unused_context;

use observa_tests::Database;
use observa_tests::database::{error, one, table};
use observa_tests::event::{DAY_MS, lines, llm_call, now_ms, with};
use postgres::Client;
use serde_json::{Value, json};

const ADVICE: &str = "SELECT kind, subject, advice, saving_usd::float8, saving_usd_month::float8, saving_ms, evidence, confidence FROM observa.advice()";

/// USD for a token: dear 0.001 in, 0.0005 of it cached, 0.002 out; cheap a tenth.
const PRICES: &str = r#"INSERT INTO observa.model_prices (model, rates) VALUES
    ('dear', '{"input": 0.001, "cache_read": 0.0005, "output": 0.002}'), ('cheap', '{"input": 0.0001, "output": 0.0002}')"#;

fn ready() -> Database {
    let mut db = Database::ready();
    db.run(PRICES);
    db
}

fn advice(client: &mut Client) -> Vec<Value> {
    table(client, ADVICE)
}

#[track_caller]
fn only(db: &mut Database, kind: &str) -> Value {
    let all = advice(&mut db.client);
    assert_eq!(all.len(), 1, "{all:#?}");
    assert_eq!(all[0]["kind"], kind, "{all:#?}");
    all[0].clone()
}

#[track_caller]
fn close(found: &Value, expected: f64) {
    let found = found.as_f64().unwrap_or(f64::NAN);
    assert!((found - expected).abs() < 1e-6 * expected.abs().max(1.0), "{found}, not {expected}");
}

fn call(id: String, n: i64, more: Value) -> Value {
    let usual = json!({
        "model": "dear", "route": "/chat", "input": format!("question {id}"), "timestamp": now_ms() - DAY_MS + n * 1000,
        "input_tokens": 100, "output_tokens": 10, "coherence_score": 0.9, "toxicity_score": 0.1, "hallucination_risk": 0.2,
        "latency_ms": 500,
    });
    with(with(llm_call(&id), usual), more)
}

fn calls(of: &str, count: i64, more: impl Fn(i64) -> Value) -> Vec<Value> {
    (0..count).map(|n| call(format!("{of}-{n}"), n, more(n))).collect()
}

#[test]
fn nothing_is_advised_where_nothing_is_stored_or_all_is_well() {
    let mut db = ready();
    assert_eq!(advice(&mut db.client), [] as [Value; 0]);
    db.ingest(&lines(&calls("a", 200, |_| json!({}))));
    let tool = |n: i64| json!({"event_type": "tool_call", "event_id": format!("t{n}"), "tool_name": "search", "latency_ms": 20, "trace_id": format!("t{n}"), "timestamp": now_ms() - DAY_MS + n * 1000});
    db.ingest(&lines(&(0..50).map(tool).collect::<Vec<_>>()));
    assert_eq!(advice(&mut db.client), [] as [Value; 0]);
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(advice(&mut db.client), [] as [Value; 0]);
}

#[test]
fn a_cheaper_model_of_the_route_is_advised_where_its_answers_score_as_well() {
    let mut db = ready();
    db.ingest(&lines(&calls("a", 60, |_| json!({}))));
    db.ingest(&lines(&calls("b", 60, |_| json!({"model": "cheap", "coherence_score": 0.89}))));
    let found = only(&mut db, "cheaper_model");
    // 60 calls of 100 tokens in and 10 out: 0.12 USD a call with one model, 0.012 with the other.
    close(&found["saving_usd"], 60.0 * (0.12 - 0.012));
    close(&found["saving_usd_month"], 60.0 * (0.12 - 0.012) * 30.0 / 7.0);
    assert_eq!(found["subject"], "/chat: dear");
    assert!(found["advice"].as_str().unwrap().contains("cheap"), "{found}");
    let evidence = &found["evidence"];
    assert_eq!(evidence["scores"]["coherence"], json!([0.9, 0.89]));
    assert_eq!((&evidence["calls"], &evidence["other_model"]), (&json!(60), &json!("cheap")));
    // Another route's scores say nothing of this one.
    db.run("UPDATE observa_internal.events SET route = '/other' WHERE model = 'cheap'; SELECT observa.run_maintenance()");
    assert_eq!(advice(&mut db.client), [] as [Value; 0]);
}

#[test]
fn a_cheaper_model_with_worse_scores_or_more_failures_is_not_advised() {
    for worse in
        [json!({"coherence_score": 0.8}), json!({"toxicity_score": 0.2}), json!({"hallucination_risk": 0.3})]
    {
        let mut db = ready();
        db.ingest(&lines(&calls("a", 60, |_| json!({}))));
        db.ingest(&lines(&calls("b", 60, |_| with(json!({"model": "cheap"}), worse.clone()))));
        assert_eq!(advice(&mut db.client), [] as [Value; 0], "{worse}");
    }
    let mut db = ready();
    db.ingest(&lines(&calls("a", 60, |_| json!({}))));
    db.ingest(&lines(&calls("b", 60, |_| json!({"model": "cheap"}))));
    db.ingest(&lines(&calls("c", 5, |_| json!({"model": "cheap", "status": "error"}))));
    assert_eq!(advice(&mut db.client), [] as [Value; 0]);
}

#[test]
fn the_same_input_again_and_again_is_told_with_what_it_cost() {
    let mut db = ready();
    let input = |n: i64| json!({"input": if n < 8 { "the same".to_owned() } else { format!("another {n}") }});
    db.ingest(&lines(&calls("a", 100, input)));
    let found = only(&mut db, "identical_calls");
    close(&found["saving_usd"], 7.0 * 0.12);
    close(&found["saving_ms"], 7.0 * 500.0);
    assert_eq!(found["evidence"]["repeated_calls"], 7);
    // Of two hours nobody knows what a month would be.
    let of = |hours: i32| {
        format!(
            "SELECT saving_usd_month IS NULL FROM observa.advice(since => now() - interval '{hours} hours', until => now() - interval '22 hours')"
        )
    };
    assert_eq!([of(25), of(47)].map(|ask| db.one::<bool>(&ask)), [true, false]);
    for infinite in ["since => '-infinity'", "until => 'infinity'"] {
        let refused = db.error(&format!("SELECT observa.advice({infinite})"));
        assert_eq!(
            (refused.code().code(), refused.message()),
            ("22023", "since and until must be times, not infinity")
        );
    }
    // A client that stores the last message alone: what was asked differs.
    let mut db = ready();
    let input = |n: i64| json!({"input": if n < 8 { "yes".to_owned() } else { format!("another {n}") }, "input_tokens": 100 + n});
    db.ingest(&lines(&calls("a", 100, input)));
    assert_eq!(advice(&mut db.client), [] as [Value; 0]);
}

#[test]
fn prompts_that_begin_alike_are_told_with_what_a_cache_would_take() {
    let mut db = ready();
    let head = "You are the assistant of a shop. ".repeat(200);
    let head = &head[..4000];
    // 8,000 characters of 2,000 tokens: what begins alike is a half.
    let alike =
        |n: i64| json!({"input": format!("{head}{}", format!("{n:04}").repeat(1000)), "input_tokens": 2000});
    db.ingest(&lines(&calls("a", 21, alike)));
    let found = only(&mut db, "prompt_cache");
    // All but the first, 1,000 tokens each, at half of the rate.
    close(&found["saving_usd"], 20.0 * 1000.0 * 0.0005);
    assert_eq!(found["evidence"]["calls_within_5_minutes"], 20);

    // Where the provider's cache takes them already, or they come too seldom, or the model has no such rate.
    for more in [json!({"cached_input_tokens": 1500}), json!({"apart": true}), json!({"model": "cheap"})] {
        let mut db = ready();
        let apart = |n: i64| match more.get("apart") {
            Some(_) => json!({"timestamp": now_ms() - DAY_MS + n * 400_000}),
            None => more.clone(),
        };
        db.ingest(&lines(&calls("a", 21, |n| with(alike(n), apart(n)))));
        assert_eq!(advice(&mut db.client), [] as [Value; 0], "{more}");
    }
}

#[test]
fn prompts_that_grew_are_told_with_what_the_growth_costs() {
    let mut db = ready();
    let before = |n: i64| json!({"timestamp": now_ms() - 10 * DAY_MS + n * 1000, "input_tokens": 400});
    db.ingest(&lines(&calls("before", 50, before)));
    db.ingest(&lines(&calls("now", 80, |_| json!({"input_tokens": 1000}))));
    let found = only(&mut db, "prompt_grew");
    close(&found["saving_usd"], 80.0 * 600.0 * 0.001);
    assert_eq!(found["evidence"]["mean_input_tokens_before"], 400);
    // What a cache takes of the growth costs half.
    let mut db = ready();
    db.ingest(&lines(&calls("before", 50, before)));
    db.ingest(&lines(&calls("now", 80, |_| json!({"input_tokens": 1000, "cached_input_tokens": 600}))));
    close(&only(&mut db, "prompt_grew")["saving_usd"], 80.0 * 600.0 * 0.0005);
    // Longer, and cheaper: there is nothing to save. And a price that is not known is no 0.
    let mut db = ready();
    db.ingest(&lines(&calls("before", 50, before)));
    db.ingest(&lines(&calls("now", 80, |_| json!({"input_tokens": 700, "cached_input_tokens": 700}))));
    close(&only(&mut db, "prompt_grew")["saving_usd"], 0.0);
    let mut db = ready();
    let unpriced = json!({"model": "house-of-our-own"});
    db.ingest(&lines(&calls("before", 50, |n| with(before(n), unpriced.clone()))));
    db.ingest(&lines(&calls("now", 80, |_| with(json!({"input_tokens": 1000}), unpriced.clone()))));
    db.run("SELECT observa.run_maintenance()");
    let grew = advice(&mut db.client).into_iter().find(|row| row["kind"] == "prompt_grew").expect("it grew");
    assert_eq!(grew["saving_usd"], Value::Null);
}

#[test]
fn calls_that_failed_and_were_made_again_are_told_with_their_time() {
    let mut db = ready();
    let attempts = (0..6).flat_map(|n| {
        let of = |id: &str, second: i64, more: Value| {
            let usual = json!({"input": format!("question {n}"), "trace_id": format!("t{n}")});
            call(format!("{id}{n}"), n * 60 + second, with(usual, more))
        };
        [of("failed", 0, json!({"status": "timeout", "latency_ms": 4000})), of("again", 5, json!({}))]
    });
    db.ingest(&lines(&attempts.collect::<Vec<_>>()));
    // Failed, and not made again.
    db.ingest(&lines(&calls("lost", 20, |n| json!({"status": "error", "trace_id": format!("lost{n}")}))));
    let found = only(&mut db, "retries");
    close(&found["saving_ms"], 6.0 * 4000.0);
    assert_eq!(found["evidence"]["repeated_failures"], 6);
    assert_eq!(found["evidence"]["sampled_failures"], 26);
}

#[test]
fn loops_are_told_with_what_their_traces_cost_over_those_without() {
    let mut db = ready();
    let root = |trace: &str, n: i64| json!({"event_type": "trace_start", "event_id": format!("root-{trace}"), "trace_id": trace, "name": "agent", "timestamp": now_ms() - DAY_MS + n * 1000});
    for n in 0..12 {
        let trace = format!("fine{n}");
        db.ingest(&lines(&[root(&trace, n), call(format!("fine-{n}"), n, json!({"trace_id": trace}))]));
    }
    let mut looped = vec![root("looped", 0)];
    looped.extend(calls("looped", 3, |n| json!({"trace_id": "looped", "input": format!("step {n}")})));
    looped.extend((0..6).map(|n| {
        json!({"event_type": "tool_call", "event_id": format!("tool{n}"), "tool_name": "search", "input": "the same", "trace_id": "looped",
               "latency_ms": 10, "timestamp": now_ms() - DAY_MS + n * 1000})
    }));
    db.ingest(&lines(&looped));
    assert_eq!(db.count("observa.signals WHERE name = 'agent_loop'"), 1);
    let found = only(&mut db, "loops");
    // Three calls of 0.12 USD, where other traces have one.
    close(&found["saving_usd"], 0.36 - 0.12);
    assert_eq!(found["evidence"]["traces_without"], 12);
    // A second one costs nothing: what it costs less counts, too.
    let mut cheap = vec![root("cheap", 0)];
    cheap.extend((0..6).map(|n| {
        json!({"event_type": "tool_call", "event_id": format!("cheap{n}"), "tool_name": "search", "input": "the same", "trace_id": "cheap",
               "latency_ms": 10, "timestamp": now_ms() - DAY_MS + n * 1000})
    }));
    cheap.push(call(
        "cheap-call".into(),
        1,
        json!({"trace_id": "cheap", "input_tokens": 0, "output_tokens": 0, "cost_usd": 0}),
    ));
    db.ingest(&lines(&cheap));
    assert_eq!(db.count("observa.traces WHERE trace_id = 'cheap' AND cost_usd = 0"), 1);
    close(&only(&mut db, "loops")["saving_usd"], 0.36 - 0.12 - 0.12);
}

#[test]
fn a_slow_tool_is_told_with_its_share_of_the_traces_time() {
    let mut db = ready();
    let tool = |n: i64| {
        let latency = if n < 5 { 9000 } else { 1000 };
        json!({"event_type": "tool_call", "event_id": format!("t{n}"), "tool_name": "search", "latency_ms": latency, "input": format!("q{n}"),
               "trace_id": format!("t{n}"), "timestamp": now_ms() - DAY_MS + n * 60_000})
    };
    db.ingest(&lines(&(0..25).map(tool).collect::<Vec<_>>()));
    let found = only(&mut db, "slow_tool");
    // Five calls took 8 s more than the median; sums of histograms are within 0.4 %.
    let saved = found["saving_ms"].as_f64().unwrap();
    assert!((saved - 5.0 * 8000.0).abs() < 0.01 * 40_000.0, "{saved}");
    assert_eq!(found["evidence"]["calls"], 25);
}

#[test]
fn models_without_a_price_and_answers_that_were_cut_off_are_told() {
    let mut db = ready();
    db.ingest(&lines(&calls("a", 30, |_| json!({"model": "house-of-our-own"}))));
    let found = only(&mut db, "no_price");
    assert_eq!(found["saving_usd"], Value::Null);
    assert_eq!((&found["evidence"]["calls"], &found["evidence"]["input_tokens"]), (&json!(30), &json!(3000)));

    let mut db = ready();
    db.ingest(&lines(&calls("a", 40, |n| json!({"finish_reason": if n < 12 { "length" } else { "stop" }}))));
    let found = only(&mut db, "cut_off");
    // Whether they were of no use is stored nowhere, and more room costs more.
    assert_eq!((&found["saving_usd"], &found["saving_usd_month"]), (&Value::Null, &Value::Null));
    close(&found["evidence"]["their_cost_usd"], 12.0 * 0.12);
    assert_eq!((&found["evidence"]["cut_off"], &found["evidence"]["calls"]), (&json!(12), &json!(40)));
}

#[test]
fn advice_is_of_the_callers_tenant_and_the_named_project_alone() {
    let mut db = ready();
    let [ours, theirs] = ["ours", "theirs"].map(|name| db.tenant(name));
    let theirs_alone = calls("a", 30, |_| json!({"model": "house-of-theirs", "tenant_id": "theirs"}));
    db.ingest(&lines(&theirs_alone));
    let mut clients = [("one", ours), ("two", theirs)].map(|(login, tenant)| {
        let client = db.connect_as(login, "observa_read");
        db.run(&format!("SELECT observa.grant_tenant('{login}_{}', '{tenant}')", db.name));
        client
    });
    assert_eq!(advice(&mut clients[0]), [] as [Value; 0]);
    assert_eq!(advice(&mut clients[1]).len(), 1);
    let project: String =
        db.one(&format!("SELECT id::text FROM observa.projects WHERE tenant_id = '{theirs}'"));
    let of_project = format!("SELECT count(*) FROM observa.advice('{project}')");
    assert_eq!(one::<i64>(&mut clients[1], &of_project), 1);
    assert_eq!(
        error(&mut clients[0], &of_project).code().code(),
        "22023",
        "there is no such project for them"
    );
    let other: String = db.one(&format!("SELECT observa.create_project('{theirs}', 'other')::text"));
    assert_eq!(one::<i64>(&mut clients[1], &format!("SELECT count(*) FROM observa.advice('{other}')")), 0);
    let backwards = "SELECT * FROM observa.advice(NULL, now(), now() - interval '1 day')";
    assert_eq!(error(&mut clients[1], backwards).code().code(), "22023");
    let mut nobody = db.connect_as("nobody", "observa_read");
    assert_eq!(error(&mut nobody, "SELECT * FROM observa.advice()").code().code(), "42501");
}

#[test]
fn each_kind_of_advice_is_in_the_book_and_in_the_functions_comment() {
    let mut db = Database::ready();
    let comment: String = db.one(
        "SELECT obj_description('observa.advice(uuid, timestamptz, timestamptz)'::regprocedure, 'pg_proc')",
    );
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let book = std::fs::read_to_string(root.join("docs/advice.md")).unwrap();
    let mut kinds = 0;
    for file in std::fs::read_dir(root.join("sql/advice")).unwrap() {
        let statement = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let Some(kind) = statement.split("SELECT '").nth(1).and_then(|rest| rest.split("' AS kind").next())
        else {
            continue;
        };
        assert!(book.contains(&format!("| `{kind}` |")) && comment.contains(kind), "{kind}");
        kinds += 1;
    }
    assert_eq!(kinds, 10);
}
