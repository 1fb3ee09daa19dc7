//! One span to one event, by the tables of kinds and aliases.

use std::borrow::Cow;

use bigdecimal::Zero;
use serde_json::Value as Json;

use crate::decode::otlp::{Attributes, Id, Scope, Span, Value};
use crate::error::{Code, Reject};
use crate::event::{Content, Event, Field};
use crate::identity;
use crate::price::{Usd, normalise_provider, parse_usd};
use crate::time;
use crate::translate::json::{self, Object};
use crate::translate::otel::aliases::{self, Alias, Form, Target};
use crate::translate::otel::errors;
use crate::translate::otel::kind::{Kind, MARKERS, kind_of};
use crate::translate::otel::messages;
use crate::translate::otel::unflatten;
use crate::translate::otel::usage::{Reported, SdkNames};
use crate::translate::otel::written::{self, Fate};

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
    event.set_text(Field::Name, Some(bounded(&span.name)).filter(|name| !name.is_empty()));
    event.ts = span.start.or(span.end).and_then(|time| i64::try_from(time / 1_000).ok());
    event.latency_ms = span.start.zip(span.end).filter(|(start, end)| end >= start).map(|(start, end)| {
        // Nanoseconds in a double's 53 bits: a span of 100 days keeps them.
        (end - start) as f64 / 1e6
    });
    let mut filling = Filling {
        event,
        kind,
        span,
        filled: Vec::with_capacity(24),
        fates: vec![Fate::Kept; span.attributes.len()],
        content_from: Vec::new(),
        reported: Reported::new(origin.scope, hits.sdk_names),
        input_cost: None,
        output_cost: None,
        system: None,
        tool_calls: None,
        level: None,
        tags: None,
    };
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

/// A span's name may hold a whole prompt, which no column takes: cut, and kept whole among the attributes.
fn bounded(name: &str) -> Cow<'_, str> {
    const MOST: usize = 200;
    match name.char_indices().nth(MOST) {
        Some((end, _)) => Cow::Borrowed(name.get(..end).unwrap_or_default()),
        None => Cow::Borrowed(name),
    }
}

/// The attributes that the tables know.
struct Hits {
    /// (row of the aliases, attribute), in the order of the rows.
    aliases: Vec<(u16, usize)>,
    markers: Vec<(u16, usize)>,
    sdk_names: SdkNames,
}

impl Hits {
    fn find(attributes: &Attributes) -> Hits {
        let mut hits = Hits {
            aliases: Vec::with_capacity(24),
            markers: Vec::with_capacity(8),
            sdk_names: SdkNames::None,
        };
        for (place, (key, _)) in attributes.iter().enumerate() {
            if let Some(known) = aliases::known(key) {
                hits.aliases.extend(known.aliases.iter().map(|row| (*row, place)));
                // The marker `name` is the span's own.
                hits.markers.extend(known.markers.iter().filter(|_| key != "name").map(|row| (*row, place)));
            }
            hits.sdk_names = match key.strip_prefix("ai.usage.") {
                Some("promptTokens" | "completionTokens") => SdkNames::Old,
                Some(name) if name.starts_with("inputTokenDetails.") => SdkNames::New,
                Some("inputTokens") if hits.sdk_names == SdkNames::None => SdkNames::NewWithoutDetails,
                _ => hits.sdk_names,
            };
        }
        hits.aliases.sort_unstable();
        hits.markers.sort_unstable();
        hits
    }

    /// What the span is, by the first marker that says it.
    fn kind(&self, span: &Span) -> Kind {
        let mut hits = self.markers.iter().peekable();
        for (row, marker) in (0..).zip(MARKERS) {
            let mut values = Vec::new();
            while let Some((_, place)) = hits.next_if(|(hit, _)| *hit <= row) {
                values.push(*place);
            }
            if marker.key == "name"
                && let Some(kind) = kind_of(marker.tests, &span.name)
            {
                return kind;
            }
            let decided = values.into_iter().rev().find_map(|place| {
                let (_, value) = span.attributes.get(place)?;
                kind_of(marker.tests, &value.text()?)
            });
            if let Some(kind) = decided {
                return kind;
            }
        }
        Kind::Span
    }
}

