//! The table of jobs: when each is due, who runs it, and what became of it.

use std::cell::Cell;
use std::time::Duration;

use pgrx::prelude::*;

use crate::error::Error;
use crate::jobs::{self, Done, Job, Setback};
use crate::storage;
use crate::storage_needs::{self, For};
use crate::worker::restore;

thread_local! {
    /// Whether this backend has seen to it that every job has a row.
    static REGISTERED: Cell<bool> = const { Cell::new(false) };
}

/// Whether the storage is there, and whole: of older storage, or amid a restore, it is not.
pub fn is_ready() -> Result<bool, Error> {
    if !storage::exists() || storage_needs::missing(For::Everything).is_some() {
        return Ok(false);
    }
    Ok(Spi::get_one::<bool>(include_str!("../../sql/job/is_ready.sql"))? == Some(true))
}

/// Whether anything may be done: on a standby, and amid a restore, nothing.
pub fn may_work() -> Result<bool, Error> {
    // SAFETY: reads the server's state.
    let is_standby = unsafe { pg_sys::RecoveryInProgress() };
    Ok(!is_standby && is_ready()? && !restore::is_restoring()?)
}

/// A row for every job that has none.
pub fn register() -> Result<(), Error> {
    Ok(Spi::run_with_args(include_str!("../../sql/job/register.sql"), &[jobs::names().into()])?)
}

/// As [`register`], once in a backend.
pub fn register_once() -> Result<(), Error> {
    if !REGISTERED.get() {
        register()?;
        REGISTERED.set(true);
    }
    Ok(())
}

/// Takes the job that is due longest and that nobody else runs, to the transaction's end, with its idle runs. None: there is none.
pub fn claim() -> Result<Option<(&'static Job, i32)>, Error> {
    let claimed = Spi::connect_mut(|client| {
        let rows = client.update(include_str!("../../sql/job/claim.sql"), None, &[jobs::names().into()])?;
        let row = rows.into_iter().next();
        row.map(|row| Ok::<_, pgrx::spi::Error>((row.get::<String>(1)?, row.get::<i32>(2)?))).transpose()
    })?;
    let Some((Some(name), idle_runs)) = claimed else { return Ok(None) };
    Ok(jobs::find(&name).map(|job| (job, idle_runs.unwrap_or_default())))
}

/// Takes a job, due or not, to the transaction's end; its idle runs. None: somebody else runs it.
pub fn take(job: &Job) -> Result<Option<i32>, Error> {
    let idle_runs = Spi::connect_mut(|client| {
        let rows = client.update(include_str!("../../sql/job/take.sql"), None, &[job.name.into()])?;
        rows.into_iter().next().map(|row| row.get::<i32>(1)).transpose()
    })?;
    Ok(idle_runs.flatten())
}

/// Writes what a run has done, which began at a time (microseconds since 1970 UTC), and for how many tenants it fails.
pub fn record(job: &Job, begun: i64, done: &Done, pause: Duration) -> Result<(), Error> {
    let now = storage::now();
    let next = now.saturating_add(i64::try_from(pause.as_micros()).unwrap_or(i64::MAX));
    let setback = done.setback.as_ref();
    if setback.is_none_or(|setback| setback.some_went_well) {
        record_work(job, (begun, now), next, done)?;
    }
    match setback {
        Some(Setback { is_new: false, some_went_well: false, .. }) => {
            let sql = "UPDATE observa_internal.jobs SET next_run = $2 WHERE job = $1";
            Ok(Spi::run_with_args(sql, &[job.name.into(), storage::sql_time(next).into()])?)
        }
        Some(setback) if setback.is_new => {
            // The others need not wait longer for it.
            let next = setback.some_went_well.then(|| storage::sql_time(next));
            put_failure(job.name, &setback.text, next)
        }
        _ => Ok(()),
    }
}

fn record_work(job: &Job, (begun, now): (i64, i64), next: i64, done: &Done) -> Result<(), Error> {
    let arguments = [
        job.name.into(),
        storage::sql_time(next).into(),
        storage::sql_time(begun).into(),
        storage::sql_time(now).into(),
        ((now - begun) as f64 / 1_000.0).into(),
        i64::try_from(done.rows).unwrap_or(i64::MAX).into(),
        done.lag_s.into(),
        done.setback.is_some().into(),
    ];
    Ok(Spi::run_with_args(include_str!("../../sql/job/record.sql"), &arguments)?)
}

pub fn record_failure(job: &str, error: &str) -> Result<(), Error> {
    put_failure(job, error, None)
}

/// It is due at a time; None: after a pause that grows with each failure.
fn put_failure(job: &str, error: &str, next: Option<TimestampWithTimeZone>) -> Result<(), Error> {
    let arguments = [job.into(), error.into(), next.into()];
    Ok(Spi::run_with_args(include_str!("../../sql/job/record_failure.sql"), &arguments)?)
}

/// Until the next job is due; zero if one is. None: there is none.
pub fn until_next() -> Result<Option<Duration>, Error> {
    let next =
        Spi::get_one::<TimestampWithTimeZone>("SELECT pg_catalog.min(next_run) FROM observa_internal.jobs")?;
    Ok(next.map(|next| {
        let wait = storage::unix_micros(next).saturating_sub(storage::now());
        Duration::from_micros(u64::try_from(wait).unwrap_or_default())
    }))
}
