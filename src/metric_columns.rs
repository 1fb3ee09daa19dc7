//! Which column of the rollups' tables holds what of a fold.

use observa_pipeline::distinct::Distinct;
use observa_pipeline::histogram::Latencies;
use observa_pipeline::rollup::{
    ActivityRow, Group, OwnedSeries, Resolution, SeriesRow, Sums, TagRow, TotalRow, UserRow,
};
use pgrx::pg_sys;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::columns::{money, text, time, uuid};
use crate::rows::Column;

/// What is added to a row, or with `removed` what is taken out of its histograms.
pub struct Metric<'f> {
    pub tenant_id: Uuid,
    pub resolution: Resolution,
    pub row: &'f SeriesRow<'f>,
    pub removed: bool,
}

/// As [`Metric`].
pub struct Total<'f> {
    pub tenant_id: Uuid,
    pub resolution: Resolution,
    pub row: &'f TotalRow<'f>,
    pub removed: bool,
}

pub struct UserHour<'f> {
    pub tenant_id: Uuid,
    pub row: &'f UserRow,
}

pub struct TagHour<'f> {
    pub tenant_id: Uuid,
    pub row: &'f TagRow<'f>,
}

pub struct Actor<'f> {
    pub tenant_id: Uuid,
    pub row: &'f ActivityRow<'f>,
    /// How many it has more.
    pub traces: i64,
}

pub struct NewSeries<'f> {
    pub tenant_id: Uuid,
    pub series_id: Uuid,
    pub series: &'f OwnedSeries,
}

impl Metric<'_> {
    fn sums(&self) -> &Sums {
        &self.row.group.sums
    }
}

impl Total<'_> {
    fn sums(&self) -> &Sums {
        &self.row.group.sums
    }
}

impl UserHour<'_> {
    fn sums(&self) -> &Sums {
        &self.row.sums
    }
}

impl TagHour<'_> {
    fn sums(&self) -> &Sums {
        self.row.sums
    }
}

/// Columns that are numbers of a row's sums.
macro_rules! numbers {
    ($row:ident: $($name:ident),+) => {
        [$(Column { name: stringify!($name), value: |row: &$row| row.sums().$name.into_datum() }),+]
    };
}

fn histogram(latencies: Option<Latencies>) -> Option<pg_sys::Datum> {
    latencies.and_then(|latencies| latencies.to_bytes().into_datum())
}

fn sketch(users: Option<Distinct>) -> Option<pg_sys::Datum> {
    users.and_then(|users| users.to_bytes().into_datum())
}

fn latency(group: &Group, removed: bool) -> Option<pg_sys::Datum> {
    histogram(if removed { group.removed_latency() } else { group.latency() })
}

fn ttft(group: &Group, removed: bool) -> Option<pg_sys::Datum> {
    histogram(if removed { group.removed_ttft() } else { group.ttft() })
}

/// Most series have no scores: there NULL takes no room.
fn scored(score: (f64, i64)) -> Option<(f64, i64)> {
    (score != (0.0, 0)).then_some(score)
}

pub fn metrics<'f>() -> Vec<Column<Metric<'f>>> {
    let names = [
        Column { name: "tenant_id", value: |row: &Metric| uuid(row.tenant_id) },
        Column { name: "resolution", value: |row| text(row.resolution.name()) },
        Column { name: "bucket", value: |row| time(row.row.bucket) },
        Column { name: "series_id", value: |row| uuid(row.row.series_id) },
        Column { name: "cost_usd", value: |row| money(&row.row.group.sums.cost_usd) },
        Column { name: "latency", value: |row| latency(&row.row.group, row.removed) },
        Column { name: "ttft", value: |row| ttft(&row.row.group, row.removed) },
        Column {
            name: "coherence_sum",
            value: |row| scored(row.row.group.scores.coherence).and_then(|(sum, _)| sum.into_datum()),
        },
        Column {
            name: "coherence_count",
            value: |row| scored(row.row.group.scores.coherence).and_then(|(_, count)| count.into_datum()),
        },
        Column {
            name: "toxicity_sum",
            value: |row| scored(row.row.group.scores.toxicity).and_then(|(sum, _)| sum.into_datum()),
        },
        Column {
            name: "toxicity_count",
            value: |row| scored(row.row.group.scores.toxicity).and_then(|(_, count)| count.into_datum()),
        },
        Column {
            name: "hallucination_risk_sum",
            value: |row| {
                scored(row.row.group.scores.hallucination_risk).and_then(|(sum, _)| sum.into_datum())
            },
        },
        Column {
            name: "hallucination_risk_count",
            value: |row| {
                scored(row.row.group.scores.hallucination_risk).and_then(|(_, count)| count.into_datum())
            },
        },
    ];
    let numbers = numbers!(Metric: events,
        errors,
        timeouts,
        billable,
        priced,
        input_tokens,
        output_tokens,
        cached_input_tokens,
        cache_write_tokens,
        reasoning_tokens,
        total_tokens
    );
    names.into_iter().chain(numbers).collect()
}

