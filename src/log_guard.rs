//! Keeps payloads out of the server's log: an error of a statement that a body came in is logged without that statement.

use std::cell::Cell;

use pgrx::pg_sys;

thread_local! {
    /// When the client's statement began that last brought a body; 0: none has yet.
    static STATEMENT: Cell<pg_sys::TimestampTz> = const { Cell::new(0) };
}

/// Only this thread's backend writes it, in _PG_init.
static mut PREVIOUS_HOOK: pg_sys::emit_log_hook_type = None;

pub fn install() {
    // SAFETY: _PG_init runs once in a process, before any error is reported through the hook.
    unsafe {
        PREVIOUS_HOOK = pg_sys::emit_log_hook;
        pg_sys::emit_log_hook = Some(hide_statement);
    }
}

/// The client's current statement has a payload. It holds to the statement's end, not to the body's: an error is logged when
/// all functions are left, and what fails in the statement later (a division by zero beside the ingest, a timeout) shows
/// the same text.
pub fn guard_statement() {
    STATEMENT.set(statement_start());
}

fn statement_start() -> pg_sys::TimestampTz {
    // SAFETY: reads a time that the backend keeps.
    unsafe { pg_sys::GetCurrentStatementStartTimestamp() }
}

/// Bound parameters stand in the context where log_parameter_max_length_on_error is set: it goes too.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn hide_statement(edata: *mut pg_sys::ErrorData) {
    // SAFETY: Postgres passes the error that it is about to log.
    unsafe {
        if STATEMENT.get() != 0 && STATEMENT.get() == statement_start() {
            (*edata).hide_stmt = true;
            (*edata).hide_ctx = true;
            (*edata).context = std::ptr::null_mut();
        }
        if let Some(previous) = PREVIOUS_HOOK {
            previous(edata);
        }
    }
}
