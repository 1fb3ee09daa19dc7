//! What must happen from time to time, whoever does it: a worker of the server's, `observa-worker` over a connection, or somebody
//! who calls observa.run_maintenance().

pub mod due;
pub mod failure;
pub mod ledger;
pub mod tenants;

use std::time::Duration;

use observa_pipeline::settings::DAY;

use crate::accounts;
use crate::analysis;
use crate::archive;
use crate::audit;
use crate::budgets;
use crate::detection;
use crate::detectors;
use crate::embeddings;
use crate::error::Error;
use crate::issues;
use crate::key_uses;
use crate::manner;
use crate::matviews;
use crate::outbox;
use crate::patience::Patience;
use crate::recheck;
use crate::retention;
use crate::rollups;
use crate::service_alerts;
use crate::span_contents;
use crate::storage;
use crate::traces;
use crate::usage;
use crate::worker;

pub struct Job {
    pub name: &'static str,
    /// How often it is due; less often while it finds nothing to do ([`pause`]).
    pub every: fn() -> Duration,
    /// The key of its rows in the answer of observa.run_maintenance(). None: they are not told there.
    pub told_as: Option<&'static str>,
    pub run: fn(&mut Patience) -> Result<Done, Error>,
}

/// What a run has done.
#[derive(Default)]
pub struct Done {
    /// In what the job counts. 0: there was nothing to do.
    pub rows: u64,
    /// Age in seconds of the oldest thing that it found undone. None: the job has no such thing.
    pub lag_s: Option<f64>,
    /// None: it went well.
    pub setback: Option<Setback>,
    /// It ended in time, before its work did: it is due at once.
    pub is_cut_short: bool,
}

/// The job fails for some tenants, and what it did for the others is kept.
pub struct Setback {
    /// SQLSTATE and message of one of them, without values, and of how many.
    pub text: String,
    /// False: this run has left alone those for whom it failed before.
    pub is_new: bool,
    pub some_went_well: bool,
    /// Until the first of them is due again.
    pub retry: Duration,
}

