//! The text as its reader sees it: `\u0040` is `@`, `\/` is `/`, at any depth of JSON in JSON.

/// A text without JSON's escapes for single characters, and where each of its bytes stood.
pub struct View {
    pub bytes: Vec<u8>,
    /// Each change: the position in the view, and how many bytes the original is ahead from there on.
    shifts: Vec<(usize, usize)>,
}

/// What half of a surrogate pair becomes: a character that belongs to no alphabet.
const OTHER: char = '\u{FFFD}';

impl View {
    /// The view of a text, or None where it is the text itself.
    pub fn of(text: &[u8]) -> Option<View> {
        let escaped = |at: usize| matches!(text.get(at + 1), Some(b'u' | b'/'));
        if !memchr::memchr_iter(b'\\', text).any(escaped) {
            return None;
        }
        let mut view = View { bytes: Vec::with_capacity(text.len()), shifts: Vec::new() };
        let mut from = 0;
        let mut ahead = 0;
        for at in memchr::memchr_iter(b'\\', text) {
            if at < from {
                continue;
            }
            let rest = text.get(at..).unwrap_or_default();
            let slashes = rest.iter().take_while(|&&byte| byte == b'\\').count();
            let decoded = match rest.get(slashes) {
                Some(b'/') => Some(('/', slashes + 1)),
                Some(b'u') => {
                    rest.get(slashes + 1..slashes + 5).and_then(character).map(|held| (held, slashes + 5))
                }
                _ => None,
            };
            let whole = text.get(from..at).unwrap_or_default();
            view.bytes.extend_from_slice(whole);
            match decoded {
                // A quote or a backslash stays an escaped one, a control character a line break.
                Some((byte @ ('"' | '\\'), length)) => {
                    view.bytes.extend_from_slice(&[b'\\', byte as u8]);
                    ahead += length - 2;
                    view.shifts.push((view.bytes.len(), ahead));
                    from = at + length;
                }
                Some((held, length)) => {
                    let mut utf8 = [0u8; 4];
                    let utf8 = held.encode_utf8(&mut utf8).as_bytes();
                    view.bytes.extend_from_slice(utf8);
                    // An escape is longer than its character: `\/` has two bytes, `\u` and its digits six.
                    ahead += length - utf8.len();
                    view.shifts.push((view.bytes.len(), ahead));
                    from = at + length;
                }
                None => {
                    view.bytes.extend_from_slice(rest.get(..slashes).unwrap_or_default());
                    from = at + slashes;
                }
            }
        }
        view.bytes.extend_from_slice(text.get(from..).unwrap_or_default());
        Some(view)
    }

    /// Where a byte of the view stands in the original.
    pub fn original(&self, at: usize) -> usize {
        let passed = self.shifts.partition_point(|&(from, _)| from <= at);
        let ahead =
            passed.checked_sub(1).and_then(|last| self.shifts.get(last)).map_or(0, |&(_, ahead)| ahead);
        at + ahead
    }

    /// Where a stretch that ends before this byte of the view ends in the original.
    pub fn original_end(&self, end: usize) -> usize {
        self.original(end)
    }
}

/// The character of four hexadecimal digits; control characters are line breaks.
fn character(digits: &[u8]) -> Option<char> {
    let code =
        digits.iter().try_fold(0u32, |code, &digit| Some(code * 16 + (digit as char).to_digit(16)?))?;
    Some(match code {
        0x09 | 0x0A | 0x0D => '\n',
        0..0x20 | 0x7F => OTHER,
        _ => char::from_u32(code).unwrap_or(OTHER),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_at_any_depth() {
        for text in [r"bob\u0040x.com", r"bob\\u0040x.com", r"bob\\\\u0040x.com"] {
            let view = View::of(text.as_bytes()).unwrap();
            assert_eq!(view.bytes, b"bob@x.com", "{text}");
            assert_eq!(view.original(0), 0);
            assert_eq!(view.original(view.bytes.len()), text.len());
            assert_eq!(&text[view.original(4)..], "x.com");
        }
    }

    #[test]
    fn text_without_such_escapes_is_its_own_view() {
        assert!(View::of(br#"a\nb \"c\""#).is_none());
    }
}
