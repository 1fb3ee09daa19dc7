//! The columns that an expression may name: those of observa.events, as they are stored.

use super::Row;
use super::value::{Kind, Value};
use crate::event::{Content, Field};

#[derive(Debug)]
pub struct Column {
    pub name: &'static str,
    pub kind: Kind,
    pub value: for<'e> fn(Row<'e, '_>) -> Value<'e>,
    /// Whose or which event it is: a signal has those in columns of its own.
    pub is_id: bool,
    /// What a client wrote: it is kept for a shorter time than signals are.
    pub is_content: bool,
}

const fn column(name: &'static str, kind: Kind, value: for<'e> fn(Row<'e, '_>) -> Value<'e>) -> Column {
    Column { name, kind, value, is_id: false, is_content: false }
}

const fn id(name: &'static str, value: for<'e> fn(Row<'e, '_>) -> Value<'e>) -> Column {
    Column { name, kind: Kind::Text, value, is_id: true, is_content: false }
}

const fn content(name: &'static str, value: for<'e> fn(Row<'e, '_>) -> Value<'e>) -> Column {
    Column { name, kind: Kind::Text, value, is_id: false, is_content: true }
}

fn text<'e>(row: Row<'e, '_>, field: Field) -> Value<'e> {
    Value::of(row.event.text(field))
}

use Kind::{Boolean, Decimal, Float, Text, Whole};

#[rustfmt::skip]
static COLUMNS: &[Column] = &[
    id("event_id", |row| text(row, Field::EventId)),
    id("trace_id", |row| text(row, Field::TraceId)),
    id("span_id", |row| text(row, Field::SpanId)),
    id("parent_span_id", |row| text(row, Field::ParentSpanId)),
    id("conversation_id", |row| text(row, Field::ConversationId)),
    id("session_id", |row| text(row, Field::SessionId)),
    id("user_id", |row| text(row, Field::UserId)),
    id("response_id", |row| text(row, Field::ResponseId)),
    column("environment", Text, |row| Value::from(row.event.text(Field::Environment).unwrap_or(&row.home.environment))),
    column("event_type", Text, |row| Value::from(row.event.event_type.name())),
    column("observation_type", Text, |row| {
        Value::from(row.event.text(Field::ObservationType).unwrap_or(row.event.event_type.observation_type()))
    }),
    column("agent_name", Text, |row| text(row, Field::AgentName)),
    column("version", Text, |row| text(row, Field::Version)),
    column("route", Text, |row| text(row, Field::Route)),
    column("name", Text, |row| text(row, Field::Name)),
    column("provider", Text, |row| text(row, Field::Provider)),
    column("model", Text, |row| Value::of(row.event.text(Field::Model).or(row.event.text(Field::ResponseModel)))),
    column("response_model", Text, |row| text(row, Field::ResponseModel)),
    column("tool_name", Text, |row| text(row, Field::ToolName)),
    column("status", Text, |row| Value::from(row.event.status.name())),
    column("error_type", Text, |row| text(row, Field::ErrorType)),
    column("finish_reason", Text, |row| text(row, Field::FinishReason)),
    column("prompt_category", Text, |row| Value::of(row.event.prompt_category())),
    column("cost_source", Text, |row| Value::from(row.event.cost_source.name())),
    column("message_index", Whole, |row| Value::of(row.event.message_index)),
    column("latency_ms", Float, |row| Value::of(row.event.latency_ms)),
    column("ttft_ms", Float, |row| Value::of(row.event.ttft_ms)),
    column("input_tokens", Whole, |row| Value::of(row.event.tokens.input)),
    column("output_tokens", Whole, |row| Value::of(row.event.tokens.output)),
    column("cached_input_tokens", Whole, |row| Value::of(row.event.tokens.cached_input)),
    column("cache_write_tokens", Whole, |row| Value::of(row.event.cache_write_tokens())),
    column("reasoning_tokens", Whole, |row| Value::of(row.event.tokens.reasoning)),
    column("total_tokens", Whole, |row| Value::of(row.event.total_tokens())),
    column("cost_usd", Decimal, |row| Value::of(row.event.cost_usd.as_ref())),
    column("reported_cost_usd", Decimal, |row| Value::of(row.event.reported_cost_usd.as_ref())),
    column("billable", Boolean, |row| Value::from(row.event.billable)),
    column("redactions", Whole, |row| Value::from(i64::from(row.event.redactions))),
    column("coherence_score", Float, |row| Value::of(row.event.facts.score(|scores| scores.coherence))),
    column("toxicity_score", Float, |row| Value::of(row.event.facts.score(|scores| scores.toxicity))),
    column("sentiment_score", Float, |row| Value::of(row.event.facts.score(|scores| scores.sentiment))),
    column("hallucination_risk", Float, |row| Value::of(row.event.facts.score(|scores| scores.hallucination_risk))),
    content("input", |row| Value::of(row.event.input.as_ref().map(Content::as_str))),
    content("output", |row| Value::of(row.event.output.as_ref().map(Content::as_str))),
    content("error_message", |row| Value::of(row.event.error_message.as_deref())),
];

pub fn find(name: &str) -> Option<&'static Column> {
    COLUMNS.iter().find(|column| column.name == name)
}

/// As an error lists them.
pub fn names() -> String {
    let mut names: Vec<&str> = COLUMNS.iter().map(|column| column.name).collect();
    names.push("attributes");
    names.join(", ")
}