pub fn totals<'f>() -> Vec<Column<Total<'f>>> {
    let names = [
        Column { name: "tenant_id", value: |row: &Total| uuid(row.tenant_id) },
        Column { name: "resolution", value: |row| text(row.resolution.name()) },
        Column { name: "bucket", value: |row| time(row.row.bucket) },
        Column { name: "project_id", value: |row| uuid(row.row.project_id) },
        Column { name: "environment", value: |row| text(row.row.environment) },
        Column { name: "event_type", value: |row| text(row.row.event_type) },
        Column { name: "cost_usd", value: |row| money(&row.row.group.sums.cost_usd) },
        Column { name: "latency", value: |row| latency(&row.row.group, row.removed) },
        Column { name: "ttft", value: |row| ttft(&row.row.group, row.removed) },
        Column { name: "coherence_sum", value: |row| row.row.group.scores.coherence.0.into_datum() },
        Column { name: "coherence_count", value: |row| row.row.group.scores.coherence.1.into_datum() },
        Column { name: "toxicity_sum", value: |row| row.row.group.scores.toxicity.0.into_datum() },
        Column { name: "toxicity_count", value: |row| row.row.group.scores.toxicity.1.into_datum() },
        Column {
            name: "hallucination_risk_sum",
            value: |row| row.row.group.scores.hallucination_risk.0.into_datum(),
        },
        Column {
            name: "hallucination_risk_count",
            value: |row| row.row.group.scores.hallucination_risk.1.into_datum(),
        },
        Column { name: "users", value: |row| sketch(row.row.group.users().filter(|_| !row.removed)) },
    ];
    let numbers = numbers!(Total: events,
        errors,
        timeouts,
        billable,
        priced,
        input_tokens,
        output_tokens,
        cached_input_tokens,
        cache_write_tokens,
        reasoning_tokens,
        total_tokens
    );
    names.into_iter().chain(numbers).collect()
}

pub fn users<'f>() -> Vec<Column<UserHour<'f>>> {
    let names = [
        Column { name: "tenant_id", value: |row: &UserHour| uuid(row.tenant_id) },
        Column { name: "bucket", value: |row| time(row.row.bucket) },
        Column { name: "project_id", value: |row| uuid(row.row.project_id) },
        Column { name: "environment", value: |row| text(&row.row.environment) },
        Column { name: "user_id", value: |row| text(&row.row.user_id) },
        Column { name: "cost_usd", value: |row| money(&row.row.sums.cost_usd) },
    ];
    let numbers = numbers!(UserHour: events, errors, timeouts, billable, priced, total_tokens);
    names.into_iter().chain(numbers).collect()
}

pub fn tags<'f>() -> Vec<Column<TagHour<'f>>> {
    let names = [
        Column { name: "tenant_id", value: |row: &TagHour| uuid(row.tenant_id) },
        Column { name: "tag", value: |row| text(row.row.tag) },
        Column { name: "bucket", value: |row| time(row.row.bucket) },
        Column { name: "project_id", value: |row| uuid(row.row.project_id) },
        Column { name: "environment", value: |row| text(row.row.environment) },
        Column { name: "value", value: |row| text(row.row.value) },
        Column { name: "cost_usd", value: |row| money(&row.row.sums.cost_usd) },
        Column { name: "users", value: |row| sketch(row.row.users()) },
    ];
    let numbers = numbers!(TagHour: events, errors, timeouts, billable, priced, total_tokens);
    names.into_iter().chain(numbers).collect()
}

pub fn series<'f>() -> [Column<NewSeries<'f>>; 11] {
    [
        Column { name: "tenant_id", value: |row| uuid(row.tenant_id) },
        Column { name: "series_id", value: |row| uuid(row.series_id) },
        Column { name: "project_id", value: |row| uuid(row.series.project_id) },
        Column { name: "environment", value: |row| text(&row.series.environment) },
        Column { name: "event_type", value: |row| text(&row.series.event_type) },
        Column { name: "status", value: |row| text(&row.series.status) },
        Column { name: "provider", value: |row| row.series.provider.as_deref().and_then(text) },
        Column { name: "model", value: |row| row.series.model.as_deref().and_then(text) },
        Column { name: "route", value: |row| row.series.route.as_deref().and_then(text) },
        Column { name: "tool_name", value: |row| row.series.tool_name.as_deref().and_then(text) },
        Column { name: "version", value: |row| row.series.version.as_deref().and_then(text) },
    ]
}

pub fn activities<'f>() -> [Column<Actor<'f>>; 15] {
    [
        Column { name: "tenant_id", value: |row| uuid(row.tenant_id) },
        Column { name: "actor", value: |row| text(row.row.actor.name()) },
        Column { name: "id", value: |row| text(row.row.id) },
        Column { name: "project_id", value: |row| uuid(row.row.project_id) },
        Column {
            name: "first_seen",
            value: |row| {
                row.row.activity.seen.map_or(Some(pg_sys::Datum::from(i64::MAX)), |(first, _)| time(first))
            },
        },
        Column {
            name: "last_seen",
            value: |row| {
                row.row.activity.seen.map_or(Some(pg_sys::Datum::from(i64::MIN)), |(_, last)| time(last))
            },
        },
        Column { name: "events", value: |row| row.row.activity.events.into_datum() },
        Column { name: "messages", value: |row| row.row.activity.messages.into_datum() },
        Column { name: "traces", value: |row| row.traces.into_datum() },
        Column { name: "tokens", value: |row| row.row.activity.tokens.into_datum() },
        Column { name: "priced", value: |row| row.row.activity.priced.into_datum() },
        Column { name: "cost_usd", value: |row| money(&row.row.activity.cost_usd) },
        Column { name: "issues", value: |row| row.row.activity.issues.into_datum() },
        Column { name: "user_id", value: |row| row.row.activity.user_id.as_deref().and_then(text) },
        Column { name: "session_id", value: |row| row.row.activity.session_id.as_deref().and_then(text) },
    ]
}
