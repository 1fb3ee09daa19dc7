//! The slowest and the dearest traces, and each of them whole.

use maud::{Markup, html};
use serde::Deserialize;

use crate::escape::Foreign;
use crate::figure;
use crate::room::Room;
use crate::table::{self, figure as n, text};
use crate::waterfall::{Span, waterfall};

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Trace {
    pub trace_id: Foreign,
    pub name: Option<Foreign>,
    pub started_at: String,
    /// Milliseconds; None: not known.
    pub latency: Option<f64>,
    /// USD.
    pub cost: Option<f64>,
    pub status: Foreign,
    pub events: f64,
    pub tokens: f64,
    pub models: Vec<Foreign>,
    pub user_id: Option<Foreign>,
    /// The first ones; events says how many there are.
    pub spans: Vec<Span>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Traces {
    /// The newest traces of the window, of which these are.
    pub looked_at: f64,
    /// Whether the window has more.
    pub has_more: bool,
    /// Those that one of the lists names.
    pub shown: Vec<Trace>,
    /// Places in `shown`.
    pub slowest: Vec<usize>,
    pub dearest: Vec<usize>,
}

impl Traces {
    /// To a trace: in this page where it is shown, else to its own, where somebody serves that.
    pub fn link(&self, id: &Foreign, room: &Room) -> Markup {
        if !room.has_traces {
            return id.up_to(16);
        }
        match self.shown.iter().any(|trace| trace.trace_id == *id) {
            true => html! { a href=(format!("#{}", id.anchor())) { (id.up_to(16)) } },
            false => html! {
                a.served href=(format!("dashboard_trace?trace_id={}", id.in_url())) { (id.up_to(16)) }
                span.unserved { (id.up_to(16)) }
            },
        }
    }
}

pub fn section(traces: &Traces, room: &Room) -> Markup {
    html! {
        section aria-labelledby="traces" {
            h2 #traces tabindex="-1" { "Slowest and dearest traces" }
            @if traces.has_more { p.hint { "Of the newest " (figure::count(traces.looked_at)) " traces of the window." } }
            @if traces.shown.is_empty() {
                (table::nothing("No traces in this window."))
            } @else {
                (list("Slowest traces", traces, &traces.slowest, room))
                (list("Dearest traces", traces, &traces.dearest, room))
                @if room.has_traces { @for trace in &traces.shown { (whole(trace, "trace", room)) } }
            }
        }
    }
}

fn list(caption: &str, traces: &Traces, places: &[usize], room: &Room) -> Markup {
    if places.is_empty() {
        return html! {};
    }
    let columns = [
        text("Trace"),
        text("Name"),
        n("Took"),
        n("Cost"),
        n("Tokens"),
        n("Events"),
        text("Status"),
        text("Began (UTC)"),
    ];
    let rows = html! { @for trace in places.iter().filter_map(|place| traces.shown.get(*place)) { tr {
        th scope="row" { (traces.link(&trace.trace_id, room)) }
        td { (name(trace)) }
        td.n { (figure::or_dash(trace.latency, figure::duration)) }
        td.n { (figure::or_dash(trace.cost, figure::money)) }
        td.n { (figure::count(trace.tokens)) }
        td.n { (figure::count(trace.events)) }
        td { (trace.status) }
        td { (table::time(&trace.started_at)) }
    } } };
    table::table(caption, &columns, &rows)
}

fn name(trace: &Trace) -> Markup {
    html! { @match &trace.name { Some(name) if !name.is_empty() => (name), _ => "(no name)" } }
}

/// One trace with its spans.
pub fn alone(trace: &Trace, room: &Room) -> Markup {
    whole(trace, "trace alone", room)
}

fn whole(trace: &Trace, class: &str, room: &Room) -> Markup {
    let spans = trace.spans.get(..room.spans).unwrap_or(&trace.spans);
    let anchor = trace.trace_id.anchor();
    html! {
        section id=(anchor) class=(class) tabindex="-1" aria-labelledby=(format!("{anchor}-name")) {
            h3 id=(format!("{anchor}-name")) { "Trace " (trace.trace_id) }
            p {
                (name(trace)) ", began " (table::time(&trace.started_at)) " UTC, took " (figure::or_dash(trace.latency, figure::duration))
                ", cost " (figure::or_dash(trace.cost, figure::money)) ", " (figure::count(trace.tokens)) " tokens, status " (trace.status)
                @for model in trace.models.iter().take(8) { ", " (model) }
                @if let Some(user) = &trace.user_id { ", user " (user) }
                "."
            }
            @if (spans.len() as f64) < trace.events {
                p.hint { "The first " (spans.len()) " of its " (figure::count(trace.events)) " events." }
            }
            (waterfall(spans, room.span_text))
            @if class == "trace" { p { a href="#traces" { "Close, back to the list" } } }
        }
    }
}
