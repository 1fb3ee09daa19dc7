//! Retrieved passages that leave no words in answers: from which place on, and what they cost.

use observa_tests::Database;
use observa_tests::database::one;
use observa_tests::event::{DAY_MS, lines, now_ms, with};
use serde_json::{Value, json};

use super::{advice, call, close, only, ready};

/// Words of each place, all of their own.
const WORDS: [[&str; 4]; 6] = [
    ["mountain", "shelters", "withstand", "hurricanes"],
    ["kerosene", "burners", "illuminate", "kitchens"],
    ["velvet", "curtains", "decorate", "theatres"],
    ["orchards", "produce", "excellent", "cherries"],
    ["violins", "require", "seasoned", "timber"],
    ["harbours", "welcome", "sailing", "vessels"],
];
pub(super) const QUESTION: &str = "what do you know?";
const OTHERWISE: &str = "because several customers recommended another bargain";

/// A hundred characters each.
pub(super) fn passages(count: usize) -> Vec<String> {
    WORDS.iter().take(count).map(|words| format!("{:.<100}", words.join(" "))).collect()
}

pub(super) fn answer(place: usize) -> String {
    format!("{} {OTHERWISE}", WORDS[place].join(" and "))
}

/// A search that gave so many passages, and a call that has them in a prompt of 1,000 characters and tokens.
fn trace(n: i64, count: usize, more: Value) -> [Value; 2] {
    let found: Vec<Value> = passages(count).into_iter().map(|text| json!({"content": text})).collect();
    let ts = now_ms() - DAY_MS + n * 1000;
    let prompt = format!(
        "{}{:*>rest$}",
        passages(count).concat(),
        format!("{n} {QUESTION}"),
        rest = 1000 - 100 * count
    );
    let search = json!({"event_type": "retrieval", "event_id": format!("search{n}"), "name": "handbook", "trace_id": format!("trace{n}"),
        "input": QUESTION, "output": found, "latency_ms": 20, "timestamp": ts});
    let asked = json!({"trace_id": format!("trace{n}"), "input": prompt, "output": answer(0), "input_tokens": 1000, "timestamp": ts + 100});
    let same = with(search, more.get("tenant_id").map_or(json!({}), |tenant| json!({"tenant_id": tenant})));
    [same, call(format!("call{n}"), n, with(asked, more))]
}

fn plant(db: &mut Database, traces: i64, count: usize, more: impl Fn(i64) -> Value) {
    let events: Vec<Value> = (0..traces).flat_map(|n| trace(n, count, more(n))).collect();
    db.ingest(&lines(&events));
}

#[track_caller]
fn nothing(db: &mut Database) {
    assert_eq!(advice(&mut db.client), [] as [Value; 0]);
}

#[test]
fn passages_that_leave_no_words_in_answers_are_told_with_what_their_tokens_cost() {
    let mut db = ready();
    plant(&mut db, 30, 6, |_| json!({}));
    let found = only(&mut db, "unused_context");
    // 500 of 1,000 tokens at 0.001 USD, in 30 calls.
    close(&found["saving_usd"], 15.0);
    assert_eq!((&found["subject"], &found["saving_ms"]), (&json!("/chat"), &Value::Null));
    assert_eq!(found["confidence"], "low");
    let evidence = &found["evidence"];
    for (name, expected) in [
        ("calls", json!(30)),
        ("passages_per_call", json!(6.0)),
        ("from_place", json!(2)),
        ("used_share_before", json!(1.0)),
        ("passages_from_there", json!(150)),
        ("used_share_from_there", json!(0.0)),
        ("input_tokens", json!(30_000)),
        ("tokens_from_there", json!(15_000)),
        ("sampled_calls", json!(30)),
    ] {
        assert_eq!(evidence[name].as_f64(), expected.as_f64(), "{name}: {evidence}");
    }
    // Of which a cache had 200 for a half; without a route it is the retriever's; without a price nobody knows.
    let mut db = ready();
    plant(&mut db, 30, 6, |_| json!({"cached_input_tokens": 200, "route": null}));
    let found = only(&mut db, "unused_context");
    close(&found["saving_usd"], 30.0 * (200.0 * 0.0005 + 300.0 * 0.001));
    assert_eq!(found["subject"], "handbook");
    let mut db = ready();
    plant(&mut db, 30, 6, |_| json!({"model": "house-of-our-own"}));
    let found =
        advice(&mut db.client).into_iter().find(|row| row["kind"] == "unused_context").expect("it is found");
    assert_eq!(found["saving_usd"], Value::Null);
}

