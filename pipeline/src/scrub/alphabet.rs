//! ASCII alphabets, runs and boundaries: the ground every rule stands on.
//!
//! All boundaries are ASCII-only. A Unicode word boundary sees none between a Han character and `sk_`, so secrets in
//! Chinese chat would stay in clear.

/// Bits of the primitive classes that [`CLASS`] gives for each byte; an alphabet is a union of them.
pub type Alphabet = u32;

const DIGIT: u32 = 1;
const LOWER_AF: u32 = 1 << 1;
const LOWER_GZ: u32 = 1 << 2;
const UPPER_AF: u32 = 1 << 3;
const UPPER_GZ: u32 = 1 << 4;
pub const DASH: u32 = 1 << 5;
pub const UNDER: u32 = 1 << 6;
pub const DOT: u32 = 1 << 7;
pub const PLUS: u32 = 1 << 8;
pub const SLASH: u32 = 1 << 9;
pub const EQ: u32 = 1 << 10;
pub const TILDE: u32 = 1 << 11;
/// Base58 of Bitcoin: no `0`, `O`, `I`, `l`.
pub const B58: u32 = 1 << 12;
/// What an unquoted value of an assignment may hold.
pub const VALUE: u32 = 1 << 13;
/// What a value in a connection string or an .env line may hold: more than elsewhere, as its end is known.
pub const CONNECTION: u32 = 1 << 14;
/// User part and password of a URL.
pub const AUTHORITY: u32 = 1 << 15;
/// Local part of an e-mail address, as people have them (the quoted forms of RFC 5322 do not occur in chat).
pub const LOCAL: u32 = 1 << 16;
pub const PERCENT: u32 = 1 << 17;
/// The name of a user on a command line.
pub const USER: u32 = 1 << 18;
pub const SPACE: u32 = 1 << 19;
/// What no identifier or slug holds, and passwords often do.
pub const MARK: u32 = 1 << 20;
/// Neither of a word nor of what joins words.
pub const SPECIAL: u32 = 1 << 21;

pub const D: u32 = DIGIT;
pub const LOWER: u32 = LOWER_AF | LOWER_GZ;
pub const UPPER: u32 = UPPER_AF | UPPER_GZ;
pub const LETTER: u32 = LOWER | UPPER;
pub const AN: u32 = LETTER | DIGIT;
pub const LN: u32 = LOWER | DIGIT;
pub const UN: u32 = UPPER | DIGIT;
pub const H: u32 = DIGIT | LOWER_AF;
pub const HX: u32 = H | UPPER_AF;
/// Identifier characters.
pub const W: u32 = AN | UNDER;
/// base64url.
pub const U: u32 = AN | DASH | UNDER;
/// base64.
pub const B: u32 = AN | PLUS | SLASH;
/// What tokens are made of; the finder of long runs looks for these.
pub const RUN: u32 = U | DOT | PLUS | SLASH;
/// Credentials after an HTTP scheme (RFC 6750 `b64token`).
pub const BEARER: u32 = U | DOT | TILDE | PLUS | SLASH | EQ;

const fn class(byte: u8) -> u32 {
    let mut bits = match byte {
        b'0'..=b'9' => DIGIT,
        b'a'..=b'f' => LOWER_AF,
        b'g'..=b'z' => LOWER_GZ,
        b'A'..=b'F' => UPPER_AF,
        b'G'..=b'Z' => UPPER_GZ,
        b'-' => DASH,
        b'_' => UNDER,
        b'.' => DOT,
        b'+' => PLUS,
        b'/' => SLASH,
        b'=' => EQ,
        b'~' => TILDE,
        b'%' => PERCENT,
        b' ' => SPACE,
        _ => 0,
    };
    if matches!(byte, b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'*') {
        bits |= MARK;
    }
    if !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'-' | b'.' | b'/' | b':' | b'=') {
        bits |= SPECIAL;
    }
    if byte.is_ascii_alphanumeric() && !matches!(byte, b'0' | b'O' | b'I' | b'l') {
        bits |= B58;
    }
    if byte.is_ascii_graphic() {
        if !matches!(
            byte,
            b'"' | b'\''
                | b'`'
                | b','
                | b';'
                | b'&'
                | b'<'
                | b'>'
                | b'|'
                | b'('
                | b')'
                | b'['
                | b']'
                | b'{'
                | b'}'
                | b'\\'
        ) {
            bits |= VALUE;
        }
        if !matches!(byte, b'"' | b'\'' | b'`' | b';' | b'&' | b'\\') {
            bits |= CONNECTION;
        }
        if !matches!(byte, b'"' | b'\'' | b'`' | b'/' | b'?' | b'#' | b'<' | b'>' | b'\\' | b'|') {
            bits |= AUTHORITY;
        }
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'+' | b'-' | b'\'') {
            bits |= LOCAL;
        }
        if byte.is_ascii_alphanumeric()
            || matches!(byte, b'.' | b'_' | b'+' | b'-' | b'@' | b'=' | b'$' | b'%')
        {
            bits |= USER;
        }
    } else if byte >= 0x80 {
        // A value in quotes, a connection string or a URL may hold letters of any script; a bare one may not, as
        // prose goes on right behind it.
        bits |= AUTHORITY;
    }
    bits
}

