//! A JSON object to the canonical event: nested (`attributes.<event_type>`), flat, ObservAI's and the first SDKs' shapes,
//! all through the table of aliases.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::error::{Code, Reject};
use crate::event::{Content, Event, EventType, Field, MOST_COUNTED, Role, Scores, Status};
use crate::price::{Usd, parse_usd};
use crate::time;
use crate::translate::aliases::{self, Alias, Count, REQUIRED, REQUIRED_ATTRIBUTES, Score, Target};
use crate::translate::envelope::{Attributes, Envelope, Opened};
use crate::translate::json::{self, Object};

/// Keys whose presence makes an object without `event_type` an llm_call.
const LLM_CALL_KEYS: [&str; 7] = ["model", "prompt", "response", "query", "tokens_in", "traceId", "messages"];

/// The key under `attributes` that says that a string of the event was repaired.
const REPAIRED: &str = "observa_repaired";

/// The event of a line. `default_time` is the batch's own time, for formats that have one.
pub fn translate<'l>(
    line: usize,
    envelope: Envelope<'l>,
    repaired: bool,
    default_time: Option<&'l str>,
) -> Result<Event<'l>, Reject> {
    let event_type = event_type(&envelope.members)?;
    let mut translation = Translation {
        event: Event::new(line, event_type.found),
        filled: Vec::with_capacity(24),
        attributes: Vec::with_capacity(16),
        container: 0,
        nested: false,
        stated_status: None,
        status_text: None,
    };
    translation.read(envelope)?;
    if let Some(time) = default_time.filter(|_| translation.event.ts.is_none()) {
        translation.set(Target::Time, "timestamp", time)?;
        // The batch's time is not the event's: a retry may carry another.
        translation.event.timed_by_arrival = true;
    }
    translation.require(event_type.implied)?;
    Ok(translation.finish(repaired))
}

struct FoundType {
    found: EventType,
    /// The object names no type.
    implied: bool,
}

fn event_type(object: &Object) -> Result<FoundType, Reject> {
    match object.get("event_type") {
        None | Some("null") => {
            if LLM_CALL_KEYS.iter().any(|key| object.get(key).is_some_and(|raw| raw != "null")) {
                return Ok(FoundType { found: EventType::LlmCall, implied: true });
            }
            let message =
                "event_type is required (an object without it is an llm_call only if it has a model)";
            Err(Reject::field(Code::MissingField, "event_type", message))
        }
        Some(raw) => {
            let name = json::string(raw)
                .ok_or_else(|| Reject::wrong_type("event_type", "a string", json::type_name(raw)))?;
            let found = EventType::from_name(&name).ok_or_else(|| {
                let names: Vec<_> = EventType::ALL.iter().map(|t| t.name()).collect();
                let message = format!("event_type must be one of {}", names.join(", "));
                Reject::field(Code::UnknownEventType, "event_type", message)
            })?;
            Ok(FoundType { found, implied: false })
        }
    }
}

/// A target that has its value, and where that came from.
struct Filled<'l> {
    alias: &'static Alias,
    container: u8,
    key: Cow<'l, str>,
    raw: &'l str,
}

/// A member of the stored attributes.
struct Kept<'l> {
    container: u8,
    key: Cow<'l, str>,
    raw: Cow<'l, str>,
}

struct Translation<'l> {
    event: Event<'l>,
    filled: Vec<Filled<'l>>,
    attributes: Vec<Kept<'l>>,
    /// Counts the objects read: of two equal keys in one object the last counts, across objects the first.
    container: u8,
    /// The attributes stand under the event type's name, as SDKs write them; else people did, by hand.
    nested: bool,
    /// With the rank of the key that states it.
    stated_status: Option<(u8, Status)>,
    /// The words beside an HTTP status: an error's message only if the status is an error's.
    status_text: Option<Cow<'l, str>>,
}

