//! The storage that setup() makes: tables, policies, views, and a partition for each day.

use std::cell::Cell;
use std::collections::HashSet;
use std::time::{Duration, Instant};

use observa_pipeline::settings::DAY;
use pgrx::pg_sys;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::error::{Error, or_raise};
use crate::identity;
use crate::jobs::ledger;
use crate::locks;
use crate::patience::Patience;
use crate::plans;
use crate::retention;
use crate::settings;
use crate::storage_needs::{self, For};
use crate::storage_state;
use crate::tenants;
use crate::worker;

/// What jobs write and dashboards read, with rows that are made of older storage's. Of these tables ingest appends to one alone, which stays as it is.
const ROLLUPS: &str = include_str!("../sql/storage/rollups.sql");

/// In the order that they build on each other. All can run again.
pub const SCRIPTS: &[&str] = &[
    include_str!("../sql/storage/state.sql"),
    include_str!("../sql/storage/tenants.sql"),
    include_str!("../sql/storage/identity.sql"),
    include_str!("../sql/storage/config.sql"),
    include_str!("../sql/storage/events.sql"),
    include_str!("../sql/storage/signals.sql"),
    include_str!("../sql/storage/alert_events.sql"),
    include_str!("../sql/storage/issues.sql"),
    include_str!("../sql/storage/rejected_events.sql"),
    include_str!("../sql/storage/logs.sql"),
    include_str!("../sql/storage/service_reports.sql"),
    include_str!("../sql/storage/usage.sql"),
    include_str!("../sql/storage/retention.sql"),
    ROLLUPS,
    include_str!("../sql/storage/corrections.sql"),
    include_str!("../sql/storage/budgets.sql"),
    include_str!("../sql/storage/detection.sql"),
    include_str!("../sql/storage/answer_days.sql"),
    include_str!("../sql/storage/detectors.sql"),
    include_str!("../sql/storage/activities.sql"),
    include_str!("../sql/storage/policies.sql"),
    include_str!("../sql/storage/audit_log.sql"),
    include_str!("../sql/storage/accounts.sql"),
    include_str!("../sql/storage/notifications.sql"),
    include_str!("../sql/storage/jobs.sql"),
    include_str!("../sql/storage/analysis.sql"),
    include_str!("../sql/storage/embeddings.sql"),
    include_str!("../sql/views/events.sql"),
    include_str!("../sql/views/llm_requests.sql"),
    include_str!("../sql/views/traces.sql"),
    include_str!("../sql/views/export.sql"),
    include_str!("../sql/views/messages.sql"),
    include_str!("../sql/views/feedback.sql"),
    include_str!("../sql/views/logs.sql"),
    include_str!("../sql/views/service_health.sql"),
    include_str!("../sql/views/signals.sql"),
    include_str!("../sql/views/alerts.sql"),
    include_str!("../sql/views/issues.sql"),
    include_str!("../sql/views/config.sql"),
    include_str!("../sql/views/usage.sql"),
    include_str!("../sql/views/metrics.sql"),
    include_str!("../sql/views/budgets.sql"),
    include_str!("../sql/views/summaries.sql"),
    include_str!("../sql/views/notifications.sql"),
    include_str!("../sql/views/workers.sql"),
    include_str!("../sql/views/analysis.sql"),
    include_str!("../sql/views/embeddings.sql"),
    include_str!("../sql/views/answer_days.sql"),
    include_str!("../sql/views/grants.sql"),
    "SELECT observa_internal.make_matviews()",
];

/// Tables with a partition for each day of `ts`.
pub const BY_EVENT_DAY: [&str; 4] = ["events", "event_payloads", "signals", "logs"];

/// The table with a partition for each day of arrival.
const BY_ARRIVAL_DAY: &str = "event_keys";

/// Days beyond the accepted window that setup() makes partitions for.
const DAYS_AHEAD: i64 = 7;

/// Days of the accepted window that have partitions before an event of theirs comes: a year of empty ones would take 13,000 locks
/// to make, and 2,000 to read.
const DAYS_BEHIND: i64 = 45;

/// Days whose partitions one body may make: each takes some 36 locks, and a default server has some 6,400.
const MOST_DAYS_AT_ONCE: usize = 60;

/// How long an ingest may wait for a setup() of storage that is in use, before its tables are let go.
const TRY: Duration = Duration::from_millis(500);

