//! People of a tenant: added and removed by its administrators, owners by owners alone.

use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;

use crate::audit::Deed;
use crate::error::{Error, or_raise};
use crate::identity;
use crate::logins;
use crate::tenants;

const OWNER: &str = "owner";

#[pg_extern(sql = false)]
fn add_member(tenant: pgrx::Uuid, subject: &str, role: &str) {
    if logins::rights(role).is_none() {
        Error::Invalid("role must be owner, admin, member or viewer".into()).raise();
    }
    let add = "INSERT INTO observa_internal.members (tenant_id, subject, role) VALUES ($1, $2, $3)
               ON CONFLICT (tenant_id, subject) DO UPDATE SET role = excluded.role";
    let deed = Deed::of("add_member", role, subject);
    or_raise(record_change(tenant, &deed, || {
        if !may_become(tenant, subject, Some(role))? {
            return Ok(false);
        }
        Ok(run(add, &[tenant.into(), subject.into(), role.into()])? > 0)
    }));
}

#[pg_extern(sql = false)]
fn remove_member(tenant: pgrx::Uuid, subject: &str) {
    let remove = "DELETE FROM observa_internal.members WHERE tenant_id = $1 AND subject = $2";
    let deed = Deed::of("remove_member", "member", subject);
    or_raise(record_change(tenant, &deed, || {
        Ok(may_become(tenant, subject, None)? && run(remove, &[tenant.into(), subject.into()])? > 0)
    }));
}

/// Whether a person's role changes to `new`, None being no member; an error where who asks may not change it so. Owners are made and
/// unmade by owners, and the last one stays: else whoever administers would take the tenant from who owns it.
fn may_become(tenant: pgrx::Uuid, subject: &str, new: Option<&str>) -> Result<bool, Error> {
    let members = roles(tenant, subject)?;
    let of = |subject: &str| members.iter().find(|(member, _)| member == subject);
    let old = of(subject).map(|(_, role)| role.as_str());
    if old == new {
        return Ok(false);
    }
    // An owner by claims, or a superuser's own session. A login that the tenant was granted administers, and owns nothing.
    let by_superuser = logins::subject().is_none() && identity::session_is_superuser();
    let by_owner = logins::subject().is_some_and(|asks| of(&asks).is_some_and(|(_, role)| role == OWNER));
    if (old == Some(OWNER) || new == Some(OWNER)) && !by_owner && !by_superuser {
        return Err(Error::NoRight("make or unmake an owner"));
    }
    let owners = members.iter().filter(|(_, role)| role == OWNER).count();
    if old == Some(OWNER) && owners == 1 && !by_superuser {
        return Err(Error::Invalid("the tenant would have no owner: make another one first".into()));
    }
    Ok(true)
}

/// The owners, whose rows are locked so that two don't remove each other, and the member asked for.
fn roles(tenant: pgrx::Uuid, subject: &str) -> Result<Vec<(String, String)>, Error> {
    let found = Spi::connect_mut(|client| {
        let sql = include_str!("../sql/edit/lock_members.sql");
        let rows = client.update(sql, None, &[tenant.into(), subject.into()])?;
        rows.map(|row| Ok(row.get::<String>(1)?.zip(row.get::<String>(2)?)))
            .collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    Ok(found.into_iter().flatten().collect())
}

/// For who administers the tenant; recorded where it has changed something, as `change` says.
pub fn record_change(
    tenant: pgrx::Uuid,
    deed: &Deed,
    change: impl FnOnce() -> Result<bool, Error>,
) -> Result<(), Error> {
    tenants::administering(tenant, || if change()? { deed.record() } else { Ok(()) })
}

/// Runs a statement; of how many rows it was.
pub fn run(sql: &str, arguments: &[DatumWithOid]) -> Result<usize, Error> {
    Ok(Spi::connect_mut(|client| client.update(sql, None, arguments).map(|rows| rows.len()))?)
}
