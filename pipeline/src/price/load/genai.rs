//! The genai-prices data: providers, their models, dated prices in USD per million tokens.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::listing::parse_date;
use super::super::provider::normalise_provider;
use super::super::rates::{Rates, ServiceTier, TokenClass};
use super::super::row::{DailyWindow, Pattern, PriceRow, Source};
use super::super::usd::parse_usd_per_million;
use super::{BadField, LoadError, Parsed};

/// The prices of token classes; where two keys mean one class the later one wins.
const KEYS: &[(&str, TokenClass)] = &[
    ("input_text_mtok", TokenClass::InputUncached),
    ("input_mtok", TokenClass::InputUncached),
    ("output_text_mtok", TokenClass::OutputText),
    ("output_mtok", TokenClass::OutputText),
    ("cache_read_mtok", TokenClass::CacheRead),
    ("cache_write_mtok", TokenClass::CacheWrite5m),
    ("cache_write_5m_mtok", TokenClass::CacheWrite5m),
    ("cache_write_1h_mtok", TokenClass::CacheWrite1h),
    ("input_audio_mtok", TokenClass::InputAudio),
    ("output_audio_mtok", TokenClass::OutputAudio),
    ("cache_audio_read_mtok", TokenClass::CacheReadAudio),
    ("input_image_mtok", TokenClass::InputImage),
    ("output_image_mtok", TokenClass::OutputImage),
    ("cache_image_read_mtok", TokenClass::CacheReadImage),
    ("output_reasoning_mtok", TokenClass::Reasoning),
];

/// Which request a variant is for, and the tier that this is here. Routes and search types have none.
const VARIANTS: &[(&str, &str, ServiceTier)] = &[
    ("processing", "batch", ServiceTier::Batch),
    ("service_tier", "batch", ServiceTier::Batch),
    ("service_tier", "flex", ServiceTier::Flex),
    ("service_tier", "priority", ServiceTier::Priority),
    ("service_tier", "fast", ServiceTier::Fast),
    ("speed", "fast", ServiceTier::Fast),
];

const A_PRICE: &str = "USD per million tokens, a number of zero or more";

#[derive(Deserialize)]
struct ProviderData<'a> {
    id: String,
    #[serde(borrow, default)]
    models: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct ModelData<'a> {
    id: String,
    #[serde(default)]
    r#match: Value,
    #[serde(default)]
    context_window: Option<u64>,
    #[serde(borrow, default)]
    prices: Option<&'a RawValue>,
    #[serde(borrow, default)]
    price_variants: Option<Vec<VariantData<'a>>>,
}

#[derive(Deserialize)]
struct ConditionalData<'a> {
    #[serde(default)]
    constraint: Option<Constraint>,
    #[serde(borrow)]
    prices: BTreeMap<String, &'a RawValue>,
}

#[derive(Deserialize)]
struct VariantData<'a> {
    #[serde(default)]
    when: BTreeMap<String, String>,
    #[serde(default)]
    constraint: Option<Constraint>,
    #[serde(borrow, default)]
    prices: BTreeMap<String, &'a RawValue>,
}

#[derive(Deserialize)]
struct Constraint {
    #[serde(default)]
    start_date: Option<String>,
    #[serde(default)]
    start_time: Option<String>,
    #[serde(default)]
    end_time: Option<String>,
}

#[derive(Deserialize)]
struct TieredData<'a> {
    #[serde(borrow)]
    base: &'a RawValue,
    #[serde(borrow, default)]
    tiers: Vec<TierData<'a>>,
}

#[derive(Deserialize)]
struct TierData<'a> {
    start: u64,
    #[serde(borrow)]
    price: &'a RawValue,
}

/// What a model costs from one day on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dated {
    /// Microseconds since the Unix epoch; `None` is always.
    pub valid_from: Option<i64>,
    pub window: Option<DailyWindow>,
    pub rates: Arc<Rates>,
}

/// One model of the data.
#[derive(Clone, Debug)]
pub struct Model {
    /// The provider as the data calls it.
    pub provider: String,
    pub id: String,
    /// Names that the data lists for it, lower-case.
    pub names: Vec<String>,
    matching: Value,
    pub context_window: Option<u64>,
    /// The prices, the oldest first.
    pub prices: Vec<Dated>,
}

