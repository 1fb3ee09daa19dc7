//! An error of a job, as it is told: without what could be a payload.

use observa_pipeline::scrub::Scrubber;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::*;

/// Longest text that is kept of one, in characters.
const MOST_CHARACTERS: usize = 500;

/// SQLSTATE classes whose messages quote values: data exceptions, violations of constraints, syntax.
const QUOTES_VALUE: [&str; 3] = ["22", "23", "42"];

/// The class of what a function raises by itself: its message is whatever the function wrote.
const FUNCTIONS_OWN: &str = "P0";

#[derive(Clone, Debug)]
pub struct Failure {
    pub sqlstate: String,
    pub message: String,
}

impl Failure {
    pub fn of(error: &CaughtError) -> Failure {
        let (CaughtError::PostgresError(report)
        | CaughtError::ErrorReport(report)
        | CaughtError::RustPanic { ereport: report, .. }) = error;
        Failure { sqlstate: sqlstate(report.sql_error_code()), message: report.message().to_owned() }
    }

    /// SQLSTATE and message, scrubbed. Only the message: DETAIL and CONTEXT are where rows and statements are quoted.
    pub fn text(&self) -> String {
        if self.sqlstate.starts_with(FUNCTIONS_OWN) {
            return format!("{}: (hidden)", self.sqlstate);
        }
        let quotes_value = self.sqlstate.get(..2).is_some_and(|class| QUOTES_VALUE.contains(&class));
        let message = if quotes_value { without_quoted(&self.message) } else { self.message.clone() };
        let message: String = message.chars().take(MOST_CHARACTERS).collect();
        let sqlstate: String = self.sqlstate.chars().filter(char::is_ascii_alphanumeric).take(5).collect();
        format!("{sqlstate}: {}", Scrubber::builtin().scrub(&message).text)
    }
}

/// Names of relations and columns go, too: which of them is a value, nobody can tell.
fn without_quoted(message: &str) -> String {
    let mut parts = message.split('"');
    let mut shown = parts.next().unwrap_or_default().to_owned();
    while parts.next().is_some() {
        shown.push_str("\"(hidden)\"");
        shown.push_str(parts.next().unwrap_or_default());
    }
    shown
}

/// The five characters that Postgres packs into a number, six bits each.
fn sqlstate(code: PgSqlErrorCode) -> String {
    (0..5)
        .map(|place| {
            let six = (code as i32 >> (6 * place)) & 0x3f;
            char::from(u8::try_from(six).unwrap_or_default().saturating_add(b'0'))
        })
        .collect()
}
