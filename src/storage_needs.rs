//! What this library names of the storage and an older library's may lack, until observa.setup() adds it: tables, and columns that came later.

use std::cell::Cell;
use std::ffi::CString;
use std::fmt;
use std::sync::LazyLock;

use pgrx::pg_sys;

use crate::error::Error;
use crate::storage::{self, SCRIPTS};

/// Tables that a body's events, their signals and alerts, and who sends them are written to or read from. What else is missing is the
/// jobs' and administration's: events need not wait for it.
const OF_INGEST: [&str; 26] = [
    "alert_candidates",
    "alerts",
    "analysis_events",
    "api_keys",
    "detection_candidates",
    "detection_rules",
    "evaluators",
    "event_keys",
    "event_payloads",
    "events",
    "issue_deltas",
    "logins",
    "logs",
    "members",
    "model_prices",
    "projects",
    "rejected_events",
    "rollup_deltas",
    "rule_mutes",
    "scrub_patterns",
    "sessions",
    "signals",
    "span_contents",
    "tenants",
    "usage",
    "usage_deltas",
];

/// Whom it must suffice for.
#[derive(Clone, Copy)]
pub enum For {
    Ingest,
    Everything,
}

/// A table, or one of its columns.
#[derive(Debug, PartialEq)]
pub struct Need {
    table: &'static str,
    column: Option<&'static str>,
}

impl fmt::Display for Need {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self.column {
            Some(column) => write!(out, "column {} of {}", column, self.table),
            None => write!(out, "table {}", self.table),
        }
    }
}

/// Read from the scripts, so that none is forgotten: they make tables by CREATE, and whatever came later by ADD COLUMN.
static NEEDS: LazyLock<Vec<Need>> = LazyLock::new(|| SCRIPTS.iter().copied().flat_map(of_script).collect());

thread_local! {
    /// The table of events of the storage that sufficed, for ingest and for everything: nobody takes a column away, but another dump may be
    /// restored in its place.
    static SUFFICED: Cell<[pg_sys::Oid; 2]> = const { Cell::new([pg_sys::InvalidOid; 2]) };
}

/// What is missing first. None: the storage suffices.
pub fn missing(whom: For) -> Option<&'static Need> {
    let events = storage::relation("events").unwrap_or(pg_sys::InvalidOid);
    let [for_ingest, for_everything] = SUFFICED.get();
    let known = match whom {
        For::Ingest => for_ingest,
        For::Everything => for_everything,
    };
    if known == events && events != pg_sys::InvalidOid {
        return None;
    }
    debug_assert!(
        OF_INGEST.iter().all(|table| NEEDS.iter().any(|need| need.table == *table)),
        "a table of ingest has another name by now"
    );
    let counts = |need: &&Need| matches!(whom, For::Everything) || OF_INGEST.contains(&need.table);
    let missing = NEEDS.iter().filter(counts).find(|need| !is_there(need));
    if missing.is_none() {
        SUFFICED.set(match whom {
            For::Ingest => [events, for_everything],
            For::Everything => [events, events],
        });
    }
    missing
}

pub fn require(whom: For) -> Result<(), Error> {
    missing(whom).map_or(Ok(()), |missing| Err(Error::OldStorage(missing)))
}

fn is_there(need: &Need) -> bool {
    let Some(table) = storage::relation(need.table) else { return false };
    let Some(column) = need.column else { return true };
    let Ok(column) = CString::new(column) else { return false };
    // SAFETY: a look-up in the system cache with a C string that lives through the call.
    unsafe { pg_sys::get_attnum(table, column.as_ptr()) != 0 }
}

fn of_script(script: &'static str) -> Vec<Need> {
    let statements = script.split(';');
    statements
        .flat_map(|statement| {
            let made = after(
                statement,
                &["CREATE TABLE IF NOT EXISTS observa_internal.", "CREATE TABLE observa_internal."],
            );
            let made = made.into_iter().map(|table| Need { table, column: None });
            let changed = after(statement, &["ALTER TABLE observa_internal."]).into_iter().next();
            let added = after(statement, &["ADD COLUMN IF NOT EXISTS ", "ADD COLUMN "]).into_iter();
            let added = changed
                .into_iter()
                .flat_map(move |table| added.clone().map(move |column| Need { table, column: Some(column) }));
            made.chain(added).collect::<Vec<_>>()
        })
        .collect()
}

/// The names that come after one of the phrases.
fn after(statement: &'static str, phrases: &[&str]) -> Vec<&'static str> {
    let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut names = Vec::new();
    for phrase in phrases {
        names.extend(statement.split(phrase).skip(1).map(|rest| {
            let end = rest.find(|letter| !is_of_name(letter)).unwrap_or(rest.len());
            rest.get(..end).unwrap_or_default()
        }));
    }
    // "IF NOT EXISTS" after a phrase without it.
    names.retain(|name| *name != "IF");
    names
}
