//! Price files are loaded as they are, dated and exactly. The expected amounts are worked out by hand.

use observa_tests::Database;
use observa_tests::database::{error, one, one_with};
use observa_tests::event::{llm_call, with};
use postgres::Client;
use serde_json::{Value, json};

/// observa.load_prices of a file's text, as a client sends it: numbers with all their digits.
#[track_caller]
pub fn load(client: &mut Client, file: &str, source: &str) -> i32 {
    one_with(client, "SELECT observa.load_prices($1::text::jsonb, $2)", &[&file, &source])
}

/// Costs are texts without trailing zeros; None is NULL.
#[track_caller]
fn cost(db: &mut Database, model: &str, provider: Option<&str>, usage: &Value, at: &str) -> Option<String> {
    let sql = "SELECT trim_scale(observa.cost($1, $2, $3, $4::text::timestamptz))::text";
    one_with(&mut db.client, sql, &[&model, usage, &provider, &at])
}

/// What a token of input costs.
#[track_caller]
fn rate(db: &mut Database, model: &str, at: &str) -> Option<String> {
    cost(db, model, None, &json!({"input_tokens": 1}), at)
}

pub fn litellm(model: &str, input: &str) -> String {
    format!(
        r#"{{"{model}": {{"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": {input}, "output_cost_per_token": 2e-06}}}}"#
    )
}

#[test]
fn amounts_keep_all_their_digits() {
    let mut db = Database::ready();
    let file = r#"{"sample_spec": {"input_cost_per_token": 9},
        "house-x": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1.23456789012345e-07,
                    "output_cost_per_token": "0.000000300000000000007", "max_input_tokens": 128000},
        "drawings": {"litellm_provider": "openai", "mode": "image_generation", "output_cost_per_image": 0.04}}"#;
    assert_eq!(load(&mut db.client, file, "litellm"), 1);
    let usage = json!({"input_tokens": 1_000_000_007_i64, "output_tokens": 0});
    // 1,000,000,007 x 0.000000123456789012345
    assert_eq!(cost(&mut db, "house-x", None, &usage, "now").as_deref(), Some("123.456789876542523086415"));
    let file = r#"[{"id": "openai", "models": [{"id": "house-y", "match": {"equals": "house-y"},
        "prices": {"input_mtok": 0.123456789012345678901, "output_mtok": 1}}]}]"#;
    assert_eq!(load(&mut db.client, file, "genai-prices"), 1);
    assert_eq!(rate(&mut db, "house-y", "now").as_deref(), Some("0.000000123456789012345678901"));
    let row = db.row(
        "SELECT provider, context_window, source, tenant_id, valid_from::text, valid_to::text, loaded_at IS NOT NULL AS loaded
           FROM observa.model_prices WHERE model = 'house-x'",
    );
    let expected = json!({"provider": "openai", "context_window": 128_000, "source": "litellm", "tenant_id": null,
                          "valid_from": "-infinity", "valid_to": "infinity", "loaded": true});
    assert_eq!(row, expected);
}

#[test]
fn the_same_file_again_changes_nothing() {
    let mut db = Database::ready();
    let file = litellm("house-x", "1e-6");
    assert_eq!(load(&mut db.client, &file, "litellm"), 1);
    assert_eq!(load(&mut db.client, &file, "litellm"), 0);
    assert_eq!(load(&mut db.client, GENAI, "genai-prices"), 8);
    assert_eq!(load(&mut db.client, GENAI, "genai-prices"), 0);
}

#[test]
fn a_changed_price_holds_from_the_load_and_a_vanished_model_keeps_its_own() {
    let mut db = Database::ready();
    assert_eq!(load(&mut db.client, &litellm("house-x", "1e-6"), "litellm"), 1);
    let before: String = db.one("SELECT clock_timestamp()::text");
    // One row is added, and the one before it ends.
    assert_eq!(load(&mut db.client, &litellm("house-x", "3e-6"), "litellm"), 2);
    assert_eq!(rate(&mut db, "house-x", "2020-01-01").as_deref(), Some("0.000001"));
    assert_eq!(rate(&mut db, "house-x", &before).as_deref(), Some("0.000001"));
    assert_eq!(rate(&mut db, "house-x", "now").as_deref(), Some("0.000003"));
    let seam: i64 = db.count(
        "observa.model_prices a JOIN observa.model_prices b ON a.model = b.model AND a.valid_to = b.valid_from WHERE a.model = 'house-x'",
    );
    assert_eq!(seam, 1, "the old price ends where the new one begins");

    assert_eq!(load(&mut db.client, &litellm("house-y", "5e-6"), "litellm"), 1);
    assert_eq!(rate(&mut db, "house-x", "now").as_deref(), Some("0.000003"));
}

