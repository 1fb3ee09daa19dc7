//! HdrHistogram's V2 format, not compressed, as every library of that name reads it. Integers of the header are big-endian:
//! cookie, length of the payload, 0, significant digits, lowest and highest value, 1.0. The payload has one number for each
//! cell up to the last with counts: its count, or below 0 how many cells without counts there are. A number is zig-zag coded
//! in groups of seven bits, the lowest first; a ninth byte holds eight.
//!
//! The crate hdrhistogram writes its own highest value, which grows, and reads corrupt bytes with arithmetic that overflows. So reading and
//! writing are here; tests hold both against the crate's.

use super::cells::{CELLS, LOWEST_US, SIGNIFICANT_DIGITS};
use super::{HistogramError, MAX_COUNT, MAX_US};

const COOKIE: u32 = 0x1c84_9313;
const HEADER_BYTES: usize = 40;
const LONGEST_NUMBER: usize = 9;

/// From pairs of a cell and its count, ascending, no two of the same cell.
pub fn write(counts: impl Iterator<Item = (usize, u64)>) -> Vec<u8> {
    let mut payload = Vec::with_capacity(512);
    let mut next = 0;
    for (cell, count) in counts {
        match cell - next {
            0 => {}
            1 => write_number(&mut payload, 0),
            empty => write_number(&mut payload, -(empty as i64)),
        }
        write_number(&mut payload, count.min(MAX_COUNT) as i64);
        next = cell + 1;
    }
    if payload.is_empty() {
        // An empty histogram has one cell without counts.
        write_number(&mut payload, 0);
    }
    let mut bytes = Vec::with_capacity(HEADER_BYTES + payload.len());
    bytes.extend(COOKIE.to_be_bytes());
    bytes.extend((payload.len() as u32).to_be_bytes());
    bytes.extend(LAYOUT);
    bytes.extend(payload);
    bytes
}

/// What follows the length in the header, the same in all of ours.
const LAYOUT: [u8; HEADER_BYTES - 8] = layout();

const fn layout() -> [u8; HEADER_BYTES - 8] {
    let mut layout = [0; HEADER_BYTES - 8];
    let (mut words, ratio) = (layout.as_mut_slice(), 1.0f64.to_bits());
    // A normalizing offset of 0, four bytes as the digits are, makes one word with them.
    let values = [SIGNIFICANT_DIGITS as u64, LOWEST_US, MAX_US, ratio];
    let mut which = 0;
    while which < values.len() {
        let (word, rest) = words.split_at_mut(8);
        word.copy_from_slice(&values[which].to_be_bytes());
        words = rest;
        which += 1;
    }
    layout
}

/// Bytes that are looked at together.
const TOGETHER: usize = 8;

/// The bit of each of so many bytes that says that its number goes on.
const GOES_ON: u64 = u64::from_ne_bytes([0x80; TOGETHER]);

/// Calls `found` with each cell that has counts, and their number, with some that have none, too, and where the bytes are no histogram's with cells
/// beyond the last one; how many counts there are.
pub fn read(bytes: &[u8], mut found: impl FnMut(usize, u64)) -> Result<u64, HistogramError> {
    let (cookie, rest) = word(bytes)?;
    if cookie != COOKIE {
        return Err(HistogramError::NotV2);
    }
    let (length, rest) = word(rest)?;
    let (layout, mut payload) = rest.split_at_checked(LAYOUT.len()).ok_or(HistogramError::Truncated)?;
    if layout != LAYOUT {
        return Err(HistogramError::OtherLayout);
    }
    if payload.len() != length as usize {
        return Err(HistogramError::WrongLength);
    }
    let (mut cell, mut total) = (0usize, 0u64);
    while !payload.is_empty() {
        // Most numbers are of one byte: those are read without branches, which nobody could foretell.
        let (short, rest) = payload.split_at(short_numbers(payload));
        for byte in short {
            let (half, is_run) = (usize::from(byte >> 1), usize::from(byte & 1));
            let count = (half & is_run.wrapping_sub(1)) as u64;
            found(cell, count);
            total += count;
            cell += 1 + (half & is_run.wrapping_neg());
        }
        if cell > CELLS {
            return Err(HistogramError::OutOfRange);
        }
        payload = rest;
        if payload.is_empty() || short.len() == TOGETHER {
            continue;
        }
        let (number, rest) = read_number(payload)?;
        payload = rest;
        let cells = if number < 0 { usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX) } else { 1 };
        let next = cell.saturating_add(cells);
        if next > CELLS {
            return Err(HistogramError::OutOfRange);
        }
        if number > 0 {
            let count = number.unsigned_abs();
            total = total.saturating_add(count);
            if total > MAX_COUNT {
                return Err(HistogramError::TooMany);
            }
            found(cell, count);
        }
        cell = next;
    }
    if total > MAX_COUNT { Err(HistogramError::TooMany) } else { Ok(total) }
}

/// How many numbers of one byte come next, of so many as are looked at together.
fn short_numbers(bytes: &[u8]) -> usize {
    match bytes.first_chunk::<TOGETHER>() {
        Some(together) => (u64::from_le_bytes(*together) & GOES_ON).trailing_zeros() as usize / 8,
        None => bytes.iter().take_while(|byte| **byte < 0x80).count(),
    }
}

fn word(bytes: &[u8]) -> Result<(u32, &[u8]), HistogramError> {
    let (word, rest) = bytes.split_first_chunk().ok_or(HistogramError::Truncated)?;
    Ok((u32::from_be_bytes(*word), rest))
}

fn write_number(out: &mut Vec<u8>, number: i64) {
    let mut bits = ((number << 1) ^ (number >> 63)) as u64;
    for _ in 1..LONGEST_NUMBER {
        if bits < 0x80 {
            break;
        }
        out.push(bits as u8 | 0x80);
        bits >>= 7;
    }
    out.push(bits as u8);
}

fn read_number(bytes: &[u8]) -> Result<(i64, &[u8]), HistogramError> {
    let mut bits = 0u64;
    for (place, &byte) in bytes.iter().enumerate().take(LONGEST_NUMBER) {
        let last = place + 1 == LONGEST_NUMBER;
        let group = if last { byte } else { byte & 0x7f };
        bits |= u64::from(group) << (7 * place);
        if last || byte < 0x80 {
            let number = (bits >> 1) as i64 ^ -((bits & 1) as i64);
            return Ok((number, bytes.get(place + 1..).unwrap_or_default()));
        }
    }
    Err(HistogramError::Truncated)
}
