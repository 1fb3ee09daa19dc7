//! Judges: what of the events they are shown, and what they say. Ingest appends candidates, the job `analyses` queues them, workers
//! claim what is due, ask a judge while no transaction is open, and record what it said.

mod agreement;
pub mod budget;
mod claim;
mod evaluators;
pub mod health;
mod plan;
mod reasons;
mod record;
mod request;
pub mod settings;
pub mod subject;

use observa_pipeline::analysis::{self, Ask, Candidate};
use observa_pipeline::batch::Ready;
use observa_pipeline::event::Field;
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::columns::{text, time, uuid};
use crate::embeddings;
use crate::error::{Error, or_raise};
use crate::identity;
use crate::jobs::{self, Done};
use crate::patience::Patience;
use crate::rows::{self, Column, Rows};

pub use plan::of_project;

/// Events of a tenant whose analyses are queued at once.
const MOST_AT_ONCE: i64 = 2_000;

/// Appends what of stored events, which are the acting tenant's, is to be judged.
pub fn append(stored: &[&Ready]) -> Result<(), Error> {
    if stored.iter().all(|ready| ready.home.analysis.is_none()) {
        return Ok(());
    }
    let candidates = analysis::candidates(stored);
    if candidates.is_empty() {
        return Ok(());
    }
    rows::in_own_memory(|| {
        let rows = Rows::new("analysis_events", &columns(), candidates.into_iter())?;
        rows.run(include_str!("../sql/analysis/append.sql"), |_| Ok(()))
    })
}

fn columns<'r, 'l>() -> [Column<Candidate<'r, 'l>>; 13] {
    let environment: fn(&Candidate<'r, 'l>) -> Option<pg_sys::Datum> =
        |row| text(row.ready.event.text(Field::Environment).unwrap_or(&row.ready.home.environment));
    [
        Column { name: "tenant_id", value: |row| uuid(row.ready.home.tenant_id) },
        Column { name: "candidate_id", value: |_| uuid(Uuid::now_v7()) },
        Column { name: "project_id", value: |row| uuid(row.ready.home.project_id) },
        Column { name: "environment", value: environment },
        Column { name: "trace_id", value: |row| row.ready.event.text(Field::TraceId).and_then(text) },
        Column { name: "event_id", value: |row| row.ready.event.text(Field::EventId).and_then(text) },
        Column { name: "ts", value: |row| row.ready.event.ts.and_then(time) },
        Column { name: "user_id", value: |row| row.ready.event.text(Field::UserId).and_then(text) },
        Column { name: "evaluators", value: |row| of_asks(row, |ask| ask.evaluator) },
        Column { name: "scopes", value: |row| of_asks(row, |ask| ask.scope.name()) },
        Column { name: "triggers", value: |row| of_asks(row, |ask| ask.trigger) },
        Column {
            name: "dedup_keys",
            value: |row| of_asks(row, |ask| pgrx::Uuid::from_bytes(ask.key.into_bytes())),
        },
        Column { name: "occurrences", value: |row| of_asks(row, |ask| ask.occurrences) },
    ]
}

/// An array with an element for each ask.
fn of_asks<'r, T: IntoDatum>(row: &Candidate<'r, '_>, value: fn(&Ask<'r>) -> T) -> Option<pg_sys::Datum>
where
    Vec<T>: IntoDatum,
{
    row.asks.iter().map(value).collect::<Vec<T>>().into_datum()
}

/// Queues what all tenants' batches have appended; of how many events.
pub fn enqueue(patience: &mut Patience) -> Result<Done, Error> {
    let tenants = Spi::connect(|client| {
        let rows = client.select("SELECT observa_internal.tenants_with_candidates()", None, &[])?;
        rows.map(|row| row.get::<pgrx::Uuid>(1)).collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    let tenants = tenants.into_iter().flatten().map(identity::uuid).collect();
    jobs::tenants::for_each("analyses", tenants, patience, |_| {
        let arguments = [MOST_AT_ONCE.into(), settings::most_waiting().into(), settings::budget_usd().into()];
        count(include_str!("../sql/analysis/enqueue.sql"), &arguments)
    })
}

/// For the owner of ingest alone, as `find_tenant`.
#[pg_extern(sql = false)]
fn tenants_with_candidates() -> SetOfIterator<'static, pgrx::Uuid> {
    let ids = Spi::connect(|client| {
        let rows = client.select(include_str!("../sql/analysis/tenants.sql"), None, &[])?;
        rows.map(|row| row.get::<pgrx::Uuid>(1)).collect::<Result<Vec<_>, pgrx::spi::Error>>()
    });
    SetOfIterator::new(or_raise(ids.map_err(Error::Spi)).into_iter().flatten())
}

/// Forgets the acting tenant's jobs that were done with long ago and texts that were searched by, and gives up what nobody judges; how many.
pub fn tidy() -> Result<u64, Error> {
    Ok(count(include_str!("../sql/analysis/forget.sql"), &[])? + embeddings::forget_queries()?)
}

/// Runs a statement that returns a count.
fn count(sql: &str, arguments: &[DatumWithOid]) -> Result<u64, Error> {
    let counted = Spi::connect_mut(|client| client.update(sql, None, arguments)?.first().get_one::<i64>())?;
    Ok(counted.unwrap_or_default().unsigned_abs())
}
