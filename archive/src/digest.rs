//! A checksum of a column: of what is NULL in it, and of its values, however they come in pieces.

use sha2::{Digest as _, Sha256};

use crate::column::Values;

#[derive(Clone, Default)]
pub(crate) struct Digest {
    levels: Sha256,
    values: Sha256,
}

impl Digest {
    /// `levels`: 1 for each value that is there, 0 for NULL.
    pub fn add(&mut self, levels: &[i16], values: &Values) {
        self.levels.update(levels.iter().map(|level| u8::from(*level > 0)).collect::<Vec<u8>>());
        match values {
            Values::Bool(values) => {
                self.values.update(values.iter().map(|v| u8::from(*v)).collect::<Vec<u8>>())
            }
            Values::Int(values) => self.fixed(values.iter().map(|value| value.to_le_bytes())),
            Values::BigInt(values) => self.fixed(values.iter().map(|value| value.to_le_bytes())),
            // By their bits, so that -0 and every NaN count.
            Values::Double(values) => self.fixed(values.iter().map(|value| value.to_le_bytes())),
            Values::Bytes(values) => values.iter().for_each(|value| self.text(value.data())),
            Values::Fixed(values) => values.iter().for_each(|value| self.text(value.data())),
        }
    }

    fn fixed<const N: usize>(&mut self, values: impl Iterator<Item = [u8; N]>) {
        self.values.update(values.flatten().collect::<Vec<u8>>());
    }

    fn text(&mut self, value: &[u8]) {
        self.values.update((value.len() as u64).to_le_bytes());
        self.values.update(value);
    }

    pub fn finish(self) -> [[u8; 32]; 2] {
        [self.levels.finalize().into(), self.values.finalize().into()]
    }
}
