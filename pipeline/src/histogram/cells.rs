//! Where a latency is counted. Up to 256 µs each microsecond has a cell; above, each power of two has 128. That is what
//! HdrHistogram makes of a lowest value of 1 and two significant digits, and what the V2 format counts in.

use super::MAX_US;

pub const LOWEST_US: u64 = 1;
pub const SIGNIFICANT_DIGITS: u8 = 2;

/// All cells that a latency can be in.
pub const CELLS: usize = index(MAX_US) + 1;

/// Cells of a power of two.
pub const STEP: usize = 128;

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

/// How many microseconds fall into it.
const fn width_us(index: usize) -> u64 {
    if index < 256 { 1 } else { 1 << (index / 128 - 1) }
}

/// The longest latency of a cell, in microseconds.
pub const fn highest_us(index: usize) -> u64 {
    lowest_us(index) + width_us(index) - 1
}

/// What a cell's latencies are told as, in microseconds.
pub const fn middle_us(index: usize) -> u64 {
    lowest_us(index) + width_us(index) / 2
}
