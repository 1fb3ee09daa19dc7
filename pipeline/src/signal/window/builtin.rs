//! The table of window rules that come with Observa. Those that depend on what an application is like are switched off until
//! somebody sets their threshold.

use super::{Dimension, Grouping, Metric, NoData, WindowRule};
use crate::signal::Severity;

/// A row of the table.
pub struct Builtin {
    name: &'static str,
    signal: &'static str,
    category: &'static str,
    severity: Severity,
    enabled: bool,
    metric: Metric,
    event_type: Option<&'static str>,
    status: Option<&'static str>,
    by: By,
    minutes: u32,
    below: bool,
    threshold: f64,
    min_samples: i64,
    no_data: NoData,
    for_minutes: u32,
    history: Option<Metric>,
    floor: f64,
    description: &'static str,
}

enum By {
    Columns(&'static [Dimension]),
    User,
}

use Dimension::{Model, Provider, Route, ToolName, Version};
use Metric::{
    Coherence, Cost, Count, ErrorRate, HallucinationRisk, P95Latency, P95Ttft, P99Latency, Tokens, Toxicity,
};
use Severity::{High, Medium};

const LLM: Option<&str> = Some("llm_call");
const TOOL: Option<&str> = Some("tool_call");
const BY_MODEL: By = By::Columns(&[Model]);
const BY_MODEL_ROUTE: By = By::Columns(&[Model, Route]);
const BY_ROUTE: By = By::Columns(&[Route]);
const BY_TOOL: By = By::Columns(&[ToolName]);
const ALL: By = By::Columns(&[]);

/// What most rules share.
const RULE: Builtin = Builtin {
    name: "",
    signal: "",
    category: "",
    severity: High,
    enabled: true,
    metric: Count,
    event_type: None,
    status: None,
    by: ALL,
    minutes: 60,
    below: false,
    threshold: 0.0,
    min_samples: 0,
    no_data: NoData::Ok,
    for_minutes: 0,
    history: None,
    floor: 0.0,
    description: "",
};

/// As [`RULE`], for what is not for everybody.
const OFF: Builtin = Builtin { enabled: false, severity: Medium, ..RULE };

const ERRORS: Builtin = Builtin {
    signal: "error_rate",
    category: "error",
    metric: ErrorRate,
    minutes: 5,
    threshold: 0.25,
    // Of fewer, with one in 20 failing as a matter of course, chance alone would raise it once in a while.
    min_samples: 30,
    ..RULE
};

#[rustfmt::skip]
static TABLE: &[Builtin] = &[
    Builtin { name: "error_rate_by_tool", event_type: TOOL, by: BY_TOOL,
        description: "More of a tool's calls failed or timed out than the threshold allows", ..ERRORS },
    Builtin { name: "error_rate_by_model", event_type: LLM, by: BY_MODEL,
        description: "More of a model's calls failed or timed out than the threshold allows", ..ERRORS },
    Builtin { name: "error_rate_by_version", by: By::Columns(&[Version]),
        description: "More events of a version of the application failed or timed out than the threshold allows", ..ERRORS },
    Builtin { name: "error_rate_by_route", by: BY_ROUTE, enabled: false,
        description: "More events of a route failed or timed out than the threshold allows", ..ERRORS },
    Builtin { name: "error_rate_by_provider", event_type: LLM, by: By::Columns(&[Provider]), enabled: false,
        description: "More of a provider's calls failed or timed out than the threshold allows", ..ERRORS },
    // Where calls are too few for a fourth of them to say something.
    Builtin { name: "mostly_failing_by_tool", event_type: TOOL, by: BY_TOOL, minutes: 15, threshold: 0.6, min_samples: 10,
        description: "Most of the few calls of a tool failed or timed out", ..ERRORS },
    Builtin { name: "mostly_failing_by_model", event_type: LLM, by: BY_MODEL, minutes: 15, threshold: 0.6, min_samples: 10,
        description: "Most of the few calls of a model failed or timed out", ..ERRORS },
    Builtin { name: "error_rate_anomaly", event_type: LLM, by: BY_MODEL, minutes: 15, threshold: 6.0, min_samples: 50,
        history: Some(ErrorRate), floor: 0.05,
        description: "Far more of a model's calls fail than is usual for it", ..ERRORS },
    Builtin { name: "timeouts_by_tool", signal: "tool_timeouts", category: "error", event_type: TOOL, status: Some("timeout"), by: BY_TOOL,
        minutes: 5, threshold: 20.0, description: "A tool timed out more often than the threshold", ..OFF },
    Builtin { name: "error_events", signal: "error_events", category: "error", event_type: Some("error"), minutes: 5, threshold: 100.0,
        description: "The application reported more errors than the threshold", ..OFF },
    Builtin { name: "latency_anomaly", signal: "latency_anomaly", category: "latency", severity: Medium, event_type: LLM, by: BY_MODEL_ROUTE,
        metric: P95Latency, minutes: 15, threshold: 4.0, min_samples: 50, for_minutes: 2, history: Some(P99Latency), floor: 500.0,
        description: "One in 20 calls of a model and route takes longer than what only one in 100 usually does", ..RULE },
    Builtin { name: "slow_model", signal: "slow_model", category: "latency", event_type: LLM, by: BY_MODEL, metric: P95Latency, minutes: 15,
        threshold: 30_000.0, min_samples: 20, description: "One in 20 calls of a model takes longer than the threshold", ..OFF },
    Builtin { name: "slow_route", signal: "slow_route", category: "latency", event_type: LLM, by: BY_ROUTE, metric: P95Latency, minutes: 15,
        threshold: 30_000.0, min_samples: 20, description: "One in 20 calls of a route takes longer than the threshold", ..OFF },
    Builtin { name: "slow_tool", signal: "slow_tool", category: "latency", event_type: TOOL, by: BY_TOOL, metric: P95Latency, minutes: 15,
        threshold: 10_000.0, min_samples: 20, description: "One in 20 calls of a tool takes longer than the threshold", ..OFF },
    Builtin { name: "slow_retrieval", signal: "slow_retrieval", category: "latency", event_type: Some("retrieval"), metric: P95Latency,
        minutes: 15, threshold: 5_000.0, min_samples: 20, description: "One in 20 retrievals takes longer than the threshold", ..OFF },
    Builtin { name: "slow_first_token", signal: "slow_first_token", category: "latency", event_type: LLM, by: BY_MODEL, metric: P95Ttft,
        minutes: 15, threshold: 5_000.0, min_samples: 20,
        description: "One in 20 answers of a model begins later than the threshold", ..OFF },
    Builtin { name: "cost_anomaly", signal: "cost_anomaly", category: "cost", by: BY_MODEL_ROUTE, metric: Cost, threshold: 8.0,
        min_samples: 1, history: Some(Cost), floor: 1.0,
        description: "A model and route cost far more in an hour than is usual for them", ..RULE },
    Builtin { name: "hourly_cost", signal: "hourly_cost", category: "cost", metric: Cost, threshold: 50.0,
        description: "A project cost more in an hour than the threshold", ..OFF },
    Builtin { name: "daily_cost", signal: "daily_cost", category: "cost", metric: Cost, minutes: 1_440, threshold: 500.0,
        description: "A project cost more in a day than the threshold", ..OFF },
    Builtin { name: "user_cost", signal: "user_cost", category: "cost", by: By::User, metric: Cost, threshold: 10.0,
        description: "An end user cost more in an hour than the threshold", ..OFF },
    Builtin { name: "token_anomaly", signal: "token_spike", category: "tokens", by: BY_MODEL_ROUTE, metric: Tokens, threshold: 8.0,
        min_samples: 1, history: Some(Tokens), floor: 200_000.0,
        description: "A model and route used far more tokens in an hour than is usual for them", ..RULE },
    Builtin { name: "hourly_tokens", signal: "hourly_tokens", category: "tokens", metric: Tokens, threshold: 50_000_000.0,
        description: "A project used more tokens in an hour than the threshold", ..OFF },
    Builtin { name: "user_requests", signal: "user_requests", category: "traffic", by: By::User, threshold: 1_000.0,
        description: "An end user caused more events in an hour than the threshold", ..OFF },
    Builtin { name: "traffic_spike", signal: "traffic_spike", category: "traffic", event_type: LLM, threshold: 8.0, min_samples: 1,
        history: Some(Count), floor: 1_000.0, description: "A project made far more calls in an hour than is usual for it", ..OFF },
    Builtin { name: "traffic_drop", signal: "traffic_drop", category: "traffic", event_type: LLM, below: true, threshold: 4.0,
        history: Some(Count), floor: 100.0, description: "A project made far fewer calls in an hour than is usual for it", ..OFF },
    Builtin { name: "no_traffic", signal: "no_traffic", category: "traffic", event_type: LLM, below: true, minutes: 15, threshold: 1.0,
        description: "A project that made calls since yesterday made none in the window", ..OFF },
    Builtin { name: "mean_toxicity", signal: "high_toxicity", category: "quality", severity: Medium, event_type: LLM, by: BY_MODEL_ROUTE, metric: Toxicity,
        threshold: 0.3, min_samples: 50, description: "Answers of a model and route are more toxic on average than the threshold", ..RULE },
    Builtin { name: "mean_hallucination_risk", signal: "hallucination_risk", category: "quality", event_type: LLM, by: BY_MODEL_ROUTE,
        metric: HallucinationRisk, threshold: 0.6, min_samples: 50,
        description: "Answers of a model and route have a higher hallucination risk on average than the threshold", ..OFF },
    Builtin { name: "mean_coherence", signal: "quality_degradation", category: "quality", event_type: LLM, by: BY_MODEL_ROUTE, below: true, metric: Coherence,
        threshold: 0.3, min_samples: 50, description: "Answers of a model and route are less coherent on average than the threshold", ..OFF },
    Builtin { name: "quality_degradation", signal: "quality_degradation", category: "quality", severity: Medium, event_type: LLM, by: BY_MODEL_ROUTE, below: true,
        metric: Coherence, threshold: 6.0, min_samples: 50, history: Some(Coherence), floor: 0.1,
        description: "Answers of a model and route are far less coherent than is usual for them", ..RULE },
];

/// Every built-in window rule.
pub fn all() -> impl Iterator<Item = WindowRule> {
    TABLE.iter().map(Builtin::rule)
}

pub fn find(name: &str) -> Option<WindowRule> {
    TABLE.iter().find(|builtin| builtin.name == name).map(Builtin::rule)
}

/// Whether signals of a built-in rule are called so.
pub fn is_signal(name: &str) -> bool {
    TABLE.iter().any(|builtin| builtin.signal == name)
}

impl Builtin {
    fn rule(&self) -> WindowRule {
        let filter = [(Dimension::EventType, self.event_type), (Dimension::Status, self.status)];
        let filter = filter.into_iter().filter_map(|(column, value)| Some((column, vec![value?.to_owned()])));
        WindowRule {
            name: self.name.to_owned(),
            signal: self.signal.to_owned(),
            category: self.category.to_owned(),
            description: self.description.to_owned(),
            severity: self.severity,
            enabled: self.enabled,
            metric: self.metric,
            filter: filter.collect(),
            group_by: match self.by {
                By::Columns(columns) => Grouping::Columns(columns.to_vec()),
                By::User => Grouping::User,
            },
            minutes: self.minutes,
            below: self.below,
            warn: None,
            threshold: self.threshold,
            min_samples: self.min_samples,
            no_data: self.no_data,
            for_minutes: self.for_minutes,
            recover: None,
            renotify_minutes: None,
            resolve_minutes: super::state::RESOLVE_MINUTES,
            history: self.history,
            floor: self.floor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::RULES;
    use crate::signal::window::edit;

    #[test]
    fn forty_rules_and_more_are_built_in_each_with_its_own_name() {
        let mut names: Vec<String> = all().map(|rule| rule.name).collect();
        names.extend(RULES.iter().map(|rule| rule.name.to_owned()));
        assert!(names.len() >= 40, "{}", names.len());
        let before = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), before);
    }

    #[test]
    fn what_comes_with_observa_passes_the_checks_of_what_tenants_write() {
        for rule in all() {
            assert_eq!(edit::check(&rule), Ok(()), "{}", rule.name);
            assert!(
                !rule.description.is_empty() && !rule.category.is_empty() && !rule.signal.is_empty(),
                "{}",
                rule.name
            );
        }
    }
}
