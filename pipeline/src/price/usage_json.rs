//! Reads usage from JSON: Observa's own keys and the usage objects of the providers.

use serde_json::{Map, Value};

use super::rates::ServiceTier;
use super::usage::{Totals, Usage};

/// Why a usage object could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsageError {
    #[error("usage: expected a JSON object of token counts, got {found}")]
    NotAnObject { found: &'static str },
    #[error(
        "usage key \"{key}\": expected a whole number of tokens from 0 to 9223372036854775807, got {found}"
    )]
    NotACount { key: &'static str, found: &'static str },
    #[error("usage key \"{key}\": expected the name of a service tier, got {found}")]
    NotATier { key: &'static str, found: &'static str },
}

const NEGATIVE: &str = "a negative number";
const TOO_LARGE: &str = "a number that is too large";

impl UsageError {
    /// Whether it is a number that no count can be, rather than no number.
    pub fn is_out_of_range(&self) -> bool {
        matches!(self, UsageError::NotACount { found: NEGATIVE | TOO_LARGE, .. })
    }
}

/// A count that sources give under many keys.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slot {
    Input,
    Output,
    Total,
    CacheRead,
    /// Written to caches of any lifetime.
    CacheWrite,
    CacheWrite5m,
    CacheWrite1h,
    Reasoning,
    AudioIn,
    AudioOut,
    ImageIn,
    ImageOut,
    CacheReadAudio,
    CacheReadImage,
    /// Input that Gemini counts beside its prompt: the results of its own tools.
    ToolInput,
}

const SLOTS: usize = 15;

