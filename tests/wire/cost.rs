//! Costs are exact, dated, and never guessed. The expected amounts are worked out by hand from the vendors' published prices.

use observa_tests::Database;
use observa_tests::database::{one, one_with, parallel};
use observa_tests::event::{DAY_MS, HOUR_MS, lines, llm_call, now_ms, with};
use serde_json::{Value, json};

/// Model, provider, usage, USD. Prices are per million tokens.
fn cases() -> Vec<(&'static str, Option<&'static str>, Value, Option<&'static str>)> {
    vec![
        // gpt-4o: 2.50 in, 1.25 cached, 10 out.
        ("gpt-4o", None, json!({"input_tokens": 1000, "output_tokens": 500}), Some("0.0075")),
        (
            "gpt-4o",
            None,
            json!({"input_tokens": 1000, "cached_input_tokens": 400, "output_tokens": 500}),
            Some("0.007"),
        ),
        (
            "gpt-4o",
            None,
            json!({"input_tokens": 1000, "output_tokens": 500, "service_tier": "batch"}),
            Some("0.00375"),
        ),
        ("openai/gpt-4o-2024-11-20", None, json!({"input_tokens": 1, "output_tokens": 0}), Some("0.0000025")),
        // The provider's own words.
        (
            "gpt-4o",
            Some("openai"),
            json!({"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500,
                                          "prompt_tokens_details": {"cached_tokens": 400}}),
            Some("0.007"),
        ),
        // gpt-4o-mini: 0.15 and 0.60. Not gpt-4o.
        ("gpt-4o-mini", None, json!({"input_tokens": 1, "output_tokens": 1}), Some("0.00000075")),
        // o3-mini: 1.10 and 4.40; reasoning is part of the output.
        (
            "o3-mini",
            Some("openai"),
            json!({"input_tokens": 100, "output_tokens": 1000, "reasoning_tokens": 800}),
            Some("0.00451"),
        ),
        // claude-sonnet-4-5: 3, 15, read 0.30, write 3.75, for an hour 6; Anthropic's own object has the cache outside of input.
        (
            "claude-sonnet-4-5",
            Some("anthropic"),
            json!({"input_tokens": 100, "cache_read_input_tokens": 2000,
            "cache_creation_input_tokens": 300, "output_tokens": 50}),
            Some("0.002775"),
        ),
        (
            "claude-sonnet-4-5",
            Some("anthropic"),
            json!({"input_tokens": 1000, "cache_write_1h_tokens": 400, "output_tokens": 0}),
            Some("0.0042"),
        ),
        // Above 200,000 tokens of input the whole request is dearer: 6 and 22.50.
        (
            "claude-sonnet-4-5",
            Some("anthropic"),
            json!({"input_tokens": 200_000, "output_tokens": 1000}),
            Some("0.615"),
        ),
        (
            "claude-sonnet-4-5",
            Some("anthropic"),
            json!({"input_tokens": 200_001, "output_tokens": 1000}),
            Some("1.222506"),
        ),
        // gemini-2.5-pro: 1.25 and 10, above 200,000 it is 2.50 and 15.
        (
            "gemini-2.5-pro",
            Some("google"),
            json!({"input_tokens": 200_000, "output_tokens": 1000}),
            Some("0.26"),
        ),
        (
            "gemini-2.5-pro",
            Some("google"),
            json!({"input_tokens": 200_001, "output_tokens": 1000}),
            Some("0.5150025"),
        ),
        // text-embedding-3-small: 0.02.
        ("text-embedding-3-small", None, json!({"input_tokens": 1000}), Some("0.00002")),
        ("gpt-4o", None, json!({"input_tokens": 0, "output_tokens": 0}), Some("0")),
        // Not known is NULL, never 0.
        ("no-such-model", None, json!({"input_tokens": 1000, "output_tokens": 500}), None),
        ("gpt-4o-mini-of-mine", None, json!({"input_tokens": 1000}), None),
        ("gpt-4o", None, json!({}), None),
    ]
}

