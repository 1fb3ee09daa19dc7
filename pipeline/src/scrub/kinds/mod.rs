//! The table of kinds: what is scrubbed, under which name, and by which shape.
//!
//! A kind whose values start with a fixed prefix is a row here and nothing else. The others (assignments, URLs, PEM,
//! digits) have their rows here too, for name and class, and their rule in the module of their trigger.
//! Shapes are facts about public token formats, as the providers document them or their own scanners match them.

mod ai;
mod cloud;
mod developer;
mod general;
mod personal;
mod services;

use super::alphabet::Alphabet;

/// Which signal a finding raises: `contains_secrets` or `contains_pii`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// A credential: somebody who reads it can act with it.
    Secret,
    /// Data about a person.
    Personal,
}

/// A kind of secret or personal data.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// What stands in the placeholder: `[REDACTED:name]`.
    pub name: &'static str,
    pub class: Class,
    /// The prefixed shapes of the kind; empty where another trigger finds it.
    pub shapes: &'static [Shape],
}

/// A token that starts with a fixed prefix.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Case-sensitive, never empty.
    pub prefix: &'static str,
    pub parts: &'static [Part],
    pub start: Start,
    pub check: Check,
}

/// What follows the prefix, one after the other.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    Literal(&'static str),
    Optional(&'static str),
    /// So many bytes of the alphabet, whatever follows.
    Exactly(Alphabet, usize),
    /// The whole run of the alphabet, at least so long. Providers lengthen their tokens: a fixed length would leave
    /// the tail in clear.
    AtLeast(Alphabet, usize),
    /// The whole run of the alphabet, within both lengths and followed by no letter or digit: for prefixes that are too
    /// weak to prove anything alone.
    Between(Alphabet, usize, usize),
}

/// What may stand before the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Anything but a letter or digit.
    Open,
    /// No `-` or `_` either: the prefix also occurs inside slugs and identifiers.
    Strict,
    /// The prefix is a middle: so many bytes of the alphabet stand before it, and belong to the token.
    After(Alphabet, usize),
}

/// What the token must satisfy beyond its shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Anything but one repeated filler (`xxxx`, `****`).
    Real,
    /// A digit and a letter, and not a slug of words (`sk-learn-pipeline-2`).
    NotSlug,
    /// Digits, lower-case and upper-case letters, none of them over and over.
    Dense,
    /// One of the words stands shortly before, in any case.
    Near(&'static [&'static str]),
    /// Base58 with the double SHA-256 checksum of Bitcoin's wallet import format.
    Base58Check,
}

/// All kinds, by family.
pub const FAMILIES: [&[Kind]; 6] =
    [ai::KINDS, cloud::KINDS, developer::KINDS, services::KINDS, general::KINDS, personal::KINDS];

/// All kinds, in the order of their numbers.
pub fn all() -> impl Iterator<Item = &'static Kind> {
    FAMILIES.iter().flat_map(|family| family.iter())
}

/// The number of the kind of this name; an unknown name does not compile where this is a constant.
pub const fn number(name: &str) -> u16 {
    let mut number = 0u16;
    let mut family = 0;
    while family < FAMILIES.len() {
        let kinds = FAMILIES[family];
        let mut at = 0;
        while at < kinds.len() {
            if same(kinds[at].name, name) {
                return number;
            }
            number += 1;
            at += 1;
        }
        family += 1;
    }
    panic!("no kind of this name")
}

const fn same(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}

const fn secret(name: &'static str, shapes: &'static [Shape]) -> Kind {
    Kind { name, class: Class::Secret, shapes }
}

const fn shape(prefix: &'static str, parts: &'static [Part]) -> Shape {
    Shape { prefix, parts, start: Start::Open, check: Check::Real }
}

impl Shape {
    const fn strict(self) -> Shape {
        Shape { start: Start::Strict, ..self }
    }
    const fn after(self, alphabet: Alphabet, length: usize) -> Shape {
        Shape { start: Start::After(alphabet, length), ..self }
    }
    const fn check(self, check: Check) -> Shape {
        Shape { check, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_slugs_and_unique() {
        let mut seen = std::collections::HashSet::new();
        for kind in all() {
            assert!(seen.insert(kind.name), "{} twice", kind.name);
            assert!(kind.name.len() <= 40);
            assert!(kind.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
            assert!(kind.shapes.iter().all(|shape| !shape.prefix.is_empty()));
        }
    }

    #[test]
    fn a_kind_is_found_by_its_name() {
        for (at, kind) in all().enumerate() {
            assert_eq!(number(kind.name) as usize, at);
        }
    }
}
