//! Which of several spans of one call to a provider is billed. Wrappers repeat their children's usage, and two libraries may
//! see one call: each call is billed once.

mod complete;

pub use complete::complete;

use std::collections::{HashMap, HashSet};

use crate::event::{Event, EventType, Field, Status};
use crate::translate::otel::tree;

/// How Logfire names the second span of a streamed call.
const STREAM_END: &str = "streaming response from";

type Map<K, V> = HashMap<K, V, ahash::RandomState>;

/// What a span is to the bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// A call to a model.
    Llm,
    Embedding,
    /// The second, zero-length span of a streamed call (Logfire): it has the usage that the first one lacks.
    StreamEnd,
    /// No call; it only joins the spans under it to those above.
    Other,
}

impl CallKind {
    pub fn of(event_type: EventType, name: Option<&str>) -> CallKind {
        match event_type {
            EventType::LlmCall if name.is_some_and(|name| name.starts_with(STREAM_END)) => {
                CallKind::StreamEnd
            }
            EventType::LlmCall => CallKind::Llm,
            EventType::Embedding => CallKind::Embedding,
            _ => CallKind::Other,
        }
    }
}

/// A span, as far as it matters who is billed. It may be of this batch, or stored long ago.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    pub trace_id: &'a str,
    pub span_id: &'a str,
    pub parent_span_id: Option<&'a str>,
    pub kind: CallKind,
    /// Input or output tokens are known.
    pub has_usage: bool,
    /// A prompt or an answer is known.
    pub has_content: bool,
    pub response_id: Option<&'a str>,
    pub status: Status,
}

impl Call<'_> {
    fn is_call(&self) -> bool {
        self.kind != CallKind::Other
    }

    fn succeeded(&self) -> bool {
        self.is_call() && self.status == Status::Ok
    }
}

