//! OTLP as JSON, leniently: camelCase and snake_case, numbers as texts, enums by number or name, keys in any order.

use std::borrow::Cow;

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::any_value::AnyValue;
use super::fill::{Fill, Filled, Listed, Take, attributes, list, raw, skip, text};
use super::{
    Attributes, Id, Link, Log, Request, Scope, Span, SpanEvent, SpanStatus, StatusCode, Value, owned,
};
use crate::decode::inspect;
use crate::error::{Code, Reject};
use crate::settings::Settings;
use crate::time;
use crate::translate::json::{self, Key};

/// Keys of a request, and of no event.
const REQUEST_KEYS: [&str; 6] = [
    "resourceSpans",
    "resource_spans",
    "resourceLogs",
    "resource_logs",
    "resourceMetrics",
    "resource_metrics",
];

/// Whether an object is a request. Mostly its first key says it; only a line that mentions such a key is read for it.
pub fn is_request(line: &[u8]) -> bool {
    let Some(inside) = line.trim_ascii_start().strip_prefix(b"{") else { return false };
    if starts_with_key(inside.trim_ascii_start()) {
        return true;
    }
    if memchr::memmem::find(inside, b"\"resource").is_none() {
        return false;
    }
    let Ok(text) = std::str::from_utf8(line) else { return false };
    let Ok(object) = json::Object::parse(text) else { return false };
    object.get("event_type").is_none() && REQUEST_KEYS.iter().any(|key| object.get(key).is_some())
}

fn starts_with_key(text: &[u8]) -> bool {
    let Some(text) = text.strip_prefix(b"\"") else { return false };
    REQUEST_KEYS
        .iter()
        .any(|key| text.strip_prefix(key.as_bytes()).is_some_and(|rest| rest.starts_with(b"\"")))
}

/// Reads a request. A span or record that is bad inside has a fault and leaves the others alone.
pub fn read<'b>(text: &'b str, settings: &Settings) -> Result<Request<'b>, Reject> {
    let mut reader = Reader { request: Request::default(), settings };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = Filled(&mut reader).deserialize(&mut deserializer).and_then(|()| deserializer.end());
    match read {
        Ok(()) => Ok(reader.request),
        Err(error) => Err(broken(&error)),
    }
}

fn broken(error: &serde_json::Error) -> Reject {
    let (code, what) = match error.classify() {
        Category::Eof => (Code::InvalidJson, "the request ends inside a value"),
        Category::Data => (Code::InvalidType, "a resource, scope or list of the request can't be read"),
        _ => (Code::InvalidJson, "the request is not valid JSON"),
    };
    Reject::line(code, format!("{what} (column {})", error.column()))
}

struct Reader<'b, 's> {
    request: Request<'b>,
    settings: &'s Settings,
}

impl Reader<'_, '_> {
    /// Whether the next span or record is one too many: an empty one takes three bytes of a body and hundreds in memory.
    fn is_full(&mut self) -> bool {
        let full = self.request.len() >= self.settings.max_batch_events;
        self.request.beyond += usize::from(full);
        full
    }

    /// Resources and scopes without spans are bounded like these.
    fn bound_scopes<E: de::Error>(&self) -> Result<(), E> {
        if self.request.resources.len() + self.request.scopes.len() > 2 * self.settings.max_batch_events {
            return Err(E::custom("too many scopes"));
        }
        Ok(())
    }

    /// Whether a resource or scope must be repaired; one that can't be read takes its whole request with it.
    fn alone<E: de::Error>(&self, source: &str) -> Result<bool, E> {
        if source == "null" {
            return Ok(false);
        }
        inspect_alone(source, self.settings).map_err(|reject| E::custom(reject.message))
    }
}

fn read_whole<'b, T: Fill<'b>, E: de::Error>(source: &'b str, item: &mut T) -> Result<(), E> {
    match parse(source, item) {
        None => Ok(()),
        Some(reject) => Err(E::custom(reject.message)),
    }
}

impl<'b> Fill<'b> for Reader<'b, '_> {
    fn member<A: MapAccess<'b>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "resourceSpans" | "resource_spans" | "resourceLogs" | "resource_logs" => {
                map.next_value_seed(Listed(&mut Resources(self)))
            }
            "resourceMetrics" | "resource_metrics" => {
                self.request.metrics = true;
                skip(map)
            }
            _ => skip(map),
        }
    }
}

struct Resources<'r, 'b, 's>(&'r mut Reader<'b, 's>);

