//! A tenant's own patterns: bounded, and linear in time whatever they are.

use std::sync::Arc;

use regex::bytes::{Regex, RegexBuilder};

use super::kinds;
use super::spans::{Proof, Scan};

/// A tenant's own kind of secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// What stands in the placeholder: 1 to 40 of `a-z`, `0-9` and `_`.
    pub name: String,
    /// In the syntax of the crate `regex`, which has no look-around and no back-references, and so is linear.
    pub regex: String,
}

/// Why options cannot be used. Messages never show a text that was scrubbed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ScrubError {
    #[error("a scrub pattern's name must be 1 to 40 of a-z, 0-9 and _, not {0:?}")]
    Name(String),
    #[error("scrub pattern {name:?} is not a usable regular expression: {reason}")]
    Regex { name: String, reason: String },
    #[error("scrub pattern {0:?} matches the empty text")]
    MatchesNothing(String),
    #[error("at most {MOST} scrub patterns are possible, not {0}")]
    TooMany(usize),
}

/// As many patterns a tenant may have: each costs a pass over every text.
pub const MOST: usize = 64;

/// Longer expressions are tables, not patterns.
const LONGEST: usize = 1000;

/// Bytes of compiled program, and of each lazily built automaton: a bound on memory for one pattern.
const SIZE: usize = 1 << 20;

pub(super) struct Compiled {
    pub name: Arc<str>,
    regex: Regex,
}

pub(super) fn compile(patterns: &[Pattern]) -> Result<Vec<Compiled>, ScrubError> {
    if patterns.len() > MOST {
        return Err(ScrubError::TooMany(patterns.len()));
    }
    patterns.iter().map(Compiled::new).collect()
}

impl Compiled {
    fn new(pattern: &Pattern) -> Result<Compiled, ScrubError> {
        let name = &pattern.name;
        let slug = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if name.is_empty() || name.len() > 40 || !name.bytes().all(slug) {
            return Err(ScrubError::Name(name.chars().take(60).collect()));
        }
        let refuse = |reason: String| ScrubError::Regex { name: name.clone(), reason };
        if pattern.regex.len() > LONGEST {
            return Err(refuse(format!("longer than {LONGEST} bytes")));
        }
        let regex = RegexBuilder::new(&pattern.regex)
            .size_limit(SIZE)
            .dfa_size_limit(SIZE)
            .nest_limit(50)
            .build()
            .map_err(|error| refuse(error.to_string()))?;
        if regex.is_match(b"") {
            return Err(ScrubError::MatchesNothing(name.clone()));
        }
        Ok(Compiled { name: Arc::from(name.as_str()), regex })
    }
}

/// Finds the tenant's patterns; their kinds are numbered behind the table's.
pub(super) fn find(scan: &mut Scan<'_>, patterns: &[Compiled]) {
    let first = kinds::all().count();
    for (at, pattern) in patterns.iter().enumerate() {
        for found in pattern.regex.find_iter(scan.text) {
            scan.add(found.start(), found.end(), (first + at) as u16, Proof::Format);
        }
    }
}
