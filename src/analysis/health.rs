//! How judges and embeddings stand, for observa.health_detailed().

use pgrx::JsonB;
use pgrx::prelude::*;
use serde_json::{Value, json};

use crate::analysis::settings::{self, Kind};
use crate::error::Error;
use crate::storage;

/// With the rights of who asks.
pub fn of(kind: Kind) -> Result<Value, Error> {
    let is_configured = kind.is_configured();
    let may_read =
        || Spi::get_one::<bool>("SELECT pg_catalog.has_table_privilege('observa.analysis_jobs', 'SELECT')");
    // Whoever administers need not be one who reads.
    if storage::relation("embeddings").is_none() || may_read()? != Some(true) {
        return Ok(json!({ "configured": is_configured }));
    }
    let arguments = [kind.name().into(), settings::budget_usd().into()];
    let found = Spi::connect(|client| {
        let rows = client.select(include_str!("../../sql/analysis/health.sql"), Some(1), &arguments)?;
        rows.first().get_one::<JsonB>()
    })?;
    let mut told = found.map(|told| told.0).unwrap_or_default();
    if let Some(told) = told.as_object_mut() {
        told.insert("configured".into(), is_configured.into());
        told.insert("model".into(), kind.model().into());
    }
    Ok(told)
}
