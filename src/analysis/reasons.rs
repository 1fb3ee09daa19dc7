//! Why a trace was judged, or was not: what the queue says of it, and where it says nothing, what chose.

use observa_pipeline::analysis::{self, Evaluator, Plan, Scope};
use pgrx::prelude::*;

use crate::analysis::{plan, settings};
use crate::error::{Error, or_raise};
use crate::home_cache;
use crate::identity::{self, Acting};
use crate::keys;
use crate::storage;
use crate::tenants;

/// Jobs of a trace that are told of.
const MOST: i64 = 1_000;

struct Reason {
    evaluator: String,
    event_id: Option<String>,
    /// A job's state, or not_queued.
    state: String,
    reason: String,
}

/// What is known of a trace.
struct Trace {
    project: pgrx::Uuid,
    has_answer: bool,
    retrieves: bool,
}

#[pg_extern(sql = false)]
fn analysis_reasons(
    trace_id: &str,
) -> TableIterator<
    'static,
    (name!(evaluator, String), name!(event_id, Option<String>), name!(state, String), name!(reason, String)),
> {
    let reasons = or_raise(of_trace(trace_id));
    TableIterator::new(
        reasons.into_iter().map(|reason| (reason.evaluator, reason.event_id, reason.state, reason.reason)),
    )
}

fn of_trace(trace_id: &str) -> Result<Vec<Reason>, Error> {
    storage::ensure()?;
    keys::require(|rights| rights.query, "query")?;
    let tenant_id = match Acting::current() {
        Some(acting) => acting.tenant_id,
        None => tenants::acting_home().ok_or(Error::NoTenant)?.tenant_id,
    };
    Acting::during(Acting::whole(tenant_id), || {
        let mut reasons = queued(trace_id)?;
        let Some(trace) = trace(trace_id)? else { return Ok(reasons) };
        let plan = plan_of(&trace)?;
        for evaluator in &plan.evaluators {
            if !reasons.iter().any(|reason| reason.evaluator == evaluator.name) {
                let why = unqueued(evaluator, &trace, trace_id);
                reasons.push(Reason {
                    evaluator: evaluator.name.clone(),
                    event_id: None,
                    state: "not_queued".into(),
                    reason: why,
                });
            }
        }
        Ok(reasons)
    })
}

/// As ingest would have it now.
fn plan_of(trace: &Trace) -> Result<Plan, Error> {
    let project_id = identity::uuid(trace.project);
    let acting = Acting::current().ok_or(Error::NoTenant)?;
    let own = home_cache::judge_sample_rate(acting.tenant_id, project_id);
    let plan = plan::of_project(settings::sampling(), own)?;
    Ok(plan.map(|plan| Plan::clone(&plan)).unwrap_or_default())
}

fn unqueued(evaluator: &Evaluator, trace: &Trace, trace_id: &str) -> String {
    if evaluator.scope == Scope::Event && !trace.has_answer {
        return "no call of the trace has an answer".into();
    }
    if evaluator.scope == Scope::Trace && evaluator.needs_context && !trace.retrieves {
        return "nothing was retrieved".into();
    }
    let place = analysis::place(trace_id);
    let no_signal = "no signal of its triggers was raised where it could be judged";
    if place < evaluator.rate {
        return format!(
            "{no_signal}; the trace is in the sample now ({place:.4} of {}), and was not when it came, or is queued within seconds",
            evaluator.rate
        );
    }
    format!(
        "{no_signal}, and the trace is not in the sample: it lies at {place:.4}, the rate is {}",
        evaluator.rate
    )
}

fn queued(trace_id: &str) -> Result<Vec<Reason>, Error> {
    let found = Spi::connect(|client| {
        let sql = include_str!("../../sql/analysis/reasons.sql");
        let rows = client.select(sql, None, &[trace_id.into(), MOST.into()])?;
        rows.map(|row| {
            Ok(Reason {
                evaluator: row.get::<String>(1)?.unwrap_or_default(),
                event_id: row.get::<String>(2)?,
                state: row.get::<String>(3)?.unwrap_or_default(),
                reason: row.get::<String>(4)?.unwrap_or_default(),
            })
        })
        .collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    Ok(found)
}

fn trace(trace_id: &str) -> Result<Option<Trace>, Error> {
    let found = Spi::connect(|client| {
        let sql = include_str!("../../sql/analysis/kinds.sql");
        let rows = client.select(sql, Some(1), &[trace_id.into()])?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        let Some(project) = row.get::<pgrx::Uuid>(1)? else { return Ok(None) };
        let is = |column: usize| Ok::<_, pgrx::spi::Error>(row.get::<bool>(column)?.unwrap_or_default());
        Ok::<_, pgrx::spi::Error>(Some(Trace { project, has_answer: is(2)?, retrieves: is(3)? }))
    })?;
    Ok(found)
}
