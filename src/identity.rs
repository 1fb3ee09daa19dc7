//! Who is asking: a setting that native code alone writes, or a superuser's session. What any client can SET is no identity.

use std::ffi::CString;

use pgrx::pg_sys;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::settings;

/// Whom the transaction acts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acting {
    pub tenant_id: Uuid,
    /// None: the tenant's default.
    pub project_id: Option<Uuid>,
}

impl Acting {
    pub fn current() -> Option<Acting> {
        let text = settings::acting()?;
        let (tenant, project) = text.to_str().ok()?.split_once('/')?;
        Some(Acting { tenant_id: tenant.parse().ok()?, project_id: project.parse().ok() })
    }

    /// Runs something for a tenant, and goes back to who it was before. As a function's own SET, it may happen while a parallel
    /// query runs.
    pub fn during<T>(acting: Acting, run: impl FnOnce() -> T) -> T {
        let project = acting.project_id.map(|id| id.to_string()).unwrap_or_default();
        let value = CString::new(format!("{}/{project}", acting.tenant_id)).unwrap_or_default();
        settings::with(settings::ACTING_NAME, &value, run)
    }
}

/// The session's own user, not the current one, who is a function's owner inside SECURITY DEFINER.
pub fn session_is_superuser() -> bool {
    // SAFETY: both only read the session's state.
    unsafe { pg_sys::superuser_arg(pg_sys::GetSessionUserId()) }
}

/// An id as SQL takes it.
pub fn sql_uuid(id: Uuid) -> pgrx::Uuid {
    pgrx::Uuid::from_bytes(id.into_bytes())
}

#[pg_extern(sql = false)]
fn current_tenant() -> Option<pgrx::Uuid> {
    Acting::current().map(|acting| sql_uuid(acting.tenant_id))
}

/// For policies: [`session_is_superuser`].
#[pg_extern(sql = false, name = "session_is_superuser")]
fn is_superusers_session() -> bool {
    session_is_superuser()
}

#[pg_extern(sql = false)]
fn readable_tenant() -> Option<pgrx::Uuid> {
    current_tenant()
}

#[pg_extern(sql = false)]
fn current_project() -> Option<pgrx::Uuid> {
    Acting::current().and_then(|acting| acting.project_id).map(sql_uuid)
}
