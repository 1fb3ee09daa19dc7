//! Agents that go in circles: the same call of a tool, or the same row of steps, again and again within a trace.
//!
//! What a step is told by is what it says: a tool and its arguments, a model and its answer. An agent that calls one tool five times with five
//! arguments works; with the same it is stuck. A step without content is told by its span's
//! name, and by nothing where it has none; a call without arguments counts in cycles alone.

use std::hash::Hasher;

use ahash::AHashMap;
use rustc_hash::FxHasher;
use serde_json::json;
use uuid::Uuid;

use super::rules::{Active, Rule, RuleSet};
use super::{Raised, Signal, group};
use crate::event::{Content, Event, EventType, Field};
use crate::home::Home;

pub const NAME: &str = "agent_loop";

/// Steps of the longest cycle that is seen.
pub const LONGEST_CYCLE: usize = 8;

/// Calls of a trace that are counted: of more, one that came once makes room.
pub const MOST_CALLS: usize = 64;

/// Traces of a batch that are watched; of more, the first ones.
const MOST_TRACES: usize = 10_000;

/// Bytes of a content that are compared, at each end: of a longer one, what is between them and how long it is counts for nothing.
const COMPARED: usize = 512;

/// A trace of a project.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Trace {
    pub tenant_id: Uuid,
    pub project_id: Uuid,
    pub trace_id: String,
}

/// What has to be known of a trace's earlier steps: under a kilobyte and a half.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// How often each call of a tool came.
    pub calls: Vec<(u64, u32)>,
    /// The last steps, the newest last.
    pub recent: Vec<u64>,
    /// For cycles of 1, 2, ... steps: how many steps in a row were the one that came so many before.
    pub runs: [u32; LONGEST_CYCLE],
}

/// How far a trace is.
struct Found {
    /// Steps that repeat: 1 is a call of a tool.
    cycle: usize,
    times: u32,
    /// What tells it from the trace's other loops: the same wherever the count of a cycle begins.
    told_by: u64,
}

/// The loops of a batch, or of as many as its owner likes.
#[derive(Default)]
pub struct Loops {
    traces: AHashMap<Trace, Known>,
}

impl Loops {
    /// Goes on where an earlier batch stopped.
    pub fn with_known(known: impl IntoIterator<Item = (Trace, Known)>) -> Loops {
        Loops { traces: known.into_iter().collect() }
    }

    /// What to know of the traces that it has seen.
    pub fn into_known(self) -> impl Iterator<Item = (Trace, Known)> {
        self.traces.into_iter()
    }

    /// The signals that these events raise, each with its event's place: one where a call or a cycle exceeds the rule's threshold,
    /// and none for those that follow it. A trace's events are read in the order of their times.
    pub fn read<'e>(
        &mut self,
        events: impl Iterator<Item = (&'e Event<'e>, &'e Home)> + Clone,
    ) -> Vec<(usize, Signal)> {
        let mut signals = Vec::new();
        for (trace, steps) in self.traces_of(events) {
            let repetitions = self.traces.entry(trace).or_default();
            for step in distinct(steps) {
                let Some(hash) = step.hash else {
                    // What can't be compared ends every cycle.
                    repetitions.recent.clear();
                    repetitions.runs = [0; LONGEST_CYCLE];
                    continue;
                };
                let times = least(step.active);
                if let Some(found) = repetitions.add(hash, is_known_call(step.event), times) {
                    signals.push((step.place, signal(step.event, step.rule, step.active, &found)));
                }
            }
        }
        signals
    }

