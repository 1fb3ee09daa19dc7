//! Cost by model and by route.

use maud::{Markup, html};
use serde::Deserialize;

use crate::escape::Foreign;
use crate::figure;
use crate::table::{self, bar, figure as n, text};

/// What one model or route used.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Used {
    /// None: events that name none.
    pub name: Option<Foreign>,
    pub calls: f64,
    pub failed: f64,
    pub tokens: f64,
    /// USD. None: no cost is known.
    pub cost: Option<f64>,
    /// Calls whose cost is not known, which it leaves out.
    pub unpriced: f64,
    pub p95: Option<f64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Usage {
    /// From when and until when it is counted, as it is shown.
    pub since: String,
    pub until: String,
    /// The dearest first.
    pub models: Vec<Used>,
    pub routes: Vec<Used>,
}

pub fn section(usage: &Usage) -> Markup {
    html! {
        section aria-labelledby="usage" {
            h2 #usage { "Cost by model and route" }
            p.hint { "LLM calls and embeddings from " (table::time(&usage.since)) " to " (table::time(&usage.until)) " UTC, the dearest first." }
            (part("Models", "Model", &usage.models))
            (part("Routes", "Route", &usage.routes))
        }
    }
}

fn part(caption: &str, what: &'static str, used: &[Used]) -> Markup {
    if used.is_empty() {
        return table::nothing(&format!("{caption}: none in this window."));
    }
    let most = used.iter().filter_map(|one| one.cost).fold(0.0, f64::max);
    let columns = [
        text(what),
        n("Cost"),
        text("Share of the dearest"),
        n("Calls"),
        n("Without cost"),
        n("Failed"),
        n("Tokens"),
        n("p95"),
    ];
    let rows = html! { @for one in used { tr {
        th scope="row" { @match &one.name { Some(name) if !name.is_empty() => (name), _ => "(none)" } }
        td.n { (figure::or_dash(one.cost, figure::money)) }
        td { @if let Some(cost) = one.cost { (bar(0.0, cost, most, false)) } }
        td.n { (figure::count(one.calls)) }
        td.n { (figure::count(one.unpriced)) }
        td.n { (figure::count(one.failed)) }
        td.n { (figure::count(one.tokens)) }
        td.n { (figure::or_dash(one.p95, figure::duration)) }
    } } };
    table::table(caption, &columns, &rows)
}
