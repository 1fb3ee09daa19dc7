//! observa.ingest: a body in, committed events out. What it counts as accepted is durable at commit.

use std::collections::HashSet;

use observa_pipeline::batch::{self, Batch, Otlp, Ready, Rejected};
use observa_pipeline::decode::{self, Line};
use observa_pipeline::home::Home;
use observa_pipeline::signal::own;
use pgrx::JsonB;
use pgrx::prelude::*;
use pgrx::spi::SpiTupleTable;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::analysis;
use crate::columns::{self, EventRow, Stamp};
use crate::dead_letters;
use crate::detectors;
use crate::error::{Error, or_raise};
use crate::identity::Acting;
use crate::issues;
use crate::keys;
use crate::limits;
use crate::log_guard::guard_statement;
use crate::logs::{self, LogLine};
use crate::recheck;
use crate::request;
use crate::rollups;
use crate::rows::{self, Rows};
use crate::settings;
use crate::span_contents;
use crate::storage;
use crate::subtransaction;
use crate::tally;
use crate::tenants::Directory;
use crate::traces;
use crate::usage::{self, Counts};

/// Events of one statement: few enough for their rows to stay in the caches on their way through it.
const CHUNK: usize = 250;

/// Events that a tenant's own rules are evaluated of before it is asked whether the statement is to end: 20 rules may take milliseconds for each.
const CHECKED_TOGETHER: usize = 16;

/// Events for which it is tried first whether all are new, as they nearly always are: to look for each one's key costs a tenth of
/// all that ingest does, a subtransaction as much as a few events.
const WORTH_TRYING: usize = 32;

/// What only some keys have the right to.
pub const SEND: &str = "send events";

/// Errors that an answer lists; `rejected` counts all.
const MAX_LISTED: usize = 100;

#[pg_extern(sql = false)]
fn ingest_text(body: &str) -> JsonB {
    ingest(body.as_bytes())
}

#[pg_extern(sql = false)]
fn ingest_bytea(body: &[u8]) -> JsonB {
    ingest(body)
}

fn ingest(body: &[u8]) -> JsonB {
    guard_statement();
    JsonB(match ingest_body(body) {
        Err(Error::OverLimit(over)) if request::is_over_http() => over.answer(),
        Err(error @ Error::OldStorage(_)) if request::is_over_http() => request::unavailable(&error),
        outcome => or_raise(outcome).into_json(),
    })
}

/// What became of a batch.
#[derive(Default)]
pub struct Outcome {
    pub batch_id: Uuid,
    pub accepted: u64,
    pub duplicates: u64,
    pub signals: u64,
    pub alerts: u64,
    pub redactions: u64,
    pub rejected: Vec<Rejected>,
    /// Of these, lines that leave no dead letter: the tenant has as many as it may have.
    pub unkept: u64,
    /// Of `accepted`, the events, by where they are stored.
    pub stored: Counts,
    /// Spans and log records that were rejected; None: nothing came as OTLP.
    pub rejected_spans: Option<u64>,
}

impl Outcome {
    pub fn add(&mut self, other: Outcome) {
        self.accepted += other.accepted;
        self.duplicates += other.duplicates;
        self.signals += other.signals;
        self.alerts += other.alerts;
        self.redactions += other.redactions;
        self.rejected.extend(other.rejected);
        self.unkept += other.unkept;
        for (home, events) in other.stored {
            *self.stored.entry(home).or_default() += events;
        }
        self.rejected_spans = match (self.rejected_spans, other.rejected_spans) {
            (Some(ours), Some(theirs)) => Some(ours + theirs),
            (ours, theirs) => ours.or(theirs),
        };
    }

