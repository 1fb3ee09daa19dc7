//! observa.pre_restore and observa.post_restore: no job runs in between. The mark is a setting of the database: storage is what a
//! restore makes, and a mark in shared memory would not outlive the server.

use std::ffi::CStr;

use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::error::{Error, or_raise};
use crate::identity;
use crate::worker::{self, holds};

#[pg_extern(sql = false)]
fn pre_restore() {
    mark("observa.pre_restore()", "SET observa.restoring = 'on'");
    // SAFETY: reads what the backend is connected to.
    if !holds::hold(unsafe { pg_sys::MyDatabaseId }) {
        pgrx::warning!("Observa's worker for this database has not ended yet: it does when its job lets it");
    }
}

#[pg_extern(sql = false)]
fn post_restore() {
    mark("observa.post_restore()", "RESET observa.restoring");
}

fn mark(function: &'static str, change: &str) {
    if !identity::session_is_superuser() {
        Error::SuperuserOnly(function).raise();
    }
    // SAFETY: a name in the current memory context, of the database that the backend is connected to.
    let database = unsafe { CStr::from_ptr(pg_sys::get_database_name(pg_sys::MyDatabaseId)) };
    let database = pgrx::spi::quote_identifier(database.to_string_lossy());
    or_raise(Spi::run(&format!("ALTER DATABASE {database} {change}")).map_err(Error::Spi));
    worker::wake_at_commit();
}

#[pg_extern(sql = false, name = "is_restoring")]
fn tells_restoring() -> bool {
    or_raise(is_restoring())
}

/// Whether all jobs of this database are held.
pub fn is_restoring() -> Result<bool, Error> {
    Ok(Spi::get_one::<bool>(include_str!("../../sql/job/is_restoring.sql"))? == Some(true))
}
