//! A replayed week of an application: 25 planted incidents of different kinds, and the same week without them. Four weeks before it
//! are the history.

#![allow(clippy::unwrap_used)]

use observa_pipeline::histogram::Latencies;
use observa_pipeline::rollup::Resolution;
use observa_pipeline::signal::Severity;
use observa_pipeline::signal::window::edit::Scoped;
use observa_pipeline::signal::window::measure::{self, Names, Row, Sums};
use observa_pipeline::signal::window::replay::{Histories, Past, replay};
use observa_pipeline::signal::window::state::Act;
use observa_pipeline::signal::window::{Dimension, Source, WindowRule, builtin};

/// Microseconds.
const MINUTE: i64 = 60_000_000;
const DAY: i64 = 1_440;
const WEEK: i64 = 7 * DAY;
/// Minutes since 1970 UTC, a Thursday: the week begins after the four of history.
const START: i64 = 4 * WEEK;
const END: i64 = START + WEEK;
/// From here on there are rows of minutes, for the windows that the week begins with.
const BEFORE: i64 = START - 120;

/// Random numbers that are the same on every machine (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Exponentially distributed, 1 on average.
    fn wait(&mut self) -> f64 {
        -self.roll().max(1e-9).ln()
    }
}

/// What the application does all the time.
struct Service {
    event_type: &'static str,
    /// A model, or a tool.
    name: &'static str,
    route: Option<&'static str>,
    version: &'static str,
    /// A minute of a working day.
    calls: f64,
    usd: f64,
    tokens: f64,
    ms: f64,
}

const fn model(
    name: &'static str,
    route: &'static str,
    calls: f64,
    usd: f64,
    tokens: f64,
    ms: f64,
) -> Service {
    Service { event_type: "llm_call", name, route: Some(route), version: "1.0", calls, usd, tokens, ms }
}

const fn tool(name: &'static str, calls: f64, ms: f64) -> Service {
    Service { event_type: "tool_call", name, route: None, version: "1.0", calls, usd: 0.0, tokens: 0.0, ms }
}

static SERVICES: [Service; 7] = [
    model("gpt-4o", "/chat", 10.0, 0.02, 3_000.0, 900.0),
    model("gpt-4o-mini", "/search", 20.0, 0.002, 1_500.0, 350.0),
    model("claude-sonnet", "/summary", 5.0, 0.05, 8_000.0, 2_500.0),
    model("gemini-flash", "/agent", 8.0, 0.004, 5_000.0, 600.0),
    tool("web_search", 12.0, 800.0),
    tool("sql", 9.0, 60.0),
    tool("http_get", 8.0, 300.0),
];

/// How a service's minute differs from what is usual; 1: not at all.
#[derive(Clone, Copy)]
struct Odd {
    calls: f64,
    usd: f64,
    tokens: f64,
    ms: f64,
    ttft: f64,
    /// Shares of the calls.
    errors: f64,
    timeouts: f64,
    coherence: f64,
    toxicity: f64,
}

/// One call in 50 fails, one in 200 times out.
const USUAL: Odd = Odd {
    calls: 1.0,
    usd: 1.0,
    tokens: 1.0,
    ms: 1.0,
    ttft: 1.0,
    errors: 0.02,
    timeouts: 0.005,
    coherence: 0.8,
    toxicity: 0.03,
};

struct Incident {
    what: &'static str,
    /// Whom it befalls. None: all.
    service: Option<&'static str>,
    /// Day of the week from 0, hour, and how many minutes it lasts.
    at: (i64, i64, i64),
    odd: Odd,
    /// A rule that tells of it.
    rule: &'static str,
}

