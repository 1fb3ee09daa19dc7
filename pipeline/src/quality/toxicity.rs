//! Whether a text insults or threatens. Words alone decide, and whether they are said to somebody.

use crate::quality::entry::Class;
use crate::quality::reading::{CENSORED, Reading, Word};

/// Words between an insult and whom it is for.
const REACH: usize = 4;

/// What a word that is said to somebody counts more; a strongly bad word that is said to somebody counts, too.
const AIMED: f32 = 1.6;
const CONTEMPT: f32 = -1.7;
const CONTEMPT_AIMED: f32 = 0.35;
const THREAT: f32 = 0.75;
/// A word that its writer did not dare to write out.
const SELF_CENSORED: f32 = 0.4;

/// 0 to 1: each toxic word takes its share of what is left. None: not English prose.
pub fn toxicity(reading: &Reading) -> Option<f32> {
    if !reading.is_english() {
        return None;
    }
    if !reading.any.is_harsh() && !reading.censored {
        return Some(0.0);
    }
    let mut clean = 1.0;
    for sentence in reading.sentences() {
        for (index, word) in sentence.iter().enumerate() {
            if word.entry.is_harsh() || word.has(CENSORED) {
                clean *= 1.0 - toxic(sentence, index, word).min(0.95);
            }
        }
    }
    Some(1.0 - clean)
}

fn toxic(sentence: &[Word], index: usize, word: &Word) -> f32 {
    let known = if word.has(CENSORED) { SELF_CENSORED } else { word.entry.toxicity() };
    let bad = word.entry.valence() <= CONTEMPT || word.is(Class::Insult);
    let threat = word.is(Class::Threat);
    if known == 0.0 && !bad && !threat {
        return 0.0;
    }
    let near = sentence
        .get(index.saturating_sub(REACH)..(index + REACH + 1).min(sentence.len()))
        .unwrap_or_default();
    let aimed = near.iter().any(|word| word.is(Class::Second));
    let follows = sentence.get(index + 1).is_some_and(|next| next.is(Class::Second));
    match (known > 0.0, aimed) {
        _ if threat && follows => THREAT,
        (true, true) => known * AIMED,
        (true, false) => known,
        (false, true) if bad && !threat => CONTEMPT_AIMED,
        _ => 0.0,
    }
}
