//! What projects have used of their monthly quotas: each batch appends what it adds, maintenance folds that, and shared memory
//! knows the sum and what is on its way, so that a check reads no table.

use std::cell::RefCell;
use std::collections::BTreeMap;

use observa_pipeline::bucket::Standing;
use observa_pipeline::identity;
use observa_pipeline::month::Month;
use observa_pipeline::slots::Key;
use pgrx::pg_sys;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::columns::{self, Stamp, UsageRow};
use crate::error::Error;
use crate::identity::{Acting, sql_uuid};
use crate::rows::{self, Rows};
use crate::shared;
use crate::storage;

/// Events of (tenant, project).
pub type Counts = BTreeMap<(Uuid, Uuid), u64>;

/// How long the sum of a project is believed before it is read from the tables again, in microseconds: it follows every commit, but
/// not what somebody changes by hand, nor what was under way when the quota was set.
const BELIEVED_FOR: i64 = 300_000_000;

/// What a project has used in a month.
#[derive(Clone, Copy)]
pub struct Used {
    /// By the tables, when they were read.
    read: i64,
    read_at: i64,
    /// What `committed` was then.
    committed_then: i64,
    /// Committed since this slot was made.
    committed: i64,
    /// Of transactions that have not ended.
    pending: i64,
}

impl Used {
    pub const NONE: Used = Used { read: 0, read_at: 0, committed_then: 0, committed: 0, pending: 0 };

    fn events(&self) -> i64 {
        self.read + (self.committed - self.committed_then) + self.pending
    }
}

/// What the transaction has taken of a quota.
struct Taken {
    key: Key,
    subtransaction: pg_sys::SubTransactionId,
    pending: i64,
    /// Of these, what was new.
    stored: i64,
}

thread_local! {
    static TAKEN: RefCell<Vec<Taken>> = const { RefCell::new(Vec::new()) };
}

fn slot(month: Month, project_id: Uuid) -> Key {
    shared::key_of(u32::try_from(month.number()).unwrap_or_default(), project_id)
}

/// As SQL adds it to 1970-01-01.
fn days(month: Month) -> i32 {
    i32::try_from(month.first_day()).unwrap_or_default()
}

fn standing(used: i64, quota: i64, month: Month) -> Standing {
    let next = month.next().begins();
    let remaining = u64::try_from(quota.saturating_sub(used)).unwrap_or_default();
    Standing { limit: quota.unsigned_abs(), remaining, next_at: next, full_at: next }
}

/// How a quota stands, as far as shared memory knows without reading a table.
pub fn known_standing(project_id: Uuid, quota: i64, now: i64) -> Option<Standing> {
    let month = Month::of(now);
    let used = shared::with_quotas(|quotas| quotas.get(slot(month, project_id), now).copied())??;
    (now - used.read_at < BELIEVED_FOR).then(|| standing(used.events(), quota, month))
}

/// What became of events that are to be stored.
pub enum Answer {
    Taken(Standing),
    Exhausted(Standing),
}

/// Takes events of a quota until the transaction ends, which then counts what it has stored. Check and taking are one: no more goes
/// over a quota than the rest of the body that reaches it. An exhausted quota is taken of only where it `must`.
pub fn take(home: (Uuid, Uuid), quota: i64, count: u64, now: i64, must: bool) -> Result<Answer, Error> {
    let month = Month::of(now);
    let key = slot(month, home.1);
    read_where_unknown(key, home, month, now)?;
    let pending = i64::try_from(count).unwrap_or(i64::MAX);
    // SAFETY: reads the transaction's state.
    let subtransaction = unsafe { pg_sys::GetCurrentSubTransactionId() };
    let answer = shared::with_quotas(|quotas| {
        let used = quotas.get(key, now)?;
        let before = standing(used.events(), quota, month);
        if before.is_exhausted() && !must {
            return Some(Answer::Exhausted(before));
        }
        used.pending += pending;
        Some(Answer::Taken(standing(used.events(), quota, month)))
    });
    match answer.flatten() {
        Some(Answer::Taken(standing)) => {
            TAKEN.with_borrow_mut(|all| all.push(Taken { key, subtransaction, pending, stored: 0 }));
            Ok(Answer::Taken(standing))
        }
        Some(exhausted) => Ok(exhausted),
        // All slots that it may have are of transactions under way.
        None => {
            let standing = standing(sum(home, month)?, quota, month);
            Ok(if standing.is_exhausted() && !must {
                Answer::Exhausted(standing)
            } else {
                Answer::Taken(standing)
            })
        }
    }
}