#[test]
fn what_another_price_knew_before_is_not_priced_anew_for_its_past() {
    let mut db = Database::ready();
    // The built-in book has gpt-4o: 2.50 USD per million.
    load(&mut db.client, &litellm("gpt-4o", "7e-6"), "litellm");
    assert_eq!(rate(&mut db, "gpt-4o", "yesterday").as_deref(), Some("0.0000025"));
    assert_eq!(rate(&mut db, "gpt-4o", "now").as_deref(), Some("0.000007"));
    // Within one transaction the statements after the load see it.
    db.run("BEGIN");
    load(&mut db.client, &litellm("gpt-4o", "9e-6"), "litellm");
    assert_eq!(rate(&mut db, "gpt-4o", "now").as_deref(), Some("0.000009"));
    db.run("ROLLBACK");
    assert_eq!(rate(&mut db, "gpt-4o", "now").as_deref(), Some("0.000007"));
}

/// Two prices of the past and one to come, a price for some hours, and tiers.
const GENAI: &str = r#"{"providers": [{"id": "openai", "name": "OpenAI", "models": [
    {"id": "house-dated", "match": {"or": [{"equals": "house-dated"}, {"equals": "house-dated-hd"}]}, "prices": [
        {"prices": {"input_mtok": 4, "output_mtok": 1}},
        {"constraint": {"start_date": "2026-02-01"}, "prices": {"input_mtok": 3, "output_mtok": 1}},
        {"constraint": {"start_date": "2090-01-01"}, "prices": {"input_mtok": 1, "output_mtok": 1}}]},
    {"id": "whisper", "match": {"equals": "whisper"}, "prices": {"audio_hours": 0.36}},
    {"id": "house-hours", "match": {"equals": "house-hours"}, "prices": [
        {"prices": {"input_mtok": 1}},
        {"constraint": {"start_time": "00:30:00Z", "end_time": "16:30:00Z"}, "prices": {"input_mtok": 2}}]}]}]}"#;

#[test]
fn dates_and_hours_of_the_file_are_kept() {
    let mut db = Database::ready();
    // Three dates for each of two names, and hours-a-day twice; whisper has no price for tokens.
    assert_eq!(load(&mut db.client, GENAI, "litellm"), 8);
    for (model, at, usd) in [
        ("house-dated", "2026-01-31 23:59:59.999999Z", "0.000004"),
        ("house-dated-hd", "2026-02-01 00:00Z", "0.000003"),
        ("house-dated", "2089-12-31 23:59Z", "0.000003"),
        ("house-dated", "2090-01-01 00:00Z", "0.000001"),
        ("house-hours", "2026-05-05 00:29:59Z", "0.000001"),
        ("house-hours", "2026-05-05 00:30:00Z", "0.000002"),
        ("house-hours", "2026-05-05 16:29:59Z", "0.000002"),
        ("house-hours", "2026-05-05 16:30:00Z", "0.000001"),
    ] {
        assert_eq!(rate(&mut db, model, at).as_deref(), Some(usd), "{model} {at}");
    }
    let hours = db.row("SELECT hours_utc, weekdays FROM observa.model_prices WHERE hours_utc IS NOT NULL AND model = 'house-hours'");
    assert_eq!(hours, json!({"hours_utc": "00:30-16:30", "weekdays": null}));
}

