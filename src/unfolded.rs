//! What is not folded yet, as rows that metrics views add to those that are: a committed event is in the next query's numbers.

use std::collections::{BTreeMap, BTreeSet};

use observa_pipeline::histogram::Latencies;
use observa_pipeline::rollup::{Fold, Group, Resolution};
use pgrx::prelude::*;
use uuid::Uuid;

use crate::error::{Error, or_raise};
use crate::identity::{self, sql_uuid};
use crate::storage::sql_time;

/// NUL-terminated, as SPI takes it.
const UNFOLDED: &str = concat!(include_str!("../sql/rollup/unfolded.sql"), "\0");

/// The deltas that the caller may read, by tenant, in the snapshot of the caller's query: pgrx would take a newer one in a transaction that
/// has written, and what a fold has moved since would be in neither half of a view.
fn folds() -> Result<BTreeMap<Uuid, Fold>, Error> {
    let mut folds: BTreeMap<Uuid, Fold> = BTreeMap::new();
    Spi::connect(|_| {
        // SAFETY: connected to SPI; a C string without a NUL in it. Read-only: the active snapshot.
        let status = unsafe { pg_sys::SPI_execute(UNFOLDED.as_ptr().cast(), true, 0) };
        pgrx::spi::Spi::check_status(status)?;
        // SAFETY: what the statement returned, until the connection ends.
        let (rows, table) = unsafe { (pg_sys::SPI_processed, pg_sys::SPI_tuptable.as_ref()) };
        let Some(table) = table else { return Ok(()) };
        for row in 0..usize::try_from(rows).unwrap_or_default() {
            check_for_interrupts!();
            let (mut no_tenant, mut no_entries) = (true, true);
            // SAFETY: there are so many rows, of a uuid and a bytea each; both are read before the connection ends.
            let (tenant_id, entries) = unsafe {
                let tuple = *table.vals.add(row);
                let tenant_id = pg_sys::SPI_getbinval(tuple, table.tupdesc, 1, &mut no_tenant);
                let entries = pg_sys::SPI_getbinval(tuple, table.tupdesc, 2, &mut no_entries);
                (pgrx::Uuid::from_datum(tenant_id, no_tenant), <&[u8]>::from_datum(entries, no_entries))
            };
            let (Some(tenant_id), Some(entries)) = (tenant_id, entries) else { continue };
            // A damaged one is told of by the fold.
            let _ = folds.entry(identity::uuid(tenant_id)).or_default().add(entries);
        }
        Ok::<_, pgrx::spi::Error>(())
    })?;
    Ok(folds)
}

fn resolution(name: &str) -> Resolution {
    let resolution = Resolution::from_name(name);
    or_raise(resolution.ok_or_else(|| Error::Invalid("a resolution is minute, hour or day".into())))
}

fn bytes(latencies: Option<Latencies>) -> Option<Vec<u8>> {
    latencies.map(|latencies| latencies.to_bytes())
}

fn money(group: &Group) -> Option<AnyNumeric> {
    AnyNumeric::try_from(group.sums.cost_usd.to_plain_string().as_str()).ok()
}

#[pg_extern(sql = false)]
#[expect(clippy::type_complexity, reason = "pgrx reads the columns from the type")]
fn unfolded_metrics(
    name: &str,
) -> TableIterator<
    'static,
    (
        name!(tenant_id, pgrx::Uuid),
        name!(bucket, TimestampWithTimeZone),
        name!(series_id, pgrx::Uuid),
        name!(project_id, pgrx::Uuid),
        name!(environment, String),
        name!(event_type, String),
        name!(status, String),
        name!(provider, Option<String>),
        name!(model, Option<String>),
        name!(route, Option<String>),
        name!(tool_name, Option<String>),
        name!(version, Option<String>),
        name!(events, i64),
        name!(errors, i64),
        name!(timeouts, i64),
        name!(billable, i64),
        name!(priced, i64),
        name!(input_tokens, i64),
        name!(output_tokens, i64),
        name!(cached_input_tokens, i64),
        name!(cache_write_tokens, i64),
        name!(reasoning_tokens, i64),
        name!(total_tokens, i64),
        name!(cost_usd, Option<AnyNumeric>),
        name!(latency, Option<Vec<u8>>),
        name!(ttft, Option<Vec<u8>>),
        name!(removed_latency, Option<Vec<u8>>),
        name!(removed_ttft, Option<Vec<u8>>),
    ),
