//! A trace as a tree, each span beside the time it took.

use std::collections::HashMap;

use maud::{Markup, html};
use serde::Deserialize;

use crate::escape::Foreign;
use crate::figure;
use crate::table::{self, bar, figure as n, text};

/// Levels that are told apart. What is deeper stands as far to the right as the last.
const MOST_LEVELS: usize = 8;

/// Characters of an error, however short of room the page is.
const LEAST_OF_AN_ERROR: usize = 40;

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Span {
    pub event_type: Foreign,
    pub span_id: Option<Foreign>,
    pub parent_span_id: Option<Foreign>,
    pub name: Option<Foreign>,
    /// Model, or tool.
    pub subject: Option<Foreign>,
    pub status: Foreign,
    pub error: Option<Foreign>,
    /// Milliseconds from the trace's start.
    pub start: f64,
    /// Milliseconds; None: not known.
    pub latency: Option<f64>,
    pub tokens: Option<f64>,
    /// USD.
    pub cost: Option<f64>,
    /// The beginning of what it was asked, and of what it said; None: nothing, or who asks may not read it.
    pub input: Option<Foreign>,
    pub output: Option<Foreign>,
}

/// `most` characters of each text are shown; 0: none, but of errors the beginning.
pub fn waterfall(spans: &[Span], most: usize) -> Markup {
    let whole = spans.iter().map(|span| span.start + span.latency.unwrap_or(0.0)).fold(0.0, f64::max);
    let columns = [text("Span"), text("Status"), n("Start"), n("Took"), text("When"), n("Tokens"), n("Cost")];
    let rows = html! { @for (level, span) in in_order(spans) { tr {
        th scope="row" class=(format!("l{level}")) {
            (named(span))
            @if let Some(error) = span.error.as_ref().filter(|error| !error.is_empty()) { div.more { (error.up_to(most.max(LEAST_OF_AN_ERROR))) } }
            (said("in", span.input.as_ref(), most))
            (said("out", span.output.as_ref(), most))
        }
        td { (span.status) }
        td.n { (figure::duration(span.start)) }
        td.n { (figure::or_dash(span.latency, figure::duration)) }
        td { (bar(span.start, span.latency.unwrap_or(0.0), whole, !span.status.is("ok"))) }
        td.n { (figure::or_dash(span.tokens, figure::count)) }
        td.n { (figure::or_dash(span.cost, figure::money)) }
    } } };
    table::table("Spans, each under its parent", &columns, &rows)
}

fn named(span: &Span) -> Markup {
    html! {
        @match &span.name { Some(name) if !name.is_empty() => (name), _ => (span.event_type) }
        @if let Some(subject) = &span.subject { " " span.more { (subject) } }
    }
}

fn said(which: &str, text: Option<&Foreign>, most: usize) -> Markup {
    html! { @if let Some(text) = text.filter(|text| most > 0 && !text.is_empty()) { div.more { (which) ": " (text.up_to(most)) } } }
}

/// Each span once, under its parent, with how deep it stands. Without a parent, or in a circle, it stands at the root.
fn in_order(spans: &[Span]) -> Vec<(usize, &Span)> {
    let mut places: HashMap<&Foreign, usize> = HashMap::new();
    for (place, span) in spans.iter().enumerate() {
        if let Some(id) = &span.span_id {
            places.entry(id).or_insert(place);
        }
    }
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); spans.len()];
    let mut roots = Vec::new();
    for (place, span) in spans.iter().enumerate() {
        let of = |id: &Option<Foreign>| {
            id.as_ref().and_then(|id| places.get(id).copied()).filter(|found| *found != place)
        };
        match of(&span.span_id)
            .or_else(|| of(&span.parent_span_id))
            .and_then(|parent| children.get_mut(parent))
        {
            Some(siblings) => siblings.push(place),
            None => roots.push(place),
        }
    }
    let mut ordered = Vec::with_capacity(spans.len());
    let mut seen = vec![false; spans.len()];
    // What no root leads to is in a circle: its first span is where it is entered.
    for root in roots.into_iter().chain(0..spans.len()) {
        let mut waiting = vec![(root, 0)];
        while let Some((place, level)) = waiting.pop() {
            let (Some(span), Some(seen)) = (spans.get(place), seen.get_mut(place)) else { continue };
            if std::mem::replace(seen, true) {
                continue;
            }
            ordered.push((level.min(MOST_LEVELS), span));
            let below = children.get(place).map(Vec::as_slice).unwrap_or_default();
            waiting.extend(below.iter().rev().map(|child| (*child, level + 1)));
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(id: &str, parent: Option<&str>) -> Span {
        Span {
            span_id: Some(id.into()),
            parent_span_id: parent.map(Into::into),
            name: Some(id.into()),
            ..Span::default()
        }
    }

    fn order(spans: &[Span]) -> Vec<(usize, String)> {
        in_order(spans)
            .into_iter()
            .map(|(level, span)| {
                (level, span.name.as_ref().map(|name| name.up_to(9).into_string()).unwrap_or_default())
            })
            .map(|(level, name)| (level, name.replace("<bdi>", "").replace("</bdi>", "")))
            .collect()
    }

    #[test]
    fn spans_stand_under_their_parents_in_the_order_of_time() {
        let spans = [
            span("a", None),
            span("b", Some("a")),
            span("c", Some("a")),
            span("d", Some("b")),
            span("e", Some("gone")),
        ];
        let expected =
            [(0, "a"), (1, "b"), (2, "d"), (1, "c"), (0, "e")].map(|(level, name)| (level, name.to_owned()));
        assert_eq!(order(&spans), expected);
    }

    #[test]
    fn a_circle_and_a_chain_of_any_length_are_shown_once_each() {
        let circle = [span("a", Some("b")), span("b", Some("a")), span("c", Some("c"))];
        let names: Vec<_> = order(&circle).into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["c", "a", "b"]);
        let chain: Vec<Span> = (0..50).map(|n| span(&n.to_string(), Some(&(n - 1i32).to_string()))).collect();
        assert_eq!(order(&chain).len(), 50);
        assert_eq!(order(&chain).last().map(|(level, _)| *level), Some(MOST_LEVELS));
    }
}
