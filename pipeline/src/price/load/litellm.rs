//! LiteLLM's `model_prices_and_context_window.json`: one object, a model each, USD per token.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::super::provider::normalise_provider;
use super::super::rates::{Rates, ServiceTier, TokenClass};
use super::super::row::{DailyWindow, Pattern, PriceRow, Source};
use super::super::usd::{Usd, parse_usd_from_double};
use super::{BadField, LoadError, Parsed};

/// The keys of prices per token, the longer ones before their prefixes.
const BASES: &[(&str, TokenClass)] = &[
    ("cache_creation_input_token_cost_above_1hr", TokenClass::CacheWrite1h),
    ("cache_creation_input_token_cost", TokenClass::CacheWrite5m),
    ("cache_read_input_audio_token_cost", TokenClass::CacheReadAudio),
    ("cache_read_input_image_token_cost", TokenClass::CacheReadImage),
    ("cache_read_input_token_cost", TokenClass::CacheRead),
    ("input_cost_per_audio_token", TokenClass::InputAudio),
    ("input_cost_per_image_token", TokenClass::InputImage),
    ("input_cost_per_token", TokenClass::InputUncached),
    ("output_cost_per_audio_token", TokenClass::OutputAudio),
    ("output_cost_per_image_token", TokenClass::OutputImage),
    ("output_cost_per_reasoning_token", TokenClass::Reasoning),
    ("output_cost_per_token", TokenClass::OutputText),
];

const TIERS: &[(&str, ServiceTier)] =
    &[("_priority", ServiceTier::Priority), ("_flex", ServiceTier::Flex), ("_batches", ServiceTier::Batch)];

const A_PRICE: &str = "USD per token, a number of zero or more";

/// An entry that documents the file's fields.
const SAMPLE: &str = "sample_spec";

type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// Reads the file. See [`super::parse`].
///
/// # Errors
/// Where the text is no JSON object of objects, or a field of an entry holds no price where one must be.
pub fn parse(text: &str, source_name: &str) -> Result<Parsed, LoadError> {
    let models: BTreeMap<String, &RawValue> =
        serde_json::from_str(text).map_err(|error| LoadError::at(&error))?;
    let source_name: Arc<str> = Arc::from(source_name);
    let mut parsed = Parsed::default();
    let mut any_model = false;
    let mut held: BTreeMap<(Option<String>, String), (Standing, Vec<PriceRow>)> = BTreeMap::new();
    for (key, raw) in &models {
        if key == SAMPLE {
            continue;
        }
        let Ok(fields) = serde_json::from_str::<Fields<'_>>(raw.get()) else {
            parsed.skipped.push((key.clone(), "expected an object"));
            continue;
        };
        any_model |= fields.contains_key("litellm_provider") || fields.contains_key("input_cost_per_token");
        let rates = match token_rates(&fields) {
            Ok(rates) => rates,
            Err(Unpriced::Skipped(reason)) => {
                parsed.skipped.push((key.clone(), reason));
                continue;
            }
            Err(Unpriced::Bad(bad)) => return Err(bad.of(key)),
        };
        let (provider, name) = split(key, text_of(&fields, "litellm_provider").as_deref());
        let paid = rates.entries().iter().any(|entry| entry.usd != 0);
        let standing = Standing { paid, bare: name.len() == key.len() };
        let rows = rows(&fields, provider.clone(), &name, rates, &source_name).map_err(|bad| bad.of(key))?;
        match held.entry((provider, name)) {
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                if standing > entry.get().0 {
                    entry.insert((standing, rows));
                }
            }
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert((standing, rows));
            }
        }
    }
    if !any_model && !models.is_empty() {
        return Err(LoadError::UnknownShape);
    }
    parsed.rows = held.into_values().flat_map(|(_, rows)| rows).collect();
    Ok(parsed)
}

/// Which of two entries for one model counts: one that costs something (`codestral/codestral-latest` is a free trial
/// of `mistral/codestral-latest`), then the model's own name, which is kept up to date (`deepseek-chat` beside
/// `deepseek/deepseek-chat`).
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Standing {
    paid: bool,
    bare: bool,
}

/// The provider and the model's own name: `azure/gpt-4o` is `gpt-4o` of Azure.
fn split(key: &str, litellm_provider: Option<&str>) -> (Option<String>, String) {
    let lower = key.trim().to_lowercase();
    let provider = litellm_provider.and_then(normalise_provider);
    let name = match (lower.split_once('/'), &provider) {
        (Some((first, rest)), Some(provider)) if normalise_provider(first).as_ref() == Some(provider) => {
            rest.to_owned()
        }
        _ => lower,
    };
    (provider.map(|provider| provider.into_owned()), name)
}

fn text_of(fields: &Fields<'_>, key: &str) -> Option<String> {
    serde_json::from_str(fields.get(key)?.get()).ok()
}

