//! Values of letters alone: a word of code or of a document, or a password that somebody chose?

use super::alphabet::{DOT, LOWER, UNDER, UPPER, is};
use super::values::Written;

/// The letters that often follow each letter in words. A row is a letter, from a to z: what stands for at least one of
/// 2,000 pairs in the words of program texts and their documentation.
const FOLLOWERS: [&str; 26] = [
    "abcdfgiklmnprstuvxy",    // a
    "abcdeijlorsuy",          // b
    "abcdefhiklmoprstu",      // c
    "abcdefiloprstuw",        // d
    "abcdefgilmnopqrstuvwxy", // e
    "acdefilorstu",           // f
    "aehilnorstu",            // g
    "aeiorstu",               // h
    "abcdefglmnoprstvxz",     // i
    "e",                      // j
    "aeis",                   // k
    "abcdefilnopstuy",        // l
    "abdeimopsu",             // m
    "acdefgiklnopstuv",       // n
    "abcdfgiklmnoprstuvw",    // o
    "abcdefhilmnoprstuvw",    // p
    "u",                      // q
    "abcdefgiklmnoprstuvy",   // r
    "acefhiklmoprstuyz",      // s
    "abcdefhilmnoprstuy",     // t
    "abcdefilmnprst",         // u
    "aeio",                   // v
    "aceinors",               // w
    "eipt",                   // x
    "npst",                   // y
    "ae",                     // z
];

/// [`FOLLOWERS`] as bits.
const FOLLOWER_BITS: [u32; 26] = {
    let mut bits = [0; 26];
    let mut row = 0;
    while row < 26 {
        let letters = FOLLOWERS[row].as_bytes();
        let mut at = 0;
        while at < letters.len() {
            bits[row] |= 1 << (letters[at] - b'a');
            at += 1;
        }
        row += 1;
    }
    bits
};

/// What names, forms and documents say where a password would stand. A value that holds one of them is no password.
const DESCRIPTIVE: &[&str] = &[
    "account",
    "admin",
    "async",
    "authen",
    "authori",
    "builder",
    "button",
    "change",
    "class",
    "client",
    "column",
    "config",
    "confirm",
    "const",
    "context",
    "control",
    "cookie",
    "create",
    "credential",
    "crypt",
    "database",
    "decode",
    "default",
    "descri",
    "dummy",
    "email",
    "empty",
    "encod",
    "enter",
    "error",
    "example",
    "expired",
    "factory",
    "false",
    "field",
    "forgot",
    "function",
    "generat",
    "handler",
    "hash",
    "header",
    "helper",
    "hidden",
    "incorrect",
    "index",
    "input",
    "insert",
    "invalid",
    "label",
    "length",
    "login",
    "logon",
    "manage",
    "match",
    "message",
    "method",
    "missing",
    "mongo",
    "mysql",
    "number",
    "object",
    "optional",
    "output",
    "param",
    "passphrase",
    "passwd",
    "password",
    "placeholder",
    "plain",
    "policy",
    "postgres",
    "prompt",
    "provider",
    "redis",
    "replace",
    "request",
    "require",
    "reset",
    "response",
    "return",
    "rotation",
    "sample",
    "secret",
    "server",
    "service",
    "session",
    "setting",
    "storage",
    "strength",
    "string",
    "strong",
    "style",
    "table",
    "token",
    "update",
    "user",
    "value",
    "variable",
    "vault",
    "wrong",
    "your",
];

/// Short words of the same sort, which other words hold: they count only as words of their own.
const JOINING: &[&str] = &[
    "and", "api", "app", "arg", "auth", "btn", "call", "col", "env", "file", "flag", "for", "form", "from",
    "get", "has", "icon", "item", "key", "lock", "mask", "max", "min", "mock", "name", "new", "none", "not",
    "null", "old", "only", "page", "pass", "path", "read", "row", "same", "set", "size", "store", "test",
    "text", "that", "the", "this", "true", "type", "view", "weak", "with", "write",
];

/// The shortest run of small letters that is no word of a language: longer ones are several words.
const SEVERAL_WORDS: usize = 15;

/// Whether letters, or words with one joint, are a password: noise, or several words that describe nothing.
pub fn is_password(value: &[u8], written: Written) -> bool {
    let joint = value.iter().copied().find(|byte| !byte.is_ascii_alphabetic());
    match joint {
        None => {
            is_lower(value) && (value.len() >= several(written) || is_random(value)) && !is_descriptive(value)
        }
        Some(joint @ (b'-' | b'_')) => is_phrase(value, joint, written),
        Some(_) => false,
    }
}

