use serde_json::{Value, json};

use super::*;
use crate::event::EventType;
use crate::price::{PriceRow, Rates, Source};

/// 2026-01-15 12:00 UTC.
const AT: i64 = 1_768_478_400_000_000;

/// 2.50 and 10 USD for a million tokens of text, 1.25 of cached ones, 40 and 80 of audio.
fn book() -> Book {
    let rates = json!({"input": "0.0000025", "output": "0.00001", "cache_read": "0.00000125",
                       "input_audio": "0.00004", "output_audio": "0.00008"});
    Book::new(vec![PriceRow::new("m", Source::Tenant, Rates::from_json(&rates).unwrap())], false)
}

/// What a call costs when it is ingested, and what its stored columns and attributes say it costs.
fn both(tokens: Tokens, usage: &str, tier: Option<&str>, attributes: Option<&str>) -> [Option<String>; 2] {
    let mut event = Event::new(1, EventType::LlmCall);
    event.tokens = tokens;
    event.usage = (!usage.is_empty()).then_some(usage);
    event.service_tier = tier.map(Into::into);
    event.attributes = attributes.map(str::to_owned);
    let priced = usage_and_classes(&mut event);
    let book = &book();
    let model = "m";
    let ingested = priced.and_then(|usage| book.total(model, None, AT, &usage));
    let attributes: Value = serde_json::from_str(event.attributes.as_deref().unwrap_or("{}")).unwrap();
    let stored = Stored {
        models: [None, Some(model)],
        provider: None,
        at: AT,
        tokens: Tokens {
            input: event.tokens.input,
            output: event.tokens.output,
            total: event.total_tokens(),
            cached_input: event.tokens.cached_input,
            cache_write: event.cache_write_tokens(),
            reasoning: event.tokens.reasoning,
            ..Tokens::default()
        },
        classes: attributes.get(CLASSES),
    };
    [ingested, stored_cost(&stored, book)].map(|usd| usd.map(|usd| usd.normalized().to_plain_string()))
}

fn usage_and_classes(event: &mut Event) -> Option<Usage> {
    let priced = usage(event);
    keep_classes(event, priced.as_ref());
    priced
}

fn tokens(input: i64, output: i64) -> Tokens {
    Tokens { input: Some(input), output: Some(output), ..Tokens::default() }
}

#[test]
fn a_stored_event_costs_what_it_cost_when_it_came() {
    let none = Tokens::default();
    let object = r#"{"prompt_tokens": 1000, "completion_tokens": 100,
        "prompt_tokens_details": {"cached_tokens": 400, "audio_tokens": 200}, "completion_tokens_details": {"audio_tokens": 50}}"#;
    for (tokens, usage, tier, attributes, usd) in [
        (tokens(1000, 100), "", None, None, Some("0.0035")),
        (Tokens { audio_input: Some(200), ..tokens(1000, 100) }, "", None, None, Some("0.011")),
        (Tokens { audio_output: Some(50), ..tokens(1000, 100) }, "", None, Some("{}"), Some("0.007")),
        (
            Tokens { cache_write: Some(10), cache_write_1h: Some(20), ..tokens(1000, 100) },
            "",
            None,
            None,
            Some("0.0035"),
        ),
        (none, object, None, None, Some("0.014")),
        (tokens(1000, 100), object, None, Some(r#"{"a":{}}"#), Some("0.014")),
        // The event's own counts say otherwise, and win.
        (tokens(2000, 100), object, None, None, Some("0.006")),
        (none, "{}", None, None, None),
        (none, "", Some("batch"), None, None),
        (Tokens { total: Some(5), ..none }, "", None, None, None),
        // Not ours, though it looks so.
        (tokens(1000, 100), "", None, Some(r#"{"observa_usage":{"input_uncached":1}}"#), Some("0.0035")),
        (none, "", None, Some(r#"{"observa_usage":{"input_uncached":1}}"#), None),
    ] {
        let expected = usd.map(str::to_owned);
        assert_eq!(both(tokens, usage, tier, attributes), [expected.clone(), expected], "{tokens:?} {usage}");
    }
}

#[test]
fn only_what_the_columns_do_not_say_is_kept() {
    let mut event = Event::new(1, EventType::LlmCall);
    event.tokens = tokens(1000, 100);
    event.usage = Some(
        r#"{"prompt_tokens": 1000, "completion_tokens": 100, "prompt_tokens_details": {"cached_tokens": 400}}"#,
    );
    usage_and_classes(&mut event);
    assert_eq!((event.tokens.cached_input, event.attributes.as_deref()), (Some(400), None));
    event.service_tier = Some("flex".into());
    usage_and_classes(&mut event);
    let attributes: Value = serde_json::from_str(event.attributes.as_deref().unwrap()).unwrap();
    assert_eq!(
        attributes,
        json!({"observa_usage": {"input_uncached": 600, "cache_read": 400, "output_text": 100, "service_tier": "flex"}})
    );
}