struct Filling<'l, 's> {
    event: Event<'l>,
    kind: Kind,
    span: &'l Span<'l>,
    filled: Vec<Target>,
    fates: Vec<Fate>,
    content_from: Vec<Cow<'l, str>>,
    reported: Reported<'s>,
    input_cost: Option<Usd>,
    output_cost: Option<Usd>,
    system: Option<String>,
    tool_calls: Option<Content<'l>>,
    level: Option<Cow<'l, str>>,
    tags: Option<Cow<'l, str>>,
}

impl<'l> Filling<'l, '_> {
    /// Reads attributes row by row. `own`: they are the span's, whose content need not be kept twice.
    fn fill(&mut self, attributes: &'l Attributes<'l>, hits: &Hits, own: bool) {
        let mut rest = hits.aliases.as_slice();
        while let Some((row, place)) = rest.first().copied() {
            let same = rest.iter().take_while(|(other, _)| *other == row).count();
            let (family, after) = rest.split_at(same);
            rest = after;
            let Some(alias) = aliases::alias(row) else { continue };
            if !alias.only.is_empty() && !alias.only.contains(&self.kind) {
                continue;
            }
            match alias.target {
                Target::Input(Form::Indexed) | Target::Output(Form::Indexed) => {
                    self.indexed(alias, attributes, family, own);
                }
                Target::Embeddings => self.embeddings(attributes, family, own),
                _ => {
                    // Of equal keys the last counts.
                    let place = family.last().map_or(place, |(_, last)| *last);
                    let Some((key, value)) = attributes.get(place) else { continue };
                    if !self.is_filled(alias.target) && self.set(alias, key, value, place, own) {
                        self.filled.push(alias.target);
                    }
                }
            }
        }
    }

    fn is_filled(&self, target: Target) -> bool {
        match target {
            Target::Input(_) => self.event.input.is_some(),
            Target::Output(Form::ToolCalls) => self.tool_calls.is_some(),
            Target::Output(_) => self.event.output.is_some(),
            Target::Cost | Target::CostUnlessZero | Target::CostObject => {
                self.event.reported_cost_usd.is_some()
            }
            Target::TtftSeconds | Target::TtftMilliseconds | Target::FirstToken => {
                self.event.ttft_ms.is_some()
            }
            // Objects fill what is missing, each a little more.
            Target::Usage | Target::Answer | Target::ProviderMetadata | Target::Metadata | Target::Vector => {
                false
            }
            target => self.filled.contains(&target),
        }
    }

    /// False where the value has no meaning for the target.
    fn set(&mut self, alias: &Alias, key: &'l str, value: &'l Value<'l>, place: usize, own: bool) -> bool {
        match alias.target {
            Target::Text(field) => match short_text(field, value) {
                // An object that names the model may come before.
                Some(text) if self.event.text(field).is_none() => self.event.set_text(field, Some(text)),
                Some(_) => {}
                None => return false,
            },
            Target::Count(which) => return self.reported.count(which, value.number()),
            Target::Usage => parsed(value).into_iter().for_each(|usage| self.reported.object(&usage)),
            Target::DisjointUsage => {
                parsed(value).into_iter().for_each(|usage| self.reported.disjoint_object(&usage));
            }
            Target::ProviderMetadata => {
                parsed(value).into_iter().for_each(|metadata| self.reported.provider_metadata(&metadata));
            }
            Target::Answer => self.answer(value),
            Target::TtftSeconds => {
                self.event.ttft_ms = value.number().map(|s| s * 1e3).filter(|ms| *ms >= 0.0)
            }
            Target::TtftMilliseconds => self.event.ttft_ms = value.number().filter(|ms| *ms >= 0.0),
            Target::FirstToken => self.event.ttft_ms = self.since_start(value),
            Target::Cost => self.event.reported_cost_usd = money(value),
            Target::CostUnlessZero => {
                self.event.reported_cost_usd = money(value).filter(|cost| !cost.is_zero());
            }
            Target::CostObject => self.event.reported_cost_usd = cost_of_object(value),
            Target::InputCost => self.input_cost = money(value),
            Target::OutputCost => self.output_cost = money(value),
            Target::System(form) => {
                let Some(read) = messages::read(form, value, "system") else { return false };
                self.system = Some(read.content.as_str().to_owned());
                self.moved(key, place, read.whole && own);
            }
            Target::Input(Form::Events) | Target::Output(Form::Events) => {
                let Some((input, output)) = messages::of_events(value) else { return false };
                self.event.input = input.map(|input| Content::Json(Cow::Owned(input)));
                if self.event.output.is_none() {
                    self.event.output = output.map(|output| Content::Json(Cow::Owned(output)));
                }
                self.moved(key, place, own);
            }
            Target::Input(form) => {
                let Some(read) = messages::read(form, value, "user") else { return false };
                self.event.input = Some(read.content);
                self.moved(key, place, read.whole && own);
            }
            // The numbers of a vector say nothing to anyone.
            Target::Output(_) if self.kind == Kind::Embedding => return false,
            Target::Output(form) => {
                let Some(read) = messages::read(form, value, "assistant") else { return false };
                if form == Form::ToolCalls { &mut self.tool_calls } else { &mut self.event.output }
                    .replace(read.content);
                self.moved(key, place, read.whole && own);
            }
            Target::ErrorMessage => self.event.error_message = value.text().filter(|text| !text.is_empty()),
            Target::Level => self.level = value.text(),
            Target::ServiceTier => self.event.service_tier = value.text(),
            Target::Tags => self.tags = value.text(),
            Target::Metadata => self.metadata(value),
            Target::Dimensions => self.event.facts.dimensions = value.number().map(|number| number as i64),
            Target::Vector => self.vector(value, place, own),
            Target::Streaming => self.reported.streaming = value.boolean().unwrap_or_default(),
            Target::Parameters => {
                let model =
                    parsed(value).and_then(|parameters| Some(parameters.get("model")?.as_str()?.to_owned()));
                if self.event.text(Field::Model).is_none() {
                    self.event.set_text(Field::Model, model.filter(|model| is_id(model)).map(Cow::Owned));
                }
            }
            Target::VectorAnswer => self.vector_answer(value, place, own),
            Target::Embeddings => return false,
        }
        true
    }

    /// Content that is in a column is not kept among the attributes as well; that it was there is.
    fn moved(&mut self, key: &'l str, place: usize, whole: bool) {
        if whole && let Some(fate) = self.fates.get_mut(place) {
            *fate = Fate::Moved;
            self.content_from.push(Cow::Borrowed(key));
        }
    }

    fn indexed(&mut self, alias: &Alias, attributes: &'l Attributes<'l>, hits: &[(u16, usize)], own: bool) {
        let is_input = matches!(alias.target, Target::Input(_));
        let members = || {
            hits.iter().filter_map(|(_, place)| {
                let (key, value) = attributes.get(*place)?;
                Some((key.get(alias.key.len() - 1..)?, value))
            })
        };
        if self.kind == Kind::Retrieval && !is_input {
            self.event.facts.results = i64::try_from(unflatten::length(members().map(|(path, _)| path))).ok();
        }
        if self.is_filled(alias.target) {
            return;
        }
        let role = match self.kind {
            Kind::Retrieval | Kind::VectorDb => None,
            _ => Some(if is_input { "user" } else { "assistant" }),
        };
        let list = Content::Json(Cow::Owned(unflatten::list(members(), role)));
        if is_input { &mut self.event.input } else { &mut self.event.output }.replace(list);
        if own {
            for (_, place) in hits {
                if let Some(fate) = self.fates.get_mut(*place) {
                    *fate = Fate::Moved;
                }
            }
            self.content_from.push(Cow::Borrowed(alias.key));
        }
    }

    /// OpenInference's `embedding.embeddings.N.embedding.text` and `.vector`.
    fn embeddings(&mut self, attributes: &'l Attributes<'l>, hits: &[(u16, usize)], own: bool) {
        let mut texts = Vec::new();
        for (_, place) in hits {
            let Some((key, value)) = attributes.get(*place) else { continue };
            if key.ends_with(".vector") {
                self.vector(value, *place, own);
            } else if key.ends_with(".text") {
                texts.push((*place, value));
            }
        }
        if self.event.input.is_some() || texts.is_empty() {
            return;
        }
        let mut list = String::from("[");
        for (place, value) in texts {
            if list.len() > 1 {
                list.push(',');
            }
            value.write(&mut list);
            if let Some(fate) = self.fates.get_mut(place).filter(|_| own) {
                *fate = Fate::Moved;
            }
        }
        list.push(']');
        self.event.input = Some(Content::Json(Cow::Owned(list)));
        if own {
            self.content_from.push(Cow::Borrowed("embedding.embeddings.*.embedding.text"));
        }
    }

    /// Of a vector, or a list of vectors, which may be JSON texts, only the sizes stay.
    fn vector(&mut self, value: &Value, place: usize, own: bool) {
        let Some(text) = value.text() else { return };
        let elements = json::elements(&text).unwrap_or_default();
        let first = elements.first().map(|raw| json::string(raw).unwrap_or(Cow::Borrowed(raw)));
        let (vectors, dimensions) = match first.filter(|first| first.trim_start().starts_with('[')) {
            Some(first) => (elements.len(), json::elements(&first).map_or(0, |numbers| numbers.len())),
            None => (1, elements.len()),
        };
        let dimensions = i64::try_from(dimensions).unwrap_or_default();
        self.event.facts.vector_length = Some(dimensions).filter(|dimensions| *dimensions > 0);
        if let Some(fate) = self.fates.get_mut(place).filter(|_| own) {
            *fate = Fate::Replaced(format!("{{\"vectors\":{vectors},\"dimensions\":{dimensions}}}"));
        }
    }

    /// A provider's answer to a request for embeddings: `{"data": [{"embedding": [...]}]}`, or of any other shape.
    fn vector_answer(&mut self, value: &Value, place: usize, own: bool) {
        let Some(text) = value.text() else { return };
        let object = Object::parse(&text).unwrap_or_default();
        let vectors = ["data", "embeddings"]
            .iter()
            .find_map(|key| json::elements(object.get(key)?))
            .unwrap_or_default();
        let first = vectors
            .first()
            .map(|raw| Object::parse(raw).ok().and_then(|one| one.get("embedding")).unwrap_or(raw));
        let dimensions = first.and_then(json::elements).map_or(0, |numbers| numbers.len());
        if dimensions > 0 {
            self.event.facts.vector_length = i64::try_from(dimensions).ok();
        }
        let short =
            format!("{{\"vectors\":{},\"dimensions\":{dimensions},\"bytes\":{}}}", vectors.len(), text.len());
        if let Some(fate) = self.fates.get_mut(place).filter(|_| own) {
            *fate = Fate::Replaced(short);
        }
    }

    /// Ids in a JSON object of the application's own making.
    fn metadata(&mut self, value: &Value) {
        const IDS: [(&str, Field); 7] = [
            ("session_id", Field::SessionId),
            ("sessionId", Field::SessionId),
            ("user_id", Field::UserId),
            ("userId", Field::UserId),
            ("conversation_id", Field::ConversationId),
            ("thread_id", Field::ConversationId),
            ("threadId", Field::ConversationId),
        ];
        let Some(Json::Object(object)) = parsed(value) else { return };
        for (key, field) in IDS {
            if self.event.text(field).is_none()
                && let Some(text) = object.get(key).and_then(Json::as_str)
                && is_id(text)
            {
                self.event.set_text(field, Some(Cow::Owned(text.to_owned())));
            }
        }
    }

    /// A provider's answer: what no attribute says of it.
    fn answer(&mut self, value: &Value) {
        let Some(text) = value.text().filter(|text| text.starts_with('{')) else { return };
        let Ok(object) = Object::parse(&text) else { return };
        let mut fill = |field: Field, keys: &[&str]| {
            let found = keys.iter().find_map(|key| json::string(object.get(key)?));
            if let Some(found) = found.filter(|found| self.event.text(field).is_none() && is_id(found)) {
                self.event.set_text(field, Some(Cow::Owned(found.into_owned())));
            }
        };
        fill(Field::ResponseId, &["id", "responseId", "response_id"]);
        fill(Field::ResponseModel, &["model", "modelVersion", "model_version"]);
        fill(Field::FinishReason, &["stop_reason"]);
        let usage = ["usage", "usageMetadata", "usage_metadata"].iter().find_map(|key| object.get(key));
        if let Some(Ok(usage)) = usage.map(serde_json::from_str) {
            self.reported.object(&usage);
        }
    }

    /// Milliseconds from the span's start to a time.
    fn since_start(&self, value: &Value) -> Option<f64> {
        let text = value.text()?;
        let micros = time::from_text(text.trim_matches('"'))?;
        let start = i64::try_from(self.span.start? / 1_000).ok()?;
        Some((micros - start) as f64 / 1e3).filter(|ms| *ms >= 0.0)
    }

    /// What span events say: messages, the first token, an evaluation.
    fn fill_from_events(&mut self) {
        let span = self.span;
        for event in &span.events {
            if matches!(messages::said(&event.name), Some(messages::Said::Details)) {
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
        if self.event.input.is_some() && self.event.output.is_some() {
            return;
        }
        let (input, output) = messages::of_span_events(
            span.events.iter().map(|event| (event.name.as_ref(), &event.attributes)),
        );
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
            event.set_text(Field::ToolName, Some(bounded(&self.span.name)).filter(|name| !name.is_empty()));
        }
        errors::fill(&mut event, self.span, self.level.as_deref());
        let is_call = matches!(self.kind, Kind::Llm | Kind::Embedding);
        let (tokens, settled) = self.reported.settle(event.text(Field::Provider), is_call);
        event.tokens = tokens;
        event.attributes = Some(written::attributes(&written::Parts {
            span: self.span,
            origin,
            fates: &self.fates,
            content_from: &self.content_from,
            settled: settled.as_ref(),
            tags: self.tags.as_deref(),
        }));
        event
    }
}