    pub fn into_json(self) -> Value {
        let errors: Vec<Value> = self
            .rejected
            .iter()
            .take(MAX_LISTED)
            .map(|rejected| {
                json!({
                    "line": rejected.line,
                    "code": rejected.reject.code.name(),
                    "field": rejected.reject.field,
                    "message": rejected.reject.message,
                })
            })
            .collect();
        let mut answer = json!({
            "batch_id": self.batch_id.to_string(),
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "rejected": self.rejected.len(),
            "signals": self.signals,
            "alerts": self.alerts,
            "redactions": self.redactions,
            "errors": errors,
        });
        if let (1.., Some(answer)) = (self.unkept, answer.as_object_mut()) {
            answer.insert("unkept".into(), self.unkept.into());
        }
        if let (Some(rejected), Some(answer)) = (self.rejected_spans, answer.as_object_mut()) {
            let message = self.rejected.first().map_or("", |rejected| &rejected.reject.message);
            let partial = json!({ "rejectedSpans": rejected, "errorMessage": message });
            answer.insert("partialSuccess".into(), partial);
        }
        answer
    }
}

/// One row of a view, and the id that it is stored under. Its rejection is the caller's to report: it leaves no dead letter.
pub fn ingest_row(row: &str) -> Result<(String, Outcome), Error> {
    storage::ensure_for_events()?;
    keys::require(|rights| rights.ingest, SEND)?;
    let limits = settings::limits();
    let stamp = Stamp::now();
    let line = [decode::line(1, row.as_bytes(), &limits)];
    let batch = batch::read(&line, &limits, &mut Directory::new()?, stamp.arrived);
    let id = batch.ready.first().map(|ready| event_id(ready).to_owned()).unwrap_or_default();
    limits::admit_rows(&batch, stamp.arrived)?;
    let outcome = store_batch(batch, stamp)?;
    tally::add(&outcome);
    Ok((id, outcome))
}

fn ingest_body(body: &[u8]) -> Result<Outcome, Error> {
    storage::ensure_for_events()?;
    keys::require(|rights| rights.ingest, SEND)?;
    let limits = settings::limits();
    let mut directory = Directory::new()?;
    let body = decode::open(body, &limits)?;
    let lines = decode::lines(&body, &limits)?;
    let mut outcome = ingest_lines(&lines, &mut directory)?;
    outcome.unkept = dead_letters::store(&outcome, &mut directory)?;
    tally::add(&outcome);
    Ok(outcome)
}

/// Stores what can be stored of the lines; what is rejected is in the outcome alone.
pub fn ingest_lines(lines: &[Line], directory: &mut Directory) -> Result<Outcome, Error> {
    let stamp = Stamp::now();
    let batch = batch::read(lines, &settings::limits(), directory, stamp.arrived);
    limits::admit(&batch, stamp.arrived)?;
    store_batch(batch, stamp)
}

fn store_batch(batch: Batch, stamp: Stamp) -> Result<Outcome, Error> {
    let Batch { mut ready, rejected, duplicates, otlp } = batch;
    let mut outcome = Outcome { batch_id: stamp.batch_id, duplicates, rejected, ..Outcome::default() };
    storage::ensure_partitions(ready.iter().filter_map(|ready| ready.event.ts))?;
    if otlp.is_some() {
        traces::complete(&mut ready)?;
        span_contents::fill(&mut ready)?;
    }
    for ready in ready.chunks_mut(CHECKED_TOGETHER) {
        check_for_interrupts!();
        own::detect(ready, may_be_ended);
    }
    recheck::forget_told_of_batch(&mut ready)?;
    // In key order, or two batches that share keys would deadlock. Tenants come apart by it, too.
    let mut ordered: Vec<&Ready> = ready.iter().collect();
    ordered.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
    for of_tenant in ordered.chunk_by(|a, b| a.home.tenant_id == b.home.tenant_id) {
        let Some(first) = of_tenant.first() else { continue };
        let acting = Acting::within(first.home.tenant_id, first.home.project_id);
        Acting::during(acting, || store(of_tenant, stamp, &mut outcome))?;
    }
    usage::add(&outcome.stored, stamp)?;
    if let Some(otlp) = otlp {
        store_beside_events(otlp, stamp, &mut outcome)?;
    }
    Ok(outcome)
}

