//! What every worker process does alike: signals, waiting, transactions of its own, and what pg_stat_activity shows.

use std::ffi::CString;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use pgrx::pg_sys;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::*;

use crate::jobs::failure::Failure;
use crate::shared;
use crate::worker::board::{Reason, Role};
use crate::worker::launcher;

/// A worker waits no longer than this for a lock: those who come later wait behind it.
const LOCK_TIMEOUT: &std::ffi::CStr = c"2s";

unsafe extern "C-unwind" {
    // As they are: pgrx' own can't be handlers.
    fn die(signal: i32);
    fn SignalHandlerForConfigReload(signal: i32);
}

/// What a worker of one database does from its beginning to its end: takes its place on the board, connects, and runs until there is a
/// reason to end.
pub fn run(database: pg_sys::Datum, role: Role, name: &str, keep: fn() -> Reason) {
    let database = pg_sys::Oid::from(u32::try_from(database.value()).unwrap_or_default());
    // Signals are not let in yet: nobody who finds this process on the board can miss its answer.
    // SAFETY: a callback of this library. It is called after the process has left the list of those that are in a database.
    unsafe { pg_sys::on_shmem_exit(Some(at_exit), pg_sys::Datum::from(0)) };
    if shared::with_board(|board| board.enter(database, role, own_pid())) == Some(true) {
        listen();
        // SAFETY: in a worker's main function. As the bootstrap superuser, whom nobody can drop.
        unsafe { pg_sys::BackgroundWorkerInitializeConnectionByOid(database, pg_sys::InvalidOid, 0) };
        introduce(name);
        let reason = keep();
        shared::with_board(|board| board.explain(own_pid(), reason));
    }
    // SAFETY: the end of a worker's main function.
    unsafe { pg_sys::proc_exit(0) };
}

#[pg_guard]
unsafe extern "C-unwind" fn at_exit(_code: i32, _argument: pg_sys::Datum) {
    shared::with_board(|board| board.leave(own_pid()));
    launcher::wake();
}

pub fn own_pid() -> i32 {
    // SAFETY: reads the process' own number.
    unsafe { pg_sys::MyProcPid }
}

/// Starts a thread with every signal blocked, as threads inherit it: Postgres' handlers run in the process' own thread or in none.
pub fn with_signals_blocked<T>(start: impl FnOnce() -> T) -> T {
    // SAFETY: sets of signals on the stack, filled by the calls; the mask is this thread's own, and put back.
    unsafe {
        let mut all = std::mem::zeroed::<libc::sigset_t>();
        let mut own = std::mem::zeroed::<libc::sigset_t>();
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut own);
        let started = start();
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const own, std::ptr::null_mut());
        started
    }
}

/// SIGTERM ends it as it ends a backend, also within a long query; SIGHUP has it read the settings. SIGINT, which lock_timeout
/// needs, is set already.
pub fn listen() {
    // SAFETY: handlers of Postgres' own, in a worker's main function, before signals are let in.
    unsafe {
        #[cfg(not(feature = "pg18"))]
        {
            pg_sys::pqsignal(libc::SIGTERM, Some(die));
            pg_sys::pqsignal(libc::SIGHUP, Some(SignalHandlerForConfigReload));
        }
        #[cfg(feature = "pg18")]
        {
            pg_sys::pqsignal_be(libc::SIGTERM, Some(die));
            pg_sys::pqsignal_be(libc::SIGHUP, Some(SignalHandlerForConfigReload));
        }
        pg_sys::BackgroundWorkerUnblockSignals();
    }
}

/// Once connected: its name, and what no setting of the database or the role may change.
pub fn introduce(name: &str) {
    let Ok(name) = CString::new(name) else { return };
    let settings = [
        (c"application_name", name.as_c_str()),
        (c"search_path", c"pg_catalog, pg_temp"),
        (c"lock_timeout", LOCK_TIMEOUT),
        (c"statement_timeout", c"0"),
        #[cfg(not(any(feature = "pg15", feature = "pg16")))]
        (c"transaction_timeout", c"0"),
        (c"idle_in_transaction_session_timeout", c"0"),
        (c"default_transaction_read_only", c"off"),
        (c"default_transaction_isolation", c"read committed"),
        (c"row_security", c"on"),
    ];
    for (setting, value) in settings {
        // SAFETY: C strings that live through the call; Postgres copies them.
        unsafe {
            pg_sys::SetConfigOption(
                setting.as_ptr(),
                value.as_ptr(),
                pg_sys::GucContext::PGC_SUSET,
                pg_sys::GucSource::PGC_S_OVERRIDE,
            );
        }
    }
    // SAFETY: as above.
    unsafe { pg_sys::pgstat_report_appname(name.as_ptr()) };
}

