//! Rules over the rollups: what a metric was over a window, for each group that a rule tells apart. [`builtin`] lists those that
//! come with Observa, [`edit`] reads what a tenant has changed or added, [`measure`] adds rows of the rollups up over a [`span`],
//! [`baseline`] says what is usual, [`state`] what follows from a reading, and [`replay`] what would have followed.

pub mod baseline;
pub mod builtin;
pub mod edit;
pub mod measure;
pub mod replay;
pub mod span;
pub mod state;

use crate::signal::Severity;

/// What is measured of the events of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Metric {
    Count,
    ErrorRate,
    P50Latency,
    P95Latency,
    P99Latency,
    P95Ttft,
    Tokens,
    Cost,
    Coherence,
    Toxicity,
    HallucinationRisk,
    Users,
}

impl Metric {
    pub const ALL: [Metric; 12] = [
        Metric::Count,
        Metric::ErrorRate,
        Metric::P50Latency,
        Metric::P95Latency,
        Metric::P99Latency,
        Metric::P95Ttft,
        Metric::Tokens,
        Metric::Cost,
        Metric::Coherence,
        Metric::Toxicity,
        Metric::HallucinationRisk,
        Metric::Users,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Metric::Count => "count",
            Metric::ErrorRate => "error_rate",
            Metric::P50Latency => "p50_latency",
            Metric::P95Latency => "p95_latency",
            Metric::P99Latency => "p99_latency",
            Metric::P95Ttft => "p95_ttft",
            Metric::Tokens => "tokens",
            Metric::Cost => "cost",
            Metric::Coherence => "coherence",
            Metric::Toxicity => "toxicity",
            Metric::HallucinationRisk => "hallucination_risk",
            Metric::Users => "users",
        }
    }

    pub fn from_name(name: &str) -> Option<Metric> {
        Metric::ALL.into_iter().find(|metric| metric.name() == name)
    }

    pub fn unit(self) -> &'static str {
        match self {
            Metric::Count => "events",
            Metric::ErrorRate => "share of the events",
            Metric::P50Latency | Metric::P95Latency | Metric::P99Latency | Metric::P95Ttft => "ms",
            Metric::Tokens => "tokens",
            Metric::Cost => "USD",
            Metric::Coherence | Metric::Toxicity | Metric::HallucinationRisk => "score",
            Metric::Users => "users",
        }
    }

    /// It grows with the window: of a window that is not over yet it is too small. No events make it 0.
    pub fn is_sum(self) -> bool {
        matches!(self, Metric::Count | Metric::Tokens | Metric::Cost | Metric::Users)
    }

    /// It is of answers' scores, of which users and tags have none.
    pub fn is_score(self) -> bool {
        matches!(self, Metric::Coherence | Metric::Toxicity | Metric::HallucinationRisk)
    }

    pub fn is_latency(self) -> bool {
        matches!(self, Metric::P50Latency | Metric::P95Latency | Metric::P99Latency | Metric::P95Ttft)
    }

    /// It lies between 0 and 1.
    pub fn is_share(self) -> bool {
        self == Metric::ErrorRate || self.is_score()
    }
}

/// A column of the rollups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dimension {
    EventType,
    Environment,
    Provider,
    Model,
    Route,
    ToolName,
    Version,
    Status,
}

impl Dimension {
    pub const ALL: [Dimension; 8] = [
        Dimension::EventType,
        Dimension::Environment,
        Dimension::Provider,
        Dimension::Model,
        Dimension::Route,
        Dimension::ToolName,
        Dimension::Version,
        Dimension::Status,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Dimension::EventType => "event_type",
            Dimension::Environment => "environment",
            Dimension::Provider => "provider",
            Dimension::Model => "model",
            Dimension::Route => "route",
            Dimension::ToolName => "tool_name",
            Dimension::Version => "version",
            Dimension::Status => "status",
        }
    }

    pub fn from_name(name: &str) -> Option<Dimension> {
        Dimension::ALL.into_iter().find(|dimension| dimension.name() == name)
    }
}

/// What a rule's groups are, beside project and environment, which are always told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grouping {
    Columns(Vec<Dimension>),
    User,
    Tag(String),
}

