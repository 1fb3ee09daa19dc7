//! Values that a keyword gives away: `password = ...`, `"apiKey": "..."`, `\"token\": \"...\"`.
//!
//! The separator is the trigger, and the key is read backwards from it: a pattern that starts with the key would be
//! tried at every word.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::alphabet::{
    AN, B, BEARER, CONNECTION, DOT, EQ, LETTER, SPACE, UPPER, VALUE, W, byte_at, byte_before, is, part,
    run_end, run_start,
};
use super::checks;
use super::commands;
use super::cookies;
use super::elements;
use super::keywords::{self, Grade, Keyword};
use super::kinds;
use super::spans::{Proof, Scan, context, has_word};
use super::urls;
use super::values::{self, Written};

static IS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b" is "));
static LOGINS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"login "));

const PASSWORD: u16 = kinds::number("password");
const AZURE_SAS: u16 = kinds::number("azure_sas");
const BEARER_TOKEN: u16 = kinds::number("bearer_token");
const BASIC: u16 = kinds::number("basic_auth");
const TOKEN: u16 = kinds::number("token");
const API_KEY: u16 = kinds::number("api_key");

/// Values longer than this inside quotes are documents, not secrets; no search for the closing quote goes farther.
const LONGEST_QUOTED: usize = 4096;

/// Finds assignments at every `:` and `=`, and what else a colon triggers.
pub fn find(scan: &mut Scan<'_>) {
    let text = scan.text;
    let mut cookies_until = 0;
    for at in memchr::memchr2_iter(b':', b'=', text) {
        let next = byte_at(text, at + 1);
        if byte_at(text, at) == b':' {
            if next == b'/' && byte_at(text, at + 2) == b'/' {
                urls::authority(scan, at);
                continue;
            }
            if next == b'A' && byte_at(text, at + 2) == b'A' {
                urls::telegram(scan, at);
            }
            if !matches!(next, b' ' | b'"' | b'\n' | b'\\') {
                commands::curl_user(scan, at);
            }
        }
        let Some((key_end, value)) = operator(text, at) else { continue };
        if query_parameter(scan, key_end, value) {
            continue;
        }
        let Some(keyword) = key_before(text, key_end) else { continue };
        if keyword.grade == Grade::Cookie {
            if at >= cookies_until {
                cookies_until = cookies::pairs(scan, value);
            }
            continue;
        }
        assigned(scan, keyword, key_end, value);
    }
    said(scan);
    netrc(scan);
    elements::find(scan);
}

/// The end of the key and the start of the value around a separator: `=`, `:`, `=>`, `:=`, `?=`, `+=`; not `==`, `::`, `<=`.
fn operator(text: &[u8], at: usize) -> Option<(usize, usize)> {
    let before = byte_before(text, at, 1);
    let next = byte_at(text, at + 1);
    if byte_at(text, at) == b':' {
        // `${PASSWORD:?missing}` is an expansion of a shell.
        return (!matches!(next, b':' | b'=' | b'?' | b'+') && before != b':').then_some((at, at + 1));
    }
    match (before, next) {
        (b'=' | b'!' | b'<' | b'>', _) | (_, b'=' | b'~') => None,
        (b':' | b'?' | b'+', _) => Some((at - 1, at + 1)),
        (_, b'>') => Some((at, at + 2)),
        _ => Some((at, at + 1)),
    }
}

/// The keyword of the key that ends before `end`, behind spaces, closing quotes and brackets, or before a type.
fn key_before(text: &[u8], end: usize) -> Option<&'static Keyword> {
    let mut at = run_back(text, end, b' ', 48);
    if part(text, at.saturating_sub(2), at) == b"\xC2\xA0" {
        at -= 2;
    }
    at = run_back(text, at, b'*', 2);
    let bracket = byte_before(text, at, 1) == b']';
    if bracket {
        at -= 1;
    }
    let quoted = matches!(byte_before(text, at, 1), b'"' | b'\'' | b'`');
    if quoted {
        at -= 1;
        at = run_back(text, at, b'\\', 16);
    } else if bracket {
        return None;
    }
    if let Some(keyword) = keywords::at_end_of(text, at) {
        return Some(keyword);
    }
    if quoted || byte_at(text, end) == b':' {
        return None;
    }
    // `apiKey: string = "..."`, `var apiKey string = "..."`, `String`'s own name is no key.
    let kind = run_start(text, at, W | DOT, 32);
    let name = run_back(text, kind, b' ', 4);
    let name = if byte_before(text, name, 1) == b':' { name - 1 } else { name };
    (name < kind && at > kind).then(|| keywords::at_end_of(text, name)).flatten()
}