/// Reads what the tables say, where no slot has it or had it for too long.
fn read_where_unknown(key: Key, home: (Uuid, Uuid), month: Month, now: i64) -> Result<(), Error> {
    let known = shared::with_quotas(|quotas| {
        let used = quotas.get(key, now)?;
        let is_fresh = now - used.read_at < BELIEVED_FOR;
        if !is_fresh {
            // The others need not read it, too.
            used.read_at = now;
        }
        Some((is_fresh, used.committed))
    });
    let committed_then = match known.flatten() {
        Some((true, _)) => return Ok(()),
        stale => stale.map(|(_, committed)| committed),
    };
    let read = sum(home, month)? - stored_by_this_transaction(key);
    shared::with_quotas(|quotas| {
        let new = Used { read, read_at: now, ..Used::NONE };
        let Some(used) = quotas.get_or_insert(key, now, new, |used| (used.pending == 0).then_some(0)) else {
            return;
        };
        if let Some(committed_then) = committed_then {
            *used = Used { read, committed_then, ..*used };
        }
    });
    Ok(())
}

fn stored_by_this_transaction(key: Key) -> i64 {
    TAKEN.with_borrow(|all| all.iter().filter(|taken| taken.key == key).map(|taken| taken.stored).sum())
}

/// What the tables say, as of now.
fn sum((tenant_id, project_id): (Uuid, Uuid), month: Month) -> Result<i64, Error> {
    let read = || {
        let arguments = [sql_uuid(tenant_id).into(), sql_uuid(project_id).into(), days(month).into()];
        Spi::connect(|client| {
            client.select(include_str!("../sql/usage/sum.sql"), Some(1), &arguments)?.first().get_one::<i64>()
        })
    };
    // SAFETY: inside a transaction; an error ends the (sub)transaction, and its snapshots with it.
    let read = unsafe {
        pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot());
        let read = Acting::during(Acting::whole(tenant_id), read);
        pg_sys::PopActiveSnapshot();
        read
    };
    Ok(read?.unwrap_or_default())
}

/// Appends what a batch has stored.
pub fn add(counts: &Counts, stamp: Stamp) -> Result<(), Error> {
    let month = Month::of(stamp.arrived);
    let of_tenants: Vec<(&(Uuid, Uuid), &u64)> = counts.iter().collect();
    for of_tenant in of_tenants.chunk_by(|((a, _), _), ((b, _), _)| a == b) {
        let Some(((tenant_id, _), _)) = of_tenant.first() else { continue };
        Acting::during(Acting::whole(*tenant_id), || {
            rows::in_own_memory(|| {
                let rows =
                    of_tenant.iter().map(|(home, events)| UsageRow { home: **home, month, events: **events });
                let rows = Rows::new("usage_deltas", &columns::usage(), rows)?;
                rows.run(include_str!("../sql/usage/add.sql"), |_| Ok(()))
            })
        })?;
    }
    TAKEN.with_borrow_mut(|all| {
        for ((_, project_id), events) in counts {
            let key = slot(month, *project_id);
            if let Some(taken) = all.iter_mut().rev().find(|taken| taken.key == key) {
                taken.stored += i64::try_from(*events).unwrap_or(i64::MAX);
            }
        }
    });
    Ok(())
}

