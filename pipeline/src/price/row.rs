//! A price row: which model at which time costs what, and where that was learned.

use std::borrow::Cow;
use std::sync::Arc;

use super::rates::Rates;

/// Where a row comes from, which is also its precedence: a project's own price beats its tenant's,
/// that beats a loaded file, that beats the built-in book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    Builtin,
    Loaded,
    Tenant,
    Project,
}

impl Source {
    /// The name in `cost_breakdown` and `model_prices`.
    pub fn name(self) -> &'static str {
        match self {
            Source::Builtin => "builtin",
            Source::Loaded => "loaded",
            Source::Tenant => "tenant",
            Source::Project => "project",
        }
    }
}

/// Which model names a row prices. Always compared without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// One name.
    Exact(String),
    /// A name with `*` for any run of characters: `gpt-4o-*`, `*-finetuned`, `*internal*`, `a*b`.
    /// Nothing else is special, so matching is linear.
    Wildcard(String),
}

impl Pattern {
    /// A pattern where the text holds a `*`, else an exact name. Lower-cased and trimmed.
    pub fn parse(text: &str) -> Pattern {
        let text = text.trim().to_lowercase();
        if text.contains('*') { Pattern::Wildcard(text) } else { Pattern::Exact(text) }
    }

    /// The text that [`Pattern::parse`] reads back.
    pub fn text(&self) -> &str {
        match self {
            Pattern::Exact(text) | Pattern::Wildcard(text) => text,
        }
    }

    /// Whether a lower-cased name matches.
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Pattern::Exact(text) => text == name,
            Pattern::Wildcard(text) => wildcard_matches(text, name),
        }
    }

    /// Order of patterns: more literal characters are more specific, then fewer wildcards.
    pub(super) fn specificity(&self) -> (usize, usize) {
        let stars = self.text().bytes().filter(|byte| *byte == b'*').count();
        (self.text().len() - stars, usize::MAX - stars)
    }
}

/// The pieces between stars must occur in order; the first and the last are anchored. Taking each at
/// its earliest place is enough, so no backtracking.
fn wildcard_matches(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(first) else { return false };
    let Some((middle, last)) = rest.rsplit_once('*') else { return name.ends_with(rest) };
    for piece in middle.split('*') {
        let Some(at) = name.find(piece) else { return false };
        name = name.get(at + piece.len()..).unwrap_or("");
    }
    name.ends_with(last)
}

/// A daily window in UTC in which a row holds, such as off-peak hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DailyWindow {
    /// First second of the day that belongs to the window.
    pub start: u32,
    /// First second of the day after the window. Not above `start`: the window crosses midnight;
    /// equal to it: the whole day.
    pub end: u32,
    /// The UTC weekdays on which it holds, Monday is bit 0; 127 is every day.
    pub weekdays: u8,
}

impl DailyWindow {
    pub const EVERY_DAY: u8 = 127;

    /// Reads `16:30-00:30`: UTC, the second time is the first minute after the window. `None` for
    /// anything else.
    pub fn parse(hours: &str, weekdays: u8) -> Option<DailyWindow> {
        let second = |text: &str| {
            let (hour, minute) = text.trim().split_once(':')?;
            let digits = |text: &str| text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            if !digits(hour) || !digits(minute) {
                return None;
            }
            let (hour, minute) = (hour.parse::<u32>().ok()?, minute.parse::<u32>().ok()?);
            (hour < 24 && minute < 60).then_some(hour * 3600 + minute * 60)
        };
        let (start, end) = hours.split_once('-')?;
        Some(DailyWindow { start: second(start)?, end: second(end)?, weekdays })
    }

    /// What [`DailyWindow::parse`] reads back.
    pub fn hours(&self) -> String {
        let minute = |second: u32| format!("{:02}:{:02}", second / 3600, second / 60 % 60);
        format!("{}-{}", minute(self.start), minute(self.end))
    }

    /// The weekdays by their ISO numbers, Monday is 1; `None` is every day.
    pub fn days(&self) -> Option<Vec<i16>> {
        let days = (1..=7).filter(|day| self.weekdays & (1 << (day - 1)) != 0);
        (self.weekdays & Self::EVERY_DAY != Self::EVERY_DAY).then(|| days.collect())
    }

    /// The weekdays from their ISO numbers; others are passed over.
    pub fn weekdays_of(days: impl IntoIterator<Item = i64>) -> u8 {
        days.into_iter().filter(|day| (1..=7).contains(day)).fold(0, |mask, day| mask | 1 << (day - 1))
    }

    /// Whether a time, in microseconds since the Unix epoch, falls into the window.
    pub fn contains(&self, at_micros: i64) -> bool {
        let seconds = at_micros.div_euclid(1_000_000);
        // 1970-01-01 was a Thursday, day 3 of a week that begins on Monday.
        let weekday = (seconds.div_euclid(86_400) + 3).rem_euclid(7);
        if self.weekdays & (1 << weekday) == 0 {
            return false;
        }
        let second = u32::try_from(seconds.rem_euclid(86_400)).unwrap_or(0);
        if self.start < self.end {
            self.start <= second && second < self.end
        } else {
            self.start == self.end || self.start <= second || second < self.end
        }
    }
}