impl<'a> Call<'a> {
    pub fn of_event(event: &'a Event) -> Call<'a> {
        let kind = CallKind::of(event.event_type, event.text(Field::Name));
        Call {
            trace_id: event.text(Field::TraceId).unwrap_or_default(),
            span_id: event.text(Field::SpanId).unwrap_or_default(),
            parent_span_id: event.text(Field::ParentSpanId),
            kind,
            has_usage: event.tokens.input.is_some() || event.tokens.output.is_some(),
            has_content: event.input.is_some() || event.output.is_some(),
            response_id: event.text(Field::ResponseId),
            status: event.status,
        }
    }
}

/// Marks the calls of a batch that repeat another one of it.
pub fn mark_repeats(events: &mut [Event]) {
    let calls: Vec<Call> = events.iter().map(Call::of_event).collect();
    let repeats: Vec<bool> =
        calls.iter().zip(billable(&calls)).map(|(call, billed)| call.succeeded() && !billed).collect();
    for (event, repeats) in events.iter_mut().zip(repeats) {
        event.repeats = repeats;
    }
}

/// Whether each call is the one of its twins that is billed. Of equals the first is. In time and space linear in the calls.
///
/// - A failed call bills nothing, and neither does what is no call.
/// - A call above another one that has usage only repeats it.
/// - A call without usage under one that has it, or over another one, is that call.
/// - Of a streamed call's two spans the one with usage counts.
/// - Of calls with the same response id one counts, one with usage if there is any, and of these one that knows what was
///   said: a provider's SDK makes spans of its own that do not.
pub fn billable(calls: &[Call]) -> Vec<bool> {
    let tree = tree::Tree::new(calls.iter().map(|call| (call.trace_id, call.span_id, call.parent_span_id)));
    let mut billable: Vec<bool> = calls.iter().map(Call::succeeded).collect();
    let silent = drop_silent(calls, &mut billable);
    drop_wrappers(calls, &silent, &tree, &mut billable);
    drop_streamed(calls, &mut billable);
    drop_repeats(calls, &mut billable);
    billable
}

/// Drops the calls without content whose answer another call with content and usage has, and says which they are: to the
/// calls above them they are none.
fn drop_silent(calls: &[Call], billable: &mut [bool]) -> Vec<bool> {
    let told: HashSet<&str, ahash::RandomState> = calls
        .iter()
        .filter(|call| call.succeeded() && call.has_usage && call.has_content)
        .filter_map(|call| call.response_id)
        .collect();
    let is_silent = |call: &Call| {
        call.succeeded() && !call.has_content && call.response_id.is_some_and(|id| told.contains(id))
    };
    let silent: Vec<bool> = calls.iter().map(is_silent).collect();
    for (billed, silent) in billable.iter_mut().zip(&silent) {
        *billed &= !silent;
    }
    silent
}

fn drop_wrappers(calls: &[Call], silent: &[bool], tree: &tree::Tree, billable: &mut [bool]) {
    let is_silent = |place: usize| silent.get(place).copied().unwrap_or_default();
    // (a call below, a call below with usage)
    let mut below = vec![(false, false); calls.len()];
    for &place in tree.leaves_first() {
        let (Some(call), Some(&(mut any, mut with_usage))) = (calls.get(place), below.get(place)) else {
            continue;
        };
        if is_silent(place) {
            // A call above that knows nothing is the same one; one that knows more is what this one repeats.
            any = true;
        } else if call.succeeded() {
            let drops = with_usage || (!call.has_usage && any);
            if let Some(slot) = billable.get_mut(place).filter(|_| drops) {
                *slot = false;
            }
            any = true;
            with_usage |= call.has_usage;
        }
        if let Some(parent) = tree.parent(place).and_then(|parent| below.get_mut(parent)) {
            parent.0 |= any;
            parent.1 |= with_usage;
        }
    }
    // Whether the nearest call above that has usage is billed for it.
    let mut under_billed = vec![false; calls.len()];
    for &place in tree.leaves_first().iter().rev() {
        let above = tree.parent(place).is_some_and(|parent| {
            let of = |list: &[bool]| list.get(parent).copied().unwrap_or_default();
            let decides = calls.get(parent).is_some_and(|call| call.succeeded() && call.has_usage);
            if decides { of(billable) } else { of(&under_billed) }
        });
        if let Some(slot) = under_billed.get_mut(place) {
            *slot = above;
        }
        if above
            && calls.get(place).is_some_and(|call| !call.has_usage)
            && let Some(slot) = billable.get_mut(place)
        {
            *slot = false;
        }
    }
}

fn drop_streamed(calls: &[Call], billable: &mut [bool]) {
    // Calls without usage that wait for their stream's end, by their parent.
    let mut waiting: Map<(&str, Option<&str>), Vec<usize>> = Map::default();
    for (place, call) in calls.iter().enumerate() {
        if call.kind != CallKind::StreamEnd && !call.has_usage && billable.get(place) == Some(&true) {
            waiting.entry((call.trace_id, call.parent_span_id)).or_default().push(place);
            waiting.entry((call.trace_id, Some(call.span_id))).or_default().push(place);
        }
    }
    let ends =
        calls.iter().enumerate().filter(|(_, call)| call.kind == CallKind::StreamEnd && call.succeeded());
    for (_, end) in ends.filter(|(_, call)| call.has_usage) {
        let Some(list) = waiting.get_mut(&(end.trace_id, end.parent_span_id)) else { continue };
        while let Some(place) = list.pop() {
            if let Some(slot) = billable.get_mut(place).filter(|slot| **slot) {
                *slot = false;
                break;
            }
        }
    }
}

fn drop_repeats(calls: &[Call], billable: &mut [bool]) {
    let mut first: Map<&str, usize> = Map::default();
    for (place, call) in calls.iter().enumerate() {
        let Some(response_id) = call.response_id.filter(|_| billable.get(place) == Some(&true)) else {
            continue;
        };
        let earlier = match first.get(response_id) {
            None => {
                first.insert(response_id, place);
                continue;
            }
            Some(earlier) => *earlier,
        };
        let better = call.has_usage && calls.get(earlier).is_some_and(|earlier| !earlier.has_usage);
        let loser = if better { earlier } else { place };
        if better {
            first.insert(response_id, place);
        }
        if let Some(slot) = billable.get_mut(loser) {
            *slot = false;
        }
    }
}

#[cfg(test)]
mod tests;