impl<'b> Take<'b> for Resources<'_, 'b, '_> {
    fn element<A: SeqAccess<'b>>(&mut self, list: &mut A) -> Result<bool, A::Error> {
        self.0.bound_scopes()?;
        let number = self.0.request.resources.len();
        self.0.request.resources.push(Attributes::new());
        let found = list.next_element_seed(Filled(&mut Resource { reader: self.0, number }))?.is_some();
        Ok(found)
    }
}

struct Resource<'r, 'b, 's> {
    reader: &'r mut Reader<'b, 's>,
    number: usize,
}

impl<'b> Fill<'b> for Resource<'_, 'b, '_> {
    fn member<A: MapAccess<'b>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "resource" => {
                let source = raw(map)?;
                let mut own = Attributed::default();
                if self.reader.alone(source)? {
                    let (text, mut repaired) = (inspect::repair(source), Attributed::default());
                    read_whole(&text, &mut repaired)?;
                    own.0 = owned::own_attributes(repaired.0);
                } else {
                    read_whole(source, &mut own)?;
                }
                if let Some(resource) = self.reader.request.resources.get_mut(self.number) {
                    *resource = own.0;
                }
                Ok(())
            }
            // Before 2022 a scope was an instrumentation library.
            "scopeSpans" | "scope_spans" | "scopeLogs" | "scope_logs" | "instrumentationLibrarySpans" => {
                map.next_value_seed(Listed(&mut Scopes { reader: self.reader, resource: self.number }))
            }
            _ => skip(map),
        }
    }
}

#[derive(Default)]
struct Attributed<'b>(Attributes<'b>);

impl<'b> Fill<'b> for Attributed<'b> {
    fn member<A: MapAccess<'b>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "attributes" => self.0 = attributes(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

struct Scopes<'r, 'b, 's> {
    reader: &'r mut Reader<'b, 's>,
    resource: usize,
}

impl<'b> Take<'b> for Scopes<'_, 'b, '_> {
    fn element<A: SeqAccess<'b>>(&mut self, list: &mut A) -> Result<bool, A::Error> {
        self.reader.bound_scopes()?;
        let number = self.reader.request.scopes.len();
        self.reader.request.scopes.push(Scope { resource: self.resource, ..Scope::default() });
        Ok(list.next_element_seed(Filled(&mut InScope { reader: self.reader, number }))?.is_some())
    }
}

struct InScope<'r, 'b, 's> {
    reader: &'r mut Reader<'b, 's>,
    number: usize,
}

impl<'b> Fill<'b> for InScope<'_, 'b, '_> {
    fn member<A: MapAccess<'b>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "scope" | "instrumentationLibrary" => {
                let source = raw(map)?;
                let mut own = Scope::default();
                if self.reader.alone(source)? {
                    let (text, mut repaired) = (inspect::repair(source), Scope::default());
                    read_whole(&text, &mut repaired)?;
                    own = repaired.into_owned();
                } else {
                    read_whole(source, &mut own)?;
                }
                if let Some(scope) = self.reader.request.scopes.get_mut(self.number) {
                    *scope = Scope { resource: scope.resource, ..own };
                }
                Ok(())
            }
            "spans" => map.next_value_seed(Listed(&mut Spans { reader: self.reader, scope: self.number })),
            "logRecords" | "log_records" => {
                map.next_value_seed(Listed(&mut Logs { reader: self.reader, scope: self.number }))
            }
            _ => skip(map),
        }
    }
}

impl<'b> Fill<'b> for Scope<'b> {
    fn member<A: MapAccess<'b>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "name" => self.name = text(map)?,
            "version" => self.version = text(map)?,
            "attributes" => self.attributes = attributes(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

struct Spans<'r, 'b, 's> {
    reader: &'r mut Reader<'b, 's>,
    scope: usize,
}

impl<'b> Take<'b> for Spans<'_, 'b, '_> {
    fn element<A: SeqAccess<'b>>(&mut self, list: &mut A) -> Result<bool, A::Error> {
        let Some(source) = list.next_element::<&RawValue>()? else { return Ok(false) };
        let source = source.get();
        if self.reader.is_full() {
            return Ok(true);
        }
        let (mut span, unpaired) = (Span::default(), inspect_alone(source, self.reader.settings));
        let fault = match unpaired {
            Err(reject) => Some(reject),
            Ok(false) => parse(source, &mut span),
            Ok(true) => {
                let (text, mut repaired) = (inspect::repair(source), Span::default());
                let fault = parse(&text, &mut repaired);
                span = Span { repaired: true, ..repaired.into_owned() };
                fault
            }
        };
        self.reader.request.spans.push(Span { scope: self.scope, source, fault, ..span });
        Ok(true)
    }
}

