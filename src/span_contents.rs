//! Prompts and answers that came as log records, joined to their spans, whichever comes first.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use observa_pipeline::batch::{Ready, StoredContent};
use observa_pipeline::event::{Content, EventType, Field};
use observa_pipeline::quality::{self, Quality};
use observa_pipeline::settings::DAY;
use observa_pipeline::signal;
use observa_pipeline::translate::otel::messages;
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::columns::{self, ContentRow, Stamp};
use crate::error::Error;
use crate::identity::Acting;
use crate::plans;
use crate::rows::{self, Rows};
use crate::storage::sql_time;

/// Microseconds around a record in which its span is looked for.
const AROUND: i64 = DAY;

/// (trace id, span id)
type Key = (String, String);

/// What the records of one call said, in their order.
#[derive(Default)]
struct Said {
    input: Option<String>,
    output: Option<String>,
    /// Without the records that have just come: what they may have filled in before.
    earlier: (Option<String>, Option<String>),
}

fn joined(first: Option<String>, second: Option<&str>) -> Option<String> {
    match (first, second) {
        (Some(first), Some(second)) => Some(messages::join(&first, second)),
        (first, second) => first.or_else(|| second.map(str::to_owned)),
    }
}

/// What is kept of calls of these traces; `new` are the records that have just come.
fn read(trace_ids: Vec<String>, new: &HashSet<Uuid>) -> Result<BTreeMap<Key, Said>, Error> {
    let mut found: BTreeMap<Key, Said> = BTreeMap::new();
    plans::each(include_str!("../sql/trace/contents.sql"), &[trace_ids.into()], true, |row| {
        let Some(key) = row.get::<String>(1).zip(row.get::<String>(2)) else { return };
        let id = row.get::<pgrx::Uuid>(3).map(|id| Uuid::from_bytes(*id.as_bytes()));
        let (input, output) = (row.get::<String>(4), row.get::<String>(5));
        let said = found.entry(key).or_default();
        if !id.is_some_and(|id| new.contains(&id)) {
            said.earlier.0 = joined(said.earlier.0.take(), input.as_deref());
            said.earlier.1 = joined(said.earlier.1.take(), output.as_deref());
        }
        said.input = joined(said.input.take(), input.as_deref());
        said.output = joined(said.output.take(), output.as_deref());
    })?;
    Ok(found)
}

/// Gives new spans what earlier log records said of them.
pub fn fill(ready: &mut [Ready]) -> Result<(), Error> {
    let tenants: BTreeSet<Uuid> = ready.iter().map(|ready| ready.home.tenant_id).collect();
    for tenant_id in tenants {
        let own = |ready: &&mut Ready| ready.home.tenant_id == tenant_id;
        let trace_ids: BTreeSet<String> = ready
            .iter_mut()
            .filter(own)
            .filter_map(|ready| ready.event.text(Field::TraceId).map(str::to_owned))
            .collect();
        let acting = Acting::whole(tenant_id);
        let mut found = Acting::during(acting, || read(trace_ids.into_iter().collect(), &HashSet::new()))?;
        if found.is_empty() {
            continue;
        }
        for ready in ready.iter_mut().filter(own) {
            let id = |field| ready.event.text(field).unwrap_or_default().to_owned();
            let Some(said) = found.remove(&(id(Field::TraceId), id(Field::SpanId))) else { continue };
            let content = |text: Option<String>| text.map(|text| Content::Json(text.into()));
            ready.event.input = ready.event.input.take().or_else(|| content(said.input));
            ready.event.output = ready.event.output.take().or_else(|| content(said.output));
            if ready.home.quality_scores {
                quality::score(&mut ready.event);
                signal::detect_scores(&ready.event, &ready.home.rules, &mut ready.signals);
            }
        }
    }
    Ok(())
}

/// Keeps what log records say of calls, and gives it to those that are stored; how many records are new.
pub fn store(contents: &[StoredContent], stamp: Stamp) -> Result<u64, Error> {
    let mut contents: Vec<&StoredContent> = contents.iter().collect();
    contents.sort_by_key(|stored| (stored.home.tenant_id, columns::content_key(stored)));
    let mut count = 0;
    for of_tenant in contents.chunk_by(|a, b| a.home.tenant_id == b.home.tenant_id) {
        let Some(first) = of_tenant.first() else { continue };
        let acting = Acting::within(first.home.tenant_id, first.home.project_id);
        count += Acting::during(acting, || rows::in_own_memory(|| store_of_tenant(of_tenant, stamp)))?;
    }
    Ok(count)
}

fn store_of_tenant(contents: &[&StoredContent], stamp: Stamp) -> Result<u64, Error> {
    let rows = contents.iter().map(|stored| ContentRow { stored, stamp });
    let rows = Rows::new("span_contents", &columns::contents(), rows)?;
    let new: HashSet<Uuid> = rows.run(include_str!("../sql/ingest/span_contents.sql"), |inserted| {
        let ids = inserted.map(|row| row.get::<pgrx::Uuid>(1));
        ids.filter_map(|id| id.transpose()).map(|id| Ok(Uuid::from_bytes(*id?.as_bytes()))).collect()
    })?;
    if !new.is_empty() {
        give_to_stored_spans(contents, &new, stamp)?;
    }
    Ok(new.len() as u64)
}

