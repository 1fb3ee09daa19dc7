//! Bodies as the providers' API references and recorded responses show them.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{ServiceTier, TokenClass, Usage};

/// The known, non-zero classes of a usage.
fn classes(usage: &Usage) -> Vec<(&'static str, u64)> {
    let known = usage.classes();
    known.iter().filter_map(|(class, count)| count.filter(|n| *n > 0).map(|n| (class.name(), n))).collect()
}

fn read(body: Value) -> Usage {
    Usage::from_json(&body).unwrap()
}

#[test]
fn every_providers_usage_object_gives_disjoint_classes() {
    for (source, body, expected) in [
        (
            "Observa",
            json!({"input_tokens": 1000, "output_tokens": 200, "cached_input_tokens": 600, "cache_write_tokens": 100,
                   "cache_write_1h_tokens": 50, "reasoning_tokens": 80, "input_audio_tokens": 20,
                   "output_audio_tokens": 10, "input_image_tokens": 30}),
            vec![
                ("input_uncached", 200),
                ("cache_read", 600),
                ("cache_write_5m", 100),
                ("cache_write_1h", 50),
                ("input_audio", 20),
                ("input_image", 30),
                ("output_text", 110),
                ("reasoning", 80),
                ("output_audio", 10),
            ],
        ),
        (
            "OpenAI Chat Completions",
            json!({"prompt_tokens": 2006, "completion_tokens": 300, "total_tokens": 2306,
                   "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 0},
                   "completion_tokens_details": {"reasoning_tokens": 192, "audio_tokens": 0,
                       "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}}),
            vec![("input_uncached", 86), ("cache_read", 1920), ("output_text", 108), ("reasoning", 192)],
        ),
        (
            "OpenAI Responses",
            json!({"input_tokens": 75, "input_tokens_details": {"cached_tokens": 25}, "output_tokens": 1186,
                   "output_tokens_details": {"reasoning_tokens": 1024}, "total_tokens": 1261}),
            vec![("input_uncached", 50), ("cache_read", 25), ("output_text", 162), ("reasoning", 1024)],
        ),
        (
            "OpenAI Realtime",
            json!({"total_tokens": 253, "input_tokens": 132, "output_tokens": 121,
                   "input_token_details": {"text_tokens": 119, "audio_tokens": 13, "image_tokens": 0,
                       "cached_tokens": 64, "cached_tokens_details": {"text_tokens": 60, "audio_tokens": 4}},
                   "output_token_details": {"text_tokens": 30, "audio_tokens": 91}}),
            vec![
                ("input_uncached", 59),
                ("cache_read", 64),
                ("input_audio", 9),
                ("output_text", 30),
                ("output_audio", 91),
            ],
        ),
        (
            "Anthropic Messages",
            json!({"input_tokens": 21, "cache_creation_input_tokens": 500, "cache_read_input_tokens": 1000,
                   "cache_creation": {"ephemeral_5m_input_tokens": 300, "ephemeral_1h_input_tokens": 200},
                   "output_tokens": 393, "service_tier": "standard"}),
            vec![
                ("input_uncached", 21),
                ("cache_read", 1000),
                ("cache_write_5m", 300),
                ("cache_write_1h", 200),
                ("output_text", 393),
            ],
        ),
        (
            "Anthropic without cache",
            json!({"input_tokens": 14, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
                   "output_tokens": 65}),
            vec![("input_uncached", 14), ("output_text", 65)],
        ),
        (
            "Gemini",
            json!({"promptTokenCount": 1000, "cachedContentTokenCount": 400, "candidatesTokenCount": 50,
                   "thoughtsTokenCount": 70, "totalTokenCount": 1120,
                   "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 700},
                                           {"modality": "AUDIO", "tokenCount": 300}],
                   "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 100},
                                          {"modality": "TEXT", "tokenCount": 300}]}),
            vec![
                ("input_uncached", 400),
                ("cache_read", 400),
                ("input_audio", 200),
                ("output_text", 50),
                ("reasoning", 70),
            ],
        ),
        (
            "Gemini with its own tools",
            json!({"promptTokenCount": 13, "candidatesTokenCount": 8, "toolUsePromptTokenCount": 100,
                   "thoughtsTokenCount": 20, "totalTokenCount": 141}),
            vec![("input_uncached", 113), ("output_text", 8), ("reasoning", 20)],
        ),
        (
            "Bedrock Converse",
            json!({"inputTokens": 5, "outputTokens": 100, "totalTokens": 1605, "cacheReadInputTokens": 1000,
                   "cacheWriteInputTokens": 500}),
            vec![("input_uncached", 5), ("cache_read", 1000), ("cache_write_5m", 500), ("output_text", 100)],
        ),
        (
            "DeepSeek",
            json!({"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110,
                   "prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36}),
            vec![("input_uncached", 36), ("cache_read", 64), ("output_text", 10)],
        ),
        (
            "xAI counts thinking beside the completion",
            json!({"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135,
                   "completion_tokens_details": {"reasoning_tokens": 94}}),
            vec![("input_uncached", 32), ("output_text", 9), ("reasoning", 94)],
        ),
        (
            "LiteLLM adds Anthropic's cache to the prompt",
            json!({"prompt_tokens": 1100, "completion_tokens": 5, "total_tokens": 1105,
                   "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 0}),
            vec![("input_uncached", 100), ("cache_read", 1000), ("output_text", 5)],
        ),
        (
            "Vercel AI SDK",
            json!({"inputTokens": 100, "outputTokens": 20, "totalTokens": 120, "reasoningTokens": 5,
                   "cachedInputTokens": 40}),
            vec![("input_uncached", 60), ("cache_read", 40), ("output_text", 15), ("reasoning", 5)],
        ),
        (
            "LangChain",
            json!({"input_tokens": 350, "output_tokens": 240, "total_tokens": 590,
                   "input_token_details": {"audio": 10, "cache_creation": 200, "cache_read": 100},
                   "output_token_details": {"audio": 10, "reasoning": 200}}),
            vec![
                ("input_uncached", 40),
                ("cache_read", 100),
                ("cache_write_5m", 200),
                ("input_audio", 10),
                ("output_text", 30),
                ("reasoning", 200),
                ("output_audio", 10),
            ],
        ),
        (
            "Cohere",
            json!({"billed_units": {"input_tokens": 11, "output_tokens": 7},
                   "tokens": {"input_tokens": 600, "output_tokens": 9}}),
            vec![("input_uncached", 11), ("output_text", 7)],
        ),
        (
            "a whole response",
            json!({"id": "x", "usage": {"prompt_tokens": 3, "completion_tokens": 4}}),
            vec![("input_uncached", 3), ("output_text", 4)],
        ),
    ] {
        let usage = read(body);
        assert_eq!(classes(&usage), expected, "{source}");
        assert!(!usage.contradiction, "{source}");
    }
}

#[test]
fn counts_may_be_texts_and_whole_floats_and_null() {
    let usage = read(json!({"input_tokens": "12", "output_tokens": 3.0, "reasoning_tokens": null}));
    assert_eq!((usage.input_uncached, usage.output_text, usage.reasoning), (Some(12), Some(3), None));
}

#[test]
fn what_is_no_count_names_its_key() {
    for (value, words) in [
        (json!(-1), "negative"),
        (json!("-5"), "negative"),
        (json!(1.5), "fraction"),
        (json!("1.5"), "no whole number"),
        (json!("NaN"), "no whole number"),
        (json!(1e300), "too large"),
        (json!("99999999999999999999"), "too large"),
        (json!(u64::MAX), "too large"),
        (json!(true), "true or false"),
        (json!([1]), "a list"),
        (json!({"a": 1}), "an object"),
    ] {
        let message =
            Usage::from_json(&json!({"output_tokens": 1, "input_tokens": value})).unwrap_err().to_string();
        assert!(message.contains("\"input_tokens\"") && message.contains(words), "{value}: {message}");
        assert!(message.contains("whole number of tokens"), "{message}");
    }
    assert!(Usage::from_json(&json!([])).is_err());
    assert!(Usage::from_json(&json!("x")).is_err());
}

#[test]
fn an_error_never_shows_the_value() {
    let message = Usage::from_json(&json!({"input_tokens": "sk-secret"})).unwrap_err().to_string();
    assert!(!message.contains("secret"));
}

#[test]
fn nothing_reported_is_not_known() {
    assert!(read(json!({})).is_unknown());
    assert!(read(Value::Null).is_unknown());
    assert!(read(json!({"input_tokens": null, "service_tier": "batch"})).is_unknown());
}

#[test]
fn a_null_key_says_nothing_about_the_shape() {
    let usage =
        read(json!({"input_tokens": 100, "cached_input_tokens": 60, "cache_read_input_tokens": null}));
    assert_eq!((usage.input_uncached, usage.cache_read), (Some(40), Some(60)));
}

#[test]
fn the_service_tier_is_read() {
    for (text, tier) in [
        ("batch", Some(ServiceTier::Batch)),
        ("Priority", Some(ServiceTier::Priority)),
        ("flex", Some(ServiceTier::Flex)),
        ("default", None),
        ("standard", None),
        ("auto", None),
    ] {
        assert_eq!(read(json!({"input_tokens": 1, "service_tier": text})).service_tier, tier, "{text}");
    }
    assert!(Usage::from_json(&json!({"service_tier": 5})).is_err());
}

#[test]
fn cached_audio_is_a_part_of_the_cache() {
    let usage = read(json!({"promptTokenCount": 100, "cachedContentTokenCount": 50,
        "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 20}]}));
    assert_eq!((usage.cache_read, usage.cache_read_audio), (Some(50), Some(20)));
    assert!(usage.classes().iter().all(|(class, _)| *class != TokenClass::CacheReadAudio));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[0-9eE.+-]{0,24}".prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    let keys: Vec<String> = super::KEYS
        .iter()
        .flat_map(|(_, path)| path.split('.'))
        .chain(super::LISTS.iter().flat_map(|(_, list, kind, _, counts)| [*list, *kind, counts[0]]))
        .chain(super::WRAPPERS.iter().copied())
        .chain(super::TIER_KEYS.iter().copied())
        .map(str::to_owned)
        .collect();
    leaf.prop_recursive(4, 64, 12, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(proptest::sample::select(keys.clone()), inner, 0..12)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn arbitrary_json_never_panics(body in any_json()) {
        if let Ok(usage) = Usage::from_json(&body) {
            let parts = usage.cache_read_audio.unwrap_or(0);
            prop_assert!(usage.total_input() >= usage.cache_read.unwrap_or(0) || parts > 0);
        }
    }
}
