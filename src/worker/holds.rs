//! A database held for one statement: its worker ends, and none starts until the hold is released.

use std::cell::Cell;
use std::time::{Duration, Instant};

use pgrx::pg_sys;
use pgrx::pg_sys::Oid;
use pgrx::prelude::*;

use crate::shared;
use crate::worker::board::Hold;
use crate::worker::{launcher, process};

/// How long a worker may take to end. It hears SIGTERM at once, but for a moment where it holds what must not be left.
const LEAVES_WITHIN: Duration = Duration::from_secs(5);

const LOOK: Duration = Duration::from_millis(10);

thread_local! {
    /// Whether this backend holds a database.
    static HOLDS: Cell<bool> = const { Cell::new(false) };
    /// Statements under way that hold one: some commit in between.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static WATCHES_EXIT: Cell<bool> = const { Cell::new(false) };
}

/// Holds a database to the transaction's end, and waits for its workers to be gone; whether they are.
pub fn hold(database: Oid) -> bool {
    if !WATCHES_EXIT.replace(true) {
        // SAFETY: a callback of this library, which stays loaded; it is called before the process gives up its locks.
        unsafe { pg_sys::on_shmem_exit(Some(at_exit), pg_sys::Datum::from(0)) };
    }
    HOLDS.set(true);
    shared::with_board(|board| board.hold(Hold { database, pid: process::own_pid() }));
    let until = Instant::now() + LEAVES_WITHIN;
    let mut told = Vec::new();
    loop {
        let gone = shared::with_board(|board| {
            for pid in board.pids(database) {
                if !told.contains(&pid) {
                    // While the board is locked the process can't be gone, and its number be another's.
                    told.push(pid);
                    terminate(pid);
                }
            }
            !board.has_any_worker(database)
        });
        if gone != Some(false) {
            return true;
        }
        if Instant::now() > until {
            return false;
        }
        std::thread::sleep(LOOK);
        pgrx::check_for_interrupts!();
    }
}

fn terminate(pid: i32) {
    // SAFETY: a signal to a process of this server.
    unsafe { libc::kill(pid, libc::SIGTERM) };
}

/// Runs a statement, whose own commits release nothing.
pub fn during<T>(run: impl FnOnce() -> T) -> T {
    struct Depth;
    impl Drop for Depth {
        fn drop(&mut self) {
            DEPTH.set(DEPTH.get().saturating_sub(1));
        }
    }
    DEPTH.set(DEPTH.get() + 1);
    let _depth = Depth;
    run()
}

/// Releases all at once: the statement has failed.
pub fn release() {
    if HOLDS.take() {
        shared::with_board(|board| board.release(process::own_pid()));
        launcher::wake();
    }
}

/// From the transaction's end; whether there was anything to release.
pub fn release_at_end() -> bool {
    DEPTH.get() == 0
        && HOLDS.take()
        && shared::with_board(|board| board.release(process::own_pid())) == Some(true)
}

/// A session may end in the middle of its statement.
#[pg_guard]
unsafe extern "C-unwind" fn at_exit(_code: i32, _argument: pg_sys::Datum) {
    release();
}