#[test]
fn a_dozen_hand_computed_costs_are_exact() {
    let mut db = Database::ready();
    for (model, provider, usage, expected) in cases() {
        let cost: Option<String> = one_with(
            &mut db.client,
            "SELECT trim_scale(observa.cost($1, $2, $3, '2026-01-15 12:00Z'))::text",
            &[&model, &usage, &provider],
        );
        assert_eq!(cost.as_deref(), expected, "{model} {usage}");
    }
}

#[test]
fn the_breakdown_adds_up_to_the_cost() {
    let mut db = Database::ready();
    for (model, provider, usage, expected) in cases() {
        let total: Option<String> = one_with(
            &mut db.client,
            "SELECT trim_scale((observa.cost_breakdown($1, $2, $3, '2026-01-15 12:00Z') ->> 'total')::numeric)::text",
            &[&model, &usage, &provider],
        );
        assert_eq!(total.as_deref(), expected, "{model} {usage}");
    }
}

#[test]
fn a_usage_that_is_none_is_an_error() {
    let mut db = Database::ready();
    for usage in [r#"{"input_tokens": -1}"#, r#"{"input_tokens": "many"}"#, r#"{"input_tokens": 1.5}"#] {
        let refused = db.error(&format!("SELECT observa.cost('gpt-4o', '{usage}')"));
        assert_eq!(refused.code().code(), "22023", "{usage}: {refused:?}");
    }
}

/// Cost and its source of stored events, by id.
#[track_caller]
fn stored(db: &mut Database, id: &str) -> (Option<String>, String) {
    let sql = "SELECT trim_scale(cost_usd)::text, cost_source FROM observa.events WHERE event_id = $1";
    let rows = db.rows(sql, &[&id]);
    assert_eq!(rows.len(), 1, "{id}");
    (rows[0].get(0), rows[0].get(1))
}

#[test]
fn stored_events_carry_their_cost_and_where_it_is_from() {
    let mut db = Database::ready();
    let call = |id: &str, more: Value| with(llm_call(id), more);
    db.ingest(&lines(&[
        call("computed", json!({"model": "gpt-4o", "input_tokens": 1000, "output_tokens": 500, "cached_input_tokens": 400, "cost": 0.9})),
        call("object", json!({"model": "gpt-4o", "usage": {"prompt_tokens": 1000, "completion_tokens": 500}})),
        call("reported", json!({"model": "house-model", "input_tokens": 5, "cost": 0.1})),
        call("unknown", json!({"model": "house-model", "input_tokens": 5})),
        call("no usage", json!({"model": "gpt-4o"})),
        call("failed", json!({"model": "gpt-4o", "input_tokens": 1000, "output_tokens": 1, "status": "error"})),
        call("wrapper", json!({"model": "gpt-4o", "input_tokens": 1000, "output_tokens": 1, "observation_type": "agent"})),
        call("answered", json!({"model": "my-alias", "response_model": "gpt-4o-mini", "input_tokens": 1, "output_tokens": 1})),
    ]));
    let expected = [
        ("computed", Some("0.007"), "computed"),
        ("object", Some("0.0075"), "computed"),
        ("reported", None, "reported"),
        ("unknown", None, "none"),
        ("no usage", None, "none"),
        ("failed", None, "none"),
        ("wrapper", None, "none"),
        ("answered", Some("0.00000075"), "computed"),
    ];
    for (id, cost, source) in expected {
        assert_eq!(stored(&mut db, id), (cost.map(str::to_owned), source.to_owned()), "{id}");
    }
    let reported: String =
        db.one("SELECT reported_cost_usd::text FROM observa.events WHERE event_id = 'computed'");
    assert_eq!(reported, "0.9");
    let object = db.row("SELECT input_tokens, output_tokens FROM observa.events WHERE event_id = 'object'");
    assert_eq!(object, json!({"input_tokens": 1000, "output_tokens": 500}));
    assert_eq!(db.count("observa.events WHERE billable"), 6);
}

