//! What no batch shows by itself, as an SDK sends each span in one of its own: agents that go in circles, and conversations that lose their
//! context. A fold notes which traces and conversations have got more, the job `recheck` reads what is stored of them, and what was told is not told
//! again.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use observa_pipeline::batch::Ready;
use observa_pipeline::event::{Content, Event, EventType, Field, Status};
use observa_pipeline::home::Home;
use observa_pipeline::identity::uuid_of_parts;
use observa_pipeline::rollup::{Actor, Delta, Fold};
use observa_pipeline::signal::loops::{self, Loops};
use observa_pipeline::signal::{Signal, context};
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::columns::{self, text, time, uuid};
use crate::detection;
use crate::error::Error;
use crate::home_cache;
use crate::identity::{self, Acting, sql_uuid};
use crate::issues;
use crate::jobs::{self, Done};
use crate::locks;
use crate::patience::Patience;
use crate::plans::{self, Found};
use crate::rollups;
use crate::rows::{self, Column, Rows};
use crate::storage::{self, sql_time, unix_micros};

/// Candidates of a tenant in a run; the others are the next one's, which is due at once.
const MOST_AT_ONCE: i64 = 2_000;

/// Traces, or conversations, that are read together: what they hold lies in memory, up to 2 kB of each step.
const READ_TOGETHER: usize = 20;

/// The newest of a trace, and of a conversation.
const MOST_STEPS: i64 = 500;
const MOST_TURNS: i64 = 100;

/// Fewer events make no loop: a threshold below 1 is none.
const LEAST_EVENTS: i64 = 2;

/// Microseconds before and after what has come in which the rest of it is looked for: a day.
const AROUND: i64 = 86_400_000_000;

/// Microseconds after which nobody waits for a candidate any more: an hour.
const GOOD_FOR: i64 = 3_600_000_000;

/// Tells the lock of a loop from others that its id stands for.
const LOOP_LOCK: i64 = 0x6c6f_6f70;

/// A lock for each of thousands of loops would use up the server's, as it would of alerts (sql/ingest/alerts.sql). So each is in one of its
/// tenant's buckets. Few loops of a batch share theirs and take a lock each; more than so many take whole buckets, and so does the job, which
/// tells of many, some at a time.
const BUCKETS: i64 = 64;
const FEW_LOOPS: usize = 250;

const TRACE: &str = "trace";
const CONVERSATION: &str = "conversation";

struct Candidate {
    tenant_id: Uuid,
    kind: &'static str,
    project_id: Uuid,
    subject: String,
    /// Microseconds since 1970 UTC.
    since: i64,
    until: i64,
}

/// Notes what a fold has added to of the acting tenant's. A trace that came in one piece was looked at when it was stored; `events`: how many
/// it has, if some are from earlier.
pub fn append(tenant_id: Uuid, fold: &Fold, events: impl Fn(Uuid, &str) -> Option<i64>) -> Result<(), Error> {
    let mut found = Vec::new();
    for (project_id, trace_id, change) in fold.traces() {
        let earlier = events(project_id, trace_id);
        // What is to be computed anew, nobody has counted.
        let more = change.summary.as_ref().map_or(LEAST_EVENTS, |summary| summary.events);
        if (change.deltas > 1 || earlier.is_some()) && more + earlier.unwrap_or(0) >= LEAST_EVENTS {
            let (since, until, subject) = (change.since, change.until, trace_id.to_owned());
            found.push(Candidate { tenant_id, kind: TRACE, project_id, subject, since, until });
        }
    }
    for row in fold.activities() {
        let Some((since, until)) = row.activity.seen.filter(|_| row.activity.messages > 0) else { continue };
        if row.actor == Actor::Conversation {
            let (project_id, subject) = (row.project_id, row.id.to_owned());
            found.push(Candidate { tenant_id, kind: CONVERSATION, project_id, subject, since, until });
        }
    }
    put(found)
}

