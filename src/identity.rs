//! Who is asking, and what for: what native code said for this transaction, the session's own identity, or a superuser. What any
//! client can SET is no identity.

use std::ffi::CString;

use pgrx::pg_sys;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::error::Error;
use crate::home_cache;
use crate::settings;

/// What who acts for a tenant may do; what the database's own roles may do is asked beside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    pub ingest: bool,
    pub query: bool,
    /// Keys, members, rules, prices, and whatever else is decided once for the tenant.
    pub administer: bool,
}

impl Rights {
    pub const ALL: Rights = Rights { ingest: true, query: true, administer: true };

    /// A letter for each.
    fn to_letters(self) -> String {
        let letters = [(self.ingest, 'i'), (self.query, 'q'), (self.administer, 'a')];
        letters.into_iter().filter(|(has, _)| *has).map(|(_, letter)| letter).collect()
    }

    pub fn from_letters(letters: &str) -> Rights {
        let has = |letter| letters.contains(letter);
        Rights { ingest: has('i'), query: has('q'), administer: has('a') }
    }
}

/// Whom the transaction acts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acting {
    pub tenant_id: Uuid,
    /// None: the tenant's default.
    pub project_id: Option<Uuid>,
    pub rights: Rights,
    /// The API key that said so. None: another identity.
    pub key_id: Option<Uuid>,
}

impl Acting {
    /// For all of a tenant.
    pub fn whole(tenant_id: Uuid) -> Acting {
        Acting::at(tenant_id, None)
    }

    pub fn within(tenant_id: Uuid, project_id: Uuid) -> Acting {
        Acting::at(tenant_id, Some(project_id))
    }

    pub fn at(tenant_id: Uuid, project_id: Option<Uuid>) -> Acting {
        Acting { tenant_id, project_id, rights: Rights::ALL, key_id: None }
    }

    /// What this transaction was said to act for, else who the session's login is. None: nobody, or a superuser.
    pub fn current() -> Option<Acting> {
        match settings::acting() {
            Some(text) => Acting::parse(text.to_str().ok()?),
            None => home_cache::asking().acting,
        }
    }

    pub fn parse(text: &str) -> Option<Acting> {
        let mut parts = text.split('/');
        Some(Acting {
            tenant_id: parts.next()?.parse().ok()?,
            project_id: parts.next()?.parse().ok(),
            rights: Rights::from_letters(parts.next()?),
            key_id: parts.next()?.parse().ok(),
        })
    }

    fn to_setting(self) -> CString {
        CString::new(self.to_string()).unwrap_or_default()
    }

    /// Runs something for a tenant, and goes back to who it was before. As a function's own SET, it may happen while a parallel
    /// query runs.
    pub fn during<T>(acting: Acting, run: impl FnOnce() -> T) -> T {
        settings::with(settings::ACTING_NAME, &acting.to_setting(), run)
    }

    /// From now to the end of the transaction, or of the savepoint.
    pub fn until_end(self) {
        settings::set_local(settings::ACTING_NAME, &self.to_setting());
    }
}

impl std::fmt::Display for Acting {
    fn fmt(&self, to: &mut std::fmt::Formatter) -> std::fmt::Result {
        let id = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
        let (project, key) = (id(self.project_id), id(self.key_id));
        write!(to, "{}/{project}/{}/{key}", self.tenant_id, self.rights.to_letters())
    }
}

/// The session's own user, not the current one, who is a function's owner inside SECURITY DEFINER.
pub fn session_is_superuser() -> bool {
    // SAFETY: both only read the session's state.
    unsafe { pg_sys::superuser_arg(pg_sys::GetSessionUserId()) }
}

/// Runs something as the session's own user, a superuser: whom no row security binds. Where a function's owner would see no row.
pub fn as_session_superuser<T>(run: impl FnOnce() -> T) -> Result<T, Error> {
    struct Back(pg_sys::Oid, i32);
    impl Drop for Back {
        fn drop(&mut self) {
            // SAFETY: who it was before, and in what context.
            unsafe { pg_sys::SetUserIdAndSecContext(self.0, self.1) };
        }
    }
    if !session_is_superuser() {
        return Err(Error::SuperuserOnly("this"));
    }
    let mut before = Back(pg_sys::InvalidOid, 0);
    // SAFETY: as a SECURITY DEFINER function does it, and no setting of the role can be changed meanwhile; an error's end of the
    // (sub)transaction sets it back, too.
    unsafe {
        pg_sys::GetUserIdAndSecContext(&mut before.0, &mut before.1);
        let context = before.1 | pg_sys::SECURITY_LOCAL_USERID_CHANGE.cast_signed();
        pg_sys::SetUserIdAndSecContext(pg_sys::GetSessionUserId(), context);
    }
    Ok(run())
}

/// The session's own user's name. None: it was dropped meanwhile.
pub fn session_user() -> Option<String> {
    // SAFETY: a name in the current memory context, or null where there is no such role.
    unsafe {
        let name = pg_sys::GetUserNameFromId(pg_sys::GetSessionUserId(), true);
        (!name.is_null()).then(|| std::ffi::CStr::from_ptr(name).to_string_lossy().into_owned())
    }
}

/// An id as SQL takes it.
pub fn sql_uuid(id: Uuid) -> pgrx::Uuid {
    pgrx::Uuid::from_bytes(id.into_bytes())
}

/// An id as SQL gives it.
pub fn uuid(id: pgrx::Uuid) -> Uuid {
    Uuid::from_bytes(*id.as_bytes())
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
    Acting::current().filter(|acting| acting.rights.query).map(|acting| sql_uuid(acting.tenant_id))
}

#[pg_extern(sql = false)]
fn administered_tenant() -> Option<pgrx::Uuid> {
    Acting::current().filter(|acting| acting.rights.administer).map(|acting| sql_uuid(acting.tenant_id))
}

#[pg_extern(sql = false)]
fn current_project() -> Option<pgrx::Uuid> {
    Acting::current().and_then(|acting| acting.project_id).map(sql_uuid)
}
