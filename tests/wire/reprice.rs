//! Stored costs change only when somebody says so, and then only those whose price has.

use observa_tests::Database;
use observa_tests::database::one;
use observa_tests::event::{DAY_MS, HOUR_MS, lines, llm_call, now_ms, with};
use serde_json::{Value, json};

use crate::prices::{HOUSE, administrator, litellm, load};

/// Calls of every token class, in every way that a client may say them.
fn every_kind_of_usage() -> Vec<Value> {
    let usages = [
        json!({"input_tokens": 1000, "output_tokens": 500}),
        json!({"input_tokens": 1000, "output_tokens": 500, "total_tokens": 1500, "cached_input_tokens": 400, "reasoning_tokens": 100}),
        json!({"input_tokens": 1000, "output_tokens": 0, "cache_write_tokens": 300}),
        json!({"input_tokens": 1000, "output_tokens": 5, "cache_write_tokens": 300, "cache_write_1h_tokens": 200}),
        json!({"input_tokens": 1000, "output_tokens": 5, "cache_write_1h_tokens": 200}),
        json!({"input_tokens": 1000, "output_tokens": 50, "input_audio_tokens": 300, "output_audio_tokens": 20}),
        json!({"input_tokens": 1000, "output_tokens": 50, "input_image_tokens": 300}),
        json!({"input_tokens": 1000, "output_tokens": 50, "service_tier": "batch"}),
        json!({"input_tokens": 1000, "output_tokens": 50, "service_tier": "default"}),
        json!({"input_tokens": 100, "cached_input_tokens": 4000, "output_tokens": 50}),
        json!({"output_tokens": 50}),
        json!({"total_tokens": 50}),
        json!({"cached_input_tokens": 50}),
        json!({"input_tokens": 150_000, "output_tokens": 50, "cached_input_tokens": 140_000}),
        json!({"usage": {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500,
            "prompt_tokens_details": {"cached_tokens": 400, "audio_tokens": 100},
            "completion_tokens_details": {"reasoning_tokens": 100, "audio_tokens": 10}}, "service_tier": "priority"}),
        json!({"input_tokens": 1000, "output_tokens": 500, "usage": {"prompt_tokens": 1000, "completion_tokens": 500,
            "prompt_tokens_details": {"cached_tokens": 400}}}),
        json!({"input_tokens": 2000, "output_tokens": 500, "usage": {"prompt_tokens": 1000, "completion_tokens": 500}}),
        json!({"usage": {"input_tokens": 100, "cache_read_input_tokens": 2000, "cache_creation_input_tokens": 500,
            "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 300}, "output_tokens": 50,
            "service_tier": "batch"}}),
        json!({"usage": {"promptTokenCount": 1000, "candidatesTokenCount": 50, "thoughtsTokenCount": 70, "totalTokenCount": 1120,
            "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 300}]}}),
        json!({"usage": {"prompt_tokens": 500_000_000_000_i64}}),
        json!({"usage": {}}),
        json!({"usage": "none"}),
        json!({"observa_usage": {"input_uncached": 7}, "input_tokens": 1000}),
    ];
    let mut events = Vec::new();
    for (index, usage) in usages.into_iter().enumerate() {
        for (model, provider) in [
            ("classes", "openai"),
            ("tiers", "openai"),
            ("steps", "openai"),
            ("night", "deepseek"),
            ("no-such-model", "openai"),
        ] {
            let at = now_ms() - DAY_MS - (index as i64) * HOUR_MS;
            let members = json!({"model": model, "provider": provider, "timestamp": at, "cost": 0.25});
            let id = format!("{model} {index}");
            // In the SDKs' nested form, too.
            let nested = json!({"event_type": "llm_call", "event_id": format!("nested {id}"), "timestamp": at,
                "attributes": {"llm_call": with(with(json!({"latency_ms": 1}), members.clone()), usage.clone())}});
            events.push(with(with(llm_call(&id), members), usage.clone()));
            events.push(nested);
        }
    }
    events
}

#[test]
fn repricing_with_the_same_prices_changes_nothing() {
    let mut db = Database::ready();
    load(&mut db.client, HOUSE, "house");
    let events = every_kind_of_usage();
    let answer = db.ingest(&lines(&events));
    assert_eq!(answer["accepted"], json!(events.len()), "{answer}");
    let priced = db.count("observa.events WHERE cost_usd > 0");
    assert!(priced > 140, "{priced}");
    assert_eq!(db.one::<i64>("SELECT observa.reprice('-infinity', 'infinity')"), 0);
}

#[test]
fn repricing_changes_what_a_new_price_changes_within_its_time() {
    let mut db = Database::ready();
    load(&mut db.client, HOUSE, "house");
    let call = |id: &str, days: i64, usage: Value| {
        with(with(llm_call(id), json!({"model": "classes", "timestamp": now_ms() - days * DAY_MS})), usage)
    };
    let text = || json!({"input_tokens": 1000, "output_tokens": 500});
    db.ingest(&lines(&[
        call("early", 9, text()),
        call("late", 2, text()),
        call("hour", 2, json!({"input_tokens": 1000, "output_tokens": 0, "cache_write_1h_tokens": 300, "input_audio_tokens": 50})),
        call("failed", 2, json!({"input_tokens": 1000, "output_tokens": 500, "status": "error"})),
        with(call("other", 2, text()), json!({"model": "base"})),
        with(call("known later", 2, json!({"input_tokens": 3, "cost": 0.5})), json!({"model": "no-such-model"})),
    ]));
    db.run(
        r#"INSERT INTO observa.model_prices (model, rates, valid_from) VALUES
           ('classes', '{"input": 0.001, "output": 0.002, "cache_write_1h": 0.01, "input_audio": 0.1}', now() - interval '5 days'),
           ('no-such-model', '{"input": 1}', '-infinity')"#,
    );
    let costs = |db: &mut Database| {
        db.table("SELECT event_id AS id, trim_scale(cost_usd)::text AS usd, cost_source AS source FROM observa.events ORDER BY 1")
    };
    let row = |id: &str, usd: Option<&str>, source: &str| json!({"id": id, "usd": usd, "source": source});
    let before = costs(&mut db);
    assert_eq!(
        db.one::<i64>("SELECT observa.reprice(now() - interval '3 days', now() - interval '2.5 days')"),
        0
    );
    assert_eq!(costs(&mut db), before, "a new price changes no stored cost by itself");
    let backwards = db.error("SELECT observa.reprice(now(), now() - interval '1 day')");
    assert_eq!(backwards.code().code(), "22023", "{backwards:?}");
    assert_eq!(db.one::<i64>("SELECT observa.reprice(now() - interval '30 days', now())"), 3);
    // 650 x 0.001 + 300 x 0.01 + 50 x 0.1
    let after = [
        row("early", Some("0.002"), "computed"),
        row("failed", None, "none"),
        row("hour", Some("8.65"), "computed"),
        row("known later", Some("3"), "computed"),
        row("late", Some("2"), "computed"),
        row("other", None, "none"),
    ];
    let after: Vec<Value> =
        after.into_iter().map(|row| if row["id"] == "other" { before[5].clone() } else { row }).collect();
    assert_eq!(costs(&mut db), after);
    // What was loaded is taken away: the cost with it, and the source says what is left.
    db.run("DELETE FROM observa.model_prices WHERE tenant_id IS NOT NULL");
    assert_eq!(db.one::<i32>("SELECT observa.unload_prices('house')"), 12);
    assert_eq!(db.one::<i64>("SELECT observa.reprice('-infinity', 'infinity')"), 5);
    let gone = costs(&mut db);
    assert!(gone.iter().all(|row| row["usd"].is_null()), "{gone:?}");
    assert_eq!(gone[3]["source"], "reported");
}

#[test]
fn repricing_is_for_the_acting_tenant_and_a_superusers_for_all() {
    let mut db = Database::ready();
    let (acme, other) = (db.tenant("acme"), db.tenant("other"));
    let call = |id: &str, tenant: uuid::Uuid| {
        with(
            llm_call(id),
            json!({"model": "house-x", "input_tokens": 1, "output_tokens": 0, "tenant_id": tenant.to_string()}),
        )
    };
    db.ingest(&lines(&[call("a", acme), call("b", other)]));
    load(&mut db.client, &litellm("house-x", "1e-6"), "litellm");
    let mut admin = administrator(&mut db, acme);
    assert_eq!(one::<i64>(&mut admin, "SELECT observa.reprice('-infinity', 'infinity')"), 1);
    let priced =
        "SELECT string_agg(event_id, ' ' ORDER BY event_id) FROM observa.events WHERE cost_usd = 0.000001";
    assert_eq!(db.one::<String>(priced), "a");
    assert_eq!(db.one::<i64>("SELECT observa.reprice('-infinity', 'infinity')"), 1);
    assert_eq!(db.one::<String>(priced), "a b");
}

#[test]
fn more_events_than_a_batch_are_repriced() {
    let mut db = Database::ready();
    let at = now_ms() - HOUR_MS;
    // Many at one time: the order within a time counts.
    let events: Vec<Value> = (0..10_050)
        .map(|index| {
            with(llm_call(&format!("e{index}")), json!({"model": "house-x", "timestamp": at + index / 5_000, "input_tokens": 1, "output_tokens": 0}))
        })
        .collect();
    db.ingest(&lines(&events));
    load(&mut db.client, &litellm("house-x", "1e-6"), "litellm");
    assert_eq!(db.one::<i64>("SELECT observa.reprice('-infinity', 'infinity')"), 10_050);
    assert_eq!(db.count("observa.events WHERE cost_usd = 0.000001"), 10_050);
}
