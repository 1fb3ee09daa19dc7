//! The worker of one database: runs the jobs that are due, each in its own transaction.

use std::time::Duration;

use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::jobs::failure::Failure;
use crate::jobs::{JOBS, Job, ledger};
use crate::shared;
use crate::worker::board::{Reason, Role};
use crate::worker::{MAINTENANCE, analysis, databases, launcher, process};

/// The longest wait between two looks: DROP EXTENSION, observa.post_restore() and jobs of others are noticed so soon.
const LOOK: Duration = Duration::from_secs(1);

/// A job that is due and runs elsewhere.
const BUSY: Duration = Duration::from_millis(200);

/// After a failure that is no job's, doubled each time.
const RETRY: Duration = Duration::from_secs(1);
const RETRY_AT_MOST: Duration = Duration::from_secs(300);

/// What a look has led to.
enum Step {
    /// A job has run: there may be another.
    Ran,
    Wait(Duration),
    Leave(Reason),
}

#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn observa_maintenance_main(database: pg_sys::Datum) {
    process::run(database, Role::Maintenance, MAINTENANCE, keep);
}

/// Runs jobs until there is a reason to end.
fn keep() -> Reason {
    let mut failures = 0;
    loop {
        let wait = match process::transaction(look) {
            Ok(Step::Leave(reason)) => return reason,
            Ok(Step::Ran) => {
                failures = 0;
                Duration::ZERO
            }
            Ok(Step::Wait(wait)) => {
                failures = 0;
                wait
            }
            Err(failure) if is_recorded(&failure) => Duration::ZERO,
            Err(failure) => {
                pgrx::warning!("observa: maintenance failed: {}", failure.text());
                failures += 1;
                RETRY.saturating_mul(1 << failures.min(10)).min(RETRY_AT_MOST)
            }
        };
        tell(None);
        process::wait(wait);
        if process::is_told_to_end() {
            return Reason::Ended;
        }
    }
}

/// In a transaction: runs a job that is due.
fn look() -> Step {
    // SAFETY: a look-up in a catalog.
    if unsafe { pg_sys::get_extension_oid(c"observa".as_ptr(), true) } == pg_sys::InvalidOid {
        return Step::Leave(Reason::NoExtension);
    }
    if !databases::is_own_kept() {
        return Step::Leave(Reason::NotKept);
    }
    if shared::with_board(|board| board.settle(process::own_pid())) == Some(true) {
        launcher::wake();
    }
    if !crate::error::or_raise(ledger::may_work()) {
        return Step::Wait(LOOK);
    }
    let wants = crate::error::or_raise(analysis::is_needed());
    if shared::with_board(|board| board.want_analysis(process::own_pid(), wants)) == Some(true) {
        launcher::wake();
    }
    let ran = Spi::get_one::<&str>("SELECT observa_internal.run_due_job()").map(|name| name.is_some());
    if crate::error::or_raise(ran.map_err(Into::into)) {
        return Step::Ran;
    }
    match crate::error::or_raise(ledger::until_next()) {
        Some(Duration::ZERO) => Step::Wait(BUSY),
        Some(wait) => Step::Wait(wait.min(LOOK)),
        None => Step::Wait(LOOK),
    }
}

/// Writes down which job has failed, in a transaction of its own. False: none had begun, or it can't be written.
fn is_recorded(failure: &Failure) -> bool {
    let recorded = process::transaction(|| {
        Spi::get_one_with_args::<String>(
            "SELECT observa_internal.record_job_failure($1, $2)",
            &[failure.sqlstate.as_str().into(), failure.message.as_str().into()],
        )
    });
    match recorded {
        Ok(Ok(Some(job))) => {
            pgrx::warning!("observa: job {job} failed: {}", failure.text());
            true
        }
        _ => false,
    }
}

/// Shows which job runs, if this process is a worker. None: it waits.
pub fn tell(job: Option<&Job>) {
    // SAFETY: null, or this worker's registration.
    let is_worker = unsafe { !pg_sys::MyBgworkerEntry.is_null() };
    if !is_worker {
        return;
    }
    let place = job.and_then(|job| JOBS.iter().position(|other| other.name == job.name));
    shared::with_board(|board| {
        board.tell_job(process::own_pid(), place.and_then(|place| u8::try_from(place).ok()));
    });
    match job {
        Some(job) => process::show(true, &format!("{MAINTENANCE}: {}", job.name)),
        None => process::show(false, &format!("{MAINTENANCE}: waiting")),
    }
}

/// The worker of this database, and the job that it runs.
#[pg_extern(sql = false)]
fn maintenance_worker() -> TableIterator<'static, (name!(pid, i32), name!(job, Option<&'static str>))> {
    // SAFETY: reads what the backend is connected to.
    let found = shared::with_board(|board| board.job(unsafe { pg_sys::MyDatabaseId }));
    TableIterator::new(
        found.flatten().map(|(pid, place)| {
            (pid, place.and_then(|place| JOBS.get(usize::from(place))).map(|job| job.name))
        }),
    )
}
