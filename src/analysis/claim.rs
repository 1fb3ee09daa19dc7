//! What a worker is to ask next: jobs that are due, each with a lease, and all that the judge is shown.

use pgrx::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use observa_pipeline::analysis::EMBEDDING;

use crate::analysis::settings::{self, Kind};
use crate::analysis::subject::{self, Subject};
use crate::analysis::{budget, evaluators, record};
use crate::embeddings;
use crate::error::{Error, or_raise};
use crate::identity::{self, Acting, sql_uuid};
use crate::jobs::ledger;
use crate::plans::{self, Found};
use crate::storage;
use crate::subtransaction;

/// A requested job does not wait until its trace is quiet.
const REQUESTED: i16 = 2;

struct Leased {
    tenant_id: Uuid,
    id: Uuid,
    lease: Uuid,
    attempts: i32,
    project_id: Uuid,
    evaluator: String,
    /// A whole trace's.
    is_of_trace: bool,
    priority: i16,
    trace_id: Option<String>,
    event_id: Option<String>,
    ts: Option<TimestampWithTimeZone>,
}

/// What is done with a job that was leased.
enum Decision {
    /// The model, and what it is asked.
    Ask(String, Value),
    Skip(String),
    /// Seconds.
    Wait(f64),
}

/// Of all tenants: each as the JSON of a task.
#[pg_extern(sql = false)]
fn claim_analyses(judgements: i32, embeddings: i32) -> SetOfIterator<'static, String> {
    record::require_superuser("observa_internal.claim_analyses()");
    SetOfIterator::new(or_raise(claim(judgements, embeddings)))
}

fn claim(judgements: i32, embeddings: i32) -> Result<Vec<String>, Error> {
    let most = |kind: Kind, asked: i32| if kind.is_configured() { asked.max(0) } else { 0 };
    let (judgements, embeddings) = (most(Kind::Judge, judgements), most(Kind::Embedding, embeddings));
    if judgements + embeddings == 0 || !is_due(judgements > 0, embeddings > 0)? {
        return Ok(Vec::new());
    }
    let arguments = [judgements.into(), embeddings.into()];
    let mut jobs = Vec::new();
    plans::each("SELECT * FROM observa_internal.lease_analyses($1, $2)", &arguments, true, |row| {
        jobs.extend(leased(row));
    })?;
    let mut tasks = Vec::new();
    for job in jobs {
        let acting = Acting::within(job.tenant_id, job.project_id);
        // What can't be read of one must not keep the others from their turn, again and again.
        match subtransaction::attempt(|| Acting::during(acting, || prepare(&job))) {
            Ok(task) => tasks.extend(task),
            Err(failure) => Acting::during(acting, || fail(&job, &failure.text()))?,
        }
    }
    Ok(tasks)
}

/// Whether there is anything to do, and this is no standby, no database before setup(), and none amid a restore.
fn is_due(judgements: bool, embeddings: bool) -> Result<bool, Error> {
    let arguments = [judgements.into(), embeddings.into()];
    if storage::relation("analysis_jobs").is_none() || !ledger::may_work()? {
        return Ok(false);
    }
    let mut due = false;
    plans::each("SELECT observa_internal.analyses_are_due($1, $2)", &arguments, true, |row| {
        due = row.get(1).unwrap_or_default();
    })?;
    Ok(due)
}

fn leased(row: &Found) -> Option<Leased> {
    let id = |column: i32| row.get::<pgrx::Uuid>(column).map(identity::uuid);
    Some(Leased {
        tenant_id: id(1)?,
        id: id(2)?,
        lease: id(3)?,
        attempts: row.get(4).unwrap_or_default(),
        project_id: id(5)?,
        evaluator: row.get(6).unwrap_or_default(),
        is_of_trace: row.get(7).is_some_and(|scope: String| scope == "trace"),
        priority: row.get(8).unwrap_or_default(),
        trace_id: row.get(9),
        event_id: row.get(10),
        ts: row.get(11),
    })
}

fn fail(job: &Leased, error: &str) -> Result<(), Error> {
    let sql = include_str!("../../sql/analysis/finish.sql");
    let arguments = [
        sql_uuid(job.id).into(),
        "failed".into(),
        error.into(),
        None::<&str>.into(),
        None::<f64>.into(),
        true.into(),
    ];
    plans::change(sql, &arguments)
}

/// The task of a job, unless it is skipped or waits.
fn prepare(job: &Leased) -> Result<Option<String>, Error> {
    let id = sql_uuid(job.id);
    match decide(job)? {
        Decision::Skip(reason) => {
            plans::change(include_str!("../../sql/analysis/skip.sql"), &[id.into(), reason.into()])?;
            Ok(None)
        }
        Decision::Wait(seconds) => {
            plans::change(include_str!("../../sql/analysis/wait.sql"), &[id.into(), seconds.into()])?;
            Ok(None)
        }
        Decision::Ask(model, work) => {
            let version =
                work.get("version").and_then(Value::as_i64).and_then(|version| i32::try_from(version).ok());
            let asked = [id.into(), version.into(), model.as_str().into()];
            plans::change(include_str!("../../sql/analysis/asked.sql"), &asked)?;
            let kind = if job.evaluator == EMBEDDING { Kind::Embedding } else { Kind::Judge };
            Ok(kind.to_json().map(|endpoint| {
                json!({
                    "tenant_id": job.tenant_id,
                    "id": job.id,
                    "lease": job.lease,
                    "attempts": job.attempts,
                    "endpoint": endpoint,
                    "model": model,
                    "work": work,
                })
                .to_string()
            }))
        }
    }
}

