//! The figures of the window, each with what it was before.

use maud::{Markup, html};
use serde::Deserialize;

use crate::figure;
use crate::scope::Scope;
use crate::table;

/// Sums of a window. Tokens and money of billable events, latencies of LLM calls in ms.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Totals {
    pub events: f64,
    pub calls: f64,
    /// Errors and timeouts of all events.
    pub failed: f64,
    pub tokens: f64,
    /// USD. None: no cost is known.
    pub cost: Option<f64>,
    /// Billable calls whose cost is not known.
    pub unpriced: f64,
    pub p50: Option<f64>,
    pub p95: Option<f64>,
    /// About how many end users. None: none is known.
    pub users: Option<f64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Overview {
    pub now: Totals,
    pub before: Totals,
}

pub fn section(overview: &Overview, scope: &Scope) -> Markup {
    let Overview { now, before } = overview;
    let noted = |name: &str, of: fn(&Totals) -> Option<f64>, shown: fn(f64) -> String, note: Markup| {
        html! { div {
            dt { (name) }
            dd.figure { (figure::or_dash(of(now), shown)) }
            dd { @match (of(now), of(before)) {
                (Some(now), Some(before)) => { (figure::change(now, before)) " (" (shown(before)) ")" },
                _ => "nothing to compare with",
            } }
            (note)
        } }
    };
    let card = |name: &str, of: fn(&Totals) -> Option<f64>, shown: fn(f64) -> String| {
        noted(name, of, shown, html! {})
    };
    html! {
        section aria-labelledby="overview" {
            h2 #overview { "Overview" }
            p.hint { "In brackets: the window before, " (table::time(&scope.before)) " to " (table::time(&scope.since)) " UTC." }
            dl.cards {
                (card("LLM calls", |of| Some(of.calls), figure::count))
                (card("All events", |of| Some(of.events), figure::count))
                (card("Failed events", |of| Some(of.failed), figure::count))
                (card("Failed, of all events", |of| (of.events > 0.0).then(|| of.failed / of.events), |share| figure::share(share, 1.0)))
                (noted("Cost", |of| of.cost, figure::money, unpriced(now.unpriced)))
                (card("Tokens", |of| Some(of.tokens), figure::count))
                (card("Latency of calls, p50", |of| of.p50, figure::duration))
                (card("Latency of calls, p95", |of| of.p95, figure::duration))
                (card("End users", |of| of.users, figure::count))
            }
        }
    }
}

/// How many calls a sum of money leaves out.
fn unpriced(calls: f64) -> Markup {
    html! { @if calls > 0.0 {
        dd { "without " (figure::count(calls)) @if calls == 1.0 { " call that has" } @else { " calls that have" } " no known cost" }
    } }
}
