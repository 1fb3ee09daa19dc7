//! Locks on a number, to the transaction's end, that SQL can't name. Any session may hold any of SQL's advisory locks for as long
//! as it likes: with ours it could make every tenant's ingest wait, or keep another tenant's alerts from being raised.

use pgrx::pg_sys;
use pgrx::prelude::*;
use uuid::Uuid;

/// Tells the lock of what is told of a tenant's people from others that its id stands for.
const PEOPLE_LOCK: i64 = 0x7065_6f70;

/// Waits until no job is about to tell of the tenant's stored events, and keeps all from it: a signal of a person who is forgotten meanwhile
/// would outlive them.
pub fn keep_people(tenant_id: Uuid) {
    wait(key(tenant_id) ^ PEOPLE_LOCK);
}

/// False: somebody is forgotten right now.
pub fn may_tell_of_people(tenant_id: Uuid) -> bool {
    is_free_shared(key(tenant_id) ^ PEOPLE_LOCK)
}

/// Where SQL's advisory locks have 1 or 2.
const CLASS: u16 = 0x6f62;

/// Waits for it.
pub fn wait(key: i64) {
    acquire(key, pg_sys::ExclusiveLock, false);
}

/// Waits for it; others may have it, too, who ask as this does.
pub fn wait_shared(key: i64) {
    acquire(key, pg_sys::ShareLock, false);
}

/// False: another transaction has it.
pub fn is_free(key: i64) -> bool {
    acquire(key, pg_sys::ExclusiveLock, true)
}

/// False: another transaction has it for itself; others may have it, too, who ask as this does.
pub fn is_free_shared(key: i64) -> bool {
    acquire(key, pg_sys::ShareLock, true)
}

/// What stands for an id.
pub fn key(id: Uuid) -> i64 {
    let (high, low) = id.as_u64_pair();
    (high ^ low).cast_signed()
}

/// False: another transaction has it.
#[pg_extern(sql = false)]
fn try_lock(key: i64, shared: bool) -> bool {
    acquire(key, if shared { pg_sys::ShareLock } else { pg_sys::ExclusiveLock }, true)
}

fn acquire(key: i64, mode: u32, only_if_free: bool) -> bool {
    let [a, b, c, d, e, f, g, h] = key.to_be_bytes();
    // SAFETY: the tag lives through the call; inside a transaction, which the lock ends with. The database's id is set before any
    // function can be called.
    unsafe {
        let tag = pg_sys::LOCKTAG {
            locktag_field1: pg_sys::MyDatabaseId.to_u32(),
            locktag_field2: u32::from_be_bytes([a, b, c, d]),
            locktag_field3: u32::from_be_bytes([e, f, g, h]),
            locktag_field4: CLASS,
            locktag_type: pg_sys::LockTagType::LOCKTAG_ADVISORY as u8,
            locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
        };
        pg_sys::LockAcquire(&tag, mode.cast_signed(), false, only_if_free)
            != pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL
    }
}
