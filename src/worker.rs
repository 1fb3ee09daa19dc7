//! Workers in the server: a launcher, and for each database with the extension one that runs its jobs, and where something waits for
//! the network another one.

mod analysis;
pub mod board;
mod crashes;
mod database_ddl;
mod databases;
mod holds;
mod judges;
mod launcher;
pub mod maintenance;
mod post;
mod process;
pub mod restore;
pub mod settings;

use std::cell::Cell;

use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::shared;

/// What they are called in pg_stat_activity.
const LAUNCHER: &str = "observa launcher";
const MAINTENANCE: &str = "observa maintenance";
const ANALYSIS: &str = "observa analysis";

thread_local! {
    /// Whether this transaction changes what the launcher and this database's worker should look at.
    static WAKES: Cell<bool> = const { Cell::new(false) };
}

/// From `_PG_init`: only where the library is loaded at the server's start. In pg_upgrade no worker may be connected.
pub fn start() {
    // SAFETY: reads a flag that the postmaster sets before it loads libraries.
    if !shared::is_there() || unsafe { pg_sys::IsBinaryUpgrade } {
        return;
    }
    database_ddl::install();
    crashes::count();
    launcher::register();
    // SAFETY: registered once for the process, and inherited by all that it forks.
    unsafe { pg_sys::RegisterXactCallback(Some(at_end), std::ptr::null_mut()) };
}

/// At this transaction's commit launcher and worker look for what has changed in this database.
pub fn wake_at_commit() {
    WAKES.set(true);
}

#[pg_guard]
unsafe extern "C-unwind" fn at_end(event: pg_sys::XactEvent::Type, _argument: *mut std::ffi::c_void) {
    use pg_sys::XactEvent::{XACT_EVENT_ABORT, XACT_EVENT_COMMIT, XACT_EVENT_PREPARE};
    if ![XACT_EVENT_ABORT, XACT_EVENT_COMMIT, XACT_EVENT_PREPARE].contains(&event) {
        return;
    }
    let wakes = WAKES.take() && event != XACT_EVENT_ABORT;
    if wakes {
        // SAFETY: reads what the backend is connected to.
        let database = unsafe { pg_sys::MyDatabaseId };
        let workers = shared::with_board(|board| {
            board.ask(database);
            board.pids(database).collect::<Vec<_>>()
        });
        workers.into_iter().flatten().for_each(|worker| process::wake(Some(worker)));
    }
    if holds::release_at_end() || wakes {
        launcher::wake();
    }
}
