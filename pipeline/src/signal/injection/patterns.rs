//! The list of patterns (`data/injections.txt`), and what of it words match.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use memchr::memmem::Finder;
use rustc_hash::FxHashMap;

use super::Source;
use super::anchors::Anchors;
use super::disguise;
use super::words::{self, Token};

pub static LIST: LazyLock<List> = LazyLock::new(|| List::read(include_str!("../../../data/injections.txt")));

/// The kind of what only decoding shows.
pub const ENCODED: &str = "encoded_payload";

/// What of a pattern's weight is left where it is quoted, and where one or more words near it speak about injections.
const QUOTED: f64 = 0.55;
const DISCUSSED: [f64; 3] = [1.0, 0.7, 0.5];
/// Where a person takes back what is their own.
const OWN: f64 = 0.3;
/// Where it is part of a question how or why.
const ASKED: f64 = 0.6;
/// Words before a pattern that make it a question.
const QUESTION: usize = 5;

/// In an image of Markdown; six bytes, as anchors are.
const IMAGE_LINK: &[u8] = b"](http";
static IMAGE_LINKS: LazyLock<Finder> = LazyLock::new(|| Finder::new(IMAGE_LINK));
/// Bytes of an image's name, and of its address.
const LONGEST_NAME: usize = 200;
const LONGEST_ADDRESS: usize = 500;
const WAITING_IMAGE: Weights = Weights { user: 0.6, retrieved: 0.85 };

/// What repeats itself more often says nothing new.
const MOST_HITS: usize = 64;

/// Words before and behind a pattern that can speak about it.
const NEAR: usize = 30;

/// Longer ones are no words.
const LONGEST_WORD: usize = 40;

/// A pattern that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    pub kind: &'static str,
    pub weight: f64,
}

struct Pattern {
    kind: &'static str,
    weights: Weights,
    /// Each with the words that may stand before it.
    slots: Vec<(usize, Class)>,
}

#[derive(Clone, Copy)]
struct Weights {
    user: f64,
    retrieved: f64,
}

/// A set of words, by its number.
type Class = u16;

