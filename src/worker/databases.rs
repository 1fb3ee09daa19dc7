//! The server's databases, as a process without one of its own can read them.

use std::ffi::CStr;

use pgrx::pg_sys;
use pgrx::pg_sys::Oid;

use crate::worker::settings;

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
            let database = fixed_part(row);
            if can_be_kept(database) {
                found.push(database.oid);
            }
        }
        pg_sys::table_endscan(scan);
        pg_sys::table_close(table, pg_sys::AccessShareLock.cast_signed());
    }
    found
}

/// Whether the database that the process is connected to is still one of those. In a transaction.
pub fn is_own_kept() -> bool {
    // SAFETY: a look-up in the system cache; the row is held until it is released.
    unsafe {
        let cache = pg_sys::SysCacheIdentifier::DATABASEOID.cast_signed();
        let row = pg_sys::SearchSysCache1(cache, pg_sys::Datum::from(pg_sys::MyDatabaseId));
        if row.is_null() {
            return false;
        }
        let is_kept = can_be_kept(fixed_part(row));
        pg_sys::ReleaseSysCache(row);
        is_kept
    }
}

fn can_be_kept(database: &pg_sys::FormData_pg_database) -> bool {
    // SAFETY: a name is a C string within its 64 bytes.
    let name = unsafe { CStr::from_ptr(database.datname.data.as_ptr()) };
    database.datallowconn
        && !database.datistemplate
        && database.datconnlimit != INVALID
        && settings::is_kept(&name.to_string_lossy())
}

/// Of a row of pg_database, for as long as the row is there.
unsafe fn fixed_part<'r>(row: pg_sys::HeapTuple) -> &'r pg_sys::FormData_pg_database {
    // SAFETY: the caller's row of that table: behind its header the columns that are never NULL lie like this.
    unsafe {
        let header = (*row).t_data;
        &*header.cast::<u8>().add(usize::from((*header).t_hoff)).cast()
    }
}
