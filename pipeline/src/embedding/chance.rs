//! Numbers that look drawn, and are the same each time: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).

pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// 0 to less than 1.
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// One of so many; 0 of none.
    pub fn below(&mut self, many: usize) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "less than `many`")]
        let drawn = ((u128::from(self.next()) * many as u128) >> 64) as usize;
        drawn
    }
}