struct Logs<'r, 'b, 's> {
    reader: &'r mut Reader<'b, 's>,
    scope: usize,
}

impl<'b> Take<'b> for Logs<'_, 'b, '_> {
    fn element<A: SeqAccess<'b>>(&mut self, list: &mut A) -> Result<bool, A::Error> {
        let Some(source) = list.next_element::<&RawValue>()? else { return Ok(false) };
        let source = source.get();
        if self.reader.is_full() {
            return Ok(true);
        }
        let (mut log, unpaired) = (Log::default(), inspect_alone(source, self.reader.settings));
        let fault = match unpaired {
            Err(reject) => Some(reject),
            Ok(false) => parse(source, &mut log),
            Ok(true) => {
                let (text, mut repaired) = (inspect::repair(source), Log::default());
                let fault = parse(&text, &mut repaired);
                log = Log { repaired: true, ..repaired.into_owned() };
                fault
            }
        };
        self.reader.request.logs.push(Log { scope: self.scope, source, fault, ..log });
        Ok(true)
    }
}

/// Looks at one span or record before it is read, so that what is wrong with it is its own fault. Whether it has what no
/// text can hold.
fn inspect_alone(source: &str, settings: &Settings) -> Result<bool, Reject> {
    if source.len() > settings.max_line_bytes {
        return Err(too_large(source.len(), settings));
    }
    let found = inspect::inspect(source.as_bytes());
    if found.depth > settings.max_depth {
        let message = format!(
            "it is nested {} levels deep, more than observa.max_depth ({})",
            found.depth, settings.max_depth
        );
        return Err(Reject::line(Code::TooDeep, message));
    }
    if found.huge_number {
        return Err(Reject::line(Code::OutOfRange, "it has a number beyond the range of a double"));
    }
    if !matches!(json::type_name(source), "object") {
        let message = format!("it must be a JSON object, got {}", json::type_name(source));
        return Err(Reject::line(Code::NotAnObject, message));
    }
    Ok(found.unpaired)
}

fn parse<'b, T: Fill<'b>>(source: &'b str, item: &mut T) -> Option<Reject> {
    let mut deserializer = serde_json::Deserializer::from_str(source);
    let read = Filled(item).deserialize(&mut deserializer);
    read.err().map(|error| {
        if error.to_string().contains("recursion limit") {
            return Reject::line(Code::TooDeep, "its values are nested deeper than can be read");
        }
        Reject::line(Code::InvalidType, format!("a member has the wrong type (column {})", error.column()))
    })
}

pub(super) fn too_large(size: usize, settings: &Settings) -> Reject {
    let message =
        format!("it has {size} bytes, more than observa.max_line_bytes ({})", settings.max_line_bytes);
    Reject::line(Code::LineTooLarge, message)
}

/// Nanoseconds since 1970 UTC, as a number or a text; also other units and ISO 8601, by their look.
fn nanoseconds(raw: &str) -> Option<u64> {
    let bare = json::string(raw).unwrap_or(Cow::Borrowed(raw));
    match bare.parse::<u64>() {
        Ok(0) => None,
        Ok(nanoseconds) if nanoseconds >= 10_000_000_000_000_000 => Some(nanoseconds),
        _ => {
            let micros = time::from_text(&bare).filter(|micros| *micros > 0);
            micros.and_then(|micros| u64::try_from(micros).ok()?.checked_mul(1_000))
        }
    }
}

/// A time that can't be read is an error, never "now"; 0 and null are none.
fn time_of<'b, A: MapAccess<'b>>(map: &mut A) -> Result<Option<u64>, A::Error> {
    let raw = raw(map)?;
    let none = matches!(raw, "null" | "0" | "\"0\"" | "\"\"");
    match nanoseconds(raw) {
        None if !none => Err(de::Error::custom("a time can't be read")),
        found => Ok(found),
    }
}

fn number<'b, A: MapAccess<'b>>(map: &mut A) -> Result<i64, A::Error> {
    Ok(raw(map)?.trim_matches('"').parse().unwrap_or(0))
}

/// The number of an enum's name: `SPAN_KIND_CLIENT`, `client` or 3.
fn named<'b, A: MapAccess<'b>>(map: &mut A, prefix: &str, names: &[&str]) -> Result<i64, A::Error> {
    let raw = raw(map)?.trim_matches('"');
    if let Ok(number) = raw.parse() {
        return Ok(number);
    }
    let name = raw.to_ascii_uppercase();
    let name = name.strip_prefix(prefix).unwrap_or(&name);
    Ok(names.iter().position(|known| *known == name).map_or(0, |place| place as i64))
}

