//! Settings under `observa.`, and the limits of a batch made of them.

use std::ffi::{CStr, CString};

use observa_pipeline::bucket::Rate;
use observa_pipeline::settings::Settings;
use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};
use pgrx::pg_sys;

use crate::analysis;
use crate::analysis::settings::Sampling;
use crate::days;
use crate::error::Error;
use crate::worker;

const SECOND: i64 = 1_000_000;
const DAY_S: i32 = 86_400;

static MAX_BATCH_BYTES: GucSetting<i32> = GucSetting::<i32>::new(10 << 20);
static MAX_BATCH_EVENTS: GucSetting<i32> = GucSetting::<i32>::new(100_000);
static MAX_LINE_BYTES: GucSetting<i32> = GucSetting::<i32>::new(1 << 20);
static MAX_DEPTH: GucSetting<i32> = GucSetting::<i32>::new(128);
static MAX_ID_BYTES: GucSetting<i32> = GucSetting::<i32>::new(512);
static METRICS_MINUTE_DAYS: GucSetting<i32> = GucSetting::<i32>::new(45);
static METRICS_HOUR_DAYS: GucSetting<i32> = GucSetting::<i32>::new(400);
static MAX_SERIES: GucSetting<i32> = GucSetting::<i32>::new(10_000);
static SERIES_DAYS: GucSetting<i32> = GucSetting::<i32>::new(30);
static MAX_USERS_PER_HOUR: GucSetting<i32> = GucSetting::<i32>::new(100_000);
static MAX_REJECTED_EVENTS: GucSetting<i32> = GucSetting::<i32>::new(10_000);
static MAX_REJECTED_BYTES: GucSetting<i32> = GucSetting::<i32>::new(64 << 20);
static REJECTED_EVENTS_DAYS: days::Setting = days::Setting::new(Some(c"30"));
static MAX_VALUES_PER_TAG: GucSetting<i32> = GucSetting::<i32>::new(1_000);
static AUDIT_RETENTION: GucSetting<i32> = GucSetting::<i32>::new(730 * DAY_S);
static WINDOW_PAST: GucSetting<i32> = GucSetting::<i32>::new(30 * DAY_S);
static WINDOW_FUTURE: GucSetting<i32> = GucSetting::<i32>::new(DAY_S);
static REQUESTS_PER_IP: GucSetting<i32> = GucSetting::<i32>::new(0);
static REQUESTS_PER_IP_WINDOW: GucSetting<i32> = GucSetting::<i32>::new(15 * 60);
static REQUESTS_PER_KEY: GucSetting<i32> = GucSetting::<i32>::new(0);
static EVENTS_PER_MINUTE: GucSetting<i32> = GucSetting::<i32>::new(0);
static SCRUB_EMAILS: GucSetting<bool> = GucSetting::<bool>::new(true);
static QUALITY_SCORES: GucSetting<bool> = GucSetting::<bool>::new(true);
static BUILTIN_PRICES: GucSetting<bool> = GucSetting::<bool>::new(true);

/// Who this transaction acts for. Native code alone sets it, for the time of a call: so it ends at the latest with the
/// transaction or the savepoint, and reaches parallel workers. PGC_SUSET keeps clients from setting it.
static ACTING: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static RETENTION_DAYS: days::Setting = days::Setting::new(Some(c"0"));
static PAYLOAD_RETENTION_DAYS: days::Setting = days::Setting::new(Some(c"0"));
static ARCHIVE_DIRECTORY: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static WEBHOOK_ALLOW_PRIVATE: GucSetting<bool> = GucSetting::<bool>::new(false);
static ALLOW_SIGNUP: GucSetting<bool> = GucSetting::<bool>::new(false);
static JWT_SECRET_FILE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static JWT_ROLE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c"authenticated"));
static CLIENT_ADDRESS_HEADER: GucSetting<Option<CString>> =
    GucSetting::<Option<CString>>::new(Some(c"x-real-ip"));
static TRUSTED_LOGINS: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
pub const ACTING_NAME: &CStr = c"observa.acting";

struct Limit {
    name: &'static CStr,
    about: &'static CStr,
    setting: &'static GucSetting<i32>,
    min: i32,
    max: i32,
    unit: GucFlags,
}