#[test]
fn what_a_load_would_change_is_said_before() {
    let mut db = Database::ready();
    let both = |x: &str| {
        format!(
            r#"{{"house-x": {{"litellm_provider": "openai", "input_cost_per_token": {x}}},
                     "house-y": {{"litellm_provider": "openai", "input_cost_per_token": 1}}}}"#
        )
    };
    load(&mut db.client, &both("1"), "contract");
    let next = r#"{"house-x": {"litellm_provider": "openai", "input_cost_per_token": 2},
                   "house-z": {"litellm_provider": "openai", "input_cost_per_token": 1},
                   "drawings": {"litellm_provider": "openai", "output_cost_per_image": 0.04}}"#;
    let said: Value =
        one_with(&mut db.client, "SELECT observa.compare_prices($1::text::jsonb, 'contract')", &[&next]);
    let expected = json!({"source": "contract", "rows": 3, "added": ["openai/house-z"], "changed": ["openai/house-x"],
        "removed": ["openai/house-y"], "unchanged": 0, "skipped": [{"model": "drawings", "reason": "no price per token"}]});
    assert_eq!(said, expected);
    assert_eq!(rate(&mut db, "house-x", "now").as_deref(), Some("1"), "nothing was loaded");
    assert_eq!(load(&mut db.client, next, "contract"), 3);
}