fn decide(job: &Leased) -> Result<Decision, Error> {
    let skip = |why: &str| Ok(Decision::Skip(why.to_owned()));
    if budget::is_spent(job.project_id)? {
        return skip(budget::SPENT);
    }
    if job.evaluator == EMBEDDING {
        return decide_embedding(job);
    }
    let Some(evaluator) = evaluators::find(&job.evaluator)?.filter(|evaluator| evaluator.enabled) else {
        return skip("the evaluator is disabled or gone");
    };
    let Some(model) = evaluator.model.or_else(|| Kind::Judge.model()) else {
        return skip("no model is named: neither the evaluator nor observa.judge_model does");
    };
    if !budget::has_price(Kind::Judge, &model) {
        return skip(&budget::unpriced(&model));
    }
    let wants_context = evaluator.variables.iter().any(|name| name == "context");
    let Subject { mut variables, quiet_s } = match load(job, wants_context)? {
        Ok(subject) => subject,
        Err(why) => return skip(why),
    };
    let wait = settings::quiet_s() - quiet_s;
    if job.is_of_trace && job.priority < REQUESTED && wait > 0.0 {
        return Ok(Decision::Wait(wait));
    }
    // Nothing else of it leaves the server.
    variables.retain(|name, _| evaluator.variables.iter().any(|declared| declared == name));
    let work = json!({
        "kind": "judge",
        "evaluator": evaluator.name,
        "version": evaluator.version,
        "template": evaluator.template,
        "variables": variables,
        "schema": evaluator.schema,
        "max_tokens": settings::max_tokens(),
    });
    Ok(Decision::Ask(model, work))
}

fn decide_embedding(job: &Leased) -> Result<Decision, Error> {
    let Some(model) = Kind::Embedding.model() else {
        return Ok(Decision::Skip("observa.embeddings_model names no model".into()));
    };
    if !budget::has_price(Kind::Embedding, &model) {
        return Ok(Decision::Skip(budget::unpriced(&model)));
    }
    let ask = |text: String| Decision::Ask(model, json!({ "kind": "embedding", "text": text }));
    if job.event_id.is_none() {
        let text = embeddings::text_of(job.id)?;
        return Ok(text.map_or(Decision::Skip("its text is kept no more".into()), ask));
    }
    Ok(match load(job, false)? {
        Ok(mut subject) => {
            let text = subject.variables.remove("question").unwrap_or_default();
            if text.trim().is_empty() { Decision::Skip("nothing was asked".into()) } else { ask(text) }
        }
        Err(why) => Decision::Skip(why.to_owned()),
    })
}

fn load(job: &Leased, wants_context: bool) -> Result<Result<Subject, &'static str>, Error> {
    let Some(ts) = job.ts else { return Ok(Err("its event is not known")) };
    let (trace_id, event_id) = (job.trace_id.as_deref(), job.event_id.as_deref());
    subject::load(&subject::Of { trace_id, event_id, ts }, wants_context)
}

/// As the system's owner, who sees all tenants: whether [`claim_analyses`] would find something.
#[pg_extern(sql = false)]
fn analyses_are_due(judgements: bool, embeddings: bool) -> bool {
    let arguments = [judgements.into(), embeddings.into()];
    let mut due = false;
    let read = plans::each(include_str!("../../sql/analysis/due.sql"), &arguments, true, |row| {
        due = row.get(1).unwrap_or_default();
    });
    or_raise(read);
    due
}

/// As the system's owner, who sees all tenants: takes jobs that are due.
#[pg_extern(sql = false)]
#[expect(clippy::type_complexity, reason = "pgrx reads the columns from the type")]
fn lease_analyses(
    judgements: i32,
    embeddings: i32,
) -> TableIterator<
    'static,
    (
        name!(tenant_id, pgrx::Uuid),
        name!(job_id, pgrx::Uuid),
        name!(lease, pgrx::Uuid),
        name!(attempts, i32),
        name!(project_id, pgrx::Uuid),
        name!(evaluator, String),
        name!(scope, String),
        name!(priority, i16),
        name!(trace_id, Option<String>),
        name!(event_id, Option<String>),
        name!(ts, Option<TimestampWithTimeZone>),
    ),
> {
    let arguments = [
        judgements.into(),
        embeddings.into(),
        settings::lease_s().into(),
        observa_workers::judge::MOST_ATTEMPTS.into(),
    ];
    let mut leased = Vec::new();
    let row = |row: &Found| {
        Some((
            row.get(1)?,
            row.get(2)?,
            row.get(3)?,
            row.get(4)?,
            row.get(5)?,
            row.get(6)?,
            row.get(7)?,
            row.get(8)?,
            row.get(9),
            row.get(10),
            row.get(11),
        ))
    };
    let sql = include_str!("../../sql/analysis/lease.sql");
    or_raise(plans::each(sql, &arguments, true, |found| leased.extend(row(found))));
    TableIterator::new(leased)
}
