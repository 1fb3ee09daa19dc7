//! Where a latency is counted. Up to 256 µs each microsecond has a cell; above, each power of two has 128. That is what
//! HdrHistogram makes of a lowest value of 1 and two significant digits, and what the V2 format counts in.

use hdrhistogram::Histogram;

use super::MAX_US;

pub const LOWEST_US: u64 = 1;
pub const SIGNIFICANT_DIGITS: u8 = 2;

/// All cells that a latency can be in.
pub const CELLS: usize = index(MAX_US) + 1;

/// With room for 256 µs, it allocates only as much as its longest latency needs.
pub fn growing() -> Histogram<u64> {
    match Histogram::new_with_bounds(LOWEST_US, 2 * LOWEST_US, SIGNIFICANT_DIGITS) {
        Ok(mut histogram) => {
            histogram.auto(true);
            histogram
        }
        Err(_) => unreachable!("the bounds are constants that tests try"),
    }
}

pub const fn index(us: u64) -> usize {
    if us < 256 {
        return us as usize;
    }
    let power = 56 - us.leading_zeros() as u64;
    (power * 128 + (us >> power)) as usize
}

/// The shortest latency of a cell below [`CELLS`], in microseconds.
pub const fn lowest_us(index: usize) -> u64 {
    let index = index as u64;
    if index < 256 {
        return index;
    }
    (index % 128 + 128) << (index / 128 - 1)
}