impl<'l> Translation<'l> {
    /// The innermost attributes first: what they say about the call is more exact than the envelope. What stands loose in
    /// `attributes` comes last.
    fn read(&mut self, envelope: Envelope<'l>) -> Result<(), Reject> {
        let is_given = envelope.attributes.is_some();
        let attributes = match envelope.attributes {
            None => Attributes::new(),
            Some(Opened::Object(attributes)) => attributes,
            Some(Opened::Other(raw)) => {
                return Err(Reject::wrong_type("attributes", "an object", json::type_name(&raw)));
            }
        };
        let own = self.event.event_type.name();
        // Empty ones were meant to have them.
        self.nested = is_given && attributes.is_empty();
        let mut loose = Vec::new();
        for (key, value) in attributes {
            match value {
                Opened::Object(members) if key == own => {
                    self.nested = true;
                    self.read_members(members.0, false)?;
                }
                Opened::Other(raw) if key == own && raw != "null" => {
                    return Err(Reject::wrong_type(own, "an object", json::type_name(&raw)));
                }
                Opened::Object(members) => loose.push((
                    key,
                    Cow::Owned(json::write_object(members.0.iter().map(|(key, raw)| (key.as_ref(), *raw)))),
                )),
                Opened::Other(raw) => loose.push((key, raw)),
            }
        }
        let members = envelope.members.0.into_iter().filter(|(key, _)| key != "event_type").collect();
        self.read_members(members, true)?;
        self.read_loose(loose)
    }

    /// Only what was there as it is can fill a field: the text of an object that was opened is our own.
    fn read_loose(&mut self, members: Vec<(Cow<'l, str>, Cow<'l, str>)>) -> Result<(), Reject> {
        let mut fields = Vec::with_capacity(members.len());
        for (key, raw) in members {
            match raw {
                Cow::Borrowed(raw) if !self.nested => fields.push((key, raw)),
                raw => self.keep(key, raw),
            }
        }
        self.read_members(fields, false)
    }

    /// `outside` of `attributes` a key means more.
    fn read_members(&mut self, members: Vec<(Cow<'l, str>, &'l str)>, outside: bool) -> Result<(), Reject> {
        self.container += 1;
        for (key, raw) in members {
            if raw == "null" {
                continue;
            }
            let alias = aliases::alias(&key, self.event.event_type);
            match alias.filter(|alias| outside || !alias.envelope) {
                // An empty identifier or name says nothing; taken as one it would make one event of many.
                Some(alias) if raw == "\"\"" && alias.target.is_name() => {}
                Some(alias) if outside || !self.event.event_type.is_free() => self.fill(alias, key, raw)?,
                // What a free type has under a known name may be anything.
                Some(alias) => {
                    if self.fill(alias, key.clone(), raw).is_err() {
                        self.keep(key, Cow::Borrowed(raw));
                    }
                }
                None => self.keep(key, Cow::Borrowed(raw)),
            }
        }
        Ok(())
    }

    /// Keeps what has no column under its own key.
    fn keep(&mut self, key: Cow<'l, str>, raw: Cow<'l, str>) {
        self.attributes.push(Kept { container: self.container, key, raw });
    }

    fn fill(&mut self, alias: &'static Alias, key: Cow<'l, str>, raw: &'l str) -> Result<(), Reject> {
        let container = self.container;
        let earlier = self.filled.iter().position(|filled| filled.alias.target == alias.target);
        let wins = earlier.and_then(|index| self.filled.get(index)).is_none_or(|filled| {
            alias.rank < filled.alias.rank || (alias.key == filled.alias.key && container == filled.container)
        });
        if !wins {
            // What says the same twice is kept once.
            let same =
                earlier.and_then(|index| self.filled.get(index)).is_some_and(|filled| filled.raw == raw);
            if !same {
                self.keep(key, Cow::Borrowed(raw));
            }
            return Ok(());
        }
        if !self.set(alias.target, alias.key, raw)? {
            self.keep(key, Cow::Borrowed(raw));
            return Ok(());
        }
        if alias.kept {
            self.keep(key.clone(), Cow::Borrowed(raw));
        }
        let new = Filled { alias, container, key, raw };
        match earlier.and_then(|index| self.filled.get_mut(index)) {
            None => self.filled.push(new),
            Some(slot) => {
                let loser = std::mem::replace(slot, new);
                if loser.alias.key != alias.key && !loser.alias.kept && loser.raw != raw {
                    self.keep(loser.key, Cow::Borrowed(loser.raw));
                }
            }
        }
        Ok(())
    }

