//! Who did what: each administrative act, in the transaction that does it.

use observa_pipeline::scrub::Scrubber;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::error::Error;
use crate::home_cache;
use crate::identity::{self, Acting, sql_uuid};
use crate::logins;
use crate::request::Request;
use crate::tenants;

/// Characters of what a client says of itself.
const MOST: usize = 512;

/// An act, and what it is done to.
pub struct Deed {
    action: &'static str,
    what: String,
    id: String,
    /// An account that no claims name yet. None: who asks.
    by: Option<Uuid>,
    /// The API key that asks.
    key_id: Option<Uuid>,
    /// The id is a pseudonym of ours: the scrubber has nothing to say to it.
    is_pseudonym: bool,
}

impl Deed {
    /// To something, as `project 0190...`. Made before the transaction goes on for the tenant as a whole: it knows the key that asks.
    pub fn of(action: &'static str, what: &str, id: impl std::fmt::Display) -> Deed {
        let key_id = Acting::current().and_then(|acting| acting.key_id);
        Deed { action, what: what.to_owned(), id: id.to_string(), by: None, key_id, is_pseudonym: false }
    }

    /// What is done to a person, whom a pseudonym of ours names.
    pub fn of_person(action: &'static str, pseudonym: &str) -> Deed {
        Deed { is_pseudonym: true, ..Deed::of(action, "user", pseudonym) }
    }

    /// Done by an account that signs in or up.
    pub fn by(self, account_id: Option<Uuid>) -> Deed {
        Deed { by: account_id, ..self }
    }

    /// For the tenant that the transaction acts for. The act and its record stand and fall together.
    pub fn record(&self) -> Result<(), Error> {
        let request = Request::told();
        let said = |name: &str| request.as_ref().and_then(|request| request.header(name)).map(clean);
        let address = request.as_ref().and_then(Request::address).map(|address| address.to_string());
        Ok(Spi::run_with_args(
            include_str!("../sql/edit/record_deed.sql"),
            &[
                sql_uuid(Uuid::now_v7()).into(),
                self.by_whom().into(),
                self.action.into(),
                self.resource().into(),
                address.into(),
                said("user-agent").into(),
                said("x-request-id").into(),
            ],
        )?)
    }

    fn resource(&self) -> String {
        if self.is_pseudonym { format!("{} {}", self.what, self.id) } else { named(&self.what, &self.id) }
    }

    /// As [`Deed::record`], where it was one: what is done to all tenants is in the logs of those that it changed.
    pub fn record_if(&self, done: bool) -> Result<(), Error> {
        if done { self.record() } else { Ok(()) }
    }

    /// Of what holds for everybody, or for nobody's tenant: in the log of the default one, which who runs the installation reads.
    pub fn record_for_all(&self) -> Result<(), Error> {
        home_cache::refresh();
        let default = home_cache::tenant(tenants::DEFAULT).ok_or(Error::NoStorage)?;
        Acting::during(Acting::whole(default.id()), || self.record())
    }

    /// Who does it, as the record names them.
    pub fn by_whom(&self) -> String {
        let (actor, id) = self.actor();
        named(actor, &id)
    }

    /// An account, a key (which replays, and administers nothing), a member by claims, else the session's login.
    fn actor(&self) -> (&'static str, String) {
        match (self.by, self.key_id, logins::subject()) {
            (Some(account_id), _, _) => ("member", account_id.to_string()),
            (None, Some(key_id), _) => ("key", key_id.to_string()),
            (None, None, Some(subject)) => ("member", subject),
            (None, None, None) => ("login", identity::session_user().unwrap_or_default()),
        }
    }
}

/// What and which. An id that is personal data is the acting tenant's pseudonym for it, as in events: one person stays one.
fn named(what: &str, id: &str) -> String {
    let tenant = || home_cache::tenant_with_id(Acting::current()?.tenant_id);
    let id = match Scrubber::builtin().kind_of_identifier(id).zip(tenant()) {
        Some((kind, tenant)) => observa_pipeline::identity::pseudonym(kind, id, tenant.pseudonym_key()),
        None => clean(id),
    };
    format!("{what} {id}")
}

/// Scrubbed first: half a secret is none that is known as one.
fn clean(text: &str) -> String {
    let text: String = text.chars().filter(|letter| !letter.is_control()).collect();
    Scrubber::builtin().scrub(&text).text.chars().take(MOST).collect()
}

/// A time range as ISO 8601 writes it.
pub fn span(since: TimestampWithTimeZone, until: TimestampWithTimeZone) -> String {
    format!("{}/{}", since.to_iso_string(), until.to_iso_string())
}

/// Drops the acting tenant's rows that have outlived `observa.audit_retention`: the policy lets no others go; how many.
pub fn forget() -> Result<u64, Error> {
    let forget = "DELETE FROM observa_internal.audit_log WHERE tenant_id = observa.current_tenant()";
    Ok(Spi::connect_mut(|client| client.update(forget, None, &[]).map(|rows| rows.len()))? as u64)
}