#[derive(Default)]
pub struct List {
    pub anchors: Anchors,
    /// The number of each word; of stems that of the longest.
    words: FxHashMap<Vec<u8>, u16>,
    stems: FxHashMap<Vec<u8>, u16>,
    /// How words begin, and how stems do: most words of a text are none of the list's.
    word_fronts: Fronts,
    stem_fronts: Fronts,
    /// The stems by their first byte, the longest first.
    stems_by_first: FxHashMap<u8, Vec<(Vec<u8>, u16)>>,
    /// Of each word the classes that have it.
    classes: Vec<Vec<Class>>,
    /// The same as a set.
    sets: Vec<Classes>,
    patterns: Vec<Pattern>,
    /// Of each word the patterns that begin with it.
    beginning: Vec<Vec<usize>>,
    literals: Vec<(&'static str, Weights)>,
    literal_texts: Option<AhoCorasick>,
    not: Class,
    mine: Class,
    discuss: Class,
    ask: Class,
}

impl List {
    fn read(text: &'static str) -> List {
        let mut list = List { classes: vec![Vec::new()], ..List::default() };
        let mut parts: Vec<String> = disguise::anchors();
        let mut anchors: Vec<String> = Vec::new();
        parts.extend(std::str::from_utf8(IMAGE_LINK).map(str::to_owned));
        let mut named: FxHashMap<&'static str, (Class, Vec<&'static str>)> = FxHashMap::default();
        let mut literals = Vec::new();
        // Lines that can't be read are left out; a test reads them all.
        for line in text.lines().filter_map(Line::read) {
            match line {
                Line::Words(name, words) => {
                    let class = list.add_class(&words, named.len());
                    named.insert(name, (class, words));
                }
                Line::Literal(kind, weights, literal) => {
                    parts.push(literal.to_owned());
                    literals.push(literal);
                    list.literals.push((kind, weights));
                }
                Line::Slots(kind, weights, written) => {
                    let mut slots = Vec::with_capacity(written.len());
                    let (mut phrases, mut was_anchor) = (Vec::<Vec<String>>::new(), false);
                    for slot in &written {
                        if !named.contains_key(slot.words) {
                            let words = alternatives(slot.words, &named);
                            let class = list.add_class(&words, named.len());
                            named.insert(slot.words, (class, words));
                        }
                        let Some((class, words)) = named.get(slot.words) else { continue };
                        match phrases.last_mut().filter(|_| slot.is_anchor && was_anchor && slot.gap == 0) {
                            Some(phrases) => *phrases = crossed(phrases, words),
                            None if slot.is_anchor => phrases.push(crossed(&[], words)),
                            None => {}
                        }
                        was_anchor = slot.is_anchor;
                        slots.push((slot.gap, *class));
                    }
                    anchors.extend(phrases.into_iter().flatten());
                    list.patterns.push(Pattern { kind, weights, slots });
                }
            }
        }
        list.complete_stems();
        list.sort();
        let class = |name| named.get(name).map_or(Class::MAX, |(class, _)| *class);
        (list.not, list.mine) = (class("@not"), class("@mine"));
        (list.discuss, list.ask) = (class("@discuss"), class("@ask"));
        let in_digits: Vec<String> = disguise::WORDS.iter().map(|word| disguise::in_digits(word)).collect();
        let words = anchors.iter().chain(&in_digits).map(String::as_str);
        list.anchors = Anchors::new(parts.iter().map(String::as_str), words);
        let search = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::DFA))
            .build(literals);
        list.literal_texts = search.ok();
        list
    }

    fn add_class(&mut self, listed: &[&str], number: usize) -> Class {
        let class = Class::try_from(number).unwrap_or(Class::MAX);
        for word in listed {
            let (map, word) = match word.strip_suffix('*') {
                Some(stem) => (&mut self.stems, stem),
                None => (&mut self.words, *word),
            };
            let next = u16::try_from(self.classes.len()).unwrap_or(0);
            let number = *map.entry(words::folded(word).into_bytes()).or_insert(next);
            if number == next {
                self.classes.push(Vec::new());
            }
            if let Some(classes) = self.classes.get_mut(usize::from(number)) {
                classes.push(class);
            }
        }
        class
    }

    /// A word has the classes of the stems that it begins with, too.
    fn complete_stems(&mut self) {
        for (word, number) in self.words.iter().chain(&self.stems) {
            for (stem, of) in &self.stems {
                if number != of && word.starts_with(stem) {
                    let more = self.classes.get(usize::from(*of)).cloned().unwrap_or_default();
                    if let Some(classes) = self.classes.get_mut(usize::from(*number)) {
                        classes.extend(more);
                    }
                }
            }
        }
    }

    /// What is looked up is made of what was read.
    fn sort(&mut self) {
        self.words.keys().for_each(|word| self.word_fronts.add(word, false));
        self.stems.keys().for_each(|stem| self.stem_fronts.add(stem, true));
        for (stem, number) in &self.stems {
            if let Some(first) = stem.first() {
                self.stems_by_first.entry(*first).or_default().push((stem.clone(), *number));
            }
        }
        for stems in self.stems_by_first.values_mut() {
            stems.sort_by_key(|(stem, _)| std::cmp::Reverse(stem.len()));
        }
        let begins = |class: &Class| {
            let begins =
                |pattern: &&(usize, &Pattern)| pattern.1.slots.first().map(|slot| slot.1) == Some(*class);
            self.patterns
                .iter()
                .enumerate()
                .filter(|pattern| begins(&pattern))
                .map(|(at, _)| at)
                .collect::<Vec<_>>()
        };
        self.beginning =
            self.classes.iter().map(|classes| classes.iter().flat_map(begins).collect()).collect();
        self.sets = self.classes.iter().map(|classes| classes.iter().copied().collect()).collect();
    }

    /// The number of a word without accents, whatever its case. 0: none of the list's.
    pub fn word(&self, word: &[u8]) -> u16 {
        let (may_be_word, may_have_stem) = (self.word_fronts.has(word), self.stem_fronts.has(word));
        let mut lower = [0; LONGEST_WORD];
        let Some(lower) = lower.get_mut(..word.len()).filter(|_| may_be_word || may_have_stem) else {
            return 0;
        };
        lower.copy_from_slice(word);
        lower.make_ascii_lowercase();
        let lower: &[u8] = lower;
        let stem = || {
            let stems = self.stems_by_first.get(lower.first()?)?;
            stems.iter().find(|(stem, _)| lower.starts_with(stem)).map(|(_, number)| *number)
        };
        let known = if may_be_word { self.words.get(lower).copied() } else { None };
        known.or_else(|| stem().filter(|_| may_have_stem)).unwrap_or(0)
    }

    fn classes_of(&self, token: &Token) -> &[Class] {
        self.classes.get(usize::from(token.word)).map_or(&[], Vec::as_slice)
    }

    fn is(&self, token: &Token, class: Class) -> bool {
        token.word != 0 && self.classes_of(token).contains(&class)
    }

    /// What patterns the words match.
    pub fn find(&self, tokens: &[Token], source: Source) -> Vec<Hit> {
        let mut hits = Vec::new();
        let mut said = Classes::default();
        tokens
            .iter()
            .filter_map(|token| self.sets.get(usize::from(token.word)))
            .for_each(|set| said.add(set));
        for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.word != 0) {
            if hits.len() >= MOST_HITS {
                return hits;
            }
            for pattern in self.beginning.get(usize::from(token.word)).into_iter().flatten() {
                let Some(pattern) = self.patterns.get(*pattern) else { continue };
                // Some word of it is nowhere near: so it is of nearly all.
                if !pattern.slots.iter().all(|(_, class)| said.has(*class)) {
                    continue;
                }
                let rest = pattern.slots.get(1..).unwrap_or_default();
                let Some(own) = self.matches(rest, tokens, at + 1) else { continue };
                if self.is_denied(tokens, at) {
                    continue;
                }
                let own = if own { OWN } else { 1.0 };
                let quoted = if token.quoted { QUOTED } else { 1.0 };
                let asked = if self.is_asked(tokens, at) { ASKED } else { 1.0 };
                let weight = pattern.weights.of(source) * own * quoted * asked * self.discussed(tokens, at);
                hits.push(Hit { kind: pattern.kind, weight });
            }
        }
        hits
    }

    /// What stands there as it is written; `tokens` are the text's.
    pub fn find_written(&self, text: &str, tokens: &[Token], source: Source, hits: &mut Vec<Hit>) {
        Self::find_exfiltration(text, source, hits);
        for found in self.literal_texts.iter().flat_map(|texts| texts.find_iter(text)) {
            let Some((kind, weights)) = self.literals.get(found.pattern().as_usize()) else { continue };
            let before = text.get(..found.start()).and_then(|before| before.chars().next_back());
            let quoted = if before.is_some_and(|mark| "\"'`“«".contains(mark)) { QUOTED } else { 1.0 };
            hits.push(Hit {
                kind,
                weight: weights.of(source) * quoted * self.discussed(tokens, tokens.len() / 2),
            });
        }
    }

    /// Images whose address waits for something to be put in: whoever shows the answer sends it there.
    fn find_exfiltration(text: &str, source: Source, hits: &mut Vec<Hit>) {
        for at in IMAGE_LINKS.find_iter(text.as_bytes()) {
            let (before, link) = (text.get(..at), text.get(at + 2..));
            let before = before.map(str::as_bytes).unwrap_or_default();
            let near = before.get(before.len().saturating_sub(LONGEST_NAME)..).unwrap_or_default();
            let open = memchr::memrchr(b'[', near);
            let is_image = open.and_then(|open| near.get(open.checked_sub(1)?)) == Some(&b'!');
            let link = link.and_then(|link| link.get(..super::boundary(link, LONGEST_ADDRESS)));
            let address = link.map(|link| link.split([')', '\n']).next().unwrap_or(link)).unwrap_or_default();
            let query = address.split_once('?').map_or("", |(_, query)| query);
            let waits = query.ends_with('=')
                || ["={", "=[", "=<", "=$", "=%7b", "=YOUR"].iter().any(|mark| query.contains(mark));
            if is_image && waits {
                hits.push(Hit { kind: "exfiltration", weight: WAITING_IMAGE.of(source) });
            }
        }
    }

    /// Whether the slots match from here on; and if so, whether a word between says that it is the speaker's own.
    fn matches(&self, slots: &[(usize, Class)], tokens: &[Token], at: usize) -> Option<bool> {
        let Some(((gap, class), rest)) = slots.split_first() else { return Some(false) };
        let mut own = false;
        for (place, token) in tokens.iter().enumerate().skip(at).take(gap + 1) {
            if token.ends_sentence {
                return None;
            }
            if self.is(token, *class)
                && let Some(more) = self.matches(rest, tokens, place + 1)
            {
                return Some(own || more);
            }
            if self.is(token, self.not) {
                return None;
            }
            own |= self.is(token, self.mine);
        }
        None
    }

    /// `Do not ignore ...`.
    fn is_denied(&self, tokens: &[Token], at: usize) -> bool {
        let before = tokens.get(at.saturating_sub(2)..at).unwrap_or_default();
        before.iter().rev().take_while(|token| !token.ends_sentence).any(|token| self.is(token, self.not))
    }

    /// `How do I ...`.
    fn is_asked(&self, tokens: &[Token], at: usize) -> bool {
        let before = tokens.get(at.saturating_sub(QUESTION)..at).unwrap_or_default();
        before.iter().rev().take_while(|token| !token.ends_sentence).any(|token| self.is(token, self.ask))
    }

    fn discussed(&self, tokens: &[Token], at: usize) -> f64 {
        let near = tokens.get(at.saturating_sub(NEAR)..(at + NEAR).min(tokens.len())).unwrap_or_default();
        let mut said: Vec<u16> =
            near.iter().filter(|token| self.is(token, self.discuss)).map(|token| token.word).collect();
        said.sort_unstable();
        said.dedup();
        let [_, one, more] = DISCUSSED;
        match said.len() {
            0 => 1.0,
            1 => one,
            _ => more,
        }
    }
}

