//! Tokens: long runs of token characters, and the prefixed shapes inside of them.
//!
//! Prose has words, secrets have runs. Looking at every sixteenth byte finds all runs of sixteen and more while most
//! bytes are never read, which no automaton over the prefixes can do. Inside a run, a shape is tried only where a
//! token can start.

use std::sync::LazyLock;

use super::alphabet::{
    AN, Alphabet, B, BEARER, DASH, EQ, H, PLUS, RUN, SLASH, TILDE, UNDER, byte_at, byte_before, escape_tail,
    is, part, run_end, run_start, starts_token,
};
use super::checks;
use super::keywords::{self, Grade};
use super::kinds::{self, Check, Part, Shape, Start};
use super::spans::{Proof, Scan, context, has_word};
use super::values::{self, Written};

/// Shorter runs hold no token: the shortest are Bearer credentials of 16 and Stripe test keys of 18.
const SHORTEST: usize = 16;

/// The shapes of all kinds, by the first two bytes of their prefix.
struct Index {
    shapes: Vec<(u16, &'static Shape)>,
    /// For each pair of ASCII bytes the range of shapes whose prefix starts so; a prefix of one byte is in 128 ranges.
    by_two: Vec<(u16, u16)>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut shapes: Vec<(usize, (u16, &'static Shape))> = Vec::new();
    for (number, kind) in kinds::all().enumerate() {
        for shape in kind.shapes {
            let (first, seconds) = match shape.prefix.as_bytes() {
                [first, second, ..] => (*first, *second..=*second),
                [first] => (*first, 0..=127),
                [] => continue,
            };
            shapes.extend(seconds.map(|second| (pair(first, second), (number as u16, shape))));
        }
    }
    // Stable: the table's order stays, and with it who wins a tie.
    shapes.sort_by_key(|&(pair, _)| pair);
    let mut by_two = vec![(0u16, 0u16); 128 * 128];
    for (at, &(pair, _)) in shapes.iter().enumerate() {
        if let Some(range) = by_two.get_mut(pair) {
            if range.1 == 0 {
                range.0 = at as u16;
            }
            range.1 = at as u16 + 1;
        }
    }
    Index { shapes: shapes.into_iter().map(|(_, shape)| shape).collect(), by_two }
});

fn pair(first: u8, second: u8) -> usize {
    usize::from(first & 127) * 128 + usize::from(second & 127)
}

/// The shapes that can start with these two bytes.
fn candidates(index: &Index, first: u8, second: u8) -> &[(u16, &'static Shape)] {
    let (low, high) = index.by_two.get(pair(first, second)).copied().unwrap_or((0, 0));
    index.shapes.get(usize::from(low)..usize::from(high)).unwrap_or_default()
}

/// Finds every run of sixteen token characters and more, and the tokens in it.
pub fn find(scan: &mut Scan<'_>) {
    let text = scan.text;
    let index = &*INDEX;
    let mut start = 0;
    // Bytes before this one, from `start` on, are known to be of the run.
    let mut known = 0;
    loop {
        let probe = start + SHORTEST - 1;
        let Some(&byte) = text.get(probe) else { return };
        if !is(byte, RUN) {
            start = probe + 1;
            known = start;
            continue;
        }
        let low = known.max(start);
        let window = text.get(low..probe).unwrap_or_default();
        if let Some(gap) = window.iter().rposition(|&byte| !is(byte, RUN)) {
            start = low + gap + 1;
            known = probe + 1;
            continue;
        }
        let end = run_end(text, probe + 1, RUN);
        in_run(scan, index, start, end);
        start = end + 1;
        known = start;
    }
}

/// Finds the tokens of one run.
fn in_run(scan: &mut Scan<'_>, index: &Index, start: usize, end: usize) {
    let text = scan.text;
    if is_data_url(text, start) {
        return;
    }
    after_scheme(scan, start, end);
    after_keyword(scan, start, end);
    before_only(scan, start, end);
    let mut at = start + escape_tail(text, start);
    while at < end {
        let shapes = candidates(index, byte_at(text, at), byte_at(text, at + 1));
        if !shapes.is_empty()
            && starts_token(text, at)
            && let Some(token) = at_position(scan, shapes, at)
        {
            at = token.max(at + 1);
            continue;
        }
        // The next place where a token can start: behind the next byte that is no letter or digit.
        let rest = text.get(at..end).unwrap_or_default();
        match rest.iter().position(|&byte| !is(byte, AN)) {
            Some(gap) => at += gap + 1,
            None => break,
        }
    }
}

/// Tries the shapes at one position and keeps the longest match; gives its end.
fn at_position(scan: &mut Scan<'_>, shapes: &[(u16, &'static Shape)], at: usize) -> Option<usize> {
    let mut best: Option<(usize, usize, u16)> = None;
    for &(kind, shape) in shapes {
        if scan.text.get(at..)?.starts_with(shape.prefix.as_bytes())
            && let Some((start, end)) = matches(scan, shape, at)
            && best.is_none_or(|(_, longest, _)| end > longest)
        {
            best = Some((start, end, kind));
        }
    }
    let (start, end, kind) = best?;
    scan.add(start, end, kind, Proof::Prefix);
    if kind == AWS_KEY_ID {
        secret_beside_key_id(scan, end);
    }
    Some(end)
}

/// Where the token of this shape at `at` starts and ends.
fn matches(scan: &mut Scan<'_>, shape: &Shape, at: usize) -> Option<(usize, usize)> {
    let text = scan.text;
    let start = match shape.start {
        Start::Open => at,
        Start::Strict if is(byte_before(text, at, 1), DASH | UNDER) || is_in_base64(text, at) => return None,
        Start::Strict => at,
        Start::After(alphabet, length) => {
            let start = at.checked_sub(length + 1)?;
            let held = part(text, start, at - 1);
            if held.len() != length
                || !held.iter().all(|&byte| is(byte, alphabet))
                || !starts_token(text, start)
            {
                return None;
            }
            start
        }
    };
    let mut end = at + shape.prefix.len();
    let mut last: Alphabet = 0;
    for part in shape.parts {
        end = match *part {
            Part::Literal(literal) => {
                text.get(end..)?.starts_with(literal.as_bytes()).then_some(end + literal.len())?
            }
            Part::Optional(literal) if text.get(end..)?.starts_with(literal.as_bytes()) => {
                end + literal.len()
            }
            Part::Optional(_) => end,
            Part::Exactly(alphabet, length) => {
                let held = text.get(end..end + length)?;
                held.iter().all(|&byte| is(byte, alphabet)).then_some(end + length)?
            }
            Part::AtLeast(alphabet, least) => {
                let stop = scan.ends.end(text, end, alphabet);
                last = alphabet;
                (stop >= end + least).then_some(stop)?
            }
            Part::Between(alphabet, least, most) => {
                let stop = scan.ends.end(text, end, alphabet);
                last = 0;
                let fits = stop >= end + least && stop <= end + most && !is(byte_at(text, stop), AN);
                fits.then_some(stop)?
            }
        };
    }
    // A hexadecimal run that goes on in other letters is a token of a newer length or case: take it all.
    if last != 0 && last & !AN == 0 && last != AN {
        end = scan.ends.end(text, end, AN);
    }
    while byte_at(text, end - 1) == b'.' {
        end -= 1;
    }
    let token = part(text, start, end);
    let body = if start < at { token } else { part(text, at + shape.prefix.len(), end) };
    let holds = match shape.check {
        Check::Real => !checks::is_filler(body),
        Check::NotSlug => !checks::is_slug(body),
        Check::Dense => checks::is_dense(body),
        Check::Near(words) => has_word(context(text, start, 80), words),
        Check::Base58Check => checks::base58check(token),
    };
    holds.then_some((start, end))
}

/// Whether the token would start in the middle of a payload in base64, where every short prefix occurs by chance.
fn is_in_base64(text: &[u8], at: usize) -> bool {
    let joint = is(byte_before(text, at, 1), PLUS | SLASH);
    if !joint {
        return false;
    }
    let before = part(text, run_start(text, at, B, 48), at);
    before.len() >= 24
        && (checks::is_base64_noise(before) || checks::is_filler(before) || before.ends_with(b"+"))
}

const AWS_KEY_ID: u16 = kinds::number("aws_access_key_id");
const AWS_SECRET: u16 = kinds::number("aws_secret_key");
const BEARER_TOKEN: u16 = kinds::number("bearer_token");
const BRAINTREE: u16 = kinds::number("braintree_token");
const SLACK_WEBHOOK: u16 = kinds::number("slack_webhook");
const DISCORD_WEBHOOK: u16 = kinds::number("discord_webhook");
const TEAMS_WEBHOOK: u16 = kinds::number("teams_webhook");

/// A base64 payload of a data URL: pictures and sound, kilobytes that would only cost time.
fn is_data_url(text: &[u8], start: usize) -> bool {
    text.get(..start).is_some_and(|before| before.ends_with(b";base64,"))
}

/// The secret key that is written beside an access key id, with no keyword: `AKIA...:wJalr...`, a CSV row.
fn secret_beside_key_id(scan: &mut Scan<'_>, from: usize) {
    let text = scan.text;
    let mut at = from;
    let limit = (from + 160).min(text.len());
    while at < limit {
        if !is(byte_at(text, at), B) {
            at += 1;
            continue;
        }
        at += escape_tail(text, at);
        let end = scan.ends.end(text, at, B);
        if matches!(part(text, at, at + 4), b"AKIA" | b"ASIA") {
            return;
        }
        if is_aws_secret(text, at, end) {
            scan.add(at, end, AWS_SECRET, Proof::Format);
            return;
        }
        at = end.max(at + 1);
    }
}

/// Forty base64 characters that no path, hash or identifier looks like.
fn is_aws_secret(text: &[u8], start: usize, end: usize) -> bool {
    end - start == 40
        && !is(byte_at(text, end), B | EQ | DASH | UNDER)
        && !is(byte_before(text, start, 1), B | DASH | UNDER)
        && checks::is_base64_noise(part(text, start, end))
}

/// Credentials whose meaning stands right before the run: an HTTP scheme, or the word `secret` before 40 characters.
fn after_scheme(scan: &mut Scan<'_>, start: usize, end: usize) {
    let text = scan.text;
    let mut from = start;
    if is(byte_before(text, from, 1), TILDE | EQ) {
        from = run_start(text, from, BEARER, 64);
    }
    let space = byte_before(text, from, 1) == b' ' || part(text, from.saturating_sub(3), from) == b"%20";
    if space {
        let gap = if byte_before(text, from, 1) == b' ' { 1 } else { 3 };
        let word_end = from - gap;
        let scheme = part(text, word_end.saturating_sub(6), word_end);
        if scheme.eq_ignore_ascii_case(b"bearer") {
            let mut stop = run_end(text, from, BEARER);
            while byte_before(text, stop, 1) == b'.' {
                stop -= 1;
            }
            let token = part(text, from, stop);
            if token.len() >= SHORTEST && token.iter().any(u8::is_ascii_digit) && !checks::is_slug(token) {
                scan.add(from, stop, BEARER_TOKEN, Proof::Context);
            }
        }
    }
    let from = start + escape_tail(text, start);
    if end - from >= 40 && byte_before(text, from, 1) != b'.' {
        let stop = run_end(text, from, B);
        if is_aws_secret(text, from, stop)
            && has_word(context(text, from, 64), &["secret", "aws", "secretaccesskey"])
        {
            scan.add(from, stop, AWS_SECRET, Proof::Context);
        }
    }
}

/// `api_key VALUE`, `| token | VALUE |`, `setx API_KEY VALUE`: noise right behind a keyword, with nothing but blanks, quotes
/// and rules of a table between both.
#[inline(never)]
fn after_keyword(scan: &mut Scan<'_>, start: usize, end: usize) {
    let text = scan.text;
    let gap = part(text, start.saturating_sub(8), start)
        .iter()
        .rev()
        .take_while(|&&byte| matches!(byte, b' ' | b'"' | b'\'' | b'`' | b'(' | b'|' | b'\t' | b'*' | b'\\'))
        .count();
    if gap == 0 || end - start < LONGEST_NAME || !is(byte_before(text, start - gap, 1), AN) {
        return;
    }
    let Some(keyword) = keywords::at_end_of(text, start - gap) else { return };
    let mut stop = end;
    while byte_before(text, stop, 1) == b'.' {
        stop -= 1;
    }
    stop += part(text, stop, stop + 2).iter().take_while(|&&byte| byte == b'=').count();
    let value = part(text, start, stop);
    let noise = checks::is_mixed(value) || (value.len() >= 32 && value.iter().all(|&byte| is(byte, H)));
    if matches!(keyword.grade, Grade::Key | Grade::Token | Grade::Password)
        && noise
        && byte_at(text, stop) != b'('
        // `sh.helm.release.v1.app.v12`, `com.example.TokenService2`: what is said to be a secret by name.
        && !value.contains(&b'.')
        && values::is_secret(value, Grade::Token, Written::Bare)
    {
        scan.add(start, stop, keyword.kind, Proof::Context);
    }
}

/// Shorter runs behind a keyword are names far oftener than keys.
const LONGEST_NAME: usize = 20;

/// Kinds whose fixed part stands before the run, in characters of their own: `$` and the paths of webhooks.
fn before_only(scan: &mut Scan<'_>, start: usize, end: usize) {
    let text = scan.text;
    if byte_before(text, start, 1) == b'$' {
        let id = run_start(text, start - 1, AN, 24);
        let mark = b"access_token$production$";
        let sandbox = b"access_token$sandbox$";
        for mark in [&mark[..], &sandbox[..]] {
            let stop = run_end(text, start, H);
            if stop - start >= 32 && text.get(..id).is_some_and(|before| before.ends_with(mark)) {
                scan.add(id - mark.len(), run_end(text, stop, AN), BRAINTREE, Proof::Prefix);
            }
        }
    }
    let run = part(text, start, end.min(start + 600));
    // A webhook's path is the secret: from the host on, whatever a future version adds.
    for (mark, least, kind) in [
        (&b"hooks.slack.com/"[..], 30, SLACK_WEBHOOK),
        (b"/api/webhooks/", 60, DISCORD_WEBHOOK),
        (b".webhook.office.com/webhookb2/", 30, TEAMS_WEBHOOK),
    ] {
        let Some(found) = memchr::memmem::find(run, mark) else { continue };
        let mut from = start + found + mark.len();
        for folder in [&b"services/"[..], b"workflows/", b"triggers/"] {
            if kind == SLACK_WEBHOOK && part(text, from, from + folder.len()) == folder {
                from += folder.len();
            }
        }
        let mut stop = run_end(text, from, RUN);
        if kind == TEAMS_WEBHOOK {
            while byte_at(text, stop) == b'@' {
                stop = run_end(text, stop + 1, RUN);
            }
        }
        while is(byte_before(text, stop, 1), super::alphabet::DOT | super::alphabet::SLASH) {
            stop -= 1;
        }
        let path = part(text, from, stop);
        if path.len() >= least && path.iter().any(u8::is_ascii_digit) && !checks::is_filler(path) {
            scan.add(from, stop, kind, Proof::Prefix);
        }
    }
}
