//! What all backends share in memory: buckets of rates, what has been used of quotas, when keys were used, what
//! was rejected, and which workers run. Only with
//! `shared_preload_libraries = 'observa'`; 1.5 MB, made at the server's start, and gone at its end.

use std::cell::Cell;
use std::ops::DerefMut;

use observa_pipeline::bucket::Bucket;
use observa_pipeline::slots::{Key, Slots};
use pgrx::prelude::*;
use pgrx::shmem::AssertPGRXSharedMemory;
use pgrx::{PgLwLock, pg_shmem_init};
use uuid::Uuid;

use crate::key_uses::Use;
use crate::tally::Tally;
use crate::usage::Used;
use crate::worker::board::Board;

/// Eight each.
const BUCKET_SETS: usize = 512;
const ADDRESS_SETS: usize = 1_024;
const USED_SETS: usize = 512;
const KEY_SETS: usize = 512;
const TALLY_SETS: usize = 128;

type Buckets = Slots<Bucket, BUCKET_SETS>;
type Addresses = Slots<Bucket, ADDRESS_SETS>;
type Quotas = Slots<Used, USED_SETS>;
type KeyUses = Slots<Use, KEY_SETS>;
type Tallies = Slots<Tally, TALLY_SETS>;

// SAFETY: the names are ours. Nothing in the tables points anywhere.
static BUCKETS: PgLwLock<AssertPGRXSharedMemory<Buckets>> = unsafe { PgLwLock::new(c"observa buckets") };
// SAFETY: as above.
static ADDRESSES: PgLwLock<AssertPGRXSharedMemory<Addresses>> =
    unsafe { PgLwLock::new(c"observa addresses") };
// SAFETY: as above.
static QUOTAS: PgLwLock<AssertPGRXSharedMemory<Quotas>> = unsafe { PgLwLock::new(c"observa quotas") };
// SAFETY: as above.
static KEY_USES: PgLwLock<AssertPGRXSharedMemory<KeyUses>> = unsafe { PgLwLock::new(c"observa key uses") };
// SAFETY: as above.
static TALLIES: PgLwLock<AssertPGRXSharedMemory<Tallies>> = unsafe { PgLwLock::new(c"observa tallies") };

// SAFETY: as above.
static BOARD: PgLwLock<AssertPGRXSharedMemory<Board>> = unsafe { PgLwLock::new(c"observa workers") };

thread_local! {
    /// Set by the postmaster, and so in all that it forks.
    static THERE: Cell<bool> = const { Cell::new(false) };
}

/// From `_PG_init`. Loaded later, the library does without.
#[expect(
    unexpected_cfgs,
    reason = "the macro asks for versions of Postgres that this crate has no feature for"
)]
pub fn request() {
    // SAFETY: reads a flag of the postmaster's.
    if !unsafe { pg_sys::process_shared_preload_libraries_in_progress } {
        return;
    }
    // SAFETY: plain numbers, whose every bit pattern is one.
    pg_shmem_init!(BUCKETS = unsafe { AssertPGRXSharedMemory::new(Buckets::new(Bucket::FULL, seed())) });
    // SAFETY: as above.
    pg_shmem_init!(ADDRESSES = unsafe { AssertPGRXSharedMemory::new(Addresses::new(Bucket::FULL, seed())) });
    // SAFETY: as above.
    pg_shmem_init!(QUOTAS = unsafe { AssertPGRXSharedMemory::new(Quotas::new(Used::NONE, seed())) });
    // SAFETY: as above.
    pg_shmem_init!(KEY_USES = unsafe { AssertPGRXSharedMemory::new(KeyUses::new(Use::NONE, seed())) });
    // SAFETY: as above.
    pg_shmem_init!(TALLIES = unsafe { AssertPGRXSharedMemory::new(Tallies::new(Tally::NONE, seed())) });
    // SAFETY: as above; it is never read as an enumeration's value but what was written as one.
    pg_shmem_init!(BOARD = unsafe { AssertPGRXSharedMemory::new(Board::EMPTY) });
    THERE.set(true);
}

/// From the kernel, at each start of the server.
fn seed() -> u128 {
    Uuid::new_v4().as_u128()
}

/// Whether the server loaded the library at its start.
pub fn is_there() -> bool {
    THERE.get()
}

/// Of keys, tenants and projects. None: not preloaded. The lock is held for `run`, which must touch nothing else of Postgres'.
pub fn with_buckets<T>(run: impl FnOnce(&mut Buckets) -> T) -> Option<T> {
    is_there().then(|| run(BUCKETS.exclusive().deref_mut()))
}

/// As [`with_buckets`], of addresses: anybody has some, and they must take no room from the others.
pub fn with_addresses<T>(run: impl FnOnce(&mut Addresses) -> T) -> Option<T> {
    is_there().then(|| run(ADDRESSES.exclusive().deref_mut()))
}

/// As [`with_buckets`].
pub fn with_quotas<T>(run: impl FnOnce(&mut Quotas) -> T) -> Option<T> {
    is_there().then(|| run(QUOTAS.exclusive().deref_mut()))
}

/// As [`with_buckets`].
pub fn with_key_uses<T>(run: impl FnOnce(&mut KeyUses) -> T) -> Option<T> {
    is_there().then(|| run(KEY_USES.exclusive().deref_mut()))
}

/// As [`with_buckets`].
pub fn with_tallies<T>(run: impl FnOnce(&mut Tallies) -> T) -> Option<T> {
    is_there().then(|| run(TALLIES.exclusive().deref_mut()))
}

/// As [`with_buckets`].
pub fn with_board<T>(run: impl FnOnce(&mut Board) -> T) -> Option<T> {
    is_there().then(|| run(BOARD.exclusive().deref_mut()))
}

/// Something of this database: `number` tells apart what may have one id.
pub fn key(number: u32, id: u128) -> Key {
    Key { place: u64::from(u32::from(database())) << 32 | u64::from(number), id }
}

pub fn key_of(number: u32, id: Uuid) -> Key {
    key(number, id.as_u128())
}

/// Whether a key is of this database.
pub fn is_ours(key: Key) -> bool {
    key.place >> 32 == u64::from(u32::from(database()))
}

fn database() -> pg_sys::Oid {
    // SAFETY: reads what the backend is connected to.
    unsafe { pg_sys::MyDatabaseId }
}
