//! Alerts: raised by the trigger on signals, in the transaction of the event, unless their rule is muted. What people do with one
//! is its [`life`], and [`explain`] says what one rests on.

mod explain;
mod life;

use std::cell::Cell;

use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::audit::Deed;
use crate::error::{Error, or_raise};
use crate::identity::{Acting, sql_uuid};
use crate::keys;
use crate::members::run;
use crate::plans;
use crate::storage;
use crate::tenants;

thread_local! {
    /// Alerts that this backend has raised so far: a trigger can't return a count.
    static RAISED: Cell<u64> = const { Cell::new(0) };
}

pub fn raised() -> u64 {
    RAISED.get()
}

/// AFTER INSERT on signals, FOR EACH STATEMENT: one alert for each rule and group that has none open, and what is to be added to issues.
#[pg_trigger(sql = false)]
fn raise_alerts<'a>(
    trigger: &'a pgrx::PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, pgrx::AllocatedByPostgres>>, pgrx::spi::Error> {
    let data: *const pg_sys::TriggerData = trigger.trigger_data();
    // SAFETY: the relation that the trigger was fired for.
    let signals = unsafe { (*(*data).tg_relation).rd_id };
    let raised = Spi::connect_mut(|client| {
        // SAFETY: the trigger's own data, alive through the call; it makes new_signals visible to this SPI connection.
        unsafe { pg_sys::SPI_register_trigger_data(data.cast_mut()) };
        let sql = concat!("WITH ", include_str!("../sql/ingest/alerts.sql"));
        let raised = plans::run(client, sql, signals, |raised| Ok(raised.len()))?;
        plans::run(client, include_str!("../sql/ingest/issues.sql"), signals, |_| Ok(raised))
    })?;
    RAISED.set(RAISED.get() + raised as u64);
    Ok(None)
}

/// Raises the acting tenant's alerts that ingest left to another transaction which rolled back.
pub fn raise_lost() -> Result<usize, Error> {
    let sql = concat!(
        "WITH ",
        include_str!("../sql/alert/candidates.sql"),
        include_str!("../sql/ingest/alerts.sql")
    );
    run(sql, &[])
}

/// What a tenant may mute at once: each is asked for every alert that may be raised.
const MOST_MUTES: i64 = 1_000;

#[pg_extern(sql = false)]
fn mute_rule(rule: Option<&str>, alert_group: Option<&str>, until: Option<TimestampWithTimeZone>) {
    or_raise(mute(rule, alert_group, until));
}

fn mute(
    rule: Option<&str>,
    alert_group: Option<&str>,
    until: Option<TimestampWithTimeZone>,
) -> Result<(), Error> {
    let rule = rule.filter(|rule| !rule.is_empty() && rule.len() <= 200);
    let rule =
        rule.ok_or_else(|| Error::Invalid("rule must have 1 to 200 bytes: what alerts call it".into()))?;
    if until.is_some_and(|until| storage::unix_micros(until) <= storage::now()) {
        return Err(Error::Invalid("until must be in the future; NULL ends it".into()));
    }
    storage::ensure()?;
    keys::require(|rights| rights.administer, "mute rules")?;
    let tenant_id = match Acting::current() {
        Some(acting) => acting.tenant_id,
        None => tenants::acting_home().ok_or(Error::NoTenant)?.tenant_id,
    };
    let deed = Deed::of("mute_rule", "rule", rule);
    tenants::administer(sql_uuid(tenant_id), &deed, || {
        let count = Spi::get_one::<i64>(include_str!("../sql/alert/count_mutes.sql"))?.unwrap_or_default();
        let until = until.unwrap_or_else(TimestampWithTimeZone::negative_infinity);
        if count >= MOST_MUTES && storage::unix_micros(until) > storage::now() {
            return Err(Error::Invalid(format!("a tenant mutes {MOST_MUTES} rules and groups at most")));
        }
        run(include_str!("../sql/alert/mute.sql"), &[rule.into(), alert_group.into(), until.into()])?;
        Ok(())
    })
}

/// For the storage's owner alone.
#[pg_extern(sql = false, name = "tenant_of_alert")]
fn find_tenant_of_alert(alert: pgrx::Uuid) -> Option<pgrx::Uuid> {
    let found = Spi::connect(|client| {
        let sql = "SELECT tenant_id FROM observa_internal.alerts WHERE alert_id = $1";
        let rows = client.select(sql, Some(1), &[alert.into()])?;
        if rows.is_empty() { Ok(None) } else { rows.first().get_one::<pgrx::Uuid>() }
    });
    or_raise(found.map_err(Error::Spi))
}
