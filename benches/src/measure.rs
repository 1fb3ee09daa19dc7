//! Medians and ratios, and the table that they are printed in.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// The middle one of several measurements; of an even number the lower middle. 0 where there are none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

/// The value that a share of all values is not above.
pub fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = ((values.len() as f64 * share).ceil() as usize).saturating_sub(1);
    values.get(at).copied().unwrap_or_default()
}

pub fn time<T>(run: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = run();
    (start.elapsed(), result)
}

/// How long a process of this machine, or `thread-self`, has had a processor so far: what other programs do is not in it.
pub fn processor_time(process: &str) -> Result<Duration> {
    let path = format!("/proc/{process}/schedstat");
    let seen = std::fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let nanoseconds = seen.split_ascii_whitespace().next().context("an empty schedstat")?;
    Ok(Duration::from_nanos(nanoseconds.parse()?))
}

/// As [`processor_time`], of all threads of a process.
pub fn processor_time_of_threads(process: &str) -> Result<Duration> {
    let path = format!("/proc/{process}/task");
    let threads = std::fs::read_dir(&path).with_context(|| format!("reading {path}"))?;
    threads.map(|thread| processor_time(&format!("{process}/task/{}", thread?.file_name().display()))).sum()
}

/// Megabytes (10^6 bytes) a second.
pub fn megabytes_per_second(bytes: usize, took: Duration) -> f64 {
    bytes as f64 / 1e6 / took.as_secs_f64()
}

/// Two ways to do the same, in turn, and each as often first: what slows the machine down, and what grows on the way, meets both. Speeds
/// in any one unit, and the median of the pairs' ratios.
pub struct Pair {
    pub ours: f64,
    pub peer: f64,
    pub ratio: f64,
}

pub fn in_turn<E>(
    rounds: usize,
    mut ours: impl FnMut() -> Result<f64, E>,
    mut peer: impl FnMut() -> Result<f64, E>,
) -> Result<Pair, E> {
    let mut pairs = Vec::with_capacity(rounds);
    for round in 0..rounds {
        let first = if round % 2 == 0 { Some(ours()?) } else { None };
        let of_peer = peer()?;
        pairs.push((first.map_or_else(&mut ours, Ok)?, of_peer));
    }
    Ok(Pair {
        ours: median(pairs.iter().map(|(ours, _)| *ours).collect()),
        peer: median(pairs.iter().map(|(_, peer)| *peer).collect()),
        ratio: median(pairs.iter().map(|(ours, peer)| ours / peer).collect()),
    })
}

/// Lines of the report, aligned when printed. As Markdown it goes into docs/performance.md as it is.
#[derive(Default)]
pub struct Table {
    rows: Vec<[String; 5]>,
}

impl Table {
    pub fn compare(&mut self, what: &str, unit: &str, pair: &Pair, peer: &str) {
        self.rows.push([
            what.to_owned(),
            format!("{} {unit}", figure(pair.ours)),
            peer.to_owned(),
            format!("{} {unit}", figure(pair.peer)),
            format!("{:.2}", pair.ratio),
        ]);
    }

    pub fn tell(&mut self, what: &str, unit: &str, value: f64) {
        self.rows.push([
            what.to_owned(),
            format!("{} {unit}", figure(value)),
            String::new(),
            String::new(),
            String::new(),
        ]);
    }

    pub fn print(&self) {
        let heads = ["what", "Observa", "against", "peer", "ratio"].map(str::to_owned);
        let width = |column: usize| {
            let cells = self.rows.iter().chain([&heads]).filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..heads.len()).map(width).collect();
        let rule = heads.each_ref().map(|_| String::from("---"));
        for row in [&heads, &rule].into_iter().chain(&self.rows) {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            println!("| {} |", cells.collect::<Vec<_>>().join(" | "));
        }
    }
}

/// Three significant digits, thousands apart.
fn figure(value: f64) -> String {
    if value < 100.0 {
        return format!("{value:.prec$}", prec = if value < 10.0 { 2 } else { 1 });
    }
    let whole = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_and_a_quantile_is_reached() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(quantile(&mut (1..=100).map(f64::from).collect::<Vec<_>>(), 0.99), 99.0);
    }

    #[test]
    fn figures_are_short() {
        assert_eq!([0.5, 12.34, 123.4, 12_345.6].map(figure), ["0.50", "12.3", "123", "12,346"]);
    }
}