    /// False where the value has no meaning for the target and stays an attribute.
    fn set(&mut self, target: Target, key: &'static str, raw: &'l str) -> Result<bool, Reject> {
        let event = &mut self.event;
        match target {
            Target::Text(Field::PromptCategory) => {
                event.set_text(Field::PromptCategory, Some(prompt_category(raw)));
            }
            Target::Text(field) => match short_text(field, key, raw)? {
                Some(text) => event.set_text(field, Some(text)),
                None => return Ok(false),
            },
            Target::Tenant => event.tenant = Some(identifier(key, raw)?),
            Target::Project => event.project = Some(identifier(key, raw)?),
            Target::Time => event.ts = Some(timestamp(key, raw)?),
            Target::MessageIndex => event.message_index = Some(count(key, raw)?),
            Target::Latency => event.latency_ms = Some(milliseconds(key, raw)?),
            Target::Ttft => event.ttft_ms = Some(milliseconds(key, raw)?),
            Target::Count(which) => *slot(event, which) = Some(count(key, raw)?),
            Target::Usage => {
                if json::type_name(raw) != "object" {
                    return Ok(false);
                }
                event.usage = Some(raw);
            }
            Target::ServiceTier => event.service_tier = json::string(raw),
            Target::Cost => event.reported_cost_usd = Some(money(key, raw)?),
            Target::Input => event.input = Some(content(raw)),
            Target::Output => event.output = Some(content(raw)),
            // `"error": false` is none.
            Target::ErrorMessage if matches!(json::type_name(raw), "boolean" | "number" | "null") => {
                return Ok(false);
            }
            Target::ErrorMessage => {
                event.error_message = Some(json::string(raw).unwrap_or(Cow::Borrowed(raw)))
            }
            Target::StatusText => {
                self.status_text = Some(json::string(raw).unwrap_or(Cow::Borrowed(raw)));
            }
            Target::Status => match status(raw) {
                Some(status) => self.state(1, status),
                None => return Ok(false),
            },
            Target::ResultStatus => self.state(0, result_status(key, raw)?),
            Target::Success => match json::boolean(raw) {
                Some(success) => self.state(2, if success { Status::Ok } else { Status::Error }),
                None => return Err(Reject::wrong_type(key, "a boolean", json::type_name(raw))),
            },
            Target::Score(which) => *score_slot(&mut event.facts.scores, which) = Some(score(which, raw)),
            Target::Results => event.facts.results = Some(count(key, raw)?),
            Target::ResultList => event.facts.results = event.facts.results.or(length(raw)),
            Target::Dimensions => event.facts.dimensions = Some(count(key, raw)?),
            Target::VectorLength => event.facts.vector_length = vector_length(raw),
            Target::ToolsBound => event.facts.tools_bound = length(raw),
            Target::Operation => {
                let operation = one_of(key, raw, &["vector_search", "index_upsert", "delete"])?;
                event.facts.searches = operation == "vector_search";
            }
            Target::Word(words) => {
                one_of(key, raw, words)?;
            }
            Target::Rating => {
                let rating = number(key, raw)?.clamp(1.0, 5.0);
                self.keep(Cow::Borrowed(key), Cow::Owned(rating.to_string()));
            }
        }
        Ok(true)
    }

    /// What says more exactly how the event ended wins, whatever its place: the lowest rank.
    fn state(&mut self, rank: u8, status: Status) {
        if self.stated_status.is_none_or(|(stated, _)| rank < stated) {
            self.stated_status = Some((rank, status));
        }
    }

    fn require(&self, implied: bool) -> Result<(), Reject> {
        let event_type = self.event.event_type;
        let has = |target| self.filled.iter().any(|filled| filled.alias.target == target);
        for required in REQUIRED.iter().filter(|required| required.event_type == event_type) {
            let wanted = !implied && (required.flat_too || self.nested);
            if wanted && !has(required.target) {
                return Err(Reject::missing(required.field, event_type.name()));
            }
        }
        for (_, key) in REQUIRED_ATTRIBUTES.iter().filter(|(of, _)| *of == event_type) {
            if !self.attributes.iter().any(|kept| kept.key == *key) {
                return Err(Reject::missing(key, event_type.name()));
            }
        }
        if event_type == EventType::Feedback {
            let is_rating = self.attributes.iter().any(|kept| kept.key == "type" && kept.raw == "\"rating\"");
            if is_rating && !has(Target::Rating) {
                return Err(Reject::missing("rating", "feedback of type rating"));
            }
        }
        Ok(())
    }