/// Held while storage is made: two setups at once would make the same tables.
const SETUP_LOCK: i64 = 0x6f62_7365_7276_6101;

/// Held from the making of a partition to the transaction's end.
const PARTITION_LOCK: i64 = SETUP_LOCK + 1;

/// Whether the transaction can write nothing.
pub fn is_read_only() -> bool {
    // SAFETY: reads the transaction's state.
    unsafe { pg_sys::XactReadOnly }
}

/// Whether each statement of the transaction sees the same, whatever others commit meanwhile.
pub fn has_one_snapshot() -> bool {
    // SAFETY: reads the transaction's own isolation level.
    unsafe { pg_sys::XactIsoLevel >= pg_sys::XACT_REPEATABLE_READ.cast_signed() }
}

/// Whether all is there: DROP EXTENSION leaves the tables, and takes policies, triggers and this view, which need the library.
pub fn exists() -> bool {
    relation("events").is_some() && relation_of(c"observa", "detection_rules").is_some()
}

/// The oid of a table of `observa_internal`.
pub fn relation(name: &str) -> Option<pg_sys::Oid> {
    relation_of(c"observa_internal", name)
}

fn relation_of(schema: &std::ffi::CStr, name: &str) -> Option<pg_sys::Oid> {
    let name = std::ffi::CString::new(name).ok()?;
    // SAFETY: look-ups in the system caches with C strings that live through the calls.
    let oid = unsafe {
        let namespace = pg_sys::get_namespace_oid(schema.as_ptr(), true);
        pg_sys::get_relname_relid(name.as_ptr(), namespace)
    };
    (oid != pg_sys::InvalidOid).then_some(oid)
}

/// Where it is, rollups have weeks, which came later.
fn view_of_weeks() -> Option<pg_sys::Oid> {
    relation_of(c"observa", "metrics_week")
}

/// Whether rollups have weeks by now.
pub fn has_weeks() -> bool {
    view_of_weeks().is_some()
}

/// Whether the caller's snapshot, which may be older, has them.
pub fn sees_weeks() -> Result<bool, Error> {
    let Some(view) = view_of_weeks() else { return Ok(false) };
    let mut is_seen = false;
    plans::each("SELECT FROM pg_catalog.pg_class c WHERE c.oid = $1", &[view.into()], false, |_| {
        is_seen = true
    })?;
    Ok(is_seen)
}

#[pg_extern(sql = false)]
fn setup() {
    if !identity::session_is_superuser() {
        Error::SuperuserOnly("observa.setup()").raise();
    }
    or_raise(make());
}

/// Makes the storage or brings it up to date.
pub fn make() -> Result<(), Error> {
    // SAFETY: reads the database's encoding.
    let encoding = unsafe { pg_sys::GetDatabaseEncoding() };
    if encoding != pg_sys::pg_enc::PG_UTF8 as i32 {
        // SAFETY: Postgres returns a constant C string.
        let name = unsafe { std::ffi::CStr::from_ptr(pg_sys::GetDatabaseEncodingName()) };
        return Err(Error::Encoding(name.to_string_lossy().into_owned()));
    }
    let mut patience = Patience::of_a_call();
    let lock = || {
        locks::wait(SETUP_LOCK);
        Ok(())
    };
    let what = "the lock of another observa.setup()";
    patience.run(what, lock)?.ok_or_else(|| Error::Busy(what.into()))?;
    // SAFETY: inside a transaction, holding no reference into a cache. The other one may have made all.
    unsafe { pg_sys::AcceptInvalidationMessages() };
    if relation("events").is_none() {
        run_scripts()?;
        storage_state::remember()?;
        make_window(&mut Patience::endless())?;
    } else {
        let begun = bring_up_to_date(&mut patience)?;
        make_window(&mut Patience::of_a_round_since(begun))?;
    }
    ledger::register()?;
    worker::wake_at_commit();
    match tenants::make("default", None) {
        Ok(_) | Err(Error::Exists { .. }) => {}
        Err(error) => return Err(error),
    }
    Spi::run("NOTIFY pgrst, 'reload schema'")?;
    Ok(())
}

fn run_scripts() -> Result<(), Error> {
    Ok(quietly(|| SCRIPTS.iter().try_for_each(|script| run_script(script)))?)
}

