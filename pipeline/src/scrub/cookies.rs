//! Sessions in cookies: the pairs of a `Cookie:` or `Set-Cookie:` header, and of `curl -b`.

use super::alphabet::{DASH, DOT, VALUE, W, part, run_end, run_start};
use super::checks;
use super::kinds;
use super::spans::{Proof, Scan};
use super::values;

const COOKIE: u16 = kinds::number("cookie");

/// Names under which sessions travel in cookies.
const COOKIES: &[&str] = &[
    "session",
    "sess",
    "sid",
    "sessid",
    "sessionid",
    "token",
    "auth",
    "jwt",
    "csrf",
    "xsrf",
    "remember",
    "login",
    "secret",
    "key",
];

/// The pairs of a `Cookie:` or `Set-Cookie:` header; gives where they end.
pub fn pairs(scan: &mut Scan<'_>, from: usize) -> usize {
    let text = scan.text;
    let opening = part(text, from, from + 20);
    let skipped = opening.iter().take_while(|&&byte| matches!(byte, b' ' | b'\\' | b'"' | b'\'')).count();
    let from = from + skipped;
    let line = part(text, from, from + 4096);
    let quote = opening.get(skipped.saturating_sub(1)).copied().filter(|&byte| byte == b'\'').unwrap_or(b'"');
    let length = memchr::memchr3(b'\n', b'"', quote, line).unwrap_or(line.len());
    let line = line.get(..length).unwrap_or_default();
    let mut at = 0;
    while let Some(found) = line.get(at..).and_then(|rest| memchr::memchr(b'=', rest)) {
        let equals = from + at + found;
        let start = equals + 1;
        let end = run_end(part(text, 0, from + length), start, VALUE);
        let name_start = run_start(text, equals, W | DASH | DOT, 48);
        let mut name = [0u8; 48];
        let spelled = part(text, name_start, equals);
        for (low, byte) in name.iter_mut().zip(spelled) {
            *low = byte.to_ascii_lowercase();
        }
        let secret = COOKIES.iter().any(|word| memchr::memmem::find(&name, word.as_bytes()).is_some());
        let value = part(text, start, end);
        if secret
            && value.len() >= values::SHORTEST
            && !checks::is_slug(value)
            && !values::is_reference(value)
        {
            scan.add(start, end, COOKIE, Proof::Context);
        }
        at = end.max(start) - from;
    }
    from + length
}
