//! The session's own identity: the tenant that its login was granted, or that the claims say which a trusted login passes on.

use std::ffi::CStr;

use pgrx::pg_sys;
use pgrx::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::accounts;
use crate::audit::Deed;
use crate::error::{Error, or_raise};
use crate::home_cache;
use crate::identity::{self, Acting, Rights, sql_uuid, uuid};
use crate::members::{record_change, run};
use crate::settings;
use crate::storage;
use crate::tenants;

/// What PostgREST makes of a JWT that it has verified.
const CLAIMS: &CStr = c"request.jwt.claims";

/// Who signs the JWTs of `observa.login`, as their claims say.
pub const ISSUER: &str = "observa";

/// The part of the claims that says who it is. `user_metadata` is the user's own to edit, and is not looked at.
struct Claims {
    subject: String,
    issuer: Option<String>,
    /// The session, of a JWT of ours.
    jti: Option<String>,
    tenant_id: Option<Uuid>,
    project_id: Option<Uuid>,
}

impl Claims {
    /// None: there are none, or they name nobody, as those of PostgREST's role for requests without a JWT.
    fn passed_on() -> Option<Claims> {
        // What can't be read names somebody whom nobody knows: it must not fall back to the login's own rights.
        let claims: Value = serde_json::from_str(&claims()?).unwrap_or_else(|_| json!({ "sub": "" }));
        let subject = match claims.get("sub")? {
            Value::Null => return None,
            Value::String(subject) => subject.clone(),
            other => other.to_string(),
        };
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let metadata = |name: &str| text(claims.get("app_metadata").and_then(|data| data.get(name)));
        let id = |name: &str| metadata(name).and_then(|id| id.parse().ok());
        Some(Claims {
            subject,
            issuer: text(claims.get("iss")),
            jti: text(claims.get("jti")),
            tenant_id: id("tenant_id"),
            project_id: id("project_id"),
        })
    }

    fn are_ours(&self) -> bool {
        self.issuer.as_deref() == Some(ISSUER)
    }
}

/// Who the session is by itself, whatever a key says beside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    pub acting: Option<Acting>,
    /// Who signed in with us, where the claims are of a session of theirs that counts.
    pub account_id: Option<Uuid>,
}

impl Known {
    fn parse(text: &str) -> Option<Known> {
        let (acting, account) = text.split_once(' ')?;
        Some(Known { acting: Acting::parse(acting), account_id: account.parse().ok() })
    }
}

impl std::fmt::Display for Known {
    fn fmt(&self, to: &mut std::fmt::Formatter) -> std::fmt::Result {
        let acting = self.acting.map(|acting| acting.to_string()).unwrap_or_default();
        let account = self.account_id.map(|id| id.to_string()).unwrap_or_default();
        write!(to, "{acting} {account}")
    }
}

/// Whether the superuser's setting names the session's login, as it does PostgREST's.
pub fn is_trusted() -> bool {
    identity::session_user().is_some_and(|user| trusted().contains(&user))
}

fn trusted() -> Vec<String> {
    let logins = settings::trusted_logins().unwrap_or_default();
    let logins = logins.to_string_lossy();
    logins.split(',').map(|login| login.trim().to_owned()).filter(|login| !login.is_empty()).collect()
}

/// Whether what the session says of a request is believed, which any client can SET. Where nobody is trusted by name, PostgREST is a
/// login that is no tenant's: who has an identity of its own writes SQL.
pub fn passes_on_requests() -> bool {
    identity::session_is_superuser()
        || if trusted().is_empty() { home_cache::asking().acting.is_none() } else { is_trusted() }
}

