//! Patterns of LIKE and regular expressions, compiled once: each match takes time in proportion to the text.

use regex::{Regex, RegexBuilder};

/// Bytes of a compiled pattern.
const LARGEST: usize = 256 << 10;

/// Err: what is wrong with it.
pub fn like(pattern: &str, any_case: bool) -> Result<Regex, String> {
    let mut regex = String::from("^");
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        let literal = match letter {
            '%' => {
                regex.push_str(".*");
                continue;
            }
            '_' => {
                regex.push('.');
                continue;
            }
            '\\' => letters.next().ok_or("a pattern can't end with \\")?,
            other => other,
        };
        regex.push_str(&regex::escape(literal.encode_utf8(&mut [0; 4])));
    }
    regex.push('$');
    compile(&regex, any_case, true)
}

pub fn regular(pattern: &str, any_case: bool) -> Result<Regex, String> {
    compile(pattern, any_case, false)
}

fn compile(regex: &str, any_case: bool, any_line: bool) -> Result<Regex, String> {
    RegexBuilder::new(regex)
        .case_insensitive(any_case)
        .dot_matches_new_line(any_line)
        .size_limit(LARGEST)
        .dfa_size_limit(LARGEST)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "the pattern is too large".to_owned(),
            other => format!("the pattern is none that takes linear time: {other}"),
        })
}
