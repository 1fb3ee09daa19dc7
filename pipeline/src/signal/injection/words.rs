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

/// Longer ones are no words.
const LONGEST: usize = 40;

pub fn read(text: &str, list: &List) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(text.len() / 5);
    let mut word = String::new();
    let mut letters = text.chars().peekable();
    let mut quoted = false;
    let mut before = ' ';
    while let Some(letter) = letters.next() {
        let next = letters.peek().copied().unwrap_or(' ');
        if letter.is_alphanumeric() || letter == '_' {
            push_folded(&mut word, letter);
        } else if is_apostrophe(letter) && !word.is_empty() && next.is_alphanumeric() {
            // `l'utilisateur` is two words, `don't` is one.
            if word.len() <= 2 {
                end(&mut word, quoted, list, &mut tokens);
            }
        } else {
            end(&mut word, quoted, list, &mut tokens);
            match letter {
                '"' | '`' => quoted = !quoted,
                '“' | '«' | '„' => quoted = true,
                '”' | '»' => quoted = false,
                '\'' => quoted = !before.is_alphanumeric() && next.is_alphanumeric(),
                '\n' if next == '\n' => quoted = false,
                _ => {}
            }
            let is_end = matches!(letter, '.' | '!' | '?' | ';') && !next.is_alphanumeric()
                || matches!(letter, '。' | '？');
            if is_end {
                tokens.push(Token { word: 0, ends_sentence: true, quoted });
            }
        }
        before = letter;
    }
    end(&mut word, quoted, list, &mut tokens);
    tokens
}

fn is_apostrophe(letter: char) -> bool {
    matches!(letter, '\'' | '’')
}

fn end(word: &mut String, quoted: bool, list: &List, tokens: &mut Vec<Token>) {
    if word.is_empty() {
        return;
    }
    let known = if word.len() > LONGEST { 0 } else { list.word(word) };
    let known = if known == 0 && word.bytes().any(|byte| byte.is_ascii_digit()) {
        list.word(&spelled(word))
    } else {
        known
    };
    tokens.push(Token { word: known, ends_sentence: false, quoted });
    word.clear();
}

/// `1gn0r3` as it is read.
fn spelled(word: &str) -> String {
    let letter = |letter| match letter {
        '0' => 'o',
        '1' => 'i',
        '3' => 'e',
        '4' => 'a',
        '5' => 's',
        '7' => 't',
        other => other,
    };
    word.chars().map(letter).collect()
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
