//! Materialized views over the rollups: made by setup(), refreshed by maintenance, as the one role that sees all tenants.

use pgrx::prelude::*;

use crate::error::{Error, or_raise};
use crate::settings;

/// In the order that they are refreshed.
const NAMES: [&str; 3] = ["daily_metrics", "model_daily", "tenant_daily"];

/// Makes the views show what is folded by now; how many.
pub fn refresh() -> Result<u64, Error> {
    Spi::run("SELECT observa_internal.refresh_matviews()")?;
    Ok(NAMES.len() as u64)
}

/// For the owner of ingest alone: its owner may read all tenants' sums.
#[pg_extern(sql = false)]
fn make_matviews() {
    or_raise(Spi::run(include_str!("../sql/storage/matviews.sql")).map_err(Error::Spi));
}

/// For the owner of ingest alone. Readers are not kept waiting.
#[pg_extern(sql = false)]
fn refresh_matviews() {
    let days = [settings::metrics_hour_days().into()];
    or_raise(Spi::run_with_args(include_str!("../sql/rollup/count_users.sql"), &days).map_err(Error::Spi));
    for name in NAMES {
        // Names of the list above.
        let refresh = format!("REFRESH MATERIALIZED VIEW CONCURRENTLY observa_internal.{name}");
        or_raise(Spi::run(&refresh).map_err(Error::Spi));
    }
}
