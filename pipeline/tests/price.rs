//! The built-in price book against what genai-prices and LiteLLM calculate.

use observa_pipeline::price::{Book, Usage, parse_usd};

const EXPECTED: &str = include_str!("expected_prices.tsv");

/// `2026-11-23T12:00:00Z` in microseconds since the Unix epoch.
fn micros(text: &str) -> Option<i64> {
    let number = |range: std::ops::Range<usize>| -> Option<i64> { text.get(range)?.parse().ok() };
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let lengths = [31, if is_leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let days = (1970..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum::<i64>()
        + lengths.iter().take(month as usize - 1).sum::<i64>()
        + day
        - 1;
    Some((days * 86_400 + number(11..13)? * 3600 + number(14..16)? * 60 + number(17..19)?) * 1_000_000)
}

#[test]
fn costs_are_those_that_two_other_calculations_agree_on() {
    let mut wrong = Vec::new();
    let mut cases = 0;
    for line in EXPECTED.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [_, provider, model, at, usage, usd] = fields[..] else { panic!("{line}") };
        let usage = Usage::from_json(&serde_json::from_str(usage).unwrap()).unwrap();
        cases += 1;
        if Book::builtin().total(model, Some(provider), micros(at).unwrap(), &usage) != parse_usd(usd) {
            wrong.push(line);
        }
    }
    assert!(cases > 200, "{cases}");
    assert!(wrong.is_empty(), "{} of {cases}:\n{}", wrong.len(), wrong.join("\n"));
}

/// Names of one model as different clients write them.
#[test]
fn every_spelling_of_a_model_has_its_price() {
    let at = micros("2026-11-23T12:00:00Z").unwrap();
    for (model, provider, same_as) in [
        ("openai/gpt-4o", None, ("gpt-4o", "openai")),
        ("GPT-4o", Some("OpenAI"), ("gpt-4o", "openai")),
        ("gpt-4o-2024-12-31", Some("openai.chat"), ("gpt-4o", "openai")),
        ("models/gemini-2.5-pro", Some("gemini"), ("gemini-2.5-pro", "gcp.gemini")),
        (
            "projects/p/locations/l/publishers/google/models/gemini-2.5-pro",
            Some("vertex_ai"),
            ("gemini-2.5-pro", "gcp.vertex_ai"),
        ),
        ("claude-sonnet-4-5@20250929", Some("vertex_ai"), ("claude-sonnet-4-5", "gcp.vertex_ai")),
        ("claude-3-haiku-20240307", Some("anthropic.messages"), ("claude-3-haiku", "anthropic")),
        ("anthropic/claude-sonnet-4-5", None, ("claude-sonnet-4-5", "anthropic")),
        (
            "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            None,
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws.bedrock"),
        ),
        (
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            Some("aws.bedrock"),
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws.bedrock"),
        ),
        ("ft:gpt-4o-2024-08-06:acme:support:9abc", Some("openai"), ("ft:gpt-4o-2024-08-06", "openai")),
        ("gpt-4o", Some("azure"), ("gpt-4o", "azure.ai.openai")),
        ("gemini-2.5-pro", None, ("gemini-2.5-pro", "gcp.gemini")),
        ("gemini-2.5-pro", Some("google"), ("gemini-2.5-pro", "gcp.gemini")),
        ("grok-4.3-latest", Some("xai"), ("grok-4.3", "x_ai")),
    ] {
        let book = Book::builtin();
        let found = book.find(model, provider, at).map(|price| price.row().rates.clone());
        assert!(found.is_some(), "{model} {provider:?}");
        let (plain, plain_provider) = same_as;
        assert_eq!(
            found,
            book.find(plain, Some(plain_provider), at).map(|price| price.row().rates.clone()),
            "{model}"
        );
    }
}

#[test]
fn the_book_has_the_makers_that_people_use() {
    for (provider, at_least) in [
        ("openai", 150),
        ("anthropic", 50),
        ("gcp.gemini", 60),
        ("gcp.vertex_ai", 100),
        ("mistral_ai", 60),
        ("x_ai", 50),
        ("deepseek", 10),
        ("cohere", 10),
        ("aws.bedrock", 400),
        ("azure.ai.openai", 200),
        ("openrouter", 500),
        ("groq", 10),
        ("together_ai", 80),
        ("fireworks_ai", 100),
        ("meta", 3),
        ("moonshot_ai", 10),
    ] {
        let rows = Book::builtin().rows().filter(|row| row.provider.as_deref() == Some(provider));
        let count = rows.map(|row| row.model.text()).collect::<std::collections::HashSet<_>>().len();
        assert!(count >= at_least, "{provider}: {count}");
    }
}
