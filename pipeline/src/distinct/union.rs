//! Many sketches as one: what a dashboard of a month merges, without making a sketch of each. It reads and writes the format of Apache
//! DataSketches, whose own union computes its sums anew with each dense sketch.

use super::{Distinct, DistinctError, LG_K, MOST_ZEROS, REGISTERS, sums};

/// Texts up to which a sketch holds them apart: three quarters of the greatest table that is smaller than the registers.
const MOST_COUPONS: usize = 3 << (LG_K - 5);

/// Where coupons come twice, they are sorted out once there are so many.
const MOST_WAITING: usize = 4 * MOST_COUPONS;

/// A coupon's lower bits say which register, the upper ones the value for it.
const SLOT_BITS: u32 = 26;

const LIST: [u8; 6] = [2, 1, 7, LG_K, 3, 8];
const LIST_MODE: u8 = 8;
const MOST_LISTED: usize = 7;
const SET_MODE: u8 = 9;
const DENSE_MODE: u8 = 10;
/// How it came together is not known: the count is estimated from the registers alone.
const OUT_OF_ORDER: u8 = 16;

#[derive(Clone, Debug, Default)]
pub struct Union {
    coupons: Vec<u32>,
    /// None, or all: then there are no coupons.
    registers: Vec<u8>,
}

/// What a sketch's bytes hold.
enum Held<'a> {
    Coupons(&'a [[u8; 4]]),
    Registers(&'a [u8]),
}

impl Union {
    /// Safe on any bytes; what [`Distinct::from_bytes`] takes.
    pub fn merge_bytes(&mut self, bytes: &[u8]) -> Result<(), DistinctError> {
        match held(bytes) {
            Some(Held::Coupons(coupons)) => self.add(coupons),
            Some(Held::Registers(registers)) => {
                super::check_registers(bytes)?;
                self.merge_registers(registers);
            }
            // Another spelling, or no sketch.
            None => match held(&Distinct::from_bytes(bytes)?.to_bytes()) {
                Some(Held::Coupons(coupons)) => self.add(coupons),
                Some(Held::Registers(registers)) => self.merge_registers(registers),
                None => return Err(DistinctError::NoSketch),
            },
        }
        Ok(())
    }

    pub fn merge(&mut self, other: &Union) {
        if other.registers.is_empty() {
            other.coupons.iter().for_each(|coupon| self.insert(*coupon));
        } else {
            self.merge_registers(&other.registers);
        }
    }

    fn add(&mut self, coupons: &[[u8; 4]]) {
        coupons.iter().for_each(|coupon| self.insert(u32::from_le_bytes(*coupon)));
    }

    fn insert(&mut self, coupon: u32) {
        if self.registers.is_empty() {
            self.coupons.push(coupon);
            if self.coupons.len() > MOST_WAITING {
                self.sort_out();
            }
        } else {
            raise(&mut self.registers, coupon);
        }
    }

    /// Each coupon is there once afterwards, or registers are.
    fn sort_out(&mut self) {
        // Half of its places stay empty. No coupon is 0, and to sort them takes several times as long.
        let mut seen = vec![0_u32; (2 * self.coupons.len()).next_power_of_two()];
        let last = seen.len() - 1;
        self.coupons.retain(|coupon| {
            let mut at = (coupon.wrapping_mul(0x9E37_79B9) >> 8) as usize & last;
            while let Some(place) = seen.get_mut(at).filter(|place| **place != *coupon) {
                if *place == 0 {
                    *place = *coupon;
                    return true;
                }
                at = (at + 1) & last;
            }
            false
        });
        if self.coupons.len() > MOST_COUPONS {
            self.make_registers();
        }
    }

    fn make_registers(&mut self) {
        self.registers.resize(1 << LG_K, 0);
        for coupon in std::mem::take(&mut self.coupons) {
            raise(&mut self.registers, coupon);
        }
    }

    fn merge_registers(&mut self, registers: &[u8]) {
        if self.registers.is_empty() {
            self.make_registers();
        }
        self.registers.iter_mut().zip(registers).for_each(|(own, other)| *own = (*own).max(*other));
    }

    /// A sketch's bytes. None: nothing was merged.
    pub fn sketch(&mut self) -> Option<Vec<u8>> {
        self.sort_out();
        self.coupons.sort_unstable();
        self.bytes()
    }

    /// About how many different texts there are, as its sketch would say.
    pub fn count(&mut self) -> Result<i64, DistinctError> {
        self.sort_out();
        self.bytes().map_or(Ok(0), |bytes| Ok(Distinct::from_bytes(&bytes)?.count()))
    }

    fn bytes(&self) -> Option<Vec<u8>> {
        if self.registers.is_empty() {
            self.coupons.first().map(|_| of_coupons(&self.coupons))
        } else {
            Some(of_registers(&self.registers))
        }
    }
}

fn raise(registers: &mut [u8], coupon: u32) {
    let slot = coupon & ((1 << LG_K) - 1);
    if let Some(register) = registers.get_mut(slot as usize) {
        *register = (*register).max((coupon >> SLOT_BITS) as u8);
    }
}

fn held(bytes: &[u8]) -> Option<Held<'_>> {
    let (head, rest) = bytes.split_first_chunk::<8>()?;
    match *head {
        [2, 1, 7, LG_K, 3, 8 | 12, count, LIST_MODE] => coupons(rest, u32::from(count)),
        [3, 1, 7, LG_K, 5..12, 8, _, SET_MODE] => {
            let (count, rest) = rest.split_first_chunk::<4>()?;
            coupons(rest, u32::from_le_bytes(*count))
        }
        [10, 1, 7, LG_K, _, _, 0, DENSE_MODE] => {
            bytes.get(REGISTERS..).filter(|found| found.len() == 1 << LG_K).map(Held::Registers)
        }
        _ => None,
    }
}