fn parsed(value: &Value) -> Option<Json> {
    let text = value.text()?;
    match serde_json::from_str(&text).ok()? {
        Json::String(inner) => serde_json::from_str(&inner).ok(),
        json => Some(json),
    }
}

/// Empty texts name nothing, and neither does what Logfire writes in place of what it takes for a secret.
fn is_id(text: &str) -> bool {
    !text.is_empty() && !text.starts_with("[Scrubbed due to")
}

/// Words for one reason to stop, whatever the provider calls it. Others stay as they are.
const FINISH_REASONS: &[(&str, &[&str])] = &[
    ("stop", &["stop", "end_turn", "stop_sequence", "end"]),
    ("length", &["length", "max_tokens", "max_output_tokens"]),
    ("tool_calls", &["tool_calls", "tool_call", "tool_use", "tool-calls", "function_call"]),
    ("content_filter", &["content_filter", "content-filter", "safety"]),
];

fn short_text<'l>(field: Field, value: &'l Value<'l>) -> Option<Cow<'l, str>> {
    let text = match (field, value) {
        (Field::FinishReason, value) => return finish_reason(value),
        (_, Value::Text(_) | Value::Int(_)) => value.text()?,
        _ => return None,
    };
    if !is_id(text.trim()) {
        return None;
    }
    match field {
        // A framework is no provider; another key may name it.
        Field::Provider => normalise_provider(&text).map(|provider| Cow::Owned(provider.into_owned())),
        _ => Some(text),
    }
}

