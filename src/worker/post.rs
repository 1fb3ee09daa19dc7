//! The worker's post: claims notifications in one transaction, has a thread send them while none is open, and records in another one
//! what became of them. The thread never touches Postgres, and the process never waits for it.

use std::time::{Duration, Instant};

use observa_workers::notify::Delivery;
use observa_workers::notify::courier::{Courier, Report};
use pgrx::prelude::*;

use crate::error::{Error, or_raise};
use crate::worker::process;

/// Between two looks for something to send.
const LOOK: Duration = Duration::from_secs(1);

/// Between two looks for answers.
const ON_THE_WAY: Duration = Duration::from_millis(100);

/// After a failure, so that one that lasts fills no log.
const RETRY: Duration = Duration::from_secs(30);

pub struct Post {
    /// None: nothing has been sent yet. Most databases never do.
    courier: Option<Courier>,
    next_look: Instant,
}

impl Post {
    pub fn new() -> Post {
        Post { courier: None, next_look: Instant::now() }
    }

    /// Between transactions: records what is back, and sends what is due; how long the worker may wait before it does so again.
    pub fn exchange(&mut self) -> Duration {
        let mut reports = Vec::new();
        if let Some(courier) = &mut self.courier {
            while let Some(report) = courier.report() {
                reports.push(report);
            }
            if !courier.is_alive() {
                self.courier = None;
            }
        }
        let is_due = Instant::now() >= self.next_look;
        if is_due || !reports.is_empty() {
            let free = self.courier.as_ref().map_or(observa_workers::notify::courier::MOST, Courier::free);
            match process::transaction(|| or_raise(record_and_claim(&reports, free))) {
                Ok(claimed) => {
                    // A full hand: there may be more.
                    self.next_look = Instant::now() + if claimed.len() == free { ON_THE_WAY } else { LOOK };
                    self.send(claimed);
                }
                Err(failure) => {
                    pgrx::warning!("observa: notifications failed: {}", failure.text());
                    self.next_look = Instant::now() + RETRY;
                }
            }
        }
        match &self.courier {
            Some(courier) if !courier.is_idle() => ON_THE_WAY,
            _ => self.next_look.saturating_duration_since(Instant::now()),
        }
    }

    fn send(&mut self, claimed: Vec<String>) {
        if claimed.is_empty() {
            return;
        }
        if self.courier.is_none() {
            match process::with_signals_blocked(Courier::start) {
                Ok(courier) => self.courier = Some(courier),
                // The claims end by themselves.
                Err(error) => {
                    return pgrx::warning!("observa: the thread that sends can't be started: {error}");
                }
            }
        }
        let Some(courier) = &mut self.courier else { return };
        for delivery in claimed.iter().filter_map(|text| serde_json::from_str::<Delivery>(text).ok()) {
            courier.send(delivery);
        }
    }
}

fn record_and_claim(reports: &[Report], free: usize) -> Result<Vec<String>, Error> {
    // SAFETY: a look-up in a catalog. The worker has yet to find out that the extension is gone.
    if unsafe { pg_sys::get_extension_oid(c"observa".as_ptr(), true) } == pg_sys::InvalidOid {
        return Ok(Vec::new());
    }
    for report in reports {
        Spi::run_with_args(
            "SELECT observa_internal.record_delivery($1::uuid, $2::uuid, $3::uuid, $4, $5, $6, $7)",
            &[
                report.tenant_id.as_str().into(),
                report.id.as_str().into(),
                report.lease.as_str().into(),
                report.state.into(),
                report.retry_seconds.into(),
                report.status.into(),
                report.error.as_deref().into(),
            ],
        )?;
    }
    let most = i32::try_from(free).unwrap_or_default();
    let claimed = Spi::connect_mut(|client| {
        let rows = client.update("SELECT observa_internal.claim_notifications($1)", None, &[most.into()])?;
        rows.map(|row| row.get::<String>(1)).collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    Ok(claimed.into_iter().flatten().collect())
}