fn put(candidates: Vec<Candidate>) -> Result<(), Error> {
    let columns: [Column<Candidate>; 7] = [
        Column { name: "tenant_id", value: |row| uuid(row.tenant_id) },
        Column { name: "candidate_id", value: |_| uuid(Uuid::now_v7()) },
        Column { name: "kind", value: |row| text(row.kind) },
        Column { name: "project_id", value: |row| uuid(row.project_id) },
        Column { name: "subject", value: |row| text(&row.subject) },
        Column { name: "since", value: |row| time(row.since) },
        Column { name: "until", value: |row| time(row.until) },
    ];
    let rows = Rows::new("detection_candidates", &columns, candidates.into_iter())?;
    rollups::run(include_str!("../sql/recheck/append.sql"), &rows)
}

/// Apart from rules over windows: what fails of the one keeps nothing of the other.
pub fn run_all(patience: &mut Patience) -> Result<Done, Error> {
    let has_more = Cell::new(false);
    let look = |tenant_id| run(tenant_id, &has_more);
    let mut done = jobs::tenants::for_each("recheck", detection::tenants()?, patience, look)?;
    done.is_cut_short |= has_more.get();
    Ok(done)
}

/// Looks at what has come of the acting tenant's; how many signals that raised, and whether there may be more.
fn run(tenant_id: Uuid, has_more: &Cell<bool>) -> Result<u64, Error> {
    if !locks::may_tell_of_people(tenant_id) {
        return Ok(0);
    }
    let mut candidates = take(tenant_id)?;
    if candidates.is_empty() {
        return Ok(0);
    }
    let is_full = candidates.len() as i64 >= MOST_AT_ONCE;
    // One that is there many times is looked at once.
    candidates.sort_by(|a, b| (a.kind, &a.subject).cmp(&(b.kind, &b.subject)));
    let (mut raised, mut is_left) = (0, false);
    for of_kind in candidates.chunk_by(|a, b| a.kind == b.kind) {
        let subjects: Vec<&[Candidate]> = of_kind.chunk_by(|a, b| a.subject == b.subject).collect();
        for together in subjects.chunks(READ_TOGETHER) {
            check_for_interrupts!();
            let looked = rows::in_own_memory(|| look(tenant_id, together))?;
            raised += looked.raised;
            is_left |= looked.is_left;
        }
    }
    // What another transaction has at hand is no reason to look again before that has ended.
    has_more.set(has_more.get() || is_full && !is_left);
    Ok(raised)
}

fn take(tenant_id: Uuid) -> Result<Vec<Candidate>, Error> {
    let oldest = storage::least_id(storage::now() - GOOD_FOR);
    let mut found = Vec::new();
    let arguments: [DatumWithOid; 2] = [MOST_AT_ONCE.into(), sql_uuid(oldest).into()];
    plans::each(include_str!("../sql/recheck/take.sql"), &arguments, true, |row| {
        if row.get::<bool>(6) == Some(true) {
            return;
        }
        let kind = if row.get::<String>(1).as_deref() == Some(TRACE) { TRACE } else { CONVERSATION };
        let times = row.get::<TimestampWithTimeZone>(4).zip(row.get::<TimestampWithTimeZone>(5));
        let ids = row.get::<pgrx::Uuid>(2).zip(row.get::<String>(3));
        found.extend(ids.zip(times).map(|((project_id, subject), (since, until))| Candidate {
            tenant_id,
            kind,
            project_id: identity::uuid(project_id),
            subject,
            since: unix_micros(since),
            until: unix_micros(until),
        }));
    })?;
    Ok(found)
}

/// What came of some candidates.
#[derive(Default)]
struct Looked {
    raised: u64,
    /// Some are looked at again, as another transaction is about to tell of them.
    is_left: bool,
}

