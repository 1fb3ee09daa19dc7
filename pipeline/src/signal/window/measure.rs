//! Rows of the rollups, added up over a span, by the groups of a rule.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use super::baseline::{self, Usual};
use super::edit::Scoped;
use super::state::{Level, Reading};
use super::{Dimension, Grouping, Metric, WindowRule};
use crate::distinct::Distinct;
use crate::histogram::Latencies;

/// What rows of the rollups are told apart by.
#[derive(Clone, Debug, Default)]
pub struct Names {
    pub project_id: Uuid,
    /// As [`Dimension::ALL`] has them; None: the source does not know it, or the event did not say.
    pub columns: [Option<String>; 8],
    /// The end user, or the value of a tag.
    pub key: Option<String>,
}

impl Names {
    pub fn environment(&self) -> &str {
        self.column(Dimension::Environment).unwrap_or_default()
    }

    fn column(&self, dimension: Dimension) -> Option<&str> {
        self.columns.get(dimension as usize)?.as_deref()
    }
}

/// What a rule's state and its alert are about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group {
    pub project_id: Uuid,
    pub environment: String,
    /// As `model=gpt-4o route=/chat`.
    pub text: String,
}

/// Counts and sums.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub events: i64,
    /// Failed or timed out.
    pub bad: i64,
    pub tokens: i64,
    pub cost_usd: f64,
    /// Sum of scores, and how many.
    pub coherence: (f64, i64),
    pub toxicity: (f64, i64),
    pub hallucination_risk: (f64, i64),
}

impl Counts {
    fn add(&mut self, other: &Counts) {
        self.events = self.events.saturating_add(other.events);
        self.bad = self.bad.saturating_add(other.bad);
        self.tokens = self.tokens.saturating_add(other.tokens);
        self.cost_usd += other.cost_usd;
        for (ours, theirs) in [
            (&mut self.coherence, other.coherence),
            (&mut self.toxicity, other.toxicity),
            (&mut self.hallucination_risk, other.hallucination_risk),
        ] {
            *ours = (ours.0 + theirs.0, ours.1.saturating_add(theirs.1));
        }
    }
}

/// A row of the rollups; histograms and sketches as the bytes that they are stored as.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub counts: Counts,
    pub latency: Option<Vec<u8>>,
    pub ttft: Option<Vec<u8>>,
    pub users: Option<Vec<u8>>,
}

/// Rows together.
#[derive(Clone, Debug, Default)]
pub struct Sum {
    pub counts: Counts,
    pub latency: Option<Latencies>,
    pub ttft: Option<Latencies>,
    pub users: Option<Distinct>,
}

impl Sum {
    /// Bytes that are none are left out: the fold tells of them.
    pub fn add_row(&mut self, row: &Row) {
        self.counts.add(&row.counts);
        for (ours, theirs) in [(&mut self.latency, &row.latency), (&mut self.ttft, &row.ttft)] {
            if let Some(bytes) = theirs {
                let _ = ours.get_or_insert_default().merge_bytes(bytes);
            }
        }
        let users = row.users.as_ref().and_then(|bytes| Distinct::from_bytes(bytes).ok());
        merge(&mut self.users, users.as_ref(), Distinct::merge);
    }

    /// What a metric is made of: histograms and sketches are dear.
    pub fn add_for(&mut self, metric: Metric, other: &Sum) {
        self.counts.add(&other.counts);
        match metric {
            Metric::P50Latency | Metric::P95Latency | Metric::P99Latency => {
                merge(&mut self.latency, other.latency.as_ref(), Latencies::merge);
            }
            Metric::P95Ttft => merge(&mut self.ttft, other.ttft.as_ref(), Latencies::merge),
            Metric::Users => merge(&mut self.users, other.users.as_ref(), Distinct::merge),
            _ => {}
        }
    }

    /// None: nothing is known of it.
    pub fn value(&self, metric: Metric) -> Option<f64> {
        let share = |part: f64, whole: i64| (whole > 0).then(|| part / whole as f64);
        let quantile =
            |latencies: &Option<Latencies>, q| latencies.as_ref().and_then(|found| found.quantile_ms(q));
        match metric {
            Metric::Count => Some(self.counts.events.max(0) as f64),
            Metric::ErrorRate => share(self.counts.bad as f64, self.counts.events),
            Metric::P50Latency => quantile(&self.latency, 0.5),
            Metric::P95Latency => quantile(&self.latency, 0.95),
            Metric::P99Latency => quantile(&self.latency, 0.99),
            Metric::P95Ttft => quantile(&self.ttft, 0.95),
            Metric::Tokens => Some(self.counts.tokens.max(0) as f64),
            Metric::Cost => Some(self.counts.cost_usd.max(0.0)),
            Metric::Coherence => share(self.counts.coherence.0, self.counts.coherence.1),
            Metric::Toxicity => share(self.counts.toxicity.0, self.counts.toxicity.1),
            Metric::HallucinationRisk => {
                share(self.counts.hallucination_risk.0, self.counts.hallucination_risk.1)
            }
            Metric::Users => Some(self.users.as_ref().map_or(0.0, |users| users.count() as f64)),
        }
    }

