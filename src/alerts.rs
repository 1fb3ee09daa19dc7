//! Alerts: raised by the trigger on signals, in the transaction of the event; acknowledged, resolved and closed by people.

use std::cell::Cell;

use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::error::{Error, or_raise};
use crate::identity::Acting;
use crate::keys;
use crate::plans;

thread_local! {
    /// Alerts that this backend has raised so far: a trigger can't return a count.
    static RAISED: Cell<u64> = const { Cell::new(0) };
}

pub fn raised() -> u64 {
    RAISED.get()
}

/// AFTER INSERT on signals, FOR EACH STATEMENT: one alert for each rule and group that has none open.
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
        let sql = include_str!("../sql/ingest/alerts.sql");
        plans::run(client, sql, signals, |raised| Ok(raised.len()))
    })?;
    RAISED.set(RAISED.get() + raised as u64);
    Ok(None)
}

#[pg_extern(sql = false)]
fn acknowledge_alert(id: pgrx::Uuid, note: Option<&str>) {
    or_raise(end(id, note, include_str!("../sql/alert/acknowledge.sql"), "active"));
}

#[pg_extern(sql = false)]
fn resolve_alert(id: pgrx::Uuid, note: Option<&str>) {
    or_raise(end(id, note, include_str!("../sql/alert/resolve.sql"), "open"));
}

#[pg_extern(sql = false)]
fn close_alert(id: pgrx::Uuid, note: Option<&str>) {
    or_raise(end(id, note, include_str!("../sql/alert/close.sql"), "not closed"));
}

/// `state` says which alerts the statement takes. Another tenant's alert is as if it were not there.
fn end(id: pgrx::Uuid, note: Option<&str>, sql: &str, state: &'static str) -> Result<(), Error> {
    let not_found =
        || Error::NotFound { what: "alert", id: uuid::Uuid::from_bytes(*id.as_bytes()).to_string(), state };
    let home = home(id)?.ok_or_else(not_found)?;
    keys::require(|rights| rights.administer, "end alerts")?;
    let note = note.map(|note| Acting::during(home, || clean(note))).transpose()?.flatten();
    let now = pgrx::Uuid::from_bytes(uuid::Uuid::now_v7().into_bytes());
    let changed = Spi::connect_mut(|client| {
        client.update(sql, None, &[id.into(), note.into(), now.into()]).map(|rows| rows.len())
    })?;
    if changed == 0 { Err(not_found()) } else { Ok(()) }
}

/// Whose an alert is, as far as the caller may see it.
fn home(id: pgrx::Uuid) -> Result<Option<Acting>, Error> {
    let found = Spi::connect(|client| {
        let sql = "SELECT tenant_id, project_id FROM observa_internal.alerts WHERE alert_id = $1";
        let rows = client.select(sql, Some(1), &[id.into()])?;
        if rows.is_empty() { Ok((None, None)) } else { rows.first().get_two::<pgrx::Uuid, pgrx::Uuid>() }
    })?;
    let id = |id: pgrx::Uuid| uuid::Uuid::from_bytes(*id.as_bytes());
    Ok(found.0.map(|tenant| Acting::at(id(tenant), found.1.map(id))))
}

/// Without secrets, those of the tenant's own patterns among them, which the caller may not read.
fn clean(note: &str) -> Result<Option<String>, Error> {
    let clean = Spi::connect(|client| {
        let sql = "SELECT observa_internal.scrub_own($1)";
        client.select(sql, Some(1), &[note.into()])?.first().get_one::<String>()
    })?;
    Ok(clean)
}
