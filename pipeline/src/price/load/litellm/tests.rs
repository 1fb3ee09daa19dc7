use super::super::super::{Book, Totals, Usage, parse_usd};
use super::*;

fn parsed(text: &str) -> Parsed {
    parse(text, "litellm").unwrap()
}

fn rate(row: &PriceRow, tier: Option<ServiceTier>, class: TokenClass, above: u64) -> Option<String> {
    row.rates.get(tier, class, above).map(|usd| usd.normalized().to_plain_string())
}

#[test]
fn every_kind_of_price_key_is_understood() {
    use ServiceTier::*;
    use TokenClass::*;
    for (key, expected) in [
        ("input_cost_per_token", Some((InputUncached, None, 0))),
        ("output_cost_per_token_above_200k_tokens", Some((OutputText, None, 200_000))),
        ("input_cost_per_token_above_272k_tokens_priority", Some((InputUncached, Some(Priority), 272_000))),
        ("input_cost_per_token_priority_above_200k_tokens", Some((InputUncached, Some(Priority), 200_000))),
        ("cache_creation_input_token_cost_above_1hr", Some((CacheWrite1h, None, 0))),
        ("cache_creation_input_token_cost_above_1hr_above_200k_tokens", Some((CacheWrite1h, None, 200_000))),
        ("cache_creation_input_token_cost_above_200k_tokens", Some((CacheWrite5m, None, 200_000))),
        ("output_cost_per_token_batches", Some((OutputText, Some(Batch), 0))),
        ("cache_read_input_token_cost_flex", Some((CacheRead, Some(Flex), 0))),
        ("output_cost_per_reasoning_token", Some((Reasoning, None, 0))),
        ("input_cost_per_token_ultrafast", None),
        ("input_cost_per_second", None),
        ("input_cost_per_token_cache_hit", None),
    ] {
        assert_eq!(meaning(key), expected, "{key}");
    }
}

#[test]
fn prices_are_read_without_a_float() {
    let parsed = parsed(
        r#"{"m": {"litellm_provider": "openai", "input_cost_per_token": 2.5e-06,
        "output_cost_per_token": "1e-5", "cache_read_input_token_cost": 2.0000000000000002e-07, "max_input_tokens": 128000}}"#,
    );
    let row = &parsed.rows[0];
    assert_eq!(rate(row, None, TokenClass::InputUncached, 0).as_deref(), Some("0.0000025"));
    assert_eq!(rate(row, None, TokenClass::OutputText, 0).as_deref(), Some("0.00001"));
    assert_eq!(rate(row, None, TokenClass::CacheRead, 0).as_deref(), Some("0.0000002"));
    assert_eq!(row.context_window, Some(128_000));
}

#[test]
fn of_two_entries_for_one_model_the_paid_one_counts_then_its_own_name() {
    for (text, usd) in [
        (
            r#"{"codestral/c": {"litellm_provider": "codestral", "input_cost_per_token": 0},
             "mistral/c": {"litellm_provider": "mistral", "input_cost_per_token": 3}}"#,
            "3",
        ),
        (
            r#"{"d": {"litellm_provider": "deepseek", "input_cost_per_token": 1},
             "deepseek/d": {"litellm_provider": "deepseek", "input_cost_per_token": 2}}"#,
            "1",
        ),
        (
            r#"{"d": {"litellm_provider": "deepseek", "input_cost_per_token": 0},
             "deepseek/d": {"litellm_provider": "deepseek", "input_cost_per_token": 2}}"#,
            "2",
        ),
    ] {
        let rows = parsed(text).rows;
        assert_eq!(rows.len(), 1);
        assert_eq!(rate(&rows[0], None, TokenClass::InputUncached, 0).as_deref(), Some(usd), "{text}");
    }
}

#[test]
fn keys_carry_their_provider() {
    for (key, provider, expected) in [
        ("gpt-4o", "openai", ("openai", "gpt-4o")),
        ("azure/eu/gpt-4o", "azure", ("azure.ai.openai", "eu/gpt-4o")),
        ("gemini/gemini-2.5-pro", "gemini", ("gcp.gemini", "gemini-2.5-pro")),
        ("vertex_ai/claude-sonnet-4", "vertex_ai-anthropic_models", ("gcp.vertex_ai", "claude-sonnet-4")),
        ("us.anthropic.claude-x-v1:0", "bedrock_converse", ("aws.bedrock", "us.anthropic.claude-x-v1:0")),
        ("xai/grok-4", "xai", ("x_ai", "grok-4")),
        ("openrouter/openai/gpt-4o", "openrouter", ("openrouter", "openai/gpt-4o")),
        ("low/1024-x-1024/gpt-image-1", "openai", ("openai", "low/1024-x-1024/gpt-image-1")),
    ] {
        let (own, name) = split(key, Some(provider));
        assert_eq!((own.as_deref(), name.as_str()), (Some(expected.0), expected.1), "{key}");
    }
}

