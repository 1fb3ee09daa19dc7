//! When API keys were used last: kept in shared memory, as a request that only reads can write no row, and written by maintenance.

use std::collections::BTreeMap;

use observa_pipeline::slots::Key;
use pgrx::prelude::*;
use pgrx::{PgXactCallbackEvent, register_xact_callback};
use uuid::Uuid;

use crate::error::Error;
use crate::identity::sql_uuid;
use crate::jobs::{self, Done};
use crate::patience::Patience;
use crate::shared;
use crate::storage;

/// A key's last use.
#[derive(Clone, Copy)]
pub struct Use {
    tenant_id: u128,
    /// Microseconds since 1970 UTC.
    at: i64,
    /// Whether maintenance has written it.
    written: bool,
}

impl Use {
    pub const NONE: Use = Use { tenant_id: 0, at: 0, written: true };
}

/// The one kind of thing that this table holds.
const KEYS: u32 = 0;

/// Where many keys are used between two rounds, the least recent uses are not written.
pub fn note(tenant_id: Uuid, key_id: Uuid) {
    let now = storage::now();
    let used = Use { tenant_id: tenant_id.as_u128(), at: now, written: false };
    shared::with_key_uses(|uses| {
        if let Some(known) = uses.get_or_insert(shared::key_of(KEYS, key_id), now, used, |_| Some(0)) {
            *known = used;
        }
    });
}

/// Writes what has been used since the last round; of how many keys.
pub fn fold(patience: &mut Patience) -> Result<Done, Error> {
    let mut by_tenant: BTreeMap<Uuid, Vec<(Key, Use)>> = BTreeMap::new();
    shared::with_key_uses(|uses| {
        for (key, used) in uses.iter().filter(|(key, used)| !used.written && shared::is_ours(*key)) {
            by_tenant.entry(Uuid::from_u128(used.tenant_id)).or_default().push((key, *used));
        }
    });
    let mut written = Vec::new();
    let tenants = by_tenant.keys().copied().collect();
    let done = jobs::tenants::for_each("key_uses", tenants, patience, |tenant_id| {
        let uses = by_tenant.get(&tenant_id).map(Vec::as_slice).unwrap_or_default();
        let rows = write(uses)?;
        written.extend_from_slice(uses);
        Ok(rows)
    })?;
    // A round that is rolled back has written nothing: the next one does.
    register_xact_callback(PgXactCallbackEvent::Commit, move || mark(&written));
    Ok(done)
}

fn mark(written: &[(Key, Use)]) {
    shared::with_key_uses(|uses| {
        for (key, used) in written {
            if let Some(now) = uses.get(*key, used.at).filter(|now| now.at == used.at) {
                now.written = true;
            }
        }
    });
}

fn write(uses: &[(Key, Use)]) -> Result<u64, Error> {
    let (keys, times): (Vec<_>, Vec<_>) = uses
        .iter()
        .map(|(key, used)| (sql_uuid(Uuid::from_u128(key.id)), storage::sql_time(used.at)))
        .unzip();
    let written = Spi::connect_mut(|client| {
        let sql = include_str!("../sql/usage/key_uses.sql");
        client.update(sql, None, &[keys.into(), times.into()]).map(|rows| rows.len())
    })?;
    Ok(written as u64)
}
