//! Functions of an administrator's that are asked about each event: by the job `detectors`, after the commit, so that no client waits for one. They run as a
//! role without rights, as REFRESH MATERIALIZED VIEW runs what it reads: it can become nobody else, and makes nothing.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use observa_pipeline::batch::Ready;
use observa_pipeline::event::Field;
use observa_pipeline::signal::own::OwnRule;
use observa_pipeline::signal::{Raised, Severity, Signal, group_of, window::edit};
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use serde_json::json;
use uuid::Uuid;

use crate::audit::Deed;
use crate::columns::{text, time, uuid};
use crate::detection;
use crate::error::{Error, or_raise};
use crate::identity::{self, Acting, Rights, sql_uuid};
use crate::jobs::{self, Done};
use crate::locks;
use crate::members::record_change;
use crate::members::run as run_sql;
use crate::patience::Patience;
use crate::plans;
use crate::recheck::{self, Homes};
use crate::rows::{self, Column, Rows};
use crate::storage;
use crate::subtransaction;
use crate::tenants;

/// A run that takes longer is followed by a pause even where there is more: other jobs have the same worker.
const QUICK: Duration = Duration::from_secs(1);

/// Events of a tenant in a run, and bytes of what was said in them: it lies in memory several times over. The others are the next one's.
const MOST_AT_ONCE: i64 = 500;
const MOST_BYTES: i64 = 16 << 20;

/// Microseconds after which nobody waits for what a detector says of an event, a day: what a tenant sends faster than it is asked about
/// would fill the disk.
const GOOD_FOR: i64 = 86_400_000_000;

/// Failures in a row after which a detector is switched off.
const MOST_FAILURES: i32 = 5;

/// What of an event the job knows.
const GROUPS: [Field; 5] = [Field::Model, Field::Route, Field::ToolName, Field::AgentName, Field::Name];

#[pg_extern(sql = false)]
fn register_detector(
    name: Option<&str>,
    function: Option<pg_sys::Oid>,
    run_as: Option<pg_sys::Oid>,
    severity: Option<&str>,
    group_by: Option<Vec<String>>,
    timeout_ms: Option<i32>,
    tenant: Option<pgrx::Uuid>,
) {
    or_raise(register(name, function.zip(run_as), severity, group_by, timeout_ms, tenant));
}

fn register(
    name: Option<&str>,
    code: Option<(pg_sys::Oid, pg_sys::Oid)>,
    severity: Option<&str>,
    group_by: Option<Vec<String>>,
    timeout_ms: Option<i32>,
    tenant: Option<pgrx::Uuid>,
) -> Result<(), Error> {
    let tenant = whose(tenant, "register_detector")?;
    let invalid = |what: &str| Error::Invalid(what.into());
    let name = name.ok_or_else(|| invalid("name is NULL"))?;
    edit::check_name(name).map_err(Error::Invalid)?;
    let (function, run_as) = code.ok_or_else(|| invalid("function and run_as are needed"))?;
    let severity = severity.unwrap_or("medium");
    Severity::from_name(severity).ok_or_else(|| invalid("severity must be one of low, medium, high"))?;
    let timeout_ms = timeout_ms.unwrap_or(1_000);
    if !(10..=10_000).contains(&timeout_ms) {
        return Err(invalid("timeout_ms must be from 10 to 10000"));
    }
    let group_by = group_by.unwrap_or_default();
    fields(&group_by)
        .ok_or_else(|| invalid("group_by must be a list of model, route, tool_name, agent_name, name"))?;
    record_change(tenant, &Deed::of("register_detector", "detector", name), || {
        let arguments = [
            name.into(),
            function.into(),
            run_as.into(),
            severity.into(),
            group_by.into(),
            timeout_ms.into(),
        ];
        run_sql(include_str!("../sql/detector/put.sql"), &arguments)?;
        let found = enabled()?.into_iter().find(|detector| detector.name == name);
        match found.and_then(|detector| detector.wrong) {
            Some(wrong) => Err(Error::Invalid(wrong)),
            None => Ok(true),
        }
    })
}

