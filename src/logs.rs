//! Log lines of applications: from OTLP, and from INSERT INTO observa.logs.

use std::borrow::Cow;
use std::sync::Arc;

use observa_pipeline::batch::StoredLog;
use observa_pipeline::home::{Home, Homes, Place};
use observa_pipeline::identity;
use observa_pipeline::time;
use observa_pipeline::translate::json::{self, Object};
use observa_pipeline::validate;
use pgrx::prelude::*;
use pgrx::{AllocatedByRust, PgTrigger};
use uuid::Uuid;

use crate::columns::{self, Stamp};
use crate::error::{Error, or_raise};
use crate::identity::Acting;
use crate::ingest::SEND;
use crate::keys;
use crate::limits;
use crate::log_guard::guard_statement;
use crate::rows::{self, Rows};
use crate::settings;
use crate::storage;
use crate::tenants::Directory;
use crate::triggers;

/// What a line's level may be called, and what it is.
const LEVELS: [(&str, &str); 9] = [
    ("trace", "debug"),
    ("debug", "debug"),
    ("info", "info"),
    ("notice", "info"),
    ("warn", "warning"),
    ("warning", "warning"),
    ("error", "error"),
    ("fatal", "critical"),
    ("critical", "critical"),
];

/// A clean line, as it is stored.
pub struct LogLine {
    pub home: Arc<Home>,
    pub id: Uuid,
    /// Microseconds since 1970 UTC.
    pub ts: i64,
    pub environment: Option<String>,
    pub level: &'static str,
    pub service: Option<String>,
    pub message: String,
    pub trace_id: Option<String>,
    pub span_id: Option<String>,
    pub request_id: Option<String>,
    pub session_id: Option<String>,
    pub error_stack: Option<String>,
    pub error_code: Option<String>,
    /// A JSON object.
    pub metadata: Option<String>,
    pub redactions: u32,
}

impl LogLine {
    pub fn of_record(stored: StoredLog, stamp: Stamp) -> LogLine {
        let StoredLog { record, home, redactions } = stored;
        let attributes = Object::parse(&record.attributes).unwrap_or_default();
        let text = |key| attributes.get(key).and_then(json::string).map(Cow::into_owned);
        LogLine {
            id: record.id,
            ts: record.ts.unwrap_or(stamp.arrived),
            environment: None,
            level: record.level,
            service: record.service.map(Cow::into_owned),
            message: record.message.into_owned(),
            trace_id: record.trace_id.map(Cow::into_owned),
            span_id: record.span_id.map(Cow::into_owned),
            request_id: text("request.id").or_else(|| text("http.request.id")),
            session_id: text("session.id"),
            error_stack: text("exception.stacktrace"),
            error_code: text("exception.type").or_else(|| text("error.type")),
            metadata: Some(record.attributes.clone()),
            home,
            redactions,
        }
    }
}

/// Stores lines, each once; how many are new.
pub fn store(mut lines: Vec<LogLine>, stamp: Stamp) -> Result<u64, Error> {
    storage::ensure_partitions(lines.iter().map(|line| line.ts))?;
    lines.sort_by_key(|line| (line.home.tenant_id, line.ts, line.id));
    let mut count = 0;
    for of_tenant in lines.chunk_by(|a, b| a.home.tenant_id == b.home.tenant_id) {
        let Some(first) = of_tenant.first() else { continue };
        let acting = Acting::within(first.home.tenant_id, first.home.project_id);
        count += Acting::during(acting, || {
            rows::in_own_memory(|| {
                let rows = of_tenant.iter().map(|line| columns::LogRow { line, stamp });
                let rows = Rows::new("logs", &columns::logs(), rows)?;
                rows.run(include_str!("../sql/ingest/logs.sql"), |inserted| Ok(inserted.len() as u64))
            })
        })?;
    }
    Ok(count)
}

