//! Which events a judge is to look at: those whose signals ask for it, and a sample of the rest. A judge costs a thousand times what
//! the rules do, so it is asked where it pays, and the same event is chosen again whoever asks.

use std::collections::HashMap;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde_json::Value;
use uuid::Uuid;

use crate::batch::Ready;
use crate::event::{EventType, Field, Status};
use crate::identity;

/// What begins the first message of a call that a judge was asked with: such calls are not judged.
pub const JUDGE_MARK: &str = "[observa judge ";

static MARK: LazyLock<Finder> = LazyLock::new(|| Finder::new(JUDGE_MARK));

/// Microseconds of the time in which problems of one kind are one job.
const HOUR: i64 = 3_600_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Event,
    Trace,
}

impl Scope {
    pub fn name(self) -> &'static str {
        match self {
            Scope::Event => "event",
            Scope::Trace => "trace",
        }
    }

    pub fn from_name(name: &str) -> Option<Scope> {
        [Scope::Event, Scope::Trace].into_iter().find(|scope| scope.name() == name)
    }
}

/// An evaluator, as far as it decides what it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluator {
    pub name: String,
    pub scope: Scope,
    /// Signals that have it look at their event.
    pub triggers: Vec<String>,
    /// Share of the traces that it is shown anyway, 0 to 1.
    pub rate: f64,
    /// It needs what was retrieved: of a trace without a retrieval there is nothing to judge.
    pub needs_context: bool,
}

/// What is judged of a project's events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    pub evaluators: Vec<Evaluator>,
    /// Share of the traces whose texts are embedded, 0 to 1.
    pub embedding_rate: f64,
}

/// The name under which embeddings are queued, beside those of evaluators.
pub const EMBEDDING: &str = "embedding";

/// Why something is queued, where no signal is the reason.
pub const SAMPLED: &str = "sampled";

/// An event that is to be looked at.
pub struct Candidate<'r, 'l> {
    pub ready: &'r Ready<'l>,
    pub asks: Vec<Ask<'r>>,
}

/// Something to queue.
pub struct Ask<'r> {
    /// An evaluator's name, or [`EMBEDDING`].
    pub evaluator: &'r str,
    pub scope: Scope,
    /// The signal's name, or [`SAMPLED`].
    pub trigger: &'r str,
    /// Whatever has the same is one job.
    pub key: Uuid,
    /// How many events asked for it.
    pub occurrences: i64,
}