/// Between two patterns of a rule. An error unwinds what waits.
fn may_be_ended() {
    check_for_interrupts!();
}

/// Log lines, and what log records say of calls.
fn store_beside_events(otlp: Otlp, stamp: Stamp, outcome: &mut Outcome) -> Result<(), Error> {
    outcome.rejected_spans = Some(otlp.rejected);
    let records = otlp.contents.len() + otlp.logs.len();
    let redactions = |redactions: u32| u64::from(redactions);
    outcome.redactions += otlp.contents.iter().map(|stored| redactions(stored.redactions)).sum::<u64>();
    outcome.redactions += otlp.logs.iter().map(|stored| redactions(stored.redactions)).sum::<u64>();
    let mut new = span_contents::store(&otlp.contents, stamp)?;
    new += logs::store(otlp.logs.into_iter().map(|log| LogLine::of_record(log, stamp)).collect(), stamp)?;
    outcome.accepted += new;
    outcome.duplicates += (records as u64).saturating_sub(new);
    Ok(())
}

fn key<'r>(ready: &'r Ready) -> (Uuid, Option<i64>, &'r str) {
    (ready.home.tenant_id, ready.event.ts, event_id(ready))
}

fn event_id<'r>(ready: &'r Ready) -> &'r str {
    ready.event.text(observa_pipeline::event::Field::EventId).unwrap_or_default()
}

/// Stores events of one tenant, which the transaction acts for.
fn store(ready: &[&Ready], stamp: Stamp, outcome: &mut Outcome) -> Result<(), Error> {
    let (ready, known) = without_known_keys(ready, stamp)?;
    outcome.duplicates += known;
    if ready.len() >= WORTH_TRYING {
        let stored = subtransaction::unless_duplicate(|| {
            let mut stored = Outcome::default();
            store_chunks(&ready, stamp, &mut stored, insert_new)?;
            Ok(stored)
        })?;
        if let Some(stored) = stored {
            outcome.add(stored);
            return Ok(());
        }
    }
    store_chunks(&ready, stamp, outcome, insert_unless_known)
}

/// How a chunk of events is inserted; which of them are new.
type Insert = for<'r, 'l> fn(&[&'r Ready<'l>], &Rows) -> Result<Vec<&'r Ready<'l>>, Error>;

fn store_chunks(ready: &[&Ready], stamp: Stamp, outcome: &mut Outcome, insert: Insert) -> Result<(), Error> {
    let mut stored = Vec::with_capacity(ready.len());
    for chunk in ready.chunks(CHUNK) {
        // The next chunk's rows lie where these did, in memory that is warm.
        stored.extend(rows::in_own_memory(|| store_chunk(chunk, stamp, outcome, insert))?);
    }
    rows::in_own_memory(|| store_signals(&stored, outcome))?;
    analysis::append(&stored)?;
    detectors::append(&stored)?;
    rollups::append(&stored)
}

/// Stores events and their payloads; which of them are new.
fn store_chunk<'r, 'l>(
    ready: &[&'r Ready<'l>],
    stamp: Stamp,
    outcome: &mut Outcome,
    insert: Insert,
) -> Result<Vec<&'r Ready<'l>>, Error> {
    let events = ready.iter().copied().map(|ready| EventRow { ready, stamp });
    let new = insert(ready, &Rows::new("events", &columns::events(), events)?)?;
    outcome.duplicates += (ready.len() - new.len()) as u64;
    outcome.accepted += new.len() as u64;
    for of_home in new.chunk_by(|a, b| a.home.project_id == b.home.project_id) {
        let Some(Home { tenant_id, project_id, .. }) = of_home.first().map(|ready| &*ready.home) else {
            continue;
        };
        *outcome.stored.entry((*tenant_id, *project_id)).or_default() += of_home.len() as u64;
    }
    outcome.redactions += new.iter().map(|ready| u64::from(ready.event.redactions)).sum::<u64>();
    let with_payload = new.iter().copied().filter(|ready| columns::has_payload(ready));
    let with_payload = with_payload.map(|ready| EventRow { ready, stamp });
    let rows = Rows::new("event_payloads", &columns::payloads(), with_payload)?;
    rows.run(include_str!("../sql/ingest/event_payloads.sql"), |_| Ok(()))?;
    Ok(new)
}

