//! What runs, and what is missing: for load balancers, and for people.

use pgrx::JsonB;
use pgrx::prelude::*;
use serde_json::{Map, Value, json};

use crate::analysis;
use crate::analysis::settings::Kind;
use crate::error::{Error, or_raise};
use crate::settings::max_rejected_events;
use crate::shared;
use crate::storage;
use crate::storage_needs::{self, For};

mod diagnostics;
mod prometheus;
mod settings;
mod sight;
mod tables;

use sight::Sight;

#[pg_extern(sql = false)]
fn version() -> JsonB {
    // SAFETY: reads whether the server takes writes.
    let in_recovery = unsafe { pg_sys::RecoveryInProgress() };
    JsonB(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "postgres": pg_sys::PG_VERSION.to_string_lossy(),
        "standby": in_recovery,
    }))
}

#[pg_extern(sql = false)]
fn health() -> JsonB {
    JsonB(json!({ "status": storage_status() }))
}

/// Whether events can be stored.
fn storage_status() -> &'static str {
    match (storage::exists(), storage_needs::missing(For::Ingest)) {
        (false, _) => "no_storage",
        (true, Some(_)) => "old_storage",
        (true, None) => "ok",
    }
}

/// What a look at a part has found.
struct Found {
    /// ok, or what is wrong in a word.
    status: &'static str,
    /// What to do. None: nothing.
    message: Option<&'static str>,
    /// What else there is to say of it, by name.
    more: Map<String, Value>,
}

impl Found {
    fn switch(works: bool, otherwise: &'static str) -> Found {
        match works {
            true => Found::told(None, Map::new()),
            false => Found::told(Some(("off", otherwise)), Map::new()),
        }
    }

    fn told(wrong: Option<(&'static str, &'static str)>, more: Map<String, Value>) -> Found {
        let (status, message) = wrong.map_or(("ok", None), |(status, message)| (status, Some(message)));
        Found { status, message, more }
    }
}

/// A part of the whole.
struct Part {
    name: &'static str,
    /// There is nothing to look at before observa.setup(), or not all of it.
    needs_storage: bool,
    look: fn() -> Result<Found, Error>,
}

const PARTS: [Part; 11] = [
    Part { name: "storage", needs_storage: false, look: || Ok(storage()) },
    Part {
        name: "limits",
        needs_storage: false,
        look: || {
            let otherwise = "rate limits and quotas are off: shared_preload_libraries does not name observa";
            Ok(Found::switch(shared::is_there(), otherwise))
        },
    },
    Part { name: "settings", needs_storage: false, look: settings::look },
    Part { name: "partitions", needs_storage: true, look: partitions },
    Part { name: "workers", needs_storage: true, look: workers },
    Part { name: "rollups", needs_storage: true, look: rollups },
    Part { name: "notifications", needs_storage: true, look: notifications },
    Part { name: "detectors", needs_storage: true, look: detectors },
    Part { name: "dead_letters", needs_storage: true, look: dead_letters },
    Part { name: "quotas", needs_storage: true, look: quotas },
    Part { name: "disk", needs_storage: true, look: disk },
];

fn storage() -> Found {
    let mut more = Map::new();
    if !storage::exists() {
        return Found::switch(false, "a superuser must run SELECT observa.setup()");
    }
    let missing = storage_needs::missing(For::Everything);
    if let Some(missing) = missing {
        more.insert("missing".into(), missing.to_string().into());
    }
    let wrong =
        ("old", "it is an older library's, and no job runs: a superuser must run SELECT observa.setup()");
    Found::told(missing.map(|_| wrong), more)
}

/// Ingest makes a missing one itself, and then makes others wait.
fn partitions() -> Result<Found, Error> {
    let ahead = storage::days_ahead();
    let mut more = Map::new();
    more.insert("days_ahead".into(), ahead.into());
    let wrong = (
        "missing",
        "there is no partition for tomorrow: a worker, or observa.run_maintenance(), would make it",
    );
    Ok(Found::told((ahead == 0).then_some(wrong), more))
}

fn workers() -> Result<Found, Error> {
    let mut more = object(Spi::get_one(include_str!("../sql/health/workers.sql"))?);
    let launcher = shared::with_board(|board| board.launcher).filter(|pid| *pid != 0);
    more.insert("launcher_pid".into(), launcher.into());
    let is_any = |name: &str| more.get(name).and_then(Value::as_i64).is_some_and(|count| count > 0);
    let wrong = if is_any("held") {
        Some(("held", "observa.pre_restore() holds all jobs until observa.post_restore()"))
    } else if is_any("late") {
        Some(("late", "nothing runs the jobs: docs/maintenance.md says what can"))
    } else if is_any("failing") {
        Some(("failing", "see SELECT * FROM observa.workers WHERE failures > 0"))
    } else {
        None
    };
    Ok(Found::told(wrong, more))
}

