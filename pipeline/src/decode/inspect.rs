//! One walk over a line before it is parsed: what a JSON parser or Postgres could not take is found here.

use memchr::memchr2;

/// The largest exponent that a double, and so every client, can read. Postgres' numeric would unfold
/// `1e100000` to 100,000 digits.
const MAX_EXPONENT: u32 = 308;

/// Digits of a number that is still read as one.
const MAX_DIGITS: usize = 400;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// Deepest level of nesting.
    pub depth: usize,
    /// The line has `\u0000` or half a surrogate pair.
    pub unpaired: bool,
    /// The line has a number that no double can hold.
    pub huge_number: bool,
}

/// Linear, and right on any bytes; on what is not JSON it only must not fail, the parser says the rest.
pub fn inspect(line: &[u8]) -> Inspection {
    let mut found = Inspection::default();
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(&byte) = line.get(at) {
        at += 1;
        match byte {
            b'"' => at = skip_string(line, at, &mut found),
            b'{' | b'[' => {
                depth += 1;
                found.depth = found.depth.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'0'..=b'9' => {
                let number = number_at(line, at - 1);
                found.huge_number |= is_huge(number);
                at = at - 1 + number.len();
            }
            _ => {}
        }
    }
    found
}

fn skip_string(line: &[u8], mut at: usize, found: &mut Inspection) -> usize {
    loop {
        let rest = line.get(at..).unwrap_or_default();
        let Some(offset) = memchr2(b'"', b'\\', rest) else { return line.len() };
        at += offset;
        if line.get(at) == Some(&b'"') {
            return at + 1;
        }
        if line.get(at + 1) != Some(&b'u') {
            at += 2;
            continue;
        }
        match escape_at(line, at) {
            Escape::Whole(length) => at += length,
            Escape::Unstorable(length) => {
                found.unpaired = true;
                at += length;
            }
        }
    }
}

/// A `\uXXXX` escape at a place, with how many bytes it takes.
enum Escape {
    Whole(usize),
    /// `\u0000`, or a surrogate without its other half: Postgres' text can't hold it.
    Unstorable(usize),
}

fn escape_at(line: &[u8], at: usize) -> Escape {
    match unit_at(line, at) {
        None => Escape::Whole(2),
        Some(0) | Some(0xDC00..=0xDFFF) => Escape::Unstorable(6),
        Some(0xD800..=0xDBFF) => match unit_at(line, at + 6) {
            Some(0xDC00..=0xDFFF) => Escape::Whole(12),
            _ => Escape::Unstorable(6),
        },
        Some(_) => Escape::Whole(6),
    }
}

fn unit_at(line: &[u8], at: usize) -> Option<u16> {
    let escape = line.get(at..at + 6)?;
    if !escape.starts_with(b"\\u") {
        return None;
    }
    let digits = std::str::from_utf8(escape.get(2..)?).ok()?;
    u16::from_str_radix(digits, 16).ok()
}

fn number_at(line: &[u8], start: usize) -> &[u8] {
    let rest = line.get(start..).unwrap_or_default();
    let length = rest
        .iter()
        .position(|b| !matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'))
        .unwrap_or(rest.len());
    rest.get(..length).unwrap_or_default()
}

fn is_huge(number: &[u8]) -> bool {
    if number.len() > MAX_DIGITS {
        return true;
    }
    if number.len() < MAX_EXPONENT as usize && !number.iter().any(|b| matches!(b, b'e' | b'E')) {
        return false;
    }
    let Ok(text) = std::str::from_utf8(number) else { return true };
    let exponent = text.split_once(['e', 'E']).map(|(_, exponent)| exponent.trim_start_matches(['+', '-']));
    let too_far =
        exponent.is_some_and(|digits| digits.parse::<u32>().map_or(true, |e| e > MAX_EXPONENT + 16));
    too_far || text.parse::<f64>().is_ok_and(f64::is_infinite)
}

/// The line with each `\u0000` and lone surrogate as `\ufffd`: same length, nothing else changed.
pub fn repair(line: &str) -> String {
    let bytes = line.as_bytes();
    let mut repaired = String::with_capacity(line.len());
    let mut copied = 0;
    let mut at = 0;
    while let Some(offset) = memchr::memchr(b'\\', bytes.get(at..).unwrap_or_default()) {
        at += offset;
        if bytes.get(at + 1) != Some(&b'u') {
            at += 2;
            continue;
        }
        match escape_at(bytes, at) {
            Escape::Whole(length) => at += length,
            Escape::Unstorable(length) => {
                repaired.push_str(line.get(copied..at).unwrap_or_default());
                repaired.push_str("\\ufffd");
                at += length;
                copied = at;
            }
        }
    }
    repaired.push_str(line.get(copied..).unwrap_or_default());
    repaired
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nesting_is_counted_outside_strings_only() {
        assert_eq!(inspect(br#"{"a":[{"b":"[[[[\"[["}]}"#).depth, 3);
    }

    #[test]
    fn nul_and_half_pairs_are_repaired_and_whole_pairs_kept() {
        let line = r#"{"a":"x\u0000y\ud83dz\ude00","b":"\ud83d\ude00","c":"\\u0000"}"#;
        assert!(inspect(line.as_bytes()).unpaired);
        assert_eq!(repair(line), r#"{"a":"x\ufffdy\ufffdz\ufffd","b":"\ud83d\ude00","c":"\\u0000"}"#);
    }

    #[test]
    fn numbers_that_no_double_holds_are_found() {
        let long = "9".repeat(500);
        for huge in ["1e400", "-1E+309", "1e99999999999", long.as_str(), &"9".repeat(310)] {
            assert!(inspect(format!("{{\"a\":{huge}}}").as_bytes()).huge_number, "{huge}");
        }
        for fine in ["1e308", "1e-300", "12345678901234567890123", "0.1", "-5"] {
            assert!(!inspect(format!("{{\"a\":{fine}}}").as_bytes()).huge_number, "{fine}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_walked_to_the_end(bytes: Vec<u8>) {
            inspect(&bytes);
        }

        #[test]
        fn a_repaired_line_needs_no_repair(text in r#"("|\\|\\u0000|\\ud83d|\\ude00|[a-zé]|\\\\|\\n){0,30}"#) {
            let line = format!("{{\"a\":\"{text}\"}}");
            let repaired = repair(&line);
            prop_assert_eq!(repaired.len(), line.len());
        }
    }
}
