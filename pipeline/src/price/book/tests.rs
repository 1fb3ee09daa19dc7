use proptest::prelude::*;

use super::super::{Rates, ServiceTier, TokenClass, Totals, parse_usd};
use super::*;

/// 2026-11-23 12:00 UTC.
const AT: i64 = 1_795_435_200_000_000;

fn usd(text: &str) -> Usd {
    parse_usd(text).unwrap()
}

fn input(text: &str) -> Rates {
    Rates::new().with(TokenClass::InputUncached, usd(text))
}

fn row(source: Source, provider: Option<&str>, model: &str, price: &str) -> PriceRow {
    PriceRow { provider: provider.map(str::to_owned), ..PriceRow::new(model, source, input(price)) }
}

/// What a token of input costs.
fn rate(book: &Book, model: &str, provider: Option<&str>) -> Option<String> {
    let found = book.find(model, provider, AT)?;
    found.row().rates.get(None, TokenClass::InputUncached, 0).map(|usd| usd.normalized().to_plain_string())
}

#[test]
fn a_project_beats_its_tenant_beats_a_file_beats_the_book() {
    let rows = [
        row(Source::Project, None, "gpt-4o", "4"),
        row(Source::Tenant, None, "gpt-4o", "3"),
        row(Source::Loaded, Some("openai"), "gpt-4o", "2"),
    ];
    for (dropped, expected) in [(0, "4"), (1, "3"), (2, "2"), (3, "0.0000025")] {
        let book = Book::new(rows[dropped..].to_vec(), true);
        assert_eq!(
            rate(&book, "gpt-4o-2024-08-06", Some("openai")).as_deref(),
            Some(if dropped == 3 { "0.0000025" } else { expected })
        );
    }
    assert_eq!(rate(&Book::new(Vec::new(), false), "gpt-4o", None), None);
}

#[test]
fn a_pattern_of_a_nearer_source_beats_an_exact_name_of_a_farther() {
    let book = Book::new(vec![row(Source::Tenant, None, "gpt-4o*", "3")], true);
    assert_eq!(rate(&book, "gpt-4o-mini", Some("openai")).as_deref(), Some("3"));
}

#[test]
fn exact_names_beat_patterns_and_the_most_specific_pattern_wins() {
    let book = Book::new(
        vec![
            row(Source::Tenant, None, "*", "1"),
            row(Source::Tenant, None, "my-*", "2"),
            row(Source::Tenant, None, "my-model-*", "3"),
            row(Source::Tenant, None, "my-model-x", "4"),
        ],
        false,
    );
    for (model, expected) in [("other", "1"), ("my-thing", "2"), ("my-model-y", "3"), ("My-Model-X", "4")] {
        assert_eq!(rate(&book, model, None).as_deref(), Some(expected), "{model}");
    }
}

#[test]
fn a_deployment_name_maps_to_the_price_of_its_model() {
    let mut mapping = row(Source::Tenant, Some("azure"), "prod-chat", "1");
    mapping.rates = Rates::new().into();
    mapping.maps_to = Some("gpt-4o".to_owned());
    let itself = PriceRow { model: Pattern::parse("gpt-4o"), ..mapping.clone() };
    let book = Book::new(vec![mapping, itself], true);
    for model in ["prod-chat", "azure/prod-chat", "gpt-4o"] {
        let found = book.find(model, Some("azure.ai.openai"), AT).unwrap();
        assert_eq!(found.row().source, Source::Builtin, "{model}");
        assert_eq!(found.row().model.text(), "gpt-4o");
        assert!(found.mapped_by().is_some());
    }
    assert!(book.find("prod-chat", Some("anthropic"), AT).is_none());
}

#[test]
fn the_provider_narrows() {
    let book = Book::new(
        vec![
            row(Source::Loaded, Some("groq"), "llama-x", "1"),
            row(Source::Loaded, Some("openai"), "gpt-x", "2"),
        ],
        false,
    );
    for (model, provider, expected) in [
        ("llama-x", Some("groq"), Some("1")),
        ("llama-x", Some("Groq.chat"), Some("1")),
        ("groq/llama-x", None, Some("1")),
        ("llama-x", Some("openai"), None),
        ("llama-x", None, None),
        ("gpt-x", None, Some("2")),
        ("gpt-x", Some("groq"), None),
        ("gpt-x", Some("azure"), Some("2")),
        ("gpt-x", Some("langchain"), Some("2")),
        ("gpt-x", Some("my-gateway"), Some("2")),
        ("openai/gpt-x", Some("openrouter"), Some("2")),
        ("openrouter/openai/gpt-x", None, Some("2")),
        ("openai/gpt-x", Some("groq"), None),
    ] {
        assert_eq!(rate(&book, model, provider).as_deref(), expected, "{model} {provider:?}");
    }
}

