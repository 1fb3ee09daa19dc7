//! Private keys in PEM, in whatever form they reach a log: real newlines, CRLF, spaces, `\n`, `\\n`, cut off.

use super::alphabet::{B, byte_at, is, part, run_end};
use super::kinds;
use super::spans::{Proof, Scan};

const PRIVATE_KEY: u16 = kinds::number("private_key");
const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";

/// A run of base64 this long is a line of a key, not a word of prose.
const LINE: usize = 16;

pub fn find(scan: &mut Scan<'_>) {
    let text = scan.text;
    let mut from = 0;
    // The last dash of the five before BEGIN. Text has few dashes, and to look for one byte is cheaper than for eleven.
    for dash in memchr::memchr_iter(b'-', text) {
        if byte_at(text, dash + 1) != b'B' {
            continue;
        }
        let start = dash.saturating_sub(4);
        if start < from || part(text, start, start + BEGIN.len()) != BEGIN {
            continue;
        }
        let Some(body) = after_label(text, start + BEGIN.len()) else { continue };
        if let Some(end) = key_end(text, body) {
            scan.add(start, end, PRIVATE_KEY, Proof::Prefix);
            from = end;
        }
    }
}

/// Where the label's dashes end, if it names a private key.
fn after_label(text: &[u8], label: usize) -> Option<usize> {
    let held = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' ';
    let length = part(text, label, label + 64).iter().take_while(|byte| held(byte)).count();
    let words = part(text, label, label + length);
    let private = words.ends_with(b"PRIVATE KEY") || words.ends_with(b"PRIVATE KEY BLOCK");
    let close = label + length;
    (private && part(text, close, close + 5) == b"-----").then_some(close + 5)
}

/// Walks base64, line breaks in every escaping and headers; gives the end of the END line, or of the last line of
/// base64 where there is none. None where no key follows. Every byte is walked once: a BEGIN inside stops the walk.
fn key_end(text: &[u8], body: usize) -> Option<usize> {
    let mut at = body;
    let mut last_line = None;
    let mut in_header = false;
    let mut starts_line = false;
    while at < text.len() {
        let byte = byte_at(text, at);
        let first = std::mem::replace(&mut starts_line, false);
        match byte {
            b' ' | b'\t' => {
                starts_line = first;
                at += 1;
            }
            b'\n' | b'\r' => {
                in_header = false;
                starts_line = true;
                at += 1;
            }
            // A quoted mail, a comment: each line has its mark.
            b'>' | b'#' | b'*' | b';' if first => {
                starts_line = true;
                at += 1;
            }
            b'\\' => {
                let letters = run_of_backslashes(text, at);
                match byte_at(text, letters) {
                    b'n' | b'r' => {
                        in_header = false;
                        starts_line = true;
                        at = letters + 1;
                    }
                    b't' | b'/' => at = letters + 1,
                    // A backslash before a line break: continued lines of a shell or of Python.
                    b'\n' | b'\r' => at = letters,
                    // A closing quote and the next string of a concatenation, or the end.
                    b'"' | b'\'' if joins(text, letters).is_some() => at = joins(text, letters)?,
                    _ => break,
                }
            }
            b'"' | b'\'' | b'`' => match joins(text, at) {
                Some(next) => at = next,
                None => break,
            },
            b'-' if part(text, at, at + END.len()) == END => {
                let close = memchr::memmem::find(part(text, at + END.len(), at + 80), b"-----");
                last_line?;
                return Some(close.map_or(at + END.len(), |close| at + END.len() + close + 5));
            }
            b'-' => break,
            _ if is_header(text, at) => {
                in_header = true;
                at = skip_header(text, at);
            }
            _ if in_header && run_end(part(text, 0, at + LINE), at, B) < at + LINE => at += 1,
            // OpenPGP's checksum, `=AbCd`, behind the last line.
            b'=' if last_line.is_some() && run_end(part(text, 0, at + 6), at + 1, B) == at + 5 => {
                at += 5;
                last_line = Some(at);
            }
            _ if is(byte, B) || byte == b'=' => {
                let mut end = run_end(text, at, B);
                while byte_at(text, end) == b'=' {
                    end += 1;
                }
                // Prose goes on behind a key that was cut off: short words are no lines of it.
                let short = last_line.is_none() && end - at >= 8 && opens_key(part(text, at, end));
                if short || end - at >= LINE || (last_line.is_some() && byte_at(text, end - 1) == b'=') {
                    last_line = Some(end);
                }
                at = end;
            }
            _ => break,
        }
    }
    // Cut off: the short last line belongs to the key when it stands right behind the others.
    last_line.map(|end| short_tail(text, end))
}

/// Whether base64 starts as DER and OpenSSH keys do: so short a piece of one is what is left of a key that was cut off.
fn opens_key(line: &[u8]) -> bool {
    let starts: [&[u8]; 5] = [b"MI", b"MC", b"MH", b"MF", b"b3Bl"];
    starts.iter().any(|start| line.starts_with(start)) && super::checks::is_mixed(line)
}

/// The end of a short last line of base64 behind a line that ends at `end`.
fn short_tail(text: &[u8], end: usize) -> usize {
    let mut at = end;
    if byte_at(text, at) == b'\\' {
        at = run_of_backslashes(text, at);
        if byte_at(text, at) != b'n' {
            return end;
        }
        at += 1;
    } else if byte_at(text, at) == b'\n' {
        at += 1;
    } else {
        return end;
    }
    let stop = run_end(text, at, B);
    let tail = part(text, at, stop);
    let noise = tail.iter().any(u8::is_ascii_digit) || tail.iter().skip(1).any(u8::is_ascii_uppercase);
    if tail.len() >= 4 && noise { stop } else { end }
}

fn run_of_backslashes(text: &[u8], at: usize) -> usize {
    at + part(text, at, at + 16).iter().take_while(|&&byte| byte == b'\\').count()
}

/// `"line\n" + "line\n"`, `"line",` and `'line' \`: where the next string starts, if the text goes on as base64.
fn joins(text: &[u8], quote: usize) -> Option<usize> {
    let mut next = quote + 1;
    while next < quote + 48 {
        next += match byte_at(text, next) {
            b' ' | b'+' | b'\n' | b'\r' | b'\t' | b'.' | b',' => 1,
            // The line break between both strings may be an escaped one itself.
            b'\\' => {
                let letter = run_of_backslashes(text, next);
                letter - next + usize::from(matches!(byte_at(text, letter), b'n' | b'r' | b't'))
            }
            _ => break,
        };
    }
    let skipped = next - quote - 1;
    let opens = matches!(byte_at(text, next), b'"' | b'\'' | b'`');
    let inside = next + 1;
    let line = run_end(part(text, 0, inside + LINE), inside, B) - inside;
    (opens && skipped > 0 && (line >= LINE || part(text, inside, inside + END.len()) == END))
        .then_some(inside)
}

/// `Proc-Type: 4,ENCRYPTED`, `DEK-Info: ...`, `Version: ...`, `Comment: ...`: a name and a colon.
fn is_header(text: &[u8], at: usize) -> bool {
    let names: [&[u8]; 6] = [b"Proc-Type:", b"DEK-Info:", b"Version:", b"Comment:", b"Charset:", b"Hash:"];
    names.iter().any(|name| part(text, at, at + name.len()) == *name)
}

fn skip_header(text: &[u8], at: usize) -> usize {
    let line = part(text, at, at + 160);
    at + line
        .iter()
        .position(|&byte| matches!(byte, b'\n' | b'\r' | b'\\' | b'"'))
        .unwrap_or(line.len())
        .max(1)
}
