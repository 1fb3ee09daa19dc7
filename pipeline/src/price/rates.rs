//! Prices per token class: the table of one price row, and which of its rates a request pays.

use super::usd::Usd;

/// A class of tokens with a price of its own. The first ten are disjoint and make up a
/// [`Usage`](super::Usage); the last two price parts of `CacheRead`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenClass {
    InputUncached,
    CacheRead,
    CacheWrite5m,
    CacheWrite1h,
    InputAudio,
    InputImage,
    OutputText,
    Reasoning,
    OutputAudio,
    OutputImage,
    CacheReadAudio,
    CacheReadImage,
}

impl TokenClass {
    /// Every class, with its name in breakdowns and columns and its key in the built-in price file.
    pub const ALL: [(TokenClass, &'static str, &'static str); 12] = [
        (TokenClass::InputUncached, "input_uncached", "in"),
        (TokenClass::CacheRead, "cache_read", "read"),
        (TokenClass::CacheWrite5m, "cache_write_5m", "write"),
        (TokenClass::CacheWrite1h, "cache_write_1h", "write1h"),
        (TokenClass::InputAudio, "input_audio", "audio"),
        (TokenClass::InputImage, "input_image", "image"),
        (TokenClass::OutputText, "output_text", "out"),
        (TokenClass::Reasoning, "reasoning", "reason"),
        (TokenClass::OutputAudio, "output_audio", "oaudio"),
        (TokenClass::OutputImage, "output_image", "oimage"),
        (TokenClass::CacheReadAudio, "cache_read_audio", "raudio"),
        (TokenClass::CacheReadImage, "cache_read_image", "rimage"),
    ];

    /// The name in breakdowns, as the columns of stored events spell it.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(class, _, _)| *class == self).map_or("", |(_, name, _)| name)
    }

    /// The class whose price stands in when this one has none: audio, image and reasoning cost the
    /// text price of their side, cached tokens without a price cost input.
    fn stand_in(self) -> Option<TokenClass> {
        use TokenClass::*;
        match self {
            InputUncached | OutputText => None,
            CacheRead | CacheWrite5m | InputAudio | InputImage => Some(InputUncached),
            CacheWrite1h => Some(CacheWrite5m),
            Reasoning | OutputAudio | OutputImage => Some(OutputText),
            CacheReadAudio | CacheReadImage => Some(CacheRead),
        }
    }
}

/// How a provider served the request, where it has a price of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceTier {
    Batch,
    Flex,
    Priority,
    Fast,
}

impl ServiceTier {
    /// Every tier with its name.
    pub const ALL: [(ServiceTier, &'static str); 4] = [
        (ServiceTier::Batch, "batch"),
        (ServiceTier::Flex, "flex"),
        (ServiceTier::Priority, "priority"),
        (ServiceTier::Fast, "fast"),
    ];

    /// The tier's name: `batch`, `flex`, `priority` or `fast`.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(tier, _)| *tier == self).map_or("", |(_, name)| name)
    }

    /// Reads a tier as providers spell it, in any case. `None` is the standard tier (`default`,
    /// `standard`, `auto`, `on_demand`) and every tier that has no price of its own.
    pub fn parse(text: &str) -> Option<ServiceTier> {
        let text = text.trim().to_ascii_lowercase();
        let text = text.strip_prefix("on_demand_").unwrap_or(&text);
        match text {
            "batch" | "batches" => Some(ServiceTier::Batch),
            "flex" => Some(ServiceTier::Flex),
            "priority" => Some(ServiceTier::Priority),
            "fast" => Some(ServiceTier::Fast),
            _ => None,
        }
    }
}

/// One rate: USD per token of `class`, for `tier` (None is standard), for requests whose total
/// input is strictly above `above` tokens (0 is every request).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateEntry {
    pub tier: Option<ServiceTier>,
    pub class: TokenClass,
    pub above: u64,
    pub usd: Usd,
}

/// The rates of one price row, sorted by tier, class and threshold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    entries: Vec<RateEntry>,
}

/// The rate that a class of a request pays, and which of the row's variants it came from.
#[derive(Clone, Copy, Debug)]
pub struct Applied<'a> {
    pub usd: &'a Usd,
    pub tier: Option<ServiceTier>,
    /// The long-context threshold that was passed, in tokens; 0 for the base price.
    pub above: u64,
}

impl Rates {
    /// No rates at all: prices nothing.
    pub fn new() -> Rates {
        Rates::default()
    }

    /// Sets a rate; a second one for the same tier, class and threshold replaces the first.
    pub fn set(&mut self, tier: Option<ServiceTier>, class: TokenClass, above: u64, usd: Usd) {
        let key = (tier, class, above);
        match self.entries.binary_search_by_key(&key, |entry| (entry.tier, entry.class, entry.above)) {
            Ok(at) => {
                if let Some(entry) = self.entries.get_mut(at) {
                    entry.usd = usd;
                }
            }
            Err(at) => self.entries.insert(at, RateEntry { tier, class, above, usd }),
        }
    }

    /// Sets a standard base rate: what a caller writes most.
    pub fn with(mut self, class: TokenClass, usd: Usd) -> Rates {
        self.set(None, class, 0, usd);
        self
    }

    /// The exact entry, without any fallback.
    pub fn get(&self, tier: Option<ServiceTier>, class: TokenClass, above: u64) -> Option<&Usd> {
        let key = (tier, class, above);
        let at =
            self.entries.binary_search_by_key(&key, |entry| (entry.tier, entry.class, entry.above)).ok()?;
        self.entries.get(at).map(|entry| &entry.usd)
    }