impl Grouping {
    /// As `group_by` has them.
    pub fn names(&self) -> Vec<String> {
        match self {
            Grouping::Columns(columns) => columns.iter().map(|column| column.name().to_owned()).collect(),
            Grouping::User => vec!["user_id".to_owned()],
            Grouping::Tag(tag) => vec![format!("tag:{tag}")],
        }
    }
}

/// What it means that a group has fewer samples than the rule needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoData {
    /// Nothing is said; what was about to be raised begins anew.
    Ignore,
    /// All is well.
    Ok,
    /// As bad as what is over the threshold.
    Alert,
    /// What was goes on.
    Keep,
}

impl NoData {
    pub const ALL: [NoData; 4] = [NoData::Ignore, NoData::Ok, NoData::Alert, NoData::Keep];

    pub fn name(self) -> &'static str {
        match self {
            NoData::Ignore => "ignore",
            NoData::Ok => "ok",
            NoData::Alert => "alert",
            NoData::Keep => "keep",
        }
    }

    pub fn from_name(name: &str) -> Option<NoData> {
        NoData::ALL.into_iter().find(|mode| mode.name() == name)
    }
}

/// The rollups that a rule is measured by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// By every name; no users.
    Series,
    /// By project, environment and type of event alone.
    Totals,
    /// By end user, in whole hours.
    Users,
    /// By the value of a tag, in whole hours.
    Tag(String),
}

/// A rule as it holds for some projects of a tenant.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowRule {
    pub name: String,
    /// What its signals and alerts are called: several rules may tell of one problem.
    pub signal: String,
    /// The signals' `type`.
    pub category: String,
    pub description: String,
    pub severity: Severity,
    pub enabled: bool,
    pub metric: Metric,
    /// A column has one of the values.
    pub filter: Vec<(Dimension, Vec<String>)>,
    pub group_by: Grouping,
    pub minutes: u32,
    /// Bad is what is below a threshold, not above it.
    pub below: bool,
    /// In the metric's unit; of a rule against history in robust standard deviations. None: it does not warn before.
    pub warn: Option<f64>,
    /// As `warn`.
    pub threshold: f64,
    /// With fewer there are no data.
    pub min_samples: i64,
    pub no_data: NoData,
    /// How long it has to be bad without a break. 0: at once.
    pub for_minutes: u32,
    /// In the metric's unit: what was bad is so until it has passed this. None: until it has passed the threshold.
    pub recover: Option<f64>,
    /// How often webhooks are told again of an alert that nobody has acknowledged. None: never.
    pub renotify_minutes: Option<u32>,
    /// How long it has to be healthy until its alert resolves itself. 0: a person resolves it.
    pub resolve_minutes: u32,
    /// It is compared with what is usual for the group, by the metric of the past that this names.
    pub history: Option<Metric>,
    /// The least difference from what is usual that counts, in the metric's unit.
    pub floor: f64,
}

impl WindowRule {
    pub fn source(&self) -> Source {
        let only = |dimension: &Dimension| matches!(dimension, Dimension::EventType | Dimension::Environment);
        match &self.group_by {
            Grouping::User => Source::Users,
            Grouping::Tag(tag) => Source::Tag(tag.clone()),
            Grouping::Columns(columns)
                if columns.iter().all(only) && self.filter.iter().all(|(column, _)| only(column)) =>
            {
                Source::Totals
            }
            Grouping::Columns(_) => Source::Series,
        }
    }

    /// Only what is over can be too little: what a running minute adds may be still to come.
    pub fn needs_whole_minutes(&self) -> bool {
        self.below && self.metric.is_sum()
    }

    pub fn span(&self, now: i64) -> span::Span {
        match self.source() {
            Source::Users | Source::Tag(_) => span::Span::of_clock_hours(now, self.minutes),
            _ if self.needs_whole_minutes() => span::Span::of_whole_minutes(now, self.minutes),
            _ => span::Span::to_now(now, self.minutes),
        }
    }

    /// Whether a value is on the bad side of a limit.
    pub fn is_beyond(&self, value: f64, limit: f64) -> bool {
        if self.below { value < limit } else { value > limit }
    }

    /// Of what is no alert yet.
    pub fn severity_of(&self, level: state::Level) -> Severity {
        match (level, self.severity) {
            (state::Level::Alert, severity) => severity,
            (_, Severity::High) => Severity::Medium,
            _ => Severity::Low,
        }
    }
}
