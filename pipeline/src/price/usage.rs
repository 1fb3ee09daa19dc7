//! How many tokens of which class a call took.

use super::rates::{ServiceTier, TokenClass};

/// The tokens of one call as disjoint classes: no token is in two of them, so each is multiplied by
/// its own rate and nothing is paid twice. `None` is not known, which is not zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Text input that came from no cache, was written to none, and is neither audio nor image.
    pub input_uncached: Option<u64>,
    /// Input read from a cache, of whatever kind of content.
    pub cache_read: Option<u64>,
    /// Input written to a cache that keeps it for about five minutes.
    pub cache_write_5m: Option<u64>,
    /// Input written to a cache that keeps it for an hour.
    pub cache_write_1h: Option<u64>,
    /// Audio input that came from no cache.
    pub input_audio: Option<u64>,
    /// Image input that came from no cache.
    pub input_image: Option<u64>,
    /// Output that is neither reasoning nor audio nor image.
    pub output_text: Option<u64>,
    /// Output that the model thought and did not say.
    pub reasoning: Option<u64>,
    pub output_audio: Option<u64>,
    pub output_image: Option<u64>,
    /// The audio among `cache_read`: a part of that class, not one more.
    pub cache_read_audio: Option<u64>,
    /// The images among `cache_read`: a part of that class, not one more.
    pub cache_read_image: Option<u64>,
    /// The input total as the client reported it, whatever it meant by it.
    pub reported_input: Option<u64>,
    /// The output total as the client reported it.
    pub reported_output: Option<u64>,
    /// The grand total as the client reported it.
    pub reported_total: Option<u64>,
    /// How the provider served the call; `None` is the standard tier.
    pub service_tier: Option<ServiceTier>,
    /// The reported counts contradict each other; the classes are the likeliest reading.
    pub contradiction: bool,
}

/// Token counts as most sources give them: totals, and parts that may lie inside or outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totals {
    pub input: Option<u64>,
    pub output: Option<u64>,
    pub total: Option<u64>,
    pub cached_input: Option<u64>,
    /// Written to a five-minute cache.
    pub cache_write: Option<u64>,
    pub cache_write_1h: Option<u64>,
    pub reasoning: Option<u64>,
    pub audio_in: Option<u64>,
    pub audio_out: Option<u64>,
    pub image_in: Option<u64>,
    pub image_out: Option<u64>,
    pub service_tier: Option<ServiceTier>,
    /// Whether `input` includes what was read from and written to caches. `None`: it does, unless
    /// that is more than `input`; then it does not, and the usage is marked as contradictory.
    pub cache_inside_input: Option<bool>,
    /// Whether `output` includes `reasoning`. If it claims to and is smaller than its parts, the
    /// parts are taken as disjoint and the usage is marked as contradictory.
    pub reasoning_inside_output: bool,
}

impl Default for Totals {
    fn default() -> Totals {
        Totals {
            input: None,
            output: None,
            total: None,
            cached_input: None,
            cache_write: None,
            cache_write_1h: None,
            reasoning: None,
            audio_in: None,
            audio_out: None,
            image_in: None,
            image_out: None,
            service_tier: None,
            cache_inside_input: None,
            reasoning_inside_output: true,
        }
    }
}

/// Sum of what is known. Token counts are far below the limit, but a client may send anything.
fn sum(counts: &[Option<u64>]) -> u64 {
    counts.iter().flatten().fold(0, |sum, count| sum.saturating_add(*count))
}

