//! Errors by where they happened and by their kind.

use maud::{Markup, html};
use serde::Deserialize;

use crate::escape::Foreign;
use crate::figure;
use crate::table::{self, figure as n, text};
use crate::usage::Usage;

/// Failed events of one place, as rollups count them.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Place {
    pub event_type: Foreign,
    /// A model, or a tool. None: neither is known.
    pub subject: Option<Foreign>,
    pub errors: f64,
    pub timeouts: f64,
    /// All events there, failed or not.
    pub events: f64,
}

/// Failed events of one kind, among the newest events.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Kind {
    /// None: the client named none.
    pub kind: Option<Foreign>,
    pub status: Foreign,
    pub count: f64,
    pub last: String,
    pub trace_id: Option<Foreign>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Failures {
    pub places: Vec<Place>,
    pub kinds: Vec<Kind>,
    /// The newest events, of which the kinds are.
    pub looked_at: f64,
}

/// Places are counted with what `usage` counts.
pub fn section(failures: &Failures, usage: &Usage, link: impl Fn(&Foreign) -> Markup) -> Markup {
    html! {
        section aria-labelledby="failures" {
            h2 #failures { "Errors" }
            @if failures.places.is_empty() { (table::nothing("Nothing failed in this window.")) } @else {
                p.hint { "From " (table::time(&usage.since)) " to " (table::time(&usage.until)) " UTC." }
                (places(&failures.places))
            }
            @if !failures.kinds.is_empty() {
                p.hint { "Kinds are those of the newest " (figure::count(failures.looked_at)) " events of the window." }
                (kinds(&failures.kinds, link))
            }
        }
    }
}

fn places(places: &[Place]) -> Markup {
    let columns = [text("Type"), text("Model or tool"), n("Errors"), n("Timeouts"), n("Of all events")];
    let rows = html! { @for place in places { tr {
        th scope="row" { (place.event_type) }
        td { @match &place.subject { Some(subject) => (subject), None => "–" } }
        td.n { (figure::count(place.errors)) }
        td.n { (figure::count(place.timeouts)) }
        td.n { (figure::share(place.errors + place.timeouts, place.events)) }
    } } };
    table::table("Errors by where they happened", &columns, &rows)
}

fn kinds(kinds: &[Kind], link: impl Fn(&Foreign) -> Markup) -> Markup {
    let columns = [text("Kind"), text("Status"), n("Count"), text("Last (UTC)"), text("Trace")];
    let rows = html! { @for kind in kinds { tr {
        th scope="row" { @match &kind.kind { Some(name) if !name.is_empty() => (name), _ => "(not named)" } }
        td { (kind.status) }
        td.n { (figure::count(kind.count)) }
        td { (table::time(&kind.last)) }
        td { @if let Some(id) = &kind.trace_id { (link(id)) } }
    } } };
    table::table("Errors by kind", &columns, &rows)
}