> {
    let resolution = resolution(name);
    let mut found = Vec::new();
    for (tenant_id, fold) in &or_raise(folds()) {
        for row in fold.rows(resolution) {
            let (sums, series) = (&row.group.sums, row.series);
            found.push((
                sql_uuid(*tenant_id),
                sql_time(row.bucket),
                sql_uuid(row.series_id),
                sql_uuid(series.project_id),
                series.environment.clone(),
                series.event_type.clone(),
                series.status.clone(),
                series.provider.clone(),
                series.model.clone(),
                series.route.clone(),
                series.tool_name.clone(),
                series.version.clone(),
                sums.events,
                sums.errors,
                sums.timeouts,
                sums.billable,
                sums.priced,
                sums.input_tokens,
                sums.output_tokens,
                sums.cached_input_tokens,
                sums.cache_write_tokens,
                sums.reasoning_tokens,
                sums.total_tokens,
                money(&row.group),
                bytes(row.group.latency()),
                bytes(row.group.ttft()),
                bytes(row.group.removed_latency()),
                bytes(row.group.removed_ttft()),
            ));
        }
    }
    TableIterator::new(found)
}

#[pg_extern(sql = false)]
#[expect(clippy::type_complexity, reason = "pgrx reads the columns from the type")]
fn unfolded_totals(
    name: &str,
) -> TableIterator<
    'static,
    (
        name!(tenant_id, pgrx::Uuid),
        name!(bucket, TimestampWithTimeZone),
        name!(project_id, pgrx::Uuid),
        name!(environment, String),
        name!(event_type, String),
        name!(events, i64),
        name!(errors, i64),
        name!(timeouts, i64),
        name!(billable, i64),
        name!(priced, i64),
        name!(input_tokens, i64),
        name!(output_tokens, i64),
        name!(cached_input_tokens, i64),
        name!(cache_write_tokens, i64),
        name!(reasoning_tokens, i64),
        name!(total_tokens, i64),
        name!(cost_usd, Option<AnyNumeric>),
        name!(coherence_sum, f64),
        name!(coherence_count, i64),
        name!(toxicity_sum, f64),
        name!(toxicity_count, i64),
        name!(hallucination_risk_sum, f64),
        name!(hallucination_risk_count, i64),
        name!(latency, Option<Vec<u8>>),
        name!(ttft, Option<Vec<u8>>),
        name!(removed_latency, Option<Vec<u8>>),
        name!(removed_ttft, Option<Vec<u8>>),
        name!(users, Option<Vec<u8>>),
    ),
> {
    let resolution = resolution(name);
    let mut found = Vec::new();
    for (tenant_id, fold) in &or_raise(folds()) {
        for row in fold.totals(resolution) {
            let (sums, scores) = (&row.group.sums, &row.group.scores);
            found.push((
                sql_uuid(*tenant_id),
                sql_time(row.bucket),
                sql_uuid(row.project_id),
                row.environment.to_owned(),
                row.event_type.to_owned(),
                sums.events,
                sums.errors,
                sums.timeouts,
                sums.billable,
                sums.priced,
                sums.input_tokens,
                sums.output_tokens,
                sums.cached_input_tokens,
                sums.cache_write_tokens,
                sums.reasoning_tokens,
                sums.total_tokens,
                money(&row.group),
                scores.coherence.0,
                scores.coherence.1,
                scores.toxicity.0,
                scores.toxicity.1,
                scores.hallucination_risk.0,
                scores.hallucination_risk.1,
                bytes(row.group.latency()),
                bytes(row.group.ttft()),
                bytes(row.group.removed_latency()),
                bytes(row.group.removed_ttft()),
                row.group.users().map(|users| users.to_bytes()),
            ));
        }
    }
    TableIterator::new(found)
}

#[pg_extern(sql = false)]
#[expect(clippy::type_complexity, reason = "pgrx reads the columns from the type")]
fn unfolded_users() -> TableIterator<
    'static,
    (
        name!(tenant_id, pgrx::Uuid),
        name!(bucket, TimestampWithTimeZone),
        name!(project_id, pgrx::Uuid),
        name!(environment, String),
        name!(user_id, String),
        name!(events, i64),
        name!(errors, i64),
        name!(timeouts, i64),
        name!(billable, i64),
        name!(priced, i64),
        name!(total_tokens, i64),
        name!(cost_usd, Option<AnyNumeric>),
    ),
