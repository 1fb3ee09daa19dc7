//! Spans and records that no longer borrow: those that had to be repaired are read from a text that does not last.

use std::borrow::Cow;

use super::{Attributes, Id, Link, Log, Scope, Span, SpanEvent, SpanStatus, Text, Value};

fn own(text: Cow<str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

impl Text<'_> {
    pub fn into_owned(self) -> Text<'static> {
        Text::Plain(Cow::Owned(self.read().into_owned()))
    }
}

impl Value<'_> {
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Text(text) => Value::Text(text.into_owned()),
            Value::Bool(value) => Value::Bool(value),
            Value::Int(value) => Value::Int(value),
            Value::Double(value) => Value::Double(value),
            Value::Json(json) => Value::Json(json),
            Value::Empty => Value::Empty,
        }
    }
}

impl Id<'_> {
    pub fn into_owned(self) -> Id<'static> {
        match self {
            Id::Hex(hex) => Id::Hex(own(hex)),
            Id::None => Id::None,
            Id::Zero => Id::Zero,
            Id::Malformed => Id::Malformed,
        }
    }
}

pub fn own_attributes(attributes: Attributes) -> Attributes<'static> {
    attributes.into_iter().map(|(key, value)| (own(key), value.into_owned())).collect()
}

impl Scope<'_> {
    pub fn into_owned(self) -> Scope<'static> {
        Scope {
            resource: self.resource,
            name: own(self.name),
            version: own(self.version),
            attributes: own_attributes(self.attributes),
        }
    }
}

impl Span<'_> {
    /// All but where it came from.
    pub fn into_owned(self) -> Span<'static> {
        let event = |event: SpanEvent| SpanEvent {
            name: own(event.name),
            time: event.time,
            attributes: own_attributes(event.attributes),
        };
        let link = |link: Link| Link {
            trace_id: link.trace_id.into_owned(),
            span_id: link.span_id.into_owned(),
            attributes: own_attributes(link.attributes),
        };
        Span {
            scope: self.scope,
            trace_id: self.trace_id.into_owned(),
            span_id: self.span_id.into_owned(),
            parent_span_id: self.parent_span_id.into_owned(),
            trace_state: self.trace_state.map(Value::into_owned),
            name: own(self.name),
            kind: self.kind,
            start: self.start,
            end: self.end,
            attributes: own_attributes(self.attributes),
            events: self.events.into_iter().map(event).collect(),
            links: self.links.into_iter().map(link).collect(),
            status: SpanStatus { code: self.status.code, message: self.status.message.map(own) },
            dropped: self.dropped,
            repaired: self.repaired,
            moved: self.moved.into_iter().map(own).collect(),
            fault: self.fault,
            source: "",
        }
    }
}

impl Log<'_> {
    /// All but where it came from.
    pub fn into_owned(self) -> Log<'static> {
        Log {
            scope: self.scope,
            time: self.time,
            severity: self.severity,
            severity_text: own(self.severity_text),
            event_name: own(self.event_name),
            body: self.body.into_owned(),
            attributes: own_attributes(self.attributes),
            trace_id: self.trace_id.into_owned(),
            span_id: self.span_id.into_owned(),
            repaired: self.repaired,
            fault: self.fault,
            source: "",
        }
    }
}
