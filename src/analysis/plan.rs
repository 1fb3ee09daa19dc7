//! What of a project's events is shown to judges, for ingest.

use std::collections::HashMap;
use std::sync::Arc;

use observa_pipeline::analysis::{Evaluator, Plan, Scope};
use observa_workers::judge::evaluators::EVALUATORS;
use pgrx::prelude::*;

use crate::analysis::settings::Sampling;
use crate::error::Error;

/// For a project of the acting tenant. `own_rate`: what it decides for itself. None: nothing is judged.
pub fn of_project(sampling: Sampling, own_rate: Option<f64>) -> Result<Option<Arc<Plan>>, Error> {
    if sampling == Sampling::default() {
        return Ok(None);
    }
    let evaluators = match sampling.judge_rate {
        Some(rate) => evaluators(own_rate.unwrap_or(rate))?,
        None => Vec::new(),
    };
    Ok(Some(Arc::new(Plan { evaluators, embedding_rate: sampling.embedding_rate })))
}

/// The tenant's own, and the built-in ones that it has not changed.
fn evaluators(rate: f64) -> Result<Vec<Evaluator>, Error> {
    let mut own: HashMap<String, Option<Evaluator>> = Spi::connect(|client| {
        let rows = client.select(include_str!("../../sql/analysis/plan.sql"), None, &[])?;
        rows.map(|row| {
            let Some(name) = row.get::<String>(1)? else { return Ok(None) };
            let scope = row.get::<String>(3)?.and_then(|scope| Scope::from_name(&scope));
            let evaluator = Evaluator {
                name: name.clone(),
                scope: scope.unwrap_or(Scope::Event),
                triggers: row.get::<Vec<String>>(4)?.unwrap_or_default(),
                rate: row.get::<f64>(5)?.unwrap_or(rate),
                needs_context: row.get::<bool>(6)?.unwrap_or_default(),
            };
            Ok(Some((name, row.get::<bool>(2)?.unwrap_or_default().then_some(evaluator))))
        })
        .collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?
    .into_iter()
    .flatten()
    .collect();
    let mut evaluators: Vec<Evaluator> = EVALUATORS
        .iter()
        .filter(|built_in| !own.contains_key(built_in.name))
        .map(|built_in| Evaluator {
            name: built_in.name.to_owned(),
            scope: Scope::from_name(built_in.scope.name()).unwrap_or(Scope::Event),
            triggers: built_in.triggers.iter().map(|trigger| (*trigger).to_owned()).collect(),
            rate,
            needs_context: built_in.variables.contains(&"context"),
        })
        .collect();
    evaluators.extend(own.drain().filter_map(|(_, evaluator)| evaluator));
    evaluators.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(evaluators)
}
