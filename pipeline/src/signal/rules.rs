//! The table of per-event rules: what each measures, when it fires, and what its alert is about.

use std::sync::Arc;

use bigdecimal::ToPrimitive;

use crate::event::{EventType, Field, Scores, Status};
use crate::signal::own::OwnRule;
use crate::signal::{Seen, injection};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Low,
    Medium,
    High,
}

impl Severity {
    pub fn name(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
        }
    }

    pub fn from_name(name: &str) -> Option<Severity> {
        [Severity::Low, Severity::Medium, Severity::High].into_iter().find(|severity| severity.name() == name)
    }
}

pub struct Rule {
    pub name: &'static str,
    /// The signal's `type`: latency, error, cost, tokens, security, quality, retrieval, agent.
    pub category: &'static str,
    pub severity: Severity,
    pub event_types: &'static [EventType],
    /// Fires above it; None: whenever there is a value.
    pub threshold: Option<f64>,
    pub unit: &'static str,
    pub measure: fn(&Seen) -> Option<f64>,
    /// The score that it measures: one that is our own estimate is said to be.
    pub score: Option<fn(&Scores) -> Option<f64>>,
    pub group: &'static [Field],
    /// Does not fire beside this one, which says more.
    pub yields_to: Option<&'static str>,
    pub description: &'static str,
    /// Whether it is on where nobody has decided it.
    pub enabled: bool,
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str(self.name)
    }
}

use EventType::{
    AgentCreate, CacheOperation, Embedding, Error, LlmCall, ReasoningStep, Retrieval, ToolCall,
    VectorDbOperation,
};

const MODEL_ROUTE: &[Field] = &[Field::Model, Field::Route];

/// What most rules share: no threshold, one alert for each route.
const RULE: Rule = Rule {
    name: "",
    category: "",
    severity: Severity::High,
    event_types: &EventType::ALL,
    threshold: None,
    unit: "",
    measure: one,
    score: None,
    group: &[Field::Route],
    yields_to: None,
    description: "",
    enabled: true,
};