/// Of several the first, which may stand in a list, or in a text of one.
fn finish_reason<'l>(value: &'l Value<'l>) -> Option<Cow<'l, str>> {
    let text = value.text()?;
    let first = match json::elements(&text) {
        Some(elements) => json::string(elements.first()?)?.into_owned(),
        None => text.trim_matches('"').to_owned(),
    };
    let same =
        FINISH_REASONS.iter().find(|(_, words)| words.iter().any(|word| word.eq_ignore_ascii_case(&first)));
    match same {
        Some((reason, _)) => Some(Cow::Borrowed(*reason)),
        None if first.is_empty() => None,
        None => Some(Cow::Owned(first)),
    }
}

fn money(value: &Value) -> Option<Usd> {
    parse_usd(value.text()?.trim_matches('"'))
}

/// `{"total": 0.1}`, or the sum of its parts.
fn cost_of_object(value: &Value) -> Option<Usd> {
    let Json::Object(object) = parsed(value)? else { return None };
    let amount = |value: &Json| parse_usd(&value.to_string());
    match object.get("total") {
        Some(total) => amount(total),
        None => object.values().map(amount).try_fold(Usd::from(0), |sum, part| Some(sum + part?)),
    }
    // Langfuse writes a total of 0 for what it could not reckon.
    .filter(|cost| !cost.is_zero())
}

#[cfg(test)]
mod tests;
