//! Which column of a table holds what of an event: one table for each table.

use observa_pipeline::batch::{Ready, Rejected, StoredContent};
use observa_pipeline::event::Field;
use observa_pipeline::home::Home;
use observa_pipeline::identity;
use observa_pipeline::month::Month;
use observa_pipeline::price::{Usd, plain};
use observa_pipeline::signal::Signal;
use observa_pipeline::translate::aliases;
use pgrx::pg_sys;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::logs::LogLine;
use crate::rows::{Column, Value};
use crate::storage::{self, POSTGRES_EPOCH};

/// What all rows of a batch share.
#[derive(Clone, Copy)]
pub struct Stamp {
    pub batch_id: Uuid,
    /// Microseconds since 1970 UTC.
    pub arrived: i64,
}

impl Stamp {
    /// Of a batch that arrives now.
    pub fn now() -> Stamp {
        Stamp { batch_id: Uuid::now_v7(), arrived: storage::now() }
    }
}

pub struct EventRow<'b> {
    pub ready: &'b Ready<'b>,
    pub stamp: Stamp,
}

pub struct SignalRow<'b> {
    pub ready: &'b Ready<'b>,
    pub signal: &'b Signal,
    pub issue_id: Uuid,
    /// Hash of what an alert is about, short enough for an index. None: the signal raises none.
    pub alert_key: Option<Uuid>,
}

pub struct RejectedRow<'b> {
    pub rejected: &'b Rejected,
    pub home: &'b Home,
    /// Who sent it could write for any tenant.
    pub any_tenant: bool,
    pub stamp: Stamp,
}

pub struct LogRow<'b> {
    pub line: &'b LogLine,
    pub stamp: Stamp,
}

pub struct ContentRow<'b> {
    pub stored: &'b StoredContent<'b>,
    pub stamp: Stamp,
}

/// Events that a batch has added to a project.
pub struct UsageRow {
    pub home: (Uuid, Uuid),
    pub month: Month,
    pub events: u64,
}

pub fn text(text: &str) -> Option<pg_sys::Datum> {
    text.into_datum()
}

/// NULL where there are none.
fn texts_or_none(texts: &[String]) -> Option<pg_sys::Datum> {
    if texts.is_empty() { None } else { texts.iter().map(String::as_str).collect::<Vec<&str>>().into_datum() }
}

pub fn uuid(id: Uuid) -> Option<pg_sys::Datum> {
    pgrx::Uuid::from_bytes(id.into_bytes()).into_datum()
}

pub fn time(micros: i64) -> Option<pg_sys::Datum> {
    Some(pg_sys::Datum::from(micros - POSTGRES_EPOCH))
}

pub fn money(usd: &Usd) -> Option<pg_sys::Datum> {
    pgrx::AnyNumeric::try_from(plain(usd).as_str()).ok().and_then(IntoDatum::into_datum)
}

/// Valid JSON, whose depth and numbers were checked: Postgres can take it.
fn jsonb(json: &str) -> Option<pg_sys::Datum> {
    let json = std::ffi::CString::new(json).ok()?;
    // SAFETY: jsonb_in takes a C string and returns a datum in the current context.
    unsafe {
        pgrx::direct_function_call_as_datum(pg_sys::jsonb_in, &[Some(pg_sys::Datum::from(json.as_ptr()))])
    }
}

