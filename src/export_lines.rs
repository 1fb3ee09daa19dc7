//! observa.export_traces: what its lines are made of, and the text that PostgREST answers with.

use pgrx::heap_tuple::PgHeapTuple;
use pgrx::prelude::*;
use pgrx::{AnyElement, Internal, PgMemoryContexts};

use crate::error::{Error, or_raise};
use crate::times::in_order;

const HEADERS: &std::ffi::CStr = c"request.headers";

#[pg_extern(sql = false)]
fn export_format(format: Option<&str>) -> String {
    let format = match format {
        Some("csv" | "ndjson") => format.map(str::to_owned),
        Some(other) => {
            or_raise(Err(Error::Invalid(format!("format must be ndjson or csv, not \"{other}\""))))
        }
        None => accepted().filter(|types| types.contains("text/csv")).map(|_| "csv".into()),
    };
    format.unwrap_or_else(|| "ndjson".into())
}

/// What PostgREST was asked to answer with.
fn accepted() -> Option<String> {
    // SAFETY: a C string; the value is copied at once.
    let headers = unsafe {
        let found = pg_sys::GetConfigOption(HEADERS.as_ptr(), true, false);
        if found.is_null() { return None } else { std::ffi::CStr::from_ptr(found).to_str().ok()?.to_owned() }
    };
    let headers: serde_json::Value = serde_json::from_str(&headers).ok()?;
    headers.get("accept").and_then(|types| types.as_str()).map(str::to_ascii_lowercase)
}

#[pg_extern(sql = false)]
fn export_limit(
    top: Option<i32>,
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
) -> Option<i64> {
    or_raise(in_order(since, until));
    if top.is_some_and(|top| top < 1) {
        or_raise(Err(Error::Invalid("top must be at least 1, or NULL for all".into())))
    }
    top.map(i64::from)
}

/// The aggregate's state, made in the memory that lives as long as its group.
fn collected(state: &mut Internal, call: pg_sys::FunctionCallInfo) -> &mut String {
    let mut memory = std::ptr::null_mut();
    // SAFETY: PostgreSQL passed the call info, and add_line() alone, which only a superuser could call from another aggregate, makes states.
    unsafe {
        if pg_sys::AggCheckCallContext(call, &mut memory) == 0 {
            Error::Invalid("it was called outside of an aggregate".into()).raise();
        }
        PgMemoryContexts::For(memory).switch_to(|_| state.get_or_insert_default::<String>())
    }
}

#[pg_extern(sql = false)]
fn add_line(mut state: Internal, row: Option<AnyElement>, call: pg_sys::FunctionCallInfo) -> Internal {
    // SAFETY: SQL declares it as a row of observa.export_lines.
    let row = row.map(|row| unsafe { PgHeapTuple::from_composite_datum(row.datum()) });
    if let Some(line) = row.as_ref().and_then(|row| row.get_by_name::<&str>("line").ok().flatten()) {
        let text = collected(&mut state, call);
        text.push_str(line);
        text.push('\n');
    }
    state
}

/// Of no lines the empty text.
#[pg_extern(sql = false)]
fn lines(state: Internal) -> String {
    // SAFETY: only add_line() makes a state.
    unsafe { state.get::<String>() }.cloned().unwrap_or_default()
}
