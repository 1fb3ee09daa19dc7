//! What people say of themselves in `observa.user_profiles`: scrubbed and bounded, as all text that is stored.

use observa_pipeline::scrub::Scrubber;
use observa_pipeline::translate::json::Object;
use pgrx::prelude::*;
use pgrx::{AllocatedByPostgres, PgTrigger};
use serde_json::Value;
use uuid::Uuid;

use crate::accounts;
use crate::audit::Deed;
use crate::error::{Error, or_raise};
use crate::identity::{self, Acting, sql_uuid};
use crate::log_guard::guard_statement;
use crate::members;
use crate::triggers::{self, Change};

/// Texts of a profile, and their most characters, as the table has it.
const TEXTS: [(&str, usize); 3] = [("full_name", 200), ("avatar_url", 2_000), ("company", 200)];

/// Bytes of the preferences' JSON.
const MOST_PREFERENCES: usize = 16_384;

pub fn clean(text: &str) -> String {
    Scrubber::builtin().scrub(text).text.into_owned()
}

/// INSTEAD OF on the view: a table's constraint would quote the whole row, the password's hash among it.
#[pg_trigger(sql = false)]
fn edit_profile<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, AllocatedByPostgres>>, pgrx::spi::Error> {
    guard_statement();
    let change = triggers::change(trigger)?;
    let Change::Update { old, new } = &change else { Error::ReadOnly.raise() };
    let data = trigger.trigger_data();
    let new_text = triggers::row_text(data.tg_newtuple, data)?;
    if old != new {
        or_raise(put(old, new, &new_text));
    }
    triggers::row(trigger)
}

fn put(old: &Value, new: &Value, new_text: &str) -> Result<(), Error> {
    let account_id =
        |row: &Value| row.get("id").and_then(Value::as_str).and_then(|id| id.parse::<Uuid>().ok());
    let Some(id) = account_id(new).filter(|id| account_id(old) == Some(*id)) else {
        return Err(Error::Invalid("id can't be changed".into()));
    };
    if accounts::own_account_id() != Some(id) && !identity::session_is_superuser() {
        return Err(Error::NoRight("edit another account"));
    }
    let mut texts = Vec::with_capacity(TEXTS.len());
    for (name, most) in TEXTS {
        let text = new.get(name).and_then(Value::as_str).map(clean);
        if text.as_ref().is_some_and(|text| text.chars().count() > most) {
            return Err(Error::Invalid(format!("{name} must have {most} characters at most")));
        }
        texts.push(text.into());
    }
    let mut arguments = vec![sql_uuid(id).into()];
    arguments.append(&mut texts);
    arguments.push(preferences(new_text)?.into());
    members::run(include_str!("../sql/account/put_profile.sql"), &arguments)?;
    let deed = Deed::of("edit_profile", "account", id);
    // An account may be of no tenant.
    match Acting::current() {
        Some(acting) => Acting::during(Acting::whole(acting.tenant_id), || deed.record()),
        None => deed.record_for_all(),
    }
}

/// As JSON text: a number keeps all its digits.
fn preferences(row: &str) -> Result<String, Error> {
    let row = Object::parse(row).map_err(|_| Error::Invalid("the row can't be read".into()))?;
    let preferences = row.get("preferences").filter(|preferences| *preferences != "null").unwrap_or("{}");
    let clean = Scrubber::builtin().scrub_json(preferences).text.into_owned();
    if clean.len() > MOST_PREFERENCES {
        return Err(Error::Invalid(format!("preferences must have {MOST_PREFERENCES} bytes at most")));
    }
    Ok(clean)
}
