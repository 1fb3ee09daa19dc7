//! OTLP: requests of spans or log records, as JSON or protobuf, to one model that both share.

mod any_value;
mod fill;
pub mod id;
pub mod json;
pub mod owned;
pub mod protobuf;
pub mod value;

use std::borrow::Cow;

pub use id::Id;
pub use value::{Text, Value};

use crate::error::Reject;

/// Keys with their values, in the order they came.
pub type Attributes<'b> = Vec<(Cow<'b, str>, Value<'b>)>;

/// The value of a key; of equal keys the last counts.
pub fn get<'a, 'b>(attributes: &'a Attributes<'b>, key: &str) -> Option<&'a Value<'b>> {
    attributes.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
}

/// All of a request, flat: a span names its scope by number, and that its resource.
#[derive(Clone, Debug, Default)]
pub struct Request<'b> {
    pub resources: Vec<Attributes<'b>>,
    pub scopes: Vec<Scope<'b>>,
    pub spans: Vec<Span<'b>>,
    pub logs: Vec<Log<'b>>,
    /// The request has metrics, which nothing here can store.
    pub metrics: bool,
    /// The request is cut off: these are the spans before the cut.
    pub cut: bool,
    /// Spans and records beyond `observa.max_batch_events`: they are counted and not held.
    pub beyond: usize,
}

/// The library that made spans or log records.
#[derive(Clone, Debug, Default)]
pub struct Scope<'b> {
    /// Its place in [`Request::resources`].
    pub resource: usize,
    pub name: Cow<'b, str>,
    pub version: Cow<'b, str>,
    pub attributes: Attributes<'b>,
}

#[derive(Clone, Debug, Default)]
pub struct Span<'b> {
    /// Its place in [`Request::scopes`].
    pub scope: usize,
    pub trace_id: Id<'b>,
    pub span_id: Id<'b>,
    pub parent_span_id: Id<'b>,
    pub trace_state: Option<Value<'b>>,
    pub name: Cow<'b, str>,
    /// As in the protocol: 1 internal, 2 server, 3 client, 4 producer, 5 consumer. 0: not said.
    pub kind: i64,
    /// Nanoseconds since 1970 UTC; None is not known.
    pub start: Option<u64>,
    pub end: Option<u64>,
    pub attributes: Attributes<'b>,
    pub events: Vec<SpanEvent<'b>>,
    pub links: Vec<Link<'b>>,
    pub status: SpanStatus<'b>,
    /// Attributes, events and links that the SDK dropped.
    pub dropped: u64,
    /// A NUL or half a surrogate pair in it was replaced by U+FFFD.
    pub repaired: bool,
    /// Of a stored span: keys whose content is in a column, and no attribute any more.
    pub moved: Vec<Cow<'b, str>>,
    /// Why it can't be stored, whatever it says.
    pub fault: Option<Reject>,
    /// The span as it came, where that was JSON.
    pub source: &'b str,
}

#[derive(Clone, Debug, Default)]
pub struct SpanEvent<'b> {
    pub name: Cow<'b, str>,
    /// Nanoseconds since 1970 UTC.
    pub time: Option<u64>,
    pub attributes: Attributes<'b>,
}

#[derive(Clone, Debug, Default)]
pub struct Link<'b> {
    pub trace_id: Id<'b>,
    pub span_id: Id<'b>,
    pub attributes: Attributes<'b>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StatusCode {
    #[default]
    Unset,
    Ok,
    Error,
}

#[derive(Clone, Debug, Default)]
pub struct SpanStatus<'b> {
    pub code: StatusCode,
    pub message: Option<Cow<'b, str>>,
}

impl StatusCode {
    pub fn from_number(number: i64) -> StatusCode {
        match number {
            1 => StatusCode::Ok,
            2 => StatusCode::Error,
            _ => StatusCode::Unset,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct Log<'b> {
    pub scope: usize,
    /// Nanoseconds since 1970 UTC: of the event, else of when it was seen.
    pub time: Option<u64>,
    /// 1 to 24 as in the protocol; 0 is not known.
    pub severity: i64,
    pub severity_text: Cow<'b, str>,
    pub event_name: Cow<'b, str>,
    pub body: Value<'b>,
    pub attributes: Attributes<'b>,
    pub trace_id: Id<'b>,
    pub span_id: Id<'b>,
    pub repaired: bool,
    pub fault: Option<Reject>,
    pub source: &'b str,
}

impl Request<'_> {
    /// Spans and log records, held or not.
    pub fn len(&self) -> usize {
        self.spans.len() + self.logs.len() + self.beyond
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