/// A server that was built without lz4 refuses its name: there columns are compressed as the server does by itself.
fn run_script(script: &str) -> Result<(), pgrx::spi::Error> {
    const LZ4: &str = " COMPRESSION lz4";
    if !script.contains(LZ4) || Spi::get_one(include_str!("../sql/query/has_lz4.sql"))?.unwrap_or(false) {
        Spi::run(script)
    } else {
        Spi::run(&script.replace(LZ4, ""))
    }
}

/// Of storage that is in use: its tables' locks are held to the transaction's end, and ingest waits for them. So nothing is done
/// where nothing would change, and all is given up where a try takes long; but rollups come first and may take as long as their rows do, as ingest
/// waits for none of them. Since when locks are held that it may wait for.
fn bring_up_to_date(patience: &mut Patience) -> Result<Instant, Error> {
    if storage_state::is_known()? {
        return Ok(Instant::now());
    }
    if has_one_snapshot() {
        return Err(Error::OneSnapshot);
    }
    let begun = Cell::new(Instant::now());
    let what = "the locks of Observa's tables";
    let rollups = || Ok(quietly(|| run_script(ROLLUPS))?);
    patience.run(what, rollups)?.ok_or_else(|| Error::Busy(what.into()))?;
    *patience = Patience::of_a_call();
    let run = || {
        begun.set(Instant::now());
        for script in SCRIPTS.iter().filter(|script| **script != ROLLUPS) {
            quietly(|| run_script(script))?;
            if begun.get().elapsed() > TRY {
                // Rolls this try back.
                Error::Busy(what.into()).raise();
            }
        }
        storage_state::remember()
    };
    patience.run(what, run)?.ok_or_else(|| Error::Busy(what.into()))?;
    Ok(begun.get())
}

/// The partitions of the accepted window and some days more, where they are missing; how many were.
pub fn make_window(patience: &mut Patience) -> Result<u64, Error> {
    let limits = settings::limits();
    let today = now().div_euclid(DAY);
    let first = today - limits.window_past.div_euclid(DAY).min(DAYS_BEHIND) - 1;
    let last = today + limits.window_future.div_euclid(DAY) + DAYS_AHEAD;
    // Days that no project keeps would be dropped again.
    let kept = retention::horizons(BY_EVENT_DAY)?;
    let tables_of = |day: i64| {
        let kept = kept.iter().filter(move |(_, first_kept)| first_kept.is_none_or(|first| day >= first));
        kept.map(|(table, _)| *table)
    };
    let mut made = 0;
    for day in (first..=last).filter(|day| tables_of(*day).any(|table| !has_partition(table, *day))) {
        let what = format!("partitions of {}", date(day));
        made += patience.run(&what, || make_partitions(tables_of(day), day))?.unwrap_or_default();
    }
    if (today..=today + 1).any(|day| !has_partition(BY_ARRIVAL_DAY, day)) {
        made += patience.run("partitions of event_keys", make_key_partitions)?.unwrap_or_default();
    }
    Ok(made)
}

/// "already exists, skipping" is no news in a script that can run again.
pub fn quietly(run: impl FnOnce() -> Result<(), pgrx::spi::Error>) -> Result<(), pgrx::spi::Error> {
    settings::with(c"client_min_messages", c"warning", run)
}

/// Microseconds between 1970 and 2000, where Postgres counts from.
pub const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

/// Of microseconds since 1970 UTC; what Postgres can't hold is its infinity.
pub fn sql_time(micros: i64) -> TimestampWithTimeZone {
    TimestampWithTimeZone::try_from(micros.saturating_sub(POSTGRES_EPOCH))
        .unwrap_or_else(|_| TimestampWithTimeZone::positive_infinity())
}

/// Microseconds since 1970 UTC.
pub fn unix_micros(time: TimestampWithTimeZone) -> i64 {
    i64::from(time).saturating_add(POSTGRES_EPOCH)
}

/// The least UUIDv7 of a time, in microseconds since 1970 UTC: what was made before has a lesser one.
pub fn least_id(time: i64) -> Uuid {
    let millis = u64::try_from(time / 1_000).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}

/// Microseconds since 1970 UTC.
pub fn now() -> i64 {
    // SAFETY: reads the clock.
    unsafe { pg_sys::GetCurrentTimestamp() + POSTGRES_EPOCH }
}