fn look(tenant_id: Uuid, candidates: &[&[Candidate]]) -> Result<Looked, Error> {
    let all = || candidates.iter().copied().flatten();
    let Some(kind) = all().next().map(|candidate| candidate.kind) else { return Ok(Looked::default()) };
    let ids: Vec<&str> = candidates
        .iter()
        .filter_map(|same| same.first())
        .map(|candidate| candidate.subject.as_str())
        .collect();
    let since = all().map(|candidate| candidate.since).min().unwrap_or_default().saturating_sub(AROUND);
    let until = all().map(|candidate| candidate.until).max().unwrap_or_default().saturating_add(AROUND);
    let (sql, most) = match kind {
        TRACE => (include_str!("../sql/recheck/steps.sql"), MOST_STEPS),
        _ => (include_str!("../sql/recheck/turns.sql"), MOST_TURNS),
    };
    let mut homes = Homes::of_tenant(tenant_id);
    let mut ready = Vec::new();
    let arguments: [DatumWithOid; 4] =
        [ids.into(), sql_time(since).into(), sql_time(until).into(), most.into()];
    // As fresh as the candidates are.
    plans::each(sql, &arguments, true, |row| ready.extend(read(row, &mut homes)))?;
    // In the same order each time, whatever the order of rows of one time: what is told of an event is not to be told of another one.
    ready.sort_by(|a, b| {
        (a.event.ts, a.event.text(Field::EventId)).cmp(&(b.event.ts, b.event.text(Field::EventId)))
    });
    let mut signals = if kind == TRACE {
        Loops::default().read(ready.iter().map(|ready| (&ready.event, &*ready.home)))
    } else {
        drops(&ready)
    };
    signals.sort_by_key(|(place, _)| *place);
    for (place, signal) in signals {
        ready.get_mut(place).into_iter().for_each(|ready| ready.signals.push(signal.clone()));
    }
    ready.retain(|ready| !ready.signals.is_empty());
    if ready.is_empty() {
        return Ok(Looked::default());
    }
    let in_work: Vec<Candidate> = if kind == TRACE {
        let in_work = forget_told(&mut ready, true)?;
        let is_in_work = |candidate: &&Candidate| in_work.contains(&candidate.subject);
        all().filter(is_in_work).map(Candidate::again).collect()
    } else {
        forget_told_drops(&mut ready)?;
        Vec::new()
    };
    let is_left = !in_work.is_empty();
    put(in_work)?;
    Ok(Looked { raised: raise(&ready)?, is_left })
}

impl Candidate {
    fn again(&self) -> Candidate {
        Candidate { subject: self.subject.clone(), ..*self }
    }
}

/// Homes of projects of a tenant.
pub struct Homes {
    tenant_id: Uuid,
    known: HashMap<Uuid, Option<Arc<Home>>>,
}

impl Homes {
    pub fn of_tenant(tenant_id: Uuid) -> Homes {
        Homes { tenant_id, known: HashMap::new() }
    }

    fn of(&mut self, project_id: Uuid) -> Option<Arc<Home>> {
        let tenant_id = self.tenant_id;
        let find = || {
            let tenant = home_cache::tenant_with_id(tenant_id)?;
            Some(home_cache::home(&tenant, tenant.project_with_id(project_id)?))
        };
        self.known.entry(project_id).or_insert_with(find).clone()
    }
}

/// What is stored of an event, as far as it is asked for. None: its project is gone.
pub fn read(row: &Found, homes: &mut Homes) -> Option<Ready<'static>> {
    let text = |column: i32| row.get::<String>(column).map(Cow::<str>::Owned);
    let home = row.get::<pgrx::Uuid>(1).and_then(|id| homes.of(identity::uuid(id)))?;
    let event_type = row.get::<String>(4).and_then(|name| EventType::from_name(&name))?;
    let mut event = Event::new(0, event_type);
    event.ts = row.get::<TimestampWithTimeZone>(2).map(unix_micros);
    event.status = row.get::<String>(5).and_then(|name| Status::from_name(&name)).unwrap_or_default();
    event.billable = row.get::<bool>(6).unwrap_or_default();
    // Each successful call is billed once: what is not, repeats another.
    event.repeats = event_type == EventType::LlmCall && event.status == Status::Ok && !event.billable;
    let fields = [
        (Field::EventId, 3),
        (Field::Environment, 7),
        (Field::TraceId, 8),
        (Field::SpanId, 9),
        (Field::ParentSpanId, 10),
        (Field::AgentName, 11),
        (Field::Route, 12),
        (Field::Name, 13),
        (Field::Model, 14),
        (Field::ToolName, 15),
        (Field::UserId, 16),
        (Field::ConversationId, 17),
        (Field::SessionId, 18),
    ];
    for (field, column) in fields {
        event.set_text(field, text(column));
    }
    event.message_index = row.get::<i64>(19);
    event.tokens.input = row.get::<i64>(20);
    event.input = text(21).map(Content::Text);
    event.output = text(22).map(Content::Text);
    Some(Ready { event, home, signals: Vec::new(), tags: Vec::new() })
}