impl Weights {
    fn of(self, source: Source) -> f64 {
        match source {
            Source::User => self.user,
            Source::Retrieved => self.retrieved,
        }
    }
}

/// How words of a list begin: three letters as the place of a bit, with room for what else has the same.
struct Fronts(Vec<u64>);

impl Default for Fronts {
    fn default() -> Fronts {
        Fronts(vec![0; 1 << (3 * Fronts::LETTER - 6)])
    }
}

impl Fronts {
    /// Bits of a letter, the same in upper and lower case.
    const LETTER: u32 = 5;

    fn place(word: &[u8]) -> (usize, u64) {
        let letter = |at: usize| word.get(at).map_or(0, |letter| u32::from(letter & 31));
        let front = letter(0) << (2 * Self::LETTER) | letter(1) << Self::LETTER | letter(2);
        ((front >> 6) as usize, 1 << (front & 63))
    }

    /// A stem of one or two letters goes on with any.
    fn add(&mut self, word: &[u8], is_stem: bool) {
        if is_stem && word.len() < 3 {
            return (0..1 << Self::LETTER).for_each(|next| self.add(&[word, &[next]].concat(), true));
        }
        let (slot, bit) = Self::place(word);
        self.0.get_mut(slot).into_iter().for_each(|slot| *slot |= bit);
    }

