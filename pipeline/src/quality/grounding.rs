//! How likely an answer has invented facts: particulars (numbers, names, sources, links) that the prompt does not have.

use memchr::memmem;

use crate::quality::Pair;
use crate::quality::entry::Class;
use crate::quality::reading::{CAPITAL, DIGIT, Word};

/// Particulars that are looked for in the prompt, which may be long.
const LOOKED_FOR: usize = 12;
/// Bytes of the prompt that are searched.
const SEARCHED: usize = 16 << 10;

const ALWAYS: f32 = 0.08;
const PARTICULARS: f32 = 0.6;
/// So many particulars are half of the risk that they can be.
const HALF: f32 = 1.5;
const SOURCES: f32 = 0.25;
const LINKS: f32 = 0.2;
const DECLINED: f32 = 0.3;
const HEDGED: f32 = 0.8;
/// Words of an answer within which it declines.
const BEGINNING: usize = 30;

/// 0 to 1. None: there is no answer, or one that only a person or a model could judge (not English prose).
pub fn hallucination_risk(pair: &Pair) -> Option<f32> {
    if !pair.answer.is_english() {
        return None;
    }
    let particulars = particulars(pair);
    let sources = pair.answer.count(Class::Source);
    let invented = particulars / (particulars + HALF);
    let mut risk = ALWAYS + PARTICULARS * invented;
    if particulars > 0.0 {
        risk += SOURCES * (sources as f32 / 3.0).min(1.0);
    }
    if has_new_link(pair) {
        risk += LINKS;
    }
    if pair.answer.count(Class::Hedge) > 2 {
        risk *= HEDGED;
    }
    if declines(pair) {
        risk *= DECLINED;
    }
    Some(risk.clamp(0.0, 1.0))
}

/// Numbers and names of the answer that the prompt does not have, each once.
fn particulars(pair: &Pair) -> f32 {
    let searched = pair.said.get(..SEARCHED).unwrap_or(pair.said).as_bytes();
    let mut counted: Vec<u32> = Vec::new();
    let (mut looked_for, mut found) = (0, 0.0);
    let mut begins = true;
    for word in &pair.answer.words {
        let weight = weight(word, begins);
        begins = word.sentence_end != 0;
        if weight == 0.0 || counted.contains(&word.key) || looked_for == LOOKED_FOR {
            continue;
        }
        counted.push(word.key);
        if pair.prompt.words.iter().any(|known| known.key == word.key || known.stem == word.stem) {
            continue;
        }
        if pair.is_all_read {
            found += weight;
            continue;
        }
        looked_for += 1;
        if memmem::find(searched, word.text(pair.response).as_bytes()).is_none() {
            found += weight;
        }
    }
    found
}

/// What a word counts as a particular. `begins` a sentence: its capital says nothing.
fn weight(word: &Word, begins: bool) -> f32 {
    match word {
        _ if word.has(DIGIT) && word.length >= 2 => 1.0,
        _ if word.has(CAPITAL)
            && !begins
            && word.length >= 3
            && !word.is(Class::Function)
            && !word.is(Class::Language) =>
        {
            0.6
        }
        _ => 0.0,
    }
}

fn has_new_link(pair: &Pair) -> bool {
    let is_in = |begins: &[u8]| memmem::find(pair.said.as_bytes(), begins).is_some();
    pair.answer.any.is(Class::Link) && !is_in(b"http") && !is_in(b"www.")
}

/// It says that it does not know.
fn declines(pair: &Pair) -> bool {
    let beginning = pair.answer.words.iter().take(BEGINNING);
    beginning.filter(|word| word.is(Class::Decline)).count() >= 2
}