    /// The steps of each trace that has enough of them, or some from earlier.
    fn traces_of<'e>(
        &self,
        events: impl Iterator<Item = (&'e Event<'e>, &'e Home)> + Clone,
    ) -> Vec<(Trace, Vec<Step<'e>>)> {
        let mut known: Option<(&Home, Option<(&'static Rule, Active)>)> = None;
        let mut rule_of = |home: &'e Home| match known {
            Some((of, rule)) if std::ptr::eq(of, home) => rule,
            _ => {
                let rule = active(&home.rules);
                known = Some((home, rule));
                rule
            }
        };
        let key = |event: &'e Event<'e>, home: &Home| {
            let trace_id = event.text(Field::TraceId).filter(|_| is_step(event))?;
            Some((home.tenant_id, home.project_id, trace_id))
        };
        // Counted before they are gathered: most traces have too few steps for any of this.
        let mut counts: AHashMap<(Uuid, Uuid, &str), u32> = AHashMap::default();
        for (event, home) in events.clone() {
            let Some(key) = key(event, home).filter(|_| rule_of(home).is_some()) else { continue };
            if counts.len() < MOST_TRACES || counts.contains_key(&key) {
                *counts.entry(key).or_default() += 1;
            }
        }
        let goes_on = !self.traces.is_empty();
        let mut places: AHashMap<(Uuid, Uuid, &str), Vec<Placed<'e>>> = AHashMap::default();
        for (place, (event, home)) in events.enumerate() {
            let Some((key, (_, active))) = key(event, home).zip(rule_of(home)) else { continue };
            if counts.get(&key).is_some_and(|count| goes_on || *count >= least(active)) {
                places.entry(key).or_default().push((place, event, home));
            }
        }
        let mut traces = Vec::with_capacity(places.len());
        for ((tenant_id, project_id, trace_id), mut found) in places {
            let Some((rule, active)) = found.first().and_then(|(_, _, home)| rule_of(home)) else {
                continue;
            };
            let trace = Trace { tenant_id, project_id, trace_id: trace_id.to_owned() };
            found.sort_by_key(|(place, event, _)| (event.ts, *place));
            let step = |(place, event, _): (usize, &'e Event<'e>, &Home)| Step {
                place,
                event,
                hash: hash(event),
                rule,
                active,
            };
            traces.push((trace, found.into_iter().map(step).collect()));
        }
        traces
    }
}

impl Known {
    /// Takes in a step; what has just come `least` times.
    fn add(&mut self, hash: u64, is_call: bool, least: u32) -> Option<Found> {
        let call = if is_call { self.count(hash) } else { 0 };
        let mut cycle = None;
        for (steps, run) in (1..).zip(&mut self.runs) {
            let before = self.recent.len().checked_sub(steps).and_then(|place| self.recent.get(place));
            *run = if before == Some(&hash) { *run + 1 } else { 0 };
            // The first round has nothing to be compared with.
            if *run == (steps as u32).saturating_mul(least - 1) && cycle.is_none() && steps > 1 {
                cycle = Some(steps);
            }
        }
        self.recent.push(hash);
        if self.recent.len() > LONGEST_CYCLE {
            self.recent.remove(0);
        }
        if call == least {
            return Some(Found { cycle: 1, times: least, told_by: told_by(&[hash]) });
        }
        // Steps that are all the same, or a cycle of fewer steps over and over, are no longer cycle; and the calls of one that has some
        // are counted already.
        let is_shorter = |steps: usize| {
            (1..steps).any(|part| self.runs.get(part - 1).is_some_and(|run| *run >= steps as u32))
        };
        let cycle = cycle.filter(|steps| !is_shorter(*steps))?;
        let last = self.recent.get(self.recent.len() - cycle..).unwrap_or_default();
        let is_told = |(call, count): &(u64, u32)| *count >= least && last.contains(call);
        (!self.calls.iter().any(is_told)).then(|| Found { cycle, times: least, told_by: told_by(last) })
    }

