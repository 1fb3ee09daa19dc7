//! INSERT INTO observa.llm_requests: a row goes the way of observa.ingest.

use std::borrow::Cow;

use observa_pipeline::translate::json::{self, Object};
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
    // For RETURNING.
    let mut row = triggers::row(trigger)?.map(PgHeapTuple::into_owned);
    if let Some(row) = &mut row {
        for column in ["id", "request_id"] {
            let named = row.set_by_name(column, event_id.clone());
            named.unwrap_or_else(|error| Error::Invalid(error.to_string()).raise());
        }
    }
    Ok(row)
}

/// The id that the row is stored under.
fn store(row: &str) -> Result<String, Error> {
    let (event_id, outcome) = ingest::ingest_row(&with_request_id(row))?;
    match outcome.rejected.first() {
        Some(rejected) => Err(Error::Rejected(rejected.reject.message.to_string())),
        None => Ok(event_id),
    }
}

/// The view has two names for the event's id: `request_id`, as events have it, and `id`, which counts where that is not given.
fn with_request_id(row: &str) -> Cow<'_, str> {
    let Ok(members) = Object::parse(row) else { return Cow::Borrowed(row) };
    let given = |key: &str| members.get(key).filter(|raw| *raw != "null");
    let Some(id) = given("id").filter(|_| given("request_id").is_none()) else { return Cow::Borrowed(row) };
    let others = members.0.iter().filter(|(key, _)| !["id", "request_id"].contains(&key.as_ref()));
    let mut text = format!("{{\"request_id\":{id}");
    for (key, raw) in others {
        text.push(',');
        json::write_string(&mut text, key);
        text.push(':');
        text.push_str(raw);
    }
    text.push('}');
    Cow::Owned(text)
}
