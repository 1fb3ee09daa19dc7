//! What is not folded yet, as rows that metrics views add to those that are: a committed event is in the next query's numbers.

use std::collections::{BTreeMap, BTreeSet};

use observa_pipeline::histogram::Latencies;
use observa_pipeline::price::Usd;
use observa_pipeline::rollup::{Fold, Resolution};
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
    or_raise(resolution.ok_or_else(|| Error::Invalid("a resolution is minute, hour, day or week".into())))
}

fn bytes(latencies: Option<Latencies>) -> Option<Vec<u8>> {
    latencies.map(|latencies| latencies.to_bytes())
}

fn money(usd: &Usd) -> Option<AnyNumeric> {
    AnyNumeric::try_from(usd.to_plain_string().as_str()).ok()
}

/// A function that gives a row for each of some rows of every tenant's fold: its columns after tenant_id, each with its type and value.
macro_rules! unfolded {
    ($name:ident($($argument:ident: $of:ty)?), $fold:ident, $row:ident in $rows:expr => { $($column:ident: $type:ty = $value:expr),+ $(,)? }) => {
        #[pg_extern(sql = false)]
        fn $name($($argument: $of)?) -> TableIterator<'static, (name!(tenant_id, pgrx::Uuid), $(name!($column, $type)),+)> {
            let mut found = Vec::new();
            for (tenant_id, $fold) in &or_raise(folds()) {
                for $row in $rows {
                    found.push((sql_uuid(*tenant_id), $($value),+));
                }
            }
            TableIterator::new(found)
        }
    };
}

unfolded!(unfolded_metrics(name: &str), fold, row in fold.rows(resolution(name)) => {
    bucket: TimestampWithTimeZone = sql_time(row.bucket),
    series_id: pgrx::Uuid = sql_uuid(row.series_id),
    project_id: pgrx::Uuid = sql_uuid(row.series.project_id),
    environment: String = row.series.environment.clone(),
    event_type: String = row.series.event_type.clone(),
    status: String = row.series.status.clone(),
    provider: Option<String> = row.series.provider.clone(),
    model: Option<String> = row.series.model.clone(),
    route: Option<String> = row.series.route.clone(),
    tool_name: Option<String> = row.series.tool_name.clone(),
    version: Option<String> = row.series.version.clone(),
    events: i64 = row.group.sums.events,
    errors: i64 = row.group.sums.errors,
    timeouts: i64 = row.group.sums.timeouts,
    billable: i64 = row.group.sums.billable,
    priced: i64 = row.group.sums.priced,
    input_tokens: i64 = row.group.sums.input_tokens,
    output_tokens: i64 = row.group.sums.output_tokens,
    cached_input_tokens: i64 = row.group.sums.cached_input_tokens,
    cache_write_tokens: i64 = row.group.sums.cache_write_tokens,
    reasoning_tokens: i64 = row.group.sums.reasoning_tokens,
    total_tokens: i64 = row.group.sums.total_tokens,
    cost_usd: Option<AnyNumeric> = money(&row.group.sums.cost_usd),
    score_sums: Vec<f64> = row.group.scores.parts().map(|(sum, _)| sum).to_vec(),
    score_counts: Vec<i64> = row.group.scores.parts().map(|(_, count)| count).to_vec(),
    latency: Option<Vec<u8>> = bytes(row.group.latency()),
    ttft: Option<Vec<u8>> = bytes(row.group.ttft()),
    removed_latency: Option<Vec<u8>> = bytes(row.group.removed_latency()),
    removed_ttft: Option<Vec<u8>> = bytes(row.group.removed_ttft()),
});

