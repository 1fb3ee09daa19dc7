//! The newest lines of applications' logs.

use maud::{Markup, html};
use serde::Deserialize;

use crate::escape::Foreign;
use crate::room::Room;
use crate::table::{self, text};

/// Characters of a line.
const MOST: usize = 300;

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Line {
    pub at: String,
    pub level: Foreign,
    pub service: Option<Foreign>,
    pub message: Foreign,
    pub trace_id: Option<Foreign>,
}

pub fn section(lines: &[Line], room: &Room, link: impl Fn(&Foreign) -> Markup) -> Markup {
    let columns = [text("At (UTC)"), text("Level"), text("Service"), text("Message"), text("Trace")];
    let rows = html! { @for line in lines.iter().take(room.lines) { tr {
        th scope="row" { (table::time(&line.at)) }
        td { (line.level) }
        td { @if let Some(service) = &line.service { (service) } }
        td.wide { (line.message.up_to(room.text.min(MOST))) }
        td { @if let Some(id) = &line.trace_id { (link(id)) } }
    } } };
    html! {
        section aria-labelledby="logs" {
            h2 #logs { "Log" }
            @if lines.is_empty() { (table::nothing("No log lines in this window.")) } @else { (table::table("The newest log lines", &columns, &rows)) }
        }
    }
}
