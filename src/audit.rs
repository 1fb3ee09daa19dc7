//! Who did what: each administrative act, in the transaction that does it.

use observa_pipeline::scrub::Scrubber;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::error::Error;
use crate::identity::{self, sql_uuid};
use crate::logins;
use crate::request::Request;

/// Characters of what a client says of itself.
const MOST: usize = 512;

/// An act, and what it is done to.
pub struct Deed {
    pub action: &'static str,
    /// As `project 0190...`.
    pub resource: String,
}

impl Deed {
    pub fn of(action: &'static str, what: &str, id: impl std::fmt::Display) -> Deed {
        Deed { action, resource: format!("{what} {id}") }
    }

    /// For the tenant that the transaction acts for. The act and its record stand and fall together.
    pub fn record(&self) -> Result<(), Error> {
        let request = Request::told();
        let said = |name: &str| request.as_ref().and_then(|request| request.header(name)).map(clean);
        let resource = clean(&self.resource);
        let address = request.as_ref().and_then(Request::address).map(clean);
        Ok(Spi::run_with_args(
            include_str!("../sql/edit/record_deed.sql"),
            &[
                sql_uuid(Uuid::now_v7()).into(),
                actor().into(),
                self.action.into(),
                resource.into(),
                address.into(),
                said("user-agent").into(),
                said("x-request-id").into(),
            ],
        )?)
    }
}

/// A member by claims, else the session's login. Nobody administers by an API key.
fn actor() -> String {
    match logins::subject() {
        Some(subject) => clean(&format!("member {subject}")),
        None => clean(&format!("login {}", identity::session_user().unwrap_or_default())),
    }
}

fn clean(text: &str) -> String {
    let short: String = text.chars().filter(|letter| !letter.is_control()).take(MOST).collect();
    Scrubber::builtin().scrub(&short).text.into_owned()
}

/// Drops the acting tenant's rows that have outlived `observa.audit_retention`: the policy lets no others go; how many.
pub fn forget() -> Result<u64, Error> {
    let forget = "DELETE FROM observa_internal.audit_log WHERE tenant_id = observa.current_tenant()";
    Ok(Spi::connect_mut(|client| client.update(forget, None, &[]).map(|rows| rows.len()))? as u64)
}
