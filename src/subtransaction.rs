//! A part of a transaction that may fail alone.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

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
    attempt_with(run, None)
}

/// As [`attempt`], for what is cancelled at a time: that is an error of its own.
pub fn attempt_until<T>(end: Instant, run: impl FnOnce() -> Result<T, Error>) -> Result<T, Failure> {
    attempt_with(run, Some(end))
}

/// A cancel that comes at `end` or later is meant for this alone.
fn attempt_with<T>(run: impl FnOnce() -> Result<T, Error>, end: Option<Instant>) -> Result<T, Failure> {
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
            if end.is_some_and(|end| Instant::now() >= end) {
                Err(Failure::of(&error))
            } else {
                error.rethrow()
            }
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
