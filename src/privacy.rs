//! What a person may ask for: everything that is stored of them, and that it be gone.

use pgrx::JsonB;
use pgrx::prelude::*;
use serde_json::{Value, json};

use crate::audit::Deed;
use crate::error::{Error, or_raise};
use crate::identity::{Acting, sql_uuid};
use crate::log_guard::guard_statement;
use crate::tenants;

/// Events of one statement: a person may have millions.
const BATCH: i64 = 10_000;

/// The ids under which a person's events may be stored: as the client writes it, and as the pseudonym that stands for it where it is
/// personal data or a secret itself.
fn stored_ids(user_id: &str) -> Result<Vec<String>, Error> {
    let home = tenants::acting_home().ok_or(Error::NoTenant)?;
    let kind = home.scrubber.kind_of_identifier(user_id);
    let pseudonym =
        kind.map(|kind| observa_pipeline::identity::pseudonym(kind, user_id, &home.pseudonym_key));
    Ok([Some(user_id.to_owned()), pseudonym].into_iter().flatten().collect())
}

#[pg_extern(sql = false)]
fn export_user(user_id: &str) -> JsonB {
    guard_statement();
    JsonB(or_raise(for_user("export_user", user_id, |ids| {
        let export = include_str!("../sql/privacy/export.sql");
        let found = Spi::connect(|client| {
            client.select(export, Some(1), &[ids.to_vec().into()])?.first().get_one::<JsonB>()
        })?;
        Ok(found.map_or(Value::Null, |found| found.0))
    })))
}

#[pg_extern(sql = false)]
fn forget_user(user_id: &str) -> JsonB {
    guard_statement();
    JsonB(or_raise(for_user("forget_user", user_id, forget)))
}

/// Contents go first: what is told of events by the person's id is gone when they have none any more.
fn forget(ids: &[String]) -> Result<Value, Error> {
    let run = |sql: &str| -> Result<i64, Error> {
        let arguments = [ids.to_vec().into(), BATCH.into()];
        Ok(Spi::connect_mut(|client| client.update(sql, None, &arguments).map(|rows| rows.len() as i64))?)
    };
    let whole = |sql: &str| -> Result<i64, Error> {
        let mut count = 0;
        loop {
            check_for_interrupts!();
            let changed = run(sql)?;
            count += changed;
            if changed < BATCH {
                return Ok(count);
            }
        }
    };
    let contents = whole(include_str!("../sql/privacy/forget_span_contents.sql"))?;
    let letters = whole(include_str!("../sql/privacy/forget_rejected_events.sql"))?;
    let logs = whole(include_str!("../sql/privacy/forget_logs.sql"))?;
    let alerts = whole(include_str!("../sql/privacy/forget_alerts.sql"))?;
    let signals = whole(include_str!("../sql/privacy/forget_signals.sql"))?;
    let events = whole(include_str!("../sql/privacy/forget_events.sql"))?;
    Ok(json!({
        "events": events,
        "logs": logs,
        "alerts": alerts,
        "signals": signals,
        "rejected_events": letters,
        "span_contents": contents,
    }))
}

/// For who administers the tenant that the transaction acts for. The record names the person by the id that is stored.
fn for_user(
    action: &'static str,
    user_id: &str,
    run: impl FnOnce(&[String]) -> Result<Value, Error>,
) -> Result<Value, Error> {
    if user_id.is_empty() {
        return Err(Error::Invalid("user_id must not be empty".into()));
    }
    let tenant_id = match Acting::current() {
        Some(acting) => acting.tenant_id,
        None => tenants::acting_home().ok_or(Error::NoTenant)?.tenant_id,
    };
    let ids = Acting::during(Acting::whole(tenant_id), || stored_ids(user_id))?;
    let deed = Deed::of(action, "user", ids.last().map_or("", String::as_str));
    tenants::administer(sql_uuid(tenant_id), &deed, || run(&ids))
}