const INCIDENTS: [Incident; 25] = {
    const fn to(
        what: &'static str,
        service: &'static str,
        at: (i64, i64, i64),
        odd: Odd,
        rule: &'static str,
    ) -> Incident {
        Incident { what, service: Some(service), at, odd, rule }
    }
    const fn all(what: &'static str, at: (i64, i64, i64), odd: Odd, rule: &'static str) -> Incident {
        Incident { what, service: None, at, odd, rule }
    }
    const U: Odd = USUAL;
    [
        to(
            "a tool's upstream is half down",
            "web_search",
            (0, 9, 20),
            Odd { errors: 0.6, ..U },
            "error_rate_by_tool",
        ),
        to("a model's cost explodes", "gpt-4o", (0, 12, 60), Odd { usd: 12.0, ..U }, "cost_anomaly"),
        to("a provider slows down", "gpt-4o-mini", (0, 17, 40), Odd { ms: 4.0, ..U }, "latency_anomaly"),
        to(
            "a provider is out",
            "claude-sonnet",
            (0, 21, 15),
            Odd { errors: 1.0, ..U },
            "mostly_failing_by_model",
        ),
        to(
            "a few calls of a model fail",
            "gpt-4o-mini",
            (1, 8, 40),
            Odd { errors: 0.16, ..U },
            "error_rate_anomaly",
        ),
        all("answers fall apart", (1, 11, 90), Odd { coherence: 0.35, ..U }, "quality_degradation"),
        to("a database does not answer", "sql", (1, 15, 20), Odd { timeouts: 0.9, ..U }, "timeouts_by_tool"),
        to("prompts have grown", "gemini-flash", (1, 18, 90), Odd { tokens: 9.0, ..U }, "token_anomaly"),
        all("nobody can reach the application", (2, 9, 40), Odd { calls: 0.0, ..U }, "no_traffic"),
        to("a model's region is overloaded", "gpt-4o", (2, 13, 45), Odd { ms: 6.0, ..U }, "latency_anomaly"),
        to(
            "a tool's key has expired",
            "http_get",
            (2, 17, 25),
            Odd { errors: 1.0, ..U },
            "mostly_failing_by_tool",
        ),
        to(
            "a batch job uses the dear model",
            "claude-sonnet",
            (2, 21, 90),
            Odd { calls: 9.0, ..U },
            "cost_anomaly",
        ),
        all("answers are toxic", (3, 9, 80), Odd { toxicity: 0.6, ..U }, "mean_toxicity"),
        to(
            "a model's first token is late",
            "gpt-4o",
            (3, 12, 40),
            Odd { ttft: 30.0, ..U },
            "slow_first_token",
        ),
        to(
            "half of a model's calls fail",
            "gemini-flash",
            (3, 15, 20),
            Odd { errors: 0.5, ..U },
            "error_rate_by_model",
        ),
        all("a crawler is let in", (3, 18, 80), Odd { calls: 7.0, ..U }, "traffic_spike"),
        to(
            "a tool fails on a Monday night",
            "web_search",
            (4, 2, 40),
            Odd { errors: 0.7, ..U },
            "mostly_failing_by_tool",
        ),
        all("a router sends little", (4, 10, 120), Odd { calls: 0.08, ..U }, "traffic_drop"),
        to(
            "a long context slows a model",
            "claude-sonnet",
            (4, 16, 60),
            Odd { ms: 5.0, ..U },
            "latency_anomaly",
        ),
        to("caching was switched off", "gpt-4o-mini", (5, 9, 120), Odd { usd: 8.0, ..U }, "cost_anomaly"),
        all(
            "a deploy breaks a fourth and more",
            (5, 14, 20),
            Odd { errors: 0.4, ..U },
            "error_rate_by_version",
        ),
        to(
            "a database is slow to refuse",
            "sql",
            (5, 17, 20),
            Odd { errors: 0.5, ..U },
            "error_rate_by_tool",
        ),
        to("an agent reads whole files", "gpt-4o", (6, 8, 90), Odd { tokens: 8.0, ..U }, "token_anomaly"),
        all(
            "a new prompt confuses the models",
            (6, 12, 90),
            Odd { coherence: 0.45, ..U },
            "quality_degradation",
        ),
        to(
            "a model is rate limited",
            "gemini-flash",
            (6, 17, 30),
            Odd { errors: 0.8, ..U },
            "error_rate_by_model",
        ),
    ]
};

impl Incident {
    fn since(&self) -> i64 {
        START + self.at.0 * DAY + self.at.1 * 60
    }

    fn until(&self) -> i64 {
        self.since() + self.at.2
    }

    /// Afterwards a window still has some of it, and what it was compared with is not usual.
    fn is_felt(&self, minute: i64) -> bool {
        (self.since()..self.until() + 125).contains(&minute)
    }
}