/// Walks back over at most `limit` times this byte.
fn run_back(text: &[u8], from: usize, byte: u8, limit: usize) -> usize {
    let before = part(text, from.saturating_sub(limit), from);
    from - before.iter().rev().take_while(|&&held| held == byte).count()
}

/// Judges and adds the value of a keyword.
pub fn assigned(scan: &mut Scan<'_>, keyword: &Keyword, key_end: usize, from: usize) {
    let text = scan.text;
    let Some((start, end, written)) = value_at(scan, from, key_end) else { return };
    let value = part(text, start, end);
    match keyword.grade {
        Grade::Authorization => return authorization(scan, start),
        Grade::DockerAuth => {
            if value.len() >= 12
                && value.iter().all(|&byte| is(byte, B | EQ))
                && urls::is_user_and_password(value)
            {
                scan.add(start, end, keyword.kind, Proof::Context);
            }
            return;
        }
        Grade::Value => {
            let near = context(text, key_end, 100);
            let named =
                has_word(near, &["name", "key", "id", "label"]).then(|| named_elsewhere(near)).flatten();
            if let Some(named) = named
                && values::is_secret(value, named.grade, written)
            {
                scan.add(start, end, named.kind, Proof::Context);
            }
            return;
        }
        _ => {}
    }
    // `token: Bearer abc...` and `apiKey: Basic abc...`
    if written != Written::Quoted
        && matches!(value, b"Bearer" | b"bearer" | b"Basic" | b"Token" | b"token" | b"ApiKey")
    {
        return authorization(scan, start);
    }
    if written != Written::Quoted && matches!(byte_at(text, end), b'(' | b'[') && !value.ends_with(b"=") {
        return;
    }
    // `arn:aws:secretsmanager:eu-west-1:123456789012:secret:name` names one.
    if byte_at(text, key_end) == b':'
        && start == key_end + 1
        && part(text, run_start(text, key_end, VALUE, 96), key_end).starts_with(b"arn:")
    {
        return;
    }
    let in_connection = keyword.grade == Grade::Password
        && byte_at(text, key_end) == b'='
        && matches!(byte_before(text, run_start(text, key_end, W, 24), 1), b';' | b'&' | b'?');
    if values::is_secret(value, keyword.grade, written)
        || (in_connection && values::is_connection_password(value))
    {
        scan.add(start, end, keyword.kind, Proof::Context);
    }
}

/// The keyword of `name: DB_PASSWORD` that stands before `value: ...`.
fn named_elsewhere(near: &[u8]) -> Option<&'static Keyword> {
    // Back over the key `value` itself, then over what separates the pair.
    let mut end = near.iter().rposition(|&byte| is(byte, LETTER)).map_or(0, |at| at + 1);
    end = run_start(near, end, LETTER, 8);
    while end > 0 && !is(byte_before(near, end, 1), AN) {
        end -= 1;
    }
    if byte_before(near, end, 2) == b'\\' && byte_before(near, end, 1) == b'n' {
        end -= 2;
        while end > 0 && !is(byte_before(near, end, 1), AN) {
            end -= 1;
        }
    }
    keywords::at_end_of(near, end)
        .filter(|keyword| matches!(keyword.grade, Grade::Password | Grade::Key | Grade::Token))
}

/// Where the value that follows `from` starts and ends, and how it is written.
fn value_at(scan: &mut Scan<'_>, from: usize, key_end: usize) -> Option<(usize, usize, Written)> {
    let text = scan.text;
    let mut at = from;
    let quoted_key = matches!(byte_before(text, key_end, 1), b'"' | b'\'');
    let mut skipped = 0;
    while skipped < 24 {
        match byte_at(text, at) {
            b' ' | b'\t' => at += 1,
            b'\n' | b'\r' if quoted_key => at += 1,
            // A no-break space, as people paste it.
            0xC2 if byte_at(text, at + 1) == 0xA0 => at += 2,
            b'*' if skipped < 3 && byte_at(text, at + 1) == b'*' => at += 2,
            _ => break,
        }
        skipped += 1;
    }
    at = inside(text, at, quoted_key);
    // `b"..."`, `f'...'`, `@"..."`: prefixes of string literals.
    if matches!(byte_at(text, at), b'b' | b'f' | b'r' | b'u' | b'@' | b'L')
        && matches!(byte_at(text, at + 1), b'"' | b'\'')
    {
        at += 1;
    }
    let depth = part(text, at, at + 16).iter().take_while(|&&byte| byte == b'\\').count();
    let quote = byte_at(text, at + depth);
    if matches!(quote, b'"' | b'\'' | b'`') {
        let start = at + depth + 1;
        if let Some(end) = closing_quote(text, start, quote, depth) {
            return Some((start, end, Written::Quoted));
        }
        return bare(scan, start, key_end);
    }
    if depth > 0 {
        return None;
    }
    bare(scan, at, key_end)
}