#[test]
fn an_event_is_priced_by_its_own_time() {
    let dated = |price: &str, from: Option<i64>, to: Option<i64>| PriceRow {
        valid_from: from,
        valid_to: to,
        ..row(Source::Loaded, Some("openai"), "m", price)
    };
    let book = Book::new(
        vec![dated("2", Some(100), Some(300)), dated("1", None, None), dated("3", Some(200), Some(300))],
        false,
    );
    for (at, expected) in [
        (i64::MIN, "1"),
        (99, "1"),
        (100, "2"),
        (199, "2"),
        (200, "3"),
        (299, "3"),
        (300, "1"),
        (i64::MAX, "1"),
    ] {
        let found = book.find("m", None, at).unwrap();
        assert_eq!(found.row().rates, input(expected).into(), "{at}");
    }
}

#[test]
fn names_that_differ_are_different_models() {
    let book = Book::builtin();
    let mini = rate(book, "gpt-4o-mini", None);
    assert!(mini.is_some() && mini != rate(book, "gpt-4o", None));
    assert_ne!(rate(book, "gpt-4o-2024-05-13", None), rate(book, "gpt-4o", None));
    assert_eq!(rate(book, "text-embedding-ada-002", Some("azure")).as_deref(), Some("0.0000001"));
}

#[test]
fn nothing_is_priced_for_invented_names() {
    let makers =
        ["openai", "anthropic", "azure", "google", "aws.bedrock", "mistral", "x_ai", "openrouter", "nobody"];
    for model in [
        "gpt-4o-ultra",
        "gpt-4o-mini-2",
        "gpt-99",
        "gpt-4oo",
        "gpt-4",
        "claude-sonnet-9",
        "claude-sonnet-4-5-turbo",
        "gemini-2.5-promax",
        "my-gpt-4o",
        "gpt",
        "4o",
        "o",
        "claude",
        "gemini",
        "llama",
        "ada-2",
        "davinci-99",
        "mistral-large-turbo",
        "us.anthropic.claude-nothing-v1:0",
        "ft:gpt-99:acme::1",
        "ft:",
        "openai/",
        "/",
        "-latest",
        "@20240620",
        "models/",
        "models/none",
        "a-2024-08-06",
        "deepseek-chatty",
        "grok",
        "unknown",
        "null",
        "*",
    ]
    .iter()
    .filter(|model| **model != "gpt-4")
    {
        assert!(Book::builtin().find(model, None, AT).is_none(), "{model}");
        for maker in makers {
            assert!(Book::builtin().find(model, Some(maker), AT).is_none(), "{model} {maker}");
        }
    }
}

#[test]
fn a_class_with_tokens_and_no_price_leaves_the_cost_unknown() {
    let book = Book::new(vec![row(Source::Tenant, None, "m", "1")], false);
    let usage = |output| Usage { input_uncached: Some(5), output_text: Some(output), ..Usage::default() };
    assert_eq!(book.total("m", None, AT, &usage(0)), Some(usd("5")));
    assert_eq!(book.total("m", None, AT, &usage(1)), None);
    assert!(book.cost("m", None, AT, &usage(1)).is_none());
    assert_eq!(book.total("m", None, AT, &Usage::default()), None);
}

#[test]
fn zero_is_a_price() {
    let book = Book::new(vec![row(Source::Tenant, None, "m", "0")], false);
    let usage = Usage { input_uncached: Some(5), ..Usage::default() };
    assert_eq!(book.total("m", None, AT, &usage), Some(usd("0")));
}

#[test]
fn cached_audio_pays_its_own_price() {
    let rates = input("10").with(TokenClass::CacheRead, usd("1")).with(TokenClass::CacheReadAudio, usd("3"));
    let book = Book::new(vec![PriceRow::new("m", Source::Tenant, rates)], false);
    let usage = Usage { cache_read: Some(10), cache_read_audio: Some(4), ..Usage::default() };
    assert_eq!(book.total("m", None, AT, &usage), Some(usd("18")));
}

