//! What runs, and what is missing: for load balancers, and for people.

use pgrx::JsonB;
use pgrx::prelude::*;
use serde_json::{Value, json};

use crate::analysis;
use crate::analysis::settings::Kind;
use crate::error::or_raise;
use crate::shared;
use crate::storage;

#[pg_extern(sql = false)]
fn version() -> JsonB {
    // SAFETY: reads whether the server takes writes.
    let in_recovery = unsafe { pg_sys::RecoveryInProgress() };
    JsonB(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "postgres": pg_sys::PG_VERSION.to_string_lossy(),
        "standby": in_recovery,
    }))
}

#[pg_extern(sql = false)]
fn health() -> JsonB {
    JsonB(json!({ "status": if storage::exists() { "ok" } else { "no_storage" } }))
}

/// A part of the whole, whether it works, and what to do where it does not.
struct Check {
    name: &'static str,
    works: fn() -> bool,
    otherwise: &'static str,
}

const CHECKS: [Check; 2] = [
    Check {
        name: "storage",
        works: storage::exists,
        otherwise: "a superuser must run SELECT observa.setup()",
    },
    Check {
        name: "limits",
        works: shared::is_there,
        otherwise: "rate limits and quotas are off: shared_preload_libraries does not name observa",
    },
];

#[pg_extern(sql = false)]
fn health_detailed() -> JsonB {
    let checks: serde_json::Map<String, Value> = CHECKS
        .iter()
        .map(|check| {
            let works = (check.works)();
            let status = if works { "ok" } else { "off" };
            let message = (!works).then_some(check.otherwise);
            (check.name.to_owned(), json!({ "status": status, "message": message }))
        })
        .collect();
    let all = checks.values().all(|check| check["status"] == "ok");
    let status = match storage::exists() {
        false => "no_storage",
        true if all => "ok",
        true => "degraded",
    };
    JsonB(json!({
        "status": status,
        "preloaded": shared::is_there(),
        "checks": checks,
        "judge": or_raise(analysis::health::of(Kind::Judge)),
        "embeddings": or_raise(analysis::health::of(Kind::Embedding)),
    }))
}
