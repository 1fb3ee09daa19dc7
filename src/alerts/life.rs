//! What people do with an alert, from its beginning to its end and back: each act in one transaction with its row of the history.

use observa_pipeline::scrub::Scrubber;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::audit::Deed;
use crate::error::{Error, or_raise};
use crate::identity::{self, Acting, sql_uuid, uuid};
use crate::keys;
use crate::locks;
use crate::members::run;
use crate::scrub;
use crate::storage;
use crate::tenants;

/// Bytes of a note: it is shown in lists.
const MOST_NOTE: usize = 10_000;

/// Bytes of an assignee's name.
const MOST_ASSIGNEE: usize = 200;

struct Act {
    function: &'static str,
    event: &'static str,
    /// $1 the alert, $2 the note, $3 UUIDv7 of now, $4 the assignee.
    sql: &'static str,
    /// Which alerts the statement takes.
    state: &'static str,
}

const ACKNOWLEDGE: Act = Act {
    function: "acknowledge_alert",
    event: "acknowledged",
    sql: include_str!("../../sql/alert/acknowledge.sql"),
    state: "active",
};

const RESOLVE: Act = Act {
    function: "resolve_alert",
    event: "resolved",
    sql: include_str!("../../sql/alert/resolve.sql"),
    state: "open",
};

const CLOSE: Act = Act {
    function: "close_alert",
    event: "closed",
    sql: include_str!("../../sql/alert/close.sql"),
    state: "not closed",
};

const REOPEN: Act = Act {
    function: "reopen_alert",
    event: "reopened",
    sql: include_str!("../../sql/alert/reopen.sql"),
    state: "resolved or closed",
};

const ASSIGN: Act = Act {
    function: "assign_alert",
    event: "assigned",
    sql: include_str!("../../sql/alert/assign.sql"),
    state: "",
};

const UNASSIGN: Act = Act { event: "unassigned", ..ASSIGN };

const NOTE: Act =
    Act { function: "note_alert", event: "noted", sql: include_str!("../../sql/alert/note.sql"), state: "" };

#[pg_extern(sql = false)]
fn acknowledge_alert(id: pgrx::Uuid, note: Option<&str>) {
    or_raise(act(&ACKNOWLEDGE, id, note, None));
}

#[pg_extern(sql = false)]
fn resolve_alert(id: pgrx::Uuid, note: Option<&str>) {
    or_raise(act(&RESOLVE, id, note, None));
}

#[pg_extern(sql = false)]
fn close_alert(id: pgrx::Uuid, note: Option<&str>) {
    or_raise(act(&CLOSE, id, note, None));
}

#[pg_extern(sql = false)]
fn reopen_alert(id: pgrx::Uuid, note: Option<&str>) {
    or_raise(act(&REOPEN, id, note, None));
}

#[pg_extern(sql = false)]
fn assign_alert(id: pgrx::Uuid, assignee: Option<&str>, note: Option<&str>) {
    or_raise(act(if assignee.is_some() { &ASSIGN } else { &UNASSIGN }, id, note, assignee));
}

#[pg_extern(sql = false)]
fn note_alert(id: pgrx::Uuid, note: Option<&str>) {
    let note = note.filter(|note| !note.trim().is_empty());
    let note = note.ok_or_else(|| Error::Invalid("a note must not be empty".into()));
    or_raise(act(&NOTE, id, Some(or_raise(note)), None));
}