    /// Whether a class has any rate in a tier.
    pub fn has(&self, tier: Option<ServiceTier>, class: TokenClass) -> bool {
        self.entries.iter().any(|entry| entry.tier == tier && entry.class == class)
    }

    /// All rates, sorted.
    pub fn entries(&self) -> &[RateEntry] {
        &self.entries
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The tier whose rates a request in `tier` pays: `fast` is `priority` where a provider has no
    /// own price for it, and a tier without rates is the standard one.
    pub(super) fn effective_tier(&self, tier: Option<ServiceTier>) -> Option<ServiceTier> {
        let tier = tier?;
        let has = |wanted| self.entries.iter().any(|entry| entry.tier == Some(wanted));
        if has(tier) {
            return Some(tier);
        }
        (tier == ServiceTier::Fast && has(ServiceTier::Priority)).then_some(ServiceTier::Priority)
    }

    /// The rate for a class of a request in `tier` with `total_input` tokens (cache included).
    /// `None`: the row has no price for it, not even by its stand-in.
    pub fn applied(
        &self,
        class: TokenClass,
        tier: Option<ServiceTier>,
        total_input: u64,
    ) -> Option<Applied<'_>> {
        let tier = self.effective_tier(tier);
        let mut class = class;
        // A tier that re-prices output re-prices thinking with it, even where thinking has a
        // standard price of its own.
        if class == TokenClass::Reasoning
            && tier.is_some()
            && !self.has(tier, class)
            && self.has(tier, TokenClass::OutputText)
        {
            class = TokenClass::OutputText;
        }
        loop {
            if tier.is_some()
                && let Some(found) = self.within(tier, class, total_input)
            {
                return Some(found);
            }
            if let Some(found) = self.within(None, class, total_input) {
                return Some(found);
            }
            class = class.stand_in()?;
        }
    }

    fn within(&self, tier: Option<ServiceTier>, class: TokenClass, total_input: u64) -> Option<Applied<'_>> {
        let entry = self.entries.iter().rev().find(|entry| {
            entry.tier == tier && entry.class == class && (entry.above == 0 || total_input > entry.above)
        })?;
        Some(Applied { usd: &entry.usd, tier, above: entry.above })
    }
}

#[cfg(test)]
mod tests {
    use super::super::usd::parse_usd;
    use super::*;

    fn usd(text: &str) -> Usd {
        parse_usd(text).unwrap()
    }

    #[test]
    fn long_context_applies_strictly_above_the_threshold() {
        let mut rates = Rates::new().with(TokenClass::InputUncached, usd("1"));
        rates.set(None, TokenClass::InputUncached, 200_000, usd("2"));
        rates.set(None, TokenClass::InputUncached, 272_000, usd("3"));
        for (total, rate) in [(0, "1"), (200_000, "1"), (200_001, "2"), (272_000, "2"), (272_001, "3")] {
            assert_eq!(
                *rates.applied(TokenClass::InputUncached, None, total).unwrap().usd,
                usd(rate),
                "{total}"
            );
        }
    }

    #[test]
    fn classes_without_a_price_cost_their_stand_in() {
        let rates =
            Rates::new().with(TokenClass::InputUncached, usd("1")).with(TokenClass::OutputText, usd("4"));
        use TokenClass::*;
        for class in [CacheRead, CacheWrite5m, CacheWrite1h, InputAudio, InputImage, CacheReadAudio] {
            assert_eq!(*rates.applied(class, None, 10).unwrap().usd, usd("1"), "{class:?}");
        }
        for class in [Reasoning, OutputAudio, OutputImage] {
            assert_eq!(*rates.applied(class, None, 10).unwrap().usd, usd("4"), "{class:?}");
        }
    }

    #[test]
    fn a_side_without_any_price_is_not_known() {
        let rates = Rates::new().with(TokenClass::InputUncached, usd("1"));
        assert!(rates.applied(TokenClass::OutputText, None, 0).is_none());
        assert!(rates.applied(TokenClass::Reasoning, None, 0).is_none());
    }

    #[test]
    fn a_tier_replaces_only_what_it_prices() {
        let mut rates = Rates::new()
            .with(TokenClass::InputUncached, usd("2"))
            .with(TokenClass::CacheRead, usd("0.2"))
            .with(TokenClass::Reasoning, usd("9"))
            .with(TokenClass::OutputText, usd("8"));
        rates.set(Some(ServiceTier::Batch), TokenClass::InputUncached, 0, usd("1"));
        rates.set(Some(ServiceTier::Batch), TokenClass::OutputText, 0, usd("4"));
        let batch = Some(ServiceTier::Batch);
        assert_eq!(*rates.applied(TokenClass::InputUncached, batch, 0).unwrap().usd, usd("1"));
        assert_eq!(*rates.applied(TokenClass::CacheRead, batch, 0).unwrap().usd, usd("0.2"));
        assert_eq!(*rates.applied(TokenClass::CacheWrite5m, batch, 0).unwrap().usd, usd("1"));
        assert_eq!(*rates.applied(TokenClass::Reasoning, batch, 0).unwrap().usd, usd("4"));
        assert_eq!(
            *rates.applied(TokenClass::InputUncached, Some(ServiceTier::Flex), 0).unwrap().usd,
            usd("2")
        );
    }
}
