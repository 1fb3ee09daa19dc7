//! Words of a text as patterns know them: in lower case, without accents, digits read as the letters that they stand for.

use super::patterns::List;

/// A word, or the end of a sentence.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    /// Of the list's words; 0: none of them.
    pub word: u16,
    pub ends_sentence: bool,
    /// In quotes or backticks.
    pub quoted: bool,
}

/// What a byte is to a word, as bits: a letter, a digit.
const LETTER: u8 = 1;
const DIGIT: u8 = 2;

const BYTES: [u8; 256] = {
    let mut bytes = [0; 256];
    let mut byte = 0u8;
    loop {
        if byte.is_ascii_alphanumeric() || byte == b'_' {
            bytes[byte as usize] = if byte.is_ascii_digit() { LETTER | DIGIT } else { LETTER };
        }
        if byte == u8::MAX {
            break bytes;
        }
        byte += 1;
    }
};

pub fn read(text: &str, list: &List) -> Vec<Token> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::with_capacity(text.len() / 4 + 1);
    let mut quoted = false;
    let mut at = 0;
    while let Some(first) = bytes.get(at) {
        let (end, seen) = plain_end(bytes, at);
        let word = match bytes.get(end) {
            // Words of ASCII are looked up as they stand there.
            Some(b'\'' | 0x80..) => None,
            _ if end == at => None,
            _ => bytes.get(at..end),
        };
        if let Some(word) = word {
            let spelled = seen & DIGIT != 0;
            tokens.push(Token { word: number(word, spelled, list), ends_sentence: false, quoted });
            at = end;
            continue;
        }
        let (word, length) = folded_word(text.get(at..).unwrap_or_default());
        if !word.is_empty() {
            let spelled = word.bytes().any(|byte| byte.is_ascii_digit());
            tokens.push(Token { word: number(word.as_bytes(), spelled, list), ends_sentence: false, quoted });
            at += length;
            continue;
        }
        let letter = if first.is_ascii() { char::from(*first) } else { first_of(text, at).unwrap_or(' ') };
        at += letter.len_utf8();
        if letter == ' ' {
            continue;
        }
        let next = || first_of(text, at).unwrap_or(' ');
        match letter {
            '"' | '`' => quoted = !quoted,
            '“' | '«' | '„' => quoted = true,
            '”' | '»' => quoted = false,
            '\'' => {
                let before = text.get(..at - 1).and_then(|before| before.chars().next_back());
                quoted = !before.unwrap_or(' ').is_alphanumeric() && next().is_alphanumeric();
            }
            '\n' if next() == '\n' => quoted = false,
            _ => {}
        }
        let is_end = matches!(letter, '.' | '!' | '?' | ';') && !next().is_alphanumeric()
            || matches!(letter, '。' | '？');
        if is_end {
            tokens.push(Token { word: 0, ends_sentence: true, quoted });
        }
    }
    tokens
}

fn first_of(text: &str, at: usize) -> Option<char> {
    text.get(at..)?.chars().next()
}

/// The end of a word's ASCII, and what it has.
fn plain_end(bytes: &[u8], from: usize) -> (usize, u8) {
    let (mut end, mut seen) = (from, 0);
    while let Some(kind) = bytes.get(end).and_then(|byte| BYTES.get(usize::from(*byte)))
        && *kind != 0
    {
        seen |= kind;
        end += 1;
    }
    (end, seen)
}

/// The word that a text begins with, and how many bytes are read of it. Empty: it begins with none.
fn folded_word(text: &str) -> (String, usize) {
    let mut word = String::new();
    let mut letters = text.char_indices().peekable();
    while let Some((place, letter)) = letters.next() {
        if letter.is_alphanumeric() || letter == '_' {
            push_folded(&mut word, letter);
            continue;
        }
        let goes_on = letters.peek().is_some_and(|(_, next)| next.is_alphanumeric());
        if word.is_empty() || !is_apostrophe(letter) || !goes_on {
            return (word, place);
        }
        // `l'utilisateur` is two words, `don't` is one.
        if word.len() <= 2 {
            return (word, place + letter.len_utf8());
        }
    }
    (word, text.len())
}

/// The list's number of a word, whatever its case; with digits also as it is read.
fn number(word: &[u8], has_digits: bool, list: &List) -> u16 {
    let known = list.word(word);
    if known != 0 || !has_digits {
        return known;
    }
    list.word(&spelled(word))
}

fn is_apostrophe(letter: char) -> bool {
    matches!(letter, '\'' | '’')
}

/// `1gn0r3` as it is read.
fn spelled(word: &[u8]) -> Vec<u8> {
    let letter = |letter: &u8| match letter {
        b'0' => b'o',
        b'1' => b'i',
        b'3' => b'e',
        b'4' => b'a',
        b'5' => b's',
        b'7' => b't',
        other => *other,
    };
    word.iter().map(letter).collect()
}

/// In lower case, without its accent.
pub fn push_folded(word: &mut String, letter: char) {
    let plain = match letter {
        'A'..='Z' => letter.to_ascii_lowercase(),
        '\0'..='\x7f' => letter,
        'à'..='å' | 'À'..='Å' | 'ą' => 'a',
        'ç' | 'Ç' | 'ć' => 'c',
        'è'..='ë' | 'È'..='Ë' | 'ę' => 'e',
        'ì'..='ï' | 'Ì'..='Ï' => 'i',
        'ñ' | 'Ñ' => 'n',
        'ò'..='ö' | 'Ò'..='Ö' => 'o',
        'ù'..='ü' | 'Ù'..='Ü' => 'u',
        'ś' => 's',
        other => {
            word.extend(other.to_lowercase());
            return;
        }
    };
    word.push(plain);
}

/// A word of the list, as texts' words are.
pub fn folded(word: &str) -> String {
    let mut out = String::new();
    word.chars().filter(|letter| !is_apostrophe(*letter)).for_each(|letter| push_folded(&mut out, letter));
    out
}
