//! Tokens of a span in one meaning: the input with the cache in it, the output with the reasoning in it, and nothing where
//! nothing is known.

use serde_json::{Map, Value};

use crate::decode::otlp::Scope;
use crate::event::{MOST_COUNTED, Tokens};
use crate::price::Usage;
use crate::translate::aliases::Count;

/// Which spans count their cached tokens beside the input, though OpenTelemetry's names promise them inside. The
/// providers are those whose own usage objects do so; of the others all libraries count the cache inside.
struct Outside {
    scope: &'static str,
    test: fn(&Reported) -> bool,
    name: &'static str,
}

const OUTSIDE_PROVIDERS: [&str; 2] = ["anthropic", "aws.bedrock"];

#[rustfmt::skip]
const OUTSIDE: &[Outside] = &[
    Outside { scope: "opentelemetry.instrumentation.bedrock", test: |_| true, name: "traceloop-bedrock" },
    Outside { scope: "opentelemetry.instrumentation.botocore", test: |_| true, name: "botocore" },
    // Before its version 1.53, which brought the current names.
    Outside { scope: "strands", test: |reported| !reported.current_names, name: "strands" },
    Outside { scope: "ai", test: |reported| reported.sdk_names == SdkNames::Old, name: "ai-sdk-4-5" },
    // Version 5's streams have the newer name, but not yet version 6's details.
    Outside { scope: "ai", test: |reported| reported.sdk_names == SdkNames::NewWithoutDetails, name: "ai-sdk-5" },
    Outside { scope: "openinference.instrumentation.anthropic", test: |reported| reported.streaming && reported.before((0, 1, 18)), name: "openinference-anthropic-0.1.17" },
];

/// The AI SDK's names for its counts, which tell its versions apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SdkNames {
    #[default]
    None,
    Old,
    NewWithoutDetails,
    New,
}

/// What a span says about its tokens, and who says it.
#[derive(Debug, Default)]
pub struct Reported<'s> {
    pub tokens: Tokens,
    pub scope: &'s str,
    pub version: &'s str,
    pub streaming: bool,
    pub sdk_names: SdkNames,
    /// The cache is counted under a name of OpenTelemetry's current conventions.
    pub current_names: bool,
    /// The input of the provider's own usage object, whose cache lies beside it.
    native_input: Option<i64>,
    /// The counts come from an object whose meaning is known: nothing is left to decide.
    settled: Option<&'static str>,
    /// The counts contradict each other, whatever they mean.
    contradicts: bool,
}

/// How the input was read.
#[derive(Debug, PartialEq, Eq)]
pub struct Settled {
    pub rule: &'static str,
    pub contradicts: bool,
}