/// A row that can't be stored is the statement's error.
#[pg_trigger(sql = false)]
fn insert_log<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, AllocatedByRust>>, pgrx::spi::Error> {
    guard_statement();
    let data = trigger.trigger_data();
    let row = triggers::row_text(data.tg_trigtuple, data)?;
    or_raise(insert(&row));
    Ok(triggers::row(trigger)?.map(PgHeapTuple::into_owned))
}

fn insert(row: &str) -> Result<(), Error> {
    storage::ensure_for_events()?;
    keys::require(|rights| rights.ingest, SEND)?;
    let stamp = Stamp::now();
    let row = Object::parse(row).map_err(|_| Error::Invalid("the row can't be read".into()))?;
    let text = |key: &str| row.get(key).and_then(json::string);
    let (tenant, project, environment) = (text("tenant_id"), text("project_id"), text("environment"));
    let place =
        Place { tenant: tenant.as_deref(), project: project.as_deref(), environment: environment.as_deref() };
    let home =
        Directory::new()?.home(place).map_err(|reject| Error::Rejected(reject.message.into_owned()))?;
    limits::admit_line(home.tenant_id, home.project_id, stamp.arrived)?;
    let line = read(&row, home, stamp)?;
    store(vec![line], stamp).map(|_| ())
}

fn read(row: &Object, home: Arc<Home>, stamp: Stamp) -> Result<LogLine, Error> {
    let limits = settings::limits();
    let text = |key: &str| row.get(key).and_then(json::string);
    let mut redactions = 0;
    let mut clean = |text: Cow<str>| {
        let scrubbed = home.scrubber.scrub(&text);
        redactions += scrubbed.found.total();
        scrubbed.text.into_owned()
    };
    let message =
        text("message").map(&mut clean).ok_or_else(|| Error::Rejected("message is required".into()))?;
    let (service, error_stack) = (text("service").map(&mut clean), text("error_stack").map(&mut clean));
    let (error_code, environment) = (text("error_code").map(&mut clean), text("environment").map(&mut clean));
    let metadata = row.get("metadata").filter(|raw| *raw != "null").map(|raw| {
        let scrubbed = home.scrubber.scrub_json(raw);
        redactions += scrubbed.found.total();
        scrubbed.text.into_owned()
    });
    let identifier = |key: &str| -> Result<Option<String>, Error> {
        let Some(id) = text(key).filter(|id| !id.is_empty()) else { return Ok(None) };
        if id.len() > limits.max_id_bytes {
            let limit = limits.max_id_bytes;
            return Err(Error::Rejected(format!("{key} is longer than observa.max_id_bytes ({limit})")));
        }
        let kind = home.scrubber.kind_of_identifier(&id);
        Ok(Some(kind.map_or_else(
            || id.clone().into_owned(),
            |kind| identity::pseudonym(kind, &id, &home.pseudonym_key),
        )))
    };
    let ts = match text("created_at") {
        None => stamp.arrived,
        Some(time) => time::from_text(&time)
            .ok_or_else(|| Error::Rejected("created_at must be a time of the accepted window".into()))?,
    };
    validate::time(ts, &limits, stamp.arrived)
        .map_err(|reject| Error::Rejected(reject.message.into_owned()))?;
    Ok(LogLine {
        id: text("id").and_then(|id| id.parse().ok()).unwrap_or_else(Uuid::now_v7),
        ts,
        environment,
        level: level(text("level").as_deref())?,
        service,
        message,
        trace_id: identifier("trace_id")?,
        span_id: identifier("span_id")?,
        request_id: identifier("request_id")?,
        session_id: identifier("session_id")?,
        error_stack,
        error_code,
        metadata,
        redactions,
        home: Arc::clone(&home),
    })
}

fn level(word: Option<&str>) -> Result<&'static str, Error> {
    let Some(word) = word else { return Ok("info") };
    level_named(word)
        .ok_or_else(|| Error::Rejected("level must be one of debug, info, warning, error, critical".into()))
}

/// What a line is stored with that has a level of this name.
pub fn level_named(word: &str) -> Option<&'static str> {
    LEVELS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, level)| *level)
}