fn drops(ready: &[Ready]) -> Vec<(usize, Signal)> {
    let mut projects: HashMap<Uuid, Vec<usize>> = HashMap::new();
    for (place, ready) in ready.iter().enumerate() {
        projects.entry(ready.home.project_id).or_default().push(place);
    }
    let mut signals = Vec::new();
    for places in projects.into_values() {
        let of_project: Vec<&Ready> = places.iter().filter_map(|place| ready.get(*place)).collect();
        let Some((rule, active)) = of_project.first().and_then(|ready| context::active(&ready.home.rules))
        else {
            continue;
        };
        let found = context::read(of_project.iter().map(|ready| &ready.event), rule, active);
        signals.extend(found.into_iter().filter_map(|(place, signal)| Some((*places.get(place)?, signal))));
    }
    signals
}

/// A loop of a trace of a project.
type LoopKey = (Uuid, String, String);

fn loop_key(ready: &Ready, signal: &Signal) -> Option<LoopKey> {
    let told = signal.details.get("loop").filter(|_| signal.rule.name() == loops::NAME)?.as_str()?;
    Some((ready.home.project_id, ready.event.text(Field::TraceId)?.to_owned(), told.to_owned()))
}

/// Takes away what earlier batches, or the job, told of the acting tenant's loops; the traces of which another transaction is about to tell:
/// whoever comes second leaves it to the first, and the job looks again.
fn forget_told(ready: &mut [Ready], is_job: bool) -> Result<HashSet<String>, Error> {
    let mut in_work = HashSet::new();
    let mut keys = HashSet::new();
    for ready in ready.iter() {
        keys.extend(ready.signals.iter().filter_map(|signal| loop_key(ready, signal)));
    }
    let mut keys: Vec<LoopKey> = keys.into_iter().collect();
    keys.sort_unstable();
    let mut ours = HashSet::new();
    let mut buckets = Buckets::of(ready, is_job || keys.len() > FEW_LOOPS);
    for key in keys {
        let (project_id, trace_id, told) = &key;
        let id = uuid_of_parts(&["loop", &project_id.to_string(), trace_id, told]);
        if buckets.is_free(locks::key(id)) {
            ours.insert(key);
        } else {
            in_work.insert(key.1);
        }
    }
    let traces: HashSet<&str> = ours.iter().map(|(_, trace_id, _)| trace_id.as_str()).collect();
    let traces: Vec<&str> = traces.into_iter().collect();
    // A snapshot that is newer than the locks: what the one before us told is committed.
    plans::each(include_str!("../sql/recheck/told_loops.sql"), &[traces.into()], true, |row| {
        let ids = row.get::<pgrx::Uuid>(1).zip(row.get::<String>(2)).zip(row.get::<String>(3));
        if let Some(((project_id, trace_id), told)) = ids {
            ours.remove(&(identity::uuid(project_id), trace_id, told));
        }
    })?;
    for ready in ready.iter_mut() {
        let mut signals = std::mem::take(&mut ready.signals);
        signals.retain(|signal| match loop_key(ready, signal) {
            // Taken out, it is told once, also where the trace is twice in the batch.
            Some(key) => ours.remove(&key),
            None => true,
        });
        ready.signals = signals;
    }
    Ok(in_work)
}

/// Locks of a tenant's loops.
struct Buckets {
    tenant: i64,
    are_many: bool,
    held: HashMap<i64, Held>,
}

#[derive(Clone, Copy)]
enum Held {
    Whole,
    Shared,
    Not,
}

impl Buckets {
    fn of(ready: &[Ready], are_many: bool) -> Buckets {
        let tenant = ready.first().map(|ready| locks::key(ready.home.tenant_id)).unwrap_or_default();
        Buckets { tenant, are_many, held: HashMap::new() }
    }

