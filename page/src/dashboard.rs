//! The two documents: what happened in a window, and one trace.

use maud::html;
use serde::Deserialize;

use crate::alerts::{self, Alert, Issue};
use crate::conversations::{self, Conversation};
use crate::escape::Foreign;
use crate::failures::{self, Failures};
use crate::layout;
use crate::logs::{self, Line};
use crate::over_time::{self, Bucket};
use crate::overview::{self, Overview};
use crate::table;
use crate::traces::{self, Trace, Traces};
use crate::usage::{self, Usage};

/// Which rows are shown. Times are UTC, as they are shown.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Scope {
    /// None: all projects of the tenant.
    pub project: Option<Foreign>,
    pub since: String,
    pub until: String,
    /// minute, hour or day: what the sums are in.
    pub unit: String,
    pub made_at: String,
}

#[derive(Clone, Debug, Default)]
pub struct Dashboard {
    pub scope: Scope,
    pub overview: Overview,
    pub buckets: Vec<Bucket>,
    pub usage: Usage,
    pub failures: Failures,
    pub alerts: Vec<Alert>,
    pub issues: Vec<Issue>,
    pub traces: Traces,
    pub conversations: Vec<Conversation>,
    pub logs: Vec<Line>,
}

impl Dashboard {
    pub fn document(&self) -> String {
        let Scope { project, since, until, unit, made_at } = &self.scope;
        let link = |id: &Foreign| self.traces.link(id);
        let main = html! {
            p {
                @match project { Some(project) => { "Project " (project) }, None => "All projects of the tenant" }
                ", from " (table::time(since)) " to " (table::time(until)) " UTC, by the " (unit) ". Made at " (table::time(made_at)) " UTC."
            }
            nav aria-label="Sections" { ul {
                @for (id, name) in [("overview", "Overview"), ("alerts", "Alerts"), ("over-time", "Over time"), ("usage", "Cost"),
                    ("failures", "Errors"), ("traces", "Traces"), ("conversations", "Conversations"), ("logs", "Log")] {
                    li { a href=(format!("#{id}")) { (name) } }
                }
            } }
            (overview::section(&self.overview))
            (alerts::section(&self.alerts, &self.issues, link))
            (over_time::section(&self.buckets))
            (usage::section(&self.usage))
            (failures::section(&self.failures, link))
            (traces::section(&self.traces))
            (conversations::section(&self.conversations))
            (logs::section(&self.logs, link))
        };
        layout::document("Observa", true, &main)
    }
}

/// A trace alone. None: there is no such trace.
pub fn trace_document(trace: Option<&Trace>) -> String {
    let main = html! { @match trace {
        Some(trace) => (traces::alone(trace)),
        None => (table::nothing("There is no such trace.")),
    } };
    layout::document("Observa: a trace", false, &main)
}
