//! The rows of rollups that make up a time: minutes at its edges, hours within, days within those. So a month is some hundred rows of a
//! series, and right to the minute.
//!
//! What is only added up needs fewer: an edge that is nearer to the end of its hour or day than to the beginning is the whole of it without what
//! lies beyond ([`Part`]).

use super::{MINUTE, Resolution};

const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// From when on rows of minutes and of hours are kept, in microseconds since 1970 UTC, both at midnight. What is older is counted by
/// the hour, or by the day.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    pub minutes: i64,
    pub hours: i64,
}

/// Microseconds since 1970 UTC, none before the one above it: minutes from `since` and from `hours_until` on, hours from `hours_since` and from
/// `days_until`, days from `days_since`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cover {
    pub since: i64,
    pub hours_since: i64,
    pub days_since: i64,
    pub days_until: i64,
    pub hours_until: i64,
    pub until: i64,
}

/// Rows of a resolution from `since` on, before `until`, whose sums are added, or taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub resolution: Resolution,
    pub since: i64,
    pub until: i64,
    pub is_added: bool,
}

fn before(time: i64, unit: i64) -> i64 {
    time.div_euclid(unit) * unit
}

fn after(time: i64, unit: i64) -> i64 {
    before(time.saturating_add(unit - 1), unit)
}

impl Cover {
    /// From a time on, before another one, by rows of some length at most: whole minutes that have any of it, or whole hours and days where finer rows are gone.
    pub fn of(since: i64, until: i64, longest: Resolution, kept: Kept) -> Cover {
        let unit = |edge: i64| {
            if edge < kept.hours {
                DAY
            } else if edge < kept.minutes {
                HOUR
            } else {
                MINUTE
            }
        };
        let since_edge = before(since, unit(since));
        let until_edge = if until > since { after(until, unit(until)) } else { since_edge };
        let (first, last) = (after(since_edge, HOUR), before(until_edge, HOUR));
        if longest == Resolution::Minute || first >= last {
            return Cover::within(since_edge, (until_edge, until_edge), (until_edge, until_edge), until_edge);
        }
        let days = (after(first, DAY), before(last, DAY));
        let days = if longest == Resolution::Day && days.0 < days.1 { days } else { (last, last) };
        Cover::within(since_edge, (first, last), days, until_edge)
    }

    /// All of it as rows that are added.
    pub fn rows(&self) -> Vec<Part> {
        [
            (Resolution::Minute, self.since, self.hours_since),
            (Resolution::Hour, self.hours_since, self.days_since),
            (Resolution::Day, self.days_since, self.days_until),
            (Resolution::Hour, self.days_until, self.hours_until),
            (Resolution::Minute, self.hours_until, self.until),
        ]
        .into_iter()
        .filter(|(_, since, until)| since < until)
        .map(|(resolution, since, until)| Part { resolution, since, until, is_added: true })
        .collect()
    }

    /// All of it as rows that are added, each of one bucket of those that begin at `starts` (in order): an hour in which one begins is told by the
    /// minute, where minutes are kept.
    pub fn rows_of_buckets(&self, starts: &[i64], kept: Kept) -> Vec<Part> {
        let mut divided =
            starts.iter().filter(|start| **start % HOUR != 0).map(|start| before(*start, HOUR)).peekable();
        let mut rows: Vec<Part> = Vec::new();
        for part in self.rows() {
            let mut since = part.since;
            while let Some(hour) =
                divided.next_if(|hour| part.resolution == Resolution::Hour && *hour < part.until)
            {
                if hour < since.max(kept.minutes) {
                    continue;
                }
                let minutes =
                    Part { resolution: Resolution::Minute, since: hour, until: hour + HOUR, ..part };
                match rows
                    .last_mut()
                    .filter(|last| last.resolution == Resolution::Minute && last.until == hour)
                {
                    Some(last) if since == hour => last.until = minutes.until,
                    _ => rows.extend(
                        [Part { since, until: hour, ..part }, minutes]
                            .into_iter()
                            .filter(|part| part.since < part.until),
                    ),
                }
                since = hour + HOUR;
            }
            if since < part.until {
                rows.push(Part { since, ..part });
            }
        }
        rows
    }