/// A number, or a text that holds one; `None` for null and everything else.
fn usd_of(raw: &RawValue) -> Option<Usd> {
    parse_usd_from_double(raw.get().trim_matches('"'))
}

fn count_of(raw: &RawValue) -> Option<u64> {
    let text = raw.get().trim_matches('"');
    text.split_once('.').map_or(text, |(whole, _)| whole).parse().ok()
}

/// Which price a key names: class, tier, threshold.
fn meaning(key: &str) -> Option<(TokenClass, Option<ServiceTier>, u64)> {
    let (base, class) = BASES.iter().find(|(base, _)| key.starts_with(base))?;
    let mut rest = key.get(base.len()..)?;
    let mut tier = None;
    let mut above = 0;
    while !rest.is_empty() {
        if let Some((suffix, named)) = TIERS.iter().find(|(suffix, _)| rest.starts_with(suffix)) {
            tier = Some(*named);
            rest = rest.get(suffix.len()..)?;
        } else {
            let (threshold, after) = rest.strip_prefix("_above_")?.split_once("_tokens")?;
            let (digits, thousand) =
                threshold.strip_suffix('k').map_or((threshold, 1), |digits| (digits, 1000));
            above = digits.parse::<u64>().ok()?.checked_mul(thousand)?;
            rest = after;
        }
    }
    Some((*class, tier, above))
}

