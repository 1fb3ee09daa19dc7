//! INSERT INTO observa.llm_requests: a row goes the way of observa.ingest.

use pgrx::prelude::*;
use pgrx::{AllocatedByRust, PgTrigger};

use crate::error::{Error, or_raise};
use crate::ingest;
use crate::log_guard::guard_statement;
use crate::triggers;

/// A row that can't be stored is the statement's error: nobody reads a dead letter of their own INSERT.
#[pg_trigger(sql = false)]
fn insert_llm_request<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, AllocatedByRust>>, pgrx::spi::Error> {
    guard_statement();
    let data = trigger.trigger_data();
    let row = triggers::row_text(data.tg_trigtuple, data)?;
    let event_id = or_raise(store(&row));
    // For RETURNING id.
    let mut row = triggers::row(trigger)?.map(PgHeapTuple::into_owned);
    if let Some(row) = &mut row {
        let named = row.set_by_name("id", event_id);
        named.unwrap_or_else(|error| Error::Invalid(error.to_string()).raise());
    }
    Ok(row)
}

/// The id that the row is stored under.
fn store(row: &str) -> Result<String, Error> {
    let (event_id, outcome) = ingest::ingest_row(row)?;
    match outcome.rejected.first() {
        Some(rejected) => Err(Error::Rejected(rejected.reject.message.to_string())),
        None => Ok(event_id),
    }
}