/// Which key holds which count, the first present one wins. Sources: Observa's contract; the API
/// references of OpenAI (Chat Completions, Responses, Realtime), Anthropic (Messages), Google (Gemini
/// `UsageMetadata`), AWS (Bedrock `TokenUsage`), Cohere, DeepSeek, Moonshot, Ollama; and what the
/// Vercel AI SDK, LangChain and LiteLLM make of them.
const KEYS: &[(Slot, &str)] = &[
    (Slot::Input, "input_tokens"),
    (Slot::Input, "prompt_tokens"),
    (Slot::Input, "inputTokens"),
    (Slot::Input, "promptTokens"),
    (Slot::Input, "promptTokenCount"),
    (Slot::Input, "prompt_token_count"),
    (Slot::Input, "billed_units.input_tokens"),
    (Slot::Input, "tokens.input_tokens"),
    (Slot::Input, "prompt_eval_count"),
    (Slot::Output, "output_tokens"),
    (Slot::Output, "completion_tokens"),
    (Slot::Output, "outputTokens"),
    (Slot::Output, "completionTokens"),
    (Slot::Output, "candidatesTokenCount"),
    (Slot::Output, "candidates_token_count"),
    (Slot::Output, "responseTokenCount"),
    (Slot::Output, "response_token_count"),
    (Slot::Output, "billed_units.output_tokens"),
    (Slot::Output, "tokens.output_tokens"),
    (Slot::Output, "eval_count"),
    (Slot::Total, "total_tokens"),
    (Slot::Total, "totalTokens"),
    (Slot::Total, "totalTokenCount"),
    (Slot::Total, "total_token_count"),
    (Slot::CacheRead, "cached_input_tokens"),
    (Slot::CacheRead, "cache_read_input_tokens"),
    (Slot::CacheRead, "prompt_tokens_details.cached_tokens"),
    (Slot::CacheRead, "input_tokens_details.cached_tokens"),
    (Slot::CacheRead, "input_token_details.cached_tokens"),
    (Slot::CacheRead, "input_token_details.cache_read"),
    (Slot::CacheRead, "cacheReadInputTokens"),
    (Slot::CacheRead, "cachedInputTokens"),
    (Slot::CacheRead, "inputTokenDetails.cacheReadTokens"),
    (Slot::CacheRead, "cachedContentTokenCount"),
    (Slot::CacheRead, "cached_content_token_count"),
    (Slot::CacheRead, "prompt_cache_hit_tokens"),
    (Slot::CacheRead, "cached_tokens"),
    (Slot::CacheRead, "cached_prompt_text_tokens"),
    (Slot::CacheRead, "cache_read_tokens"),
    (Slot::CacheWrite, "cache_creation_input_tokens"),
    (Slot::CacheWrite, "cache_write_input_tokens"),
    (Slot::CacheWrite, "cacheWriteInputTokens"),
    (Slot::CacheWrite, "prompt_tokens_details.cache_write_tokens"),
    (Slot::CacheWrite, "prompt_tokens_details.cache_creation_tokens"),
    (Slot::CacheWrite, "input_tokens_details.cache_write_tokens"),
    (Slot::CacheWrite, "input_token_details.cache_creation"),
    (Slot::CacheWrite, "inputTokenDetails.cacheWriteTokens"),
    (Slot::CacheWrite5m, "cache_write_tokens"),
    (Slot::CacheWrite5m, "cache_creation.ephemeral_5m_input_tokens"),
    (Slot::CacheWrite5m, "prompt_tokens_details.cache_creation_token_details.ephemeral_5m_input_tokens"),
    (Slot::CacheWrite5m, "input_token_details.ephemeral_5m_input_tokens"),
    (Slot::CacheWrite1h, "cache_write_1h_tokens"),
    (Slot::CacheWrite1h, "cache_creation.ephemeral_1h_input_tokens"),
    (Slot::CacheWrite1h, "prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens"),
    (Slot::CacheWrite1h, "input_token_details.ephemeral_1h_input_tokens"),
    (Slot::Reasoning, "reasoning_tokens"),
    (Slot::Reasoning, "completion_tokens_details.reasoning_tokens"),
    (Slot::Reasoning, "output_tokens_details.reasoning_tokens"),
    (Slot::Reasoning, "output_tokens_details.thinking_tokens"),
    (Slot::Reasoning, "output_token_details.reasoning_tokens"),
    (Slot::Reasoning, "output_token_details.reasoning"),
    (Slot::Reasoning, "reasoningTokens"),
    (Slot::Reasoning, "outputTokenDetails.reasoningTokens"),
    (Slot::Reasoning, "thoughtsTokenCount"),
    (Slot::Reasoning, "thoughts_token_count"),
    (Slot::AudioIn, "input_audio_tokens"),
    (Slot::AudioIn, "prompt_tokens_details.audio_tokens"),
    (Slot::AudioIn, "input_tokens_details.audio_tokens"),
    (Slot::AudioIn, "input_token_details.audio_tokens"),
    (Slot::AudioIn, "input_token_details.audio"),
    (Slot::AudioOut, "output_audio_tokens"),
    (Slot::AudioOut, "completion_tokens_details.audio_tokens"),
    (Slot::AudioOut, "output_tokens_details.audio_tokens"),
    (Slot::AudioOut, "output_token_details.audio_tokens"),
    (Slot::AudioOut, "output_token_details.audio"),
    (Slot::ImageIn, "input_image_tokens"),
    (Slot::ImageIn, "prompt_tokens_details.image_tokens"),
    (Slot::ImageIn, "input_tokens_details.image_tokens"),
    (Slot::ImageIn, "input_token_details.image_tokens"),
    (Slot::ImageOut, "output_image_tokens"),
    (Slot::ImageOut, "completion_tokens_details.image_tokens"),
    (Slot::ImageOut, "output_tokens_details.image_tokens"),
    (Slot::ImageOut, "output_token_details.image_tokens"),
    (Slot::CacheReadAudio, "input_token_details.cached_tokens_details.audio_tokens"),
    (Slot::CacheReadAudio, "input_tokens_details.cached_tokens_details.audio_tokens"),
    (Slot::CacheReadAudio, "prompt_tokens_details.cached_tokens_details.audio_tokens"),
    (Slot::CacheReadImage, "input_token_details.cached_tokens_details.image_tokens"),
    (Slot::CacheReadImage, "input_tokens_details.cached_tokens_details.image_tokens"),
    (Slot::CacheReadImage, "prompt_tokens_details.cached_tokens_details.image_tokens"),
    (Slot::ToolInput, "toolUsePromptTokenCount"),
    (Slot::ToolInput, "tool_use_prompt_token_count"),
];