/// So many, and nothing else. One without a value counts nothing.
fn coupons(bytes: &[u8], count: u32) -> Option<Held<'_>> {
    let (coupons, odd) = bytes.as_chunks::<4>();
    let has_value = |coupon: &[u8; 4]| u32::from_le_bytes(*coupon) >> SLOT_BITS > 0;
    (odd.is_empty() && u32::try_from(coupons.len()) == Ok(count) && coupons.iter().all(has_value))
        .then_some(Held::Coupons(coupons))
}

fn of_coupons(coupons: &[u32]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(12 + 4 * coupons.len());
    if coupons.len() <= MOST_LISTED {
        bytes.extend(LIST);
        bytes.extend([coupons.len() as u8, LIST_MODE]);
    } else {
        // A table with so few of its places taken as the format allows.
        let table = (5..LG_K - 3).find(|table| 4 * coupons.len() <= 3 << table).unwrap_or(LG_K - 3);
        bytes.extend([3, 1, 7, LG_K, table, 8, 0, SET_MODE]);
        bytes.extend((coupons.len() as u32).to_le_bytes());
    }
    coupons.iter().for_each(|coupon| bytes.extend(coupon.to_le_bytes()));
    bytes
}

fn of_registers(registers: &[u8]) -> Vec<u8> {
    let sums = sums(registers);
    let mut bytes = Vec::with_capacity(REGISTERS + registers.len());
    bytes.extend([10, 1, 7, LG_K, 0, OUT_OF_ORDER, 0, DENSE_MODE]);
    bytes.extend(0.0f64.to_le_bytes());
    bytes.extend(sums.small.to_le_bytes());
    bytes.extend(sums.great.to_le_bytes());
    bytes.extend(sums.zeros.to_le_bytes());
    bytes.extend(0u32.to_le_bytes());
    // No sketch has more.
    bytes.extend(registers.iter().map(|register| (*register).min(MOST_ZEROS)));
    bytes
}
