//! What is to be told of alerts: queued for webhooks and told to listeners by a job, after the commit of what raised them. So no
//! ingest does any of it, or waits for the one lock that commits with a NOTIFY take.

use pgrx::prelude::*;
use uuid::Uuid;

use crate::alerts;
use crate::error::{Error, or_raise};
use crate::identity;
use crate::jobs::{self, Done, ledger};
use crate::members::run;
use crate::patience::Patience;
use crate::storage;

/// A webhook's notifications that may wait: one that is down for a day must not keep what nobody will read.
const MOST_WAITING: i64 = 1_000;

/// Alerts that were lost are raised, and what is new is queued.
pub fn tell(patience: &mut Patience) -> Result<Done, Error> {
    jobs::tenants::for_each("alerts", tenants_with_news()?, patience, |_| tell_of_tenant())
}

fn tell_of_tenant() -> Result<u64, Error> {
    alerts::raise_lost()?;
    let told = run(include_str!("../sql/alert/tell.sql"), &[])?;
    if told > 0 {
        run(include_str!("../sql/notify/bound.sql"), &[MOST_WAITING.into()])?;
    }
    Ok(told as u64)
}

/// Of the acting tenant: gives up what is no news any more, and drops what was delivered a day ago or failed a week ago.
pub fn tidy() -> Result<u64, Error> {
    let given_up = run(include_str!("../sql/notify/give_up.sql"), &[])?;
    let dropped = run(include_str!("../sql/notify/forget.sql"), &[])?;
    Ok((given_up + dropped) as u64)
}

fn tenants_with_news() -> Result<Vec<Uuid>, Error> {
    let ids = Spi::connect(|client| {
        let rows = client.select("SELECT observa_internal.tenants_with_news()", None, &[])?;
        rows.map(|row| row.get::<pgrx::Uuid>(1)).collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    Ok(ids.into_iter().flatten().map(identity::uuid).collect())
}

/// For the storage's owner alone.
#[pg_extern(sql = false, name = "tenants_with_news")]
fn find_tenants_with_news() -> SetOfIterator<'static, pgrx::Uuid> {
    let ids = Spi::connect(|client| {
        let rows = client.select(include_str!("../sql/alert/news.sql"), None, &[])?;
        rows.map(|row| row.get::<pgrx::Uuid>(1)).collect::<Result<Vec<_>, pgrx::spi::Error>>()
    });
    SetOfIterator::new(or_raise(ids.map_err(Error::Spi)).into_iter().flatten())
}

/// Takes notifications that are due for sending, of all tenants: each as the JSON of a delivery.
#[pg_extern(sql = false)]
fn claim_notifications(most: i32) -> SetOfIterator<'static, String> {
    require_superuser("observa_internal.claim_notifications()");
    if !or_raise(may_send()) {
        return SetOfIterator::new(Vec::new());
    }
    let tries = observa_workers::notify::retry::MOST_ATTEMPTS;
    // Two statements: the second one sees what those have committed who held the locks before.
    let claimed = Spi::connect_mut(|client| {
        let rows = client.update(include_str!("../sql/notify/due_webhooks.sql"), None, &[tries.into()])?;
        let webhooks =
            rows.map(|row| row.get::<pgrx::Uuid>(1)).collect::<Result<Vec<_>, pgrx::spi::Error>>()?;
        let arguments = [most.max(0).into(), tries.into(), webhooks.into()];
        let rows = client.update(include_str!("../sql/notify/claim.sql"), None, &arguments)?;
        rows.map(|row| row.get::<String>(1)).collect::<Result<Vec<_>, pgrx::spi::Error>>()
    });
    SetOfIterator::new(or_raise(claimed.map_err(Error::Spi)).into_iter().flatten().collect::<Vec<_>>())
}

/// Whether anything is due, and this is no standby, no database before setup(), and none amid a restore.
fn may_send() -> Result<bool, Error> {
    let is_due = || Spi::get_one::<bool>(include_str!("../sql/notify/due.sql"));
    Ok(storage::relation("notifications").is_some() && ledger::may_work()? && is_due()? == Some(true))
}

/// False: who says it does not hold the lease any more.
#[pg_extern(sql = false)]
fn record_delivery(
    tenant: pgrx::Uuid,
    id: pgrx::Uuid,
    lease: pgrx::Uuid,
    state: &str,
    retry_seconds: Option<f64>,
    status: Option<i32>,
    error: Option<&str>,
) -> bool {
    require_superuser("observa_internal.record_delivery()");
    let arguments = [
        tenant.into(),
        id.into(),
        lease.into(),
        state.into(),
        retry_seconds.into(),
        status.into(),
        error.into(),
    ];
    or_raise(run(include_str!("../sql/notify/record.sql"), &arguments)) > 0
}

fn require_superuser(what: &'static str) {
    if !identity::session_is_superuser() {
        Error::SuperuserOnly(what).raise();
    }
}
