//! A text as its words, each looked up once. Bounded: of a long text the beginning and the end are read.

use memchr::{memchr, memchr_iter};

use crate::quality::entry::{Class, Entry, WordHash};
use crate::quality::lexicon;
use crate::quality::spelling::{self, END, KINDS, LETTER, SPACE, SYMBOL, Spelling, WIDE, punctuation};
pub use crate::quality::spelling::{CAPITAL, DIGIT, FOREIGN, SHOUTED};
use crate::scrub::MARK;

/// Words that are read of a text's beginning, and of its end.
#[derive(Clone, Copy)]
pub struct Excerpt {
    pub first: usize,
    pub last: usize,
}

/// Bytes of the end that are looked at for its last words: an English word takes six.
const BYTES_PER_WORD: usize = 7;

/// Bytes of a text's beginning: what lies behind would be cut off by [`Excerpt`], but for words of thousands of letters.
const LOOKED_AT: usize = 1 << 16;

#[derive(Clone, Copy, Debug)]
pub struct Word {
    /// Tells it from other words.
    pub key: u32,
    /// The first letters': equal for most forms of one word.
    pub stem: u32,
    pub entry: Entry,
    pub start: u32,
    /// In bytes; that of a longer word is the largest.
    pub length: u16,
    pub shape: u8,
    /// What ends the sentence behind the word; 0: the sentence goes on.
    pub sentence_end: u8,
}

/// Asterisks stand for some of its letters; it is what stands before them.
pub const CENSORED: u8 = 16;

/// What tells one word from others; in lower case.
pub const fn key(word: &str) -> u32 {
    let mut hash = WordHash::EMPTY;
    let mut letters = word.as_bytes();
    while let [letter, rest @ ..] = letters {
        hash.push(*letter);
        letters = rest;
    }
    key_of(hash.finish())
}

const fn key_of(hash: u64) -> u32 {
    (hash >> 32) as u32
}

impl Word {
    pub fn has(&self, shape: u8) -> bool {
        self.shape & shape != 0
    }

    pub fn is(&self, class: Class) -> bool {
        self.entry.is(class)
    }

    /// A word that a text may be about.
    pub fn is_content(&self) -> bool {
        self.length >= 4 && !self.is(Class::Function) && !self.has(DIGIT)
    }

    pub fn text<'t>(&self, of: &'t str) -> &'t str {
        let start = self.start as usize;
        of.get(start..start + usize::from(self.length)).unwrap_or_default()
    }
}

/// What is in a text, beside its words.
#[derive(Default)]
pub struct Reading {
    pub words: Vec<Word>,
    /// There is more in the text than was read.
    pub is_cut: bool,
    /// Marks that programs are full of and prose is not.
    pub symbols: usize,
    /// There is a block of code in it.
    fenced: bool,
    /// A word is [`CENSORED`].
    pub censored: bool,
    /// Everything that the entries of the words say, together: what nobody says need not be looked for.
    pub any: Entry,
    function: usize,
    foreign: usize,
}