/// What pg_stat_activity shows of it.
pub fn show(is_running: bool, what: &str) {
    let Ok(what) = CString::new(what) else { return };
    let state =
        if is_running { pg_sys::BackendState::STATE_RUNNING } else { pg_sys::BackendState::STATE_IDLE };
    // SAFETY: a C string that lives through the call; Postgres copies it.
    unsafe { pg_sys::pgstat_report_activity(state, what.as_ptr()) };
}

/// Whether it was told to end. Who asks can end in its own way; else the next interrupt does it, as FATAL.
pub fn is_told_to_end() -> bool {
    // SAFETY: reads a flag that the signal handler sets.
    unsafe { (&raw const pg_sys::ProcDiePending).read_volatile() != 0 }
}

/// Runs something short at the end of a process that was told to end: transactions of it are not ended by that, and wait for no lock longer
/// than others can bear. A second word ends it.
pub fn undisturbed(run: impl FnOnce()) {
    // SAFETY: flags of the process' own signal handlers, between transactions; a C string that Postgres copies.
    unsafe {
        (&raw mut pg_sys::ProcDiePending).write_volatile(0);
        (&raw mut pg_sys::InterruptPending).write_volatile(0);
        pg_sys::SetConfigOption(
            c"lock_timeout".as_ptr(),
            c"300ms".as_ptr(),
            pg_sys::GucContext::PGC_SUSET,
            pg_sys::GucSource::PGC_S_OVERRIDE,
        );
    }
    run();
}

/// Waits, at most so long; a signal or [`wake`] ends it. Reads the settings where they have changed.
pub fn wait(time: Duration) {
    let millis = std::ffi::c_long::try_from(time.as_millis()).unwrap_or(std::ffi::c_long::MAX).max(1);
    let events = pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
    // SAFETY: the process' own latch.
    unsafe {
        pg_sys::WaitLatch(pg_sys::MyLatch, events.cast_signed(), millis, pg_sys::PG_WAIT_EXTENSION);
        pg_sys::ResetLatch(pg_sys::MyLatch);
    }
    if is_told_to_end() {
        return;
    }
    pgrx::check_for_interrupts!();
    // SAFETY: between transactions, as Postgres asks for it.
    unsafe {
        if (&raw const pg_sys::ConfigReloadPending).read_volatile() != 0 {
            (&raw mut pg_sys::ConfigReloadPending).write_volatile(0);
            pg_sys::ProcessConfigFile(pg_sys::GucContext::PGC_SIGHUP);
        }
    }
}

/// Ends the wait of a process, if it is one of this server's.
pub fn wake(pid: Option<i32>) {
    let Some(pid) = pid.filter(|pid| *pid != 0) else { return };
    // SAFETY: null, or a process' entry in shared memory, which is never freed. That it has become another's in between costs
    // that one a look.
    unsafe {
        let process = pg_sys::BackendPidGetProc(pid);
        if !process.is_null() {
            pg_sys::SetLatch(&raw mut (*process).procLatch);
        }
    }
}

/// Whether a process of this server is there.
pub fn is_alive(pid: i32) -> bool {
    // SAFETY: only compared.
    unsafe { !pg_sys::BackendPidGetProc(pid).is_null() }
}

/// Runs something in a transaction of its own, and tells autovacuum what has changed. Err: nothing of it has happened, and the
/// process is as before.
pub fn transaction<T>(run: impl FnOnce() -> T) -> Result<T, Failure> {
    let failed = |error: CaughtError| {
        // SAFETY: after an error, outside of what raised it, as a backend's main loop does it.
        unsafe {
            pg_sys::InterruptHoldoffCount += 1;
            pg_sys::AbortCurrentTransaction();
            pg_sys::FlushErrorState();
            pg_sys::InterruptHoldoffCount -= 1;
        }
        Err(Failure::of(&error))
    };
    let done = PgTryBuilder::new(AssertUnwindSafe(|| {
        // SAFETY: between transactions; what is pushed is popped, or ends with the transaction.
        unsafe {
            pg_sys::SetCurrentStatementStartTimestamp();
            pg_sys::StartTransactionCommand();
            pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
        }
        let done = run();
        // SAFETY: as above.
        unsafe {
            pg_sys::PopActiveSnapshot();
            pg_sys::CommitTransactionCommand();
        }
        Ok(done)
    }))
    .catch_others(failed)
    .catch_rust_panic(failed)
    .execute();
    // SAFETY: between transactions.
    unsafe { pg_sys::pgstat_report_stat(true) };
    done
}