/// A stored event whose call is spoken of.
struct Target {
    ts: TimestampWithTimeZone,
    event_id: String,
    input: Option<String>,
    output: Option<String>,
    is_scored: bool,
}

impl Target {
    fn judge(&self) -> Quality {
        let input = self.input.as_deref().map(Content::stored);
        let output = self.output.as_deref().map(Content::stored);
        quality::judge_contents(input.as_ref(), output.as_ref())
    }
}

fn give_to_stored_spans(contents: &[&StoredContent], new: &HashSet<Uuid>, stamp: Stamp) -> Result<(), Error> {
    let trace_ids: BTreeSet<String> =
        contents.iter().map(|stored| stored.content.trace_id.clone().into_owned()).collect();
    let trace_ids: Vec<String> = trace_ids.into_iter().collect();
    let said = read(trace_ids.clone(), new)?;
    let times = || contents.iter().map(|stored| stored.content.ts.unwrap_or(stamp.arrived));
    let from = times().min().unwrap_or(stamp.arrived) - AROUND;
    let to = times().max().unwrap_or(stamp.arrived) + AROUND;
    let scored = scored_projects(contents);
    let mut targets: Vec<Target> = Vec::new();
    let arguments: [DatumWithOid; 3] = [trace_ids.into(), sql_time(from).into(), sql_time(to).into()];
    plans::each(include_str!("../sql/trace/payloads.sql"), &arguments, true, |row| {
        let Some((ts, event_id)) = row.get::<TimestampWithTimeZone>(1).zip(row.get::<String>(2)) else {
            return;
        };
        let key = (row.get::<String>(3).unwrap_or_default(), row.get::<String>(4).unwrap_or_default());
        let Some(said) = said.get(&key) else { return };
        let (input, output) = (row.get::<String>(5), row.get::<String>(6));
        // What the span itself said stays.
        let take = |own: Option<String>, earlier: &Option<String>, said: &Option<String>| {
            if own.is_none() || own == *earlier { said.clone().or(own) } else { own }
        };
        let project_id = row.get::<pgrx::Uuid>(7).map(|id| Uuid::from_bytes(*id.as_bytes()));
        let is_call = row.get::<String>(8).as_deref() == Some(EventType::LlmCall.name());
        targets.push(Target {
            ts,
            event_id,
            input: take(input, &said.earlier.0, &said.input),
            output: take(output, &said.earlier.1, &said.output),
            is_scored: is_call && project_id.is_some_and(|id| scored.contains(&id)),
        });
    })?;
    if targets.is_empty() {
        return Ok(());
    }
    targets.sort_by(|a, b| (i64::from(a.ts), &a.event_id).cmp(&(i64::from(b.ts), &b.event_id)));
    put_contents(&targets)?;
    targets.retain(|target| target.is_scored);
    put_scores(&targets)
}

fn put_contents(targets: &[Target]) -> Result<(), Error> {
    let (times, ids) = keys(targets);
    let inputs: Vec<Option<&str>> = targets.iter().map(|target| target.input.as_deref()).collect();
    let outputs: Vec<Option<&str>> = targets.iter().map(|target| target.output.as_deref()).collect();
    let arguments: [DatumWithOid; 4] = [times.into(), ids.into(), inputs.into(), outputs.into()];
    plans::change(include_str!("../sql/trace/put_contents.sql"), &arguments)
}

fn put_scores(targets: &[Target]) -> Result<(), Error> {
    if targets.is_empty() {
        return Ok(());
    }
    let (times, ids) = keys(targets);
    let scores: Vec<Quality> = targets.iter().map(Target::judge).collect();
    let of = |score: fn(&Quality) -> Option<f64>| -> Vec<Option<f64>> { scores.iter().map(score).collect() };
    let categories: Vec<Option<&str>> = scores.iter().map(|quality| quality.prompt_category).collect();
    let arguments: [DatumWithOid; 7] = [
        times.into(),
        ids.into(),
        of(|quality| quality.coherence).into(),
        of(|quality| quality.toxicity).into(),
        of(|quality| quality.sentiment).into(),
        of(|quality| quality.hallucination_risk).into(),
        categories.into(),
    ];
    plans::change(include_str!("../sql/trace/put_scores.sql"), &arguments)
}

fn keys(targets: &[Target]) -> (Vec<TimestampWithTimeZone>, Vec<&str>) {
    targets.iter().map(|target| (target.ts, target.event_id.as_str())).unzip()
}

/// Projects that have answers scored.
fn scored_projects(contents: &[&StoredContent]) -> BTreeSet<Uuid> {
    let homes = contents.iter().map(|stored| &stored.home);
    homes.filter(|home| home.quality_scores).map(|home| home.project_id).collect()
}

/// Drops the acting tenant's contents that arrived before a time (microseconds since 1970 UTC); how many.
pub fn forget(before: i64) -> Result<u64, Error> {
    let forget = "DELETE FROM observa_internal.span_contents
                   WHERE tenant_id = observa.current_tenant() AND arrived_at < $1";
    let before = [sql_time(before).into()];
    Ok(Spi::connect_mut(|client| client.update(forget, None, &before).map(|rows| rows.len()))? as u64)
}