/// All of them, or none: one that is there already is an error, which ends the subtransaction.
fn insert_new<'r, 'l>(ready: &[&'r Ready<'l>], rows: &Rows) -> Result<Vec<&'r Ready<'l>>, Error> {
    rows.run(include_str!("../sql/ingest/new_events.sql"), |_| Ok(()))?;
    Ok(ready.to_vec())
}

fn insert_unless_known<'r, 'l>(ready: &[&'r Ready<'l>], rows: &Rows) -> Result<Vec<&'r Ready<'l>>, Error> {
    let stored = rows.run(include_str!("../sql/ingest/events.sql"), |inserted| {
        if inserted.len() == ready.len() { Ok(None) } else { keys(inserted).map(Some) }
    })?;
    let Some(keys) = stored else { return Ok(ready.to_vec()) };
    let is_stored =
        |ready: &&Ready| keys.contains(&(ready.event.ts.unwrap_or_default(), event_id(ready).to_owned()));
    Ok(ready.iter().copied().filter(is_stored).collect())
}

/// Time and id of the rows that a statement returns.
fn keys(rows: SpiTupleTable) -> Result<HashSet<(i64, String)>, pgrx::spi::Error> {
    rows.map(|row| {
        let ts = row.get::<TimestampWithTimeZone>(1)?.map(|ts| i64::from(ts) + storage::POSTGRES_EPOCH);
        Ok((ts.unwrap_or_default(), row.get::<String>(2)?.unwrap_or_default()))
    })
    .collect()
}

/// The events that are not retries of ones without a time; how many are.
fn without_known_keys<'r, 'l>(
    ready: &[&'r Ready<'l>],
    stamp: Stamp,
) -> Result<(Vec<&'r Ready<'l>>, u64), Error> {
    if !ready.iter().any(|ready| ready.event.timed_by_arrival) {
        return Ok((ready.to_vec(), 0));
    }
    storage::make_key_partitions()?;
    let untimed = ready
        .iter()
        .copied()
        .filter(|ready| ready.event.timed_by_arrival)
        .map(|ready| EventRow { ready, stamp });
    let rows = Rows::new("event_keys", &columns::keys(), untimed)?;
    // The plan is kept, and made for an empty table it would look through all of a full one for each key.
    let fresh: HashSet<String> = settings::with(c"enable_seqscan", c"off", || {
        rows.run(include_str!("../sql/ingest/event_keys.sql"), |inserted| {
            inserted.map(|row| Ok(row.get::<String>(1)?.unwrap_or_default())).collect()
        })
    })?;
    let new: Vec<&Ready> = ready
        .iter()
        .copied()
        .filter(|ready| !ready.event.timed_by_arrival || fresh.contains(event_id(ready)))
        .collect();
    let known = (ready.len() - new.len()) as u64;
    Ok((new, known))
}

fn store_signals(stored: &[&Ready], outcome: &mut Outcome) -> Result<(), Error> {
    let signals = issues::rows(stored.iter().copied());
    let count = signals.len();
    if count == 0 {
        return Ok(());
    }
    let rows = Rows::new("signals", &columns::signals(), signals.into_iter())?;
    let alerts_before = crate::alerts::raised();
    rows.run(include_str!("../sql/ingest/signals.sql"), |_| Ok(()))?;
    outcome.signals += count as u64;
    outcome.alerts += crate::alerts::raised() - alerts_before;
    Ok(())
}
