//! observa.explain_alert: what an alert rests on, and what is to be seen around it.

use observa_pipeline::signal::advice;
use pgrx::JsonB;
use pgrx::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::detection::series::{self, Of};
use crate::error::{Error, or_raise};
use crate::identity::{self, Acting, uuid};
use crate::keys;
use crate::storage::{self, sql_time, unix_micros};

/// Microseconds around an alert's life for which its metric is shown.
const AROUND: i64 = 3_600_000_000;

#[pg_extern(sql = false)]
fn explain_alert(id: pgrx::Uuid) -> JsonB {
    JsonB(or_raise(explain(id)))
}

/// Another tenant's alert is as if it were not there.
fn explain(id: pgrx::Uuid) -> Result<Value, Error> {
    let not_found = || Error::NotFound { what: "alert", id: uuid(id).to_string(), state: "" };
    if !storage::exists() {
        return Err(Error::NoStorage);
    }
    let tenant =
        Spi::get_one_with_args::<pgrx::Uuid>("SELECT observa_internal.tenant_of_alert($1)", &[id.into()])?
            .map(uuid)
            .ok_or_else(not_found)?;
    match Acting::current() {
        Some(acting) if acting.tenant_id != tenant => return Err(not_found()),
        None if !identity::session_is_superuser() => return Err(not_found()),
        _ => keys::require(|rights| rights.query, "explain alerts")?,
    }
    let found = Acting::during(Acting::whole(tenant), || read(id))?;
    found.ok_or_else(not_found)
}

struct Found {
    document: Value,
    signal: String,
    source: String,
    of: Of,
    created: i64,
    ended: i64,
}

fn read(id: pgrx::Uuid) -> Result<Option<Value>, Error> {
    let found = Spi::connect(|client| {
        let rows = client.select(include_str!("../../sql/alert/explain.sql"), Some(1), &[id.into()])?;
        if rows.is_empty() {
            return Ok(None);
        }
        let row = rows.first();
        let text = |column: usize| Ok::<_, pgrx::spi::Error>(row.get::<String>(column)?.unwrap_or_default());
        let time =
            |column: usize| Ok::<_, pgrx::spi::Error>(row.get(column)?.map(unix_micros).unwrap_or_default());
        Ok::<_, pgrx::spi::Error>(Some(Found {
            document: row.get::<JsonB>(1)?.map_or(Value::Null, |document| document.0),
            signal: text(2)?,
            source: text(3)?,
            of: Of {
                rule: text(4)?,
                project_id: row.get::<pgrx::Uuid>(5)?.map_or(Uuid::nil(), uuid),
                environment: text(6)?,
                group: text(7)?,
            },
            created: time(8)?,
            ended: time(9)?,
        }))
    })?;
    let Some(Found { mut document, signal, source, of, created, ended }) = found else { return Ok(None) };
    let points = series::read(&of, created - AROUND, ended + AROUND)?;
    let points = points.map(|points| {
        points
            .into_iter()
            .map(|(at, value)| json!({"at": sql_time(at).to_iso_string(), "value": value}))
            .collect::<Value>()
    });
    if let Some(document) = document.as_object_mut() {
        document.insert("series".into(), points.unwrap_or(Value::Null));
        document.insert("what_to_do".into(), advice::advice(&signal, &source).into());
    }
    Ok(Some(document))
}
