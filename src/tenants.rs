//! Tenants and projects: made here, and found for the events that name them.

use std::sync::Arc;

use observa_pipeline::error::{Code, Reject};
use observa_pipeline::home::{Home, Homes, Place};
use pgrx::prelude::*;
use uuid::Uuid;

use crate::audit::Deed;
use crate::error::{Error, or_raise};
use crate::home_cache;
use crate::identity::{self, Acting, sql_uuid};
use crate::storage;

pub const DEFAULT: &str = "default";

#[pg_extern(sql = false)]
fn create_tenant(name: &str) -> pgrx::Uuid {
    require_superuser("observa.create_tenant");
    sql_uuid(or_raise(make(name, None)))
}

#[pg_extern(sql = false)]
fn create_project(tenant: pgrx::Uuid, name: &str, environment: &str) -> pgrx::Uuid {
    require_superuser("observa.create_project");
    let tenant_id = Uuid::from_bytes(*tenant.as_bytes());
    let acting = Acting::whole(tenant_id);
    sql_uuid(or_raise(Acting::during(acting, || {
        let project_id = make_project(tenant_id, name, environment)?;
        Deed::of("create_project", "project", project_id).record()?;
        Ok(project_id)
    })))
}

fn require_superuser(what: &'static str) {
    if !identity::session_is_superuser() {
        Error::SuperuserOnly(what).raise();
    }
    or_raise(storage::ensure());
}

/// A tenant with its project `default`, made by an account that signs up or who else asks.
pub fn make(name: &str, by: Option<Uuid>) -> Result<Uuid, Error> {
    check_name("a tenant's name", name)?;
    let tenant_id = Uuid::now_v7();
    let key = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat();
    Acting::during(Acting::whole(tenant_id), || {
        let made = Spi::connect_mut(|client| {
            client
                .update(
                    "INSERT INTO observa_internal.tenants (tenant_id, name, pseudonym_key) VALUES ($1, $2, $3)
                     ON CONFLICT DO NOTHING",
                    None,
                    &[sql_uuid(tenant_id).into(), name.into(), key.into()],
                )
                .map(|inserted| inserted.len())
        })?;
        if made == 0 {
            return Err(Error::Exists { what: "tenant", name: name.to_owned() });
        }
        make_project(tenant_id, DEFAULT, "prod")?;
        Deed::of("create_tenant", "tenant", tenant_id).by(by).record()?;
        Ok(tenant_id)
    })
}

fn make_project(tenant_id: Uuid, name: &str, environment: &str) -> Result<Uuid, Error> {
    check_name("a project's name", name)?;
    check_name("an environment", environment)?;
    check_tenant(tenant_id)?;
    let project_id = Uuid::now_v7();
    let made = Spi::connect_mut(|client| {
        client
            .update(
                "INSERT INTO observa_internal.projects (tenant_id, project_id, name, environment)
                 VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                None,
                &[sql_uuid(tenant_id).into(), sql_uuid(project_id).into(), name.into(), environment.into()],
            )
            .map(|inserted| inserted.len())
    })?;
    if made == 0 {
        return Err(Error::Exists { what: "project", name: format!("{name} ({environment})") });
    }
    Ok(project_id)
}

/// For who acts for it, or sees every tenant.
pub fn check_tenant(tenant_id: Uuid) -> Result<(), Error> {
    let known = Spi::get_one_with_args::<bool>(
        "SELECT EXISTS (SELECT FROM observa_internal.tenants WHERE tenant_id = $1)",
        &[sql_uuid(tenant_id).into()],
    )?;
    if known == Some(true) {
        return Ok(());
    }
    Err(Error::Invalid(format!("there is no tenant {tenant_id}")))
}

fn check_name(what: &str, name: &str) -> Result<(), Error> {
    let fits = !name.trim().is_empty() && name.len() <= 200;
    fits.then_some(()).ok_or_else(|| Error::Invalid(format!("{what} must have 1 to 200 bytes")))
}

/// Finds a tenant by id or name. Runs as the one role that sees every tenant, and is granted to the owner of ingest alone.
#[pg_extern(sql = false)]
fn find_tenant(
    tenant: &str,
) -> TableIterator<'static, (name!(tenant_id, pgrx::Uuid), name!(name, String), name!(pseudonym_key, Vec<u8>))>
{
    let id = Uuid::parse_str(tenant).ok().map(sql_uuid);
    let found = Spi::connect(|client| {
        let arguments = [tenant.into(), id.into()];
        let rows = client.select(include_str!("../sql/query/find_tenant.sql"), Some(1), &arguments)?;
        if rows.is_empty() {
            return Ok(None);
        }
        let row = rows.first();
        Ok(row.get::<pgrx::Uuid>(1)?.zip(row.get::<String>(2)?).zip(row.get::<Vec<u8>>(3)?))
    });
    let found = or_raise(found.map_err(|error: pgrx::spi::Error| Error::Spi(error)));
    TableIterator::new(found.map(|((tenant_id, name), key)| (tenant_id, name, key)))
}

/// Who may write where: a superuser's session everywhere, anyone else for the tenant that the transaction acts for.
pub struct Directory {
    acting: Option<Acting>,
}

