//! What INSTEAD OF triggers need: the row before and after as JSON, and the tenant that it belongs to.

use pgrx::prelude::*;
use pgrx::{AllocatedByPostgres, PgTrigger, pg_sys};
use serde_json::Value;
use uuid::Uuid;

use crate::audit::Deed;
use crate::error::Error;
use crate::identity::{self, Acting};
use crate::keys::{self, EDIT};
use crate::settings;
use crate::tenants;

pub enum Change {
    Insert { new: Value },
    Update { old: Value, new: Value },
    Delete { old: Value },
}

/// A view that is edited.
pub struct Edited {
    /// What an edit is called in the audit log.
    pub action: &'static str,
    /// The column that says what it is done to.
    pub name: &'static str,
    /// Columns that Observa sets: an UPDATE of one would do nothing.
    pub told: &'static [&'static str],
}

pub fn change(trigger: &PgTrigger) -> Result<Change, pgrx::spi::Error> {
    let data = trigger.trigger_data();
    let fired_by = |event: u32| (data.tg_event & pg_sys::TRIGGER_EVENT_OPMASK) == event;
    let first = || row_json(data.tg_trigtuple, data);
    Ok(if fired_by(pg_sys::TRIGGER_EVENT_INSERT) {
        Change::Insert { new: first()? }
    } else if fired_by(pg_sys::TRIGGER_EVENT_DELETE) {
        Change::Delete { old: first()? }
    } else {
        Change::Update { old: first()?, new: row_json(data.tg_newtuple, data)? }
    })
}

fn row_json(tuple: pg_sys::HeapTuple, data: &pg_sys::TriggerData) -> Result<Value, pgrx::spi::Error> {
    let text = row_text(tuple, data)?;
    Ok(serde_json::from_str(&text).unwrap_or_default())
}

/// A row as JSON text, with every number as Postgres writes it: with all its digits, whatever the session shows of them.
pub fn row_text(tuple: pg_sys::HeapTuple, data: &pg_sys::TriggerData) -> Result<String, pgrx::spi::Error> {
    // SAFETY: the trigger's own tuple, of its relation's row type; the function takes any record.
    let text = settings::with(c"extra_float_digits", c"1", || unsafe {
        let record = pg_sys::heap_copy_tuple_as_datum(tuple, (*data.tg_relation).rd_att);
        pgrx::direct_function_call::<pgrx::datum::JsonString>(pg_sys::row_to_json, &[Some(record)])
    });
    Ok(text.map(|text| text.0).unwrap_or_default())
}

/// The row that the statement reports: the new one, or of a DELETE the old one.
pub fn row<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, AllocatedByPostgres>>, pgrx::spi::Error> {
    Ok(trigger.new().or_else(|| trigger.old()))
}

/// Runs for the tenant of the row: the acting one, for who administers it, or for a superuser the one that the row names, else the default.
pub fn for_row_tenant<T>(
    change: &Change,
    view: &Edited,
    run: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    let tenant =
        |row: &Value| row.get("tenant_id").and_then(Value::as_str).and_then(|id| Uuid::parse_str(id).ok());
    let named = match change {
        Change::Insert { new } => tenant(new),
        Change::Delete { old } => tenant(old),
        Change::Update { old, new } => match (tenant(old), tenant(new)) {
            // The one tenant would keep its row, and the other's might be overwritten.
            (Some(old), Some(new)) if old != new => {
                return Err(Error::Invalid("tenant_id can't be changed: DELETE here, INSERT there".into()));
            }
            (old, new) => old.or(new),
        },
    };
    keys::require(|rights| rights.administer, EDIT)?;
    if let Change::Update { old, new } = change
        && let Some(column) = view.told.iter().find(|column| old.get(column) != new.get(column))
    {
        return Err(Error::Invalid(format!("{column} can't be changed: Observa sets it")));
    }
    let acting = match Acting::current() {
        Some(acting) if named.is_none_or(|named| named == acting.tenant_id) => acting,
        Some(_) => return Err(Error::NoTenant),
        None if identity::session_is_superuser() => {
            let tenant_id = match named {
                Some(tenant_id) => tenant_id,
                None => tenants::acting_home().ok_or(Error::NoStorage)?.tenant_id,
            };
            Acting::whole(tenant_id)
        }
        None => return Err(Error::NoTenant),
    };
    let (Change::Insert { new: row } | Change::Update { new: row, .. } | Change::Delete { old: row }) =
        change;
    let of = row.get(view.name).and_then(Value::as_str).unwrap_or_default();
    let deed = Deed::of(view.action, view.name, of);
    Acting::during(acting, || {
        let done = run()?;
        deed.record()?;
        Ok(done)
    })
}

/// INSTEAD OF on views that PostgreSQL would pass edits through: part of an event's rows would go, and the others stay.
#[pg_trigger(sql = false)]
fn refuse_edit<'a>(
    _trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, AllocatedByPostgres>>, pgrx::spi::Error> {
    Error::ReadOnly.raise()
}
