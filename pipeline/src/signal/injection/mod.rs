//! Prompt injection: texts that a user or a document speaks to the model with, so that it stops doing what it was told to.
//!
//! The way of a text: [`said`] finds who says what, [`anchors`] passes over it quickly and finds the places that are worth a look,
//! [`words`] reads what stands around them whatever it is disguised as, [`patterns`] weighs it against `data/injections.txt`.

mod anchors;
mod disguise;
mod patterns;
mod said;
mod words;

use std::collections::BTreeMap;
use std::ops::Range;

use crate::event::{Event, EventType};
use patterns::{Hit, LIST, List};

/// Where a text comes from: what should be data alone and speaks to the model is worse than a person who does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    User,
    /// A document, a page, the result of a tool.
    Retrieved,
}

/// What was found in an event's texts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Injection {
    /// 0 to 1: 1 less the product of what each kind leaves of doubt.
    pub score: f64,
    /// How many patterns of each kind.
    pub kinds: BTreeMap<&'static str, usize>,
}

/// Bytes that are read from each end of what a user or a tool says.
const EACH_END: usize = 32 << 10;

/// Bytes around an anchor that are read, and around a pattern that was found there: what is said of it stands farther away.
const AROUND: usize = 100;
const CONTEXT: usize = 160;

/// Places that are looked at in one text: what repeats itself says nothing new.
const MOST_PLACES: usize = 64;

/// What the event's input or output says to the model. None: nothing.
pub fn find(event: &Event) -> Option<Injection> {
    let (content, source) = match event.event_type {
        EventType::LlmCall => (event.input.as_ref()?, Source::User),
        EventType::Retrieval | EventType::ToolCall => (event.output.as_ref()?, Source::Retrieved),
        _ => return None,
    };
    let list = &*LIST;
    let mut hits = Vec::new();
    said::each(content, source, &mut |source, said| {
        // Nearly all texts end here.
        if ends(said.raw()).any(|end| list.anchors.is_in(end) || disguise::is_likely(end)) {
            read(&said.text(), source, list, &mut hits);
        }
    });
    weigh(&hits)
}

/// Of a text alone.
pub fn judge(text: &str, source: Source) -> Option<Injection> {
    let mut hits = Vec::new();
    read(text, source, &LIST, &mut hits);
    weigh(&hits)
}

fn read(text: &str, source: Source, list: &List, hits: &mut Vec<Hit>) {
    for end in ends(text) {
        let plain = disguise::in_latin(end);
        look(&plain, source, list, hits);
        for hidden in disguise::payloads(&plain) {
            let before = hits.len();
            look(&hidden, source, list, hits);
            if let Some(hit) = hits.get(before) {
                hits.push(Hit { kind: patterns::ENCODED, weight: hit.weight });
            }
        }
    }
}

/// Reads what stands around the anchors.
fn look(text: &str, source: Source, list: &List, hits: &mut Vec<Hit>) {
    // Each with whether something may stand there that is found as it is written.
    let mut places: Vec<(Range<usize>, bool)> = Vec::new();
    list.anchors.places(text, |at, is_part| {
        let (from, to) = (at.saturating_sub(AROUND), at.saturating_add(AROUND).min(text.len()));
        match places.last_mut() {
            Some((last, has_part)) if from <= last.end => {
                last.end = to;
                *has_part |= is_part;
            }
            _ => places.push((from..to, is_part)),
        }
        places.len() < MOST_PLACES
    });
    for (place, has_part) in places {
        let found = |around: usize| {
            let from = boundary(text, place.start.saturating_sub(around));
            let to = boundary(text, place.end.saturating_add(around).min(text.len()));
            let part = disguise::joined(text.get(from..to).unwrap_or_default());
            let tokens = words::read(&part, list);
            let mut found = list.find(&tokens, source);
            if has_part {
                list.find_written(&part, &tokens, source, &mut found);
            }
            found
        };
        if !found(0).is_empty() {
            hits.extend(found(CONTEXT));
        }
    }
}

fn weigh(hits: &[Hit]) -> Option<Injection> {
    // Patterns of a kind often say the same of the same words: the strongest counts, others add to the count alone.
    let mut strongest: BTreeMap<&'static str, (f64, usize)> = BTreeMap::new();
    for hit in hits {
        let (weight, count) = strongest.entry(hit.kind).or_default();
        *weight = weight.max(hit.weight);
        *count += 1;
    }
    let doubt: f64 = strongest.values().map(|(weight, _)| 1.0 - weight).product();
    let kinds = strongest.into_iter().map(|(kind, (_, count))| (kind, count)).collect();
    (!hits.is_empty()).then(|| Injection { score: ((1.0 - doubt) * 1000.0).round() / 1000.0, kinds })
}

/// The text, or its two ends.
fn ends(text: &str) -> impl Iterator<Item = &str> {
    let is_long = text.len() > 2 * EACH_END;
    let first = if is_long { text.get(..boundary(text, EACH_END)) } else { Some(text) };
    let last = is_long.then(|| text.get(boundary(text, text.len() - EACH_END)..)).flatten();
    first.into_iter().chain(last)
}

/// The beginning of the character that has this byte.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