impl Model {
    /// Whether the data's own rules give a name to this model. Its regular expressions are taken as
    /// not matching: they tell snapshots apart, which names do here.
    pub fn matches(&self, name: &str) -> bool {
        clause_matches(&self.matching, name)
    }
}

pub(super) fn is_wrapped(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Wrapped<'a> {
        #[serde(borrow)]
        providers: Option<Vec<&'a RawValue>>,
    }
    serde_json::from_str::<Wrapped<'_>>(text).is_ok_and(|wrapped| wrapped.providers.is_some())
}

/// Reads the models of the data.
///
/// # Errors
/// Where the text is no JSON, no list of providers, or a field of a model is not what it must be.
pub fn models(text: &str) -> Result<Vec<Model>, LoadError> {
    #[derive(Deserialize)]
    struct Wrapped<'a> {
        #[serde(borrow)]
        providers: Vec<&'a RawValue>,
    }
    let providers = if text.starts_with('[') {
        serde_json::from_str::<Vec<&RawValue>>(text)
    } else {
        serde_json::from_str::<Wrapped<'_>>(text).map(|wrapped| wrapped.providers)
    };
    let providers = providers.map_err(|error| match error.classify() {
        serde_json::error::Category::Data => LoadError::UnknownShape,
        _ => LoadError::at(&error),
    })?;
    let mut models = Vec::new();
    for (raw, number) in providers.iter().zip(1..) {
        let provider: ProviderData<'_> = serde_json::from_str(raw.get()).map_err(|_| match number {
            1 => LoadError::UnknownShape,
            _ => BadField::new("id", "a provider with id and models").of(&format!("provider {number}")),
        })?;
        let first = models.len();
        for (raw, number) in provider.models.iter().zip(1..) {
            models.push(model(&provider.id, raw, number)?);
        }
        name_models(models.get_mut(first..).unwrap_or_default());
    }
    Ok(models)
}

/// The `number`th model of a provider.
fn model(provider: &str, raw: &RawValue, number: usize) -> Result<Model, LoadError> {
    let model: ModelData<'_> = serde_json::from_str(raw.get()).map_err(|_| {
        let expected = "a text as id, a count as context_window, and prices of their shape";
        BadField::new("id, context_window or price_variants", expected)
            .of(&format!("{provider}/model {number}"))
    })?;
    Ok(Model {
        provider: provider.to_owned(),
        id: model.id.to_lowercase(),
        names: Vec::new(),
        prices: dated(&model).map_err(|bad| bad.of(&format!("{provider}/{}", model.id)))?,
        matching: model.r#match,
        context_window: model.context_window,
    })
}

/// Reads the data as rows. See [`super::parse`].
///
/// # Errors
/// As [`models`].
pub fn parse(text: &str, source_name: &str) -> Result<Parsed, LoadError> {
    let source_name: Arc<str> = Arc::from(source_name);
    let mut parsed = Parsed::default();
    for model in models(text)? {
        if model.prices.is_empty() {
            parsed.skipped.push((format!("{}/{}", model.provider, model.id), "no price per token"));
        }
        for name in &model.names {
            for price in &model.prices {
                parsed.rows.push(PriceRow {
                    provider: canonical(&model.provider, name),
                    model: Pattern::Exact(name.clone()),
                    valid_from: price.valid_from,
                    valid_to: None,
                    window: price.window,
                    source: Source::Loaded,
                    source_name: Arc::clone(&source_name),
                    rates: Arc::clone(&price.rates),
                    context_window: model.context_window,
                    id: String::new(),
                    maps_to: None,
                });
            }
        }
    }
    Ok(parsed)
}

/// The provider of a row. The data's `google` sells Gemini on two platforms at one price, and others'
/// models on Vertex AI.
pub fn canonical(provider: &str, name: &str) -> Option<String> {
    if provider == "google" {
        return Some(if name.contains("claude") { "gcp.vertex_ai" } else { "gcp.gemini" }.to_owned());
    }
    normalise_provider(provider).map(|provider| provider.into_owned())
}