impl Usage {
    /// Splits totals into disjoint classes.
    pub fn from_totals(totals: &Totals) -> Usage {
        let cache = [totals.cached_input, totals.cache_write, totals.cache_write_1h];
        let mut usage = Usage {
            cache_read: totals.cached_input,
            cache_write_5m: totals.cache_write,
            cache_write_1h: totals.cache_write_1h,
            input_audio: totals.audio_in,
            input_image: totals.image_in,
            reasoning: totals.reasoning,
            output_audio: totals.audio_out,
            output_image: totals.image_out,
            reported_input: totals.input,
            reported_output: totals.output,
            reported_total: totals.total,
            service_tier: totals.service_tier,
            ..Usage::default()
        };
        if let Some(input) = totals.input {
            let cached = sum(&cache);
            let inside = totals.cache_inside_input.unwrap_or(cached <= input);
            if cached > input && totals.cache_inside_input != Some(false) {
                usage.contradiction = true;
            }
            let fresh = if inside { input.saturating_sub(cached) } else { input };
            usage.split_input(fresh, input);
        }
        if let Some(output) = totals.output {
            let media = sum(&[totals.audio_out, totals.image_out]);
            let inside =
                if totals.reasoning_inside_output { sum(&[Some(media), totals.reasoning]) } else { media };
            usage.contradiction |= inside > output;
            usage.output_text = Some(if inside > output { output } else { output - inside });
        }
        if let Some(total) = totals.total {
            usage.contradiction |= !usage.total_is_plausible(total);
        }
        usage
    }

    /// Divides input that came from no cache between text, audio and images. The reported audio and
    /// images may overlap the cached tokens: what the cache covers is not paid again.
    fn split_input(&mut self, fresh: u64, reported: u64) {
        let mut left = fresh;
        for count in [&mut self.input_audio, &mut self.input_image].into_iter().flatten() {
            self.contradiction |= *count > reported;
            *count = (*count).min(left);
            left -= *count;
        }
        self.input_uncached = Some(left);
    }

    /// Clients mean different things by a total; a contradiction is a total that none of them meant.
    pub(super) fn total_is_plausible(&self, total: u64) -> bool {
        let (Some(input), Some(output)) = (self.reported_input, self.reported_output) else {
            return [self.reported_input, self.reported_output].iter().flatten().all(|part| *part <= total);
        };
        [input, self.total_input()].iter().any(|input| {
            [output, self.total_output()].iter().any(|output| input.saturating_add(*output) == total)
        })
    }

    /// The disjoint classes with their counts.
    pub fn classes(&self) -> [(TokenClass, Option<u64>); 10] {
        [
            (TokenClass::InputUncached, self.input_uncached),
            (TokenClass::CacheRead, self.cache_read),
            (TokenClass::CacheWrite5m, self.cache_write_5m),
            (TokenClass::CacheWrite1h, self.cache_write_1h),
            (TokenClass::InputAudio, self.input_audio),
            (TokenClass::InputImage, self.input_image),
            (TokenClass::OutputText, self.output_text),
            (TokenClass::Reasoning, self.reasoning),
            (TokenClass::OutputAudio, self.output_audio),
            (TokenClass::OutputImage, self.output_image),
        ]
    }

    /// Input tokens altogether, cache included: what decides the long-context tier.
    pub fn total_input(&self) -> u64 {
        sum(&[
            self.input_uncached,
            self.cache_read,
            self.cache_write_5m,
            self.cache_write_1h,
            self.input_audio,
            self.input_image,
        ])
    }

    /// Output tokens altogether, reasoning included.
    pub fn total_output(&self) -> u64 {
        sum(&[self.output_text, self.reasoning, self.output_audio, self.output_image])
    }

    /// The largest count of all, of classes and of reported totals.
    pub fn largest_count(&self) -> u64 {
        let reported = [self.reported_input, self.reported_output, self.reported_total];
        let counts = self.classes().into_iter().map(|(_, count)| count).chain(reported);
        counts.flatten().max().unwrap_or(0)
    }

