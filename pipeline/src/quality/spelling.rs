//! How a word is written: where it ends, its hash in lower case, its shape.

use crate::quality::entry::{Entry, WordHash};
use crate::quality::lexicon;

/// The first letter is upper case.
pub const CAPITAL: u8 = 1;
/// There is a digit in it.
pub const DIGIT: u8 = 2;
/// There is a letter that is not of ASCII in it.
pub const FOREIGN: u8 = 4;
/// All letters are upper case.
pub const SHOUTED: u8 = 8;

pub struct Spelling {
    pub hash: WordHash,
    pub shape: u8,
    pub end: usize,
}

impl Spelling {
    #[inline]
    pub fn of(bytes: &[u8], start: usize) -> Spelling {
        Spelling::of_ascii(bytes, start).unwrap_or_else(|| Spelling::of_any(bytes, start))
    }

    /// None: there is a character of more than one byte in it.
    #[inline]
    fn of_ascii(bytes: &[u8], start: usize) -> Option<Spelling> {
        let mut hash = WordHash::default();
        let mut at = start;
        // Bits that some letter, digit or apostrophe has otherwise in lower case, and that some lacks.
        let (mut folded, mut lacking) = (0, 0);
        let mut kind = SPACE;
        while let Some(&byte) = bytes.get(at) {
            kind = KINDS[usize::from(byte)];
            if kind < LETTER {
                break;
            }
            hash.push(kind);
            folded |= kind ^ byte;
            lacking |= !kind;
            at += 1;
        }
        if kind == WIDE {
            return None;
        }
        let word = || bytes.get(start..at).unwrap_or_default();
        let mut shape = 0;
        if folded != 0 {
            shape = case(word());
        }
        if lacking & LETTERS != 0 && word().iter().any(u8::is_ascii_digit) {
            shape |= DIGIT;
        }
        Some(Spelling { hash, shape, end: at })
    }

    /// Byte by byte.
    #[cold]
    fn of_any(bytes: &[u8], start: usize) -> Spelling {
        let mut hash = WordHash::default();
        let mut at = start;
        let mut shape = 0;
        while let Some(&byte) = bytes.get(at) {
            match (KINDS[usize::from(byte)], punctuation(bytes, at)) {
                (WIDE, Some((length, b'\''))) => {
                    hash.push(b'\'');
                    at += length - 1;
                }
                (WIDE, None) => {
                    shape |= FOREIGN;
                    hash.push(lower(bytes, at));
                }
                (letter @ LETTER.., _) => {
                    if byte.is_ascii_digit() {
                        shape |= DIGIT;
                    }
                    hash.push(letter);
                }
                _ => break,
            }
            at += 1;
        }
        shape |= case(bytes.get(start..at).unwrap_or_default());
        Spelling { hash, shape, end: at }
    }
}

/// A byte of a letter that is not of ASCII: of Latin-1's capitals, "Ü", that of the small letter.
fn lower(bytes: &[u8], at: usize) -> u8 {
    match bytes.get(at.saturating_sub(1)..=at) {
        Some([0xc3, letter @ 0x80..=0x9e]) if *letter != 0x97 => letter | 0x20,
        Some([.., byte]) => *byte,
        _ => 0,
    }
}

/// Letters have this bit, digits and the apostrophe don't.
const LETTERS: u8 = 0x40;

fn case(word: &[u8]) -> u8 {
    if !word.first().is_some_and(u8::is_ascii_uppercase) {
        return 0;
    }
    let shouted = word.len() > 1 && !word.iter().any(u8::is_ascii_lowercase);
    CAPITAL | if shouted { SHOUTED } else { 0 }
}

/// What the lexicon says of a word whose digits stand for letters: "1d10t". Digits alone are a number.
#[cold]
pub fn spelt_out(word: &[u8]) -> Entry {
    let mut hash = WordHash::default();
    if word.iter().any(u8::is_ascii_alphabetic) {
        for byte in word {
            hash.push(match byte {
                b'0' => b'o',
                b'1' => b'i',
                b'3' => b'e',
                b'4' => b'a',
                b'5' => b's',
                b'7' => b't',
                other => other.to_ascii_lowercase(),
            });
        }
    }
    lexicon::look_up(hash.finish())
}

/// What a byte is: one of these, or from [`LETTER`] on the letter in lower case, the digit, the apostrophe itself.
pub const SPACE: u8 = 0;
/// Ends a sentence.
pub const END: u8 = 1;
pub const SYMBOL: u8 = 2;
/// Of a character that is not of ASCII.
pub const WIDE: u8 = 3;
pub const LETTER: u8 = b'\'';

pub static KINDS: [u8; 256] = kinds();

const fn kinds() -> [u8; 256] {
    let mut kinds = [SPACE; 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = match byte as u8 {
            letter @ (b'a'..=b'z' | b'0'..=b'9' | b'\'') => letter,
            letter @ b'A'..=b'Z' => letter | 0x20,
            b'.' | b'!' | b'?' | b'\n' => END,
            b'{' | b'}' | b'(' | b')' | b'[' | b']' | b'<' | b'>' | b'=' | b';' | b'_' | b'\\' | b'|'
            | b'$' => SYMBOL,
            0x80.. => WIDE,
            _ => SPACE,
        };
        byte += 1;
    }
    kinds
}

/// The length of a punctuation mark that is not of ASCII, and its like there: an apostrophe, a sentence's end, or 0.
pub fn punctuation(bytes: &[u8], at: usize) -> Option<(usize, u8)> {
    match bytes.get(at..at + 3)? {
        [0xe2, 0x80, 0x98 | 0x99] => Some((3, b'\'')),
        [0xe2, 0x80, _] => Some((3, 0)),
        [0xe3, 0x80, 0x82] => Some((3, b'.')),
        [0xe3, 0x80, 0x80..=0x91] => Some((3, 0)),
        [0xef, 0xbc, 0x81] => Some((3, b'!')),
        [0xef, 0xbc, 0x9f] => Some((3, b'?')),
        [0xef, 0xbc, 0x8c] => Some((3, 0)),
        [0xc2, 0xa0 | 0xab | 0xbb, _] => Some((2, 0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(spelling: Spelling) -> (u64, u32, u8, usize) {
        (spelling.hash.finish(), spelling.hash.stem(), spelling.shape, spelling.end)
    }

    #[test]
    fn the_shape_of_a_word_is_told() {
        let words = [
            ("don't", 0),
            ("INTERNATIONALISATION", SHOUTED | CAPITAL),
            ("Covid19", DIGIT | CAPITAL),
            ("a", 0),
            ("A", CAPITAL),
            ("exactly8", DIGIT),
            ("Größe", CAPITAL | FOREIGN),
        ];
        for (word, shape) in words {
            let text = format!("{word}, and more behind it");
            let spelling = Spelling::of(text.as_bytes(), 0);
            assert_eq!((spelling.shape, spelling.end), (shape, word.len()), "{word}");
        }
    }

    proptest! {
        #[test]
        fn both_ways_to_read_a_word_agree(text in "[a-zA-Z0-9'][ -~é’]{0,40}") {
            let bytes = text.as_bytes();
            if let Some(spelling) = Spelling::of_ascii(bytes, 0) {
                prop_assert_eq!(read(spelling), read(Spelling::of_any(bytes, 0)));
            }
        }
    }
}