    fn finish(mut self, repaired: bool) -> Event<'l> {
        if repaired {
            self.keep(Cow::Borrowed(REPAIRED), Cow::Borrowed("true"));
        }
        let mut event = self.event;
        let failed = event.event_type == EventType::Error
            || event.text(Field::ErrorType).is_some()
            || event.error_message.as_deref().is_some_and(|message| !message.is_empty());
        let stated = self.stated_status.map(|(_, status)| status);
        event.status = stated.unwrap_or(if failed { Status::Error } else { Status::Ok });
        if event.status != Status::Ok {
            event.error_message = event.error_message.or(self.status_text);
        }
        if event.event_type == EventType::Retrieval
            && event.facts.results.is_none()
            && let Some(Content::Json(found)) = &event.output
        {
            event.facts.results = length(found);
        }
        event.attributes = write_attributes(self.attributes);
        event
    }
}

fn slot<'e>(event: &'e mut Event, which: Count) -> &'e mut Option<i64> {
    let tokens = &mut event.tokens;
    match which {
        Count::Input => &mut tokens.input,
        Count::Output => &mut tokens.output,
        Count::Total => &mut tokens.total,
        Count::CachedInput => &mut tokens.cached_input,
        Count::CacheWrite => &mut tokens.cache_write,
        Count::CacheWrite1h => &mut tokens.cache_write_1h,
        Count::Reasoning => &mut tokens.reasoning,
        Count::AudioInput => &mut tokens.audio_input,
        Count::AudioOutput => &mut tokens.audio_output,
        Count::ImageInput => &mut tokens.image_input,
    }
}

fn score_slot(scores: &mut Scores, which: Score) -> &mut Option<f64> {
    match which {
        Score::Coherence => &mut scores.coherence,
        Score::Toxicity => &mut scores.toxicity,
        Score::Sentiment => &mut scores.sentiment,
        Score::HallucinationRisk => &mut scores.hallucination_risk,
    }
}

/// Not a number: what the client sent is no such score. An event is worth more than its score, so it is not rejected for one.
fn score(which: Score, raw: &str) -> f64 {
    let least = if which == Score::Sentiment { -1.0 } else { 0.0 };
    let text = json::string(raw).unwrap_or(Cow::Borrowed(raw));
    let score = text.trim().parse().ok().filter(|score| (least..=1.0).contains(score));
    score.unwrap_or(f64::NAN)
}

/// Empty: what the client sent is none. A text is not one of a few categories.
fn prompt_category(raw: &str) -> Cow<'_, str> {
    const MOST_BYTES: usize = 100;
    json::string(raw).filter(|category| category.len() <= MOST_BYTES).unwrap_or_default()
}

/// Identifiers and versions may be numbers, which many clients use for them; of several finish reasons the first counts.
fn short_text<'l>(field: Field, key: &'static str, raw: &'l str) -> Result<Option<Cow<'l, str>>, Reject> {
    let is_identifier = Field::ALL.get(field as usize).is_some_and(|(_, _, role)| *role == Role::Identifier);
    let found = json::type_name(raw);
    match field {
        Field::Version | Field::ErrorType if found == "number" => return Ok(Some(Cow::Borrowed(raw))),
        Field::FinishReason if found == "array" => {
            return Ok(json::elements(raw).and_then(|reasons| json::string(reasons.first()?)));
        }
        // A free word in other formats: an attribute there.
        Field::Name | Field::ErrorType if found != "string" => return Ok(None),
        _ if is_identifier => return identifier(key, raw).map(Some),
        _ => {}
    }
    json::string(raw).map(Some).ok_or_else(|| Reject::wrong_type(key, "a string", found))
}

fn identifier<'l>(key: &'static str, raw: &'l str) -> Result<Cow<'l, str>, Reject> {
    match json::type_name(raw) {
        "string" => Ok(json::string(raw).unwrap_or_default()),
        "number" => Ok(Cow::Borrowed(raw)),
        other => Err(Reject::wrong_type(key, "a string", other)),
    }
}

fn content(raw: &str) -> Content<'_> {
    match json::string(raw) {
        Some(text) => Content::Text(text),
        None => Content::Json(Cow::Borrowed(raw)),
    }
}

fn timestamp(key: &'static str, raw: &str) -> Result<i64, Reject> {
    let found = match json::type_name(raw) {
        "string" => json::string(raw).and_then(|text| time::from_text(&text)),
        "number" => time::from_epoch(raw),
        other => return Err(Reject::wrong_type(key, "an ISO 8601 time or an epoch number", other)),
    };
    let message =
        || format!("{key} must be an ISO 8601 time or an epoch number (s, ms, us or ns); it can't be read");
    found.ok_or_else(|| Reject::field(Code::InvalidType, key, message()))
}

