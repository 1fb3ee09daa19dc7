//! Rollups: each batch appends what it adds, a correction appends what changed, and maintenance folds that into rows of minutes,
//! hours, days and weeks. Commit or rollback decides: nothing is lost, and nothing counted twice.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use observa_pipeline::batch::Ready;
use observa_pipeline::rollup::{Activity, ActivityRow, Delta, Fact, Fold, Lost, Resolution};
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::error::{Error, or_raise};
use crate::home_cache;
use crate::identity::{self, Acting, sql_uuid};
use crate::jobs::{self, Done, Setback};
use crate::locks;
use crate::metric_columns::{self, Actor, Metric, NewSeries, TagHour, Total, UserHour};
use crate::patience::Patience;
use crate::rows::{self, Rows};
use crate::settings;
use crate::storage::{self, sql_time, unix_micros};
use crate::trace_fold;

/// Deltas of one fold: what they hold together lies in memory.
const MOST_DELTAS: i64 = 500;

/// Tells the lock of a tenant's fold from others that its id stands for.
const FOLD_LOCK: i64 = 0x666f_6c64;

/// Bytes of deltas of one fold; the last one may be as large as a body makes it.
const MOST_BYTES: i64 = 16 << 20;

/// Environments beside which those of series beyond the most are counted as other, too.
const MOST_ENVIRONMENTS: usize = 50;

/// What a fold may take before the next tenant's turn.
const TURN: Duration = Duration::from_secs(2);

/// Appends what stored events add. They are the acting tenant's.
pub fn append(stored: &[&Ready]) -> Result<(), Error> {
    let facts: Vec<Fact> = stored.iter().map(|ready| Fact::of(ready)).collect();
    let mut delta = Delta::default();
    facts.iter().for_each(|fact| delta.add(fact));
    append_delta(&delta)
}

/// For the acting tenant.
pub fn append_delta(delta: &Delta) -> Result<(), Error> {
    if delta.is_empty() {
        return Ok(());
    }
    let tenant = Acting::current().and_then(|acting| home_cache::tenant_with_id(acting.tenant_id));
    let entries = delta.encode(tenant.ok_or(Error::NoTenant)?.pseudonym_key());
    let arguments = [sql_uuid(Uuid::now_v7()).into(), sql_time(storage::now()).into(), entries.into()];
    Ok(Spi::run_with_args(include_str!("../sql/rollup/append.sql"), &arguments)?)
}