#[test]
fn the_breakdown_explains_the_total() {
    let usage = Usage::from_totals(&Totals {
        input: Some(300_000),
        output: Some(1000),
        cached_input: Some(100_000),
        service_tier: Some(ServiceTier::Priority),
        ..Totals::default()
    });
    let breakdown = Book::builtin().cost("gemini-2.5-pro", Some("gcp.gemini"), AT, &usage).unwrap();
    let json: serde_json::Value = serde_json::from_str(&breakdown.to_json()).unwrap();
    assert_eq!(json["classes"]["cache_read"]["tokens"], 100_000);
    assert_eq!(json["tiers"], serde_json::json!(["priority", "above_200000"]));
    assert_eq!(json["source"], "builtin");
    assert_eq!(
        breakdown.total,
        breakdown.lines.iter().map(|line| &line.rate * Usd::from(line.tokens)).sum::<Usd>()
    );
}

fn any_usage() -> impl Strategy<Value = Usage> {
    let count = || proptest::option::of(0_u64..400_000);
    (proptest::array::uniform10(count()), 0_usize..5).prop_map(|(counts, tier)| {
        let [
            input_uncached,
            cache_read,
            cache_write_5m,
            cache_write_1h,
            input_audio,
            input_image,
            output_text,
            reasoning,
            output_audio,
            output_image,
        ] = counts;
        Usage {
            input_uncached,
            cache_read,
            cache_write_5m,
            cache_write_1h,
            input_audio,
            input_image,
            output_text,
            reasoning,
            output_audio,
            output_image,
            service_tier: ServiceTier::ALL.get(tier).map(|(tier, _)| *tier),
            ..Usage::default()
        }
    })
}

/// Some of the shipped models, by provider and name.
fn a_model() -> impl Strategy<Value = (Option<String>, String)> {
    let models: Vec<(Option<String>, String)> =
        Book::builtin().rows().map(|row| (row.provider.clone(), row.model.text().to_owned())).collect();
    proptest::sample::select(models)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn more_tokens_never_cost_less((provider, model) in a_model(), usage in any_usage(), more in 0_u64..1_000_000) {
        let before = Book::builtin().total(&model, provider.as_deref(), AT, &usage);
        let output = usage.output_text.unwrap_or(0) + more;
        let after = Book::builtin().total(&model, provider.as_deref(), AT, &Usage { output_text: Some(output), ..usage });
        if let (Some(before), Some(after)) = (before, after) {
            prop_assert!(before <= after);
        }
    }

    #[test]
    fn cost_is_additive_within_one_context_tier((provider, model) in a_model(), one in any_usage()) {
        // Splitting a call's output in two changes nothing: each token pays its own rate.
        let book = Book::builtin();
        let provider = provider.as_deref();
        let half = Usage { output_text: one.output_text.map(|count| count / 2), ..one.clone() };
        let rest = one.output_text.map(|count| count - count / 2);
        let input_free = Usage { output_text: rest, input_uncached: Some(one.total_input()), service_tier: one.service_tier, ..Usage::default() };
        let input_only = Usage { output_text: None, ..input_free.clone() };
        let total = |usage: &Usage| book.total(&model, provider, AT, usage);
        if let (Some(whole), Some(half), Some(rest), Some(input)) = (total(&one), total(&half), total(&input_free), total(&input_only)) {
            prop_assert_eq!(whole, half + rest - input);
        }
    }

    #[test]
    fn the_breakdown_and_the_total_agree((provider, model) in a_model(), usage in any_usage()) {
        let book = Book::builtin();
        let breakdown = book.cost(&model, provider.as_deref(), AT, &usage);
        prop_assert_eq!(breakdown.map(|breakdown| breakdown.total), book.total(&model, provider.as_deref(), AT, &usage));
    }

    #[test]
    fn no_model_or_provider_makes_it_panic(model in "\\PC{0,60}", provider in proptest::option::of("\\PC{0,20}"), at: i64) {
        let _ = Book::builtin().find(&model, provider.as_deref(), at);
    }

    #[test]
    fn random_names_are_never_priced(model in "[a-z]{12}(-[a-z]{9}){0,2}") {
        prop_assert!(Book::builtin().find(&model, None, AT).is_none());
    }
}
