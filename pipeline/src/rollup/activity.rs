//! What conversations, sessions and users add up to, beside their hours: since when, how much, and whether something failed.

use std::collections::BTreeMap;

use super::fact::Fact;
use crate::event::{EventType, Status};
use crate::price::Usd;

/// Whose activity it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actor {
    Conversation,
    Session,
    User,
}

impl Actor {
    pub const ALL: [Actor; 3] = [Actor::Conversation, Actor::Session, Actor::User];

    pub fn name(self) -> &'static str {
        match self {
            Actor::Conversation => "conversation",
            Actor::Session => "session",
            Actor::User => "user",
        }
    }

    /// Its id in an event. None: the event has none.
    pub fn id<'e>(self, fact: &Fact<'e>) -> Option<&'e str> {
        match self {
            Actor::Conversation => fact.conversation_id,
            Actor::Session => fact.session_id,
            Actor::User => fact.user_id,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Activity {
    /// First and last time, in microseconds since 1970 UTC. None: nothing was added, only taken out.
    pub seen: Option<(i64, i64)>,
    pub events: i64,
    /// LLM calls.
    pub messages: i64,
    /// Of billable events, as the cost.
    pub tokens: i64,
    pub priced: i64,
    pub cost_usd: Usd,
    /// Events that were not ok.
    pub issues: i64,
    pub user_id: Option<String>,
    pub session_id: Option<String>,
    /// Of events that were taken out and did not come back: who may be named here no longer.
    pub lost_user_ids: Lost,
    pub lost_session_ids: Lost,
}

impl Activity {
    /// Counts one event, or takes it out of what was counted.
    pub fn record(&mut self, fact: &Fact, removed: bool) {
        let sign = if removed { -1 } else { 1 };
        if !removed {
            self.see(fact.ts, fact.ts);
            greatest(&mut self.user_id, fact.user_id);
            greatest(&mut self.session_id, fact.session_id);
            self.lost_user_ids.find(fact.user_id);
            self.lost_session_ids.find(fact.session_id);
        } else {
            self.lost_user_ids.lose(fact.user_id);
            self.lost_session_ids.lose(fact.session_id);
        }
        self.events += sign;
        self.messages += sign * i64::from(fact.series.event_type == EventType::LlmCall.name());
        self.issues += sign * i64::from(fact.series.status != Status::Ok.name());
        self.tokens = self.tokens.saturating_add(sign * fact.sums.total_tokens);
        if fact.sums.priced != 0 {
            self.priced += sign;
            self.cost_usd += &fact.sums.cost_usd * Usd::from(sign);
        }
    }

    pub fn counts(&self) -> [i64; 5] {
        [self.events, self.messages, self.tokens, self.priced, self.issues]
    }

    pub fn of_counts([events, messages, tokens, priced, issues]: [i64; 5], cost_usd: Usd) -> Activity {
        Activity { events, messages, tokens, priced, issues, cost_usd, ..Activity::default() }
    }

    fn see(&mut self, from: i64, to: i64) {
        let (first, last) = self.seen.unwrap_or((from, to));
        self.seen = Some((first.min(from), last.max(to)));
    }

    pub fn add(&mut self, other: &Activity) {
        if let Some((first, last)) = other.seen {
            self.see(first, last);
        }
        self.events = self.events.saturating_add(other.events);
        self.messages = self.messages.saturating_add(other.messages);
        self.tokens = self.tokens.saturating_add(other.tokens);
        self.priced = self.priced.saturating_add(other.priced);
        self.cost_usd += &other.cost_usd;
        self.issues = self.issues.saturating_add(other.issues);
        greatest(&mut self.user_id, other.user_id.as_deref());
        greatest(&mut self.session_id, other.session_id.as_deref());
        self.lost_user_ids.add(&other.lost_user_ids);
        self.lost_session_ids.add(&other.lost_session_ids);
    }
}

/// Names of events that were taken out, and how often.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lost(BTreeMap<String, u32>);

impl Lost {
    pub fn of(names: impl Iterator<Item = String>) -> Lost {
        Lost(names.map(|name| (name, 1)).collect())
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn lose(&mut self, name: Option<&str>) {
        if let Some(name) = name {
            *self.0.entry(name.to_owned()).or_default() += 1;
        }
    }

    /// What is added after it was taken out is not lost.
    fn find(&mut self, name: Option<&str>) {
        let Some(left) = name.and_then(|name| self.0.get_mut(name)) else { return };
        *left -= 1;
        if *left == 0 {
            self.0.retain(|_, times| *times > 0);
        }
    }

    fn add(&mut self, other: &Lost) {
        for (name, times) in &other.0 {
            *self.0.entry(name.clone()).or_default() += times;
        }
    }
}

/// As SQL's max(): whatever the order, the same.
fn greatest(known: &mut Option<String>, new: Option<&str>) {
    if new > known.as_deref() {
        *known = new.map(str::to_owned);
    }
}
