//! What judges and embeddings may cost: a price for each model, and a budget for each project and day.

use observa_pipeline::price::Usage;
use pgrx::prelude::*;
use serde_json::json;
use uuid::Uuid;

use crate::analysis::settings::{self, Kind};
use crate::error::Error;
use crate::identity::sql_uuid;
use crate::storage;
use crate::tenants;

pub const SPENT: &str = "the budget of the day is spent";

/// Of a project of the acting tenant.
pub fn is_spent(project_id: Uuid) -> Result<bool, Error> {
    let arguments = [sql_uuid(project_id).into(), settings::budget_usd().into()];
    let is_spent =
        Spi::get_one_with_args::<bool>(include_str!("../../sql/analysis/over_budget.sql"), &arguments)?;
    Ok(is_spent == Some(true))
}

/// Without one nobody could say what is spent of the budget. Who embeds says nothing: prices of such models are of input alone.
pub fn has_price(kind: Kind, model: &str) -> bool {
    let output = if kind == Kind::Embedding { 0 } else { 1 };
    let usage = Usage::from_json(&json!({ "input_tokens": 1, "output_tokens": output })).unwrap_or_default();
    tenants::acting_home().is_some_and(|home| home.book.cost(model, None, storage::now(), &usage).is_some())
}

pub fn unpriced(model: &str) -> String {
    format!(
        "{model} has no price, so no budget could hold: INSERT one into observa.model_prices, 0 for a model of your own"
    )
}

/// Err: the acting tenant's project can't pay for a model now.
pub fn require(project_id: Uuid, kind: Kind, model: &str) -> Result<(), Error> {
    if !has_price(kind, model) {
        return Err(Error::NotReady(unpriced(model)));
    }
    if is_spent(project_id)? {
        return Err(Error::NotReady(SPENT.to_owned()));
    }
    Ok(())
}
