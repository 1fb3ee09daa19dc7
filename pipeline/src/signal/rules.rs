//! The table of per-event rules: what each measures, when it fires, and what its alert is about.

use bigdecimal::ToPrimitive;

use crate::event::{EventType, Field, Status};
use crate::signal::Seen;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    pub group: &'static [Field],
    /// Does not fire beside this one, which says more.
    pub yields_to: Option<&'static str>,
    pub description: &'static str,
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str(self.name)
    }
}

use EventType::{
    AgentCreate, CacheOperation, Embedding, Error, LlmCall, Retrieval, ToolCall, VectorDbOperation,
};

const MODEL_ROUTE: &[Field] = &[Field::Model, Field::Route];

const fn rule(
    name: &'static str,
    category: &'static str,
    severity: Severity,
    event_types: &'static [EventType],
    threshold: Option<f64>,
    unit: &'static str,
    measure: fn(&Seen) -> Option<f64>,
    group: &'static [Field],
    description: &'static str,
) -> Rule {
    Rule {
        name,
        category,
        severity,
        event_types,
        threshold,
        unit,
        measure,
        group,
        yields_to: None,
        description,
    }
}

#[rustfmt::skip]
pub static RULES: &[Rule] = &[
    rule("high_latency", "latency", Severity::High, &[LlmCall], Some(5_000.0), "ms", latency, MODEL_ROUTE,
        "An LLM call took longer than the threshold"),
    Rule { yields_to: Some("high_latency"), ..rule(
        "medium_latency", "latency", Severity::Medium, &[LlmCall], Some(2_000.0), "ms", latency, MODEL_ROUTE,
        "An LLM call took longer than the threshold, and not so long that high_latency fires") },
    rule("tool_latency", "latency", Severity::Medium, &[ToolCall], Some(5_000.0), "ms", latency, &[Field::ToolName],
        "A tool call took longer than the threshold"),
    rule("embedding_high_latency", "latency", Severity::Medium, &[Embedding], Some(5_000.0), "ms", latency, &[Field::Model],
        "An embedding took longer than the threshold"),
    rule("vector_db_slow_query", "latency", Severity::Medium, &[VectorDbOperation], Some(3_000.0), "ms", latency, &[Field::Subject],
        "A vector database took longer than the threshold"),
    rule("cache_high_latency", "latency", Severity::Medium, &[CacheOperation], Some(1_000.0), "ms", latency, &[Field::Subject],
        "A cache took longer than the threshold"),
    rule("llm_error", "error", Severity::High, &[LlmCall, Embedding], None, "calls", failed, &[Field::Model],
        "A call to a model failed or timed out"),
    rule("tool_error", "error", Severity::High, &[ToolCall], None, "calls", tool_failed, &[Field::ToolName],
        "A tool call failed"),
    rule("tool_timeout", "error", Severity::High, &[ToolCall], None, "calls", timed_out, &[Field::ToolName],
        "A tool call timed out"),
    rule("error_event", "error", Severity::High, &[Error], None, "events", one, &[Field::ErrorType],
        "The application reported an error"),
    rule("token_spike", "tokens", Severity::High, &[LlmCall, Embedding], Some(100_000.0), "tokens", tokens, MODEL_ROUTE,
        "One call used more tokens than the threshold"),
    rule("cost_spike", "cost", Severity::High, &[LlmCall, Embedding], Some(10.0), "USD", cost, MODEL_ROUTE,
        "One call cost more than the threshold"),
    rule("high_cost", "cost", Severity::Medium, &[LlmCall, Embedding], Some(0.10), "USD", cost, MODEL_ROUTE,
        "One call cost more than the threshold; a threshold of 0 switches the rule off"),
    rule("contains_secrets", "security", Severity::High, &EventType::ALL, None, "secrets", secrets, &[Field::Route],
        "A credential was in the event, and was replaced before it was stored"),
    rule("contains_pii", "security", Severity::Low, &EventType::ALL, None, "findings", personal, &[Field::Route],
        "Personal data was in the event, and was replaced before it was stored"),
    rule("context_overflow", "tokens", Severity::Medium, &[LlmCall], Some(0.95), "share of the context window", context_use, &[Field::Model],
        "The input filled the model's context window, or the provider said that it did not fit"),
    rule("context_drop", "retrieval", Severity::Medium, &[Retrieval], None, "retrievals", no_results, &[Field::Route],
        "A retrieval found nothing: the model answered without context"),
    rule("high_toxicity", "quality", Severity::Medium, &EventType::ALL, Some(0.7), "score", toxicity, MODEL_ROUTE,
        "The toxicity score is over the threshold"),
    rule("hallucination_risk", "quality", Severity::Medium, &EventType::ALL, Some(0.7), "score", hallucination_risk, MODEL_ROUTE,
        "The hallucination risk is over the threshold"),
    rule("vector_db_empty_results", "retrieval", Severity::Low, &[VectorDbOperation], None, "searches", empty_search, &[Field::Subject],
        "A vector search found nothing"),
    rule("embedding_dimension_anomaly", "retrieval", Severity::Low, &[Embedding], None, "dimensions", dimension_gap, &[Field::Model],
        "An embedding has another number of dimensions than it was declared with"),
    rule("agent_create_no_tools", "agent", Severity::Low, &[AgentCreate], None, "agents", no_tools, &[Field::AgentName],
        "An agent was created without tools"),
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
    seen.event.total_tokens().map(|tokens| tokens as f64)
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
    if says_so {
        return Some(1.0);
    }
    let window = seen.context_window.filter(|window| *window > 0)?;
    Some(seen.event.tokens.input? as f64 / window as f64)
}

fn no_results(seen: &Seen) -> Option<f64> {
    fires(seen.event.facts.results == Some(0))
}

fn toxicity(seen: &Seen) -> Option<f64> {
    seen.event.facts.scores.toxicity
}

fn hallucination_risk(seen: &Seen) -> Option<f64> {
    seen.event.facts.scores.hallucination_risk
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

/// The rules as a project has set them, each in the table's place; None: switched off.
pub struct RuleSet {
    active: Vec<Option<Active>>,
}

impl Default for RuleSet {
    fn default() -> Self {
        RuleSet::new(&[])
    }
}

impl RuleSet {
    /// Later overrides win: a tenant's rows first, then the project's.
    pub fn new(overrides: &[Override]) -> Self {
        let active = RULES.iter().map(|rule| {
            let default = Override {
                name: String::new(),
                enabled: true,
                severity: rule.severity,
                threshold: rule.threshold,
            };
            let set = overrides.iter().rev().find(|set| set.name == rule.name).unwrap_or(&default);
            let threshold = rule.threshold.and(set.threshold.or(rule.threshold));
            let off = !set.enabled || (rule.name == "high_cost" && threshold == Some(0.0));
            (!off).then_some(Active { severity: set.severity, threshold })
        });
        RuleSet { active: active.collect() }
    }

    pub fn active_for(&self, event_type: EventType) -> impl Iterator<Item = (&'static Rule, Active)> {
        RULES.iter().zip(&self.active).filter_map(move |(rule, active)| {
            Some((rule, (*active)?)).filter(|_| rule.event_types.contains(&event_type))
        })
    }
}