unfolded!(unfolded_totals(name: &str), fold, row in fold.totals(resolution(name)) => {
    bucket: TimestampWithTimeZone = sql_time(row.bucket),
    project_id: pgrx::Uuid = sql_uuid(row.project_id),
    environment: String = row.environment.to_owned(),
    event_type: String = row.event_type.to_owned(),
    events: i64 = row.group.sums.events,
    errors: i64 = row.group.sums.errors,
    timeouts: i64 = row.group.sums.timeouts,
    billable: i64 = row.group.sums.billable,
    priced: i64 = row.group.sums.priced,
    input_tokens: i64 = row.group.sums.input_tokens,
    output_tokens: i64 = row.group.sums.output_tokens,
    cached_input_tokens: i64 = row.group.sums.cached_input_tokens,
    cache_write_tokens: i64 = row.group.sums.cache_write_tokens,
    reasoning_tokens: i64 = row.group.sums.reasoning_tokens,
    total_tokens: i64 = row.group.sums.total_tokens,
    cost_usd: Option<AnyNumeric> = money(&row.group.sums.cost_usd),
    coherence_sum: f64 = row.group.scores.coherence.0,
    coherence_count: i64 = row.group.scores.coherence.1,
    toxicity_sum: f64 = row.group.scores.toxicity.0,
    toxicity_count: i64 = row.group.scores.toxicity.1,
    hallucination_risk_sum: f64 = row.group.scores.hallucination_risk.0,
    hallucination_risk_count: i64 = row.group.scores.hallucination_risk.1,
    latency: Option<Vec<u8>> = bytes(row.group.latency()),
    ttft: Option<Vec<u8>> = bytes(row.group.ttft()),
    removed_latency: Option<Vec<u8>> = bytes(row.group.removed_latency()),
    removed_ttft: Option<Vec<u8>> = bytes(row.group.removed_ttft()),
    users: Option<Vec<u8>> = row.group.users().map(|users| users.to_bytes()),
});

unfolded!(unfolded_users(), fold, row in fold.users() => {
    bucket: TimestampWithTimeZone = sql_time(row.bucket),
    project_id: pgrx::Uuid = sql_uuid(row.project_id),
    environment: String = row.environment,
    user_id: String = row.user_id,
    events: i64 = row.sums.events,
    errors: i64 = row.sums.errors,
    timeouts: i64 = row.sums.timeouts,
    billable: i64 = row.sums.billable,
    priced: i64 = row.sums.priced,
    total_tokens: i64 = row.sums.total_tokens,
    cost_usd: Option<AnyNumeric> = money(&row.sums.cost_usd),
});

unfolded!(unfolded_tags(), fold, row in fold.tags() => {
    bucket: TimestampWithTimeZone = sql_time(row.bucket),
    project_id: pgrx::Uuid = sql_uuid(row.project_id),
    environment: String = row.environment.to_owned(),
    tag: String = row.tag.to_owned(),
    value: String = row.value.to_owned(),
    events: i64 = row.sums.events,
    errors: i64 = row.sums.errors,
    timeouts: i64 = row.sums.timeouts,
    billable: i64 = row.sums.billable,
    priced: i64 = row.sums.priced,
    total_tokens: i64 = row.sums.total_tokens,
    cost_usd: Option<AnyNumeric> = money(&row.sums.cost_usd),
    users: Option<Vec<u8>> = row.users().map(|users| users.to_bytes()),
});

unfolded!(unfolded_activities(actor: &str), fold, row in fold.activities().into_iter().filter(|row| row.actor.name() == actor) => {
    id: String = row.id.to_owned(),
    project_id: pgrx::Uuid = sql_uuid(row.project_id),
    first_seen: Option<TimestampWithTimeZone> = row.activity.seen.map(|(first, _)| sql_time(first)),
    last_seen: Option<TimestampWithTimeZone> = row.activity.seen.map(|(_, last)| sql_time(last)),
    events: i64 = row.activity.events,
    messages: i64 = row.activity.messages,
    tokens: i64 = row.activity.tokens,
    priced: i64 = row.activity.priced,
    cost_usd: Option<AnyNumeric> = money(&row.activity.cost_usd),
    issues: i64 = row.activity.issues,
    user_id: Option<String> = row.activity.user_id.clone(),
    session_id: Option<String> = row.activity.session_id.clone(),
    lost_user_ids: Vec<String> = row.activity.lost_user_ids.names().map(str::to_owned).collect(),
    lost_session_ids: Vec<String> = row.activity.lost_session_ids.names().map(str::to_owned).collect(),
});

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
