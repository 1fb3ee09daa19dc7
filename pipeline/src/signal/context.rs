//! Conversations that lose their context: a call whose input is far smaller than that of the turns before it.
//!
//! What is compared is alike: calls of one conversation and session, of one environment, route, model, agent and name. Of a trace's calls the one with
//! the largest input is its turn. A turn is compared with the smaller of the two before it, so that one long document is no loss when it is gone.

use std::collections::BTreeMap;

use serde_json::json;

use super::rules::{Active, Rule, RuleSet};
use super::{Raised, Signal, group};
use crate::event::{Event, EventType, Field, Status};

pub const NAME: &str = "context_drop";

/// Input tokens below which there is no context worth the name.
pub const LEAST_TOKENS: i64 = 2_000;

/// Microseconds between turns of what still is one conversation: a day.
pub const LONGEST_PAUSE: i64 = 86_400_000_000;

/// What alike calls share.
const ALIKE: [Field; 7] = [
    Field::ConversationId,
    Field::SessionId,
    Field::Environment,
    Field::Route,
    Field::Model,
    Field::AgentName,
    Field::Name,
];

/// As a project has set it. None: it is switched off.
pub fn active(rules: &RuleSet) -> Option<(&'static Rule, Active)> {
    rules.active_for(EventType::LlmCall).find(|(rule, _)| rule.name == NAME)
}

/// The signals of a conversation's calls, each with its event's place. They are of one project.
pub fn read<'e>(
    events: impl Iterator<Item = &'e Event<'e>>,
    rule: &'static Rule,
    active: Active,
) -> Vec<(usize, Signal)> {
    let mut lines: BTreeMap<[Option<&str>; ALIKE.len()], BTreeMap<&str, Turn>> = BTreeMap::new();
    for (place, event) in events.enumerate() {
        let Some(turn) = Turn::of(place, event) else { continue };
        let turns = lines.entry(ALIKE.map(|field| event.text(field))).or_default();
        let id = event.text(Field::TraceId).or(event.text(Field::EventId)).unwrap_or_default();
        let largest = turns.entry(id).or_insert(turn);
        if (turn.tokens, std::cmp::Reverse(turn.ts)) > (largest.tokens, std::cmp::Reverse(largest.ts)) {
            *largest = turn;
        }
    }
    let mut signals = Vec::new();
    for turns in lines.into_values() {
        let mut turns: Vec<Turn> = turns.into_values().collect();
        turns.sort_by_key(|turn| (turn.ts, turn.place));
        for (number, after) in turns.iter().enumerate().skip(1) {
            let earlier = turns.get(number.saturating_sub(2)..number).unwrap_or_default();
            if let Some(signal) = drop(after, earlier, rule, active) {
                signals.push((after.place, signal));
            }
        }
    }
    signals.sort_by_key(|(place, _)| *place);
    signals
}

#[derive(Clone, Copy)]
struct Turn<'e> {
    place: usize,
    event: &'e Event<'e>,
    ts: i64,
    tokens: i64,
}

impl<'e> Turn<'e> {
    fn of(place: usize, event: &'e Event<'e>) -> Option<Turn<'e>> {
        let counts = event.event_type == EventType::LlmCall && event.status == Status::Ok && event.billable;
        event.text(Field::ConversationId).filter(|_| counts)?;
        Some(Turn { place, event, ts: event.ts?, tokens: event.tokens.input? })
    }
}

fn drop(after: &Turn, earlier: &[Turn], rule: &'static Rule, active: Active) -> Option<Signal> {
    let last = earlier.last()?;
    let before = earlier.iter().min_by_key(|turn| turn.tokens)?;
    let begins_anew = match (last.event.message_index, after.event.message_index) {
        (Some(before), Some(after)) => after <= before,
        _ => false,
    };
    if before.tokens < LEAST_TOKENS || begins_anew || after.ts - last.ts > LONGEST_PAUSE {
        return None;
    }
    let lost = 1.0 - after.tokens as f64 / before.tokens as f64;
    if lost <= active.threshold.unwrap_or_default() {
        return None;
    }
    let details = json!({
        "unit": rule.unit, "kind": "conversation", "before_tokens": before.tokens, "after_tokens": after.tokens,
        "before_event_id": before.event.text(Field::EventId),
        "explanation": format!(
            "the input fell from {} to {} tokens from one turn of a conversation to the next", before.tokens, after.tokens
        ),
    });
    Some(Signal {
        rule: Raised::BuiltIn(rule),
        severity: active.severity,
        value: lost,
        threshold: active.threshold,
        group: group(rule, after.event),
        details,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Minutes, tokens, and what is different.
    type Told<'t> = (i64, i64, &'t [(Field, &'t str)]);

    fn found(turns: &[Told]) -> Vec<usize> {
        let events: Vec<Event> = turns
            .iter()
            .enumerate()
            .map(|(place, (minute, tokens, fields))| {
                let mut event = Event::new(1, EventType::LlmCall);
                event.ts = Some(minute * 60_000_000);
                event.tokens.input = Some(*tokens);
                event.billable = true;
                event.set_text(Field::EventId, Some(place.to_string().into()));
                event.set_text(Field::ConversationId, Some("c".into()));
                event.set_text(Field::Model, Some("m".into()));
                for (field, text) in *fields {
                    event.set_text(*field, Some((*text).to_owned().into()));
                }
                event
            })
            .collect();
        let rules = RuleSet::default();
        let (rule, active) = active(&rules).unwrap();
        read(events.iter(), rule, active).into_iter().map(|(place, _)| place).collect()
    }

    #[test]
    fn a_turn_with_far_less_input_than_those_before_it_has_lost_its_context() {
        let none: &[(Field, &str)] = &[];
        assert_eq!(found(&[(0, 2_000, none), (1, 4_000, none), (2, 900, none)]), [2]);
        assert_eq!(
            found(&[(2, 900, none), (0, 2_000, none), (1, 4_000, none)]),
            [0],
            "in the order of their times"
        );
        // At the threshold, of little context, after one long document, after a day.
        assert_eq!(found(&[(0, 2_000, none), (1, 4_000, none), (2, 1_000, none)]), [0_usize; 0]);
        assert_eq!(found(&[(0, 1_999, none), (1, 10, none)]), [0_usize; 0]);
        assert_eq!(found(&[(0, 3_000, none), (1, 90_000, none), (2, 3_500, none)]), [0_usize; 0]);
        assert_eq!(found(&[(0, 4_000, none), (1_441, 10, none)]), [0_usize; 0]);
        // The next one is compared with what is left.
        assert_eq!(found(&[(0, 4_000, none), (1, 10, none), (2, 20, none)]), [1]);
    }

    #[test]
    fn what_is_not_alike_is_not_compared() {
        for other in [
            Field::ConversationId,
            Field::SessionId,
            Field::Model,
            Field::Route,
            Field::AgentName,
            Field::Name,
        ] {
            assert_eq!(found(&[(0, 4_000, &[]), (1, 10, &[(other, "other")])]), [0_usize; 0], "{other:?}");
        }
        // Calls of one trace are one turn, however small some are.
        let t: &[(Field, &str)] = &[(Field::TraceId, "t")];
        assert_eq!(found(&[(0, 4_000, &[]), (1, 10, t), (2, 4_100, t), (3, 20, t)]), [0_usize; 0]);
    }
}
