//! Whether the value of an assignment is a secret, or a word, a type, a placeholder or a reference to one.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::alphabet::{
    AN, D, DASH, DOT, EQ, HX, LETTER, LOWER, MARK, SLASH, SPACE, SPECIAL, UNDER, UPPER, held, is,
};
use super::checks;
use super::keywords::Grade;
use super::words;

/// The shortest value that a keyword alone makes a secret.
pub const SHORTEST: usize = 8;

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    Quoted,
    /// In code or prose, where a name could stand as well.
    Bare,
    /// In an .env file, a header, a connection string, on a command line: no code, whatever stands there is the value.
    Plain,
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
    value.len() >= 4
        && !names_itself(value)
        && !is_reference(value)
        && !is_placeholder(value)
        && !checks::is_filler(value)
}

/// Whether the value is none of the things that are written where secrets stand: words, types, paths, slugs.
fn is_noise(value: &[u8], grade: Grade, written: Written) -> bool {
    let looked = value.get(..value.len().min(96)).unwrap_or_default();
    let held = held(looked);
    if held & SPACE != 0 {
        return grade == Grade::Password && written == Written::Quoted && is_phrase(looked);
    }
    if held & SLASH != 0 && is_location(looked) {
        return false;
    }
    if held & D == 0 && is_foreign_word(looked) {
        return false;
    }
    let special = held & SPECIAL != 0;
    if special && memchr::memmem::find(looked, super::spans::MARK).is_some() {
        return false;
    }
    // The path of a type or a function: `super::super::UNICODE_STRING`.
    if grade == Grade::Password && looked.windows(2).any(|pair| pair == b"::") && is_path(looked) {
        return false;
    }
    if held & D != 0 && is_number(looked) {
        return false;
    }
    let digits = if held & D == 0 { 0 } else { looked.iter().filter(|&&byte| is(byte, D)).count() };
    let all_digits = digits == looked.len();
    if special && grade != Grade::Password && is_pattern(looked) {
        return false;
    }
    if held & MARK != 0 && (digits > 1 || (digits > 0 && written == Written::Quoted)) {
        return true;
    }
    match grade {
        Grade::Password => {
            if all_digits {
                return true;
            }
            if digits == 0 && !special {
                let camel = held & UPPER != 0 && !looked.split(|&byte| !is(byte, AN)).all(is_plain_word);
                return camel || words::is_password(looked, written);
            }
            let identifier = written != Written::Quoted
                && held & (UNDER | DOT) != 0
                && !special
                && !words::is_titled(looked, written);
            let slug = identifier && is_one_style(looked) && checks::is_slug(looked);
            !slug && !is_type(looked)
        }
        // A bare number is a constant of a program far oftener than a key.
        Grade::Key if all_digits => written == Written::Quoted || looked.len() > 12,
        _ if written == Written::Bare && is_name(looked) => false,
        _ => !checks::is_slug(looked) && !is_type(looked),
    }
}

/// A word with letters beyond ASCII, as translations have it: `Passwortbestätigung`.
fn is_foreign_word(value: &[u8]) -> bool {
    !value.is_ascii() && value.iter().all(|&byte| is(byte, LETTER) || !byte.is_ascii())
}

/// A number as programs write it: `0xC000006A`, `34819u64`, `1.302175`. Digits alone may be a password.
fn is_number(value: &[u8]) -> bool {
    let value = value.strip_prefix(b"-").unwrap_or(value);
    if let Some(hexadecimal) = value.strip_prefix(b"0x") {
        return value.len() <= 18 && hexadecimal.iter().all(|&byte| is(byte, HX | UNDER));
    }
    let length = value.iter().take_while(|&&byte| is(byte, D | DOT)).count();
    let (number, unit) = value.split_at(length);
    let units: [&[u8]; 12] =
        [b"", b"u8", b"u16", b"u32", b"u64", b"usize", b"i32", b"i64", b"L", b"UL", b"f32", b"f64"];
    number.len() > 1 && units.contains(&unit) && (!unit.is_empty() || number.contains(&b'.'))
}

/// A name of code with a number in its middle: `X509KeyUsageFlags`, `nl80211_pattern_support`. Half of it at least is words.
fn is_name(value: &[u8]) -> bool {
    if !value.iter().all(|&byte| is(byte, AN | UNDER | DOT)) || value.first().is_some_and(u8::is_ascii_digit)
    {
        return false;
    }
    let wordlike = |word: &&[u8]| words::is_wordlike(word);
    let mut letters = value.split(|&byte| !is(byte, UPPER)).filter(wordlike).map(<[u8]>::len).sum::<usize>();
    let mut start = 0;
    for (at, &byte) in value.iter().chain(b".").enumerate() {
        if !is(byte, LOWER) {
            letters += value.get(start..at).filter(wordlike).map_or(0, <[u8]>::len);
            start = if is(byte, UPPER) { at } else { at + 1 };
        }
    }
    letters * 2 >= value.len()
}

/// A regular expression.
fn is_pattern(value: &[u8]) -> bool {
    const MARKS: [&[u8]; 11] =
        [b"\\(", b"\\.", b"(?:", b"(?P", b"(?i", b"[^", b"[a-z", b"[A-Z", b"[0-9", b".*", b"\\W"];
    MARKS.iter().any(|mark| memchr::memmem::find(value, mark).is_some())
}

fn is_path(value: &[u8]) -> bool {
    value.iter().all(|&byte| is(byte, AN | UNDER) || matches!(byte, b':' | b'<' | b'>'))
}

