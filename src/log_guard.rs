//! Keeps payloads out of the server's log: while a body is read, an error is logged without the statement that it came in.

use std::cell::Cell;

use pgrx::pg_sys;

thread_local! {
    /// How many bodies this backend is reading (a trigger may nest one in another).
    static READING: Cell<u32> = const { Cell::new(0) };
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

/// While it lives, the statement is not logged. An error that jumps past its end is seen by the hook first.
pub struct LogGuard;

impl LogGuard {
    pub fn new() -> LogGuard {
        READING.set(READING.get().saturating_add(1));
        LogGuard
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        READING.set(READING.get().saturating_sub(1));
    }
}

/// Bound parameters stand in the context where log_parameter_max_length_on_error is set: it goes too.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn hide_statement(edata: *mut pg_sys::ErrorData) {
    // SAFETY: Postgres passes the error that it is about to log.
    unsafe {
        if READING.get() > 0 {
            (*edata).hide_stmt = true;
            (*edata).hide_ctx = true;
            (*edata).context = std::ptr::null_mut();
        }
        if let Some(previous) = PREVIOUS_HOOK {
            previous(edata);
        }
    }
}