/// Where the value starts whose key is followed by a wrapping: a list of one (`"X-Api-Key": ["..."]`), a typed value
/// (`"value": {"stringValue": "..."}`), a block of YAML (`key: >-` and a line).
fn inside(text: &[u8], at: usize, quoted_key: bool) -> usize {
    let blanks = |from: usize| run_end(part(text, 0, from + 40), from, SPACE);
    match byte_at(text, at) {
        b'[' if quoted_key => blanks(at + 1),
        b'{' if quoted_key => {
            let quoted = |from: usize| {
                from + part(text, from, from + 17)
                    .iter()
                    .take_while(|&&byte| matches!(byte, b'"' | b'\\'))
                    .count()
            };
            let name = quoted(blanks(at + 1));
            let end = run_end(part(text, 0, name + 16), name, W);
            let colon = quoted(end);
            let typed = matches!(
                part(text, name, end),
                b"stringValue" | b"string_value" | b"S" | b"value" | b"$t" | b"plain"
            );
            if typed && byte_at(text, colon) == b':' { blanks(colon + 1) } else { at }
        }
        b'>' | b'|' => {
            let mark = at + 1 + usize::from(matches!(byte_at(text, at + 1), b'-' | b'+'));
            let slashes = part(text, mark, mark + 16).iter().take_while(|&&byte| byte == b'\\').count();
            let breaks = byte_at(text, mark + slashes) == if slashes == 0 { b'\n' } else { b'n' };
            if breaks { blanks(mark + slashes + 1) } else { at }
        }
        _ => at,
    }
}

/// The quote that closes a string whose opening quote has `depth` backslashes before it: the next one of the same depth,
/// or of a lower one, where an outer string ends. A deeper quote is part of the value.
pub fn closing_quote(text: &[u8], start: usize, quote: u8, depth: usize) -> Option<usize> {
    let limit = part(text, start, start + LONGEST_QUOTED);
    let mut from = 0;
    loop {
        let found = from + memchr::memchr3(quote, b'\n', b'"', limit.get(from..)?)?;
        if limit.get(found) == Some(&b'\n') {
            return None;
        }
        let slashes = limit.get(..found)?.iter().rev().take(32).take_while(|&&byte| byte == b'\\').count();
        let is_own = limit.get(found) == Some(&quote);
        // Each depth of JSON in JSON doubles the backslashes and adds one.
        let closes = if is_own {
            let period = (depth + 1) * 2;
            slashes % period <= depth
        } else {
            // A double quote inside single quotes ends an outer JSON string where it is escaped less than ours are, or where
            // JSON goes on behind it.
            let goes_on = matches!(limit.get(found + 1), Some(b',' | b'}' | b']' | b':'));
            (depth > 0 && slashes < depth) || (depth == 0 && goes_on)
        };
        if closes {
            return Some(
                start + found - slashes.min(if is_own && slashes >= depth { depth } else { slashes }),
            );
        }
        from = found + 1;
    }
}

/// A value without quotes: to the end of its alphabet, which is wider where something else marks the end.
fn bare(scan: &mut Scan<'_>, start: usize, key_end: usize) -> Option<(usize, usize, Written)> {
    let text = scan.text;
    let alphabet = if is_delimited(text, key_end, start) { CONNECTION } else { VALUE };
    let mut end = scan.ends.end(text, start, alphabet);
    while end > start
        && matches!(
            byte_before(text, end, 1),
            b'.' | b',' | b')' | b']' | b'}' | b'>' | b'|' | b':' | b'?' | b'*' | b'<'
        )
    {
        end -= 1;
    }
    // An HTML or XML element closes behind the value.
    if alphabet == CONNECTION
        && let Some(tag) = memchr::memmem::find(part(text, start, end.min(start + 512)), b"</")
    {
        end = start + tag;
    }
    let written = if is_plain(text, key_end, start, end) { Written::Plain } else { Written::Bare };
    (end > start).then_some((start, end, written))
}

