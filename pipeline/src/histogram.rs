//! Latencies as an HdrHistogram: counts in cells that are at most 1/128 of their values wide, so that any number of them
//! merges without losing precision. A quantile is the middle of its cell: at most 0.4 % off from 256 µs on, at most 1 µs below.
//!
//! In memory it has the cells from its shortest latency to its longest: 1 kB for each power of two between them, 35 kB at the most.

use cells::{STEP, highest_us, index, middle_us};

mod cells;
#[cfg(test)]
mod tests;
mod v2;

/// Seven days in microseconds, more than any call takes. What is longer counts as this long.
pub const MAX_US: u64 = 7 * 24 * 3600 * 1_000_000;

/// More counts are not kept: up to here a double, in which a quantile becomes a rank, is exact, and no sum overflows.
const MAX_COUNT: u64 = 1 << 53;

/// What a float may lack to the whole microsecond that was meant.
const ROUNDING_US: f64 = 1e-6;

/// Why bytes are no histogram of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistogramError {
    #[error("the histogram is cut off")]
    Truncated,
    #[error("the bytes are no HdrHistogram in the V2 format")]
    NotV2,
    #[error("the histogram has not the range and precision of Observa's")]
    OtherLayout,
    #[error("the histogram's length is not what its header says")]
    WrongLength,
    #[error("the histogram has a cell beyond its range")]
    OutOfRange,
    #[error("the histogram has more counts than 2^53")]
    TooMany,
}

/// How long things took: microseconds inside, milliseconds outside. Merging is associative and commutative, up to 2^53 counts.
#[derive(Clone, Debug, Default)]
pub struct Latencies {
    /// The cell of the first count, which a power of two begins with, as the cell after the last one does.
    first: usize,
    counts: Vec<u64>,
    total: u64,
}

impl Latencies {
    pub fn new() -> Latencies {
        Latencies::default()
    }

    /// What is negative, infinite or NaN is no latency, and not recorded.
    pub fn record_ms(&mut self, ms: f64) {
        Latencies::us(ms).into_iter().for_each(|us| self.record_us(us));
    }

    /// The microseconds that so many milliseconds are recorded as. None: that is no latency.
    pub fn us(ms: f64) -> Option<u64> {
        // `as` saturates. Rounded down, as a cell is: rounded to the nearest, a value could be off by a cell and a half.
        (ms >= 0.0 && ms.is_finite()).then(|| ((ms * 1000.0 + ROUNDING_US) as u64).min(MAX_US))
    }

    pub fn record_us(&mut self, us: u64) {
        self.record_us_n(us, 1);
    }

    /// The same latency so many times. Counts beyond 2^53 in all are dropped.
    pub fn record_us_n(&mut self, us: u64, count: u64) {
        if count > 0 {
            self.add(index(us.min(MAX_US)), count);
        }
    }

    /// Makes room where there is none yet, but for nothing.
    fn add(&mut self, cell: usize, count: u64) {
        let count = count.min(MAX_COUNT - self.total);
        if let Some(counted) = self.counts.get_mut(cell.wrapping_sub(self.first)) {
            *counted += count;
            self.total += count;
        } else if count > 0 {
            self.make_room(cell);
            self.add(cell, count);
        }
    }

    /// Up to a power of two below and above: there is room for any cell of the range.
    #[cold]
    fn make_room(&mut self, cell: usize) {
        let start = cell - cell % STEP;
        if self.counts.is_empty() {
            self.first = start;
        }
        let before = self.first.saturating_sub(start);
        self.counts.splice(0..0, std::iter::repeat_n(0, before));
        self.first -= before;
        let end = (start + STEP).max(self.first + self.counts.len());
        self.counts.resize(end - self.first, 0);
    }

    /// Takes out one latency that was recorded before, exact to its cell. Nothing happens where there is none.
    pub fn remove_us(&mut self, us: u64) {
        self.remove(index(us.min(MAX_US)), 1);
    }

    /// Takes out latencies that were recorded before, as [`Latencies::remove_us`] does it for one.
    pub fn subtract(&mut self, other: &Latencies) {
        other.cells().for_each(|(cell, count)| self.remove(cell, count));
    }

    fn remove(&mut self, cell: usize, count: u64) {
        if let Some(counted) = self.counts.get_mut(cell.wrapping_sub(self.first)) {
            let count = count.min(*counted);
            *counted -= count;
            self.total -= count;
        }
    }

    pub fn merge(&mut self, other: &Latencies) {
        other.cells().for_each(|(cell, count)| self.add(cell, count));
    }

