//! One span to one event, by the tables of kinds and aliases.

use std::borrow::Cow;

use bigdecimal::Zero;

use crate::decode::otlp::{Attributes, Id, Scope, Span};
use crate::error::{Code, Reject};
use crate::event::{Content, Event, Field};
use crate::identity;
use crate::translate::json::{self, Object};
use crate::translate::otel::aliases::{self, Alias, Target};
use crate::translate::otel::filling::Filling;
use crate::translate::otel::hits::Hits;
use crate::translate::otel::kind::Kind;
use crate::translate::otel::makers::{maker_of, model_in_name};
use crate::translate::otel::usage::Reported;
use crate::translate::otel::values::{bounded, finish_word, short_text};
use crate::translate::otel::{errors, found, messages, said, written};

/// Where spans come from: the service and the library, with their JSON, which all spans of theirs repeat.
pub struct Origin<'l> {
    pub resource: &'l Attributes<'l>,
    pub scope: &'l Scope<'l>,
    pub written: String,
}

impl<'l> Origin<'l> {
    pub fn new(resource: &'l Attributes<'l>, scope: &'l Scope<'l>) -> Origin<'l> {
        Origin { resource, scope, written: written::origin(resource, scope) }
    }
}

/// The event of a span. `line` is its number in the body.
pub fn translate<'l>(line: usize, span: &'l Span<'l>, origin: &Origin<'l>) -> Result<Event<'l>, Reject> {
    if let Some(fault) = &span.fault {
        return Err(fault.clone());
    }
    let trace_id = required_id(&span.trace_id, "trace_id", 32)?;
    let span_id = required_id(&span.span_id, "span_id", 16)?;
    let hits = Hits::find(&span.attributes);
    let kind = hits.kind(span);
    let (event_type, observation_type) = kind.stored_as();
    let mut event = Event::new(line, event_type);
    event.set_text(Field::TraceId, Some(Cow::Borrowed(trace_id)));
    event.set_text(Field::SpanId, Some(Cow::Borrowed(span_id)));
    event.set_text(Field::ParentSpanId, span.parent_span_id.hex().map(Cow::Borrowed));
    event.set_text(Field::EventId, Some(Cow::Owned(identity::span_event_id(trace_id, span_id).to_string())));
    event.set_text(Field::ObservationType, Some(Cow::Borrowed(observation_type)));
    event.set_text(Field::Name, Some(bounded(Cow::Borrowed(&span.name))).filter(|name| !name.is_empty()));
    event.ts = span.start.or(span.end).and_then(|time| i64::try_from(time / 1_000).ok());
    event.latency_ms = span.start.zip(span.end).filter(|(start, end)| end >= start).map(|(start, end)| {
        // Nanoseconds in a double's 53 bits: a span of 100 days keeps them.
        (end - start) as f64 / 1e6
    });
    let reported = Reported::new(origin.scope, hits.sdk_names, hits.current_names);
    let mut filling = Filling::new(event, kind, span, reported);
    filling.fill(&span.attributes, &hits, true);
    filling.fill_from_events();
    filling.fill_from_origin(origin);
    Ok(filling.finish(origin))
}

fn required_id<'l>(id: &'l Id<'l>, field: &'static str, digits: usize) -> Result<&'l str, Reject> {
    match id {
        Id::Hex(hex) => Ok(hex),
        Id::None => Err(Reject::missing(field, "a span")),
        Id::Zero => Err(Reject::field(Code::OutOfRange, field, format!("{field} must not be all zeros"))),
        Id::Malformed => {
            Err(Reject::field(Code::InvalidType, field, format!("{field} must be {digits} hex digits")))
        }
    }
}

