//! Settings of the server that hurt, why, and what to set.

use std::ffi::{CStr, CString};

use pgrx::pg_sys;
use pgrx::prelude::*;
use serde_json::{Map, Value, json};

use super::Found;
use crate::error::Error;

/// A setting that may be wrong.
struct Check {
    name: &'static CStr,
    is_wrong: fn(&str) -> Result<bool, Error>,
    why: &'static str,
    set: &'static str,
    /// What is wrong degrades the whole; what is not is only told.
    degrades: bool,
}

const CHECKS: [Check; 13] = [
    Check {
        name: c"fsync",
        is_wrong: |value| Ok(value == "off"),
        why: "a crash of the host can lose or damage events that were acknowledged",
        set: "on",
        degrades: true,
    },
    Check {
        name: c"full_page_writes",
        is_wrong: |value| Ok(value == "off"),
        why: "a page that a crash of the host has half written can't be mended",
        set: "on",
        degrades: true,
    },
    Check {
        name: c"synchronous_commit",
        is_wrong: |value| Ok(value == "off"),
        why: "a crash loses the events that were acknowledged in the last moments before it",
        set: "on",
        degrades: true,
    },
    Check {
        name: c"autovacuum",
        is_wrong: |value| Ok(value == "off"),
        why: "tables that jobs move rows through grow without end, and plans are made from old statistics",
        set: "on",
        degrades: true,
    },
    Check {
        name: c"track_counts",
        is_wrong: |value| Ok(value == "off"),
        why: "autovacuum does not see what has changed, and does nothing",
        set: "on",
        degrades: true,
    },
    Check {
        name: c"enable_partition_pruning",
        is_wrong: |value| Ok(value == "off"),
        why: "each query reads every day",
        set: "on",
        degrades: true,
    },
    Check {
        name: c"wal_level",
        is_wrong: |value| Ok(value != "logical" && is_published()?),
        why: "alerts or signals are in a publication (observa.publish_realtime), which sends nothing without it",
        set: "logical, and restart",
        degrades: true,
    },
    Check {
        name: c"default_transaction_read_only",
        is_wrong: |value| Ok(value == "on"),
        why: "sessions that do not ask for more can store no event",
        set: "off",
        degrades: true,
    },
    Check {
        name: c"max_worker_processes",
        is_wrong: |value| Ok(number(value) < number(&setting(c"max_parallel_workers")) + 3),
        why: "parallel queries can take every process, and none is left for the launcher and this database's two workers",
        set: "8 + 1 + 2 * databases with the extension, and restart",
        degrades: false,
    },
    Check {
        name: c"max_locks_per_transaction",
        is_wrong: |value| Ok(needed_locks()? * 2 > number(value) * sessions()),
        why: "a statement over all days takes some 20 locks for each, and two at once would find the lock table full",
        set: "twice as many, and restart",
        degrades: false,
    },
    Check {
        name: c"idle_in_transaction_session_timeout",
        is_wrong: |value| Ok(value == "0"),
        why: "a transaction that was left open holds up vacuum, and others where it has made a partition",
        set: "5min, or what your longest transaction takes",
        degrades: false,
    },
    Check {
        name: c"jit",
        is_wrong: |value| Ok(value == "on"),
        why: "for queries over many partitions compiling takes longer than running",
        set: "off",
        degrades: false,
    },
    Check {
        name: c"checkpoint_completion_target",
        is_wrong: |value| Ok(value.parse::<f64>().is_ok_and(|target| target < 0.5)),
        why: "checkpoints write all at once, and ingest waits for the disk meanwhile",
        set: "0.9",
        degrades: false,
    },
];

/// With the rights of who asks.
pub fn look() -> Result<Found, Error> {
    let mut found = Vec::new();
    let mut degrades = false;
    for check in &CHECKS {
        let value = setting(check.name);
        if !(check.is_wrong)(&value)? {
            continue;
        }
        degrades |= check.degrades;
        let name = check.name.to_string_lossy();
        found.push(json!({
            "name": name, "value": value, "why": check.why, "set": check.set, "degrades": check.degrades,
        }));
    }
    let mut more = Map::new();
    more.insert("found".into(), Value::Array(found));
    let wrong = ("harmful", "found says which settings of the server hurt, why, and what to set");
    Ok(Found::told(degrades.then_some(wrong), more))
}

/// As SHOW has it, without its unit; empty: there is no such setting in this version.
fn setting(name: &CStr) -> String {
    // SAFETY: a C string that lives through the call; what comes back is Postgres' own, and copied at once. None of the names
    // asked for is hidden from anybody.
    unsafe {
        let value = pg_sys::GetConfigOption(name.as_ptr(), true, false);
        if value.is_null() { CString::default() } else { CStr::from_ptr(value).to_owned() }
    }
    .to_string_lossy()
    .into_owned()
}

fn number(value: &str) -> i64 {
    value.parse().unwrap_or_default()
}

fn sessions() -> i64 {
    number(&setting(c"max_connections")) + number(&setting(c"max_prepared_transactions"))
}

fn needed_locks() -> Result<i64, Error> {
    let days = Spi::get_one::<i64>(include_str!("../../sql/health/days.sql"))?;
    Ok(days.unwrap_or_default() * 20)
}

fn is_published() -> Result<bool, Error> {
    Ok(Spi::get_one(include_str!("../../sql/health/published.sql"))?.unwrap_or_default())
}