fn number(key: &'static str, raw: &str) -> Result<f64, Reject> {
    if json::type_name(raw) != "number" {
        return Err(Reject::wrong_type(key, "a number", json::type_name(raw)));
    }
    let value: Option<f64> = raw.parse().ok().filter(|value: &f64| value.is_finite());
    value
        .ok_or_else(|| Reject::field(Code::OutOfRange, key, format!("{key} is beyond the range of a double")))
}

fn milliseconds(key: &'static str, raw: &str) -> Result<f64, Reject> {
    let value = number(key, raw)?;
    if value < 0.0 {
        return Err(Reject::field(Code::OutOfRange, key, format!("{key} must not be negative")));
    }
    Ok(value)
}

fn count(key: &'static str, raw: &str) -> Result<i64, Reject> {
    let value = number(key, raw)?;
    if !(0.0..=MOST_COUNTED as f64).contains(&value) {
        let message = format!("{key} must be between 0 and {MOST_COUNTED}");
        return Err(Reject::field(Code::OutOfRange, key, message));
    }
    if value.fract() != 0.0 {
        return Err(Reject::wrong_type(key, "a whole number", "a fraction"));
    }
    Ok(value as i64)
}

fn money(key: &'static str, raw: &str) -> Result<Usd, Reject> {
    number(key, raw)?;
    parse_usd(raw).ok_or_else(|| {
        Reject::field(Code::OutOfRange, key, format!("{key} must be an amount of USD, not negative"))
    })
}

/// A word for how a call ended, or an HTTP status.
fn status(raw: &str) -> Option<Status> {
    let text = json::string(raw).unwrap_or(Cow::Borrowed(raw));
    match text.to_ascii_lowercase().as_str() {
        "ok" | "success" | "succeeded" | "completed" => Some(Status::Ok),
        "error" | "failed" | "failure" => Some(Status::Error),
        "timeout" | "timed_out" => Some(Status::Timeout),
        number => match number.parse::<u16>().ok()? {
            100..400 => Some(Status::Ok),
            400..600 => Some(Status::Error),
            _ => None,
        },
    }
}

fn result_status(key: &'static str, raw: &str) -> Result<Status, Reject> {
    let word = one_of(key, raw, &["success", "error", "timeout"])?;
    Ok(match word {
        "success" => Status::Ok,
        "timeout" => Status::Timeout,
        _ => Status::Error,
    })
}

fn one_of(key: &'static str, raw: &str, words: &[&'static str]) -> Result<&'static str, Reject> {
    let text = json::string(raw).ok_or_else(|| Reject::wrong_type(key, "a string", json::type_name(raw)))?;
    words.iter().find(|word| **word == text).copied().ok_or_else(|| {
        Reject::field(Code::InvalidType, key, format!("{key} must be one of {}", words.join(", ")))
    })
}

fn length(raw: &str) -> Option<i64> {
    json::elements(raw).map(|elements| elements.len() as i64)
}

/// Of `[0.1, 0.2]` or of the first of `[[0.1, 0.2], ...]`.
fn vector_length(raw: &str) -> Option<i64> {
    let elements = json::elements(raw)?;
    match elements.first() {
        Some(first) if first.starts_with('[') => length(first),
        _ => Some(elements.len() as i64),
    }
}

fn write_attributes(kept: Vec<Kept>) -> Option<String> {
    let one_object = kept.first().map(|kept| kept.container) == kept.last().map(|kept| kept.container);
    let kept = if one_object { kept } else { outer_beside_inner(kept) };
    (!kept.is_empty())
        .then(|| json::write_object(kept.iter().map(|kept| (kept.key.as_ref(), kept.raw.as_ref()))))
}

/// What an outer object says otherwise under a key that an inner one has goes under `envelope.<key>`.
fn outer_beside_inner(kept: Vec<Kept>) -> Vec<Kept> {
    let mut places: HashMap<Cow<str>, usize> = HashMap::with_capacity(kept.len());
    let mut all: Vec<Kept> = Vec::with_capacity(kept.len());
    for mut kept in kept {
        match places.get(&kept.key).and_then(|place| all.get_mut(*place)) {
            None => {
                places.insert(kept.key.clone(), all.len());
                all.push(kept);
            }
            Some(inner) if inner.container == kept.container => inner.raw = kept.raw,
            Some(inner) if inner.raw == kept.raw => {}
            Some(_) => {
                kept.key = Cow::Owned(format!("envelope.{}", kept.key));
                all.push(kept);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests;
