//! Secrets as arguments: `setApiKey("...")`, `.header("X-Api-Key", "...")`, `["x-api-key", "..."]`, `CohereClient("...")`.

use super::alphabet::{AN, DASH, HX, W, byte_at, byte_before, is, part, run_start};
use super::assignments::closing_quote;
use super::checks;
use super::keywords::{self, Grade, Keyword};
use super::kinds;
use super::spans::{Proof, Scan};
use super::values::{self, Written};
use super::words;

const API_KEY: u16 = kinds::number("api_key");

/// Functions that read a secret: their argument is its name.
const READERS: &[&str] = &[
    "get", "fetch", "load", "read", "find", "lookup", "require", "resolve", "retrieve", "delete", "remove",
    "list", "from", "has", "is", "describe", "assert", "expect", "test", "check",
];

/// Clients of services whose keys have no prefix of their own.
const CLIENTS: &[&str] = &[
    "cohere",
    "mistral",
    "deepgram",
    "azure",
    "algolia",
    "datadog",
    "fastly",
    "together",
    "openai",
    "anthropic",
    "assemblyai",
    "ai21",
    "elevenlabs",
    "stability",
    "voyage",
    "pinecone",
    "weaviate",
    "qdrant",
    "okta",
    "snyk",
    "mapbox",
    "twilio",
];

/// Finds string arguments at every opening bracket.
pub fn find(scan: &mut Scan<'_>) {
    let text = scan.text;
    for at in memchr::memchr2_iter(b'(', b'[', text) {
        let Some((start, end, next)) = string_at(text, at + 1) else { continue };
        let keyword = if byte_at(text, at) == b'(' && is(byte_before(text, at, 1), W) {
            of_function(text, at)
        } else {
            None
        };
        if let Some(keyword) = keyword {
            argument(scan, keyword, start, end);
        } else if byte_at(text, next) == b','
            && let Some(keyword) = keywords::at_end_of(text, end)
            && let Some((start, end, _)) = string_at(text, next + 1)
        {
            argument(scan, keyword, start, end);
        } else if byte_at(text, at) == b'(' && is_client_key(text, at, part(text, start, end)) {
            scan.add(start, end, API_KEY, Proof::Context);
        }
    }
}

/// Where the string literal that follows starts and ends, and what is behind its closing quote.
fn string_at(text: &[u8], from: usize) -> Option<(usize, usize, usize)> {
    let mut at = from;
    while matches!(byte_at(text, at), b' ' | b'\n') && at < from + 16 {
        at += 1;
    }
    let depth = part(text, at, at + 16).iter().take_while(|&&byte| byte == b'\\').count();
    let quote = byte_at(text, at + depth);
    if !matches!(quote, b'"' | b'\'' | b'`') {
        return None;
    }
    let start = at + depth + 1;
    let end = closing_quote(part(text, 0, start + LONGEST), start, quote, depth)?;
    (byte_at(text, end + depth) == quote).then_some((start, end, end + depth + 1))
}

/// Arguments longer than this are documents.
const LONGEST: usize = 512;

/// The keyword in the name of the function before the bracket, unless the function reads.
fn of_function(text: &[u8], bracket: usize) -> Option<&'static Keyword> {
    // `pass` ends the names of tests and of compiler passes.
    let keyword = keywords::at_end_of(text, bracket).filter(|keyword| keyword.phrase != "pass")?;
    let name = part(text, run_start(text, bracket, W, 48), bracket);
    let reads = READERS.iter().any(|verb| {
        name.get(..verb.len()).is_some_and(|head| head.eq_ignore_ascii_case(verb.as_bytes()))
            && !byte_at(name, verb.len()).is_ascii_lowercase()
    });
    (!reads).then_some(keyword)
}

fn argument(scan: &mut Scan<'_>, keyword: &Keyword, start: usize, end: usize) {
    let value = part(scan.text, start, end);
    if matches!(keyword.grade, Grade::Password | Grade::Key | Grade::Token)
        && (value.iter().any(u8::is_ascii_digit)
            || (keyword.grade == Grade::Password && words::is_password(value, Written::Quoted)))
        && values::is_secret(value, keyword.grade, Written::Quoted)
    {
        scan.add(start, end, keyword.kind, Proof::Context);
    }
}

/// Whether a client of a service that knows keys without prefix is made with this argument.
fn is_client_key(text: &[u8], bracket: usize, value: &[u8]) -> bool {
    if !(28..=128).contains(&value.len())
        || !value.iter().all(|&byte| is(byte, AN | DASH))
        || checks::is_slug(value)
    {
        return false;
    }
    let name = part(text, run_start(text, bracket, W, 48), bracket).to_ascii_lowercase();
    CLIENTS.iter().any(|client| memchr::memmem::find(&name, client.as_bytes()).is_some())
        && (checks::is_mixed(value) || value.iter().all(|&byte| is(byte, HX)))
}
