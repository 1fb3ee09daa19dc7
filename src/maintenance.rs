//! observa.run_maintenance: every job once, for hosts where no worker runs.

use pgrx::JsonB;
use pgrx::prelude::*;
use serde_json::{Map, Value};

use crate::error::{Error, or_raise};
use crate::identity;
use crate::jobs::{self, JOBS, Job, ledger};
use crate::patience::Patience;
use crate::storage;
use crate::subtransaction;
use crate::worker;

#[pg_extern(sql = false)]
fn run_maintenance() -> JsonB {
    if !identity::session_is_superuser() {
        Error::SuperuserOnly("observa.run_maintenance()").raise();
    }
    JsonB(or_raise(round()))
}

fn round() -> Result<Value, Error> {
    storage::ensure()?;
    if worker::restore::is_restoring()? {
        return Err(Error::NotReady("observa.pre_restore() holds until observa.post_restore()".into()));
    }
    let has_ledger = ledger::is_ready()?;
    if has_ledger {
        ledger::register()?;
    }
    let mut patience = Patience::of_a_round_asked_for();
    let mut answer = Map::new();
    let mut failed = Vec::new();
    for job in &JOBS {
        let rows = match subtransaction::attempt(|| run(job, has_ledger, &mut patience)) {
            Ok((rows, went_well)) => {
                if !went_well {
                    failed.push(job.name);
                }
                rows
            }
            Err(failure) => {
                let text = failure.text();
                pgrx::warning!("observa: job {} failed: {text}", job.name);
                if has_ledger {
                    ledger::record_failure(job.name, &text)?;
                }
                failed.push(job.name);
                0
            }
        };
        if let Some(key) = job.told_as {
            answer.insert(key.into(), rows.into());
        }
    }
    answer.insert("postponed".into(), patience.postponed.into());
    answer.insert("failed".into(), failed.into());
    Ok(Value::Object(answer))
}

/// How many rows, and whether it went well for all tenants.
fn run(job: &Job, has_ledger: bool, patience: &mut Patience) -> Result<(u64, bool), Error> {
    let mut idle_runs = 0;
    if has_ledger {
        match ledger::take(job)? {
            Some(known) => idle_runs = known,
            None => {
                patience.postponed.push(format!("{}, which somebody else runs now", job.name));
                return Ok((0, true));
            }
        }
    }
    let begun = storage::now();
    let postponed = patience.postponed.len();
    let done = (job.run)(patience)?;
    if has_ledger {
        let pause = jobs::pause(job, &done, idle_runs, patience.postponed.len() > postponed);
        ledger::record(job, begun, &done, pause)?;
    }
    Ok((done.rows, done.setback.is_none()))
}