/// Slot, list, the key of the kind, the kinds, the key of the count.
type ListKey = (Slot, &'static str, &'static str, &'static [&'static str], &'static [&'static str]);

/// Counts that stand in a list, one object for each kind. Counts of one slot add up. Gemini bills
/// documents as images.
const LISTS: &[ListKey] = &[
    (Slot::AudioIn, "promptTokensDetails", "modality", AUDIO, GEMINI_COUNT),
    (Slot::AudioIn, "prompt_tokens_details", "modality", AUDIO, GEMINI_COUNT),
    (Slot::AudioIn, "toolUsePromptTokensDetails", "modality", AUDIO, GEMINI_COUNT),
    (Slot::ImageIn, "promptTokensDetails", "modality", IMAGE, GEMINI_COUNT),
    (Slot::ImageIn, "prompt_tokens_details", "modality", IMAGE, GEMINI_COUNT),
    (Slot::ImageIn, "toolUsePromptTokensDetails", "modality", IMAGE, GEMINI_COUNT),
    (Slot::AudioOut, "candidatesTokensDetails", "modality", AUDIO, GEMINI_COUNT),
    (Slot::AudioOut, "candidates_tokens_details", "modality", AUDIO, GEMINI_COUNT),
    (Slot::AudioOut, "responseTokensDetails", "modality", AUDIO, GEMINI_COUNT),
    (Slot::ImageOut, "candidatesTokensDetails", "modality", IMAGE, GEMINI_COUNT),
    (Slot::ImageOut, "candidates_tokens_details", "modality", IMAGE, GEMINI_COUNT),
    (Slot::ImageOut, "responseTokensDetails", "modality", IMAGE, GEMINI_COUNT),
    (Slot::CacheReadAudio, "cacheTokensDetails", "modality", AUDIO, GEMINI_COUNT),
    (Slot::CacheReadAudio, "cache_tokens_details", "modality", AUDIO, GEMINI_COUNT),
    (Slot::CacheReadImage, "cacheTokensDetails", "modality", IMAGE, GEMINI_COUNT),
    (Slot::CacheReadImage, "cache_tokens_details", "modality", IMAGE, GEMINI_COUNT),
    (Slot::CacheWrite5m, "cacheDetails", "ttl", &["5m"], &["inputTokens"]),
    (Slot::CacheWrite1h, "cacheDetails", "ttl", &["1h"], &["inputTokens"]),
];

const AUDIO: &[&str] = &["AUDIO"];
const IMAGE: &[&str] = &["IMAGE", "DOCUMENT"];
const GEMINI_COUNT: &[&str] = &["tokenCount", "token_count"];

/// Keys by whose mere presence a provider's own object says that its input excludes the cache.
const EXCLUDING: &[(&str, &[&str])] = &[
    ("input_tokens", &["cache_creation_input_tokens", "cache_read_input_tokens", "cache_creation"]),
    ("inputTokens", &["cacheReadInputTokens", "cacheWriteInputTokens", "cacheDetails"]),
];

/// Where a whole response holds its usage.
const WRAPPERS: &[&str] = &["usage", "usageMetadata", "usage_metadata", "response", "message", "meta"];

const TIER_KEYS: &[&str] = &["service_tier", "serviceTier", "speed", "trafficType", "traffic_type"];