/// Whether all words of a name start alike, as names of code do: `settings.dbPass1`, `Config.DbPass1`.
fn is_one_style(name: &[u8]) -> bool {
    let mut firsts = name.split(|&byte| !is(byte, AN)).filter_map(|word| word.first());
    let Some(first) = firsts.next() else { return true };
    firsts.all(|other| other.is_ascii_digit() || other.is_ascii_uppercase() == first.is_ascii_uppercase())
}

fn is_plain_word(word: &[u8]) -> bool {
    let tail = word.get(1..).unwrap_or_default();
    word.len() < 4
        || tail.iter().all(u8::is_ascii_lowercase)
        || word.iter().all(u8::is_ascii_uppercase)
        || checks::is_camel(word)
}

/// How a reference starts.
const REFERENCES: &[&[u8]] = &[
    b"${",
    b"$(",
    b"{{",
    b"{",
    b"<",
    b"%(",
    b"%{",
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
    // Patterns that match a value.
    b".*",
    b"(.*",
    b"(.+",
    b"[^",
    // Public by design: what Stripe, Langfuse, PostHog, Supabase and Mapbox put into web pages, and SSH's public keys.
    b"pk_live_",
    b"pk_test_",
    b"pk-lf-",
    b"phc_",
    b"sb_publishable_",
    b"pk.eyJ",
    b"ssh-",
];

/// The first bytes of [`REFERENCES`]: nearly all values are turned away by one look.
static REFERENCE_FIRSTS: LazyLock<[bool; 256]> = LazyLock::new(|| {
    std::array::from_fn(|byte| {
        REFERENCES.iter().any(|start| start.first().map(|&first| usize::from(first)) == Some(byte))
    })
});

/// Points at a secret kept elsewhere: `$DB_PASS`, `${{ secrets.X }}`, `{{token}}`, `<token>`, `%(pass)s`, `os.environ`.
pub fn is_reference(value: &[u8]) -> bool {
    let value = value.get(..value.len().min(128)).unwrap_or_default();
    let first = value.first().copied().unwrap_or(0);
    if REFERENCE_FIRSTS.get(usize::from(first)) == Some(&true)
        && REFERENCES.iter().any(|start| value.starts_with(start))
    {
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
            let member = tail.windows(2).any(|pair| pair == b"::" || pair == b"->");
            (member && tail.first().is_some_and(|&first| is(first, LETTER)))
                || name(tail)
                    && (tail.iter().all(|b| !b.is_ascii_lowercase())
                        || tail.iter().all(|b| !b.is_ascii_uppercase() && !b.is_ascii_digit()))
        }
        Some(b'%') if tail.first() == Some(&b's') && !tail.get(1).is_some_and(|&next| is(next, AN)) => true,
        Some(b'%') => value.last() == Some(&b'%') && name(tail.split_last().map_or(tail, |(_, rest)| rest)),
        Some(b'*') => value.iter().all(|&byte| byte == b'*'),
        // A tag of YAML: `!vault-ref name`.
        Some(b'!') => {
            tail.len() > 2 && tail.iter().all(|&byte| is(byte, LETTER | UNDER | DASH | DOT | SLASH))
        }
        // What follows a string of code: `prompt("Password: ")?;`.
        Some(b')') => !tail.first().is_some_and(|&next| is(next, AN)),
        _ => false,
    }
}

/// The word `password` itself, where one would stand: `postgres://user:password@host`, `--password mypassword`.
pub fn names_itself(value: &[u8]) -> bool {
    const OWNERS: &[&[u8]] = &[b"your", b"my", b"the", b"some", b"db", b"user", b"new", b"old"];
    const NAMES: &[&[u8]] = &[
        b"password",
        b"passwd",
        b"pass",
        b"pwd",
        b"pw",
        b"passphrase",
        b"secret",
        b"token",
        b"key",
        b"apikey",
        b"accesstoken",
    ];
    let mut letters = [0u8; 24];
    let mut length = 0;
    for byte in value.iter().filter(|&&byte| !matches!(byte, b'_' | b'-' | b'.' | b' ')) {
        let Some(slot) = letters.get_mut(length) else { return false };
        *slot = byte.to_ascii_lowercase();
        length += 1;
    }
    let mut rest = letters.get(..length).unwrap_or_default();
    while let Some(shorter) = OWNERS.iter().find_map(|owner| rest.strip_prefix(*owner)) {
        rest = shorter;
    }
    NAMES.contains(&rest)
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
    is_annotation(value)
        || names.iter().any(|name| {
            value.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name))
                && value
                    .get(name.len()..)
                    .unwrap_or_default()
                    .iter()
                    .all(|byte| byte.is_ascii_digit() || matches!(byte, b'(' | b')' | b'[' | b']' | b'?'))
        })
}

/// A type with parameters, or a call: `Optional[str]`, `Vec<u8>`, `Field(default=None)`.
fn is_annotation(value: &[u8]) -> bool {
    let name = value.iter().take_while(|&&byte| is(byte, AN | UNDER | DOT) || byte == b':').count();
    let (name, rest) = value.split_at(name);
    let closed = match rest.first() {
        Some(b'[') => b']',
        Some(b'<') => b'>',
        Some(b'(') => b')',
        _ => return false,
    };
    let ends = rest.strip_suffix(b"?").unwrap_or(rest).last() == Some(&closed);
    let inside = |&byte: &u8| {
        is(byte, AN | UNDER | DOT | EQ)
            || matches!(
                byte,
                b'[' | b']' | b'<' | b'>' | b'(' | b')' | b',' | b':' | b'|' | b'?' | b'&' | b'\''
            )
    };
    ends && name.len() > 1 && !name.first().is_some_and(u8::is_ascii_digit) && rest.iter().all(inside)
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