    fn has(&self, word: &[u8]) -> bool {
        let (slot, bit) = Self::place(word);
        self.0.get(slot).is_some_and(|slot| slot & bit != 0)
    }
}

/// A set of classes.
#[derive(Clone, Copy, Default)]
struct Classes([u64; 16]);

impl Classes {
    fn add(&mut self, other: &Classes) {
        self.0.iter_mut().zip(other.0).for_each(|(bits, more)| *bits |= more);
    }

    fn has(&self, class: Class) -> bool {
        self.0.get(usize::from(class / 64)).is_none_or(|bits| bits >> (class % 64) & 1 != 0)
    }
}

impl FromIterator<Class> for Classes {
    fn from_iter<I: IntoIterator<Item = Class>>(classes: I) -> Classes {
        let mut set = Classes::default();
        for class in classes {
            set.0.get_mut(usize::from(class / 64)).into_iter().for_each(|bits| *bits |= 1 << (class % 64));
        }
        set
    }
}

/// The words of a slot, those of the classes that it names among them.
fn alternatives(
    slot: &'static str,
    named: &FxHashMap<&'static str, (Class, Vec<&'static str>)>,
) -> Vec<&'static str> {
    slot.split('|')
        .flat_map(|word| named.get(word).map_or_else(|| vec![word], |(_, words)| words.clone()))
        .collect()
}