#[test]
fn prices_written_by_hand_win_and_outlive_loads() {
    let mut db = Database::ready();
    load(&mut db.client, &litellm("house-x", "1e-6"), "litellm");
    db.run(r#"INSERT INTO observa.model_prices (model, rates, source) VALUES ('house-x', '{"input": "0.5"}', 'litellm')"#);
    assert_eq!(rate(&mut db, "house-x", "now").as_deref(), Some("0.5"));
    load(&mut db.client, &litellm("house-x", "2e-6"), "litellm");
    assert_eq!(rate(&mut db, "house-x", "now").as_deref(), Some("0.5"));
    assert_eq!(db.one::<i32>("SELECT observa.unload_prices('litellm')"), 2);
    assert_eq!(rate(&mut db, "house-x", "now").as_deref(), Some("0.5"));
    db.run("DELETE FROM observa.model_prices WHERE model = 'house-x'");
    assert_eq!(rate(&mut db, "house-x", "now"), None);
    // One may hold for some hours of some days: 2026-08-31 was a Monday.
    db.run(r#"INSERT INTO observa.model_prices (model, rates, hours_utc, weekdays) VALUES ('house-x', '{"input": "0.5"}', '22:00-02:00', '{1,2}')"#);
    for (at, usd) in
        [("2026-08-31 21:59Z", None), ("2026-08-31 22:00Z", Some("0.5")), ("2026-09-02 01:00Z", None)]
    {
        assert_eq!(rate(&mut db, "house-x", at).as_deref(), usd, "{at}");
    }
}

#[test]
fn what_was_loaded_for_everybody_is_not_edited_by_hand() {
    let mut db = Database::ready();
    load(&mut db.client, &litellm("house-x", "1e-6"), "litellm");
    let refused = db.error("DELETE FROM observa.model_prices WHERE model = 'house-x'");
    assert_eq!(refused.code().code(), "22023", "{refused:?}");
}

#[test]
fn a_wrong_price_is_named_and_nothing_is_loaded() {
    let mut db = Database::ready();
    let wrong = |field: &str| {
        format!(
            r#"{{"a-good-one": {{"litellm_provider": "openai", "input_cost_per_token": 1}}, "house-x": {{"litellm_provider": "openai", {field}}}}}"#
        )
    };
    for (file, words) in [
        (wrong(r#""input_cost_per_token": -1"#), vec!["house-x", "input_cost_per_token"]),
        (
            wrong(r#""output_cost_per_token_batches": "sk-123""#),
            vec!["house-x", "output_cost_per_token_batches"],
        ),
        (
            GENAI.replace(r#""input_mtok": 4"#, r#""input_mtok": [4]"#),
            vec!["openai/house-dated", "prices.input_mtok"],
        ),
        (GENAI.replace("2026-02-01", "February"), vec!["openai/house-dated", "constraint.start_date"]),
        ("[]".replace(']', "5]"), vec!["LiteLLM"]),
        (r#"{"a": {"b": 1}}"#.to_owned(), vec!["LiteLLM"]),
        ("5".to_owned(), vec!["LiteLLM"]),
    ] {
        let sql = format!("SELECT observa.load_prices($x${file}$x$::jsonb, 'litellm')");
        let refused = db.error(&sql);
        assert_eq!(refused.code().code(), "22023", "{file}: {refused:?}");
        assert!(words.iter().all(|word| refused.message().contains(word)), "{refused:?}");
        assert!(!refused.message().contains("sk-123"), "{refused:?}");
    }
    assert_eq!(db.count("observa.model_prices WHERE loaded_at IS NOT NULL"), 0);
    assert_eq!(db.error("SELECT observa.load_prices('{}', '  ')").code().code(), "22023");
}

/// A connection of an administrator, whose session acts for a tenant.
pub fn administrator(db: &mut Database, tenant: uuid::Uuid) -> Client {
    drop(db.connect_as("admin", "observa_admin"));
    let mut client = db.connect();
    let login = format!("admin_{}", db.name);
    client
        .batch_execute(&format!("SET observa.acting = '{tenant}//iqa/'; SET SESSION AUTHORIZATION {login}"))
        .unwrap();
    client
}

#[test]
fn a_tenants_administrator_loads_for_the_tenant_alone() {
    let mut db = Database::ready();
    let tenant = db.tenant("acme");
    load(&mut db.client, &litellm("house-x", "1e-6"), "litellm");
    let mut admin = administrator(&mut db, tenant);
    let rate_of = "SELECT trim_scale(observa.cost('house-x', '{\"input_tokens\": 1}'))::text";
    assert_eq!(load(&mut admin, &litellm("house-x", "4e-6"), "litellm"), 1);
    assert_eq!(one::<Option<String>>(&mut admin, rate_of).as_deref(), Some("0.000004"));
    assert_eq!(rate(&mut db, "house-x", "now").as_deref(), Some("0.000001"), "everybody else's stays");
    // A newer load for everybody doesn't change what the tenant has loaded.
    load(&mut db.client, &litellm("house-x", "2e-6"), "litellm");
    assert_eq!(one::<Option<String>>(&mut admin, rate_of).as_deref(), Some("0.000004"));
    assert_eq!(one::<i32>(&mut admin, "SELECT observa.unload_prices('litellm')"), 1);
    assert_eq!(one::<Option<String>>(&mut admin, rate_of).as_deref(), Some("0.000002"));
    let own: Vec<Option<uuid::Uuid>> = db
        .rows("SELECT tenant_id FROM observa.model_prices WHERE loaded_at IS NOT NULL", &[])
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(own, [None, None]);
    // Not even the owner of the functions changes everybody's prices in the session of one who is no superuser.
    let changed: Vec<u64> = [
        "UPDATE observa_internal.model_prices SET rates = '{}'",
        "DELETE FROM observa_internal.model_prices",
    ]
    .into_iter()
    .map(|sql| {
        db.run(&format!("GRANT observa_owner TO admin_{}", db.name));
        admin.batch_execute("SET ROLE observa_owner").unwrap();
        admin.execute(sql, &[]).unwrap()
    })
    .collect();
    assert_eq!(changed, [0, 0]);
    let refused = error(&mut admin, "INSERT INTO observa_internal.model_prices (model) VALUES ('x')");
    assert_eq!(refused.code().code(), "42501", "{refused:?}");
}

#[test]
fn only_administrators_load_and_reprice() {
    let mut db = Database::ready();
    let mut reader = db.connect_as("reader", "observa_read, observa_ingest");
    let mut nobody = db.connect_as("nobody", "observa_admin");
    for sql in [
        "SELECT observa.load_prices('{}')",
        "SELECT observa.compare_prices('{}')",
        "SELECT observa.unload_prices('litellm')",
        "SELECT observa.reprice('-infinity', 'infinity')",
    ] {
        assert_eq!(error(&mut reader, sql).code().code(), "42501", "{sql}");
        assert_eq!(error(&mut nobody, sql).code().code(), "42501", "acts for no tenant: {sql}");
    }
}

#[test]
fn built_in_prices_can_be_switched_off() {
    let mut db = Database::ready();
    let call = |id: &str| {
        with(llm_call(id), json!({"model": "gpt-4o", "input_tokens": 1000, "output_tokens": 500})).to_string()
    };
    db.run("SET observa.builtin_prices = off");
    db.ingest(&call("off"));
    assert_eq!(rate(&mut db, "gpt-4o", "now"), None);
    assert_eq!(db.count("observa.model_prices"), 0);
    load(&mut db.client, &litellm("gpt-4o", "1e-6"), "litellm");
    assert_eq!(rate(&mut db, "gpt-4o", "2024-06-01").as_deref(), Some("0.000001"), "nothing else priced it");
    assert_eq!(rate(&mut db, "gpt-4o-mini", "now"), None);
    db.run("SET observa.builtin_prices = on");
    assert_eq!(rate(&mut db, "gpt-4o-mini", "2026-01-15").as_deref(), Some("0.00000015"));
    let stored = db.row("SELECT cost_usd, cost_source FROM observa.events WHERE event_id = 'off'");
    assert_eq!(stored, json!({"cost_usd": null, "cost_source": "none"}));
}

/// Prices of models that no real file has.
pub const HOUSE: &str = r#"{
    "steps": {"litellm_provider": "openai", "input_cost_per_token": 1e-6, "input_cost_per_token_above_128k_tokens": 2e-6,
        "input_cost_per_token_above_272k_tokens": 3e-6, "output_cost_per_token": 1e-5,
        "output_cost_per_token_above_128k_tokens": 2e-5},
    "tiers": {"litellm_provider": "openai", "input_cost_per_token": 4e-6, "input_cost_per_token_above_200k_tokens": 8e-6,
        "input_cost_per_token_priority": 6e-6, "input_cost_per_token_above_200k_tokens_priority": 1.2e-5,
        "input_cost_per_token_flex": 2e-6, "input_cost_per_token_batches": 1e-6, "output_cost_per_token": 1e-5,
        "output_cost_per_token_batches": 3e-6, "cache_read_input_token_cost": 4e-7},
    "classes": {"litellm_provider": "openai", "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6,
        "cache_read_input_token_cost": 1e-7, "cache_creation_input_token_cost": 3e-6,
        "cache_creation_input_token_cost_above_1hr": 4e-6, "input_cost_per_audio_token": 5e-6,
        "output_cost_per_audio_token": 6e-6, "input_cost_per_image_token": 7e-6, "output_cost_per_reasoning_token": 8e-6},
    "night": {"litellm_provider": "deepseek", "input_cost_per_token": 2e-6, "output_cost_per_token": 2e-6,
        "off_peak_pricing": {"hours_utc": "16:30-00:30", "input_cost_per_token": 1e-6}},
    "base": {"litellm_provider": "openai", "input_cost_per_token": 1e-6},
    "ft:tuned": {"litellm_provider": "openai", "input_cost_per_token": 3e-6},
    "tuned": {"litellm_provider": "openai", "input_cost_per_token": 1e-6},
    "anthropic.claude-x-20250101-v1:0": {"litellm_provider": "bedrock", "input_cost_per_token": 1e-6},
    "us.anthropic.claude-x-20250101-v1:0": {"litellm_provider": "bedrock", "input_cost_per_token": 1.1e-6},
    "gemini/gemini-x": {"litellm_provider": "gemini", "input_cost_per_token": 1e-6},
    "claude-y-20250202": {"litellm_provider": "anthropic", "input_cost_per_token": 1e-6}}"#;

#[test]
fn tiers_classes_hours_and_names_cost_what_the_file_says() {
    let mut db = Database::ready();
    load(&mut db.client, HOUSE, "house");
    let tokens = |input: i64, output: i64| json!({"input_tokens": input, "output_tokens": output});
    let tier =
        |input: i64, tier: &str| json!({"input_tokens": input, "output_tokens": 1000, "service_tier": tier});
    let day = "2026-05-05 12:00Z";
    for (model, provider, usage, at, usd) in [
        // The whole request is dearer strictly above a threshold; output follows the input's size.
        ("steps", None, tokens(128_000, 1000), day, Some("0.138")),
        ("steps", None, tokens(128_001, 1000), day, Some("0.276002")),
        ("steps", None, tokens(272_000, 1000), day, Some("0.564")),
        ("steps", None, tokens(272_001, 1000), day, Some("0.836003")),
        (
            "steps",
            None,
            json!({"input_tokens": 128_001, "cached_input_tokens": 128_001}),
            day,
            Some("0.256002"),
        ),
        ("tiers", None, tier(1000, "standard"), day, Some("0.014")),
        ("tiers", None, tier(1000, "batch"), day, Some("0.004")),
        ("tiers", None, tier(1000, "flex"), day, Some("0.012")),
        ("tiers", None, tier(1000, "priority"), day, Some("0.016")),
        ("tiers", None, tier(200_001, "priority"), day, Some("2.410012")),
        ("tiers", None, tier(200_001, "default"), day, Some("1.610008")),
        // Of the 1,000: 100 read, 200 written, 300 for an hour, 50 spoken, 40 seen, 310 others.
        (
            "classes",
            None,
            json!({"input_tokens": 1000, "cached_input_tokens": 100, "cache_write_tokens": 200, "cache_write_1h_tokens": 300,
                   "input_audio_tokens": 50, "input_image_tokens": 40, "output_tokens": 100, "reasoning_tokens": 60,
                   "output_audio_tokens": 10}),
            day,
            Some("0.00325"),
        ),
        ("night", None, tokens(1000, 0), "2026-05-05 16:29:59Z", Some("0.002")),
        ("night", None, tokens(1000, 0), "2026-05-05 16:30:00Z", Some("0.001")),
        ("night", None, tokens(1000, 0), "2026-05-06 00:29:59Z", Some("0.001")),
        ("night", None, tokens(1000, 0), "2026-05-06 00:30:00Z", Some("0.002")),
        ("ft:base:acme::abc", None, tokens(1000, 0), day, Some("0.001")),
        ("ft:tuned:acme:support:abc", None, tokens(1000, 0), day, Some("0.003")),
        ("anthropic.claude-x-20250101-v1:0", Some("aws.bedrock"), tokens(1000, 0), day, Some("0.001")),
        ("us.anthropic.claude-x-20250101-v1:0", Some("bedrock"), tokens(1000, 0), day, Some("0.0011")),
        ("eu.anthropic.claude-x-20250101-v1:0", Some("bedrock"), tokens(1000, 0), day, Some("0.001")),
        ("apac.anthropic.claude-x-20250101-v1:0", Some("bedrock"), tokens(1000, 0), day, Some("0.001")),
        ("global.anthropic.claude-x-20250101-v1:0", Some("bedrock"), tokens(1000, 0), day, Some("0.001")),
        ("models/gemini-x", Some("gemini"), tokens(1000, 0), day, Some("0.001")),
        ("gemini/gemini-x", None, tokens(1000, 0), day, Some("0.001")),
        ("gemini-x-latest", Some("google"), tokens(1000, 0), day, Some("0.001")),
        ("claude-y@20250202", Some("anthropic"), tokens(1000, 0), day, Some("0.001")),
        ("anthropic/claude-y-20250202", None, tokens(1000, 0), day, Some("0.001")),
        // Another model is another model.
        ("claude-y-mini", Some("anthropic"), tokens(1000, 0), day, None),
        ("steps-mini", None, tokens(1000, 0), day, None),
        ("step", None, tokens(1000, 0), day, None),
    ] {
        assert_eq!(cost(&mut db, model, provider, &usage, at).as_deref(), usd, "{model} {usage} {at}");
    }
}

#[test]
fn the_examples_of_the_documentation_run() {
    let mut db = Database::ready();
    let file = std::env::temp_dir().join(format!("observa-prices-{}.json", std::process::id()));
    std::fs::write(&file, litellm("house-x", "1e-6")).unwrap();
    let guide =
        include_str!("../../docs/prices.md").replace("/path/to/prices.json", &file.display().to_string());
    let blocks: Vec<&str> =
        guide.split("```sql\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() >= 4, "{}", blocks.len());
    for block in blocks {
        db.run(block);
    }
    std::fs::remove_file(&file).unwrap();
    for (model, at, usd) in [
        ("gpt-4o", "2026-06-01", "0.000002"),
        ("prod-chat", "2026-06-01", "0.000002"),
        ("house-x", "2026-06-01", "0"),
        ("house-large", "2026-06-01 23:00Z", "0.0000005"),
    ] {
        assert_eq!(rate(&mut db, model, at).as_deref(), Some(usd), "{model}");
    }
}
