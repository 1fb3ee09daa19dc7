//! API keys: made, revoked, rotated, and taken for an identity.

use std::rc::Rc;

use observa_pipeline::origin;
use pgrx::JsonB;
use pgrx::prelude::*;
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::audit::Deed;
use crate::error::{Error, or_raise};
use crate::home_cache;
use crate::identity::{self, Acting, Rights, sql_uuid, uuid};
use crate::key_uses;
use crate::log_guard::guard_statement;
use crate::members;
use crate::storage;
use crate::tenants;

/// Characters of a key that the view shows.
const PREFIX: usize = 8;

/// Origins of a key: every request with it is held against each.
const MOST_ORIGINS: usize = 100;

pub type KeyHash = [u8; 32];

/// What only who administers a tenant has the right to: no key, and no member who is not its admin or owner.
pub const EDIT: &str = "edit what the tenant has decided";

/// A key as it is stored: without itself.
pub struct Key {
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub project_id: Uuid,
    pub is_public: bool,
    pub rights: Rights,
    pub scopes: Vec<String>,
    /// Where a public key may be used from; empty: anywhere.
    pub origins: Vec<String>,
    /// Microseconds since 1970 UTC. None: never.
    pub ends: Option<i64>,
}

impl Key {
    pub fn acting(&self) -> Acting {
        Acting {
            tenant_id: self.tenant_id,
            project_id: Some(self.project_id),
            rights: self.rights,
            key_id: Some(self.id),
        }
    }

    /// The transaction acts for it, to its end.
    pub fn act(&self) {
        self.acting().until_end();
        key_uses::note(self.tenant_id, self.id);
    }
}

fn hash(key: &str) -> KeyHash {
    Sha256::digest(key.as_bytes()).into()
}

/// A key that counts now. Its hash is looked up, not compared: how long that takes says nothing of the key.
pub fn find(key: &str) -> Result<Rc<Key>, Error> {
    let hash = hash(key);
    let found = home_cache::key(hash, || read(&hash))?;
    let counts = |key: &Rc<Key>| key.ends.is_none_or(|ends| storage::now() < ends);
    found.filter(counts).ok_or(Error::BadKey)
}

/// Runs as the one role that sees every tenant.
fn read(hash: &KeyHash) -> Result<Option<Key>, Error> {
    if storage::relation("api_keys").is_none() {
        return Ok(None);
    }
    let found = Spi::connect(|client| {
        let rows =
            client.select(include_str!("../sql/query/api_key.sql"), Some(1), &[hash.to_vec().into()])?;
        if rows.is_empty() {
            return Ok(None);
        }
        let row = rows.first();
        let ids = (row.get::<pgrx::Uuid>(1)?, row.get::<pgrx::Uuid>(2)?, row.get::<pgrx::Uuid>(3)?);
        let (Some(id), Some(tenant), Some(project)) = ids else { return Ok(None) };
        let scopes = row.get::<Vec<String>>(5)?.unwrap_or_default();
        let has = |scope: &str| scopes.iter().any(|has| has == scope);
        Ok::<_, pgrx::spi::Error>(Some(Key {
            id: uuid(id),
            tenant_id: uuid(tenant),
            project_id: uuid(project),
            is_public: row.get::<bool>(4)?.unwrap_or(true),
            rights: Rights { ingest: has("ingest"), query: has("query"), administer: false },
            scopes,
            origins: row.get::<Vec<String>>(6)?.unwrap_or_default(),
            ends: row.get::<TimestampWithTimeZone>(7)?.map(storage::unix_micros),
        }))
    })?;
    Ok(found)
}

#[pg_extern(sql = false)]
fn authenticate(key: &str) -> JsonB {
    guard_statement();
    let key = or_raise(find(key));
    key.act();
    JsonB(json!({
        "tenant_id": key.tenant_id.to_string(),
        "project_id": key.project_id.to_string(),
        "scopes": key.scopes,
    }))
}

/// Runs as the storage's owner, for the tenant of the project.
#[pg_extern(sql = false)]
fn create_api_key(
    project: pgrx::Uuid,
    kind: &str,
    scopes: Vec<String>,
    origins: Vec<String>,
    expires_at: Option<TimestampWithTimeZone>,
    name: Option<&str>,
) -> String {
    let wanted = Wanted { kind, scopes, origins, expires_at, name };
    or_raise(wanted.make(project))
}

/// What a key is asked to be.
struct Wanted<'a> {
    kind: &'a str,
    scopes: Vec<String>,
    origins: Vec<String>,
    expires_at: Option<TimestampWithTimeZone>,
    name: Option<&'a str>,
}

