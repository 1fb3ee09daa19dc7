use super::super::super::{Book, Usage, parse_usd};
use super::*;

const DATA: &str = r#"[{"id": "openai", "name": "OpenAI", "models": [
    {"id": "gpt-x", "match": {"or": [{"equals": "gpt-x"}, {"equals": "gpt-x-2026-01-01"}, {"regex": "^gpt-x-\\d"}]},
     "context_window": 128000,
     "prices": [
        {"prices": {"input_mtok": 5, "output_mtok": 15}},
        {"constraint": {"start_date": "2026-02-01"}, "prices": {"input_mtok": {"base": 2.5, "tiers": [{"start": 200000, "price": 5}]}, "output_mtok": "10"}}],
     "price_variants": [
        {"when": {"processing": "batch"}, "prices": {"input_mtok": 1.25}},
        {"when": {"service_tier": "flex"}, "constraint": {"start_date": "2026-03-01"}, "prices": {"input_mtok": 2}},
        {"when": {"route": "eu"}, "prices": {"input_mtok": 9}}]},
    {"id": "gpt-x-mini", "match": {"starts_with": "gpt-x-mini"}, "prices": {"input_mtok": 1, "output_mtok": 2, "web_searches_kcount": 10}},
    {"id": "hours", "match": {"equals": "hours"}, "prices": [
        {"prices": {"input_mtok": 1}},
        {"constraint": {"start_time": "00:30:00Z", "end_time": "16:30:00Z"}, "prices": {"input_mtok": 2}}]},
    {"id": "whisper", "match": {"equals": "whisper"}, "prices": {"audio_hours": 0.36}}]}]"#;

/// 2026-02-01 00:00 UTC.
const FEBRUARY: i64 = 1_769_904_000_000_000;
const DAY: i64 = 86_400_000_000;

fn million(model: &str, at: i64, tier: Option<ServiceTier>, input: u64) -> Option<String> {
    let book = Book::new(parse(DATA, "genai").unwrap().rows, false);
    let usage = Usage { input_uncached: Some(input), service_tier: tier, ..Usage::default() };
    let found = book.find(model, None, at)?;
    let rate = found.row().rates.applied(TokenClass::InputUncached, tier, usage.total_input())?;
    Some((rate.usd * parse_usd("1000000")?).normalized().to_plain_string())
}

#[test]
fn prices_hold_from_their_dates() {
    let (batch, flex) = (Some(ServiceTier::Batch), Some(ServiceTier::Flex));
    for (at, tier, input, expected) in [
        (FEBRUARY - 1, None, 10, "5"),
        (FEBRUARY, None, 10, "2.5"),
        (FEBRUARY, None, 200_000, "2.5"),
        (FEBRUARY, None, 200_001, "5"),
        (FEBRUARY - 1, batch, 10, "1.25"),
        (FEBRUARY, batch, 10, "1.25"),
        (FEBRUARY + 28 * DAY - 1, flex, 10, "2.5"),
        (FEBRUARY + 28 * DAY, flex, 10, "2"),
    ] {
        assert_eq!(million("gpt-x", at, tier, input).as_deref(), Some(expected), "{at} {tier:?} {input}");
    }
}

#[test]
fn hours_of_the_day_have_their_own_price() {
    for (minutes, expected) in [(0, "1"), (29, "1"), (30, "2"), (16 * 60 + 29, "2"), (16 * 60 + 30, "1")] {
        assert_eq!(
            million("hours", FEBRUARY + minutes * 60_000_000, None, 1).as_deref(),
            Some(expected),
            "{minutes}"
        );
    }
}

#[test]
fn the_beginnings_that_its_rules_match_become_exact_names() {
    assert_eq!(million("gpt-x-mini", 0, None, 1).as_deref(), Some("1"));
    assert_eq!(million("gpt-x-mini-turbo", 0, None, 1), None);
    assert_eq!(million("gpt-x-2026-01-01", 0, None, 1).as_deref(), Some("5"));
}

#[test]
fn models_without_a_price_per_token_are_skipped() {
    let parsed = parse(DATA, "genai").unwrap();
    assert_eq!(parsed.skipped.len(), 1);
    assert!(parsed.skipped[0].0.contains("whisper"));
}

#[test]
fn the_newer_form_wraps_the_list() {
    let wrapped = format!(r#"{{"units": {{"x": 1}}, "providers": {DATA}}}"#);
    assert_eq!(
        super::super::parse(&wrapped, "genai").unwrap().rows.len(),
        parse(DATA, "genai").unwrap().rows.len()
    );
}

#[test]
fn a_wrong_field_is_named_by_its_model() {
    for (model, field) in [
        (r#""prices": {"input_mtok": -1}"#, "prices.input_mtok"),
        (
            r#""prices": {"input_mtok": {"base": 1, "tiers": [{"start": 5, "price": "x"}]}}"#,
            "prices.input_mtok",
        ),
        (r#""prices": 5"#, "prices"),
        (
            r#""prices": [{"constraint": {"start_date": "soon"}, "prices": {"input_mtok": 1}}]"#,
            "constraint.start_date",
        ),
        (
            r#""prices": [{"constraint": {"start_time": "noon", "end_time": "13:00:00Z"}, "prices": {}}]"#,
            "constraint.start_time",
        ),
    ] {
        let text =
            format!(r#"[{{"id": "p", "models": [{{"id": "m", "match": {{"equals": "m"}}, {model}}}]}}]"#);
        let refused = parse(&text, "x").unwrap_err();
        let LoadError::Field { entry, field: named, .. } = &refused else { panic!("{refused:?}") };
        assert_eq!((entry.as_str(), named.as_str()), ("p/m", field));
    }
}
