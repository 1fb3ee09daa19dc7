//! A trace comes in several bodies: what its stored spans and the new ones say about each other.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Deref;

use observa_pipeline::batch::Ready;
use observa_pipeline::bill;
use observa_pipeline::event::{EventType, Field, Status};
use observa_pipeline::settings::DAY;
use observa_pipeline::translate::otel::spread::{self, Member, SPREAD};
use observa_pipeline::translate::otel::twins::{self, Call, CallKind};
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::error::Error;
use crate::identity::Acting;
use crate::plans::{self, Found};
use crate::storage::{self, sql_time, unix_micros};

/// Microseconds around a batch's events in which the rest of their traces is looked for.
const AROUND: i64 = DAY;

/// Microseconds back from now in which the upkeep looks for calls that are billed twice: most events come when they happen, and are looked at
/// soon; those that come later, less often, as there are many.
const SOON: i64 = DAY / 144;
const LATER: i64 = DAY / 4;

/// A stored event, as far as other spans depend on it.
struct StoredSpan {
    ts: i64,
    event_id: String,
    trace_id: String,
    span_id: String,
    parent_span_id: Option<String>,
    kind: CallKind,
    status: Status,
    has_usage: bool,
    has_content: bool,
    response_id: Option<String>,
    billable: bool,
    ids: [Option<String>; SPREAD.len()],
}

impl StoredSpan {
    fn read(row: &Found) -> Option<StoredSpan> {
        let text = |column: i32| row.get::<String>(column);
        let event_type = text(6).and_then(|name| EventType::from_name(&name))?;
        Some(StoredSpan {
            ts: unix_micros(row.get(1)?),
            event_id: text(2)?,
            trace_id: text(3).unwrap_or_default(),
            span_id: text(4).unwrap_or_default(),
            parent_span_id: text(5),
            kind: CallKind::of(event_type, text(7).as_deref()),
            status: text(8).and_then(|name| Status::from_name(&name)).unwrap_or_default(),
            has_usage: row.get::<bool>(9).unwrap_or_default(),
            response_id: text(10),
            billable: row.get::<bool>(11).unwrap_or_default(),
            ids: [text(12), text(13), text(14)],
            has_content: row.get::<bool>(15).unwrap_or_default(),
        })
    }

    fn call(&self) -> Call<'_> {
        Call {
            trace_id: &self.trace_id,
            span_id: &self.span_id,
            parent_span_id: self.parent_span_id.as_deref(),
            kind: self.kind,
            has_usage: self.has_usage,
            has_content: self.has_content,
            response_id: self.response_id.as_deref(),
            status: self.status,
        }
    }

    fn member(&self) -> Member<'_> {
        Member {
            trace_id: &self.trace_id,
            span_id: &self.span_id,
            parent_span_id: self.parent_span_id.as_deref(),
            ids: self.ids.each_ref().map(Option::as_deref),
        }
    }
}

/// Completes new events by what is stored of their traces, and the stored ones by them: each call is billed once, and a session or
/// user that one span names is that of all.
pub fn complete(ready: &mut [Ready]) -> Result<(), Error> {
    let homes: BTreeSet<(Uuid, Uuid)> =
        ready.iter().map(|ready| (ready.home.tenant_id, ready.home.project_id)).collect();
    for (tenant_id, project_id) in homes {
        let mut own: Vec<&mut Ready> = ready
            .iter_mut()
            .filter(|ready| (ready.home.tenant_id, ready.home.project_id) == (tenant_id, project_id))
            .collect();
        let acting = Acting::within(tenant_id, project_id);
        Acting::during(acting, || complete_project(project_id, &mut own))?;
    }
    Ok(())
}

fn complete_project(project_id: Uuid, ready: &mut [&mut Ready]) -> Result<(), Error> {
    let stored = stored_spans(project_id, ready)?;
    if stored.is_empty() {
        return Ok(());
    }
    let known: HashSet<(i64, &str)> = stored.iter().map(|span| (span.ts, span.event_id.as_str())).collect();
    let is_new = |ready: &&mut &mut Ready| {
        let event_id = ready.event.text(Field::EventId).unwrap_or_default();
        !known.contains(&(ready.event.ts.unwrap_or_default(), event_id))
    };
    let mut new: Vec<&mut Ready> = ready.iter_mut().filter(is_new).map(|ready| &mut **ready).collect();
    settle_bill(&stored, &mut new)?;
    spread_ids(&stored, &mut new)
}

/// Settles the bill of what concurrent transactions stored of the acting tenant's, as soon as they have; of how many traces and answers.
pub fn settle_new() -> Result<u64, Error> {
    settle(SOON)
}

/// The same, as far back as they can have met.
pub fn settle_late() -> Result<u64, Error> {
    settle(LATER)
}

fn settle(back: i64) -> Result<u64, Error> {
    let now = storage::now();
    let since = now - back;
    let mut found: BTreeMap<Uuid, (Vec<String>, Vec<String>)> = BTreeMap::new();
    plans::each(include_str!("../sql/trace/unsettled.sql"), &[sql_time(since).into()], true, |row| {
        let Some(project) = row.get::<pgrx::Uuid>(1) else { return };
        let (trace_ids, response_ids) = found.entry(Uuid::from_bytes(*project.as_bytes())).or_default();
        trace_ids.extend(row.get::<String>(2));
        response_ids.extend(row.get::<String>(3));
    })?;
    let mut settled = 0;
    for (project_id, (trace_ids, response_ids)) in found {
        settled += trace_ids.len() + response_ids.len();
        let stored = read_spans(project_id, trace_ids, response_ids, (since, now + AROUND))?;
        settle_bill(&stored, &mut [])?;
    }
    Ok(settled as u64)
}