impl Wanted<'_> {
    fn make(&self, project: pgrx::Uuid) -> Result<String, Error> {
        storage::ensure()?;
        self.check()?;
        let key = new_key(self.kind);
        let id = Uuid::now_v7();
        of_projects_tenant(project, &Deed::of("create_api_key", "key", id), || {
            Spi::run_with_args(
                include_str!("../sql/edit/create_api_key.sql"),
                &[
                    sql_uuid(id).into(),
                    project.into(),
                    self.kind.into(),
                    key.get(..PREFIX).into(),
                    hash(&key).to_vec().into(),
                    self.scopes.clone().into(),
                    self.origins.clone().into(),
                    self.expires_at.into(),
                    self.name.into(),
                ],
            )?;
            Ok(())
        })?;
        Ok(key)
    }

    fn check(&self) -> Result<(), Error> {
        let invalid = |message: &str| Err(Error::Invalid(message.to_owned()));
        if !matches!(self.kind, "sk" | "pk") {
            return invalid("kind must be sk (a secret key) or pk (a public one)");
        }
        if self.expires_at.is_some_and(|at| storage::unix_micros(at) <= storage::now()) {
            return invalid("expires_at must be in the future; NULL: the key does not expire");
        }
        let times = |scope: &str| self.scopes.iter().filter(|wanted| *wanted == scope).count();
        let (ingest, query) = (times("ingest"), times("query"));
        if self.scopes.is_empty() || ingest > 1 || query > 1 || ingest + query != self.scopes.len() {
            return invalid("scopes must be of ingest and query, one at least, and each once");
        }
        if self.kind == "pk" && self.scopes.iter().any(|scope| scope == "query") {
            return invalid(
                "a public key can't have the scope query: whoever sees it would read all prompts",
            );
        }
        if self.kind == "sk" && !self.origins.is_empty() {
            return invalid("origins are of public keys: what sends a secret key is no browser");
        }
        if self.origins.len() > MOST_ORIGINS {
            return invalid("a key has 100 origins at most; https://*.host is for all hosts below one");
        }
        if !self.origins.iter().all(|origin| origin::is_rule(origin)) {
            return invalid("an origin must be scheme://host[:port], scheme://*.host[:port], or null");
        }
        Ok(())
    }
}

/// 256 random bits.
fn new_key(kind: &str) -> String {
    random_secret(kind)
}

/// 256 random bits behind a prefix that says what it is.
pub fn random_secret(prefix: &str) -> String {
    let random = [Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4()].map(Uuid::into_bytes).concat();
    let random: String = Sha256::digest(random).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{prefix}_{random}")
}

/// For who administers the tenant of a project.
fn of_projects_tenant<T>(
    project: pgrx::Uuid,
    deed: &Deed,
    run: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    let tenant = tenants::tenant_of_project(uuid(project))?;
    let tenant = tenant.ok_or_else(|| Error::Invalid(format!("there is no project {}", uuid(project))))?;
    tenants::administer(tenant, deed, run)
}

#[pg_extern(sql = false)]
fn revoke_api_key(key_id: pgrx::Uuid) {
    or_raise(of_keys_tenant(key_id, "revoke_api_key", || {
        let revoke = "UPDATE observa_internal.api_keys SET revoked_at = pg_catalog.now()
                       WHERE key_id = $1 AND revoked_at IS NULL";
        Ok(Spi::run_with_args(revoke, &[key_id.into()])?)
    }));
}

#[pg_extern(sql = false)]
fn rotate_api_key(key_id: pgrx::Uuid, overlap: Interval) -> String {
    or_raise(of_keys_tenant(key_id, "rotate_api_key", || rotate(key_id, overlap)))
}

fn rotate(key_id: pgrx::Uuid, overlap: Interval) -> Result<String, Error> {
    let kind = Spi::get_one_with_args::<String>(
        "SELECT kind FROM observa_internal.api_keys WHERE key_id = $1",
        &[key_id.into()],
    );
    let gone = || Error::NotFound {
        what: "key",
        id: uuid(key_id).to_string(),
        state: "neither revoked nor expired",
    };
    let kind = match kind {
        Err(pgrx::spi::Error::InvalidPosition) => return Err(gone()),
        kind => kind?.ok_or_else(gone)?,
    };
    let key = new_key(&kind);
    let arguments = [
        key_id.into(),
        sql_uuid(Uuid::now_v7()).into(),
        key.get(..PREFIX).into(),
        hash(&key).to_vec().into(),
        overlap.into(),
    ];
    // Revoked meanwhile, or expired: the new one would be, too, or open again what was closed.
    let made = members::run(include_str!("../sql/edit/rotate_api_key.sql"), &arguments)?;
    if made == 1 { Ok(key) } else { Err(gone()) }
}

/// For who administers the tenant of a key.
fn of_keys_tenant<T>(
    key_id: pgrx::Uuid,
    action: &'static str,
    run: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    storage::ensure()?;
    let tenant = Spi::get_one_with_args::<pgrx::Uuid>(
        "SELECT observa_internal.tenant_of_api_key($1)",
        &[key_id.into()],
    )?;
    let missing = || Error::NotFound { what: "key", id: uuid(key_id).to_string(), state: "" };
    tenants::administer(tenant.ok_or_else(missing)?, &Deed::of(action, "key", uuid(key_id)), run)
}

/// For the owner of ingest alone.
#[pg_extern(sql = false, name = "tenant_of_api_key")]
fn find_tenant_of_api_key(key_id: pgrx::Uuid) -> Option<pgrx::Uuid> {
    let found = Spi::connect(|client| {
        let rows = client.select(
            "SELECT tenant_id FROM observa_internal.api_keys WHERE key_id = $1",
            Some(1),
            &[key_id.into()],
        )?;
        if rows.is_empty() { Ok(None) } else { rows.first().get_one::<pgrx::Uuid>() }
    });
    or_raise(found.map_err(Error::Spi))
}

/// Whether the transaction may do something for its tenant. A superuser's session that acts for none may all.
pub fn require(right: fn(&Rights) -> bool, name: &'static str) -> Result<(), Error> {
    match Acting::current() {
        Some(acting) if !right(&acting.rights) => Err(Error::NoRight(name)),
        None if !identity::session_is_superuser() => Err(Error::NoTenant),
        _ => Ok(()),
    }
}
