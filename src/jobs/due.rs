//! One due job at a time: what every worker calls again and again, in the server or over a connection.

use std::cell::Cell;

use pgrx::prelude::*;

use crate::error::{Error, or_raise};
use crate::identity;
use crate::jobs::failure::Failure;
use crate::jobs::{Job, ledger, pause};
use crate::patience::Patience;
use crate::storage;
use crate::worker;

thread_local! {
    /// The job that this session has begun and not finished: after an error, the one that failed.
    static BEGUN: Cell<Option<&'static Job>> = const { Cell::new(None) };
}

#[pg_extern(sql = false)]
fn run_due_job() -> Option<&'static str> {
    require_superuser("observa_internal.run_due_job()");
    BEGUN.set(None);
    or_raise(run())
}

#[pg_extern(sql = false)]
fn record_job_failure(sqlstate: Option<String>, message: Option<String>) -> Option<&'static str> {
    require_superuser("observa_internal.record_job_failure()");
    let job = BEGUN.take()?;
    let failure = Failure { sqlstate: sqlstate.unwrap_or_default(), message: message.unwrap_or_default() };
    or_raise(ledger::record_failure(job.name, &failure.text()));
    Some(job.name)
}

fn require_superuser(what: &'static str) {
    if !identity::session_is_superuser() {
        Error::SuperuserOnly(what).raise();
    }
}

fn run() -> Result<Option<&'static str>, Error> {
    if !ledger::may_work()? {
        return Ok(None);
    }
    ledger::register_once()?;
    let Some((job, idle_runs)) = ledger::claim()? else { return Ok(None) };
    BEGUN.set(Some(job));
    worker::maintenance::tell(Some(job));
    let begun = storage::now();
    let mut patience = Patience::of_a_round();
    let done = (job.run)(&mut patience)?;
    let pause = pause(job, &done, idle_runs, !patience.postponed.is_empty());
    ledger::record(job, begun, &done, pause)?;
    // What somebody has hung onto our tables runs here, with the rights of their owner, not at the commit with those of the session.
    Spi::run("SET CONSTRAINTS ALL IMMEDIATE")?;
    BEGUN.set(None);
    Ok(Some(job.name))
}