/// Whether no code can stand where this value does: behind a flag, on the rest of a line behind a colon, or behind an
/// equals sign without spaces, between blanks or the marks of a list of such pairs.
fn is_plain(text: &[u8], key_end: usize, start: usize, end: usize) -> bool {
    let next = byte_at(text, end);
    let escaped_break = next == b'\\' && matches!(byte_at(text, end + 1), b'n' | b'r' | b't' | b'"' | b'\\');
    let ends_line = matches!(next, 0 | b'\n' | b'\r' | b'"' | b'\'' | b'`') || escaped_break;
    let gap = start - key_end;
    match byte_at(text, key_end) {
        b' ' => true,
        b':' => ends_line && gap <= 3,
        b'=' => {
            let name = run_start(text, key_end, W | DOT | super::alphabet::DASH, 64);
            let before = byte_before(text, name, 1);
            let opens = matches!(
                before,
                0 | b'\n'
                    | b' '
                    | b';'
                    | b'&'
                    | b'?'
                    | b','
                    | b'"'
                    | b'\''
                    | b'`'
                    | b'\t'
                    | b'+'
                    | b'/'
                    | b'%'
            ) || super::alphabet::escape_tail(text, name) > 0;
            let closes = ends_line
                || matches!(next, b' ' | b';' | b'&' | b'\t')
                || (next == b',' && byte_at(text, end + 1) != b' ');
            gap == 1 && opens && closes
        }
        _ => false,
    }
}

/// Whether the key stands in a connection string (`;Password=`), or at the start of a line of an .env or YAML file: there
/// the value goes on to `;` or the line's end, and may hold commas and brackets.
fn is_delimited(text: &[u8], key_end: usize, value: usize) -> bool {
    let start = run_start(text, key_end, W | super::alphabet::DASH, 64);
    let before = byte_before(text, start, 1);
    let name = part(text, start, key_end);
    match byte_at(text, key_end) {
        b'=' if before == b';' => true,
        b'=' => {
            let upper = name.iter().all(|&byte| !byte.is_ascii_lowercase())
                && name.iter().any(|&byte| is(byte, UPPER));
            upper && (starts_line(text, start) || part(text, start.saturating_sub(7), start) == b"export ")
        }
        b':' => {
            let indent = run_back(text, start, b' ', 32);
            // A call or an index behind the value makes it code.
            let code =
                matches!(byte_at(text, run_end(part(text, 0, value + 64), value, VALUE)), b'(' | b'[' | b'{');
            !code
                && value == key_end + 2
                && (starts_line(text, indent) || starts_line(text, indent.saturating_sub(1)))
        }
        _ => false,
    }
}

fn starts_line(text: &[u8], at: usize) -> bool {
    let before = byte_before(text, at, 1);
    before == 0 || before == b'\n' || (before == b'n' && byte_before(text, at, 2) == b'\\')
}

/// `Authorization:` and its scheme: the credentials alone are replaced.
fn authorization(scan: &mut Scan<'_>, start: usize) {
    let text = scan.text;
    let word = run_end(part(text, 0, start + 20), start, LETTER | super::alphabet::DASH);
    let scheme = part(text, start, word);
    let gap = if byte_at(text, word) == b' ' {
        1
    } else if part(text, word, word + 3) == b"%20" {
        3
    } else {
        0
    };
    let (from, kind, least) = match scheme {
        _ if gap == 0 => (start, TOKEN, 16),
        _ if scheme.eq_ignore_ascii_case(b"bearer") => (word + gap, BEARER_TOKEN, values::SHORTEST),
        _ if scheme.eq_ignore_ascii_case(b"basic") => (word + gap, BASIC, values::SHORTEST),
        _ if scheme.eq_ignore_ascii_case(b"digest") || scheme.starts_with(b"AWS") => return,
        _ => (word + gap, TOKEN, 12),
    };
    let mut end = run_end(text, from, BEARER);
    while byte_before(text, end, 1) == b'.' {
        end -= 1;
    }
    let token = part(text, from, end);
    let noise = kind == BASIC || !checks::is_slug(token);
    if token.len() >= least && noise && !checks::is_filler(token) && !values::is_reference(token) {
        scan.add(from, end, kind, Proof::Context);
    }
}