/// The partitions of a day (days since 1970 UTC), where they are missing; how many were.
fn make_partitions(tables: impl Iterator<Item = &'static str>, day: i64) -> Result<u64, Error> {
    let made: Vec<bool> =
        tables.map(|table| make_partition(table, day, "timestamptz")).collect::<Result<_, _>>()?;
    Ok(made.into_iter().filter(|made| *made).count() as u64)
}

/// Today's and tomorrow's partitions for ids of events without a time; how many were missing.
pub fn make_key_partitions() -> Result<u64, Error> {
    let today = now().div_euclid(DAY);
    let made: Vec<bool> = (today..=today + 1)
        .map(|day| make_partition(BY_ARRIVAL_DAY, day, "date"))
        .collect::<Result<_, _>>()?;
    Ok(made.into_iter().filter(|made| *made).count() as u64)
}

/// Drops the partitions of the days before one; how many. It locks out ingest to the transaction's end: the last thing of a round.
pub fn drop_partitions_before(table: &str, day: i64, patience: &mut Patience) -> Result<u64, Error> {
    let script = |names: &[String]| {
        format!("DROP TABLE {}", names.iter().map(qualified).collect::<Vec<_>>().join(", "))
    };
    release_before(table, day, patience, script)
}

/// As drop_partitions_before, but what was taken out of the table stays beside it until its archive is written: out of everybody's
/// reach, so that it can't change meanwhile, and an archive that takes long holds nobody up.
pub fn set_aside_before(table: &str, day: i64, patience: &mut Patience) -> Result<u64, Error> {
    let script = |names: &[String]| {
        let statements = names.iter().map(|name| {
            // Late events may make the day once more, and that one expires, too.
            let id = relation(name).map_or(0, pg_sys::Oid::to_u32);
            format!(
                "ALTER TABLE observa_internal.{table} DETACH PARTITION {old};
                 ALTER TABLE {old} RENAME TO expired_{name}_{id};",
                old = qualified(name)
            )
        });
        statements.collect()
    };
    release_before(table, day, patience, script)
}

fn qualified(name: &String) -> String {
    format!("observa_internal.{}", pgrx::spi::quote_identifier(name))
}

