//! Traces in the fold: what a batch adds is added to what is known; a trace of which an event was taken out is computed anew.

use std::collections::HashMap;

use observa_pipeline::rollup::{Actor, Delta, Fold, TraceChange, TraceSummary, Worst};
use pgrx::prelude::*;
use pgrx::spi::SpiHeapTupleData;
use uuid::Uuid;

use crate::columns::{money, text, time, uuid};
use crate::error::Error;
use crate::identity::{self, sql_uuid};
use crate::recheck;
use crate::rollups;
use crate::rows::{Column, Rows};
use crate::storage::{sql_time, unix_micros};

/// A project and a trace.
type Key = (Uuid, String);

/// How many traces an actor of a project has more.
pub type Counts = HashMap<(Actor, Uuid, String), i64>;

struct TraceRow {
    tenant_id: Uuid,
    key: Key,
    summary: TraceSummary,
}

/// Traces that are computed anew at once.
const MOST_COMPUTED: usize = 1_000;

/// Stores what has come of the acting tenant's traces; for whom they are counted. Those that have to be computed anew wait for the last
/// of the deltas: what is still to come of them is read with each.
pub fn store(tenant_id: Uuid, fold: &Fold, is_last: bool) -> Result<Counts, Error> {
    let (mut added, mut changed) = (Vec::new(), Vec::new());
    for (project_id, trace_id, change) in fold.traces() {
        let key = (project_id, trace_id.to_owned());
        match &change.summary {
            Some(summary) => added.push((key, summary.clone())),
            None => changed.push((key, change)),
        }
    }
    let mut keys: Vec<&Key> = added.iter().map(|(key, _)| key).collect();
    keys.extend(changed.iter().map(|(key, _)| key));
    let mut known = known(&keys)?;
    recheck::append(tenant_id, fold, |project_id, trace_id| {
        known.get(&(project_id, trace_id.to_owned())).map(|summary| summary.events)
    })?;
    let mut counts = Counts::new();
    let mut rows = Vec::new();
    let mut computed = Computed::default();
    if is_last {
        for changed in changed.chunks(MOST_COMPUTED) {
            check_for_interrupts!();
            computed_at_once(changed, &mut computed)?;
        }
    } else {
        later(&changed)?;
    }
    for key in &computed.gone {
        count(&mut counts, key, known.remove(key).as_ref(), -1);
    }
    drop_rows(&computed.gone)?;
    for (key, mut summary) in computed.found {
        let old = known.remove(&key);
        count(&mut counts, &key, old.as_ref(), -1);
        count(&mut counts, &key, Some(&summary), 1);
        // Nothing makes a trace's time shorter but its events; those that retention took are not here any more.
        if let Some(old) = old {
            summary.started_at = summary.started_at.min(old.started_at);
        }
        rows.push(TraceRow { tenant_id, key, summary });
    }
    for (key, mut summary) in added {
        if let Some(old) = known.remove(&key) {
            count(&mut counts, &key, Some(&old), -1);
            summary.merge(old);
        }
        count(&mut counts, &key, Some(&summary), 1);
        rows.push(TraceRow { tenant_id, key, summary });
    }
    counts.retain(|_, more| *more != 0);
    rows.sort_unstable_by(|a, b| (&a.key.1, a.key.0).cmp(&(&b.key.1, b.key.0)));
    rollups::run(
        include_str!("../sql/rollup/traces.sql"),
        &Rows::new("traces", &columns(), rows.into_iter())?,
    )?;
    Ok(counts)
}

fn count(counts: &mut Counts, (project_id, _): &Key, summary: Option<&TraceSummary>, more: i64) {
    let Some(summary) = summary else { return };
    let ids = [
        (Actor::User, &summary.user_id),
        (Actor::Session, &summary.session_id),
        (Actor::Conversation, &summary.conversation_id),
    ];
    for (actor, id) in ids {
        if let Some(id) = id {
            *counts.entry((actor, *project_id, id.clone())).or_default() += more;
        }
    }
}

/// Counts traces for those of whom nothing else has come.
pub fn count_for_others(counts: &Counts) -> Result<(), Error> {
    let (mut actors, mut ids, mut projects, mut traces) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for ((actor, project_id, id), more) in counts {
        actors.push(actor.name());
        ids.push(id.as_str());
        projects.push(sql_uuid(*project_id));
        traces.push(*more);
    }
    if actors.is_empty() {
        return Ok(());
    }
    let arguments = [actors.into(), ids.into(), projects.into(), traces.into()];
    Ok(Spi::run_with_args(include_str!("../sql/rollup/count_traces.sql"), &arguments)?)
}

fn known(keys: &[&Key]) -> Result<HashMap<Key, TraceSummary>, Error> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<&str> = keys.iter().map(|(_, id)| id.as_str()).collect();
    let found = Spi::connect(|client| {
        let rows = client.select(include_str!("../sql/rollup/known_traces.sql"), None, &[ids.into()])?;
        rows.map(|row| read(&row)).collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    Ok(found.into_iter().flatten().collect())
}

type Changed<'f> = (Key, &'f TraceChange);

/// What changed traces add up to.
#[derive(Default)]
struct Computed {
    found: HashMap<Key, TraceSummary>,
    /// No event of theirs is left.
    gone: Vec<Key>,
}

/// Leaves them to the next fold.
fn later(changed: &[Changed]) -> Result<(), Error> {
    let mut later = Delta::default();
    for ((project_id, trace_id), change) in changed {
        later.touch(*project_id, trace_id, (change.since, change.until));
    }
    rollups::append_delta(&later)
}