impl<'s> Reported<'s> {
    pub fn new(scope: &'s Scope, sdk_names: SdkNames, current_names: bool) -> Reported<'s> {
        Reported {
            scope: &scope.name,
            version: &scope.version,
            sdk_names,
            current_names,
            ..Reported::default()
        }
    }

    /// False where the value is no count.
    pub fn count(&mut self, which: Count, number: Option<f64>) -> bool {
        let Some(count) = number.and_then(whole) else { return false };
        let tokens = &mut self.tokens;
        let slot = match which {
            Count::Input => &mut tokens.input,
            Count::Output => &mut tokens.output,
            Count::Total => &mut tokens.total,
            Count::CachedInput => &mut tokens.cached_input,
            Count::CacheWrite => &mut tokens.cache_write,
            Count::CacheWrite1h => &mut tokens.cache_write_1h,
            Count::Reasoning => &mut tokens.reasoning,
            Count::AudioInput => &mut tokens.audio_input,
            Count::AudioOutput => &mut tokens.audio_output,
            Count::ImageInput => &mut tokens.image_input,
        };
        if slot.is_none() {
            *slot = Some(count);
        }
        true
    }

    fn has_totals(&self) -> bool {
        self.tokens.input.is_some() || self.tokens.output.is_some()
    }

    /// A provider's own usage object: all counts if there are none yet, else those that are missing.
    pub fn object(&mut self, value: &Value) {
        let Ok(usage) = Usage::from_json(value) else { return };
        if usage.is_unknown() {
            return;
        }
        let count = |count: Option<u64>| count.and_then(|count| whole(count as f64));
        if !self.has_totals() {
            let sum = |known: Option<u64>, sum: u64| known.and_then(|_| whole(sum as f64));
            self.tokens.input = sum(usage.reported_input, usage.total_input());
            self.tokens.output = sum(usage.reported_output, usage.total_output());
            self.tokens.total = count(usage.reported_total);
            self.settled = Some("provider_usage");
            self.contradicts = usage.contradiction;
        } else if usage.reported_input.is_some_and(|input| input < usage.total_input()) {
            self.native_input = count(usage.reported_input);
        }
        let tokens = &mut self.tokens;
        tokens.cached_input = tokens.cached_input.or(count(usage.cache_read));
        let no_writes = tokens.cache_write.is_none() && tokens.cache_write_1h.is_none();
        if no_writes {
            tokens.cache_write = count(usage.cache_write_5m);
            tokens.cache_write_1h = count(usage.cache_write_1h);
        }
        tokens.reasoning = tokens.reasoning.or(count(usage.reasoning));
        tokens.audio_input = tokens.audio_input.or(count(usage.input_audio));
        tokens.audio_output = tokens.audio_output.or(count(usage.output_audio));
        tokens.image_input = tokens.image_input.or(count(usage.input_image));
    }

    /// Langfuse's object: `input` and `output` are what no other key counts, unless the total says otherwise. Without
    /// these keys it is a provider's.
    pub fn disjoint_object(&mut self, value: &Value) {
        let Some(object) = value.as_object() else { return };
        let input = any_of(object, &["input"]);
        let output = any_of(object, &["output"]);
        if input.is_none() && output.is_none() {
            return self.object(value);
        }
        let read = any_of(
            object,
            &["input_cached_tokens", "cache_read_input_tokens", "input_cache_read", "input_cached"],
        );
        let hour = any_of(object, &["input_cache_creation_1h", "cache_creation_1h_input_tokens"]);
        let write = any_of(
            object,
            &[
                "input_cache_creation_5m",
                "input_cache_creation",
                "cache_creation_input_tokens",
                "input_cache_write",
            ],
        );
        let audio_input = any_of(object, &["input_audio_tokens", "input_audio"]);
        let image_input = any_of(object, &["input_image_tokens", "input_image"]);
        let reasoning = any_of(object, &["output_reasoning_tokens", "output_reasoning", "reasoning_tokens"]);
        let audio_output = any_of(object, &["output_audio_tokens", "output_audio"]);
        let total = any_of(object, &["total"]);
        let sum = |counts: &[Option<i64>]| {
            counts.iter().flatten().fold(0i64, |sum, count| sum.saturating_add(*count))
        };
        let beside = sum(&[read, hour, write, audio_input, image_input]) + sum(&[reasoning, audio_output]);
        let inside = beside > 0 && total.is_some() && total == Some(sum(&[input, output]));
        let (input_total, output_total) = if inside {
            (input, output)
        } else {
            (
                input.map(|input| sum(&[Some(input), read, hour, write, audio_input, image_input])),
                output.map(|output| sum(&[Some(output), reasoning, audio_output])),
            )
        };
        self.tokens = Tokens {
            input: input_total.filter(|count| *count <= MOST_COUNTED),
            output: output_total.filter(|count| *count <= MOST_COUNTED),
            total,
            cached_input: read,
            cache_write: write,
            cache_write_1h: hour,
            reasoning,
            audio_input,
            audio_output,
            image_input,
        };
        self.settled = Some(if inside { "usage_details_inclusive" } else { "usage_details_disjoint" });
    }

    /// The AI SDK's `{"anthropic": {"usage": ...}, "openai": {"cachedPromptTokens": ...}, "bedrock": {"usage": ...}}`.
    pub fn provider_metadata(&mut self, value: &Value) {
        let Some(providers) = value.as_object() else { return };
        for said in providers.values().filter_map(Value::as_object) {
            let read = any_of(said, &["cachedPromptTokens", "cacheReadInputTokens"]);
            let write = any_of(said, &["cacheCreationInputTokens"]);
            self.tokens.reasoning = self.tokens.reasoning.or(any_of(said, &["reasoningTokens"]));
            if let Some(usage) = said.get("usage") {
                self.object(usage);
            }
            self.tokens.cached_input = self.tokens.cached_input.or(read);
            if self.tokens.cache_write_1h.is_none() {
                self.tokens.cache_write = self.tokens.cache_write.or(write);
            }
        }
    }

    /// Earlier than a version; of what is no version it is not known.
    fn before(&self, version: (u64, u64, u64)) -> bool {
        let mut parts = self.version.split('.').map(|part| part.parse().ok());
        match (parts.next().flatten(), parts.next().flatten(), parts.next().flatten()) {
            (Some(major), Some(minor), Some(patch)) => (major, minor, patch) < version,
            _ => false,
        }
    }

    /// The tokens with the cache inside the input. None: there is no usage at all.
    pub fn settle(mut self, provider: Option<&str>, is_call: bool) -> (Tokens, Option<Settled>) {
        let cached = [self.tokens.cached_input, self.tokens.cache_write, self.tokens.cache_write_1h];
        let cache: i64 = cached.iter().flatten().fold(0, |sum, count| sum.saturating_add(*count));
        // No call has an empty prompt: a library that says so did not know.
        if is_call && cache == 0 && self.tokens.input == Some(0) {
            self.tokens.input = None;
            if self.tokens.output == Some(0) {
                self.tokens.output = None;
            }
            self.tokens.total = self.tokens.total.filter(|total| *total > 0);
        }
        if self.tokens.input.is_none() && self.tokens.output.is_none() && cache == 0 {
            // Zeros beside nothing say nothing either.
            self.tokens = Tokens { total: self.tokens.total, ..Tokens::default() };
        }
        let Some(input) = self.tokens.input else { return (self.tokens, None) };
        if self.settled.is_none() && provider.is_some_and(|provider| provider.starts_with("gcp.")) {
            self.count_thoughts(input);
        }
        if let Some(rule) = self.settled {
            return (self.tokens, Some(Settled { rule, contradicts: self.contradicts || cache > input }));
        }
        if cache == 0 {
            return (self.tokens, None);
        }
        let (outside, rule) = self.cache_is_outside(input, cache, provider);
        // Whatever was promised, a part is not more than the whole.
        let contradicts = !outside && cache > input;
        if outside || contradicts {
            let whole_input = Some(input.saturating_add(cache)).filter(|count| *count <= MOST_COUNTED);
            let sum = |input: Option<i64>| input?.checked_add(self.tokens.output?);
            // A total that leaves the cache out follows the input.
            if self.tokens.total.is_some() && self.tokens.total == sum(Some(input)) {
                self.tokens.total = sum(whole_input);
            }
            self.tokens.input = whole_input;
        }
        (self.tokens, Some(Settled { rule, contradicts }))
    }

    /// Gemini's total has the thoughts that its count of the answer lacks; some libraries pass both on as they are.
    fn count_thoughts(&mut self, input: i64) {
        let (Some(output), Some(total)) = (self.tokens.output, self.tokens.total) else { return };
        let thoughts = total.saturating_sub(input).saturating_sub(output);
        if thoughts > 0 && self.tokens.reasoning.is_none_or(|reasoning| reasoning == thoughts) {
            self.tokens.output = output.checked_add(thoughts);
            self.tokens.reasoning = Some(thoughts);
        }
    }

    fn cache_is_outside(&self, input: i64, cache: i64, provider: Option<&str>) -> (bool, &'static str) {
        let sum = |input: i64| self.tokens.output.map(|output| input.saturating_add(output));
        if let Some(native) = self.native_input {
            return if native == input {
                (true, "provider_usage_outside")
            } else {
                (false, "provider_usage_inside")
            };
        }
        if self.tokens.total.is_some() && self.tokens.total == sum(input.saturating_add(cache)) {
            return (true, "total_outside");
        }
        // OpenAI and Gemini count the cache inside in every library.
        let may_be_outside = provider.is_none_or(|provider| OUTSIDE_PROVIDERS.contains(&provider));
        let rule = OUTSIDE.iter().find(|rule| {
            let scope = self.scope.strip_prefix(rule.scope);
            scope.is_some_and(|rest| {
                rest.is_empty() || (rule.scope != "ai" && !rest.starts_with(char::is_alphanumeric))
            }) && (rule.test)(self)
        });
        match rule.filter(|_| may_be_outside) {
            Some(rule) => (true, rule.name),
            None => (false, "inside"),
        }
    }
}

fn whole(number: f64) -> Option<i64> {
    ((0.0..=MOST_COUNTED as f64).contains(&number) && number.fract() == 0.0).then_some(number as i64)
}

fn any_of(object: &Map<String, Value>, keys: &[&str]) -> Option<i64> {
    keys.iter().find_map(|key| match object.get(*key)? {
        Value::Number(number) => number.as_f64().and_then(whole),
        Value::String(text) => text.trim().parse().ok().and_then(whole),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reported(scope: &'static str, input: i64, read: i64) -> Reported<'static> {
        let tokens =
            Tokens { input: Some(input), output: Some(10), cached_input: Some(read), ..Tokens::default() };
        Reported { tokens, scope, ..Reported::default() }
    }

    fn input(reported: Reported, provider: &str) -> (Option<i64>, &'static str, bool) {
        let (tokens, settled) = reported.settle(Some(provider), true);
        let settled = settled.unwrap();
        (tokens.input, settled.rule, settled.contradicts)
    }

    #[test]
    fn the_cache_is_inside_unless_the_library_is_known_to_count_it_beside() {
        let bedrock = "opentelemetry.instrumentation.bedrock";
        assert_eq!(
            input(reported(bedrock, 4102, 3862), "aws.bedrock"),
            (Some(7964), "traceloop-bedrock", false)
        );
        let botocore = "opentelemetry.instrumentation.botocore.bedrock-runtime";
        assert_eq!(input(reported(botocore, 4102, 3862), "aws.bedrock").0, Some(7964));
        let anthropic = "opentelemetry.instrumentation.anthropic";
        assert_eq!(input(reported(anthropic, 4102, 3862), "anthropic"), (Some(4102), "inside", false));
        for names in [SdkNames::Old, SdkNames::NewWithoutDetails] {
            let old = Reported { sdk_names: names, ..reported("ai", 100, 80) };
            assert_eq!(input(old, "anthropic").0, Some(180));
            let openai = Reported { sdk_names: names, ..reported("ai", 100, 80) };
            assert_eq!(input(openai, "openai").0, Some(100));
        }
        let mut streamed = reported("ai", 100, 80);
        (streamed.sdk_names, streamed.tokens.total) = (SdkNames::NewWithoutDetails, Some(110));
        assert_eq!(streamed.settle(Some("anthropic"), true).0.total, Some(190));
        let new = Reported { sdk_names: SdkNames::New, ..reported("ai", 100, 80) };
        assert_eq!(input(new, "anthropic").0, Some(100));
    }

    #[test]
    fn strands_counts_the_cache_inside_since_it_has_the_current_names() {
        let strands = || reported("strands.telemetry.tracer", 4102, 3862);
        assert_eq!(input(strands(), "aws.bedrock").0, Some(7964));
        let current = Reported { current_names: true, ..strands() };
        assert_eq!(input(current, "aws.bedrock"), (Some(4102), "inside", false));
    }

    #[test]
    fn geminis_thoughts_that_only_its_total_has_are_output() {
        let counted = |reasoning, total| {
            let tokens = Tokens {
                input: Some(50),
                output: Some(10),
                total: Some(total),
                reasoning,
                ..Tokens::default()
            };
            let (tokens, _) = Reported { tokens, ..Reported::default() }.settle(Some("gcp.gemini"), true);
            (tokens.output, tokens.reasoning)
        };
        assert_eq!(counted(None, 67), (Some(17), Some(7)));
        assert_eq!(counted(Some(7), 67), (Some(17), Some(7)));
        assert_eq!(counted(Some(4), 60), (Some(10), Some(4)));
        assert_eq!(counted(Some(4), 67), (Some(10), Some(4)));
    }

    #[test]
    fn more_cache_than_input_contradicts_and_is_read_as_beside() {
        assert_eq!(input(reported("some.library", 100, 800), "anthropic"), (Some(900), "inside", true));
    }

    #[test]
    fn a_total_that_only_the_cache_beside_explains_decides() {
        let mut with_total = reported("some.library", 100, 80);
        with_total.tokens.total = Some(190);
        assert_eq!(input(with_total, "anthropic"), (Some(180), "total_outside", false));
    }

    #[test]
    fn the_providers_own_object_decides() {
        let usage = json!({"anthropic": {"usage": {"input_tokens": 100, "cache_read_input_tokens": 80, "output_tokens": 10}}});
        for (input_tokens, expected) in [(100, 180), (180, 180)] {
            let mut sdk = Reported { sdk_names: SdkNames::New, ..reported("ai", input_tokens, 80) };
            sdk.provider_metadata(&usage);
            assert_eq!(input(sdk, "anthropic").0, Some(expected));
        }
    }

    #[test]
    fn usage_details_are_disjoint_unless_their_total_says_otherwise() {
        let mut disjoint = Reported::default();
        disjoint.disjoint_object(&json!({"input": 20, "output": 5, "input_cached_tokens": 80, "output_reasoning_tokens": 7, "total": 112}));
        let (tokens, _) = disjoint.settle(None, true);
        assert_eq!((tokens.input, tokens.output, tokens.cached_input), (Some(100), Some(12), Some(80)));
        let mut inclusive = Reported::default();
        inclusive
            .disjoint_object(&json!({"input": 100, "output": 5, "input_cached_tokens": 80, "total": 105}));
        assert_eq!(inclusive.settle(None, true).0.input, Some(100));
        let mut providers = Reported::default();
        providers.disjoint_object(&json!({"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}));
        assert_eq!(providers.settle(None, true).0.input, Some(9));
    }

    #[test]
    fn an_empty_prompt_is_unknown_and_not_zero() {
        let zero = Tokens { input: Some(0), output: Some(7), ..Tokens::default() };
        let (tokens, settled) =
            Reported { tokens: zero, ..Reported::default() }.settle(Some("anthropic"), true);
        assert_eq!((tokens.input, tokens.output, settled), (None, Some(7), None));
    }

    #[test]
    fn counts_that_are_none_are_not_read() {
        let mut reported = Reported::default();
        for number in [None, Some(-1.0), Some(0.5), Some(1e13), Some(f64::NAN)] {
            assert!(!reported.count(Count::Input, number));
        }
        assert_eq!(reported.tokens, Tokens::default());
    }
}