/// Settles the bill of the traces of stored events.
pub fn settle_traces_of(project_id: Uuid, stored: &[&Ready]) -> Result<(), Error> {
    settle_bill(&stored_spans(project_id, stored)?, &mut [])
}

/// Spans of the traces of these events, and calls for the same answers.
fn stored_spans<'l, R: Deref<Target = Ready<'l>>>(
    project_id: Uuid,
    ready: &[R],
) -> Result<Vec<StoredSpan>, Error> {
    let texts = |field: Field, wanted: fn(&Ready) -> bool| -> Vec<String> {
        let texts = ready.iter().filter(|ready| wanted(ready)).filter_map(|ready| ready.event.text(field));
        texts.collect::<BTreeSet<&str>>().into_iter().map(str::to_owned).collect()
    };
    let trace_ids = texts(Field::TraceId, |_| true);
    let response_ids = texts(Field::ResponseId, |ready| ready.event.billable);
    let times = || ready.iter().filter_map(|ready| ready.event.ts);
    let (Some(first), Some(last)) = (times().min(), times().max()) else { return Ok(Vec::new()) };
    read_spans(project_id, trace_ids, response_ids, (first - AROUND, last + AROUND))
}

fn read_spans(
    project_id: Uuid,
    trace_ids: Vec<String>,
    response_ids: Vec<String>,
    (from, to): (i64, i64),
) -> Result<Vec<StoredSpan>, Error> {
    let arguments: [DatumWithOid; 5] = [
        trace_ids.into(),
        response_ids.into(),
        pgrx::Uuid::from_bytes(project_id.into_bytes()).into(),
        sql_time(from).into(),
        sql_time(to).into(),
    ];
    let mut spans = Vec::new();
    plans::each(include_str!("../sql/trace/stored_spans.sql"), &arguments, true, |row| {
        spans.extend(StoredSpan::read(row));
    })?;
    Ok(spans)
}

/// Decides anew who is billed for the calls of stored spans and new ones.
fn settle_bill(stored: &[StoredSpan], new: &mut [&mut Ready]) -> Result<(), Error> {
    let calls: Vec<Call> = stored
        .iter()
        .map(StoredSpan::call)
        .chain(new.iter().map(|ready| Call::of_event(&ready.event)))
        .collect();
    let billable = twins::billable(&calls);
    drop(calls);
    let (of_stored, of_new) = billable.split_at(stored.len());
    for (ready, billed) in new.iter_mut().zip(of_new) {
        if ready.event.billable && !billed {
            bill::bill_no_more(&mut ready.event);
        }
    }
    let losers = stored.iter().zip(of_stored).filter(|(span, billed)| span.billable && !**billed);
    drop_repeats(losers.map(|(span, _)| span))
}

fn drop_repeats<'s>(losers: impl Iterator<Item = &'s StoredSpan>) -> Result<(), Error> {
    let (times, ids): (Vec<_>, Vec<_>) =
        losers.map(|span| (sql_time(span.ts), span.event_id.clone())).unzip();
    if times.is_empty() {
        return Ok(());
    }
    plans::change(include_str!("../sql/trace/drop_repeats.sql"), &[times.into(), ids.into()])
}

fn spread_ids(stored: &[StoredSpan], new: &mut [&mut Ready]) -> Result<(), Error> {
    let found: Vec<[Option<String>; SPREAD.len()]> = {
        let of_new = new.iter().map(|ready| Member {
            trace_id: ready.event.text(Field::TraceId).unwrap_or_default(),
            span_id: ready.event.text(Field::SpanId).unwrap_or_default(),
            parent_span_id: ready.event.text(Field::ParentSpanId),
            ids: SPREAD.map(|field| ready.event.text(field)),
        });
        let members: Vec<Member> = stored.iter().map(StoredSpan::member).chain(of_new).collect();
        if members.iter().all(|member| member.ids.iter().all(Option::is_none)) {
            return Ok(());
        }
        spread::spread(&members).into_iter().map(|ids| ids.map(|id| id.map(str::to_owned))).collect()
    };
    let (of_stored, of_new) = found.split_at(stored.len());
    for (ready, ids) in new.iter_mut().zip(of_new) {
        for (field, id) in SPREAD.into_iter().zip(ids) {
            if ready.event.text(field).is_none() {
                ready.event.set_text(field, id.clone().map(Into::into));
            }
        }
    }
    let changed: Vec<(&StoredSpan, &[Option<String>; SPREAD.len()])> =
        stored.iter().zip(of_stored).filter(|(span, ids)| span.ids != **ids).collect();
    if changed.is_empty() {
        return Ok(());
    }
    let of_each = |which: usize| -> Vec<Option<String>> {
        changed.iter().map(|(_, ids)| ids.get(which).cloned().flatten()).collect()
    };
    let times: Vec<TimestampWithTimeZone> = changed.iter().map(|(span, _)| sql_time(span.ts)).collect();
    let event_ids: Vec<String> = changed.iter().map(|(span, _)| span.event_id.clone()).collect();
    let arguments: [DatumWithOid; 5] =
        [times.into(), event_ids.into(), of_each(0).into(), of_each(1).into(), of_each(2).into()];
    plans::change(include_str!("../sql/trace/spread_ids.sql"), &arguments)
}