/// Where no code can stand, words are as short as a password may be.
fn several(written: Written) -> usize {
    match written {
        Written::Plain => 12,
        Written::Quoted => SEVERAL_WORDS,
        Written::Bare => usize::MAX,
    }
}

/// Whether letters follow each other as in no word.
pub fn is_random(word: &[u8]) -> bool {
    let rare = rare_pairs(word);
    rare >= 3 && rare * 4 + 1 >= word.len()
}

/// Whether letters could be a word of some language: at most one pair of them is rare, in a short word none.
pub fn is_wordlike(word: &[u8]) -> bool {
    word.len() >= 4 && rare_pairs(word) <= usize::from(word.len() >= 6)
}

/// How many pairs of letters do not follow each other in words.
fn rare_pairs(word: &[u8]) -> usize {
    let place = |letter: u8| usize::from(letter.to_ascii_lowercase().wrapping_sub(b'a'));
    let follows = |first: u8, second: u8| {
        FOLLOWER_BITS.get(place(first)).is_none_or(|bits| bits & (1 << place(second).min(31)) != 0)
    };
    word.windows(2).filter(|pair| matches!(pair, [first, second] if !follows(*first, *second))).count()
}

/// `correct-horse-battery-staple`. Names of code are joined like this as well, with `_` more than with `-`.
fn is_phrase(value: &[u8], joint: u8, written: Written) -> bool {
    let least = match (joint, written) {
        (b'-', Written::Quoted | Written::Plain) => 3,
        (b'-', Written::Bare) | (_, Written::Quoted | Written::Plain) => 4,
        _ => return false,
    };
    let mut words = 0;
    for word in value.split(|&byte| byte == joint) {
        if word.len() < 3
            || word.len() > 14
            || !is_lower(word)
            || JOINING.iter().any(|joining| joining.as_bytes() == word)
        {
            return false;
        }
        words += 1;
    }
    words >= least && !is_descriptive(value)
}

/// `Timber_Oyster701`, and `Timber.Oyster57` where no code can stand: no language writes names like this.
pub fn is_titled(value: &[u8], written: Written) -> bool {
    let letters = value.iter().rposition(u8::is_ascii_alphabetic).map_or(0, |last| last + 1);
    let (words, number) = value.split_at(letters);
    let joint = words.iter().copied().find(|&byte| is(byte, UNDER | DOT)).unwrap_or(0);
    let width = matches!(number, b"8" | b"16" | b"32" | b"64" | b"128" | b"256" | b"512");
    (joint == b'_' || (joint == b'.' && written == Written::Plain && number.len() > 1 && !width))
        && !number.is_empty()
        && number.iter().all(u8::is_ascii_digit)
        && words.split(|&byte| byte == joint).all(|word| {
            word.len() > 2
                && word.first().is_some_and(|&first| is(first, UPPER))
                && is_lower(word.get(1..).unwrap_or_default())
        })
}

fn is_lower(word: &[u8]) -> bool {
    word.iter().all(|&byte| is(byte, LOWER))
}

fn is_descriptive(value: &[u8]) -> bool {
    DESCRIPTIVE.iter().any(|word| memchr::memmem::find(value, word.as_bytes()).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_and_phrases_are_passwords() {
        for value in ["gryghtsjxc", "hcmqraxfkxuw", "correcthorsebattery", "correct-horse-battery-staple"] {
            assert!(is_password(value.as_bytes(), Written::Quoted), "{value}");
        }
        assert!(is_titled(b"Horse_Staple42", Written::Bare) && is_titled(b"Horse.Staple42", Written::Plain));
    }

    #[test]
    fn words_of_code_and_documents_are_none() {
        for value in [
            "authentication",
            "internationalization",
            "responsibilities",
            "confirmpassword",
            "passwordrequired",
            "form-control-password",
            "user_password_reset_token",
            "strengths",
            "enterprise",
            "varchar",
            "postgresql",
        ] {
            assert!(!is_password(value.as_bytes(), Written::Bare), "{value}");
        }
        assert!(
            !is_titled(b"Types.Decimal128", Written::Plain) && !is_titled(b"Config.Password2", Written::Bare)
        );
    }
}