/// Where something lies in the sample, 0 to 1: it is in every sample whose share is greater. The same whenever it is asked. Asked of each
/// answer, so it is no cryptographic hash, which would keep nobody from choosing ids either.
pub fn place(id: &str) -> f64 {
    // The multiplier is that of splitmix64's increment, the end that of MurmurHash3.
    let mixed = |hash: u64, more: u64| {
        let hash = (hash ^ more).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        hash ^ hash >> 32
    };
    let mut hash = id.len() as u64;
    let (words, rest) = id.as_bytes().as_chunks::<8>();
    for word in words {
        hash = mixed(hash, u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(byte, of_rest)| *byte = *of_rest);
    hash = mixed(hash, u64::from_le_bytes(last));
    hash = (hash ^ hash >> 33).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    hash = (hash ^ hash >> 33).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    hash ^= hash >> 33;
    // As many bits as a double has.
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

/// What of these events is to be judged, once for each key: with the first event that asks for it.
pub fn candidates<'r, 'l>(stored: &[&'r Ready<'l>]) -> Vec<Candidate<'r, 'l>> {
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut places: HashMap<Uuid, (usize, usize)> = HashMap::new();
    for ready in stored {
        let Some(plan) = ready.home.analysis.as_deref() else { continue };
        let mut asks = of_event(ready, plan);
        asks.retain(|ask| {
            let known =
                places.get(&ask.key).and_then(|(at, nth)| candidates.get_mut(*at)?.asks.get_mut(*nth));
            known.map(|known| known.occurrences += ask.occurrences).is_none()
        });
        if !asks.is_empty() {
            places.extend(asks.iter().enumerate().map(|(nth, ask)| (ask.key, (candidates.len(), nth))));
            candidates.push(Candidate { ready, asks });
        }
    }
    candidates
}

/// No two of one key: each is of another evaluator.
fn of_event<'r>(ready: &'r Ready, plan: &'r Plan) -> Vec<Ask<'r>> {
    let mut asks = Vec::new();
    let retrieves = matches!(ready.event.event_type, EventType::Retrieval | EventType::VectorDbOperation);
    let answers = ready.event.event_type == EventType::LlmCall;
    let Some(event_id) = ready.event.text(Field::EventId).filter(|_| answers || retrieves) else {
        return asks;
    };
    let trace_id = ready.event.text(Field::TraceId);
    let place = place(trace_id.unwrap_or(event_id));
    // Nearly all events end here.
    let is_sampled =
        place < plan.embedding_rate || plan.evaluators.iter().any(|evaluator| place < evaluator.rate);
    if !is_sampled && ready.signals.is_empty() {
        return asks;
    }
    let has_answer = has_answer(ready);
    if !(has_answer || retrieves) || is_judges_own(ready) {
        return asks;
    }
    let mut tell = |evaluator: &'r str, scope, trigger: &'r str, key: &[&str]| {
        let project = ready.home.project_id.to_string();
        let key = identity::uuid_of_parts(&[&[trigger, &project, evaluator], key].concat());
        asks.push(Ask { evaluator, scope, trigger, key, occurrences: 1 });
    };
    for evaluator in &plan.evaluators {
        let subject = match (evaluator.scope, trace_id) {
            (Scope::Event, _) if has_answer => event_id,
            (Scope::Trace, Some(trace_id)) if retrieves || !evaluator.needs_context => trace_id,
            _ => continue,
        };
        let has_asked = |name: &str| evaluator.triggers.iter().any(|trigger| trigger == name);
        if let Some(signal) = ready.signals.iter().find(|signal| has_asked(signal.rule.name())) {
            let hour = ready.event.ts.unwrap_or_default().div_euclid(HOUR).to_string();
            let environment = ready.event.text(Field::Environment).unwrap_or(&ready.home.environment);
            let key = [environment, &signal.group, &hour];
            tell(&evaluator.name, evaluator.scope, signal.rule.name(), &key);
        } else if place < evaluator.rate {
            tell(&evaluator.name, evaluator.scope, SAMPLED, &[subject]);
        }
    }
    if has_answer && place < plan.embedding_rate {
        tell(EMBEDDING, Scope::Event, SAMPLED, &[event_id]);
    }
    asks
}

/// Whether a model has answered in it.
fn has_answer(ready: &Ready) -> bool {
    ready.event.event_type == EventType::LlmCall
        && ready.event.status == Status::Ok
        && ready.event.output.as_ref().is_some_and(|output| !output.as_str().trim().is_empty())
}

/// Whether a judge was asked with it. Only what the application itself says to a model counts: what users say comes later.
fn is_judges_own(ready: &Ready) -> bool {
    ready.event.input.as_ref().is_some_and(|input| asks_judge(input.as_str()))
}

/// Bytes of a prompt in which a judge's mark is looked for: its first message is the system's, and begins with it.
const FRONT: usize = 16 << 10;

/// Nesting of a first message within which its text is.
const DEEPEST: usize = 6;

/// Whether a prompt, as text or as messages, begins with a judge's instructions.
pub fn asks_judge(input: &str) -> bool {
    let input = input.trim_start();
    if !input.starts_with(['[', '{']) || input.starts_with(JUDGE_MARK) {
        return input.starts_with(JUDGE_MARK);
    }
    // Hardly any prompt has it: only those are parsed.
    let front = input.as_bytes().get(..FRONT + JUDGE_MARK.len()).unwrap_or(input.as_bytes());
    MARK.find(front).is_some()
        && serde_json::from_str(input)
            .is_ok_and(|prompt: Value| first_message(&prompt).is_some_and(instructs_judge))
}

fn first_message(prompt: &Value) -> Option<&Value> {
    match prompt {
        Value::Array(messages) => messages.first().and_then(first_message),
        Value::Object(body) => match body.get("messages").or_else(|| body.get("input")) {
            Some(messages @ Value::Array(_)) => first_message(messages),
            _ => Some(prompt),
        },
        _ => None,
    }
}

/// Whatever libraries call the parts of a message. What a user says is no instruction.
fn instructs_judge(message: &Value) -> bool {
    let says =
        |name: &str| message.get(name).and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    let is_users =
        ["role", "type"].iter().any(|name| matches!(says(name).as_str(), "user" | "human" | "tool"));
    !is_users && begins_with_mark(message, DEEPEST)
}

fn begins_with_mark(value: &Value, deepest: usize) -> bool {
    match value {
        Value::String(text) => text.trim_start().starts_with(JUDGE_MARK),
        _ if deepest == 0 => false,
        Value::Array(parts) => parts.iter().any(|part| begins_with_mark(part, deepest - 1)),
        Value::Object(members) => members.values().any(|member| begins_with_mark(member, deepest - 1)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_judges_own_call_is_told_by_what_the_system_says() {
        let mark = format!("{JUDGE_MARK}toxicity v1]");
        assert!(asks_judge(&format!("{mark}\nYou judge")));
        assert!(asks_judge(&format!(
            r#"[{{"role":"system","content":"{mark} You"}},{{"role":"user","content":"x"}}]"#
        )));
        for other in [
            format!(r#"[{{"role":"user","content":"{mark}"}}]"#),
            format!(r#"[{{"role":"system","content":"You help"}},{{"role":"user","content":"{mark}"}}]"#),
            format!("Hello {mark}"),
        ] {
            assert!(!asks_judge(&other), "{other}");
        }
    }

    #[test]
    fn places_fill_the_range_evenly() {
        let places: Vec<f64> = (0..10_000).map(|number| place(&format!("trace-{number}"))).collect();
        for tenth in 0..10 {
            let from = f64::from(tenth) / 10.0;
            let count = places.iter().filter(|place| **place >= from && **place < from + 0.1).count();
            assert!((850..1_150).contains(&count), "{count} of 10,000 from {from}");
        }
    }

    proptest! {
        #[test]
        fn a_place_is_a_share(id in ".*") {
            let place = place(&id);
            prop_assert!((0.0..1.0).contains(&place));
        }
    }
}
