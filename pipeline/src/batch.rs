//! The way of a batch: decode, translate, validate, scrub, price, detect. One pass, line by line.

mod otlp;

pub use otlp::{Otlp, StoredContent, StoredLog};

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use uuid::Uuid;

use crate::bill;
use crate::clean;
use crate::decode::{self, Json, Line};
use crate::error::{Code, Reject};
use crate::event::{Event, EventType, Field};
use crate::home::{Home, Homes, Place};
use crate::identity;
use crate::letter::{self, Letter};
use crate::quality;
use crate::settings::Settings;
use crate::signal::loops::Loops;
use crate::signal::{self, Seen, Signal};
use crate::tags;
use crate::translate::aliases::{self, Target};
use crate::translate::canonical;
use crate::translate::envelope::Envelope;
use crate::translate::json::{self, Object};
use crate::validate;

/// An event ready to be stored, and what it showed.
pub struct Ready<'l> {
    pub event: Event<'l>,
    pub home: Arc<Home>,
    pub signals: Vec<Signal>,
    /// Values of the tags that its project has metrics by, as [`tags::find`] gives them.
    pub tags: Vec<String>,
}

/// A line that is not stored; its text is clean.
pub struct Rejected {
    pub line: usize,
    pub reject: Reject,
    /// Where its dead letter belongs: what it names, where that can be read and the caller may write there, else the caller's.
    pub home: Option<Arc<Home>>,
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
        clean: clean::Known::default(),
    };
    for line in lines {
        match (&line.otlp, &line.json) {
            (Some(request), _) => reading.read_request(line, lines.len() == 1, request),
            (None, Ok(json)) => reading.read_line(line, json),
            (None, Err(reject)) => reading.reject_line(line, reject.clone(), &decode::storable(line.bytes)),
        }
    }
    reading.finish_traces();
    let mut batch = reading.batch;
    let events = batch.ready.iter().map(|ready| (&ready.event, &*ready.home));
    for (place, signal) in Loops::default().read(events) {
        batch.ready.get_mut(place).into_iter().for_each(|ready| ready.signals.push(signal.clone()));
    }
    batch
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

/// Where a line belongs that names this place.
fn place<'n>(named: Place<'n>, letter: Option<&'n Letter>) -> Place<'n> {
    letter.map_or(named, |letter| letter.place(named))
}

struct Reading<'l, 's> {
    settings: &'s Settings,
    homes: &'s mut dyn Homes,
    now: i64,
    batch: Batch<'l>,
    /// (tenant, time if the client gave one, event id)
    seen: HashSet<(Uuid, Option<i64>, String)>,
    traces: otlp::Traces<'l>,
    clean: clean::Known,
}

