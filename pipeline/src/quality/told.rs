//! All that the model was told: what an answer may have its facts from.

use std::borrow::Cow;
use std::cell::OnceCell;

use memchr::memmem;

use crate::event::Content;

/// Bytes that are searched from each end: a bound to what a long prompt costs.
const EACH_END: usize = 64 << 10;

pub struct Told<'t> {
    text: &'t str,
    is_json: bool,
    /// Of JSON its texts, decoded when something is first looked for.
    ends: OnceCell<[Cow<'t, [u8]>; 2]>,
}

impl<'t> Told<'t> {
    pub fn text(text: &'t str) -> Told<'t> {
        Told { text, is_json: false, ends: OnceCell::new() }
    }

    pub fn content(content: &'t Content) -> Told<'t> {
        Told { is_json: matches!(content, Content::Json(_)), ..Told::text(content.as_str()) }
    }

    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// There is more in it than its last question.
    pub fn is_more_than_text(&self) -> bool {
        self.is_json
    }

    /// Whether it has the word, not as a part of another.
    pub fn has_word(&self, word: &str) -> bool {
        let is_within =
            |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte >= 0x80);
        self.ends().iter().any(|end| {
            memmem::find_iter(end, word).any(|at| {
                let before = at.checked_sub(1).and_then(|before| end.get(before));
                !is_within(before) && !is_within(end.get(at + word.len()))
            })
        })
    }

    pub fn has(&self, letters: &str) -> bool {
        self.ends().iter().any(|end| memmem::find(end, letters.as_bytes()).is_some())
    }

    fn ends(&self) -> &[Cow<'t, [u8]>; 2] {
        self.ends.get_or_init(|| {
            let bytes = self.text.as_bytes();
            let (first, last) = match bytes.len().checked_sub(2 * EACH_END) {
                None | Some(0) => (bytes, Default::default()),
                Some(between) => {
                    let (first, rest) = bytes.split_at(EACH_END);
                    (first, rest.get(between..).unwrap_or_default())
                }
            };
            [first, last].map(|end| if self.is_json { decoded(end) } else { Cow::Borrowed(end) })
        })
    }
}

/// JSON without the escapes of its strings.
fn decoded(json: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\\', json).is_none() {
        return Cow::Borrowed(json);
    }
    let mut text = Vec::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (before, escape) = rest.split_at(at);
        text.extend_from_slice(before);
        let length = match escape.get(1) {
            Some(b'u') => {
                let code = escape
                    .get(2..6)
                    .and_then(|hex| u32::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
                // Halves of surrogate pairs are in no word.
                let letter = code.and_then(char::from_u32).unwrap_or(' ');
                text.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                6
            }
            Some(mark @ (b'"' | b'\\' | b'/')) => {
                text.push(*mark);
                2
            }
            _ => {
                text.push(b' ');
                2
            }
        };
        rest = escape.get(length..).unwrap_or_default();
    }
    text.extend_from_slice(rest);
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_as_a_whole_and_in_any_spelling_of_json() {
        let told =
            Content::Json(r#"[{"role":"tool","content":"Z\u00fcrich\nBasel \"Chur\" has 12507."}]"#.into());
        let told = Told::content(&told);
        for word in ["Zürich", "Basel", "Chur", "12507"] {
            assert!(told.has_word(word), "{word}");
        }
        assert!(!told.has_word("250") && !told.has_word("hur"));
    }

    #[test]
    fn of_a_long_prompt_both_ends_are_searched_whatever_letters_stand_there() {
        let text = format!("Leeds {} {} York", "é".repeat(EACH_END), "x ".repeat(EACH_END));
        let told = Told::text(&text);
        assert!(told.has_word("Leeds") && told.has_word("York"));
        let searched: usize = told.ends().iter().map(|end| end.len()).sum();
        assert_eq!(searched, 2 * EACH_END);
    }
}