/// Gives each model its names: what its rules say it equals, its id, and the literals of its other
/// rules, each to the first model that claims it. A literal names a model exactly here; longer names
/// with that beginning may be other models.
fn name_models(models: &mut [Model]) {
    let mut taken = HashSet::new();
    for pass in 0..3 {
        for model in &mut *models {
            let mut literals = Vec::new();
            match pass {
                0 => literals_of(&model.matching, &["equals"], &mut literals),
                1 if model.matches(&model.id) => literals.push(model.id.clone()),
                1 => {}
                _ => literals_of(&model.matching, &["starts_with", "ends_with", "contains"], &mut literals),
            }
            for literal in literals {
                let name =
                    literal.trim_start_matches('/').trim_end_matches(['-', '@', '.', ':']).to_lowercase();
                if !name.is_empty() && !name.contains(char::is_whitespace) && taken.insert(name.clone()) {
                    model.names.push(name);
                }
            }
        }
    }
}

fn literals_of(clause: &Value, kinds: &[&str], literals: &mut Vec<String>) {
    let Some((kind, value)) = clause.as_object().and_then(|object| object.iter().next()) else { return };
    if kind == "or" || kind == "or_" {
        for inner in value.as_array().into_iter().flatten() {
            literals_of(inner, kinds, literals);
        }
    } else if kinds.contains(&kind.as_str())
        && let Some(text) = value.as_str()
    {
        literals.push(text.to_owned());
    }
}

fn clause_matches(clause: &Value, name: &str) -> bool {
    let Some((kind, value)) = clause.as_object().and_then(|object| object.iter().next()) else {
        return false;
    };
    let literal = value.as_str().unwrap_or("").to_lowercase();
    let mut inner = value.as_array().into_iter().flatten();
    match kind.as_str() {
        "or" | "or_" => inner.any(|clause| clause_matches(clause, name)),
        "and" | "and_" => inner.all(|clause| clause_matches(clause, name)),
        "equals" => name == literal,
        "starts_with" => name.starts_with(&literal),
        "ends_with" => name.ends_with(&literal),
        "contains" => name.contains(&literal),
        _ => false,
    }
}

