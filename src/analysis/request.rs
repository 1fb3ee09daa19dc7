//! What somebody wants judged now.

use observa_pipeline::identity as ids;
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::analysis::{evaluators, settings};
use crate::error::{Error, or_raise};
use crate::identity::{Acting, sql_uuid};
use crate::keys;
use crate::members;
use crate::storage;
use crate::tenants;

/// Calls of a trace that are judged one by one.
const MOST_CALLS: i64 = 100;

struct Call {
    event_id: String,
    ts: TimestampWithTimeZone,
    project: pgrx::Uuid,
    environment: String,
    user_id: Option<String>,
    answers: bool,
}

#[pg_extern(sql = false)]
fn analyze(trace_id: Option<&str>, evaluators: Option<Vec<Option<String>>>) -> i32 {
    or_raise(request(trace_id, evaluators))
}

fn request(trace_id: Option<&str>, named: Option<Vec<Option<String>>>) -> Result<i32, Error> {
    storage::ensure()?;
    keys::require(|rights| rights.query, "query")?;
    let trace_id = trace_id
        .filter(|id| !id.is_empty())
        .ok_or_else(|| Error::Invalid("trace_id must not be empty".into()))?;
    let acting = match Acting::current() {
        Some(acting) => acting,
        None => Acting::whole(tenants::acting_home().ok_or(Error::NoTenant)?.tenant_id),
    };
    // Whoever may read may ask; what is written is the owner's.
    Acting::during(Acting::whole(acting.tenant_id), || queue(trace_id, named))
}

fn queue(trace_id: &str, named: Option<Vec<Option<String>>>) -> Result<i32, Error> {
    let names = match named {
        Some(names) => names.into_iter().flatten().collect(),
        None => evaluators::enabled()?,
    };
    let calls = calls(trace_id)?;
    let waiting = Spi::get_one::<i64>(include_str!("../../sql/analysis/waiting.sql"))?.unwrap_or_default();
    let mut room = i32::try_from(settings::most_waiting() - waiting).unwrap_or(i32::MAX).max(0);
    let mut queued = 0;
    for name in names {
        let Some(evaluator) = evaluators::find(&name)? else {
            return Err(Error::Invalid("there is no such evaluator: observa.evaluators lists them".into()));
        };
        if evaluator.scope == "trace" {
            let Some(first) = calls.first() else { continue };
            queued += put(trace_id, &evaluator.name, "trace", first, &mut room)?;
            continue;
        }
        for call in calls.iter().filter(|call| call.answers) {
            queued += put(trace_id, &evaluator.name, "event", call, &mut room)?;
        }
    }
    if room == 0 {
        warning!("no more than observa.max_analysis_jobs may wait: not all of the trace is queued");
    }
    Ok(queued)
}

fn calls(trace_id: &str) -> Result<Vec<Call>, Error> {
    let calls = Spi::connect(|client| {
        let arguments = [trace_id.into(), MOST_CALLS.into()];
        let rows = client.select(include_str!("../../sql/analysis/calls.sql"), None, &arguments)?;
        rows.map(|row| {
            let key = row.get::<String>(1)?.zip(row.get::<TimestampWithTimeZone>(2)?);
            let (Some((event_id, ts)), Some(project)) = (key, row.get::<pgrx::Uuid>(3)?) else {
                return Ok(None);
            };
            Ok(Some(Call {
                event_id,
                ts,
                project,
                environment: row.get::<String>(4)?.unwrap_or_default(),
                user_id: row.get::<String>(5)?,
                answers: row.get::<bool>(6)?.unwrap_or_default(),
            }))
        })
        .collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    Ok(calls.into_iter().flatten().collect())
}

/// How many are new: none where there is no room.
fn put(trace_id: &str, evaluator: &str, scope: &str, call: &Call, room: &mut i32) -> Result<i32, Error> {
    if *room == 0 {
        return Ok(0);
    }
    let project = crate::identity::uuid(call.project).to_string();
    let event_id = (scope == "event").then_some(call.event_id.as_str());
    let key = ids::uuid_of_parts(&["requested", &project, evaluator, trace_id, event_id.unwrap_or_default()]);
    let arguments: [DatumWithOid; 10] = [
        sql_uuid(Uuid::now_v7()).into(),
        call.project.into(),
        call.environment.as_str().into(),
        evaluator.into(),
        scope.into(),
        sql_uuid(key).into(),
        trace_id.into(),
        event_id.into(),
        call.ts.into(),
        call.user_id.as_deref().into(),
    ];
    let put = members::run(include_str!("../../sql/analysis/request.sql"), &arguments)?;
    let put = i32::try_from(put).unwrap_or(i32::MAX);
    *room -= put;
    Ok(put)
}
