//! INSERT INTO observa.llm_requests: a row goes the way of observa.ingest.

use pgrx::prelude::*;
use pgrx::{AllocatedByPostgres, PgTrigger};

use crate::error::{Error, or_raise};
use crate::ingest;
use crate::log_guard::guard_statement;
use crate::triggers;

/// A row that can't be stored is the statement's error: nobody reads a dead letter of their own INSERT.
#[pg_trigger(sql = false)]
fn insert_llm_request<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, AllocatedByPostgres>>, pgrx::spi::Error> {
    guard_statement();
    let data = trigger.trigger_data();
    let row = triggers::row_text(data.tg_trigtuple, data)?;
    or_raise(store(&row));
    triggers::row(trigger)
}

fn store(row: &str) -> Result<(), Error> {
    let outcome = ingest::ingest_row(row)?;
    match outcome.rejected.first() {
        Some(rejected) => Err(Error::Rejected(rejected.reject.message.to_string())),
        None => Ok(()),
    }
}
