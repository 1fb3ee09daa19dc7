//! A batch's OTLP: spans become events once all of them are read, since a trace's spans say things about each other.

use std::collections::HashMap;
use std::sync::Arc;

use crate::batch::{Named, Reading, place};
use crate::decode::Line;
use crate::decode::otlp::{Request, Span};
use crate::error::{Code, Reject};
use crate::event::{Content, Event, Field};
use crate::home::{Home, Place};
use crate::letter::Letter;
use crate::scrub::{Found, Scrubber};
use crate::translate::otel::logs::{self, LogContent, LogRecord, Record};
use crate::translate::otel::messages;
use crate::translate::otel::span::{self, Origin};
use crate::translate::otel::{spread, twins, written};
use crate::validate;

/// What came as OTLP beside events.
#[derive(Default)]
pub struct Otlp<'l> {
    /// Spans and log records that are not stored: the answer's `partialSuccess`.
    pub rejected: u64,
    pub logs: Vec<StoredLog<'l>>,
    /// Prompts and answers of spans that came in another body.
    pub contents: Vec<StoredContent<'l>>,
}

/// A clean line of an application's log.
pub struct StoredLog<'l> {
    pub record: LogRecord<'l>,
    pub home: Arc<Home>,
    pub redactions: u32,
}

/// Clean content of a span that is not in this body.
pub struct StoredContent<'l> {
    pub content: LogContent<'l>,
    pub home: Arc<Home>,
    pub redactions: u32,
}

/// What log records say of spans, each with the letter that it came in.
type Contents<'l> = Vec<(LogContent<'l>, Option<&'l Letter>)>;

/// What is read of the batch's requests, until all of them are.
#[derive(Default)]
pub(super) struct Traces<'l> {
    events: Vec<Event<'l>>,
    /// Of each event: its span, the request that has its scope and resource, and the letter that it came in.
    sources: Vec<(&'l Span<'l>, &'l Request<'l>, Option<&'l Letter>)>,
    contents: Contents<'l>,
}

impl<'l> Reading<'l, '_> {
    /// Spans are numbered over a request that is the whole body; else they have their line's number.
    pub(super) fn read_request(&mut self, of: &'l Line<'l>, whole: bool, request: &'l Request<'l>) {
        let (number, letter) = (of.number, of.letter);
        self.batch.otlp.get_or_insert_default();
        if request.metrics {
            let message = "metrics are not stored: send traces and logs";
            self.reject_otlp(number, Reject::line(Code::UnsupportedFormat, message), "", letter);
        }
        if request.cut {
            let message = "the body is cut off: the spans before the cut are stored";
            self.reject_otlp(number, Reject::line(Code::UnsupportedFormat, message), "", letter);
        }
        let origins: Vec<Origin> = request
            .scopes
            .iter()
            .filter_map(|scope| Some(Origin::new(request.resources.get(scope.resource)?, scope)))
            .collect();
        for (index, span) in request.spans.iter().enumerate() {
            let line = if whole { index + 1 } else { number };
            let Some(origin) = origins.get(span.scope) else { continue };
            match span::translate(line, span, origin) {
                Ok(event) => {
                    self.traces.events.push(event);
                    self.traces.sources.push((span, request, letter));
                }
                Err(reject) => self.reject_otlp(line, reject, &source(span, request), letter),
            }
        }
        for (index, log) in request.logs.iter().enumerate() {
            let line = if whole { index + 1 } else { number };
            let Some(origin) = origins.get(log.scope) else { continue };
            let read = logs::translate(log, origin).and_then(|record| self.read_record(record, letter));
            if let Err(reject) = read {
                self.reject_otlp(line, reject, log.source, letter);
            }
        }
    }

    fn reject_otlp(&mut self, line: usize, reject: Reject, text: &str, letter: Option<&Letter>) {
        self.batch.otlp.get_or_insert_default().rejected += 1;
        self.reject(line, reject, Named::default(), text, letter);
    }

    fn read_record(&mut self, record: Record<'l>, letter: Option<&'l Letter>) -> Result<(), Reject> {
        let arrived = letter.map(|letter| letter.arrived);
        match record {
            Record::Content(content) if content.input.is_none() && content.output.is_none() => {}
            Record::Content(mut content) => {
                content.ts = content.ts.or(arrived);
                self.traces.contents.push((content, letter));
            }
            Record::Line(mut record) => {
                record.ts = record.ts.or(arrived);
                if let Some(ts) = record.ts {
                    validate::time(ts, self.settings, self.now)?;
                }
                let home = self.homes.home(place(Place::default(), letter))?;
                let redactions = clean_record(&mut record, &home.scrubber);
                self.batch.otlp.get_or_insert_default().logs.push(StoredLog { record, home, redactions });
            }
        }
        Ok(())
    }

    /// Joins what belongs together, decides who is billed, and finishes each event.
    pub(super) fn finish_traces(&mut self) {
        let Traces { mut events, sources, contents } = std::mem::take(&mut self.traces);
        let apart = join_contents(&mut events, contents);
        let scope = |(span, request, _): &(&'l Span, &'l Request, _)| {
            request.scopes.get(span.scope).map_or("", |scope| scope.name.as_ref())
        };
        let scopes: Vec<&str> = sources.iter().map(scope).collect();
        spread::spread_events(&mut events);
        twins::complete(&mut events, &scopes);
        twins::mark_repeats(&mut events);
        for (event, (span, request, letter)) in events.into_iter().zip(sources) {
            let line = event.line;
            match self.finish(event, "", letter) {
                Ok(Some(ready)) => self.batch.ready.push(ready),
                Ok(None) => self.batch.duplicates += 1,
                Err(reject) => self.reject_otlp(line, reject, &source(span, request), letter),
            }
        }
        for (content, letter) in apart {
            // Whoever may not write has no event of this body either.
            let Ok(home) = self.homes.home(place(Place::default(), letter)) else { continue };
            let mut stored = StoredContent { content, home, redactions: 0 };
            stored.redactions = clean_content(&mut stored.content, &stored.home.scrubber);
            self.batch.otlp.get_or_insert_default().contents.push(stored);
        }
    }
}

