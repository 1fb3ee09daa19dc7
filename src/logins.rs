//! The session's own identity: the tenant that its login was granted, or that the claims say which a trusted login passes on.

use std::ffi::CStr;

use pgrx::pg_sys;
use pgrx::prelude::*;
use serde::Deserialize;
use uuid::Uuid;

use crate::accounts;
use crate::audit::Deed;
use crate::error::{Error, or_raise};
use crate::identity::{self, Acting, Rights, uuid};
use crate::settings;
use crate::storage;
use crate::tenants;

/// What PostgREST makes of a JWT that it has verified.
const CLAIMS: &CStr = c"request.jwt.claims";

/// The part of the claims that says who it is. `user_metadata` is the user's own to edit, and is not looked at.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    /// The session, of a JWT of ours.
    jti: Option<String>,
    app_metadata: AppMetadata,
}

#[derive(Deserialize)]
struct AppMetadata {
    tenant_id: Uuid,
    project_id: Option<Uuid>,
}

impl Claims {
    /// None: there are none, or they name no tenant.
    fn passed_on() -> Option<Claims> {
        serde_json::from_str(&claims()?).ok()
    }
}

/// The claims' text, of a session whose login may pass claims on. None: there are none.
pub fn claims() -> Option<String> {
    let user = identity::session_user()?;
    let trusted = settings::trusted_logins()?;
    let is_trusted = trusted.to_str().ok()?.split(',').any(|login| login.trim() == user);
    // SAFETY: a C string that lives through the call; null where nobody has set it, else a text of the setting's own.
    let claims = unsafe {
        let text = pg_sys::GetConfigOption(CLAIMS.as_ptr(), true, false);
        (is_trusted && !text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
    };
    claims.filter(|claims| !claims.is_empty())
}

/// Who the claims are of that a trusted login passes on.
pub fn subject() -> Option<String> {
    Claims::passed_on().map(|claims| claims.sub)
}

/// The session that the claims name.
pub fn session_of_claims() -> Option<String> {
    Claims::passed_on()?.jti
}

/// What the role of a member may do. Unknown ones may nothing.
fn rights(role: &str) -> Option<Rights> {
    match role {
        "owner" | "admin" => Some(Rights::ALL),
        "member" => Some(Rights { administer: false, ..Rights::ALL }),
        "viewer" => Some(Rights { query: true, ..Rights::default() }),
        _ => None,
    }
}

/// Who the session is, as [`Acting`] writes it. Runs as the one role that sees every tenant; it tells a session about itself alone.
#[pg_extern(sql = false)]
fn find_identity() -> Option<String> {
    or_raise(identity_of_session()).map(|acting| acting.to_string())
}

fn identity_of_session() -> Result<Option<Acting>, Error> {
    // Claims that say a tenant decide, also where the tenant is not theirs: then it is nobody's session.
    if let Some(claims) = Claims::passed_on() {
        return member(&claims);
    }
    let Some(user) = identity::session_user() else { return Ok(None) };
    let tenant = Spi::connect(|client| {
        let rows = client.select(
            "SELECT tenant_id FROM observa_internal.logins WHERE login = $1",
            Some(1),
            &[user.into()],
        )?;
        if rows.is_empty() { Ok(None) } else { rows.first().get_one::<pgrx::Uuid>() }
    })?;
    Ok(tenant.map(|tenant| Acting::whole(uuid(tenant))))
}

fn member(claims: &Claims) -> Result<Option<Acting>, Error> {
    if !accounts::counts(claims.jti.as_deref())? {
        return Ok(None);
    }
    let tenant_id = claims.app_metadata.tenant_id;
    let (role, project) = Spi::connect(|client| {
        let arguments = [
            identity::sql_uuid(tenant_id).into(),
            claims.sub.as_str().into(),
            claims.app_metadata.project_id.map(identity::sql_uuid).into(),
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
pub fn ask() -> Option<Acting> {
    storage::relation("logins")?;
    // Reads alone, also in a parallel worker.
    let found = Spi::connect(|client| {
        client.select("SELECT observa_internal.find_identity()", Some(1), &[])?.first().get_one::<String>()
    });
    or_raise(found.map_err(Error::Spi)).as_deref().and_then(Acting::parse)
}

#[pg_extern(sql = false)]
fn grant_tenant(login: &CStr, tenant: pgrx::Uuid) {
    or_raise(bind(
        "grant_tenant",
        "INSERT INTO observa_internal.logins AS l (login, tenant_id) VALUES ($1, $2)
         ON CONFLICT (login) DO UPDATE SET tenant_id = excluded.tenant_id, granted_at = pg_catalog.now()",
        login,
        tenant,
    ));
}

#[pg_extern(sql = false)]
fn revoke_tenant(login: &CStr, tenant: pgrx::Uuid) {
    let delete = "DELETE FROM observa_internal.logins WHERE login = $1 AND tenant_id = $2";
    or_raise(bind("revoke_tenant", delete, login, tenant));
}

/// SQL's type `name` is a C string, as is `cstring`.
fn bind(what: &'static str, sql: &str, login: &CStr, tenant: pgrx::Uuid) -> Result<(), Error> {
    if !identity::session_is_superuser() {
        return Err(Error::SuperuserOnly(what));
    }
    storage::ensure()?;
    let login = login.to_string_lossy();
    let deed = Deed::of(what, "login", &login);
    tenants::administer(tenant, &deed, || {
        Ok(Spi::run_with_args(sql, &[login.as_ref().into(), tenant.into()])?)
    })
}

#[pg_extern(sql = false)]
fn add_member(tenant: pgrx::Uuid, subject: &str, role: &str) {
    if rights(role).is_none() {
        Error::Invalid("role must be owner, admin, member or viewer".into()).raise();
    }
    let add = "INSERT INTO observa_internal.members (tenant_id, subject, role) VALUES ($1, $2, $3)
               ON CONFLICT (tenant_id, subject) DO UPDATE SET role = excluded.role";
    let deed = Deed::of("add_member", role, subject);
    or_raise(tenants::administer(tenant, &deed, || {
        Ok(Spi::run_with_args(add, &[tenant.into(), subject.into(), role.into()])?)
    }));
}

#[pg_extern(sql = false)]
fn remove_member(tenant: pgrx::Uuid, subject: &str) {
    let remove = "DELETE FROM observa_internal.members WHERE tenant_id = $1 AND subject = $2";
    let deed = Deed::of("remove_member", "member", subject);
    or_raise(tenants::administer(tenant, &deed, || {
        Ok(Spi::run_with_args(remove, &[tenant.into(), subject.into()])?)
    }));
}
