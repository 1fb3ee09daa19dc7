//! What judges and embeddings may cost: a price for each model, and a budget for each project and day.

use observa_pipeline::price::Usage;
use serde_json::json;
use uuid::Uuid;

use crate::analysis::settings::{self, Kind};
use crate::error::Error;
use crate::home_cache;
use crate::identity::sql_uuid;
use crate::plans;
use crate::storage;
use crate::tenants;

pub const SPENT: &str = "the budget of the day is spent";

/// Of a project of the acting tenant.
pub fn is_spent(project_id: Uuid) -> Result<bool, Error> {
    let arguments = [sql_uuid(project_id).into(), settings::budget_usd().into()];
    let mut is_spent = false;
    plans::each(include_str!("../../sql/analysis/over_budget.sql"), &arguments, true, |row| {
        is_spent = row.get(1).unwrap_or_default();
    })?;
    Ok(is_spent)
}

/// Without one nobody could say what is spent of the budget. Who embeds says nothing: prices of such models are of input alone.
pub fn has_price(kind: Kind, model: &str) -> bool {
    let output = if kind == Kind::Embedding { 0 } else { 1 };
    let usage = Usage::from_json(&json!({ "input_tokens": 1, "output_tokens": output })).unwrap_or_default();
    cost(model, &usage).is_some()
}

/// USD as text. By the operator's prices, which are those of the default tenant, those loaded for everybody, and the built-in ones: the key
/// is the operator's, and whoever prices a model at nothing for themselves must not spend by that. None: it has none.
pub fn cost(model: &str, usage: &Usage) -> Option<String> {
    let tenant = home_cache::tenant(tenants::DEFAULT)?;
    let home = home_cache::home(&tenant, tenant.project(None, None)?);
    let breakdown = home.book.cost(model, None, storage::now(), usage)?;
    Some(breakdown.total.normalized().to_plain_string())
}

pub fn unpriced(model: &str) -> String {
    format!(
        "{model} has no price, so no budget could hold: a superuser INSERTs one into observa.model_prices, 0 for a model of your own"
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