/// Each of the phrases with each of the words behind it.
fn crossed(phrases: &[String], words: &[&str]) -> Vec<String> {
    let words = words.iter().map(|word| word.to_lowercase());
    match phrases {
        [] => words.collect(),
        _ => words
            .flat_map(|word| {
                phrases.iter().map(move |phrase| format!("{} {word}", phrase.trim_end_matches('*')))
            })
            .collect(),
    }
}

/// A line of the list.
enum Line {
    Words(&'static str, Vec<&'static str>),
    Slots(&'static str, Weights, Vec<Slot>),
    Literal(&'static str, Weights, &'static str),
}

struct Slot {
    /// Words that may stand before it.
    gap: usize,
    words: &'static str,
    is_anchor: bool,
}

impl Line {
    /// None: a comment, or nothing that can be read.
    fn read(line: &'static str) -> Option<Line> {
        if line.starts_with('@') {
            let (name, words) = line.split_once(": ")?;
            return Some(Line::Words(name, words.split_whitespace().collect()));
        }
        let mut parts = line.splitn(4, ' ');
        let kind = parts.next().filter(|kind| *kind != "#")?;
        let weights = Weights { user: parts.next()?.parse().ok()?, retrieved: parts.next()?.parse().ok()? };
        match parts.next()?.split_once(' ')? {
            ("=", literal) => Some(Line::Literal(kind, weights, literal)),
            ("|", slots) => Some(Line::Slots(kind, weights, Slot::read(slots)?)),
            _ => None,
        }
    }
}

impl Slot {
    fn read(text: &'static str) -> Option<Vec<Slot>> {
        let (mut slots, mut gap) = (Vec::new(), 0usize);
        for part in text.split_whitespace() {
            match part.strip_prefix('~') {
                Some(words) => gap += words.parse::<usize>().ok()?,
                None => {
                    let words = part.strip_prefix('!');
                    slots.push(Slot { gap, words: words.unwrap_or(part), is_anchor: words.is_some() });
                    gap = 0;
                }
            }
        }
        Some(slots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::injection::anchors;

    const TEXT: &str = include_str!("../../../data/injections.txt");

    #[test]
    fn every_line_of_the_list_is_read_and_can_be_found() {
        let mut named = FxHashMap::default();
        for line in TEXT.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            match Line::read(line) {
                Some(Line::Words(name, words)) => {
                    assert!(!words.is_empty(), "{line}");
                    named.insert(name, (0, words));
                }
                Some(Line::Literal(_, weights, literal)) => {
                    assert!(
                        literal.len() >= anchors::SHORTEST && literal == literal.to_lowercase(),
                        "{line}"
                    );
                    assert!(weights.user <= weights.retrieved && weights.retrieved < 1.0, "{line}");
                }
                Some(Line::Slots(_, weights, slots)) => {
                    assert!(weights.user <= weights.retrieved && weights.retrieved < 1.0, "{line}");
                    let all = slots.iter().flat_map(|slot| alternatives(slot.words, &named));
                    assert!(all.into_iter().all(|word| !word.starts_with(['@', '!', '~', '|'])), "{line}");
                    let marked = slots.iter().filter(|slot| slot.is_anchor);
                    let longest = marked.map(|slot| {
                        alternatives(slot.words, &named)
                            .iter()
                            .map(|word| word.trim_end_matches('*').len())
                            .max()
                    });
                    assert!(
                        longest.flatten().map(|longest| longest + 1).sum::<usize>() > anchors::SHORTEST,
                        "{line}"
                    );
                    assert!(slots.len() > 1, "{line}");
                }
                None => panic!("{line}"),
            }
        }
    }
}
