//! What a job does for each tenant: a tenant's failure is its own, and a run ends in time and goes on where it left off.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use pgrx::prelude::*;
use uuid::Uuid;

use crate::error::Error;
use crate::identity::{self, Acting, sql_uuid};
use crate::jobs::{Done, Setback};
use crate::patience::Patience;
use crate::subtransaction;
use crate::tenants;

/// No other tenant's turn begins after it: what was locked for those before is locked to the run's end.
const TURN: Duration = Duration::from_secs(2);

/// Of a run that somebody waits for, and that nobody else may go on with.
const TURN_ASKED_FOR: Duration = Duration::from_secs(60);

/// Tenants for whom a run writes. Postgres keeps 64 subtransactions of a session where everybody finds them; with more, every snapshot
/// of the server has to look further.
const MOST_WRITTEN: usize = 50;

/// As a job's own pause after a failure: 2, 4, 8 ... seconds.
const RETRY: Duration = Duration::from_secs(2);
const RETRY_AT_MOST: Duration = Duration::from_secs(300);

/// A tenant for whom the job's last try failed.
struct Failing {
    failures: i32,
    /// Zero: it is due.
    retry: Duration,
    /// SQLSTATE and message, without values.
    error: String,
}

/// What a run leaves to the next.
#[derive(Default)]
struct Notes {
    failing: HashMap<Uuid, Failing>,
    /// The last tenant of a run that ended before its work did.
    left_off: Option<Uuid>,
}

/// For all tenants.
pub fn for_all(job: &str, patience: &Patience, run: fn() -> Result<u64, Error>) -> Result<Done, Error> {
    for_each(job, tenants::all()?, patience, |_| run())
}

/// Runs something as acting for each of the tenants, each in its own subtransaction; of how many rows. A tenant for whom it failed is tried
/// again after a while; who asked for the round wants to see it at once.
pub fn for_each(
    job: &str,
    mut tenants: Vec<Uuid>,
    patience: &Patience,
    mut run: impl FnMut(Uuid) -> Result<u64, Error>,
) -> Result<Done, Error> {
    let mut notes = Notes::read(job)?;
    let had_notes = !notes.is_empty();
    tenants.sort_unstable();
    notes.failing.retain(|tenant_id, _| tenants.binary_search(tenant_id).is_ok());
    let next =
        notes.left_off.take().map_or(0, |last| tenants.partition_point(|tenant_id| *tenant_id <= last));
    tenants.rotate_left(next);
    let begun = Instant::now();
    let turn = if patience.is_asked_for { TURN_ASKED_FOR } else { TURN };
    let (mut done, mut went_well, mut written) = (Done::default(), 0, 0);
    let mut first_failed: Option<Uuid> = None;
    let mut last = None;
    for &tenant_id in &tenants {
        check_for_interrupts!();
        let is_full = !patience.is_asked_for && written >= MOST_WRITTEN;
        if last.is_some() && (is_full || begun.elapsed() > turn) {
            done.is_cut_short = true;
            notes.left_off = last;
            break;
        }
        last = Some(tenant_id);
        let known = notes.failing.get(&tenant_id);
        if !patience.is_asked_for && known.is_some_and(|failing| failing.retry > Duration::ZERO) {
            continue;
        }
        match subtransaction::attempt(|| Acting::during(Acting::whole(tenant_id), || run(tenant_id))) {
            Ok(rows) => {
                went_well += 1;
                written += usize::from(rows > 0);
                done.rows += rows;
                notes.failing.remove(&tenant_id);
            }
            Err(failure) => {
                let failures = known.map_or(0, |failing| failing.failures).saturating_add(1);
                let retry = RETRY.saturating_mul(1 << (failures - 1).clamp(0, 10)).min(RETRY_AT_MOST);
                notes.failing.insert(tenant_id, Failing { failures, retry, error: failure.text() });
                first_failed.get_or_insert(tenant_id);
            }
        }
    }
    if had_notes || !notes.is_empty() {
        notes.write(job)?;
    }
    done.setback = notes.setback(first_failed, tenants.len(), went_well > 0);
    if let (Some(first), Some(setback)) = (first_failed, &done.setback) {
        warning!("observa: job {job} failed, first for tenant {first}: {}", setback.text);
    }
    Ok(done)
}

impl Notes {
    fn read(job: &str) -> Result<Notes, Error> {
        let mut notes = Notes::default();
        Spi::connect(|client| {
            for row in client.select(include_str!("../../sql/job/notes.sql"), None, &[job.into()])? {
                let Some(tenant_id) = row.get::<pgrx::Uuid>(1)?.map(identity::uuid) else { continue };
                if row.get::<bool>(2)? == Some(true) {
                    notes.left_off = Some(tenant_id);
                }
                if let Some(failures) = row.get::<i32>(3)?.filter(|failures| *failures > 0) {
                    let seconds = row.get::<f64>(4)?.unwrap_or_default().max(0.0);
                    let retry = Duration::try_from_secs_f64(seconds).unwrap_or_default().min(RETRY_AT_MOST);
                    let error = row.get::<String>(5)?.unwrap_or_default();
                    notes.failing.insert(tenant_id, Failing { failures, retry, error });
                }
            }
            Ok::<_, pgrx::spi::Error>(())
        })?;
        Ok(notes)
    }

    fn is_empty(&self) -> bool {
        self.failing.is_empty() && self.left_off.is_none()
    }

    /// In place of what was there.
    fn write(&self, job: &str) -> Result<(), Error> {
        Spi::run_with_args("DELETE FROM observa_internal.job_tenants WHERE job = $1", &[job.into()])?;
        let (mut ids, mut failures, mut retries, mut errors) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (tenant_id, failing) in &self.failing {
            ids.push(sql_uuid(*tenant_id));
            failures.push(failing.failures);
            retries.push(failing.retry.as_secs_f64());
            errors.push(Some(failing.error.as_str()));
        }
        if let Some(last) = self.left_off.filter(|last| !self.failing.contains_key(last)) {
            ids.push(sql_uuid(last));
            failures.push(0);
            retries.push(0.0);
            errors.push(None);
        }
        let arguments = [
            job.into(),
            ids.into(),
            failures.into(),
            retries.into(),
            errors.into(),
            self.left_off.map(sql_uuid).into(),
        ];
        Ok(Spi::run_with_args(include_str!("../../sql/job/put_notes.sql"), &arguments)?)
    }

    /// None: it goes well for all. `first_failed`: now; None: those that fail were left alone.
    fn setback(&self, first_failed: Option<Uuid>, tenants: usize, some_went_well: bool) -> Option<Setback> {
        let retry = self.failing.values().map(|failing| failing.retry).min()?;
        let shown =
            first_failed.and_then(|id| self.failing.get(&id)).or_else(|| self.failing.values().next())?;
        let text = format!("{} ({} of {tenants} tenants)", shown.error, self.failing.len());
        Some(Setback { text, is_new: first_failed.is_some(), some_went_well, retry })
    }
}