/// A client must not raise its own limits: all are for superusers, in postgresql.conf, for a role or a database.
static LIMITS: [Limit; 20] = [
    Limit {
        name: c"observa.metrics_minute_days",
        about: c"Days that metrics are kept by the minute; hours, days and weeks are kept longer",
        setting: &METRICS_MINUTE_DAYS,
        min: 1,
        max: days::MOST,
        unit: GucFlags::empty(),
    },
    Limit {
        name: c"observa.metrics_hour_days",
        about: c"Days that metrics are kept by the hour, those of end users among them; days and weeks are kept for ever",
        setting: &METRICS_HOUR_DAYS,
        min: 1,
        max: days::MOST,
        unit: GucFlags::empty(),
    },
    Limit {
        name: c"observa.max_series",
        about: c"Most combinations of names that a tenant's metrics are told apart by; what comes beyond is counted under other",
        setting: &MAX_SERIES,
        min: 100,
        max: 1_000_000,
        unit: GucFlags::empty(),
    },
    Limit {
        name: c"observa.series_days",
        about: c"Days after which a combination of names that has not come again counts no more against observa.max_series",
        setting: &SERIES_DAYS,
        min: 1,
        max: days::MOST,
        unit: GucFlags::empty(),
    },
    Limit {
        name: c"observa.max_users_per_hour",
        about: c"Most end users that a tenant's metrics tell apart in an hour; who comes beyond is counted under other",
        setting: &MAX_USERS_PER_HOUR,
        min: 100,
        max: 10_000_000,
        unit: GucFlags::empty(),
    },
    Limit {
        name: c"observa.max_values_per_tag",
        about: c"Most values of a tag that a tenant's metrics tell apart in an hour; what comes beyond is counted under other",
        setting: &MAX_VALUES_PER_TAG,
        min: 10,
        max: 1_000_000,
        unit: GucFlags::empty(),
    },
    Limit {
        name: c"observa.max_rejected_events",
        about: c"Most dead letters that a tenant has; of lines that are rejected beyond none is kept",
        setting: &MAX_REJECTED_EVENTS,
        min: 0,
        max: 1_000_000,
        unit: GucFlags::empty(),
    },
    Limit {
        name: c"observa.max_rejected_bytes",
        about: c"Most that the text of a tenant's dead letters adds up to, before compression",
        setting: &MAX_REJECTED_BYTES,
        min: 1_024,
        max: i32::MAX,
        unit: GucFlags::UNIT_BYTE,
    },
    Limit {
        name: c"observa.audit_retention",
        about: c"How long rows of observa.audit_log are kept",
        setting: &AUDIT_RETENTION,
        min: DAY_S,
        max: 20_000 * DAY_S,
        unit: GucFlags::UNIT_S,
    },
    Limit {
        name: c"observa.max_batch_bytes",
        about: c"Largest body that observa.ingest takes, also after unpacking",
        setting: &MAX_BATCH_BYTES,
        min: 1_024,
        max: 256 << 20,
        unit: GucFlags::UNIT_BYTE,
    },
    Limit {
        name: c"observa.max_batch_events",
        about: c"Most events that observa.ingest takes in one body",
        setting: &MAX_BATCH_EVENTS,
        min: 1,
        max: 1_000_000,
        unit: GucFlags::empty(),
    },
    Limit {
        name: c"observa.max_line_bytes",
        about: c"Largest event; a larger one is rejected alone",
        setting: &MAX_LINE_BYTES,
        min: 256,
        max: 64 << 20,
        unit: GucFlags::UNIT_BYTE,
    },
    Limit {
        name: c"observa.max_depth",
        about: c"Deepest nesting of an event's JSON",
        setting: &MAX_DEPTH,
        min: 4,
        max: 1_000,
        unit: GucFlags::empty(),
    },
    Limit {
        name: c"observa.max_id_bytes",
        about: c"Longest identifier or name in an event",
        setting: &MAX_ID_BYTES,
        min: 64,
        // Three of them and the rest of a key must stay under the 2,704 bytes that a btree takes.
        max: 800,
        unit: GucFlags::UNIT_BYTE,
    },
    Limit {
        name: c"observa.ingest_window_past",
        about: c"How old an event may be when it arrives; days before the last 45 have no partition until an event of theirs comes",
        setting: &WINDOW_PAST,
        min: 3_600,
        // Each day costs a statement over all of them some 20 locks, and the lock table of a default server holds some 6,400.
        max: 400 * DAY_S,
        unit: GucFlags::UNIT_S,
    },
    Limit {
        name: c"observa.ingest_window_future",
        about: c"How far ahead of the server's clock an event's time may be",
        setting: &WINDOW_FUTURE,
        min: 60,
        max: 7 * DAY_S,
        unit: GucFlags::UNIT_S,
    },
    Limit {
        name: c"observa.requests_per_ip",
        about: c"Requests over HTTP that one address may make in observa.requests_per_ip_window; 0: any number",
        setting: &REQUESTS_PER_IP,
        min: 0,
        max: 1_000_000_000,
        unit: GucFlags::empty(),
    },
    Limit {
        name: c"observa.requests_per_ip_window",
        about: c"The time that observa.requests_per_ip counts over",
        setting: &REQUESTS_PER_IP_WINDOW,
        min: 1,
        max: DAY_S,
        unit: GucFlags::UNIT_S,
    },
    Limit {
        name: c"observa.requests_per_key",
        about: c"Requests over HTTP that one API key may make in a minute; 0: any number",
        setting: &REQUESTS_PER_KEY,
        min: 0,
        max: 1_000_000_000,
        unit: GucFlags::empty(),
    },
    Limit {
        name: c"observa.events_per_minute",
        about: c"Events that a tenant may send in a minute, projects with a limit of their own aside; 0: any number",
        setting: &EVENTS_PER_MINUTE,
        min: 0,
        max: 1_000_000_000,
        unit: GucFlags::empty(),
    },
];

