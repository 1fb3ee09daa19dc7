//! Where the lines of a body are. A body is one JSON array (its elements are the lines), one object that may span
//! lines, or NDJSON; its content alone decides. An object that is an ObservAI batch is as many lines as it has requests.

use memchr::{memchr, memchr2, memmem};
use serde::de::IgnoredAny;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// The key of an ObservAI batch's requests, as it stands in the text.
const REQUESTS: &[u8] = b"\"requests\"";

/// Bytes of a batch's time. It goes along with each request, so what is longer, and no time, is not taken out.
const MOST_TIME_BYTES: usize = 100;

/// One line, or one request of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'b> {
    /// Counts from 1.
    pub number: usize,
    pub bytes: &'b [u8],
    /// The batch's own time as raw JSON: of a request that has none.
    pub batch_time: Option<&'b str>,
}

/// Each line that is not blank. The requests of a batch that is the whole body are counted, those of others have the number of
/// their line.
pub fn split(body: &[u8]) -> Vec<Piece<'_>> {
    let lines = lines(body);
    let whole = lines.len() == 1 && lines.first().is_some_and(|(_, bytes)| bytes.first() == Some(&b'{'));
    if memmem::find(body, REQUESTS).is_none() {
        return lines.into_iter().map(|(number, bytes)| Piece { number, bytes, batch_time: None }).collect();
    }
    let mut pieces = Vec::with_capacity(lines.len());
    for (number, bytes) in lines {
        let first = pieces.len();
        pieces.extend(split_line(number, bytes));
        if whole {
            for (piece, number) in pieces.iter_mut().skip(first).zip(1..) {
                piece.number = number;
            }
        }
    }
    pieces
}

/// One line, or the requests of the batch that it is, all under its number.
pub fn split_line(number: usize, line: &[u8]) -> Vec<Piece<'_>> {
    match requests(line) {
        Some((requests, batch_time)) => {
            requests.into_iter().map(|(_, bytes)| Piece { number, bytes, batch_time }).collect()
        }
        None => vec![Piece { number, bytes: line, batch_time: None }],
    }
}

/// (number, bytes) of each element, and the time, of an object that is an ObservAI batch.
type Batch<'b> = (Vec<(usize, &'b [u8])>, Option<&'b str>);

/// None for what is no batch, or would be no JSON even if each request were.
fn requests(line: &[u8]) -> Option<Batch<'_>> {
    memmem::find(line, REQUESTS)?;
    let members = members(line)?;
    let named = |name: &[u8]| members.iter().rev().find(|(key, _)| *key == name).map(|(_, value)| *value);
    if named(b"\"event_type\"").is_some() {
        return None;
    }
    let requests = named(REQUESTS).filter(|value| value.first() == Some(&b'['))?;
    let is_json = |text: &[u8]| serde_json::from_slice::<IgnoredAny>(text).is_ok();
    if !members.iter().all(|(key, value)| is_json(key) && (*key == REQUESTS || is_json(value))) {
        return None;
    }
    let time = match named(b"\"timestamp\"").filter(|raw| *raw != b"null") {
        Some(raw) => Some(std::str::from_utf8(raw).ok().filter(|time| time.len() <= MOST_TIME_BYTES)?),
        None => None,
    };
    Some((elements(requests)?, time))
}

/// The members of the object that the text is, as raw keys and values, found without parsing them. An object that is cut off
/// inside of an array gives what there is.
fn members(text: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut found = Vec::new();
    let mut at = after_space(text, 0);
    if text.get(at) != Some(&b'{') {
        return None;
    }
    loop {
        let key_start = after_space(text, at + 1);
        if text.get(key_start) != Some(&b'"') {
            return None;
        }
        let key_end = string_end(text, key_start + 1);
        let colon = after_space(text, key_end);
        if text.get(colon) != Some(&b':') {
            return None;
        }
        let end = value_end(text, colon + 1);
        let value = text.get(colon + 1..end)?.trim_ascii();
        found.push((text.get(key_start..key_end)?, value));
        match text.get(end) {
            Some(b',') => at = end,
            Some(b'}') => return (after_space(text, end + 1) == text.len()).then_some(found),
            _ => return (value.first() == Some(&b'[')).then_some(found),
        }
    }
}

fn after_space(text: &[u8], mut at: usize) -> usize {
    while text.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// Where the comma or the bracket is that ends a value; the text's end if there is none.
fn value_end(text: &[u8], mut at: usize) -> usize {
    let mut depth = 0usize;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => {
                at = string_end(text, at + 1);
                continue;
            }
            b'[' | b'{' => depth += 1,
            b',' | b']' | b'}' if depth == 0 => return at,
            b']' | b'}' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// (number from 1, bytes) of each line that is not blank.
fn lines(body: &[u8]) -> Vec<(usize, &[u8])> {
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
        // Files that were put together have a mark at the start of each.
        let line = line.unwrap_or_default();
        let line = line.strip_prefix(BOM).unwrap_or(line).trim_ascii();
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
        let pieces = split(body.as_bytes()).into_iter();
        pieces.map(|piece| (piece.number, std::str::from_utf8(piece.bytes).unwrap())).collect()
    }

    fn times(body: &str) -> Vec<Option<&str>> {
        split(body.as_bytes()).into_iter().map(|piece| piece.batch_time).collect()
    }

    #[test]
    fn the_requests_of_a_batch_are_lines_with_the_batchs_time() {
        let body = r#"{"batch_id":"b","requests":[{"model":"a"}, {broken}, {"requests":[1]}], "timestamp":"2026-01-01"}"#;
        assert_eq!(
            texts(body),
            [(1, r#"{"model":"a"}"#), (2, "{broken}"), (3, r#"{"requests":[1]}"#)],
            "counted as elements are, and split once"
        );
        assert_eq!(times(body), [Some("\"2026-01-01\""); 3]);
        assert_eq!(times(r#"{"requests":[1],"timestamp":null}"#), [None]);
        let lines = format!("{{\"model\":\"m\"}}\n{body}\n");
        assert_eq!(texts(&lines).iter().map(|(n, _)| *n).collect::<Vec<_>>(), [1, 2, 2, 2]);
        assert_eq!(texts(r#"{"requests": [{"a":1},{"b":2"#), [(1, r#"{"a":1}"#), (2, r#"{"b":2"#)]);
        assert!(texts(r#"{"requests":[]}"#).is_empty());
    }

    #[test]
    fn what_is_no_batch_stays_one_line() {
        for body in [
            r#"{"event_type":"tool_call","requests":[1,2]}"#,
            r#"{"requests":{"a":[1,2]}}"#,
            r#"{"a":{"requests":[1,2]}}"#,
            r#"{"input":"\"requests\":[1,2]"}"#,
            r#"{"requests":[1,2] x}"#,
            r#"{"requests":[1,2],}"#,
            r#"{"requests":[1,2],"x":y}"#,
            r#"{"requests":[1,2]"#,
            r#"{"requests":[1,2],"timestamp":"#,
            r#"{"requests"[1,2]}"#,
            r#"{,"requests":[1,2]}"#,
        ] {
            // Cut off behind its requests, an object has all of them.
            let expected = if body == r#"{"requests":[1,2]"# { vec!["1", "2"] } else { vec![body] };
            assert_eq!(texts(body).into_iter().map(|(_, text)| text).collect::<Vec<_>>(), expected, "{body}");
        }
        let late = format!(r#"{{"requests":[1],"timestamp":"{}"}}"#, "1".repeat(MOST_TIME_BYTES));
        assert_eq!(texts(&late).len(), 1);
        assert_eq!(times(&late), [None]);
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
