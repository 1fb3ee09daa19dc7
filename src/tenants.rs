//! Tenants and projects: made here, and found for the events that name them.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use observa_pipeline::error::{Code, Reject};
use observa_pipeline::home::{Home, Homes, Place, Shared};
use observa_pipeline::scrub::{Options, Pattern, Scrubber};
use observa_pipeline::signal::RuleSet;
use observa_pipeline::signal::rules::{Override, RULES, Severity};
use pgrx::pg_sys;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::error::{Error, or_raise};
use crate::identity::{self, Acting};
use crate::price_cache;
use crate::settings;
use crate::storage;

pub const DEFAULT: &str = "default";

/// Homes that a backend keeps; with more it begins anew, which costs a look-up each.
const MAX_CACHED: usize = 4_096;

/// Tables whose change makes a cached home stale. Their triggers tell every backend, at commit.
const CONFIG_TABLES: [&str; 5] = ["tenants", "projects", "detection_rules", "model_prices", "scrub_patterns"];

/// Tenant, project and environment as a body names them.
type Named = (String, Option<String>, Option<String>);

/// What was found for a name.
#[derive(Clone)]
struct Found {
    home: Arc<Home>,
    /// Other projects have its name, and are told from it by their environment.
    namesakes: bool,
}

thread_local! {
    static CACHE: RefCell<HashMap<Named, Found>> = RefCell::new(HashMap::new());
    static WATCHED: Cell<[pg_sys::Oid; CONFIG_TABLES.len()]> =
        const { Cell::new([pg_sys::InvalidOid; CONFIG_TABLES.len()]) };
    /// How often a table has changed, as far as this backend has heard. The callback can come at any time, also while the cache
    /// is in use: it only leaves word.
    static NEWS: Cell<u64> = const { Cell::new(1) };
    /// The news that the cached homes have; 0: they are good for one statement at most.
    static KNOWN: Cell<u64> = const { Cell::new(0) };
    /// The statement, and the news, of homes that were read under a snapshot which may be older than the news.
    static PASSING: Cell<(pg_sys::TimestampTz, u64)> = const { Cell::new((0, 0)) };
    /// The settings that the cached homes were made under: scrub_emails and builtin_prices.
    static MADE_UNDER: Cell<(bool, bool)> = const { Cell::new((true, true)) };
}

pub fn watch_config() {
    // SAFETY: registered once for the process, from _PG_init.
    unsafe { pg_sys::CacheRegisterRelcacheCallback(Some(on_change), pg_sys::Datum::from(0)) };
}

#[pg_guard]
unsafe extern "C-unwind" fn on_change(_argument: pg_sys::Datum, relation: pg_sys::Oid) {
    if relation == pg_sys::InvalidOid || WATCHED.get().contains(&relation) {
        NEWS.set(NEWS.get() + 1);
    }
}

/// Tells every backend that a tenant's configuration has changed.
#[pg_trigger(sql = false)]
fn config_changed<'a>(
    trigger: &'a pgrx::PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, pgrx::AllocatedByPostgres>>, pgrx::trigger_support::PgTriggerError> {
    let relation = trigger.relid()?;
    // SAFETY: queues a message for the commit.
    unsafe { pg_sys::CacheInvalidateRelcacheByRelid(relation) };
    Ok(None)
}

#[pg_extern(sql = false)]
fn create_tenant(name: &str) -> pgrx::Uuid {
    require_superuser("observa.create_tenant");
    sql_uuid(or_raise(make(name)))
}

#[pg_extern(sql = false)]
fn create_project(tenant: pgrx::Uuid, name: &str, environment: &str) -> pgrx::Uuid {
    require_superuser("observa.create_project");
    let tenant_id = Uuid::from_bytes(*tenant.as_bytes());
    let acting = Acting { tenant_id, project_id: None };
    sql_uuid(or_raise(Acting::during(acting, || make_project(tenant_id, name, environment))))
}