/// One of which more is on its way is left to the next fold: that would be counted twice.
fn computed_at_once(changed: &[Changed], computed: &mut Computed) -> Result<(), Error> {
    let ids: Vec<&str> = changed.iter().map(|((_, id), _)| id.as_str()).collect();
    let since = changed.iter().map(|(_, change)| change.since).min().unwrap_or_default();
    let until = changed.iter().map(|(_, change)| change.until).max().unwrap_or_default();
    let mut found = HashMap::new();
    let mut coming = Fold::default();
    Spi::connect(|client| {
        let arguments = [ids.into(), sql_time(since).into(), sql_time(until).into()];
        for row in client.select(include_str!("../sql/rollup/changed_traces.sql"), None, &arguments)? {
            match row.get::<&[u8]>(21)? {
                // A damaged one is told of by its fold.
                Some(entries) => drop(coming.add(entries)),
                None => found.extend(read(&row)?),
            }
        }
        Ok::<_, pgrx::spi::Error>(())
    })?;
    let mut by_key: HashMap<&Key, &TraceChange> =
        changed.iter().map(|(key, change)| (key, *change)).collect();
    let mut waiting = Vec::new();
    for (project_id, trace_id, _) in coming.traces() {
        let key = (project_id, trace_id.to_owned());
        if let Some(change) = by_key.remove(&key) {
            waiting.push((key, change));
        }
    }
    later(&waiting)?;
    // Other projects' part of a trace has not changed.
    found.retain(|key, _| by_key.contains_key(key));
    computed.gone.extend(by_key.into_keys().filter(|key| !found.contains_key(*key)).cloned());
    computed.found.extend(found);
    Ok(())
}

fn drop_rows(gone: &[Key]) -> Result<(), Error> {
    if gone.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = gone.iter().map(|(_, id)| id.as_str()).collect();
    let projects: Vec<pgrx::Uuid> = gone.iter().map(|(project_id, _)| sql_uuid(*project_id)).collect();
    Ok(Spi::run_with_args(
        include_str!("../sql/rollup/drop_empty_traces.sql"),
        &[ids.into(), projects.into()],
    )?)
}

fn read(row: &SpiHeapTupleData) -> Result<Option<(Key, TraceSummary)>, pgrx::spi::Error> {
    let text = |column: usize| row.get::<String>(column);
    let time = |column: usize| row.get::<TimestampWithTimeZone>(column).map(|time| time.map(unix_micros));
    let number = |column: usize| row.get::<i64>(column).map(Option::unwrap_or_default);
    let key = text(1)?.zip(row.get::<pgrx::Uuid>(2)?);
    let Some(((trace_id, project_id), (started_at, ended_at))) = key.zip(time(5)?.zip(time(6)?)) else {
        return Ok(None);
    };
    let summary = TraceSummary {
        name: row.get::<i32>(3)?.zip(text(4)?),
        started_at,
        ended_at,
        reported_latency_ms: row.get(7)?,
        outcome: time(8)?.zip(text(9)?),
        worst: Worst::from_name(&text(10)?.unwrap_or_default()),
        models: row.get::<Vec<String>>(11)?.unwrap_or_default().into_iter().collect(),
        events: number(12)?,
        input_tokens: row.get(13)?,
        output_tokens: row.get(14)?,
        priced: number(15)?,
        cost_usd: text(16)?.and_then(|cost| cost.parse().ok()).unwrap_or_default(),
        signals: number(17)?,
        user_id: text(18)?,
        session_id: text(19)?,
        conversation_id: text(20)?,
    };
    Ok(Some(((identity::uuid(project_id), trace_id), summary)))
}

fn columns() -> [Column<TraceRow>; 21] {
    [
        Column { name: "tenant_id", value: |row| uuid(row.tenant_id) },
        Column { name: "trace_id", value: |row| text(&row.key.1) },
        Column { name: "project_id", value: |row| uuid(row.key.0) },
        Column {
            name: "named_by",
            value: |row| row.summary.name.as_ref().map_or(0, |(by, _)| *by).into_datum(),
        },
        Column { name: "name", value: |row| row.summary.name.as_ref().and_then(|(_, name)| text(name)) },
        Column { name: "started_at", value: |row| time(row.summary.started_at) },
        Column { name: "ended_at", value: |row| time(row.summary.ended_at) },
        Column { name: "reported_latency_ms", value: |row| row.summary.reported_latency_ms.into_datum() },
        Column {
            name: "outcome_at",
            value: |row| row.summary.outcome.as_ref().and_then(|(at, _)| time(*at)),
        },
        Column {
            name: "outcome",
            value: |row| row.summary.outcome.as_ref().and_then(|(_, status)| text(status)),
        },
        Column { name: "worst", value: |row| text(row.summary.worst.name()) },
        Column {
            name: "models",
            value: |row| {
                let models: Vec<&str> = row.summary.models.iter().map(String::as_str).collect();
                Some(models).filter(|models| !models.is_empty()).and_then(IntoDatum::into_datum)
            },
        },
        Column { name: "event_count", value: |row| row.summary.events.into_datum() },
        Column { name: "input_tokens", value: |row| row.summary.input_tokens.into_datum() },
        Column { name: "output_tokens", value: |row| row.summary.output_tokens.into_datum() },
        Column { name: "priced", value: |row| row.summary.priced.into_datum() },
        Column { name: "cost_usd", value: |row| money(&row.summary.cost_usd) },
        Column { name: "signal_count", value: |row| row.summary.signals.into_datum() },
        Column { name: "user_id", value: |row| row.summary.user_id.as_deref().and_then(text) },
        Column { name: "session_id", value: |row| row.summary.session_id.as_deref().and_then(text) },
        Column {
            name: "conversation_id",
            value: |row| row.summary.conversation_id.as_deref().and_then(text),
        },
    ]
}