/// A service's calls of a minute, by status.
fn minute(service: &Service, at: i64, odd: &Odd, dice: &mut Dice) -> [(&'static str, Row); 3] {
    let (hour, weekend) = (at / 60 % 24, (at / DAY + 3) % 7 >= 5);
    let busy = if weekend { 0.4 } else { 1.0 }
        * (1.0 + 0.7 * ((hour - 14) as f64 / 24.0 * std::f64::consts::TAU).cos());
    let calls = (service.calls * odd.calls * busy * (0.6 + 0.8 * dice.roll())).round() as i64;
    let mut rows = ["ok", "error", "timeout"].map(|status| (status, Row::default()));
    let mut latencies = [Latencies::new(), Latencies::new(), Latencies::new()];
    let mut firsts = [Latencies::new(), Latencies::new(), Latencies::new()];
    for _ in 0..calls {
        let fate = dice.roll();
        let which = if fate < odd.timeouts { 2 } else { usize::from(fate < odd.timeouts + odd.errors) };
        let counts = &mut rows[which].1.counts;
        counts.events += 1;
        counts.bad += i64::from(which > 0);
        // Dear calls are rare, and much dearer.
        counts.cost_usd += service.usd * odd.usd * (0.2 + 0.4 * dice.wait().powi(2));
        counts.tokens += (service.tokens * odd.tokens * (0.5 + dice.roll())) as i64;
        let ms = service.ms * odd.ms * (0.5 + 0.5 * dice.wait());
        latencies[which].record_ms(ms);
        if service.event_type == "llm_call" && which == 0 {
            firsts[which].record_ms(ms * 0.3 * odd.ttft);
            counts.coherence =
                (counts.coherence.0 + odd.coherence + 0.2 * (dice.roll() - 0.5), counts.coherence.1 + 1);
            counts.toxicity = (counts.toxicity.0 + odd.toxicity * 2.0 * dice.roll(), counts.toxicity.1 + 1);
        }
    }
    for (((_, row), latency), first) in rows.iter_mut().zip(&latencies).zip(&firsts) {
        row.latency = (!latency.is_empty()).then(|| latency.to_bytes());
        row.ttft = (!first.is_empty()).then(|| first.to_bytes());
    }
    rows
}

/// Rows of a source, as the rollups have them.
#[derive(Default)]
struct Rows {
    names: Vec<Names>,
    minutes: Vec<(i64, usize, Row)>,
    histories: Histories,
    of_hour: Sums,
}

impl Rows {
    fn place(&mut self, columns: &[(Dimension, Option<&str>)]) -> usize {
        let mut names = Names::default();
        for (dimension, value) in columns {
            names.columns[*dimension as usize] = value.map(str::to_owned);
        }
        let found = self.names.iter().position(|known| known.columns == names.columns);
        found.unwrap_or_else(|| {
            self.names.push(names);
            self.names.len() - 1
        })
    }

    fn add(&mut self, at: i64, place: usize, row: Row) {
        self.of_hour.entry(place).or_default().add_row(&row);
        if at >= BEFORE {
            self.minutes.push((at, place, row));
        }
    }

    fn end_hour(&mut self, at: i64, rules: &[Scoped]) {
        let sums = std::mem::take(&mut self.of_hour);
        self.histories.add(rules, &self.names, at / 60, &sums);
    }

    /// What a rule reads of them: latencies are dear to add up.
    fn past(&self, scoped: &Scoped) -> Past {
        let mut past = Past::default();
        past.names.clone_from(&self.names);
        for (at, place, row) in &self.minutes {
            if measure::group(scoped, &self.names[*place]).is_some() {
                let is_latency = scoped.rule.metric.is_latency();
                let row = if is_latency { row.clone() } else { Row { counts: row.counts, ..Row::default() } };
                past.add(Resolution::Minute, *at, *place, row);
            }
        }
        past
    }
}

/// Those that are on, and those that somebody would switch on who knows the application.
fn rules() -> Vec<Scoped> {
    let chosen = ["timeouts_by_tool", "no_traffic", "traffic_spike", "traffic_drop", "slow_first_token"];
    let rules = builtin::all().filter(|rule| rule.enabled || chosen.contains(&rule.name.as_str()));
    rules
        .map(|rule| Scoped { rule: WindowRule { enabled: true, ..rule }, only: None, except: Vec::new() })
        .collect()
}

/// What raised alerts in the week, in minutes, by the rule's name.
fn raised(seed: u64, incidents: &[Incident]) -> Vec<(i64, String)> {
    let rules = rules();
    let (totals, series): (Vec<Scoped>, Vec<Scoped>) =
        rules.into_iter().partition(|scoped| scoped.rule.source() == Source::Totals);
    let (mut of_totals, mut of_series) = (Rows::default(), Rows::default());
    let mut dice = Dice(seed);
    let environment = (Dimension::Environment, Some("prod"));
    // Of the history hours are enough: one is drawn at once.
    for at in (59..BEFORE).step_by(60).chain(BEFORE..END) {
        for service in &SERVICES {
            let befalls = |incident: &&Incident| {
                (incident.since()..incident.until()).contains(&at)
                    && incident.service.is_none_or(|name| name == service.name)
            };
            let mut odd = incidents.iter().find(befalls).map_or(USUAL, |incident| incident.odd);
            odd.calls *= if at < BEFORE { 60.0 } else { 1.0 };
            let event_type = (Dimension::EventType, Some(service.event_type));
            let place = of_totals.place(&[environment, event_type]);
            for (status, row) in minute(service, at, &odd, &mut dice) {
                if row.counts.events == 0 {
                    continue;
                }
                of_totals.add(at, place, row.clone());
                let is_tool = service.event_type == "tool_call";
                let place = of_series.place(&[
                    environment,
                    event_type,
                    (Dimension::Model, (!is_tool).then_some(service.name)),
                    (Dimension::ToolName, is_tool.then_some(service.name)),
                    (Dimension::Route, service.route),
                    (Dimension::Version, Some(service.version)),
                    (Dimension::Status, Some(status)),
                ]);
                of_series.add(at, place, row);
            }
        }
        if at % 60 == 59 {
            of_totals.end_hour(at, &totals);
            of_series.end_hour(at, &series);
        }
    }
    let mut raised = Vec::new();
    for (scoped, rows) in
        totals.iter().map(|rule| (rule, &of_totals)).chain(series.iter().map(|rule| (rule, &of_series)))
    {
        let times = (START..END).map(|minute| minute * MINUTE + MINUTE / 2);
        for happened in replay(scoped, &rows.past(scoped), &rows.histories, times) {
            if let Act::Raise(level) = happened.act
                && scoped.rule.severity_of(level) > Severity::Low
            {
                raised.push((happened.at / MINUTE, scoped.rule.name.clone()));
            }
        }
    }
    raised.sort_unstable();
    raised
}

#[test]
fn a_clean_week_raises_nothing() {
    assert_eq!(raised(5, &[]), []);
}

/// Within two windows of the rule, as it can't know before enough of a window is bad.
#[test]
fn each_of_25_incidents_is_alerted_in_time_with_at_most_one_false_alert_a_day() {
    let raised = raised(17, &INCIDENTS);
    let mut late = Vec::new();
    for incident in &INCIDENTS {
        let window = i64::from(builtin::find(incident.rule).unwrap().minutes);
        let mut of_rule = raised.iter().filter(|(_, rule)| rule == incident.rule);
        let found = of_rule
            .find(|(minute, _)| incident.is_felt(*minute))
            .map(|(minute, _)| minute - incident.since());
        println!("{:<34} {:<22} {:?} of {window} minutes", incident.what, incident.rule, found);
        if found.is_none_or(|minutes| minutes > 2 * window) {
            late.push((incident.what, incident.rule, found));
        }
    }
    assert_eq!(late, []);
    let is_false = |(minute, _): &&(i64, String)| !INCIDENTS.iter().any(|incident| incident.is_felt(*minute));
    let false_alerts: Vec<_> = raised.iter().filter(is_false).collect();
    println!("false: {false_alerts:?}");
    for day in 0..7 {
        let of_day = false_alerts.iter().filter(|(minute, _)| (minute - START) / DAY == day).count();
        assert!(of_day <= 1, "day {day}: {false_alerts:?}");
    }
}
