//! Whether one of many words is in a text, at the speed of a load for every third byte.
//!
//! A word of six bytes has four in a row that begin at a multiple of three, wherever it stands: these are looked up in a table of bits.

use rustc_hash::FxHashMap;

/// The shortest word that can't pass between two looks.
pub const SHORTEST: usize = 6;

const STEP: usize = 3;
const GRAM: usize = 4;
const WORDS: usize = 1 << 10;

#[derive(Debug, PartialEq)]
struct Anchor {
    folded: Vec<u8>,
    /// Where the four bytes are in it.
    offset: usize,
    /// No letter stands before it or behind it.
    bounds: (bool, bool),
}

/// The bounds of a part of a text.
const PART: (bool, bool) = (false, false);

/// Lower case, and what no comparison is hurt by: both sides are folded.
const FOLD: u32 = 0x2020_2020;

#[derive(Default)]
pub struct Anchors {
    /// 8 kB: it stays in the processor's first cache.
    bits: Vec<u64>,
    /// The anchors that have four bytes.
    anchors: FxHashMap<u32, Listed>,
}

/// Most words that have four bytes of an anchor go on otherwise: those are passed over without a look at the anchors.
#[derive(Default)]
struct Listed {
    /// Bytes that stand behind the four, and before them where nothing stands behind, as bits.
    behind: u64,
    before: u64,
    anchors: Vec<Anchor>,
}

impl Anchors {
    /// Texts of which a part is enough, and words, which begin and end where they do (`stem*` does not). Shorter ones than
    /// [`SHORTEST`] are left out.
    pub fn new<'w>(parts: impl Iterator<Item = &'w str>, words: impl Iterator<Item = &'w str>) -> Anchors {
        let mut anchors = Anchors { bits: vec![0; WORDS], anchors: FxHashMap::default() };
        parts.for_each(|part| anchors.add(part, PART));
        for word in words {
            let stem = word.strip_suffix('*');
            anchors.add(stem.unwrap_or(word), (true, stem.is_none()));
        }
        anchors
    }

    fn add(&mut self, text: &str, bounds: (bool, bool)) {
        if text.len() < SHORTEST {
            return;
        }
        let folded: Vec<u8> = text.bytes().map(|byte| byte | 0x20).collect();
        for offset in 0..STEP {
            let Some(gram) = folded.get(offset..).and_then(gram) else { continue };
            let (slot, bit) = place(gram);
            if let Some(slot) = self.bits.get_mut(slot) {
                *slot |= bit;
            }
            let anchor = Anchor { folded: folded.clone(), offset, bounds };
            let listed = self.anchors.entry(gram).or_default();
            match (folded.get(offset + GRAM), offset.checked_sub(1).and_then(|before| folded.get(before))) {
                (Some(behind), _) => listed.behind |= bit_of(*behind),
                (None, Some(before)) => listed.before |= bit_of(*before),
                (None, None) => {}
            }
            if !listed.anchors.contains(&anchor) {
                listed.anchors.push(anchor);
            }
        }
    }

    pub fn is_in(&self, text: &str) -> bool {
        let mut found = false;
        self.places(text, |_, _| {
            found = true;
            false
        });
        found
    }

    /// Where anchors stand, and whether one of them is a part of a text, until `found` has enough.
    pub fn places(&self, text: &str, mut found: impl FnMut(usize, bool) -> bool) {
        let bytes = text.as_bytes();
        for (step, window) in bytes.windows(GRAM).step_by(STEP).enumerate() {
            let Some(gram) = gram(window) else { continue };
            let (slot, bit) = place(gram);
            if self.bits.get(slot).is_some_and(|slot| slot & bit != 0)
                && let Some(is_part) = self.anchor(bytes, step * STEP, gram)
                && !found(step * STEP, is_part)
            {
                return;
            }
        }
    }

    #[cold]
    fn anchor(&self, text: &[u8], at: usize, gram: u32) -> Option<bool> {
        let is_letter =
            |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(u8::is_ascii_alphanumeric);
        let is_there = |place: usize, byte: &u8| text.get(place).is_some_and(|there| there | 0x20 == *byte);
        let stands_here = |anchor: &&Anchor| {
            let Some(from) = at.checked_sub(anchor.offset) else { return false };
            let (to, (before, behind)) = (from + anchor.folded.len(), anchor.bounds);
            // Most end with another letter.
            (from..to).rev().zip(anchor.folded.iter().rev()).all(|(place, byte)| is_there(place, byte))
                && !(before && is_letter(from.checked_sub(1)) || behind && is_letter(Some(to)))
        };
        let listed = self.anchors.get(&gram)?;
        let is_in = |bits: u64, place: Option<usize>| {
            place.and_then(|place| text.get(place)).is_some_and(|byte| bits & bit_of(byte | 0x20) != 0)
        };
        if !is_in(listed.behind, at.checked_add(GRAM)) && !is_in(listed.before, at.checked_sub(1)) {
            return None;
        }
        // Parts come first.
        let found = listed.anchors.iter().find(stands_here)?;
        Some(found.bounds == PART)
    }
}

/// The first four bytes, folded.
fn gram(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk::<GRAM>().map(|bytes| u32::from_le_bytes(*bytes) | FOLD)
}

fn bit_of(byte: u8) -> u64 {
    1 << (byte & 63)
}

fn place(gram: u32) -> (usize, u64) {
    let hash = gram.wrapping_mul(0x9E37_79B1) >> 16;
    ((hash >> 6) as usize & (WORDS - 1), 1 << (hash & 63))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_anchor_is_found_wherever_it_stands() {
        let anchors =
            Anchors::new(["ignore", "système", "short"].into_iter(), ["reveal", "instruct*"].into_iter());
        for before in 0..12 {
            for word in ["ignore", "IGNORE", "Système", "SYSTÈME"] {
                let text = format!("{}{word}", "x".repeat(before));
                assert!(anchors.is_in(&text), "{text}");
                assert!(anchors.is_in(&format!("{text} and more")), "{text}");
            }
        }
        assert!(!anchors.is_in("ignor short signor ignited revealed unreveal sinstructor"));
        assert!(anchors.is_in("to reveal") && anchors.is_in("(instructor)"));
    }

    proptest! {
        #[test]
        fn anchors_are_those_that_a_plain_search_finds(text in "[a-d ]{0,80}", words in proptest::collection::vec("[a-d]{6,8}", 1..4)) {
            let anchors = Anchors::new(words.iter().map(String::as_str), std::iter::empty());
            prop_assert_eq!(anchors.is_in(&text), words.iter().any(|word| text.contains(word.as_str())));
        }
    }
}