pub fn define() {
    for limit in &LIMITS {
        GucRegistry::define_int_guc(
            limit.name,
            limit.about,
            c"",
            limit.setting,
            limit.min,
            limit.max,
            GucContext::Suset,
            limit.unit,
        );
    }
    days::define(
        c"observa.retention_days",
        c"How long events, signals and ended alerts are kept, for projects that do not decide it themselves",
        &RETENTION_DAYS,
    );
    days::define(
        c"observa.payload_retention_days",
        c"How long prompts, answers, attributes, logs and dead letters are kept, for projects that do not decide it themselves",
        &PAYLOAD_RETENTION_DAYS,
    );
    days::define(
        c"observa.rejected_events_days",
        c"How long dead letters are kept, at most as long as payloads",
        &REJECTED_EVENTS_DAYS,
    );
    define_text(
        c"observa.archive_directory",
        c"Directory of the server that a day is written to as a Parquet file before it is dropped; empty: none is",
        &ARCHIVE_DIRECTORY,
        GucFlags::SUPERUSER_ONLY,
    );
    define_switch(
        c"observa.scrub_emails",
        c"Whether e-mail addresses are replaced, for projects that do not decide it themselves",
        &SCRUB_EMAILS,
    );
    define_switch(
        c"observa.quality_scores",
        c"Whether answers are scored by heuristics where the client sends no scores, for projects that do not decide it themselves",
        &QUALITY_SCORES,
    );
    define_switch(
        c"observa.builtin_prices",
        c"Whether the prices that come with Observa count, where no other price is set or loaded",
        &BUILTIN_PRICES,
    );
    define_switch(
        c"observa.webhook_allow_private",
        c"Whether webhooks may lead to private addresses, and over plain HTTP",
        &WEBHOOK_ALLOW_PRIVATE,
    );
    define_switch(
        c"observa.allow_signup",
        c"Whether anybody who may call observa.signup makes an account and a tenant",
        &ALLOW_SIGNUP,
    );
    define_text(
        c"observa.jwt_secret_file",
        c"File with the secret, of 32 bytes or more, that JWTs are signed with; PostgREST's jwt-secret is the same",
        &JWT_SECRET_FILE,
        GucFlags::SUPERUSER_ONLY,
    );
    define_text(
        c"observa.jwt_role",
        c"The database role that a JWT of observa.login names",
        &JWT_ROLE,
        GucFlags::empty(),
    );
    define_text(
        c"observa.trusted_logins",
        c"Logins, separated by commas, that pass on requests and the claims of JWTs they have verified, as PostgREST's does",
        &TRUSTED_LOGINS,
        GucFlags::empty(),
    );
    define_text(
        c"observa.client_address_header",
        c"The one header in which the proxy in front of PostgREST writes who asks; of several addresses in it the last counts",
        &CLIENT_ADDRESS_HEADER,
        GucFlags::empty(),
    );
    worker::settings::define();
    analysis::settings::define();
    GucRegistry::define_string_guc(
        ACTING_NAME,
        c"Tenant and project that the transaction acts for; set by Observa alone",
        c"",
        &ACTING,
        GucContext::Suset,
        GucFlags::NO_SHOW_ALL | GucFlags::NO_RESET_ALL | GucFlags::DISALLOW_IN_FILE,
    );
    // SAFETY: a constant C string, in _PG_init, after the settings of the prefix are defined.
    unsafe { pg_sys::MarkGUCPrefixReserved(c"observa".as_ptr()) };
}