    /// The fewest rows that make up the same by adding and taking out. What begins from `now` on is taken for nothing: it costs no row, and is told
    /// exactly where there is some.
    pub fn parts(&self, kept: Kept, now: i64) -> Vec<Part> {
        let nearest = |edge: i64, unit: i64, oldest: i64| {
            let (first, last) = (before(edge, unit), after(edge, unit));
            if edge >= oldest && last.min(now).saturating_sub(edge) < edge - first { last } else { first }
        };
        let hours = [self.since, self.until].map(|edge| nearest(edge, HOUR, kept.minutes));
        let days = hours.map(|edge| nearest(edge, DAY, kept.hours));
        let mut parts = Vec::new();
        let mut add = |resolution, [since, until]: [i64; 2]| {
            if since != until {
                let (is_added, since, until) = (since < until, since.min(until), since.max(until));
                parts.push(Part { resolution, since, until, is_added });
            }
        };
        if hours[0] == hours[1] {
            add(Resolution::Minute, [self.since, self.until]);
            return parts;
        }
        add(Resolution::Minute, [self.since, hours[0]]);
        add(Resolution::Minute, [hours[1], self.until]);
        if days[0] == days[1] {
            add(Resolution::Hour, hours);
            return parts;
        }
        add(Resolution::Hour, [hours[0], days[0]]);
        add(Resolution::Hour, [days[1], hours[1]]);
        add(Resolution::Day, days);
        parts
    }

    /// Whole hours alone, none of those that go.
    pub fn of_hours(since: i64, until: i64, kept: Kept) -> Cover {
        let since_edge = before(since.max(kept.hours), HOUR);
        let until_edge = if until > since { after(until, HOUR).max(since_edge) } else { since_edge };
        Cover::within(since_edge, (since_edge, until_edge), (until_edge, until_edge), until_edge)
    }