const KINDS: &[&str] = &["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
const STATUSES: &[&str] = &["UNSET", "OK", "ERROR"];

impl<'b> Fill<'b> for Span<'b> {
    fn member<A: MapAccess<'b>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "traceId" | "trace_id" => self.trace_id = Id::from_json(raw(map)?, 16),
            "spanId" | "span_id" => self.span_id = Id::from_json(raw(map)?, 8),
            "parentSpanId" | "parent_span_id" => self.parent_span_id = Id::from_json(raw(map)?, 8),
            "traceState" | "trace_state" => {
                self.trace_state = Some(text(map)?).filter(|state| !state.is_empty()).map(Value::plain);
            }
            "name" => self.name = text(map)?,
            "kind" => self.kind = named(map, "SPAN_KIND_", KINDS)?,
            "startTimeUnixNano" | "start_time_unix_nano" => self.start = time_of(map)?,
            "endTimeUnixNano" | "end_time_unix_nano" => self.end = time_of(map)?,
            "attributes" => self.attributes = attributes(map)?,
            "events" => self.events = list(map)?,
            "links" => self.links = list(map)?,
            "status" => map.next_value_seed(Filled(&mut self.status))?,
            "droppedAttributesCount"
            | "dropped_attributes_count"
            | "droppedEventsCount"
            | "dropped_events_count"
            | "droppedLinksCount"
            | "dropped_links_count" => {
                self.dropped = self.dropped.saturating_add_signed(number(map)?.max(0));
            }
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'b> Fill<'b> for (Cow<'b, str>, Value<'b>) {
    fn member<A: MapAccess<'b>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "key" => self.0 = map.next_value_seed(Key)?,
            "value" => self.1 = map.next_value_seed(AnyValue)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'b> Fill<'b> for SpanEvent<'b> {
    fn member<A: MapAccess<'b>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "name" => self.name = text(map)?,
            "timeUnixNano" | "time_unix_nano" => self.time = time_of(map)?,
            "attributes" => self.attributes = attributes(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'b> Fill<'b> for Link<'b> {
    fn member<A: MapAccess<'b>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "traceId" | "trace_id" => self.trace_id = Id::from_json(raw(map)?, 16),
            "spanId" | "span_id" => self.span_id = Id::from_json(raw(map)?, 8),
            "attributes" => self.attributes = attributes(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'b> Fill<'b> for SpanStatus<'b> {
    fn member<A: MapAccess<'b>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "code" => self.code = StatusCode::from_number(named(map, "STATUS_CODE_", STATUSES)?),
            "message" => self.message = Some(text(map)?).filter(|message| !message.is_empty()),
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'b> Fill<'b> for Log<'b> {
    fn member<A: MapAccess<'b>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "timeUnixNano" | "time_unix_nano" => self.time = time_of(map)?.or(self.time),
            "observedTimeUnixNano" | "observed_time_unix_nano" => self.time = self.time.or(time_of(map)?),
            "severityNumber" | "severity_number" => self.severity = severity(map)?,
            "severityText" | "severity_text" => self.severity_text = text(map)?,
            "eventName" | "event_name" => self.event_name = text(map)?,
            "body" => self.body = map.next_value_seed(AnyValue)?,
            "attributes" => self.attributes = attributes(map)?,
            "traceId" | "trace_id" => self.trace_id = Id::from_json(raw(map)?, 16),
            "spanId" | "span_id" => self.span_id = Id::from_json(raw(map)?, 8),
            _ => skip(map)?,
        }
        Ok(())
    }
}

/// 9 or `SEVERITY_NUMBER_INFO`, `SEVERITY_NUMBER_INFO2`.
fn severity<'b, A: MapAccess<'b>>(map: &mut A) -> Result<i64, A::Error> {
    const LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
    let raw = raw(map)?.trim_matches('"');
    if let Ok(number) = raw.parse() {
        return Ok(number);
    }
    let name = raw.strip_prefix("SEVERITY_NUMBER_").unwrap_or(raw);
    let level = LEVELS.iter().position(|level| name.starts_with(level));
    let step =
        name.bytes().last().filter(u8::is_ascii_digit).map_or(0, |digit| i64::from(digit - b'1').max(0));
    Ok(level.map_or(0, |level| level as i64 * 4 + 1 + step))
}

#[cfg(test)]
mod tests;
