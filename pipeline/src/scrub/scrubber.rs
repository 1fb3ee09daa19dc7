//! The scrubber: all rules in one pass, their union, one replacement; repeated until nothing is found any more.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use super::found::{Finding, Found, KindName, Scrubbed};
use super::kinds::{self, Class, Kind};
use super::patterns::{self, Compiled, Pattern, ScrubError};
use super::spans::{self, Scan, Span};
use super::view::View;
use super::{assignments, calls, commands, digits, email, json, pem, tokens, urls};

/// What a tenant can choose.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether e-mail addresses are personal data here. Default true.
    pub emails: bool,
    /// The tenant's own kinds.
    pub patterns: Vec<Pattern>,
}

impl Default for Options {
    fn default() -> Options {
        Options { emails: true, patterns: Vec::new() }
    }
}

/// Finds and replaces secrets. Built once for a set of options, shared by all threads.
pub struct Scrubber {
    emails: bool,
    patterns: Arc<[Compiled]>,
}

static BUILTIN: LazyLock<Scrubber> = LazyLock::new(|| Scrubber { emails: true, patterns: Arc::default() });

static KINDS: LazyLock<Vec<&'static Kind>> = LazyLock::new(|| kinds::all().collect());

/// A replacement can bring a keyword nearer to a number, or free a token of a letter before it: then another round
/// finds more. Real text settles in the second; the bound keeps the worst case linear.
const ROUNDS: usize = 6;

