//! The two documents: what happened in a window, and one trace.

use maud::{Markup, html};

use crate::alerts::{self, Alert, Issue};
use crate::conversations::{self, Conversation};
use crate::escape::Foreign;
use crate::failures::{self, Failures};
use crate::layout;
use crate::logs::{self, Line};
use crate::over_time::{self, Bucket};
use crate::overview::{self, Overview};
use crate::room::{self, Room};
use crate::scope::Scope;
use crate::table;
use crate::traces::{self, Trace, Traces};
use crate::usage::{self, Usage};

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
    /// Of at most [`room::MOST_BYTES`] bytes: what had to be cut is said.
    pub fn document(&self) -> String {
        room::fitting(&room::OF_A_WINDOW, |room| self.in_room(room)).unwrap_or_else(|| {
            let says = "only the figures of the whole window are left; a shorter window or a project has more";
            let main = html! { (self.heading()) (room::said(says)) (overview::section(&self.overview, &self.scope)) };
            layout::document("Observa", true, &main)
        })
    }

    fn heading(&self) -> Markup {
        let Scope { project, since, until, unit, made_at, .. } = &self.scope;
        html! {
            p {
                @match project { Some(project) => { "Project " (project) }, None => "All projects of the tenant" }
                ", from " (table::time(since)) " to " (table::time(until)) " UTC, by the " (unit) ". Made at " (table::time(made_at)) " UTC."
            }
        }
    }

    fn in_room(&self, room: &Room) -> String {
        let link = |id: &Foreign| self.traces.link(id, room);
        let main = html! {
            (self.heading())
            (room::said(room.says))
            nav aria-label="Sections" { ul {
                @for (id, name) in [("overview", "Overview"), ("alerts", "Alerts"), ("over-time", "Over time"), ("usage", "Cost"),
                    ("failures", "Errors"), ("traces", "Traces"), ("conversations", "Conversations"), ("logs", "Log")] {
                    li { a href=(format!("#{id}")) { (name) } }
                }
            } }
            (overview::section(&self.overview, &self.scope))
            (alerts::section(&self.alerts, &self.issues, room, link))
            (over_time::section(&self.buckets, room))
            (usage::section(&self.usage))
            (failures::section(&self.failures, &self.usage, link))
            (traces::section(&self.traces, room))
            (conversations::section(&self.conversations, room))
            (logs::section(&self.logs, room, link))
        };
        layout::document("Observa", true, &main)
    }
}

/// A trace alone. None: there is no such trace.
pub fn trace_document(trace: Option<&Trace>) -> String {
    let document = |main: &Markup| layout::document("Observa: a trace", false, main);
    let Some(trace) = trace else { return document(&table::nothing("There is no such trace.")) };
    room::fitting(&room::OF_A_TRACE, |room| {
        document(&html! { (room::said(room.says)) (traces::alone(trace, room)) })
    })
    .unwrap_or_else(|| document(&table::nothing("The trace is too large for a page.")))
}