#[pg_extern(sql = false)]
fn drop_detector(name: Option<&str>, tenant: Option<pgrx::Uuid>) -> bool {
    or_raise((|| {
        let tenant = whose(tenant, "drop_detector")?;
        let mut dropped = false;
        record_change(tenant, &Deed::of("drop_detector", "detector", name.unwrap_or_default()), || {
            dropped = run_sql(include_str!("../sql/detector/drop.sql"), &[name.into()])? > 0;
            Ok(dropped)
        })?;
        Ok(dropped)
    })())
}

fn whose(tenant: Option<pgrx::Uuid>, what: &'static str) -> Result<pgrx::Uuid, Error> {
    if !identity::session_is_superuser() {
        return Err(Error::SuperuserOnly(what));
    }
    storage::ensure()?;
    let default = || tenants::acting_home().map(|home| identity::sql_uuid(home.tenant_id));
    tenant.or_else(default).ok_or(Error::NoStorage)
}

fn fields(names: &[String]) -> Option<Vec<Field>> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    OwnRule::group_by(&names).ok().filter(|fields| fields.iter().all(|field| GROUPS.contains(field)))
}

struct Detector {
    name: String,
    /// Schema and name, as the catalog quotes them.
    function: String,
    run_as: pg_sys::Oid,
    severity: Severity,
    group: Vec<Field>,
    timeout: Duration,
    /// Whether its last run failed.
    is_failing: bool,
    /// Why it may not be called.
    wrong: Option<String>,
}