fn define_switch(name: &'static CStr, about: &'static CStr, setting: &'static GucSetting<bool>) {
    GucRegistry::define_bool_guc(name, about, c"", setting, GucContext::Suset, GucFlags::empty());
}

fn define_text(
    name: &'static CStr,
    about: &'static CStr,
    setting: &'static GucSetting<Option<CString>>,
    flags: GucFlags,
) {
    GucRegistry::define_string_guc(name, about, c"", setting, GucContext::Suset, flags);
}

pub fn limits() -> Settings {
    let bytes = |setting: &GucSetting<i32>| usize::try_from(setting.get()).unwrap_or_default();
    Settings {
        max_batch_bytes: bytes(&MAX_BATCH_BYTES),
        max_batch_events: bytes(&MAX_BATCH_EVENTS),
        max_line_bytes: bytes(&MAX_LINE_BYTES),
        max_depth: bytes(&MAX_DEPTH),
        max_id_bytes: bytes(&MAX_ID_BYTES),
        window_past: i64::from(WINDOW_PAST.get()) * SECOND,
        window_future: i64::from(WINDOW_FUTURE.get()) * SECOND,
    }
}

fn rate(setting: &GucSetting<i32>, window_s: i32) -> Option<Rate> {
    let most = u32::try_from(setting.get()).unwrap_or_default();
    (most > 0).then(|| Rate { most, window: i64::from(window_s) * SECOND })
}

/// None: any number.
pub fn requests_per_ip() -> Option<Rate> {
    rate(&REQUESTS_PER_IP, REQUESTS_PER_IP_WINDOW.get())
}

/// None: any number.
pub fn requests_per_key() -> Option<Rate> {
    rate(&REQUESTS_PER_KEY, 60)
}

/// Whether webhooks may lead to where only this server gets.
pub fn webhook_allow_private() -> bool {
    WEBHOOK_ALLOW_PRIVATE.get()
}

/// Of a tenant. None: any number.
pub fn events_per_minute() -> Option<Rate> {
    rate(&EVENTS_PER_MINUTE, 60)
}

pub fn metrics_minute_days() -> i32 {
    METRICS_MINUTE_DAYS.get()
}

pub fn metrics_hour_days() -> i32 {
    METRICS_HOUR_DAYS.get()
}

/// Of a tenant's metrics.
pub fn max_series() -> usize {
    usize::try_from(MAX_SERIES.get()).unwrap_or_default()
}

/// That a series counts after it has come.
pub fn series_days() -> i32 {
    SERIES_DAYS.get()
}

/// Of a tenant's metrics.
pub fn max_users_per_hour() -> usize {
    usize::try_from(MAX_USERS_PER_HOUR.get()).unwrap_or_default()
}

/// Of a tag in an hour of a tenant's metrics.
pub fn max_values_per_tag() -> usize {
    usize::try_from(MAX_VALUES_PER_TAG.get()).unwrap_or_default()
}

/// Of what is told of events. None: for ever.
pub fn retention_days() -> Option<i32> {
    days::get(&RETENTION_DAYS)
}

/// Of what was said in them. None: for ever.
pub fn payload_retention_days() -> Option<i32> {
    days::get(&PAYLOAD_RETENTION_DAYS)
}

/// Of a tenant's.
pub fn max_rejected_events() -> i64 {
    i64::from(MAX_REJECTED_EVENTS.get())
}

/// Of a tenant's.
pub fn max_rejected_bytes() -> i64 {
    i64::from(MAX_REJECTED_BYTES.get())
}

