//! E-mail addresses.

use super::alphabet::{
    AN, AUTHORITY, DASH, HX, LOCAL, byte_at, byte_before, escape_tail, is, part, run_end, run_start,
};
use super::domains::is_top_level;
use super::kinds;
use super::spans::{Proof, Scan};

const EMAIL: u16 = kinds::number("email");

/// Finds addresses around every `@`, and around every `%40` of a URL.
pub fn find(scan: &mut Scan<'_>) {
    for at in memchr::memchr_iter(b'@', scan.text) {
        around(scan, at, at + 1);
    }
    for at in memchr::memchr_iter(b'%', scan.text) {
        if part(scan.text, at + 1, at + 3) == b"40" {
            around(scan, at, at + 3);
        }
    }
}

fn around(scan: &mut Scan<'_>, local_end: usize, domain_start: usize) {
    let text = scan.text;
    // RFC 5321 allows 64 octets.
    let mut start = run_start(text, local_end, LOCAL, 65);
    // `frank%dubois@...`, but not what follows `%20` or another escape of a URL.
    while byte_before(text, start, 1) == b'%'
        && !(matches!(byte_at(text, start), b'0'..=b'7') && is(byte_at(text, start + 1), HX))
        && is(byte_before(text, start, 2), AN)
        && local_end - start < 64
    {
        start = run_start(text, start - 1, LOCAL, 65);
    }
    if local_end - start > 64 {
        return;
    }
    start += escape_tail(text, start);
    while start < local_end && matches!(byte_at(text, start), b'.' | b'\'' | b'-' | b'+') {
        start += 1;
    }
    if start >= local_end {
        return;
    }
    let Some(end) = domain_end(text, domain_start) else { return };
    let local = part(text, start, local_end);
    // `curve25519-sha256@libssh.org` names an algorithm.
    let algorithm =
        local.contains(&b'-') && matches!(part(text, domain_start, end), b"openssh.com" | b"libssh.org");
    if algorithm || is_remote(text, local, end) || is_url_user(text, start) {
        return;
    }
    scan.add(start, end, EMAIL, Proof::Format);
}

/// Where the domain that starts at `start` ends: at the last label that is a top-level domain.
fn domain_end(text: &[u8], start: usize) -> Option<usize> {
    let mut label = start;
    let mut found = None;
    for place in 0..12 {
        let end = run_end(part(text, 0, label + 64), label, AN | DASH);
        let name = part(text, label, end);
        if name.is_empty() || name.len() > 63 || name.first() == Some(&b'-') {
            break;
        }
        // `icon@2x.png`, `logo@3x.io`: a picture's scale.
        if place == 0 && matches!(name, [b'1'..=b'9', b'x']) {
            return None;
        }
        if place > 0 && is_top_level(name) {
            found = Some(end);
        }
        if byte_at(text, end) != b'.' {
            break;
        }
        label = end + 1;
    }
    found
}

/// `git@host`, `deploy@host:/srv`, `deploy@host:app/current`: an account on a machine.
fn is_remote(text: &[u8], local: &[u8], end: usize) -> bool {
    // `self@other.id` multiplies matrices.
    if matches!(local, b"git" | b"hg" | b"svn" | b"self" | b"this" | b"cls") {
        return true;
    }
    if byte_at(text, end) != b':' {
        return false;
    }
    let path = part(text, end + 1, end + 65);
    match path.first() {
        Some(b'/' | b'~') => true,
        Some(&first) if is(first, AN) => {
            let run = path.iter().take_while(|&&byte| is(byte, super::alphabet::RUN)).count();
            path.get(..run).unwrap_or_default().contains(&b'/')
        }
        _ => false,
    }
}

/// Whether this is the user part of a URL, `https://bob@host`: the URL's own rule decides there.
fn is_url_user(text: &[u8], start: usize) -> bool {
    let authority = run_start(text, start, AUTHORITY, 256);
    byte_before(text, authority, 1) == b'/' && part(text, authority.saturating_sub(3), authority) == b"://"
}
