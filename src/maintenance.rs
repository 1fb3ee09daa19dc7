//! observa.run_maintenance: what must happen from time to time, whoever calls it.

use observa_pipeline::settings::DAY;
use pgrx::JsonB;
use pgrx::prelude::*;
use serde_json::json;

use crate::accounts;
use crate::audit;
use crate::error::{Error, or_raise};
use crate::identity::{self, Acting};
use crate::key_uses;
use crate::matviews;
use crate::patience::Patience;
use crate::retention;
use crate::rollups;
use crate::span_contents;
use crate::storage;
use crate::tenants;
use crate::traces;
use crate::usage;

/// Days that ids of events without a time are kept, and contents of spans that have not come: yesterday's retry is still known today.
const KEY_DAYS: i64 = 2;

#[pg_extern(sql = false)]
fn run_maintenance() -> JsonB {
    if !identity::session_is_superuser() {
        Error::SuperuserOnly("observa.run_maintenance()").raise();
    }
    JsonB(or_raise(round()))
}

fn round() -> Result<serde_json::Value, Error> {
    storage::ensure()?;
    let mut patience = Patience::of_a_round();
    let partitions_created = storage::make_window(&mut patience)?;
    let mut quota_signals = 0;
    for tenant_id in tenants::all()? {
        let acting = Acting::whole(tenant_id);
        Acting::during(acting, traces::settle)?;
        quota_signals += Acting::during(acting, usage::fold)?;
        Acting::during(acting, audit::forget)?;
        Acting::during(acting, || span_contents::forget(storage::now() - KEY_DAYS * DAY))?;
    }
    accounts::forget_sessions()?;
    let keys_used = key_uses::fold()?;
    let deltas_folded = rollups::fold_all()?;
    let matviews_refreshed = matviews::refresh()?;
    let expired_rows = retention::delete_rows()?;
    // Last, as it locks out ingest until the commit.
    let days_dropped = retention::drop_days(&mut patience)?;
    let keys_dropped = storage::drop_keys_before(storage::now().div_euclid(DAY) - KEY_DAYS, &mut patience)?;
    Ok(json!({
        "partitions_created": partitions_created,
        "key_partitions_dropped": keys_dropped,
        "quota_signals": quota_signals,
        "keys_used": keys_used,
        "deltas_folded": deltas_folded,
        "matviews_refreshed": matviews_refreshed,
        "expired_rows": expired_rows,
        "expired_partitions": days_dropped,
        "postponed": patience.postponed,
    }))
}