/// Of dead letters. None: as long as payloads.
pub fn rejected_events_days() -> Option<i32> {
    days::get(&REJECTED_EVENTS_DAYS)
}

/// None: days are dropped without an archive.
pub fn archive_directory() -> Option<String> {
    let directory = ARCHIVE_DIRECTORY.get()?.to_string_lossy().into_owned();
    (!directory.is_empty()).then_some(directory)
}

/// Runs something with a setting of its own, as a function's SET does it: what held before holds again at its end, and at its
/// error's.
pub fn with<T>(name: &CStr, value: &CStr, run: impl FnOnce() -> T) -> T {
    with_all(&[(name, value)], run)
}

/// As `with`, of several.
pub fn with_all<T>(settings: &[(&CStr, &CStr)], run: impl FnOnce() -> T) -> T {
    // SAFETY: C strings that live through the call; Postgres copies the value. The level is closed here, or by the end of the
    // (sub)transaction that an error of `run` is.
    unsafe {
        let level = pg_sys::NewGUCNestLevel();
        for (name, value) in settings {
            pg_sys::set_config_option(
                name.as_ptr(),
                value.as_ptr(),
                pg_sys::GucContext::PGC_SUSET,
                pg_sys::GucSource::PGC_S_SESSION,
                pg_sys::GucAction::GUC_ACTION_SAVE,
                true,
                0,
                false,
            );
        }
        let result = run();
        pg_sys::AtEOXact_GUC(true, level);
        result
    }
}

/// What is on or off for all projects that do not decide it themselves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Switches {
    pub scrub_emails: bool,
    pub quality_scores: bool,
    pub builtin_prices: bool,
    pub sampling: Sampling,
}

impl Switches {
    pub const BUILT_IN: Switches = Switches {
        scrub_emails: true,
        quality_scores: true,
        builtin_prices: true,
        sampling: Sampling { judge_rate: None, embedding_rate: 0.0 },
    };
}

pub fn switches() -> Switches {
    Switches {
        scrub_emails: SCRUB_EMAILS.get(),
        quality_scores: QUALITY_SCORES.get(),
        builtin_prices: BUILTIN_PRICES.get(),
        sampling: analysis::settings::sampling(),
    }
}

/// Sets a setting to the transaction's or savepoint's end. Also inside of a function with settings of its own: they end with it,
/// this does not.
pub fn set_local(name: &CStr, value: &CStr) {
    // SAFETY: C strings that live through the call; Postgres copies the value.
    unsafe {
        pg_sys::set_config_option(
            name.as_ptr(),
            value.as_ptr(),
            pg_sys::GucContext::PGC_SUSET,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_LOCAL,
            true,
            0,
            false,
        );
    }
}

/// As [`set_local`]; a text with a NUL in it sets nothing.
pub fn set_local_text(name: &CStr, value: &str) {
    if let Ok(value) = CString::new(value) {
        set_local(name, &value);
    }
}

pub fn allows_signup() -> bool {
    ALLOW_SIGNUP.get()
}

pub fn jwt_role() -> String {
    JWT_ROLE.get().map(|role| role.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The secret of JWTs, without the line end that editors leave. Read at each sign-in, which is rare: a new one counts at once.
pub fn jwt_secret() -> Result<Vec<u8>, Error> {
    let file = JWT_SECRET_FILE.get().filter(|file| !file.is_empty());
    let file =
        file.ok_or_else(|| Error::NotReady("observa.jwt_secret_file is not set: nothing signs JWTs".into()))?;
    let secret = std::fs::read(file.to_string_lossy().as_ref())
        .map_err(|error| Error::NotReady(format!("observa.jwt_secret_file can't be read: {error}")))?;
    let secret = secret.trim_ascii_end().to_vec();
    if secret.len() < 32 {
        return Err(Error::NotReady("the secret in observa.jwt_secret_file has fewer than 32 bytes".into()));
    }
    Ok(secret)
}

/// In lower case, as requests keep theirs.
pub fn client_address_header() -> String {
    CLIENT_ADDRESS_HEADER
        .get()
        .map(|name| name.to_string_lossy().trim().to_ascii_lowercase())
        .unwrap_or_default()
}

pub fn trusted_logins() -> Option<CString> {
    TRUSTED_LOGINS.get()
}

/// What `observa.acting` holds now.
pub fn acting() -> Option<CString> {
    ACTING.get()
}
