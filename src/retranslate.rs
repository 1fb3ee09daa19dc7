//! observa.retranslate: stored spans read anew, after the translator has learned.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use observa_pipeline::batch::Ready;
use observa_pipeline::event::{Content, Event, Field};
use observa_pipeline::home::{Home, Homes, Place};
use observa_pipeline::translate::aliases;
use observa_pipeline::translate::otel::stored::{Columns, Stored};
use observa_pipeline::translate::otel::twins;
use observa_pipeline::{bill, clean, quality};
use pgrx::prelude::*;
use pgrx::spi::SpiHeapTupleData;
use uuid::Uuid;

use crate::audit::{Deed, span};
use crate::columns::{self, EventRow, Stamp};
use crate::error::{Error, or_raise};
use crate::identity::{self, Acting};
use crate::keys::{self, EDIT};
use crate::log_guard::guard_statement;
use crate::rows::{self, Rows};
use crate::storage::{self, sql_time, unix_micros};
use crate::tenants::{self, Directory};
use crate::times::in_order;
use crate::traces;

/// Events in memory at a time.
const BATCH: i64 = 1_000;

#[pg_extern(sql = false)]
fn retranslate(since: TimestampWithTimeZone, until: TimestampWithTimeZone) -> i64 {
    guard_statement();
    or_raise(retranslate_all(since, until))
}

fn retranslate_all(since: TimestampWithTimeZone, until: TimestampWithTimeZone) -> Result<i64, Error> {
    storage::ensure()?;
    keys::require(|rights| rights.administer, EDIT)?;
    in_order(Some(since), Some(until))?;
    let tenants = match Acting::current() {
        Some(acting) => vec![acting.tenant_id],
        None if identity::session_is_superuser() => tenants::all()?,
        None => return Err(Error::NoTenant),
    };
    let deed = Deed::of("retranslate", "events", span(since, until));
    let mut count = 0;
    for &tenant_id in &tenants {
        let acting = Acting::whole(tenant_id);
        count += Acting::during(acting, || {
            let count = of_tenant(since, until)?;
            deed.record_if(count > 0 || tenants.len() == 1)?;
            Ok::<_, Error>(count)
        })?;
    }
    Ok(count)
}

/// An event that an older translator made.
struct Old {
    ts: i64,
    event_id: String,
    project_id: Uuid,
    trace_id: String,
    span_id: String,
    parent_span_id: Option<String>,
    name: Option<String>,
    latency_ms: Option<f64>,
    error_message: Option<String>,
    attributes: String,
    input: Option<String>,
    output: Option<String>,
}

impl Old {
    fn read(row: &SpiHeapTupleData) -> Result<Option<Old>, pgrx::spi::Error> {
        let text = |column: usize| row.get::<String>(column);
        let keys = (row.get::<TimestampWithTimeZone>(1)?, text(2)?, row.get::<pgrx::Uuid>(3)?, text(10)?);
        let (Some(ts), Some(event_id), Some(project_id), Some(attributes)) = keys else { return Ok(None) };
        Ok(Some(Old {
            ts: unix_micros(ts),
            event_id,
            project_id: Uuid::from_bytes(*project_id.as_bytes()),
            trace_id: text(4)?.unwrap_or_default(),
            span_id: text(5)?.unwrap_or_default(),
            parent_span_id: text(6)?,
            name: text(7)?,
            latency_ms: row.get::<f64>(8)?,
            error_message: text(9)?,
            attributes,
            input: text(11)?,
            output: text(12)?,
        }))
    }

    fn columns(&self) -> Columns<'_> {
        Columns {
            trace_id: &self.trace_id,
            span_id: &self.span_id,
            parent_span_id: self.parent_span_id.as_deref(),
            name: self.name.as_deref(),
            ts: Some(self.ts),
            latency_ms: self.latency_ms,
            error_message: self.error_message.as_deref(),
        }
    }
}

fn of_tenant(since: TimestampWithTimeZone, until: TimestampWithTimeZone) -> Result<i64, Error> {
    let mut directory = Directory::new()?;
    let mut homes: HashMap<Uuid, Arc<Home>> = HashMap::new();
    let (mut since, mut after) = (since, String::new());
    let mut count = 0;
    loop {
        check_for_interrupts!();
        let batch = read(since, until, &after)?;
        let Some(last) = batch.last() else { return Ok(count) };
        (since, after) = (sql_time(last.ts), last.event_id.clone());
        count += rows::in_own_memory(|| translate_batch(&batch, &mut directory, &mut homes))?;
        if (batch.len() as i64) < BATCH {
            return Ok(count);
        }
    }
}