    /// How many the value is made of.
    pub fn samples(&self, metric: Metric) -> i64 {
        let count = |latencies: &Option<Latencies>| {
            latencies.as_ref().map_or(0, |found| i64::try_from(found.count()).unwrap_or(i64::MAX))
        };
        match metric {
            Metric::Count | Metric::ErrorRate | Metric::Tokens | Metric::Cost | Metric::Users => {
                self.counts.events
            }
            Metric::P50Latency | Metric::P95Latency | Metric::P99Latency => count(&self.latency),
            Metric::P95Ttft => count(&self.ttft),
            Metric::Coherence => self.counts.coherence.1,
            Metric::Toxicity => self.counts.toxicity.1,
            Metric::HallucinationRisk => self.counts.hallucination_risk.1,
        }
    }
}

fn merge<T: Clone>(ours: &mut Option<T>, theirs: Option<&T>, merge: fn(&mut T, &T)) {
    match (ours.as_mut(), theirs) {
        (Some(ours), Some(theirs)) => merge(ours, theirs),
        (None, Some(theirs)) => *ours = Some(theirs.clone()),
        (_, None) => {}
    }
}

/// By the place of their names.
pub type Sums = HashMap<usize, Sum>;

/// The group of a rule that rows with these names belong to. None: the rule does not count them.
pub fn group(scoped: &Scoped, names: &Names) -> Option<Group> {
    let rule = &scoped.rule;
    let passes = |(column, values): &(Dimension, Vec<String>)| {
        names.column(*column).is_some_and(|found| values.iter().any(|value| value == found))
    };
    if !scoped.holds_for(names.project_id) || !rule.filter.iter().all(passes) {
        return None;
    }
    Some(Group {
        project_id: names.project_id,
        environment: names.environment().to_owned(),
        text: group_text(&rule.group_by, names),
    })
}

fn group_text(group_by: &Grouping, names: &Names) -> String {
    let named = |name: &str| format!("{name}={}", names.key.as_deref().unwrap_or_default());
    match group_by {
        Grouping::User => named("user_id"),
        Grouping::Tag(tag) => named(tag),
        Grouping::Columns(columns) => {
            let parts = columns
                .iter()
                .filter_map(|column| Some(format!("{}={}", column.name(), names.column(*column)?)));
            parts.collect::<Vec<_>>().join(" ")
        }
    }
}

/// The sums of each group of a rule. Groups without rows are there where a rule has to know of silence.
pub fn groups(scoped: &Scoped, names: &[Names], sums: &Sums) -> BTreeMap<Group, Sum> {
    let hears_silence = scoped.rule.needs_whole_minutes() || scoped.rule.no_data == super::NoData::Alert;
    let mut groups: BTreeMap<Group, Sum> = BTreeMap::new();
    for (place, names) in names.iter().enumerate() {
        let sum = sums.get(&place);
        if sum.is_none() && !hears_silence {
            continue;
        }
        let Some(group) = group(scoped, names) else { continue };
        let ours = groups.entry(group).or_default();
        if let Some(sum) = sum {
            ours.add_for(scoped.rule.metric, sum);
        }
    }
    groups
}

/// What a rule makes of a group's sums. None: they are too few, or nothing is usual yet.
pub fn reading(rule: &WindowRule, sum: &Sum, usual: Option<&Usual>) -> Option<Reading> {
    let samples = sum.samples(rule.metric);
    let value = sum.value(rule.metric).filter(|_| samples >= rule.min_samples)?;
    let limit = |threshold: f64| match rule.history {
        Some(_) => usual.map(|usual| baseline::limit(rule, usual, threshold, samples)),
        None => Some(threshold),
    };
    Some(Reading {
        value,
        samples,
        warn: rule.warn.and_then(limit),
        threshold: limit(rule.threshold)?,
        usual: usual.copied(),
    })
}

/// What a group's metric was in an hour of the past. None: it had too few samples to say.
pub fn past_value(rule: &WindowRule, sum: &Sum) -> Option<f64> {
    let metric = rule.history?;
    let few = rule.min_samples.max(1);
    (sum.samples(metric) >= few).then(|| sum.value(metric)).flatten()
}

/// The model and the route that a group is of, where the rule tells them apart.
pub fn model_and_route(scoped: &Scoped, names: &[Names], wanted: &Group) -> (Option<String>, Option<String>) {
    let Grouping::Columns(columns) = &scoped.rule.group_by else { return (None, None) };
    let Some(found) = names.iter().find(|names| group(scoped, names).as_ref() == Some(wanted)) else {
        return (None, None);
    };
    let of = |dimension| {
        columns.contains(&dimension).then(|| found.column(dimension).map(str::to_owned)).flatten()
    };
    (of(Dimension::Model), of(Dimension::Route))
}

/// In words: the value, what it was made of, and what it was compared with.
pub fn explain(rule: &WindowRule, reading: Option<&Reading>, level: Level) -> String {
    let (metric, unit, minutes) = (rule.metric.name(), rule.metric.unit(), rule.minutes);
    let Some(reading) = reading else {
        return format!("{metric}: fewer than {} samples in {minutes} minutes", rule.min_samples);
    };
    let limit =
        if level == Level::Warn { reading.warn.unwrap_or(reading.threshold) } else { reading.threshold };
    let side = if rule.below { "under" } else { "over" };
    let usual = reading.usual.map_or(String::new(), |usual| {
        format!("; usual is {}, of {} earlier hours", short(usual.median), usual.windows)
    });
    let of = if rule.metric.is_sum() { String::new() } else { format!(" of {} samples", reading.samples) };
    format!(
        "{metric} {}{of} in {minutes} minutes is {side} {} ({unit}){usual}",
        short(reading.value),
        short(limit)
    )
}

/// With the digits that tell something.
fn short(value: f64) -> String {
    let digits = match value.abs() {
        100.0.. => 0,
        1.0.. => 2,
        _ => 4,
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