    /// [`Latencies::merge`] of [`Latencies::from_bytes`], without making a histogram in between. After an error it is as before.
    pub fn merge_bytes(&mut self, bytes: &[u8]) -> Result<(), HistogramError> {
        // Whether the bytes are a histogram's, and how many counts there are then in all, is only known in the end.
        let found = v2::read(bytes, |cell, count| self.count_in(cell, count));
        if let Some(total) = found.ok().map(|more| self.total + more).filter(|total| *total <= MAX_COUNT) {
            self.total = total;
            return Ok(());
        }
        let _ = v2::read(bytes, |cell, count| self.count_in(cell, count.wrapping_neg()));
        found?;
        v2::read(bytes, |cell, count| self.add(cell, count))?;
        Ok(())
    }

    /// Counts in a cell alone: `total` is its caller's.
    #[inline]
    fn count_in(&mut self, cell: usize, count: u64) {
        if let Some(counted) = self.counts.get_mut(cell.wrapping_sub(self.first)) {
            *counted = counted.wrapping_add(count);
        } else if count > 0 {
            self.make_room(cell);
            self.count_in(cell, count);
        }
    }

    /// How many latencies there are.
    pub fn count(&self) -> u64 {
        self.total
    }

    /// How many of them took so many milliseconds at most, exact to a cell.
    pub fn count_up_to_ms(&self, ms: f64) -> u64 {
        let most = Latencies::us(ms).unwrap_or_default();
        self.cells().filter(|(cell, _)| highest_us(*cell) <= most).map(|(_, count)| count).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The shortest latency that the share `quantile` (0 to 1) of all is not longer than, as SQL's `percentile_disc`. None:
    /// there are no latencies, or the quantile is not in 0 to 1.
    pub fn quantile_ms(&self, quantile: f64) -> Option<f64> {
        if !(0.0..=1.0).contains(&quantile) {
            return None;
        }
        let rank = ((quantile * self.total as f64).ceil() as u64).max(1);
        let mut before = 0;
        let of_rank = |(_, count): &(usize, u64)| {
            before += count;
            before >= rank
        };
        self.cells().find(of_rank).map(|(cell, _)| middle_us(cell) as f64 / 1000.0)
    }

    /// The mean, and [`Latencies::quantile_ms`] of shares that ascend, by looking at each cell once. None: there are no latencies.
    pub fn mean_and_quantiles_ms<const N: usize>(&self, shares: [f64; N]) -> Option<(f64, [f64; N])> {
        let rank = |share: f64| ((share * self.total as f64).ceil() as u64).max(1);
        let mut ranks = shares.map(rank).into_iter().peekable();
        let (mut before, mut sum, mut quantiles) = (0, 0.0, Vec::with_capacity(N));
        // Cells of a power of two are as wide as each other, so whole numbers tell their sum.
        for (counts, start) in self.counts.chunks(STEP).zip((self.first..).step_by(STEP)) {
            let counted: u64 = counts.iter().sum();
            let weighed: u64 = counts.iter().zip(0..).map(|(count, place)| count * place).sum();
            let (middle, width) = (middle_us(start), middle_us(start + 1) - middle_us(start));
            sum += middle as f64 * counted as f64 + width as f64 * weighed as f64;
            while let Some(rank) = ranks.next_if(|rank| *rank <= before + counted) {
                let mut up_to = before;
                let is_below = |count: &&u64| {
                    up_to += **count;
                    up_to < rank
                };
                let place = counts.iter().take_while(is_below).count() as u64;
                quantiles.push((middle + place * width) as f64 / 1000.0);
            }
            before += counted;
        }
        Some((sum / self.total as f64 / 1000.0, quantiles.try_into().ok()?)).filter(|_| self.total > 0)
    }

    /// None: there are no latencies.
    pub fn mean_ms(&self) -> Option<f64> {
        self.mean_and_quantiles_ms([]).map(|(mean, [])| mean)
    }

    /// HdrHistogram's V2 format, not compressed: 43 bytes with one latency, some 230 with 100, 1.3 kB with 10,000. Equal counts
    /// make equal bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        v2::write(self.cells())
    }

    /// Safe on any bytes: what is allocated depends on the longest latency alone.
    pub fn from_bytes(bytes: &[u8]) -> Result<Latencies, HistogramError> {
        let mut latencies = Latencies::new();
        latencies.merge_bytes(bytes)?;
        Ok(latencies)
    }

    /// Whether bytes are a histogram's, without making one of them.
    pub fn check(bytes: &[u8]) -> Result<(), HistogramError> {
        v2::read(bytes, |_, _| {})?;
        Ok(())
    }

    /// Cells that have counts, and how many, ascending.
    fn cells(&self) -> impl Iterator<Item = (usize, u64)> {
        (self.first..).zip(self.counts.iter().copied()).filter(|(_, count)| *count > 0)
    }
}