fn read(since: TimestampWithTimeZone, until: TimestampWithTimeZone, after: &str) -> Result<Vec<Old>, Error> {
    let old = Spi::connect(|client| {
        let arguments = [since.into(), until.into(), after.into(), aliases::VERSION.into(), BATCH.into()];
        let rows = client.select(include_str!("../sql/trace/old_translations.sql"), None, &arguments)?;
        rows.map(|row| Old::read(&row)).collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    Ok(old.into_iter().flatten().collect())
}

fn translate_batch(
    batch: &[Old],
    directory: &mut Directory,
    homes: &mut HashMap<Uuid, Arc<Home>>,
) -> Result<i64, Error> {
    let mut stored = Vec::with_capacity(batch.len());
    for old in batch {
        // What did not come as OTLP keeps its fields under names of its own: there is nothing to read anew.
        if let Ok(Some(span)) = Stored::read(&old.attributes, &old.columns()) {
            stored.push((old, span));
        }
    }
    let mut of_projects: BTreeMap<Uuid, Vec<&(&Old, Stored)>> = BTreeMap::new();
    for read in &stored {
        of_projects.entry(read.0.project_id).or_default().push(read);
    }
    let mut ready = Vec::with_capacity(stored.len());
    for (project_id, stored) in of_projects {
        let home = home(project_id, directory, homes)?;
        ready.extend(translate_project(&stored, &home)?);
    }
    // Rows are locked in the order of their key, whoever changes them.
    ready.sort_by(|one, other| {
        let key = |ready: &Ready| (ready.event.ts, ready.event.text(Field::EventId).map(str::to_owned));
        key(one).cmp(&key(other))
    });
    let stamp = Stamp::now();
    let rows = Rows::new("events", &columns::events(), ready.iter().map(|ready| EventRow { ready, stamp }))?;
    let changed =
        rows.run(include_str!("../sql/trace/put_translations.sql"), |rows| Ok(rows.len() as i64))?;
    let rows =
        ready.iter().filter(|ready| columns::has_payload(ready)).map(|ready| EventRow { ready, stamp });
    let rows = Rows::new("event_payloads", &columns::payloads(), rows)?;
    rows.run(include_str!("../sql/trace/put_translated_payloads.sql"), |_| Ok(()))?;
    settle(&ready)?;
    Ok(changed)
}

fn translate_project<'s>(
    stored: &[&'s (&'s Old, Stored<'s>)],
    home: &Arc<Home>,
) -> Result<Vec<Ready<'s>>, Error> {
    let translated = stored.iter().filter_map(|(old, span)| Some((*old, span.library(), span.event().ok()?)));
    let (mut olds, mut libraries, mut events) = (Vec::new(), Vec::new(), Vec::new());
    for (old, library, event) in translated {
        olds.push(old);
        libraries.push(library);
        events.push(event);
    }
    // The spans of one call lie near each other, as they do in a body.
    twins::complete(&mut events, &libraries);
    events.into_iter().zip(olds).map(|(event, old)| finished(event, old, Arc::clone(home))).collect()
}

fn home(
    project_id: Uuid,
    directory: &mut Directory,
    homes: &mut HashMap<Uuid, Arc<Home>>,
) -> Result<Arc<Home>, Error> {
    if let Some(home) = homes.get(&project_id) {
        return Ok(Arc::clone(home));
    }
    let found = directory.home(Place { project: Some(&project_id.to_string()), ..Place::default() });
    let home = found.map_err(|reject| Error::Invalid(reject.message.into_owned()))?;
    homes.insert(project_id, Arc::clone(&home));
    Ok(home)
}

/// As a batch finishes an event, but for its signals: they were raised when it came.
fn finished<'o>(mut event: Event<'o>, old: &'o Old, home: Arc<Home>) -> Result<Ready<'o>, Error> {
    event.ts = Some(old.ts);
    event.set_text(Field::EventId, Some(old.event_id.as_str().into()));
    clean::clean(&mut event, &home, &mut clean::Known::default());
    bill::bill(&mut event, &home).map_err(|reject| Error::Invalid(reject.message.into_owned()))?;
    // Log records may have brought what the span itself does not say.
    event.input = event.input.or(old.input.as_deref().map(Content::stored));
    event.output = event.output.or(old.output.as_deref().map(Content::stored));
    if home.quality_scores {
        quality::score(&mut event);
    }
    // Tags stay as they came.
    Ok(Ready { event, home, signals: Vec::new(), tags: Vec::new() })
}

/// Who is billed may be another one now.
fn settle(ready: &[Ready]) -> Result<(), Error> {
    let mut projects: BTreeMap<Uuid, Vec<&Ready>> = BTreeMap::new();
    for ready in ready {
        projects.entry(ready.home.project_id).or_default().push(ready);
    }
    projects.into_iter().try_for_each(|(project_id, ready)| traces::settle_traces_of(project_id, &ready))
}