/// The claims' text, of a session whose login may pass claims on. None: there are none.
pub fn claims() -> Option<String> {
    // SAFETY: a C string that lives through the call; null where nobody has set it, else a text of the setting's own.
    let claims = unsafe {
        let text = pg_sys::GetConfigOption(CLAIMS.as_ptr(), true, false);
        (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
    };
    claims.filter(|claims| !claims.is_empty() && is_trusted())
}

/// Who the claims are of that a trusted login passes on.
pub fn subject() -> Option<String> {
    Claims::passed_on().map(|claims| claims.subject)
}

/// The session that our own claims name, and their tenant, whether it counts or not.
pub fn own_session() -> Option<(String, Option<Uuid>)> {
    let claims = Claims::passed_on().filter(Claims::are_ours)?;
    Some((claims.jti?, claims.tenant_id))
}

/// What the role of a member may do. Unknown ones may nothing.
pub fn rights(role: &str) -> Option<Rights> {
    match role {
        "owner" | "admin" => Some(Rights::ALL),
        "member" => Some(Rights { administer: false, ..Rights::ALL }),
        "viewer" => Some(Rights { query: true, ..Rights::default() }),
        _ => None,
    }
}

/// Who the session is, as [`Known`] writes it. Runs as the one role that sees every tenant; it tells a session about itself alone.
#[pg_extern(sql = false)]
fn find_identity() -> String {
    or_raise(identity_of_session()).to_string()
}

fn identity_of_session() -> Result<Known, Error> {
    // Claims of somebody decide, also where they name no tenant or one that is not theirs: then it is nobody's session.
    if let Some(claims) = Claims::passed_on() {
        return person(&claims);
    }
    let Some(user) = identity::session_user() else { return Ok(Known::default()) };
    let tenant = Spi::connect(|client| {
        let rows = client.select(
            "SELECT tenant_id FROM observa_internal.logins WHERE login = $1",
            Some(1),
            &[user.into()],
        )?;
        if rows.is_empty() { Ok(None) } else { rows.first().get_one::<pgrx::Uuid>() }
    })?;
    Ok(Known { acting: tenant.map(|tenant| Acting::whole(uuid(tenant))), account_id: None })
}

fn person(claims: &Claims) -> Result<Known, Error> {
    let account_id = match &claims.jti {
        Some(jti) if claims.are_ours() => accounts::account_of_session(jti)?,
        _ => None,
    };
    let is_theirs = |id: Uuid| claims.subject.parse() == Ok(id);
    // A session that is not there was ended with its account: nobody else signs as we do.
    if claims.are_ours() && !account_id.is_some_and(is_theirs) {
        return Ok(Known::default());
    }
    Ok(Known { acting: member(claims)?, account_id })
}

fn member(claims: &Claims) -> Result<Option<Acting>, Error> {
    let Some(tenant_id) = claims.tenant_id else { return Ok(None) };
    let (role, project) = Spi::connect(|client| {
        let arguments = [
            sql_uuid(tenant_id).into(),
            claims.subject.as_str().into(),
            claims.project_id.map(sql_uuid).into(),
        ];
        let rows = client.select(include_str!("../sql/query/member.sql"), Some(1), &arguments)?;
        if rows.is_empty() { Ok((None, None)) } else { rows.first().get_two::<String, pgrx::Uuid>() }
    })?;
    Ok(role.as_deref().and_then(rights).map(|rights| Acting {
        tenant_id,
        project_id: project.map(uuid),
        rights,
        key_id: None,
    }))
}

/// Asks [`find_identity`]: the caller may see no other login's tenant.
pub fn ask() -> Known {
    if storage::relation("logins").is_none() {
        return Known::default();
    }
    // Reads alone, also in a parallel worker.
    let found = Spi::connect(|client| {
        client.select("SELECT observa_internal.find_identity()", Some(1), &[])?.first().get_one::<String>()
    });
    or_raise(found.map_err(Error::Spi)).as_deref().and_then(Known::parse).unwrap_or_default()
}

#[pg_extern(sql = false)]
fn grant_tenant(login: &CStr, tenant: pgrx::Uuid) {
    or_raise(grant(login, tenant));
}

fn grant(login: &CStr, tenant: pgrx::Uuid) -> Result<(), Error> {
    if identity::session_is_superuser() {
        storage::ensure()?;
        tenants::check_tenant(uuid(tenant))?;
        warn_of_missing(login)?;
    }
    bind(
        "grant_tenant",
        "INSERT INTO observa_internal.logins AS l (login, tenant_id) VALUES ($1, $2)
         ON CONFLICT (login) DO UPDATE SET tenant_id = excluded.tenant_id, granted_at = pg_catalog.now()",
        login,
        tenant,
    )
}

#[pg_extern(sql = false)]
fn revoke_tenant(login: &CStr, tenant: pgrx::Uuid) {
    let delete = "DELETE FROM observa_internal.logins WHERE login = $1 AND tenant_id = $2";
    or_raise(bind("revoke_tenant", delete, login, tenant));
}

/// A dump may be restored before its roles are: the name alone counts.
fn warn_of_missing(login: &CStr) -> Result<(), Error> {
    let login = login.to_string_lossy();
    let known = Spi::get_one_with_args::<bool>(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = $1)",
        &[login.as_ref().into()],
    )?;
    if known != Some(true) {
        warning!("there is no role {login}: it has the tenant once it is made");
    }
    Ok(())
}

/// SQL's type `name` is a C string, as is `cstring`.
fn bind(what: &'static str, sql: &str, login: &CStr, tenant: pgrx::Uuid) -> Result<(), Error> {
    if !identity::session_is_superuser() {
        return Err(Error::SuperuserOnly(what));
    }
    storage::ensure()?;
    let login = login.to_string_lossy();
    let deed = Deed::of(what, "login", &login);
    let arguments = [login.as_ref().into(), tenant.into()];
    record_change(tenant, &deed, || Ok(run(sql, &arguments)? > 0))
}