/// From `_PG_init`.
pub fn watch_transactions() {
    // SAFETY: registered once for the process.
    unsafe {
        pg_sys::RegisterXactCallback(Some(on_end), std::ptr::null_mut());
        pg_sys::RegisterSubXactCallback(Some(on_subtransaction_end), std::ptr::null_mut());
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn on_end(event: pg_sys::XactEvent::Type, _argument: *mut std::ffi::c_void) {
    use pg_sys::XactEvent::{XACT_EVENT_ABORT, XACT_EVENT_COMMIT, XACT_EVENT_PREPARE};
    match event {
        // What is prepared counts: it is as good as committed.
        XACT_EVENT_COMMIT | XACT_EVENT_PREPARE => settle(0, true),
        XACT_EVENT_ABORT => settle(0, false),
        _ => return,
    }
    crate::limits::forget_admission();
}

#[pg_guard]
unsafe extern "C-unwind" fn on_subtransaction_end(
    event: pg_sys::SubXactEvent::Type,
    own: pg_sys::SubTransactionId,
    _parent: pg_sys::SubTransactionId,
    _argument: *mut std::ffi::c_void,
) {
    // What began since has a higher number, and was inside of it.
    if event == pg_sys::SubXactEvent::SUBXACT_EVENT_ABORT_SUB {
        settle(own, false);
    }
}

/// Ends what was taken since a subtransaction began.
fn settle(since: pg_sys::SubTransactionId, committed: bool) {
    let ended: Vec<Taken> = TAKEN.with_borrow_mut(|all| {
        let (ended, open) = std::mem::take(all).into_iter().partition(|taken| taken.subtransaction >= since);
        *all = open;
        ended
    });
    if ended.is_empty() {
        return;
    }
    shared::with_quotas(|quotas| {
        for taken in ended {
            let Some(used) = quotas.get(taken.key, storage::now()) else { continue };
            used.pending -= taken.pending;
            used.committed += if committed { taken.stored } else { 0 };
        }
    });
}

/// What a signal of a quota is called, how bad it is, and the percentage that it tells of.
const LEVELS: [(&str, &str, i16); 2] = [("quota_warning", "medium", 80), ("quota_exceeded", "high", 100)];

/// For the acting tenant: folds what its batches have added, and tells of quotas that were reached; how many signals.
pub fn fold() -> Result<u64, Error> {
    Spi::run(include_str!("../sql/usage/fold.sql"))?;
    let month = days(Month::of(storage::now()));
    let reached = Spi::connect_mut(|client| {
        let rows = client.update(include_str!("../sql/usage/tell.sql"), None, &[month.into()])?;
        rows.map(|row| {
            Ok((
                (row.get::<pgrx::Uuid>(1)?, row.get::<String>(2)?, row.get::<String>(3)?),
                (row.get::<i16>(4)?, row.get::<i16>(5)?),
                (row.get::<i64>(6)?, row.get::<i64>(7)?),
            ))
        })
        .collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    let mut signals = 0;
    for (project, (told, reached), (events, quota)) in reached {
        let (Some(project_id), Some(name), Some(environment)) = project else { continue };
        let (Some(events), Some(quota)) = (events, quota) else { continue };
        let news = LEVELS.iter().filter(|(_, _, level)| told < Some(*level) && Some(*level) <= reached);
        for (rule, severity, level) in news {
            let id = crate::identity::uuid(project_id).to_string();
            let alert_key = identity::uuid_of_parts(&["alert", &id, &environment, rule, &name]);
            let arguments = [
                sql_uuid(Uuid::now_v7()).into(),
                project_id.into(),
                environment.as_str().into(),
                (*rule).into(),
                (*severity).into(),
                (events as f64).into(),
                (quota as f64 * f64::from(*level) / 100.0).into(),
                name.as_str().into(),
                sql_uuid(alert_key).into(),
                quota.into(),
                month.into(),
            ];
            Spi::run_with_args(include_str!("../sql/usage/signal.sql"), &arguments)?;
            signals += 1;
        }
    }
    Ok(signals)
}