impl Done {
    pub fn rows(rows: u64) -> Done {
        Done { rows, ..Done::default() }
    }
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// In the order of a round: an archive takes long, so it comes while nothing is locked that ingest needs; what is dropped comes last, as it locks out ingest until the commit.
pub static JOBS: [Job; 28] = [
    Job {
        name: "archive",
        every: || MINUTE,
        told_as: Some("archived_partitions"),
        run: |patience| archive::empty_waiting_room(patience).map(Done::rows),
    },
    Job {
        name: "rollups",
        every: worker::settings::rollup_interval,
        told_as: Some("deltas_folded"),
        run: rollups::fold_all,
    },
    Job {
        name: "detection",
        every: worker::settings::detection_interval,
        told_as: Some("rule_changes"),
        run: detection::detect_all,
    },
    Job {
        name: "recheck",
        every: worker::settings::detection_interval,
        told_as: Some("rechecked_signals"),
        run: recheck::run_all,
    },
    Job {
        name: "detectors",
        every: worker::settings::detection_interval,
        told_as: Some("detector_signals"),
        run: detectors::run_all,
    },
    Job { name: "analyses", every: || SECOND, told_as: Some("analyses_queued"), run: analysis::enqueue },
    Job { name: "alerts", every: || SECOND, told_as: Some("alerts_told"), run: outbox::tell },
    Job {
        name: "issues",
        every: worker::settings::rollup_interval,
        told_as: Some("issue_deltas_folded"),
        run: issues::fold_all,
    },
    Job {
        name: "partitions",
        every: || 10 * MINUTE,
        told_as: Some("partitions_created"),
        run: |patience| storage::make_window(patience).map(Done::rows),
    },
    Job {
        name: "twins",
        every: || MINUTE,
        told_as: None,
        run: |patience| tenants::for_all("twins", patience, traces::settle_new),
    },
    Job {
        name: "late_twins",
        every: || 60 * MINUTE,
        told_as: None,
        run: |patience| tenants::for_all("late_twins", patience, traces::settle_late),
    },
    Job {
        name: "usage",
        every: || MINUTE / 2,
        told_as: Some("quota_signals"),
        run: |patience| tenants::for_all("usage", patience, usage::fold),
    },
    Job {
        name: "audit",
        every: || 60 * MINUTE,
        told_as: None,
        run: |patience| tenants::for_all("audit", patience, audit::forget),
    },
    Job {
        name: "budgets",
        every: || MINUTE / 2,
        told_as: Some("budget_signals"),
        run: |patience| tenants::for_all("budgets", patience, budgets::tell),
    },
    Job {
        name: "services",
        every: || MINUTE / 2,
        told_as: Some("service_signals"),
        run: |patience| tenants::for_all("services", patience, service_alerts::tell),
    },
    Job {
        name: "sessions",
        every: || 60 * MINUTE,
        told_as: None,
        run: |_| accounts::forget_sessions().map(Done::rows),
    },
    Job {
        name: "span_contents",
        every: || 10 * MINUTE,
        told_as: None,
        run: |patience| {
            tenants::for_all("span_contents", patience, || {
                span_contents::forget(storage::now() - KEY_DAYS * DAY)
            })
        },
    },
    Job { name: "key_uses", every: || MINUTE / 2, told_as: Some("keys_used"), run: key_uses::fold },
    Job {
        name: "analysis_history",
        every: || 10 * MINUTE,
        told_as: None,
        run: |patience| tenants::for_all("analysis_history", patience, analysis::tidy),
    },
    Job {
        name: "drift",
        every: || 60 * MINUTE,
        told_as: Some("drift_signals"),
        run: |patience| tenants::for_all("drift", patience, embeddings::watch),
    },
    Job { name: "vector_index", every: || 10 * MINUTE, told_as: None, run: embeddings::make_indexes },
    Job {
        name: "answers",
        every: || 60 * MINUTE,
        told_as: Some("answer_signals"),
        run: |patience| tenants::for_all("answers", patience, manner::watch),
    },
    Job {
        name: "notifications",
        every: || 10 * MINUTE,
        told_as: None,
        run: |patience| tenants::for_all("notifications", patience, outbox::tidy),
    },
    Job {
        name: "matviews",
        every: || 10 * MINUTE,
        told_as: Some("matviews_refreshed"),
        run: |_| matviews::refresh().map(Done::rows),
    },
    Job {
        name: "retention",
        every: || MINUTE / 6,
        told_as: Some("expired_rows"),
        run: retention::delete_rows,
    },
    Job { name: "old_buckets", every: || 10 * MINUTE, told_as: None, run: retention::delete_buckets },
    Job {
        name: "expired_days",
        every: || 10 * MINUTE,
        told_as: Some("expired_partitions"),
        run: |patience| retention::drop_days(patience).map(Done::rows),
    },
    Job {
        name: "key_partitions",
        every: || 10 * MINUTE,
        told_as: Some("key_partitions_dropped"),
        run: |patience| {
            storage::drop_keys_before(storage::now().div_euclid(DAY) - KEY_DAYS, patience).map(Done::rows)
        },
    },
];

/// Days that ids of events without a time are kept, and contents of spans that have not come: yesterday's retry is still known today.
const KEY_DAYS: i64 = 2;

/// A job that finds nothing to do is due half as often each time, down to this: an idle database costs next to nothing.
const IDLE: Duration = Duration::from_secs(5);

/// What was postponed is tried again after so long at the latest.
const POSTPONED: Duration = MINUTE;

pub fn find(name: &str) -> Option<&'static Job> {
    JOBS.iter().find(|job| job.name == name)
}

pub fn names() -> Vec<&'static str> {
    JOBS.iter().map(|job| job.name).collect()
}

/// From a run to the next. `idle_runs`: how many found nothing to do before it, one after the other.
pub fn pause(job: &Job, done: &Done, idle_runs: i32, has_postponed: bool) -> Duration {
    if done.is_cut_short {
        return Duration::ZERO;
    }
    let usual = usual_pause(job, done, idle_runs, has_postponed);
    done.setback.as_ref().map_or(usual, |setback| usual.min(setback.retry))
}

fn usual_pause(job: &Job, done: &Done, idle_runs: i32, has_postponed: bool) -> Duration {
    let every = (job.every)();
    if has_postponed {
        return every.min(POSTPONED);
    }
    if done.rows > 0 {
        return every;
    }
    let doubled = u32::try_from(idle_runs).unwrap_or_default().saturating_add(1).min(10);
    every.saturating_mul(1 << doubled).min(IDLE.max(every))
}