/// The classes of each byte.
pub static CLASS: [u32; 256] = {
    let mut table = [0u32; 256];
    let mut byte = 0usize;
    while byte < 256 {
        table[byte] = class(byte as u8);
        byte += 1;
    }
    table
};

#[inline(always)]
pub fn is(byte: u8, alphabet: Alphabet) -> bool {
    CLASS[byte as usize] & alphabet != 0
}

/// All classes of which a byte occurs.
#[inline]
pub fn held(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |held, &byte| held | CLASS.get(usize::from(byte)).copied().unwrap_or(0))
}

/// The byte at `at`, 0 outside of the text: no alphabet holds 0.
#[inline(always)]
pub fn byte_at(text: &[u8], at: usize) -> u8 {
    text.get(at).copied().unwrap_or(0)
}

/// The byte before `at`, 0 at the start.
#[inline(always)]
pub fn byte_before(text: &[u8], at: usize, back: usize) -> u8 {
    if back > at { 0 } else { byte_at(text, at - back) }
}

/// The part from `start` to `end`, empty where that is outside of the text.
#[inline(always)]
pub fn part(text: &[u8], start: usize, end: usize) -> &[u8] {
    text.get(start..end.min(text.len())).unwrap_or_default()
}

/// Where the run of `alphabet` that holds `from` ends.
#[inline]
pub fn run_end(text: &[u8], from: usize, alphabet: Alphabet) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().position(|&byte| !is(byte, alphabet)).unwrap_or(rest.len())
}

/// Where the run of `alphabet` that ends at `to` starts, looking at no more than `limit` bytes.
#[inline]
pub fn run_start(text: &[u8], to: usize, alphabet: Alphabet, limit: usize) -> usize {
    let floor = to.saturating_sub(limit);
    let before = text.get(floor..to).unwrap_or_default();
    floor + before.iter().rposition(|&byte| !is(byte, alphabet)).map_or(0, |at| at + 1)
}

/// Whether the byte before `at` is the last one of an escape (`\n`, `%3D`, `\x1b`, an ANSI colour): then a token may
/// start at `at`, though a letter or digit stands before it.
pub fn follows_escape(text: &[u8], at: usize) -> bool {
    let last = byte_before(text, at, 1);
    if matches!(last, b'n' | b'r' | b't' | b'b' | b'f' | b'v' | b'0') && byte_before(text, at, 2) == b'\\' {
        return true;
    }
    if is(last, HX) && is(byte_before(text, at, 2), HX) {
        let third = byte_before(text, at, 3);
        if third == b'%' || (third == b'x' && byte_before(text, at, 4) == b'\\') {
            return true;
        }
    }
    if last == b'm' && is(byte_before(text, at, 2), D) {
        let start = run_start(text, at - 1, D, 4);
        let mark = byte_before(text, start, 1);
        return mark == b'[' || (mark == b';' && part(text, start.saturating_sub(8), start).contains(&b'['));
    }
    false
}

/// Whether a token can start at `at`: no letter or digit stands before it, unless as the end of an escape.
#[inline]
pub fn starts_token(text: &[u8], at: usize) -> bool {
    !is(byte_before(text, at, 1), AN) || follows_escape(text, at)
}

/// How many bytes at `at` belong to an escape whose backslash or percent sign stands before: `n` in `\nbob`.
pub fn escape_tail(text: &[u8], at: usize) -> usize {
    match byte_before(text, at, 1) {
        b'\\' if matches!(byte_at(text, at), b'n' | b'r' | b't' | b'b' | b'f' | b'v' | b'0') => 1,
        b'\\'
            if byte_at(text, at) == b'x'
                && is(byte_at(text, at + 1), HX)
                && is(byte_at(text, at + 2), HX) =>
        {
            3
        }
        b'%' if is(byte_at(text, at), HX) && is(byte_at(text, at + 1), HX) => 2,
        _ => 0,
    }
}

/// Remembers where runs end, so that a thousand rules tried inside one run do not walk it a thousand times.
#[derive(Default)]
pub struct RunEnds {
    known: [(Alphabet, usize, usize); 6],
    next: usize,
}

impl RunEnds {
    pub fn end(&mut self, text: &[u8], from: usize, alphabet: Alphabet) -> usize {
        for &(known, start, end) in &self.known {
            if known == alphabet && start <= from && from < end {
                return end;
            }
        }
        let end = run_end(text, from, alphabet);
        // Short runs are cheaper to walk again than to look up.
        if end - from > 32 {
            let slot = self.next % self.known.len();
            if let Some(place) = self.known.get_mut(slot) {
                *place = (alphabet, from, end);
            }
            self.next = slot + 1;
        }
        end
    }
}
