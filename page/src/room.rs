//! How much of what is long is shown, so that a document stays below [`MOST_BYTES`] whatever is stored, and what it says where
//! less is shown than it had.

use maud::{Markup, html};

/// A page that refreshes itself is fetched again and again, also by telephones.
pub const MOST_BYTES: usize = 300_000;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Room {
    /// Spans of each trace.
    pub spans: usize,
    /// Characters of what a span was asked and said, and of what it failed with. 0: none, but of errors the beginning.
    pub span_text: usize,
    /// Characters of a message, a line of the log, what an alert says.
    pub text: usize,
    /// Lines of the log.
    pub lines: usize,
    /// Whether traces have their spans, and what is about a trace leads to it.
    pub has_traces: bool,
    /// Whether the numbers of the charts are there as a table.
    pub has_numbers: bool,
    /// What this room leaves out. Empty: nothing.
    pub says: &'static str,
}

const ALL: Room = Room {
    spans: usize::MAX,
    span_text: 160,
    text: 300,
    lines: usize::MAX,
    has_traces: true,
    has_numbers: true,
    says: "",
};

/// Of the page of a window, the widest first.
pub const OF_A_WINDOW: [Room; 6] = [
    ALL,
    Room {
        span_text: 60,
        text: 160,
        says: "texts of spans end after 60 characters, messages and lines of the log after 160",
        ..ALL
    },
    Room {
        spans: 20,
        span_text: 60,
        text: 160,
        says: "traces have their first 20 spans, whose texts end after 60 characters, messages and lines of the log after 160",
        ..ALL
    },
    Room {
        spans: 15,
        span_text: 0,
        text: 160,
        says: "traces have their first 15 spans without what was asked and said, messages and lines of the log end after 160 characters",
        ..ALL
    },
    Room {
        spans: 6,
        span_text: 0,
        text: 80,
        lines: 20,
        says: "traces have their first 6 spans without what was asked and said, the log has 20 lines, messages and lines end after 80 characters",
        ..ALL
    },
    Room {
        spans: 0,
        span_text: 0,
        text: 40,
        lines: 10,
        has_traces: false,
        has_numbers: false,
        says: "traces have no spans and no links, charts no table, the log has 10 lines, messages and lines end after 40 characters",
    },
];

/// Of the page of one trace.
pub const OF_A_TRACE: [Room; 4] = [
    Room { span_text: 1_000, ..ALL },
    Room { span_text: 300, says: "texts end after 300 characters", ..ALL },
    Room { span_text: 60, says: "texts end after 60 characters", ..ALL },
    Room { spans: 60, span_text: 0, says: "the first 60 spans, without what was asked and said", ..ALL },
];

/// The first room's document that is short enough. None: not even the last one's is.
pub fn fitting(rooms: &[Room], document: impl Fn(&Room) -> String) -> Option<String> {
    rooms.iter().map(document).find(|document| document.len() <= MOST_BYTES)
}

/// What is not shown is said.
pub fn said(says: &str) -> Markup {
    html! { @if !says.is_empty() { p.hint #cut { strong { "Cut" } " to stay below 300 kB: " (says) "." } } }
}