impl Directory {
    pub fn new() -> Result<Directory, Error> {
        let acting = Acting::current();
        if acting.is_none() && !identity::session_is_superuser() {
            return Err(Error::NoTenant);
        }
        home_cache::refresh();
        Ok(Directory { acting })
    }

    fn names_acting_tenant(acting: Acting, named: &str, home: &Home) -> bool {
        Uuid::parse_str(named).is_ok_and(|id| id == acting.tenant_id) || named == home.tenant_name
    }
}

impl Homes for Directory {
    fn home(&mut self, place: Place) -> Result<Arc<Home>, Reject> {
        let Place { tenant, project, environment } = place;
        let mismatch = |message| Reject::field(Code::TenantMismatch, "tenant_id", message);
        let Some(acting) = self.acting else {
            let found = home_cache::tenant(tenant.unwrap_or(DEFAULT))
                .and_then(|tenant| Some(home_cache::home(&tenant, tenant.project(project, environment)?)));
            return found
                .ok_or_else(|| mismatch("tenant_id names no tenant: observa.create_tenant(name) makes one"));
        };
        let home = home_cache::tenant_with_id(acting.tenant_id).and_then(|own| {
            let project = match acting.project_id {
                Some(id) => own.project_with_id(id).or_else(|| own.project(None, environment)),
                None => own.project(project, environment),
            };
            Some(home_cache::home(&own, project?))
        });
        let home = home.ok_or_else(|| mismatch("the tenant that this session acts for is gone"))?;
        match tenant {
            Some(named) if !Directory::names_acting_tenant(acting, named, &home) => {
                Err(mismatch("tenant_id is not the tenant that this session acts for"))
            }
            _ => Ok(home),
        }
    }
}

/// The home of who asks: of the transaction's project, or for a superuser the default one. None: nobody's, or no storage.
pub fn acting_home() -> Option<Arc<Home>> {
    if !storage::exists() {
        return None;
    }
    Directory::new().ok()?.home(Place::default()).ok()
}

#[pg_extern(sql = false)]
fn own_tenant() -> Option<pgrx::Uuid> {
    acting_home().map(|home| sql_uuid(home.tenant_id))
}

/// Whose a project is. None: there is no such project.
pub fn tenant_of_project(project_id: Uuid) -> Result<Option<pgrx::Uuid>, Error> {
    let found = Spi::get_one_with_args::<pgrx::Uuid>(
        "SELECT observa_internal.tenant_of_project($1)",
        &[sql_uuid(project_id).into()],
    )?;
    Ok(found)
}

/// Every tenant, for a superuser's session.
pub fn all() -> Result<Vec<Uuid>, Error> {
    let ids = Spi::connect(|client| {
        let rows = client.select("SELECT observa_internal.all_tenants()", None, &[])?;
        rows.map(|row| row.get::<pgrx::Uuid>(1)).collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    Ok(ids.into_iter().flatten().map(|id| Uuid::from_bytes(*id.as_bytes())).collect())
}

/// For the owner of ingest alone, as [`find_tenant`].
#[pg_extern(sql = false)]
fn all_tenants() -> SetOfIterator<'static, pgrx::Uuid> {
    let ids = Spi::connect(|client| {
        let rows =
            client.select("SELECT tenant_id FROM observa_internal.tenants ORDER BY tenant_id", None, &[])?;
        rows.map(|row| row.get::<pgrx::Uuid>(1)).collect::<Result<Vec<_>, pgrx::spi::Error>>()
    });
    SetOfIterator::new(or_raise(ids.map_err(Error::Spi)).into_iter().flatten())
}

/// For the owner of ingest alone, as [`find_tenant`].
#[pg_extern(sql = false, name = "tenant_of_project")]
fn find_tenant_of_project(project: pgrx::Uuid) -> Option<pgrx::Uuid> {
    or_raise(
        Spi::connect(|client| {
            let rows = client.select(
                "SELECT tenant_id FROM observa_internal.projects WHERE project_id = $1",
                Some(1),
                &[project.into()],
            )?;
            if rows.is_empty() { Ok(None) } else { rows.first().get::<pgrx::Uuid>(1) }
        })
        .map_err(Error::Spi),
    )
}

/// For who administers a tenant: a superuser's session that acts for none, or who acts for it with the right to. What is done is
/// recorded.
pub fn administer<T>(
    tenant: pgrx::Uuid,
    deed: &Deed,
    run: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    administering(tenant, || {
        let done = run()?;
        deed.record()?;
        Ok(done)
    })
}

/// As [`administer`], of what records by itself.
pub fn administering<T>(tenant: pgrx::Uuid, run: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    storage::ensure()?;
    let tenant_id = identity::uuid(tenant);
    match Acting::current() {
        Some(acting) if acting.tenant_id != tenant_id => return Err(Error::NoTenant),
        Some(acting) if !acting.rights.administer => return Err(Error::NoRight("administer")),
        None if !identity::session_is_superuser() => return Err(Error::NoTenant),
        _ => {}
    }
    Acting::during(Acting::whole(tenant_id), run)
}
