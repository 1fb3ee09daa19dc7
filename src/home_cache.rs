//! What a backend knows of tenants: who they are, by what bodies call them, and for each project what was decided about
//! scrubbing, prices and rules.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::Hash;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use observa_pipeline::home::{Home, Shared};
use observa_pipeline::identity::Veil;
use observa_pipeline::scrub::{Options, Pattern, Scrubber};
use observa_pipeline::signal::RuleSet;
use observa_pipeline::signal::expression::Expression;
use observa_pipeline::signal::own::OwnRule;
use observa_pipeline::signal::rules::{Override, RULES, Severity};
use pgrx::pg_sys;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::analysis;
use crate::error::{Error, or_raise};
use crate::identity::Acting;
use crate::keys::{Key, KeyHash};
use crate::logins::{self, Known};
use crate::price_cache;
use crate::settings::{self, Switches};
use crate::storage::{self, unix_micros};
use crate::tenants::DEFAULT;

/// Names of tenants that a backend keeps, unknown ones among them; of each map, with more it begins anew.
const MAX_NAMES: usize = 4_096;

/// Projects of all tenants that a backend keeps, some 200 bytes each.
const MAX_PROJECTS: usize = 100_000;

/// Homes that a backend keeps.
const MAX_HOMES: usize = 4_096;

/// Compiled patterns of tenants that a backend keeps: ten patterns take half a megabyte.
const MAX_SCRUBBERS: usize = 64;

/// Expressions of rules that a backend keeps: their patterns take up to half a megabyte each.
const MAX_EXPRESSIONS: usize = 1_000;

/// In bytes. A name has 200 characters at most, and an id fewer: what is longer names nobody, and is not kept.
const LONGEST_NAME: usize = 800;

/// Tables whose change makes the cache stale. Their triggers tell every backend, at commit.
const CONFIG_TABLES: [&str; 11] = [
    "sessions",
    "tenants",
    "projects",
    "detection_rules",
    "detectors",
    "evaluators",
    "model_prices",
    "scrub_patterns",
    "api_keys",
    "logins",
    "members",
];

/// API keys that a backend keeps, some 300 bytes each; of those only that count, so that guesses take no room.
const MAX_KEYS: usize = 10_000;

/// How long a key that was found is believed: a revoke is heard at once, but for a backend that hears nothing, as in a standby's
/// long transaction.
const KEY_IS_GOOD_FOR: Duration = Duration::from_secs(300);

pub struct Tenant {
    id: Uuid,
    name: String,
    pseudonym_key: Vec<u8>,
    veil: Veil,
    projects: HashMap<Uuid, Rc<Project>>,
    /// Projects of one name are told apart by their environment.
    namesakes: HashMap<String, Vec<Rc<Project>>>,
}

pub struct Project {
    id: Uuid,
    environment: String,
    /// None: as the setting says.
    scrub_emails: Option<bool>,
    /// None: as the setting says.
    quality_scores: Option<bool>,
    /// None: as the setting says.
    judge_sample_rate: Option<f64>,
    limits: Limits,
    metric_tags: Vec<String>,
}

/// What a project may send, and store.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// None: as the setting says for all projects of the tenant together. 0: any number.
    pub events_per_minute: Option<u32>,
    /// None: any number.
    pub monthly_events: Option<i64>,
    /// Microseconds since 1970 UTC, before which nothing is stored. None: any time.
    pub stopped_until: Option<i64>,
}

impl Tenant {
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Of the keyed hashes that stand for its people.
    pub fn pseudonym_key(&self) -> &[u8] {
        &self.pseudonym_key
    }

    /// What tells its people apart in sketches.
    pub fn veil(&self) -> &Veil {
        &self.veil
    }

    /// By id or name; an id wins over a name that looks like one. An unknown project is `default`. Of namesakes it is the one of
    /// the event's environment, else that of prod: clients may name any environment.
    pub fn project(&self, named: Option<&str>, environment: Option<&str>) -> Option<&Project> {
        let named = named.unwrap_or(DEFAULT);
        let with_id = Uuid::parse_str(named).ok().and_then(|id| self.project_with_id(id));
        if with_id.is_some() {
            return with_id;
        }
        let namesakes = self.namesakes.get(named).or_else(|| self.namesakes.get(DEFAULT))?;
        let of = |environment: &str| namesakes.iter().find(|project| project.environment == environment);
        let found = environment.and_then(of).or_else(|| of("prod")).or_else(|| namesakes.first());
        found.map(Rc::as_ref)
    }

    pub fn project_with_id(&self, id: Uuid) -> Option<&Project> {
        self.projects.get(&id).map(Rc::as_ref)
    }
}

