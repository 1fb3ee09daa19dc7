//! Findings in JSON, fitted to its tokens: what comes out is JSON as well.

use super::spans::{Proof, Span};

/// What a token of JSON is, for a finding that touches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    /// The inside of a string.
    Text(usize, usize),
    /// A number or a literal.
    Bare(usize, usize),
}

/// Fits spans to the tokens of valid JSON: inside strings they keep to the string and split no escape, a number is
/// replaced as a whole by a string.
pub fn fit(json: &[u8], spans: &[Span]) -> Vec<Span> {
    let mut fitted: Vec<Span> = Vec::with_capacity(spans.len());
    let mut next = spans.iter().copied().peekable();
    for token in (Tokens { json, at: 0 }) {
        let (start, end) = match token {
            Token::Text(start, end) | Token::Bare(start, end) => (start, end),
        };
        while next.next_if(|span| span.end <= start).is_some() {}
        // A span may reach over several tokens: each gets its own part.
        let mut ahead = next.clone();
        while let Some(span) = ahead.next_if(|span| span.start < end) {
            let part = match token {
                Token::Bare(..) => Span { start, end, quote: Some(0), ..span },
                Token::Text(..) => {
                    let (from, to) = (span.start.max(start), span.end.min(end));
                    let (from, to) = whole_escapes(json, start, end, from, to);
                    Span { start: from, end: to, ..span }
                }
            };
            let repeated = fitted.last().is_some_and(|last| part.start < last.end);
            if part.start < part.end && !repeated {
                fitted.push(part);
            }
        }
    }
    fitted
}

/// Widens a stretch of a string until it splits no escape sequence.
fn whole_escapes(json: &[u8], start: usize, end: usize, from: usize, to: usize) -> (usize, usize) {
    let (mut from, mut to) = (from, to);
    // No escape is longer than six bytes, but whether a backslash starts one depends on how many stand before it.
    let mut at = from - json.get(start..from).unwrap_or_default().iter().rev().take(6).count();
    at -= json.get(start..at).unwrap_or_default().iter().rev().take_while(|&&byte| byte == b'\\').count();
    while at < to {
        let Some(found) = json.get(at..to).and_then(|rest| memchr::memchr(b'\\', rest)) else { break };
        let escape = at + found;
        let length = if json.get(escape + 1) == Some(&b'u') { 6 } else { 2 };
        if escape < from && escape + length > from {
            from = escape;
        }
        if escape + length > to {
            to = (escape + length).min(end);
        }
        at = escape + length;
    }
    (from, to)
}

/// The strings, numbers and literals of valid JSON, in order.
struct Tokens<'j> {
    json: &'j [u8],
    at: usize,
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        loop {
            let byte = *self.json.get(self.at)?;
            if byte == b'"' {
                let start = self.at + 1;
                let mut end = start;
                loop {
                    end += memchr::memchr2(b'"', b'\\', self.json.get(end..)?)?;
                    if self.json.get(end) == Some(&b'"') {
                        break;
                    }
                    end += 2;
                }
                self.at = end + 1;
                return Some(Token::Text(start, end));
            }
            if byte.is_ascii_alphanumeric() || byte == b'-' {
                let start = self.at;
                let rest = self.json.get(start..)?;
                let length = rest
                    .iter()
                    .position(|&byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')))
                    .unwrap_or(rest.len());
                self.at = start + length;
                return Some(Token::Bare(start, start + length));
            }
            self.at += 1;
        }
    }
}

/// For a number found in text: the depth of quoting of the JSON key it belongs to, if it is a bare JSON value.
/// `\"card\": 4111...` inside a string must become `\"card\": \"[REDACTED:card]\"`.
pub fn quote_of_bare_value(text: &[u8], span: &Span) -> Option<u8> {
    if span.proof == Proof::Prefix {
        return None;
    }
    let value = text.get(span.start..span.end)?;
    if !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let after = text.get(span.end..)?.iter().find(|byte| **byte != b' ');
    if !matches!(after, Some(b',' | b'}' | b']' | b'\n' | b'\r' | b'\\')) {
        return None;
    }
    let before = text.get(span.start.saturating_sub(400)..span.start)?;
    let mut at = before.len();
    let mut array = false;
    loop {
        match before.get(at.checked_sub(1)?)? {
            b' ' | b'\n' | b'\t' => at -= 1,
            // Elements before it in an array: numbers, strings and placeholders of earlier ones.
            b'[' => {
                array = true;
                at -= 1;
            }
            b':' => {
                at -= 1;
                break;
            }
            b',' | b'0'..=b'9' if !array => at -= 1,
            _ => return None,
        }
    }
    if before.get(at..)?.iter().any(|byte| matches!(byte, b',' | b'0'..=b'9')) && !array {
        return None;
    }
    while before.get(at.checked_sub(1)?) == Some(&b' ') {
        at -= 1;
    }
    if before.get(at.checked_sub(1)?) != Some(&b'"') {
        return None;
    }
    let depth = before.get(..at - 1)?.iter().rev().take_while(|&&byte| byte == b'\\').count();
    u8::try_from(depth).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_strings_numbers_and_literals() {
        let json = br#"{"a\"b": [1, -2.5e+3, true], "c": "d"}"#;
        let texts: Vec<&str> = Tokens { json, at: 0 }
            .map(|token| match token {
                Token::Text(start, end) | Token::Bare(start, end) => {
                    std::str::from_utf8(&json[start..end]).unwrap()
                }
            })
            .collect();
        assert_eq!(texts, [r#"a\"b"#, "1", "-2.5e+3", "true", "c", "d"]);
    }
}
