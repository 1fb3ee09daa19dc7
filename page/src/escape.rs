//! Texts that somebody else wrote, and how they are shown.

use maud::{Markup, Render, html};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// Characters of a name or an id that are shown.
const MOST: usize = 80;

/// A text of a client's: a model's name, a message, an id. It is no `Display` and hands its text to nobody, so a page can't
/// hold it but by [`Render`], which escapes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub struct Foreign(String);

impl<T: Into<String>> From<T> for Foreign {
    fn from(text: T) -> Foreign {
        Foreign(text.into())
    }
}

impl Foreign {
    pub fn is_empty(&self) -> bool {
        self.0.trim().is_empty()
    }

    /// What a program chooses by: never shown.
    pub fn is(&self, word: &str) -> bool {
        self.0 == word
    }

    /// Its beginning, in an element of its own: `bdi` keeps the direction of its letters from what stands beside it.
    pub fn up_to(&self, most: usize) -> Markup {
        html! { bdi { (disarmed(&self.0, most)) } }
    }

    /// The name of an element that is about it: 16 hexadecimal digits, of whatever text.
    pub fn anchor(&self) -> String {
        let hash = Sha256::digest(self.0.as_bytes());
        hash.iter().take(8).fold(String::from("t-"), |id, byte| format!("{id}{byte:02x}"))
    }

    /// As the value of a parameter in a URL: letters, digits, `-`, `_` and `%` alone.
    pub fn in_url(&self) -> String {
        let mut encoded = String::with_capacity(self.0.len());
        for byte in self.0.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => encoded.push(char::from(byte)),
                _ => encoded.push_str(&format!("%{byte:02X}")),
            }
        }
        encoded
    }
}

impl Render for Foreign {
    fn render(&self) -> Markup {
        self.up_to(MOST)
    }
}

/// At most so many characters, without those that change what stands around them. Ends of lines become spaces.
fn disarmed(text: &str, most: usize) -> String {
    let mut shown = String::new();
    for (count, letter) in text.chars().enumerate() {
        if count == most {
            shown.push('…');
            break;
        }
        shown.push(match letter {
            '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}' => ' ',
            letter if is_hidden(letter) => '\u{fffd}',
            letter => letter,
        });
    }
    shown
}

/// Controls, what turns the direction of text, and what is not seen at all. Joiners stay: scripts and emoji need them.
fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
        || u32::from(letter) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_escaped_and_isolated() {
        let shown = Foreign::from("</bdi><script>\"&'").render().into_string();
        assert_eq!(shown, "<bdi>&lt;/bdi&gt;&lt;script&gt;&quot;&amp;'</bdi>");
    }

    #[test]
    fn controls_and_turns_of_direction_are_shown_as_what_they_are() {
        let shown = Foreign::from("a\u{202e}b\u{0}c\u{1b}[d\ne\u{e0041}f\u{200d}").render().into_string();
        assert_eq!(shown, "<bdi>a\u{fffd}b\u{fffd}c\u{fffd}[d e\u{fffd}f\u{200d}</bdi>");
    }

    #[test]
    fn a_long_text_is_cut_by_characters() {
        let shown = Foreign::from("ä".repeat(100)).up_to(3).into_string();
        assert_eq!(shown, "<bdi>äää…</bdi>");
        assert_eq!(Foreign::from("äää").up_to(3).into_string(), "<bdi>äää</bdi>");
    }

    #[test]
    fn an_anchor_and_a_url_hold_nothing_of_the_text_that_means_something() {
        let text = Foreign::from("\" onload=x & ../ü");
        assert!(text.anchor().strip_prefix("t-").is_some_and(|hex| hex.len() == 16 && hex.is_ascii()));
        assert_eq!(text.in_url(), "%22%20onload%3Dx%20%26%20%2E%2E%2F%C3%BC");
    }
}