/// Parameters of a query string whose name is a secret only there; gives whether the parameter was one.
fn query_parameter(scan: &mut Scan<'_>, key_end: usize, value: usize) -> bool {
    let text = scan.text;
    if byte_at(text, key_end) != b'=' || value != key_end + 1 {
        return false;
    }
    let start = run_start(text, key_end, W | super::alphabet::DASH, 40);
    let name = part(text, start, key_end);
    let separator = byte_before(text, start, 1);
    let in_query =
        matches!(separator, b'?' | b'&') || (separator == b';' && byte_before(text, start, 2) == b'p');
    let (kind, least) = match name {
        b"sig" if in_query || separator != b'.' => (AZURE_SAS, 40),
        b"key" | b"apikey" | b"api_key" | b"access_key" | b"appid" if in_query => (API_KEY, 16),
        b"signature"
        | b"Signature"
        | b"hmac"
        | b"X-Amz-Signature"
        | b"X-Goog-Signature"
        | b"X-Amz-Security-Token"
            if in_query =>
        {
            (TOKEN, 20)
        }
        b"code" | b"session" | b"sid" | b"ticket" | b"otp" | b"t" | b"sas" if in_query => (TOKEN, 24),
        _ => return false,
    };
    let mut end = scan.ends.end(text, value, VALUE);
    if let Some(hash) = memchr::memchr(b'#', part(text, value, end.min(value + 1000))) {
        end = value + hash;
    }
    while matches!(byte_before(text, end, 1), b'.' | b':' | b'?' | b'*' | b'!') {
        end -= 1;
    }
    let token = part(text, value, end);
    // No key holds a space, not even a written one.
    let words = memchr::memmem::find(token, b"%20").is_some()
        || (kind == TOKEN
            && least == 24
            && (token.contains(&b'+') || memchr::memmem::find(token, b"%0A").is_some()));
    if token.len() < least || words || checks::is_slug(token) || values::is_reference(token) {
        return false;
    }
    scan.add(value, end, kind, Proof::Context);
    true
}

/// The words for password in Chinese and Japanese: whatever separator follows, or none.
static PASSWORD_WORDS: LazyLock<[Finder<'static>; 4]> =
    LazyLock::new(|| ["密码", "密碼", "口令", "パスワード"].map(Finder::new));

/// "The password is VALUE", and the words for password in Chinese and Japanese.
fn said(scan: &mut Scan<'_>) {
    let text = scan.text;
    for at in IS.find_iter(text) {
        if let Some(keyword) = keywords::at_end_of(text, at)
            && matches!(keyword.grade, Grade::Password | Grade::Key | Grade::Token)
            && part(text, at + 4, at + 7) != b"eyJ"
        {
            assigned(scan, keyword, at, at + 4);
        }
    }
    if text.is_ascii() {
        return;
    }
    const MARKS: [&str; 9] = ["：", "是", "为", "為", "は", ":", "=", " ", "\u{a0}"];
    for word in PASSWORD_WORDS.iter() {
        for at in word.find_iter(text) {
            let mut from = at + word.needle().len();
            let key_end = from;
            while let Some(mark) =
                MARKS.iter().find(|mark| part(text, from, from + mark.len()) == mark.as_bytes())
            {
                from += mark.len();
            }
            if let Some(keyword) = keywords::at_end_of(b"password", 8)
                && from > key_end
            {
                assigned(scan, keyword, key_end, from);
            }
        }
    }
}

/// `machine host login name password VALUE` of a .netrc.
fn netrc(scan: &mut Scan<'_>) {
    let text = scan.text;
    for at in LOGINS.find_iter(text) {
        let line = part(text, at, at + 160);
        let Some(found) = memchr::memmem::find(line, b"password ") else { continue };
        let machine = has_word(context(text, at, 90), &["machine", "default"]);
        let start = at + found + 9;
        let end = run_end(text, start, VALUE);
        let value = part(text, start, end);
        if machine && value.len() >= 6 && !values::is_reference(value) && !checks::is_filler(value) {
            scan.add(start, end, PASSWORD, Proof::Context);
        }
    }
}

/// An Azure AD client secret has `Q~` at its fifth place; a tilde is rare enough to be the trigger.
pub fn azure_secrets(scan: &mut Scan<'_>) {
    const KIND: u16 = kinds::number("azure_ad_secret");
    const ALPHABET: u32 = AN | super::alphabet::UNDER | super::alphabet::TILDE | DOT | super::alphabet::DASH;
    let text = scan.text;
    for at in memchr::memchr_iter(b'~', text) {
        if at < scan.last_end()
            || byte_before(text, at, 1) != b'Q'
            || !byte_before(text, at, 2).is_ascii_digit()
        {
            continue;
        }
        let Some(start) = at.checked_sub(5) else { continue };
        let mut end = scan.ends.end(text, at + 1, ALPHABET);
        while byte_before(text, end, 1) == b'.' {
            end -= 1;
        }
        let head = part(text, start, at - 2);
        if head.iter().all(|&byte| is(byte, ALPHABET))
            && end - at > 31
            && super::alphabet::starts_token(text, start)
        {
            scan.add(start, end, KIND, Proof::Prefix);
        }
    }
}