impl Usage {
    /// Reads a usage object: Observa's own keys or any provider's. Whole responses are looked into
    /// for their usage. Counts may be numbers or texts of digits; null is absent, and keys without a
    /// meaning here are passed over. An object without any count is a usage of which nothing is known.
    ///
    /// # Errors
    /// Where the value is no object, or a count is negative, fractional, too large or no number.
    pub fn from_json(usage: &Value) -> Result<Usage, UsageError> {
        let mut object = match usage {
            Value::Null => return Ok(Usage::default()),
            Value::Object(object) => object,
            other => return Err(UsageError::NotAnObject { found: kind_of(other) }),
        };
        let mut tier = read_tier(object)?;
        // A response wraps its usage at most twice (Realtime: response.usage).
        for _ in 0..2 {
            if holds_counts(object) {
                break;
            }
            let Some(inner) = WRAPPERS.iter().find_map(|key| object.get(*key)?.as_object()) else { break };
            object = inner;
            tier = read_tier(object)?.or(tier);
        }
        let counts = read_counts(object)?;
        Ok(assemble(object, &counts, tier))
    }
}

fn holds_counts(object: &Map<String, Value>) -> bool {
    KEYS.iter().any(|(_, path)| object.contains_key(path.split('.').next().unwrap_or(path)))
}

fn read_tier(object: &Map<String, Value>) -> Result<Option<ServiceTier>, UsageError> {
    for key in TIER_KEYS {
        match object.get(*key) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => {
                if let Some(tier) = ServiceTier::parse(text) {
                    return Ok(Some(tier));
                }
            }
            // Only our own key promises a tier; elsewhere `speed` may be anything.
            Some(other) if *key == "service_tier" => {
                return Err(UsageError::NotATier { key, found: kind_of(other) });
            }
            Some(_) => {}
        }
    }
    Ok(None)
}

type Counts = [Option<u64>; SLOTS];

fn read_counts(object: &Map<String, Value>) -> Result<Counts, UsageError> {
    let mut counts: Counts = [None; SLOTS];
    for (slot, path) in KEYS {
        let count = match at_path(object, path) {
            Some(value) => read_count(path, value)?,
            None => None,
        };
        if let Some(held) = counts.get_mut(*slot as usize) {
            *held = held.or(count);
        }
    }
    for (slot, list, kind_key, kinds, count_keys) in LISTS {
        let Some(Value::Array(items)) = object.get(*list) else { continue };
        for item in items {
            let kind = item.get(*kind_key).and_then(Value::as_str);
            if !kind.is_some_and(|kind| kinds.iter().any(|wanted| kind.eq_ignore_ascii_case(wanted))) {
                continue;
            }
            let Some(value) = count_keys.iter().find_map(|key| item.get(*key)) else { continue };
            if let (Some(count), Some(held)) = (read_count(list, value)?, counts.get_mut(*slot as usize)) {
                *held = Some(held.unwrap_or(0).saturating_add(count));
            }
        }
    }
    Ok(counts)
}

fn at_path<'a>(object: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let mut keys = path.split('.');
    let mut value = object.get(keys.next()?)?;
    for key in keys {
        value = value.as_object()?.get(key)?;
    }
    Some(value)
}

