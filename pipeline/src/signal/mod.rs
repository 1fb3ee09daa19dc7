//! Facts worth a look that an event shows by itself: slow, failed, dear, leaking. What many of them show together, a [`window`] does.

pub mod advice;
pub mod context;
pub mod expression;
pub mod fingerprint;
pub mod injection;
pub mod loops;
pub mod own;
pub mod rules;
pub mod window;

pub use rules::{RULES, Rule, RuleSet, Severity};

use std::sync::Arc;

use serde_json::{Map, Value, json};

use own::OwnRule;

use crate::event::{Event, Field, Status};
use crate::scrub::{Class, Found};

/// Whose signal it is.
#[derive(Clone, Debug)]
pub enum Raised {
    BuiltIn(&'static Rule),
    Own(Arc<OwnRule>),
    /// A function's, which is called so.
    Detector(Arc<str>),
}

impl Raised {
    pub fn name(&self) -> &str {
        match self {
            Raised::BuiltIn(rule) => rule.name,
            Raised::Own(rule) => &rule.name,
            Raised::Detector(name) => name,
        }
    }

    /// The signal's `type`.
    pub fn category(&self) -> &'static str {
        match self {
            Raised::BuiltIn(rule) => rule.category,
            Raised::Own(_) | Raised::Detector(_) => own::CATEGORY,
        }
    }

    fn is_of_score(&self) -> bool {
        matches!(self, Raised::BuiltIn(rule) if rule.score.is_some())
    }
}

/// A signal about one event.
#[derive(Clone, Debug)]
pub struct Signal {
    pub rule: Raised,
    pub severity: Severity,
    /// In the rule's unit.
    pub value: f64,
    pub threshold: Option<f64>,
    /// What its alert is about, as `model=gpt-4o route=/chat`: one alert is open for each.
    pub group: String,
    pub details: Value,
}

/// Characters of an error message that a signal repeats.
const EXCERPT: usize = 200;

/// What the rules see of an event.
pub struct Seen<'e, 'l> {
    pub event: &'e Event<'l>,
    pub found: &'e Found,
    /// Tokens that the model takes, from the price book. None: not known.
    pub context_window: Option<i64>,
}

pub fn detect(seen: &Seen, rules: &RuleSet) -> Vec<Signal> {
    let mut signals = Vec::new();
    raise(seen, rules, |_| true, &mut signals);
    signals
}

/// The signals about an event's scores, which it got after the others.
pub fn detect_scores(event: &Event, rules: &RuleSet, signals: &mut Vec<Signal>) {
    signals.retain(|signal| !signal.rule.is_of_score());
    let seen = Seen { event, found: &Found::default(), context_window: None };
    raise(&seen, rules, |rule| rule.score.is_some(), signals);
}

fn raise(seen: &Seen, rules: &RuleSet, wanted: fn(&Rule) -> bool, signals: &mut Vec<Signal>) {
    for (rule, active) in rules.active_for(seen.event.event_type).filter(|(rule, _)| wanted(rule)) {
        if rule.yields_to.is_some_and(|name| signals.iter().any(|signal| signal.rule.name() == name)) {
            continue;
        }
        let Some(value) = (rule.measure)(seen) else { continue };
        if active.threshold.is_some_and(|threshold| value <= threshold) {
            continue;
        }
        signals.push(Signal {
            rule: Raised::BuiltIn(rule),
            severity: active.severity,
            value,
            threshold: active.threshold,
            group: group(rule, seen.event),
            details: details(rule, seen),
        });
    }
}

fn group(rule: &Rule, event: &Event) -> String {
    group_of(rule.group, event)
}

/// What an alert is about that is told apart by these.
pub fn group_of(fields: &[Field], event: &Event) -> String {
    let mut group = String::new();
    for field in fields {
        if let Some(text) = event.text(*field) {
            if !group.is_empty() {
                group.push(' ');
            }
            group.push_str(field.name());
            group.push('=');
            group.push_str(text);
        }
    }
    group
}

fn details(rule: &Rule, seen: &Seen) -> Value {
    let mut details = Map::new();
    details.insert("unit".into(), json!(rule.unit));
    if rule.name == "prompt_injection" {
        // What was found, never its words: those are in the event, for whoever may read it.
        let found = injection::find(seen.event).unwrap_or_default();
        details.insert("kinds".into(), json!(found.kinds));
    } else if rule.category == "security" {
        let class = if rule.name == "contains_pii" { Class::Personal } else { Class::Secret };
        let kinds: Map<String, Value> =
            seen.found.kinds(class).map(|(kind, count)| (kind.into(), json!(count))).collect();
        details.insert("kinds".into(), Value::Object(kinds));
    }
    if let Some(score) = rule.score {
        details.insert("estimated".into(), json!(score(&seen.event.facts.scores).is_none()));
    }
    if seen.event.status != Status::Ok {
        if let Some(error_type) = seen.event.text(Field::ErrorType) {
            details.insert("error_type".into(), json!(error_type));
        }
        if let Some(message) = &seen.event.error_message {
            let excerpt: String = message.chars().take(EXCERPT).collect();
            details.insert("error_message".into(), json!(excerpt));
        }
    }
    Value::Object(details)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EventType;
    use crate::signal::rules::{Override, Severity};

    fn names(event: &Event, window: Option<i64>, rules: &RuleSet) -> Vec<String> {
        let found = Found::default();
        let seen = Seen { event, found: &found, context_window: window };
        detect(&seen, rules).iter().map(|signal| signal.rule.name().to_owned()).collect()
    }

    #[test]
    fn a_token_spike_needs_only_the_counts_that_are_known() {
        let mut event = Event::new(1, EventType::LlmCall);
        event.tokens.input = Some(100_000);
        assert_eq!(names(&event, None, &RuleSet::default()), [""; 0]);
        event.tokens.input = Some(100_001);
        assert_eq!(names(&event, None, &RuleSet::default()), ["token_spike"]);
    }

    #[test]
    fn a_provider_that_says_the_input_did_not_fit_is_believed_at_any_threshold() {
        let whole = Override {
            name: "context_overflow".into(),
            enabled: true,
            severity: Severity::Medium,
            threshold: Some(1.0),
        };
        let rules = RuleSet::new(&[whole]);
        let mut event = Event::new(1, EventType::LlmCall);
        event.tokens.input = Some(1_000);
        assert_eq!(names(&event, Some(1_000), &rules), [""; 0]);
        event.set_text(Field::FinishReason, Some("model_context_window_exceeded".into()));
        assert_eq!(names(&event, Some(1_000), &rules), ["context_overflow"]);
        assert_eq!(names(&event, None, &rules), ["context_overflow"]);
    }
}
