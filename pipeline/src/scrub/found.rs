//! What a scrubbing found.

use std::borrow::Cow;
use std::sync::Arc;

use super::kinds::Class;

/// A stretch of text that is secret or personal. Findings of one text are sorted and do not overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding<'s> {
    /// The kind's name: one of the table's, or a tenant's own.
    pub kind: &'s str,
    pub class: Class,
    /// Bytes from the start of the text.
    pub start: usize,
    /// The byte behind the last one.
    pub end: usize,
}

/// A text after scrubbing.
#[derive(Clone, Debug)]
pub struct Scrubbed<'t> {
    /// Borrowed where nothing was found: then it is the text byte for byte.
    pub text: Cow<'t, str>,
    pub found: Found,
}

/// How many placeholders were written, by kind. Allocates nothing while it is empty.
#[derive(Clone, Debug, Default)]
pub struct Found {
    counts: Vec<(KindName, Class, u32)>,
}

/// A kind's name, of the table or of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KindName {
    Builtin(&'static str),
    Tenant(Arc<str>),
}

impl KindName {
    pub(super) fn as_str(&self) -> &str {
        match self {
            KindName::Builtin(name) => name,
            KindName::Tenant(name) => name,
        }
    }
}

impl Found {
    /// All placeholders.
    pub fn total(&self) -> u32 {
        self.counts.iter().map(|(_, _, count)| count).sum()
    }

    /// Placeholders of credentials.
    pub fn secrets(&self) -> u32 {
        self.of_class(Class::Secret)
    }

    /// Placeholders of personal data.
    pub fn personal(&self) -> u32 {
        self.of_class(Class::Personal)
    }

    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Each kind of a class that was found, and how often.
    pub fn kinds(&self, class: Class) -> impl Iterator<Item = (&str, u32)> {
        self.counts
            .iter()
            .filter(move |(_, of, _)| *of == class)
            .map(|(kind, _, count)| (kind.as_str(), *count))
    }

    /// Adds what another text had: for an event of several texts.
    pub fn merge(&mut self, other: Found) {
        for (kind, class, count) in other.counts {
            self.add(kind, class, count);
        }
    }

    pub(super) fn add(&mut self, kind: KindName, class: Class, count: u32) {
        match self.counts.iter_mut().find(|(known, _, _)| *known == kind) {
            Some((_, _, known)) => *known = known.saturating_add(count),
            None => self.counts.push((kind, class, count)),
        }
    }

    fn of_class(&self, class: Class) -> u32 {
        self.counts.iter().filter(|(_, known, _)| *known == class).map(|(_, _, count)| count).sum()
    }
}