#[test]
fn a_tenants_price_wins_and_a_projects_wins_over_it() {
    let mut db = Database::ready();
    let other = db.tenant("other");
    let default =
        db.one::<uuid::Uuid>("SELECT tenant_id FROM observa_internal.tenants WHERE name = 'default'");
    let project: uuid::Uuid =
        one_with(&mut db.client, "SELECT observa.create_project($1, 'special')", &[&default]);
    db.run(r#"INSERT INTO observa.model_prices (model, rates) VALUES ('gpt-4o', '{"input": 0.000001, "output": 0.000002}')"#);
    db.run(&format!(r#"INSERT INTO observa.model_prices (model, project_id, rates) VALUES ('gpt-4o', '{project}', '{{"input": 0.000003, "output": 0}}')"#));
    let call = |id: &str, more: Value| {
        with(with(llm_call(id), json!({"model": "gpt-4o", "input_tokens": 1000, "output_tokens": 500})), more)
    };
    db.ingest(&lines(&[
        call("tenant", json!({})),
        call("project", json!({"project_id": "special"})),
        call("other", json!({"tenant_id": other.to_string()})),
    ]));
    assert_eq!(stored(&mut db, "tenant").0.as_deref(), Some("0.002"));
    assert_eq!(stored(&mut db, "project").0.as_deref(), Some("0.003"));
    assert_eq!(stored(&mut db, "other").0.as_deref(), Some("0.0075"));
    // The function prices for who asks: the superuser's is the default tenant.
    let cost: String = db.one(
        r#"SELECT trim_scale(observa.cost('gpt-4o', '{"input_tokens": 1000, "output_tokens": 500}'))::text"#,
    );
    assert_eq!(cost, "0.002");
    db.run("DELETE FROM observa.model_prices WHERE tenant_id IS NOT NULL AND project_id IS NULL");
    db.ingest(&call("after", json!({})).to_string());
    assert_eq!(stored(&mut db, "after").0.as_deref(), Some("0.0075"), "the built-in price holds again");
    assert_eq!(stored(&mut db, "tenant").0.as_deref(), Some("0.002"), "what is stored stays");
}

#[test]
fn a_deployments_name_maps_to_a_model() {
    let mut db = Database::ready();
    db.run("INSERT INTO observa.model_prices (model, maps_to) VALUES ('our-deployment', 'gpt-4o')");
    db.ingest(
        &with(llm_call("e"), json!({"model": "our-deployment", "input_tokens": 1000, "output_tokens": 500}))
            .to_string(),
    );
    assert_eq!(stored(&mut db, "e"), (Some("0.0075".into()), "computed".into()));
}

#[test]
fn an_event_is_priced_at_its_own_time() {
    let mut db = Database::ready();
    // Dearer since five days ago.
    db.run(
        r#"INSERT INTO observa.model_prices (model, rates, valid_to) VALUES ('dated', '{"input": 0.001}', now() - interval '5 days');
           INSERT INTO observa.model_prices (model, rates, valid_from) VALUES ('dated', '{"input": 0.002}', now() - interval '5 days')"#,
    );
    let at =
        |id: &str, ts: i64| with(llm_call(id), json!({"model": "dated", "input_tokens": 1, "timestamp": ts}));
    db.ingest(&lines(&[
        at("old", now_ms() - 5 * DAY_MS - HOUR_MS),
        at("new", now_ms() - 5 * DAY_MS + HOUR_MS),
    ]));
    assert_eq!(stored(&mut db, "old").0.as_deref(), Some("0.001"));
    assert_eq!(stored(&mut db, "new").0.as_deref(), Some("0.002"));
}

#[test]
fn another_sessions_new_price_counts_at_once() {
    let mut db = Database::ready();
    let mut other = db.connect();
    let call = |id: &str| {
        with(llm_call(id), json!({"model": "gpt-4o", "input_tokens": 1000, "output_tokens": 500})).to_string()
    };
    db.ingest(&call("before"));
    other.batch_execute(r#"INSERT INTO observa.model_prices (model, rates) VALUES ('gpt-4o', '{"input": 0.000001, "output": 0}')"#).unwrap();
    db.ingest(&call("after"));
    assert_eq!(stored(&mut db, "before").0.as_deref(), Some("0.0075"));
    assert_eq!(stored(&mut db, "after").0.as_deref(), Some("0.001"));
}

#[test]
fn rates_that_are_none_are_refused() {
    let mut db = Database::ready();
    let neither = db.error("INSERT INTO observa.model_prices (model) VALUES ('m')");
    assert_eq!(neither.code().code(), "22023", "{neither:?}");
    for rates in [r#"{"input": -1}"#, r#"{"input": "cheap"}"#, r#"{"laughter": 1}"#, "[1]"] {
        let refused =
            db.error(&format!("INSERT INTO observa.model_prices (model, rates) VALUES ('m', '{rates}')"));
        assert_eq!(refused.code().code(), "22023", "{rates}: {refused:?}");
    }
    let refused = db.error("DELETE FROM observa.model_prices WHERE model = 'gpt-4o'");
    assert!(refused.message().contains("built-in"), "{refused:?}");
}

#[test]
fn the_price_book_is_a_view() {
    let mut db = Database::ready();
    let mut client = db.connect_as("reader", "observa_read");
    let prices: i64 = one(
        &mut client,
        "SELECT count(*) FROM observa.model_prices WHERE model LIKE '%gpt-4o%' AND rates <> '{}'",
    );
    assert!(prices > 0);
}

#[test]
fn costs_are_found_while_a_parallel_query_runs() {
    let mut db = Database::ready();
    db.run(
        r#"INSERT INTO observa.model_prices (model, rates) VALUES ('house', '{"input": 0.001}');
           CREATE TABLE calls AS SELECT n, CASE WHEN n % 2 = 0 THEN 'house' ELSE 'gpt-4o' END AS model FROM generate_series(1, 20000) n;
           ALTER TABLE calls SET (parallel_workers = 2); ANALYZE calls;
           SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;"#,
    );
    let sum = r#"SELECT sum(observa.cost(model, '{"input_tokens": 2}'))::text FROM calls WHERE n <= 10"#;
    let usd =
        r#"SELECT observa.cost_breakdown(model, '{"input_tokens": 2}') ->> 'total' FROM calls WHERE n = 2"#;
    let plan: Vec<String> = db.rows(&format!("EXPLAIN {sum}"), &[]).iter().map(|row| row.get(0)).collect();
    assert!(plan.iter().any(|line| line.contains("Gather")), "{plan:?}");
    for mode in ["off", "on"] {
        db.run(&parallel(mode));
        // Each in a session whose cache is empty, so that the price book is read while the query runs.
        for write in [false, true] {
            db.run("BEGIN");
            if write {
                db.run("INSERT INTO calls VALUES (0, 'none'); UPDATE observa.model_prices SET rates = rates WHERE model = 'house'");
            }
            // By hand: 5 x 2 x 0.001 and 5 x 2 x 0.0000025 USD.
            assert_eq!(db.one::<String>(sum).trim_end_matches('0'), "0.010025", "{mode} {write}");
            assert_eq!(db.one::<String>(usd), "0.002", "{mode} {write}");
            db.run("ROLLBACK");
            db.client = db.cluster.connect(&db.name);
            // The book is read once for all rows, not for each.
            let all = r#"SELECT count(observa.cost(model, '{"input_tokens": 2}')) FROM calls"#;
            db.run("SET statement_timeout = '10s'; BEGIN ISOLATION LEVEL REPEATABLE READ");
            assert_eq!(db.one::<i64>(all), 20_000);
            db.run("COMMIT");
            db.client = db.cluster.connect(&db.name);
            db.run(&parallel(mode));
            db.run("SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0");
        }
    }
}

#[test]
fn a_price_that_is_changed_while_a_statement_runs_counts_in_the_next() {
    let mut db = Database::ready();
    let mut other = db.connect();
    let cost = r#"trim_scale(observa.cost('house', '{"input_tokens": 1}'))::text"#;
    db.run(r#"INSERT INTO observa.model_prices (model, rates) VALUES ('house', '{"input": 0.001}')"#);
    assert_eq!(db.one::<String>(&format!("SELECT {cost}")), "0.001");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(std::time::Duration::from_millis(300));
            let dearer =
                r#"UPDATE observa.model_prices SET rates = '{"input": 0.002}' WHERE model = 'house'"#;
            other.batch_execute(dearer).unwrap();
        });
        // The news arrives with the locks that the trace takes: the statement's own snapshot is older.
        db.run(&format!("SELECT pg_sleep(1), observa.trace('none'), {cost}"));
    });
    assert_eq!(db.one::<String>(&format!("SELECT {cost}")), "0.002");
}

#[test]
fn a_price_for_the_deployment_wins_over_a_known_price_of_the_model_that_answered() {
    let mut db = Database::ready();
    db.run(r#"INSERT INTO observa.model_prices (model, rates) VALUES ('my-deploy', '{"input": "0.5", "output": 0}')"#);
    let event = |id: &str, more: Value| {
        let call =
            json!({"model": "my-deploy", "response_model": "gpt-4o", "input_tokens": 2, "output_tokens": 1});
        with(with(llm_call(id), call), more).to_string()
    };
    db.ingest(&event("own", json!({})));
    assert_eq!(stored(&mut db, "own").0.as_deref(), Some("1"));
    // gpt-4o: 2.50 in, 10 out. Within one source the model that answered counts.
    db.ingest(&event("unknown", json!({"model": "another-deploy"})));
    assert_eq!(stored(&mut db, "unknown").0.as_deref(), Some("0.000015"));
    db.run(r#"INSERT INTO observa.model_prices (model, rates) VALUES ('gpt-4o', '{"input": "0.25", "output": 0}')"#);
    db.ingest(&event("both", json!({})));
    assert_eq!(stored(&mut db, "both").0.as_deref(), Some("0.5"));
    let before: i64 = db.count("observa.events WHERE event_id IN ('own', 'both') AND cost_usd IN (0.5, 1)");
    db.run("SELECT observa.reprice(now() - interval '1 h', now() + interval '1 h')");
    let after: i64 = db.count("observa.events WHERE event_id IN ('own', 'both') AND cost_usd = 0.5");
    assert_eq!((before, after), (2, 2), "reprice looks in the same order");
}

#[test]
fn a_rate_that_is_a_json_number_keeps_all_its_digits() {
    let mut db = Database::ready();
    db.run(
        r#"INSERT INTO observa.model_prices (model, rates)
           VALUES ('precise', '{"input_uncached": 0.000000123456789012345678901234, "output": 0}')"#,
    );
    let rate = "0.000000123456789012345678901234";
    assert_eq!(
        db.one::<String>(
            "SELECT rates ->> 'input_uncached' FROM observa.model_prices WHERE model = 'precise'"
        ),
        rate
    );
    let cost = "SELECT trim_scale(observa.cost('precise', '{\"input_tokens\": 1}'))::text";
    assert_eq!(db.one::<String>(cost), rate);
    db.run("UPDATE observa.model_prices SET valid_from = '2020-01-01' WHERE model = 'precise'");
    assert_eq!(db.one::<String>(cost), rate);
    db.ingest(
        &with(llm_call("e"), json!({"model": "precise", "input_tokens": 1, "output_tokens": 0})).to_string(),
    );
    assert_eq!(stored(&mut db, "e").0.as_deref(), Some(rate));
}
