//! What one event is to the sums.

use uuid::Uuid;

use super::MINUTE;
use super::sums::{Scores, Sums};
use crate::batch::Ready;
use crate::event::{Field, Status};
use crate::identity;
use crate::price::Usd;

/// What a row of `metrics_minute` and the like is told apart by, but for its bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Series<'e> {
    pub project_id: Uuid,
    pub environment: &'e str,
    pub event_type: &'e str,
    pub status: &'e str,
    pub provider: Option<&'e str>,
    pub model: Option<&'e str>,
    pub route: Option<&'e str>,
    pub tool_name: Option<&'e str>,
    pub version: Option<&'e str>,
}

/// What stands for names that are too many: those of a series, users, and values of a tag.
pub const OTHER: &str = "other";

impl<'e> Series<'e> {
    /// The same series gives the same id.
    pub fn id(&self) -> Uuid {
        let project = self.project_id.to_string();
        let optional = [self.provider, self.model, self.route, self.tool_name, self.version];
        let [provider, model, route, tool_name, version] =
            optional.map(|name| name.map_or(String::new(), |name| format!("={name}")));
        identity::uuid_of_parts(&[
            "series",
            &project,
            self.environment,
            self.event_type,
            self.status,
            &provider,
            &model,
            &route,
            &tool_name,
            &version,
        ])
    }

    /// The series that takes this one's events where there are too many.
    pub fn other(&self) -> Series<'e> {
        let other = |name: Option<&str>| name.map(|_| OTHER);
        Series {
            provider: other(self.provider),
            model: other(self.model),
            route: other(self.route),
            tool_name: other(self.tool_name),
            version: other(self.version),
            ..*self
        }
    }

    pub fn to_owned(&self) -> OwnedSeries {
        OwnedSeries {
            project_id: self.project_id,
            environment: self.environment.to_owned(),
            event_type: self.event_type.to_owned(),
            status: self.status.to_owned(),
            provider: self.provider.map(str::to_owned),
            model: self.model.map(str::to_owned),
            route: self.route.map(str::to_owned),
            tool_name: self.tool_name.map(str::to_owned),
            version: self.version.map(str::to_owned),
        }
    }
}

/// A [`Series`] that outlives its event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedSeries {
    pub project_id: Uuid,
    pub environment: String,
    pub event_type: String,
    pub status: String,
    pub provider: Option<String>,
    pub model: Option<String>,
    pub route: Option<String>,
    pub tool_name: Option<String>,
    pub version: Option<String>,
}

impl OwnedSeries {
    pub fn borrowed(&self) -> Series<'_> {
        Series {
            project_id: self.project_id,
            environment: &self.environment,
            event_type: &self.event_type,
            status: &self.status,
            provider: self.provider.as_deref(),
            model: self.model.as_deref(),
            route: self.route.as_deref(),
            tool_name: self.tool_name.as_deref(),
            version: self.version.as_deref(),
        }
    }
}

/// Tokens of an event: None is not known.
#[derive(Clone, Copy, Debug, Default)]
pub struct FactTokens {
    pub input: Option<i64>,
    pub output: Option<i64>,
    pub cached_input: Option<i64>,
    pub cache_write: Option<i64>,
    pub reasoning: Option<i64>,
    pub total: Option<i64>,
}

#[derive(Clone, Debug)]
pub struct Fact<'e> {
    pub series: Series<'e>,
    /// Microseconds since 1970 UTC.
    pub ts: i64,
    pub trace_id: Option<&'e str>,
    pub conversation_id: Option<&'e str>,
    pub session_id: Option<&'e str>,
    pub user_id: Option<&'e str>,
    /// Of a span, and whether it has no parent.
    pub name: Option<&'e str>,
    pub is_root: bool,
    pub agent_name: Option<&'e str>,
    /// Of a billable event.
    pub input_tokens: Option<i64>,
    pub output_tokens: Option<i64>,
    /// How many it raised.
    pub signals: i64,
    pub latency_ms: Option<f64>,
    pub ttft_ms: Option<f64>,
    /// As `crate::tags::find` gives them.
    pub tags: &'e [String],
    pub scores: Scores,
    pub sums: Sums,
}

impl<'e> Fact<'e> {
    pub fn of(ready: &'e Ready) -> Fact<'e> {
        let event = &ready.event;
        let series = Series {
            project_id: ready.home.project_id,
            environment: event.text(Field::Environment).unwrap_or(&ready.home.environment),
            event_type: event.event_type.name(),
            status: event.status.name(),
            provider: event.text(Field::Provider),
            model: event.text(Field::Model).or_else(|| event.text(Field::ResponseModel)),
            route: event.text(Field::Route),
            tool_name: event.text(Field::ToolName),
            version: event.text(Field::Version),
        };
        let tokens = FactTokens {
            input: event.tokens.input,
            output: event.tokens.output,
            cached_input: event.tokens.cached_input,
            cache_write: event.cache_write_tokens(),
            reasoning: event.tokens.reasoning,
            total: event.total_tokens(),
        };
        let score = |of: fn(&crate::event::Scores) -> Option<f64>| event.facts.score(of);
        Fact {
            series,
            ts: event.ts.unwrap_or_default(),
            trace_id: event.text(Field::TraceId),
            conversation_id: event.text(Field::ConversationId),
            session_id: event.text(Field::SessionId),
            user_id: event.text(Field::UserId),
            name: event.text(Field::Name),
            is_root: event.text(Field::ParentSpanId).is_none(),
            agent_name: event.text(Field::AgentName),
            input_tokens: tokens.input.filter(|_| event.billable).map(counted),
            output_tokens: tokens.output.filter(|_| event.billable).map(counted),
            signals: i64::try_from(ready.signals.len()).unwrap_or(i64::MAX),
            latency_ms: event.latency_ms,
            ttft_ms: event.ttft_ms,
            tags: &ready.tags,
            scores: Scores::of(
                score(|scores| scores.coherence),
                score(|scores| scores.toxicity),
                score(|scores| scores.hallucination_risk),
            ),
            sums: sums(series.status, event.billable, tokens, event.cost_usd.as_ref()),
        }
    }

    /// Since 1970 UTC.
    pub fn minute(&self) -> i64 {
        self.ts.div_euclid(MINUTE)
    }
}

/// Tokens of one event that are counted: no model takes or gives so many, and a client that says so must not bring a sum of
/// many events to its end.
const MOST_TOKENS: i64 = 1_000_000_000;

/// Tokens as they are counted.
pub fn counted(tokens: i64) -> i64 {
    tokens.clamp(0, MOST_TOKENS)
}

/// The sum of what is known. None: nothing is.
pub fn add_known(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.saturating_add(b)),
        (a, b) => a.or(b),
    }
}

/// What one event adds up to.
pub fn sums(status: &str, billable: bool, tokens: FactTokens, cost: Option<&Usd>) -> Sums {
    let counted = |tokens: Option<i64>| tokens.map_or(0, counted);
    let mut sums = Sums {
        events: 1,
        errors: i64::from(status == Status::Error.name()),
        timeouts: i64::from(status == Status::Timeout.name()),
        ..Sums::default()
    };
    if billable {
        sums.billable = 1;
        sums.input_tokens = counted(tokens.input);
        sums.output_tokens = counted(tokens.output);
        sums.cached_input_tokens = counted(tokens.cached_input);
        sums.cache_write_tokens = counted(tokens.cache_write);
        sums.reasoning_tokens = counted(tokens.reasoning);
        sums.total_tokens = counted(tokens.total);
        if let Some(cost) = cost {
            sums.priced = 1;
            sums.cost_usd = cost.clone();
        }
    }
    sums
}
