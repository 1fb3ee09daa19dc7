//! A part of a transaction that may fail alone.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::*;

use crate::error::{Error, or_raise};
use crate::jobs::failure::Failure;

/// None: it met a key that is there already, and nothing of it has happened.
pub fn unless_duplicate<T>(run: impl FnOnce() -> Result<T, Error>) -> Result<Option<T>, Error> {
    unless([PgSqlErrorCode::ERRCODE_UNIQUE_VIOLATION], run)
}

/// None: it did not get a lock in time, and nothing of it has happened.
pub fn unless_locked<T>(run: impl FnOnce() -> Result<T, Error>) -> Result<Option<T>, Error> {
    unless([PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE, PgSqlErrorCode::ERRCODE_T_R_DEADLOCK_DETECTED], run)
}

/// Err: it met an error, and nothing of it has happened. What ends the statement itself, a cancel or the session's end, passes by.
pub fn attempt<T>(run: impl FnOnce() -> Result<T, Error>) -> Result<T, Failure> {
    attempt_with(run, |_| false)
}

/// As [`attempt`], for what takes no longer than a time, and may raise a cancel of its own: both are errors of it.
pub fn attempt_within<T>(time: Duration, run: impl FnOnce() -> Result<T, Error>) -> Result<T, Failure> {
    let ms = i32::try_from(time.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: in a job, whose session's own statement has no timeout that counts.
    unsafe { enable_timeout_after(STATEMENT_TIMEOUT, ms) };
    let done = attempt_with(run, |error| has_fired() || !is_interrupt(error));
    // It may have fired and not be heard yet, or not any more: what comes next is not to be ended by it.
    if has_fired() {
        // SAFETY: a flag of the process' own signal handler, as Postgres clears it between commands.
        unsafe { (&raw mut pg_sys::QueryCancelPending).write_volatile(0) };
    }
    // SAFETY: as above.
    unsafe { disable_timeout(STATEMENT_TIMEOUT, false) };
    done
}

/// In Postgres's list of timeouts.
const STATEMENT_TIMEOUT: i32 = 3;

unsafe extern "C-unwind" {
    fn enable_timeout_after(timeout: i32, ms: i32);
    fn disable_timeout(timeout: i32, keep_indicator: bool);
    fn get_timeout_active(timeout: i32) -> bool;
}

/// Of the timer that was set: one that has fired is active no more.
fn has_fired() -> bool {
    // SAFETY: reads the backend's list of timeouts.
    unsafe { !get_timeout_active(STATEMENT_TIMEOUT) }
}

/// Whether somebody from outside has cancelled it: not an error of the same code that a function raises by itself.
fn is_interrupt(error: &CaughtError) -> bool {
    let (CaughtError::PostgresError(report)
    | CaughtError::ErrorReport(report)
    | CaughtError::RustPanic { ereport: report, .. }) = error;
    report.function_name() == Some("ProcessInterrupts")
}

/// A cancel that is its own is an error as any other.
fn attempt_with<T>(
    run: impl FnOnce() -> Result<T, Error>,
    is_own_cancel: impl Fn(&CaughtError) -> bool + std::panic::UnwindSafe + std::panic::RefUnwindSafe,
) -> Result<T, Failure> {
    // SAFETY: as in `unless`.
    unsafe {
        let outer = Outer { context: pg_sys::CurrentMemoryContext, owner: pg_sys::CurrentResourceOwner };
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::MemoryContextSwitchTo(outer.context);
        PgTryBuilder::new(AssertUnwindSafe(|| {
            let done = or_raise(run());
            pg_sys::ReleaseCurrentSubTransaction();
            outer.restore();
            Ok(done)
        }))
        .catch_when(PgSqlErrorCode::ERRCODE_QUERY_CANCELED, move |error: CaughtError| {
            outer.roll_back();
            if is_own_cancel(&error) { Err(Failure::of(&error)) } else { error.rethrow() }
        })
        .catch_others(|error| {
            outer.roll_back();
            Err(Failure::of(&error))
        })
        .catch_rust_panic(|error| {
            outer.roll_back();
            Err(Failure::of(&error))
        })
        .execute()
    }
}

/// Runs something in a subtransaction. None: it met one of the errors.
fn unless<T, const N: usize>(
    errors: [PgSqlErrorCode; N],
    run: impl FnOnce() -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    // SAFETY: as plpgsql does it: the memory and the resources that were current are so again at every end of the
    // subtransaction, and no error passes by without rolling it back.
    unsafe {
        let outer = Outer { context: pg_sys::CurrentMemoryContext, owner: pg_sys::CurrentResourceOwner };
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::MemoryContextSwitchTo(outer.context);
        let attempt = PgTryBuilder::new(AssertUnwindSafe(|| {
            let result = run();
            pg_sys::ReleaseCurrentSubTransaction();
            outer.restore();
            result.map(Some)
        }));
        let attempt = errors.into_iter().fold(attempt, |attempt, error| {
            attempt.catch_when(error, move |_| {
                outer.roll_back();
                Ok(None)
            })
        });
        attempt
            .catch_others(|error: CaughtError| {
                outer.roll_back();
                error.rethrow()
            })
            .catch_rust_panic(|error: CaughtError| {
                outer.roll_back();
                error.rethrow()
            })
            .execute()
    }
}

/// What was current when the subtransaction began.
#[derive(Clone, Copy)]
struct Outer {
    context: pg_sys::MemoryContext,
    owner: pg_sys::ResourceOwner,
}

impl Outer {
    unsafe fn restore(self) {
        // SAFETY: both are the transaction's, and outlive the subtransaction.
        unsafe {
            pg_sys::MemoryContextSwitchTo(self.context);
            pg_sys::CurrentResourceOwner = self.owner;
        }
    }

    unsafe fn roll_back(self) {
        // SAFETY: called once, after an error inside of the subtransaction.
        unsafe {
            pg_sys::MemoryContextSwitchTo(self.context);
            pg_sys::RollbackAndReleaseCurrentSubTransaction();
            self.restore();
        }
    }
}