impl<'l> Filling<'l, '_> {
    /// What span events say: messages, passages, the first token, an evaluation.
    fn fill_from_events(&mut self) {
        let span = self.span;
        for event in &span.events {
            if matches!(said::said(&event.name), Some(said::Said::Details)) {
                let hits = Hits::find(&event.attributes);
                self.fill(&event.attributes, &hits, false);
            }
            let first_token =
                matches!(event.name.as_ref(), "ai.stream.firstChunk" | "first_token" | "gen_ai.first_token");
            if first_token && self.event.ttft_ms.is_none() {
                let since = event.time.zip(span.start).and_then(|(at, start)| at.checked_sub(start));
                self.event.ttft_ms = since.map(|nanoseconds| nanoseconds as f64 / 1e6);
            }
        }
        if matches!(self.kind, Kind::Retrieval | Kind::VectorDb)
            && self.event.output.is_none()
            && let Some((passages, count)) = found::passages(&span.events)
        {
            self.event.output = Some(Content::Json(Cow::Owned(passages)));
            self.event.facts.results = i64::try_from(count).ok();
        }
        if self.event.input.is_some() && self.event.output.is_some() {
            return;
        }
        let (input, output) =
            said::of_span_events(span.events.iter().map(|event| (event.name.as_ref(), &event.attributes)));
        let content = |list: Option<String>| list.map(|list| Content::Json(Cow::Owned(list)));
        self.event.input = self.event.input.take().or_else(|| content(input));
        self.event.output = self.event.output.take().or_else(|| content(output));
    }

    /// What the service says of all its spans.
    fn fill_from_origin(&mut self, origin: &Origin<'l>) {
        for attributes in [origin.resource, &origin.scope.attributes] {
            for (key, value) in attributes {
                for alias in aliases::known(key).into_iter().flat_map(|known| &known.aliases) {
                    if let Some(Alias { target: Target::Text(field), only: [], .. }) = aliases::alias(*alias)
                        && self.event.text(*field).is_none()
                    {
                        self.event.set_text(*field, short_text(*field, value));
                    }
                }
            }
        }
    }

    fn finish(self, origin: &Origin<'l>) -> Event<'l> {
        let mut event = self.event;
        if let Some(calls) = &self.tool_calls {
            event.output = match event.output.take() {
                None => Some(calls.clone()),
                Some(output) => messages::with_tool_calls(&output, calls).or(Some(output)),
            };
        }
        event.input = messages::with_system(self.system, event.input);
        if event.reported_cost_usd.is_none() && (self.input_cost.is_some() || self.output_cost.is_some()) {
            let sum = self.input_cost.unwrap_or_default() + self.output_cost.unwrap_or_default();
            event.reported_cost_usd = Some(sum).filter(|cost| !cost.is_zero());
        }
        if self.kind == Kind::Tool && event.text(Field::ToolName).is_none() {
            event.set_text(
                Field::ToolName,
                Some(bounded(Cow::Borrowed(&self.span.name))).filter(|name| !name.is_empty()),
            );
        }
        if self.kind == Kind::Llm && event.text(Field::FinishReason).is_none() {
            event.set_text(Field::FinishReason, event.output.as_ref().and_then(finish_reason_in));
        }
        errors::fill(&mut event, self.span, self.level.as_deref());
        let is_call = matches!(self.kind, Kind::Llm | Kind::Embedding);
        if is_call && event.text(Field::Model).is_none() && event.text(Field::ResponseModel).is_none() {
            event.set_text(
                Field::Model,
                model_in_name(&self.span.name).map(|model| bounded(Cow::Borrowed(model))),
            );
        }
        let maker = match event.text(Field::Provider) {
            None if is_call => event.text(Field::Model).and_then(maker_of),
            _ => None,
        };
        if maker.is_some() {
            event.set_text(Field::Provider, maker.map(Cow::Borrowed));
        }
        let (tokens, settled) = self.reported.settle(event.text(Field::Provider), is_call);
        event.tokens = tokens;
        event.attributes = Some(written::attributes(&written::Parts {
            span: self.span,
            origin,
            fates: &self.fates,
            content_from: &self.content_from,
            settled: settled.as_ref(),
            tags: self.tags.as_deref(),
            provider_of_model: maker.is_some(),
        }));
        event
    }
}

/// The reason of the first answer's end, where only the messages have it.
fn finish_reason_in(output: &Content) -> Option<Cow<'static, str>> {
    let first = *json::elements(output.as_str())?.first()?;
    let reason = json::string(Object::parse(first).ok()?.get("finish_reason")?)?;
    Some(finish_word(&reason)).filter(|reason| !reason.is_empty())
}

#[cfg(test)]
mod tests;