/// The columns of `events` that are short texts of the event.
fn texts<'b>() -> [(&'static str, Value<EventRow<'b>>); 19] {
    [
        ("event_id", |row| field(row, Field::EventId)),
        ("observation_type", |row| {
            text(
                row.ready
                    .event
                    .text(Field::ObservationType)
                    .unwrap_or(row.ready.event.event_type.observation_type()),
            )
        }),
        ("trace_id", |row| field(row, Field::TraceId)),
        ("span_id", |row| field(row, Field::SpanId)),
        ("parent_span_id", |row| field(row, Field::ParentSpanId)),
        ("conversation_id", |row| field(row, Field::ConversationId)),
        ("session_id", |row| field(row, Field::SessionId)),
        ("user_id", |row| field(row, Field::UserId)),
        ("agent_name", |row| field(row, Field::AgentName)),
        ("version", |row| field(row, Field::Version)),
        ("route", |row| field(row, Field::Route)),
        ("name", |row| field(row, Field::Name)),
        ("provider", |row| field(row, Field::Provider)),
        ("model", |row| field(row, Field::Model).or_else(|| field(row, Field::ResponseModel))),
        ("response_model", |row| field(row, Field::ResponseModel)),
        ("response_id", |row| field(row, Field::ResponseId)),
        ("tool_name", |row| field(row, Field::ToolName)),
        ("error_type", |row| field(row, Field::ErrorType)),
        ("finish_reason", |row| field(row, Field::FinishReason)),
    ]
}

fn field(row: &EventRow, field: Field) -> Option<pg_sys::Datum> {
    row.ready.event.text(field).and_then(text)
}

pub fn environment<'r>(ready: &'r Ready) -> &'r str {
    ready.event.text(Field::Environment).unwrap_or(&ready.home.environment)
}

pub fn events<'b>() -> Vec<Column<EventRow<'b>>> {
    let others: [(&str, Value<EventRow<'b>>); 29] = [
        ("tenant_id", |row| uuid(row.ready.home.tenant_id)),
        ("ts", |row| row.ready.event.ts.and_then(time)),
        ("project_id", |row| uuid(row.ready.home.project_id)),
        ("environment", |row| text(environment(row.ready))),
        ("event_type", |row| text(row.ready.event.event_type.name())),
        ("message_index", |row| row.ready.event.message_index.into_datum()),
        ("status", |row| text(row.ready.event.status.name())),
        ("latency_ms", |row| row.ready.event.latency_ms.into_datum()),
        ("ttft_ms", |row| row.ready.event.ttft_ms.into_datum()),
        ("input_tokens", |row| row.ready.event.tokens.input.into_datum()),
        ("output_tokens", |row| row.ready.event.tokens.output.into_datum()),
        ("cached_input_tokens", |row| row.ready.event.tokens.cached_input.into_datum()),
        ("cache_write_tokens", |row| row.ready.event.cache_write_tokens().into_datum()),
        ("reasoning_tokens", |row| row.ready.event.tokens.reasoning.into_datum()),
        ("total_tokens", |row| row.ready.event.total_tokens().into_datum()),
        ("cost_usd", |row| row.ready.event.cost_usd.as_ref().and_then(money)),
        ("reported_cost_usd", |row| row.ready.event.reported_cost_usd.as_ref().and_then(money)),
        ("cost_source", |row| text(row.ready.event.cost_source.name())),
        ("billable", |row| row.ready.event.billable.into_datum()),
        ("coherence_score", |row| row.ready.event.facts.score(|scores| scores.coherence).into_datum()),
        ("toxicity_score", |row| row.ready.event.facts.score(|scores| scores.toxicity).into_datum()),
        ("sentiment_score", |row| row.ready.event.facts.score(|scores| scores.sentiment).into_datum()),
        ("hallucination_risk", |row| {
            row.ready.event.facts.score(|scores| scores.hallucination_risk).into_datum()
        }),
        ("prompt_category", |row| row.ready.event.prompt_category().and_then(text)),
        ("metric_tags", |row| texts_or_none(&row.ready.tags)),
        ("redactions", |row| i32::try_from(row.ready.event.redactions).unwrap_or(i32::MAX).into_datum()),
        ("translator_version", |_| aliases::VERSION.into_datum()),
        ("batch_id", |row| uuid(row.stamp.batch_id)),
        ("ingested_at", |row| time(row.stamp.arrived)),
    ];
    texts().into_iter().chain(others).map(|(name, value)| Column { name, value }).collect()
}

pub fn payloads<'b>() -> [Column<EventRow<'b>>; 7] {
    [
        Column { name: "tenant_id", value: |row| uuid(row.ready.home.tenant_id) },
        Column { name: "ts", value: |row| row.ready.event.ts.and_then(time) },
        Column { name: "event_id", value: |row| field(row, Field::EventId) },
        Column {
            name: "input",
            value: |row| row.ready.event.input.as_ref().and_then(|input| text(input.as_str())),
        },
        Column {
            name: "output",
            value: |row| row.ready.event.output.as_ref().and_then(|output| text(output.as_str())),
        },
        Column {
            name: "error_message",
            value: |row| row.ready.event.error_message.as_deref().and_then(text),
        },
        Column { name: "attributes", value: |row| row.ready.event.attributes.as_deref().and_then(jsonb) },
    ]
}