fn require_superuser(what: &'static str) {
    if !identity::session_is_superuser() {
        Error::SuperuserOnly(what).raise();
    }
    or_raise(storage::ensure());
}

fn sql_uuid(id: Uuid) -> pgrx::Uuid {
    pgrx::Uuid::from_bytes(id.into_bytes())
}

/// A tenant with its project `default`.
pub fn make(name: &str) -> Result<Uuid, Error> {
    check_name("a tenant's name", name)?;
    let tenant_id = Uuid::now_v7();
    let key = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat();
    Acting::during(Acting { tenant_id, project_id: None }, || {
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
        Ok(tenant_id)
    })
}

fn make_project(tenant_id: Uuid, name: &str, environment: &str) -> Result<Uuid, Error> {
    check_name("a project's name", name)?;
    check_name("an environment", environment)?;
    let known = Spi::get_one_with_args::<bool>(
        "SELECT EXISTS (SELECT FROM observa_internal.tenants WHERE tenant_id = $1)",
        &[sql_uuid(tenant_id).into()],
    )?;
    if known != Some(true) {
        return Err(Error::Invalid(format!("there is no tenant {tenant_id}")));
    }
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

fn check_name(what: &str, name: &str) -> Result<(), Error> {
    let fits = !name.trim().is_empty() && name.len() <= 200;
    fits.then_some(()).ok_or_else(|| Error::Invalid(format!("{what} must have 1 to 200 bytes")))
}

/// Finds a home by what a body names; a tenant or project that is not named is `default`. Runs as the one role that sees
/// every tenant, and is granted to the owner of ingest alone.
#[pg_extern(sql = false)]
#[expect(clippy::type_complexity)]
fn find_home(
    tenant: &str,
    project: Option<&str>,
    in_environment: Option<&str>,
) -> TableIterator<
    'static,
    (
        name!(tenant_id, pgrx::Uuid),
        name!(project_id, pgrx::Uuid),
        name!(environment, String),
        name!(pseudonym_key, Vec<u8>),
        name!(scrub_emails, Option<bool>),
        name!(tenant_name, String),
        name!(namesakes, bool),
    ),
> {
    let id = |named: &str| Uuid::parse_str(named).ok().map(sql_uuid);
    let found = Spi::connect(|client| {
        let rows = client.select(
            include_str!("../sql/query/find_home.sql"),
            Some(1),
            &[
                tenant.into(),
                project.into(),
                in_environment.into(),
                id(tenant).into(),
                project.and_then(id).into(),
            ],
        )?;
        if rows.is_empty() {
            return Ok(None);
        }
        let row = rows.first();
        Ok(Some((
            row.get::<pgrx::Uuid>(1)?,
            row.get::<pgrx::Uuid>(2)?,
            row.get::<String>(3)?,
            row.get::<Vec<u8>>(4)?,
            row.get::<bool>(5)?,
            row.get::<String>(6)?,
            row.get::<bool>(7)?,
        )))
    });
    let found = or_raise(found.map_err(|error: pgrx::spi::Error| Error::Spi(error)));
    let row = found.and_then(|(tenant_id, project_id, environment, key, emails, name, namesakes)| {
        Some((tenant_id?, project_id?, environment?, key?, emails, name?, namesakes?))
    });
    TableIterator::new(row)
}

/// Who may write where: a superuser's session everywhere, anyone else for the tenant that the transaction acts for.
pub struct Directory {
    acting: Option<Acting>,
    /// Names that no tenant has: a body may say one in every line, and each look-up costs as much as an event.
    unknown: HashSet<String>,
}

impl Directory {
    pub fn new() -> Result<Directory, Error> {
        let acting = Acting::current();
        if acting.is_none() && !identity::session_is_superuser() {
            return Err(Error::NoTenant);
        }
        let settings = (settings::scrub_emails(), settings::builtin_prices());
        if is_stale() || MADE_UNDER.replace(settings) != settings {
            CACHE.with_borrow_mut(HashMap::clear);
            price_cache::forget();
            WATCHED.set(CONFIG_TABLES.map(|table| storage::relation(table).unwrap_or(pg_sys::InvalidOid)));
        }
        Ok(Directory { acting, unknown: HashSet::new() })
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
            let tenant = tenant.unwrap_or(DEFAULT);
            let found =
                if self.unknown.contains(tenant) { None } else { cached(tenant, project, environment) };
            return found.ok_or_else(|| {
                self.unknown.insert(tenant.to_owned());
                mismatch("tenant_id names no tenant: observa.create_tenant(name) makes one")
            });
        };
        let project_id = acting.project_id.map(|id| id.to_string());
        let home = cached(&acting.tenant_id.to_string(), project_id.as_deref().or(project), environment)
            .ok_or_else(|| mismatch("the tenant that this session acts for is gone"))?;
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

/// Whether the cache is to be read anew. What is read under an old snapshot is the past's: it counts for this statement alone.
fn is_stale() -> bool {
    let news = NEWS.get();
    if KNOWN.get() == news {
        return false;
    }
    if !keeps_snapshot() {
        KNOWN.set(news);
        return true;
    }
    KNOWN.set(0);
    // SAFETY: reads a time that the backend keeps.
    let now = (unsafe { pg_sys::GetCurrentStatementStartTimestamp() }, news);
    PASSING.replace(now) != now
}

/// Every statement of the transaction sees the same snapshot, or none can be taken.
fn keeps_snapshot() -> bool {
    // SAFETY: both read the transaction's state.
    unsafe { pg_sys::XactIsoLevel >= pg_sys::XACT_REPEATABLE_READ as i32 || pg_sys::IsInParallelMode() }
}

/// The environment is asked for only where it decides: clients may name any.
fn cached(tenant: &str, project: Option<&str>, environment: Option<&str>) -> Option<Arc<Home>> {
    let found = cached_exactly(tenant, project, None)?;
    match environment {
        Some(_) if found.namesakes => Some(cached_exactly(tenant, project, environment)?.home),
        _ => Some(found.home),
    }
}

fn cached_exactly(tenant: &str, project: Option<&str>, environment: Option<&str>) -> Option<Found> {
    let key = (tenant.to_owned(), project.map(str::to_owned), environment.map(str::to_owned));
    if let Some(found) = CACHE.with_borrow(|cache| cache.get(&key).cloned()) {
        return Some(found);
    }
    let found = or_raise(under_newest_snapshot(|| load(tenant, project, environment)))?;
    CACHE.with_borrow_mut(|cache| {
        if cache.len() >= MAX_CACHED {
            cache.clear();
        }
        cache.insert(key, found.clone());
    });
    Some(found)
}

/// The statement's own snapshot may be older than the news that made the cache stale.
fn under_newest_snapshot<T>(run: impl FnOnce() -> T) -> T {
    if keeps_snapshot() {
        return run();
    }
    // SAFETY: inside a transaction; an error of `run` ends the (sub)transaction, and its snapshots with it.
    unsafe {
        pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot());
        let result = run();
        pg_sys::PopActiveSnapshot();
        result
    }
}

fn load(tenant: &str, project: Option<&str>, environment: Option<&str>) -> Result<Option<Found>, Error> {
    let found = Spi::connect(|client| {
        let rows = client.select(
            "SELECT tenant_id, project_id, environment, pseudonym_key, scrub_emails, tenant_name, namesakes
               FROM observa_internal.find_home($1, $2, $3)",
            Some(1),
            &[tenant.into(), project.into(), environment.into()],
        )?;
        if rows.is_empty() {
            return Ok(None);
        }
        let row = rows.first();
        let ids = (row.get::<pgrx::Uuid>(1)?, row.get::<pgrx::Uuid>(2)?);
        Ok::<_, pgrx::spi::Error>(Some((
            ids,
            row.get::<String>(3)?,
            row.get::<Vec<u8>>(4)?,
            row.get::<bool>(5)?,
            row.get::<String>(6)?,
            row.get::<bool>(7)?.unwrap_or_default(),
        )))
    })?;
    let Some((ids, environment, pseudonym_key, emails, tenant_name, namesakes)) = found else {
        return Ok(None);
    };
    let (Some(tenant_id), Some(project_id)) = ids else { return Ok(None) };
    let tenant_id = Uuid::from_bytes(*tenant_id.as_bytes());
    let project_id = Uuid::from_bytes(*project_id.as_bytes());
    Acting::during(Acting { tenant_id, project_id: Some(project_id) }, || {
        let home = Home {
            tenant_id,
            tenant_name: tenant_name.unwrap_or_default(),
            project_id,
            environment: environment.unwrap_or_default(),
            pseudonym_key: pseudonym_key.unwrap_or_default(),
            scrubber: scrubber(emails.unwrap_or_else(settings::scrub_emails))?,
            book: price_cache::book(project_id)?,
            rules: Arc::new(rules(project_id)?),
        };
        Ok(Some(Found { home: Arc::new(home), namesakes }))
    })
}

static WITHOUT_EMAILS: LazyLock<Option<Scrubber>> =
    LazyLock::new(|| Scrubber::new(&Options { emails: false, patterns: Vec::new() }).ok());

/// The acting tenant's scrubber. A pattern that does not compile was refused when it was added.
fn scrubber(emails: bool) -> Result<Shared<Scrubber>, Error> {
    let patterns = Spi::connect(|client| {
        let rows = client.select("SELECT name, pattern FROM observa_internal.scrub_patterns", None, &[])?;
        rows.map(|row| Ok(row.get::<String>(1)?.zip(row.get::<String>(2)?)))
            .collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    let patterns: Vec<Pattern> =
        patterns.into_iter().flatten().map(|(name, regex)| Pattern { name, regex }).collect();
    if patterns.is_empty() {
        return Ok(match WITHOUT_EMAILS.as_ref().filter(|_| !emails) {
            Some(without) => Shared::BuiltIn(without),
            None => Shared::BuiltIn(Scrubber::builtin()),
        });
    }
    let own = Scrubber::new(&Options { emails, patterns });
    own.map(|own| Shared::Own(Arc::new(own))).map_err(|error| Error::Invalid(error.to_string()))
}

/// The rules of the acting tenant, a project's rows last.
fn rules(project_id: Uuid) -> Result<RuleSet, Error> {
    let overrides = Spi::connect(|client| {
        let rows = client.select(
            "SELECT name, enabled, severity, threshold FROM observa_internal.detection_rules
              WHERE project_id IS NULL OR project_id = $1 ORDER BY project_id NULLS FIRST",
            None,
            &[sql_uuid(project_id).into()],
        )?;
        let mut overrides = Vec::new();
        for row in rows {
            let Some(name) = row.get::<String>(1)? else { continue };
            let Some(rule) = RULES.iter().find(|rule| rule.name == name) else { continue };
            let severity = row.get::<String>(3)?.and_then(|name| Severity::from_name(&name));
            overrides.push(Override {
                name,
                enabled: row.get::<bool>(2)?.unwrap_or(true),
                severity: severity.unwrap_or(rule.severity),
                threshold: row.get::<f64>(4)?,
            });
        }
        Ok::<_, pgrx::spi::Error>(overrides)
    })?;
    Ok(RuleSet::new(&overrides))
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

/// For the owner of ingest alone, as [`find_home`].
#[pg_extern(sql = false)]
fn all_tenants() -> SetOfIterator<'static, pgrx::Uuid> {
    let ids = Spi::connect(|client| {
        let rows =
            client.select("SELECT tenant_id FROM observa_internal.tenants ORDER BY tenant_id", None, &[])?;
        rows.map(|row| row.get::<pgrx::Uuid>(1)).collect::<Result<Vec<_>, pgrx::spi::Error>>()
    });
    SetOfIterator::new(or_raise(ids.map_err(Error::Spi)).into_iter().flatten())
}

/// For the owner of ingest alone, as [`find_home`].
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
