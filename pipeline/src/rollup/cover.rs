//! The rows of rollups that make up a time: minutes at its edges, hours within, days within those. So a month is some hundred rows of a
//! series, and right to the minute.

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

    /// Whole hours alone.
    pub fn of_hours(since: i64, until: i64) -> Cover {
        let since_edge = before(since, HOUR);
        let until_edge = if until > since { after(until, HOUR) } else { since_edge };
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
        let part = |unit: i64, since: i64, until: i64| {
            (since..until).step_by(unit as usize).map(move |start| (unit, start)).collect::<Vec<_>>()
        };
        [
            part(MINUTE, cover.since, cover.hours_since),
            part(HOUR, cover.hours_since, cover.days_since),
            part(DAY, cover.days_since, cover.days_until),
            part(HOUR, cover.days_until, cover.hours_until),
            part(MINUTE, cover.hours_until, cover.until),
        ]
        .concat()
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
        fn hours_alone_hold_the_time(since in 0..DAY, long in 1..DAY) {
            let cover = Cover::of_hours(since, since + long);
            prop_assert!(cover.since <= since && cover.until >= since + long);
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
        assert_eq!(rows(Cover::of_hours(7, 7)), []);
    }
}