/// The prices of a model as of each day on which one changes.
fn dated(model: &ModelData<'_>) -> Result<Vec<Dated>, BadField> {
    let Some(prices) = model.prices else { return Ok(Vec::new()) };
    let conditional: Result<Vec<ConditionalData<'_>>, _> = if prices.get().starts_with('[') {
        serde_json::from_str(prices.get())
    } else {
        serde_json::from_str(prices.get()).map(|prices| vec![ConditionalData { constraint: None, prices }])
    };
    let conditional =
        conditional.map_err(|_| BadField::new("prices", "an object of prices, or a list of dated ones"))?;
    let variants: &[VariantData<'_>] = model.price_variants.as_deref().unwrap_or_default();
    let entries: Vec<(Option<i64>, Option<DailyWindow>, Rates)> = conditional
        .iter()
        .map(|entry| {
            let constraint = entry.constraint.as_ref();
            Ok((start(constraint)?, window(constraint)?, rates_of(&entry.prices)?))
        })
        .collect::<Result<_, BadField>>()?;
    let mut days: BTreeSet<Option<i64>> =
        std::iter::once(None).chain(entries.iter().map(|(start, _, _)| *start)).collect();
    for variant in variants {
        days.insert(start(variant.constraint.as_ref())?);
    }

    let mut dated: Vec<Dated> = Vec::new();
    let mut last: Vec<(Option<DailyWindow>, Rates)> = Vec::new();
    for day in days {
        let tiers = variant_rates(variants, day)?;
        // The last entry that holds wins; if none does, the first is the price.
        let standard =
            entries.iter().rposition(|(start, window, _)| window.is_none() && *start <= day).unwrap_or(0);
        let Some((_, _, base)) = entries.get(standard) else { continue };
        let mut current = vec![(None, joined(base, &tiers))];
        for (_, window, rates) in entries.iter().skip(standard + 1) {
            if window.is_some() {
                current.push((*window, joined(rates, &tiers)));
            }
        }
        current.retain(|(_, rates)| !rates.is_empty());
        for (_, rates) in &mut current {
            super::state_free_output(rates);
        }
        if current != last {
            dated.extend(current.iter().map(|(window, rates)| Dated {
                valid_from: day,
                window: *window,
                rates: Arc::new(rates.clone()),
            }));
            last = current;
        }
    }
    Ok(dated)
}

/// `None`: from always.
fn start(constraint: Option<&Constraint>) -> Result<Option<i64>, BadField> {
    let Some(date) = constraint.and_then(|constraint| constraint.start_date.as_deref()) else {
        return Ok(None);
    };
    let wrong = || BadField::new("constraint.start_date", "a date such as 2026-01-31");
    parse_date(date).map(Some).ok_or_else(wrong)
}

/// `None`: the whole day.
fn window(constraint: Option<&Constraint>) -> Result<Option<DailyWindow>, BadField> {
    let times = constraint.and_then(|limit| Some((limit.start_time.as_deref()?, limit.end_time.as_deref()?)));
    let Some((start, end)) = times else { return Ok(None) };
    let wrong = || BadField::new("constraint.start_time", "a time such as 16:30:00Z, and one as end_time");
    let (start, end) = second(start).zip(second(end)).ok_or_else(wrong)?;
    Ok(Some(DailyWindow { start, end, weekdays: DailyWindow::EVERY_DAY }))
}

/// `00:30:00Z` or `00:30:00+00:00`; other offsets do not occur and are refused.
fn second(text: &str) -> Option<u32> {
    let text = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00")).unwrap_or(text);
    let mut parts = text.split(':').map(|part| part.parse::<u32>().ok());
    let (hour, minute) = (parts.next()??, parts.next()??);
    (hour < 24 && minute < 60).then_some(hour * 3600 + minute * 60)
}

/// Prices that only some requests pay, as of a day. The first variant that prices a key wins.
fn variant_rates(
    variants: &[VariantData<'_>],
    day: Option<i64>,
) -> Result<Vec<(ServiceTier, Rates)>, BadField> {
    let mut tiers: Vec<(ServiceTier, Rates)> = Vec::new();
    for variant in variants {
        let timed = variant.constraint.as_ref().is_some_and(|constraint| constraint.start_time.is_some());
        let mut when = variant.when.iter();
        let (Some((key, value)), None, false) = (when.next(), when.next(), timed) else { continue };
        let Some((_, _, tier)) = VARIANTS.iter().find(|(k, v, _)| k == key && v == value) else { continue };
        if start(variant.constraint.as_ref())? > day {
            continue;
        }
        let rates = rates_of(&variant.prices)?;
        match tiers.iter_mut().find(|(held, _)| held == tier) {
            None => tiers.push((*tier, rates)),
            Some((_, held)) => {
                let classes: BTreeSet<TokenClass> = held.entries().iter().map(|entry| entry.class).collect();
                for entry in rates.entries().iter().filter(|entry| !classes.contains(&entry.class)) {
                    held.set(None, entry.class, entry.above, entry.usd.clone());
                }
            }
        }
    }
    // `fast` is another word for `priority` with OpenAI, and priced the same.
    let priority =
        tiers.iter().find(|(tier, _)| *tier == ServiceTier::Priority).map(|(_, rates)| rates.clone());
    tiers.retain(|(tier, rates)| *tier != ServiceTier::Fast || Some(rates) != priority.as_ref());
    Ok(tiers)
}

fn joined(base: &Rates, tiers: &[(ServiceTier, Rates)]) -> Rates {
    let mut joined = base.clone();
    for (tier, rates) in tiers {
        for entry in rates.entries() {
            joined.set(Some(*tier), entry.class, entry.above, entry.usd.clone());
        }
    }
    joined
}

/// The standard rates of one list of prices; keys that are no prices per token are passed over.
fn rates_of(prices: &BTreeMap<String, &RawValue>) -> Result<Rates, BadField> {
    let mut rates = Rates::new();
    for (key, class) in KEYS {
        let Some(raw) = prices.get(*key).filter(|raw| raw.get() != "null") else { continue };
        let wrong = || BadField::new(&format!("prices.{key}"), A_PRICE);
        let usd = |raw: &RawValue| parse_usd_per_million(raw.get().trim_matches('"'));
        if let Some(usd) = usd(raw) {
            rates.set(None, *class, 0, usd);
            continue;
        }
        // serde would take a list for the fields of the object in their order.
        let tiered = Some(raw.get()).filter(|raw| raw.starts_with('{')).ok_or_else(wrong)?;
        let tiered = serde_json::from_str::<TieredData<'_>>(tiered).map_err(|_| wrong())?;
        rates.set(None, *class, 0, usd(tiered.base).ok_or_else(wrong)?);
        for tier in &tiered.tiers {
            rates.set(None, *class, tier.start, usd(tier.price).ok_or_else(wrong)?);
        }
    }
    Ok(rates)
}

#[cfg(test)]
mod tests;