    /// Whether no class is known: then there is nothing to price.
    pub fn is_unknown(&self) -> bool {
        self.classes().iter().all(|(_, count)| count.is_none())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cached_input_is_not_paid_twice() {
        let totals =
            Totals { input: Some(1000), cached_input: Some(800), output: Some(50), ..Totals::default() };
        let usage = Usage::from_totals(&totals);
        assert_eq!(
            (usage.input_uncached, usage.cache_read, usage.output_text),
            (Some(200), Some(800), Some(50))
        );
        assert!(!usage.contradiction);
    }

    #[test]
    fn more_cache_than_input_means_that_input_excludes_it_and_is_flagged() {
        let totals = Totals { input: Some(100), cached_input: Some(800), ..Totals::default() };
        let usage = Usage::from_totals(&totals);
        assert_eq!(
            (usage.input_uncached, usage.cache_read, usage.total_input()),
            (Some(100), Some(800), 900)
        );
        assert!(usage.contradiction);
        let outside = Usage::from_totals(&Totals { cache_inside_input: Some(false), ..totals });
        assert_eq!(outside.input_uncached, Some(100));
        assert!(!outside.contradiction);
    }

    #[test]
    fn unknown_stays_unknown() {
        let usage = Usage::from_totals(&Totals { output: Some(5), ..Totals::default() });
        assert_eq!((usage.input_uncached, usage.cache_read, usage.output_text), (None, None, Some(5)));
        assert!(Usage::from_totals(&Totals::default()).is_unknown());
    }

    #[test]
    fn media_that_the_cache_covers_is_not_paid_again() {
        let totals =
            Totals { input: Some(1000), cached_input: Some(700), audio_in: Some(600), ..Totals::default() };
        let usage = Usage::from_totals(&totals);
        assert_eq!(
            (usage.input_uncached, usage.input_audio, usage.cache_read),
            (Some(0), Some(300), Some(700))
        );
        assert!(!usage.contradiction);
    }

    #[test]
    fn a_total_that_nobody_meant_is_a_contradiction() {
        let totals = Totals { input: Some(10), output: Some(5), ..Totals::default() };
        for (total, contradiction) in [(15, false), (16, true), (0, true)] {
            let usage = Usage::from_totals(&Totals { total: Some(total), ..totals.clone() });
            assert_eq!(usage.contradiction, contradiction, "{total}");
        }
    }

    fn count() -> impl Strategy<Value = Option<u64>> {
        proptest::option::of(prop_oneof![0_u64..5000, any::<u64>()])
    }

    proptest! {
        #[test]
        fn classes_sum_to_the_totals_where_these_are_consistent(
            parts in proptest::array::uniform8(0_u64..1_000_000), inside: bool, thinking_inside: bool,
        ) {
            let [fresh, read, write, write_1h, audio, text, thinking, audio_out] = parts;
            let cache = read + write + write_1h;
            let totals = Totals {
                input: Some(if inside { fresh + audio + cache } else { fresh + audio }),
                output: Some(if thinking_inside { text + thinking + audio_out } else { text + audio_out }),
                total: Some(fresh + audio + cache + text + thinking + audio_out),
                cached_input: Some(read), cache_write: Some(write), cache_write_1h: Some(write_1h),
                audio_in: Some(audio), reasoning: Some(thinking), audio_out: Some(audio_out),
                cache_inside_input: Some(inside), reasoning_inside_output: thinking_inside,
                ..Totals::default()
            };
            let usage = Usage::from_totals(&totals);
            prop_assert!(!usage.contradiction);
            prop_assert_eq!(usage.total_input(), fresh + audio + cache);
            prop_assert_eq!(usage.total_output(), text + thinking + audio_out);
            prop_assert_eq!((usage.input_uncached, usage.output_text), (Some(fresh), Some(text)));
        }

        #[test]
        fn no_counts_whatsoever_make_it_panic(
            counts in proptest::array::uniform11(count()), inside: Option<bool>, thinking_inside: bool,
        ) {
            let [input, output, total, cached_input, cache_write, cache_write_1h, reasoning, audio_in,
                audio_out, image_in, image_out] = counts;
            let usage = Usage::from_totals(&Totals {
                input, output, total, cached_input, cache_write, cache_write_1h, reasoning, audio_in, audio_out,
                image_in, image_out, service_tier: None, cache_inside_input: inside,
                reasoning_inside_output: thinking_inside,
            });
            prop_assert_eq!(usage.input_uncached.is_some(), input.is_some());
        }
    }
}
