//! The words of a text that say what it is about: the long ones, by how they begin.

use std::collections::HashSet;

use rustc_hash::FxBuildHasher;

/// Letters that a word has at least, and by which it is known: `tents` and `tent` are too short to say much, `camping` and
/// `camped` differ, `reservation` and `reserved` do not, nor do the cases of languages that have them.
const LETTERS: usize = 6;

/// Scripts that write no spaces between words, from and to: their runs of letters are no words. Thai to Tibetan, Myanmar, Khmer, and
/// Chinese and Japanese (Hangul, which has spaces, comes after them).
const WITHOUT_SPACES: [(char, char); 4] =
    [('\u{E00}', '\u{FFF}'), ('\u{1000}', '\u{109F}'), ('\u{1780}', '\u{17FF}'), ('\u{2E80}', '\u{A4CF}')];

#[derive(Debug, Default)]
pub struct Words(HashSet<[char; LETTERS], FxBuildHasher>);

impl Words {
    pub fn of(text: &str) -> Words {
        let mut words = Words::default();
        let (mut word, mut length) = (['\0'; LETTERS], 0);
        for character in text.chars() {
            if is_letter(character) {
                for letter in character.to_lowercase() {
                    if let Some(slot) = word.get_mut(length) {
                        *slot = letter;
                        length += 1;
                    }
                }
            } else {
                if length == LETTERS {
                    words.0.insert(word);
                }
                length = 0;
            }
        }
        if length == LETTERS {
            words.0.insert(word);
        }
        words
    }

    pub fn without(mut self, others: &Words) -> Words {
        self.0.retain(|word| !others.0.contains(word));
        self
    }

    pub fn common(&self, other: &Words) -> usize {
        self.0.iter().filter(|word| other.0.contains(*word)).count()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

fn is_letter(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_alphabetic();
    }
    character.is_alphabetic() && !WITHOUT_SPACES.iter().any(|(from, to)| (*from..=*to).contains(&character))
}
