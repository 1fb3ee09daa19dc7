//! The server's databases, as a process without one of its own can read them.

use std::ffi::CStr;

use pgrx::pg_sys;
use pgrx::pg_sys::Oid;

use crate::settings;

/// A database whose DROP was interrupted has this limit of connections, and takes none.
const INVALID: i32 = -2;

/// Those that can have a worker: no templates, none that takes no connections, and of the others what `observa.databases` names. In a
/// transaction.
pub fn kept() -> Vec<Oid> {
    let mut found = Vec::new();
    // SAFETY: a scan of a shared catalog, as the autovacuum launcher does it. Each row's fixed part has this layout, and lives until
    // the next is fetched.
    unsafe {
        let table = pg_sys::table_open(pg_sys::DatabaseRelationId, pg_sys::AccessShareLock.cast_signed());
        let scan = pg_sys::table_beginscan_catalog(table, 0, std::ptr::null_mut());
        loop {
            let row = pg_sys::heap_getnext(scan, pg_sys::ScanDirection::ForwardScanDirection);
            if row.is_null() {
                break;
            }
            let header = (*row).t_data;
            let database = &*header
                .cast::<u8>()
                .add(usize::from((*header).t_hoff))
                .cast::<pg_sys::FormData_pg_database>();
            let name = CStr::from_ptr(database.datname.data.as_ptr()).to_string_lossy();
            if database.datallowconn
                && !database.datistemplate
                && database.datconnlimit != INVALID
                && settings::is_kept(&name)
            {
                found.push(database.oid);
            }
        }
        pg_sys::table_endscan(scan);
        pg_sys::table_close(table, pg_sys::AccessShareLock.cast_signed());
    }
    found
}

/// Whether the database that the process is connected to is still to be kept. In a transaction.
pub fn is_own_kept() -> bool {
    // SAFETY: a name in the transaction's memory, or null where there is no such database.
    unsafe {
        let name = pg_sys::get_database_name(pg_sys::MyDatabaseId);
        !name.is_null() && settings::is_kept(&CStr::from_ptr(name).to_string_lossy())
    }
}