    fn count(&mut self, hash: u64) -> u32 {
        if let Some((_, count)) = self.calls.iter_mut().find(|(call, _)| *call == hash) {
            *count = count.saturating_add(1);
            return *count;
        }
        if self.calls.len() >= MOST_CALLS {
            let least =
                self.calls.iter().enumerate().min_by_key(|(_, (_, count))| *count).map(|(place, _)| place);
            self.calls.remove(least.unwrap_or(0));
        }
        self.calls.push((hash, 1));
        1
    }
}

fn told_by(steps: &[u64]) -> u64 {
    let turned = |first: usize| steps.iter().cycle().skip(first).take(steps.len()).copied();
    let least = (0..steps.len()).map(|first| turned(first).collect::<Vec<u64>>()).min().unwrap_or_default();
    let mut hasher = FxHasher::default();
    least.into_iter().for_each(|step| hasher.write_u64(step));
    hasher.finish()
}

/// An event, where it is among the others, and whose it is.
type Placed<'e> = (usize, &'e Event<'e>, &'e Home);

struct Step<'e> {
    place: usize,
    event: &'e Event<'e>,
    /// None: nothing tells it from others.
    hash: Option<u64>,
    rule: &'static Rule,
    active: Active,
}

/// Without the spans that wrap another span of the same call.
fn distinct(steps: Vec<Step>) -> impl Iterator<Item = Step> {
    let spans: AHashMap<String, u64> = steps
        .iter()
        .filter_map(|step| Some((step.event.text(Field::SpanId)?.to_owned(), step.hash?)))
        .collect();
    steps.into_iter().filter(move |step| {
        let parent = step.event.text(Field::ParentSpanId).and_then(|parent| spans.get(parent));
        step.event.text(Field::ParentSpanId) == step.event.text(Field::SpanId)
            || step.hash.is_none()
            || parent != step.hash.as_ref()
    })
}

/// Whether an agent decided to do it. A provider's call that another event repeats is one.
fn is_step(event: &Event) -> bool {
    use EventType::{AgentCreate, LlmCall, ReasoningStep, Retrieval, ToolCall, VectorDbOperation};
    matches!(
        event.event_type,
        AgentCreate | LlmCall | ReasoningStep | Retrieval | ToolCall | VectorDbOperation
    ) && !event.repeats
}

/// The first count above the threshold.
fn least(active: Active) -> u32 {
    active.threshold.map_or(u32::MAX, |threshold| threshold.clamp(1.0, 1e6) as u32 + 1)
}

/// A call whose arguments are known: without them it may be another one each time.
fn is_known_call(event: &Event) -> bool {
    event.event_type == EventType::ToolCall
        && event.input.as_ref().is_some_and(|input| !input.as_str().is_empty())
}

fn active(rules: &RuleSet) -> Option<(&'static Rule, Active)> {
    rules.active_for(EventType::ToolCall).find(|(rule, _)| rule.name == NAME)
}

fn hash(event: &Event) -> Option<u64> {
    use EventType::{Retrieval, ToolCall, VectorDbOperation};
    let is_asked = matches!(event.event_type, Retrieval | ToolCall | VectorDbOperation);
    let content = if is_asked { event.input.as_ref() } else { event.output.as_ref() };
    let content = content.map(Content::as_str).filter(|content| !content.is_empty());
    if content.is_none() && event.text(Field::Name).or(event.text(Field::AgentName)).is_none() {
        return None;
    }
    let mut hasher = FxHasher::default();
    hasher.write_u8(event.event_type as u8);
    // What is stored of an event: the job reads it from there.
    let model = event.text(Field::Model).or(event.text(Field::ResponseModel));
    let names = [Field::ToolName, Field::AgentName, Field::Name].map(|field| event.text(field));
    for name in names.into_iter().chain([model]) {
        hasher.write(name.unwrap_or_default().as_bytes());
        hasher.write_u8(0xFF);
    }
    if let Some(content) = content {
        let bytes = content.as_bytes();
        if bytes.len() <= 2 * COMPARED {
            hasher.write(bytes);
        } else {
            hasher.write(bytes.get(..COMPARED).unwrap_or(bytes));
            hasher.write(bytes.get(bytes.len() - COMPARED..).unwrap_or_default());
        }
    }
    Some(hasher.finish())
}