impl Reading {
    pub fn of(text: &str, excerpt: Excerpt) -> Reading {
        // A word takes four bytes or more, but for what need not be fast.
        let words = (text.len() / 4 + 1).min(excerpt.first + excerpt.last);
        let mut reading = Reading { words: Vec::with_capacity(words), ..Reading::default() };
        let bytes = text.as_bytes();
        let beginning = bytes.get(..LOOKED_AT).unwrap_or(bytes);
        reading.fenced = is_fenced(beginning);
        let read = reading.read(beginning, 0, excerpt.first);
        let behind = bytes.len().saturating_sub(excerpt.last * BYTES_PER_WORD).max(read);
        let from = if behind == read {
            read
        } else {
            // Not within a word.
            let rest = bytes.get(behind..).unwrap_or_default();
            behind + rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len())
        };
        let end = reading.read(bytes, from, excerpt.last * 2);
        reading.is_cut = from > read || end < bytes.len();
        reading
    }

    /// Function words are a third of English prose, and none of code, tables and other languages. Of a few words there may be none,
    /// but one that the lexicon has.
    pub fn is_english(&self) -> bool {
        let words = self.words.len();
        let is_short = words < 8 && self.any != Entry::default() && !self.is_foreign();
        words > 0 && (self.function * 6 >= words || is_short)
    }

    pub fn is_foreign(&self) -> bool {
        self.foreign * 8 > self.words.len()
    }

    pub fn is_code(&self) -> bool {
        self.fenced || self.symbols * 3 > self.words.len().max(1)
    }

    /// How many words are of a class.
    pub fn count(&self, class: Class) -> usize {
        match class {
            Class::Function => self.function,
            _ if !self.any.is(class) => 0,
            _ => self.words.iter().filter(|word| word.is(class)).count(),
        }
    }

    /// The words' sentences.
    pub fn sentences(&self) -> impl Iterator<Item = &[Word]> {
        self.words.split_inclusive(|word| word.sentence_end != 0)
    }

    /// Reads from a byte on, until so many words are read; returns where it stopped.
    fn read(&mut self, bytes: &[u8], from: usize, most: usize) -> usize {
        let mut at = from;
        for _ in 0..most {
            at = match bytes.get(at..at + 2) {
                // Nearly always.
                Some([b' ', letter]) if KINDS[usize::from(*letter)] >= LETTER => at + 1,
                _ => self.pass_by(bytes, at),
            };
            if at >= bytes.len() {
                return at;
            }
            at = self.word(bytes, at);
        }
        self.pass_by(bytes, at)
    }

    /// What is between two words.
    fn pass_by(&mut self, bytes: &[u8], mut at: usize) -> usize {
        let mut end = 0;
        if bytes.get(at) == Some(&b'*') {
            self.censor(bytes, at);
        }
        while let Some(&byte) = bytes.get(at) {
            match KINDS[usize::from(byte)] {
                SPACE => {}
                END => end = end.max(byte),
                // What was there is not known, and its kind is nobody's word.
                SYMBOL if byte == b'[' && bytes.get(at..).is_some_and(|rest| rest.starts_with(MARK)) => {
                    at += memchr(b']', bytes.get(at..).unwrap_or_default()).unwrap_or(0);
                }
                SYMBOL => self.symbols += 1,
                WIDE => match punctuation(bytes, at) {
                    Some((length, mark)) => {
                        end = end.max(mark);
                        at += length - 1;
                    }
                    None => break,
                },
                _ => break,
            }
            at += 1;
        }
        if end != 0
            && let Some(word) = self.words.last_mut()
        {
            word.sentence_end = end;
        }
        at
    }

    /// "f*ck", but not "a*b", "2*x" and "**important**".
    #[cold]
    fn censor(&mut self, bytes: &[u8], at: usize) {
        let behind = bytes.iter().skip(at).skip_while(|byte| **byte == b'*').take(2);
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        let is_within = behind.filter(|byte| byte.is_ascii_lowercase()).count() == 2
            && before.is_some_and(u8::is_ascii_alphabetic);
        let is_beginning = |word: &&mut Word| word.length <= 3 && !word.has(DIGIT);
        if is_within && let Some(word) = self.words.last_mut().filter(is_beginning) {
            word.shape |= CENSORED;
            self.censored = true;
        }
    }

    #[inline]
    fn word(&mut self, bytes: &[u8], start: usize) -> usize {
        let spelling = Spelling::of(bytes, start);
        let hash = spelling.hash.finish();
        let mut entry = lexicon::look_up(hash);
        if spelling.shape & DIGIT != 0 && entry == Entry::default() {
            entry = spelling::spelt_out(bytes.get(start..spelling.end).unwrap_or_default());
        }
        self.any = Entry(self.any.0 | entry.0);
        self.function += usize::from(entry.is(Class::Function));
        self.foreign += usize::from(spelling.shape & FOREIGN != 0);
        self.words.push(Word {
            key: key_of(hash),
            stem: spelling.hash.stem(),
            entry,
            start: u32::try_from(start).unwrap_or(u32::MAX),
            length: u16::try_from(spelling.end - start).unwrap_or(u16::MAX),
            shape: spelling.shape,
            sentence_end: 0,
        });
        spelling.end
    }
}

/// There is a block of code as Markdown has it.
fn is_fenced(text: &[u8]) -> bool {
    memchr_iter(b'`', text).any(|at| text.get(at..).is_some_and(|rest| rest.starts_with(b"```")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let reading = Reading::of(text, Excerpt { first: 100, last: 20 });
        reading.words.iter().map(|word| word.text(text).to_owned()).collect()
    }

    #[test]
    fn words_end_at_marks_of_any_alphabet() {
        assert_eq!(words("It’s “fine” — isn't it?"), ["It’s", "fine", "isn't", "it"]);
        assert_eq!(words("今日は。晴れ！ok"), ["今日は", "晴れ", "ok"]);
        assert_eq!(words("«Größe» 3.5"), ["Größe", "3", "5"]);
        assert_eq!(words(""), [""; 0]);
    }

    #[test]
    fn a_curly_apostrophe_is_a_straight_one() {
        let reading = Reading::of("don’t", Excerpt { first: 10, last: 10 });
        assert!(reading.words[0].is(Class::Negation));
    }

    #[test]
    fn of_a_long_text_the_beginning_and_the_end_are_read() {
        let text = format!("first {} last", "word ".repeat(10_000));
        let reading = Reading::of(&text, Excerpt { first: 10, last: 10 });
        assert!(reading.is_cut);
        assert!(reading.words.len() <= 30);
        let last = reading.words.last().map(|word| word.text(&text));
        assert_eq!(last, Some("last"));
    }

    #[test]
    fn a_text_just_over_the_excerpt_is_read_once() {
        let text = "a b c d e f";
        assert_eq!(words(text).len(), 6);
        let reading = Reading::of(text, Excerpt { first: 4, last: 4 });
        assert_eq!((reading.words.len(), reading.is_cut), (6, false));
    }

    #[test]
    fn a_text_of_which_anything_is_unread_is_cut() {
        let excerpt = Excerpt { first: 4, last: 4 };
        let no_space = format!("a b c d e {}", "x".repeat(100));
        let short_words = "a ".repeat(20);
        for (text, is_cut) in [(no_space.as_str(), true), (&short_words, true), ("a b c d e f g", false)] {
            assert_eq!(Reading::of(text, excerpt).is_cut, is_cut, "{text}");
        }
    }

    #[test]
    fn a_placeholder_of_the_scrubber_is_no_word() {
        assert_eq!(words("Ask [REDACTED:email] or [REDACTED:phone]."), ["Ask", "or"]);
    }
}