#[test]
fn passages_that_answers_have_words_of_are_used_from_their_place_on() {
    // One in ten of the fifth: after it come too few.
    let mut db = ready();
    plant(&mut db, 30, 6, |n| if n % 10 == 0 { json!({"output": answer(4)}) } else { json!({}) });
    nothing(&mut db);
    // One in ten of the second: what comes after it is unused.
    let mut db = ready();
    plant(&mut db, 30, 6, |n| if n % 10 == 0 { json!({"output": answer(1)}) } else { json!({}) });
    let found = only(&mut db, "unused_context");
    close(&found["saving_usd"], 30.0 * 0.4);
    assert_eq!(found["evidence"]["from_place"], 3);
    assert_eq!(found["evidence"]["used_share_before"], json!(0.5));
    // One in thirty is under 5 %.
    let mut db = ready();
    plant(&mut db, 30, 6, |n| if n == 0 { json!({"output": answer(4)}) } else { json!({}) });
    assert_eq!(only(&mut db, "unused_context")["evidence"]["from_place"], 2);
    // Each trace has a second call. Two of them have words of the second passage: it is of use in both calls of its trace.
    let mut db = ready();
    plant(&mut db, 30, 6, |_| json!({}));
    let second = |n: i64| {
        let output = if n % 15 == 0 { [0, 1].map(answer).join(" ") } else { answer(0) };
        let [_, asked] = trace(n, 6, json!({"output": output}));
        let asked_again = format!("{}, again", asked["input"].as_str().unwrap());
        let ts = now_ms() - DAY_MS + n * 1000 + 500;
        with(asked, json!({"event_id": format!("second{n}"), "timestamp": ts, "input": asked_again}))
    };
    db.ingest(&lines(&(0..30).map(second).collect::<Vec<_>>()));
    assert_eq!(only(&mut db, "unused_context")["evidence"]["from_place"], 3);
}

#[test]
fn nothing_is_said_of_passages_where_stored_data_do_not_show_it() {
    type More = fn(i64) -> Value;
    let elsewhere: More = |n| json!({"input": format!("{n} {QUESTION}")});
    let mostly: More = |n| if n % 10 == 0 { json!({}) } else { json!({"output": OTHERWISE}) };
    let planted: [(&str, i64, usize, More); 9] = [
        ("19 calls", 19, 6, |_| json!({})),
        ("90 passages", 30, 4, |_| json!({})),
        ("a translation", 30, 6, |_| json!({"output": OTHERWISE})),
        ("answers that mostly put the first in other words, too", 30, 6, mostly),
        ("two hours later", 30, 6, |n| json!({"timestamp": now_ms() - DAY_MS + n * 1000 + 7_200_000})),
        ("before the search", 30, 6, |n| json!({"timestamp": now_ms() - DAY_MS + n * 1000 - 1000})),
        ("numbers", 30, 6, |_| json!({"output": "mountain shelters"})),
        ("not in the prompt", 30, 6, elsewhere),
        ("no answer", 30, 6, |_| json!({"output": null})),
    ];
    for (why, traces, count, more) in planted {
        let mut db = ready();
        plant(&mut db, traces, count, more);
        assert_eq!(advice(&mut db.client), [] as [Value; 0], "{why}");
    }
    // Prompts that are kept no more; other windows.
    let mut db = ready();
    plant(&mut db, 30, 6, |_| json!({}));
    let of = |window: &str| format!("SELECT count(*) FROM observa.advice({window})");
    let before = of("since => now() - interval '9 days', until => now() - interval '2 days'");
    assert_eq!([of(""), before].map(|ask| db.one::<i64>(&ask)), [1, 0]);
    db.run("DELETE FROM observa_internal.event_payloads");
    nothing(&mut db);
}

#[test]
fn unused_passages_are_of_the_callers_tenant_and_the_named_project_alone() {
    let mut db = ready();
    let [ours, theirs] = ["ours", "theirs"].map(|name| db.tenant(name));
    plant(&mut db, 30, 6, |_| json!({"tenant_id": "theirs", "model": "gpt-4o-mini"}));
    let [mut one_of_ours, mut one_of_theirs] = [("one", ours), ("two", theirs)].map(|(login, tenant)| {
        let client = db.connect_as(login, "observa_read");
        db.run(&format!("SELECT observa.grant_tenant('{login}_{}', '{tenant}')", db.name));
        client
    });
    assert_eq!(advice(&mut one_of_ours), [] as [Value; 0]);
    let found = advice(&mut one_of_theirs);
    assert_eq!(found.len(), 1, "{found:#?}");
    // At 0.15 USD for a million tokens.
    close(&found[0]["saving_usd"], 0.002_25);
    let project: String =
        db.one(&format!("SELECT id::text FROM observa.projects WHERE tenant_id = '{theirs}'"));
    let other: String = db.one(&format!("SELECT observa.create_project('{theirs}', 'other')::text"));
    let counts = [project, other].map(|project| {
        one::<i64>(&mut one_of_theirs, &format!("SELECT count(*) FROM observa.advice('{project}')"))
    });
    assert_eq!(counts, [1, 0]);
}
