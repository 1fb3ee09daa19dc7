//! What the rules found, brought together: all matches on the original text, overlaps merged, replaced once.
//!
//! Replacing rule by rule, or taking the leftmost match only, leaves tails of secrets in clear.

/// A stretch of text that a rule found, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: usize,
    pub end: usize,
    /// The number of the kind.
    pub kind: u16,
    /// How sure the rule is of the kind: the highest names a merged span.
    pub proof: Proof,
    /// A bare number as a JSON value: its placeholder must be a string, in this many backslashes' depth of quoting.
    pub quote: Option<u8>,
}

/// What named the kind, from weak to strong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// A keyword or a place (URL, header) gave it away.
    Context,
    /// A format with a check of its own.
    Format,
    /// A prefix that only this kind has.
    Prefix,
}

/// One pass over one text: the spans so far, and what the rules remember about the text.
pub struct Scan<'t> {
    pub text: &'t [u8],
    pub ends: super::alphabet::RunEnds,
    pub spans: Vec<Span>,
}

impl<'t> Scan<'t> {
    pub fn new(text: &'t [u8]) -> Scan<'t> {
        Scan { text, ends: super::alphabet::RunEnds::default(), spans: Vec::new() }
    }

    pub fn add(&mut self, start: usize, end: usize, kind: u16, proof: Proof) {
        if start < end && end <= self.text.len() {
            self.spans.push(Span { start, end, kind, proof, quote: None });
        }
    }

    /// The end of the latest span: triggers before it have nothing to add.
    pub fn last_end(&self) -> usize {
        self.spans.last().map_or(0, |span| span.end)
    }
}

/// Sorts and merges overlaps, in place. Spans that only touch stay two.
pub fn unite(spans: &mut Vec<Span>) {
    spans.sort_by_key(|span| (span.start, span.end));
    let mut kept: Vec<Span> = Vec::with_capacity(spans.len());
    for &span in spans.iter() {
        match kept.last_mut() {
            Some(last) if span.start < last.end => {
                let stronger = span.proof > last.proof
                    || (span.proof == last.proof && span.end - span.start > last.end - last.start);
                if stronger {
                    last.kind = span.kind;
                    last.proof = span.proof;
                }
                last.end = last.end.max(span.end);
            }
            _ => kept.push(span),
        }
    }
    *spans = kept;
}

/// The first bytes of every placeholder.
pub const MARK: &[u8] = b"[REDACTED:";

/// Drops the spans that overlap a placeholder of an earlier scrubbing: what stands there is no secret any more.
pub fn spare_placeholders(text: &[u8], spans: &mut Vec<Span>) {
    if spans.is_empty() {
        return;
    }
    let mut places = placeholders(text).peekable();
    spans.retain(|span| {
        while places.next_if(|&(_, end)| end <= span.start).is_some() {}
        places.peek().is_none_or(|&(start, _)| start >= span.end)
    });
}

/// Where the placeholders of an earlier scrubbing stand.
pub fn placeholders(text: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    memchr::memmem::find_iter(text, MARK).filter_map(|start| {
        let name = start + MARK.len();
        let length = text.get(name..)?.iter().take(41).position(|&byte| byte == b']')?;
        let named = text.get(name..name + length)?;
        let slug = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_';
        (length > 0 && named.iter().all(slug)).then_some((start, name + length + 1))
    })
}

/// Looks at what stands before a value, as a rule with a keyword does: the last `limit` bytes before `at`, but not
/// beyond a placeholder. Its own name may be the keyword, and the text before it was farther away when it was a secret.
pub fn context(text: &[u8], at: usize, limit: usize) -> &[u8] {
    let window = super::alphabet::part(text, at.saturating_sub(limit), at);
    match memchr::memrchr(b']', window) {
        Some(close) if memchr::memmem::find(part_before(text, at - window.len() + close), MARK).is_some() => {
            window.get(close + 1..).unwrap_or_default()
        }
        _ => window,
    }
}

/// The stretch before a closing bracket in which a placeholder's mark would stand.
fn part_before(text: &[u8], close: usize) -> &[u8] {
    super::alphabet::part(text, close.saturating_sub(MARK.len() + 41), close)
}

/// Whether one of the words stands in the window, in any case, not inside a longer word.
pub fn has_word(window: &[u8], words: &[&str]) -> bool {
    let mut lower = [0u8; 96];
    let window = window.get(window.len().saturating_sub(lower.len())..).unwrap_or_default();
    for (low, &byte) in lower.iter_mut().zip(window) {
        *low = byte.to_ascii_lowercase();
    }
    let lower = lower.get(..window.len()).unwrap_or_default();
    words.iter().any(|word| {
        let first = word.as_bytes().first().copied().unwrap_or(0);
        memchr::memchr_iter(first, lower).any(|at| {
            lower.get(at..).is_some_and(|rest| rest.starts_with(word.as_bytes()))
                && starts_word(window, at)
                && ends_word(window, at + word.len())
        })
    })
}

/// Whether a word ends before `at`, or its plural: `nhsNumber` and `NHSNumber` hold one that does, `NIST` none.
fn ends_word(window: &[u8], at: usize) -> bool {
    let after = super::alphabet::byte_at(window, at);
    match after {
        b's' => true,
        b'A'..=b'Z' => {
            super::alphabet::byte_before(window, at, 1).is_ascii_lowercase()
                || super::alphabet::byte_at(window, at + 1).is_ascii_lowercase()
        }
        _ => !after.is_ascii_lowercase(),
    }
}

/// Whether a word starts at `at`: `userPhone` ends one and starts another, `microphone` does not.
fn starts_word(window: &[u8], at: usize) -> bool {
    let before = super::alphabet::byte_before(window, at, 1);
    let first = super::alphabet::byte_at(window, at);
    !before.is_ascii_alphabetic()
        || (before.is_ascii_lowercase() && first.is_ascii_uppercase())
        || (matches!(before, b'n' | b'r' | b't') && super::alphabet::byte_before(window, at, 2) == b'\\')
}