pub fn has_payload(ready: &Ready) -> bool {
    let event = &ready.event;
    event.input.is_some()
        || event.output.is_some()
        || event.error_message.is_some()
        || event.attributes.is_some()
}

pub fn keys<'b>() -> [Column<EventRow<'b>>; 3] {
    [
        Column { name: "tenant_id", value: |row| uuid(row.ready.home.tenant_id) },
        Column { name: "arrived_on", value: |row| date(row.stamp.arrived) },
        Column { name: "event_id", value: |row| field(row, Field::EventId) },
    ]
}

/// The UTC day of a time.
fn date(micros: i64) -> Option<pg_sys::Datum> {
    Some(pg_sys::Datum::from((micros - POSTGRES_EPOCH).div_euclid(observa_pipeline::settings::DAY)))
}

pub fn signals<'b>() -> [Column<SignalRow<'b>>; 20] {
    [
        Column { name: "tenant_id", value: |row| uuid(row.ready.home.tenant_id) },
        Column { name: "ts", value: |row| row.ready.event.ts.and_then(time) },
        Column { name: "signal_id", value: |_| uuid(Uuid::now_v7()) },
        Column { name: "project_id", value: |row| uuid(row.ready.home.project_id) },
        Column { name: "environment", value: |row| text(environment(row.ready)) },
        Column { name: "name", value: |row| text(row.signal.rule.name()) },
        Column { name: "type", value: |row| text(row.signal.rule.category()) },
        Column { name: "severity", value: |row| text(row.signal.severity.name()) },
        Column { name: "value", value: |row| row.signal.value.into_datum() },
        Column { name: "threshold", value: |row| row.signal.threshold.into_datum() },
        Column { name: "alert_group", value: |row| text(&row.signal.group) },
        Column { name: "alert_key", value: |row| row.alert_key.and_then(uuid) },
        Column { name: "issue_id", value: |row| uuid(row.issue_id) },
        Column { name: "trace_id", value: |row| row.ready.event.text(Field::TraceId).and_then(text) },
        Column { name: "span_id", value: |row| row.ready.event.text(Field::SpanId).and_then(text) },
        Column { name: "event_id", value: |row| row.ready.event.text(Field::EventId).and_then(text) },
        Column { name: "model", value: |row| row.ready.event.text(Field::Model).and_then(text) },
        Column { name: "route", value: |row| row.ready.event.text(Field::Route).and_then(text) },
        Column { name: "user_id", value: |row| row.ready.event.text(Field::UserId).and_then(text) },
        Column { name: "details", value: |row| jsonb(&row.signal.details.to_string()) },
    ]
}

pub fn usage() -> [Column<UsageRow>; 4] {
    [
        Column { name: "tenant_id", value: |row| uuid(row.home.0) },
        Column { name: "project_id", value: |row| uuid(row.home.1) },
        Column { name: "month", value: |row| date(row.month.begins()) },
        Column { name: "events", value: |row| i64::try_from(row.events).unwrap_or(i64::MAX).into_datum() },
    ]
}

