//! How often the server has crashed lately. Should a job be the reason, it must not keep the server down: workers wait longer each time.
//! The postmaster survives what all others do not, so it counts, and whom it forks knows.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::storage;

/// After so long without one (microseconds), crashes are counted anew.
const CALM: i64 = 600_000_000;

const PAUSE: Duration = Duration::from_secs(5);
const PAUSE_AT_MOST: Duration = Duration::from_secs(300);

static CRASHES: AtomicU32 = AtomicU32::new(0);

/// When shared memory was made last (microseconds since 1970 UTC). 0: not yet.
static BEGUN: AtomicI64 = AtomicI64::new(0);

/// Only the postmaster writes it, in _PG_init.
static mut PREVIOUS_HOOK: pg_sys::shmem_startup_hook_type = None;

pub fn count() {
    // SAFETY: _PG_init runs once, in the postmaster.
    unsafe {
        PREVIOUS_HOOK = pg_sys::shmem_startup_hook;
        pg_sys::shmem_startup_hook = Some(begin);
    }
}

/// Called at the server's start, and whenever shared memory is made anew after a crash.
#[pg_guard]
unsafe extern "C-unwind" fn begin() {
    // SAFETY: the hook that was there before, called as Postgres calls this one.
    unsafe {
        if let Some(previous) = PREVIOUS_HOOK {
            previous();
        }
    }
    let now = storage::now();
    let before = BEGUN.swap(now, Ordering::Relaxed);
    let crashes = match before {
        0 => 0,
        before if now - before > CALM => 1,
        _ => CRASHES.load(Ordering::Relaxed).saturating_add(1),
    };
    CRASHES.store(crashes, Ordering::Relaxed);
}

/// How long no worker is to be started yet, from the launcher's start.
pub fn pause() -> Duration {
    match CRASHES.load(Ordering::Relaxed) {
        0 => Duration::ZERO,
        crashes => PAUSE.saturating_mul(1 << (crashes - 1).min(10)).min(PAUSE_AT_MOST),
    }
}
