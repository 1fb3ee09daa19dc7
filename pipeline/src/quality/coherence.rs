//! Whether an answer holds together: it does not repeat itself, is whole and legible, and is about what was asked.

use crate::quality::Pair;
use crate::quality::entry::Class;
use crate::quality::reading::{DIGIT, Reading};

/// Words from which on a thing can be said of a text.
const WORDS_TO_TELL: usize = 8;
const WORDS_OF_A_SENTENCE: usize = 15;
/// Words of an answer that says enough to be beside the point: shorter ones are turns of a dialogue, about what was said before.
const WORDS_TO_BE_BESIDE_THE_POINT: usize = 24;
/// Words that a prompt is about, where an answer to it has at least one of them.
const WORDS_TO_BE_ABOUT: usize = 4;

/// What each fault takes of 1 where it is at its worst.
const REPEATED: f32 = 0.85;
const ILLEGIBLE: f32 = 0.8;
const BROKEN_OFF: f32 = 0.4;
const BESIDE_THE_POINT: f32 = 0.45;
const SALAD: f32 = 0.5;

/// Characters of a last line that ends without a mark as a signature and a headline do.
const SHORT_LINE: usize = 40;

/// 0 to 1. None: there is no answer.
pub fn coherence(pair: &Pair) -> Option<f32> {
    if pair.answer.words.is_empty() {
        return None;
    }
    let faults = [
        REPEATED * repetition(pair.answer),
        ILLEGIBLE * illegibility(pair.response),
        if is_broken_off(pair) { BROKEN_OFF } else { 0.0 },
        BESIDE_THE_POINT * distance(pair),
        if is_salad(pair) { SALAD } else { 0.0 },
    ];
    Some(faults.into_iter().map(|fault| 1.0 - fault).product())
}

/// The share of three words in a row that came before, over what lists and tables have of them; 0 to 1.
fn repetition(answer: &Reading) -> f32 {
    const USUAL: f32 = 0.12;
    const WORST: f32 = 0.4;
    if answer.words.len() < WORDS_TO_TELL {
        return 0.0;
    }
    // A set of bits: that two hashes meet is as rare as it is harmless here.
    let mut seen = [0u64; 64];
    let mut repeated = 0;
    let mut rows = 0;
    for row in answer.words.windows(3) {
        // The numbers of a table's rows tell them apart no more than its labels do.
        if row.iter().all(|word| word.has(DIGIT)) {
            continue;
        }
        let hash = row.iter().fold(0u32, |hash, word| hash.rotate_left(11) ^ word.key) >> 4;
        let (slot, bit) = (hash as usize >> 6 & 63, 1 << (hash & 63));
        rows += 1;
        repeated += usize::from(seen[slot] & bit != 0);
        seen[slot] |= bit;
    }
    let share = repeated as f32 / rows.max(WORDS_OF_A_SENTENCE) as f32;
    ((share - USUAL) / (WORST - USUAL)).clamp(0.0, 1.0)
}

/// Characters that say that an encoding went wrong, of a text's beginning; 0 to 1.
fn illegibility(text: &str) -> f32 {
    const LOOKED_AT: usize = 1024;
    const WORST: f32 = 0.01;
    let bytes = text.as_bytes();
    let bytes = bytes.get(..LOOKED_AT).unwrap_or(bytes);
    if bytes.is_ascii() {
        return 0.0;
    }
    let wrong = bytes
        .windows(4)
        .filter(|window| {
            matches!(
                window,
                // U+FFFD, and UTF-8 that was read as Latin-1 and written again: "Ã©", "â€™".
                [0xef, 0xbf, 0xbd, _] | [0xc3, 0x83 | 0xaf, 0xc2, _] | [0xc3, 0xa2, 0xe2, 0x82]
            )
        })
        .count();
    (wrong as f32 / bytes.len() as f32 / WORST).min(1.0)
}

/// Prose whose last sentence has no end.
fn is_broken_off(pair: &Pair) -> bool {
    let text = pair.response.trim_end();
    let Some(last) = text.chars().next_back() else { return false };
    if matches!(last, ',' | '(' | '[' | '{') {
        return true;
    }
    let answer = pair.answer;
    let is_prose = answer.words.len() >= WORDS_TO_TELL && answer.is_english() && !answer.is_code();
    // A rule ends with "-", too.
    if is_prose && last == '-' && !text.ends_with("--") {
        return true;
    }
    if !last.is_alphanumeric() || !is_prose {
        return false;
    }
    let line = text.rsplit('\n').next().unwrap_or(text);
    let begins = line.trim_start().chars().next().unwrap_or(' ');
    let is_item = begins.is_ascii_digit() || matches!(begins, '-' | '*' | '|' | '#' | '•' | '"');
    let is_tag = line.rsplit(' ').next().is_some_and(|word| word.contains(['#', '@', '/', '_', '.']));
    let has_sentences = answer.words.iter().any(|word| matches!(word.sentence_end, b'.' | b'!' | b'?'));
    let ends_weakly =
        answer.words.last().is_some_and(|word| word.is(Class::Function) && !word.is(Class::SecondPerson));
    let is_short = line.len() < SHORT_LINE && !ends_weakly;
    !is_item && !is_short && !is_tag && (has_sentences || ends_weakly)
}

/// 1 where nothing that the prompt is about occurs in the answer; 0 where enough of it does, or it can't be told.
fn distance(pair: &Pair) -> f32 {
    let comparable = pair.prompt.is_english()
        && pair.answer.is_english()
        && !pair.answer.is_code()
        && pair.answer.words.len() >= WORDS_TO_BE_BESIDE_THE_POINT
        && pair.answer.words.last().is_some_and(|word| word.sentence_end != b'?')
        && pair.category != "translation";
    if !comparable {
        return 0.0;
    }
    let about = || pair.prompt.words.iter().filter(|word| word.is_content());
    if about().take(WORDS_TO_BE_ABOUT).count() < WORDS_TO_BE_ABOUT {
        return 0.0;
    }
    let mut content = pair.answer.words.iter().filter(|word| word.is_content() || word.has(DIGIT));
    let shared = content.any(|word| match word.has(DIGIT) {
        true => pair.prompt.words.iter().any(|asked| asked.key == word.key),
        false => about().any(|asked| asked.stem == word.stem),
    });
    if shared { 0.0 } else { 1.0 }
}

/// English words in no order: an article before what can't follow one, a sentence that ends with what must go on.
fn is_salad(pair: &Pair) -> bool {
    let words = &pair.answer.words;
    if !pair.answer.is_english() || pair.answer.is_code() || words.len() < WORDS_TO_TELL {
        return false;
    }
    let follows = words.windows(2).filter(|row| {
        let [first, second] = row else { return false };
        first.is(Class::Determiner)
            && first.sentence_end == 0
            && (second.is(Class::Connective) || second.is(Class::Determiner))
    });
    let ends =
        words.iter().filter(|word| word.is(Class::Connective) && matches!(word.sentence_end, b'.' | b'!'));
    let wrong = follows.count() + ends.count();
    wrong >= 2 && wrong * 25 >= words.len() || wrong == 1 && words.len() <= WORDS_OF_A_SENTENCE * 2
}
