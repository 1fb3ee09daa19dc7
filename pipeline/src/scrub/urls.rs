//! Credentials in URLs and in HTTP's Basic scheme.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::alphabet::{AUTHORITY, D, U, byte_at, byte_before, is, part, run_end, run_start, starts_token};
use super::checks;
use super::kinds;
use super::spans::{Proof, Scan};
use super::values;

static BASICS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"asic "));

const URL_PASSWORD: u16 = kinds::number("url_password");
const TELEGRAM: u16 = kinds::number("telegram_token");
const BASIC: u16 = kinds::number("basic_auth");

/// The colon of `scheme://user:password@host`: the password alone is replaced.
pub fn authority(scan: &mut Scan<'_>, colon: usize) {
    let text = scan.text;
    let start = colon + 3;
    let end = run_end(part(text, 0, start + 600), start, AUTHORITY);
    let mut whole = part(text, start, end);
    if matches!(byte_at(text, end), b'#' | b'?' | b'/') && memchr::memchr(b'@', whole).is_none() {
        whole = unescaped_authority(text, start, end);
    }
    let Some(at_sign) = memchr::memrchr(b'@', whole) else { return };
    let Some(user_end) = memchr::memchr(b':', whole.get(..at_sign).unwrap_or_default()) else { return };
    let password = whole.get(user_end + 1..at_sign).unwrap_or_default();
    let shown = password.is_empty()
        || values::is_reference(password)
        || values::names_itself(password)
        || (password.len() > 2
            && checks::is_filler(password)
            && !password.iter().any(u8::is_ascii_alphanumeric))
        || password.iter().any(|byte| matches!(byte, b',' | b'(' | b')' | b'{' | b'}'));
    if !shown {
        scan.add(start + user_end + 1, start + at_sign, URL_PASSWORD, Proof::Context);
    }
}

/// A password may hold `#`, `?` or `/` that nobody escaped: the authority then goes on to an `@` of the same word, unless
/// what stands before it is a port.
fn unescaped_authority(text: &[u8], start: usize, end: usize) -> &[u8] {
    let first = part(text, start, end);
    let none = part(text, start, start);
    let Some(colon) = memchr::memchr(b':', first) else { return none };
    let port = first.get(colon + 1..).unwrap_or_default().iter().all(u8::is_ascii_digit);
    let window = part(text, end, end + 80);
    let Some(at_sign) = memchr::memchr(b'@', window).filter(|_| !port) else { return none };
    let between = window.get(..at_sign).unwrap_or_default();
    let open = |&byte: &u8| (is(byte, AUTHORITY) || matches!(byte, b'#' | b'?' | b'/')) && byte != b':';
    if between.iter().all(open) { part(text, start, end + at_sign + 1) } else { none }
}

/// The colon of a Telegram bot token: `123456789:AA...`.
pub fn telegram(scan: &mut Scan<'_>, colon: usize) {
    let text = scan.text;
    let start = run_start(text, colon, D, 11);
    let end = run_end(text, colon + 1, U);
    let free = starts_token(text, start) || text.get(..start).is_some_and(|before| before.ends_with(b"bot"));
    if (8..=10).contains(&(colon - start))
        && free
        && end - colon > 33
        && !checks::is_slug(part(text, colon + 1, end))
    {
        scan.add(start, end, TELEGRAM, Proof::Prefix);
    }
}

/// `Basic` and its base64 of `user:password`, wherever it stands.
pub fn basic(scan: &mut Scan<'_>) {
    let text = scan.text;
    for at in BASICS.find_iter(text) {
        if !matches!(byte_before(text, at, 1), b'B' | b'b') {
            continue;
        }
        let start = at + 5;
        let mut end = run_end(part(text, 0, start + 2000), start, super::alphabet::B);
        while byte_at(text, end) == b'=' {
            end += 1;
        }
        if end - start >= 8 && is_user_and_password(part(text, start, end)) {
            scan.add(start, end, BASIC, Proof::Context);
        }
    }
}

/// Whether base64 holds printable text with a colon in it, or at least looks like noise.
pub fn is_user_and_password(encoded: &[u8]) -> bool {
    let mut bits = 0u32;
    let mut held = 0;
    let mut colon = false;
    let mut printable = true;
    let coded = encoded.iter().take(256).filter(|&&byte| byte != b'=');
    for &byte in coded {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            _ => 63,
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            let decoded = (bits >> held) as u8;
            colon |= decoded == b':';
            printable &= decoded >= b' ' && decoded != 127;
        }
    }
    (colon && printable)
        || (encoded.len() >= 12 && checks::is_mixed(encoded) && checks::is_base64_noise(encoded))
}
