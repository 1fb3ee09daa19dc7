//! Settings of the workers.

use std::ffi::CString;
use std::time::Duration;

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};

/// '': every database.
static DATABASES: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c""));
static ROLLUP_INTERVAL: GucSetting<i32> = GucSetting::<i32>::new(1_000);
static DETECTION_INTERVAL: GucSetting<i32> = GucSetting::<i32>::new(15);
/// Read from the catalog, where it holds for sessions that are older than it.
static RESTORING: GucSetting<bool> = GucSetting::<bool>::new(false);

/// From the definition of all settings.
pub fn define() {
    GucRegistry::define_string_guc(
        c"observa.databases",
        c"Databases, separated by commas, that workers keep in order; '': every one with the extension",
        c"Names as pg_database has them, without quotation marks.",
        &DATABASES,
        GucContext::Sighup,
        GucFlags::empty(),
    );
    GucRegistry::define_int_guc(
        c"observa.rollup_interval",
        c"How often what ingest has appended is folded into rollups; less often while nothing arrives",
        c"",
        &ROLLUP_INTERVAL,
        100,
        3_600_000,
        GucContext::Sighup,
        GucFlags::UNIT_MS,
    );
    GucRegistry::define_int_guc(
        c"observa.detection_interval",
        c"How often rules over windows are evaluated",
        c"",
        &DETECTION_INTERVAL,
        1,
        3_600,
        GucContext::Sighup,
        GucFlags::UNIT_S,
    );
    GucRegistry::define_bool_guc(
        c"observa.restoring",
        c"Set for a database by observa.pre_restore(), which holds all jobs there",
        c"",
        &RESTORING,
        GucContext::Suset,
        GucFlags::DISALLOW_IN_FILE,
    );
}

/// Whether workers keep a database in order, if it has the extension.
pub fn is_kept(database: &str) -> bool {
    let names = DATABASES.get().unwrap_or_default();
    let names = names.to_string_lossy();
    names.trim().is_empty() || names.split(',').any(|name| name.trim() == database)
}

/// Between two folds of rollups.
pub fn rollup_interval() -> Duration {
    Duration::from_millis(u64::try_from(ROLLUP_INTERVAL.get()).unwrap_or_default())
}

/// Between two evaluations of rules over windows.
pub fn detection_interval() -> Duration {
    Duration::from_secs(u64::try_from(DETECTION_INTERVAL.get()).unwrap_or_default())
}