fn rollups() -> Result<Found, Error> {
    let more = backlog_of("rollups")?;
    let is_any = more.get("damaged_deltas").and_then(Value::as_i64).is_some_and(|count| count > 0);
    let wrong = ("damaged", "sums lack what could not be read: see observa_internal.damaged_deltas");
    Ok(Found::told(is_any.then_some(wrong), more))
}

fn notifications() -> Result<Found, Error> {
    let more = backlog_of("notifications")?;
    let is_late = more.get("late").and_then(Value::as_i64).is_some_and(|late| late > 0);
    Ok(Found::told(is_late.then_some(("late", "nothing sends notifications: a worker would")), more))
}

fn detectors() -> Result<Found, Error> {
    let more = backlog_of("detectors")?;
    let is_any = |name: &str| more.get(name).is_some_and(Value::is_object);
    let wrong = if is_any("disabled") {
        let what = "a detector failed too often and is asked no more: see its error, and register it again";
        Some(("disabled", what))
    } else if is_any("failing") {
        Some(("failing", "a detector fails, and is asked less often until it does not: see its error"))
    } else {
        None
    };
    Ok(Found::told(wrong, more))
}

/// A client that sends rubbish is nothing that is wrong here.
fn dead_letters() -> Result<Found, Error> {
    Ok(Found::told(None, backlog_of("dead_letters")?))
}

/// Whoever reaches a quota has chosen it.
fn quotas() -> Result<Found, Error> {
    Ok(Found::told(None, backlog_of("quotas")?))
}

/// Sizes count all tenants' rows: they are for who watches the server.
fn disk() -> Result<Found, Error> {
    let mut more = Map::new();
    if Sight::of_caller() == Sight::Server {
        let tables = tables::all()?;
        more.insert("bytes".into(), tables.iter().map(|table| table.bytes).sum::<i64>().into());
        let by_table = tables.into_iter().map(|table| (table.name, table.bytes.into())).collect();
        more.insert("tables".into(), Value::Object(by_table));
    }
    Ok(Found::told(None, more))
}

fn backlog_of(part: &str) -> Result<Map<String, Value>, Error> {
    let found: Option<JsonB> = Spi::get_one("SELECT observa_internal.backlog()")?;
    let part = found.and_then(|JsonB(mut all)| all.get_mut(part).map(Value::take));
    Ok(object(part.map(JsonB)))
}

fn object(found: Option<JsonB>) -> Map<String, Value> {
    match found {
        Some(JsonB(Value::Object(object))) => object,
        _ => Map::new(),
    }
}

/// What waits: of the tenant that the caller may read, of all for a session that acts for none and may watch the server. NULL: the
/// caller may see neither.
#[pg_extern(sql = false)]
fn backlog() -> Option<JsonB> {
    let tenant = Sight::of_caller().as_argument()?;
    let arguments = [tenant.into(), max_rejected_events().into()];
    let found = Spi::get_one_with_args(include_str!("../sql/health/backlog.sql"), &arguments);
    let mut found: Option<JsonB> = or_raise(found.map_err(Error::Spi));
    if let Some(all) = found.as_mut().and_then(|JsonB(all)| all.as_object_mut()) {
        let detectors =
            Spi::get_one_with_args::<JsonB>(include_str!("../sql/health/detectors.sql"), &[tenant.into()]);
        all.insert(
            "detectors".into(),
            or_raise(detectors.map_err(Error::Spi)).map(|JsonB(found)| found).into(),
        );
    }
    found
}

#[pg_extern(sql = false)]
fn health_detailed() -> JsonB {
    let storage = storage_status();
    let is_whole = storage == "ok" && storage_needs::missing(For::Everything).is_none();
    let mut checks = Map::new();
    for part in PARTS.iter().filter(|part| is_whole || !part.needs_storage) {
        let Found { status, message, mut more } = or_raise((part.look)());
        more.insert("status".into(), status.into());
        more.insert("message".into(), message.into());
        checks.insert(part.name.to_owned(), more.into());
    }
    let all = checks.values().all(|check| check["status"] == "ok");
    let status = match storage {
        "ok" if !all => "degraded",
        storage => storage,
    };
    let of = |kind| is_whole.then(|| or_raise(analysis::health::of(kind)));
    JsonB(json!({
        "status": status,
        "preloaded": shared::is_there(),
        "checks": checks,
        "judge": of(Kind::Judge),
        "embeddings": of(Kind::Embedding),
    }))
}