> {
    let mut found = Vec::new();
    for (tenant_id, fold) in or_raise(folds()) {
        for row in fold.users() {
            let sums = row.sums;
            found.push((
                sql_uuid(tenant_id),
                sql_time(row.bucket),
                sql_uuid(row.project_id),
                row.environment,
                row.user_id,
                sums.events,
                sums.errors,
                sums.timeouts,
                sums.billable,
                sums.priced,
                sums.total_tokens,
                AnyNumeric::try_from(sums.cost_usd.to_plain_string().as_str()).ok(),
            ));
        }
    }
    TableIterator::new(found)
}

#[pg_extern(sql = false)]
#[expect(clippy::type_complexity, reason = "pgrx reads the columns from the type")]
fn unfolded_tags() -> TableIterator<
    'static,
    (
        name!(tenant_id, pgrx::Uuid),
        name!(bucket, TimestampWithTimeZone),
        name!(project_id, pgrx::Uuid),
        name!(environment, String),
        name!(tag, String),
        name!(value, String),
        name!(events, i64),
        name!(errors, i64),
        name!(timeouts, i64),
        name!(billable, i64),
        name!(priced, i64),
        name!(total_tokens, i64),
        name!(cost_usd, Option<AnyNumeric>),
        name!(users, Option<Vec<u8>>),
    ),
> {
    let mut found = Vec::new();
    for (tenant_id, fold) in &or_raise(folds()) {
        for row in fold.tags() {
            let sums = row.sums;
            found.push((
                sql_uuid(*tenant_id),
                sql_time(row.bucket),
                sql_uuid(row.project_id),
                row.environment.to_owned(),
                row.tag.to_owned(),
                row.value.to_owned(),
                sums.events,
                sums.errors,
                sums.timeouts,
                sums.billable,
                sums.priced,
                sums.total_tokens,
                AnyNumeric::try_from(sums.cost_usd.to_plain_string().as_str()).ok(),
                row.users().map(|users| users.to_bytes()),
            ));
        }
    }
    TableIterator::new(found)
}

#[pg_extern(sql = false)]
#[expect(clippy::type_complexity, reason = "pgrx reads the columns from the type")]
fn unfolded_activities(
    actor: &str,
) -> TableIterator<
    'static,
    (
        name!(tenant_id, pgrx::Uuid),
        name!(id, String),
        name!(project_id, pgrx::Uuid),
        name!(first_seen, Option<TimestampWithTimeZone>),
        name!(last_seen, Option<TimestampWithTimeZone>),
        name!(events, i64),
        name!(messages, i64),
        name!(tokens, i64),
        name!(priced, i64),
        name!(cost_usd, Option<AnyNumeric>),
        name!(issues, i64),
        name!(user_id, Option<String>),
        name!(session_id, Option<String>),
        name!(lost_user_ids, Vec<String>),
        name!(lost_session_ids, Vec<String>),
    ),
> {
    let mut found = Vec::new();
    for (tenant_id, fold) in or_raise(folds()) {
        for row in fold.activities().into_iter().filter(|row| row.actor.name() == actor) {
            let activity = row.activity;
            found.push((
                sql_uuid(tenant_id),
                row.id.to_owned(),
                sql_uuid(row.project_id),
                activity.seen.map(|(first, _)| sql_time(first)),
                activity.seen.map(|(_, last)| sql_time(last)),
                activity.events,
                activity.messages,
                activity.tokens,
                activity.priced,
                AnyNumeric::try_from(activity.cost_usd.to_plain_string().as_str()).ok(),
                activity.issues,
                activity.user_id.clone(),
                activity.session_id.clone(),
                activity.lost_user_ids.names().map(str::to_owned).collect(),
                activity.lost_session_ids.names().map(str::to_owned).collect(),
            ));
        }
    }
    TableIterator::new(found)
}

/// By tenant: traces that have changed, and when the first and the last of what has changed began.
#[pg_extern(sql = false)]
fn unfolded_traces() -> TableIterator<
    'static,
    (
        name!(tenant_id, pgrx::Uuid),
        name!(trace_ids, Vec<String>),
        name!(since, TimestampWithTimeZone),
        name!(until, TimestampWithTimeZone),
    ),
> {
    let mut found = Vec::new();
    for (tenant_id, fold) in or_raise(folds()) {
        let since = fold.traces().map(|(_, _, change)| change.since).min();
        let until = fold.traces().map(|(_, _, change)| change.until).max();
        if let Some((since, until)) = since.zip(until) {
            let ids: BTreeSet<&str> = fold.traces().map(|(_, trace_id, _)| trace_id).collect();
            let ids = ids.into_iter().map(str::to_owned).collect();
            found.push((sql_uuid(tenant_id), ids, sql_time(since), sql_time(until)));
        }
    }
    TableIterator::new(found)
}
