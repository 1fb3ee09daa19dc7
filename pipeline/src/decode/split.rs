//! Where the lines of a body are. A body is one JSON array (its elements are the lines), one object that may span
//! lines, or NDJSON; its content alone decides.

use memchr::{memchr, memchr2};

const BOM: &[u8] = b"\xef\xbb\xbf";

/// (number from 1, bytes) of each line that is not blank.
pub fn split(body: &[u8]) -> Vec<(usize, &[u8])> {
    let body = body.strip_prefix(BOM).unwrap_or(body);
    match body.trim_ascii_start().first() {
        None => Vec::new(),
        Some(b'[') => elements(body.trim_ascii()).unwrap_or_else(|| physical_lines(body)),
        Some(b'{') if is_one_object(body) => vec![(1, body.trim_ascii())],
        Some(_) => physical_lines(body),
    }
}

fn physical_lines(body: &[u8]) -> Vec<(usize, &[u8])> {
    let mut lines = Vec::new();
    let mut rest = body;
    let mut number = 0;
    while !rest.is_empty() {
        number += 1;
        let (line, after) = match memchr(b'\n', rest) {
            Some(end) => (rest.get(..end), rest.get(end + 1..)),
            None => (Some(rest), None),
        };
        let line = line.unwrap_or_default().trim_ascii();
        if !line.is_empty() {
            lines.push((number, line));
        }
        rest = after.unwrap_or_default();
    }
    lines
}

/// An object over several lines (pretty-printed), well-formed or not: its first line does not end it, and no other
/// line begins one at the margin.
fn is_one_object(body: &[u8]) -> bool {
    let body = body.trim_ascii();
    let Some(end) = memchr(b'\n', body) else { return true };
    let first = body.get(..end).unwrap_or_default().trim_ascii_end();
    if balanced_end(first) == Some(first.len()) {
        return false;
    }
    match balanced_end(body) {
        Some(end) => end == body.len(),
        None => !body.split(|&byte| byte == b'\n').skip(1).any(|line| line.starts_with(b"{")),
    }
}

/// The elements of the array that the body is, split at the commas between them without parsing them: one that is
/// broken inside does not take the others with it. None if something follows the array's end: then it is NDJSON.
fn elements(body: &[u8]) -> Option<Vec<(usize, &[u8])>> {
    let mut found = Vec::new();
    let mut depth = 0usize;
    let mut start = 1;
    let mut at = 0;
    while let Some(&byte) = body.get(at) {
        match byte {
            b'"' => {
                at = string_end(body, at + 1);
                continue;
            }
            b'[' | b'{' => depth += 1,
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    push_element(&mut found, body.get(start..at));
                    return if at + 1 == body.len() { Some(found) } else { None };
                }
            }
            b',' if depth == 1 => {
                push_element(&mut found, body.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    // The array never ends: its last element is what is left, and will be rejected as it is.
    push_element(&mut found, body.get(start..));
    Some(found)
}

fn push_element<'b>(found: &mut Vec<(usize, &'b [u8])>, element: Option<&'b [u8]>) {
    let element = element.unwrap_or_default().trim_ascii();
    if !element.is_empty() {
        found.push((found.len() + 1, element));
    }
}

/// Just behind the bracket that closes the first one, if any does.
fn balanced_end(text: &[u8]) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => {
                at = string_end(text, at + 1);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

fn string_end(text: &[u8], mut at: usize) -> usize {
    while let Some(offset) = memchr2(b'"', b'\\', text.get(at..).unwrap_or_default()) {
        at += offset;
        if text.get(at) == Some(&b'"') {
            return at + 1;
        }
        at += 2;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(body: &str) -> Vec<(usize, &str)> {
        split(body.as_bytes()).into_iter().map(|(n, b)| (n, std::str::from_utf8(b).unwrap())).collect()
    }

    #[test]
    fn lines_keep_their_physical_number_across_blanks_bom_and_crlf() {
        assert_eq!(texts("\u{feff}{\"a\":1}\r\n\r\n  \n{\"b\":2}"), [(1, "{\"a\":1}"), (4, "{\"b\":2}")]);
    }

    #[test]
    fn an_array_gives_its_elements_and_a_broken_one_stands_alone() {
        assert_eq!(
            texts("[{\"a\":[1,2]}, {broken}, {\"b\":\"x,]\"}]"),
            [(1, "{\"a\":[1,2]}"), (2, "{broken}"), (3, "{\"b\":\"x,]\"}")]
        );
    }

    #[test]
    fn a_pretty_printed_object_is_one_line() {
        assert_eq!(texts("{\n  \"a\": {\n\"b\": 1}\n}\n").len(), 1);
        assert_eq!(texts("{\n  \"a\": \n").len(), 1);
    }

    #[test]
    fn a_bad_first_line_does_not_swallow_the_next() {
        assert_eq!(texts("{\"a\":\n{\"b\":2}\n"), [(1, "{\"a\":"), (2, "{\"b\":2}")]);
    }

    #[test]
    fn arrays_line_by_line_are_lines() {
        assert_eq!(texts("[1]\n[2]"), [(1, "[1]"), (2, "[2]")]);
    }

    #[test]
    fn empty_bodies_have_no_lines() {
        for body in ["", "  \r\n\n", "[]", "\u{feff}"] {
            assert!(texts(body).is_empty(), "{body:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_split_without_failing(bytes: Vec<u8>) {
            split(&bytes);
        }

        #[test]
        fn ndjson_of_objects_has_as_many_lines_as_objects(values in prop::collection::vec("[ -~]{0,20}", 1..20)) {
            let body: String =
                values.iter().map(|v| format!("{}\n", serde_json::json!({ "v": v }))).collect();
            prop_assert_eq!(split(body.as_bytes()).len(), values.len());
        }
    }
}
