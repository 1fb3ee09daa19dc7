//! Prices as text that diffs well: the form of the file that comes with Observa.
//!
//! The text groups models by provider (`[openai]`). A line without indent names models that share
//! their prices; each indented line below is one price: where it was learned (`g` genai-prices, `l`
//! LiteLLM, `gl` both), since when (`*` is always, else a UTC date, `~0030-1630` adds daily hours and
//! `/67` weekdays from 1 = Monday), then `key=value`: `ctx` is the context window in tokens, every
//! other key a token class ([`TokenClass::ALL`]) with its price in USD per million tokens; `batch.in` is
//! the price of a service tier, `in>200000` that of a request with more input than that.

use std::fmt::Write as _;
use std::sync::Arc;

use super::rates::{Rates, ServiceTier, TokenClass};
use super::row::{DailyWindow, Pattern, PriceRow, Source};
use super::usd::{parse_usd_per_million, per_million_text};

/// A line that the format does not allow, counted from 1.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("price listing, line {line}: {what}")]
pub struct FormatError {
    line: usize,
    what: &'static str,
}

/// Reads a listing. The rows are [`Source::Builtin`].
///
/// # Errors
/// At the first line that is none of those described above.
pub fn parse(text: &str) -> Result<Vec<PriceRow>, FormatError> {
    let mut rows = Vec::with_capacity(text.len() / 50);
    let mut provider: Option<String> = None;
    let mut names: Vec<&str> = Vec::new();
    let source_names: [Arc<str>; 3] =
        [Arc::from("genai-prices"), Arc::from("litellm"), Arc::from("genai-prices, litellm")];
    for (line, at) in text.lines().zip(1..) {
        let wrong = |what| FormatError { line: at, what };
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            provider = Some(name.to_owned());
        } else if let Some(price) = line.strip_prefix(' ') {
            let mut words = price.split_ascii_whitespace();
            let source_name = match words.next() {
                Some("g") => &source_names[0],
                Some("l") => &source_names[1],
                Some("gl") => &source_names[2],
                _ => return Err(wrong("expected g, l or gl")),
            };
            let (valid_from, window) =
                words.next().and_then(parse_time).ok_or_else(|| wrong("expected *, a date or hours"))?;
            let (rates, context_window) = parse_rates(words).ok_or_else(|| wrong("expected key=price"))?;
            let rates = Arc::new(rates);
            for name in &names {
                rows.push(PriceRow {
                    provider: provider.clone(),
                    model: Pattern::Exact((*name).to_owned()),
                    valid_from,
                    valid_to: None,
                    window,
                    source: Source::Builtin,
                    source_name: Arc::clone(source_name),
                    rates: Arc::clone(&rates),
                    context_window,
                    id: String::new(),
                    maps_to: None,
                });
            }
        } else {
            names.clear();
            names.extend(line.split_ascii_whitespace());
        }
    }
    Ok(rows)
}

fn parse_rates<'a>(words: impl Iterator<Item = &'a str>) -> Option<(Rates, Option<u64>)> {
    let mut rates = Rates::new();
    let mut context_window = None;
    for word in words {
        let (key, value) = word.split_once('=')?;
        if key == "ctx" {
            context_window = Some(value.parse().ok()?);
            continue;
        }
        let (key, above) = match key.split_once('>') {
            Some((key, above)) => (key, above.parse().ok()?),
            None => (key, 0),
        };
        let (tier, key) = match key.split_once('.') {
            Some((tier, key)) => (Some(ServiceTier::parse(tier)?), key),
            None => (None, key),
        };
        let class = TokenClass::ALL.iter().find(|(_, _, short)| *short == key).map(|(class, _, _)| *class)?;
        rates.set(tier, class, above, parse_usd_per_million(value)?);
    }
    Some((rates, context_window))
}

fn parse_time(text: &str) -> Option<(Option<i64>, Option<DailyWindow>)> {
    let (date, hours) = text.split_once('~').map_or((text, None), |(date, hours)| (date, Some(hours)));
    let from = if date == "*" { None } else { Some(parse_date(date)?) };
    let Some(hours) = hours else { return Some((from, None)) };
    let (hours, days) = hours.split_once('/').map_or((hours, "1234567"), |(hours, days)| (hours, days));
    let (start, end) = hours.split_once('-')?;
    let second = |text: &str| {
        let (hour, minute) = (text.get(..2)?.parse::<u32>().ok()?, text.get(2..)?.parse::<u32>().ok()?);
        (hour < 24 && minute < 60).then_some(hour * 3600 + minute * 60)
    };
    let weekdays = days
        .bytes()
        .try_fold(0_u8, |mask, day| (b'1'..=b'7').contains(&day).then(|| mask | 1 << (day - b'1')))?;
    Some((from, Some(DailyWindow { start: second(start)?, end: second(end)?, weekdays })))
}

/// Midnight UTC of a date such as `2025-08-01`, in microseconds since the Unix epoch.
pub(super) fn parse_date(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days from civil: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days =
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    Some(days * 86_400_000_000)
}

/// Writes one price as the text that [`parse`] reads, without its source and time.
pub fn rates_text(rates: &Rates, context_window: Option<u64>) -> String {
    let mut text = String::new();
    if let Some(window) = context_window {
        let _ = write!(text, " ctx={window}");
    }
    for entry in rates.entries() {
        let short = TokenClass::ALL
            .iter()
            .find(|(class, _, _)| *class == entry.class)
            .map_or("", |(_, _, short)| short);
        text.push(' ');
        if let Some(tier) = entry.tier {
            let _ = write!(text, "{}.", tier.name());
        }
        text.push_str(short);
        if entry.above > 0 {
            let _ = write!(text, ">{}", entry.above);
        }
        let _ = write!(text, "={}", per_million_text(&entry.usd));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_read_as_it_was_written() {
        let text = "# a comment\n[openai]\ngpt-x gpt-x-2026-01-01\n g * ctx=1000 in=2.5 out=10\n \
                    gl 2026-08-31~0030-1630/67 in=1 in>200000=2 batch.in=0.5 fast.out>1=0.25\n";
        let rows = parse(text).unwrap();
        assert_eq!(rows.len(), 4);
        let last = &rows[3];
        assert_eq!(last.model, Pattern::Exact("gpt-x-2026-01-01".to_owned()));
        assert_eq!(last.valid_from, Some(1_788_134_400_000_000));
        assert_eq!(last.window, Some(DailyWindow { start: 1800, end: 59_400, weekdays: 0b110_0000 }));
        assert_eq!(rates_text(&last.rates, None), " in=1 in>200000=2 batch.in=0.5 fast.out>1=0.25");
        assert_eq!(rates_text(&rows[0].rates, rows[0].context_window), " ctx=1000 in=2.5 out=10");
    }

    #[test]
    fn a_wrong_line_is_named() {
        for text in ["[a]\nm\n x * in=1", "[a]\nm\n g never in=1", "[a]\nm\n g * in=x", "[a]\nm\n g * wat=1"]
        {
            assert_eq!(parse(text).unwrap_err().line, 3, "{text}");
        }
    }

    #[test]
    fn dates_are_midnight_utc() {
        for (text, seconds) in [
            ("1970-01-01", 0),
            ("2000-02-29", 951_782_400),
            ("2026-08-31", 1_788_134_400),
            ("2024-12-31", 1_735_603_200),
        ] {
            assert_eq!(parse_date(text), Some(seconds * 1_000_000), "{text}");
        }
        for text in ["", "2026", "2026-13-01", "2026-1-1-1", "x-1-1"] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }
}
