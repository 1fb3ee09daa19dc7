//! What a trace adds up to while its events come in.

use std::collections::BTreeSet;

use super::fact::{Fact, add_known};
use crate::event::{EventType, Status};
use crate::price::Usd;

/// The longest that an event keeps its trace going, in microseconds: what a client says of a latency may be anything.
const LONGEST: f64 = 8.64e14;

/// Models that a trace names: one that never ends must not grow with each batch.
const MOST_MODELS: usize = 100;

/// How well an event knows what its trace is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NamedBy {
    Agent = 1,
    Root = 2,
    Start = 3,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TraceSummary {
    /// By whom, and what. The best counts, of equals the greatest.
    pub name: Option<(i32, String)>,
    /// When its first event began and its last one ended, in microseconds since 1970 UTC.
    pub started_at: i64,
    pub ended_at: i64,
    /// Milliseconds, as the application reported at the end.
    pub reported_latency_ms: Option<f64>,
    /// When the application last reported an end, in microseconds since 1970 UTC, and with which status.
    pub outcome: Option<(i64, String)>,
    pub worst: Worst,
    pub models: BTreeSet<String>,
    pub events: i64,
    /// Of billable events. None: none is known.
    pub input_tokens: Option<i64>,
    pub output_tokens: Option<i64>,
    pub priced: i64,
    pub cost_usd: Usd,
    pub signals: i64,
    pub user_id: Option<String>,
    pub session_id: Option<String>,
    pub conversation_id: Option<String>,
}

/// The worst status of a trace's events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Worst {
    #[default]
    Ok,
    Timeout,
    Error,
}

impl Worst {
    pub const ALL: [Worst; 3] = [Worst::Ok, Worst::Timeout, Worst::Error];

    pub fn name(self) -> &'static str {
        match self {
            Worst::Ok => Status::Ok.name(),
            Worst::Timeout => Status::Timeout.name(),
            Worst::Error => Status::Error.name(),
        }
    }

    pub fn from_name(name: &str) -> Worst {
        Worst::ALL.into_iter().find(|worst| worst.name() == name).unwrap_or_default()
    }
}

impl TraceSummary {
    pub fn of(fact: &Fact) -> TraceSummary {
        let is = |event_type: EventType| fact.series.event_type == event_type.name();
        let (starts, ends) = (is(EventType::TraceStart), is(EventType::TraceEnd));
        let named = |by: NamedBy, name: Option<&str>| name.map(|name| (by as i32, name.to_owned()));
        let lasts = if starts || ends { 0.0 } else { fact.latency_ms.unwrap_or(0.0) * 1000.0 };
        TraceSummary {
            name: named(NamedBy::Start, fact.name.filter(|_| starts))
                .or_else(|| named(NamedBy::Root, fact.name.filter(|_| fact.is_root)))
                .or_else(|| named(NamedBy::Agent, fact.agent_name)),
            started_at: fact.ts,
            // `as` saturates, and NaN is 0.
            ended_at: fact.ts.saturating_add(lasts.min(LONGEST) as i64),
            reported_latency_ms: fact.latency_ms.filter(|_| ends),
            outcome: ends.then(|| (fact.ts, fact.series.status.to_owned())),
            worst: Worst::from_name(fact.series.status),
            models: fact.series.model.map(str::to_owned).into_iter().collect(),
            events: 1,
            input_tokens: fact.input_tokens,
            output_tokens: fact.output_tokens,
            priced: fact.sums.priced,
            cost_usd: fact.sums.cost_usd.clone(),
            signals: fact.signals,
            user_id: fact.user_id.map(str::to_owned),
            session_id: fact.session_id.map(str::to_owned),
            conversation_id: fact.conversation_id.map(str::to_owned),
        }
    }

    pub fn merge(&mut self, other: TraceSummary) {
        self.name = self.name.take().max(other.name);
        self.started_at = self.started_at.min(other.started_at);
        self.ended_at = self.ended_at.max(other.ended_at);
        self.reported_latency_ms = match (self.reported_latency_ms, other.reported_latency_ms) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        };
        self.outcome = self.outcome.take().max(other.outcome);
        self.worst = self.worst.max(other.worst);
        self.models.extend(other.models);
        while self.models.len() > MOST_MODELS {
            self.models.pop_last();
        }
        self.events = self.events.saturating_add(other.events);
        self.input_tokens = add_known(self.input_tokens, other.input_tokens);
        self.output_tokens = add_known(self.output_tokens, other.output_tokens);
        self.priced = self.priced.saturating_add(other.priced);
        self.cost_usd += other.cost_usd;
        self.signals = self.signals.saturating_add(other.signals);
        // As SQL's max(): whatever the order, the same.
        self.user_id = self.user_id.take().max(other.user_id);
        self.session_id = self.session_id.take().max(other.session_id);
        self.conversation_id = self.conversation_id.take().max(other.conversation_id);
    }
}
