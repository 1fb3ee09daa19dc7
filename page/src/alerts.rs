//! Open alerts and issues.

use maud::{Markup, html};
use serde::Deserialize;

use crate::escape::Foreign;
use crate::figure;
use crate::room::Room;
use crate::table::{self, figure as n, text};

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Alert {
    pub title: Foreign,
    pub description: Option<Foreign>,
    pub severity: Foreign,
    pub status: Foreign,
    pub occurrences: f64,
    pub last_seen: String,
    pub assignee: Option<Foreign>,
    pub trace_id: Option<Foreign>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Issue {
    pub title: Foreign,
    pub subject: Option<Foreign>,
    pub severity: Foreign,
    pub state: Foreign,
    pub count: f64,
    pub users: f64,
    pub last_seen: String,
    pub trace_id: Option<Foreign>,
}

pub fn section(alerts: &[Alert], issues: &[Issue], room: &Room, link: impl Fn(&Foreign) -> Markup) -> Markup {
    html! {
        section aria-labelledby="alerts" {
            h2 #alerts { "Open alerts and issues" }
            @if alerts.is_empty() { (table::nothing("No alert is open.")) } @else { (alert_table(alerts, room, &link)) }
            @if issues.is_empty() { (table::nothing("No issue is open.")) } @else { (issue_table(issues, room, &link)) }
        }
    }
}

fn alert_table(alerts: &[Alert], room: &Room, link: &impl Fn(&Foreign) -> Markup) -> Markup {
    let columns = [
        text("Alert"),
        text("Severity"),
        text("Status"),
        n("Times"),
        text("Last (UTC)"),
        text("Whose"),
        text("Trace"),
    ];
    let rows = html! { @for alert in alerts { tr {
        th scope="row" { (alert.title.up_to(room.text.min(160))) @if let Some(said) = &alert.description { div.more { (said.up_to(room.text.min(240))) } } }
        td { (alert.severity) }
        td { (alert.status) }
        td.n { (figure::count(alert.occurrences)) }
        td { (table::time(&alert.last_seen)) }
        td { @match &alert.assignee { Some(whose) => (whose), None => "nobody's" } }
        td { @if let Some(id) = &alert.trace_id { (link(id)) } }
    } } };
    table::table("Open alerts", &columns, &rows)
}

fn issue_table(issues: &[Issue], room: &Room, link: &impl Fn(&Foreign) -> Markup) -> Markup {
    let columns = [
        text("Issue"),
        text("Severity"),
        text("State"),
        n("Times"),
        n("Users"),
        text("Last (UTC)"),
        text("Trace"),
    ];
    let rows = html! { @for issue in issues { tr {
        th scope="row" { (issue.title.up_to(room.text.min(160))) @if let Some(subject) = &issue.subject { div.more { (subject.up_to(room.text.min(120))) } } }
        td { (issue.severity) }
        td { (issue.state) }
        td.n { (figure::count(issue.count)) }
        td.n { (figure::count(issue.users)) }
        td { (table::time(&issue.last_seen)) }
        td { @if let Some(id) = &issue.trace_id { (link(id)) } }
    } } };
    table::table("Open issues", &columns, &rows)
}
