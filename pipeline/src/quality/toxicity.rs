//! Whether a text insults or threatens. Words alone decide, and whether they are said to somebody.

use crate::quality::entry::Class;
use crate::quality::reading::{CENSORED, Reading, Word, key};

/// Words between an insult and whom it is for.
const REACH: usize = 4;

/// What a toxic word that is said to somebody counts more.
const AIMED: f32 = 1.6;
/// The object of a threat: what hurts your back is none.
const YOU: [u32; 2] = [key("you"), key("u")];
const THREAT: f32 = 0.75;
/// A name for people that is said to somebody, and a strongly bad word where it says what somebody is: "you are pathetic". Sympathy
/// and diagnoses have such words, too, so that together they stay below what alarms.
const CONTEMPT: f32 = -1.7;
const CALLED: f32 = 0.35;
const ALL_CALLED: f32 = 0.65;
const ARE: [u32; 2] = [key("are"), key("r")];
const YOU_ARE: [u32; 3] = [key("you're"), key("youre"), key("ur")];
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
    let (mut clean, mut respectful) = (1.0, 1.0f32);
    for sentence in reading.sentences() {
        for (index, word) in sentence.iter().enumerate() {
            if !word.entry.is_harsh() && !word.has(CENSORED) {
                continue;
            }
            let toxic = toxic(sentence, index, word);
            clean *= 1.0 - toxic.min(0.95);
            if toxic == 0.0 && is_contempt(sentence, index, word) {
                respectful *= 1.0 - CALLED;
            }
        }
    }
    Some(1.0 - clean * respectful.max(1.0 - ALL_CALLED))
}

fn toxic(sentence: &[Word], index: usize, word: &Word) -> f32 {
    let next = sentence.get(index + 1);
    if word.is(Class::Threat) && next.is_some_and(|next| YOU.contains(&next.key)) {
        return THREAT;
    }
    let known = if word.has(CENSORED) { SELF_CENSORED } else { word.entry.toxicity() };
    if known > 0.0 && is_aimed(sentence, index) { known * AIMED } else { known }
}

/// It is said to somebody.
fn is_aimed(sentence: &[Word], index: usize) -> bool {
    let near = sentence.get(index.saturating_sub(REACH)..(index + REACH + 1).min(sentence.len()));
    near.unwrap_or_default().iter().any(|word| word.is(Class::SecondPerson))
}

fn is_contempt(sentence: &[Word], index: usize, word: &Word) -> bool {
    if word.is(Class::Insult) {
        return is_aimed(sentence, index);
    }
    word.entry.valence() <= CONTEMPT && !word.is(Class::Threat) && is_called(sentence, index)
}

/// "You are a real X", and not "you are not X".
fn is_called(sentence: &[Word], index: usize) -> bool {
    let before = sentence.get(index.saturating_sub(REACH)..index).unwrap_or_default();
    let you_are = || {
        before.windows(2).any(|pair| {
            let [you, are] = pair else { return false };
            YOU.contains(&you.key) && ARE.contains(&are.key)
        })
    };
    let is_said = before.iter().any(|word| YOU_ARE.contains(&word.key)) || you_are();
    is_said && !before.iter().any(|word| word.is(Class::Negation))
}