#[rustfmt::skip]
pub static RULES: &[Rule] = &[
    Rule { name: "high_latency", category: "latency", severity: Severity::High, unit: "ms", measure: latency,
        event_types: &[LlmCall], threshold: Some(5_000.0), group: MODEL_ROUTE,
        description: "An LLM call took longer than the threshold", ..RULE },
    Rule { name: "medium_latency", category: "latency", severity: Severity::Medium, unit: "ms", measure: latency,
        event_types: &[LlmCall], threshold: Some(2_000.0), group: MODEL_ROUTE, yields_to: Some("high_latency"),
        description: "An LLM call took longer than the threshold, and not so long that high_latency fires", ..RULE },
    Rule { name: "tool_latency", category: "latency", severity: Severity::Medium, unit: "ms", measure: latency,
        event_types: &[ToolCall], threshold: Some(5_000.0), group: &[Field::ToolName],
        description: "A tool call took longer than the threshold", ..RULE },
    Rule { name: "embedding_high_latency", category: "latency", severity: Severity::Medium, unit: "ms", measure: latency,
        event_types: &[Embedding], threshold: Some(5_000.0), group: &[Field::Model],
        description: "An embedding took longer than the threshold", ..RULE },
    Rule { name: "vector_db_slow_query", category: "latency", severity: Severity::Medium, unit: "ms", measure: latency,
        event_types: &[VectorDbOperation], threshold: Some(3_000.0), group: &[Field::Subject],
        description: "A vector database took longer than the threshold", ..RULE },
    Rule { name: "cache_high_latency", category: "latency", severity: Severity::Medium, unit: "ms", measure: latency,
        event_types: &[CacheOperation], threshold: Some(1_000.0), group: &[Field::Subject],
        description: "A cache took longer than the threshold", ..RULE },
    Rule { name: "llm_error", category: "error", severity: Severity::High, unit: "calls", measure: failed,
        event_types: &[LlmCall, Embedding], group: &[Field::Model],
        description: "A call to a model failed or timed out", ..RULE },
    Rule { name: "tool_error", category: "error", severity: Severity::High, unit: "calls", measure: tool_failed,
        event_types: &[ToolCall], group: &[Field::ToolName],
        description: "A tool call failed", ..RULE },
    Rule { name: "tool_timeout", category: "error", severity: Severity::High, unit: "calls", measure: timed_out,
        event_types: &[ToolCall], group: &[Field::ToolName],
        description: "A tool call timed out", ..RULE },
    Rule { name: "error_event", category: "error", severity: Severity::High, unit: "events", measure: one,
        event_types: &[Error], group: &[Field::ErrorType],
        description: "The application reported an error", ..RULE },
    Rule { name: "token_spike", category: "tokens", severity: Severity::High, unit: "tokens", measure: tokens,
        event_types: &[LlmCall, Embedding], threshold: Some(100_000.0), group: MODEL_ROUTE,
        description: "One call used more tokens than the threshold", ..RULE },
    Rule { name: "cost_spike", category: "cost", severity: Severity::High, unit: "USD", measure: cost,
        event_types: &[LlmCall, Embedding], threshold: Some(10.0), group: MODEL_ROUTE,
        description: "One call cost more than the threshold", ..RULE },
    Rule { name: "high_cost", category: "cost", severity: Severity::Medium, unit: "USD", measure: cost,
        event_types: &[LlmCall, Embedding], threshold: Some(0.10), group: MODEL_ROUTE,
        description: "One call cost more than the threshold; a threshold of 0 switches the rule off", ..RULE },
    Rule { name: "contains_secrets", category: "security", severity: Severity::High, unit: "secrets", measure: secrets,
        description: "A credential was in the event, and was replaced before it was stored", ..RULE },
    Rule { name: "contains_pii", category: "security", severity: Severity::Low, unit: "findings", measure: personal,
        description: "Personal data was in the event, and was replaced before it was stored", ..RULE },
    Rule { name: "prompt_injection", category: "security", severity: Severity::High, unit: "score", measure: injected,
        event_types: &[LlmCall, Retrieval, ToolCall], threshold: Some(0.5),
        description: "What a user said, or what was retrieved or came from a tool, reads like an attempt to turn the model from its instructions", ..RULE },
    Rule { name: "agent_loop", category: "agent", severity: Severity::High, unit: "repetitions", measure: of_traces,
        event_types: &[ToolCall, LlmCall, Retrieval, VectorDbOperation, ReasoningStep, AgentCreate], threshold: Some(4.0),
        group: &[Field::Route, Field::ToolName],
        description: "An agent called a tool with the same arguments, or went through the same steps, more often than the threshold within a trace", ..RULE },
    Rule { name: "context_overflow", category: "tokens", severity: Severity::Medium, unit: "share of the context window", measure: context_use,
        event_types: &[LlmCall], threshold: Some(0.95), group: &[Field::Model],
        description: "The input filled the model's context window, or the provider said that it did not fit", ..RULE },
    Rule { name: "context_drop", category: "retrieval", severity: Severity::Medium, unit: "share of the context that is lost", measure: no_results,
        event_types: &[Retrieval, LlmCall], threshold: Some(0.5),
        description: "A retrieval found nothing: the model answered without context; or a conversation's input became far smaller from one turn to the next", ..RULE },
    Rule { name: "high_toxicity", category: "quality", severity: Severity::Medium, unit: "score", measure: toxicity,
        score: Some(|scores| scores.toxicity), threshold: Some(0.7), group: MODEL_ROUTE,
        description: "The toxicity score is over the threshold", ..RULE },
    Rule { name: "hallucination_risk", category: "quality", severity: Severity::Medium, unit: "score", measure: hallucination_risk,
        score: Some(|scores| scores.hallucination_risk), threshold: Some(0.7), group: MODEL_ROUTE,
        description: "The hallucination risk is over the threshold", ..RULE },
    Rule { name: "vector_db_empty_results", category: "retrieval", severity: Severity::Low, unit: "searches", measure: empty_search,
        event_types: &[VectorDbOperation], group: &[Field::Subject],
        description: "A vector search found nothing", ..RULE },
    Rule { name: "embedding_dimension_anomaly", category: "retrieval", severity: Severity::Low, unit: "dimensions", measure: dimension_gap,
        event_types: &[Embedding], group: &[Field::Model],
        description: "An embedding has another number of dimensions than it was declared with", ..RULE },
    Rule { name: "agent_create_no_tools", category: "agent", severity: Severity::Low, unit: "agents", measure: no_tools,
        event_types: &[AgentCreate], group: &[Field::AgentName],
        description: "An agent was created without tools", ..RULE },
];

fn one(_: &Seen) -> Option<f64> {
    Some(1.0)
}

fn fires(condition: bool) -> Option<f64> {
    condition.then_some(1.0)
}

fn latency(seen: &Seen) -> Option<f64> {
    seen.event.latency_ms
}

fn failed(seen: &Seen) -> Option<f64> {
    fires(seen.event.status != Status::Ok)
}

fn tool_failed(seen: &Seen) -> Option<f64> {
    fires(seen.event.status == Status::Error)
}

fn timed_out(seen: &Seen) -> Option<f64> {
    fires(seen.event.status == Status::Timeout)
}

fn tokens(seen: &Seen) -> Option<f64> {
    let tokens = &seen.event.tokens;
    let known = [tokens.input, tokens.output].into_iter().flatten().reduce(i64::saturating_add);
    tokens.total.max(known).map(|tokens| tokens as f64)
}

/// Ours, else what the client reported.
fn cost(seen: &Seen) -> Option<f64> {
    seen.event.cost_usd.as_ref().or(seen.event.reported_cost_usd.as_ref()).and_then(|usd| usd.to_f64())
}