    fn within(since: i64, hours: (i64, i64), days: (i64, i64), until: i64) -> Cover {
        Cover {
            since,
            hours_since: hours.0,
            days_since: days.0,
            days_until: days.1,
            hours_until: hours.1,
            until,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: Kept = Kept { minutes: 0, hours: 0 };

    /// How long each row is, and when it begins.
    fn rows(cover: Cover) -> Vec<(i64, i64)> {
        let starts = |part: Part| {
            let unit = unit(part.resolution);
            (part.since..part.until).step_by(unit as usize).map(move |start| (unit, start))
        };
        cover.rows().into_iter().flat_map(starts).collect()
    }

    fn unit(resolution: Resolution) -> i64 {
        match resolution {
            Resolution::Minute => MINUTE,
            Resolution::Hour => HOUR,
            Resolution::Day => DAY,
        }
    }

    proptest! {
        #[test]
        fn each_minute_is_in_one_row_and_no_row_is_gone(
            since in 100 * DAY..130 * DAY, long in 0..20 * DAY, longest in prop::sample::select(vec![Resolution::Minute, Resolution::Hour, Resolution::Day]),
            hours in 100_i64..120, minutes in 0_i64..20,
        ) {
            let kept = Kept { minutes: (hours + minutes) * DAY, hours: hours * DAY };
            let until = since + long;
            let cover = Cover::of(since, until, longest, kept);
            let mut next = cover.since;
            for (unit, start) in rows(cover) {
                prop_assert_eq!(start, next);
                prop_assert_eq!(start % unit, 0);
                if longest == Resolution::Day {
                    let oldest = if unit == MINUTE { kept.minutes } else if unit == HOUR { kept.hours } else { 0 };
                    prop_assert!(start >= oldest);
                }
                next = start + unit;
            }
            prop_assert_eq!(next, cover.until);
            prop_assert!(cover.since <= since && cover.until >= until || long == 0);
            if since >= kept.minutes && long > 0 {
                prop_assert!(since - cover.since < MINUTE && cover.until - until < MINUTE);
            }
        }

        #[test]
        fn rows_of_buckets_are_the_time_once_and_each_is_of_one_bucket(
            since in 100 * DAY..130 * DAY, long in 1..5 * DAY, longest in prop::sample::select(vec![Resolution::Hour, Resolution::Day]),
            hours in 100_i64..120, minutes in 0_i64..20, quarters in 0_i64..96, each in prop::sample::select(vec![HOUR, DAY, 2 * DAY]),
        ) {
            let kept = Kept { minutes: (hours + minutes) * DAY, hours: hours * DAY };
            let cover = Cover::of(since, since + long, longest, kept);
            let first = before(cover.since, each) + quarters * (HOUR / 4) - each;
            let starts: Vec<i64> = (0..).map(|number| first + number * each).take_while(|start| *start < cover.until).collect();
            let mut next = cover.since;
            for part in cover.rows_of_buckets(&starts, kept) {
                prop_assert!(part.since == next && part.since < part.until && part.is_added);
                next = part.until;
                let unit = unit(part.resolution);
                let is_divided = |start: &i64| *start > part.since && *start < part.until && *start % unit != 0;
                let divided = starts.iter().find(|start| is_divided(start) && before(**start, HOUR) >= kept.minutes);
                prop_assert!(unit == DAY || divided.is_none(), "{:?} {:?}", part, divided);
                prop_assert!(unit != MINUTE || part.since >= kept.minutes);
            }
            prop_assert_eq!(next, cover.until);
        }

        #[test]
        fn parts_are_the_minutes_of_the_time(
            since in 100 * DAY..130 * DAY, long in prop_oneof![0..3 * HOUR, 0..3 * DAY, 0..20 * DAY],
            hours in 100_i64..120, minutes in 0_i64..20, now in 100 * DAY..150 * DAY,
        ) {
            let kept = Kept { minutes: (hours + minutes) * DAY, hours: hours * DAY };
            let cover = Cover::of(since, since + long, Resolution::Day, kept);
            let mut counted = std::collections::BTreeMap::new();
            for part in cover.parts(kept, now) {
                let unit = unit(part.resolution);
                let oldest = if unit == MINUTE { kept.minutes } else if unit == HOUR { kept.hours } else { 0 };
                prop_assert!(part.since < part.until && part.since % unit == 0 && part.until % unit == 0);
                prop_assert!(part.since >= oldest);
                // What is counted changes at the part's ends alone.
                *counted.entry(part.since).or_insert(0) += if part.is_added { 1 } else { -1 };
                *counted.entry(part.until).or_insert(0) -= if part.is_added { 1 } else { -1 };
            }
            counted.retain(|_, by| *by != 0);
            let expected = if cover.since < cover.until { vec![(cover.since, 1), (cover.until, -1)] } else { vec![] };
            prop_assert_eq!(counted.into_iter().collect::<Vec<_>>(), expected);
        }

        #[test]
        fn parts_are_few_rows(since in 100 * DAY..130 * DAY, long in 0..40 * DAY) {
            let (cover, now) = (Cover::of(since, since + long, Resolution::Day, ALL), since + long);
            let rows = |part: &Part| {
                let unit = unit(part.resolution);
                (part.until.min(after(now, MINUTE)) - part.since).max(0) / unit
            };
            let count: i64 = cover.parts(ALL, now).iter().map(rows).sum();
            prop_assert!(count <= 40 + 2 + 12 + 12 + 30 + 30, "{}", count);
            prop_assert!(count <= super::tests::rows(cover).len() as i64);
        }

        #[test]
        fn hours_alone_hold_the_time(since in 0..DAY, long in 1..DAY, gone in (0..48_i64).prop_map(|hours| hours * HOUR)) {
            let kept = Kept { minutes: 0, hours: gone };
            let cover = Cover::of_hours(since, since + long, kept);
            prop_assert!(cover.since <= since.max(gone) && cover.until >= since + long && cover.since >= gone.min(cover.until));
            prop_assert!(rows(cover).iter().all(|(unit, _)| *unit == HOUR));
        }
    }

    #[test]
    fn a_month_is_few_rows() {
        let rows = rows(Cover::of(100 * DAY + 5 * MINUTE + 7, 130 * DAY + 17 * HOUR, Resolution::Day, ALL));
        assert!(rows.len() < 130, "{}", rows.len());
    }

    #[test]
    fn nothing_is_no_row() {
        assert_eq!(rows(Cover::of(7, 7, Resolution::Day, ALL)), []);
        assert_eq!(rows(Cover::of_hours(7, 7, ALL)), []);
    }
}
