//! What is known of a word. Made by the build script from VADER's lexicon, rustrict's word types and `data/words.txt`.

use crate::quality::entry::{Entry, SLOTS, place};

static KEYS: &[u8; SLOTS * 2] = include_bytes!(concat!(env!("OUT_DIR"), "/lexicon_keys.bin"));
static ENTRIES: &[u8; SLOTS * 4] = include_bytes!(concat!(env!("OUT_DIR"), "/lexicon_entries.bin"));

/// An unknown word's entry is the default. `hash` is of the word in lower case.
#[inline]
pub fn look_up(hash: u64) -> Entry {
    let (mut slot, key) = place(hash);
    loop {
        let known = u16::from_le_bytes(KEYS.as_chunks().0[slot % SLOTS]);
        if known == key {
            return Entry(u32::from_le_bytes(ENTRIES.as_chunks().0[slot % SLOTS]));
        }
        if known == 0 {
            return Entry::default();
        }
        slot += 1;
    }
}
