//! Whether the value of an assignment is a secret, or a word, a type, a placeholder or a reference to one.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::alphabet::{AN, D, LETTER, is};
use super::checks;
use super::keywords::Grade;

/// The shortest value that a keyword alone makes a secret.
pub const SHORTEST: usize = 8;

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    Quoted,
    /// In an .env file, a header, YAML or prose.
    Bare,
}

/// Whether this value of a key of this grade is a secret.
pub fn is_secret(value: &[u8], grade: Grade, written: Written) -> bool {
    if value.len() < SHORTEST || !is_noise(value, grade, written) {
        return false;
    }
    !is_reference(value) && !is_placeholder(value) && !checks::is_filler(value)
}

/// Whether this is the password of a connection string: its place gives it away, so a short one counts as well.
pub fn is_connection_password(value: &[u8]) -> bool {
    value.len() >= 4 && !is_reference(value) && !is_placeholder(value) && !checks::is_filler(value)
}

/// Whether the value is none of the things that are written where secrets stand: words, types, paths, slugs.
fn is_noise(value: &[u8], grade: Grade, written: Written) -> bool {
    let looked = value.get(..value.len().min(96)).unwrap_or_default();
    if looked.contains(&b' ') {
        return grade == Grade::Password && written == Written::Quoted && is_phrase(looked);
    }
    if is_location(looked) || memchr::memmem::find(looked, super::spans::MARK).is_some() {
        return false;
    }
    let digits = looked.iter().filter(|&&byte| is(byte, D)).count();
    let all_digits = digits == looked.len();
    // No identifier or slug holds these; a password or a generated key does.
    let marks =
        looked.iter().filter(|&&byte| matches!(byte, b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'*')).count();
    if digits > 0 && marks > 0 && written == Written::Quoted || digits > 1 && marks > 0 {
        return true;
    }
    match grade {
        Grade::Password => {
            if all_digits {
                return true;
            }
            let special = looked
                .iter()
                .any(|&byte| !is(byte, AN) && !matches!(byte, b'_' | b'-' | b'.' | b'/' | b':' | b'='));
            if digits == 0 && !special {
                return !looked.split(|&byte| !is(byte, AN)).all(is_plain_word);
            }
            let identifier =
                written == Written::Bare && (looked.contains(&b'_') || looked.contains(&b'.')) && !special;
            let slug = identifier && checks::is_slug(looked);
            !slug && !is_type(looked)
        }
        Grade::Key if all_digits => true,
        _ => !checks::is_slug(looked) && !is_type(looked),
    }
}

fn is_plain_word(word: &[u8]) -> bool {
    let tail = word.get(1..).unwrap_or_default();
    word.len() < 4
        || tail.iter().all(u8::is_ascii_lowercase)
        || word.iter().all(u8::is_ascii_uppercase)
        || checks::is_camel(word)
}

/// Points at a secret kept elsewhere: `$DB_PASS`, `${{ secrets.X }}`, `{{token}}`, `<token>`, `%(pass)s`, `os.environ`.
pub fn is_reference(value: &[u8]) -> bool {
    let value = value.get(..value.len().min(128)).unwrap_or_default();
    let starts: [&[u8]; 33] = [
        b"${",
        b"$(",
        b"{{",
        b"{",
        b"<",
        b"%(",
        b"%{",
        b"%s",
        b"[",
        b"#{",
        b"@{",
        b"!Ref",
        b"!secret",
        b"os.",
        b"process.env",
        b"env.",
        b"ENV[",
        b"env(",
        b"vault:",
        b"secrets.",
        b"config.",
        b"self.",
        b"this.",
        b"import.meta",
        b"$env:",
        b"arn:aws",
        b"op://",
        b"ssm:",
        b"projects/",
        b"Optional[",
        b"(hidden)",
        // Public by design: Stripe's and Langfuse's.
        b"pk_live_",
        b"pk_test_",
    ];
    if starts.iter().any(|start| value.starts_with(start)) {
        return true;
    }
    let tail = value.get(1..).unwrap_or_default();
    let name = |bytes: &[u8]| {
        !bytes.is_empty()
            && bytes.iter().all(|&byte| is(byte, AN) || byte == b'_')
            && bytes.first().is_some_and(|&first| is(first, LETTER) || first == b'_')
    };
    match value.first() {
        // `$PASSWORD` is a variable; `$ecret1x` could be a password: variables are of one case.
        Some(b'$') => {
            name(tail)
                && (tail.iter().all(|b| !b.is_ascii_lowercase())
                    || tail.iter().all(|b| !b.is_ascii_uppercase() && !b.is_ascii_digit()))
        }
        Some(b'%') => value.last() == Some(&b'%') && name(tail.split_last().map_or(tail, |(_, rest)| rest)),
        Some(b'*') => value.iter().all(|&byte| byte == b'*'),
        _ => false,
    }
}

/// Words of documentation where a secret would stand.
fn is_placeholder(value: &[u8]) -> bool {
    const WORDS: &[&str] = &[
        "your_",
        "your-",
        "yourp",
        "yours",
        "yourt",
        "yoursecret",
        "example_",
        "example-",
        "placeholder",
        "redacted",
        "changeme",
        "change-me",
        "change_me",
        "replace",
        "insert",
        "xxxx",
        "****",
        "....",
        "required",
        "nullable",
        "dummy",
        "<",
        "todo",
        "undefined",
        "_here",
        "-here",
        "{{",
        "${",
        "my-secret",
        "my_secret",
    ];
    static FOUND: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
        AhoCorasick::builder().ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA)).build(WORDS).ok()
    });
    let looked = value.get(..value.len().min(64)).unwrap_or_default();
    FOUND.as_ref().is_some_and(|words| words.is_match(looked))
}

/// Paths and URLs: what they hide, their own rules find.
fn is_location(value: &[u8]) -> bool {
    if memchr::memmem::find(value, b"://").is_some() {
        return true;
    }
    let rooted = value.starts_with(b"/")
        || value.starts_with(b"./")
        || value.starts_with(b"../")
        || value.starts_with(b"~/");
    rooted && !checks::is_base64_noise(value)
}

/// Types of languages and databases with a number in their name.
fn is_type(value: &[u8]) -> bool {
    let names: [&[u8]; 8] =
        [b"varchar", b"nvarchar", b"char", b"bytes", b"string", b"uint", b"int", b"float"];
    names.iter().any(|name| {
        value.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name))
            && value
                .get(name.len()..)
                .unwrap_or_default()
                .iter()
                .all(|byte| byte.is_ascii_digit() || matches!(byte, b'(' | b')' | b'[' | b']' | b'?'))
    })
}

/// A passphrase with spaces: few words, one of them with a digit among its letters.
fn is_phrase(value: &[u8]) -> bool {
    let mut words = 0;
    let mut mixed = false;
    for word in value.split(|&byte| byte == b' ') {
        words += 1;
        let letters = word.iter().any(|&byte| is(byte, LETTER));
        let others = word.iter().any(|&byte| {
            is(byte, D) || matches!(byte, b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'&' | b'*')
        });
        mixed |= letters && others;
    }
    words <= 5 && mixed
}
