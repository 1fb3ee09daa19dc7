//! Makes the lexicon of `quality`, a table of words with what is known of each: how good or bad it sounds (VADER's lexicon),
//! how toxic it is (rustrict's word types), what it does in a sentence (`data/words.txt`).

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use entry::{Class, Entry, MOST_TOXIC, SLOTS, WordHash, place};
use qsv_vader_sentiment_analysis::LEXICON;
use rustrict::{Censor, Type};

#[path = "src/quality/entry.rs"]
mod entry;

const WORDS: &str = "data/words.txt";

fn main() -> Result<(), Box<dyn Error>> {
    for path in ["build.rs", WORDS, "src/quality/entry.rs"] {
        println!("cargo::rerun-if-changed={path}");
    }
    let mut words = BTreeMap::<String, Entry>::new();
    for (word, valence) in LEXICON.iter() {
        let word = word.to_lowercase();
        // Emoticons and phrases are no words.
        if word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'\'') {
            let entry = Entry::default().with_valence((valence * 10.0).round() as i8);
            words.insert(word, entry);
        }
    }
    for line in fs::read_to_string(WORDS)?.lines().filter(|line| !line.starts_with('#')) {
        let Some((name, listed)) = line.split_once(':') else { continue };
        let (_, class) =
            Class::ALL.into_iter().find(|(known, _)| *known == name).ok_or("an unknown class")?;
        for word in listed.split_ascii_whitespace() {
            if !is_readable(word) {
                return Err(format!("{word}: no text has this as a word in lower case").into());
            }
            let entry = words.entry(word.to_owned()).or_default();
            if entry.is(class) {
                return Err(format!("{name}: {word} is listed twice").into());
            }
            *entry = entry.with(class);
        }
    }
    for (word, entry) in &mut words {
        *entry = entry.with_toxicity(toxicity(word));
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let [keys, entries] = table(&words)?;
    fs::write(out.join("lexicon_keys.bin"), keys)?;
    fs::write(out.join("lexicon_entries.bin"), entries)?;
    Ok(())
}

/// As `spelling` makes words: marks end them, and languages without spaces have none.
fn is_readable(word: &str) -> bool {
    word.chars().all(|letter| matches!(letter, 'a'..='z' | '0'..='9' | '\'' | 'ß'..='ÿ'))
}

/// What each type and level of rustrict counts, in steps: contempt for somebody more than a word that is only coarse.
const STEPS: [(Type, [u32; 3]); 4] = [
    (Type::PROFANE, [1, 3, 4]),
    (Type::MEAN, [3, 4, 5]),
    (Type::SEXUAL, [1, 3, 4]),
    (Type::OFFENSIVE, [3, 5, MOST_TOXIC]),
];

fn toxicity(word: &str) -> u32 {
    let found = Censor::from_str(word).analyze();
    let levels = [Type::MILD, Type::MODERATE, Type::SEVERE];
    let steps = STEPS.into_iter().flat_map(|(kind, steps)| {
        levels.into_iter().zip(steps).map(move |(level, step)| (kind & level, step))
    });
    steps.filter(|(kind, _)| found.is(*kind)).map(|(_, step)| step).max().unwrap_or(0)
}

/// The keys and the entries of the slots, little-endian. Open addressing: a key of 0 is an empty slot.
fn table(words: &BTreeMap<String, Entry>) -> Result<[Vec<u8>; 2], Box<dyn Error>> {
    let mut slots = vec![(0, Entry::default()); SLOTS];
    for (word, entry) in words {
        let mut hash = WordHash::default();
        word.bytes().for_each(|byte| hash.push(byte));
        let (mut slot, key) = place(hash.finish());
        while slots[slot].0 != 0 {
            if slots[slot].0 == key {
                return Err(format!("{word} can't be told from another word").into());
            }
            slot = (slot + 1) % SLOTS;
        }
        slots[slot] = (key, *entry);
    }
    let keys = slots.iter().flat_map(|(key, _)| key.to_le_bytes()).collect();
    Ok([keys, slots.iter().flat_map(|(_, entry)| entry.0.to_le_bytes()).collect()])
}