/// What one model costs from one time on.
#[derive(Clone, Debug, PartialEq)]
pub struct PriceRow {
    /// Any spelling of the provider; `None` is every provider.
    pub provider: Option<String>,
    /// The model's name without its provider, or a pattern.
    pub model: Pattern,
    /// Valid from this time on, in microseconds since the Unix epoch, UTC; `None` is always.
    /// Of several rows that are valid, the one with the latest start wins.
    pub valid_from: Option<i64>,
    /// Valid before this time; `None` is forever.
    pub valid_to: Option<i64>,
    /// Only within these hours, in which it wins over a row without a window and of the same start.
    pub window: Option<DailyWindow>,
    pub source: Source,
    /// The file, person or contract that says so, for display.
    pub source_name: Arc<str>,
    /// USD per token, shared between the names of one model.
    pub rates: Arc<Rates>,
    /// Most input tokens of one request; `None` is not known.
    pub context_window: Option<u64>,
    /// Stable name of the row; empty means that [`PriceRow::id`] makes one of its key.
    pub id: String,
    /// For a deployment name: the model (optionally `provider/model`) whose price holds instead.
    pub maps_to: Option<String>,
}

impl PriceRow {
    /// A row for a model with nothing else said: every provider, always valid.
    pub fn new(model: &str, source: Source, rates: Rates) -> PriceRow {
        PriceRow {
            provider: None,
            model: Pattern::parse(model),
            valid_from: None,
            valid_to: None,
            window: None,
            source,
            source_name: Arc::from(source.name()),
            rates: Arc::new(rates),
            context_window: None,
            id: String::new(),
            maps_to: None,
        }
    }

    /// The row's stable name: as given, else `source:provider/model@start`, with the start in
    /// seconds since the Unix epoch and the hours of its window.
    pub fn id(&self) -> Cow<'_, str> {
        if !self.id.is_empty() {
            return Cow::Borrowed(&self.id);
        }
        let mut id = format!(
            "{}:{}/{}",
            self.source.name(),
            self.provider.as_deref().unwrap_or("*"),
            self.model.text()
        );
        if let Some(from) = self.valid_from {
            id.push_str(&format!("@{}", from.div_euclid(1_000_000)));
        }
        if let Some(window) = self.window {
            id.push_str(&format!("~{}-{}", window.start, window.end));
            if window.weekdays != DailyWindow::EVERY_DAY {
                id.push_str(&format!("/{}", window.weekdays));
            }
        }
        Cow::Owned(id)
    }

    /// Whether the row holds at a time, in microseconds since the Unix epoch.
    pub fn is_valid_at(&self, at_micros: i64) -> bool {
        self.valid_from.is_none_or(|from| from <= at_micros)
            && self.valid_to.is_none_or(|to| at_micros < to)
            && self.window.is_none_or(|window| window.contains(at_micros))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names_only() {
        for (pattern, name, matches) in [
            ("gpt-4o", "gpt-4o", true),
            ("gpt-4o", "gpt-4o-mini", false),
            ("GPT-4o*", "gpt-4o-mini", true),
            ("*-mini", "gpt-4o-mini", true),
            ("*-mini", "gpt-4o-mini-2", false),
            ("*4o*", "gpt-4o-mini", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "acb", false),
            ("ab*ba", "aba", false),
            ("*", "", true),
            ("a**b", "ab", true),
            ("a.c*", "abc", false),
        ] {
            assert_eq!(Pattern::parse(pattern).matches(name), matches, "{pattern} {name}");
        }
    }

    #[test]
    fn windows_are_half_open_and_may_cross_midnight() {
        let at = |hour: i64, minute: i64| (20_000 * 86_400 + hour * 3600 + minute * 60) * 1_000_000;
        let day = DailyWindow { start: 1800, end: 59_400, weekdays: DailyWindow::EVERY_DAY };
        assert!(!day.contains(at(0, 29)) && day.contains(at(0, 30)) && day.contains(at(16, 29)));
        assert!(!day.contains(at(16, 30)));
        let night = DailyWindow { start: 59_400, end: 1800, weekdays: DailyWindow::EVERY_DAY };
        assert!(night.contains(at(16, 30)) && night.contains(at(23, 59)) && night.contains(at(0, 0)));
        assert!(!night.contains(at(0, 30)));
    }

    #[test]
    fn hours_and_days_are_written_as_they_are_read() {
        let window = DailyWindow::parse("16:30-00:30", DailyWindow::weekdays_of([1, 7])).unwrap();
        assert_eq!((window.start, window.end, window.weekdays), (59_400, 1800, 0b100_0001));
        assert_eq!((window.hours().as_str(), window.days()), ("16:30-00:30", Some(vec![1, 7])));
        assert_eq!(DailyWindow::parse("0:05-1:00", DailyWindow::EVERY_DAY).unwrap().days(), None);
        for hours in ["", "16:30", "24:00-01:00", "1-2", "+1:00-02:00", "16:30-00:60"] {
            assert_eq!(DailyWindow::parse(hours, DailyWindow::EVERY_DAY), None, "{hours}");
        }
    }

    #[test]
    fn weekdays_are_counted_from_monday() {
        // 2026-08-31 was a Monday.
        let monday = 1_788_134_400_000_000_i64;
        for day in 0..7_i64 {
            for bit in 0..7_i64 {
                let window = DailyWindow { start: 0, end: 0, weekdays: 1 << bit };
                assert_eq!(window.contains(monday + day * 86_400_000_000 + 1), day == bit, "{day} {bit}");
            }
        }
    }
}