#[test]
fn zero_beside_a_price_for_images_is_no_price_for_tokens() {
    let parsed = parsed(
        r#"{"sample_spec": {"input_cost_per_token": 1}, 
        "a": {"litellm_provider": "x", "input_cost_per_token": 0.0, "output_cost_per_image": 0.04},
        "b": {"litellm_provider": "x", "input_cost_per_token": 0.0, "output_cost_per_token": 0.0},
        "c": {"litellm_provider": "x", "mode": "search"}, "d": 5}"#,
    );
    assert_eq!(parsed.rows.len(), 1);
    assert_eq!(parsed.rows[0].model.text(), "b");
    let skipped: Vec<&str> = parsed.skipped.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(skipped, ["a", "c", "d"]);
}

#[test]
fn tiers_by_range_hold_above_their_start() {
    let parsed = parsed(
        r#"{"dashscope/q": {"litellm_provider": "dashscope", "tiered_pricing": [
        {"input_cost_per_token": 1, "output_cost_per_token": 2, "range": [0, 256000.0]},
        {"input_cost_per_token": 3, "output_cost_per_token": 4, "cache_read_input_token_cost": 0.5, "range": [256000.0, 1000000.0]}]}}"#,
    );
    let book = Book::new(parsed.rows, false);
    let total = |input, cached| {
        let usage = Usage::from_totals(&Totals {
            input: Some(input),
            cached_input: Some(cached),
            ..Totals::default()
        });
        book.total("dashscope/q", None, 0, &usage)
    };
    assert_eq!(total(256_000, 1000), parse_usd("256000"));
    assert_eq!(total(256_001, 1), parse_usd("768000.5"));
}

#[test]
fn off_peak_hours_of_weekdays_have_their_own_price() {
    let parsed = parsed(
        r#"{"d": {"litellm_provider": "deepseek", "input_cost_per_token": 2, "output_cost_per_token": 2,
        "off_peak_pricing": {"input_cost_per_token": 1, "windows": [
            {"hours_utc": ["00:00-01:00", "10:00-00:00"], "weekdays": [1, 2, 3, 4, 5]},
            {"hours_utc": "00:00-00:00", "weekdays": [6, 7]}]}}}"#,
    );
    let book = Book::new(parsed.rows, false);
    let usage = Usage { input_uncached: Some(1), ..Usage::default() };
    // 2026-08-31 was a Monday.
    let at = |day: i64, hour: i64| 1_788_134_400_000_000 + (day * 24 + hour) * 3_600_000_000;
    for (day, hour, usd) in
        [(0, 0, "1"), (0, 1, "2"), (0, 9, "2"), (0, 10, "1"), (4, 5, "2"), (5, 5, "1"), (6, 23, "1")]
    {
        assert_eq!(book.total("d", None, at(day, hour), &usage), parse_usd(usd), "{day} {hour}");
    }
}

#[test]
fn a_wrong_price_is_named_by_its_entry_and_field_and_not_shown() {
    for (entry, field) in [
        (r#""input_cost_per_token": -1"#, "input_cost_per_token"),
        (
            r#""output_cost_per_token_above_200k_tokens": "x-secret""#,
            "output_cost_per_token_above_200k_tokens",
        ),
        (r#""input_cost_per_token": {}"#, "input_cost_per_token"),
        (r#""tiered_pricing": 5"#, "tiered_pricing"),
        (r#""tiered_pricing": [{"input_cost_per_token": []}]"#, "tiered_pricing.input_cost_per_token"),
        (
            r#""input_cost_per_token": 1, "off_peak_pricing": {"hours_utc": "late"}"#,
            "off_peak_pricing.hours_utc",
        ),
    ] {
        let text = format!(r#"{{"azure/m": {{"litellm_provider": "azure", {entry}}}}}"#);
        let refused = parse(&text, "x").unwrap_err();
        let LoadError::Field { entry, field: named, .. } = &refused else { panic!("{refused:?}") };
        assert_eq!((entry.as_str(), named.as_str()), ("azure/m", field));
        assert!(!refused.to_string().contains("secret"));
    }
}

#[test]
fn what_is_neither_file_is_refused() {
    for text in
        ["", "null", "5", "\"x\"", "[1]", "[{}]", "{\"a\": 1}", "{", "{\"a\": {\"b\": 1}}", "[{\"id\": 5}]"]
    {
        assert!(super::super::parse(text, "x").is_err(), "{text}");
    }
    assert_eq!(super::super::parse("{\n  x", "x").unwrap_err(), LoadError::NotJson { line: 2, column: 3 });
}