/// Another tenant's alert is as if it were not there.
fn act(act: &Act, id: pgrx::Uuid, note: Option<&str>, assignee: Option<&str>) -> Result<(), Error> {
    storage::ensure()?;
    let not_found = || Error::NotFound { what: "alert", id: uuid(id).to_string(), state: act.state };
    let tenant =
        Spi::get_one_with_args::<pgrx::Uuid>("SELECT observa_internal.tenant_of_alert($1)", &[id.into()])?
            .ok_or_else(not_found)?;
    match Acting::current() {
        Some(acting) if acting.tenant_id != uuid(tenant) => return Err(not_found()),
        None if !identity::session_is_superuser() => return Err(not_found()),
        _ => keys::require(|rights| rights.administer, "end alerts")?,
    }
    check(note, assignee)?;
    let deed = Deed::of(act.function, "alert", uuid(id));
    tenants::administer(tenant, &deed, || {
        let note = note.map(|note| clean(id, note, scrub::as_own)).transpose()?;
        let assignee = assignee.map(|name| clean(id, name.trim(), clean_name)).transpose()?;
        if act.event == REOPEN.event {
            make_way(id)?;
        }
        let now = sql_uuid(Uuid::now_v7());
        let arguments = [id.into(), note.clone().into(), now.into(), assignee.clone().into()];
        if run(act.sql, &arguments)? == 0 {
            return Err(not_found());
        }
        let arguments = [
            id.into(),
            sql_uuid(Uuid::now_v7()).into(),
            act.event.into(),
            deed.by_whom().into(),
            note.into(),
            assignee.into(),
        ];
        run(include_str!("../../sql/alert/put_event.sql"), &arguments)?;
        Ok(())
    })
}

fn check(note: Option<&str>, assignee: Option<&str>) -> Result<(), Error> {
    if note.is_some_and(|note| note.len() > MOST_NOTE) {
        return Err(Error::Invalid(format!("a note has {MOST_NOTE} bytes at most")));
    }
    let fits = |name: &str| {
        !name.trim().is_empty() && name.len() <= MOST_ASSIGNEE && !name.chars().any(char::is_control)
    };
    if assignee.is_some_and(|name| !fits(name)) {
        return Err(Error::Invalid(format!(
            "an assignee must have 1 to {MOST_ASSIGNEE} bytes, without line breaks; NULL: nobody"
        )));
    }
    Ok(())
}

/// No ingest raises the alert of this rule and group meanwhile: it leaves its signal to the job, which finds this one open. Where another
/// one was raised since, signals are that one's, and this one can't be open beside it.
fn make_way(id: pgrx::Uuid) -> Result<(), Error> {
    let keys = Spi::connect(|client| {
        let rows = client.select(include_str!("../../sql/alert/keys.sql"), Some(1), &[id.into()])?;
        if rows.is_empty() { Ok(None) } else { rows.first().get_two::<i64, i64>().map(Some) }
    })?;
    if let Some((Some(bucket), Some(own))) = keys {
        locks::wait_shared(bucket);
        locks::wait(own);
    }
    // After the lock, and under a snapshot of its own: who had it may have raised one.
    let newer = Spi::connect_mut(|client| {
        let rows = client.update(include_str!("../../sql/alert/newer.sql"), Some(1), &[id.into()])?;
        if rows.is_empty() { Ok(None) } else { rows.first().get_two::<String, String>().map(Some) }
    })?;
    match newer {
        Some((newer, status)) => {
            Err(Error::Superseded { newer: newer.unwrap_or_default(), status: status.unwrap_or_default() })
        }
        None => Ok(()),
    }
}

/// Without secrets, those of the tenant's own patterns among them, as the alert's project has its texts scrubbed.
fn clean(id: pgrx::Uuid, text: &str, scrub: fn(&str) -> String) -> Result<String, Error> {
    let home = Spi::connect(|client| {
        let sql = "SELECT tenant_id, project_id FROM observa_internal.alerts WHERE alert_id = $1";
        let rows = client.select(sql, Some(1), &[id.into()])?;
        if rows.is_empty() { Ok((None, None)) } else { rows.first().get_two::<pgrx::Uuid, pgrx::Uuid>() }
    })?;
    Ok(match home {
        (Some(tenant), project) => {
            Acting::during(Acting::at(uuid(tenant), project.map(uuid)), || scrub(text))
        }
        _ => scrub(text),
    })
}

/// What an e-mail address is replaced by.
const EMAIL: &str = "[REDACTED:email]";

/// A colleague's e-mail address is the name that a team knows them by: it stays, where it is all there is. Anything else that is no
/// name goes, also beside one.
fn clean_name(name: &str) -> String {
    let is_email = Scrubber::builtin().scrub(name).text == EMAIL;
    if is_email { name.to_owned() } else { scrub::as_own(name) }
}