fn secrets(seen: &Seen) -> Option<f64> {
    Some(f64::from(seen.found.secrets())).filter(|count| *count > 0.0)
}

fn personal(seen: &Seen) -> Option<f64> {
    Some(f64::from(seen.found.personal())).filter(|count| *count > 0.0)
}

/// Finish reasons and error types of providers for an input that did not fit.
const OVERFLOW_WORDS: [&str; 3] =
    ["context_length_exceeded", "model_context_window_exceeded", "context_window_exceeded"];

fn context_use(seen: &Seen) -> Option<f64> {
    let says_so = [Field::FinishReason, Field::ErrorType]
        .into_iter()
        .filter_map(|field| seen.event.text(field))
        .any(|text| OVERFLOW_WORDS.contains(&text));
    let window = seen.context_window.filter(|window| *window > 0);
    let share = window.zip(seen.event.tokens.input).map(|(window, input)| input as f64 / window as f64);
    // What did not fit was more than all of it, whatever the book says.
    if says_so { Some(share.unwrap_or(1.0).max(1f64.next_up())) } else { share }
}

/// No event says it alone: [`super::loops`] finds it.
fn of_traces(_: &Seen) -> Option<f64> {
    None
}

fn injected(seen: &Seen) -> Option<f64> {
    injection::find(seen.event).map(|found| found.score)
}

/// All of the context. What conversations lose no event says alone: [`super::context`] finds it.
fn no_results(seen: &Seen) -> Option<f64> {
    fires(seen.event.event_type == Retrieval && seen.event.facts.results == Some(0))
}

fn toxicity(seen: &Seen) -> Option<f64> {
    seen.event.facts.score(|scores| scores.toxicity)
}

fn hallucination_risk(seen: &Seen) -> Option<f64> {
    seen.event.facts.score(|scores| scores.hallucination_risk)
}

fn empty_search(seen: &Seen) -> Option<f64> {
    fires(seen.event.facts.searches && seen.event.facts.results == Some(0))
}

fn dimension_gap(seen: &Seen) -> Option<f64> {
    let gap = seen.event.facts.vector_length? - seen.event.facts.dimensions?;
    Some(gap.abs() as f64).filter(|gap| *gap > 0.0)
}

fn no_tools(seen: &Seen) -> Option<f64> {
    fires(seen.event.facts.tools_bound.unwrap_or(0) == 0)
}

/// How a rule stands for one project.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Active {
    pub severity: Severity,
    pub threshold: Option<f64>,
}

/// A project's own setting of a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    pub name: String,
    pub enabled: bool,
    pub severity: Severity,
    pub threshold: Option<f64>,
}

/// The rules as a project has set them, without those that are switched off.
pub struct RuleSet {
    /// Of each type of event, in the table's order.
    active: [Vec<(&'static Rule, Active)>; EventType::ALL.len()],
    /// Those of the tenant's own that are switched on.
    own: Vec<Arc<OwnRule>>,
    has_detectors: bool,
}

impl Default for RuleSet {
    fn default() -> Self {
        RuleSet::new(&[])
    }
}

impl RuleSet {
    /// Later overrides win: a tenant's rows first, then the project's.
    pub fn new(overrides: &[Override]) -> Self {
        let mut active = [const { Vec::new() }; EventType::ALL.len()];
        for rule in RULES {
            let default = Override {
                name: String::new(),
                enabled: rule.enabled,
                severity: rule.severity,
                threshold: rule.threshold,
            };
            let set = overrides.iter().rev().find(|set| set.name == rule.name).unwrap_or(&default);
            let threshold = rule.threshold.and(set.threshold.or(rule.threshold));
            if !set.enabled || (rule.name == "high_cost" && threshold == Some(0.0)) {
                continue;
            }
            for event_type in rule.event_types {
                let listed = active.get_mut(*event_type as usize);
                listed
                    .into_iter()
                    .for_each(|listed| listed.push((rule, Active { severity: set.severity, threshold })));
            }
        }
        RuleSet { active, own: Vec::new(), has_detectors: false }
    }

    /// Later rules of a name win, as exceptions do.
    pub fn with_own(mut self, rules: Vec<OwnRule>) -> Self {
        for rule in rules {
            self.own.retain(|known| known.name != rule.name);
            self.own.push(Arc::new(rule));
        }
        self.own.retain(|rule| rule.enabled);
        self
    }

    /// Whether functions are asked about its events after they were stored.
    pub fn with_detectors(self, has_detectors: bool) -> Self {
        RuleSet { has_detectors, ..self }
    }

    pub fn has_detectors(&self) -> bool {
        self.has_detectors
    }

    pub fn own(&self) -> &[Arc<OwnRule>] {
        &self.own
    }

    pub fn active_for(&self, event_type: EventType) -> impl Iterator<Item = (&'static Rule, Active)> {
        self.active.get(event_type as usize).into_iter().flatten().copied()
    }
}