impl<'l> Reading<'l, '_> {
    fn read_line(&mut self, line: &'l Line<'l>, json: &'l Json<'l>) {
        let ready = parse(&json.text)
            .and_then(|object| canonical::translate(line.number, object, json.repaired, line.batch_time))
            .and_then(|event| self.finish(event, &json.text, line.letter));
        match ready {
            Ok(Some(ready)) => self.batch.ready.push(ready),
            Ok(None) => self.batch.duplicates += 1,
            Err(reject) => self.reject_line(line, reject, &json.text),
        }
    }

    /// None for an event that the batch has already.
    fn finish(
        &mut self,
        mut event: Event<'l>,
        text: &str,
        letter: Option<&Letter>,
    ) -> Result<Option<Ready<'l>>, Reject> {
        if let Some(letter) = letter.filter(|_| event.ts.is_none()) {
            event.timed_by_arrival = true;
            event.ts = Some(letter.arrived);
        }
        validate::validate(&event, self.settings, self.now)?;
        let named = Place {
            tenant: event.tenant.as_deref(),
            project: event.project.as_deref(),
            environment: event.text(Field::Environment),
        };
        let home = self.homes.home(place(named, letter))?;
        let derived = match event.text(Field::EventId) {
            Some(_) => None,
            None => Some(identity::derive_event_id(&event, text).to_string()),
        };
        if event.ts.is_none() {
            event.timed_by_arrival = true;
        }
        let event_id = derived.as_deref().or(event.text(Field::EventId)).unwrap_or_default().to_owned();
        let key_time = event.ts.filter(|_| !event.timed_by_arrival);
        event.ts = event.ts.or(Some(self.now));
        let clean = if letter.is_some() { clean::clean_letter } else { clean::clean };
        let found = clean(&mut event, &home, &mut self.clean);
        // Only now: what we made ourselves holds no secret.
        if derived.is_some() {
            event.set_text(Field::EventId, derived.map(Cow::Owned));
        }
        bill::bill(&mut event, &home)?;
        if !self.seen.insert((home.tenant_id, key_time, event_id)) {
            return Ok(None);
        }
        if home.quality_scores {
            quality::score(&mut event);
        }
        let seen = Seen { event: &event, found: &found, context_window: bill::context_window(&event, &home) };
        let signals = signal::detect(&seen, &home.rules);
        // Clean ones: what is redacted is no value.
        let tags = match event.attributes.as_deref().filter(|_| !home.metric_tags.is_empty()) {
            Some(attributes) => tags::find(&home.metric_tags, attributes),
            None => Vec::new(),
        };
        Ok(Some(Ready { event, home, signals, tags }))
    }

    fn reject_line(&mut self, line: &Line, reject: Reject, text: &str) {
        let named = Named::of(text);
        match line.batch_time {
            // A request that is tried again later still has its batch's time.
            Some(time) => {
                let text = format!("{{\"timestamp\":{time},\"requests\":[{text}]}}");
                self.reject(line.number, reject, named, &text, line.letter);
            }
            None => self.reject(line.number, reject, named, text, line.letter),
        }
    }

    fn reject(&mut self, line: usize, reject: Reject, named: Named, text: &str, letter: Option<&Letter>) {
        // A mismatch is of the tenant that the line names: it goes to whom the caller acts for, as what names nobody does.
        let named = if reject.code == Code::TenantMismatch { Place::default() } else { named.place() };
        let mut home = |named| self.homes.home(place(named, letter));
        let home = home(named).or_else(|_| home(Place::default())).ok();
        // A NUL as it is makes no JSON, so it gets as far as here.
        let text = letter::clean(&decode::storable(text.as_bytes()), home.as_deref(), letter.is_some());
        self.batch.rejected.push(Rejected { line, reject, home, text });
    }
}

/// What a line that is not stored names, as far as it can be read.
#[derive(Default)]
struct Named<'l> {
    tenant: Option<Cow<'l, str>>,
    project: Option<Cow<'l, str>>,
    environment: Option<Cow<'l, str>>,
}

impl<'l> Named<'l> {
    fn of(text: &'l str) -> Named<'l> {
        let Ok(envelope) = Object::parse(text) else { return Named::default() };
        let named = |target| named(&envelope, target);
        Named {
            tenant: named(Target::Tenant),
            project: named(Target::Project),
            environment: named(Target::Text(Field::Environment)),
        }
    }

    fn place(&self) -> Place<'_> {
        Place {
            tenant: self.tenant.as_deref(),
            project: self.project.as_deref(),
            environment: self.environment.as_deref(),
        }
    }
}

/// These keys mean the same in every type of event.
fn named<'l>(object: &Object<'l>, target: Target) -> Option<Cow<'l, str>> {
    let fills = |key: &str| aliases::alias(key, EventType::LlmCall).filter(|alias| alias.target == target);
    let members = object.0.iter().filter_map(|(key, raw)| Some((fills(key)?.rank, *raw)));
    let (_, raw) = members.filter(|(_, raw)| *raw != "null").min_by_key(|(rank, _)| *rank)?;
    json::string(raw).or_else(|| (json::type_name(raw) == "number").then_some(Cow::Borrowed(raw)))
}
