//! The time that a window covers, in minutes since 1970 UTC, and the rows of rollups that make it up: minutes, and in long windows
//! hours between them.

use crate::rollup::Resolution;

/// Microseconds of a minute.
pub const MINUTE: i64 = 60_000_000;

const HOUR: i64 = 60;

/// In minutes: longer windows take whole hours from rows of hours, so that a day is some 140 rows of a series, not 1,440.
const LONG: i64 = 2 * HOUR;

/// From a minute on, before another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    pub since: i64,
    pub until: i64,
    /// The hours that rows of hours stand for: from one on, before the other.
    hours: (i64, i64),
}

impl Span {
    fn new(since: i64, until: i64) -> Span {
        let hours = if until - since > LONG {
            ((since + HOUR - 1).div_euclid(HOUR) * HOUR, until.div_euclid(HOUR) * HOUR)
        } else {
            (since, since)
        };
        Span { since, until, hours }
    }

    /// So many minutes, with the one that runs. `now` is in microseconds since 1970 UTC.
    pub fn to_now(now: i64, minutes: u32) -> Span {
        let until = now.div_euclid(MINUTE) + 1;
        Span::new(until - i64::from(minutes), until)
    }

    /// So many minutes that are over.
    pub fn of_whole_minutes(now: i64, minutes: u32) -> Span {
        let until = now.div_euclid(MINUTE);
        Span::new(until - i64::from(minutes), until)
    }

    /// The hour that runs, and as many before as the window has more.
    pub fn of_clock_hours(now: i64, minutes: u32) -> Span {
        let until = (now.div_euclid(MINUTE * HOUR) + 1) * HOUR;
        let since = until - i64::from(minutes).max(HOUR).div_euclid(HOUR) * HOUR;
        Span { since, until, hours: (since, until) }
    }

    /// One hour, which begins at a minute.
    pub fn of_hour(minute: i64) -> Span {
        Span { since: minute, until: minute + HOUR, hours: (minute, minute + HOUR) }
    }

    /// Whether the row that begins at a minute is part of it.
    pub fn holds(&self, resolution: Resolution, bucket: i64) -> bool {
        let (first, last) = self.hours;
        match resolution {
            Resolution::Minute => {
                bucket >= self.since && bucket < self.until && !(bucket >= first && bucket < last)
            }
            Resolution::Hour => bucket >= first && bucket < last,
            Resolution::Day | Resolution::Week => false,
        }
    }

    fn parts(&self) -> [(Resolution, i64, i64); 3] {
        let (first, last) = self.hours;
        [
            (Resolution::Minute, self.since, first),
            (Resolution::Hour, first, last),
            (Resolution::Minute, last, self.until),
        ]
    }
}

/// The rows that some spans need, each once: resolution, from a minute on, before another.
pub fn ranges(spans: impl Iterator<Item = Span>) -> Vec<(Resolution, i64, i64)> {
    let mut parts: Vec<_> =
        spans.flat_map(|span| span.parts()).filter(|(_, since, until)| since < until).collect();
    parts.sort_unstable_by_key(|(resolution, since, _)| (*resolution == Resolution::Hour, *since));
    let mut ranges: Vec<(Resolution, i64, i64)> = Vec::new();
    for (resolution, since, until) in parts {
        match ranges.last_mut() {
            Some(last) if last.0 == resolution && since <= last.2 => last.2 = last.2.max(until),
            _ => ranges.push((resolution, since, until)),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_of_a_span_cover_each_of_its_minutes_once(now in 0_i64..10_000_000, minutes in 1_u32..=1_440, whole: bool) {
            let now = now * MINUTE + 7;
            let span = if whole { Span::of_whole_minutes(now, minutes) } else { Span::to_now(now, minutes) };
            prop_assert_eq!(span.until - span.since, i64::from(minutes));
            let mut covered = vec![0; minutes as usize];
            for (resolution, since, until) in ranges(std::iter::once(span)) {
                let step = if resolution == Resolution::Hour { 60 } else { 1 };
                for bucket in (since..until).step_by(step) {
                    prop_assert!(span.holds(resolution, bucket));
                    (bucket..bucket + step as i64).for_each(|minute| covered[(minute - span.since) as usize] += 1);
                }
            }
            prop_assert!(covered.iter().all(|times| *times == 1));
        }

        #[test]
        fn no_row_is_read_twice(now in 1_000_i64..10_000, windows in prop::collection::vec(1_u32..=1_440, 1..6)) {
            let spans: Vec<Span> = windows.iter().map(|minutes| Span::to_now(now * MINUTE, *minutes)).collect();
            let ranges = ranges(spans.iter().copied());
            for (place, (resolution, since, until)) in ranges.iter().enumerate() {
                prop_assert!(since < until);
                prop_assert!(ranges.iter().skip(place + 1).all(|other| other.0 != *resolution || other.1 > *until));
            }
        }
    }

    #[test]
    fn a_day_is_read_by_the_hour() {
        let rows: i64 = ranges(std::iter::once(Span::to_now(100_000 * MINUTE, 1_440)))
            .iter()
            .map(|(resolution, since, until)| {
                (until - since) / if *resolution == Resolution::Hour { 60 } else { 1 }
            })
            .sum();
        assert!(rows < 150, "{rows}");
    }
}