impl Scrubber {
    /// The scrubber with default options.
    pub fn builtin() -> &'static Scrubber {
        &BUILTIN
    }

    /// A scrubber for these options. Errors name the pattern that cannot be used.
    pub fn new(options: &Options) -> Result<Scrubber, ScrubError> {
        Ok(Scrubber { emails: options.emails, patterns: patterns::compile(&options.patterns)?.into() })
    }

    /// All kinds, e-mail addresses too, and the same patterns.
    pub fn of_all_kinds(&self) -> Scrubber {
        Scrubber { emails: true, patterns: Arc::clone(&self.patterns) }
    }

    /// What is secret or personal in the text: as many findings as [`Scrubber::scrub`] writes placeholders.
    pub fn find(&self, text: &str) -> Vec<Finding<'_>> {
        let spans = self.settle(text, is_json(text));
        spans
            .iter()
            .map(|span| Finding {
                kind: self.name(span.kind),
                class: class(span.kind),
                start: span.start,
                end: span.end,
            })
            .collect()
    }

    /// Replaces each secret by `[REDACTED:kind]`. The text may hold JSON, code, logs, JSON in strings; a text that is JSON
    /// stays JSON. Scrubbing a scrubbed text changes nothing.
    pub fn scrub<'t>(&self, text: &'t str) -> Scrubbed<'t> {
        self.replaced(text, is_json)
    }

    /// The same for a text that is known to be JSON: keys, values, bare numbers, strings in strings. The result is JSON.
    pub fn scrub_json<'t>(&self, json: &'t str) -> Scrubbed<'t> {
        self.replaced(json, |_| true)
    }

    /// Replaces each secret by what `stand_in` makes of it (its kind, its class and itself), or else by its placeholder.
    pub fn scrub_with(&self, text: &str, stand_in: impl Fn(&str, Class, &str) -> Option<String>) -> String {
        let spans = self.settle(text, is_json(text));
        let of_span =
            |span: &Span| stand_in(self.name(span.kind), class(span.kind), text.get(span.start..span.end)?);
        self.render(text, &spans, of_span).0
    }

    /// Whether there is nothing to replace in the text.
    pub fn is_clean(&self, text: &str) -> bool {
        self.pass(text).is_empty()
    }

    /// The kind of an identifier that is itself secret or personal, in whole or in part: an e-mail address as user_id.
    /// None for UUIDs, numbers, hexadecimal ids and slugs: digits without separators are no card here.
    pub fn kind_of_identifier(&self, id: &str) -> Option<&str> {
        self.pass(id)
            .iter()
            .find(|span| {
                let found = id.as_bytes().get(span.start..span.end).unwrap_or_default();
                !found.iter().all(u8::is_ascii_digit)
            })
            .map(|span| self.name(span.kind))
    }

    fn replaced<'t>(&self, text: &'t str, json: impl Fn(&str) -> bool) -> Scrubbed<'t> {
        let spans = self.first_pass(text);
        if spans.is_empty() {
            return Scrubbed { text: Cow::Borrowed(text), found: Found::default() };
        }
        let spans = self.settle_from(text, spans, json(text));
        if spans.is_empty() {
            return Scrubbed { text: Cow::Borrowed(text), found: Found::default() };
        }
        let mut found = Found::default();
        for span in &spans {
            found.add(self.kind_name(span.kind), class(span.kind), 1);
        }
        Scrubbed { text: Cow::Owned(self.render(text, &spans, |_| None).0), found }
    }

    fn settle(&self, text: &str, json: bool) -> Vec<Span> {
        let spans = self.first_pass(text);
        if spans.is_empty() { spans } else { self.settle_from(text, spans, json) }
    }

    fn first_pass(&self, text: &str) -> Vec<Span> {
        self.pass(text)
    }

    /// Adds what further rounds over the replaced text find, until one finds nothing.
    fn settle_from(&self, text: &str, first: Vec<Span>, is_json: bool) -> Vec<Span> {
        let mut spans = self.fitted(text, first, is_json);
        for _ in 1..ROUNDS {
            let (replaced, places) = self.render(text, &spans, |_| None);
            let more = self.fitted(&replaced, self.pass(&replaced), is_json);
            if more.is_empty() {
                break;
            }
            spans.extend(more.into_iter().map(|span| Span {
                start: original(&places, span.start),
                end: original(&places, span.end),
                ..span
            }));
            spans.sort_by_key(|span| span.start);
        }
        spans
    }

    fn fitted(&self, text: &str, spans: Vec<Span>, is_json: bool) -> Vec<Span> {
        if spans.is_empty() {
            return spans;
        }
        let bytes = text.as_bytes();
        let mut spans = if is_json { json::fit(bytes, &spans) } else { spans };
        for span in &mut spans {
            if span.quote.is_none() {
                span.quote = json::quote_of_bare_value(bytes, span);
            }
        }
        spans
    }

    /// All rules over one text: sorted, disjoint, on character boundaries, none on a placeholder.
    fn pass(&self, text: &str) -> Vec<Span> {
        let bytes = text.as_bytes();
        let mut spans = match View::of(bytes) {
            None => self.rules(bytes),
            Some(view) => {
                let mut spans = self.rules(&view.bytes);
                for span in &mut spans {
                    span.start = view.original(span.start);
                    span.end = view.original_end(span.end);
                }
                spans
            }
        };
        if spans.is_empty() {
            return spans;
        }
        for span in &mut spans {
            while !text.is_char_boundary(span.start) {
                span.start -= 1;
            }
            while !text.is_char_boundary(span.end) {
                span.end += 1;
            }
        }
        spans::unite(&mut spans);
        spans::spare_placeholders(bytes, &mut spans);
        spans
    }

    fn rules(&self, text: &[u8]) -> Vec<Span> {
        let mut scan = Scan::new(text);
        tokens::find(&mut scan);
        pem::find(&mut scan);
        urls::basic(&mut scan);
        assignments::find(&mut scan);
        commands::find(&mut scan);
        calls::find(&mut scan);
        assignments::azure_secrets(&mut scan);
        digits::find(&mut scan);
        if self.emails {
            email::find(&mut scan);
        }
        if !self.patterns.is_empty() {
            patterns::find(&mut scan, &self.patterns);
        }
        scan.spans
    }

    /// The text with stand-ins, else placeholders, and for each its place in it and the end of what it replaced in the original.
    fn render(
        &self,
        text: &str,
        spans: &[Span],
        stand_in: impl Fn(&Span) -> Option<String>,
    ) -> (String, Vec<(usize, usize)>) {
        let mut replaced = String::with_capacity(text.len() + spans.len() * 16);
        let mut places = Vec::with_capacity(spans.len());
        let mut from = 0;
        for span in spans {
            replaced.push_str(text.get(from..span.start).unwrap_or_default());
            let quote = span.quote.map(usize::from);
            for _ in 0..quote.unwrap_or(0) {
                replaced.push('\\');
            }
            if quote.is_some() {
                replaced.push('"');
            }
            match stand_in(span) {
                Some(stand_in) => replaced.push_str(&stand_in),
                None => {
                    replaced.push_str("[REDACTED:");
                    replaced.push_str(self.name(span.kind));
                    replaced.push(']');
                }
            }
            for _ in 0..quote.unwrap_or(0) {
                replaced.push('\\');
            }
            if quote.is_some() {
                replaced.push('"');
            }
            places.push((replaced.len(), span.end));
            from = span.end;
        }
        replaced.push_str(text.get(from..).unwrap_or_default());
        (replaced, places)
    }

    fn name(&self, kind: u16) -> &str {
        match KINDS.get(usize::from(kind)) {
            Some(known) => known.name,
            None => self.pattern(kind).map_or("secret", |pattern| &pattern.name),
        }
    }

    fn kind_name(&self, kind: u16) -> KindName {
        match (KINDS.get(usize::from(kind)), self.pattern(kind)) {
            (Some(known), _) => KindName::Builtin(known.name),
            (None, Some(pattern)) => KindName::Tenant(pattern.name.clone()),
            (None, None) => KindName::Builtin("secret"),
        }
    }

    fn pattern(&self, kind: u16) -> Option<&Compiled> {
        usize::from(kind).checked_sub(KINDS.len()).and_then(|at| self.patterns.get(at))
    }
}

/// Where a byte of the replaced text, outside of placeholders, stands in the original.
fn original(places: &[(usize, usize)], at: usize) -> usize {
    let passed = places.partition_point(|&(end, _)| end <= at);
    match passed.checked_sub(1).and_then(|last| places.get(last)) {
        Some(&(end, original)) => original + (at - end),
        None => at,
    }
}

fn class(kind: u16) -> Class {
    KINDS.get(usize::from(kind)).map_or(Class::Secret, |kind| kind.class)
}

/// Whether the text is JSON as a whole: an object or an array.
fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[']) && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}