pub fn rejected<'b>() -> [Column<RejectedRow<'b>>; 12] {
    [
        Column { name: "tenant_id", value: |row| uuid(row.home.tenant_id) },
        Column { name: "rejected_id", value: |_| uuid(Uuid::now_v7()) },
        Column { name: "project_id", value: |row| uuid(row.home.project_id) },
        Column { name: "batch_id", value: |row| uuid(row.stamp.batch_id) },
        Column {
            name: "line",
            value: |row| i64::try_from(row.rejected.line).unwrap_or(i64::MAX).into_datum(),
        },
        Column { name: "code", value: |row| text(row.rejected.reject.code.name()) },
        Column { name: "field", value: |row| row.rejected.reject.field.and_then(text) },
        Column { name: "message", value: |row| text(&row.rejected.reject.message) },
        Column { name: "body", value: |row| text(&row.rejected.text) },
        Column { name: "attempts", value: |_| 1i32.into_datum() },
        Column { name: "created_at", value: |row| time(row.stamp.arrived) },
        Column { name: "any_tenant", value: |row| row.any_tenant.into_datum() },
    ]
}

pub fn logs<'b>() -> [Column<LogRow<'b>>; 17] {
    [
        Column { name: "tenant_id", value: |row| uuid(row.line.home.tenant_id) },
        Column { name: "ts", value: |row| time(row.line.ts) },
        Column { name: "log_id", value: |row| uuid(row.line.id) },
        Column { name: "project_id", value: |row| uuid(row.line.home.project_id) },
        Column {
            name: "environment",
            value: |row| text(row.line.environment.as_deref().unwrap_or(&row.line.home.environment)),
        },
        Column { name: "level", value: |row| text(row.line.level) },
        Column { name: "service", value: |row| row.line.service.as_deref().and_then(text) },
        Column { name: "message", value: |row| text(&row.line.message) },
        Column { name: "trace_id", value: |row| row.line.trace_id.as_deref().and_then(text) },
        Column { name: "span_id", value: |row| row.line.span_id.as_deref().and_then(text) },
        Column { name: "request_id", value: |row| row.line.request_id.as_deref().and_then(text) },
        Column { name: "session_id", value: |row| row.line.session_id.as_deref().and_then(text) },
        Column { name: "error_stack", value: |row| row.line.error_stack.as_deref().and_then(text) },
        Column { name: "error_code", value: |row| row.line.error_code.as_deref().and_then(text) },
        Column { name: "metadata", value: |row| row.line.metadata.as_deref().and_then(jsonb) },
        Column {
            name: "redactions",
            value: |row| i32::try_from(row.line.redactions).unwrap_or(i32::MAX).into_datum(),
        },
        Column { name: "ingested_at", value: |row| time(row.stamp.arrived) },
    ]
}

/// A log record's content: the trace and span it is of, and an id that its retry has, too.
pub fn content_key<'c>(stored: &'c StoredContent) -> (&'c str, &'c str, Uuid) {
    let content = &stored.content;
    let side =
        |side: &'c Option<observa_pipeline::event::Content>| side.as_ref().map_or("", |side| side.as_str());
    let id = identity::uuid_of_parts(&["content", side(&content.input), side(&content.output)]);
    (&content.trace_id, &content.span_id, id)
}

pub fn contents<'b>() -> [Column<ContentRow<'b>>; 9] {
    [
        Column { name: "tenant_id", value: |row| uuid(row.stored.home.tenant_id) },
        Column { name: "trace_id", value: |row| text(&row.stored.content.trace_id) },
        Column { name: "span_id", value: |row| text(&row.stored.content.span_id) },
        Column { name: "content_id", value: |row| uuid(content_key(row.stored).2) },
        Column { name: "project_id", value: |row| uuid(row.stored.home.project_id) },
        Column { name: "ts", value: |row| time(row.stored.content.ts.unwrap_or(row.stamp.arrived)) },
        Column {
            name: "input",
            value: |row| row.stored.content.input.as_ref().and_then(|input| text(input.as_str())),
        },
        Column {
            name: "output",
            value: |row| row.stored.content.output.as_ref().and_then(|output| text(output.as_str())),
        },
        Column { name: "arrived_at", value: |row| time(row.stamp.arrived) },
    ]
}