/// A token count, `None` for null.
fn read_count(key: &'static str, value: &Value) -> Result<Option<u64>, UsageError> {
    let refused = |found| Err(UsageError::NotACount { key, found });
    let text = match value {
        Value::Null => return Ok(None),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        other => return refused(kind_of(other)),
    };
    // Floats that are whole (`12.0`) come from clients whose numbers are all floats.
    let digits = text.split_once('.').map_or(text.as_str(), |(whole, fraction)| {
        if !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0') { whole } else { text.as_str() }
    });
    if digits.starts_with('-') && text.bytes().any(|byte| byte.is_ascii_digit()) {
        // Negative zero is zero.
        return if text.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.')) {
            Ok(Some(0))
        } else {
            refused(NEGATIVE)
        };
    }
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return refused(if value.is_string() {
            "a text that is no whole number"
        } else if text.contains('e') && value.as_f64().is_some_and(|number| number > 1.0) {
            TOO_LARGE
        } else {
            "a fraction"
        });
    }
    match digits.parse::<u64>() {
        Ok(count) if i64::try_from(count).is_ok() => Ok(Some(count)),
        _ => refused(TOO_LARGE),
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn assemble(object: &Map<String, Value>, counts: &Counts, tier: Option<ServiceTier>) -> Usage {
    let get = |slot: Slot| counts.get(slot as usize).copied().flatten();
    let add = |left: Option<u64>, right: Option<u64>| match (left, right) {
        (Some(left), Some(right)) => Some(left.saturating_add(right)),
        (left, right) => left.or(right),
    };
    let gemini = ["promptTokenCount", "prompt_token_count", "candidatesTokenCount", "totalTokenCount"]
        .iter()
        .any(|key| object.contains_key(*key));
    let input =
        if get(Slot::Input).is_some() || gemini { add(get(Slot::Input), get(Slot::ToolInput)) } else { None };
    let (output, reasoning, total) = (get(Slot::Output), get(Slot::Reasoning), get(Slot::Total));

    // What was written in all, less what is known to stay an hour, stays five minutes.
    let hour = get(Slot::CacheWrite1h);
    let rest = get(Slot::CacheWrite).map(|all| all.saturating_sub(hour.unwrap_or(0)));
    let minutes = match (get(Slot::CacheWrite5m), rest) {
        (Some(minutes), Some(rest)) => Some(minutes.max(rest)),
        (minutes, rest) => minutes.or(rest),
    };

    let sum =
        |parts: &[Option<u64>]| parts.iter().flatten().fold(0_u64, |sum, part| sum.saturating_add(*part));
    let cached = sum(&[get(Slot::CacheRead), minutes, hour]);
    let excluding = EXCLUDING.iter().any(|(input_key, keys)| {
        let is_given = |key: &&str| object.get(*key).is_some_and(|value| !value.is_null());
        is_given(input_key)
            && keys.iter().any(is_given)
            // Anthropic sends no total; a client that does and whose total leaves no room for the
            // cache beside the input has already added it.
            && !(*input_key == "input_tokens" && cached > 0 && total.is_some() && total == add(input, output))
    });

    // xAI counts thinking beside the completion, and only the total shows it. Gemini always does.
    let thinking_key =
        ["thoughtsTokenCount", "thoughts_token_count"].iter().any(|key| object.contains_key(*key));
    let thinking_beside = reasoning.is_some_and(|reasoning| {
        reasoning > 0 && total.is_some() && total == Some(sum(&[input, output, Some(reasoning)]))
    });
    // A Gemini answer that was all thinking has no candidates.
    let output = if gemini && output.is_none() && reasoning.is_some() { Some(0) } else { output };

    let cached_audio = get(Slot::CacheReadAudio);
    let cached_image = get(Slot::CacheReadImage);
    let fresh =
        |all: Option<u64>, cached: Option<u64>| all.map(|all| all.saturating_sub(cached.unwrap_or(0)));
    let mut usage = Usage::from_totals(&Totals {
        input,
        output,
        total: None,
        cached_input: get(Slot::CacheRead),
        cache_write: minutes,
        cache_write_1h: hour,
        reasoning,
        audio_in: fresh(get(Slot::AudioIn), cached_audio),
        audio_out: get(Slot::AudioOut),
        image_in: fresh(get(Slot::ImageIn), cached_image),
        image_out: get(Slot::ImageOut),
        service_tier: tier,
        cache_inside_input: excluding.then_some(false),
        reasoning_inside_output: !(thinking_key || thinking_beside),
    });
    usage.cache_read_audio = cached_audio;
    usage.cache_read_image = cached_image;
    usage.reported_total = total;
    if let Some(total) = total {
        usage.contradiction |= !usage.total_is_plausible(total);
    }
    usage
}

#[cfg(test)]
mod tests;
