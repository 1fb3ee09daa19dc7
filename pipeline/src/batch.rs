//! The way of a batch: decode, translate, validate, scrub, price, detect. One pass, line by line.

mod otlp;

pub use otlp::{Otlp, StoredContent, StoredLog};

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use uuid::Uuid;

use crate::bill;
use crate::clean;
use crate::decode::{self, Line};
use crate::error::{Code, Reject};
use crate::event::{Event, Field};
use crate::home::{Home, Homes};
use crate::identity;
use crate::settings::Settings;
use crate::signal::{self, Seen, Signal};
use crate::translate::canonical;
use crate::translate::envelope::Envelope;
use crate::translate::json;
use crate::validate;

/// An event ready to be stored, and what it showed.
pub struct Ready<'l> {
    pub event: Event<'l>,
    pub home: Arc<Home>,
    pub signals: Vec<Signal>,
}

/// A line that is not stored; its text is clean.
#[derive(Debug)]
pub struct Rejected {
    pub line: usize,
    pub reject: Reject,
    pub text: String,
}

#[derive(Default)]
pub struct Batch<'l> {
    pub ready: Vec<Ready<'l>>,
    pub rejected: Vec<Rejected>,
    /// Events that the same batch has already.
    pub duplicates: u64,
    /// What came as OTLP and is no event. None: nothing came as OTLP.
    pub otlp: Option<Otlp<'l>>,
}

impl Batch<'_> {
    fn with_capacity(lines: usize) -> Self {
        Batch { ready: Vec::with_capacity(lines), ..Batch::default() }
    }
}

/// Reads opened lines. `now` is in microseconds since 1970 UTC.
pub fn read<'l>(lines: &'l [Line], settings: &Settings, homes: &mut dyn Homes, now: i64) -> Batch<'l> {
    let mut reading = Reading {
        settings,
        homes,
        now,
        batch: Batch::with_capacity(lines.len()),
        seen: HashSet::with_capacity(lines.len()),
        traces: otlp::Traces::default(),
    };
    for line in lines {
        if let Some(request) = &line.otlp {
            reading.read_request(line.number, lines.len() == 1, request);
            continue;
        }
        let json = match &line.json {
            Ok(json) => json,
            Err(reject) => {
                reading.reject(line.number, reject.clone(), &decode::storable(line.bytes));
                continue;
            }
        };
        match parse(&json.text) {
            Err(reject) => reading.reject(line.number, reject, &json.text),
            Ok(object) => {
                reading.read_object(line.number, lines.len() == 1, object, json.repaired, &json.text)
            }
        }
    }
    reading.finish_traces();
    reading.batch
}

fn parse(text: &str) -> Result<Envelope<'_>, Reject> {
    if json::type_name(text) == "object" {
        return Envelope::parse(text).map_err(|error| invalid_json(&error));
    }
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => {
            let message = format!("an event must be a JSON object, got {}", json::type_name(text));
            Err(Reject::line(Code::NotAnObject, message))
        }
        Err(error) => Err(invalid_json(&error)),
    }
}

fn invalid_json(error: &serde_json::Error) -> Reject {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "the line ends inside a value",
        _ => "the line is not valid JSON",
    };
    Reject::line(Code::InvalidJson, format!("{what} (column {})", error.column()))
}

struct Reading<'l, 's> {
    settings: &'s Settings,
    homes: &'s mut dyn Homes,
    now: i64,
    batch: Batch<'l>,
    /// (tenant, time if the client gave one, event id)
    seen: HashSet<(Uuid, Option<i64>, String)>,
    traces: otlp::Traces<'l>,
}

impl<'l> Reading<'l, '_> {
    /// An event, or ObservAI's batch of requests, whose elements are the lines if it is the whole body.
    fn read_object(
        &mut self,
        number: usize,
        whole: bool,
        object: Envelope<'l>,
        repaired: bool,
        text: &'l str,
    ) {
        let requests = object
            .members
            .get("requests")
            .filter(|_| object.members.get("event_type").is_none())
            .and_then(json::elements);
        let Some(requests) = requests else { return self.read_event(number, object, repaired, None, text) };
        let batch_time = object.members.get("timestamp").filter(|raw| *raw != "null");
        for (index, raw) in requests.into_iter().enumerate() {
            let number = if whole { index + 1 } else { number };
            match parse(raw) {
                Ok(request) => self.read_event(number, request, repaired, batch_time, raw),
                Err(reject) => self.reject(number, reject, raw),
            }
        }
    }

    fn read_event(
        &mut self,
        number: usize,
        object: Envelope<'l>,
        repaired: bool,
        batch_time: Option<&'l str>,
        text: &'l str,
    ) {
        let ready = canonical::translate(number, object, repaired, batch_time)
            .and_then(|event| self.finish(event, text));
        match ready {
            Ok(Some(ready)) => self.batch.ready.push(ready),
            Ok(None) => self.batch.duplicates += 1,
            Err(reject) => self.reject(number, reject, text),
        }
    }

    /// None for an event that the batch has already.
    fn finish(&mut self, mut event: Event<'l>, text: &str) -> Result<Option<Ready<'l>>, Reject> {
        validate::validate(&event, self.settings, self.now)?;
        let home = self.homes.home(event.tenant.as_deref(), event.project.as_deref())?;
        if event.text(Field::EventId).is_none() {
            let id = identity::derive_event_id(&event, text);
            event.set_text(Field::EventId, Some(Cow::Owned(id.to_string())));
        }
        if event.ts.is_none() {
            event.timed_by_arrival = true;
        }
        let event_id = event.text(Field::EventId).unwrap_or_default().to_owned();
        let key_time = event.ts.filter(|_| !event.timed_by_arrival);
        event.ts = event.ts.or(Some(self.now));
        let found = clean::clean(&mut event, &home.scrubber, &home.pseudonym_key);
        if !self.seen.insert((home.tenant_id, key_time, event_id)) {
            return Ok(None);
        }
        bill::bill(&mut event, &home);
        let seen = Seen { event: &event, found: &found, context_window: bill::context_window(&event, &home) };
        let signals = signal::detect(&seen, &home.rules);
        Ok(Some(Ready { event, home, signals }))
    }

    fn reject(&mut self, line: usize, reject: Reject, text: &str) {
        // A NUL as it is makes no JSON, so it gets as far as here.
        let text = clean::clean_rejected(&decode::storable(text.as_bytes()));
        self.batch.rejected.push(Rejected { line, reject, text });
    }
}