fn enabled() -> Result<Vec<Detector>, Error> {
    let found = Spi::connect_mut(|client| {
        let rows = client.update(include_str!("../sql/detector/enabled.sql"), None, &[])?;
        rows.map(|row| {
            let names = row.get::<String>(1)?.zip(row.get::<String>(2)?);
            let severity = row.get::<String>(4)?.and_then(|name| Severity::from_name(&name));
            let group = row.get::<Vec<String>>(5)?.unwrap_or_default();
            let timeout = row.get::<i32>(6)?.and_then(|ms| u64::try_from(ms).ok()).unwrap_or_default();
            let (run_as, wrong) = (row.get::<pg_sys::Oid>(3)?, row.get::<String>(7)?);
            let is_failing = row.get::<bool>(8)?.unwrap_or_default();
            Ok(names.map(|(name, function)| Detector {
                name,
                function,
                run_as: run_as.unwrap_or(pg_sys::InvalidOid),
                severity: severity.unwrap_or(Severity::Medium),
                group: fields(&group).unwrap_or_default(),
                timeout: Duration::from_millis(timeout),
                is_failing,
                wrong,
            }))
        })
        .collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    Ok(found.into_iter().flatten().collect())
}

/// Notes stored events, which are the acting tenant's, for its detectors.
pub fn append(stored: &[&Ready]) -> Result<(), Error> {
    if stored.iter().all(|ready| !ready.home.rules.has_detectors()) {
        return Ok(());
    }
    let columns: [Column<&Ready>; 4] = [
        Column { name: "tenant_id", value: |row| uuid(row.home.tenant_id) },
        Column { name: "entry_id", value: |_| uuid(Uuid::now_v7()) },
        Column { name: "ts", value: |row| row.event.ts.and_then(time) },
        Column { name: "event_id", value: |row| row.event.text(Field::EventId).and_then(text) },
    ];
    rows::in_own_memory(|| {
        let rows = Rows::new("detector_events", &columns, stored.iter().copied())?;
        rows.run(include_str!("../sql/detector/append.sql"), |_| Ok(()))
    })
}

pub fn run_all(patience: &mut Patience) -> Result<Done, Error> {
    let (begun, has_more) = (Instant::now(), Cell::new(false));
    let ask = |tenant_id| run(tenant_id, &has_more);
    let mut done = jobs::tenants::for_each("detectors", detection::tenants()?, patience, ask)?;
    done.is_cut_short |= has_more.get() && begun.elapsed() < QUICK;
    Ok(done)
}

/// Asks the acting tenant's detectors about what has come; how many signals that raised, and whether there is more.
fn run(tenant_id: Uuid, has_more: &Cell<bool>) -> Result<u64, Error> {
    if !locks::may_tell_of_people(tenant_id) {
        return Ok(0);
    }
    rows::in_own_memory(|| {
        let (mut ready, mut events) = (Vec::new(), Vec::new());
        let mut homes = Homes::of_tenant(tenant_id);
        let oldest = sql_uuid(storage::least_id(storage::now() - GOOD_FOR));
        let most: [DatumWithOid; 3] = [MOST_AT_ONCE.into(), MOST_BYTES.into(), oldest.into()];
        plans::each(include_str!("../sql/detector/take.sql"), &most, true, |row| {
            if let Some((read, event)) = recheck::read(row, &mut homes).zip(row.get::<String>(23)) {
                ready.push(read);
                events.push(event);
            }
        })?;
        if ready.is_empty() {
            return Ok(0);
        }
        plans::each(include_str!("../sql/detector/more.sql"), &[oldest.into()], true, |row| {
            has_more.set(has_more.get() || row.get(1).unwrap_or_default());
        })?;
        for detector in enabled()? {
            match found(&detector, &events, tenant_id) {
                Ok(places) => {
                    // A statement that changes no row would still have every backend read all configuration again.
                    if detector.is_failing {
                        run_sql(
                            include_str!("../sql/detector/went_well.sql"),
                            &[detector.name.as_str().into()],
                        )?;
                    }
                    for place in places {
                        let Some(ready) = ready.get_mut(place) else { continue };
                        let signal = detector.signal(ready);
                        ready.signals.push(signal);
                    }
                }
                Err(wrong) => {
                    let arguments = [detector.name.as_str().into(), wrong.into(), MOST_FAILURES.into()];
                    run_sql(include_str!("../sql/detector/failed.sql"), &arguments)?;
                }
            }
        }
        recheck::raise(&ready)
    })
}

impl Detector {
    fn signal(&self, ready: &Ready) -> Signal {
        let explanation = format!("{} found it", self.function);
        Signal {
            rule: Raised::Detector(Arc::from(self.name.as_str())),
            severity: self.severity,
            value: 1.0,
            threshold: None,
            group: group_of(&self.group, &ready.event),
            details: json!({"unit": "events", "rule": self.name, "function": self.function, "explanation": explanation}),
        }
    }
}

/// Places of the events that it is true of. Err: SQLSTATE and message.
fn found(detector: &Detector, events: &[String], tenant_id: Uuid) -> Result<Vec<usize>, String> {
    if let Some(wrong) = &detector.wrong {
        return Err(wrong.clone());
    }
    let asking = Acting { rights: Rights::from_letters("q"), ..Acting::whole(tenant_id) };
    let asked = subtransaction::attempt_within(detector.timeout, || {
        Acting::during(asking, || with_its_rights(detector, || ask(detector, events)))
    });
    asked.map_err(|failure| failure.text())
}

fn ask(detector: &Detector, events: &[String]) -> Result<Vec<usize>, Error> {
    // A name of the catalog's, quoted by it.
    let sql = format!(
        "SELECT u.place FROM pg_catalog.unnest($1) WITH ORDINALITY u (event, place) WHERE {}(u.event::pg_catalog.jsonb)",
        detector.function
    );
    // As text: Postgres's numbers and depths are not all Rust's.
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    let places = Spi::connect(|client| {
        let rows = client.select(&sql, None, &[events.into()])?;
        rows.map(|row| row.get::<i64>(1)).collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    Ok(places.into_iter().flatten().filter_map(|place| usize::try_from(place - 1).ok()).collect())
}

/// As its role, reading alone; what it sets is set back.
fn with_its_rights<T>(detector: &Detector, run: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    // SAFETY: in a subtransaction, whose end sets role, context and settings back after an error.
    unsafe {
        let (mut user, mut context) = (pg_sys::InvalidOid, 0);
        pg_sys::GetUserIdAndSecContext(&mut user, &mut context);
        let level = pg_sys::NewGUCNestLevel();
        // Not SAVE, as a function's SET is: since PostgreSQL 16 that is refused for what belongs to the transaction.
        pg_sys::set_config_option(
            c"transaction_read_only".as_ptr(),
            c"on".as_ptr(),
            pg_sys::GucContext::PGC_SUSET,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_LOCAL,
            true,
            0,
            false,
        );
        let restricted =
            (pg_sys::SECURITY_LOCAL_USERID_CHANGE | pg_sys::SECURITY_RESTRICTED_OPERATION).cast_signed();
        pg_sys::SetUserIdAndSecContext(detector.run_as, context | restricted);
        let result = run();
        pg_sys::SetUserIdAndSecContext(user, context);
        pg_sys::AtEOXact_GUC(false, level);
        result
    }
}
