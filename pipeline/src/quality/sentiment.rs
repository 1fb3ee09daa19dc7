//! How good or bad a text sounds: the rules of VADER (Hutto and Gilbert, ICWSM 2014) that need no second look at the text.

use crate::quality::entry::Class;
use crate::quality::reading::{Reading, SHOUTED, Word};

/// The paper's constants: what a word of degree adds, how far it reaches, what a negation makes of a word.
const BOOST: f32 = 0.293;
const SHOUT: f32 = 0.733;
const FADING: [f32; 3] = [1.0, 0.95, 0.9];
const NEGATED: f32 = -0.74;
/// What stands before a "but" counts half, what stands behind it half more.
const BEFORE_BUT: f32 = 0.5;
const BEHIND_BUT: f32 = 1.5;
const EXCLAIMED: f32 = 0.292;
/// Brings a sum between -1 and 1.
const ALPHA: f32 = 15.0;

/// -1 to 1, the mean of the sentences that say something. None: not English prose.
pub fn sentiment(reading: &Reading) -> Option<f32> {
    if !reading.is_english() {
        return None;
    }
    if !reading.any.has_sentiment() {
        return Some(0.0);
    }
    let (mut sum, mut sentences) = (0.0, 0);
    for sentence in reading.sentences() {
        if let Some(compound) = compound(sentence) {
            sum += compound;
            sentences += 1;
        }
    }
    Some(if sentences == 0 { 0.0 } else { sum / sentences as f32 })
}

/// None: a sentence without a word that is good or bad.
fn compound(sentence: &[Word]) -> Option<f32> {
    let (mut sum, mut rated, mut weight) = (0.0, false, 1.0);
    for (index, word) in sentence.iter().enumerate() {
        if !word.entry.has_sentiment() {
            continue;
        }
        if word.is(Class::But) && index > 0 {
            sum *= BEFORE_BUT;
            weight = BEHIND_BUT;
        }
        let mut valence = word.entry.valence();
        if valence == 0.0 || word.is(Class::Booster) {
            continue;
        }
        rated = true;
        let sign = valence.signum();
        if word.has(SHOUTED) {
            valence += sign * SHOUT;
        }
        let before = sentence.get(index.saturating_sub(FADING.len())..index).unwrap_or_default();
        for (word, fading) in before.iter().rev().zip(FADING) {
            if word.is(Class::Booster) {
                valence += sign * BOOST * fading;
            } else if word.is(Class::Dampener) {
                valence -= sign * BOOST * fading;
            }
        }
        if before.iter().any(|word| word.is(Class::Negation)) {
            valence *= NEGATED;
        }
        sum += valence * weight;
    }
    if !rated {
        return None;
    }
    if sentence.last().is_some_and(|word| word.sentence_end == b'!') && sum != 0.0 {
        sum += EXCLAIMED.copysign(sum);
    }
    Some(sum / (sum * sum + ALPHA).sqrt())
}