/// A rejected span as a request that can be sent again.
fn source(span: &Span, request: &Request) -> String {
    let scope = request.scopes.get(span.scope);
    let resource = scope.and_then(|scope| request.resources.get(scope.resource));
    match (scope, resource) {
        (Some(scope), Some(resource)) => written::request_of(span, resource, scope),
        _ => span.source.to_owned(),
    }
}

/// Gives each span of the batch what log records say of it; the contents of other spans come back, one for each span.
fn join_contents<'l>(events: &mut [Event<'l>], contents: Contents<'l>) -> Contents<'l> {
    if contents.is_empty() {
        return contents;
    }
    let mut order = Contents::new();
    let mut places: HashMap<(String, String), usize> = HashMap::new();
    for (content, letter) in contents {
        let key = (content.trace_id.to_string(), content.span_id.to_string());
        match places.get(&key).and_then(|place| order.get_mut(*place)) {
            Some((earlier, _)) => {
                earlier.input = joined(earlier.input.take(), content.input);
                earlier.output = joined(earlier.output.take(), content.output);
            }
            None => {
                places.insert(key, order.len());
                order.push((content, letter));
            }
        }
    }
    let mut spans: HashMap<(String, String), usize> = HashMap::with_capacity(events.len());
    for (place, event) in events.iter().enumerate() {
        let id = |field| event.text(field).unwrap_or_default().to_owned();
        spans.entry((id(Field::TraceId), id(Field::SpanId))).or_insert(place);
    }
    order.retain_mut(|(content, _)| {
        let key = (content.trace_id.to_string(), content.span_id.to_string());
        let Some(event) = spans.get(&key).and_then(|place| events.get_mut(*place)) else { return true };
        event.input = event.input.take().or(content.input.take());
        event.output = event.output.take().or(content.output.take());
        false
    });
    order
}

fn joined<'l>(first: Option<Content<'l>>, second: Option<Content<'l>>) -> Option<Content<'l>> {
    match (first, second) {
        (Some(first), Some(second)) => {
            Some(Content::Json(messages::join(first.as_str(), second.as_str()).into()))
        }
        (first, second) => first.or(second),
    }
}

fn clean_record(record: &mut LogRecord, scrubber: &Scrubber) -> u32 {
    let mut found = Found::default();
    let texts = [Some(&mut record.message), record.service.as_mut()];
    for text in texts.into_iter().flatten() {
        let scrubbed = scrubber.scrub(text);
        found.merge(scrubbed.found);
        let cleaned = scrubbed.text.into_owned();
        if *text != cleaned {
            *text = cleaned.into();
        }
    }
    let scrubbed = scrubber.scrub_json(&record.attributes);
    found.merge(scrubbed.found);
    record.attributes = scrubbed.text.into_owned();
    found.total()
}

fn clean_content(content: &mut LogContent, scrubber: &Scrubber) -> u32 {
    let mut found = Found::default();
    for side in [&mut content.input, &mut content.output].into_iter().flatten() {
        let scrubbed = scrubber.scrub_json(side.as_str());
        found.merge(scrubbed.found);
        *side = Content::Json(scrubbed.text.into_owned().into());
    }
    found.total()
}