fn signal(event: &Event, rule: &'static Rule, active: Active, found: &Found) -> Signal {
    let mut details = json!({"unit": rule.unit, "repetitions": found.times, "cycle": found.cycle,
                             "loop": format!("{:016x}", found.told_by)});
    if let (Some(tool), Some(details)) = (event.text(Field::ToolName), details.as_object_mut()) {
        details.insert("tool".into(), json!(tool));
    }
    Signal {
        rule: Raised::BuiltIn(rule),
        severity: active.severity,
        value: f64::from(found.times),
        threshold: active.threshold,
        group: group(rule, event),
        details,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::home::Shared;
    use crate::scrub::Scrubber;
    use crate::signal::Severity;
    use crate::signal::rules::Override;
    use proptest::prelude::*;

    fn home(threshold: f64) -> Home {
        let set = Override {
            name: NAME.into(),
            enabled: true,
            severity: Severity::High,
            threshold: Some(threshold),
        };
        Home {
            tenant_id: Uuid::nil(),
            tenant_name: "default".into(),
            project_id: Uuid::nil(),
            environment: "production".into(),
            pseudonym_key: Vec::new(),
            scrubber: Shared::BuiltIn(Scrubber::builtin()),
            book: Shared::BuiltIn(crate::price::Book::builtin()),
            rules: Arc::new(RuleSet::new(&[set])),
            quality_scores: false,
            analysis: None,
            metric_tags: Vec::new(),
        }
    }

    /// `search:cats` calls a tool, `=yes` is an answer of a model, `-plan` a span without content.
    fn event(ts: i64, written: &str) -> Event<'static> {
        let (event_type, name, content) = match written.split_once([':', '=', '-']) {
            Some((tool, input)) if written.contains(':') => {
                (EventType::ToolCall, tool.to_owned(), input.to_owned())
            }
            Some((_, answer)) if written.contains('=') => {
                (EventType::LlmCall, String::new(), answer.to_owned())
            }
            Some((_, name)) => (EventType::ReasoningStep, name.to_owned(), String::new()),
            None => (EventType::ToolCall, written.to_owned(), String::new()),
        };
        let mut event = Event::new(1, event_type);
        event.ts = Some(ts);
        event.set_text(Field::TraceId, Some("t".into()));
        match event_type {
            EventType::ToolCall => {
                event.set_text(Field::ToolName, Some(name.into()));
                event.input = Some(Content::Text(content.into()));
            }
            EventType::LlmCall => event.output = Some(Content::Text(content.into())),
            _ => event.set_text(Field::Name, Some(name.into())),
        }
        event
    }

    fn events(written: &[&str]) -> Vec<Event<'static>> {
        (0..).zip(written).map(|(ts, written)| event(ts, written)).collect()
    }

    fn read(loops: &mut Loops, events: &[Event<'static>], home: &Home) -> Vec<(usize, Signal)> {
        loops.read(events.iter().map(|event| (event, home)))
    }

    /// Places, lengths of cycles.
    fn found(written: &[&str]) -> Vec<(usize, u64)> {
        let signals = read(&mut Loops::default(), &events(written), &home(4.0));
        signals.iter().map(|(place, signal)| (*place, signal.details["cycle"].as_u64().unwrap())).collect()
    }

    #[test]
    fn the_fifth_same_call_of_a_trace_raises_one_signal() {
        let call = ["search:cats"; 12];
        assert_eq!(found(&call[..4]), []);
        assert_eq!(found(&call), [(4, 1)]);
        let between = ["s:a", "=1", "s:a", "=2", "s:b", "s:a", "=3", "s:a", "f:a", "s:a", "s:a"];
        assert_eq!(found(&between), [(9, 1)]);
        let signals = read(&mut Loops::default(), &events(&call), &home(4.0));
        let (_, signal) = &signals[0];
        assert_eq!(
            (signal.value, signal.threshold, signal.group.as_str()),
            (5.0, Some(4.0), "tool_name=search")
        );
        assert_eq!(signal.details["tool"], "search");
        assert_eq!(signal.details["repetitions"], 5);
    }

    #[test]
    fn an_agent_that_asks_something_else_each_time_works() {
        let steps: Vec<String> =
            (0..40).map(|n| if n % 2 == 0 { format!("s:{n}") } else { format!("={n}") }).collect();
        let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
        assert_eq!(found(&steps), []);
        assert_eq!(found(&["search"; 20]), []);
    }

    #[test]
    fn a_cycle_of_steps_is_found_when_it_comes_the_fifth_time() {
        assert_eq!(found(&["-plan", "-act"].repeat(8)), [(9, 2)]);
        assert_eq!(found(&["-plan", "=ok", "-act"].repeat(5)), [(14, 3)]);
        assert_eq!(found(&["-plan", "=ok", "-act"].repeat(4)), []);
        assert_eq!(found(&["-wait"; 40]), []);
        // Its call is told of.
        assert_eq!(found(&["-plan", "s:a"].repeat(8)), [(9, 1)]);
    }

    #[test]
    fn steps_count_in_the_order_of_their_times_and_a_wrapped_call_is_one() {
        let mut shuffled = events(&["-plan", "-act"].repeat(5));
        shuffled.reverse();
        assert_eq!(read(&mut Loops::default(), &shuffled, &home(4.0))[0].0, 0);
        let mut wrapped = events(&["s:a"; 8]);
        for (place, event) in wrapped.iter_mut().enumerate() {
            event.set_text(Field::SpanId, Some(place.to_string().into()));
            if place % 2 == 1 {
                event.set_text(Field::ParentSpanId, Some((place - 1).to_string().into()));
            }
        }
        assert!(read(&mut Loops::default(), &wrapped, &home(4.0)).is_empty());
    }

    #[test]
    fn other_traces_projects_and_switched_off_rules_have_no_part_in_it() {
        let mut apart = events(&["s:a"; 8]);
        for (place, event) in apart.iter_mut().enumerate() {
            event.set_text(Field::TraceId, Some(format!("t{}", place % 2).into()));
        }
        assert!(read(&mut Loops::default(), &apart, &home(4.0)).is_empty());
        let (one, mut other) = (home(4.0), home(4.0));
        other.project_id = Uuid::max();
        let eight = events(&["s:a"; 8]);
        let homes = eight
            .iter()
            .enumerate()
            .map(|(place, event)| (event, if place % 2 == 0 { &one } else { &other }));
        assert!(Loops::default().read(homes).is_empty());
        let off = Override { name: NAME.into(), enabled: false, severity: Severity::High, threshold: None };
        let mut without = home(4.0);
        without.rules = Arc::new(RuleSet::new(&[off]));
        assert!(read(&mut Loops::default(), &eight, &without).is_empty());
    }

    proptest! {
        #[test]
        fn batches_find_together_what_one_finds(
            steps in proptest::collection::vec(proptest::sample::select(vec!["s:a", "s:b", "=x", "-p", "-q", "f"]), 0..80),
            cut in 0usize..80,
        ) {
            let home = home(2.0);
            let all = events(&steps);
            let place = |(place, signal): &(usize, Signal)| (*place, signal.details.clone());
            let whole: Vec<_> = read(&mut Loops::with_known([(Trace { tenant_id: Uuid::nil(), project_id: Uuid::nil(), trace_id: "t".into() }, Known::default())]), &all, &home).iter().map(place).collect();
            let cut = cut.min(all.len());
            let mut first = Loops::with_known([(Trace { tenant_id: Uuid::nil(), project_id: Uuid::nil(), trace_id: "t".into() }, Known::default())]);
            let mut parts: Vec<_> = read(&mut first, &all[..cut], &home).iter().map(place).collect();
            let mut second = Loops::with_known(first.into_known());
            parts.extend(read(&mut second, &all[cut..], &home).iter().map(|found| { let (at, details) = place(found); (at + cut, details) }));
            prop_assert_eq!(parts, whole);
            prop_assert!(second.into_known().all(|(_, known)| known.calls.len() <= MOST_CALLS && known.recent.len() <= LONGEST_CYCLE));
        }
    }
}