/// Why an entry has no prices.
enum Unpriced {
    /// No tokens can be priced by it, and the reason.
    Skipped(&'static str),
    Bad(BadField),
}

impl From<BadField> for Unpriced {
    fn from(bad: BadField) -> Unpriced {
        Unpriced::Bad(bad)
    }
}

/// The standard prices per token, tiers included.
fn token_rates(fields: &Fields<'_>) -> Result<Rates, Unpriced> {
    let mut rates = Rates::new();
    let mut other_unit = false;
    let mut other_output = false;
    for (key, raw) in fields {
        if let Some((class, tier, above)) = meaning(key) {
            if let Some(usd) = usd_of(raw) {
                rates.set(tier, class, above, usd);
            } else if raw.get() != "null" {
                return Err(BadField::new(key, A_PRICE).into());
            }
        } else if key.contains("cost_per_") && usd_of(raw).is_some_and(|usd| usd != 0) {
            other_unit = true;
            other_output |= key.starts_with("output_cost");
        }
    }
    if rates.get(None, TokenClass::CacheRead, 0).is_none()
        && let Some(usd) = fields.get("input_cost_per_token_cache_hit").and_then(|raw| usd_of(raw))
    {
        rates.set(None, TokenClass::CacheRead, 0, usd);
    }
    set_tiered_pricing(&mut rates, fields)?;
    if rates.is_empty() {
        return Err(Unpriced::Skipped("no price per token"));
    }
    // Zero for tokens beside a price for images or seconds means that tokens are not what is billed.
    if other_unit && rates.entries().iter().all(|entry| entry.usd == 0) {
        return Err(Unpriced::Skipped("priced by another unit than tokens"));
    }
    if !rates.has(None, TokenClass::OutputText)
        && let Some(usd) = rates.get(None, TokenClass::OutputImage, 0).cloned()
    {
        // All that an image model puts out is images.
        rates.set(None, TokenClass::OutputText, 0, usd);
    }
    complete_tiers(&mut rates);
    if !other_output {
        super::state_free_output(&mut rates);
    }
    Ok(rates)
}

/// `tiered_pricing`: a list of whole price lists by total input (`range`, above its start).
fn set_tiered_pricing(rates: &mut Rates, fields: &Fields<'_>) -> Result<(), BadField> {
    let Some(raw) = fields.get("tiered_pricing").filter(|raw| raw.get() != "null") else { return Ok(()) };
    let tiers = serde_json::from_str::<Vec<Fields<'_>>>(raw.get())
        .map_err(|_| BadField::new("tiered_pricing", "a list of objects"))?;
    for (key, raw) in tiers.iter().flatten() {
        if meaning(key).is_some() && usd_of(raw).is_none() && raw.get() != "null" {
            return Err(BadField::new(&format!("tiered_pricing.{key}"), A_PRICE));
        }
    }
    let classes: Vec<(&str, TokenClass)> = BASES
        .iter()
        .filter(|(base, class)| {
            *class != TokenClass::CacheWrite1h && tiers.iter().any(|tier| tier.contains_key(*base))
        })
        .map(|(base, class)| (*base, *class))
        .collect();
    for tier in &tiers {
        let start = tier
            .get("range")
            .and_then(|raw| serde_json::from_str::<Vec<&RawValue>>(raw.get()).ok())
            .and_then(|range| count_of(range.first()?));
        let Some(start) = start else { continue };
        let Some(input) = tier.get("input_cost_per_token").and_then(|raw| usd_of(raw)) else { continue };
        for (base, class) in &classes {
            let own = tier.get(*base).and_then(|raw| usd_of(raw));
            let stand_in = match class {
                TokenClass::OutputText => None,
                TokenClass::Reasoning | TokenClass::OutputAudio | TokenClass::OutputImage => {
                    tier.get("output_cost_per_token").and_then(|raw| usd_of(raw))
                }
                _ => Some(input.clone()),
            };
            if let Some(usd) = own.or(stand_in) {
                rates.set(None, *class, start, usd);
            }
        }
    }
    Ok(())
}

/// A tier's price for long requests that the file leaves out: flex and priority pay the standard one,
/// as LiteLLM's own calculation does; a batch pays its flat price.
fn complete_tiers(rates: &mut Rates) {
    let missing: Vec<_> = rates
        .entries()
        .iter()
        .flat_map(|entry| TIERS.iter().map(move |(_, tier)| (*tier, entry)))
        .filter(|(tier, entry)| {
            entry.tier.is_none()
                && rates.has(Some(*tier), entry.class)
                && rates.get(Some(*tier), entry.class, entry.above).is_none()
                && (entry.above == 0 || *tier != ServiceTier::Batch)
        })
        .map(|(tier, entry)| (tier, entry.class, entry.above, entry.usd.clone()))
        .collect();
    for (tier, class, above, usd) in missing {
        rates.set(Some(tier), class, above, usd);
    }
}

/// The row of a model, and one for each of its off-peak windows.
fn rows(
    fields: &Fields<'_>,
    provider: Option<String>,
    name: &str,
    rates: Rates,
    source_name: &Arc<str>,
) -> Result<Vec<PriceRow>, BadField> {
    let off_peak = off_peak(fields, &rates)?;
    let mut row = PriceRow::new("", Source::Loaded, rates);
    row.provider = provider;
    row.model = Pattern::Exact(name.to_owned());
    row.source_name = Arc::clone(source_name);
    row.context_window = fields.get("max_input_tokens").and_then(|raw| count_of(raw));
    let mut rows = vec![row.clone()];
    for (window, rates) in off_peak {
        rows.push(PriceRow { window: Some(window), rates, ..row.clone() });
    }
    Ok(rows)
}

/// `off_peak_pricing`: flat prices within UTC hours (`hours_utc`) or within the hours of weekdays
/// (`windows`), which replace the standard ones, those for long requests too.
fn off_peak(fields: &Fields<'_>, standard: &Rates) -> Result<Vec<(DailyWindow, Arc<Rates>)>, BadField> {
    let block = fields.get("off_peak_pricing").filter(|block| block.get() != "null");
    let Some(block) = block else { return Ok(Vec::new()) };
    let block = serde_json::from_str::<Fields<'_>>(block.get())
        .map_err(|_| BadField::new("off_peak_pricing", "an object"))?;
    for (base, _) in BASES {
        if block.get(*base).is_some_and(|raw| usd_of(raw).is_none() && raw.get() != "null") {
            return Err(BadField::new(&format!("off_peak_pricing.{base}"), A_PRICE));
        }
    }
    let mut rates = Rates::new();
    let flat: Vec<(TokenClass, Usd)> =
        BASES.iter().filter_map(|(base, class)| Some((*class, usd_of(block.get(*base)?)?))).collect();
    for entry in standard.entries() {
        if entry.tier.is_some() || flat.iter().all(|(class, _)| *class != entry.class) {
            rates.set(entry.tier, entry.class, entry.above, entry.usd.clone());
        }
    }
    for (class, usd) in flat {
        rates.set(None, class, 0, usd);
    }
    let rates = Arc::new(rates);
    let mut windows = hours(block.get("hours_utc"), DailyWindow::EVERY_DAY)?;
    let rules: Vec<Fields<'_>> =
        block.get("windows").and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    for rule in &rules {
        let days: Option<Vec<i64>> =
            rule.get("weekdays").and_then(|raw| serde_json::from_str(raw.get()).ok());
        let mask = days.map_or(DailyWindow::EVERY_DAY, DailyWindow::weekdays_of);
        windows.extend(hours(rule.get("hours_utc"), mask)?);
    }
    Ok(windows.into_iter().map(|window| (window, Arc::clone(&rates))).collect())
}

/// `"16:30-00:30"` or a list of such.
fn hours(raw: Option<&&RawValue>, weekdays: u8) -> Result<Vec<DailyWindow>, BadField> {
    let Some(raw) = raw else { return Ok(Vec::new()) };
    let wrong =
        || BadField::new("off_peak_pricing.hours_utc", "hours such as 16:30-00:30, or a list of them");
    let texts: Vec<String> = serde_json::from_str(raw.get())
        .or_else(|_| serde_json::from_str::<String>(raw.get()).map(|text| vec![text]))
        .map_err(|_| wrong())?;
    texts.iter().map(|text| DailyWindow::parse(text, weekdays).ok_or_else(wrong)).collect()
}

#[cfg(test)]
mod tests;
