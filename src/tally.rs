//! Lines that were rejected, and those that were stored already, since the server started: counted in shared memory, as a monitor asks
//! how many there are, and a row for each batch would cost more than that is worth.

use uuid::Uuid;

use crate::identity::Acting;
use crate::ingest::Outcome;
use crate::shared;
use crate::storage;

#[derive(Clone, Copy, Default)]
pub struct Tally {
    pub rejected: u64,
    pub duplicates: u64,
}

impl Tally {
    pub const NONE: Tally = Tally { rejected: 0, duplicates: 0 };
}

/// What a slot's number tells apart.
const OF_ALL: u32 = 0;
const OF_A_TENANT: u32 = 1;

/// What became of a body's lines, for the acting tenant and for all. Also of a transaction that is rolled back then: they came.
pub fn add(outcome: &Outcome) {
    let new = Tally { rejected: outcome.rejected.len() as u64, duplicates: outcome.duplicates };
    if new.rejected == 0 && new.duplicates == 0 {
        return;
    }
    let now = storage::now();
    let tenant = Acting::current().map(|acting| shared::key_of(OF_A_TENANT, acting.tenant_id));
    let all = shared::key(OF_ALL, 0);
    shared::with_tallies(|tallies| {
        for key in tenant.into_iter().chain([all]) {
            // A tenant's numbers may begin anew when there are many others; those of all may not.
            let worth =
                |known: &Tally| (key != all).then(|| i64::try_from(known.rejected).unwrap_or(i64::MAX));
            let Some(tally) = tallies.get_or_insert(key, now, Tally::NONE, worth) else { continue };
            tally.rejected += new.rejected;
            tally.duplicates += new.duplicates;
        }
    });
}

/// Of a tenant; None: of all. None: the server keeps none, as the library was not preloaded.
pub fn of(tenant: Option<Uuid>) -> Option<Tally> {
    let key = tenant.map_or(shared::key(OF_ALL, 0), |tenant| shared::key_of(OF_A_TENANT, tenant));
    shared::with_tallies(|tallies| tallies.get(key, storage::now()).copied().unwrap_or_default())
}
