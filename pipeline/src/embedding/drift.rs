//! Whether traffic is another than it was.
//!
//! The distance of two means says how far what is asked has moved, and grows with how few are looked at: of `n` and `m` vectors of the same
//! kind it is about the spread times the root of 1/n + 1/m. So it is held against what comes of the past alone:
//!
//! - **drawn again**: 200 times as many as there are now and were then are drawn from the past, with replacement, and the distance of their
//!   means is taken; the 99th percentile of these is what chance makes of numbers as small;
//! - **day by day**: days differ from each other, too. The distance of each past day's mean from that of the others, less what its number
//!   makes of it by chance and plus what the numbers at hand do; the largest.
//!
//! The threshold is a quarter more than the larger one.

use std::collections::BTreeMap;

use super::chance::Chance;
use super::{Vectors, distance, mean_of, quantile};

/// Without so many, now and in the past, nothing is said.
pub const LEAST: usize = 50;

/// Days of the past without which nobody knows how days differ.
pub const LEAST_DAYS: usize = 3;

/// Vectors without which a day's mean says too little.
const OF_A_DAY: usize = 10;

const DRAWS: usize = 200;
const CHANCE: f64 = 0.99;
const MARGIN: f64 = 1.25;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drift {
    /// Of the mean now from that of the past, 0 to 2.
    pub distance: f64,
    /// What comes of the past alone: the larger of what chance and what days make.
    pub baseline: f64,
    pub threshold: f64,
    /// Days of the past that were compared.
    pub days: usize,
}

impl Drift {
    pub fn has_drifted(&self) -> bool {
        self.distance > self.threshold
    }
}

/// `days` says of each vector of the past on which day it was. None: there are too few vectors or days.
pub fn measure(past: &Vectors, days: &[i64], now: &Vectors, mut pause: impl FnMut()) -> Option<Drift> {
    if past.len() < LEAST || now.len() < LEAST {
        return None;
    }
    let mean = past.mean();
    let spread = past.iter().map(|vector| distance(vector, &mean).powi(2)).sum::<f64>() / past.len() as f64;
    let by_numbers = |a: usize, b: usize| spread * (1.0 / a.max(1) as f64 + 1.0 / b.max(1) as f64);

    let mut by_day: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (number, day) in days.iter().enumerate().take(past.len()) {
        by_day.entry(*day).or_default().push(number);
    }
    let full: Vec<&Vec<usize>> = by_day.values().filter(|of| of.len() >= OF_A_DAY).collect();
    if full.len() < LEAST_DAYS {
        return None;
    }
    let dimensions = mean.len();
    let by_days = full.iter().map(|of| {
        let own = mean_of(dimensions, of.iter().map(|number| past.get(*number)));
        let own_count = of.len();
        let others = past.len() - own_count;
        // The mean of all is made of this day's and of the others'.
        let share = past.len() as f64 / others.max(1) as f64;
        let apart = distance(&own, &mean) * share;
        let beyond = apart.powi(2) - by_numbers(own_count, others) + by_numbers(now.len(), past.len());
        beyond.max(0.0).sqrt()
    });
    let by_days = by_days.fold(0.0, f64::max);

    let mut chance = Chance::new(1);
    let mut drawn = Vec::with_capacity(DRAWS);
    for _ in 0..DRAWS {
        pause();
        let mut draw = |many: usize| {
            let numbers: Vec<usize> = (0..many).map(|_| chance.below(past.len())).collect();
            mean_of(dimensions, numbers.iter().map(|number| past.get(*number)))
        };
        let (then, later) = (draw(past.len()), draw(now.len()));
        drawn.push(distance(&then, &later));
    }
    let baseline = quantile(drawn, CHANCE)?.max(by_days);
    Some(Drift {
        distance: distance(&now.mean(), &mean),
        baseline,
        threshold: baseline * MARGIN,
        days: full.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::near;
    use super::*;

    /// So many questions, of each topic its share in tenths.
    fn traffic(many: usize, shares: [usize; 3], seed: u64) -> Vectors {
        let tenths: Vec<usize> =
            [0, 5, 9].into_iter().zip(shares).flat_map(|(axis, share)| vec![axis; share]).collect();
        near(&(0..many).map(|number| tenths[number * 7 % 10]).collect::<Vec<_>>(), 0.6, seed)
    }

    fn days(of: &Vectors) -> Vec<i64> {
        (0..of.len() as i64).map(|number| number % 7).collect()
    }

    #[test]
    fn the_same_traffic_has_not_drifted() {
        for many in [50, 200, 500] {
            for seed in 0..20 {
                let past = traffic(500, [4, 3, 3], 1_000 + seed);
                let drift = measure(&past, &days(&past), &traffic(many, [4, 3, 3], seed), || ()).unwrap();
                assert!(!drift.has_drifted(), "{many} {seed} {drift:?}");
            }
        }
    }

    #[test]
    fn other_traffic_has_drifted() {
        let past = traffic(500, [4, 3, 3], 1);
        for (now, why) in [
            (traffic(200, [8, 1, 1], 2), "another mix"),
            (near(&[20; 60], 0.6, 3), "another topic, of few"),
            (traffic(500, [0, 5, 5], 4), "a topic that is asked no more"),
        ] {
            let drift = measure(&past, &days(&past), &now, || ()).unwrap();
            assert!(drift.has_drifted(), "{why}: {drift:?}");
            assert_eq!(measure(&past, &days(&past), &now, || ()), Some(drift));
        }
    }

    #[test]
    fn days_that_always_differed_are_no_drift() {
        // Each day has a mix of its own, and so has today.
        let mixes = [[8, 1, 1], [1, 8, 1], [1, 1, 8], [6, 2, 2], [2, 6, 2]];
        let (mut past, mut days) = (Vectors::default(), Vec::new());
        for (day, mix) in mixes.into_iter().enumerate() {
            for vector in traffic(100, mix, day as u64).iter() {
                past.push(vector);
                days.push(day as i64);
            }
        }
        let now = traffic(100, [7, 1, 2], 9);
        assert!(!measure(&past, &days, &now, || ()).unwrap().has_drifted());
        // As one day it would be.
        let even: Vec<i64> = (0..500).map(|number| number / 10 % 5).collect();
        assert!(measure(&past, &even, &now, || ()).unwrap().has_drifted());
    }

    #[test]
    fn of_few_nothing_is_said() {
        let past = traffic(500, [4, 3, 3], 1);
        assert_eq!(measure(&past, &days(&past), &traffic(49, [4, 3, 3], 2), || ()), None);
        let few = traffic(49, [4, 3, 3], 1);
        assert_eq!(measure(&few, &days(&few), &past, || ()), None);
        assert_eq!(measure(&past, &[1; 500], &past, || ()), None, "one day");
    }
}
