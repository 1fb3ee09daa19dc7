//! Latency, errors and cost over the window.

use maud::{Markup, html};
use serde::Deserialize;

use crate::chart::{Chart, Series, Shape};
use crate::figure;
use crate::room::Room;
use crate::table::{self, figure as n, text};

/// A minute, an hour or a day. Latencies of LLM calls in ms; None: none is known.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Bucket {
    /// When it begins, in UTC, as it is shown.
    pub at: String,
    pub calls: f64,
    pub errors: f64,
    pub timeouts: f64,
    /// USD.
    pub cost: Option<f64>,
    pub p50: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
}

pub fn section(buckets: &[Bucket], room: &Room) -> Markup {
    html! {
        section aria-labelledby="over-time" {
            h2 #over-time { "Over time" }
            @if buckets.is_empty() {
                (table::nothing("No time to show."))
            } @else {
                div.charts { @for chart in charts(buckets) { (chart.draw()) } }
                @if room.has_numbers { details id="numbers" {
                    summary { "The numbers of the charts" }
                    (numbers(buckets))
                } }
            }
        }
    }
}

fn charts(buckets: &[Bucket]) -> [Chart<'_>; 4] {
    let series = |name, look, of: fn(&Bucket) -> Option<f64>| Series {
        name,
        look,
        values: buckets.iter().map(of).collect(),
    };
    let labels = || buckets.iter().map(|bucket| bucket.at.as_str()).collect();
    [
        Chart {
            id: "latency",
            title: "Latency of LLM calls",
            shape: Shape::Lines,
            labels: labels(),
            series: vec![
                series("p50", "a", |b| b.p50),
                series("p95", "b", |b| b.p95),
                series("p99", "c", |b| b.p99),
            ],
            shown: figure::duration,
        },
        Chart {
            id: "failed",
            title: "Errors and timeouts",
            shape: Shape::Bars,
            labels: labels(),
            series: vec![
                series("Errors", "bad", |b| Some(b.errors)),
                series("Timeouts", "late", |b| Some(b.timeouts)),
            ],
            shown: figure::count,
        },
        Chart {
            id: "calls",
            title: "LLM calls",
            shape: Shape::Bars,
            labels: labels(),
            series: vec![series("LLM calls", "a", |b| Some(b.calls))],
            shown: figure::count,
        },
        Chart {
            id: "cost",
            title: "Cost",
            shape: Shape::Bars,
            labels: labels(),
            series: vec![series("Cost", "a", |b| b.cost)],
            shown: figure::money,
        },
    ]
}

/// All cells are figures, which the style sheet knows: there may be 2,800 of them.
fn numbers(buckets: &[Bucket]) -> Markup {
    let columns =
        [text("From (UTC)"), n("Calls"), n("Errors"), n("Timeouts"), n("Cost"), n("p50"), n("p95"), n("p99")];
    let rows = html! { @for bucket in buckets { tr {
        th scope="row" { (bucket.at) }
        td { (figure::count(bucket.calls)) }
        td { (figure::count(bucket.errors)) }
        td { (figure::count(bucket.timeouts)) }
        td { (figure::or_dash(bucket.cost, figure::money)) }
        @for latency in [bucket.p50, bucket.p95, bucket.p99] { td { (figure::or_dash(latency, figure::duration)) } }
    } } };
    table::table("Calls, errors, cost and latency over time", &columns, &rows)
}
