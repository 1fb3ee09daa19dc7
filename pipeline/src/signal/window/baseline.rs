//! What is usual: the median of a metric over earlier hours, and how far they lie from it. Both hold where up to half of the hours
//! were incidents (F. R. Hampel, "The Influence Curve and Its Role in Robust Estimation", 1974).

use super::{Metric, WindowRule};

/// With fewer earlier hours nothing is usual.
pub const MOST_FEW: usize = 30;

/// Days of the past that count.
pub const DAYS: i64 = 28;

/// From so many days on, hours are compared with such of the day and the week as are like them.
const SEASONS_FROM: i64 = 14;

/// Makes the median absolute deviation of normally distributed values their standard deviation.
const NORMAL: f64 = 1.4826;

/// Share of the median that a difference is at least, in metrics that are no shares.
const LEAST: f64 = 0.5;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usual {
    pub median: f64,
    /// Robust standard deviation.
    pub deviation: f64,
    /// Earlier hours that it is made of.
    pub windows: usize,
}

/// Of earlier values, each with its hour since 1970 UTC, for an hour. None: they are too few.
pub fn usual(values: &[(i64, f64)], hour: i64) -> Option<Usual> {
    let first = values.iter().map(|(past, _)| *past).min()?;
    if hour - first >= SEASONS_FROM * 24 {
        let kin = |past: i64| is_weekend(past) == is_weekend(hour);
        // The more alike the better, as long as there are enough.
        for (most_hours_off, any_day) in [(1, false), (2, false), (1, true)] {
            let near = |past: i64| (past - hour + most_hours_off).rem_euclid(24) <= 2 * most_hours_off;
            let alike = values.iter().filter(|(past, _)| near(*past) && (any_day || kin(*past)));
            let found = of(alike.map(|(_, value)| *value));
            if found.is_some() {
                return found;
            }
        }
    }
    of(values.iter().map(|(_, value)| *value))
}

/// 1970-01-01 was a Thursday.
fn is_weekend(hour: i64) -> bool {
    (hour.div_euclid(24) + 3).rem_euclid(7) >= 5
}

fn of(values: impl Iterator<Item = f64>) -> Option<Usual> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    let windows = values.len();
    if windows < MOST_FEW {
        return None;
    }
    let median = median(&mut values)?;
    let mut distances: Vec<f64> = values.iter().map(|value| (value - median).abs()).collect();
    let deviation = self::median(&mut distances)? * NORMAL;
    Some(Usual { median, deviation, windows })
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get((values.len() - 1) / 2)?;
    Some(lower + (upper - lower) / 2.0)
}

/// What a value of so many samples must pass to be so many deviations off. A tiny difference is none, however even the past was, and
/// of a share of few samples only a large one is: it is off by chance as far as its binomial standard error says.
pub fn limit(rule: &WindowRule, usual: &Usual, deviations: f64, samples: i64) -> f64 {
    let least = if rule.metric.is_share() { 0.0 } else { usual.median * LEAST };
    let chance = if rule.metric == Metric::ErrorRate {
        (usual.median * (1.0 - usual.median)).max(0.0) / samples.max(1) as f64
    } else {
        0.0
    };
    let distance = (usual.deviation.max(chance.sqrt()) * deviations).max(rule.floor).max(least);
    if rule.below { usual.median - distance } else { usual.median + distance }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::signal::window::builtin;

    fn hours(values: &[f64]) -> Vec<(i64, f64)> {
        values.iter().enumerate().map(|(hour, value)| (hour as i64, *value)).collect()
    }

    #[test]
    fn fewer_than_30_windows_say_nothing() {
        assert_eq!(usual(&hours(&[1.0; 29]), 29), None);
        assert_eq!(usual(&hours(&[1.0; 30]), 30), Some(Usual { median: 1.0, deviation: 0.0, windows: 30 }));
    }

    proptest! {
        #[test]
        fn incidents_in_less_than_half_of_the_past_move_the_median_within_the_rest(
            good in prop::collection::vec(1.0_f64..2.0, 40..100), bad in prop::collection::vec(1e6_f64..1e9, 0..39)
        ) {
            let all: Vec<f64> = good.iter().chain(&bad).copied().collect();
            let found = usual(&hours(&all), all.len() as i64).unwrap();
            prop_assert!(found.median >= 1.0 && found.median <= 2.0);
            prop_assert!(found.deviation <= 2.0);
        }

        #[test]
        fn order_and_scale_do_not_matter(values in prop::collection::vec(0.0_f64..1e6, 30..90), scale in 0.001_f64..1000.0) {
            let found = usual(&hours(&values), 90).unwrap();
            let turned: Vec<f64> = values.iter().rev().map(|value| value * scale).collect();
            let other = usual(&hours(&turned), 90).unwrap();
            prop_assert!((found.median * scale - other.median).abs() <= 1e-9 * other.median.abs() + 1e-12);
            prop_assert!((found.deviation * scale - other.deviation).abs() <= 1e-6 * other.deviation.abs() + 1e-6);
        }

        #[test]
        fn a_difference_below_the_floor_is_none(median in 0.0_f64..1e3, deviation in 0.0_f64..10.0, k in 0.0_f64..10.0) {
            let rule = builtin::all().find(|rule| rule.name == "cost_anomaly").unwrap();
            let usual = Usual { median, deviation, windows: 100 };
            prop_assert!(limit(&rule, &usual, k, 100) >= median + rule.floor);
        }
    }

    /// Four weeks whose working hours are a hundred times as busy, with two of them on Saturdays.
    #[test]
    fn nightly_traffic_is_told_apart_once_there_are_two_weeks() {
        let day_of = |hour: i64| hour.div_euclid(24);
        let busy = |hour: i64| !is_weekend(hour) && (9..17).contains(&hour.rem_euclid(24));
        let value =
            |hour: i64| if busy(hour) { 1_000.0 + (hour % 7) as f64 } else { 10.0 + (hour % 3) as f64 };
        let past = |days: i64| (0..days * 24).map(|hour| (hour, value(hour))).collect::<Vec<_>>();
        // 1970-01-29 is a Thursday, too.
        let (noon, night) = (28 * 24 + 12, 28 * 24 + 3);
        assert_eq!(day_of(noon), 28);
        assert!(usual(&past(28), noon).unwrap().median > 900.0);
        assert!(usual(&past(28), night).unwrap().median < 20.0);
        let saturday = 30 * 24 + 12;
        assert!(is_weekend(saturday) && usual(&past(30), saturday).unwrap().median < 20.0);
        // A week does not tell: everything is one.
        assert!(usual(&past(7), 7 * 24 + 12).unwrap().median < 20.0);
    }
}