/// Folds what all tenants have added: how many deltas, and the age of the oldest.
pub fn fold_all(patience: &mut Patience) -> Result<Done, Error> {
    let found = Spi::connect(|client| {
        let rows = client.select("SELECT * FROM observa_internal.tenants_to_fold()", None, &[])?;
        rows.map(|row| Ok((row.get::<pgrx::Uuid>(1)?, row.get::<TimestampWithTimeZone>(2)?)))
            .collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    let oldest = found.iter().filter_map(|(_, since)| since.map(unix_micros)).min();
    let tenants = found.into_iter().filter_map(|(tenant_id, _)| tenant_id.map(identity::uuid)).collect();
    let mut damaged = 0;
    let mut done = jobs::tenants::for_each("rollups", tenants, patience, |tenant_id| {
        // Whoever folds it does what is to be done.
        if !locks::is_free(fold_lock(tenant_id)) {
            return Ok(0);
        }
        let folded = fold()?;
        damaged += folded.damaged;
        Ok(folded.deltas)
    })?;
    if damaged > 0 {
        done.setback.get_or_insert_with(|| Setback {
            text: format!("XX001: {damaged} damaged deltas were set aside"),
            is_new: true,
            some_went_well: true,
            retry: Duration::MAX,
        });
    }
    let lag_s = oldest.map_or(0.0, |oldest| (storage::now() - oldest) as f64 / 1e6);
    Ok(Done { lag_s: Some(lag_s), ..done })
}

/// For the owner of ingest alone, as `find_tenant`.
#[pg_extern(sql = false)]
fn tenants_to_fold()
-> TableIterator<'static, (name!(tenant_id, pgrx::Uuid), name!(oldest, TimestampWithTimeZone))> {
    let found = Spi::connect(|client| {
        let rows = client.select(include_str!("../sql/rollup/tenants.sql"), None, &[])?;
        rows.map(|row| Ok((row.get::<pgrx::Uuid>(1)?, row.get::<TimestampWithTimeZone>(2)?)))
            .collect::<Result<Vec<_>, pgrx::spi::Error>>()
    });
    let found = or_raise(found.map_err(Error::Spi));
    TableIterator::new(found.into_iter().filter_map(|(tenant_id, oldest)| tenant_id.zip(oldest)))
}

fn fold_lock(tenant_id: Uuid) -> i64 {
    locks::key(tenant_id) ^ FOLD_LOCK
}

/// Folds the acting tenant's deltas for a while; how many. Nobody else folds them until the transaction's end: what two fold at once of a
/// trace would be counted once.
fn fold() -> Result<Folded, Error> {
    fold_until(Some(Instant::now() + TURN))
}

/// Folds all of the acting tenant's deltas.
pub fn fold_whole() -> Result<Folded, Error> {
    fold_until(None)
}

fn fold_until(end: Option<Instant>) -> Result<Folded, Error> {
    let tenant_id = Acting::current().ok_or(Error::NoTenant)?.tenant_id;
    locks::wait(fold_lock(tenant_id));
    let mut folded = Folded::default();
    loop {
        check_for_interrupts!();
        let mut batch = take()?;
        if !batch.fold.is_empty() {
            limit_series(&mut batch.fold)?;
            limit_users(&mut batch.fold)?;
            limit_values(&mut batch.fold)?;
            rows::in_own_memory(|| store(tenant_id, &batch))?;
        }
        folded.deltas += batch.deltas;
        folded.damaged += batch.damaged;
        if batch.is_last || end.is_some_and(|end| Instant::now() > end) {
            return Ok(folded);
        }
    }
}

/// What became of deltas.
#[derive(Default)]
pub struct Folded {
    pub deltas: u64,
    /// Of these, those that could not be read and were set aside.
    pub damaged: u64,
}

/// Deltas that are folded together.
struct Batch {
    fold: Fold,
    deltas: u64,
    damaged: u64,
    /// There were no more.
    is_last: bool,
}

fn take() -> Result<Batch, Error> {
    let mut fold = Fold::default();
    let (mut deltas, mut bytes) = (0_i64, 0_i64);
    let mut damaged = Vec::new();
    Spi::connect_mut(|client| {
        let arguments = [MOST_DELTAS.into(), MOST_BYTES.into()];
        for row in client.update(include_str!("../sql/rollup/take.sql"), None, &arguments)? {
            let Some(entries) = row.get::<&[u8]>(1)? else { continue };
            check_for_interrupts!();
            deltas += 1;
            bytes += entries.len() as i64;
            if let Err(error) = fold.add(entries) {
                warning!("{error}, and is set aside");
                damaged.push((
                    row.get::<pgrx::Uuid>(2)?,
                    row.get::<TimestampWithTimeZone>(3)?,
                    entries.to_vec(),
                ));
            }
        }
        Ok::<_, pgrx::spi::Error>(())
    })?;
    for (delta_id, added_at, entries) in &damaged {
        let arguments = [(*delta_id).into(), (*added_at).into(), entries.as_slice().into()];
        Spi::run_with_args(include_str!("../sql/rollup/set_aside.sql"), &arguments)?;
    }
    let damaged = damaged.len() as u64;
    Ok(Batch {
        fold,
        deltas: deltas.unsigned_abs(),
        damaged,
        is_last: deltas < MOST_DELTAS && bytes < MOST_BYTES,
    })
}

/// New series beyond what a tenant may have go into one. One that comes back after a long time is itself, or a correction would take out of
/// another what it had counted in this one.
fn limit_series(fold: &mut Fold) -> Result<(), Error> {
    let ids: Vec<pgrx::Uuid> = fold.series().map(|(id, _)| sql_uuid(id)).collect();
    let known: HashSet<Uuid> = Spi::connect(|client| {
        let rows = client.select(include_str!("../sql/rollup/known_series.sql"), None, &[ids.into()])?;
        rows.map(|row| row.get::<pgrx::Uuid>(1)).collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?
    .into_iter()
    .flatten()
    .map(identity::uuid)
    .collect();
    let mut new: Vec<Uuid> = fold.series().map(|(id, _)| id).filter(|id| !known.contains(id)).collect();
    if new.is_empty() {
        return Ok(());
    }
    let sql = include_str!("../sql/rollup/series_count.sql");
    let count = Spi::get_one_with_args::<i64>(sql, &[settings::series_days().into()])?.unwrap_or_default();
    let room = settings::max_series().saturating_sub(usize::try_from(count).unwrap_or_default());
    if new.len() > room {
        new.sort_unstable();
        let kept = environments()?;
        let keeps = |environment: &str| kept.len() < MOST_ENVIRONMENTS || kept.contains(environment);
        fold.merge_into_other(new.get(room..).unwrap_or_default(), keeps);
        tell_limit("series", settings::max_series())?;
    }
    Ok(())
}

/// Of the acting tenant's series.
fn environments() -> Result<HashSet<String>, Error> {
    let found = Spi::connect(|client| {
        let rows = client.select(
            include_str!("../sql/rollup/environments.sql"),
            None,
            &[settings::series_days().into()],
        )?;
        rows.map(|row| row.get::<String>(1)).collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    Ok(found.into_iter().flatten().collect())
}

/// Users beyond what an hour may have go into one.
fn limit_users(fold: &mut Fold) -> Result<(), Error> {
    for (bucket, users) in fold.users_of_hours() {
        let sql = include_str!("../sql/rollup/user_count.sql");
        let count = Spi::get_one_with_args::<i64>(sql, &[sql_time(bucket).into()])?.unwrap_or_default();
        let room = settings::max_users_per_hour().saturating_sub(usize::try_from(count).unwrap_or_default());
        if users <= room {
            continue;
        }
        let known = names_of_hour(include_str!("../sql/rollup/known_users.sql"), &[sql_time(bucket).into()])?;
        fold.merge_users_into_other(bucket, room, |(_, project_id, environment, user_id)| {
            known.contains(&(*project_id, environment.clone(), user_id.clone()))
        });
        tell_limit("users of an hour", settings::max_users_per_hour())?;
    }
    Ok(())
}

/// Values of a tag beyond what an hour may have go into one.
fn limit_values(fold: &mut Fold) -> Result<(), Error> {
    for ((bucket, tag), values) in fold.tags_of_hours() {
        let arguments = || [sql_time(bucket).into(), tag.as_str().into()];
        let sql = include_str!("../sql/rollup/value_count.sql");
        let count = Spi::get_one_with_args::<i64>(sql, &arguments())?.unwrap_or_default();
        let room = settings::max_values_per_tag().saturating_sub(usize::try_from(count).unwrap_or_default());
        if values <= room {
            continue;
        }
        let known = names_of_hour(include_str!("../sql/rollup/known_values.sql"), &arguments())?;
        fold.merge_values_into_other(bucket, &tag, room, |(_, _, project_id, environment, value)| {
            known.contains(&(*project_id, environment.clone(), value.clone()))
        });
        tell_limit("values of a tag in an hour", settings::max_values_per_tag())?;
    }
    Ok(())
}

/// Project, environment and name of what is counted in an hour.
fn names_of_hour(sql: &str, arguments: &[DatumWithOid]) -> Result<HashSet<(Uuid, String, String)>, Error> {
    let found = Spi::connect(|client| {
        let rows = client.select(sql, None, arguments)?;
        rows.map(|row| {
            let key = (row.get::<pgrx::Uuid>(1)?, row.get::<String>(2)?, row.get::<String>(3)?);
            let (Some(project), Some(environment), Some(name)) = key else { return Ok(None) };
            Ok(Some((identity::uuid(project), environment, name)))
        })
        .collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    Ok(found.into_iter().flatten().collect())
}

/// Raises a signal, once a day.
fn tell_limit(what: &'static str, most: usize) -> Result<(), Error> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let arguments = [sql_uuid(Uuid::now_v7()).into(), what.into(), (most as f64).into()];
    Ok(Spi::run_with_args(include_str!("../sql/rollup/tell_limit.sql"), &arguments)?)
}

fn store(tenant_id: Uuid, batch: &Batch) -> Result<(), Error> {
    let fold = &batch.fold;
    let mut series: Vec<NewSeries> =
        fold.series().map(|(series_id, series)| NewSeries { tenant_id, series_id, series }).collect();
    series.sort_unstable_by_key(|row| row.series_id);
    let rows = Rows::new("metric_series", &metric_columns::series(), series.into_iter())?;
    run(include_str!("../sql/rollup/series.sql"), &rows)?;
    let seen: Vec<pgrx::Uuid> = fold.series().map(|(id, _)| sql_uuid(id)).collect();
    Spi::run_with_args(include_str!("../sql/rollup/seen_series.sql"), &[seen.into()])?;
    for resolution in Resolution::ALL {
        // Asked when there are rows of minutes: weeks are not made of days while a transaction has written such.
        if resolution == Resolution::Week && !storage::has_weeks() {
            continue;
        }
        store_metrics(tenant_id, resolution, fold)?;
        store_totals(tenant_id, resolution, fold)?;
    }
    let users = fold.users();
    let of_users = || users.iter().map(|row| UserHour { tenant_id, row });
    let rows = Rows::new("user_metrics", &metric_columns::users(), of_users())?;
    run(include_str!("../sql/rollup/users.sql"), &rows)?;
    run(include_str!("../sql/rollup/change_user_days.sql"), &rows)?;
    let lessened = of_users().filter(|user| user.row.sums.events <= 0);
    let rows = Rows::new("user_metrics", &metric_columns::users(), lessened)?;
    run(include_str!("../sql/rollup/drop_empty_users.sql"), &rows)?;
    store_tags(tenant_id, fold)?;
    store_activities(tenant_id, batch)
}

fn store_tags(tenant_id: Uuid, fold: &Fold) -> Result<(), Error> {
    let tags = fold.tags();
    let of_tags = || tags.iter().map(|row| TagHour { tenant_id, row });
    let rows = Rows::new("tag_metrics", &metric_columns::tags(), of_tags())?;
    run(include_str!("../sql/rollup/tags.sql"), &rows)?;
    let lessened = of_tags().filter(|tag| tag.row.sums.events <= 0);
    let rows = Rows::new("tag_metrics", &metric_columns::tags(), lessened)?;
    run(include_str!("../sql/rollup/drop_empty_tags.sql"), &rows)
}

/// Traces come first, as they are counted for whom they are of; who has nothing left goes last.
fn store_activities(tenant_id: Uuid, batch: &Batch) -> Result<(), Error> {
    let activities = batch.fold.activities();
    let mut traces = trace_fold::store(tenant_id, &batch.fold, batch.is_last)?;
    let counted: Vec<i64> = activities
        .iter()
        .map(|row| traces.remove(&(row.actor, row.project_id, row.id.to_owned())).unwrap_or_default())
        .collect();
    trace_fold::count_for_others(&traces)?;
    let of =
        || activities.iter().zip(&counted).map(|(row, traces)| Actor { tenant_id, row, traces: *traces });
    lose(include_str!("../sql/rollup/lose_users.sql"), &activities, |activity| &activity.lost_user_ids)?;
    lose(include_str!("../sql/rollup/lose_sessions.sql"), &activities, |activity| {
        &activity.lost_session_ids
    })?;
    let rows = Rows::new("activities", &metric_columns::activities(), of())?;
    run(include_str!("../sql/rollup/activities.sql"), &rows)?;
    let loses = |actor: &Actor| {
        let activity = actor.row.activity;
        !activity.lost_user_ids.is_empty() || !activity.lost_session_ids.is_empty()
    };
    let lessened = of().filter(|actor| actor.row.activity.events <= 0);
    let rows = Rows::new("activities", &metric_columns::activities(), lessened)?;
    run(include_str!("../sql/rollup/drop_empty_activities.sql"), &rows)?;
    let rows = Rows::new("activities", &metric_columns::activities(), of().filter(loses))?;
    run(include_str!("../sql/rollup/find_companions.sql"), &rows)?;
    run(include_str!("../sql/rollup/find_session_users.sql"), &rows)
}

/// Takes away names of which events were taken out: those that others have come back with what is added.
fn lose(sql: &str, activities: &[ActivityRow], lost: fn(&Activity) -> &Lost) -> Result<(), Error> {
    let (mut actors, mut ids, mut projects, mut names) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for row in activities {
        for name in lost(row.activity).names() {
            actors.push(row.actor.name());
            ids.push(row.id);
            projects.push(sql_uuid(row.project_id));
            names.push(name);
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    Ok(Spi::run_with_args(sql, &[actors.into(), ids.into(), projects.into(), names.into()])?)
}

/// What was recorded is there before some of it is taken out.
fn store_metrics(tenant_id: Uuid, resolution: Resolution, fold: &Fold) -> Result<(), Error> {
    let rows = fold.rows(resolution);
    let of = |removed| rows.iter().map(move |row| Metric { tenant_id, resolution, row, removed });
    let added = Rows::new("metrics", &metric_columns::metrics(), of(false))?;
    run(include_str!("../sql/rollup/metrics.sql"), &added)?;
    let lessened = of(true).filter(|metric| metric.row.group.takes_out());
    let lessened = Rows::new("metrics", &metric_columns::metrics(), lessened)?;
    run(include_str!("../sql/rollup/remove_latencies.sql"), &lessened)?;
    run(include_str!("../sql/rollup/drop_empty_metrics.sql"), &lessened)
}

fn store_totals(tenant_id: Uuid, resolution: Resolution, fold: &Fold) -> Result<(), Error> {
    let rows = fold.totals(resolution);
    let of = |removed| rows.iter().map(move |row| Total { tenant_id, resolution, row, removed });
    let added = Rows::new("metric_totals", &metric_columns::totals(), of(false))?;
    run(include_str!("../sql/rollup/totals.sql"), &added)?;
    let lessened = of(true).filter(|total| total.row.group.takes_out());
    let lessened = Rows::new("metric_totals", &metric_columns::totals(), lessened)?;
    run(include_str!("../sql/rollup/remove_total_latencies.sql"), &lessened)?;
    run(include_str!("../sql/rollup/drop_empty_totals.sql"), &lessened)
}

/// Where there are rows.
pub fn run(sql: &'static str, rows: &Rows) -> Result<(), Error> {
    if rows.is_empty() { Ok(()) } else { rows.run(sql, |_| Ok(())) }
}
