//! How likely an answer has invented facts: particulars (numbers, names, sources, links) that the prompt does not have.

use crate::quality::Pair;
use crate::quality::entry::Class;
use crate::quality::reading::{CAPITAL, DIGIT, Word};

/// Particulars that are missing, after which no more are looked for: they would hardly raise the risk, and each costs a search.
const MISSING: usize = 12;

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

/// 0 to 1. None: there is no answer, or one that only a person or a model could judge (not English prose, or it is not known what
/// was asked).
pub fn hallucination_risk(pair: &Pair) -> Option<f32> {
    if !pair.answer.is_english() || pair.told.is_empty() {
        return None;
    }
    let particulars = particulars(pair);
    let sources = pair.answer.count(Class::Source);
    let invented = particulars / (particulars + HALF);
    let mut risk = ALWAYS + PARTICULARS * invented;
    if particulars > 0.0 {
        risk += SOURCES * (sources as f32 / 3.0).min(1.0);
    }
    if links_elsewhere(pair) {
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
    let is_all_read = !pair.prompt.is_cut && !pair.told.is_more_than_text();
    let mut counted: Vec<u32> = Vec::new();
    let (mut missing, mut sum) = (0, 0.0);
    let mut begins = true;
    for word in &pair.answer.words {
        let weight = weight(word, begins);
        begins = word.sentence_end != 0;
        if weight == 0.0 || counted.contains(&word.key) || missing == MISSING {
            continue;
        }
        counted.push(word.key);
        // Two numbers that begin alike are two numbers.
        let is_same = |known: &Word| known.key == word.key || known.stem == word.stem && !word.has(DIGIT);
        let is_known = pair.prompt.words.iter().any(is_same)
            || !is_all_read && pair.told.has_word(word.text(pair.response));
        if !is_known {
            missing += 1;
            sum += weight;
        }
    }
    sum
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

/// It has a link, and nothing that the model was told has one.
fn links_elsewhere(pair: &Pair) -> bool {
    pair.answer.any.is(Class::Link) && !pair.told.has("http") && !pair.told.has("www.")
}

/// It says that it does not know.
fn declines(pair: &Pair) -> bool {
    let beginning = pair.answer.words.iter().take(BEGINNING);
    beginning.filter(|word| word.is(Class::Decline)).count() >= 2
}