    /// False: another transaction is about to tell of the loop, or of many.
    fn is_free(&mut self, key: i64) -> bool {
        let number = key.rem_euclid(BUCKETS);
        let bucket = self.tenant ^ (LOOP_LOCK << 8) ^ number;
        let are_many = self.are_many;
        let held = *self.held.entry(number).or_insert_with(|| {
            if are_many && locks::is_free(bucket) {
                Held::Whole
            } else if !are_many && locks::is_free_shared(bucket) {
                Held::Shared
            } else {
                Held::Not
            }
        });
        match held {
            Held::Whole => true,
            Held::Shared => locks::is_free(key ^ LOOP_LOCK),
            Held::Not => false,
        }
    }
}

/// Of a batch that is about to be stored. Nearly none has a loop in it. What is left to another transaction, the job looks at: that one may
/// roll back, and a trace that came in one piece nobody else would look at.
pub fn forget_told_of_batch(ready: &mut [Ready]) -> Result<(), Error> {
    let has_loop = |ready: &&mut Ready| ready.signals.iter().any(|signal| signal.rule.name() == loops::NAME);
    let tenants: HashSet<Uuid> =
        ready.iter_mut().filter(has_loop).map(|ready| ready.home.tenant_id).collect();
    for tenant_id in tenants {
        ready.sort_by_key(|ready| ready.home.tenant_id);
        let first = ready.partition_point(|ready| ready.home.tenant_id < tenant_id);
        let end = ready.partition_point(|ready| ready.home.tenant_id <= tenant_id);
        if let Some(own) = ready.get_mut(first..end) {
            Acting::during(Acting::whole(tenant_id), || {
                let in_work = forget_told(own, false)?;
                put(left_to_others(own, &in_work))
            })?;
        }
    }
    Ok(())
}

/// These traces of a batch, each once.
fn left_to_others(ready: &[Ready], in_work: &HashSet<String>) -> Vec<Candidate> {
    let mut found: HashMap<(Uuid, &str), Candidate> = HashMap::new();
    for ready in ready {
        let Some((trace_id, ts)) = ready.event.text(Field::TraceId).zip(ready.event.ts) else { continue };
        if !in_work.contains(trace_id) {
            continue;
        }
        let Home { tenant_id, project_id, .. } = *ready.home;
        let (kind, subject) = (TRACE, trace_id.to_owned());
        let candidate = found.entry((project_id, trace_id)).or_insert(Candidate {
            tenant_id,
            kind,
            project_id,
            subject,
            since: ts,
            until: ts,
        });
        candidate.since = candidate.since.min(ts);
        candidate.until = candidate.until.max(ts);
    }
    found.into_values().collect()
}

fn forget_told_drops(ready: &mut Vec<Ready>) -> Result<(), Error> {
    let times: Vec<TimestampWithTimeZone> =
        ready.iter().filter_map(|ready| ready.event.ts).map(sql_time).collect();
    let ids: Vec<&str> = ready.iter().filter_map(|ready| ready.event.text(Field::EventId)).collect();
    let mut told = HashSet::new();
    plans::each(include_str!("../sql/recheck/told_drops.sql"), &[times.into(), ids.into()], true, |row| {
        told.extend(row.get::<String>(1));
    })?;
    ready.retain(|ready| ready.event.text(Field::EventId).is_none_or(|id| !told.contains(id)));
    Ok(())
}

/// Stores the signals, whose trigger raises alerts, and has the traces' signals counted anew.
pub fn raise(ready: &[Ready]) -> Result<u64, Error> {
    let signals = issues::rows(ready.iter());
    if signals.is_empty() {
        return Ok(0);
    }
    let count = signals.len() as u64;
    let mut changed = Delta::default();
    for ready in ready.iter().filter(|ready| !ready.signals.is_empty()) {
        if let (Some(trace_id), Some(ts)) = (ready.event.text(Field::TraceId), ready.event.ts) {
            changed.touch(ready.home.project_id, trace_id, (ts, ts));
        }
    }
    let rows = Rows::new("signals", &columns::signals(), signals.into_iter())?;
    rows.run(include_str!("../sql/ingest/signals.sql"), |_| Ok(()))?;
    rollups::append_delta(&changed)?;
    Ok(count)
}