/// Takes the partitions of the days before one out of a table.
fn release_before(
    table: &str,
    day: i64,
    patience: &mut Patience,
    script: impl Fn(&[String]) -> String,
) -> Result<u64, Error> {
    let first_kept = partition(table, day);
    let old = Spi::connect(|client| {
        let rows = client.select(
            include_str!("../sql/retention/old_partitions.sql"),
            None,
            &[table.into(), first_kept.as_str().into()],
        )?;
        rows.map(|row| row.get::<String>(1)).collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    // Names from the catalogs, of the pattern that make_partition gives.
    let names: Vec<String> = old.into_iter().flatten().collect();
    let mut dropped = 0;
    // Some at once, as between two statements ingest would wait for the locks of the first; not all, as each takes some locks.
    for names in names.chunks(MOST_DAYS_AT_ONCE) {
        let script = script(names);
        let what = format!("partitions of {table} before {}", date(day));
        if patience.run(&what, || Ok(Spi::run(&script)?))?.is_none() {
            break;
        }
        dropped += names.len() as u64;
    }
    Ok(dropped)
}

/// Drops ids that arrived before a day.
pub fn drop_keys_before(day: i64, patience: &mut Patience) -> Result<u64, Error> {
    drop_partitions_before(BY_ARRIVAL_DAY, day, patience)
}

/// The name of a day's partition (days since 1970 UTC).
pub fn partition(table: &str, day: i64) -> String {
    format!("{table}_{}", compact_date(day))
}

/// Days after today that have all partitions, one after the other.
pub fn days_ahead() -> i64 {
    let tomorrow = now().div_euclid(DAY) + 1;
    let is_there = |day: &i64| BY_EVENT_DAY.iter().all(|table| has_partition(table, *day));
    (tomorrow..).take_while(is_there).count().try_into().unwrap_or(i64::MAX)
}

fn has_partition(table: &str, day: i64) -> bool {
    relation(&partition(table, day)).is_some()
}

/// CREATE and ATTACH: `CREATE TABLE ... PARTITION OF` would wait for every open ingest.
/// True if it was missing.
fn make_partition(table: &str, day: i64, bound_type: &str) -> Result<bool, Error> {
    if has_partition(table, day) {
        return Ok(false);
    }
    let name = partition(table, day);
    // Another session may be making it: whoever comes second finds it when it has the lock. One lock for all days: ATTACH
    // locks the parent to the transaction's end, so with a lock for each day two that need several would wait in a circle.
    locks::wait(PARTITION_LOCK);
    // This backend may still believe that there is none: to wait for such a lock brings no news.
    // SAFETY: inside a transaction, holding no reference into a cache.
    unsafe { pg_sys::AcceptInvalidationMessages() };
    if relation(&name).is_some() {
        return Ok(false);
    }
    let bound = |day| match bound_type {
        "date" => format!("'{}'", date(day)),
        _ => format!("'{} 00:00:00+00'", date(day)),
    };
    let (from, to) = (bound(day), bound(day + 1));
    let key = if bound_type == "date" { "arrived_on" } else { "ts" };
    // Names and bounds are our own: a table of the list above, and a date. Rows are written once: vacuum freezes them at once, and
    // none is left for one against wraparound, which would come for all days together.
    let script = format!(
        "CREATE TABLE observa_internal.{name} (LIKE observa_internal.{table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS
             INCLUDING STORAGE INCLUDING COMPRESSION,
             CONSTRAINT day CHECK ({key} >= {from}::{bound_type} AND {key} < {to}::{bound_type} AND {key} IS NOT NULL))
             WITH (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05, autovacuum_freeze_min_age = 0);
         ALTER TABLE observa_internal.{name} ENABLE ROW LEVEL SECURITY;
         ALTER TABLE observa_internal.{name} FORCE ROW LEVEL SECURITY;
         ALTER TABLE observa_internal.{table} ATTACH PARTITION observa_internal.{name} FOR VALUES FROM ({from}) TO ({to});
         ALTER TABLE observa_internal.{name} DROP CONSTRAINT day;
         -- Without statistics the planner takes each empty partition for ten pages.
         ANALYZE observa_internal.{name};"
    );
    Spi::run(&script)?;
    Ok(true)
}

fn date(day: i64) -> String {
    let (year, month, day) = civil(day);
    format!("{year:04}-{month:02}-{day:02}")
}

fn compact_date(day: i64) -> String {
    let (year, month, day) = civil(day);
    format!("{year:04}{month:02}{day:02}")
}

/// Year, month and day of a number of days since 1970 (Postgres' own calendar).
fn civil(day: i64) -> (i32, i32, i32) {
    /// Julian day of 1970-01-01.
    const UNIX_EPOCH_JULIAN: i64 = 2_440_588;
    let julian = i32::try_from(day + UNIX_EPOCH_JULIAN).unwrap_or(i32::MAX);
    let (mut year, mut month, mut day) = (0, 0, 0);
    // SAFETY: j2date writes three integers.
    unsafe { pg_sys::j2date(julian, &mut year, &mut month, &mut day) };
    (year, month, day)
}

/// Makes the partitions that times (microseconds since 1970 UTC) need, if any is missing.
pub fn ensure_partitions(times: impl Iterator<Item = i64>) -> Result<(), Error> {
    let mut days: HashSet<i64> = times.map(|ts| ts.div_euclid(DAY)).collect();
    days.retain(|day| BY_EVENT_DAY.iter().any(|table| !has_partition(table, *day)));
    if days.len() > MOST_DAYS_AT_ONCE {
        return Err(Error::TooManyDays { missing: days.len(), most: MOST_DAYS_AT_ONCE });
    }
    days.into_iter().try_for_each(|day| make_partitions(BY_EVENT_DAY.into_iter(), day).map(|_| ()))
}

/// Storage, made now where a superuser finds none. An older library's is left to observa.setup().
pub fn ensure() -> Result<(), Error> {
    ensure_for(For::Everything)
}

/// As [`ensure`], of as much as events need: they wait for nothing that is missing elsewhere.
pub fn ensure_for_events() -> Result<(), Error> {
    ensure_for(For::Ingest)
}

fn ensure_for(whom: For) -> Result<(), Error> {
    if exists() {
        return storage_needs::require(whom);
    }
    if identity::session_is_superuser() { make() } else { Err(Error::NoStorage) }
}
