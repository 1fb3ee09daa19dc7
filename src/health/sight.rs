//! Whose numbers a caller may see.

use pgrx::pg_sys;
use uuid::Uuid;

use crate::identity::{Acting, sql_uuid};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sight {
    /// Of the tenant that the caller may read.
    Tenant(Uuid),
    /// Of the whole server: a member of pg_monitor, or a superuser, who acts for none.
    Server,
    Nothing,
}

impl Sight {
    pub fn of_caller() -> Sight {
        match Acting::current() {
            Some(acting) if acting.rights.query => Sight::Tenant(acting.tenant_id),
            Some(_) => Sight::Nothing,
            None if watches() => Sight::Server,
            None => Sight::Nothing,
        }
    }

    /// As statements take it, whose NULL is all tenants. None: nothing may be told.
    pub fn as_argument(self) -> Option<Option<pgrx::Uuid>> {
        match self {
            Sight::Tenant(tenant_id) => Some(Some(sql_uuid(tenant_id))),
            Sight::Server => Some(None),
            Sight::Nothing => None,
        }
    }
}

fn watches() -> bool {
    // SAFETY: look-ups of the session's own user and a role that every cluster has.
    unsafe {
        pg_sys::has_privs_of_role(pg_sys::GetSessionUserId(), pg_sys::Oid::from(pg_sys::ROLE_PG_MONITOR))
    }
}