/// A session's user, and the claims of its request.
type Session = (pg_sys::Oid, Option<String>);

#[derive(Default)]
struct Cache {
    /// By id or name, as bodies write them. None: no tenant has it.
    names: HashMap<String, Option<Uuid>>,
    tenants: HashMap<Uuid, Rc<Tenant>>,
    /// By project.
    homes: HashMap<Uuid, Arc<Home>>,
    keys: HashMap<KeyHash, (Instant, Rc<Key>)>,
    /// Who the session is, with what said so: its user, and the claims that a trusted login passes on.
    asking: Option<(Session, Known)>,
    /// By tenant, with and without e-mail addresses. Only of tenants with patterns of their own.
    scrubbers: HashMap<(Uuid, bool), Arc<Scrubber>>,
    /// By their text: the projects of a tenant share them.
    expressions: HashMap<String, Arc<Expression>>,
}

thread_local! {
    static CACHE: RefCell<Cache> = RefCell::default();
    static WATCHED: Cell<[pg_sys::Oid; CONFIG_TABLES.len()]> =
        const { Cell::new([pg_sys::InvalidOid; CONFIG_TABLES.len()]) };
    /// How often a table has changed, as far as this backend has heard. The callback can come at any time, also while the cache
    /// is in use: it only leaves word.
    static NEWS: Cell<u64> = const { Cell::new(1) };
    /// The news that the cache has; 0: it is good for one statement at most.
    static KNOWN: Cell<u64> = const { Cell::new(0) };
    /// The statement, and the news, of what was read under a snapshot which may be older than the news.
    static PASSING: Cell<(pg_sys::TimestampTz, u64)> = const { Cell::new((0, 0)) };
    /// The settings that the cached homes were made under.
    static MADE_UNDER: Cell<Switches> = const { Cell::new(Switches::BUILT_IN) };
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

/// Forgets what is no longer so. Called before each use that may have a snapshot of its own.
pub fn refresh() {
    let switches = settings::switches();
    // Both are asked, and so brought up to date, whatever the one says.
    let made_otherwise = MADE_UNDER.replace(switches) != switches;
    let stale = is_stale();
    if stale || made_otherwise {
        CACHE.take();
        price_cache::forget();
        WATCHED.set(CONFIG_TABLES.map(|table| storage::relation(table).unwrap_or(pg_sys::InvalidOid)));
    }
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
    // SAFETY: reads the transaction's state.
    storage::has_one_snapshot() || unsafe { pg_sys::IsInParallelMode() }
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

fn keep<K: Eq + Hash, V>(map: &mut HashMap<K, V>, most: usize, key: K, value: V) {
    if map.len() >= most {
        map.clear();
    }
    map.insert(key, value);
}

/// By id or name. None: no tenant has it.
pub fn tenant(named: &str) -> Option<Rc<Tenant>> {
    if named.len() > LONGEST_NAME {
        return None;
    }
    if let Some(known) = CACHE.with_borrow(|cache| cache.names.get(named).copied()) {
        return tenant_with_id(known?);
    }
    let found = load_tenant(named);
    let id = found.as_ref().map(|tenant| tenant.id);
    CACHE.with_borrow_mut(|cache| keep(&mut cache.names, MAX_NAMES, named.to_owned(), id));
    found
}

/// None: there is no such tenant.
pub fn tenant_with_id(id: Uuid) -> Option<Rc<Tenant>> {
    let known = CACHE.with_borrow(|cache| cache.tenants.get(&id).cloned());
    known.or_else(|| load_tenant(&id.to_string()))
}

/// The limits of a project; none of one that is not there.
pub fn limits(tenant_id: Uuid, project_id: Uuid) -> Limits {
    let tenant = tenant_with_id(tenant_id);
    tenant.and_then(|tenant| Some(tenant.project_with_id(project_id)?.limits)).unwrap_or_default()
}

/// Share of the traces that judges are shown of a project. None: as the setting says.
pub fn judge_sample_rate(tenant_id: Uuid, project_id: Uuid) -> Option<f64> {
    tenant_with_id(tenant_id)?.project_with_id(project_id)?.judge_sample_rate
}

/// Where events go whose sender and whose lines name no project.
pub fn default_project(tenant_id: Uuid) -> Option<Uuid> {
    Some(tenant_with_id(tenant_id)?.project(None, None)?.id)
}

fn load_tenant(named: &str) -> Option<Rc<Tenant>> {
    let tenant = Rc::new(or_raise(under_newest_snapshot(|| read_tenant(named)))?);
    CACHE.with_borrow_mut(|Cache { tenants, .. }| {
        let projects: usize = tenants.values().map(|known| known.projects.len()).sum();
        let most = if projects + tenant.projects.len() > MAX_PROJECTS { 0 } else { MAX_NAMES };
        keep(tenants, most, tenant.id, Rc::clone(&tenant));
    });
    Some(tenant)
}

/// With all its projects: a body may name as many that do not exist as it has lines.
fn read_tenant(named: &str) -> Result<Option<Tenant>, Error> {
    let found = Spi::connect(|client| {
        let sql = "SELECT tenant_id, name, pseudonym_key FROM observa_internal.find_tenant($1)";
        let rows = client.select(sql, Some(1), &[named.into()])?;
        if rows.is_empty() {
            return Ok(None);
        }
        let row = rows.first();
        Ok::<_, pgrx::spi::Error>(
            row.get::<pgrx::Uuid>(1)?.zip(row.get::<String>(2)?).zip(row.get::<Vec<u8>>(3)?),
        )
    })?;
    let Some(((id, name), pseudonym_key)) = found else { return Ok(None) };
    let id = Uuid::from_bytes(*id.as_bytes());
    let veil = Veil::new(&pseudonym_key);
    let mut tenant =
        Tenant { id, name, pseudonym_key, veil, projects: HashMap::new(), namesakes: HashMap::new() };
    Acting::during(Acting::whole(id), || read_projects(&mut tenant))?;
    Ok(Some(tenant))
}

fn read_projects(tenant: &mut Tenant) -> Result<(), Error> {
    Spi::connect(|client| {
        for row in client.select(include_str!("../sql/query/projects.sql"), None, &[])? {
            let known = row.get::<pgrx::Uuid>(1)?.zip(row.get::<String>(2)?).zip(row.get::<String>(3)?);
            let Some(((id, name), environment)) = known else { continue };
            let id = Uuid::from_bytes(*id.as_bytes());
            let (scrub_emails, quality_scores) = (row.get::<bool>(4)?, row.get::<bool>(5)?);
            let events_per_minute = row.get::<i32>(6)?.and_then(|most| u32::try_from(most).ok());
            let stopped_until = row.get::<TimestampWithTimeZone>(10)?.map(unix_micros);
            let limits = Limits { events_per_minute, monthly_events: row.get::<i64>(7)?, stopped_until };
            let judge_sample_rate = row.get::<f64>(8)?;
            let metric_tags = row.get::<Vec<String>>(9)?.unwrap_or_default();
            let project = Rc::new(Project {
                id,
                environment,
                scrub_emails,
                quality_scores,
                judge_sample_rate,
                limits,
                metric_tags,
            });
            tenant.namesakes.entry(name).or_default().push(Rc::clone(&project));
            tenant.projects.insert(id, project);
        }
        Ok::<_, pgrx::spi::Error>(())
    })?;
    Ok(())
}

/// The key of a hash. None: there is none that counts.
pub fn key(
    hash: KeyHash,
    read: impl FnOnce() -> Result<Option<Key>, Error>,
) -> Result<Option<Rc<Key>>, Error> {
    refresh();
    let fresh =
        |(found, key): &(Instant, Rc<Key>)| (found.elapsed() < KEY_IS_GOOD_FOR).then(|| Rc::clone(key));
    if let Some(key) = CACHE.with_borrow(|cache| cache.keys.get(&hash).and_then(fresh)) {
        return Ok(Some(key));
    }
    let Some(key) = under_newest_snapshot(read)?.map(Rc::new) else { return Ok(None) };
    CACHE.with_borrow_mut(|cache| keep(&mut cache.keys, MAX_KEYS, hash, (Instant::now(), Rc::clone(&key))));
    Ok(Some(key))
}

/// Who the session is by itself: whom it acts for where the transaction was not told.
pub fn asking() -> Known {
    refresh();
    // SAFETY: reads the session's state.
    let session = (unsafe { pg_sys::GetSessionUserId() }, logins::claims());
    let known = CACHE
        .with_borrow(|cache| cache.asking.as_ref().filter(|(of, _)| *of == session).map(|(_, known)| *known));
    if let Some(known) = known {
        return known;
    }
    let known = under_newest_snapshot(logins::ask);
    CACHE.with_borrow_mut(|cache| cache.asking = Some((session, known)));
    known
}

/// One for each project, whatever bodies call it.
pub fn home(tenant: &Tenant, project: &Project) -> Arc<Home> {
    if let Some(home) = CACHE.with_borrow(|cache| cache.homes.get(&project.id).cloned()) {
        return home;
    }
    let acting = Acting::within(tenant.id, project.id);
    let home = under_newest_snapshot(|| Acting::during(acting, || read_home(tenant, project)));
    let home = Arc::new(or_raise(home));
    CACHE.with_borrow_mut(|cache| keep(&mut cache.homes, MAX_HOMES, project.id, Arc::clone(&home)));
    home
}

fn read_home(tenant: &Tenant, project: &Project) -> Result<Home, Error> {
    let switches = settings::switches();
    Ok(Home {
        tenant_id: tenant.id,
        tenant_name: tenant.name.clone(),
        project_id: project.id,
        environment: project.environment.clone(),
        pseudonym_key: tenant.pseudonym_key.clone(),
        scrubber: scrubber(tenant.id, project.scrub_emails.unwrap_or(switches.scrub_emails))?,
        book: price_cache::book(tenant.id, project.id)?,
        rules: Arc::new(rules(project.id)?),
        quality_scores: project.quality_scores.unwrap_or(switches.quality_scores),
        analysis: analysis::of_project(switches.sampling, project.judge_sample_rate)?,
        metric_tags: project.metric_tags.clone(),
    })
}

static WITHOUT_EMAILS: LazyLock<Option<Scrubber>> =
    LazyLock::new(|| Scrubber::new(&Options { emails: false, patterns: Vec::new() }).ok());

/// The acting tenant's scrubber. A pattern that does not compile was refused when it was added.
fn scrubber(tenant_id: Uuid, emails: bool) -> Result<Shared<Scrubber>, Error> {
    let key = (tenant_id, emails);
    if let Some(own) = CACHE.with_borrow(|cache| cache.scrubbers.get(&key).cloned()) {
        return Ok(Shared::Own(own));
    }
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
    let own = Arc::new(own.map_err(|error| Error::Invalid(error.to_string()))?);
    CACHE.with_borrow_mut(|Cache { scrubbers, homes, .. }| {
        // The homes hold them, too.
        if scrubbers.len() >= MAX_SCRUBBERS {
            homes.clear();
        }
        keep(scrubbers, MAX_SCRUBBERS, key, Arc::clone(&own));
    });
    Ok(Shared::Own(own))
}

/// The rules of the acting tenant, a project's rows last.
fn rules(project_id: Uuid) -> Result<RuleSet, Error> {
    let (mut overrides, mut own) = (Vec::new(), Vec::new());
    Spi::connect(|client| {
        let arguments = [pgrx::Uuid::from_bytes(project_id.into_bytes()).into()];
        for row in client.select(include_str!("../sql/query/rules.sql"), None, &arguments)? {
            let Some(name) = row.get::<String>(1)? else { continue };
            let enabled = row.get::<bool>(2)?.unwrap_or(true);
            let severity = row.get::<String>(3)?.and_then(|name| Severity::from_name(&name));
            if let Some(text) = row.get::<String>(5)? {
                let group = row.get::<Vec<String>>(6)?.unwrap_or_default();
                own.extend(own_rule(name, enabled, severity, &group, &text));
                continue;
            }
            let Some(rule) = RULES.iter().find(|rule| rule.name == name) else { continue };
            let severity = severity.unwrap_or(rule.severity);
            overrides.push(Override { name, enabled, severity, threshold: row.get::<f64>(4)? });
        }
        Ok::<_, pgrx::spi::Error>(())
    })?;
    Ok(RuleSet::new(&overrides).with_own(own).with_detectors(has_detectors()?))
}

/// Whether the acting tenant has some. Storage of an older library has no table of them, and takes events until setup() makes it.
fn has_detectors() -> Result<bool, Error> {
    if storage::relation("detectors").is_none() {
        return Ok(false);
    }
    let found = Spi::connect(|client| {
        client.select(include_str!("../sql/query/detectors.sql"), Some(1), &[]).map(|rows| !rows.is_empty())
    });
    Ok(found?)
}

/// One that can't be read, as of a newer library, says nothing.
fn own_rule(
    name: String,
    enabled: bool,
    severity: Option<Severity>,
    group: &[String],
    text: &str,
) -> Option<OwnRule> {
    let group: Vec<&str> = group.iter().map(String::as_str).collect();
    let group = OwnRule::group_by(&group).ok()?;
    let known = CACHE.with_borrow(|cache| cache.expressions.get(text).cloned());
    let expression = match known {
        Some(known) => known,
        None => {
            let parsed = Arc::new(Expression::parse(text).ok()?);
            CACHE.with_borrow_mut(|cache| {
                keep(&mut cache.expressions, MAX_EXPRESSIONS, text.to_owned(), Arc::clone(&parsed));
            });
            parsed
        }
    };
    Some(OwnRule { name, enabled, severity: severity.unwrap_or(Severity::Medium), group, expression })
}
